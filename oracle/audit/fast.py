"""The fast backend: coincurve, cryptography and arkworks. Public data only, so timing leaks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from coincurve import PublicKey
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

from oracle.audit.backend import BLS_SUITE, plausible_batch, plausible_point
from oracle.audit.curves import ed25519_admissible
from oracle.audit.values import BLS_SIGNATURE_BYTES, GROUP_KEY_BYTES

_KEYS_CACHED = 4096
_G2 = G2Point()


class FastBackend:
    """A recovery takes 33 us, a meter's signature 50 us, a BLS signature in a batch 0.25 ms."""

    name = "fast"

    def recover_secp256k1(self, digest: bytes, signature: bytes) -> bytes | None:
        """See Backend."""
        if len(signature) != 65 or signature[64] > 3:
            return None
        try:
            return PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
        except Exception:  # noqa: BLE001 - coincurve raises bare Exception for what cannot be recovered
            return None

    def verify_secp256k1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        return _verify_ecdsa(_secp256k1_key(key), digest, signature)

    def verify_secp256r1(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        return _verify_ecdsa(_secp256r1_key(key), digest, signature)

    def verify_ed25519(self, message: bytes, signature: bytes, key: bytes) -> bool:
        """See Backend."""
        if not ed25519_admissible(signature, key):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def verify_bls(
        self, messages: Sequence[bytes], signatures: Sequence[bytes], key: bytes, weights: Sequence[int]
    ) -> bool:
        """See Backend: e(sum w_i S_i, g2) = e(sum w_i H(m_i), key)."""
        public = _group_key(key)
        if public is None or not plausible_batch(messages, signatures, weights):
            return False
        points = [_signature_point(signature) for signature in signatures]
        present = [point for point in points if point is not None]
        if len(present) != len(points):
            return False
        hashed = [G1Point.hash_to_curve(message, BLS_SUITE) for message in messages]
        scalars = [Scalar(weight) for weight in weights]
        left = G1Point.multiexp_unchecked(present, scalars)
        right = G1Point.multiexp_unchecked(hashed, scalars)
        return bool(GT.pairing_check([left, -right], [_G2, public]))


def _verify_ecdsa(key: ec.EllipticCurvePublicKey | None, digest: bytes, signature: bytes) -> bool:
    if key is None or len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


@lru_cache(_KEYS_CACHED)
def _secp256k1_key(key: bytes) -> ec.EllipticCurvePublicKey | None:
    return _ec_key(ec.SECP256K1(), key)


@lru_cache(_KEYS_CACHED)
def _secp256r1_key(key: bytes) -> ec.EllipticCurvePublicKey | None:
    return _ec_key(ec.SECP256R1(), key)


def _ec_key(curve: ec.EllipticCurve, key: bytes) -> ec.EllipticCurvePublicKey | None:
    if len(key) != 33:  # the library would take an uncompressed point too
        return None
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, key)
    except ValueError:
        return None


def _signature_point(data: bytes) -> G1Point | None:
    if not plausible_point(data, BLS_SIGNATURE_BYTES):
        return None
    try:
        return G1Point.from_compressed_bytes(data)
    except ValueError:
        return None


@lru_cache(16)
def _group_key(data: bytes) -> G2Point | None:
    if not plausible_point(data, GROUP_KEY_BYTES):
        return None
    try:
        return G2Point.from_compressed_bytes(data)
    except ValueError:
        return None
