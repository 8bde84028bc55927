"""Rule A8: late data restate settled windows, in the calendar's runs, and energy stays counted once."""

from __future__ import annotations

from tests.scenarios.late import (
    closing,
    energy_adds_up,
    hear_late,
    late_town,
    latest,
    leaf,
    next_start,
    restatements,
    silence,
    until_window,
)
from tests.simulation.whole_node import WINDOW_S


def test_a8_a_late_record_restates_its_window_and_the_one_that_counted_across_it() -> None:
    town = late_town()
    town.run_until(lambda: town.windows(3) >= 2)
    window = next_start(town)
    silence(town, 1, window, 1)
    until_window(town, window + 2 * WINDOW_S)
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
    assert all(latest(town, slot).keys() == latest(town).keys() for slot in range(4))
