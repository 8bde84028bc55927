"""One node's part in a ceremony: what it must publish next, and the share it gets.

Knows the node's key, its seed and its old share; these are secret and stay here. The
ceremony itself is public (`ceremony`). A node may be dealer, member, or both, in
different slots.

`seed` is 32 random bytes the shell draws once per session, keeps durable until the
new share is stored, and then erases (K4): with seed and log, every bundle but the
deal comes out the same after any restart. A deal does not, since sealing draws
ephemeral keys inside the library: the shell makes it once, makes the signed envelope
durable, and from then on sends that (N1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from consensus.dkg import rules
from consensus.dkg.bundle import Bundle, Confirmation, Deal, Hello, Justification, Response
from consensus.dkg.ceremony import Ceremony
from consensus.dkg.plan import Plan
from consensus.dkg.polynomial import (
    SecretPolynomial,
    derive,
    prove_possession,
    secret_polynomial,
    share_fits,
)
from consensus.dkg.sealing import box_key, seal, unseal
from consensus.dkg.status import (
    Complete,
    Confirming,
    Dealing,
    Failed,
    Fresh,
    Justifying,
    Outcome,
    Responding,
)
from consensus.model import InvariantBroken, NodeId, Rejected, check
from consensus.threshold.scheme import ORDER, SCALAR_BYTES
from consensus.threshold.shares import SecretShare


class ParticipantReason(Enum):
    """Why a node cannot do its part."""

    SHARE_MISSING = "share-missing"
    """A used dealer's share is wrong and no justification of it was agreed, or no hello was.

    The member sits this epoch's signing out; the next resharing gives it a share.
    """
    SEED_LOST = "seed-lost"
    """What was published came from another seed: the disk was restored, or a twin is running.

    The node stays silent, as a false complaint or justification would be held against it.
    """
    NO_OLD_SHARE = "no-old-share"
    """The node has no share of the epoch in force, so none to hand on."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A node in one ceremony; secrets reach no repr.

    `node_key` is its compressed secp256k1 key; `old_share` its share of the epoch in
    force, needed to deal in a resharing.
    """

    node_key: bytes
    seed: bytes = field(repr=False)
    old_share: SecretShare | None = field(default=None, repr=False)

    def next_bundle(self, ceremony: Ceremony) -> Bundle | Rejected | None:
        """Give what this node owes to the phase that is open, or None.

        Sign its payload with the node key, make the envelope durable, then send it;
        while the phase stays open, send the stored envelope again and do not ask
        twice. Rejected means the node cannot do it (`ParticipantReason`). Up to 0.2 s at
        31 members: call it off the event loop.
        """
        dealer = ceremony.plan.dealers.slot_of(self.node_key)
        member = ceremony.plan.members.slot_of(self.node_key)
        match ceremony.status:
            case Fresh():
                return None if member is None else self._hello(ceremony.plan, member)
            case Dealing():
                return None if dealer is None else self._deal(ceremony, dealer)
            case Responding():
                return None if member not in ceremony.expected else self._respond(ceremony, member)
            case Justifying(accused):
                doubts = [members for accused_one, members in accused if accused_one == dealer]
                return None if not doubts or dealer is None else self._justify(ceremony, dealer, doubts[0])
            case Confirming(outcome):
                return None if member not in ceremony.expected else self._confirm(ceremony, member, outcome)
            case Complete() | Failed():
                return None

    def new_share(self, ceremony: Ceremony) -> SecretShare | Rejected:
        """Compute this member's new share, once the outcome is agreed.

        Then store it durably; use it, and erase the seed and the old share, only when
        the activation is final (K3, K4).
        """
        member = ceremony.plan.members.slot_of(self.node_key)
        outcome = _outcome(ceremony)
        if member is None:
            return Rejected(ParticipantReason.SHARE_MISSING, "not a member")
        used = [deal for deal in ceremony.deals if deal.slot in outcome.qualified]
        weights = rules.dealer_weights(ceremony.plan, outcome.qualified)
        total = 0
        for deal, weight in zip(used, weights, strict=True):
            share = self._share_of(ceremony, deal, member)
            if share is None:
                return Rejected(ParticipantReason.SHARE_MISSING, f"dealer {deal.slot}")
            total += weight * int.from_bytes(share, "big")
        mine = SecretShare(member, total % ORDER)
        check(mine.public == outcome.polynomial.public_share(member), "checked shares add up to the share")
        return mine

    def _hello(self, plan: Plan, slot: NodeId) -> Bundle:
        return Bundle(slot, Hello(slot, box_key(self._box(plan))).payload(plan.session))

    def _deal(self, ceremony: Ceremony, slot: NodeId) -> Bundle | Rejected:
        plan = ceremony.plan
        if plan.previous is not None and self.old_share is None:
            return Rejected(ParticipantReason.NO_OLD_SHARE)
        polynomial = self._polynomial(plan)
        keys = {hello.slot: hello.box_key for hello in ceremony.hellos}
        sealed = tuple(
            seal(polynomial.share(member), keys[member], plan.session, slot, member)
            if member in keys
            else b""
            for member in map(NodeId, range(plan.members.size))
        )
        possession = prove_possession(polynomial.coefficients[0], plan.session, slot)
        return Bundle(slot, Deal(slot, polynomial.commit(), possession, sealed).payload(plan.session))

    def _respond(self, ceremony: Ceremony, slot: NodeId) -> Bundle | Rejected:
        mine = box_key(self._box(ceremony.plan))
        if all((hello.slot, hello.box_key) != (slot, mine) for hello in ceremony.hellos):
            return Rejected(ParticipantReason.SEED_LOST, "another box key was agreed")
        complaints = tuple(
            deal.slot for deal in ceremony.deals if self._share_of(ceremony, deal, slot) is None
        )
        return Bundle(slot, Response(slot, complaints).payload(ceremony.plan.session))

    def _justify(
        self, ceremony: Ceremony, slot: NodeId, complainers: tuple[NodeId, ...]
    ) -> Bundle | Rejected:
        polynomial = self._polynomial(ceremony.plan)
        mine = (slot, polynomial.commit())
        if all((deal.slot, deal.commitments) != mine for deal in ceremony.deals):
            return Rejected(ParticipantReason.SEED_LOST, "another polynomial was dealt")
        shares = tuple((member, polynomial.share(member)) for member in complainers)
        return Bundle(slot, Justification(slot, shares).payload(ceremony.plan.session))

    def _confirm(self, ceremony: Ceremony, slot: NodeId, outcome: Outcome) -> Bundle | Rejected:
        share = self.new_share(ceremony)
        if isinstance(share, Rejected):
            return share
        confirmation = Confirmation(slot, outcome.transcript, share.sign(outcome.activation))
        return Bundle(slot, confirmation.payload(ceremony.plan.session))

    def _share_of(self, ceremony: Ceremony, deal: Deal, member: NodeId) -> bytes | None:
        """One dealer's share for this member, revealed or unsealed; None unless it fits."""
        for dealer, receiver, share in ceremony.revealed:
            if (dealer, receiver) == (deal.slot, member):
                return share  # it fits: the ceremony has checked it
        private, session = self._box(ceremony.plan), ceremony.plan.session
        opened = unseal(deal.sealed[member], private, session, deal.slot, member)
        if opened is None or not share_fits(deal.commitments, member, opened):
            return None
        return opened

    def _polynomial(self, plan: Plan) -> SecretPolynomial:
        constant = None if plan.previous is None or self.old_share is None else self.old_share.scalar
        return secret_polynomial(self.seed, plan.session, plan.threshold, constant)

    def _box(self, plan: Plan) -> bytes:
        return derive(self.seed, plan.session, b"box", SCALAR_BYTES)


def _outcome(ceremony: Ceremony) -> Outcome:
    match ceremony.status:
        case Confirming(outcome) | Complete(outcome):
            return outcome
        case _:
            raise InvariantBroken("a share follows an agreed outcome")
