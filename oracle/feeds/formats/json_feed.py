"""JSON as smart home devices publish it: one table of where each kind keeps its registers.

Decides which fields of a payload are the energy registers and the time; the profile
is chosen per device in the roster, because payloads do not say what they are. To
support another device, add a row to PROFILES and a fixture.

A path is tried after the other, the first that is present counts; "{}" in a path is
the roster's channel. A list (a device with several channels) is summed, or the
roster's channel picks one. JSON carries no signature and no serial number: the topic
says whose it is, and the reading is witnessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from oracle.feeds.formats import clock
from oracle.feeds.formats.context import (
    Carrier,
    Context,
    Parsed,
    RosterEntry,
    entry_of,
    meter_of,
    oriented,
    place,
)
from oracle.feeds.formats.quantity import scaled, whole_wh
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.feeds.formats.strict_json import Json, Number, decoded, read
from oracle.model import Assurance, Quality, Reading, UsagePoint

NAME: Final = "json"
BYTES_MAX: Final = 16_384
CHANNELS_MAX: Final = 16

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Where a kind of device keeps what we need.

    `unit` is of both registers, unless a field (`units`) names it. A time is an ISO
    8601 string, or a number counted in seconds x 10^`epoch_exponent` since 1970.
    """

    imports: tuple[Path, ...]
    exports: tuple[Path, ...]
    times: tuple[Path, ...]
    unit: str = ""
    units: tuple[Path, ...] = ()
    epoch_exponent: int = 0


def _paths(*dotted: str) -> tuple[Path, ...]:
    return tuple(tuple(path.split(".")) for path in dotted)


PROFILES: Final[Mapping[str, Profile]] = {
    # tele/<topic>/SENSOR and the answer to Status 10. Local time unless SetOption52 is on.
    "tasmota": Profile(
        imports=_paths("ENERGY.Total", "StatusSNS.ENERGY.Total"),
        exports=_paths("ENERGY.ExportActive", "StatusSNS.ENERGY.ExportActive"),
        times=_paths("Time", "StatusSNS.Time"),
        unit="kWh",
    ),
    # <id>/events/rpc (NotifyStatus, NotifyFullStatus), Shelly.GetStatus, and <id>/status/switch:0.
    "shelly": Profile(
        imports=_paths(
            "params.em1data:{}.total_act_energy",
            "params.emdata:{}.total_act",
            "params.switch:{}.aenergy.total",
            "params.pm1:{}.aenergy.total",
            "em1data:{}.total_act_energy",
            "emdata:{}.total_act",
            "switch:{}.aenergy.total",
            "pm1:{}.aenergy.total",
            "total_act_energy",
            "total_act",
            "aenergy.total",
        ),
        exports=_paths(
            "params.em1data:{}.total_act_ret_energy",
            "params.emdata:{}.total_act_ret",
            "params.switch:{}.ret_aenergy.total",
            "params.pm1:{}.ret_aenergy.total",
            "em1data:{}.total_act_ret_energy",
            "emdata:{}.total_act_ret",
            "switch:{}.ret_aenergy.total",
            "pm1:{}.ret_aenergy.total",
            "total_act_ret_energy",
            "total_act_ret",
            "ret_aenergy.total",
        ),
        times=_paths("params.ts", "sys.unixtime", "aenergy.minute_ts", "ts"),
        unit="Wh",
    ),
    # zigbee2mqtt/<name>, with advanced.last_seen set to ISO_8601 or epoch.
    "zigbee2mqtt": Profile(
        imports=_paths("energy"),
        exports=_paths("produced_energy"),
        times=_paths("last_seen"),
        unit="kWh",
        epoch_exponent=3,
    ),
    # A state object (/api/states/<entity>, or the event stream). One register: the roster turns it.
    "homeassistant": Profile(
        imports=_paths("state", "event_data.new_state.state"),
        exports=(),
        times=_paths(
            "last_reported",
            "last_updated",
            "event_data.new_state.last_reported",
            "event_data.new_state.last_updated",
        ),
        units=_paths(
            "attributes.unit_of_measurement",
            "event_data.new_state.attributes.unit_of_measurement",
        ),
    ),
}
_NO_VALUE: Final = frozenset(("unavailable", "unknown", "none"))


def parse(data: bytes, carrier: Carrier, context: Context) -> Parsed:
    """One witnessed reading of one meter."""
    payload = read(decoded(data))
    meter = meter_of(carrier, NAME, context, signed=False)
    entry = entry_of(meter, context)
    profile = PROFILES.get(entry.profile)
    if profile is None:
        raise Refusal(RecordReason.WRONG_FORMAT, "no such profile")
    import_wh, export_wh = oriented(
        _register_wh(payload, profile.imports, profile, entry),
        _register_wh(payload, profile.exports, profile, entry),
        entry,
    )
    time_s, stamped = place(_time_s(payload, profile, entry), carrier, context, signed=False)
    reading = Reading(
        usage_point=UsagePoint(carrier.device),
        time_s=time_s,
        import_register_wh=import_wh,
        export_register_wh=export_wh,
        sequence=carrier.sequence,
        quality=Quality.QUESTIONABLE if stamped else Quality.RAW,
        assurance=Assurance.WITNESSED if carrier.gateway is None else Assurance.GATEWAY_SIGNED,
        record=carrier.record,
    )
    return Parsed((reading,))


def _register_wh(
    payload: Mapping[str, Json], paths: tuple[Path, ...], profile: Profile, entry: RosterEntry
) -> int | None:
    found, value = _first(payload, paths, entry)
    if not found:
        return None
    unit = entry.unit or _unit(payload, profile, entry)
    channels = value if isinstance(value, list) else [value]
    if len(channels) > CHANNELS_MAX:
        raise Refusal(RecordReason.TOO_MANY_ITEMS)
    if isinstance(value, list) and entry.channel is not None:
        channels = channels[entry.channel : entry.channel + 1]
    if not channels:
        raise Refusal(RecordReason.REGISTER_MISSING, "no such channel")
    return sum(whole_wh(_number(channel), unit) for channel in channels)


def _unit(payload: Mapping[str, Json], profile: Profile, entry: RosterEntry) -> str:
    if not profile.units:
        return profile.unit
    _, unit = _first(payload, profile.units, entry)
    return unit if isinstance(unit, str) else ""


def _number(value: Json) -> str:
    """A register's text; some firmware sends it as a string."""
    if value is None or (isinstance(value, str) and value.lower() in _NO_VALUE):
        raise Refusal(RecordReason.UNAVAILABLE)
    if not isinstance(value, str):
        raise Refusal(RecordReason.NOT_A_NUMBER)
    return value


def _time_s(payload: Mapping[str, Json], profile: Profile, entry: RosterEntry) -> int | None:
    found, value = _first(payload, profile.times, entry)
    if not found or value is None:
        return None
    if isinstance(value, Number):
        return clock.usable(scaled(value, -profile.epoch_exponent))
    if isinstance(value, str):
        return clock.usable(clock.iso_s(value, entry.timezone))
    raise Refusal(RecordReason.BAD_SYNTAX, "not a time")


def _first(payload: Mapping[str, Json], paths: tuple[Path, ...], entry: RosterEntry) -> tuple[bool, Json]:
    """Whether one of the paths is present, and its value (which may be null)."""
    for path in paths:
        value: Json = payload
        for step in path:
            key = step.format(entry.channel or 0) if "{}" in step else step
            if not isinstance(value, dict) or key not in value:
                break
            value = value[key]
        else:
            return True, value
    return False, None
