"""One seed, one run: a safety phase full of faults, then a liveness phase without.

Adversaries act in both phases; the world's faults end with the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeAlias

from coincurve import PrivateKey

from consensus.model import Committee, EpochNumber, Network, NodeId, check, faults
from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.adversary import Adversary, Means, Traitor
from consensus.simulator.checkers import check_agreement, check_evidence, check_log
from consensus.simulator.coverage import Coverage
from consensus.simulator.disk import Disk
from consensus.simulator.faults import Faults, draw_faults
from consensus.simulator.log_node import LogNode, Reader
from consensus.simulator.world import Machine, World

NETWORK = Network(hashlib.sha256(b"simulated network").digest())
HEALING_MS: Final = 180_000
"""So long after the faults everybody must have gone on."""
MORE_HEIGHTS: Final = 3
DETECTABLE: Final = ("equivocate",)
"""Who must be caught: what they do leaves evidence with any honest node that hears both sides."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be run."""

    seed: int
    nodes: int = 4
    adversary: str | None = None
    faulty_ms: int = 60_000


@dataclass(slots=True)
class Report:
    """What a run did."""

    seeds: int = 0
    heights: int = 0
    events: int = 0
    simulated_ms: int = 0
    coverage: Coverage = field(default_factory=Coverage)

    def add(self, other: Report) -> None:
        """Add another run."""
        self.seeds += other.seeds
        self.heights += other.heights
        self.events += other.events
        self.simulated_ms += other.simulated_ms
        self.coverage.add(other.coverage)


def keys(nodes: int) -> list[PrivateKey]:
    """The members' keys of the simulated network."""
    return [PrivateKey(hashlib.sha256(b"node %d" % slot).digest()) for slot in range(nodes)]


def committee_of(nodes: int) -> Committee:
    """The committee of the simulated network."""
    return Committee(EpochNumber(1), tuple(key.public_key.format() for key in keys(nodes)))


def draw_traitors(run: Run) -> tuple[int, ...]:
    """Who is a traitor in a run with an adversary: 1 to f members, mostly f."""
    if run.adversary is None:
        return ()
    draw = Random(run.seed ^ 0x7A17)  # noqa: S311 - a simulation wants the same chance again
    most = faults(run.nodes)
    return tuple(sorted(draw.sample(range(run.nodes), most if draw.random() < 0.8 else 1)))


def means_of(run: Run, slot: int, network: Network, key: PrivateKey) -> Means:
    """What a traitor has."""
    chance = Random(run.seed * 64 + slot)  # noqa: S311 - a simulation wants the same chance again
    return Means(NodeId(slot), committee_of(run.nodes), network, key.sign_recoverable, chance)


def build_world(run: Run, faults_of_run: Faults | None = None) -> tuple[World, Committee, list[Adversary]]:
    """A world of log nodes, traitors among them."""
    committee = committee_of(run.nodes)
    world = World(run.seed, draw_faults(run.seed) if faults_of_run is None else faults_of_run)
    read = Reader(NETWORK, committee)
    traitors = draw_traitors(run)
    adversaries: list[Adversary] = []
    for slot, key in enumerate(keys(run.nodes)):

        def build(disk: Disk, key: PrivateKey = key) -> Machine:
            return LogNode(read, key, disk)

        if slot not in traitors or run.adversary is None:
            world.add(build, key)
            continue
        adversary = ADVERSARIES[run.adversary](means_of(run, slot, NETWORK, key))
        adversaries.append(adversary)
        world.add(betrayed(build, adversary), key, honest=False)
    return world, committee, adversaries


Build: TypeAlias = Callable[[Disk], Machine]


def betrayed(build: Build, adversary: Adversary) -> Build:
    """How a traitor's machine is built; what it forgets comes back from a copy of its disk."""
    backups: list[Disk] = []

    def build_traitor(disk: Disk) -> Machine:
        def rebuild() -> Machine:
            old = backups.pop() if backups else Disk()
            backups.append(disk.copy())
            disk.restore(old)
            disk.register.clear()
            return build(disk)

        return Traitor(build(disk), adversary, rebuild)

    return build_traitor


def run_seed(seed: int, *, nodes: int = 4, faulty_ms: int = 60_000, adversary: str | None = None) -> Report:
    """Run one seed and check safety and liveness. Raises InvariantBroken."""
    return run_log(Run(seed, nodes, adversary, faulty_ms))


def run_log(run: Run) -> Report:
    """Run log nodes through one seed and check safety and liveness. Raises InvariantBroken."""
    world, committee, adversaries = build_world(run)
    world.run(run.faulty_ms)
    goal = go_on(world, NETWORK, committee)
    for host in world.honest:
        check_log(host.disk, NETWORK, committee)
    return report_of(world, NETWORK, committee, adversaries, goal, run)


def go_on(world: World, network: Network, committee: Committee) -> int:
    """Check safety, end the faults, and see that every honest node goes on; gives the height reached."""
    disks = [host.disk for host in world.honest]
    check_agreement(disks)
    check_evidence(world, network, committee)
    world.heal()
    goal = max((max(disk.history, default=0) for disk in disks), default=0) + MORE_HEIGHTS
    world.run(world.now_ms + HEALING_MS, stop=lambda: all(goal in disk.history for disk in disks))
    check_agreement(disks)
    for slot, host in enumerate(world.hosts):
        if host.honest:
            reached = max(host.disk.history, default=0)
            check(
                goal in host.disk.history, f"member {slot} goes on to height {goal}, and not only {reached}"
            )
    return goal


def report_of(
    world: World, network: Network, committee: Committee, adversaries: list[Adversary], goal: int, run: Run
) -> Report:
    """What was covered; who must be caught was caught."""
    coverage = world.coverage
    for adversary in adversaries:
        coverage.acts.update(adversary.acts)
    caught = check_evidence(world, network, committee)
    coverage.rules["evidence against a traitor"] += len(caught)
    if run.adversary in DETECTABLE:
        for adversary in adversaries:
            if adversary.acts:
                check(adversary.means.slot in caught, f"who is {run.adversary} is caught (E1)")
    return Report(1, goal, world.events, world.now_ms, coverage)
