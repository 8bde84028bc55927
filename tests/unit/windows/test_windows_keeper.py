"""Which reading belongs where, and which one closes a window (Q2, R1, R2, R4)."""

from dataclasses import replace

import pytest

from consensus.model import InvariantBroken, Rejected
from oracle.model import Assurance, Quality, Reading, UsagePoint, WindowStart
from oracle.windows.keeper import Accepted, Keeper, Standing
from oracle.windows.vee import Rule, Rules
from tests.unit.windows.meters import RULES, L, W, interval, keeper, meter, reading, record, town

CLOSING, OUTRANKED = Standing.CLOSING, Standing.OUTRANKED


def say(held: Keeper, one: Reading, now_s: int | None = None) -> Standing | Rule:
    (verdict,) = held.offer((one,), now_s)
    if isinstance(verdict, Accepted):
        return verdict.standing
    assert isinstance(verdict.reason, Rule)
    return verdict.reason


def closing(held: Keeper, point: int = 1) -> Reading | None:
    return held.reading(W, UsagePoint(point))


def test_a_reading_on_the_boundary_closes_the_earlier_window() -> None:
    held = Keeper(town(1), RULES)
    assert held.window_of(reading(time_s=W)) == W - L
    assert held.window_of(reading(time_s=W + 1)) == W
    assert held.window_of(reading(time_s=W + L)) == W
    assert held.window_of(reading(time_s=W + L + 1)) == W + L
    assert held.window_of(interval(1, W, 5)) == W


def test_the_reading_closest_to_the_end_closes_the_window() -> None:
    early, late = reading(time_s=W + 500), reading(time_s=W + 899)
    for order in ((early, late), (late, early)):
        assert closing(keeper(town(1), order)) == late


def test_of_one_time_the_highest_sequence_closes() -> None:
    low, high = reading(sequence=4), reading(sequence=5)
    for order in ((low, high), (high, low)):
        assert closing(keeper(town(1), order)) == high


def test_of_one_sequence_the_lowest_record_hash_closes() -> None:
    twins = sorted((reading(name=name) for name in range(20)), key=lambda one: one.record)
    for order in (twins, twins[::-1]):
        assert closing(keeper(town(1), order)) == twins[0]


def test_of_one_record_that_tells_two_stories_the_lower_registers_close() -> None:
    stories = [reading(into=into, out=out, name="same") for into, out in ((5, 9), (5, 8), (6, 0))]
    for first, second in ((0, 1), (1, 0), (1, 2), (2, 1)):
        held = Keeper(town(1), RULES)
        held.open(W)
        held.offer((stories[first], stories[second]), None)
        assert closing(held) == stories[1]


def test_a_second_story_of_a_record_after_the_close_does_not_change_what_is_mandatory() -> None:
    told, retold = reading(into=6, name="same"), reading(into=5, name="same")
    held = keeper(town(1), (told,))
    held.close(W)
    assert say(held, retold) is Rule.DUPLICATE
    assert closing(held) == told


def test_a_second_story_of_a_late_record_is_kept_in_the_place_of_the_first() -> None:
    held = keeper(town(1))
    held.close(W)
    assert say(held, reading(into=6, name="same")) is CLOSING
    assert say(held, reading(into=5, name="same")) is CLOSING
    assert len(held._windows[W].late) == 1
    assert closing(held) == reading(into=5, name="same")


def test_an_interval_counts_from_its_end() -> None:
    held = keeper(town(1), (reading(time_s=W + 899), interval(1, W, 7, 3)))
    assert closing(held) == interval(1, W, 7, 3)


def test_a_record_is_taken_once() -> None:
    held = keeper(town(1), (reading(),))
    assert say(held, reading()) is Rule.DUPLICATE
    held.close(W)
    assert say(held, reading()) is Rule.DUPLICATE
    late = reading(sequence=3)
    assert say(held, late) is CLOSING
    assert say(held, late) is Rule.DUPLICATE


def test_an_outranked_reading_is_valid_and_not_kept() -> None:
    held = keeper(town(1), (reading(time_s=W + 900),))
    assert say(held, reading(time_s=W + 899)) is OUTRANKED
    assert closing(held) == reading(time_s=W + 900)


def test_readings_outside_the_tolerance_close_nothing() -> None:
    held = keeper(town(1), rules=Rules(tolerance_s=100))
    assert say(held, reading(time_s=W + 799)) is Rule.OUTSIDE_TOLERANCE
    assert say(held, reading(time_s=W + 800)) is CLOSING
    assert say(held, interval(1, W, 1)) is CLOSING


def test_windows_that_are_not_open_take_nothing() -> None:
    held = keeper(town(1))
    assert say(held, reading(time_s=W)) is Rule.FUTURE_OR_STALE
    assert say(held, reading(time_s=W + L + 1)) is Rule.FUTURE_OR_STALE
    held.forget(W)
    assert say(held, reading()) is Rule.FUTURE_OR_STALE
    assert say(held, reading(time_s=0)) is Rule.FUTURE_OR_STALE


def test_a_reading_ahead_of_the_nodes_clock_is_refused_and_a_slow_clock_reported() -> None:
    held = keeper(town(1, 1, 1))
    assert say(held, reading(1), now_s=W + L - 61) is Rule.FUTURE_OR_STALE
    assert say(held, reading(1), now_s=W + L - 60) is CLOSING
    (verdict,) = held.offer((reading(2),), W + L + 181)
    assert verdict == Accepted(W, CLOSING, (Rule.CLOCK_DRIFT,))
    (verdict,) = held.offer((reading(3),), W + L + 180)
    assert verdict == Accepted(W, CLOSING)


def test_a_meter_that_signs_two_readings_of_one_number_is_reported_before_the_close_and_after() -> None:
    told, other = reading(into=1_000, name="told"), reading(into=2_000, name="other")
    for order in ((told, other), (other, told)):
        held = keeper(town(1), (order[0],))
        (verdict,) = held.offer((order[1],), None)
        assert isinstance(verdict, Accepted)
        assert verdict.flags == (Rule.TWO_STORIES,)
        held = keeper(town(1), (order[0],))
        held.close(W)
        (verdict,) = held.offer((order[1],), None)
        assert isinstance(verdict, Accepted)
        assert verdict.flags == (Rule.TWO_STORIES,)


def test_readings_that_agree_or_differ_in_time_or_number_are_one_story() -> None:
    first = reading(into=1_000, name="first")
    for second in (
        reading(into=1_000, name="in another wrapping"),
        reading(into=2_000, sequence=1, name="a later number"),
        reading(into=900, time_s=W + L - 1, name="an earlier time"),
        reading(into=2_000, name="not of the meter's key", assurance=Assurance.GATEWAY_SIGNED),
    ):
        (verdict,) = keeper(town(1), (first,)).offer((second,), None)
        assert isinstance(verdict, Accepted)
        assert verdict.flags == ()


def test_the_nodes_clock_never_shapes_what_is_kept() -> None:
    live, replayed = keeper(town(1)), keeper(town(1))
    live.offer((reading(),), W + L + 700)
    replayed.offer((reading(),), None)
    assert closing(live) == closing(replayed) == reading()


def test_strangers_and_gateways_are_no_usage_points() -> None:
    held = keeper(town(1))
    assert say(held, reading(2)) is Rule.UNKNOWN_USAGE_POINT
    assert say(held, reading(0)) is Rule.UNKNOWN_USAGE_POINT


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (reading(into=-1), Rule.NEGATIVE),
        (reading(out=-1), Rule.NEGATIVE),
        (reading(into=None, out=None), Rule.INTERVAL_SIZE),
        (reading(into=10**15 + 1), Rule.REGISTER_RANGE),
        (reading(into=1_000, register_max=999), Rule.REGISTER_RANGE),
        (reading(register_max=10**15 + 1), Rule.REGISTER_RANGE),
        (reading(sequence=-1), Rule.REGISTER_RANGE),
        (reading(sequence=1 << 63), Rule.REGISTER_RANGE),
        (reading(time_s=-1), Rule.REGISTER_RANGE),
        (reading(time_s=1 << 40), Rule.REGISTER_RANGE),
        (interval(1, W, -1), Rule.NEGATIVE),
        (interval(1, W + 1, 1), Rule.INTERVAL_SIZE),
        (replace(interval(1, W, 1), import_register_wh=5), Rule.INTERVAL_SIZE),
        (interval(1, W, 2_752), Rule.CAPACITY_BOUND),
        (interval(1, W, 0, 2_752), Rule.CAPACITY_BOUND),
    ],
)
def test_what_is_impossible_on_its_face_is_refused(bad: Reading, rule: Rule) -> None:
    held = keeper(town(1))
    assert say(held, bad) is rule
    assert len(held.choice(W)) == 0


def test_the_capacity_bound_itself_is_possible() -> None:
    # 10 kW for a quarter of an hour, a tenth more, and the unit of the register.
    assert say(keeper(town(1)), interval(1, W, 2_751)) is CLOSING


def test_readings_beyond_the_limit_of_one_offer_are_named() -> None:
    held = keeper(town(1, 1, 1), rules=Rules(readings_per_offer_max=2))
    verdicts = held.offer(tuple(reading(point) for point in (1, 2, 3)), None)
    assert [isinstance(one, Accepted) for one in verdicts] == [True, True, False]
    assert verdicts[2] == Rejected(Rule.LIMIT, "too many readings at once")


def test_a_bounded_number_of_windows_is_open() -> None:
    held = Keeper(town(1), Rules(windows_max=2))
    assert held.open(W)
    assert held.open(WindowStart(W + L))
    assert held.open(W)
    assert not held.open(WindowStart(W + 2 * L))
    held.forget(W)
    assert held.open(WindowStart(W + 2 * L))
    assert held.windows == (W + L, W + 2 * L)


def test_windows_off_the_grid_or_not_held_are_our_fault() -> None:
    held = keeper(town(1))
    with pytest.raises(InvariantBroken):
        held.open(WindowStart(W + 1))
    with pytest.raises(InvariantBroken):
        held.choice(WindowStart(W + L))


def test_after_the_close_a_few_records_of_a_place_are_kept_and_the_best_of_them() -> None:
    held = keeper(town(1), (reading(time_s=W + 400),), Rules(late_planes=2))
    held.close(W)
    assert held.is_closed(W)
    assert say(held, reading(time_s=W + 300)) is OUTRANKED
    assert say(held, reading(time_s=W + 500)) is CLOSING
    assert say(held, reading(time_s=W + 200)) is Rule.LIMIT
    assert say(held, reading(time_s=W + 450)) is OUTRANKED  # in the place of the one at 300
    assert say(held, reading(time_s=W + 300)) is Rule.LIMIT
    assert closing(held) == reading(time_s=W + 500)


def test_late_records_are_the_same_in_any_order() -> None:
    stamps = [W + 100, W + 300, W + 200, W + 600, W + 500]
    found = []
    for order in (stamps, stamps[::-1], sorted(stamps)):
        held = keeper(town(1), (), Rules(late_planes=2))
        held.close(W)
        held.offer(tuple(reading(time_s=stamp) for stamp in order), None)
        found.append({plane.record(0) for plane in held._windows[W].planes() if plane.taken(0)})
    assert found == [{reading(time_s=W + 600).record, reading(time_s=W + 500).record}] * 3


def test_a_reading_comes_back_as_it_went_in() -> None:
    ones = (
        reading(1, into=None, out=5, sequence=9, register_max=10**9, quality=Quality.QUESTIONABLE),
        reading(2, W + 3, assurance=Assurance.GATEWAY_SIGNED),
        interval(3, W, 5, 6),
    )
    held = keeper(town(1, 1, 1), ones)
    assert tuple(closing(held, point) for point in (1, 2, 3)) == ones
    assert closing(held, 4) is None


def test_unsigned_readings_are_kept_apart_and_close_nothing() -> None:
    held = keeper(town(1, 1))
    unsigned = reading(2, W + 880, 70, None, assurance=Assurance.WITNESSED)
    assert say(held, unsigned) is CLOSING
    assert say(held, replace(unsigned, time_s=W + 800, record=record("x"))) is OUTRANKED
    assert say(held, unsigned) is Rule.DUPLICATE
    assert len(held.choice(W)) == 0
    seen = held.observations(W)
    assert seen.usage_points.tolist() == [2]
    assert seen.import_register_wh.tolist() == [70]
    assert seen.export_register_wh.tolist() == [-1]
    assert seen.records.tobytes() == unsigned.record


def test_nothing_is_observed_after_the_close_nor_by_intervals() -> None:
    held = keeper(town(1))
    assert say(held, replace(interval(1, W, 1), assurance=Assurance.WITNESSED)) is Rule.INTERVAL_SIZE
    held.close(W)
    assert say(held, reading(assurance=Assurance.WITNESSED)) is Rule.FUTURE_OR_STALE
    assert len(held.observations(W)) == 0


def test_a_changed_registry_moves_places_and_drops_the_revoked() -> None:
    held = keeper(town(1, 1, 1), (reading(1), reading(2), reading(3)))
    held.offer((reading(3, assurance=Assurance.WITNESSED),), None)
    held.close(W)
    held.offer((reading(3, sequence=1),), None)
    changed = type(held.registry)((meter(0), meter(1), meter(3)))
    held.change_registry(changed)
    assert [closing(held, point) for point in (0, 1, 2, 3)] == [
        None,
        reading(1),
        None,
        reading(3, sequence=1),
    ]
    assert held.observations(W).usage_points.tolist() == [3]
    assert held.is_closed(W)


@pytest.mark.parametrize(
    "bad",
    [
        {"tolerance_s": 0},
        {"tolerance_s": 901},
        {"capacity_percent": 99},
        {"capacity_percent": 301},
        {"capacity_slack_wh": -1},
        {"rollover_percent": 100},
        {"windows_max": 0},
        {"late_planes": 0},
        {"future_s": -1},
    ],
)
def test_rules_that_contradict_themselves_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"tolerance|bound|register|limit"):
        Rules(**bad)
