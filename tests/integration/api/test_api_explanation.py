"""How a window went, asked over a real connection: facts from the journey and from the history."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from oracle.cli import main as wattest
from oracle.explain.account import read_account
from oracle.explain.verdict import Halt, judge
from oracle.journey import Said, Stage
from tests.integration.api.conftest import Site
from tests.integration.api.network import TELEGRAM, put_on_chain
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
    kept = [word for word in before["heard"] if word["said"] != "share"]
    assert [word for word in after["heard"] if word["said"] != "share"] == kept


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
