"""The trial of the demo's adversary, live: it is found out, and its stake pays.

Works as an outsider with the operators' accounts: it reads the operators' public APIs and
the chain, sends signed transactions, and checks the amounts that it computes itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import coincurve

from consensus.encoding import Principal
from deploy.demo.charges import Charge, Member, Proof
from deploy.demo.ground import Caller, Operator, operator_id, outbox_of
from deploy.demo.plan import OPERATORS, Plan
from oracle.chain.calls import ANYTHING_MOVES
from oracle.chain.client import StacksClient
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.oracle_staking import ERR_BARRED

LOOK_S: Final = 1.0
BPS: Final = 10_000
NO_LEAF: Final = 404
GUILTY: Final = True
JUDGEMENTS_MAX: Final = 200
"""A traitor that votes twice in every round may be slashed more than once before the last look."""
REVOKED: Final = 2
_DISCONNECTED = (aiohttp.ClientError, TimeoutError, OSError, ChainUnavailable)


class NotCaught(Exception):  # noqa: N818 - it states a fact
    """The trial did not end as it must."""


@dataclass(slots=True)
class Trial:
    """One charge against operators of the demo; `say` is told what happens."""

    plan: Plan
    charge: Charge
    governor: coincurve.PrivateKey
    operators: tuple[Operator, ...]
    deployer: Principal
    say: Callable[[str], None]

    @property
    def _suite(self) -> Suite:
        return Suite(self.deployer)

    @property
    def _folder(self) -> Path:
        folder = self.plan.folder / "trial"
        folder.mkdir(exist_ok=True)
        return folder

    async def run(self) -> None:
        """Until the traitors have paid. Raises NotCaught when the chain did something else."""
        names = ", ".join(f"operator {slot + 1}" for slot in self.charge.traitors) or "a meter"
        self.say(f"⚑ {self.charge.name}: {names} {self.charge.deed}; decided by {self.charge.proof.value}")
        async with StacksClient((self.plan.devnet,)) as client:
            ids = [await operator_id(client, self.deployer, one) for one in self.operators]
            traitors = [ids[slot] for slot in self.charge.traitors]
            if traitors and await self._barred(client, traitors):
                self.say("⚑ it was slashed and barred before; a new state folder begins anew")
                return
            before = [await self._stake(client, id_) for id_ in ids]
            match self.charge.proof:
                case Proof.VOTES:
                    await self._until_a_committee_judges(client)
                    await self._challenge(client, ids)
                case Proof.METER:
                    await self._revoke(client)
                case Proof.CHAIN:
                    pass
            await self._until_barred(client, traitors)
            for slot, id_ in enumerate(ids):
                self._check_stake(slot, before[slot], await self._stake(client, id_))
            if traitors:
                await self._shut_out(ids)

    # -- what the chain decides -------------------------------------------------------

    async def _until_barred(self, client: StacksClient, traitors: list[int]) -> None:
        while not await self._barred(client, traitors):  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(LOOK_S)

    async def _barred(self, client: StacksClient, ids: list[int]) -> bool:
        try:
            return all([await client.ask(self._suite.oracle_staking.is_barred(id_)) for id_ in ids])
        except _DISCONNECTED:
            return False

    def _check_stake(self, slot: int, before_ustx: int, after_ustx: int) -> None:
        if slot not in self.charge.traitors:
            if before_ustx != after_ustx:
                raise NotCaught(f"operator {slot + 1} is honest and lost {before_ustx - after_ustx} microSTX")
            return
        expected, times = before_ustx, 0
        while expected > after_ustx and times < JUDGEMENTS_MAX:
            expected -= -(-expected * self.charge.share_bps // BPS)
            times += 1
        if expected != after_ustx or not times:
            raise NotCaught(f"operator {slot + 1} has {after_ustx} microSTX left of {before_ustx}")
        share = self.charge.share_bps / 100
        self.say(
            f"⚑ operator {slot + 1} is slashed: {times} x {share:g} %, "
            f"{before_ustx:,} -> {after_ustx:,} microSTX, and barred"
        )

    async def _shut_out(self, ids: list[int]) -> None:
        """The governor proposes the same committee again: the contract refuses it."""
        async with self._caller("governor", self.governor) as call:
            refused = await call.refused(
                "same committee", self._suite.oracle_staking.propose_epoch(tuple(ids))
            )
        if refused != ERR_BARRED:
            raise NotCaught("a committee with a barred operator was taken")
        self.say(f"⚑ the next epoch does not take them: {refused}")

    async def _stake(self, client: StacksClient, id_: int) -> int:
        operator = await client.ask(self._suite.oracle_staking.get_operator(id_))
        if operator is None:
            raise NotCaught(f"operator {id_} is not there")
        return operator.stake + operator.unbonding

    # -- what the operators decide -----------------------------------------------------

    async def _until_a_committee_judges(self, client: StacksClient) -> None:
        """The key ceremony is over: before that nobody on chain has a vote."""
        while True:
            with suppress(*_DISCONNECTED):
                if await client.ask(self._suite.oracle_staking.get_current_epoch()):
                    return
            await asyncio.sleep(LOOK_S)

    async def _challenge(self, client: StacksClient, ids: list[int]) -> None:
        (traitor,) = self.charge.traitors
        judges = [slot for slot in range(OPERATORS) if slot != traitor]
        witnesses = await self._witnesses(traitor, judges)
        first = min(witnesses)
        shown = json.dumps(witnesses[first], sort_keys=True).encode()
        evidence = hashlib.sha256(shown).digest()
        (self._folder / "evidence.json").write_bytes(shown)
        accused, disputes = ids[traitor], self._suite.dispute_resolution
        opening = disputes.open_challenge(accused, self.charge.ground, evidence, 0, post=ANYTHING_MOVES)
        self.say(
            f"⚑ operator {first + 1} opens a challenge, with a bond: its node saw {_sight(witnesses[first])}"
        )
        async with self._caller(f"operator-{first + 1}", self.operators[first].owner) as call:
            await call("open", opening)
            await call.settled()
        case = await client.ask(disputes.get_challenge_of(accused, self.charge.ground, 0, evidence))
        if case is None:
            raise NotCaught("a challenge that was opened is not there")
        for slot in witnesses:
            async with self._caller(f"operator-{slot + 1}", self.operators[slot].owner) as call:
                await call(f"vote:{case}", disputes.vote_challenge(case, GUILTY))
                await call.settled()
            self.say(f"⚑ operator {slot + 1} votes guilty: its own node saw {_sight(witnesses[slot])}")
        async with self._caller("governor", self.governor) as call:
            await call(f"resolve:{case}", disputes.resolve_challenge(case, post=ANYTHING_MOVES))
            await call.settled()

    async def _witnesses(self, traitor: int, judges: list[int]) -> dict[int, Member]:
        """The judges whose nodes saw it, as soon as they are a majority."""
        while True:
            seen: dict[int, Member] = {}
            for slot in judges:
                conduct = await self._conduct(slot)
                if conduct is None:
                    continue
                members = conduct["members"]
                others = [one for one in members if one["slot"] not in (slot, traitor)]
                if self.charge.seen(members[traitor], others, conduct["entries"]):
                    seen[slot] = members[traitor]
            if 2 * len(seen) > len(judges):
                return seen
            await asyncio.sleep(LOOK_S)

    async def _conduct(self, slot: int) -> dict[str, Any] | None:
        timeout = aiohttp.ClientTimeout(total=5)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{self.plan.api(slot)}/v1/conduct") as answer,
            ):
                answer.raise_for_status()
                content: dict[str, Any] = await answer.json()
                return content
        except _DISCONNECTED:
            return None

    # -- a meter's trial ---------------------------------------------------------------

    async def _revoke(self, client: StacksClient) -> None:
        """The verifier revokes a meter that a majority of nodes saw contradicting itself."""
        meter = await self._meter_of_two_stories()
        async with self._caller("governor", self.governor) as call:
            await call(f"revoke:{meter}", self._suite.registration.revoke_asset(meter))
            await call.settled()
        device = await client.ask(self._suite.registration.get_device(meter))
        if device is None or device.status != REVOKED:
            raise NotCaught(f"meter {meter} is still registered")
        self.say(f"⚑ meter {meter} is revoked on chain; the operators keep their stakes")
        await self._until_left_out(meter)

    async def _meter_of_two_stories(self) -> int:
        while True:
            seen: dict[int, int] = {}
            for slot in range(OPERATORS):
                conduct = await self._conduct(slot)
                for row in () if conduct is None else conduct["meters"]:
                    seen[row["usage_point"]] = seen.get(row["usage_point"], 0) + 1
            for meter, nodes in seen.items():
                if 2 * nodes > OPERATORS:
                    self.say(
                        f"⚑ {nodes} of {OPERATORS} nodes saw meter {meter} sign two readings of one time"
                    )
                    return meter
            await asyncio.sleep(LOOK_S)

    async def _until_left_out(self, meter: int) -> None:
        """The registry that the nodes agree on follows the chain: the meter has no more leaves."""
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                try:
                    address = f"{self.plan.api(0)}/v1/proofs/{meter}"
                    async with session.get(address) as answer:
                        if answer.status == NO_LEAF:
                            self.say(f"⚑ windows go on without meter {meter}")
                            return
                except _DISCONNECTED:
                    pass
                await asyncio.sleep(LOOK_S)

    @asynccontextmanager
    async def _caller(self, folder: str, key: coincurve.PrivateKey) -> AsyncIterator[Caller]:
        async with (
            StacksClient((self.plan.devnet,)) as client,
            outbox_of(self._folder / folder, key, client) as outbox,
        ):
            yield Caller(outbox)


def _sight(member: Member) -> str:
    """What a node saw of a member, in words."""
    rows = [f"{row['count']} x {row['misdeed']} ({row['detail']})" for row in member["seen"]]
    return f"{', '.join(rows) or 'no misdeed'}; {member['signed']} entries signed"
