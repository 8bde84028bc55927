"""Resharing: other members, another t, the same key; old and new shares do not mix (K3)."""

from dataclasses import replace

import pytest

from consensus.dkg.bundle import Bundle, Deal, parse_deal
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import Participant, ParticipantReason
from consensus.dkg.plan import Plan
from consensus.dkg.polynomial import prove_possession, secret_polynomial
from consensus.dkg.status import Complete, Failed, FailureReason, Phase
from consensus.model import InvariantBroken, NodeId, Rejected
from consensus.threshold.shares import BadShares, Combined, combine
from tests.unit.dkg.ceremonies import (
    NETWORK,
    Epoch,
    committee,
    completed,
    faults_of,
    found_epoch,
    resharing,
    run,
    without,
)

MESSAGE = bytes(range(32))


@pytest.fixture(scope="module")
def four() -> Epoch:
    return found_epoch(4)


@pytest.fixture(scope="module")
def seven() -> Epoch:
    return found_epoch(7)


def signature_of(epoch: Epoch) -> bytes:
    partials = {share.slot: share.sign(MESSAGE) for share in epoch.shares.values()}
    combined = combine(epoch.complete.outcome.polynomial, MESSAGE, partials)
    assert isinstance(combined, Combined)
    assert combined.culprits == ()
    return combined.signature


@pytest.mark.parametrize(
    ("members", "first"),
    [
        pytest.param(4, 0, id="same-committee"),
        pytest.param(5, 0, id="one-joins"),
        pytest.param(7, 2, id="two-leave-five-join"),
        pytest.param(4, 100, id="all-replaced"),
        pytest.param(13, 100, id="all-replaced-by-thirteen"),
    ],
)
def test_the_new_committee_signs_under_the_same_key(four: Epoch, members: int, first: int) -> None:
    plan, participants = resharing(four, committee(2, members, first))
    epoch = completed(run(plan, participants), participants)
    old, new = four.complete.outcome.polynomial, epoch.complete.outcome.polynomial
    assert new.group_key == old.group_key
    assert new.threshold == plan.members.quorum
    assert new.points[1:] != old.points[1:]
    assert len(epoch.shares) == members
    assert signature_of(epoch) == signature_of(four)  # T1: it outlives committees


def test_a_large_committee_can_shrink_and_grow_again(seven: Epoch) -> None:
    plan, participants = resharing(seven, committee(2, 4, 3))
    small = completed(run(plan, participants), participants)
    plan, participants = resharing(small, committee(3, 7, 20))
    large = completed(run(plan, participants), participants)
    assert signature_of(large) == signature_of(small) == signature_of(seven)


def test_old_and_new_shares_do_not_mix(four: Epoch) -> None:
    plan, participants = resharing(four, committee(2, 4))
    epoch = completed(run(plan, participants), participants)
    old = {share.slot: share.sign(MESSAGE) for share in four.shares.values()}
    new = {share.slot: share.sign(MESSAGE) for share in epoch.shares.values()}
    mixed = {NodeId(0): old[NodeId(0)], NodeId(1): new[NodeId(1)], NodeId(2): new[NodeId(2)]}
    assert combine(epoch.complete.outcome.polynomial, MESSAGE, mixed) == BadShares((NodeId(0),), 1)
    assert combine(four.complete.outcome.polynomial, MESSAGE, mixed) == BadShares((NodeId(1), NodeId(2)), 2)


def test_the_first_t_good_dealers_in_slot_order_are_used(seven: Epoch) -> None:
    plan, participants = resharing(seven, committee(2, 4, 50))
    epoch = completed(run(plan, participants, {Phase.DEAL: without(1)}), participants)
    assert epoch.complete.outcome.qualified == (0, 2, 3, 4, 5)
    assert signature_of(epoch) == signature_of(seven)


def other_constant(ceremony: Ceremony, bundles: list[Bundle]) -> list[Bundle]:
    """Old member 2 deals a well-made polynomial of a secret that is not its share."""
    deal = parse_deal(ceremony.plan, NodeId(2), bundles[2].payload)
    assert isinstance(deal, Deal)
    polynomial = secret_polynomial(bytes(32), ceremony.plan.session, ceremony.plan.threshold, None)
    proof = prove_possession(polynomial.coefficients[0], ceremony.plan.session, NodeId(2))
    lie = replace(deal, commitments=polynomial.commit(), possession=proof)
    return [*bundles[:2], Bundle(NodeId(2), lie.payload(ceremony.plan.session)), *bundles[3:]]


def test_a_dealer_of_another_secret_than_its_share_is_out(four: Epoch) -> None:
    plan, participants = resharing(four, committee(2, 4, 50))
    epoch = completed(run(plan, participants, {Phase.DEAL: other_constant}), participants)
    assert faults_of(epoch.ceremony) == [("dealer", 2, "deal", "wrong-constant")]
    assert epoch.complete.outcome.qualified == (0, 1, 3)
    assert signature_of(epoch) == signature_of(four)


def test_a_failed_resharing_names_its_culprits_and_a_retry_is_another_session(four: Epoch) -> None:
    plan, participants = resharing(four, committee(2, 7, 50))
    failed = run(plan, participants, {Phase.DEAL: without(0, 3)})
    assert isinstance(failed.status, Failed)
    assert failed.status.reason is FailureReason.TOO_FEW_DEALS
    assert [fault.slot for fault in failed.status.culprits] == [0, 3]
    again = replace(plan, attempt=1)
    assert again.session != plan.session
    epoch = completed(run(again, participants), participants)
    assert signature_of(epoch) == signature_of(four)


def test_a_resharing_is_not_in_force_before_q_new_members_confirm(four: Epoch) -> None:
    plan, participants = resharing(four, committee(2, 4, 50))
    ceremony = run(plan, participants, {Phase.ACTIVATE: without(0, 1)})
    assert isinstance(ceremony.status, Failed)
    assert ceremony.status.reason is FailureReason.TOO_FEW_CONFIRMATIONS
    ceremony = run(plan, participants, {Phase.ACTIVATE: without(1)})
    assert isinstance(ceremony.status, Complete)
    assert ceremony.status.confirmed == (0, 2, 3)


def test_an_old_member_without_its_share_says_so_and_is_not_missed(four: Epoch) -> None:
    plan, participants = resharing(four, committee(2, 4, 50))
    ceremony = run(plan, participants, until=Phase.DEAL)
    shareless = Participant(participants[0].node_key, participants[0].seed)
    refused = shareless.next_bundle(ceremony)
    assert isinstance(refused, Rejected)
    assert refused.reason is ParticipantReason.NO_OLD_SHARE
    rest = participants[1:]
    assert signature_of(completed(run(plan, rest), rest)) == signature_of(four)


def test_plans_that_cannot_be_are_our_own_fault(four: Epoch) -> None:
    polynomial = four.complete.outcome.polynomial
    with pytest.raises(InvariantBroken):
        Plan(NETWORK, 0, committee(1, 4), committee(2, 4))
    with pytest.raises(InvariantBroken):
        Plan(NETWORK, 0, committee(1, 7), committee(2, 4), polynomial)
    with pytest.raises(InvariantBroken):
        Plan(NETWORK, 0, committee(2, 4), committee(2, 4), polynomial)
