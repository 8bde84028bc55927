"""BLS12-381 by py-ecc, pure Python: the second opinion on everything `bls` says.

For the auditor who runs no native code (0.2 s a signature), and for tests that put
both groups against each other. py-ecc is neither audited nor constant-time: no node
signs with it outside of tests. Its first use costs half a second of import, so the
import waits until then.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Final

from consensus.model import check
from consensus.threshold import scheme
from consensus.threshold.scheme import G2_GENERATOR, KEY_BYTES, ORDER, SIGNATURE_BYTES, is_canonical


class ReferenceGroup:
    """The slow group; see `scheme.Group`. Points are py-ecc's projective triples."""

    def hash_g1(self, message: bytes, dst: bytes) -> Any:
        """3 ms."""
        return _ecc().hash_to_G1(message, dst, hashlib.sha256)

    def decode_g1(self, data: bytes) -> Any | None:
        """7 ms."""
        if not is_canonical(data, SIGNATURE_BYTES):
            return None
        return _in_subgroup(_ecc().pubkey_to_G1, data)

    def decode_g2(self, data: bytes) -> Any | None:
        """36 ms."""
        if not is_canonical(data, KEY_BYTES):
            return None
        return _in_subgroup(_ecc().signature_to_G2, data)

    def encode_g1(self, point: Any) -> bytes:
        """Compress."""
        return bytes(_ecc().G1_to_pubkey(point))

    def encode_g2(self, point: Any) -> bytes:
        """Compress."""
        return bytes(_ecc().G2_to_signature(point))

    def sum_g1(self, points: Sequence[Any], scalars: Sequence[int]) -> Any:
        """7 ms a point."""
        return _sum(points, scalars)

    def sum_g2(self, points: Sequence[Any], scalars: Sequence[int]) -> Any:
        """28 ms a point."""
        return _sum(points, scalars)

    def pairings_agree(self, left: tuple[Any, Any], right: tuple[Any, Any]) -> bool:
        """0.15 s: two Miller loops, one final exponentiation."""
        curve = _ecc().curve
        product = curve.pairing(left[1], left[0], final_exponentiate=False) * curve.pairing(
            right[1], curve.neg(right[0]), final_exponentiate=False
        )
        return bool(curve.final_exponentiate(product) == curve.FQ12.one())

    def secret_g1(self, secret: int, message: bytes, dst: bytes) -> bytes:
        """For tests: py-ecc's timing tells the secret."""
        check(0 < secret < ORDER, "a secret scalar is between 1 and the group's order")
        return self.encode_g1(_ecc().curve.multiply(self.hash_g1(message, dst), secret))

    def secret_g2(self, secret: int) -> bytes:
        """For tests: py-ecc's timing tells the secret."""
        check(0 < secret < ORDER, "a secret scalar is between 1 and the group's order")
        return self.encode_g2(_ecc().curve.multiply(self.decode_g2(G2_GENERATOR), secret))


REFERENCE: Final = ReferenceGroup()


def verify(group_key: bytes, message: bytes, signature: bytes) -> bool:
    """Check a signature (48 bytes) under a key (96 bytes); malformed bytes are invalid. 0.2 s."""
    return scheme.verify(REFERENCE, group_key, message, signature)


@lru_cache(maxsize=1)
def _ecc() -> SimpleNamespace:
    # py-ecc raises the interpreter's recursion limit to 100,000 as it is imported: from then
    # on deeply nested JSON of a stranger would overflow the C stack and end the process.
    # The operations used here recurse a few levels, so the limit is put back.
    limit = sys.getrecursionlimit()
    try:
        from py_ecc import optimized_bls12_381 as curve  # noqa: PLC0415 - half a second, see above
        from py_ecc.bls import g2_primitives as primitives  # noqa: PLC0415
        from py_ecc.bls.hash_to_curve import hash_to_G1  # noqa: PLC0415
    finally:
        sys.setrecursionlimit(limit)

    return SimpleNamespace(
        curve=curve,
        hash_to_G1=hash_to_G1,
        # py-ecc names these after keys in G1; the bytes are the same whatever they mean.
        pubkey_to_G1=primitives.pubkey_to_G1,
        G1_to_pubkey=primitives.G1_to_pubkey,
        signature_to_G2=primitives.signature_to_G2,
        G2_to_signature=primitives.G2_to_signature,
        subgroup_check=primitives.subgroup_check,
    )


def _in_subgroup(decode: Any, data: bytes) -> Any | None:
    try:
        point = decode(data)
    except ValueError:
        return None
    return point if _ecc().subgroup_check(point) else None


def _sum(points: Sequence[Any], scalars: Sequence[int]) -> Any:
    check(len(points) == len(scalars) > 0, "a sum has as many scalars as points, and at least one")
    curve = _ecc().curve
    total, *rest = [
        curve.multiply(point, scalar % ORDER) for point, scalar in zip(points, scalars, strict=True)
    ]
    for term in rest:
        total = curve.add(total, term)
    return total
