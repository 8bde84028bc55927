"""The HTTP application: which routes there are, and what they are put together from.

Read `view` for what the runtime provides, `stream` for what it announces. The runtime
does this:

    announcer = Announcer()
    app = make_app(view, database, records, announcer=announcer, extra_routes=feeds)
    async with serving(app, "127.0.0.1", 8080): ...
    await announce(announcer, database, height, Stage.DECIDED)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from consensus.model import Committee
from oracle.api import attestations, evidence, explanations, node_routes
from oracle.api.bundles import Bundles
from oracle.api.context import API, Api
from oracle.api.exporter import Exporter
from oracle.api.feed import feed
from oracle.api.limits import Limits
from oracle.api.middleware import headers_for_readers, limited, measured, preflight, refusing
from oracle.api.stream import Announcer
from oracle.api.view import NodeView
from oracle.api.windows import Windows
from oracle.storage.database import Database
from oracle.storage.records import RecordLog
from oracle.telemetry.metrics import Metrics

__all__ = ["ROUTES", "make_app", "make_exporter", "serving"]

ROUTES: Final = (
    web.get("/v1/attestations", attestations.list_attestations),
    web.get("/v1/attestations/{ref}", attestations.one_attestation),
    web.get("/v1/attestations/{ref}/bundle", attestations.bundle),
    web.get("/v1/proofs/{usage_point}", attestations.leaf_proof),
    web.get("/v1/zones/{zone}", attestations.zone),
    web.get("/v1/evidence", evidence.list_evidence),
    web.get("/v1/evidence/{digest}", evidence.one_evidence),
    web.get("/v1/windows/{window}/explanation", explanations.explanation),
    web.get("/v1/feed", feed, allow_head=False),
    web.get("/v1/committee", node_routes.committee),
    web.get("/v1/conduct", node_routes.conduct),
    web.get("/v1/health", node_routes.health),
    web.get("/v1/journey", node_routes.journey),
    web.get("/v1/openapi.json", node_routes.openapi),
    web.get("/metrics", node_routes.metrics),
)
STOP_S: Final = 5.0
KEEPALIVE_S: Final = 30.0


def make_app(
    view: NodeView,
    database: Database,
    records: RecordLog,
    *,
    announcer: Announcer | None = None,
    metrics: Metrics | None = None,
    limits: Limits | None = None,
    extra_routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """The application; it owns neither database nor records.

    `extra_routes` (push routes of feeds, the explorer's pages) are served beside; they are
    neither rate-limited nor timed here.
    """
    set_limits = limits or Limits()
    windows = Windows(database.history, set_limits.windows_cached)
    exporter = make_exporter(view, database, records, windows, set_limits)
    app = web.Application(
        middlewares=(measured, refusing, limited), client_max_size=set_limits.request_bytes_max
    )
    app[API] = Api(
        view,
        database,
        records,
        windows,
        Bundles(exporter, set_limits, lambda: view.chain().height),
        Announcer(set_limits.feed_queue_max) if announcer is None else announcer,
        Metrics() if metrics is None else metrics,
        set_limits,
        frozenset(route.path for route in ROUTES),
    )
    app.add_routes([*ROUTES, *extra_routes])
    for path in sorted(app[API].own_paths):
        app.router.add_route("OPTIONS", path, preflight)
    app.on_response_prepare.append(headers_for_readers)
    app.on_shutdown.append(_let_listeners_go)
    app.on_cleanup.append(_close)
    return app


def make_exporter(
    view: NodeView,
    database: Database,
    records: RecordLog,
    windows: Windows | None = None,
    limits: Limits | None = None,
) -> Exporter:
    """What writes bundles of this node's history."""
    set_limits = limits or Limits()

    def committees() -> Mapping[int, Committee]:
        return view.committees

    return Exporter(
        database.history,
        records,
        view.genesis,
        committees,
        windows or Windows(database.history, set_limits.windows_cached),
        leaves_max=set_limits.bundle_leaves_max,
    )


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve while the block runs; gives the address listened on. Raises OSError.

    Open answers get STOP_S to end, then they are cut.
    """
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, keepalive_timeout=KEEPALIVE_S, shutdown_timeout=STOP_S
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        yield str(bound[0]), int(bound[1])
    finally:
        await runner.cleanup()


async def _let_listeners_go(app: web.Application) -> None:
    app[API].announcer.close()


async def _close(app: web.Application) -> None:
    app[API].bundles.close()
