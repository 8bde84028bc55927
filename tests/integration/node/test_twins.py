"""Rule N3: a copied node beside the original, each with a state folder of its own, never sign both."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from oracle.keys.register import Position
from tests.integration.node.committee import LEASE_MS, Operator, Plan, free_port, started, until

Rows = Mapping[Position, bytes]


class Copied(Plan):
    """The same operators; one of them on another machine, with a copy of its key and its state."""

    def __init__(self, plan: Plan, folder: Path, slot: int) -> None:
        self.folder, self.keys, self.tls, self.genesis = folder, plan.keys, plan.tls, plan.genesis
        self.ports = list(plan.ports)
        self.ports[slot] = free_port()
        folder.mkdir()
        shutil.copytree(plan.home(slot), self.home(slot), dirs_exist_ok=True)


def rows(operator: Operator) -> Rows:
    return dict(operator.register.rows(operator.node.network))


def says_so(operator: Operator) -> bool:
    return operator.runtime.claims.twin or operator.runtime.claims.contested


@pytest.mark.parametrize("slot", [0, 3], ids=["who-dials", "who-is-dialled"])
async def test_n3_of_two_live_twins_at_most_one_is_entitled_and_no_position_is_signed_twice(
    tmp_path: Path, slot: int
) -> None:
    plan = Plan(tmp_path)
    async with started(plan) as operators:
        await until(lambda: all(one.windows() for one in operators), "there are windows")
    copied = Copied(plan, tmp_path / "another-machine", slot)
    async with started(plan) as operators, started(copied, (slot,)) as (twin,):
        original, witness = operators[slot], operators[1]
        goal = len(witness.windows()) + 4
        both = 0
        while len(witness.windows()) < goal:
            both += original.runtime.claims.entitled() and twin.runtime.claims.entitled()
            await asyncio.sleep(0.02)
        assert both == 0
        first, second = rows(original), rows(twin)
        assert {at for at in first.keys() & second.keys() if first[at] != second[at]} == set()
        assert all(one.database.history.all_evidence() == () for one in operators)
        # The members keep one link to each: whom they let in no more hears that it has no quorum.
        await until(
            lambda: any(says_so(one) or not one.links.up() for one in (original, twin)), "one says so"
        )


async def test_n3_a_restored_copy_hears_from_the_others_what_it_signed_and_signs_no_more(
    tmp_path: Path,
) -> None:
    """The whole folder is the old one, markers and all: no file can tell. The members can."""
    plan, slot = Plan(tmp_path), 3
    async with started(plan) as operators:
        await until(lambda: all(one.windows() for one in operators), "there are windows")
    copied = Copied(plan, tmp_path / "backup", slot)
    async with AsyncExitStack() as stack:
        others = await stack.enter_async_context(started(plan, (1, 2)))
        async with started(plan, (slot,)) as (original,):
            goal = len(others[0].windows()) + 2
            await until(lambda: len(others[0].windows()) >= goal, "three go on, so that all three sign")
        (restored,) = await stack.enter_async_context(started(copied, (slot,)))
        before = rows(restored)
        await until(lambda: restored.runtime.claims.twin, "what it does not remember is shown to it")
        await asyncio.sleep(2 * LEASE_MS / 1000)  # the dead one's lease is over
        assert not restored.runtime.claims.entitled()
        assert rows(restored) == before, "nothing new was signed"
        assert original.failure is None
