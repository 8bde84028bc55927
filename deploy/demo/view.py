"""The demo's live view: per window what came in, who signed, the transaction."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

ROWS: Final = 14
KEPT: Final = 200
TOLD_MAX: Final = 12
VOID_REASONS: Final = {1: "no records", 2: "no agreement"}


@dataclass(slots=True)
class Row:
    """One window."""

    window: int
    sent: int = 0
    event: dict[str, Any] = field(default_factory=dict)
    stage: str = "collecting"
    signers: str = ""
    txid: str = ""


class View:
    """A table that is drawn again at each change on a terminal, and lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()
        self.rows: OrderedDict[int, Row] = OrderedDict()
        self.head = ""
        self.foot: list[str] = []
        self.told: list[str] = []
        self.members: list[bool] = []
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(self._draw(), console=self.console, refresh_per_second=4)
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def progress(self, sentence: str) -> None:
        """A step of the set-up."""
        self.head = sentence
        self.say(f"· {sentence}")

    def sent(self, window: int, records: int) -> None:
        """Meters have sent for a window."""
        self._row(window).sent += records
        self._redraw()

    def happened(self, event: dict[str, Any]) -> None:
        """An event of a node's feed."""
        row = self._row(int(event["window"]))
        row.event, row.stage = event, str(event["event"])
        if row.stage == "on-chain" and event.get("txid") != row.txid:
            row.txid = str(event["txid"])
            self.say(self.line(row))
        self._redraw()

    def signed(self, window: int, signers: list[int]) -> None:
        """Who signed a window's certificate."""
        members = max([*signers, 3]) + 1
        self._row(window).signers = "".join("●" if slot in signers else "·" for slot in range(members))
        self._redraw()

    def line(self, row: Row) -> str:
        """A window in one line."""
        body = row.event.get("body", {})
        if row.event.get("kind") == "void":
            what = f"void: {VOID_REASONS.get(body.get('reason'), '?')}"
        else:
            what = f"{body.get('leaf_count', 0):>3} meters {body.get('import_wh', 0):>8,} Wh in"
            what += f" {body.get('export_wh', 0):>6,} Wh out"
        return (
            f"{_clock(row.window)}  {what}  signed {row.signers or '?'}  {row.stage}"
            f"  tx {row.txid[:12] or '-'}"
        )

    def _row(self, window: int) -> Row:
        row = self.rows.setdefault(window, Row(window))
        while len(self.rows) > KEPT:
            self.rows.popitem(last=False)
        return row

    def tell(self, sentence: str) -> None:
        """Something that must be read, on a terminal too."""
        self.told = [*self.told, sentence][-TOLD_MAX:]
        self.say(sentence)

    def say(self, sentence: str) -> None:
        """A line, where there is no terminal to draw on."""
        if self._live is None:
            self.console.print(sentence, highlight=False, markup=False, soft_wrap=True)
        self._redraw()

    def _redraw(self) -> None:
        if self._live is not None:
            self._live.update(self._draw())

    def _draw(self) -> RenderableType:
        table = Table(expand=True, box=None, header_style="bold")
        for name in (
            "window",
            "records sent",
            "meters",
            "import Wh",
            "export Wh",
            "signed by",
            "stage",
            "transaction",
        ):
            table.add_column(name, justify="right" if name.endswith(("Wh", "sent", "meters")) else "left")
        for row in list(self.rows.values())[-ROWS:]:
            body = row.event.get("body", {})
            void = row.event.get("kind") == "void"
            table.add_row(
                _clock(row.window),
                str(row.sent or ""),
                "void" if void else str(body.get("leaf_count", "")),
                "" if void else f"{body.get('import_wh', 0):,}" if body else "",
                "" if void else f"{body.get('export_wh', 0):,}" if body else "",
                row.signers,
                Text(row.stage, style="green" if row.stage == "on-chain" else "yellow"),
                row.txid[:16],
            )
        lines: list[RenderableType] = [
            Text(self.head),
            table,
            *(Text(line, style="bold") for line in self.told),
            *(Text(line, style="dim") for line in self.foot),
        ]
        return Panel(Group(*lines), title="Wattest", border_style="cyan")


def _clock(window: int) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(window)) + "Z"
