"""The one way in for records: parsed, verified, durable, handed on; and only then acknowledged.

Decides what becomes of every record a feed or a peer brings: accepted, a duplicate, or
rejected by name. `take` returns once what it accepted is durable and its readings were
handed on (R1), so a feed that acknowledges after `take` loses nothing. Does not know
where records come from, nor what their readings are worth.

    take -> room in the budget -> parse and verify in threads -> one fdatasync for
    whoever waits -> on_readings, on the loop -> verdicts

Who brings more than the budget holds waits, and so does its source (Q5); nothing is
dropped. A disk that refuses is `problem` until it takes records again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum, unique
from typing import Final, Self, TypeAlias, TypeVar

from tenacity import wait_exponential, wait_random
from tenacity.wait import wait_base

from consensus.model import Rejected, check
from oracle import frames
from oracle.feeds.formats import FORMATS, Context, Limits, Parsed, RecordReason, parse
from oracle.feeds.roster import Roster
from oracle.feeds.signatures import confirm
from oracle.model import Assurance, Device, Reading, Record, RecordHash
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.frame import StoredRecord
from oracle.storage.records import RecordLog

RECORD_BYTES_MAX: Final = frames.RECORD_BYTES_MAX
"""A longer record could not be handed to a peer, so its leaf could never be agreed on (A2)."""
UNKNOWN_FORMAT: Final = "unknown"
"""Stands in the counters for names that no parser has: theirs are without bound."""
_LOG: Final = logging.getLogger(__name__)
_T = TypeVar("_T")
_K = TypeVar("_K")


@unique
class FeedReason(Enum):
    """Why a feed refuses what it was handed; `advice` is its line in docs/reasons.md."""

    advice: str

    def __new__(cls, name: str, advice: str = "") -> Self:
        """Keep the name as the value, so that `FeedReason("oversize")` finds its member."""
        member = object.__new__(cls)
        member._value_ = name
        member.advice = advice
        return member

    WITNESSED_BY_PEER = (
        "witnessed-by-peer",
        "A peer handed over an unsigned record: only what this node saw itself counts. Nothing to do.",
    )
    TOPIC_UNKNOWN = "topic-unknown", "No roster entry has this topic: enrol the device, or subscribe to less."
    OVERSIZE = (
        "oversize",
        "Larger than this feed takes: let the sender split it, or find who else writes here.",
    )
    TOKEN_MISSING = "token-missing", "Send the header `Authorization: Bearer <token>`."
    TOKEN_UNKNOWN = "token-unknown", "The token is not in the token file: issue it, or find who is trying."
    DEVICE_NOT_ALLOWED = "device-not-allowed", "The token may not speak for this device: add it to the token."
    RATE_EXCEEDED = "rate-exceeded", "The token sends faster than its limit: slow down, or raise the limit."
    BACKLOG_FULL = "backlog-full", "Records arrive faster than they are stored: send again after Retry-After."
    FORMAT_UNNAMED = "format-unnamed", "The roster lacks the device: add it, or name the format in the query."
    NOT_A_LIST = "not-a-list", "The body is no canonical list of records: look at the sender."
    BODY_INCOMPLETE = "body-incomplete", "The body did not arrive in time: look at the sender's connection."


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable, and its readings handed on."""

    readings: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Was durable already; a feed's is not handed on again."""


Verdict: TypeAlias = Accepted | Duplicate | Rejected


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How much may be on its way, and how it is cut up."""

    waiting_bytes_max: int = 64 << 20
    slice_records: int = 64
    """Records that one thread parses and verifies at a time."""
    threads: int = 2
    replay_records: int = 128
    parsing: Limits = field(default_factory=Limits)


@dataclass(slots=True)
class IntakeCounters:
    """What became of records since the node started; formats are those of the table."""

    accepted: dict[str, int] = field(default_factory=dict)
    duplicate: dict[str, int] = field(default_factory=dict)
    rejected: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (format or feed, reason)."""
    items_refused: dict[tuple[str, str], int] = field(default_factory=dict)
    """Items of batches that stood otherwise, by (format, reason)."""
    readings: int = 0
    replayed: int = 0
    storage_failures: dict[str, int] = field(default_factory=dict)
    latest_s: dict[int, int] = field(default_factory=dict)
    """By usage point: device time of its newest reading, UTC seconds."""

    def as_dict(self) -> dict[str, int]:
        """All but the times by one name each, such as `rejected/ocmf/bad-signature`."""
        flat = {"readings": self.readings, "replayed": self.replayed}
        for name, by_one in (
            ("accepted", self.accepted),
            ("duplicate", self.duplicate),
            ("storage-failed", self.storage_failures),
        ):
            flat |= {f"{name}/{one}": count for one, count in by_one.items()}
        for name, by_two in (("rejected", self.rejected), ("item-refused", self.items_refused)):
            flat |= {f"{name}/{origin}/{reason}": count for (origin, reason), count in by_two.items()}
        return flat

    def reject(self, origin: str, reason: Enum) -> None:
        """Count a refusal; `origin` is a format or a feed."""
        _count(self.rejected, (origin, str(reason.value)))


class Intake:
    """Takes records from feeds and peers, on one event loop.

    `registry` and `roster` are read in threads. `on_readings(readings, exchanged)` is
    called on the loop, once for each `take` that brought something new.
    """

    def __init__(
        self,
        registry: Callable[[int], Device | None],
        roster: Roster,
        records: RecordLog,
        on_readings: Callable[[tuple[Reading, ...], bool], None],
        limits: IntakeLimits,
        *,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        check(limits.threads > 0 and limits.slice_records > 0, "an intake has a thread and a slice")
        self.counters = IntakeCounters()
        self.problem: StorageProblem | None = None
        """Why records cannot be stored now, for /health; None when they can."""
        self._registry = registry
        self.roster = roster
        self._log = records
        self._on_readings = on_readings
        self._limits = limits
        self._now_ms = now_ms
        self._threads = ThreadPoolExecutor(limits.threads, thread_name_prefix="intake")
        self._underway: set[asyncio.Task[tuple[Verdict, ...]]] = set()
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self._waiting_bytes = 0

    @property
    def full(self) -> bool:
        """Whether someone waits for room, so whoever can tell its source to come again should."""
        return self._turn.locked()

    @property
    def waiting_bytes(self) -> int:
        """Bytes of records that are on their way to the disk."""
        return self._waiting_bytes

    async def take(self, records: Sequence[Record], *, exchanged: bool) -> tuple[Verdict, ...]:
        """Take records in; one verdict each, in order. Then acknowledge them, the rejected too.

        `exchanged` says that a peer handed them over: then their time is not judged, and
        unsigned readings are refused (R4). Raises StorageFailed when nothing could be
        stored: acknowledge none, and if it is `retriable` try again with backoff.

        Cancelling this leaves the records underway: they will be duplicates next time.
        """
        if not records:
            return ()
        size_bytes = sum(len(record.data) for record in records)
        await self._wait_for_room(size_bytes)
        # A task of its own: a record must not become durable and then stay unread because
        # the connection that brought it is gone. `close` waits for these.
        task = asyncio.get_running_loop().create_task(self._carry(tuple(records), size_bytes, exchanged))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)
        return await asyncio.shield(task)

    async def replay(self, since_ms: int) -> int:
        """Hand on the readings of the records that arrived since, UTC ms; after a restart.

        Records were judged by the clock when they came, and are not again. Gives how many
        records were read. Raises StorageFailed.
        """
        stored = self._log.replay(since_ms)
        count = 0
        while batch := await self._in_thread(
            lambda: list(itertools.islice(stored, self._limits.replay_records))
        ):
            readings = await self._in_thread(lambda batch=batch: self._reread(batch))  # type: ignore[misc]
            self._hand_on(readings, exchanged=False)
            count += len(batch)
            self.counters.replayed += len(batch)
        return count

    async def replay_named(self, hashes: Sequence[RecordHash]) -> int:
        """Hand on the readings of these records, as far as they are held; after a restart (A8)."""
        count = 0
        for at in range(0, len(hashes), self._limits.replay_records):
            some = hashes[at : at + self._limits.replay_records]
            held = await self._in_thread(lambda some=some: self._log.get_many(some))  # type: ignore[misc]
            batch = [held[one] for one in some if one in held]
            readings = await self._in_thread(lambda batch=batch: self._reread(batch))  # type: ignore[misc]
            self._hand_on(readings, exchanged=False)
            count += len(batch)
        self.counters.replayed += count
        return count

    async def close(self) -> None:
        """Let what is underway come to its end; then close the record log."""
        await asyncio.gather(*self._underway, return_exceptions=True)
        self._threads.shutdown(wait=True)

    # --- the way of one take

    async def _wait_for_room(self, size_bytes: int) -> None:
        async with self._turn:  # whoever came first goes first
            while self._waiting_bytes and self._waiting_bytes + size_bytes > self._limits.waiting_bytes_max:
                self._freed.clear()
                await self._freed.wait()
            self._waiting_bytes += size_bytes

    async def _carry(
        self,
        records: tuple[Record, ...],
        size_bytes: int,
        exchanged: bool,  # noqa: FBT001
    ) -> tuple[Verdict, ...]:
        try:
            received_ms = self._now_ms()
            examined = await self._examined(records, None if exchanged else received_ms // 1000)
            if exchanged:
                examined = [_without_witnessed(one) for one in examined]
            return await self._stored(records, examined, received_ms, exchanged=exchanged)
        except StorageFailed as failure:
            self._note_failure(failure)
            raise
        finally:
            self._waiting_bytes -= size_bytes
            self._freed.set()

    async def _examined(self, records: tuple[Record, ...], received_s: int | None) -> list[Parsed | Rejected]:
        context = self._context(received_s)
        step = self._limits.slice_records
        slices = [records[at : at + step] for at in range(0, len(records), step)]
        done = await asyncio.gather(
            *(self._in_thread(lambda part=part: [_examine(one, context) for one in part]) for part in slices)  # type: ignore[misc]
        )
        return list(itertools.chain.from_iterable(done))

    async def _stored(
        self,
        records: tuple[Record, ...],
        examined: list[Parsed | Rejected],
        received_ms: int,
        *,
        exchanged: bool,
    ) -> tuple[Verdict, ...]:
        good = [at for at, one in enumerate(examined) if isinstance(one, Parsed)]
        new: set[int] = set()
        if good:
            answers = await self._log.append_off_loop([records[at] for at in good], received_ms)
            new = {at for at, is_new in zip(good, answers, strict=True) if is_new}
            self._note_success()
        known = await self._known([at for at in range(len(records)) if at not in new], records, new)
        verdicts: list[Verdict] = []
        readings: list[Reading] = []
        for at, (record, one) in enumerate(zip(records, examined, strict=True)):
            name = record.format if record.format in FORMATS else UNKNOWN_FORMAT
            if at in known:
                _count(self.counters.duplicate, name)
                verdicts.append(Duplicate())
                if exchanged and isinstance(one, Parsed):
                    # The node asked for it, so it lacks a reading: perhaps the registry did
                    # not hold that meter yet when the record first came.
                    readings += one.readings
            elif isinstance(one, Rejected):
                self.counters.reject(name, one.reason)
                verdicts.append(one)
            else:
                _count(self.counters.accepted, name)
                for item in one.refused:
                    _count(self.counters.items_refused, (name, str(item.rejected.reason.value)))
                readings += one.readings
                verdicts.append(Accepted(len(one.readings)))
        self._hand_on(readings, exchanged=exchanged)
        return tuple(verdicts)

    async def _known(self, maybe: list[int], records: tuple[Record, ...], new: set[int]) -> set[int]:
        """Which of these were held before, as the same record of the same source.

        Two meters may say the same bytes: those are one record to the log, but the second
        meter's reading is news. And what was stored once stays accepted, whatever the
        registry or the clock says of it now.
        """
        if not maybe:
            return set()
        hashes = [records[at].hash for at in maybe]
        held = await self._in_thread(lambda: self._log.get_many(hashes))
        before = {records[at] for at in new}
        known: set[int] = set()
        for at, hash_ in zip(maybe, hashes, strict=True):
            stored = held.get(hash_)
            if (stored is not None and stored.record == records[at]) or records[at] in before:
                known.add(at)
            before.add(records[at])
        return known

    def _reread(self, batch: list[StoredRecord]) -> list[Reading]:
        context = self._context(None)
        examined = [_examine(stored.record, context) for stored in batch]
        return [reading for one in examined if isinstance(one, Parsed) for reading in one.readings]

    def _hand_on(self, readings: list[Reading], *, exchanged: bool) -> None:
        if not readings:
            return
        latest_s = self.counters.latest_s
        for reading in readings:
            latest_s[reading.usage_point] = max(reading.time_s, latest_s.get(reading.usage_point, 0))
        self.counters.readings += len(readings)
        self._on_readings(tuple(readings), exchanged)

    def _context(self, received_s: int | None) -> Context:
        return Context(self._registry, self.roster.entry, received_s, self._limits.parsing)

    def _in_thread(self, work: Callable[[], _T]) -> Awaitable[_T]:
        return asyncio.get_running_loop().run_in_executor(self._threads, work)

    # --- the disk

    def _note_failure(self, failure: StorageFailed) -> None:
        _count(self.counters.storage_failures, failure.problem.value)
        if self.problem is not failure.problem:
            _LOG.error("records cannot be stored: %s", failure)
        self.problem = failure.problem

    def _note_success(self) -> None:
        if self.problem is not None:
            _LOG.info("records are stored again after %s", self.problem.value)
        self.problem = None


def backoff(first_s: float, cap_s: float) -> wait_base:
    """How a feed waits before it tries again: twice as long each time up to the cap, and some jitter."""
    return wait_exponential(multiplier=first_s, max=cap_s) + wait_random(0, first_s)


def _examine(record: Record, context: Context) -> Parsed | Rejected:
    """Parse and verify; never raises for what the bytes hold."""
    if len(record.data) > RECORD_BYTES_MAX:
        return Rejected(RecordReason.TOO_LONG, f"{len(record.data)} bytes")
    parsed = parse(record, context)
    return parsed if isinstance(parsed, Rejected) else confirm(parsed)


def _without_witnessed(examined: Parsed | Rejected) -> Parsed | Rejected:
    if isinstance(examined, Rejected):
        return examined
    signed = tuple(one for one in examined.readings if one.assurance is not Assurance.WITNESSED)  # R4
    if not signed:
        return Rejected(FeedReason.WITNESSED_BY_PEER)
    return Parsed(signed, examined.checks, examined.refused)


def _count(counts: dict[_K, int], key: _K) -> None:
    counts[key] = counts.get(key, 0) + 1
