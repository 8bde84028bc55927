"""The small parts of a transaction's bytes: names, accounts, fixed integers.

Decides how they are read and written; values inside a transaction are read by
`consensus.encoding`, which alone knows that form.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Final, TypeVar

from consensus.encoding import EncodingError, Principal, Value, decode_prefix

NAME_BYTES_MAX: Final = 128
U64_MAX: Final = (1 << 64) - 1

_CLARITY_NAME = re.compile(rb"[a-zA-Z](?:[a-zA-Z0-9]|[-_!?+<>=/*])*|[-+=/*]|[<>]=?")
_Member = TypeVar("_Member", bound=IntEnum)


class TransactionError(ValueError):
    """The bytes, or the fields, are no transaction that Wattest reads or writes."""


def name_bytes(name: str) -> bytes:
    """One length byte, then the ASCII name of a contract, function or asset."""
    raw = name.encode("ascii", "replace")
    if len(raw) > NAME_BYTES_MAX or not _CLARITY_NAME.fullmatch(raw):
        raise TransactionError(f"not a Clarity name: {name[:NAME_BYTES_MAX]!r}")
    return bytes([len(raw)]) + raw


def u64_bytes(number: int) -> bytes:
    """Eight bytes, big end first."""
    if not 0 <= number <= U64_MAX:
        raise TransactionError("an integer outside 64 bits")
    return number.to_bytes(8, "big")


class Reader:
    """Takes a transaction's bytes from the front; every failure is a TransactionError."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Exactly `size` bytes."""
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise TransactionError("the bytes end early")
        self._at += size
        return part

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def unsigned(self, size: int) -> int:
        """An unsigned integer of `size` bytes, big end first."""
        return int.from_bytes(self.take(size), "big")

    def member(self, kind: type[_Member]) -> _Member:
        """One byte that names a member of `kind`."""
        byte = self.unsigned(1)
        try:
            return kind(byte)
        except ValueError as cause:
            raise TransactionError(f"{byte:#04x} is no {kind.__name__}") from cause

    def name(self) -> str:
        """A name behind its length byte."""
        raw = self.take(self.unsigned(1))
        if not _CLARITY_NAME.fullmatch(raw) or len(raw) > NAME_BYTES_MAX:
            raise TransactionError("not a Clarity name")
        return raw.decode("ascii")

    def account(self) -> Principal:
        """Version byte and hash160."""
        return self._principal(None)

    def contract(self) -> Principal:
        """Version byte, hash160, contract name."""
        account = self.account()
        return _checked(account.version, account.hash160, self.name())

    def value(self) -> Value:
        """One Clarity value; what follows it stays."""
        try:
            value, self._at = decode_prefix(self._data, self._at)
        except EncodingError as cause:
            raise TransactionError(str(cause)) from cause
        return value

    def end(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._data):
            raise TransactionError("bytes after the transaction")

    def _principal(self, name: str | None) -> Principal:
        version = self.unsigned(1)
        return _checked(version, self.take(20), name)


def _checked(version: int, hash160: bytes, name: str | None) -> Principal:
    try:
        return Principal(version, hash160, name)
    except EncodingError as cause:
        raise TransactionError(str(cause)) from cause
