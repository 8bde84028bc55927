"""A batch is valid when every signature is, and names those that are not."""

import hashlib

import pytest

from consensus.model import InvariantBroken
from consensus.threshold import batch
from consensus.threshold.batch import find_invalid
from consensus.threshold.bls import FAST
from consensus.threshold.scheme import ORDER, SIGNATURE_DST
from tests.unit.threshold.polynomials import shared_key

SECRET = 31415926535897932384626433832795
KEY = FAST.secret_g2(SECRET)
SEED = bytes(range(32))


def signed(count: int) -> list[tuple[bytes, bytes]]:
    messages = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(count)]
    return [(message, FAST.secret_g1(SECRET, message, SIGNATURE_DST)) for message in messages]


def test_valid_signatures_leave_nothing_to_report() -> None:
    assert find_invalid(KEY, signed(20), SEED) == ()
    assert find_invalid(KEY, [], SEED) == ()


def test_every_wrong_signature_is_found_across_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "BATCH_MAX", 8)
    items = signed(20)
    items[3] = (items[3][0], items[4][1])
    items[9] = (items[9][0], b"no point")
    items[19] = (bytes(32), items[19][1])
    assert find_invalid(KEY, items, SEED) == (3, 9, 19)


def test_errors_that_cancel_in_the_plain_sum_are_found() -> None:
    items = signed(2)
    base = FAST.hash_g1(b"shift", SIGNATURE_DST)
    points = [FAST.decode_g1(signature) for _, signature in items]
    up = FAST.sum_g1([points[0], base], [1, 5])  # type: ignore[list-item]
    down = FAST.sum_g1([points[1], base], [1, ORDER - 5])  # type: ignore[list-item]
    forged = [(items[0][0], FAST.encode_g1(up)), (items[1][0], FAST.encode_g1(down))]
    assert find_invalid(KEY, forged, SEED) == (0, 1)


def test_all_wrong_and_wrong_keys_are_reported_whole() -> None:
    items = signed(3)
    other, _ = shared_key(4)
    assert find_invalid(other.group_key, items, SEED) == (0, 1, 2)
    assert find_invalid(bytes([0xC0]) + bytes(95), items, SEED) == (0, 1, 2)
    assert find_invalid(KEY, [(message, b"") for message, _ in items], SEED) == (0, 1, 2)


def test_randomness_must_be_32_bytes() -> None:
    with pytest.raises(InvariantBroken):
        find_invalid(KEY, signed(1), b"")
