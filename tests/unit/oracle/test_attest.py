"""T1, T2: which shares are combined, and when."""

from __future__ import annotations

import hashlib

from consensus.model import Digest, Height, NodeId
from oracle.attest import AHEAD_MAX, HEIGHTS_KEPT, Attesting, CombineWanted

GOOD = Digest(hashlib.sha256(b"entry").digest())
OTHER = Digest(hashlib.sha256(b"other").digest())
H = Height(10)
HEAD = Height(10)


def of(slot: int) -> bytes:
    return bytes([slot % 256]) * 48


def share(attesting: Attesting, slot: int, digest: Digest = GOOD, height: int = H) -> CombineWanted | None:
    return attesting.share(Height(height), NodeId(slot), digest, of(slot), HEAD)


def slots(wanted: CombineWanted | None) -> list[int]:
    assert wanted is not None
    assert wanted.digest == GOOD
    assert all(signature == of(slot) for slot, signature in wanted.shares)
    return [slot for slot, _ in wanted.shares]


def decided_with(*slots_: int, members: int = 4) -> Attesting:
    attesting = Attesting(3, members)
    attesting.decided(H, GOOD)
    for slot in slots_:
        share(attesting, slot)
    return attesting


def test_t_shares_are_combined_and_one_fewer_is_not() -> None:
    attesting = decided_with(0)
    assert share(attesting, 2) is None
    assert slots(share(attesting, 1)) == [0, 1, 2]


def test_shares_that_came_before_the_decision_count_once_it_is_there() -> None:
    attesting = Attesting(3, 4)
    for slot in (3, 1, 0):
        assert share(attesting, slot) is None
    assert slots(attesting.decided(H, GOOD)) == [0, 1, 3]


def test_shares_over_another_digest_never_count() -> None:
    attesting = Attesting(3, 4)
    for slot in (0, 1, 2):
        share(attesting, slot, OTHER)
    assert attesting.decided(H, GOOD) is None
    assert share(attesting, 3) is None


def test_a_member_that_said_something_wrong_first_may_still_say_the_right_thing() -> None:
    attesting = Attesting(3, 4)
    share(attesting, 0, OTHER)
    attesting.decided(H, GOOD)
    share(attesting, 0)
    share(attesting, 1)
    assert slots(share(attesting, 2)) == [0, 1, 2]


def test_of_one_member_two_digests_are_kept_and_no_third() -> None:
    attesting = Attesting(3, 4)
    for number in range(5):
        share(attesting, 0, Digest(bytes([number]) * 32))
    assert len(attesting._pending[H].shares) == 2


def test_while_a_combination_is_under_way_no_second_is_asked_for() -> None:
    attesting = decided_with(0, 1, 2)
    assert share(attesting, 3) is None


def test_without_the_bad_share_it_is_tried_again() -> None:
    attesting = decided_with(0, 1, 2)
    assert attesting.bad_shares(H, (NodeId(1),)) is None
    assert share(attesting, 1) is None, "its maker is not heard again"
    assert slots(share(attesting, 3)) == [0, 2, 3]


def test_shares_that_came_meanwhile_take_the_place_of_bad_ones_at_once() -> None:
    attesting = Attesting(5, 7)
    attesting.decided(H, GOOD)
    for slot in range(7):
        share(attesting, slot)
    assert slots(attesting.bad_shares(H, (NodeId(0), NodeId(4)))) == [1, 2, 3, 5, 6]


def test_more_bad_shares_than_that_leave_the_height_waiting() -> None:
    attesting = decided_with(0, 1, 2, 3)
    assert attesting.bad_shares(H, (NodeId(0), NodeId(1))) is None
    assert attesting.unattested() == (H,)


def test_a_height_is_combined_once() -> None:
    attesting = decided_with(0, 1, 2)
    assert attesting.unattested() == (H,)
    assert attesting.combined(H)
    assert not attesting.combined(H)
    assert attesting.unattested() == ()
    assert share(attesting, 3) is None
    assert attesting.decided(H, GOOD) is None


def test_of_far_heights_and_strangers_nothing_is_kept() -> None:
    attesting = Attesting(3, 4)
    for height in (HEAD - HEIGHTS_KEPT, HEAD + AHEAD_MAX + 1, 1 << 40):
        share(attesting, 0, height=height)
    for slot in (-1, 4, 255):
        share(attesting, slot)
    assert not attesting._pending
    share(attesting, 0, height=HEAD + AHEAD_MAX)
    assert len(attesting._pending) == 1


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    attesting = Attesting(3, 4)
    for height in range(1, 500):
        attesting.decided(Height(height), GOOD)
    assert len(attesting._pending) == HEIGHTS_KEPT + AHEAD_MAX
    assert attesting.unattested()[-1] == 499
