"""The chain of the simulated world: blocks, reorganisations, outages and fees that rise.

A twin at the level of what a node reads (`ChainRead`) and what it wants called
(`Transmission`): the contract takes each key once. Fees are raised by the production
`FeePolicy`; the outbox's table of states and its nonces have tests of their own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from consensus.step import Transmission
from oracle.chain.answers import FeeEstimate
from oracle.chain.job import FeePolicy
from oracle.model import Device
from tests.simulation.meters import Street

BLOCK_MS = 3000
STAGE_MS = 4000
DEPTH = 6
"""So deep a call is not looked at again."""
REORG_MAX = 3
POLICY = FeePolicy(floor_ustx=400, cap_ustx=100_000)
METERS_AT = (25, 50)
"""At these heights one more meter is registered."""


@dataclass(frozen=True, slots=True)
class ChainFaults:
    """Chances of each block."""

    reorg: float = 0.0
    outage: float = 0.0
    outage_max_ms: int = 20_000
    fee_spike: float = 0.0


@dataclass(slots=True)
class _Job:
    due_ms: int
    fee_ustx: int = 0


@dataclass(slots=True)
class Chain:
    """One chain; `look` is what each node's shell does every second."""

    street: Street
    faults: ChainFaults
    chance: Random
    counts: Counter[str]
    blocks: list[tuple[str, ...]] = field(default_factory=list)
    """The keys that each block's calls carry."""
    away_until_ms: int = 0
    now_ms: int = 0
    _base_fee_ustx: int = 300
    _calm_at: int = 0
    _mempool: dict[str, int] = field(default_factory=dict)
    _jobs: dict[int, dict[str, _Job]] = field(default_factory=dict)

    @property
    def height(self) -> int:
        """How many blocks there are."""
        return len(self.blocks)

    @property
    def more_meters(self) -> int:
        """How many meters were registered since the beginning."""
        return sum(1 for height in METERS_AT if self.height >= height)

    def depth_of(self, key: str) -> int:
        """How deep a call is mined; 0 where it is not."""
        for depth, keys in enumerate(reversed(self.blocks), 1):
            if key in keys:
                return depth
        return 0

    def submit(self, slot: int, wanted: Transmission, now_ms: int) -> None:
        """A node wants a call made; it waits its turn (C1). Durable, as the outbox is."""
        due_ms = now_ms + wanted.stage * STAGE_MS
        self._jobs.setdefault(slot, {}).setdefault(wanted.key, _Job(due_ms))

    def look(self, slot: int, now_ms: int) -> tuple[Device, ...] | None:
        """What the registry says, None while the chain is away; and the outbox goes on."""
        self._pass_time(now_ms)
        if now_ms < self.away_until_ms:
            return None
        jobs = self._jobs.setdefault(slot, {})
        for key, job in list(jobs.items()):
            if now_ms < job.due_ms:
                continue
            depth = self.depth_of(key)
            if depth >= DEPTH:
                del jobs[key]
            elif not depth:
                self._send(key, job)
        return self.street.registered(self.more_meters)

    def _send(self, key: str, job: _Job) -> None:
        if key in self._mempool and self._mempool[key] >= self._base_fee_ustx:
            return
        fee = self._base_fee_ustx
        estimate = FeeEstimate(fee, fee, fee)
        if not job.fee_ustx:
            job.fee_ustx = POLICY.first(estimate)
        else:
            job.fee_ustx = POLICY.next(job.fee_ustx)
            self.counts["fee raised"] += 1
        self._mempool[key] = max(job.fee_ustx, self._mempool.get(key, 0))

    def _pass_time(self, now_ms: int) -> None:
        while self.now_ms + BLOCK_MS <= now_ms:
            self.now_ms += BLOCK_MS
            if self.chance.random() < self.faults.reorg:
                self._reorganise()
            if now_ms >= self.away_until_ms and self.chance.random() < self.faults.outage:
                self.away_until_ms = now_ms + self.chance.randint(2000, self.faults.outage_max_ms)
                self.counts["chain away"] += 1
            if self.chance.random() < self.faults.fee_spike:
                self._base_fee_ustx, self._calm_at = self.chance.randint(1000, 60_000), self.height + 6
                self.counts["fee spike"] += 1
            elif self.height >= self._calm_at:
                self._base_fee_ustx = 300
            self._mine()

    def _mine(self) -> None:
        taken = [key for key, fee in sorted(self._mempool.items()) if fee >= self._base_fee_ustx]
        for key in taken:
            del self._mempool[key]
        self.blocks.append(tuple(key for key in taken if not self.depth_of(key)))

    def _reorganise(self) -> None:
        """The last blocks are gone, and what they held with them: others must submit it again."""
        lost = self.chance.randint(1, REORG_MAX)
        if self.height > lost:
            del self.blocks[-lost:]
            self.counts["chain reorganised"] += 1
