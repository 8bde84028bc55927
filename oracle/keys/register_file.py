"""The file under the sign-once register: opened, locked, whole, and its failures named.

Decides the schema and how durable a commit is. Does not know what a row means.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from pathlib import Path
from typing import Final

from oracle.keys.marker import ID_BYTES, MarkerCorrupt

_LOCK_WAIT_MS: Final = 2_000

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (
    only INTEGER PRIMARY KEY CHECK (only = 1), register BLOB NOT NULL, generation INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS signed (
    key BLOB NOT NULL, network BLOB NOT NULL, height INTEGER NOT NULL, round INTEGER NOT NULL,
    phase INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (key, network, height, round, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watermark (
    key BLOB NOT NULL, network BLOB NOT NULL, phase INTEGER NOT NULL,
    height INTEGER NOT NULL, round INTEGER NOT NULL,
    PRIMARY KEY (key, network, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pinned (
    only INTEGER PRIMARY KEY CHECK (only = 1), network BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS twin (
    key BLOB NOT NULL, network BLOB NOT NULL, height INTEGER NOT NULL, round INTEGER NOT NULL,
    phase INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (key, network, height, round, phase, digest)
) STRICT, WITHOUT ROWID;
"""


class RegisterProblem(Enum):
    """Why no signature can be made at all."""

    LOCKED = "locked"
    """Another process on this machine, or on the markers' file system, uses it."""
    TWIN = "twin"
    """Another instance has written the marker since: two nodes run with one key."""
    OLD_COPY = "old-copy"
    """A marker has seen a newer generation: this is a restored copy."""
    LOST = "lost"
    """A marker is there, the register is not."""
    MARKER_MISSING = "marker-missing"
    """The register has been used, a marker that must stand beside it is gone."""
    MARKER_FOREIGN = "marker-foreign"
    """The marker belongs to another register."""
    DISK_FULL = "disk-full"
    """Nothing was signed; the register may be used again once there is room."""
    FAILED = "failed"
    """Reading or writing failed: nothing was signed, and nothing will be until a restart."""
    CORRUPT = "corrupt"
    """The register or a marker does not hold together."""
    OTHER_NETWORK = "other-network"
    """The register serves another network: give each network a data folder of its own."""
    EXPORT_MALFORMED = "export-malformed"
    """The file to import is none of ours, or another network's."""


class RegisterFailed(Exception):  # noqa: N818 - it states a fact, like StorageFailed
    """N2, N3: no signature left the process; `problem` says why."""

    def __init__(self, problem: RegisterProblem, detail: str = "") -> None:
        super().__init__(f"{problem.value}: {detail}" if detail else problem.value)
        self.problem = problem


def connected(path: Path) -> sqlite3.Connection:
    """Open or make the register's database; raises RegisterFailed, OSError, sqlite3.Error."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute(f"PRAGMA busy_timeout = {_LOCK_WAIT_MS}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")  # N1: durable when COMMIT returns
        database.execute("PRAGMA fullfsync = ON")  # means what it says on macOS too
        database.executescript(_SCHEMA)
        _check_whole(database, path)
    except BaseException:
        database.close()
        raise
    return database


def _check_whole(database: sqlite3.Connection, path: Path) -> None:
    if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
        raise RegisterFailed(RegisterProblem.CORRUPT, str(path))


def identity(database: sqlite3.Connection) -> tuple[bytes, int]:
    """Give the register's id and generation, drawing an id for a new one."""
    database.execute("INSERT OR IGNORE INTO meta VALUES (1, ?, 0)", (secrets.token_bytes(ID_BYTES),))
    register, generation = database.execute("SELECT register, generation FROM meta").fetchone()
    return bytes(register), int(generation)


def pinned_network(path: Path) -> bytes | None:
    """The network that a register serves, read beside whoever uses it; None if it knows none.

    Raises RegisterFailed.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    with problems_named(), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        known = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'pinned'").fetchone()
        row = database.execute("SELECT network FROM pinned").fetchone() if known else None
    return None if row is None else bytes(row[0])


def locked(path: Path) -> int:
    """Lock a file for this process alone, giving its descriptor; raises BlockingIOError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def rolled_back(database: sqlite3.Connection) -> bool:
    """Undo an open transaction; False if even that failed."""
    try:
        if database.in_transaction:
            database.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True


@contextmanager
def problems_named() -> Iterator[None]:
    """Turn what SQLite and the system raise into RegisterFailed."""
    try:
        yield
    except BlockingIOError as cause:
        raise RegisterFailed(RegisterProblem.LOCKED, "in use by another process") from cause
    except MarkerCorrupt as cause:
        raise RegisterFailed(RegisterProblem.CORRUPT, f"marker {cause}") from cause
    except OSError as cause:
        raise RegisterFailed(RegisterProblem.FAILED, str(cause)) from cause
    except sqlite3.Error as cause:
        problem = {
            sqlite3.SQLITE_FULL: RegisterProblem.DISK_FULL,
            sqlite3.SQLITE_BUSY: RegisterProblem.LOCKED,
            sqlite3.SQLITE_CORRUPT: RegisterProblem.CORRUPT,
            sqlite3.SQLITE_NOTADB: RegisterProblem.CORRUPT,
        }.get(getattr(cause, "sqlite_errorcode", 0) & 0xFF, RegisterProblem.FAILED)
        raise RegisterFailed(problem, str(cause)) from cause
