"""Slots of a committee that changes, keys that stay, and whose links are welcome."""

from __future__ import annotations

from consensus.model import Committee, EpochNumber, NodeId
from consensus.simulator.runs import keys
from oracle.peers.welcome import welcome
from oracle.seats import Seats

KEYS = tuple(key.public_key.format() for key in keys(6))
FIRST = Committee(EpochNumber(1), KEYS[:4])
SECOND = Committee(EpochNumber(2), (KEYS[4], *KEYS[:3]))


def test_a_key_has_its_slot_of_whatever_committee_is_in_force() -> None:
    seats = Seats()
    assert [seats.slot_of(FIRST, key) for key in KEYS[:4]] == [0, 1, 2, 3]
    assert seats.slot_of(SECOND, KEYS[0]) == 1
    assert seats.key_of(SECOND, NodeId(0)) == KEYS[4]


def test_a_guest_has_a_number_behind_the_members_and_keeps_it() -> None:
    seats = Seats()
    assert seats.slot_of(FIRST, KEYS[5]) == 4
    assert seats.slot_of(FIRST, KEYS[4]) == 5
    assert seats.key_of(FIRST, NodeId(4)) == KEYS[5]
    assert seats.slot_of(SECOND, KEYS[5]) == 4, "a member is no guest, the other stays where it was"
    assert seats.key_of(FIRST, NodeId(9)) is None


def test_welcome_are_the_members_of_all_committees_in_one_order_for_all() -> None:
    addresses = {key: ("127.0.0.1", 1000 + at) for at, key in enumerate(KEYS)}
    mine = welcome(KEYS[0], (FIRST, SECOND, None), addresses)
    theirs = welcome(KEYS[4], (SECOND, FIRST), addresses)
    assert mine.keys == theirs.keys == tuple(sorted(KEYS[:5]))
    assert mine.keys[mine.own_slot] == KEYS[0]
    assert mine.own_slot not in mine.addresses
    assert {mine.keys[slot] for slot in mine.addresses} == set(KEYS[1:5])


def test_a_node_that_nobody_proposes_still_knows_its_own_place() -> None:
    lone = welcome(KEYS[5], (FIRST,), {})
    assert lone.keys[lone.own_slot] == KEYS[5]
    assert len(lone.keys) == 5
