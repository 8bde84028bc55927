"""Offers and auctions of the marketplace in the stories' words, and what they cost."""

from __future__ import annotations

from typing import Final

from oracle.chain.suite.marketplace import CreateEnergyOfferTerms, OpenAuctionTerms

DELIVERY: Final = 1
CREDITS: Final = 2
DEVICE: Final = 1
VPP: Final = 2
STX: Final = 1
ENERGY: Final = 2
PENDING, ACCEPTED, REJECTED, COMPLETED, CANCELLED, EXPIRED = range(6)
ESCROWED, DELIVERING, SETTLED, CLAIMABLE, PAID = range(1, 6)
_OFFER: Final = ("pending", "accepted", "rejected", "completed", "cancelled", "expired")
_PAYMENT: Final = ("", "in escrow", "delivering", "settled", "claimable", "paid")

BPS: Final = 10_000
TRADE_FEE_BPS: Final = 50
DEVIATION_PENALTY_BPS: Final = 1000


def offer_text(status: int | None) -> str:
    """An offer's status as people say it."""
    return "no offer" if status is None else _OFFER[status]


def payment_text(status: int | None) -> str:
    """A payment's status as people say it."""
    return "no trade" if status is None else _PAYMENT[status]


def up(amount: int, by: int) -> int:
    """A quotient, rounded up."""
    return -(-amount // by)


def value_of(energy_wh: int, price_per_kwh: int) -> int:
    """What a buyer pays."""
    return up(energy_wh * price_per_kwh, 1000)


def bond_of(value: int) -> int:
    """What a seller puts up, to lose in proportion to what is not delivered."""
    return up(value * DEVIATION_PENALTY_BPS, BPS)


def fee_of(gross: int) -> int:
    """What the treasury gets of what was delivered."""
    return up(gross * TRADE_FEE_BPS, BPS)


def delivery(
    asset: int,
    energy_wh: int,
    price_per_kwh: int,
    first_window: int,
    *,
    windows: int = 1,
    min_wh: int = 1,
    deliveries: int = 1,
    every_s: int = 0,
    asset_kind: int = DEVICE,
    currency: int = STX,
) -> CreateEnergyOfferTerms:
    """Energy of windows to come, of a meter or of a VPP; `deliveries` of it, `every_s` seconds."""
    return CreateEnergyOfferTerms(
        asset=asset,
        asset_kind=asset_kind,
        currency=currency,
        deliveries=deliveries,
        energy_wh=energy_wh,
        every_s=every_s,
        first_window=first_window,
        kind=DELIVERY,
        min_wh=min_wh,
        price_per_kwh=price_per_kwh,
        windows=windows,
    )


def credits_(asset: int, energy_wh: int, price_per_kwh: int) -> CreateEnergyOfferTerms:
    """ENERGY that was minted already; it changes hands at once."""
    return CreateEnergyOfferTerms(
        asset=asset,
        asset_kind=DEVICE,
        currency=STX,
        deliveries=1,
        energy_wh=energy_wh,
        every_s=0,
        first_window=0,
        kind=CREDITS,
        min_wh=1,
        price_per_kwh=price_per_kwh,
        windows=0,
    )


def auction(
    vpp: int, energy_wh: int, reserve_per_kwh: int, first_window: int, closes_at: int, *, windows: int = 1
) -> OpenAuctionTerms:
    """Energy of a VPP to the dearest bids, in STX."""
    return OpenAuctionTerms(
        asset=vpp,
        asset_kind=VPP,
        closes_at=closes_at,
        currency=STX,
        energy_wh=energy_wh,
        first_window=first_window,
        reserve_per_kwh=reserve_per_kwh,
        windows=windows,
    )
