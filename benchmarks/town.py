"""The network that the agreement benchmark runs: operators and household meters, all from one seed.

Decides keys, genesis, registry, roster and what the meters write, so that every process
of a run makes the same. Knows neither links nor clocks. The secrets are worth nothing:
a run draws a new seed and its folder is deleted after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from coincurve import PrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consensus.encoding import Principal
from consensus.model import Committee, EpochNumber, Genesis
from oracle.feeds.formats import RosterEntry
from oracle.feeds.roster import Roster, roster_of
from oracle.feeds.virtual_meter import VirtualMeter
from oracle.keys.keystore import Key, KeyKind
from oracle.model import Curve, Device, DeviceKind, Record, UsagePoint, ZoneId

ZONES = 10
CAPACITY_W = 2_000_000
"""Windows are seconds long here, so a step of ENERGY_WH a window is a power no household has."""
ENERGY_WH = 250


@dataclass(frozen=True)
class Town:
    """`ports` are the operators' listening ports in slot order."""

    seed: str
    meters: int
    window_s: int
    ports: tuple[int, ...]

    @classmethod
    def read(cls, path: Path) -> Town:
        """As `write` wrote it."""
        content = json.loads(path.read_text())
        return cls(**(content | {"ports": tuple(content["ports"])}))

    def write(self, path: Path) -> None:
        """For the processes of a run."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)))

    @property
    def members(self) -> int:
        """How many operators."""
        return len(self.ports)

    def node_key(self, slot: int) -> Key:
        """An operator's node key."""
        secret = self._secret(f"node {slot}")
        return Key(KeyKind.NODE, PrivateKey(secret).public_key.format(), secret)

    def tls_key(self, slot: int) -> Key:
        """The key of an operator's links."""
        secret = self._secret(f"tls {slot}")
        public = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        return Key(KeyKind.TLS, public, secret)

    @cached_property
    def genesis(self) -> Genesis:
        """The network."""
        keys = tuple(self.node_key(slot).public for slot in range(self.members))
        oracle = Principal(26, bytes(20), "production-oracle")
        return Genesis(0x80000000, oracle, self.window_s, Committee(EpochNumber(1), keys))

    @cached_property
    def households(self) -> tuple[VirtualMeter, ...]:
        """The meters, by usage point from 1 on."""
        return tuple(
            VirtualMeter(
                UsagePoint(point),
                f"HH{point}",
                derive_private_key(int.from_bytes(self._secret(f"meter {point}"), "big"), SECP256R1()),
            )
            for point in range(1, self.meters + 1)
        )

    @cached_property
    def devices(self) -> tuple[Device, ...]:
        """The registry, as the chain would have it."""
        return tuple(
            Device(
                meter.device,
                ZoneId(1 + meter.device % ZONES),
                DeviceKind.METER,
                Curve.SECP256R1,
                meter.public_key,
                CAPACITY_W,
                hashlib.sha256(self._salt(meter.device) + meter.serial.encode()).digest(),
            )
            for meter in self.households
        )

    @cached_property
    def roster(self) -> Roster:
        """What all operators know of the meters."""
        return roster_of(
            RosterEntry(meter.device, "ocmf", meter.serial, self._salt(meter.device))
            for meter in self.households
        )

    def records(self, window: int) -> Iterator[Record]:
        """A signed record of each meter that closes the window which starts at `window`, UTC s."""
        turn = window // self.window_s
        for meter in self.households:
            import_wh = 1_000 * meter.device + ENERGY_WH * (turn % 100_000)
            yield meter.ocmf(
                pagination=turn, time_s=window + self.window_s, import_wh=import_wh, export_wh=turn % 10_000
            )

    def _secret(self, label: str) -> bytes:
        # Halved, so that it is below the order of every curve it is used on.
        number = int.from_bytes(hashlib.sha256(f"{self.seed} {label}".encode()).digest(), "big") >> 1
        return number.to_bytes(32, "big")

    def _salt(self, point: int) -> bytes:
        return self._secret(f"salt {point}")[:16]
