"""Story 001: a solar roof goes to market, and every forbidden shortcut is refused.

Of the distributed-energy-resource seed: an asset is registered, verified, connected to the
grid; it offers, sells, delivers less than it promised, and is paid for what it delivered.
No production without a verified asset, no connection without one, no offer from an asset
that is not connected, no payment without an accepted offer.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Final

from examples.stage import market
from examples.stage.chain import FUNDS_USTX
from examples.stage.market import bond_of, delivery, fee_of, up, value_of
from examples.stage.meters import Meter
from examples.stage.narrator import clock_text, kwh_text, stx_text
from examples.stage.run import main
from examples.stage.stage import Stage
from examples.stage.wallet import pays, pays_out
from oracle.chain.suite import energy_production_tracking as tracking
from oracle.chain.suite import grid_management as grid
from oracle.chain.suite import marketplace, registration
from oracle.chain.suite import payment_settlement as settlement
from oracle.chain.suite import verification_engine as verification

TITLE: Final = "001 · A solar roof goes to market"
PEOPLE: Final = ("Ada", "Ben", "Cleo", "Mallory", "grid operator", stx_text)
PRICE: Final = 250_000
"""MicroSTX for a kWh."""
SOLD_WH: Final = 1200
DELIVERED_WH: Final = (600, 450)
"""In two windows: 150 Wh less than promised."""


async def tell(stage: Stage) -> None:
    """The whole story."""
    roof, shed = await _registered(stage)
    await _verified_and_connected(stage, roof, shed)
    await _offered(stage, roof, shed)
    trade, first = await _sold(stage, roof)
    await _delivered(stage, roof, trade, first)
    await _paid(stage, trade)
    await _handed_on(stage, roof, shed)


async def _registered(stage: Stage) -> tuple[Meter, Meter]:
    stage.narrator.chapter("Asset verification")
    ada, mallory, suite = stage["Ada"], stage["Mallory"], stage.suite.registration
    stranger = Meter("nobody's roof", mallory, "solar", 5000, 1)
    call = suite.register_device(1, "nobody's roof", 5000, stranger.details())
    await stage.may_not(mallory, "register an asset as nobody", call, registration.ERR_UNKNOWN_USER)
    await stage.producer("Ada", "solar")
    for name in ("Ben", "Cleo"):
        await stage.household(name)
    roof = await stage.meter("Ada's roof", ada, "solar", capacity_w=5000, verified=False)
    shed = await stage.meter("Ada's shed", ada, "solar", capacity_w=1000, verified=False)
    stage.narrator.tell(f"Ada registers a roof of 5 kW (asset {roof.device}) and a shed of 1 kW.")
    call_verify = suite.verify_asset(roof.device)
    await stage.may_not(ada, "verify her own asset", call_verify, registration.ERR_NOT_ALLOWED)
    return roof, shed


async def _verified_and_connected(stage: Stage, roof: Meter, shed: Meter) -> None:
    ada, operator, suite = stage["Ada"], stage["grid operator"], stage.suite.grid_management
    appoint = suite.set_operator_authorization(operator.address, authorized=True)
    await stage.may_not(operator, "appoint itself", appoint, grid.ERR_NOT_GOVERNOR)
    await stage.does(stage.governor, "appoints the grid operator", appoint)
    await stage.does(
        operator,
        "allows zone 1 to feed in 20 kW",
        suite.set_interconnection_limit(1, 20_000, 50_000, 230_000),
    )
    connect = suite.connect_asset(roof.device, 5000)
    await stage.may_not(operator, "connect an asset that nobody verified", connect, grid.ERR_NOT_VERIFIED)
    await stage.verify(roof)
    await stage.verify(shed)
    stage.narrator.tell("The administrator has looked at both meters and verifies them.")
    stage.narrator.chapter("Grid integration")
    await stage.may_not(ada, "connect her asset herself", connect, grid.ERR_NOT_OPERATOR)
    await stage.may_not(
        operator, "let 5 kW feed in 9 kW", suite.connect_asset(roof.device, 9000), grid.ERR_LIMIT
    )
    await stage.does(operator, "connects the roof with 5 kW", connect)
    await stage.may_not(operator, "connect it twice", connect, grid.ERR_CONNECTED)


async def _offered(stage: Stage, roof: Meter, shed: Meter) -> None:
    stage.narrator.chapter("Production tracking")
    ada, mallory, suite = stage["Ada"], stage["Mallory"], stage.suite
    await stage.first_readings()
    window = await stage.next_window()
    await stage.attest(window, {roof: (0, 500), shed: (0, 100)})
    proof, of_shed = stage.proof(roof, window), stage.proof(shed, window)
    record = suite.energy_production_tracking.record_energy_production
    grown = proof._replace(leaf=replace(proof.leaf, export_wh=5000))
    await stage.may_not(ada, "claim 5000 Wh for 500", record(*grown), verification.ERR_NOT_PROVEN)
    given = await stage.does(mallory, "brings the proof of Ada's roof on chain", record(*proof))
    stage.narrator.check(
        "ENERGY minted, in Wh, and to Ada", (given.minted_wh, given.producer), (500, ada.address)
    )
    await stage.may_not(ada, "record the same leaf again", record(*proof), tracking.ERR_RECORDED)
    feed = suite.grid_management.record_power_feed
    await stage.does(ada, "has the roof's feed noted by the grid", feed(*proof))
    await stage.may_not(ada, "note a feed of the shed", feed(*of_shed), grid.ERR_NOT_CONNECTED)
    await stage.does(
        ada,
        "puts a key of her own into the shed's meter, which is to be verified again",
        suite.registration.rotate_meter_key(shed.device, 1, stage.people["Ada"].key.public_key.format()),
    )
    shed.verified = False
    await stage.may_not(ada, "record the shed meanwhile", record(*of_shed), verification.ERR_NOT_VERIFIED)
    await stage.does(
        stage.governor, "finds that and revokes the shed", suite.registration.revoke_asset(shed.device)
    )
    await stage.may_not(ada, "record the shed now", record(*of_shed), verification.ERR_REVOKED)


async def _sold(stage: Stage, roof: Meter) -> tuple[int, int]:
    stage.narrator.chapter("Market participation")
    ada, ben, mallory, suite = stage["Ada"], stage["Ben"], stage["Mallory"], stage.suite.marketplace
    first = await stage.next_window(ahead_s=400)
    terms = delivery(roof.device, SOLD_WH, PRICE, first, windows=2, min_wh=SOLD_WH)
    value, bond = value_of(SOLD_WH, PRICE), bond_of(value_of(SOLD_WH, PRICE))
    offer = suite.create_energy_offer(terms, ben.address, post=pays(bond))
    await stage.may_not(mallory, "sell Ada's energy", offer, marketplace.ERR_NOT_SELLER)
    await stage.does(
        ada, "takes the roof off the grid", stage.suite.grid_management.disconnect_asset(roof.device)
    )
    await stage.may_not(ada, "offer from an asset off the grid", offer, marketplace.ERR_NOT_CONNECTED)
    reconnect = stage.suite.grid_management.connect_asset(roof.device, 5000)
    await stage.does(stage["grid operator"], "connects it again", reconnect)
    past = suite.create_energy_offer(delivery(roof.device, 100, PRICE, first - 90_000), None)
    await stage.may_not(ada, "sell what is known already", past, marketplace.ERR_DELIVERY)
    most = suite.create_energy_offer(delivery(roof.device, 3000, PRICE, first, windows=2), None)
    await stage.may_not(ada, "sell more than the roof can give", most, marketplace.ERR_CAPACITY)
    dear = suite.create_energy_offer(
        delivery(roof.device, SOLD_WH, 4 * PRICE, first, windows=2, min_wh=SOLD_WH),
        ben.address,
        post=pays(4 * bond),
    )
    dearly = await stage.does(ada, f"offers {SOLD_WH} Wh to Ben, at {stx_text(4 * PRICE)} a kWh", dear)
    back = pays_out(suite.principal, 4 * bond)
    await stage.does(ben, "rejects that: Ada has her bond back", suite.reject_energy_offer(dearly, post=back))
    rejected = suite.accept_energy_offer(dearly, SOLD_WH)
    await stage.may_not(ben, "accept what he rejected", rejected, marketplace.ERR_NOT_PENDING)
    id_ = await stage.does(
        ada, f"offers it at {stx_text(PRICE)}, with {stx_text(bond)} of her own at stake", offer
    )
    accept = suite.accept_energy_offer(id_, SOLD_WH, post=pays(value))
    await stage.may_not(ada, "accept her own offer", accept, marketplace.ERR_SELF_TRADE)
    await stage.may_not(mallory, "accept what was offered to Ben", accept, marketplace.ERR_NOT_BUYER)
    pay = stage.suite.payment_settlement
    await stage.may_not(
        ada,
        "be paid without an accepted offer",
        pay.settle_trade(1, ()),
        settlement.ERR_UNKNOWN_TRADE,
    )
    sold = await stage.does(ben, f"accepts; {stx_text(value)} of his are in escrow now", accept)
    held = await stage.ask(suite.get_escrow())
    stage.narrator.check("marketplace holds value and bond", held.stx, value + bond, stx_text)
    stage.narrator.check(
        "the offer's status", await _offer_status(stage, id_), market.ACCEPTED, market.offer_text
    )
    return sold.first_trade, first


async def _delivered(stage: Stage, roof: Meter, trade: int, first: int) -> None:
    stage.narrator.chapter("Settlement")
    ada, suite = stage["Ada"], stage.suite
    settle = suite.payment_settlement.settle_trade
    await stage.may_not(ada, "settle before anything is delivered", settle(trade, ()), settlement.ERR_NOT_DUE)
    windows = (first, first + 900)
    for window, energy_wh in zip(windows, DELIVERED_WH, strict=True):
        await stage.attest(window, {roof: (0, energy_wh)})
    proofs = [stage.proof(roof, window) for window in windows]
    for proof in proofs:
        await ada.call(suite.energy_production_tracking.record_energy_production(*proof))
    value = value_of(SOLD_WH, PRICE)
    released = pays_out(suite.marketplace.principal, value + bond_of(value))
    await stage.does(
        stage["Mallory"],
        f"shows both windows from {clock_text(first)} on: the trade is settled",
        settle(trade, tuple(proof.listed for proof in proofs), post=released),
    )
    again = settle(trade, (proofs[0].listed,))
    await stage.may_not(ada, "have it settled twice", again, settlement.ERR_SETTLED)


async def _paid(stage: Stage, trade: int) -> None:
    ada, ben, mallory, suite = stage["Ada"], stage["Ben"], stage["Mallory"], stage.suite.payment_settlement
    value, delivered_wh = value_of(SOLD_WH, PRICE), sum(DELIVERED_WH)
    bond, gross = bond_of(value), value * delivered_wh // SOLD_WH
    penalty, fee = up(bond * (SOLD_WH - delivered_wh), SOLD_WH), fee_of(gross)
    to_ada, to_ben = gross - fee + bond - penalty, value - gross + penalty
    await stage.may_not(ada, "claim while it can be restated", suite.claim(trade), settlement.ERR_NOT_FINAL)
    await stage.may_not(
        mallory, "waive a restatement for them", suite.waive_true_up(trade), settlement.ERR_NOT_PARTY
    )
    await stage.does(ada, "is content with what was attested", suite.waive_true_up(trade))
    await stage.does(ben, "is content too: the trade is final", suite.waive_true_up(trade))
    await stage.may_not(mallory, "claim", suite.claim(trade), settlement.ERR_NOT_PARTY)
    mine, his = pays_out(suite.principal, to_ada), pays_out(suite.principal, to_ben)
    await stage.does(ada, f"is paid {stx_text(to_ada)}", suite.claim(trade, post=mine))
    await stage.may_not(ada, "be paid twice", suite.claim(trade), settlement.ERR_CLAIMED)
    await stage.does(ben, f"has {stx_text(to_ben)} back for what did not come", suite.claim(trade, post=his))
    check = stage.narrator.check
    check(
        "payment status", await stage.ask(suite.get_payment_status(trade)), market.PAID, market.payment_text
    )
    stage.narrator.chapter("Balances")
    check(
        "Ada has, but for fees of the chain", await ada.balance_ustx(), FUNDS_USTX + to_ada - bond, stx_text
    )
    check("Ben's", await ben.balance_ustx(), FUNDS_USTX + to_ben - value, stx_text)
    check("Mallory's", await mallory.balance_ustx(), FUNDS_USTX, stx_text)
    check("the treasury's fee", (await stage.ask(suite.get_fees(market.STX))).held, fee, stx_text)
    check("in escrow besides", (await stage.ask(suite.get_escrow())).stx, fee, stx_text)
    check("left in marketplace", (await stage.ask(stage.suite.marketplace.get_escrow())).stx, 0, stx_text)
    check("nothing came from nowhere", to_ada + to_ben + fee, value + bond, stx_text)


async def _handed_on(stage: Stage, roof: Meter, shed: Meter) -> None:
    stage.narrator.chapter("The roof changes hands")
    ada, cleo, suite = stage["Ada"], stage["Cleo"], stage.suite
    transfer = suite.registration.transfer_ownership(roof.device, cleo.address)
    await stage.may_not(cleo, "take the roof", transfer, registration.ERR_NOT_ALLOWED)
    await stage.does(ada, "hands the roof to Cleo", transfer)
    await cleo.call(suite.registration.register_producer("Cleo", 1, bytes(32)))
    window = await stage.next_window()
    await stage.attest(window, {roof: (0, 300)})
    record = suite.energy_production_tracking.record_energy_production(*stage.proof(roof, window))
    await stage.does(cleo, "records what it gave since", record)
    check, energy = stage.narrator.check, suite.energy_token
    check("Ada's ENERGY", await stage.ask(energy.get_balance(ada.address)), 500 + sum(DELIVERED_WH), kwh_text)
    check("Cleo's ENERGY", await stage.ask(energy.get_balance(cleo.address)), 300, kwh_text)
    total = await stage.ask(suite.energy_production_tracking.get_production_by_source(1))
    check("all solar energy, minted once", total, await stage.ask(energy.get_total_supply()), kwh_text)
    check(
        "the shed's energy",
        await stage.ask(suite.energy_production_tracking.get_performance(shed.device)),
        None,
    )


async def _offer_status(stage: Stage, offer: int) -> int | None:
    found = await stage.ask(stage.suite.marketplace.get_energy_offer(offer))
    return None if found is None else found.status


if __name__ == "__main__":
    sys.exit(main("001"))
