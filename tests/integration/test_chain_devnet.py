"""The chain layer against the devnet: real transactions, the real Clarity VM, outages and forks on request.

Needs Node >= 20 (WATTEST_NODE, or `node` on the path) and the devnet's packages, which are
installed with `npm ci` where they are missing.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import coincurve
import pytest

from consensus.encoding import Err, Ok, Principal, Some, decode
from consensus.model import Rejected
from oracle.chain.address import TESTNET, address_of, contract_of, principal_text
from oracle.chain.answers import Accepted, RejectReason, TransactionState
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.courier import OutboxLimits
from oracle.chain.deploy import ContractDiffers, ContractSource, DeployFailed, deploy
from oracle.chain.endpoint import ChainUnavailable, ClientLimits
from oracle.chain.job import Abandoned, FeePolicy, Job, JobState
from oracle.chain.outbox import Outbox
from oracle.chain.post_conditions import Comparison, PostConditionMode, StxCondition
from oracle.chain.transaction import (
    ContractCall,
    ContractDeploy,
    Payload,
    TokenTransfer,
    serialise,
    sign,
    txid_of,
    unsigned,
)
from oracle.chain.watcher import AnswerChanged, ChainAway, ChainHead, Query, Watcher

DEVNET = Path(__file__).parents[2] / "deploy" / "devnet"
KEY = coincurve.PrivateKey(b"\x07" * 32)
OWNER = address_of(KEY.public_key, TESTNET)
POOR_KEY = coincurve.PrivateKey(b"\x08" * 32)
POOR = address_of(POOR_KEY.public_key, TESTNET)
BALANCE_USTX = 10**12
COUNTER = contract_of(OWNER, "counter")
SOURCE = """\
;; Adds small numbers and remembers each.
(define-data-var total uint u0)
(define-map seen uint {height: uint})
(define-read-only (get-total) (var-get total))
(define-read-only (was-seen? (n uint)) (is-some (map-get? seen n)))
(define-public (add (n uint))
  (begin
    (asserts! (< n u100) (err u7))
    (asserts! (map-insert seen n {height: stacks-block-height}) (err u8))
    (print {topic: "added", n: n})
    (ok (var-set total (+ n (var-get total))))))
(define-public (pay) (stx-transfer? u10 tx-sender 'ST000000000000000000002AMW42H))
"""
CONTRACT = ContractSource("counter", SOURCE)
LIMITS = OutboxLimits(depth=3, poll_s=0.02, away_poll_s=0.02, fees=FeePolicy(floor_ustx=400, cap_ustx=50_000))


class Devnet:
    """One devnet process; blocks are mined on request only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        genesis = self.folder / "genesis.json"
        genesis.write_text(json.dumps({principal_text(OWNER): BALANCE_USTX, principal_text(POOR): 500}))
        node = os.environ.get("WATTEST_NODE") or shutil.which("node")
        assert node, "Node >= 20 is needed: put it on the path or name it in WATTEST_NODE"
        arguments = ["--state", str(self.folder / "state"), "--genesis", str(genesis)]
        port = self.url.rpartition(":")[2] or "0"
        with (self.folder / "devnet.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                node,
                str(DEVNET / "server.mjs"),
                *arguments,
                *("--port", port, "--block-ms", "0"),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            ready = json.loads(await self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{ready['port']}"

    async def stop(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        async with asyncio.timeout(20):
            await self._process.communicate()

    async def ask(self, path: str, **body: Any) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.url}/devnet/{path}", json=body) as response,
        ):
            assert response.status == 200, await response.text()
            answer: dict[str, Any] = await response.json()
            return answer

    async def mine(self, blocks: int = 1) -> None:
        await self.ask("mine", blocks=blocks)


class Clock:
    now_s = 1_800_000_000

    def __call__(self) -> int:
        return self.now_s


class World:
    def __init__(self, devnet: Devnet, client: StacksClient, folder: Path) -> None:
        self.devnet = devnet
        self.client = client
        self.folder = folder
        self.clock = Clock()
        self.done_by_others: set[str] = set()

    @asynccontextmanager
    async def outbox(self, limits: OutboxLimits = LIMITS) -> AsyncIterator[Outbox]:
        opened = Outbox(
            self.folder / "outbox", KEY, TESTNET, self.client, self.clock, is_done=self.is_done, limits=limits
        )
        async with opened as outbox:
            yield outbox

    async def is_done(self, key: str) -> bool:
        return key in self.done_by_others

    async def total(self) -> object:
        return await self.client.call_read_only(COUNTER, "get-total")

    async def deploy_counter(self) -> None:
        raw = signed(ContractDeploy("counter", SOURCE), nonce=0, fee_ustx=5000)
        assert await self.client.broadcast(raw) == Accepted(txid_of(raw))
        await self.devnet.mine()


@pytest.fixture(scope="session", autouse=True)
def devnet_packages() -> None:
    if not (DEVNET / "node_modules").is_dir():
        npm = shutil.which("npm")
        assert npm, "npm is needed to install the devnet's packages"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=DEVNET, check=True, timeout=300)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    devnet = Devnet(tmp_path)
    await devnet.start()
    try:
        limits = ClientLimits(deadline_s=2.0, attempts=1)
        async with asyncio.timeout(120), StacksClient((devnet.url,), limits=limits) as client:
            yield World(devnet, client, tmp_path)
    finally:
        await devnet.stop()


def add(number: int) -> ContractCall:
    return ContractCall(COUNTER, "add", (number,))


def signed(
    payload: Payload, nonce: int, fee_ustx: int = 1000, key: coincurve.PrivateKey = KEY, **fields: Any
) -> bytes:
    return serialise(
        sign(unsigned(TESTNET, key.public_key, payload, nonce=nonce, fee_ustx=fee_ustx, **fields), key)
    )


async def the(outbox: Outbox, key: str) -> Job:
    job = await outbox.job(key)
    assert job is not None
    return job


async def test_a_contract_is_deployed_called_and_read_back(world: World) -> None:
    await world.deploy_counter()
    client = world.client
    assert await client.contract_source(COUNTER) == SOURCE
    interface = await client.contract_interface(COUNTER)
    assert interface is not None
    assert "add" in [function["name"] for function in interface["functions"]]
    async with world.outbox() as outbox:
        await outbox.enqueue("add:40", add(40))
        await outbox.step()
        await world.devnet.mine()
        await outbox.step()
        job = await the(outbox, "add:40")
    assert (job.state, job.succeeded) == (JobState.CONFIRMED, True)
    assert job.result_bytes is not None
    assert decode(job.result_bytes) == Ok(True)
    assert await world.total() == 40
    assert await client.data_var(COUNTER, "total") == 40
    assert await client.call_read_only(COUNTER, "was-seen?", (40,)) is True
    assert await client.map_entry(COUNTER, "seen", 41) is None
    entry = await client.map_entry(COUNTER, "seen", 40)
    assert isinstance(entry, Some)
    assert entry.value == {"height": job.height}
    (event,) = await client.contract_events(COUNTER)
    assert (event.txid, event.contract, event.value) == (job.txid, COUNTER, {"topic": "added", "n": 40})
    account = await client.account(OWNER)
    assert account.nonce == 2
    assert account.balance_ustx == BALANCE_USTX - 5000 - job.latest.fee_ustx
    assert (await client.info()).chain_id == TESTNET.chain_id


async def test_what_is_not_there_is_refused_by_name(world: World) -> None:
    await world.deploy_counter()
    with pytest.raises(CallRefused, match="NoSuchContract"):
        await world.client.call_read_only(contract_of(OWNER, "nowhere"), "f")
    with pytest.raises(CallRefused, match="UndefinedFunction"):
        await world.client.call_read_only(COUNTER, "nothing")
    with pytest.raises(CallRefused):
        await world.client.data_var(COUNTER, "nothing")
    assert await world.client.contract_source(contract_of(OWNER, "nowhere")) is None
    assert await world.client.contract_interface(contract_of(OWNER, "nowhere")) is None
    assert (await world.client.transaction_status("00" * 32)).state is TransactionState.UNKNOWN


async def test_a_node_refuses_in_the_words_we_know(world: World) -> None:
    await world.deploy_counter()
    nowhere = contract_of(OWNER, "nowhere")
    wrong_key = signed(add(1), nonce=1)
    refused = {
        signed(add(1), nonce=0): RejectReason.BAD_NONCE,
        signed(add(1), nonce=1, fee_ustx=1): RejectReason.FEE_TOO_LOW,
        signed(add(1), nonce=900): RejectReason.TOO_MUCH_CHAINING,
        signed(ContractCall(nowhere, "add", (1,)), nonce=1): RejectReason.NO_SUCH_CONTRACT,
        signed(ContractCall(COUNTER, "none", (1,)), nonce=1): RejectReason.NO_SUCH_PUBLIC_FUNCTION,
        signed(ContractCall(COUNTER, "add", ("1",)), nonce=1): RejectReason.BAD_FUNCTION_ARGUMENT,
        signed(ContractDeploy("counter", "(ok 1)"), nonce=1): RejectReason.CONTRACT_ALREADY_EXISTS,
        signed(TokenTransfer(OWNER, 5), nonce=1): RejectReason.TRANSFER_RECIPIENT_CANNOT_EQUAL_SENDER,
        signed(TokenTransfer(POOR, 0), nonce=1): RejectReason.TRANSFER_AMOUNT_MUST_BE_POSITIVE,
        signed(TokenTransfer(OWNER, 5000), nonce=0, key=POOR_KEY): RejectReason.NOT_ENOUGH_FUNDS,
        wrong_key[:60] + bytes([wrong_key[60] ^ 1]) + wrong_key[61:]: RejectReason.SIGNATURE_VALIDATION,
        wrong_key[:-5]: RejectReason.DESERIALIZATION,
    }
    for raw, reason in refused.items():
        answer = await world.client.broadcast(raw)
        assert isinstance(answer, Rejected), reason
        assert answer.reason is reason
    first = signed(add(1), nonce=1, fee_ustx=2000)
    assert await world.client.broadcast(first) == Accepted(txid_of(first))
    assert await world.client.broadcast(first) == Accepted(txid_of(first))
    rival = await world.client.broadcast(signed(add(2), nonce=1, fee_ustx=2000))
    assert isinstance(rival, Rejected)
    assert rival.reason is RejectReason.CONFLICTING_NONCE_IN_MEMPOOL


async def test_an_aborted_call_is_done_says_why_and_holds_up_nobody(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        await outbox.enqueue("add:500", add(500))
        await outbox.enqueue("add:5", add(5))
        await outbox.step()
        await world.devnet.mine(5)
        await outbox.step()
        aborted, added = await the(outbox, "add:500"), await the(outbox, "add:5")
    assert (aborted.state, aborted.succeeded) == (JobState.DONE, False)
    assert aborted.result_bytes is not None
    assert decode(aborted.result_bytes) == Err(7)
    assert (added.state, added.succeeded) == (JobState.DONE, True)
    assert await world.total() == 5


async def test_a_post_condition_holds_money_back(world: World) -> None:
    await world.deploy_counter()
    pay = ContractCall(COUNTER, "pay")
    async with world.outbox() as outbox:
        await outbox.enqueue("denied", pay)
        exact = (StxCondition(None, Comparison.EQUAL, 10),)
        await outbox.enqueue("exact", pay, post_conditions=exact)
        await outbox.enqueue("allowed", pay, mode=PostConditionMode.ALLOW)
        await outbox.enqueue(
            "less",
            pay,
            mode=PostConditionMode.ALLOW,
            post_conditions=(StxCondition(None, Comparison.LESS, 10),),
        )
        await outbox.step()
        await world.devnet.mine(8)
        await outbox.step()
        outcome = {key: (await the(outbox, key)).succeeded for key in ("denied", "exact", "allowed", "less")}
    assert outcome == {"denied": False, "exact": True, "allowed": True, "less": False}


async def test_contracts_are_deployed_once_and_a_changed_source_is_refused(world: World) -> None:
    reader = ContractSource("reader", "(define-read-only (twice) (* u2 (contract-call? .counter get-total)))")
    async with running_outbox(world) as outbox:
        first = await deploy(world.client, outbox, (CONTRACT, reader))
        assert None not in [one.txid for one in first]
        again = await deploy(world.client, outbox, (CONTRACT, reader))
        assert [one.txid for one in again] == [None, None]
        with pytest.raises(ContractDiffers):
            await deploy(world.client, outbox, (ContractSource("counter", SOURCE + "\n;; changed"),))
        with pytest.raises(DeployFailed, match="rolled back"):
            await deploy(world.client, outbox, (ContractSource("broken", "(this is no clarity)"),))
    assert await world.client.call_read_only(contract_of(OWNER, "reader"), "twice") == 0


@asynccontextmanager
async def running_outbox(world: World) -> AsyncIterator[Outbox]:
    async with world.outbox() as outbox, asyncio.TaskGroup() as group:
        tasks = [group.create_task(outbox.run()), group.create_task(keep_mining(world.devnet))]
        try:
            yield outbox
        finally:
            for task in tasks:
                task.cancel()


async def keep_mining(devnet: Devnet) -> None:
    while True:
        await asyncio.sleep(0.05)
        await devnet.mine()


@pytest.mark.parametrize("mode", ["reject", "hang"])
async def test_after_an_outage_everything_is_delivered_in_order(world: World, mode: str) -> None:
    await world.deploy_counter()
    await world.devnet.ask("fault", mode=mode)
    with pytest.raises(ChainUnavailable):
        await world.client.info()
    async with running_outbox(world) as outbox:
        for number in range(1, 13):
            await outbox.enqueue(f"add:{number}", add(number))
        await asyncio.sleep(0.2)
        assert len(await outbox.unfinished()) == 12
        await world.devnet.ask("fault", mode="none")
        jobs = [await outbox.finished(f"add:{number}") for number in range(1, 13)]
    assert all(job.succeeded for job in jobs)
    assert [job.nonce for job in jobs] == list(range(1, 13))
    assert await world.total() == sum(range(1, 13))
    prints = await world.client.contract_events(COUNTER)
    assert [event.value for event in reversed(prints)] == [
        {"topic": "added", "n": number} for number in range(1, 13)
    ]


async def test_an_outbox_that_dies_on_the_way_is_taken_up_where_it_stood(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as dying:
        for number in (1, 2, 3):
            await dying.enqueue(f"add:{number}", add(number))
        await dying.step()
        before = [(await the(dying, f"add:{number}")).latest for number in (1, 2, 3)]
    await world.devnet.mine()
    async with world.outbox() as dying:
        await dying.enqueue("add:4", add(4))
        await world.devnet.ask("fault", mode="hang")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await dying.step()
    await world.devnet.ask("fault", mode="none")
    async with world.outbox() as outbox:
        await outbox.step()
        await world.devnet.mine(5)
        await outbox.step()
        after = [(await the(outbox, f"add:{number}")) for number in (1, 2, 3, 4)]
    assert [job.attempts for job in after[:3]] == [(attempt,) for attempt in before]
    assert [job.state for job in after] == [JobState.DONE] * 4
    assert [job.nonce for job in after] == [1, 2, 3, 4]
    assert await world.total() == 10


async def test_a_stuck_transaction_is_replaced_at_a_higher_fee(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        await outbox.enqueue("add:1", add(1))
        await outbox.step()
        for _ in range(3):
            world.clock.now_s += LIMITS.raise_after_s
            await outbox.step()
        job = await the(outbox, "add:1")
        fees = [attempt.fee_ustx for attempt in job.attempts]
        assert len(fees) == 4
        assert fees == sorted(set(fees))
        assert {attempt.nonce for attempt in job.attempts} == {1}
        await world.devnet.mine(3)
        await outbox.step()
        mined = await the(outbox, "add:1")
    assert (mined.state, mined.txid) == (JobState.DONE, job.latest.txid)
    assert (await world.client.transaction_status(job.attempts[0].txid)).state is TransactionState.UNKNOWN
    assert await world.total() == 1


@pytest.mark.parametrize("drop", [True, False])
async def test_a_reorganisation_loses_nothing(world: World, drop: bool) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        for number in (1, 2):
            await outbox.enqueue(f"add:{number}", add(number))
        await outbox.step()
        await world.devnet.mine(2)
        await outbox.step()
        before = [await the(outbox, f"add:{number}") for number in (1, 2)]
        assert JobState.CONFIRMED in [job.state for job in before]
        height = (await world.client.info()).height
        first = before[0].height
        assert first is not None
        await world.devnet.ask("reorg", depth=height - first + 1, drop=drop)
        assert await world.total() == 0
        await outbox.step()
        assert (await the(outbox, "add:1")).state is JobState.BROADCAST
        await world.devnet.mine(5)
        await outbox.step()
        after = [await the(outbox, f"add:{number}") for number in (1, 2)]
    assert [job.state for job in after] == [JobState.DONE] * 2
    assert [job.attempts for job in after] == [job.attempts for job in before]
    assert await world.total() == 3


async def test_a_nonce_that_another_process_used_is_made_good(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        await outbox.enqueue("add:1", add(1))
        await outbox.step()
        foreign = signed(TokenTransfer(POOR, 1), nonce=1, fee_ustx=20_000)
        assert await world.client.broadcast(foreign) == Accepted(txid_of(foreign))
        await world.devnet.mine()
        await outbox.step()
        world.clock.now_s += LIMITS.foreign_after_s
        await outbox.step()
        await world.devnet.mine(3)
        await outbox.step()
        job = await the(outbox, "add:1")
    assert (job.state, job.nonce, job.succeeded) == (JobState.DONE, 2, True)
    assert await world.total() == 1


async def test_what_somebody_else_has_done_is_dropped(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        await outbox.enqueue("add:1", add(1))
        await outbox.enqueue("add:2", add(2))
        world.done_by_others.add("add:1")
        await outbox.step()
        await world.devnet.mine(3)
        await outbox.step()
        assert (await the(outbox, "add:1")).abandoned is Abandoned.UNNECESSARY
        assert (await the(outbox, "add:2")).nonce == 1
    assert await world.total() == 2


async def test_a_call_waits_for_the_contract_that_is_deployed_before_it(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("deploy", ContractDeploy("counter", SOURCE))
        await outbox.enqueue("add:1", add(1))
        await outbox.step()
        assert (await the(outbox, "add:1")).refusal is RejectReason.NO_SUCH_CONTRACT
        await world.devnet.mine()
        await outbox.step()
        await world.devnet.mine()
        await outbox.step()
        assert (await the(outbox, "add:1")).succeeded is True
    assert await world.total() == 1


async def test_a_restarted_node_is_met_where_it_was(world: World) -> None:
    await world.deploy_counter()
    async with world.outbox() as outbox:
        await outbox.enqueue("add:1", add(1))
        await outbox.step()
        await world.devnet.mine()
        await outbox.step()
        await outbox.enqueue("add:2", add(2))
        await world.devnet.stop()
        with pytest.raises(ChainUnavailable):
            await outbox.step()
        await world.devnet.start()
        await outbox.step()
        await world.devnet.mine(5)
        await outbox.step()
        assert await outbox.counts() == {JobState.DONE: 2}
    assert await world.total() == 3


async def test_a_watcher_tells_heads_answers_forks_and_outages(world: World) -> None:
    await world.deploy_counter()
    watcher = Watcher(world.client, (Query("total", COUNTER, "get-total"),))
    (head, total) = await watcher.poll()
    assert isinstance(head, ChainHead)
    assert isinstance(total, AnswerChanged)
    assert total.value == 0
    raw = signed(add(9), nonce=1)
    await world.client.broadcast(raw)
    await world.devnet.mine()
    (_, total) = await watcher.poll()
    assert isinstance(total, AnswerChanged)
    assert (total.value, total.height) == (9, (await world.client.info()).height)
    await world.devnet.ask("reorg", depth=1, drop=True)
    (_, total) = await watcher.poll()
    assert isinstance(total, AnswerChanged)
    assert total.value == 0
    await world.devnet.ask("fault", mode="reject")
    assert isinstance((await watcher.poll())[0], ChainAway)
    await world.devnet.ask("fault", mode="none")
    assert [type(one) for one in await watcher.poll()] == [ChainHead]


async def test_an_estimate_is_enough_for_the_node(world: World) -> None:
    payload = ContractCall(Principal(26, bytes(20), "counter"), "add", (1,) * 20)
    estimate = await world.client.fee_estimate(payload)
    assert 0 < estimate.low_ustx <= estimate.middle_ustx <= estimate.high_ustx
    transfer = TokenTransfer(POOR, 5, b"memo")
    low = (await world.client.fee_estimate(transfer)).low_ustx
    raw = signed(transfer, nonce=0, fee_ustx=low)
    assert await world.client.broadcast(raw) == Accepted(txid_of(raw))
    await world.devnet.mine()
    assert (await world.client.account(POOR)).balance_ustx == 505
