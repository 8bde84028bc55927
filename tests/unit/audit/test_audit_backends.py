"""Two backends, one truth: the reference arithmetic agrees with the native libraries."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from coincurve import PrivateKey
from py_arkworks_bls12381 import G1Point
from py_ecc.secp256k1.secp256k1 import ecdsa_raw_recover

from consensus.encoding import Some, encode
from oracle.audit import curves
from oracle.audit.backend import select
from oracle.audit.bundle import build
from oracle.audit.case import Expectations
from oracle.audit.verify import verify
from tests.unit.audit import world
from tests.unit.audit.world import Draft, Network

FAST, REFERENCE = select("fast"), select("reference")
DIGEST = hashlib.sha256(b"message").digest()
N = curves.SECP256K1.n


def agreed(check: Callable[[object], object]) -> object:
    """What both say; they must say the same."""
    fast, reference = check(FAST), check(REFERENCE)
    assert fast == reference
    return fast


def test_recovery_agrees_with_both_libraries() -> None:
    for index in range(8):
        key = PrivateKey(world.secret(f"recovery {index}"))
        signature = key.sign_recoverable(DIGEST, hasher=None)
        found = agreed(lambda backend: backend.recover_secp256k1(DIGEST, signature))  # type: ignore[attr-defined] # noqa: B023
        assert found == key.public_key.format()
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        x, y = ecdsa_raw_recover(DIGEST, (27 + signature[64], r, s))
        assert found == bytes([2 + y % 2]) + x.to_bytes(32, "big")


def test_recovery_of_what_is_no_signature_is_none() -> None:
    good = PrivateKey(world.secret("recovery")).sign_recoverable(DIGEST, hasher=None)
    for bad in (
        b"",
        good[:64],
        good + b"\x00",
        good[:64] + b"\x04",
        bytes(64) + b"\x00",
        good[:32] + bytes(32) + b"\x00",
        N.to_bytes(32, "big") + good[32:],
        good[:32] + N.to_bytes(32, "big") + good[64:],
        b"\xff" * 64 + b"\x01",
        good[:64] + bytes([good[64] | 2]),
    ):
        assert agreed(lambda backend: backend.recover_secp256k1(DIGEST, bad)) is None  # type: ignore[attr-defined] # noqa: B023


def test_high_s_recovers_alike_and_is_told_apart() -> None:
    key = PrivateKey(world.secret("high"))
    low = key.sign_recoverable(DIGEST, hasher=None)
    high = low[:32] + (N - int.from_bytes(low[32:64], "big")).to_bytes(32, "big") + bytes([low[64] ^ 1])
    assert agreed(lambda backend: backend.recover_secp256k1(DIGEST, high)) == key.public_key.format()  # type: ignore[attr-defined]
    assert curves.is_low_s(low)
    assert not curves.is_low_s(high)


@pytest.mark.parametrize("method", ["verify_secp256r1", "verify_secp256k1"])
def test_ecdsa_verification_agrees_on_good_and_bad(method: str) -> None:
    if method == "verify_secp256r1":
        signature = world.p256_raw(world.METER_KEYS[1], DIGEST)
        key, order = world.compressed(world.METER_KEYS[1]), curves.SECP256R1.n
    else:
        private = PrivateKey(world.secret("meter"))
        signature, key, order = (
            private.sign_recoverable(DIGEST, hasher=None)[:64],
            private.public_key.format(),
            N,
        )
    high = signature[:32] + (order - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    other = bytes([key[0] ^ 1]) + key[1:]
    for arguments, good in (
        ((DIGEST, signature, key), True),
        ((DIGEST, high, key), True),
        ((bytes(32), signature, key), False),
        ((DIGEST, signature[::-1], key), False),
        ((DIGEST, bytes(64), key), False),
        ((DIGEST, b"\xff" * 64, key), False),
        ((DIGEST, signature[:63], key), False),
        ((DIGEST, signature, other), False),
        ((DIGEST, signature, b"\x02" + b"\xff" * 32), False),
        ((DIGEST, signature, b"\x04" + key[1:]), False),
        ((DIGEST, signature, b""), False),
    ):
        assert agreed(lambda backend: getattr(backend, method)(*arguments)) is good  # noqa: B023


def test_ed25519_agrees_and_refuses_small_order_and_malleated_signatures() -> None:
    key, message = world.METER_ED.public_key().public_bytes_raw(), b"payload"
    signature = world.METER_ED.sign(message)
    order = 2**252 + 27742317777372353535851937790883648493
    malleated = signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    identity = (1).to_bytes(32, "little")
    for arguments, good in (
        ((message, signature, key), True),
        ((b"other", signature, key), False),
        ((message, malleated, key), False),
        ((message, signature[:63], key), False),
        ((message, signature, key[:31]), False),
        ((message, identity + bytes(32), identity), False),
        ((message, identity + bytes(32), key), False),
        ((message, signature, b"\xff" * 32), False),
        ((message, signature, (2).to_bytes(32, "little")), False),
    ):
        assert agreed(lambda backend: backend.verify_ed25519(*arguments)) is good  # type: ignore[attr-defined] # noqa: B023


def test_the_small_order_points_are_those_whose_eightfold_is_nothing() -> None:
    assert len(curves._SMALL_ORDER_Y) == 5
    for y in curves._SMALL_ORDER_Y:
        point = curves._decompress(y.to_bytes(32, "little"))
        assert point is not None
        assert curves._edwards_equal(curves._edwards_multiply(point, 8), (0, 1, 1, 0))


def test_bls_agrees_on_good_and_bad() -> None:
    network = Network()
    key, messages = network.group_key, (b"one", b"two")
    one, two = (network.group_sign(message) for message in messages)
    infinity = b"\xc0" + bytes(47)
    outside = b"\x80" + bytes(46) + b"\x04"  # on the curve or not, in no case in the subgroup
    for arguments, good in (
        ((messages[:1], (one,), key, (1,)), True),
        ((messages, (one, two), key, (3, 1 << 127)), True),
        ((messages, (two, one), key, (3, 5)), False),
        ((messages[:1], (two,), key, (1,)), False),
        (((), (), key, ()), False),
        ((messages, (one,), key, (1, 1)), False),
        ((messages[:1], (one,), key, (0,)), False),
        ((messages[:1], (infinity,), key, (1,)), False),
        ((messages[:1], (b"\xe0" + bytes(47),), key, (1,)), False),
        ((messages[:1], (outside,), key, (1,)), False),
        ((messages[:1], (one[:47],), key, (1,)), False),
        ((messages[:1], (one,), b"\xc0" + bytes(95), (1,)), False),
        ((messages[:1], (one,), b"", (1,)), False),
        ((messages[:1], (one,), b"\x9f" + b"\xff" * 95, (1,)), False),
    ):
        assert agreed(lambda backend: backend.verify_bls(*arguments)) is good  # type: ignore[attr-defined] # noqa: B023


def test_two_wrong_signatures_that_cancel_out_fail_under_random_weights() -> None:
    network = Network()
    messages = (b"one", b"two")
    points = [G1Point.from_compressed_bytes(network.group_sign(message)) for message in messages]
    shift = G1Point()
    bent = tuple(bytes(one.to_compressed_bytes()) for one in (points[0] + shift, points[1] - shift))
    assert FAST.verify_bls(messages, bent, network.group_key, (1, 1))
    assert not FAST.verify_bls(messages, bent, network.group_key, (2**100 + 7, 2**90 + 5))


def test_both_backends_give_the_same_verdict_but_for_their_name() -> None:
    parts = Draft().parts()
    for data in (build(parts), build(replace(parts, previous=None))):
        fast, reference = verify(data, backend="fast"), verify(data, backend="reference")
        assert fast.steps == reference.steps
        assert (fast.backend, reference.backend) == ("fast", "reference")


NO_NATIVE = """
import sys
for name in ("coincurve", "cryptography", "py_arkworks_bls12381", "pyblst", "numpy", "aiohttp"):
    sys.modules[name] = None  # importing it raises ImportError
from oracle.audit.backend import select
from oracle.audit.case import Expectations
from oracle.audit.verify import verify
data = open(sys.argv[1], "rb").read()
network, answer = map(bytes.fromhex, sys.argv[2:])
verdict = verify(data, Expectations(network=network, attestation=answer))
assert verdict.backend == "reference"
assert verdict.passed, verdict.text()
bent = data.replace(b'"format":"dsmr"', b'"format":"json"')
assert bent != data and not verify(bent).passed
try:
    select("fast")
except ImportError:
    print("verified without native code")
"""


def test_an_auditor_needs_no_native_package(tmp_path: Path) -> None:
    draft = Draft()
    parts = draft.parts()
    file = tmp_path / "window.bundle"
    file.write_bytes(build(parts))
    answer = encode(Some(world.attestation(parts.signed)))
    assert verify(file.read_bytes(), Expectations(attestation=answer)).passed
    arguments = [str(file), draft.network.network.hex(), answer.hex()]
    done = subprocess.run(
        [sys.executable, "-c", NO_NATIVE, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "verified without native code", done.stderr
