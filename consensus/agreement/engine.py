"""One log, height after height: verified messages and time-outs in, decided entries out.

The engine joins the rules of a height with what surrounds them: signing, frames, the
journal, who lags and who is ahead. It does not know what an entry means. When the rules
want a value made or checked it asks (`ProposeWanted`, `CheckWanted`) and is answered by
`made` and `checked`; when a height is decided it tells (`Committed`).

A height begins when the application says so (`begin`): a settlement window is not due
before it has closed. Until then votes are collected and nothing is said.

Restart. Every call that changes a height's state is journaled in the Step that carries
its consequences, so `replay` of the journal gives the same state. What had been sent is
not sent again (gossip does that); signings not yet answered are asked again, and the
sign-once register gives the same bytes (N1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

from consensus.agreement.rules import Action, Await, Cast, Decide, Propose, Rules, Seen, Stage
from consensus.agreement.tally import ROUNDS_AHEAD, Tally
from consensus.agreement.wire import (
    ATTACHMENT_BYTES_MAX,
    AgreementMessage,
    Entries,
    EntriesWanted,
    Status,
    entries_wanted_frame,
    parse_frame,
    proposal_frame,
    status_frame,
    vote_frame,
)
from consensus.encoding import Value, decode, encode
from consensus.envelope import ProposalFrame, Verified, certificate_at, open_proposal, open_vote
from consensus.evidence import DoubleVote, SignedVote, VoteWatch
from consensus.messages import ENTRY_BYTES_MAX, ROUND_MAX, DecidedEntry, Entry, Fields, Phase, Proposal, Vote
from consensus.model import (
    ZERO_DIGEST,
    Committee,
    Digest,
    EpochNumber,
    Height,
    InvariantBroken,
    Network,
    NodeId,
    Rejected,
    Round,
    check,
)
from consensus.step import JournalRecord, Milestone, Outgoing, Signing, Step, StepBuilder, Timer

T = TypeVar("T")

GOSSIP_TIMER: Final = "gossip"
_ROUND_TIMER: Final = "round"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a stage may last, in ms; `growth_ms` is added for each round (A5)."""

    propose_ms: int = 1500
    prevote_ms: int = 800
    commit_ms: int = 800
    growth_ms: int = 500
    gossip_ms: int = 700

    def of(self, round_: Round, stage: Stage) -> int:
        """The time-out of a stage of a round."""
        base = (self.propose_ms, self.prevote_ms, self.commit_ms)[stage]
        return base + self.growth_ms * min(round_, 60)


@dataclass(frozen=True, slots=True)
class ProposeWanted:
    """It is this node's turn: call `made` with a value, or do nothing and let the round pass."""

    height: Height
    round: Round


@dataclass(frozen=True, slots=True)
class CheckWanted:
    """Say with `checked` whether this value is valid (A3)."""

    entry: Entry
    attachment: bytes
    sender: NodeId
    round: Round


@dataclass(frozen=True, slots=True)
class Committed:
    """A height is decided; `live` is False for an entry fetched in catch-up (U1)."""

    decided: DecidedEntry
    attachment: bytes
    live: bool


@dataclass(frozen=True, slots=True)
class Misbehaved:
    """Proof that a member voted twice (E1)."""

    proof: DoubleVote


Ask: TypeAlias = ProposeWanted | CheckWanted | Committed | Misbehaved


class Engine:
    """The log of one network as one node takes part in it.

    `own_key` is the node's compressed secp256k1 key; a node whose key is not in the
    committee follows and does not vote (U2). `out` collects the Step, `asks` what the
    application must do; both are taken with `take`.
    """

    def __init__(
        self,
        network: Network,
        committee: Committee,
        own_key: bytes,
        timeouts: Timeouts,
        head: tuple[Height, Digest] = (Height(0), ZERO_DIGEST),
    ) -> None:
        self.network = network
        self.committees: dict[EpochNumber, Committee] = {committee.epoch: committee}
        self.timeouts = timeouts
        self.out = StepBuilder()
        self.asks: list[Ask] = []
        self.own_key = own_key
        self._committee = committee
        self._head = head
        self._asked_entries = False
        self._next: dict[tuple[str, int, int, int], tuple[NodeId, AgreementMessage]] = {}
        self._undecided: Decide | None = None
        self._watch = VoteWatch()
        self._open_height()

    # -- what the application reads -------------------------------------------------

    @property
    def height(self) -> Height:
        """The height being worked on: one beyond the head."""
        return Height(self._head[0] + 1)

    @property
    def head(self) -> tuple[Height, Digest]:
        """The last decided height and its digest."""
        return self._head

    @property
    def committee(self) -> Committee:
        """The committee of the current height."""
        return self._committee

    @property
    def own(self) -> NodeId | None:
        """This node's slot, None outside the committee."""
        return self._committee.slot_of(self.own_key)

    @property
    def begun(self) -> bool:
        """Whether the current height has begun here."""
        return self._rules.started

    @property
    def round(self) -> Round:
        """The round of the current height."""
        return self._rules.round

    def take(self) -> tuple[Step, list[Ask]]:
        """The Step and the asks collected since the last call."""
        asks, self.asks = self.asks, []
        return self.out.take(), asks

    # -- what happens ---------------------------------------------------------------

    def start(self) -> None:
        """Arm the gossip timer; once, after construction and any replay."""
        self._arm_gossip()

    def begin(self) -> None:
        """The current height is due."""
        if not self._rules.started and self._undecided is None:
            self._remember("begin", b"")
            self._carry_out(self._rules.start())

    def receive(self, via: NodeId, message: AgreementMessage) -> None:
        """A verified message that came over the link of member `via`."""
        match message:
            case Verified():
                self._on_vote(via, message)
            case ProposalFrame():
                self._on_proposal(via, message)
            case Status():
                self._on_status(via, message)
            case Entries():
                self._on_entries(message)
            case EntriesWanted():
                raise InvariantBroken("requests for history are served by whoever holds the history")

    def timer(self, name: str) -> None:
        """A timer armed by this engine has passed."""
        if name == GOSSIP_TIMER:
            self._gossip()
            return
        _, height, round_, stage = name.split("/")
        if int(height) == self.height:
            self._remember("timeout", encode({"round": int(round_), "stage": int(stage)}))
            self._carry_out(self._rules.timed_out(Round(int(round_)), Stage(int(stage))))

    def made(self, round_: Round, entry: Entry, attachment: bytes) -> None:
        """The value asked for by ProposeWanted."""
        if entry.height != self.height or round_ != self._rules.round:
            return
        check(entry.previous == self._head[1], "a made entry follows the head")
        data: Value = {"round": round_, "entry": entry.encoded(), "attachment": attachment}
        self._remember("made", encode(data))
        self._values[entry.digest] = (entry, attachment)
        self._carry_out(self._rules.checked(entry.digest, valid=True))
        self._ask_proposal_signature(round_, entry.digest, None)

    def checked(self, digest: Digest, *, valid: bool) -> None:
        """The answer to CheckWanted."""
        if digest in self._values and digest not in self._rules.validity:
            self._remember("checked", encode({"digest": digest, "valid": valid}))
            self._carry_out(self._rules.checked(digest, valid=valid))

    def signed(self, signing: Signing, signature: bytes) -> None:
        """The signer's answer to a vote's or proposal's Signing."""
        if signing.height != self.height:
            return
        data: Value = {"topic": signing.topic, "payload": signing.payload, "signature": signature}
        self._remember("signed", encode(data))
        if signing.topic == "vote":
            self._own_vote(self._opened(open_vote(signing.payload, signature, self.network, self.committees)))
        else:
            opened = open_proposal(signing.payload, signature, self.network, self.committees)
            self._own_proposal(self._opened(opened))

    def replay(self, records: Iterable[JournalRecord]) -> None:
        """Give back the state of the current height; leaves in `out` and `asks` what is still open."""
        answered: set[bytes] = set()
        passed: set[str] = set()
        for record in records:
            if record.height != self.height:
                continue
            self._replay_one(record, answered, passed)
        self.out.records.clear()
        self.out.envelopes.clear()
        self.out.milestones.clear()
        self.out.signings[:] = [s for s in self.out.signings if s.payload not in answered]
        self.out.timers[:] = [t for t in self.out.timers if t.name not in passed]
        self.asks[:] = [ask for ask in self.asks if self._still_open(ask)]

    # -- messages -------------------------------------------------------------------

    def _on_vote(self, via: NodeId, vote: SignedVote) -> None:
        message = vote.message
        self._watch_vote(vote)
        if message.height != self.height:
            key = ("vote", int(vote.sender), int(message.round), int(message.phase))
            self._keep_for_next(via, vote, message.height, key)
        elif message.epoch == self._committee.epoch and self._count_and_journal(vote):
            self._carry_out(self._rules.voted())

    def _count_and_journal(self, vote: SignedVote) -> bool:
        fresh = self._tally.add(vote, self._rules.round)
        if isinstance(fresh, DoubleVote):
            if self._watch.tell(self._key_of(vote), fresh):  # where the watch had to forget the first
                self.asks.append(Misbehaved(fresh))
            return False
        if fresh:
            self._remember("frame", vote_frame(vote))
        # A vote beyond the rounds kept still tells where its sender is (rule of f+1).
        return fresh or vote.message.round > self._rules.round + ROUNDS_AHEAD

    def _watch_vote(self, vote: SignedVote) -> None:
        """E1, of any height and epoch."""
        proof = self._watch.see(self._key_of(vote), vote)
        if proof is not None:
            self.asks.append(Misbehaved(proof))

    def _key_of(self, vote: SignedVote) -> bytes:
        """The slot is one of the vote's own epoch."""
        return self.committees[vote.message.epoch].node_keys[vote.sender]

    def _opened(self, opened: Verified[T] | Rejected) -> Verified[T]:
        if isinstance(opened, Rejected) or opened.sender != self.own:
            raise InvariantBroken("our own signature verifies")
        return opened

    def _own_vote(self, vote: SignedVote) -> None:
        self.out.envelopes.append(Outgoing(vote_frame(vote)))
        fresh = self._tally.add(vote, self._rules.round)
        check(not isinstance(fresh, DoubleVote), "this node never votes twice")
        self._carry_out(self._rules.voted())

    def _on_proposal(self, via: NodeId, frame: ProposalFrame) -> None:
        proposal = frame.proposal.message
        if proposal.height != self.height:
            key = ("proposal", int(frame.proposal.sender), int(proposal.round), 0)
            self._keep_for_next(via, frame, proposal.height, key)
            return
        if proposal.epoch != self._committee.epoch or frame.entry.previous != self._head[1]:
            return
        self._tally.heard_at(frame.proposal.sender, proposal.round)
        if proposal.round > self._rules.round + ROUNDS_AHEAD or proposal.round in self._frames:
            self._carry_out(self._rules.voted())
            return
        self._remember("frame", proposal_frame(frame))
        self._take_frame(frame)

    def _take_frame(self, frame: ProposalFrame) -> None:
        proposal = frame.proposal.message
        self._frames[proposal.round] = frame
        known = proposal.digest in self._values
        self._values[proposal.digest] = (frame.entry, frame.attachment)
        if not known and self._undecided is None:
            self.asks.append(
                CheckWanted(frame.entry, frame.attachment, frame.proposal.sender, proposal.round)
            )
        if self._undecided is not None and self._undecided.digest == proposal.digest:
            self._commit_decision(self._undecided)
            return
        self._carry_out(self._rules.proposed(proposal.round, Seen(proposal.digest, proposal.valid_round)))

    def _own_proposal(self, proposal: Verified[Proposal]) -> None:
        message = proposal.message
        made = self._values.get(message.digest)
        if made is None:
            raise InvariantBroken("one's own proposal is of a value that is remembered")
        entry, attachment = made
        justification = None
        if message.valid_round is not None:
            signatures = self._tally.signatures(message.valid_round, Phase.PREVOTE, message.digest)
            justification = certificate_at(
                message.epoch, message.valid_round, signatures, self._committee.size
            )  # A4
        frame = ProposalFrame(proposal, entry, attachment, justification)
        self.out.envelopes.append(Outgoing(proposal_frame(frame)))
        self._note("proposed", f"round {message.round}")
        self._frames[message.round] = frame
        self._carry_out(self._rules.proposed(message.round, Seen(message.digest, message.valid_round)))

    def _on_status(self, via: NodeId, status: Status) -> None:
        if status.height > self.height:
            self._ask_entries(via)
        elif status.height == self.height:
            self._help(via, status)

    def _help(self, via: NodeId, status: Status) -> None:
        """Hand a peer at the same height what it lacks of its round and of later ones."""
        for round_ in sorted(self._frames):
            if round_ >= status.round:
                self.out.envelopes.append(Outgoing(proposal_frame(self._frames[round_]), via))
        for vote in self._tally.all_votes(status.round):
            known = {Phase.PREVOTE: status.prevotes, Phase.COMMIT: status.commits}[vote.message.phase]
            if vote.message.round != status.round or not known >> vote.sender & 1:
                self.out.envelopes.append(Outgoing(vote_frame(vote), via))
        undecided_elsewhere = self._rules.valid
        if undecided_elsewhere is not None and undecided_elsewhere[0] < status.round:
            for vote in self._tally.votes(undecided_elsewhere[0], Phase.COMMIT).values():
                self.out.envelopes.append(Outgoing(vote_frame(vote), via))

    def _on_entries(self, entries: Entries) -> None:
        self._asked_entries = False
        for decided, attachment in entries.decided:
            if decided.entry.height == self.height and decided.entry.previous == self._head[1]:
                if decided.certificate.epoch != self._committee.epoch:
                    return
                self._commit(decided, attachment, live=False)

    def _keep_for_next(
        self, via: NodeId, message: AgreementMessage, height: int, key: tuple[str, int, int, int]
    ) -> None:
        """Hold one message a member, round and phase for the height after this one; no more (Q5)."""
        if height == self.height + 1 and key[2] <= ROUNDS_AHEAD:
            self._next.setdefault(key, (via, message))
        elif height > self.height + 1:
            self._ask_entries(via)

    def _ask_entries(self, via: NodeId) -> None:
        if not self._asked_entries and via != self.own:
            self._asked_entries = True
            self.out.envelopes.append(Outgoing(entries_wanted_frame(self.height), via))

    # -- actions of the rules -------------------------------------------------------

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Propose(round_, None, _):
                    self.asks.append(ProposeWanted(self.height, round_))
                case Propose(round_, digest, valid_round):
                    if digest is not None and digest in self._values:
                        self._ask_proposal_signature(round_, digest, valid_round)
                case Cast(round_, phase, digest):
                    self._ask_vote_signature(round_, phase, digest)
                case Await(round_, stage):
                    name = f"{_ROUND_TIMER}/{self.height}/{round_}/{int(stage)}"
                    self.out.timers.append(Timer(name, self.timeouts.of(round_, stage)))
                    if stage is Stage.PROPOSE and round_ > 0:
                        self._note("round", f"round {round_}")
                case Decide():
                    self._commit_decision(action)

    def _ask_vote_signature(self, round_: Round, phase: Phase, digest: Digest | None) -> None:
        if self.own is None:
            return
        vote = Vote(self._committee.epoch, self.height, round_, phase, digest)
        payload = encode(vote.value(self.network))
        self.out.signings.append(Signing("vote", payload, self.height, round_, int(phase)))
        word = "nothing" if digest is None else digest[:4].hex()
        self._note("prevoted" if phase is Phase.PREVOTE else "committed", f"round {round_}: {word}")

    def _ask_proposal_signature(self, round_: Round, digest: Digest, valid_round: Round | None) -> None:
        proposal = Proposal(self._committee.epoch, self.height, round_, digest, valid_round)
        payload = encode(proposal.value(self.network))
        self.out.signings.append(Signing("proposal", payload, self.height, round_, 0))

    def _commit_decision(self, decision: Decide) -> None:
        value = self._values.get(decision.digest)
        if value is None:  # decided by others before its proposal reached us: fetch it (U1)
            self._undecided = decision
            self.out.envelopes.append(Outgoing(entries_wanted_frame(self.height)))
            return
        signatures = self._tally.signatures(decision.round, Phase.COMMIT, decision.digest)
        certificate = certificate_at(self._committee.epoch, decision.round, signatures, self._committee.size)
        self._commit(DecidedEntry(value[0], certificate), value[1], live=True)

    def _commit(self, decided: DecidedEntry, attachment: bytes, *, live: bool) -> None:
        height = self.height
        check(decided.entry.height == height, "heights are decided in order")
        self._note("decided", f"round {decided.certificate.round}")
        self._head = (height, decided.entry.digest)
        self.asks.append(Committed(decided, attachment, live))
        self._open_height()
        kept, self._next = self._next, {}
        for via, message in kept.values():
            self.receive(via, message)

    def adopt_committee(self, committee: Committee) -> None:
        """A new epoch is in force from the current, not yet begun, height."""
        check(not self._rules.started, "a committee changes between heights")
        self.committees[committee.epoch] = committee
        self._committee = committee
        self._open_height()

    def _open_height(self) -> None:
        self._tally = Tally(self._committee)
        self._rules = Rules(self._tally, self.own, self._head[1])
        self._frames: dict[Round, ProposalFrame] = {}
        self._values: dict[Digest, tuple[Entry, bytes]] = {}
        self._undecided = None

    # -- gossip, journal ------------------------------------------------------------

    def _gossip(self) -> None:
        """Say where this node stands; whoever is ahead or knows more will help."""
        self._asked_entries = False
        self.out.envelopes.append(Outgoing(status_frame(self.status())))
        self._arm_gossip()

    def status(self) -> Status:
        """Where this node stands."""
        round_ = self._rules.round
        bits = {phase: sum(1 << slot for slot in self._tally.votes(round_, phase)) for phase in Phase}
        return Status(self.height, round_, bits[Phase.PREVOTE], bits[Phase.COMMIT])

    def said_by(self, slot: NodeId) -> tuple[bytes, ...]:
        """Frames with every vote and proposal of a member for this height and the next (N3)."""
        said = [vote_frame(vote) for vote in self._tally.all_votes(Round(0)) if vote.sender == slot]
        said += [
            proposal_frame(frame)
            for _, frame in sorted(self._frames.items())
            if frame.proposal.sender == slot
        ]
        for key, (_, message) in sorted(self._next.items(), key=lambda item: item[0]):
            match message:
                case Verified() if key[1] == slot:
                    said.append(vote_frame(message))
                case ProposalFrame() if key[1] == slot:
                    said.append(proposal_frame(message))
        return tuple(said)

    def _arm_gossip(self) -> None:
        self.out.timers.append(Timer(GOSSIP_TIMER, self.timeouts.gossip_ms))

    def _remember(self, kind: str, data: bytes) -> None:
        self.out.records.append(JournalRecord(self.height, kind, data))

    def _note(self, name: str, detail: str) -> None:
        self.out.milestones.append(Milestone(name, self.height, detail))

    def _replay_one(self, record: JournalRecord, answered: set[bytes], passed: set[str]) -> None:
        if record.kind == "begin":
            self._carry_out(self._rules.start())
            return
        if record.kind == "frame":
            message = parse_frame(record.data, self.network, self.committees)
            match message:
                case Verified() if message.message.epoch != self._committee.epoch:
                    pass  # of the committee before, heard before its last entry was applied
                case ProposalFrame(proposal) if proposal.message.epoch != self._committee.epoch:
                    pass
                case Verified():
                    self._watch_vote(message)
                    self._tally.add(message, self._rules.round)
                    self._carry_out(self._rules.voted())
                case ProposalFrame():
                    self._take_frame(message)
                case _:
                    raise InvariantBroken("the journal holds votes and proposals")
            return
        fields = Fields(decode(record.data))
        match record.kind:
            case "timeout":
                round_, stage = Round(fields.uint("round", ROUND_MAX)), Stage(fields.uint("stage"))
                passed.add(f"{_ROUND_TIMER}/{record.height}/{round_}/{int(stage)}")
                self._carry_out(self._rules.timed_out(round_, stage))
            case "made":
                entry = Entry.parse(fields.buff("entry", 1, ENTRY_BYTES_MAX))
                if isinstance(entry, Rejected):
                    raise InvariantBroken("the journal holds what was made")
                attachment = fields.buff("attachment", 0, ATTACHMENT_BYTES_MAX)
                self.made(Round(fields.uint("round", ROUND_MAX)), entry, attachment)
            case "checked":
                digest = Digest(fields.buff("digest", 32))
                self.checked(digest, valid=fields.flag("valid"))
            case "signed":
                topic, payload = fields.text("topic", 16), fields.buff("payload", 1, 1024)
                answered.add(payload)
                self.signed(Signing(topic, payload, record.height), fields.buff("signature", 65))
            case _:
                raise InvariantBroken(f"a journal record of a known kind, not {record.kind}")

    def _still_open(self, ask: Ask) -> bool:
        match ask:
            case ProposeWanted(height, round_):
                own_made = round_ in self._frames or any(
                    s.topic == "proposal" and s.round == round_ for s in self.out.signings
                )
                return height == self.height and round_ == self._rules.round and not own_made
            case CheckWanted(entry):
                return entry.height == self.height and entry.digest not in self._rules.validity
            case _:
                return True
