"""Brings attested entries to the contract, in turn, and notes what stands there (C1, C2, C4).

A transmission waits until its turn (`stage` times `stage_s`), then asks the contract
whether the entry is there already, and only then goes to the outbox. Whoever submitted
it, the contract's events say so, and a receipt with the raw transaction is kept. If the
chain is away, everything waits and goes on when it is back.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from consensus.encoding import decode, encode
from consensus.step import Transmission
from oracle.chain.address import contract_of
from oracle.chain.answers import TransactionState
from oracle.chain.client import CallRefused
from oracle.chain.contracts import AttestedEvent, ContractMisread, OracleContracts
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.outbox import Outbox, OutboxFull
from oracle.chain.transaction import ContractCall
from oracle.schedule import ACTIVATE, certified_by

_log = logging.getLogger("wattest.reporter")

WAITING_MAX: Final = 20_000
"""Transmissions that wait; the oldest stand in the history and are found again at a restart."""
EVENTS_PAGE: Final = 50
PAGES_MAX: Final = 40
"""So far back a look goes for receipts that this node lacks, after it or the chain was away."""
FINAL_DEPTH: Final = 6
"""So deep under the tip a receipt is not looked at again."""
RECENT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Receipt:
    """An entry's transaction, as the chain has it, and what the contract holds since."""

    height: int
    txid: str
    block_height: int
    raw: bytes
    attestation: bytes
    """Canonical bytes of the contract's attestation; b"" where it holds none."""


@dataclass(slots=True, order=True)
class _Due:
    at_s: float
    height: int
    transmission: Transmission = field(compare=False)


class Reporter:
    """One node's way to the contract. `run` it; `submit` at any time, from the loop."""

    def __init__(
        self,
        contracts: OracleContracts,
        outbox: Outbox,
        clock_s: Callable[[], float],
        stage_s: float,
        poll_s: float,
        keep: Callable[[Receipt], Awaitable[None]],
        window_of: Callable[[int], Awaitable[tuple[int, int] | None]],
        known: Callable[[int], Awaitable[bool]],
        lose: Callable[[int, str], Awaitable[None]],
        fits: Callable[[Transmission], Awaitable[bool]],
        submitted: Callable[[int, int], Awaitable[None]] | None = None,
    ) -> None:
        """`window_of` gives (window, revision) of a height, None where it has no window; `known`
        says whether a height's receipt is kept already; `lose` takes one back after a reorg;
        `fits` says whether the contract would take an activation now; `submitted` hears
        (height, submitters before this node) once the outbox has it.
        """
        self._contracts = contracts
        self._outbox = outbox
        self._clock_s = clock_s
        self._stage_s = stage_s
        self._poll_s = poll_s
        self._keep = keep
        self._window_of = window_of
        self._known = known
        self._lose = lose
        self._fits = fits
        self._submitted = submitted
        self._recent: OrderedDict[int, Receipt] = OrderedDict()
        self._due: list[_Due] = []
        self._wake = asyncio.Event()
        self.chain_away: str | None = None

    @property
    def waiting(self) -> int:
        """How many transmissions wait for their turn or for the chain."""
        return len(self._due)

    def submit(self, transmission: Transmission) -> None:
        """Take a transmission; beyond WAITING_MAX the newest waits in the history only."""
        if len(self._due) < WAITING_MAX:
            at_s = self._clock_s() + transmission.stage * self._stage_s
            heapq.heappush(self._due, _Due(at_s, transmission.height, transmission))
            self._wake.set()

    async def run(self) -> None:
        """Submit and watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._submit_due())
            tasks.create_task(self._watch())

    # -- submitting -------------------------------------------------------------------

    async def _submit_due(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._submit_ready()
                pause = self._due[0].at_s - self._clock_s() if self._due else self._poll_s
            except (ChainUnavailable, CallRefused, ContractMisread, OutboxFull) as failure:
                self._note_away(failure)
                pause = self._poll_s
            try:
                async with asyncio.timeout(min(max(pause, 0.02), self._poll_s)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _submit_ready(self) -> None:
        """In order of turn and height; an entry whose epoch is not yet on chain waits for it (C2).

        An activation waits for the entries before it, and until the chain proposes that
        very committee, as it would fail for good otherwise.
        """
        epoch: int | None = None
        while self._due and self._due[0].at_s <= self._clock_s():
            transmission = self._due[0].transmission
            if await self._contracts.is_done(transmission.key):
                heapq.heappop(self._due)
                continue
            if transmission.function == ACTIVATE:
                if not await self._earlier_are_done(transmission) or not await self._fits(transmission):
                    self._put_off([due for due in self._due if due.transmission.function == ACTIVATE])
                    continue
            else:
                epoch = await self._contracts.current_epoch() if epoch is None else epoch
                if epoch < certified_by(transmission):
                    self._put_off([due for due in self._due if certified_by(due.transmission) > epoch])
                    continue
            if not await self._contracts.may_follow(transmission.key):  # A8: the revision before comes first
                self._put_off(self._due[:1])
                continue
            call = ContractCall(
                contract_of(self._contracts.deployer, transmission.contract),
                transmission.function,
                tuple(decode(argument) for argument in transmission.arguments),
            )
            await self._outbox.enqueue(transmission.key, call)
            heapq.heappop(self._due)
            if self._submitted is not None:
                await self._submitted(transmission.height, transmission.stage)

    async def _earlier_are_done(self, activation: Transmission) -> bool:
        """Two epochs on, the contract would not take what the committee before has certified (C2)."""
        for due in sorted(self._due):
            if due.height < activation.height and not await self._contracts.is_done(due.transmission.key):
                return False
        return True

    def _put_off(self, these: Iterable[_Due]) -> None:
        """Look at these again in a while; others go first."""
        later = self._clock_s() + self._poll_s
        for due in these:
            due.at_s = max(due.at_s, later)
        heapq.heapify(self._due)

    # -- watching ---------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
                self.chain_away = None
            except (ChainUnavailable, CallRefused, ContractMisread) as failure:
                self._note_away(failure)
            await asyncio.sleep(self._poll_s)

    async def _look(self) -> None:
        await self._look_again()
        for page in range(PAGES_MAX):
            events = await self._contracts.newest_attested(EVENTS_PAGE, page * EVENTS_PAGE)
            if events is None:
                break
            fresh = [event for event in reversed(events) if not await self._known(event.height)]
            for event in fresh:
                await self._note(event)
            if not fresh:  # what is older is known as well
                break

    async def _note(self, event: AttestedEvent) -> None:
        place = await self._window_of(event.height)
        client = self._contracts.client
        status = await client.transaction_status(event.txid)
        raw = await client.raw_transaction(event.txid)
        if place is None or raw is None or status.height is None:
            return  # this node has not decided that height yet; asked again at the next look
        if status.state is not TransactionState.SUCCESS:
            return
        held = await self._contracts.attestation(*place)
        attestation = b"" if held is None else encode(held.value)
        receipt = Receipt(event.height, event.txid, status.height, raw, attestation)
        await self._keep(receipt)
        self._recent[event.height] = receipt

    async def _look_again(self) -> None:
        """Receipts in young blocks: a reorganisation may have taken their transaction away."""
        if not self._recent:
            return
        tip = (await self._contracts.client.info()).height
        for receipt in list(self._recent.values()):
            status = await self._contracts.client.transaction_status(receipt.txid)
            if status.state is not TransactionState.SUCCESS or status.height is None:
                del self._recent[receipt.height]
                await self._lose(receipt.height, receipt.txid)
            elif tip - status.height >= FINAL_DEPTH or len(self._recent) > RECENT_MAX:
                del self._recent[receipt.height]

    def _note_away(self, failure: Exception) -> None:
        if self.chain_away is None:
            _log.warning("the chain is away, entries wait: %s", failure)
        self.chain_away = str(failure)
