"""Batches: one bad item does not silence its street, one bad batch is refused whole."""

import pytest

from consensus.model import Rejected
from oracle.feeds.formats import Limits, Parsed, RecordReason, parse
from oracle.feeds.formats.batch import Item
from oracle.feeds.signatures import confirm, confirm_all, verify
from oracle.feeds.virtual_meter import VirtualGateway, VirtualMeter, register_item
from oracle.model import Assurance, Curve, DeviceKind, Record, UsagePoint
from tests.unit.formats.scene import GATEWAY, NOW_S, Scene, device, entry, key

GATE = VirtualGateway(GATEWAY, key(1))
PLAIN, SIGNING = UsagePoint(8), UsagePoint(9)
METER = VirtualMeter(SIGNING, "WV-9", key(9))


def street() -> Scene:
    gateway = device(GATEWAY, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=GATE.public_key)
    signing = device(SIGNING, serial="WV-9", curve=Curve.SECP256R1, public_key=METER.public_key)
    return Scene().add(gateway).add(device(PLAIN)).add(signing, entry("ocmf", SIGNING, serial="WV-9"))


def register(time_s: int = NOW_S) -> Item:
    return register_item(PLAIN, time_s=time_s, import_wh=10, export_wh=0)


def signed(meter: VirtualMeter = METER) -> Item:
    data = meter.ocmf(pagination=1, time_s=NOW_S, import_wh=20).data
    return Item(SIGNING, NOW_S, "ocmf", data)


def believed(record: Record, scene: Scene, limits: Limits | None = None) -> Parsed:
    parsed = parse(record, scene.context(NOW_S, limits))
    assert isinstance(parsed, Parsed), parsed
    result = confirm(parsed)
    assert isinstance(result, Parsed), result
    return result


def test_meter_signature_inside_a_batch_keeps_its_assurance() -> None:
    result = believed(GATE.batch(sequence=4, items=(register(), signed())), street())
    assert [reading.assurance for reading in result.readings] == [
        Assurance.GATEWAY_SIGNED,
        Assurance.METER_SIGNED,
    ]


def test_bad_item_is_refused_and_the_others_stand() -> None:
    result = believed(
        GATE.batch(sequence=4, items=(register(), Item(SIGNING, NOW_S, "ocmf", b"x"))), street()
    )
    assert [reading.usage_point for reading in result.readings] == [PLAIN]
    (item,) = result.refused
    assert (item.usage_point, item.rejected.reason) == (SIGNING, RecordReason.BAD_SYNTAX)


def test_forged_item_is_refused_and_the_others_stand() -> None:
    forger = VirtualMeter(SIGNING, "WV-9", key(66))
    result = believed(GATE.batch(sequence=4, items=(register(), signed(forger))), street())
    assert [reading.usage_point for reading in result.readings] == [PLAIN]
    (item,) = result.refused
    assert (item.usage_point, item.rejected.reason) == (SIGNING, RecordReason.BAD_SIGNATURE)


def test_batch_of_forged_items_only_is_refused() -> None:
    parsed = parse(
        GATE.batch(sequence=4, items=(signed(VirtualMeter(SIGNING, "WV-9", key(66))),)), street().context()
    )
    assert isinstance(parsed, Parsed)
    assert confirm(parsed) == Rejected(RecordReason.BAD_SIGNATURE)


def test_forged_batch_is_refused_with_its_honest_items() -> None:
    record = VirtualGateway(GATEWAY, key(2)).batch(sequence=4, items=(register(), signed()))
    parsed = parse(record, street().context())
    assert isinstance(parsed, Parsed)
    assert not verify(parsed.checks)
    assert confirm_all([parsed]) == [Rejected(RecordReason.BAD_SIGNATURE)]


@pytest.mark.parametrize("place", [-1, 30, 120])
def test_changed_byte_is_never_believed(place: int) -> None:
    record = GATE.batch(sequence=4, items=(register(),))
    data = bytearray(record.data)
    data[place] ^= 1
    parsed = parse(Record("batch", GATEWAY, bytes(data)), street().context())
    assert isinstance(parsed, Rejected) or isinstance(confirm(parsed), Rejected)


def test_backfill_of_one_meter_is_one_reading_each() -> None:
    items = tuple(register(NOW_S - 900 * age) for age in range(4))
    result = believed(GATE.batch(sequence=4, items=items), street())
    assert [reading.time_s for reading in result.readings] == [NOW_S - 900 * age for age in range(4)]


def test_as_many_items_as_the_limit_says() -> None:
    items = tuple(register(NOW_S - age) for age in range(4))
    record = GATE.batch(sequence=4, items=items)
    assert len(believed(record, street(), Limits(items_max=4)).readings) == 4
    refused = parse(record, street().context(NOW_S, Limits(items_max=3)))
    assert isinstance(refused, Rejected)
    assert refused.reason is RecordReason.TOO_MANY_ITEMS


def test_future_item_is_refused_alone() -> None:
    result = believed(GATE.batch(sequence=4, items=(register(), register(NOW_S + 61))), street())
    assert [item.rejected.reason for item in result.refused] == [RecordReason.FUTURE]


def test_roster_may_bind_a_meter_to_one_gateway_across_zones() -> None:
    scene = street().add(device(PLAIN, zone=2), entry("register", PLAIN, gateway=GATEWAY))
    assert believed(GATE.batch(sequence=4, items=(register(),)), scene).readings
    scene.add(device(PLAIN), entry("register", PLAIN, gateway=GATEWAY + 1))
    refused = parse(GATE.batch(sequence=4, items=(register(),)), scene.context())
    assert isinstance(refused, Rejected)
    assert refused.reason is RecordReason.NOT_ITS_GATEWAY


def test_gateway_without_a_key_of_its_curve_is_refused() -> None:
    for curve, reason in (
        (Curve.NONE, RecordReason.KEY_MISSING),
        (Curve.ED25519, RecordReason.CURVE_MISMATCH),
    ):
        scene = street().add(device(GATEWAY, kind=DeviceKind.GATEWAY, curve=curve, public_key=bytes(32)))
        refused = parse(GATE.batch(sequence=4, items=(register(),)), scene.context())
        assert isinstance(refused, Rejected)
        assert refused.reason is reason


def test_device_on_the_roster_but_not_in_the_registry_is_not_verified() -> None:
    scene = street()
    del scene.registry[SIGNING]
    refused = parse(Record("ocmf", SIGNING, signed().data), scene.context())
    assert isinstance(refused, Rejected)
    assert refused.reason is RecordReason.DEVICE_NOT_VERIFIED
    del scene.entries[SIGNING]
    refused = parse(Record("ocmf", SIGNING, signed().data), scene.context())
    assert isinstance(refused, Rejected)
    assert refused.reason is RecordReason.UNKNOWN_DEVICE


def test_batch_that_names_another_registered_gateway_is_refused() -> None:
    other = VirtualGateway(GATEWAY + 1, key(2))
    scene = street().add(
        device(other.device, kind=DeviceKind.GATEWAY, curve=Curve.SECP256R1, public_key=other.public_key)
    )
    data = other.batch(sequence=4, items=(register(),)).data
    assert isinstance(parse(Record("batch", other.device, data), scene.context()), Parsed)
    refused = parse(Record("batch", GATEWAY, data), scene.context())
    assert isinstance(refused, Rejected)
    assert refused.reason is RecordReason.UNKNOWN_DEVICE
