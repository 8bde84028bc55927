"""The contract `payment-settlement`, typed.

Made by `python -m oracle.chain.generator` from contracts/interfaces.json: not to be edited.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from consensus.encoding import Principal, Value
from oracle.chain import codec
from oracle.chain.address import contract_of
from oracle.chain.calls import NOTHING_MOVES, Conditions, PublicCall, ReadCall
from oracle.chain.suite.errors import BY_CODE
from oracle.chain.suite.shapes import Escrow, Leaf, Proof
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AMOUNT",
    "ERR_CLAIMED",
    "ERR_COUNTED",
    "ERR_EMPTY",
    "ERR_FINAL",
    "ERR_GAP",
    "ERR_NOT_DUE",
    "ERR_NOT_FINAL",
    "ERR_NOT_GOVERNOR",
    "ERR_NOT_PARTY",
    "ERR_NOT_SETTLED",
    "ERR_NOT_VOID",
    "ERR_OTHER_ASSET",
    "ERR_OTHER_WINDOW",
    "ERR_SETTLED",
    "ERR_TIME_COUNTED",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_TRADE",
    "Escrow",
    "Fees",
    "Leaf",
    "PaymentSettlementContract",
    "Proof",
    "Proven",
    "SettleTradeResult",
    "Settlement",
    "Split",
]


@dataclass(frozen=True, slots=True)
class Proven:
    """A tuple of payment-settlement."""

    proof: Proof
    trade: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "proof": self.proof.value(),
            "trade": codec.to_uint(self.trade),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "proof", "trade")
        return cls(
            Proof.read(held["proof"]),
            codec.uint(held["trade"]),
        )


@dataclass(frozen=True, slots=True)
class SettleTradeResult:
    """A tuple of payment-settlement."""

    delivered_wh: int
    settled: bool

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "delivered-wh": codec.to_uint(self.delivered_wh),
            "settled": codec.to_bool(self.settled),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "delivered-wh", "settled")
        return cls(
            codec.uint(held["delivered-wh"]),
            codec.boolean(held["settled"]),
        )


@dataclass(frozen=True, slots=True)
class Fees:
    """A tuple of payment-settlement."""

    held: int
    total: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "held": codec.to_uint(self.held),
            "total": codec.to_uint(self.total),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "held", "total")
        return cls(
            codec.uint(held["held"]),
            codec.uint(held["total"]),
        )


@dataclass(frozen=True, slots=True)
class Settlement:
    """A tuple of payment-settlement."""

    booked: bool
    buyer_waives: bool
    claimed: int
    claimed_wh: int
    delivered_wh: int
    excused: int
    outstanding: int
    seller_waives: bool
    settled: bool
    settled_at: int
    shown: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "booked": codec.to_bool(self.booked),
            "buyer-waives": codec.to_bool(self.buyer_waives),
            "claimed": codec.to_uint(self.claimed),
            "claimed-wh": codec.to_uint(self.claimed_wh),
            "delivered-wh": codec.to_uint(self.delivered_wh),
            "excused": codec.to_uint(self.excused),
            "outstanding": codec.to_uint(self.outstanding),
            "seller-waives": codec.to_bool(self.seller_waives),
            "settled": codec.to_bool(self.settled),
            "settled-at": codec.to_uint(self.settled_at),
            "shown": codec.to_uint(self.shown),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "booked",
            "buyer-waives",
            "claimed",
            "claimed-wh",
            "delivered-wh",
            "excused",
            "outstanding",
            "seller-waives",
            "settled",
            "settled-at",
            "shown",
        )
        return cls(
            codec.boolean(held["booked"]),
            codec.boolean(held["buyer-waives"]),
            codec.uint(held["claimed"]),
            codec.uint(held["claimed-wh"]),
            codec.uint(held["delivered-wh"]),
            codec.uint(held["excused"]),
            codec.uint(held["outstanding"]),
            codec.boolean(held["seller-waives"]),
            codec.boolean(held["settled"]),
            codec.uint(held["settled-at"]),
            codec.uint(held["shown"]),
        )


@dataclass(frozen=True, slots=True)
class Split:
    """A tuple of payment-settlement."""

    bond_back: int
    fee: int
    gross: int
    net: int
    penalty: int
    refund: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bond-back": codec.to_uint(self.bond_back),
            "fee": codec.to_uint(self.fee),
            "gross": codec.to_uint(self.gross),
            "net": codec.to_uint(self.net),
            "penalty": codec.to_uint(self.penalty),
            "refund": codec.to_uint(self.refund),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bond-back", "fee", "gross", "net", "penalty", "refund")
        return cls(
            codec.uint(held["bond-back"]),
            codec.uint(held["fee"]),
            codec.uint(held["gross"]),
            codec.uint(held["net"]),
            codec.uint(held["penalty"]),
            codec.uint(held["refund"]),
        )


@dataclass(frozen=True, slots=True)
class PaymentSettlementContract:
    """`payment-settlement`.

    Decides: what a trade of marketplace pays, from leaves that prove what the seller's asset fed in
    during its windows: delivered energy to the seller, or to the members of a VPP who fed it in;
    the rest back to the buyer, with a penalty out of the seller's bond; a fee to the treasury.

    Immutable: a leaf's energy is shared out once among all trades, and no time of an asset is paid
    by two leaves; a trade is settled once, trued up by restated windows until it is final, and
    claimed once by each party.

    Who may call: anyone proves, settles and trues up, for the proof is the authority; the parties
    waive and claim; governors send fees to the treasury and reach nothing else. The pause does not
    reach here: who is owed money gets it.

    When: a trade is settled when all is delivered, when every window is shown, or two days after
    its end with what was shown. It is final at its deadline, longer after its end than windows are
    disputed, or as soon as buyer and seller both waive a true-up.

    Rounding: for value v, bond b, energy e, delivered d: gross = v * d / e down, the rest of v to
    the buyer; penalty = b * (e - d) / e up; fee up; a member's share down, the dust to the treasury
    with the last claim. All from totals, so true-ups add no rounding.

    Conservation: what a trade brought = what its parties and the treasury get.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "payment-settlement")

    def claim(self, trade: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Pays the caller all that a final trade owes it: as buyer, as seller, as a VPP's member."""
        return PublicCall(ContractCall(self.principal, "claim", (codec.to_uint(trade),)), codec.uint, post)

    def excuse_void(self, trade: int, window: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Takes a window out of the penalty that the oracle has attested as void: what nobody can prove is
        nobody's fault. The buyer still pays for delivered energy only.
        """
        return PublicCall(
            ContractCall(self.principal, "excuse-void", (codec.to_uint(trade), codec.to_uint(window))),
            codec.boolean,
            post,
        )

    def settle_batch(
        self, proven: tuple[Proven, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """The same for leaves of several trades in one call; all or none. Gives how many of the leaves
        completed their trade.
        """
        return PublicCall(
            ContractCall(self.principal, "settle-batch", (codec.to_list(proven, 24, Proven.value),)),
            codec.uint,
            post,
        )

    def settle_trade(
        self, trade: int, proven: tuple[Proof, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[SettleTradeResult]:
        """Counts proven leaves for a trade, and settles it if nothing is missing or its time is over, for
        which the list may be empty.
        """
        return PublicCall(
            ContractCall(
                self.principal, "settle-trade", (codec.to_uint(trade), codec.to_list(proven, 24, Proof.value))
            ),
            SettleTradeResult.read,
            post,
        )

    def true_up(
        self, trade: int, proven: tuple[Proof, ...], *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Corrects a settled trade that is not final by leaves of restated windows, or by leaves that
        nobody had shown.
        """
        return PublicCall(
            ContractCall(
                self.principal, "true-up", (codec.to_uint(trade), codec.to_list(proven, 24, Proof.value))
            ),
            codec.uint,
            post,
        )

    def waive_true_up(self, trade: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[bool]:
        """Says that the caller wants no true-up. When buyer and seller both do, the settled trade is
        final.
        """
        return PublicCall(
            ContractCall(self.principal, "waive-true-up", (codec.to_uint(trade),)), codec.boolean, post
        )

    def withdraw_fees(
        self, currency: int, amount: int, treasury: Principal, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Sends fees to the treasury."""
        return PublicCall(
            ContractCall(
                self.principal,
                "withdraw-fees",
                (codec.to_uint(currency), codec.to_uint(amount), codec.to_principal(treasury)),
            ),
            codec.uint,
            post,
        )

    def get_allotted(self, asset: int, window: int) -> ReadCall[int]:
        """What of an asset's energy in a window is given to trades already, in Wh."""
        return ReadCall(
            self.principal, "get-allotted", (codec.to_uint(asset), codec.to_uint(window)), codec.uint
        )

    def get_claim(self, trade: int, who: Principal) -> ReadCall[int | None]:
        """`get-claim` of `payment-settlement`."""
        return ReadCall(
            self.principal,
            "get-claim",
            (codec.to_uint(trade), codec.to_principal(who)),
            codec.optional(codec.uint),
        )

    def get_due(self, trade: int, who: Principal) -> ReadCall[int]:
        """What `who` can claim of a trade once it is final, claimed or not."""
        return ReadCall(
            self.principal, "get-due", (codec.to_uint(trade), codec.to_principal(who)), codec.uint
        )

    def get_escrow(self) -> ReadCall[Escrow]:
        """What is held here for parties and treasury."""
        return ReadCall(self.principal, "get-escrow", (), Escrow.read)

    def get_fees(self, currency: int) -> ReadCall[Fees]:
        """`get-fees` of `payment-settlement`."""
        return ReadCall(self.principal, "get-fees", (codec.to_uint(currency),), Fees.read)

    def get_payment_status(self, trade: int) -> ReadCall[int | None]:
        """Where a trade's payment stands; none if there is no such trade."""
        return ReadCall(
            self.principal, "get-payment-status", (codec.to_uint(trade),), codec.optional(codec.uint)
        )

    def get_settlement(self, trade: int) -> ReadCall[Settlement | None]:
        """`get-settlement` of `payment-settlement`."""
        return ReadCall(
            self.principal, "get-settlement", (codec.to_uint(trade),), codec.optional(Settlement.read)
        )

    def get_share(self, trade: int, who: Principal) -> ReadCall[int]:
        """`get-share` of `payment-settlement`."""
        return ReadCall(
            self.principal, "get-share", (codec.to_uint(trade), codec.to_principal(who)), codec.uint
        )

    def get_split(self, trade: int) -> ReadCall[Split | None]:
        """Who gets what of a trade, by what is proven so far."""
        return ReadCall(self.principal, "get-split", (codec.to_uint(trade),), codec.optional(Split.read))


ERR_UNKNOWN_TRADE: Final = BY_CODE[820]
ERR_SETTLED: Final = BY_CODE[821]
ERR_NOT_SETTLED: Final = BY_CODE[822]
ERR_OTHER_WINDOW: Final = BY_CODE[823]
ERR_OTHER_ASSET: Final = BY_CODE[824]
ERR_GAP: Final = BY_CODE[825]
ERR_COUNTED: Final = BY_CODE[826]
ERR_NOT_DUE: Final = BY_CODE[827]
ERR_FINAL: Final = BY_CODE[828]
ERR_NOT_FINAL: Final = BY_CODE[829]
ERR_NOT_PARTY: Final = BY_CODE[830]
ERR_CLAIMED: Final = BY_CODE[831]
ERR_TRANSFER: Final = BY_CODE[832]
ERR_NOT_GOVERNOR: Final = BY_CODE[833]
ERR_AMOUNT: Final = BY_CODE[834]
ERR_NOT_VOID: Final = BY_CODE[835]
ERR_EMPTY: Final = BY_CODE[836]
ERR_TIME_COUNTED: Final = BY_CODE[837]
