"""`python -m tests.sabotage`: break each rule in turn and see which test notices."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.sabotage import report
from tests.sabotage.listed import SABOTAGES
from tests.sabotage.runner import GOOD, Memory, Outcome, Result, carry_out
from tests.sabotage.sabotage import Sabotage


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every sabotage was caught, 1 if any was not, 2 if none was chosen, 130 if broken off."""
    wanted = _arguments(arguments)
    chosen = [one for one in SABOTAGES if _is_chosen(one, wanted.only, wanted.rule)]
    if not chosen:
        print("no sabotage has that name or rule; --list shows them all", file=sys.stderr)
        return 2
    if wanted.list:
        for one in chosen:
            print(f"{one.rule:4} {one.name}  ({one.file})")
        return 0
    began_s = time.monotonic()
    told = _Progress(len(chosen))
    try:
        results = carry_out(chosen, Memory(), told, jobs=wanted.jobs, narrow=wanted.narrow)
    except KeyboardInterrupt:
        print("\nbroken off; what was found is remembered", file=sys.stderr)
        return 130
    _conclude(results, time.monotonic() - began_s, as_json=wanted.json)
    good = all(one.outcome in GOOD for one in results)
    if wanted.write_report:
        if not good:
            print("the page is written when every sabotage is caught", file=sys.stderr)
            return 1
        report.write(chosen, results)
    return 0 if good else 1


class _Progress:
    """A line for each sabotage that is done."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        seconds = "known" if result.remembered else f"{result.seconds:.0f} s"
        where = f"[{self._done:3}/{self._count}] {result.outcome.value:9} {result.rule:3}"
        line = f"{where} {result.name} ({seconds})"
        print(line, file=sys.stderr, flush=True)
        if result.outcome is not Outcome.CAUGHT:
            print(f"          {result.test}", file=sys.stderr, flush=True)


def _conclude(results: Sequence[Result], seconds: float, *, as_json: bool) -> None:
    if as_json:
        rows = [
            {"name": one.name, "rule": one.rule, "outcome": one.outcome.value, "test": one.test}
            | {"seconds": one.seconds}
            for one in results
        ]
        print(json.dumps(rows, indent=1))
        return
    counts = Counter(one.outcome.value for one in results)
    words = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{len(results)} sabotages in {seconds:.0f} s: {words}")
    for one in results:
        if one.outcome not in GOOD:
            print(f"  {one.outcome.value}: {one.rule} {one.name} {one.test}")


def _is_chosen(sabotage: Sabotage, only: str | None, rule: str | None) -> bool:
    return (only is None or only in sabotage.name) and (rule is None or rule == sabotage.rule)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sabotage", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="those whose name contains this")
    parser.add_argument("--rule", metavar="A5", help="those of one rule")
    parser.add_argument("--list", action="store_true", help="only show what there is")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many at a time (1)")
    parser.add_argument("--narrow", action="store_true", help="ask no other tests than those the list names")
    parser.add_argument("--write-report", action="store_true", help="write docs/sabotage.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
