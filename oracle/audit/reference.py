"""The reference backend: py-ecc for the pairing, `curves` for everything else. No native code."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from oracle.audit import curves
from oracle.audit.backend import BLS_SUITE, plausible_batch, plausible_point
from oracle.audit.values import BLS_SIGNATURE_BYTES, GROUP_KEY_BYTES

_limit = sys.getrecursionlimit()
# py-ecc does not export its names as its type marker promises.
_pairing: Any = import_module("py_ecc.optimized_bls12_381")
_hashing: Any = import_module("py_ecc.bls.hash_to_curve")
_compression: Any = import_module("py_ecc.bls.point_compression")
# It raises the recursion limit to 100,000 as it is imported; deeply nested JSON would then
# overflow the C stack and end the process. What is used of it recurses a few levels.
sys.setrecursionlimit(_limit)


class ReferenceBackend:
    """Slow (a pairing check takes 0.2 s) and readable; what the fast backend must agree with."""

    name = "reference"

    def recover_secp256k1(self, digest: bytes, signature: bytes) -> bytes | None:
        """See Backend."""
        return curves.SECP256K1.recover(digest, signature)

    def verify_secp256k1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        return curves.SECP256K1.verify(digest, signature, key)

    def verify_secp256r1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        return curves.SECP256R1.verify(digest, signature, key)

    def verify_ed25519(self, message: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        return curves.ed25519_verify(message, signature, key)

    def verify_bls(
        self, messages: Sequence[bytes], signatures: Sequence[bytes], key: bytes, weights: Sequence[int]
    ) -> bool:
        """See Backend: e(sum w_i S_i, g2) = e(sum w_i H(m_i), key)."""
        public = _group_key(key)
        points = [_signature(signature) for signature in signatures]
        if public is None or not plausible_batch(messages, signatures, weights):
            return False
        signed, hashed = _pairing.Z1, _pairing.Z1
        for message, point, weight in zip(messages, points, weights, strict=True):
            if point is None:
                return False
            signed = _pairing.add(signed, _pairing.multiply(point, weight))
            on_curve = _hashing.hash_to_G1(message, BLS_SUITE, hashlib.sha256)
            hashed = _pairing.add(hashed, _pairing.multiply(on_curve, weight))
        left = _pairing.pairing(_pairing.G2, signed, final_exponentiate=False)
        right = _pairing.pairing(public, _pairing.neg(hashed), final_exponentiate=False)
        return bool(_pairing.final_exponentiate(left * right) == _pairing.FQ12.one())


def _signature(data: bytes) -> Any | None:
    if not plausible_point(data, BLS_SIGNATURE_BYTES):
        return None
    return _in_subgroup(_compression.decompress_G1, int.from_bytes(data, "big"))


def _group_key(data: bytes) -> Any | None:
    if not plausible_point(data, GROUP_KEY_BYTES):
        return None
    halves = int.from_bytes(data[:48], "big"), int.from_bytes(data[48:], "big")
    return _in_subgroup(_compression.decompress_G2, halves)


def _in_subgroup(decompress: Any, compressed: Any) -> Any | None:
    try:
        point = decompress(compressed)
    except ValueError:
        return None
    return point if _pairing.is_inf(_pairing.multiply(point, _pairing.curve_order)) else None
