"""Who agrees: operators in slots, committees, epochs, and the arithmetic of quorums.

Knows nothing of messages, bytes on a wire, or energy.

Quorums (Q1). With n members of which at most f = (n-1)//3 lie, a quorum is
q = (n+f)//2 + 1. Two quorums share at least 2q - n > f members, so an honest one:
2q - n >= (n+f+1) - n = f+1. And n - f honest members suffice for a quorum:
n - f >= (n+f)//2 + 1 holds because n >= 3f+1 gives n - f >= (n+f)/2 + 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NewType

from consensus.encoding import Principal, Value, digest

NodeId = NewType("NodeId", int)
"""A member's slot in its committee, 0 .. n-1."""
Height = NewType("Height", int)
"""Position in the log, from 1."""
Round = NewType("Round", int)
"""Attempt at one height, from 0."""
EpochNumber = NewType("EpochNumber", int)
"""Number of a committee, from 1."""
Digest = NewType("Digest", bytes)
"""32 bytes, sha256 of canonical bytes."""
Network = NewType("Network", bytes)
"""32 bytes, digest of the genesis (Q4); stands in every signed byte string."""

MEMBERS_MIN: Final = 4
MEMBERS_MAX: Final = 31
NODE_KEY_BYTES: Final = 33
ZERO_DIGEST: Final = Digest(bytes(32))


class InvariantBroken(RuntimeError):  # noqa: N818 - it states a fact, as house style 16 names it
    """We are wrong: the node stops and restarts from its journal."""


def check(condition: object, what_must_hold: str) -> None:
    """Raise InvariantBroken unless `condition`; unlike `assert`, -O does not remove it."""
    if not condition:
        raise InvariantBroken(what_must_hold)


@dataclass(frozen=True, slots=True)
class Rejected:
    """They sent something bad: why, and a detail for the log. A value, never an exception."""

    reason: Enum
    detail: str = ""


def faults(members: int) -> int:
    """How many members may lie: f = (n-1)//3."""
    return (members - 1) // 3


def quorum(members: int) -> int:
    """How many must agree: q = (n+f)//2 + 1 (Q1)."""
    return (members + faults(members)) // 2 + 1


@dataclass(frozen=True, slots=True)
class Committee:
    """One epoch's members: their compressed secp256k1 keys, in slot order.

    Raises ValueError unless there are 4 to 31 distinct 33-byte keys.
    """

    epoch: EpochNumber
    node_keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not MEMBERS_MIN <= len(self.node_keys) <= MEMBERS_MAX:
            raise ValueError(f"a committee has {MEMBERS_MIN} to {MEMBERS_MAX} members")
        if len(set(self.node_keys)) != len(self.node_keys):
            raise ValueError("a key stands twice in the committee")
        if any(len(key) != NODE_KEY_BYTES for key in self.node_keys):
            raise ValueError(f"a node key is a compressed point of {NODE_KEY_BYTES} bytes")

    @property
    def size(self) -> int:
        """n, the number of members."""
        return len(self.node_keys)

    @property
    def faults(self) -> int:
        """f, how many may lie."""
        return faults(self.size)

    @property
    def quorum(self) -> int:
        """q, how many must agree; also the threshold of the BLS key."""
        return quorum(self.size)

    def slot_of(self, node_key: bytes) -> NodeId | None:
        """Where a key sits, or None for an outsider."""
        try:
            return NodeId(self.node_keys.index(node_key))
        except ValueError:
            return None

    def proposer(self, previous: Digest, round_: Round) -> NodeId:
        """Who proposes: rotation over the slots from the previous entry's digest (A1)."""
        return NodeId((int.from_bytes(previous[:8], "big") + round_) % self.size)


@dataclass(frozen=True, slots=True)
class Genesis:
    """What one network is, for ever: its chain, its contract, its window and first members.

    `oracle` is the production-oracle contract's principal, `window_s` the window
    length in seconds.
    """

    chain_id: int
    oracle: Principal
    window_s: int
    committee: Committee
    network: Network = field(init=False, repr=False, compare=False)
    """Q4: the digest that stands in every signed byte string; it follows from all the others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "network", Network(digest(self.value())))

    def value(self) -> dict[str, Value]:
        """The canonical value."""
        return {
            "chain-id": self.chain_id,
            "oracle": self.oracle,
            "window-s": self.window_s,
            "committee": self.committee.node_keys,
        }
