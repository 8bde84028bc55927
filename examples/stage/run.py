"""Runs stories: each on a stage of its own, told to the standard output; 0 if all end well."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from deploy.demo.processes import StartFailed
from examples.stage.chain import StoryBroken
from examples.stage.committee import Disagreement
from examples.stage.stage import Stage, opened
from oracle.chain.calls import ContractRefused
from oracle.chain.endpoint import ChainUnavailable

STORIES: Final = ("000", "001", "002", "003", "004")
LIMIT_S: Final = 300.0
"""Far above what a story takes on a slow machine."""
BROKEN: Final = (StoryBroken, ContractRefused, Disagreement, StartFailed, ChainUnavailable, TimeoutError)
"""How a story fails; anything else is a fault of the script."""


@dataclass(frozen=True, slots=True)
class Story:
    """A story's title, the people in it, and what happens."""

    title: str
    people: tuple[str, ...]
    tell: Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    """How a story went."""

    checks: int
    refusals: int
    seconds: float


def story(number: str) -> Story:
    """A story by its seed's number."""
    module = importlib.import_module(f"examples.story_{number}")
    return Story(module.TITLE, module.PEOPLE, module.tell)


async def told(number: str) -> Told:
    """Tell a story from the beginning; raises StoryBroken where the chain disagrees."""
    one, began_s = story(number), time.monotonic()
    async with asyncio.timeout(LIMIT_S), opened(one.people) as stage:
        stage.narrator.title(one.title)
        await one.tell(stage)
        stage.narrator.end()
        return Told(stage.narrator.checks, stage.narrator.refusals, time.monotonic() - began_s)


def main(*numbers: str) -> int:
    """Tell these stories; the exit code: 1 if one of them breaks."""
    for number in numbers:
        try:
            asyncio.run(told(number))
        except (
            StoryBroken,
            ContractRefused,
            Disagreement,
            StartFailed,
            ChainUnavailable,
            TimeoutError,
        ) as fault:
            print(f"\nStory {number} breaks: {type(fault).__name__}: {fault}", file=sys.stderr)
            return 1
    return 0
