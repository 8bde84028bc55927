"""The one way in which storage fails, and its named causes (N2).

Decides which name a failure of SQLite or of the file system gets. Whoever catches
`StorageFailed` may rely on this: nothing of the write is in the store, unless `problem`
is BROKEN, when only opening the store again tells.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum


class StorageProblem(Enum):
    """Why nothing was stored, or read."""

    DISK_FULL = "disk-full"
    """No room, or a quota: make some; the store goes on where it stood."""
    RESERVE = "reserve"
    """Less is free than the configured reserve: records are refused, so that votes are not."""
    BROKEN = "broken"
    """A read or write failed: nobody knows what is on the disk until the store is opened again."""
    CORRUPT = "corrupt"
    """What is on the disk does not hold together: restore it, or catch up from peers."""
    LOCKED = "locked"
    """Another process uses this store."""
    OTHER_VERSION = "other-version"
    """Written by another version of Wattest, or not by Wattest."""
    CLOSED = "closed"
    """The node is shutting down."""


class StorageFailed(Exception):  # noqa: N818 - it states a fact, as the rules name it
    """The world failed: nothing was stored; `problem` says why, `retriable` whether waiting helps."""

    def __init__(self, problem: StorageProblem, detail: str = "") -> None:
        super().__init__(f"{problem.value}: {detail}" if detail else problem.value)
        self.problem = problem

    @property
    def retriable(self) -> bool:
        """Whether the same call may succeed later, without opening the store again."""
        return self.problem in (StorageProblem.DISK_FULL, StorageProblem.RESERVE)


_OF_SQLITE = {
    sqlite3.SQLITE_FULL: StorageProblem.DISK_FULL,
    sqlite3.SQLITE_CORRUPT: StorageProblem.CORRUPT,
    sqlite3.SQLITE_NOTADB: StorageProblem.CORRUPT,
    sqlite3.SQLITE_BUSY: StorageProblem.LOCKED,
}


@contextmanager
def storage_failures() -> Iterator[None]:
    """Turn what SQLite and the file system raise into StorageFailed."""
    try:
        yield
    except BlockingIOError as cause:
        raise StorageFailed(StorageProblem.LOCKED, "in use by another process") from cause
    except OSError as cause:
        full = cause.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageFailed(
            StorageProblem.DISK_FULL if full else StorageProblem.BROKEN, str(cause)
        ) from cause
    except sqlite3.Error as cause:
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        raise StorageFailed(_OF_SQLITE.get(code, StorageProblem.BROKEN), str(cause)) from cause
