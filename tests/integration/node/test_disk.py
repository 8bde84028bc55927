"""Rule N2: what is not durable is not said, however long the disk takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from consensus.step import JournalRecord, Outgoing, Step
from oracle.storage.database import Database
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.history import HistoryWrite
from tests.integration.node.committee import Operator, Plan, started, until


class Moody(Database):
    """A database whose disk refuses writes while it is in a mood."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.mood: StorageProblem | None = None
        self.refused = 0

    def transaction(
        self,
        journal_items: Sequence[JournalRecord] = (),
        history_writes: Sequence[HistoryWrite] = (),
        truncate_below: int | None = None,
    ) -> None:
        if self.mood is not None and (journal_items or history_writes):
            self.refused += 1
            raise StorageFailed(self.mood, "for a test")
        super().transaction(journal_items, history_writes, truncate_below)


def moody(operator: Operator) -> Moody:
    assert isinstance(operator.database, Moody)
    return operator.database


class Overheard:
    """Counts what a node hands to its links."""

    def __init__(self, operator: Operator) -> None:
        self.frames: list[bytes] = []
        links = operator.links
        send, broadcast = links.send, links.broadcast

        def sent(slot: int, data: bytes) -> None:
            self.frames.append(data)
            send(slot, data)

        def said(data: bytes) -> None:
            self.frames.append(data)
            broadcast(data)

        links.send, links.broadcast = sent, said  # type: ignore[method-assign]


def standing_still(operator: Operator) -> bool:
    return operator.runtime.problem is not None


async def test_n2_nothing_is_said_of_a_ceremony_before_it_is_durable(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        operator = Operator(Plan(tmp_path), 0, stack, Moody)
        overheard = Overheard(operator)
        moody(operator).mood = StorageProblem.DISK_FULL
        running = asyncio.create_task(operator.runtime.run())
        await until(lambda: moody(operator).refused >= 3, "three writes are refused")
        assert standing_still(operator)
        assert not any(b"hello" in frame for frame in overheard.frames)
        assert not running.done()
        moody(operator).mood = None
        await until(lambda: any(b"hello" in frame for frame in overheard.frames), "the bundle is said")
        assert not standing_still(operator)
        assert operator.database.history.meta_of_prefix("bundle:")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_n2_what_a_step_says_leaves_after_what_it_remembers_is_durable(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        operator = Operator(Plan(tmp_path), 0, stack, Moody)
        overheard = Overheard(operator)
        moody(operator).mood = StorageProblem.DISK_FULL
        step = Step(records=(JournalRecord(1, "begin", b""),), envelopes=(Outgoing(b"said"),))
        carried = asyncio.create_task(operator.runtime._carry_out([step], 0))
        await until(lambda: moody(operator).refused >= 2, "two writes are refused")
        assert overheard.frames == []
        moody(operator).mood = None
        await carried
        assert set(overheard.frames) == {b"said"}


async def test_n2_while_the_disk_is_full_nothing_is_sent_and_then_the_node_goes_on(tmp_path: Path) -> None:
    async with started(Plan(tmp_path), make=Moody) as operators:
        await until(lambda: all(one.windows() for one in operators), "there are windows")
        first = operators[0]
        moody(first).mood = StorageProblem.DISK_FULL
        await until(lambda: moody(first).refused >= 1, "a write is refused")
        overheard = Overheard(first)
        signed, head = first.register.generation, len(first.entries())
        others = len(operators[1].entries())
        await until(lambda: len(operators[1].entries()) >= others + 2, "the others go on without it")
        assert not any(b"vote" in frame or b"proposal" in frame for frame in overheard.frames)
        assert first.register.generation == signed
        assert len(first.entries()) == head
        assert standing_still(first)
        assert first.failure is None
        moody(first).mood = None
        await until(lambda: not standing_still(first), "the disk takes it again")
        goal = len(operators[1].entries()) + 1
        await until(lambda: all(len(one.entries()) >= goal for one in operators), "all go on")
        logs = [[one.digest for one in operator.entries()][:goal] for operator in operators]
        assert logs[0] == logs[1] == logs[2] == logs[3]


@pytest.mark.parametrize("problem", [StorageProblem.BROKEN, StorageProblem.CORRUPT])
async def test_n2_a_disk_that_is_damaged_stops_the_node(tmp_path: Path, problem: StorageProblem) -> None:
    async with AsyncExitStack() as stack:
        operator = Operator(Plan(tmp_path), 0, stack, Moody)
        overheard = Overheard(operator)
        moody(operator).mood = problem
        with pytest.raises(BaseExceptionGroup) as caught:
            await asyncio.wait_for(operator.runtime.run(), 10)
        failures = caught.value.subgroup(StorageFailed)
        assert failures is not None
        assert moody(operator).refused == 1
        assert not any(b"hello" in frame for frame in overheard.frames)
