"""Rules R1 to R4, A2, A3 and A7 at the settlement of windows, one scripted scenario each."""

from __future__ import annotations

import numpy as np
import pytest

from consensus.encoding import Value, encode
from consensus.messages import Entry
from consensus.model import NodeId
from consensus.step import Outgoing
from oracle import frames
from oracle.frames import Rows, RowsWanted
from oracle.model import Assurance, Leaf, Reading, WindowStart
from oracle.settle import PROPOSALS_MAX, WINDOWS_AHEAD, VoidReason
from oracle.windows.attested import Attested, Columns
from oracle.windows.registry import Registry
from oracle.windows.window_data import WindowData
from tests.scenarios.square import (
    END,
    MEMBERS,
    RULES,
    L,
    Square,
    W,
    accepted,
    altered,
    entry,
    reading,
    unsigned,
)
from tests.unit.oracle.network import COMMITTEE, signed
from tests.unit.windows.meters import rows as packed_rows

EVERYBODY = range(MEMBERS)
NOW_S = END + 5


def leaves(square: Square, slot: int, made: tuple[Entry, bytes]) -> dict[int, Leaf]:
    data = square.members[slot].data_of(made[0].digest)
    assert isinstance(data, WindowData)
    found = [data.leaves.leaf(at, WindowStart(W)) for at in range(len(data.leaves))]
    return {int(one.usage_point): one for one in found}


# -- R1, R2


def test_r1_a_record_belongs_to_the_window_of_its_device_time() -> None:
    square = Square()
    late_arrival = reading(1, END - 100, 1000)
    assert accepted(square, 0, late_arrival, now_s=END + 30)
    square.close()
    made = square.make(0)
    assert leaves(square, 0, made)[1].record == late_arrival.record


def test_r1_at_the_very_boundary_a_record_closes_the_window_it_ends() -> None:
    square = Square()
    before, at, after = reading(1, END - 1, 10), reading(1, END, 11), reading(1, END + 1, 12)
    square.members[0].open_windows(END)
    square.hear([0], before, at, after)
    square.close(0)
    assert leaves(square, 0, square.make(0))[1].record == at.record
    square.members[0].skip(1)
    square.members[0].close()
    assert leaves_next(square)[1] == after.record


def leaves_next(square: Square) -> dict[int, bytes]:
    worth = square.members[0].make(NOW_S)
    assert worth is not None
    assert worth.found is not None
    data = worth.found[0].leaves
    return {int(point): record.tobytes() for point, record in zip(data.usage_point, data.record, strict=True)}


def test_r1_a_record_from_the_start_of_the_window_is_not_its_own() -> None:
    square = Square()
    assert not accepted(square, 0, reading(1, W, 10))


def test_r2_the_closest_to_the_end_then_the_highest_sequence_then_the_lowest_hash() -> None:
    near = reading(1, END - 5, 10, sequence=1)
    far = reading(1, END - 60, 10, sequence=9)
    newer = reading(2, END - 5, 20, sequence=3)
    older = reading(2, END - 5, 20, sequence=2)
    twins = sorted((reading(3, END, 30, name=n) for n in ("a", "b")), key=lambda one: one.record)
    for order in (1, -1):
        square = Square()
        square.hear([0], *[near, far, older, newer, *twins][::order])
        square.close()
        found = leaves(square, 0, square.make(0))
        assert found[1].record == near.record
        assert found[2].record == newer.record
        assert found[3].record == twins[0].record


# -- R4


def test_r4_the_median_of_a_quorum_of_observations_is_attested() -> None:
    square = Square()
    for slot, into in enumerate((1000, 1010, 1010, 9999)):
        square.hear([slot], unsigned(3, into, name=slot))
    square.close()
    square.observe()
    made = square.make(0)
    leaf = leaves(square, 0, made)[3]
    assert leaf.import_register_wh == 1010
    assert leaf.assurance == Assurance.WITNESSED
    assert [square.check(slot, made, 0) for slot in (1, 2, 3)] == [True] * 3


def test_r4_fewer_observers_than_a_quorum_attest_nothing() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 100))
    square.hear((0, 1), unsigned(3, 1000))
    square.close()
    square.observe(0, 1)
    made = square.make(0)
    assert set(leaves(square, 0, made)) == {1}
    assert all(square.check(slot, made, 0) for slot in (1, 2, 3))


def test_r4_a_signed_record_goes_before_what_was_witnessed() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(3, END, 500), unsigned(3, 1000))
    square.close()
    square.observe()
    assert leaves(square, 0, square.make(0))[3].import_register_wh == 500


def test_r4_what_came_after_the_close_was_not_observed() -> None:
    square = Square()
    square.close(0)
    assert not accepted(square, 0, unsigned(3, 1000))
    assert square.members[0].own_observations(COMMITTEE.epoch) is None


def test_r4_raw_unsigned_records_are_neither_in_inventories_nor_asked_for() -> None:
    square = Square()
    square.hear([0], unsigned(3, 1000))
    square.close()
    for slot in EVERYBODY:
        square.notify(slot)
    assert square.said(frames.RecordsWanted) == 0
    assert all(not square.records.get(slot) for slot in (1, 2, 3))


def test_r4_members_that_lack_observations_ask_the_proposer_for_them() -> None:
    square = Square()
    square.hear(EVERYBODY, unsigned(3, 1000))
    square.close()
    square.observe(told=(0,))
    made = square.make(0)
    verdict, wanted = square.members[2].check_window(*made, NodeId(0))
    assert verdict is None
    assert {outgoing.to for outgoing in wanted} == {0}
    assert len(wanted) == 3
    assert square.check(2, made, 0) is True


def test_r4_only_the_first_of_a_members_observations_counts() -> None:
    square = Square()
    square.hear(EVERYBODY, unsigned(3, 1000))
    square.close()
    square.observe()
    liar = frames.Observations(COMMITTEE.epoch, W, ())
    square.members[1].on_observations(signed(3, encode(liar.value(square.members[1]._network))))  # type: ignore[arg-type]
    assert square.check(1, square.make(0), 0) is True


# -- A2


def reconciled_square() -> Square:
    """Each of the first three meters was heard by one member only, the fourth by all."""
    square = Square()
    for slot in range(3):
        square.hear([slot], reading(slot + 1, END - slot, 100 * slot))
    square.hear(EVERYBODY, reading(4, END, 7))
    square.close()
    return square


def test_a2_members_whose_inventories_differ_hand_each_other_records_until_they_agree() -> None:
    square = reconciled_square()
    assert not any(member.reconciled for member in square.members)
    for slot in EVERYBODY:
        square.notify(slot)
    for slot in EVERYBODY:  # as each holds more now, it says so again
        square.notify(slot)
    kinds = [type(message) for _, _, message in square.sent]
    assert kinds.index(RowsWanted) < kinds.index(Rows) < kinds.index(frames.RecordsWanted)
    assert all(member.reconciled for member in square.members)
    entries = {square.make(slot)[0].digest for slot in EVERYBODY}
    assert len(entries) == 1
    assert len(leaves(square, 3, square.make(3))) == 4


def test_a2_only_the_buckets_that_differ_are_asked_for() -> None:
    many = Square(registry=reconciled_square().registry)
    many.hear(EVERYBODY, reading(1, END, 5))
    many.close()
    for slot in EVERYBODY:
        many.notify(slot)
    assert many.said(RowsWanted) == 0
    assert all(member.reconciled for member in many.members)


def test_a2_members_that_hold_other_records_are_not_reconciled_before_they_hold_the_same() -> None:
    square = Square()
    square.hear(range(MEMBERS), reading(1))
    square.hear([0], reading(2))
    square.close()
    for slot in range(1, MEMBERS):
        notice = square.members[slot].notice(COMMITTEE.epoch)
        assert notice is not None
        square.members[0].on_notice(NodeId(slot), notice)
    assert not square.members[0].reconciled
    square.hear(range(1, MEMBERS), reading(2))
    for slot in range(1, MEMBERS):
        notice = square.members[slot].notice(COMMITTEE.epoch)
        assert notice is not None
        square.members[0].on_notice(NodeId(slot), notice)
    assert square.members[0].reconciled


def test_a2_a_member_that_is_silent_keeps_the_window_from_being_reconciled() -> None:
    square = reconciled_square()
    for _ in range(2):
        for slot in (0, 1, 2):
            square.notify(slot)
    assert not square.members[0].reconciled
    square.notify(3)
    assert square.members[0].reconciled


def test_a2_observations_that_were_announced_must_be_there_too() -> None:
    square = Square()
    square.hear([2], unsigned(3, 1000))
    square.close()
    square.observe(2, told=())
    for slot in (0, 1, 3):
        square.notify(slot)
    notice = square.members[2].notice(COMMITTEE.epoch)
    assert notice is not None
    assert square.members[0].on_notice(NodeId(2), notice)
    assert not square.members[0].reconciled
    square.carry(0, square.members[0].compare_all())
    assert square.members[0].reconciled


def test_a2_notices_of_far_or_crooked_windows_are_not_kept() -> None:
    square = Square()
    member = square.members[0]
    for window in (W - L, W + 1, W + (WINDOWS_AHEAD + 1) * L, 1 << 40):
        member.on_notice(NodeId(1), frames.InventoryNotice(WindowStart(window), b"x" * 1000, b""))
    assert not member._heard
    member.on_notice(NodeId(1), frames.InventoryNotice(WindowStart(W + L), b"", b""))
    assert set(member._heard) == {W + L}


@pytest.mark.parametrize("data", [b"", b"junk", bytes(16), bytes(17 + 16), b"\xff" * 33])
def test_a2_a_notice_that_is_no_inventory_asks_for_nothing(data: bytes) -> None:
    square = Square()
    square.close()
    assert square.members[0].on_notice(NodeId(1), frames.InventoryNotice(W, data, b"")) == []
    assert not square.members[0].reconciled


# -- A3


def test_a3_a_proposal_from_the_same_records_is_accepted_without_asking_anybody() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5), reading(2, END, 6))
    square.close()
    made = square.make(0)
    assert all(square.members[slot].check_window(*made, NodeId(0)) == (True, []) for slot in (1, 2, 3))


def test_a3_a_proposal_that_leaves_out_what_a_member_held_at_the_close_is_refused() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.hear((1, 2), reading(2, END, 6))
    square.close()
    made = square.make(0)
    assert square.check(1, made, 0) is False
    assert square.check(2, made, 0) is False
    assert square.check(3, made, 0) is True


def test_a3_what_came_after_the_close_accuses_nobody() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.close()
    made = square.make(0)
    square.hear((1,), reading(2, END, 6), reading(1, END, 9, sequence=3))
    assert square.check(1, made, 0) is True


def test_a3_a_proposal_that_ranks_wrongly_is_refused() -> None:
    square = Square()
    worse, better = reading(1, END - 60, 5), reading(1, END, 6)
    square.hear((0,), worse)
    square.hear((1, 2, 3), worse, better)
    square.close()
    assert [square.check(slot, square.make(0), 0) for slot in (1, 2, 3)] == [False] * 3


def test_a3_records_that_a_voter_lacks_are_fetched_and_then_it_agrees() -> None:
    square = Square()
    only_the_proposers = reading(2, END, 6)
    square.hear(EVERYBODY, reading(1, END, 5))
    square.hear((0,), only_the_proposers)
    square.close()
    made = square.make(0)
    verdict, _ = square.members[1].check_window(*made, NodeId(0))
    assert verdict is None, "it is not refused, and not agreed to unseen"
    assert square.check(1, made, 0) is True
    assert only_the_proposers.record in square.records[1]
    assert leaves(square, 1, made)[2].record == only_the_proposers.record


def test_a3_a_proposal_from_records_that_nobody_hands_over_stays_open() -> None:
    square = Square()
    square.hear((0,), reading(1, END, 5))
    square.close()
    made = square.make(0)
    square.records[0].clear()
    assert square.check(1, made, 0) is None


@pytest.mark.parametrize("name", ["import-wh", "export-wh", "leaf-count", "zone-count", "quality", "root"])
def test_a3_totals_and_roots_that_the_voter_does_not_compute_are_refused(name: str) -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5), reading(4, END, 6))
    square.close()
    made = square.make(0)
    value = made[0].body[name]
    wrong = altered(made, **{name: bytes(32) if isinstance(value, bytes) else int(str(value)) + 1})
    worth = square.members[0].make(NOW_S)
    assert worth is not None
    assert worth.found is not None
    square.members[0].remember(wrong[0].digest, *worth.found)  # the liar answers as if it were right
    assert [square.check(slot, wrong, 0) for slot in (1, 2, 3)] == [False] * 3


def test_a3_a_proposal_of_another_window_is_refused() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.close()
    made = square.make(0)
    assert square.check(1, altered(made, window=W + L), 0) is False


@pytest.mark.parametrize("lie", ["digest", "order", "twice", "slot", "junk", "fields"])
def test_a3_observers_that_are_not_those_who_observed_are_refused(lie: str) -> None:
    square = Square()
    square.hear(EVERYBODY, unsigned(3, 1000))
    square.close()
    square.observe()
    made, _ = square.make(0)
    rows: list[dict[str, Value]] = [
        {"slot": slot, "digest": frames.observations_digest(square.signed_observations(slot).payload)}
        for slot in EVERYBODY
    ]
    match lie:
        case "digest":
            rows[2]["digest"] = bytes(32)
        case "order":
            rows.reverse()
        case "twice":
            rows.append(rows[-1])
        case "slot":
            rows[3]["slot"] = 4
    attachment = {"junk": b"junk", "fields": encode({"observers": (), "more": 1})}.get(
        lie, encode({"observers": tuple(rows)})
    )
    assert square.members[1].check_window(made, attachment, NodeId(0)) == (False, [])


def test_a3_only_the_proposer_says_which_rows_it_chose() -> None:
    # Anybody's rows were taken for the proposer's, so one liar could have a value refused.
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.hear((0,), reading(2, END, 6))
    square.close()
    made = square.make(0)
    assert square.members[1].check_window(*made, NodeId(0))[0] is None
    lie = Rows(W, made[0].digest, ((0, packed_rows((1, reading(1, END, 5).record)).to_bytes()),))
    square.carry(3, [Outgoing(frames.rows_frame(lie), NodeId(1))])
    assert square.check(1, made, 0) is True


def test_a3_nothing_is_checked_before_the_window_is_closed_here() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.close(0)
    made = square.make(0)
    assert square.members[1].check_window(*made, NodeId(0)) == (None, [])
    square.close(1)
    assert square.check(1, made, 0) is True


def test_a3_proposals_that_are_looked_into_at_a_time_are_bounded() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.close()
    made = square.make(0)
    for number in range(PROPOSALS_MAX + 5):
        square.members[1].check_window(*altered(made, revision=number + 1), NodeId(0))
    assert len(square.members[1]._foreign) == PROPOSALS_MAX


# -- A7


def void(window: int = W, reason: int = 1, count: int = 1, revision: int = 0) -> Entry:
    return entry("void", {"window": window, "revision": revision, "reason": reason, "count": count})


def test_a7_a_window_without_records_is_void_and_says_why() -> None:
    square = Square()
    square.close()
    made, attachment = square.make(0)
    assert (made.kind, attachment) == ("void", b"")
    assert made.body["reason"] == VoidReason.NO_RECORDS
    assert square.members[1].check_void(made, NOW_S, past_deadline=False)


def test_a7_no_records_is_refused_by_whoever_holds_one() -> None:
    square = Square()
    square.hear((1,), reading(1, END, 5))
    square.hear((2,), unsigned(3, 5))
    square.close()
    verdicts = [square.members[slot].check_void(void(), NOW_S, past_deadline=True) for slot in EVERYBODY]
    assert verdicts == [True, False, False, True]


@pytest.mark.parametrize("held", [reading(1, END, 10**9), unsigned(3, 5)], ids=["impossible", "one-observer"])
def test_a7_a_window_of_records_without_any_leaf_is_not_called_empty(held: Reading) -> None:
    # It was proposed as a void of no windows; every proposer found its own valid, so such voids
    # were decided one after another, without end and without the window ever being settled.
    square = Square()
    member = square.members[0]
    member.attested = Attested(member.registry, _attested_before(member.registry))
    square.hear([0], held)
    square.close()
    assert member.make(NOW_S) is None


def _attested_before(registry: Registry) -> Columns:
    count = len(registry)
    zeros = [np.zeros(count, np.int64) for _ in range(6)]
    columns = Columns(np.full(count, W - L, np.int64), *zeros)
    columns.import_register_wh[:] = 1
    return columns


def test_a7_one_void_speaks_of_as_many_windows_as_are_over_and_empty() -> None:
    square = Square()
    now_s = END + 3 * L + 5
    for member in square.members:
        member.open_windows(now_s)
    square.hear((0,), reading(1, END + 3 * L, 5))  # in the fourth
    square.close()
    made, _ = square.make(0, now_s)
    assert made.body["count"] == 3
    assert square.members[1].check_void(made, now_s, past_deadline=False)
    assert not square.members[0].check_void(void(count=4), now_s, past_deadline=False)
    assert square.members[1].check_void(void(count=4), now_s, past_deadline=False)


@pytest.mark.parametrize(("count", "good"), [(0, False), (1, True), (2, False), (10**6, False)])
def test_a7_no_window_is_void_before_it_is_over(count: int, good: bool) -> None:
    square = Square()
    for member in square.members:
        member.open_windows(END + 10 * L)
    square.close()
    assert square.members[1].check_void(void(count=count), END + L - 1, past_deadline=True) is good


def test_a7_of_windows_that_are_not_held_nobody_says_that_they_are_empty() -> None:
    square = Square()
    square.members[1].open_windows(END)
    now_s = END + RULES.windows_max * 2 * L
    held = len(square.members[1].keeper.windows)
    square.close(1)
    assert square.members[1].check_void(void(count=held), now_s, past_deadline=False)
    assert not square.members[1].check_void(void(count=held + 1), now_s, past_deadline=False)


def test_a7_without_agreement_only_past_the_deadline_and_one_window_at_a_time() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 5))
    square.close()
    worth = square.members[0].void_without_agreement()
    made = entry(worth.kind, dict(worth.body))
    assert made.body["reason"] == VoidReason.NO_AGREEMENT
    assert not square.members[1].check_void(made, NOW_S, past_deadline=False)
    assert square.members[1].check_void(made, NOW_S, past_deadline=True)
    assert not square.members[1].check_void(void(reason=2, count=2), NOW_S, past_deadline=True)


@pytest.mark.parametrize(
    "wrong",
    [
        void(window=W + L),
        void(revision=1),
        void(reason=0),
        void(reason=3),
        entry("void", {"window": W, "revision": 0, "reason": 1, "count": b"1"}),
        entry("void", {"window": W, "revision": 0, "reason": 1, "count": 1, "more": 1}),
        entry("void", {}),
    ],
)
def test_a7_a_void_that_says_anything_else_is_refused(wrong: Entry) -> None:
    square = Square()
    square.close()
    assert not square.members[1].check_void(wrong, NOW_S, past_deadline=True)


def test_a7_after_a_void_the_next_window_is_next_and_energy_is_counted_across_it() -> None:
    square = Square()
    square.hear(EVERYBODY, reading(1, END, 100))
    square.close()
    made = square.make(0)
    data = square.members[0].data_of(made[0].digest)
    assert data is not None
    member = square.members[0]
    member.apply_window(data)
    member.skip(2)
    assert member.next_window == W + 3 * L
    member.open_windows(END + 4 * L)
    member.offer((reading(1, END + 3 * L, 150),), None)
    member.close()
    worth = member.make(END + 3 * L + 5)
    assert worth is not None
    assert worth.found is not None
    found = worth.found[0].leaves
    assert np.asarray(found.import_wh).tolist() == [50]
    assert found.since_s.tolist() == [W]
