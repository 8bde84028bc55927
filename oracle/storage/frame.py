"""How one raw record lies in the log: length, checksum, when and from whom, then its bytes.

Decides the bytes of a frame and where a torn log ends. Frames say everything themselves,
so the index can be made again from the log alone.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zlib import crc32

from consensus.model import check
from oracle.model import Record

_HEADER: Final = struct.Struct(">4sIIQQB")  # magic, data length, crc32, received ms, source, format length
_MAGIC: Final = b"WREC"
_CHECKED_FROM: Final = 12
"""The checksum covers the header after itself, the length, the format and the data."""
RECORD_BYTES_MAX: Final = 8 << 20
FORMAT_BYTES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A raw record and when it arrived, UTC ms."""

    record: Record
    received_ms: int


@dataclass(frozen=True, slots=True)
class Framed:
    """A record found at byte `at` of a segment, `length` bytes of frame."""

    stored: StoredRecord
    at: int
    length: int


def framed(record: Record, received_ms: int) -> bytes:
    """Give the frame of a record."""
    format_ = record.format.encode("ascii")
    check(len(record.data) <= RECORD_BYTES_MAX, "a feed refuses a record above the limit")
    check(len(format_) <= FORMAT_BYTES_MAX, "a format has a short name")
    tail = received_ms.to_bytes(8, "big") + record.source.to_bytes(8, "big") + bytes([len(format_)])
    tail += format_ + record.data
    size = len(record.data).to_bytes(4, "big")
    return _MAGIC + size + crc32(tail, crc32(size)).to_bytes(4, "big") + tail


def read_frame(file: int, at: int) -> Framed | None:
    """Read the frame at a byte of an open file; None where there is no whole, sound frame."""
    head = os.pread(file, _HEADER.size, at)
    if len(head) < _HEADER.size:
        return None
    magic, size, checksum, received_ms, source, format_bytes = _HEADER.unpack(head)
    if magic != _MAGIC or size > RECORD_BYTES_MAX or format_bytes > FORMAT_BYTES_MAX:
        return None
    body = os.pread(file, format_bytes + size, at + _HEADER.size)
    summed = crc32(body, crc32(head[_CHECKED_FROM:], crc32(head[4:8])))
    if len(body) < format_bytes + size or summed != checksum:
        return None
    record = Record(body[:format_bytes].decode("ascii"), source, body[format_bytes:])
    return Framed(StoredRecord(record, received_ms), at, _HEADER.size + len(body))


def frames(file: int, at: int, end: int | None = None) -> Iterator[Framed]:
    """Every frame from a byte on, up to `end` or the first place where none is."""
    while end is None or at < end:
        found = read_frame(file, at)
        if found is None:
            return
        yield found
        at += found.length
