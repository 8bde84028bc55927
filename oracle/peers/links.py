"""Links to every peer of the committee: one each, over mutual TLS, kept up for ever.

Decides who may connect, which of two links stays, when to dial again. Carries opaque
bytes; what they say, whether they are true, and what was lost with a broken link are the
business of whoever reads them.

Both sides dial. The lower slot dials at once, the higher a moment later, so mostly one
link comes to be. If two do, both sides keep the one that the lower slot dialed; between
two of the same direction the newer one, because its peer has forgotten the older.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import aiohttp
from aiohttp import WSMsgType, web

from consensus.model import Rejected, check
from oracle.peers.gate import Gate
from oracle.peers.identity import Identity, client_context, peer_key, present, server_context
from oracle.peers.limits import Budget, Limits, PeerCounters, SendQueue
from oracle.peers.link import SUBPROTOCOL, WELCOME, CloseCode, Link

Address = tuple[str, int]

_RANDOM: Final = secrets.SystemRandom()


class Refusal(Enum):
    """Why a connection was refused, beside what is wrong with its certificate."""

    NOT_A_MEMBER = "not-a-member"
    WRONG_PEER = "wrong-peer"
    """Another node answers at the address of this one."""
    BLOCKED = "blocked"
    SELF = "self"


@dataclass(slots=True)
class _Peer:
    slot: int
    key: bytes
    address: Address | None
    counters: PeerCounters
    queue: SendQueue
    budget: Budget
    link: Link | None = None
    blocked: bool = False
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is something to dial for."""
    dialer: asyncio.Task[None] | None = None


class Links:
    """This node's links. `run` them in the process's TaskGroup, wait for `ready`.

    `keys` are the welcome node keys in slot order: the committee's, and after them those
    of members to come, which need links for the key ceremony. `own_slot` is this node's
    place among them; -1 for a node that has none, which dials and is let in by nobody until
    both sides are `reconfigure`d. `addresses` may leave out slots that dial us.

    `on_message(slot, data)`, `on_up(slot)` and `on_down(slot)` are called on the loop and
    must not block; what they raise ends `run`. After `on_up`, assume that anything sent
    before may be lost. `now_s` gives UTC seconds, for certificates.
    """

    def __init__(
        self,
        own_slot: int,
        keys: Sequence[bytes],
        addresses: Mapping[int, Address],
        identity: Identity,
        network: bytes,
        on_message: Callable[[int, bytes], None],
        on_up: Callable[[int], None],
        on_down: Callable[[int], None],
        now_s: Callable[[], int],
        *,
        limits: Limits | None = None,
        listen: Address = ("127.0.0.1", 0),
    ) -> None:
        self._limits = limits or Limits()
        self._identity = identity
        self._network = network
        self._on_message, self._on_up, self._on_down = on_message, on_up, on_down
        self._now_s = now_s
        self._listen = listen
        self._server_tls: ssl.SSLContext = server_context(identity)
        self._client_tls: ssl.SSLContext = client_context(identity)
        self._stopping = asyncio.Event()
        self._finished = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._session: aiohttp.ClientSession | None = None
        self._peers: dict[int, _Peer] = {}
        self._known: dict[bytes, PeerCounters] = {}
        self._carried = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.refusals: dict[str, int] = {}
        """Connections refused, by the value of a Refusal or IdentityReason."""
        self.ready = asyncio.Event()
        self.port = 0
        self.own_slot = own_slot
        self._set_members(own_slot, keys, addresses)

    # --- what the node calls

    def send(self, slot: int, data: bytes) -> None:
        """Queue bytes for one peer; its oldest are dropped and counted when it takes too few."""
        check(len(data) <= self._limits.message_bytes_max, "a message is within the configured limit")
        peer = self._peers.get(slot)
        check(peer is not None, "a message goes to a member, and not to oneself")
        if peer is not None:
            peer.queue.put(data)

    def broadcast(self, data: bytes) -> None:
        """Queue the same bytes for every peer."""
        for slot in sorted(self._peers):
            self.send(slot, data)

    def up(self) -> tuple[int, ...]:
        """Slots there is a link with now."""
        return tuple(slot for slot in sorted(self._peers) if self._peers[slot].link is not None)

    def key_of(self, slot: int) -> bytes | None:
        """The node key of the peer in a slot; None for no peer's slot."""
        peer = self._peers.get(slot)
        return None if peer is None else peer.key

    def slot_of(self, key: bytes) -> int | None:
        """The slot of the peer with a node key; None for a key that is not welcome."""
        peer = self._peer_of(key)
        return None if peer is None else peer.slot

    def counters(self) -> dict[int, PeerCounters]:
        """What was counted, by slot."""
        return {slot: self._peers[slot].counters for slot in sorted(self._peers)}

    def waiting(self, slot: int) -> tuple[int, int]:
        """Messages and bytes that wait for a peer."""
        queue = self._peers[slot].queue
        return len(queue), queue.size_bytes

    def block(self, slot: int) -> None:
        """Cut a peer off, both ways, until `unblock`: a partition, for tests and drills."""
        peer = self._peers[slot]
        peer.blocked = True
        peer.idle.clear()
        self._end(peer, CloseCode.BLOCKED)

    def unblock(self, slot: int) -> None:
        """Let a blocked peer be linked again."""
        peer = self._peers[slot]
        peer.blocked = False
        if peer.link is None:
            peer.idle.set()

    def reconfigure(self, own_slot: int, keys: Sequence[bytes], addresses: Mapping[int, Address]) -> None:
        """Take other welcome keys: links whose key left are closed, the others stay as they are.

        A peer may get another slot by this; its link goes on under the new one.
        """
        places = {key: slot for slot, key in enumerate(keys) if slot != own_slot}
        for peer in list(self._peers.values()):
            slot = places.get(peer.key)
            if slot is None or addresses.get(slot) != peer.address:
                self._dismiss(peer)
            else:
                peer.slot = slot
        self._peers = {peer.slot: peer for peer in self._peers.values()}
        self._set_members(own_slot, keys, addresses)

    def renew(self, identity: Identity) -> None:
        """Show a newer certificate on links to come; those that are up stay."""
        check(identity.node_key == self._identity.node_key, "a node's key stays while it runs")
        self._identity = identity
        present(self._server_tls, identity)
        present(self._client_tls, identity)

    async def stop(self, deadline_s: float = 5.0) -> None:
        """Close every link and let `run` end, within the deadline."""
        self._stopping.set()
        if self._group is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline_s):
                    await self._finished.wait()

    async def run(self) -> None:
        """Listen and dial until `stop`. Raises OSError if the address cannot be listened on."""
        gate = Gate(self._judge, self._accept, self._limits)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            gate,
            *self._listen,
            ssl=self._server_tls,
            ssl_handshake_timeout=self._limits.handshake_s,
            ssl_shutdown_timeout=self._limits.close_s,
        )
        self.port = server.sockets[0].getsockname()[1]
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.handshake_s)
        connector = aiohttp.TCPConnector(ssl=self._client_tls, limit=0, force_close=True)
        trace = aiohttp.TraceConfig()
        trace.on_request_redirect.append(_refuse_redirect)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, trace_configs=[trace]
                ) as self._session,
                asyncio.TaskGroup() as self._group,
            ):
                for peer in self._peers.values():
                    self._start_dialing(peer)
                self.ready.set()
                await self._stopping.wait()
                server.close()
                await self._wind_down()
        finally:
            self._group = None
            server.close()
            await gate.end()
            self._finished.set()

    # --- members

    def _set_members(self, own_slot: int, keys: Sequence[bytes], addresses: Mapping[int, Address]) -> None:
        own_key = keys[own_slot] if own_slot >= 0 else None
        check(own_key in (None, self._identity.node_key), "the identity is that of the own slot")
        check(len(set(keys)) == len(keys), "no key stands in two slots")
        self.own_slot = own_slot
        now_s = asyncio.get_running_loop().time()
        for slot, key in enumerate(keys):
            if slot == own_slot or slot in self._peers:
                continue
            counters = self._known.setdefault(key, PeerCounters())
            queue = SendQueue(self._limits, counters)
            peer = _Peer(slot, key, addresses.get(slot), counters, queue, Budget(self._limits, now_s))
            peer.idle.set()
            self._peers[slot] = peer
            self._start_dialing(peer)

    def _dismiss(self, peer: _Peer) -> None:
        del self._peers[peer.slot]
        peer.blocked = True  # for a connection that is being made just now
        self._end(peer, CloseCode.NOT_A_MEMBER)
        if peer.dialer is not None:
            peer.dialer.cancel()

    def _peer_of(self, key: bytes) -> _Peer | None:
        return next((peer for peer in self._peers.values() if peer.key == key), None)

    def _judge(self, certificate: bytes) -> bytes | None:
        key = peer_key(certificate, self._network, self._now_s())
        if isinstance(key, Rejected):
            self._refuse(key.reason)
            return None
        peer = self._peer_of(key)
        if peer is None:
            self._refuse(Refusal.SELF if key == self._identity.node_key else Refusal.NOT_A_MEMBER)
            return None
        if peer.blocked:
            self._refuse(Refusal.BLOCKED)
            return None
        return key

    def _refuse(self, reason: Enum) -> None:
        self.refusals[reason.value] = self.refusals.get(reason.value, 0) + 1

    # --- links

    async def _accept(self, request: web.BaseRequest, key: bytes) -> web.StreamResponse:
        peer, group = self._peer_of(key), self._group
        if peer is None or group is None or self._stopping.is_set():
            return web.Response(status=503)
        ws = web.WebSocketResponse(
            autoping=False,
            compress=False,
            timeout=self._limits.close_s,
            max_msg_size=self._limits.message_bytes_max + 1,
            protocols=(SUBPROTOCOL,),
        )
        await ws.prepare(request)
        if self._stopping.is_set():  # while the handshake was under way: the group takes no more tasks
            await ws.close()
            return ws
        link = Link(ws, preferred=peer.slot < self.own_slot)
        # In our own group, so that what a callback raises ends `run` and not just a request.
        carried = self._let_in(peer, link, ws)
        try:
            task = group.create_task(carried)
        except RuntimeError:  # the group is being cancelled, or is gone, and nobody told us to stop
            carried.close()
            await ws.close()
            return ws
        await asyncio.wait([task])
        return ws

    async def _let_in(self, peer: _Peer, link: Link, ws: web.WebSocketResponse) -> None:
        if not self._adopt(peer, link):
            await link.close(self._limits)
            return
        with suppress(OSError, aiohttp.ClientError):
            await ws.send_str(WELCOME)
        await self._carry(peer, link)

    async def _carry(self, peer: _Peer, link: Link) -> None:
        """Carry an adopted link to its end."""

        def deliver(data: bytes) -> None:
            if peer.link is link:  # else it was replaced, blocked or dismissed: nobody's word any more
                self._on_message(peer.slot, data)

        self._carried += 1
        self._quiet.clear()
        try:
            await link.carry(peer.queue, deliver, peer.budget, self._limits, peer.counters)
        finally:
            self._carried -= 1
            if not self._carried:
                self._quiet.set()
            self._drop(peer, link)

    def _adopt(self, peer: _Peer, link: Link) -> bool:
        """Make it the peer's link, unless the one there is has the better claim."""
        held = peer.link
        if peer.blocked or (held is not None and held.preferred and not link.preferred):
            peer.counters.duplicates += 1
            link.stop(CloseCode.BLOCKED if peer.blocked else CloseCode.DUPLICATE)
            return False
        if held is not None:
            peer.counters.duplicates += 1
            self._end(peer, CloseCode.DUPLICATE)
        peer.link = link
        peer.idle.clear()
        peer.counters.ups += 1
        self._on_up(peer.slot)
        return True

    def _end(self, peer: _Peer, code: CloseCode) -> None:
        if peer.link is not None:
            peer.link.stop(code)
            self._drop(peer, peer.link)

    def _drop(self, peer: _Peer, link: Link) -> None:
        if peer.link is link:
            peer.link = None
            peer.counters.downs += 1
            if not peer.blocked:
                peer.idle.set()
            self._on_down(peer.slot)

    # --- dialing

    def _start_dialing(self, peer: _Peer) -> None:
        if self._group is not None and peer.address is not None and peer.dialer is None:
            peer.dialer = self._group.create_task(self._dial_for_ever(peer, peer.address))

    async def _dial_for_ever(self, peer: _Peer, address: Address) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        if self.own_slot > peer.slot:
            await asyncio.sleep(self._limits.dial_grace_s)
        while self._peers.get(peer.slot) is peer:
            await peer.idle.wait()
            began_s = loop.time()
            peer.counters.dials += 1
            link = await self._dialed(peer, address)
            if link is None:
                peer.counters.dial_failures += 1
            elif self._adopt(peer, link):
                await self._carry(peer, link)
            else:
                await link.close(self._limits)
            # A link that lived is no failure; one that breaks at once must not spin.
            failures = 0 if loop.time() - began_s > self._limits.dial_cap_s else failures + 1
            longest_s = min(self._limits.dial_cap_s, self._limits.dial_first_s * 2 ** min(failures, 16))
            await asyncio.sleep(_RANDOM.uniform(longest_s / 2, longest_s))

    async def _dialed(self, peer: _Peer, address: Address) -> Link | None:
        """Connect, know the peer, and wait to be let in; None if any of it fails."""
        session = self._session
        host, port = address
        if session is None:
            return None
        link = None
        try:
            async with asyncio.timeout(2 * self._limits.handshake_s):
                ws = await session.ws_connect(
                    f"wss://{f'[{host}]' if ':' in host else host}:{port}/",
                    autoping=False,
                    compress=0,
                    max_msg_size=self._limits.message_bytes_max + 1,
                    protocols=(SUBPROTOCOL,),
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._limits.close_s),
                )
                link = Link(ws, preferred=self.own_slot < peer.slot)
                if self._is(peer, ws):
                    message = await ws.receive()
                    if message.type is WSMsgType.TEXT and message.data == WELCOME:
                        return link
        except (TimeoutError, OSError, aiohttp.ClientError):
            pass
        except asyncio.CancelledError:
            if link is not None:
                link.cut()
            raise
        if link is not None:
            await link.close(self._limits)
        return None

    def _is(self, peer: _Peer, ws: aiohttp.ClientWebSocketResponse) -> bool:
        tls: ssl.SSLObject | None = ws.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        key = self._judge(certificate) if certificate else None
        if key is not None and key != peer.key:
            self._refuse(Refusal.WRONG_PEER)
        return key == peer.key

    # --- ending

    async def _wind_down(self) -> None:
        for peer in self._peers.values():
            peer.blocked = True  # nothing new
            self._end(peer, CloseCode.GOING_AWAY)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * self._limits.close_s):
                await self._quiet.wait()
        for peer in self._peers.values():
            if peer.dialer is not None:
                peer.dialer.cancel()


async def _refuse_redirect(*_: object) -> None:
    """A peer answers itself or not at all: it must not send this node's requests elsewhere."""
    raise aiohttp.ClientError("redirected")
