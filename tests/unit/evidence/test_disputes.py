"""Evidence on its way to the contract: what a node refuses by itself, and when its turn comes (E6)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import coincurve

from consensus.encoding import Some
from consensus.model import NodeId
from oracle.chain.address import TESTNET
from oracle.chain.client import StacksClient
from oracle.chain.contracts import OracleContracts
from oracle.chain.disputes import Disputes, Submission, SubmissionState
from oracle.chain.endpoint import ClientLimits
from oracle.chain.outbox import Outbox
from oracle.schedule import submitters
from tests.scenarios.contract_node import DEPLOYER, Board, Clock, ContractNode
from tests.unit.chain.node import running
from tests.unit.evidence.test_inspect import filed
from tests.unit.evidence.votes import MEMBERS, NETWORK, A, B, file_of, vote

ACCOUNT = coincurve.PrivateKey(b"\x05" * 32)
STAGE_S = 30.0
ACCUSED = 2
PROOF = file_of(vote(A), vote(B))
"""The member in slot 2 voted twice."""
COUNT = len(MEMBERS.node_keys)
TURNS = submitters(filed(PROOF).order, COUNT)  # type: ignore[arg-type]
HONEST = next(slot for slot in TURNS if slot != ACCUSED)


class Desk:
    """One member's way to the contract, by a clock that a test sets."""

    def __init__(self, node: ContractNode, outbox: Outbox, contracts: OracleContracts, slot: int) -> None:
        self.node, self.outbox, self.clock = node, outbox, Clock()
        self.heard: list[Submission] = []
        own = MEMBERS.node_keys[slot]
        self.disputes = Disputes(
            contracts,
            outbox,
            self.clock,
            STAGE_S,
            1.0,
            NETWORK,
            own,
            lambda: (NodeId(slot), COUNT),
            self._hear,
        )

    async def _hear(self, submission: Submission) -> None:
        self.heard.append(submission)

    async def bring(self, data: bytes) -> Submission:
        self.disputes.take(data)
        await self.disputes.step()
        return self.heard[-1]

    async def its_turn_comes(self, after_s: float) -> bool:
        """Whether the evidence is on its way so long after it was found."""
        self.clock.now_s += after_s
        await self.disputes.step()
        return await self.outbox.job(filed(PROOF).charge.key) is not None


@asynccontextmanager
async def desk_of(slot: int, folder: Path) -> AsyncIterator[Desk]:
    limits = ClientLimits(deadline_s=0.5, attempts=1, wait_s=0.001)
    node = ContractNode(Board(epoch=1))
    async with running(node), StacksClient((node.url,), limits=limits) as client:
        contracts = OracleContracts(client, DEPLOYER)
        async with Outbox(
            folder, ACCOUNT, TESTNET, client, lambda: 1_800_000_000, is_done=contracts.is_done
        ) as outbox:
            yield Desk(node, outbox, contracts, slot)


async def test_what_accuses_the_own_key_is_left_to_others(tmp_path: Path) -> None:
    async with desk_of(ACCUSED, tmp_path) as desk:
        said = await desk.bring(PROOF)
        assert (said.state, said.kind) == (SubmissionState.REFUSED, "double-vote")
        assert "own key" in said.detail
        assert desk.node.asked == []
        assert desk.disputes.open == 0


async def test_evidence_of_another_network_is_refused_before_the_chain_is_asked(tmp_path: Path) -> None:
    async with desk_of(HONEST, tmp_path) as desk:
        desk.disputes.network = bytes(32)
        said = await desk.bring(PROOF)
        assert (said.state, said.detail) == (SubmissionState.REFUSED, "it proves nothing: wrong-network")
        assert desk.node.asked == []


async def test_members_submit_one_after_the_other_in_the_order_of_the_offence(tmp_path: Path) -> None:
    for stage, slot in enumerate(TURNS):
        if slot == ACCUSED:
            continue
        folder = tmp_path / str(slot)
        folder.mkdir()
        async with desk_of(slot, folder) as desk:
            desk.disputes.take(PROOF)
            if stage:
                assert not await desk.its_turn_comes(0)
                assert not await desk.its_turn_comes(stage * STAGE_S - 1)
                assert desk.heard == [] or desk.heard[-1].state is SubmissionState.WAITING
            assert await desk.its_turn_comes(2 if stage else 0)
            assert desk.heard[-1].state is SubmissionState.SENT


async def test_what_is_punished_already_is_not_sent(tmp_path: Path) -> None:
    async with desk_of(HONEST, tmp_path) as desk:
        desk.node.board.said = {"get-operator-of-key": Some(3), "get-double-vote": Some(DEPLOYER)}
        desk.disputes.take(PROOF)
        assert not await desk.its_turn_comes(COUNT * STAGE_S)
        assert desk.heard[-1].state is SubmissionState.ELSEWHERE


async def test_evidence_of_the_first_ceremony_waits_for_the_committee_on_chain(tmp_path: Path) -> None:
    async with desk_of(HONEST, tmp_path) as desk:
        desk.node.board.epoch = 0
        desk.disputes.take(PROOF)
        assert not await desk.its_turn_comes(COUNT * STAGE_S)
        assert desk.heard[-1].state is SubmissionState.WAITING
        assert desk.heard[-1].detail == "no committee is in force on chain yet"
        desk.node.board.epoch = 1
        assert await desk.its_turn_comes(0)


async def test_evidence_waits_while_the_chain_is_away(tmp_path: Path) -> None:
    async with desk_of(HONEST, tmp_path) as desk:
        desk.node.board.refuse_reads = True
        desk.disputes.take(PROOF)
        assert not await desk.its_turn_comes(COUNT * STAGE_S)
        assert "does not answer" in desk.heard[-1].detail
        desk.node.board.refuse_reads = False
        assert await desk.its_turn_comes(0)
