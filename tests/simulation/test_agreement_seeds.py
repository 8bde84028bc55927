"""Seeds through the simulator: faults first, then peace; safety always, liveness in peace."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from consensus.model import InvariantBroken
from consensus.simulator.disk import Disk
from consensus.simulator.log_node import LogNode
from consensus.simulator.runs import NETWORK, build_world, keys, run_seed, swarm


@pytest.mark.parametrize("seed", range(1, 13))
def test_no_seed_breaks_agreement_or_stops_it(seed: int) -> None:
    report = run_seed(seed, faulty_ms=30_000)
    assert report.heights > 3


def test_seven_nodes_agree_under_faults() -> None:
    assert run_seed(501, nodes=7, faulty_ms=15_000).heights > 3


def test_the_seeds_cover_crashes_losses_and_later_rounds() -> None:
    total = run_seed(2, faulty_ms=30_000)
    for seed in (5, 7, 8, 9):
        total = total.plus(run_seed(seed, faulty_ms=30_000))
    assert total.crashes > 0
    assert total.frames_lost > 0
    assert total.later_rounds > 0


def test_a_seed_gives_the_same_run_whatever_the_hash_seed() -> None:
    script = (
        "from consensus.simulator.runs import build_world, swarm;"
        "w, _ = build_world(3, 4, swarm(3)); w.run(8000); print(w.digest(), w.events)"
    )
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
    world, _ = build_world(1, 4, swarm(1))
    world.run(5000)
    disks = [host.disk for host in world.hosts]
    height = min(min(disk.history) for disk in disks if disk.history)
    holders = [disk for disk in disks if height in disk.history]
    entry, certificate, attachment = holders[0].history[height]
    holders[0].history[height] = (entry + b"\x00", certificate, attachment)
    from consensus.simulator.checkers import check_agreement

    with pytest.raises(InvariantBroken):
        check_agreement(disks)


def test_a_lone_node_decides_nothing() -> None:
    world, committee = build_world(1, 4, swarm(1))
    machine = LogNode(NETWORK, committee, keys(4)[0], Disk())
    step = machine.start()
    assert step.records == ()
    assert all(host.machine is None for host in world.hosts)
