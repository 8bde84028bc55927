"""A network of four production nodes that has run for a while, poured into one node's real storage.

Meters write what real ones write: OCMF signed by P-256 keys, telegrams that several
operators witness, a gateway's batch. Everything is read by the production parsers, and
what the simulated shell kept is written through the storage's public interface.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

import coincurve
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from consensus.dkg.status import Complete
from consensus.encoding import Principal, decode, encode
from consensus.messages import Certificate, DecidedEntry, Entry
from consensus.model import Committee, EpochNumber, Genesis, NodeId
from consensus.simulator.disk import Disk
from consensus.simulator.runs import keys
from consensus.simulator.world import Faults, World
from consensus.step import JournalRecord
from oracle import memory
from oracle.api.view import ChainStanding, IntakeStanding, Problem
from oracle.chain.address import chain_of
from oracle.chain.transaction import ContractCall, serialise, sign, txid_of, unsigned
from oracle.chronicle import DECIDED, PART
from oracle.conduct import Conduct
from oracle.events import Offered
from oracle.feeds.formats import Context, Parsed, RosterEntry, parse
from oracle.feeds.formats.dsmr import crc16
from oracle.feeds.signatures import confirm
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter, register_item
from oracle.journey import Travel
from oracle.model import Assurance, Curve, Device, DeviceKind, Reading, Record, UsagePoint, ZoneId
from oracle.schedule import transmission
from oracle.storage.database import Database
from oracle.storage.history import ChainReceipt
from oracle.storage.records import RecordLog
from tests.simulation.whole_node import WINDOW_S, Meters, Shelf, WholeNode

ORACLE = Principal(26, bytes(20), "production-oracle")
GATEWAY = 50
SIGNED, TELEGRAM, BEHIND_GATEWAY = (1, 2, 3), 4, (5, 6)
RUN_MS = 75_000
BLOCK = 4711


def p256(label: str):  # type: ignore[no-untyped-def]
    return derive_private_key(
        int.from_bytes(hashlib.sha256(label.encode()).digest(), "big") >> 1, SECP256R1()
    )


@cache
def meter(point: int) -> VirtualMeter:
    return VirtualMeter(UsagePoint(point), f"M{point}", p256(f"meter {point}"))


@cache
def gateway() -> VirtualGateway:
    return VirtualGateway(GATEWAY, p256("gateway"))


def salt(point: int) -> bytes:
    return b"salt %d" % point


def meter_id(point: int) -> bytes:
    return hashlib.sha256(salt(point) + f"M{point}".encode()).digest()


def device(point: int) -> Device:
    zone = ZoneId(1 if point in SIGNED else 2)
    if point == GATEWAY:
        return Device(
            point, zone, DeviceKind.GATEWAY, Curve.SECP256R1, gateway().public_key, 0, meter_id(point)
        )
    if point in SIGNED:
        key = meter(point).public_key
        return Device(point, zone, DeviceKind.METER, Curve.SECP256R1, key, 1_000_000, meter_id(point))
    return Device(point, zone, DeviceKind.METER, Curve.NONE, b"", 1_000_000, meter_id(point))


DEVICES = tuple(device(point) for point in (*SIGNED, TELEGRAM, *BEHIND_GATEWAY, GATEWAY))


def roster(point: int) -> RosterEntry | None:
    name = "ocmf" if point in SIGNED else "dsmr" if point == TELEGRAM else "register"
    return RosterEntry(point, name, f"M{point}", salt(point), timezone="Europe/Amsterdam")


def telegram(time_s: int, import_wh: int) -> bytes:
    local = datetime.fromtimestamp(time_s, tz=UTC) + timedelta(hours=1)
    lines = (
        "1-3:0.2.8(50)",
        f"0-0:1.0.0({local:%y%m%d%H%M%S}W)",
        f"0-0:96.1.1({f'M{TELEGRAM}'.encode().hex().upper()})",
        f"1-0:1.8.1({import_wh / 1000:010.3f}*kWh)",
        "1-0:2.8.1(000000.000*kWh)",
    )
    body = ("/TST5\\2wattest\r\n\r\n" + "\r\n".join(lines) + "\r\n!").encode()
    return body + b"%04X\r\n" % crc16(body)


@dataclass(slots=True)
class RealMeters(Meters):
    """Meters, a telegram and a gateway, heard by every node."""

    known: dict[int, list[Record]] = field(default_factory=dict)

    def devices(self) -> tuple[Device, ...]:
        return DEVICES

    def records(self, time_s: int) -> list[Record]:
        if time_s not in self.known:
            self.known[time_s] = self._written(time_s)
        return self.known[time_s]

    def _written(self, time_s: int) -> list[Record]:
        past_s = time_s - 1_700_000_000
        signed = [
            meter(point).ocmf(
                pagination=past_s + 1, time_s=time_s, import_wh=1000 * point + past_s, export_wh=past_s // 2
            )
            for point in SIGNED
        ]
        items = tuple(
            register_item(UsagePoint(point), time_s=time_s, import_wh=1000 * point + past_s, export_wh=7)
            for point in BEHIND_GATEWAY
        )
        batch = gateway().batch(sequence=past_s + 1, items=items)
        return [*signed, Record("dsmr", TELEGRAM, telegram(time_s, 4000 + past_s)), batch]

    def reading(self, record: Record) -> Reading:  # noqa: ARG002 - its interface
        raise AssertionError("records are read whole")


@cache
def readings_of(record: Record) -> tuple[Reading, ...]:
    devices = {one.device: one for one in DEVICES}
    parsed = parse(record, Context(devices.get, roster, None))
    assert isinstance(parsed, Parsed), parsed
    confirmed = confirm(parsed)
    assert isinstance(confirmed, Parsed), confirmed
    return confirmed.readings


class RealNode(WholeNode):
    """A whole node whose shell reads records as the production shell does: several readings each."""

    def _take_records(self, records: Iterable[Record], *, exchanged: bool) -> None:
        fresh = [record for record in records if record.hash not in self._shelf.records]
        readings: list[Reading] = []
        for record in fresh:
            found = readings_of(record)
            if exchanged:
                found = tuple(one for one in found if one.assurance is not Assurance.WITNESSED)
            if found or not exchanged:
                self._shelf.records[record.hash] = record
            readings += found
        if readings:
            self._happen(Offered(tuple(readings), exchanged=exchanged))


@dataclass(frozen=True, slots=True)
class Run:
    """What is left of a run: one node's disk, its records, its journey, and the network's public facts."""

    genesis: Genesis
    disk: Disk
    records: tuple[Record, ...]
    travels: tuple[Travel, ...]
    group_key: bytes
    next_window: int
    slot: int = 0

    def heights(self, kind: str) -> list[int]:
        return [height for height in sorted(self.disk.history) if self.entry(height).kind == kind]

    def entry(self, height: int) -> Entry:
        entry = Entry.parse(self.disk.history[height][0])
        assert isinstance(entry, Entry)
        return entry

    def window(self, height: int) -> int:
        """Start of the window that an entry is about."""
        window = self.entry(height).body["window"]
        assert isinstance(window, int)
        return window

    def attested(self) -> list[int]:
        """Heights of windows that have the group's signature, oldest first."""
        return [height for height in self.heights("window") if (height, "bls") in self.disk.parts]


def finished_run() -> Run:
    """Two seconds of work for all tests together."""
    return finished_runs()[0]


@cache
def finished_runs(heard: float = 1.0) -> tuple[Run, ...]:
    """Every node's; each of them hears so much of what the meters say, and the rest from the others."""
    members = keys(4)
    committee = Committee(EpochNumber(1), tuple(key.public_key.format() for key in members))
    genesis = Genesis(0x80000000, ORACLE, WINDOW_S, committee)
    world, meters = World(3, Faults()), RealMeters(heard=heard)
    shelves = [Shelf(hashlib.sha256(b"seed %d" % slot).digest()) for slot in range(4)]
    for key, shelf in zip(members, shelves, strict=True):

        def build(disk: Disk, key=key, shelf=shelf) -> WholeNode:  # type: ignore[no-untyped-def]
            return RealNode(genesis, key, disk, shelf, meters, world)

        world.add(build, key)
    world.run(RUN_MS)
    return tuple(_left(genesis, world, shelf, slot) for slot, shelf in enumerate(shelves))


def _left(genesis: Genesis, world: World, shelf: Shelf, slot: int) -> Run:
    machine = world.hosts[slot].machine
    assert isinstance(machine, WholeNode)
    status = machine.node.keygen.ceremony.status
    assert isinstance(status, Complete)
    return Run(
        genesis,
        world.hosts[slot].disk,
        tuple(shelf.records.values()),
        machine.node.journey.newest(),
        status.outcome.polynomial.group_key,
        machine.node.settlement.next_window,
        slot,
    )


def pour(run: Run, database: Database, records: RecordLog) -> None:
    """Write what the run left, as the production runtime writes it."""
    writes = memory.Writes()
    for height in sorted(run.disk.history):
        entry, certificate, attachment = run.disk.history[height]
        row = {"entry": entry, "certificate": certificate, "attachment": attachment}
        writes.add_records([JournalRecord(height, DECIDED, encode(row))])
        for (at, name), data in sorted(run.disk.parts.items()):
            if at == height:
                writes.add_records([JournalRecord(height, PART + name, data)])
    database.transaction(writes.journal, writes.history, writes.truncate_below)
    records.append(run.records, 1_700_000_000_000)


def put_on_chain(run: Run, database: Database, height: int, block: int = BLOCK) -> bytes:
    """A member submits the entry and the watcher sees it: gives the transaction's id."""
    entry, certificate = run.entry(height), Certificate.parse(run.disk.history[height][1])
    assert isinstance(certificate, Certificate)
    signature = run.disk.parts[height, "bls"]
    wanted = transmission(DecidedEntry(entry, certificate), signature, NodeId(0), 4)
    assert wanted is not None
    call = ContractCall(ORACLE, wanted.function, tuple(decode(argument) for argument in wanted.arguments))
    key = coincurve.PrivateKey(hashlib.sha256(b"account").digest())
    chain = chain_of(run.genesis.chain_id)
    raw = serialise(sign(unsigned(chain, key.public_key, call, nonce=3, fee_ustx=500), key))
    txid = bytes.fromhex(txid_of(raw))
    database.transaction((), (ChainReceipt(height, txid, "success", block, raw),))
    return txid


@dataclass(slots=True)
class Archive:
    """A node that has stopped: all that can be known of it, told through `NodeView`."""

    run: Run
    tip_height: int = BLOCK
    problem_list: tuple[Problem, ...] = ()
    up: tuple[int, ...] = (1, 2)
    seen: Conduct = field(default_factory=Conduct)

    @property
    def genesis(self) -> Genesis:
        return self.run.genesis

    @property
    def own_slot(self) -> int | None:
        return self.run.slot

    @property
    def committee(self) -> Committee:
        return self.run.genesis.committee

    @property
    def committees(self) -> Mapping[int, Committee]:
        return {1: self.committee}

    @property
    def group_key(self) -> bytes | None:
        return self.run.group_key

    @property
    def head_height(self) -> int:
        return max(self.run.disk.history)

    @property
    def round(self) -> int:
        return 0

    @property
    def next_window(self) -> int:
        return self.run.next_window

    @property
    def started_at_ms(self) -> int:
        return 1_700_000_000_000

    def travels(self) -> tuple[Travel, ...]:
        return self.run.travels

    def peers_up(self) -> tuple[int, ...]:
        return self.up

    def peers_down(self) -> tuple[int, ...]:
        return tuple(slot for slot in (1, 2, 3) if slot not in self.up)

    def peer_counters(self) -> Mapping[int, Mapping[str, int]]:
        return {slot: {"sent_messages": 5 + slot} for slot in self.up}

    def conduct(self) -> Conduct:
        return self.seen

    def chain(self) -> ChainStanding:
        return ChainStanding(reachable=True, height=self.tip_height)

    def outbox_counts(self) -> Mapping[str, int]:
        return {"queued": 1, "done": 4}

    def intake(self) -> IntakeStanding:
        return IntakeStanding({"accepted-ocmf": len(self.run.records)})

    def evidence(self) -> Mapping[str, int]:
        return {"double-vote": 1}

    def evidence_submissions(self) -> Mapping[str, int]:
        return {"waiting": 1}

    def rejections(self) -> Mapping[str, int]:
        return {"duplicate": 2}

    def problems(self) -> tuple[Problem, ...]:
        return self.problem_list
