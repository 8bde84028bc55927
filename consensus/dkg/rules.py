"""What makes a bundle wrong, and how good deals become a key (K1, K3).

Pure judgements on parsed bundles; who is told, and what follows, is the ceremony's.
Each `doubt_…` gives the fault its signer has committed, or None.
"""

from __future__ import annotations

from collections.abc import Sequence

from consensus.dkg.bundle import Confirmation, Deal, Hello, Justification, Response
from consensus.dkg.plan import Kind, Plan
from consensus.dkg.polynomial import possession_holds, share_fits
from consensus.dkg.sealing import is_usable
from consensus.dkg.status import FaultReason, Outcome
from consensus.model import NodeId, Rejected, check
from consensus.threshold.bls import FAST
from consensus.threshold.shares import (
    PublicPolynomial,
    lagrange_at_zero,
    parse_polynomial,
    verify_partial,
    weighted_sum,
)


def doubt_hello(hello: Hello) -> FaultReason | None:
    """Shares sealed to a low-order key would be readable by all."""
    return None if is_usable(hello.box_key) else FaultReason.WEAK_KEY


def doubt_deal(plan: Plan, hellos: Sequence[Hello], deal: Deal) -> FaultReason | None:
    """Check all of a deal that everyone can see; the shares only their members can."""
    present = {hello.slot for hello in hellos}
    if any((slot in present) != bool(sealed) for slot, sealed in enumerate(deal.sealed)):
        return FaultReason.WRONG_RECIPIENTS
    if any(FAST.decode_g2(point) is None for point in deal.commitments):  # T3
        return FaultReason.BAD_POINT
    constant = deal.commitments[0]
    if plan.previous is not None and constant != plan.previous.public_share(deal.slot):  # K3
        return FaultReason.WRONG_CONSTANT
    if not possession_holds(constant, deal.possession, plan.session, deal.slot):  # K1
        return FaultReason.BAD_POSSESSION
    return None


def doubt_response(deals: Sequence[Deal], response: Response) -> FaultReason | None:
    """Only accepted deals can be complained about."""
    dealt = {deal.slot for deal in deals}
    return None if dealt.issuperset(response.complaints) else FaultReason.BAD_COMPLAINTS


def doubt_justification(
    deals: Sequence[Deal], complainers: Sequence[NodeId], answer: Justification
) -> FaultReason | None:
    """An accused dealer reveals the doubted shares, these and no others, and they fit."""
    if [member for member, _ in answer.shares] != list(complainers):
        return FaultReason.UNANSWERED
    commitments = next(deal.commitments for deal in deals if deal.slot == answer.slot)
    if all(share_fits(commitments, member, share) for member, share in answer.shares):
        return None
    return FaultReason.FALSE_SHARE


def doubt_confirmation(outcome: Outcome, item: Confirmation) -> FaultReason | None:
    """A member has computed the same outcome, and signs with a share of it (K3)."""
    if item.transcript != outcome.transcript:
        return FaultReason.WRONG_TRANSCRIPT
    if verify_partial(outcome.polynomial, item.slot, outcome.activation, item.partial):
        return None
    return FaultReason.BAD_PARTIAL


def dealers_used(plan: Plan, qualified: Sequence[NodeId]) -> tuple[NodeId, ...]:
    """Whose deals make the key: all qualified at genesis, the first t in a resharing.

    All nodes must take the same: slot order is the order in the agreed entry.
    """
    ordered = tuple(sorted(qualified))
    return ordered if plan.kind is Kind.GENESIS else ordered[: plan.dealers.quorum]


def dealer_weights(plan: Plan, dealers: Sequence[NodeId]) -> tuple[int, ...]:
    """What each used deal counts: once at genesis, its Lagrange weight in a resharing."""
    return tuple(1 for _ in dealers) if plan.kind is Kind.GENESIS else lagrange_at_zero(dealers)


def combine_deals(plan: Plan, deals: Sequence[Deal]) -> PublicPolynomial | Rejected:
    """Add up the commitments of the used deals; a resharing must give the same key (K3)."""
    weights = dealer_weights(plan, [deal.slot for deal in deals])
    points = [
        weighted_sum([deal.commitments[power] for deal in deals], weights) for power in range(plan.threshold)
    ]
    polynomial = parse_polynomial(points, plan.threshold)
    if plan.previous is not None and isinstance(polynomial, PublicPolynomial):
        check(polynomial.group_key == plan.previous.group_key, "resharing keeps the group key")
    return polynomial
