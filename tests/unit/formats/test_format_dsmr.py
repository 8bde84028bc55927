"""DSMR P1: checksums, clocks, identities and registers of telegrams."""

import csv
from typing import Any

import pytest

from consensus.model import Rejected
from oracle.feeds.formats import Parsed, RecordReason, parse
from oracle.feeds.formats.batch import Item
from oracle.feeds.formats.dsmr import crc16
from oracle.feeds.signatures import confirm
from oracle.feeds.virtual_meter import VirtualGateway
from oracle.model import Assurance, Curve, DeviceKind, Quality, Reading, Record, UsagePoint
from tests.unit.formats.scene import FIXTURES, GATEWAY, METER, NOW_S, Scene, device, entry, key, reverse

FOLDER = FIXTURES / "dsmr"
V5 = (FOLDER / "good" / "telegram_v5.txt").read_bytes()
V3 = (FOLDER / "bad" / "clock-unset--telegram_v3.txt").read_bytes()
SERIAL = "K8EG004046395507"
V5_TIME_S = 1_483_381_202  # 2017-01-02T19:20:02+01:00


def telegram(body: str) -> bytes:
    raw = f"/ISk5\\2MT382-1000\r\n\r\n{body}!".encode()
    return raw + b"%04X\r\n" % crc16(raw)


def scene(**fields: Any) -> Scene:
    known: dict[str, Any] = {"timezone": "Europe/Amsterdam", **fields}
    return Scene().add(device(serial=SERIAL), entry("dsmr", serial=SERIAL, **known))


def only(data: bytes, world: Scene, *, stamp_s: int | None = None) -> Reading | Rejected:
    record = Record("dsmr", METER, data)
    if stamp_s is not None:
        gateway = VirtualGateway(GATEWAY, key(1))
        world.add(
            device(GATEWAY, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=gateway.public_key)
        )
        record = gateway.batch(sequence=5, items=(Item(UsagePoint(METER), stamp_s, "dsmr", data),))
    parsed = parse(record, world.context())
    result = confirm(parsed) if isinstance(parsed, Parsed) else parsed
    return result.readings[0] if isinstance(result, Parsed) else result


def test_checksums_agree_with_the_published_ones() -> None:
    samples = {path.name.split("--")[-1]: path for path in FOLDER.glob("*/*telegram_*.txt")}
    with (FOLDER / "INDEX.csv").open() as index:
        rows = list(csv.DictReader(index))
    assert {row["file"] for row in rows} == set(samples)
    for row in rows:
        data = samples[row["file"]].read_bytes()
        assert f"{crc16(data[: data.rindex(b'!') + 1]):04X}" == row["crc_calculated"]
        assert len(data) == int(row["bytes"])


@pytest.mark.parametrize("place", range(0, len(V5) - 7, 13))
@pytest.mark.parametrize("bit", [0, 3])
def test_one_flipped_bit_is_never_a_reading(place: int, bit: int) -> None:
    flipped = bytearray(V5)
    flipped[place] ^= 1 << bit
    assert isinstance(only(bytes(flipped), scene()), Rejected)


def test_summer_and_winter_letter_tell_the_doubled_hour_apart() -> None:
    body = "1-3:0.2.8(50)\r\n0-0:1.0.0(251026023000{})\r\n0-0:96.1.1(4B384547303034303436333935353037)\r\n"
    body += "1-0:1.8.0(000001.000*kWh)\r\n"
    times = [only(telegram(body.format(letter)), scene()) for letter in "SW"]
    assert [time.time_s for time in times if isinstance(time, Reading)] == [1_761_438_600, 1_761_442_200]


def test_zone_of_the_roster_is_the_zone_of_the_letter() -> None:
    reading = only(V5, scene(timezone="Europe/Helsinki"))
    assert isinstance(reading, Reading)
    assert reading.time_s == V5_TIME_S - 3600


def test_telegram_without_time_needs_a_gateway() -> None:
    reading = only(V3, scene(), stamp_s=NOW_S)
    assert isinstance(reading, Reading)
    assert (reading.time_s, reading.quality) == (NOW_S, Quality.QUESTIONABLE)
    assert reading.assurance is Assurance.GATEWAY_SIGNED
    assert (reading.import_register_wh, reading.export_register_wh) == (24_691_356, 24_691_356)


@pytest.mark.parametrize("drift_s", [-180, 0, 180])
def test_telegram_on_time_keeps_its_own(drift_s: int) -> None:
    reading = only(V5, scene(), stamp_s=V5_TIME_S + drift_s)
    assert isinstance(reading, Reading)
    assert (reading.time_s, reading.quality) == (V5_TIME_S, Quality.RAW)


@pytest.mark.parametrize("drift_s", [-181, 181, 10**8])
def test_replayed_telegram_stands_at_its_gateways_time(drift_s: int) -> None:
    reading = only(V5, scene(), stamp_s=V5_TIME_S + drift_s)
    assert isinstance(reading, Reading)
    assert (reading.time_s, reading.quality) == (V5_TIME_S + drift_s, Quality.QUESTIONABLE)


def test_direction_of_the_roster_turns_the_registers() -> None:
    reading = only(V5, scene(direction=reverse()))
    assert isinstance(reading, Reading)
    assert (reading.import_register_wh, reading.export_register_wh) == (2_444, 6_825)


def test_total_register_outranks_tariffs() -> None:
    body = "0-0:96.1.1(4B384547303034303436333935353037)\r\n"
    body += "1-0:1.8.0(00009.000*kWh)\r\n1-0:1.8.1(00001.000*kWh)\r\n"
    reading = only(telegram(body), scene(), stamp_s=NOW_S)
    assert isinstance(reading, Reading)
    assert (reading.import_register_wh, reading.export_register_wh) == (9_000, None)
    assert reading.register_digits_max_wh == 10**8


def test_telegram_of_a_meter_with_a_key_is_refused() -> None:
    world = scene()
    public_key = VirtualGateway(1, key(5)).public_key
    world.add(device(serial=SERIAL, curve=Curve.SECP256R1, public_key=public_key))
    result = only(V5, world)
    assert isinstance(result, Rejected)
    assert result.reason is RecordReason.SIGNATURE_MISSING


def test_roster_that_contradicts_the_registry_is_refused() -> None:
    world = scene().add(device(serial="another"))
    result = only(V5, world)
    assert isinstance(result, Rejected)
    assert result.reason is RecordReason.METER_IDENTITY
