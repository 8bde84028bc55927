"""Watches the chain: its head, and the answers of read-only queries that matter to a node.

Decides what counts as a change. Does not know what an answer means: a registry's revision,
an epoch, the presence of an attestation are all queries to it. Queries are asked again
whenever the tip is another one, so what a reorganisation takes back is told as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from consensus.encoding import Principal, Value, decode, encode
from consensus.model import check
from oracle.chain.answers import ChainInfo
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.endpoint import ChainUnavailable

QUERIES_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Query:
    """A read-only call under a name of the application's."""

    name: str
    contract: Principal
    function: str
    arguments: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The tip is another one; its height may be lower than before."""

    info: ChainInfo


@dataclass(frozen=True, slots=True)
class AnswerChanged:
    """A query answers otherwise than before, as seen at `height`; bytes are canonical.

    `before` is None for the first answer; `after` is None where the contract gives no value.
    """

    query: Query
    before: bytes | None
    after: bytes | None
    height: int

    @property
    def value(self) -> Value:
        """The new answer; call it only where `after` is not None."""
        check(self.after is not None, "the contract gave a value")
        return decode(self.after or b"")


@dataclass(frozen=True, slots=True)
class ChainAway:
    """Too few endpoints answer; told once, until a head is told again."""

    reason: str


Observation: TypeAlias = ChainHead | AnswerChanged | ChainAway


class Watcher:
    """Polls the chain every `poll_s` seconds; one consumer at a time."""

    def __init__(self, client: StacksClient, queries: tuple[Query, ...] = (), *, poll_s: float = 5.0) -> None:
        self._client = client
        self._poll_s = poll_s
        self._tip: str | None = None
        self._away = False
        self._queries: dict[str, Query] = {}
        self._answers: dict[str, bytes | None] = {}
        for query in queries:
            self.watch(query)

    def watch(self, query: Query) -> None:
        """Ask this too, from the next poll on; a query of the same name is replaced."""
        check(len(self._queries | {query.name: query}) <= QUERIES_MAX, f"at most {QUERIES_MAX} queries")
        self.forget(query.name)
        self._queries[query.name] = query

    def forget(self, name: str) -> None:
        """Ask this no more."""
        self._queries.pop(name, None)
        self._answers.pop(name, None)

    async def observe(self) -> AsyncIterator[Observation]:
        """Observations for ever; ends by cancellation."""
        while True:
            for observation in await self.poll():
                yield observation
            await asyncio.sleep(self._poll_s)

    async def poll(self) -> tuple[Observation, ...]:
        """Look once; never raises for an absent chain."""
        observed: list[Observation] = []
        try:
            await self._look(observed)
        except ChainUnavailable as failure:
            # The tip is not remembered: all is asked again when the chain is back.
            self._tip = None
            if not self._away:
                self._away = True
                observed.append(ChainAway(str(failure)))
        return tuple(observed)

    async def _look(self, observed: list[Observation]) -> None:
        info = await self._client.info()
        moved = info.tip != self._tip
        if moved:
            observed.append(ChainHead(info))
            self._away = False
        for query in tuple(self._queries.values()):
            if moved or query.name not in self._answers:
                await self._ask(query, info.height, observed)
        # Remembered last: a look that failed half-way is repeated in full.
        self._tip = info.tip

    async def _ask(self, query: Query, height: int, observed: list[Observation]) -> None:
        try:
            after: bytes | None = encode(
                await self._client.call_read_only(query.contract, query.function, query.arguments)
            )
        except CallRefused:
            after = None
        known = self._queries.get(query.name) is query
        if not known or (query.name in self._answers and self._answers[query.name] == after):
            return
        observed.append(AnswerChanged(query, self._answers.get(query.name), after, height))
        self._answers[query.name] = after
