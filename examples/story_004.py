"""Story 004: a day in a neighbourhood that runs its own grid.

Of the microgrid seed: solar energy is sold as spot, future and recurring deliveries and to a
group of buyers; a battery takes the noon and gives it back in the evening peak; consumption
is counted without telling of a home; a storm cuts the neighbourhood off the main grid; what
the sun gave is certified, sold and retired.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import Final

from examples.stage import market
from examples.stage.chain import FUNDS_USTX
from examples.stage.ground import WINDOW_S
from examples.stage.market import bond_of, delivery, fee_of, up, value_of
from examples.stage.meters import Meter
from examples.stage.narrator import clock_text, kwh_text, stx_text
from examples.stage.run import main
from examples.stage.stage import Stage
from examples.stage.wallet import certificates, pays, pays_out
from oracle.chain.suite import carbon_offset_integration as carbon
from oracle.chain.suite import consumption_monitoring as consumption
from oracle.chain.suite import grid_management as grid
from oracle.chain.suite import marketplace
from oracle.chain.suite import payment_settlement as settlement
from oracle.chain.suite.carbon_offset_integration import Attributes
from oracle.model import leaf_hash

TITLE: Final = "004 · A day in a neighbourhood"
PEOPLE: Final = ("Ada", "Ben", "Cleo", "Shop", "Works", "Coop", "Mallory", "grid operator")
DAY_S: Final = 86_400
HOUR_S: Final = 3600
SUN_WH: Final = {
    10 * HOUR_S: 600,
    12 * HOUR_S: 700,
    12 * HOUR_S + WINDOW_S: 600,
    13 * HOUR_S: 400,
    14 * HOUR_S: 300,
    15 * HOUR_S: 200,
    16 * HOUR_S: 900,
}
"""What Ada's roof feeds in, by the time of the window; at 15:00 there is a cloud."""
USED_WH: Final = {"Ben": 200, "Cleo": 150, "Shop": 600, "Works": 900}
PEAK_WH: Final = {"Ben": 700, "Cleo": 600, "Shop": 500, "Works": 1200}
"""In a window of the day, and of the evening peak."""
CHARGED_WH: Final = (1000, 1000)
DISCHARGED_WH: Final = (1000, 950)
CHARGE, DISCHARGE = 1, 2
PEAK_SHAVING: Final = 3
NONE, SHED_LOAD = range(2)
ON_PEAK: Final = 2
RESIDENTIAL, COMMERCIAL, INDUSTRIAL = 1, 2, 3
SPOT, FUTURE, RECURRING, GROUP = 200_000, 180_000, 190_000, 170_000
"""Prices in microSTX for a kWh."""


@dataclass(frozen=True, slots=True)
class Trade:
    """What somebody has bought of Ada, and when it is delivered."""

    id_: int
    buyer: str
    energy_wh: int
    value: int
    bond: int
    windows: tuple[int, ...]
    delivered_wh: int


@dataclass(slots=True)
class Day:
    """The day: its midnight, the meters, the trades, what people should have at its end."""

    dawn: int
    meters: dict[str, Meter]
    trades: list[Trade] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)

    def at(self, time_s: int) -> int:
        """A time of this day."""
        return self.dawn + time_s

    def moves(self, name: str, amount_ustx: int) -> None:
        """Somebody gets this, or pays it."""
        self.expected[name] = self.expected.get(name, FUNDS_USTX) + amount_ustx


async def tell(stage: Stage) -> None:
    """The whole story."""
    day = await _morning(stage)
    await _sold_ahead(stage, day)
    await _sold_to_a_group(stage, day)
    orders = await _dispatched(stage, day)
    await _sun(stage, day)
    await _peak(stage, day, orders)
    await _storm(stage, day)
    await _counted(stage, day)
    await _certified(stage, day)
    await _settled(stage, day)
    await _balanced(stage, day)


async def _morning(stage: Stage) -> Day:
    stage.narrator.chapter("Morning: who is there")
    suite, operator = stage.suite, stage["grid operator"]
    await stage.governor.call(
        suite.grid_management.set_operator_authorization(operator.address, authorized=True)
    )
    await operator.call(suite.grid_management.set_interconnection_limit(1, 50_000, 50_000, 230_000))
    await stage.producer("Ada", "solar")
    await stage.producer("Coop", "storage")
    for name in USED_WH:
        await stage.household(name, kind=3)
    meters = {
        "Ada": await stage.meter("Ada's roof", stage["Ada"], "solar", capacity_w=8000),
        "Coop": await stage.meter("battery", stage["Coop"], "storage", capacity_w=5000),
    }
    for name in USED_WH:
        meters[name] = await stage.meter(f"{name}'s meter", stage[name])
    for name in ("Ada", "Coop"):
        limit_w = meters[name].capacity_w
        await operator.call(suite.grid_management.connect_asset(meters[name].device, limit_w))
    stage.narrator.tell("Ada's roof of 8 kW and the Coop's battery of 5 kW are connected in zone 1.")
    categories = {"Ben": RESIDENTIAL, "Cleo": RESIDENTIAL, "Shop": COMMERCIAL, "Works": INDUSTRIAL}
    for name, category in categories.items():
        call = suite.consumption_monitoring.register_consumer(meters[name].device, category, bytes(32))
        await stage[name].call(call)
    stage.narrator.tell("Two homes, a shop and a works register as consumers.")
    limit = suite.consumption_monitoring.set_threshold(meters["Works"].device, 4000, 0)
    await stage.does(stage["Works"], "wants to be told of more than 4 kW", limit)
    day = Day((await stage.chain.now_s() // DAY_S + 1) * DAY_S, meters)
    await stage.wait_until(day.at(8 * HOUR_S))
    await stage.first_readings()
    return day


async def _sold_ahead(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("Future and recurring deliveries")
    roof, noon = day.meters["Ada"].device, day.at(12 * HOUR_S)
    suite, ada, shop, cleo = stage.suite.marketplace, stage["Ada"], stage["Shop"], stage["Cleo"]
    offered = bond_of(value_of(1500, FUTURE))
    terms = delivery(roof, 1500, FUTURE, noon, windows=2, min_wh=100)
    offer = suite.create_energy_offer(terms, None, post=pays(offered))
    id_ = await stage.does(ada, f"offers {kwh_text(1500)} of noon, at {stx_text(FUTURE)} a kWh", offer)
    value, bond = value_of(1000, FUTURE), offered * 1000 // 1500
    sold = await stage.does(
        shop, f"buys {kwh_text(1000)} of it", suite.accept_energy_offer(id_, 1000, post=pays(value))
    )
    _bought(day, Trade(sold.first_trade, "Shop", 1000, value, bond, (noon, noon + WINDOW_S), 1000))
    back = suite.cancel_energy_offer(id_, post=pays_out(suite.principal, offered - bond))
    await stage.does(ada, "takes the rest back", back)
    each, bond = value_of(300, RECURRING), bond_of(value_of(300, RECURRING))
    first = day.at(13 * HOUR_S)
    row = delivery(roof, 300, RECURRING, first, min_wh=300, deliveries=3, every_s=HOUR_S)
    offer = suite.create_energy_offer(row, cleo.address, post=pays(3 * bond))
    id_ = await stage.does(ada, f"offers Cleo {kwh_text(300)} at 13, 14 and 15 o'clock", offer)
    accept = suite.accept_energy_offer(id_, 300, post=pays(3 * each))
    await stage.may_not(shop, "take Cleo's offer", accept, marketplace.ERR_NOT_BUYER)
    sold = await stage.does(cleo, f"accepts all three for {stx_text(3 * each)}", accept)
    for number, delivered_wh in enumerate((300, 300, 200)):
        window = first + number * HOUR_S
        _bought(day, Trade(sold.first_trade + number, "Cleo", 300, each, bond, (window,), delivered_wh))


async def _sold_to_a_group(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("A group purchase, and the spot market")
    suite, ada, ben, cleo = stage.suite.marketplace, stage["Ada"], stage["Ben"], stage["Cleo"]
    roof, four = day.meters["Ada"].device, day.at(16 * HOUR_S)
    offered = bond_of(value_of(800, GROUP))
    whole = suite.create_energy_offer(delivery(roof, 800, GROUP, four, min_wh=800), None, post=pays(offered))
    id_ = await stage.does(ada, f"offers {kwh_text(800)} at 16 o'clock, whole, at {stx_text(GROUP)}", whole)
    group = await stage.does(ben, "opens a group for it", suite.open_group_purchase(id_, day.at(15 * HOUR_S)))
    for who, energy_wh in ((ben, 500), (cleo, 300)):
        if who is cleo:
            small = suite.close_group_purchase(group)
            await stage.may_not(ben, "buy with his part alone", small, marketplace.ERR_GROUP_SMALL)
        paid = value_of(energy_wh, GROUP)
        pledge = suite.join_group_purchase(group, energy_wh, post=pays(paid))
        await stage.does(who, f"pledges to take {kwh_text(energy_wh)} for {stx_text(paid)}", pledge)
    await stage.does(cleo, "closes the group: it has bought", suite.close_group_purchase(group))
    last = await stage.ask(suite.get_trade_count())
    first = offered * 500 // 800
    _bought(day, Trade(last - 1, "Ben", 500, value_of(500, GROUP), first, (four,), 500))
    _bought(day, Trade(last, "Cleo", 300, value_of(300, GROUP), offered - first, (four,), 300))
    await stage.wait_until(day.at(9 * HOUR_S + 2400))
    ten, value = day.at(10 * HOUR_S), value_of(500, SPOT)
    spot = delivery(roof, 500, SPOT, ten, min_wh=500)
    create = suite.create_energy_offer(spot, None, post=pays(bond_of(value)))
    id_ = await stage.does(ada, f"offers {kwh_text(500)} of the next window at {stx_text(SPOT)}", create)
    sold = await stage.does(ben, "buys it", suite.accept_energy_offer(id_, 500, post=pays(value)))
    _bought(day, Trade(sold.first_trade, "Ben", 500, value, bond_of(value), (ten,), 500))
    price = await stage.ask(suite.get_market_price(market.STX))
    last_price = 0 if price is None else price.last_price_per_kwh
    stage.narrator.check("the market's last price", last_price, SPOT, stx_text)


async def _dispatched(stage: Stage, day: Day) -> tuple[int, int]:
    stage.narrator.chapter("The operator plans the battery's day")
    suite, operator = stage.suite.grid_management, stage["grid operator"]
    battery, noon, evening = day.meters["Coop"].device, day.at(12 * HOUR_S), day.at(18 * HOUR_S)
    roof = suite.dispatch_storage(day.meters["Ada"].device, CHARGE, 4000, noon, 2)
    await stage.may_not(operator, "dispatch a roof", roof, grid.ERR_NOT_STORAGE)
    charge = suite.dispatch_storage(battery, CHARGE, 4000, noon, 2)
    await stage.may_not(stage["Coop"], "dispatch the battery itself", charge, grid.ERR_NOT_OPERATOR)
    first = await stage.does(operator, "orders it to charge with 4 kW at noon", charge)
    give = suite.dispatch_storage(battery, DISCHARGE, 4000, evening, 2)
    second = await stage.does(operator, "orders it to give 4 kW at 18 o'clock", give)
    shave = suite.order_balancing(1, PEAK_SHAVING, 4000, evening, 2)
    await stage.does(operator, "announces that for the peak of zone 1", shave)
    return first, second


async def _sun(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("The sun")
    suite = stage.suite
    for at, energy_wh in SUN_WH.items():
        window = day.at(at)
        flows = {day.meters[name]: (used_wh, 0) for name, used_wh in USED_WH.items()}
        flows[day.meters["Ada"]] = (0, energy_wh)
        if at in (12 * HOUR_S, 12 * HOUR_S + WINDOW_S):
            flows[day.meters["Coop"]] = (CHARGED_WH[0], 0)
        if at != 12 * HOUR_S + WINDOW_S:
            await stage.attest(window - WINDOW_S, {}, gap=True, quiet=True)
        await stage.attest(window, flows)
        record = suite.energy_production_tracking.record_energy_production
        await stage["Ada"].call(record(*stage.proof(day.meters["Ada"], window)))
    minted = await stage.ask(suite.energy_token.get_balance(stage["Ada"].address))
    stage.narrator.check("Ada's ENERGY", minted, sum(SUN_WH.values()), kwh_text)


async def _peak(stage: Stage, day: Day, orders: tuple[int, int]) -> None:
    stage.narrator.chapter("The evening peak, shaved")
    suite, battery = stage.suite.grid_management, day.meters["Coop"]
    evening = day.at(18 * HOUR_S)
    await stage.attest(evening - WINDOW_S, {}, gap=True, quiet=True)
    for number, given_wh in enumerate(DISCHARGED_WH):
        flows = {day.meters[name]: (used_wh, 0) for name, used_wh in PEAK_WH.items()}
        await stage.attest(evening + number * WINDOW_S, {**flows, battery: (0, given_wh)})
    balance = await stage.ask(suite.get_zone_balance(evening, 1))
    needed = sum(PEAK_WH.values()) - DISCHARGED_WH[0]
    stage.narrator.check(
        "the main grid gives, of 3 kWh used", -balance.surplus_wh if balance else 0, needed, kwh_text
    )
    noon = day.at(12 * HOUR_S)
    for order, first in zip(orders, (noon, evening), strict=True):
        for window in (first, first + WINDOW_S):
            confirm = suite.confirm_dispatch(order, *stage.proof(battery, window))
            await stage["Mallory"].call(confirm)
        held = await stage.ask(suite.get_order(order))
        delivered = 0 if held is None else held.delivered_wh
        expected = sum(CHARGED_WH if first == noon else DISCHARGED_WH)
        stage.narrator.check(f"order {order} is followed, as proven", delivered, expected, kwh_text)
    again = suite.confirm_dispatch(orders[1], *stage.proof(battery, evening))
    await stage.may_not(stage["Coop"], "count a window twice", again, grid.ERR_COUNTED)
    other = suite.confirm_dispatch(orders[0], *stage.proof(battery, evening))
    await stage.may_not(stage["Coop"], "count the evening for noon", other, grid.ERR_OTHER_LEAF)
    record = stage.suite.energy_production_tracking.record_energy_production
    given = await stage.does(stage["Coop"], "records it", record(*stage.proof(battery, evening)))
    stage.narrator.check("ENERGY for what the sun had earned already", given.minted_wh, 0, kwh_text)


async def _storm(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("A storm, and an island")
    suite, operator, check = stage.suite.grid_management, stage["grid operator"], stage.narrator.check
    await stage.wait_until(day.at(19 * HOUR_S))
    await stage.does(operator, "measures 49.2 Hz and 190 V", suite.update_grid_status(1, 49_200, 190_000))
    status = await stage.ask(suite.get_current_grid_status(1))
    check("at once in force", status.protocol, SHED_LOAD, _protocol)
    island = suite.set_island_mode(1, islanded=True)
    await stage.may_not(stage["Mallory"], "cut the neighbourhood off", island, grid.ERR_NOT_OPERATOR)
    await stage.does(operator, "cuts the neighbourhood off the main grid", island)
    tomorrow = delivery(day.meters["Ada"].device, 100, SPOT, day.at(36 * HOUR_S))
    sale = stage.suite.marketplace.create_energy_offer(tomorrow, None)
    await stage.may_not(stage["Ada"], "sell in the storm", sale, marketplace.ERR_NOT_CONNECTED)
    join = suite.set_island_mode(1, islanded=False)
    await stage.may_not(operator, "join the grid again at 49.2 Hz", join, grid.ERR_EMERGENCY)
    await stage.does(operator, "measures 50 Hz and 229 V", suite.update_grid_status(1, 50_000, 229_000))
    await stage.does(operator, "ends the emergency", suite.implement_emergency_protocol(1, NONE))
    await stage.does(operator, "joins the main grid again", join)
    status = await stage.ask(suite.get_current_grid_status(1))
    check("islanded", status.islanded, expected=False)


async def _counted(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("Consumption, without telling of a home")
    suite, check, evening = stage.suite.consumption_monitoring, stage.narrator.check, day.at(18 * HOUR_S)
    bens = suite.record_consumption(*stage.proof(day.meters["Ben"], evening))
    await stage.may_not(stage["Mallory"], "show Ben's evening", bens, consumption.ERR_NOT_OWNER)
    counted = await stage.does(stage["Ben"], "counts his own evening", bens)
    check("time of use", counted.time_of_use, ON_PEAK, _time_of_use)
    works = suite.record_consumption(*stage.proof(day.meters["Works"], evening))
    counted = await stage.does(stage["Mallory"], "counts the works', as anyone may", works)
    check("its power in W", counted.power_w, PEAK_WH["Works"] * HOUR_S // WINDOW_S)
    seen = await stage.chain.client.contract_events(suite.principal, limit=2)
    topics = [one.value["topic"] for one in seen if isinstance(one.value, dict)]
    check("the works is told", "threshold-exceeded" in topics, expected=True)
    zone = await stage.does(
        stage["Mallory"], "adds up the zone", suite.record_zone_consumption(evening, 0, 1)
    )
    check("of all its meters", zone, sum(PEAK_WH.values()), kwh_text)
    await _kept_secret(stage, day)


async def _kept_secret(stage: Stage, day: Day) -> None:
    """A home commits to its day, and shows it to whom it likes, outside the chain's blocks."""
    suite, cleo, meter = stage.suite.consumption_monitoring, stage["Cleo"], day.meters["Cleo"]
    proofs = tuple(stage.proof(meter, day.at(at)) for at in (12 * HOUR_S, 18 * HOUR_S))
    salt, number = hashlib.sha256(b"Cleo's salt").digest(), day.dawn // DAY_S
    leaves = tuple(leaf_hash(proof.leaf.value()) for proof in proofs)
    digest = await stage.ask(suite.get_commitment_digest(meter.device, number, salt, leaves))
    commit = suite.commit_consumption(meter.device, number, digest)
    await stage.does(cleo, "commits to her day with a salt; nothing of it is told", commit)
    shown = tuple(proof.listed for proof in proofs)
    found = await stage.ask(suite.check_commitment(meter.device, cleo.address, number, salt, shown))
    used = USED_WH["Cleo"] + PEAK_WH["Cleo"]
    stage.narrator.check("her adviser, whom she shows it, finds", found.import_wh, used, kwh_text)


async def _certified(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("Certificates")
    suite, ada, shop, check = (
        stage.suite.carbon_offset_integration,
        stage["Ada"],
        stage["Shop"],
        stage.narrator.check,
    )
    enlist, roof = suite.register_clean_energy_producer, day.meters["Ada"]
    battery = enlist(day.meters["Coop"].device, Attributes(1, "DE", 1_600_000_000, "battery"))
    await stage.may_not(stage["Coop"], "certify what a battery gives", battery, carbon.ERR_NOT_CLEAN)
    await ada.call(enlist(roof.device, Attributes(1, "DE", 1_600_000_000, "photovoltaic")))
    ids = []
    for at in (12 * HOUR_S, 12 * HOUR_S + WINDOW_S):
        issue = suite.issue_carbon_credits(*stage.proof(roof, day.at(at)))
        issued = await stage.does(ada, f"has {clock_text(at)} certified: {kwh_text(SUN_WH[at])}", issue)
        ids.append(issued.token_id)
    units, tokens = suite.certified_wh_asset, suite.certificate_id_asset
    moved = certificates(None, units, tokens, ids[0], ada.address, 500)
    sell = suite.transfer_carbon_credits(ids[0], 500, shop.address, post=moved)
    await stage.does(ada, f"hands {kwh_text(500)} of noon to the shop", sell)
    claim = hashlib.sha256(b"the shop's noon").digest()
    used = certificates(None, units, tokens, ids[0], shop.address, 500)
    retire = suite.retire_carbon_credits(ids[0], 500, shop.address, "the shop's noon", claim, post=used)
    await stage.does(shop, "retires them for what it used at noon", retire)
    totals = await stage.ask(suite.get_totals())
    check("issued, and no more than attested", totals.issued, 700 + 600, kwh_text)
    check("retired", totals.retired, 500, kwh_text)
    held = await stage.ask(suite.get_carbon_credits_balance(ada.address))
    check("Ada holds the rest", held, 800, kwh_text)


async def _settled(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("Settlement")
    suite, ada, roof = stage.suite.payment_settlement, stage["Ada"], day.meters["Ada"]
    for trade in sorted(day.trades, key=lambda one: one.id_):
        proofs = tuple(stage.proof(roof, window).listed for window in trade.windows)
        taken = pays_out(stage.suite.marketplace.principal, trade.value + trade.bond)
        await ada.call(suite.settle_trade(trade.id_, proofs, post=taken))
        buyer = stage[trade.buyer]
        for who in (ada, buyer):
            await who.call(suite.waive_true_up(trade.id_))
        gross = trade.value * trade.delivered_wh // trade.energy_wh
        missing_wh = trade.energy_wh - trade.delivered_wh
        penalty = up(trade.bond * missing_wh, trade.energy_wh)
        mine, theirs = gross - fee_of(gross) + trade.bond - penalty, trade.value - gross + penalty
        await ada.call(suite.claim(trade.id_, post=pays_out(suite.principal, mine)))
        if theirs:
            await buyer.call(suite.claim(trade.id_, post=pays_out(suite.principal, theirs)))
        day.moves("Ada", mine)
        day.moves(trade.buyer, theirs)
        short = f", {missing_wh} Wh short: {stx_text(theirs)} back" if missing_wh else ""
        stage.narrator.tell(
            f"Trade {trade.id_}: {kwh_text(trade.delivered_wh)} for {trade.buyer}{short}; "
            f"Ada has {stx_text(mine)}."
        )
    again = suite.claim(day.trades[0].id_)
    await stage.may_not(ada, "be paid twice", again, settlement.ERR_CLAIMED)
    reputation = await stage.ask(stage.suite.marketplace.get_reputation(ada.address))
    promised = sum(trade.energy_wh for trade in day.trades)
    kept = sum(trade.delivered_wh for trade in day.trades)
    stage.narrator.check("Ada's score, in basis points", reputation.score_bps, 10_000 * kept // promised)


async def _balanced(stage: Stage, day: Day) -> None:
    stage.narrator.chapter("Balances")
    check, suite = stage.narrator.check, stage.suite
    for name, expected in sorted(day.expected.items()):
        check(f"{name} has, but for fees of the chain", await stage[name].balance_ustx(), expected, stx_text)
    check("left in marketplace", (await stage.ask(suite.marketplace.get_escrow())).stx, 0, stx_text)
    fees = (await stage.ask(suite.payment_settlement.get_fees(market.STX))).held
    lost = FUNDS_USTX * len(day.expected) - sum(day.expected.values())
    check("what all have lost is the treasury's fee", lost, fees, stx_text)
    supply = await stage.ask(suite.energy_token.get_total_supply())
    check("ENERGY in all, as the sun gave", supply, sum(SUN_WH.values()), kwh_text)


def _bought(day: Day, trade: Trade) -> None:
    day.trades.append(trade)
    day.moves("Ada", -trade.bond)
    day.moves(trade.buyer, -trade.value)


def _protocol(number: int) -> str:
    return "load shedding" if number == SHED_LOAD else str(number)


def _time_of_use(number: int) -> str:
    return ("off peak", "mid peak", "on peak")[number]


if __name__ == "__main__":
    sys.exit(main("004"))
