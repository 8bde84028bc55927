"""Signatures: three curves, one rule each for every node."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import coincurve
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from oracle.feeds.formats import SignatureCheck
from oracle.feeds.signatures import verify
from oracle.feeds.virtual_meter import compressed
from oracle.model import Curve
from tests.unit.formats.scene import key

MESSAGE = b"a register"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
K256_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ED_PRIME = 2**255 - 19
ED_ORDER = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_PRIME) % ED_PRIME


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def p256() -> SignatureCheck:
    private = key(5)
    r, s = decode_dss_signature(private.sign(MESSAGE, ec.ECDSA(hashes.SHA256())))
    return SignatureCheck(Curve.SECP256R1, compressed(private), MESSAGE, raw(r, s))


def k256() -> SignatureCheck:
    private = coincurve.PrivateKey((5).to_bytes(32, "big"))
    r, s = decode_dss_signature(private.sign(MESSAGE))
    return SignatureCheck(Curve.SECP256K1, private.public_key.format(), MESSAGE, raw(r, s))


def edwards() -> SignatureCheck:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    return SignatureCheck(
        Curve.ED25519, private.public_key().public_bytes_raw(), MESSAGE, private.sign(MESSAGE)
    )


CHECKS = (p256(), k256(), edwards())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.curve.name)
def test_own_signature_holds_and_no_other(check: SignatureCheck) -> None:
    assert verify([check])
    assert not verify([replace(check, message=b"another register")])
    assert not verify([replace(check, signature=check.signature[:-1])])
    assert not verify([replace(check, signature=bytes(64))])
    assert not verify([replace(check, signature=b"\xff" * 64)])
    for place in (0, 31, 32, 63):
        changed = bytearray(check.signature)
        changed[place] ^= 1
        assert not verify([replace(check, signature=bytes(changed))])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.curve.name)
@pytest.mark.parametrize("bad_key", [b"", bytes(32), bytes(33), b"\x02" + b"\xff" * 32, b"\x04" * 65])
def test_key_that_is_none_never_holds(check: SignatureCheck, bad_key: bytes) -> None:
    assert not verify([replace(check, key=bad_key)])


def test_curve_none_never_holds() -> None:
    assert not verify([replace(p256(), curve=Curve.NONE)])


def test_one_bad_signature_among_good_ones_is_found() -> None:
    assert verify(CHECKS)
    assert not verify((*CHECKS, replace(p256(), message=b"x")))


@pytest.mark.parametrize(("check", "order"), [(p256(), P256_ORDER), (k256(), K256_ORDER)])
def test_high_and_low_s_both_hold(check: SignatureCheck, order: int) -> None:
    r, s = (int.from_bytes(half, "big") for half in (check.signature[:32], check.signature[32:]))
    assert verify([replace(check, signature=raw(r, s)), replace(check, signature=raw(r, order - s))])
    if r + order < 1 << 256:
        assert not verify([replace(check, signature=raw(r + order, s))])


def test_ed25519_scalar_beyond_the_order_does_not_hold() -> None:
    check = edwards()
    scalar = int.from_bytes(check.signature[32:], "little") + ED_ORDER
    stretched = check.signature[:32] + scalar.to_bytes(32, "little")
    assert not verify([replace(check, signature=stretched)])


def double(point: tuple[int, int]) -> tuple[int, int]:
    x, y = point
    product_ = ED_D * x * x * y * y
    return (
        2 * x * y * pow(1 + product_, -1, ED_PRIME) % ED_PRIME,
        (y * y + x * x) * pow(1 - product_, -1, ED_PRIME) % ED_PRIME,
    )


def root(square: int) -> int | None:
    """A square root modulo the prime (which is 5 modulo 8), if there is one."""
    candidate = pow(square, (ED_PRIME + 3) // 8, ED_PRIME)
    if candidate * candidate % ED_PRIME != square % ED_PRIME:
        candidate = candidate * pow(2, (ED_PRIME - 1) // 4, ED_PRIME) % ED_PRIME
    return candidate if candidate * candidate % ED_PRIME == square % ED_PRIME else None


def x_of(y: int) -> int | None:
    return root((y * y - 1) * pow(ED_D * y * y + 1, -1, ED_PRIME))


def small_order_ys() -> list[int]:
    """By arithmetic: y = 0, 1, -1, and those with 2(x, y) at y = 0, where d y^4 + 2 y^2 - 1 = 0."""
    ys = [0, 1, ED_PRIME - 1]
    discriminant = root(1 + ED_D)
    assert discriminant is not None
    for sign in (1, -1):
        y = root((sign * discriminant - 1) * pow(ED_D, -1, ED_PRIME) % ED_PRIME)
        ys += [] if y is None else [y, ED_PRIME - y]
    return sorted(ys)


def test_there_are_five_y_of_small_order() -> None:
    assert len(set(small_order_ys())) == 5


@pytest.mark.parametrize("y", small_order_ys())
def test_small_order_points_vanish_when_multiplied_by_eight(y: int) -> None:
    x = x_of(y)
    assert x is not None
    assert double(double(double((x, y)))) == (0, 1)


@pytest.mark.parametrize(("y", "sign"), [*product(small_order_ys(), (0, 1))])
def test_ed25519_key_of_small_order_never_holds(y: int, sign: int) -> None:
    # With A of small order, R = identity and s = 0 satisfy the equation for many messages.
    encoded = (y | sign << 255).to_bytes(32, "little")
    trivial = (1).to_bytes(32, "little") + bytes(32)
    for number in range(16):
        assert not verify([SignatureCheck(Curve.ED25519, encoded, b"%d" % number, trivial)])


@pytest.mark.parametrize("excess", range(19))
def test_ed25519_key_that_is_not_reduced_never_holds(excess: int) -> None:
    encoded = (ED_PRIME + excess).to_bytes(32, "little")
    trivial = (1).to_bytes(32, "little") + bytes(32)
    for number in range(16):
        assert not verify([SignatureCheck(Curve.ED25519, encoded, b"%d" % number, trivial)])


def test_threads_agree() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(verify, [CHECKS] * 50)) == [True] * 50
