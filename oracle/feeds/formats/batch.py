"""Wattest's gateway batch: many meters' registers or records under one P-256 signature.

Decides which items of a batch stand. The record of each reading is the whole batch,
because that is what the gateway signed. One bad item is refused by name and the
others stand, so one broken meter cannot silence its street; what is wrong with the
batch itself (its shape, its gateway, two items for one place) refuses it whole.

    {topic: "wattest-batch", gateway: uint, sequence: uint,
     items: (list {usage-point: uint, time-s: uint, format: string-ascii, data: buff}),
     signature: (buff 64)}

`signature` is r || s over sha256 of the canonical bytes of the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.model import Rejected
from oracle.feeds.formats import dsmr, ocmf
from oracle.feeds.formats.context import (
    Carrier,
    Context,
    Parsed,
    RefusedItem,
    SignatureCheck,
    device_of,
    meter_of,
    place,
)
from oracle.feeds.formats.quantity import REGISTER_MAX_WH
from oracle.feeds.formats.reasons import RecordReason, Refusal
from oracle.model import Assurance, Curve, Device, DeviceKind, Quality, Reading, UsagePoint

NAME: Final = "batch"
REGISTER: Final = "register"
TOPIC: Final = "wattest-batch"
BYTES_MAX: Final = 1 << 20
SEQUENCE_MAX: Final = (1 << 63) - 1
SIGNATURE_BYTES: Final = 64

_BATCH_KEYS: Final = frozenset(("topic", "gateway", "sequence", "items", "signature"))
_ITEM_KEYS: Final = frozenset(("usage-point", "time-s", "format", "data"))
_REGISTER_KEYS: Final = frozenset(("import-register", "export-register"))
_REGISTER_BYTES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Item:
    """One meter's data in a batch; `time_s` is when the gateway read it, UTC seconds."""

    usage_point: UsagePoint
    time_s: int
    format: str
    data: bytes

    def value(self) -> dict[str, Value]:
        """The canonical value."""
        return {
            "usage-point": self.usage_point,
            "time-s": self.time_s,
            "format": self.format,
            "data": self.data,
        }


def unsigned_value(gateway: int, sequence: int, items: tuple[Item, ...]) -> dict[str, Value]:
    """What a gateway signs the canonical bytes of."""
    return {
        "topic": TOPIC,
        "gateway": gateway,
        "sequence": sequence,
        "items": tuple(item.value() for item in items),
    }


def parse(data: bytes, carrier: Carrier, context: Context) -> Parsed:
    """The readings of the items that stand, the refusals of the others, and the signatures."""
    fields = _fields(_decoded(data, BYTES_MAX), _BATCH_KEYS)
    if fields["topic"] != TOPIC:
        raise Refusal(RecordReason.BAD_SYNTAX, "topic")
    gateway = _gateway(_integer(fields["gateway"]), carrier, context)
    sequence = _integer(fields["sequence"])
    if sequence > SEQUENCE_MAX:
        raise Refusal(RecordReason.BAD_SYNTAX, "sequence")
    signature = _octets(fields["signature"])
    if len(signature) != SIGNATURE_BYTES:
        raise Refusal(RecordReason.SIGNATURE_MALFORMED)
    items = _items(fields["items"], context)
    message = encode({key: value for key, value in fields.items() if key != "signature"})
    own = SignatureCheck(Curve.SECP256R1, gateway.key, message, signature)
    return _parsed(items, own, gateway, sequence, carrier, context)


def _parsed(
    items: list[Item], own: SignatureCheck, gateway: Device, sequence: int, carrier: Carrier, context: Context
) -> Parsed:
    readings: list[Reading] = []
    checks = [own]
    refused: list[RefusedItem] = []
    for item in items:
        inner = Carrier(item.usage_point, carrier.record, gateway, item.time_s, sequence)
        try:
            parsed = _parsed_item(item, inner, context)
        except Refusal as refusal:
            refused.append(RefusedItem(item.usage_point, Rejected(refusal.reason, refusal.detail)))
            continue
        readings += parsed.readings
        checks += parsed.checks
    return Parsed(tuple(readings), tuple(checks), tuple(refused))


def _parsed_item(item: Item, carrier: Carrier, context: Context) -> Parsed:
    if item.format == NAME:
        raise Refusal(RecordReason.NESTED_TOO_DEEP, "a batch in a batch")
    known = _ITEM_FORMATS.get(item.format)
    if known is None:
        raise Refusal(RecordReason.FORMAT_UNKNOWN)
    bytes_max, parse_item = known
    if len(item.data) > bytes_max:
        raise Refusal(RecordReason.TOO_LONG)
    return parse_item(item.data, carrier, context)


def _parse_register(data: bytes, carrier: Carrier, context: Context) -> Parsed:
    """Two registers that the gateway read itself, over a wire that nobody signs."""
    fields = _fields(_decoded(data, _REGISTER_BYTES_MAX), _REGISTER_KEYS)
    import_wh, export_wh = _integer(fields["import-register"]), _integer(fields["export-register"])
    if max(import_wh, export_wh) > REGISTER_MAX_WH:
        raise Refusal(RecordReason.VALUE_TOO_LARGE)
    meter_of(carrier, REGISTER, context, signed=False)
    time_s, _ = place(carrier.stamp_s, carrier, context, signed=False)
    reading = Reading(
        usage_point=UsagePoint(carrier.device),
        time_s=time_s,
        import_register_wh=import_wh,
        export_register_wh=export_wh,
        sequence=carrier.sequence,
        quality=Quality.RAW,
        assurance=Assurance.GATEWAY_SIGNED,
        record=carrier.record,
    )
    return Parsed((reading,))


_ItemParser = Callable[[bytes, Carrier, Context], Parsed]
_ITEM_FORMATS: Final[Mapping[str, tuple[int, _ItemParser]]] = {
    REGISTER: (_REGISTER_BYTES_MAX, _parse_register),
    ocmf.NAME: (ocmf.BYTES_MAX, ocmf.parse),
    dsmr.NAME: (dsmr.BYTES_MAX, dsmr.parse),
}


def _gateway(named: int, carrier: Carrier, context: Context) -> Device:
    if named != carrier.device:
        raise Refusal(RecordReason.UNKNOWN_DEVICE, "the feed names another gateway")
    gateway = device_of(named, DeviceKind.GATEWAY, context)
    if gateway.curve is Curve.NONE:
        raise Refusal(RecordReason.KEY_MISSING)
    if gateway.curve is not Curve.SECP256R1:
        raise Refusal(RecordReason.CURVE_MISMATCH)
    return gateway


def _items(value: Value, context: Context) -> list[Item]:
    if not isinstance(value, tuple):
        raise Refusal(RecordReason.BAD_SYNTAX, "items is no list")
    if not value:
        raise Refusal(RecordReason.EMPTY)
    if len(value) > context.limits.items_max:
        raise Refusal(RecordReason.TOO_MANY_ITEMS)
    items = [_item(_fields(item, _ITEM_KEYS)) for item in value]
    # Both would rank alike (R2), so which one closes a window would be chance.
    if len({(item.usage_point, item.time_s) for item in items}) != len(items):
        raise Refusal(RecordReason.DUPLICATE_ITEM)
    return items


def _item(fields: Mapping[str, Value]) -> Item:
    format_name = fields["format"]
    if not isinstance(format_name, str):
        raise Refusal(RecordReason.BAD_SYNTAX, "format")
    return Item(
        usage_point=UsagePoint(_integer(fields["usage-point"])),
        time_s=_integer(fields["time-s"]),
        format=format_name,
        data=_octets(fields["data"]),
    )


def _decoded(data: bytes, bytes_max: int) -> Value:
    try:
        return decode(data, bytes_max=bytes_max)
    except EncodingError as fault:
        raise Refusal(RecordReason.BAD_SYNTAX, str(fault)) from None


def _fields(value: Value, keys: frozenset[str]) -> Mapping[str, Value]:
    if not isinstance(value, Mapping) or value.keys() != keys:
        raise Refusal(RecordReason.BAD_SYNTAX, "not the tuple it should be")
    return value


def _integer(value: Value) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(RecordReason.BAD_SYNTAX, "not a uint")
    return value


def _octets(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise Refusal(RecordReason.BAD_SYNTAX, "not a buffer")
    return value
