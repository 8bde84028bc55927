import coincurve
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consensus.encoding import Principal
from oracle.chain.address import (
    MAINNET,
    TESTNET,
    AddressError,
    address_of,
    burn_address,
    chain_of,
    decode_c32check,
    encode_c32check,
    parse_principal,
    principal_text,
)
from tests.unit.chain.vectors import VECTORS
from tests.unit.chain.vectors import chain_of as vector_chain


def test_a_key_has_the_address_that_stacks_js_gives_it() -> None:
    for vector in VECTORS:
        key = coincurve.PrivateKey(bytes.fromhex(vector["private_key"]))
        assert principal_text(address_of(key.public_key, vector_chain(vector))) == vector["sender"]


def test_the_burn_address_is_the_one_that_everybody_writes() -> None:
    assert principal_text(burn_address(MAINNET)) == "SP000000000000000000002Q6VF78"
    assert principal_text(burn_address(TESTNET)) == "ST000000000000000000002AMW42H"


@given(st.integers(0, 31), st.binary(min_size=20, max_size=20))
def test_an_address_reads_back(version: int, payload: bytes) -> None:
    assert decode_c32check(encode_c32check(version, payload)) == (version, payload)


@given(st.binary(max_size=19), st.integers(0, 31))
def test_leading_zero_bytes_survive(tail: bytes, version: int) -> None:
    payload = tail.rjust(20, b"\0")
    assert decode_c32check(encode_c32check(version, payload)) == (version, payload)


@given(st.integers(1, 40), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_any_other_letter_breaks_the_checksum(position: int, letter: str) -> None:
    text = encode_c32check(26, bytes(range(20)))
    spoilt = text[:position] + letter + text[position + 1 :]
    if spoilt != text:
        with pytest.raises(AddressError):
            decode_c32check(spoilt)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S",
        "ST",
        "ST0",
        "st000000000000000000002amw42h",
        "STOOOOOOOOOOOOOOOOOOOOO2AMW42H",
        "ST0000000000000000000002AMW42H",
        "XT000000000000000000002AMW42H",
        "ST000000000000000000002AMW42H ",
        "ST000000000000000000002AMW42H.",
        "ST000000000000000000002AMW42H.1st",
        "ST000000000000000000002AMW42H.a.b",
        "ST000000000000000000002AMW42H.ü",
        "S" * 10_000,
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse_principal(text)


def test_a_contract_keeps_its_name() -> None:
    text = "ST000000000000000000002AMW42H.production-oracle"
    assert parse_principal(text) == Principal(26, bytes(20), "production-oracle")
    assert principal_text(parse_principal(text)) == text


def test_a_node_names_its_chain() -> None:
    assert chain_of(1) is MAINNET
    assert chain_of(0x80000000) is TESTNET
    with pytest.raises(AddressError):
        chain_of(2)
