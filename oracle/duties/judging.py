"""What this node proposes for a height, and whether it votes for what another proposes (A1, A3).

A proposal is made again from this node's own records; one that does not follow from them is
refused, once and for the whole height. One that may only be too early, or whose records are
on their way, is neither agreed to nor refused: it is looked at again when something changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from consensus.agreement.engine import CheckWanted, ProposeWanted
from consensus.encoding import Value
from consensus.messages import Entry
from consensus.model import Digest
from consensus.step import Outgoing
from oracle import chronicle
from oracle.conduct import Misdeed
from oracle.duties.closing import Closing
from oracle.duties.context import Context
from oracle.duties.succession import Succession
from oracle.events import ChainRead
from oracle.journey import Stage
from oracle.keygen import KINDS
from oracle.model import Device
from oracle.restate import Restating
from oracle.settle import Objection, Settlement, VoidReason, Worth
from oracle.windows.registry import Registry

VOID_ROUND_MIN: Final = 3
"""A window is given up only after so many rounds have failed, deadline or not."""


Verdict: TypeAlias = bool | Objection | None
"""True is a vote for it, None waits, an objection refuses it."""


@dataclass(slots=True)
class Judging:
    """The proposals of the open height."""

    context: Context
    settlement: Settlement
    restating: Restating
    succession: Succession
    closing: Closing
    chain: ChainRead | None = None
    """The registry as the chain has it, as it was last read."""
    pending: dict[Digest, CheckWanted] = field(default_factory=dict)
    """Proposals that are neither agreed to nor refused yet."""
    _found_valid: set[Digest] = field(default_factory=set)

    # -- the registry -------------------------------------------------------------------

    def read_chain(self, read: ChainRead) -> bool:
        """What the chain says; False, and nothing taken, where no registry of ours can hold it."""
        if not self._knows(read.devices) and root_of(read.devices) is None:
            return False
        self.chain = read
        return True

    def agree_registry(self, devices: tuple[Device, ...]) -> None:
        """The log has agreed these, which this node's chain may not show yet."""
        self.chain = ChainRead(devices, 0 if self.chain is None else self.chain.chain_height)

    @property
    def registry_changed(self) -> bool:
        """Whether the chain's registry is another than the log's."""
        chain = self.chain
        return chain is not None and chain.devices != self.settlement.registry.devices

    def _knows(self, devices: tuple[Device, ...]) -> bool:
        """Whether these were looked at before: the chain says the same again at every block."""
        chain = self.chain
        agreed = self.settlement.registry.devices
        return devices == agreed or (chain is not None and devices == chain.devices)

    # -- what this node proposes ----------------------------------------------------------

    def propose(self, ask: ProposeWanted) -> None:
        """Make what is due, and hand it to the engine."""
        context, succession = self.context, self.succession
        blank = Entry(context.network, context.height, context.engine.head[1], "", {})
        if not succession.keygen.complete:
            made = succession.keygen.make(blank, context.now_s)
            if made is not None:
                context.engine.made(ask.round, *made)
            return
        if self.registry_changed and self.chain is not None:
            self._propose_registry(ask, self.chain)
            return
        if self.restating.insists:
            self._propose_restatement(ask)
            return
        if not succession.ceremony.complete and not self.closing.is_due():
            phase = succession.ceremony.make(blank, context.now_s, self.settlement.next_window)
            if phase is not None:
                context.engine.made(ask.round, *phase)
                return
        # Of a window that is over and not closed yet, records may still be on their way.
        worth = self.settlement.make((context.now_ms - context.pace.grace_ms) // 1000)
        if self.closing.past_deadline and ask.round >= VOID_ROUND_MIN:
            worth = self.settlement.void_without_agreement()
        if worth is not None:
            self._propose_worth(ask, worth)

    def _propose_worth(self, ask: ProposeWanted, worth: Worth) -> None:
        entry = self._entry(worth.kind, worth.body)
        if worth.found is not None:
            self.settlement.remember(entry.digest, *worth.found)
            self._found(entry)
        context = self.context
        context.journey.note(
            self.settlement.next_window, Stage.PROPOSED, context.now_ms, f"by us, round {ask.round}"
        )
        context.engine.made(ask.round, entry, worth.attachment)

    def _propose_registry(self, ask: ProposeWanted, chain: ChainRead) -> None:
        body: dict[str, Value] = {
            "registry": Registry(chain.devices).root,
            "device-count": len(chain.devices),
            "chain-height": chain.chain_height,
        }
        self.context.engine.made(ask.round, self._entry("registry", body), b"")

    def _propose_restatement(self, ask: ProposeWanted) -> None:
        data = self.restating.make()
        if data is None:
            return  # its leaves are on their way, or another's restatement comes first
        entry = self._entry("window", data.summary.value())
        self.restating.made(entry.digest, data)
        self._write_leaves(entry)
        self.context.engine.made(ask.round, entry, b"")

    def _entry(self, kind: str, body: Mapping[str, Value]) -> Entry:
        engine = self.context.engine
        return Entry(self.context.network, engine.height, engine.head[1], kind, body)

    # -- what this node votes for -----------------------------------------------------------

    def look_at(self, ask: CheckWanted) -> None:
        """A proposal to be judged, now or when what it needs is there."""
        self.pending[ask.entry.digest] = ask
        self._judge(ask)

    def look_again(self) -> None:
        """Something has changed: what is pending may be clear now."""
        for ask in list(self.pending.values()):
            if ask.entry.height == self.context.height:
                self._judge(ask)

    def found_valid(self, digest: Digest) -> bool:
        """Whether this node found a decided window valid by itself; the height is over with that."""
        found = digest in self._found_valid
        self._found_valid.clear()
        return found

    def _judge(self, ask: CheckWanted) -> None:
        verdict = self._verdict(ask)
        if verdict is None:
            return
        context, entry = self.context, ask.entry
        self.pending.pop(entry.digest, None)
        context.engine.checked(entry.digest, valid=verdict is True)
        if isinstance(verdict, Objection):
            detail = f"{entry.kind} proposed by {ask.sender}: {verdict.value}"
            context.note("refused", entry.height, detail)
            seen = f"{entry.kind}: {verdict.value}"
            context.saw(ask.sender, Misdeed.REFUSED_PROPOSAL, entry.height, seen)

    def _verdict(self, ask: CheckWanted) -> Verdict:
        entry, context, succession = ask.entry, self.context, self.succession
        due = self.settlement.next_window
        if context.unapplied:
            return None
        if not succession.keygen.complete:
            return self._verdict_on_first_key(ask)
        if entry.kind in KINDS and succession.membership is not None:
            valid = succession.membership.check(entry, ask.attachment, context.now_s, due)
            return _or(valid, Objection.CEREMONY)
        if entry.kind == "registry":
            return _or(self._registry_is_valid(entry), Objection.OTHER_REGISTRY)
        if self.settlement.is_restatement(entry):
            found = self.restating.check(entry, ask.attachment, ask.sender)
            return self._looked_into(entry, found, Objection.DOES_NOT_FOLLOW)
        if self.restating.insists and entry.kind in ("window", "void"):
            return None  # not before its restatement, or before the run's time is over (A8)
        if entry.kind == "void":
            return _or(self._void_is_valid(ask), Objection.VOID_NOT_DUE)
        if entry.kind == "window":
            found = self.settlement.check_window(entry, ask.attachment, ask.sender)
            return self._looked_into(entry, found, self.settlement.objection)
        return Objection.OTHER_KIND

    def _looked_into(
        self, entry: Entry, found: tuple[bool | None, Iterable[Outgoing]], objection: Objection
    ) -> Verdict:
        valid, wanted = found
        self.context.send(wanted)
        if valid:
            self._found(entry)
        return _or(valid, objection)

    def _verdict_on_first_key(self, ask: CheckWanted) -> Verdict:
        keygen, entry = self.succession.keygen, ask.entry
        if keygen.check(entry, ask.attachment, self.context.now_s):
            return True
        early = not keygen.overdue and entry.kind == keygen.phase.value
        return None if early else Objection.CEREMONY  # the time of an incomplete set may come

    def _registry_is_valid(self, entry: Entry) -> bool | None:
        """None while this node's view of the chain is another: it may be the older one.

        A refusal stands for the whole height; a value that is only looked at too early must
        not be refused when it is proposed again.
        """
        chain = self.chain
        if chain is None or root_of(chain.devices) != entry.body.get("registry"):
            return None
        return self.registry_changed and entry.body.get("device-count") == len(chain.devices)

    def _void_is_valid(self, ask: CheckWanted) -> bool | None:
        """A7; None where it is only too early here: every such void of a window is the same value."""
        if not self.settlement.closed:
            return None
        if ask.entry.body.get("reason") == VoidReason.NO_LEAF:
            return self.settlement.check_no_leaf(ask.entry)
        now_s = self.context.now_s
        round_ = max(ask.round, self.context.engine.round)
        late = self.closing.past_deadline and round_ >= VOID_ROUND_MIN
        if self.settlement.check_void(ask.entry, now_s, past_deadline=late):
            return True
        early = not late and self.settlement.check_void(ask.entry, now_s, past_deadline=True)
        return None if early else False

    def _found(self, entry: Entry) -> None:
        self._found_valid.add(entry.digest)
        self._write_leaves(entry)

    def _write_leaves(self, entry: Entry) -> None:
        """Before this node votes: were all to crash now, a certificate without leaves would help nobody."""
        data = self.settlement.data_of(entry.digest)
        if data is not None:
            self.context.write(chronicle.leaves(entry, data))


def _or(valid: bool | None, objection: Objection) -> Verdict:  # noqa: FBT001 - it is not a switch
    return objection if valid is False else valid


def root_of(devices: tuple[Device, ...]) -> bytes | None:
    """The root of a registry of these; None where no registry can hold them."""
    try:
        return Registry(devices).root
    except ValueError:
        return None
