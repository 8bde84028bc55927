"""Many seeds in a row: who acts in which, what must have been covered, and how it is told.

A campaign ends when its seeds or heights are done, at the first violation, or when it is
interrupted; it always says what was covered so far. An adversary that was asked for and did
nothing, or a long campaign in which a fault or rule never came up, is a failure as well.
"""

from __future__ import annotations

import json
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final, TextIO, TypeAlias

from consensus.model import InvariantBroken
from consensus.simulator.runs import Report, Run

LONG: Final = 150
"""From so many seeds on, everything that is expected must have come up."""
NONE: Final = "none"
NODES: Final = (4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a long campaign must have covered."""

    faults: frozenset[str]
    rules: frozenset[str]


LOG_EXPECTED: Final = Expected(
    frozenset(
        {
            "partition",
            "frame lost",
            "frame lost to a partition",
            "frame lost to a stopped link",
            "frame duplicated",
            "one-way link",
            "swizzle-clog",
            "crash before fsync",
            "crash after fsync",
            "crash amid envelopes",
            "crash after timers",
            "failed write",
            "disk full",
            "Step held up by a full disk",
            "clock jump",
            "register tail lost",
            "old copy restored",
            "journal tail lost",
        }
    ),
    frozenset(
        {
            "lock",
            "re-proposal",
            "vote in a later round",
            "prevote for nothing",
            "commit to nothing",
            "entry fetched in catch-up",
            "refused: register behind its marker",
        }
    ),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `adversaries` take turns, "none" among them."""

    first_seed: int
    seeds: int | None
    heights: int | None
    nodes: int | None
    adversaries: Sequence[str]
    faulty_ms: int

    def runs(self) -> Iterator[Run]:
        """One run after another; the size of the committee and the adversary follow from the seed."""
        seed = self.first_seed
        while True:
            adversary = self.adversaries[seed % len(self.adversaries)]
            nodes = self.nodes or NODES[seed // len(self.adversaries) % len(NODES)]
            yield Run(seed, nodes, None if adversary == NONE else adversary, self.faulty_ms)
            seed += 1

    def is_done(self, report: Report) -> bool:
        """Whether enough was run."""
        if self.heights is not None:
            return report.heights >= self.heights
        return report.seeds >= (self.seeds or 1)


@dataclass(slots=True)
class Outcome:
    """How a campaign ended."""

    report: Report = field(default_factory=Report)
    wall_s: float = 0.0
    failure: str = ""
    again: str = ""
    """The command that shows the failure again."""
    missing: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def good(self) -> bool:
        """No violation, and all that was asked for came up."""
        return not self.failure and not self.missing

    def value(self) -> dict[str, object]:
        """For JSON."""
        report, wall_s = self.report, max(self.wall_s, 1e-9)
        return {
            "good": self.good,
            "interrupted": self.interrupted,
            "failure": self.failure,
            "again": self.again,
            "missing": list(self.missing),
            "seeds": report.seeds,
            "heights": report.heights,
            "events": report.events,
            "simulated-s": report.simulated_ms // 1000,
            "wall-s": round(wall_s, 1),
            "events-per-s": round(report.events / wall_s),
            "heights-per-s": round(report.heights / wall_s, 1),
            "seeds-per-minute": round(60 * report.seeds / wall_s, 1),
            **report.coverage.value(),
        }


def run_campaign(
    plan: Plan,
    run: Callable[[Run], Report],
    expected: Expected,
    command: str,
    progress: TextIO | None,
    jobs: int = 1,
) -> Outcome:
    """Run until the plan is done, on so many processes; `command` shows one seed again."""
    outcome, began_s = Outcome(), time.monotonic()
    results = in_turn(plan, run) if jobs == 1 else side_by_side(plan, run, jobs)
    try:
        for one, result in results:
            try:
                outcome.report.add(result())
            except Exception as broken:  # noqa: BLE001 - whatever breaks is of use by its seed alone
                reason = str(broken) if isinstance(broken, InvariantBroken) else repr(broken)
                outcome.failure = f"seed {one.seed}, {one.nodes} nodes, {one.adversary or NONE}: {reason}"
                outcome.again = again(command, one)
                break
            outcome.wall_s = time.monotonic() - began_s
            if progress is not None:
                print(f"\r{_progress(outcome, plan)}", end="", file=progress, flush=True)
            if plan.is_done(outcome.report):
                break
    except KeyboardInterrupt:
        outcome.interrupted = True
    outcome.wall_s = time.monotonic() - began_s
    results.close()
    if progress is not None:
        print(file=progress)
    if not outcome.failure:
        outcome.missing = missing(outcome.report, plan, expected)
    return outcome


Results: TypeAlias = Generator[tuple[Run, Callable[[], Report]], None, None]
"""Each run with what gives its report, or raises what broke it."""


def in_turn(plan: Plan, run: Callable[[Run], Report]) -> Results:
    """One run after another, in this process."""
    for one in plan.runs():
        yield one, partial(run, one)


def side_by_side(plan: Plan, run: Callable[[Run], Report], jobs: int) -> Results:
    """On several processes; told in the order of the seeds, so that the summary is the same."""
    pool = ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN))
    runs, begun = plan.runs(), deque[tuple[Run, Future[Report]]]()
    try:
        while True:
            begun.extend((one, pool.submit(run, one)) for one in islice(runs, 2 * jobs - len(begun)))
            one, future = begun.popleft()
            yield one, future.result
    finally:
        pool.shutdown(cancel_futures=True)


def again(command: str, run: Run) -> str:
    """The command that shows one run again."""
    return (
        f"{command} --seed {run.seed} --seeds 1 --nodes {run.nodes} "
        f"--adversary {run.adversary or NONE} --seconds {run.faulty_ms // 1000}"
    )


def missing(report: Report, plan: Plan, expected: Expected) -> tuple[str, ...]:
    """What was asked for and did not come up."""
    coverage = report.coverage
    acted = {act.split(":")[0] for act, count in coverage.acts.items() if count}
    asked = set(plan.adversaries) - {NONE} if report.seeds >= len(plan.adversaries) else set()
    idle = [f"adversary {name}" for name in sorted(asked - acted)]
    if report.seeds >= LONG:
        idle += [f"fault {name}" for name in sorted(expected.faults) if not coverage.faults[name]]
        idle += [f"rule {name}" for name in sorted(expected.rules) if not coverage.rules[name]]
    return tuple(idle)


def tell(outcome: Outcome, out: TextIO, *, as_json: bool) -> int:
    """Print how it ended; gives the exit code."""
    value = outcome.value()
    if as_json:
        print(json.dumps(value), file=out)
        return 0 if outcome.good else 1
    for key, part in value.items():
        if isinstance(part, Mapping):
            print(f"{key}:", file=out)
            for name, count in part.items():
                print(f"  {count:>12,}  {name}", file=out)
        elif part not in ("", [], False) or key == "good":
            print(f"{key:>18}  {part}", file=out)
    if outcome.failure:
        print(f"FAILED  {outcome.failure}\nagain:  {outcome.again}", file=out)
    for name in outcome.missing:
        print(f"FAILED  never came up: {name}", file=out)
    return 0 if outcome.good else 1


def _progress(outcome: Outcome, plan: Plan) -> str:
    report, wall_s = outcome.report, max(outcome.wall_s, 1e-9)
    of = f" of {plan.heights:,}" if plan.heights else ""
    left = (
        f", {(plan.heights - report.heights) * wall_s / max(report.heights, 1):.0f} s left"
        if plan.heights
        else ""
    )
    return (
        f"{report.seeds} seeds, {report.heights:,}{of} heights, {report.events:,} events, "
        f"{report.events / wall_s:,.0f} events/s, {60 * report.seeds / wall_s:.0f} seeds/min{left}   "
    )
