"""A8: which settlement calendars make sense, and when a window's run comes."""

from __future__ import annotations

import pytest

from oracle.model import WindowStart
from oracle.windows.calendar import REACH_WINDOWS_MAX, REVISIONS_MAX, Calendar, Ledger

WINDOW_S = 900


def test_the_contract_s_last_revision_is_the_calendar_s_limit() -> None:
    assert Calendar(revisions_max=REVISIONS_MAX).revisions_max == REVISIONS_MAX
    assert Calendar(revisions_max=0).revisions_max == 0


@pytest.mark.parametrize(
    ("period", "delays", "revisions", "why"),
    [
        (0, (4,), 3, "at least one window"),
        (4, (0,), 3, "at least one window"),
        (4, (8, 4), 3, "later than the one before"),
        (4, (4, 4), 3, "later than the one before"),
        (4, (4,), -1, "at most"),
        (4, (4,), REVISIONS_MAX + 1, "at most"),
        (4, (REACH_WINDOWS_MAX,), 3, "are kept for"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(
    period: int, delays: tuple[int, ...], revisions: int, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Calendar(period, delays, revisions)


def test_a_run_is_due_as_the_log_passes_its_time_and_only_then() -> None:
    calendar = Calendar(4, (4, 96), 3)
    window = WindowStart(5 * WINDOW_S)
    first_run_s = (8 + 4) * WINDOW_S
    assert not calendar.is_due(window, first_run_s - 2 * WINDOW_S, first_run_s - WINDOW_S, WINDOW_S)
    assert calendar.is_due(window, first_run_s - WINDOW_S, first_run_s, WINDOW_S)
    assert not calendar.is_due(window, first_run_s, first_run_s + WINDOW_S, WINDOW_S)
    assert calendar.is_due(window, first_run_s, (8 + 96) * WINDOW_S, WINDOW_S)


def test_a_run_that_the_log_skips_over_is_held_when_the_log_has_passed_it() -> None:
    """A void may speak of many windows: the log never comes to the one that a run begins at."""
    calendar = Calendar(4, (4, 96), 3)
    window = WindowStart(5 * WINDOW_S)
    first_run_s, second_run_s = (8 + 4) * WINDOW_S, (8 + 96) * WINDOW_S
    assert calendar.is_due(window, first_run_s - 2 * WINDOW_S, first_run_s + WINDOW_S, WINDOW_S)
    assert calendar.is_due(window, first_run_s, second_run_s + WINDOW_S, WINDOW_S)
    assert not calendar.is_due(window, second_run_s, second_run_s + 9 * WINDOW_S, WINDOW_S)


def test_a_ledger_that_skips_over_a_last_run_gives_its_windows_out_and_forgets_them_afterwards() -> None:
    ledger = Ledger(Calendar(2, (2,), 3), WINDOW_S)
    window = WindowStart(0)
    ledger.attest(window, bytes(32))
    assert ledger.move(WindowStart(WINDOW_S), WindowStart(7 * WINDOW_S)) == (window,)
    assert ledger.of(window) is not None
    assert ledger.move(WindowStart(7 * WINDOW_S), WindowStart(8 * WINDOW_S)) == ()
    assert ledger.of(window) is None
