"""Stacks addresses: c32check text, hash160 of a key, `Principal` to text and back.

Decides what a valid address is; does not know whether anybody holds its key.
The text form is the one the explorers show: `S`, the version's c32 letter, then the
c32 digits of hash160 and a four-byte checksum (double sha256).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import coincurve

from consensus.encoding import EncodingError, Principal

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECKSUM_BYTES: Final = 4
_TEXT_LENGTH_MAX: Final = 41
"""`S`, a version letter, and 39 digits for 24 bytes."""


class AddressError(ValueError):
    """The text is no address, or its checksum is wrong."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a transaction must say about the chain it is for."""

    name: str
    chain_id: int
    transaction_version: int
    address_version: int


MAINNET: Final = Chain("mainnet", 0x0000_0001, 0x00, 22)
TESTNET: Final = Chain("testnet", 0x8000_0000, 0x80, 26)
"""Also what a devnet is: same chain id, same address version."""


def chain_of(chain_id: int) -> Chain:
    """The chain a node's `network_id` names; AddressError for one that is neither."""
    for chain in (MAINNET, TESTNET):
        if chain.chain_id == chain_id:
            return chain
    raise AddressError(f"no chain has the id {chain_id:#x}")


def hash160(data: bytes) -> bytes:
    """ripemd160 of sha256, 20 bytes."""
    return hashlib.new("ripemd160", hashlib.sha256(data).digest()).digest()


def address_of(public_key: coincurve.PublicKey, chain: Chain) -> Principal:
    """The single-signature (P2PKH) address of a compressed secp256k1 key."""
    return Principal(chain.address_version, hash160(public_key.format(compressed=True)))


def burn_address(chain: Chain) -> Principal:
    """The address of twenty zero bytes, whose key nobody has."""
    return Principal(chain.address_version, bytes(20))


def contract_of(principal: Principal, name: str) -> Principal:
    """The principal of a contract that `principal` deploys as `name`."""
    return Principal(principal.version, principal.hash160, name)


def account_text(principal: Principal) -> str:
    """The address alone, without a contract's name."""
    return encode_c32check(principal.version, principal.hash160)


def principal_text(principal: Principal) -> str:
    """`ST…` for an account, `ST….contract-name` for a contract."""
    account = account_text(principal)
    return account if principal.contract_name is None else f"{account}.{principal.contract_name}"


def parse_principal(text: str) -> Principal:
    """Read `ST…` or `ST….contract-name`; AddressError on anything else."""
    account, dot, name = text.partition(".")
    version, payload = decode_c32check(account)
    try:
        return Principal(version, payload, name if dot else None)
    except EncodingError as cause:
        raise AddressError(str(cause)) from cause


def encode_c32check(version: int, payload: bytes) -> str:
    """`S` and the c32check text; `version` is below 32."""
    body = payload + _checksum(version, payload)
    return f"S{_DIGITS[version]}{_encode_c32(body)}"


def decode_c32check(text: str) -> tuple[int, bytes]:
    """Version and 20-byte payload; only the text that `encode_c32check` writes is accepted.

    Wallets forgive lower case and `O` for `0`; configuration files should not, because a
    second spelling of one address breaks every comparison of text.
    """
    if len(text) > _TEXT_LENGTH_MAX or len(text) < 3 or text[0] != "S":
        raise AddressError("an address starts with S and has at most 41 letters")
    if any(letter not in _DIGITS for letter in text[1:]):
        raise AddressError("not a c32 letter")
    version = _DIGITS.index(text[1])
    body = _decode_c32(text[2:])
    payload, checksum = body[:-_CHECKSUM_BYTES], body[-_CHECKSUM_BYTES:]
    if len(payload) != 20 or checksum != _checksum(version, payload):
        raise AddressError("the checksum is wrong")
    if encode_c32check(version, payload) != text:
        raise AddressError("not the canonical text of this address")
    return version, payload


def _checksum(version: int, payload: bytes) -> bytes:
    inner = hashlib.sha256(bytes([version]) + payload).digest()
    return hashlib.sha256(inner).digest()[:_CHECKSUM_BYTES]


def _encode_c32(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = _DIGITS[digit] + digits
    # As in base58: one zero digit for every leading zero byte.
    return "0" * (len(data) - len(data.lstrip(b"\0"))) + digits


def _decode_c32(text: str) -> bytes:
    significant = text.lstrip("0")
    number = 0
    for letter in significant:
        number = number * 32 + _DIGITS.index(letter)
    return bytes(len(text) - len(significant)) + number.to_bytes((number.bit_length() + 7) // 8, "big")
