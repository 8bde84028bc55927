"""`wattest export` and `wattest verify`: for auditors; needs nothing of a node but its public API."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Final

from consensus.encoding import encode
from consensus.model import Rejected
from oracle.api.client import FetchFailed, NodeClient
from oracle.audit.bundle import parse
from oracle.audit.case import Expectations
from oracle.audit.values import VoidBody
from oracle.audit.verify import verify
from oracle.chain.client import CallRefused, StacksClient
from oracle.chain.endpoint import ChainUnavailable
from oracle.model import WindowSummary

DEFAULT_API: Final = "http://127.0.0.1:8480"
WINDOW_START_MIN: Final = 1_000_000_000
"""A number from here on is a window's start (UTC seconds), below it a height."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the commands."""
    export = commands.add_parser(
        "export",
        help="fetch a window with all its proofs into a file",
        description="Fetches an attested window, or any entry of the log, with everything that proves it.",
    )
    export.add_argument(
        "reference", metavar="WHAT", help="latest, a height, or a window's start (UTC seconds)"
    )
    export.add_argument("--api", default=DEFAULT_API, metavar="URL", help=f"any node; default {DEFAULT_API}")
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.set_defaults(run=_export)

    check = commands.add_parser(
        "verify",
        help="verify a window back to the meters' own signatures",
        description="Verifies a window from a file, or from any node's API: log link, certificate, group"
        " signature, trees, energy, meters' signatures and the chain's entry. Exit 0 if nothing failed, 1 if"
        " a step failed (it is named), 2 if there was nothing to verify.",
    )
    check.add_argument(
        "target",
        metavar="FILE|WHAT",
        help="an exported file; or latest, a height, a window's start, with --api",
    )
    check.add_argument("--api", metavar="URL", help=f"any node; default {DEFAULT_API}")
    check.add_argument("--chain", metavar="URL", help="a Stacks node, to ask the contract itself")
    check.add_argument("--network", metavar="HEX", help="the network's digest, to trust no file for it")
    check.add_argument("--group-key", metavar="HEX", help="the network's group key, likewise")
    check.add_argument(
        "--backend",
        choices=("auto", "fast", "reference"),
        default="auto",
        help="reference: py-ecc and pure Python alone",
    )
    check.add_argument("--json", action="store_true", help="the verdict as JSON")
    check.set_defaults(run=_verify)


def _export(options: argparse.Namespace) -> int:
    try:
        data = asyncio.run(_fetch(options.api, options.reference))
    except FetchFailed as cause:
        sys.stderr.write(f"wattest export: {cause}\n")
        return 2
    options.out.write_bytes(data)
    print(f"{options.out}: {len(data)} bytes; verify with: wattest verify {options.out}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    try:
        data = _read(options)
        attestation = asyncio.run(_ask_chain(options.chain, data)) if options.chain else None
        expected = Expectations(
            network=_hex(options.network), group_key=_hex(options.group_key), attestation=attestation
        )
    except (FetchFailed, OSError, ChainUnavailable, CallRefused, ValueError) as cause:
        sys.stderr.write(f"wattest verify: {cause}\n")
        return 2
    verdict = verify(data, expected, options.backend)
    print(verdict.json() if options.json else verdict.text())
    return 0 if verdict.passed else 1


def _read(options: argparse.Namespace) -> bytes:
    path = Path(options.target)
    if options.api is None and path.is_file():
        return path.read_bytes()
    return asyncio.run(_fetch(options.api or DEFAULT_API, options.target))


async def _fetch(api: str, reference: str) -> bytes:
    if reference.isdecimal() and int(reference) >= WINDOW_START_MIN:
        reference = f"window:{reference}"
    async with NodeClient(api) as node:
        return await node.bundle(reference)


async def _ask_chain(url: str, data: bytes) -> bytes | None:
    """What the contract holds now, by the chain itself."""
    bundle = parse(data)
    if isinstance(bundle, Rejected) or bundle.chain is None:
        return None
    body = bundle.signed.entry.body
    if not isinstance(body, WindowSummary | VoidBody):
        return None
    async with StacksClient((url,)) as client:
        answer = await client.call_read_only(
            bundle.chain.contract, "get-attestation", (body.window, body.revision)
        )
    return encode(answer)


def _hex(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("0x"))
