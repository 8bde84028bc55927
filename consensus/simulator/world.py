"""The world: a heap of things to come, and nodes to which they happen.

A node is anything with the methods of `Machine`; the world carries out its Steps field
by field as the production shell does, and may kill it between any two fields.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from coincurve import PrivateKey

from consensus.model import NodeId
from consensus.simulator.disk import Disk, Signer
from consensus.simulator.network import Network, NetworkFaults
from consensus.step import Signing, Step


class Machine(Protocol):
    """A node's pure part, as the world drives it. Every call gives the Step to carry out."""

    def start(self) -> Step:
        """Begin, or begin again from the disk."""

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        """A frame has come from a peer."""

    def timer(self, name: str) -> Step:
        """A timer has passed."""

    def signed(self, signing: Signing, signature: bytes) -> Step:
        """The signer has answered."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, besides the network."""

    network: NetworkFaults = field(default_factory=NetworkFaults)
    crash: float = 0.0
    """Chance that carrying out one Step is cut short by a crash."""
    down_max_ms: int = 8000
    clock_skew: float = 0.0
    """Timers run faster or slower by up to this share, fixed for each node."""


@dataclass(slots=True)
class Host:
    """One node's machine while it lives, and what outlives it."""

    build: Callable[[Disk], Machine]
    disk: Disk
    signer: Signer
    skew: float
    machine: Machine | None = None
    life: int = 0
    armed: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """All nodes, one clock, one source of chance."""

    seed: int
    faults: Faults
    chance: Random = field(init=False)
    network: Network = field(init=False)
    now_ms: int = 0
    hosts: list[Host] = field(default_factory=list)
    events: int = 0
    crashes: int = 0
    _heap: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _sequence: int = 0
    _trace: hashlib._Hash = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - a simulation wants the same chance again
        self.network = Network(self.faults.network, self.chance)

    def add(self, build: Callable[[Disk], Machine], key: PrivateKey) -> None:
        """Add a node; it starts with the world."""
        disk = Disk()
        skew = 1 + self.faults.clock_skew * (2 * self.chance.random() - 1)
        self.hosts.append(Host(build, disk, Signer(key, disk), skew))

    def run(self, until_ms: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Let things happen until a time, or until `stop` says so."""
        for slot, host in enumerate(self.hosts):
            if host.machine is None and host.life == 0:
                self._boot(slot)
        while self._heap and self._heap[0][0] <= until_ms and not stop():
            self.now_ms, _, happen = heapq.heappop(self._heap)
            self.events += 1
            self.network.pass_time(self.now_ms, len(self.hosts))
            happen()

    def heal(self) -> None:
        """No more faults, everybody up: the liveness phase."""
        self.network.heal()
        self.faults = Faults(self.network.faults)
        for slot, host in enumerate(self.hosts):
            if host.machine is None:
                self._boot(slot)

    def digest(self) -> str:
        """What happened, in one hash: equal for equal seeds."""
        return self._trace.hexdigest()

    def _boot(self, slot: int) -> None:
        host = self.hosts[slot]
        host.life += 1
        host.armed = {}
        host.machine = host.build(host.disk)
        self._carry_out(slot, host.machine.start())

    def _kill(self, slot: int) -> None:
        host = self.hosts[slot]
        host.machine = None
        host.life += 1
        self.crashes += 1
        self._later(self.chance.randint(50, self.faults.down_max_ms), lambda: self._reboot(slot))

    def _reboot(self, slot: int) -> None:
        if self.hosts[slot].machine is None:
            self._boot(slot)

    def _carry_out(self, slot: int, step: Step) -> None:
        """Field by field, in order; a crash may come before any of them."""
        host = self.hosts[slot]
        dies_at = self.chance.randint(0, 3) if self.chance.random() < self.faults.crash else None
        for place, part in enumerate((self._persist, self._send, self._arm, self._sign)):
            if dies_at == place and host.machine is not None:
                self._kill(slot)
                return
            part(slot, step)

    def _persist(self, slot: int, step: Step) -> None:
        self.hosts[slot].disk.commit(step.records)

    def _send(self, slot: int, step: Step) -> None:
        for outgoing in step.envelopes:
            self._trace.update(slot.to_bytes(1, "big") + outgoing.frame)
            receivers = range(len(self.hosts)) if outgoing.to is None else (outgoing.to,)
            for receiver in receivers:
                if receiver != slot:
                    for delay_ms in self.network.deliveries(self.now_ms, slot, receiver):
                        self._post(slot, receiver, outgoing.frame, delay_ms)

    def _post(self, sender: int, receiver: int, frame: bytes, delay_ms: int) -> None:
        def arrive() -> None:
            machine = self.hosts[receiver].machine
            if machine is not None:
                self._carry_out(receiver, machine.deliver(NodeId(sender), frame))

        self._later(delay_ms, arrive)

    def _arm(self, slot: int, step: Step) -> None:
        host = self.hosts[slot]
        for timer in step.timers:
            turn = host.armed.get(timer.name, 0) + 1
            host.armed[timer.name] = turn
            if timer.delay_ms is not None:
                self._later(int(timer.delay_ms * host.skew), self._ring(slot, timer.name, turn, host.life))

    def _ring(self, slot: int, name: str, turn: int, life: int) -> Callable[[], None]:
        def ring() -> None:
            host = self.hosts[slot]
            if host.machine is not None and host.life == life and host.armed.get(name) == turn:
                self._carry_out(slot, host.machine.timer(name))

        return ring

    def _sign(self, slot: int, step: Step) -> None:
        host = self.hosts[slot]
        for signing in step.signings:
            signature = host.signer.sign(signing)
            if signature is not None:
                self._later(1, self._answer(slot, signing, signature, host.life))

    def _answer(self, slot: int, signing: Signing, signature: bytes, life: int) -> Callable[[], None]:
        def answer() -> None:
            host = self.hosts[slot]
            if host.machine is not None and host.life == life:
                self._carry_out(slot, host.machine.signed(signing, signature))

        return answer

    def _later(self, delay_ms: int, happen: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now_ms + delay_ms, self._sequence, happen))
