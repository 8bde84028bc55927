"""The feed: nobody misses a window, nobody slow holds up the others."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from oracle.api.limits import Limits
from oracle.api.stream import Announcer, Stage, announce, event_from
from tests.integration.api.conftest import Open, Site, validate
from tests.integration.api.network import put_on_chain

EVENT = {"$ref": "#/components/schemas/Event"}


async def read_event(stream: aiohttp.StreamReader) -> dict[str, Any]:
    """The next event's fields; comments and the retry line are passed over."""
    fields: dict[str, Any] = {}
    async with asyncio.timeout(5):
        while True:
            line = (await stream.readline()).decode()
            if not line:
                raise EOFError
            if line == "\n" and "data" in fields:
                return fields
            if line != "\n" and not line.startswith((":", "retry")):
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = json.loads(value) if name == "data" else value


@asynccontextmanager
async def listening(site: Site, query: str = "", **headers: str) -> AsyncIterator[aiohttp.StreamReader]:
    async with site.session.get(f"{site.url}/v1/feed{query}", headers=headers) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert await response.content.readline() == b"retry: 3000\n"
        yield response.content


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the server does not tell tests when it has seen a client go
            await asyncio.sleep(0.01)


async def subscribed(site: Site, count: int = 1) -> None:
    await until(lambda: site.announcer.listeners >= count)


async def event(site: Site, height: int, stage: Stage) -> dict[str, Any]:
    found = await site.database.read(lambda history: event_from(history, height, stage))
    assert found is not None
    return found


async def tell(site: Site, height: int, stage: Stage) -> None:
    await announce(site.announcer, site.database, height, stage)


async def test_events_come_as_they_happen_and_as_described(site: Site) -> None:
    height = site.run.attested()[-1]
    txid = put_on_chain(site.run, site.database, height)
    # As if the node had just decided: whoever knows everything up to the height before listens.
    async with listening(site, f"?after={site.view.head_height}") as stream:
        await subscribed(site)
        told = [await read_event(stream) for _ in range(len(site.run.attested()) + 1)]
        assert {one["event"] for one in told} == {"attested", "on-chain"}
    async with listening(site) as stream:
        await subscribed(site)
        for stage in Stage:
            await tell(site, height, stage)
        newest = site.view.head_height
        seen: set[str] = set()
        while len(seen) < 3:
            one = await read_event(stream)
            validate(one["data"], EVENT)
            assert int(one["id"]) >= newest
            if one["data"]["height"] == height:
                seen.add(one["event"])
                if one["event"] == "on-chain":
                    assert one["data"]["txid"] == txid.hex()
        assert seen == {"decided", "attested", "on-chain"}


async def test_a_client_that_comes_back_is_told_what_it_missed(site: Site) -> None:
    windows = site.run.heights("window")
    async with listening(site, **{"Last-Event-ID": str(windows[1])}) as stream:
        decided: list[int] = []
        while len(decided) < len(windows) - 2:
            one = await read_event(stream)
            validate(one["data"], EVENT)
            if one["event"] == "decided":
                decided.append(one["data"]["height"])
                assert int(one["id"]) == one["data"]["height"]
        assert decided == windows[2:]


async def test_no_event_comes_twice_on_one_connection(site: Site) -> None:
    async with listening(site, "?after=0") as stream:
        await subscribed(site)
        for height in site.run.attested():
            await tell(site, height, Stage.DECIDED)
            await tell(site, height, Stage.ATTESTED)
        put_on_chain(site.run, site.database, site.run.attested()[0])
        await tell(site, site.run.attested()[0], Stage.ON_CHAIN)
        told: list[tuple[int, str]] = []
        while not told or told[-1][1] != "on-chain":
            one = await read_event(stream)
            told.append((one["data"]["height"], one["event"]))
    assert len(told) == len(set(told))
    assert [at for at, event in told if event == "decided"] == site.run.heights("window")


async def test_a_quiet_feed_beats_its_heart(open_site: Open) -> None:
    site = await open_site(Limits(feed_heartbeat_s=0.05))
    async with listening(site) as stream, asyncio.timeout(5):
        line = b""
        while line != b": heartbeat\n":
            line = await stream.readline()


async def test_a_client_that_reads_too_slowly_is_dropped_by_name(
    open_site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(Limits(feed_queue_max=3))
    async with listening(site, f"?after={site.view.head_height}") as stream:
        await subscribed(site)
        told = await event(site, site.run.attested()[0], Stage.DECIDED)
        for number in range(20):  # faster than the loop gives anybody a turn
            site.announcer.publish({**told, "height": 1000 + number})
        last: dict[str, Any] = {}
        try:
            while True:
                last = await read_event(stream)
        except EOFError:
            pass
    assert last["event"] == "dropped"
    assert last["data"]["error"] == "client-too-slow"
    assert site.announcer.dropped == 1
    assert site.announcer.listeners == 0
    assert "takes events too slowly" in caplog.text


async def test_a_client_that_takes_no_bytes_is_cut_off_and_others_go_on(
    open_site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    site = await open_site(Limits(feed_write_s=0.3, feed_queue_max=10_000))
    host, port = site.url.removeprefix("http://").split(":")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(deaf.connect, (host, int(port)))
        deaf.sendall(b"GET /v1/feed HTTP/1.1\r\nHost: node\r\n\r\n")
        await one_hears_what_the_deaf_does_not(site)
    assert "takes no bytes" in caplog.text


async def one_hears_what_the_deaf_does_not(site: Site) -> None:
    async with listening(site) as stream:
        await subscribed(site, 2)
        told = await event(site, site.run.attested()[0], Stage.DECIDED)
        padded = {**told, "body": {"padding": "x" * 20_000}}
        heard = 0
        for number in range(400):
            site.announcer.publish({**padded, "height": 1000 + number})
        while heard < 400:
            heard += (await read_event(stream))["data"]["height"] >= 1000
        await until(lambda: site.announcer.listeners == 1)


async def test_a_disk_that_fails_in_the_middle_ends_the_feed_without_a_second_answer(site: Site) -> None:
    site.database._file.close()
    async with site.session.get(f"{site.url}/v1/feed?after=0") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()
    assert site.announcer.listeners == 0


async def test_what_the_feed_does_not_tell_of_is_not_announced(site: Site) -> None:
    subscription = site.announcer.subscribe()
    for height in (*site.run.heights("registry"), 9999, site.run.attested()[0]):
        await tell(site, height, Stage.DECIDED)
    first = await subscription.get(1)
    assert first is not None
    assert first["height"] == site.run.attested()[0]
    assert await subscription.get(0.01) is None


async def test_one_address_has_only_so_many_feeds(open_site: Open) -> None:
    site = await open_site(Limits(feed_clients_per_address=2))
    async with listening(site), listening(site):
        status, content = await site.get("/v1/feed")
        assert (status, content["error"]) == (503, "too-many-clients")


async def test_stopping_lets_listeners_go(open_site: Open) -> None:
    announcer = Announcer(4)
    subscription = announcer.subscribe()
    waiting = asyncio.create_task(subscription.get(30))
    await asyncio.sleep(0)
    announcer.close()
    assert await waiting is None
    assert subscription.closed
    assert announcer.subscribe().closed
