"""The journal: what a machine must remember before it acts, in the order it happened.

Decides durability and order. Does not know what a record's bytes mean; the machine that
wrote them reads them again on restart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

from consensus.step import JournalRecord
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.sqlite_file import SqliteFile

RECORDS_READ_AT_ONCE: Final = 1024

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY, height INTEGER NOT NULL, kind TEXT NOT NULL,
    data BLOB NOT NULL, checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_height ON journal (height);
"""


class Journal:
    """The journal inside a database file. Raises StorageFailed; thread-safe."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def commit(self, items: Sequence[JournalRecord]) -> None:
        """Make a Step's records durable, all or none (N2)."""
        if items:
            with self._file.transaction() as connection:
                append(connection, items)

    def replay(self) -> Iterator[JournalRecord]:
        """Give every record in the order in which it was committed.

        Raises StorageFailed(CORRUPT) at a record whose checksum does not match.
        """
        after = -1
        while True:
            with self._file.reading() as connection:
                rows = connection.execute(
                    "SELECT sequence, height, kind, data, checksum FROM journal"
                    " WHERE sequence > ? ORDER BY sequence LIMIT ?",
                    (after, RECORDS_READ_AT_ONCE),
                ).fetchall()
            for sequence, height, kind, data, checksum in rows:
                record = JournalRecord(height, kind, data)
                if checksum != _checksum(record):
                    raise StorageFailed(StorageProblem.CORRUPT, f"journal record {sequence}")
                yield record
                after = sequence
            if len(rows) < RECORDS_READ_AT_ONCE:
                return

    def truncate_below(self, height: int) -> int:
        """Forget records of heights below `height`; give how many."""
        with self._file.transaction() as connection:
            return truncate(connection, height)


def append(connection: sqlite3.Connection, items: Sequence[JournalRecord]) -> None:
    """Add records inside a transaction of the caller's."""
    connection.executemany(
        "INSERT INTO journal (height, kind, data, checksum) VALUES (?, ?, ?, ?)",
        [(item.height, item.kind, item.data, _checksum(item)) for item in items],
    )


def truncate(connection: sqlite3.Connection, below_height: int) -> int:
    """Remove records inside a transaction of the caller's."""
    return connection.execute("DELETE FROM journal WHERE height < ?", (below_height,)).rowcount


def _checksum(record: JournalRecord) -> int:
    return crc32(record.data, crc32(f"{record.height} {record.kind}".encode()))
