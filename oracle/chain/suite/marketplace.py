"""The contract `marketplace`, typed.

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
from oracle.chain.suite.shapes import Escrow
from oracle.chain.transaction import ContractCall

__all__ = [
    "ERR_AMOUNT",
    "ERR_AUCTION_CLOSED",
    "ERR_AUCTION_OPEN",
    "ERR_CAPACITY",
    "ERR_CURRENCY",
    "ERR_DELIVERY",
    "ERR_ENERGY",
    "ERR_GROUP_CLOSED",
    "ERR_GROUP_FULL",
    "ERR_GROUP_SMALL",
    "ERR_KIND",
    "ERR_LOW_BID",
    "ERR_NOT_AUTOMATIC",
    "ERR_NOT_BUYER",
    "ERR_NOT_CONNECTED",
    "ERR_NOT_PENDING",
    "ERR_NOT_SELLER",
    "ERR_NOT_SETTLEMENT",
    "ERR_NO_PLEDGE",
    "ERR_PAUSED",
    "ERR_PLEDGED",
    "ERR_PREFERENCE",
    "ERR_PRICE",
    "ERR_RELEASED",
    "ERR_SELF_TRADE",
    "ERR_TRANSFER",
    "ERR_UNKNOWN_ASSET",
    "ERR_UNKNOWN_AUCTION",
    "ERR_UNKNOWN_GROUP",
    "ERR_UNKNOWN_OFFER",
    "ERR_UNKNOWN_TRADE",
    "AcceptEnergyOfferResult",
    "Auction",
    "Bid",
    "ClearAuctionResult",
    "CreateEnergyOfferTerms",
    "EnergyBalance",
    "EnergyOffer",
    "Escrow",
    "Group",
    "MarketPrice",
    "MarketplaceContract",
    "OpenAuctionTerms",
    "Pledge",
    "Preferences",
    "Reputation",
    "Trade",
]


@dataclass(frozen=True, slots=True)
class AcceptEnergyOfferResult:
    """A tuple of marketplace."""

    first_trade: int
    paid: int
    trades: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "first-trade": codec.to_uint(self.first_trade),
            "paid": codec.to_uint(self.paid),
            "trades": codec.to_uint(self.trades),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "first-trade", "paid", "trades")
        return cls(
            codec.uint(held["first-trade"]),
            codec.uint(held["paid"]),
            codec.uint(held["trades"]),
        )


@dataclass(frozen=True, slots=True)
class ClearAuctionResult:
    """A tuple of marketplace."""

    price_per_kwh: int
    sold_wh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "price-per-kwh": codec.to_uint(self.price_per_kwh),
            "sold-wh": codec.to_uint(self.sold_wh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "price-per-kwh", "sold-wh")
        return cls(
            codec.uint(held["price-per-kwh"]),
            codec.uint(held["sold-wh"]),
        )


@dataclass(frozen=True, slots=True)
class CreateEnergyOfferTerms:
    """A tuple of marketplace."""

    asset: int
    asset_kind: int
    currency: int
    deliveries: int
    energy_wh: int
    every_s: int
    first_window: int
    kind: int
    min_wh: int
    price_per_kwh: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "asset-kind": codec.to_uint(self.asset_kind),
            "currency": codec.to_uint(self.currency),
            "deliveries": codec.to_uint(self.deliveries),
            "energy-wh": codec.to_uint(self.energy_wh),
            "every-s": codec.to_uint(self.every_s),
            "first-window": codec.to_uint(self.first_window),
            "kind": codec.to_uint(self.kind),
            "min-wh": codec.to_uint(self.min_wh),
            "price-per-kwh": codec.to_uint(self.price_per_kwh),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "asset-kind",
            "currency",
            "deliveries",
            "energy-wh",
            "every-s",
            "first-window",
            "kind",
            "min-wh",
            "price-per-kwh",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.uint(held["asset-kind"]),
            codec.uint(held["currency"]),
            codec.uint(held["deliveries"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["every-s"]),
            codec.uint(held["first-window"]),
            codec.uint(held["kind"]),
            codec.uint(held["min-wh"]),
            codec.uint(held["price-per-kwh"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class OpenAuctionTerms:
    """A tuple of marketplace."""

    asset: int
    asset_kind: int
    closes_at: int
    currency: int
    energy_wh: int
    first_window: int
    reserve_per_kwh: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "asset-kind": codec.to_uint(self.asset_kind),
            "closes-at": codec.to_uint(self.closes_at),
            "currency": codec.to_uint(self.currency),
            "energy-wh": codec.to_uint(self.energy_wh),
            "first-window": codec.to_uint(self.first_window),
            "reserve-per-kwh": codec.to_uint(self.reserve_per_kwh),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "asset-kind",
            "closes-at",
            "currency",
            "energy-wh",
            "first-window",
            "reserve-per-kwh",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.uint(held["asset-kind"]),
            codec.uint(held["closes-at"]),
            codec.uint(held["currency"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["first-window"]),
            codec.uint(held["reserve-per-kwh"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class Bid:
    """A tuple of marketplace."""

    bidder: Principal
    energy_wh: int
    price_per_kwh: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "bidder": codec.to_principal(self.bidder),
            "energy-wh": codec.to_uint(self.energy_wh),
            "price-per-kwh": codec.to_uint(self.price_per_kwh),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "bidder", "energy-wh", "price-per-kwh")
        return cls(
            codec.principal(held["bidder"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["price-per-kwh"]),
        )


@dataclass(frozen=True, slots=True)
class Auction:
    """A tuple of marketplace."""

    asset: int
    asset_kind: int
    bids: tuple[Bid, ...]
    bond: int
    cleared: bool
    clearing_price: int
    closes_at: int
    currency: int
    energy_wh: int
    first_window: int
    reserve_per_kwh: int
    seller: Principal
    sold_wh: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "asset-kind": codec.to_uint(self.asset_kind),
            "bids": codec.to_list(self.bids, 20, Bid.value),
            "bond": codec.to_uint(self.bond),
            "cleared": codec.to_bool(self.cleared),
            "clearing-price": codec.to_uint(self.clearing_price),
            "closes-at": codec.to_uint(self.closes_at),
            "currency": codec.to_uint(self.currency),
            "energy-wh": codec.to_uint(self.energy_wh),
            "first-window": codec.to_uint(self.first_window),
            "reserve-per-kwh": codec.to_uint(self.reserve_per_kwh),
            "seller": codec.to_principal(self.seller),
            "sold-wh": codec.to_uint(self.sold_wh),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "asset-kind",
            "bids",
            "bond",
            "cleared",
            "clearing-price",
            "closes-at",
            "currency",
            "energy-wh",
            "first-window",
            "reserve-per-kwh",
            "seller",
            "sold-wh",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.uint(held["asset-kind"]),
            codec.sequence(Bid.read)(held["bids"]),
            codec.uint(held["bond"]),
            codec.boolean(held["cleared"]),
            codec.uint(held["clearing-price"]),
            codec.uint(held["closes-at"]),
            codec.uint(held["currency"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["first-window"]),
            codec.uint(held["reserve-per-kwh"]),
            codec.principal(held["seller"]),
            codec.uint(held["sold-wh"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class EnergyBalance:
    """A tuple of marketplace."""

    credited: int
    total: int
    wallet: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "credited": codec.to_uint(self.credited),
            "total": codec.to_uint(self.total),
            "wallet": codec.to_uint(self.wallet),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "credited", "total", "wallet")
        return cls(
            codec.uint(held["credited"]),
            codec.uint(held["total"]),
            codec.uint(held["wallet"]),
        )


@dataclass(frozen=True, slots=True)
class EnergyOffer:
    """A tuple of marketplace."""

    asset: int
    asset_kind: int
    bond: int
    buyer: Principal | None
    currency: int
    deliveries: int
    energy_wh: int
    every_s: int
    expires_at: int
    first_window: int
    kind: int
    min_wh: int
    open_trades: int
    price_per_kwh: int
    remaining_wh: int
    seller: Principal
    status: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "asset-kind": codec.to_uint(self.asset_kind),
            "bond": codec.to_uint(self.bond),
            "buyer": codec.to_optional(self.buyer, codec.to_principal),
            "currency": codec.to_uint(self.currency),
            "deliveries": codec.to_uint(self.deliveries),
            "energy-wh": codec.to_uint(self.energy_wh),
            "every-s": codec.to_uint(self.every_s),
            "expires-at": codec.to_uint(self.expires_at),
            "first-window": codec.to_uint(self.first_window),
            "kind": codec.to_uint(self.kind),
            "min-wh": codec.to_uint(self.min_wh),
            "open-trades": codec.to_uint(self.open_trades),
            "price-per-kwh": codec.to_uint(self.price_per_kwh),
            "remaining-wh": codec.to_uint(self.remaining_wh),
            "seller": codec.to_principal(self.seller),
            "status": codec.to_uint(self.status),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "asset-kind",
            "bond",
            "buyer",
            "currency",
            "deliveries",
            "energy-wh",
            "every-s",
            "expires-at",
            "first-window",
            "kind",
            "min-wh",
            "open-trades",
            "price-per-kwh",
            "remaining-wh",
            "seller",
            "status",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.uint(held["asset-kind"]),
            codec.uint(held["bond"]),
            codec.optional(codec.principal)(held["buyer"]),
            codec.uint(held["currency"]),
            codec.uint(held["deliveries"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["every-s"]),
            codec.uint(held["expires-at"]),
            codec.uint(held["first-window"]),
            codec.uint(held["kind"]),
            codec.uint(held["min-wh"]),
            codec.uint(held["open-trades"]),
            codec.uint(held["price-per-kwh"]),
            codec.uint(held["remaining-wh"]),
            codec.principal(held["seller"]),
            codec.uint(held["status"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """A tuple of marketplace."""

    closed: bool
    deadline: int
    energy_wh: int
    members: tuple[Principal, ...]
    offer: int
    organiser: Principal

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "closed": codec.to_bool(self.closed),
            "deadline": codec.to_uint(self.deadline),
            "energy-wh": codec.to_uint(self.energy_wh),
            "members": codec.to_list(self.members, 10, codec.to_principal),
            "offer": codec.to_uint(self.offer),
            "organiser": codec.to_principal(self.organiser),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "closed", "deadline", "energy-wh", "members", "offer", "organiser")
        return cls(
            codec.boolean(held["closed"]),
            codec.uint(held["deadline"]),
            codec.uint(held["energy-wh"]),
            codec.sequence(codec.principal)(held["members"]),
            codec.uint(held["offer"]),
            codec.principal(held["organiser"]),
        )


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """A tuple of marketplace."""

    energy_wh: int
    last_price_per_kwh: int
    mean_per_kwh: int
    value_: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "energy-wh": codec.to_uint(self.energy_wh),
            "last-price-per-kwh": codec.to_uint(self.last_price_per_kwh),
            "mean-per-kwh": codec.to_uint(self.mean_per_kwh),
            "value": codec.to_uint(self.value_),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "energy-wh", "last-price-per-kwh", "mean-per-kwh", "value")
        return cls(
            codec.uint(held["energy-wh"]),
            codec.uint(held["last-price-per-kwh"]),
            codec.uint(held["mean-per-kwh"]),
            codec.uint(held["value"]),
        )


@dataclass(frozen=True, slots=True)
class Pledge:
    """A tuple of marketplace."""

    energy_wh: int
    paid: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "energy-wh": codec.to_uint(self.energy_wh),
            "paid": codec.to_uint(self.paid),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "energy-wh", "paid")
        return cls(
            codec.uint(held["energy-wh"]),
            codec.uint(held["paid"]),
        )


@dataclass(frozen=True, slots=True)
class Preferences:
    """A tuple of marketplace."""

    automatic: bool
    max_price_per_kwh: int
    min_score_bps: int
    source: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "automatic": codec.to_bool(self.automatic),
            "max-price-per-kwh": codec.to_uint(self.max_price_per_kwh),
            "min-score-bps": codec.to_uint(self.min_score_bps),
            "source": codec.to_uint(self.source),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "automatic", "max-price-per-kwh", "min-score-bps", "source")
        return cls(
            codec.boolean(held["automatic"]),
            codec.uint(held["max-price-per-kwh"]),
            codec.uint(held["min-score-bps"]),
            codec.uint(held["source"]),
        )


@dataclass(frozen=True, slots=True)
class Reputation:
    """A tuple of marketplace."""

    delivered_wh: int
    promised_wh: int
    score_bps: int
    trades: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "delivered-wh": codec.to_uint(self.delivered_wh),
            "promised-wh": codec.to_uint(self.promised_wh),
            "score-bps": codec.to_uint(self.score_bps),
            "trades": codec.to_uint(self.trades),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(value, "delivered-wh", "promised-wh", "score-bps", "trades")
        return cls(
            codec.uint(held["delivered-wh"]),
            codec.uint(held["promised-wh"]),
            codec.uint(held["score-bps"]),
            codec.uint(held["trades"]),
        )


@dataclass(frozen=True, slots=True)
class Trade:
    """A tuple of marketplace."""

    asset: int
    asset_kind: int
    auction: int
    bond: int
    buyer: Principal
    currency: int
    energy_wh: int
    fee_bps: int
    final_at: int
    first_window: int
    offer: int
    price_per_kwh: int
    released: bool
    seller: Principal
    value_: int
    windows: int

    def value(self) -> Value:
        """As Clarity has it."""
        return {
            "asset": codec.to_uint(self.asset),
            "asset-kind": codec.to_uint(self.asset_kind),
            "auction": codec.to_uint(self.auction),
            "bond": codec.to_uint(self.bond),
            "buyer": codec.to_principal(self.buyer),
            "currency": codec.to_uint(self.currency),
            "energy-wh": codec.to_uint(self.energy_wh),
            "fee-bps": codec.to_uint(self.fee_bps),
            "final-at": codec.to_uint(self.final_at),
            "first-window": codec.to_uint(self.first_window),
            "offer": codec.to_uint(self.offer),
            "price-per-kwh": codec.to_uint(self.price_per_kwh),
            "released": codec.to_bool(self.released),
            "seller": codec.to_principal(self.seller),
            "value": codec.to_uint(self.value_),
            "windows": codec.to_uint(self.windows),
        }

    @classmethod
    def read(cls, value: Value) -> Self:
        """From Clarity's; raises ContractMisread."""
        held = codec.fields(
            value,
            "asset",
            "asset-kind",
            "auction",
            "bond",
            "buyer",
            "currency",
            "energy-wh",
            "fee-bps",
            "final-at",
            "first-window",
            "offer",
            "price-per-kwh",
            "released",
            "seller",
            "value",
            "windows",
        )
        return cls(
            codec.uint(held["asset"]),
            codec.uint(held["asset-kind"]),
            codec.uint(held["auction"]),
            codec.uint(held["bond"]),
            codec.principal(held["buyer"]),
            codec.uint(held["currency"]),
            codec.uint(held["energy-wh"]),
            codec.uint(held["fee-bps"]),
            codec.uint(held["final-at"]),
            codec.uint(held["first-window"]),
            codec.uint(held["offer"]),
            codec.uint(held["price-per-kwh"]),
            codec.boolean(held["released"]),
            codec.principal(held["seller"]),
            codec.uint(held["value"]),
            codec.uint(held["windows"]),
        )


@dataclass(frozen=True, slots=True)
class MarketplaceContract:
    """`marketplace`.

    Decides: who sells what energy to whom, at what price, and keeps the money of both until
    payment-settlement has seen what was delivered. Energy is sold ahead of its windows (kind 1: the
    next one, later ones, or a row of deliveries) or as ENERGY that was minted for it already (kind
    2), which changes hands at once.

    Immutable: a trade's terms, fee and deadline, from the moment its money is in escrow; what
    governance changes binds later trades. Escrow leaves towards its payer, or as a whole to
    payment-settlement; no role reaches it.

    Who may call: the owner of a connected asset and the operator of a VPP sell; anyone else buys,
    bids, pledges; anyone clears, matches, closes a group and sends an expired offer back; only
    payment-settlement releases. A pause stops new offers, trades, bids, pledges and deposits; every
    way back to one's own money goes on.

    Conservation: STX and ENERGY held here = bonds and energy of offers and auctions + open trades
    (value and bond) + bids + pledges + credits.

    Rounding: what a buyer pays and what a seller bonds is rounded up; a part of a bond is a part of
    what is left of it, so the last part takes the rest and nothing piles up.
    """

    deployer: Principal

    @property
    def principal(self) -> Principal:
        """The contract itself."""
        return contract_of(self.deployer, "marketplace")

    def accept_energy_offer(
        self, id_: int, energy_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[AcceptEnergyOfferResult]:
        """Buys `energy-wh` of each delivery of an offer: the money goes into escrow, and each delivery
        becomes a trade. Of kind 2 the ENERGY is the buyer's at once.
        """
        return PublicCall(
            ContractCall(
                self.principal, "accept-energy-offer", (codec.to_uint(id_), codec.to_uint(energy_wh))
            ),
            AcceptEnergyOfferResult.read,
            post,
        )

    def cancel_energy_offer(self, id_: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Takes an offer back, or what was not sold of it: by the seller, and by anyone once it has
        expired. What was sold stays sold.
        """
        return PublicCall(
            ContractCall(self.principal, "cancel-energy-offer", (codec.to_uint(id_),)), codec.uint, post
        )

    def clear_auction(self, id_: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[ClearAuctionResult]:
        """Sells to the dearest bids, all at the price of the lowest one that gets anything, once the
        auction is closed. Anyone clears, and whenever it is done it comes out the same. What bidders
        put up above that becomes their credit; the bond of unsold energy goes back.
        """
        return PublicCall(
            ContractCall(self.principal, "clear-auction", (codec.to_uint(id_),)),
            ClearAuctionResult.read,
            post,
        )

    def close_group_purchase(self, group: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Buys for all members what they pledged, once that is enough. Anyone closes."""
        return PublicCall(
            ContractCall(self.principal, "close-group-purchase", (codec.to_uint(group),)), codec.uint, post
        )

    def create_energy_offer(
        self, terms: CreateEnergyOfferTerms, buyer: Principal | None, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Offers energy of a connected asset or VPP, to `buyer` or to all. `energy-wh` is that of each
        delivery, of which parts of `min-wh` or more are sold. Takes the seller's bond, or for kind 2
        the ENERGY itself. Gives the offer's id.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "create-energy-offer",
                (terms.value(), codec.to_optional(buyer, codec.to_principal)),
            ),
            codec.uint,
            post,
        )

    def deposit(self, currency: int, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Puts money here for matches."""
        return PublicCall(
            ContractCall(self.principal, "deposit", (codec.to_uint(currency), codec.to_uint(amount))),
            codec.uint,
            post,
        )

    def join_group_purchase(
        self, group: int, energy_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Pledges to buy a part of the group's offer, and pays for it."""
        return PublicCall(
            ContractCall(
                self.principal, "join-group-purchase", (codec.to_uint(group), codec.to_uint(energy_wh))
            ),
            codec.uint,
            post,
        )

    def leave_group_purchase(self, group: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Takes a pledge back, at any time before the group has bought."""
        return PublicCall(
            ContractCall(self.principal, "leave-group-purchase", (codec.to_uint(group),)), codec.uint, post
        )

    def match_offer(
        self, id_: int, buyer: Principal, energy_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[AcceptEnergyOfferResult]:
        """Buys for somebody who has asked for it: within their preferences and with their credit, and sent
        by anyone. What is matched is all of `energy-wh` or nothing.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "match-offer",
                (codec.to_uint(id_), codec.to_principal(buyer), codec.to_uint(energy_wh)),
            ),
            AcceptEnergyOfferResult.read,
            post,
        )

    def open_auction(self, terms: OpenAuctionTerms, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Offers energy of one delivery to the highest bids. Takes the seller's bond on its value at the
        reserve price. Gives the auction's id.
        """
        return PublicCall(ContractCall(self.principal, "open-auction", (terms.value(),)), codec.uint, post)

    def open_group_purchase(
        self, id_: int, deadline: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Lets several buyers take an offer together whose least part is too much for each."""
        return PublicCall(
            ContractCall(
                self.principal, "open-group-purchase", (codec.to_uint(id_), codec.to_uint(deadline))
            ),
            codec.uint,
            post,
        )

    def place_bid(
        self, id_: int, energy_wh: int, price_per_kwh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[int]:
        """Bids for a part of the energy, binding, with the money in escrow. When the list is full a better
        bid pushes the last one out, whose money becomes credit.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "place-bid",
                (codec.to_uint(id_), codec.to_uint(energy_wh), codec.to_uint(price_per_kwh)),
            ),
            codec.uint,
            post,
        )

    def reject_energy_offer(self, id_: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Turns an offer down that was made to the caller; the seller has the rest back."""
        return PublicCall(
            ContractCall(self.principal, "reject-energy-offer", (codec.to_uint(id_),)), codec.uint, post
        )

    def release_trade(
        self, id_: int, delivered_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Hands a trade's money over when it is settled, and counts it for the seller."""
        return PublicCall(
            ContractCall(self.principal, "release-trade", (codec.to_uint(id_), codec.to_uint(delivered_wh))),
            codec.boolean,
            post,
        )

    def restate_trade(
        self, id_: int, before_wh: int, delivered_wh: int, *, post: Conditions = NOTHING_MOVES
    ) -> PublicCall[bool]:
        """Corrects the seller's score when a restated window changes what was delivered."""
        return PublicCall(
            ContractCall(
                self.principal,
                "restate-trade",
                (codec.to_uint(id_), codec.to_uint(before_wh), codec.to_uint(delivered_wh)),
            ),
            codec.boolean,
            post,
        )

    def set_preferences(
        self,
        currency: int,
        max_price_per_kwh: int,
        source: int,
        min_score_bps: int,
        automatic: bool,
        *,
        post: Conditions = NOTHING_MOVES,
    ) -> PublicCall[bool]:
        """What offers the caller accepts at all in a currency: at most this price, of this source (0 any),
        from sellers of at least this score; and whether anyone may match it.
        """
        return PublicCall(
            ContractCall(
                self.principal,
                "set-preferences",
                (
                    codec.to_uint(currency),
                    codec.to_uint(max_price_per_kwh),
                    codec.to_uint(source),
                    codec.to_uint(min_score_bps),
                    codec.to_bool(automatic),
                ),
            ),
            codec.boolean,
            post,
        )

    def withdraw(self, currency: int, amount: int, *, post: Conditions = NOTHING_MOVES) -> PublicCall[int]:
        """Takes free money out."""
        return PublicCall(
            ContractCall(self.principal, "withdraw", (codec.to_uint(currency), codec.to_uint(amount))),
            codec.uint,
            post,
        )

    def bond_of(self, value: int) -> ReadCall[int]:
        """What a seller puts up for a delivery of this value."""
        return ReadCall(self.principal, "bond-of", (codec.to_uint(value),), codec.uint)

    def get_auction(self, auction: int) -> ReadCall[Auction | None]:
        """`get-auction` of `marketplace`."""
        return ReadCall(
            self.principal, "get-auction", (codec.to_uint(auction),), codec.optional(Auction.read)
        )

    def get_auction_count(self) -> ReadCall[int]:
        """`get-auction-count` of `marketplace`."""
        return ReadCall(self.principal, "get-auction-count", (), codec.uint)

    def get_credit(self, who: Principal, currency: int) -> ReadCall[int]:
        """`get-credit` of `marketplace`."""
        return ReadCall(
            self.principal, "get-credit", (codec.to_principal(who), codec.to_uint(currency)), codec.uint
        )

    def get_energy_balance(self, who: Principal) -> ReadCall[EnergyBalance]:
        """The ENERGY of `who`: in the wallet, free in here, and both."""
        return ReadCall(self.principal, "get-energy-balance", (codec.to_principal(who),), EnergyBalance.read)

    def get_energy_offer(self, offer: int) -> ReadCall[EnergyOffer | None]:
        """An offer; one whose time is over reads as expired before anybody has sent it back."""
        return ReadCall(
            self.principal, "get-energy-offer", (codec.to_uint(offer),), codec.optional(EnergyOffer.read)
        )

    def get_escrow(self) -> ReadCall[Escrow]:
        """What is held here for others."""
        return ReadCall(self.principal, "get-escrow", (), Escrow.read)

    def get_group(self, group: int) -> ReadCall[Group | None]:
        """`get-group` of `marketplace`."""
        return ReadCall(self.principal, "get-group", (codec.to_uint(group),), codec.optional(Group.read))

    def get_market_price(self, currency: int) -> ReadCall[MarketPrice | None]:
        """What energy goes for: the last price, and the mean over all trades."""
        return ReadCall(
            self.principal, "get-market-price", (codec.to_uint(currency),), codec.optional(MarketPrice.read)
        )

    def get_offer_count(self) -> ReadCall[int]:
        """`get-offer-count` of `marketplace`."""
        return ReadCall(self.principal, "get-offer-count", (), codec.uint)

    def get_pledge(self, group: int, who: Principal) -> ReadCall[Pledge | None]:
        """`get-pledge` of `marketplace`."""
        return ReadCall(
            self.principal,
            "get-pledge",
            (codec.to_uint(group), codec.to_principal(who)),
            codec.optional(Pledge.read),
        )

    def get_preferences(self, who: Principal, currency: int) -> ReadCall[Preferences | None]:
        """`get-preferences` of `marketplace`."""
        return ReadCall(
            self.principal,
            "get-preferences",
            (codec.to_principal(who), codec.to_uint(currency)),
            codec.optional(Preferences.read),
        )

    def get_reputation(self, who: Principal) -> ReadCall[Reputation]:
        """How much of what a seller promised was delivered; 10000 for one who has failed nobody."""
        return ReadCall(self.principal, "get-reputation", (codec.to_principal(who),), Reputation.read)

    def get_trade(self, trade: int) -> ReadCall[Trade | None]:
        """`get-trade` of `marketplace`."""
        return ReadCall(self.principal, "get-trade", (codec.to_uint(trade),), codec.optional(Trade.read))

    def get_trade_count(self) -> ReadCall[int]:
        """`get-trade-count` of `marketplace`."""
        return ReadCall(self.principal, "get-trade-count", (), codec.uint)

    def value_of(self, energy_wh: int, price_per_kwh: int) -> ReadCall[int]:
        """What a buyer pays for this energy."""
        return ReadCall(
            self.principal, "value-of", (codec.to_uint(energy_wh), codec.to_uint(price_per_kwh)), codec.uint
        )


ERR_PAUSED: Final = BY_CODE[760]
ERR_UNKNOWN_ASSET: Final = BY_CODE[761]
ERR_NOT_SELLER: Final = BY_CODE[762]
ERR_NOT_CONNECTED: Final = BY_CODE[763]
ERR_KIND: Final = BY_CODE[764]
ERR_CURRENCY: Final = BY_CODE[765]
ERR_ENERGY: Final = BY_CODE[766]
ERR_PRICE: Final = BY_CODE[767]
ERR_DELIVERY: Final = BY_CODE[768]
ERR_CAPACITY: Final = BY_CODE[769]
ERR_UNKNOWN_OFFER: Final = BY_CODE[770]
ERR_NOT_PENDING: Final = BY_CODE[771]
ERR_SELF_TRADE: Final = BY_CODE[772]
ERR_NOT_BUYER: Final = BY_CODE[773]
ERR_TRANSFER: Final = BY_CODE[774]
ERR_PREFERENCE: Final = BY_CODE[775]
ERR_UNKNOWN_AUCTION: Final = BY_CODE[776]
ERR_AUCTION_CLOSED: Final = BY_CODE[777]
ERR_AUCTION_OPEN: Final = BY_CODE[778]
ERR_LOW_BID: Final = BY_CODE[779]
ERR_UNKNOWN_TRADE: Final = BY_CODE[780]
ERR_NOT_SETTLEMENT: Final = BY_CODE[781]
ERR_RELEASED: Final = BY_CODE[782]
ERR_UNKNOWN_GROUP: Final = BY_CODE[783]
ERR_GROUP_CLOSED: Final = BY_CODE[784]
ERR_PLEDGED: Final = BY_CODE[785]
ERR_NO_PLEDGE: Final = BY_CODE[786]
ERR_GROUP_FULL: Final = BY_CODE[787]
ERR_GROUP_SMALL: Final = BY_CODE[788]
ERR_AMOUNT: Final = BY_CODE[789]
ERR_NOT_AUTOMATIC: Final = BY_CODE[790]
