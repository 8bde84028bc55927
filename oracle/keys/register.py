"""The sign-once register: what was signed at each position, durable before it is signed (N1).

Decides whether a position may take these bytes: a free one takes them for ever, a taken
one takes only the same, one at or below the watermark takes none. Decides also whether
this register may be used at all (N3). Does not know keys, nor what the bytes say.

A position is (key, network, height, round, phase); phase 0 is a proposal, 1 a prevote,
2 a commit. The watermark of (key, network, phase) is a (height, round): rises when old
rows are pruned, when another register's export is imported, or when an operator declares
a lost register's past off limits; never falls.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from oracle.keys.marker import ID_BYTES, Mark, Marker
from oracle.keys.register_file import (
    RegisterFailed,
    RegisterProblem,
    connected,
    identity,
    locked,
    problems_named,
    rolled_back,
)

PHASES: Final = (0, 1, 2)
NUMBER_MAX: Final = (1 << 63) - 1
"""Largest height or round a register holds (SQLite's integers are signed, of 64 bits)."""
BATCH_MAX: Final = 1024
POISON: Final = bytes(32)
"""Stands for two different digests at one position, found on import: nothing matches it."""
UPDATE_WATERMARK: Final = """
INSERT INTO watermark (key, network, phase, height, round) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET height = excluded.height, round = excluded.round
WHERE (excluded.height, excluded.round) > (watermark.height, watermark.round)
"""


class Answer(Enum):
    """What a register says to bytes at a position."""

    GRANTED = "granted"
    TAKEN = "taken"
    BELOW_WATERMARK = "below-watermark"
    TWIN = "twin"
    """Somebody else signs with this key; see `witness`."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where something is signed: at most once."""

    key: bytes
    network: bytes
    height: int
    round: int
    phase: int


@dataclass(frozen=True, slots=True)
class Watermark:
    """Nothing new is signed at or below (height, round)."""

    phase: int
    height: int
    round: int


class Register:
    """The register at `path`, with its lock and markers. Raises RegisterFailed. Thread-safe.

    The first marker stands beside the register; `external_marker` names a second one,
    best on another disk, which also catches a restored directory or machine. To add it
    to a register already in use, say `add_marker` once.
    """

    def __init__(self, path: Path, external_marker: Path | None = None, *, add_marker: bool = False) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._instance = secrets.token_bytes(ID_BYTES)
        self._stopped: RegisterProblem | None = None
        self._markers: list[Marker] = []
        self._database: sqlite3.Connection | None = None
        beside = path.with_name(path.name + ".generation")
        with problems_named():
            self._lock = locked(path.with_name(path.name + ".lock"))
        try:
            with problems_named():
                for marker in [beside, *([external_marker] if external_marker else [])]:
                    self._markers.append(Marker(marker))
                self._refuse_if_lost()
                self._database = connected(path)
                self._register, self._generation = identity(self._database)
                self._compare_markers(new=external_marker if add_marker else None)
                self._database.execute("BEGIN IMMEDIATE")
                self._commit(self._database)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the register, its markers and its lock; nothing can be taken after."""
        with self._guard:
            self._stopped = self._stopped or RegisterProblem.FAILED
            if self._database is not None:
                self._database.close()
                self._database = None
            for marker in self._markers:
                marker.close()
            self._markers.clear()
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    @property
    def generation(self) -> int:
        """How many times the register was opened or written to."""
        return self._generation

    def take(self, wanted: Sequence[tuple[Position, bytes]]) -> tuple[Answer, ...]:
        """Take positions for 32-byte digests, all in one durable transaction (N1).

        On return everything GRANTED is durable, so its signature may leave. Raises
        RegisterFailed, and then none may.
        """
        if len(wanted) > BATCH_MAX:
            raise ValueError(f"at most {BATCH_MAX} positions at once")
        with self._transaction() as database:
            return tuple(_take(database, position, digest) for position, digest in wanted)

    def pin(self, network: bytes) -> None:
        """Serve this network and no other, from the first call on. Raises RegisterFailed."""
        with self._transaction() as database:
            database.execute("INSERT OR IGNORE INTO pinned VALUES (1, ?)", (network,))
            (held,) = database.execute("SELECT network FROM pinned").fetchone()
        if bytes(held) != network:
            raise RegisterFailed(RegisterProblem.OTHER_NETWORK, f"it serves {bytes(held).hex()[:12]}")

    @property
    def network(self) -> bytes | None:
        """The network it serves, once that is known."""
        with self._transaction() as database:
            row = database.execute("SELECT network FROM pinned").fetchone()
        return None if row is None else bytes(row[0])

    def witness(self, seen: Sequence[tuple[Position, bytes]]) -> tuple[Position, ...]:
        """Compare what others say that a key of ours signed with what is held; give what is not.

        The caller has verified the signatures. What is at or below the watermark passes for
        known. Anything else means that another process signs with the key, or that this
        register is an old copy: nothing is signed with it any more, until `recover` (N3).
        """
        unknown: list[Position] = []
        with self._transaction() as database:
            for position, digest in seen:
                held = _held(database, position)
                if held == digest or _is_past(database, position):
                    continue
                unknown.append(position)
                database.execute(
                    "INSERT OR IGNORE INTO twin VALUES (?, ?, ?, ?, ?, ?)", (*_columns(position), digest)
                )
        return tuple(unknown)

    def twins(self, network: bytes) -> list[tuple[Position, bytes]]:
        """What somebody else has signed with a key of ours, as far as it was seen."""
        with self._transaction() as database:
            found = database.execute(
                "SELECT key, network, height, round, phase, digest FROM twin WHERE network = ?"
                " ORDER BY key, height, round, phase, digest",
                (network,),
            ).fetchall()
        return [(Position(*row[:5]), row[5]) for row in found]

    def raise_watermark(self, key: bytes, network: bytes, marks: Sequence[Watermark]) -> None:
        """Refuse what is new at or below `marks`; a watermark never falls."""
        with self._transaction() as database:
            for mark in marks:
                database.execute(UPDATE_WATERMARK, (key, network, mark.phase, mark.height, mark.round))

    def prune(self, key: bytes, network: bytes, below_height: int) -> int:
        """Forget rows below a height, which the watermark then stands for; give their number."""
        with self._transaction() as database:
            for phase in PHASES:
                last = database.execute(
                    "SELECT height, round FROM signed WHERE (key, network, phase) = (?, ?, ?) AND height < ?"
                    " ORDER BY height DESC, round DESC LIMIT 1",
                    (key, network, phase, below_height),
                ).fetchone()
                if last is not None:
                    database.execute(UPDATE_WATERMARK, (key, network, phase, *last))
            return database.execute(
                "DELETE FROM signed WHERE key = ? AND network = ? AND height < ?",
                (key, network, below_height),
            ).rowcount

    def rows(self, network: bytes) -> list[tuple[Position, bytes]]:
        """Everything signed in a network, by key, height, round and phase."""
        with self._transaction() as database:
            found = database.execute(
                "SELECT key, network, height, round, phase, digest FROM signed WHERE network = ?"
                " ORDER BY key, height, round, phase",
                (network,),
            ).fetchall()
        return [(Position(*row[:5]), row[5]) for row in found]

    def watermarks(self, network: bytes) -> list[tuple[bytes, Watermark]]:
        """Every watermark of a network, with its key."""
        with self._transaction() as database:
            found = database.execute(
                "SELECT key, phase, height, round FROM watermark WHERE network = ? ORDER BY key, phase",
                (network,),
            ).fetchall()
        return [(row[0], Watermark(*row[1:])) for row in found]

    def absorb(
        self, rows: Sequence[tuple[Position, bytes]], marks: Sequence[tuple[bytes, bytes, Watermark]]
    ) -> int:
        """Take over what another register signed, and refuse everything at or below it.

        `marks` are (key, network, watermark). Gives how many positions held other bytes
        than the import says: both are refused from now on.
        """
        conflicts = 0
        with self._transaction() as database:
            for position, digest in rows:
                where = _columns(position)
                held = _held(database, position)
                if held is None:
                    database.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?)", (*where, digest))
                elif held != digest:
                    conflicts += 1
                    database.execute(
                        "UPDATE signed SET digest = ?"
                        " WHERE (key, network, height, round, phase) = (?, ?, ?, ?, ?)",
                        (POISON, *where),
                    )
                at = (position.key, position.network, position.phase, position.height, position.round)
                database.execute(UPDATE_WATERMARK, at)
            for key, network, mark in marks:
                database.execute(UPDATE_WATERMARK, (key, network, mark.phase, mark.height, mark.round))
        return conflicts

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a changed register has moved its markers too before this returns."""
        with self._guard:
            if self._stopped is not None or self._database is None:
                raise RegisterFailed(self._stopped or RegisterProblem.FAILED, "stopped before")
            database = self._database
            try:
                with problems_named():
                    self._check_still_alone()
                    database.execute("BEGIN IMMEDIATE")
                    before = database.total_changes
                    yield database
                    if database.total_changes == before:
                        database.execute("ROLLBACK")  # nothing to make durable
                    else:
                        self._commit(database)
            except RegisterFailed as failure:
                if failure.problem is not RegisterProblem.DISK_FULL or not rolled_back(database):
                    # After a failed fsync nobody knows what is on the disk: only a restart does.
                    self._stopped = failure.problem
                raise
            except BaseException:
                if not rolled_back(database):
                    self._stopped = RegisterProblem.FAILED
                raise

    def _commit(self, database: sqlite3.Connection) -> None:
        database.execute("UPDATE meta SET generation = ?", (self._generation + 1,))
        database.execute("COMMIT")
        # The register first: a crash between the two leaves a marker behind, never ahead.
        self._generation += 1
        try:
            for marker in self._markers:
                marker.write(self._mark())
        except OSError as cause:
            # Even for want of space: the register is ahead of what it could say.
            raise RegisterFailed(RegisterProblem.FAILED, str(cause)) from cause

    def _mark(self) -> Mark:
        return Mark(self._register, self._generation, self._instance)

    def _check_still_alone(self) -> None:
        if any(marker.read() != self._mark() for marker in self._markers):
            raise RegisterFailed(RegisterProblem.TWIN, "a marker was written by another instance")

    def _refuse_if_lost(self) -> None:
        empty = not self._path.exists() or self._path.stat().st_size == 0
        if empty and any(marker.read() for marker in self._markers):
            raise RegisterFailed(RegisterProblem.LOST, str(self._path))

    def _compare_markers(self, *, new: Path | None) -> None:
        for marker in self._markers:
            mark = marker.read()
            if mark is None:
                # At generation 0 nothing was ever signed: the markers are being made.
                if self._generation > 0 and marker.path != new:
                    raise RegisterFailed(RegisterProblem.MARKER_MISSING, str(marker.path))
                marker.write(self._mark())
            elif mark.register != self._register:
                raise RegisterFailed(RegisterProblem.MARKER_FOREIGN, str(marker.path))
            elif mark.generation > self._generation:
                behind = mark.generation - self._generation
                raise RegisterFailed(RegisterProblem.OLD_COPY, f"{behind} generations behind {marker.path}")


def _take(database: sqlite3.Connection, position: Position, digest: bytes) -> Answer:
    key_and_network = (position.key, position.network)
    if database.execute("SELECT 1 FROM twin WHERE (key, network) = (?, ?)", key_and_network).fetchone():
        return Answer.TWIN  # N3
    held = _held(database, position)
    if held is not None:
        return Answer.GRANTED if held == digest and held != POISON else Answer.TAKEN
    if _is_past(database, position):
        return Answer.BELOW_WATERMARK
    database.execute("INSERT INTO signed VALUES (?, ?, ?, ?, ?, ?)", (*_columns(position), digest))
    return Answer.GRANTED


def _is_past(database: sqlite3.Connection, position: Position) -> bool:
    """Whether a position is at or below the watermark of its phase."""
    mark = database.execute(
        "SELECT height, round FROM watermark WHERE (key, network, phase) = (?, ?, ?)",
        (position.key, position.network, position.phase),
    ).fetchone()
    return mark is not None and (position.height, position.round) <= mark


def _held(database: sqlite3.Connection, position: Position) -> bytes | None:
    row = database.execute(
        "SELECT digest FROM signed WHERE (key, network, height, round, phase) = (?, ?, ?, ?, ?)",
        _columns(position),
    ).fetchone()
    return None if row is None else bytes(row[0])


def _columns(position: Position) -> tuple[bytes, bytes, int, int, int]:
    return position.key, position.network, position.height, position.round, position.phase
