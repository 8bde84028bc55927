"""Rules U1 and K2 of nodes that were away: what they fetch, what they believe, what a crash leaves."""

from __future__ import annotations

import copy

import pytest

from consensus.model import NodeId, Rejected
from consensus.step import Step
from oracle import frames
from oracle.chronicle import LEAVES
from oracle.duties.applying import SNAPSHOT_EVERY
from oracle.events import ChainRead, Received
from oracle.frames import Part
from oracle.model import encode_devices
from tests.scenarios.network import Member, Town, entries_of
from tests.simulation.whole_node import WINDOW_S


def state_of(town: Town, slot: int) -> tuple[bytes, int, bytes]:
    settlement = town.node(slot).settlement
    return settlement.attested.digest, settlement.next_window, settlement.registry.root


def level(town: Town, *slots: int) -> bool:
    return (
        len({state_of(town, slot) for slot in slots}) == 1 and len({town.head(slot) for slot in slots}) == 1
    )


def away(windows: int, *, make: type[Member] = Member, liars: tuple[int, ...] = ()) -> Town:
    """A network in which member 3 missed this many windows and is just back."""
    town = Town(makes=dict.fromkeys(liars, make))
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(3)
    before = town.windows()
    town.run_until(lambda: town.windows() >= before + windows, 20 * windows + 60)
    town.boot(3)
    return town


@pytest.mark.parametrize("windows", [2, 40])
def test_u1_a_node_that_was_away_has_entries_leaves_and_registers_as_the_others(windows: int) -> None:
    town = away(windows)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    town.check()
    for entry in town.entries("window"):
        at = (entry.height, "window")
        assert town.disk(3).parts[at] == town.disk(0).parts[at]
    goal = town.windows() + 2
    town.run_until(lambda: town.windows(3) >= goal, 60)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)


def test_u1_it_fetches_the_signatures_and_observations_that_it_missed() -> None:
    town = away(30)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    missed = [entry.height for entry in town.entries("window")]

    def complete() -> bool:
        held = town.disk(3).parts
        return all((height, name) in held for height in missed for name in ("bls", "observations"))

    town.run_until(complete, 120)
    for height in missed:
        assert town.disk(3).parts[height, "bls"] == town.disk(0).parts[height, "bls"]
        read = frames.read_observations(
            town.disk(3).parts[height, "observations"],
            town.genesis.network,
            {1: town.genesis.committee},  # type: ignore[dict-item]
        )
        assert not isinstance(read, Rejected)
        assert len(read) >= 3


class Falsifier(Member):
    """Serves leaves that are not those of the decided window."""

    lies = 0

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        message = frames.parse(frame, self.node.network, self.node.engine.committees)
        if not isinstance(message, frames.PartWanted) or message.name not in ("window", "registry"):
            return super().deliver(via, frame)
        real = dict(self._disk.parts)
        right = real.get((message.height, message.name))
        if right is not None:
            Falsifier.lies += 1
            wrong = bytes([right[0] ^ 1]) + right[1:] if Falsifier.lies % 2 else self._another(message.name)
            self._disk.parts[message.height, message.name] = wrong
        try:
            return super().deliver(via, frame)
        finally:
            self._disk.parts.clear()
            self._disk.parts.update(real)

    def _another(self, name: str) -> bytes:
        if name == "registry":
            return encode_devices(self._meters.devices()[1:])
        return next(data for (_, one), data in sorted(self._disk.parts.items()) if one == name)


@pytest.mark.parametrize("liars", [(0,), (0, 1)])
def test_u1_leaves_that_a_peer_tells_wrongly_are_not_believed(liars: tuple[int, ...]) -> None:
    Falsifier.lies = 0
    town = away(12, make=Falsifier, liars=liars)
    town.run_until(lambda: level(town, 2, 3), 120)
    assert Falsifier.lies > 0
    for entry in town.entries("window", 2):
        assert town.disk(3).parts[entry.height, "window"] == town.disk(2).parts[entry.height, "window"]


def test_u1_parts_that_nobody_asked_for_change_nothing() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 2)
    entry = town.entries("window")[0]
    before = state_of(town, 0)
    for name in ("window", "registry", "observations", "snapshot", "nonsense"):
        data = town.disk(1).parts.get((entry.height, name), b"junk")
        town.happen(0, Received(NodeId(1), Part(entry.height, name, data)))
    assert state_of(town, 0) == before


def test_u1_a_registry_that_was_agreed_meanwhile_is_fetched_from_a_peer() -> None:
    town = Town()
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(3)
    for slot in range(3):
        town.ears[slot].signed = 6
        town.happen(slot, ChainRead(town.ears[slot].devices(), 9))
    town.run_until(lambda: len(town.entries("registry")) == 2 and town.windows() >= 6)
    town.boot(3)  # and still reads the old registry from its chain
    town.run_until(lambda: level(town, 0, 3), 60)
    assert len(town.node(3).registry) == 7


def test_u1_a_registry_that_a_peer_tells_wrongly_is_not_even_taken_for_the_chains() -> None:
    town = Town()
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(3)
    for slot in range(3):
        town.ears[slot].signed = 6
        town.happen(slot, ChainRead(town.ears[slot].devices(), 9))
    town.run_until(lambda: len(town.entries("registry")) == 2)
    town.boot(3)
    height = town.entries("registry")[1].height

    def waits_for_the_registry() -> bool:
        waiting = town.node(3)._context.unapplied
        return bool(waiting) and waiting[0][0].entry.height == height

    town.run_until(waits_for_the_registry, 60)
    before = town.node(3)._judging.chain
    wrong = encode_devices(town.ears[0].devices()[1:])
    town.happen(3, Received(NodeId(0), Part(height, "registry", wrong)))
    assert town.node(3)._judging.chain == before
    assert waits_for_the_registry()


class FalseWitness(Member):
    """Serves the observations of another window first, and the right ones when asked again."""

    lies: set[int] = set()  # noqa: RUF012 - of all instances together

    def deliver(self, via: NodeId, frame: bytes) -> Step:
        message = frames.parse(frame, self.node.network, self.node.engine.committees)
        if not isinstance(message, frames.PartWanted) or message.name != "observations":
            return super().deliver(via, frame)
        at, parts = (message.height, message.name), self._disk.parts
        right = parts.get(at)
        others = [data for (height, name), data in parts.items() if name == at[1] and height != at[0]]
        if right is None or not others or message.height in FalseWitness.lies:
            return super().deliver(via, frame)
        FalseWitness.lies.add(message.height)
        parts[at] = others[0]
        try:
            return super().deliver(via, frame)
        finally:
            parts[at] = right


def test_u1_observations_that_a_peer_tells_wrongly_are_not_kept() -> None:
    FalseWitness.lies.clear()
    town = away(8, make=FalseWitness, liars=(0, 1, 2))
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    windows = {entry.height: entry.body["window"] for entry in town.entries("window")}

    def complete() -> bool:
        return all((height, "observations") in town.disk(3).parts for height in windows)

    town.run_until(complete, 120)
    assert FalseWitness.lies
    for height, window in windows.items():
        data = town.disk(3).parts[height, "observations"]
        read = frames.read_observations(data, town.genesis.network, town.node(0).engine.committees)
        assert not isinstance(read, Rejected)
        assert {one.message.window for one in read} == {window}


def test_u1_windows_that_were_void_meanwhile_are_skipped_in_the_order_of_the_log() -> None:
    town = Town()
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(3)
    for heard in (0.0, 1.0):
        for ear in town.ears:
            ear.heard = heard
        town.run_s(3 * WINDOW_S)
    assert town.entries("void")
    town.boot(3)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)


def test_u1_a_crash_amid_catching_up_keeps_the_order_of_the_log() -> None:
    # A void behind windows whose leaves were still missing was applied before them, and the
    # node then worked on a window that was long settled.
    town = Town()
    town.run_until(lambda: town.windows(3) >= 1)
    town.kill(3)
    town.run_s(2 * WINDOW_S)
    for ear in town.ears:
        ear.heard = 0.0
    voids = len(town.entries("void"))
    town.run_until(lambda: len(town.entries("void")) > voids, 100)
    height = town.entries("void")[-1].height
    disk = town.disk(3)
    known = town.head(3)
    for number in range(known + 1, height + 1):  # the entries were durable, no leaves yet
        disk.history[number] = town.disk(0).history[number]
    disk.journal.clear()
    town.boot(3)
    assert entries_of(disk)[-1].kind == "void"
    assert any(entry.kind == "window" for entry in entries_of(disk)[known:])
    town.run_until(lambda: level(town, 0, 3), 30)


def test_k2_everybody_may_crash_between_the_check_and_the_decision() -> None:
    # The leaves of a value were in memory alone: with everybody down at that moment a
    # certificate came to be whose leaves nobody had, and no node went on ever after.
    town = Town(seed=5)
    town.run_until(lambda: town.windows() >= 2)
    goal = max(town.head(slot) for slot in range(4)) + 1

    def found_valid() -> bool:
        kinds = [[one.kind for one in town.disk(slot).journal if one.height == goal] for slot in range(4)]
        return all({"checked", "made"} & set(one) for one in kinds)

    town.run_until(found_valid, 60)
    assert all(town.head(slot) < goal for slot in range(4)), "nobody has decided"
    assert any(one.kind == LEAVES for one in town.disk(0).journal)
    town.kill(0, 1, 2, 3)
    for shelf in town.shelves:  # and of the records a node has other ones than it chose from
        shelf.records.clear()
    town.boot(0, 1, 2, 3)
    town.run_until(lambda: min(town.head(slot) for slot in range(4)) >= goal + 2, 120)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    assert (goal, "window") in town.disk(0).parts
    town.check()


def test_k2_a_restart_after_a_snapshot_is_where_the_node_was() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= SNAPSHOT_EVERY + 3, 400)
    before = state_of(town, 1)
    town.kill(1)
    town.boot(1)
    assert state_of(town, 1) == before
    goal = town.windows() + 2
    town.run_until(lambda: town.windows(1) >= goal)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    town.check()


def test_k2_a_restart_at_the_very_snapshot_goes_on_with_the_window_after_it() -> None:
    town = Town()
    town.run_until(lambda: (town.head(1), "snapshot") in town.disk(1).parts, 400)
    before = state_of(town, 1)
    town.kill(1)
    town.boot(1)
    assert state_of(town, 1) == before


def test_u1_a_node_that_lost_its_disk_and_not_its_keys_comes_back_by_the_log_alone() -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 4)
    town.kill(2)
    disk = town.disk(2)
    register = copy.deepcopy(disk.register)
    disk.history.clear()
    disk.parts.clear()
    disk.journal.clear()
    disk.register = register
    town.boot(2)
    town.run_until(lambda: level(town, 0, 1, 2, 3), 60)
    goal = town.windows() + 1
    town.run_until(lambda: town.windows(2) >= goal)
    assert town.disk(2).refused == 0
    town.check()
