"""Whether the signatures that a record claims hold.

Decides nothing else. All calls into OpenSSL and libsecp256k1 release the interpreter
lock, so the shell runs `confirm_all` on slices in threads. Keys are kept parsed in
bounded caches.

Every node and the contracts have to agree on every signature:

    ECDSA     r || s, 64 bytes, over sha256(message); a high s is accepted, as
              `secp256r1-verify` does and as real meters send
    Ed25519   RFC 8032 as OpenSSL does it (s below the group's order, R compared as
              bytes), and no key of small order or with a y that is not reduced
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import coincurve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from consensus.model import Rejected
from oracle.feeds.formats import Parsed, RecordReason, RefusedItem, SignatureCheck
from oracle.model import Curve, UsagePoint

KEYS_CACHED_MAX: Final = 1 << 15
SIGNATURE_BYTES: Final = 64
COMPRESSED_BYTES: Final = 33

_SECP256K1_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_ED25519_PRIME: Final = 2**255 - 19
_ED25519_ORDER_8_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_ED25519_SMALL_ORDER_Y: Final = frozenset(
    (0, 1, _ED25519_PRIME - 1, _ED25519_ORDER_8_Y, _ED25519_PRIME - _ED25519_ORDER_8_Y)
)
_SHA256: Final = ECDSA(hashes.SHA256())


def confirm(parsed: Parsed) -> Parsed | Rejected:
    """What is left of a record once its signatures are checked; nothing remains to check.

    A failed signature refuses what it vouches for: the record, or one meter's item.
    """
    forged: list[UsagePoint] = []
    for check in parsed.checks:
        if _holds(check):
            continue
        if check.usage_point is None:
            return Rejected(RecordReason.BAD_SIGNATURE)
        forged.append(check.usage_point)
    readings = tuple(reading for reading in parsed.readings if reading.usage_point not in forged)
    if not readings:
        return Rejected(RecordReason.BAD_SIGNATURE)
    bad = Rejected(RecordReason.BAD_SIGNATURE)
    return Parsed(readings, (), parsed.refused + tuple(RefusedItem(point, bad) for point in forged))


def confirm_all(parsed: Sequence[Parsed]) -> list[Parsed | Rejected]:
    """`confirm` for a slice of the inflow: what a shell hands to one thread."""
    return [confirm(one) for one in parsed]


def verify(checks: Iterable[SignatureCheck]) -> bool:
    """Whether every one of them holds; malformed keys and signatures do not."""
    return all(_holds(check) for check in checks)


def _holds(check: SignatureCheck) -> bool:
    if len(check.signature) != SIGNATURE_BYTES:
        return False
    match check.curve:
        case Curve.SECP256R1:
            return _p256_holds(check)
        case Curve.SECP256K1:
            return _secp256k1_holds(check)
        case Curve.ED25519:
            return _ed25519_holds(check)
        case Curve.NONE:
            return False


def _p256_holds(check: SignatureCheck) -> bool:
    key = _p256_key(check.key)
    if key is None:
        return False
    r, s = _halves(check.signature)
    try:
        key.verify(encode_dss_signature(r, s), check.message, _SHA256)
    except InvalidSignature:
        return False
    return True


def _secp256k1_holds(check: SignatureCheck) -> bool:
    key = _secp256k1_key(check.key)
    r, s = _halves(check.signature)
    if key is None or not (0 < r < _SECP256K1_ORDER and 0 < s < _SECP256K1_ORDER):
        return False
    low_s = min(s, _SECP256K1_ORDER - s)  # libsecp256k1 knows only low s
    return bool(key.verify(encode_dss_signature(r, low_s), check.message))


def _ed25519_holds(check: SignatureCheck) -> bool:
    key = _ed25519_key(check.key)
    if key is None:
        return False
    try:
        key.verify(check.signature, check.message)
    except InvalidSignature:
        return False
    return True


def _halves(signature: bytes) -> tuple[int, int]:
    return int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _p256_key(encoded: bytes) -> EllipticCurvePublicKey | None:
    if len(encoded) != COMPRESSED_BYTES:
        return None
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), encoded)
    except ValueError:
        return None


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _secp256k1_key(encoded: bytes) -> coincurve.PublicKey | None:
    if len(encoded) != COMPRESSED_BYTES:
        return None
    try:
        return coincurve.PublicKey(encoded)
    except ValueError:
        return None


@lru_cache(maxsize=KEYS_CACHED_MAX)
def _ed25519_key(encoded: bytes) -> Ed25519PublicKey | None:
    y = int.from_bytes(encoded, "little") & ((1 << 255) - 1)
    if y >= _ED25519_PRIME or y in _ED25519_SMALL_ORDER_Y:
        return None
    try:
        return Ed25519PublicKey.from_public_bytes(encoded)
    except ValueError:
        return None
