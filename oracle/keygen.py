"""The key ceremony as the log carries it: collects bundles, makes and checks its entries.

`consensus.dkg` decides what bundles mean. Here is decided when enough of them are
there, what entry they make, and whether a proposed one may be voted for. Knows no
secret: the node's own bundles are made by the shell (`BundleWanted`).

An entry is proposed with everybody's bundle, or, once the phase's time is over, with
those that are there; a voter accepts an incomplete set only when its own time is over
too, so that no proposer can leave a member out at once.

In a resharing the `hello` entry names the committee to come, so that whoever replays the
log needs nobody's word for it (U1), and it is not agreed before q of its members have
said hello: until then nothing is at stake, and the log is not filled with failures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Final

from consensus.dkg.bundle import (
    PER_SLOT_MAX,
    Envelope,
    decode_attachment,
    encode_attachment,
)
from consensus.dkg.bundle import Bundle as CeremonyBundle
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.plan import Kind, Plan
from consensus.dkg.status import Complete, Confirming, Failed, Fault, Phase, Role
from consensus.encoding import EncodingError, Value, decode, encode
from consensus.envelope import Verified, recover
from consensus.messages import Entry, Fields, WrongShape
from consensus.model import InvariantBroken, NodeId, Rejected
from oracle.frames import Bundle
from oracle.model import WindowStart

KINDS: Final = tuple(phase.value for phase in Phase)
FIRST_WINDOW_AHEAD_MAX: Final = 8
"""The first window may begin at most so many windows after the activation."""


@dataclass(slots=True)
class KeyGeneration:
    """One ceremony after another until a key is in force."""

    ceremony: Ceremony
    window_s: int
    overdue: bool = False
    """The open phase's time is over: go on with the bundles that are there."""
    _bundles: dict[tuple[NodeId, bytes], Envelope] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the key is in force."""
        return isinstance(self.ceremony.status, Complete)

    @property
    def failure(self) -> Failed | None:
        """How a resharing ended without new shares; a ceremony of the first key begins anew instead."""
        return self.ceremony.status if isinstance(self.ceremony.status, Failed) else None

    @property
    def resharing(self) -> bool:
        """Whether a key is handed on, and not made."""
        return self.ceremony.plan.kind is Kind.RESHARE

    @property
    def name(self) -> str:
        """The open phase of this very attempt, for timers and for what was asked of the shell."""
        return f"{self.ceremony.plan.session[:8].hex()}/{self.phase.value}"

    def own_slot(self, node_key: bytes) -> NodeId | None:
        """Where a key sits for the open phase: among the dealers, or among the members."""
        plan = self.ceremony.plan
        dealers = self.phase in (Phase.DEAL, Phase.JUSTIFY)
        return (plan.dealers if dealers else plan.members).slot_of(node_key)

    @property
    def phase(self) -> Phase:
        """The phase whose entry comes next."""
        phase = self.ceremony.phase
        if phase is None:
            raise InvariantBroken("a ceremony that has ended has no phase")
        return phase

    def take(self, bundle: Verified[Bundle]) -> None:
        """A member's signed bundle; two of a slot are kept at most, being evidence."""
        value = bundle.message.value
        envelope = Envelope(bundle.sender, value, bundle.signature)
        one = CeremonyBundle(bundle.sender, value)
        if self.ceremony.phase is None or self.ceremony.judge(self.phase, (one,)) is not None:
            return
        if recover(bundle.payload, bundle.signature) != self.ceremony.node_key(self.phase, bundle.sender):
            return  # it was verified for another ceremony, just before this one began
        if sum(1 for slot, _ in self._bundles if slot == bundle.sender) < PER_SLOT_MAX:
            self._bundles[bundle.sender, bundle.payload] = envelope

    @property
    def everybody(self) -> bool:
        """Whether every expected member's bundle is there."""
        return {slot for slot, _ in self._bundles} >= set(self.ceremony.expected)

    @property
    def ready(self) -> bool:
        """Whether the next entry can be proposed."""
        if self.resharing and self.phase is Phase.HELLO:
            if self._too_few({slot for slot, _ in self._bundles}):
                return False
            if self.ceremony.plan.attempt:  # after a failure, not at once again
                return self.overdue
        return self.everybody or self.overdue

    def has(self, slot: NodeId) -> bool:
        """Whether a member's bundle of the open phase is there."""
        return any(held == slot for held, _ in self._bundles)

    def make(
        self, entry: Entry, now_s: int, next_window: WindowStart | None = None
    ) -> tuple[Entry, bytes] | None:
        """Fill the open height's `entry` with the next phase; None when it is not ready.

        `next_window` is the window that is settled next, where there is a key already.
        """
        if not self.ready:
            return None
        attachment = encode_attachment([self._bundles[key] for key in sorted(self._bundles)])
        first_window = next_window or WindowStart((now_s // self.window_s + 2) * self.window_s)
        return replace(entry, kind=self.phase.value, body=self._body(attachment, first_window)), attachment

    def check(
        self, entry: Entry, attachment: bytes, now_s: int, next_window: WindowStart | None = None
    ) -> bool:
        """Whether a proposed entry may be voted for."""
        envelopes = decode_attachment(attachment)
        if isinstance(envelopes, Rejected) or entry.kind != self.phase.value:
            return False
        for envelope in envelopes:
            key = self.ceremony.node_key(self.phase, envelope.slot)
            if key is None or recover(encode(envelope.payload), envelope.signature) != key:
                return False
        bundles = [CeremonyBundle(envelope.slot, envelope.payload) for envelope in envelopes]
        if self.ceremony.judge(self.phase, bundles) is not None:
            return False
        said = {bundle.slot for bundle in bundles}
        if not said >= set(self.ceremony.expected) and not self.overdue:
            return False
        if self.resharing and self.phase is Phase.HELLO and self._too_few(said):
            return False
        first_window = _first_window(entry)
        if entry.kind == Phase.ACTIVATE.value and next_window is not None:
            if first_window != next_window:
                return False
        elif entry.kind == Phase.ACTIVATE.value:
            ahead = FIRST_WINDOW_AHEAD_MAX * self.window_s
            if first_window % self.window_s or not now_s <= first_window <= now_s + ahead:
                return False
        return encode(entry.body) == encode(self._body(attachment, first_window))

    def apply(self, entry: Entry, attachment: bytes) -> tuple[tuple[bytes, Fault], ...]:
        """An agreed entry of the ceremony; of the first key the next attempt begins at once (K2).

        Gives what it shows of its participants' faults, with the node keys of who did it.
        """
        envelopes = decode_attachment(attachment)
        if isinstance(envelopes, Rejected):
            raise InvariantBroken("an agreed attachment was checked before")
        bundles = [CeremonyBundle(envelope.slot, envelope.payload) for envelope in envelopes]
        known = len(self.ceremony.faults)
        self.ceremony = self.ceremony.apply(Phase(entry.kind), bundles)
        plan = self.ceremony.plan
        found = tuple((_culprit(plan, fault), fault) for fault in self.ceremony.faults[known:])
        self._bundles.clear()
        self.overdue = False
        if isinstance(self.ceremony.status, Failed) and not self.resharing:
            self.ceremony = Ceremony(replace(plan, attempt=plan.attempt + 1))
        return found

    def _body(self, attachment: bytes, first_window: WindowStart) -> dict[str, Value]:
        plan = self.ceremony.plan
        body: dict[str, Value] = {
            "epoch": plan.epoch,
            "session": plan.session,
            "attachment": hashlib.sha256(attachment).digest(),
        }
        if self.resharing and self.ceremony.phase is Phase.HELLO:
            body["committee"] = plan.members.node_keys
        if isinstance(self.ceremony.status, Confirming):
            polynomial = self.ceremony.status.outcome.polynomial
            body["group-key"] = polynomial.group_key
            body["commitments"] = polynomial.commitments
            body["first-window"] = first_window
        return body

    def _too_few(self, said: set[NodeId]) -> bool:
        return len(said) < self.ceremony.plan.members.quorum


def genesis_ceremony(plan: Plan, window_s: int) -> KeyGeneration:
    """The ceremony that makes the network's key."""
    return KeyGeneration(Ceremony(plan), window_s)


def _culprit(plan: Plan, fault: Fault) -> bytes:
    """A fault's slot is of the committee in force, or of the one to come."""
    committee = plan.dealers if fault.role is Role.DEALER else plan.members
    return committee.node_keys[fault.slot]


def _first_window(entry: Entry) -> WindowStart:
    first = entry.body.get("first-window", 0)
    return WindowStart(first if isinstance(first, int) else 0)


def read_bundle(payload: bytes) -> Bundle | Rejected:
    """A bundle from the bytes that were signed."""
    try:
        value = decode(payload)
        return Bundle(Fields(value).text("topic", 24), value if isinstance(value, dict) else {})
    except (EncodingError, WrongShape) as cause:
        raise InvariantBroken("our own bundle is canonical") from cause
