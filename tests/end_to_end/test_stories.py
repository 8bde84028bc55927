"""The stories of the five seeds, told to their ends on a devnet each."""

from __future__ import annotations

import pytest

from examples.stage.run import STORIES, told


@pytest.mark.parametrize("number", STORIES)
async def test_a_story_ends_with_the_balances_it_tells(
    number: str, capsys: pytest.CaptureFixture[str], measured: dict[str, str]
) -> None:
    end = await told(number)
    measured[f"story {number}"] = f"{end.seconds:.0f} s, {end.checks} checks, {end.refusals} refusals"
    assert end.checks > 0
    assert end.refusals > 0
    assert f"\n{number} · " in capsys.readouterr().out
