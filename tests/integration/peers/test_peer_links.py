"""Links over real TLS on loopback: who is let in, what is bounded, what comes back by itself."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from coincurve import PrivateKey

from consensus.model import InvariantBroken
from oracle.peers.identity import BINDING_PREFIX, Identity, client_context, issue
from oracle.peers.limits import Budget, Limits, PeerCounters, SendQueue
from oracle.peers.links import Links

NETWORK = sha256(b"a network").digest()
NODES = [PrivateKey(sha256(b"node %d" % slot).digest()) for slot in range(8)]
KEYS = [node.public_key.format() for node in NODES]
QUICK = Limits(
    message_bytes_max=100_000,
    handshake_s=2.0,
    ping_s=0.2,
    silence_s=1.0,
    close_s=0.3,
    dial_first_s=0.02,
    dial_cap_s=0.2,
    dial_grace_s=0.1,
)


def now_s() -> int:
    return int(time.time())


def identity_of(slot: int, network: bytes = NETWORK) -> Identity:
    return issue(
        sha256(b"tls %d" % slot).digest(),
        lambda statement: NODES[slot].sign_recoverable(BINDING_PREFIX + statement),
        network,
        now_s(),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def until(condition: Callable[[], bool], what: str, within_s: float = 8.0) -> None:
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, f"still waiting until {what}"
        await asyncio.sleep(0.01)


class Node:
    """One node's links and what they told it."""

    def __init__(
        self, slot: int, ports: dict[int, int], limits: Limits, size: int, identity: Identity | None = None
    ) -> None:
        self.slot = slot
        self.received: list[tuple[int, bytes]] = []
        self.events: list[tuple[str, int]] = []
        self.links = Links(
            slot,
            KEYS[:size],
            {peer: ("127.0.0.1", port) for peer, port in ports.items() if peer != slot},
            identity or identity_of(slot),
            NETWORK,
            lambda sender, data: self.received.append((sender, data)),
            lambda peer: self.events.append(("up", peer)),
            lambda peer: self.events.append(("down", peer)),
            now_s,
            limits=limits,
            listen=("127.0.0.1", ports.get(slot, 0)),
        )


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[Node]:
    task = asyncio.create_task(node.links.run())
    try:
        waiting = asyncio.create_task(node.links.ready.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            task.result()
        yield node
    finally:
        await node.links.stop()
        await task


@asynccontextmanager
async def pair(limits: Limits = QUICK, second: Limits | None = None) -> AsyncIterator[tuple[Node, Node]]:
    ports = {0: free_port(), 1: free_port()}
    async with running(Node(0, ports, limits, 2)) as a, running(Node(1, ports, second or limits, 2)) as b:
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "both are up")
        yield a, b


async def raw_link(
    node: Node, identity: Identity, session: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse:
    """A link made by hand, for a peer that does not behave."""
    return await session.ws_connect(
        f"wss://127.0.0.1:{node.links.port}/",
        ssl=client_context(identity),
        max_msg_size=0,
        autoping=False,
        protocols=("wattest.1",),
        timeout=aiohttp.ClientWSTimeout(ws_close=0.2),
    )


def transport_of(ws: aiohttp.ClientWebSocketResponse) -> asyncio.Transport:
    connection = ws._response.connection
    assert connection is not None
    assert isinstance(connection.transport, asyncio.Transport)
    return connection.transport


async def test_bytes_go_both_ways_exactly_once() -> None:
    async with pair() as (a, b):
        a.links.send(1, b"to b")
        b.links.send(0, b"to a")
        a.links.broadcast(b"")
        await until(lambda: len(b.received) == 2 and len(a.received) == 1, "all has come")
        assert b.received == [(0, b"to b"), (0, b"")]
        assert a.received == [(1, b"to a")]


async def test_when_both_dial_one_link_remains_and_the_lower_slot_dialed_it() -> None:
    async with pair(replace(QUICK, dial_grace_s=0.0)) as (a, b):
        for _ in range(8):
            a.links.block(1)
            b.links.block(0)
            await asyncio.sleep(0.3)  # longer than any back-off: both wait to dial
            dials = [a.links.counters()[1].dials, b.links.counters()[0].dials]
            a.links.unblock(1)
            b.links.unblock(0)
            await asyncio.sleep(0.3)
            assert a.links.counters()[1].dials > dials[0]
            assert b.links.counters()[0].dials > dials[1]
            for node, slot in ((a, 1), (b, 0)):
                link = node.links._peers[slot].link
                assert link is not None
                assert link.preferred
                counters = node.links.counters()[slot]
                assert counters.ups - counters.downs == 1
        assert a.links.counters()[1].duplicates + b.links.counters()[0].duplicates >= 8
        for n in range(20):
            a.links.send(1, b"%d" % n)
        await until(lambda: len(b.received) == 20, "all has come")
        assert [int(data) for _, data in b.received] == list(range(20))


async def test_a_link_dialed_by_the_lower_slot_does_not_give_way_to_the_other_direction() -> None:
    ports = {1: free_port()}  # only node 0 dials
    async with running(Node(1, ports, QUICK, 2)) as b, running(Node(0, ports, QUICK, 2)) as a:
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "both are up")
        async with aiohttp.ClientSession() as session:
            ws = await raw_link(a, identity_of(1), session)
            assert (await ws.receive()).type is aiohttp.WSMsgType.CLOSE
            assert ws.close_code == 4001
        assert a.links.counters()[1].duplicates == 1
        assert a.events == [("up", 1)]
        assert b.events == [("up", 0)]


async def test_one_dialing_side_is_enough() -> None:
    ports = {0: free_port()}  # node 1 cannot be dialed
    async with running(Node(0, ports, QUICK, 2)) as a, running(Node(1, ports, QUICK, 2)) as b:
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "both are up")
        a.links.send(1, b"x")
        await until(lambda: b.received == [(0, b"x")], "it has come")


async def test_four_nodes_carry_a_thousand_messages_each_way() -> None:
    ports = {slot: free_port() for slot in range(4)}
    limits = replace(QUICK, inbound_messages_per_s=1e6, inbound_bytes_per_s=1e9)
    async with (
        running(Node(0, ports, limits, 4)) as a,
        running(Node(1, ports, limits, 4)) as b,
        running(Node(2, ports, limits, 4)) as c,
        running(Node(3, ports, limits, 4)) as d,
    ):
        nodes = (a, b, c, d)
        await until(lambda: all(len(node.links.up()) == 3 for node in nodes), "the mesh is up")
        await asyncio.sleep(0.2)  # past the grace in which a second link could come
        for n in range(1000):
            for node in nodes:
                node.links.broadcast(b"%d:%d:" % (node.slot, n) + bytes(200))
            if n % 50 == 0:
                await asyncio.sleep(0)
        await until(lambda: all(len(node.received) == 3000 for node in nodes), "all has come", 20)
        for node in nodes:
            for sender in set(range(4)) - {node.slot}:
                numbers = [int(data.split(b":")[1]) for from_, data in node.received if from_ == sender]
                assert numbers == list(range(1000))
            counted = node.links.counters().values()
            assert sum(counters.received_messages for counters in counted) == 3000
            assert sum(counters.dropped_oldest for counters in counted) == 0


# --- who is let in


async def refused(node: Node, identity: Identity) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, OSError)):
            async with asyncio.timeout(5):
                await raw_link(node, identity, session)


async def test_a_key_outside_the_committee_is_refused() -> None:
    async with running(Node(0, {}, QUICK, 4)) as node:
        await refused(node, identity_of(5))
        await until(lambda: bool(node.links.refusals), "it is counted")
        assert set(node.links.refusals) == {"not-a-member"}
        assert node.events == []


async def test_a_forged_binding_is_refused() -> None:
    async with running(Node(0, {}, QUICK, 4)) as node:
        # Slot 1's binding beside another TLS key: the attacker has seen, not made, it.
        forged = issue(
            sha256(b"the attacker's").digest(),
            lambda _: NODES[1].sign_recoverable(b"other"),
            NETWORK,
            now_s(),
        )
        await refused(node, forged)
        await refused(node, identity_of(1, network=bytes(32)))
        await until(lambda: node.links.refusals.get("not-a-member", 0) >= 2, "both are counted")
        assert node.events == []


async def test_a_connection_without_certificate_never_reaches_us() -> None:
    async with running(Node(0, {}, QUICK, 4)) as node, aiohttp.ClientSession() as session:
        with pytest.raises((aiohttp.ClientError, OSError)):
            async with asyncio.timeout(5):
                await session.ws_connect(f"wss://127.0.0.1:{node.links.port}/", ssl=False)
        assert node.links.refusals == {}
        assert node.events == []


async def test_our_own_key_at_a_peers_address_is_refused() -> None:
    port = free_port()
    node = Node(0, {0: port, 1: port}, QUICK, 4)
    async with running(node):
        await until(lambda: node.links.refusals.get("self", 0) > 0, "the mirror is noticed")
        assert node.links.up() == ()


async def test_another_member_at_a_peers_address_is_refused() -> None:
    port = free_port()
    async with running(Node(2, {2: port}, QUICK, 4)), running(Node(0, {1: port}, QUICK, 4)) as node:
        await until(lambda: node.links.refusals.get("wrong-peer", 0) > 0, "the wrong peer is noticed")
        assert ("up", 1) not in node.events


async def is_open(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(0.05):
            return bool(await reader.read(1))
    except TimeoutError:
        return True
    except ConnectionError:
        return False


async def test_a_member_gets_few_connections_and_must_use_them() -> None:
    async with running(Node(0, {}, replace(QUICK, handshake_s=1.0), 4)) as node:
        context = client_context(identity_of(1))
        most = QUICK.connections_max
        idle = [
            await asyncio.open_connection("127.0.0.1", node.links.port, ssl=context) for _ in range(most + 2)
        ]
        await asyncio.sleep(0.2)
        assert [await is_open(reader) for reader, _ in idle] == [True] * most + [False] * 2
        await asyncio.sleep(1.0)
        assert [await is_open(reader) for reader, _ in idle] == [False] * (most + 2)
        for _, writer in idle:
            writer.close()
        async with aiohttp.ClientSession() as session:
            ws = await raw_link(node, identity_of(1), session)
            assert (await ws.receive()).data == "welcome"
            for _ in range(12):
                await asyncio.sleep(0.1)  # past the deadline for idlers
                await ws.pong()
            assert node.links.up() == (1,)
            await ws.close()


async def test_two_members_with_one_certificate_key_are_one_peer() -> None:
    async with running(Node(0, {}, QUICK, 4)) as node, aiohttp.ClientSession() as session:
        first = await raw_link(node, identity_of(1), session)
        assert (await first.receive()).data == "welcome"
        second = await raw_link(node, identity_of(1), session)
        assert (await second.receive()).data == "welcome"
        assert (await first.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert first.close_code == 4001
        assert node.events == [("up", 1), ("down", 1), ("up", 1)]
        await second.close()


# --- what a peer may push


@pytest.mark.parametrize(
    ("size", "passes"),
    [(QUICK.message_bytes_max, True), (QUICK.message_bytes_max + 1, False), (1 << 22, False)],
)
async def test_a_message_at_the_limit_passes_and_one_beyond_ends_the_link(size: int, passes: bool) -> None:
    async with running(Node(0, {}, QUICK, 4)) as node, aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        await ws.send_bytes(bytes(size))
        if passes:
            await until(lambda: len(node.received) == 1, "it has come")
            assert len(node.received[0][1]) == size
        else:
            await until(lambda: ("down", 1) in node.events, "the link is down")
            assert node.received == []
            assert node.links.counters()[1].too_big == 1
        await ws.close()


async def test_our_own_oversized_message_is_our_fault() -> None:
    async with pair() as (a, _):
        with pytest.raises(InvariantBroken, match="limit"):
            a.links.send(1, bytes(QUICK.message_bytes_max + 1))
        with pytest.raises(InvariantBroken, match="oneself"):
            a.links.send(0, b"x")


async def say_text(ws: aiohttp.ClientWebSocketResponse) -> None:
    await ws.send_str("hello")


async def break_frame(ws: aiohttp.ClientWebSocketResponse) -> None:
    transport_of(ws).write(b"\xff\xff\xff\xff")


@pytest.mark.parametrize("offend", [say_text, break_frame])
async def test_text_and_broken_frames_end_the_link(offend: Any) -> None:
    async with running(Node(0, {}, QUICK, 4)) as node, aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        await offend(ws)
        await until(lambda: ("down", 1) in node.events, "the link is down")
        assert node.links.counters()[1].malformed == 1
        assert node.received == []
        await ws.close()


async def test_a_flood_is_read_at_the_configured_rate_and_waits_in_the_flooders_memory() -> None:
    limits = replace(
        QUICK, inbound_messages_per_s=1e6, inbound_bytes_per_s=2e6, inbound_burst_s=0.1, silence_s=30.0
    )
    async with running(Node(0, {}, limits, 4)) as node, aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await ws.send_bytes(bytes(50_000))
                sent += 50_000

        task = asyncio.create_task(flood())
        before = resident_bytes()
        began_s = time.monotonic()
        await asyncio.sleep(1.5)
        passed_s = time.monotonic() - began_s
        read = node.links.counters()[1].received_bytes
        task.cancel()
        assert read <= 2e6 * (passed_s + 0.1) + 100_000
        assert read > 1e6  # throttled, not stopped
        assert node.links.counters()[1].throttled > 5
        assert sent < read + 12_000_000  # what is not read is not taken in: kernel and TLS buffers only
        assert resident_bytes() - before < 40 << 20
        assert node.links.up() == (1,)
        await ws.close()


async def test_many_small_messages_are_limited_too() -> None:
    limits = replace(QUICK, inbound_messages_per_s=100.0, inbound_burst_s=0.5)
    async with pair(limits) as (a, b):
        for n in range(1000):
            a.links.send(1, b"%d" % n)
        began_s = time.monotonic()
        await asyncio.sleep(1.0)
        assert len(b.received) <= 50 + 100 * (time.monotonic() - began_s) + 5
        assert len(b.received) >= 60
        assert b.links.counters()[0].throttled > 0
        assert b.links.up() == (0,)  # a throttled peer is not a silent one


async def test_a_long_pause_for_one_who_said_too_much_is_not_silence() -> None:
    slow = replace(QUICK, inbound_bytes_per_s=30_000, inbound_burst_s=0.1)
    ports = {0: free_port(), 1: free_port()}
    patient = replace(QUICK, silence_s=30.0)
    async with running(Node(0, ports, patient, 2)) as a, running(Node(1, ports, slow, 2)) as b:
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "both are up")
        a.links.send(1, bytes(90_000))
        await asyncio.sleep(2 * slow.silence_s)
        assert b.links.counters()[0].throttled == 1
        assert b.links.up() == (0,)
        assert b.links.counters()[0].silent == 0


@pytest.mark.parametrize("talks", [False, True])
async def test_a_peer_that_takes_nothing_costs_bounded_memory_and_is_let_go(talks: bool) -> None:
    limits = replace(QUICK, queue_messages_max=50, queue_bytes_max=2_000_000, silence_s=1.5)
    async with running(Node(0, {}, limits, 4)) as node, aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        transport = transport_of(ws)
        transport.pause_reading()
        before = resident_bytes()
        for _ in range(3000):  # 300 MB
            node.links.send(1, bytes(100_000))
            waiting, waiting_bytes = node.links.waiting(1)
            assert waiting <= 50
            assert waiting_bytes <= 2_000_000
            await asyncio.sleep(0)
        assert resident_bytes() - before < 40 << 20
        counters = node.links.counters()[1]
        assert counters.dropped_oldest > 2800
        for _ in range(60):
            for _ in range(20):  # more than any kernel takes in
                node.links.send(1, bytes(100_000))
            if talks and not ws.closed and not transport.is_closing():
                with suppress(OSError, aiohttp.ClientError):
                    await ws.send_bytes(b"still here")
            if ("down", 1) in node.events:
                break
            await asyncio.sleep(0.1)
        assert node.events == [("up", 1), ("down", 1)]
        assert counters.silent == 1
        assert bool(node.received) == talks
        transport.abort()
        await ws.close()


async def test_a_silent_peer_is_let_go_and_a_quiet_one_is_kept() -> None:
    async with pair() as (a, b):
        await asyncio.sleep(2.2 * QUICK.silence_s)
        assert a.events == [("up", 1)]
        assert b.events == [("up", 0)]
    async with running(Node(0, {}, QUICK, 4)) as node, aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()  # and never answers a ping
        await until(lambda: ("down", 1) in node.events, "it is let go", 4)
        assert node.links.counters()[1].silent == 1
        await ws.close()


# --- coming back


async def test_a_restarted_peer_is_linked_again() -> None:
    ports = {0: free_port(), 1: free_port()}
    async with running(Node(0, ports, QUICK, 2)) as a:
        for _ in range(3):
            async with running(Node(1, ports, QUICK, 2)) as b:
                await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "they are linked")

                def said_and_heard(b: Node = b) -> bool:
                    # Where both have dialed, one link takes the other's place and what was
                    # sent over the first is lost: whoever speaks says it again.
                    a.links.send(1, b"hello")
                    return (0, b"hello") in b.received

                await until(said_and_heard, "it has come")
            await until(lambda: a.links.up() == (), "the link is down")
        kinds = [kind for kind, _ in a.events]
        assert kinds == ["up", "down"] * (len(kinds) // 2)
        assert len(kinds) >= 6


async def test_what_was_queued_while_a_peer_was_away_is_delivered_the_newest_of_it() -> None:
    ports = {0: free_port(), 1: free_port()}
    async with running(Node(0, ports, replace(QUICK, queue_messages_max=10), 2)) as a:
        for n in range(25):
            a.links.send(1, b"%d" % n)
        async with running(Node(1, ports, QUICK, 2)) as b:
            await until(lambda: len(b.received) == 10, "it has come")
            assert [int(data) for _, data in b.received] == list(range(15, 25))
        assert a.links.counters()[1].dropped_oldest == 15


async def test_dialing_backs_off() -> None:
    async with running(Node(0, {0: 0, 1: free_port()}, replace(QUICK, dial_cap_s=5.0), 2)) as a:
        await asyncio.sleep(1.5)
        counters = a.links.counters()[1]
        assert counters.dial_failures == counters.dials
        assert 3 <= counters.dials <= 8  # 0.04, 0.08, ... doubling; without it there would be hundreds


async def test_a_partition_cuts_both_ways_and_heals() -> None:
    async with pair() as (a, b):
        a.links.block(1)
        await until(lambda: a.links.up() == () and b.links.up() == (), "they are apart")
        await asyncio.sleep(0.6)
        assert a.links.up() == b.links.up() == ()
        assert a.links.refusals["blocked"] > 0
        a.links.unblock(1)
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "they are together again")
        a.links.send(1, b"again")
        await until(lambda: (0, b"again") in b.received, "it has come")


async def test_nothing_more_is_heard_of_a_peer_from_the_moment_it_is_cut_off() -> None:
    node = Node(0, {}, QUICK, 4)

    def hear_once(sender: int, data: bytes) -> None:
        node.received.append((sender, data))
        node.links.block(sender)

    node.links._on_message = hear_once
    async with running(node), aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        for n in range(20):
            await ws.send_bytes(b"%d" % n)
        await until(lambda: ("down", 1) in node.events, "it is cut off")
        await asyncio.sleep(0.2)
        assert node.received == [(1, b"0")]
        await ws.close()


async def test_a_new_committee_closes_the_links_of_those_who_left() -> None:
    ports = {slot: free_port() for slot in range(3)}
    async with (
        running(Node(0, ports, QUICK, 3)) as a,
        running(Node(1, ports, QUICK, 3)) as b,
        running(Node(2, ports, QUICK, 3)) as c,
    ):
        nodes = (a, b, c)
        await until(lambda: all(len(node.links.up()) == 2 for node in nodes), "the mesh is up")
        await asyncio.sleep(0.3)
        # Slot 1 leaves; slot 2 moves into its place.
        addresses = {0: ("127.0.0.1", ports[0]), 1: ("127.0.0.1", ports[2])}
        a.links.reconfigure(0, [KEYS[0], KEYS[2]], addresses)
        c.links.reconfigure(1, [KEYS[0], KEYS[2]], addresses)
        assert ("down", 1) in a.events
        assert ("down", 2) not in a.events, "who stays keeps its link"
        await until(lambda: a.links.up() == (1,) and c.links.up() == (0,), "the new committee is linked")
        a.links.send(1, b"to c")
        await until(lambda: (0, b"to c") in c.received, "it has come")
        await until(lambda: b.links.up() == (), "who left is alone")
        assert all(data != b"to c" for _, data in b.received)


async def test_a_node_outside_the_committee_waits_until_it_is_let_in() -> None:
    ports = {slot: free_port() for slot in range(2)}
    async with running(Node(0, ports, QUICK, 2)) as member:
        newcomer = Node(-1, ports, QUICK, 2, identity_of(2))
        async with running(newcomer):
            await until(lambda: member.links.refusals.get("not-a-member", 0) > 1, "it has tried")
            assert newcomer.links.up() == ()
            member.links.reconfigure(0, KEYS[:3], {1: ("127.0.0.1", ports[1])})
            newcomer.links.reconfigure(2, KEYS[:3], {0: ("127.0.0.1", ports[0])})
            await until(lambda: newcomer.links.up() == (0,), "it is let in")
            newcomer.links.send(0, b"hello")
            await until(lambda: (2, b"hello") in member.received, "it has come")


async def test_a_renewed_identity_keeps_links_and_serves_new_ones() -> None:
    async with pair() as (a, b):
        renewed = identity_of(0)
        a.links.renew(renewed)
        assert a.events == [("up", 1)]
        b.links.block(0)
        await until(lambda: a.links.up() == (), "they are apart")
        b.links.unblock(0)
        await until(lambda: a.links.up() == (1,) and b.links.up() == (0,), "they are together again")
        with pytest.raises(InvariantBroken):
            a.links.renew(identity_of(3))


async def test_what_a_callback_raises_ends_run() -> None:
    def fail(*_: Any) -> None:
        raise InvariantBroken("on purpose")

    for callback in ("_on_message", "_on_up"):
        node = Node(0, {}, QUICK, 4)
        setattr(node.links, callback, fail)
        task = asyncio.create_task(node.links.run())
        await node.links.ready.wait()
        async with aiohttp.ClientSession() as session:
            try:
                ws = await raw_link(node, identity_of(1), session)
                await ws.receive()
                await ws.send_bytes(b"x")
                await ws.close()
            except (aiohttp.ClientError, OSError):
                pass
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.timeout(5):
                await task
        assert caught.group_contains(InvariantBroken, match="on purpose")


async def test_stopping_keeps_its_deadline_beside_a_peer_that_does_not_answer() -> None:
    node = Node(0, {}, QUICK, 4)
    task = asyncio.create_task(node.links.run())
    await node.links.ready.wait()
    async with aiohttp.ClientSession() as session:
        ws = await raw_link(node, identity_of(1), session)
        await ws.receive()
        transport = transport_of(ws)
        transport.pause_reading()
        began_s = time.monotonic()
        await node.links.stop(deadline_s=2.0)
        assert time.monotonic() - began_s < 2.0
        assert task.done()
        await task
        transport.resume_reading()
        await ws.close()


async def test_a_port_in_use_is_an_os_error() -> None:
    async with running(Node(0, {}, QUICK, 4)) as node:
        other = Node(1, {1: node.links.port}, QUICK, 4)
        with pytest.raises(OSError, match="in use"):
            await other.links.run()


# --- the parts


def test_a_budget_lends_one_message_and_then_waits() -> None:
    budget = Budget(Limits(inbound_messages_per_s=10, inbound_bytes_per_s=1000, inbound_burst_s=1), 0.0)
    assert [budget.spend(0, 0.0) for _ in range(10)] == [0.0] * 10
    assert budget.spend(0, 0.0) == pytest.approx(0.1)
    assert budget.spend(0, 0.2) == 0.0
    assert budget.spend(3000, 5.0) == pytest.approx(2.0)
    assert budget.spend(0, 4.0) == pytest.approx(2.0)  # a clock going back earns nothing


async def test_a_queue_keeps_the_newest_within_both_bounds() -> None:
    counters = PeerCounters()
    queue = SendQueue(Limits(queue_messages_max=3, queue_bytes_max=100), counters)
    for n in range(5):
        queue.put(bytes([n]))
    assert [await queue.get() for _ in range(3)] == [b"\2", b"\3", b"\4"]
    queue.put(bytes(60))
    queue.put(bytes(50))
    assert (len(queue), queue.size_bytes) == (1, 50)
    queue.put(bytes(500))
    assert (len(queue), queue.size_bytes) == (1, 500)
    assert counters.dropped_oldest == 4
    assert counters.as_dict()["dropped_oldest"] == 4
