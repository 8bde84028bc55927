"""OCMF: the verdict on all real records, the KEBA chain, and what a signature vouches for."""

import base64
import json
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from consensus.model import Rejected
from oracle.feeds.formats import Context, Parsed, RecordReason, parse
from oracle.feeds.formats.batch import Item
from oracle.feeds.signatures import confirm, verify
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter, signed_ocmf
from oracle.model import Assurance, Curve, DeviceKind, Quality, Reading, Record, UsagePoint
from tests.unit.formats.scene import (
    FIXTURES,
    GATEWAY,
    METER,
    NOW_S,
    Scene,
    compressed_der,
    device,
    entry,
    key,
)

RECORDS = [json.loads(line) for line in (FIXTURES / "ocmf" / "records.jsonl").read_text().splitlines()]
CHAIN = range(9, 29)
REGISTRABLE = {"secp256r1": Curve.SECP256R1, "secp256k1": Curve.SECP256K1}

# What is refused, and why; the data file's verdict and key decide about all others.
REFUSED = {
    1: RecordReason.KEY_MISSING,  # its published key is no key
    2: RecordReason.SIGNATURE_MALFORMED,
    3: RecordReason.CURVE_UNSUPPORTED_SECP192R1,
    4: RecordReason.CURVE_UNSUPPORTED_SECP192R1,
    7: RecordReason.CURVE_UNSUPPORTED_BRAINPOOL256,
    8: RecordReason.CURVE_UNSUPPORTED_BRAINPOOL256,
    29: RecordReason.CURVE_UNSUPPORTED_SECP384R1,
    30: RecordReason.CURVE_UNSUPPORTED_SECP384R1,
    31: RecordReason.CURVE_MISMATCH,
    33: RecordReason.BAD_SIGNATURE,
}


def serial_of(record: str) -> str:
    payload = json.loads(record.split("|")[1])
    return str(payload.get("MS") or payload["GS"])


def registered(sample: dict[str, str]) -> tuple[Curve, bytes]:
    curve = REGISTRABLE.get(sample["key_curve"] or "", Curve.NONE)
    if curve is Curve.NONE:
        return curve, b""
    text = sample["public_key"]
    der = base64.b64decode(text) if text.startswith("MF") else bytes.fromhex(text)
    return curve, compressed_der(der)


def scene_of(sample: dict[str, str]) -> Scene:
    curve, public_key = registered(sample)
    serial = serial_of(sample["record"])
    return Scene().add(
        device(serial=serial, curve=curve, public_key=public_key), entry("ocmf", serial=serial)
    )


def in_batch(scene: Scene, number: int, time_s: int) -> tuple[Record, Scene]:
    gateway = VirtualGateway(GATEWAY, key(1))
    scene.add(device(GATEWAY, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=gateway.public_key))
    item = Item(UsagePoint(METER), time_s, "ocmf", RECORDS[number]["record"].encode())
    return gateway.batch(sequence=number, items=(item,)), scene


def confirmed(record: Record, scene: Scene, received_s: int | None = None) -> Parsed | Rejected:
    parsed = parse(record, scene.context(received_s))
    return confirm(parsed) if isinstance(parsed, Parsed) else parsed


def test_there_are_34_real_records() -> None:
    assert len(RECORDS) == 34


@pytest.mark.parametrize("number", range(34))
def test_real_record_gets_its_verdict(number: int) -> None:
    sample = RECORDS[number]
    record, scene = in_batch(scene_of(sample), number, NOW_S)
    result = confirmed(record, scene)
    if number in REFUSED:
        assert isinstance(result, Rejected), result
        assert result.reason is REFUSED[number]
        return
    assert sample["verdict"] == "valid"
    assert isinstance(result, Parsed)
    assert result.readings[0].assurance is Assurance.METER_SIGNED


def test_what_is_refused_is_invalid_or_on_a_curve_the_registry_cannot_hold() -> None:
    for number, sample in enumerate(RECORDS):
        believable = sample["verdict"] == "valid" and sample["key_curve"] in REGISTRABLE
        assert believable == (number not in REFUSED)


@pytest.mark.parametrize("number", sorted(set(range(34)) - set(REFUSED)))
def test_one_changed_payload_byte_breaks_every_signature(number: int) -> None:
    sample = RECORDS[number]
    changed = sample["record"].replace('"IS"', '"iS"', 1).encode()
    assert changed != sample["record"].encode()
    parsed = parse(*in_batch_of(changed, sample))
    assert isinstance(parsed, Parsed)
    assert verify(parsed.checks[:1])
    assert not verify(parsed.checks)


def in_batch_of(data: bytes, sample: dict[str, str]) -> tuple[Record, Context]:
    gateway = VirtualGateway(GATEWAY, key(1))
    scene = scene_of(sample).add(
        device(GATEWAY, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=gateway.public_key)
    )
    batch = gateway.batch(sequence=1, items=(Item(UsagePoint(METER), NOW_S, "ocmf", data),))
    return batch, scene.context()


def chain() -> list[Reading]:
    readings: list[Reading] = []
    for place, number in enumerate(CHAIN):
        result = confirmed(*in_batch(scene_of(RECORDS[number]), number, NOW_S + 900 * place))
        assert isinstance(result, Parsed)
        readings += result.readings
    return readings


def test_keba_chain_sums_to_its_energy_without_a_gap() -> None:
    sessions = [
        [
            reading["RV"]
            for reading in json.loads(RECORDS[number]["record"].split("|")[1], parse_float=Decimal)["RD"]
        ]
        for number in CHAIN
    ]
    assert all(before[1] == after[0] for before, after in pairwise(sessions))
    assert sum(end - begin for begin, end in sessions) * 1000 == Decimal("12.3")

    readings = chain()
    assert [reading.sequence for reading in readings] == list(range(70172, 70192))
    registers = [reading.import_register_wh for reading in readings]
    assert registers == [int(end * 1000) for _, end in sessions]
    # Floored at the register: from 62500.1270 kWh before the first to 62500.1393 after the last.
    assert (registers[-1] or 0) - int(sessions[0][0] * 1000) == 12


def test_keba_chain_bears_its_gateways_times_and_is_questionable() -> None:
    readings = chain()
    assert [reading.time_s for reading in readings] == [NOW_S + 900 * place for place in range(20)]
    assert {reading.quality for reading in readings} == {Quality.QUESTIONABLE}


@pytest.mark.parametrize("number", CHAIN)
def test_bare_record_of_1970_is_refused(number: int) -> None:
    sample = RECORDS[number]
    result = confirmed(Record("ocmf", METER, sample["record"].encode()), scene_of(sample))
    assert isinstance(result, Rejected)
    assert result.reason is RecordReason.CLOCK_UNSET


def virtual(**fields: Any) -> tuple[VirtualMeter, Scene]:
    meter = VirtualMeter(UsagePoint(METER), "WV-7", key(7))
    registered_meter = device(serial="WV-7", curve=Curve.SECP256R1, public_key=meter.public_key)
    return meter, Scene().add(registered_meter, entry("ocmf", serial="WV-7", **fields))


def test_virtual_meter_is_believed() -> None:
    meter, scene = virtual()
    record = meter.ocmf(pagination=3, time_s=NOW_S, import_wh=1_000, export_wh=20)
    result = confirmed(record, scene, NOW_S + 5)
    assert isinstance(result, Parsed)
    assert result.readings == (
        Reading(UsagePoint(METER), NOW_S, 1_000, 20, 3, Quality.RAW, Assurance.METER_SIGNED, record.hash),
    )


def test_virtual_meter_writes_the_same_bytes_again() -> None:
    meter, _ = virtual()
    first = meter.ocmf(pagination=3, time_s=NOW_S, import_wh=1_000)
    assert first == meter.ocmf(pagination=3, time_s=NOW_S, import_wh=1_000)
    assert b'"TM":"2026-01-01T00:00:00,000+0000 S"' in first.data


def test_informative_clock_is_questionable() -> None:
    meter, scene = virtual()
    result = confirmed(meter.ocmf(pagination=1, time_s=NOW_S, import_wh=1, clock="I"), scene)
    assert isinstance(result, Parsed)
    assert result.readings[0].quality is Quality.QUESTIONABLE


def test_gateway_cannot_move_a_record_in_time_that_its_meter_dated() -> None:
    meter, scene = virtual()
    record = meter.ocmf(pagination=1, time_s=NOW_S, import_wh=1)
    gateway = VirtualGateway(GATEWAY, key(1))
    scene.add(device(GATEWAY, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=gateway.public_key))
    items = (Item(UsagePoint(METER), NOW_S + 86_400, "ocmf", record.data),)
    result = confirmed(gateway.batch(sequence=1, items=items), scene)
    assert isinstance(result, Parsed)
    assert (result.readings[0].time_s, result.readings[0].quality) == (NOW_S, Quality.RAW)


@pytest.mark.parametrize(
    ("lead_s", "reason"),
    [(61, RecordReason.FUTURE), (-45 * 86_400 - 1, RecordReason.STALE)],
)
def test_time_far_from_the_nodes_is_refused(lead_s: int, reason: RecordReason) -> None:
    meter, scene = virtual()
    record = meter.ocmf(pagination=1, time_s=NOW_S + lead_s, import_wh=1)
    result = confirmed(record, scene, NOW_S)
    assert isinstance(result, Rejected)
    assert result.reason is reason


@pytest.mark.parametrize("lead_s", [60, -45 * 86_400])
def test_time_at_the_limit_is_accepted(lead_s: int) -> None:
    meter, scene = virtual()
    record = meter.ocmf(pagination=1, time_s=NOW_S + lead_s, import_wh=1)
    assert isinstance(confirmed(record, scene, NOW_S), Parsed)


def test_other_meters_signature_is_refused() -> None:
    _, scene = virtual()
    forger = VirtualMeter(UsagePoint(METER), "WV-7", key(8))
    result = confirmed(forger.ocmf(pagination=1, time_s=NOW_S, import_wh=1), scene)
    assert isinstance(result, Rejected)
    assert result.reason is RecordReason.BAD_SIGNATURE


def test_base64_signature_is_read() -> None:
    meter, scene = virtual()
    record = meter.ocmf(pagination=1, time_s=NOW_S, import_wh=1)
    head, payload, tail = record.data.decode().split("|")
    signature = base64.b64encode(bytes.fromhex(json.loads(tail)["SD"])).decode()
    data = "|".join((head, payload, json.dumps({"SE": "base64", "SD": signature}))).encode()
    assert isinstance(confirmed(Record("ocmf", METER, data), scene), Parsed)


@pytest.mark.parametrize(
    ("identifier", "registers"),
    [
        ("1-b:1.8.0", (5, None)),
        ("1-b:1.8.e", (5, None)),
        ("1-0:1.8.0", (5, None)),
        ("1-0:1.8.1", (5, None)),
        ("1-0:1.8.0*255", (5, None)),
        ("01-00:01.08.00.FF", (5, None)),
        ("01-00:01.08.00*FF", (5, None)),
        ("01-00:B0.08.00*FF", (5, None)),
        ("1-b:2.8.0", (None, 5)),
        ("01-00:02.08.00*FF", (None, 5)),
        ("01-00:C0.08.00*FF", (None, 5)),
    ],
)
def test_registers_are_known_in_every_spelling(
    identifier: str, registers: tuple[int | None, int | None]
) -> None:
    _, scene = virtual()
    data = reading_of(f'"RV":5,"RI":"{identifier}","RU":"Wh","ST":"G"')
    result = confirmed(Record("ocmf", METER, data), scene)
    assert isinstance(result, Parsed)
    (reading,) = result.readings
    assert (reading.import_register_wh, reading.export_register_wh) == registers


@pytest.mark.parametrize(
    "identifier",
    ["1-0:16.7.0", "1-0:11.8.0", "01-00:00.08.06.FF", "01-00:B2.08.00*FF", "2-0:1.8.0", "1-0:1.8.0*254", ""],
)
def test_what_is_no_energy_register_is_not_taken_for_one(identifier: str) -> None:
    _, scene = virtual()
    data = reading_of(f'"RV":5,"RI":"{identifier}","RU":"Wh","ST":"G"')
    result = confirmed(Record("ocmf", METER, data), scene)
    assert isinstance(result, Rejected)
    assert result.reason is RecordReason.REGISTER_MISSING


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        ("G", Quality.RAW),
        ("S", Quality.ESTIMATED_REFERENCE_DAY),
        *((s, Quality.QUESTIONABLE) for s in "MXOEF"),
    ],
)
def test_meter_status_becomes_quality(status: str, quality: Quality) -> None:
    _, scene = virtual()
    data = reading_of(f'"RV":5,"RI":"1-0:1.8.0","RU":"Wh","ST":"{status}"')
    result = confirmed(Record("ocmf", METER, data), scene)
    assert isinstance(result, Parsed)
    # RAW ranks below an estimate: what is worse wins, whichever it is.
    assert result.readings[0].quality is quality


def reading_of(fields: str) -> bytes:
    payload = f'{{"PG":"F1","MS":"WV-7","RD":[{{"TM":"2026-01-01T00:00:00,000+0000 S",{fields}}}]}}'
    return signed_ocmf(key(7), payload.encode())


def test_register_that_was_read_earlier_in_the_record_is_not_its_closing_one() -> None:
    _, scene = virtual()
    payload = (
        '{"PG":"F1","MS":"WV-7","RD":['
        '{"TM":"2026-01-01T00:00:00,000+0000 S","RV":5,"RI":"1-0:1.8.0","RU":"Wh","ST":"M"},'
        '{"TM":"2026-01-01T00:15:00,000+0000 S","RV":6,"RI":"1-0:2.8.0","RU":"Wh","ST":"G"}]}'
    )
    result = confirmed(Record("ocmf", METER, signed_ocmf(key(7), payload.encode())), scene)
    assert isinstance(result, Parsed)
    (reading,) = result.readings
    assert (reading.import_register_wh, reading.export_register_wh) == (None, 6)
    assert (reading.time_s, reading.quality) == (NOW_S + 900, Quality.RAW)
