"""What is written to history: entries, what belongs to them, and what became of them.

Decides what a write may change. An entry, once written, never changes: one outcome per
height, for ever. Its threshold signature may come later; its chain receipts move on.
Does not know how anything is read back (`history_reader.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from consensus.model import check

MILESTONES_PER_HEIGHT_MAX: Final = 1024
"""Further ones are dropped: rounds without end must not fill the disk (Q5)."""
PART_BYTES_MAX: Final = 256 << 20
META_KEY_MAX: Final = 128

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS entry (
    height INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, kind TEXT NOT NULL,
    entry BLOB NOT NULL, certificate BLOB NOT NULL, signature BLOB,
    window_start_s INTEGER, revision INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS entry_window ON entry (window_start_s, revision)
    WHERE window_start_s IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_kind ON entry (kind, height);
CREATE TABLE IF NOT EXISTS part (
    height INTEGER NOT NULL, name TEXT NOT NULL, blob BLOB NOT NULL, PRIMARY KEY (height, name)
) STRICT;
CREATE TABLE IF NOT EXISTS receipt (
    txid BLOB PRIMARY KEY, height INTEGER NOT NULL, status TEXT NOT NULL,
    block_height INTEGER, raw BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS receipt_height ON receipt (height);
CREATE INDEX IF NOT EXISTS receipt_status ON receipt (status, height);
CREATE TABLE IF NOT EXISTS evidence (
    number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, height INTEGER NOT NULL,
    kind TEXT NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS milestone (
    number INTEGER PRIMARY KEY, height INTEGER NOT NULL, stage TEXT NOT NULL,
    at_ms INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS milestone_height ON milestone (height);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A decided entry with its certificate; `window_start_s` where it is about a window.

    `signature` is the BLS signature over its digest, None until it is combined.
    """

    height: int
    digest: bytes
    kind: str
    entry: bytes
    certificate: bytes
    signature: bytes | None = None
    window_start_s: int | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class EntrySigned:
    """The threshold signature of an entry that is in history, or is in the same transaction."""

    height: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A blob beside an entry: window data, observations, attachments. Written again, it is replaced."""

    height: int
    name: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class PartGone:
    """A blob is not needed any more; if it is not there, nothing changes."""

    height: int
    name: str


@dataclass(frozen=True, slots=True)
class ChainReceipt:
    """A transaction about an entry and where it stands. Written again, status and block move on."""

    height: int
    txid: bytes
    status: str
    block_height: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """An evidence file (E6); `id` is the sha256 of `data`. Written again, nothing changes."""

    id: bytes
    height: int
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredMilestone:
    """What happened to a height, and when (UTC ms), for `explain`."""

    height: int
    stage: str
    at_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class Meta:
    """A value under a key of the node's own; None removes it."""

    key: str
    value: bytes | None


HistoryWrite: TypeAlias = (
    StoredEntry | EntrySigned | Part | PartGone | ChainReceipt | StoredEvidence | StoredMilestone | Meta
)


def write(connection: sqlite3.Connection, writes: Iterable[HistoryWrite]) -> None:
    """Apply the writes in order, inside a transaction of the caller's.

    Raises InvariantBroken for a second entry at a height, or a signature without entry.
    """
    for item in writes:
        match item:
            case StoredEntry():
                _write_entry(connection, item)
            case EntrySigned(height, signature):
                changed = connection.execute(
                    "UPDATE entry SET signature = ? WHERE height = ?", (signature, height)
                ).rowcount
                check(changed == 1, "an entry is in history before its signature")
            case Part(height, name, blob):
                check(len(blob) <= PART_BYTES_MAX, "a part is within its limit")
                connection.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?)", (height, name, blob))
            case PartGone(height, name):
                connection.execute("DELETE FROM part WHERE height = ? AND name = ?", (height, name))
            case ChainReceipt(height, txid, status, block_height, raw):
                connection.execute(
                    "INSERT INTO receipt VALUES (?, ?, ?, ?, ?) ON CONFLICT (txid) DO UPDATE"
                    " SET status = excluded.status, block_height = excluded.block_height",
                    (txid, height, status, block_height, raw),
                )
            case StoredEvidence(id_, height, kind, data):
                connection.execute(
                    "INSERT OR IGNORE INTO evidence (id, height, kind, data) VALUES (?, ?, ?, ?)",
                    (id_, height, kind, data),
                )
            case StoredMilestone(height, stage, at_ms, detail):
                connection.execute(
                    "INSERT INTO milestone (height, stage, at_ms, detail) SELECT ?, ?, ?, ?"
                    " WHERE (SELECT count(*) FROM milestone WHERE height = ?) < ?",
                    (height, stage, at_ms, detail, height, MILESTONES_PER_HEIGHT_MAX),
                )
            case Meta(key, None):
                connection.execute("DELETE FROM meta WHERE key = ?", (key,))
            case Meta(key, value):
                check(0 < len(key) <= META_KEY_MAX, "a meta key has 1 to 128 characters")
                connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _write_entry(connection: sqlite3.Connection, entry: StoredEntry) -> None:
    check(len(entry.digest) == 32, "an entry's digest has 32 bytes")
    held = connection.execute("SELECT digest FROM entry WHERE height = ?", (entry.height,)).fetchone()
    if held is not None:
        check(held[0] == entry.digest, f"height {entry.height} has one outcome for ever")
        return
    connection.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.height,
            entry.digest,
            entry.kind,
            entry.entry,
            entry.certificate,
            entry.signature,
            entry.window_start_s,
            entry.revision,
        ),
    )
