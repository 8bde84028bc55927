"""The outbox on disk: jobs and attempts in SQLite, one owner at a time.

Decides what is durable: every `save` is one transaction, synced before it returns. A lock
beside the file keeps a second process out, so a nonce has one owner; the file's name holds
the account, so a key has one file. Calls block; the outbox makes them in a thread.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any, Final

from consensus.encoding import Principal
from consensus.model import check
from oracle.chain.address import account_text
from oracle.chain.answers import RejectReason
from oracle.chain.job import FINISHED, Abandoned, Attempt, Job, JobState
from oracle.chain.transaction import Transaction, parse, serialise

SCHEMA_VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    template BLOB NOT NULL,
    created_s INTEGER NOT NULL,
    state TEXT NOT NULL,
    nonce INTEGER,
    sent_s INTEGER,
    missing_since_s INTEGER,
    refused_since_s INTEGER,
    refusal TEXT,
    unneeded INTEGER NOT NULL,
    abandoned TEXT,
    txid TEXT,
    height INTEGER,
    succeeded INTEGER,
    result BLOB
) STRICT;
CREATE UNIQUE INDEX one_owner_per_nonce ON jobs (nonce) WHERE nonce IS NOT NULL;
CREATE INDEX jobs_by_state ON jobs (state, sequence);
CREATE TABLE attempts (
    job INTEGER NOT NULL REFERENCES jobs (sequence) ON DELETE CASCADE,
    txid TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    fee_ustx INTEGER NOT NULL,
    raw BLOB NOT NULL,
    made_s INTEGER NOT NULL,
    PRIMARY KEY (job, txid)  -- two jobs with one payload may have had the same bytes, one after the other
) STRICT;
"""


class OutboxLocked(RuntimeError):  # noqa: N818 - it states a fact
    """Another process owns this account's nonces."""


class OutboxDamaged(RuntimeError):  # noqa: N818 - it states a fact
    """The file is of another version of this program."""


class Ledger:
    """Jobs of the account `owner`, in `directory`; close it to let go of the lock."""

    def __init__(self, directory: Path, owner: Principal) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"outbox-{account_text(owner)}.sqlite3"
        self._busy = threading.Lock()
        self._lock_file = _lock(path.with_suffix(".lock"))
        try:
            self._base = _open(path)
        except BaseException:
            os.close(self._lock_file)
            raise

    def close(self) -> None:
        """Close the file, then let go of the lock."""
        with self._busy:
            self._base.close()
            os.close(self._lock_file)

    def add(self, key: str, template: Transaction, now_s: int) -> Job:
        """Put a new job at the end of the queue."""
        with self._busy, self._base:
            cursor = self._base.execute(
                "INSERT INTO jobs (key, template, created_s, state, unneeded) VALUES (?, ?, ?, ?, 0)",
                (key, serialise(template), now_s, JobState.QUEUED.value),
            )
        check(cursor.lastrowid is not None, "a new row has a number")
        return Job(cursor.lastrowid or 0, key, template, now_s)

    def save(self, job: Job) -> None:
        """Make a job's new state durable, with the attempts it has gained."""
        with self._busy, self._base:
            cursor = self._base.execute(
                "UPDATE jobs SET state = ?, nonce = ?, sent_s = ?, missing_since_s = ?, refused_since_s = ?,"
                " refusal = ?, unneeded = ?, abandoned = ?, txid = ?, height = ?, succeeded = ?, result = ?"
                " WHERE sequence = ?",
                (
                    job.state.value,
                    job.nonce,
                    job.sent_s,
                    job.missing_since_s,
                    job.refused_since_s,
                    job.refusal and job.refusal.value,
                    job.unneeded,
                    job.abandoned and job.abandoned.value,
                    job.txid,
                    job.height,
                    job.succeeded,
                    job.result_bytes,
                    job.sequence,
                ),
            )
            check(cursor.rowcount == 1, "a job that is saved was added")
            self._base.executemany(
                "INSERT OR IGNORE INTO attempts VALUES (?, ?, ?, ?, ?, ?)",
                [(job.sequence, a.txid, a.nonce, a.fee_ustx, a.raw, a.made_s) for a in job.attempts],
            )

    def job(self, key: str) -> Job | None:
        """The job of a key."""
        found = self._jobs("WHERE key = ?", key)
        return found[0] if found else None

    def placed(self, nonce: int) -> tuple[Job, ...]:
        """Jobs that hold a nonce and are not done, and done ones from `nonce` on; by nonce."""
        return self._jobs(
            "WHERE nonce IS NOT NULL AND (state != ? OR nonce >= ?) ORDER BY nonce",
            JobState.DONE.value,
            nonce,
        )

    def next_queued(self) -> Job | None:
        """The first job without a nonce."""
        found = self._jobs("WHERE state = ? ORDER BY sequence LIMIT 1", JobState.QUEUED.value)
        return found[0] if found else None

    def unfinished(self) -> tuple[Job, ...]:
        """All jobs that are neither done nor abandoned, in the order they came."""
        finished = [state.value for state in FINISHED]
        return self._jobs("WHERE state NOT IN (?, ?) ORDER BY sequence", *finished)

    def unfinished_count(self) -> int:
        """How many jobs are neither done nor abandoned."""
        counts = self.counts()
        return sum(count for state, count in counts.items() if state not in FINISHED)

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        with self._busy:
            rows = self._base.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall()
        return {JobState(state): count for state, count in rows}

    def prune(self, keep: int) -> None:
        """Forget the oldest finished jobs beyond `keep`."""
        finished = [state.value for state in FINISHED]
        with self._busy, self._base:
            self._base.execute(
                "DELETE FROM jobs WHERE sequence IN (SELECT sequence FROM jobs WHERE state IN (?, ?)"
                " ORDER BY sequence DESC LIMIT -1 OFFSET ?)",
                (*finished, keep),
            )

    def _jobs(self, condition: str, *arguments: str | int) -> tuple[Job, ...]:
        with self._busy:
            rows = self._base.execute(f"SELECT * FROM jobs {condition}", arguments).fetchall()  # noqa: S608
            return tuple(self._read(row) for row in rows)

    def _read(self, row: sqlite3.Row) -> Job:
        attempts = self._base.execute(
            "SELECT txid, nonce, fee_ustx, raw, made_s FROM attempts WHERE job = ? ORDER BY rowid",
            (row["sequence"],),
        )
        return Job(
            sequence=row["sequence"],
            key=row["key"],
            template=parse(row["template"]),
            created_s=row["created_s"],
            state=JobState(row["state"]),
            nonce=row["nonce"],
            attempts=tuple(Attempt(*attempt) for attempt in attempts),
            sent_s=row["sent_s"],
            missing_since_s=row["missing_since_s"],
            refused_since_s=row["refused_since_s"],
            refusal=_optional(RejectReason, row["refusal"]),
            unneeded=bool(row["unneeded"]),
            abandoned=_optional(Abandoned, row["abandoned"]),
            txid=row["txid"],
            height=row["height"],
            succeeded=_optional(bool, row["succeeded"]),
            result_bytes=row["result"],
        )


def _optional(kind: Any, value: Any) -> Any:
    return None if value is None else kind(value)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as cause:
        os.close(descriptor)
        raise OutboxLocked(f"another process holds {path.name}") from cause
    return descriptor


def _open(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, check_same_thread=False)
    base.row_factory = sqlite3.Row
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute("PRAGMA foreign_keys = ON")
    (version,) = base.execute("PRAGMA user_version").fetchone()
    if version == 0:
        base.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    elif version != SCHEMA_VERSION:
        base.close()
        raise OutboxDamaged(f"{path.name} has version {version}, not {SCHEMA_VERSION}")
    return base
