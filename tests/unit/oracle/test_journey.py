"""Where each window stands, bounded in windows and in remarks."""

from __future__ import annotations

from consensus.encoding import encode
from consensus.model import NodeId
from oracle.journey import (
    EARLY_MAX,
    HEARD_MAX,
    REMARKS_MAX,
    ROUNDS_HEARD,
    TRAVEL_BYTES_MAX,
    WINDOWS_KEPT,
    Heard,
    Journey,
    Said,
    Stage,
    Travel,
)
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


def heard(said: Said, slot: int, at_ms: int = 1, round_: int = 0) -> Heard:
    return Heard(at_ms, said, NodeId(slot), round_, b"abcd")


def test_the_first_word_of_a_member_counts() -> None:
    travel = Travel(window(1))
    assert travel.hear(heard(Said.PREVOTE, 2, 10))
    assert not travel.hear(heard(Said.PREVOTE, 2, 99))
    assert [one.at_ms for one in travel.heard()] == [10]


def test_a_thousand_rounds_keep_the_first_and_the_last_ones() -> None:
    travel = Travel(window(1))
    for round_ in range(1000):
        for slot in range(31):
            travel.hear(heard(Said.PREVOTE, slot, round_, round_))
            travel.hear(heard(Said.COMMIT, slot, round_, round_))
    kept = {one.round for one in travel.heard()}
    assert kept == {0, *range(1000 - ROUNDS_HEARD, 1000)}
    assert len(travel.words) <= HEARD_MAX


def test_a_word_about_the_next_height_counts_once_that_is_open() -> None:
    journey = Journey()
    journey.hear(6, 5, window(1), heard(Said.PREVOTE, 3))
    journey.hear(8, 5, window(1), heard(Said.PREVOTE, 2))
    journey.opened(6, window(2))
    assert journey.of(window(1)) is None
    assert [one.slot for one in journey.at(window(2)).heard()] == [3]


def test_of_the_next_height_no_more_is_kept_than_members_can_say() -> None:
    journey = Journey()
    for at in range(10_000):
        journey.hear(6, 5, window(1), heard(Said.PREVOTE, at % 31, at, at))
    assert len(journey._early) == EARLY_MAX


def test_a_word_that_comes_after_the_decision_is_noted_with_its_window() -> None:
    journey = Journey()
    journey.note(window(1), Stage.CERTIFIED, 5).height = 4
    journey.hear(4, 5, window(2), heard(Said.SHARE, 1, 70))
    travel = journey.of(window(1))
    assert travel is not None
    assert [(one.said, one.at_ms) for one in travel.heard()] == [(Said.SHARE, 70)]


def test_what_the_history_keeps_gives_the_same_window_back() -> None:
    journey = Journey()
    travel = journey.note(window(1), Stage.PROPOSED, 50, "by us, round 0")
    travel.height, travel.leaves = 7, 3
    travel.read(2, 40)
    travel.hear(heard(Said.OBSERVATIONS, 1))
    travel.hear(heard(Said.COMMIT, 2, 60, 4))
    later = Journey()
    later.recall(travel.to_bytes())
    assert later.of(window(1)) == travel


def test_the_greatest_account_fits_its_limit() -> None:
    travel = Travel(window(1))
    for number in range(100):
        travel.note(Stage.PROPOSED, 1 << 47, "x" * 1000)
        for said in Said:
            for slot in range(31):
                travel.hear(Heard(1 << 47, said, NodeId(slot), number, b"abcd"))
    assert len(travel.words) <= HEARD_MAX
    data = travel.to_bytes()
    assert len(data) <= TRAVEL_BYTES_MAX
    assert Travel.from_bytes(data) == travel


def test_what_another_version_wrote_is_passed_over() -> None:
    journey = Journey()
    for data in (b"", b"\x0c", encode({"window": 5}), Travel(window(1)).to_bytes()[:-1]):
        journey.recall(data)
    assert journey.newest() == ()


def test_what_is_due_for_the_history_is_what_is_settled_or_open() -> None:
    journey = Journey()
    journey.at(window(3)).read(1, 5)
    assert journey.due(window(2)) == ()
    journey.note(window(2), Stage.CLOSED, 6)
    assert [one.window for one in journey.due(window(2))] == [window(2)]
    assert journey.due(window(2)) == ()
    journey.note(window(2), Stage.CERTIFIED, 7).height = 9
    assert [one.window for one in journey.due(window(3))] == [window(3), window(2)]


def test_votes_about_an_entry_that_took_the_height_are_not_the_window_s() -> None:
    travel = Travel(window(1))
    travel.hear(heard(Said.NOTICE, 1))
    travel.hear(heard(Said.PREVOTE, 1))
    travel.drop_votes()
    assert [one.said for one in travel.heard()] == [Said.NOTICE]
