"""A8: where a late leaf may stand between those that are attested, and what it leaves of the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from oracle.model import Assurance, Leaf, Quality, Reading, UsagePoint, WindowStart
from oracle.windows.energy import NEVER
from oracle.windows.late import LateReason, Neighbours, Taken, late_leaf, recounted
from oracle.windows.readings import Plane, Readings
from tests.unit.windows.meters import RULES, L, W, interval, reading, record, town

TOWN = town(1)
LATE = WindowStart(W + L)
"""The window without a leaf, after W."""
TWO_WINDOWS_WH, THREE_WINDOWS_WH = (RULES.capacity_bound_wh(10_000, count * L) for count in (2, 3))


def later(
    import_register_wh: int = 1_040,
    export_register_wh: int = 7,
    windows: int = 1,
    quality: Quality = Quality.VALIDATED,
    **fields: int,
) -> Leaf:
    """The leaf so many windows after the late one; it counts from that of W, at 1000 and 0 Wh."""
    energy = {"import_wh": import_register_wh - 1_000, "export_wh": export_register_wh, "since": W, **fields}
    return Leaf(
        usage_point=UsagePoint(1),
        window=WindowStart(LATE + windows * L),
        import_register_wh=import_register_wh,
        export_register_wh=export_register_wh,
        import_wh=energy["import_wh"],
        export_wh=energy["export_wh"],
        since=WindowStart(energy["since"]),
        quality=quality,
        assurance=Assurance.METER_SIGNED,
        record=record("later"),
    )


def columns(one: Reading) -> Readings:
    plane = Plane(Readings.empty(1))
    plane.put(0, one, LATE + L)
    return plane.readings


def placed(one: Reading, place: Neighbours) -> Leaf | LateReason:
    return late_leaf(TOWN, RULES, LATE, 0, columns(one), place)


def between(into: int, out: int = 0, before: int = 1_000, after: Leaf | None = None) -> Leaf | LateReason:
    """What comes of late registers after `before` and 0 Wh, and before a later leaf."""
    return placed(reading(1, LATE + L, into, out), Neighbours(W, before, 0, after or later()))


@pytest.mark.parametrize(("into", "out"), [(1_000, 0), (1_020, 3), (1_040, 7)])
def test_a_late_leaf_and_the_next_share_what_the_next_had(into: int, out: int) -> None:
    leaf = between(into, out)
    assert isinstance(leaf, Leaf)
    assert (leaf.since, leaf.import_wh, leaf.export_wh) == (W, into - 1_000, out)
    rest = recounted(later(), Taken.first(leaf))
    assert (rest.since, rest.import_wh, rest.export_wh) == (LATE, 1_040 - into, 7 - out)


@pytest.mark.parametrize(("into", "out"), [(999, 0), (1_000 + TWO_WINDOWS_WH + 1, 0), (10**9, 0)])
def test_a_register_that_cannot_follow_the_leaf_before_it_gives_no_late_leaf(into: int, out: int) -> None:
    assert between(into, out) is LateReason.CONTRADICTS


@pytest.mark.parametrize(("into", "out"), [(1_041, 0), (1_000 + TWO_WINDOWS_WH, 0), (1_020, 8)])
def test_a_register_above_the_next_attested_one_gives_no_late_leaf(into: int, out: int) -> None:
    """Although nothing speaks against it but that leaf: without it there would be one."""
    assert isinstance(placed(reading(1, LATE + L, into, out), Neighbours(W, 1_000, 0, None)), Leaf)
    assert between(into, out) is LateReason.CONTRADICTS


def test_a_register_that_would_then_rise_faster_than_rated_power_gives_no_late_leaf() -> None:
    after = later(1_000 + THREE_WINDOWS_WH + 100, windows=2)
    assert isinstance(between(1_100, after=after), Leaf)
    assert between(1_099, after=after) is LateReason.CONTRADICTS


def test_over_a_register_that_rolled_the_next_leaf_keeps_what_is_left() -> None:
    rolled = later(20, import_wh=1_030, quality=Quality.QUESTIONABLE)
    leaf = between(9_990, before=9_000, after=rolled)
    assert isinstance(leaf, Leaf)
    assert recounted(rolled, Taken.first(leaf)).import_wh == 1_030 - 990
    sound = replace(rolled, quality=Quality.VALIDATED)
    assert between(9_990, before=9_000, after=sound) is LateReason.CONTRADICTS


def test_before_the_first_leaf_a_late_one_has_no_energy_and_the_first_gets_its_own() -> None:
    first = later(since=LATE + L, import_wh=0, export_wh=0)
    leaf = placed(reading(1, LATE + L, 1_030, 2), Neighbours(NEVER, 0, 0, first))
    assert isinstance(leaf, Leaf)
    assert (leaf.since, leaf.import_wh, leaf.export_wh) == (LATE, 0, 0)
    then = recounted(first, Taken.first(leaf))
    assert (then.since, then.import_wh, then.export_wh) == (LATE, 10, 5)
    above = placed(reading(1, LATE + L, 1_041, 2), Neighbours(NEVER, 0, 0, first))
    assert above is LateReason.CONTRADICTS


def test_an_interval_before_an_attested_leaf_gives_none_and_after_the_last_gives_one() -> None:
    late = interval(1, LATE, 20)
    assert placed(late, Neighbours(W, 1_000, 0, later())) is LateReason.CONTRADICTS
    leaf = placed(late, Neighbours(W, 1_000, 0, None))
    assert isinstance(leaf, Leaf)
    assert (leaf.import_register_wh, leaf.import_wh) == (1_020, 20)
