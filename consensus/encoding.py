"""Canonical bytes: the Clarity consensus encoding (SIP-005), and nothing else.

Whatever Wattest hashes or signs is one of these values, so that a contract can
rebuild the same bytes from typed arguments with `to-consensus-buff?` and never
parses anything. This module is the only place that knows the encoding.

How Python values stand for Clarity values:

    int              uint           (signed integers: Int)
    bytes            buff
    str              string-ascii   (unicode: Utf8)
    bool             bool
    None             none
    Some(v)          (some v)
    Ok(v), Err(v)    (ok v), (err v)
    tuple, list      list
    dict             tuple          (keys are sorted by their bytes)
    Principal        principal

`decode(encode(v)) == v` with lists as tuples, and `encode(decode(b)) == b`: the
encoding is canonical in both directions, so bytes identify values.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

UINT_MAX: Final = (1 << 128) - 1
INT_MAX: Final = (1 << 127) - 1
INT_MIN: Final = -(1 << 127)
DEPTH_MAX: Final = 16
"""Clarity allows 32; nothing of ours nests deeper than six."""

NAMES_KEPT: Final = 1024
"""Tuple keys that need not be looked at again; ours are some two hundred."""
_NOT_PRINTABLE = re.compile(rb"[^\x20-\x7e\x09-\x0d]")
_NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9]|[-_!?+<>=/*])*")
_NAME_BYTES_MAX: Final = 128
_CONTRACT_NAME = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9]|[-_])*")
_CONTRACT_NAME_BYTES_MAX: Final = 40
_HASH160_BYTES: Final = 20


class EncodingError(ValueError):
    """The bytes, or the value, have no canonical Clarity form."""


@dataclass(frozen=True, slots=True)
class Int:
    """A signed 128-bit integer; a bare Python int is a uint."""

    value: int


@dataclass(frozen=True, slots=True)
class Utf8:
    """A string-utf8; a bare Python str is a string-ascii."""

    text: str


@dataclass(frozen=True, slots=True)
class Some:
    """(some value)."""

    value: Value


@dataclass(frozen=True, slots=True)
class Ok:
    """(ok value)."""

    value: Value


@dataclass(frozen=True, slots=True)
class Err:
    """(err value)."""

    value: Value


@dataclass(frozen=True, slots=True)
class Principal:
    """A standard principal, or a contract's when `contract_name` is given.

    `version` is the c32 address version (22 mainnet, 26 testnet single-sig),
    `hash160` the 20 bytes behind it.
    """

    version: int
    hash160: bytes
    contract_name: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.version < 32 or len(self.hash160) != _HASH160_BYTES:
            raise EncodingError("a principal has a version below 32 and a 20-byte hash")
        if self.contract_name is not None and not (
            len(self.contract_name) <= _CONTRACT_NAME_BYTES_MAX
            and _CONTRACT_NAME.fullmatch(self.contract_name)
        ):
            raise EncodingError("not a contract name")


Value: TypeAlias = (
    "int | bytes | str | bool | Int | Utf8 | Some | Ok | Err | Principal"
    " | tuple[Value, ...] | list[Value] | Mapping[str, Value] | None"
)
Bytes32: TypeAlias = bytes


def encode(value: Value) -> bytes:
    """Give the canonical bytes of `value`.

    Raises EncodingError for what Clarity cannot hold: an integer out of range,
    a string that is not printable ASCII, an invalid tuple key.
    """
    out = bytearray()
    _write(out, value, 0)
    return bytes(out)


def decode(data: bytes, *, bytes_max: int = 1 << 20) -> Value:
    """Read exactly one value; every byte must belong to it.

    Raises EncodingError on anything `encode` would not have written. Lengths are
    checked against what is left before anything is allocated.
    """
    if len(data) > bytes_max:
        raise EncodingError(f"longer than {bytes_max} bytes")
    value, end = _read(data, 0, 0)
    if end != len(data):
        raise EncodingError("bytes after the value")
    return value


def decode_prefix(data: bytes, at: int) -> tuple[Value, int]:
    """Read one value that begins at `at`; give it and where it ends. Raises EncodingError."""
    return _read(data, at, 0)


def digest(value: Value) -> Bytes32:
    """sha256 of the canonical bytes, as `(sha256 (to-consensus-buff? value))` gives it."""
    return hashlib.sha256(encode(value)).digest()


def _write(out: bytearray, value: Value, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise EncodingError("nested too deeply")
    match value:  # the common ones first: a node spends more time here than anywhere else
        case bool():
            out.append(0x03 if value else 0x04)
        case int():
            _check_range(value, 0, UINT_MAX)
            out.append(0x01)
            out += value.to_bytes(16, "big")
        case bytes() | bytearray():
            _write_sized(out, 0x02, value)
        case str():
            _write_sized(out, 0x0D, _ascii(value))
        case dict() | Mapping():
            _write_tuple(out, value, depth)
        case tuple() | list():
            out.append(0x0B)
            out += len(value).to_bytes(4, "big")
            for item in value:
                _write(out, item, depth + 1)
        case None:
            out.append(0x09)
        case Some(inner):
            out.append(0x0A)
            _write(out, inner, depth + 1)
        case Int(number):
            _check_range(number, INT_MIN, INT_MAX)
            out.append(0x00)
            out += number.to_bytes(16, "big", signed=True)
        case Principal():
            _write_principal(out, value)
        case Utf8(text):
            _write_sized(out, 0x0E, text.encode("utf-8"))
        case Ok(inner):
            out.append(0x07)
            _write(out, inner, depth + 1)
        case Err(inner):
            out.append(0x08)
            _write(out, inner, depth + 1)
        case _:
            raise EncodingError(f"no Clarity value for a Python {type(value).__name__}")


def _write_tuple(out: bytearray, value: Mapping[str, Value], depth: int) -> None:
    if not value:
        raise EncodingError("Clarity has no empty tuple")
    out.append(0x0C)
    out += len(value).to_bytes(4, "big")
    # The VM sorts bytewise, as Python sorts ASCII; stacks.js sorted by locale, which differs for mixed case.
    for key in sorted(value):
        out += _name_bytes(key)
        _write(out, value[key], depth + 1)


def _write_principal(out: bytearray, value: Principal) -> None:
    out.append(0x05 if value.contract_name is None else 0x06)
    out.append(value.version)
    out += value.hash160
    if value.contract_name is not None:
        name = value.contract_name.encode("ascii")
        out.append(len(name))
        out += name


def _write_sized(out: bytearray, tag: int, data: bytes | bytearray) -> None:
    out.append(tag)
    out += len(data).to_bytes(4, "big")
    out += data


def _read(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth > DEPTH_MAX:
        raise EncodingError("nested too deeply")
    tag = _take(data, at, 1)[0]
    at += 1
    match tag:
        case 0x00:
            return Int(int.from_bytes(_take(data, at, 16), "big", signed=True)), at + 16
        case 0x01:
            return int.from_bytes(_take(data, at, 16), "big"), at + 16
        case 0x02:
            return _read_sized(data, at)
        case 0x03 | 0x04:
            return tag == 0x03, at
        case 0x05 | 0x06:
            return _read_principal(data, at, contract=tag == 0x06)
        case 0x07 | 0x08 | 0x0A:
            inner, at = _read(data, at, depth + 1)
            return (Ok(inner) if tag == 0x07 else Err(inner) if tag == 0x08 else Some(inner)), at
        case 0x09:
            return None, at
        case 0x0B:
            return _read_list(data, at, depth)
        case 0x0C:
            return _read_tuple(data, at, depth)
        case 0x0D:
            raw, at = _read_sized(data, at)
            return _decoded_ascii(raw), at
        case 0x0E:
            raw, at = _read_sized(data, at)
            try:
                return Utf8(raw.decode("utf-8")), at
            except UnicodeDecodeError as cause:
                raise EncodingError("not UTF-8") from cause
        case _:
            raise EncodingError(f"unknown type tag {tag:#04x}")


def _read_list(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    count = _read_count(data, at)
    at += 4
    items: list[Value] = []
    for _ in range(count):
        item, at = _read(data, at, depth + 1)
        items.append(item)
    return tuple(items), at


def _read_tuple(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    count = _read_count(data, at)
    at += 4
    if count == 0:
        raise EncodingError("Clarity has no empty tuple")
    fields: dict[str, Value] = {}
    last = b""
    for _ in range(count):
        size = _take(data, at, 1)[0]
        raw = _take(data, at + 1, size)
        at += 1 + size
        if raw <= last:
            raise EncodingError("tuple keys are not in ascending order")
        last = raw
        fields[_name_of(raw)], at = _read(data, at, depth + 1)
    return fields, at


def _read_count(data: bytes, at: int) -> int:
    count = int.from_bytes(_take(data, at, 4), "big")
    if count > len(data) - at - 4:  # every item takes a byte at least
        raise EncodingError("a count larger than the bytes that are left")
    return count


def _read_sized(data: bytes, at: int) -> tuple[bytes, int]:
    size = int.from_bytes(_take(data, at, 4), "big")
    return _take(data, at + 4, size), at + 4 + size


def _read_principal(data: bytes, at: int, *, contract: bool) -> tuple[Value, int]:
    version = _take(data, at, 1)[0]
    hash160 = _take(data, at + 1, _HASH160_BYTES)
    at += 1 + _HASH160_BYTES
    if not contract:
        return Principal(version, hash160), at
    size = _take(data, at, 1)[0]
    name = _decoded_ascii(_take(data, at + 1, size))
    return Principal(version, hash160, name), at + 1 + size


def _take(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size]
    if len(part) != size:
        raise EncodingError("the bytes end early")
    return part


def _check_range(number: int, low: int, high: int) -> None:
    if not low <= number <= high:
        raise EncodingError("an integer outside 128 bits")


def _ascii(text: str) -> bytes:
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError as cause:
        raise EncodingError("not ASCII") from cause
    _decoded_ascii(raw)
    return raw


def _decoded_ascii(raw: bytes) -> str:
    if _NOT_PRINTABLE.search(raw):
        raise EncodingError("not printable ASCII")
    return raw.decode("ascii")


@lru_cache(NAMES_KEPT)
def _name_bytes(name: str) -> bytes:
    """A tuple's key as it is written, its length before it."""
    raw = name.encode("ascii", "replace")
    if len(raw) > _NAME_BYTES_MAX or not _NAME.fullmatch(name):
        raise EncodingError("not a Clarity name")
    return bytes((len(raw),)) + raw


@lru_cache(NAMES_KEPT)
def _name_of(raw: bytes) -> str:
    name = _decoded_ascii(raw)
    _name_bytes(name)
    return name
