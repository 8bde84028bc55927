"""Sabotages of restatements: A8 in the node."""

# ruff: noqa: E501 - the lines of the product stand here as they are there

from __future__ import annotations

from typing import Final

from tests.sabotage.sabotage import Sabotage

_JUDGING: Final = "oracle/duties/judging.py"
_CALENDAR: Final = "oracle/windows/calendar.py"
_LATE: Final = "oracle/windows/late.py"
_RESTATE: Final = "oracle/restate.py"
_SCENARIO: Final = ("tests/scenarios/test_restatement.py",)
_UNIT: Final = ("tests/unit/windows/test_windows_calendar.py", "tests/scenarios/test_restatement.py")
_LEAVES: Final = ("tests/unit/windows/test_windows_late.py", "tests/scenarios/test_restatement.py")
_VOTER: Final = ("tests/unit/oracle/test_restate.py",)
_RESTART: Final = (
    "tests/scenarios/test_restatement.py::test_a8_a_late_record_is_remembered_across_restarts_until_it_is_attested",
)

SABOTAGES: Final = (
    Sabotage(
        "a window may be restated once more than the calendar says",
        "A8",
        _CALENDAR,
        "return said is not None and said.next_revision <= self._calendar.revisions_max",
        "return said is not None and said.next_revision <= self._calendar.revisions_max + 1",
        _UNIT,
    ),
    Sabotage(
        "the calendar allows more revisions than the contract takes",
        "A8",
        _CALENDAR,
        "        if not 0 <= self.revisions_max <= REVISIONS_MAX:\n",
        "        if self.revisions_max < 0:\n",
        _UNIT,
    ),
    Sabotage(
        "a window is restated after its last run",
        "A8",
        _CALENDAR,
        "return not self.delays_windows or self.period_end_s(window, window_s) + last_s <= now",
        "return not self.delays_windows",
        _UNIT,
    ),
    Sabotage(
        "a run begins one window too early",
        "A8",
        _CALENDAR,
        "return any(before < end_s + delay * window_s <= now for delay in self.delays_windows)",
        "return any(before < end_s + (delay - 1) * window_s <= now for delay in self.delays_windows)",
        _UNIT,
    ),
    Sabotage(
        "a run that the log skips over is not held",
        "A8",
        _CALENDAR,
        "return any(before < end_s + delay * window_s <= now for delay in self.delays_windows)",
        "return any(end_s + delay * window_s == now for delay in self.delays_windows)",
        _UNIT,
    ),
    Sabotage(
        "a restatement keeps its window's first number",
        "A8",
        _CALENDAR,
        "return self.revision + 1 if self.own else 0",
        "return self.revision",
        _UNIT,
    ),
    Sabotage(
        "a window that a void of several covers begins with revision 1",
        "A8",
        _CALENDAR,
        "return self.revision + 1 if self.own else 0",
        "return self.revision + 1",
        _UNIT,
    ),
    Sabotage(
        "late energy is counted a second time",
        "A8",
        _LATE,
        "import_wh, export_wh = leaf.import_wh - taken.import_wh, leaf.export_wh - taken.export_wh",
        "import_wh, export_wh = leaf.import_wh, leaf.export_wh",
        _LEAVES,
    ),
    Sabotage(
        "the leaf after a late one still counts from before it",
        "A8",
        _LATE,
        "return replace(leaf, since=taken.since, import_wh=import_wh, export_wh=export_wh)",
        "return replace(leaf, import_wh=import_wh, export_wh=export_wh)",
        _LEAVES,
    ),
    Sabotage(
        "a late reading that contradicts what is attested makes a leaf",
        "A8",
        _LATE,
        "    return leaf if fits else LateReason.CONTRADICTS\n",
        "    return leaf if fits or leaf.import_wh >= 0 else LateReason.CONTRADICTS\n",
        _LEAVES,
    ),
    Sabotage(
        "unsigned late data restate a window",
        "A8",
        _RESTATE,
        "        if reading.assurance is Assurance.WITNESSED:\n"
        "            return Rejected(LateReason.NEVER_SIGNED)\n",
        "",
        _SCENARIO,
    ),
    Sabotage(
        "late data of a window that is final are kept",
        "A8",
        _RESTATE,
        "        if self._ledger.of(window) is None or not (self._in_run(window) or self._has_a_run_left(window)):\n"
        "            return Rejected(LateReason.TOO_LATE)\n",
        "",
        _SCENARIO,
    ),
    Sabotage(
        "a late record is forgotten at a restart",
        "A8",
        _RESTATE,
        "            self._changes.append(Late(window, reading.record))\n",
        "",
        _RESTART,
    ),
    Sabotage(
        "a restatement of a window outside the run is taken",
        "A8",
        _RESTATE,
        "        return window > self._cursor and window in self._scope\n",
        "        return window > self._cursor\n",
        _VOTER,
    ),
    Sabotage(
        "a restatement of a window outside the run holds a round up",
        "A8",
        _RESTATE,
        "        if not self._in_run(window) and window not in self._owed:\n            return False\n",
        "",
        _VOTER,
    ),
    Sabotage(
        "what a restatement obliges to is left out",
        "A8",
        _RESTATE,
        "        if self._owed and window > min(self._owed):\n            return False\n",
        "",
        _VOTER,
    ),
    Sabotage(
        "a restatement may leave out what this node held when the run began",
        "A8",
        _RESTATE,
        "        if self._keeper.outranked(window, choice):\n            return False, []",
        "        if False:\n            return False, []",
        _VOTER,
    ),
    Sabotage(
        "a restatement's totals are believed",
        "A8",
        _RESTATE,
        "if plan.data is None or encode(plan.data.summary.value()) != encode(entry.body):",
        "if plan.data is None:",
        (f"{_VOTER[0]}::test_a_restatement_with_other_totals_than_its_leaves_give_is_refused",),
    ),
    Sabotage(
        "the log goes on although late data wait",
        "A8",
        _JUDGING,
        '        if self.restating.insists and entry.kind in ("window", "void"):\n'
        "            return None  # not before its restatement, or before the run's time is over (A8)\n",
        "",
        _SCENARIO,
    ),
)
