import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import coincurve
import pytest

from oracle.chain.address import TESTNET, address_of, contract_of
from oracle.chain.client import StacksClient
from oracle.chain.courier import OutboxLimits
from oracle.chain.deploy import ContractDiffers, ContractSource, Deployed, DeployFailed, deploy
from oracle.chain.endpoint import ClientLimits
from oracle.chain.outbox import Outbox
from oracle.chain.transaction import ContractDeploy
from tests.unit.chain.node import Node, running

KEY = coincurve.PrivateKey(b"\x01" * 32)
ROLES = ContractSource("roles", "(ok u1)")
TOKEN = ContractSource("energy-token", "(ok u2)")


class Deployer:
    def __init__(self, client: StacksClient, outbox: Outbox) -> None:
        self.client = client
        self.outbox = outbox

    async def __call__(self, *contracts: ContractSource) -> list[str | None]:
        async with asyncio.timeout(5):
            done: tuple[Deployed, ...] = await deploy(self.client, self.outbox, contracts)
        owner = address_of(KEY.public_key, TESTNET)
        assert [one.contract for one in done] == [contract_of(owner, one.name) for one in contracts]
        return [one.txid for one in done]


@asynccontextmanager
async def deployer(node: Node, folder: Path) -> AsyncIterator[Deployer]:
    limits = OutboxLimits(poll_s=0.01, patience_s=0, resend_after_s=0)
    async with (
        StacksClient((node.url,), limits=ClientLimits(deadline_s=0.5, attempts=1)) as client,
        Outbox(folder, KEY, TESTNET, client, lambda: 1_800_000_000, limits=limits) as outbox,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(outbox.run()), group.create_task(keep_mining(node))]
        try:
            yield Deployer(client, outbox)
        finally:
            for task in tasks:
                task.cancel()


async def keep_mining(node: Node) -> None:
    while True:
        await asyncio.sleep(0.01)
        node.mine()


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    async with running(Node()) as one:
        yield one


async def test_contracts_are_deployed_in_the_order_given(node: Node, tmp_path: Path) -> None:
    async with deployer(node, tmp_path) as run:
        txids = await run(ROLES, TOKEN)
    assert None not in txids
    payloads = [transaction.payload for transaction in node.transactions()]
    assert payloads == [ContractDeploy("roles", "(ok u1)"), ContractDeploy("energy-token", "(ok u2)")]


async def test_what_is_there_is_left_alone(node: Node, tmp_path: Path) -> None:
    async with deployer(node, tmp_path) as run:
        await run(ROLES)
        assert await run(ROLES) == [None]
    async with deployer(node, tmp_path / "another-machine") as run:
        (roles, token) = await run(ROLES, TOKEN)
    assert roles is None
    assert token is not None
    assert len(node.mined) == 2


async def test_another_source_under_the_name_stops_everything_before_it_starts(
    node: Node, tmp_path: Path
) -> None:
    async with deployer(node, tmp_path) as run:
        await run(ROLES)
        with pytest.raises(ContractDiffers, match="roles"):
            await run(TOKEN, ContractSource("roles", "(ok u9)"))
    assert len(node.mined) == 1


async def test_a_refused_deploy_says_why_and_can_be_tried_again(node: Node, tmp_path: Path) -> None:
    async with deployer(node, tmp_path) as run:
        node.refuse = {"reason": "BadFunctionArgument"}
        with pytest.raises(DeployFailed, match="BadFunctionArgument"):
            await run(ROLES)
        node.refuse = {}
        assert await run(ROLES) != [None]


async def test_a_plan_names_each_contract_once(node: Node, tmp_path: Path) -> None:
    async with deployer(node, tmp_path) as run:
        with pytest.raises(DeployFailed):
            await run(ROLES, ROLES)


async def test_contracts_may_go_together_and_keep_their_order(node: Node, tmp_path: Path) -> None:
    contracts = tuple(ContractSource(f"c{number}", f"(ok u{number})") for number in range(6))
    async with deployer(node, tmp_path) as run:
        await run(contracts[2])
        told: list[Deployed] = []
        async with asyncio.timeout(5):
            await deploy(run.client, run.outbox, contracts, told.append, ahead=4)
    assert [one.contract.contract_name for one in told] == [one.name for one in contracts]
    assert [one.txid is None for one in told] == [number == 2 for number in range(6)]
    payloads = [transaction.payload for transaction in node.transactions()]
    order = (contracts[2], *contracts[:2], *contracts[3:])
    assert payloads == [ContractDeploy(one.name, one.source) for one in order]
