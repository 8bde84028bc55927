"""A2 and A3 between nodes: inventories, missing records, a proposer's choice, censorship."""

from consensus.model import Rejected
from oracle.model import WindowStart
from oracle.windows.inventory import BUCKETS_MAX, Inventory, bucket_count, bucket_range
from oracle.windows.keeper import Accepted, Keeper
from oracle.windows.packing import Misfit
from oracle.windows.readings import Rows
from tests.unit.windows.meters import RULES, L, W, chosen, keeper, reading, record, rows, town

TOWN = town(*[1] * 200)


def test_equal_holdings_give_equal_inventories_and_one_record_makes_one_bucket_differ() -> None:
    mine = keeper(TOWN, (reading(point) for point in range(1, 200)))
    theirs = keeper(TOWN, (reading(point) for point in reversed(range(1, 200))))
    assert mine.inventory(W) == theirs.inventory(W)
    theirs.offer((reading(150, sequence=1),), None)
    (bucket,) = mine.inventory(W).differing(theirs.inventory(W))
    low, high = bucket_range(bucket, 200)
    assert low <= 149 < high
    ours, others = mine.bucket_rows(W, bucket), theirs.bucket_rows(W, bucket)
    assert len(ours) == len(others)
    assert mine.missing(W, others) == (reading(150, sequence=1).record,)


def test_presence_says_what_only_the_other_has() -> None:
    mine, theirs = keeper(TOWN, (reading(1), reading(9))), keeper(TOWN, (reading(9), reading(200)))
    assert mine.inventory(W).only_in(theirs.inventory(W)).tolist() == [199]
    assert theirs.inventory(W).only_in(mine.inventory(W)).tolist() == [0]


def test_bucket_rows_of_all_buckets_are_the_choice() -> None:
    held = keeper(TOWN, (reading(point) for point in range(1, 201, 3)))
    held.close(W)
    held.offer((reading(2), reading(4, sequence=1)), None)
    parts = [held.bucket_rows(W, bucket).to_bytes() for bucket in range(bucket_count(200))]
    assert b"".join(parts) == held.choice(W).rows.to_bytes()
    assert len(held.bucket_rows(W, bucket_count(200))) == 0
    assert len(held.bucket_rows(W, -1)) == 0


def test_buckets_cover_every_index_once_and_are_bounded() -> None:
    for points in (0, 1, 63, 64, 65, 1_000, 100_003):
        ranges = [bucket_range(bucket, points) for bucket in range(bucket_count(points))]
        assert [at for low, high in ranges for at in range(low, high)] == list(range(points))
    assert bucket_count(1_000_000) == bucket_count(16_000_000) == BUCKETS_MAX


def test_an_inventory_survives_the_wire_and_a_broken_one_is_named() -> None:
    inventory = keeper(TOWN, (reading(1), reading(200))).inventory(W)
    data = inventory.to_bytes()
    assert Inventory.from_bytes(data, points=200) == inventory
    assert Inventory.from_bytes(data[:-1], points=200) == Rejected(
        Misfit.MALFORMED, "not the length for this registry"
    )
    assert Inventory.from_bytes(data, points=199) == Rejected(Misfit.OTHER_REGISTRY)
    small = keeper(town(1, 1), (reading(1),)).inventory(W).to_bytes()
    beyond = small[:16] + bytes([small[16] | 1]) + small[17:]
    assert Inventory.from_bytes(beyond, points=2) == Rejected(
        Misfit.MALFORMED, "bits beyond the last usage point"
    )


def test_inventories_of_other_windows_differ_everywhere() -> None:
    held = keeper(TOWN)
    held.open(WindowStart(W + L))
    first, second = held.inventory(W), held.inventory(WindowStart(W + L))
    assert first.differing(second) == tuple(range(bucket_count(200)))
    assert keeper(town(1)).inventory(W).only_in(first).tolist() == []


def test_missing_names_each_record_once_and_passes_over_strangers() -> None:
    held = keeper(TOWN, (reading(1, name="batch"),))
    asked = rows((1, record("batch")), (2, record("other")), (3, record("other")), (999, record("x")))
    assert held.missing(W, asked) == (record("other"),)


def test_a_choice_is_adopted_once_its_records_are_held() -> None:
    proposer = keeper(TOWN, (reading(1), reading(2)))
    node = keeper(TOWN, (reading(1),))
    node.close(W)
    wanted = proposer.choice(W).rows
    assert node.choice_from_rows(W, wanted) == Rejected(Misfit.NOT_HELD, "1 records")
    node.offer((reading(2),), None)
    assert chosen(node.choice_from_rows(W, wanted)).rows.to_bytes() == wanted.to_bytes()
    assert node.outranked(W, chosen(node.choice_from_rows(W, wanted))) == ()


def test_a_late_better_record_does_not_hide_the_proposed_one() -> None:
    node = keeper(TOWN, (reading(1, sequence=1),))
    node.close(W)
    node.offer((reading(1, sequence=5), reading(1, sequence=3)), None)
    for sequence in (1, 3, 5):
        one = reading(1, sequence=sequence)
        adopted = chosen(node.choice_from_rows(W, rows((1, one.record))))
        assert adopted.readings.sequence.tolist() == [sequence]
        assert node.outranked(W, adopted) == ()
    assert node.choice(W).readings.sequence.tolist() == [5]


def test_a_choice_that_leaves_out_or_outranks_downwards_what_was_held_is_named() -> None:
    node = keeper(TOWN, (reading(1), reading(2, sequence=5), reading(3)))
    node.close(W)
    worse = reading(2, sequence=4)
    node.offer((worse,), None)
    censored = chosen(node.choice_from_rows(W, rows((1, reading(1).record), (2, worse.record))))
    assert node.outranked(W, censored) == (2, 3)


def test_of_late_records_alike_in_time_and_sequence_the_lowest_hash_is_chosen() -> None:
    low, high = sorted((reading(name=one) for one in ("one", "other")), key=lambda one: one.record)
    for first, late in ((high, low), (low, high)):
        held = keeper(town(1), [first])
        held.close(W)
        assert isinstance(held.offer((late,), None)[0], Accepted)
        assert held.choice(W).rows.records[0].tobytes() == low.record
        assert bool(held.outranked(W, held.choice(W))) is False


def test_what_came_after_the_close_accuses_nobody() -> None:
    node = keeper(TOWN, (reading(1),))
    node.close(W)
    proposed = node.choice(W)
    node.offer((reading(1, sequence=9), reading(2)), None)
    assert node.outranked(W, proposed) == ()
    assert len(node.choice(W)) == 2


def test_a_choice_with_strangers_is_not_adopted() -> None:
    node = keeper(TOWN, (reading(1),))
    asked = rows((1, reading(1).record), (999, record("x")))
    assert node.choice_from_rows(W, asked) == Rejected(Misfit.UNKNOWN_USAGE_POINT)


def test_rows_survive_the_wire_and_broken_ones_are_named() -> None:
    some = rows((1, record("a")), (7, record("b")))
    back = Rows.from_bytes(some.to_bytes(), rows_max=2)
    assert isinstance(back, Rows)
    assert back.pairs() == some.pairs() == ((1, record("a")), (7, record("b")))
    assert Rows.from_bytes(some.to_bytes(), rows_max=1) == Rejected(Misfit.TOO_MANY)
    assert Rows.from_bytes(some.to_bytes()[1:], rows_max=2) == Rejected(
        Misfit.MALFORMED, "no whole number of rows"
    )
    for pairs in (((7, record("a")), (1, record("b"))), ((1, record("a")), (1, record("b")))):
        data = b"".join(point.to_bytes(8, "big") + one for point, one in pairs)
        assert Rows.from_bytes(data, rows_max=2) == Rejected(
            Misfit.MALFORMED, "usage points are not ascending"
        )
    negative = b"\xff" * 8 + record("a")
    assert isinstance(Rows.from_bytes(negative, rows_max=2), Rejected)


def test_a_keeper_without_meters_keeps_nothing() -> None:
    held = Keeper(town(), RULES)
    held.open(W)
    assert held.missing(W, rows((1, record("a")))) == ()
    assert len(held.choice(W)) == 0
    assert held.inventory(W).differing(held.inventory(W)) == ()
