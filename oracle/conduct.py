"""What members, and meters, were seen doing that they should not: counted, dated, never judged.

Provable offences go to the dispute contract by themselves (E1 to E3). What no contract can
decide is decided by the other operators' votes on a challenge (E5), and this is what such
a vote rests on: one node's own observations. Kept by node key, so that a member keeps its
record when its slot changes. Bounded: a row for each member and misdeed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from oracle.model import UsagePoint, WindowStart

MEMBERS_MAX: Final = 256
"""Node keys that a record is kept of: more than there can be in a few epochs."""
METERS_MAX: Final = 1024
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
    ABSENT = "absent"
    """Was not there for a part of a key ceremony (K2): away, or cut off. Nobody is guilty of that alone."""
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


@dataclass(frozen=True, slots=True)
class TwoStories:
    """A meter that signed two readings of one time and number which differ, and how often."""

    usage_point: UsagePoint
    count: int
    at_ms: int
    window: WindowStart


@dataclass(slots=True)
class Conduct:
    """The record of all members since this node's start."""

    _seen: dict[bytes, dict[Misdeed, Sighting]] = field(default_factory=dict)
    _meters: dict[UsagePoint, TwoStories] = field(default_factory=dict)

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

    def see_meter(self, usage_point: UsagePoint, at_ms: int, window: WindowStart) -> None:
        """A meter contradicts itself in a window; its key is in two hands, or it was tampered with."""
        if usage_point not in self._meters and len(self._meters) >= METERS_MAX:
            return
        known = self._meters.get(usage_point)
        count = 1 if known is None else known.count + 1
        self._meters[usage_point] = TwoStories(usage_point, count, at_ms, window)

    def meters(self) -> tuple[TwoStories, ...]:
        """Every meter that was seen contradicting itself, by its id."""
        meters = self._meters.copy()
        return tuple(meters[point] for point in sorted(meters))
