"""The node's evidence at work: looks for more, brings it to the chain, keeps what came of it.

Knows how history, inspection and the dispute contract are joined; what is false `evidence`
decides, and how calls reach the chain `chain.disputes`. A window that was decided without
this node's own check is looked through with the records that are here (E2, E3).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from consensus.model import InvariantBroken
from consensus.step import Milestone
from oracle.api.evidence import SUBMISSION
from oracle.api.exporter import Exporter, ExportFailed
from oracle.audit.values import Malformed
from oracle.chain.disputes import Disputes, Submission, SubmissionState
from oracle.evidence.file import digest_of
from oracle.evidence.inspect import inspect
from oracle.evidence.verify import judge
from oracle.storage.database import Database
from oracle.storage.failure import StorageFailed
from oracle.storage.history import Meta, StoredEvidence
from oracle.storage.history_reader import HistoryReader

_log = logging.getLogger("wattest.prosecutor")

INSPECTIONS_MAX: Final = 256
"""Windows that wait to be looked through; after a long absence the newest count."""
EVIDENCE_MAX: Final = 256
"""The newest evidence that a node brings forward and counts."""


class Prosecutor:
    """One node's evidence. `run` it; `look` and `news` may be called from the loop.

    `make_disputes` is given what hears of submissions; `tell` hears milestones.
    """

    def __init__(
        self,
        database: Database,
        exporter: Exporter,
        window_s: int,
        make_disputes: Callable[[Prosecutor], Disputes],
        tell: Callable[[Milestone], None],
    ) -> None:
        self._database = database
        self._exporter = exporter
        self._window_s = window_s
        self._tell = tell
        self._heights: deque[int] = deque(maxlen=INSPECTIONS_MAX)
        self._wake = asyncio.Event()
        self._disputes = make_disputes(self)
        self._held: dict[bytes, str] = {}
        self._states: dict[bytes, str] = {}

    @property
    def held(self) -> Mapping[str, int]:
        """How much evidence is held, by kind."""
        kinds = list(self._held.values())
        return {kind: kinds.count(kind) for kind in sorted(set(kinds))}

    @property
    def submissions(self) -> Mapping[str, int]:
        """How much of it stands where on its way to the contract."""
        states = list(self._states.values())
        return {state: states.count(state) for state in sorted(set(states))}

    @property
    def open(self) -> int:
        """How much evidence is under way to the contract."""
        return self._disputes.open

    def look(self, height: int) -> None:
        """A window was decided that this node has not checked itself."""
        self._heights.append(height)
        self._wake.set()

    def news(self) -> None:
        """The history holds new evidence."""
        self._wake.set()

    async def run(self) -> None:
        """Bring forward what the history holds, and what comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._disputes.run(), name="disputes")
            tasks.create_task(self._watch(), name="evidence")

    async def keep(self, submission: Submission) -> None:
        """Where evidence stands on its way to the contract: kept, counted and told."""
        content = {
            "state": submission.state.value,
            "key": submission.key,
            "txid": submission.txid,
            "block_height": submission.block_height,
            "detail": submission.detail,
        }
        key = SUBMISSION + submission.digest.hex()
        try:
            await self._database.write((), (Meta(key, json.dumps(content).encode()),))
        except StorageFailed as failure:
            if not failure.retriable:
                raise
            _log.warning("what became of evidence cannot be kept now: %s", failure)
        if self._states.get(submission.digest) != submission.state.value:
            self._states[submission.digest] = submission.state.value
            detail = f"{submission.kind} {submission.digest.hex()[:12]} {submission.detail}".strip()
            self._tell(Milestone(f"evidence-{submission.state.value}", 0, detail))

    # -- inside -----------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            self._wake.clear()
            try:
                while self._heights:
                    await self._inspect(self._heights.popleft())
                await self._bring()
            except StorageFailed as failure:
                if not failure.retriable:
                    raise
                _log.warning("evidence waits for the disk: %s", failure)
                await asyncio.sleep(1)
                continue
            await self._wake.wait()

    async def _bring(self) -> None:
        for stored, state in await self._database.read(_held):
            self._held[stored.id] = stored.kind
            self._states.setdefault(stored.id, state.value)
            if not state.final:
                self._disputes.take(stored.data)

    async def _inspect(self, height: int) -> None:
        try:
            files = await asyncio.to_thread(self._evidence_of, height)
        except (ExportFailed, Malformed, InvariantBroken) as cause:
            # A lying committee's window may break what an honest one keeps; that is no fault of ours.
            _log.warning("height %d cannot be looked through: %s", height, cause)
            return
        for data in files:
            kind = _kind(data)
            await self._database.write((), (StoredEvidence(digest_of(data), height, kind, data),))
            self._tell(Milestone(kind, height, digest_of(data).hex()[:12]))

    def _evidence_of(self, height: int) -> tuple[bytes, ...]:
        return inspect(self._exporter.parts(height, lacking=True), self._window_s)


def _held(history: HistoryReader) -> list[tuple[StoredEvidence, SubmissionState]]:
    """The newest evidence, and how far it has come."""
    found = []
    for stored in history.all_evidence(EVIDENCE_MAX):
        raw = history.meta(SUBMISSION + stored.id.hex())
        state = SubmissionState.WAITING if raw is None else SubmissionState(json.loads(raw)["state"])
        found.append((stored, state))
    return found


def _kind(data: bytes) -> str:
    evidence = judge(data).evidence
    if evidence is None:
        raise InvariantBroken("what was inspected is evidence")
    return evidence.kind.value
