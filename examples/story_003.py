"""Story 003: every function that the trading network's seed names, one after the other.

Four contracts: energy production tracking, peer-to-peer trading, grid management and carbon
offset integration. Each function is called by its own name, and what it leaves behind is
read back by the read-only function beside it.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Final

from examples.stage import market
from examples.stage.chain import FUNDS_USTX
from examples.stage.market import bond_of, credits_, delivery, fee_of, value_of
from examples.stage.meters import Meter
from examples.stage.narrator import kwh_text, stx_text
from examples.stage.run import main
from examples.stage.stage import Stage
from examples.stage.wallet import certificates, pays, stx, tokens
from oracle.chain.calls import Conditions, only
from oracle.chain.suite import carbon_offset_integration as carbon
from oracle.chain.suite import energy_production_tracking as tracking
from oracle.chain.suite import grid_management as grid
from oracle.chain.suite import marketplace, registration
from oracle.chain.suite.carbon_offset_integration import Attributes

TITLE: Final = "003 · A trading network, function by function"
PEOPLE: Final = ("Ada", "Will", "Ben", "Cleo", "Mallory", "grid operator")
PRODUCED_WH: Final = {"Ada": 800, "Will": 1500}
PRICE: Final = 200_000
"""MicroSTX for a kWh."""
OFFERED_WH: Final = 400
BOUGHT_WH: Final = 300
WIND_WH: Final = 500
DELIVERED_WH: Final = 1000
UNITS: Final = 600
"""A price in ENERGY for a kWh."""
CREDITS_WH: Final = 600
RETIRED_WH: Final = 250
NOMINAL_MHZ: Final = 50_000
NOMINAL_MV: Final = 230_000
NORMAL, ALERT, EMERGENCY = range(3)
NONE, SHED_LOAD, CURTAIL = range(3)
CARBON_G_PER_KWH: Final = 400


async def tell(stage: Stage) -> None:
    """The whole story."""
    meters, window = await _produced(stage)
    await _operated(stage, meters)
    await _traded(stage, meters)
    await _settled(stage, meters["Will"])
    await _offset(stage, meters, window)
    await _balanced(stage)


async def _produced(stage: Stage) -> tuple[dict[str, Meter], int]:
    stage.narrator.chapter("1 · Energy production tracking")
    suite, check = stage.suite, stage.narrator.check
    for name, kind in (("Ada", 2), ("Will", 2), ("Ben", 3), ("Cleo", 1)):
        await stage.household(name, kind)
    register = suite.registration.register_producer
    await stage.may_not(
        stage["Mallory"],
        "call register-producer without being registered",
        register("Mallory", 1, bytes(32)),
        registration.ERR_UNKNOWN_USER,
    )
    await stage.does(stage["Ada"], "calls register-producer: solar", register("Ada's roof", 1, bytes(32)))
    await stage.does(stage["Will"], "calls register-producer: wind", register("Will's mill", 2, bytes(32)))
    info = await stage.ask(suite.registration.get_producer_info(stage["Will"].address))
    check("get-producer-info of Will", None if info is None else info.name, "Will's mill")
    meters = {
        "Ada": await stage.meter("Ada's roof", stage["Ada"], "solar", capacity_w=5000),
        "Will": await stage.meter("Will's mill", stage["Will"], "wind", capacity_w=10_000),
        "Cleo": await stage.meter("Cleo's roof", stage["Cleo"], "solar", capacity_w=3000),
    }
    await stage.first_readings()
    window = await stage.next_window()
    flows = {meters[name]: (0, energy_wh) for name, energy_wh in {**PRODUCED_WH, "Cleo": 300}.items()}
    await stage.attest(window, flows)
    record, energy = (
        suite.energy_production_tracking.record_energy_production,
        suite.energy_production_tracking,
    )
    for name, energy_wh in PRODUCED_WH.items():
        await stage.does(
            stage[name], "calls record-energy-production", record(*stage.proof(meters[name], window))
        )
        total = await stage.ask(energy.get_energy_production(stage[name].address))
        check(f"get-energy-production of {name}", total, energy_wh, kwh_text)
    twice = record(*stage.proof(meters["Ada"], window))
    await stage.may_not(stage["Ada"], "call record-energy-production twice", twice, tracking.ERR_RECORDED)
    hers = record(*stage.proof(meters["Cleo"], window))
    await stage.may_not(stage["Cleo"], "record as no producer", hers, tracking.ERR_NOT_PRODUCER)
    wind = await stage.ask(energy.get_production_by_source(2))
    check("of all wind", wind, PRODUCED_WH["Will"], kwh_text)
    return meters, window


async def _operated(stage: Stage, meters: dict[str, Meter]) -> None:
    stage.narrator.chapter("3 · Grid management")
    suite, operator, check = stage.suite.grid_management, stage["grid operator"], stage.narrator.check
    asked = suite.is_authorized_operator(operator.address)
    check("is-authorized-operator, at first", await stage.ask(asked), expected=False)
    allow = suite.set_operator_authorization(operator.address, authorized=True)
    await stage.may_not(stage["Mallory"], "call set-operator-authorization", allow, grid.ERR_NOT_GOVERNOR)
    await stage.does(stage.governor, "calls set-operator-authorization: the grid operator", allow)
    check("is-authorized-operator, now", await stage.ask(asked), expected=True)
    await operator.call(suite.set_interconnection_limit(1, 20_000, NOMINAL_MHZ, NOMINAL_MV))
    for name in ("Ada", "Will"):
        connect = suite.connect_asset(meters[name].device, meters[name].capacity_w)
        await stage.does(operator, f"connects {meters[name].name}", connect)
    good, odd, bad = (suite.update_grid_status(1, mhz, NOMINAL_MV) for mhz in (50_010, 49_750, 49_400))
    await stage.may_not(stage["Mallory"], "call update-grid-status", bad, grid.ERR_NOT_OPERATOR)
    check(
        "condition",
        await stage.does(operator, "calls update-grid-status: 50.01 Hz", good),
        NORMAL,
        _condition,
    )
    check(
        "condition", await stage.does(operator, "calls update-grid-status: 49.75 Hz", odd), ALERT, _condition
    )
    check(
        "condition",
        await stage.does(operator, "calls update-grid-status: 49.4 Hz", bad),
        EMERGENCY,
        _condition,
    )
    status = await stage.ask(suite.get_current_grid_status(1))
    check("get-current-grid-status: protocol in force", status.protocol, SHED_LOAD, _protocol)
    cleo = suite.connect_asset(meters["Cleo"].device, 3000)
    await stage.may_not(operator, "connect an asset meanwhile", cleo, grid.ERR_EMERGENCY)
    end = suite.implement_emergency_protocol(1, NONE)
    await stage.may_not(operator, "end the emergency at 49.4 Hz", end, grid.ERR_EMERGENCY)
    sale = stage.suite.marketplace.create_energy_offer(credits_(meters["Ada"].device, 100, PRICE), None)
    await stage.may_not(stage["Ada"], "trade meanwhile", sale, marketplace.ERR_NOT_CONNECTED)
    await operator.call(good)
    curtail = suite.implement_emergency_protocol(1, CURTAIL)
    await stage.may_not(stage["Mallory"], "call implement-emergency-protocol", curtail, grid.ERR_NOT_OPERATOR)
    await stage.does(operator, "calls implement-emergency-protocol: curtail feeding in", curtail)
    await stage.does(operator, "calls implement-emergency-protocol: over, at 50.01 Hz", end)
    status = await stage.ask(suite.get_current_grid_status(1))
    check("get-current-grid-status: protocol in force", status.protocol, NONE, _protocol)


async def _traded(stage: Stage, meters: dict[str, Meter]) -> None:
    stage.narrator.chapter("2 · Peer-to-peer trading")
    suite, check, energy = (
        stage.suite.marketplace,
        stage.narrator.check,
        stage.suite.energy_token.energy_asset,
    )
    ada, ben, mallory = stage["Ada"], stage["Ben"], stage["Mallory"]
    terms = credits_(meters["Ada"].device, OFFERED_WH, PRICE)
    await stage.may_not(
        mallory,
        "call create-energy-offer of Ada's",
        suite.create_energy_offer(terms, None),
        marketplace.ERR_NOT_SELLER,
    )
    create = suite.create_energy_offer(terms, None, post=only(tokens(None, energy, OFFERED_WH)))
    id_ = await stage.does(
        ada, f"calls create-energy-offer: {kwh_text(OFFERED_WH)} at {stx_text(PRICE)}", create
    )
    own = suite.accept_energy_offer(id_, BOUGHT_WH)
    await stage.may_not(ada, "call accept-energy-offer of her own", own, marketplace.ERR_SELF_TRADE)
    more = suite.accept_energy_offer(id_, OFFERED_WH + 1)
    await stage.may_not(ben, "accept more than is offered", more, marketplace.ERR_ENERGY)
    accept = suite.accept_energy_offer(id_, BOUGHT_WH, post=_swap(stage, BOUGHT_WH, pays_ustx=True))
    await stage.does(
        ben, f"calls accept-energy-offer: {kwh_text(BOUGHT_WH)}, paid and delivered at once", accept
    )
    offer = await stage.ask(suite.get_energy_offer(id_))
    left = 0 if offer is None else offer.remaining_wh
    check("get-energy-offer: left of it", left, OFFERED_WH - BOUGHT_WH, kwh_text)
    cancel = suite.cancel_energy_offer(
        id_, post=only(tokens(suite.principal, energy, OFFERED_WH - BOUGHT_WH))
    )
    await stage.may_not(mallory, "call cancel-energy-offer of Ada's", cancel, marketplace.ERR_NOT_SELLER)
    await stage.does(ada, "calls cancel-energy-offer: the rest is hers again", cancel)
    closed = suite.accept_energy_offer(id_, 1)
    await stage.may_not(ben, "accept what is cancelled", closed, marketplace.ERR_NOT_PENDING)
    balance = await stage.ask(suite.get_energy_balance(ben.address))
    check("get-energy-balance of Ben", balance.total, BOUGHT_WH, kwh_text)
    await _matched(stage, meters["Will"].device)


async def _matched(stage: Stage, mill: int) -> None:
    """A buyer says what is wanted; whoever finds an offer that fits may match it."""
    suite, will, ben = stage.suite.marketplace, stage["Will"], stage["Ben"]
    value = value_of(WIND_WH, PRICE)
    await stage.does(ben, f"deposits {stx_text(value)}", suite.deposit(market.STX, value, post=pays(value)))
    wish = suite.set_preferences(market.STX, PRICE, 2, 0, automatic=True)
    await stage.does(ben, f"asks for wind at {stx_text(PRICE)} or less", wish)
    energy = stage.suite.energy_token.energy_asset
    ids = []
    for price in (2 * PRICE, PRICE):
        create = suite.create_energy_offer(
            credits_(mill, WIND_WH, price), None, post=only(tokens(None, energy, WIND_WH))
        )
        ids.append(await stage.does(will, f"offers {kwh_text(WIND_WH)} of wind at {stx_text(price)}", create))
    dear = suite.match_offer(ids[0], ben.address, WIND_WH)
    await stage.may_not(stage["Mallory"], "match Ben with the dear one", dear, marketplace.ERR_PREFERENCE)
    match = suite.match_offer(ids[1], ben.address, WIND_WH, post=_swap(stage, WIND_WH, pays_ustx=False))
    await stage.does(stage["Mallory"], "matches Ben with the other", match)
    back = suite.cancel_energy_offer(ids[0], post=only(tokens(suite.principal, energy, WIND_WH)))
    await stage.does(will, "cancels the dear one", back)


async def _settled(stage: Stage, mill: Meter) -> None:
    """A delivery that is paid in ENERGY, and settled by what was delivered."""
    suite, settle = stage.suite.marketplace, stage.suite.payment_settlement
    will, ben, energy = stage["Will"], stage["Ben"], stage.suite.energy_token.energy_asset
    first, value = await stage.next_window(ahead_s=200), value_of(DELIVERED_WH, UNITS)
    bond = bond_of(value)
    terms = delivery(mill.device, DELIVERED_WH, UNITS, first, min_wh=DELIVERED_WH, currency=market.ENERGY)
    create = suite.create_energy_offer(terms, None, post=only(tokens(None, energy, bond)))
    id_ = await stage.does(
        will, f"offers {kwh_text(DELIVERED_WH)} of the next window for {value} ENERGY", create
    )
    accept = suite.accept_energy_offer(id_, DELIVERED_WH, post=only(tokens(None, energy, value)))
    sold = await stage.does(ben, "accepts, and pays into escrow with ENERGY", accept)
    await stage.attest(first, {mill: (0, DELIVERED_WH + 200)})
    taken = only(tokens(suite.principal, energy, value + bond))
    proofs = (stage.proof(mill, first).listed,)
    await stage.does(will, "settles it", settle.settle_trade(sold.first_trade, proofs, post=taken))
    for who in (will, ben):
        await who.call(settle.waive_true_up(sold.first_trade))
    due = value - fee_of(value) + bond
    claim = settle.claim(sold.first_trade, post=only(tokens(settle.principal, energy, due)))
    await stage.does(will, f"is paid {due} ENERGY, bond and all", claim)
    fees = await stage.ask(settle.get_fees(market.ENERGY))
    stage.narrator.check("the treasury's fee, in ENERGY", fees.held, fee_of(value))


async def _offset(stage: Stage, meters: dict[str, Meter], window: int) -> None:
    stage.narrator.chapter("4 · Carbon offset integration")
    suite, check = stage.suite.carbon_offset_integration, stage.narrator.check
    ada, ben, mallory, roof = stage["Ada"], stage["Ben"], stage["Mallory"], meters["Ada"]
    clean = suite.is_clean_energy_producer(ada.address)
    check("is-clean-energy-producer, at first", await stage.ask(clean), expected=False)
    attributes = Attributes(1, "DE", 1_600_000_000, "photovoltaic")
    enlist = suite.register_clean_energy_producer(roof.device, attributes)
    await stage.may_not(mallory, "call register-clean-energy-producer", enlist, carbon.ERR_NOT_OWNER)
    issue = suite.issue_carbon_credits(*stage.proof(roof, window))
    await stage.may_not(ada, "issue before that", issue, carbon.ERR_NOT_REGISTERED)
    await stage.does(ada, "calls register-clean-energy-producer: her roof", enlist)
    check("is-clean-energy-producer, now", await stage.ask(clean), expected=True)
    issued = await stage.does(mallory, "calls issue-carbon-credits for Ada's proof, to Ada", issue)
    check("as many as were attested", issued.issued, PRODUCED_WH["Ada"], kwh_text)
    await stage.may_not(ada, "call issue-carbon-credits twice", issue, carbon.ERR_ISSUED)
    units, ids = suite.certified_wh_asset, suite.certificate_id_asset
    moved = certificates(None, units, ids, issued.token_id, ada.address, CREDITS_WH)
    transfer = suite.transfer_carbon_credits(issued.token_id, CREDITS_WH, ben.address, post=moved)
    await stage.does(ada, f"calls transfer-carbon-credits: {kwh_text(CREDITS_WH)} to Ben", transfer)
    claim = hashlib.sha256(b"Ben's year").digest()
    vague = suite.retire_carbon_credits(issued.token_id, RETIRED_WH, ben.address, "", claim)
    await stage.may_not(ben, "retire credits for nothing", vague, carbon.ERR_CLAIM)
    used = certificates(None, units, ids, issued.token_id, ben.address, RETIRED_WH)
    retire = suite.retire_carbon_credits(
        issued.token_id, RETIRED_WH, ben.address, "what Ben used", claim, post=used
    )
    number = await stage.does(ben, f"retires {kwh_text(RETIRED_WH)} for what he used", retire)
    entry = await stage.ask(suite.get_retirement(number))
    avoided = RETIRED_WH * CARBON_G_PER_KWH // 1000
    check("carbon dioxide avoided, in grams", None if entry is None else entry.carbon_g, avoided)
    for who, held_wh in ((ada, PRODUCED_WH["Ada"] - CREDITS_WH), (ben, CREDITS_WH - RETIRED_WH)):
        balance = await stage.ask(suite.get_carbon_credits_balance(who.address))
        check(f"get-carbon-credits-balance of {who.name}", balance, held_wh, kwh_text)
    totals = await stage.ask(suite.get_totals())
    check("issued = held + retired", totals.issued, totals.supply + totals.retired, kwh_text)


async def _balanced(stage: Stage) -> None:
    stage.narrator.chapter("Balances")
    check, energy = stage.narrator.check, stage.suite.energy_token
    bought, matched = value_of(BOUGHT_WH, PRICE), value_of(WIND_WH, PRICE)
    expected = {"Ada": bought, "Will": matched, "Ben": -bought - matched, "Mallory": 0}
    for name, change in expected.items():
        held = await stage[name].balance_ustx()
        check(f"{name} has, but for fees of the chain", held, FUNDS_USTX + change, stx_text)
    paid = value_of(DELIVERED_WH, UNITS)
    ends_wh = {
        "Ada": PRODUCED_WH["Ada"] - BOUGHT_WH,
        "Will": PRODUCED_WH["Will"] - WIND_WH + paid - fee_of(paid),
        "Ben": BOUGHT_WH + WIND_WH - paid,
    }
    for name, energy_wh in ends_wh.items():
        balance = await stage.ask(energy.get_balance(stage[name].address))
        check(f"ENERGY of {name}", balance, energy_wh, kwh_text)
    supply = await stage.ask(energy.get_total_supply())
    check("ENERGY in all, as produced", supply, sum(PRODUCED_WH.values()), kwh_text)
    escrow = await stage.ask(stage.suite.marketplace.get_escrow())
    check("STX left in marketplace", escrow.stx, 0, stx_text)
    check("ENERGY left in marketplace", escrow.energy, 0, kwh_text)


def _swap(stage: Stage, energy_wh: int, *, pays_ustx: bool) -> Conditions:
    """ENERGY for STX through the marketplace; the STX are the caller's, or were deposited."""
    suite, value = stage.suite.marketplace, value_of(energy_wh, PRICE)
    out = tokens(suite.principal, stage.suite.energy_token.energy_asset, energy_wh)
    paid = (stx(None, value),) if pays_ustx else ()
    return only(*paid, stx(suite.principal, value), out)


def _condition(number: int) -> str:
    return ("normal", "alert", "emergency")[number]


def _protocol(number: int) -> str:
    return ("none", "shed load", "curtail")[number]


if __name__ == "__main__":
    sys.exit(main("003"))
