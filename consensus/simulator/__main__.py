"""`python -m consensus.simulator --seeds 100`: many seeds through log nodes, and what was covered."""

from __future__ import annotations

import sys

from consensus.simulator.adversaries import ADVERSARIES
from consensus.simulator.arguments import main
from consensus.simulator.campaign import LOG_EXPECTED
from consensus.simulator.runs import run_log

if __name__ == "__main__":
    sys.exit(main("python -m consensus.simulator", tuple(ADVERSARIES), run_log, LOG_EXPECTED, 60))
