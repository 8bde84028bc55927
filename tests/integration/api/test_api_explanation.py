"""How a window went, asked over a real connection: facts from the journey and from the history."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consensus.encoding import Value
from consensus.messages import Entry
from consensus.model import Height
from oracle.api.app import make_app, serving
from oracle.cli import main as wattest
from oracle.explain.account import read_account
from oracle.explain.verdict import Halt, judge
from oracle.journey import Said, Stage
from oracle.storage.database import Database
from oracle.storage.history import StoredEntry, StoredMilestone
from oracle.storage.records import RecordLog
from tests.integration.api.conftest import PATIENT, Site
from tests.integration.api.network import TELEGRAM, Archive, Run, finished_runs, pour, put_on_chain
from tests.simulation.whole_node import WINDOW_S

ROUTE = "/v1/windows/{window}/explanation"


def path(window: object) -> str:
    return ROUTE.format(window=window)


async def test_a_window_is_explained_by_start_height_a_time_within_and_as_the_latest(site: Site) -> None:
    height = site.run.heights("window")[-1]
    start = site.run.window(height)
    by_start = await site.described(path(start), ROUTE)
    assert (by_start["window"], by_start["height"], by_start["kind"]) == (start, height, "window")
    assert by_start["digest"] == site.run.entry(height).digest.hex()
    for other in (height, start + 3, "latest"):
        again = await site.described(path(other), ROUTE)
        assert again | {"now_ms": 0} == by_start | {"now_ms": 0}


async def test_every_stage_and_every_member_of_a_good_window_is_there(site: Site) -> None:
    height = site.run.heights("window")[-1]
    account = read_account("here", await site.described(path(height), ROUTE))
    for stage in (Stage.CLOSED, Stage.RECONCILED, Stage.CERTIFIED, Stage.ATTESTED):
        assert account.reached_ms[stage] > 0
    assert account.first_reading_ms
    assert account.readings > 10
    assert set(account.said(Said.PREVOTE)) == set(account.said(Said.SHARE)) == {0, 1, 2, 3}
    assert set(account.said(Said.NOTICE)) == {1, 2, 3}
    (proposer,) = account.said(Said.PROPOSAL)
    assert account.proposers[0] == proposer
    assert account.round == 0
    assert len(account.signers) >= account.quorum == 3
    verdict = judge(account)
    assert verdict.halt is Halt.AWAITS_SUBMISSION
    assert "was attested in 0." in verdict.sentence
    assert "nobody was late" in verdict.sentence


async def test_what_went_in_is_digested_as_a_whole_and_by_source(site: Site) -> None:
    height = site.run.heights("window")[-1]
    inputs = (await site.described(path(height), ROUTE))["inputs"]
    assert inputs["settled"]["count"] == site.run.entry(height).body["leaf-count"]
    points = [row["usage_point"] for row in inputs["settled"]["rows"]]
    assert points == sorted(points)
    assert TELEGRAM in points
    assert TELEGRAM not in [row["usage_point"] for row in inputs["closed"]["rows"]]
    assert [row["usage_point"] for row in inputs["observed"]["rows"]] == [TELEGRAM]
    by_format = {one["format"]: one["count"] for one in inputs["sources"] if one["format"] != "ocmf"}
    assert by_format == {"batch": 2, "dsmr": 1}
    assert [one["slot"] for one in inputs["observers"]] == [0, 1, 2, 3]
    assert len({one["digest"] for one in inputs["observers"]}) == 1


async def test_after_a_restart_the_history_tells_the_same(site: Site) -> None:
    height = site.run.heights("window")[-1]
    before = await site.described(path(height), ROUTE)
    site.view.run = replace(site.run, travels=())
    after = await site.described(path(height), ROUTE)
    assert after["stages"] == before["stages"][: len(after["stages"])]
    assert after["stage"] == "attested"
    # What came since the last stage was noted goes with the next one.
    assert [word for word in before["heard"] if word in after["heard"]] == after["heard"]
    assert {word["slot"] for word in after["heard"] if word["said"] == "prevote"} == {0, 1, 2, 3}


async def test_a_window_on_chain_has_nothing_left_to_do(site: Site) -> None:
    height = site.run.attested()[-1]
    txid = put_on_chain(site.run, site.database, height)
    account = read_account("here", await site.described(path(height), ROUTE))
    assert account.txid == txid.hex()
    assert judge(account).halt is None


async def test_a_window_that_is_not_settled_says_so(site: Site) -> None:
    account = read_account("here", await site.described(path(site.run.next_window + 1), ROUTE))
    assert account.kind is None
    assert judge(account).halt in (Halt.NOT_OVER, Halt.COMPARING, Halt.NO_PROPOSAL, Halt.NO_PREVOTES)
    later = read_account("here", await site.described(path(site.run.next_window + WINDOW_S), ROUTE))
    assert judge(later).halt is Halt.BEHIND


async def test_what_is_no_window_of_the_log_is_not_found(site: Site) -> None:
    (registry,) = site.run.heights("registry")
    for reference in (registry, 10**6, 1_000_000_010, 9_999_999_999):
        await site.described(path(reference), ROUTE, 404)
    await site.described(path("yesterday"), ROUTE, 400)


async def test_a_void_window_says_why_and_how_many_it_covers(site: Site) -> None:
    newest = site.run.entry(max(site.run.disk.history))
    body: dict[str, Value] = {"window": site.run.next_window, "revision": 0, "reason": 1, "count": 3}
    entry = Entry(newest.network, Height(newest.height + 1), newest.digest, "void", body)
    certificate = site.run.disk.history[newest.height][1]
    start = site.run.next_window
    row = StoredEntry(entry.height, entry.digest, "void", entry.encoded(), certificate, None, start)
    refused = StoredMilestone(entry.height, "refused", 5, "window proposed by 2: censors")
    site.database.transaction((), (row, refused))
    content: dict[str, Any] = {}
    for reference in (entry.height, start, start + 2 * WINDOW_S, "latest"):
        content = await site.described(path(reference), ROUTE)
        assert judge(read_account("here", content)).halt is Halt.VOID_NO_RECORDS
        assert (content["kind"], content["void"]) == ("void", {"reason": "no-records", "count": 3})
        assert content["events"] == [{"at_ms": 5, "name": "refused", "detail": refused.detail}]


async def test_of_a_restated_window_the_first_revision_s_way_is_told(site: Site) -> None:
    height = site.run.heights("window")[-1]
    before = await site.described(path(height), ROUTE)
    first, newest = site.run.entry(height), site.run.entry(max(site.run.disk.history))
    body = dict(first.body) | {"revision": 1}
    entry = Entry(newest.network, Height(newest.height + 1), newest.digest, "window", body)
    certificate = site.run.disk.history[height][1]
    start = site.run.window(height)
    row = StoredEntry(entry.height, entry.digest, "window", entry.encoded(), certificate, None, start, 1)
    site.database.transaction((), (row,))
    for reference in (start, entry.height, "latest"):
        content = await site.described(path(reference), ROUTE)
        assert content["height"] == height
        assert content["stages"] == before["stages"]


# --- several nodes


async def test_where_two_nodes_held_other_records_the_first_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = finished_runs(0.6)
    async with AsyncExitStack() as stack:
        urls = [await served(run, tmp_path / str(run.slot), stack) for run in runs]
        arguments = [word for url in urls for word in ("--api", url)]
        told = []
        arguments = [word for url in urls for word in ("--api", url)]
        for height in runs[0].heights("window")[1:]:
            assert await command(str(height), *arguments, "--json") == 0
            told.append(json.loads(capsys.readouterr().out))
        compared = [one["comparison"] for one in told]
        assert all(not one["conflicting"] and len(one["outcomes"]) == 1 for one in compared)
        differing = [one for one in told if one["comparison"]["differences"]]
        assert differing, "with two fifths unheard some node lacks a closing record"
        one = differing[0]
        first = one["comparison"]["differences"][0]
        held = {node["name"]: node["account"]["inputs"]["closed"]["rows"] for node in one["nodes"]}
        here, there = (
            {row["usage_point"]: row["record"] for row in held[first[side]]} for side in ("here", "there")
        )
        points = sorted(here.keys() | there.keys())
        expected = next(point for point in points if here.get(point) != there.get(point))
        assert first["usage_point"] == expected
        assert (first["record_here"], first["record_there"]) == (here.get(expected), there.get(expected))
        assert await command(str(one["window"]), *arguments) == 0
        first_line, *rest = capsys.readouterr().out.splitlines()
        assert "inputs at the close differed: member" in first_line
        assert "all settled it alike" in first_line
        assert any(f"usage point {expected}, " in line for line in rest)


async def served(run: Run, home: Path, stack: AsyncExitStack) -> str:
    await asyncio.to_thread(home.mkdir)
    database = Database(home / "node.db")
    stack.callback(database.close)
    records = RecordLog(home / "records", reserve_bytes=0)
    stack.callback(records.close)
    pour(run, database, records)
    app = make_app(Archive(run), database, records, limits=PATIENT)
    host, port = await stack.enter_async_context(serving(app, "127.0.0.1", 0))
    return f"http://{host}:{port}"


# --- the command


async def command(*arguments: str) -> int:
    return await asyncio.to_thread(wattest, ["explain", *arguments])


async def test_the_command_s_first_line_is_the_conclusion(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("latest", "--api", site.url) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("window 2023-11-14 22:1")
    assert "was attested in" in first
    assert any(line.split()[:1] == ["attested"] for line in rest)
    assert any(line.split()[:2] == ["0", "(this"] for line in rest)


async def test_the_command_gives_json_for_programs(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    start = site.run.window(site.run.heights("window")[-1])
    assert await command(str(start), "--api", site.url, "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["window"] == start
    assert content["nodes"][0]["halt"] == "awaits-submission"
    assert content["nodes"][0]["account"]["inputs"]["settled"]["complete"] is True


async def test_of_two_nodes_it_says_that_they_agree(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    other = site.url.replace("127.0.0.1", "localhost")
    assert await command("latest", "--api", site.url, "--api", other, "--api", "http://127.0.0.1:9") == 0
    out = capsys.readouterr().out
    assert "all held the same records at the close, all settled it alike" in out.splitlines()[0]
    assert "no account: http://127.0.0.1:9" in out


async def test_exit_codes_tell_unknown_windows_from_wrong_commands(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command("1000000010", "--api", site.url) == 1
    assert await command("tomorrow", "--api", site.url) == 2
    assert await command("latest", "--api", "ftp://nowhere") == 2
    assert await command("latest", "--api", "http://127.0.0.1:9") == 1
    assert "wattest explain: " in capsys.readouterr().err
