"""When a settled window may be restated, and what the log has said of it so far (A8).

Windows are settled in *periods* of a fixed number of windows. After a period's end there
are *runs*, each a fixed number of windows later. A run is due as soon as the log moves on
to the window that begins then, so all nodes know of the same runs, whatever their clocks
say. In a run every window of its period may get one further revision, oldest first. After
the last run a period is final.

Knows neither leaves nor records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from consensus.encoding import Value
from consensus.messages import Fields
from oracle.model import WindowStart

REVISIONS_MAX: Final = 15
"""What the contract takes of one window."""
REACH_WINDOWS_MAX: Final = 40_000
"""A year of quarter hours, and some: the ledger is kept in memory."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The settlement calendar, in windows; all nodes of a network have it alike.

    Raises ValueError where it makes no sense. The defaults are an hour, a day and a week of
    quarter hours after the hour's end.
    """

    period_windows: int = 4
    delays_windows: tuple[int, ...] = (4, 96, 672)
    """From a period's end to its runs."""
    revisions_max: int = 3
    """Of one window, the first not counted; also where it only follows another's restatement."""

    def __post_init__(self) -> None:
        delays = self.delays_windows
        if self.period_windows < 1 or any(delay < 1 for delay in delays):
            raise ValueError("a period and a delay are at least one window")
        if list(delays) != sorted(set(delays)):
            raise ValueError("each run comes later than the one before it")
        if not 0 <= self.revisions_max <= REVISIONS_MAX:
            raise ValueError(f"the contract takes at most {REVISIONS_MAX} revisions")
        if self.period_windows + max(delays, default=0) > REACH_WINDOWS_MAX:
            raise ValueError(f"windows are kept for at most {REACH_WINDOWS_MAX} windows")

    def period_end_s(self, window: WindowStart, window_s: int) -> int:
        """Where the period of a window ends."""
        length_s = self.period_windows * window_s
        return (window // length_s + 1) * length_s

    def is_due(self, window: WindowStart, before: int, now: int, window_s: int) -> bool:
        """Whether the log, moving from window `before` to window `now`, comes to a run of this window."""
        end_s = self.period_end_s(window, window_s)
        return any(before < end_s + delay * window_s <= now for delay in self.delays_windows)

    def is_final(self, window: WindowStart, now: int, window_s: int) -> bool:
        """Whether no run is left, once the log has moved on to window `now`."""
        last_s = max(self.delays_windows, default=0) * window_s
        return not self.delays_windows or self.period_end_s(window, window_s) + last_s <= now

    def reach_s(self, window_s: int) -> int:
        """No window that began longer ago can be restated."""
        return (self.period_windows + max(self.delays_windows, default=0)) * window_s


@dataclass(frozen=True, slots=True)
class Said:
    """The last word of the log on one window."""

    revision: int
    attested: bool
    """False for a void."""
    own: bool
    """False where a void that speaks of several windows covers it and stands under another's start."""
    registry: bytes
    """Root of the registry in force."""

    @property
    def next_revision(self) -> int:
        """What its restatement is called; a window without an entry of its own begins with 0."""
        return self.revision + 1 if self.own else 0

    def restated(self) -> Said:
        """After one more revision."""
        return replace(self, revision=self.next_revision, attested=True, own=True)


class Ledger:
    """The windows that may still be restated; bounded by the calendar's reach."""

    def __init__(self, calendar: Calendar, window_s: int) -> None:
        self._calendar, self._window_s = calendar, window_s
        self._said: dict[WindowStart, Said] = {}

    def of(self, window: WindowStart) -> Said | None:
        """The last word on a window, None where it is final or to come."""
        return self._said.get(window)

    def attested_between(self, after: WindowStart, before: WindowStart) -> list[WindowStart]:
        """Attested windows with after < start < before, in order."""
        return sorted(one for one, said in self._said.items() if after < one < before and said.attested)

    def can_restate(self, window: WindowStart) -> bool:
        """Whether the window may have one more revision."""
        said = self._said.get(window)
        return said is not None and said.next_revision <= self._calendar.revisions_max

    def attest(self, window: WindowStart, registry: bytes) -> None:
        """A window's first entry."""
        self._said[window] = Said(0, attested=True, own=True, registry=registry)

    def void(self, window: WindowStart, count: int, registry: bytes) -> None:
        """A void that speaks of `count` windows; only those within reach are kept."""
        end = window + count * self._window_s
        first = max(window, end - self._calendar.reach_s(self._window_s))
        first += -first % self._window_s
        for covered in range(first, end, self._window_s):
            said = Said(0, attested=False, own=covered == window, registry=registry)
            self._said[WindowStart(covered)] = said

    def restate(self, window: WindowStart) -> None:
        """One more revision of a window."""
        self._said[window] = self._said[window].restated()

    def move(self, before: WindowStart, now: WindowStart) -> tuple[WindowStart, ...]:
        """The log has moved on: the windows of the runs that are due, in order. Forgets what is final."""
        window_s = self._window_s
        due = sorted(one for one in self._said if self._calendar.is_due(one, before, now, window_s))
        kept = set(due)
        for window in list(self._said):
            if self._calendar.is_final(window, now, window_s) and window not in kept:
                del self._said[window]
        return tuple(due)

    def registries(self) -> set[bytes]:
        """Roots of the registries that a restatement may need."""
        return {said.registry for said in self._said.values()}

    def rows(self) -> tuple[Value, ...]:
        """For the history: one row a window."""
        return tuple(
            {
                "window": window,
                "revision": said.revision,
                "state": int(said.attested) + 2 * int(said.own),
                "registry": said.registry,
            }
            for window, said in sorted(self._said.items())
        )

    def load(self, rows: Iterable[Value]) -> None:
        """Read back what `rows` gave."""
        self._said.clear()
        for row in rows:
            fields = Fields(row)
            state = fields.uint("state", 3)
            self._said[WindowStart(fields.uint("window"))] = Said(
                fields.uint("revision"),
                attested=bool(state & 1),
                own=bool(state & 2),
                registry=fields.buff("registry", 32),
            )
