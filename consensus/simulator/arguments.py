"""The command line of a campaign."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from consensus.simulator.campaign import NONE, Expected, Plan, run_campaign, tell
from consensus.simulator.runs import Report, Run


def main(
    command: str,
    names: Sequence[str],
    run: Callable[[Run], Report],
    expected: Expected,
    seconds: int,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run a campaign; 0 if nothing broke and all that was asked for came up."""
    parser = argparse.ArgumentParser(prog=command)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, default=None, help="how many seeds (default 20)")
    parser.add_argument("--heights", type=int, default=None, help="go on until so many heights are decided")
    parser.add_argument("--nodes", type=int, default=None, help="members, 4 to 31 (default: 4 to 7 in turn)")
    parser.add_argument("--adversary", default="all", choices=["all", NONE, *names], help="(default all)")
    parser.add_argument(
        "--seconds", type=int, default=seconds, help=f"simulated seconds of faults a seed (default {seconds})"
    )
    parser.add_argument("--jobs", type=int, default=1, help="seeds at once, each on a core (default 1)")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    asked = parser.parse_args(arguments)
    adversaries = (NONE, *names) if asked.adversary == "all" else (asked.adversary,)
    plan = Plan(
        asked.seed,
        20 if asked.seeds is None and asked.heights is None else asked.seeds,
        asked.heights,
        asked.nodes,
        adversaries,
        asked.seconds * 1000,
    )
    progress = None if asked.quiet else sys.stderr
    outcome = run_campaign(plan, run, expected, command, progress, max(asked.jobs, 1))
    return tell(outcome, sys.stdout, as_json=asked.json)
