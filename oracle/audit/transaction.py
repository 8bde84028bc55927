"""A signed Stacks transaction that calls a contract, read from its raw bytes (SIP-005).

Compact and for auditing only: one signer, standard authorisation, no post-conditions,
which is what a submission to the oracle contract is. Everything else is Malformed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from consensus.encoding import EncodingError, Principal, Value
from oracle.audit.values import Malformed, decoded

TRANSACTION_BYTES_MAX: Final = 1 << 20
_STANDARD_AUTH: Final = 0x04
_SINGLE_SIGNER_MODES: Final = (0x00, 0x02)
_KEY_ENCODINGS: Final = (0x00, 0x01)
_CONTRACT_CALL: Final = 0x02
_LIST_TAG: Final = b"\x0b"


@dataclass(frozen=True, slots=True)
class ContractCall:
    """What the transaction calls, and with what; `txid` is the hash of all its bytes."""

    txid: bytes
    chain_id: int
    contract: Principal
    function: str
    arguments: tuple[Value, ...]


class _Cursor:
    """Takes bytes from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def take(self, size: int) -> bytes:
        part, self._data = self._data[:size], self._data[size:]
        if len(part) != size:
            raise Malformed("the transaction ends early")
        return part

    def byte(self, allowed: tuple[int, ...], what: str) -> int:
        value = self.take(1)[0]
        if value not in allowed:
            raise Malformed(f"{what} is {value:#04x}")
        return value

    def name(self) -> str:
        raw = self.take(self.take(1)[0])
        if not raw.isascii():
            raise Malformed("a name is not ASCII")
        return raw.decode("ascii")

    def rest(self) -> bytes:
        return self._data


def parse_contract_call(raw: bytes) -> ContractCall:
    """Read a contract call. Raises Malformed."""
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise Malformed("the transaction is too long")
    cursor = _Cursor(raw)
    cursor.byte((0x00, 0x80), "the transaction's version")
    chain_id = int.from_bytes(cursor.take(4), "big")
    cursor.byte((_STANDARD_AUTH,), "the authorisation")
    cursor.byte(_SINGLE_SIGNER_MODES, "the hash mode")
    cursor.take(20 + 8 + 8)  # signer, nonce, fee
    cursor.byte(_KEY_ENCODINGS, "the key encoding")
    cursor.take(65)
    cursor.byte((0x01, 0x02, 0x03), "the anchor mode")
    cursor.byte((0x01, 0x02, 0x03), "the post-condition mode")
    if cursor.take(4) != bytes(4):
        raise Malformed("a submission has no post-conditions")
    cursor.byte((_CONTRACT_CALL,), "the payload")
    version, hash160 = cursor.take(1)[0], cursor.take(20)
    try:
        contract = Principal(version, hash160, cursor.name())
    except EncodingError as cause:
        raise Malformed("not a contract principal") from cause
    function = cursor.name()
    # The arguments stand as a Clarity list does after its tag: a count, then the values.
    arguments = decoded(_LIST_TAG + cursor.rest(), TRANSACTION_BYTES_MAX)
    if not isinstance(arguments, tuple):
        raise Malformed("no list of arguments")
    return ContractCall(transaction_id(raw), chain_id, contract, function, arguments)


def transaction_id(raw: bytes) -> bytes:
    """SHA-512/256 of the transaction's bytes."""
    return hashlib.new("sha512_256", raw).digest()
