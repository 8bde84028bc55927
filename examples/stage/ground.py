"""What stands before a story begins: the suite deployed, its roles granted, a committee in force.

By the deployment plan and the calls it names, as on any network. The window's length and
who holds which seat are the story's; the rest is the plan's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from consensus.encoding import Principal, encode
from consensus.messages import Fields
from examples.stage.chain import Account, Chain, StoryBroken
from examples.stage.committee import Members
from examples.stage.wallet import pays
from oracle.chain import deployment, plan
from oracle.chain.address import TESTNET
from oracle.chain.contracts import OracleContracts
from oracle.chain.outbox import Outbox, OutboxLimits
from oracle.chain.suite.deployed import Suite

WINDOW_S: Final = 900
STAKE_USTX: Final = 2_000_000_000
OPERATORS: Final = ("operator 1", "operator 2", "operator 3", "operator 4")
_LIMITS: Final = OutboxLimits(depth=1, poll_s=0.02)


async def lay(folder: Path, chain: Chain, governor: Account) -> Suite:
    """Carry out the deployment plan, as `wattest contracts deploy` does, under the governor's account."""
    suite = plan.load(plan.shipped(), {"window-s": WINDOW_S})
    async with AsyncExitStack() as stack:
        outbox = Outbox(folder, governor.key, TESTNET, chain.client, _clock, limits=_LIMITS)
        await stack.enter_async_context(outbox)
        await stack.enter_async_context(chain.mining())
        await stack.enter_async_context(running(outbox))
        await deployment.carry_out(chain.client, outbox, suite, lambda _: None)
    await governor.after_outbox()
    return Suite(governor.address)


async def seat(chain: Chain, suite: Suite, governor: Account, operators: tuple[Account, ...]) -> Members:
    """Operators register, stake and are proposed; their key ceremony's entry puts the epoch in force."""
    staking = suite.oracle_staking
    ids = []
    for operator in operators:
        proof = operator.key.sign_recoverable(_claim(suite, operator))
        id_ = await operator.call(staking.register_operator(operator.key.public_key.format(), proof))
        await operator.call(staking.stake(id_, STAKE_USTX, post=pays(STAKE_USTX)))
        ids.append(id_)
    await governor.call(staking.propose_epoch(tuple(ids)))
    genesis = await OracleContracts(chain.client, suite.deployer).genesis()
    if genesis is None:
        raise StoryBroken("no committee is proposed")
    members = Members.seated(genesis, {one.key.public_key.format(): one.key for one in operators})
    decided = members.make_key(await chain.now_s() // WINDOW_S * WINDOW_S)
    body = Fields(decided.entry.body)
    body.literal("epoch", 1)
    await operators[0].call(
        staking.activate_epoch(
            decided.entry.height,
            decided.entry.previous,
            body.buff("session", 32),
            body.buff("group-key", 96),
            body.buff("commitments", 32),
            body.uint("first-window"),
            body.buff("attachment", 32),
            decided.certificate.round,
            decided.certificate.signatures,
        )
    )
    return members


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    """An open outbox works until the block ends."""
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _clock() -> int:
    return int(time.time())


def _claim(suite: Suite, operator: Account) -> bytes:
    """What a node key signs to belong to an owner."""
    staking: Principal = suite.oracle_staking.principal
    return encode(
        {"topic": "node-key", "chain-id": TESTNET.chain_id, "staking": staking, "owner": operator.address}
    )
