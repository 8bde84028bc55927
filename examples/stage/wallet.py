"""What a wallet lets a call move: post-conditions in the stories' words."""

from __future__ import annotations

from consensus.encoding import Principal, Value
from oracle.chain.calls import Conditions, only
from oracle.chain.post_conditions import (
    Asset,
    Comparison,
    FungibleCondition,
    NonFungibleCondition,
    PostCondition,
    Sending,
    StxCondition,
)


def pays(amount_ustx: int) -> Conditions:
    """The caller pays this much STX, and nothing else moves."""
    return only(stx(None, amount_ustx))


def pays_out(contract: Principal, amount_ustx: int) -> Conditions:
    """A contract pays this much STX, and nothing else moves."""
    return only(stx(contract, amount_ustx))


def stx(holder: Principal | None, amount_ustx: int) -> PostCondition:
    """Just so much STX leaves a holder; None is the caller."""
    return StxCondition(holder, Comparison.EQUAL, amount_ustx)


def tokens(holder: Principal | None, asset: Asset, amount: int) -> PostCondition:
    """Just so many units of a token leave a holder; None is the caller."""
    return FungibleCondition(holder, asset, Comparison.EQUAL, amount)


def any_of(contract: Principal) -> Conditions:
    """A contract pays what it finds due, and nobody else pays anything."""
    return only(StxCondition(contract, Comparison.GREATER_EQUAL, 0))


def certificates(
    holder: Principal | None, units: Asset, ids: Asset, token_id: int, owner: Principal, amount: int
) -> Conditions:
    """Just so many units of one certificate leave their holder (SIP-013: the id moves with them)."""
    id_: Value = {"token-id": token_id, "owner": owner}
    return only(tokens(holder, units, amount), NonFungibleCondition(holder, ids, id_, Sending.SENT))
