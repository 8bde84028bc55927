"""Asking devices over HTTP: taken once, patient with what fails, never led elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from oracle.feeds.http_poll import HttpPoll, PollSettings, PollTarget
from oracle.storage.failure import StorageFailed
from tests.integration.feeds import street
from tests.integration.feeds.street import STRANGER, House, house, make_room, roster, signed, unsigned


@dataclass
class Plug:
    """A device that answers as it is told to."""

    body: bytes = b""
    etag: str = ""
    status: int = 200
    asked: int = 0
    unchanged: int = 0
    location: str = ""
    delay_s: float = 0.0
    headers: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.headers.append(request.headers.get("X-Key", ""))
        await asyncio.sleep(self.delay_s)
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            self.unchanged += 1
            return web.Response(status=304)
        headers = {**({"ETag": self.etag} if self.etag else {}), "Location": self.location}
        return web.Response(body=self.body, status=self.status, headers=headers)


@contextlib.asynccontextmanager
async def polling(
    folder: Path, plugs: dict[int, Plug], *, reserve_bytes: int = 0
) -> AsyncIterator[tuple[HttpPoll, House, asyncio.Task[None]]]:
    app = web.Application()
    for device, plug in plugs.items():
        app.router.add_get(f"/{device}", plug.answer)
    async with house(folder, reserve_bytes=reserve_bytes) as here, TestServer(app) as server:
        targets = tuple(
            PollTarget(
                device, str(server.make_url(f"/{device}")), interval_s=0.05, headers={"X-Key": "secret"}
            )
            for device in plugs
        )
        settings = PollSettings(
            targets, deadline_s=0.5, body_bytes_max=4096, backoff_first_s=0.02, backoff_cap_s=0.1
        )
        poll = HttpPoll(settings, roster(), here.intake)
        running = asyncio.create_task(poll.run())
        try:
            yield poll, here, running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_an_answer_is_taken_once_however_often_it_is_given(tmp_path: Path) -> None:
    plug, meter = Plug(unsigned().data), Plug(signed(1).data, etag='"1"')
    async with polling(tmp_path, {20: plug, 7: meter}) as (poll, here, _):
        await street.until(lambda: plug.asked > 3 and meter.asked > 3, "asked")
        assert here.handed.records == {unsigned().hash, signed(1).hash}
        assert len(here.handed.readings) == 2
        assert not here.intake.counters.duplicate
        assert meter.unchanged >= 3
        assert (poll.health[7].taken, poll.health[20].taken) == (1, 1)
        assert set(plug.headers) == {"secret"}
        plug.body, meter.body, meter.etag = unsigned("1.6").data, signed(2).data, '"2"'
        await street.until(lambda: len(here.handed.readings) == 4, "what is new is taken")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Plug(status=500), "status 500"),
        (Plug(status=302, location="/20"), "status 302"),
        (Plug(body=bytes(5000)), "more than 4096 bytes"),
        (Plug(delay_s=2), "TimeoutError"),
    ],
)
async def test_a_device_that_fails_is_asked_again_and_others_go_on(
    tmp_path: Path, fault: Plug, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    plug = Plug(unsigned().data)
    async with polling(tmp_path, {7: fault, 20: plug}) as (poll, here, _):
        await street.until(lambda: poll.health[7].failures > 1, "asked again")
        assert poll.health[7].last_error == error
        await street.until(lambda: here.handed.records == {unsigned().hash}, "the other")
        fault.status, fault.body, fault.delay_s = 200, signed(1).data, 0
        await street.until(lambda: poll.health[7].taken == 1, "taken in the end")
        await street.until(lambda: poll.health[7].last_error == "", "healthy")
        assert sum("does not answer" in line.message for line in caplog.records) == 1
        assert "http" not in caplog.text.replace("http_poll", "")


async def test_a_refused_record_is_asked_for_again(tmp_path: Path) -> None:
    meter = Plug(signed(1, STRANGER).data, etag='"1"')
    async with polling(tmp_path, {7: meter}) as (poll, here, _):
        await street.until(
            lambda: here.intake.counters.rejected.get(("ocmf", "bad-signature"), 0) > 1, "again"
        )
        assert poll.health[7].taken == 0


async def test_a_full_disk_is_waited_for_and_a_broken_one_ends_the_polling(tmp_path: Path) -> None:
    meter = Plug(signed(1).data, etag='"1"')
    async with polling(tmp_path, {7: meter}, reserve_bytes=street.FULL) as (poll, here, running):
        await street.until(lambda: poll.health[7].last_error.startswith("reserve"), "named")
        make_room(here.log)
        await street.until(lambda: poll.health[7].taken == 1, "taken")
        here.log.close()
        meter.body, meter.etag = signed(2).data, '"2"'
        with pytest.raises(ExceptionGroup) as ended:
            await running
        assert ended.group_contains(StorageFailed)


async def test_targets_are_checked_all_at_once_and_their_secrets_not_printed(tmp_path: Path) -> None:
    targets = (
        PollTarget(7, "http://user:secret@meter/", headers={"X-Key": "secret"}),
        PollTarget(7, "http://meter/"),
        PollTarget(1234, "http://meter/", interval_s=0),
    )
    assert "secret" not in repr(targets)
    async with house(tmp_path) as here:
        with pytest.raises(ValueError, match=r"1234 is polled and not.*7 is polled twice.*without a pause"):
            HttpPoll(PollSettings(targets), roster(), here.intake)
