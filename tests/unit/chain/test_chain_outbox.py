import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import coincurve
import pytest

from consensus.encoding import Err, Ok, Principal
from consensus.model import InvariantBroken
from oracle.chain.address import TESTNET, burn_address
from oracle.chain.answers import RejectReason
from oracle.chain.calls import ContractRefused, PublicCall, only
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.codec import ContractMisread
from oracle.chain.courier import OutboxLimits
from oracle.chain.endpoint import ChainUnavailable, ClientLimits
from oracle.chain.job import Abandoned, FeePolicy, Job, JobState
from oracle.chain.ledger import OutboxLocked
from oracle.chain.outbox import Outbox, OutboxFull
from oracle.chain.post_conditions import Comparison, PostConditionMode, StxCondition
from oracle.chain.suite.deployed import Suite
from oracle.chain.suite.oracle_staking import ERR_INITIALISED
from oracle.chain.transaction import (
    ContractCall,
    TokenTransfer,
    Transaction,
    TransactionError,
    parse,
    txid_of,
)
from tests.unit.chain.node import Node, running

KEY = coincurve.PrivateKey(b"\x01" * 32)
CONTRACT = Principal(26, bytes(20), "production-oracle")
LIMITS = OutboxLimits(
    queue_max=50,
    in_flight_max=5,
    depth=3,
    poll_s=0.01,
    away_poll_s=0.01,
    fees=FeePolicy(floor_ustx=200, cap_ustx=5000, step_percent=25),
)
CLIENT_LIMITS = ClientLimits(deadline_s=0.3, attempts=1, wait_s=0.001)


class Clock:
    now_s = 1_800_000_000

    def __call__(self) -> int:
        return self.now_s


class World:
    """A node, a clock, and outboxes of one key that come and go."""

    def __init__(self, folder: Path, node: Node) -> None:
        self.folder = folder
        self.node = node
        self.clock = Clock()
        self.done_by_others: set[str] = set()
        self.seen: list[Job] = []

    @asynccontextmanager
    async def outbox(self, limits: OutboxLimits = LIMITS) -> AsyncIterator[Outbox]:
        async with (
            StacksClient((self.node.url,), limits=CLIENT_LIMITS) as client,
            Outbox(
                self.folder,
                KEY,
                TESTNET,
                client,
                self.clock,
                is_done=self.is_done,
                limits=limits,
                observe=self.seen.append,
            ) as outbox,
        ):
            yield outbox

    async def is_done(self, key: str) -> bool:
        return key in self.done_by_others

    def later(self, seconds: int) -> None:
        self.clock.now_s += seconds


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(Node()) as node:
        yield World(tmp_path, node)


def window(number: int) -> ContractCall:
    return ContractCall(CONTRACT, "submit-window", (number,))


def windows_of(raws: list[bytes]) -> list[int]:
    """The numbers that `window` was called with, in the order given."""
    numbers = []
    for raw in raws:
        payload = parse(raw).payload
        if isinstance(payload, ContractCall):
            numbers.append(payload.arguments[0])
    return numbers  # type: ignore[return-value]


def fees_of(raws: list[bytes]) -> list[int]:
    return [parse(raw).fee_ustx for raw in raws]


def nonces_of(raws: list[bytes]) -> list[int]:
    return [parse(raw).nonce for raw in raws]


async def state(outbox: Outbox, key: str) -> JobState:
    job = await outbox.job(key)
    assert job is not None
    return job.state


async def the(outbox: Outbox, key: str) -> Job:
    job = await outbox.job(key)
    assert job is not None
    return job


async def test_a_job_is_sent_confirmed_and_done_at_its_depth(world: World) -> None:
    async with world.outbox() as outbox:
        assert (await outbox.enqueue("w:1", window(1))).state is JobState.QUEUED
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.BROADCAST
        world.node.mine()
        await outbox.step()
        confirmed = await the(outbox, "w:1")
        assert (confirmed.state, confirmed.height, confirmed.succeeded) == (JobState.CONFIRMED, 2, True)
        world.node.mine()
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.CONFIRMED
        world.node.mine()
        await outbox.step()
        done = await the(outbox, "w:1")
        assert (done.state, done.txid) == (JobState.DONE, txid_of(world.node.mined[0]))
        assert [job.state.value for job in world.seen] == [
            "queued",
            "signed",
            "broadcast",
            "broadcast",
            "confirmed",
            "confirmed",
            "done",
        ]


async def test_what_is_saved_is_synced(world: World) -> None:
    async with world.outbox() as outbox:
        base = outbox._open_ledger()._base
        assert base.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert base.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


async def test_a_key_that_was_given_before_is_not_sent_again(world: World) -> None:
    async with world.outbox() as outbox:
        first = await outbox.enqueue("w:1", window(1))
        assert await outbox.enqueue("w:1", window(2)) == first
        await outbox.step()
        world.node.mine(4)
        await outbox.step()
        assert (await outbox.enqueue("w:1", window(3))).state is JobState.DONE
        await outbox.step()
        assert windows_of(world.node.received) == [1]


async def test_jobs_go_out_in_order_with_consecutive_nonces_and_no_more_than_allowed(world: World) -> None:
    async with world.outbox() as outbox:
        for number in range(8):
            await outbox.enqueue(f"w:{number}", window(number))
        await outbox.step()
        assert windows_of(world.node.received) == [0, 1, 2, 3, 4]
        world.node.mine()
        await outbox.step()
        assert windows_of(world.node.received) == list(range(8))
        assert nonces_of(world.node.received) == list(range(8))


async def test_a_full_outbox_says_so(world: World) -> None:
    async with world.outbox(OutboxLimits(queue_max=2)) as outbox:
        await outbox.enqueue("a", window(1))
        await outbox.enqueue("b", window(2))
        with pytest.raises(OutboxFull):
            await outbox.enqueue("c", window(3))
        assert (await outbox.enqueue("b", window(2))).key == "b"


async def test_a_payload_without_bytes_is_refused_before_it_is_queued(world: World) -> None:
    async with world.outbox() as outbox:
        with pytest.raises(TransactionError):
            await outbox.enqueue("a", ContractCall(CONTRACT, "no such name", ()))
        assert await outbox.unfinished() == ()


@pytest.mark.parametrize("key", ["", "k" * 201, "filler:1"])
async def test_a_key_that_is_none_is_our_mistake(world: World, key: str) -> None:
    async with world.outbox() as outbox:
        with pytest.raises(InvariantBroken):
            await outbox.enqueue(key, window(1))


async def test_a_second_outbox_of_the_same_key_is_refused_until_the_first_is_closed(world: World) -> None:
    async with world.outbox():
        with pytest.raises(OutboxLocked):
            async with world.outbox():
                pass
    async with world.outbox() as outbox:
        assert await outbox.counts() == {}


# Restarts


async def dropped_while(world: World, fault: Callable[[], Any], undo: Callable[[], Any]) -> None:
    """An outbox that dies in the middle of sending w:1."""
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        fault()
        with pytest.raises(ChainUnavailable):
            await outbox.step()
        undo()


async def test_after_a_restart_the_same_bytes_are_sent_again(world: World) -> None:
    node = world.node

    def lose() -> None:
        node.lose_answers = True

    def stop_losing() -> None:
        node.lose_answers = False
        node.mempool.clear()

    await dropped_while(world, lose, stop_losing)
    async with world.outbox() as outbox:
        assert await state(outbox, "w:1") is JobState.BROADCAST
        world.later(LIMITS.resend_after_s)
        await outbox.step()
    assert node.received[0] == node.received[1]
    assert windows_of(node.received) == [1, 1, 2]
    assert nonces_of(node.received) == [0, 0, 1]


async def test_a_time_out_is_not_a_failure(world: World) -> None:
    node = world.node

    def lose() -> None:
        node.lose_answers = True

    def stop_losing() -> None:
        node.lose_answers = False

    await dropped_while(world, lose, stop_losing)
    node.mine()
    async with world.outbox() as outbox:
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.CONFIRMED
    assert windows_of(node.received) == [1, 2]


class Died(BaseException):
    """The process ends here."""


async def test_a_job_that_was_signed_and_never_left_is_sent_by_the_next_process(world: World) -> None:
    async with StacksClient((world.node.url,), limits=CLIENT_LIMITS) as client:

        def die_when_signed(job: Job) -> None:
            if job.state is JobState.SIGNED:
                raise Died

        dying = Outbox(
            world.folder, KEY, TESTNET, client, world.clock, limits=LIMITS, observe=die_when_signed
        )
        async with dying:
            await dying.enqueue("w:1", window(1))
            with pytest.raises(Died):
                await dying.step()
            signed = await the(dying, "w:1")
    assert signed.state is JobState.SIGNED
    assert world.node.received == []
    async with world.outbox() as outbox:
        await outbox.step()
    assert world.node.received == [signed.latest.raw]


async def test_what_was_signed_and_never_left_gives_its_nonce_to_the_next_if_unneeded(world: World) -> None:
    async with StacksClient((world.node.url,), limits=CLIENT_LIMITS) as client:

        def die_when_signed(job: Job) -> None:
            if job.state is JobState.SIGNED:
                raise Died

        dying = Outbox(
            world.folder, KEY, TESTNET, client, world.clock, limits=LIMITS, observe=die_when_signed
        )
        async with dying:
            await dying.enqueue("w:1", window(1))
            with pytest.raises(Died):
                await dying.step()
    world.done_by_others.add("w:1")
    async with world.outbox() as outbox:
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        dropped = await the(outbox, "w:1")
    assert (dropped.state, dropped.abandoned) == (JobState.ABANDONED, Abandoned.UNNECESSARY)
    assert windows_of(world.node.received) == [2]
    assert nonces_of(world.node.received) == [0]


# Somebody else was quicker


async def test_what_somebody_else_has_done_is_not_sent(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        world.done_by_others.add("w:1")
        await outbox.step()
        assert (await the(outbox, "w:1")).abandoned is Abandoned.UNNECESSARY
    assert windows_of(world.node.received) == [2]
    assert nonces_of(world.node.received) == [0]


async def test_what_was_sent_and_became_unneeded_fills_its_nonce_at_no_higher_fee(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.done_by_others.add("w:1")
        for _ in range(5):
            world.later(LIMITS.raise_after_s)
            await outbox.step()
        assert set(world.node.received) == {world.node.received[0]}
        world.node.aborting.add(txid_of(world.node.received[0]))
        world.node.mine(3)
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.unneeded, job.succeeded) == (JobState.DONE, True, False)


async def test_what_is_unneeded_pays_more_only_for_those_behind_it(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        world.done_by_others.add("w:1")
        world.later(LIMITS.raise_after_s)
        await outbox.step()
        assert (await the(outbox, "w:1")).latest.fee_ustx == 800
        assert (await the(outbox, "w:2")).latest.fee_ustx == 400


async def test_what_we_did_ourselves_is_not_called_unneeded(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.done_by_others.add("w:1")
        world.later(LIMITS.resend_after_s)
        await outbox.step()
        world.node.mine(3)
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.succeeded, job.unneeded) == (JobState.DONE, True, False)


# Fees


async def test_the_fee_of_the_first_waiting_job_rises_to_the_cap(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        for _ in range(15):
            world.later(LIMITS.raise_after_s)
            await outbox.step()
        first = fees_of([raw for raw in world.node.received if windows_of([raw]) == [1]])
        second = fees_of([raw for raw in world.node.received if windows_of([raw]) == [2]])
    ladder = sorted(set(first))
    assert ladder[:4] == [400, 800, 1000, 1250]
    assert ladder[-1] == 5000
    assert first == sorted(first)
    assert set(second) == {400}
    assert nonces_of(world.node.received)[0] == 0


async def test_a_job_that_was_behind_another_gets_its_own_time_before_it_pays_more(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        world.later(LIMITS.raise_after_s - 1)
        del world.node.mempool[1]
        world.node.mine()
        await outbox.step()
        world.later(LIMITS.raise_after_s - 1)
        await outbox.step()
        assert len((await the(outbox, "w:2")).attempts) == 1
        world.later(1)
        await outbox.step()
        assert len((await the(outbox, "w:2")).attempts) == 2


async def test_any_attempt_may_be_the_one_that_is_mined(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        first = world.node.received[0]
        world.later(LIMITS.raise_after_s)
        await outbox.step()
        assert world.node.received[-1] != first
        world.node.mempool[0] = first
        world.node.mine(3)
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.txid) == (JobState.DONE, txid_of(first))


async def test_a_fee_that_is_too_low_is_raised_at_once(world: World) -> None:
    world.node.fee_minimum = 900
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        assert fees_of(world.node.received) == [400, 500, 625, 782, 978]
        assert world.node.mempool


async def test_above_the_cap_it_waits_for_fees_to_fall(world: World) -> None:
    world.node.fee_minimum = 6000
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.refusal) == (JobState.BROADCAST, RejectReason.FEE_TOO_LOW)
        assert max(fees_of(world.node.received)) == 5000
        assert set(windows_of(world.node.received)) == {1}
        world.node.fee_minimum = 400
        await outbox.step()
        world.node.mine()
        assert windows_of(world.node.mined) == [1, 2]


async def test_an_estimate_never_leads_above_the_cap_or_below_the_floor(world: World) -> None:
    async with world.outbox() as outbox:
        world.node.estimates = (10**9, 10**9, 10**9)
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.estimates = (0, 1, 2)
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
    assert fees_of(world.node.received) == [5000, 200]


# Reorganisations


async def test_a_lost_block_sends_the_same_bytes_again(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.mine(2)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.CONFIRMED
        world.later(LIMITS.raise_after_s)
        world.node.lose_blocks(2)
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.height, job.succeeded) == (JobState.BROADCAST, None, None)
        assert world.node.received == [world.node.received[0]] * 2
        world.node.mine(3)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.DONE


async def test_even_what_was_done_comes_back_after_a_deep_reorganisation(world: World) -> None:
    async with world.outbox() as outbox:
        for number in (1, 2):
            await outbox.enqueue(f"w:{number}", window(number))
        await outbox.step()
        world.node.mine(6)
        await outbox.step()
        assert await outbox.unfinished() == ()
        world.node.lose_blocks(6)
        await outbox.step()
        world.node.mine(3)
        await outbox.step()
        assert await outbox.counts() == {JobState.DONE: 2}
    assert windows_of(world.node.mined) == [1, 2]


# Nonces


async def test_a_nonce_that_somebody_else_used_is_given_up_for_the_next(world: World) -> None:
    async with world.outbox() as outbox:
        world.node.mine_foreign()
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.mine_foreign()  # takes nonce 1, on which w:1 waits
        await outbox.step()
        assert (await the(outbox, "w:1")).missing_since_s is not None
        world.later(LIMITS.foreign_after_s)
        await outbox.step()
        world.node.mine()
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.CONFIRMED
    assert nonces_of(world.node.received) == [1, 2]


async def test_a_chain_that_moves_between_look_and_send_is_caught_up_with(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        world.node.refuse = {"reason": "BadNonce"}
        await outbox.step()
        assert (await the(outbox, "w:1")).refusal is RejectReason.BAD_NONCE
        world.node.refuse = {}
        world.node.mine_foreign()
        await outbox.step()
        world.later(LIMITS.foreign_after_s)
        await outbox.step()
        world.node.mine(3)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.DONE
    assert windows_of(world.node.mined) == [1]


async def test_a_forgotten_transaction_in_the_mempool_is_waited_for_not_fought(world: World) -> None:
    async with world.outbox(OutboxLimits(fees=FeePolicy(floor_ustx=3000))) as outbox:
        await outbox.enqueue("forgotten", window(0))
        await outbox.step()
    for file in world.folder.glob("outbox-*.sqlite3*"):
        file.unlink()
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.BROADCAST
        world.node.mine()
        await outbox.step()
        world.later(LIMITS.foreign_after_s)
        await outbox.step()
        world.node.mine(3)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.DONE
    assert windows_of(world.node.mined) == [0, 1]


async def test_a_gap_below_a_sent_nonce_is_filled_by_the_next_job(world: World) -> None:
    async with world.outbox() as outbox:
        await sent_with_a_gap(world, outbox, behind=4)
        world.node.mine()
        assert nonces_of(world.node.mined) == [0, 1, 2]
        assert windows_of(world.node.mined) == [1, 4, 3]


async def test_a_gap_that_no_job_wants_is_filled_by_a_transfer_of_one(world: World) -> None:
    async with world.outbox() as outbox:
        await sent_with_a_gap(world, outbox)
        await outbox.step()
        world.node.mine()
        await outbox.step()
        assert windows_of(world.node.mined) == [1, 3]
        filler = parse(world.node.mined[1])
        assert filler.payload == TokenTransfer(burn_address(TESTNET), 1)
        assert filler.nonce == 1
        world.node.mine(3)
        await outbox.step()
        assert await outbox.unfinished() == ()


async def sent_with_a_gap(world: World, outbox: Outbox, behind: int | None = None) -> None:
    """w:1 and w:3 wait with nonces 0 and 2; w:2 with nonce 1 was lost and is refused for good."""
    for number in (1, 2, 3):
        await outbox.enqueue(f"w:{number}", window(number))
    await outbox.step()
    del world.node.mempool[1]

    def is_second(transaction: Transaction) -> bool:
        return transaction.payload == window(2)

    world.node.refuse = {"reason": "BadFunctionArgument"}
    world.node.refuse_when = is_second
    world.later(LIMITS.resend_after_s)
    if behind is not None:
        await outbox.enqueue(f"w:{behind}", window(behind))
    await outbox.step()
    refused = await the(outbox, "w:2")
    assert (refused.state, refused.refusal) == (JobState.ABANDONED, RejectReason.BAD_FUNCTION_ARGUMENT)


# Refusals


async def test_what_no_node_will_ever_take_is_abandoned_and_the_next_goes_on(world: World) -> None:
    world.node.refuse = {"reason": "ContractAlreadyExists"}
    world.node.refuse_when = lambda transaction: transaction.payload == window(1)
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.abandoned, job.refusal) == (Abandoned.REFUSED, RejectReason.CONTRACT_ALREADY_EXISTS)
        world.node.mine()
        await outbox.step()
        assert windows_of(world.node.mined) == [2]
        assert nonces_of(world.node.mined) == [0]


async def test_two_jobs_with_the_same_bytes_are_told_apart(world: World) -> None:
    world.node.refuse = {"reason": "BadFunctionArgument"}
    async with world.outbox() as outbox:
        await outbox.enqueue("first", window(1))
        await outbox.step()
        world.node.refuse = {}
        await outbox.enqueue("second", window(1))
        await outbox.step()
        assert len(set(world.node.received)) == 1
        world.node.mine(3)
        await outbox.step()
        assert await state(outbox, "second") is JobState.DONE
        assert await state(outbox, "first") is JobState.ABANDONED


async def test_an_abandoned_job_can_be_retried(world: World) -> None:
    world.node.refuse = {"reason": "BadFunctionArgument"}
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.refuse = {}
        assert (await outbox.retry("w:1")).state is JobState.QUEUED
        await outbox.step()
        world.node.mine(3)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.DONE
        with pytest.raises(InvariantBroken):
            await outbox.retry("w:1")
        with pytest.raises(KeyError):
            await outbox.retry("w:2")


async def test_a_contract_that_is_still_to_come_is_waited_for_in_order(world: World) -> None:
    world.node.refuse = {"reason": "NoSuchContract"}
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        for _ in range(3):
            await outbox.step()
            world.later(60)
        assert set(windows_of(world.node.received)) == {1}
        assert (await the(outbox, "w:1")).refusal is RejectReason.NO_SUCH_CONTRACT
        world.node.refuse = {}
        await outbox.step()
        world.node.mine()
        await outbox.step()
        assert windows_of(world.node.mined) == [1, 2]
        assert (await the(outbox, "w:1")).refusal is None


async def test_patience_ends(world: World) -> None:
    world.node.refuse = {"reason": "NoSuchContract"}
    world.node.refuse_when = lambda transaction: transaction.payload == window(1)
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.enqueue("w:2", window(2))
        await outbox.step()
        world.later(LIMITS.patience_s - 1)
        await outbox.step()
        assert await state(outbox, "w:1") is JobState.BROADCAST
        world.later(1)
        await outbox.step()
        assert (await the(outbox, "w:1")).abandoned is Abandoned.REFUSED
        assert list(world.node.mempool) == [0]
        assert windows_of(list(world.node.mempool.values())) == [2]


async def test_an_empty_account_holds_the_queue_without_losing_anything(world: World) -> None:
    world.node.refuse = {"reason": "NotEnoughFunds"}
    async with world.outbox() as outbox:
        for number in (1, 2, 3):
            await outbox.enqueue(f"w:{number}", window(number))
        for _ in range(3):
            await outbox.step()
            world.later(LIMITS.patience_s)
        assert (await the(outbox, "w:1")).refusal is RejectReason.NOT_ENOUGH_FUNDS
        world.node.refuse = {}
        await outbox.step()
        world.node.mine()
        assert windows_of(world.node.mined) == [1, 2, 3]


async def test_an_aborted_transaction_is_done_and_says_why(world: World) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.aborting.add(txid_of(world.node.received[0]))
        world.node.mine(3)
        await outbox.step()
        job = await the(outbox, "w:1")
        assert (job.state, job.succeeded) == (JobState.DONE, False)
        from consensus.encoding import decode

        assert job.result_bytes is not None
        assert decode(job.result_bytes) == Err(7)


async def test_what_a_contract_refuses_is_logged_once_by_its_name(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.outbox() as outbox:
        await outbox.enqueue("w:1", window(1))
        await outbox.step()
        world.node.results[txid_of(world.node.received[0])] = Err(405)
        for _ in range(4):
            world.node.mine()
            await outbox.step()
    told = [record.getMessage() for record in caplog.records if "w:1 failed" in record.getMessage()]
    assert len(told) == 1
    assert "production-oracle ERR_NO_QUORUM (u405): Fewer members than a quorum" in told[0]


async def test_a_typed_call_gives_what_the_contract_gave_or_raises_its_reason(world: World) -> None:
    staking = Suite(CONTRACT).oracle_staking
    its_stake = only(StxCondition(None, Comparison.EQUAL, 5))
    async with world.outbox() as outbox, asyncio.TaskGroup() as group:
        running_task = group.create_task(outbox.run())
        waiting = group.create_task(outbox.outcome("good", staking.stake(1, 5, post=its_stake)))
        await until(lambda: len(world.node.mempool) == 1)
        (raw,) = world.node.mempool.values()
        assert parse(raw).mode is PostConditionMode.DENY
        assert parse(raw).post_conditions == its_stake.conditions
        world.node.results[txid_of(raw)] = Ok(17)
        world.node.mine()
        assert await waiting == 17
        refused = group.create_task(outcome_of(outbox, "bad", staking.initialise(900)))
        await until(lambda: len(world.node.mempool) == 1)
        (raw,) = world.node.mempool.values()
        world.node.results[txid_of(raw)] = Err(304)
        world.node.mine()
        assert (await refused).error == ERR_INITIALISED
        running_task.cancel()


async def outcome_of(outbox: Outbox, key: str, call: PublicCall[bool]) -> ContractRefused:
    with pytest.raises(ContractRefused) as refused:
        await outbox.outcome(key, call)
    return refused.value


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.005)


# Outages


@pytest.mark.parametrize("failure", [CallRefused("no such contract"), ContractMisread("another type")])
async def test_an_answer_that_nobody_can_use_does_not_end_the_outbox(
    world: World, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_key: str) -> bool:
        raise failure

    real = world.is_done
    monkeypatch.setattr(world, "is_done", broken)
    async with world.outbox() as outbox, asyncio.TaskGroup() as group:
        running_task = group.create_task(outbox.run())
        await outbox.enqueue("w:1", window(1))
        await asyncio.sleep(0.1)
        assert not world.node.received, "it waits as for an absent chain"
        assert not running_task.done()
        running_task.cancel()
    monkeypatch.setattr(world, "is_done", real)
    async with world.outbox() as outbox:
        await outbox.step()
        assert windows_of(world.node.received) == [1]


async def test_when_the_chain_is_back_everything_is_delivered_in_order(world: World) -> None:
    world.node.away = True
    async with world.outbox() as outbox, asyncio.timeout(10), asyncio.TaskGroup() as group:
        running_task = group.create_task(outbox.run())
        for number in range(12):
            await outbox.enqueue(f"w:{number}", window(number))
        await asyncio.sleep(0.1)
        assert world.node.received == []
        world.node.away = False
        while len(await outbox.unfinished()) > 0:
            world.node.mine()
            await asyncio.sleep(0.02)
        running_task.cancel()
    assert windows_of(world.node.mined) == list(range(12))
    assert len(world.node.received) == 12


async def test_enqueueing_does_not_wait_for_a_chain_that_hangs(world: World) -> None:
    world.node.hang = True
    async with world.outbox() as outbox, asyncio.TaskGroup() as group:
        running_task = group.create_task(outbox.run())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.2):
            await outbox.enqueue("w:1", window(1))
        running_task.cancel()


async def test_waiting_for_a_job_ends_when_it_is_mined(world: World) -> None:
    async with world.outbox() as outbox, asyncio.timeout(5), asyncio.TaskGroup() as group:
        running_task = group.create_task(outbox.run())
        await outbox.enqueue("w:1", window(1))
        while not world.node.mempool:  # noqa: ASYNC110  the node is a test's own, and has no event
            await asyncio.sleep(0.01)
        world.node.mine()
        assert (await outbox.mined("w:1")).state is JobState.CONFIRMED
        world.node.mine(2)
        assert (await outbox.finished("w:1")).state is JobState.DONE
        with pytest.raises(KeyError):
            await outbox.mined("w:2")
        running_task.cancel()


async def test_old_finished_jobs_are_forgotten(world: World) -> None:
    limits = OutboxLimits(depth=1, finished_keep=3, fees=LIMITS.fees)
    async with world.outbox(limits) as outbox:
        for number in range(6):
            await outbox.enqueue(f"w:{number}", window(number))
        await outbox.step()
        world.node.mine()
        await outbox.step()
        assert await outbox.job("w:2") is None
        assert await state(outbox, "w:3") is JobState.DONE


# Everything at once


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_every_job_is_mined_once_and_in_order(world: World, seed: int) -> None:
    """Outages, lost answers, restarts, reorganisations, lost mempools: no job is lost or doubled."""
    chance = random.Random(seed)
    number = 0
    for _life in range(4):
        async with world.outbox() as outbox:
            for _ in range(chance.randrange(5, 15)):
                if chance.random() < 0.4 and number < 20:
                    await outbox.enqueue(f"w:{number}", window(number))
                    number += 1
                happen(chance, world)
                try:
                    await outbox.step()
                except ChainUnavailable:
                    continue
    world.node.away = world.node.lose_answers = False
    async with world.outbox() as outbox:
        for _ in range(60):
            world.later(LIMITS.resend_after_s)
            await outbox.step()
            world.node.mine()
        assert await outbox.unfinished() == ()
    assert windows_of(world.node.mined) == list(range(number))
    assert nonces_of(world.node.mined) == list(range(len(world.node.mined)))


def happen(chance: random.Random, world: World) -> None:
    node = world.node
    world.later(chance.choice((0, 1, 30, 90, 200)))
    match chance.randrange(8):
        case 0 | 1:
            node.mine(chance.randrange(1, 3))
        case 2:
            node.away = chance.random() < 0.5
        case 3:
            node.lose_answers = chance.random() < 0.5
        case 4:
            node.lose_blocks(min(len(node.blocks) - 1, chance.randrange(1, 8)))
        case 5:
            node.mempool.clear()
        case 6:
            node.fee_minimum = chance.choice((180, 300, 900))
        case _:
            pass
