"""Signed bytes: whose they are, of which network, epoch and round, and what a certificate must hold."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import pytest

from consensus.agreement.wire import FRAME_BYTES_MAX, parse_frame
from consensus.encoding import encode
from consensus.envelope import (
    ProposalFrame,
    Verified,
    certificate_at,
    check_certificate,
    check_decided,
    check_proposal_frame,
    open_proposal,
    open_vote,
    recover,
)
from consensus.messages import (
    ENTRY_BYTES_MAX,
    Certificate,
    DecidedEntry,
    Entry,
    MessageReason,
    Phase,
    Proposal,
    Vote,
)
from consensus.model import ZERO_DIGEST, Committee, EpochNumber, Height, Network, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK, keys

KEYS = keys(7)
COMMITTEE = Committee(EpochNumber(1), tuple(key.public_key.format() for key in KEYS[:4]))
LARGER = Committee(EpochNumber(2), tuple(key.public_key.format() for key in KEYS))
COMMITTEES = {COMMITTEE.epoch: COMMITTEE, LARGER.epoch: LARGER}
ELSEWHERE = Network(b"\x11" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ENTRY = Entry(NETWORK, Height(1), ZERO_DIGEST, "test", {"name": "a"})


def signature_of(slot: int, vote: Vote, network: Network = NETWORK) -> bytes:
    return KEYS[slot].sign_recoverable(encode(vote.value(network)))


def certificate(
    slots: range, *, phase: Phase = Phase.COMMIT, round_: int = 0, entry: Entry = ENTRY
) -> Certificate:
    vote = Vote(COMMITTEE.epoch, entry.height, Round(round_), phase, entry.digest)
    signatures = {NodeId(slot): signature_of(slot, vote, entry.network) for slot in slots}
    return certificate_at(COMMITTEE.epoch, Round(round_), signatures, COMMITTEE.size)


def reason_of(checked: object) -> Enum | None:
    return checked.reason if isinstance(checked, Rejected) else None


def re_proposal(round_: int, valid_round: int, shown: Certificate | None) -> ProposalFrame | Rejected:
    slot = COMMITTEE.proposer(ENTRY.previous, Round(round_))
    proposal = Proposal(COMMITTEE.epoch, ENTRY.height, Round(round_), ENTRY.digest, Round(valid_round))
    payload = encode(proposal.value(NETWORK))
    opened = open_proposal(payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
    return opened if isinstance(opened, Rejected) else ProposalFrame(opened, ENTRY, b"", shown)


def test_a_vote_of_another_network_is_refused_by_name() -> None:
    payload = encode(Vote(COMMITTEE.epoch, Height(1), Round(0), Phase.COMMIT, None).value(ELSEWHERE))
    opened = open_vote(payload, KEYS[0].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert reason_of(opened) is MessageReason.WRONG_NETWORK


def test_a_vote_of_an_epoch_that_nobody_knows_is_refused_by_name() -> None:
    payload = encode(Vote(EpochNumber(9), Height(1), Round(0), Phase.COMMIT, None).value(NETWORK))
    opened = open_vote(payload, KEYS[0].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert reason_of(opened) is MessageReason.UNKNOWN_EPOCH


def test_a_vote_by_somebody_outside_the_committee_is_refused_by_name() -> None:
    payload = encode(Vote(COMMITTEE.epoch, Height(1), Round(0), Phase.COMMIT, None).value(NETWORK))
    opened = open_vote(payload, KEYS[5].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert reason_of(opened) is MessageReason.NOT_A_MEMBER


def test_the_twin_of_a_signature_with_high_s_is_no_signature() -> None:
    payload = encode(Vote(COMMITTEE.epoch, Height(1), Round(0), Phase.COMMIT, None).value(NETWORK))
    low = KEYS[0].sign_recoverable(payload)
    high_s = ORDER - int.from_bytes(low[32:64], "big")
    twin = low[:32] + high_s.to_bytes(32, "big") + bytes([low[64] ^ 1])
    assert recover(payload, low) == COMMITTEE.node_keys[0]
    assert recover(payload, twin) is None
    assert reason_of(open_vote(payload, twin, NETWORK, COMMITTEES)) is MessageReason.BAD_SIGNATURE


@pytest.mark.parametrize("committee", [replace(COMMITTEE, epoch=EpochNumber(2)), LARGER])
def test_a_certificate_of_another_epoch_or_size_is_none(committee: Committee) -> None:
    shown = certificate(range(4))
    checked = check_certificate(shown, Phase.COMMIT, ENTRY.height, ENTRY.digest, NETWORK, committee)
    assert reason_of(checked) is MessageReason.WRONG_SHAPE


def test_a_certificate_needs_a_quorum_and_its_own_height_round_phase_and_digest() -> None:
    good = certificate(range(3))
    other = replace(ENTRY, body={"name": "b"})
    assert check_certificate(good, Phase.COMMIT, ENTRY.height, ENTRY.digest, NETWORK, COMMITTEE) is None
    for shown, phase, height, digest, network in (
        (certificate(range(2)), Phase.COMMIT, ENTRY.height, ENTRY.digest, NETWORK),
        (good, Phase.PREVOTE, ENTRY.height, ENTRY.digest, NETWORK),
        (good, Phase.COMMIT, Height(2), ENTRY.digest, NETWORK),
        (good, Phase.COMMIT, ENTRY.height, other.digest, NETWORK),
        (good, Phase.COMMIT, ENTRY.height, ENTRY.digest, ELSEWHERE),
        (replace(good, round=Round(1)), Phase.COMMIT, ENTRY.height, ENTRY.digest, NETWORK),
    ):
        assert check_certificate(shown, phase, height, digest, network, COMMITTEE) is not None


def test_a_decided_entry_of_another_network_is_refused_although_its_certificate_is_good_there() -> None:
    foreign = replace(ENTRY, network=ELSEWHERE)
    decided = DecidedEntry(foreign, certificate(range(4), entry=foreign))
    assert check_decided(decided, ELSEWHERE, COMMITTEES) is None
    assert reason_of(check_decided(decided, NETWORK, COMMITTEES)) is MessageReason.WRONG_NETWORK


def test_an_entry_of_another_network_or_height_is_not_proposed() -> None:
    slot = COMMITTEE.proposer(ENTRY.previous, Round(0))
    for foreign, reason in (
        (replace(ENTRY, network=ELSEWHERE), MessageReason.WRONG_NETWORK),
        (replace(ENTRY, height=Height(2)), MessageReason.WRONG_LINK),
    ):
        proposal = Proposal(COMMITTEE.epoch, ENTRY.height, Round(0), foreign.digest, None)
        payload = encode(proposal.value(NETWORK))
        opened = open_proposal(payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
        assert isinstance(opened, Verified)
        checked = check_proposal_frame(ProposalFrame(opened, foreign, b"", None), NETWORK, COMMITTEE)
        assert reason_of(checked) is reason


def test_a_justification_is_of_just_the_round_that_the_proposal_names() -> None:
    prevotes = certificate(range(3), phase=Phase.PREVOTE, round_=1)
    right = re_proposal(3, 1, prevotes)
    wrong = re_proposal(3, 2, prevotes)
    assert isinstance(right, ProposalFrame)
    assert isinstance(wrong, ProposalFrame)
    assert check_proposal_frame(right, NETWORK, COMMITTEE) is None
    assert reason_of(check_proposal_frame(wrong, NETWORK, COMMITTEE)) is MessageReason.NO_QUORUM


def test_commits_do_not_justify_a_re_proposal() -> None:
    frame = re_proposal(3, 1, certificate(range(3), phase=Phase.COMMIT, round_=1))
    assert isinstance(frame, ProposalFrame)
    assert check_proposal_frame(frame, NETWORK, COMMITTEE) is not None


@pytest.mark.parametrize("valid_round", [2, 3])
def test_a_re_proposal_is_justified_in_an_earlier_round_than_its_own(valid_round: int) -> None:
    assert reason_of(re_proposal(2, valid_round, None)) is MessageReason.WRONG_SHAPE


def test_frames_and_entries_beyond_their_limits_are_not_read() -> None:
    long_frame = encode({"topic": "status", "filler": bytes(FRAME_BYTES_MAX)})
    assert reason_of(parse_frame(long_frame, NETWORK, COMMITTEES)) is MessageReason.TOO_LARGE
    long_entry = replace(ENTRY, body={"filler": bytes(ENTRY_BYTES_MAX)}).encoded()
    assert reason_of(Entry.parse(long_entry)) is MessageReason.TOO_LARGE
