"""A8 for any outage and any lateness: energy over the latest revisions is counted once, alike everywhere."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from oracle.windows.calendar import Calendar
from tests.unit.oracle.restating import POINTS, Member, closing

WINDOWS = 10
NEVER = 99
ON_TIME = 0


@st.composite
def towns(draw: st.DrawFn) -> tuple[Calendar, list[list[int]], list[list[int]], list[int]]:
    delays = tuple(sorted(draw(st.sets(st.integers(1, 6), min_size=1, max_size=3))))
    calendar = Calendar(draw(st.integers(1, 4)), delays, draw(st.integers(0, 4)))
    steps = st.lists(st.integers(0, 90), min_size=WINDOWS, max_size=WINDOWS)
    registers = [list(itertools.accumulate(draw(steps))) for _ in range(POINTS)]
    delay = st.sampled_from([ON_TIME, ON_TIME, 1, 2, 3, 5, 8, NEVER])
    arrivals = [draw(st.lists(delay, min_size=WINDOWS, max_size=WINDOWS)) for _ in range(POINTS)]
    return calendar, registers, arrivals, draw(st.permutations(range(POINTS * WINDOWS)))


@settings(max_examples=120, deadline=None)
@given(towns())
def test_energy_over_the_latest_revisions_is_the_difference_of_the_registers(
    given_: tuple[Calendar, list[list[int]], list[list[int]], list[int]],
) -> None:
    calendar, registers, arrivals, order = given_
    members = [Member(calendar), Member(calendar)]
    places = {(point, at): arrivals[point][at] for point in range(POINTS) for at in range(WINDOWS)}
    for now in range(WINDOWS + 12):
        come = [place for place, delay in places.items() if place[1] + delay == now]
        mixed = sorted(come, key=lambda place: order[place[0] * WINDOWS + place[1]])
        for member, heard in zip(members, (come, mixed), strict=True):
            member.hear([closing(point + 1, at, registers[point][at]) for point, at in heard])
            member.settle()
        while True:
            first, second = (member.restate() for member in members)
            assert (first is None) == (second is None)
            if first is None or second is None:
                break
            assert first.summary == second.summary
    one, other = members
    assert one.restating.to_bytes() == other.restating.to_bytes()
    assert one.settlement.attested.digest == other.settlement.attested.digest
    assert all(revision <= calendar.revisions_max for _, revision in one.revisions)
    for point in range(POINTS):
        leaves = one.leaves(point + 1)
        for before, after in itertools.pairwise(leaves):
            assert after.since == before.window
            assert after.import_wh == after.import_register_wh - before.import_register_wh
        if leaves:
            assert leaves[0].since == leaves[0].window
            difference = leaves[-1].import_register_wh - leaves[0].import_register_wh
            assert sum(leaf.import_wh for leaf in leaves) == difference
        on_time = sum(delay == ON_TIME for delay in arrivals[point])
        assert len(leaves) >= on_time


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(1, 9)), st.integers(1, 8))
def test_whatever_comes_within_the_calendar_is_attested_in_the_end(order: list[int], together: int) -> None:
    member = Member(Calendar(4, (2, 40), 15))
    registers = list(itertools.accumulate([70] * 10))
    member.hear([closing(1, 0, registers[0])])
    for at in range(10):
        if at in (0, 9):
            member.hear([closing(1, at, registers[at])])
        member.hear([closing(2, at, registers[at])])
        member.settle()
        while member.restate():
            pass
    for first in range(0, len(order), together):
        come = order[first : first + together]
        member.hear([closing(1, at, registers[at]) for at in come])
    for _ in range(60):
        member.settle()
        while member.restate():
            pass
    leaves = member.leaves(1)
    assert len(leaves) == 10
    assert [leaf.import_wh for leaf in leaves] == [0, *[70] * 9]
