"""A small network with real keys: it signs windows, and tests bend them.

Two ways to lie. A committee's lie is in the `Draft` before `parts()`: everything is hashed
and signed anew, so that only what is false fails. An exporter's lie is made in the parts,
or in the file's JSON, after they were signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from coincurve import PrivateKey
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from consensus.encoding import Principal, Some, Value, digest, encode
from consensus.model import ZERO_DIGEST, quorum
from oracle.audit.backend import BLS_SUITE
from oracle.audit.document import MAGIC, seal
from oracle.audit.merkle import double_sha256, prove, root_of
from oracle.audit.parts import (
    BundleParts,
    ChainPart,
    DevicePart,
    EpochPart,
    ObservationPart,
    SignedPart,
    SincePart,
    SinceZonePart,
    ZonePart,
)
from oracle.model import (
    QUALITY_BEST_TO_WORST,
    QUALITY_CLASS,
    Counts,
    Curve,
    Device,
    DeviceKind,
    Leaf,
    Record,
    RecordHash,
    UsagePoint,
    WindowStart,
    WindowSummary,
    ZoneId,
    ZoneSummary,
)

WINDOW_S = 900
FIRST = 1_800_000_000 // WINDOW_S * WINDOW_S
SECOND = FIRST + WINDOW_S
ORACLE = Principal(26, bytes(range(20)), "production-oracle")
CHAIN_ID = 0x80000000
GATEWAY = 100
SIGNED_AT_S = SECOND + WINDOW_S - 5
"""When the meters of the second window were read: 2027-01-15, in winter."""


def secret(label: str) -> bytes:
    return hashlib.sha256(label.encode()).digest()


def p256(label: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret(label), "big") >> 1, ec.SECP256R1())


def compressed(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def p256_raw(key: ec.EllipticCurvePrivateKey, message_digest: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message_digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


METER_KEYS = {1: p256("meter 1"), 7: p256("meter 7")}
METER_K1 = PrivateKey(secret("meter 2"))
METER_ED = Ed25519PrivateKey.from_private_bytes(secret("meter 3"))
GATEWAY_KEY = p256("gateway")


def device(id_: int, zone: int, curve: Curve, key: bytes, kind: DeviceKind = DeviceKind.METER) -> Device:
    return Device(id_, ZoneId(zone), kind, curve, key, 10_000, secret(f"serial {id_}"))


def devices() -> list[Device]:
    return [
        device(1, 1, Curve.SECP256R1, compressed(METER_KEYS[1])),
        device(2, 1, Curve.SECP256K1, METER_K1.public_key.format()),
        device(3, 1, Curve.ED25519, METER_ED.public_key().public_bytes_raw()),
        device(4, 2, Curve.NONE, b""),
        device(5, 2, Curve.NONE, b""),
        device(6, 2, Curve.NONE, b""),
        device(7, 2, Curve.SECP256R1, compressed(METER_KEYS[7])),
        device(8, 2, Curve.NONE, b""),
        device(GATEWAY, 2, Curve.SECP256R1, compressed(GATEWAY_KEY), DeviceKind.GATEWAY),
    ]


def ocmf(
    id_: int, import_wh: int, export_wh: int | None, stamp: str, sign: Callable[[bytes], dict[str, str]]
) -> bytes:
    readings = [{"TM": stamp, "RV": import_wh / 1000, "RI": "01-00:01.08.00*FF", "RU": "kWh", "ST": "G"}]
    if export_wh is not None:
        readings.append({"RI": "01-00:02.08.00*FF", "RV": export_wh, "RU": "Wh"})
    payload = json.dumps({"FV": "1.0", "PG": "F7", "MS": f"M{id_}", "RD": readings}).encode()
    return b"OCMF|" + payload + b"|" + json.dumps(sign(payload)).encode()


def by_p256(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], dict[str, str]]:
    return lambda payload: {"SD": key.sign(payload, ec.ECDSA(hashes.SHA256())).hex()}


def by_k1(payload: bytes) -> dict[str, str]:
    return {"SA": "ECDSA-secp256k1-SHA256", "SD": METER_K1.sign(payload).hex()}


def by_ed(payload: bytes) -> dict[str, str]:
    return {"SA": "Ed25519", "SD": METER_ED.sign(payload).hex()}


STAMP = "2027-01-15T08:29:55,000+0000 S"
UNSET = "1970-01-01T00:16:35,000+0000 U"


def telegram(import_wh: int, export_wh: int, stamp: str | None = "270115092955W") -> bytes:
    lines = [f"1-0:1.8.1({import_wh / 1000:010.3f}*kWh)", f"1-0:2.8.1({export_wh / 1000:010.3f}*kWh)"]
    if stamp is not None:
        lines.insert(0, f"0-0:1.0.0({stamp})")
    return ("/TST5\\2wattest\r\n\r\n" + "\r\n".join(lines) + "\r\n!\r\n").encode()


def item(usage_point: int, format_: str, data: bytes, time_s: int = SIGNED_AT_S) -> dict[str, Value]:
    return {"usage-point": usage_point, "time-s": time_s, "format": format_, "data": data}


def batch(items: Sequence[Mapping[str, Value]], key: ec.EllipticCurvePrivateKey = GATEWAY_KEY) -> Record:
    unsigned: dict[str, Value] = {
        "topic": "wattest-batch",
        "gateway": GATEWAY,
        "sequence": 9,
        "items": tuple(items),
    }
    return Record("batch", GATEWAY, encode({**unsigned, "signature": p256_raw(key, digest(unsigned))}))


def registers(import_wh: int, export_wh: int) -> bytes:
    return encode({"import-register": import_wh, "export-register": export_wh})


@dataclass
class Network:
    """A committee with its keys, and the group key of its threshold signature."""

    members: int = 4
    label: str = "operator"

    def __post_init__(self) -> None:
        self.operators = [PrivateKey(secret(f"{self.label} {slot}")) for slot in range(self.members)]
        self.node_keys = tuple(one.public_key.format() for one in self.operators)
        self.group_secret = Scalar(int.from_bytes(secret("group"), "big") >> 4)
        self.group_key = bytes((G2Point() * self.group_secret).to_compressed_bytes())
        self.genesis = encode(
            {"chain-id": CHAIN_ID, "oracle": ORACLE, "window-s": WINDOW_S, "committee": self.node_keys}
        )
        self.network = hashlib.sha256(self.genesis).digest()

    @property
    def quorum(self) -> int:
        return quorum(self.members)

    def entry(self, kind: str, body: Mapping[str, Value], height: int, previous: bytes) -> bytes:
        return encode(
            {"network": self.network, "height": height, "previous": previous, "kind": kind, "body": body}
        )

    def certificate(
        self, entry: bytes, height: int, slots: Iterable[int] | None = None, epoch: int = 1, round_: int = 0
    ) -> bytes:
        voted = digest(
            {
                "topic": "vote",
                "network": self.network,
                "epoch": epoch,
                "height": height,
                "round": round_,
                "phase": 2,
                "digest": Some(hashlib.sha256(entry).digest()),
            }
        )
        chosen = set(range(self.quorum) if slots is None else slots)
        signatures = [
            one.sign_recoverable(voted, hasher=None) if slot in chosen else b""
            for slot, one in enumerate(self.operators)
        ]
        return encode({"epoch": epoch, "round": round_, "signatures": tuple(signatures)})

    def group_sign(self, message: bytes) -> bytes:
        return bytes((G1Point.hash_to_curve(message, BLS_SUITE) * self.group_secret).to_compressed_bytes())

    def signed(
        self, kind: str, body: Mapping[str, Value], height: int, previous: bytes, *, bls: bool = True
    ) -> SignedPart:
        entry = self.entry(kind, body, height, previous)
        signature = self.group_sign(hashlib.sha256(entry).digest()) if bls else b""
        return SignedPart(entry, self.certificate(entry, height), signature)

    def activation(self) -> SignedPart:
        body: dict[str, Value] = {
            "epoch": 1,
            "session": secret("session"),
            "group-key": self.group_key,
            "commitments": secret("commitments 1"),
            "first-window": FIRST,
            "attachment": hashlib.sha256(b"deals").digest(),
        }
        return self.signed("activate", body, 1, ZERO_DIGEST)

    def epoch(self) -> EpochPart:
        return EpochPart(1, self.node_keys, self.group_key, self.activation())

    def observation(
        self, slot: int, rows: Sequence[Mapping[str, Value]], window: int = SECOND
    ) -> ObservationPart:
        payload = encode(
            {
                "topic": "observations",
                "network": self.network,
                "epoch": 1,
                "window": window,
                "rows": tuple(rows),
            }
        )
        return ObservationPart(payload, self.operators[slot].sign_recoverable(payload))


def worst(qualities: Iterable[int]) -> int:
    return max(qualities, key=QUALITY_BEST_TO_WORST.index)


def counts(leaves: Iterable[Leaf]) -> Counts:
    found = dict.fromkeys(Counts.__slots__, 0)
    for leaf in leaves:
        found[QUALITY_CLASS[leaf.quality]] += 1
        found[("meter_signed", "gateway_signed", "witnessed")[leaf.assurance - 1]] += 1
    return Counts(**found)


def zone_summary(zone: int, window: int, leaves: Sequence[Leaf]) -> ZoneSummary:
    return ZoneSummary(
        ZoneId(zone),
        WindowStart(window),
        root_of([double_sha256(encode(leaf.value())) for leaf in leaves]),
        len(leaves),
        sum(leaf.import_wh for leaf in leaves),
        sum(leaf.export_wh for leaf in leaves),
        worst(leaf.quality for leaf in leaves),
        counts(leaves),
    )


def window_summary(
    window: int, zones: Sequence[ZoneSummary], leaves: Sequence[Leaf], registry: bytes
) -> WindowSummary:
    return WindowSummary(
        WindowStart(window),
        0,
        registry,
        root_of([double_sha256(encode(zone.value())) for zone in zones]),
        len(zones),
        len(leaves),
        sum(zone.import_wh for zone in zones),
        sum(zone.export_wh for zone in zones),
        worst(zone.quality for zone in zones),
        counts(leaves),
    )


def first_leaf(usage_point: int) -> Leaf:
    """The leaf of the first window: registers without energy."""
    return Leaf(
        UsagePoint(usage_point),
        WindowStart(FIRST),
        1000 * usage_point,
        100 * usage_point,
        0,
        0,
        WindowStart(FIRST),
        17,
        1,
        RecordHash(secret(f"first record {usage_point}")),
    )


def second_leaf(usage_point: int, record: bytes, assurance: int, quality: int = 17) -> Leaf:
    """The leaf of the second window: 250 Wh in, 20 Wh out since the first."""
    before = first_leaf(usage_point)
    return Leaf(
        before.usage_point,
        WindowStart(SECOND),
        before.import_register_wh + 250,
        before.export_register_wh + 20,
        250,
        20,
        WindowStart(FIRST),
        quality,
        assurance,
        RecordHash(record),
    )


def row(usage_point: int, import_wh: int, export_wh: int, record: bytes) -> dict[str, Value]:
    return {
        "usage-point": usage_point,
        "time-s": SIGNED_AT_S,
        "import-register": import_wh,
        "export-register": export_wh,
        "record": record,
        "sequence": 0,
    }


@dataclass
class Draft:
    """The second window of a network: three meters in zone 1, five behind a gateway or unsigned in zone 2."""

    network: Network = field(default_factory=Network)
    devices: list[Device] = field(default_factory=devices)
    bend_zone: Callable[[ZoneSummary], ZoneSummary] = lambda zone: zone
    bend_summary: Callable[[WindowSummary], WindowSummary] = lambda summary: summary

    def __post_init__(self) -> None:
        self.records = {
            1: Record("ocmf", 1, ocmf(1, 1250, 120, STAMP, by_p256(METER_KEYS[1]))),
            2: Record("ocmf", 2, ocmf(2, 2250, 220, STAMP, by_k1)),
            3: Record("ocmf", 3, ocmf(3, 3250, 320, STAMP, by_ed)),
            5: Record("dsmr", 5, telegram(5250, 520)),
            6: Record("json", 6, b'{"ENERGY":{"Total":6.25}}'),
        }
        self.batch_items = [
            item(4, "register", registers(4250, 420)),
            item(7, "ocmf", ocmf(7, 7250, 720, UNSET, by_p256(METER_KEYS[7]))),
            item(8, "dsmr", telegram(8250, 820, stamp=None)),
        ]
        self.gateway_key = GATEWAY_KEY
        self.leaves: dict[int, Leaf] = {}
        self.observed: dict[int, list[dict[str, Value]]] = {}
        self.first_leaves = {one: first_leaf(one) for one in range(1, 9)}
        self.settle()

    def settle(self) -> None:
        """Make leaves and observations that follow from the records."""
        gateway = batch(self.batch_items, self.gateway_key)
        self.records[GATEWAY] = gateway
        for point, assurance in ((1, 1), (2, 1), (3, 1), (5, 3), (6, 3)):
            self.leaves[point] = second_leaf(point, self.records[point].hash, assurance)
        self.leaves[4] = second_leaf(4, gateway.hash, 2)
        self.leaves[7] = second_leaf(7, gateway.hash, 1, quality=10)
        self.leaves[8] = second_leaf(8, gateway.hash, 2, quality=10)
        exact = [row(5, 5250, 520, self.records[5].hash), row(6, 6250, 620, self.records[6].hash)]
        low = [row(5, 5249, 520, secret("low")), row(6, 6200, 620, secret("low"))]
        high = [row(5, 5251, 520, secret("high")), row(6, 6300, 620, secret("high"))]
        self.observed = {0: low, 1: exact, 2: high}

    def claim(self, point: int, **changes: Any) -> None:
        """The committee attests another leaf."""
        self.leaves[point] = replace(self.leaves[point], **changes)

    def zoned(self, leaves: Mapping[int, Leaf]) -> dict[int, list[Leaf]]:
        zones: dict[int, list[Leaf]] = {}
        for one in self.devices:
            if one.device in leaves:
                zones.setdefault(one.zone, []).append(leaves[one.device])
        return dict(sorted(zones.items()))

    def registry(self) -> list[bytes]:
        return [encode(one.value()) for one in self.devices]

    def registry_root(self) -> bytes:
        return root_of([double_sha256(one) for one in self.registry()])

    def window(self, window: int, leaves: Mapping[int, Leaf]) -> tuple[list[ZoneSummary], WindowSummary]:
        zones = [
            self.bend_zone(zone_summary(zone, window, some)) for zone, some in self.zoned(leaves).items()
        ]
        return zones, window_summary(window, zones, list(leaves.values()), self.registry_root())

    def first_window(self) -> tuple[SignedPart, list[ZoneSummary]]:
        bend, self.bend_zone = self.bend_zone, lambda zone: zone
        zones, summary = self.window(FIRST, self.first_leaves)
        self.bend_zone = bend
        activated = hashlib.sha256(self.network.activation().entry).digest()
        return self.network.signed("window", summary.value(), 2, activated), zones

    def since(self) -> SincePart:
        signed, zones = self.first_window()
        zone_hashes = [double_sha256(encode(zone.value())) for zone in zones]
        opened = []
        for at, (zone, leaves) in enumerate(zip(zones, self.zoned(self.first_leaves).values(), strict=True)):
            encoded = [encode(leaf.value()) for leaf in leaves]
            leaf_hashes = [double_sha256(one) for one in encoded]
            proven = tuple((one, prove(leaf_hashes, index)) for index, one in enumerate(encoded))
            opened.append(SinceZonePart(encode(zone.value()), prove(zone_hashes, at), proven))
        return SincePart(signed, tuple(opened))

    def parts(self) -> BundleParts:
        zones, summary = self.window(SECOND, self.leaves)
        summary = self.bend_summary(summary)
        previous, _ = self.first_window()
        signed = self.network.signed("window", summary.value(), 3, hashlib.sha256(previous.entry).digest())
        registry = self.registry()
        registry_hashes = [double_sha256(one) for one in registry]
        named = {leaf.record for leaf in self.leaves.values()}
        return BundleParts(
            genesis=self.network.genesis,
            epochs=(self.network.epoch(),),
            signed=signed,
            previous=previous,
            zones=tuple(
                ZonePart(encode(zone.value()), tuple(encode(leaf.value()) for leaf in leaves))
                for zone, leaves in zip(zones, self.zoned(self.leaves).values(), strict=True)
            ),
            devices=tuple(DevicePart(one, prove(registry_hashes, at)) for at, one in enumerate(registry)),
            records=tuple(one for _, one in sorted(self.records.items()) if one.hash in named),
            observations=tuple(self.network.observation(slot, rows) for slot, rows in self.observed.items()),
            since=(self.since(),),
            chain=chain_part(self.network, signed),
        )


def transaction(function: str, arguments: Sequence[Value], contract: Principal = ORACLE) -> bytes:
    name = (contract.contract_name or "").encode()
    return b"".join(
        [
            b"\x80" + CHAIN_ID.to_bytes(4, "big") + b"\x04\x00" + bytes(20) + bytes(8) + bytes(8),
            b"\x00" + bytes(65) + b"\x03\x02" + bytes(4),
            b"\x02" + bytes([contract.version]) + contract.hash160 + bytes([len(name)]) + name,
            bytes([len(function)]) + function.encode() + len(arguments).to_bytes(4, "big"),
            *map(encode, arguments),
        ]
    )


def decoded_body(entry: bytes) -> dict[str, Any]:
    from consensus.encoding import decode

    value = decode(entry)
    assert isinstance(value, dict)
    return value


def submission(signed: SignedPart) -> list[Value]:
    entry, certificate = decoded_body(signed.entry), decoded_body(signed.certificate)
    return [
        entry["height"],
        entry["previous"],
        entry["body"],
        certificate["epoch"],
        certificate["round"],
        certificate["signatures"],
        signed.bls,
    ]


def attestation(signed: SignedPart) -> dict[str, Value]:
    entry, certificate = decoded_body(signed.entry), decoded_body(signed.certificate)
    body = entry["body"]
    void = entry["kind"] == "void"
    return {
        "digest": hashlib.sha256(signed.entry).digest(),
        "height": entry["height"],
        "epoch": certificate["epoch"],
        "signers": tuple(bool(one) for one in certificate["signatures"]),
        "attested-at": 1_800_001_000,
        "void": Some(body["reason"]) if void else None,
        "summary": None if void else Some(body),
    }


def chain_part(network: Network, signed: SignedPart, function: str = "submit-window") -> ChainPart:
    raw = transaction(function, submission(signed))
    return chain_of(raw, encode(Some(attestation(signed))))


def chain_of(raw: bytes, attested: bytes) -> ChainPart:
    return ChainPart(ORACLE, hashlib.new("sha512_256", raw).digest(), raw, 4242, attested)


def resealed(data: bytes, bend: Callable[[dict[str, Any]], None]) -> bytes:
    """The file with its JSON bent and its checksum made right again."""
    content = json.loads(data.partition(b"\n")[2])
    bend(content)
    return seal(content)


def unsealed_body(data: bytes) -> bytes:
    assert data.startswith(MAGIC)
    return data.partition(b"\n")[2]
