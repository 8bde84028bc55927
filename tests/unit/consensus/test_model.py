"""The arithmetic of quorums, and committees that cannot be."""

import pytest

from consensus.model import Committee, Digest, EpochNumber, NodeId, Round, faults, quorum


@pytest.mark.parametrize("members", range(4, 32))
def test_two_quorums_share_an_honest_member_and_honest_members_make_one(members: int) -> None:
    f, q = faults(members), quorum(members)
    assert 2 * q - members > f
    assert members - f >= q


def test_the_quorum_is_two_f_plus_one_when_members_are_three_f_plus_one() -> None:
    assert [quorum(3 * f + 1) for f in range(1, 11)] == [2 * f + 1 for f in range(1, 11)]


def test_a_committee_refuses_doubles_strangers_and_wrong_sizes() -> None:
    keys = tuple(bytes([2]) + bytes([slot]) * 32 for slot in range(40))
    for bad in (keys[:3], keys[:32], (*keys[:4], keys[0]), (*keys[:4], b"short")):
        with pytest.raises(ValueError, match=r"committee|key"):
            Committee(EpochNumber(1), bad)


def test_every_member_proposes_in_turn() -> None:
    keys = tuple(bytes([2]) + bytes([slot]) * 32 for slot in range(7))
    committee = Committee(EpochNumber(1), keys)
    previous = Digest(b"\x07" * 32)
    turns = [committee.proposer(previous, Round(round_)) for round_ in range(7)]
    assert sorted(turns) == [NodeId(slot) for slot in range(7)]


def test_who_begins_follows_from_the_entry_before() -> None:
    keys = tuple(bytes([2]) + bytes([slot]) * 32 for slot in range(7))
    committee = Committee(EpochNumber(1), keys)
    first = {committee.proposer(Digest(bytes([0] * 7 + [at]) + bytes(24)), Round(0)) for at in range(7)}
    assert first == {NodeId(slot) for slot in range(7)}
