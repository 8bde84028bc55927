"""Journal and history: durable together or not at all, whatever fails (N2)."""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from consensus.model import InvariantBroken
from consensus.step import JournalRecord
from oracle.storage.database import Database
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.history import (
    MILESTONES_PER_HEIGHT_MAX,
    ChainReceipt,
    EntrySigned,
    Meta,
    Part,
    StoredEntry,
    StoredEvidence,
    StoredMilestone,
)


def entry(height: int, kind: str = "window", salt: bytes = b"", **more: Any) -> StoredEntry:
    if kind == "window":
        more.setdefault("window_start_s", height * 900)
    digest = sha256(b"%d" % height + salt).digest()
    return StoredEntry(height, digest, kind, b"entry %d" % height, b"certificate", **more)


def note(height: int, data: bytes = b"data", kind: str = "vote") -> JournalRecord:
    return JournalRecord(height, kind, data)


def problem_of(call: Any, *arguments: Any, **named: Any) -> StorageProblem:
    with pytest.raises(StorageFailed) as caught:
        call(*arguments, **named)
    return caught.value.problem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path)
    yield database
    database.close()


def reopened(database: Database, path: Path) -> Database:
    database.close()
    return Database(path)


# --- the journal


def test_the_journal_replays_in_the_order_of_its_commits(database: Database, path: Path) -> None:
    steps = [[note(2, b"b"), note(1, b"a", "other")], [note(1, b"c")], [note(3, bytes(5000))]]
    for step in steps:
        database.journal.commit(step)
    expected = [record for step in steps for record in step]
    assert list(database.journal.replay()) == expected
    again = reopened(database, path)
    assert list(again.journal.replay()) == expected
    again.close()


def test_a_long_journal_replays_whole(database: Database) -> None:
    database.journal.commit([note(height) for height in range(3000)])
    assert [record.height for record in database.journal.replay()] == list(range(3000))


def test_truncation_forgets_lower_heights_only(database: Database) -> None:
    database.journal.commit([note(3), note(1), note(2), note(4)])
    assert database.journal.truncate_below(3) == 2
    assert [record.height for record in database.journal.replay()] == [3, 4]
    database.journal.commit([note(1, b"late")])
    assert [record.height for record in database.journal.replay()] == [3, 4, 1]


def test_a_changed_journal_record_is_noticed(database: Database, path: Path) -> None:
    database.journal.commit([note(1), note(2)])
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE journal SET data = x'00' WHERE sequence = 2")
    raw.close()
    again = Database(path)
    records = again.journal.replay()
    assert next(records) == note(1)
    assert problem_of(next, records) is StorageProblem.CORRUPT
    again.close()


# --- together or not at all


def test_a_transaction_holds_journal_and_history_and_forgets_the_height_before(database: Database) -> None:
    database.transaction([note(4)])
    database.transaction([note(5)], [entry(4), Part(4, "leaves", b"leaf")], truncate_below=5)
    assert list(database.journal.replay()) == [note(5)]
    assert database.history.entry(4) == entry(4)
    assert database.history.part(4, "leaves") == b"leaf"


def test_a_broken_rule_undoes_the_whole_transaction(database: Database) -> None:
    database.transaction([], [entry(1)])
    with pytest.raises(InvariantBroken, match="one outcome"):
        database.transaction([note(2)], [Meta("a", b"1"), entry(1, salt=b"another")], truncate_below=9)
    assert list(database.journal.replay()) == []
    assert database.history.meta("a") is None
    assert database.history.entry(1) == entry(1)
    database.transaction([note(2)])  # and the database goes on
    assert list(database.journal.replay()) == [note(2)]


def test_a_full_disk_is_named_leaves_nothing_and_heals(database: Database) -> None:
    database.transaction([note(1)], [entry(1)])
    writer = database._file._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StorageFailed) as caught:
        database.transaction([note(2)], [entry(2), Part(2, "leaves", bytes(1 << 20))])
    assert caught.value.problem is StorageProblem.DISK_FULL
    assert caught.value.retriable
    assert list(database.journal.replay()) == [note(1)]
    assert database.history.newest() == entry(1)
    writer.execute("PRAGMA max_page_count = 100000000")
    database.transaction([note(2)], [entry(2), Part(2, "leaves", bytes(1 << 20))])
    assert database.history.newest() == entry(2)


def test_a_failed_write_stops_the_database_until_it_is_opened_again(database: Database, path: Path) -> None:
    database.transaction([note(1)], [entry(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name("node.db-wal").stat().st_size, hard))
    try:
        problem = problem_of(database.transaction, [note(2)], [entry(2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert problem is StorageProblem.BROKEN
    assert problem_of(database.transaction, [note(3)]) is StorageProblem.BROKEN
    again = reopened(database, path)
    assert list(again.journal.replay()) == [note(1)]
    assert again.history.newest() == entry(1)
    again.transaction([note(2)], [entry(2)])
    again.close()


WRITER = """
import sys
from hashlib import sha256
from pathlib import Path
from consensus.step import JournalRecord
from oracle.storage.database import Database
from oracle.storage.history import Part, StoredEntry
database = Database(Path(sys.argv[1]))
for height in range(1, 100_000):
    digest = sha256(b"%d" % height).digest()
    entry = StoredEntry(height, digest, "window", bytes(300), bytes(3000), None, height, 0)
    items = [JournalRecord(height, "decided", digest)] * 3
    database.transaction(items, [entry, Part(height, "leaves", bytes(10_000))], truncate_below=height)
    print(height, flush=True)
"""


def test_a_kill_at_any_moment_splits_nothing(path: Path) -> None:
    durable = 0
    for round_ in range(3):
        target = path.with_name(f"node{round_}.db")
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(20 + 17 * round_)]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.read().splitlines(keepends=True)
        durable = max(int(line) for line in lines if line.endswith("\n"))
        database = Database(target)
        newest = database.history.newest()
        assert newest is not None
        assert newest.height in (durable, durable + 1)
        assert list(database.journal.replay()) == [JournalRecord(newest.height, "decided", newest.digest)] * 3
        assert database.history.part(newest.height, "leaves") == bytes(10_000)
        assert database.history.part(newest.height + 1, "leaves") is None
        database.close()


def test_a_second_process_is_refused(database: Database, path: Path) -> None:
    assert problem_of(Database, path) is StorageProblem.LOCKED
    again = reopened(database, path)
    again.close()


def test_a_damaged_file_is_named_when_opened(database: Database, path: Path) -> None:
    database.transaction([], [Part(height, "p", bytes(4000)) for height in range(200)])
    database.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        for at in range(8192, size, 4096):
            file.seek(at)
            file.write(b"\xa5" * 64)
    assert problem_of(Database, path) is StorageProblem.CORRUPT
    path.write_bytes(b"no database at all, but long enough to look like a file " * 50)
    assert problem_of(Database, path) is StorageProblem.CORRUPT


def test_another_versions_file_is_refused(database: Database, path: Path) -> None:
    database.close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 2")
    raw.close()
    assert problem_of(Database, path) is StorageProblem.OTHER_VERSION


def test_a_closed_database_says_so(database: Database) -> None:
    database.close()
    assert problem_of(database.transaction, [note(1)]) is StorageProblem.CLOSED
    assert problem_of(database.history.newest) is StorageProblem.CLOSED


def test_commits_are_fully_synchronous_and_the_file_private(database: Database, path: Path) -> None:
    database.transaction([note(1)])
    writer = database._file._writer
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert path.stat().st_mode & 0o777 == 0o600


# --- history


def test_an_entry_is_found_by_height_digest_and_window(database: Database) -> None:
    first, deal, again = entry(1), entry(2, "deal"), entry(3, window_start_s=900, revision=1)
    database.transaction([], [first, deal, again])
    history = database.history
    assert history.newest() == again
    assert history.entry(2) == deal
    assert history.entry(9) is None
    assert history.entry_of_digest(first.digest) == first
    assert history.entry_of_digest(bytes(32)) is None
    assert history.entries_of_window(900) == (first, again)
    assert history.entries_of_window(1800) == ()


def test_pages_go_both_ways_and_by_kind(database: Database) -> None:
    database.transaction([], [entry(h, "deal" if h % 3 == 0 else "window") for h in range(1, 11)])
    read = database.history.entries
    page = read(limit=4)
    assert [e.height for e in page.entries] == [10, 9, 8, 7]
    page = read(limit=4, cursor=page.next_cursor)
    assert [e.height for e in page.entries] == [6, 5, 4, 3]
    page = read(limit=4, cursor=page.next_cursor)
    assert [e.height for e in page.entries] == [2, 1]
    assert page.next_cursor is None
    page = read(limit=5, newest_first=False)
    assert ([e.height for e in page.entries], page.next_cursor) == ([1, 2, 3, 4, 5], 5)
    page = read(limit=5, newest_first=False, cursor=5)
    assert ([e.height for e in page.entries], page.next_cursor) == ([6, 7, 8, 9, 10], None)
    assert [e.height for e in read(kind="deal").entries] == [9, 6, 3]
    assert [e.height for e in read(kind="deal", cursor=9, limit=1).entries] == [6]
    with pytest.raises(InvariantBroken):
        read(limit=501)


def test_writing_an_entry_again_changes_nothing(database: Database) -> None:
    database.transaction([], [entry(1, signature=b"s" * 48)])
    database.transaction([], [entry(1)])
    assert database.history.entry(1) == entry(1, signature=b"s" * 48)


def test_a_signature_comes_later_and_only_to_an_entry(database: Database) -> None:
    database.transaction([], [entry(1), entry(2)])
    assert database.history.unsigned_heights() == (1, 2)
    database.transaction([], [EntrySigned(1, b"s" * 48)])
    found = database.history.entry(1)
    assert found is not None
    assert found.signature == b"s" * 48
    assert database.history.unsigned_heights() == (2,)
    with pytest.raises(InvariantBroken, match="before its signature"):
        database.transaction([], [EntrySigned(3, b"s" * 48)])


def test_parts_receipts_evidence_and_meta_are_kept(database: Database) -> None:
    history = database.history
    database.transaction(
        [],
        [
            Part(1, "b", b"2"),
            Part(1, "a", b"0"),
            Part(1, "a", b"1"),
            ChainReceipt(1, b"t" * 32, "sent", None, b"raw"),
            ChainReceipt(1, b"t" * 32, "confirmed", 77, b"raw"),
            ChainReceipt(2, b"u" * 32, "sent", None, b"raw2"),
            StoredEvidence(b"e" * 32, 3, "double-vote", b"proof"),
            StoredEvidence(b"e" * 32, 9, "other", b"ignored"),
            StoredEvidence(b"f" * 32, 4, "double-vote", b"proof2"),
            Meta("outbox/1", b"x"),
            Meta("outbox/2", b"y"),
            Meta("outcome", b"z"),
            Meta("outbox/1", None),
        ],
    )
    assert history.parts(1) == (Part(1, "a", b"1"), Part(1, "b", b"2"))
    assert history.part(1, "c") is None
    assert history.receipts(1) == (ChainReceipt(1, b"t" * 32, "confirmed", 77, b"raw"),)
    assert [receipt.height for receipt in history.receipts_of_status("sent")] == [2]
    assert history.evidence(b"e" * 32) == StoredEvidence(b"e" * 32, 3, "double-vote", b"proof")
    assert [item.height for item in history.all_evidence()] == [4, 3]
    assert history.meta("outbox/1") is None
    assert history.meta_of_prefix("outbox/") == (("outbox/2", b"y"),)


def test_milestones_keep_their_order_and_have_a_limit(database: Database) -> None:
    milestones = [StoredMilestone(1, f"stage {n}", n, "") for n in range(MILESTONES_PER_HEIGHT_MAX + 10)]
    database.transaction([], [*milestones, StoredMilestone(2, "closed", 5, "why")])
    assert database.history.milestones(1) == tuple(milestones[:MILESTONES_PER_HEIGHT_MAX])
    assert database.history.milestones(2) == (StoredMilestone(2, "closed", 5, "why"),)


# --- threads


async def test_writes_off_the_loop_keep_their_order(database: Database) -> None:
    for height in range(1, 30):
        await database.write([note(height)], [entry(height)])
    newest = await database.read(lambda history: history.newest())
    assert newest == entry(29)
    assert [record.height for record in database.journal.replay()] == list(range(1, 30))


async def test_a_failure_off_the_loop_is_the_same_failure(database: Database) -> None:
    await database.write([], [entry(1)])
    with pytest.raises(InvariantBroken):
        await database.write([note(1)], [entry(1, salt=b"another")])
    assert list(database.journal.replay()) == []


def test_many_readers_beside_a_writer_see_whole_transactions(database: Database) -> None:
    database.transaction([], [entry(1), Meta("newest", b"1")])
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            with database._file.reading() as view:
                newest = view.execute("SELECT max(height) FROM entry").fetchone()[0]
                said = view.execute("SELECT value FROM meta WHERE key = 'newest'").fetchone()[0]
            if int(said) != newest:
                wrong.append((said, newest))

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    for height in range(2, 150):
        database.transaction([], [entry(height), Meta("newest", b"%d" % height)])
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_a_reader_cannot_write(database: Database) -> None:
    def write_anyway() -> None:
        with database._file.reading() as view:
            view.execute("DELETE FROM entry")

    database.transaction([], [entry(1)])
    assert problem_of(write_anyway) is StorageProblem.BROKEN
    assert database.history.newest() == entry(1)
