"""docs/sabotage.md: each rule, how it was broken, and the test that noticed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.sabotage.listed import SABOTAGES
from tests.sabotage.runner import Outcome, Result
from tests.sabotage.sabotage import ROOT, Sabotage

PAGE: Final = ROOT / "docs" / "sabotage.md"
_HEAD: Final = """# Sabotage

Each line is a change to the code that breaks one rule of the [protocol](protocol.md), and the test that
fails of it. `make sabotage` makes every change in a copy of the project and runs that test; a change that
no test notices is a missing test. How to add one is in [CONTRIBUTING](../CONTRIBUTING.md#sabotage). This
page is written by `python -m tests.sabotage --write-report`.
"""
_ROW: Final = re.compile(r"^\| ([A-Z]\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def write(chosen: Sequence[Sabotage], results: Sequence[Result]) -> None:
    """Write the page: these results, and of sabotages not carried out now what the page says already."""
    noticed = {one.name: _noticed(one) for one in results}
    noticed = {**recorded(), **noticed}
    PAGE.write_text(page(noticed), encoding="utf-8")


def recorded(place: Path = PAGE) -> dict[str, str]:
    """What the page says noticed each sabotage, by its name."""
    if not place.exists():
        return {}
    return {name: test for _, name, _, test in _ROW.findall(place.read_text(encoding="utf-8"))}


def page(noticed: dict[str, str]) -> str:
    """The page, with a row for each sabotage whose outcome is known."""
    rows = [one for one in SABOTAGES if one.name in noticed]
    rules = sorted({one.rule for one in rows}, key=_order)
    lines = [_HEAD, f"{len(rows)} sabotages of {len(rules)} rules, all caught.", ""]
    lines += ["| rule | what is broken | where | noticed by |", "|---|---|---|---|"]
    for one in sorted(rows, key=lambda row: _order(row.rule)):
        lines.append(f"| {one.rule} | {one.name} | {_file(one.file)} | {noticed[one.name]} |")
    return "\n".join(lines) + "\n"


def _noticed(result: Result) -> str:
    file, _, test = result.test.partition("::")
    said = f"[`{_cell(test or Path(file).name)}`](../{file})"
    return f"{said}, by not coming to an end" if result.outcome is Outcome.HUNG else said


def _cell(text: str) -> str:
    return text.replace("|", "\\\\|").replace("`", "'")


def _file(file: str) -> str:
    return f"[{file}](../{file})"


def _order(rule: str) -> tuple[int, int]:
    """Quantities, records, agreement … as docs/protocol.md has them."""
    return "QRANTKCEU".index(rule[0]), int(rule[1:])
