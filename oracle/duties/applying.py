"""What is decided takes effect, in the order of the log; and again after a restart.

An entry is applied once its data are there: a window's leaves, a registry's devices. Until
then the log goes on and is applied later (U1). Parts that peers hand over are believed only
if they give what is decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from consensus.agreement.engine import Engine
from consensus.messages import DecidedEntry, Entry, Fields
from consensus.model import Digest, Height, InvariantBroken, Rejected, check
from consensus.step import JournalRecord
from oracle import chronicle, frames
from oracle.acceptance import ACCEPTANCE_ROUND
from oracle.acceptance import PART_NAME as ACCEPTANCE
from oracle.chronicle import (
    CALENDAR,
    EVIDENCE,
    INPUTS,
    LEAVES,
    OBSERVATIONS,
    OBSERVED,
    REGISTRY,
    SIGNATURE,
    SNAPSHOT,
    TRAVEL,
    WINDOW,
    Stored,
)
from oracle.duties.closing import Closing
from oracle.duties.context import Context
from oracle.duties.fetching import Fetching
from oracle.duties.judging import Judging, root_of
from oracle.duties.late_run import LateRun
from oracle.duties.signature import GroupSignature
from oracle.duties.succession import Succession
from oracle.journey import Stage, Travel
from oracle.keygen import KINDS, KeyGeneration
from oracle.model import Device, WindowStart, decode_devices, encode_devices
from oracle.restate import LATE, Restating
from oracle.settle import Settlement
from oracle.windows.attested import Attested
from oracle.windows.registry import Registry
from oracle.windows.window_data import WindowData

UNCHECKED: Final = "unchecked"
"""Milestone of a window that was decided without this node's own check."""
SNAPSHOT_EVERY: Final = 16
"""The attested registers are kept every so many windows, to start from after a restart."""


@dataclass(slots=True)
class Applying:
    """The log as far as this node has it, and what it has made of the other duties."""

    context: Context
    settlement: Settlement
    restating: Restating
    fetching: Fetching
    succession: Succession
    closing: Closing
    late_run: LateRun
    judging: Judging
    signature: GroupSignature
    _windows: int = 0

    def committed(self, decided: DecidedEntry, attachment: bytes) -> None:
        """The engine has decided: durable first, then applied."""
        entry = decided.entry
        self.context.write(chronicle.decided_entry(decided, attachment))
        self.judging.pending.clear()
        self.context.note("certified", entry.height, f"{entry.kind}, round {decided.certificate.round}")
        self.context.unapplied.append((decided, attachment))
        self.apply_decided()

    def apply_decided(self) -> None:
        """Apply decided entries in order, as far as their data are there (U1)."""
        unapplied = self.context.unapplied
        while unapplied:
            decided, attachment = unapplied[0]
            entry, data = decided.entry, None
            if entry.kind == "window":
                data = self.settlement.data_of(entry.digest)
                if data is None:
                    self.fetching.want(entry.height, WINDOW)
                    return
                if self.settlement.is_restatement(entry) and not self.restating.can_absorb(data):
                    self.late_run.recall()
                    return
                self._keep_window(entry, attachment, data)
            if entry.kind == "registry" and not self._take_registry(entry):
                self.fetching.want(entry.height, REGISTRY)
                return
            unapplied.popleft()
            epoch, due = self.context.engine.committee.epoch, self.settlement.next_window
            self._apply(entry, attachment, data)
            self._await_signature(decided)
            if self.succession.keygen.complete:
                if self.settlement.next_window == due:  # of another kind: its votes were not the window's
                    self.context.journey.at(due).drop_votes()
                self.context.journey.opened(entry.height + 1, self.settlement.next_window)
            if entry.kind not in KINDS:
                self.closing.begin_height()
            elif self.context.engine.committee.epoch != epoch:
                self.closing.begin_with_others()

    def _keep_window(self, entry: Entry, attachment: bytes, data: WindowData) -> None:
        """A window's leaves, and what its witnessed ones rest on, for whoever audits it."""
        self.context.keep(entry.height, WINDOW, data.to_bytes())
        if not self.judging.found_valid(entry.digest):  # whether it is false, the shell finds out (E2, E3)
            self.context.note(UNCHECKED, entry.height, "decided by others")
        if self.settlement.is_restatement(entry):
            return  # its witnessed leaves rest on the observations of the first revision
        if self.settlement.lacks_observations(attachment):
            self.fetching.want_observations(entry.height, attachment)
            return
        held = self.settlement.all_observations(self.settlement.next_window)
        if held:
            self.context.keep(entry.height, OBSERVATIONS, chronicle.observations(held))

    def _apply(self, entry: Entry, attachment: bytes, data: WindowData | None) -> None:
        match entry.kind:
            case "window":
                if data is None:
                    raise InvariantBroken("a window is applied with its leaves")
                if self.settlement.is_restatement(entry):
                    self._apply_restatement(entry, data)
                else:
                    self._apply_window(entry, data)
            case "void":
                fields = Fields(entry.body)
                window, count = WindowStart(fields.uint("window")), fields.uint("count")
                self._certified(entry, window, "void").void_reason = fields.uint("reason")
                self.restating.decided_void(window, count)
                self.settlement.skip(count)
                self.late_run.moved(window)
            case kind if kind in KINDS and self.succession.membership is not None:
                complete = self.succession.go_on(entry, attachment)
                if complete is not None:
                    self._adopt(complete, entry)
            case kind if kind in KINDS:
                if self.succession.begin(entry, attachment):
                    first = Fields(entry.body).uint("first-window")
                    self.settlement.begin_at(WindowStart(first))
                    self.succession.open_epoch(self.succession.keygen)
            case _:
                pass

    def _apply_window(self, entry: Entry, data: WindowData) -> None:
        before = self.settlement.next_window
        self.restating.decided_window(data)
        self.settlement.apply_window(data)
        self.late_run.moved(before)
        leaves = data.summary.leaf_count
        self._certified(entry, data.summary.window, f"{leaves} leaves").leaves = leaves
        self._windows += 1
        if self._windows % SNAPSHOT_EVERY == 0:
            self.context.keep(entry.height, SNAPSHOT, self.settlement.attested.to_bytes())
            self.context.keep(entry.height, CALENDAR, self.restating.to_bytes())

    def _apply_restatement(self, entry: Entry, data: WindowData) -> None:
        self.restating.absorb(data)
        self.settlement.attested = self.settlement.attested.apply(data)
        self.settlement.forget_values()
        self.context.keep(entry.height, CALENDAR, self.restating.to_bytes())
        summary = data.summary
        self.context.note("restated", entry.height, f"window {summary.window}, revision {summary.revision}")
        travel = self.context.journey.of(summary.window)
        if travel is not None:
            detail = f"revision {summary.revision} at height {entry.height}: {summary.leaf_count} leaves"
            self.context.journey.note(summary.window, travel.stage, self.context.now_ms, detail)

    def _certified(self, entry: Entry, window: WindowStart, detail: str) -> Travel:
        """A window is settled, for `explain`; one that is recalled after a restart knows when."""
        travel, inputs = self.context.journey.at(window), self.closing.take_inputs()
        if travel.height != entry.height:
            self.context.journey.note(window, Stage.CERTIFIED, self.context.now_ms, detail)
            travel.height = entry.height
            if inputs is not None:  # closed under this height, or under one that a registry took
                self.context.keep(entry.height, INPUTS, inputs)
        return travel

    def _adopt(self, complete: KeyGeneration, activation: Entry) -> None:
        """The new shares are in force, and from the next height on the new committee decides (K3)."""
        committee, was = complete.ceremony.plan.members, self.context.own
        self.context.engine.adopt_committee(committee)
        self.settlement.change_committee(self.context.own, committee.size, committee.quorum)
        self.restating.own, self.restating.members = self.context.own, committee.size
        self.signature.change_committee(committee)
        self.succession.open_epoch(complete)
        self.signature.begin_again()
        self.succession.begin_acceptance(activation)
        place = "not a member" if self.context.own is None else f"member {self.context.own}"
        left = ", left the committee" if self.context.own is None and was is not None else ""  # U2
        self.context.note("epoch", activation.height, f"{committee.epoch}: {place}{left}")

    def _take_registry(self, entry: Entry) -> bool:
        chain = self.judging.chain
        if chain is None or root_of(chain.devices) != entry.body.get("registry"):
            return False
        self._apply_registry(chain.devices)
        self.context.keep(entry.height, REGISTRY, encode_devices(chain.devices))
        return True

    def _apply_registry(self, devices: tuple[Device, ...]) -> None:
        registry = Registry(devices)
        self.settlement.change_registry(registry)
        self.restating.change_registry(registry)

    def _await_signature(self, decided: DecidedEntry) -> None:
        if self.succession.keygen.complete:
            self.signature.await_one(decided)

    def take_part(self, part: frames.Part) -> None:
        """A part that was asked for; believed only if it gives what is decided."""
        if part.name == OBSERVATIONS:
            self.fetching.take_observations(part)
            return
        if part.name == ACCEPTANCE:
            self.succession.take_acceptance(part)
            return
        unapplied = self.context.unapplied
        if not unapplied or part.height != unapplied[0][0].entry.height:
            return
        entry = unapplied[0][0].entry
        if part.name == WINDOW and entry.kind == "window":
            data = WindowData.from_bytes(part.data, chronicle.summary_of(entry))
            if not isinstance(data, Rejected):
                self.settlement.remember_data(entry.digest, data)
                self.apply_decided()
        elif part.name == REGISTRY and entry.kind == "registry":
            devices = decode_devices(part.data)
            if not isinstance(devices, Rejected) and root_of(devices) == entry.body.get("registry"):
                self.judging.agree_registry(devices)
                self.apply_decided()

    # -- restart --------------------------------------------------------------------

    def restore(self, stored: Iterable[Stored], head: tuple[Height, Digest]) -> None:
        """Give back what was decided: every ceremony entry, the last registry and what follows.

        Windows before the last snapshot of the attested registers may be left out.
        """
        for one in stored:
            self.context.journey.recall(one.parts.get(TRAVEL, b""))
            self._restore(one)
            if SIGNATURE not in one.parts and not self.context.unapplied:
                self._await_signature(one.decided)
        kept = self.context.engine
        self.context.engine = Engine(self.context.network, kept.committee, kept.own_key, kept.timeouts, head)
        self.context.engine.committees.update(kept.committees)
        acceptance = self.succession.acceptance
        done = acceptance is None or acceptance.certificate is not None
        out = self.context.out
        asked = out.take().signings
        out.signings += [one for one in asked if not (done and one.round == ACCEPTANCE_ROUND)]

    def _restore(self, one: Stored) -> None:
        unapplied, parts, kind = self.context.unapplied, one.parts, one.entry.kind
        if unapplied:  # in the order of the log, whatever is there of the later ones
            unapplied.append((one.decided, one.attachment))
        elif kind in KINDS or kind == "void":
            self._apply(one.entry, one.attachment, None)
            if ACCEPTANCE in parts:
                self.succession.recall_acceptance(parts[ACCEPTANCE])
        elif kind == "registry" and REGISTRY in parts:
            self._apply_registry(chronicle.devices_of(parts[REGISTRY]))
        elif SNAPSHOT in parts:
            self._restore_snapshot(one.entry, parts[SNAPSHOT])
            if CALENDAR in parts:
                self.restating.load(parts[CALENDAR])
        elif CALENDAR in parts and self.settlement.is_restatement(one.entry):
            data = chronicle.window_data(one.entry, parts[WINDOW])
            self.settlement.attested = self.settlement.attested.apply(data)
            self.restating.load(parts[CALENDAR])
        elif WINDOW in parts:
            data = chronicle.window_data(one.entry, parts[WINDOW])
            self._apply(one.entry, one.attachment, data)
            if OBSERVATIONS not in parts and self.settlement.lacks_observations(one.attachment):
                self.fetching.lacks_observations(one.entry.height, one.attachment)
        else:
            unapplied.append((one.decided, one.attachment))

    def _restore_snapshot(self, entry: Entry, snapshot: bytes) -> None:
        attested = Attested.from_bytes(self.settlement.registry, snapshot)
        check(isinstance(attested, Attested), "a snapshot is read over the registry it was made over")
        self.settlement.attested = attested  # type: ignore[assignment]
        self.settlement.begin_at(
            WindowStart(Fields(entry.body).uint("window") + self.context.genesis.window_s)
        )

    def replay(self, journal: Iterable[JournalRecord]) -> None:
        """Give back the open height; what is still to be done comes with the next Step."""
        agreement: list[JournalRecord] = []
        for record in journal:
            if record.kind.startswith(EVIDENCE) or record.kind == LATE:
                continue  # it is history, and says nothing of the open height
            if record.kind == OBSERVED:
                if record.height == self.context.height:
                    self.closing.recall_observations(*chronicle.read_observed(record.data))
            elif record.kind != LEAVES:
                agreement.append(record)
            elif record.height == self.context.height:
                entry, data = chronicle.read_leaves(record.data)
                self.settlement.remember_data(entry.digest, data)
        self.context.engine.replay(agreement)
