"""Evidence files out of the auditor's small network, whose committee a test lets lie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from consensus.encoding import encode
from oracle.audit.merkle import Proof, double_sha256, prove
from oracle.audit.parts import BundleParts
from oracle.evidence import build
from oracle.evidence.build import PlacedParts
from oracle.model import Leaf, Record
from tests.unit.audit import world
from tests.unit.audit.world import SECOND, STAMP, WINDOW_S, Draft


def plain_ocmf(point: int, import_wh: int, export_wh: int, stamp: str = STAMP) -> bytes:
    """A record as the contract can read it: no space, every register with name and unit."""
    readings = (
        f'{{"TM":"{stamp}","RV":{import_wh},"RI":"1-0:1.8.0","RU":"Wh","ST":"G"}},'
        f'{{"RV":{export_wh / 1000:.3f},"RI":"1-0:2.8.0","RU":"kWh"}}'
    )
    payload = f'{{"FV":"1.0","PG":"F7","MS":"M{point}","RD":[{readings}]}}'.encode()
    signature = world.by_p256(world.METER_KEYS[1])(payload)["SD"]
    return b"OCMF|" + payload + b'|{"SD":"' + signature.encode() + b'"}'


@dataclass
class Town:
    """A window of a network, and files about it."""

    draft: Draft = field(default_factory=Draft)

    def __post_init__(self) -> None:
        self.tell(1, plain_ocmf(1, 1250, 120))

    def tell(self, point: int, record: bytes) -> None:
        """The meter says this, and its leaf names it; what the leaf says stays."""
        self.draft.records[point] = Record("ocmf", point, record)
        self.draft.claim(point, record=self.draft.records[point].hash)

    @property
    def parts(self) -> BundleParts:
        return self.draft.parts()

    def placed(self, point: int, parts: BundleParts | None = None) -> PlacedParts:
        parts = parts or self.parts
        for index, zone in enumerate(parts.zones):
            leaves = list(zone.leaves)
            for at, leaf in enumerate(leaves):
                if leaf == encode(self.draft.leaves[point].value()):
                    zone_proof = prove([double_sha256(one.summary) for one in parts.zones], index)
                    leaf_proof = prove([double_sha256(one) for one in leaves], at)
                    return PlacedParts(parts.signed, zone.summary, zone_proof, leaf, leaf_proof)
        raise AssertionError(f"no leaf of {point}")

    def since(self, point: int) -> PlacedParts:
        (since,) = self.parts.since
        wanted = encode(self.draft.first_leaves[point].value())
        for zone in since.zones:
            for leaf, proof in zone.leaves:
                if leaf == wanted:
                    return PlacedParts(since.signed, zone.summary, zone.proof, leaf, proof)
        raise AssertionError(f"no earlier leaf of {point}")

    def false_leaf(self, point: int, record: Record | None = None) -> bytes:
        parts = self.parts
        leaf = self.draft.leaves[point]
        named = record or next(one for one in self.draft.records.values() if one.hash == leaf.record)
        return build.false_leaf(
            parts.genesis, parts.epochs, self.placed(point, parts), named.format, named.data
        )

    def false_energy(self, point: int, *, first: bool = False) -> bytes:
        parts = self.parts
        since = None if first else self.since(point)
        return build.false_energy(parts.genesis, parts.epochs, self.placed(point, parts), since)

    def false_zone(self, at: int = 0) -> bytes:
        parts = self.parts
        proof = prove([double_sha256(one.summary) for one in parts.zones], at)
        zone = parts.zones[at]
        return build.false_zone(parts.genesis, parts.epochs, parts.signed, (zone.summary, proof), zone.leaves)

    def false_window(self) -> bytes:
        parts = self.parts
        zones = [zone.summary for zone in parts.zones]
        return build.false_window(parts.genesis, parts.epochs, parts.signed, zones)

    def withheld(self, point: int, record: Record, slot: int = 0, **receipt: Any) -> bytes:
        """A receipt of the member in `slot` for the record of a meter that has no leaf."""
        parts = self.parts
        device = next(one for one in self.draft.devices if one.device == point)
        zone_at = sorted({one.zone for one in self.draft.devices}).index(device.zone)
        zone = parts.zones[zone_at]
        proof = prove([double_sha256(one.summary) for one in parts.zones], zone_at)
        payload = encode(
            {
                "topic": "receipt",
                "network": self.draft.network.network,
                "epoch": 1,
                "time-s": SECOND + WINDOW_S - 3,
                "records": (hashlib.sha256(record.data).digest(),),
                **receipt,
            }
        )
        signed = (payload, self.draft.network.operators[slot].sign_recoverable(payload))
        gateway = {world.GATEWAY} if record.format == "batch" else set()
        ids = [one.device for one in self.draft.devices]
        wanted = sorted({point, *gateway})
        devices = [parts.devices[ids.index(one)] for one in wanted]
        return build.withheld_record(
            parts.genesis,
            parts.epochs,
            parts.signed,
            (zone.summary, proof),
            signed,
            (record.format, record.data),
            devices,
            self.neighbours(point, zone.leaves),
        )

    def neighbours(self, point: int, leaves: tuple[bytes, ...]) -> list[tuple[bytes, Proof]]:
        hashes = [double_sha256(one) for one in leaves]
        points = [leaf.usage_point for leaf in self.leaves_of(leaves)]
        after = next((at for at, one in enumerate(points) if one > point), len(points))
        return [(leaves[at], prove(hashes, at)) for at in (after - 1, after) if 0 <= at < len(points)]

    def leaves_of(self, leaves: tuple[bytes, ...]) -> list[Leaf]:
        known = {encode(leaf.value()): leaf for leaf in self.draft.leaves.values()}
        return [known[one] for one in leaves]

    def lie(self, point: int, **changes: Any) -> None:
        self.draft.claim(point, **changes)
