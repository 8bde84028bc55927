"""A small world for parsers: devices in a registry, their roster, and a context over both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from oracle.feeds import roster
from oracle.feeds.formats import Context, Direction, Limits, RosterEntry
from oracle.model import Curve, Device, DeviceKind, ZoneId

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formats"
SALT = bytes(range(16))
METER = 7
GATEWAY = 900
NOW_S = 1_767_225_600  # 2026-01-01T00:00:00Z
REGISTRY_FIELDS = {"device", "zone", "kind", "curve", "key"}


def key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number, ec.SECP256R1())


def meter_id(serial: str) -> bytes:
    return hashlib.sha256(SALT + serial.encode()).digest()


def device(
    number: int = METER,
    *,
    serial: str = "S1",
    kind: DeviceKind = DeviceKind.METER,
    curve: Curve = Curve.NONE,
    public_key: bytes = b"",
    zone: int = 1,
) -> Device:
    return Device(number, ZoneId(zone), kind, curve, public_key, 11_000, meter_id(serial))


@dataclass
class Scene:
    """Devices and entries, added one by one."""

    registry: dict[int, Device] = field(default_factory=dict)
    entries: dict[int, RosterEntry] = field(default_factory=dict)

    def add(self, registered: Device, entry: RosterEntry | None = None) -> Scene:
        self.registry[registered.device] = registered
        if entry is not None:
            self.entries[entry.device] = entry
        return self

    def context(self, received_s: int | None = None, limits: Limits | None = None) -> Context:
        return Context(self.registry.get, self.entries.get, received_s, limits or Limits())


def entry(format_name: str, number: int = METER, *, serial: str = "S1", **fields: Any) -> RosterEntry:
    made = RosterEntry(device=number, format=format_name, serial=serial, salt=SALT)
    return replace(made, **fields)


def json_scene(profile: str, **fields: Any) -> Scene:
    return Scene().add(device(), entry("json", profile=profile, **fields))


def reverse() -> Direction:
    return Direction.REVERSE


def from_expectation(devices: Iterable[Mapping[str, object]]) -> Scene:
    """The devices of a fixture's .expect file: registry fields, and the rest as a roster says it."""
    scene = Scene()
    sheet = []
    for fields in devices:
        serial = str(fields.get("serial", ""))
        scene.add(
            device(
                int(str(fields["device"])),
                serial=serial,
                kind=DeviceKind[str(fields.get("kind", "METER"))],
                curve=Curve[str(fields.get("curve", "NONE"))],
                public_key=bytes.fromhex(str(fields.get("key", ""))),
                zone=int(str(fields.get("zone", 1))),
            )
        )
        known = {name: value for name, value in fields.items() if name not in REGISTRY_FIELDS}
        salt = {"salt": SALT.hex()} if serial else {}
        sheet.append({"device": fields["device"], **known, **salt})
    scene.entries.update(roster.load(json.dumps({"devices": sheet})).entries)
    return scene


def compressed_der(der: bytes) -> bytes:
    """A SubjectPublicKeyInfo as the registry would hold its point."""
    public = load_der_public_key(der)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
