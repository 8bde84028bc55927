"""A counter beside the register that says how far it had come (N3).

Decides whether a register is the newest there is: every open and every transaction
moves the register's generation, then each marker's, and only then a signature leaves.
So a register that is behind a marker is an old copy, and a marker that names another
instance means that a twin is running. Does not know what is signed.

A marker is two slots in different blocks, written in turn: a write torn by a crash
leaves the other slot, one generation behind, and nothing was released for the torn one.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from consensus.model import check

ID_BYTES: Final = 16
_MAGIC: Final = b"WATTGEN1"
_SLOT: Final = struct.Struct(f">8s{ID_BYTES}sQ{ID_BYTES}s")
_SUM_BYTES: Final = 16
_SLOT_STRIDE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """One statement: this register, at this generation, held by this running instance."""

    register: bytes
    generation: int
    instance: bytes


class MarkerCorrupt(Exception):  # noqa: N818 - it states a fact
    """The file is there and holds no mark."""


class Marker:
    """One marker file, locked while it is open. Raises OSError; BlockingIOError if locked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sync_directory(path.parent)
        except OSError:
            os.close(self._file)
            raise

    def read(self) -> Mark | None:
        """Give the newest mark, None from a file without any; raises MarkerCorrupt."""
        slots = [os.pread(self._file, _SLOT.size + _SUM_BYTES, at) for at in (0, _SLOT_STRIDE_BYTES)]
        marks = [mark for mark in map(_parsed, slots) if mark is not None]
        if not marks and any(any(slot) for slot in slots):
            raise MarkerCorrupt(str(self.path))
        return max(marks, key=lambda mark: mark.generation, default=None)

    def write(self, mark: Mark) -> None:
        """Make the mark durable, in the slot that does not hold the previous one."""
        body = _SLOT.pack(_MAGIC, mark.register, mark.generation, mark.instance)
        data = body + sha256(body).digest()[:_SUM_BYTES]
        written = os.pwrite(self._file, data, mark.generation % 2 * _SLOT_STRIDE_BYTES)
        check(written == len(data), "a marker slot is written whole")
        os.fsync(self._file)

    def close(self) -> None:
        """Give up the file and its lock."""
        os.close(self._file)


def _parsed(slot: bytes) -> Mark | None:
    body, checksum = slot[: _SLOT.size], slot[_SLOT.size :]
    if len(slot) != _SLOT.size + _SUM_BYTES or sha256(body).digest()[:_SUM_BYTES] != checksum:
        return None
    magic, register, generation, instance = _SLOT.unpack(body)
    return Mark(register, generation, instance) if magic == _MAGIC else None


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
