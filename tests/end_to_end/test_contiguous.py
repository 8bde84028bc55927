"""What these tests take for a log without a gap, restatements included (A7, A8)."""

from __future__ import annotations

import pytest

from tests.end_to_end.town import Row, check_contiguous


def row(window: int, revision: int = 0, kind: str = "window", count: int = 1) -> Row:
    return {"window": window, "revision": revision, "kind": kind, "body": {"reason": 1, "count": count}}


@pytest.mark.parametrize(
    "rows",
    [
        [row(4), row(8), row(12)],
        [row(4), row(8), row(4, 1), row(12), row(4, 2), row(8, 1)],
        [row(4, kind="void"), row(8), row(4, 1)],
        [row(4, kind="void", count=3), row(16), row(8), row(8, 1), row(4, 1)],
        [row(0, 1), row(8), row(4, 2), row(12)],
    ],
    ids=["in order", "restated", "a void restated", "in a void of several", "begun amid a run"],
)
def test_a_log_without_a_gap_may_restate_what_it_settled(rows: list[Row]) -> None:
    check_contiguous(rows, 4)


@pytest.mark.parametrize(
    "rows",
    [
        [row(4), row(12)],
        [row(4), row(4)],
        [row(4), row(8, 1), row(8)],
        [row(4), row(8), row(4, 2)],
        [row(4), row(4, 1, kind="void")],
        [row(4, kind="void", count=3), row(16), row(8, 1)],
        [row(4), row(8), row(4, 1), row(12), row(4, 1)],
    ],
    ids=["a gap", "twice", "too early", "a revision left out", "taken back", "in a void", "a revision twice"],
)
def test_a_gap_or_a_revision_out_of_order_is_found(rows: list[Row]) -> None:
    with pytest.raises(AssertionError, match="window"):
        check_contiguous(rows, 4)
