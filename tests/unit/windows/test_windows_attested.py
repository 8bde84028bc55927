"""What is attested last: applied once, moved with the registry, and back from bytes."""

from dataclasses import replace

import numpy as np

from consensus.model import Rejected
from oracle.model import DeviceKind
from oracle.windows.attested import Attested
from oracle.windows.energy import NEVER
from oracle.windows.packing import ColumnReader, ColumnWriter, DamagedError, Misfit
from oracle.windows.registry import Registry
from tests.unit.windows.meters import L, W, closed, meter, reading, town

TOWN = town(1, 2, 1)


def history() -> Attested:
    state = Attested.initial(TOWN)
    state = state.apply(closed(state, reading(1, into=100), reading(2, into=200)))
    return state.apply(closed(state, reading(1, W + 2 * L, 150, 3), window=W + L))


def test_a_window_is_applied_to_the_usage_points_it_has_leaves_of() -> None:
    columns = history().columns
    assert columns.since_s.tolist() == [W + L, W, NEVER]
    assert columns.import_register_wh.tolist() == [150, 200, 0]
    assert columns.export_register_wh.tolist() == [3, 0, 0]
    assert columns.import_wh.tolist() == [50, 0, 0]


def test_applying_gives_a_new_state_and_leaves_the_old_one() -> None:
    state = Attested.initial(TOWN)
    before = state.digest
    state.apply(closed(state, reading(1)))
    assert state.digest == before


def test_applying_a_window_twice_is_applying_it_once() -> None:
    state = Attested.initial(TOWN)
    data = closed(state, reading(1), reading(3))
    once = state.apply(data)
    assert once.apply(data).digest == once.digest


def test_a_window_with_energy_that_is_applied_twice_counts_once() -> None:
    state = Attested.initial(TOWN)
    state = state.apply(closed(state, reading(1, into=100)))
    data = closed(state, reading(1, W + 2 * L, 150), window=W + L)
    once = state.apply(data)
    assert once.columns.alike.tolist()[0] == 1
    assert once.apply(data).digest == once.digest


def test_an_older_window_changes_nothing_that_is_newer() -> None:
    state = Attested.initial(TOWN)
    older = closed(state, reading(1, into=100), reading(3, into=300))
    newer = state.apply(closed(state, reading(1, W + 2 * L, 150), window=W + L))
    both = newer.apply(older)
    assert both.columns.since_s.tolist() == [W + L, NEVER, W]
    assert both.columns.import_register_wh.tolist() == [150, 0, 300]


def test_state_follows_its_usage_points_to_another_registry() -> None:
    grown = Registry((meter(0), meter(1), meter(2, zone=9), meter(4), meter(7, kind=DeviceKind.GATEWAY)))
    moved = history().rebase(grown)
    assert moved.columns.since_s.tolist() == [NEVER, W + L, W, NEVER]
    assert moved.columns.import_register_wh.tolist() == [0, 150, 200, 0]
    assert moved.rebase(TOWN).columns.since_s.tolist() == [W + L, W, NEVER]


def test_an_exchanged_meter_begins_anew() -> None:
    other = replace(meter(1), meter_id=bytes(32))
    moved = history().rebase(Registry((other, meter(2, zone=2), meter(3))))
    assert moved.columns.since_s.tolist() == [NEVER, W, NEVER]
    data = closed(moved, reading(1, W + 3 * L, 5), window=W + 2 * L)
    assert data.leaves.import_wh.tolist() == [0]
    assert data.leaves.since_s.tolist() == [W + 2 * L]


def test_leaves_of_usage_points_that_left_the_registry_are_passed_over() -> None:
    state = Attested.initial(TOWN)
    data = closed(state, reading(1), reading(2))
    small = Attested.initial(Registry((meter(2),)))
    assert small.apply(data).columns.since_s.tolist() == [W]


def test_state_comes_back_from_its_bytes() -> None:
    state = history()
    back = Attested.from_bytes(TOWN, state.to_bytes())
    assert isinstance(back, Attested)
    assert back.digest == state.digest
    assert back.columns.since_s.tolist() == state.columns.since_s.tolist()


def test_bytes_of_another_registry_or_broken_ones_are_refused() -> None:
    written = history().to_bytes()
    assert Attested.from_bytes(town(1, 1, 1), written) == Rejected(Misfit.OTHER_REGISTRY)
    assert Attested.from_bytes(TOWN, b"x" + written[1:]) == Rejected(
        Misfit.MALFORMED, "not an attested state"
    )
    for end in range(len(written)):
        assert isinstance(Attested.from_bytes(TOWN, written[:end]), Rejected)
    assert Attested.from_bytes(TOWN, written + b"\0") == Rejected(
        Misfit.MALFORMED, "bytes after the last column"
    )


def test_columns_take_the_narrowest_integers_and_come_back() -> None:
    for top, width in ((0, 1), (255, 1), (256, 2), (65_536, 4), (2**32, 8), (2**63 - 1, 8)):
        out = ColumnWriter()
        out.ints(np.array([0, top], np.int64))
        data = out.bytes()
        assert len(data) == 1 + 2 * width
        assert ColumnReader(data).ints(2).tolist() == [0, top]


def test_columns_beyond_63_bits_or_of_no_width_are_damaged() -> None:
    for bad in (b"\x08" + b"\xff" * 8, b"\x03" + bytes(3), b"\x00", b""):
        try:
            ColumnReader(bad).ints(1)
        except DamagedError:
            continue
        raise AssertionError(bad)
