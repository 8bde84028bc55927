"""OCMF 1.x, the Open Charge Metering Format: readings that the meter itself signed.

    OCMF|{payload}|{signature}

Decides which registers a record closes with, at what time and how good they are,
and names the signature to be checked: over the payload's bytes as sent, which are
never written again. Knows nothing of the charging session's user or tariff.

A record reads its meter once or more (`RD`, begin to end of a session). The last
reading's time is the record's; only registers read at that time count. A later
reading inherits the fields it leaves out. Specification: SAFE e.V., OCMF-en.md.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from oracle.feeds.formats import clock
from oracle.feeds.formats.context import (
    Carrier,
    Context,
    Parsed,
    SignatureCheck,
    entry_of,
    identify,
    meter_of,
    place,
    worst,
)
from oracle.feeds.formats.quantity import whole_wh
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.feeds.formats.strict_json import Json, Number, decoded, read_at, text_of
from oracle.model import Assurance, Curve, Device, Quality, Reading, UsagePoint

NAME: Final = "ocmf"
BYTES_MAX: Final = 8192
READINGS_MAX: Final = 32
SEPARATOR: Final = "|"
HEADER: Final = "OCMF" + SEPARATOR

_PAGINATION = re.compile(r"[TF]([0-9]{1,18})")
_TIME = re.compile(r"(\S{1,40}) ([UISR])")
# Medium 1 (electricity), any channel; quantity 1 or 2 is energy in or out. B0 and C0 are
# the mains totals of chargers; B2, C2 and others restart with each session and are no registers.
_REGISTER = re.compile(
    r"0?1-[0-9a-zA-Z]{1,2}:(?:0?([12])|([BC])0)\.0?8\.(?:(e|0{1,2})|0?([1-9]))(?:[*.](?:FF|255))?"
)
_IMPORT: Final = "1"
_EXPORT: Final = "2"
_TARIFF_TOTAL: Final = 0

_CURVES: Final = {"secp256r1": Curve.SECP256R1, "secp256k1": Curve.SECP256K1}
_UNSUPPORTED: Final = {
    "secp192k1": RecordReason.CURVE_UNSUPPORTED_SECP192K1,
    "secp192r1": RecordReason.CURVE_UNSUPPORTED_SECP192R1,
    "secp384r1": RecordReason.CURVE_UNSUPPORTED_SECP384R1,
    "secp521r1": RecordReason.CURVE_UNSUPPORTED_SECP521R1,
    # The specification and the meters spell the brainpool curves differently.
    "brainpool256r1": RecordReason.CURVE_UNSUPPORTED_BRAINPOOL256,
    "brainpool256r11": RecordReason.CURVE_UNSUPPORTED_BRAINPOOL256,
    "brainpoolP256r1": RecordReason.CURVE_UNSUPPORTED_BRAINPOOL256,
    "brainpool384r1": RecordReason.CURVE_UNSUPPORTED_BRAINPOOL384,
    "brainpoolP384r1": RecordReason.CURVE_UNSUPPORTED_BRAINPOOL384,
}
_ALGORITHM_DEFAULT: Final = "ECDSA-secp256r1-SHA256"
_ALGORITHM = re.compile(r"ECDSA-([A-Za-z0-9]+)-SHA256")

_STATUS: Final = {
    "G": Quality.RAW,
    "S": Quality.ESTIMATED_REFERENCE_DAY,
    **dict.fromkeys("MXOEF", Quality.QUESTIONABLE),
}
_STATUS_NOT_READ: Final = frozenset("NTDRI")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One energy register of RD, with what it inherited; `time_s` is None without a usable clock."""

    time: str
    time_s: int | None
    quality: Quality
    direction: str
    tariff: int
    register: str
    unit: str


def parse(data: bytes, carrier: Carrier, context: Context) -> Parsed:
    """One reading of one meter, and the signature that has to hold for it."""
    text = decoded(data)
    if not text.startswith(HEADER):
        raise Refusal(RecordReason.BAD_SYNTAX, "no OCMF header")
    payload, payload_end = read_at(text, len(HEADER))
    if not text.startswith(SEPARATOR, payload_end):
        raise Refusal(RecordReason.BAD_SYNTAX, "no signature section")
    signature, end = read_at(text, payload_end + len(SEPARATOR))
    if end != len(text):
        raise Refusal(RecordReason.BAD_SYNTAX, "bytes after the signature section")
    curve, raw = _curve(signature), _signature(signature)
    meter = meter_of(carrier, NAME, context, signed=True)
    _identify(payload, meter, context)
    reading = _reading(payload, carrier, context)
    message = text[len(HEADER) : payload_end].encode()
    return Parsed((reading,), (_check(curve, raw, message, meter),))


def _check(curve: Curve, raw: bytes, message: bytes, meter: Device) -> SignatureCheck:
    if meter.curve is Curve.NONE:
        raise Refusal(RecordReason.KEY_MISSING)
    if meter.curve is not curve:
        raise Refusal(RecordReason.CURVE_MISMATCH)
    return SignatureCheck(curve, meter.key, message, raw, UsagePoint(meter.device))


def _identify(payload: Mapping[str, Json], meter: Device, context: Context) -> None:
    """MS is the meter, GS the gateway; a device that is both may send only GS."""
    serial = text_of(payload, "MS", "") or text_of(payload, "GS", "")
    identify(serial, entry_of(meter, context))


def _reading(payload: Mapping[str, Json], carrier: Carrier, context: Context) -> Reading:
    pagination = _PAGINATION.fullmatch(text_of(payload, "PG"))
    if pagination is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "PG")
    entries = _closing(payload.get("RD"))
    if not entries:
        raise Refusal(RecordReason.REGISTER_MISSING)
    time_s, stamped = place(entries[-1].time_s, carrier, context, signed=True)
    quality = worst(*(entry.quality for entry in entries))
    return Reading(
        usage_point=UsagePoint(carrier.device),
        time_s=time_s,
        import_register_wh=_register_wh(entries, _IMPORT),
        export_register_wh=_register_wh(entries, _EXPORT),
        sequence=int(pagination[1]),
        quality=worst(quality, Quality.QUESTIONABLE) if stamped else quality,
        assurance=Assurance.METER_SIGNED,
        record=carrier.record,
    )


def _closing(value: Json) -> list[_Entry]:
    """The energy registers that were read at the record's last time."""
    if not isinstance(value, list):
        raise Refusal(RecordReason.BAD_SYNTAX, "RD is no list")
    if not value:
        raise Refusal(RecordReason.EMPTY)
    if len(value) > READINGS_MAX:
        raise Refusal(RecordReason.TOO_MANY_ITEMS)
    entries: list[_Entry] = []
    fields: dict[str, Json] = {}
    time = status = ""
    for item in value:
        if not isinstance(item, dict):
            raise Refusal(RecordReason.BAD_SYNTAX, "RD holds no object")
        fields |= item
        time, letter = _time(text_of(fields, "TM"))
        # R counts from the absolute time before it: what that is worth, this is worth.
        status = letter if letter != "R" else status
        register = _REGISTER.fullmatch(text_of(fields, "RI", ""))
        if register is not None:
            entries.append(_entry(fields, register, time, status))
    return [entry for entry in entries if entry.time == time]


def _time(text: str) -> tuple[str, str]:
    match = _TIME.fullmatch(text)
    if match is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "TM")
    return match[1], match[2]


def _entry(fields: Mapping[str, Json], register: re.Match[str], time: str, status: str) -> _Entry:
    time_s = clock.iso_s(time, timezone="")
    errors = text_of(fields, "EF", "")
    believed = status in {"I", "S"} and "t" not in errors
    return _Entry(
        time=time,
        time_s=clock.usable(time_s) if believed else None,
        quality=_quality(fields, status, errors),
        direction=register[1] or {"B": _IMPORT, "C": _EXPORT}[register[2]],
        tariff=int(register[4] or _TARIFF_TOTAL),
        register=_value(fields),
        unit=text_of(fields, "RU", ""),
    )


def _value(fields: Mapping[str, Json]) -> str:
    """RV is a number; some meters send it as a string padded with spaces."""
    value = fields.get("RV")
    if not isinstance(value, str):
        raise Refusal(RecordReason.NOT_A_NUMBER, "RV")
    return value if isinstance(value, Number) else value.strip(" ")


def _quality(fields: Mapping[str, Json], status: str, errors: str) -> Quality:
    meter_status = text_of(fields, "ST", "")
    if meter_status in _STATUS_NOT_READ:
        raise Refusal(RecordReason.METER_NOT_READ, meter_status)
    quality = _STATUS.get(meter_status)
    if quality is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "ST")
    # An informative clock ran unsynchronised: good for a chart, not for settlement.
    doubtful = status == "I" or "E" in errors
    return worst(quality, Quality.QUESTIONABLE) if doubtful else quality


def _register_wh(entries: Sequence[_Entry], direction: str) -> int | None:
    """The total register if it was read, else the sum of the tariffs; each floored to Wh."""
    by_tariff = {
        entry.tariff: whole_wh(entry.register, entry.unit)
        for entry in entries
        if entry.direction == direction
    }
    if not by_tariff:
        return None
    return by_tariff.get(_TARIFF_TOTAL, sum(by_tariff.values()))


def _curve(signature: Mapping[str, Json]) -> Curve:
    algorithm = text_of(signature, "SA", _ALGORITHM_DEFAULT)
    match = _ALGORITHM.fullmatch(algorithm)
    name = match[1] if match else ""
    if name not in _CURVES:
        raise Refusal(_UNSUPPORTED.get(name, RecordReason.CURVE_UNSUPPORTED_OTHER))
    return _CURVES[name]


def _signature(signature: Mapping[str, Json]) -> bytes:
    """SD is a DER signature in hex or base64 (SE); as r || s, 64 bytes."""
    encoding = text_of(signature, "SE", "hex")
    try:
        sent = text_of(signature, "SD").encode("ascii")
        der = binascii.unhexlify(sent) if encoding == "hex" else binascii.a2b_base64(sent, strict_mode=True)
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError):
        raise Refusal(RecordReason.SIGNATURE_MALFORMED) from None
