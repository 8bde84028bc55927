"""Routes about attestations and their proofs: read from the history, proven from the leaves."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from oracle.api.chain_status import ChainStatus
from oracle.api.context import (
    IMMUTABLE,
    REVALIDATE,
    Api,
    answer,
    api_of,
    natural_or_none,
    page_limit,
    parameters,
    within,
)
from oracle.api.entries import plain, proven
from oracle.api.errors import ApiError, Refused
from oracle.api.questions import (
    KINDS,
    Listing,
    Surroundings,
    attestation,
    find,
    latest_window,
    listed,
    natural,
    of_window,
    revisions,
)
from oracle.api.windows import summary_of
from oracle.model import UsagePoint, ZoneId
from oracle.storage.history import StoredEntry
from oracle.storage.history_reader import HistoryReader
from oracle.windows.window_data import WindowData

BUNDLE_TYPE = "text/vnd.wattest.bundle"


async def list_attestations(request: web.Request) -> web.Response:
    """`GET /v1/attestations`."""
    api = api_of(request)
    found = parameters(request, "cursor", "limit", "order", "kind", "from", "to")
    asked = _listing(found, api)
    now = _now(api)

    def question(history: HistoryReader) -> dict[str, Any]:
        page = listed(history, asked, now.window_s, api.limits.scan_max)
        rows = [attestation(history, stored, now) for stored in page.entries]
        return {"attestations": rows, "next_cursor": page.cursor}

    return answer(await api.read(question))


async def one_attestation(request: web.Request) -> web.Response:
    """`GET /v1/attestations/{ref}`."""
    api, reference = api_of(request), request.match_info["ref"]
    parameters(request)
    now = _now(api)

    def question(history: HistoryReader) -> dict[str, Any]:
        stored = find(history, reference, now.window_s)
        said = attestation(history, stored, now)
        # Of a height nothing may change later; of a window a further revision may come.
        return said if reference.isdigit() else said | {"revisions": revisions(history, stored)}

    content = await api.read(question)
    final = content["chain"]["status"] == ChainStatus.FINAL.value
    return answer(content, cache=IMMUTABLE if final and reference.isdigit() else REVALIDATE)


async def bundle(request: web.Request) -> web.Response:
    """`GET /v1/attestations/{ref}/bundle`."""
    api, reference = api_of(request), request.match_info["ref"]
    parameters(request)
    window_s = api.view.genesis.window_s
    stored = await api.read(lambda history: find(history, reference, window_s))
    file = await within(api.limits.bundle_s, api.bundles.get(stored.height))
    headers = {
        "Cache-Control": IMMUTABLE if file.final and reference.isdigit() else REVALIDATE,
        "ETag": f'"{file.etag}"',
    }
    if any(tag.value == file.etag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    name = f"wattest-{stored.height}.bundle"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response = web.Response(body=file.data, content_type=BUNDLE_TYPE, charset="ascii", headers=headers)
    response.enable_compression()
    return response


async def leaf_proof(request: web.Request) -> web.Response:
    """`GET /v1/proofs/{usage_point}`."""
    api = api_of(request)
    point = natural(request.match_info["usage_point"], "usage_point")
    window = natural_or_none(parameters(request, "window"), "window")
    now = _now(api)

    def question(history: HistoryReader) -> dict[str, Any]:
        stored, data = _window(api, history, window)
        proof = data.proof(UsagePoint(point))
        if proof is None:
            detail = f"usage point {point} has no leaf in window {data.summary.window}"
            raise Refused(ApiError.NOT_FOUND, detail)
        zone = proof.zone
        return {
            "usage_point": point,
            "window": data.summary.window,
            "leaf": proven(proof.leaf.value(), proof.leaf_index, zone.leaf_count, proof.leaf_siblings),
            "zone": proven(zone.value(), proof.zone_index, data.summary.zone_count, proof.zone_siblings),
            "attestation": attestation(history, stored, now),
        }

    return answer(await api.read(question))


async def zone(request: web.Request) -> web.Response:
    """`GET /v1/zones/{zone}`."""
    api = api_of(request)
    number = natural(request.match_info["zone"], "zone")
    found = parameters(request, "window", "after", "limit")
    window, after = natural_or_none(found, "window"), natural_or_none(found, "after")
    limit, now = page_limit(found, api.limits), _now(api)

    def question(history: HistoryReader) -> dict[str, Any]:
        stored, data = _window(api, history, window)
        proof = data.zone_proof(ZoneId(number))
        if proof is None:
            raise Refused(ApiError.NOT_FOUND, f"zone {number} has no leaf in window {data.summary.window}")
        summary, index, path = proof
        leaves, further = _leaves(data, index, after, limit)
        return {
            "window": data.summary.window,
            "zone": proven(summary.value(), index, data.summary.zone_count, path),
            "leaves": leaves,
            "next_after": further,
            "attestation": attestation(history, stored, now),
        }

    return answer(await api.read(question))


def _leaves(
    data: WindowData, zone_index: int, after: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """A page of a zone's leaves past a usage point, and where to go on."""
    start = data.zone_starts[zone_index]
    end = start + data.zones[zone_index].leaf_count
    if after is not None:
        points = data.leaves.usage_point[start:end]
        start += int(points.searchsorted(after, side="right"))
    stop = min(end, start + limit)
    leaves = [data.leaves.leaf(at, data.summary.window) for at in range(start, stop)]
    further = int(leaves[-1].usage_point) if stop < end else None
    return [plain(leaf.value()) for leaf in leaves], further


def _window(api: Api, history: HistoryReader, window: int | None) -> tuple[StoredEntry, WindowData]:
    if window is None:
        stored = latest_window(history)
    else:
        stored = of_window(history, window, api.view.genesis.window_s)
    if stored is None or stored.kind != "window":
        what = "nothing is attested yet" if window is None else f"window {window} has no attestation"
        raise Refused(ApiError.NOT_FOUND, what if stored is None else f"{what}: it is void")
    leaves, most = summary_of(stored).leaf_count, api.limits.bundle_leaves_max
    if leaves > most:
        raise Refused(ApiError.NOT_PROVEN_HERE, f"{leaves} leaves, this node proves up to {most}")
    data = api.windows.of(stored)
    if data is None:
        raise Refused(ApiError.NOT_PROVEN_HERE, f"the leaves of height {stored.height} are not here yet")
    return stored, data


def _listing(found: dict[str, str], api: Api) -> Listing:
    order, kind = found.get("order", "newest"), found.get("kind")
    if order not in ("newest", "oldest"):
        raise Refused(ApiError.BAD_PARAMETER, "order: newest or oldest")
    if kind is not None and kind not in KINDS:
        raise Refused(ApiError.BAD_PARAMETER, f"kind: one of {', '.join(KINDS)}")
    return Listing(
        page_limit(found, api.limits),
        order == "newest",
        natural_or_none(found, "cursor"),
        kind,
        natural_or_none(found, "from"),
        natural_or_none(found, "to"),
    )


def _now(api: Api) -> Surroundings:
    """As it is on the loop: the question is answered on another thread."""
    view = api.view
    committees, tip = dict(view.committees), view.chain().height
    return Surroundings(view.genesis.window_s, committees, tip, api.limits.final_depth)
