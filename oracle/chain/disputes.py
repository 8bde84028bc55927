"""Brings evidence to the contract, once among all honest nodes, and notes what came of it (E6).

As windows are submitted (C1): each node waits its turn, asks the contract whether the
offence is punished already, and only then hands its calls to the durable outbox. The order
follows from the offence, so it does not matter which proof of it a node holds. Preparations
go first; the chain's nonces keep them first. If the chain is away, everything waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from consensus.model import NodeId
from oracle.audit.case import Expectations
from oracle.audit.values import VoidBody
from oracle.chain.address import contract_of
from oracle.chain.calls import why
from oracle.chain.client import CallRefused
from oracle.chain.contracts import ContractMisread, OracleContracts
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.filing import Call, Filing, filing_of
from oracle.chain.job import Abandoned, Job
from oracle.chain.outbox import Outbox, OutboxFull
from oracle.chain.post_conditions import Comparison, PostConditionMode, StxCondition
from oracle.chain.transaction import ContractCall
from oracle.evidence.file import digest_of
from oracle.evidence.verify import judge
from oracle.model import WindowSummary
from oracle.schedule import stage_of

_log = logging.getLogger("wattest.disputes")

WAITING_MAX: Final = 256
"""Pieces of evidence under way; the others stand in the history and come at a restart."""


class SubmissionState(Enum):
    """Where evidence stands on its way to the contract."""

    WAITING = "waiting"
    """Its turn, or the window it is about, is still to come."""
    SENT = "sent"
    """Its calls are in the outbox."""
    PROVEN = "proven"
    """The contract took it from this node: the accused are slashed, the bounty is here."""
    ELSEWHERE = "elsewhere"
    """The offence was punished by somebody else's submission."""
    REFUSED = "refused"
    """It is not for the contract, or the contract did not take it; the detail says why."""

    @property
    def final(self) -> bool:
        """Whether nothing is left to do."""
        return self in (SubmissionState.PROVEN, SubmissionState.ELSEWHERE, SubmissionState.REFUSED)


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of one evidence file; `digest` is its name."""

    digest: bytes
    kind: str
    state: SubmissionState
    key: str = ""
    txid: str | None = None
    block_height: int | None = None
    detail: str = ""


@dataclass(slots=True)
class _Case:
    data: bytes
    at_s: float
    submission: Submission
    filing: Filing | None = None


@dataclass(slots=True)
class Disputes:
    """One node's way to the dispute contract. `run` it; `take` evidence at any time, from the loop.

    `place` gives this node's slot and how many members there are; `own_key` is not accused by
    its own node. `keep` hears every change of a submission.
    """

    contracts: OracleContracts
    outbox: Outbox
    clock_s: Callable[[], float]
    stage_s: float
    poll_s: float
    network: bytes
    own_key: bytes
    place: Callable[[], tuple[NodeId | None, int]]
    keep: Callable[[Submission], Awaitable[None]]
    _cases: dict[bytes, _Case] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> int:
        """How many pieces of evidence are under way."""
        return len(self._cases)

    def take(self, data: bytes) -> None:
        """Take an evidence file; what is under way already, or too much, is left."""
        name = digest_of(data)
        if name not in self._cases and len(self._cases) < WAITING_MAX:
            waiting = Submission(name, "", SubmissionState.WAITING)
            self._cases[name] = _Case(data, self.clock_s(), waiting)
            self._wake.set()

    async def run(self) -> None:
        """Bring everything forward until cancelled."""
        while True:
            self._wake.clear()
            await self.step()
            try:
                async with asyncio.timeout(self.poll_s):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def finished(self, data: bytes) -> Submission:
        """Bring this one forward until its end; somebody has to run the outbox."""
        self.take(data)
        case = self._cases[digest_of(data)]
        while not case.submission.state.final:
            await self.step()
            if not case.submission.state.final:
                await asyncio.sleep(self.poll_s)
        return case.submission

    async def step(self) -> None:
        """Bring each case as far as it goes now; the chain's absence is waited out (C4)."""
        for case in list(self._cases.values()):
            try:
                submission = await self._forward(case)
            except (ChainUnavailable, OutboxFull):
                continue  # the reporter says so, once
            except (CallRefused, ContractMisread) as failure:
                detail = f"the dispute contract does not answer: {failure}"
                submission = replace(case.submission, detail=detail)
            if submission != case.submission:
                case.submission = submission
                _log.info("evidence %s: %s %s", submission.key, submission.state.value, submission.detail)
                await self.keep(submission)
            if submission.state.final:
                del self._cases[submission.digest]

    async def _forward(self, case: _Case) -> Submission:
        if case.filing is None:
            refused = await asyncio.to_thread(self._judge, case)
            if refused is not None:
                return refused
        filing = case.filing
        if filing is None or case.at_s > self.clock_s():
            return case.submission
        key = filing.charge.key
        job = await self.outbox.job(key)
        if job is not None and (job.mined or job.finished):
            return await self._outcome(case.submission, job)
        if job is None and await self.contracts.is_done(key):
            return replace(case.submission, state=SubmissionState.ELSEWHERE, detail="")
        if job is None:
            if not await self.contracts.current_epoch():  # of votes in the first ceremony
                return replace(case.submission, detail="no committee is in force on chain yet")
            if not await self._is_attested(filing):
                return replace(case.submission, detail="its window is not on chain yet")
            for call in (*filing.preparations, filing.charge):
                if not await self.contracts.is_done(call.key):
                    await self._enqueue(call)
        return replace(case.submission, state=SubmissionState.SENT, detail="")

    def _judge(self, case: _Case) -> Submission | None:
        """Judge the evidence and plan its calls; a submission where there are none."""
        judgement = judge(case.data, Expectations(network=self.network))
        kind = judgement.evidence.kind.value if judgement.evidence else ""
        submission = replace(case.submission, kind=kind, state=SubmissionState.REFUSED)
        if self.own_key in judgement.accused:
            return replace(submission, detail="it accuses this node's own key; others will submit it")
        filing = filing_of(judgement)
        if isinstance(filing, str):
            return replace(submission, detail=filing)
        own, members = self.place()
        stage = members if own is None else stage_of(filing.order, own, members)  # type: ignore[arg-type]
        case.filing, case.at_s = filing, case.at_s + stage * self.stage_s
        case.submission = replace(case.submission, kind=kind, key=filing.charge.key)
        return None

    async def _is_attested(self, filing: Filing) -> bool:
        """Whether the contract holds what the evidence is about, and no other value."""
        for signed in filing.attested:
            body = signed.entry.body
            if not isinstance(body, WindowSummary | VoidBody):
                return False
            held = await self.contracts.attestation(body.window, body.revision)
            if held is None or held.digest != signed.entry.digest:
                return False
        return True

    async def _enqueue(self, call: Call) -> None:
        """No asset of this node's may move; what is taken, the staking contract pays out and burns."""
        staking = self.contracts.suite.oracle_staking.principal
        await self.outbox.enqueue(
            call.key,
            ContractCall(contract_of(self.contracts.deployer, call.contract), call.function, call.arguments),
            mode=PostConditionMode.DENY,
            post_conditions=(StxCondition(staking, Comparison.GREATER_EQUAL, 0),),
        )

    async def _outcome(self, submission: Submission, job: Job) -> Submission:
        known = replace(submission, txid=job.txid, block_height=job.height)
        if job.succeeded:
            return replace(known, state=SubmissionState.PROVEN, detail="")
        if job.abandoned is Abandoned.UNNECESSARY or await self.contracts.is_done(job.key):
            return replace(known, state=SubmissionState.ELSEWHERE, detail="")
        return replace(known, state=SubmissionState.REFUSED, detail=why(job))
