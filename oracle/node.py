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
signed with the group key (attest, T1, T2) and goes to the chain (schedule, C1).

After a crash the shell gives back the decided entries (`restore`) and the journal of the
open height (`replay`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
from consensus.agreement.tally import ROUNDS_AHEAD
from consensus.dkg.plan import Plan
from consensus.dkg.status import Fault, FaultReason
from consensus.encoding import Value, decode, encode
from consensus.envelope import ProposalFrame, Verified, open_vote
from consensus.evidence import DoubleVote
from consensus.messages import DecidedEntry, Entry, Fields, Phase, Vote
from consensus.model import (
    Committee,
    Digest,
    Genesis,
    Height,
    InvariantBroken,
    NodeId,
    Rejected,
    check,
)
from consensus.step import (
    JournalRecord,
    Milestone,
    Outgoing,
    Signing,
    Step,
    StepBuilder,
    Timer,
)
from oracle import frames
from oracle.acceptance import ACCEPTANCE_ROUND, Acceptance
from oracle.acceptance import PART_NAME as ACCEPTANCE
from oracle.attest import HEIGHTS_KEPT, Attesting, CombineWanted
from oracle.conduct import Conduct, Misdeed
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
from oracle.journey import Heard, Journey, Said, Stage, Travel
from oracle.keygen import KINDS, KeyGeneration, genesis_ceremony
from oracle.membership import Membership, blame, members_of
from oracle.model import (
    Device,
    WindowStart,
    WindowSummary,
    decode_devices,
    encode_devices,
    read_summary,
)
from oracle.restate import LATE, Restating
from oracle.schedule import transmission
from oracle.settle import Objection, Settlement, VoidReason, Worth
from oracle.windows.attested import Attested
from oracle.windows.calendar import Calendar
from oracle.windows.registry import Registry
from oracle.windows.vee import Rule, Rules
from oracle.windows.window_data import WindowData

DECIDED: Final = "decided"
"""Kind of the journal record that carries a decided entry, its certificate and attachment."""
PART: Final = "part:"
"""Prefix of the kinds that carry a part of a decided height to the history."""
LEAVES: Final = "leaves"
"""Kind of the journal record that carries the leaves behind a value that may be decided."""
EVIDENCE: Final = "evidence:"
"""Prefix of the kinds that carry evidence to the history (E6)."""
DOUBLE_VOTE: Final = "double-vote"
UNCHECKED: Final = "unchecked"
"""Milestone of a window that was decided without this node's own check."""
EVIDENCE_PER_KEY_MAX: Final = 16
"""Double votes of one key that are kept, until a restart (Q5)."""
TRAVEL: Final = "travel"
"""Name of the part that says how a window went here; of the open height, how it goes."""
INPUTS: Final = "inputs"
"""Name of the part that says what was held when a window closed."""
CALENDAR: Final = "calendar"
"""Name of the part that holds what may be restated, beside snapshots and restatements (A8)."""
OBSERVED: Final = "observed"
"""Kind of the journal record of this node's own observations, which it must not say otherwise."""
SNAPSHOT_EVERY: Final = 16
"""The attested registers are kept every so many windows, to start from after a restart."""
WINDOW_TIMER: Final = "window"
COLLECT_TIMER: Final = "collect"
NUDGE_TIMER: Final = "nudge"
DEADLINE_TIMER: Final = "deadline"
LATE_COLLECT_TIMER: Final = "late-collect"
LATE_DEADLINE_TIMER: Final = "late-deadline"
RESHARING_TIMER: Final = "resharing"
PARTS_AT_ONCE: Final = 8
"""Parts of past heights that are asked for at each nudge."""
VOID_ROUND_MIN: Final = 3
"""A window is given up only after so many rounds have failed, deadline or not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long this node waits, in ms."""

    grace_ms: int = 2000
    """From a window's end to its close: how late a reading may arrive."""
    collect_ms: int = 1500
    """From the close to the proposal, unless the members' notices agree earlier."""
    ceremony_ms: int = 20_000
    """For each phase of a key ceremony, unless everybody's bundle is there earlier."""
    deadline_ms: int = 600_000
    """From the close until a window without agreement may be given up (A7)."""
    nudge_ms: int = 1000
    """How often what has not moved is said again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A decided height as the history gives it back."""

    decided: DecidedEntry
    attachment: bytes
    parts: Mapping[str, bytes]

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.decided.entry


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
        committee = genesis.committee
        self.genesis = genesis
        self.network = genesis.network
        self.journey = Journey()
        self.engine = Engine(self.network, committee, own_key, timeouts)
        self.keygen: KeyGeneration = genesis_ceremony(
            Plan(self.network, 0, committee, committee), genesis.window_s
        )
        self.membership: Membership | None = None
        self.acceptance: Acceptance | None = None
        self.settlement = Settlement(
            Registry(()), rules, self.network, self.own, committee.size, committee.quorum
        )
        self.restating = Restating(calendar or Calendar(), self.settlement, self.own, committee.size)
        self.attesting = Attesting(committee.quorum, committee.size)
        self.rejections: dict[str, int] = {}
        self.conduct = Conduct()
        self._pace = pace
        self._now_ms = 0
        self._out = StepBuilder()
        self._chain: ChainRead | None = None
        self._own_bundle: bytes | None = None
        self._asked_bundle = ""
        self._own_observations: bytes | None = None
        self._own_shares: dict[Height, frames.Share] = {}
        self._awaiting_signature: dict[Height, DecidedEntry] = {}
        self._lacking_observations: dict[Height, bytes] = {}
        self._notice: frames.InventoryNotice | None = None
        self._close_armed_ms = 0
        self._pending: dict[Digest, CheckWanted] = {}
        self._unapplied: deque[tuple[DecidedEntry, bytes]] = deque()
        self._collected = False
        self._past_deadline = False
        self._late_collected = False
        self._late_armed = ""
        self._windows_applied = 0
        self._peer_turn = 0
        self._accused: dict[bytes, int] = {}
        self._inputs: bytes | None = None
        self._proposed: Committee | None = None
        self._activation: Entry | None = None
        self._found_valid: set[Digest] = set()

    # -- what the shell reads -------------------------------------------------------

    @property
    def own(self) -> NodeId | None:
        """This node's slot, None outside the committee."""
        return self.engine.own

    @property
    def height(self) -> Height:
        """The height being worked on."""
        return self.engine.height

    @property
    def registry(self) -> Registry:
        """The registry that the log has agreed."""
        return self.settlement.registry

    @property
    def ceremony(self) -> KeyGeneration:
        """The ceremony that is being held; where there is none, the one whose shares are in force."""
        held = None if self.membership is None else self.membership.open
        return held or self.keygen

    @property
    def ceremony_committees(self) -> frames.CeremonyCommittees:
        """Whose words are heard in it."""
        plan = self.ceremony.ceremony.plan
        return plan.dealers, plan.members

    def handle(self, at_ms: int, event: Event) -> Step:
        """Take one event in; `at_ms` is UTC and may not be relied on to rise."""
        self._now_ms = at_ms
        match event:
            case Started():
                self._start()
            case Received(via, message):
                self._receive(via, message)
            case TimerPassed(name):
                self._timer(name)
            case Signed(signing, signature):
                self._signed(signing, signature)
            case Offered(readings, exchanged):
                self._offered(Offered(readings, exchanged))
            case ChainRead():
                self._chain_read(event)
            case CommitteeProposed(committee):
                if self.membership is not None and self.membership.propose(committee):
                    self._note("proposed-committee", self.height, f"epoch {committee.epoch}")
                    self._arm_phase()
                self._proposed = committee
                self._recheck()
            case BundleMade():
                self._bundle_made(event)
            case ShareMade():
                self._share_made(event)
            case SharesCombined():
                self._combined(event)
            case Vouched(key, frame, fresh):
                slot = self.engine.committee.slot_of(key)
                if slot is not None:
                    said = self.engine.said_by(slot) if fresh else ()
                    self._send([Outgoing(one, slot) for one in (*said, frame)])
            case Recalled():
                self._recalled(event)
            case SharesBad(epoch=epoch) if epoch != self.engine.committee.epoch:
                pass  # of a committee that is not in force any more
            case SharesBad(height, culprits):
                self._note("bad-shares", height, ", ".join(map(str, culprits)))
                for slot in culprits:
                    self._saw(slot, Misdeed.BAD_SHARE, height)
                self._combine(self.attesting.bad_shares(height, culprits))
        self._settle()
        for travel in self.journey.due(self.settlement.next_window):
            self._keep(Height(travel.height or self.height), TRAVEL, travel.to_bytes())
        for change in self.restating.take_changes():
            self._out.records.append(JournalRecord(self.height, LATE, change.to_bytes()))
        return self._out.take()

    # -- restart --------------------------------------------------------------------

    def restore(self, stored: Iterable[Stored], head: tuple[Height, Digest]) -> None:
        """Give back what was decided: every ceremony entry, the last registry and what follows.

        Windows before the last snapshot of the attested registers may be left out.
        """
        for one in stored:
            snapshot, kind = one.parts.get("snapshot"), one.entry.kind
            self.journey.recall(one.parts.get(TRAVEL, b""))
            if self._unapplied:  # in the order of the log, whatever is there of the later ones
                self._unapplied.append((one.decided, one.attachment))
            elif kind in KINDS or kind == "void":
                self._apply(one.entry, one.attachment, None)
                if ACCEPTANCE in one.parts and self.acceptance is not None:
                    self.acceptance.take_certificate(one.parts[ACCEPTANCE])
            elif kind == "registry" and "registry" in one.parts:
                self._apply_registry(_devices(one.parts["registry"]))
            elif snapshot is not None:
                self._restore_snapshot(one.entry, snapshot)
                if CALENDAR in one.parts:
                    self.restating.load(one.parts[CALENDAR])
            elif CALENDAR in one.parts and self._is_restatement(one.entry):
                self._restore_restatement(one)
            elif "window" in one.parts:
                data = self._window_data(one.entry, one.parts["window"])
                self._apply(one.entry, one.attachment, data)
                if "observations" not in one.parts and self.settlement.lacks_observations(one.attachment):
                    self._lacking_observations[one.entry.height] = one.attachment
            else:
                self._unapplied.append((one.decided, one.attachment))
            if "bls" not in one.parts and not self._unapplied:
                self._await_signature(one.decided)
        kept = self.engine
        self.engine = Engine(self.network, kept.committee, kept.own_key, kept.timeouts, head)
        self.engine.committees.update(kept.committees)
        done = self.acceptance is None or self.acceptance.certificate is not None
        asked = self._out.take().signings
        self._out.signings += [one for one in asked if not (done and one.round == ACCEPTANCE_ROUND)]

    def replay(self, journal: Iterable[JournalRecord]) -> None:
        """Give back the open height; what is still to be done comes with the next Step."""
        agreement: list[JournalRecord] = []
        for record in journal:
            if record.kind.startswith(EVIDENCE) or record.kind == LATE:
                continue  # it is history, and says nothing of the open height
            if record.kind == OBSERVED:
                if record.height == self.height:
                    self._replay_observations(record.data)
            elif record.kind != LEAVES:
                agreement.append(record)
            elif record.height == self.height:
                self._replay_leaves(record.data)
        self.engine.replay(agreement)

    # -- events ---------------------------------------------------------------------

    def _start(self) -> None:
        self.engine.start()
        self._out.timers.append(Timer(NUDGE_TIMER, self._pace.nudge_ms))
        self._arm_phase()

    def _receive(self, via: NodeId, message: frames.NodeMessage) -> None:
        self._hear(via, message)
        match message:
            case Verified(message=frames.Observations()):
                self.settlement.on_observations(message)  # type: ignore[arg-type]
                self._recheck()
            case Verified(message=frames.Bundle()):
                (self.membership or self.keygen).take(message)  # type: ignore[arg-type]
            case Verified(message=Vote(round=round_)) if round_ == ACCEPTANCE_ROUND:
                self._accept(message)  # type: ignore[arg-type]
            case Verified(message=Vote()) | ProposalFrame() | wire.Status() | wire.Entries():
                self.engine.receive(via, message)  # type: ignore[arg-type]
            case frames.InventoryNotice():
                self._send(self._keeping(message.window).on_notice(via, message))
            case frames.RowsWanted():
                self._send(self._keeping(message.window).on_rows_wanted(via, message))
            case frames.Rows():
                self._send(self._keeping(message.window).on_rows(via, message))
                self._recheck()
            case frames.ObservationsWanted(window, slot):
                held = self.settlement.observations_of(window, slot)
                if held is not None:
                    self._send([Outgoing(frames.signed_frame(held), via)])
            case frames.Share(epoch=epoch) if epoch != self.engine.committee.epoch:
                pass  # its maker is in another epoch, and says it again
            case frames.Share(height, digest, signature):
                head = self.engine.head[0]
                self._combine(self.attesting.share(height, via, digest, signature, head))
            case frames.Part():
                self._part(message)
            case _:
                raise InvariantBroken("requests for history are answered by the shell")

    def _timer(self, name: str) -> None:
        match name:
            case "window":
                pass  # what is due is looked at after every event
            case "nudge":
                self._nudge()
            case _ if name.startswith("collect/"):
                self._collected |= name == self._window_timer(COLLECT_TIMER)
            case _ if name.startswith("deadline/"):
                self._past_deadline |= name == self._window_timer(DEADLINE_TIMER)
                self._recheck()
            case _ if name.startswith("late-"):
                self._late_timer(name)
            case _ if name.startswith("phase/"):
                if not self.keygen.complete and name == self._phase_timer():
                    self.keygen.overdue = True
                    self._recheck()
            case _ if name.startswith(f"{RESHARING_TIMER}/"):
                held = name.removeprefix(f"{RESHARING_TIMER}/")
                if self.membership is not None and self.membership.pass_time(held):
                    self._recheck()
            case _ if name == GOSSIP_TIMER or name.startswith("round/"):
                self.engine.timer(name)
            case _:
                raise InvariantBroken(f"nobody armed {name}")

    def _signed(self, signing: Signing, signature: bytes) -> None:
        if signing.topic == "observations":
            opened = frames.open_signed(
                int(self.own or 0), signing.payload, signature, self.network, self.engine.committees
            )
            check(isinstance(opened, Verified), "our own observations verify")
            self._hear(NodeId(int(self.own or 0)), opened)  # type: ignore[arg-type]
            self._own_observations = signing.payload
            self._journal_observations(opened)  # type: ignore[arg-type]
            self.settlement.on_observations(opened)  # type: ignore[arg-type]
            self._send([Outgoing(frames.signed_frame(opened))])  # type: ignore[arg-type]
            return
        if signing.round == ACCEPTANCE_ROUND:
            self._accept(open_vote(signing.payload, signature, self.network, self.engine.committees))
            return
        self._hear_own(signing)
        self.engine.signed(signing, signature)

    def _offered(self, offered: Offered) -> None:
        now_s = None if offered.exchanged else self._now_ms // 1000
        self.settlement.open_windows(self._now_ms // 1000)
        taken: dict[WindowStart, int] = {}
        late = [one for one in offered.readings if self.restating.is_late(one)]
        timely = [one for one in offered.readings if not self.restating.is_late(one)]
        verdicts = (*self.settlement.offer(timely, now_s), *self.restating.offer(late))
        for reading, verdict in zip((*timely, *late), verdicts, strict=True):
            if isinstance(verdict, Rejected):
                self._count_rejection(str(verdict.reason.value))
                continue
            taken[verdict.window] = taken.get(verdict.window, 0) + 1
            if Rule.TWO_STORIES in verdict.flags:
                self.conduct.see_meter(reading.usage_point, self._now_ms, verdict.window)
        for window, count in taken.items():
            self.journey.at(window).read(count, self._now_ms)
        if late and self.restating.running:
            self._tell_late()
            self._recheck()
        if self.settlement.closed:
            self._send_notice(again=False)
            self._recheck()

    def _count_rejection(self, reason: str) -> None:
        self.rejections[reason] = self.rejections.get(reason, 0) + 1

    def _chain_read(self, read: ChainRead) -> None:
        if not self._knows(read.devices) and _root(read.devices) is None:  # no registry of ours can hold it
            self._note("registry-unusable", self.height, f"{len(read.devices)} devices")
            return
        self._chain = read
        self._recheck()

    def _knows(self, devices: tuple[Device, ...]) -> bool:
        """Whether these were looked at before: the chain says the same again at every block."""
        chain = self._chain
        return devices == self.registry.devices or (chain is not None and devices == chain.devices)

    def _bundle_made(self, made: BundleMade) -> None:
        held = self.ceremony
        session = Fields(decode(made.payload)).buff("session", 32)
        if held.complete or made.phase != held.phase.value or session != held.ceremony.plan.session:
            return
        opened = frames.open_signed(
            int(held.own_slot(self.engine.own_key) or 0),
            made.payload,
            made.signature,
            self.network,
            self.engine.committees,
            self.ceremony_committees,
        )
        check(isinstance(opened, Verified), "our own bundle verifies")
        held.take(opened)  # type: ignore[arg-type]
        self._own_bundle = frames.signed_frame(opened)  # type: ignore[arg-type]
        self._send([Outgoing(self._own_bundle)])

    def _share_made(self, made: ShareMade) -> None:
        if self.own is None or made.epoch != self.engine.committee.epoch:
            return
        share = frames.Share(made.height, made.digest, made.signature, made.epoch)
        self._own_shares[made.height] = share
        self._hear(self.own, share)
        self._send([Outgoing(frames.share_frame(share))])
        head = self.engine.head[0]
        self._combine(self.attesting.share(made.height, self.own, made.digest, made.signature, head))

    def _combined(self, combined: SharesCombined) -> None:
        decided = self._awaiting_signature.pop(combined.height, None)
        if not self.attesting.combined(combined.height) or decided is None:
            return
        self._own_shares.pop(combined.height, None)
        self._keep(combined.height, "bls", combined.signature)
        self._note("attested", combined.height, combined.signature[:4].hex())
        window = decided.entry.body.get("window")
        if isinstance(window, int):
            self.journey.note(WindowStart(window), Stage.ATTESTED, self._now_ms)
        if self.own is not None:
            members = self.engine.committee.size
            wanted = transmission(decided, combined.signature, self.own, members)
            self._out.transmissions += [] if wanted is None else [wanted]

    # -- what is due ----------------------------------------------------------------

    def _consider(self) -> None:
        """Begin the open height if what is due can be decided; otherwise arm for when it can."""
        if self._unapplied:
            return
        if not self.keygen.complete:
            self._consider_ceremony()
            return
        self._close_if_due()
        late = self._restatement_is_due()
        self._ask_bundle()
        if not self.engine.begun and (
            self._registry_changed() or late or self._window_is_due() or self._phase_is_due()
        ):
            self.engine.begin()

    def _consider_ceremony(self) -> None:
        self._ask_bundle()
        if self.keygen.ready and not self.engine.begun:
            self.engine.begin()

    def _ask_bundle(self) -> None:
        held = self.ceremony
        if held.complete or self._asked_bundle == held.name or held.own_slot(self.engine.own_key) is None:
            return
        self._asked_bundle = held.name
        self._out.signings.append(Signing("bundle", held.phase.value.encode(), self.height))

    def _phase_is_due(self) -> bool:
        """A resharing goes on between windows: one that is closed goes first (A7)."""
        return not self.settlement.closed and not self.ceremony.complete and self.ceremony.ready

    def _close_if_due(self) -> None:
        window = self.settlement.next_window
        self.settlement.open_windows(self._now_ms // 1000)
        close_ms = (window + self.genesis.window_s) * 1000 + self._pace.grace_ms
        if self._now_ms < close_ms:
            if self._close_armed_ms != close_ms:
                self._close_armed_ms = close_ms
                self._out.timers.append(Timer(WINDOW_TIMER, close_ms - self._now_ms))
        elif not self.settlement.closed:
            self._close()

    def _window_is_due(self) -> bool:
        if not self.settlement.closed:
            return False
        if not self._collected and not self.settlement.reconciled:
            return False
        self.journey.note(self.settlement.next_window, Stage.RECONCILED, self._now_ms)
        return True

    def _close(self) -> None:
        window = self.settlement.next_window
        self.settlement.close()
        self.journey.note(window, Stage.CLOSED, self._now_ms)
        self._inputs = self.settlement.inputs().to_bytes()
        self._keep(self.height, INPUTS, self._inputs)
        self._arm_collection()
        self._arm_deadline()
        self._ask_observations()
        self._send_notice()
        self._send(self.settlement.compare_all())
        self._recheck()

    def _arm_collection(self) -> None:
        self._collected = False
        self._out.timers.append(Timer(self._window_timer(COLLECT_TIMER), self._pace.collect_ms))

    def _arm_deadline(self) -> None:
        self._past_deadline = False
        self._out.timers.append(Timer(self._window_timer(DEADLINE_TIMER), self._pace.deadline_ms))

    def _window_timer(self, name: str) -> str:
        return f"{name}/{self.settlement.next_window}"

    def _ask_observations(self) -> None:
        epoch = self.engine.committee.epoch
        if self.own is None or self.settlement.signed_already(epoch) is not None:
            return
        payload = self.settlement.own_observations(epoch)
        if payload is not None:
            self._out.signings.append(Signing("observations", payload, self.height))

    def _send_notice(self, *, again: bool = True) -> None:
        notice = self.settlement.notice(self.engine.committee.epoch)
        if notice is not None and (again or notice != self._notice):
            self._notice = notice
            self._send([Outgoing(frames.inventory_frame(notice))])

    # -- the engine's asks ------------------------------------------------------------

    def _settle(self) -> None:
        """Answer the engine until it asks no more, then look at what is due.

        In this order: what is due follows from the log, so a decided entry is applied first.
        """
        while True:
            step, asks = self.engine.take()
            self._merge(step)
            if not asks:
                self._consider()
                step, asks = self.engine.take()
                self._merge(step)
            if not asks:
                return
            for ask in asks:
                self._answer(ask)

    def _answer(self, ask: Ask) -> None:
        match ask:
            case ProposeWanted(height, _):
                if height == self.height:
                    self._propose(ask)
            case CheckWanted():
                self._pending[ask.entry.digest] = ask
                self._check(ask)
            case Committed(decided, attachment):
                self._committed(decided, attachment)
            case Misbehaved(proof):
                self._misbehaved(proof)

    def _propose(self, ask: ProposeWanted) -> None:
        blank = Entry(self.network, self.height, self.engine.head[1], "", {})
        if not self.keygen.complete:
            made = self.keygen.make(blank, self._now_ms // 1000)
            if made is not None:
                self.engine.made(ask.round, *made)
            return
        if self._registry_changed():
            self._propose_registry(ask)
            return
        if self.restating.insists:
            self._propose_restatement(ask)
            return
        if not self.ceremony.complete and not self._window_is_due():
            phase = self.ceremony.make(blank, self._now_ms // 1000, self.settlement.next_window)
            if phase is not None:
                self.engine.made(ask.round, *phase)
                return
        # Of a window that is over and not closed yet, records may still be on their way.
        worth = self.settlement.make((self._now_ms - self._pace.grace_ms) // 1000)
        if self._past_deadline and ask.round >= VOID_ROUND_MIN:
            worth = self.settlement.void_without_agreement()
        if worth is not None:
            self._propose_worth(ask, worth)

    def _propose_worth(self, ask: ProposeWanted, worth: Worth) -> None:
        entry = Entry(self.network, self.height, self.engine.head[1], worth.kind, worth.body)
        if worth.found is not None:
            self.settlement.remember(entry.digest, *worth.found)
            self._found_valid.add(entry.digest)
            self._journal_leaves(entry)
        self.journey.note(
            self.settlement.next_window, Stage.PROPOSED, self._now_ms, f"by us, round {ask.round}"
        )
        self.engine.made(ask.round, entry, worth.attachment)

    def _registry_changed(self) -> bool:
        chain = self._chain
        return chain is not None and chain.devices != self.registry.devices

    def _propose_registry(self, ask: ProposeWanted) -> None:
        chain = self._chain
        if chain is None:
            raise InvariantBroken("a registry is proposed as the chain has it")
        body: dict[str, Value] = {
            "registry": Registry(chain.devices).root,
            "device-count": len(chain.devices),
            "chain-height": chain.chain_height,
        }
        entry = Entry(self.network, self.height, self.engine.head[1], "registry", body)
        self.engine.made(ask.round, entry, b"")

    def _check(self, ask: CheckWanted) -> None:
        """Find out whether a proposal is valid; while that is being fetched it stays pending."""
        entry = ask.entry
        verdict: bool | None
        objection = Objection.CEREMONY
        if self._unapplied:
            verdict = None
        elif not self.keygen.complete:
            verdict = self.keygen.check(entry, ask.attachment, self._now_ms // 1000)
            if not verdict and not self.keygen.overdue and entry.kind == self.keygen.phase.value:
                verdict = None  # too early for an incomplete set; its time may come
        elif entry.kind in KINDS and self.membership is not None:
            next_window = self.settlement.next_window
            verdict = self.membership.check(entry, ask.attachment, self._now_ms // 1000, next_window)
        elif entry.kind == "registry":
            verdict, objection = self._check_registry(entry), Objection.OTHER_REGISTRY
        elif self._is_restatement(entry):
            verdict, wanted = self.restating.check(entry, ask.attachment, ask.sender)
            self._send(wanted)
            if verdict:
                self._found_valid.add(entry.digest)
                self._journal_leaves(entry)
        elif self.restating.insists and entry.kind in ("window", "void"):
            verdict = None  # not before its restatement, or before the run's time is over (A8)
        elif entry.kind == "void":
            verdict, objection = self._check_void(ask), Objection.VOID_NOT_DUE
        elif entry.kind == "window":
            verdict, wanted = self.settlement.check_window(entry, ask.attachment, ask.sender)
            self._send(wanted)
            objection = self.settlement.objection
            if verdict:
                self._found_valid.add(entry.digest)
                self._journal_leaves(entry)
        else:
            verdict, objection = False, Objection.OTHER_KIND
        if verdict is not None:
            self._pending.pop(entry.digest, None)
            self.engine.checked(entry.digest, valid=verdict)
            if not verdict:
                detail = f"{entry.kind} proposed by {ask.sender}: {objection.value}"
                self._note("refused", entry.height, detail)
                seen = f"{entry.kind}: {objection.value}"
                self._saw(ask.sender, Misdeed.REFUSED_PROPOSAL, entry.height, seen)

    def _check_registry(self, entry: Entry) -> bool | None:
        """None while this node's view of the chain is another: it may be the older one.

        A refusal stands for the whole height; a value that is only looked at too early must
        not be refused when it is proposed again.
        """
        chain = self._chain
        if chain is None or _root(chain.devices) != entry.body.get("registry"):
            return None
        return self._registry_changed() and entry.body.get("device-count") == len(chain.devices)

    def _check_void(self, ask: CheckWanted) -> bool | None:
        """A7; None where it is only too early here: every such void of a window is the same value."""
        if not self.settlement.closed:
            return None
        if ask.entry.body.get("reason") == VoidReason.NO_LEAF:
            return self.settlement.check_no_leaf(ask.entry)
        now_s = self._now_ms // 1000
        round_ = max(ask.round, self.engine.round)
        late = self._past_deadline and round_ >= VOID_ROUND_MIN
        if self.settlement.check_void(ask.entry, now_s, past_deadline=late):
            return True
        early = not late and self.settlement.check_void(ask.entry, now_s, past_deadline=True)
        return None if early else False

    def _recheck(self) -> None:
        for ask in list(self._pending.values()):
            if ask.entry.height == self.height:
                self._check(ask)

    # -- decided --------------------------------------------------------------------

    def _committed(self, decided: DecidedEntry, attachment: bytes) -> None:
        entry = decided.entry
        row: Value = {
            "entry": entry.encoded(),
            "certificate": decided.certificate.encoded(),
            "attachment": attachment,
        }
        self._out.records.append(JournalRecord(entry.height, DECIDED, encode(row)))
        self._pending.clear()
        self._note("certified", entry.height, f"{entry.kind}, round {decided.certificate.round}")
        self._unapplied.append((decided, attachment))
        self._apply_decided()

    def _apply_decided(self) -> None:
        """Apply decided entries in order, as far as their data are there (U1)."""
        while self._unapplied:
            decided, attachment = self._unapplied[0]
            entry, data = decided.entry, None
            if entry.kind == "window":
                data = self.settlement.data_of(entry.digest)
                if data is None:
                    self._want_part(entry.height, "window")
                    return
                if self._is_restatement(entry) and not self.restating.can_absorb(data):
                    self._recall()
                    return
                self._keep(entry.height, "window", data.to_bytes())
                if entry.digest not in self._found_valid:  # whether it is false, the shell finds out (E2, E3)
                    self._note(UNCHECKED, entry.height, "decided by others")
                self._found_valid.clear()
                if self._is_restatement(entry):
                    pass  # its witnessed leaves rest on the observations of the first revision
                elif self.settlement.lacks_observations(attachment):
                    self._want_observations(entry.height, attachment)
                else:
                    self._keep_observations(entry.height)
            if entry.kind == "registry" and not self._take_registry(entry):
                self._want_part(entry.height, "registry")
                return
            self._unapplied.popleft()
            epoch, due = self.engine.committee.epoch, self.settlement.next_window
            self._apply(entry, attachment, data)
            self._await_signature(decided)
            if self.keygen.complete:
                if self.settlement.next_window == due:  # of another kind: its votes were not the window's
                    self.journey.at(due).drop_votes()
                self.journey.opened(entry.height + 1, self.settlement.next_window)
            if entry.kind not in KINDS:
                self._reset_height()
            elif self.engine.committee.epoch != epoch:
                self._begin_with_others()

    def _apply(self, entry: Entry, attachment: bytes, data: WindowData | None) -> None:
        match entry.kind:
            case "window":
                if data is None:
                    raise InvariantBroken("a window is applied with its leaves")
                if self._is_restatement(entry):
                    self._apply_restatement(entry, data)
                    return
                before = self.settlement.next_window
                self.restating.decided_window(data)
                self.settlement.apply_window(data)
                self._run_begins(before)
                leaves = data.summary.leaf_count
                self._certified(entry, data.summary.window, f"{leaves} leaves").leaves = leaves
                self._windows_applied += 1
                if self._windows_applied % SNAPSHOT_EVERY == 0:
                    self._keep(entry.height, "snapshot", self.settlement.attested.to_bytes())
                    self._keep(entry.height, CALENDAR, self.restating.to_bytes())
            case "void":
                fields = Fields(entry.body)
                window, count = WindowStart(fields.uint("window")), fields.uint("count")
                self._certified(entry, window, "void").void_reason = fields.uint("reason")
                self.restating.decided_void(window, count)
                self.settlement.skip(count)
                self._run_begins(window)
            case kind if kind in KINDS and self.membership is not None:
                self._apply_resharing(self.membership, entry, attachment)
            case kind if kind in KINDS:
                self._saw_faults(self.keygen.apply(entry, attachment), entry.height)
                self._own_bundle = None
                if self.keygen.complete:
                    first = Fields(entry.body).uint("first-window")
                    self.settlement.begin_at(WindowStart(first))
                    self._open_epoch(self.keygen)
                else:
                    self._arm_phase()
            case _:
                pass

    def _certified(self, entry: Entry, window: WindowStart, detail: str) -> Travel:
        """A window is settled, for `explain`; one that is recalled after a restart knows when."""
        travel = self.journey.at(window)
        if travel.height != entry.height:
            self.journey.note(window, Stage.CERTIFIED, self._now_ms, detail)
            travel.height = entry.height
            if self._inputs is not None:  # closed under this height, or under one that a registry took
                self._keep(entry.height, INPUTS, self._inputs)
        self._inputs = None
        return travel

    # -- the committee's change ---------------------------------------------------------

    def _apply_resharing(self, membership: Membership, entry: Entry, attachment: bytes) -> None:
        failed = membership.failure
        faults, complete = membership.apply(entry, attachment)
        self._saw_faults(faults, entry.height)
        self._own_bundle = None
        if complete is not None:
            self._adopt(complete, entry)
            return
        if membership.failure is not None and membership.failure is not failed:  # K2
            detail = f"{membership.failure.reason.value}; {blame(membership.failure.culprits)}"
            self._note("ceremony-failed", entry.height, detail)
        self._arm_phase()

    def _adopt(self, complete: KeyGeneration, activation: Entry) -> None:
        """The new shares are in force, and from the next height on the new committee decides (K3)."""
        committee, was = members_of(complete)[0], self.own
        self.keygen = complete
        self.engine.adopt_committee(committee)
        self.settlement.change_committee(self.own, committee.size, committee.quorum)
        self.restating.own, self.restating.members = self.own, committee.size
        self.attesting = Attesting(committee.quorum, committee.size)
        self._open_epoch(complete)
        self._own_shares.clear()
        pending = list(self._awaiting_signature.values())
        for decided in pending:  # by the new shares: the group's signature is the same (T1)
            self._await_signature(decided)
        self._activation = activation
        self.acceptance = Acceptance(self.network, activation.height, activation.digest, committee)
        if self.own is not None:
            self._out.signings.append(self.acceptance.signing())
        place = "not a member" if self.own is None else f"member {self.own}"
        left = ", left the committee" if self.own is None and was is not None else ""  # U2
        self._note("epoch", activation.height, f"{committee.epoch}: {place}{left}")

    def _open_epoch(self, complete: KeyGeneration) -> None:
        committee, polynomial = members_of(complete)
        self.membership = Membership(self.network, self.genesis.window_s, committee, polynomial)
        if self._proposed is not None:
            self.membership.propose(self._proposed)
            self._arm_phase()

    def _begin_with_others(self) -> None:
        """The window that is open goes on with other members; its deadline stays."""
        self._own_observations = None
        if self.settlement.closed:
            self._arm_collection()
            self._ask_observations()
            self._send_notice()

    def _accept(self, vote: Verified[Vote] | Rejected) -> None:
        """A new member's word for the chain that its committee has taken over."""
        acceptance = self.acceptance
        if acceptance is None or isinstance(vote, Rejected):
            return
        if acceptance.own is None and self.own is not None and vote.sender == self.own:
            acceptance.own = vote
            self._send([Outgoing(wire.vote_frame(vote))])
        if acceptance.take(vote):
            self._accepted(acceptance)

    def _accepted(self, acceptance: Acceptance) -> None:
        certificate = acceptance.certificate
        if certificate is None:
            raise InvariantBroken("a quorum has accepted")
        self._keep(acceptance.height, ACCEPTANCE, certificate.encoded())
        self._note("accepted", acceptance.height, f"epoch {certificate.epoch}")
        entry = self._activation
        if self.own is not None and entry is not None:
            wanted = transmission(DecidedEntry(entry, certificate), b"", self.own, acceptance.committee.size)
            self._out.transmissions += [] if wanted is None else [wanted]

    # -- signatures of the group --------------------------------------------------------

    def _take_registry(self, entry: Entry) -> bool:
        chain = self._chain
        if chain is None or _root(chain.devices) != entry.body.get("registry"):
            return False
        self._apply_registry(chain.devices)
        self._keep(entry.height, "registry", encode_devices(chain.devices))
        return True

    def _apply_registry(self, devices: tuple[Device, ...]) -> None:
        registry = Registry(devices)
        self.settlement.change_registry(registry)
        self.restating.change_registry(registry)

    def _await_signature(self, decided: DecidedEntry) -> None:
        """T1: a share is made only over a decided entry's digest, once there is a key."""
        if not self.keygen.complete:
            return
        entry = decided.entry
        self._awaiting_signature[entry.height] = decided
        while len(self._awaiting_signature) > HEIGHTS_KEPT:
            self._awaiting_signature.pop(next(iter(self._awaiting_signature)))
        if self.own is not None:
            self._out.signings.append(Signing("share", entry.digest, entry.height))
        self._combine(self.attesting.decided(entry.height, entry.digest))

    def _combine(self, wanted: CombineWanted | None) -> None:
        if wanted is None:
            return
        rows: list[Value] = [{"slot": slot, "share": share} for slot, share in wanted.shares]
        epoch = self.engine.committee.epoch
        payload = encode({"digest": wanted.digest, "epoch": epoch, "shares": rows})
        self._out.signings.append(Signing("combine", payload, wanted.height))

    def _reset_height(self) -> None:
        self._collected = False
        self._past_deadline = False
        self._own_observations = None
        said = self.settlement.signed_already(self.engine.committee.epoch)
        if said is not None:  # the journal of the height before is gone
            self._journal_observations(said)
        if self.settlement.closed:  # the same window, over another registry
            self._arm_collection()
            self._arm_deadline()
            self._send_notice()

    def _keep_observations(self, height: Height) -> None:
        held = self.settlement.all_observations(self.settlement.next_window)
        if held:
            rows: list[Value] = [
                {"slot": one.sender, "payload": one.payload, "signature": one.signature} for one in held
            ]
            self._keep(height, "observations", encode(rows))

    def _restore_snapshot(self, entry: Entry, snapshot: bytes) -> None:
        attested = Attested.from_bytes(self.registry, snapshot)
        check(isinstance(attested, Attested), "a snapshot is read over the registry it was made over")
        self.settlement.attested = attested  # type: ignore[assignment]
        self.settlement.begin_at(WindowStart(Fields(entry.body).uint("window") + self.genesis.window_s))

    def _restore_restatement(self, one: Stored) -> None:
        data = self._window_data(one.entry, one.parts["window"])
        self.settlement.attested = self.settlement.attested.apply(data)
        self.restating.load(one.parts[CALENDAR])

    def _journal_leaves(self, entry: Entry) -> None:
        """Before this node votes: were all to crash now, a certificate without leaves would help nobody."""
        data = self.settlement.data_of(entry.digest)
        if data is not None:
            row: Value = {"entry": entry.encoded(), "leaves": data.to_bytes()}
            self._out.records.append(JournalRecord(entry.height, LEAVES, encode(row)))

    def _journal_observations(self, said: Verified[frames.Observations]) -> None:
        """Before they are sent: after a crash this node must not say something else (N1)."""
        row: Value = {"payload": said.payload, "signature": said.signature}
        self._out.records.append(JournalRecord(self.height, OBSERVED, encode(row)))

    def _replay_observations(self, data: bytes) -> None:
        fields = Fields(decode(data, bytes_max=len(data)))
        payload, signature = fields.buff("payload", 1, len(data)), fields.buff("signature", 65)
        known = self.engine.committees
        opened = frames.open_signed(int(self.own or 0), payload, signature, self.network, known)
        if self.own is not None and isinstance(opened, Verified):
            self.settlement.on_observations(opened)  # type: ignore[arg-type]

    def _replay_leaves(self, data: bytes) -> None:
        fields = Fields(decode(data, bytes_max=len(data)))
        entry = Entry.parse(fields.buff("entry", 1, len(data)))
        if isinstance(entry, Rejected):
            raise InvariantBroken("the journal holds the entries of values")
        leaves = self._window_data(entry, fields.buff("leaves", 0, len(data)))
        self.settlement.remember_data(entry.digest, leaves)

    def _window_data(self, entry: Entry, data: bytes) -> WindowData:
        found = WindowData.from_bytes(data, self._summary(entry))
        if isinstance(found, Rejected):
            raise InvariantBroken("the history gives back the leaves that were attested")
        return found

    def _summary(self, entry: Entry) -> WindowSummary:
        summary = read_summary(entry.body)
        if isinstance(summary, Rejected):
            raise InvariantBroken("a decided window has a summary")
        return summary

    # -- late data (A8) -------------------------------------------------------------------

    def _is_restatement(self, entry: Entry) -> bool:
        window = entry.body.get("window")
        return entry.kind == "window" and isinstance(window, int) and window < self.settlement.next_window

    def _keeping(self, window: WindowStart) -> Settlement | Restating:
        """Who knows of a window's records: of settled ones it is the late data."""
        return self.settlement if window >= self.settlement.next_window else self.restating

    def _run_begins(self, before: WindowStart) -> None:
        self.restating.moved(before)
        for reason in self.restating.take_refused():
            self._count_rejection(reason.value)
        self._late_armed = ""
        if self.restating.running:
            self._tell_late()

    def _tell_late(self) -> None:
        """Say what this node holds for the run; its time begins with the first record."""
        notices = self.restating.notices()
        self._send(Outgoing(frames.inventory_frame(notice)) for notice in notices)
        if self.restating.insists and self._late_armed != self._late_name(""):
            self._late_armed, self._late_collected = self._late_name(""), False
            pace = self._pace
            self._out.timers.append(Timer(self._late_name(LATE_COLLECT_TIMER), pace.collect_ms))
            self._out.timers.append(Timer(self._late_name(LATE_DEADLINE_TIMER), pace.deadline_ms))

    def _late_name(self, name: str) -> str:
        return f"{name}/{self.settlement.next_window}"

    def _late_timer(self, name: str) -> None:
        if name == self._late_name(LATE_COLLECT_TIMER):
            self._late_collected = True
        elif name == self._late_name(LATE_DEADLINE_TIMER):
            self.restating.given_up = True
        self._recheck()

    def _restatement_is_due(self) -> bool:
        """Whether a restatement can be decided: it is owed, or all had time to hand over what they hold."""
        restating = self.restating
        due = restating.insists and restating.candidate is not None
        self._recall()
        return due and (restating.owes or self._late_collected or restating.reconciled)

    def _recall(self) -> None:
        """Leaves of settled windows come from the history."""
        for window in self.restating.take_wanted():
            self._out.signings.append(Signing("recall", encode({"window": window}), self.height))

    def _recalled(self, recalled: Recalled) -> None:
        data = None
        if recalled.summary is not None:
            found = WindowData.from_bytes(recalled.leaves, recalled.summary)
            data = None if isinstance(found, Rejected) else found
        self.restating.recalled(recalled.window, data)
        if self._unapplied:
            self._apply_decided()
        self._recheck()

    def _propose_restatement(self, ask: ProposeWanted) -> None:
        data = self.restating.make()
        if data is None:
            return  # its leaves are on their way, or another's restatement comes first
        body = data.summary.value()
        entry = Entry(self.network, self.height, self.engine.head[1], "window", body)
        self.restating.made(entry.digest, data)
        self._journal_leaves(entry)
        self.engine.made(ask.round, entry, b"")

    def _apply_restatement(self, entry: Entry, data: WindowData) -> None:
        self.restating.absorb(data)
        self.settlement.attested = self.settlement.attested.apply(data)
        self.settlement.forget_values()
        self._keep(entry.height, CALENDAR, self.restating.to_bytes())
        summary = data.summary
        self._note("restated", entry.height, f"window {summary.window}, revision {summary.revision}")
        travel = self.journey.of(summary.window)
        if travel is not None:
            detail = f"revision {summary.revision} at height {entry.height}: {summary.leaf_count} leaves"
            self.journey.note(summary.window, travel.stage, self._now_ms, detail)

    # -- parts of decided heights, fetched from peers ----------------------------------

    def _want_part(self, height: Height, name: str) -> None:
        peers = [slot for slot in range(self.engine.committee.size) if slot != self.own]
        self._peer_turn = (self._peer_turn + 1) % len(peers)
        frame = frames.part_wanted_frame(frames.PartWanted(height, name))
        self._send([Outgoing(frame, NodeId(peers[self._peer_turn]))])

    def _part(self, part: frames.Part) -> None:
        """A part that was asked for; believed only if it gives what is decided."""
        if part.name == "observations":
            self._part_observations(part)
            return
        if part.name == ACCEPTANCE:
            held = self.acceptance
            if held is not None and part.height == held.height and held.take_certificate(part.data):
                self._accepted(held)
            return
        if not self._unapplied or part.height != self._unapplied[0][0].entry.height:
            return
        entry = self._unapplied[0][0].entry
        if part.name == "window" and entry.kind == "window":
            data = WindowData.from_bytes(part.data, self._summary(entry))
            if not isinstance(data, Rejected):
                self.settlement.remember_data(entry.digest, data)
                self._apply_decided()
        elif part.name == "registry" and entry.kind == "registry":
            devices = decode_devices(part.data)
            if not isinstance(devices, Rejected) and _root(devices) == entry.body.get("registry"):
                self._chain_as_agreed(devices)
                self._apply_decided()

    def _want_observations(self, height: Height, attachment: bytes) -> None:
        """Ask for what a decided window rests on; those not answered go behind the others."""
        self._lacking_observations.pop(height, None)
        self._lacking_observations[height] = attachment
        while len(self._lacking_observations) > HEIGHTS_KEPT:
            self._lacking_observations.pop(next(iter(self._lacking_observations)))
        self._want_part(height, "observations")

    def _part_observations(self, part: frames.Part) -> None:
        """What a window rests on that was decided while this node was away; for whoever audits it."""
        attachment = self._lacking_observations.get(part.height)
        if attachment is None:
            return
        known = frames.read_observations(part.data, self.network, self.engine.committees)
        if not isinstance(known, Rejected) and self.settlement.observations_match(attachment, known):
            del self._lacking_observations[part.height]
            self._keep(part.height, "observations", part.data)

    def _chain_as_agreed(self, devices: tuple[Device, ...]) -> None:
        self._chain = ChainRead(devices, 0 if self._chain is None else self._chain.chain_height)

    # -- saying it again ----------------------------------------------------------------

    def _nudge(self) -> None:
        """Messages get lost: whatever has not moved since is said again (liveness)."""
        self._out.timers.append(Timer(NUDGE_TIMER, self._pace.nudge_ms))
        if self._own_bundle is not None and not self.ceremony.complete:
            self._send([Outgoing(self._own_bundle)])
        self.restating.ask_again()
        if self.restating.running:
            self._tell_late()
        if self.acceptance is not None and self.acceptance.certificate is None:
            self._seek_acceptance(self.acceptance)
        if self._unapplied:
            self._apply_decided()
        elif self.keygen.complete and self.settlement.closed:
            self._send_notice()
            self._send(self.settlement.compare_all())
            held = (
                None
                if self.own is None
                else self.settlement.observations_of(self.settlement.next_window, self.own)
            )
            if held is not None:
                self._send([Outgoing(frames.signed_frame(held))])
            elif self._own_observations is None:
                self._ask_observations()
            self._recheck()
        for height, attachment in list(self._lacking_observations.items())[:PARTS_AT_ONCE]:
            self._want_observations(height, attachment)
        for height in self.attesting.unattested():
            share = self._own_shares.get(height)
            if share is not None:
                self._send([Outgoing(frames.share_frame(share))])
            self._want_part(height, "bls")  # also without a share of our own

    def _seek_acceptance(self, acceptance: Acceptance) -> None:
        if acceptance.own is not None:
            self._send([Outgoing(wire.vote_frame(acceptance.own))])
        self._want_part(acceptance.height, ACCEPTANCE)

    # -- small things -------------------------------------------------------------------

    def _phase_timer(self) -> str:
        return f"phase/{self.keygen.phase.value}/{self.keygen.ceremony.plan.attempt}"

    def _arm_phase(self) -> None:
        if not self.keygen.complete:
            self._out.timers.append(Timer(self._phase_timer(), self._pace.ceremony_ms))
        elif self.membership is not None and self.membership.open is not None:
            name = f"{RESHARING_TIMER}/{self.membership.open.name}"
            self._out.timers.append(Timer(name, self.membership.pause(self._pace.ceremony_ms)))

    def _misbehaved(self, proof: DoubleVote) -> None:
        vote, committees = proof.first.message, self.engine.committees
        key = committees[vote.epoch].node_keys[proof.first.sender]
        told = self._accused.get(key, 0)
        if told >= EVIDENCE_PER_KEY_MAX:  # one is enough to slash and to bar
            return
        self._accused[key] = told + 1
        epochs = {vote.epoch, proof.second.message.epoch}
        evidence: Value = {
            "genesis": encode(self.genesis.value()),
            "epochs": [{"number": one, "node-keys": committees[one].node_keys} for one in sorted(epochs)],
            "first": {"payload": proof.first.payload, "signature": proof.first.signature},
            "second": {"payload": proof.second.payload, "signature": proof.second.signature},
        }
        self._out.records.append(JournalRecord(vote.height, EVIDENCE + DOUBLE_VOTE, encode(evidence)))
        self._note(DOUBLE_VOTE, vote.height, f"member {proof.first.sender}, round {vote.round}")
        self.conduct.see(key, Misdeed.DOUBLE_VOTE, self._now_ms, vote.height, f"round {vote.round}")

    # -- who was heard, for `explain` ----------------------------------------------------

    def _hear(self, via: NodeId, message: frames.NodeMessage) -> None:
        """Note the first word of each sort of each member; decides nothing."""
        if not self.keygen.complete:
            return
        match message:
            case Verified(message=Vote(_, height, round_, phase, digest), sender=sender):
                said = Said.PREVOTE if phase is Phase.PREVOTE else Said.COMMIT
                self._heard_at(height, said, sender, round_, digest)
            case ProposalFrame(Verified(message=proposal, sender=sender)):
                self._heard_at(proposal.height, Said.PROPOSAL, sender, proposal.round, proposal.digest)
            case frames.Share(height, digest):
                self._heard_at(height, Said.SHARE, via, 0, digest)
            case frames.InventoryNotice(window):
                self._heard_of(window, Said.NOTICE, via)
            case Verified(message=frames.Observations(_, window), sender=sender):
                self._heard_of(window, Said.OBSERVATIONS, sender)
            case _:
                pass

    def _hear_own(self, signing: Signing) -> None:
        own = self.own
        if own is None or signing.height != self.height or not self.keygen.complete:
            return
        fields = Fields(decode(signing.payload))
        if signing.topic == "vote":
            said = Said.PREVOTE if signing.phase == Phase.PREVOTE else Said.COMMIT
            digest = fields.optional_buff("digest", 32)
        else:
            said, digest = Said.PROPOSAL, fields.buff("digest", 32)
        self._heard_at(self.height, said, own, signing.round, digest)

    def _heard_at(self, height: int, said: Said, sender: NodeId, round_: int, digest: bytes | None) -> None:
        if round_ > self.engine.round + ROUNDS_AHEAD:  # nobody fills the account with rounds to come
            return
        open_height = self._unapplied[0][0].entry.height if self._unapplied else self.height
        heard = Heard(self._now_ms, said, sender, round_, (digest or b"")[:4])
        self.journey.hear(height, open_height, self.settlement.next_window, heard)

    def _heard_of(self, window: WindowStart, said: Said, sender: NodeId) -> None:
        if self.settlement.takes(window):
            self.journey.at(window).hear(Heard(self._now_ms, said, sender))

    def saw_rejected(self, key: bytes, at_ms: int, reason: str) -> None:
        """A peer's frame was rejected before it came to the node; may be told from another thread."""
        self.conduct.see(key, Misdeed.REJECTED_FRAME, at_ms, self.height, reason)

    def _saw(self, slot: NodeId, misdeed: Misdeed, height: int, detail: str = "") -> None:
        keys = self.engine.committee.node_keys
        if slot < len(keys):
            self.conduct.see(keys[slot], misdeed, self._now_ms, height, detail)

    def _saw_faults(self, faults: Iterable[tuple[bytes, Fault]], height: int) -> None:
        """What an entry of a ceremony, the first or a later one, shows of its participants (K2)."""
        for key, fault in faults:
            misdeed = Misdeed.ABSENT if fault.reason is FaultReason.ABSENT else Misdeed.BAD_CEREMONY
            detail = f"{fault.phase.value}: {fault.reason.value}"
            self.conduct.see(key, misdeed, self._now_ms, height, detail)

    def _keep(self, height: Height, name: str, data: bytes) -> None:
        self._out.records.append(JournalRecord(height, PART + name, data))

    def _note(self, name: str, height: int, detail: str) -> None:
        self._out.milestones.append(Milestone(name, height, detail))

    def _send(self, envelopes: Iterable[Outgoing]) -> None:
        self._out.envelopes += envelopes

    def _merge(self, step: Step) -> None:
        self._out.records += step.records
        self._out.envelopes += step.envelopes
        self._out.timers += step.timers
        self._out.signings += step.signings
        self._out.milestones += step.milestones


def _devices(data: bytes) -> tuple[Device, ...]:
    devices = decode_devices(data)
    if isinstance(devices, Rejected):
        raise InvariantBroken("the history gives back the registry that was agreed")
    return devices


def _root(devices: tuple[Device, ...]) -> bytes | None:
    try:
        return Registry(devices).root
    except ValueError:
        return None
