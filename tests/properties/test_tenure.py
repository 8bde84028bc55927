"""Rule N3: of any number of processes with one key, at most one holds it at any time."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.model import faults, quorum
from oracle.tenure import Claim, Grant, Granted, Tenure

LEASE_MS = 1_000


class Member:
    """A granter: honest, or a liar that grants everybody everything."""

    def __init__(self, key: bytes, *, honest: bool) -> None:
        self.key, self.honest = key, honest
        self.granted = Granted()

    def answer(self, claim: Claim, now_ms: int) -> Grant:
        granted = self.granted.judge(OWNED, claim, now_ms) or not self.honest
        return Grant(claim.instance, claim.number, granted, 7)

    def restart(self, now_ms: int) -> None:
        """What is durable of a grant is its instance and its lease (`Claims.restore`)."""
        before, self.granted = self.granted, Granted()
        for key, held in before.leases.items():
            self.granted.restore(key, held.instance, held.lease_ms, now_ms)


OWNED = b"the key that several processes have"
Event = tuple[str, int, int, int]
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "claim", "claim", "restart"]),
        st.integers(0, 2),  # which instance, or which member restarts
        st.integers(0, (1 << 12) - 1),  # members that hear the claim
        st.integers(0, 700),  # ms until the next event
    ),
    max_size=60,
)


@given(members=st.integers(4, 13), events=EVENTS, delay_ms=st.integers(0, 2 * LEASE_MS))
@settings(max_examples=300, deadline=None)
def test_n3_no_two_instances_of_one_key_are_entitled_at_once(
    members: int, events: list[Event], delay_ms: int
) -> None:
    f, needed = faults(members), quorum(members) - 1
    others = [Member(sha256(bytes([at])).digest(), honest=at >= f - 1) for at in range(members - 1)]
    keys = frozenset(one.key for one in others)
    instances = [Tenure(bytes([at] * 16), LEASE_MS) for at in range(3)]
    on_the_way: list[tuple[int, int, bytes, Grant]] = []
    now_ms = 0
    for what, which, hearers, pause_ms in events:
        if what == "restart":
            others[which % len(others)].restart(now_ms)
        else:
            claim = instances[which].claim(now_ms)
            for at, member in enumerate(others):
                if hearers >> at & 1:
                    answer = member.answer(claim, now_ms)
                    on_the_way.append((now_ms + delay_ms, which, member.key, answer))
        for due_ms, instance, key, grant in [one for one in on_the_way if one[0] <= now_ms]:
            for tenure in instances:  # a member knows the key alone: any process with it may hear the answer
                tenure.answered(key, grant, now_ms)
            on_the_way.remove((due_ms, instance, key, grant))
        entitled = [tenure for tenure in instances if tenure.holds(keys, needed, f, now_ms)]
        assert len(entitled) <= 1
        now_ms += pause_ms


@given(members=st.integers(4, 31))
def test_n3_one_instance_needs_no_more_members_than_a_decision_does(members: int) -> None:
    """f members that refuse or are away keep nobody from signing."""
    f, needed = faults(members), quorum(members) - 1
    others = [Member(sha256(bytes([at])).digest(), honest=True) for at in range(members - 1)]
    tenure = Tenure(bytes(16), LEASE_MS)
    claim = tenure.claim(0)
    for member in others[f:]:
        tenure.answered(member.key, member.answer(claim, 10), 20)
    assert tenure.holds(frozenset(one.key for one in others), needed, f, 20)


def test_n3_an_instance_after_a_dead_one_waits_for_the_lease_and_then_holds() -> None:
    members = [Member(bytes([at]), honest=True) for at in range(3)]
    keys = frozenset(one.key for one in members)
    first, second = Tenure(b"a" * 16, LEASE_MS), Tenure(b"b" * 16, LEASE_MS)

    def claimed(tenure: Tenure, now_ms: int) -> bool:
        claim = tenure.claim(now_ms)
        for member in members:
            tenure.answered(member.key, member.answer(claim, now_ms), now_ms)
        return tenure.holds(keys, 2, 1, now_ms)

    assert claimed(first, 0)
    assert not claimed(second, 100)
    assert not second.contested(100)
    assert not claimed(second, 999)
    assert not first.holds(keys, 2, 1, 1_000), "the first stops by itself"
    assert claimed(second, 1_000)


def test_n3_a_live_twin_is_told_from_a_dead_predecessor() -> None:
    members = [Member(bytes([at]), honest=True) for at in range(3)]
    keys = frozenset(one.key for one in members)
    first, second = Tenure(b"a" * 16, LEASE_MS), Tenure(b"b" * 16, LEASE_MS)
    for now_ms in range(0, 4_000, 200):
        for tenure in (first, second):
            claim = tenure.claim(now_ms)
            for member in members:
                tenure.answered(member.key, member.answer(claim, now_ms), now_ms)
        assert first.holds(keys, 2, 1, now_ms)
        assert not second.holds(keys, 2, 1, now_ms)
        assert second.contested(now_ms) == (now_ms > 2 * LEASE_MS)


def test_n3_who_lags_behind_an_honest_member_does_not_sign_below_its_height() -> None:
    tenure = Tenure(bytes(16), LEASE_MS)
    number = tenure.claim(0).number
    heights = {b"a": 1 << 40, b"b": 12, b"c": 9}  # one of three may lie
    for key, height in heights.items():
        tenure.answered(key, Grant(bytes(16), number, granted=True, height=height), 5)
    assert tenure.holds(frozenset(heights), 2, 1, 5)
    assert tenure.floor == 12


def test_n3_a_lease_ends_for_its_holder_before_it_ends_for_the_granter() -> None:
    members = [Member(bytes([at]), honest=True) for at in range(3)]
    keys = frozenset(one.key for one in members)
    tenure = Tenure(bytes(16), LEASE_MS)
    claim = tenure.claim(0)
    for member in members:
        tenure.answered(member.key, member.answer(claim, 300), 900)  # the answers took their time
    assert tenure.holds(keys, 2, 1, 890)
    assert not tenure.holds(keys, 2, 1, 1_000), "by then the members may grant it to another"
