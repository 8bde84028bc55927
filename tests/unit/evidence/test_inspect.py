"""A node looks through a window that others decided, and plans what it would submit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from consensus.encoding import encode
from oracle.audit.case import Expectations
from oracle.chain.filing import LEAVES_PER_TALLY, Filing, filing_of
from oracle.evidence.inspect import EVIDENCE_PER_WINDOW_MAX, inspect
from oracle.evidence.verify import Judgement, judge
from tests.unit.audit.world import WINDOW_S, item, registers
from tests.unit.evidence.attested import Town
from tests.unit.evidence.votes import A, B, file_of, vote


def found(town: Town) -> list[Judgement]:
    judged = [judge(data) for data in inspect(town.parts, WINDOW_S)]
    assert all(one.proven for one in judged)
    return judged


def kinds(town: Town) -> list[str]:
    return [one.evidence.kind.value for one in found(town) if one.evidence]


def bent_zone(town: Town) -> None:
    town.draft.bend_zone = lambda zone: replace(zone, import_wh=zone.import_wh + 1)


def bent_window(town: Town) -> None:
    town.draft.bend_summary = lambda summary: replace(summary, export_wh=summary.export_wh + 1)


LIES: dict[str, tuple[Callable[[Town], None], str]] = {
    "a register that is not the record's": (
        lambda town: town.lie(1, import_register_wh=1300, import_wh=300),
        "false-leaf",
    ),
    "energy that is not a difference": (lambda town: town.lie(2, import_wh=999), "false-sum"),
    "a first leaf with energy": (lambda town: town.lie(2, since=town.draft.leaves[2].window), "false-sum"),
    "a zone's total": (bent_zone, "false-sum"),
    "a window's total": (bent_window, "false-sum"),
}


def test_an_honest_window_gives_no_evidence() -> None:
    assert found(Town()) == []


@pytest.mark.parametrize("name", LIES)
def test_each_lie_is_found_and_becomes_evidence_that_is_proven(name: str) -> None:
    lie, kind = LIES[name]
    town = Town()
    lie(town)
    assert kind in kinds(town)


def test_a_lie_about_a_record_that_is_not_here_is_not_seen() -> None:
    town = Town()
    town.lie(1, import_register_wh=1300, import_wh=300)
    assert inspect(replace(town.parts, records=()), WINDOW_S) == ()


def test_a_window_full_of_lies_gives_no_more_evidence_than_is_of_use() -> None:
    town = Town()
    for point in (1, 2, 3):
        town.lie(point, import_wh=999)
    assert len(found(town)) == EVIDENCE_PER_WINDOW_MAX


def test_entries_that_are_no_windows_are_passed_over() -> None:
    town = Town()
    assert inspect(replace(town.parts, signed=town.draft.network.activation()), WINDOW_S) == ()


# --- what would be submitted


def filed(data: bytes) -> Filing:
    filing = filing_of(judge(data))
    assert isinstance(filing, Filing), filing
    for call in (*filing.preparations, filing.charge):
        assert [encode(argument) for argument in call.arguments]
        assert len(call.key) <= 200
    return filing


def test_a_double_vote_is_one_call_whose_order_is_that_of_the_offence() -> None:
    filing, other = filed(file_of(vote(A), vote(B))), filed(file_of(vote(A), vote(None)))
    assert (filing.preparations, filing.charge.function) == ((), "submit-double-vote")
    assert filing.charge.arguments[:3] == (7, 1, 2)
    assert filing.order == other.order
    assert filing.charge.key != other.charge.key
    assert filed(file_of(vote(A, height=8), vote(B, height=8))).order != filing.order


def test_a_false_leaf_is_submitted_after_its_zone_is_opened() -> None:
    town = Town()
    town.lie(1, import_register_wh=1300, import_wh=300)
    filing = filed(town.false_leaf(1))
    assert [call.function for call in filing.preparations] == ["open-zone"]
    assert filing.charge.function == "submit-false-leaf"
    assert len(filing.attested) == 1


def test_a_leaf_of_a_batch_is_submitted_with_the_typed_batch() -> None:
    town = Town()
    town.draft.batch_items = [item(4, "register", registers(4250, 420))]
    town.draft.settle()
    town.lie(4, import_register_wh=4251, import_wh=251)
    filing = filed(town.false_leaf(4))
    assert filing.charge.function == "submit-false-batch-leaf"
    assert isinstance(filing.charge.arguments[-1], dict)


def test_false_energy_opens_both_zones_and_waits_for_both_windows() -> None:
    town = Town()
    town.lie(1, import_wh=251)
    filing = filed(town.false_energy(1))
    assert len({call.key for call in filing.preparations}) == 2
    assert len(filing.attested) == 2
    town.lie(1, since=town.draft.leaves[1].window, import_wh=1)
    first = filed(town.false_energy(1, first=True))
    assert (len(first.preparations), first.charge.arguments[-2:]) == (1, (0, None))


def test_a_false_zone_is_tallied_leaf_by_leaf_and_a_false_window_zone_by_zone() -> None:
    town = Town()
    bent_zone(town)
    filing = filed(town.false_zone())
    assert [call.function for call in filing.preparations] == ["open-zone", "tally-zone"]
    assert filing.preparations[1].key.endswith(":3")
    assert LEAVES_PER_TALLY >= 3
    town = Town()
    bent_window(town)
    filing = filed(town.false_window())
    assert [call.function for call in filing.preparations] == ["open-zone", "open-zone"]
    assert filing.charge.arguments[-1] == (1, 2)


def test_what_is_not_proven_or_not_for_a_contract_is_not_submitted() -> None:
    town = Town()
    assert "proves nothing" in str(filing_of(judge(town.false_leaf(1))))
    assert "proves nothing" in str(filing_of(judge(b"")))
    del town.draft.leaves[1]
    withheld = judge(town.withheld(1, town.draft.records[1]), Expectations())
    assert withheld.proven
    assert "bonded challenge" in str(filing_of(withheld))
