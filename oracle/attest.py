"""From a decided entry to the group's signature: shares are collected and combined (T1, T2).

A share is made only over a decided entry's digest. As soon as t shares are there they
are combined and the result is verified once; only if that fails is the bad share looked
for, its maker noted, and the combination tried again without it. Combining is work of
milliseconds and is done by the shell; here is decided what to combine, and when.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from consensus.model import Digest, Height, NodeId

HEIGHTS_KEPT: Final = 64
AHEAD_MAX: Final = 8
"""Shares may come before this node has decided; of so many heights they are kept."""


@dataclass(slots=True)
class _Pending:
    shares: dict[tuple[NodeId, Digest], bytes] = field(default_factory=dict)
    digest: Digest | None = None
    combining: frozenset[NodeId] = frozenset()
    bad: set[NodeId] = field(default_factory=set)
    done: bool = False


@dataclass(frozen=True, slots=True)
class CombineWanted:
    """Combine these shares (slot, 48 bytes) over `digest`."""

    height: Height
    digest: Digest
    shares: tuple[tuple[NodeId, bytes], ...]


@dataclass(slots=True)
class Attesting:
    """Shares of the last heights."""

    threshold: int
    members: int
    _pending: OrderedDict[Height, _Pending] = field(default_factory=OrderedDict)

    def decided(self, height: Height, digest: Digest) -> CombineWanted | None:
        """An entry is decided: shares over it count from now on."""
        pending = self._at(height)
        pending.digest = digest
        return self._wanted(height, pending)

    def share(
        self, height: Height, slot: NodeId, digest: Digest, signature: bytes, head: Height
    ) -> CombineWanted | None:
        """A member's share; of heights far from the head none is kept (Q5)."""
        if not head - HEIGHTS_KEPT < height <= head + AHEAD_MAX or not 0 <= slot < self.members:
            return None
        pending = self._at(height)
        if pending.done or slot in pending.bad:
            return None
        if sum(1 for held, _ in pending.shares if held == slot) < 2:
            pending.shares.setdefault((slot, digest), signature)
        return self._wanted(height, pending)

    def combined(self, height: Height) -> bool:
        """The group's signature is there; True the first time."""
        pending = self._at(height)
        first, pending.done = not pending.done, True
        pending.shares.clear()
        return first

    def bad_shares(self, height: Height, culprits: tuple[NodeId, ...]) -> CombineWanted | None:
        """Some shares were wrong: go on without them."""
        pending = self._at(height)
        pending.bad.update(culprits)
        pending.combining = frozenset()
        for key in [key for key in pending.shares if key[0] in pending.bad]:
            del pending.shares[key]
        return self._wanted(height, pending)

    def unattested(self) -> tuple[Height, ...]:
        """Decided heights that still lack the group's signature."""
        return tuple(h for h, p in self._pending.items() if p.digest is not None and not p.done)

    def _at(self, height: Height) -> _Pending:
        pending = self._pending.setdefault(height, _Pending())
        while len(self._pending) > HEIGHTS_KEPT + AHEAD_MAX:
            self._pending.popitem(last=False)
        return pending

    def _wanted(self, height: Height, pending: _Pending) -> CombineWanted | None:
        if pending.digest is None or pending.done or pending.combining:
            return None
        good = sorted(slot for slot, digest in pending.shares if digest == pending.digest)
        if len(good) < self.threshold:
            return None
        chosen = good[: self.threshold]
        pending.combining = frozenset(chosen)
        shares = tuple((slot, pending.shares[slot, pending.digest]) for slot in chosen)
        return CombineWanted(height, pending.digest, shares)
