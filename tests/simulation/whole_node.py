"""The production node as a machine of the simulated world.

Twins: the meters' feed (registers that follow from simulated time), the record store, and
the shell's answers that need secrets (ceremony bundles, shares), made with the real
threshold scheme. Everything between is the production code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

from coincurve import PrivateKey

from consensus.agreement.engine import Timeouts
from consensus.agreement.wire import ENTRIES_PER_FRAME, EntriesWanted, entries_frame
from consensus.dkg.participant import Participant
from consensus.encoding import decode, encode
from consensus.messages import Certificate, DecidedEntry, Entry, Fields
from consensus.model import ZERO_DIGEST, Committee, Digest, EpochNumber, Genesis, Height, NodeId, Rejected
from consensus.simulator.disk import Disk
from consensus.simulator.world import World
from consensus.step import Outgoing, Signing, Step, StepBuilder, Timer, Transmission
from consensus.threshold.shares import BadShares, Combined, SecretShare, combine
from oracle import frames
from oracle.chronicle import Stored
from oracle.duties.pace import Pace
from oracle.events import (
    BundleMade,
    ChainRead,
    CommitteeProposed,
    Event,
    Offered,
    Recalled,
    Received,
    ShareMade,
    SharesBad,
    SharesCombined,
    Signed,
    Started,
    TimerPassed,
)
from oracle.model import (
    Assurance,
    Curve,
    Device,
    DeviceKind,
    Quality,
    Reading,
    Record,
    RecordHash,
    UsagePoint,
    WindowStart,
    WindowSummary,
    ZoneId,
    read_summary,
)
from oracle.node import Node
from oracle.seats import Seats
from oracle.windows.calendar import Calendar
from oracle.windows.vee import Rules

WINDOW_S = 10
PACE = Pace(grace_ms=1000, collect_ms=500, ceremony_ms=4000, deadline_ms=60_000, nudge_ms=700)
FEED_TIMER = "feed"


@dataclass(slots=True)
class Meters:
    """What the meters of the simulated world say, and how much of it a node hears."""

    signed: int = 3
    unsigned: int = 1
    heard: float = 1.0

    def devices(self) -> tuple[Device, ...]:
        return tuple(
            Device(
                point,
                ZoneId(1 + point % 2),
                DeviceKind.METER,
                Curve.SECP256R1 if point <= self.signed else Curve.NONE,
                bytes([2]) * 33 if point <= self.signed else b"",
                1_000_000,
                hashlib.sha256(b"%d" % point).digest(),
            )
            for point in range(1, 1 + self.signed + self.unsigned)
        )

    def records(self, time_s: int) -> list[Record]:
        return [
            Record("sim", device.device, encode({"point": device.device, "time-s": time_s}))
            for device in self.devices()
        ]

    def reading(self, record: Record) -> Reading:
        fields = Fields(decode(record.data))
        point, time_s = fields.uint("point"), fields.uint("time-s")
        return Reading(
            UsagePoint(point),
            time_s,
            1000 * point + time_s,
            0,
            time_s,
            Quality.RAW,
            Assurance.METER_SIGNED if point <= self.signed else Assurance.WITNESSED,
            record.hash,
        )


@dataclass(slots=True)
class Shelf:
    """What a node's shell keeps besides the Disk: its records, its ceremony seed and bundles."""

    seed: bytes
    records: dict[RecordHash, Record] = field(default_factory=dict)
    bundles: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)
    share: SecretShare | None = None
    epoch: int = 0
    """Whose share it is."""
    transmissions: list[Transmission] = field(default_factory=list)
    """What it would have brought on chain."""
    proposed: Committee | None = None
    """What it reads on chain at every start, besides the registry."""


class WholeNode:
    """A Machine over `oracle.node.Node`."""

    def __init__(
        self,
        genesis: Genesis,
        key: PrivateKey,
        disk: Disk,
        shelf: Shelf,
        meters: Meters,
        clock: World,
        book: Sequence[bytes] = (),
        calendar: Calendar | None = None,
    ) -> None:
        """`book` names the hosts' keys in the world's order; by default the committee's."""
        self._key, self._disk, self._shelf, self._meters, self._clock = key, disk, shelf, meters, clock
        self._out = StepBuilder()
        self._chance = Random(key.secret[0])
        self.node = Node(
            genesis,
            key.public_key.format(),
            Rules(window_s=WINDOW_S, tolerance_s=WINDOW_S, windows_max=64),
            PACE,
            Timeouts(),
            calendar,
        )
        self._book = tuple(book) or genesis.committee.node_keys
        self._seats = Seats()

    # -- the world's calls ----------------------------------------------------------

    def start(self) -> Step:
        self.node.restore(self._stored(), self._head())
        self.node.replay(self._disk.journal)
        self._happen(ChainRead(self._meters.devices(), 1))
        if self._shelf.proposed is not None:
            self._happen(CommitteeProposed(self._shelf.proposed))
        self._happen(Started())
        readings = [self._meters.reading(record) for record in self._replayed()]
        if readings:
            self._happen(Offered(tuple(readings), exchanged=False))
        self._out.timers.append(Timer(FEED_TIMER, 1000))
        return self._out.take()

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        node = self.node
        message = frames.parse(frame, node.network, node.engine.committees, node.ceremony_committees)
        host, via = via, self._seats.slot_of(node.engine.committee, self._book[via])
        match message:
            case Rejected():
                pass
            case EntriesWanted(first):
                self._serve_entries(host, first)
            case frames.PartWanted(height, name):
                data = self._disk.parts.get((height, name))
                if data is not None:
                    part = frames.Part(height, name, data)
                    self._out.envelopes.append(Outgoing(frames.part_frame(part), host))
            case frames.RecordsWanted(hashes):
                held = tuple(self._shelf.records[one] for one in hashes if one in self._shelf.records)
                for out in frames.records_frames(held):
                    self._out.envelopes.append(Outgoing(out, host))
            case frames.Records(records):
                self._take_records(records, exchanged=True)
            case frames.Part(height, "bls", data):
                entry = Entry.parse(self._disk.history[height][0])
                assert isinstance(entry, Entry)
                self._happen(SharesCombined(height, entry.digest, data))
            case _:
                self._happen(Received(via, message))
        return self._out.take()

    def timer(self, name: str) -> Step:
        if name == FEED_TIMER:
            now_s = self._now_ms() // 1000
            heard = [r for r in self._meters.records(now_s) if self._chance.random() < self._meters.heard]
            self._take_records(heard, exchanged=False)
            self._out.timers.append(Timer(FEED_TIMER, 1000))
        else:
            self._happen(TimerPassed(name))
        return self._out.take()

    def signed(self, signing: Signing, signature: bytes) -> Step:
        self._happen(Signed(signing, signature))
        return self._out.take()

    # -- the shell's work -------------------------------------------------------------

    def _replayed(self) -> list[Record]:
        """The records that are read again at a start."""
        return list(self._shelf.records.values())

    def _now_ms(self) -> int:
        return 1_700_000_000_000 + self._clock.now_ms

    def _take_records(self, records: Iterable[Record], *, exchanged: bool) -> None:
        fresh = tuple(record for record in records if record.hash not in self._shelf.records)
        readings = tuple(self._meters.reading(record) for record in fresh)
        if exchanged:  # a peer's unsigned record is no observation of this node (R4)
            readings = tuple(r for r in readings if r.assurance is not Assurance.WITNESSED)
        else:
            for record in fresh:
                self._shelf.records[record.hash] = record
        if exchanged:
            for record in fresh:
                if self._meters.reading(record).assurance is not Assurance.WITNESSED:
                    self._shelf.records[record.hash] = record
        if readings:
            self._happen(Offered(readings, exchanged=exchanged))

    def _happen(self, event: Event) -> None:
        waiting: list[Event] = [event]
        while waiting:
            step = self.node.handle(self._now_ms(), waiting.pop(0))
            self._out.records += step.records
            self._out.envelopes += [self._addressed(one) for one in step.envelopes]
            self._keep_house()
            self._out.timers += step.timers
            self._out.transmissions += step.transmissions
            self._shelf.transmissions += step.transmissions
            self._out.milestones += step.milestones
            for signing in step.signings:
                answer = self._answer(signing)
                if answer is None:
                    self._out.signings.append(signing)
                else:
                    waiting += answer

    def _answer(self, signing: Signing) -> list[Event] | None:
        match signing.topic:
            case "bundle":
                return self._bundle(signing.payload.decode())
            case "share":
                digest = Digest(signing.payload)
                share = self._own_share()
                if share is None:
                    return []
                epoch = self.node.engine.committee.epoch
                return [ShareMade(Height(signing.height), digest, share.sign(digest), epoch)]
            case "combine":
                return self._combine(signing)
            case "recall":
                return [self._recall(Fields(decode(signing.payload)).uint("window"))]
            case _:
                return None

    def _recall(self, window: int) -> Recalled:
        for height in sorted(self._disk.history, reverse=True):
            entry = Entry.parse(self._disk.history[height][0])
            assert isinstance(entry, Entry)
            data = self._disk.parts.get((height, "window"))
            if entry.kind == "window" and entry.body["window"] == window and data is not None:
                summary = read_summary(entry.body)
                assert isinstance(summary, WindowSummary)
                return Recalled(WindowStart(window), summary, data)
        return Recalled(WindowStart(window), None, b"")

    def _bundle(self, phase: str) -> list[Event]:
        ceremony = self.node.ceremony.ceremony
        name = f"{ceremony.plan.session.hex()}:{phase}"
        if name not in self._shelf.bundles:
            bundle = self._participant().next_bundle(ceremony)
            if bundle is None or isinstance(bundle, Rejected):
                return []
            payload = encode(bundle.payload)
            self._shelf.bundles[name] = (payload, self._key.sign_recoverable(payload))
        return [BundleMade(phase, *self._shelf.bundles[name])]

    def _participant(self) -> Participant:
        shelf, dealers = self._shelf, self.node.engine.committee.epoch
        old = shelf.share if shelf.epoch == dealers else None
        return Participant(self._key.public_key.format(), shelf.seed, old)

    def _addressed(self, outgoing: Outgoing) -> Outgoing:
        """To a host of the world, by the key that the slot stands for now."""
        if outgoing.to is None:
            return outgoing
        key = self._seats.key_of(self.node.engine.committee, outgoing.to)
        assert key is not None
        return Outgoing(outgoing.frame, NodeId(self._book.index(key)))

    def _keep_house(self) -> None:
        """K4: what a share of an earlier epoch was is gone once another is in force."""
        if self._shelf.share is not None and self._shelf.epoch != self.node.keygen.ceremony.plan.epoch:
            self._shelf.share = None

    def _own_share(self) -> SecretShare | None:
        if self._shelf.share is None:
            ceremony = self.node.keygen.ceremony
            share = self._participant().new_share(ceremony)
            self._shelf.share = None if isinstance(share, Rejected) else share
            self._shelf.epoch = ceremony.plan.epoch
        return self._shelf.share

    def _combine(self, signing: Signing) -> list[Event]:
        fields = Fields(decode(signing.payload))
        digest = Digest(fields.buff("digest", 32))
        partials: dict[NodeId, bytes] = {}
        for row in fields.items("shares", 31):
            part = Fields(row)
            partials[NodeId(part.uint("slot"))] = part.buff("share", 48)
        epoch = EpochNumber(fields.uint("epoch"))
        assert epoch == self.node.engine.committee.epoch
        status = self.node.keygen.ceremony.status
        result = combine(status.outcome.polynomial, digest, partials)  # type: ignore[union-attr]
        match result:
            case Combined(signature):
                return [SharesCombined(Height(signing.height), digest, signature)]
            case BadShares(culprits):
                return [SharesBad(Height(signing.height), culprits, epoch)]

    def _serve_entries(self, via: NodeId, first: Height) -> None:
        rows = []
        for height in range(first, first + ENTRIES_PER_FRAME):
            row = self._disk.history.get(height)
            if row is None:
                break
            rows.append(row)
        if rows:
            self._out.envelopes.append(Outgoing(entries_frame(tuple(rows)), via))

    def _stored(self) -> list[Stored]:
        stored = []
        for height in sorted(self._disk.history):
            entry, certificate, attachment = self._disk.history[height]
            parsed, certified = Entry.parse(entry), Certificate.parse(certificate)
            assert isinstance(parsed, Entry)
            assert isinstance(certified, Certificate)
            parts = {name: data for (at, name), data in self._disk.parts.items() if at == height}
            stored.append(Stored(DecidedEntry(parsed, certified), attachment, parts))
        return stored

    def _head(self) -> tuple[Height, Digest]:
        if not self._disk.history:
            return Height(0), ZERO_DIGEST
        height = max(self._disk.history)
        entry = Entry.parse(self._disk.history[height][0])
        assert isinstance(entry, Entry)
        return Height(height), entry.digest
