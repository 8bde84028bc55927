"""Rules N1, R7, A7 under kill -9: twenty random kills of nodes and signers, then all is counted."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.kill_loop import over

KILLS = 20


@pytest.mark.skipif(sys.platform != "linux", reason="finds the signers in Linux's process table")
async def test_n1_twenty_kills_leave_no_double_vote_no_lost_record_and_no_gap(
    tmp_path: Path, measured: dict[str, str]
) -> None:
    seed = time.time_ns() % 1_000_000
    print(f"again: python -m tests.end_to_end.kill_loop --kills {KILLS} --seed {seed}")
    began_s = time.monotonic()
    found = await over(tmp_path, KILLS, seed)
    assert found.wrong == [], found.text()
    assert found.counts["nodes killed"] + found.counts["signers killed"] == KILLS
    for counted in (
        "receipted records that are stored",
        "receipted records outranked",
        "receipted records that are leaves",
        "positions signed, by the registers",
        "positions seen in journals and history",
        "windows without a gap",
    ):
        assert found.counts[counted] > 0, f"{counted}: the run was idle\n{found.text()}"
    measured[f"kill loop, {KILLS} kills, seed {seed}"] = f"{time.monotonic() - began_s:.0f} s"
