"""A whole node in a town: with a chain, a clock of its own, meters that sign, perhaps turned.

Adds to `WholeNode` what the shell does around the node, and what a run needs to be the same
for the same seed and quick: frames read once for all nodes, and sealing without chance.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from unittest.mock import patch

from coincurve import PrivateKey

from consensus.agreement.wire import Entries
from consensus.dkg.status import Complete
from consensus.messages import Entry
from consensus.model import Genesis, Height, NodeId, Rejected
from consensus.simulator.adversary import Adversary
from consensus.simulator.disk import Disk
from consensus.simulator.log_node import FRAMES_READ_MAX
from consensus.simulator.world import World
from consensus.step import Milestone, Step, Timer
from consensus.threshold.bls import verify
from consensus.threshold.scheme import SIGNATURE_BYTES
from deploy.demo.adversaries import TurnedNode
from oracle import frames
from oracle.events import ChainRead, Event, SharesCombined
from oracle.model import Record
from oracle.schedule import transmission
from oracle.windows.calendar import Calendar
from tests.simulation.chain import Chain
from tests.simulation.meters import Ear, Street
from tests.simulation.sealing import seal
from tests.simulation.whole_node import Shelf, WholeNode

CHAIN_TIMER = "chain"
_parse = frames.parse


@dataclass(slots=True)
class TownWorld(World):
    """A world in which frames are read once, and nothing is drawn but from the seed."""

    _read: OrderedDict[tuple[bytes, tuple[object, ...]], frames.NodeMessage | Rejected] = field(
        default_factory=OrderedDict
    )

    def run(self, until_ms: int, stop: Callable[[], bool] = lambda: False) -> None:
        with (
            patch("consensus.dkg.participant.seal", seal),
            patch.object(frames, "parse", self.read),
        ):
            World.run(self, until_ms, stop)

    def heal(self) -> None:
        with (
            patch("consensus.dkg.participant.seal", seal),
            patch.object(frames, "parse", self.read),
        ):
            World.heal(self)

    def read(
        self, frame: bytes, network: bytes, *known: Mapping[object, object]
    ) -> frames.NodeMessage | Rejected:
        """Read and verify a frame once for all nodes that know the same committees."""
        key = (frame, tuple(tuple(one) for one in known))
        message = self._read.get(key)
        if message is None:
            message = _parse(frame, network, *known)  # type: ignore[arg-type]  # as it was called
            self._read[key] = message
            if len(self._read) > FRAMES_READ_MAX:
                self._read.popitem(last=False)
        return message


@dataclass(slots=True)
class Town:
    """What whole nodes share."""

    genesis: Genesis
    world: TownWorld
    street: Street
    chain: Chain
    calendar: Calendar
    keys: Sequence[PrivateKey]
    shelves: list[Shelf] = field(default_factory=list)
    ceremony_faults: set[tuple[str, int, str]] = field(default_factory=set)
    """Who was found to do what in ceremonies: role, slot, reason."""


class TownNode(WholeNode):
    """A Machine over the production node; `adversary` turns the node of a traitor."""

    def __init__(self, town: Town, slot: int, disk: Disk, adversary: Adversary | None) -> None:
        world, street, chain = town.world, town.street, town.chain
        ear = Ear(
            street=street,
            slot=slot,
            chance=Random(world.seed * 64 + slot),
            now_s=lambda: world.utc_of_world_ms // 1000,
            more=lambda: chain.more_meters,
        )
        shelf = town.shelves[slot]
        super().__init__(town.genesis, town.keys[slot], disk, shelf, ear, world, calendar=town.calendar)
        self._town, self._slot = town, slot
        self._bundles = shelf.bundles
        if adversary is not None:
            self.node = TurnedNode(self.node, adversary)  # type: ignore[assignment]  # it is like one

    def start(self) -> Step:
        step = super().start()
        self._submit_again()
        more = self._out.take()
        timers = (*step.timers, Timer(CHAIN_TIMER, 900))
        return Step(
            step.records,
            step.envelopes,
            timers,
            step.signings,
            step.transmissions + more.transmissions,
            step.milestones,
        )

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        message = frames.parse(frame, self.node.network, self.node.engine.committees)
        before = self.node.height
        match message:
            case Rejected(reason):
                self._out.milestones.append(Milestone("rejected", before, str(reason.value)))
                return self._out.take()
            case frames.Part(height, "bls", data) if not self._is_signature(height, data):
                return self._out.take()
        step = super().deliver(via, frame)
        if isinstance(message, Entries) and self.node.height > before:
            caught_up = (Milestone("caught-up", before),)
            return Step(
                step.records,
                step.envelopes,
                step.timers,
                step.signings,
                step.transmissions,
                step.milestones + caught_up,
            )
        return step

    def timer(self, name: str) -> Step:
        if name != CHAIN_TIMER:
            return super().timer(name)
        devices = self._town.chain.look(self._slot, self._town.world.now_ms)
        if devices is not None:
            self._happen(ChainRead(devices, self._town.chain.height))
        self._out.timers.append(Timer(CHAIN_TIMER, 900))
        return self._out.take()

    def _now_ms(self) -> int:
        return self._town.world.utc_ms(self._slot)

    def _take_records(self, records: Iterable[Record], *, exchanged: bool) -> None:
        """Verified first, as the intake does."""
        good = [record for record in records if self._town.street.read(record) is not None]
        super()._take_records(good, exchanged=exchanged)

    def _is_signature(self, height: Height, data: bytes) -> bool:
        """As the runtime: believed once it verifies (T3)."""
        row, status = self._disk.history.get(height), self.node.keygen.ceremony.status
        if row is None or not isinstance(status, Complete) or len(data) != SIGNATURE_BYTES:
            return False
        entry = Entry.parse(row[0])
        assert isinstance(entry, Entry)
        return verify(status.outcome.polynomial.group_key, entry.digest, data)

    def _submit_again(self) -> None:
        """As the service at its start: what is attested gets onto the chain, or is found there (C1)."""
        own, members = self.node.own, self.node.engine.committee.size
        for one in self._stored():
            signature = one.parts.get("bls")
            if signature is not None and own is not None:
                wanted = transmission(one.decided, signature, own, members)
                self._out.transmissions += [] if wanted is None else [wanted]

    def _happen(self, event: Event) -> None:
        super()._happen(event)
        if isinstance(event, SharesCombined):
            for fault in self.node.keygen.ceremony.faults:
                self._town.ceremony_faults.add((fault.role.value, int(fault.slot), fault.reason.value))

    def _bundle(self, phase: str) -> list[Event]:
        """By session, as the runtime keeps them: every attempt has bundles of its own."""
        session = self.node.keygen.ceremony.plan.session.hex()
        self._shelf.bundles = {
            name.removeprefix(session): bundle
            for name, bundle in self._bundles.items()
            if name.startswith(session)
        }
        made = super()._bundle(phase)
        self._bundles.update({session + name: bundle for name, bundle in self._shelf.bundles.items()})
        self._shelf.bundles = self._bundles
        return made
