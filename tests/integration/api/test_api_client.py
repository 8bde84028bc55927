"""The client of the command line: from any node to a verdict, and every failure by name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from oracle.api.app import serving
from oracle.api.client import ClientLimits, FetchFailed, FetchProblem, NodeClient
from oracle.audit.verify import verify
from tests.integration.api.conftest import Site


async def problem_of(url: str, ask, limits: ClientLimits | None = None) -> FetchFailed:  # type: ignore[no-untyped-def]
    with pytest.raises(FetchFailed) as caught:
        async with NodeClient(url, limits) as client:
            await ask(client)
    return caught.value


async def test_a_bundle_is_fetched_and_verified(site: Site) -> None:
    async with NodeClient(site.url + "/") as client:
        latest = await client.attestation("latest")
        assert verify(await client.bundle(f"window:{latest['window']}")).passed
        assert (await client.committee())["group_key"] == site.run.group_key.hex()
        assert (await client.health())["status"] == "ok"


async def test_the_whole_log_is_fetched_in_order(site: Site) -> None:
    async with NodeClient(site.url) as client:
        parts = [part async for part in client.log(page=4)]
        later = [part async for part in client.log(after=3)]
    disk = site.run.disk
    rows = [disk.history[height][:2] for height in sorted(disk.history)]
    assert [(part.entry, part.certificate) for part in parts] == rows
    assert [part.bls for part in parts][4:8] == [
        disk.parts.get((height, "bls"), b"") for height in range(5, 9)
    ]
    assert later == parts[3:]


async def test_the_nodes_refusal_is_passed_on(site: Site) -> None:
    failure = await problem_of(site.url, lambda client: client.bundle("99999"))
    assert failure.problem is FetchProblem.NOT_FOUND
    assert "no entry of height 99999" in failure.detail
    failure = await problem_of(site.url, lambda client: client.attestation("../health"))
    assert failure.problem in (FetchProblem.REFUSED, FetchProblem.NOT_FOUND)


async def test_more_bytes_than_allowed_are_not_taken(site: Site) -> None:
    small = ClientLimits(bundle_bytes_max=1000, json_bytes_max=100)
    for ask in (lambda client: client.bundle("latest"), lambda client: client.attestation("latest")):
        assert (await problem_of(site.url, ask, small)).problem is FetchProblem.TOO_LARGE


async def test_an_address_without_a_node_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        failure = await problem_of(url, lambda client: client.health())
    assert failure.problem is FetchProblem.UNREACHABLE


@pytest.mark.parametrize("url", ["node:8080", "ftp://node", "http://", "http://node/?x=1"])
async def test_what_is_no_url_is_named(url: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        NodeClient(url)
    assert caught.value.problem is FetchProblem.BAD_URL


def served(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    return app


@pytest.mark.parametrize("body", ["hello", "[]", '{"attestations": 3, "next_cursor": null}', "{" * 3000])
async def test_another_server_is_no_node(body: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    async def all_of(client: NodeClient) -> None:
        _ = [part async for part in client.log()]

    async with serving(served(handler), "127.0.0.1", 0) as (host, port):
        failure = await problem_of(f"http://{host}:{port}", all_of)
        assert failure.problem is FetchProblem.NOT_A_NODE
        failure = await problem_of(f"http://{host}:{port}", lambda client: client.bundle("latest"))
        assert failure.problem is FetchProblem.NOT_A_NODE


async def test_a_cursor_that_does_not_advance_ends_the_walk() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"attestations": [], "next_cursor": 0})

    async def all_of(client: NodeClient) -> None:
        _ = [part async for part in client.log()]

    async with serving(served(handler), "127.0.0.1", 0) as (host, port):
        failure = await problem_of(f"http://{host}:{port}", all_of)
    assert failure.problem is FetchProblem.NOT_A_NODE


async def test_a_node_that_does_not_answer_in_time_is_named() -> None:
    release = asyncio.Event()

    async def handler(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with serving(served(handler), "127.0.0.1", 0) as (host, port):
        url = f"http://{host}:{port}"
        failure = await problem_of(url, lambda client: client.health(), ClientLimits(json_s=0.2))
        release.set()
    assert failure.problem is FetchProblem.TIMEOUT


async def test_redirects_are_not_followed() -> None:
    async def handler(_request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    async with serving(served(handler), "127.0.0.1", 0) as (host, port):
        failure = await problem_of(f"http://{host}:{port}", lambda client: client.health())
    assert failure.problem is FetchProblem.NOT_A_NODE
