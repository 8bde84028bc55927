"""A town whose meters fall silent, and whose records come late."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from consensus.messages import Entry
from consensus.step import Step
from oracle import memory
from oracle.events import Event
from oracle.model import Leaf, Record, UsagePoint, WindowSummary, read_summary
from oracle.restate import LATE
from oracle.storage.database import Database
from oracle.windows.calendar import Calendar
from oracle.windows.window_data import WindowData
from tests.scenarios.network import Member, OneEar, Town
from tests.simulation.whole_node import WINDOW_S, Meters, WholeNode

CALENDAR = Calendar(period_windows=2, delays_windows=(2, 6), revisions_max=3)


@dataclass
class Silent(OneEar):
    """Meters of which some are not heard for a while: `outages` are (usage point, from, to), UTC seconds."""

    outages: list[tuple[int, int, int]] = field(default_factory=list)

    def records(self, time_s: int) -> list[Record]:
        return [
            one
            for one in super().records(time_s)
            if not any(point == one.source and low < time_s <= high for point, low, high in self.outages)
        ]


class Mindful(Member):
    """A member that remembers late records in a real database, and starts with what the shell reads again.

    These are the records of windows that are not settled yet, and those that the database names.
    """

    def __init__(self, *arguments: object, database: Database, **settings: object) -> None:
        self._database = database
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]

    def _happen(self, event: Event) -> None:
        before = len(self._out.records)
        super()._happen(event)
        writes = memory.Writes()
        writes.add_records([one for one in self._out.records[before:] if one.kind == LATE])
        self._database.transaction(writes.journal, writes.history, writes.truncate_below)

    def _replayed(self) -> list[Record]:
        named = memory.late_records(self._database.history)
        since_s = self.node.settlement.next_window
        held = super()._replayed()
        return [one for one in held if one.hash in named or self._meters.reading(one).time_s > since_s]


def late_town(calendar: Calendar = CALENDAR, **settings: object) -> Town:
    """Three signed meters; every member hears them all, but for shared outages."""
    outages: list[tuple[int, int, int]] = []
    ears = [Silent(signed=3, unsigned=0, outages=outages) for _ in range(4)]
    return Town(meters=ears, calendar=calendar, **settings)  # type: ignore[arg-type]


def silence(town: Town, point: int, first: int, windows: int) -> None:
    """Nobody hears a meter during these windows."""
    ear = town.ears[0]
    assert isinstance(ear, Silent)
    ear.outages.append((point, first, first + windows * WINDOW_S))


def next_start(town: Town) -> int:
    """The first window that has not begun yet."""
    return (town.now_s() // WINDOW_S + 1) * WINDOW_S


def closing(point: int, window: int) -> Record:
    """The record that closes a window of a meter."""
    everything = Meters(signed=9).records(window + WINDOW_S)
    return next(one for one in everything if one.source == point)


def hear_late(town: Town, slots: Iterable[int], *records: Record) -> None:
    """Records come to some members now, whatever time they tell."""
    for slot in slots:
        machine = town.world.hosts[slot].machine
        assert isinstance(machine, WholeNode)
        machine._take_records(records, exchanged=False)
        step: Step = machine._out.take()
        town.world._carry_out(slot, step)


def until_window(town: Town, window: int, slot: int = 0) -> None:
    """Until the log has come to this window."""
    town.run_until(lambda: all(town.node(one).settlement.next_window >= window for one in range(4)), 600)


def restatements(town: Town, slot: int = 0) -> list[tuple[int, int]]:
    """(window, revision) of further revisions, in the order of the log."""
    reached = 0
    found = []
    for entry in town.log(slot):
        window, revision, count = (entry.body.get(name) for name in ("window", "revision", "count"))
        if entry.kind not in ("window", "void"):
            continue
        assert isinstance(window, int)
        assert isinstance(revision, int)
        if window < reached:
            found.append((window, revision))
        reached = max(reached, window + WINDOW_S * (count if isinstance(count, int) else 1))
    return found


def data_of(town: Town, entry: Entry, slot: int = 0) -> WindowData:
    summary = read_summary(entry.body)
    assert isinstance(summary, WindowSummary)
    data = WindowData.from_bytes(town.disk(slot).parts[entry.height, "window"], summary)
    assert isinstance(data, WindowData)
    return data


def latest(town: Town, slot: int = 0) -> dict[int, WindowData]:
    """The last revision of every window."""
    return {
        data.summary.window: data for data in (data_of(town, e, slot) for e in town.entries("window", slot))
    }


def leaf(town: Town, window: int, point: int, slot: int = 0) -> Leaf | None:
    found = latest(town, slot).get(window)
    return None if found is None else found.leaf(UsagePoint(point))


def same_leaves(town: Town) -> None:
    """All members hold the same leaves of every revision."""
    until = max(town.head(slot) for slot in range(4))
    town.run_until(lambda: all(town.head(slot) >= until for slot in range(4)), 100)
    for entry in town.log():
        parts = {town.disk(slot).parts.get((entry.height, "window")) for slot in range(4)}
        assert entry.height > until or len(parts) == 1, entry.height


def energy_adds_up(town: Town, slot: int = 0) -> None:
    """A8: over the latest revisions, energy is the difference of the outermost registers, nothing twice."""
    leaves: dict[int, list[Leaf]] = defaultdict(list)
    for _, data in sorted(latest(town, slot).items()):
        for point in data.leaves.usage_point.tolist():
            one = data.leaf(UsagePoint(point))
            assert one is not None
            leaves[point].append(one)
    assert leaves
    for point, said in leaves.items():
        assert said[0].since == said[0].window, point
        for before, after in itertools.pairwise(said):
            assert after.since == before.window, (point, after)
            assert after.import_wh == after.import_register_wh - before.import_register_wh
        total = sum(one.import_wh for one in said)
        assert total == said[-1].import_register_wh - said[0].import_register_wh
