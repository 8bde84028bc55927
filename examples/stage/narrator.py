"""Tells a story in plain sentences, and keeps count of what the script has checked.

A story that finds something else than it tells ends with StoryBroken; nothing is shown as
done that was not read back from the chain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from examples.stage.chain import StoryBroken

T = TypeVar("T")
_USTX: Final = 1_000_000


@dataclass(slots=True)
class Narrator:
    """Prints to the standard output."""

    checks: int = 0
    refusals: int = 0

    def title(self, text: str) -> None:
        """The story's name."""
        print(f"\n{text}\n{'=' * len(text)}")

    def chapter(self, text: str) -> None:
        """A part of the story."""
        print(f"\n{text}")

    def tell(self, text: str) -> None:
        """Something has happened."""
        print(f"  {text}")

    def refused(self, text: str, why: str) -> None:
        """A forbidden shortcut was refused."""
        self.refusals += 1
        print(f"  ✗ {text}\n      {why}")

    def check(self, what: str, found: T, expected: T, text: Callable[[T], str] = str) -> None:
        """The story says so, and the chain has to agree; `text` is how it is shown."""
        if found != expected:
            raise StoryBroken(f"{what}: the chain says {text(found)}, the story {text(expected)}")
        self.checks += 1
        print(f"  ✓ {what}: {text(found)}")

    def end(self) -> None:
        """The last line."""
        print(f"\n  {self.checks} checks hold, {self.refusals} shortcuts were refused.")


def stx_text(amount_ustx: int) -> str:
    """An amount as people say it."""
    whole, part = divmod(abs(amount_ustx), _USTX)
    digits = f"{part:06}".rstrip("0")
    sign = "-" if amount_ustx < 0 else ""
    return f"{sign}{whole:,}{'.' + digits if digits else ''} STX"


def kwh_text(energy_wh: int) -> str:
    """Energy as people say it."""
    return f"{energy_wh / 1000:g} kWh"


def clock_text(time_s: int) -> str:
    """The time of day, UTC."""
    return f"{time_s // 3600 % 24:02}:{time_s // 60 % 60:02}"
