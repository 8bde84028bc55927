"""The network of real processes, once for a module; what was measured, at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from tests.end_to_end.town import Town, opened

MEASURED: Final = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASURED] = {}


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> dict[str, str]:
    """Put a fact here to have it in the summary; times are reported, never asserted."""
    return request.config.stash[MEASURED]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Town]:
    """A running network whose first window is on chain."""
    async with opened(tmp_path_factory.mktemp("town")) as running:
        request.config.stash[MEASURED].update(running.facts)
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for what, value in config.stash[MEASURED].items():
        terminalreporter.write_line(f"measured: {what}: {value}")
