"""Which of several processes with one node key may sign: at most one at a time (N3).

A copied node has the same key, the same register and the same configuration; nothing on
its disk tells it from the original. So the members decide. A running node draws an
*instance* at random and *claims* with it; a member grants a claim for the lease that it
names, and grants no other instance of that key until the lease has run out. A node signs
what can be slashed only while it holds the grants of q - 1 other members.

Why that excludes a twin. Each twin needs q - 1 of the n - 1 other members. Two such sets
share at least 2(q - 1) - (n - 1) >= f members, as q >= (n + f + 1) / 2. Whoever runs a twin is
one of the f faulty members already, so at most f - 1 of those f lie: an honest one is in
both sets, and grants one instance at a time. It costs no liveness, since nothing is decided
without q - 1 others.

The holder counts a lease from when it sent the claim, the granter from when it received
it, both by clocks that only ever run: the holder always stops first. Before a first grant
the granter hands over what it has heard of that key, which is in order before the grant;
and it says at which height it works, so that a node that lags behind catches up first.

Pure: times are arguments, in ms of a clock that does not jump.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

INSTANCE_BYTES: Final = 16
LEASE_MS_MAX: Final = 60_000
NUMBERS_KEPT: Final = 64
MARGIN: Final = 10
"""The last tenth of a lease is not signed in: a process may be held up between asking and signing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One instance asks for its key; `number` tells its claims apart."""

    instance: bytes
    number: int
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A member's answer: whether no other instance holds the key, and the height it works on."""

    instance: bytes
    number: int
    granted: bool
    height: int


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that this member has granted."""

    instance: bytes
    lease_ms: int
    until_ms: int


@dataclass(slots=True)
class Granted:
    """What this member has granted to others, by node key."""

    leases: dict[bytes, Held] = field(default_factory=dict)

    def restore(self, key: bytes, instance: bytes, lease_ms: int, now_ms: int) -> None:
        """After a restart: what was granted before may have been renewed just then."""
        self.leases[key] = Held(instance, lease_ms, now_ms + lease_ms)

    def judge(self, key: bytes, claim: Claim, now_ms: int) -> bool:
        """Grant the claim unless another instance's lease runs."""
        held = self.leases.get(key)
        if held is not None and held.instance != claim.instance and now_ms < held.until_ms:
            return False
        lease_ms = min(claim.lease_ms, LEASE_MS_MAX)
        self.leases[key] = Held(claim.instance, lease_ms, now_ms + lease_ms)
        return True


class Tenure:
    """This instance's own claim, and who has granted it."""

    def __init__(self, instance: bytes, lease_ms: int) -> None:
        self.instance = instance
        self.lease_ms = min(lease_ms, LEASE_MS_MAX)
        self._number = 0
        self._sent_ms: dict[int, int] = {}
        self._until_ms: dict[bytes, int] = {}
        self._heights: dict[bytes, int] = {}
        self._refused_ms: dict[bytes, int] = {}
        self._contested_ms: int | None = None
        self._held = False
        self._floor = 0

    def claim(self, now_ms: int) -> Claim:
        """The next claim, to be sent to every member now."""
        self._number += 1
        self._sent_ms[self._number] = now_ms
        self._sent_ms.pop(self._number - NUMBERS_KEPT, None)
        return Claim(self.instance, self._number, self.lease_ms)

    def answered(self, key: bytes, grant: Grant, now_ms: int) -> None:
        """A member's answer; one to another instance, or too old to be known, is passed over."""
        sent_ms = self._sent_ms.get(grant.number)
        if grant.instance != self.instance or sent_ms is None:
            return
        if not grant.granted:
            self._until_ms.pop(key, None)
            self._refused_ms[key] = now_ms
            return
        self._refused_ms.pop(key, None)
        self._until_ms[key] = max(self._until_ms.get(key, 0), sent_ms + self.lease_ms)
        self._heights[key] = grant.height

    def holds(self, others: frozenset[bytes], needed: int, faults: int, now_ms: int) -> bool:
        """Whether `needed` of the `others` grant this instance now.

        Gained anew, it holds from the height on that an honest granter works on: `floor`.
        """
        last_ms = now_ms + self.lease_ms // MARGIN
        granters = [key for key, until_ms in self._until_ms.items() if until_ms > last_ms and key in others]
        held = len(granters) >= needed
        if held and not self._held:
            heights = sorted((self._heights[key] for key in granters), reverse=True)
            self._floor = max(self._floor, heights[min(faults, len(heights) - 1)])
        self._held = held
        refused = any(now_ms - at_ms < self.lease_ms for at_ms in self._refused_ms.values())
        if held or not refused:
            self._contested_ms = None
        elif self._contested_ms is None:
            self._contested_ms = now_ms
        return held

    @property
    def floor(self) -> int:
        """Below this height nothing is signed: an honest member is there already."""
        return self._floor

    def contested(self, now_ms: int) -> bool:
        """Whether another instance has held the key for longer than a dead one could."""
        return self._contested_ms is not None and now_ms - self._contested_ms > 2 * self.lease_ms
