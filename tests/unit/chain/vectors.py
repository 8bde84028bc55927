"""Builds transactions from the plain descriptions in tests/vectors/transactions.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import coincurve

from consensus.encoding import Err, Int, Ok, Some, Utf8, Value
from oracle.chain.address import MAINNET, TESTNET, Chain, parse_principal
from oracle.chain.post_conditions import (
    Asset,
    Comparison,
    FungibleCondition,
    NonFungibleCondition,
    PostCondition,
    PostConditionMode,
    Sending,
    StxCondition,
)
from oracle.chain.transaction import (
    ContractCall,
    ContractDeploy,
    Payload,
    TokenTransfer,
    Transaction,
    unsigned,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "transactions.json").read_text(encoding="utf-8")
)["transactions"]

_COMPARISONS = {
    "eq": Comparison.EQUAL,
    "gt": Comparison.GREATER,
    "gte": Comparison.GREATER_EQUAL,
    "lt": Comparison.LESS,
    "lte": Comparison.LESS_EQUAL,
}
_SENDINGS = {"sent": Sending.SENT, "not-sent": Sending.NOT_SENT, "maybe-sent": Sending.MAYBE_SENT}
_MODES = {
    "allow": PostConditionMode.ALLOW,
    "deny": PostConditionMode.DENY,
    "originator": PostConditionMode.ORIGINATOR,
}


def key_of(vector: dict[str, Any]) -> coincurve.PrivateKey:
    return coincurve.PrivateKey(bytes.fromhex(vector["private_key"]))


def chain_of(vector: dict[str, Any]) -> Chain:
    return {"mainnet": MAINNET, "testnet": TESTNET}[vector["network"]]


def unsigned_transaction(vector: dict[str, Any]) -> Transaction:
    return unsigned(
        chain_of(vector),
        key_of(vector).public_key,
        _payload(vector["payload"]),
        nonce=int(vector["nonce"]),
        fee_ustx=int(vector["fee"]),
        mode=_MODES[vector["mode"]],
        post_conditions=tuple(_condition(one) for one in vector["post_conditions"]),
    )


def _payload(plain: dict[str, Any]) -> Payload:
    match plain["kind"]:
        case "transfer":
            return TokenTransfer(
                parse_principal(plain["recipient"]), int(plain["amount"]), plain["memo"].encode()
            )
        case "call":
            arguments = tuple(clarity(one) for one in plain["arguments"])
            return ContractCall(parse_principal(plain["contract"]), plain["function"], arguments)
        case "deploy":
            return ContractDeploy(plain["name"], plain["source"], plain["clarity_version"])
        case other:
            raise AssertionError(other)


def _condition(plain: dict[str, Any]) -> PostCondition:
    holder = None if plain["address"] == "origin" else parse_principal(plain["address"])
    if plain["kind"] == "stx":
        return StxCondition(holder, _COMPARISONS[plain["condition"]], int(plain["amount"]))
    contract, name = plain["asset"].split("::")
    asset = Asset(parse_principal(contract), name)
    if plain["kind"] == "ft":
        return FungibleCondition(holder, asset, _COMPARISONS[plain["condition"]], int(plain["amount"]))
    return NonFungibleCondition(holder, asset, clarity(plain["asset_id"]), _SENDINGS[plain["condition"]])


def clarity(plain: dict[str, Any]) -> Value:
    ((kind, inner),) = plain.items()
    match kind:
        case "uint":
            return int(inner)
        case "int":
            return Int(int(inner))
        case "buff":
            return bytes.fromhex(inner)
        case "ascii":
            return str(inner)
        case "utf8":
            return Utf8(inner)
        case "bool":
            return bool(inner)
        case "none":
            return None
        case "some":
            return Some(clarity(inner))
        case "ok":
            return Ok(clarity(inner))
        case "err":
            return Err(clarity(inner))
        case "principal":
            return parse_principal(inner)
        case "list":
            return tuple(clarity(one) for one in inner)
        case "tuple":
            return {name: clarity(one) for name, one in inner.items()}
        case other:
            raise AssertionError(other)
