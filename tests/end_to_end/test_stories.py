"""The stories of the five seeds, told to their ends on a devnet each."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType

import pytest

from examples.stage.chain import FUNDS_USTX
from examples.stage.run import STORIES, main, told
from examples.stage.stage import Stage
from oracle.chain.suite import roles


@pytest.mark.parametrize("number", STORIES)
async def test_a_story_ends_with_the_balances_it_tells(
    number: str, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
) -> None:
    end = await told(number)
    measured[f"story {number}"] = f"{end.seconds:.0f} s, {end.checks} checks, {end.refusals} refusals"
    assert end.checks > 0
    assert end.refusals > 0
    assert f"\n{number} · " in capsys.readouterr().out


async def test_a_story_that_tells_another_balance_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def tell(stage: Stage) -> None:
        await stage.may_not(
            stage["Ada"],
            "be verifier",
            stage.suite.roles.grant_role(stage["Ada"].address, "verifier"),
            roles.ERR_NOT_ALLOWED,
        )
        stage.narrator.check("Ada has", await stage["Ada"].balance_ustx(), FUNDS_USTX + 1)

    untrue = ModuleType("examples.story_untrue")
    vars(untrue).update(TITLE="An untrue story", PEOPLE=("Ada",), tell=tell)
    monkeypatch.setitem(sys.modules, untrue.__name__, untrue)
    code = await asyncio.to_thread(main, "untrue")
    said = capsys.readouterr()
    assert code == 1
    assert "ERR_NOT_ALLOWED" in said.out
    assert f"StoryBroken: Ada has: the chain says {FUNDS_USTX}, the story {FUNDS_USTX + 1}" in said.err
