"""Cheap before expensive: what can be refused without looking at a signature is.

The real verifier runs, and is counted: how often a public key was recovered. (Pairings are
counted in `test_runtime.py`.) A table says of each bad frame by which name it is refused and
how many signatures that may cost. Whoever sends what is truncated, oversized, replayed or of
another network has nobody compute anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from coincurve import PublicKey

from consensus import encoding, envelope
from consensus.agreement import wire
from consensus.encoding import Some, Value, encode
from consensus.envelope import Verified, certificate_at, open_vote
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
from consensus.model import ZERO_DIGEST, Digest, EpochNumber, Height, Network, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK, keys
from oracle import frames
from oracle.model import WindowStart
from tests.unit.oracle.network import COMMITTEE, COMMITTEES, KEYS, certified, entry_of

OTHER = Network(hashlib.sha256(b"another network").digest())
STRANGER = keys(5)[4]
VOTE = Vote(COMMITTEE.epoch, Height(7), Round(0), Phase.PREVOTE, Digest(bytes(32)))
PROPOSER = COMMITTEE.proposer(ZERO_DIGEST, Round(0))


class Counted:
    """The library's own recovery of keys, counted."""

    def __init__(self) -> None:
        self.recoveries = 0

    def from_signature_and_message(self, signature: bytes, message: bytes) -> PublicKey:
        self.recoveries += 1
        return PublicKey.from_signature_and_message(signature, message)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    made = Counted()
    monkeypatch.setattr(envelope, "PublicKey", made)
    return made


def by(slot: int, payload: bytes) -> bytes:
    return KEYS[slot].sign_recoverable(payload)


def vote_frame(vote: Vote = VOTE, network: Network = NETWORK, signature: bytes | None = None) -> bytes:
    payload = encode(vote.value(network))
    signed = by(0, payload) if signature is None else signature
    return encode({"topic": "vote", "payload": payload, "signature": signed})


def proposal_frame(
    entry: Entry,
    *,
    digest: bytes | None = None,
    height: int = 1,
    round_: int = 0,
    valid_round: int | None = None,
    justification: Certificate | None = None,
    network: Network = NETWORK,
) -> bytes:
    proposal = Proposal(
        COMMITTEE.epoch,
        Height(height),
        Round(round_),
        Digest(digest or entry.digest),
        None if valid_round is None else Round(valid_round),
    )
    payload = encode(proposal.value(network))
    return encode(
        {
            "topic": "proposal",
            "payload": payload,
            "signature": by(PROPOSER, payload),
            "entry": entry.encoded(),
            "attachment": b"",
            "justification": None if justification is None else Some(justification.value()),
        }
    )


def entries(*decided: DecidedEntry, **more: Value) -> bytes:
    rows: list[Value] = [
        {"entry": one.entry.encoded(), "certificate": one.certificate.encoded(), "attachment": b""}
        for one in decided
    ]
    return encode({"topic": "entries", "entries": rows, **more})


def observations(network: Network = NETWORK, sender: int = 1, epoch: int = 1) -> bytes:
    message = frames.Observations(EpochNumber(epoch), WindowStart(900), ())
    payload = encode(message.value(network))
    return encode({"topic": "signed", "sender": sender, "payload": payload, "signature": by(1, payload)})


def ceremony(size: int) -> bytes:
    payload = encode({"topic": "deal", "session": bytes(32), "slot": 1, "sealed": bytes(size)})
    return encode({"topic": "signed", "sender": 1, "payload": payload, "signature": by(1, payload)})


def void(height: int = 1) -> Entry:
    return entry_of("void", {"window": 900}, height)


def certificate(*signatures: bytes, size: int = 4, epoch: int = 1) -> Certificate:
    padded = (*signatures, *(b"" for _ in range(size - len(signatures))))
    return Certificate(EpochNumber(epoch), Round(0), padded)


def malleated(signature: bytes) -> bytes:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(signature[32:64], "big")
    return signature[:32] + high.to_bytes(32, "big") + bytes([signature[64] ^ 1])


GOOD = certified(void())
FORGED = bytes(range(64)) + b"\x00"
FOREIGN_ENTRY = replace(void(), network=OTHER)
R = MessageReason
TABLE: dict[str, tuple[Callable[[], bytes], MessageReason, int]] = {
    # truncated, oversized, not canonical: nothing is looked at
    "a truncated vote": (lambda: vote_frame()[:-1], R.NOT_CANONICAL, 0),
    "bytes after a vote": (lambda: vote_frame() + b"\x09", R.NOT_CANONICAL, 0),
    "a frame beyond the limit": (lambda: vote_frame() + bytes(wire.FRAME_BYTES_MAX), R.TOO_LARGE, 0),
    "a length beyond the frame": (lambda: b"\x0b\xff\xff\xff\xff", R.NOT_CANONICAL, 0),
    "a short signature": (lambda: vote_frame(signature=bytes(64)), R.WRONG_SHAPE, 0),
    "a high-s signature": (
        lambda: vote_frame(signature=malleated(by(0, encode(VOTE.value(NETWORK))))),
        R.BAD_SIGNATURE,
        0,
    ),
    "a recovery id that is none": (lambda: vote_frame(signature=bytes(64) + b"\x04"), R.BAD_SIGNATURE, 0),
    "an entry beyond its limit": (
        lambda: entries(replace(GOOD, entry=replace(void(), body={"x": bytes(ENTRY_BYTES_MAX)}))),
        R.WRONG_SHAPE,
        0,
    ),
    "a ceremony's bundle beyond its limit": (
        lambda: ceremony(frames.BUNDLE_BYTES_MAX),
        R.TOO_LARGE,
        0,
    ),
    # of another network, or of nobody's epoch
    "a vote of another network": (lambda: vote_frame(network=OTHER), R.WRONG_NETWORK, 0),
    "a vote of an unknown epoch": (
        lambda: vote_frame(replace(VOTE, epoch=EpochNumber(9))),
        R.UNKNOWN_EPOCH,
        0,
    ),
    "a proposal of another network": (lambda: proposal_frame(void(), network=OTHER), R.WRONG_NETWORK, 0),
    "a proposal of an entry of another network": (
        lambda: proposal_frame(FOREIGN_ENTRY),
        R.WRONG_NETWORK,
        0,
    ),
    "observations of another network": (lambda: observations(OTHER), R.WRONG_NETWORK, 0),
    "observations of an unknown epoch": (lambda: observations(epoch=9), R.UNKNOWN_EPOCH, 0),
    "observations by no slot": (lambda: observations(sender=200), R.NOT_A_MEMBER, 0),
    "a decided entry of another network": (
        lambda: entries(replace(GOOD, entry=FOREIGN_ENTRY)),
        R.WRONG_NETWORK,
        0,
    ),
    "a certificate of an unknown epoch": (
        lambda: entries(replace(GOOD, certificate=certificate(FORGED, FORGED, FORGED, epoch=9))),
        R.UNKNOWN_EPOCH,
        0,
    ),
    # what does not fit together
    "a proposal of another digest": (lambda: proposal_frame(void(), digest=bytes(32)), R.WRONG_SHAPE, 0),
    "a proposal of another height": (lambda: proposal_frame(void(), height=2), R.WRONG_LINK, 0),
    "a re-proposal without justification": (
        lambda: proposal_frame(void(), round_=1, valid_round=0),
        R.NO_QUORUM,
        0,
    ),
    "a certificate below the quorum": (
        lambda: entries(replace(GOOD, certificate=certificate(FORGED, FORGED))),
        R.NO_QUORUM,
        0,
    ),
    "a certificate of another size": (
        lambda: entries(replace(GOOD, certificate=certificate(FORGED, FORGED, FORGED, size=31))),
        R.WRONG_SHAPE,
        0,
    ),
    "good entries in a frame with a field too much": (lambda: entries(GOOD, GOOD, more=1), R.WRONG_SHAPE, 0),
    "good entries before a malformed one": (
        lambda: entries(GOOD, replace(GOOD, entry=replace(void(), kind="x" * 17))),
        R.WRONG_SHAPE,
        0,
    ),
    # forged: one look tells
    "a forged vote": (lambda: vote_frame(signature=FORGED), R.BAD_SIGNATURE, 1),
    "a stranger's vote": (
        lambda: vote_frame(signature=STRANGER.sign_recoverable(encode(VOTE.value(NETWORK)))),
        R.NOT_A_MEMBER,
        1,
    ),
    "a certificate of forgeries": (
        lambda: entries(replace(GOOD, certificate=certificate(FORGED, FORGED, FORGED, FORGED))),
        R.BAD_SIGNATURE,
        1,
    ),
    "a proposal out of turn": (lambda: proposal_frame(void(), round_=1), R.NOT_PROPOSER, 1),
    "observations under another's name": (lambda: observations(sender=2), R.BAD_SIGNATURE, 1),
}


@pytest.mark.parametrize("name", TABLE)
def test_it_is_refused_by_name_and_costs_no_more_signatures_than_it_must(name: str, counted: Counted) -> None:
    make, reason, most = TABLE[name]
    frame = make()
    counted.recoveries = 0
    answer = frames.parse(frame, NETWORK, COMMITTEES)
    assert isinstance(answer, Rejected), answer
    assert answer.reason is reason
    assert counted.recoveries <= most


def test_the_counter_counts(counted: Counted) -> None:
    assert isinstance(frames.parse(vote_frame(), NETWORK, COMMITTEES), Verified)
    assert counted.recoveries == 1
    assert isinstance(frames.parse(entries(GOOD), NETWORK, COMMITTEES), wire.Entries)
    assert counted.recoveries == 1 + COMMITTEE.quorum


def test_entries_that_are_known_are_not_verified_again(counted: Counted) -> None:
    answer = frames.parse(entries(GOOD, GOOD, GOOD), NETWORK, COMMITTEES, head=Height(1))
    assert answer == wire.Entries(())
    assert counted.recoveries == 0


def test_of_a_certificate_only_what_is_there_is_verified(counted: Counted) -> None:
    vote = Vote(COMMITTEE.epoch, Height(1), Round(0), Phase.COMMIT, void().digest)
    payload = encode(vote.value(NETWORK))
    signatures = {NodeId(slot): by(slot, payload) for slot in range(3)}
    whole = certificate_at(COMMITTEE.epoch, Round(0), signatures, COMMITTEE.size)
    bad = replace(whole, signatures=(FORGED, *whole.signatures[1:]))
    answer = frames.parse(entries(DecidedEntry(void(), bad)), NETWORK, COMMITTEES)
    assert isinstance(answer, Rejected)
    assert counted.recoveries == 1  # the first bad one ends it


def test_a_payload_beyond_its_limit_is_not_read(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def decode(data: bytes, **limits: Any) -> Value:
        read.append(len(data))
        return encoding.decode(data, **limits)

    monkeypatch.setattr(envelope, "decode", decode)
    big = encode({"topic": "vote", "x": bytes(2000)})
    answer = open_vote(big, by(0, big), NETWORK, COMMITTEES)
    assert isinstance(answer, Rejected)
    assert counted.recoveries == 0
    frame = encode({"topic": "vote", "payload": big, "signature": bytes(65)})
    read.clear()
    assert isinstance(frames.parse(frame, NETWORK, COMMITTEES), Rejected)
    assert read == []
