"""Several endpoints asked at once, and the rule that turns their answers into one (C3).

Decides when enough have said the same. Knows no paths and no meaning of an answer.
A rule sees the answers so far and whether more will come; it gives a tuple with the settled
answer, or None while there is none.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, TypeAlias, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from consensus.model import Rejected, check
from oracle.chain.answers import (
    Accepted,
    ChainInfo,
    FeeEstimate,
    MalformedAnswer,
    TransactionState,
    TransactionStatus,
)
from oracle.chain.endpoint import (
    ChainDisagrees,
    ChainUnavailable,
    ClientLimits,
    Endpoint,
    EndpointFailed,
)

ENDPOINTS_MAX: Final = 8

_T = TypeVar("_T")
_H = TypeVar("_H", bound=Hashable)

Ask: TypeAlias = Callable[[Endpoint], Awaitable[_T]]
Rule: TypeAlias = Callable[[Sequence[_T], int, bool], tuple[_T] | None]
"""(answers so far, how many must agree, no more will come) -> (settled,) or None."""


class Panel:
    """Asks `endpoints` and needs `agree` of them."""

    __slots__ = ("_agree", "_endpoints", "_limits")

    def __init__(self, endpoints: tuple[Endpoint, ...], agree: int, limits: ClientLimits) -> None:
        check(1 <= agree <= len(endpoints) <= ENDPOINTS_MAX, "1 <= agree <= endpoints <= 8")
        self._endpoints = endpoints
        self._agree = agree
        self._limits = limits

    async def settle(self, ask: Ask[_T], rule: Rule[_T]) -> _T:
        """Ask within the limits; raises ChainUnavailable when the rule never settles."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(ChainUnavailable),
            stop=stop_after_attempt(self._limits.attempts),
            wait=wait_exponential(multiplier=self._limits.wait_s, max=self._limits.wait_max_s),
            reraise=True,
        ):
            with attempt:
                return await self._ask_once(ask, rule)
        raise ChainUnavailable("no attempt is allowed")

    async def _ask_once(self, ask: Ask[_T], rule: Rule[_T]) -> _T:
        given: list[_T] = []
        failures: list[str] = []
        arrived: asyncio.Queue[None] = asyncio.Queue(ENDPOINTS_MAX)

        async def collect(endpoint: Endpoint) -> None:
            try:
                given.append(await ask(endpoint))
            except EndpointFailed as failure:
                failures.append(str(failure))
            except MalformedAnswer as failure:
                failures.append(f"{endpoint.url}: {failure}")
            arrived.put_nowait(None)

        settled: tuple[_T] | None = None
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(endpoint)) for endpoint in self._endpoints]
            for outstanding in reversed(range(len(tasks))):
                await arrived.get()
                settled = rule(tuple(given), self._agree, outstanding == 0)
                if settled is not None:
                    break
            # A slow endpoint does not hold up an answer that is settled without it.
            for task in tasks:
                task.cancel()
        if settled is None:
            raise self._unsettled(len(given), failures)
        return settled[0]

    def _unsettled(self, given: int, failures: list[str]) -> ChainUnavailable:
        reasons = "; ".join(failures)
        if given >= self._agree:
            return ChainDisagrees(f"{given} answers, fewer than {self._agree} alike; {reasons}")
        return ChainUnavailable(f"{given} of {self._agree} answers; {reasons}")


def equal(given: Sequence[_H], agree: int, _last: bool) -> tuple[_H] | None:  # noqa: FBT001
    """The first answer that `agree` endpoints give."""
    for answer, count in Counter(given).items():
        if count >= agree:
            return (answer,)
    return None


def reached(given: Sequence[ChainInfo], agree: int, _last: bool) -> tuple[ChainInfo] | None:  # noqa: FBT001
    """The highest tip that `agree` endpoints have reached: nodes are a block apart all day."""
    if len(given) < agree or len({one.chain_id for one in given}) != 1:
        return None
    return (sorted(given, key=lambda one: (one.height, one.tip), reverse=True)[agree - 1],)


def equal_status(
    given: Sequence[TransactionStatus],
    agree: int,
    last: bool,  # noqa: FBT001
) -> tuple[TransactionStatus] | None:
    """Mined if `agree` endpoints say so alike; unknown only if all who answered say so."""
    settled = equal([one for one in given if one.state.mined], agree, last)
    if settled is not None or not last or len(given) < agree:
        return settled
    unknown = TransactionStatus(TransactionState.UNKNOWN)
    return (unknown if all(one == unknown for one in given) else TransactionStatus(TransactionState.PENDING),)


def median_fee(given: Sequence[FeeEstimate], agree: int, _last: bool) -> tuple[FeeEstimate] | None:  # noqa: FBT001
    """The lower median: one endpoint alone cannot make us pay more."""
    if len(given) < agree:
        return None
    return (sorted(given, key=lambda one: one.middle_ustx)[(len(given) - 1) // 2],)


def taken(
    given: Sequence[Accepted | Rejected],
    agree: int,
    last: bool,  # noqa: FBT001
) -> tuple[Accepted | Rejected] | None:
    """Accepted where one endpoint accepts; rejected only if `agree` of them reject."""
    accepted = [one for one in given if isinstance(one, Accepted)]
    rejected = [one for one in given if isinstance(one, Rejected)]
    if len(accepted) >= agree or (last and accepted):
        return (accepted[0],)
    if not last or len(rejected) < agree:
        return None
    usual = Counter(one.reason for one in rejected).most_common(1)[0][0]
    return (next(one for one in rejected if one.reason is usual),)
