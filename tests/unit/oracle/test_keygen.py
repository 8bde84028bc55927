"""K1, K2: what is proposed of a ceremony, what is voted for, and what a failure leads to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest

from consensus.dkg.bundle import Bundle as CeremonyBundle
from consensus.dkg.bundle import encode_attachment
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.participant import Participant
from consensus.dkg.plan import Plan
from consensus.dkg.status import Complete, Confirming, Dealing, Failed, Phase
from consensus.encoding import Value, encode
from consensus.envelope import Verified
from consensus.messages import Entry, Fields
from consensus.model import Committee, EpochNumber, InvariantBroken, NodeId
from consensus.simulator.runs import NETWORK
from consensus.threshold.shares import PublicPolynomial
from oracle.frames import Bundle
from oracle.keygen import FIRST_WINDOW_AHEAD_MAX, KeyGeneration, genesis_ceremony
from oracle.membership import Membership
from oracle.model import WindowStart
from tests.unit.oracle.network import COMMITTEE, entry_of, signed

WINDOW_S = 900
NOW_S = 1_000_000
PLAN = Plan(NETWORK, 0, COMMITTEE, COMMITTEE)
ALL = (0, 1, 2, 3)
BLANK = entry_of("", {})


def participant(slot: int, seed: bytes = b"seed") -> Participant:
    return Participant(COMMITTEE.node_keys[slot], hashlib.sha256(seed + bytes([slot])).digest())


def word(keygen: KeyGeneration, slot: int, seed: bytes = b"seed") -> Verified[Bundle]:
    """What a member says in the open phase, signed."""
    made = participant(slot, seed).next_bundle(keygen.ceremony)
    assert isinstance(made, CeremonyBundle), made
    opened = signed(slot, encode(made.payload))
    assert isinstance(opened.message, Bundle)
    return opened


class Board:
    """One ceremony as a member that proposes and one that votes see it."""

    def __init__(self) -> None:
        self.proposer, self.voter = (genesis_ceremony(PLAN, WINDOW_S) for _ in range(2))

    def say(self, slots: Sequence[int]) -> None:
        for slot in slots:
            self.proposer.take(word(self.proposer, slot))

    def made(self, now_s: int = NOW_S) -> tuple[Entry, bytes]:
        made = self.proposer.make(BLANK, now_s)
        assert made is not None
        return made

    def agree(self, slots: Sequence[int] = ALL, now_s: int = NOW_S) -> Entry:
        """A whole phase: said, proposed, voted for, applied."""
        self.say(slots)
        if set(slots) < set(self.proposer.ceremony.expected):
            self.proposer.overdue = self.voter.overdue = True
        entry, attachment = self.made(now_s)
        assert self.voter.check(entry, attachment, now_s)
        for one in (self.proposer, self.voter):
            one.apply(entry, attachment)
        return entry

    def until(self, phase: Phase) -> None:
        while self.proposer.phase is not phase:
            self.agree()


def test_from_hello_to_a_key_everybody_says_one_bundle_a_phase() -> None:
    board = Board()
    kinds = []
    while not board.proposer.complete:
        kinds.append(board.agree().kind)
    assert kinds == ["hello", "deal", "respond", "activate"]
    status = board.voter.ceremony.status
    assert isinstance(status, Complete)
    assert board.proposer.ceremony == board.voter.ceremony


def test_nothing_is_proposed_before_everybody_has_spoken_or_the_time_is_over() -> None:
    board = Board()
    board.say((0, 1, 2))
    assert not board.proposer.ready
    assert board.proposer.make(BLANK, NOW_S) is None
    board.proposer.overdue = True
    assert board.proposer.make(BLANK, NOW_S) is not None


def test_a_voter_refuses_an_incomplete_set_until_its_own_time_is_over() -> None:
    board = Board()
    board.say((0, 1, 2))
    board.proposer.overdue = True
    entry, attachment = board.made()
    assert not board.voter.check(entry, attachment, NOW_S)
    board.voter.overdue = True
    assert board.voter.check(entry, attachment, NOW_S)


def test_a_phase_begins_anew_with_its_time_and_without_bundles() -> None:
    board = Board()
    board.agree((0, 1, 2))
    assert isinstance(board.proposer.ceremony.status, Dealing)
    assert not board.proposer.overdue
    assert not board.proposer.has(NodeId(0))


def test_foreign_bundles_are_ignored() -> None:
    board = Board()
    hello = word(board.proposer, 1)
    elsewhere = genesis_ceremony(replace(PLAN, attempt=3), WINDOW_S)
    board.proposer.take(word(elsewhere, 1))  # of another session
    lie = encode(dict(hello.message.value) | {"slot": 2})
    board.proposer.take(signed(1, lie))  # type: ignore[arg-type]  # of another's slot
    board.agree()
    board.proposer.take(hello)  # of a phase that is over
    assert not any(board.proposer.has(NodeId(slot)) for slot in ALL)


def test_two_bundles_of_a_member_are_kept_as_evidence_and_no_third() -> None:
    board = Board()
    for seed in (b"one", b"two", b"three"):
        board.proposer.take(word(board.proposer, 1, seed))
    assert len(board.proposer._bundles) == 2
    board.say((0, 2, 3))
    entry, attachment = board.made()
    assert board.voter.check(entry, attachment, NOW_S)
    board.voter.apply(entry, attachment)
    assert [hello.slot for hello in board.voter.ceremony.hellos] == [0, 2, 3]


def test_after_a_failure_the_next_attempt_begins_under_another_session() -> None:
    board = Board()
    before = board.proposer.ceremony.plan.session
    board.agree((0, 1))  # too few hellos
    plan = board.voter.ceremony.plan
    assert plan.attempt == 1
    assert plan.session != before
    assert board.voter.phase is Phase.HELLO
    assert not isinstance(board.voter.ceremony.status, Failed)
    while not board.proposer.complete:
        board.agree()
    assert board.voter.complete


def test_the_same_words_do_not_count_in_the_next_attempt() -> None:
    board = Board()
    old = [word(board.proposer, slot) for slot in ALL]
    board.agree((0, 1))
    for one in old:
        board.proposer.take(one)
    assert not board.proposer.everybody


def changed(entry: Entry, **fields: Value) -> Entry:
    return replace(entry, body={**entry.body, **fields})


@pytest.mark.parametrize("phase", [Phase.HELLO, Phase.DEAL, Phase.RESPOND, Phase.ACTIVATE])
def test_an_entry_that_says_anything_else_than_its_bundles_is_refused(phase: Phase) -> None:
    board = Board()
    board.until(phase)
    board.say(ALL)
    entry, attachment = board.made()
    assert board.voter.check(entry, attachment, NOW_S)
    wrong = [
        (replace(entry, kind="deal" if phase is Phase.HELLO else "hello"), attachment),
        (changed(entry, epoch=2), attachment),
        (changed(entry, session=bytes(32)), attachment),
        (changed(entry, attachment=bytes(32)), attachment),
        (changed(entry, more=1), attachment),
        (entry, attachment[:-1]),
        (entry, b""),
    ]
    if phase is Phase.ACTIVATE:
        wrong += [(changed(entry, **{"group-key": bytes(96)}), attachment)]
        wrong += [(changed(entry, commitments=bytes(32)), attachment)]
    for one, beside in wrong:
        assert not board.voter.check(one, beside, NOW_S)


def test_a_bundle_whose_signature_is_another_members_is_refused() -> None:
    board = Board()
    board.say((0, 1, 2))
    hello = word(board.proposer, 3)
    stolen = board.proposer._bundles[NodeId(0), word(board.proposer, 0).payload]
    board.proposer.take(hello)
    key = (NodeId(3), hello.payload)
    board.proposer._bundles[key] = replace(board.proposer._bundles[key], signature=stolen.signature)
    entry, attachment = board.made()
    assert not board.voter.check(entry, attachment, NOW_S)


@pytest.mark.parametrize(
    ("offset_s", "good"),
    [
        (0, True),
        (WINDOW_S, True),
        (FIRST_WINDOW_AHEAD_MAX * WINDOW_S, True),
        (-WINDOW_S, False),
        ((FIRST_WINDOW_AHEAD_MAX + 1) * WINDOW_S, False),
        (1, False),
    ],
)
def test_the_first_window_is_on_the_grid_and_neither_past_nor_far(offset_s: int, good: bool) -> None:
    board = Board()
    board.until(Phase.ACTIVATE)
    board.say(ALL)
    now_s = NOW_S - NOW_S % WINDOW_S
    entry, attachment = board.made(now_s)
    assert entry.body["first-window"] == now_s + 2 * WINDOW_S
    moved = changed(entry, **{"first-window": now_s + offset_s})
    assert board.voter.check(moved, attachment, now_s) is good


def test_an_activation_names_the_key_that_came_out() -> None:
    board = Board()
    board.until(Phase.ACTIVATE)
    status = board.voter.ceremony.status
    assert isinstance(status, Confirming)
    entry = board.agree()
    assert entry.body["group-key"] == status.outcome.polynomial.group_key
    assert entry.body["commitments"] == status.outcome.polynomial.commitments


def test_a_ceremony_that_has_ended_takes_nothing_and_has_no_phase() -> None:
    board = Board()
    while not board.proposer.complete:
        board.agree()
    before = dict(board.proposer._bundles)
    hello = word(genesis_ceremony(PLAN, WINDOW_S), 1)
    board.proposer.take(hello)
    assert board.proposer._bundles == before
    with pytest.raises(InvariantBroken):
        _ = board.proposer.phase


def polynomial() -> PublicPolynomial:
    """Of the shares that a first ceremony gave."""
    done = Board()
    while not done.voter.complete:
        done.agree()
    status = done.voter.ceremony.status
    assert isinstance(status, Complete)
    return status.outcome.polynomial


def test_a_resharing_is_not_begun_by_fewer_than_a_quorum_of_its_members() -> None:
    next_members = Committee(EpochNumber(COMMITTEE.epoch + 1), COMMITTEE.node_keys)
    ceremony = Ceremony(Plan(NETWORK, 0, COMMITTEE, next_members, polynomial()))
    voter = KeyGeneration(ceremony, WINDOW_S, overdue=True)
    for present in (2, 3):
        heard = KeyGeneration(ceremony, WINDOW_S)
        for slot in range(present):
            heard.take(word(heard, slot))
        attachment = encode_attachment([heard._bundles[key] for key in sorted(heard._bundles)])
        hello = replace(BLANK, kind=Phase.HELLO.value, body=heard._body(attachment, WindowStart(0)))
        assert voter.check(hello, attachment, NOW_S) is (present == COMMITTEE.quorum)


def test_an_activation_waits_once_the_chain_proposes_another_committee() -> None:
    board = Board()
    board.until(Phase.ACTIVATE)
    board.say(ALL)
    entry, attachment = board.made()
    membership = Membership(NETWORK, WINDOW_S, COMMITTEE, polynomial())
    membership.agreed = board.voter
    first = WindowStart(Fields(entry.body).uint("first-window"))
    assert membership.check(entry, attachment, NOW_S, first)
    assert not membership.check(entry, attachment, NOW_S, WindowStart(first + WINDOW_S)), (
        "not the next window"
    )
    of_another_phase = replace(entry, kind=Phase.DEAL.value)
    assert membership.check(of_another_phase, attachment, NOW_S, first) is False, "refused, not early"
    other = Committee(EpochNumber(COMMITTEE.epoch + 1), tuple(reversed(COMMITTEE.node_keys)))
    assert membership.propose(other)
    assert membership.check(entry, attachment, NOW_S, first) is None
