"""How much a peer may push, how much may wait for it, and what was counted (Q5).

Knows neither sockets nor who a peer is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Derived from the node's configuration; every figure is per peer."""

    message_bytes_max: int = 4 << 20
    queue_messages_max: int = 4096
    queue_bytes_max: int = 16 << 20
    """What waits for one peer; beyond it the oldest is dropped and counted."""
    inbound_messages_per_s: float = 2000.0
    inbound_bytes_per_s: float = 16e6
    inbound_burst_s: float = 2.0
    """How many seconds' worth may come at once."""
    connections_max: int = 3
    """One link, one that takes its place, one that is late to go."""
    handshake_s: float = 5.0
    ping_s: float = 5.0
    silence_s: float = 15.0
    """A peer that says nothing, or takes nothing, for so long is gone."""
    close_s: float = 1.0
    dial_first_s: float = 0.2
    dial_cap_s: float = 15.0
    dial_grace_s: float = 1.0
    """How long the higher slot leaves the dialing to the lower."""


@dataclass(slots=True)
class PeerCounters:
    """What happened on the links with one peer, since the node started."""

    sent_messages: int = 0
    sent_bytes: int = 0
    received_messages: int = 0
    received_bytes: int = 0
    dropped_oldest: int = 0
    """Messages that waited too long for this peer to take them."""
    throttled: int = 0
    """How often reading was stopped because the peer said too much too fast."""
    too_big: int = 0
    malformed: int = 0
    silent: int = 0
    dials: int = 0
    dial_failures: int = 0
    duplicates: int = 0
    """Second links that were not needed."""
    ups: int = 0
    downs: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counters by name."""
        return asdict(self)


class Budget:
    """A token bucket over messages and bytes that lends: a message is read, then paid for."""

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._messages_per_s = limits.inbound_messages_per_s
        self._bytes_per_s = limits.inbound_bytes_per_s
        self._burst_s = limits.inbound_burst_s
        self._messages = self._messages_per_s * self._burst_s
        self._bytes = self._bytes_per_s * self._burst_s
        self._at_s = now_s

    def spend(self, size_bytes: int, now_s: float) -> float:
        """Pay for one message; give for how many seconds not to read another."""
        passed_s = max(0.0, now_s - self._at_s)
        self._at_s = now_s
        most, most_bytes = self._messages_per_s * self._burst_s, self._bytes_per_s * self._burst_s
        self._messages = min(most, self._messages + passed_s * self._messages_per_s) - 1
        self._bytes = min(most_bytes, self._bytes + passed_s * self._bytes_per_s) - size_bytes
        return max(0.0, -self._messages / self._messages_per_s, -self._bytes / self._bytes_per_s)


class SendQueue:
    """What waits for one peer: bounded in messages and bytes, the oldest goes first."""

    def __init__(self, limits: Limits, counters: PeerCounters) -> None:
        self._messages_max = limits.queue_messages_max
        self._bytes_max = limits.queue_bytes_max
        self._counters = counters
        self._waiting: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, data: bytes) -> None:
        """Add a message, dropping the oldest ones that there is no room for beside it."""
        self._waiting.append(data)
        self.size_bytes += len(data)
        while len(self._waiting) > self._messages_max or (
            self.size_bytes > self._bytes_max and len(self._waiting) > 1
        ):
            self.size_bytes -= len(self._waiting.popleft())
            self._counters.dropped_oldest += 1
        self._filled.set()

    async def get(self) -> bytes:
        """Take the oldest message, waiting for one. Of one taker at a time."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        data = self._waiting.popleft()
        self.size_bytes -= len(data)
        return data
