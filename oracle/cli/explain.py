"""`wattest explain`: how a window went, who was late, and where nodes' inputs differ."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from oracle import config
from oracle.api.client import FetchFailed, FetchProblem, NodeClient
from oracle.config import ConfigurationFaulty
from oracle.explain.account import Account, NoAccountError, read_account
from oracle.explain.compare import compare
from oracle.explain.report import json_of, text_of_one, text_of_several
from oracle.explain.verdict import judge

DEFAULT_API: Final = "http://127.0.0.1:8480"
NODES_MAX: Final = 31


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    explain = commands.add_parser(
        "explain",
        help="say how a window went: each stage, who was late, what went in",
        description="Says how a window went at a node: every stage with its time and delay, whose votes,"
        " shares and observations came when or not at all, what stopped it, and digests of what went in."
        " With several nodes: where their inputs first differ and which agree. Exit 0 if explained, 1 if"
        " no node knows the window, 2 for a wrong command.",
    )
    explain.add_argument(
        "window",
        metavar="WINDOW",
        help="latest, a height, a time (UTC seconds, or ISO as 2026-03-01T12:15Z), or HH:MM of today",
    )
    explain.add_argument(
        "--api", action="append", metavar="URL", help=f"a node; may be repeated; default {DEFAULT_API}"
    )
    explain.add_argument(
        "--config", type=Path, metavar="FILE", help="a node's configuration: asks that node, by api.listen"
    )
    explain.add_argument("--json", action="store_true", help="for programs")
    explain.set_defaults(run=_explain)


def _explain(options: argparse.Namespace) -> int:
    try:
        reference = reference_of(options.window, datetime.now(UTC))
        urls = _urls(options)
    except (ValueError, ConfigurationFaulty) as cause:
        sys.stderr.write(f"wattest explain: {cause}\n")
        return 2
    answers, failures = asyncio.run(_ask(urls, reference))
    if any(failure.problem is FetchProblem.BAD_URL for _, failure in failures):
        return _failed(failures, 2)
    try:
        accounts = [read_account(_name(url, answer), answer) for url, answer in answers]
    except NoAccountError as cause:
        sys.stderr.write(f"wattest explain: {cause}\n")
        return 1
    if not accounts:
        return _failed(failures, 1)
    _print(accounts, [answer for _, answer in answers], failures, as_json=options.json)
    return 0


def reference_of(text: str, now: datetime) -> str:
    """What the API is asked for. Raises ValueError for what is no window."""
    if text == "latest" or (text.isascii() and text.isdigit()):
        return text
    try:
        if len(text) <= 8 and text[2:3] == ":":
            clock = datetime.strptime(text, "%H:%M" if len(text) <= 5 else "%H:%M:%S").replace(tzinfo=UTC)
            today = now.replace(hour=clock.hour, minute=clock.minute, second=clock.second, microsecond=0)
            return str(int((today if today <= now else today - timedelta(days=1)).timestamp()))
        moment = datetime.fromisoformat(text)
    except ValueError as cause:
        raise ValueError(f"{text!r} is no window: latest, a height, UTC seconds, or an ISO time") from cause
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return str(int(moment.timestamp()))


def _urls(options: argparse.Namespace) -> list[str]:
    urls = list(dict.fromkeys(options.api or ()))
    if options.config is not None:
        host, port = config.load(options.config).api_listen
        urls.insert(0, f"http://{host}:{port}")
    if len(urls) > NODES_MAX:
        raise ValueError(f"at most {NODES_MAX} nodes")
    return urls or [DEFAULT_API]


async def _ask(
    urls: Sequence[str], reference: str
) -> tuple[list[tuple[str, dict[str, Any]]], list[tuple[str, FetchFailed]]]:
    """The first that knows the window fixes which one the others are asked for."""
    answers: list[tuple[str, dict[str, Any]]] = []
    failures: list[tuple[str, FetchFailed]] = []
    for url in urls:
        try:
            async with NodeClient(url) as node:
                answer = await node.explanation(reference)
        except FetchFailed as failure:
            failures.append((url, failure))
            continue
        answers.append((url, answer))
        if isinstance(answer.get("window"), int):
            reference = str(answer["window"])
    return answers, failures


def _name(url: str, answer: Mapping[str, Any]) -> str:
    """A node is called by its slot, as in votes, and by where it answers."""
    slot = answer.get("slot")
    who = f"member {slot}" if isinstance(slot, int) else "follower"
    return f"{who} ({urlsplit(url).netloc})"


def _print(
    accounts: Sequence[Account],
    answers: Sequence[dict[str, Any]],
    failures: Sequence[tuple[str, FetchFailed]],
    *,
    as_json: bool,
) -> None:
    verdicts = [judge(account) for account in accounts]
    compared = compare(accounts) if len(accounts) > 1 else None
    failed = [f"{url}: {failure}" for url, failure in failures]
    if as_json:
        print(json.dumps(json_of(accounts, verdicts, compared, failed, answers)))
    elif compared is None:
        print("\n".join([text_of_one(accounts[0], verdicts[0]), *(f"no account: {one}" for one in failed)]))
    else:
        print(text_of_several(accounts, verdicts, compared, failed))


def _failed(failures: Sequence[tuple[str, FetchFailed]], code: int) -> int:
    for url, failure in failures:
        sys.stderr.write(f"wattest explain: {url}: {failure}\n")
    return code
