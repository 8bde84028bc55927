"""`python -m consensus.simulator --seeds 100`: run many seeds and say what was covered."""

from __future__ import annotations

import argparse
import sys

from consensus.model import InvariantBroken
from consensus.simulator.runs import Report, run_seed


def main() -> int:
    """Run the seeds; exit 1 and print seed and command at the first failure."""
    parser = argparse.ArgumentParser(prog="python -m consensus.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (default 20)")
    parser.add_argument("--nodes", type=int, default=4, help="members of the committee (default 4)")
    parser.add_argument("--seconds", type=int, default=60, help="simulated seconds of faults a seed")
    arguments = parser.parse_args()
    total = Report()
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        try:
            report = run_seed(seed, nodes=arguments.nodes, faulty_ms=arguments.seconds * 1000)
        except InvariantBroken as broken:
            print(f"seed {seed} FAILED: {broken}")  # noqa: T201
            print(f"again: python -m consensus.simulator --seed {seed} --seeds 1")  # noqa: T201
            return 1
        total = total.plus(report)
        if sys.stderr.isatty():
            print(f"\rseed {seed}: {total}", end="", file=sys.stderr)  # noqa: T201
    print(f"{arguments.seeds} seeds, no violation: {total}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
