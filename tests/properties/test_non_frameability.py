"""N4: whatever adversaries send, crash and restore, nothing verifies as evidence against the honest.

The honest member is slot 0. Adversaries hold every other member's key, every meter's and every
gateway's, hear all that the honest member says, and may say it again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consensus.agreement.wire import entries_frame, proposal_frame, vote_frame
from consensus.encoding import encode
from consensus.envelope import ProposalFrame, Verified, certificate_at, open_proposal, open_vote
from consensus.evidence import ProvenDoubleVote, SignedBytes, verify_double_vote
from consensus.messages import Entry, Phase, Proposal, Vote
from consensus.model import ZERO_DIGEST, Committee, Digest, EpochNumber, Height, NodeId, Rejected, Round
from consensus.simulator.disk import Disk, Signer
from consensus.simulator.log_node import LogNode, Reader
from consensus.simulator.runs import NETWORK, keys
from consensus.step import Signing, Step

HONEST, LIARS = NodeId(0), (NodeId(1), NodeId(2), NodeId(3))
KEYS = keys(4)
COMMITTEE = Committee(EpochNumber(1), tuple(key.public_key.format() for key in KEYS))
HONEST_KEY = COMMITTEE.node_keys[HONEST]
READ = Reader(NETWORK, COMMITTEE)
VALUES = 3
ROUNDS = 3
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Act = tuple[Any, ...]


@dataclass
class Victim:
    """The honest member over the production engine, its disk and its signer, in hostile hands."""

    careful: bool = True
    disk: Disk = field(default_factory=Disk)
    backup: Disk = field(default_factory=Disk)
    signed: list[SignedBytes] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    timers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signer = Signer(KEYS[HONEST], self.disk, careful=self.careful)
        self.boot()

    def boot(self) -> None:
        self.node = LogNode(READ, KEYS[HONEST], self.disk)
        self.timers = ["begin"]
        self.carry_out(self.node.start())

    def carry_out(self, step: Step, dies_after: int | None = None) -> None:
        """The fields of a Step in order; a crash may come before, after or between any two acts."""
        acts: list[Callable[[], None]] = [lambda: self.disk.commit(step.records)]
        acts += [lambda out=out: self.heard.append(out.frame) for out in step.envelopes]  # type: ignore[misc]
        acts += [lambda timer=timer: self.timers.append(timer.name) for timer in step.timers]  # type: ignore[misc]
        acts += [lambda signing=signing: self.sign(signing) for signing in step.signings]  # type: ignore[misc]
        if dies_after is None:
            for act in acts:
                act()
            return
        for act in acts[: dies_after % (len(acts) + 1)]:
            act()
        self.boot()

    def sign(self, signing: Signing) -> None:
        signature = self.signer.sign(signing)
        if signature is None:
            return
        if signing.topic == "vote":  # out of the signer's hands: the adversary may have it
            self.signed.append(SignedBytes(signing.payload, signature))
        self.carry_out(self.node.signed(signing, signature))

    # -- what adversaries do ------------------------------------------------------------

    def entry(self, value: int) -> Entry:
        height, previous = self.node._engine.height, self.node._engine.head[1]
        return Entry(NETWORK, height, previous, "test", {"value": value})

    def do(self, act: Act) -> None:
        match act:
            case ("votes", slots, phase, round_, value, dies):
                digest = None if value is None else self.entry(value).digest
                for slot in slots:
                    self.carry_out(self.node.deliver(slot, self.vote(slot, phase, round_, digest)), dies)
            case ("propose", round_, value, attached, dies):
                self.propose(round_, value, attached, dies)
            case ("decide", value, round_):
                self.carry_out(self.node.deliver(LIARS[0], self.decided(value, round_)))
            case ("replay", at):
                if self.heard:
                    self.carry_out(self.node.deliver(LIARS[0], self.heard[at % len(self.heard)]))
            case ("timer", at, dies):
                if self.timers:
                    self.carry_out(self.node.timer(self.timers.pop(at % len(self.timers))), dies)
            case ("crash",):
                self.boot()
            case ("forget", records):
                self.disk.lose_journal(records)
                self.boot()
            case ("torn", transactions):
                self.disk.lose_tail(transactions)
                self.boot()
            case ("back-up",):
                self.backup = self.disk.copy()
            case ("restore",):
                self.disk.restore(self.backup)
                self.boot()

    def vote(self, slot: NodeId, phase: Phase, round_: int, digest: Digest | None) -> bytes:
        said = Vote(COMMITTEE.epoch, self.node._engine.height, Round(round_), phase, digest)
        payload = encode(said.value(NETWORK))
        opened = open_vote(
            payload, KEYS[slot].sign_recoverable(payload), NETWORK, {COMMITTEE.epoch: COMMITTEE}
        )
        assert isinstance(opened, Verified)
        return vote_frame(opened)

    def propose(self, round_: int, value: int, attached: bytes, dies: int | None) -> None:
        entry = self.entry(value)
        slot = COMMITTEE.proposer(entry.previous, Round(round_))
        if slot == HONEST:
            return
        proposal = Proposal(COMMITTEE.epoch, entry.height, Round(round_), entry.digest, None)
        payload = encode(proposal.value(NETWORK))
        signature = KEYS[slot].sign_recoverable(payload)
        opened = open_proposal(payload, signature, NETWORK, {COMMITTEE.epoch: COMMITTEE})
        assert isinstance(opened, Verified)
        frame = proposal_frame(ProposalFrame(opened, entry, attached, None))
        self.carry_out(self.node.deliver(slot, frame), dies)

    def decided(self, value: int, round_: int) -> bytes:
        entry = self.entry(value)
        vote = Vote(COMMITTEE.epoch, entry.height, Round(round_), Phase.COMMIT, entry.digest)
        payload = encode(vote.value(NETWORK))
        votes = {slot: KEYS[slot].sign_recoverable(payload) for slot in LIARS}
        certificate = certificate_at(COMMITTEE.epoch, Round(round_), votes, COMMITTEE.size)
        return entries_frame(((entry.encoded(), certificate.encoded(), b"attached"),))

    def evidence_against_it(self) -> list[ProvenDoubleVote]:
        found = []
        for first, second in itertools.combinations(self.signed, 2):
            proven = verify_double_vote(NETWORK, first, second)
            if isinstance(proven, ProvenDoubleVote) and proven.key == HONEST_KEY:
                found.append(proven)
        return found


dies = st.none() | st.integers(0, 6)
rounds = st.integers(0, ROUNDS - 1)
acts = st.one_of(
    st.tuples(
        st.just("votes"),
        st.sets(st.sampled_from(LIARS), min_size=2).map(sorted),
        st.sampled_from(list(Phase)),
        rounds,
        st.none() | st.integers(0, VALUES - 1),
        dies,
    ),
    st.tuples(
        st.just("propose"),
        rounds,
        st.integers(0, VALUES - 1),
        st.sampled_from([b"attached", b"attached", b"bad"]),
        dies,
    ),
    st.tuples(st.just("decide"), st.integers(0, VALUES - 1), rounds),
    st.tuples(st.just("replay"), st.integers(0, 999)),
    st.tuples(st.just("timer"), st.integers(0, 9), dies),
    st.tuples(st.just("crash")),
    st.tuples(st.just("forget"), st.integers(1, 12)),
    st.tuples(st.just("torn"), st.integers(1, 4)),
    st.tuples(st.just("back-up")),
    st.tuples(st.just("restore")),
)


@many
@given(st.lists(acts, min_size=5, max_size=40))
def test_n4_no_messages_crashes_or_restores_make_a_double_vote_of_the_honest(script: list[Act]) -> None:
    victim = Victim()
    victim.do(("timer", 0, None))
    for act in script:
        victim.do(act)
    assert victim.evidence_against_it() == []
    for data in victim.disk.evidence:
        assert HONEST_KEY not in data


TEMPTATION: tuple[Act, ...] = (
    ("timer", 0, None),
    ("votes", LIARS, Phase.PREVOTE, 0, 0, None),
    ("timer", 0, None),
    ("propose", 0, 0, b"attached", None),
    ("timer", 0, None),
    ("forget", 99),
    ("torn", 99),
    ("timer", 0, None),
    ("propose", 0, 1, b"attached", None),
    ("votes", LIARS, Phase.PREVOTE, 0, 1, None),
    ("timer", 0, None),
)


@pytest.mark.parametrize("careful", [True, False])
def test_n4_without_the_registers_marker_the_same_hands_would_frame_it(*, careful: bool) -> None:
    """The property above can fail: a signer that trusts a torn register signs twice."""
    victim = Victim(careful=careful)
    for act in TEMPTATION:
        victim.do(act)
    assert bool(victim.evidence_against_it()) is not careful


honest_votes = [
    (epoch, height, round_, phase, digest)
    for epoch in (1, 2)
    for height in (1, 2)
    for round_ in (0, 1)
    for phase in Phase
    for digest in (None, ZERO_DIGEST)
    if (epoch == 1) == (digest is None)  # one digest a place
]


@many
@given(
    st.sampled_from(honest_votes),
    st.sampled_from(honest_votes),
    st.data(),
)
def test_n4_no_bytes_made_of_honest_votes_prove_a_double_vote(
    one: Any, other: Any, data: st.DataObject
) -> None:
    def said(place: Any) -> SignedBytes:
        epoch, height, round_, phase, digest = place
        if (height, round_, phase) in seen and seen[height, round_, phase] != digest:
            digest = seen[height, round_, phase]  # the register has one place for all epochs (N1)
        seen[height, round_, phase] = digest
        vote = Vote(EpochNumber(epoch), Height(height), Round(round_), phase, digest)
        payload = encode(vote.value(NETWORK))
        return SignedBytes(payload, KEYS[HONEST].sign_recoverable(payload))

    seen: dict[Any, Any] = {}
    first, second = said(one), said(other)
    parts = [first.payload, first.signature, second.payload, second.signature]
    at = data.draw(st.integers(0, 3))
    if parts[at]:
        where = data.draw(st.integers(0, len(parts[at]) - 1))
        bent = bytes([parts[at][where] ^ data.draw(st.integers(0, 255))])
        parts[at] = parts[at][:where] + bent + parts[at][where + 1 :]
    for votes in (parts, [parts[0], parts[3], parts[2], parts[1]]):
        proven = verify_double_vote(NETWORK, SignedBytes(*votes[:2]), SignedBytes(*votes[2:]))
        assert isinstance(proven, Rejected) or proven.key != HONEST_KEY
