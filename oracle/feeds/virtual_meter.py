"""A household meter and its gateway in software: records as real ones would write and sign them.

Decides the bytes, nothing else: keys, registers and times come from the caller, and
nothing is sent. Signatures are deterministic (RFC 6979), so the same meter writes
the same bytes again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consensus.encoding import encode
from consensus.model import check
from oracle.feeds.formats.batch import NAME as BATCH
from oracle.feeds.formats.batch import REGISTER, Item, unsigned_value
from oracle.feeds.formats.ocmf import HEADER, SEPARATOR
from oracle.feeds.formats.ocmf import NAME as OCMF
from oracle.model import Record, UsagePoint

IMPORT_OBIS: Final = "01-00:01.08.00*FF"
EXPORT_OBIS: Final = "01-00:02.08.00*FF"

_SHA256: Final = ECDSA(hashes.SHA256(), deterministic_signing=True)


@dataclass(frozen=True, slots=True)
class VirtualMeter:
    """A meter with a P-256 key of its own; `serial` is what it reports as MS."""

    device: UsagePoint
    serial: str
    key: EllipticCurvePrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check(isinstance(self.key.curve, SECP256R1), "a virtual meter signs on P-256")

    @property
    def public_key(self) -> bytes:
        """33 bytes, as the registry holds it."""
        return compressed(self.key)

    def ocmf(
        self, *, pagination: int, time_s: int, import_wh: int, export_wh: int | None = None, clock: str = "S"
    ) -> Record:
        """One fiscal OCMF record of both registers; `clock` is OCMF's time status (S, I, U)."""
        readings = [_reading(time_s, clock, IMPORT_OBIS, import_wh)]
        if export_wh is not None:
            readings.append(_reading(time_s, clock, EXPORT_OBIS, export_wh))
        payload = {
            "FV": "1.0",
            "GI": "Wattest virtual meter",
            "GS": self.serial,
            "GV": "1",
            "PG": f"F{pagination}",
            "MV": "Wattest",
            "MM": "virtual",
            "MS": self.serial,
            "RD": readings,
        }
        return Record(OCMF, self.device, signed_ocmf(self.key, _compact(payload)))


def signed_ocmf(key: EllipticCurvePrivateKey, payload: bytes) -> bytes:
    """An OCMF record over a payload's exact bytes."""
    signature = {"SA": "ECDSA-secp256r1-SHA256", "SD": key.sign(payload, _SHA256).hex()}
    return HEADER.encode() + payload + SEPARATOR.encode() + _compact(signature)


@dataclass(frozen=True, slots=True)
class VirtualGateway:
    """A gateway with a P-256 key; it signs what it read of others."""

    device: int
    key: EllipticCurvePrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check(isinstance(self.key.curve, SECP256R1), "a gateway signs on P-256")

    @property
    def public_key(self) -> bytes:
        """33 bytes, as the registry holds it."""
        return compressed(self.key)

    def batch(self, *, sequence: int, items: tuple[Item, ...]) -> Record:
        """A signed batch; items come from `register_item`, or carry a record's bytes."""
        value = unsigned_value(self.device, sequence, items)
        r, s = decode_dss_signature(self.key.sign(encode(value), _SHA256))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return Record(BATCH, self.device, encode({**value, "signature": signature}))


def register_item(usage_point: UsagePoint, *, time_s: int, import_wh: int, export_wh: int) -> Item:
    """A meter's two registers as its gateway read them."""
    data = encode({"import-register": import_wh, "export-register": export_wh})
    return Item(usage_point, time_s, REGISTER, data)


def compressed(key: EllipticCurvePrivateKey) -> bytes:
    """The public point, 33 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _reading(time_s: int, clock: str, identifier: str, value_wh: int) -> dict[str, object]:
    return {
        "TM": f"{_utc(time_s)},000+0000 {clock}",
        "RV": value_wh,
        "RI": identifier,
        "RU": "Wh",
        "RT": "AC",
        "EF": "",
        "ST": "G",
    }


def _utc(time_s: int) -> str:
    """ISO 8601 of UTC seconds, to the second."""
    return datetime.fromtimestamp(time_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode()
