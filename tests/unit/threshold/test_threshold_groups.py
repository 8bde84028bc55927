"""Both libraries against published vectors, against each other, and against bad points (T3)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from consensus.model import InvariantBroken
from consensus.threshold import bls, reference, scheme
from consensus.threshold.bls import FAST
from consensus.threshold.reference import REFERENCE
from consensus.threshold.scheme import (
    FIELD,
    G2_GENERATOR,
    ORDER,
    POSSESSION_DST,
    SIGNATURE_DST,
    is_canonical,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "bls.json").read_text())
KEY = bytes.fromhex(VECTORS["quicknet"]["group-key"])
BEACONS = VECTORS["quicknet"]["beacons"]
GROUPS: list[Any] = [FAST, REFERENCE]
VERIFIERS = [bls.verify, reference.verify]
SECRET = 0x2A51F0E1C0FFEE0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF01

# A point of the curve with x = 4; a test below shows that it lies outside the subgroup.
OUTSIDE_SUBGROUP_G1 = bytes([0x80]) + (4).to_bytes(47, "big")


def outside_subgroup_g2() -> bytes:
    """The first point of the twist with a small x; its cofactor is 500 bits, so it is outside."""
    from py_ecc.bls.g2_primitives import signature_to_G2, subgroup_check

    for x in range(1, 100):
        data = bytes([0x80]) + bytes(47) + x.to_bytes(48, "big")
        try:
            point = signature_to_G2(data)  # type: ignore[arg-type]
        except ValueError:
            continue
        assert not subgroup_check(point)
        return data
    raise AssertionError("no point found")


def message_of(beacon: dict[str, Any]) -> bytes:
    return hashlib.sha256(beacon["round"].to_bytes(8, "big")).digest()


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("vector", VECTORS["hash-to-g1"]["points"], ids=lambda v: v["message"][:5])
def test_hashing_to_g1_follows_rfc_9380(group: Any, vector: dict[str, str]) -> None:
    x, y = int(vector["x"], 16), int(vector["y"], 16)
    flags = 0x80 | (0x20 if y > FIELD // 2 else 0)
    compressed = bytearray(x.to_bytes(48, "big"))
    compressed[0] |= flags
    point = group.hash_g1(vector["message"].encode(), VECTORS["hash-to-g1"]["dst"].encode())
    assert group.encode_g1(point) == bytes(compressed)


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("beacon", BEACONS, ids=lambda b: b["round"])
def test_real_drand_quicknet_beacon_verifies(verify: Any, beacon: dict[str, Any]) -> None:
    signature = bytes.fromhex(beacon["signature"])
    assert verify(KEY, message_of(beacon), signature)
    assert hashlib.sha256(signature).hexdigest() == beacon["randomness"]


@pytest.mark.parametrize("verify", VERIFIERS)
def test_beacon_of_another_round_or_key_does_not_verify(verify: Any) -> None:
    signature = bytes.fromhex(BEACONS[0]["signature"])
    assert not verify(KEY, message_of(BEACONS[1]), signature)
    assert not verify(G2_GENERATOR, message_of(BEACONS[0]), signature)


def test_both_libraries_make_the_same_keys_and_signatures() -> None:
    for secret in (1, 2, SECRET % ORDER, ORDER - 1):
        assert FAST.secret_g2(secret) == REFERENCE.secret_g2(secret)
        for dst in (SIGNATURE_DST, POSSESSION_DST):
            assert FAST.secret_g1(secret, b"m", dst) == REFERENCE.secret_g1(secret, b"m", dst)


def test_both_libraries_make_the_same_sums() -> None:
    messages = [b"a", b"b", b"c"]
    scalars = [5, ORDER - 2, SECRET]
    fast = FAST.sum_g1([FAST.hash_g1(m, SIGNATURE_DST) for m in messages], scalars)
    slow = REFERENCE.sum_g1([REFERENCE.hash_g1(m, SIGNATURE_DST) for m in messages], scalars)
    assert FAST.encode_g1(fast) == REFERENCE.encode_g1(slow)
    keys = [FAST.secret_g2(3), FAST.secret_g2(SECRET % ORDER)]
    points = [point for key in keys if (point := FAST.decode_g2(key)) is not None]
    fast_key = FAST.sum_g2(points, [7, 11])
    slow_key = REFERENCE.sum_g2([REFERENCE.decode_g2(key) for key in keys], [7, 11])
    assert FAST.encode_g2(fast_key) == REFERENCE.encode_g2(slow_key)


def test_without_pyblst_split_secrets_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = FAST.secret_g1(SECRET % ORDER, b"m", SIGNATURE_DST), FAST.secret_g2(SECRET % ORDER)
    monkeypatch.setattr(bls, "pyblst", None)
    assert (FAST.secret_g1(SECRET % ORDER, b"m", SIGNATURE_DST), FAST.secret_g2(SECRET % ORDER)) == expected
    one, other = bls._split(SECRET % ORDER, b"m")
    assert (one + other) % ORDER == SECRET % ORDER
    assert SECRET % ORDER not in {one, other}


INFINITIES = [
    pytest.param(lambda size: bytes([0xC0]) + bytes(size - 1), id="canonical"),
    pytest.param(lambda size: bytes([0xE0]) + bytes(size - 1), id="with-sign"),
    pytest.param(lambda size: bytes([0xC0]) + bytes(size - 2) + b"\x01", id="with-residue"),
    pytest.param(lambda size: bytes([0x40]) + bytes(size - 1), id="uncompressed"),
]


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("infinity", INFINITIES)
def test_infinity_is_refused_in_every_form(group: Any, infinity: Any) -> None:
    assert group.decode_g1(infinity(48)) is None
    assert group.decode_g2(infinity(96)) is None


@pytest.mark.parametrize("verify", VERIFIERS)
@pytest.mark.parametrize("infinity", INFINITIES)
def test_infinite_key_with_infinite_signature_verifies_nothing(verify: Any, infinity: Any) -> None:
    assert not verify(infinity(96), bytes(32), infinity(48))


@pytest.mark.parametrize("group", GROUPS)
def test_point_outside_the_subgroup_is_refused(group: Any) -> None:
    assert is_canonical(OUTSIDE_SUBGROUP_G1, 48)
    assert group.decode_g1(OUTSIDE_SUBGROUP_G1) is None
    assert group.decode_g2(outside_subgroup_g2()) is None


def test_the_g1_point_outside_the_subgroup_is_on_the_curve() -> None:
    from py_ecc.bls.g2_primitives import pubkey_to_G1, subgroup_check

    assert not subgroup_check(pubkey_to_G1(OUTSIDE_SUBGROUP_G1))  # type: ignore[arg-type]


@pytest.mark.parametrize("group", GROUPS)
def test_wrong_lengths_and_flags_are_refused(group: Any) -> None:
    good = bytes.fromhex(BEACONS[0]["signature"])
    uncompressed = bytes([good[0] & 0x7F]) + good[1:]
    for bad in (b"", good[:-1], good + b"\x00", uncompressed, KEY):
        assert group.decode_g1(bad) is None
    for bad in (b"", KEY[:-1], KEY + b"\x00", good, good + good):
        assert group.decode_g2(bad) is None
    assert group.decode_g1(good) is not None
    assert group.decode_g2(KEY) is not None


@pytest.mark.parametrize("group", GROUPS)
def test_coordinate_beyond_the_field_is_refused(group: Any) -> None:
    points = (FAST.encode_g1(FAST.hash_g1(bytes([n]), SIGNATURE_DST)) for n in range(256))
    xs = ((good, int.from_bytes(bytes([good[0] & 0x1F]) + good[1:], "big")) for good in points)
    good, x = next((good, x) for good, x in xs if x + FIELD < 1 << 381)
    shifted = bytearray((x + FIELD).to_bytes(48, "big"))
    shifted[0] |= good[0] & 0xE0
    assert group.decode_g1(good) is not None
    assert group.decode_g1(bytes(shifted)) is None
    modulus = bytearray(FIELD.to_bytes(48, "big"))
    modulus[0] |= 0x80
    assert group.decode_g1(bytes(modulus)) is None
    assert group.decode_g2(KEY[:48] + FIELD.to_bytes(48, "big")) is None
    assert group.decode_g2(KEY[:48] + bytes([KEY[48] | 0x80]) + KEY[49:]) is None


@pytest.mark.parametrize("group", GROUPS)
def test_sums_of_unequal_or_no_lists_are_our_own_fault(group: Any) -> None:
    point = group.hash_g1(b"m", SIGNATURE_DST)
    key = group.decode_g2(KEY)
    for points, scalars in (([point], []), ([point], [1, 2]), ([point, point], [1]), ([], [])):
        with pytest.raises(InvariantBroken):
            group.sum_g1(points, scalars)
    for points, scalars in (([key], [1, 2]), ([], [])):
        with pytest.raises(InvariantBroken):
            group.sum_g2(points, scalars)


@pytest.mark.parametrize("group", GROUPS)
def test_zero_and_oversize_secrets_are_our_own_fault(group: Any) -> None:
    for secret in (0, ORDER, -1):
        with pytest.raises(InvariantBroken):
            group.secret_g1(secret, b"m", SIGNATURE_DST)
        with pytest.raises(InvariantBroken):
            group.secret_g2(secret)


def test_proof_of_possession_is_no_signature() -> None:
    key = FAST.secret_g2(SECRET % ORDER)
    proof = FAST.secret_g1(SECRET % ORDER, bytes(32), POSSESSION_DST)
    assert scheme.verify(FAST, key, bytes(32), proof, POSSESSION_DST)
    assert not bls.verify(key, bytes(32), proof)


def test_canonical_form_bounds_every_coordinate_by_the_field() -> None:
    below, modulus = (FIELD - 1).to_bytes(48, "big"), FIELD.to_bytes(48, "big")
    for coordinate, expected in ((below, True), (modulus, False)):
        flagged = bytes([coordinate[0] | 0x80]) + coordinate[1:]
        assert is_canonical(flagged, 48) is expected
        assert is_canonical(flagged + below, 96) is expected
        assert is_canonical(bytes([below[0] | 0x80]) + below[1:] + coordinate, 96) is expected
