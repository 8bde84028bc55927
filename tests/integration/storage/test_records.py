"""Raw records: acknowledged only once durable, found by hash, never changed (R1, R7)."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oracle.model import Record, RecordHash
from oracle.storage import records as records_module
from oracle.storage.failure import StorageFailed, StorageProblem
from oracle.storage.frame import StoredRecord
from oracle.storage.records import RecordLog

SMALL_SEGMENT = 10_000


def record(number: int, size: int = 100, source: int = 7) -> Record:
    return Record("ocmf", source, (b"%d " % number).ljust(size, b"x"))


def problem_of(call: Any, *arguments: Any, **named: Any) -> StorageProblem:
    with pytest.raises(StorageFailed) as caught:
        call(*arguments, **named)
    return caught.value.problem


def opened(tmp_path: Path) -> RecordLog:
    return RecordLog(tmp_path / "records", reserve_bytes=0, segment_bytes=SMALL_SEGMENT)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RecordLog]:
    log = opened(tmp_path)
    yield log
    log.close()


def segments(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "records").glob("records-*.log"))


def test_a_record_comes_back_byte_for_byte(log: RecordLog, tmp_path: Path) -> None:
    signed = Record("dsmr", 2**63 - 1, bytes(range(256)) * 3)
    assert log.append([signed, record(1)], received_ms=5) == (True, True)
    assert log.get(signed.hash) == StoredRecord(signed, 5)
    assert log.get(RecordHash(bytes(32))) is None
    log.close()
    again = opened(tmp_path)
    assert again.get(signed.hash) == StoredRecord(signed, 5)
    assert again.torn_bytes == 0
    again.close()


def test_what_is_acknowledged_was_synced_after_it_was_written(
    log: RecordLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fdatasync

    def noting(file: int) -> None:
        sync(file)
        synced.append(os.fstat(file).st_size)

    monkeypatch.setattr(os, "fdatasync", noting)
    for number in range(3):
        log.append([record(number)], received_ms=5)
        assert synced[-1] == segments(tmp_path)[-1].stat().st_size
        assert len(synced) == number + 1


def test_a_duplicate_is_stored_once_and_keeps_its_first_arrival(log: RecordLog, tmp_path: Path) -> None:
    assert log.append([record(1), record(1)], 5) == (True, False)
    size = segments(tmp_path)[0].stat().st_size
    assert log.append([record(1)], 9) == (False,)
    assert segments(tmp_path)[0].stat().st_size == size
    stored = log.get(record(1).hash)
    assert stored is not None
    assert stored.received_ms == 5


def test_many_are_found_at_once(log: RecordLog) -> None:
    log.append([record(n) for n in range(1200)], 1)
    wanted = [record(n).hash for n in range(0, 2400, 2)]
    assert log.get_many(wanted) == {record(n).hash: StoredRecord(record(n), 1) for n in range(0, 1200, 2)}
    assert log.holds(wanted) == {record(n).hash for n in range(0, 1200, 2)}


def test_segments_roll_and_replay_keeps_the_order(log: RecordLog, tmp_path: Path) -> None:
    for n in range(400):
        log.append([record(n)], received_ms=n)
    assert len(segments(tmp_path)) > 3
    assert [stored.received_ms for stored in log.replay()] == list(range(400))
    assert [stored.received_ms for stored in log.replay(since_ms=250)] == list(range(250, 400))


def test_a_torn_tail_is_cut_off_and_the_rest_stays(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(1)], 1)
    log.close()
    whole = segments(tmp_path)[0].read_bytes()
    for torn in range(1, len(whole)):
        segments(tmp_path)[0].write_bytes(whole + whole[:torn])
        again = opened(tmp_path)
        assert again.torn_bytes == torn
        again.close()
        assert segments(tmp_path)[0].read_bytes() == whole
    again = opened(tmp_path)
    assert again.append([record(2)], 2) == (True,)
    assert [stored.record for stored in again.replay()] == [record(1), record(2)]
    again.close()


def test_a_lost_index_is_made_again_from_the_log(log: RecordLog, tmp_path: Path) -> None:
    for n in range(200):
        log.append([record(n)], n)
    log.close()
    for file in (tmp_path / "records").glob("records.db*"):
        file.unlink()
    again = opened(tmp_path)
    assert log_numbers(again) == list(range(200))
    assert again.get(record(150).hash) == StoredRecord(record(150), 150)
    assert again.append([record(150)], 999) == (False,)
    again.close()


def log_numbers(log: RecordLog) -> list[int]:
    return [int(stored.record.data.split()[0]) for stored in log.replay()]


def test_an_index_behind_the_log_catches_up(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(1)], 1)
    log.close()
    kept = (tmp_path / "records" / "records.db").read_bytes()
    again = opened(tmp_path)
    again.append([record(2), record(3)], 2)
    again.close()
    (tmp_path / "records" / "records.db").write_bytes(kept)
    third = opened(tmp_path)
    assert log_numbers(third) == [1, 2, 3]
    assert third.get(record(3).hash) is not None
    third.close()


def test_a_byte_changed_within_the_log_is_noticed(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(1), record(2)], 1)
    with segments(tmp_path)[0].open("r+b") as file:
        file.seek(60)
        file.write(b"!")
    assert problem_of(log.get, record(1).hash) is StorageProblem.CORRUPT
    assert log.get(record(2).hash) is not None
    assert problem_of(list, log.replay()) is StorageProblem.CORRUPT


def test_a_shortened_or_missing_segment_is_noticed_when_opened(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(n) for n in range(5)], 1)
    log.close()
    path = segments(tmp_path)[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert problem_of(opened, tmp_path) is StorageProblem.CORRUPT
    path.unlink()
    assert problem_of(opened, tmp_path) is StorageProblem.CORRUPT
    path.write_bytes(whole)
    opened(tmp_path).close()


APPENDER = """
import sys
from pathlib import Path
from oracle.model import Record
from oracle.storage.records import RecordLog
log = RecordLog(Path(sys.argv[1]), reserve_bytes=0, segment_bytes=200_000)
for n in range(100_000):
    log.append([Record("json", 1, b"%d-%d " % (n, i) + bytes(500)) for i in range(4)], n)
    print(n, flush=True)
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(tmp_path / "records")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(150)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
    acknowledged = max(int(line) for line in lines if line.endswith("\n"))
    log = opened(tmp_path)
    wanted = [
        Record("json", 1, b"%d-%d " % (n, i) + bytes(500)).hash
        for n in range(acknowledged + 1)
        for i in range(4)
    ]
    assert len(log.get_many(wanted)) == 4 * (acknowledged + 1)
    log.close()


def test_below_the_reserve_records_are_refused(tmp_path: Path) -> None:
    log = RecordLog(tmp_path / "records", reserve_bytes=1 << 62)
    with pytest.raises(StorageFailed) as caught:
        log.append([record(1)], 1)
    assert caught.value.problem is StorageProblem.RESERVE
    assert caught.value.retriable
    log._reserve_bytes = 0
    assert log.append([record(1)], 2) == (True,)  # the first was not kept
    log.close()


def test_a_failed_write_acknowledges_nothing_and_a_restart_heals(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(1)], 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = segments(tmp_path)[0].stat().st_size + 50  # half a frame fits
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        assert problem_of(log.append, [record(2)], 2) is StorageProblem.BROKEN
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert problem_of(log.append, [record(3)], 3) is StorageProblem.BROKEN
    log.close()
    again = opened(tmp_path)
    assert again.torn_bytes == 50
    assert again.append([record(2)], 4) == (True,)
    assert log_numbers(again) == [1, 2]
    again.close()


def test_a_full_index_disk_keeps_nothing_and_goes_on(log: RecordLog, tmp_path: Path) -> None:
    log.append([record(0)], 0)
    size = segments(tmp_path)[0].stat().st_size
    writer = log._index._file._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")
    many = [record(n) for n in range(1, 500)]
    assert problem_of(log.append, many, 1) is StorageProblem.DISK_FULL
    assert segments(tmp_path)[0].stat().st_size == size
    writer.execute("PRAGMA max_page_count = 1000000")
    assert log.append(many, 2) == (True,) * 499
    assert log_numbers(log) == list(range(500))


def test_old_full_segments_go_when_the_policy_lets_them(log: RecordLog, tmp_path: Path) -> None:
    for n in range(400):
        log.append([record(n)], received_ms=n)
    before = segments(tmp_path)
    assert log.prune_before(0) == 0
    kept = record(5).hash
    assert log.prune_before(300, may_go=lambda hash_: hash_ != kept) > 0
    assert log.get(kept) is not None  # and so is all of its segment
    after = segments(tmp_path)
    assert before[0] in after
    assert before[1] not in after
    assert log.prune_before(10_000) > 0
    assert segments(tmp_path) == before[-1:]  # the segment in use stays
    assert log.get(kept) is None
    assert log.get(record(399).hash) is not None
    log.close()
    again = opened(tmp_path)
    assert again.append([record(5)], 1000) == (True,)
    again.close()


def test_a_second_process_is_refused(log: RecordLog, tmp_path: Path) -> None:
    assert problem_of(opened, tmp_path) is StorageProblem.LOCKED


async def test_waiting_groups_share_one_sync(log: RecordLog, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0
    sync = os.fdatasync

    def counted(file: int) -> None:
        nonlocal syncs
        syncs += 1
        sync(file)

    monkeypatch.setattr(os, "fdatasync", counted)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(log.append_off_loop([record(n)], n)) for n in range(300)]
    assert [task.result() for task in tasks] == [(True,)] * 300
    assert syncs <= 5
    assert sorted(log_numbers(log)) == list(range(300))


async def test_who_brings_too_much_waits(log: RecordLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "WAITING_BYTES_MAX", 5_000)
    most = 0

    async def bring(n: int) -> None:
        nonlocal most
        await log.append_off_loop([record(n, size=1_000)], n)
        most = max(most, log._waiting_bytes)

    async with asyncio.TaskGroup() as group:
        for n in range(60):
            group.create_task(bring(n))
    assert most <= 5_000
    assert len(log_numbers(log)) == 60


async def test_a_failure_reaches_everyone_who_waits(log: RecordLog) -> None:
    log._reserve_bytes = 1 << 62
    waiting = [log.append_off_loop([record(n)], n) for n in range(5)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, StorageFailed) for result in results)
    log._reserve_bytes = 0
    assert await log.append_off_loop([record(1)], 1) == (True,)


async def test_a_closed_log_says_so(log: RecordLog) -> None:
    log.close()
    with pytest.raises(StorageFailed) as caught:
        await log.append_off_loop([record(1)], 1)
    assert caught.value.problem is StorageProblem.CLOSED
