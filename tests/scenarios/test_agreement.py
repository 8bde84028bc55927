"""Rules A1 to A7, N1, U1 of the protocol, one scripted scenario each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consensus.agreement.engine import CheckWanted, Engine, Misbehaved, ProposeWanted, Timeouts
from consensus.agreement.rules import Stage as RoundStage
from consensus.agreement.tally import ROUNDS_AHEAD
from consensus.agreement.wire import Entries, EntriesWanted, Status, entries_frame, parse_frame
from consensus.encoding import encode
from consensus.envelope import ProposalFrame, Verified, certificate_at, check_certificate, open_vote
from consensus.messages import DecidedEntry, Entry, MessageReason, Phase, Vote
from consensus.model import Digest, EpochNumber, Height, InvariantBroken, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK, keys
from tests.scenarios.stage import (
    COMMITTEE,
    KEYS,
    MEMBERS,
    Stage,
    justification,
    signed_vote,
    stage_where_node_does_not_propose,
)

PREVOTE, COMMIT = Phase.PREVOTE, Phase.COMMIT


def stage_of_the_proposer_of_round_one() -> Stage:
    """A stage whose node proposes in round 1 and not in round 0."""
    stages = (Stage(NodeId(slot)) for slot in range(MEMBERS))
    return next(stage for stage in stages if stage.proposer(1) == stage.own)


def timed_out_before_the_quorum_came(stage: Stage) -> Entry:
    """The node prevoted, gave up waiting and committed to nothing; then it sees the quorum of prevotes."""
    stage.begin()
    first, others = stage.entry("first"), stage.others()
    stage.propose(first)
    stage.answer_check(valid=True)
    stage.vote(others[0], PREVOTE, first.digest)
    stage.vote(others[1], PREVOTE, None)
    stage.pass_timer(RoundStage.PREVOTE)
    assert stage.own_votes(COMMIT) == [(0, None)]
    stage.vote(others[2], PREVOTE, first.digest)
    return first


def test_a1_a_proposal_out_of_turn_is_refused_by_name() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    imposter = next(slot for slot in stage.others() if slot != stage.proposer())
    refused = stage.propose(stage.entry(), proposer=imposter)
    assert isinstance(refused, Rejected)
    assert refused.reason is MessageReason.NOT_PROPOSER


def test_a1_the_member_whose_turn_it_is_proposes_what_the_application_makes() -> None:
    stage = Stage()
    stage = Stage(stage.proposer())
    stage.begin()
    assert any(isinstance(ask, ProposeWanted) for ask in stage.asks)
    entry = stage.entry()
    stage.make(entry)
    proposals = [sent for sent in stage.sent if isinstance(sent, ProposalFrame)]
    assert [frame.entry for frame in proposals] == [entry]
    assert stage.own_votes(PREVOTE) == [(0, entry.digest)]


def test_a3_a_value_found_invalid_gets_a_prevote_for_nothing() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stage.propose(stage.entry())
    assert stage.own_votes(PREVOTE) == []
    stage.answer_check(valid=False)
    assert stage.own_votes(PREVOTE) == [(0, None)]


def test_a3_nothing_is_said_about_a_height_that_is_not_due() -> None:
    stage = stage_where_node_does_not_propose()
    stage.propose(stage.entry())
    stage.answer_check(valid=True)
    assert stage.own_votes(PREVOTE) == []
    stage.begin()
    assert len(stage.own_votes(PREVOTE)) == 1


def test_a4_a_re_proposal_without_its_justification_is_refused() -> None:
    stage = stage_where_node_does_not_propose(2)
    stage.begin()
    entry = stage.entry()
    stage.pass_timer(RoundStage.PROPOSE)
    refused = stage.propose(entry, round_=1, valid_round=0)
    assert refused is not None
    assert refused.reason is MessageReason.NO_QUORUM
    two = justification(stage.others()[:2], entry, 0)
    refused = stage.propose(entry, round_=1, valid_round=0, justification=two)
    assert refused is not None
    assert refused.reason is MessageReason.NO_QUORUM


def test_a4_a_justified_re_proposal_frees_a_node_locked_in_an_earlier_round() -> None:
    stage = stage_where_node_does_not_propose(3)
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    others = stage.others()
    stage.propose(first)
    stage.answer_check(valid=True)
    stage.votes(others[:2], PREVOTE, first.digest)
    assert stage.own_votes(COMMIT) == [(0, first.digest)]  # locked on first in round 0
    stage.votes(others, COMMIT, None, 0)
    stage.pass_timer(RoundStage.COMMIT)
    stage.pass_timer(RoundStage.PROPOSE)
    stage.votes(others, PREVOTE, None, 1)
    stage.votes(others, COMMIT, None, 1)
    stage.pass_timer(RoundStage.COMMIT)
    assert stage.engine.round == 2
    shown = justification(others, second, 1)
    stage.propose(second, round_=2, valid_round=1, justification=shown)
    assert stage.own_votes(PREVOTE)[-1] == (2, second.digest)


def test_a4_a_justification_older_than_the_lock_does_not_free_it() -> None:
    stage = stage_where_node_does_not_propose(3)
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    others = stage.others()
    stage.pass_timer(RoundStage.PROPOSE)
    stage.votes(others, COMMIT, None, 0)
    stage.pass_timer(RoundStage.COMMIT)
    stage.propose(first, round_=1)
    stage.answer_check(valid=True)
    stage.votes(others[:2], PREVOTE, first.digest, 1)
    assert stage.own_votes(COMMIT)[-1] == (1, first.digest)  # locked on first in round 1
    stage.votes(others, COMMIT, None, 1)
    stage.pass_timer(RoundStage.COMMIT)
    stage.propose(second, round_=2, valid_round=0, justification=justification(others, second, 0))
    assert stage.own_votes(PREVOTE)[-1] == (2, None)


def test_a4_what_a_quorum_prevoted_is_proposed_again_with_its_justification() -> None:
    stage = stage_of_the_proposer_of_round_one()
    first = timed_out_before_the_quorum_came(stage)
    stage.votes(stage.others(), COMMIT, None)
    stage.pass_timer(RoundStage.COMMIT)
    again = [sent for sent in stage.sent if isinstance(sent, ProposalFrame)]
    assert [frame.entry for frame in again] == [first]
    assert again[0].proposal.message.valid_round == 0
    assert again[0].justification is not None
    assert not [ask for ask in stage.asks if isinstance(ask, ProposeWanted)]


def test_a5_who_has_committed_to_nothing_does_not_commit_when_the_quorum_comes_late() -> None:
    stage = stage_of_the_proposer_of_round_one()
    timed_out_before_the_quorum_came(stage)
    assert stage.own_votes(COMMIT) == [(0, None)]


def test_a5_a_locked_node_refuses_another_value() -> None:
    stage = stage_where_node_does_not_propose(2)
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    others = stage.others()
    stage.propose(first)
    stage.answer_check(valid=True)
    stage.votes(others[:2], PREVOTE, first.digest)
    stage.votes(others, COMMIT, None)
    stage.pass_timer(RoundStage.COMMIT)
    stage.propose(second, round_=1)
    stage.answer_check(valid=True)
    assert stage.own_votes(PREVOTE)[-1] == (1, None)


def test_a5_a_node_commits_only_to_what_a_quorum_prevoted() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.propose(entry)
    stage.answer_check(valid=True)
    stage.vote(stage.others()[0], PREVOTE, entry.digest)
    assert stage.own_votes(COMMIT) == []
    stage.vote(stage.others()[1], PREVOTE, entry.digest)
    assert stage.own_votes(COMMIT) == [(0, entry.digest)]


def test_a5_a_quorum_of_prevotes_for_nothing_commits_to_nothing() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stage.votes(stage.others(), PREVOTE, None)
    stage.pass_timer(RoundStage.PROPOSE)
    assert stage.own_votes(COMMIT) == [(0, None)]


def test_a5_f_plus_one_members_in_a_later_round_take_a_node_along() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stage.vote(stage.others()[0], PREVOTE, None, 3)
    assert stage.engine.round == 0
    stage.vote(stage.others()[1], PREVOTE, None, 3)
    assert stage.engine.round == 3


def test_a5_f_plus_one_members_far_ahead_take_a_node_along_without_their_votes_being_kept() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    for slot in stage.others()[:2]:
        stage.vote(slot, PREVOTE, None, 900)
    assert stage.engine.round == 900


def test_a5_time_outs_grow_with_the_round() -> None:
    timeouts = Timeouts()
    grown = [timeouts.of(Round(round_), RoundStage.PROPOSE) for round_ in range(5)]
    assert grown == sorted(set(grown))


def test_a6_a_quorum_of_commits_decides_and_one_fewer_does_not() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.propose(entry)
    stage.answer_check(valid=True)
    others = stage.others()
    stage.votes(others[:2], PREVOTE, entry.digest)
    stage.vote(others[0], COMMIT, entry.digest)
    assert stage.decided() == []
    stage.vote(others[1], COMMIT, entry.digest)
    committed = stage.decided()[0]
    assert committed.decided.entry == entry
    certificate = committed.decided.certificate
    assert len(certificate.signers) == 3
    good = check_certificate(certificate, COMMIT, entry.height, entry.digest, NETWORK, COMMITTEE)
    assert good is None
    assert check_certificate(certificate, PREVOTE, entry.height, entry.digest, NETWORK, COMMITTEE)


def test_a6_a_member_that_votes_twice_counts_for_its_first_word_alone() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.propose(entry)
    stage.answer_check(valid=True)
    liar, second, third = stage.others()
    stage.vote(liar, COMMIT, None)
    stage.vote(liar, COMMIT, entry.digest)
    stage.votes([second, third], COMMIT, entry.digest)
    assert stage.decided() == []
    stage.vote(stage.own, COMMIT, entry.digest)
    assert [one.decided.entry for one in stage.decided()] == [entry]


def test_a6_votes_of_another_epoch_decide_nothing() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.propose(entry)
    stage.answer_check(valid=True)
    other = replace(COMMITTEE, epoch=EpochNumber(2))
    stage.engine.committees[other.epoch] = other
    for slot in stage.others():
        vote = Vote(other.epoch, entry.height, Round(0), COMMIT, entry.digest)
        payload = encode(vote.value(NETWORK))
        signature = KEYS[slot].sign_recoverable(payload)
        opened = open_vote(payload, signature, NETWORK, stage.engine.committees)
        assert isinstance(opened, Verified)
        stage.engine.receive(NodeId(slot), opened)
        stage.settle()
    assert stage.decided() == []


def test_a6_a_signature_counts_for_its_own_slot_only() -> None:
    stage = stage_where_node_does_not_propose()
    entry = stage.entry()
    one = signed_vote(1, entry.height, COMMIT, entry.digest).signature
    forged = (b"", one, one, one)
    certificate = justification([0, 1, 2], entry, 0)
    bad = check_certificate(
        type(certificate)(COMMITTEE.epoch, Round(0), forged),
        COMMIT,
        entry.height,
        entry.digest,
        NETWORK,
        COMMITTEE,
    )
    assert bad is not None
    assert bad.reason is MessageReason.BAD_SIGNATURE


def test_a6_a_node_that_lacks_the_value_asks_for_what_others_decided() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.votes(stage.others(), COMMIT, entry.digest)
    assert stage.decided() == []
    assert any(isinstance(sent, EntriesWanted) for sent in stage.sent)
    stage.propose(entry)
    assert [committed.decided.entry for committed in stage.decided()] == [entry]


def test_n1_two_votes_of_one_member_are_kept_as_proof_and_only_the_first_counts() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    liar = stage.others()[0]
    stage.vote(liar, COMMIT, first.digest)
    stage.vote(liar, COMMIT, second.digest)
    proofs = [ask.proof for ask in stage.asks if isinstance(ask, Misbehaved)]
    assert len(proofs) == 1
    digests = {proofs[0].first.message.digest, proofs[0].second.message.digest}
    assert digests == {first.digest, second.digest}
    assert proofs[0].first.sender == proofs[0].second.sender == liar
    assert stage.engine.status().commits == 1 << liar


def test_n1_after_a_crash_the_same_state_asks_for_the_same_signatures() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    entry = stage.entry()
    stage.sign = False
    stage.propose(entry)
    stage.answer_check(valid=True)
    before = list(stage.withheld)
    stage.withheld.clear()
    stage.restart()
    assert stage.withheld == before


def test_n1_a_lock_survives_a_crash() -> None:
    stage = stage_where_node_does_not_propose(2)
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    others = stage.others()
    stage.propose(first)
    stage.answer_check(valid=True)
    stage.votes(others[:2], PREVOTE, first.digest)
    stage.restart()
    stage.votes(others, COMMIT, None)
    stage.pass_timer(RoundStage.COMMIT)
    stage.propose(second, round_=1)
    stage.answer_check(valid=True)
    assert stage.own_votes(PREVOTE) == [(1, None)]


def test_n1_a_time_out_that_passed_before_a_crash_has_passed_after_it() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stage.pass_timer(RoundStage.PROPOSE)
    assert stage.own_votes(PREVOTE) == [(0, None)]
    stage.restart()
    stage.propose(stage.entry())
    stage.answer_check(valid=True)
    assert stage.own_votes(PREVOTE) == []  # it has said its word in this round
    assert not any(timer.name.endswith(f"/0/{int(RoundStage.PROPOSE)}") for timer in stage.timers)


def test_n1_what_was_sent_before_a_crash_is_not_said_anew() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stage.propose(stage.entry())
    stage.answer_check(valid=True)
    assert len(stage.own_votes(PREVOTE)) == 1
    stage.restart()
    assert stage.own_votes(PREVOTE) == []
    assert not any(isinstance(ask, CheckWanted) for ask in stage.asks)


def test_u1_decided_entries_are_taken_over_in_order_and_only_if_they_link() -> None:
    ahead = stage_where_node_does_not_propose()
    ahead.begin()
    entry = ahead.entry()
    ahead.propose(entry)
    ahead.answer_check(valid=True)
    ahead.votes(ahead.others()[:2], PREVOTE, entry.digest)
    ahead.votes(ahead.others()[:2], COMMIT, entry.digest)
    decided = ahead.decided()[0].decided
    behind = Stage(NodeId(3))
    behind.engine.receive(NodeId(1), Entries(((decided, b""),)))
    behind.settle()
    assert behind.engine.head == (1, entry.digest)
    assert not behind.decided()[0].live
    behind.engine.receive(NodeId(1), Entries(((decided, b""),)))
    behind.settle()
    assert behind.engine.head[0] == 1


def test_u1_a_peer_that_is_ahead_is_asked_for_entries_once() -> None:
    stage = Stage()
    for _ in range(5):
        stage.engine.receive(NodeId(2), Status(Height(9), Round(0), 0, 0))
    stage.settle()
    assert sum(isinstance(sent, EntriesWanted) for sent in stage.sent) == 1


def test_u1_a_proposal_that_does_not_follow_the_head_is_passed_over() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    stray = replace(stage.entry(), previous=Digest(bytes(8) + b"\x01" * 24))
    assert COMMITTEE.proposer(stray.previous, Round(0)) == stage.proposer(), (
        "in turn, so believed by the wire"
    )
    stage.propose(stray)
    assert not [ask for ask in stage.asks if isinstance(ask, CheckWanted)]
    stage.votes(stage.others(), COMMIT, stray.digest)
    assert stage.decided() == []


def test_u1_an_entry_of_the_next_height_that_follows_another_head_is_not_taken_over() -> None:
    stage = Stage(NodeId(3))
    stray = replace(stage.entry(), previous=Digest(b"\x01" * 32))
    votes = {
        NodeId(slot): signed_vote(slot, stray.height, COMMIT, stray.digest).signature for slot in range(3)
    }
    certificate = certificate_at(COMMITTEE.epoch, Round(0), votes, MEMBERS)
    stage.engine.receive(NodeId(1), Entries(((DecidedEntry(stray, certificate), b""),)))
    stage.settle()
    assert stage.engine.head[0] == 0


def test_u1_an_entry_whose_certificate_is_forged_is_refused_on_the_wire() -> None:
    stage = Stage(NodeId(3))
    entry = stage.entry()
    votes = {
        NodeId(slot): signed_vote(slot, entry.height, COMMIT, entry.digest).signature for slot in range(3)
    }
    good = certificate_at(COMMITTEE.epoch, Round(0), votes, MEMBERS)
    forged = replace(good, signatures=(good.signatures[1], *good.signatures[1:]))
    for certificate, taken in ((good, True), (forged, False)):
        frame = entries_frame(((entry.encoded(), certificate.encoded(), b""),))
        message = parse_frame(frame, NETWORK, stage.engine.committees)
        assert isinstance(message, Entries) == taken


def test_u2_a_node_outside_the_committee_follows_and_says_nothing() -> None:
    stranger = keys(MEMBERS + 1)[-1].public_key.format()
    engine = Engine(NETWORK, COMMITTEE, stranger, Timeouts())
    teller = stage_where_node_does_not_propose()
    for round_ in range(MEMBERS):  # whoever's turn it is, it is never this node's
        engine.begin()
        engine.timer(f"round/1/{round_}/{int(RoundStage.PROPOSE)}")
        for slot in range(MEMBERS - 1):
            engine.receive(NodeId(slot), signed_vote(slot, Height(1), COMMIT, None, round_))
        engine.timer(f"round/1/{round_}/{int(RoundStage.COMMIT)}")
    step, asks = engine.take()
    assert engine.round == MEMBERS
    assert step.signings == ()
    assert asks == []
    teller.begin()
    entry = teller.entry()
    teller.propose(entry)
    frame = teller.engine._frames[Round(0)]
    engine.receive(NodeId(0), frame)
    for slot in range(MEMBERS - 1):
        engine.receive(NodeId(slot), signed_vote(slot, Height(1), COMMIT, entry.digest, MEMBERS))
    assert engine.head == (1, entry.digest)
    assert engine.take()[0].signings == ()


def test_u2_a_committee_changes_between_heights_only_and_takes_no_votes_along() -> None:
    stage = stage_where_node_does_not_propose()
    successor = replace(COMMITTEE, epoch=EpochNumber(2))
    entry = stage.entry()
    stage.votes(stage.others()[:2], COMMIT, entry.digest)
    assert stage.engine.status().commits
    stage.engine.adopt_committee(successor)
    assert stage.engine.committee == successor
    assert not stage.engine.status().commits
    stage.begin()
    with pytest.raises(InvariantBroken):
        stage.engine.adopt_committee(COMMITTEE)


def test_q5_votes_of_far_rounds_are_not_kept() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    near, far = stage.others()[:2]
    stage.vote(near, PREVOTE, None, 1)
    stage.vote(far, PREVOTE, None, 0)
    stage.vote(far, PREVOTE, None, ROUNDS_AHEAD + 1)
    stage.sent.clear()
    stage.engine.receive(NodeId(stage.others()[2]), Status(stage.engine.height, Round(0), 0, 0))
    stage.settle()
    handed_on = [one.message for one in stage.sent if isinstance(one, Verified)]
    assert {(vote.round, vote.phase) for vote in handed_on} == {
        (0, PREVOTE),
        (1, PREVOTE),
    }


def test_q5_what_is_said_of_far_heights_is_not_kept_but_asked_for() -> None:
    stage = stage_where_node_does_not_propose()
    for height in (2, 3, 900):
        stage.engine.receive(NodeId(stage.others()[0]), signed_vote(stage.others()[0], height, COMMIT, None))
        stage.settle()
    assert len(stage.engine._next) == 1
    assert sum(isinstance(sent, EntriesWanted) for sent in stage.sent) == 1
    for round_ in range(ROUNDS_AHEAD + 20):
        vote = signed_vote(stage.others()[1], 2, COMMIT, None, round_)
        stage.engine.receive(NodeId(stage.others()[1]), vote)
    assert len(stage.engine._next) == 1 + ROUNDS_AHEAD + 1


def test_e1_the_same_vote_again_another_round_and_the_other_phase_are_no_double_vote() -> None:
    stage = stage_where_node_does_not_propose()
    stage.begin()
    first, second = stage.entry("first"), stage.entry("second")
    member = stage.others()[0]
    for _ in range(2):
        stage.vote(member, PREVOTE, first.digest)
        stage.vote(member, COMMIT, None)
        stage.vote(member, PREVOTE, second.digest, 1)
        stage.vote(member, PREVOTE, None, 2)
    assert not [ask for ask in stage.asks if isinstance(ask, Misbehaved)]
