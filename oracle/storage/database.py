"""`node.db`: journal and history in one file, so that no crash ever splits them.

Decides what happens together. The sync methods may be called from any thread; the async
ones run on threads of their own, one for writing and a few for reading, so that an fsync
never holds up the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from consensus.step import JournalRecord
from oracle.storage import history, journal
from oracle.storage.history import HistoryWrite
from oracle.storage.history_reader import HistoryReader
from oracle.storage.journal import Journal
from oracle.storage.sqlite_file import READERS_MAX, SqliteFile

VERSION: Final = 1
T = TypeVar("T")


class Database:
    """The node's database at `path`. Every method raises StorageFailed when the disk fails."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, journal.SCHEMA + history.SCHEMA, version=VERSION)
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="node.db-write")
        self._reading = ThreadPoolExecutor(max_workers=READERS_MAX, thread_name_prefix="node.db-read")
        self.journal = Journal(self._file)
        self.history = HistoryReader(self._file)

    def close(self) -> None:
        """Finish what was begun, then give up the file and its lock."""
        self._writing.shutdown(wait=True)
        self._reading.shutdown(wait=True)
        self._file.close()

    def transaction(
        self,
        journal_items: Sequence[JournalRecord] = (),
        history_writes: Sequence[HistoryWrite] = (),
        truncate_below: int | None = None,
    ) -> None:
        """Make records and history durable together, or neither (N2).

        `truncate_below` forgets the journal of lower heights in the same transaction: for
        the Step that puts a height's entry into history.
        """
        if not journal_items and not history_writes and truncate_below is None:
            return
        with self._file.transaction() as connection:
            journal.append(connection, journal_items)
            history.write(connection, history_writes)
            if truncate_below is not None:
                journal.truncate(connection, truncate_below)

    async def write(
        self,
        journal_items: Sequence[JournalRecord] = (),
        history_writes: Sequence[HistoryWrite] = (),
        truncate_below: int | None = None,
    ) -> None:
        """`transaction` on the writer's thread; calls are carried out in the order they were made.

        Cancelling the caller does not undo a transaction that has begun.
        """
        await asyncio.get_running_loop().run_in_executor(
            self._writing, self.transaction, tuple(journal_items), tuple(history_writes), truncate_below
        )

    async def read(self, question: Callable[[HistoryReader], T]) -> T:
        """Ask history on a reader's thread: `await database.read(lambda h: h.entry(5))`."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, question, self.history)
