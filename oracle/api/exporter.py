"""From the history to an export file: gathers all that an auditor needs for one height.

Decides what belongs into a bundle, and refuses to write one that it knows to be
incomplete. Judges nothing: whether it is true, `oracle.audit` says. Runs in a thread, as
a large window takes seconds.

What the history must keep beside an entry, by the name of its part:

    window        the leaves of a `window` entry (oracle.node)
    observations  what members signed as seen of unsigned meters (oracle.node)
    registry      the devices of a `registry` entry (oracle.node)
    bls           the group's signature; or in the entry's own column (oracle.node)
    attachment    the blob decided with the entry (the shell, from the `decided` record)
    attestation   what the contract's `get-attestation` answered, encoded (optional)
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from consensus.encoding import Value, decode, digest, encode
from consensus.messages import Certificate, Fields
from consensus.model import Committee, Genesis, InvariantBroken, Rejected, check
from oracle.api.chain_status import is_deep, mined
from oracle.api.windows import Windows, entry_of, summary_of
from oracle.audit.bundle import build
from oracle.audit.merkle import Proof
from oracle.audit.parts import (
    BundleParts,
    ChainPart,
    DevicePart,
    EpochPart,
    ObservationPart,
    RestatedPart,
    SignedPart,
    SincePart,
    SinceZonePart,
    ZonePart,
)
from oracle.model import Record, RecordHash, decode_devices
from oracle.storage.history import ChainReceipt, StoredEntry
from oracle.storage.history_reader import PAGE_MAX, HistoryReader
from oracle.storage.records import RecordLog
from oracle.windows.registry import Registry
from oracle.windows.window_data import WindowData

NO_RECORD: Final = RecordHash(bytes(32))
"""What an estimate names that no record stands behind."""
SUBMITTED_KINDS: Final = ("window", "void")
ATTACHED_KINDS: Final = ("hello", "deal", "respond", "justify", "activate")
OBSERVATIONS_BYTES_MAX: Final = 64 << 20
ATTACHMENT_BYTES_MAX: Final = 8192
MISSING_NAMED_MAX: Final = 3


class ExportProblem(Enum):
    """Why there is no bundle of a height."""

    NO_SUCH_HEIGHT = "no-such-height"
    PART_MISSING = "part-missing"
    """The node has the entry and not yet what belongs to it: it is catching up."""
    RECORDS_MISSING = "records-missing"
    """Records are pruned, or were never held here."""
    EPOCH_UNKNOWN = "epoch-unknown"
    """The node does not know the keys of the committee that certified."""
    TOO_LARGE = "too-large"


class ExportFailed(Exception):  # noqa: N818 - it states a fact
    """This node cannot write the bundle now; another one may."""

    def __init__(self, problem: ExportProblem, detail: str) -> None:
        super().__init__(f"{problem.value}: {detail}")
        self.problem = problem
        self.detail = detail


@dataclass(frozen=True, slots=True)
class State:
    """What a bundle of a height depends on besides what never changes."""

    signature: bytes
    receipt: ChainReceipt | None
    attestation: bytes

    def is_final(self, tip_height: int, depth: int) -> bool:
        """Whether nothing will be added any more."""
        return bool(self.signature) and self.receipt is not None and is_deep(self.receipt, tip_height, depth)


class Exporter:
    """Makes bundles. Thread-safe; methods block and raise StorageFailed.

    `committees` gives the keys of every epoch the history speaks of; that of epoch 1 is
    in the genesis.
    """

    def __init__(
        self,
        history: HistoryReader,
        records: RecordLog,
        genesis: Genesis,
        committees: Callable[[], Mapping[int, Committee]],
        windows: Windows,
        *,
        leaves_max: int = 250_000,
    ) -> None:
        self._history = history
        self._records = records
        self._genesis = genesis
        self._committees = committees
        self._windows = windows
        self._leaves_max = leaves_max
        self._registry: tuple[int, Registry] | None = None

    def export(self, height: int) -> bytes:
        """The file. Raises ExportFailed."""
        return build(self.parts(height))

    def state(self, height: int) -> State:
        """What decides whether an earlier file is still current. Raises ExportFailed."""
        stored = self._entry(height)
        receipt = mined(self._history.receipts(height)) if stored.kind in SUBMITTED_KINDS else None
        attestation = self._history.part(height, "attestation") if receipt else None
        return State(self._signature(stored), receipt, attestation or b"")

    def parts(self, height: int, *, lacking: bool = False) -> BundleParts:
        """All parts of the bundle of a height; records may be `lacking` for a look at what is here.

        Raises ExportFailed.
        """
        stored = self._entry(height)
        data = self._window(stored) if stored.kind == "window" else None
        records = () if data is None else self._records_of(data, lacking=lacking)
        return BundleParts(
            genesis=encode(genesis_value(self._genesis)),
            epochs=self._epochs(stored),
            signed=self._signed(stored),
            previous=None if height == 1 else self._signed(self._entry(height - 1)),
            zones=() if data is None else _zones(data),
            devices=self._devices(stored, data, records),
            records=records,
            observations=() if data is None else self._observations(self._observed_at(stored)),
            since=() if data is None else self._since(stored, data),
            chain=self._chain(stored),
            attachment=self._attachment(stored),
            restated=None if data is None else self._restated(stored),
        )

    # -- the log ----------------------------------------------------------------------

    def _entry(self, height: int) -> StoredEntry:
        stored = self._history.entry(height)
        if stored is None:
            raise ExportFailed(ExportProblem.NO_SUCH_HEIGHT, f"height {height}")
        return stored

    def _signature(self, stored: StoredEntry) -> bytes:
        return stored.signature or self._history.part(stored.height, "bls") or b""

    def _signed(self, stored: StoredEntry) -> SignedPart:
        return SignedPart(stored.entry, stored.certificate, self._signature(stored))

    def _epochs(self, stored: StoredEntry) -> tuple[EpochPart, ...]:
        """From 1 to the epoch that certified the entry, or that it activates."""
        certificate = Certificate.parse(stored.certificate)
        if isinstance(certificate, Rejected):
            raise InvariantBroken("the history keeps certificates")
        known = self._committees()
        activations = self._activations(stored.height)
        last = max([int(certificate.epoch), *(epoch for epoch in activations if epoch in known)])
        return tuple(self._epoch(number, known, activations.get(number)) for number in range(1, last + 1))

    def _epoch(
        self, number: int, known: Mapping[int, Committee], activation: StoredEntry | None
    ) -> EpochPart:
        committee = self._genesis.committee if number == 1 else known.get(number)
        if committee is None:
            raise ExportFailed(ExportProblem.EPOCH_UNKNOWN, f"epoch {number}")
        if activation is None:
            return EpochPart(number, committee.node_keys)
        group_key = entry_of(activation).body.get("group-key")
        check(isinstance(group_key, bytes), "an activation names the group key")
        key = group_key if isinstance(group_key, bytes) else b""
        return EpochPart(number, committee.node_keys, key, self._signed(activation))

    def _activations(self, height: int) -> dict[int, StoredEntry]:
        """The activation of each epoch up to a height; the last one counts."""
        found: dict[int, StoredEntry] = {}
        cursor: int | None = 0
        while cursor is not None:
            page = self._history.entries(cursor=cursor, limit=PAGE_MAX, newest_first=False, kind="activate")
            for stored in page.entries:
                epoch = entry_of(stored).body.get("epoch")
                if stored.height <= height and isinstance(epoch, int):
                    found[epoch] = stored
            cursor = page.next_cursor
        return found

    def _attachment(self, stored: StoredEntry) -> bytes:
        if stored.kind not in ATTACHED_KINDS:
            return b""
        attachment = self._history.part(stored.height, "attachment")
        if attachment is None:
            raise ExportFailed(ExportProblem.PART_MISSING, f"attachment of height {stored.height}")
        return attachment

    def _chain(self, stored: StoredEntry) -> ChainPart | None:
        state = self.state(stored.height)
        receipt = state.receipt
        if receipt is None or receipt.block_height is None or not receipt.raw:
            return None
        return ChainPart(
            self._genesis.oracle, receipt.txid, receipt.raw, receipt.block_height, state.attestation
        )

    # -- the window -------------------------------------------------------------------

    def _window(self, stored: StoredEntry) -> WindowData:
        if summary_of(stored).leaf_count > self._leaves_max:
            detail = f"{summary_of(stored).leaf_count} leaves, at most {self._leaves_max}"
            raise ExportFailed(ExportProblem.TOO_LARGE, detail)
        data = self._windows.of(stored)
        if data is None:
            raise ExportFailed(ExportProblem.PART_MISSING, f"leaves of height {stored.height}")
        return data

    def _records_of(self, data: WindowData, *, lacking: bool) -> tuple[Record, ...]:
        """What the leaves name, each once, by hash; of a batch the whole."""
        named = sorted({RecordHash(row.tobytes()) for row in data.leaves.record} - {NO_RECORD})
        held = self._records.get_many(named)
        missing = [one.hex() for one in named if one not in held]
        if missing and not lacking:
            detail = f"{len(missing)} of {len(named)}, as {', '.join(missing[:MISSING_NAMED_MAX])}"
            raise ExportFailed(ExportProblem.RECORDS_MISSING, detail)
        return tuple(held[one].record for one in named if one in held)

    def _devices(
        self, stored: StoredEntry, data: WindowData | None, records: Iterable[Record]
    ) -> tuple[DevicePart, ...]:
        if stored.kind == "registry":
            registry = self._registry_at(stored)
            wanted = [device.device for device in registry.devices]
        elif data is not None:
            registry = self._registry_of(stored.height, data.summary.registry)
            gateways = {record.source for record in records if record.format == "batch"}
            # A gateway that was enrolled since may bring late data; the auditor says that it is unknown.
            known = {one for one in gateways if registry.device(one) is not None}
            wanted = sorted({*data.leaves.usage_point.tolist(), *known})
        else:
            return ()
        return tuple(_device(registry, device) for device in wanted)

    def _registry_of(self, height: int, root: bytes) -> Registry:
        """The newest registry below a height with that root: of a restatement it may be an older one."""
        cursor: int | None = height
        while cursor is not None:
            page = self._history.entries(cursor=cursor, limit=PAGE_MAX, kind="registry")
            for stored in page.entries:
                if entry_of(stored).body.get("registry") == root:
                    return self._registry_at(stored)
            cursor = page.next_cursor
        check(Registry(()).root == root, "a window is summarised over an agreed registry")
        return Registry(())

    def _registry_at(self, stored: StoredEntry) -> Registry:
        kept = self._registry
        if kept is not None and kept[0] == stored.height:
            return kept[1]
        blob = self._history.part(stored.height, "registry")
        if blob is None:
            raise ExportFailed(ExportProblem.PART_MISSING, f"registry of height {stored.height}")
        devices = decode_devices(blob)
        if isinstance(devices, Rejected):
            raise InvariantBroken("the history keeps the registry that was agreed")
        self._registry = (stored.height, Registry(devices))
        return self._registry[1]

    def _observations(self, height: int) -> tuple[ObservationPart, ...]:
        """Those that the decided value rests on; a median over others would be another (R4)."""
        blob = self._history.part(height, "observations")
        if blob is None:
            return ()
        chosen = self._observers(height)
        rows = decode(blob, bytes_max=OBSERVATIONS_BYTES_MAX)
        found = []
        for row in rows if isinstance(rows, tuple) else ():
            fields = Fields(row)
            slot = fields.uint("slot")
            part = ObservationPart(
                fields.buff("payload", 1, OBSERVATIONS_BYTES_MAX), fields.buff("signature", 65)
            )
            if chosen is None or slot in chosen:
                found.append(part)
        return tuple(found)

    def _observers(self, height: int) -> frozenset[int] | None:
        attachment = self._history.part(height, "attachment")
        if not attachment:
            return None
        fields = Fields(decode(attachment, bytes_max=ATTACHMENT_BYTES_MAX))
        return frozenset(Fields(row).uint("slot") for row in fields.items("observers", 31))

    def _observed_at(self, stored: StoredEntry) -> int:
        """Witnessed leaves of a restatement are those of the first revision, and rest on the same (A8)."""
        first = [
            one for one in self._history.entries_of_window(stored.window_start_s or 0) if one.kind == "window"
        ]
        return first[0].height if first else stored.height

    def _restated(self, stored: StoredEntry) -> RestatedPart | None:
        """The revision before, with all its leaves."""
        if stored.revision == 0:
            return None
        said = self._history.entries_of_window(stored.window_start_s or 0)
        before = next((one for one in said if one.revision == stored.revision - 1), None)
        if before is None:
            raise InvariantBroken("a restatement has a revision before it")
        zones = _zones(self._window(before)) if before.kind == "window" else ()
        return RestatedPart(self._signed(before), zones)

    def _since(self, stored: StoredEntry, data: WindowData) -> tuple[SincePart, ...]:
        """The leaves that this window counts from, by window, each with its two proofs."""
        window = int(data.summary.window)
        points: dict[int, list[int]] = defaultdict(list)
        for point, since in zip(data.leaves.usage_point.tolist(), data.leaves.since_s.tolist(), strict=True):
            if since != window:
                points[since].append(point)
        return tuple(self._since_window(stored.height, since, points[since]) for since in sorted(points))

    def _since_window(self, height: int, since: int, points: Sequence[int]) -> SincePart:
        earlier = [
            one
            for one in self._history.entries_of_window(since)
            if one.kind == "window" and one.height < height
        ]
        check(earlier, "a leaf counts from a window that was attested")
        signed = earlier[-1]  # a restatement keeps every leaf of the revision before (A8)
        return SincePart(self._signed(signed), _since_zones(self._window(signed), points))


def genesis_value(genesis: Genesis) -> dict[str, Value]:
    """The canonical value whose digest is the network (Q4)."""
    value: dict[str, Value] = {
        "chain-id": genesis.chain_id,
        "oracle": genesis.oracle,
        "window-s": genesis.window_s,
        "committee": genesis.committee.node_keys,
    }
    check(digest(value) == genesis.network, "the network is the digest of its genesis")
    return value


def _zones(data: WindowData) -> tuple[ZonePart, ...]:
    window = data.summary.window
    return tuple(
        ZonePart(
            encode(zone.value()),
            tuple(
                encode(data.leaves.leaf(at, window).value()) for at in range(start, start + zone.leaf_count)
            ),
        )
        for zone, start in zip(data.zones, data.zone_starts, strict=True)
    )


def _since_zones(data: WindowData, points: Sequence[int]) -> tuple[SinceZonePart, ...]:
    positions = {point: at for at, point in enumerate(data.leaves.usage_point.tolist())}
    zones = []
    wanted = sorted(positions[point] for point in points)
    for number, (zone, start) in enumerate(zip(data.zones, data.zone_starts, strict=True)):
        tree = data.zone_trees[number]
        leaves = tuple(
            (
                encode(data.leaves.leaf(at, data.summary.window).value()),
                Proof(at - start, zone.leaf_count, tree.proof(at - start)),
            )
            for at in wanted[bisect_left(wanted, start) : bisect_left(wanted, start + zone.leaf_count)]
        )
        if leaves:
            proof = Proof(number, len(data.zones), data.tree.proof(number))
            zones.append(SinceZonePart(encode(zone.value()), proof, leaves))
    return tuple(zones)


def _device(registry: Registry, device_id: int) -> DevicePart:
    device, proof = registry.device(device_id), registry.proof(device_id)
    if device is None or proof is None:
        raise InvariantBroken(f"device {device_id} of an attested window is registered")
    at, siblings = proof
    return DevicePart(encode(device.value()), Proof(at, registry.device_count, siblings))
