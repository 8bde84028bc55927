"""Partials make the one signature, and a wrong one is traced to its maker (T1, T2)."""

from dataclasses import replace

import pytest

from consensus.dkg.polynomial import share_fits
from consensus.model import InvariantBroken, NodeId, Rejected, quorum
from consensus.threshold import bls, reference
from consensus.threshold.scheme import ORDER
from consensus.threshold.shares import (
    BadShares,
    Combined,
    PolynomialReason,
    SecretShare,
    combine,
    lagrange_at_zero,
    parse_polynomial,
    scalar_from,
    verify_partial,
)
from tests.unit.threshold.polynomials import shared_key

MESSAGE = bytes(range(32))
INFINITY = bytes([0xC0]) + bytes(47)


@pytest.mark.parametrize("members", [4, 7, 13, 31])
def test_any_quorum_makes_the_same_signature(members: int) -> None:
    polynomial, shares = shared_key(members)
    partials = {share.slot: share.sign(MESSAGE) for share in shares}
    needed = quorum(members)
    first = combine(polynomial, MESSAGE, dict(list(partials.items())[:needed]))
    last = combine(polynomial, MESSAGE, dict(list(partials.items())[-needed:]))
    assert isinstance(first, Combined)
    assert first == last
    assert first.culprits == ()
    assert bls.verify(polynomial.group_key, MESSAGE, first.signature)


def test_the_independent_library_agrees_on_the_signature() -> None:
    polynomial, shares = shared_key(4)
    combined = combine(polynomial, MESSAGE, {share.slot: share.sign(MESSAGE) for share in shares})
    assert isinstance(combined, Combined)
    assert reference.verify(polynomial.group_key, MESSAGE, combined.signature)


def test_fewer_than_a_quorum_make_nothing_and_blame_nobody() -> None:
    polynomial, shares = shared_key(7)
    partials = {share.slot: share.sign(MESSAGE) for share in shares[:4]}
    assert combine(polynomial, MESSAGE, partials) == BadShares((), 1)
    assert combine(polynomial, MESSAGE, {}) == BadShares((), 5)


def test_wrong_partials_are_traced_and_the_rest_still_combine() -> None:
    polynomial, shares = shared_key(7)
    partials = {share.slot: share.sign(MESSAGE) for share in shares}
    honest = combine(polynomial, MESSAGE, partials)
    partials[NodeId(0)] = shares[0].sign(bytes(32))
    partials[NodeId(3)] = INFINITY
    combined = combine(polynomial, MESSAGE, partials)
    assert isinstance(combined, Combined)
    assert isinstance(honest, Combined)
    assert combined.signature == honest.signature
    assert combined.culprits == (0, 3)


def test_too_many_wrong_partials_name_all_culprits() -> None:
    polynomial, shares = shared_key(4)
    partials = {share.slot: share.sign(MESSAGE) for share in shares}
    partials[NodeId(1)] = partials[NodeId(2)]  # a copied partial is another member's
    partials[NodeId(3)] = b"no point"
    assert combine(polynomial, MESSAGE, partials) == BadShares((NodeId(1), NodeId(3)), 1)


def test_the_maker_of_bytes_that_are_no_point_is_named_although_enough_others_are_there() -> None:
    polynomial, shares = shared_key(4)
    partials = {share.slot: share.sign(MESSAGE) for share in shares}
    partials[NodeId(3)] = b"no point"
    combined = combine(polynomial, MESSAGE, partials)
    assert isinstance(combined, Combined)
    assert combined.culprits == (3,)


@pytest.mark.parametrize("scalar", [bytes(32), ORDER.to_bytes(32, "big"), bytes(31), b"\x01" * 33])
def test_no_share_is_zero_or_beyond_the_order_or_of_another_length(scalar: bytes) -> None:
    assert scalar_from(scalar) is None
    assert not share_fits(shared_key(4)[0].points, NodeId(0), scalar)


def test_partials_whose_errors_cancel_blame_nobody_wrongly() -> None:
    # Two liars may shift their partials so that the sum is right: the signature is what
    # counts, and it is the same one.
    polynomial, shares = shared_key(4)
    slots = [share.slot for share in shares[:3]]
    weights = lagrange_at_zero(slots)
    shift = 12345
    other = shift * weights[0] * pow(weights[1], -1, ORDER) % ORDER
    lied = [
        replace(shares[0], scalar=(shares[0].scalar + shift) % ORDER),
        replace(shares[1], scalar=(shares[1].scalar - other) % ORDER),
        shares[2],
    ]
    combined = combine(polynomial, MESSAGE, {share.slot: share.sign(MESSAGE) for share in lied})
    honest = combine(polynomial, MESSAGE, {share.slot: share.sign(MESSAGE) for share in shares})
    assert combined == honest


def test_public_share_is_the_key_of_the_secret_share() -> None:
    polynomial, shares = shared_key(7)
    for share in shares:
        assert share.public == polynomial.public_share(share.slot)
        assert verify_partial(polynomial, share.slot, MESSAGE, share.sign(MESSAGE))
    assert not verify_partial(polynomial, NodeId(1), MESSAGE, shares[0].sign(MESSAGE))


def test_partials_outside_any_committee_are_our_own_fault() -> None:
    polynomial, shares = shared_key(4)
    for slot in (-1, 31):
        with pytest.raises(InvariantBroken):
            combine(polynomial, MESSAGE, {NodeId(slot): shares[0].sign(MESSAGE)})


def test_only_digests_are_signed() -> None:
    _, shares = shared_key(4)
    with pytest.raises(InvariantBroken):
        shares[0].sign(b"short")


def test_a_share_does_not_show_its_scalar() -> None:
    assert repr(SecretShare(NodeId(1), 987654321)) == "SecretShare(slot=1)"


def test_interpolation_over_a_slot_twice_is_our_own_fault() -> None:
    with pytest.raises(InvariantBroken):
        lagrange_at_zero([NodeId(1), NodeId(1)])
    with pytest.raises(InvariantBroken):
        lagrange_at_zero([])


def test_polynomial_from_outside_has_exactly_t_good_points() -> None:
    polynomial, _ = shared_key(4)
    points = polynomial.points
    assert parse_polynomial(points, 3) == polynomial
    for wrong in (points[:2], (*points, points[0])):
        rejected = parse_polynomial(wrong, 3)
        assert isinstance(rejected, Rejected)
        assert rejected.reason is PolynomialReason.WRONG_LENGTH
    rejected = parse_polynomial((points[0], bytes([0xE0]) + bytes(95), points[2]), 3)
    assert isinstance(rejected, Rejected)
    assert rejected.reason is PolynomialReason.BAD_POINT
