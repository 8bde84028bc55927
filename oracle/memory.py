"""Between a Step's records and the database: what is written where, and read back at a start.

Decides which records of a Step are history and which are the journal of the open height;
late records that wait for a restatement are remembered by their hash, across restarts;
all of a Step goes into one transaction. Knows no agreement and no windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from consensus.encoding import decode
from consensus.messages import Certificate, DecidedEntry, Entry, Fields
from consensus.model import ZERO_DIGEST, Digest, Height, InvariantBroken, Rejected
from consensus.step import JournalRecord, Milestone
from oracle.acceptance import PART_NAME as ACCEPTANCE
from oracle.chronicle import DECIDED, DOUBLE_VOTE, EVIDENCE, INPUTS, PART, TRAVEL, Stored
from oracle.events import Recalled
from oracle.evidence.build import of_journaled_double_vote
from oracle.evidence.file import digest_of
from oracle.keygen import KINDS
from oracle.model import RecordHash, WindowStart, read_summary
from oracle.restate import LATE, Late
from oracle.storage.history import (
    EntrySigned,
    HistoryWrite,
    Meta,
    Part,
    PartGone,
    StoredEntry,
    StoredEvidence,
    StoredMilestone,
)
from oracle.storage.history_reader import HistoryReader
from oracle.windows.window_data import WindowData

ATTACHMENT: Final = "attachment"
SIGNATURE: Final = "bls"
SNAPSHOT: Final = "snapshot"
WINDOW: Final = "window"
_SNAPSHOT_HEIGHT: Final = "snapshot-height"
_PAGE: Final = 200
ACCOUNTS_KEPT: Final = {TRAVEL: 4096, INPUTS: 512}
"""Of so many heights it is kept how they went, and what was held: for `explain`, and nothing else."""
LATE_PREFIX: Final = "late:"
UNSIGNED_YOUNG: Final = 3
"""The newest heights are being signed just now."""
UNSIGNED_MAX: Final = 64


@dataclass(slots=True)
class Writes:
    """One transaction's worth."""

    journal: list[JournalRecord] = field(default_factory=list)
    history: list[HistoryWrite] = field(default_factory=list)
    truncate_below: int | None = None
    windows: list[int] = field(default_factory=list)
    """Heights whose leaves are written with this."""

    def add_records(self, records: Sequence[JournalRecord]) -> None:
        """Sort a Step's records into journal and history."""
        for record in records:
            if record.kind == DECIDED:
                self._add_decided(record)
            elif record.kind == PART + SIGNATURE:
                self.history.append(EntrySigned(record.height, record.data))
            elif record.kind.startswith(PART):
                self._add_part(record.height, record.kind.removeprefix(PART), record.data)
            elif record.kind == EVIDENCE + DOUBLE_VOTE:
                file = of_journaled_double_vote(record.data)
                self.history.append(StoredEvidence(digest_of(file), record.height, DOUBLE_VOTE, file))
            elif record.kind == LATE:
                late = Late.from_bytes(record.data)
                key = f"{LATE_PREFIX}{late.window}:{late.record.hex()}"
                self.history.append(Meta(key, None if late.over else b"\x01"))
            else:
                self.journal.append(record)

    def add_milestones(self, milestones: Sequence[Milestone], at_ms: int) -> None:
        """Keep what happened, for `explain`."""
        self.history += [StoredMilestone(one.height, one.name, at_ms, one.detail) for one in milestones]

    def _add_decided(self, record: JournalRecord) -> None:
        fields = Fields(decode(record.data))
        raw, certificate = fields.buff("entry", 1, 1 << 20), fields.buff("certificate", 1, 1 << 20)
        attachment = fields.buff("attachment", 0, 1 << 20)
        entry = _entry(raw)
        window, revision = entry.body.get("window"), entry.body.get("revision", 0)
        self.history.append(
            StoredEntry(
                entry.height,
                entry.digest,
                entry.kind,
                raw,
                certificate,
                None,
                window if isinstance(window, int) else None,
                revision if isinstance(revision, int) else 0,
            )
        )
        if attachment:
            self.history.append(Part(entry.height, ATTACHMENT, attachment))
        self.history += [
            PartGone(entry.height - kept, name) for name, kept in ACCOUNTS_KEPT.items() if entry.height > kept
        ]
        self.truncate_below = max(self.truncate_below or 0, entry.height + 1)

    def _add_part(self, height: int, name: str, data: bytes) -> None:
        self.history.append(Part(height, name, data))
        if name == WINDOW:
            self.windows.append(height)
        if name == SNAPSHOT:
            self.history.append(Meta(_SNAPSHOT_HEIGHT, height.to_bytes(8, "big")))


def head(history: HistoryReader) -> tuple[Height, Digest]:
    """The last decided height."""
    newest = history.newest()
    if newest is None:
        return Height(0), ZERO_DIGEST
    return Height(newest.height), Digest(newest.digest)


def stored(history: HistoryReader) -> Iterator[Stored]:
    """What a node is restored from: ceremonies and registries, then all from the last snapshot on."""
    raw = history.meta(_SNAPSHOT_HEIGHT)
    snapshot = 0 if raw is None else int.from_bytes(raw, "big")
    early = [
        entry for kind in (*KINDS, "registry") for entry in _all(history, 0, kind) if entry.height < snapshot
    ]
    for entry in sorted(early, key=lambda one: one.height):
        yield _stored(history, entry)
    for entry in _all(history, max(snapshot - 1, 0), None):
        one = _stored(history, entry)
        if entry.height != snapshot and SNAPSHOT in one.parts:
            one = Stored(one.decided, one.attachment, {n: d for n, d in one.parts.items() if n != SNAPSHOT})
        yield one


def for_chain(history: HistoryReader, entry: StoredEntry) -> DecidedEntry | None:
    """An entry with the certificate that the contracts take; None while that is being gathered.

    For an activation after the first it is that of the new committee (`oracle.acceptance`).
    """
    decided = decided_of(entry)
    if entry.kind != "activate" or decided.certificate.epoch == decided.entry.body.get("epoch"):
        return decided
    held = history.part(entry.height, ACCEPTANCE)
    certificate = None if held is None else Certificate.parse(held)
    if certificate is None or isinstance(certificate, Rejected):
        return None
    return DecidedEntry(decided.entry, certificate)


def open_travel(history: HistoryReader) -> bytes:
    """How the open height has gone so far; b"" where nothing is known of it."""
    return history.part(head(history)[0] + 1, TRAVEL) or b""


def decided_of(entry: StoredEntry) -> DecidedEntry:
    """An entry with its certificate, from the history."""
    certificate = Certificate.parse(entry.certificate)
    if isinstance(certificate, Rejected):
        raise InvariantBroken("the history gives back certificates as they were written")
    return DecidedEntry(_entry(entry.entry), certificate)


def unsigned(history: HistoryReader) -> tuple[int, ...]:
    """Heights from the first key on, but not the newest, that lack the group's signature."""
    activation, newest = history.entries(limit=1, newest_first=False, kind="activate"), history.newest()
    if not activation.entries or newest is None:
        return ()
    first, last = activation.entries[0].height, newest.height - UNSIGNED_YOUNG
    return tuple(height for height in history.unsigned_heights() if first <= height <= last)[:UNSIGNED_MAX]


def records_named(history: HistoryReader, height: int) -> tuple[RecordHash, ...]:
    """The records that a settled window's leaves name, each once."""
    entry, data = history.entry(height), history.part(height, WINDOW)
    if entry is None or data is None:
        return ()
    summary = read_summary(_entry(entry.entry).body)
    window = None if isinstance(summary, Rejected) else WindowData.from_bytes(data, summary)
    if window is None or isinstance(window, Rejected):
        return ()
    return tuple(RecordHash(one) for one in sorted({row.tobytes() for row in window.leaves.record}))


def recalled(history: HistoryReader, window: int) -> Recalled:
    """The newest leaves of a settled window (A8)."""
    start = WindowStart(window)
    said = [entry for entry in history.entries_of_window(window) if entry.kind == "window"]
    data = history.part(said[-1].height, WINDOW) if said else None
    summary = read_summary(_entry(said[-1].entry).body) if said else None
    if data is None or summary is None or isinstance(summary, Rejected):
        return Recalled(start, None, b"")
    return Recalled(start, summary, data)


def late_records(history: HistoryReader) -> tuple[RecordHash, ...]:
    """Late records that wait for the next run of the settlement calendar, each once."""
    keys = [key for key, _ in history.meta_of_prefix(LATE_PREFIX)]
    return tuple(RecordHash(one) for one in sorted({bytes.fromhex(key.rsplit(":", 1)[1]) for key in keys}))


def entries_from(history: HistoryReader, first: int, most: int) -> tuple[tuple[bytes, bytes, bytes], ...]:
    """Rows of an `entries` frame: (entry, certificate, attachment)."""
    page = history.entries(cursor=first - 1, limit=most, newest_first=False)
    return tuple(
        (one.entry, one.certificate, history.part(one.height, ATTACHMENT) or b"") for one in page.entries
    )


def _all(history: HistoryReader, past: int, kind: str | None) -> Iterator[StoredEntry]:
    cursor: int | None = past
    while cursor is not None:
        page = history.entries(cursor=cursor, limit=_PAGE, newest_first=False, kind=kind)
        yield from page.entries
        cursor = page.next_cursor


def _stored(history: HistoryReader, entry: StoredEntry) -> Stored:
    parts = {part.name: part.blob for part in history.parts(entry.height)}
    attachment = parts.pop(ATTACHMENT, b"")
    if entry.signature is not None:
        parts[SIGNATURE] = entry.signature
    return Stored(decided_of(entry), attachment, parts)


def _entry(raw: bytes) -> Entry:
    entry = Entry.parse(raw)
    if isinstance(entry, Rejected):
        raise InvariantBroken("what was decided is an entry")
    return entry
