"""The feed: what happens to windows, told to whoever listens, as server-sent events.

Three events a window: `decided`, `attested`, `on-chain`. The id of an event is the
greatest height that was decided before it, so a client that comes back with it
(Last-Event-ID) loses nothing: later heights are told again from the history, and so is
how far the RESUME_LOOKBACK heights before it have come since. An event may therefore
come twice, and never not at all.

A client that takes events more slowly than they come is dropped, and told why.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from oracle.api.chain_status import mined
from oracle.api.entries import plain
from oracle.api.windows import entry_of
from oracle.storage.database import Database
from oracle.storage.history import ChainReceipt, StoredEntry
from oracle.storage.history_reader import HistoryReader

KINDS: Final = ("window", "void")
"""What the feed tells of."""
RESUME_LOOKBACK: Final = 64
REPLAY_PAGE: Final = 100
Event = Mapping[str, Any]


class Stage(Enum):
    """What has happened to an entry."""

    DECIDED = "decided"
    ATTESTED = "attested"
    ON_CHAIN = "on-chain"


def event_of(stored: StoredEntry, stage: Stage, receipt: ChainReceipt | None = None) -> dict[str, Any]:
    """The event that an entry has reached a stage; the receipt belongs to ON_CHAIN."""
    return {
        "event": stage.value,
        "height": stored.height,
        "kind": stored.kind,
        "window": stored.window_start_s,
        "revision": stored.revision,
        "digest": stored.digest.hex(),
        "body": plain(entry_of(stored).body),
        "signature": None if not stored.signature else stored.signature.hex(),
        "txid": None if receipt is None else receipt.txid.hex(),
        "block_height": None if receipt is None else receipt.block_height,
    }


def event_from(history: HistoryReader, height: int, stage: Stage) -> dict[str, Any] | None:
    """The same, looked up; None for entries that the feed does not tell of."""
    stored = history.entry(height)
    if stored is None or stored.kind not in KINDS:
        return None
    receipt = mined(history.receipts(height)) if stage is Stage.ON_CHAIN else None
    return event_of(_with_signature(history, stored), stage, receipt)


def replay(history: HistoryReader, after: int, cursor: int) -> tuple[list[dict[str, Any]], int | None]:
    """What a client that knows heights up to `after` has missed, from past the height `cursor` on.

    Gives a page of events and the cursor of the next, None at the end. Begin with
    `replay_start(after)`.
    """
    page = history.entries(cursor=cursor, limit=REPLAY_PAGE, newest_first=False)
    events: list[dict[str, Any]] = []
    for stored in page.entries:
        if stored.kind in KINDS:
            events += _history_of(history, stored, decided=stored.height > after)
    return events, page.next_cursor


def replay_start(after: int) -> int:
    """The cursor a replay begins with."""
    return max(0, after - RESUME_LOOKBACK)


def frame(event: Event, id_: int) -> bytes:
    """The event as it goes over the wire."""
    data = json.dumps(event, separators=(",", ":"), ensure_ascii=True)
    return f"id: {id_}\nevent: {event['event']}\ndata: {data}\n\n".encode()


def _history_of(history: HistoryReader, stored: StoredEntry, *, decided: bool) -> list[dict[str, Any]]:
    stored = _with_signature(history, stored)
    events = [event_of(stored, Stage.DECIDED)] if decided else []
    if stored.signature:
        events.append(event_of(stored, Stage.ATTESTED))
    receipt = mined(history.receipts(stored.height))
    if receipt is not None:
        events.append(event_of(stored, Stage.ON_CHAIN, receipt))
    return events


class Subscription:
    """One listener's queue. `lagged` once it took too few; then it gets nothing more."""

    def __init__(self, queue_max: int) -> None:
        self._queue_max = queue_max
        self._waiting: deque[Event] = deque()
        self._filled = asyncio.Event()
        self.lagged = False
        self.closed = False

    def put(self, event: Event) -> bool:
        """Add an event; False the moment there is no room."""
        if self.lagged:
            return True
        if len(self._waiting) >= self._queue_max:
            self.lagged = True
            self._waiting.clear()
            self._filled.set()
            return False
        self._waiting.append(event)
        self._filled.set()
        return True

    def close(self) -> None:
        """Nothing more will come: the node is stopping."""
        self.closed = True
        self._filled.set()

    async def get(self, timeout_s: float) -> Event | None:
        """The next event; None when none came in time, or none will come any more."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._waiting and not self.lagged and not self.closed:
                    self._filled.clear()
                    await self._filled.wait()
        except TimeoutError:
            return None
        return self._waiting.popleft() if self._waiting else None


class Announcer:
    """Hands events of this process to its listeners. To be used on the event loop only."""

    def __init__(self, queue_max: int = 256) -> None:
        self._queue_max = queue_max
        self._subscriptions: dict[Subscription, None] = {}
        self._closed = False
        self.dropped = 0
        """Listeners that were too slow."""

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._subscriptions)

    def publish(self, event: Event) -> None:
        """Tell everybody; make the event with `event_of`. Never blocks."""
        for subscription in self._subscriptions:
            self.dropped += not subscription.put(event)

    def subscribe(self) -> Subscription:
        """Listen from now on; then call `unsubscribe`."""
        subscription = Subscription(self._queue_max)
        if self._closed:
            subscription.close()
        self._subscriptions[subscription] = None
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Listen no more."""
        self._subscriptions.pop(subscription, None)

    def close(self) -> None:
        """The node is stopping: every listener is let go."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()


async def announce(announcer: Announcer, database: Database, height: int, stage: Stage) -> None:
    """Look an entry up and tell that it has reached a stage. Raises StorageFailed."""
    event = await database.read(lambda history: event_from(history, height, stage))
    if event is not None:
        announcer.publish(event)


def _with_signature(history: HistoryReader, stored: StoredEntry) -> StoredEntry:
    if stored.signature:
        return stored
    return replace(stored, signature=history.part(stored.height, "bls"))
