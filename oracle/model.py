"""The nouns of the oracle: device, record, reading, leaf, summaries, attestation.

Knows their canonical values (`value()`), which are what is hashed, signed and
rebuilt on chain. Does not know how a reading is parsed, validated or agreed.

Energy is integer watt-hours, time is UTC seconds since 1970 (Q3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NewType

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.messages import Fields, MessageReason, WrongShape
from consensus.model import Rejected

UsagePoint = NewType("UsagePoint", int)
"""Device id of a meter in the `registration` contract, from 1."""
ZoneId = NewType("ZoneId", int)
WindowStart = NewType("WindowStart", int)
"""Start of a settlement window, UTC seconds; divisible by the window length (Q2)."""
RecordHash = NewType("RecordHash", bytes)
"""sha256 of a record's bytes: its identity (R1)."""


class DeviceKind(IntEnum):
    """What a registered device is."""

    METER = 1
    GATEWAY = 2


class Curve(IntEnum):
    """Which signatures a device makes."""

    NONE = 0
    SECP256R1 = 1
    SECP256K1 = 2
    ED25519 = 3


class Assurance(IntEnum):
    """How far back a value is signed (R4); a smaller number is stronger."""

    METER_SIGNED = 1
    GATEWAY_SIGNED = 2
    WITNESSED = 3


class Quality(IntEnum):
    """ESPI QualityOfReading codes."""

    VALID = 0
    MANUALLY_EDITED = 7
    ESTIMATED_REFERENCE_DAY = 8
    ESTIMATED_LINEAR = 9
    QUESTIONABLE = 10
    DERIVED = 11
    PROJECTED = 12
    MIXED = 13
    RAW = 14
    NORMALIZED_FOR_WEATHER = 15
    OTHER = 16
    VALIDATED = 17
    VERIFIED = 18
    REVENUE_QUALITY = 19


QUALITY_BEST_TO_WORST: Final = (18, 19, 17, 0, 7, 11, 15, 13, 9, 8, 12, 14, 16, 10)
"""An aggregate carries the worst quality of what it sums."""
QUALITY_CLASS: Final[Mapping[int, str]] = {
    **dict.fromkeys((0, 17, 18, 19, 7), "validated"),
    **dict.fromkeys((11, 13, 15), "derived"),
    **dict.fromkeys((8, 9, 12), "estimated"),
    **dict.fromkeys((10, 14, 16), "questionable"),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A verified device as the network's registry holds it.

    `key` is a 33-byte compressed point, 32 bytes for Ed25519, empty for Curve.NONE;
    `meter_id` the salted hash of its serial number; `capacity_w` its rated power.
    """

    device: int
    zone: ZoneId
    kind: DeviceKind
    curve: Curve
    key: bytes
    capacity_w: int
    meter_id: bytes

    def value(self) -> dict[str, Value]:
        """The canonical value, a leaf of the registry's tree."""
        return {
            "device": self.device,
            "zone": self.zone,
            "kind": int(self.kind),
            "curve": int(self.curve),
            "key": self.key,
            "capacity-w": self.capacity_w,
            "meter-id": self.meter_id,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes as a device or gateway wrote them; never serialised again (R1).

    `source` is the device id of the meter or gateway that the feed says wrote them; a
    signature, or the registry, has to agree before anything is believed.
    """

    format: str
    source: int
    data: bytes

    @property
    def hash(self) -> RecordHash:
        """The record's identity."""
        return RecordHash(hashlib.sha256(self.data).digest())


@dataclass(frozen=True, slots=True)
class Reading:
    """One canonical reading of one usage point, taken from one record.

    `time_s` is device time in UTC seconds, the registers are cumulative Wh (None
    where the source has no such register). For an interval meter `interval_wh` is
    (import, export) energy of the window that begins at `time_s` and the registers
    are None. `sequence` is the device's pagination or counter (0 where it has
    none). `quality` is an ESPI code before validation.
    """

    usage_point: UsagePoint
    time_s: int
    import_register_wh: int | None
    export_register_wh: int | None
    sequence: int
    quality: Quality
    assurance: Assurance
    record: RecordHash
    register_digits_max_wh: int = 0
    """Where the register rolls over, in Wh; 0 where that is unknown."""
    interval_wh: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """R3: a usage point's closing registers, and its energy since the last attested ones."""

    usage_point: UsagePoint
    window: WindowStart
    import_register_wh: int
    export_register_wh: int
    import_wh: int
    export_wh: int
    since: WindowStart
    quality: int
    assurance: int
    record: RecordHash

    def value(self) -> dict[str, Value]:
        """The canonical value; its sha256d is the tree's leaf (R6)."""
        return {
            "usage-point": self.usage_point,
            "window": self.window,
            "import-register": self.import_register_wh,
            "export-register": self.export_register_wh,
            "import-wh": self.import_wh,
            "export-wh": self.export_wh,
            "since": self.since,
            "quality": self.quality,
            "assurance": self.assurance,
            "record": self.record,
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How many leaves of each quality class and of each assurance (R4)."""

    validated: int = 0
    derived: int = 0
    estimated: int = 0
    questionable: int = 0
    meter_signed: int = 0
    gateway_signed: int = 0
    witnessed: int = 0

    def value(self) -> dict[str, Value]:
        """The canonical value."""
        return {
            "validated": self.validated,
            "derived": self.derived,
            "estimated": self.estimated,
            "questionable": self.questionable,
            "meter-signed": self.meter_signed,
            "gateway-signed": self.gateway_signed,
            "witnessed": self.witnessed,
        }


@dataclass(frozen=True, slots=True)
class ZoneSummary:
    """A zone's totals and the root over its leaves, sorted by usage point (R6)."""

    zone: ZoneId
    window: WindowStart
    root: bytes
    leaf_count: int
    import_wh: int
    export_wh: int
    quality: int
    counts: Counts

    def value(self) -> dict[str, Value]:
        """The canonical value; its sha256d is a leaf of the window's tree."""
        return {
            "zone": self.zone,
            "window": self.window,
            "root": self.root,
            "leaf-count": self.leaf_count,
            "import-wh": self.import_wh,
            "export-wh": self.export_wh,
            "quality": self.quality,
            "counts": self.counts.value(),
        }


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """What a `window` entry says: totals of all zones and the root over their summaries."""

    window: WindowStart
    revision: int
    registry: bytes
    root: bytes
    zone_count: int
    leaf_count: int
    import_wh: int
    export_wh: int
    quality: int
    counts: Counts

    def value(self) -> dict[str, Value]:
        """The canonical value: the body of the entry."""
        return {
            "window": self.window,
            "revision": self.revision,
            "registry": self.registry,
            "root": self.root,
            "zone-count": self.zone_count,
            "leaf-count": self.leaf_count,
            "import-wh": self.import_wh,
            "export-wh": self.export_wh,
            "quality": self.quality,
            "counts": self.counts.value(),
        }


DEVICES_BYTES_MAX: Final = 1 << 28
_WATT_HOURS_MAX: Final = 1 << 100


def read_summary(body: Mapping[str, Value]) -> WindowSummary | Rejected:
    """A window summary from the body of a `window` entry."""
    try:
        fields = Fields(body)
        summary = WindowSummary(
            WindowStart(fields.uint("window")),
            fields.uint("revision"),
            fields.buff("registry", 32),
            fields.buff("root", 32),
            fields.uint("zone-count"),
            fields.uint("leaf-count"),
            fields.uint("import-wh", _WATT_HOURS_MAX),
            fields.uint("export-wh", _WATT_HOURS_MAX),
            fields.uint("quality"),
            _read_counts(fields.fields("counts")),
        )
        fields.end()
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    return summary


def _read_counts(value: Value) -> Counts:
    fields = Fields(value)
    counts = Counts(
        fields.uint("validated"),
        fields.uint("derived"),
        fields.uint("estimated"),
        fields.uint("questionable"),
        fields.uint("meter-signed"),
        fields.uint("gateway-signed"),
        fields.uint("witnessed"),
    )
    fields.end()
    return counts


def encode_devices(devices: tuple[Device, ...]) -> bytes:
    """A registry's devices as the history keeps them."""
    return encode(tuple(device.value() for device in devices))


def decode_devices(data: bytes) -> tuple[Device, ...] | Rejected:
    """A registry's devices from a peer or the history; the root says whether they are the right ones."""
    try:
        rows = decode(data, bytes_max=DEVICES_BYTES_MAX)
        if not isinstance(rows, tuple):
            return Rejected(MessageReason.WRONG_SHAPE, "not a list of devices")
        return tuple(_read_device(row) for row in rows)
    except WrongShape as shape:
        return Rejected(MessageReason.WRONG_SHAPE, str(shape))
    except (EncodingError, ValueError) as cause:
        return Rejected(MessageReason.NOT_CANONICAL, str(cause))


def _read_device(row: Value) -> Device:
    fields = Fields(row)
    device = Device(
        fields.uint("device"),
        ZoneId(fields.uint("zone")),
        DeviceKind(fields.uint("kind")),
        Curve(fields.uint("curve")),
        fields.buff("key", 0, 33),
        fields.uint("capacity-w"),
        fields.buff("meter-id", 32),
    )
    fields.end()
    return device


def sha256d(data: bytes) -> bytes:
    """sha256 of sha256, the hash of all our trees."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def leaf_hash(value: Value) -> bytes:
    """What stands at the bottom of a tree for a canonical value."""
    return sha256d(encode(value))
