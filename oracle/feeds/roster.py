"""The roster: which meter is behind a topic, what it sends, and the serial number behind its hash.

Decides whether an operators' roster is sound, and says everything that is wrong with
it at once. Knows nothing of keys, zones or capacities: those are in the registry,
which the network agrees on. All operators of a network load the same roster (parsing
depends on it), and keep it to themselves: serial numbers and salts are private.

    {"devices": [{"device": 7, "format": "json", "profile": "tasmota",
                  "topic": "tele/roof/SENSOR", "timezone": "Europe/Berlin",
                  "serial": "A1B2", "salt": "00ff...", "direction": "reverse"}]}
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from oracle.feeds.formats import FORMATS, PROFILES, Direction, RosterEntry
from oracle.feeds.formats.batch import NAME as BATCH
from oracle.feeds.formats.batch import REGISTER
from oracle.feeds.formats.clock import zone_named
from oracle.feeds.formats.dsmr import NAME as DSMR
from oracle.feeds.formats.json_feed import CHANNELS_MAX
from oracle.feeds.formats.json_feed import NAME as JSON
from oracle.feeds.formats.ocmf import NAME as OCMF
from oracle.feeds.formats.quantity import WH_EXPONENT

FORMAT_NAMES: Final = (*FORMATS, REGISTER)
SALT_BYTES_MIN: Final = 16
"""Serial numbers can be guessed: a shorter salt would not hide one."""
SALT_BYTES_MAX: Final = 64
TEXT_MAX: Final = 128
TOPIC_BYTES_MAX: Final = 1024
FAULTS_MAX: Final = 100

_KEYS: Final = frozenset(RosterEntry.__dataclass_fields__)
_DIRECTIONS: Final = tuple(direction.value for direction in Direction)
_WITH_SERIAL: Final = (OCMF, DSMR, JSON)
_PRINTABLE: Final = frozenset(string.printable) - frozenset("\t\n\r\x0b\x0c")


class RosterError(ValueError):
    """The roster is not sound; `faults` says all of it, each with its place."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        shown = self.faults[:FAULTS_MAX]
        more = (f"and {len(self.faults) - len(shown)} more",) if len(shown) < len(self.faults) else ()
        super().__init__("; ".join((*shown, *more)))


@dataclass(frozen=True, slots=True)
class Roster:
    """Entries by device id, and device ids by MQTT topic."""

    entries: Mapping[int, RosterEntry]
    topics: Mapping[str, int]

    def entry(self, device: int) -> RosterEntry | None:
        """What is known of a device; fits `Context.roster`."""
        return self.entries.get(device)

    def device_at(self, topic: str) -> int | None:
        """Whose topic this is, by exact match."""
        return self.topics.get(topic)


def load(text: str) -> Roster:
    """Read a roster. Raises RosterError with every fault."""
    try:
        document = json.loads(text, object_pairs_hook=_once)
    except RosterError:
        raise
    except (ValueError, RecursionError) as cause:
        raise RosterError(["the roster is not JSON"]) from cause
    devices = document.get("devices") if isinstance(document, dict) else None
    if not isinstance(devices, list):
        raise RosterError(['the roster is not an object with a list "devices"'])
    faults: list[str] = []
    entries = [
        entry
        for place, fields in enumerate(devices)
        if (entry := _entry(fields, f"devices[{place}]", faults))
    ]
    faults += _repeated("device", (entry.device for entry in entries))
    faults += _repeated("topic", (entry.topic for entry in entries if entry.topic))
    if faults:
        raise RosterError(faults)
    return roster_of(entries)


def roster_of(entries: Iterable[RosterEntry]) -> Roster:
    """A roster of entries that are known to be sound."""
    by_device = {entry.device: entry for entry in entries}
    by_topic = {entry.topic: entry.device for entry in by_device.values() if entry.topic}
    return Roster(MappingProxyType(by_device), MappingProxyType(by_topic))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise RosterError([f"a field stands twice among {', '.join(sorted(fields))}"])
    return fields


def _entry(fields: object, place: str, faults: list[str]) -> RosterEntry | None:
    """The entry, or None after adding its faults."""
    if not isinstance(fields, dict):
        faults.append(f"{place} is not an object")
        return None
    found = [f"{place} has an unknown field {key!r}" for key in sorted(fields.keys() - _KEYS)]
    read = _Fields(fields, place, found)
    entry = RosterEntry(
        device=read.integer("device", low=1),
        format=read.choice("format", FORMAT_NAMES),
        serial=read.text("serial"),
        salt=read.salt(),
        profile=read.choice("profile", tuple(PROFILES)) if "profile" in fields else "",
        topic=read.topic(),
        timezone=read.timezone(),
        direction=Direction(read.choice("direction", _DIRECTIONS, Direction.FORWARD.value)),
        unit=read.choice("unit", tuple(WH_EXPONENT)) if "unit" in fields else "",
        channel=read.integer("channel", high=CHANNELS_MAX - 1) if "channel" in fields else None,
        gateway=read.integer("gateway", low=1) if "gateway" in fields else 0,
    )
    found += (f"{place} {fault}" for fault in _disagreements(entry))
    faults += found
    return None if found else entry


def _disagreements(entry: RosterEntry) -> Iterable[str]:
    """Faults of fields that do not go together."""
    if entry.format in _WITH_SERIAL and not (entry.serial and entry.salt):
        yield "needs a serial and a salt"
    if (entry.format == JSON) != bool(entry.profile):
        yield "needs a profile if its format is json, and only then"
    zone = zone_named(entry.timezone)
    if entry.format == DSMR and not (zone and zone.rule):
        yield "needs a time zone with summer time: P1 time stamps are local"
    if entry.format in {OCMF, REGISTER, BATCH} and entry.direction is Direction.REVERSE:
        yield "may not turn what a meter or gateway has signed"
    if entry.format != JSON and (entry.unit or entry.channel is not None):
        yield "has a unit or channel, which only json feeds leave open"
    if entry.format == BATCH and entry.gateway:
        yield "is a gateway and names another"


def _repeated(what: str, values: Iterable[int | str]) -> list[str]:
    return [f"{what} {value!r} stands {count} times" for value, count in Counter(values).items() if count > 1]


@dataclass(frozen=True, slots=True)
class _Fields:
    """Reads one entry's fields; adds to `faults` and goes on with something harmless."""

    fields: Mapping[str, object]
    place: str
    faults: list[str]

    def integer(self, key: str, *, low: int = 0, high: int = (1 << 63) - 1) -> int:
        value = self.fields.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self._add(key, f"is not an integer from {low}")
        return low

    def text(self, key: str) -> str:
        value = self.fields.get(key, "")
        if isinstance(value, str) and len(value) <= TEXT_MAX and _PRINTABLE.issuperset(value):
            return value
        self._add(key, f"is not printable ASCII of at most {TEXT_MAX} characters")
        return ""

    def choice(self, key: str, choices: tuple[str, ...], default: str = "") -> str:
        value = self.fields.get(key, default)
        if isinstance(value, str) and value in choices:
            return value
        self._add(key, f"is none of {', '.join(choices)}")
        return default or choices[0]

    def salt(self) -> bytes:
        value = self.fields.get("salt", "")
        if value == "":
            return b""
        try:
            salt = bytes.fromhex(value) if isinstance(value, str) else b""
        except ValueError:
            salt = b""
        if not SALT_BYTES_MIN <= len(salt) <= SALT_BYTES_MAX:
            self._add("salt", f"is not {SALT_BYTES_MIN} to {SALT_BYTES_MAX} bytes in hex")
        return salt

    def topic(self) -> str:
        value = self.fields.get("topic", "")
        if not isinstance(value, str) or len(value) > TOPIC_BYTES_MAX or set("+#\0") & set(value):
            self._add("topic", "is not an MQTT topic without wildcards")
            return ""
        return value

    def timezone(self) -> str:
        value = self.text("timezone")
        if value and zone_named(value) is None:
            self._add("timezone", 'is neither "+hh:mm" nor a zone this software has rules for')
        return value

    def _add(self, key: str, fault: str) -> None:
        self.faults.append(f"{self.place}.{key} {fault}")
