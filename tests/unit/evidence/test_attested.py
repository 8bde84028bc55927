"""False leaves, false sums and withheld records (E2 to E4): what a lying committee cannot deny."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from consensus.encoding import Value, encode
from oracle.audit import log
from oracle.audit.case import Expectations
from oracle.evidence.file import EvidenceReason
from oracle.evidence.verify import STEPS, Judgement, judge
from oracle.model import Counts, Record, WindowSummary, ZoneSummary
from tests.unit.audit import world
from tests.unit.audit.world import GATEWAY, SECOND, WINDOW_S, batch, item, registers
from tests.unit.evidence.attested import Town, plain_ocmf

NOTHING, UNSUPPORTED = EvidenceReason.NOTHING_FALSE, EvidenceReason.UNSUPPORTED


def judged(data: bytes, town: Town) -> Judgement:
    return judge(data, Expectations(network=town.draft.network.network))


def assert_signers_accused(judgement: Judgement, town: Town) -> None:
    assert judgement.proven, judgement.verdict.text()
    assert judgement.accused == town.draft.network.node_keys[: town.draft.network.quorum]
    assert judgement.evidence is not None
    assert tuple(step.name for step in judgement.verdict.steps) == STEPS[judgement.evidence.kind]


# --- E2: false leaves


def test_a_leaf_that_its_record_contradicts_accuses_who_signed_the_window() -> None:
    town = Town()
    town.lie(1, import_register_wh=1300, import_wh=300)
    assert_signers_accused(judged(town.false_leaf(1), town), town)


def test_a_leaf_that_follows_from_its_record_accuses_nobody() -> None:
    town = Town()
    judgement = judged(town.false_leaf(1), town)
    assert judgement.reason is NOTHING
    assert judgement.accused == ()


def test_a_meter_that_tells_two_stories_frames_nobody() -> None:
    town = Town()
    other = Record("ocmf", 1, plain_ocmf(1, 9999, 120))
    judgement = judged(town.false_leaf(1, other), town)
    assert judgement.reason is EvidenceReason.OTHER_RECORD


HIDDEN = b'{"\\u0052V":1300,"\\u0052I":"1-0:1.8.0","\\u0052U":"Wh"},'
"""A reading that JSON shows to whoever decodes it, and to nobody who looks for its keys."""


@pytest.mark.parametrize(
    "bend",
    [
        lambda record: record.replace(b'"RV":1250', b'"RV":1.25e3'),
        lambda record: record.replace(b'"RV":1250', b'"RV": 1250'),
        lambda record: record.replace(b'"RV":1250', b'"\\u0052V":1250'),
        lambda record: record.replace(b"1-0:1.8.0", b"1-0:1.8.1"),
        lambda record: record.replace(b'"RU":"Wh"', b'"RU":"MWh"'),
        lambda record: record.replace(b'"RU":"Wh",', b""),
        lambda record: record.replace(b'"RV":1250', b'"RV":-1250'),
        lambda record: record.replace(b'"RV":1250', b'"RV":1250.'),
        lambda record: record.replace(b'"RD":[', b'"RD":[' + HIDDEN),
        lambda record: b" " + record,
        lambda record: record.replace(b'"M1"', b'"M1' + b"R" * 60 + b'"'),
        lambda record: record + b" " * 9000,
        lambda _: b"OCMF|{}|{}",
    ],
)
def test_a_record_that_is_not_understood_beyond_doubt_slashes_nobody(bend: Callable[[bytes], bytes]) -> None:
    town = Town()
    town.tell(1, bend(plain_ocmf(1, 1250, 120)))
    town.lie(1, import_register_wh=1300, import_wh=300)
    assert judged(town.false_leaf(1), town).reason is UNSUPPORTED


def test_any_value_that_the_record_holds_may_be_the_leafs() -> None:
    """A session's first reading: the contract does not say which of two times counts."""
    town = Town()
    record = plain_ocmf(1, 1250, 120).replace(
        b'"RD":[', b'"RD":[{"TM":"2027-01-15T08:20:00,000+0000 S","RV":1111,"RI":"1-0:1.8.0","RU":"Wh"},'
    )
    town.tell(1, record)
    town.lie(1, import_register_wh=1111, import_wh=111)
    assert judged(town.false_leaf(1), town).reason is NOTHING
    town.lie(1, import_register_wh=1112, import_wh=112)
    assert judged(town.false_leaf(1), town).proven


def test_a_direction_that_the_record_lacks_has_no_energy() -> None:
    town = Town()
    export = b',{"RV":0.120,"RI":"1-0:2.8.0","RU":"kWh"}'
    record = plain_ocmf(1, 1250, 120)
    assert export in record
    town.tell(1, record.replace(export, b""))
    town.lie(1, export_register_wh=100, export_wh=0)
    assert judged(town.false_leaf(1), town).reason is NOTHING
    town.lie(1, export_register_wh=120, export_wh=20)
    assert judged(town.false_leaf(1), town).proven


def of_batch(town: Town, *items: dict[str, Value]) -> None:
    town.draft.batch_items = list(items)
    town.draft.settle()
    town.tell(1, plain_ocmf(1, 1250, 120))


def test_a_leaf_that_its_batch_contradicts_is_false() -> None:
    town = Town()
    of_batch(town, item(4, "register", registers(4250, 420)))
    assert judged(town.false_leaf(4), town).reason is NOTHING
    town.lie(4, import_register_wh=4251, import_wh=251)
    assert_signers_accused(judged(town.false_leaf(4), town), town)


def test_a_leaf_of_a_meter_that_the_batch_does_not_speak_of_is_false() -> None:
    town = Town()
    of_batch(town, item(8, "register", registers(8250, 820)))
    assert judged(town.false_leaf(4), town).proven


def test_one_item_of_several_is_enough_for_a_leaf() -> None:
    town = Town()
    of_batch(
        town,
        item(4, "register", registers(1, 2), time_s=SECOND + 5),
        item(4, "register", registers(4250, 420)),
    )
    assert judged(town.false_leaf(4), town).reason is NOTHING


def test_an_item_of_another_window_is_not_enough() -> None:
    town = Town()
    of_batch(town, item(4, "register", registers(4250, 420), time_s=SECOND))
    assert judged(town.false_leaf(4), town).proven


@pytest.mark.parametrize(
    "bad",
    [
        item(4, "dsmr", world.telegram(4250, 420)),
        item(4, "register", b"\x0c"),
        item(4, "register", encode({"import-register": 1})),
        item(4, "ocmf", b"OCMF|"),
    ],
)
def test_an_item_that_is_not_understood_slashes_nobody(bad: dict[str, Value]) -> None:
    town = Town()
    of_batch(town, bad)
    town.lie(4, import_register_wh=4251, import_wh=251)
    assert judged(town.false_leaf(4), town).reason is UNSUPPORTED


def test_a_batch_that_the_contract_cannot_take_slashes_nobody() -> None:
    for items in ([item(4, "register", registers(1, 1))] * 101, [item(9, "ocmf", bytes(5000))]):
        town = Town()
        of_batch(town, *items)
        assert judged(town.false_leaf(4), town).reason is UNSUPPORTED


def test_leaves_are_judged_in_the_revision_that_made_them() -> None:
    town = Town()
    town.draft.bend_summary = lambda summary: replace(summary, revision=1)
    town.lie(1, import_register_wh=1300, import_wh=300)
    assert judged(town.false_leaf(1), town).reason is UNSUPPORTED


# --- E3: false sums


def test_energy_that_is_not_the_difference_of_registers_is_false() -> None:
    town = Town()
    assert judged(town.false_energy(1), town).reason is NOTHING
    town.lie(1, import_wh=251)
    assert_signers_accused(judged(town.false_energy(1), town), town)


@pytest.mark.parametrize(
    ("register_wh", "energy_wh", "false"),
    [
        (40, 99_040, False),
        (40, 40, False),
        (40, 39, True),
        (40, 10**15 + 40 - 1000, False),
        (40, 10**15 + 41 - 1000, True),
        (1000, 0, False),
        (1000, 1, True),
    ],
)
def test_a_register_that_fell_may_have_rolled_over_at_any_maximum(
    register_wh: int, energy_wh: int, *, false: bool
) -> None:
    town = Town()
    town.lie(1, import_register_wh=register_wh, import_wh=energy_wh)
    assert judged(town.false_energy(1), town).proven is false


def test_a_first_leaf_with_energy_is_false() -> None:
    town = Town()
    town.lie(1, since=SECOND, import_wh=0, export_wh=0)
    assert judged(town.false_energy(1, first=True), town).reason is NOTHING
    town.lie(1, since=SECOND, import_wh=1)
    assert judged(town.false_energy(1, first=True), town).proven


def test_the_earlier_leaf_has_to_be_the_one_it_counts_from() -> None:
    town = Town()
    town.lie(1, import_wh=251)
    assert judged(town.false_energy(1, first=True), town).reason is EvidenceReason.NOT_PROVEN
    data = json.loads(town.false_energy(1))
    data["since"] = json.loads(town.false_energy(2))["since"]
    bent = json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert judged(bent, town).reason is EvidenceReason.NOT_PROVEN


def more(zone: ZoneSummary) -> ZoneSummary:
    return replace(zone, import_wh=zone.import_wh + 1) if zone.zone == 1 else zone


def test_a_zone_that_adds_up_wrongly_is_false() -> None:
    town = Town()
    assert judged(town.false_zone(), town).reason is NOTHING
    town.draft.bend_zone = more
    assert_signers_accused(judged(town.false_zone(), town), town)
    assert judged(town.false_window(), town).reason is NOTHING


@pytest.mark.parametrize("changes", [{"import_wh": 1}, {"export_wh": 1}, {"leaf_count": 99}])
def test_a_window_that_adds_up_wrongly_is_false(changes: dict[str, Any]) -> None:
    town = Town()
    assert judged(town.false_window(), town).reason is NOTHING
    town.draft.bend_summary = lambda summary: replace(summary, **changes)
    assert_signers_accused(judged(town.false_window(), town), town)
    assert judged(town.false_zone(), town).reason is NOTHING


def test_counts_and_qualities_are_for_the_auditor_alone() -> None:
    """The contract adds up energy; what it does not judge is no evidence here."""
    town = Town()

    def bent(summary: WindowSummary) -> WindowSummary:
        return replace(summary, counts=Counts(validated=1), quality=17)

    town.draft.bend_summary = bent
    assert judged(town.false_window(), town).reason is NOTHING


def test_a_leaf_or_a_zone_left_out_proves_nothing() -> None:
    town = Town()
    town.draft.bend_zone = more
    for data, name in ((town.false_zone(), "leaves"), (town.false_window(), "zones")):
        content: dict[str, Any] = json.loads(data)
        content[name] = content[name][1:]
        bent = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        assert judged(bent, town).reason is EvidenceReason.NOT_PROVEN


# --- E4: withheld records


def silent(point: int) -> Town:
    """The committee leaves one meter's leaf out."""
    town = Town()
    del town.draft.leaves[point]
    return town


def test_a_receipt_and_no_leaf_accuse_the_signer_of_the_receipt_alone() -> None:
    town = silent(1)
    judgement = judged(town.withheld(1, town.draft.records[1]), town)
    assert judgement.proven, judgement.verdict.text()
    assert judgement.accused == town.draft.network.node_keys[:1]


def test_a_withheld_item_of_a_batch_is_shown_with_its_gateway() -> None:
    town = silent(4)
    judgement = judged(town.withheld(4, town.draft.records[GATEWAY]), town)
    assert judgement.proven, judgement.verdict.text()


def test_a_member_that_did_not_sign_the_window_withheld_nothing() -> None:
    town = silent(1)
    assert judged(town.withheld(1, town.draft.records[1], slot=3), town).reason is EvidenceReason.NOT_WITHHELD


def test_a_leaf_that_is_there_is_not_withheld() -> None:
    town = Town()
    assert judged(town.withheld(1, town.draft.records[1]), town).reason is EvidenceReason.NOT_WITHHELD


@pytest.mark.parametrize(
    ("receipt", "reason"),
    [
        ({"time-s": SECOND + WINDOW_S + 1}, EvidenceReason.NOT_WITHHELD),
        ({"records": (bytes(32),)}, EvidenceReason.OTHER_RECORD),
        ({"network": bytes(32)}, EvidenceReason.WRONG_NETWORK),
        ({"topic": "observations"}, EvidenceReason.WRONG_NETWORK),
        ({"epoch": 2}, EvidenceReason.NOT_A_MEMBER),
        ({"more": 1}, EvidenceReason.MALFORMED),
    ],
)
def test_a_receipt_that_promises_nothing_is_refused_by_name(
    receipt: dict[str, Any], reason: EvidenceReason
) -> None:
    town = silent(1)
    assert judged(town.withheld(1, town.draft.records[1], **receipt), town).reason is reason


def test_a_record_that_nobody_signed_or_of_another_time_was_not_withheld() -> None:
    town = silent(1)
    unsigned = plain_ocmf(1, 1250, 120).replace(b'"RV":1250', b'"RV":1251')
    late = plain_ocmf(1, 1250, 120, stamp="2027-01-15T09:29:55,000+0000 S")
    for record, reason in ((unsigned, EvidenceReason.NOT_SIGNED), (late, EvidenceReason.NOT_WITHHELD)):
        assert judged(town.withheld(1, Record("ocmf", 1, record)), town).reason is reason
    forged = batch([item(4, "register", registers(4250, 420))], key=world.METER_KEYS[7])
    town = silent(4)
    assert judged(town.withheld(4, forged), town).reason is EvidenceReason.NOT_SIGNED


# --- whatever is claimed


def test_what_no_quorum_certified_accuses_nobody() -> None:
    town = Town()
    town.lie(1, import_register_wh=1300, import_wh=300)
    data = json.loads(town.false_leaf(1))
    signed = data["leaf"]["signed"]
    entry = bytes.fromhex(signed["entry"])
    two = town.draft.network.certificate(entry, 3, slots=(0, 1))
    signed["certificate"] = two.hex()
    bent = json.dumps(data, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert judged(bent, town).reason is EvidenceReason.NOT_CERTIFIED


def test_what_is_not_false_costs_no_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("a signature was checked for evidence that proves nothing")

    town = Town()
    files = [town.false_leaf(1), town.false_energy(1), town.false_zone(), town.false_window()]
    monkeypatch.setattr(log, "certified", forbidden)
    monkeypatch.setattr(log, "epoch_step", forbidden)
    assert [judged(data, town).reason for data in files] == [NOTHING] * 4
    other = Expectations(network=bytes(32))
    assert {judge(data, other).reason for data in files} == {EvidenceReason.WRONG_NETWORK}
