"""The list of sabotages fits the code, speaks of every rule, and the runner tells a catch from a miss."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sabotage import report
from tests.sabotage.listed import SABOTAGES
from tests.sabotage.runner import Memory, Outcome, Result, attempt, carry_out
from tests.sabotage.sabotage import ROOT, Sabotage
from tests.sabotage.tree import VITEST, Ending, Tree, copied

_STATE = re.compile(r"^- \*\*([QRANTKCEU]\d+)\*\* .*?^  - \*state:\* (.*?)$", re.MULTILINE | re.DOTALL)
_QUORUM = "a quorum is one fewer"
_LOCK = "no node ever locks"


def named(name: str) -> Sabotage:
    return next(one for one in SABOTAGES if one.name == name)


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    with copied() as made:
        yield made


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=[one.name for one in SABOTAGES])
def test_what_a_sabotage_changes_stands_once_in_its_file(sabotage: Sabotage) -> None:
    text = (ROOT / sabotage.file).read_text(encoding="utf-8")
    changed = sabotage.patched(text)
    assert changed != text
    if sabotage.file.endswith(".py"):
        ast.parse(changed)


def test_every_sabotage_has_a_name_of_its_own_and_changes_the_product() -> None:
    names = [one.name for one in SABOTAGES]
    changes = [(one.file, one.old, one.new) for one in SABOTAGES]
    assert len(set(names)) == len(names)
    assert len(set(changes)) == len(changes)
    assert {one.file.split("/")[0] for one in SABOTAGES} <= {"consensus", "oracle", "contracts"}


def test_every_rule_that_is_built_is_sabotaged() -> None:
    states = dict(_STATE.findall((ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")))
    built = {rule for rule, state in states.items() if not state.startswith("not yet")}
    assert len(states) > 40
    assert built - {one.rule for one in SABOTAGES} == set()
    assert {one.rule for one in SABOTAGES} <= states.keys()


def test_the_tests_that_are_to_notice_are_there() -> None:
    for one in SABOTAGES:
        assert one.caught_by, one.name
        for test in one.caught_by:
            path, _, name = test.partition("::")
            assert (ROOT / path).exists(), f"{one.name}: {path}"
            if name and VITEST not in path:
                assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_the_page_has_a_row_for_every_sabotage_and_no_other() -> None:
    assert sorted(report.recorded()) == sorted(one.name for one in SABOTAGES)


@pytest.mark.parametrize(
    "name", [_QUORUM, _LOCK, "the last of an odd row is not doubled but padded with zeros"]
)
def test_a_sabotage_is_caught_by_a_test_that_fails_of_it(tree: Tree, name: str) -> None:
    sabotage = named(name)
    result = attempt(tree, sabotage)
    assert result.outcome is Outcome.CAUGHT
    assert result.test.partition("::")[0] in {test.partition("::")[0] for test in sabotage.caught_by}
    assert (tree.root / sabotage.file).read_bytes() == (ROOT / sabotage.file).read_bytes()


def test_a_change_that_no_test_notices_survives(tree: Tree) -> None:
    idle = replace(named(_QUORUM), new="return (members + faults(members)) // 2 + 1 + 0")
    assert attempt(tree, idle, narrow=True).outcome is Outcome.SURVIVED


def test_a_change_with_which_nothing_runs_is_no_catch(tree: Tree) -> None:
    broken = replace(named(_QUORUM), new="return (")
    assert attempt(tree, broken, narrow=True).outcome is Outcome.NO_RUN


def test_a_change_with_which_the_tests_never_end_is_stopped(tree: Tree) -> None:
    endless = replace(named(_QUORUM), new="while members:\n        pass\n    return members")
    with tree.broken(endless):
        assert tree.run(endless.caught_by, 3).ending is Ending.HUNG


def test_a_test_that_is_not_there_catches_nothing(tree: Tree) -> None:
    missing = replace(
        named(_QUORUM), caught_by=("tests/unit/consensus/test_model.py::test_that_is_not_there",)
    )
    assert attempt(tree, missing, narrow=True).outcome is Outcome.NO_RUN


def test_a_test_that_fails_without_any_change_catches_nothing(tmp_path: Path) -> None:
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_it() -> None:\n    raise AssertionError\n")
    told: list[Result] = []
    results = carry_out([replace(named(_QUORUM), caught_by=(str(failing),))], Memory(None), told.append)
    assert [one.outcome for one in told] == [Outcome.CAUGHT]
    assert [one.outcome for one in results] == [Outcome.NO_CONTROL]


def test_a_run_that_was_broken_off_goes_on_where_it_was(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "results.json")
    first = carry_out([named(_QUORUM)], memory, lambda _: None)
    again = carry_out([named(_QUORUM)], Memory(tmp_path / "results.json"), lambda _: None)
    assert [one.remembered for one in (*first, *again)] == [False, True]


def test_a_sabotage_that_does_not_fit_the_code_is_our_own_fault() -> None:
    with pytest.raises(ValueError, match="stands 0 times"):
        replace(named(_QUORUM), old="nowhere").patched("something else")
