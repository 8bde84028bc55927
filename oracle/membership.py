"""How one committee hands the group's key on to the next, in the log of the one in force (K1-K4).

The chain proposes a committee for the next epoch; the members of both hold a resharing,
whose entries the committee in force agrees on between its windows:

    hello      names the committee to come; q of its members are there
    deal       the committee in force hands its shares on
    respond    the members have opened them; justify follows where some have not
    activate   q members have signed with new shares: from the next height on they decide

Decides which ceremony is open and what its next entry may be. Knows no votes, no time and
no secret. What is agreed is the same at every node; what the chain proposes each node
reads for itself, and nothing waits for the chain: without it the open ceremony goes on.

A ceremony that fails leaves the committee in force, names who did what, and is tried
again, each time after a pause. If the chain proposes another committee instead, the hello
of that one takes the place of whatever is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from consensus.dkg.ceremony import Ceremony
from consensus.dkg.plan import Plan
from consensus.dkg.status import Complete, Failed, Fault, Phase
from consensus.envelope import Verified
from consensus.messages import Entry
from consensus.model import (
    MEMBERS_MAX,
    NODE_KEY_BYTES,
    Committee,
    EpochNumber,
    InvariantBroken,
    Network,
    check,
)
from consensus.threshold.shares import PublicPolynomial
from oracle.frames import Bundle
from oracle.keygen import KeyGeneration
from oracle.model import WindowStart

ATTEMPTS_MAX: Final = 32
"""Of one committee in one epoch; then only another proposal helps. The auditor looks for 64."""
PAUSE_DOUBLINGS_MAX: Final = 6


@dataclass(slots=True)
class Membership:
    """The committee in force and the one that is to follow it."""

    network: Network
    window_s: int
    committee: Committee
    polynomial: PublicPolynomial
    """Of the shares in force."""
    proposed: Committee | None = None
    """What the chain proposes, as it was last read."""
    agreed: KeyGeneration | None = None
    """A ceremony whose hello is in the log and whose end is not."""
    failure: Failed | None = None
    """How the last ceremony of this epoch ended; its culprits say who did what (K2)."""
    _opening: KeyGeneration | None = None
    _attempts: dict[tuple[bytes, ...], int] = field(default_factory=dict)

    @property
    def open(self) -> KeyGeneration | None:
        """The ceremony that is being held: agreed already, or about to be opened by its hello."""
        if self._opening is not None:
            return self._opening
        return self.agreed

    @property
    def target(self) -> Committee | None:
        """The committee to come, None while none is proposed."""
        return None if self.open is None else self.open.ceremony.plan.members

    def propose(self, committee: Committee) -> bool:
        """The chain proposes a committee; True if a ceremony for it is to be opened."""
        self.proposed = committee
        before = self._opening
        self._reopen()
        return self._opening is not None and self._opening is not before

    def take(self, bundle: Verified[Bundle]) -> None:
        """A member's or a dealer's word; it belongs to one session alone."""
        for ceremony in (self.agreed, self._opening):
            if ceremony is not None:
                ceremony.take(bundle)

    def pass_time(self, name: str) -> bool:
        """The time of a phase is over; True if it is one that is open."""
        for ceremony in (self.agreed, self._opening):
            if ceremony is not None and ceremony.name == name:
                ceremony.overdue = True
                return True
        return False

    def pause(self, ceremony_ms: int) -> int:
        """How long the open phase lasts, in ms, unless everybody's word is there earlier."""
        held = self.open
        if held is None or held.phase is not Phase.HELLO:
            return ceremony_ms
        return int(ceremony_ms << min(held.ceremony.plan.attempt, PAUSE_DOUBLINGS_MAX))

    def check(self, entry: Entry, attachment: bytes, now_s: int, next_window: WindowStart) -> bool | None:
        """Whether a proposed entry of a ceremony may be voted for; None while it is only too early."""
        held = self.agreed
        if entry.kind == Phase.HELLO.value:
            held = self._opening
            if not isinstance(entry.body.get("committee"), tuple):
                return False
            if held is None or entry.body.get("committee") != held.ceremony.plan.members.node_keys:
                return None  # the chain may have been read earlier here, or later
        if held is None or held.phase.value != entry.kind:
            return False
        if entry.kind == Phase.ACTIVATE.value and held is not self.open:
            return None  # the chain proposes another committee by now, and would refuse this one
        if held.check(entry, attachment, now_s, next_window):
            return True
        return False if held.overdue else None

    def apply(
        self, entry: Entry, attachment: bytes
    ) -> tuple[tuple[tuple[bytes, Fault], ...], KeyGeneration | None]:
        """An agreed entry: the faults it shows, and its ceremony once the new shares are in force."""
        if entry.kind == Phase.HELLO.value:
            self.agreed = self._begin(_named(entry, self.committee.epoch))
            keys = self.agreed.ceremony.plan.members.node_keys
            self._attempts[keys] = self._attempts.get(keys, 0) + 1
        if self.agreed is None:
            raise InvariantBroken("the phases of a ceremony follow its hello")
        held = self.agreed
        check(
            entry.body.get("session") == held.ceremony.plan.session, "all nodes hold the same ceremony (K1)"
        )
        faults = held.apply(entry, attachment)
        if held.failure is not None:
            self.failure, self.agreed = held.failure, None
        self._reopen()
        return faults, held if held.complete else None

    def _reopen(self) -> None:
        """Have a ceremony ready for what the chain proposes, unless that one is open already."""
        proposed, agreed = self.proposed, self.agreed
        if (
            proposed is None
            or proposed.epoch != self.committee.epoch + 1
            or (agreed is not None and agreed.ceremony.plan.members == proposed)
            or self._attempts.get(proposed.node_keys, 0) >= ATTEMPTS_MAX
        ):
            self._opening = None
        elif self._opening is None or self._opening.ceremony.plan != self._plan(proposed):
            self._opening = self._begin(proposed)

    def _begin(self, committee: Committee) -> KeyGeneration:
        return KeyGeneration(Ceremony(self._plan(committee)), self.window_s)

    def _plan(self, committee: Committee) -> Plan:
        attempt = self._attempts.get(committee.node_keys, 0)
        return Plan(self.network, attempt, self.committee, committee, self.polynomial)


def members_of(complete: KeyGeneration) -> tuple[Committee, PublicPolynomial]:
    """Who holds the shares of a completed ceremony, and their public polynomial."""
    status = complete.ceremony.status
    if not isinstance(status, Complete):
        raise InvariantBroken("a committee follows from a completed ceremony")
    return complete.ceremony.plan.members, status.outcome.polynomial


def blame(culprits: tuple[Fault, ...]) -> str:
    """Who did what, for the operator."""
    return ", ".join(
        f"{one.role.value} {one.slot}: {one.reason.value} at {one.phase.value}" for one in culprits
    )


def _named(entry: Entry, epoch: EpochNumber) -> Committee:
    """The committee that a hello names; it was compared with the chain's before it was agreed."""
    keys = entry.body.get("committee")
    if not isinstance(keys, tuple) or len(keys) > MEMBERS_MAX:
        raise InvariantBroken("the hello of a resharing names the committee to come")
    named = tuple(key for key in keys if isinstance(key, bytes) and len(key) == NODE_KEY_BYTES)
    return Committee(EpochNumber(epoch + 1), named)
