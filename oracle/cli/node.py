"""`wattest run`: run a node until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from oracle import config
from oracle.chain.contracts import ContractMisread
from oracle.chain.ledger import OutboxLocked
from oracle.config import Configuration, ConfigurationFaulty
from oracle.keys.channel import ChannelBroken
from oracle.keys.register_file import RegisterFailed
from oracle.service import opened
from oracle.storage.failure import StorageFailed
from oracle.telemetry import logging as logs


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    run = commands.add_parser(
        "run",
        help="run a node",
        description="Runs a node until SIGINT or SIGTERM. Prints one JSON line when it is ready.",
    )
    run.add_argument("--config", type=Path, default=Path("node.toml"), metavar="FILE")
    run.add_argument("--check", action="store_true", help="check configuration and keys, then stop")
    run.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        configuration = config.load(options.config)
        logs.set_up(form="json" if configuration.log_json else "auto")
        if options.check:
            return _check(configuration)
        return asyncio.run(_serve(configuration))
    except ConfigurationFaulty as cause:
        sys.stderr.write(f"wattest run: the configuration {options.config} is faulty:\n{cause}\n")
        return 2
    except (RegisterFailed, ChannelBroken, StorageFailed, OutboxLocked, ContractMisread) as cause:
        sys.stderr.write(f"wattest run: {cause}\n")
        return 1


def _check(configuration: Configuration) -> int:
    from oracle.service import check_keys, open_roster  # noqa: PLC0415 - only here

    check_keys(configuration)
    open_roster(configuration.roster)
    print("configuration, keys and roster are sound")
    return 0


async def _serve(configuration: Configuration) -> int:
    loop = asyncio.get_running_loop()
    running = asyncio.current_task()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        if running is not None:
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        async with opened(configuration) as service:
            await service.run(_ready)
    except asyncio.CancelledError:
        if not stopped:
            raise
    return 0


def _ready(host: str, port: int) -> None:
    print(json.dumps({"ready": True, "api": f"http://{host}:{port}"}), flush=True)
