"""BLS12-381 by native code: py-arkworks for public data, pyblst for secret scalars.

Knows points and scalars, nothing of who holds them. arkworks has everything a
verifier needs, but the time of its multiplications tells the scalar's weight and
length; blst's are constant-time. Where pyblst is missing, a secret is split into two
numbers that each look uniform (`_split`) and arkworks multiplies both.

What stays observable: Python's own integer arithmetic on a secret (adding shares,
reading bytes) is not constant-time either; a node's share belongs in a process whose
timing strangers cannot measure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from consensus.model import check
from consensus.threshold import scheme
from consensus.threshold.scheme import G2_GENERATOR, KEY_BYTES, ORDER, SIGNATURE_BYTES, is_canonical

try:
    import pyblst
except ImportError:  # no wheel here (musl): arkworks with split scalars stands in
    pyblst = None

_DECODED_MAX: Final = 2048
"""Keys kept decoded, ~300 bytes each: a ceremony of 31 meets 31 x 21 commitments repeatedly."""


class FastGroup:
    """The native group; see `scheme.Group` for what each method promises."""

    def hash_g1(self, message: bytes, dst: bytes) -> G1Point:
        """0.16 ms."""
        return G1Point.hash_to_curve(message, dst)

    def decode_g1(self, data: bytes) -> G1Point | None:
        """0.05 ms."""
        if not is_canonical(data, SIGNATURE_BYTES):
            return None
        try:
            return G1Point.from_compressed_bytes(data)
        except ValueError:
            return None

    def decode_g2(self, data: bytes) -> G2Point | None:
        """0.11 ms at first sight."""
        return _decode_g2(data)

    def encode_g1(self, point: G1Point) -> bytes:
        """Compress."""
        return bytes(point.to_compressed_bytes())

    def encode_g2(self, point: G2Point) -> bytes:
        """Compress."""
        return bytes(point.to_compressed_bytes())

    def sum_g1(self, points: Sequence[G1Point], scalars: Sequence[int]) -> G1Point:
        """Multi-scalar multiplication of public scalars."""
        return G1Point.multiexp_unchecked(list(points), _scalars(len(points), scalars))

    def sum_g2(self, points: Sequence[G2Point], scalars: Sequence[int]) -> G2Point:
        """Multi-scalar multiplication of public scalars."""
        return G2Point.multiexp_unchecked(list(points), _scalars(len(points), scalars))

    def pairings_agree(self, left: tuple[G1Point, G2Point], right: tuple[G1Point, G2Point]) -> bool:
        """1 ms: one product of two pairings."""
        return GT.pairing_check([left[0], -right[0]], [left[1], right[1]])

    def secret_g1(self, secret: int, message: bytes, dst: bytes) -> bytes:
        """0.11 ms with pyblst, 0.42 ms without."""
        _check_secret(secret)
        if pyblst is not None:
            return bytes(pyblst.BlstP1Element().hash_to_group(message, dst).scalar_mul(secret).compress())
        point = self.hash_g1(message, dst)
        one, other = _split(secret, message)
        return self.encode_g1(point * Scalar(one) + point * Scalar(other))

    def secret_g2(self, secret: int) -> bytes:
        """0.13 ms with pyblst, 0.8 ms without."""
        _check_secret(secret)
        if pyblst is not None:
            generator = pyblst.BlstP2Element().uncompress(G2_GENERATOR)
            return bytes(generator.scalar_mul(secret).compress())
        one, other = _split(secret, G2_GENERATOR)
        return self.encode_g2(G2Point() * Scalar(one) + G2Point() * Scalar(other))


FAST: Final = FastGroup()


def verify(group_key: bytes, message: bytes, signature: bytes) -> bool:
    """Check a signature (48 bytes) under a key (96 bytes); malformed bytes are invalid. 1.3 ms."""
    return scheme.verify(FAST, group_key, message, signature)


@lru_cache(maxsize=_DECODED_MAX)
def _decode_g2(data: bytes) -> G2Point | None:
    if not is_canonical(data, KEY_BYTES):
        return None
    try:
        return G2Point.from_compressed_bytes(data)
    except ValueError:
        return None


def _scalars(points: int, scalars: Sequence[int]) -> list[Scalar]:
    # T3: arkworks silently drops the longer list's rest, and calls an empty sum infinity.
    check(points == len(scalars) > 0, "a sum has as many scalars as points, and at least one")
    return [Scalar(scalar % ORDER) for scalar in scalars]


def _check_secret(secret: int) -> None:
    check(0 < secret < ORDER, "a secret scalar is between 1 and the group's order")


def _split(secret: int, base: bytes) -> tuple[int, int]:
    """Two scalars whose sum is `secret`, each uniform to who does not know it.

    The first is a keyed hash of what is multiplied, as nonces are made in RFC 6979:
    fresh for each message without randomness of its own.
    """
    key = secret.to_bytes(scheme.SCALAR_BYTES, "big")
    stream = hashlib.shake_256(b"wattest-split" + key + base).digest(48)
    one = int.from_bytes(stream, "big") % ORDER
    return one, (secret - one) % ORDER
