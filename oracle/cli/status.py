"""`wattest status`: how a node does, from its own API."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import Any

from oracle.api.client import FetchFailed, NodeClient

DEFAULT_API = "http://127.0.0.1:8480"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    status = commands.add_parser(
        "status", help="show a node's health", description="Shows a node's health; exit 1 if it is not well."
    )
    status.add_argument("--api", default=DEFAULT_API, metavar="URL", help=f"default {DEFAULT_API}")
    status.add_argument("--json", action="store_true", help="the API's answer as it is")
    status.set_defaults(run=_status)


def _status(options: argparse.Namespace) -> int:
    try:
        health = asyncio.run(_health(options.api))
    except FetchFailed as cause:
        sys.stderr.write(f"wattest status: {cause}\n")
        return 1
    if options.json:
        print(json.dumps(health))
    else:
        print(f"{health.get('status', '?')}: height {health.get('height', '?')}")
        for problem in health.get("problems", []):
            print(f"  {problem['severity']:8} {problem['name']}: {problem['what_to_do']}")
    return 0 if health.get("status") != "failing" else 1


async def _health(api: str) -> dict[str, Any]:
    async with NodeClient(api) as client:
        return await client.health()
