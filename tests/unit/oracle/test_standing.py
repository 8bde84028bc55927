"""What a running node says is wrong with it, since when, and that it stops saying so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consensus.model import Committee, EpochNumber, Genesis, InvariantBroken
from consensus.simulator.runs import keys
from oracle import config
from oracle.api.view import Severity
from oracle.chain.address import contract_of, principal_text
from oracle.keys.ceremony import new_key, new_password
from oracle.keys.keystore import LIGHT, KeyKind
from oracle.model import WindowStart
from oracle.service import GENESIS_KEY, Service, genesis_value, opened, read_genesis
from oracle.standing import STALLED_WINDOWS
from oracle.storage.failure import StorageProblem
from tests.integration.node.committee import until
from tests.scenarios.contract_node import DEPLOYER, Board, ContractNode
from tests.unit.chain.node import running

WINDOW_S = 10
START_MS = 1_700_000_000_000


@pytest.fixture
async def node() -> AsyncIterator[ContractNode]:
    async with running(ContractNode()) as node:
        assert isinstance(node, ContractNode)
        yield node


@pytest.fixture
def configuration(tmp_path: Path, node: ContractNode) -> config.Configuration:
    folder = tmp_path / "keys"
    folder.mkdir()
    password = new_password(folder / "password")
    own = new_key(KeyKind.NODE, folder / "node.json", password, LIGHT)
    new_key(KeyKind.CHAIN, folder / "account.json", password, LIGHT)
    new_key(KeyKind.TLS, folder / "tls.json", password, LIGHT)
    others = [key.public_key.format() for key in keys(3)]
    committee = Committee(EpochNumber(1), (own.public, *others))
    oracle = contract_of(DEPLOYER, "production-oracle")
    node.board = Board(Genesis(0x80000000, oracle, WINDOW_S, committee))
    (tmp_path / "roster.json").write_text('{"devices": []}')
    return config.read(
        {
            "node": {"allow_light_keys": True},
            "chain": {"deployer": principal_text(DEPLOYER), "endpoints": [node.url], "poll_s": 0.1},
            "peers": {"listen": "127.0.0.1:0", "addresses": {key.hex(): "127.0.0.1:9" for key in others}},
            "api": {"listen": "127.0.0.1:0"},
        },
        tmp_path,
    )


@pytest.fixture
async def service(configuration: config.Configuration) -> AsyncIterator[Service]:
    async with opened(configuration) as service:
        yield service


def problems(service: Service) -> dict[str, int]:
    return {problem.name: problem.since_ms for problem in service.standing.problems()}


async def at(service: Service, now_ms: int) -> dict[str, int]:
    await service.standing.refresh(now_ms)
    return problems(service)


async def test_a_node_alone_says_that_there_is_no_quorum_and_no_key(service: Service) -> None:
    found = {problem.name: problem for problem in service.standing.problems()}
    assert set(found) == {"quorum", "no-key"}
    assert found["quorum"].severity is Severity.CRITICAL
    assert found["no-key"].severity is Severity.NOTICE
    assert all(problem.what_to_do for problem in found.values())
    assert service.standing.peers_down() == (1, 2, 3)
    assert service.standing.own_slot == 0


async def test_a_problem_says_since_when_and_a_new_one_since_it_is_new(service: Service) -> None:
    assert (await at(service, START_MS))["no-key"] == START_MS
    assert (await at(service, START_MS + 1_000))["no-key"] == START_MS
    service.intake.problem = StorageProblem.RESERVE
    found = await at(service, START_MS + 5_000)
    assert found["records"] == START_MS + 5_000
    assert (await at(service, START_MS + 9_000)) == found
    service.intake.problem = None
    assert "records" not in await at(service, START_MS + 10_000)
    service.intake.problem = StorageProblem.DISK_FULL
    assert (await at(service, START_MS + 20_000))["records"] == START_MS + 20_000


@pytest.mark.parametrize(("name", "severity"), [("journal", Severity.CRITICAL), ("chain", Severity.WARNING)])
async def test_what_stands_still_is_told_and_taken_back(
    service: Service, name: str, severity: Severity
) -> None:
    def set_to(value: str | None) -> None:
        if name == "journal":
            service.runtime.problem = value
        else:
            service.reporter.chain_away = value

    assert name not in problems(service)
    set_to("disk-full")
    told = next(one for one in service.standing.problems() if one.name == name)
    assert told.severity is severity
    assert service.standing.chain().reachable is (name != "chain")
    set_to(None)
    assert name not in problems(service)


async def test_windows_that_are_over_and_unsettled_are_told_beyond_a_few(service: Service) -> None:
    first = START_MS // 1000
    assert "behind" not in await at(service, START_MS + 10**9), "before the first window nothing is due"
    service.node.settlement.begin_at(WindowStart(first))
    assert "behind" not in await at(service, START_MS + STALLED_WINDOWS * WINDOW_S * 1000)
    late_ms = START_MS + (STALLED_WINDOWS + 1) * WINDOW_S * 1000
    assert (await at(service, late_ms))["behind"] == late_ms
    service.node.settlement.begin_at(WindowStart(first + 5 * WINDOW_S))
    assert "behind" not in await at(service, late_ms)


async def test_the_links_decide_between_a_warning_and_a_halt(service: Service) -> None:
    for up, expected in (((1, 2, 3), set()), ((1, 2), {"peers"}), ((1,), {"quorum"}), ((), {"quorum"})):
        for peer in service.links._peers.values():
            slot = service.node.engine.committee.slot_of(peer.key)
            peer.link = object() if slot in up else None  # type: ignore[assignment]  # up is all that is read
        assert set(problems(service)) - {"no-key"} == expected
    for peer in service.links._peers.values():
        peer.link = None


async def test_a_running_node_counts_its_outbox_and_serves_until_it_is_cancelled(
    service: Service, node: ContractNode
) -> None:
    ready = asyncio.Event()
    running_ = asyncio.create_task(service.run(lambda *_: ready.set()))
    await asyncio.wait_for(ready.wait(), 10)
    await until(lambda: service.chain_height > 0, "the chain is read")
    assert service.standing.chain().height == len(node.blocks)
    node.away = True
    await until(lambda: "chain" in problems(service), "it is told")
    node.away = False
    await until(lambda: "chain" not in problems(service), "it is taken back")
    assert service.standing.outbox_counts()["waiting"] == 0
    running_.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running_


async def test_the_network_is_asked_of_the_chain_once_and_then_known(
    configuration: config.Configuration, node: ContractNode
) -> None:
    async with opened(configuration) as service:
        genesis = service.node.genesis
        assert genesis == node.board.genesis
    node.away = True  # a node starts again without its chain
    async with opened(configuration) as service:
        assert service.node.genesis == genesis
        assert await service.database.read(lambda history: history.meta(GENESIS_KEY)) is not None


async def test_a_genesis_is_read_as_it_was_written(service: Service) -> None:
    genesis = service.node.genesis
    assert read_genesis(genesis_value(genesis)) == genesis
    for wrong in (5, {}, {"oracle": b"x"}):
        with pytest.raises(InvariantBroken):
            read_genesis(wrong)
