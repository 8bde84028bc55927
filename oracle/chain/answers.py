"""What a node answers, as types: accounts, heads, statuses, refusals.

Decides what a well-formed answer is. Knows the JSON of the node's RPC and of the API in
front of it, no HTTP. A malformed answer is `MalformedAnswer`: that endpoint failed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Final

from consensus.encoding import EncodingError, Principal, Value, decode
from oracle.chain.address import AddressError, parse_principal

_TXID_DIGITS: Final = 64
_VALUE_BYTES_MAX: Final = 1 << 20


class MalformedAnswer(Exception):  # noqa: N818 - it states a fact, as ChainUnavailable does
    """An endpoint answered something that its interface does not allow."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at the chain's tip; `nonce` is the next one it will use."""

    nonce: int
    balance_ustx: int
    locked_ustx: int


@dataclass(frozen=True, slots=True)
class ChainInfo:
    """The tip of the chain as a node sees it."""

    chain_id: int
    height: int
    tip: str
    burn_height: int


@dataclass(frozen=True, slots=True)
class FeeEstimate:
    """Three fees in micro-STX: slow, usual, fast."""

    low_ustx: int
    middle_ustx: int
    high_ustx: int


@unique
class TransactionState(Enum):
    """Where a transaction stands."""

    UNKNOWN = "unknown"
    """No block and no mempool has it: never arrived, dropped, or reorganised away."""
    PENDING = "pending"
    SUCCESS = "success"
    ABORTED = "aborted"
    """Mined and rolled back, by its response or a post-condition; nonce and fee are gone."""

    @property
    def mined(self) -> bool:
        """Whether a block holds it."""
        return self in (TransactionState.SUCCESS, TransactionState.ABORTED)


@dataclass(frozen=True, slots=True)
class TransactionStatus:
    """State, and for a mined transaction its block and the canonical bytes of its result."""

    state: TransactionState
    height: int | None = None
    result_bytes: bytes | None = None

    @property
    def result(self) -> Value:
        """What the function answered, `Ok(…)` or `Err(…)`; None where there is no result."""
        return None if self.result_bytes is None else decode(self.result_bytes)


@dataclass(frozen=True, slots=True)
class ContractEvent:
    """One `print` of a contract."""

    txid: str
    index: int
    contract: Principal
    value_bytes: bytes

    @property
    def value(self) -> Value:
        """What was printed."""
        return decode(self.value_bytes)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """A read-only call's result, or why the contract gave none."""

    result_bytes: bytes | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A node has the transaction in its mempool, or had it already."""

    txid: str


@unique
class RejectReason(Enum):
    """Why a node refused a transaction, in its own words."""

    SERIALIZATION = "Serialization"
    DESERIALIZATION = "Deserialization"
    SIGNATURE_VALIDATION = "SignatureValidation"
    FEE_TOO_LOW = "FeeTooLow"
    BAD_NONCE = "BadNonce"
    NOT_ENOUGH_FUNDS = "NotEnoughFunds"
    NO_SUCH_CONTRACT = "NoSuchContract"
    NO_SUCH_PUBLIC_FUNCTION = "NoSuchPublicFunction"
    BAD_FUNCTION_ARGUMENT = "BadFunctionArgument"
    CONTRACT_ALREADY_EXISTS = "ContractAlreadyExists"
    POISON_MICROBLOCKS_DO_NOT_CONFLICT = "PoisonMicroblocksDoNotConflict"
    POISON_MICROBLOCK_HAS_UNKNOWN_PUB_KEY_HASH = "PoisonMicroblockHasUnknownPubKeyHash"
    POISON_MICROBLOCK_IS_INVALID = "PoisonMicroblockIsInvalid"
    BAD_ADDRESS_VERSION_BYTE = "BadAddressVersionByte"
    NO_COINBASE_VIA_MEMPOOL = "NoCoinbaseViaMempool"
    NO_TENURE_CHANGE_VIA_MEMPOOL = "NoTenureChangeViaMempool"
    CONFLICTING_NONCE_IN_MEMPOOL = "ConflictingNonceInMempool"
    TOO_MUCH_CHAINING = "TooMuchChaining"
    BAD_TRANSACTION_VERSION = "BadTransactionVersion"
    TRANSFER_RECIPIENT_CANNOT_EQUAL_SENDER = "TransferRecipientCannotEqualSender"
    TRANSFER_AMOUNT_MUST_BE_POSITIVE = "TransferAmountMustBePositive"
    ESTIMATOR_ERROR = "EstimatorError"
    TEMPORARILY_BLACKLISTED = "TemporarilyBlacklisted"
    SERVER_FAILURE_NO_SUCH_CHAIN_TIP = "ServerFailureNoSuchChainTip"
    SERVER_FAILURE_DATABASE = "ServerFailureDatabase"
    SERVER_FAILURE_OTHER = "ServerFailureOther"
    UNKNOWN = "Unknown"
    """A word this version does not know; `detail` has it."""

    @property
    def is_the_nodes_fault(self) -> bool:
        """Whether the node failed, and not the transaction: another try may do."""
        return self in _NODE_FAULTS


_NODE_FAULTS: Final = (
    RejectReason.SERVER_FAILURE_NO_SUCH_CHAIN_TIP,
    RejectReason.SERVER_FAILURE_DATABASE,
)


def read_json(body: bytes) -> Any:
    """Read JSON, whatever it is; MalformedAnswer if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise MalformedAnswer("not JSON") from cause


def account(body: bytes) -> Account:
    """`GET /v2/accounts/{address}`."""
    answer = _object(read_json(body))
    return Account(
        _integer(answer, "nonce"), _hex_integer(answer, "balance"), _hex_integer(answer, "locked", default=0)
    )


def info(body: bytes) -> ChainInfo:
    """`GET /v2/info`."""
    answer = _object(read_json(body))
    return ChainInfo(
        _integer(answer, "network_id"),
        _integer(answer, "stacks_tip_height"),
        _text(answer, "stacks_tip"),
        _integer(answer, "burn_block_height"),
    )


def read_answer(body: bytes) -> ReadAnswer:
    """`POST /v2/contracts/call-read/…`."""
    answer = _object(read_json(body))
    if answer.get("okay") is True:
        return ReadAnswer(_value_bytes(answer, "result"))
    if answer.get("okay") is False:
        return ReadAnswer(None, _text(answer, "cause"))
    raise MalformedAnswer("a read-only call without an outcome")


def data(body: bytes) -> bytes:
    """`POST /v2/map_entry/…`, `GET /v2/data_var/…`: the canonical bytes of the value."""
    return _value_bytes(_object(read_json(body)), "data")


def source(body: bytes) -> str:
    """`GET /v2/contracts/source/…`."""
    return _text(_object(read_json(body)), "source")


def interface(body: bytes) -> str:
    """`GET /v2/contracts/interface/…` as JSON with sorted keys: versions of a node order them differently."""
    return json.dumps(_object(read_json(body)), sort_keys=True)


def fee_estimate(body: bytes) -> FeeEstimate:
    """`POST /v2/fees/transaction`."""
    estimations = _list(_object(read_json(body)), "estimations")
    if len(estimations) != 3:
        raise MalformedAnswer("an estimate has three fees")
    low, middle, high = sorted(_integer(_object(one), "fee") for one in estimations)
    return FeeEstimate(low, middle, high)


def fee_rate(body: bytes) -> int:
    """`GET /v2/fees/transfer`: micro-STX a byte."""
    rate = read_json(body)
    if not isinstance(rate, int) or isinstance(rate, bool) or rate < 0:
        raise MalformedAnswer("a fee rate is a whole number")
    return rate


def broadcast_txid(body: bytes) -> str:
    """What `POST /v2/transactions` answers when it takes a transaction."""
    return _txid(read_json(body))


def reject_reason(body: bytes) -> tuple[RejectReason, str]:
    """What `POST /v2/transactions` answers when it does not, with a detail for the log."""
    answer = _object(read_json(body))
    word = answer.get("reason")
    detail = json.dumps(answer.get("reason_data") or answer.get("error") or "")[:500]
    try:
        return RejectReason(word), detail
    except ValueError:
        return RejectReason.UNKNOWN, f"{str(word)[:100]} {detail}"


def transaction_status(body: bytes) -> TransactionStatus:
    """`GET /extended/v1/tx/{txid}`."""
    answer = _object(read_json(body))
    word = _text(answer, "tx_status")
    if word == "pending":
        return TransactionStatus(TransactionState.PENDING)
    if word.startswith("dropped_") or answer.get("canonical") is False:
        return TransactionStatus(TransactionState.UNKNOWN)
    if word == "success" or word.startswith("abort_"):
        state = TransactionState.SUCCESS if word == "success" else TransactionState.ABORTED
        result = answer.get("tx_result")
        result_bytes = None if result is None else _value_bytes(_object(result), "hex")
        return TransactionStatus(state, _integer(answer, "block_height"), result_bytes)
    raise MalformedAnswer("a transaction status that nobody knows")


def raw_transaction(body: bytes) -> bytes:
    """`GET /extended/v1/tx/{txid}/raw`: the signed bytes."""
    return _hex(_text(_object(read_json(body)), "raw_tx"))


def contract_events(body: bytes) -> tuple[ContractEvent, ...]:
    """`GET /extended/v1/contract/{id}/events`; events other than prints are left out."""
    found = _list(_object(read_json(body)), "results")
    return tuple(
        _contract_event(_object(one))
        for one in found
        if isinstance(one, dict) and one.get("event_type") == "smart_contract_log"
    )


def _contract_event(event: dict[str, Any]) -> ContractEvent:
    log = _object(event.get("contract_log"))
    try:
        contract = parse_principal(_text(log, "contract_id"))
    except AddressError as cause:
        raise MalformedAnswer("an event of no contract") from cause
    value = _value_bytes(_object(log.get("value")), "hex")
    return ContractEvent(_txid(event.get("tx_id")), _integer(event, "event_index"), contract, value)


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise MalformedAnswer("not a JSON object")
    return answer


def _list(answer: dict[str, Any], name: str) -> list[Any]:
    found = answer.get(name)
    if not isinstance(found, list):
        raise MalformedAnswer(f"{name} is no list")
    return found


def _text(answer: dict[str, Any], name: str) -> str:
    found = answer.get(name)
    if not isinstance(found, str):
        raise MalformedAnswer(f"{name} is no text")
    return found


def _integer(answer: dict[str, Any], name: str) -> int:
    found = answer.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise MalformedAnswer(f"{name} is no whole number")
    return found


def _hex_integer(answer: dict[str, Any], name: str, *, default: int | None = None) -> int:
    if default is not None and name not in answer:
        return default
    return int.from_bytes(_hex(_text(answer, name)), "big")


def _value_bytes(answer: dict[str, Any], name: str) -> bytes:
    raw = _hex(_text(answer, name))
    try:
        decode(raw, bytes_max=_VALUE_BYTES_MAX)
    except EncodingError as cause:
        raise MalformedAnswer(f"{name} is no Clarity value: {cause}") from cause
    return raw


def _txid(text: Any) -> str:
    digits = str(text).removeprefix("0x")
    if len(_hex(digits)) * 2 != _TXID_DIGITS:
        raise MalformedAnswer("not a transaction id")
    return digits.lower()


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as cause:
        raise MalformedAnswer("not hexadecimal") from cause
