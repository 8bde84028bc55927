"""ECDSA on secp256k1 and P-256, and Ed25519, in plain integers: the reference arithmetic.

Public data only, so nothing here needs constant time. Sources: SEC 1 v2 (4.1.4
verification, 4.1.6 recovery), FIPS 186-5, RFC 8032 (5.1.3, 5.1.7). High-s is left to
the caller: a vote must be low-s, a meter's signature need not be.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, TypeAlias

Jacobian: TypeAlias = tuple[int, int, int]
"""(X, Y, Z) for the affine point (X/Z^2, Y/Z^3); Z = 0 is the point at infinity."""

_INFINITY: Final[Jacobian] = (1, 1, 0)


@dataclass(frozen=True, slots=True)
class Weierstrass:
    """y^2 = x^3 + a x + b over p, with base point (x, y) of prime order n."""

    p: int
    a: int
    b: int
    n: int
    x: int
    y: int

    def lift(self, x: int, odd: int) -> tuple[int, int] | None:
        """The point with that x and parity of y, or None if there is none (p = 3 mod 4)."""
        if x >= self.p:
            return None
        square = (x * x * x + self.a * x + self.b) % self.p
        y = pow(square, (self.p + 1) // 4, self.p)
        if y * y % self.p != square:
            return None
        return x, y if y % 2 == odd else self.p - y

    def verify(self, digest: bytes, signature: bytes, key: bytes) -> bool:
        """Whether r||s (64 bytes) signs the 32-byte digest under the compressed key."""
        if len(signature) != 64 or len(key) != 33 or key[0] not in (2, 3):
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        public = self.lift(int.from_bytes(key[1:], "big"), key[0] - 2)
        if public is None or not (0 < r < self.n and 0 < s < self.n):
            return False
        inverse = pow(s, -1, self.n)
        point = self._combine(int.from_bytes(digest, "big") * inverse % self.n, r * inverse % self.n, public)
        affine = self._affine(point)
        return affine is not None and affine[0] % self.n == r

    def recover(self, digest: bytes, signature: bytes) -> bytes | None:
        """The compressed key behind r||s||v (65 bytes, v in 0..3), or None."""
        if len(signature) != 65 or signature[64] > 3:
            return None
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        v = signature[64]
        if not (0 < r < self.n and 0 < s < self.n):
            return None
        nonce = self.lift(r + (self.n if v & 2 else 0), v & 1)
        if nonce is None:
            return None
        inverse = pow(r, -1, self.n)
        point = self._combine(-int.from_bytes(digest, "big") * inverse % self.n, s * inverse % self.n, nonce)
        affine = self._affine(point)
        return None if affine is None else bytes([2 + affine[1] % 2]) + affine[0].to_bytes(32, "big")

    def _combine(self, k: int, m: int, other: tuple[int, int]) -> Jacobian:
        """Give k times the base point plus m times `other`, in one pass over the bits."""
        base, second = (self.x, self.y, 1), (*other, 1)
        both = self._add(base, second)
        total = _INFINITY
        for bit in range(max(k.bit_length(), m.bit_length()) - 1, -1, -1):
            total = self._double(total)
            match (k >> bit) & 1, (m >> bit) & 1:
                case 1, 1:
                    total = self._add(total, both)
                case 1, _:
                    total = self._add(total, base)
                case _, 1:
                    total = self._add(total, second)
                case _:
                    pass
        return total

    def _double(self, point: Jacobian) -> Jacobian:
        x, y, z = point
        if z == 0 or y == 0:
            return _INFINITY
        p = self.p
        yy = y * y % p
        s = 4 * x * yy % p
        m = (3 * x * x + self.a * pow(z, 4, p)) % p
        x3 = (m * m - 2 * s) % p
        return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p

    def _add(self, left: Jacobian, right: Jacobian) -> Jacobian:
        if left[2] == 0:
            return right
        if right[2] == 0:
            return left
        p = self.p
        (x1, y1, z1), (x2, y2, z2) = left, right
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, u2 = x1 * zz2 % p, x2 * zz1 % p
        s1, s2 = y1 * z2 * zz2 % p, y2 * z1 * zz1 % p
        if u1 == u2:
            return self._double(left) if s1 == s2 else _INFINITY
        h, r = u2 - u1, s2 - s1
        hh = h * h % p
        hhh, v = h * hh % p, u1 * hh % p
        x3 = (r * r - hhh - 2 * v) % p
        return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p

    def _affine(self, point: Jacobian) -> tuple[int, int] | None:
        x, y, z = point
        if z == 0:
            return None
        inverse = pow(z, -1, self.p)
        return x * inverse * inverse % self.p, y * pow(inverse, 3, self.p) % self.p


SECP256K1: Final = Weierstrass(
    p=2**256 - 2**32 - 977,
    a=0,
    b=7,
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141,
    x=0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    y=0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
SECP256R1: Final = Weierstrass(
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    a=-3,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    x=0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    y=0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


_ZERO: Final = bytes(32)
_HALF_ORDER: Final = (SECP256K1.n // 2).to_bytes(32, "big")
"""Big-endian bytes of one length compare as their numbers do."""


def is_low_s(signature: bytes) -> bool:
    """Whether s of r||s(||v) on secp256k1 is in the lower half, as every vote's must be."""
    return _ZERO < signature[32:64] <= _HALF_ORDER


_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
_BASE_Y: Final = 4 * pow(5, -1, _P) % _P

Extended: TypeAlias = tuple[int, int, int, int]
"""(X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""


def ed25519_admissible(signature: bytes, key: bytes) -> bool:
    """The rule on which libraries differ, fixed once: S < L, A and R canonical, not of small order."""
    return (
        len(signature) == 64
        and len(key) == 32
        and int.from_bytes(signature[32:], "little") < _L
        and all(_sound_point(part) for part in (key, signature[:32]))
    )


def ed25519_verify(message: bytes, signature: bytes, key: bytes) -> bool:
    """RFC 8032 verification without cofactor, [S]B = R + [k]A, of admissible input only."""
    if not ed25519_admissible(signature, key):
        return False
    public, nonce = _decompress(key), _decompress(signature[:32])
    base = _decompress(_BASE_Y.to_bytes(32, "little"))
    if public is None or nonce is None or base is None:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % _L
    left = _edwards_multiply(base, int.from_bytes(signature[32:], "little"))
    right = _edwards_add(nonce, _edwards_multiply(public, k))
    return _edwards_equal(left, right)


def _sound_point(data: bytes) -> bool:
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    return y < _P and y not in _SMALL_ORDER_Y


def _decompress(data: bytes) -> Extended | None:
    number = int.from_bytes(data, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P != u:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if v * x * x % _P != u or (x == 0 and odd):
        return None
    x = x if x % 2 == odd else _P - x
    return x, y, 1, x * y % _P


def _edwards_add(left: Extended, right: Extended) -> Extended:
    a = (left[1] - left[0]) * (right[1] - right[0]) % _P
    b = (left[1] + left[0]) * (right[1] + right[0]) % _P
    c = 2 * left[3] * right[3] * _D % _P
    d = 2 * left[2] * right[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _edwards_multiply(point: Extended, scalar: int) -> Extended:
    total: Extended = (0, 1, 1, 0)
    for bit in range(scalar.bit_length() - 1, -1, -1):
        total = _edwards_add(total, total)
        if (scalar >> bit) & 1:
            total = _edwards_add(total, point)
    return total


def _edwards_equal(left: Extended, right: Extended) -> bool:
    same_x = (left[0] * right[2] - right[0] * left[2]) % _P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _small_order_y() -> frozenset[int]:
    """Give y of the eight points whose order divides 8: 0, 1, -1 and the two of order 8.

    A point of order 8 doubles to (x, 0) with x^2 = -1, so x^2 = -y^2 on it; with the
    curve's equation d y^4 + 2 y^2 - 1 = 0, that is y^2 = (-1 +- sqrt(1 + d)) / d.
    """
    found = {0, 1, _P - 1}
    root = _square_root((1 + _D) % _P)
    for sign in (1, -1) if root is not None else ():
        y = _square_root((sign * (root or 0) - 1) * pow(_D, -1, _P) % _P)
        if y is not None:
            found |= {y, _P - y}
    return frozenset(found)


def _square_root(square: int) -> int | None:
    root = pow(square, (_P + 3) // 8, _P)
    if root * root % _P != square:
        root = root * _ROOT_OF_MINUS_ONE % _P
    return root if root * root % _P == square else None


_SMALL_ORDER_Y: Final = _small_order_y()
