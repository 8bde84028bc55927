"""Post-conditions: what a transaction may move, or it is rolled back (SIP-005, SIP-040).

Decides their bytes; does not know whether one holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from consensus.encoding import Principal, Value, encode
from oracle.chain.wire import Reader, TransactionError, name_bytes, u64_bytes

_STX: Final = 0x00
_FUNGIBLE: Final = 0x01
_NON_FUNGIBLE: Final = 0x02
_ORIGIN: Final = 0x01
_STANDARD: Final = 0x02
_CONTRACT: Final = 0x03

POST_CONDITIONS_MAX: Final = 255
"""Far above what a call of ours needs; bounds a parse."""


class PostConditionMode(IntEnum):
    """What happens to transfers that no condition names."""

    ALLOW = 0x01
    DENY = 0x02
    ORIGINATOR = 0x03


class Comparison(IntEnum):
    """The amount sent, compared with the condition's amount."""

    EQUAL = 0x01
    GREATER = 0x02
    GREATER_EQUAL = 0x03
    LESS = 0x04
    LESS_EQUAL = 0x05


class Sending(IntEnum):
    """Whether the non-fungible asset leaves its holder."""

    SENT = 0x10
    NOT_SENT = 0x11
    MAYBE_SENT = 0x12


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset class: `contract::name`."""

    contract: Principal
    name: str


@dataclass(frozen=True, slots=True)
class StxCondition:
    """`holder` (None: the transaction's sender) sends so many micro-STX."""

    holder: Principal | None
    comparison: Comparison
    amount_ustx: int


@dataclass(frozen=True, slots=True)
class FungibleCondition:
    """`holder` (None: the sender) sends so many units of `asset`."""

    holder: Principal | None
    asset: Asset
    comparison: Comparison
    amount: int


@dataclass(frozen=True, slots=True)
class NonFungibleCondition:
    """`holder` (None: the sender) sends, or keeps, the one token `asset_id`."""

    holder: Principal | None
    asset: Asset
    asset_id: Value
    sending: Sending


PostCondition: TypeAlias = StxCondition | FungibleCondition | NonFungibleCondition


def post_conditions_bytes(conditions: tuple[PostCondition, ...]) -> bytes:
    """A four-byte count, then each condition."""
    if len(conditions) > POST_CONDITIONS_MAX:
        raise TransactionError(f"more than {POST_CONDITIONS_MAX} post-conditions")
    return len(conditions).to_bytes(4, "big") + b"".join(_condition_bytes(one) for one in conditions)


def read_post_conditions(reader: Reader) -> tuple[PostCondition, ...]:
    """Read what `post_conditions_bytes` wrote."""
    count = reader.unsigned(4)
    if count > POST_CONDITIONS_MAX:
        raise TransactionError(f"more than {POST_CONDITIONS_MAX} post-conditions")
    return tuple(_read_condition(reader) for _ in range(count))


def _condition_bytes(condition: PostCondition) -> bytes:
    holder = _holder_bytes(condition.holder)
    match condition:
        case StxCondition(_, comparison, amount):
            return bytes([_STX]) + holder + bytes([comparison]) + u64_bytes(amount)
        case FungibleCondition(_, asset, comparison, amount):
            return bytes([_FUNGIBLE]) + holder + _asset_bytes(asset) + bytes([comparison]) + u64_bytes(amount)
        case NonFungibleCondition(_, asset, asset_id, sending):
            return bytes([_NON_FUNGIBLE]) + holder + _asset_bytes(asset) + encode(asset_id) + bytes([sending])


def _read_condition(reader: Reader) -> PostCondition:
    kind = reader.unsigned(1)
    holder = _read_holder(reader)
    match kind:
        case 0x00:
            return StxCondition(holder, reader.member(Comparison), reader.unsigned(8))
        case 0x01:
            asset = _read_asset(reader)
            return FungibleCondition(holder, asset, reader.member(Comparison), reader.unsigned(8))
        case 0x02:
            asset = _read_asset(reader)
            return NonFungibleCondition(holder, asset, reader.value(), reader.member(Sending))
        case _:
            raise TransactionError(f"unknown post-condition {kind:#04x}")


def _holder_bytes(holder: Principal | None) -> bytes:
    if holder is None:
        return bytes([_ORIGIN])
    account = bytes([holder.version]) + holder.hash160
    if holder.contract_name is None:
        return bytes([_STANDARD]) + account
    return bytes([_CONTRACT]) + account + name_bytes(holder.contract_name)


def _read_holder(reader: Reader) -> Principal | None:
    match reader.unsigned(1):
        case 0x01:
            return None
        case 0x02:
            return reader.account()
        case 0x03:
            return reader.contract()
        case other:
            raise TransactionError(f"unknown holder {other:#04x}")


def _asset_bytes(asset: Asset) -> bytes:
    contract = asset.contract
    if contract.contract_name is None:
        raise TransactionError("an asset belongs to a contract")
    account = bytes([contract.version]) + contract.hash160
    return account + name_bytes(contract.contract_name) + name_bytes(asset.name)


def _read_asset(reader: Reader) -> Asset:
    return Asset(reader.contract(), reader.name())
