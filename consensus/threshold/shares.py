"""Shares of one signature: made alone, combined, and traced to their makers (T1, T2).

Knows slots and scalars; not how shares came about (that is `dkg`), nor what an entry
says. The member in slot s holds f(s+1) of a polynomial f of degree t-1 that nobody
knows; the group's secret is f(0). Any t partial signatures interpolate to the one
signature; t-1 of them say nothing.

Combining is optimistic (T2): the first t partials are interpolated and the result is
verified once. Only if it is wrong is each partial checked against its maker's public
share, which the public polynomial gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from consensus.encoding import digest
from consensus.model import MEMBERS_MAX, NodeId, Rejected, check
from consensus.threshold import bls
from consensus.threshold.bls import FAST
from consensus.threshold.scheme import ORDER, SCALAR_BYTES, SIGNATURE_DST

MESSAGE_BYTES: Final = 32
"""What is signed is always a digest: an entry's (T1) or an activation's (K3)."""


class PolynomialReason(Enum):
    """Why a list of points is no public polynomial."""

    WRONG_LENGTH = "wrong-length"
    BAD_POINT = "bad-point"


@dataclass(frozen=True, slots=True)
class PublicPolynomial:
    """The t commitments (96 bytes each) to the polynomial whose values are the shares.

    Public: it gives the group's key and every member's public share. Made by
    `parse_polynomial`, so its points are canonical, in the subgroup and finite (T3).
    """

    points: tuple[bytes, ...]

    @property
    def group_key(self) -> bytes:
        """The 96-byte key of the group."""
        return self.points[0]

    @property
    def threshold(self) -> int:
        """How many partials make a signature (t)."""
        return len(self.points)

    @property
    def commitments(self) -> bytes:
        """sha256 of the encoded list of points, as the `activate` entry names it."""
        return digest(self.points)

    def public_share(self, slot: NodeId) -> bytes:
        """Give f(slot+1)·G2, the 96-byte key of one member's partials."""
        return evaluate(self.points, slot)


def parse_polynomial(points: Sequence[bytes], threshold: int) -> PublicPolynomial | Rejected:
    """Read `threshold` commitments from outside; each point is checked (T3)."""
    if len(points) != threshold or not 0 < threshold <= MEMBERS_MAX:
        return Rejected(PolynomialReason.WRONG_LENGTH, f"{len(points)} points for {threshold}")
    for position, point in enumerate(points):
        if FAST.decode_g2(point) is None:
            return Rejected(PolynomialReason.BAD_POINT, f"commitment {position}")
    return PublicPolynomial(tuple(points))


@dataclass(frozen=True, slots=True)
class SecretShare:
    """One member's secret f(slot+1); the scalar reaches no repr."""

    slot: NodeId
    scalar: int = field(repr=False)

    def __post_init__(self) -> None:
        check(0 < self.scalar < ORDER, "a share is between 1 and the group's order")

    @property
    def public(self) -> bytes:
        """The 96-byte key of this share; equals `PublicPolynomial.public_share(slot)`."""
        return FAST.secret_g2(self.scalar)

    def sign(self, message: bytes) -> bytes:
        """Make this member's partial signature, 48 bytes, on a 32-byte digest.

        T1: call it only with the digest of a decided entry, or of an activation (K3).
        """
        check(len(message) == MESSAGE_BYTES, "a partial signature is on a digest")
        return FAST.secret_g1(self.scalar, message, SIGNATURE_DST)


@dataclass(frozen=True, slots=True)
class Combined:
    """The one signature on the message (48 bytes), and whose partials were wrong."""

    signature: bytes
    culprits: tuple[NodeId, ...] = ()


@dataclass(frozen=True, slots=True)
class BadShares:
    """No signature yet: `missing` good partials more are needed; `culprits` sent wrong ones."""

    culprits: tuple[NodeId, ...]
    missing: int


def combine(
    polynomial: PublicPolynomial, message: bytes, partials: Mapping[NodeId, bytes]
) -> Combined | BadShares:
    """Make the signature from partials by slot (the authenticated senders' slots).

    Costs one verification when all are honest. Culprits are slots, ascending; with
    enough good partials beside them the signature is made all the same.
    """
    check(all(0 <= slot < MEMBERS_MAX for slot in partials), "a partial comes from a slot")
    needed = polynomial.threshold
    readable = [slot for slot in sorted(partials) if FAST.decode_g1(partials[slot]) is not None]
    if len(readable) >= needed:
        signature = _interpolate({slot: partials[slot] for slot in readable[:needed]})
        if bls.verify(polynomial.group_key, message, signature):
            return Combined(signature, _without(partials, readable))
    good = [slot for slot in readable if verify_partial(polynomial, slot, message, partials[slot])]
    culprits = _without(partials, good)
    if len(good) < needed:
        return BadShares(culprits, needed - len(good))
    signature = _interpolate({slot: partials[slot] for slot in good[:needed]})
    check(bls.verify(polynomial.group_key, message, signature), "t valid partials give the signature")
    return Combined(signature, culprits)


def verify_partial(polynomial: PublicPolynomial, slot: NodeId, message: bytes, partial: bytes) -> bool:
    """Check one member's partial against its public share."""
    return bls.verify(polynomial.public_share(slot), message, partial)


def lagrange_at_zero(slots: Sequence[NodeId]) -> tuple[int, ...]:
    """Weights w with f(0) = sum of w·f(slot+1), for distinct slots and degree below their number."""
    check(len(set(slots)) == len(slots) > 0, "interpolation is over distinct slots")
    weights = []
    for slot in slots:
        numerator = denominator = 1
        for other in slots:
            if other != slot:
                numerator = numerator * (other + 1) % ORDER
                denominator = denominator * (other - slot) % ORDER
        weights.append(numerator * pow(denominator, -1, ORDER) % ORDER)
    return tuple(weights)


def evaluate(points: Sequence[bytes], slot: NodeId) -> bytes:
    """Give sum of (slot+1)^k·points[k], 96 bytes; the points must have been checked (T3)."""
    return weighted_sum(points, tuple(pow(slot + 1, power, ORDER) for power in range(len(points))))


def weighted_sum(points: Sequence[bytes], weights: Sequence[int]) -> bytes:
    """Give sum of weight·point in G2, 96 bytes; the points must have been checked (T3)."""
    decoded = [point for data in points if (point := FAST.decode_g2(data)) is not None]
    check(len(decoded) == len(points), "commitments are checked before they are used")
    return FAST.encode_g2(FAST.sum_g2(decoded, weights))


def scalar_from(data: bytes) -> int | None:
    """Read a 32-byte big-endian scalar; None unless between 1 and the order (T3)."""
    number = int.from_bytes(data, "big")
    return number if len(data) == SCALAR_BYTES and 0 < number < ORDER else None


def _interpolate(partials: Mapping[NodeId, bytes]) -> bytes:
    slots = sorted(partials)
    points = [point for slot in slots if (point := FAST.decode_g1(partials[slot])) is not None]
    return FAST.encode_g1(FAST.sum_g1(points, lagrange_at_zero(slots)))


def _without(partials: Mapping[NodeId, bytes], good: Sequence[NodeId]) -> tuple[NodeId, ...]:
    return tuple(slot for slot in sorted(partials) if slot not in good)
