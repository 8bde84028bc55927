"""Routes about the node itself: its health, committee, windows under way, metrics, description."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from oracle.api.context import Api, answer, api_of, natural_or_none, parameters, within
from oracle.api.description import OPENAPI
from oracle.api.entries import committee_json
from oracle.api.view import NodeView, Problem, Severity
from oracle.api.windows import certificate_of, entry_of
from oracle.chain.address import principal_text
from oracle.journey import WINDOWS_KEPT, Travel
from oracle.storage.failure import StorageFailed
from oracle.storage.history import StoredEntry
from oracle.storage.history_reader import PAGE_MAX, HistoryReader
from oracle.windows.vee import Rule

DISK_ANSWER_S: Final = 2.0
"""A disk that takes longer for one row is a problem in itself."""
METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


async def health(request: web.Request) -> web.Response:
    """`GET /v1/health`: 503 while a problem is critical."""
    api = api_of(request)
    parameters(request)
    view = api.view
    problems = [*view.problems(), *await _storage_problems(api)]
    failing = any(one.severity is Severity.CRITICAL for one in problems)
    degraded = any(one.severity is Severity.WARNING for one in problems)
    intake, chain = view.intake(), view.chain()
    content = {
        "status": "failing" if failing else "degraded" if degraded else "ok",
        "network": view.genesis.network.hex(),
        "slot": view.own_slot,
        "height": view.head_height,
        "round": view.round,
        "next_window": view.next_window,
        "started_at_ms": view.started_at_ms,
        "peers": {"up": list(view.peers_up()), "down": list(view.peers_down())},
        "chain": {"reachable": chain.reachable, "height": chain.height},
        "outbox": dict(view.outbox_counts()),
        "intake": {"counters": dict(intake.counters), "problem": intake.problem},
        "rejections": dict(view.rejections()),
        "evidence": {"held": dict(view.evidence()), "submissions": dict(view.evidence_submissions())},
        "problems": [
            {
                "name": one.name,
                "severity": one.severity.value,
                "since_ms": one.since_ms,
                "what_to_do": one.what_to_do,
            }
            for one in problems
        ],
    }
    return answer(content, status=503 if failing else 200, cache="no-store")


async def committee(request: web.Request) -> web.Response:
    """`GET /v1/committee`."""
    api = api_of(request)
    parameters(request)
    view = api.view
    epoch = view.committee.epoch
    activation = await api.read(lambda history: _activation(history, epoch))
    genesis = view.genesis
    content = {
        "network": genesis.network.hex(),
        "genesis": {
            "chain_id": genesis.chain_id,
            "oracle": principal_text(genesis.oracle),
            "window_s": genesis.window_s,
        },
        **committee_json(view.committee),
        "group_key": None if view.group_key is None else view.group_key.hex(),
        "activation_height": None if activation is None else activation.height,
        "epochs": [committee_json(view.committees[number]) for number in sorted(view.committees)],
    }
    return answer(content)


async def journey(request: web.Request) -> web.Response:
    """`GET /v1/journey`."""
    wanted = natural_or_none(parameters(request, "limit"), "limit")
    most = 50 if wanted is None else min(wanted, WINDOWS_KEPT)
    travels = api_of(request).view.travels()[:most]
    return answer({"windows": [_travel(one) for one in travels]}, cache="no-store")


async def conduct(request: web.Request) -> web.Response:
    """`GET /v1/conduct`: what a vote on a challenge can rest on (E5)."""
    api = api_of(request)
    parameters(request)
    view = api.view
    entries = await api.read(lambda history: history.entries(limit=PAGE_MAX).entries)
    all_certificates = [certificate_of(one) for one in entries]
    certificates = [one for one in all_certificates if one.epoch == view.committee.epoch]
    links = view.peer_counters()
    members = [
        {
            "slot": slot,
            "node_key": key.hex(),
            "own": slot == view.own_slot,
            "signed": sum(1 for one in certificates if one.signatures[slot]),
            "received_messages": links.get(slot, {}).get("received_messages", 0),
            "seen": [
                {
                    "misdeed": one.misdeed.value,
                    "count": one.count,
                    "at_ms": one.at_ms,
                    "height": one.height,
                    "detail": one.detail,
                }
                for one in view.conduct().of(key)
            ],
        }
        for slot, key in enumerate(view.committee.node_keys)
    ]
    content = {
        "epoch": view.committee.epoch,
        "entries": len(certificates),
        "members": members,
        "meters": [
            {
                "usage_point": one.usage_point,
                "misdeed": Rule.TWO_STORIES.value,
                "count": one.count,
                "at_ms": one.at_ms,
                "window": one.window,
            }
            for one in view.conduct().meters()
        ],
    }
    return answer(content, cache="no-store")


async def openapi(request: web.Request) -> web.Response:
    """`GET /v1/openapi.json`."""
    parameters(request)
    return answer(OPENAPI)


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics`, for Prometheus."""
    api = api_of(request)
    _refresh(api, api.view)
    return web.Response(body=api.metrics.exposition(), headers={"Content-Type": METRICS_TYPE})


def _refresh(api: Api, view: NodeView) -> None:
    """Gauges and foreign counters are read at the moment they are asked for."""
    shown, chain = api.metrics, view.chain()
    shown.set("wattest_up_since_seconds", view.started_at_ms / 1000)
    shown.set("wattest_height", view.head_height)
    shown.set("wattest_round", view.round)
    shown.set("wattest_next_window_seconds", view.next_window)
    shown.set("wattest_chain_reachable", chain.reachable)
    shown.set("wattest_chain_height", chain.height)
    shown.intake(view.intake().counters)
    shown.rejections(view.rejections())
    shown.peers(view.peers_up(), view.peers_down(), view.peer_counters())
    shown.outbox(view.outbox_counts())
    shown.evidence(view.evidence(), view.evidence_submissions())
    problems = view.problems()
    for severity in Severity:
        count = sum(1 for one in problems if one.severity is severity)
        shown.set("wattest_problems", count, (severity.value,))
    shown.set("wattest_feed_subscribers", api.announcer.listeners)


async def _storage_problems(api: Api) -> tuple[Problem, ...]:
    try:
        await within(DISK_ANSWER_S, api.read(lambda history: history.meta("health")))
    except StorageFailed as failure:
        return (_storage_problem(f"storage-{failure.problem.value}", api),)
    except TimeoutError:
        return (_storage_problem("storage-slow", api),)
    return ()


def _storage_problem(name: str, api: Api) -> Problem:
    advice = "Look at the disk under the node's data directory, then restart the node."
    return Problem(name, Severity.CRITICAL, api.view.started_at_ms, advice)


def _activation(history: HistoryReader, epoch: int) -> StoredEntry | None:
    page = history.entries(limit=PAGE_MAX, kind="activate")
    return next((one for one in page.entries if entry_of(one).body.get("epoch") == epoch), None)


def _travel(travel: Travel) -> dict[str, Any]:
    return {
        "window": travel.window,
        "height": travel.height or None,
        "stage": _stage(travel.stage.name),
        "void_reason": travel.void_reason or None,
        "remarks": [
            {"at_ms": one.at_ms, "stage": _stage(one.stage.name), "detail": one.detail}
            for one in travel.remarks
        ],
    }


def _stage(name: str) -> str:
    return name.lower().replace("_", "-")
