"""What a parser knows besides the bytes, what it hands back, and the rules all formats share.

Decides whose meter speaks (registry, roster, salted serial) and at what time a
reading stands (the clock rule). Knows no format, and no signature is checked here:
`Parsed.checks` are claims until `signatures.confirm` has looked at them.

The clock rule. A bare record stands at its own time and needs a usable clock. In a
batch, an item without one stands at the time the gateway signed, and so does an
unsigned telegram further than `clock_drift_max_s` from it (a replay); either is
questionable. Time that a meter signed with a working clock is never overruled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from consensus.model import Rejected
from oracle.feeds.formats import clock
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.model import (
    QUALITY_BEST_TO_WORST,
    Curve,
    Device,
    DeviceKind,
    Quality,
    Reading,
    RecordHash,
    UsagePoint,
)


class Direction(Enum):
    """Whether the source's import register is ours; inverters and some clamps have it reversed."""

    FORWARD = "forward"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Limits:
    """What is too much, too early, too late. Times in seconds."""

    items_max: int = 1024
    future_max_s: int = 60
    stale_max_s: int = 45 * 86_400
    clock_drift_max_s: int = 180


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """What operators know of a device that the public registry does not say.

    `serial` is the number the meter reports (as `dsmr` and `ocmf` spell it), `salt`
    hides it: sha256(salt || serial) is the registered meter id. Neither is printed.
    `timezone` is a name of `clock.zone_named`; `unit` overrides the profile's;
    `channel` picks one of several (None: the sum of a list, or channel 0);
    `gateway` is the one gateway that may speak for the meter (0: any of its zone).
    """

    device: int
    format: str
    serial: str = field(repr=False, default="")
    salt: bytes = field(repr=False, default=b"")
    profile: str = ""
    topic: str = ""
    timezone: str = ""
    direction: Direction = Direction.FORWARD
    unit: str = ""
    channel: int | None = None
    gateway: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """Look-ups by device id, and when the record came in.

    `received_s` is UTC seconds; None where a record is looked at again (from a peer,
    in an audit), when neither `future` nor `stale` is judged.
    """

    registry: Callable[[int], Device | None]
    roster: Callable[[int], RosterEntry | None]
    received_s: int | None
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """A signature still to be checked: ECDSA r || s (64 bytes, over sha256(message)) or Ed25519.

    It vouches for the readings of `usage_point`, or for the whole record if that is None.
    """

    curve: Curve
    key: bytes
    message: bytes
    signature: bytes
    usage_point: UsagePoint | None = None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """One item of a batch that was refused while the others stand."""

    usage_point: UsagePoint
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a record says, provided `checks` hold; then call `signatures.confirm`."""

    readings: tuple[Reading, ...]
    checks: tuple[SignatureCheck, ...] = ()
    refused: tuple[RefusedItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who hands bytes over: the feed for `device`, or a gateway that signed `stamp_s` for it."""

    device: int
    record: RecordHash
    gateway: Device | None = None
    stamp_s: int = 0
    sequence: int = 0


def device_of(device: int, kind: DeviceKind, context: Context) -> Device:
    """The registered device of that id and kind."""
    found = context.registry(device)
    if found is None:
        on_roster = context.roster(device) is not None
        raise Refusal(RecordReason.DEVICE_NOT_VERIFIED if on_roster else RecordReason.UNKNOWN_DEVICE)
    if found.kind is not kind:
        raise Refusal(RecordReason.WRONG_KIND)
    return found


def meter_of(carrier: Carrier, format_name: str, context: Context, *, signed: bool) -> Device:
    """The meter the carrier names, if it may send this format this way.

    A meter that has a key is not believed without it: else whoever reaches the
    broker could speak for it.
    """
    meter = device_of(carrier.device, DeviceKind.METER, context)
    entry = context.roster(carrier.device)
    if entry is not None and entry.format != format_name:
        raise Refusal(RecordReason.WRONG_FORMAT, f"roster says {entry.format}")
    if carrier.gateway is not None:
        named = entry.gateway if entry is not None else 0
        if named != carrier.gateway.device and (named or meter.zone != carrier.gateway.zone):
            raise Refusal(RecordReason.NOT_ITS_GATEWAY)
    if not signed and meter.curve is not Curve.NONE:
        raise Refusal(RecordReason.SIGNATURE_MISSING)
    return meter


def entry_of(meter: Device, context: Context) -> RosterEntry:
    """The meter's roster entry, checked against the salted hash in the registry."""
    entry = context.roster(meter.device)
    if entry is None:
        raise Refusal(RecordReason.DEVICE_NOT_VERIFIED, "no roster entry")
    if hashlib.sha256(entry.salt + entry.serial.encode()).digest() != meter.meter_id:
        raise Refusal(RecordReason.METER_IDENTITY, "roster entry and registry differ")
    return entry


def identify(serial: str, entry: RosterEntry) -> None:
    """Refuse a record that bears another serial number."""
    if not serial or serial != entry.serial:
        raise Refusal(RecordReason.METER_IDENTITY, "serial number in the record")


def place(own_s: int | None, carrier: Carrier, context: Context, *, signed: bool) -> tuple[int, bool]:
    """When a reading stands (UTC seconds), and whether the gateway's clock said so."""
    time_s, stamped = _placed(own_s, carrier, context.limits, signed=signed)
    if time_s < clock.EARLIEST_S:
        raise Refusal(RecordReason.CLOCK_UNSET)
    if time_s > clock.LATEST_S:
        raise Refusal(RecordReason.FUTURE)
    if context.received_s is not None:
        if time_s > context.received_s + context.limits.future_max_s:
            raise Refusal(RecordReason.FUTURE, f"by {time_s - context.received_s} s")
        if time_s < context.received_s - context.limits.stale_max_s:
            raise Refusal(RecordReason.STALE, f"by {context.received_s - time_s} s")
    return time_s, stamped


def _placed(own_s: int | None, carrier: Carrier, limits: Limits, *, signed: bool) -> tuple[int, bool]:
    if carrier.gateway is None:
        if own_s is None:
            raise Refusal(RecordReason.CLOCK_UNSET)
        return own_s, False
    if own_s is None:
        return carrier.stamp_s, True
    if not signed and abs(own_s - carrier.stamp_s) > limits.clock_drift_max_s:
        return carrier.stamp_s, True
    return own_s, False


def oriented(
    import_wh: int | None, export_wh: int | None, entry: RosterEntry
) -> tuple[int | None, int | None]:
    """(import, export) as the roster turns them; a record without either is refused."""
    if import_wh is None and export_wh is None:
        raise Refusal(RecordReason.REGISTER_MISSING)
    if entry.direction is Direction.REVERSE:
        return export_wh, import_wh
    return import_wh, export_wh


def worst(*qualities: Quality) -> Quality:
    """The worst of some quality codes."""
    return max(qualities, key=QUALITY_BEST_TO_WORST.index)
