"""Carries a deployment plan out, once: what is there and done is left alone.

Decides what is missing, what it will cost, and in which order it goes. The outbox gets it
there, so a deployment that was cut off goes on where it stopped; another machine that takes
over finds by the chain alone what is left. Contracts go one after the other, then the calls,
together, in order. Nobody can step in between: the deployer
governs from the block in which `roles` is deployed, and no other account may make the calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from consensus.encoding import Principal, encode
from oracle.chain.address import contract_of, principal_text
from oracle.chain.calls import why
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.deploy import ContractDiffers, Deployed, DeployFailed, deploy, is_present, unused_key
from oracle.chain.job import FeePolicy
from oracle.chain.outbox import Outbox
from oracle.chain.plan import Costs, Plan, PlannedCall
from oracle.chain.transaction import ContractDeploy, Payload


class Standing(Enum):
    """Where a step of the plan stands on the chain."""

    DONE = "done"
    MISSING = "missing"
    DIFFERS = "differs"
    """Something else stands in its place; it cannot be put right at this address."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction of the plan; `costs` are None where nobody measured this source."""

    label: str
    standing: Standing
    fee_ustx: int
    costs: Costs | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """A step that has just been done; `txid` is None where it was done before."""

    at: int
    steps: int
    label: str
    txid: str | None


async def survey(
    client: StacksClient, plan: Plan, deployer: Principal, fees: FeePolicy | None = None
) -> tuple[Step, ...]:
    """Every step, where it stands, and what it would pay now, where `fees` are asked for; nothing is sent.

    Raises ChainUnavailable.
    """
    steps = []
    for contract in plan.contracts:
        payload = ContractDeploy(contract.name, contract.source)
        detail = ""
        try:
            there = await is_present(client, deployer, contract)
            standing = Standing.DONE if there else Standing.MISSING
        except ContractDiffers as cause:
            standing, detail = Standing.DIFFERS, str(cause)
        fee_ustx = await _fee(client, payload, standing, fees)
        costs = plan.deploy_costs.get(contract.name)
        steps.append(Step(f"deploy {contract.name}", standing, fee_ustx, costs, detail))
    for call in plan.calls:
        standing = await standing_of(client, plan, call, deployer)
        fee_ustx = await _fee(client, plan.payload(call, deployer), standing, fees)
        detail = "set otherwise, for good" if standing is Standing.DIFFERS else ""
        steps.append(Step(label_of(plan, call), standing, fee_ustx, call.costs, detail))
    return tuple(steps)


def unheard(_: Progress) -> None:
    """For whoever needs no progress."""


async def carry_out(
    client: StacksClient,
    outbox: Outbox,
    plan: Plan,
    tell: Callable[[Progress], None] = unheard,
    ahead: int = 1,
) -> tuple[Deployed, ...]:
    """Do what is missing under the outbox's account; the outbox must be running.

    At most `ahead` contracts are under way at a time, as `deploy` explains.

    Raises ContractDiffers, DeployFailed with the contract's own reason, ChainUnavailable.
    """
    steps = len(plan.contracts) + len(plan.calls)
    count = 0

    def done(label: str, txid: str | None) -> None:
        nonlocal count
        count += 1
        tell(Progress(count, steps, label, txid))

    def there(one: Deployed) -> None:
        done(f"deploy {one.contract.contract_name}", one.txid)

    deployed = await deploy(client, outbox, plan.contracts, there, ahead)
    keys = [await _enqueue(client, outbox, plan, call) for call in plan.calls]
    for call, key in zip(plan.calls, keys, strict=True):
        done(label_of(plan, call), None if key is None else await _settled(client, outbox, plan, call, key))
    return deployed


async def standing_of(client: StacksClient, plan: Plan, call: PlannedCall, deployer: Principal) -> Standing:
    """Whether a call of the plan has been made; it is missing while its contract is."""
    question, wanted, before = plan.question(call, deployer)
    try:
        answer = await client.call_read_only(question.contract, question.function, question.arguments)
    except CallRefused:
        return Standing.MISSING
    if encode(answer) == wanted:
        return Standing.DONE
    return Standing.MISSING if before in (None, encode(answer)) else Standing.DIFFERS


def label_of(plan: Plan, call: PlannedCall) -> str:
    """What a call is called in lists: `roles grant-role dispute-resolution dispute`."""
    said = [next(iter(one.values())) for one in call.arguments]
    return " ".join((call.contract, call.function, *(str(plan.parameters.get(one, one)) for one in said)))


def addresses(plan: Plan, deployer: Principal) -> dict[str, str]:
    """Contract name -> its address."""
    return {one.name: principal_text(contract_of(deployer, one.name)) for one in plan.contracts}


async def _enqueue(client: StacksClient, outbox: Outbox, plan: Plan, call: PlannedCall) -> str | None:
    """The call's key in the outbox; None where it has been made."""
    if await standing_of(client, plan, call, outbox.address) is Standing.DONE:
        return None
    payload = plan.payload(call, outbox.address)
    digest = hashlib.sha256(encode(payload.arguments)).hexdigest()
    key = await unused_key(outbox, f"set-up:{call.contract}:{call.function}:{digest}")
    await outbox.enqueue(key, payload)
    return key


async def _settled(client: StacksClient, outbox: Outbox, plan: Plan, call: PlannedCall, key: str) -> str:
    job = await outbox.mined(key)
    if (
        await standing_of(client, plan, call, outbox.address) is not Standing.DONE
    ):  # asked of the chain, as for contracts
        raise DeployFailed(f"{label_of(plan, call)}: {why(job)}")
    return job.txid or ""


async def _fee(client: StacksClient, payload: Payload, standing: Standing, fees: FeePolicy | None) -> int:
    if fees is None or standing is not Standing.MISSING:
        return 0
    return fees.first(await client.fee_estimate(payload))
