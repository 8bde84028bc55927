"""One seed, one run: a safety phase full of faults, then a liveness phase without."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from random import Random

from coincurve import PrivateKey

from consensus.model import Committee, EpochNumber, Network, check
from consensus.simulator.checkers import check_agreement, check_log
from consensus.simulator.disk import Disk
from consensus.simulator.log_node import LogNode
from consensus.simulator.network import NetworkFaults
from consensus.simulator.world import Faults, World

NETWORK = Network(hashlib.sha256(b"simulated network").digest())


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, so that an idle run cannot pass for a good one."""

    heights: int = 0
    events: int = 0
    simulated_ms: int = 0
    crashes: int = 0
    frames_lost: int = 0
    register_refusals: int = 0
    later_rounds: int = 0

    def plus(self, other: Report) -> Report:
        """Add two runs."""
        return Report(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        return ", ".join(f"{f.name.replace('_', ' ')} {getattr(self, f.name)}" for f in fields(self))


def keys(nodes: int) -> list[PrivateKey]:
    """The members' keys of the simulated network."""
    return [PrivateKey(hashlib.sha256(b"node %d" % slot).digest()) for slot in range(nodes)]


def swarm(seed: int) -> Faults:
    """Draw how bad this run is: some faults on, some off, so that each combination comes up."""
    draw = Random(seed ^ 0x5EED)  # noqa: S311 - a simulation wants the same chance again

    def maybe(high: float) -> float:
        return draw.random() * high if draw.random() < 0.6 else 0.0

    network = NetworkFaults(
        loss=maybe(0.25),
        duplication=maybe(0.2),
        delay_max_ms=draw.choice((20, 60, 400, 1500)),
        partition=maybe(0.15),
    )
    return Faults(network, crash=maybe(0.004), clock_skew=maybe(0.3))


def build_world(seed: int, nodes: int, faults: Faults) -> tuple[World, Committee]:
    """A world of `nodes` log nodes."""
    members = keys(nodes)
    committee = Committee(EpochNumber(1), tuple(key.public_key.format() for key in members))
    world = World(seed, faults)
    for key in members:

        def build(disk: Disk, key: PrivateKey = key) -> LogNode:
            return LogNode(NETWORK, committee, key, disk)

        world.add(build, key)
    return world, committee


def run_seed(seed: int, *, nodes: int = 4, faulty_ms: int = 60_000) -> Report:
    """Run one seed and check safety and liveness. Raises InvariantBroken."""
    world, committee = build_world(seed, nodes, swarm(seed))
    world.run(faulty_ms)
    disks = [host.disk for host in world.hosts]
    check_agreement(disks)
    world.heal()
    goal = max((max(disk.history, default=0) for disk in disks), default=0) + 3
    world.run(world.now_ms + 180_000, stop=lambda: all(goal in disk.history for disk in disks))
    check_agreement(disks)
    for disk in disks:
        check(goal in disk.history, f"every node reaches height {goal} once faults end")
        check_log(disk, NETWORK, committee)
    return Report(
        heights=goal,
        events=world.events,
        simulated_ms=world.now_ms,
        crashes=world.crashes,
        frames_lost=world.network.lost,
        register_refusals=sum(disk.refused for disk in disks),
        later_rounds=sum(1 for place in disks[0].register if place[1] > 0),
    )
