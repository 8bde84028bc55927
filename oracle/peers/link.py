"""One link: a WebSocket to a peer that is already known, carrying opaque bytes both ways.

Decides when it is over: the peer closed it, broke the form, went silent, or took nothing
for too long. Does not know what the bytes mean, nor whether another link would be better.

Reading obeys the peer's budget: after too much the link is simply not read for a while,
so what the peer has sent waits in its own memory and not in ours.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio.trsock import TransportSocket
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from typing import Final, TypeAlias

import aiohttp
from aiohttp import WSMsgType, web

from oracle.peers.limits import Budget, Limits, PeerCounters, SendQueue

SUBPROTOCOL: Final = "wattest.1"
WELCOME: Final = "welcome"
"""The server's first frame: before it, the dialing side does not know whether it was let in."""

Socket: TypeAlias = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class CloseCode(IntEnum):
    """Why this node closes a link; the numbers are WebSocket close codes."""

    GOING_AWAY = 1001
    MALFORMED = 1003
    TOO_BIG = 1009
    DUPLICATE = 4001
    NOT_A_MEMBER = 4002
    BLOCKED = 4003
    SILENT = 4004


class Link:
    """One WebSocket of one peer. `preferred` says that the lower slot dialed it."""

    def __init__(self, ws: Socket, *, preferred: bool) -> None:
        self.preferred = preferred
        self._ws = ws
        self._socket: TransportSocket | None = ws.get_extra_info("socket")
        self._over = asyncio.Event()
        self._code = CloseCode.GOING_AWAY
        self._heard_s = asyncio.get_running_loop().time()
        self._sending_since_s: float | None = None
        self._throttled = False

    def stop(self, code: CloseCode) -> None:
        """Let `carry` come to its end."""
        if not self._over.is_set():
            self._code = code
            self._over.set()

    async def carry(
        self,
        queue: SendQueue,
        deliver: Callable[[bytes], None],
        budget: Budget,
        limits: Limits,
        counters: PeerCounters,
    ) -> None:
        """Send what is queued and deliver what comes, until the link is over and closed.

        What `deliver` raises ends the link and is raised here, in an ExceptionGroup.
        """
        try:
            async with asyncio.TaskGroup() as group:
                parts = [
                    group.create_task(self._read(deliver, budget, limits, counters)),
                    group.create_task(self._write(queue, counters)),
                    group.create_task(self._watch(limits, counters)),
                    group.create_task(self._over.wait()),
                ]
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                for part in parts:
                    part.cancel()
        except* (OSError, aiohttp.ClientError):
            pass  # the connection broke: that is how links end
        finally:
            await self.close(limits)

    async def close(self, limits: Limits) -> None:
        """Say goodbye, within the limit; then the connection is gone either way."""
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(limits.close_s):
                await self._ws.close(code=self._code)
                return
        self.cut()

    def cut(self) -> None:
        """End the connection without a word."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    async def _read(
        self, deliver: Callable[[bytes], None], budget: Budget, limits: Limits, counters: PeerCounters
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await self._ws.receive()
            self._heard_s = loop.time()
            size_bytes = 0
            match message.type:
                case WSMsgType.BINARY if len(message.data) <= limits.message_bytes_max:
                    size_bytes = len(message.data)
                    counters.received_messages += 1
                    counters.received_bytes += size_bytes
                    deliver(message.data)
                case WSMsgType.PING:
                    await self._ws.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case WSMsgType.CLOSE | WSMsgType.CLOSING | WSMsgType.CLOSED:
                    return
                case _:
                    self._count_offence(message, counters)
                    return
            pause_s = budget.spend(size_bytes, loop.time())
            if pause_s > 0:
                counters.throttled += 1
                self._throttled = True
                await asyncio.sleep(pause_s)
                self._throttled = False

    def _count_offence(self, message: aiohttp.WSMessage, counters: PeerCounters) -> None:
        fault = message.data if message.type is WSMsgType.ERROR else None
        if message.type is WSMsgType.BINARY or getattr(fault, "code", None) == CloseCode.TOO_BIG:
            counters.too_big += 1
            self._code = CloseCode.TOO_BIG
        elif message.type is WSMsgType.TEXT or isinstance(fault, aiohttp.WebSocketError):
            counters.malformed += 1
            self._code = CloseCode.MALFORMED

    async def _write(self, queue: SendQueue, counters: PeerCounters) -> None:
        loop = asyncio.get_running_loop()
        while True:
            data = await queue.get()
            self._sending_since_s = loop.time()
            await self._ws.send_bytes(data)  # waits while the peer takes nothing
            self._sending_since_s = None
            counters.sent_messages += 1
            counters.sent_bytes += len(data)

    async def _watch(self, limits: Limits, counters: PeerCounters) -> None:
        """Ping; return when the peer is gone."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(limits.ping_s)
            oldest_s = loop.time() - limits.silence_s
            stuck = self._sending_since_s is not None and self._sending_since_s < oldest_s
            if stuck or (self._heard_s < oldest_s and not self._throttled):
                counters.silent += 1
                self._code = CloseCode.SILENT
                return
            if self._sending_since_s is None:  # else data is on its way, and the pipe is full
                with suppress(TimeoutError):
                    async with asyncio.timeout(limits.ping_s):
                        await self._ws.ping()
