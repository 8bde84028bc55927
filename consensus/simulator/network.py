"""The simulated network: delay, loss, duplication, reordering and partitions."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class NetworkFaults:
    """How bad the network is. Shares are of 1; delays in ms, drawn evenly."""

    loss: float = 0.0
    duplication: float = 0.0
    delay_min_ms: int = 1
    delay_max_ms: int = 40
    partition: float = 0.0
    """Chance, each simulated second, that a random half is cut off for a while."""
    partition_max_ms: int = 6000


@dataclass(slots=True)
class Network:
    """Decides what happens to each frame; draws from the world's one source of chance."""

    faults: NetworkFaults
    chance: Random
    cut: frozenset[int] = frozenset()
    cut_until_ms: int = 0
    delivered: int = 0
    lost: int = 0
    _next_draw_ms: int = field(default=1000)

    def deliveries(self, now_ms: int, sender: int, receiver: int) -> list[int]:
        """The delays after which copies of a frame arrive; empty when it is lost."""
        if now_ms < self.cut_until_ms and (sender in self.cut) != (receiver in self.cut):
            self.lost += 1
            return []
        if self.chance.random() < self.faults.loss:
            self.lost += 1
            return []
        copies = 2 if self.chance.random() < self.faults.duplication else 1
        self.delivered += copies
        low, high = self.faults.delay_min_ms, self.faults.delay_max_ms
        return [self.chance.randint(low, high) for _ in range(copies)]

    def pass_time(self, now_ms: int, members: int) -> None:
        """Maybe start a partition; called as simulated time goes on."""
        while now_ms >= self._next_draw_ms:
            self._next_draw_ms += 1000
            if now_ms >= self.cut_until_ms and self.chance.random() < self.faults.partition:
                size = self.chance.randint(1, members - 1)
                self.cut = frozenset(self.chance.sample(range(members), size))
                self.cut_until_ms = now_ms + self.chance.randint(500, self.faults.partition_max_ms)

    def heal(self) -> None:
        """No more faults: the liveness phase begins."""
        self.faults = NetworkFaults(delay_min_ms=1, delay_max_ms=20)
        self.cut, self.cut_until_ms = frozenset(), 0
