"""Who the committee is: the first key's ceremony, the change to the next committee, its word to
the chain.

At genesis there is a ceremony and no key (K1, K2). After that the shares of one ceremony are
in force, and `oracle.membership` says which resharing is open; when its new shares are
there, the committee to come is the one in force (K3), and tells the chain so.
"""

from __future__ import annotations

from dataclasses import dataclass

from consensus.agreement import wire
from consensus.encoding import decode
from consensus.envelope import Verified, open_vote
from consensus.messages import DecidedEntry, Entry, Fields, Vote
from consensus.model import Committee, InvariantBroken, Rejected, check
from consensus.step import Outgoing, Signing
from oracle import frames
from oracle.acceptance import PART_NAME as ACCEPTANCE
from oracle.acceptance import Acceptance
from oracle.duties.context import Context
from oracle.duties.fetching import Fetching
from oracle.duties.pace import PHASE_TIMER, RESHARING_TIMER
from oracle.events import BundleMade
from oracle.keygen import KeyGeneration
from oracle.membership import Membership, blame, members_of
from oracle.schedule import transmission


@dataclass(slots=True)
class Succession:
    """The ceremonies of one network, one after the other."""

    context: Context
    fetching: Fetching
    keygen: KeyGeneration
    """The ceremony whose shares are in force; before there is a key, the first one."""
    membership: Membership | None = None
    """None before there is a key."""
    acceptance: Acceptance | None = None
    """The word of the committee in force for the chain; the first committee needs none."""
    _proposed: Committee | None = None
    _activation: Entry | None = None
    _bundle: bytes | None = None
    """The frame of this node's own bundle of the open phase."""
    _asked: str = ""

    @property
    def ceremony(self) -> KeyGeneration:
        """The ceremony that is being held; where there is none, the one whose shares are in force."""
        held = None if self.membership is None else self.membership.open
        return held or self.keygen

    @property
    def committees(self) -> frames.CeremonyCommittees:
        """Whose words are heard in it."""
        plan = self.ceremony.ceremony.plan
        return plan.dealers, plan.members

    @property
    def phase_is_ready(self) -> bool:
        """Whether a resharing's next phase can be decided."""
        return not self.ceremony.complete and self.ceremony.ready

    def propose(self, committee: Committee) -> None:
        """The chain proposes a committee."""
        if self.membership is not None and self.membership.propose(committee):
            self.context.note("proposed-committee", self.context.height, f"epoch {committee.epoch}")
            self.arm_phase()
        self._proposed = committee

    def take(self, bundle: Verified[frames.Bundle]) -> None:
        """A member's or a dealer's word."""
        (self.membership or self.keygen).take(bundle)

    def ask_bundle(self) -> None:
        """Have this node's own word of the open phase made, once."""
        held, own_key = self.ceremony, self.context.engine.own_key
        if held.complete or self._asked == held.name or held.own_slot(own_key) is None:
            return
        self._asked = held.name
        self.context.sign(Signing("bundle", held.phase.value.encode(), self.context.height))

    def bundle_made(self, made: BundleMade) -> None:
        """This node's own word; of a phase that is over it is not said any more."""
        held, context = self.ceremony, self.context
        session = Fields(decode(made.payload)).buff("session", 32)
        if held.complete or made.phase != held.phase.value or session != held.ceremony.plan.session:
            return
        opened = frames.open_signed(
            int(held.own_slot(context.engine.own_key) or 0),
            made.payload,
            made.signature,
            context.network,
            context.engine.committees,
            self.committees,
        )
        check(isinstance(opened, Verified), "our own bundle verifies")
        held.take(opened)  # type: ignore[arg-type]
        self._bundle = frames.signed_frame(opened)  # type: ignore[arg-type]
        context.send([Outgoing(self._bundle)])

    def begin(self, entry: Entry, attachment: bytes) -> bool:
        """An agreed entry of the first key's ceremony; True when the key is there."""
        self.context.saw_faults(self.keygen.apply(entry, attachment), entry.height)
        self._bundle = None
        if self.keygen.complete:
            return True
        self.arm_phase()
        return False

    def go_on(self, entry: Entry, attachment: bytes) -> KeyGeneration | None:
        """An agreed entry of a resharing; gives it when its new shares are there."""
        membership = self.membership
        if membership is None:
            raise InvariantBroken("a committee is followed by another once there is a key")
        failed = membership.failure
        faults, complete = membership.apply(entry, attachment)
        self.context.saw_faults(faults, entry.height)
        self._bundle = None
        if complete is not None:
            return complete
        if membership.failure is not None and membership.failure is not failed:  # K2
            detail = f"{membership.failure.reason.value}; {blame(membership.failure.culprits)}"
            self.context.note("ceremony-failed", entry.height, detail)
        self.arm_phase()
        return None

    def open_epoch(self, complete: KeyGeneration) -> None:
        """The shares of this ceremony are in force; another committee may be proposed already."""
        self.keygen = complete
        committee, polynomial = members_of(complete)
        genesis = self.context.genesis
        self.membership = Membership(genesis.network, genesis.window_s, committee, polynomial)
        if self._proposed is not None:
            self.membership.propose(self._proposed)
            self.arm_phase()

    def begin_acceptance(self, activation: Entry) -> None:
        """Each new member signs, for the chain, that its committee has taken over (K3, C2)."""
        context = self.context
        self._activation = activation
        self.acceptance = Acceptance(context.network, activation.height, activation.digest, context.committee)
        if context.own is not None:
            context.sign(self.acceptance.signing())

    def acceptance_signed(self, payload: bytes, signature: bytes) -> None:
        """This node's own word for the chain."""
        context = self.context
        vote = open_vote(payload, signature, context.network, context.engine.committees)
        if not isinstance(vote, Rejected):
            self.accept(vote)

    def accept(self, vote: Verified[Vote]) -> None:
        """A new member's word for the chain that its committee has taken over."""
        acceptance, context = self.acceptance, self.context
        if acceptance is None:
            return
        if acceptance.own is None and context.own is not None and vote.sender == context.own:
            acceptance.own = vote
            context.send([Outgoing(wire.vote_frame(vote))])
        if acceptance.take(vote):
            self._accepted(acceptance)

    def take_acceptance(self, part: frames.Part) -> None:
        """The certificate of the new committee, from a peer."""
        held = self.acceptance
        if held is not None and part.height == held.height and held.take_certificate(part.data):
            self._accepted(held)

    def recall_acceptance(self, certificate: bytes) -> None:
        """The certificate as the history has it."""
        if self.acceptance is not None:
            self.acceptance.take_certificate(certificate)

    def arm_phase(self) -> None:
        """The open phase has its time."""
        pace = self.context.pace
        if not self.keygen.complete:
            self.context.arm(self._phase_timer(), pace.ceremony_ms)
        elif self.membership is not None and self.membership.open is not None:
            name = f"{RESHARING_TIMER}/{self.membership.open.name}"
            self.context.arm(name, self.membership.pause(pace.ceremony_ms))

    def phase_passed(self, name: str) -> bool:
        """A phase's time is over; True if it is the one that is open."""
        if name.startswith(f"{RESHARING_TIMER}/"):
            held = name.removeprefix(f"{RESHARING_TIMER}/")
            return self.membership is not None and self.membership.pass_time(held)
        if self.keygen.complete or name != self._phase_timer():
            return False
        self.keygen.overdue = True
        return True

    def say_bundle_again(self) -> None:
        """Bundles get lost."""
        if self._bundle is not None and not self.ceremony.complete:
            self.context.send([Outgoing(self._bundle)])

    def seek_acceptance(self) -> None:
        """Until the certificate is there, the own word is said again, and the others are asked."""
        acceptance = self.acceptance
        if acceptance is None or acceptance.certificate is not None:
            return
        if acceptance.own is not None:
            self.context.send([Outgoing(wire.vote_frame(acceptance.own))])
        self.fetching.want(acceptance.height, ACCEPTANCE)

    def _accepted(self, acceptance: Acceptance) -> None:
        certificate, context = acceptance.certificate, self.context
        if certificate is None:
            raise InvariantBroken("a quorum has accepted")
        context.keep(acceptance.height, ACCEPTANCE, certificate.encoded())
        context.note("accepted", acceptance.height, f"epoch {certificate.epoch}")
        entry = self._activation
        if context.own is not None and entry is not None:
            size = acceptance.committee.size
            wanted = transmission(DecidedEntry(entry, certificate), b"", context.own, size)
            context.out.transmissions += [] if wanted is None else [wanted]

    def _phase_timer(self) -> str:
        return f"{PHASE_TIMER}/{self.keygen.phase.value}/{self.keygen.ceremony.plan.attempt}"
