"""Seeds through the simulator: faults first, then peace; safety always, liveness in peace."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from consensus.model import InvariantBroken
from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.checkers import check_agreement
from consensus.simulator.disk import Disk
from consensus.simulator.log_node import LogNode, Reader
from consensus.simulator.runs import NETWORK, Report, Run, build_world, keys, run_log


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_seed_breaks_agreement_or_stops_it(seed: int) -> None:
    assert run_log(Run(seed, faulty_ms=30_000)).heights > 3


@pytest.mark.parametrize("adversary", sorted(ADVERSARIES))
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_no_adversary_breaks_agreement_or_stops_it(adversary: str, seed: int) -> None:
    report = run_log(Run(seed, 4 + seed % 4, adversary, faulty_ms=15_000))
    assert report.heights > 3
    assert sum(count for act, count in report.coverage.acts.items() if act.startswith(adversary)) > 0


def test_who_votes_twice_is_caught() -> None:
    report = run_log(Run(31, 4, "equivocate", faulty_ms=20_000))
    assert report.coverage.acts["equivocate: two votes"] > 0
    assert report.coverage.rules["evidence against a traitor"] == 1


def test_the_seeds_cover_crashes_losses_and_later_rounds() -> None:
    total = Report()
    for seed in (2, 4, 5, 7, 8, 9):
        total.add(run_log(Run(seed, faulty_ms=30_000)))
    assert total.coverage.faults["crash after fsync"] > 0
    assert total.coverage.faults["frame lost"] > 0
    assert total.coverage.faults["swizzle-clog"] > 0
    assert total.coverage.rules["vote in a later round"] > 0


LOG = """
from consensus.simulator.runs import Run, build_world
world, _, _ = build_world(Run(3, 4, "equivocate"))
world.run(8000)
print(world.digest(), world.events)
"""
WHOLE = """
from tests.simulation.town import Run, Street, build_town
world = build_town(Run(3, 4, "lying-records"), Street()).town.world
world.run(45000)
print(world.digest(), world.events)
"""


@pytest.mark.parametrize("script", [LOG, WHOLE], ids=["log", "whole-node"])
def test_a_seed_gives_the_same_run_whatever_the_hash_seed(script: str) -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
            timeout=60,
        ).stdout
        for hash_seed in ("0", "77")
    }
    assert len(outputs) == 1


def test_a_node_with_a_forgotten_register_is_what_the_checkers_are_for() -> None:
    """The checkers can fail: two histories for one height are told apart."""
    world, _, _ = build_world(Run(1))
    world.run(8000)
    disks = [host.disk for host in world.hosts]
    height = min(min(disk.history) for disk in disks if disk.history)
    holders = [disk for disk in disks if height in disk.history]
    entry, certificate, attachment = holders[0].history[height]
    holders[0].history[height] = (entry + b"\x00", certificate, attachment)
    with pytest.raises(InvariantBroken):
        check_agreement(disks)


def test_a_lone_node_decides_nothing() -> None:
    world, committee, _ = build_world(Run(1))
    machine = LogNode(Reader(NETWORK, committee), keys(4)[0], Disk())
    step = machine.start()
    assert step.records == ()
    assert all(host.machine is None for host in world.hosts)
