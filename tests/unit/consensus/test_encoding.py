"""Canonical bytes: SIP-005's examples, round trips, and refusal of whatever is not canonical."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.encoding import (
    EncodingError,
    Err,
    Int,
    Ok,
    Principal,
    Some,
    Utf8,
    Value,
    decode,
    digest,
    encode,
)

NAMES = st.from_regex(r"\A[a-z][a-z0-9-]{0,12}\Z")
PRINCIPALS = st.builds(
    Principal,
    st.sampled_from([22, 26]),
    st.binary(min_size=20, max_size=20),
    st.none() | st.from_regex(r"\A[a-z][a-z-]{0,8}\Z"),
)
LEAVES = st.one_of(
    st.integers(0, 2**128 - 1),
    st.integers(-(2**127), 2**127 - 1).map(Int),
    st.binary(max_size=80),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    st.text(max_size=10).map(Utf8),
    st.booleans(),
    st.none(),
    PRINCIPALS,
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Some),
        inner.map(Ok),
        inner.map(Err),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "hexadecimal"),
    [
        (Int(-1), "00" + "ff" * 16),
        (1, "01" + "00" * 15 + "01"),
        (b"\xaa\xbb", "0200000002aabb"),
        (True, "03"),
        (False, "04"),
        (None, "09"),
        (Some(True), "0a03"),
        (Ok(None), "0709"),
        ("abcd", "0d0000000461626364"),
        (Utf8("é"), "0e00000002c3a9"),
        ({"b": True, "a": False}, "0c0000000201610401" + "6203"),
        ((True, False), "0b000000020304"),
    ],
)
def test_values_have_the_bytes_of_sip_005(value: Value, hexadecimal: str) -> None:
    assert encode(value).hex() == hexadecimal


@given(VALUES)
def test_decoding_gives_back_what_was_encoded(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=200))
def test_bytes_that_decode_are_the_only_bytes_of_their_value(data: bytes) -> None:
    try:
        value = decode(data)
    except EncodingError:
        return
    assert encode(value) == data


@given(VALUES, st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_never_decodes_to_the_same_value(value: Value, place: int, change: int) -> None:
    data = bytearray(encode(value))
    data[place % len(data)] ^= change
    with contextlib.suppress(EncodingError):
        assert decode(bytes(data)) != value


@pytest.mark.parametrize(
    "hexadecimal",
    [
        "",
        "01",
        "0304",
        "ff",
        "0c00000000",
        "0c0000000201620301" + "6104",
        "0c00000002016103016104",
        "0bffffffff",
        "02ffffffff00",
        "0d00000001ff",
        "0e00000001ff",
        "0a" * 40 + "03",
        "051f" + "00" * 19,
        "061a" + "00" * 20 + "00",
    ],
)
def test_what_encode_would_not_write_is_refused(hexadecimal: str) -> None:
    with pytest.raises(EncodingError):
        decode(bytes.fromhex(hexadecimal))


@pytest.mark.parametrize("value", [-1, 2**128, Int(2**127), "é", {}, {"9a": 1}, {"a" * 129: 1}])
def test_what_clarity_cannot_hold_is_refused(value: Value) -> None:
    with pytest.raises(EncodingError):
        encode(value)


def test_decoding_is_bounded_before_it_allocates() -> None:
    with pytest.raises(EncodingError, match="longer"):
        decode(bytes(2_000_000))


def test_a_digest_is_the_sha256_of_the_bytes() -> None:
    assert digest(None).hex() == "2b4c342f5433ebe591a1da77e013d1b72475562d48578dca8b84bac6651c3cb9"
