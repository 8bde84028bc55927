"""Rules E1 to E6 at a whole node: what a traitor does, and what anybody can prove of it."""

from __future__ import annotations

from consensus.agreement.wire import vote_frame
from consensus.encoding import encode
from consensus.envelope import Verified, open_vote
from consensus.messages import Phase, Vote
from consensus.model import Digest, EpochNumber, Height, NodeId, Round
from consensus.step import Step
from oracle.audit.case import Expectations
from oracle.chronicle import EVIDENCE
from oracle.evidence.verify import judge
from oracle.memory import Writes
from oracle.node import EVIDENCE_PER_KEY_MAX
from oracle.storage.history import StoredEvidence
from tests.scenarios.lone import Lone

LIAR = NodeId(2)
ONE, OTHER = Digest(b"\x01" * 32), Digest(b"\x02" * 32)


def say(lone: Lone, digest: Digest | None, *, height: int | None = None, round_: int = 0) -> Step:
    """A vote of the liar, through the bytes of the wire."""
    at = Height(lone.node.height if height is None else height)
    vote = Vote(EpochNumber(1), at, Round(round_), Phase.PREVOTE, digest)
    payload = encode(vote.value(lone.node.network))
    signature = lone.town.keys[LIAR].sign_recoverable(payload)
    opened = open_vote(payload, signature, lone.node.network, lone.node.engine.committees)
    assert isinstance(opened, Verified)
    step = lone.machine.deliver(LIAR, vote_frame(opened))
    lone.carry_out(step)
    return step


def files(step: Step) -> list[StoredEvidence]:
    """What the production shell writes of a Step."""
    writes = Writes()
    writes.add_records([one for one in step.records if one.kind.startswith(EVIDENCE)])
    return [one for one in writes.history if isinstance(one, StoredEvidence)]


def proven(stored: StoredEvidence, lone: Lone) -> tuple[bytes, ...]:
    judgement = judge(stored.data, Expectations(network=lone.node.network))
    assert judgement.verdict.complete, judgement.verdict.text()
    return judgement.accused


def test_e1_a_double_vote_becomes_a_file_that_anyone_can_verify() -> None:
    lone = Lone()
    assert files(say(lone, ONE)) == []
    step = say(lone, OTHER)
    (stored,) = files(step)
    assert stored.kind == "double-vote"
    assert proven(stored, lone) == (lone.town.keys[LIAR].public_key.format(),)
    assert [one.name for one in step.milestones if one.name == "double-vote"] == ["double-vote"]


def test_e1_a_vote_that_is_sent_again_accuses_nobody() -> None:
    lone = Lone()
    assert [files(say(lone, digest)) for digest in (ONE, ONE, ONE)] == [[], [], []]


def test_e1_a_double_vote_at_a_height_that_is_over_is_noticed() -> None:
    lone = Lone()
    over = lone.node.height - 1
    (stored,) = files(say(lone, ONE, height=over))  # the height was decided upon another value
    assert stored.height == over
    assert proven(stored, lone) == (lone.town.keys[LIAR].public_key.format(),)


def test_e1_one_double_vote_is_told_of_once_and_the_same_by_every_node() -> None:
    first, second = Lone(slot=0), Lone(slot=1)
    said = [[files(say(lone, digest)) for digest in order] for lone, order in
            ((first, (ONE, OTHER, None)), (second, (OTHER, ONE, ONE)))]  # fmt: skip
    found = [[one for step in steps for one in step] for steps in said]
    assert len(found[0]) == len(found[1]) == 1
    assert found[0][0] == found[1][0]


def test_e1_who_votes_twice_for_ever_fills_no_disk() -> None:
    lone = Lone()
    kept = 0
    for round_ in range(3 * EVIDENCE_PER_KEY_MAX):
        say(lone, ONE, round_=round_)
        kept += len(files(say(lone, OTHER, round_=round_)))
    assert kept == EVIDENCE_PER_KEY_MAX


def test_e6_a_node_that_restarts_goes_on_beside_the_evidence_it_journaled() -> None:
    lone = Lone()
    say(lone, ONE)
    journal = list(say(lone, OTHER).records)
    lone.node.replay(journal)
    assert lone.node.height == lone.node.engine.head[0] + 1
