"""Carries the outbox's jobs to the chain: one `step` looks at each once and does what is due.

Decides when to sign, send, send again, pay more, or give up (C1, C4); `job` says what each
of these means for a job, `ledger` keeps it.

    Everything is saved before it is sent, so a restart sends the same bytes again.
    A time-out is not a failure: the chain is asked, again and again, what became of it.
    One nonce, one job. The account's nonce on the chain is the only proof that it is used.
    The lowest waiting nonce holds up all others, so only its fee is raised.
    A nonce that nobody holds below one that is sent would hold them up for ever: the next
    job takes it, or a transfer of 1 micro-STX to the burn address does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import coincurve

from consensus.encoding import Principal
from consensus.model import Rejected, check
from oracle.chain.address import Chain, address_of, burn_address
from oracle.chain.answers import Account, RejectReason
from oracle.chain.calls import why
from oracle.chain.client import StacksClient
from oracle.chain.job import IN_FLIGHT, Abandoned, FeePolicy, Job, JobState, Refusal, refusal_of
from oracle.chain.ledger import Ledger
from oracle.chain.post_conditions import PostCondition, PostConditionMode
from oracle.chain.transaction import Payload, TokenTransfer, unsigned

FILLER: Final = "filler:"
"""Keys of the outbox's own transfers begin so."""
_RAISES_MAX: Final = 64
"""Rungs of the ladder climbed at one refusal; 25 % a rung goes a million times up in that."""

_log = logging.getLogger(__name__)

Clock: TypeAlias = Callable[[], int]
"""UTC seconds."""
IsDone: TypeAlias = Callable[[str], Awaitable[bool]]
Observe: TypeAlias = Callable[[Job], None]


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """How many, how deep, how long."""

    queue_max: int = 2000
    in_flight_max: int = 20
    """Below the 25 that a node lets one account have waiting."""
    depth: int = 6
    """Blocks, with its own, that a transaction is under before it is done."""
    resend_after_s: int = 60
    raise_after_s: int = 120
    foreign_after_s: int = 120
    """So long a used nonce may have no transaction of ours before it is another's."""
    patience_s: int = 3600
    """So long a refusal that may pass is borne."""
    finished_keep: int = 10_000
    poll_s: float = 5.0
    away_poll_s: float = 15.0
    fees: FeePolicy = field(default_factory=FeePolicy)


class Courier:
    """The jobs of one key's account; `step` is not called twice at a time."""

    def __init__(
        self,
        ledger: Ledger,
        key: coincurve.PrivateKey,
        chain: Chain,
        client: StacksClient,
        clock: Clock,
        *,
        is_done: IsDone,
        limits: OutboxLimits,
        observe: Observe | None,
    ) -> None:
        self.address: Principal = address_of(key.public_key, chain)
        self._ledger = ledger
        self._key = key
        self._chain = chain
        self._client = client
        self._clock = clock
        self._is_done = is_done
        self._limits = limits
        self._observe = observe
        self._head_nonce: int | None = None
        self._head_since_s = 0

    async def step(self) -> None:
        """Look at every job once, and do what is due.

        Raises ChainUnavailable; what was done until then is saved, and the next step goes on.
        """
        now_s = self._clock()
        height = (await self._client.info()).height
        account = await self._client.account(self.address)
        await self._follow(account, height, now_s)
        if await self._send_due(account, now_s) and await self._fill_gaps(account, now_s):
            await self._submit_queued(account, now_s)
        await asyncio.to_thread(self._ledger.prune, self._limits.finished_keep)

    # What the chain says

    async def _follow(self, account: Account, height: int, now_s: int) -> None:
        """Move every placed job to where the chain says it is."""
        for job in await self._placed(account):
            check(job.nonce is not None, "a placed job has a nonce")
            if (job.nonce or 0) < account.nonce:
                await self._settle(job, height, now_s)
            elif job.mined:
                _log.warning("outbox: %s is in no block any more, sending it again", job.key)
                await self.save(job.reopened())
                self._head_nonce, self._head_since_s = None, now_s  # the same bytes first, a higher fee later

    async def _settle(self, job: Job, height: int, now_s: int) -> None:
        """Its nonce is used: by one of its attempts, or by a transaction we did not make."""
        for attempt in reversed(job.attempts):
            status = await self._client.transaction_status(attempt.txid)
            if status.state.mined:
                found = await self.save(job.found(attempt, status, height, self._limits.depth))
                if not (job.mined or found.succeeded):
                    _log.warning("outbox: %s failed: %s", job.key, why(found))
                return
        # A node that serves statuses from an index may be behind its own account state.
        missed = job.missed(now_s)
        if now_s - (missed.missing_since_s or now_s) < self._limits.foreign_after_s:
            await self.save(missed)
            return
        _log.error("outbox: nonce %s of %s went to a transaction we did not make", job.nonce, job.key)
        if job.key.startswith(FILLER):
            await self.save(job.given_up(Abandoned.UNNECESSARY))
        else:
            await self.save(job.requeued())

    # What is due

    async def _send_due(self, account: Account, now_s: int) -> bool:
        """Send what has not left, send again what may be lost, raise the first one's fee.

        False if a refusal means that later nonces should wait.
        """
        waiting = [job for job in await self._placed(account) if job.state in IN_FLIGHT]
        waiting = [job for job in waiting if (job.nonce or 0) >= account.nonce]
        self._watch_head(waiting, now_s)
        for position, job in enumerate(waiting):
            if job.state is JobState.SIGNED and await self._drop_unneeded(job):
                continue
            followed = position + 1 < len(waiting)
            due = await self._due(job, now_s, is_head=position == 0, followed=followed)
            if due is not None and not await self._send(due, now_s):
                return False
        return True

    async def _due(self, job: Job, now_s: int, *, is_head: bool, followed: bool) -> Job | None:
        """The job as it has to be sent now, or None if it has not."""
        old_enough = is_head and now_s - self._stuck_since(job) >= self._limits.raise_after_s
        resend = job.sent_s is None or now_s - job.sent_s >= self._limits.resend_after_s
        if not (old_enough or resend):
            return None
        if not job.unneeded and await self._already_done(job):
            job = await self.save(replace(job, unneeded=True))
        # What is unneeded may wait for a cheap block, unless others wait behind it.
        if old_enough and (followed or not job.unneeded):
            job = await self._raised(job, now_s)
            resend = resend or job.sent_s is None
        return job if resend else None

    async def _raised(self, job: Job, now_s: int) -> Job:
        """One rung up the ladder, or the job as it is at the cap."""
        estimate = await self._client.fee_estimate(job.template.payload)
        fee_ustx = self._limits.fees.next(job.latest.fee_ustx, estimate)
        if fee_ustx == job.latest.fee_ustx:
            return job
        _log.info("outbox: %s waits, its fee rises to %d uSTX", job.key, fee_ustx)
        return await self.save(job.signed(self._key, job.latest.nonce, fee_ustx, now_s))

    def _watch_head(self, waiting: list[Job], now_s: int) -> None:
        """Since when the lowest waiting nonce is the lowest: what is behind another cannot be mined."""
        nonce = waiting[0].nonce if waiting else None
        if nonce is None:
            self._head_since_s = 0
        elif self._head_nonce not in (None, nonce):
            self._head_since_s = now_s
        self._head_nonce = nonce

    def _stuck_since(self, job: Job) -> int:
        return max(job.latest.made_s, self._head_since_s)

    # New nonces

    async def _fill_gaps(self, account: Account, now_s: int) -> bool:
        """Give every nonce below one in flight to a job, or to a transfer of our own."""
        for _ in range(self._limits.in_flight_max):
            held = await self._held(account)
            if not held or len(held) == max(held) + 1 - account.nonce:
                return True
            job = await self._next_needed()
            if job is None:
                nonce = _lowest_free(account.nonce, held)
                filler = TokenTransfer(burn_address(self._chain), 1)
                key = f"{FILLER}{nonce}:{now_s}"
                job = await asyncio.to_thread(self._ledger.job, key) or await self.add(
                    key, filler, PostConditionMode.DENY, ()
                )
            if not await self._place(job, account, now_s):
                return False
        return True

    async def _submit_queued(self, account: Account, now_s: int) -> None:
        """Send from the queue, in order, as many as may be in flight."""
        for _ in range(self._limits.in_flight_max):
            if len(await self._held(account)) >= self._limits.in_flight_max:
                return
            job = await self._next_needed()
            if job is None or not await self._place(job, account, now_s):
                return

    async def _place(self, job: Job, account: Account, now_s: int) -> bool:
        """Give a job the lowest free nonce, save it signed, send it."""
        estimate = await self._client.fee_estimate(job.template.payload)
        nonce = _lowest_free(account.nonce, await self._held(account))
        signed = await self.save(job.signed(self._key, nonce, self._limits.fees.first(estimate), now_s))
        if self._head_nonce is None:
            self._head_nonce = nonce
        return await self._send(signed, now_s)

    async def _next_needed(self) -> Job | None:
        """The first queued job that nobody else has done."""
        for _ in range(self._limits.queue_max + self._limits.in_flight_max):
            job = await asyncio.to_thread(self._ledger.next_queued)
            if job is None or not await self._drop_unneeded(job):
                return job
        return None

    async def _drop_unneeded(self, job: Job) -> bool:
        """Give up a job whose bytes have not left, if it is already done: its nonce stays free."""
        if job.key.startswith(FILLER) or not await self._already_done(job):
            return False
        await self.save(job.given_up(Abandoned.UNNECESSARY))
        return True

    async def _already_done(self, job: Job) -> bool:
        return not job.key.startswith(FILLER) and await self._is_done(job.key)

    # Sending

    async def _send(self, job: Job, now_s: int) -> bool:
        """Save, then send; False if later nonces should wait for this one."""
        for _ in range(_RAISES_MAX):
            job = await self.save(job.sending(now_s))
            answer = await self._client.broadcast(job.latest.raw)
            if not isinstance(answer, Rejected):
                await self.save(job.taken())
                return True
            check(isinstance(answer.reason, RejectReason), "a node's refusal is a RejectReason")
            reason = RejectReason(answer.reason)
            if refusal_of(reason) is not Refusal.FEE:
                return await self._refused(job, reason, answer.detail, now_s)
            fee_ustx = self._limits.fees.next(job.latest.fee_ustx)
            if fee_ustx == job.latest.fee_ustx:
                break
            job = await self.save(job.signed(self._key, job.latest.nonce, fee_ustx, now_s))
        _log.warning("outbox: %s needs a fee above the cap", job.key)
        await self.save(job.refused(RejectReason.FEE_TOO_LOW, now_s))
        return False

    async def _refused(self, job: Job, reason: RejectReason, detail: str, now_s: int) -> bool:
        """What a refusal does to a job; False if later nonces should wait."""
        _log.info("outbox: %s refused: %s %s", job.key, reason.value, detail)
        match refusal_of(reason):
            case Refusal.IN_MEMPOOL:
                # Ours, or one we forgot: whichever is mined, the account's nonce will tell.
                await self.save(job.taken())
                return True
            case Refusal.NONCE_GONE:
                # Used since the step began. If it was by an attempt of ours, `_follow` finds it.
                await self.save(job.refused(reason, now_s))
                return False
            case Refusal.NEVER:
                await self.save(job.given_up(Abandoned.REFUSED, reason))
                return True
            case Refusal.PERHAPS:
                return await self._bear(job.refused(reason, now_s), reason, now_s)
            case Refusal.WAIT | Refusal.FEE:
                await self.save(job.refused(reason, now_s))
                return False

    async def _bear(self, job: Job, reason: RejectReason, now_s: int) -> bool:
        """Wait for what may pass, until patience ends; what is unneeded is not waited for."""
        if job.unneeded:
            await self.save(job.given_up(Abandoned.UNNECESSARY, reason))
            return True
        if now_s - (job.refused_since_s or now_s) >= self._limits.patience_s:
            await self.save(job.given_up(Abandoned.REFUSED, reason))
            return True
        await self.save(job)
        return False

    # The ledger

    async def _placed(self, account: Account) -> tuple[Job, ...]:
        return await asyncio.to_thread(self._ledger.placed, account.nonce)

    async def _held(self, account: Account) -> frozenset[int]:
        """Nonces from the account's on that a job holds."""
        nonces = [job.nonce for job in await self._placed(account)]
        return frozenset(nonce for nonce in nonces if nonce is not None and nonce >= account.nonce)

    async def add(
        self, key: str, payload: Payload, mode: PostConditionMode, conditions: tuple[PostCondition, ...]
    ) -> Job:
        """Put a new transaction at the end of the queue, durably."""
        template = unsigned(
            self._chain,
            self._key.public_key,
            payload,
            nonce=0,
            fee_ustx=0,
            mode=mode,
            post_conditions=conditions,
        )
        job = await asyncio.to_thread(self._ledger.add, key, template, self._clock())
        if self._observe is not None:
            self._observe(job)
        return job

    async def save(self, job: Job) -> Job:
        """Make a job's new state durable, then tell."""
        await asyncio.to_thread(self._ledger.save, job)
        if self._observe is not None:
            self._observe(job)
        return job


def _lowest_free(nonce: int, held: frozenset[int]) -> int:
    while nonce in held:
        nonce += 1
    return nonce
