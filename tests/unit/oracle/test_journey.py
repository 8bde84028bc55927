"""Where each window stands, bounded in windows and in remarks."""

from __future__ import annotations

from oracle.journey import REMARKS_MAX, WINDOWS_KEPT, Journey, Stage
from oracle.model import WindowStart


def window(number: int) -> WindowStart:
    return WindowStart(900 * number)


def test_a_stage_once_reached_is_not_taken_back() -> None:
    journey = Journey()
    journey.note(window(1), Stage.CERTIFIED, 50)
    assert journey.note(window(1), Stage.CLOSED, 60).stage is Stage.CERTIFIED
    assert journey.note(window(1), Stage.ATTESTED, 70).stage is Stage.ATTESTED


def test_the_first_time_a_stage_was_reached_is_the_one_told() -> None:
    journey = Journey()
    journey.note(window(1), Stage.PROPOSED, 50, "round 0")
    travel = journey.note(window(1), Stage.PROPOSED, 90, "round 1")
    assert travel.reached_ms(Stage.PROPOSED) == 50
    assert travel.reached_ms(Stage.ON_CHAIN) == 0
    assert [remark.detail for remark in travel.remarks] == ["round 0", "round 1"]


def test_only_the_last_windows_are_kept() -> None:
    journey = Journey()
    for number in range(WINDOWS_KEPT + 50):
        journey.note(window(number), Stage.CLOSED, number)
    assert len(journey.newest()) == WINDOWS_KEPT
    assert journey.of(window(49)) is None
    assert journey.newest()[0].window == window(WINDOWS_KEPT + 49)
    assert journey.newest()[-1].window == window(50)


def test_a_window_of_a_thousand_rounds_keeps_its_first_remarks_and_its_last_stage() -> None:
    journey = Journey()
    for number in range(1000):
        journey.note(window(1), Stage.PROPOSED, number)
    travel = journey.note(window(1), Stage.CERTIFIED, 1000)
    assert len(travel.remarks) == REMARKS_MAX
    assert travel.stage is Stage.CERTIFIED


def test_a_window_is_found_by_the_height_that_settled_it() -> None:
    journey = Journey()
    journey.note(window(1), Stage.CERTIFIED, 1).height = 5
    journey.note(window(2), Stage.CERTIFIED, 2).height = 6
    found = journey.of_height(5)
    assert found is not None
    assert found.window == window(1)
    assert journey.of_height(7) is None
