"""mosquitto as a child process, configured so that it loses as little as it can.

Decides the configuration. Does not decide when to stop: the caller does. Anyone who
reaches the port may publish, so the port belongs on the loopback interface.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "WATTEST_MOSQUITTO"
START_S: Final = 10.0
STOP_S: Final = 10.0
INFLIGHT_MESSAGES: Final = 512
"""As many share one fdatasync of the node; the node's own limit is larger."""
QUEUED_BYTES: Final = 512 << 20
"""For each absent client, in place of the default limit of 1,000 messages, past which they are lost."""
PACKET_BYTES: Final = 1 << 20
"""Who sends more is disconnected: `message_size_limit` would drop it and acknowledge it."""
_SBIN: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def found() -> str | None:
    """Where mosquitto is: $WATTEST_MOSQUITTO, or on the path; an empty variable says to do without."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return named or None
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{_SBIN}")


def configuration(host: str, port: int, state: Path | None) -> str:
    """The configuration file; without `state` a restart forgets everything."""
    lines = [
        f"listener {port} {host}",
        "allow_anonymous true",
        "set_tcp_nodelay true",
        f"max_inflight_messages {INFLIGHT_MESSAGES}",
        "max_queued_messages 0",
        f"max_queued_bytes {QUEUED_BYTES}",
        f"max_packet_size {PACKET_BYTES}",
        "log_dest stderr",
        "log_type error",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else it gives up the right to write its own state
    if state is not None:
        # What it acknowledged in the last second before a crash is lost all the same.
        lines += ["persistence true", f"persistence_location {state}/", "autosave_interval 1"]
    return "\n".join(lines) + "\n"


@dataclass(slots=True)
class Mosquitto:
    """A running mosquitto."""

    process: asyncio.subprocess.Process
    settings: Path
    name: str = "mosquitto"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def ended(self) -> int:
        """Wait for its end; its exit code."""
        return await self.process.wait()

    async def stop(self) -> None:
        """Let it save its state and end."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.settings.unlink(missing_ok=True)


async def start(program: str, host: str, port: int, state: Path | None, folder: Path) -> Mosquitto:
    """Start it and wait until it listens; raises OSError if it does not."""
    settings = folder / f"mosquitto-{port}.conf"
    settings.write_text(configuration(host, port, state), "utf-8")
    process = await asyncio.create_subprocess_exec(program, "-c", str(settings))
    broker = Mosquitto(process, settings)
    try:
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                with suppress(OSError):
                    _, writer = await asyncio.open_connection(host, port)
                    writer.close()
                    return broker
                await asyncio.sleep(0.02)
    except TimeoutError:
        await broker.stop()
        raise OSError(f"mosquitto did not listen within {START_S} s") from None
    settings.unlink(missing_ok=True)
    raise OSError(f"mosquitto ended with code {process.returncode}")
