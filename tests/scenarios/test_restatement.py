"""Rule A8: late data restate settled windows, in the calendar's runs, and energy stays counted once."""

from __future__ import annotations

import dataclasses
from contextlib import closing as closing_at_the_end
from functools import partial
from pathlib import Path

import pytest

from consensus.agreement.engine import CheckWanted
from consensus.encoding import Value
from consensus.messages import Entry
from consensus.model import NodeId, Rejected, Round
from consensus.simulator.network import NetworkFaults
from consensus.simulator.world import Faults
from oracle import memory
from oracle.duties.applying import SNAPSHOT_EVERY
from oracle.events import Offered
from oracle.model import Assurance, UsagePoint
from oracle.storage.database import Database
from oracle.windows.calendar import Calendar
from oracle.windows.late import LateReason
from tests.scenarios.late import (
    CALENDAR,
    Mindful,
    closing,
    energy_adds_up,
    hear_late,
    late_town,
    latest,
    leaf,
    next_start,
    restatements,
    same_leaves,
    silence,
    until_window,
)
from tests.scenarios.network import Member, Town
from tests.simulation.whole_node import WINDOW_S, Meters

EVERYBODY = range(4)


def with_outage(windows: int = 1, point: int = 1, **settings: object) -> tuple[Town, int]:
    """A town that has settled an outage of one meter, and the first window without it."""
    town = late_town(**settings)  # type: ignore[arg-type]
    town.run_until(lambda: town.windows(3) >= 2)
    window = next_start(town)
    silence(town, point, window, windows)
    until_window(town, window + (windows + 1) * WINDOW_S)
    return town, window


# -- what a restatement is -----------------------------------------------------------------


def test_a8_a_late_record_restates_its_window_and_the_one_that_counted_across_it() -> None:
    town, window = with_outage()
    after = leaf(town, window + WINDOW_S, 1)
    assert leaf(town, window, 1) is None
    assert after is not None
    assert (after.since, after.import_wh) == (window - WINDOW_S, 2 * WINDOW_S)
    hear_late(town, [2], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2)
    assert restatements(town) == [(window, 1), (window + WINDOW_S, 1)]
    until_window(town, window + 12 * WINDOW_S)
    assert len(restatements(town)) == 2
    late = leaf(town, window, 1)
    assert late is not None
    assert (late.since, late.import_wh) == (window - WINDOW_S, WINDOW_S)
    energy_adds_up(town)
    town.check()
    same_leaves(town)


def test_a8_the_first_revision_stays_on_record() -> None:
    town, window = with_outage()
    first = next(entry for entry in town.entries("window") if entry.body["window"] == window)
    before = town.disk(0).parts[first.height, "window"]
    hear_late(town, [2], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2)
    said = [entry.body["revision"] for entry in town.entries("window") if entry.body["window"] == window]
    assert said == [0, 1]
    assert town.disk(0).parts[first.height, "window"] == before


def test_a8_an_outage_that_comes_late_as_a_whole_restates_each_window_once() -> None:
    town, window = with_outage(windows=4)
    hear_late(town, [0], *(closing(1, window + at * WINDOW_S) for at in range(4)))
    until_window(town, window + 16 * WINDOW_S)
    found = restatements(town)
    assert sorted({start for start, _ in found}) == [window + at * WINDOW_S for at in range(5)]
    assert max(revision for _, revision in found) <= CALENDAR.revisions_max
    for at in range(5):
        one = leaf(town, window + at * WINDOW_S, 1)
        assert one is not None
        assert (one.since, one.import_wh) == (window + (at - 1) * WINDOW_S, WINDOW_S)
    energy_adds_up(town)
    same_leaves(town)


def test_a8_two_meters_and_two_windows_of_one_run_are_restated_oldest_first() -> None:
    town = late_town(Calendar(period_windows=4, delays_windows=(2,)))
    town.run_until(lambda: town.windows(3) >= 2)
    period = 4 * WINDOW_S
    first = (next_start(town) // period + 1) * period
    silence(town, 1, first, 2)
    silence(town, 2, first + WINDOW_S, 1)
    until_window(town, first + period)
    hear_late(town, [0], closing(1, first + WINDOW_S), closing(1, first))
    hear_late(town, [3], closing(2, first + WINDOW_S))
    until_window(town, first + 2 * period)
    assert restatements(town) == [(first, 1), (first + WINDOW_S, 1), (first + 2 * WINDOW_S, 1)]
    energy_adds_up(town)
    same_leaves(town)


def test_a8_a_second_late_record_of_a_window_makes_a_second_revision() -> None:
    town = late_town()
    town.run_until(lambda: town.windows(3) >= 2)
    window = next_start(town)
    silence(town, 1, window, 1)
    silence(town, 2, window, 1)
    until_window(town, window + 2 * WINDOW_S)
    hear_late(town, [2], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2)
    hear_late(town, [1], closing(2, window))
    town.run_until(lambda: len(restatements(town)) >= 4)
    assert restatements(town) == [
        (window, 1),
        (window + WINDOW_S, 1),
        (window, 2),
        (window + WINDOW_S, 2),
    ]
    energy_adds_up(town)
    same_leaves(town)


def test_a8_a_meter_that_never_came_back_gets_its_leaf_and_nothing_follows_it() -> None:
    town = late_town()
    town.run_until(lambda: town.windows(3) >= 2)
    window = next_start(town)
    silence(town, 1, window, 100)
    until_window(town, window + 2 * WINDOW_S)
    hear_late(town, [2], closing(1, window))
    until_window(town, window + 8 * WINDOW_S)
    assert restatements(town) == [(window, 1)]
    energy_adds_up(town)
    same_leaves(town)


def test_a8_a_first_leaf_that_comes_late_takes_the_place_of_the_first() -> None:
    town = late_town()
    ear = town.ears[0]
    start = next_start(town)
    silence(town, 3, start - 100 * WINDOW_S, 110)
    town.run_until(lambda: town.windows(3) >= 12, 900)
    assert ear.outages  # type: ignore[attr-defined]
    appeared = next(start for start, data in sorted(latest(town).items()) if data.leaf(UsagePoint(3)))
    late = appeared - WINDOW_S
    hear_late(town, [1], closing(3, late))
    town.run_until(lambda: len(restatements(town)) >= 2)
    one, two = leaf(town, late, 3), leaf(town, appeared, 3)
    assert one is not None
    assert two is not None
    assert (one.since, one.import_wh) == (late, 0)
    assert (two.since, two.import_wh) == (late, WINDOW_S)
    energy_adds_up(town)


# -- voids ----------------------------------------------------------------------------------------


def test_a8_a_void_window_is_restated_into_an_attested_one() -> None:
    town = late_town()
    town.run_until(lambda: town.windows(3) >= 2)
    window = next_start(town)
    for point in (1, 2, 3):
        silence(town, point, window, 1)
    until_window(town, window + 2 * WINDOW_S)
    assert [entry.body["window"] for entry in town.entries("void")] == [window]
    hear_late(town, [1], closing(2, window))
    town.run_until(lambda: len(restatements(town)) >= 2)
    assert restatements(town) == [(window, 1), (window + WINDOW_S, 1)]
    gap = leaf(town, window + WINDOW_S, 2)
    assert gap is not None
    assert (gap.since, gap.import_wh) == (window, WINDOW_S)
    energy_adds_up(town)
    same_leaves(town)


def test_a8_a_window_that_a_longer_void_covers_begins_with_revision_zero() -> None:
    """On chain a void of several windows stands under the first: revision 1 of another would not follow."""
    town = late_town(Calendar(period_windows=2, delays_windows=(2, 20)))
    town.run_until(lambda: town.windows(3) >= 2)
    town.kill(*EVERYBODY)
    window = next_start(town) + WINDOW_S
    town.run_s(5 * WINDOW_S)
    for point in (1, 2, 3):
        silence(town, point, window - 20 * WINDOW_S, 24)
    town.boot(*EVERYBODY)
    town.run_until(lambda: any(entry.body["count"] != 1 for entry in town.entries("void")), 200)
    void = next(entry for entry in town.entries("void") if entry.body["count"] != 1)
    covered = int(str(void.body["window"])) + WINDOW_S
    hear_late(town, [0], closing(1, covered))
    town.run_until(lambda: (covered, 0) in restatements(town), 100)
    until_window(town, covered + 12 * WINDOW_S)
    energy_adds_up(town)
    same_leaves(town)


# -- the calendar -----------------------------------------------------------------------------------


def test_a8_data_beyond_the_calendar_are_refused_as_too_late_and_counted() -> None:
    town, window = with_outage()
    until_window(town, window + 9 * WINDOW_S)
    before = town.node(2).rejections["too-late"]
    hear_late(town, [2], closing(1, window))
    assert town.node(2).rejections["too-late"] == before + 1
    until_window(town, window + 14 * WINDOW_S)
    assert restatements(town) == []
    energy_adds_up(town)


def test_a8_no_restatement_comes_before_the_calendars_run() -> None:
    town, window = with_outage()
    hear_late(town, EVERYBODY, closing(1, window))
    period_end = CALENDAR.period_end_s(window, WINDOW_S)  # type: ignore[arg-type]
    due = period_end + CALENDAR.delays_windows[0] * WINDOW_S
    town.run_until(lambda: len(restatements(town)) >= 1)
    first = next(entry for entry in town.entries("window") if entry.body["revision"] == 1)
    before = [entry for entry in town.log() if entry.height < first.height]
    assert max(int(str(one.body["window"])) for one in before if "window" in one.body) == due - WINDOW_S


def test_a8_a_window_has_at_most_k_further_revisions() -> None:
    town, window = with_outage(calendar=Calendar(period_windows=2, delays_windows=(2, 4, 6), revisions_max=1))
    hear_late(town, [0], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2)
    hear_late(town, [0], *(record for record in Meters(signed=3).records(window + WINDOW_S - 1)))
    assert town.node(0).rejections["revisions-exhausted"] == 1


def test_a8_without_runs_nothing_is_ever_restated() -> None:
    town, window = with_outage(calendar=Calendar(delays_windows=()))
    before = town.node(0).rejections["too-late"]
    hear_late(town, EVERYBODY, closing(1, window))
    assert town.node(0).rejections["too-late"] == before + 1
    until_window(town, window + 8 * WINDOW_S)
    assert restatements(town) == []


def test_a8_a_run_that_a_void_of_many_windows_skips_over_is_held_after_it() -> None:
    """Nobody was there when the run was due; the record came before, and has its run all the same."""
    calendar = Calendar(period_windows=2, delays_windows=(4,))
    town, window = with_outage(calendar=calendar)
    hear_late(town, [1], closing(1, window))
    town.kill(*EVERYBODY)
    for point in (1, 2, 3):
        silence(town, point, town.now_s(), 12)
    town.run_s(10 * WINDOW_S)
    town.boot(*EVERYBODY)
    town.run_until(lambda: len(restatements(town)) >= 2, 200)
    (void,) = town.entries("void")
    start, count = int(str(void.body["window"])), int(str(void.body["count"]))
    due = calendar.period_end_s(window, WINDOW_S) + 4 * WINDOW_S  # type: ignore[arg-type]
    assert start < due < start + count * WINDOW_S, "the log never comes to the window that the run begins at"
    assert restatements(town) == [(window, 1), (window + WINDOW_S, 1)]
    energy_adds_up(town)
    same_leaves(town)


# -- what changes nothing ---------------------------------------------------------------------------


def test_a8_a_leaf_that_is_attested_stays_whatever_comes_later() -> None:
    town, window = with_outage()
    other = [one for one in Meters(signed=3).records(window + WINDOW_S - 1) if one.source == 2]
    hear_late(town, [0, 1], *other)
    until_window(town, window + 8 * WINDOW_S)
    assert restatements(town) == []


def test_a8_unsigned_data_are_not_restated() -> None:
    town, window = with_outage()
    reading = dataclasses.replace(Meters(signed=3).reading(closing(1, window)), assurance=Assurance.WITNESSED)
    town.happen(0, Offered((reading,), exchanged=False))
    assert town.node(0).rejections["late-and-unsigned"] == 1


@pytest.mark.parametrize("more_wh", [-10_000, 10**9, WINDOW_S + 5], ids=["fallen", "far", "above-the-next"])
def test_a8_a_register_that_contradicts_its_neighbours_gives_no_leaf(more_wh: int) -> None:
    town, window = with_outage()
    true = Meters(signed=3).reading(closing(1, window))
    wrong = dataclasses.replace(true, import_register_wh=(true.import_register_wh or 0) + more_wh)
    for slot in EVERYBODY:
        town.happen(slot, Offered((wrong,), exchanged=False))
    until_window(town, window + 12 * WINDOW_S)
    assert restatements(town) == []
    assert all(town.node(slot).rejections["contradicts-attested"] >= 1 for slot in EVERYBODY)
    energy_adds_up(town)


# -- A3 for restatements ----------------------------------------------------------------------------


class Censor(Member):
    """A member that never restates: it takes late data and says nothing of them."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)  # type: ignore[arg-type]
        refused = Rejected(LateReason.TOO_LATE)
        offer = self.node.restating
        offer.offer = lambda readings: (refused,) * len(readings)  # type: ignore[method-assign]


def test_a8_one_member_that_leaves_late_data_out_is_overruled() -> None:
    for censor in EVERYBODY:
        town = late_town(makes={censor: partial(Censor, calendar=CALENDAR)})
        town.run_until(lambda town=town: town.windows(3) >= 2)  # type: ignore[misc]
        window = next_start(town)
        silence(town, 1, window, 1)
        until_window(town, window + 2 * WINDOW_S)
        hear_late(town, [slot for slot in EVERYBODY if slot != censor], closing(1, window))
        town.run_until(lambda town=town: len(restatements(town)) >= 2)  # type: ignore[misc]
        until_window(town, window + 10 * WINDOW_S)
        energy_adds_up(town)


def test_a8_a_node_does_not_agree_to_go_on_without_what_it_holds() -> None:
    town, window = with_outage()
    due = CALENDAR.period_end_s(window, WINDOW_S) + 2 * WINDOW_S  # type: ignore[arg-type]
    town.run_until(lambda: town.node(0).settlement.next_window == due)
    hear_late(town, [0], closing(1, window))
    node = town.node(0)
    assert node.restating.candidate == window
    going_on = Entry(node.network, node.height, node.engine.head[1], "window", {"window": due, "revision": 0})
    asked = CheckWanted(going_on, b"", NodeId(1), Round(0))
    for slot in (0, 1):
        town.node(slot)._judging.look_at(asked)
    assert going_on.digest in node._judging.pending  # neither agreed to nor refused: its time may come
    assert going_on.digest not in town.node(1)._judging.pending


def test_a8_what_only_one_member_holds_is_handed_over_to_all() -> None:
    for slot in EVERYBODY:
        town, window = with_outage()
        hear_late(town, [slot], closing(1, window))
        town.run_until(lambda town=town: len(restatements(town)) >= 2)  # type: ignore[misc]
        assert all(closing(1, window).hash in town.shelves[one].records for one in EVERYBODY)


def test_a8_a_proposal_of_a_window_out_of_turn_is_refused() -> None:
    town, window = with_outage()
    hear_late(town, EVERYBODY, closing(1, window))
    due = CALENDAR.period_end_s(window, WINDOW_S) + 2 * WINDOW_S  # type: ignore[arg-type]
    town.run_until(lambda: town.node(0).settlement.next_window == due)
    node = town.node(0)
    for wrong in (window - 5 * WINDOW_S, due - WINDOW_S, 7, window + WINDOW_S):
        body: dict[str, Value] = {"window": wrong, "revision": 1}
        entry = Entry(node.network, node.height, node.engine.head[1], "window", body)
        assert node.restating.check(entry, b"", NodeId(1)) == (False, []), "refused at once"


# -- restarts and catching up -------------------------------------------------------------------------


def test_a8_a_node_that_was_away_follows_restatements_by_the_log() -> None:
    town, window = with_outage()
    town.kill(3)
    hear_late(town, [0], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2, 400)
    until = town.node(0).settlement.next_window + 2 * WINDOW_S
    town.run_until(lambda: town.node(0).settlement.next_window >= until)
    town.boot(3)
    town.run_until(lambda: town.head(3) == town.head(0) and not town.node(3)._context.unapplied, 100)
    assert town.node(3).settlement.attested.digest == town.node(0).settlement.attested.digest
    assert town.node(3).restating.to_bytes() == town.node(0).restating.to_bytes()
    same_leaves(town)


def test_a8_a_late_record_is_remembered_across_restarts_until_it_is_attested(tmp_path: Path) -> None:
    """Its sender has its receipt and may have forgotten it; nobody else has heard it yet."""
    with closing_at_the_end(Database(tmp_path / "node.db")) as database:
        town, window = with_outage(makes={2: partial(Mindful, calendar=CALENDAR, database=database)})
        late = closing(1, window)
        hear_late(town, [2], late)
        assert memory.late_records(database.history) == (late.hash,)
        for _ in range(2):
            town.kill(2)
            town.boot(2)
        assert restatements(town) == []
        town.run_until(lambda: len(restatements(town)) >= 2)
        assert restatements(town) == [(window, 1), (window + WINDOW_S, 1)]
        town.run_until(lambda: town.head(2) == town.head(0))
        assert memory.late_records(database.history) == ()
        energy_adds_up(town)


@pytest.mark.parametrize("slots", [(2,), (0, 1, 2, 3)])
def test_a8_a_crash_between_two_restatements_of_a_run_loses_nothing(slots: tuple[int, ...]) -> None:
    town, window = with_outage()
    hear_late(town, EVERYBODY, closing(1, window))
    town.run_until(lambda: len(restatements(town)) == 1)
    town.kill(*slots)
    town.boot(*slots)
    town.run_until(lambda: len(restatements(town)) == 2)
    until_window(town, window + 12 * WINDOW_S)
    energy_adds_up(town)
    same_leaves(town)
    town.check()


def test_a8_a_restart_after_a_snapshot_knows_the_calendar() -> None:
    town = late_town(Calendar(period_windows=2, delays_windows=(7,)))
    town.run_until(lambda: town.windows(3) >= SNAPSHOT_EVERY - 5, 900)
    window = next_start(town)
    silence(town, 1, window, 1)
    town.run_until(lambda: town.windows(1) > SNAPSHOT_EVERY and town.windows() > SNAPSHOT_EVERY)
    hear_late(town, EVERYBODY, closing(1, window))
    before = town.node(1).restating.to_bytes()
    town.kill(*EVERYBODY)
    town.boot(*EVERYBODY)
    assert town.node(1).restating.to_bytes() == before
    town.run_until(lambda: len(restatements(town)) == 2, 900)
    energy_adds_up(town)
    same_leaves(town)


def test_a8_lost_messages_delay_a_restatement_and_change_none() -> None:
    town, window = with_outage(faults=Faults(network=NetworkFaults(loss=0.15)))
    hear_late(town, [1], closing(1, window))
    town.run_until(lambda: len(restatements(town)) >= 2, 900)
    until_window(town, window + 12 * WINDOW_S)
    energy_adds_up(town)
