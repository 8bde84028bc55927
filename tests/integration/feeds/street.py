"""A street for the feeds: two signing meters, two unsigned ones, a gateway, and what they write."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from oracle.feeds.formats import RosterEntry
from oracle.feeds.intake import Intake, IntakeLimits
from oracle.feeds.roster import Roster, roster_of
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter, register_item
from oracle.model import Curve, Device, DeviceKind, Reading, Record, UsagePoint, ZoneId
from oracle.storage.records import RecordLog

NOW_S = int(time.time()) - 5
SALT = bytes(range(16))


def private_key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


METER = VirtualMeter(UsagePoint(7), "S7", private_key(7))
NEIGHBOUR = VirtualMeter(UsagePoint(8), "S8", private_key(8))
STRANGER = VirtualMeter(UsagePoint(7), "S7", private_key(666))
GATEWAY = VirtualGateway(900, private_key(900))
UNSIGNED = 20
UNSIGNED_TWIN = 21
TOPICS = {
    7: "meters/7",
    8: "meters/8",
    UNSIGNED: "tele/20/SENSOR",
    UNSIGNED_TWIN: "tele/21/SENSOR",
    900: "gateways/900",
}


def _device(number: int, kind: DeviceKind, public_key: bytes) -> Device:
    curve = Curve.SECP256R1 if public_key else Curve.NONE
    meter_id = hashlib.sha256(SALT + f"S{number}".encode()).digest()
    return Device(number, ZoneId(1), kind, curve, public_key, 11_000, meter_id)


DEVICES = {
    7: _device(7, DeviceKind.METER, METER.public_key),
    8: _device(8, DeviceKind.METER, NEIGHBOUR.public_key),
    UNSIGNED: _device(UNSIGNED, DeviceKind.METER, b""),
    UNSIGNED_TWIN: _device(UNSIGNED_TWIN, DeviceKind.METER, b""),
    30: _device(30, DeviceKind.METER, b""),
    900: _device(900, DeviceKind.GATEWAY, GATEWAY.public_key),
}


def _entry(number: int, format_name: str) -> RosterEntry:
    return RosterEntry(
        device=number,
        format=format_name,
        serial=f"S{number}",
        salt=SALT,
        profile="tasmota" if format_name == "json" else "",
        topic=TOPICS.get(number, ""),
        timezone="+00:00" if format_name == "json" else "",
    )


FORMAT_OF = {7: "ocmf", 8: "ocmf", UNSIGNED: "json", UNSIGNED_TWIN: "json", 30: "register", 900: "batch"}


def roster() -> Roster:
    return roster_of(_entry(number, name) for number, name in FORMAT_OF.items())


def signed(number: int, meter: VirtualMeter = METER) -> Record:
    """The meter's `number`th record, some seconds ago."""
    return meter.ocmf(pagination=number, time_s=NOW_S - 10_000 + number, import_wh=1000 + number, export_wh=5)


def unsigned(total_kwh: str = "1.5", device: int = UNSIGNED) -> Record:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW_S - 60))
    return Record(
        "json", device, json.dumps({"Time": moment, "ENERGY": {"Total": float(total_kwh)}}).encode()
    )


def batch(number: int) -> Record:
    item = register_item(UsagePoint(30), time_s=NOW_S - 10_000 + number, import_wh=number, export_wh=0)
    return GATEWAY.batch(sequence=number, items=(item,))


@dataclass
class Handed:
    """What an intake handed on."""

    calls: list[tuple[tuple[Reading, ...], bool]] = field(default_factory=list)

    def __call__(self, readings: tuple[Reading, ...], exchanged: bool) -> None:
        self.calls.append((readings, exchanged))

    @property
    def readings(self) -> list[Reading]:
        return [reading for readings, _ in self.calls for reading in readings]

    @property
    def records(self) -> set[bytes]:
        return {bytes(reading.record) for reading in self.readings}


@dataclass
class House:
    """An intake over a real log."""

    log: RecordLog
    intake: Intake
    handed: Handed


@contextlib.asynccontextmanager
async def house(
    folder: Path,
    *,
    limits: IntakeLimits | None = None,
    reserve_bytes: int = 0,
    registry: Callable[[int], Device | None] = DEVICES.get,
) -> AsyncIterator[House]:
    log = RecordLog(folder / "records", reserve_bytes=reserve_bytes)
    handed = Handed()
    intake = Intake(registry, roster(), log, handed, limits or IntakeLimits())
    try:
        yield House(log, intake, handed)
    finally:
        await intake.close()
        log.close()


FULL = 1 << 60
"""A reserve that no disk has: as good as a full one."""


def make_room(log: RecordLog) -> None:
    log._reserve_bytes = 0


async def until(condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - it may be another process that changes it
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {what}") from None
