"""The outside of an export file: its first line, canonical JSON, and a strict reader of fields.

Canonical means: sorted keys, no spaces, ASCII, integers only, one newline at the end.
Whatever would not be written again as the same bytes is refused. Knows nothing of
what the fields mean.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar

from consensus.model import Rejected
from oracle.audit.values import Malformed

MAGIC: Final = b"wattest-bundle/1 sha256:"
INTEGER_MAX: Final = (1 << 53) - 1
"""JSON readers elsewhere hold integers as doubles."""

DEPTH_MAX: Final = 16
"""A bundle nests seven deep, an OCMF payload three."""
_STRING_OR_BRACKET: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)

T = TypeVar("T")


class BundleReason(Enum):
    """Why bytes are not a bundle."""

    TOO_LARGE = "too-large"
    NOT_A_BUNDLE = "not-a-bundle"
    CHECKSUM = "checksum"
    """The bytes after the first line are not those that were written."""
    NOT_CANONICAL = "not-canonical"
    """JSON that would be written differently, or holds a key twice."""
    MALFORMED = "malformed"
    """A field is missing, is unknown, or is not the value it should be."""


def seal(content: Any) -> bytes:
    """The file of a JSON value: first line with the checksum, then the value."""
    body = canonical_json(content)
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def unseal(data: bytes, bytes_max: int) -> Any | Rejected:
    """The JSON value of a file."""
    if len(data) > bytes_max:
        return Rejected(BundleReason.TOO_LARGE, f"more than {bytes_max} bytes")
    head, newline, body = data.partition(b"\n")
    if not newline or not head.startswith(MAGIC):
        return Rejected(BundleReason.NOT_A_BUNDLE, "the first line is not that of a bundle")
    if head[len(MAGIC) :] != hashlib.sha256(body).hexdigest().encode():
        return Rejected(BundleReason.CHECKSUM, "the content is not what its first line says")
    try:
        return read_canonical(body)
    except Malformed as cause:
        return Rejected(BundleReason.NOT_CANONICAL, str(cause))


def read_canonical(body: bytes) -> Any:
    """The value of canonical JSON. Raises Malformed."""
    if nests_too_deep(body):
        raise Malformed(f"nested deeper than {DEPTH_MAX}")
    try:
        content = json.loads(
            body.decode("ascii"),
            object_pairs_hook=_distinct,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except ValueError as cause:
        raise Malformed(str(cause)) from cause
    if canonical_json(content) != body:
        raise Malformed("not written the one way there is")
    return content


def nests_too_deep(data: bytes) -> bool:
    """Whether JSON nests deeper than DEPTH_MAX; to be asked before any JSON is parsed.

    py-ecc raises the recursion limit of the whole process, and beyond it the json
    module's own recursion would not raise but crash.
    """
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(data):
        first = data[match.start()]
        depth += (first in b"[{") - (first in b"]}")
        if depth > DEPTH_MAX:
            return True
    return False


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode()


class Fieldset:
    """Takes named fields out of a JSON object, and refuses what is left over."""

    def __init__(self, content: Any, what: str) -> None:
        if not isinstance(content, dict):
            raise Malformed(f"{what} is not an object")
        self._left: dict[str, Any] = dict(content)
        self.what = what

    def any(self, name: str) -> Any:
        """Whatever stands there."""
        if name not in self._left:
            raise Malformed(f"{self.what} has no `{name}`")
        return self._left.pop(name)

    def hex(self, name: str, *sizes: int) -> bytes:
        """Bytes of one of the `sizes`, or of any size if none is given."""
        return _hex(self.any(name), f"`{name}` of {self.what}", sizes)

    def base64(self, name: str) -> bytes:
        """Bytes of any size."""
        text = self.any(name)
        try:
            data = base64.b64decode(text, validate=True)
        except (ValueError, TypeError) as cause:
            raise Malformed(f"`{name}` of {self.what} is not base64") from cause
        if to_base64(data) != text:
            raise Malformed(f"`{name}` of {self.what} is not canonical base64")
        return data

    def integer(self, name: str) -> int:
        """A natural number."""
        value = self.any(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= INTEGER_MAX:
            raise Malformed(f"`{name}` of {self.what} is not a natural number")
        return value

    def text(self, name: str) -> str:
        """A string."""
        value = self.any(name)
        if not isinstance(value, str):
            raise Malformed(f"`{name}` of {self.what} is not a string")
        return value

    def each(self, name: str, read: Callable[[Fieldset], T]) -> tuple[T, ...]:
        """A list of objects."""
        return tuple(
            _read_whole(read, Fieldset(one, f"`{name}`[{at}] of {self.what}"))
            for at, one in enumerate(self._items(name))
        )

    def hexes(self, name: str, *sizes: int) -> tuple[bytes, ...]:
        """A list of bytes."""
        return tuple(_hex(one, f"`{name}` of {self.what}", sizes) for one in self._items(name))

    def optional(self, name: str, read: Callable[[Fieldset], T]) -> T | None:
        """An object, or null."""
        value = self.any(name)
        return None if value is None else _read_whole(read, Fieldset(value, f"`{name}` of {self.what}"))

    def maybe(self, name: str, read: Callable[[Fieldset], T]) -> T | None:
        """An object that need not be there, and is never null."""
        return self.one(name, read) if name in self._left else None

    def one(self, name: str, read: Callable[[Fieldset], T]) -> T:
        """An object."""
        return _read_whole(read, Fieldset(self.any(name), f"`{name}` of {self.what}"))

    def end(self) -> None:
        """Raise Malformed if a field was not taken."""
        if self._left:
            raise Malformed(f"{self.what} has unknown fields {sorted(self._left)}")

    def _items(self, name: str) -> list[Any]:
        value = self.any(name)
        if not isinstance(value, list):
            raise Malformed(f"`{name}` of {self.what} is not a list")
        return value


def _read_whole(read: Callable[[Fieldset], T], item: Fieldset) -> T:
    try:
        value = read(item)
    except Malformed as cause:
        known = str(cause)
        raise Malformed(known if item.what in known else f"{item.what}: {known}") from cause
    item.end()
    return value


def _hex(text: Any, what: str, sizes: tuple[int, ...]) -> bytes:
    try:
        data = bytes.fromhex(text)
    except (ValueError, TypeError) as cause:
        raise Malformed(f"{what} is not hex") from cause
    if data.hex() != text or (sizes and len(data) not in sizes):
        raise Malformed(f"{what} is not lower-case hex of the right length")
    return data


def canonical_json(content: Any) -> bytes:
    """The one way a JSON value is written here."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return content


def _refuse_number(text: str) -> None:
    raise ValueError(f"{text} is no integer")
