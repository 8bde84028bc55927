"""What every handler of the API works with, and how handlers ask and answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiohttp import web

from oracle.api.bundles import Bundles
from oracle.api.errors import ApiError, Refused
from oracle.api.limits import Buckets, Limits
from oracle.api.questions import natural
from oracle.api.stream import Announcer
from oracle.api.view import NodeView
from oracle.api.windows import Windows
from oracle.storage.database import Database
from oracle.storage.history_reader import HistoryReader
from oracle.storage.records import RecordLog
from oracle.telemetry.metrics import Metrics

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"
"""May be kept, and must be asked for again with its ETag."""


@dataclass(slots=True)
class Api:
    """The parts of one node's API."""

    view: NodeView
    database: Database
    records: RecordLog
    windows: Windows
    bundles: Bundles
    announcer: Announcer
    metrics: Metrics
    limits: Limits
    own_paths: frozenset[str] = frozenset()
    """Routes of the API itself; those mounted from elsewhere have limits of their own."""
    buckets: Buckets = field(init=False)
    listeners: dict[str, int] = field(default_factory=dict)
    """Feed clients by address."""

    def __post_init__(self) -> None:
        self.buckets = Buckets(self.limits)

    async def read(self, question: Callable[[HistoryReader], T]) -> T:
        """Ask the history off the loop. Raises StorageFailed, Refused."""
        return await self.database.read(question)


API: Final = web.AppKey("api", Api)


def api_of(request: web.Request) -> Api:
    """The API a request came to."""
    return request.app[API]


def address_of(request: web.Request) -> str:
    """Who asks, as the socket says; headers that claim otherwise are not believed."""
    return request.remote or "unknown"


def path_of(request: web.Request) -> str:
    """The route's pattern, for metrics; never what a client may choose freely."""
    resource = request.match_info.route.resource
    return "none" if resource is None else resource.canonical


def answer(content: Mapping[str, Any], *, status: int = 200, cache: str = REVALIDATE) -> web.Response:
    """A JSON answer."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=True)
    return web.Response(
        text=text, status=status, content_type="application/json", headers={"Cache-Control": cache}
    )


def refusal(refused: Refused) -> web.Response:
    """The JSON of an error."""
    response = answer(refused.content(), status=refused.status, cache="no-store")
    if refused.retry_after_s is not None:
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def parameters(request: web.Request, *known: str) -> dict[str, str]:
    """The query's parameters, each once and each known: a misspelled filter must not pass unseen."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            raise Refused(ApiError.BAD_PARAMETER, f"unknown parameter; this route takes: {', '.join(known)}")
        if name in found:
            raise Refused(ApiError.BAD_PARAMETER, f"{name} stands twice")
        found[name] = value
    return found


def natural_or_none(found: Mapping[str, str], name: str) -> int | None:
    """A numeric parameter, None if it is not given."""
    return natural(found[name], name) if name in found else None


def page_limit(found: Mapping[str, str], limits: Limits) -> int:
    """How many rows a page shall have: at least one, at most the limit."""
    wanted = natural_or_none(found, "limit")
    if wanted == 0:
        raise Refused(ApiError.BAD_PARAMETER, "limit: at least 1")
    return limits.page_default if wanted is None else min(wanted, limits.page_max)


async def within(seconds: float, awaited: Awaitable[T]) -> T:
    """Wait so long and no longer. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        return await awaited
