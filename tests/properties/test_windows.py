"""Windows under random meters: order, conservation, proofs, exchange, against a naive oracle.

The naive implementation here keeps objects in dicts and follows the rules' text; the real
one must agree with it leaf by leaf.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.model import Rejected
from oracle.model import (
    QUALITY_BEST_TO_WORST,
    Assurance,
    Leaf,
    Quality,
    Reading,
    RecordHash,
    UsagePoint,
    WindowStart,
    leaf_hash,
)
from oracle.windows import tree
from oracle.windows.attested import Attested
from oracle.windows.inventory import bucket_count
from oracle.windows.keeper import Accepted, Keeper
from oracle.windows.readings import Rows
from oracle.windows.registry import Registry
from oracle.windows.summary import summarise
from oracle.windows.vee import Rules
from oracle.windows.window_data import WindowData
from tests.unit.windows.meters import L, W, chosen, interval, meter, reading, town

POINTS = 9
TOWN = Registry(tuple(meter(at, 1 + at % 3, 10_000 + 1_000 * at) for at in range(1, POINTS + 1)))
RULES = Rules(zero_run_s=3 * L, flatline_count=3, late_planes=4)
REGISTER_TOP = 100_000
WINDOWS = 5


def readings_in(window: int) -> st.SearchStrategy[Reading]:
    points = st.integers(1, POINTS)
    # Few values of each kind, so that ranks tie, registers fall and bounds are met.
    registers = st.one_of(
        st.none(), st.sampled_from([0, 5, 99_990, REGISTER_TOP]), st.integers(0, REGISTER_TOP)
    )
    by_register = st.builds(
        lambda point, back, into, out, sequence, assurance, quality, top, name: reading(
            point,
            window + L - back,
            into,
            out if into is not None or out is not None else 0,
            sequence=sequence,
            name=(point, back, into, out, sequence, name),
            assurance=assurance,
            quality=quality,
            register_max=top,
        ),
        points,
        st.sampled_from([0, 1, 2, L - 1]),
        registers,
        registers,
        st.integers(0, 2),
        st.sampled_from([Assurance.METER_SIGNED, Assurance.GATEWAY_SIGNED]),
        st.sampled_from([Quality.RAW, Quality.ESTIMATED_LINEAR, Quality.QUESTIONABLE]),
        st.sampled_from([0, REGISTER_TOP]),
        st.integers(0, 3),
    )
    by_interval = st.builds(
        lambda point, into, out, name: interval(point, window, into, out, name=(point, into, out, name)),
        points,
        st.sampled_from([0, 200, 2_000]),
        st.sampled_from([0, 7]),
        st.integers(0, 3),
    )
    return st.one_of(by_register, by_register, by_interval)


def some_readings(window: int = W, most: int = 25) -> st.SearchStrategy[list[Reading]]:
    return st.lists(readings_in(window), max_size=most)


HISTORIES = st.tuples(*(some_readings(W + at * L, 12) for at in range(WINDOWS)))


# --- the naive implementation -------------------------------------------------------------


def naive_key(one: Reading, window: int) -> tuple[object, ...]:
    if one.interval_wh is not None:
        closing, (into, out) = window + L, one.interval_wh
    else:
        closing = one.time_s
        into = -1 if one.import_register_wh is None else one.import_register_wh
        out = -1 if one.export_register_wh is None else one.export_register_wh
    told = (into, out, int(one.assurance), int(one.quality), one.register_digits_max_wh)
    return -closing, -one.sequence, one.record, *told, one.interval_wh is not None


def naive_choice(readings: list[Reading], window: int) -> dict[int, Reading]:
    best: dict[int, Reading] = {}
    for one in readings:
        held = best.get(one.usage_point)
        if held is None or naive_key(one, window) < naive_key(held, window):
            best[one.usage_point] = one
    return best


@dataclass
class Last:
    leaf: Leaf
    zero_s: int
    alike: int


def naive_direction(stated: int | None, before: int | None, top: int, bound: int) -> tuple[int, int, str]:
    """Register, energy, and what happened."""
    if before is None:
        return stated or 0, 0, "first"
    if stated is None:
        return before, 0, "kept"
    if stated >= before:
        if before == 0 and stated > bound:
            return stated, 0, "reset"
        return stated, stated - before, "rose"
    if top and top >= before > top * 0.9 and top - before + stated <= bound:
        return stated, top - before + stated, "rolled"
    return stated, 0, "reset"


def naive_leaf(one: Reading, last: Last | None, window: int) -> Leaf | None:
    device = next(meter for meter in TOWN.devices if meter.device == one.usage_point)
    old = last.leaf if last else None
    since = old.window if old else window
    elapsed = L if one.interval_wh is not None else window + L - since
    bound = -(-device.capacity_w * elapsed * 110 // 360_000) + 1
    happened = set()
    registers, energies = [], []
    pairs = zip(
        one.interval_wh or (one.import_register_wh, one.export_register_wh),
        (old.import_register_wh, old.export_register_wh) if old else (None, None),
        strict=True,
    )
    for stated, before in pairs:
        if one.interval_wh is not None:
            assert stated is not None
            register, energy, what = (before or 0) + stated, stated, "interval"
        else:
            register, energy, what = naive_direction(stated, before, one.register_digits_max_wh, bound)
        registers.append(register)
        energies.append(energy)
        happened.add(what)
    if "reset" in happened:
        since, energies = window, [0, 0]
    if max(energies) > bound:
        return None
    if old is None:
        energies = [0, 0]
    flags = [Quality.VALIDATED if one.quality is Quality.RAW else one.quality]
    if "rolled" in happened and "reset" not in happened:
        flags.append(Quality.DERIVED)
    if "reset" in happened:
        flags.append(Quality.QUESTIONABLE)
    zero_s, alike = naive_runs(last, energies, since, window)
    if zero_s >= RULES.zero_run_s or (
        alike >= RULES.flatline_count and max(energies) >= RULES.flatline_wh_min
    ):
        flags.append(Quality.QUESTIONABLE)
    return Leaf(
        usage_point=UsagePoint(one.usage_point),
        window=WindowStart(window),
        import_register_wh=registers[0],
        export_register_wh=registers[1],
        import_wh=energies[0],
        export_wh=energies[1],
        since=WindowStart(since),
        quality=max(flags, key=QUALITY_BEST_TO_WORST.index),
        assurance=int(one.assurance),
        record=one.record,
    )


def naive_runs(last: Last | None, energies: list[int], since: int, window: int) -> tuple[int, int]:
    if energies == [0, 0]:
        return ((last.zero_s if last else 0) + window - since if since < window else 0), 0
    same = last is not None and energies == [last.leaf.import_wh, last.leaf.export_wh]
    return 0, (last.alike + 1 if last and same else 1)


def naive_history(history: tuple[list[Reading], ...]) -> list[dict[int, Leaf]]:
    state: dict[int, Last] = {}
    found = []
    for at, readings in enumerate(history):
        window = W + at * L
        leaves = {}
        for point, one in sorted(naive_choice(readings, window).items()):
            leaf = naive_leaf(one, state.get(point), window)
            if leaf is not None:
                leaves[point] = leaf
                energies = [leaf.import_wh, leaf.export_wh]
                runs = naive_runs(state.get(point), energies, leaf.since, window)
                state[point] = Last(leaf, *runs)
        found.append(leaves)
    return found


# --- the properties -------------------------------------------------------------------------


def real_history(history: tuple[list[Reading], ...]) -> list[WindowData]:
    state = Attested.initial(TOWN)
    found = []
    for at, readings in enumerate(history):
        window = WindowStart(W + at * L)
        held = Keeper(TOWN, RULES)
        held.open(window)
        held.offer(readings, None)
        held.close(window)
        data = summarise(state, RULES, held.choice(window))
        state = state.apply(data)
        found.append(data)
    return found


def leaves_of(data: WindowData) -> dict[int, Leaf]:
    return {leaf.usage_point: leaf for zone in data.zones for leaf in data.zone_leaves(zone.zone)}


@settings(max_examples=120, deadline=None)
@given(HISTORIES)
def test_every_leaf_is_what_the_naive_implementation_says(history: tuple[list[Reading], ...]) -> None:
    acceptable = tuple([one for one in readings if not impossible(one)] for readings in history)
    assert [leaves_of(data) for data in real_history(acceptable)] == naive_history(acceptable)


def impossible(one: Reading) -> bool:
    top = one.register_digits_max_wh or 10**15
    return max(one.import_register_wh or 0, one.export_register_wh or 0) > top


@settings(max_examples=80, deadline=None)
@given(some_readings(), st.randoms(use_true_random=False), st.integers(1, 7))
def test_the_same_records_give_the_same_bytes_in_any_order_and_batching(
    readings: list[Reading], draw: random.Random, size: int
) -> None:
    shuffled = sorted(readings, key=lambda _: draw.random())
    first, second = Keeper(TOWN, RULES), Keeper(TOWN, RULES)
    first.open(W)
    second.open(W)
    first.offer(readings, None)
    for at in range(0, len(shuffled), size):
        second.offer(shuffled[at : at + size], None)
    written = [
        summarise(Attested.initial(TOWN), RULES, held.choice(W)).to_bytes() for held in (first, second)
    ]
    assert written[0] == written[1]


@settings(max_examples=80, deadline=None)
@given(HISTORIES)
def test_leaves_add_up_to_zones_and_zones_to_the_window(history: tuple[list[Reading], ...]) -> None:
    for data in real_history(history):
        summary = data.summary
        for zone in data.zones:
            leaves = data.zone_leaves(zone.zone)
            assert zone.leaf_count == len(leaves)
            assert zone.import_wh == sum(leaf.import_wh for leaf in leaves)
            assert zone.export_wh == sum(leaf.export_wh for leaf in leaves)
            worst = max((leaf.quality for leaf in leaves), key=QUALITY_BEST_TO_WORST.index)
            assert zone.quality == worst
        assert summary.leaf_count == sum(zone.leaf_count for zone in data.zones)
        assert summary.import_wh == sum(zone.import_wh for zone in data.zones)
        assert summary.export_wh == sum(zone.export_wh for zone in data.zones)
        counts = summary.counts
        classes = counts.validated + counts.derived + counts.estimated + counts.questionable
        kinds = counts.meter_signed + counts.gateway_signed + counts.witnessed
        assert classes == kinds == summary.leaf_count


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 2_500)), min_size=2, max_size=10))
def test_energy_over_all_windows_is_the_difference_of_the_registers(steps: list[int | None]) -> None:
    """Telescoping: whatever windows are missed, nothing is lost and nothing counted twice."""
    state, register, told = Attested.initial(town(1)), 7_000, []
    total = 0
    for at, step in enumerate(steps):
        register += step or 0
        if step is None:
            continue
        window = WindowStart(W + at * L)
        held = Keeper(state.registry, Rules())
        held.open(window)
        held.offer((reading(1, window + L, register, 0),), None)
        data = summarise(state, Rules(), held.choice(window))
        state = state.apply(data)
        total += data.summary.import_wh
        told.append(register)
    assert total == (told[-1] - told[0] if told else 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1_500), st.integers(1, 1_500), st.sampled_from([10**8, 10**9, 2**32]))
def test_a_rollover_loses_nothing(below: int, above: int, top: int) -> None:
    state = Attested.initial(town(1))
    total = 0
    for at, register in enumerate((top - below, above)):
        window = WindowStart(W + at * L)
        held = Keeper(state.registry, Rules())
        held.open(window)
        held.offer((reading(1, window + L, register, 0, register_max=top),), None)
        data = summarise(state, Rules(), held.choice(window))
        state = state.apply(data)
        total += data.summary.import_wh
    assert total == below + above


@settings(max_examples=60, deadline=None)
@given(some_readings(), some_readings())
def test_inventories_are_equal_exactly_where_choices_are(mine: list[Reading], theirs: list[Reading]) -> None:
    ours, others = Keeper(TOWN, RULES), Keeper(TOWN, RULES)
    for held, readings in ((ours, mine), (others, theirs)):
        held.open(W)
        held.offer(readings, None)
    same = ours.choice(W).rows.to_bytes() == others.choice(W).rows.to_bytes()
    assert (ours.inventory(W) == others.inventory(W)) is same
    assert (ours.inventory(W).differing(others.inventory(W)) == ()) is same


@settings(max_examples=60, deadline=None)
@given(some_readings(), some_readings())
def test_after_handing_over_what_is_missing_two_nodes_choose_alike(
    mine: list[Reading], theirs: list[Reading]
) -> None:
    records = {(one.usage_point, one.record): one for one in (*mine, *theirs)}
    held = [Keeper(TOWN, RULES), Keeper(TOWN, RULES)]
    for node, readings in zip(held, (mine, theirs), strict=True):
        node.open(W)
        node.offer(readings, None)
        node.close(W)
    before = [node.choice(W).rows for node in held]
    buckets = held[0].inventory(W).differing(held[1].inventory(W))
    for node, other in ((held[0], before[1]), (held[1], before[0])):
        for bucket in buckets:
            wanted = node.missing(W, rows_in(other, bucket))
            pairs = [one for (_, name), one in records.items() if name in wanted]
            node.offer(pairs, None)
    first, second = held[0].choice(W), held[1].choice(W)
    assert first.rows.to_bytes() == second.rows.to_bytes()
    for node in held:
        adopted = chosen(node.choice_from_rows(W, first.rows))
        assert node.outranked(W, adopted) == ()


def rows_in(whole: Rows, bucket: int) -> Rows:
    count = bucket_count(POINTS)
    inside = (whole.usage_points - 1) * count // POINTS == bucket
    return Rows(whole.usage_points[inside], whole.records[inside])


@settings(max_examples=60, deadline=None)
@given(some_readings(most=40))
def test_no_reading_is_stored_twice(readings: list[Reading]) -> None:
    once, twice = Keeper(TOWN, RULES), Keeper(TOWN, RULES)
    for held in (once, twice):
        held.open(W)
        held.close(W)
        held.offer(readings, None)
    for verdict in twice.offer(readings, None):
        assert isinstance(verdict, Rejected)
    for index in range(POINTS):
        records = [
            [plane.record(index) for plane in held._windows[W].planes() if plane.taken(index)]
            for held in (once, twice)
        ]
        assert records[0] == records[1]
        assert len(set(records[1])) == len(records[1])


@settings(max_examples=60, deadline=None)
@given(some_readings(), st.data())
def test_a_choice_worse_than_what_was_held_is_named_and_any_better_is_not(
    readings: list[Reading], data: st.DataObject
) -> None:
    node = Keeper(TOWN, Rules(late_planes=30))
    node.open(W)
    accepted = [
        one
        for one, verdict in zip(readings, node.offer(readings, None), strict=True)
        if isinstance(verdict, Accepted)
    ]
    node.close(W)
    extra = [replace(one, sequence=one.sequence + 5, record=leaf_record(one)) for one in accepted]
    node.offer((*accepted, *extra), None)
    best = naive_choice(accepted, W)
    by_point: dict[int, list[Reading]] = {}
    for one in (*accepted, *extra):
        by_point.setdefault(one.usage_point, []).append(one)
    named, picked = [], []
    for point in sorted(by_point):
        pick = data.draw(st.one_of(st.none(), st.sampled_from(by_point[point])))
        if pick is not None:
            picked.append((point, pick.record))
        if pick is None or naive_key(pick, W) > naive_key(best[point], W):
            named.append(point)
    points = np.array([point for point, _ in picked], np.int64)
    records = np.frombuffer(b"".join(name for _, name in picked), np.uint8).reshape(len(picked), 32)
    adopted = chosen(node.choice_from_rows(W, Rows(points, records)))
    assert list(node.outranked(W, adopted)) == named


def leaf_record(one: Reading) -> RecordHash:
    return RecordHash(leaf_hash({"again": one.record}))


@settings(max_examples=60, deadline=None)
@given(some_readings(most=40), st.data())
def test_every_leaf_is_proven_and_forged_ones_are_not(readings: list[Reading], data: st.DataObject) -> None:
    held = Keeper(TOWN, RULES)
    held.open(W)
    held.offer(readings, None)
    window = summarise(Attested.initial(TOWN), RULES, held.choice(W))
    for point, leaf in leaves_of(window).items():
        found = window.proof(UsagePoint(point))
        assert found is not None
        assert found.leaf == leaf
        assert found.holds(window.summary)
        field = data.draw(st.sampled_from(["import_register_wh", "import_wh", "since", "quality"]))
        forged = replace(leaf, **{field: getattr(leaf, field) + data.draw(st.integers(1, 9))})
        assert not replace(found, leaf=forged).holds(window.summary)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 200), st.data())
def test_no_other_leaf_index_or_length_passes_for_a_proof(count: int, data: st.DataObject) -> None:
    leaves = [leaf_hash({"leaf": at}) for at in range(count)]
    built = tree.Tree.over(leaves)
    index = data.draw(st.integers(0, count - 1))
    siblings = built.proof(index)
    assert tree.verify(leaves[index], built.root, index, count, siblings)
    other = data.draw(st.integers(0, 2 * count).filter(lambda at: at != index))
    assert not tree.verify(leaves[index], built.root, other, count, siblings)
    if siblings:
        row = data.draw(st.integers(0, len(siblings) - 1))
        bad = (*siblings[:row], leaf_hash({"bad": row}), *siblings[row + 1 :])
        assert not tree.verify(leaves[index], built.root, index, count, bad)
        inner = built.rows[1][(index >> 1) * 32 : (index >> 1) * 32 + 32]
        assert not tree.verify(inner, built.root, index >> 1, count, siblings[1:])


@settings(max_examples=50, deadline=None)
@given(HISTORIES)
def test_history_read_back_from_bytes_gives_the_same_state(history: tuple[list[Reading], ...]) -> None:
    live = away = Attested.initial(TOWN)
    for data in real_history(history):
        live = live.apply(data)
        back = WindowData.from_bytes(data.to_bytes(), data.summary)
        assert isinstance(back, WindowData)
        away = away.apply(back)
    assert live.digest == away.digest
    restored = Attested.from_bytes(TOWN, live.to_bytes())
    assert isinstance(restored, Attested)
    assert restored.digest == live.digest
