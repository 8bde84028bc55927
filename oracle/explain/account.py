"""One node's account of a window, read from its API's answer.

Nothing here is believed beyond its shape: what a node says of itself is its own word, and
so is what it says of others. Times are UTC milliseconds of that node's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from oracle.journey import HEARD_MAX, REMARKS_MAX, Said, Stage
from oracle.windows.inputs import ROWS_KEPT_MAX

EVENTS_MAX: Final = 1000
SOURCES_MAX: Final = ROWS_KEPT_MAX
MEMBERS_MAX: Final = 31
TEXT_MAX: Final = 256
TIME_MS_MAX: Final = 1 << 47
TIME_S_MAX: Final = 1 << 37
"""Both before the year 10000, where calendars end."""


class NoAccountError(ValueError):
    """The answer has not the shape of an account."""


@dataclass(frozen=True, slots=True)
class Word:
    """The first word of one sort by a member in a round; `value` is None where it is for nothing."""

    slot: int
    said: Said
    round: int
    at_ms: int
    value: str | None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something beside the stages: a refusal, a failed round, two votes of one member."""

    at_ms: int
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Records:
    """Records by usage point; `rows` the first ones, all of them where `complete`."""

    count: int
    digest: str
    complete: bool
    rows: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Source:
    """What one device handed in, in one format: so many records, and a digest over them in order."""

    format: str
    source: int
    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Account:
    """What one node says of one window. `name` is what the report calls the node."""

    name: str
    slot: int | None
    members: int
    quorum: int
    now_ms: int
    window_s: int
    window_start_s: int
    next_window_s: int
    height: int | None
    kind: str | None
    digest: str | None
    void_reason: str | None
    void_count: int
    stage: Stage
    reached_ms: Mapping[Stage, int]
    readings: int
    first_reading_ms: int | None
    last_reading_ms: int | None
    round: int | None
    signers: tuple[int, ...]
    proposers: tuple[int, ...]
    words: tuple[Word, ...]
    happenings: tuple[Happening, ...]
    closed: Records | None
    observed: Records | None
    settled: Records | None
    sources: tuple[Source, ...]
    observers: tuple[Source, ...]
    chain_status: str | None
    txid: str | None
    peers_down: tuple[int, ...]

    @property
    def closed_ms(self) -> int | None:
        """When the window closed here."""
        return self.reached_ms.get(Stage.CLOSED)

    def said(self, said: Said, round_: int = 0) -> dict[int, Word]:
        """The words of one sort and round, by member."""
        return {word.slot: word for word in self.words if word.said is said and word.round == round_}


def read_account(name: str, answer: Mapping[str, Any]) -> Account:
    """Read an answer. Raises NoAccountError."""
    try:
        return _read(name, answer)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise NoAccountError(f"{name} gave no account of a window: {cause}") from cause


def _read(name: str, answer: Mapping[str, Any]) -> Account:
    void, readings, inputs, chain = answer["void"], answer["readings"], answer["inputs"], answer["chain"]
    reached: dict[Stage, int] = {}
    for row in _rows(answer["stages"], REMARKS_MAX):
        if row["at_ms"]:
            reached.setdefault(_stage(row["stage"]), _natural(row["at_ms"], TIME_MS_MAX))
    signers = answer["signers"]
    return Account(
        name=name,
        slot=_or_none(answer["slot"]),
        members=_natural(answer["members"], MEMBERS_MAX),
        quorum=_natural(answer["quorum"], MEMBERS_MAX),
        now_ms=_natural(answer["now_ms"], TIME_MS_MAX),
        window_s=_natural(answer["window_s"], TIME_S_MAX),
        window_start_s=_natural(answer["window"], TIME_S_MAX),
        next_window_s=_natural(answer["next_window"], TIME_S_MAX),
        height=_or_none(answer["height"]),
        kind=None if answer["kind"] is None else _text(answer["kind"]),
        digest=None if answer["digest"] is None else _text(answer["digest"]),
        void_reason=None if void is None else _text(void["reason"]),
        void_count=0 if void is None else _natural(void["count"]),
        stage=_stage(answer["stage"]),
        reached_ms=reached,
        readings=_natural(readings["count"]),
        first_reading_ms=_or_none(readings["first_ms"], TIME_MS_MAX),
        last_reading_ms=_or_none(readings["last_ms"], TIME_MS_MAX),
        round=_or_none(answer["round"]),
        signers=() if signers is None else tuple(map(_natural, _rows(signers, MEMBERS_MAX))),
        proposers=tuple(map(_natural, _rows(answer["proposers"], 64))),
        words=tuple(map(_word, _rows(answer["heard"], HEARD_MAX))),
        happenings=tuple(map(_happening, _rows(answer["events"], EVENTS_MAX))),
        closed=_records(inputs["closed"]),
        observed=_records(inputs["observed"]),
        settled=_records(inputs["settled"]),
        sources=tuple(map(_source, _rows(inputs["sources"], SOURCES_MAX))),
        observers=tuple(
            Source("observed", _natural(row["slot"]), _natural(row["count"]), _text(row["digest"]))
            for row in _rows(inputs["observers"], MEMBERS_MAX)
        ),
        chain_status=None if chain is None else _text(chain["status"]),
        txid=None if chain is None or chain["txid"] is None else _text(chain["txid"]),
        peers_down=tuple(map(_natural, _rows(answer["peers_down"], MEMBERS_MAX))),
    )


def _word(row: Mapping[str, Any]) -> Word:
    value = None if row["value"] is None else _text(row["value"])
    said = Said[_text(row["said"]).upper()]
    return Word(
        _natural(row["slot"]), said, _natural(row["round"]), _natural(row["at_ms"], TIME_MS_MAX), value
    )


def _happening(row: Mapping[str, Any]) -> Happening:
    return Happening(_natural(row["at_ms"], TIME_MS_MAX), _text(row["name"]), _text(row["detail"]))


def _source(row: Mapping[str, Any]) -> Source:
    return Source(_text(row["format"]), _natural(row["source"]), _natural(row["count"]), _text(row["digest"]))


def _records(value: Any) -> Records | None:
    if value is None:
        return None
    pairs = ((_natural(row["usage_point"]), _text(row["record"])) for row in _rows(value["rows"]))
    return Records(
        _natural(value["count"]), _text(value["digest"]), bool(value["complete"]), dict(sorted(pairs))
    )


def _rows(value: Any, most: int = ROWS_KEPT_MAX) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise NoAccountError("a list is none, or too long")
    return value


def _natural(value: Any, most: int = 1 << 64) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise NoAccountError("a number is none, or out of range")
    return value


def _or_none(value: Any, most: int = 1 << 64) -> int | None:
    return None if value is None else _natural(value, most)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise NoAccountError("a text is none, or too long")
    return "".join(letter if letter.isprintable() else " " for letter in value)


def _stage(value: Any) -> Stage:
    return Stage[_text(value).upper().replace("-", "_")]
