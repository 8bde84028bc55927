"""Pushing records over HTTP: 202 means durable; everything else has a name."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from oracle import frames
from oracle.feeds.http_push import PushLimits, Receipt, TokenError, load_tokens, routes
from oracle.feeds.intake import IntakeLimits
from oracle.model import RecordHash
from tests.integration.feeds import street
from tests.integration.feeds.street import STRANGER, House, batch, house, make_room, signed, unsigned

TOKEN_FILE: dict[str, list[dict[str, object]]] = {
    "tokens": [
        {"source": "street", "sha256": hashlib.sha256(b"street token").hexdigest(), "devices": [7, 20, 555]},
        {"source": "all", "sha256": hashlib.sha256(b"all token").hexdigest(), "devices": "*"},
    ]
}
STREET = {"Authorization": "Bearer street token"}
ALL = {"Authorization": "Bearer all token"}


async def receipt(hashes: tuple[RecordHash, ...]) -> Mapping[str, object]:
    return {"receipt": hashlib.sha256(b"".join(hashes)).hexdigest()}


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    limits: PushLimits | None = None,
    *,
    reserve_bytes: int = 0,
    intake_limits: IntakeLimits | None = None,
    sign: Receipt | None = None,
) -> AsyncIterator[tuple[TestClient[web.Request, web.Application], House]]:
    async with house(folder, reserve_bytes=reserve_bytes, limits=intake_limits) as here:
        app = web.Application()
        app.add_routes(routes(here.intake, load_tokens(json.dumps(TOKEN_FILE)), limits or PushLimits(), sign))
        async with TestClient(TestServer(app)) as client:
            yield client, here


async def test_a_pushed_record_is_durable_when_it_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path, sign=receipt) as (client, here):
        answer = await client.post("/v1/records/7", data=signed(1).data, headers=STREET)
        assert answer.status == 202
        assert await answer.json() == {
            "record": signed(1).hash.hex(),
            "bytes": len(signed(1).data),
            "status": "accepted",
            "durable": True,
            "readings": 1,
            "receipt": hashlib.sha256(signed(1).hash).hexdigest(),
        }
        assert here.log.get(signed(1).hash) is not None
        assert here.handed.records == {signed(1).hash}
        again = await client.post("/v1/records/7?format=ocmf", data=signed(1).data, headers=STREET)
        assert (again.status, (await again.json())["status"]) == (202, "duplicate")


async def test_a_list_of_records_is_answered_one_by_one(tmp_path: Path) -> None:
    records = (signed(1), signed(2, STRANGER), unsigned(), batch(1))
    (frame,) = frames.records_frames(records)
    async with serving(tmp_path, sign=receipt) as (client, here):
        answer = await client.post("/v1/records", data=frame, headers=STREET)
        assert answer.status == 202
        told = await answer.json()
        assert [one["status"] for one in told["records"]] == ["accepted", "rejected", "accepted", "rejected"]
        assert [one.get("reason") for one in told["records"]] == [
            None,
            "bad-signature",
            None,
            "device-not-allowed",
        ]
        assert told["receipt"] == hashlib.sha256(signed(1).hash + unsigned().hash).hexdigest()
        assert here.handed.records == {signed(1).hash, unsigned().hash}


@pytest.mark.parametrize(
    ("headers", "device", "status", "reason"),
    [
        ({}, 7, 401, "token-missing"),
        ({"Authorization": "Basic street token"}, 7, 401, "token-missing"),
        ({"Authorization": "Bearer "}, 7, 401, "token-missing"),
        ({"Authorization": "Bearer street toke"}, 7, 401, "token-unknown"),
        ({"Authorization": "Bearer \u00e9"}, 7, 401, "token-unknown"),
        (STREET, 8, 403, "device-not-allowed"),
        (STREET, 555, 422, "format-unnamed"),
        (ALL, 900, 422, "bad-syntax"),
    ],
)
async def test_who_may_not_push_is_told_why(
    tmp_path: Path, headers: dict[str, str], device: int, status: int, reason: str
) -> None:
    async with serving(tmp_path) as (client, here):
        answer = await client.post(f"/v1/records/{device}", data=b"x", headers=headers)
        assert (answer.status, (await answer.json())["reason"]) == (status, reason)
        assert not here.handed.calls
        assert sum(here.intake.counters.rejected.values()) == 1


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/v1/records/7", b"", 422, "empty"),
        ("/v1/records/7?format=json", b"x", 422, "wrong-format"),
        ("/v1/records/7", signed(1, STRANGER).data, 422, "bad-signature"),
        ("/v1/records", b"\x0c\x00", 400, "not-a-list"),
        ("/v1/records", frames.share_frame(frames.Share(1, bytes(32), bytes(48), 1)), 400, "not-a-list"),  # type: ignore[arg-type]
        ("/v1/records", frames.records_frames((signed(1, STRANGER),))[0], 422, None),
    ],
)
async def test_a_bad_body_is_refused_by_name(
    tmp_path: Path, path: str, body: bytes, status: int, reason: str | None
) -> None:
    async with serving(tmp_path) as (client, here):
        answer = await client.post(path, data=body, headers=STREET)
        assert (answer.status, (await answer.json()).get("reason")) == (status, reason)
        assert not here.handed.calls


async def test_a_large_body_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with serving(tmp_path, PushLimits(body_bytes_max=1000, body_s=2)) as (client, _):
        told = {"Content-Length": "1001", **STREET}

        async def never() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(60)

        async with asyncio.timeout(1):
            answer = await client.post("/v1/records/7", data=never(), headers=told)
        assert (answer.status, (await answer.json())["reason"]) == (413, "oversize")

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(11):
                yield bytes(100)

        answer = await client.post("/v1/records/7", data=chunks(), headers=STREET)
        assert answer.status == 413


async def test_a_body_that_never_ends_is_given_up(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(2)

    async with serving(tmp_path, PushLimits(body_s=0.2)) as (client, _):
        async with asyncio.timeout(1):
            answer = await client.post("/v1/records/7", data=slow(), headers=STREET)
        assert (answer.status, (await answer.json())["reason"]) == (408, "body-incomplete")


async def test_a_token_that_is_too_fast_waits_and_the_other_does_not(tmp_path: Path) -> None:
    async with serving(tmp_path, PushLimits(requests_per_s=2, burst_s=1)) as (client, _):
        answers = [await client.post("/v1/records/7", data=signed(n).data, headers=STREET) for n in range(4)]
        assert [answer.status for answer in answers] == [202, 202, 429, 429]
        assert answers[3].headers["Retry-After"] == "1"
        other = await client.post("/v1/records/7", data=signed(9).data, headers=ALL)
        assert other.status == 202
        await asyncio.sleep(0.6)
        answer = await client.post("/v1/records/7", data=signed(3).data, headers=STREET)
        assert answer.status == 202


async def test_a_full_disk_is_503_with_its_name_until_there_is_room(tmp_path: Path) -> None:
    async with serving(tmp_path, reserve_bytes=street.FULL) as (client, here):
        answer = await client.post("/v1/records/7", data=signed(1).data, headers=STREET)
        assert (answer.status, await answer.json()) == (503, {"reason": "reserve"})
        assert int(answer.headers["Retry-After"]) > 0
        make_room(here.log)
        answer = await client.post("/v1/records/7", data=signed(1).data, headers=STREET)
        assert answer.status == 202


async def test_a_full_backlog_is_503(tmp_path: Path) -> None:
    async with serving(tmp_path, intake_limits=IntakeLimits(waiting_bytes_max=1)) as (client, here):
        await here.intake._wait_for_room(1)  # as if a slow disk held it
        waiting = asyncio.create_task(client.post("/v1/records/7", data=signed(1).data, headers=STREET))
        await street.until(lambda: here.intake.full, "someone waits")
        answer = await client.post("/v1/records/7", data=signed(2).data, headers=STREET)
        assert (answer.status, await answer.json()) == (503, {"reason": "backlog-full"})
        assert "Retry-After" in answer.headers
        here.intake._waiting_bytes -= 1
        here.intake._freed.set()
        assert (await waiting).status == 202


async def test_bodies_in_memory_are_bounded(tmp_path: Path) -> None:
    hold = asyncio.Event()

    async def held() -> AsyncIterator[bytes]:
        yield signed(1).data[:10]
        await hold.wait()
        yield signed(1).data[10:]

    async with serving(tmp_path, PushLimits(bodies_max=1)) as (client, _):
        first = asyncio.create_task(client.post("/v1/records/7", data=held(), headers=STREET))
        await asyncio.sleep(0.1)
        second = await client.post("/v1/records/7", data=signed(2).data, headers=STREET)
        assert second.status == 503
        hold.set()
        assert (await first).status == 202


def test_a_token_file_says_all_that_is_wrong_with_it() -> None:
    good = TOKEN_FILE["tokens"][0]
    rows = [
        good,
        {**good, "devices": []},
        {**good, "sha256": "street token"},
        {**good, "source": "", "devices": ["7"]},
        {"source": "x"},
        {**good, "devices": [True]},
        good,
    ]
    with pytest.raises(TokenError) as wrong:
        load_tokens(json.dumps({"tokens": rows}))
    assert len(wrong.value.faults) == 8
    for text in ("", "[]", "{}", '{"tokens": 1}'):
        with pytest.raises(TokenError):
            load_tokens(text)


def test_a_token_is_not_printed() -> None:
    printed = repr(load_tokens(json.dumps(TOKEN_FILE)))
    assert "street" in printed
    assert repr(hashlib.sha256(b"street token").digest()) not in printed
