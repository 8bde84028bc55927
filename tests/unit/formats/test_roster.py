"""The roster: all faults at once, topics by exact match, nothing private printed."""

import json

import pytest

from oracle.feeds.roster import RosterError, load
from tests.unit.formats.scene import SALT


def sheet(**fields: object) -> dict[str, object]:
    sound: dict[str, object] = {
        "device": 7,
        "format": "json",
        "profile": "tasmota",
        "topic": "tele/roof/SENSOR",
        "timezone": "Europe/Berlin",
        "serial": "A1B2",
        "salt": SALT.hex(),
    }
    return {name: value for name, value in (sound | fields).items() if value is not None}


def text(*devices: object) -> str:
    return json.dumps({"devices": devices})


def faults_of(roster: str) -> tuple[str, ...]:
    with pytest.raises(RosterError) as caught:
        load(roster)
    return caught.value.faults


def test_sound_roster_is_found_by_device_and_topic() -> None:
    roster = load(text(sheet(), sheet(device=8, topic="tele/shed/SENSOR")))
    entry = roster.entry(7)
    assert entry is not None
    assert (entry.salt, entry.serial, entry.profile) == (SALT, "A1B2", "tasmota")
    assert roster.device_at("tele/shed/SENSOR") == 8
    assert roster.device_at("tele/shed/sensor") is None
    assert roster.entry(9) is None


def test_all_faults_are_reported_at_once() -> None:
    faults = faults_of(
        text(
            sheet(salt="00", timezone="Mars/Olympus", topic="tele/+/SENSOR"), sheet(device=0, colour="red"), 5
        )
    )
    assert [fault.split(" ")[0] for fault in faults] == [
        "devices[0].salt",
        "devices[0].topic",
        "devices[0].timezone",
        "devices[1]",
        "devices[1].device",
        "devices[2]",
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "sml"},
        {"profile": "toaster"},
        {"profile": None},
        {"serial": None},
        {"salt": None},
        {"salt": "zz" * 16},
        {"serial": "Zähler"},
        {"serial": 5},
        {"direction": "sideways"},
        {"unit": "W"},
        {"channel": 16},
        {"channel": True},
        {"gateway": 0},
        {"device": "7"},
        {"topic": "a/#"},
        {"format": "dsmr", "profile": None, "timezone": None},
        {"format": "dsmr", "profile": None, "timezone": "+01:00"},
        {"format": "ocmf", "profile": None, "direction": "reverse"},
        {"format": "ocmf", "profile": None, "channel": 1},
        {"format": "ocmf"},
        {"format": "batch", "profile": None, "gateway": 3},
    ],
    ids=str,
)
def test_unsound_entry_is_refused(fields: dict[str, object]) -> None:
    assert faults_of(text(sheet(**fields)))


@pytest.mark.parametrize("repeated", [{"device": 8}, {"topic": "tele/other"}])
def test_device_and_topic_stand_once(repeated: dict[str, object]) -> None:
    assert len(faults_of(text(sheet(), sheet(**repeated)))) == 1


@pytest.mark.parametrize(
    "broken", ["", "[]", "{}", '{"devices":{}}', "[" * 100_000, '{"devices":[],"devices":[]}']
)
def test_what_is_no_roster_is_refused(broken: str) -> None:
    assert faults_of(broken)


def test_serial_and_salt_are_not_printed() -> None:
    roster = load(text(sheet()))
    assert "A1B2" not in repr(roster)
    assert SALT.hex() not in repr(roster)
    assert repr(SALT) not in repr(roster)
