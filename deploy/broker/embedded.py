"""amqtt, a broker in Python, mended where it would lose messages; for demos without mosquitto.

Decides how amqtt is configured, and that a message which its receiver has not
acknowledged is sent again on the next connection: amqtt 0.12 forgets such a message
when the connection ends or five seconds pass. Sessions live in memory only.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict
from typing import Final

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import OutgoingApplicationMessage, Session

PLUGIN: Final = "deploy.broker.embedded.Redelivery"


class _Inflight(OrderedDict[int, OutgoingApplicationMessage]):
    """Messages sent and not acknowledged; one that leaves without its acknowledgement is kept."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.inflight_out)
        self._session = session

    def pop(self, key: int, default: object = None) -> object:
        """Forget a message if it was acknowledged; else queue it for the next connection."""
        message = super().pop(key, None)
        if message is None:
            return default
        if message.puback_packet is None:
            self._session.retained_messages.put_nowait(message)
        return message


class Redelivery(BaseAuthPlugin):  # type: ignore[misc]
    """Lets everyone in, and gives each session the memory that amqtt's own lacks."""

    async def authenticate(self, *, session: Session) -> bool | None:
        """Called once a connection, before any message is sent over it."""
        session.is_anonymous = False  # amqtt keeps no messages for anonymous sessions
        if not isinstance(session.inflight_out, _Inflight):
            session.inflight_out = _Inflight(session)
        return True


class Embedded:
    """A running amqtt, in this process."""

    def __init__(self, broker: Broker) -> None:
        self.name = "amqtt"
        self._broker = broker

    @property
    def pid(self) -> int:
        """The process it runs in."""
        return os.getpid()

    async def ended(self) -> int:
        """Never, by itself."""
        await asyncio.Event().wait()
        return 0

    async def stop(self) -> None:
        """Close all connections."""
        await self._broker.shutdown()


async def start(host: str, port: int) -> Embedded:
    """Start it; raises OSError if the port is taken."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
    listener = ListenerConfig(bind=f"{host}:{port}")
    broker = Broker(BrokerConfig(listeners={"default": listener}, plugins={PLUGIN: {}}))
    try:
        await broker.start()
    except Exception as cause:
        raise OSError(f"the embedded broker did not start: {cause}") from cause
    return Embedded(broker)
