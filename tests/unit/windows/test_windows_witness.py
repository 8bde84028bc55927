"""Unsigned meters: the lower median of what a quorum observed (R4)."""

from collections.abc import Mapping

import numpy as np
import pytest

from consensus.model import NodeId, Rejected
from oracle.model import Assurance, Quality, UsagePoint
from oracle.windows.attested import Attested
from oracle.windows.packing import Misfit
from oracle.windows.summary import summarise
from oracle.windows.witness import Observations, Witnessed, witnessed
from tests.unit.windows.meters import RULES, L, W, keeper, reading, record, town

TOWN = town(1, 1)
Seen = tuple[int, int, int, int, bytes]


def batch(*seen: Seen) -> Observations:
    """Rows (usage point, time, import, export, record)."""
    points, times, into, out = (np.array([one[at] for one in seen], np.int64) for at in range(4))
    records = np.frombuffer(b"".join(one[4] for one in seen), np.uint8).reshape(len(seen), 32)
    return Observations(points, times, into, out, np.zeros(len(seen), np.int64), records)


def at(into: int, out: int = 0, point: int = 1, time_s: int = W + L, name: object = None) -> Seen:
    return point, time_s, into, out, record((into, out) if name is None else name)


def slots(*batches: Observations) -> Mapping[NodeId, Observations]:
    return {NodeId(slot): one for slot, one in enumerate(batches)}


def agreed(batches: Mapping[NodeId, Observations], quorum: int = 3) -> Witnessed:
    return witnessed(TOWN, RULES, W, batches, quorum)


def test_the_lower_median_of_a_quorum_closes_the_window() -> None:
    found = agreed(slots(batch(at(40)), batch(at(10)), batch(at(30)), batch(at(20))))
    assert found.indices.tolist() == [0]
    assert found.readings.import_wh.tolist() == [20]
    assert found.readings.record.tobytes() == record((20, 0))
    assert found.readings.assurance.tolist() == [Assurance.WITNESSED]


def test_liars_at_both_ends_move_the_median_only_among_honest_values() -> None:
    honest = [batch(at(100)), batch(at(101)), batch(at(102))]
    for lie in (0, 10**15):
        found = agreed(slots(*honest, batch(at(lie))))
        assert 100 <= found.readings.import_wh[0] <= 102


def test_ties_of_import_are_broken_by_export_then_by_record() -> None:
    found = agreed(slots(batch(at(5, 9)), batch(at(5, 1)), batch(at(5, 4))))
    assert found.readings.export_wh.tolist() == [4]
    names = sorted((record(name), name) for name in "abc")
    found = agreed(slots(*(batch(at(5, 5, name=name)) for name in "abc")))
    assert found.readings.record.tobytes() == names[1][0]


def test_fewer_than_a_quorum_close_nothing() -> None:
    found = agreed(slots(batch(at(1), at(7, point=2)), batch(at(1)), batch(at(1))))
    assert found.indices.tolist() == [0]
    assert len(agreed(slots(batch(at(1)), batch(at(1)))).indices) == 0
    assert len(agreed({}).indices) == 0


@pytest.mark.parametrize(
    "bad",
    [
        at(1, time_s=W),
        at(1, time_s=W + L + 1),
        at(-2),
        at(0, -2),
        at(-1, -1),
        at(10**15 + 1),
        at(1, point=9),
    ],
)
def test_impossible_rows_count_for_nothing(bad: Seen) -> None:
    found = agreed(slots(batch(at(1)), batch(at(1)), batch(bad)))
    assert len(found.indices) == 0


def test_a_register_that_nobody_has_stays_missing() -> None:
    found = agreed(slots(batch(at(5, -1)), batch(at(5, -1)), batch(at(5, -1))))
    assert found.readings.export_wh.tolist() == [-1]


def test_batches_in_any_order_give_the_same_readings() -> None:
    batches = [batch(at(3)), batch(at(1)), batch(at(2)), batch(at(2, 1))]
    first = agreed(slots(*batches))
    for turn in range(4):
        again = agreed(slots(*batches[turn:], *batches[:turn]))
        assert again.readings.record.tobytes() == first.readings.record.tobytes()


def test_a_signed_reading_always_goes_before_witnessed_ones() -> None:
    seen = [batch(at(900), at(50, point=2)) for _ in range(3)]
    held = keeper(TOWN, (reading(1, W + 1, 1_000),))
    data = summarise(Attested.initial(TOWN), RULES, held.choice(W), agreed(slots(*seen)))
    first, second = data.leaf(UsagePoint(1)), data.leaf(UsagePoint(2))
    assert first is not None
    assert second is not None
    assert (first.import_register_wh, first.assurance) == (1_000, Assurance.METER_SIGNED)
    assert (second.import_register_wh, second.assurance) == (50, Assurance.WITNESSED)
    assert second.quality == Quality.VALIDATED
    assert data.summary.counts.witnessed == 1


def test_what_three_nodes_saw_of_one_telegram_is_its_reading() -> None:
    telegram = reading(2, W + 899, 77, 5, assurance=Assurance.WITNESSED)
    seen = [keeper(TOWN, (telegram,)).observations(W) for _ in range(3)]
    found = agreed(slots(*seen))
    assert found.indices.tolist() == [1]
    assert (found.readings.import_wh[0], found.readings.record.tobytes()) == (77, telegram.record)


def test_observations_survive_the_wire_and_broken_ones_are_named() -> None:
    some = batch(at(1, 2), at(3, -1, point=2))
    data = some.to_bytes()
    back = Observations.from_bytes(data, rows_max=2)
    assert isinstance(back, Observations)
    assert back.to_bytes() == data
    assert back.export_register_wh.tolist() == [2, -1]
    assert Observations.from_bytes(data, rows_max=1) == Rejected(Misfit.TOO_MANY)
    assert Observations.from_bytes(data[1:], rows_max=2) == Rejected(
        Misfit.MALFORMED, "no whole number of rows"
    )
    twice = batch(at(1), at(1)).to_bytes()
    assert Observations.from_bytes(twice, rows_max=2) == Rejected(
        Misfit.MALFORMED, "usage points are not ascending"
    )
