"""Totals, roots and proofs of a window; its bytes; restatement (R6, A3, A8)."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest

from consensus.model import InvariantBroken, Rejected
from oracle.model import (
    Assurance,
    Counts,
    Quality,
    UsagePoint,
    WindowStart,
    ZoneId,
    leaf_hash,
)
from oracle.windows import tree
from oracle.windows.attested import Attested
from oracle.windows.leaves import sums, worst
from oracle.windows.packing import Misfit
from oracle.windows.summary import summarise
from oracle.windows.vee import Rule, badness, quality_of_badness
from oracle.windows.window_data import LeafProof, WindowData
from tests.unit.windows.meters import RULES, L, W, closed, keeper, reading, town

TOWN = town(2, 1, 2, 7, 1, 2)
NEXT = W + L


def two_windows() -> tuple[Attested, WindowData]:
    first = Attested.initial(TOWN)
    state = first.apply(closed(first, *(reading(point, into=1_000 * point) for point in range(1, 7))))
    ones = [reading(point, NEXT + L, 1_000 * point + 10 * point, point) for point in (1, 2, 4, 5, 6)]
    ones[0] = replace(ones[0], assurance=Assurance.GATEWAY_SIGNED)
    ones[1] = replace(ones[1], quality=Quality.QUESTIONABLE)
    return state, closed(state, *ones, window=NEXT)


def proof_of(data: WindowData, point: int) -> LeafProof:
    found = data.proof(UsagePoint(point))
    assert found is not None
    return found


def test_totals_are_the_sums_of_zones_and_zones_of_leaves() -> None:
    _, data = two_windows()
    assert [(zone.zone, zone.leaf_count, zone.import_wh, zone.export_wh) for zone in data.zones] == [
        (1, 2, 70, 7),
        (2, 2, 70, 7),
        (7, 1, 40, 4),
    ]
    assert (data.summary.import_wh, data.summary.export_wh) == (180, 18)
    assert (data.summary.zone_count, data.summary.leaf_count) == (3, 5)
    assert data.summary.counts == Counts(
        validated=4, questionable=1, meter_signed=4, gateway_signed=1, witnessed=0
    )
    assert [zone.quality for zone in data.zones] == [10, 17, 17]
    assert data.summary.quality == 10
    assert data.summary.registry == TOWN.root


def test_roots_are_over_the_encoded_leaves_and_zones_in_order() -> None:
    _, data = two_windows()
    for zone in data.zones:
        leaves = data.zone_leaves(zone.zone)
        assert [leaf.usage_point for leaf in leaves] == sorted(leaf.usage_point for leaf in leaves)
        assert tree.root([leaf_hash(leaf.value()) for leaf in leaves]) == zone.root
        assert sum(leaf.import_wh for leaf in leaves) == zone.import_wh
        assert data.zone(zone.zone) == zone
    assert tree.root([leaf_hash(zone.value()) for zone in data.zones]) == data.summary.root
    assert data.zone(ZoneId(3)) is None
    assert data.zone_leaves(ZoneId(3)) == ()


def test_sums_are_exact_beyond_64_bits() -> None:
    column = np.array([2**63 - 1, 2**63 - 1, 2**33 - 1, 2**32, 2**32 - 1, 0], np.int64)
    assert sums(column, np.array([0, 3, 5])) == [2**64 + 2**33 - 3, 2**33 - 1, 0]


def test_every_leaf_is_proven_and_no_changed_one_is() -> None:
    _, data = two_windows()
    for point in (1, 2, 4, 5, 6):
        found = proof_of(data, point)
        assert found.leaf == data.leaf(UsagePoint(point))
        assert found.holds(data.summary)
        assert not replace(found, leaf=replace(found.leaf, import_wh=1)).holds(data.summary)
        assert not replace(found, zone=replace(found.zone, import_wh=1)).holds(data.summary)
        assert not replace(found, leaf=replace(found.leaf, window=W)).holds(data.summary)
        assert not found.holds(replace(data.summary, zone_count=5))
        assert not found.holds(replace(data.summary, window=W))
        assert not replace(found, leaf_index=found.leaf_index + 1).holds(data.summary)
        assert not replace(found, zone_index=(found.zone_index + 1) % 3).holds(data.summary)
    assert data.proof(UsagePoint(3)) is None
    assert data.leaf(UsagePoint(3)) is None


def test_a_zone_is_proven_without_its_leaves() -> None:
    _, data = two_windows()
    found = data.zone_proof(ZoneId(7))
    assert found is not None
    zone, index, siblings = found
    assert tree.verify(leaf_hash(zone.value()), data.summary.root, index, 3, siblings)
    assert data.zone_proof(ZoneId(9)) is None


def test_a_window_without_leaves_has_a_root_of_zeros() -> None:
    data = closed(Attested.initial(TOWN))
    assert (data.summary.root, data.summary.leaf_count, data.zones) == (bytes(32), 0, ())
    assert data.summary.counts == Counts()
    assert data.proof(UsagePoint(1)) is None
    back = WindowData.from_bytes(data.to_bytes(), data.summary)
    assert isinstance(back, WindowData)
    assert back.summary == data.summary


def test_bytes_of_a_window_come_back_with_every_proof() -> None:
    _, data = two_windows()
    back = WindowData.from_bytes(data.to_bytes(), data.summary)
    assert isinstance(back, WindowData)
    assert back.summary == data.summary
    assert back.zones == data.zones
    assert back.to_bytes() == data.to_bytes()
    assert proof_of(back, 6) == proof_of(data, 6)


def test_changed_bytes_are_malformed_or_not_as_attested_and_never_taken() -> None:
    _, data = two_windows()
    written = data.to_bytes()
    draw = random.Random(5)
    for at in range(len(written)):
        bad = bytearray(written)
        bad[at] ^= 1 << draw.randrange(8)
        back = WindowData.from_bytes(bytes(bad), data.summary)
        assert isinstance(back, Rejected), at
        assert back.reason in {Misfit.MALFORMED, Misfit.NOT_AS_ATTESTED}
    for end in range(len(written)):
        assert isinstance(WindowData.from_bytes(written[:end], data.summary), Rejected)
    assert isinstance(WindowData.from_bytes(written + b"\0", data.summary), Rejected)


def test_true_bytes_of_another_window_are_not_as_attested() -> None:
    state, data = two_windows()
    other = closed(state, window=NEXT)
    assert WindowData.from_bytes(other.to_bytes(), data.summary) == Rejected(Misfit.NOT_AS_ATTESTED)


def test_bytes_that_claim_a_million_leaves_are_refused_before_memory_is_taken() -> None:
    _, data = two_windows()
    written = bytearray(data.to_bytes())
    # Magic, window, revision, zone count; 32 bytes of registry; the zones; their lengths.
    at = 16 + 3 + 2 + 2 + 32 + 1 + 3
    assert written[at] == 1
    huge = bytes([4]) + (1 << 20).to_bytes(4, "big") * 3
    back = WindowData.from_bytes(bytes(written[:at]) + huge, data.summary)
    assert back == Rejected(Misfit.MALFORMED, "more leaves than the bytes hold")


def test_a_restatement_keeps_every_leaf_and_adds_the_late_ones() -> None:
    state, data = two_windows()
    late = keeper(TOWN)
    late.open(WindowStart(NEXT))
    late.offer((reading(1, NEXT + L, 9_000), reading(3, NEXT + L, 3_033)), None)
    choice = late.choice(WindowStart(NEXT))
    again = summarise(state.apply(data), RULES, choice, revision=1, base=data)
    assert again.summary.revision == 1
    assert again.leaf(UsagePoint(1)) == data.leaf(UsagePoint(1))
    added = again.leaf(UsagePoint(3))
    assert added is not None
    assert (added.import_wh, added.since) == (33, W)
    assert again.summary.import_wh == data.summary.import_wh + 33
    assert again.findings.refused == ()


def test_a_restatement_counts_no_energy_that_a_later_window_already_counted() -> None:
    state, data = two_windows()
    state = state.apply(data)
    following = closed(state, reading(3, NEXT + 2 * L, 3_050), window=NEXT + L)
    found = following.leaf(UsagePoint(3))
    assert found is not None
    assert (found.import_wh, found.since) == (50, W)
    late = keeper(TOWN)
    late.open(WindowStart(NEXT))
    late.offer((reading(3, NEXT + L, 3_033),), None)
    again = summarise(state.apply(following), RULES, late.choice(WindowStart(NEXT)), revision=1, base=data)
    assert again.leaf(UsagePoint(3)) is None
    ((rule, points),) = again.findings.refused
    assert (rule, points.tolist()) == (Rule.FUTURE_OR_STALE, [3])


def test_a_window_that_was_attested_is_not_attested_again_from_its_own_registers() -> None:
    state, data = two_windows()
    repeated = closed(state.apply(data), reading(1, NEXT + L, 1_010, 1), window=NEXT)
    assert repeated.summary.leaf_count == 0


def test_a_restatement_of_another_window_is_our_fault() -> None:
    state, data = two_windows()
    with pytest.raises(InvariantBroken):
        summarise(state, RULES, keeper(TOWN).choice(W), revision=1, base=data)


@pytest.mark.parametrize(
    ("better", "worse"),
    list(itertools.pairwise((18, 19, 17, 0, 7, 11, 15, 13, 9, 8, 12, 14, 16, 10))),
)
def test_an_aggregate_has_the_worst_quality_whatever_number_its_code_is(better: int, worse: int) -> None:
    assert worst([better, worse]) == worst([worse, better]) == worse
    ranks = badness(np.array([better, worse], np.uint8))
    assert ranks[0] < ranks[1]
    assert quality_of_badness(ranks).tolist() == [better, worse]
