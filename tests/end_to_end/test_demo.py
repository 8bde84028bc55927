"""`python -m deploy.demo` as a person runs it: from nothing, stopped by Ctrl-C, started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.demo.processes import ROOT
from tests.end_to_end.town import Row, check_contiguous, tail

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for left-over processes in /proc"),
]

FIRST_S = 90.0
"""From nothing to two windows on chain: set-up, ceremony, windows."""
ASK_S = 5.0


@dataclass(slots=True)
class Demo:
    """A running demo and what it has printed."""

    process: asyncio.subprocess.Process
    state: Path
    lines: list[str] = field(default_factory=list)

    async def until_printed(self, pattern: str, within_s: float, count: int = 1) -> list[str]:
        """Wait until so many lines match; gives them."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                while len(found := [line for line in self.lines if re.search(pattern, line)]) < count:
                    line = await self.process.stdout.readline()
                    assert line, f"the demo ended before {count} x {pattern!r}\n{self.said()}"
                    self.lines.append(line.decode().rstrip())
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {count} x {pattern!r}\n{self.said()}") from None
        return found

    async def ended(self, within_s: float) -> int:
        """Wait for the end; the exit code."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(within_s):
                rest = await self.process.stdout.read()
                self.lines += rest.decode().splitlines()
                return await self.process.wait()
        except TimeoutError:
            raise AssertionError(f"the demo did not end within {within_s} s\n{self.said()}") from None

    async def api(self) -> str:
        """The address that it prints for a person to use."""
        (line, *_) = await self.until_printed("API of the first node", FIRST_S)
        return line.split("API of the first node: ")[1].split()[0]

    def said(self) -> str:
        """For a failure's message."""
        logs = sorted((self.state / "logs").glob("*.log"))
        return "\n".join([*self.lines[-30:], *(tail(log) for log in logs)])


@contextlib.asynccontextmanager
async def demo(state: Path, *more: str) -> AsyncIterator[Demo]:
    command = [sys.executable, "-m", "deploy.demo", "--state", str(state), "--port", "0", *more]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    running = Demo(process, state)
    try:
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(AssertionError):
                await running.ended(30)
        if process.returncode is None:
            process.kill()
            await process.wait()


def processes_of(state: Path) -> list[str]:
    """Command lines of the running processes that name the state folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(state) in command:
                    found.append(command)
    return found


async def asked(api: str, path: str) -> Row:
    timeout = aiohttp.ClientTimeout(total=ASK_S)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(api + path) as answer:
        answer.raise_for_status()
        content: Row = await answer.json()
        return content


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stopped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, Row]]:
    """The state of a demo that ran from nothing and was stopped by Ctrl-C, and its health just before."""
    state = tmp_path_factory.mktemp("demo") / "state"
    async with demo(state, "--window-s", "4", "--block-ms", "250") as running:
        api = await running.api()
        await running.until_printed(r"on-chain  tx \w+", FIRST_S, 2)
        health = await asked(api, "/v1/health")
        assert len(processes_of(state)) >= 6, "devnet, broker and four nodes, and the demo itself"
        running.process.send_signal(signal.SIGINT)
        code = await running.ended(30)
        assert code == 0, running.said()
        assert "Traceback" not in "\n".join(running.lines)
        yield state, health


async def test_ctrl_c_ends_it_with_success_and_leaves_no_process(stopped: tuple[Path, Row]) -> None:
    state, _ = stopped
    assert processes_of(state) == []
    for log in sorted((state / "logs").glob("*.log")):
        assert "Traceback" not in log.read_text(errors="replace"), tail(log, 40)


async def test_a_second_start_goes_on_where_the_first_stopped(
    stopped: tuple[Path, Row], measured: dict[str, str]
) -> None:
    state, before = stopped
    began_s = time.monotonic()
    async with demo(state, "--windows", "2") as running:
        api = await running.api()
        measured["a second start, until its nodes run"] = f"{time.monotonic() - began_s:.1f} s"
        assert not any("deploying" in line for line in running.lines), "nothing is set up twice"
        after = await asked(api, "/v1/health")
        assert after["network"] == before["network"]
        assert after["height"] >= before["height"]
        await running.until_printed(r"on-chain  tx \w+", 60)
        rows = (await asked(api, "/v1/attestations?order=oldest&limit=200"))["attestations"]
        assert await running.ended(60) == 0, running.said()
    assert rows[-1]["height"] > before["height"]
    heights = [row["height"] for row in rows]
    assert heights == list(range(1, len(rows) + 1)), "one log, without a gap"
    check_contiguous([row for row in rows if row["kind"] in ("window", "void")], 4)
    assert "2 windows are attested on chain" in "\n".join(running.lines)
    assert processes_of(state) == []


async def test_a_state_that_is_in_use_is_refused_with_a_reason(stopped: tuple[Path, Row]) -> None:
    state, _ = stopped
    async with demo(state) as first:
        await first.api()
        async with demo(state) as second:
            code = await second.ended(90)
        assert code == 1, second.said()
        assert "did not start" in "\n".join(second.lines)
        assert "Traceback" not in "\n".join(second.lines), second.said()
        assert json.loads((state / "plan.json").read_text())["window_s"] == 4
        api = await first.api()
        assert (await asked(api, "/v1/health"))["height"] >= 1, "the first goes on"
