"""A8 at one voter: which restatements it takes, which it refuses at once, and which have to wait.

The run of a period of windows begins when the log has come far enough. The proposer is another
member, that perhaps holds less, or reckons otherwise; everything it says comes through the
bytes of the wire.
"""

from __future__ import annotations

import pytest

from consensus.model import NodeId
from oracle.model import Reading
from oracle.windows.calendar import Calendar
from tests.unit.oracle.restating import Member, closing, entry_of, start
from tests.unit.windows.meters import L, reading, record

FIVE = Calendar(period_windows=5, delays_windows=(2, 9))
"""Windows 0 to 4 are a period; its first run begins with window 7."""
RUN = 7
LATE_ONE, LATE_TWO = closing(1, 1, 110), closing(2, 3, 230)


def register(point: int, at: int) -> int:
    """Each meter counts ten watt-hours a window."""
    return 100 * point + 10 * at


def on_time(at: int, absent: frozenset[tuple[int, int]]) -> list[Reading]:
    return [closing(point, at, register(point, at)) for point in (1, 2, 3) if (point, at) not in absent]


def member(
    *late: Reading,
    slot: int = 0,
    calendar: Calendar = FIVE,
    until: int = RUN,
    absent: frozenset[tuple[int, int]] = frozenset({(1, 1), (2, 3)}),
) -> Member:
    """A node that settled the windows before `until` without those absent, and holds what came late."""
    made = Member(calendar, slot)
    for at in range(until):
        made.hear(on_time(at, absent))
        if at == until - 1:
            made.hear(late)
        made.settle()
    return made


def restated(one: Member) -> list[tuple[int, int]]:
    """(number of the window, revision) of what was restated."""
    return [((window - start(0)) // L, revision) for window, revision in one.revisions]


# -- what is taken ----------------------------------------------------------------------------


def test_a_restatement_of_what_a_voter_holds_as_well_is_taken_without_a_question() -> None:
    proposer, voter = member(LATE_ONE, LATE_TWO, slot=1), member(LATE_ONE, LATE_TWO)
    entry = proposer.propose()
    voter.recall()
    assert voter.restating.check(entry, b"", NodeId(1)) == (True, [])


def test_a_restatement_of_records_that_a_voter_lacks_is_taken_once_they_are_handed_over() -> None:
    proposer, voter = member(LATE_ONE, slot=1), member()
    entry = proposer.propose()
    assert voter.restating.check(entry, b"", NodeId(1))[0] is None
    assert voter.judge(entry, proposer) is True


def test_a_run_restates_every_window_it_holds_records_of_and_what_counted_across_them() -> None:
    one = member(LATE_ONE, LATE_TWO)
    while one.restate() is not None:
        pass
    assert restated(one) == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert [leaf.import_wh for leaf in one.leaves(1)] == [0, *[10] * (RUN - 1)]


# -- a window outside the run -------------------------------------------------------------------


def test_a_restatement_of_a_window_whose_run_is_to_come_is_refused_at_once() -> None:
    pairs = Calendar(period_windows=2, delays_windows=(2,))
    absent = frozenset({(1, 0), (1, 2)})
    early, later = closing(1, 0, register(1, 0)), closing(1, 2, register(1, 2))
    voter = member(early, later, calendar=pairs, until=4, absent=absent)
    hasty = member(later, slot=1, calendar=Calendar(1, (1,)), until=4, absent=absent)
    entry = hasty.propose()
    assert entry.body["window"] == start(2)
    verdict, asked = voter.restating.check(entry, b"", NodeId(1))
    assert verdict is False  # not None: a round does not wait for what can never be taken
    assert not asked
    assert not voter.restating.take_wanted()


def test_a_window_has_one_turn_in_a_run() -> None:
    voter = member(LATE_ONE)
    while voter.restate() is not None:
        pass
    assert restated(voter) == [(1, 1), (2, 1)]
    body = voter.history[start(1)].summary.value()
    voter.restating.given_up = True
    for window in (start(0), start(1), start(2)):
        again = entry_of({**body, "window": window, "revision": 2})
        assert voter.restating.check(again, b"", NodeId(1)) == (False, [])


@pytest.mark.parametrize("window", [start(0) - L, start(1) + 1, start(RUN), 7], ids=str)
def test_a_restatement_of_a_window_that_the_log_has_not_settled_is_refused_at_once(window: int) -> None:
    voter, proposer = member(LATE_ONE), member(LATE_ONE, slot=1)
    body = dict(proposer.propose().body)
    assert voter.restating.check(entry_of({**body, "window": window}), b"", NodeId(1)) == (False, [])
    assert not voter.restating.take_wanted()


def test_without_a_run_no_restatement_is_taken() -> None:
    proposer, voter = member(LATE_ONE, slot=1), member(LATE_ONE, until=RUN - 1)
    entry = proposer.propose()
    assert not voter.restating.running
    assert voter.restating.check(entry, b"", NodeId(1)) == (False, [])


def test_a_restatement_that_leaves_out_an_older_one_waits_until_the_run_s_time_is_over() -> None:
    voter, proposer = member(LATE_ONE, LATE_TWO), member(LATE_TWO, slot=1)
    entry = proposer.propose()
    assert entry.body["window"] == start(3)
    voter.recall()
    assert voter.restating.check(entry, b"", NodeId(1)) == (None, [])
    voter.restating.given_up = True
    assert voter.restating.check(entry, b"", NodeId(1)) == (True, [])


# -- what is owed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("given_up", [False, True])
def test_what_a_restatement_obliges_to_comes_before_any_later_window(given_up: bool) -> None:
    """Energy is counted twice between the two, so not even a run that takes too long goes on without it."""
    voter, proposer = member(LATE_ONE, LATE_TWO), member(LATE_TWO, slot=1)
    voter.restate()
    voter.recall()
    voter.restating.given_up = given_up
    entry = proposer.propose()
    assert entry.body["window"] == start(3)
    assert voter.restating.owes
    assert voter.restating.check(entry, b"", NodeId(1)) == (False, [])
    voter.restate()
    voter.recall()
    assert restated(voter) == [(1, 1), (2, 1)]
    assert voter.restating.check(entry, b"", NodeId(1)) == (True, [])


def test_what_is_owed_is_what_the_log_says_and_no_member_s_records() -> None:
    """Two members that hold different late records owe the same."""
    first, second = member(LATE_ONE, slot=1), member(LATE_TWO)
    data = first.restate()
    assert data is not None
    second.decide(data)
    assert second.restating.to_bytes() == first.restating.to_bytes()
    owed = first.propose()
    second.recall()
    assert second.restating.check(owed, b"", NodeId(1)) == (True, [])


# -- what a voter held when the run began (A3) -----------------------------------------------------------

ALSO = closing(3, 1, 310)
BOTH_ABSENT = frozenset({(1, 1), (3, 1)})


def test_a_restatement_that_leaves_out_what_a_voter_held_when_the_run_began_is_refused() -> None:
    voter = member(LATE_ONE, ALSO, absent=BOTH_ABSENT)
    censor = member(LATE_ONE, slot=1, absent=BOTH_ABSENT)
    assert voter.judge(censor.propose(), censor) is False
    assert censor.judge(voter.propose(), voter) is True  # what the voter holds is handed over


def test_a_restatement_may_leave_out_what_came_to_a_voter_after_the_run_began() -> None:
    """Nobody can say what others have just heard: that waits for the next run."""
    voter = member(LATE_ONE, absent=BOTH_ABSENT)
    proposer = member(LATE_ONE, slot=1, absent=BOTH_ABSENT)
    voter.hear([ALSO])
    assert voter.judge(proposer.propose(), proposer) is True


def test_a_restatement_by_a_record_that_ranks_after_what_a_voter_held_is_refused() -> None:
    """R2 holds for late data too: the reading nearest to the window's end closes it."""
    worse = reading(1, LATE_ONE.time_s - 60, 109, name="a minute before")
    voter, chooser = member(LATE_ONE), member(worse, slot=1)
    assert voter.judge(chooser.propose(), chooser) is False
    assert chooser.judge(voter.propose(), voter) is True


# -- totals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [True, False], ids=["held", "fetched"])
@pytest.mark.parametrize(
    "name",
    ["revision", "registry", "root", "zone-count", "leaf-count", "import-wh", "export-wh", "quality"],
)
def test_a_restatement_with_other_totals_than_its_leaves_give_is_refused(name: str, held: bool) -> None:
    proposer, voter = member(LATE_ONE, slot=1), member(*[LATE_ONE] * held)
    true = proposer.propose()
    said = true.body[name]
    body = dict(true.body)
    body[name] = said + 1 if isinstance(said, int) else record("another")
    lie = entry_of(body)
    data = proposer.restating.make()
    assert data is not None
    proposer.restating.made(lie.digest, data)
    voter.recall()
    assert voter.judge(lie, proposer) is False
    assert voter.judge(true, proposer) is True
