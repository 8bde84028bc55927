"""Story 002: a utility calls for less, three homes promise it, and an auditor looks at it all.

Of the demand-response seed: meters are linked by hash; a utility announces an event and
funds it, with a grant beside it; homes commit with a stake; baseline and event energy come
from attested registers; one keeps its word, one half, one not at all: rewards, and a slash.
Then the community changes what a promise costs, by a vote and through a timelock; and a
second event pays in reward tokens (`reward_pool`).
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import Final

from examples import reward_pool
from examples.reward_pool import WATT, watt_text, working_days
from examples.stage.chain import FUNDS_USTX
from examples.stage.ground import WINDOW_S
from examples.stage.market import up
from examples.stage.meters import Meter
from examples.stage.narrator import kwh_text, stx_text
from examples.stage.run import main
from examples.stage.stage import Proof, Stage
from examples.stage.wallet import pays, pays_out, stx, tokens
from oracle.chain.address import account_text
from oracle.chain.calls import only
from oracle.chain.suite import commitment, governance
from oracle.chain.suite import event_manager as events
from oracle.chain.suite import reward_distributor as rewards_
from oracle.chain.suite.governance import Change

TITLE: Final = "002 · A utility calls for less"
PEOPLE: Final = ("Ada", "Ben", "Cleo", "Dora", "Utility", "Foundation", "Mallory", "auditor")
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
STARTS_S: Final = 18 * HOUR_S
"""The event is from 18:00 to 19:00, UTC."""
BASELINE_DAYS: Final = 5
PROMISED_WH: Final = 1000
"""By each home."""
TARGET_WH: Final = 2000
STAKE: Final = 6_000_000
POOL: Final = {"Utility": 30_000_000, "Foundation": 15_000_000}
EVENING_WH: Final = {
    "Ada": (3900, 4100, 4000, 3950, 4050, 2900),
    "Ben": (3000, 3000, 3000, 3000, 3000, 2300),
    "Cleo": (2000, 2000, 2000, 2000, 2000, 1900),
}
"""From 18:00 to 19:00 of five days, and of the day of the event."""
REDUCED_WH: Final = {"Ada": 1100, "Ben": 700, "Cleo": 100}
CREDITED_WH: Final = {"Ada": 1100, "Ben": 350, "Cleo": 0}
"""All of it from 75 % of the promise on, half of it from 60 % on, else nothing."""
HALF_BPS: Final = 6000


@dataclass(slots=True)
class Homes:
    """The participants' meters, the proofs of what they showed, and the event."""

    meters: dict[str, Meter]
    days: tuple[int, ...]
    """Five working days and the event's, as days since 1970."""
    event: int = 0
    proofs: list[Proof] = field(default_factory=list)

    @property
    def start(self) -> int:
        """When the event begins."""
        return self.days[-1] * DAY_S + STARTS_S

    @property
    def edges(self) -> tuple[int, int]:
        """The window before the event and its last one: whose ends are read."""
        return self.start - WINDOW_S, self.start + HOUR_S - WINDOW_S


async def tell(stage: Stage) -> None:
    """The whole story."""
    homes = await _linked(stage)
    await _announced(stage, homes)
    await _committed(stage, homes)
    await _happened(stage, homes)
    await _verified(stage, homes)
    await _rewarded(stage, homes)
    await _audited(stage, homes)
    await _governed(stage, homes)
    await _called_off(stage)
    await reward_pool.tell(stage, homes.meters, silent=_dora(stage))


async def _linked(stage: Stage) -> Homes:
    stage.narrator.chapter("Homes link their meters, and a working week goes by")
    for name in ("Ada", "Ben", "Cleo", "Dora"):
        await stage.household(name)
    meters = {name: await stage.meter(f"{name}'s meter", stage[name]) for name in EVENING_WH}
    dora = await stage.meter("Dora's meter", stage["Dora"])
    stage.narrator.tell("Four homes link a meter each; the chain holds a salted hash of its number.")
    await stage.first_readings()
    today = await stage.chain.now_s() // DAY_S
    homes = Homes(meters, working_days(today + 1, BASELINE_DAYS + 1))
    for number in range(BASELINE_DAYS):
        await _day(stage, homes, number, silent=dora)
    return homes


async def _day(stage: Stage, homes: Homes, number: int, silent: Meter) -> None:
    """Four readings a day: two frame the event's hour, two the hours that adjust a baseline."""
    start = homes.days[number] * DAY_S + STARTS_S
    before = start - WINDOW_S
    steps = {
        before - 4 * HOUR_S: dict.fromkeys(EVENING_WH, 9000),
        before - HOUR_S: dict.fromkeys(EVENING_WH, 4500),
        before: dict.fromkeys(EVENING_WH, 1500),
        start + HOUR_S - WINDOW_S: {name: use[number] for name, use in EVENING_WH.items()},
    }
    for window, used in steps.items():
        flows = {homes.meters[name]: (energy_wh, 0) for name, energy_wh in used.items()}
        await stage.attest(window, flows, silent=(silent,), gap=True, quiet=True)
        homes.proofs += [stage.proof(meter, window) for meter in homes.meters.values()]
    used_text = ", ".join(f"{name} {kwh_text(use[number])}" for name, use in EVENING_WH.items())
    stage.narrator.tell(f"Day {number + 1}, 18:00 to 19:00, attested: {used_text}.")


async def _announced(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("The utility announces an event")
    suite, utility = stage.suite.event_manager, stage["Utility"]
    await stage.wait_until(homes.days[-1] * DAY_S + 8 * HOUR_S)
    create = suite.create_event(
        "evening peak", 1, homes.start, homes.start + HOUR_S, TARGET_WH, BASELINE_DAYS, adjusted=True
    )
    await stage.may_not(stage["Mallory"], "announce an event", create, events.ERR_NOT_UTILITY)
    await stage.governor.call(stage.suite.roles.grant_role(utility.address, "utility"))
    soon = homes.days[-1] * DAY_S + 10 * HOUR_S
    hasty = suite.create_event("now", 1, soon, soon + HOUR_S, TARGET_WH, BASELINE_DAYS, adjusted=True)
    await stage.may_not(utility, "announce one that homes could prepare for", hasty, events.ERR_NOTICE)
    homes.event = await stage.does(
        utility, f"wants {kwh_text(TARGET_WH)} less from 18:00 to 19:00 in zone 1", create
    )
    for name, amount in POOL.items():
        fund = suite.fund_event(homes.event, amount, post=pays(amount))
        await stage.does(stage[name], f"puts {stx_text(amount)} into the pool", fund)
    early = suite.start_event(homes.event)
    await stage.may_not(utility, "start while homes still decide", early, events.ERR_TOO_EARLY)


async def _committed(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("Homes commit, with a stake")
    suite = stage.suite.commitment
    adas = homes.meters["Ada"].device
    theirs = suite.commit(homes.event, adas, PROMISED_WH, STAKE)
    await stage.may_not(stage["Mallory"], "promise for Ada's meter", theirs, commitment.ERR_NOT_OWNER)
    free = suite.commit(homes.event, adas, PROMISED_WH, 1)
    await stage.may_not(stage["Ada"], "promise with nothing at stake", free, commitment.ERR_STAKE)
    for name, meter in homes.meters.items():
        promise = suite.commit(homes.event, meter.device, PROMISED_WH, STAKE, post=pays(STAKE))
        what = f"promises {kwh_text(PROMISED_WH)} less, and stakes {stx_text(STAKE)}"
        await stage.does(stage[name], what, promise)
    again = suite.commit(homes.event, adas, PROMISED_WH, STAKE)
    await stage.may_not(stage["Ada"], "promise the same twice", again, commitment.ERR_DAY_TAKEN)
    doras = _dora(stage).device
    hers = suite.commit(homes.event, doras, PROMISED_WH, STAKE, post=pays(STAKE))
    await stage.does(stage["Dora"], "promises too", hers)
    back = suite.withdraw_commitment(homes.event, doras, post=pays_out(suite.principal, STAKE))
    await stage.does(stage["Dora"], "thinks better of it, and has her stake back", back)
    await stage.wait_until(homes.start - 4 * HOUR_S)
    late = suite.commit(homes.event, doras, PROMISED_WH, STAKE)
    await stage.may_not(stage["Dora"], "promise after all were closed", late, commitment.ERR_CLOSED)
    await stage.does(
        stage["Mallory"], "starts the event, as anyone may", stage.suite.event_manager.start_event(1)
    )


async def _happened(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("The event")
    suite, adas = stage.suite.commitment, homes.meters["Ada"].device
    first, last = homes.edges
    soon = suite.verify_commitment(homes.event, adas, first, last)
    await stage.may_not(stage["Ada"], "be judged before it is over", soon, commitment.ERR_NOT_NOW)
    await _day(stage, homes, BASELINE_DAYS, silent=_dora(stage))
    end = stage.suite.event_manager.end_event(homes.event)
    await stage.does(stage["Ben"], "ends it when its last window is over", end)


async def _verified(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("Verification")
    suite, mallory = stage.suite.commitment, stage["Mallory"]
    first, last = homes.edges
    unread = suite.verify_commitment(homes.event, homes.meters["Ada"].device, first, last)
    await stage.may_not(mallory, "judge Ada without her readings", unread, commitment.ERR_NOT_RECORDED)
    for start in range(0, len(homes.proofs), 24):
        some = tuple(proof.listed for proof in homes.proofs[start : start + 24])
        await stage.does(mallory, f"proves {len(some)} readings on chain", suite.record_readings(some))
    for name, meter in homes.meters.items():
        judge = suite.verify_commitment(homes.event, meter.device, first, last)
        found = await stage.does(mallory, f"has {name} judged by them", judge)
        mean_wh = sum(EVENING_WH[name][:BASELINE_DAYS]) // BASELINE_DAYS
        stage.narrator.check(f"{name}'s baseline", found.baseline_wh, mean_wh, kwh_text)
        stage.narrator.check("reduced by", found.reduction_wh, REDUCED_WH[name], kwh_text)
        stage.narrator.check("credited", found.credited_wh, CREDITED_WH[name], kwh_text)
    again = suite.verify_commitment(homes.event, homes.meters["Cleo"].device, first, last)
    await stage.may_not(stage["Cleo"], "be judged once more", again, commitment.ERR_JUDGED)


async def _rewarded(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("Rewards, and a slash")
    suite, manager = stage.suite.reward_distributor, stage.suite.event_manager
    pool, credited_wh = sum(POOL.values()), sum(CREDITED_WH.values())
    rewards = pool * credited_wh // TARGET_WH
    slashed = up(STAKE * (HALF_BPS - PROMISED_BPS["Cleo"]), HALF_BPS)
    adas = homes.meters["Ada"].device
    early = suite.claim_reward(homes.event, adas)
    await stage.may_not(stage["Ada"], "claim before it is shared out", early, rewards_.ERR_NOT_DISTRIBUTED)
    direct = manager.pay_reward(homes.event, stage["Mallory"].address, pool)
    await stage.may_not(stage["Mallory"], "take the pool", direct, events.ERR_NOT_DISTRIBUTOR)
    shared = await stage.does(stage["Cleo"], "has the pool shared out", suite.distribute(homes.event))
    stage.narrator.check("for what was reduced", shared, rewards, stx_text)
    for name, meter in homes.meters.items():
        reward = rewards * CREDITED_WH[name] // credited_wh
        stake = STAKE - (slashed if name == "Cleo" else 0)
        paid = [stx(stage.suite.commitment.principal, STAKE)]
        if reward:
            paid.append(stx(manager.principal, reward))
        claim = suite.claim_reward(homes.event, meter.device, post=only(*paid))
        payout = await stage.does(
            stage[name], f"claims {stx_text(reward)} and {stx_text(stake)} of stake", claim
        )
        stage.narrator.check(f"{name}'s reward", payout.reward, reward, stx_text)
        stage.narrator.check("slashed and burned", payout.stake_slashed, STAKE - stake, stx_text)
        held = await stage[name].balance_ustx()
        expected = FUNDS_USTX + reward - (STAKE - stake)
        stage.narrator.check(f"{name} has, but for fees of the chain", held, expected, stx_text)
    twice = suite.claim_reward(homes.event, adas)
    await stage.may_not(stage["Ada"], "claim twice", twice, commitment.ERR_SETTLED)
    for name, amount in POOL.items():
        rest = (pool - rewards) * amount // pool
        refund = manager.claim_refund(homes.event, post=pays_out(manager.principal, rest))
        await stage.does(stage[name], f"has {stx_text(rest)} back", refund)
        held, left = await stage[name].balance_ustx(), FUNDS_USTX - amount + rest
        stage.narrator.check(f"{name} has, but for fees of the chain", held, left, stx_text)
    more = manager.claim_refund(homes.event)
    await stage.may_not(stage["Utility"], "be refunded twice", more, events.ERR_NO_REFUND)
    await _conserved(stage, pool, rewards, slashed)


async def _conserved(stage: Stage, pool: int, rewards: int, slashed: int) -> None:
    check = stage.narrator.check
    money = await stage.ask(stage.suite.event_manager.get_escrow())
    stakes = await stage.ask(stage.suite.commitment.get_escrow())
    check("pool = rewards + refunds", money.paid + money.refunded, pool, stx_text)
    check("left in the pool", money.held, 0, stx_text)
    check("paid for reductions", money.paid, rewards, stx_text)
    check("stakes in = back + burned", stakes.staked, stakes.returned + stakes.slashed, stx_text)
    check("burned", stakes.slashed, slashed, stx_text)
    check("stakes left", stakes.held, 0, stx_text)


async def _audited(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("An auditor asks the chain, and nobody else")
    suite, check = stage.suite, stage.narrator.check
    event = await stage.ask(suite.event_manager.get_event(homes.event))
    terms = await stage.ask(suite.event_manager.get_terms(homes.event))
    totals = await stage.ask(suite.commitment.get_totals(homes.event))
    if event is None or terms is None:
        raise LookupError("the event is on chain")
    stage.narrator.tell(f"Event {homes.event}, {event.programme!r}, by {account_text(event.operator)}.")
    check("committed by three homes", (totals.commitments, totals.committed_wh), (3, 3 * PROMISED_WH))
    first, last = homes.edges
    for name, meter in homes.meters.items():
        promise = await stage.ask(suite.commitment.get_commitment(homes.event, meter.device))
        judged = await stage.ask(suite.commitment.get_compliance(homes.event, meter.device))
        payout = await stage.ask(suite.reward_distributor.get_payout(homes.event, meter.device))
        registers = [
            await stage.ask(suite.commitment.get_reading(meter.device, window)) for window in (first, last)
        ]
        if promise is None or judged is None or payout is None or None in registers:
            raise LookupError(f"{name}'s promise is on chain")
        before, after = (0 if one is None else one.import_register for one in registers)
        check(f"{name}'s event energy, again from the registers", after - before, judged.actual_wh, kwh_text)
        earned = payout.reward + payout.stake_returned
        stage.narrator.tell(
            f"{name} kept {judged.performance_bps / 100:g} % and was paid {stx_text(earned)}."
        )
    proof = stage.proof(homes.meters["Cleo"], last)
    proven = await stage.ask(suite.verification_engine.verify_leaf(*proof))
    check("Cleo's leaf still proves", proven.import_wh, EVENING_WH["Cleo"][-1], kwh_text)
    signers = await stage.ask(suite.production_oracle.get_signers(last, 0))
    check("operators who signed for it", 0 if signers is None else sum(signers.signers), 4)
    seen = await stage.chain.client.contract_events(suite.event_manager.principal, limit=100)
    topics = [one.value["topic"] for one in reversed(seen) if isinstance(one.value, dict)]
    story = ["event-created", "event-funded", "event-started", "event-ended", "event-settled", "reward-paid"]
    order = [topics.index(topic) for topic in story]
    check("what the contract printed, in order", order, sorted(order))


async def _governed(stage: Stage, homes: Homes) -> None:
    stage.narrator.chapter("The community changes the terms")
    suite, token = stage.suite.governance, stage.suite.reward_token
    name, before = "stake-ustx-per-kwh", await stage.ask(suite.get_parameter("stake-ustx-per-kwh"))
    await stage.governor.call(stage.suite.roles.grant_role(stage.governor.address, "reward-minter"))
    shares = {"Ada": 3000 * WATT, "Ben": 2000 * WATT, "Utility": 1000 * WATT}
    for who, amount in shares.items():
        await stage.governor.call(token.mint(amount, stage[who].address))
        lock = token.lock(amount, post=only(tokens(None, token.watt_asset, amount)))
        await stage.does(stage[who], f"locks {amount // WATT} reward tokens to vote with", lock)
    reason = hashlib.sha256(b"a promise should cost twice as much").digest()
    wild = suite.propose((Change(name, 10**12),), reason)
    await stage.may_not(stage["Ada"], "propose what is beyond all bounds", wild, governance.ERR_BOUNDS)
    change = suite.propose((Change(name, 2 * before),), reason)
    await stage.may_not(stage["Cleo"], "propose without tokens", change, governance.ERR_THRESHOLD)
    id_ = await stage.does(stage["Ada"], "proposes to double the stake of a promise", change)
    await stage.does(stage["Ada"], "votes for it", suite.vote(id_, support=True))
    await stage.does(stage["Ben"], "votes for it", suite.vote(id_, support=True))
    await stage.does(stage["Utility"], "votes against", suite.vote(id_, support=False))
    await stage.may_not(stage["Ada"], "vote twice", suite.vote(id_, support=True), governance.ERR_VOTED)
    await stage.may_not(stage["Ben"], "queue it now", suite.queue(id_), governance.ERR_NOT_PASSED)
    await stage.wait_until(await stage.chain.now_s() + 3 * DAY_S)
    ready_at = await stage.does(stage["Ben"], "queues it after three days", suite.queue(id_))
    await stage.may_not(stage["Ben"], "execute it now", suite.execute(id_), governance.ERR_TIMELOCK)
    await stage.wait_until(ready_at)
    await stage.does(stage["Cleo"], "executes it after the timelock", suite.execute(id_))
    after = await stage.ask(suite.get_parameter(name))
    stage.narrator.check("the stake for a promise of 1 kWh", after, 2 * before, stx_text)
    agreed = await stage.ask(stage.suite.event_manager.get_terms(homes.event))
    kept = 0 if agreed is None else agreed.stake_ustx_per_kwh
    stage.narrator.check("what the first event had agreed stays", kept, before, stx_text)


async def _called_off(stage: Stage) -> None:
    stage.narrator.chapter("An event with a pool of reward tokens is called off")
    suite, utility, token = stage.suite.event_manager, stage["Utility"], stage.suite.reward_token
    amount = reward_pool.POOL
    await stage.governor.call(token.mint(amount, utility.address))
    start = (await stage.chain.now_s() // DAY_S + 2) * DAY_S + STARTS_S
    create = suite.create_token_event(
        "evening peak", None, start, start + HOUR_S, TARGET_WH, BASELINE_DAYS, adjusted=False
    )
    event = await stage.does(utility, "announces an event that pays in tokens", create)
    needed = await stage.ask(stage.suite.commitment.get_stake_needed(event, 1000))
    voted = await stage.ask(stage.suite.governance.get_parameter("stake-ustx-per-kwh"))
    stage.narrator.check("a promise of 1 kWh takes what was voted", needed or 0, voted, stx_text)
    fund = suite.fund_event(event, amount, post=only(tokens(None, token.watt_asset, amount)))
    await stage.does(utility, f"puts {watt_text(amount)} into its pool", fund)
    cancel = suite.cancel_event(event)
    await stage.may_not(stage["Mallory"], "call it off", cancel, events.ERR_NOT_CANCELLABLE)
    await stage.does(utility, "calls it off while homes still decide", cancel)
    refund = suite.claim_refund(event, post=only(tokens(suite.principal, token.watt_asset, amount)))
    await stage.does(utility, "has its tokens back", refund)
    back = await stage.ask(token.get_balance(utility.address))
    stage.narrator.check("all of them", back, amount, watt_text)


def _dora(stage: Stage) -> Meter:
    """The meter of her who takes part in nothing."""
    return next(one for one in stage.meters if one.owner is stage["Dora"])


PROMISED_BPS: Final = {name: 10_000 * reduced // PROMISED_WH for name, reduced in REDUCED_WH.items()}
"""How much of its promise each has kept."""


if __name__ == "__main__":
    sys.exit(main("002"))
