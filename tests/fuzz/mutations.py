"""Deterministic mutations: what a fuzzer does, from a seed, without one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

_LENGTHS: Final = (
    0,
    1,
    2,
    31,
    32,
    33,
    64,
    65,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_TOKENS: Final = (
    *(b"\x0c\x00\x00\x00\x01\x01a\x09", b"\x0b\x00\x00\x00\x00", b"\x0b\xff\xff\xff\xff", b"\x0a" * 40),
    *(
        b"\x02\xff\xff\xff\xff",
        b"\x01" + b"\xff" * 16,
        b"\x00" + b"\x80" + b"\x00" * 15,
        b"\x03",
        b"\x06\x20",
    ),
    *(
        b"[" * 40,
        b'{"a":' * 20,
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b"0.1",
        b"9" * 400,
        b'"\\ud800"',
        b"\xff\xfe",
    ),
    *(b"NaN", b"\x00", b"\r\n", b"|", b"*kWh)", b"1970-01-01T00:00:00,000+0000 U", b"\xe2\x80\xae"),
)


def mutants(samples: Sequence[bytes], seed: int, most: int, bytes_max: int) -> Iterator[bytes]:
    """`most` inputs made from the samples, the same for the same seed."""
    chance = Random(seed)
    for _ in range(most):
        data = bytearray(chance.choice(samples)) if samples else bytearray()
        for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
            data = _mutated(data, samples, chance)
        yield bytes(data[:bytes_max])


def _mutated(data: bytearray, samples: Sequence[bytes], chance: Random) -> bytearray:
    at = chance.randint(0, len(data))
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 16, 64)))
    match chance.randrange(9):
        case 0 if data:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[at:end]
        case 2:
            data[at:at] = data[at:end] * chance.choice((1, 2, 16))
        case 3:
            return data[:at]
        case 4:
            data[at:end] = chance.choice(_TOKENS)
        case 5:
            data[at : at + 4] = chance.choice(_LENGTHS).to_bytes(4, "big")
        case 6:
            other = chance.choice(samples)
            cut = chance.randint(0, len(other))
            return data[:at] + other[cut:]
        case 7:
            data[at:at] = chance.randbytes(chance.choice((1, 4, 32)))
        case _:
            data[at:end] = chance.randbytes(end - at)
    return data
