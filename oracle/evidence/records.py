"""Whether a leaf follows from the record it names, as the contract reads records (E2).

The same rules as `judge-record` and `judge-batch` of `dispute-resolution`, byte for byte, and
no better: a record that a cleverer reader understands may not slash anybody there, so it may
not here. Every energy register of an OCMF record must stand as `"RV":n,"RI":"…","RU":"…"`
with a total register in Wh or kWh. Without a backslash a key has one spelling, and without
a stray key no reading inherits from two; so the values met are all the values there are, and
a leaf that an honest node makes has one of them in each direction that is read. No signature
is asked for: the leaf names the record by its hash, and whoever attested it vouched for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consensus.encoding import EncodingError, Value, decode, encode
from oracle.audit.values import Fields, Malformed
from oracle.evidence.file import EvidenceReason, Faulty
from oracle.model import Leaf

OCMF_BYTES_MAX: Final = 1024
KEYS_MAX: Final = 16
"""Letters R that the contract goes through; a reading counts as one."""
READING_BYTES_MAX: Final = 80
NUMBER_MAX: Final = 30
NAME_MAX: Final = 17
ITEMS_MAX: Final = 24
ITEM_BYTES_MAX: Final = 1088
TEXT_MAX: Final = 16
IMPORTS: Final = frozenset(
    (
        *(b"1-0:1.8.0", b"1-b:1.8.0", b"1-b:1.8.e", b"1-0:1.8.0*255", b"1-0:1.8.0*FF"),
        *(b"01-00:01.08.00*FF", b"01-00:B0.08.00*FF"),
    )
)
EXPORTS: Final = frozenset(
    (
        *(b"1-0:2.8.0", b"1-b:2.8.0", b"1-b:2.8.e", b"1-0:2.8.0*255", b"1-0:2.8.0*FF"),
        *(b"01-00:02.08.00*FF", b"01-00:C0.08.00*FF"),
    )
)
_UNTIL_RI: Final = b',"RI":"'
_UNTIL_RU: Final = b'","RU":"'


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a gateway's batch, within the contract's types."""

    usage_point: int
    time_s: int
    format: str
    data: bytes


def ocmf_contradicts(leaf: Leaf, record: bytes) -> bool:
    """Whether the leaf does not follow from this OCMF record. Raises Faulty."""
    if len(record) > OCMF_BYTES_MAX or not record.startswith(b"OCMF|") or b"\\" in record:
        raise _unsupported("not a plain OCMF record")
    imports, exports = _registers(record)
    if not imports and not exports:
        raise _unsupported("it reads no register")
    return not (
        _may_follow(leaf.import_register_wh, leaf.import_wh, imports, others=bool(exports))
        and _may_follow(leaf.export_register_wh, leaf.export_wh, exports, others=bool(imports))
    )


def batch_contradicts(leaf: Leaf, record: bytes, window_s: int) -> bool:
    """Whether the leaf follows from no item of this gateway's batch. Raises Faulty."""
    contradicted = True
    for item in batch_items(record):
        if item.usage_point != leaf.usage_point:
            continue
        if item.format == "register":
            fits = _register_fits(leaf, item, window_s)
        elif item.format == "ocmf":
            fits = not ocmf_contradicts(leaf, item.data)
        else:
            raise _unsupported(f"an item of format {item.format}")
        contradicted = contradicted and not fits
    return contradicted


def batch_value(record: bytes) -> Value:
    """The batch as the contract takes it. Raises Faulty where its types do not hold it."""
    batch_items(record)
    return decode(record, bytes_max=len(record))


def batch_items(record: bytes) -> tuple[Item, ...]:
    """The items of a batch. Raises Faulty."""
    try:
        value = decode(record, bytes_max=len(record))
        fields = Fields(value)
        topic = fields.text("topic")
        numbers = (fields.uint("gateway"), fields.uint("sequence"))
        fields.buff("signature", 64)
        items = tuple(_item(one) for one in fields.list("items"))
        fields.end()
    except (EncodingError, Malformed) as cause:
        raise _unsupported(str(cause)) from cause
    fitting = all(
        len(one.format) <= TEXT_MAX and len(one.data) <= ITEM_BYTES_MAX and one.time_s >= 0 for one in items
    )
    if topic != "wattest-batch" or len(items) > ITEMS_MAX or not fitting or encode(value) != record:
        raise _unsupported("no batch that the contract can take")
    if any(number >> 128 for number in numbers):
        raise _unsupported("a number beyond 128 bits")
    return items


def _item(value: Value) -> Item:
    fields = Fields(value)
    item = Item(
        fields.uint("usage-point"), fields.uint("time-s"), fields.text("format"), fields.buff("data", None)
    )
    fields.end()
    return item


def _may_follow(register_wh: int, energy_wh: int, read: set[int], *, others: bool) -> bool:
    """A direction that the last reading lacks stands where it was attested, without energy."""
    return register_wh in read or (energy_wh == 0 and (not read or others))


def _register_fits(leaf: Leaf, item: Item, window_s: int) -> bool:
    try:
        value = decode(item.data, bytes_max=ITEM_BYTES_MAX)
        fields = Fields(value)
        registers = fields.uint("import-register"), fields.uint("export-register")
        fields.end()
    except (EncodingError, Malformed) as cause:
        raise _unsupported(str(cause)) from cause
    in_time = leaf.window < item.time_s <= leaf.window + window_s
    return registers == (leaf.import_register_wh, leaf.export_register_wh) and in_time


def _registers(record: bytes) -> tuple[set[int], set[int]]:
    imports: set[int] = set()
    exports: set[int] = set()
    at = 0
    for _ in range(KEYS_MAX):
        at = record.find(b"R", at)
        if at < 0:
            return imports, exports
        key = record[at - 1 : at + 3] if at else b""
        if key == b'"RV"':
            name, wh, at = _reading(record, at + 3)
            (imports if name in IMPORTS else exports).add(wh)
        elif key in (b'"RI"', b'"RU"'):
            raise _unsupported("a register's name or unit stands apart from its value")
        else:
            at += 1
    if at < len(record):
        raise _unsupported("too long to be read through")
    return imports, exports


def _reading(record: bytes, start: int) -> tuple[bytes, int, int]:
    """Of `:n,"RI":"…","RU":"…"` the register's name, the floored Wh, and where it ends."""
    text = record[start : start + READING_BYTES_MAX]
    number, comma, rest = text.partition(b",")
    if not comma or not number.startswith(b":") or not (comma + rest).startswith(_UNTIL_RI):
        raise _unsupported("a reading that is written otherwise")
    name, quote, rest = (comma + rest)[len(_UNTIL_RI) :].partition(b'"')
    if not quote or not (quote + rest).startswith(_UNTIL_RU):
        raise _unsupported("a reading that is written otherwise")
    unit, quote, _ = (quote + rest)[len(_UNTIL_RU) :].partition(b'"')
    if not quote or unit not in (b"kWh", b"Wh"):
        raise _unsupported("a unit that is neither Wh nor kWh")
    if len(name) > NAME_MAX or name not in IMPORTS | EXPORTS:
        raise _unsupported("a register that is no total")
    used = len(number) + len(_UNTIL_RI) + len(name) + len(_UNTIL_RU) + len(unit) + 1
    return name, _whole_wh(number[1:], in_kwh=unit == b"kWh"), start + used


def _whole_wh(number: bytes, *, in_kwh: bool) -> int:
    whole, point, fraction = number.partition(b".")
    if len(number) > NUMBER_MAX or not _digits(whole) or (point and not _digits(fraction)):
        raise _unsupported("a number that is no plain decimal")
    return int(whole) * 1000 + int((fraction + b"000")[:3]) if in_kwh else int(whole)


def _digits(text: bytes) -> bool:
    return text.isdigit()


def _unsupported(detail: str) -> Faulty:
    return Faulty(EvidenceReason.UNSUPPORTED, detail)
