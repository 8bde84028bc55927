"""`wattest evidence`: what members did wrong, as files that anyone can judge and submit (E6)."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from oracle.api.client import FetchFailed, NodeClient
from oracle.audit.case import Expectations
from oracle.evidence.file import EVIDENCE_BYTES_MAX, digest_of
from oracle.evidence.verify import Judgement, judge

DEFAULT_API: Final = "http://127.0.0.1:8480"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    evidence = commands.add_parser(
        "evidence",
        help="list, fetch, verify and submit evidence against members",
        description="Evidence of a double vote, a false leaf, a false sum or a withheld record: files that"
        " prove it to anyone, offline. A node that holds evidence submits it by itself; `submit` is for"
        " everybody else, and earns the bounty.",
        epilog="Try: wattest evidence list; wattest evidence export DIGEST --out proof.json;"
        " wattest evidence verify proof.json. Exit codes: 0 done, or proven; 1 nothing is proven, or the"
        " contract refuses; 2 the command is wrong or there is nothing to judge.",
    )
    actions = evidence.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what a node holds against members")
    _of_node(listing)
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(run=_list)

    export = actions.add_parser("export", help="fetch one evidence file from a node")
    export.add_argument("digest", metavar="DIGEST", help="as `list` shows it; its first digits are enough")
    _of_node(export)
    export.add_argument("--out", type=Path, required=True, metavar="FILE")
    export.set_defaults(run=_export)

    check = actions.add_parser(
        "verify",
        help="judge an evidence file, offline",
        description="Judges an evidence file without any node: limits, network, committees, signatures,"
        " proofs, and then whether it is false. The first step that fails is named. A file proves a"
        " network, not your network, unless --network is given.",
    )
    check.add_argument("file", type=Path, metavar="FILE")
    check.add_argument("--network", metavar="HEX", help="the network's digest, to trust no file for it")
    check.add_argument("--backend", choices=("auto", "fast", "reference"), default="auto")
    check.add_argument("--json", action="store_true", help="the verdict as JSON")
    check.set_defaults(run=_verify)


def _of_node(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--api", default=DEFAULT_API, metavar="URL", help=f"any node; default {DEFAULT_API}")


def _list(options: argparse.Namespace) -> int:
    try:
        rows = asyncio.run(_rows(options.api))
    except FetchFailed as cause:
        return _complain("list", cause)
    if options.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        submission = row.get("submission") or {}
        state = submission.get("state", "not submitted")
        print(f"{str(row['digest'])[:16]}  {row['kind']:16} height {row['height']:<8} {state}")
    if not rows:
        print("no evidence: this node has seen nobody misbehave")
    return 0


def _export(options: argparse.Namespace) -> int:
    try:
        data = asyncio.run(_fetch(options.api, options.digest))
    except FetchFailed as cause:
        return _complain("export", cause)
    if data is None:
        return _complain("export", f"no evidence, or more than one, begins with {options.digest}")
    options.out.write_bytes(data)
    print(f"{options.out}: {len(data)} bytes; verify with: wattest evidence verify {options.out}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    try:
        network = None if options.network is None else bytes.fromhex(options.network.removeprefix("0x"))
        with options.file.open("rb") as stream:  # one byte more than may be: judged by its size alone
            data = stream.read(EVIDENCE_BYTES_MAX + 1)
        judgement = judge(data, Expectations(network=network), options.backend)
    except (OSError, ValueError, ImportError) as cause:
        return _complain("verify", cause)
    print(json.dumps(_content(judgement)) if options.json else _text(judgement))
    return 0 if judgement.proven else 1


def _content(judgement: Judgement) -> dict[str, Any]:
    verdict: dict[str, Any] = json.loads(judgement.verdict.json())
    return {
        **verdict,
        "digest": judgement.digest.hex(),
        "proven": judgement.proven,
        "reason": None if judgement.reason is None else judgement.reason.value,
        "accused": [key.hex() for key in judgement.accused],
    }


def _text(judgement: Judgement) -> str:
    accused = [f"accused: {key.hex()}" for key in judgement.accused]
    return "\n".join((judgement.verdict.text().rstrip("\n"), *accused))


async def _rows(api: str) -> list[dict[str, Any]]:
    async with NodeClient(api) as node:
        return await node.evidence()


async def _fetch(api: str, digest: str) -> bytes | None:
    """The file whose name begins so; None unless there is just one. What comes is what was asked for."""
    async with NodeClient(api) as node:
        named = [str(row.get("digest")) for row in await node.evidence()]
        found = [one for one in named if one.startswith(digest)]
        if len(found) != 1:
            return None
        data = await node.evidence_file(found[0])
    return data if digest_of(data).hex() == found[0] else None


def _complain(action: str, cause: object) -> int:
    sys.stderr.write(f"wattest evidence {action}: {cause}\n")
    return 2
