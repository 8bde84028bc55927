"""C1, C2, C4: whose turn it is, what is there already, an absent chain, a reorganised one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import coincurve
import pytest

from consensus.encoding import Value, decode, encode
from consensus.model import Digest, NodeId
from consensus.step import Transmission
from oracle.chain.address import TESTNET, contract_of
from oracle.chain.client import StacksClient
from oracle.chain.contracts import OracleContracts
from oracle.chain.courier import OutboxLimits
from oracle.chain.endpoint import ClientLimits
from oracle.chain.outbox import Outbox
from oracle.chain.reporter import FINAL_DEPTH, Receipt, Reporter
from oracle.chain.transaction import ContractCall, txid_of
from oracle.schedule import submitters
from tests.scenarios.contract_node import DEPLOYER, Clock, ContractNode
from tests.unit.chain.node import running

KEY = coincurve.PrivateKey(b"\x01" * 32)
OTHER = coincurve.PrivateKey(b"\x02" * 32)
LIMITS = OutboxLimits(depth=3, poll_s=0.01, away_poll_s=0.01)
STAGE_S = 100.0
POLL_S = 0.02


def window(
    number: int, stage: int = 0, height: int | None = None, revision: int = 0, epoch: int = 1
) -> Transmission:
    body: Value = {"window": number, "revision": revision}
    arguments = tuple(encode(one) for one in (height or number, bytes(32), body, epoch))
    return Transmission(
        f"window:{number}:{revision}",
        "production-oracle",
        "submit-window",
        arguments,
        height or number,
        stage,
    )


def activation(stage: int = 0, height: int = 4, epoch: int = 1) -> Transmission:
    arguments = (encode(height),)
    return Transmission(f"activate:{epoch}", "oracle-staking", "activate-epoch", arguments, height, stage)


@dataclass
class Desk:
    """One member's reporter with its outbox, and what it keeps."""

    node: ContractNode
    clock: Clock
    reporter: Reporter
    outbox: Outbox
    kept: dict[int, Receipt] = field(default_factory=dict)
    lost: list[tuple[int, str]] = field(default_factory=list)
    undecided: set[int] = field(default_factory=set)
    outbox_clock: Clock = field(default_factory=Clock)

    def submitted(self) -> list[str]:
        return [call.function for call in self.node.calls]

    async def until(self, condition: Callable[[], bool], what: str, *, mining: bool = False) -> None:
        end_s = time.monotonic() + 8
        while not condition():
            assert time.monotonic() < end_s, f"still waiting until {what}"
            if mining and self.node.mempool:
                self.node.mine()
            await asyncio.sleep(0.01)

    async def rounds(self, number: int = 4) -> None:
        """Let both loops come round some times."""
        await asyncio.sleep(number * POLL_S * 2)


@asynccontextmanager
async def desk_of(node: ContractNode, folder: Path, key: coincurve.PrivateKey = KEY) -> AsyncIterator[Desk]:
    clock, outbox_clock = Clock(), Clock()
    found: list[Desk] = []

    async def keep(receipt: Receipt) -> None:
        found[0].kept[receipt.height] = receipt

    async def known(height: int) -> bool:
        return height in found[0].kept

    async def window_of(height: int) -> tuple[int, int] | None:
        return None if height in found[0].undecided else (height, 0)

    async def lose(height: int, txid: str) -> None:
        found[0].lost.append((height, txid))
        del found[0].kept[height]

    async def fits(activation: Transmission) -> bool:
        return node.board.fits

    limits = ClientLimits(deadline_s=0.5, attempts=1, wait_s=0.001)
    async with StacksClient((node.url,), limits=limits) as client:
        contracts = OracleContracts(client, DEPLOYER)
        async with Outbox(
            folder,
            key,
            TESTNET,
            client,
            lambda: int(outbox_clock()),
            is_done=contracts.is_done,
            limits=LIMITS,
        ) as outbox:
            reporter = Reporter(contracts, outbox, clock, STAGE_S, POLL_S, keep, window_of, known, lose, fits)
            found.append(Desk(node, clock, reporter, outbox, outbox_clock=outbox_clock))
            tasks = [asyncio.create_task(outbox.run()), asyncio.create_task(reporter.run())]
            try:
                yield found[0]
                for task in tasks:
                    assert not task.done(), task.exception()
            finally:
                for task in tasks:
                    task.cancel()
                with suppress(asyncio.CancelledError):
                    await asyncio.gather(*tasks)


@pytest.fixture
async def node() -> AsyncIterator[ContractNode]:
    async with running(ContractNode()) as node:
        assert isinstance(node, ContractNode)
        node.board.epoch = 1
        yield node


@pytest.fixture
async def desk(node: ContractNode, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_of(node, tmp_path) as desk:
        yield desk


def test_c1_the_order_of_submitters_follows_from_the_digest_alone() -> None:
    digest = Digest(hashlib.sha256(b"an entry").digest())
    assert submitters(digest, 7) == submitters(Digest(bytes(digest)), 7)
    orders = {submitters(Digest(hashlib.sha256(bytes([n])).digest()), 4) for n in range(200)}
    assert len(orders) == 24, "every order comes up"
    assert {order[0] for order in orders} == {NodeId(slot) for slot in range(4)}


async def test_c1_the_first_in_turn_submits_at_once(desk: Desk) -> None:
    desk.reporter.submit(window(900))
    await desk.until(lambda: desk.submitted() == ["submit-window"], "it is in a block", mining=True)
    call = desk.node.calls[0]
    assert call.window == (900, 0)
    await desk.until(lambda: desk.reporter.waiting == 0, "nothing waits")


async def test_c1_a_later_stage_waits_its_turn_and_finds_the_entry_there(desk: Desk) -> None:
    desk.reporter.submit(window(900, stage=2))
    desk.clock.now_s += 2 * STAGE_S - 1
    await desk.rounds()
    assert desk.reporter.waiting == 1
    assert not desk.node.received
    desk.node.asked.clear()
    await desk.outbox.enqueue("by-the-first", call_of(window(900)))  # stands for whoever was first
    await desk.until(lambda: (900, 0) in desk.node.attested, "it is there", mining=True)
    desk.clock.now_s += 2
    await desk.until(lambda: desk.reporter.waiting == 0, "it is dropped")
    assert "get-attestation" in desk.node.asked
    assert await desk.outbox.job("window:900:0") is None


async def test_c1_a_later_stage_submits_when_those_before_it_did_not(desk: Desk) -> None:
    desk.reporter.submit(window(900, stage=2))
    desk.clock.now_s += 2 * STAGE_S
    await desk.until(lambda: (900, 0) in desk.node.attested, "it is submitted", mining=True)


async def test_c1_turns_pass_in_order_whatever_order_they_were_asked_in(desk: Desk) -> None:
    for number, stage in ((3, 1), (1, 0), (2, 1), (4, 0)):
        desk.reporter.submit(window(number, stage))
    desk.clock.now_s += STAGE_S
    await desk.until(lambda: len(desk.node.attested) == 4, "all are in", mining=True)
    assert [call.height for call in desk.node.calls] == [1, 4, 2, 3]


async def test_c1_two_members_bring_an_entry_on_chain_once(node: ContractNode, tmp_path: Path) -> None:
    async with desk_of(node, tmp_path) as first, desk_of(node, tmp_path, OTHER) as second:
        first.reporter.submit(window(900, stage=0))
        second.reporter.submit(window(900, stage=1))
        await first.until(lambda: (900, 0) in node.attested, "the first submitted", mining=True)
        second.clock.now_s += STAGE_S
        await second.until(lambda: second.reporter.waiting == 0, "the second found it there")
        assert len(node.received) == 1
        await second.until(lambda: 900 in first.kept and 900 in second.kept, "both keep the receipt")
        assert first.kept[900].txid == second.kept[900].txid


def call_of(transmission: Transmission) -> ContractCall:
    return ContractCall(
        contract_of(DEPLOYER, transmission.contract),
        transmission.function,
        tuple(decode(argument) for argument in transmission.arguments),
    )


async def test_c1_windows_wait_until_the_epoch_is_active_and_the_activation_goes_first(desk: Desk) -> None:
    desk.node.board.epoch = None
    for number in (5, 6):
        desk.reporter.submit(window(number))
    desk.reporter.submit(activation(stage=1))
    await desk.rounds()
    assert not desk.node.received
    desk.clock.now_s += STAGE_S
    await desk.until(lambda: bool(desk.node.mempool), "the activation is sent")
    await desk.rounds()
    assert len(desk.node.received) == 1
    desk.node.mine()
    for _ in range(200):
        desk.clock.now_s += POLL_S
        if len(desk.node.attested) == 2:
            break
        desk.node.mine()
        await asyncio.sleep(0.01)
    assert desk.submitted() == ["activate-epoch", "submit-window", "submit-window"]


async def test_c2_windows_of_the_next_epoch_wait_for_its_activation_and_those_before_do_not(
    desk: Desk,
) -> None:
    desk.node.board.epoch = 1
    desk.reporter.submit(window(2700, height=7, epoch=2))
    desk.reporter.submit(window(900, height=5, epoch=1))
    await desk.until(lambda: (900, 0) in desk.node.attested, "the former committee's is in", mining=True)
    await desk.rounds()
    assert desk.submitted() == ["submit-window"]
    desk.node.board.epoch = 2
    desk.clock.now_s += POLL_S
    await desk.until(lambda: (2700, 0) in desk.node.attested, "then the new committee's", mining=True)


async def test_c2_an_activation_waits_for_what_was_decided_before_it(desk: Desk) -> None:
    desk.reporter.submit(window(900, stage=1, height=5))
    desk.reporter.submit(activation(height=6, epoch=2))
    await desk.rounds()
    assert desk.submitted() == []
    assert not desk.node.mempool
    desk.clock.now_s += STAGE_S + POLL_S

    def both() -> bool:
        desk.clock.now_s += POLL_S
        return len(desk.submitted()) == 2

    await desk.until(both, "both are in", mining=True)
    assert desk.submitted() == ["submit-window", "activate-epoch"]


async def test_k2_an_activation_is_not_wasted_on_a_chain_that_proposes_another_committee(desk: Desk) -> None:
    desk.node.board.fits = False
    desk.reporter.submit(activation(epoch=2))
    await desk.rounds()
    assert not desk.node.mempool
    desk.node.board.fits = True

    def sent() -> bool:
        desk.clock.now_s += POLL_S
        return desk.submitted() == ["activate-epoch"]

    await desk.until(sent, "it is sent", mining=True)


async def test_a8_a_restatement_waits_until_the_revision_before_it_is_on_chain(desk: Desk) -> None:
    desk.reporter.submit(window(5, stage=1))
    desk.reporter.submit(window(5, height=9, revision=1))
    desk.reporter.submit(window(6))
    await desk.until(lambda: [*desk.node.mempool] != [], "the other window goes on")
    desk.node.mine()
    for _ in range(30):
        await desk.rounds(1)
        desk.clock.now_s += 1
    assert [call.window for call in desk.node.calls] == [(6, 0)]
    desk.clock.now_s += STAGE_S
    await desk.until(lambda: len(desk.node.calls) == 2, "the first revision is there", mining=True)
    for _ in range(100):
        desk.clock.now_s += 1
        if desk.node.mempool:
            break
        await desk.rounds(1)
    await desk.until(lambda: len(desk.node.calls) == 3, "the second revision follows", mining=True)
    assert [call.window for call in desk.node.calls] == [(6, 0), (5, 0), (5, 1)]


async def test_c2_what_stands_on_chain_is_kept_with_its_raw_transaction(desk: Desk) -> None:
    desk.reporter.submit(window(900, height=17))
    desk.undecided.add(17)
    await desk.until(lambda: (900, 0) in desk.node.attested, "it is there", mining=True)
    await desk.rounds()
    assert not desk.kept, "this node has not decided that height yet"
    desk.undecided.clear()
    await desk.until(lambda: 17 in desk.kept, "the receipt is kept")
    receipt = desk.kept[17]
    assert receipt.raw in desk.node.mined
    assert receipt.txid == desk.node.calls[0].txid
    assert desk.node.mined.index(receipt.raw) == 0
    assert receipt.block_height == len(desk.node.blocks)


async def test_c4_while_the_chain_is_away_everything_waits_and_then_goes_out_in_order(desk: Desk) -> None:
    desk.node.away = True
    for number in range(1, 6):
        desk.reporter.submit(window(number))
    await desk.until(lambda: desk.reporter.chain_away is not None, "it is noticed")
    assert desk.reporter.waiting == 5
    desk.node.away = False
    await desk.until(lambda: len(desk.node.attested) == 5, "all are in", mining=True)
    assert [call.height for call in desk.node.calls] == [1, 2, 3, 4, 5]
    await desk.until(lambda: desk.reporter.chain_away is None, "it is back")
    await desk.until(lambda: len(desk.kept) == 5, "receipts are kept")


async def test_c4_what_the_outbox_has_no_room_for_waits_and_is_not_lost(desk: Desk) -> None:
    desk.outbox.limits = replace(desk.outbox.limits, queue_max=0)
    desk.reporter.submit(window(900, height=5))
    await desk.until(lambda: desk.reporter.chain_away is not None, "there is no room")
    assert desk.reporter.waiting == 1
    desk.outbox.limits = LIMITS
    await desk.until(lambda: (900, 0) in desk.node.attested, "it is on chain", mining=True)


async def test_c4_a_chain_whose_contracts_do_not_answer_is_away_and_stops_nobody(desk: Desk) -> None:
    # The read of `is_done` was refused, which nobody caught: the whole node stopped.
    desk.node.board.refuse_reads = True
    desk.reporter.submit(window(900))
    await desk.until(lambda: desk.reporter.chain_away is not None, "it is noticed")
    await desk.rounds()
    desk.node.board.refuse_reads = False
    await desk.until(lambda: (900, 0) in desk.node.attested, "it goes on", mining=True)


async def test_c4_an_aborted_transaction_leaves_no_receipt(desk: Desk) -> None:
    desk.reporter.submit(window(900))
    await desk.until(lambda: bool(desk.node.mempool), "it is sent")
    (raw,) = desk.node.mempool.values()
    desk.node.aborting.add(txid_of(raw))
    desk.node.mine()
    await desk.rounds()
    assert not desk.kept


async def test_c2_a_reorganisation_takes_the_receipt_back_and_the_entry_is_sent_again(desk: Desk) -> None:
    desk.reporter.submit(window(900))
    await desk.until(lambda: 900 in desk.kept, "the receipt is kept", mining=True)
    first = desk.kept[900]
    desk.node.lose_blocks(1)
    await desk.until(lambda: bool(desk.lost), "the receipt is lost")
    assert desk.lost == [(900, first.txid)]

    def in_a_block_again() -> bool:
        # An outbox that had not yet seen the first block sends again only after a while.
        desk.outbox_clock.now_s += 5
        return 900 in desk.kept

    await desk.until(in_a_block_again, "it is in a block again", mining=True)
    assert desk.kept[900].block_height > 0
    assert len(desk.node.attested) == 1


async def test_c2_a_receipt_deep_under_the_tip_is_not_asked_for_again(desk: Desk) -> None:
    desk.reporter.submit(window(900))
    await desk.until(lambda: 900 in desk.kept, "the receipt is kept", mining=True)
    desk.node.mine(FINAL_DEPTH + 1)
    await desk.until(lambda: not desk.reporter._recent, "it is final")
    assert not desk.lost
