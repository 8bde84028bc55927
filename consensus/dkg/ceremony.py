"""A key ceremony as the log tells it: Joint-Feldman, for genesis and for resharing.

Decides, from agreed bundles alone, who took part rightly, which key comes out, and
when it is in force. It holds nothing secret, so every node's ceremony is the same
value; what a participant adds with its secrets is in `participant`. It handles sealed
shares as bytes and never opens one.

The theory. The log orders one entry per phase, each with an attachment of signed
bundles; `apply` takes them in this order:

    entry      status before   from      says
    hello      Fresh           members   "seal my shares to this key"
    deal       Dealing         dealers   commitments, proof of possession, sealed shares
    respond    Responding      members   "the shares of these dealers are wrong"
    justify    Justifying      accused   the doubted shares, in clear; skipped without complaints
    activate   Confirming      members   a partial signature with the new share

A dealer is out if its deal is statically wrong, if more than f members complain (one
of them is honest), or if it leaves a complaint unanswered. An honest dealer answers
every complaint, and so reveals shares of liars only. At genesis the key is the sum of
all qualified dealers' constants, and q must qualify. In a resharing, each dealer deals
its own share (its A_0 must be its old public share) and the first t qualified, in slot
order, are weighted by Lagrange: the group key stays (K3).

The new shares are in force only once q members have shown theirs (K3). Every other end
is `Failed`, names who did what, and leaves the old epoch as it was (K2): retry with
the next attempt, which has another session id.

A restart resumes anywhere: a ceremony is its plan and the bundles agreed so far, and
`from_bytes` replays them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, TypeVar

from consensus.dkg import rules
from consensus.dkg.bundle import (
    ATTACHMENT_BYTES_MAX,
    PER_SLOT_MAX,
    Bundle,
    BundleReason,
    Confirmation,
    Deal,
    Hello,
    Justification,
    Payload,
    Response,
    Topic,
    is_foreign,
    parse_confirmation,
    parse_deal,
    parse_hello,
    parse_justification,
    parse_response,
)
from consensus.dkg.plan import Plan, plan_value, read_plan
from consensus.dkg.status import (
    Complete,
    Confirming,
    Dealing,
    Failed,
    FailureReason,
    Fault,
    FaultReason,
    Fresh,
    Justifying,
    Outcome,
    Phase,
    Responding,
    Role,
    Status,
)
from consensus.encoding import EncodingError, Value, decode, digest, encode
from consensus.model import Committee, InvariantBroken, NodeId, Rejected, check
from consensus.threshold.shares import Combined, combine

STATE_BYTES_MAX: Final = 5 * ATTACHMENT_BYTES_MAX

_TOPIC: Final = {
    Phase.HELLO: Topic.HELLO,
    Phase.DEAL: Topic.DEAL,
    Phase.RESPOND: Topic.RESPOND,
    Phase.JUSTIFY: Topic.JUSTIFY,
    Phase.ACTIVATE: Topic.CONFIRM,
}
_DEALERS: Final = (Phase.DEAL, Phase.JUSTIFY)
_FAULT: Final = {
    BundleReason.MALFORMED: FaultReason.MALFORMED,
    BundleReason.WRONG_LENGTH: FaultReason.WRONG_LENGTH,
}

_Typed = TypeVar("_Typed", Hello, Deal, Response, Justification, Confirmation)


class JudgeReason(Enum):
    """Why an attachment must not be agreed on: a voter prevotes nil on it."""

    OUT_OF_PHASE = "out-of-phase"
    OUT_OF_ORDER = "out-of-order"
    """Slots not ascending, a bundle twice, or more than two of one slot."""
    UNEXPECTED_SLOT = "unexpected-slot"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Ceremony:
    """A ceremony between two entries; every method gives a new one. Make it with the plan alone."""

    plan: Plan
    status: Status = field(default_factory=Fresh)
    hellos: tuple[Hello, ...] = ()
    deals: tuple[Deal, ...] = ()
    responses: tuple[Response, ...] = ()
    revealed: tuple[tuple[NodeId, NodeId, bytes], ...] = ()
    """(dealer, member, share): doubted shares that were justified; no secrets any more."""
    faults: tuple[Fault, ...] = ()
    history: tuple[tuple[Phase, bytes], ...] = ()
    """What was applied, as canonical bytes; the ceremony is its replay."""

    @property
    def phase(self) -> Phase | None:
        """The kind of entry that must come next; None at the end."""
        match self.status:
            case Fresh():
                return Phase.HELLO
            case Dealing():
                return Phase.DEAL
            case Responding():
                return Phase.RESPOND
            case Justifying():
                return Phase.JUSTIFY
            case Confirming():
                return Phase.ACTIVATE
            case Complete() | Failed():
                return None

    @property
    def expected(self) -> tuple[NodeId, ...]:
        """The slots whose bundles the next entry may hold; once all are in, wait no longer."""
        match self.status:
            case Fresh():
                return _slots(self.plan.members)
            case Dealing():
                return _slots(self.plan.dealers)
            case Responding() | Confirming():
                return tuple(hello.slot for hello in self.hellos)
            case Justifying(accused):
                return tuple(dealer for dealer, _ in accused)
            case Complete() | Failed():
                return ()

    def node_key(self, phase: Phase, slot: NodeId) -> bytes | None:
        """Whose key must have signed a bundle of `slot`; None for a slot that is not there."""
        keys = (self.plan.dealers if phase in _DEALERS else self.plan.members).node_keys
        return keys[slot] if 0 <= slot < len(keys) else None

    def judge(self, phase: Phase, bundles: Sequence[Bundle]) -> Rejected | None:
        """Tell why bundles must not be agreed on as the next entry, or None.

        A voter asks before it prevotes. What passes may still blame a participant, or
        end in `Failed`: voters accept that only when the phase's time is over.
        """
        if phase is not self.phase:
            return Rejected(JudgeReason.OUT_OF_PHASE, phase.value)
        keys = [(bundle.slot, encode(bundle.payload)) for bundle in bundles]
        slots = [slot for slot, _ in keys]
        most = max((slots.count(slot) for slot in slots), default=0)
        if slots != sorted(slots) or len(set(keys)) != len(keys) or most > PER_SLOT_MAX:
            return Rejected(JudgeReason.OUT_OF_ORDER, phase.value)
        for bundle in bundles:
            if bundle.slot not in self.expected:
                return Rejected(JudgeReason.UNEXPECTED_SLOT, f"slot {bundle.slot}")
            if is_foreign(bundle.payload, _TOPIC[phase], self.plan.session, bundle.slot):
                return Rejected(JudgeReason.FOREIGN, f"slot {bundle.slot}")
        return None

    def apply(self, phase: Phase, bundles: Sequence[Bundle]) -> Ceremony:
        """Take the agreed bundles of the next entry; raises InvariantBroken unless `judge` is None.

        Costs up to 0.2 s at 31 members: call it off the event loop.
        """
        check(self.judge(phase, bundles) is None, "an agreed attachment was judged before")
        agreed: Value = tuple({"slot": bundle.slot, "payload": bundle.payload} for bundle in bundles)
        noted = replace(self, history=(*self.history, (phase, encode(agreed))))
        match phase:
            case Phase.HELLO:
                return _apply_hellos(noted, bundles)
            case Phase.DEAL:
                return _apply_deals(noted, bundles)
            case Phase.RESPOND:
                return _apply_responses(noted, bundles)
            case Phase.JUSTIFY:
                return _apply_justifications(noted, bundles)
            case Phase.ACTIVATE:
                return _apply_confirmations(noted, bundles)

    def to_bytes(self) -> bytes:
        """Give the whole state; nothing in it is secret."""
        history: Value = tuple({"phase": phase.value, "bundles": bundles} for phase, bundles in self.history)
        return encode({"plan": plan_value(self.plan), "history": history})

    @staticmethod
    def from_bytes(data: bytes) -> Ceremony:
        """Read what `to_bytes` gave; raises ValueError or InvariantBroken on anything else."""
        match decode(data, bytes_max=STATE_BYTES_MAX):
            case {"plan": plan, "history": tuple(history)}:
                ceremony = Ceremony(read_plan(plan))
            case _:
                raise EncodingError("not a ceremony")
        for item in history:
            match item:
                case {"phase": str(phase), "bundles": bytes(bundles)}:
                    ceremony = ceremony.apply(Phase(phase), _read_bundles(bundles))
                case _:
                    raise EncodingError("not an agreed attachment")
        return ceremony


def _apply_hellos(ceremony: Ceremony, bundles: Sequence[Bundle]) -> Ceremony:
    hellos, faults = _sort_out(ceremony, Phase.HELLO, bundles, parse_hello, rules.doubt_hello)
    after = replace(ceremony, hellos=hellos, faults=ceremony.faults + faults)
    if len(hellos) < ceremony.plan.members.quorum:
        return _fail(after, FailureReason.TOO_FEW_HELLOS)
    return replace(after, status=Dealing())


def _apply_deals(ceremony: Ceremony, bundles: Sequence[Bundle]) -> Ceremony:
    def doubt(deal: Deal) -> FaultReason | None:
        return rules.doubt_deal(ceremony.plan, ceremony.hellos, deal)

    deals, faults = _sort_out(ceremony, Phase.DEAL, bundles, parse_deal, doubt)
    after = replace(ceremony, deals=deals, faults=ceremony.faults + faults)
    if len(deals) < ceremony.plan.dealers.quorum:
        return _fail(after, FailureReason.TOO_FEW_DEALS)
    return replace(after, status=Responding())


def _apply_responses(ceremony: Ceremony, bundles: Sequence[Bundle]) -> Ceremony:
    def doubt(response: Response) -> FaultReason | None:
        return rules.doubt_response(ceremony.deals, response)

    responses, faults = _sort_out(ceremony, Phase.RESPOND, bundles, parse_response, doubt)
    after = replace(ceremony, responses=responses, faults=ceremony.faults + faults)
    if len(responses) < ceremony.plan.members.quorum:
        return _fail(after, FailureReason.TOO_FEW_RESPONSES)
    accused = []
    for deal in ceremony.deals:
        complainers = tuple(item.slot for item in responses if deal.slot in item.complaints)
        if len(complainers) > ceremony.plan.members.faults:  # an honest one among them
            out = Fault(Role.DEALER, deal.slot, Phase.RESPOND, FaultReason.TOO_MANY_COMPLAINTS)
            after = replace(after, faults=(*after.faults, out))
        elif complainers:
            accused.append((deal.slot, complainers))
    return replace(after, status=Justifying(tuple(accused))) if accused else _qualify(after)


def _apply_justifications(ceremony: Ceremony, bundles: Sequence[Bundle]) -> Ceremony:
    complainers = dict(ceremony.status.accused) if isinstance(ceremony.status, Justifying) else {}

    def doubt(answer: Justification) -> FaultReason | None:
        return rules.doubt_justification(ceremony.deals, complainers[answer.slot], answer)

    answers, faults = _sort_out(ceremony, Phase.JUSTIFY, bundles, parse_justification, doubt)
    revealed = tuple((item.slot, member, share) for item in answers for member, share in item.shares)
    return _qualify(replace(ceremony, revealed=revealed, faults=ceremony.faults + faults))


def _apply_confirmations(ceremony: Ceremony, bundles: Sequence[Bundle]) -> Ceremony:
    outcome = _confirming(ceremony)

    def doubt(item: Confirmation) -> FaultReason | None:
        return rules.doubt_confirmation(outcome, item)

    good, faults = _sort_out(ceremony, Phase.ACTIVATE, bundles, parse_confirmation, doubt)
    after = replace(ceremony, faults=ceremony.faults + faults)
    if len(good) < ceremony.plan.members.quorum:
        return _fail(after, FailureReason.TOO_FEW_CONFIRMATIONS)
    partials = {item.slot: item.partial for item in good}
    combined = combine(outcome.polynomial, outcome.activation, partials)
    if not isinstance(combined, Combined):
        raise InvariantBroken("q verified partials make a signature")
    return replace(after, status=Complete(outcome, tuple(partials), combined.signature))


def _sort_out(
    ceremony: Ceremony,
    phase: Phase,
    bundles: Sequence[Bundle],
    parse: Callable[[Plan, NodeId, Payload], _Typed | Rejected],
    doubt: Callable[[_Typed], FaultReason | None],
) -> tuple[tuple[_Typed, ...], tuple[Fault, ...]]:
    """Part what was agreed into good bundles and faults, both by ascending slot."""
    accepted: list[_Typed] = []
    faults: list[Fault] = []
    role = Role.DEALER if phase in _DEALERS else Role.MEMBER
    for slot in ceremony.expected:
        payloads = [bundle.payload for bundle in bundles if bundle.slot == slot]
        found = _read(ceremony, slot, payloads, parse, doubt)
        if isinstance(found, FaultReason):
            faults.append(Fault(role, slot, phase, found))
        else:
            accepted.append(found)
    return tuple(accepted), tuple(faults)


def _read(
    ceremony: Ceremony,
    slot: NodeId,
    payloads: Sequence[Payload],
    parse: Callable[[Plan, NodeId, Payload], _Typed | Rejected],
    doubt: Callable[[_Typed], FaultReason | None],
) -> _Typed | FaultReason:
    if not payloads:
        return FaultReason.ABSENT
    if len(payloads) > 1:
        return FaultReason.TWO_BUNDLES
    typed = parse(ceremony.plan, slot, payloads[0])
    if isinstance(typed, Rejected):
        check(typed.reason in _FAULT, "foreign bundles are not agreed on")
        return _FAULT[typed.reason]  # type: ignore[index]  # checked above
    return doubt(typed) or typed


def _qualify(ceremony: Ceremony) -> Ceremony:
    out = {fault.slot for fault in ceremony.faults if fault.role is Role.DEALER}
    left = [deal.slot for deal in ceremony.deals if deal.slot not in out]
    if len(left) < ceremony.plan.dealers.quorum:
        return _fail(ceremony, FailureReason.TOO_FEW_QUALIFIED)
    used = rules.dealers_used(ceremony.plan, left)
    polynomial = rules.combine_deals(ceremony.plan, [deal for deal in ceremony.deals if deal.slot in used])
    if isinstance(polynomial, Rejected):
        return _fail(ceremony, FailureReason.NO_KEY)
    common: dict[str, Value] = {
        "session": ceremony.plan.session,
        "group-key": polynomial.group_key,
        "commitments": polynomial.commitments,
    }
    history = tuple(hashlib.sha256(bundles).digest() for _, bundles in ceremony.history)
    transcript = digest({"topic": "transcript", **common, "dealers": used, "history": history})
    activation = digest({"topic": "activation", **common})
    return replace(ceremony, status=Confirming(Outcome(polynomial, used, transcript, activation)))


def _fail(ceremony: Ceremony, reason: FailureReason) -> Ceremony:
    return replace(ceremony, status=Failed(reason, ceremony.faults))


def _confirming(ceremony: Ceremony) -> Outcome:
    if not isinstance(ceremony.status, Confirming):
        raise InvariantBroken("confirmations follow an outcome")
    return ceremony.status.outcome


def _slots(committee: Committee) -> tuple[NodeId, ...]:
    return tuple(NodeId(slot) for slot in range(committee.size))


def _read_bundles(data: bytes) -> tuple[Bundle, ...]:
    bundles = []
    value = decode(data, bytes_max=ATTACHMENT_BYTES_MAX)
    for item in value if isinstance(value, tuple) else ():
        match item:
            case {"slot": int(slot), "payload": dict(payload)}:
                bundles.append(Bundle(NodeId(slot), payload))
            case _:
                raise EncodingError("not a bundle")
    return tuple(bundles)
