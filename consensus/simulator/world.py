"""The world: a heap of things to come, and nodes to which they happen.

A node is anything with the methods of `Machine`; the world carries out its Steps field
by field as the production shell does, and may kill it before any single act of one.

While a node's disk is full nothing of its Step happens and nothing after it: what comes
waits, as it does in the production shell's queue (N2).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final, Protocol

from coincurve import PrivateKey

from consensus.model import InvariantBroken, NodeId, check
from consensus.simulator.coverage import Coverage
from consensus.simulator.disk import SLASHABLE, Disk, Signer
from consensus.simulator.faults import Faults
from consensus.simulator.network import Network
from consensus.step import Outgoing, Signing, Step, Timer, Transmission

__all__ = ["Faults", "Host", "Machine", "World"]

WAITING_MAX: Final = 20_000
"""Events that wait for a node whose disk is full; more are dropped, as by the production shell."""


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


@dataclass(slots=True)
class Host:
    """One node's machine while it lives, and what outlives it."""

    build: Callable[[Disk], Machine]
    disk: Disk
    signer: Signer
    skew: float
    honest: bool
    machine: Machine | None = None
    transmit: Callable[[Transmission], None] = lambda _: None
    """The outbox, where the world has a chain."""
    life: int = 0
    clock_off_ms: int = 0
    """How far its UTC clock is off."""
    lost: str = ""
    """What it lost of its durable state; such a node counts among the f."""
    backup: Disk | None = None
    armed: dict[str, int] = field(default_factory=dict)
    waiting: list[Callable[[Machine], Step]] | None = None
    """While the disk is full: what happens once it is not."""
    said: dict[tuple[int, int, int], bytes] = field(default_factory=dict)
    """Every slashable payload this key was used on, which no crash takes away."""


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
    coverage: Coverage = field(default_factory=Coverage)
    _heap: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _sequence: int = 0
    _next_draw_ms: int = 1000
    _trace: hashlib._Hash = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - a simulation wants the same chance again
        self.network = Network(self.faults.network, self.chance, self.coverage.faults)

    def add(self, build: Callable[[Disk], Machine], key: PrivateKey, *, honest: bool = True) -> Host:
        """Add a node; it starts with the world."""
        disk = Disk()
        skew = 1 + self.faults.clock_skew * (2 * self.chance.random() - 1)
        signer = Signer(key, disk, careful=honest, counts=self.coverage.rules)
        self.hosts.append(Host(build, disk, signer, skew, honest))
        return self.hosts[-1]

    @property
    def honest(self) -> list[Host]:
        """The nodes that keep to the protocol."""
        return [host for host in self.hosts if host.honest]

    @property
    def utc_of_world_ms(self) -> int:
        """The right time; the simulated world begins in November 2023."""
        return 1_700_000_000_000 + self.now_ms

    def utc_ms(self, slot: int) -> int:
        """What a node's clock says."""
        return self.utc_of_world_ms + self.hosts[slot].clock_off_ms

    def run(self, until_ms: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Let things happen until a time, or until `stop` says so."""
        for slot, host in enumerate(self.hosts):
            if host.machine is None and host.life == 0:
                self._boot(slot)
        while self._heap and self._heap[0][0] <= until_ms and not stop():
            self.now_ms, _, happen = heapq.heappop(self._heap)
            self.events += 1
            self.network.pass_time(self.now_ms, len(self.hosts))
            self._pass_time()
            happen()

    def heal(self) -> None:
        """No more faults, everybody up, clocks right: the liveness phase."""
        self.network.heal()
        self.faults = Faults(self.network.faults)
        for slot, host in enumerate(self.hosts):
            host.clock_off_ms = 0
            host.disk.full_until_ms = min(host.disk.full_until_ms, self.now_ms)
            if host.machine is None:
                self._boot(slot)

    def digest(self) -> str:
        """What happened, in one hash: equal for equal seeds."""
        return self._trace.hexdigest()

    # -- life and death -------------------------------------------------------------

    def _boot(self, slot: int) -> None:
        host = self.hosts[slot]
        host.life += 1
        host.armed, host.waiting = {}, None
        host.machine = host.build(host.disk)
        self._do(slot, lambda machine: machine.start(), host.machine)

    def _kill(self, slot: int, how: str) -> None:
        host = self.hosts[slot]
        host.machine = None
        host.life += 1
        self.coverage.faults[how] += 1
        if host.honest and self.faults.lost_state and self.chance.random() < self.faults.lost_state:
            self._lose_state(host)
        self._later(self.chance.randint(50, self.faults.down_max_ms), lambda: self._reboot(slot))

    def _reboot(self, slot: int) -> None:
        if self.hosts[slot].machine is None:
            self._boot(slot)

    def _lose_state(self, host: Host) -> None:
        """Durable state is lost: of at most f members together with the traitors."""
        gone = sum(1 for one in self.hosts if not one.honest or one.lost)
        if host.lost or gone >= (len(self.hosts) - 1) // 3 or not host.disk.register:
            return
        backup = host.backup or Disk()
        match self.chance.choice(("register", "copy", "journal")):
            case "register":
                host.disk.lose_tail(self.chance.randint(1, 6))
                host.lost = "register tail lost"
            case "copy" if len(backup.register) < host.signer.marker:
                host.disk.restore(backup)
                host.lost = "old copy restored"
            case _:
                host.disk.lose_journal(self.chance.randint(1, 12))
                host.lost = "journal tail lost"
        self.coverage.faults[host.lost] += 1

    def _pass_time(self) -> None:
        while self.now_ms >= self._next_draw_ms:
            self._next_draw_ms += 1000
            for host in self.hosts:
                if self.faults.disk_full and self.chance.random() < self.faults.disk_full:
                    host.disk.full_until_ms = self.now_ms + self.chance.randint(200, self.faults.full_max_ms)
                    self.coverage.faults["disk full"] += 1
                if self.faults.clock_jump and self.chance.random() < self.faults.clock_jump:
                    host.clock_off_ms = self.chance.randint(-self.faults.jump_max_ms, self.faults.jump_max_ms)
                    self.coverage.faults["clock jump"] += 1
                if self.faults.lost_state and self.chance.random() < 0.1:
                    host.backup = host.disk.copy()

    # -- a Step, act by act ---------------------------------------------------------

    def _happen(self, slot: int, event: Callable[[Machine], Step]) -> None:
        host = self.hosts[slot]
        if host.machine is None:
            return
        if host.waiting is not None:
            if len(host.waiting) < WAITING_MAX:
                host.waiting.append(event)
            return
        self._do(slot, event, host.machine)

    def _do(self, slot: int, event: Callable[[Machine], Step], machine: Machine) -> None:
        """A traitor's own checks may stop it, as when it meets a vote that it has forgotten."""
        try:
            step = event(machine)
        except InvariantBroken:
            if self.hosts[slot].honest:
                raise
            self._kill(slot, "traitor stopped by its own checks")
            return
        self._carry_out(slot, step)

    def _carry_out(self, slot: int, step: Step) -> None:
        host = self.hosts[slot]
        if step.records and self.now_ms < host.disk.full_until_ms:
            self.coverage.faults["Step held up by a full disk"] += 1
            host.waiting = [lambda _: step]
            self._later(host.disk.full_until_ms - self.now_ms, self._resume(slot, host.life))
            return
        if step.records and self.faults.failed_write and self.chance.random() < self.faults.failed_write:
            self._kill(slot, "failed write")
            return
        self.coverage.note_step(step)
        acts = list(self._acts(slot, step))
        if not self.faults.crash or self.chance.random() >= self.faults.crash:
            for _, act in acts:
                act()
            return
        dies_at = self.chance.randint(0, len(acts))
        for _, act in acts[:dies_at]:
            act()
        self._kill(slot, _death(acts, dies_at))

    def _acts(self, slot: int, step: Step) -> Iterator[tuple[str, Callable[[], None]]]:
        """The single acts of a Step in the order of its fields."""
        yield "fsync", lambda: self.hosts[slot].disk.commit(step.records)
        for outgoing in step.envelopes:
            yield "envelopes", lambda outgoing=outgoing: self._send(slot, outgoing)  # type: ignore[misc]
        for timer in step.timers:
            yield "timers", lambda timer=timer: self._arm(slot, timer)  # type: ignore[misc]
        for signing in step.signings:
            yield "signings", lambda signing=signing: self._sign(slot, signing)  # type: ignore[misc]
        for wanted in step.transmissions:
            yield "transmissions", lambda wanted=wanted: self.hosts[slot].transmit(wanted)  # type: ignore[misc]

    def _resume(self, slot: int, life: int) -> Callable[[], None]:
        def resume() -> None:
            host = self.hosts[slot]
            if host.life != life or host.machine is None or host.waiting is None:
                return
            if self.now_ms < host.disk.full_until_ms:  # full again
                self._later(host.disk.full_until_ms - self.now_ms, self._resume(slot, life))
                return
            waiting, host.waiting = host.waiting, None
            for at, event in enumerate(waiting):
                self._happen(slot, event)
                if self._is_held_up(slot, life):
                    self.hosts[slot].waiting += waiting[at + 1 :]  # type: ignore[operator]  # not None
                    return

        return resume

    def _is_held_up(self, slot: int, life: int) -> bool:
        return self.hosts[slot].life == life and self.hosts[slot].waiting is not None

    def _send(self, slot: int, outgoing: Outgoing) -> None:
        self._trace.update(slot.to_bytes(1, "big") + outgoing.frame)
        receivers = range(len(self.hosts)) if outgoing.to is None else (outgoing.to,)
        for receiver in receivers:
            if receiver != slot:
                for delay_ms in self.network.deliveries(self.now_ms, slot, receiver):
                    self._post(slot, receiver, outgoing.frame, delay_ms)

    def _post(self, sender: int, receiver: int, frame: bytes, delay_ms: int) -> None:
        def arrive() -> None:
            self._happen(receiver, lambda machine: machine.deliver(NodeId(sender), frame))

        self._later(delay_ms, arrive)

    def _arm(self, slot: int, timer: Timer) -> None:
        host = self.hosts[slot]
        turn = host.armed.get(timer.name, 0) + 1
        host.armed[timer.name] = turn
        if timer.delay_ms is not None:
            self._later(int(timer.delay_ms * host.skew), self._ring(slot, timer.name, turn, host.life))

    def _ring(self, slot: int, name: str, turn: int, life: int) -> Callable[[], None]:
        def ring() -> None:
            host = self.hosts[slot]
            if host.life == life and host.armed.get(name) == turn:
                self._happen(slot, lambda machine: machine.timer(name))

        return ring

    def _sign(self, slot: int, signing: Signing) -> None:
        host = self.hosts[slot]
        signature = host.signer.sign(signing, self.now_ms)
        if signature is None:
            return
        if host.honest and signing.topic in SLASHABLE:
            place = (signing.height, signing.round, signing.phase)
            check(host.said.setdefault(place, signing.payload) == signing.payload, "no key signs twice (N1)")
            check(host.lost in ("", "journal tail lost"), "a register behind its marker signs nothing (N3)")
        self._later(1, self._answer(slot, signing, signature, host.life))

    def _answer(self, slot: int, signing: Signing, signature: bytes, life: int) -> Callable[[], None]:
        def answer() -> None:
            if self.hosts[slot].life == life:
                self._happen(slot, lambda machine: machine.signed(signing, signature))

        return answer

    def _later(self, delay_ms: int, happen: Callable[[], None]) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (self.now_ms + max(delay_ms, 0), self._sequence, happen))


def _death(acts: list[tuple[str, Callable[[], None]]], dies_at: int) -> str:
    """Between which fields of the Step the node died."""
    before = acts[dies_at - 1][0] if dies_at else ""
    after = acts[dies_at][0] if dies_at < len(acts) else ""
    if not before:
        return "crash before fsync"
    if before == "fsync":
        return "crash after fsync"
    return f"crash amid {before}" if before == after else f"crash after {before}"
