"""All benchmarks, each with its yardstick.

python -m benchmarks            about five minutes
python -m benchmarks --quick    small sizes, to see that they run; the figures mean nothing
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import agreement, audit_year, contract_costs, sign_round_trip, window_close
from benchmarks.table import Table


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    members: tuple[int, ...]
    meters: int
    windows: int
    points: tuple[int, ...]
    audited_windows: int
    operators: int
    votes: int


FULL = Sizes((4, 7, 13), 1_000, 20, window_close.SIZES, audit_year.WINDOWS, audit_year.OPERATORS, 500)
QUICK = Sizes((4,), 50, 2, (500,), 200, 4, 20)


def benchmarks(sizes: Sizes) -> dict[str, Callable[[], Table]]:
    """What there is to run, by name."""
    return {
        "agreement": lambda: agreement.run(sizes.members, sizes.meters, sizes.windows),
        "sign_round_trip": lambda: sign_round_trip.run(sizes.votes),
        "contract_costs": lambda: contract_costs.table(contract_costs.measured()),
        "audit_year": lambda: audit_year.run(sizes.audited_windows, sizes.operators, "fast"),
        # Last, because it needs the most memory and both say how much there was at most.
        "window_close": lambda: window_close.run(sizes.points),
    }


def main(given: Sequence[str] | None = None) -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    arguments.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(benchmarks(QUICK))}")
    arguments.add_argument("--quick", action="store_true", help="small sizes, to see that all run")
    options = arguments.parse_args(given)
    chosen = benchmarks(QUICK if options.quick else FULL)
    unknown = [name for name in options.names if name not in chosen]
    if unknown:
        arguments.error(f"no benchmark is called {', '.join(unknown)}")
    for name in options.names or chosen:
        print(chosen[name]().text(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
