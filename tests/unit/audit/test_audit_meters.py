"""The auditor's own readers of what meters and gateways write."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from oracle.audit.backend import select
from oracle.audit.meters import Sample, parse_batch, parse_dsmr, parse_ocmf, raw_signature
from oracle.audit.transaction import parse_contract_call
from oracle.audit.values import Malformed
from oracle.model import Curve
from tests.unit.audit import world

# A charging station's record and its key, from SAFE-eV/transparenzsoftware (Apache-2.0):
# one of twenty that continue each other; its clock was never set.
REAL = (
    b'OCMF|{"FV":"1.0","GI":"KEBA_KCP30","GS":"2","GV":"2.8.5","PG":"T70178","IS":false,"IL":"NONE",'
    b'"IF":["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT":"NONE","ID":"",'
    b'"RD":[{"TM":"1970-01-01T01:06:35,000+0100 U","TX":"B","EF":"","ST":"G","RV":62500.1271,'
    b'"RI":"1-b:1.8.0","RU":"kWh"},{"TM":"1970-01-01T01:08:17,000+0100 R","TX":"E","EF":"","ST":"G",'
    b'"RV":62500.1271,"RI":"1-b:1.8.0","RU":"kWh"}]}|{"SD":"30450221008BDB1DB3E077A3923BD718B2BAFE4BB72427'
    b'DF70D3F0790E4FD8F6C7DA830F74022053B09F831474E24488ADFAAC2FD37EAA0ADB169F281D18631A95E93F0F923BA7"}'
)
REAL_KEY = bytes.fromhex("02D53524016D5B7F5E5ABFD16006364433879E4B0A7AA6679008005836D69B1F3A")


def record(readings: list[dict[str, Any]], **signed: str) -> bytes:
    return (
        b"OCMF|" + json.dumps({"RD": readings}).encode() + b"|" + json.dumps({"SD": "00", **signed}).encode()
    )


def reading(**fields: Any) -> dict[str, Any]:
    return {
        "TM": "2019-08-13T10:03:15,000+0000 S",
        "RV": 1.5,
        "RI": "1-b:1.8.0",
        "RU": "kWh",
        "ST": "G",
        **fields,
    }


def test_a_real_record_reads_and_its_signature_holds_in_both_backends() -> None:
    ocmf = parse_ocmf(REAL)
    assert ocmf.sample == Sample(None, 62_500_127, None)
    assert ocmf.curve is Curve.SECP256R1
    signature = raw_signature(ocmf.signature)
    assert signature is not None
    digest = hashlib.sha256(ocmf.payload).digest()
    for backend in (select("fast"), select("reference")):
        assert backend.verify_secp256r1(digest, signature, REAL_KEY)
        assert not backend.verify_secp256r1(hashlib.sha256(ocmf.payload + b" ").digest(), signature, REAL_KEY)


def test_ocmf_closes_with_what_was_read_last() -> None:
    later = {"TM": "2019-08-13T10:03:36,000+0200 R", "RV": 2.75}
    sample = parse_ocmf(record([reading(), later, {"RI": "1-b:2.8.0", "RV": 900, "RU": "Wh"}])).sample
    assert sample == Sample(1_565_683_416, 2750, 900)


def test_ocmf_adds_tariffs_up_unless_the_total_was_read() -> None:
    tariffs = [reading(RI="1-0:1.8.1", RV="1.2009"), reading(RI="1-0:1.8.2", RV="0.3009")]
    assert parse_ocmf(record(tariffs)).sample.import_wh == 1200 + 300
    assert parse_ocmf(record([*tariffs, reading(RI="01-00:01.08.00*FF", RV=7)])).sample.import_wh == 7000


@pytest.mark.parametrize(
    ("stamp", "errors", "time_s"),
    [
        ("2019-08-13T10:03:15,000+0000 S", "", 1_565_690_595),
        ("2019-08-13T10:03:15,000+0000 I", "", 1_565_690_595),
        ("2000-02-29T00:00:00,000+0000 S", "", None),
        ("2020-02-29T00:00:00,000-0130 S", "", 1_582_939_800),
        ("2019-08-13T10:03:15,000+0000 U", "", None),
        ("2019-08-13T10:03:15,000+0000 R", "", None),
        ("2019-08-13T10:03:15,000+0000 S", "t", None),
    ],
)
def test_an_ocmf_clock_counts_only_if_it_was_set(stamp: str, errors: str, time_s: int | None) -> None:
    assert parse_ocmf(record([reading(TM=stamp, EF=errors)])).sample.time_s == time_s


@pytest.mark.parametrize("fields", [{"ST": "M"}, {"EF": "E"}, {"TM": "2019-08-13T10:03:15,000+0000 I"}])
def test_ocmf_says_when_the_meter_doubts_its_value(fields: dict[str, str]) -> None:
    assert parse_ocmf(record([reading()])).sample.sound
    assert not parse_ocmf(record([reading(**fields)])).sample.sound


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OCMF|{}",
        b"OCMX|{}|{}",
        b"OCMF|{}|{}",
        b'OCMF|{"RD":[]}|{"SD":"00"}',
        b'OCMF|{"RD":' + b"[" * 100_000 + b'}|{"SD":"00"}',
        b'OCMF|{"RD":[1]}|{"SD":"00"}',
        record([reading(RI="1-0:96.1.0")]),
        record([reading(RV=-1)]),
        record([reading(RV="1e99")]),
        record([reading(RV=None)]),
        record([reading(RV=True)]),
        record([reading(RU="sec")]),
        record([reading(TM="yesterday")]),
        record([reading(TM="2019-13-13T10:03:15,000+0000 S")]),
        record([reading()], SD="no hex"),
        record([reading()]).replace(b'"RD":', b'"RD":1,"RD":'),
        record([reading()]).replace(b"1.5", b"NaN"),
    ],
)
def test_ocmf_that_means_nothing_or_two_things_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_ocmf(data)


def test_a_telegram_gives_registers_and_central_european_time() -> None:
    assert parse_dsmr(world.telegram(4426 + 2399, 2444, "170102192002W")) == Sample(1_483_381_202, 6825, 2444)
    assert parse_dsmr(world.telegram(1, 2, "200512135409S")).time_s == 1_589_284_449
    assert parse_dsmr(world.telegram(1, 2, "170102192002W"), 7200).time_s == 1_483_381_202 - 3600
    assert parse_dsmr(world.telegram(1, 2, None)).time_s is None
    assert parse_dsmr(world.telegram(1, 2, "222222222222W")).time_s is None


def test_a_telegram_with_a_wrong_checksum_or_two_values_is_malformed() -> None:
    body = b"/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.0(000001.000*kWh)\r\n!"
    crc = 0
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    assert parse_dsmr(body + f"{crc:04X}\r\n".encode()).import_wh == 1000
    for bad in (
        body + f"{crc ^ 1:04X}\r\n".encode(),
        world.telegram(1, 2).replace(b"2.8.1", b"1.8.1"),
        b"!/",
        b"\xff",
    ):
        with pytest.raises(Malformed):
            parse_dsmr(bad)


def test_a_batch_is_signed_over_everything_but_its_signature() -> None:
    good = world.batch([world.item(4, "register", world.registers(1, 2))])
    batch = parse_batch(good.data)
    assert select("fast").verify_secp256r1(batch.digest, batch.signature, world.compressed(world.GATEWAY_KEY))
    with pytest.raises(Malformed):
        parse_batch(good.data + b"\x00")
    with pytest.raises(Malformed):
        parse_batch(world.registers(1, 2))


@pytest.mark.parametrize(
    "der", ["", "3006020101020101", "30060201010201ff", "3007020101020101", "300602010102010100", "04" * 8]
)
def test_a_der_signature_is_two_positive_integers_and_nothing_else(der: str) -> None:
    raw = raw_signature(bytes.fromhex(der))
    assert raw == ((1).to_bytes(32, "big") * 2 if der == "3006020101020101" else None)


def test_a_transaction_is_read_whole_or_not_at_all() -> None:
    raw = world.transaction("submit-window", [1, b"\x01", True])
    call = parse_contract_call(raw)
    assert (call.contract, call.function, call.arguments) == (
        world.ORACLE,
        "submit-window",
        (1, b"\x01", True),
    )
    assert call.txid == hashlib.new("sha512_256", raw).digest()
    for at in range(len(raw)):
        with pytest.raises(Malformed):
            parse_contract_call(raw[:at])
    with pytest.raises(Malformed):
        parse_contract_call(raw + b"\x09")
