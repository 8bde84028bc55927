"""Where a ceremony stands, and what it holds against whom: words, no behaviour.

Every status and every reason says what it means to an operator. What leads from one
to the next stands in `ceremony`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from consensus.model import NodeId
from consensus.threshold.shares import PublicPolynomial


class Phase(Enum):
    """The kind of a ceremony's log entry."""

    HELLO = "hello"
    DEAL = "deal"
    RESPOND = "respond"
    JUSTIFY = "justify"
    ACTIVATE = "activate"


class FaultReason(Enum):
    """What a participant did wrong, or did not do."""

    ABSENT = "absent"
    """No bundle in the agreed entry: down, slow or cut off. Look at its links first."""
    TWO_BUNDLES = "two-bundles"
    """Two different signed bundles for one phase: evidence; a twin is running, or worse."""
    MALFORMED = "malformed"
    """A signed bundle no honest program writes: another version, or worse."""
    WRONG_LENGTH = "wrong-length"
    """A deal with another number of commitments than t: would have moved the threshold."""
    WEAK_KEY = "weak-key"
    """A hello with a key that keeps nothing secret."""
    BAD_POINT = "bad-point"
    """A commitment off the curve, outside the subgroup, infinite or not canonical (T3)."""
    BAD_POSSESSION = "bad-possession"
    """The dealer does not prove to know its constant (K1)."""
    WRONG_CONSTANT = "wrong-constant"
    """A resharing deal of something else than the dealer's old share (K3)."""
    WRONG_RECIPIENTS = "wrong-recipients"
    """A deal that leaves out a member who said hello, or serves one who did not."""
    BAD_COMPLAINTS = "bad-complaints"
    """A complaint about a dealer whose deal was not accepted."""
    TOO_MANY_COMPLAINTS = "too-many-complaints"
    """More than f members could not use the dealer's shares."""
    UNANSWERED = "unanswered"
    """An accused dealer did not reveal exactly the doubted shares."""
    FALSE_SHARE = "false-share"
    """An accused dealer revealed a share that does not fit its own commitments."""
    WRONG_TRANSCRIPT = "wrong-transcript"
    """A confirmation of another outcome than the log's: that node computes differently."""
    BAD_PARTIAL = "bad-partial"
    """A confirmation whose partial signature is wrong: that node does not have its share."""


class FailureReason(Enum):
    """Why a ceremony ended without a key; the old epoch stays in force (K2)."""

    TOO_FEW_HELLOS = "too-few-hellos"
    """Fewer than q members are there: bring the absent up, then the next attempt."""
    TOO_FEW_DEALS = "too-few-deals"
    """Fewer dealers than needed dealt rightly."""
    TOO_FEW_RESPONSES = "too-few-responses"
    """Fewer than q members said whether they have their shares."""
    TOO_FEW_QUALIFIED = "too-few-qualified"
    """After complaints too few dealers were left: replace those named, then try again."""
    NO_KEY = "no-key"
    """The sum is no key; only dealers in collusion, or a defect, can do this."""
    TOO_FEW_CONFIRMATIONS = "too-few-confirmations"
    """Fewer than q members hold a good new share."""


class Role(Enum):
    """In which committee a fault's slot is: of the epoch in force, or of the one to come."""

    DEALER = "dealer"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Fault:
    """Who did what, in which phase."""

    role: Role
    slot: NodeId
    phase: Phase
    reason: FaultReason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the log decided: the new public polynomial, and who made it.

    `transcript` (32 bytes) binds everything agreed so far. `activation` (32 bytes) is
    what the new shares sign (K3).
    """

    polynomial: PublicPolynomial
    qualified: tuple[NodeId, ...]
    transcript: bytes
    activation: bytes


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nothing agreed yet. Operator: start every member; the hello entry collects them."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """The members' keys are agreed. Operator of a dealer: it deals by itself."""


@dataclass(frozen=True, slots=True)
class Responding:
    """Deals are agreed. Operator of a member: it opens its shares and answers by itself."""


@dataclass(frozen=True, slots=True)
class Justifying:
    """Some shares are in doubt. Operator of an accused dealer: keep it up, it must answer.

    `accused` pairs each dealer with the members who complain, both ascending.
    """

    accused: tuple[tuple[NodeId, tuple[NodeId, ...]], ...]


@dataclass(frozen=True, slots=True)
class Confirming:
    """The new key is fixed, not in force. Operator: keep members up until q have confirmed."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Complete:
    """The new shares are in force (K3); once the entry is final, erase the old (K4).

    `signature` (48 bytes) is the group's on `outcome.activation`; `confirmed` are the
    members who showed their share.
    """

    outcome: Outcome
    confirmed: tuple[NodeId, ...]
    signature: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """No new key; the old epoch is in force (K2). Operator: see the culprits, then retry."""

    reason: FailureReason
    culprits: tuple[Fault, ...]


Status: TypeAlias = Fresh | Dealing | Responding | Justifying | Confirming | Complete | Failed
