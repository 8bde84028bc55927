"""Registers to energy, window after window (R3), and the flags that follow (R5)."""

import numpy as np
import pytest

from oracle.model import Leaf, Quality, UsagePoint, WindowStart
from oracle.windows.attested import Attested
from oracle.windows.summary import summarise
from oracle.windows.vee import Rule, Rules
from oracle.windows.window_data import Findings, WindowData
from tests.unit.windows.meters import RULES, L, W, closed, interval, keeper, reading, town

MAX = 10**9


def leaf(data: WindowData, point: int = 1) -> Leaf | None:
    return data.leaf(UsagePoint(point))


def energy(data: WindowData) -> tuple[int, int, int, int]:
    found = leaf(data)
    assert found is not None
    return found.import_wh, found.export_wh, found.since, found.quality


def after(*registers: tuple[int | None, int | None], register_max: int = 0) -> tuple[Attested, int]:
    """Attested state after windows with these registers, and the next window."""
    attested, window = Attested.initial(town(1)), int(W)
    for into, out in registers:
        one = reading(1, window + L, into, out, register_max=register_max)
        attested = attested.apply(closed(attested, one, window=window))
        window += L
    return attested, window


def step(attested: Attested, window: int, into: int | None, out: int | None = 0, top: int = 0) -> WindowData:
    return closed(attested, reading(1, window + L, into, out, register_max=top), window=window)


def test_the_first_leaf_has_registers_and_no_energy() -> None:
    data = step(Attested.initial(town(1)), W, 5_000, 70)
    assert energy(data) == (0, 0, W, Quality.VALIDATED)
    found = leaf(data)
    assert found is not None
    assert (found.import_register_wh, found.export_register_wh) == (5_000, 70)


def test_energy_is_the_difference_of_attested_registers() -> None:
    attested, window = after((5_000, 70))
    assert energy(step(attested, window, 5_400, 75)) == (400, 5, W, Quality.VALIDATED)


def test_a_gap_is_explicit_in_since_and_its_energy_is_not_lost() -> None:
    attested, window = after((5_000, 70))
    assert energy(step(attested, window + 3 * L, 6_000, 70)) == (1_000, 0, W, Quality.VALIDATED)


def test_a_register_passes_its_maximum() -> None:
    attested, window = after((MAX - 100, 0), register_max=MAX)
    data = step(attested, window, 150, 0, MAX)
    assert energy(data) == (250, 0, W, Quality.DERIVED)
    assert dict(data.findings.flagged) == {Rule.REGISTER_MONOTONIC: 1, Rule.REGISTER_ROLLOVER: 1}


def test_above_nine_tenths_of_its_maximum_a_register_may_roll_over() -> None:
    attested, window = after((901, 0), register_max=1_000)
    assert energy(step(attested, window, 0, 0, 1_000)) == (99, 0, W, Quality.DERIVED)


@pytest.mark.parametrize(
    ("before", "now", "top"),
    [
        (5_000, 4_999, 0),  # no maximum known
        (MAX // 2, 10, MAX),  # nowhere near the maximum
        (MAX - 100, 50_000, MAX),  # more than the meter can deliver
        (900, 0, 1_000),  # at 90 % of the maximum, not above
    ],
)
def test_a_fall_that_rollover_does_not_explain_begins_a_new_register_epoch(
    before: int, now: int, top: int
) -> None:
    attested, window = after((before, 40), register_max=top)
    data = step(attested, window, now, 45, top)
    assert energy(data) == (0, 0, window, Quality.QUESTIONABLE)
    assert dict(data.findings.flagged) == {Rule.REGISTER_MONOTONIC: 1, Rule.REGISTER_RESET: 1}
    following = step(attested.apply(data), window + L, now + 7, 46, top)
    assert energy(following) == (7, 1, window, Quality.VALIDATED)


def test_more_than_rated_power_gives_in_the_time_is_refused() -> None:
    # since W to the end of the second window: 1,800 s at 10 kW, a tenth more, and the unit.
    attested, window = after((5_000, 0))
    assert energy(step(attested, window, 5_000 + 5_501))[0] == 5_501
    data = step(attested, window, 5_000 + 5_502)
    assert leaf(data) is None
    ((rule, points),) = data.findings.refused
    assert (rule, points.tolist()) == (Rule.CAPACITY_BOUND, [1])
    assert data.summary.leaf_count == 0
    assert attested.apply(data).digest == attested.digest


def test_export_has_the_bound_of_import() -> None:
    attested, window = after((5_000, 10))
    assert leaf(step(attested, window, 5_000, 10 + 5_502)) is None


def test_a_register_that_a_record_does_not_tell_stays_where_it_was() -> None:
    attested, window = after((5_000, 70))
    data = step(attested, window, 5_100, None)
    assert energy(data) == (100, 0, W, Quality.VALIDATED)
    assert energy(step(attested.apply(data), window + L, 5_100, 72)) == (0, 2, window, Quality.VALIDATED)


def test_a_register_told_for_the_first_time_begins_an_epoch_instead_of_a_windfall() -> None:
    attested, window = after((5_000, None))
    data = step(attested, window, 5_100, 8_000_000)
    assert energy(data) == (0, 0, window, Quality.QUESTIONABLE)


def test_interval_meters_give_energy_and_their_register_counts_it() -> None:
    attested, window = Attested.initial(town(1)), int(W)
    found = []
    for into, out in ((100, 1), (250, 0), (30, 9)):
        data = closed(attested, interval(1, window, into, out), window=window)
        attested, window = attested.apply(data), window + L
        one = leaf(data)
        assert one is not None
        found.append((one.import_register_wh, one.export_register_wh, one.import_wh, one.export_wh))
    # The first leaf has no earlier one to count from, so it claims no energy (E3).
    assert found == [(100, 1, 0, 0), (350, 1, 250, 0), (380, 10, 30, 9)]


def test_a_gap_before_an_interval_does_not_widen_its_bound() -> None:
    def leaf_of(into: int) -> Leaf | None:
        strong, weak = Attested.initial(town(1, capacity_w=10**6)), Attested.initial(town(1))
        first = closed(weak, interval(1, W, 1))
        held = keeper(strong.registry)
        window = WindowStart(W + 50 * L)
        held.open(window)
        held.offer((interval(1, window, into),), None)
        return leaf(summarise(weak.apply(first), RULES, held.choice(window)))

    assert leaf_of(2_751) is not None
    assert leaf_of(2_752) is None


def test_a_capacity_that_shrank_since_the_reading_still_bounds_an_interval() -> None:
    data = closed(Attested.initial(town(1, capacity_w=1_000)), interval(1, W, 900))
    assert leaf(data) is None


@pytest.mark.parametrize(
    ("stated", "judged"),
    [
        (Quality.RAW, 17),
        (Quality.VALID, 17),
        (Quality.REVENUE_QUALITY, 19),
        (Quality.ESTIMATED_LINEAR, 9),
        (Quality.QUESTIONABLE, 10),
    ],
)
def test_stated_quality_is_kept_and_raw_that_passed_is_validated(stated: Quality, judged: int) -> None:
    data = closed(Attested.initial(town(1)), reading(quality=stated))
    assert energy(data)[3] == judged


def test_derivation_never_improves_a_worse_quality() -> None:
    attested, window = after((MAX - 100, 0), register_max=MAX)
    estimated = reading(1, window + L, 150, 0, register_max=MAX, quality=Quality.ESTIMATED_REFERENCE_DAY)
    assert energy(closed(attested, estimated, window=window))[3] == Quality.ESTIMATED_REFERENCE_DAY


def test_a_day_without_energy_is_questionable() -> None:
    attested, window = after((5_000, 0))
    almost = step(attested, window + 94 * L, 5_000)
    assert energy(almost)[3] == Quality.VALIDATED
    whole = step(attested, window + 95 * L, 5_000)
    assert energy(whole)[3] == Quality.QUESTIONABLE
    assert dict(whole.findings.flagged) == {Rule.ZERO_RUN: 1}
    # The run goes on over leaves, and ends with the first watt-hour.
    attested, window = attested.apply(almost), window + 95 * L
    assert energy(step(attested, window, 5_000))[3] == Quality.QUESTIONABLE
    assert energy(step(attested, window, 5_001))[3] == Quality.VALIDATED


def flat(energy_wh: int) -> list[int]:
    registers = [(1_000 + energy_wh * at, 0) for at in range(12)]
    attested, window = after(*registers)
    qualities = []
    for at in (12, 13):
        data = step(attested, window, 1_000 + energy_wh * at)
        attested, window = attested.apply(data), window + L
        qualities.append(energy(data)[3])
    return qualities


def test_the_same_energy_twelve_times_in_a_row_is_questionable() -> None:
    assert flat(100) == [10, 10]
    attested, window = after(*[(1_000 + 100 * at, 0) for at in range(12)])
    assert energy(step(attested, window, 1_000 + 100 * 12))[3] == 10
    assert energy(step(attested, window, 1_001 + 100 * 12))[3] == 17
    eleven, window = after(*[(1_000 + 100 * at, 0) for at in range(11)])
    assert energy(step(eleven, window, 1_000 + 100 * 11))[3] == 17


def test_a_small_steady_load_is_no_flatline() -> None:
    assert flat(99) == [17, 17]


def test_bounds_of_columns_are_the_bounds_of_numbers() -> None:
    rules = Rules(capacity_percent=123, capacity_slack_wh=5)
    for capacity in (0, 1, 999, 17_250, 10**12):
        for elapsed in (0, 1, 7, 900, 86_400, 40 * 365 * 86_400):
            exact = -(-capacity * elapsed * 123 // 360_000) + 5
            assert rules.capacity_bound_wh(capacity, elapsed) == exact
            column = rules.capacity_bounds_wh(np.array([capacity]), np.array([elapsed]))
            assert column.tolist() == [exact]


def test_nothing_found_is_nothing_said() -> None:
    assert step(Attested.initial(town(1)), W, 1).findings == Findings()
    assert RULES.capacity_bound_wh(0, 900) == 1
