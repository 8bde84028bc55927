"""K3: what counts as a new committee's word that it has taken over, and what does not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from consensus.encoding import encode
from consensus.envelope import Verified, certificate_at, open_vote
from consensus.messages import Certificate, Phase, Vote
from consensus.model import Digest, Height, NodeId, Round
from consensus.simulator.runs import NETWORK
from oracle.acceptance import ACCEPTANCE_ROUND, Acceptance
from tests.unit.oracle.network import COMMITTEE, COMMITTEES, KEYS

HEIGHT = Height(7)
DIGEST = Digest(hashlib.sha256(b"the activation").digest())
MINE = Vote(COMMITTEE.epoch, HEIGHT, ACCEPTANCE_ROUND, Phase.COMMIT, DIGEST)


def acceptance() -> Acceptance:
    return Acceptance(NETWORK, HEIGHT, DIGEST, COMMITTEE)


def by(slot: int, vote: Vote = MINE) -> Verified[Vote]:
    payload = encode(vote.value(NETWORK))
    opened = open_vote(payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert isinstance(opened, Verified)
    return opened


def certificate(vote: Vote = MINE, slots: tuple[int, ...] = (0, 1, 2)) -> Certificate:
    signatures = {NodeId(slot): by(slot, vote).signature for slot in slots}
    return certificate_at(vote.epoch, vote.round, signatures, COMMITTEE.size)


def test_k3_a_quorum_s_votes_make_the_certificate_and_one_member_counts_once() -> None:
    held = acceptance()
    assert [held.take(by(slot)) for slot in (0, 0, 1, 2)] == [False, False, False, True]
    assert held.certificate == certificate()


@pytest.mark.parametrize(
    "other",
    [
        replace(MINE, digest=Digest(bytes(32))),
        replace(MINE, digest=None),
        replace(MINE, height=Height(8)),
        replace(MINE, round=Round(0)),
        replace(MINE, phase=Phase.PREVOTE),
    ],
)
def test_k3_a_vote_on_anything_else_accepts_nothing(other: Vote) -> None:
    held = acceptance()
    assert not any(held.take(by(slot, other)) for slot in range(4))
    assert held.certificate is None
    assert not held.take_certificate(certificate(other).encoded())
    assert held.certificate is None


def test_k3_a_peer_s_certificate_is_taken_if_a_quorum_signed_it() -> None:
    held = acceptance()
    assert not held.take_certificate(certificate(slots=(0, 1)).encoded())
    assert not held.take_certificate(b"no certificate")
    assert held.certificate is None
    assert held.take_certificate(certificate().encoded())
    assert held.certificate == certificate()
