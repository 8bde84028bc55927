"""Raw records, byte for byte, for ever or until a policy lets them go.

Decides when a record is durable: one append log in segments, one fdatasync for a group,
and only then the index and the acknowledgement (R1, R7). The log is the truth; the index
(hash -> place) is made again from it after a crash, and what a crash tore at the end was
never acknowledged and is cut off. Does not know what a record says.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consensus.model import check
from oracle.model import Record, RecordHash
from oracle.storage.failure import StorageFailed, StorageProblem, storage_failures
from oracle.storage.frame import Framed, StoredRecord, framed, frames, read_frame
from oracle.storage.record_index import Place, RecordIndex

SEGMENT_BYTES: Final = 64 << 20
RESERVE_BYTES: Final = 1 << 30
WAITING_BYTES_MAX: Final = 32 << 20
"""Bytes that may wait for the disk; who brings more waits itself, and so does its feed (Q5)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Records that arrived together, and when, UTC ms."""

    records: tuple[Record, ...]
    received_ms: int

    @property
    def size_bytes(self) -> int:
        """What they weigh."""
        return sum(len(record.data) for record in self.records)


class RecordLog:
    """The record log in `directory`. Thread-safe; raises StorageFailed.

    `reserve_bytes` is what must stay free on the disk: below it records are refused with
    StorageFailed(RESERVE), so that the journal and the sign-once register never starve.
    """

    def __init__(
        self, directory: Path, *, reserve_bytes: int = RESERVE_BYTES, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        self._directory = directory
        self._reserve_bytes = reserve_bytes
        self._segment_bytes = segment_bytes
        self._guard = threading.Lock()
        self._stopped: StorageProblem | None = None
        self._writing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="records-write")
        self._queue: deque[tuple[Group, asyncio.Future[tuple[bool, ...]]]] = deque()
        self._waiting_bytes = 0
        self._room = asyncio.Event()
        self._flushing = False
        self.torn_bytes = 0
        """What was cut off the end of the log when it was opened."""
        with storage_failures():
            directory.mkdir(parents=True, exist_ok=True)
            self._index = RecordIndex(directory / "records.db")
            try:
                self._number, self._end = self._recover()
                self._file = self._open_segment(self._number)
            except BaseException:
                self._index.close()
                raise

    def close(self) -> None:
        """Finish what the log's thread has begun, then give up files and lock."""
        self._writing.shutdown(wait=True)
        with self._guard:
            if self._stopped is not StorageProblem.CLOSED:
                self._stopped = StorageProblem.CLOSED
                os.close(self._file)
                self._index.close()

    def append(self, records: Sequence[Record], received_ms: int) -> tuple[bool, ...]:
        """Make records durable; say of each whether it is new. Then acknowledge them."""
        return self.append_groups([Group(tuple(records), received_ms)])[0]

    def append_groups(self, groups: Sequence[Group]) -> list[tuple[bool, ...]]:
        """`append` for several groups with one fdatasync; a failure is the failure of all."""
        hashes = [[record.hash for record in group.records] for group in groups]
        with self._guard:
            if self._stopped is not None:
                raise StorageFailed(self._stopped, str(self._directory))
            known = self.holds([hash_ for names in hashes for hash_ in names])
            new: list[tuple[RecordHash, Framed]] = []
            data = bytearray()
            answers: list[tuple[bool, ...]] = []
            for group, names in zip(groups, hashes, strict=True):
                answer = []
                for record, hash_ in zip(group.records, names, strict=True):
                    answer.append(hash_ not in known)
                    if hash_ not in known:
                        known.add(hash_)
                        frame = framed(record, group.received_ms)
                        stored = StoredRecord(record, group.received_ms)
                        new.append((hash_, Framed(stored, self._end + len(data), len(frame))))
                        data += frame
                answers.append(tuple(answer))
            if new:
                self._check_reserve(len(data))
                self._write(bytes(data), new)
            return answers

    async def append_off_loop(self, records: Sequence[Record], received_ms: int) -> tuple[bool, ...]:
        """`append` on the log's thread, sharing one fdatasync with whoever else waits.

        To be called from one event loop. Waits while too many bytes wait already.
        """
        group = Group(tuple(records), received_ms)
        while self._waiting_bytes and self._waiting_bytes + group.size_bytes > WAITING_BYTES_MAX:
            self._room.clear()
            await self._room.wait()
        if self._stopped is not None:
            raise StorageFailed(self._stopped, str(self._directory))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[bool, ...]] = loop.create_future()
        self._queue.append((group, answer))
        self._waiting_bytes += group.size_bytes
        if not self._flushing:
            self._flush(loop)
        return await answer

    def get(self, hash_: RecordHash) -> StoredRecord | None:
        """The record of that hash, its bytes checked against it."""
        return self.get_many([hash_]).get(hash_)

    def get_many(self, hashes: Sequence[RecordHash]) -> dict[RecordHash, StoredRecord]:
        """Those of the records that are held."""
        found = ((place.hash, self._stored(place)) for place in self._index.places(hashes))
        return {hash_: stored for hash_, stored in found if stored is not None}

    def holds(self, hashes: Sequence[RecordHash]) -> set[RecordHash]:
        """Which of the hashes are held, without reading the records."""
        return {place.hash for place in self._index.places(sorted(set(hashes)))}

    def replay(self, since_ms: int = 0) -> Iterator[StoredRecord]:
        """Every record that arrived at or after `since_ms`, in the order of the log: for a restart."""
        for segment in self._index.segments():
            if segment.newest_ms >= since_ms:
                for frame in self._frames(segment.number, segment.indexed_bytes):
                    if frame.stored.received_ms >= since_ms:
                        yield frame.stored

    def prune_before(self, received_ms: int, may_go: Callable[[RecordHash], bool] = lambda _: True) -> int:
        """Delete whole segments that are full, older, and of which every record `may_go`.

        The policy (which windows can still be restated or challenged) is the caller's.
        Gives the bytes freed.
        """
        freed = 0
        with self._guard:
            for segment in self._index.segments():
                if segment.number == self._number or segment.newest_ms >= received_ms:
                    continue
                frames_ = self._frames(segment.number, segment.indexed_bytes)
                hashes = [frame.stored.record.hash for frame in frames_]
                if all(map(may_go, hashes)):
                    self._index.forget(segment.number, hashes)
                    with storage_failures():
                        self._path(segment.number).unlink()
                    freed += segment.indexed_bytes
        return freed

    # --- writing

    def _write(self, data: bytes, new: Sequence[tuple[RecordHash, Framed]]) -> None:
        end = self._end + len(data)
        try:
            with storage_failures():
                _write_all(self._file, data, self._end)
                os.fdatasync(self._file)
            self._index.remember(self._number, end, new)
        except StorageFailed as failure:
            # Not acknowledged, so not kept: a full disk must not leave half a frame behind.
            if not failure.retriable or not self._cut_back():
                self._stopped = StorageProblem.BROKEN
            raise
        self._end = end
        if end >= self._segment_bytes:
            self._roll()

    def _cut_back(self) -> bool:
        try:
            os.ftruncate(self._file, self._end)
            os.fdatasync(self._file)
        except OSError:
            return False
        return True

    def _roll(self) -> None:
        try:
            following = self._open_segment(self._number + 1)
        except OSError:
            return  # the records are durable; the next append tries again
        os.close(self._file)
        self._file, self._number, self._end = following, self._number + 1, 0

    def _check_reserve(self, wanted: int) -> None:
        with storage_failures():
            free = shutil.disk_usage(self._directory).free
        if free - wanted < self._reserve_bytes:
            raise StorageFailed(StorageProblem.RESERVE, f"{free} bytes free, {self._reserve_bytes} stay so")

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        taken = list(self._queue)
        self._queue.clear()
        self._flushing = True
        groups = [group for group, _ in taken]
        try:
            running = loop.run_in_executor(self._writing, self.append_groups, groups)
        except RuntimeError:  # the thread was given up between two flushes
            running = loop.create_future()
            running.set_exception(StorageFailed(StorageProblem.CLOSED, str(self._directory)))

        def finished(done: asyncio.Future[list[tuple[bool, ...]]]) -> None:
            self._flushing = False
            self._waiting_bytes -= sum(group.size_bytes for group, _ in taken)
            self._room.set()
            _pass_on(done, [future for _, future in taken])
            if self._queue:
                self._flush(loop)

        running.add_done_callback(finished)

    # --- reading and opening

    def _stored(self, place: Place) -> StoredRecord | None:
        with storage_failures():
            try:
                file = os.open(self._path(place.segment), os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return None  # pruned since the index was asked
            try:
                found = read_frame(file, place.at)
            finally:
                os.close(file)
        if found is None or found.stored.record.hash != place.hash:
            raise StorageFailed(
                StorageProblem.CORRUPT, f"record {place.hash.hex()} in segment {place.segment}"
            )
        return found.stored

    def _frames(self, number: int, end: int) -> Iterator[Framed]:
        """Every frame of a segment; raises StorageFailed(CORRUPT) if they end early."""
        at = 0
        with storage_failures():
            file = os.open(self._path(number), os.O_RDONLY | os.O_CLOEXEC)
            try:
                for frame in frames(file, 0, end):
                    yield frame
                    at = frame.at + frame.length
            finally:
                os.close(file)
        if at != end:
            raise StorageFailed(StorageProblem.CORRUPT, f"segment {number} at byte {at}")

    def _open_segment(self, number: int) -> int:
        file = os.open(self._path(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)  # or the file's name could be lost with the power
        finally:
            os.close(directory)
        return file

    def _path(self, number: int) -> Path:
        return self._directory / f"records-{number:08d}.log"

    def _recover(self) -> tuple[int, int]:
        """Index what a crash left unindexed, cut off what it tore; give where to go on."""
        indexed = {segment.number: segment.indexed_bytes for segment in self._index.segments()}
        names = self._directory.glob("records-*.log")
        there = sorted(int(path.stem.removeprefix("records-")) for path in names)
        missing = sorted(set(indexed) - set(there))
        if missing:
            raise StorageFailed(StorageProblem.CORRUPT, f"segment {missing[0]} is gone")
        end = 0
        for number in there:
            end = self._recover_segment(number, indexed.get(number, 0), last=number == there[-1])
        return (there[-1], end) if there else (1, 0)

    def _recover_segment(self, number: int, known: int, *, last: bool) -> int:
        file = os.open(self._path(number), os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            found = [(frame.stored.record.hash, frame) for frame in frames(file, known)]
            end = found[-1][1].at + found[-1][1].length if found else known
            if size < known or (size > end and not last):
                raise StorageFailed(StorageProblem.CORRUPT, f"segment {number} at byte {min(size, end)}")
            if size > end:
                self.torn_bytes = size - end
                os.ftruncate(file, end)
            if found or size > end:
                os.fdatasync(file)  # what was found may not have been synced before the crash
            if found:
                self._index.remember(number, end, found)
            return end
        finally:
            os.close(file)


def _write_all(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, at)
        view = view[written:]
        at += written


def _pass_on(
    done: asyncio.Future[list[tuple[bool, ...]]], waiting: Sequence[asyncio.Future[tuple[bool, ...]]]
) -> None:
    failure = done.exception()
    answers = [] if failure else done.result()
    check(failure is not None or len(answers) == len(waiting), "every group is answered")
    for at, future in enumerate(waiting):
        if future.done():
            continue  # whoever waited was cancelled; the records are durable all the same
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(answers[at])
