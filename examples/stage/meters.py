"""Meters of a story: what their registers show, and the records they sign of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from examples.stage.chain import Account
from oracle.chain.suite.registration import Details
from oracle.feeds.formats.context import RosterEntry
from oracle.feeds.virtual_meter import VirtualMeter, compressed
from oracle.model import Curve, DeviceKind, Record, UsagePoint

SOURCES: Final = {
    "none": 0,
    "solar": 1,
    "wind": 2,
    "hydro": 3,
    "biomass": 4,
    "geothermal": 5,
    "storage": 6,
    "combined heat and power": 7,
    "other": 8,
}
"""Of energy, as the contract `registration` numbers them."""
FIRST_IMPORT_WH: Final = 1_000_000
FIRST_EXPORT_WH: Final = 2_000_000
"""A meter has run before it is registered."""


@dataclass(slots=True, eq=False)
class Meter:
    """A meter with a key of its own; `device` is 0 until it is registered."""

    name: str
    owner: Account
    source: str
    capacity_w: int
    zone: int
    device: int = 0
    verified: bool = False
    import_wh: int = FIRST_IMPORT_WH
    export_wh: int = FIRST_EXPORT_WH
    _pagination: int = 0

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The meter's own P-256 key; made of its name."""
        secret = int.from_bytes(_hash(f"key of {self.name}"), "big") >> 1
        return ec.derive_private_key(secret, ec.SECP256R1())

    @property
    def serial(self) -> str:
        """What it says it is."""
        return f"WS-{self.name}"

    @property
    def salt(self) -> bytes:
        """What hides the serial number on chain."""
        return _hash(f"salt of {self.name}")[:16]

    def details(self) -> Details:
        """What `register-device` wants to know."""
        return Details(
            curve=int(Curve.SECP256R1),
            key=compressed(self.key),
            kind=int(DeviceKind.METER),
            location=_hash(f"where {self.name} is"),
            meter_id=hashlib.sha256(self.salt + self.serial.encode()).digest(),
            source=SOURCES[self.source],
            valid_until=0,
            zone=self.zone,
        )

    def roster(self) -> RosterEntry:
        """What operators know of it."""
        return RosterEntry(self.device, "ocmf", serial=self.serial, salt=self.salt)

    def run(self, import_wh: int, export_wh: int) -> None:
        """Let energy flow through it."""
        self.import_wh += import_wh
        self.export_wh += export_wh

    def read(self, time_s: int) -> Record:
        """A signed record of both registers at a time."""
        self._pagination += 1
        return VirtualMeter(UsagePoint(self.device), self.serial, self.key).ocmf(
            pagination=self._pagination, time_s=time_s, import_wh=self.import_wh, export_wh=self.export_wh
        )


def _hash(text: str) -> bytes:
    return hashlib.sha256(f"wattest story: {text}".encode()).digest()
