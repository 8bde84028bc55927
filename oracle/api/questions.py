"""What can be asked of the history: which entry a reference means, and lists of entries.

Every question runs on a reader's thread and looks at a bounded number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consensus.messages import HEIGHT_MAX
from consensus.model import Committee
from oracle.api.chain_status import status_of
from oracle.api.entries import attestation_json
from oracle.api.errors import ApiError, Refused
from oracle.api.windows import entry_of
from oracle.storage.history import StoredEntry
from oracle.storage.history_reader import PAGE_MAX, HistoryReader

KINDS: Final = ("activate", "deal", "hello", "justify", "registry", "respond", "void", "window")
WINDOW_PREFIX: Final = "window:"
LATEST: Final = "latest"
RANGE_WINDOWS_MAX: Final = 512
"""Up to so many windows a range is looked up window by window, beyond it the log is walked."""
VOID_PAGES_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Listing:
    """Which entries are wanted. `since_s` and `until_s` bound the window's start, both included."""

    limit: int
    newest_first: bool
    cursor: int | None
    kind: str | None
    since_s: int | None
    until_s: int | None

    def wants(self, stored: StoredEntry) -> bool:
        """Whether an entry is within the bounds."""
        if self.kind is not None and stored.kind != self.kind:
            return False
        if self.since_s is None and self.until_s is None:
            return True
        start = stored.window_start_s
        return start is not None and (self.since_s or 0) <= start <= (
            start if self.until_s is None else self.until_s
        )

    def after_cursor(self, stored: StoredEntry) -> bool:
        """Whether an entry lies past the cursor, in the order asked for."""
        if self.cursor is None:
            return True
        return stored.height < self.cursor if self.newest_first else stored.height > self.cursor


@dataclass(frozen=True, slots=True)
class Found:
    """A page; `cursor` goes on from there, None at the end."""

    entries: tuple[StoredEntry, ...]
    cursor: int | None


def find(history: HistoryReader, reference: str, window_s: int) -> StoredEntry:
    """The entry that `latest`, a height or `window:<start>` means. Raises Refused."""
    if reference == LATEST:
        return _found(latest_window(history), "nothing is attested yet")
    if reference.startswith(WINDOW_PREFIX):
        start = natural(reference.removeprefix(WINDOW_PREFIX), "window")
        return _found(of_window(history, start, window_s), f"no entry about window {start}")
    height = natural(reference, "ref")
    return _found(history.entry(height), f"no entry of height {height}")


def latest_window(history: HistoryReader) -> StoredEntry | None:
    """The last revision of the latest window that is attested."""
    return history.newest_window()


def revisions(history: HistoryReader, stored: StoredEntry) -> list[dict[str, Any]]:
    """All that was ever said of an entry's window, in order; nothing for other kinds (A8)."""
    if stored.window_start_s is None:
        return []
    return [
        {"revision": one.revision, "kind": one.kind, "height": one.height, "digest": one.digest.hex()}
        for one in history.entries_of_window(stored.window_start_s)
    ]


def of_window(history: HistoryReader, start_s: int, window_s: int) -> StoredEntry | None:
    """The last word on a window: its newest revision, or the void that covers it (A7)."""
    said = history.entries_of_window(start_s)
    return said[-1] if said else _covering_void(history, start_s, window_s)


def listed(history: HistoryReader, asked: Listing, window_s: int, scan_max: int) -> Found:
    """A page of entries. It may be short and still have a cursor, when much was passed over."""
    if asked.since_s is not None and asked.until_s is not None:
        windows = range(-(-asked.since_s // window_s) * window_s, asked.until_s + 1, window_s)
        if len(windows) <= RANGE_WINDOWS_MAX:
            return _looked_up(history, asked, windows)
    return _walked(history, asked, scan_max)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the node knows besides its history, taken on the loop when a question is asked."""

    window_s: int
    committees: Mapping[int, Committee]
    tip_height: int
    final_depth: int


def attestation(history: HistoryReader, stored: StoredEntry, now: Surroundings) -> dict[str, Any]:
    """One entry as JSON, with its signature and its receipts."""
    receipts = history.receipts(stored.height)
    status = status_of(stored.kind, receipts, now.tip_height, now.final_depth)
    signature = stored.signature or history.part(stored.height, "bls") or b""
    return attestation_json(stored, signature, receipts, status, now.committees)


def natural(text: str, name: str) -> int:
    """A number from a request. Raises Refused."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(HEIGHT_MAX))):
        raise Refused(ApiError.BAD_PARAMETER, f"{name}: a whole number is wanted")
    return int(text)


def _found(stored: StoredEntry | None, detail: str) -> StoredEntry:
    if stored is None:
        raise Refused(ApiError.NOT_FOUND, detail)
    return stored


def _covering_void(history: HistoryReader, start_s: int, window_s: int) -> StoredEntry | None:
    cursor: int | None = None
    for _ in range(VOID_PAGES_MAX):
        page = history.entries(cursor=cursor, limit=PAGE_MAX, kind="void")
        for stored in page.entries:
            first = stored.window_start_s
            if first is not None and first <= start_s:
                count = entry_of(stored).body.get("count", 1)
                covered = isinstance(count, int) and start_s < first + count * window_s
                return stored if covered and (start_s - first) % window_s == 0 else None
        cursor = page.next_cursor
        if cursor is None:
            return None
    return None


def _looked_up(history: HistoryReader, asked: Listing, windows: range) -> Found:
    said = [stored for start in windows for stored in history.entries_of_window(start)]
    wanted = [stored for stored in said if asked.wants(stored) and asked.after_cursor(stored)]
    wanted.sort(key=lambda stored: stored.height, reverse=asked.newest_first)
    page = tuple(wanted[: asked.limit])
    return Found(page, page[-1].height if len(wanted) > asked.limit else None)


def _walked(history: HistoryReader, asked: Listing, scan_max: int) -> Found:
    found: list[StoredEntry] = []
    cursor, seen = asked.cursor, 0
    while True:
        page = history.entries(
            cursor=cursor,
            limit=asked.limit if asked.since_s is None and asked.until_s is None else PAGE_MAX,
            newest_first=asked.newest_first,
            kind=asked.kind,
        )
        for stored in page.entries:
            seen += 1
            if asked.wants(stored):
                found.append(stored)
                if len(found) == asked.limit:
                    last = page.next_cursor is None and stored is page.entries[-1]
                    return Found(tuple(found), None if last else stored.height)
        cursor = page.next_cursor
        if cursor is None or seen >= scan_max:
            return Found(tuple(found), cursor)
