"""Four production nodes from genesis ceremony to attested windows, in a simulated world."""

from __future__ import annotations

import hashlib

import pytest
from coincurve import PrivateKey

from consensus.encoding import Principal
from consensus.messages import Entry
from consensus.model import Committee, EpochNumber, Genesis
from consensus.simulator.checkers import check_agreement, check_log
from consensus.simulator.disk import Disk
from consensus.simulator.network import NetworkFaults
from consensus.simulator.runs import keys
from consensus.simulator.world import Faults, World
from consensus.threshold.bls import verify
from tests.simulation.whole_node import WINDOW_S, Meters, Shelf, WholeNode

ORACLE = Principal(26, bytes(20), "production-oracle")


def world_of(seed: int, faults: Faults, meters: Meters, nodes: int = 4) -> tuple[World, Genesis]:
    members = keys(nodes)
    committee = Committee(EpochNumber(1), tuple(key.public_key.format() for key in members))
    genesis = Genesis(0x80000000, ORACLE, WINDOW_S, committee)
    world = World(seed, faults)
    for slot, key in enumerate(members):
        shelf = Shelf(hashlib.sha256(b"seed %d" % slot).digest())

        def build(disk: Disk, key: PrivateKey = key, shelf: Shelf = shelf) -> WholeNode:
            return WholeNode(genesis, key, disk, shelf, meters, world)

        world.add(build, key)
    return world, genesis


def entries(disk: Disk, kind: str) -> list[Entry]:
    parsed = [Entry.parse(disk.history[height][0]) for height in sorted(disk.history)]
    return [entry for entry in parsed if isinstance(entry, Entry) and entry.kind == kind]


def test_from_genesis_to_attested_windows_in_peace() -> None:
    world, genesis = world_of(1, Faults(), Meters())
    world.run(90_000)
    disks = [host.disk for host in world.hosts]
    check_agreement(disks)
    check_log(disks[0], genesis.network, genesis.committee)
    kinds = [Entry.parse(disks[0].history[h][0]).kind for h in sorted(disks[0].history)]  # type: ignore[union-attr]
    assert kinds[:5] == ["hello", "deal", "respond", "activate", "registry"]
    windows = entries(disks[0], "window")
    assert len(windows) >= 5
    assert [entry.body["leaf-count"] for entry in windows[1:]] == [4] * (len(windows) - 1)
    assert windows[2].body["import-wh"] == 4 * WINDOW_S
    starts = [entry.body["window"] for entry in windows]
    assert starts == list(range(starts[0], starts[0] + WINDOW_S * len(starts), WINDOW_S))  # type: ignore[arg-type,operator]
    group_key = entries(disks[0], "activate")[0].body["group-key"]
    for entry in windows[:3]:
        signature = disks[2].parts[entry.height, "bls"]
        assert verify(group_key, entry.digest, signature)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_windows_are_attested_under_loss_delay_partitions_and_crashes(seed: int) -> None:
    faults = Faults(
        NetworkFaults(loss=0.05, duplication=0.05, delay_max_ms=120, partition=0.05),
        crash=0.001,
        down_max_ms=15_000,
    )
    world, genesis = world_of(seed, faults, Meters(heard=0.9))
    world.run(120_000)
    disks = [host.disk for host in world.hosts]
    check_agreement(disks)
    world.heal()
    goal = max(max(disk.history, default=0) for disk in disks) + 4
    world.run(world.now_ms + 240_000, stop=lambda: all(goal in disk.history for disk in disks))
    check_agreement(disks)
    assert all(goal in disk.history for disk in disks)
    check_log(disks[3], genesis.network, genesis.committee)


def test_readings_that_only_one_node_heard_are_attested_all_the_same() -> None:
    world, _ = world_of(5, Faults(), Meters(signed=6, unsigned=0, heard=0.3))
    world.run(90_000)
    windows = entries(world.hosts[0].disk, "window")
    assert len(windows) >= 4
    assert all(entry.body["leaf-count"] == 6 for entry in windows[1:])
