"""Production nodes from genesis ceremony to attested windows on chain, in a simulated world."""

from __future__ import annotations

import pytest

from consensus.messages import Entry
from consensus.simulator.checkers import check_agreement, check_log
from consensus.simulator.disk import Disk
from consensus.simulator.faults import Faults
from consensus.simulator.runs import Run
from consensus.simulator.world import World
from consensus.threshold.bls import verify
from tests.simulation.chain import ChainFaults
from tests.simulation.meters import Street
from tests.simulation.town import NAMES, build_town, entries_of, run_scene, run_town
from tests.simulation.whole_node import WINDOW_S


def in_peace(run: Run, street: Street) -> World:
    world = build_town(run, street, Faults(), ChainFaults()).town.world
    world.run(90_000)
    return world


def of_kind(disk: Disk, kind: str) -> list[Entry]:
    return [entry for entry in entries_of(disk) if entry.kind == kind]


def test_from_genesis_to_attested_windows_in_peace() -> None:
    scene = build_town(Run(1), Street(), Faults(), ChainFaults())
    world, genesis = scene.town.world, scene.town.genesis
    world.run(90_000)
    disks = [host.disk for host in world.hosts]
    check_agreement(disks)
    check_log(disks[0], genesis.network, genesis.committee)
    assert [entry.kind for entry in entries_of(disks[0])][:5] == [
        "hello",
        "deal",
        "respond",
        "activate",
        "registry",
    ]
    windows = of_kind(disks[0], "window")
    assert len(windows) >= 5
    assert [entry.body["leaf-count"] for entry in windows[1:5]] == [4] * 4
    assert windows[2].body["import-wh"] == 4 * WINDOW_S
    starts = [entry.body["window"] for entry in windows]
    assert starts == list(range(starts[0], starts[0] + WINDOW_S * len(starts), WINDOW_S))  # type: ignore[arg-type,operator]
    group_key = of_kind(disks[0], "activate")[0].body["group-key"]
    for entry in windows[:3]:
        signature = disks[2].parts[entry.height, "bls"]
        assert verify(group_key, entry.digest, signature)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [11, 12])
def test_windows_are_attested_under_faults_of_network_disks_clocks_and_chain(seed: int) -> None:
    assert run_town(Run(seed, faulty_ms=100_000)).heights > 8


@pytest.mark.parametrize("adversary", NAMES)
def test_no_adversary_stops_the_whole_node_or_makes_it_lie(adversary: str) -> None:
    report = run_town(Run(11, 4, adversary, faulty_ms=80_000))
    assert sum(count for act, count in report.coverage.acts.items() if act.startswith(adversary)) > 0


def test_what_a_censor_leaves_out_is_attested_all_the_same() -> None:
    scene = build_town(Run(7, 4, "censor"), Street(), Faults(), ChainFaults())
    run_scene(scene, Run(7, 4, "censor", faulty_ms=90_000))
    windows = of_kind(scene.town.world.honest[0].disk, "window")
    assert scene.adversaries[0].acts["censor: windows proposed without a victim"] > 0
    assert {entry.body["leaf-count"] for entry in windows[1:5]} == {4}


def test_readings_that_only_one_node_heard_are_attested_all_the_same() -> None:
    world = in_peace(Run(5), Street(signed=6, unsigned=0, heard=0.3))
    windows = of_kind(world.hosts[0].disk, "window")
    assert len(windows) >= 4
    assert all(entry.body["leaf-count"] == 6 for entry in windows[1:5])
