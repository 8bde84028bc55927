"""`python -m tests.simulation`: log nodes and whole nodes in turn, every adversary, what was covered.

One seed in three, and every seed of an adversary that only whole nodes know, runs whole nodes.
"""

from __future__ import annotations

import sys

from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.arguments import main
from consensus.simulator.campaign import LOG_EXPECTED, Expected
from consensus.simulator.runs import Report, Run, run_log
from tests.simulation.town import NAMES, run_town

WHOLE_ONE_IN = 3
COMMAND = "python -m tests.simulation"
EXPECTED = Expected(
    LOG_EXPECTED.faults | {"chain reorganised", "chain away", "fee spike", "fee raised"},
    LOG_EXPECTED.rules
    | {
        "bad share hunted",
        "ceremony fault: dealer too-many-complaints",
        "double vote noticed",
        "entry attested",
        "entry: justify",
        "entry: registry",
        "entry: restatement",
        "entry: window",
        "evidence against a traitor",
        "forged record refused",
        "proposal refused",
    },
)


def run_either(run: Run) -> Report:
    """Whole nodes or log nodes, as the seed says."""
    for_log = run.adversary is None or run.adversary in ADVERSARIES
    return run_log(run) if for_log and run.seed % WHOLE_ONE_IN else run_town(run)


if __name__ == "__main__":
    sys.exit(main(COMMAND, NAMES, run_either, EXPECTED, 80))
