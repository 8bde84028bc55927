"""A committee is replaced while nodes crash and the network loses, delays and parts (K2, K3)."""

from __future__ import annotations

import pytest

from consensus.simulator.network import NetworkFaults
from consensus.simulator.world import Faults
from tests.scenarios.network import Town
from tests.simulation.whole_node import WINDOW_S

FAULTS = Faults(
    NetworkFaults(loss=0.04, duplication=0.05, delay_max_ms=120, partition=0.03),
    crash=0.001,
    down_max_ms=12_000,
)


@pytest.mark.parametrize("seed", [21, 22, 23, 24, 25, 26])
def test_a_committee_hands_on_its_key_under_loss_partitions_and_crashes(seed: int) -> None:
    town = Town(seed=seed, nodes=6, members=4)
    town.run_until(lambda: town.windows() >= 2)
    committee = town.propose(0, 1, 4, 5)
    for shelf in town.shelves:
        shelf.proposed = committee
    town.world.faults = FAULTS
    town.world.network.faults = FAULTS.network
    town.run_s(100)
    crashes = sum(count for fault, count in town.world.coverage.faults.items() if "crash" in fault)
    town.world.heal()
    everybody = range(6)
    town.run_until(lambda: all(town.node(slot).engine.committee == committee for slot in everybody), 600)
    goal = max(town.head(slot) for slot in everybody) + 3
    town.run_until(lambda: all(town.head(slot) >= goal for slot in everybody), 400)
    town.check()
    assert crashes > 0
    assert all(town.disk(slot).refused == 0 for slot in everybody), "nobody was asked to sign two things"
    keys = {entry.body["group-key"] for entry in town.entries("activate")}
    assert len(keys) == 1, "K3"
    expected: object = None
    for entry in town.log():
        if entry.kind in ("window", "void"):
            assert expected in (None, entry.body["window"])
            count = entry.body.get("count", 1)
            expected = entry.body["window"] + count * WINDOW_S  # type: ignore[operator]
