"""One SQLite file with one writer: locked, checked when opened, durable when a commit returns.

Decides how a file is opened, who may write, and when it may be written no more. Does
not know what is in its tables.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from oracle.storage.failure import StorageFailed, StorageProblem, storage_failures

APPLICATION_ID: Final = 0x57617474  # "Watt", in the file's header
READERS_MAX: Final = 4
WAL_BYTES_KEPT: Final = 64 << 20
_BUSY_WAIT_MS: Final = 2_000


class SqliteFile:
    """The file at `path` in WAL mode. Thread-safe; raises StorageFailed.

    `synchronous` FULL makes every commit durable. NORMAL may lose the last commits with
    the power, though never order or wholeness: for what can be made again.
    """

    def __init__(
        self, path: Path, schema: str, *, version: int, synchronous: Literal["FULL", "NORMAL"] = "FULL"
    ) -> None:
        self._path = path
        self._synchronous = synchronous
        self._guard = threading.Lock()
        self._stopped: StorageProblem | None = None
        self._readers: list[sqlite3.Connection] = []
        self._reader_turns = threading.Semaphore(READERS_MAX)
        with storage_failures():
            self._lock = _locked(path.with_name(path.name + ".lock"))
            try:
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                try:
                    _prepare(self._writer, schema, version)
                except BaseException:
                    self._writer.close()
                    raise
            except BaseException:
                os.close(self._lock)
                raise

    def close(self) -> None:
        """Give up the file and its lock; waits for the transaction that is running."""
        with self._guard:
            if self._stopped is StorageProblem.CLOSED:
                return
            self._stopped = StorageProblem.CLOSED
            for _ in range(READERS_MAX):
                self._reader_turns.acquire()
            for reader in self._readers:
                reader.close()
            self._writer.close()
            os.close(self._lock)
        self._reader_turns.release(READERS_MAX)

    @contextmanager
    def transaction(self, *, synced: bool = False) -> Iterator[sqlite3.Connection]:
        """All or nothing, durable when the block ends (N2). Any exception undoes it.

        `synced` makes one commit durable where `synchronous` is NORMAL.
        """
        with self._guard:
            if self._stopped is not None:
                raise StorageFailed(self._stopped, str(self._path))
            try:
                with storage_failures():
                    self._writer.execute(f"PRAGMA synchronous = {'FULL' if synced else self._synchronous}")
                    self._writer.execute("BEGIN IMMEDIATE")
                    yield self._writer
                    self._writer.execute("COMMIT")
            except BaseException as cause:
                undone = _rolled_back(self._writer)
                hopeless = isinstance(cause, StorageFailed) and not cause.retriable
                if hopeless or not undone:
                    # After a failed fsync nobody knows what is on the disk.
                    self._stopped = StorageProblem.BROKEN
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view, beside the writer and without waiting for it."""
        with self._reader_turns:
            if self._stopped is StorageProblem.CLOSED:
                raise StorageFailed(StorageProblem.CLOSED, str(self._path))
            with storage_failures():
                reader = self._idle_reader() or self._new_reader()
                try:
                    reader.execute("BEGIN")
                    yield reader
                finally:
                    _rolled_back(reader)
                    self._readers.append(reader)

    def _idle_reader(self) -> sqlite3.Connection | None:
        try:
            return self._readers.pop()  # one operation: two threads never get the same
        except IndexError:
            return None

    def _new_reader(self) -> sqlite3.Connection:
        address = f"{self._path.resolve().as_uri()}?mode=ro"
        reader = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
        reader.execute("PRAGMA query_only = ON")
        reader.execute(f"PRAGMA busy_timeout = {_BUSY_WAIT_MS}")
        return reader


def _prepare(writer: sqlite3.Connection, schema: str, version: int) -> None:
    writer.execute(f"PRAGMA busy_timeout = {_BUSY_WAIT_MS}")
    found = (_pragma(writer, "application_id"), _pragma(writer, "user_version"))
    if found not in ((0, 0), (APPLICATION_ID, version)):
        raise StorageFailed(StorageProblem.OTHER_VERSION, f"version {found[1]}, {version} expected")
    if _pragma(writer, "quick_check") != "ok":
        raise StorageFailed(StorageProblem.CORRUPT, "quick_check")
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA fullfsync = ON")  # means what it says on macOS too
    writer.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_KEPT}")
    writer.executescript(
        f"BEGIN; {schema}; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}; COMMIT;"
    )


def _pragma(writer: sqlite3.Connection, name: str) -> int | str:
    value: int | str = writer.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _rolled_back(connection: sqlite3.Connection) -> bool:
    try:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    except sqlite3.Error:
        return False
    return True


def _locked(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
