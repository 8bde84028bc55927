"""The route of the feed: one long answer for each listener, with heartbeats and a place to resume.

What the events are and what may be relied on stands in `stream`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from oracle.api.context import Api, address_of, api_of, natural_or_none, parameters
from oracle.api.errors import ApiError, Refused
from oracle.api.limits import network_of
from oracle.api.questions import natural
from oracle.api.stream import RESUME_LOOKBACK, Event, Stage, Subscription, frame, replay, replay_start

RETRY_MS: Final = 3000
TOLD_MAX: Final = 8 * RESUME_LOOKBACK
HEARTBEAT: Final = b": heartbeat\n\n"
_log = logging.getLogger(__name__)


async def feed(request: web.Request) -> web.StreamResponse:
    """`GET /v1/feed`."""
    api = api_of(request)
    after = _resume_from(request)
    client = network_of(address_of(request))
    _admit(api, client)
    try:
        return await _tell(request, api, after)
    finally:
        api.listeners[client] -= 1
        if not api.listeners[client]:
            del api.listeners[client]


class _Teller:
    """Writes events to one client: each once, within its deadline."""

    def __init__(self, response: web.StreamResponse, known: int, write_s: float) -> None:
        self._response = response
        self._write_s = write_s
        self._told: OrderedDict[tuple[int, str], None] = OrderedDict()
        self.known = known
        """The greatest height the client knows to be decided: the id of what is sent."""

    async def events(self, events: Sequence[Event]) -> None:
        """Send what was not sent before."""
        lines = bytearray()
        for event in events:
            key = (event["height"], event["event"])
            if key in self._told:
                continue
            self._told[key] = None
            if event["event"] == Stage.DECIDED.value:
                self.known = max(self.known, event["height"])
            lines += frame(event, self.known)
        while len(self._told) > TOLD_MAX:
            self._told.popitem(last=False)
        if lines:
            await self.write(bytes(lines))

    async def write(self, data: bytes) -> None:
        """Raises TimeoutError when the client does not take it, ConnectionError when it is gone."""
        async with asyncio.timeout(self._write_s):
            await self._response.write(data)


async def _tell(request: web.Request, api: Api, after: int | None) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    response.content_type, response.charset = "text/event-stream", "utf-8"
    await response.prepare(request)
    teller = _Teller(response, after or 0, api.limits.feed_write_s)
    subscription = None
    try:
        await teller.write(f"retry: {RETRY_MS}\n\n".encode())
        if after is None:
            subscription = api.announcer.subscribe()
            newest = await api.read(lambda history: history.newest())
            teller.known = 0 if newest is None else newest.height
        else:
            await _replay(api, teller, after)
            subscription = api.announcer.subscribe()
            # What happened since the last page was read; what was told is not told again.
            await _replay(api, teller, teller.known)
        await _live(teller, subscription, api.limits.feed_heartbeat_s)
        if subscription.lagged:
            await teller.write(_DROPPED)
            _dropped(request, api, "takes events too slowly")
    except TimeoutError:
        _dropped(request, api, "takes no bytes")
        if request.transport is not None:
            request.transport.abort()
    except ConnectionError:
        pass  # the client left, as it may
    finally:
        if subscription is not None:
            api.announcer.unsubscribe(subscription)
    return response


async def _replay(api: Api, teller: _Teller, after: int) -> None:
    cursor: int | None = replay_start(after)
    while cursor is not None:
        events, cursor = await _page(api, after, cursor)
        await teller.events(events)


async def _page(api: Api, after: int, cursor: int) -> tuple[list[dict[str, Any]], int | None]:
    return await api.read(lambda history: replay(history, after, cursor))


async def _live(teller: _Teller, subscription: Subscription, heartbeat_s: float) -> None:
    while not subscription.lagged:
        event = await subscription.get(heartbeat_s)
        if event is not None:
            await teller.events((event,))
        elif subscription.closed:
            return
        elif not subscription.lagged:
            await teller.write(HEARTBEAT)


_DROPPED: Final = (
    b'event: dropped\ndata: {"error":"client-too-slow","what_to_do":'
    b'"Connect again with Last-Event-ID, and read faster."}\n\n'
)


def _dropped(request: web.Request, api: Api, why: str) -> None:
    api.metrics.count("wattest_feed_dropped_total")
    _log.warning("feed client %s dropped: it %s", address_of(request), why)


def _admit(api: Api, client: str) -> None:
    limits = api.limits
    if sum(api.listeners.values()) >= limits.feed_clients_max:
        raise Refused(ApiError.TOO_MANY_CLIENTS, "the feed has as many clients as it takes", retry_after_s=60)
    if api.listeners.get(client, 0) >= limits.feed_clients_per_address:
        raise Refused(ApiError.TOO_MANY_CLIENTS, "your address has as many feeds as it may", retry_after_s=60)
    api.listeners[client] = api.listeners.get(client, 0) + 1


def _resume_from(request: web.Request) -> int | None:
    """The browser's header on a reconnect; `after` for the first time, as it cannot set one."""
    found = parameters(request, "after")
    given = request.headers.get("Last-Event-ID", "")
    return natural(given, "Last-Event-ID") if given else natural_or_none(found, "after")
