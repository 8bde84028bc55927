"""A whole simulated network whose members come late, crash, lie or hear only some meters."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from coincurve import PrivateKey

from consensus.agreement.engine import Timeouts
from consensus.dkg.status import Complete
from consensus.encoding import Principal, encode
from consensus.messages import Entry
from consensus.model import Committee, EpochNumber, Genesis
from consensus.simulator.checkers import check_agreement, check_log
from consensus.simulator.disk import Disk
from consensus.simulator.runs import keys
from consensus.simulator.world import Faults, World
from consensus.step import JournalRecord, Step, Transmission
from oracle.chronicle import DECIDED, PART
from oracle.duties.pace import Pace
from oracle.events import CommitteeProposed, Event
from oracle.model import Record
from oracle.node import Node
from oracle.windows.calendar import Calendar
from tests.simulation.whole_node import PACE, WINDOW_S, Meters, Shelf, WholeNode

ORACLE = Principal(26, bytes(20), "production-oracle")
START_S = 1_700_000_000
"""Where simulated time begins, UTC seconds."""


@dataclass
class OneEar(Meters):
    """Meters of which this node hears only some; None is all of them."""

    only: frozenset[int] | None = None

    def records(self, time_s: int) -> list[Record]:
        said = super().records(time_s)
        return [one for one in said if self.only is None or one.source in self.only]


class Member(WholeNode):
    """A whole node whose pace a scenario may set and whose Steps it may see."""

    def __init__(
        self,
        genesis: Genesis,
        key: PrivateKey,
        disk: Disk,
        shelf: Shelf,
        meters: Meters,
        clock: World,
        book: Sequence[bytes] = (),
        pace: Pace = PACE,
        calendar: Calendar | None = None,
    ) -> None:
        super().__init__(genesis, key, disk, shelf, meters, clock, book)
        own_key, rules = key.public_key.format(), self.node.settlement.rules
        self.node = Node(genesis, own_key, rules, pace, Timeouts(), calendar)
        self.bundles_asked: list[str] = []

    def happen(self, event: Event) -> Step:
        """Something that only the shell could tell."""
        self._happen(event)
        return self._out.take()

    def _bundle(self, phase: str) -> list[Event]:
        self.bundles_asked.append(phase)
        return super()._bundle(phase)


Make = Callable[[Genesis, PrivateKey, Disk, Shelf, Meters, World, Sequence[bytes]], WholeNode]


@dataclass
class Town:
    """A network of whole nodes in one world; `makes` and `meters` may differ by slot."""

    seed: int = 1
    faults: Faults = field(default_factory=Faults)
    nodes: int = 4
    members: int | None = None
    """How many of the nodes are the first committee; None is all."""
    meters: Sequence[Meters] | None = None
    makes: dict[int, Make] = field(default_factory=dict)
    absent: Sequence[int] = ()
    pace: Pace = PACE
    calendar: Calendar | None = None

    def __post_init__(self) -> None:
        self.keys = keys(self.nodes)
        self.book = tuple(key.public_key.format() for key in self.keys)
        committee = Committee(EpochNumber(1), self.book[: self.members])
        self.genesis = Genesis(0x80000000, ORACLE, WINDOW_S, committee)
        self.world = World(self.seed, self.faults)
        self.shelves = [Shelf(hashlib.sha256(b"seed %d" % slot).digest()) for slot in range(self.nodes)]
        self.ears = list(self.meters or [OneEar() for _ in range(self.nodes)])
        for slot, key in enumerate(self.keys):
            self.world.add(partial(self.build, slot), key)
            if slot in self.absent:
                self.world.hosts[slot].life = 1  # the world starts only who never lived

    def build(self, slot: int, disk: Disk) -> WholeNode:
        make = self.makes.get(slot, partial(Member, pace=self.pace, calendar=self.calendar))
        return make(
            self.genesis, self.keys[slot], disk, self.shelves[slot], self.ears[slot], self.world, self.book
        )

    # -- what happens -----------------------------------------------------------------

    def run_s(self, seconds: float) -> None:
        self.world.run(self.world.now_ms + int(seconds * 1000))

    def run_until(self, condition: Callable[[], bool], within_s: int = 300) -> None:
        self.world.run(self.world.now_ms + within_s * 1000, stop=condition)
        assert condition(), f"not within {within_s} simulated seconds"

    def kill(self, *slots: int) -> None:
        for slot in slots:
            self.world.hosts[slot].machine = None
            self.world.hosts[slot].life += 1

    def boot(self, *slots: int) -> None:
        for slot in slots:
            self.world._boot(slot)

    def happen(self, slot: int, event: Event) -> None:
        """Something that only a shell could tell a member."""
        machine = self.world.hosts[slot].machine
        assert isinstance(machine, Member)
        self.world._carry_out(slot, machine.happen(event))

    def propose(self, *slots: int, epoch: int = 2, told: Sequence[int] | None = None) -> Committee:
        """The chain proposes a committee of these hosts, and members read it there."""
        committee = Committee(EpochNumber(epoch), tuple(self.book[slot] for slot in slots))
        for slot in range(self.nodes) if told is None else told:
            if self.world.hosts[slot].machine is not None:
                self.happen(slot, CommitteeProposed(committee))
        return committee

    def now_s(self) -> int:
        return START_S + self.world.now_ms // 1000

    # -- what is seen -------------------------------------------------------------------

    def node(self, slot: int) -> Node:
        machine = self.world.hosts[slot].machine
        assert isinstance(machine, WholeNode)
        return machine.node

    def disk(self, slot: int) -> Disk:
        return self.world.hosts[slot].disk

    def head(self, slot: int) -> int:
        return max(self.disk(slot).history, default=0)

    def log(self, slot: int = 0) -> list[Entry]:
        return entries_of(self.disk(slot))

    def entries(self, kind: str, slot: int = 0) -> list[Entry]:
        return [entry for entry in entries_of(self.disk(slot)) if entry.kind == kind]

    def windows(self, slot: int = 0) -> int:
        """How many are applied."""
        return sum(name == "window" for _, name in self.disk(slot).parts)

    @property
    def transmissions(self) -> list[Transmission]:
        """All that members would have brought on chain."""
        return [one for shelf in self.shelves for one in shelf.transmissions]

    def have_key(self, *slots: int) -> bool:
        return all(isinstance(self.node(slot).keygen.ceremony.status, Complete) for slot in slots)

    def check(self, *slots: int) -> None:
        """One log everywhere, whole and certified."""
        check_agreement([self.disk(slot) for slot in range(self.nodes)])
        for slot in slots or range(self.nodes):
            check_log(self.disk(slot), self.genesis.network, self.genesis.committee)


def entries_of(disk: Disk) -> list[Entry]:
    parsed = [Entry.parse(disk.history[height][0]) for height in sorted(disk.history)]
    return [entry for entry in parsed if isinstance(entry, Entry)]


def records_of(disk: Disk) -> list[JournalRecord]:
    """A disk's history as the Steps that wrote it said it, height by height."""
    found = []
    for height in sorted(disk.history):
        entry, certificate, attachment = disk.history[height]
        row = encode({"entry": entry, "certificate": certificate, "attachment": attachment})
        found.append(JournalRecord(height, DECIDED, row))
        found += [
            JournalRecord(height, PART + name, data)
            for (at, name), data in sorted(disk.parts.items())
            if at == height
        ]
    return found


@functools.cache
def grown(windows: int) -> Town:
    """A network in peace after so many windows. It is shared: look, and do not touch."""
    town = Town()
    town.run_until(lambda: min(town.windows(slot) for slot in range(4)) >= windows, 40 * windows + 100)
    return town


def grown_disk(windows: int, slot: int = 0) -> Disk:
    """What a member has on its disk after so many windows; every caller gets its own."""
    return copy.deepcopy(grown(windows).disk(slot))
