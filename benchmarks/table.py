"""What a benchmark has to say: a table of texts, and how far it has come while one waits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

BAR_CELLS = 40


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as long as `header`; the first column names what the others say. `notes` stand below."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """For a terminal."""
        widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
        lines = [_line(cells, widths) for cells in (self.header, *self.rows)]
        rule = "  ".join("-" * width for width in widths)
        return "\n".join((self.title, "", lines[0], rule, *lines[1:], *("  " + note for note in self.notes)))


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return "  ".join(texts).rstrip()


def bar(total: int, what: str) -> Callable[[int], None]:
    """A function that draws how much of `total` is done; draws nothing but on a terminal."""

    def draw(done: int) -> None:
        if sys.stderr.isatty():
            filled = BAR_CELLS * done // total
            end = "\n" if done >= total else ""
            drawn = f"\r{what:<24} [{'#' * filled:<{BAR_CELLS}}] {done}/{total}"
            print(drawn, end=end, file=sys.stderr, flush=True)

    return draw
