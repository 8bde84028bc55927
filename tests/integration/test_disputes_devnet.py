"""Evidence against the real contracts: found by several nodes, submitted once, and the stake is gone."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from consensus.encoding import Value, encode
from consensus.messages import Entry, Phase, Vote
from consensus.model import ZERO_DIGEST, Digest, EpochNumber, Genesis, Height, NodeId, Round
from deploy.demo import ground
from deploy.demo.plan import OPERATORS, Plan, load_or_make
from deploy.demo.processes import ROOT, node_program, start
from oracle.audit.merkle import double_sha256, prove
from oracle.audit.parts import EpochPart, SignedPart
from oracle.chain.address import TESTNET
from oracle.chain.client import StacksClient
from oracle.chain.contracts import OracleContracts
from oracle.chain.courier import OutboxLimits
from oracle.chain.disputes import Disputes, Submission, SubmissionState
from oracle.chain.outbox import Outbox
from oracle.chain.suite.oracle_staking import OracleStakingContract
from oracle.chain.suite.production_oracle import SubmitWindowSummary
from oracle.evidence import build
from oracle.evidence.build import PlacedParts
from oracle.evidence.file import digest_of
from oracle.model import Leaf, RecordHash, UsagePoint, WindowStart
from tests.unit.audit.world import window_summary, zone_summary
from tests.unit.evidence.attested import plain_ocmf

WINDOW_S, BLOCK_MS = 4, 200
STAGE_S = 4.0
GROUP_KEY = b"\x80" + bytes(94) + b"\x01"
PROVEN, ELSEWHERE = SubmissionState.PROVEN, SubmissionState.ELSEWHERE


@dataclass
class Member:
    """One operator's way to the chain."""

    outbox: Outbox
    disputes: Disputes
    said: list[Submission] = field(default_factory=list)

    @property
    def last(self) -> Submission:
        return self.said[-1]


@dataclass
class Ground:
    plan: Plan
    operators: tuple[ground.Operator, ...]
    contracts: OracleContracts
    genesis: Genesis
    members: list[Member]

    @property
    def staking(self) -> OracleStakingContract:
        return self.contracts.suite.oracle_staking

    def votes(self, entry: Entry, slots: range = range(OPERATORS)) -> tuple[bytes, ...]:
        """Who commits to the entry."""
        vote = Vote(EpochNumber(1), entry.height, Round(0), Phase.COMMIT, entry.digest)
        payload = encode(vote.value(self.genesis.network))
        keys = [one.node for one in self.operators]
        return tuple(key.sign_recoverable(payload) if at in slots else b"" for at, key in enumerate(keys))

    def signed(self, entry: Entry, slots: range = range(OPERATORS)) -> SignedPart:
        certificate = encode({"epoch": 1, "round": 0, "signatures": self.votes(entry, slots)})
        return SignedPart(entry.encoded(), certificate)

    def entry(self, kind: str, height: int, body: dict[str, Value]) -> Entry:
        return Entry(self.genesis.network, Height(height), ZERO_DIGEST, kind, body)

    async def activate(self) -> Entry:
        first = int(time.time()) // WINDOW_S * WINDOW_S
        typed: dict[str, Value] = {
            "session": bytes(32),
            "group-key": GROUP_KEY,
            "commitments": bytes(32),
            "first-window": first,
            "attachment": bytes(32),
        }
        entry = self.entry("activate", 1, {"epoch": 1, **typed})
        call = self.staking.activate_epoch(
            1, ZERO_DIGEST, bytes(32), GROUP_KEY, bytes(32), first, bytes(32), 0, self.votes(entry)
        )
        assert await self.members[0].outbox.outcome("first-epoch", call) == 1
        return entry

    async def operator(self, slot: int) -> int:
        """Operators are numbered as they register, members as they were proposed."""
        key = self.operators[slot].node.public_key.format()
        found = await self.contracts.client.ask(self.staking.get_operator_of_key(key))
        assert found is not None
        return found

    async def stakes(self) -> list[int]:
        """By slot, in microSTX."""
        found = []
        for slot in range(OPERATORS):
            held = await self.contracts.client.ask(self.staking.get_operator(await self.operator(slot)))
            assert held is not None
            found.append(held.stake)
        return found

    async def barred(self) -> list[int]:
        """The slots whose operators are in no further committee."""
        ask, barred = self.contracts.client.ask, self.staking.is_barred
        return [slot for slot in range(OPERATORS) if await ask(barred(await self.operator(slot)))]

    async def bring(self, data: bytes, *slots: int) -> list[Submission]:
        """These members' nodes hold the evidence; wait until each knows what came of it."""
        members = [self.members[slot] for slot in slots]
        for member in members:
            member.disputes.take(data)
            assert member.disputes.open == 1
        while any(member.disputes.open for member in members):  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)
        return [member.last for member in members]


@asynccontextmanager
async def laid(folder: Path) -> AsyncIterator[Ground]:
    plan = load_or_make(folder, WINDOW_S, BLOCK_MS, 0, int(time.time()))
    governor, operators = ground.make_keys(plan)
    async with AsyncExitStack() as stack:
        genesis_path = ground.write_chain_genesis(plan, governor, operators)
        command: list[str | Path] = [node_program(), ROOT / "deploy" / "devnet" / "server.mjs"]
        command += ["--port", str(plan.devnet_port), "--state", plan.folder / "devnet"]
        command += ["--genesis", genesis_path, "--block-ms", str(BLOCK_MS)]
        devnet = await start("devnet", command, plan.folder / "logs" / "devnet.log")
        stack.push_async_callback(devnet.stop)
        await ground.lay(plan, governor, operators, lambda _: None)
        client = await stack.enter_async_context(StacksClient((plan.devnet,)))
        contracts = OracleContracts(client, ground.deployer_of(governor))
        genesis = await contracts.genesis()
        assert genesis is not None
        town = Ground(plan, operators, contracts, genesis, [])
        for slot, operator in enumerate(operators):
            town.members.append(await _member(stack, town, slot, operator))
        yield town


async def _member(stack: AsyncExitStack, town: Ground, slot: int, operator: ground.Operator) -> Member:
    folder = town.plan.operator(slot) / "chain"
    folder.mkdir(parents=True)
    limits = OutboxLimits(depth=1, poll_s=0.1)
    outbox = await stack.enter_async_context(
        Outbox(folder, operator.account, TESTNET, town.contracts.client, lambda: int(time.time()),
               is_done=town.contracts.is_done, limits=limits)
    )  # fmt: skip
    said: list[Submission] = []

    async def keep(submission: Submission) -> None:
        said.append(submission)

    disputes = Disputes(
        town.contracts,
        outbox,
        time.monotonic,
        STAGE_S,
        0.1,
        town.genesis.network,
        operator.node.public_key.format(),
        lambda: (NodeId(slot), OPERATORS),
        keep,
    )
    for running in (outbox.run(), disputes.run()):
        task = asyncio.create_task(running)
        stack.push_async_callback(_ended, task)
    return Member(outbox, disputes, said)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def double_vote(town: Ground, liar: int) -> bytes:
    signed = []
    for digest in (Digest(b"\x01" * 32), None):
        vote = Vote(EpochNumber(1), Height(7), Round(0), Phase.COMMIT, digest)
        payload = encode(vote.value(town.genesis.network))
        signed.append((payload, town.operators[liar].node.sign_recoverable(payload)))
    epochs = (EpochPart(1, town.genesis.committee.node_keys),)
    return build.double_vote(encode(town.genesis.value()), epochs, signed[0], signed[1])


async def test_e1_a_double_vote_is_submitted_once_by_one_of_several_nodes(tmp_path: Path) -> None:
    async with asyncio.timeout(120), laid(tmp_path / "ground") as town:
        await town.activate()
        before = await town.stakes()
        data = double_vote(town, liar=3)
        said = await town.bring(data, 0, 1, 2)
        assert sorted(one.state.value for one in said) == ["elsewhere", "elsewhere", "proven"]
        assert {one.kind for one in said} == {"double-vote"}
        (proven,) = [one for one in said if one.state is PROVEN]
        assert proven.txid is not None
        assert [one.txid for one in said if one.state is ELSEWHERE] == [None, None], "nobody else sent it"
        assert proven.block_height is not None
        assert proven.digest == digest_of(data)
        after = await town.stakes()
        assert after == [*before[:3], before[3] - before[3] * 2000 // 10_000]
        assert await town.barred() == [3]
        (again,) = await town.bring(data, 0)
        assert again.state in (PROVEN, ELSEWHERE)
        assert await town.stakes() == after
        (own,) = await town.bring(data, 3)
        assert own.state is SubmissionState.REFUSED
        assert "own key" in own.detail


async def test_e2_a_false_leaf_slashes_its_signers_once_it_is_on_chain(tmp_path: Path) -> None:
    async with asyncio.timeout(120), laid(tmp_path / "ground") as town:
        activation = town.signed(await town.activate())
        before = await town.stakes()
        window, liars = int(time.time()) // WINDOW_S * WINDOW_S, range(3)
        record = plain_ocmf(3, 1250, 120).replace(b',{"RV":0.120,"RI":"1-0:2.8.0","RU":"kWh"}', b"")
        named = RecordHash(hashlib.sha256(record).digest())
        start = WindowStart(window)
        leaf = Leaf(UsagePoint(3), start, 9999, 0, 0, 0, start, 17, 1, named)
        zone = zone_summary(1, window, [leaf])
        summary = window_summary(window, [zone], [leaf], bytes(32)).value()
        entry = town.entry("window", 2, summary)
        epochs = (EpochPart(1, town.genesis.committee.node_keys, GROUP_KEY, activation),)
        zone_bytes, leaf_bytes = encode(zone.value()), encode(leaf.value())
        in_zone, in_window = prove([double_sha256(leaf_bytes)], 0), prove([double_sha256(zone_bytes)], 0)
        placed = PlacedParts(town.signed(entry, liars), zone_bytes, in_window, leaf_bytes, in_zone)
        data = build.false_leaf(encode(town.genesis.value()), epochs, placed, "ocmf", record)
        honest = town.members[3]
        bringing = asyncio.create_task(town.bring(data, 3))
        while not honest.said:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)
        assert honest.last.detail == "its window is not on chain yet"
        oracle, typed = town.contracts.suite.production_oracle, SubmitWindowSummary.read(summary)
        votes = town.votes(entry, liars)
        call = oracle.submit_window(2, ZERO_DIGEST, typed, 1, 0, votes, bytes(48))
        assert await town.members[0].outbox.outcome("false-window", call) == entry.digest
        (said,) = await bringing
        assert (said.state, said.detail) == (PROVEN, "")
        assert await town.stakes() == [*(stake - stake * 5000 // 10_000 for stake in before[:3]), before[3]]
        assert await town.barred() == [0, 1, 2]
