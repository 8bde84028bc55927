"""What is read from history, by the API, by peers that catch up (U1), and on restart.

Every method is one consistent view, beside the writer; lists are paged and bounded.
Does not decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from consensus.model import check
from oracle.storage.history import ChainReceipt, Part, StoredEntry, StoredEvidence, StoredMilestone
from oracle.storage.sqlite_file import SqliteFile

PAGE_MAX: Final = 500
_ENTRY: Final = (
    "SELECT height, digest, kind, entry, certificate, signature, window_start_s, revision FROM entry"
)
_RECEIPT: Final = "SELECT height, txid, status, block_height, raw FROM receipt"
_EVIDENCE: Final = "SELECT id, height, kind, data FROM evidence"


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries in the order asked for; give `next_cursor` to go on, None at the end."""

    entries: tuple[StoredEntry, ...]
    next_cursor: int | None


class HistoryReader:
    """Reads history; thread-safe. Raises StorageFailed."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def newest(self) -> StoredEntry | None:
        """The entry of the greatest height."""
        return self._one_entry(f"{_ENTRY} ORDER BY height DESC LIMIT 1", ())

    def entry(self, height: int) -> StoredEntry | None:
        """The entry of a height."""
        return self._one_entry(f"{_ENTRY} WHERE height = ?", (height,))

    def entry_of_digest(self, digest: bytes) -> StoredEntry | None:
        """The entry with this digest."""
        return self._one_entry(f"{_ENTRY} WHERE digest = ?", (digest,))

    def entries_of_window(self, window_start_s: int) -> tuple[StoredEntry, ...]:
        """What was ever said about a window, by revision (A8)."""
        return self._entries(
            f"{_ENTRY} WHERE window_start_s = ? ORDER BY revision, height LIMIT ?",
            (window_start_s, PAGE_MAX),
        )

    def newest_window(self) -> StoredEntry | None:
        """The last revision of the latest window that is attested; a newer entry may restate an older one."""
        return self._one_entry(
            f"{_ENTRY} WHERE window_start_s IS NOT NULL AND kind = 'window'"
            " ORDER BY window_start_s DESC, revision DESC LIMIT 1",
            (),
        )

    def entries(
        self,
        *,
        cursor: int | None = None,
        limit: int = 50,
        newest_first: bool = True,
        kind: str | None = None,
    ) -> EntryPage:
        """A page of entries by height, past the height `cursor`, of one kind if given."""
        check(0 < limit <= PAGE_MAX, f"a page has 1 to {PAGE_MAX} entries")
        past, order = ("<", "DESC") if newest_first else (">", "ASC")
        conditions, arguments = ["TRUE"], list[int | str]()
        if kind is not None:
            conditions.append("kind = ?")
            arguments.append(kind)
        if cursor is not None:
            conditions.append(f"height {past} ?")
            arguments.append(cursor)
        found = self._entries(
            f"{_ENTRY} WHERE {' AND '.join(conditions)} ORDER BY height {order} LIMIT ?",
            (*arguments, limit + 1),
        )
        page = found[:limit]
        return EntryPage(page, page[-1].height if len(found) > limit else None)

    def unsigned_heights(self, limit: int = PAGE_MAX) -> tuple[int, ...]:
        """Heights whose threshold signature is still to come, oldest first."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT height FROM entry WHERE signature IS NULL ORDER BY height LIMIT ?", (limit,)
            ).fetchall()
        return tuple(row[0] for row in rows)

    def part(self, height: int, name: str) -> bytes | None:
        """The blob of that name beside a height."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT blob FROM part WHERE height = ? AND name = ?", (height, name)
            ).fetchone()
        return None if row is None else bytes(row[0])

    def parts(self, height: int) -> tuple[Part, ...]:
        """Every blob beside a height, by name."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT height, name, blob FROM part WHERE height = ? ORDER BY name", (height,)
            ).fetchall()
        return tuple(Part(*row) for row in rows)

    def receipts(self, height: int) -> tuple[ChainReceipt, ...]:
        """Every transaction about a height."""
        return self._receipts(f"{_RECEIPT} WHERE height = ? ORDER BY txid LIMIT ?", (height, PAGE_MAX))

    def receipts_of_status(self, status: str, limit: int = PAGE_MAX) -> tuple[ChainReceipt, ...]:
        """Transactions that stand at `status`, oldest height first."""
        return self._receipts(f"{_RECEIPT} WHERE status = ? ORDER BY height, txid LIMIT ?", (status, limit))

    def evidence(self, id_: bytes) -> StoredEvidence | None:
        """One piece of evidence by its id."""
        with self._file.reading() as connection:
            row = connection.execute(f"{_EVIDENCE} WHERE id = ?", (id_,)).fetchone()
        return None if row is None else StoredEvidence(*row)

    def all_evidence(self, limit: int = PAGE_MAX) -> tuple[StoredEvidence, ...]:
        """Evidence, the newest first."""
        with self._file.reading() as connection:
            rows = connection.execute(f"{_EVIDENCE} ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
        return tuple(StoredEvidence(*row) for row in rows)

    def milestones(self, height: int) -> tuple[StoredMilestone, ...]:
        """What happened to a height, in order."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT height, stage, at_ms, detail FROM milestone WHERE height = ? ORDER BY number",
                (height,),
            ).fetchall()
        return tuple(StoredMilestone(*row) for row in rows)

    def meta(self, key: str) -> bytes | None:
        """The value under a key."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def meta_of_prefix(self, prefix: str) -> tuple[tuple[str, bytes], ...]:
        """Keys that begin with `prefix` and their values, by key."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT key, value FROM meta WHERE substr(key, 1, ?) = ? ORDER BY key",
                (len(prefix), prefix),
            ).fetchall()
        return tuple((row[0], bytes(row[1])) for row in rows)

    def _one_entry(self, query: str, arguments: tuple[int | bytes, ...]) -> StoredEntry | None:
        found = self._entries(query, arguments)
        return found[0] if found else None

    def _entries(
        self, query: str, arguments: tuple[int | str | bytes | None, ...]
    ) -> tuple[StoredEntry, ...]:
        with self._file.reading() as connection:
            rows = connection.execute(query, arguments).fetchall()
        return tuple(StoredEntry(*row) for row in rows)

    def _receipts(self, query: str, arguments: tuple[int | str, ...]) -> tuple[ChainReceipt, ...]:
        with self._file.reading() as connection:
            rows = connection.execute(query, arguments).fetchall()
        return tuple(ChainReceipt(*row) for row in rows)
