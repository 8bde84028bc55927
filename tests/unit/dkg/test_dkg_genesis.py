"""Genesis: honest members make a key, cheats are named, and too few make nothing (K1, K2)."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import pytest

from consensus.dkg import sealing
from consensus.dkg.bundle import Bundle, Confirmation, Deal, Justification, parse_deal
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import ParticipantReason
from consensus.dkg.polynomial import derive, prove_possession, secret_polynomial
from consensus.dkg.status import (
    Complete,
    Confirming,
    Failed,
    FailureReason,
    Justifying,
    Phase,
)
from consensus.encoding import Value, encode
from consensus.model import NodeId, Rejected
from consensus.threshold import bls, reference
from consensus.threshold.bls import FAST
from consensus.threshold.scheme import ORDER, SIGNATURE_DST
from consensus.threshold.shares import BadShares, Combined, combine
from tests.unit.dkg.ceremonies import (
    changed,
    completed,
    faults_of,
    genesis,
    run,
    seed,
    step,
    without,
)

MESSAGE = bytes(range(32))


def deal_of(ceremony: Ceremony, bundle: Bundle) -> Deal:
    deal = parse_deal(ceremony.plan, bundle.slot, bundle.payload)
    assert isinstance(deal, Deal)
    return deal


def redealt(change: Callable[[Ceremony, Deal], Deal], slot: int) -> Callable[..., list[Bundle]]:
    """Dealer `slot` publishes a changed deal."""

    def tamper(ceremony: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
        return [
            Bundle(b.slot, change(ceremony, deal_of(ceremony, b)).payload(ceremony.plan.session))
            if b.slot == slot
            else b
            for b in bundles
        ]

    return tamper


def bad_share_for(*members: int) -> Callable[[Ceremony, Deal], Deal]:
    """Seal a wrong share to these members."""

    def change(ceremony: Ceremony, deal: Deal) -> Deal:
        keys = {hello.slot: hello.box_key for hello in ceremony.hellos}
        sealed = list(deal.sealed)
        for member in map(NodeId, members):
            sealed[member] = sealing.seal(
                (7).to_bytes(32, "big"), keys[member], ceremony.plan.session, deal.slot, member
            )
        return replace(deal, sealed=tuple(sealed))

    return change


@pytest.mark.parametrize("members", [4, 7, 13])
def test_honest_members_make_a_key_that_any_quorum_signs_with(members: int) -> None:
    plan, participants = genesis(members)
    ceremony = run(plan, participants)
    epoch = completed(ceremony, participants)
    polynomial = epoch.complete.outcome.polynomial
    assert ceremony.faults == ()
    assert len(ceremony.history) == 4  # nobody complained, so there was nothing to justify
    assert polynomial.threshold == plan.members.quorum
    assert epoch.complete.outcome.qualified == tuple(range(members))
    assert epoch.complete.confirmed == tuple(range(members))
    assert bls.verify(polynomial.group_key, epoch.complete.outcome.activation, epoch.complete.signature)
    partials = {share.slot: share.sign(MESSAGE) for share in epoch.shares.values()}
    chosen = dict(list(partials.items())[-polynomial.threshold :])
    combined = combine(polynomial, MESSAGE, chosen)
    assert isinstance(combined, Combined)
    assert bls.verify(polynomial.group_key, MESSAGE, combined.signature)
    chosen.popitem()
    assert combine(polynomial, MESSAGE, chosen) == BadShares((), 1)


def test_the_independent_library_verifies_the_activation() -> None:
    plan, participants = genesis(4)
    status = run(plan, participants).status
    assert isinstance(status, Complete)
    assert reference.verify(status.outcome.polynomial.group_key, status.outcome.activation, status.signature)


def test_every_choice_of_a_quorum_signs_alike() -> None:
    plan, participants = genesis(4)
    epoch = completed(run(plan, participants), participants)
    shares = list(epoch.shares.values())
    made = {
        combine(epoch.complete.outcome.polynomial, MESSAGE, {s.slot: s.sign(MESSAGE) for s in chosen})
        for chosen in combinations(shares, 3)
    }
    assert len(made) == 1


def test_a_restarted_participant_publishes_the_same_but_for_sealing() -> None:
    plan, participants = genesis(4)
    for phase in (Phase.HELLO, Phase.RESPOND, Phase.ACTIVATE):
        ceremony = run(plan, participants, until=phase)
        assert participants[0].next_bundle(ceremony) == participants[0].next_bundle(ceremony)
    ceremony = run(plan, participants, until=Phase.DEAL)
    first, second = participants[0].next_bundle(ceremony), participants[0].next_bundle(ceremony)
    assert isinstance(first, Bundle)
    assert isinstance(second, Bundle)
    assert first != second  # why the shell makes a deal once (N1)
    assert deal_of(ceremony, first).commitments == deal_of(ceremony, second).commitments


def test_a_member_who_is_away_holds_nobody_up_and_is_named() -> None:
    plan, participants = genesis(4)
    present = participants[:1] + participants[2:]
    epoch = completed(run(plan, present), present)
    assert epoch.complete.outcome.qualified == (0, 2, 3)
    assert faults_of(epoch.ceremony) == [("member", 1, "hello", "absent"), ("dealer", 1, "deal", "absent")]
    polynomial = epoch.complete.outcome.polynomial
    # Slots are slots: who comes after the absent member keeps its own index.
    for share in epoch.shares.values():
        assert share.public == polynomial.public_share(share.slot)


def test_a_member_without_a_hello_has_no_share() -> None:
    plan, participants = genesis(4)
    ceremony = run(plan, participants, {Phase.HELLO: without(2)})
    assert isinstance(ceremony.status, Complete)
    share = participants[2].new_share(ceremony)
    assert isinstance(share, Rejected)
    assert share.reason is ParticipantReason.SHARE_MISSING


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        (Phase.HELLO, FailureReason.TOO_FEW_HELLOS),
        (Phase.DEAL, FailureReason.TOO_FEW_DEALS),
        (Phase.RESPOND, FailureReason.TOO_FEW_RESPONSES),
        (Phase.ACTIVATE, FailureReason.TOO_FEW_CONFIRMATIONS),
    ],
)
def test_more_than_f_away_in_any_phase_fails_and_names_them(phase: Phase, reason: FailureReason) -> None:
    plan, participants = genesis(4)
    ceremony = run(plan, participants, {phase: without(0, 3)})
    assert isinstance(ceremony.status, Failed)
    assert ceremony.status.reason is reason
    assert [fault.slot for fault in ceremony.status.culprits] == [0, 3]
    assert ceremony.phase is None
    assert ceremony.expected == ()


def test_a_dealer_who_justifies_the_doubted_share_stays_in() -> None:
    plan, participants = genesis(4)
    tampers = {Phase.DEAL: redealt(bad_share_for(2), 1)}
    ceremony = run(plan, participants, tampers, until=Phase.JUSTIFY)
    assert ceremony.status == Justifying(((NodeId(1), (NodeId(2),)),))
    assert ceremony.expected == (1,)
    epoch = completed(run(plan, participants, tampers), participants)
    assert epoch.complete.outcome.qualified == (0, 1, 2, 3)
    assert epoch.complete.confirmed == (0, 1, 2, 3)  # member 2 uses the revealed share
    assert epoch.ceremony.faults == ()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (without(1), "absent"),
        (changed(1, lambda b: Bundle(b.slot, {**b.payload, "shares": ()})), "unanswered"),
        (
            lambda c, _: [
                Bundle(
                    NodeId(1),
                    Justification(NodeId(1), ((NodeId(2), bytes(31) + b"\x07"),)).payload(c.plan.session),
                )
            ],
            "false-share",
        ),
        (
            lambda c, _: [
                Bundle(
                    NodeId(1),
                    Justification(NodeId(1), ((NodeId(2), ORDER.to_bytes(32, "big")),)).payload(
                        c.plan.session
                    ),
                )
            ],
            "false-share",
        ),
    ],
    ids=["silent", "empty", "false", "beyond-order"],
)
def test_a_dealer_who_does_not_justify_is_out(answer: Callable[..., list[Bundle]], reason: str) -> None:
    plan, participants = genesis(4)
    tampers = {Phase.DEAL: redealt(bad_share_for(2), 1), Phase.JUSTIFY: answer}
    epoch = completed(run(plan, participants, tampers), participants)
    assert epoch.complete.outcome.qualified == (0, 2, 3)
    assert faults_of(epoch.ceremony) == [("dealer", 1, "justify", reason)]


def test_a_dealer_doubted_by_more_than_f_is_out_at_once() -> None:
    plan, participants = genesis(4)
    tampers = {Phase.DEAL: redealt(bad_share_for(0, 2), 1)}
    epoch = completed(run(plan, participants, tampers), participants)
    assert Phase.JUSTIFY not in [phase for phase, _ in epoch.ceremony.history]
    assert faults_of(epoch.ceremony) == [("dealer", 1, "respond", "too-many-complaints")]


def test_a_false_complaint_costs_only_the_complainer_its_secrecy() -> None:
    plan, participants = genesis(4)
    everyone = changed(3, lambda b: Bundle(b.slot, {**b.payload, "complaints": (0, 1, 2)}))
    epoch = completed(run(plan, participants, {Phase.RESPOND: everyone}), participants)
    assert epoch.complete.outcome.qualified == (0, 1, 2, 3)
    assert {member for _, member, _ in epoch.ceremony.revealed} == {3}


def test_too_many_cheats_fail_the_ceremony_by_name() -> None:
    plan, participants = genesis(4)

    def tamper(ceremony: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
        return redealt(bad_share_for(0, 1), 3)(ceremony, redealt(bad_share_for(0, 1), 2)(ceremony, bundles))

    ceremony = run(plan, participants, {Phase.DEAL: tamper})
    assert isinstance(ceremony.status, Failed)
    assert ceremony.status.reason is FailureReason.TOO_FEW_QUALIFIED
    assert [fault.slot for fault in ceremony.status.culprits] == [2, 3]


def wrong_possession(ceremony: Ceremony, deal: Deal) -> Deal:
    return replace(deal, possession=prove_possession(5, ceremony.plan.session, deal.slot))


def copied_possession(ceremony: Ceremony, deal: Deal) -> Deal:
    """Dealer 1 claims dealer 0's constant with dealer 0's own proof."""
    polynomial = secret_polynomial(
        seed(ceremony.plan.members.node_keys[0], 1), ceremony.plan.session, ceremony.plan.threshold, None
    )
    proof = prove_possession(polynomial.coefficients[0], ceremony.plan.session, NodeId(0))
    return replace(deal, commitments=polynomial.commit(), possession=proof)


def replayed_possession(ceremony: Ceremony, deal: Deal) -> Deal:
    """Dealer 1 shows the proof it made in another session."""
    key = ceremony.plan.members.node_keys[1]
    polynomial = secret_polynomial(seed(key, 1), ceremony.plan.session, ceremony.plan.threshold, None)
    proof = prove_possession(polynomial.coefficients[0], bytes(32), deal.slot)
    return replace(deal, commitments=polynomial.commit(), possession=proof)


def signed_possession(ceremony: Ceremony, deal: Deal) -> Deal:
    """Dealer 1 shows a signature on what is to be proven, made as signatures on entries are."""
    key, session = ceremony.plan.members.node_keys[1], ceremony.plan.session
    polynomial = secret_polynomial(seed(key, 1), session, ceremony.plan.threshold, None)
    claim: dict[str, Value] = {
        "topic": "possession",
        "session": session,
        "slot": deal.slot,
        "constant": deal.commitments[0],
    }
    proof = FAST.secret_g1(polynomial.coefficients[0], encode(claim), SIGNATURE_DST)
    assert polynomial.commit() == deal.commitments
    return replace(deal, possession=proof)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _, d: replace(d, commitments=d.commitments[:-1]), "wrong-length"),
        (lambda _, d: replace(d, commitments=(*d.commitments, d.commitments[0])), "wrong-length"),
        (lambda _, d: replace(d, sealed=d.sealed[:-1]), "wrong-length"),
        (lambda _, d: replace(d, sealed=(b"", *d.sealed[1:])), "wrong-recipients"),
        (lambda _, d: replace(d, sealed=(bytes(79), *d.sealed[1:])), "malformed"),
        (lambda _, d: replace(d, possession=bytes(47)), "malformed"),
        (lambda _, d: replace(d, possession=b"\xc0" + bytes(47)), "bad-possession"),
        (lambda _, d: replace(d, commitments=(b"\xc0" + bytes(95), *d.commitments[1:])), "bad-point"),
        (lambda _, d: replace(d, commitments=(*d.commitments[:-1], b"\xe0" + bytes(95))), "bad-point"),
        (wrong_possession, "bad-possession"),
        (copied_possession, "bad-possession"),
        (replayed_possession, "bad-possession"),
        (signed_possession, "bad-possession"),
    ],
)
def test_a_statically_wrong_deal_puts_its_dealer_out(
    change: Callable[[Ceremony, Deal], Deal], reason: str
) -> None:
    plan, participants = genesis(4)
    epoch = completed(run(plan, participants, {Phase.DEAL: redealt(change, 1)}), participants)
    assert epoch.complete.outcome.qualified == (0, 2, 3)
    assert faults_of(epoch.ceremony) == [("dealer", 1, "deal", reason)]


def test_two_different_deals_of_one_dealer_are_evidence_and_put_it_out() -> None:
    plan, participants = genesis(4)

    def twice(ceremony: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
        again = participants[1].next_bundle(ceremony)
        assert isinstance(again, Bundle)
        return [*bundles[:2], again, *bundles[2:]]

    epoch = completed(run(plan, participants, {Phase.DEAL: twice}), participants)
    assert faults_of(epoch.ceremony) == [("dealer", 1, "deal", "two-bundles")]
    assert epoch.complete.outcome.qualified == (0, 2, 3)


def test_a_hello_with_a_low_order_key_is_refused() -> None:
    plan, participants = genesis(4)
    weak = changed(2, lambda b: Bundle(b.slot, {**b.payload, "box-key": bytes(32)}))
    ceremony = run(plan, participants, {Phase.HELLO: weak}, until=Phase.DEAL)
    assert faults_of(ceremony) == [("member", 2, "hello", "weak-key")]


def test_a_complaint_about_a_dealer_who_never_dealt_voids_the_response() -> None:
    plan, participants = genesis(4)
    tampers = {
        Phase.DEAL: without(1),
        Phase.RESPOND: changed(3, lambda b: Bundle(b.slot, {**b.payload, "complaints": (1,)})),
    }
    epoch = completed(run(plan, participants, tampers), participants)
    assert ("member", 3, "respond", "bad-complaints") in faults_of(epoch.ceremony)


def test_confirmations_of_another_outcome_or_without_the_share_do_not_count() -> None:
    plan, participants = genesis(7)

    def lie(ceremony: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
        assert isinstance(ceremony.status, Confirming)
        transcript = ceremony.status.outcome.transcript
        partial = bundles[4].payload["partial"]
        assert isinstance(partial, bytes)
        lies = [
            Confirmation(NodeId(0), bytes(32), partial),
            Confirmation(NodeId(3), transcript, partial),
        ]
        told = {lie.slot: Bundle(lie.slot, lie.payload(ceremony.plan.session)) for lie in lies}
        return [told.get(bundle.slot, bundle) for bundle in bundles]

    epoch = completed(run(plan, participants, {Phase.ACTIVATE: lie}), participants)
    assert epoch.complete.confirmed == (1, 2, 4, 5, 6)
    assert faults_of(epoch.ceremony) == [
        ("member", 0, "activate", "wrong-transcript"),
        ("member", 3, "activate", "bad-partial"),
    ]


def test_a_member_whose_complaint_was_kept_out_does_not_confirm() -> None:
    plan, participants = genesis(4)
    tampers = {Phase.DEAL: redealt(bad_share_for(2), 1), Phase.RESPOND: without(2)}
    ceremony = run(plan, participants, tampers, until=Phase.ACTIVATE)
    refused = participants[2].next_bundle(ceremony)
    assert isinstance(refused, Rejected)
    assert refused.reason is ParticipantReason.SHARE_MISSING
    others = [participants[0], participants[1], participants[3]]
    assert completed(step(ceremony, others), others).complete.confirmed == (0, 1, 3)


def test_a_participant_with_another_seed_stays_silent() -> None:
    plan, participants = genesis(4)
    lost = replace(participants[1], seed=bytes(32))
    responding = run(plan, participants, until=Phase.RESPOND)
    justifying = run(plan, participants, {Phase.DEAL: redealt(bad_share_for(2), 1)}, until=Phase.JUSTIFY)
    for ceremony in (responding, justifying):
        refused = lost.next_bundle(ceremony)
        assert isinstance(refused, Rejected)
        assert refused.reason is ParticipantReason.SEED_LOST


def test_secrets_reach_no_repr_and_sessions_share_no_secret() -> None:
    plan, participants = genesis(4)
    assert participants[0].seed.hex() not in repr(participants[0])
    assert repr(participants[0].seed) not in repr(participants[0])
    assert derive(bytes(32), plan.session, b"box", 32) != derive(bytes(32), bytes(32), b"box", 32)
    polynomial = secret_polynomial(bytes(32), plan.session, 3, None)
    assert repr(polynomial) == "SecretPolynomial()"
