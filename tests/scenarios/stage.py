"""A stage for one engine and the members around it, whose words a scenario scripts."""

from __future__ import annotations

from dataclasses import dataclass, field

from coincurve import PrivateKey

from consensus.agreement.engine import Ask, CheckWanted, Committed, Engine, ProposeWanted, Timeouts
from consensus.agreement.wire import AgreementMessage, parse_frame, proposal_frame, vote_frame
from consensus.encoding import Value, encode
from consensus.envelope import (
    ProposalFrame,
    Verified,
    certificate_at,
    open_proposal,
    open_vote,
)
from consensus.messages import Certificate, Entry, Phase, Proposal, Vote
from consensus.model import Committee, Digest, EpochNumber, NodeId, Rejected, Round
from consensus.simulator.runs import NETWORK, keys
from consensus.step import JournalRecord, Signing, Timer

MEMBERS = 4
FIRST = NodeId(0)
KEYS = keys(MEMBERS)
COMMITTEE = Committee(EpochNumber(1), tuple(key.public_key.format() for key in KEYS))


@dataclass
class Stage:
    """The engine of member `own`; the scenario speaks for the other members."""

    own: NodeId = FIRST
    journal: list[JournalRecord] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    sent: list[AgreementMessage] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    withheld: list[Signing] = field(default_factory=list)
    sign: bool = True

    def __post_init__(self) -> None:
        self.engine = self._new_engine()

    def _new_engine(self) -> Engine:
        return Engine(NETWORK, COMMITTEE, COMMITTEE.node_keys[self.own], Timeouts())

    def restart(self) -> None:
        """Crash, and come back from the journal."""
        self.asks.clear()
        self.sent.clear()
        self.timers.clear()
        self.engine = self._new_engine()
        self.engine.replay(self.journal)
        self.settle()

    def settle(self) -> None:
        """Carry out the Step: journal, send, and let the signer answer."""
        while True:
            step, asks = self.engine.take()
            self.journal += step.records
            self.asks += asks
            self.timers += step.timers
            for outgoing in step.envelopes:
                message = parse_frame(outgoing.frame, NETWORK, self.engine.committees)
                assert not isinstance(message, Rejected)
                self.sent.append(message)
            if not step.signings:
                return
            for signing in step.signings:
                if self.sign:
                    signature = KEYS[self.own].sign_recoverable(signing.payload)
                    self.engine.signed(signing, signature)
                else:
                    self.withheld.append(signing)

    def begin(self) -> None:
        self.engine.begin()
        self.settle()

    def pass_timer(self, stage: int) -> None:
        """Let the time-out of the current round's stage pass."""
        self.engine.timer(f"round/{self.engine.height}/{self.engine.round}/{stage}")
        self.settle()

    def answer_check(self, *, valid: bool) -> None:
        """The application's verdict on the last proposal."""
        wanted = [ask for ask in self.asks if isinstance(ask, CheckWanted)][-1]
        self.engine.checked(wanted.entry.digest, valid=valid)
        self.settle()

    def make(self, entry: Entry) -> None:
        """The application's value for this node's turn."""
        wanted = [ask for ask in self.asks if isinstance(ask, ProposeWanted)][-1]
        self.engine.made(wanted.round, entry, b"")
        self.settle()

    def entry(self, name: str = "a") -> Entry:
        _, previous = self.engine.head
        body: dict[str, Value] = {"name": name}
        return Entry(NETWORK, self.engine.height, previous, "test", body)

    def proposer(self, round_: int = 0) -> NodeId:
        return COMMITTEE.proposer(self.engine.head[1], Round(round_))

    def vote(self, slot: int, phase: Phase, digest: Digest | None, round_: int = 0) -> None:
        self.engine.receive(NodeId(slot), signed_vote(slot, self.engine.height, phase, digest, round_))
        self.settle()

    def votes(self, slots: list[int], phase: Phase, digest: Digest | None, round_: int = 0) -> None:
        for slot in slots:
            self.vote(slot, phase, digest, round_)

    def propose(
        self,
        entry: Entry,
        round_: int = 0,
        valid_round: int | None = None,
        justification: Certificate | None = None,
        proposer: int | None = None,
    ) -> Rejected | None:
        """Another member's proposal, through the bytes of the wire."""
        slot = self.proposer(round_) if proposer is None else NodeId(proposer)
        proposal = Proposal(
            COMMITTEE.epoch,
            entry.height,
            Round(round_),
            entry.digest,
            None if valid_round is None else Round(valid_round),
        )
        payload = encode(proposal.value(NETWORK))
        opened = open_proposal(payload, KEYS[slot].sign_recoverable(payload), NETWORK, self.engine.committees)
        assert isinstance(opened, Verified)
        frame = proposal_frame(ProposalFrame(opened, entry, b"", justification))
        message = parse_frame(frame, NETWORK, self.engine.committees)
        if isinstance(message, Rejected):
            return message
        self.engine.receive(slot, message)
        self.settle()
        return None

    def own_votes(self, phase: Phase) -> list[tuple[int, Digest | None]]:
        """What this node has said in that phase: (round, digest)."""
        return [
            (message.message.round, message.message.digest)
            for message in self.sent
            if isinstance(message, Verified) and message.sender == self.own and message.message.phase is phase
        ]

    def decided(self) -> list[Committed]:
        return [ask for ask in self.asks if isinstance(ask, Committed)]

    def others(self) -> list[int]:
        return [slot for slot in range(MEMBERS) if slot != self.own]


def signed_vote(
    slot: int,
    height: int,
    phase: Phase,
    digest: Digest | None,
    round_: int = 0,
    key: PrivateKey | None = None,
) -> Verified[Vote]:
    vote = Vote(COMMITTEE.epoch, height, Round(round_), phase, digest)  # type: ignore[arg-type]
    payload = encode(vote.value(NETWORK))
    opened = open_vote(
        payload, (key or KEYS[slot]).sign_recoverable(payload), NETWORK, {COMMITTEE.epoch: COMMITTEE}
    )
    assert isinstance(opened, Verified)
    parsed = parse_frame(vote_frame(opened), NETWORK, {COMMITTEE.epoch: COMMITTEE})
    assert parsed == opened
    return opened


def justification(slots: list[int], entry: Entry, round_: int) -> Certificate:
    """A quorum of prevotes, as a re-proposal carries it."""
    signatures = {
        NodeId(slot): signed_vote(slot, entry.height, Phase.PREVOTE, entry.digest, round_).signature
        for slot in slots
    }
    return certificate_at(COMMITTEE.epoch, Round(round_), signatures, MEMBERS)


def stage_where_node_does_not_propose(rounds: int = 1) -> Stage:
    """A stage whose own node is not the proposer of the first rounds."""
    for slot in range(MEMBERS):
        stage = Stage(NodeId(slot))
        if all(stage.proposer(round_) != stage.own for round_ in range(rounds)):
            return stage
    raise AssertionError
