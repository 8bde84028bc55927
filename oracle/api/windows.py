"""Decided windows with their leaves and trees, read from history and kept for a while.

Reading one back recomputes every hash, so the last few stay in memory. Thread-safe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from consensus.messages import Certificate, Entry
from consensus.model import InvariantBroken, Rejected
from oracle.model import WindowSummary, read_summary
from oracle.storage.history import StoredEntry
from oracle.storage.history_reader import HistoryReader
from oracle.windows.window_data import WindowData

WINDOW_PART = "window"
"""Name of the part that holds a window's leaves; `oracle.node` keeps it."""


class Windows:
    """Window data by height; at most `kept_max` of them."""

    def __init__(self, history: HistoryReader, kept_max: int) -> None:
        self._history = history
        self._kept_max = kept_max
        self._guard = threading.Lock()
        self._kept: OrderedDict[int, WindowData] = OrderedDict()

    def of(self, stored: StoredEntry) -> WindowData | None:
        """The leaves behind a `window` entry, None where the history has not got them yet.

        Raises StorageFailed; InvariantBroken if what is kept is not what was attested.
        """
        with self._guard:
            known = self._kept.get(stored.height)
            if known is not None:
                self._kept.move_to_end(stored.height)
                return known
        data = self._history.part(stored.height, WINDOW_PART)
        if data is None:
            return None
        found = WindowData.from_bytes(data, summary_of(stored))
        if isinstance(found, Rejected):
            raise InvariantBroken(f"the history keeps the leaves that were attested: {found.reason.value}")
        with self._guard:
            self._kept[stored.height] = found
            while len(self._kept) > self._kept_max:
                self._kept.popitem(last=False)
        return found


def entry_of(stored: StoredEntry) -> Entry:
    """The entry, typed."""
    entry = Entry.parse(stored.entry)
    if isinstance(entry, Rejected):
        raise InvariantBroken(f"the history keeps entries: {entry.detail}")
    return entry


def certificate_of(stored: StoredEntry) -> Certificate:
    """The certificate, typed."""
    certificate = Certificate.parse(stored.certificate)
    if isinstance(certificate, Rejected):
        raise InvariantBroken(f"the history keeps certificates: {certificate.detail}")
    return certificate


def summary_of(stored: StoredEntry) -> WindowSummary:
    """The body of a `window` entry."""
    summary = read_summary(entry_of(stored).body)
    if isinstance(summary, Rejected):
        raise InvariantBroken(f"a decided window has a summary: {summary.detail}")
    return summary
