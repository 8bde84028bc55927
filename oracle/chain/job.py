"""A job of the outbox: one transaction that must get onto the chain, and where it stands.

Decides every change of state; does no I/O and reads no clock. The states:

    QUEUED     has no nonce
    SIGNED     has a nonce and signed bytes, on disk; they have not left
    BROADCAST  the bytes may have left: from here on its nonce is spoken for
    CONFIRMED  mined, not yet deep enough
    DONE       mined `depth` blocks deep, whether it succeeded or aborted
    ABANDONED  will not be sent: unnecessary, or refused for good

    QUEUED → SIGNED → BROADCAST → CONFIRMED → DONE
      ↑         |         |  ↑________|________|     a reorganisation took its block (reopened)
      |_________|_________|                          its nonce went to another transaction (requeued)
    QUEUED, SIGNED, BROADCAST → ABANDONED

A fee rises by replacement: one more attempt with the same nonce. All attempts are kept, as
any of them may be the one that is mined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, unique

import coincurve

from consensus.model import check
from oracle.chain.answers import FeeEstimate, RejectReason, TransactionState, TransactionStatus
from oracle.chain.transaction import Transaction, serialise, sign, txid_of


@unique
class JobState(Enum):
    """Where a job stands; the module's text has the table."""

    QUEUED = "queued"
    SIGNED = "signed"
    BROADCAST = "broadcast"
    CONFIRMED = "confirmed"
    DONE = "done"
    ABANDONED = "abandoned"


IN_FLIGHT = (JobState.SIGNED, JobState.BROADCAST)
MINED = (JobState.CONFIRMED, JobState.DONE)
FINISHED = (JobState.DONE, JobState.ABANDONED)


@unique
class Abandoned(Enum):
    """Why a job was given up."""

    UNNECESSARY = "unnecessary"
    """Somebody else had done it."""
    REFUSED = "refused"
    """No node takes it; `Job.refusal` says why."""


@unique
class Refusal(Enum):
    """What a node's refusal means for the job."""

    IN_MEMPOOL = "in-mempool"
    """The mempool holds this nonce at this fee or above: ours, until the chain says otherwise."""
    NONCE_GONE = "nonce-gone"
    FEE = "fee"
    WAIT = "wait"
    """Right but not now: no money, too many waiting."""
    PERHAPS = "perhaps"
    """Wrong unless something is still to come, as a contract that is being deployed."""
    NEVER = "never"


_REFUSALS = {
    RejectReason.CONFLICTING_NONCE_IN_MEMPOOL: Refusal.IN_MEMPOOL,
    RejectReason.BAD_NONCE: Refusal.NONCE_GONE,
    RejectReason.FEE_TOO_LOW: Refusal.FEE,
    RejectReason.NOT_ENOUGH_FUNDS: Refusal.WAIT,
    RejectReason.TOO_MUCH_CHAINING: Refusal.WAIT,
    RejectReason.TEMPORARILY_BLACKLISTED: Refusal.WAIT,
    RejectReason.ESTIMATOR_ERROR: Refusal.WAIT,
    RejectReason.NO_SUCH_CONTRACT: Refusal.PERHAPS,
    RejectReason.NO_SUCH_PUBLIC_FUNCTION: Refusal.PERHAPS,
    RejectReason.SERVER_FAILURE_OTHER: Refusal.PERHAPS,
    RejectReason.UNKNOWN: Refusal.PERHAPS,
}


def refusal_of(reason: RejectReason) -> Refusal:
    """What to do about a node's refusal; what is not named here will never be taken."""
    return _REFUSALS.get(reason, Refusal.NEVER)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Signed bytes that were made for a job."""

    txid: str
    nonce: int
    fee_ustx: int
    raw: bytes
    made_s: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Fees in micro-STX. A replacement pays `step_percent` more, and what is estimated as fast."""

    floor_ustx: int = 400
    cap_ustx: int = 500_000
    step_percent: int = 25

    def __post_init__(self) -> None:
        check(1 <= self.floor_ustx <= self.cap_ustx, "1 <= floor <= cap")
        check(self.step_percent >= 1, "a step raises the fee")

    def first(self, estimate: FeeEstimate) -> int:
        """What a new transaction pays."""
        return min(self.cap_ustx, max(self.floor_ustx, estimate.middle_ustx))

    def next(self, fee_ustx: int, estimate: FeeEstimate | None = None) -> int:
        """What its replacement pays; `fee_ustx` itself once the cap is reached."""
        raised = fee_ustx + max(1, -(-fee_ustx * self.step_percent // 100))
        fast = 0 if estimate is None else estimate.high_ustx
        return max(fee_ustx, min(self.cap_ustx, max(raised, fast)))


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `template` is its transaction with nonce and fee still zero. Times in UTC seconds."""

    sequence: int
    key: str
    template: Transaction
    created_s: int
    state: JobState = JobState.QUEUED
    nonce: int | None = None
    attempts: tuple[Attempt, ...] = ()
    sent_s: int | None = None
    """Last sent then; None: is due."""
    missing_since_s: int | None = None
    """Its nonce is used, and no attempt is found on the chain."""
    refused_since_s: int | None = None
    refusal: RejectReason | None = None
    """Why nodes refuse it now, or refused it for good."""
    unneeded: bool = False
    """Already done by somebody else; what was sent only fills its nonce."""
    abandoned: Abandoned | None = None
    txid: str | None = None
    """The attempt that was mined."""
    height: int | None = None
    succeeded: bool | None = None
    result_bytes: bytes | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will be done, unless a reorganisation undoes it."""
        return self.state in FINISHED

    @property
    def mined(self) -> bool:
        """Whether it is in a block."""
        return self.state in MINED

    @property
    def latest(self) -> Attempt:
        """The attempt with the highest fee; a job without one has no business asking."""
        check(self.attempts, "a job in flight has an attempt")
        return self.attempts[-1]

    def signed(self, key: coincurve.PrivateKey, nonce: int, fee_ustx: int, now_s: int) -> Job:
        """Take a nonce, or raise the fee on the one it has; then save before anything is sent."""
        check(self.nonce in (None, nonce), "a job in flight keeps its nonce")
        raw = serialise(sign(replace(self.template, nonce=nonce, fee_ustx=fee_ustx), key))
        attempt = Attempt(txid_of(raw), nonce, fee_ustx, raw, now_s)
        state = JobState.SIGNED if self.state is JobState.QUEUED else self.state
        return replace(self, state=state, nonce=nonce, attempts=(*self.attempts, attempt), sent_s=None)

    def sending(self, now_s: int) -> Job:
        """The bytes are about to leave; then save, then send."""
        check(self.state in IN_FLIGHT, "only a signed job is sent")
        return replace(self, state=JobState.BROADCAST, sent_s=now_s)

    def taken(self) -> Job:
        """A node has it."""
        return replace(self, refusal=None, refused_since_s=None)

    def refused(self, reason: RejectReason, now_s: int) -> Job:
        """A node does not take it for now: try again at the next occasion."""
        since = now_s if self.refused_since_s is None else self.refused_since_s
        return replace(self, refusal=reason, refused_since_s=since, sent_s=None)

    def found(self, attempt: Attempt, status: TransactionStatus, tip_height: int, depth: int) -> Job:
        """One of its attempts is in a block."""
        check(status.height is not None, "a mined transaction has a block")
        height = status.height or 0
        succeeded = status.state is TransactionState.SUCCESS
        deep = tip_height - height + 1 >= depth
        return replace(
            self.taken(),
            state=JobState.DONE if deep else JobState.CONFIRMED,
            txid=attempt.txid,
            height=height,
            succeeded=succeeded,
            unneeded=self.unneeded and not succeeded,
            result_bytes=status.result_bytes,
            missing_since_s=None,
        )

    def missed(self, now_s: int) -> Job:
        """Its nonce is used and none of its attempts is on the chain, as far as nodes say."""
        return self if self.missing_since_s is not None else replace(self, missing_since_s=now_s)

    def reopened(self) -> Job:
        """A reorganisation took its block: the same bytes are due again."""
        return replace(
            self,
            state=JobState.BROADCAST,
            sent_s=None,
            missing_since_s=None,
            txid=None,
            height=None,
            succeeded=None,
            result_bytes=None,
        )

    def requeued(self) -> Job:
        """Its nonce is lost; it waits for another one. Its old attempts stay on record."""
        return replace(self.reopened(), state=JobState.QUEUED, nonce=None)

    def given_up(self, why: Abandoned, refusal: RejectReason | None = None) -> Job:
        """It will not be sent again; its nonce is free."""
        return replace(self, state=JobState.ABANDONED, nonce=None, abandoned=why, refusal=refusal)

    def retried(self) -> Job:
        """An operator's second chance for an abandoned job."""
        check(self.state is JobState.ABANDONED, "only an abandoned job is retried")
        return replace(self.requeued(), abandoned=None, refusal=None, refused_since_s=None, unneeded=False)
