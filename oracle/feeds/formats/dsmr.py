"""DSMR P1 telegrams: versions 2.2 to 5, Fluvius (BE), Smarty and Sagemcom (LU, EE).

Decides the meter's registers, time and identity from one telegram. A telegram is
unsigned: its checksum finds damage, not lies. Nothing is known of gas, power or
voltage.

From version 4 on a telegram has a time stamp and ends with a CRC; only a telegram
with neither time stamp nor version line may come without one. The time stamp's
letter tells summer (S) from winter (W), so no hour is doubled. The serial number is
the equipment id, read as text where its hexadecimal digits spell printable ASCII,
else as sent; a telegram without one is known by its first line.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Final

from oracle.feeds.formats import clock
from oracle.feeds.formats.context import (
    Carrier,
    Context,
    Parsed,
    RosterEntry,
    entry_of,
    identify,
    meter_of,
    oriented,
    place,
)
from oracle.feeds.formats.quantity import whole_wh
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.model import Assurance, Quality, Reading, UsagePoint

NAME: Final = "dsmr"
BYTES_MAX: Final = 8192
LINES_MAX: Final = 256

_OBJECT = re.compile(r"([0-9]{1,3}-[0-9]{1,3}:[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})\((.*)\)")
_END = re.compile(rb"!([0-9A-Fa-f]{4})?(?:\r?\n)?")
_REGISTER = re.compile(r"([0-9]{1,12})(?:\.[0-9]{1,6})?\*(k?Wh)")
_STAMP = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([SW])")
_CENTURY_SPLIT: Final = 70
"""Two-digit years from 70 on are 19xx: a clock nobody has set."""

_TIME: Final = "0-0:1.0.0"
_VERSIONS: Final = ("1-3:0.2.8", "0-0:96.1.4")
_IDENTITIES: Final = ("0-0:96.1.1", "0-0:96.1.0", "0-0:42.0.0")
_IMPORT: Final = ("1-0:1.8.0", ("1-0:1.8.1", "1-0:1.8.2", "1-0:1.8.3", "1-0:1.8.4"))
_EXPORT: Final = ("1-0:2.8.0", ("1-0:2.8.1", "1-0:2.8.2", "1-0:2.8.3", "1-0:2.8.4"))
_WANTED: Final = frozenset(
    (_TIME, *_VERSIONS, *_IDENTITIES, _IMPORT[0], *_IMPORT[1], _EXPORT[0], *_EXPORT[1])
)


def parse(data: bytes, carrier: Carrier, context: Context) -> Parsed:
    """One reading of one meter: witnessed if it came bare, else signed by its gateway."""
    header, objects, crc = _telegram(data)
    _check_crc(data, crc, objects)
    meter = meter_of(carrier, NAME, context, signed=False)
    entry = entry_of(meter, context)
    identify(_serial(header, objects), entry)
    imported, exported = _register(objects, _IMPORT), _register(objects, _EXPORT)
    import_wh, export_wh = oriented(imported and imported[0], exported and exported[0], entry)
    time_s, stamped = place(_time_s(objects.get(_TIME), entry), carrier, context, signed=False)
    reading = Reading(
        usage_point=UsagePoint(carrier.device),
        time_s=time_s,
        import_register_wh=import_wh,
        export_register_wh=export_wh,
        sequence=carrier.sequence,
        quality=Quality.QUESTIONABLE if stamped else Quality.RAW,
        assurance=Assurance.WITNESSED if carrier.gateway is None else Assurance.GATEWAY_SIGNED,
        record=carrier.record,
        register_digits_max_wh=_rollover_wh(imported, exported),
    )
    return Parsed((reading,))


def crc16(data: bytes) -> int:
    """CRC-16/ARC (reflected polynomial 0xA001, initially 0), from '/' up to and with '!'."""
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def _telegram(data: bytes) -> tuple[str, Mapping[str, str], bytes | None]:
    """The first line, the wanted objects' contents, and the CRC if there is one."""
    end = data.rfind(b"!")
    closing = _END.fullmatch(data, end) if end > 0 else None
    if not data.startswith(b"/") or closing is None or not data.isascii():
        raise Refusal(RecordReason.BAD_SYNTAX, "no telegram")
    lines = data[1:end].decode("ascii").split("\n", LINES_MAX)
    if len(lines) > LINES_MAX:
        raise Refusal(RecordReason.TOO_MANY_ITEMS)
    objects: dict[str, str] = {}
    for line in lines[1:]:
        match = _OBJECT.fullmatch(line.removesuffix("\r"))
        if match is None or match[1] not in _WANTED:
            continue
        if match[1] in objects:
            raise Refusal(RecordReason.DUPLICATE_KEY, match[1])
        objects[match[1]] = match[2]
    return lines[0].removesuffix("\r"), objects, closing[1]


def _check_crc(data: bytes, crc: bytes | None, objects: Mapping[str, str]) -> None:
    if crc is None:
        if _TIME in objects or any(version in objects for version in _VERSIONS):
            raise Refusal(RecordReason.CRC_MISSING)
        return
    if crc16(data[: data.rindex(b"!") + 1]) != int(crc, 16):
        raise Refusal(RecordReason.WRONG_CRC)


def _serial(header: str, objects: Mapping[str, str]) -> str:
    sent = next((objects[code] for code in _IDENTITIES if objects.get(code)), "")
    if not sent:
        return header
    try:
        text = binascii.unhexlify(sent).decode("ascii")
    except ValueError:
        return sent
    return text if text.isprintable() else sent


def _time_s(stamp: str | None, entry: RosterEntry) -> int | None:
    """UTC seconds; None where there is no time stamp or it is no time (all 2s and 5s: unset)."""
    if stamp is None:
        return None
    match = _STAMP.fullmatch(stamp)
    if match is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "time stamp")
    zone = clock.zone_named(entry.timezone)
    if zone is None:
        raise Refusal(RecordReason.CLOCK_AMBIGUOUS, "no time zone in the roster")
    year, *rest = (int(part) for part in match.groups()[:6])
    wall_s = clock.civil_s(year + (1900 if year >= _CENTURY_SPLIT else 2000), *rest)
    if wall_s is None:
        return None
    summer_s = clock.HOUR_S if match[7] == "S" else 0
    return clock.usable(wall_s - zone.standard_s - summer_s)


def _register(objects: Mapping[str, str], codes: tuple[str, tuple[str, ...]]) -> tuple[int, int] | None:
    """(Wh, where it rolls over): the total if it is sent, else the tariffs' sum.

    When one tariff's register rolls over, the sum falls by that register's range: so
    the sum has the range of one.
    """
    total, tariffs = codes
    sent = (
        (objects[total],) if total in objects else tuple(objects[code] for code in tariffs if code in objects)
    )
    if not sent:
        return None
    values = [_register_wh(content) for content in sent]
    ranges = {range_wh for _, range_wh in values}
    return sum(value for value, _ in values), ranges.pop() if len(ranges) == 1 else 0


def _register_wh(content: str) -> tuple[int, int]:
    match = _REGISTER.fullmatch(content)
    if match is None:
        number, _, unit = content.partition("*")
        return whole_wh(number, unit), 0
    return whole_wh(content[: match.start(2) - 1], match[2]), 10 ** len(match[1]) * (
        1000 if match[2] == "kWh" else 1
    )


def _rollover_wh(*registers: tuple[int, int] | None) -> int:
    """The common range, or 0 where the two differ or it is unknown."""
    ranges = {register[1] for register in registers if register is not None}
    return ranges.pop() if len(ranges) == 1 else 0


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC_TABLE: Final = tuple(_crc_of_byte(byte) for byte in range(256))
