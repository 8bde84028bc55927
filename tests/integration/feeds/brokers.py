"""Real brokers for the tests, and a wire tap that sees what a feed acknowledges."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from deploy.broker import mosquitto
from oracle.model import Record
from tests.integration.feeds.street import TOPICS

ROOT = Path(__file__).parents[3]
KINDS = ("amqtt", "mosquitto") if mosquitto.found() else ("amqtt",)
HOST = "127.0.0.1"
CONNECT, PUBLISH, PUBACK = 1, 3, 4
NOT_AUTHORIZED = bytes((0x20, 2, 0, 5))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


async def started(*arguments: str) -> tuple[asyncio.subprocess.Process, dict[str, object]]:
    """A Python process of this repository, and its ready line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        line = await process.stdout.readline()
    assert line, f"{arguments} ended without a ready line"
    return process, json.loads(line)


async def stopped(process: asyncio.subprocess.Process) -> int:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(15):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise


@contextlib.asynccontextmanager
async def broker(kind: str, port: int, state: Path | None = None) -> AsyncIterator[dict[str, object]]:
    more = ("--state", str(state)) if state else ()
    process, ready = await started("-m", "deploy.broker", "--broker", kind, "--port", str(port), *more)
    try:
        yield ready
    finally:
        assert await stopped(process) == 0


async def publish(port: int, records: Iterable[Record]) -> None:
    """Publish at QoS 1 to the roster's topics; returns when the broker has them all."""
    await publish_raw(port, [(TOPICS[record.source], record.data) for record in records])


async def publish_raw(port: int, messages: Iterable[tuple[str, bytes]], qos: int = 1) -> None:
    async with aiomqtt.Client(HOST, port, identifier="meters") as client:
        client.pending_calls_threshold = 1 << 20
        await asyncio.gather(*(client.publish(topic, data, qos=qos) for topic, data in messages))


@dataclass
class Tap:
    """A proxy before a broker that remembers which payloads were sent and acknowledged."""

    port: int
    refuse: bool = False
    """Answer "not authorized" in the broker's place."""
    connects: list[bytes] = field(default_factory=list)
    acknowledged: set[bytes] = field(default_factory=set)


@contextlib.asynccontextmanager
async def tap(broker_port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Tap]:
    made = Tap(0)
    connections: list[asyncio.Event] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = asyncio.Event()
        connections.append(over)
        on_their_way: dict[int, bytes] = {}
        there, back = await asyncio.open_connection(HOST, broker_port)

        def down(kind: int, flags: int, body: bytes) -> None:
            if kind == PUBLISH and flags & 0b110:
                end = 2 + int.from_bytes(body[:2], "big")
                on_their_way[int.from_bytes(body[end : end + 2], "big")] = body[end + 2 :]

        def up(kind: int, flags: int, body: bytes) -> None:
            if kind == CONNECT:
                made.connects.append(body)
                if made.refuse:
                    writer.write(NOT_AUTHORIZED)
            if kind == PUBACK:
                made.acknowledged.add(on_their_way.pop(int.from_bytes(body[:2], "big")))

        ways = [
            asyncio.create_task(_relay(there, writer, down)),
            asyncio.create_task(_relay(reader, back, up)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (back, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
            over.set()

    server = await asyncio.start_server(connected, HOST, 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        async with asyncio.timeout(5):
            for over in connections:
                await over.wait()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, see: object) -> None:
    """Pass packets on one by one, so that what was seen was passed on."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(1)
            length, shift = 0, 0
            while True:
                byte = await reader.readexactly(1)
                head += byte
                length |= (byte[0] & 0x7F) << shift
                shift += 7
                if not byte[0] & 0x80:
                    break
            body = await reader.readexactly(length)
            see(head[0] >> 4, head[0] & 0x0F, body)  # type: ignore[operator]
            writer.write(head + body)
            await writer.drain()
