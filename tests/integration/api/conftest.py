from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from oracle.api.app import make_app, serving
from oracle.api.description import OPENAPI
from oracle.api.limits import Limits
from oracle.api.stream import Announcer
from oracle.storage.database import Database
from oracle.storage.records import RecordLog
from oracle.telemetry.metrics import Metrics
from tests.integration.api.network import Archive, Run, finished_run, pour

PATIENT = Limits(requests_per_s=10_000, requests_burst=10_000)


@dataclass(slots=True)
class Site:
    """A served node and a client of it."""

    run: Run
    view: Archive
    database: Database
    records: RecordLog
    announcer: Announcer
    metrics: Metrics
    app: web.Application
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path, headers=headers) as response:
            return response.status, json.loads(await response.read())

    async def described(self, path: str, route: str, status: int = 200) -> Any:
        """The answer, which must be what the description says of the route."""
        found, content = await self.get(path)
        assert found == status, content
        responses = OPENAPI["paths"][route]["get"]["responses"]
        schema = responses.get(str(status), responses["default"])["content"]["application/json"]["schema"]
        validate(content, schema)
        return content


def validate(content: Any, schema: Any) -> None:
    whole = {**schema, "components": OPENAPI["components"]}
    Draft202012Validator(whole).validate(content)


@pytest.fixture
def run() -> Run:
    return finished_run()


@pytest.fixture
def storage(run: Run, tmp_path: Path) -> Iterator[tuple[Database, RecordLog]]:
    database = Database(tmp_path / "node.db")
    records = RecordLog(tmp_path / "records", reserve_bytes=0)
    pour(run, database, records)
    yield database, records
    records.close()
    database.close()


Open = Callable[..., Awaitable["Site"]]
Storage = tuple[Database, RecordLog]


@pytest.fixture
async def open_site(run: Run, storage: tuple[Database, RecordLog]) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def opened(limits: Limits = PATIENT, extra_routes: tuple[web.RouteDef, ...] = ()) -> Site:
            view, announcer, metrics = Archive(run), Announcer(limits.feed_queue_max), Metrics()
            app = make_app(
                view,
                *storage,
                announcer=announcer,
                metrics=metrics,
                limits=limits,
                extra_routes=extra_routes,
            )
            host, port = await stack.enter_async_context(serving(app, "127.0.0.1", 0))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return Site(run, view, *storage, announcer, metrics, app, f"http://{host}:{port}", session)

        yield opened


@pytest.fixture
async def site(open_site: Open) -> Site:
    opened: Site = await open_site()
    return opened
