"""A member that voted twice: how it is noticed, what proves it, and how anyone checks it (E1).

Two votes of one key for one (height, round, phase) with different digests. Of which epoch
they are does not matter: an honest node's sign-once register (N1) has one place for all
epochs, so it never signs two such votes, whatever it is sent and whatever it lost (N4). Two
votes for the same digest prove nothing, also where their epochs or signatures differ.

Knows votes and keys; nothing of operators, stake or files. Cheap checks stand before
expensive ones: size, shape, network, place, digest, and only then the recovery of keys.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias

from consensus.encoding import EncodingError, decode
from consensus.envelope import Verified, recover
from consensus.messages import SIGNATURE_BYTES, Fields, Phase, Vote, WrongShape
from consensus.model import Height, Network, Rejected, Round

VOTE_BYTES_MAX: Final = 1024
VOTES_PER_KEY_MAX: Final = 256
"""First votes that are remembered of each key; the oldest is forgotten (Q5)."""

SignedVote = Verified[Vote]
Place: TypeAlias = tuple[Height, Round, Phase]


class DoubleVoteReason(Enum):
    """Why two signed votes prove nothing."""

    TOO_LARGE = "too-large"
    """A vote has at most 1024 bytes, its signature 65."""
    NOT_CANONICAL = "not-canonical"
    """The bytes of a vote are not one canonical value."""
    WRONG_SHAPE = "wrong-shape"
    """The bytes are not a vote."""
    WRONG_NETWORK = "wrong-network"
    """A vote is of another network (Q4)."""
    OTHER_PLACE = "other-place"
    """The votes are not of one height, round and phase: whoever goes on votes again, and may."""
    SAME_DIGEST = "same-digest"
    """Both votes say the same; a vote may be signed and sent any number of times."""
    BAD_SIGNATURE = "bad-signature"
    """A signature is malformed, high-s, or recovers to no key."""
    OTHER_KEY = "other-key"
    """The votes are signed by two keys: two members may differ."""


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """A vote's bytes and its signature, not yet checked."""

    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class DoubleVote:
    """Two votes of one key for one (height, round, phase) with different digests (E1).

    Made by `of`, which puts them in the order of their bytes: whoever holds the same two
    votes holds the same evidence.
    """

    first: SignedVote
    second: SignedVote

    @classmethod
    def of(cls, one: SignedVote, other: SignedVote) -> DoubleVote:
        """The evidence that two votes are."""
        first, second = sorted((one, other), key=lambda vote: vote.payload)
        return cls(first, second)

    @property
    def place(self) -> Place:
        """What was voted on twice."""
        return place_of(self.first.message)


@dataclass(frozen=True, slots=True)
class ProvenDoubleVote:
    """A double vote that was checked: whose key it was."""

    key: bytes
    first: Vote
    second: Vote


def place_of(vote: Vote) -> Place:
    """Where a key has one vote (N1)."""
    return vote.height, vote.round, vote.phase


def verify_double_vote(
    network: Network, first: SignedBytes, second: SignedBytes
) -> ProvenDoubleVote | Rejected:
    """The key that voted twice in `network`, or why this proves nothing."""
    votes = []
    for one in (first, second):
        vote = _read(network, one)
        if isinstance(vote, Rejected):
            return vote
        votes.append(vote)
    if place_of(votes[0]) != place_of(votes[1]):
        return Rejected(DoubleVoteReason.OTHER_PLACE)
    if votes[0].digest == votes[1].digest:
        return Rejected(DoubleVoteReason.SAME_DIGEST)
    keys = [recover(one.payload, one.signature) for one in (first, second)]
    if keys[0] is None or keys[1] is None:
        return Rejected(DoubleVoteReason.BAD_SIGNATURE)
    if keys[0] != keys[1]:
        return Rejected(DoubleVoteReason.OTHER_KEY)
    return ProvenDoubleVote(keys[0], votes[0], votes[1])


def _read(network: Network, signed: SignedBytes) -> Vote | Rejected:
    if len(signed.payload) > VOTE_BYTES_MAX or len(signed.signature) != SIGNATURE_BYTES:
        return Rejected(DoubleVoteReason.TOO_LARGE)
    try:
        fields = Fields(decode(signed.payload, bytes_max=VOTE_BYTES_MAX))
        fields.literal("topic", "vote")
        named = fields.buff("network", 32)
        vote = Vote.read(fields)
        fields.end()
    except WrongShape as shape:
        return Rejected(DoubleVoteReason.WRONG_SHAPE, str(shape))
    except EncodingError as cause:
        return Rejected(DoubleVoteReason.NOT_CANONICAL, str(cause))
    return vote if named == network else Rejected(DoubleVoteReason.WRONG_NETWORK)


@dataclass(slots=True)
class VoteWatch:
    """Remembers the first vote of each key at each place, so that a second one shows (E1).

    Beside the tally, which knows one height and one epoch: a key may vote twice at a height
    that is over, or under two epochs. A place is told of once.
    """

    _first: dict[bytes, OrderedDict[Place, SignedVote | None]] = field(default_factory=dict)

    def see(self, key: bytes, vote: SignedVote) -> DoubleVote | None:
        """Take a vote of `key` in; the proof of two, where this is a second one."""
        votes, place = self._first.setdefault(key, OrderedDict()), place_of(vote.message)
        known = votes.setdefault(place, vote)
        while len(votes) > VOTES_PER_KEY_MAX:
            votes.popitem(last=False)
        if known is None or known.message.digest == vote.message.digest:
            return None
        proof = DoubleVote.of(known, vote)
        return proof if self.tell(key, proof) else None

    def tell(self, key: bytes, proof: DoubleVote) -> bool:
        """Whether this proof is news, wherever it comes from; from now on it is not."""
        votes = self._first.setdefault(key, OrderedDict())
        news = votes.get(proof.place, proof.first) is not None
        votes[proof.place] = None
        return news
