"""Where each raw record lies in the log: hash -> segment and byte.

Decides nothing that the log does not say again; a commit here may be lost with the power
and is then made again from the log. Only forgetting is synced at once, since the segment
itself goes next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from oracle.model import RecordHash
from oracle.storage.frame import Framed
from oracle.storage.sqlite_file import SqliteFile

VERSION: Final = 1
HASHES_PER_QUERY: Final = 500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    hash BLOB PRIMARY KEY, segment INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL,
    format TEXT NOT NULL, source INTEGER NOT NULL, received_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segment (
    number INTEGER PRIMARY KEY, indexed_bytes INTEGER NOT NULL, newest_ms INTEGER NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of the log: how much of it is indexed, and when its newest record arrived."""

    number: int
    indexed_bytes: int
    newest_ms: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    hash: RecordHash
    segment: int
    at: int


class RecordIndex:
    """The index at `path`. Thread-safe; raises StorageFailed."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _SCHEMA, version=VERSION, synchronous="NORMAL")

    def close(self) -> None:
        """Give up the file and its lock."""
        self._file.close()

    def segments(self) -> tuple[Segment, ...]:
        """Every segment, oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT number, indexed_bytes, newest_ms FROM segment ORDER BY number"
            ).fetchall()
        return tuple(Segment(*row) for row in rows)

    def places(self, hashes: Sequence[RecordHash]) -> Iterator[Place]:
        """Where those of the records lie that are held, in the order of the log by batches."""
        for first in range(0, len(hashes), HASHES_PER_QUERY):
            part = list(hashes[first : first + HASHES_PER_QUERY])
            marks = ",".join("?" * len(part))
            query = f"SELECT hash, segment, at FROM record WHERE hash IN ({marks}) ORDER BY segment, at"  # noqa: S608 - question marks
            with self._file.reading() as connection:
                rows = connection.execute(query, part).fetchall()
            for hash_, segment, at in rows:
                yield Place(RecordHash(hash_), segment, at)

    def remember(self, segment: int, indexed_bytes: int, found: Sequence[tuple[RecordHash, Framed]]) -> None:
        """Add frames of a segment, which is now indexed up to `indexed_bytes`."""
        rows = [
            (
                hash_,
                segment,
                frame.at,
                frame.length,
                frame.stored.record.format,
                frame.stored.record.source,
                frame.stored.received_ms,
            )
            for hash_, frame in found
        ]
        newest_ms = max(frame.stored.received_ms for _, frame in found)
        with self._file.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute(
                "INSERT INTO segment VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE SET"
                " indexed_bytes = excluded.indexed_bytes, newest_ms = max(newest_ms, excluded.newest_ms)",
                (segment, indexed_bytes, newest_ms),
            )

    def forget(self, segment: int, hashes: Sequence[RecordHash]) -> None:
        """Remove a segment and its records, durably."""
        with self._file.transaction(synced=True) as connection:
            connection.executemany(
                "DELETE FROM record WHERE hash = ? AND segment = ?", [(hash_, segment) for hash_ in hashes]
            )
            connection.execute("DELETE FROM segment WHERE number = ?", (segment,))
