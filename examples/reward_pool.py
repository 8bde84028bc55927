"""The last chapter of story 002: an event that pays in WATT, the reward token, instead of STX.

A utility puts tokens that it holds into a pool. Two homes promise and keep it, one beyond what
counts; what they earn comes out of the pool, what was not reached goes back, and the tokens
are theirs: they pass them on. Nothing is made for it: supply stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from examples.stage.ground import WINDOW_S
from examples.stage.meters import Meter
from examples.stage.narrator import kwh_text
from examples.stage.stage import Proof, Stage
from examples.stage.wallet import pays, stx, tokens
from oracle.chain.calls import only
from oracle.chain.suite import commitment
from oracle.chain.suite import event_manager as events

WATT: Final = 1_000_000
"""Units of a token of 6 decimals."""
POOL: Final = 500 * WATT
TARGET_WH: Final = 2400
BASELINE_DAYS: Final = 5
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
STARTS_S: Final = 18 * HOUR_S
EVENING_WH: Final = {"Ada": (3000, 1700), "Ben": (2000, 1400)}
"""From 18:00 to 19:00 of each day before, and of the day of the event."""
PROMISED_WH: Final = {"Ada": 1000, "Ben": 800}
CREDITED_WH: Final = {"Ada": 1200, "Ben": 600}
"""Ada saved 1300 Wh, of which 120 % of her promise count; Ben 75 % of his, which is enough for all of it."""
EARNED: Final = {name: POOL * credited_wh // TARGET_WH for name, credited_wh in CREDITED_WH.items()}
PASSED_ON: Final = 50 * WATT


@dataclass(frozen=True, slots=True)
class Hour:
    """The hour of each day that is compared, and the event's id."""

    event: int
    days: tuple[int, ...]
    """The baseline's and the event's, since 1970."""
    stakes: Mapping[str, int]

    def edges(self, day: int) -> tuple[int, int]:
        """The window before the hour and its last one: whose ends are read."""
        start = self.days[day] * DAY_S + STARTS_S
        return start - WINDOW_S, start + HOUR_S - WINDOW_S


async def tell(stage: Stage, meters: Mapping[str, Meter], *, silent: Meter) -> None:
    """The chapter. The utility holds POOL and its role, and the meters' owners can pay a stake."""
    stage.narrator.chapter("Another one is held, and pays in reward tokens")
    supply = await stage.ask(stage.suite.reward_token.get_total_supply())
    homes = {name: meters[name] for name in EVENING_WH}
    days = working_days(await stage.chain.now_s() // DAY_S + 1, BASELINE_DAYS + 1)
    week = Hour(0, days, {})
    proofs = [proof for day in range(BASELINE_DAYS) for proof in await _read(stage, homes, week, day, silent)]
    stage.narrator.tell("Five working days go by; the hour from 18:00 to 19:00 is attested.")
    hour = await _promised(stage, homes, days)
    proofs += await _read(stage, homes, hour, BASELINE_DAYS, silent)
    await stage.does(stage["Ben"], "ends it", stage.suite.event_manager.end_event(hour.event))
    await _judged(stage, homes, hour, proofs)
    await _earned(stage, homes, hour)
    await _conserved(stage, hour, supply)


async def _read(
    stage: Stage, homes: Mapping[str, Meter], hour: Hour, day: int, silent: Meter
) -> tuple[Proof, ...]:
    """Both edges of the hour of a day are attested; gives the homes' proofs of them."""
    before, last = hour.edges(day)
    used_wh = {name: use[0] if day < BASELINE_DAYS else use[1] for name, use in EVENING_WH.items()}
    flows = {before: dict.fromkeys(homes, 5000), last: used_wh}
    for window, used in flows.items():
        energy = {homes[name]: (energy_wh, 0) for name, energy_wh in used.items()}
        await stage.attest(window, energy, silent=(silent,), gap=True, quiet=True)
    return tuple(stage.proof(meter, window) for window in flows for meter in homes.values())


async def _promised(stage: Stage, homes: Mapping[str, Meter], days: tuple[int, ...]) -> Hour:
    """The event of the last of these days: announced, funded, and two promises for it."""
    suite, utility, token = stage.suite.event_manager, stage["Utility"], stage.suite.reward_token
    start = days[-1] * DAY_S + STARTS_S
    await stage.wait_until(days[-1] * DAY_S + 8 * HOUR_S)
    create = suite.create_token_event(
        "evening peak", None, start, start + HOUR_S, TARGET_WH, BASELINE_DAYS, adjusted=False
    )
    event = await stage.does(utility, f"wants {kwh_text(TARGET_WH)} less, for tokens", create)
    poor = suite.fund_event(event, POOL)
    await stage.may_not(stage["Mallory"], "fund it without tokens", poor, events.ERR_TRANSFER)
    fund = suite.fund_event(event, POOL, post=only(tokens(None, token.watt_asset, POOL)))
    await stage.does(utility, f"puts {watt_text(POOL)} into the pool", fund)
    stakes = {}
    for name, meter in homes.items():
        promised_wh = PROMISED_WH[name]
        needed = await stage.ask(stage.suite.commitment.get_stake_needed(event, promised_wh))
        stakes[name] = needed or 0
        promise = stage.suite.commitment.commit(
            event, meter.device, promised_wh, stakes[name], post=pays(stakes[name])
        )
        await stage.does(stage[name], f"promises {kwh_text(promised_wh)}", promise)
    await stage.wait_until(start - 4 * HOUR_S)
    await stage.does(utility, "starts it", suite.start_event(event))
    return Hour(event, days, stakes)


async def _judged(stage: Stage, homes: Mapping[str, Meter], hour: Hour, proofs: list[Proof]) -> None:
    suite, mallory = stage.suite.commitment, stage["Mallory"]
    record = suite.record_readings(tuple(proof.listed for proof in proofs))
    await stage.does(mallory, f"proves {len(proofs)} readings on chain", record)
    for name, meter in homes.items():
        judge = suite.verify_commitment(hour.event, meter.device, *hour.edges(BASELINE_DAYS))
        found = await stage.does(mallory, f"has {name} judged by them", judge)
        before_wh, after_wh = EVENING_WH[name]
        stage.narrator.check(f"{name} saved", found.reduction_wh, before_wh - after_wh, kwh_text)
        stage.narrator.check("credited", found.credited_wh, CREDITED_WH[name], kwh_text)


async def _earned(stage: Stage, homes: Mapping[str, Meter], hour: Hour) -> None:
    suite, manager = stage.suite.reward_distributor, stage.suite.event_manager
    token = stage.suite.reward_token
    shared = await stage.does(stage["Ada"], "has the pool shared out", suite.distribute(hour.event))
    stage.narrator.check("for what was saved", shared, sum(EARNED.values()), watt_text)
    for name, meter in homes.items():
        reward, who = EARNED[name], stage[name]
        stx_before = await who.balance_ustx()
        watt_before = await stage.ask(token.get_balance(who.address))
        paid = (
            tokens(manager.principal, token.watt_asset, reward),
            stx(stage.suite.commitment.principal, hour.stakes[name]),
        )
        claim = suite.claim_reward(hour.event, meter.device, post=only(*paid))
        payout = await stage.does(who, f"claims {watt_text(reward)}, and the stake", claim)
        stage.narrator.check(f"{name}'s reward", payout.reward, reward, watt_text)
        held = await stage.ask(token.get_balance(who.address))
        stage.narrator.check(f"{name} holds", held, watt_before + reward, watt_text)
        gained = await who.balance_ustx() - stx_before
        stage.narrator.check(f"and of STX just the stake back, {name}", gained, hour.stakes[name])
    twice = suite.claim_reward(hour.event, homes["Ada"].device)
    await stage.may_not(stage["Ada"], "claim twice", twice, commitment.ERR_SETTLED)
    rest = POOL - sum(EARNED.values())
    refund = manager.claim_refund(hour.event, post=only(tokens(manager.principal, token.watt_asset, rest)))
    await stage.does(stage["Utility"], f"has {watt_text(rest)} back that nobody saved for", refund)


async def _conserved(stage: Stage, hour: Hour, supply: int) -> None:
    token, check = stage.suite.reward_token, stage.narrator.check
    ada, cleo = stage["Ada"], stage["Cleo"]
    moved = only(tokens(None, token.watt_asset, PASSED_ON))
    give = token.transfer(PASSED_ON, ada.address, cleo.address, None, post=moved)
    await stage.does(ada, f"gives {watt_text(PASSED_ON)} of hers to Cleo", give)
    rest = POOL - sum(EARNED.values())
    holds = {"Ada": EARNED["Ada"] - PASSED_ON, "Ben": EARNED["Ben"], "Cleo": PASSED_ON, "Utility": rest}
    for name, expected in holds.items():
        held = await stage.ask(token.get_balance(stage[name].address))
        check(f"{name} has in the end", held, expected, watt_text)
    pool = await stage.ask(stage.suite.event_manager.get_pool(hour.event))
    if pool is None:
        raise LookupError("the event has a pool")
    check("pool = rewards + refund", pool.paid + pool.refunded, POOL, watt_text)
    escrow = await stage.ask(stage.suite.event_manager.get_token_escrow())
    check("tokens left in pools", escrow.held, 0, watt_text)
    check("and none was made for it", await stage.ask(token.get_total_supply()), supply, watt_text)
    locked = (await stage.ask(token.get_totals())).locked
    check("supply = what people hold + what is locked", sum(holds.values()) + locked, supply, watt_text)


def watt_text(amount: int) -> str:
    """Reward tokens as people say them."""
    return f"{amount / WATT:g} WATT"


def working_days(first: int, count: int) -> tuple[int, ...]:
    """So many days from Monday to Friday, from `first` on; 1 January 1970 was a Thursday."""
    days = range(first, first + 2 * count + 2)
    return tuple(day for day in days if (day + 4) % 7 not in (0, 6))[:count]
