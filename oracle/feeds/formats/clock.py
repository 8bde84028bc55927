"""Device time to UTC seconds, from rules in this file alone.

Decides what a local time means and refuses one that means two things or none. The
system's time zone files are not used: two nodes with different editions of them
would place one record in two windows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from oracle.feeds.formats.reasons import RecordReason, Refusal

HOUR_S: Final = 3600
DAY_S: Final = 86_400
EARLIEST_S: Final = 978_307_200
"""2001-01-01: device clocks start at 1970 or 2000 when nobody has set them."""

LATEST_S: Final = 4_102_444_800
"""2100-01-01: later times come from noise, and must not reach a column of 64 bits."""

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:[.,][0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Zone:
    """Standard time in seconds east of UTC, and whose summer time rule holds ("", "EU" or "US")."""

    standard_s: int
    rule: str = ""


_EU: Final = {
    -1: ("Atlantic/Azores",),
    0: ("Europe/Dublin", "Europe/Lisbon", "Europe/London"),
    1: (
        *("Europe/Amsterdam", "Europe/Belgrade", "Europe/Berlin", "Europe/Bratislava", "Europe/Brussels"),
        *("Europe/Budapest", "Europe/Copenhagen", "Europe/Ljubljana", "Europe/Luxembourg", "Europe/Madrid"),
        *("Europe/Malta", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome", "Europe/Stockholm"),
        *("Europe/Vienna", "Europe/Warsaw", "Europe/Zagreb", "Europe/Zurich"),
    ),
    2: (
        *("Europe/Athens", "Europe/Bucharest", "Europe/Helsinki", "Europe/Riga", "Europe/Sofia"),
        *("Europe/Tallinn", "Europe/Vilnius"),
    ),
}
_US: Final = {
    -5: ("America/New_York", "America/Toronto"),
    -6: ("America/Chicago",),
    -7: ("America/Denver",),
    -8: ("America/Los_Angeles", "America/Vancouver"),
}
ZONES: Final = {
    "UTC": Zone(0),
    **{name: Zone(hours * HOUR_S, "EU") for hours, names in _EU.items() for name in names},
    **{name: Zone(hours * HOUR_S, "US") for hours, names in _US.items() for name in names},
}


@lru_cache(maxsize=256)
def zone_named(name: str) -> Zone | None:
    """A zone of ZONES, or a fixed offset such as "+05:30"; None for any other name."""
    offset_s = _offset_s(name)
    return ZONES.get(name) if offset_s is None else Zone(offset_s)


def civil_s(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int | None:
    """Seconds since 1970 of a wall clock's reading; None if no clock shows it."""
    if hour > 23 or minute > 59 or second > 59:
        return None
    try:
        ordinal = date(year, month, day).toordinal()
    except ValueError:
        return None
    return (ordinal - _EPOCH_ORDINAL) * DAY_S + hour * HOUR_S + minute * 60 + second


def iso_s(text: str, timezone: str) -> int:
    """UTC seconds of an ISO 8601 time; `timezone` applies where it has no offset of its own."""
    match = _ISO.fullmatch(text)
    wall_s = civil_s(*(int(part) for part in match.groups()[:6])) if match else None
    if match is None or wall_s is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "not a time")
    suffix = match[7]
    if suffix is None:
        return local_s(wall_s, zone_named(timezone) if timezone else None)
    offset_s = 0 if suffix == "Z" else _offset_s(suffix)
    if offset_s is None:
        raise Refusal(RecordReason.BAD_SYNTAX, "not an offset from UTC")
    return wall_s - offset_s


def local_s(wall_s: int, zone: Zone | None) -> int:
    """UTC seconds of a wall clock in a zone; refused where the hour is doubled or skipped."""
    if zone is None:
        raise Refusal(RecordReason.CLOCK_AMBIGUOUS, "no time zone")
    standard_s, summer_s = wall_s - zone.standard_s, wall_s - zone.standard_s - HOUR_S
    is_standard, is_summer = not _in_summer(standard_s, zone), _in_summer(summer_s, zone)
    if is_standard == is_summer:
        raise Refusal(RecordReason.CLOCK_AMBIGUOUS, "the clocks change in that hour")
    return standard_s if is_standard else summer_s


def usable(time_s: int) -> int | None:
    """The time, or None if the clock has evidently never been set."""
    return time_s if time_s >= EARLIEST_S else None


def _in_summer(time_s: int, zone: Zone) -> bool:
    if not zone.rule:
        return False
    start_s, end_s = _summer(_year_of(time_s), zone)
    return start_s <= time_s < end_s


def _year_of(time_s: int) -> int:
    days = time_s // DAY_S + _EPOCH_ORDINAL
    return date.fromordinal(min(max(days, 1), date.max.toordinal())).year


@lru_cache(maxsize=1024)
def _summer(year: int, zone: Zone) -> tuple[int, int]:
    """When summer time begins and ends, UTC seconds.

    EU (directive 2000/84/EC): last Sundays of March and October, 01:00 UTC. US (Energy
    Policy Act of 2005): second Sunday of March and first of November, 02:00 local.
    """
    if zone.rule == "EU":
        return _sunday_s(year, 3, 25) + HOUR_S, _sunday_s(year, 10, 25) + HOUR_S
    change_s = 2 * HOUR_S - zone.standard_s
    return _sunday_s(year, 3, 8) + change_s, _sunday_s(year, 11, 1) + change_s - HOUR_S


def _sunday_s(year: int, month: int, from_day: int) -> int:
    """Midnight UTC of the first Sunday from that day of the month."""
    ordinal = date(year, month, from_day).toordinal()
    return (ordinal + -ordinal % 7 - _EPOCH_ORDINAL) * DAY_S


def _offset_s(text: str) -> int | None:
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    seconds = int(match[2]) * HOUR_S + int(match[3]) * 60
    return -seconds if match[1] == "-" else seconds
