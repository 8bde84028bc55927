"""Stacks transactions: their bytes, their signature, their id (SIP-005).

Decides what is signed and sent. Single-signature P2PKH with a compressed key, standard
authorisation, any anchor mode: what a node operator needs. It does not know fees,
nonces or whether a contract exists.

    version | chain id | auth 04 00 signer nonce fee 00 signature | 03 | mode | conditions | payload

Signing hashes the bytes twice: first with nonce, fee and signature zeroed, then that hash
with the authorisation type, the fee and the nonce. The signature inside is v||r||s, while
Clarity's own functions take r||s||v. The id is sha512/256 of the signed bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import coincurve

from consensus.encoding import EncodingError, Principal, Value, encode
from oracle.chain.address import MAINNET, TESTNET, Chain, address_of, hash160
from oracle.chain.post_conditions import (
    PostCondition,
    PostConditionMode,
    post_conditions_bytes,
    read_post_conditions,
)
from oracle.chain.wire import Reader, TransactionError, name_bytes, u64_bytes

__all__ = [
    "ContractCall",
    "ContractDeploy",
    "Payload",
    "TokenTransfer",
    "Transaction",
    "TransactionError",
    "parse",
    "parse_payload",
    "recover_signer",
    "serialise",
    "serialise_payload",
    "sign",
    "txid",
    "txid_of",
    "unsigned",
    "verify",
]

TRANSACTION_BYTES_MAX: Final = 2 * 1024 * 1024
"""A Stacks block holds no more."""
MEMO_BYTES: Final = 34
UNSIGNED: Final = bytes(65)

_STANDARD_AUTH: Final = 0x04
_P2PKH: Final = 0x00
_COMPRESSED: Final = 0x00
_ANCHOR_ANY: Final = 0x03
_HALF_ORDER: Final = 0x7FFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_5D576E73_57A4501D_DFE92F46_681B20A0
_CLARITY_VERSION_MAX: Final = 15
_ARGUMENTS_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class TokenTransfer:
    """Moves micro-STX; the memo is at most 34 bytes and does not end in a zero byte."""

    recipient: Principal
    amount_ustx: int
    memo: bytes = b""

    def __post_init__(self) -> None:
        if len(self.memo) > MEMO_BYTES or self.memo.endswith(b"\0"):
            raise TransactionError("a memo has at most 34 bytes and no zero byte at its end")


@dataclass(frozen=True, slots=True)
class ContractCall:
    """Calls a public function."""

    contract: Principal
    function: str
    arguments: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        if self.contract.contract_name is None:
            raise TransactionError("a call needs a contract, not an account")
        if len(self.arguments) > _ARGUMENTS_MAX:
            raise TransactionError(f"more than {_ARGUMENTS_MAX} arguments")


@dataclass(frozen=True, slots=True)
class ContractDeploy:
    """Deploys source under the sender's address.

    `clarity_version` None is the unversioned payload, where the epoch picks the version:
    epoch 4.1 will refuse the versioned one, so Wattest reads it and never sends it.
    """

    name: str
    source: str
    clarity_version: int | None = None

    def __post_init__(self) -> None:
        try:
            Principal(0, bytes(20), self.name)
        except EncodingError as cause:
            raise TransactionError(str(cause)) from cause


Payload: TypeAlias = TokenTransfer | ContractCall | ContractDeploy


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction; `signature` is 65 bytes v||r||s, all zero before signing."""

    chain: Chain
    signer_hash160: bytes
    nonce: int
    fee_ustx: int
    payload: Payload
    mode: PostConditionMode = PostConditionMode.DENY
    post_conditions: tuple[PostCondition, ...] = ()
    signature: bytes = UNSIGNED

    def __post_init__(self) -> None:
        if len(self.signer_hash160) != 20 or len(self.signature) != 65:
            raise TransactionError("a signer's hash has 20 bytes and a signature 65")

    @property
    def sender(self) -> Principal:
        """The account that pays the fee and whose nonce it takes."""
        return Principal(self.chain.address_version, self.signer_hash160)


def unsigned(
    chain: Chain,
    public_key: coincurve.PublicKey,
    payload: Payload,
    *,
    nonce: int,
    fee_ustx: int,
    mode: PostConditionMode = PostConditionMode.DENY,
    post_conditions: tuple[PostCondition, ...] = (),
) -> Transaction:
    """A transaction of the key's account; then call `sign`."""
    sender = address_of(public_key, chain).hash160
    return Transaction(chain, sender, nonce, fee_ustx, payload, mode, post_conditions)


def sign(transaction: Transaction, key: coincurve.PrivateKey) -> Transaction:
    """Sign with the key of `transaction.signer_hash160`; the same input gives the same bytes."""
    if hash160(key.public_key.format(compressed=True)) != transaction.signer_hash160:
        raise TransactionError("this key does not own the sending account")
    recoverable = key.sign_recoverable(_signing_digest(transaction), hasher=None)
    return replace(transaction, signature=recoverable[64:] + recoverable[:64])


def verify(transaction: Transaction) -> bool:
    """Whether the signature is the sender's, with the low s that the network asks for."""
    signer = recover_signer(transaction)
    return signer is not None and hash160(signer.format(compressed=True)) == transaction.signer_hash160


def recover_signer(transaction: Transaction) -> coincurve.PublicKey | None:
    """The key that made the signature; None if it is none, or has a high s."""
    signature = transaction.signature
    if int.from_bytes(signature[33:], "big") > _HALF_ORDER:
        return None
    try:
        return coincurve.PublicKey.from_signature_and_message(
            signature[1:] + signature[:1], _signing_digest(transaction), hasher=None
        )
    except Exception:  # noqa: BLE001  coincurve raises a bare Exception or ValueError alike
        return None


def txid(transaction: Transaction) -> str:
    """64 hexadecimal digits, without 0x."""
    return txid_of(serialise(transaction))


def txid_of(raw: bytes) -> str:
    """The id of a transaction's bytes."""
    return _sha512_256(raw).hex()


def serialise(transaction: Transaction) -> bytes:
    """The bytes a node takes; TransactionError if a field does not fit."""
    condition = (
        bytes([_P2PKH])
        + transaction.signer_hash160
        + u64_bytes(transaction.nonce)
        + u64_bytes(transaction.fee_ustx)
        + bytes([_COMPRESSED])
        + transaction.signature
    )
    raw = (
        bytes([transaction.chain.transaction_version])
        + transaction.chain.chain_id.to_bytes(4, "big")
        + bytes([_STANDARD_AUTH])
        + condition
        + bytes([_ANCHOR_ANY, transaction.mode])
        + post_conditions_bytes(transaction.post_conditions)
        + serialise_payload(transaction.payload)
    )
    _check_size(raw)
    return raw


def parse(raw: bytes) -> Transaction:
    """Read one transaction; every byte must belong to it.

    Raises TransactionError for what `serialise` would not have written: `serialise(parse(raw)) == raw`.
    """
    _check_size(raw)
    reader = Reader(raw)
    chain = _read_chain(reader)
    _expect(reader, _STANDARD_AUTH, "standard authorisation")
    _expect(reader, _P2PKH, "a single-signature account")
    signer, nonce, fee_ustx = reader.take(20), reader.unsigned(8), reader.unsigned(8)
    _expect(reader, _COMPRESSED, "a compressed key")
    signature = reader.take(65)
    _expect(reader, _ANCHOR_ANY, "anchor mode any")
    mode = reader.member(PostConditionMode)
    conditions = read_post_conditions(reader)
    payload = _read_payload(reader)
    reader.end()
    return Transaction(chain, signer, nonce, fee_ustx, payload, mode, conditions, signature)


def serialise_payload(payload: Payload) -> bytes:
    """The payload alone, as a fee estimate takes it."""
    try:
        return _payload_bytes(payload)
    except EncodingError as cause:
        raise TransactionError(str(cause)) from cause


def parse_payload(raw: bytes) -> Payload:
    """Read one payload; every byte must belong to it."""
    reader = Reader(raw)
    payload = _read_payload(reader)
    reader.end()
    return payload


def _signing_digest(transaction: Transaction) -> bytes:
    cleared = replace(transaction, nonce=0, fee_ustx=0, signature=UNSIGNED)
    return _sha512_256(
        _sha512_256(serialise(cleared))
        + bytes([_STANDARD_AUTH])
        + u64_bytes(transaction.fee_ustx)
        + u64_bytes(transaction.nonce)
    )


def _sha512_256(data: bytes) -> bytes:
    return hashlib.new("sha512_256", data).digest()


def _payload_bytes(payload: Payload) -> bytes:
    match payload:
        case TokenTransfer(recipient, amount, memo):
            return b"\x00" + encode(recipient) + u64_bytes(amount) + memo.ljust(MEMO_BYTES, b"\0")
        case ContractCall(contract, function, arguments):
            return (
                b"\x02"
                + encode(contract)[1:]  # a call names its contract without the value's type byte
                + name_bytes(function)
                + len(arguments).to_bytes(4, "big")
                + b"".join(encode(argument) for argument in arguments)
            )
        case ContractDeploy(name, source, version):
            kind = b"\x01" if version is None else bytes([0x06, _clarity_version(version)])
            code = _source_bytes(source)
            return kind + name_bytes(name) + len(code).to_bytes(4, "big") + code


def _read_payload(reader: Reader) -> Payload:
    match reader.unsigned(1):
        case 0x00:
            return _read_transfer(reader)
        case 0x01:
            return _read_deploy(reader, None)
        case 0x02:
            return _read_call(reader)
        case 0x06:
            return _read_deploy(reader, _clarity_version(reader.unsigned(1)))
        case other:
            raise TransactionError(f"unknown payload {other:#04x}")


def _read_transfer(reader: Reader) -> TokenTransfer:
    recipient = reader.value()
    if not isinstance(recipient, Principal):
        raise TransactionError("a transfer goes to a principal")
    return TokenTransfer(recipient, reader.unsigned(8), reader.take(MEMO_BYTES).rstrip(b"\0"))


def _read_call(reader: Reader) -> ContractCall:
    contract, function = reader.contract(), reader.name()
    count = reader.unsigned(4)
    if count > _ARGUMENTS_MAX:
        raise TransactionError(f"more than {_ARGUMENTS_MAX} arguments")
    return ContractCall(contract, function, tuple(reader.value() for _ in range(count)))


def _read_deploy(reader: Reader, version: int | None) -> ContractDeploy:
    name = reader.name()
    code = reader.take(reader.unsigned(4))
    try:
        source = code.decode("ascii")
    except UnicodeDecodeError as cause:
        raise TransactionError("Clarity source is ASCII") from cause
    _source_bytes(source)
    return ContractDeploy(name, source, version)


def _read_chain(reader: Reader) -> Chain:
    version, chain_id = reader.unsigned(1), reader.unsigned(4)
    for chain in (MAINNET, TESTNET):
        if (chain.transaction_version, chain.chain_id) == (version, chain_id):
            return chain
    raise TransactionError(f"version {version:#04x} with chain id {chain_id:#x} is no known chain")


def _check_size(raw: bytes) -> None:
    if len(raw) > TRANSACTION_BYTES_MAX:
        raise TransactionError(f"longer than {TRANSACTION_BYTES_MAX} bytes")


def _expect(reader: Reader, byte: int, what: str) -> None:
    if reader.unsigned(1) != byte:
        raise TransactionError(f"not {what}")


def _clarity_version(version: int) -> int:
    if not 1 <= version <= _CLARITY_VERSION_MAX:
        raise TransactionError("no such Clarity version")
    return version


def _source_bytes(source: str) -> bytes:
    if not all(" " <= letter <= "~" or letter in "\t\n\r" for letter in source):
        raise TransactionError("Clarity source is printable ASCII")
    return source.encode("ascii")
