"""Many canonical values of one shape at once: their Clarity bytes as one byte matrix.

A tuple of unsigned integers and buffers of fixed length always encodes to the same number
of bytes, with every field at the same place. So the bytes of a value of zeros, made by
`consensus.encoding` itself, are a template, and a million values are a matrix of copies
with the columns written over. Knows nothing of what the fields mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from consensus.encoding import Value, encode
from consensus.model import check

Ints = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

UINT: Final = -1
"""Stands for a uint in a shape; a length from 0 stands for a buffer of that many bytes."""
_CHUNK_ROWS: Final = 1 << 15
"""Rows encoded at a time: ten megabytes of leaves, instead of 300 for a million."""
_TUPLE_HEADER_BYTES: Final = 5
_UINT_BYTES: Final = 16
_BUFFER_HEADER_BYTES: Final = 5


class RowShape:
    """Where each field of a tuple stands in its canonical bytes.

    `fields` maps names to UINT or to the length of a buffer.
    """

    def __init__(self, fields: Mapping[str, int]) -> None:
        zero: dict[str, Value] = {name: 0 if size == UINT else bytes(size) for name, size in fields.items()}
        self._template = np.frombuffer(encode(zero), np.uint8)
        self._places: dict[str, tuple[int, int]] = {}
        at = _TUPLE_HEADER_BYTES
        for name in sorted(fields, key=str.encode):
            size = fields[name]
            at += 1 + len(name)
            if size == UINT:
                self._places[name] = (at + 1 + _UINT_BYTES - 8, UINT)  # the low 8 of 16 bytes
                at += 1 + _UINT_BYTES
            else:
                self._places[name] = (at + _BUFFER_HEADER_BYTES, size)
                at += _BUFFER_HEADER_BYTES + size
        check(at == self._template.size, "the shape accounts for every byte of the template")

    @property
    def width(self) -> int:
        """Bytes of one value."""
        return int(self._template.size)

    def matrix(self, columns: Mapping[str, Ints | Octets]) -> Octets:
        """One row of canonical bytes a value.

        An integer column holds 0 to 2^63-1; a buffer column is a matrix of bytes.
        """
        count = len(next(iter(columns.values())))
        out = np.empty((count, self.width), np.uint8)
        out[:] = self._template
        for name, (at, size) in self._places.items():
            column = columns[name]
            if size == UINT:
                out[:, at : at + 8] = column.astype(">u8").view(np.uint8).reshape(count, 8)
            elif size:
                out[:, at : at + size] = column
        return out

    def leaf_hashes(self, columns: Mapping[str, Ints | Octets]) -> bytes:
        """sha256d of every value's canonical bytes, in one buffer: the leaves of a tree."""
        count = len(next(iter(columns.values())))
        parts = []
        for start in range(0, count, _CHUNK_ROWS):
            chunk = {name: column[start : start + _CHUNK_ROWS] for name, column in columns.items()}
            parts.append(_sha256d_each(self.matrix(chunk).tobytes(), self.width))
        return b"".join(parts)


def _sha256d_each(data: bytes, width: int) -> bytes:
    sha = hashlib.sha256
    return b"".join([sha(sha(data[at : at + width]).digest()).digest() for at in range(0, len(data), width)])
