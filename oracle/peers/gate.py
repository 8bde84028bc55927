"""The listening side: no connection reaches HTTP unless its certificate speaks for a welcome key.

Decides who may speak HTTP to a node at all, on how many connections, and how long one
may dawdle. What is carried afterwards is not its business.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import web

from consensus.model import check
from oracle.peers.limits import Limits

HEADER_BYTES_MAX: Final = 2_048
HEADERS_MAX: Final = 32

Judge = Callable[[bytes], bytes | None]
"""From a certificate (DER) to the node key it speaks for, if that is welcome now."""
Handler = Callable[[web.BaseRequest, bytes], Awaitable[web.StreamResponse]]


class Gate(web.Server):
    """An HTTP server for judged peers; `handler` is told the node key with the request."""

    def __init__(self, judge: Judge, handler: Handler, limits: Limits) -> None:
        super().__init__(
            self._handle,
            keepalive_timeout=0,
            max_line_size=HEADER_BYTES_MAX,
            max_field_size=HEADER_BYTES_MAX,
            max_headers=HEADERS_MAX,
            lingering_time=0,
            access_log=None,
        )
        self.judge = judge
        self.limits = limits
        self.open: Counter[bytes] = Counter()
        self._handler = handler
        self._keys: dict[object, bytes] = {}
        self._shaking: dict[object, float] = {}
        self._shaken = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.ended = False

    def __call__(self) -> web.RequestHandler:
        """Make the protocol of one accepted connection, before TLS."""
        loop = asyncio.get_running_loop()
        connection = _Connection(self, loop=loop, **self._kwargs)
        self._shaking[connection] = loop.time()
        self._prune_shaking(loop.time())
        return connection

    async def end(self) -> None:
        """Close every connection, within the limit; what has not gone by then is cut."""
        loop = asyncio.get_running_loop()
        self.ended = True
        self._prune_shaking(loop.time())
        with suppress(TimeoutError):
            async with asyncio.timeout(self.limits.close_s):
                while self._shaking:  # or TLS would come to its end after everything else has
                    self._shaken.clear()
                    await self._shaken.wait()
        cut = [connection.transport for connection in self.connections]
        await self.shutdown(self.limits.close_s)
        for transport in cut:
            # Before 3.11.4 a TLS transport that has lost its connection raises instead of doing nothing.
            with suppress(AttributeError):
                if transport is not None:
                    transport.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.limits.close_s):
                await self._empty.wait()

    def shaken(self, connection: object) -> None:
        """TLS with a connection is done."""
        self._shaking.pop(connection, None)
        self._shaken.set()

    def enter(self, connection: object, key: bytes) -> None:
        """Count a connection that was let in."""
        self._keys[connection] = key
        self._empty.clear()
        self.open[key] += 1

    def leave(self, connection: object) -> None:
        """Count it out."""
        key = self._keys.pop(connection, None)
        if key is not None:
            self.open[key] -= 1
            self.open += Counter()  # forget the ones at zero
        if not self._keys:
            self._empty.set()

    def _prune_shaking(self, now_s: float) -> None:
        # Of a handshake that fails nobody is told; after the limit it has.
        for connection, began_s in list(self._shaking.items()):
            if began_s + self.limits.handshake_s < now_s:
                del self._shaking[connection]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        key = self._keys.get(connection)
        if key is None or not isinstance(connection, _Connection):
            return web.Response(status=403)
        connection.asked()
        return await self._handler(request, key)


class _Connection(web.RequestHandler):
    """One connection: TLS is done when it is made, and nothing of HTTP is read yet."""

    __slots__ = ("_deadline", "_gate")

    def __init__(self, gate: Gate, **settings: Any) -> None:
        super().__init__(gate, **settings)
        self._gate = gate
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        gate = self._gate
        gate.shaken(self)
        check(isinstance(transport, asyncio.Transport), "a connection is a stream")
        if not isinstance(transport, asyncio.Transport):
            return
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        key = gate.judge(certificate) if certificate else None
        # Ended: the handshake was slower than the limits, and nobody is left to close what comes of it.
        if gate.ended or key is None or gate.open[key] >= gate.limits.connections_max:
            transport.abort()
            return
        gate.enter(self, key)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(gate.limits.handshake_s, transport.abort)

    def asked(self) -> None:
        """A whole request has come: the deadline for it is off."""
        if self._deadline is not None:
            self._deadline.cancel()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.asked()
        self._gate.leave(self)
        super().connection_lost(exc)
