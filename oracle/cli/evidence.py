"""`wattest evidence`: what members did wrong, as files that anyone can judge and submit (E6)."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import coincurve

from oracle import config
from oracle.api.client import FetchFailed, NodeClient
from oracle.audit.case import Expectations
from oracle.chain.address import chain_of
from oracle.chain.client import StacksClient
from oracle.chain.contracts import ContractMisread, OracleContracts
from oracle.chain.courier import OutboxLimits
from oracle.chain.disputes import Disputes, Submission, SubmissionState
from oracle.chain.endpoint import ChainUnavailable
from oracle.chain.ledger import OutboxLocked
from oracle.chain.outbox import Outbox
from oracle.config import ConfigurationFaulty
from oracle.evidence.file import EVIDENCE_BYTES_MAX, digest_of
from oracle.evidence.verify import Judgement, judge
from oracle.keys import keystore
from oracle.keys.keystore import KeyKind, KeystoreError

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

    submit = actions.add_parser(
        "submit",
        help="bring an evidence file to the dispute contract, for the bounty",
        description="Verifies the file, asks the contract whether the offence is punished already, opens"
        " zones where that is needed, and submits, from the account of a node's configuration (`wattest"
        " init DIR` makes one for anybody). A node that runs does this by itself. A withheld record is"
        " not submitted: open a challenge with the bond.",
    )
    submit.add_argument("file", type=Path, metavar="FILE")
    submit.add_argument("--config", type=Path, default=Path("node.toml"), metavar="FILE")
    submit.add_argument("--within", type=float, default=600.0, metavar="SECONDS", help="default 600")
    submit.add_argument("--json", action="store_true", help="for programs")
    submit.set_defaults(run=_submit)


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


def _submit(options: argparse.Namespace) -> int:
    try:
        with options.file.open("rb") as stream:
            data = stream.read(EVIDENCE_BYTES_MAX + 1)
        judgement = judge(data)
        if not judgement.proven:
            print(_text(judgement))
            return 1
        submission = asyncio.run(_submitted(options, data))
    except OutboxLocked:
        return _complain("submit", "the node of this configuration is running: it submits what it holds")
    except TimeoutError:
        return _complain("submit", f"not within {options.within:g} s; run it again, nothing is sent twice")
    except (OSError, ConfigurationFaulty, KeystoreError, ContractMisread, ChainUnavailable) as cause:
        return _complain("submit", cause)
    good = submission.state in (SubmissionState.PROVEN, SubmissionState.ELSEWHERE)
    if options.json:
        state = {"state": submission.state.value, "txid": submission.txid, "detail": submission.detail}
        print(json.dumps({**state, "digest": submission.digest.hex(), "kind": submission.kind}))
    else:
        print(
            f"{submission.kind}: {submission.state.value} {submission.txid or ''} {submission.detail}".strip()
        )
    return 0 if good else 1


async def _submitted(options: argparse.Namespace, data: bytes) -> Submission:
    """Until the contract has answered. Raises TimeoutError, OutboxLocked, ConfigurationFaulty …"""
    configuration = config.load(options.config)
    password = keystore.read_password(configuration.password_file)
    light = configuration.allow_light_keys
    account = keystore.load(configuration.account_key, password, KeyKind.CHAIN, allow_light=light)
    settings = configuration.chain
    configuration.data.mkdir(parents=True, exist_ok=True)
    async with (
        asyncio.timeout(options.within),
        StacksClient(settings.endpoints, settings.agree) as client,
    ):
        contracts = OracleContracts(client, settings.deployer)
        genesis = await contracts.genesis()
        if genesis is None:
            raise ContractMisread("there is no network at that address")
        outbox = Outbox(
            configuration.data,
            coincurve.PrivateKey(account.secret),
            chain_of(genesis.chain_id),
            client,
            lambda: int(time.time()),
            is_done=contracts.is_done,
            limits=OutboxLimits(depth=settings.confirmations, poll_s=settings.poll_s),
        )
        disputes = Disputes(
            contracts, outbox, time.monotonic, 0.0, settings.poll_s, genesis.network, b"", _alone, _unheard
        )
        async with outbox:
            running = asyncio.create_task(outbox.run())
            try:
                return await disputes.finished(data)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


def _alone() -> tuple[None, int]:
    """Whoever submits by hand waits for nobody's turn."""
    return None, 0


async def _unheard(_: Submission) -> None:
    """The command says what became of it at its end."""


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
