"""`python -m deploy.broker`: run a broker until SIGTERM; one JSON line says that it is ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from deploy.broker import mosquitto


class Running(Protocol):
    """A broker that listens."""

    name: str

    @property
    def pid(self) -> int:
        """The process that listens."""

    async def ended(self) -> int:
        """Wait for its end; its exit code."""

    async def stop(self) -> None:
        """End it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code."""
    parser = argparse.ArgumentParser(prog="deploy.broker", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, help="where mosquitto keeps sessions; amqtt cannot")
    parser.add_argument("--broker", choices=("auto", "mosquitto", "amqtt"), default="auto")
    options = parser.parse_args(arguments)
    program = None if options.broker == "amqtt" else mosquitto.found()
    if options.broker == "mosquitto" and program is None:
        parser.error(f"no mosquitto on the path, and ${mosquitto.VARIABLE} does not name one")
    if options.state is not None:
        options.state.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(
            _run(program, options.host, options.port or _free_port(options.host), options.state)
        )
    except OSError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1


async def _run(program: str | None, host: str, port: int, state: Path | None) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="wattest-broker-") as folder:
        broker = await _start(program, host, port, state, Path(folder))
        kept = str(state) if state is not None and program else None
        ready = {"ready": True, "broker": broker.name, "host": host, "port": port, "pid": broker.pid}
        sys.stdout.write(json.dumps({**ready, "supervisor": os.getpid(), "state": kept}) + "\n")
        sys.stdout.flush()
        return await _until(broker, stop)


async def _start(program: str | None, host: str, port: int, state: Path | None, folder: Path) -> Running:
    if program is not None:
        return await mosquitto.start(program, host, port, state, folder)
    from deploy.broker import embedded  # noqa: PLC0415 - amqtt is an optional dependency

    return await embedded.start(host, port)


async def _until(broker: Running, stop: asyncio.Event) -> int:
    """Serve until told to stop (0) or the broker ends by itself (1)."""
    async with asyncio.TaskGroup() as group:
        ways = [group.create_task(stop.wait()), group.create_task(broker.ended())]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
    if not stop.is_set():
        sys.stderr.write(f"{broker.name} ended by itself\n")
        return 1
    await broker.stop()
    return 0


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main())
