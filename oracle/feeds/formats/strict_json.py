"""JSON with one meaning: no duplicate keys, no NaN, bounded depth, numbers kept as their text.

Python's reader accepts more than the format allows, and makes floats. This decides
what a document is; what its fields mean is the caller's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, NoReturn, TypeAlias

from oracle.feeds.formats.reasons import RecordReason, Refusal

DEPTH_MAX: Final = 16

# A quote always matches up to its partner or the end, so the scan never starts over: O(size).
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


class Number(str):
    """A number as its text was sent; a plain str is a JSON string."""

    __slots__ = ()


Json: TypeAlias = "Mapping[str, Json] | list[Json] | Number | str | bool | None"


def decoded(data: bytes) -> str:
    """The text of a record; UTF-8 without a byte order mark."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refusal(RecordReason.BAD_SYNTAX, "not UTF-8") from None


def read(text: str) -> Mapping[str, Json]:
    """One object, with nothing but white space around it."""
    try:
        _check_depth(text)
        return _object(_DECODER.decode(text))
    except ValueError:
        raise Refusal(RecordReason.BAD_SYNTAX, "not JSON") from None


def read_at(text: str, start: int) -> tuple[Mapping[str, Json], int]:
    """The object that begins exactly at `start`, and where it ends."""
    try:
        _check_depth(text)
        value, end = _DECODER.raw_decode(text, start)
    except ValueError:
        raise Refusal(RecordReason.BAD_SYNTAX, "not JSON") from None
    return _object(value), end


def text_of(fields: Mapping[str, Json], key: str, default: str | None = None) -> str:
    """A field that has to be a string; `default` where it is absent."""
    value = fields.get(key, default)
    if not isinstance(value, str) or isinstance(value, Number):
        raise Refusal(RecordReason.BAD_SYNTAX, f"{key} is no string")
    return value


def _object(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise Refusal(RecordReason.BAD_SYNTAX, "not a JSON object")
    return value


def _check_depth(text: str) -> None:
    """A bound of our own: the reader's depends on how deep its caller already is."""
    if text.count("{") + text.count("[") <= DEPTH_MAX:
        return
    depth = 0
    for part in _STRUCTURE.findall(text):
        if part in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise Refusal(RecordReason.NESTED_TOO_DEEP)
        elif part in "]}":
            depth -= 1


def _fields(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refusal(RecordReason.DUPLICATE_KEY)
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise Refusal(RecordReason.NOT_A_NUMBER, name)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_fields, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
)
