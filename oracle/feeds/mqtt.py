"""Records over MQTT: one persistent session, acknowledged message by message once durable.

Decides when a message is acknowledged (R1): after `Intake.take` has answered for it, be
it accepted, a duplicate or rejected, so that one bad message cannot wedge the queue.
What is not acknowledged the broker sends again. Does not know what a payload says; the
roster says whose topic it is.

What bounds the memory: the broker sends no more than its inflight window before it is
acknowledged; should it send more, the socket is not read for a while. aiomqtt's own
queue limit is not used, because a full one discards.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiomqtt
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from consensus.model import check
from oracle.feeds.intake import FeedReason, Intake, backoff
from oracle.feeds.roster import Roster
from oracle.model import Record
from oracle.storage.failure import StorageFailed

FEED: Final = "mqtt"
ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
FILTERS_PER_SUBSCRIBE: Final = 256
_SUBSCRIPTION_REFUSED: Final = 0x80
_BENEATH_AIOMQTT: Final = ("manual_ack_set", "ack", "socket", "loop_read")
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """Where the broker is, who this node is to it, and what it may send.

    `client_id` names the session that the broker keeps: unique among the broker's
    clients and the same after a restart. Empty `filters` subscribe to the roster's
    topics one by one. The password file holds the password and nothing else.
    """

    host: str
    client_id: str
    port: int = 1883
    filters: tuple[str, ...] = ()
    username: str = ""
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    """None: the system's authorities."""
    certificate_file: Path | None = None
    key_file: Path | None = None
    availability_topic: str = ""
    """Where "online" and, as last will, "offline" are retained; empty: nowhere."""
    message_bytes_max: int = 1 << 18
    inflight_messages_max: int = 4096
    inflight_bytes_max: int = 64 << 20
    """What may be held unacknowledged before the socket is left unread."""
    batch_messages_max: int = 512
    batches_max: int = 4
    """Batches that are on their way through the intake at once."""
    keepalive_s: int = 30
    timeout_s: float = 10.0
    goodbye_s: float = 2.0
    reconnect_first_s: float = 0.2
    reconnect_cap_s: float = 30.0
    settled_s: float = 5.0
    """A connection that lived so long lets the backoff begin anew."""
    storage_retry_first_s: float = 0.5
    storage_retry_cap_s: float = 15.0


@dataclass(slots=True)
class MqttHealth:
    """The feed as /health and the metrics show it."""

    connected_since_s: float | None = None
    """UTC seconds; None while there is no connection."""
    last_error: str = ""
    connections: int = 0
    received: int = 0
    acknowledged: int = 0
    unacknowledged: int = 0
    """Messages in memory now."""
    at_most_once: int = 0
    """Messages published with QoS 0, which the network may have lost: correct the sender."""
    pauses: int = 0
    """How often the socket was left unread because too much was unacknowledged."""


class MqttFeed:
    """The subscription of one node; `run` ends only by cancellation or when storage is broken."""

    def __init__(self, settings: MqttSettings, roster: Roster, intake: Intake) -> None:
        self.health = MqttHealth()
        self._settings = settings
        self._roster = roster
        self._intake = intake
        self._leaving = False

    async def run(self) -> None:
        """Stay connected. Raises StorageFailed (in a group) if the disk needs an operator."""
        check_acknowledging()
        self._leaving = False
        settings = self._settings
        while True:
            async for attempt in AsyncRetrying(
                wait=backoff(settings.reconnect_first_s, settings.reconnect_cap_s),
                retry=retry_if_exception(_is_outage),
                after=self._note_lost,
                reraise=True,
            ):
                with attempt:
                    await self._connected_for_a_while()

    async def _connected_for_a_while(self) -> None:
        """One connection; returns after a long one, raises after one that did not settle."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            await self._session()
        except (aiomqtt.MqttError, OSError, ExceptionGroup) as fault:
            if self._leaving:
                raise asyncio.CancelledError from fault  # aiomqtt failed to say goodbye in time
            if not _is_outage(fault) or loop.time() - began_s < self._settings.settled_s:
                raise
            self._lost(_first(fault))

    async def _session(self) -> None:
        settings = self._settings
        inbox = _Inbox(settings, self.health)
        client = _client(settings, inbox)
        session = _Session(client, inbox, self._take, self.health, settings)
        async with client:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(session.watch())
                    group.create_task(session.read(group))
                    # What the broker kept comes at once, before it answers the subscription.
                    await self._subscribe(client)
                    await self._announce(client, ONLINE)
                    self._found()
            except asyncio.CancelledError:
                self._leaving = True
                with suppress(aiomqtt.MqttError):  # a session that ends well sends no last will
                    await self._announce(client, OFFLINE)
                raise

    async def _announce(self, client: aiomqtt.Client, availability: bytes) -> None:
        topic = self._settings.availability_topic
        if topic:
            await client.publish(topic, availability, qos=1, retain=True, timeout=self._settings.goodbye_s)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        filters = self._settings.filters or tuple(sorted(self._roster.topics))
        for at in range(0, len(filters), FILTERS_PER_SUBSCRIBE):
            part = filters[at : at + FILTERS_PER_SUBSCRIBE]
            granted = await client.subscribe([(one, 1) for one in part])
            refused = [one for one, code in zip(part, granted, strict=True) if code == _SUBSCRIPTION_REFUSED]
            if refused:
                raise aiomqtt.MqttError(f"the broker refuses to let this node subscribe to {refused[0]}")

    async def _take(self, messages: Sequence[aiomqtt.Message]) -> None:
        """Return once each of them may be acknowledged."""
        records = [record for message in messages if (record := self._record(message)) is not None]
        async for attempt in AsyncRetrying(
            wait=backoff(self._settings.storage_retry_first_s, self._settings.storage_retry_cap_s),
            retry=retry_if_exception(lambda fault: isinstance(fault, StorageFailed) and fault.retriable),
            reraise=True,
        ):
            with attempt:
                await self._intake.take(records, exchanged=False)

    def _record(self, message: aiomqtt.Message) -> Record | None:
        """The message's record; None, counted, if it is none that could be looked at."""
        if message.qos == 0:
            self.health.at_most_once += 1
        device = self._roster.device_at(message.topic.value)
        entry = None if device is None else self._roster.entry(device)
        if entry is None:
            self._intake.counters.reject(FEED, FeedReason.TOPIC_UNKNOWN)
            return None
        if len(message.payload) > self._settings.message_bytes_max:
            self._intake.counters.reject(FEED, FeedReason.OVERSIZE)
            return None
        return Record(entry.format, entry.device, bytes(message.payload))

    # --- health

    def _found(self) -> None:
        self.health.connected_since_s = time.time()
        self.health.connections += 1
        self.health.last_error = ""
        _LOG.info("mqtt: connected to %s:%d", self._settings.host, self._settings.port)

    def _note_lost(self, attempt: RetryCallState) -> None:
        fault = attempt.outcome.exception() if attempt.outcome else None
        if fault is not None and _is_outage(fault):
            self._lost(_first(fault))

    def _lost(self, fault: BaseException) -> None:
        error = str(fault)
        if self.health.connected_since_s is not None or error != self.health.last_error:
            _LOG.warning("mqtt: no connection to %s:%d: %s", self._settings.host, self._settings.port, error)
        self.health.connected_since_s = None
        self.health.last_error = error


class _Inbox(asyncio.Queue[aiomqtt.Message]):
    """What aiomqtt puts its messages into: a list that is taken whole, and that can ask for a pause.

    `get` never returns, so waiting for aiomqtt's next message is waiting for the end of
    the connection, and costs no task a message.
    """

    def __init__(self, settings: MqttSettings, health: MqttHealth) -> None:
        super().__init__()
        self.on_overrun: Callable[[], None] = lambda: None
        self.bytes_held = 0
        self.messages_held = 0
        self._settings = settings
        self._health = health
        self._messages: deque[aiomqtt.Message] = deque()
        self._some = asyncio.Event()
        health.unacknowledged = 0

    @property
    def overrun(self) -> bool:
        """Whether more is held than the limits allow."""
        return (
            self.messages_held >= self._settings.inflight_messages_max
            or self.bytes_held >= self._settings.inflight_bytes_max
        )

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Keep a message; aiomqtt calls this as the bytes come in."""
        self._messages.append(item)
        self._hold(1, len(item.payload))
        self._health.received += 1
        self._some.set()
        if self.overrun:
            self.on_overrun()

    async def batch(self) -> list[aiomqtt.Message]:
        """What has come, at least one."""
        while not self._messages:
            self._some.clear()
            await self._some.wait()
        count = min(len(self._messages), self._settings.batch_messages_max)
        return [self._messages.popleft() for _ in range(count)]

    def release(self, messages: Sequence[aiomqtt.Message]) -> None:
        """They are acknowledged."""
        self._hold(-len(messages), -sum(len(message.payload) for message in messages))

    def _hold(self, messages: int, size_bytes: int) -> None:
        self.messages_held += messages
        self.bytes_held += size_bytes
        self._health.unacknowledged = self.messages_held


_Batch: TypeAlias = tuple[list[aiomqtt.Message], "asyncio.Task[None]"]


class _Session:
    """One connection's messages: taken in batches, acknowledged in the order they came [MQTT-4.6.0-2]."""

    def __init__(
        self,
        client: aiomqtt.Client,
        inbox: _Inbox,
        take: Callable[[Sequence[aiomqtt.Message]], Awaitable[None]],
        health: MqttHealth,
        settings: MqttSettings,
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._take = take
        self._health = health
        self._wire = _Wire(client)
        self._slots = asyncio.Semaphore(settings.batches_max)
        self._pending: asyncio.Queue[_Batch] = asyncio.Queue(settings.batches_max)
        inbox.on_overrun = self._pause

    async def watch(self) -> None:
        """Raise MqttError when the connection is gone."""
        async for _ in self._client.messages:
            check(False, "the inbox gives its messages to batches only")  # noqa: FBT003

    async def read(self, group: asyncio.TaskGroup) -> None:
        """Start a take for whatever has come."""
        group.create_task(self._acknowledge())
        while True:
            await self._slots.acquire()
            batch = await self._inbox.batch()
            self._pending.put_nowait((batch, group.create_task(self._taken(batch))))

    async def _taken(self, batch: list[aiomqtt.Message]) -> None:
        await self._take(batch)

    async def _acknowledge(self) -> None:
        while True:
            batch, taken = await self._pending.get()
            await taken
            for message in batch:
                if message.qos:
                    self._wire.acknowledge(message)
            self._health.acknowledged += len(batch)
            self._inbox.release(batch)
            self._slots.release()
            if not self._inbox.overrun:
                self._wire.resume()

    def _pause(self) -> None:
        if self._wire.pause():
            self._health.pauses += 1


class _Wire:
    """The one place that reaches beneath aiomqtt: it has no way yet to acknowledge by hand.

    Make it before connecting. `_client` is private there; what is called on it is public in
    paho-mqtt. aiomqtt's issue 345 asks for this; `check_acknowledging` guards it.
    """

    def __init__(self, client: aiomqtt.Client) -> None:
        self._paho: Any = client._client  # noqa: SLF001
        self._paho.manual_ack_set(True)  # noqa: FBT003 - paho's signature
        self._loop = asyncio.get_running_loop()
        self._paused: Any = None

    def acknowledge(self, message: aiomqtt.Message) -> None:
        """Let the broker forget a message; without a connection it will send it again."""
        self._paho.ack(message.mid, message.qos)

    def pause(self) -> bool:
        """Leave the socket unread; whether that is new."""
        if self._paused is not None or (socket := self._paho.socket()) is None:
            return False
        self._paused = socket
        self._loop.remove_reader(socket.fileno())
        return True

    def resume(self) -> None:
        """Read the socket again."""
        socket, self._paused = self._paused, None
        if socket is not None and socket.fileno() >= 0 and socket is self._paho.socket():
            self._loop.add_reader(socket.fileno(), self._read)
            self._read_buffered(socket)

    def _read(self) -> None:
        self._paho.loop_read()
        socket = self._paho.socket()
        if socket is not None:
            self._read_buffered(socket)

    def _read_buffered(self, socket: Any) -> None:
        """Read what TLS has decrypted already: the selector does not see it."""
        while self._paused is None and getattr(socket, "pending", int)() > 0:
            self._paho.loop_read()


def check_acknowledging() -> None:
    """Raise InvariantBroken if this aiomqtt does not let a message be acknowledged by hand.

    Otherwise every message would be acknowledged on arrival, and lost with the process.
    Needs a running loop.
    """
    paho = getattr(aiomqtt.Client("localhost"), "_client", None)
    missing = [name for name in _BENEATH_AIOMQTT if not callable(getattr(paho, name, None))]
    check(not missing, f"aiomqtt >=2.5,<3 over paho-mqtt lets us call {', '.join(missing)}")


def _client(settings: MqttSettings, inbox: _Inbox) -> aiomqtt.Client:
    password = None
    if settings.password_file is not None:
        password = settings.password_file.read_text("utf-8").strip("\r\n")
    will = None
    if settings.availability_topic:
        will = aiomqtt.Will(settings.availability_topic, OFFLINE, qos=1, retain=True)
    return aiomqtt.Client(
        settings.host,
        settings.port,
        identifier=settings.client_id,
        clean_session=False,
        protocol=aiomqtt.ProtocolVersion.V311,  # V5 costs 2.5 times the processor here
        username=settings.username or None,
        password=password,
        tls_context=_tls(settings),
        will=will,
        keepalive=settings.keepalive_s,
        timeout=settings.timeout_s,
        queue_type=lambda maxsize: inbox,  # type: ignore[arg-type] # noqa: ARG005
        logger=_LOG.getChild("paho"),
    )


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    if not settings.tls:
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.key_file)
    return context


def _is_outage(fault: BaseException) -> bool:
    """Whether the world failed in a way that a new connection may mend."""
    if isinstance(fault, BaseExceptionGroup):
        return all(_is_outage(one) for one in fault.exceptions)
    return isinstance(fault, aiomqtt.MqttError | OSError)


def _first(fault: BaseException) -> BaseException:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault
