"""Carries out sabotages, one after another in each tree, and says which were noticed.

Decides when a change counts as caught: a test that the list names, and that passes on the
project as it is, fails. Where none of them does, every other test of the area is asked, so
that a change nobody notices is told apart from a list that names the wrong test.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Final

from tests.sabotage import tree as trees
from tests.sabotage.sabotage import ROOT, Sabotage
from tests.sabotage.tree import VITEST, Ending, Stopped, Tree, copied

MEMORY: Final = ROOT / ".wattest" / "sabotage.json"
LIMIT_S: Final = 90
"""The tests of one sabotage take a few seconds; so long is as good as for ever."""
WIDE_LIMIT_S: Final = 900
CONTROL_LIMIT_S: Final = 900
WIDER_PYTHON: Final = ("tests/unit", "tests/scenarios", "tests/simulation", "tests/properties")
WIDER_CLARITY: Final = (
    "contracts/tests/production-oracle.test.ts",
    "contracts/tests/oracle-staking.test.ts",
    "contracts/tests/quorum.test.ts",
    "contracts/tests/registration.test.ts",
    "contracts/tests/roles.test.ts",
    "contracts/tests/vectors.test.ts",
    "contracts/tests/conservation.test.ts",
)


class Outcome(Enum):
    """What became of a sabotage."""

    CAUGHT = "caught"
    """By a test that the list names."""
    HUNG = "hung"
    """Caught by the clock: the tests the list names do not come to an end with it."""
    ELSEWHERE = "elsewhere"
    """Caught, but by a test that the list does not name: put it there."""
    SURVIVED = "survived"
    """No test noticed: one is missing."""
    NO_RUN = "no-run"
    """With the change no test could be run at all, which proves nothing."""
    NO_CONTROL = "no-control"
    """The test that failed fails without any change as well."""


GOOD: Final = (Outcome.CAUGHT, Outcome.HUNG, Outcome.ELSEWHERE)


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one sabotage, the test that noticed, and how long it took."""

    name: str
    rule: str
    outcome: Outcome
    test: str = ""
    seconds: float = 0.0
    remembered: bool = False


class Memory:
    """Results of this very state of the project, kept so that a run can be taken up again."""

    def __init__(self, path: Path | None = MEMORY) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._state = trees.digest()
        self._control: list[str] = []
        self._results: dict[str, dict[str, object]] = {}
        if path is not None and path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            if held.get("state") == self._state:
                self._control, self._results = held["control"], held["results"]

    def result(self, sabotage: Sabotage) -> Result | None:
        """What is known of a sabotage; only good outcomes are believed a second time."""
        held = self._results.get(sabotage.digest)
        if held is None:
            return None
        outcome = Outcome(held["outcome"])
        test, seconds = str(held["test"]), float(str(held["seconds"]))
        return Result(sabotage.name, sabotage.rule, outcome, test, seconds, remembered=True)

    def note(self, sabotage: Sabotage, result: Result) -> None:
        """Remember what is worth it."""
        if result.outcome in GOOD:
            with self._guard:
                self._results[sabotage.digest] = {**asdict(result), "outcome": result.outcome.value}
                self._write()

    def unproven(self, tests: Iterable[str]) -> list[str]:
        """Those tests that have not been seen to pass yet."""
        return sorted(set(tests).difference(self._control))

    def note_control(self, tests: Iterable[str]) -> None:
        """These tests pass without any change."""
        with self._guard:
            self._control = sorted({*self._control, *tests})
            self._write()

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        told = {"state": self._state, "control": self._control, "results": self._results}
        passing = self._path.with_suffix(".new")
        passing.write_text(json.dumps(told, indent=1), encoding="utf-8")
        passing.replace(self._path)


def carry_out(
    sabotages: Sequence[Sabotage],
    memory: Memory,
    tell: Callable[[Result], None],
    *,
    jobs: int = 1,
    narrow: bool = False,
) -> list[Result]:
    """Every sabotage's result, in order; `tell` hears each as it comes.

    `narrow` asks only the tests that the list names, and calls survived what these let pass.

    Raises Stopped, or KeyboardInterrupt, when broken off; what was found until then is remembered.
    """
    found: dict[str, Result] = {}
    waiting: list[Sabotage] = []
    for one in sabotages:
        known = memory.result(one)
        if known is None:
            waiting.append(one)
        else:
            found[one.name] = known
            tell(known)
    if waiting:
        with ExitStack() as stack:
            trees_ = [stack.enter_context(copied()) for _ in range(min(jobs, len(waiting)))]
            for result in _in_trees(waiting, trees_, memory, narrow=narrow):
                found[result.name] = result
                tell(result)
    results = [found[one.name] for one in sabotages]
    failing = _failing_control(sabotages, results, memory)
    return [_controlled(one, result, failing) for one, result in zip(sabotages, results, strict=True)]


def _in_trees(
    waiting: list[Sabotage], trees_: list[Tree], memory: Memory, *, narrow: bool
) -> Iterable[Result]:
    """Share the work out to one thread a tree."""
    work: queue.SimpleQueue[Sabotage] = queue.SimpleQueue()
    done: queue.SimpleQueue[Result | Exception] = queue.SimpleQueue()
    for one in waiting:
        work.put(one)

    def labour(tree: Tree) -> None:
        try:
            while True:
                one = work.get_nowait()
                result = attempt(tree, one, narrow=narrow)
                memory.note(one, result)
                done.put(result)
        except queue.Empty:
            return
        except Exception as failure:  # noqa: BLE001 - told to the thread that waits
            done.put(failure)

    threads = [threading.Thread(target=labour, args=(tree,), daemon=True) for tree in trees_]
    for thread in threads:
        thread.start()
    try:
        for _ in waiting:
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result
    finally:
        for tree in trees_:
            tree.stop()
        for thread in threads:
            thread.join()


def _proof(sabotage: Sabotage, result: Result) -> set[str]:
    """The tests that must pass without the change for the result to mean anything."""
    if result.outcome is Outcome.HUNG:
        return set(sabotage.caught_by)
    if result.outcome not in GOOD:
        return set()
    return {result.test.partition("::")[0] if VITEST in result.test else result.test}


def _failing_control(sabotages: Sequence[Sabotage], results: Sequence[Result], memory: Memory) -> set[str]:
    """Of the tests that noticed something, those that fail without any change as well."""
    proofs = (_proof(one, result) for one, result in zip(sabotages, results, strict=True))
    unproven = memory.unproven(test for proof in proofs for test in proof)
    if not unproven:
        return set()
    failing: set[str] = set()
    with copied() as tree:
        pythons = [test for test in unproven if VITEST not in test]
        if pythons and tree.run(pythons, CONTROL_LIMIT_S).ending is not Ending.GREEN:
            failing |= {test for test in pythons if tree.run([test], LIMIT_S).ending is not Ending.GREEN}
        clarities = [test for test in unproven if VITEST in test]
        failing |= {test for test in clarities if tree.run([test], LIMIT_S).ending is not Ending.GREEN}
    memory.note_control(set(unproven) - failing)
    return failing


def _controlled(sabotage: Sabotage, result: Result, failing: set[str]) -> Result:
    bad = sorted(failing.intersection(_proof(sabotage, result)))
    return replace(result, outcome=Outcome.NO_CONTROL, test=bad[0]) if bad else result


def attempt(tree: Tree, sabotage: Sabotage, *, narrow: bool = False) -> Result:
    """Break one rule in a tree whose named tests pass, and see who notices."""
    began_s = time.monotonic()
    with tree.broken(sabotage):
        outcome, test = _asked(tree, sabotage, narrow=narrow)
    return Result(sabotage.name, sabotage.rule, outcome, test, round(time.monotonic() - began_s, 1))


def _asked(tree: Tree, sabotage: Sabotage, *, narrow: bool) -> tuple[Outcome, str]:
    verdict = tree.run(sabotage.caught_by, LIMIT_S)
    match verdict.ending:
        case Ending.RED:
            return Outcome.CAUGHT, verdict.test
        case Ending.HUNG:
            return Outcome.HUNG, sabotage.caught_by[0]
        case Ending.NO_RUN:
            return Outcome.NO_RUN, _last_line(verdict.output)
        case Ending.GREEN if narrow:
            return Outcome.SURVIVED, ""
        case Ending.GREEN:
            pass
    wider = WIDER_CLARITY if sabotage.file.endswith(".clar") else WIDER_PYTHON
    verdict = tree.run(wider, WIDE_LIMIT_S)
    if verdict.ending is Ending.RED:
        return Outcome.ELSEWHERE, verdict.test
    return Outcome.SURVIVED, "" if verdict.ending is Ending.GREEN else verdict.ending.value


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""


__all__ = ["GOOD", "Memory", "Outcome", "Result", "Stopped", "attempt", "carry_out"]
