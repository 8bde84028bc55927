"""What meters and gateways wrote, read again by the auditor: OCMF, DSMR P1, gateway batches.

Gives registers in whole Wh (rounded down at the register, so that differences
telescope), the time the device claims, and the bytes its signature is over. Decides
nothing about windows. Sources: OCMF 1.4.1; DSMR P1 5.0.2; the batch is Wattest's own.
Raises Malformed on anything ambiguous.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from consensus.encoding import Value, digest
from oracle.audit.document import nests_too_deep
from oracle.audit.values import Fields, Malformed, decoded
from oracle.model import Curve

RECORD_BYTES_MAX: Final = 1 << 20
FORMATS: Final = ("ocmf", "dsmr", "json", "batch")
_EXPONENT_OF_UNIT: Final = {"mWh": -3, "Wh": 0, "kWh": 3, "MWh": 6, "GWh": 9}
_NUMBER: Final = re.compile(r"(\d{1,30})(?:\.(\d{1,30}))?(?:[eE]([+-]?\d{1,2}))?")
_REGISTER_MAX_WH: Final = 10**15
_CLOCK_SET_FROM_S: Final = 978_307_200
"""2001-01-01: a clock that was never set counts from 1970 or 2000."""

_OCMF_TIME: Final = re.compile(
    r"((\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:,\d{1,9})?([+-])(\d\d):?(\d\d)) ([UISR])"
)
_OCMF_REGISTER: Final = re.compile(
    r"0?1-[0-9A-Za-z]{1,2}:(?:0?([12])|([BC])0)\.0?8\.(?:(?:e|00?)|0?([1-9]))(?:[*.](?:FF|255))?"
)
"""Electricity in (1, B0) and out (2, C0): totals and tariffs 1 to 9; a session's own counters are none."""
_OCMF_CURVES: Final = {
    "ECDSA-secp256r1-SHA256": Curve.SECP256R1,
    "ECDSA-secp256k1-SHA256": Curve.SECP256K1,
    "Ed25519": Curve.ED25519,
}
_DSMR_ENERGY: Final = re.compile(r"1-0:([12])\.8\.([0-4])\((\d{1,9}(?:\.\d{1,6})?)\*(k?Wh)\)")
_DSMR_TIME: Final = re.compile(r"0-0:1\.0\.0\((\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)([SW])\)")
CENTRAL_EUROPE_S: Final = 3600
"""Standard time of most P1 meters, seconds east of UTC; the letter S adds an hour."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Registers at one moment; None where the record has no such register.

    `time_s` is the device's own time, UTC, None if it has no usable clock. `sound` is
    false where the device itself casts doubt on the value or on its clock.
    """

    time_s: int | None
    import_wh: int | None
    export_wh: int | None
    sound: bool = True


@dataclass(frozen=True, slots=True)
class OcmfRecord:
    """`signature` over `payload`, as sent: DER for ECDSA. `curve` is None where Wattest knows none.

    `sample` is what was read at the record's last time: what it closes with.
    """

    payload: bytes
    curve: Curve | None
    signature: bytes
    sample: Sample


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What a gateway received from a meter, and when (`time_s`, the gateway's clock)."""

    usage_point: int
    time_s: int
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """A gateway's batch: `signature` is r||s on P-256 over `digest`."""

    gateway: int
    sequence: int
    items: tuple[BatchItem, ...]
    signature: bytes
    digest: bytes


def parse_ocmf(data: bytes) -> OcmfRecord:
    """Read `OCMF|payload|signature`. Raises Malformed."""
    head, _, rest = data.strip().partition(b"|")
    payload, bar, trailer = rest.rpartition(b"|")
    if head != b"OCMF" or not bar:
        raise Malformed("not OCMF|payload|signature")
    content, signed = _json_object(payload), _json_object(trailer)
    readings = content.get("RD")
    if not isinstance(readings, list) or not readings or not all(isinstance(one, dict) for one in readings):
        raise Malformed("no list of readings RD")
    return OcmfRecord(
        payload,
        _OCMF_CURVES.get(str(signed.get("SA", "ECDSA-secp256r1-SHA256"))),
        _signature_bytes(signed),
        _ocmf_closing(readings),
    )


def parse_dsmr(data: bytes, standard_offset_s: int = CENTRAL_EUROPE_S) -> Sample:
    """Read one P1 telegram; its CRC is checked where it has one. Raises Malformed."""
    if not data.isascii():
        raise Malformed("a telegram is ASCII")
    text = data.decode("ascii")
    start, end = text.find("/"), text.rfind("!")
    if start < 0 or end < start:
        raise Malformed("no telegram between / and !")
    crc = text[end + 1 :].strip()
    if crc and crc.upper() != f"{_crc16(data[start : end + 1]):04X}":
        raise Malformed("the telegram's CRC is wrong")
    lines = [line.strip() for line in text[start:end].splitlines()]
    registers: dict[tuple[str, int], int] = {}
    for direction, tariff, number, unit in _groups(_DSMR_ENERGY, lines):
        if (direction, int(tariff)) in registers:
            raise Malformed("a register stands twice in the telegram")
        registers[direction, int(tariff)] = _floor_wh(number, unit)
    times = _groups(_DSMR_TIME, lines)
    if len(times) > 1:
        raise Malformed("two times in the telegram")
    time_s = _dsmr_time(times[0], standard_offset_s) if times else None
    return Sample(time_s, _total(registers, "1"), _total(registers, "2"))


def parse_batch(data: bytes) -> Batch:
    """Read a gateway batch. Raises Malformed."""
    fields = Fields(decoded(data, RECORD_BYTES_MAX))
    if fields.text("topic") != "wattest-batch":
        raise Malformed("not a gateway batch")
    gateway, sequence = fields.uint("gateway"), fields.uint("sequence")
    items, signature = fields.list("items"), fields.buff("signature", 64)
    fields.end()
    signed: dict[str, Value] = {
        "topic": "wattest-batch",
        "gateway": gateway,
        "sequence": sequence,
        "items": items,
    }
    return Batch(gateway, sequence, tuple(map(_batch_item, items)), signature, digest(signed))


def parse_register(data: bytes) -> tuple[int, int]:
    """(import, export) in Wh from a batch item of format `register`. Raises Malformed."""
    fields = Fields(decoded(data))
    registers = fields.uint("import-register"), fields.uint("export-register")
    fields.end()
    return registers


def raw_signature(der: bytes) -> bytes | None:
    """r||s (64 bytes) out of an ECDSA signature in DER; None if it is none of a 256-bit curve."""
    integers: list[bytes] = []
    if len(der) < 8 or der[0] != 0x30 or der[1] != len(der) - 2 or der[1] > 127:
        return None
    at = 2
    while at + 2 <= len(der):
        size = der[at + 1]
        integer = der[at + 2 : at + 2 + size]
        if der[at] != 0x02 or not 0 < size == len(integer) or integer[0] & 0x80:
            return None
        integers.append(integer)
        at += 2 + size
    numbers = [int.from_bytes(integer, "big") for integer in integers]
    if at != len(der) or len(numbers) != 2 or any(number >> 256 for number in numbers):
        return None
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def _batch_item(value: Any) -> BatchItem:
    fields = Fields(value)
    item = BatchItem(
        fields.uint("usage-point"), fields.uint("time-s"), fields.text("format"), fields.buff("data", None)
    )
    fields.end()
    return item


def _ocmf_closing(readings: Iterable[dict[str, Any]]) -> Sample:
    """What was read at the last time of all; what a reading omits is as in the one before."""
    fields: dict[str, Any] = {}
    moment, status = "", ""
    registers: dict[tuple[str, int], int] = {}
    time_s: int | None = None
    sound = True
    for reading in readings:
        fields |= reading
        match = _OCMF_TIME.fullmatch(str(fields.get("TM", "")))
        if match is None:
            raise Malformed("not an OCMF time")
        # R is relative to the absolute time before it, and worth as much as that.
        status = match[11] if match[11] != "R" else status
        if match[1] != moment:
            moment, registers, sound = match[1], {}, True
        register = _OCMF_REGISTER.fullmatch(str(fields.get("RI", "")))
        if register is None:
            continue  # a duration, a session's counter: not what a leaf holds
        direction = register[1] or {"B": "1", "C": "2"}[register[2]]
        registers[direction, int(register[3] or 0)] = _floor_wh(fields.get("RV"), str(fields.get("RU", "")))
        errors = str(fields.get("EF", ""))
        believed = status in ("I", "S") and "t" not in errors
        time_s = _usable(_ocmf_time_s(match)) if believed else None
        sound = sound and fields.get("ST") == "G" and status != "I" and "E" not in errors
    if not registers:
        raise Malformed("no energy register at the record's last time")
    return Sample(time_s, _total(registers, "1"), _total(registers, "2"), sound)


def _ocmf_time_s(match: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[1:7])
    offset_s = (int(match[9]) * 3600 + int(match[10]) * 60) * (1 if match[8] == "+" else -1)
    return _utc_s(year, month, day, hour, minute, second) - offset_s


def _dsmr_time(parts: tuple[str, ...], standard_offset_s: int) -> int | None:
    """UTC seconds; None where the stamp is no time, as unset clocks send it."""
    year, month, day, hour, minute, second = (int(part) for part in parts[:6])
    try:
        wall_s = _utc_s((1900 if year >= 70 else 2000) + year, month, day, hour, minute, second)
    except Malformed:
        return None
    return _usable(wall_s - standard_offset_s - (3600 if parts[6] == "S" else 0))


def _usable(time_s: int) -> int | None:
    return time_s if time_s >= _CLOCK_SET_FROM_S else None


def _utc_s(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Seconds since 1970 of a Gregorian date; years begin in March while counting days."""
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise Malformed("not a time of day")
    shifted = year - (month <= 2)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    days = shifted * 365 + shifted // 4 - shifted // 100 + shifted // 400 + day_of_year - 719468
    return days * 86400 + hour * 3600 + minute * 60 + second


def _floor_wh(number: object, unit: str) -> int:
    """Whole Wh of decimal text, rounded down, without a float on the way."""
    match = _NUMBER.fullmatch(number.strip(" ")) if isinstance(number, str) and number.isascii() else None
    if match is None or unit not in _EXPONENT_OF_UNIT:
        raise Malformed("a register value is no number of energy")
    whole, fraction, power = match.groups(default="")
    shift = int(power or 0) - len(fraction) + _EXPONENT_OF_UNIT[unit]
    digits, scale = int(whole + fraction), pow(10, abs(shift))
    value: int = digits * scale if shift >= 0 else digits // scale
    if value > _REGISTER_MAX_WH:
        raise Malformed("a register value beyond any meter")
    return value


def _total(registers: Mapping[tuple[str, int], int], direction: str) -> int | None:
    """Tariff 0 is the total where it was read; else the sum of the tariffs."""
    if (direction, 0) in registers:
        return registers[direction, 0]
    parts = [value for (way, _), value in registers.items() if way == direction]
    return sum(parts) if parts else None


def _groups(pattern: re.Pattern[str], lines: Iterable[str]) -> list[tuple[str, ...]]:
    return [match.groups() for match in map(pattern.fullmatch, lines) if match]


def _crc16(data: bytes) -> int:
    """CRC-16/ARC (polynomial 0xA001 reflected), as P1 writes it after the `!`."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _signature_bytes(signed: Mapping[str, Any]) -> bytes:
    text = signed.get("SD")
    if not isinstance(text, str):
        raise Malformed("no signature SD")
    try:
        if signed.get("SE", "hex") == "base64":
            return base64.b64decode(text, validate=True)
        return binascii.unhexlify(text)
    except ValueError as cause:
        raise Malformed("the signature is neither hex nor base64") from cause


def _json_object(data: bytes) -> dict[str, Any]:
    if nests_too_deep(data):
        raise Malformed("JSON nested too deeply")
    try:
        content = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_float=str,  # numbers stay the text that was signed
            parse_int=str,
            parse_constant=_refuse,
        )
    except ValueError as cause:
        raise Malformed("not JSON") from cause
    if not isinstance(content, dict):
        raise Malformed("not a JSON object")
    return content


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise Malformed("a key stands twice in a JSON object")
    return content


def _refuse(constant: str) -> None:
    raise Malformed(f"{constant} is no JSON")
