"""The report: a sentence, then tables; and the same for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from oracle.explain.account import Account, Records, Word
from oracle.explain.compare import Comparison
from oracle.explain.verdict import Verdict, at_round, clock
from oracle.journey import Said, Stage

ABSENT: Final = "-"
_SAID: Final = (
    Said.NOTICE,
    Said.OBSERVATIONS,
    Said.PROPOSAL,
    Said.PREVOTE,
    Said.COMMIT,
    Said.SHARE,
)


def text_of_one(account: Account, verdict: Verdict) -> str:
    """One node's account: the conclusion first."""
    parts = [verdict.sentence]
    if verdict.what_to_do:
        parts.append(verdict.what_to_do)
    parts += ["", _heading(account), "", *_stages(account), "", *_members(account)]
    parts += ["", *_inputs(account)]
    if account.happenings:
        parts += ["", *(f"{_at(one.at_ms)}  {one.name}: {one.detail}" for one in account.happenings)]
    return "\n".join(parts)


def text_of_several(
    accounts: Sequence[Account], verdicts: Sequence[Verdict], compared: Comparison, failed: Sequence[str]
) -> str:
    """Several nodes: what they say together, the differences, then each one's way."""
    parts = [f"window {clock(accounts[0].window_start_s)}: {compared.sentence}"]
    parts += [f"no account: {one}" for one in failed]
    for one in compared.differences:
        parts.append(
            f"first difference of {one.here} and {one.there}: usage point {one.usage_point},"
            f" {_short(one.record_here)} here, {_short(one.record_there)} there; {one.more} more"
        )
    for two in compared.sources:
        parts.append(
            f"source {two.format} {two.source}: {two.count_here} at {two.here},"
            f" {two.count_there} at {two.there}, with another digest"
        )
    spread = [
        (_stage(one.stage), f"{one.by_ms} ms", one.first, one.last) for one in compared.spreads if one.by_ms
    ]
    parts += ["", *_table(("stage", "spread", "first", "last"), spread)] if spread else []
    for account, verdict in zip(accounts, verdicts, strict=True):
        parts += ["", f"== {account.name}", text_of_one(account, verdict)]
    return "\n".join(parts)


def json_of(
    accounts: Sequence[Account],
    verdicts: Sequence[Verdict],
    compared: Comparison | None,
    failed: Sequence[str],
    answers: Sequence[Any],
) -> dict[str, Any]:
    """The same for programs, with each node's answer as it came."""
    nodes = [
        {
            "name": account.name,
            "conclusion": verdict.sentence,
            "halt": None if verdict.halt is None else verdict.halt.value,
            "what_to_do": verdict.what_to_do or None,
            "late": [
                {"slot": one.slot, "said": one.said.name.lower(), "by_ms": one.by_ms} for one in verdict.late
            ],
            "absent": list(verdict.absent),
            "account": answer,
        }
        for account, verdict, answer in zip(accounts, verdicts, answers, strict=True)
    ]
    found: dict[str, Any] = {
        "window": accounts[0].window_start_s,
        "conclusion": verdicts[0].sentence if compared is None else compared.sentence,
        "nodes": nodes,
        "failed": list(failed),
    }
    if compared is not None:
        found["comparison"] = asdict(compared) | {
            "spreads": [asdict(one) | {"stage": _stage(one.stage)} for one in compared.spreads],
            "conflicting": compared.conflicting,
        }
    return found


def _heading(account: Account) -> str:
    height = "no height yet" if account.height is None else f"height {account.height}"
    end = clock(account.window_start_s + account.window_s)
    return f"told by {account.name}, {height}, window to {end}; times are its clock's, UTC"


def _stages(account: Account) -> list[str]:
    round_ = at_round(account)
    own = account.slot if account.slot is not None else -1
    prevotes, commits = account.said(Said.PREVOTE, round_), account.said(Said.COMMIT, round_)
    proposals = account.said(Said.PROPOSAL, round_)
    reached = account.reached_ms
    decided = [one.at_ms for one in account.happenings if one.name == "decided"]
    known: list[tuple[str, int | None, str]] = [
        ("first reading", account.first_reading_ms, ""),
        ("last reading", account.last_reading_ms, f"{account.readings} taken"),
        ("closed", reached.get(Stage.CLOSED), ""),
        ("reconciled", reached.get(Stage.RECONCILED), ""),
        (
            "proposed",
            min((one.at_ms for one in proposals.values()), default=None),
            f"round {round_}, by member {', '.join(map(str, sorted(proposals)))}" if proposals else "",
        ),
        ("prevoted", _own(prevotes, own), "by this node"),
        ("prevotes", _quorum(prevotes, account.quorum), f"{account.quorum} of {account.members}"),
        ("committed", _own(commits, own), "by this node"),
        ("commits", _quorum(commits, account.quorum), f"{account.quorum} of {account.members}"),
        ("decided", min(decided, default=None), ""),
        ("certified", reached.get(Stage.CERTIFIED), _signers(account)),
        ("attested", reached.get(Stage.ATTESTED), "the group's signature"),
        ("submitted", reached.get(Stage.SUBMITTED), "by this node"),
        ("on chain", reached.get(Stage.ON_CHAIN), account.txid or ""),
    ]
    rows = []
    before: int | None = None
    for name, at_ms, detail in known:
        if at_ms is None:
            rows.append((name, ABSENT, "", detail if name in ("prevotes", "commits") else ""))
            continue
        delay = "" if before is None else f"{(at_ms - before) / 1000:+.3f} s"
        rows.append((name, _at(at_ms), delay, detail))
        before = at_ms
    return _table(("stage", "at", "after", ""), rows)


def _members(account: Account) -> list[str]:
    """When each member's words came, from the close on, in seconds."""
    zero, round_ = account.closed_ms, at_round(account)
    rows = []
    for slot in range(account.members):
        cells = [str(slot) + (" (this node)" if slot == account.slot else "")]
        for said in _SAID:
            in_round = round_ if said in (Said.PROPOSAL, Said.PREVOTE, Said.COMMIT) else 0
            word = account.said(said, in_round).get(slot)
            cells.append(ABSENT if word is None else _offset(word, zero))
        cells.append("yes" if slot in account.signers else "")
        rows.append(tuple(cells))
    names = tuple(one.name.lower() for one in _SAID)
    head = f"words of round {round_}, seconds after the close" if zero else f"words of round {round_}"
    return [head, *_table(("member", *names, "signed"), rows)]


def _inputs(account: Account) -> list[str]:
    rows = [
        (name, str(one.count), one.digest[:16])
        for name, one in (
            ("held at the close", account.closed),
            ("observed, unsigned", account.observed),
            ("settled", account.settled),
        )
        if one is not None
    ]
    rows += [
        (f"source {one.format} {one.source}", str(one.count), one.digest[:16]) for one in account.sources
    ]
    rows += [
        (f"observed by member {one.source}", str(one.count), one.digest[:16]) for one in account.observers
    ]
    lines = _table(("records", "count", "digest"), rows)
    return lines + _moved(account.closed, account.settled, account.observed)


def _moved(closed: Records | None, settled: Records | None, observed: Records | None) -> list[str]:
    """What was settled with other signed records than this node held at the close.

    Of unsigned meters each member observes what it hears; a median of them is settled (R4).
    """
    if closed is None or settled is None or closed.digest == settled.digest:
        return []
    points = sorted((closed.rows.keys() | settled.rows.keys()) - (observed.rows if observed else {}).keys())
    other = [point for point in points if closed.rows.get(point) != settled.rows.get(point)]
    if not other:
        return []
    first = other[0]
    held, taken = _short(closed.rows.get(first)), _short(settled.rows.get(first))
    where = f"{len(other)} usage points, first {first}: {held} held, {taken} settled"
    return [f"settled with other records than held at the close at {where}"]


def _signers(account: Account) -> str:
    return f"signed by {', '.join(map(str, account.signers))}" if account.signers else ""


def _own(words: Mapping[int, Word], own: int) -> int | None:
    word = words.get(own)
    return None if word is None else word.at_ms


def _quorum(words: Mapping[int, Word], quorum: int) -> int | None:
    times = sorted(word.at_ms for word in words.values() if word.value is not None)
    return times[quorum - 1] if len(times) >= quorum > 0 else None


def _offset(word: Word, zero: int | None) -> str:
    shown = _at(word.at_ms) if zero is None else f"{(word.at_ms - zero) / 1000:+.3f}"
    for_nothing = word.value is None and word.said in (Said.PREVOTE, Said.COMMIT)
    return f"{shown} (nothing)" if for_nothing else shown


def _short(record: str | None) -> str:
    return "nothing" if record is None else record[:16]


def _stage(stage: Stage) -> str:
    return stage.name.lower().replace("_", " ")


def _at(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%H:%M:%S.%f}"[:-3]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
