"""Records fetched over HTTP from devices that have to be asked.

Decides when to ask whom, and what of an answer is worth taking: not what is too long,
too late, or the same as last time. Does not know what a record says; the roster says in
which format a device answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from consensus.model import Rejected
from oracle.feeds.intake import FeedReason, Intake, backoff
from oracle.feeds.roster import Roster
from oracle.model import Record
from oracle.storage.failure import StorageFailed

FEED: Final = "poll"
_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PollTarget:
    """A device and where it answers. URL and headers may hold secrets: they are never printed."""

    device: int
    url: str = field(repr=False)
    interval_s: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PollSettings:
    """Whom to ask, and how patiently."""

    targets: tuple[PollTarget, ...]
    deadline_s: float = 10.0
    body_bytes_max: int = 1 << 18
    concurrent_max: int = 32
    backoff_first_s: float = 1.0
    backoff_cap_s: float = 300.0

    def faults(self, roster: Roster) -> list[str]:
        """What is wrong with the targets, for the configuration's report."""
        devices = [target.device for target in self.targets]
        unknown = sorted({one for one in devices if roster.entry(one) is None})
        twice = sorted({one for one in devices if devices.count(one) > 1})
        return [
            *(f"device {one} is polled and not on the roster" for one in unknown),
            *(f"device {one} is polled twice" for one in twice),
            *(
                f"device {one.device} is polled without a pause"
                for one in self.targets
                if one.interval_s <= 0
            ),
        ]


@dataclass(slots=True)
class PollHealth:
    """How asking one device goes."""

    answered_s: float | None = None
    """When it last answered, UTC seconds."""
    last_error: str = ""
    """Why it does not answer now; empty when it does."""
    taken: int = 0
    unchanged: int = 0
    failures: int = 0


class PollFailed(Exception):  # noqa: N818 - it states a fact
    """The device did not give a record; ask again later."""


@dataclass(slots=True)
class _Last:
    """What is remembered of a device's last answer."""

    etag: str = ""
    digest: bytes = b""


class HttpPoll:
    """Asks all targets for ever; `run` ends only by cancellation or when storage is broken."""

    def __init__(self, settings: PollSettings, roster: Roster, intake: Intake) -> None:
        faults = settings.faults(roster)
        if faults:
            raise ValueError("; ".join(faults))
        self.health = {target.device: PollHealth() for target in settings.targets}
        self._settings = settings
        self._roster = roster
        self._intake = intake
        self._asking = asyncio.Semaphore(settings.concurrent_max)

    async def run(self) -> None:
        """Ask. Raises StorageFailed (in a group) if the disk needs an operator."""
        if not self._settings.targets:
            return
        timeout = aiohttp.ClientTimeout(total=self._settings.deadline_s)
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as web,
            asyncio.TaskGroup() as group,
        ):
            for target in self._settings.targets:
                group.create_task(self._poll(web, target))

    async def _poll(self, web: aiohttp.ClientSession, target: PollTarget) -> None:
        # Spread, so that a restart does not ask all of them at once.
        await asyncio.sleep(random.uniform(0, min(target.interval_s, 5.0)))  # noqa: S311 - no secret
        last = _Last()
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            async for attempt in AsyncRetrying(
                wait=backoff(self._settings.backoff_first_s, self._settings.backoff_cap_s),
                retry=retry_if_exception(_is_outage),
                after=lambda state: self._note_failure(target.device, state),
                reraise=True,
            ):
                with attempt:
                    await self._ask(web, target, last)
            self._note_answer(target.device)
            await asyncio.sleep(max(0.0, began_s + target.interval_s - loop.time()))

    async def _ask(self, web: aiohttp.ClientSession, target: PollTarget, last: _Last) -> None:
        async with self._asking:
            fetched = await self._fetch(web, target, last)
        health = self.health[target.device]
        if fetched is None or (digest := hashlib.sha256(fetched[0]).digest()) == last.digest:
            health.unchanged += 1
            return
        data, etag = fetched
        entry = self._roster.entries[target.device]
        verdict = (await self._intake.take([Record(entry.format, entry.device, data)], exchanged=False))[0]
        if isinstance(verdict, Rejected):
            return  # asked for again: the device may be in the registry by then
        health.taken += 1
        last.etag, last.digest = etag, digest

    async def _fetch(
        self, web: aiohttp.ClientSession, target: PollTarget, last: _Last
    ) -> tuple[bytes, str] | None:
        """The body and its ETag; None if the device says that nothing changed."""
        headers = {**target.headers, **({"If-None-Match": last.etag} if last.etag else {})}
        # Whoever answers for the device may not send this node elsewhere, inside its network.
        async with web.get(target.url, headers=headers, allow_redirects=False) as response:
            if response.status == 304 and last.etag:
                return None
            if response.status != 200:
                raise PollFailed(f"status {response.status}")
            most = self._settings.body_bytes_max
            data = bytearray()
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > most:
                    self._intake.counters.reject(FEED, FeedReason.OVERSIZE)
                    raise PollFailed(f"more than {most} bytes")
            return bytes(data), response.headers.get("ETag", "")

    # --- health

    def _note_failure(self, device: int, state: RetryCallState) -> None:
        fault = state.outcome.exception() if state.outcome else None
        health = self.health[device]
        health.failures += 1
        # Not the fault's own words: they may hold the URL.
        error = str(fault) if isinstance(fault, PollFailed | StorageFailed) else type(fault).__name__
        if not health.last_error:
            _LOG.warning("poll: device %d does not answer: %s", device, error)
        health.last_error = error

    def _note_answer(self, device: int) -> None:
        health = self.health[device]
        if health.last_error:
            _LOG.info("poll: device %d answers again", device)
        health.last_error = ""
        health.answered_s = time.time()


def _is_outage(fault: BaseException) -> bool:
    """Whether waiting may mend it."""
    if isinstance(fault, StorageFailed):
        return fault.retriable
    return isinstance(fault, aiohttp.ClientError | TimeoutError | OSError | PollFailed)
