"""Each step of a verdict: what passes it, and the lie that only it can find."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from py_arkworks_bls12381 import G2Point, Scalar

from consensus.encoding import Principal, Some, Value, decode, digest, encode
from oracle.audit.bundle import build
from oracle.audit.case import Expectations
from oracle.audit.merkle import double_sha256, prove
from oracle.audit.parts import BundleParts, DevicePart, EpochPart, ObservationPart, SignedPart
from oracle.audit.verdict import Outcome, Verdict
from oracle.audit.verify import STEPS, verify
from oracle.model import Curve, Record, RecordHash, ZoneId
from tests.unit.audit import world
from tests.unit.audit.world import Draft, Network

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def judged(parts: BundleParts, **expected: Any) -> Verdict:
    return verify(build(parts), Expectations(**expected), backend="fast")


def failure_of(parts: BundleParts, **expected: Any) -> str:
    verdict = judged(parts, **expected)
    assert not verdict.passed
    assert verdict.first_failure is not None
    return verdict.first_failure.name


def bent_certificate(signed: SignedPart, bend: Callable[[list[bytes]], None]) -> SignedPart:
    value = decode(signed.certificate)
    assert isinstance(value, dict)
    signatures = list(value["signatures"])
    bend(signatures)
    return replace(signed, certificate=encode({**value, "signatures": signatures}))


def test_an_honest_window_passes_every_step_in_order() -> None:
    draft = Draft()
    parts = draft.parts()
    answer = encode(Some(world.attestation(parts.signed)))
    verdict = judged(
        parts, network=draft.network.network, group_key=draft.network.group_key, attestation=answer
    )
    assert tuple(step.name for step in verdict.steps) == STEPS
    assert {step.outcome for step in verdict.steps} == {Outcome.PASSED}
    assert verdict.passed
    assert verdict.unchecked == (
        "records: 1 JSON record(s): which field is a register is the operators' own setting",
    )


def test_a_verdict_is_complete_only_if_nothing_was_left_unchecked() -> None:
    draft = Draft()
    del draft.leaves[6]
    parts = draft.parts()
    answer = encode(Some(world.attestation(parts.signed)))
    network = draft.network.network
    assert judged(parts, network=network, attestation=answer).complete
    without_answer = judged(parts, network=network)
    assert without_answer.passed
    assert not without_answer.complete


# genesis


def test_genesis_fails_for_another_network_than_asked_for() -> None:
    assert failure_of(Draft().parts(), network=bytes(32)) == "genesis"


def test_genesis_fails_for_an_entry_of_another_network() -> None:
    parts = Draft().parts()
    other = decode(parts.genesis)
    assert isinstance(other, dict)
    assert failure_of(replace(parts, genesis=encode({**other, "chain-id": 1}))) == "genesis"


# epoch


def test_epoch_fails_for_a_committee_that_is_not_the_genesis_one() -> None:
    draft = Draft()
    parts = draft.parts()
    stranger = Network(label="stranger")
    epoch = replace(parts.epochs[0], node_keys=stranger.node_keys)
    assert failure_of(replace(parts, epochs=(epoch,))) == "epoch"


def test_epoch_fails_for_a_group_key_that_was_not_activated() -> None:
    parts = Draft().parts()
    other = bytes((G2Point() * Scalar(7)).to_compressed_bytes())
    assert failure_of(replace(parts, epochs=(replace(parts.epochs[0], group_key=other),))) == "epoch"


def test_epoch_fails_for_an_activation_without_a_quorum() -> None:
    parts = Draft().parts()
    activation = parts.epochs[0].activation
    assert activation is not None
    weak = bent_certificate(activation, lambda signatures: signatures.__setitem__(0, b""))
    assert failure_of(replace(parts, epochs=(replace(parts.epochs[0], activation=weak),))) == "epoch"


def test_epoch_fails_without_an_activation_or_with_a_gap() -> None:
    parts = Draft().parts()
    assert failure_of(replace(parts, epochs=(replace(parts.epochs[0], activation=None),))) == "epoch"
    assert failure_of(replace(parts, epochs=(replace(parts.epochs[0], number=2),))) == "epoch"
    assert failure_of(replace(parts, epochs=())) == "epoch"


def test_epoch_fails_for_another_group_key_than_asked_for() -> None:
    assert failure_of(Draft().parts(), group_key=bytes(96)) == "epoch"


def second_epoch(first: Network, second: Network, certified_by: int, **changes: Value) -> EpochPart:
    """A resharing to a second committee, its session as the ceremony computes it."""
    session: dict[str, Value] = {
        "topic": "ceremony",
        "network": first.network,
        "epoch": 2,
        "kind": "reshare",
        "attempt": 3,
        "dealers": first.node_keys,
        "committee": second.node_keys,
        "threshold": second.quorum,
        "previous": world.secret("commitments 1"),
    }
    body: dict[str, Value] = {
        "epoch": 2,
        "session": digest({**session, **changes}),
        "group-key": first.group_key,
        "commitments": world.secret("commitments 2"),
        "first-window": world.SECOND + world.WINDOW_S,
        "attachment": bytes(32),
    }
    entry = first.entry("activate", body, 9, bytes(32))
    signers = second if certified_by == 2 else first
    signers_network = replace_network(signers, first)
    certificate = signers_network.certificate(entry, 9, epoch=certified_by)
    return EpochPart(2, second.node_keys, first.group_key, SignedPart(entry, certificate))


def replace_network(signers: Network, of: Network) -> Network:
    copy = Network(signers.members, signers.label)
    copy.network = of.network
    return copy


def test_a_later_committee_follows_by_a_resharing_that_the_earlier_one_certified() -> None:
    draft = Draft()
    second = Network(label="second committee")
    parts = draft.parts()
    for certified_by, gaps in ((1, 0), (2, 1)):
        epochs = (*parts.epochs, second_epoch(draft.network, second, certified_by))
        step = judged(replace(parts, epochs=epochs), network=draft.network.network).step("epoch")
        assert step is not None
        assert step.outcome is Outcome.PASSED
        assert len(step.gaps) == gaps


def test_epoch_fails_for_a_resharing_between_other_committees() -> None:
    draft = Draft()
    second = Network(label="second committee")
    parts = draft.parts()
    foreign = second_epoch(draft.network, second, 1, committee=Network(label="third").node_keys)
    assert failure_of(replace(parts, epochs=(*parts.epochs, foreign))) == "epoch"


# log-link


def test_log_link_fails_for_another_predecessor() -> None:
    draft = Draft()
    parts = draft.parts()
    assert parts.previous is not None
    other = draft.network.signed(
        "void", {"window": world.FIRST, "revision": 0, "reason": 1, "count": 1}, 2, bytes(32)
    )
    assert failure_of(replace(parts, previous=other)) == "log-link"
    assert failure_of(replace(parts, previous=None)) == "log-link"


def test_log_link_fails_for_a_predecessor_without_a_quorum() -> None:
    parts = Draft().parts()
    assert parts.previous is not None
    weak = bent_certificate(parts.previous, lambda signatures: signatures.__setitem__(1, b""))
    assert failure_of(replace(parts, previous=weak)) == "log-link"


# certificate


def test_certificate_fails_below_the_quorum() -> None:
    parts = Draft().parts()
    weak = bent_certificate(parts.signed, lambda signatures: signatures.__setitem__(1, b""))
    assert failure_of(replace(parts, signed=weak)) == "certificate"


def test_certificate_fails_when_one_signature_stands_in_two_slots() -> None:
    parts = Draft().parts()
    twice = bent_certificate(parts.signed, lambda signatures: signatures.__setitem__(1, signatures[0]))
    assert failure_of(replace(parts, signed=twice)) == "certificate"


def test_certificate_fails_for_a_high_s_signature() -> None:
    def raise_s(signatures: list[bytes]) -> None:
        r, s, v = signatures[0][:32], int.from_bytes(signatures[0][32:64], "big"), signatures[0][64]
        signatures[0] = r + (SECP256K1_N - s).to_bytes(32, "big") + bytes([v ^ 1])

    parts = Draft().parts()
    verdict = judged(replace(parts, signed=bent_certificate(parts.signed, raise_s)))
    assert verdict.first_failure is not None
    assert verdict.first_failure.name == "certificate"
    assert "low-s" in verdict.first_failure.sentence


def test_certificate_fails_for_too_many_slots() -> None:
    parts = Draft().parts()
    longer = bent_certificate(parts.signed, lambda signatures: signatures.append(b""))
    assert failure_of(replace(parts, signed=longer)) == "certificate"


# bls


def test_bls_fails_for_a_signature_on_another_entry_and_for_none() -> None:
    draft = Draft()
    parts = draft.parts()
    wrong = replace(parts.signed, bls=draft.network.group_sign(b"another message"))
    assert failure_of(replace(parts, signed=wrong)) == "bls"
    assert failure_of(replace(parts, signed=replace(parts.signed, bls=b""))) == "bls"


def test_bls_fails_for_the_point_at_infinity() -> None:
    parts = Draft().parts()
    infinity = replace(parts.signed, bls=b"\xc0" + bytes(47))
    assert failure_of(replace(parts, signed=infinity)) == "bls"


# window-tree and zone-trees


def test_window_tree_fails_when_a_zone_is_left_out_or_bent() -> None:
    parts = Draft().parts()
    assert failure_of(replace(parts, zones=parts.zones[:1])) == "window-tree"
    assert failure_of(replace(parts, zones=parts.zones[::-1])) == "window-tree"
    draft = Draft()
    draft.bend_summary = lambda summary: replace(summary, root=bytes(32))
    assert failure_of(draft.parts()) == "window-tree"


def test_zone_trees_fail_for_a_leaf_that_was_not_attested() -> None:
    parts = Draft().parts()
    leaf = decode(parts.zones[0].leaves[0])
    assert isinstance(leaf, dict)
    bent = (encode({**leaf, "import-wh": 251}), *parts.zones[0].leaves[1:])
    zones = (replace(parts.zones[0], leaves=bent), parts.zones[1])
    assert failure_of(replace(parts, zones=zones)) == "zone-trees"
    fewer = (replace(parts.zones[0], leaves=parts.zones[0].leaves[1:]), parts.zones[1])
    assert failure_of(replace(parts, zones=fewer)) == "zone-trees"


# totals


@pytest.mark.parametrize(
    "bend",
    [
        lambda zone: replace(zone, import_wh=zone.import_wh + 1),
        lambda zone: replace(zone, export_wh=zone.export_wh + 1),
        lambda zone: replace(zone, quality=19),
        lambda zone: replace(zone, counts=replace(zone.counts, validated=zone.counts.validated + 1)),
    ],
)
def test_totals_fail_for_a_committee_that_adds_up_wrongly(bend: Callable[[Any], Any]) -> None:
    of_zone, of_window = Draft(), Draft()
    of_zone.bend_zone = bend
    assert failure_of(of_zone.parts()) == "totals"
    of_window.bend_summary = bend
    assert failure_of(of_window.parts()) == "totals"


def test_totals_fail_for_a_quality_that_does_not_exist() -> None:
    parts = Draft().parts()
    leaf = decode(parts.zones[0].leaves[0])
    assert isinstance(leaf, dict)
    bent = (encode({**leaf, "quality": 99}), *parts.zones[0].leaves[1:])
    verdict = judged(replace(parts, zones=(replace(parts.zones[0], leaves=bent), parts.zones[1])))
    totals, energy = verdict.step("totals"), verdict.step("energy")
    assert totals is not None
    assert energy is not None
    assert (totals.outcome, energy.outcome) == (Outcome.FAILED, Outcome.NOT_CHECKED)


# energy


def test_energy_fails_when_it_is_not_the_difference_of_registers() -> None:
    draft = Draft()
    draft.claim(1, import_wh=249)
    assert failure_of(draft.parts()) == "energy"


def test_energy_fails_for_a_first_leaf_with_energy() -> None:
    draft = Draft()
    draft.claim(1, since=world.SECOND)
    assert failure_of(draft.parts()) == "energy"


@pytest.mark.parametrize("energy", [{"import_wh": 0}, {"export_wh": 0}])
def test_energy_fails_for_a_first_leaf_with_energy_of_one_direction(energy: dict[str, int]) -> None:
    draft = Draft()
    draft.claim(1, since=world.SECOND, **energy)
    assert failure_of(draft.parts()) == "energy"


def test_energy_fails_for_a_rollover_that_does_not_add_up() -> None:
    for import_wh, step in ((250, None), (251, "energy"), (249, "energy")):
        draft = Draft()
        draft.first_leaves[4] = replace(draft.first_leaves[4], import_register_wh=99_999_900)
        draft.batch_items[0] = world.item(4, "register", world.registers(150, 420))
        draft.settle()
        draft.claim(4, import_register_wh=150, quality=11, import_wh=import_wh)
        verdict = judged(draft.parts())
        assert (verdict.first_failure.name if verdict.first_failure else None) == step


def test_energy_fails_when_the_earlier_leaf_is_missing_unproven_or_uncertified() -> None:
    parts = Draft().parts()
    assert failure_of(replace(parts, since=())) == "energy"
    zone = parts.since[0].zones[0]
    shifted = tuple((leaf, replace(proof, index=proof.index ^ 1)) for leaf, proof in zone.leaves)
    unproven = replace(parts.since[0], zones=(replace(zone, leaves=shifted), *parts.since[0].zones[1:]))
    assert failure_of(replace(parts, since=(unproven,))) == "energy"
    weak = bent_certificate(parts.since[0].signed, lambda signatures: signatures.__setitem__(0, b""))
    assert failure_of(replace(parts, since=(replace(parts.since[0], signed=weak),))) == "energy"


def test_energy_fails_when_the_earlier_leaf_is_of_another_network_of_the_same_members() -> None:
    elsewhere = Network()
    elsewhere.network = world.secret("elsewhere")
    since = Draft(network=elsewhere).since()
    assert failure_of(replace(Draft().parts(), since=(since,))) == "energy"


def test_energy_takes_a_rollover_only_if_it_is_not_called_validated() -> None:
    for quality, step in ((11, None), (17, "energy")):
        draft = Draft()
        draft.first_leaves[4] = replace(draft.first_leaves[4], import_register_wh=99_999_900)
        draft.batch_items[0] = world.item(4, "register", world.registers(150, 420))
        draft.settle()
        draft.claim(4, import_register_wh=150, quality=quality)
        verdict = judged(draft.parts())
        assert (verdict.first_failure.name if verdict.first_failure else None) == step


# registry


def test_registry_fails_for_a_device_without_proof_or_in_another_zone() -> None:
    parts = Draft().parts()
    assert failure_of(replace(parts, devices=parts.devices[1:])) == "registry"
    wrong = replace(parts.devices[0], proof=replace(parts.devices[0].proof, index=1))
    assert failure_of(replace(parts, devices=(wrong, *parts.devices[1:]))) == "registry"
    draft = Draft()
    moved = draft.parts()
    draft.devices = [replace(one, zone=ZoneId(1)) if one.device == 4 else one for one in draft.devices]
    hashes = [double_sha256(one) for one in draft.registry()]
    devices = tuple(
        replace(part, device=one, proof=prove(hashes, at))
        for at, (part, one) in enumerate(zip(moved.devices, draft.registry(), strict=True))
    )
    assert failure_of(replace(moved, devices=devices)) == "registry"


# records


def test_records_fail_when_the_registers_are_not_the_records() -> None:
    draft = Draft()
    draft.claim(1, import_register_wh=1300, import_wh=300)
    assert failure_of(draft.parts()) == "records"


def test_records_fail_when_a_record_is_missing_or_named_by_no_leaf() -> None:
    parts = Draft().parts()
    assert failure_of(replace(parts, records=parts.records[1:])) == "records"
    extra = Record("json", 6, b"{}")
    assert failure_of(replace(parts, records=(*parts.records, extra))) == "records"


def test_records_fail_for_a_bare_record_with_an_unset_clock() -> None:
    draft = Draft()
    draft.records[1] = Record(
        "ocmf", 1, world.ocmf(1, 1250, 120, world.UNSET, world.by_p256(world.METER_KEYS[1]))
    )
    draft.settle()
    verdict = judged(draft.parts())
    assert verdict.first_failure is not None
    assert verdict.first_failure.name == "records"
    assert "clock is unset" in verdict.first_failure.sentence


def test_records_fail_for_a_record_of_another_window() -> None:
    draft = Draft()
    stamp = "2027-01-15T08:30:01,000+0000 S"
    draft.records[1] = Record("ocmf", 1, world.ocmf(1, 1250, 120, stamp, world.by_p256(world.METER_KEYS[1])))
    draft.settle()
    assert failure_of(draft.parts()) == "records"


def test_records_fail_beyond_the_tolerance_asked_for() -> None:
    parts = Draft().parts()
    assert judged(parts, tolerance_s=5).passed
    assert failure_of(parts, tolerance_s=4) == "records"


def test_records_fail_for_a_clock_stamped_record_that_is_called_validated() -> None:
    draft = Draft()
    draft.claim(7, quality=17)
    assert failure_of(draft.parts()) == "records"


def test_records_fail_for_assurance_that_the_record_does_not_give() -> None:
    draft = Draft()
    draft.claim(5, assurance=2)
    assert failure_of(draft.parts()) == "records"


def test_records_fail_for_a_value_the_meter_doubts_that_is_called_validated() -> None:
    draft = Draft()
    stamp = "2027-01-15T08:29:55,000+0000 I"
    draft.records[1] = Record("ocmf", 1, world.ocmf(1, 1250, 120, stamp, world.by_p256(world.METER_KEYS[1])))
    draft.settle()
    assert failure_of(draft.parts()) == "records"
    draft.claim(1, quality=10)
    assert judged(draft.parts()).passed


def test_an_estimate_may_go_without_a_record_and_is_named_as_a_gap() -> None:
    draft = Draft()
    draft.claim(4, quality=8, record=RecordHash(bytes(32)))
    step = judged(draft.parts()).step("records")
    assert step is not None
    assert step.outcome is Outcome.PASSED
    assert any("estimate" in gap for gap in step.gaps)
    draft.claim(4, quality=17)
    assert failure_of(draft.parts()) == "records"


def test_a_register_the_meter_lacks_stands_where_it_was_attested() -> None:
    draft = Draft()
    draft.records[1] = Record(
        "ocmf", 1, world.ocmf(1, 1250, None, world.STAMP, world.by_p256(world.METER_KEYS[1]))
    )
    draft.settle()
    assert failure_of(draft.parts()) == "records"
    draft.claim(1, export_register_wh=100, export_wh=0)
    assert judged(draft.parts()).passed


def test_an_exchanged_telegram_is_named_as_a_gap() -> None:
    draft = Draft()
    draft.batch_items[2] = world.item(8, "dsmr", world.telegram(820, 8250, stamp=None))
    draft.settle()
    step = judged(draft.parts()).step("records")
    assert step is not None
    assert step.outcome is Outcome.PASSED
    assert any("exchanged" in gap for gap in step.gaps)


# meter-signatures


@pytest.mark.parametrize("point", [1, 2, 3])
def test_meter_signatures_fail_for_a_record_that_another_key_signed(point: int) -> None:
    draft = Draft()
    forger = world.by_p256(world.GATEWAY_KEY) if point == 1 else forged_by(point)
    draft.records[point] = Record(
        "ocmf", point, world.ocmf(point, 1000 * point + 250, 100 * point + 20, world.STAMP, forger)
    )
    draft.settle()
    assert failure_of(draft.parts()) == "meter-signatures"


def forged_by(point: int) -> Callable[[bytes], dict[str, str]]:
    return world.by_k1 if point == 3 else world.by_ed


def test_meter_signatures_fail_for_a_batch_that_no_gateway_signed() -> None:
    draft = Draft()
    draft.gateway_key = world.METER_KEYS[1]
    draft.settle()
    assert failure_of(draft.parts()) == "meter-signatures"


def test_meter_signatures_fail_for_a_forged_item_in_a_good_batch() -> None:
    draft = Draft()
    forged = world.ocmf(7, 7250, 720, world.UNSET, world.by_p256(world.METER_KEYS[1]))
    draft.batch_items[1] = world.item(7, "ocmf", forged)
    draft.settle()
    assert failure_of(draft.parts()) == "meter-signatures"


def test_meter_signatures_fail_when_a_meter_with_a_key_is_believed_without_it() -> None:
    draft = Draft()
    draft.devices = [
        replace(one, curve=Curve.SECP256R1, key=world.compressed(world.METER_KEYS[1]))
        if one.device == 4
        else one
        for one in draft.devices
    ]
    assert failure_of(draft.parts()) == "meter-signatures"


# observations


def test_observations_fail_when_the_leaf_is_not_the_lower_median() -> None:
    draft = Draft()
    draft.observed[2] = draft.observed[0]
    assert failure_of(draft.parts()) == "observations"


def test_observations_fail_below_the_quorum_and_for_rows_of_other_windows() -> None:
    draft = Draft()
    del draft.observed[2]
    assert failure_of(draft.parts()) == "observations"
    late = Draft()
    late.observed[2] = [{**row, "time-s": world.SECOND + 2 * world.WINDOW_S} for row in late.observed[2]]
    assert failure_of(late.parts()) == "observations"


def test_observations_fail_for_one_observer_fewer_than_a_quorum_although_they_agree() -> None:
    draft = Draft()
    draft.observed = dict.fromkeys(range(2), draft.observed[1])
    assert failure_of(draft.parts()) == "observations"
    draft.observed = dict.fromkeys(range(3), draft.observed[1])
    assert judged(draft.parts()).passed


def test_observations_fail_when_the_leaf_has_other_registers_than_the_median() -> None:
    draft = Draft()
    draft.claim(6, import_register_wh=draft.leaves[6].import_register_wh + 1, import_wh=251)
    assert failure_of(draft.parts()) == "observations"


def test_observations_fail_when_one_operator_speaks_twice_or_a_stranger_speaks() -> None:
    draft = Draft()
    parts = draft.parts()
    rows = draft.observed[1]
    twice = (*parts.observations, draft.network.observation(1, rows))
    assert failure_of(replace(parts, observations=twice)) == "observations"
    stranger = replace_network(Network(label="stranger"), draft.network).observation(3, rows)
    assert failure_of(replace(parts, observations=(*parts.observations, stranger))) == "observations"


def test_observations_fail_for_bytes_that_are_none() -> None:
    parts = Draft().parts()
    noise = ObservationPart(encode({"topic": "observations"}), bytes(65))
    assert failure_of(replace(parts, observations=(*parts.observations, noise))) == "observations"


# chain


def bent_chain(
    parts: BundleParts, raw: bytes | None = None, attested: dict[str, Value] | None = None
) -> BundleParts:
    assert parts.chain is not None
    value = world.attestation(parts.signed) if attested is None else attested
    chain = world.chain_of(parts.chain.transaction if raw is None else raw, encode(Some(value)))
    return replace(parts, chain=chain)


@pytest.mark.parametrize("argument", range(7))
def test_chain_fails_when_one_argument_of_the_transaction_is_another(argument: int) -> None:
    parts = Draft().parts()
    arguments = world.submission(parts.signed)
    others: list[Value] = [9, bytes(32), {"window": 0}, 2, 7, (b"", b"", b"", b""), bytes(48)]
    arguments[argument] = others[argument]
    assert failure_of(bent_chain(parts, world.transaction("submit-window", arguments))) == "chain"


def test_chain_fails_for_another_function_contract_or_id() -> None:
    parts = Draft().parts()
    assert parts.chain is not None
    arguments = world.submission(parts.signed)
    assert failure_of(bent_chain(parts, world.transaction("submit-void", arguments))) == "chain"
    elsewhere = Principal(26, bytes(20), "production-oracle")
    assert failure_of(bent_chain(parts, world.transaction("submit-window", arguments, elsewhere))) == "chain"
    assert failure_of(replace(parts, chain=replace(parts.chain, txid=bytes(32)))) == "chain"
    assert failure_of(replace(parts, chain=replace(parts.chain, contract=elsewhere))) == "chain"


@pytest.mark.parametrize("name", ["digest", "height", "epoch", "signers", "void", "summary"])
def test_chain_fails_when_the_contract_attests_something_else(name: str) -> None:
    parts = Draft().parts()
    bent = {**world.attestation(parts.signed), name: (False,)}
    assert failure_of(bent_chain(parts, attested=bent)) == "chain"
    assert failure_of(parts, attestation=encode(Some(bent))) == "chain"


def test_chain_fails_when_the_contract_answers_none() -> None:
    assert failure_of(Draft().parts(), attestation=encode(None)) == "chain"


def test_chain_passes_under_another_good_certificate_of_the_same_entry() -> None:
    draft = Draft()
    parts = draft.parts()
    other = replace(
        parts.signed, certificate=draft.network.certificate(parts.signed.entry, 3, (1, 2, 3), round_=4)
    )
    assert judged(replace(parts, chain=world.chain_part(draft.network, other))).passed


def test_chain_is_not_checked_where_there_is_nothing_to_check() -> None:
    draft = Draft()
    parts = replace(draft.parts(), chain=None)
    step = judged(parts).step("chain")
    assert step is not None
    assert step.outcome is Outcome.NOT_CHECKED
    answered = judged(parts, attestation=encode(Some(world.attestation(parts.signed)))).step("chain")
    assert answered is not None
    assert answered.outcome is Outcome.PASSED


# other kinds of entry


def other_kind(kind: str, body: dict[str, Value], *, bls: bool = True) -> tuple[Network, BundleParts]:
    network = Network()
    activation = network.activation()
    signed = network.signed(kind, body, 2, hashlib.sha256(activation.entry).digest(), bls=bls)
    return network, BundleParts(network.genesis, (network.epoch(),), signed, previous=activation)


def test_a_void_window_passes_its_fewer_steps() -> None:
    network, parts = other_kind("void", {"window": world.FIRST, "revision": 0, "reason": 2, "count": 1})
    parts = replace(parts, chain=world.chain_part(network, parts.signed, "submit-void"))
    verdict = judged(parts, network=network.network)
    assert verdict.passed
    assert [step.name for step in verdict.steps] == [
        "file",
        "genesis",
        "epoch",
        "log-link",
        "certificate",
        "bls",
        "chain",
    ]
    assert (
        failure_of(bent_chain(parts, attested={**world.attestation(parts.signed), "void": None})) == "chain"
    )


def test_a_registry_entry_is_judged_by_its_devices() -> None:
    draft = Draft()
    hashes = [double_sha256(one) for one in draft.registry()]
    body: dict[str, Value] = {"registry": draft.registry_root(), "device-count": 9, "chain-height": 77}
    _, parts = other_kind("registry", body)
    devices = tuple(DevicePart(one, prove(hashes, at)) for at, one in enumerate(draft.registry()))
    assert judged(replace(parts, devices=devices)).passed
    some = judged(replace(parts, devices=devices[:4])).step("registry")
    assert some is not None
    assert some.gaps == ("5 of its devices are not in the file",)
    bent = (replace(devices[0], proof=replace(devices[0].proof, index=1)), *devices[1:])
    assert failure_of(replace(parts, devices=bent)) == "registry"


def test_a_ceremony_entry_is_judged_by_its_attachment() -> None:
    blob = b"signed deals of four members"
    body: dict[str, Value] = {"epoch": 2, "session": bytes(32), "attachment": hashlib.sha256(blob).digest()}
    _, parts = other_kind("deal", body, bls=False)
    verdict = judged(replace(parts, attachment=blob))
    assert verdict.passed
    bls, attachment = verdict.step("bls"), judged(parts).step("attachment")
    assert bls is not None
    assert attachment is not None
    assert (bls.outcome, attachment.outcome) == (Outcome.NOT_CHECKED, Outcome.NOT_CHECKED)
    assert failure_of(replace(parts, attachment=blob + b"!")) == "attachment"


def test_the_first_entry_of_a_log_has_no_predecessor() -> None:
    network = Network()
    parts = BundleParts(network.genesis, (network.epoch(),), network.activation(), attachment=b"deals")
    assert judged(parts).passed
    assert failure_of(replace(parts, previous=network.activation())) == "log-link"


def test_a_verdict_reads_as_text_and_as_json() -> None:
    import json

    parts = Draft().parts()
    verdict = judged(replace(parts, signed=replace(parts.signed, bls=b"")))
    assert "FAILED at `bls`" in verdict.text()
    content = json.loads(verdict.json())
    assert content["passed"] is False
    assert content["first-failure"] == "bls"
    assert [step["name"] for step in content["steps"]] == list(STEPS)
