"""What is remembered of members' misdeeds."""

from __future__ import annotations

from oracle.conduct import DETAIL_MAX, MEMBERS_MAX, METERS_MAX, Conduct, Misdeed, TwoStories
from oracle.model import UsagePoint, WindowStart


def key(number: int) -> bytes:
    return b"\x02" + number.to_bytes(32, "big")


def test_sightings_are_counted_and_the_last_is_told() -> None:
    conduct = Conduct()
    conduct.see(key(1), Misdeed.BAD_SHARE, 10, 5)
    conduct.see(key(1), Misdeed.BAD_SHARE, 20, 6, "x" * 1000)
    conduct.see(key(1), Misdeed.REJECTED_FRAME, 15, 5, "network")
    share, frame = conduct.of(key(1))
    assert (share.misdeed, share.count, share.at_ms, share.height) == (Misdeed.BAD_SHARE, 2, 20, 6)
    assert len(share.detail) == DETAIL_MAX
    assert (frame.misdeed, frame.count, frame.detail) == (Misdeed.REJECTED_FRAME, 1, "network")


def test_a_member_that_did_nothing_has_no_record() -> None:
    assert Conduct().of(key(1)) == ()


def test_q5_keys_without_end_do_not_fill_the_memory() -> None:
    conduct = Conduct()
    for number in range(2 * MEMBERS_MAX):
        conduct.see(key(number), Misdeed.BAD_SHARE, 1, 1)
    assert sum(1 for number in range(2 * MEMBERS_MAX) if conduct.of(key(number))) == MEMBERS_MAX
    conduct.see(key(0), Misdeed.BAD_SHARE, 2, 2)
    assert conduct.of(key(0))[0].count == 2


def test_a_meter_that_contradicts_itself_is_counted() -> None:
    conduct = Conduct()
    conduct.see_meter(UsagePoint(9), 10, WindowStart(900))
    conduct.see_meter(UsagePoint(4), 11, WindowStart(900))
    conduct.see_meter(UsagePoint(9), 20, WindowStart(1800))
    assert conduct.meters() == (
        TwoStories(UsagePoint(4), 1, 11, WindowStart(900)),
        TwoStories(UsagePoint(9), 2, 20, WindowStart(1800)),
    )


def test_q5_meters_without_end_do_not_fill_the_memory() -> None:
    conduct = Conduct()
    for number in range(2 * METERS_MAX):
        conduct.see_meter(UsagePoint(number), 1, WindowStart(900))
    assert len(conduct.meters()) == METERS_MAX
