"""Clarity values with their types: what the generated client writes and reads.

Decides whether a Python value fits a Clarity type of a contract's interface, and whether what
a contract answers is of the type that its interface gives. Knows no contract. Both ways are
strict: an argument that does not fit is `ArgumentRefused` before anything is sent, an answer
that does not fit is `ContractMisread`: the contract at that address is not ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from consensus.encoding import INT_MAX, INT_MIN, UINT_MAX, Int, Principal, Some, Utf8, Value

T = TypeVar("T")
Reader: TypeAlias = Callable[[Value], T]
Writer: TypeAlias = Callable[[T], Value]


class ContractMisread(Exception):  # noqa: N818 - it states a fact
    """A contract answers in a shape that ours does not: check the address in the configuration."""


class ArgumentRefused(ValueError):  # noqa: N818 - it states a fact
    """A value is not of the type that the contract's function takes."""


# -- writing ------------------------------------------------------------------------------


def to_uint(value: int) -> Value:
    """A uint."""
    return _within(value, 0, UINT_MAX)


def to_int(value: int) -> Value:
    """A signed integer."""
    return Int(_within(value, INT_MIN, INT_MAX))


def to_bool(value: bool) -> Value:  # noqa: FBT001 - it is the value
    """A bool."""
    return value


def to_buff(value: bytes, bytes_max: int) -> Value:
    """A buffer of at most so many bytes."""
    return _short(value, bytes_max, "bytes")


def to_ascii(value: str, letters_max: int) -> Value:
    """A string-ascii of at most so many letters."""
    if not value.isascii():
        raise ArgumentRefused(f"not ASCII: {value[:40]!r}")
    return _short(value, letters_max, "letters")


def to_utf8(value: str, letters_max: int) -> Value:
    """A string-utf8 of at most so many code points."""
    return Utf8(_short(value, letters_max, "letters"))


def to_principal(value: Principal) -> Value:
    """An account, or a contract."""
    return value


def to_contract(value: Principal) -> Value:
    """A contract, where the function takes a trait."""
    if value.contract_name is None:
        raise ArgumentRefused("an account, where a contract is needed")
    return value


def to_optional(value: T | None, write: Writer[T]) -> Value:
    """None, or Some."""
    return None if value is None else Some(write(value))


def to_list(values: Sequence[T], items_max: int, write: Writer[T]) -> Value:
    """A list of at most so many items."""
    _short(values, items_max, "items")
    return tuple(write(one) for one in values)


def as_is(value: Value) -> Value:
    """A value of a type for which Python has no plain form."""
    return value


Sized = TypeVar("Sized", bytes, str, Sequence[object])


def _short(value: Sized, limit: int, what: str) -> Sized:
    if len(value) > limit:
        raise ArgumentRefused(f"{len(value)} {what}, where {limit} are the most")
    return value


def _within(value: int, low: int, high: int) -> int:
    if isinstance(value, bool) or not low <= value <= high:
        raise ArgumentRefused(f"{value} is not from {low} to {high}")
    return value


# -- reading ------------------------------------------------------------------------------


def uint(value: Value) -> int:
    """A uint."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _misread("a uint", value)
    return value


def sint(value: Value) -> int:
    """A signed integer."""
    if not isinstance(value, Int):
        raise _misread("an int", value)
    return value.value


def boolean(value: Value) -> bool:
    """A bool."""
    if not isinstance(value, bool):
        raise _misread("a bool", value)
    return value


def buff(value: Value) -> bytes:
    """A buffer."""
    if not isinstance(value, bytes):
        raise _misread("a buffer", value)
    return value


def ascii_text(value: Value) -> str:
    """A string-ascii."""
    if not isinstance(value, str):
        raise _misread("a string-ascii", value)
    return value


def utf8_text(value: Value) -> str:
    """A string-utf8."""
    if not isinstance(value, Utf8):
        raise _misread("a string-utf8", value)
    return value.text


def principal(value: Value) -> Principal:
    """An account, or a contract."""
    if not isinstance(value, Principal):
        raise _misread("a principal", value)
    return value


def nothing(value: Value) -> None:
    """What the interface calls `none`: a type without values."""
    raise _misread("no value", value)


def anything(value: Value) -> Value:
    """A value of a type for which Python has no plain form."""
    return value


def optional(read: Reader[T]) -> Reader[T | None]:
    """None, or Some of what `read` reads."""

    def read_optional(value: Value) -> T | None:
        match value:
            case None:
                return None
            case Some(inner):
                return read(inner)
        raise _misread("an optional", value)

    return read_optional


def sequence(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """A list of what `read` reads."""

    def read_list(value: Value) -> tuple[T, ...]:
        if not isinstance(value, tuple):
            raise _misread("a list", value)
        return tuple(read(one) for one in value)

    return read_list


def fields(value: Value, *names: str) -> Mapping[str, Value]:
    """A tuple with just these fields."""
    if not isinstance(value, Mapping) or set(value) != set(names):
        raise _misread(f"a tuple of {', '.join(names)}", value)
    return value


def _misread(wanted: str, value: Value) -> ContractMisread:
    return ContractMisread(f"the contract answers {str(value)[:80]}, where {wanted} was to come")
