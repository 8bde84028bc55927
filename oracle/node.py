"""The node: one pure machine that composes ceremonies, windows, agreement and shares.

Read this first. `Node.handle(at_ms, event) -> Step`; at_ms is the shell's UTC clock. The
node reads no clock, draws no randomness, does no I/O, so that a run can be replayed from
its journal and simulated from a seed.

The log decides what happens next, and there is always just one thing that is due:

    no group key yet      the next phase of the key ceremony          (keygen, K1 to K3)
    a committee to come   the next phase of its resharing, between windows       (membership)
    a changed registry    a `registry` entry, when a window is due
    late data in a run    a `window` entry with a further revision     (restate, A8)
    a window is over      a `window` entry, or a `void` with its reason (settle, A2, A3, A7)

A height begins (`engine.begin`) when what is due can be decided: everybody's bundle is
there, or the window is reconciled, or the time for that is over. What was decided is
applied here, in the order of the log; then it is signed with the group key (T1, T2) and
goes to the chain (schedule, C1). Everything between is a duty of its own (`oracle.duties`):
this module says only whose turn it is.

After a crash the shell gives back the decided entries (`restore`) and the journal of the
open height (`replay`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from consensus.agreement import wire
from consensus.agreement.engine import (
    GOSSIP_TIMER,
    Ask,
    CheckWanted,
    Committed,
    Engine,
    Misbehaved,
    ProposeWanted,
    Timeouts,
)
from consensus.dkg.plan import Plan
from consensus.envelope import ProposalFrame, Verified
from consensus.evidence import DoubleVote
from consensus.messages import Vote
from consensus.model import Digest, Genesis, Height, InvariantBroken, Network, NodeId, Rejected, check
from consensus.step import JournalRecord, Outgoing, Signing, Step
from oracle import chronicle, frames
from oracle.acceptance import ACCEPTANCE_ROUND
from oracle.attest import Attesting
from oracle.chronicle import (
    DOUBLE_VOTE,
    TRAVEL,
    Stored,
)
from oracle.conduct import Conduct, Misdeed
from oracle.duties.applying import Applying
from oracle.duties.closing import Closing
from oracle.duties.context import Context
from oracle.duties.fetching import Fetching
from oracle.duties.hearing import Hearing
from oracle.duties.judging import Judging
from oracle.duties.late_run import LateRun
from oracle.duties.pace import (
    COLLECT_TIMER,
    DEADLINE_TIMER,
    LATE_COLLECT_TIMER,
    LATE_DEADLINE_TIMER,
    NUDGE_TIMER,
    PHASE_TIMER,
    RESHARING_TIMER,
    WINDOW_TIMER,
    Pace,
)
from oracle.duties.signature import GroupSignature
from oracle.duties.succession import Succession
from oracle.events import (
    BundleMade,
    ChainRead,
    CommitteeProposed,
    Event,
    Offered,
    Recalled,
    Received,
    ShareMade,
    SharesBad,
    SharesCombined,
    Signed,
    Started,
    TimerPassed,
    Vouched,
)
from oracle.journey import Journey
from oracle.keygen import KeyGeneration, genesis_ceremony
from oracle.membership import Membership
from oracle.model import WindowStart
from oracle.restate import Restating
from oracle.settle import Settlement
from oracle.windows.calendar import Calendar
from oracle.windows.registry import Registry
from oracle.windows.vee import Rule, Rules

EVIDENCE_PER_KEY_MAX: Final = 16
"""Double votes of one key that are kept, until a restart (Q5)."""


class Node:
    """One operator's node. `own_key` is its compressed secp256k1 node key."""

    def __init__(
        self,
        genesis: Genesis,
        own_key: bytes,
        rules: Rules,
        pace: Pace,
        timeouts: Timeouts,
        calendar: Calendar | None = None,
    ) -> None:
        check(rules.window_s == genesis.window_s, "the window length is the network's")
        committee, network = genesis.committee, genesis.network
        context = Context(genesis, Engine(network, committee, own_key, timeouts), pace)
        own = context.own
        self._context = context
        self.settlement = Settlement(Registry(()), rules, network, own, committee.size, committee.quorum)
        self.restating = Restating(calendar or Calendar(), self.settlement, own, committee.size)
        first = genesis_ceremony(Plan(network, 0, committee, committee), genesis.window_s)
        self._fetching = Fetching(context, self.settlement)
        self._succession = Succession(context, self._fetching, first)
        self._closing = Closing(context, self.settlement)
        self._late_run = LateRun(context, self.settlement, self.restating)
        self._judging = Judging(context, self.settlement, self.restating, self._succession, self._closing)
        attesting = Attesting(committee.quorum, committee.size)
        self._signature = GroupSignature(context, self._fetching, attesting)
        self._applying = Applying(
            context,
            self.settlement,
            self.restating,
            self._fetching,
            self._succession,
            self._closing,
            self._late_run,
            self._judging,
            self._signature,
        )
        self._hearing = Hearing(context, self.settlement)
        self._accused: dict[bytes, int] = {}

    # -- what the shell reads -------------------------------------------------------

    @property
    def genesis(self) -> Genesis:
        """What the network began with."""
        return self._context.genesis

    @property
    def network(self) -> Network:
        """The network's id."""
        return self._context.network

    @property
    def engine(self) -> Engine:
        """The agreement on the open height."""
        return self._context.engine

    @property
    def journey(self) -> Journey:
        """Where each window stands."""
        return self._context.journey

    @property
    def conduct(self) -> Conduct:
        """What members and meters were seen doing."""
        return self._context.conduct

    @property
    def rejections(self) -> dict[str, int]:
        """How many readings were rejected, by reason."""
        return self._context.rejections

    @property
    def own(self) -> NodeId | None:
        """This node's slot, None outside the committee."""
        return self._context.own

    @property
    def height(self) -> Height:
        """The height being worked on."""
        return self._context.height

    @property
    def registry(self) -> Registry:
        """The registry that the log has agreed."""
        return self.settlement.registry

    @property
    def keygen(self) -> KeyGeneration:
        """The ceremony whose shares are in force; before there is a key, the first one."""
        return self._succession.keygen

    @property
    def membership(self) -> Membership | None:
        """The committee in force and the one that is to follow it, once there is a key."""
        return self._succession.membership

    @property
    def ceremony(self) -> KeyGeneration:
        """The ceremony that is being held; where there is none, the one whose shares are in force."""
        return self._succession.ceremony

    @property
    def ceremony_committees(self) -> frames.CeremonyCommittees:
        """Whose words are heard in it."""
        return self._succession.committees

    @property
    def past_deadline(self) -> bool:
        """Whether the time is over in which the open window should have been agreed on (A7)."""
        return self._closing.past_deadline

    def saw_rejected(self, key: bytes, at_ms: int, reason: str) -> None:
        """A peer's frame was rejected before it came to the node; may be told from another thread."""
        self.conduct.see(key, Misdeed.REJECTED_FRAME, at_ms, self.height, reason)

    # -- restart --------------------------------------------------------------------

    def restore(self, stored: Iterable[Stored], head: tuple[Height, Digest]) -> None:
        """Give back what was decided: every ceremony entry, the last registry and what follows.

        Windows before the last snapshot of the attested registers may be left out.
        """
        self._applying.restore(stored, head)

    def replay(self, journal: Iterable[JournalRecord]) -> None:
        """Give back the open height; what is still to be done comes with the next Step."""
        self._applying.replay(journal)

    # -- events ---------------------------------------------------------------------

    def handle(self, at_ms: int, event: Event) -> Step:
        """Take one event in; `at_ms` is UTC and may not be relied on to rise."""
        context = self._context
        context.now_ms = at_ms
        match event:
            case Started():
                self.engine.start()
                context.arm(NUDGE_TIMER, context.pace.nudge_ms)
                self._succession.arm_phase()
            case Received(via, message):
                self._receive(via, message)
            case TimerPassed(name):
                self._timer(name)
            case Signed(signing, signature):
                self._signed(signing, signature)
            case Offered():
                self._offered(event)
            case ChainRead():
                if self._judging.read_chain(event):
                    self._judging.look_again()
                else:
                    context.note("registry-unusable", self.height, f"{len(event.devices)} devices")
            case CommitteeProposed(committee):
                self._succession.propose(committee)
                self._judging.look_again()
            case BundleMade():
                self._succession.bundle_made(event)
            case ShareMade():
                share = self._signature.share_made(event)
                if share is not None and self.own is not None:
                    self._hear(self.own, share)
            case SharesCombined():
                self._signature.combined(event)
            case SharesBad():
                self._signature.bad_shares(event)
            case Vouched(key, frame, fresh):
                slot = self.engine.committee.slot_of(key)
                if slot is not None:
                    said = self.engine.said_by(slot) if fresh else ()
                    context.send([Outgoing(one, slot) for one in (*said, frame)])
            case Recalled():
                self._late_run.recalled(event)
                if context.unapplied:
                    self._applying.apply_decided()
                self._judging.look_again()
        self._settle()
        for travel in self.journey.due(self.settlement.next_window):
            context.keep(Height(travel.height or self.height), TRAVEL, travel.to_bytes())
        self._late_run.write_changes()
        return context.out.take()

    def _receive(self, via: NodeId, message: frames.NodeMessage) -> None:
        self._hear(via, message)
        match message:
            case Verified(message=frames.Observations()):
                self.settlement.on_observations(message)  # type: ignore[arg-type]
                self._judging.look_again()
            case Verified(message=frames.Bundle()):
                self._succession.take(message)  # type: ignore[arg-type]
            case Verified(message=Vote(round=round_)) if round_ == ACCEPTANCE_ROUND:
                self._succession.accept(message)  # type: ignore[arg-type]
            case Verified(message=Vote()) | ProposalFrame() | wire.Status() | wire.Entries():
                self.engine.receive(via, message)  # type: ignore[arg-type]
            case frames.InventoryNotice():
                self._context.send(self._holder(message.window).on_notice(via, message))
            case frames.RowsWanted():
                self._context.send(self._holder(message.window).on_rows_wanted(via, message))
            case frames.Rows():
                self._context.send(self._holder(message.window).on_rows(via, message))
                self._judging.look_again()
            case frames.ObservationsWanted(window, slot):
                held = self.settlement.observations_of(window, slot)
                if held is not None:
                    self._context.send([Outgoing(frames.signed_frame(held), via)])
            case frames.Share():
                self._signature.take(via, message)
            case frames.Part():
                self._applying.take_part(message)
            case _:
                raise InvariantBroken("requests for history are answered by the shell")

    def _holder(self, window: WindowStart) -> Settlement | Restating:
        """Who knows of a window's records: of settled ones it is the late data."""
        return self.settlement if window >= self.settlement.next_window else self.restating

    def _timer(self, name: str) -> None:
        kind = name.split("/", 1)[0]
        if name == NUDGE_TIMER:
            self._nudge()
        elif name == GOSSIP_TIMER or kind == "round":
            self.engine.timer(name)
        elif kind == COLLECT_TIMER:
            self._closing.collect_passed(name)
        elif kind == DEADLINE_TIMER:
            self._closing.deadline_passed(name)
            self._judging.look_again()
        elif kind in (LATE_COLLECT_TIMER, LATE_DEADLINE_TIMER):
            self._late_run.time_passed(name)
            self._judging.look_again()
        elif kind in (PHASE_TIMER, RESHARING_TIMER):
            if self._succession.phase_passed(name):
                self._judging.look_again()
        else:  # at the close of a window: what is due is looked at after every event
            check(name == WINDOW_TIMER, f"somebody armed {name}")

    def _signed(self, signing: Signing, signature: bytes) -> None:
        if signing.topic == "observations":
            said = self._closing.observations_signed(signing.payload, signature)
            self._hear(said.sender, said)
        elif signing.round == ACCEPTANCE_ROUND:
            self._succession.acceptance_signed(signing.payload, signature)
        else:
            if self.keygen.complete:
                self._hearing.hear_own(signing)
            self.engine.signed(signing, signature)

    def _offered(self, offered: Offered) -> None:
        context = self._context
        now_s = None if offered.exchanged else context.now_s
        self.settlement.open_windows(context.now_s)
        taken: dict[WindowStart, int] = {}
        late = [one for one in offered.readings if self.restating.is_late(one)]
        timely = [one for one in offered.readings if not self.restating.is_late(one)]
        verdicts = (*self.settlement.offer(timely, now_s), *self.restating.offer(late))
        for reading, verdict in zip((*timely, *late), verdicts, strict=True):
            if isinstance(verdict, Rejected):
                context.count_rejection(str(verdict.reason.value))
                continue
            taken[verdict.window] = taken.get(verdict.window, 0) + 1
            if Rule.TWO_STORIES in verdict.flags:
                self.conduct.see_meter(reading.usage_point, context.now_ms, verdict.window)
        for window, count in taken.items():
            self.journey.at(window).read(count, context.now_ms)
        if late and self.restating.running:
            self._late_run.tell()
            self._judging.look_again()
        if self.settlement.closed:
            self._closing.send_notice(again=False)
            self._judging.look_again()

    def _hear(self, via: NodeId, message: frames.NodeMessage) -> None:
        if self.keygen.complete:
            self._hearing.hear(via, message)

    # -- what is due ----------------------------------------------------------------

    def _settle(self) -> None:
        """Answer the engine until it asks no more, then look at what is due.

        In this order: what is due follows from the log, so a decided entry is applied first.
        """
        while True:
            step, asks = self.engine.take()
            self._context.merge(step)
            if not asks:
                self._consider()
                step, asks = self.engine.take()
                self._context.merge(step)
            if not asks:
                return
            for ask in asks:
                self._answer(ask)

    def _answer(self, ask: Ask) -> None:
        match ask:
            case ProposeWanted(height, _):
                if height == self.height:
                    self._judging.propose(ask)
            case CheckWanted():
                self._judging.look_at(ask)
            case Committed(decided, attachment):
                self._applying.committed(decided, attachment)
            case Misbehaved(proof):
                self._misbehaved(proof)

    def _consider(self) -> None:
        """Begin the open height if what is due can be decided; otherwise arm for when it can."""
        if self._context.unapplied:
            return
        if not self.keygen.complete:
            self._succession.ask_bundle()
            due = self.keygen.ready
        else:
            if self._closing.close_if_due():
                self._judging.look_again()
            late = self._late_run.is_due()
            self._succession.ask_bundle()
            due = not self.engine.begun and (
                self._judging.registry_changed or late or self._closing.is_due() or self._phase_is_due()
            )
        if due and not self.engine.begun:
            self._closing.note_begun()
            self.engine.begin()

    def _phase_is_due(self) -> bool:
        """A resharing goes on between windows: one that is closed goes first (A7)."""
        return not self.settlement.closed and self._succession.phase_is_ready

    def _nudge(self) -> None:
        """Messages get lost: whatever has not moved since is said again (liveness)."""
        self._context.arm(NUDGE_TIMER, self._context.pace.nudge_ms)
        self._succession.say_bundle_again()
        self._late_run.say_again()
        self._succession.seek_acceptance()
        if self._context.unapplied:
            self._applying.apply_decided()
        elif self.keygen.complete and self.settlement.closed:
            self._closing.say_again()
            self._judging.look_again()
        self._fetching.say_again()
        self._signature.say_again()

    def _misbehaved(self, proof: DoubleVote) -> None:
        vote, committees = proof.first.message, self.engine.committees
        key = committees[vote.epoch].node_keys[proof.first.sender]
        told = self._accused.get(key, 0)
        if told >= EVIDENCE_PER_KEY_MAX:  # one is enough to slash and to bar
            return
        self._accused[key] = told + 1
        self._context.write(chronicle.double_vote(self.genesis, committees, proof))
        self._context.note(DOUBLE_VOTE, vote.height, f"member {proof.first.sender}, round {vote.round}")
        at_ms = self._context.now_ms
        self.conduct.see(key, Misdeed.DOUBLE_VOTE, at_ms, vote.height, f"round {vote.round}")
