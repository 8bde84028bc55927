"""The durable outbox: what must get onto the chain gets there, once, in order (C1, C4).

Takes transactions, each named by the application's key ("window:1234:0"), and tells what
became of them. Does not know what they are for. `courier` carries them, `ledger` keeps
them, `job` has the table of their states.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import coincurve

from consensus.encoding import Principal
from consensus.model import InvariantBroken, check
from oracle.chain.address import Chain, account_text, address_of
from oracle.chain.calls import PublicCall
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.codec import ContractMisread
from oracle.chain.courier import FILLER, Clock, Courier, IsDone, Observe, OutboxLimits
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.job import Job, JobState
from oracle.chain.ledger import Ledger, OutboxLocked
from oracle.chain.post_conditions import PostCondition, PostConditionMode
from oracle.chain.transaction import Payload

__all__ = ["Outbox", "OutboxFull", "OutboxLimits", "OutboxLocked", "never_done"]

T = TypeVar("T")
KEY_LENGTH_MAX: Final = 200

_log = logging.getLogger(__name__)


class OutboxFull(Exception):  # noqa: N818 - it states a fact
    """As many jobs wait as may; the caller keeps its own until some are done."""


async def never_done(_key: str) -> bool:
    """For transactions that nobody else can make."""
    return False


class Outbox:
    """The outbox of one key's account; use as an async context manager, then `run` it.

    Raises OutboxLocked if another process has this account's outbox open. `is_done` says of a
    key that somebody else has made it unnecessary; it may raise ChainUnavailable. `observe`
    hears every saved state of a job.
    """

    def __init__(
        self,
        directory: Path,
        key: coincurve.PrivateKey,
        chain: Chain,
        client: StacksClient,
        clock: Clock,
        *,
        is_done: IsDone = never_done,
        limits: OutboxLimits | None = None,
        observe: Observe | None = None,
    ) -> None:
        self.address: Principal = address_of(key.public_key, chain)
        self.limits = limits or OutboxLimits()
        self._directory = directory
        self._make_courier: Callable[[Ledger], Courier] = lambda ledger: Courier(
            ledger, key, chain, client, clock, is_done=is_done, limits=self.limits, observe=observe
        )
        self._ledger: Ledger | None = None
        self._courier: Courier | None = None
        self._intake = asyncio.Lock()  # apart from `_turn`, so that nothing waits for the chain to enqueue
        self._turn = asyncio.Lock()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._ledger = await asyncio.to_thread(Ledger, self._directory, self.address)
        self._courier = self._make_courier(self._ledger)
        return self

    async def __aexit__(self, *_error: object) -> None:
        async with self._turn, self._intake:
            ledger, self._ledger, self._courier = self._open_ledger(), None, None
            await asyncio.to_thread(ledger.close)

    async def enqueue(
        self,
        key: str,
        payload: Payload,
        *,
        mode: PostConditionMode = PostConditionMode.DENY,
        post_conditions: tuple[PostCondition, ...] = (),
    ) -> Job:
        """Take a transaction, durably. A key that was given before keeps its first payload.

        Raises OutboxFull; TransactionError if the payload has no bytes.
        """
        check(0 < len(key) <= KEY_LENGTH_MAX and not key.startswith(FILLER), "a key of 1 to 200 letters")
        async with self._intake:
            known = await self.job(key)
            if known is not None:
                return known
            waiting = await asyncio.to_thread(self._open_ledger().unfinished_count)
            if waiting >= self.limits.queue_max:
                raise OutboxFull(f"{waiting} jobs wait")
            job = await self._open_courier().add(key, payload, mode, post_conditions)
        self._wake.set()
        return job

    async def call(self, key: str, call: PublicCall[T]) -> Job:
        """Take a typed call, as `enqueue` does, with its post-conditions."""
        post = call.post
        return await self.enqueue(key, call.payload, mode=post.mode, post_conditions=post.conditions)

    async def outcome(self, key: str, call: PublicCall[T]) -> T:
        """Take a typed call, wait for its block, and give what the contract gave.

        Raises ContractRefused with the contract's reason. Somebody has to `run` the outbox.
        """
        await self.call(key, call)
        return call.outcome(await self.mined(key))

    async def job(self, key: str) -> Job | None:
        """The job of a key, if it is known."""
        return await asyncio.to_thread(self._open_ledger().job, key)

    async def unfinished(self) -> tuple[Job, ...]:
        """All jobs that still have to get onto the chain, in the order they came."""
        return await asyncio.to_thread(self._open_ledger().unfinished)

    async def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        return await asyncio.to_thread(self._open_ledger().counts)

    async def retry(self, key: str) -> Job:
        """Put an abandoned job back into the queue."""
        async with self._intake:
            job = await self.job(key)
            if job is None:
                raise KeyError(key)
            queued = await self._open_courier().save(job.retried())
        self._wake.set()
        return queued

    async def mined(self, key: str) -> Job:
        """Wait until a job is in a block, or abandoned; somebody has to `run` the outbox."""
        return await self._wait(key, lambda job: job.mined or job.finished)

    async def finished(self, key: str) -> Job:
        """Wait until a job is done or abandoned; somebody has to `run` the outbox."""
        return await self._wait(key, lambda job: job.finished)

    async def run(self) -> None:
        """Step for ever; an absent chain is waited for (C4). Ends by cancellation."""
        away = False
        while True:
            self._wake.clear()
            try:
                await self.step()
                if away:
                    _log.info("outbox %s: the chain is back", account_text(self.address))
                away = False
            except (ChainUnavailable, CallRefused, ContractMisread) as failure:  # the latter by `is_done`
                if not away:
                    _log.warning("outbox %s: the chain is away: %s", account_text(self.address), failure)
                away = True
            await self._pause(self.limits.away_poll_s if away else self.limits.poll_s)

    async def step(self) -> None:
        """Look at every job once, and do what is due.

        Raises ChainUnavailable; what was done until then is saved, and the next step goes on.
        """
        async with self._turn:
            try:
                await self._open_courier().step()
            finally:
                self._changed.set()
                self._changed = asyncio.Event()

    async def _wait(self, key: str, enough: Callable[[Job], bool]) -> Job:
        while True:
            changed = self._changed
            job = await self.job(key)
            if job is None:
                raise KeyError(key)
            if enough(job):
                return job
            await changed.wait()

    async def _pause(self, seconds: float) -> None:
        """Until there is something new to send, or it is time to look again."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    def _open_ledger(self) -> Ledger:
        if self._ledger is None:
            raise InvariantBroken("the outbox is used inside its context")
        return self._ledger

    def _open_courier(self) -> Courier:
        if self._courier is None:
            raise InvariantBroken("the outbox is used inside its context")
        return self._courier
