"""Operators come, go and change their key while windows are attested: real processes, a real chain.

One network for all tests here, in order: nodes 0 1 2 3, then 0 1 2 3 4, then 0 1 2 4, then 0 1 2 5,
where node 5 has the new key of node 4's operator.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
import pytest_asyncio

from deploy.demo.plan import OPERATORS
from tests.end_to_end.operators import Place, Registrar
from tests.end_to_end.town import WINDOW_S, Row, Town, check_contiguous, wattest

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGE_S = 30.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registrar(town: Town) -> Registrar:
    return Registrar(town)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def newcomer(registrar: Registrar) -> Place:
    return registrar.make_place()


async def until_epoch(town: Town, epoch: int, nodes: Iterable[int]) -> None:
    """These nodes' logs have that committee, and so has the chain."""
    for node in nodes:

        async def switched(node: int = node) -> bool:
            committee = await town.get(node, "/v1/committee")
            return bool(committee["epoch"] == epoch)

        await town.until(f"node {node} is in epoch {epoch}", switched, CHANGE_S, [0, node])

    async def on_chain() -> bool:
        return await town.contracts.current_epoch() == epoch

    await town.until(f"epoch {epoch} is in force on chain", on_chain, CHANGE_S, [0])


async def windows_of(town: Town, epoch: int, count: int) -> list[Row]:
    """So many windows that this epoch's committee has certified, all of them on chain."""

    async def certified() -> list[Row]:
        rows = await town.settled()
        return [row for row in rows if row["certificate"]["epoch"] == epoch]

    return await town.until_on_chain(certified, count, 40, f"{count} windows of epoch {epoch} on chain")


async def check_no_window_missed(town: Town) -> None:
    rows = await town.settled()
    check_contiguous(rows, WINDOW_S)
    assert [row for row in rows if row["kind"] == "void"] == []


def shares(town: Town, node: int) -> list[str]:
    return sorted(path.name for path in (town.plan.operator(node) / "keys").glob("share-*.json"))


async def group_key(town: Town, node: int) -> str:
    return str((await town.get(node, "/v1/committee"))["group_key"])


async def test_an_operator_is_added_and_signs_under_the_same_key(
    town: Town, registrar: Registrar, newcomer: Place, measured: dict[str, str]
) -> None:
    key = await group_key(town, 0)
    first, joining = await registrar.ids(), await registrar.enrol(newcomer)
    await town.start_node(newcomer.index)
    assert "not-a-member" in await town.problems(newcomer.index)
    began_s = time.monotonic()
    await registrar.propose([*first, joining])
    nodes = (*range(OPERATORS), newcomer.index)
    await until_epoch(town, 2, nodes)
    measured["from a proposed committee to its epoch on chain"] = f"{time.monotonic() - began_s:.1f} s"
    assert {await group_key(town, node) for node in nodes} == {key}
    rows = await windows_of(town, 2, 2)
    assert all(len(row["certificate"]["signers"]) + len(row["certificate"]["absent"]) == 5 for row in rows)

    async def takes_part() -> bool:
        settled = [row for row in await town.settled() if row["certificate"]["epoch"] == 2]
        return any(4 not in row["certificate"]["absent"] for row in settled)

    await town.until("the newcomer's vote is in a certificate", takes_part, 30, [0, newcomer.index])
    assert "not-a-member" not in await town.problems(newcomer.index)
    assert shares(town, newcomer.index) == shares(town, 0) == ["share-2.json"], "K4"
    await check_no_window_missed(town)


async def test_an_operator_is_removed_and_says_so_and_keeps_serving(
    town: Town, registrar: Registrar, newcomer: Place
) -> None:
    removed = 3
    await registrar.propose([*(await registrar.ids())[:removed], await registrar.id_of(newcomer)])
    await until_epoch(town, 3, range(OPERATORS))
    await windows_of(town, 3, 2)
    assert "not-a-member" in await town.problems(removed)
    assert shares(town, removed) == [], "K4"
    height = await town.height(removed)
    await town.until_height(height + 1, 30, removed)  # it still follows
    await check_no_window_missed(town)


async def test_an_operator_s_key_is_rotated_by_a_node_with_the_new_key(
    town: Town, registrar: Registrar, newcomer: Place
) -> None:
    successor = registrar.make_place(newcomer.operator.owner)
    id_ = await registrar.id_of(newcomer)
    await registrar.rotate(id_, newcomer, successor)
    await town.start_node(successor.index)
    await registrar.propose([*(await registrar.ids())[:3], id_])
    await until_epoch(town, 4, (0, 1, 2, newcomer.index, successor.index))
    await windows_of(town, 4, 2)
    assert "not-a-member" in await town.problems(newcomer.index)
    assert "not-a-member" not in await town.problems(successor.index)
    assert shares(town, newcomer.index) == []
    assert shares(town, successor.index) == ["share-4.json"]
    await check_no_window_missed(town)


async def test_the_newest_window_verifies_through_all_committees(town: Town) -> None:
    asked = ["--api", town.plan.api(0), "--chain", town.plan.devnet]
    verified = await wattest("verify", "latest", *asked)
    assert verified.code == 0, verified.out + verified.err
    assert "4 committee(s)" in verified.out
