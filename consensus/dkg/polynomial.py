"""Secret polynomials and what others can check about them.

Knows scalars and points; nothing of bundles, phases or who is at fault. A dealer's
polynomial f has degree t-1; member in slot s gets f(s+1); the commitments
A_k = a_k·G2 let anyone check a share: f(s+1)·G2 = sum of (s+1)^k·A_k (Feldman).

Everything secret is derived from bytes given by the caller, so that a node that was
restarted in the middle of a ceremony deals the same polynomial again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from consensus.encoding import encode
from consensus.model import NodeId, check
from consensus.threshold import scheme
from consensus.threshold.bls import FAST
from consensus.threshold.scheme import ORDER, POSSESSION_DST, SCALAR_BYTES
from consensus.threshold.shares import evaluate, scalar_from

SEED_BYTES: Final = 32
_WIDE_BYTES: Final = 48
"""384 bits reduced modulo a 255-bit order: a bias below 2^-128."""


@dataclass(frozen=True, slots=True)
class SecretPolynomial:
    """Coefficients a_0 .. a_(t-1), lowest first; they reach no repr."""

    coefficients: tuple[int, ...] = field(repr=False)

    def commit(self) -> tuple[bytes, ...]:
        """Give A_k = a_k·G2, 96 bytes each."""
        return tuple(FAST.secret_g2(coefficient) for coefficient in self.coefficients)

    def share(self, slot: NodeId) -> bytes:
        """Give f(slot+1) as 32 bytes, big-endian."""
        value = 0
        for coefficient in reversed(self.coefficients):
            value = (value * (slot + 1) + coefficient) % ORDER
        return value.to_bytes(SCALAR_BYTES, "big")


def derive(seed: bytes, session: bytes, purpose: bytes, size: int) -> bytes:
    """Give `size` secret bytes for one purpose of one session; `seed` is 32 secret bytes."""
    check(len(seed) == SEED_BYTES, "a ceremony's seed is 32 bytes")
    return hashlib.shake_256(b"wattest-ceremony/" + purpose + b"/" + session + seed).digest(size)


def secret_polynomial(seed: bytes, session: bytes, threshold: int, constant: int | None) -> SecretPolynomial:
    """Derive a polynomial of `threshold` coefficients; `constant` fixes a_0 in a resharing."""
    stream = derive(seed, session, b"polynomial", threshold * _WIDE_BYTES)
    coefficients = [
        int.from_bytes(stream[at : at + _WIDE_BYTES], "big") % ORDER
        for at in range(0, len(stream), _WIDE_BYTES)
    ]
    if constant is not None:
        coefficients[0] = constant
    check(all(coefficients), "no coefficient of a polynomial is zero")
    return SecretPolynomial(tuple(coefficients))


def share_fits(commitments: Sequence[bytes], slot: NodeId, share: bytes) -> bool:
    """Check a share (32 bytes) of the member in `slot` against checked commitments."""
    scalar = scalar_from(share)
    return scalar is not None and FAST.secret_g2(scalar) == evaluate(commitments, slot)


def prove_possession(secret: int, session: bytes, slot: NodeId) -> bytes:
    """Prove to know a_0, 48 bytes: a signature bound to the session and the dealer (K1)."""
    return FAST.secret_g1(secret, _possession(session, slot, FAST.secret_g2(secret)), POSSESSION_DST)


def possession_holds(constant: bytes, proof: bytes, session: bytes, slot: NodeId) -> bool:
    """Check a dealer's proof for its A_0; without it a late dealer could choose the group's key."""
    return scheme.verify(FAST, constant, _possession(session, slot, constant), proof, POSSESSION_DST)


def _possession(session: bytes, slot: NodeId, constant: bytes) -> bytes:
    return encode({"topic": "possession", "session": session, "slot": slot, "constant": constant})
