"""The meters of the simulated world: what they say, to whom, and what is true.

A signed record carries its meter's real signature (secp256k1 over its canonical tuple), a
twin of the formats of the feeds only. A two-faced meter signs two registers for one time
and shows one to the nodes of even, the other to those of odd slots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from coincurve import PrivateKey

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.envelope import recover
from consensus.messages import Fields, WrongShape
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
    ZoneId,
)
from tests.simulation.whole_node import WINDOW_S, Meters

SECOND_FACE_WH = 7
OUTAGE_S = 3 * WINDOW_S
"""How long a meter is cut off, at least."""
REPEATED_S = 4
"""So long a meter that is back repeats what nobody has heard."""


@dataclass(slots=True)
class Street:
    """All meters of a world, and what they have signed."""

    seed: int = 0
    signed: int = 3
    unsigned: int = 1
    heard: float = 1.0
    """In which share of cases a node hears a record."""
    outage: float = 0.0
    """In which share of stretches of OUTAGE_S a signed meter is cut off; its records come after it."""
    two_faced: frozenset[int] = frozenset()
    truth: dict[RecordHash, tuple[int, int, int]] = field(default_factory=dict)
    """Of every record that a meter made: usage point, time, register in Wh."""
    shown: int = 0
    """Second faces shown."""
    forged: int = 0
    """Records refused because no meter signed them."""
    _read: dict[RecordHash, Reading | None] = field(default_factory=dict)

    def registered(self, more: int) -> tuple[Device, ...]:
        """The registry: the first meters, and `more` signed ones beside them."""
        points = [*range(1, 1 + self.signed + self.unsigned), *range(101, 101 + more)]
        return tuple(
            Device(
                point,
                ZoneId(1 + point % 2),
                DeviceKind.METER,
                Curve.SECP256K1 if self.signs(point) else Curve.NONE,
                _key(point).public_key.format() if self.signs(point) else b"",
                1_000_000,
                hashlib.sha256(b"%d" % point).digest(),
            )
            for point in points
        )

    def signs(self, point: int) -> bool:
        """Whether a meter signs what it says."""
        return point <= self.signed or point > 100

    def say(self, time_s: int, slot: int, chance: Random, more: int) -> list[Record]:
        """The records of one second as one node hears them."""
        points = [device.device for device in self.registered(more)]
        said = [
            point for point in points if chance.random() < self.heard and not self._cut_off(point, time_s)
        ]
        records = [self._record(point, time_s, slot) for point in said]
        begun_s = time_s - time_s % OUTAGE_S
        if time_s < begun_s + REPEATED_S:
            back = [point for point in said if self._cut_off(point, begun_s - 1)]
            ends = range(begun_s - OUTAGE_S + WINDOW_S, begun_s + 1, WINDOW_S)
            records += [self._record(point, end, slot) for point in back for end in ends]
        return records

    def _cut_off(self, point: int, time_s: int) -> bool:
        if not self.outage or not self.signs(point):
            return False
        drawn = hashlib.sha256(b"%d %d %d" % (self.seed, point, time_s // OUTAGE_S)).digest()
        return drawn[0] < self.outage * 256

    def read(self, record: Record) -> Reading | None:
        """The reading in a record; None for what no meter signed."""
        if record.hash not in self._read:
            self._read[record.hash] = self._verified(record)
        reading = self._read[record.hash]
        self.forged += reading is None
        return reading

    def _record(self, point: int, time_s: int, slot: int) -> Record:
        register_wh = 1000 * point + time_s
        if point in self.two_faced and slot % 2:
            register_wh += SECOND_FACE_WH
            self.shown += 1
        said: dict[str, Value] = {"point": point, "time-s": time_s, "register": register_wh}
        if self.signs(point):
            said["signature"] = _key(point).sign_recoverable(encode(said))
        record = Record("sim", point, encode(said))
        self.truth[record.hash] = (point, time_s, register_wh)
        return record

    def _verified(self, record: Record) -> Reading | None:
        try:
            value = decode(record.data)
            fields = Fields(value)
            point, time_s, register_wh = (fields.uint(name) for name in ("point", "time-s", "register"))
            if self.signs(point):
                signature = fields.buff("signature", 65)
                said: Value = {"point": point, "time-s": time_s, "register": register_wh}
                if recover(encode(said), signature) != _key(point).public_key.format():
                    return None
            fields.end()
        except (EncodingError, WrongShape):
            return None
        return Reading(
            UsagePoint(point),
            time_s,
            register_wh,
            0,
            time_s,
            Quality.RAW,
            Assurance.METER_SIGNED if self.signs(point) else Assurance.WITNESSED,
            record.hash,
        )


@dataclass(slots=True)
class Ear(Meters):
    """What one node hears of the street; meters go by the right time, whatever its clock says."""

    street: Street = field(default_factory=Street)
    slot: int = 0
    chance: Random = field(default_factory=Random)
    now_s: Callable[[], int] = int
    more: Callable[[], int] = int

    def devices(self) -> tuple[Device, ...]:
        return self.street.registered(self.more())

    def records(self, time_s: int) -> list[Record]:  # noqa: ARG002 - its clock may be wrong
        return self.street.say(self.now_s(), self.slot, self.chance, self.more())

    def reading(self, record: Record) -> Reading:
        reading = self.street.read(record)
        assert reading is not None, "records are verified before they are kept"
        return reading


def _key(point: int) -> PrivateKey:
    if point not in _KEYS:
        _KEYS[point] = PrivateKey(hashlib.sha256(b"meter %d" % point).digest())
    return _KEYS[point]


_KEYS: dict[int, PrivateKey] = {}
