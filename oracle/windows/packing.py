"""Compact bytes of integer columns, for peers and for disk; nothing here is hashed or signed.

Rows on a wire are of fixed width (`join_rows`); columns on disk take each the narrowest
integers that hold them (`ColumnWriter`). Reading checks every length before it allocates
and gives None or `Damaged` for bytes that no writer wrote.
"""

from __future__ import annotations

from enum import Enum, unique
from typing import Final

import numpy as np

from oracle.windows.rows import Ints, Octets

_INT_BYTES: Final = 8
_HASH_BYTES: Final = 32
_WIDTHS: Final = {1: ">u1", 2: ">u2", 4: ">u4", 8: ">u8"}


@unique
class Misfit(Enum):
    """Why bytes or rows from elsewhere are not taken."""

    MALFORMED = "malformed"
    """No writer of ours wrote these bytes."""
    TOO_MANY = "too_many"
    """More rows than the caller allows."""
    NOT_AS_ATTESTED = "not_as_attested"
    """Well formed, but its totals or roots are not the attested ones."""
    OTHER_REGISTRY = "other_registry"
    """Made over another registry."""
    UNKNOWN_USAGE_POINT = "unknown_usage_point"
    """Names a meter that the registry does not have."""
    NOT_HELD = "not_held"
    """Names a record that this node does not hold."""


class DamagedError(ValueError):
    """Inside reading only: the bytes end early, or are wider than they need be."""


def join_rows(columns: tuple[Ints, ...], records: Octets) -> bytes:
    """Rows of big-endian 8-byte integers and a 32-byte hash."""
    count = len(records)
    out = np.empty((count, _INT_BYTES * len(columns) + _HASH_BYTES), np.uint8)
    for number, column in enumerate(columns):
        at = number * _INT_BYTES
        out[:, at : at + _INT_BYTES] = column.astype(">i8").view(np.uint8).reshape(count, _INT_BYTES)
    out[:, -_HASH_BYTES:] = records
    return out.tobytes()


def split_rows(data: bytes, columns: int) -> tuple[tuple[Ints, ...], Octets] | None:
    """What `join_rows` joined; None where the length fits no number of rows."""
    width = _INT_BYTES * columns + _HASH_BYTES
    if len(data) % width:
        return None
    rows = np.frombuffer(data, np.uint8).reshape(-1, width)
    numbers = np.ascontiguousarray(rows[:, :-_HASH_BYTES]).view(">i8").astype(np.int64)
    return tuple(numbers[:, number].copy() for number in range(columns)), rows[:, -_HASH_BYTES:].copy()


class ColumnWriter:
    """Collects columns; each is a byte that says its width, then its values."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def ints(self, column: Ints) -> None:
        """Add integers from 0 to 2^63-1."""
        highest = int(column.max(initial=0))
        width = next(size for size in _WIDTHS if highest < 1 << 8 * size)
        self._parts.append(bytes([width]) + column.astype(_WIDTHS[width]).tobytes())

    def octets(self, column: Octets) -> None:
        """Add bytes, or a matrix of them."""
        self._parts.append(column.tobytes())

    def bytes(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)


class ColumnReader:
    """Reads what a ColumnWriter wrote. Raises DamagedError, which callers turn into a Misfit."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def ints(self, count: int) -> Ints:
        """Read `count` integers."""
        width = self._take(1)[0]
        if width not in _WIDTHS:
            raise DamagedError("no such width")
        column = np.frombuffer(self._take(count * width), _WIDTHS[width])
        if column.max(initial=0) >= 1 << 63:
            raise DamagedError("an integer beyond 63 bits")
        return column.astype(np.int64)

    def number(self) -> int:
        """Read one integer."""
        return int(self.ints(1)[0])

    def octets(self, count: int) -> Octets:
        """Read `count` bytes."""
        return np.frombuffer(self._take(count), np.uint8)

    def records(self, count: int) -> Octets:
        """Read `count` hashes."""
        return self.octets(count * _HASH_BYTES).reshape(count, _HASH_BYTES)

    def end(self) -> None:
        """Every byte belongs to something."""
        if self._at != len(self._data):
            raise DamagedError("bytes after the last column")

    def _take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise DamagedError("the bytes end early")
        self._at += size
        return part
