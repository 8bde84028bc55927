"""A committee of four with their keys, for tests of one module."""

from __future__ import annotations

from coincurve import PrivateKey

from consensus.encoding import Value, encode
from consensus.envelope import Verified, certificate_at, open_vote
from consensus.messages import Certificate, DecidedEntry, Entry, Phase, Vote
from consensus.model import ZERO_DIGEST, Committee, Digest, EpochNumber, Height, NodeId, Round
from consensus.simulator.runs import NETWORK, keys
from oracle import frames
from oracle.frames import Bundle, Observations

KEYS = keys(4)
COMMITTEE = Committee(EpochNumber(1), tuple(key.public_key.format() for key in KEYS))
COMMITTEES = {COMMITTEE.epoch: COMMITTEE}


def key_of(slot: int) -> PrivateKey:
    return KEYS[slot]


def vote_of(slot: int, height: int, digest: bytes | None, phase: Phase = Phase.COMMIT) -> Verified[Vote]:
    voted = None if digest is None else Digest(digest)
    payload = encode(Vote(COMMITTEE.epoch, Height(height), Round(0), phase, voted).value(NETWORK))
    opened = open_vote(payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert isinstance(opened, Verified)
    return opened


def entry_of(kind: str, body: dict[str, Value], height: int = 1, previous: bytes = ZERO_DIGEST) -> Entry:
    return Entry(NETWORK, Height(height), Digest(previous), kind, body)


def certified(entry: Entry, slots: tuple[int, ...] = (0, 1, 2)) -> DecidedEntry:
    signatures = {NodeId(slot): vote_of(slot, entry.height, entry.digest).signature for slot in slots}
    return DecidedEntry(entry, certificate_at(COMMITTEE.epoch, Round(0), signatures, COMMITTEE.size))


def certificate_of(entry: Entry) -> Certificate:
    return certified(entry).certificate


def signed(slot: int, payload: bytes) -> Verified[Observations] | Verified[Bundle]:
    opened = frames.open_signed(slot, payload, KEYS[slot].sign_recoverable(payload), NETWORK, COMMITTEES)
    assert isinstance(opened, Verified), opened
    return opened


def observations_by(slot: int, observations: Observations) -> Verified[Observations]:
    opened = signed(slot, encode(observations.value(NETWORK)))
    assert isinstance(opened.message, Observations)
    return opened
