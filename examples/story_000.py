"""Story 000: three rooftops become a virtual power plant.

Of the virtual-power-plant seed: producers register devices and join a VPP; it forecasts,
sells its output by auction and delivers a little less; the members are paid by what each fed
in and earn ENERGY; a committee that attests more than a meter has signed is slashed, and what
it attested earns nobody anything.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import Final

from examples.stage import market
from examples.stage.chain import FUNDS_USTX
from examples.stage.ground import STAKE_USTX, WINDOW_S
from examples.stage.market import auction, bond_of, fee_of, up, value_of
from examples.stage.meters import Meter
from examples.stage.narrator import kwh_text, stx_text
from examples.stage.run import main
from examples.stage.stage import Stage
from examples.stage.wallet import any_of, pays, pays_out, tokens
from oracle.chain.calls import only
from oracle.chain.suite import aggregation, governance, marketplace
from oracle.chain.suite import dispute_resolution as disputes
from oracle.chain.suite import payment_settlement as settlement
from oracle.chain.suite import verification_engine as verification
from oracle.chain.suite.governance import Change

TITLE: Final = "000 · Three rooftops become a power plant"
PEOPLE: Final = ("Ada", "Ben", "Cleo", "Volt", "Utility", "Factory", "Trader", "grid operator")
ROOFS_W: Final = {"Ada": 5000, "Ben": 4000, "Cleo": 3000}
PRODUCED_WH: Final = {"Ada": 700, "Ben": 500, "Cleo": 250}
RESERVE: Final = 100_000
"""MicroSTX for a kWh, as all prices."""
BIDS: Final = {"Utility": (900, 300_000), "Factory": (600, 220_000), "Trader": (400, 180_000)}
SOLD_WH: Final = 1500
PRICE: Final = 220_000
"""Of the lowest bid that gets something."""
LIE_WH: Final = 400
VOTES: Final = 2_000_000_000
"""Reward tokens that each member has a vote with, in millionths."""
BOUNTY_BPS: Final = 1000
FALSE_LEAF_BPS: Final = 5000
DAY_S: Final = 86_400


@dataclass(slots=True)
class Plant:
    """The VPP, its roofs, and what its people should have at the end, in microSTX."""

    id_: int
    roofs: dict[str, Meter]
    first: int = 0
    expected: dict[str, int] = field(default_factory=dict)

    def moves(self, name: str, amount_ustx: int) -> None:
        """Somebody gets this, or pays it."""
        self.expected[name] = self.expected.get(name, FUNDS_USTX) + amount_ustx


async def tell(stage: Stage) -> None:
    """The whole story."""
    plant = await _founded(stage)
    await _auctioned(stage, plant)
    await _produced(stage, plant)
    await _settled(stage, plant)
    await _disputed(stage, plant)
    await _governed(stage, plant)
    await _balanced(stage, plant)


async def _founded(stage: Stage) -> Plant:
    stage.narrator.chapter("Registration and aggregation")
    suite, operator = stage.suite, stage["grid operator"]
    await stage.governor.call(
        suite.grid_management.set_operator_authorization(operator.address, authorized=True)
    )
    await operator.call(suite.grid_management.set_interconnection_limit(1, 50_000, 50_000, 230_000))
    for name in ("Volt", "Utility", "Factory", "Trader"):
        await stage.household(name, kind=4)
    plant = Plant(await stage.does(stage["Volt"], "founds a VPP", suite.aggregation.create_vpp("Volt")), {})
    for name, capacity_w in ROOFS_W.items():
        owner = await stage.producer(name, "solar", kind=2)
        roof = await stage.meter(f"{name}'s roof", owner, "solar", capacity_w=capacity_w)
        plant.roofs[name] = roof
        join = suite.aggregation.join(plant.id_, roof.device)
        if name == "Ada":
            await stage.may_not(
                owner, "join with a roof that is not connected", join, aggregation.ERR_NOT_CONNECTED
            )
        await operator.call(suite.grid_management.connect_asset(roof.device, capacity_w))
        await stage.does(owner, f"registers a roof of {capacity_w} W, has it connected, and joins", join)
    ben = stage["Ben"]
    again = suite.aggregation.join(plant.id_, plant.roofs["Ben"].device)
    await stage.may_not(ben, "join twice", again, aggregation.ERR_IN_VPP)
    capacity_w = await stage.ask(suite.aggregation.get_capacity(plant.id_))
    stage.narrator.check("W that the VPP may sell, with its reserve kept back", capacity_w, 10_800)
    await stage.first_readings()
    return plant


async def _auctioned(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("Forecast and auction")
    suite, volt = stage.suite, stage["Volt"]
    plant.first = await stage.next_window(ahead_s=600)
    terms = auction(plant.id_, SOLD_WH, RESERVE, plant.first, plant.first - 300)
    bond = bond_of(value_of(SOLD_WH, RESERVE))
    forecast = suite.aggregation.publish_forecast(plant.id_, plant.first, SOLD_WH)
    await stage.may_not(stage["Ada"], "forecast for the VPP", forecast, aggregation.ERR_NOT_OPERATOR)
    await stage.does(volt, f"forecasts {kwh_text(SOLD_WH)} for the next window", forecast)
    open_ = suite.marketplace.open_auction(terms, post=pays(bond))
    await stage.may_not(stage["Ada"], "auction the VPP's output", open_, marketplace.ERR_NOT_SELLER)
    id_ = await stage.does(volt, f"opens an auction of it with {stx_text(bond)} at stake", open_)
    plant.moves("Volt", -bond)
    low = suite.marketplace.place_bid(id_, 100, RESERVE - 1)
    await stage.may_not(stage["Trader"], "bid below the reserve", low, marketplace.ERR_LOW_BID)
    own = suite.marketplace.place_bid(id_, 100, RESERVE)
    await stage.may_not(volt, "bid in its own auction", own, marketplace.ERR_SELF_TRADE)
    for name, (energy_wh, price) in BIDS.items():
        value = value_of(energy_wh, price)
        bid = suite.marketplace.place_bid(id_, energy_wh, price, post=pays(value))
        await stage.does(stage[name], f"bids for {kwh_text(energy_wh)} at {stx_text(price)} a kWh", bid)
        plant.moves(name, -value)
    clear = suite.marketplace.clear_auction(id_)
    await stage.may_not(volt, "clear it while it takes bids", clear, marketplace.ERR_AUCTION_OPEN)
    await stage.wait_until(plant.first - 300)
    cleared = await stage.does(stage["Ada"], "clears it, as anyone may", clear)
    stage.narrator.check("everybody pays the same price", cleared.price_per_kwh, PRICE, stx_text)
    stage.narrator.check("and all is sold", cleared.sold_wh, SOLD_WH, kwh_text)
    for name, sold_wh in (("Utility", 900), ("Trader", 0)):
        free = value_of(*BIDS[name]) - value_of(sold_wh, PRICE)
        back = suite.marketplace.withdraw(market.STX, free, post=pays_out(suite.marketplace.principal, free))
        await stage.does(stage[name], f"takes back {stx_text(free)} that the bid was above that", back)
        plant.moves(name, free)


async def _produced(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("Production")
    suite, window = stage.suite, plant.first
    await stage.attest(window, {roof: (0, PRODUCED_WH[name]) for name, roof in plant.roofs.items()})
    proofs = tuple(stage.proof(roof, window) for roof in plant.roofs.values())
    for name, proof in zip(plant.roofs, proofs, strict=True):
        record = suite.energy_production_tracking.record_energy_production(*proof)
        given = await stage.does(stage[name], "earns ENERGY", record)
        stage.narrator.check(f"{name}'s, minted", given.minted_wh, PRODUCED_WH[name], kwh_text)
    whole = tuple(proof.listed for proof in proofs)
    output = await stage.does(
        stage["Volt"], "pools the output", suite.aggregation.aggregate_window(plant.id_, window, whole)
    )
    stage.narrator.check("of the plant", output.export_wh, sum(PRODUCED_WH.values()), kwh_text)
    twice = suite.aggregation.aggregate_window(plant.id_, window, whole[:1])
    await stage.may_not(stage["Volt"], "count a roof twice", twice, aggregation.ERR_COUNTED)
    balance = await stage.ask(suite.aggregation.get_balance(plant.id_, window))
    stage.narrator.check("surplus over the members' demand, in Wh", balance.surplus_wh, output.export_wh)


async def _settled(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("Settlement")
    suite = stage.suite.payment_settlement
    ada, ben, cleo = (stage.proof(roof, plant.first).listed for roof in plant.roofs.values())
    bond = bond_of(value_of(SOLD_WH, RESERVE))
    first, second = bond * 900 // SOLD_WH, bond - bond * 900 // SOLD_WH
    taken = pays_out(stage.suite.marketplace.principal, value_of(900, PRICE) + first)
    await stage.does(
        stage["Ada"], "shows what was fed in for the utility", suite.settle_trade(1, (ada, ben), post=taken)
    )
    shown = suite.settle_trade(2, (ben, cleo))
    await stage.does(stage["Ben"], "shows what is left of it for the factory: 50 Wh short", shown)
    await stage.may_not(
        stage["Factory"],
        "settle before there was time to prove",
        suite.settle_trade(2, ()),
        settlement.ERR_NOT_DUE,
    )
    await stage.wait_until(plant.first + WINDOW_S + 2 * DAY_S)
    taken = pays_out(stage.suite.marketplace.principal, value_of(600, PRICE) + second)
    late = suite.settle_trade(2, (), post=taken)
    await stage.does(stage["Factory"], "settles two days later", late)
    score = stage.suite.aggregation.score_forecast(plant.id_, plant.first)
    missed = await stage.does(stage["Trader"], "scores the forecast", score)
    stage.narrator.check("it missed by, in basis points", missed, 10_000 * 50 // SOLD_WH)
    await _paid(stage, plant, 1, "Utility", 900, first, {"Ada": 700, "Ben": 200})
    await _paid(stage, plant, 2, "Factory", 600, second, {"Ben": 300, "Cleo": 250})


async def _paid(
    stage: Stage, plant: Plant, trade: int, buyer: str, sold_wh: int, bond: int, shares_wh: dict[str, int]
) -> None:
    """A trade is final as soon as both waive a restatement; then each claims."""
    suite, delivered_wh = stage.suite.payment_settlement, sum(shares_wh.values())
    value = value_of(sold_wh, PRICE)
    gross = value * delivered_wh // sold_wh
    penalty, net = up(bond * (sold_wh - delivered_wh), sold_wh), gross - fee_of(gross)
    for name in ("Volt", buyer):
        await stage[name].call(suite.waive_true_up(trade))
    dues = {name: net * share_wh // delivered_wh for name, share_wh in shares_wh.items()}
    dues |= {"Volt": bond - penalty, buyer: value - gross + penalty}
    for name, due in dues.items():
        post = pays_out(suite.principal, due) if due else None
        claim = suite.claim(trade) if post is None else suite.claim(trade, post=post)
        await stage.does(stage[name], f"is paid {stx_text(due)} of trade {trade}", claim)
        plant.moves(name, due)
    await stage.may_not(
        stage["Ada"],
        "be paid again" if "Ada" in shares_wh else "claim in a trade without her",
        suite.claim(trade),
        settlement.ERR_CLAIMED if "Ada" in shares_wh else settlement.ERR_NOT_PARTY,
    )
    status = await stage.ask(suite.get_payment_status(trade))
    stage.narrator.check(f"payment status of trade {trade}", status, market.PAID, market.payment_text)


async def _disputed(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("A false claim")
    suite, roof, cleo = stage.suite, plant.roofs["Cleo"], stage["Cleo"]
    window = await stage.next_window()
    stage.narrator.tell(f"Three of four operators conspire: {LIE_WH} Wh more for Cleo than her meter signs.")
    await stage.attest(window, {roof: (0, 100)}, lie=(roof, LIE_WH))
    proof = stage.proof(roof, window)
    stage.narrator.check("the chain believes", proof.leaf.export_wh, 100 + LIE_WH, kwh_text)
    record = stage.record(roof, window)
    staking = suite.oracle_staking
    bent = suite.dispute_resolution.submit_false_leaf(window, *proof, record + b" ")
    await stage.may_not(stage["Ben"], "accuse with another record", bent, disputes.ERR_OTHER_RECORD)
    honest = stage.proof(plant.roofs["Ada"], window)
    unfounded = suite.dispute_resolution.submit_false_leaf(
        window, *honest, stage.record(plant.roofs["Ada"], window)
    )
    await stage.may_not(stage["Ben"], "accuse where nothing is false", unfounded, disputes.ERR_NOT_FALSE)
    accuse = suite.dispute_resolution.submit_false_leaf(
        window, *proof, record, post=any_of(staking.principal)
    )
    verdict = await stage.does(stage["Ben"], "shows the record that Cleo's meter has signed", accuse)
    slashed = 3 * (STAKE_USTX * FALSE_LEAF_BPS // 10_000)
    bounty = slashed * BOUNTY_BPS // 10_000
    plant.moves("Ben", bounty)
    check = stage.narrator.check
    check("operators slashed", len(verdict.operators), 3)
    check("of their stakes, taken", verdict.slashed, slashed, stx_text)
    check("to Ben", verdict.bounty, bounty, stx_text)
    check("burned", verdict.burned, slashed - bounty, stx_text)
    barred = [await stage.ask(staking.is_barred(one)) for one in range(1, 5)]
    check("barred from committees", barred, [True, True, True, False])
    earn = suite.energy_production_tracking.record_energy_production(*proof)
    await stage.may_not(cleo, "earn ENERGY by the lie", earn, verification.ERR_JUDGED)
    await stage.may_not(stage["Ada"], "accuse them again", accuse, disputes.ERR_JUDGED)


async def _governed(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("The members decide on the plant's reserve")
    suite, token, name = stage.suite.governance, stage.suite.reward_token, "vpp-reserve-bps"
    await stage.governor.call(stage.suite.roles.grant_role(stage.governor.address, "reward-minter"))
    for who in ROOFS_W:
        await stage.governor.call(token.mint(VOTES, stage[who].address))
        await stage[who].call(token.lock(VOTES, post=only(tokens(None, token.watt_asset, VOTES))))
    reason = hashlib.sha256(b"the forecasts are good: keep less back").digest()
    change = suite.propose((Change(name, 500),), reason)
    await stage.may_not(stage["Volt"], "decide that alone", change, governance.ERR_THRESHOLD)
    id_ = await stage.does(stage["Ada"], "proposes to keep back 5 % and not 10 %", change)
    for who, support in (("Ada", True), ("Ben", True), ("Cleo", False)):
        vote = suite.vote(id_, support)
        await stage.does(stage[who], f"votes {'for' if support else 'against'} it", vote)
    await stage.wait_until(await stage.chain.now_s() + 3 * DAY_S)
    await stage.wait_until(await stage.does(stage["Ben"], "queues it after the vote", suite.queue(id_)))
    await stage.does(stage["Volt"], "executes it after the timelock", suite.execute(id_))
    capacity_w = await stage.ask(stage.suite.aggregation.get_capacity(plant.id_))
    stage.narrator.check("W that the VPP may sell now", capacity_w, 11_400)


async def _balanced(stage: Stage, plant: Plant) -> None:
    stage.narrator.chapter("Balances")
    check, suite = stage.narrator.check, stage.suite
    for name, expected in plant.expected.items():
        check(f"{name} has, but for fees of the chain", await stage[name].balance_ustx(), expected, stx_text)
    for name, energy_wh in PRODUCED_WH.items():
        held = await stage.ask(suite.energy_token.get_balance(stage[name].address))
        check(f"ENERGY of {name}", held, energy_wh, kwh_text)
    supply = await stage.ask(suite.energy_token.get_total_supply())
    check("ENERGY in all", supply, sum(PRODUCED_WH.values()), kwh_text)
    check("left in marketplace", (await stage.ask(suite.marketplace.get_escrow())).stx, 0, stx_text)
    fees = (await stage.ask(suite.payment_settlement.get_fees(market.STX))).held
    escrow = (await stage.ask(suite.payment_settlement.get_escrow())).stx
    check("in settlement: the treasury's fees", escrow, fees, stx_text)
    moved = sum(plant.expected.values()) - FUNDS_USTX * len(plant.expected)
    bounty = 3 * (STAKE_USTX * FALSE_LEAF_BPS // 10_000) * BOUNTY_BPS // 10_000
    check("what people lost in all is in the fees", bounty - moved, fees, stx_text)


if __name__ == "__main__":
    sys.exit(main("000"))
