"""The simulated network: delay, loss, duplication, reordering, partitions, links that stop.

A link has a direction: it may carry one way only. Swizzle-clog (FoundationDB's name) stops
a random set of links one by one and starts them again one by one in another random order.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

Link: TypeAlias = tuple[int, int]
"""(sender, receiver)"""


@dataclass(frozen=True, slots=True)
class NetworkFaults:
    """How bad the network is. Shares are of 1; delays in ms, drawn evenly."""

    loss: float = 0.0
    duplication: float = 0.0
    delay_min_ms: int = 1
    delay_max_ms: int = 40
    uneven: bool = False
    """Each link has a delay of its own on top, up to `delay_max_ms`."""
    partition: float = 0.0
    """Chance, each simulated second, that a random half is cut off for a while."""
    partition_max_ms: int = 6000
    one_way: float = 0.0
    """Chance, each simulated second, that one direction of a link stops for a while."""
    swizzle: float = 0.0
    """Chance, each simulated second, that a swizzle-clog begins."""
    swizzle_step_max_ms: int = 800


@dataclass(slots=True)
class Network:
    """Decides what happens to each frame; draws from the world's one source of chance."""

    faults: NetworkFaults
    chance: Random
    counts: Counter[str]
    cut: frozenset[int] = frozenset()
    cut_until_ms: int = 0
    stopped: dict[Link, int] = field(default_factory=dict)
    """link -> until when, in ms"""
    _swizzle: list[tuple[int, Link, bool]] = field(default_factory=list)
    """(at_ms, link, stops), latest first"""
    _extra_ms: dict[Link, int] = field(default_factory=dict)
    _next_draw_ms: int = field(default=1000)

    def deliveries(self, now_ms: int, sender: int, receiver: int) -> list[int]:
        """The delays after which copies of a frame arrive; empty when it is lost."""
        if now_ms < self.cut_until_ms and (sender in self.cut) != (receiver in self.cut):
            self.counts["frame lost to a partition"] += 1
            return []
        if self.stopped.get((sender, receiver), 0) > now_ms:
            self.counts["frame lost to a stopped link"] += 1
            return []
        if self.faults.loss and self.chance.random() < self.faults.loss:
            self.counts["frame lost"] += 1
            return []
        copies = 1
        if self.faults.duplication and self.chance.random() < self.faults.duplication:
            self.counts["frame duplicated"] += 1
            copies = 2
        extra = self._extra((sender, receiver)) if self.faults.uneven else 0
        low, high = self.faults.delay_min_ms, self.faults.delay_max_ms
        return [extra + self.chance.randint(low, high) for _ in range(copies)]

    def pass_time(self, now_ms: int, members: int) -> None:
        """Maybe begin a partition, a one-way link or a swizzle-clog, as simulated time goes on."""
        while self._swizzle and self._swizzle[-1][0] <= now_ms:
            _, link, stops = self._swizzle.pop()
            self.stopped[link] = 1 << 62 if stops else 0
        while now_ms >= self._next_draw_ms:
            self._next_draw_ms += 1000
            if now_ms >= self.cut_until_ms and self.chance.random() < self.faults.partition:
                size = self.chance.randint(1, members - 1)
                self.cut = frozenset(self.chance.sample(range(members), size))
                self.cut_until_ms = now_ms + self.chance.randint(500, self.faults.partition_max_ms)
                self.counts["partition"] += 1
            if self.chance.random() < self.faults.one_way:
                link = self.chance.choice(_links(members))
                until_ms = now_ms + self.chance.randint(500, self.faults.partition_max_ms)
                self.stopped[link] = max(until_ms, self.stopped.get(link, 0))
                self.counts["one-way link"] += 1
            if not self._swizzle and self.chance.random() < self.faults.swizzle:
                self._begin_swizzle(now_ms, members)

    def heal(self) -> None:
        """No more faults: the liveness phase begins."""
        self.faults = NetworkFaults(delay_min_ms=1, delay_max_ms=20)
        self.cut, self.cut_until_ms = frozenset(), 0
        self.stopped.clear()
        self._swizzle.clear()

    def _begin_swizzle(self, now_ms: int, members: int) -> None:
        links = _links(members)
        chosen = self.chance.sample(links, self.chance.randint(1, len(links)))
        again = self.chance.sample(chosen, len(chosen))
        at_ms, plan = now_ms, []
        for link, stops in [*((one, True) for one in chosen), *((one, False) for one in again)]:
            at_ms += self.chance.randint(0, self.faults.swizzle_step_max_ms)
            plan.append((at_ms, link, stops))
        self._swizzle = plan[::-1]
        self.counts["swizzle-clog"] += 1

    def _extra(self, link: Link) -> int:
        if link not in self._extra_ms:
            self._extra_ms[link] = self.chance.randint(0, self.faults.delay_max_ms)
        return self._extra_ms[link]


def _links(members: int) -> list[Link]:
    return list(itertools.permutations(range(members), 2))
