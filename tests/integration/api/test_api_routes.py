"""Every route, asked over a real connection; every answer held against the description."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web

from consensus.encoding import Value, encode
from consensus.messages import Entry
from consensus.model import Height
from oracle.api.app import ROUTES
from oracle.api.description import OPENAPI
from oracle.api.limits import Limits
from oracle.api.view import Problem, Severity
from oracle.conduct import Misdeed
from oracle.journey import Stage
from oracle.model import UsagePoint, WindowStart, leaf_hash, sha256d
from oracle.storage.history import StoredEntry
from oracle.windows import tree
from tests.integration.api.conftest import Open, Site
from tests.integration.api.network import BLOCK, put_on_chain
from tests.simulation.whole_node import WINDOW_S

LIST, ONE = "/v1/attestations", "/v1/attestations/{ref}"


def test_every_route_is_described_and_nothing_else() -> None:
    assert {route.path for route in ROUTES} == set(OPENAPI["paths"])


async def test_the_description_is_served(site: Site) -> None:
    assert await site.get("/v1/openapi.json") == (200, OPENAPI)


# --- attestations


async def test_one_attestation_by_height_by_window_and_as_the_latest(site: Site) -> None:
    height = site.run.heights("window")[-1]
    entry = site.run.entry(height)
    by_height = await site.described(f"{LIST}/{height}", ONE)
    assert by_height["digest"] == entry.digest.hex()
    assert by_height["body"]["import_wh"] == entry.body["import-wh"]
    assert by_height["bytes"]["entry"] == encode(entry.value()).hex()
    assert len(by_height["certificate"]["signers"]) >= 3
    keys = [key.hex() for key in site.run.genesis.committee.node_keys]
    assert all(one["node_key"] == keys[one["slot"]] for one in by_height["certificate"]["signers"])
    said = {"revision": 0, "kind": "window", "height": height, "digest": by_height["digest"]}
    of_window = by_height | {"revisions": [said]}
    assert await site.described(f"{LIST}/latest", ONE) == of_window
    assert await site.described(f"{LIST}/window:{site.run.window(height)}", ONE) == of_window


async def test_every_kind_of_entry_is_as_described(site: Site) -> None:
    for height in sorted(site.run.disk.history):
        content = await site.described(f"{LIST}/{height}", ONE)
        assert content["kind"] == site.run.entry(height).kind


async def test_chain_status_goes_from_waiting_to_final(site: Site) -> None:
    first, second = site.run.attested()[:2]
    assert (await site.described(f"{LIST}/{first}", ONE))["chain"]["status"] == "waiting"
    txid = put_on_chain(site.run, site.database, first)
    chain = (await site.described(f"{LIST}/{first}", ONE))["chain"]
    assert (chain["status"], chain["txid"], chain["block_height"]) == ("confirmed", txid.hex(), BLOCK)
    site.view.tip_height = BLOCK + 5
    async with site.session.get(f"{site.url}{LIST}/{first}") as response:
        assert (await response.json())["chain"]["status"] == "final"
        assert "immutable" in response.headers["Cache-Control"]
    assert (await site.described(f"{LIST}/{second}", ONE))["chain"]["status"] == "waiting"
    (activation,) = site.run.heights("activate")
    assert (await site.described(f"{LIST}/{activation}", ONE))["chain"]["status"] == "waiting"
    (registry,) = site.run.heights("registry")
    assert (await site.described(f"{LIST}/{registry}", ONE))["chain"]["status"] == "not-for-chain"


async def paged(site: Site, query: str) -> list[int]:
    heights: list[int] = []
    cursor = None
    while True:
        more = "" if cursor is None else f"&cursor={cursor}"
        page = await site.described(f"{LIST}?limit=3&{query}{more}", LIST)
        assert len(page["attestations"]) <= 3
        heights += [row["height"] for row in page["attestations"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return heights


async def test_pages_give_every_entry_once_in_either_order(site: Site) -> None:
    all_heights = sorted(site.run.disk.history)
    assert await paged(site, "order=oldest") == all_heights
    assert await paged(site, "order=newest") == all_heights[::-1]
    assert await paged(site, "kind=window&order=oldest") == site.run.heights("window")


@pytest.mark.parametrize("scan_max", [4000, 2])
@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_a_range_gives_just_its_windows_however_it_is_found(
    open_site: Open, order: str, scan_max: int
) -> None:
    site = await open_site(Limits(requests_per_s=1e4, requests_burst=10_000, scan_max=scan_max))
    windows = site.run.heights("window")
    starts = [site.run.window(height) for height in windows]
    wanted = windows[1:4] if order == "oldest" else windows[1:4][::-1]
    assert await paged(site, f"order={order}&from={starts[1]}&to={starts[3]}") == wanted
    assert await paged(site, f"order={order}&from={starts[1] - 3}&to={starts[4] - 1}") == wanted
    # A range without an end, and one of more windows than are looked up, walk the log.
    after = windows[2:] if order == "oldest" else windows[2:][::-1]
    assert await paged(site, f"order={order}&from={starts[2]}") == after
    before = windows[:2] if order == "oldest" else windows[:2][::-1]
    assert await paged(site, f"order={order}&from=0&to={starts[1]}") == before


async def test_a_window_that_a_void_covers_is_answered_with_the_void(site: Site) -> None:
    newest = site.run.entry(max(site.run.disk.history))
    start = site.run.next_window + 10 * WINDOW_S
    body: dict[str, Value] = {"window": start, "revision": 0, "reason": 1, "count": 3}
    entry = Entry(newest.network, Height(newest.height + 1), newest.digest, "void", body)
    certificate = site.run.disk.history[newest.height][1]
    row = StoredEntry(entry.height, entry.digest, "void", entry.encoded(), certificate, None, start)
    site.database.transaction((), (row,))
    for at in (start, start + WINDOW_S, start + 2 * WINDOW_S):
        content = await site.described(f"{LIST}/window:{at}", ONE)
        assert (content["kind"], content["body"]["count"]) == ("void", 3)
    for at in (start - WINDOW_S, start + 3 * WINDOW_S, start + 1):
        await site.described(f"{LIST}/window:{at}", ONE, 404)
    status, content = await site.get(f"/v1/proofs/1?window={start + WINDOW_S}")
    assert (status, content["error"]) == (404, "not-found")
    assert "void" in content["detail"]


# --- proofs


async def test_a_leaf_proof_leads_to_the_attested_root(site: Site) -> None:
    for point in (1, 4, 6):
        content = await site.described(f"/v1/proofs/{point}", "/v1/proofs/{usage_point}")
        leaf, zone = content["leaf"], content["zone"]
        assert leaf["value"]["usage_point"] == point
        for proof, root in (
            (leaf, zone["value"]["root"]),
            (zone, content["attestation"]["body"]["root"]),
        ):
            hashed = tree.Tree.over([sha256d(bytes.fromhex(proof["bytes"]))]).root
            path = [bytes.fromhex(node) for node in proof["path"]]
            assert tree.verify(hashed, bytes.fromhex(root), proof["index"], proof["count"], path)


async def test_a_proof_of_a_named_window_is_of_that_window(site: Site) -> None:
    height = site.run.attested()[1]
    window = site.run.window(height)
    content = await site.described(f"/v1/proofs/2?window={window}", "/v1/proofs/{usage_point}")
    assert (content["window"], content["attestation"]["height"]) == (window, height)
    status, error = await site.get(f"/v1/proofs/999?window={window}")
    assert (status, error["error"]) == (404, "not-found")


async def test_a_zones_leaves_come_in_pages(site: Site) -> None:
    route = "/v1/zones/{zone}"
    whole = await site.described("/v1/zones/2", route)
    assert [leaf["usage_point"] for leaf in whole["leaves"]] == [4, 5, 6]
    first = await site.described("/v1/zones/2?limit=2", route)
    rest = await site.described(f"/v1/zones/2?limit=2&after={first['next_after']}", route)
    assert first["leaves"] + rest["leaves"] == whole["leaves"]
    assert rest["next_after"] is None
    assert sum(leaf["import_wh"] for leaf in whole["leaves"]) == whole["zone"]["value"]["import_wh"]
    await site.described("/v1/zones/7", route, 404)


async def test_leaf_bytes_are_those_that_are_hashed(site: Site) -> None:
    content = await site.described("/v1/proofs/1", "/v1/proofs/{usage_point}")
    value = {name.replace("_", "-"): one for name, one in content["leaf"]["value"].items()}
    value["record"] = bytes.fromhex(value["record"])
    assert leaf_hash(value) == sha256d(bytes.fromhex(content["leaf"]["bytes"]))


# --- the node


async def test_the_committee_with_the_key_to_pin(site: Site) -> None:
    content = await site.described("/v1/committee", "/v1/committee")
    assert content["group_key"] == site.run.group_key.hex()
    assert content["network"] == site.run.genesis.network.hex()
    assert [content["activation_height"]] == site.run.heights("activate")
    assert (content["size"], content["quorum"], content["faults"]) == (4, 3, 1)


async def test_health_says_what_is_wrong_and_what_to_do(site: Site) -> None:
    content = await site.described("/v1/health", "/v1/health")
    assert (content["status"], content["problems"]) == ("ok", [])
    slow = Problem("peer-away", Severity.WARNING, 5, "Call the operator of slot 3.")
    site.view.problem_list = (slow,)
    assert (await site.described("/v1/health", "/v1/health"))["status"] == "degraded"
    site.view.problem_list = (slow, Problem("disk-full", Severity.CRITICAL, 7, "Make room."))
    content = await site.described("/v1/health", "/v1/health", 503)
    assert content["status"] == "failing"
    assert content["problems"][1] == {
        "name": "disk-full",
        "severity": "critical",
        "since_ms": 7,
        "what_to_do": "Make room.",
    }


async def test_a_closed_database_is_a_critical_problem_and_a_named_error(site: Site) -> None:
    site.database._file.close()
    content = await site.described("/v1/health", "/v1/health", 503)
    assert [one["name"] for one in content["problems"]] == ["storage-closed"]
    error = await site.described(f"{LIST}/latest", ONE, 503)
    assert error["error"] == "storage"


async def test_the_conduct_of_members(site: Site) -> None:
    key = site.view.committee.node_keys[2]
    for height in (7, 9):
        site.view.seen.see(key, Misdeed.BAD_SHARE, 1_700_000_000_000 + height, height, "of that height")
    content = await site.described("/v1/conduct", "/v1/conduct")
    assert [member["slot"] for member in content["members"]] == [0, 1, 2, 3]
    quorum = site.view.committee.quorum
    assert sum(member["signed"] for member in content["members"]) >= quorum * content["entries"] > 0
    assert content["members"][1]["seen"] == []
    assert content["members"][2]["seen"] == [
        {
            "misdeed": "bad-share",
            "count": 2,
            "at_ms": 1_700_000_000_009,
            "height": 9,
            "detail": "of that height",
        }
    ]
    site.view.seen.see_meter(UsagePoint(3), 1_700_000_000_000, WindowStart(1_700_000_000))
    (meter,) = (await site.described("/v1/conduct", "/v1/conduct"))["meters"]
    assert (meter["usage_point"], meter["misdeed"], meter["count"]) == (3, "two_stories", 1)


async def test_the_journey_of_the_last_windows(site: Site) -> None:
    content = await site.described("/v1/journey?limit=3", "/v1/journey")
    assert len(content["windows"]) == 3
    newest = next(one for one in site.run.travels if one.stage is Stage.ATTESTED)
    shown = (await site.described("/v1/journey", "/v1/journey"))["windows"]
    (row,) = [one for one in shown if one["window"] == newest.window]
    assert (row["height"], row["stage"]) == (newest.height, "attested")
    assert "certified" in [remark["stage"] for remark in row["remarks"]]


async def test_metrics_are_those_of_the_moment(site: Site) -> None:
    await site.get(f"{LIST}/latest")
    async with site.session.get(f"{site.url}/metrics") as response:
        assert response.status == 200
        text = await response.text()
    lines = text.splitlines()
    assert f"wattest_height {float(site.view.head_height)}" in lines
    assert 'wattest_peer_up{slot="3"} 0.0' in lines
    assert 'wattest_outbox_jobs{state="done"} 4.0' in lines
    assert 'wattest_api_requests_total{route="/v1/attestations/{ref}",status="200"} 1.0' in lines


# --- refusals


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/attestations/0", 404, "not-found"),
        ("/v1/attestations/99999", 404, "not-found"),
        ("/v1/attestations/-1", 400, "bad-parameter"),
        ("/v1/attestations/newest", 400, "bad-parameter"),
        ("/v1/attestations/window:x", 400, "bad-parameter"),
        ("/v1/attestations/%D9%A1", 400, "bad-parameter"),
        (f"/v1/attestations/{'9' * 400}", 400, "bad-parameter"),
        ("/v1/attestations?limit=0", 400, "bad-parameter"),
        ("/v1/attestations?limit=1&limit=2", 400, "bad-parameter"),
        ("/v1/attestations?kind=windows", 400, "bad-parameter"),
        ("/v1/attestations?order=up", 400, "bad-parameter"),
        ("/v1/attestations?form=12", 400, "bad-parameter"),
        ("/v1/attestations/99999/bundle", 404, "not-found"),
        ("/v1/proofs/one", 400, "bad-parameter"),
        ("/v1/proofs/1?window=5", 404, "not-found"),
        ("/v1/journey?limit=-3", 400, "bad-parameter"),
        ("/v1/feed?after=now", 400, "bad-parameter"),
        ("/v1/nothing", 404, "no-such-route"),
    ],
)
async def test_what_cannot_be_answered_is_refused_by_name(
    site: Site, path: str, status: int, error: str
) -> None:
    found, content = await site.get(path)
    assert (found, content["error"]) == (status, error)
    assert content["detail"]
    assert content["what_to_do"]


async def test_other_methods_are_refused_by_name(site: Site) -> None:
    async with site.session.post(f"{site.url}/v1/health", data=b"x") as response:
        assert response.status == 405
        assert (await response.json())["error"] == "method-not-allowed"


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(open_site: Open) -> None:
    site = await open_site(Limits(request_bytes_max=100))
    async with site.session.get(f"{site.url}/v1/health", data=b"x" * 101) as response:
        assert response.status == 413
        assert (await response.json())["error"] == "request-too-large"


async def test_an_address_that_asks_too_often_is_told_when_to_come_back(open_site: Open) -> None:
    site = await open_site(Limits(requests_per_s=0.5, requests_burst=3))
    for _ in range(3):
        assert (await site.get("/v1/health"))[0] == 200
    async with site.session.get(f"{site.url}/v1/health") as response:
        assert response.status == 429
        assert (await response.json())["error"] == "too-many-requests"
        assert 1 <= int(response.headers["Retry-After"]) <= 2


async def test_a_defect_is_named_and_its_trace_stays_in_the_log(
    open_site: Open, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_request: web.Request) -> web.Response:
        raise ValueError("secret path /var/keys")

    site = await open_site(extra_routes=(web.get("/push/broken", broken),))
    async with site.session.get(f"{site.url}/push/broken") as response:
        assert response.status == 500
        text = await response.text()
    assert '"internal"' in text
    assert "keys" not in text
    assert "Traceback" not in text
    assert "secret path" in caplog.text


async def test_an_answer_that_takes_too_long_is_given_up(open_site: Open) -> None:
    site = await open_site(Limits(request_s=0.05))
    held = asyncio.Event()
    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(history) -> None:  # type: ignore[no-untyped-def]
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(held.wait(), loop).result(5)

    blockers = [asyncio.create_task(site.database.read(slow)) for _ in range(4)]
    await entered.wait()
    await asyncio.sleep(0.05)
    status, content = await site.get(f"{LIST}/latest")
    held.set()
    await asyncio.gather(*blockers)
    assert (status, content["error"]) == (504, "timeout")


async def test_routes_from_elsewhere_are_served_without_our_rate_limit(open_site: Open) -> None:
    async def push(request: web.Request) -> web.Response:
        return web.json_response({"bytes": len(await request.read())})

    extra = (web.post("/push/{device}", push),)
    site = await open_site(Limits(requests_per_s=0.01, requests_burst=1), extra)
    for _ in range(5):
        async with site.session.post(f"{site.url}/push/7", data=b"abc") as response:
            assert response.status == 200
            assert await response.json() == {"bytes": 3}
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_pages_of_other_sites_may_read(site: Site) -> None:
    async with site.session.get(f"{site.url}/v1/health") as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with site.session.options(f"{site.url}/v1/attestations/latest") as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"


async def test_bytes_that_are_no_request_get_no_trace(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")

    def shouted() -> bytes:
        with socket.create_connection((host, int(port)), timeout=5) as raw:
            raw.sendall(b"\x00\x01 nonsense \r\n\r\n")
            return raw.recv(4096)

    answer = await asyncio.to_thread(shouted)
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"Traceback" not in answer
