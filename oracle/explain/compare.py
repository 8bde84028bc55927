"""Several nodes' accounts of one window, side by side: who agrees, and where inputs first differ.

Decides nothing about who is right: two nodes may have held other records at the close and
still have settled alike, since they hand each other what is missing before they vote (A2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oracle.explain.account import Account, Records, Source
from oracle.journey import Stage


@dataclass(frozen=True, slots=True)
class Difference:
    """The first usage point at which two nodes' records differ; None where one holds none."""

    here: str
    there: str
    usage_point: int
    record_here: str | None
    record_there: str | None
    more: int
    """At so many further usage points they differ too, as far as rows were given."""


@dataclass(frozen=True, slots=True)
class SourceDifference:
    """A source of which two nodes have other records."""

    here: str
    there: str
    format: str
    source: int
    count_here: int
    count_there: int


@dataclass(frozen=True, slots=True)
class Spread:
    """When a stage was reached at the first and at the last node."""

    stage: Stage
    first: str
    last: str
    by_ms: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several accounts of one window say together."""

    outcomes: tuple[tuple[str, tuple[str, ...]], ...]
    """(what was settled, by which nodes), the most first; "" where nothing is settled yet."""
    alike: tuple[tuple[str, tuple[str, ...]], ...]
    """(digest of what was held at the close, by which nodes), the most first."""
    differences: tuple[Difference, ...]
    """At the close: each group of nodes against the greatest one."""
    sources: tuple[SourceDifference, ...]
    spreads: tuple[Spread, ...]

    @property
    def conflicting(self) -> bool:
        """Whether two nodes hold different outcomes: that must never be."""
        return len([digest for digest, _ in self.outcomes if digest]) > 1

    @property
    def sentence(self) -> str:
        """In plain words."""
        if self.conflicting:
            return "the nodes hold DIFFERENT outcomes of one window: keep their data and report it"
        parts = []
        if len(self.alike) > 1:
            groups = "; ".join(" and ".join(names) for _, names in self.alike)
            parts.append(f"inputs at the close differed: {groups}")
        elif self.alike:
            parts.append("all held the same records at the close")
        else:
            parts.append("no node kept what it held at the close")
        if len(self.outcomes) > 1:
            behind = [name for digest, names in self.outcomes if not digest for name in names]
            parts.append(f"not settled yet at {' and '.join(behind)}")
        elif self.outcomes and self.outcomes[0][0]:
            parts.append("all settled it alike")
        return ", ".join(parts)


def compare(accounts: Sequence[Account]) -> Comparison:
    """Put accounts of one window side by side."""
    held = {account.name: account.closed for account in accounts if account.closed is not None}
    alike = _grouped([(one.digest, name) for name, one in held.items()])
    by_name = {account.name: account for account in accounts}
    differences, sources = [], list[SourceDifference]()
    for _, names in alike[1:]:
        here, there = alike[0][1][0], names[0]
        found = first_difference(here, held[here], there, held[there])
        if found is not None:
            differences.append(found)
    for account in accounts[1:]:
        sources += _sources(by_name[accounts[0].name], account)
    return Comparison(
        _grouped([(account.digest or "", account.name) for account in accounts]),
        alike,
        tuple(differences),
        tuple(sources),
        tuple(spread for stage in Stage if (spread := _spread(stage, accounts)) is not None),
    )


def first_difference(here: str, mine: Records, there: str, theirs: Records) -> Difference | None:
    """The first usage point, in ascending order, where the rows differ; None where none shows."""
    last = min((_end(one) for one in (mine, theirs)), default=0)
    points = [point for point in sorted(mine.rows.keys() | theirs.rows.keys()) if point <= last]
    differing = [point for point in points if mine.rows.get(point) != theirs.rows.get(point)]
    if not differing:
        return None
    first = differing[0]
    return Difference(here, there, first, mine.rows.get(first), theirs.rows.get(first), len(differing) - 1)


def _end(records: Records) -> int:
    """How far the rows speak for all: beyond the last row of a part nothing is known."""
    return 1 << 64 if records.complete else max(records.rows, default=0)


def _grouped(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    groups: dict[str, list[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, []).append(name)
    ordered = sorted(groups.items(), key=lambda one: (-len(one[1]), one[1]))
    return tuple((key, tuple(names)) for key, names in ordered)


def _sources(here: Account, there: Account) -> list[SourceDifference]:
    mine, theirs = _by_source(here.sources), _by_source(there.sources)
    found = []
    for key in sorted(mine.keys() | theirs.keys()):
        one, other = mine.get(key), theirs.get(key)
        if (one and one.digest) != (other and other.digest):
            counts = (0 if one is None else one.count, 0 if other is None else other.count)
            found.append(SourceDifference(here.name, there.name, *key, *counts))
    return found


def _by_source(sources: Sequence[Source]) -> dict[tuple[str, int], Source]:
    return {(one.format, one.source): one for one in sources}


def _spread(stage: Stage, accounts: Sequence[Account]) -> Spread | None:
    times = [(one.reached_ms[stage], one.name) for one in accounts if stage in one.reached_ms]
    if len(times) < 2:
        return None
    first, last = min(times), max(times)
    return Spread(stage, first[1], last[1], last[0] - first[0])
