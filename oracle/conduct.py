"""What each member was seen doing that it should not: counted, dated, never judged.

Provable offences go to the dispute contract by themselves (E1 to E3). What no contract can
decide is decided by the other operators' votes on a challenge (E5), and this is what such
a vote rests on: one node's own observations. Kept by node key, so that a member keeps its
record when its slot changes. Bounded: a row for each member and misdeed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

MEMBERS_MAX: Final = 256
"""Node keys that a record is kept of: more than there can be in a few epochs."""
DETAIL_MAX: Final = 128


class Misdeed(Enum):
    """What a member can be seen doing."""

    REJECTED_FRAME = "rejected-frame"
    """Sent bytes that no honest program sends: another version, or worse. See the detail."""
    REFUSED_PROPOSAL = "refused-proposal"
    """Proposed a value that does not follow from the records (A3)."""
    BAD_SHARE = "bad-share"
    """Sent a share of the group's signature that does not verify (T2)."""
    BAD_CEREMONY = "bad-ceremony"
    """Was named as a culprit in a key ceremony (K2). See the detail."""
    DOUBLE_VOTE = "double-vote"
    """Signed two votes in one round (E1): this node holds the evidence."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """How often a member was seen at one misdeed, and the last time."""

    misdeed: Misdeed
    count: int
    at_ms: int
    height: int
    detail: str


@dataclass(slots=True)
class Conduct:
    """The record of all members since this node's start."""

    _seen: dict[bytes, dict[Misdeed, Sighting]] = field(default_factory=dict)

    def see(self, key: bytes, misdeed: Misdeed, at_ms: int, height: int, detail: str = "") -> None:
        """One more sighting of the member with this node key; `at_ms` is UTC."""
        if key not in self._seen and len(self._seen) >= MEMBERS_MAX:
            return
        record = self._seen.setdefault(key, {})
        first = Sighting(misdeed, 0, at_ms, height, "")
        known = record.get(misdeed, first)
        record[misdeed] = replace(
            known, count=known.count + 1, at_ms=at_ms, height=height, detail=detail[:DETAIL_MAX]
        )

    def of(self, key: bytes) -> tuple[Sighting, ...]:
        """What the member with this node key was seen at, by name."""
        record = self._seen.get(key, {}).copy()
        return tuple(record[misdeed] for misdeed in sorted(record, key=lambda one: one.value))
