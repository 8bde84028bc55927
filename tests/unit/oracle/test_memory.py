"""What a Step's records become in the database, and what a node is restored from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from consensus.agreement.engine import Timeouts
from consensus.encoding import Value, encode
from consensus.model import ZERO_DIGEST, InvariantBroken
from consensus.simulator.disk import Disk
from consensus.step import JournalRecord, Milestone
from oracle import memory
from oracle.chronicle import DECIDED, DOUBLE_VOTE, EVIDENCE, INPUTS, LEAVES, PART, TRAVEL
from oracle.duties.applying import SNAPSHOT_EVERY
from oracle.events import ChainRead
from oracle.journey import Said, Stage
from oracle.memory import Writes
from oracle.model import RecordHash, WindowStart
from oracle.node import Node
from oracle.restate import LATE, Late
from oracle.storage.database import Database
from oracle.storage.history import (
    EntrySigned,
    Meta,
    Part,
    PartGone,
    StoredEntry,
    StoredEvidence,
    StoredMilestone,
)
from tests.scenarios.network import Town, grown, records_of
from tests.simulation.whole_node import PACE
from tests.unit.evidence.votes import MEMBERS, A, B, file_of, vote
from tests.unit.oracle.network import certified, entry_of

BODY = {"window": 900, "revision": 0, "reason": 1, "count": 1}


def decided_record(height: int = 4, attachment: bytes = b"beside", kind: str = "void") -> JournalRecord:
    decided = certified(entry_of(kind, dict(BODY), height=height))
    row = {
        "entry": decided.entry.encoded(),
        "certificate": decided.certificate.encoded(),
        "attachment": attachment,
    }
    return JournalRecord(height, DECIDED, encode(row))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "node.db")
    yield database
    database.close()


def write(database: Database, *records: JournalRecord) -> None:
    writes = Writes()
    writes.add_records(records)
    database.transaction(writes.journal, writes.history, writes.truncate_below)


def fill(database: Database, disk: Disk) -> None:
    """As the runtime wrote it: each record in a transaction of its own is the hardest order."""
    for record in records_of(disk):
        write(database, record)
    write(database, *disk.journal)


def restored(database: Database, town: Town, slot: int = 0) -> Node:
    node = Node(
        town.genesis,
        town.keys[slot].public_key.format(),
        town.node(slot).settlement.rules,
        PACE,
        Timeouts(),
    )
    node.restore(memory.stored(database.history), memory.head(database.history))
    node.replay(database.journal.replay())
    return node


# -- what is written where


def test_a_decided_entry_goes_to_the_history_and_ends_its_journal() -> None:
    writes = Writes()
    writes.add_records([JournalRecord(4, "begin", b""), decided_record(), JournalRecord(5, "begin", b"")])
    assert [record.height for record in writes.journal] == [4, 5]
    assert writes.truncate_below == 5
    entry, attachment = writes.history
    assert isinstance(entry, StoredEntry)
    assert (entry.height, entry.kind, entry.window_start_s, entry.revision) == (4, "void", 900, 0)
    assert attachment == Part(4, "attachment", b"beside")


def test_a_late_record_is_named_until_no_window_waits_for_it(database: Database) -> None:
    """One batch may be late for several windows; it is named once, and until the last is over (A8)."""
    batch, other = (RecordHash(hashlib.sha256(name).digest()) for name in (b"batch", b"other"))
    first, second = WindowStart(900), WindowStart(1800)
    for late in (Late(first, batch), Late(second, batch), Late(first, other)):
        write(database, JournalRecord(5, LATE, late.to_bytes()))
    assert memory.late_records(database.history) == tuple(sorted((batch, other)))
    write(database, decided_record(height=6))
    write(database, JournalRecord(7, LATE, Late(first, batch, over=True).to_bytes()))
    write(database, JournalRecord(7, LATE, Late(first, other, over=True).to_bytes()))
    assert memory.late_records(database.history) == (batch,)
    write(database, JournalRecord(8, LATE, Late(second, batch, over=True).to_bytes()))
    assert memory.late_records(database.history) == ()


def test_an_entry_about_no_window_says_so() -> None:
    writes = Writes()
    decided = certified(entry_of("registry", {"registry": bytes(32)}, height=2))
    row = {"entry": decided.entry.encoded(), "certificate": decided.certificate.encoded(), "attachment": b""}
    writes.add_records([JournalRecord(2, DECIDED, encode(row))])
    (entry,) = writes.history
    assert isinstance(entry, StoredEntry)
    assert entry.window_start_s is None


GOOD = file_of(vote(A), vote(B))


def journaled_double_vote() -> bytes:
    """As the node journals it; the history holds the file that anyone can verify (E6)."""
    first, second = ({"payload": one.payload, "signature": one.signature} for one in (vote(A), vote(B)))
    epochs: Value = ({"number": 1, "node-keys": MEMBERS.node_keys},)
    return encode({"genesis": MEMBERS.genesis, "epochs": epochs, "first": first, "second": second})


def test_parts_signatures_and_evidence_have_places_of_their_own() -> None:
    writes = Writes()
    writes.add_records(
        [
            JournalRecord(4, PART + "window", b"leaves"),
            JournalRecord(4, PART + "bls", bytes(48)),
            JournalRecord(4, PART + "snapshot", b"registers"),
            JournalRecord(4, EVIDENCE + DOUBLE_VOTE, journaled_double_vote()),
            JournalRecord(5, LEAVES, b"not decided yet"),
        ]
    )
    assert writes.history == [
        Part(4, "window", b"leaves"),
        EntrySigned(4, bytes(48)),
        Part(4, "snapshot", b"registers"),
        Meta("snapshot-height", (4).to_bytes(8, "big")),
        StoredEvidence(hashlib.sha256(GOOD).digest(), 4, "double-vote", GOOD),
    ]
    assert writes.windows == [4]
    assert writes.journal == [JournalRecord(5, LEAVES, b"not decided yet")]
    assert writes.truncate_below is None


def test_of_several_decided_heights_in_one_go_all_journals_end() -> None:
    writes = Writes()
    writes.add_records([decided_record(4), decided_record(6), decided_record(5)])
    assert writes.truncate_below == 7


def test_milestones_are_kept_with_their_time() -> None:
    writes = Writes()
    writes.add_milestones([Milestone("certified", 4, "window, round 0")], 1_234)
    assert writes.history == [StoredMilestone(4, "certified", 1_234, "window, round 0")]


def test_accounts_of_long_past_heights_are_given_up_and_leaves_never() -> None:
    writes = Writes()
    writes.add_records([decided_record(5000)])
    gone = [(one.height, one.name) for one in writes.history if isinstance(one, PartGone)]
    assert gone == [(5000 - 4096, TRAVEL), (5000 - 512, INPUTS)]
    young = Writes()
    young.add_records([decided_record(100)])
    assert not any(isinstance(one, PartGone) for one in young.history)


def test_a_part_that_is_given_up_is_gone_and_the_others_stay(database: Database) -> None:
    write(database, *(JournalRecord(4, PART + name, b"x") for name in (TRAVEL, "window")))
    database.transaction([], [PartGone(4, TRAVEL), PartGone(5, TRAVEL)])
    assert [part.name for part in database.history.parts(4)] == ["window"]


def test_how_the_open_height_goes_is_found_again(database: Database) -> None:
    assert memory.open_travel(database.history) == b""
    write(database, decided_record(4), JournalRecord(5, PART + TRAVEL, b"so far"))
    assert memory.open_travel(database.history) == b"so far"


def test_a_node_that_is_restored_knows_how_its_windows_went(database: Database) -> None:
    town = grown(3)
    fill(database, town.disk(0))
    before, after = town.node(0).journey, restored(database, town).journey
    known = [one for one in after.newest() if one.reached_ms(Stage.ATTESTED)]
    assert known
    for travel in known:
        live = before.of(travel.window)
        assert live is not None
        assert travel.reached_ms(Stage.CLOSED) == live.reached_ms(Stage.CLOSED) > 0
        assert travel.height == live.height
        assert {one.slot for one in travel.heard() if one.said is Said.PREVOTE} == {0, 1, 2, 3}


def test_what_is_no_entry_is_our_own_fault() -> None:
    row = encode({"entry": b"junk", "certificate": b"junk", "attachment": b""})
    with pytest.raises(InvariantBroken):
        Writes().add_records([JournalRecord(4, DECIDED, row)])


def test_an_empty_history_has_no_head(database: Database) -> None:
    assert memory.head(database.history) == (0, ZERO_DIGEST)
    assert list(memory.stored(database.history)) == []
    assert memory.entries_from(database.history, 0, 16) == ()


def test_entries_are_served_from_a_height_on_with_what_is_beside_them(database: Database) -> None:
    write(database, *(decided_record(height, b"%d" % height) for height in range(1, 8)))
    rows = memory.entries_from(database.history, 3, 3)
    assert [attachment for _, _, attachment in rows] == [b"3", b"4", b"5"]
    assert memory.entries_from(database.history, 8, 3) == ()
    assert len(memory.entries_from(database.history, 0, 16)) == 7


# -- what a node is restored from


def test_a_node_comes_back_as_it_was_from_the_last_snapshot_on(database: Database) -> None:
    town = grown(SNAPSHOT_EVERY + 4)
    fill(database, town.disk(0))
    assert database.history.meta("snapshot-height") is not None
    heights = [(one.entry.height, one.entry.kind) for one in memory.stored(database.history)]
    kinds = [kind for _, kind in heights]
    assert kinds[:4] == ["hello", "deal", "respond", "activate"]
    assert kinds.count("window") == 5, "that of the snapshot and the four after it"
    assert heights == sorted(heights)
    node = restored(database, town)
    was = town.node(0)
    assert node.settlement.attested.digest == was.settlement.attested.digest
    assert node.settlement.next_window == was.settlement.next_window
    assert node.engine.head == was.engine.head
    assert node.registry.root == was.registry.root
    assert node.keygen.complete
    assert node.keygen.ceremony == was.keygen.ceremony


def test_a_snapshot_comes_again_so_many_windows_after_a_restart(database: Database) -> None:
    town = grown(SNAPSHOT_EVERY + 4)
    fill(database, town.disk(0))
    assert restored(database, town)._applying._windows == 4


@pytest.mark.parametrize("windows", [0, 3])
def test_a_registry_that_changed_after_the_snapshot_is_the_one_that_counts(
    database: Database, windows: int
) -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= SNAPSHOT_EVERY + 1)
    for slot in range(4):
        town.ears[slot].signed, town.ears[slot].unsigned = 5, 0
        town.happen(slot, ChainRead(town.ears[slot].devices(), 9))
    town.run_until(lambda: len(town.entries("registry")) == 2)
    town.run_until(lambda: town.windows() >= SNAPSHOT_EVERY + 1 + windows)
    fill(database, town.disk(0))
    node, was = restored(database, town), town.node(0)
    assert len(node.registry) == 5
    assert node.registry.root == was.registry.root
    assert node.settlement.attested.digest == was.settlement.attested.digest
    assert node.settlement.next_window == was.settlement.next_window


def test_a_registry_from_before_the_snapshot_is_the_one_the_snapshot_is_read_over(
    database: Database,
) -> None:
    town = Town()
    town.run_until(lambda: town.windows() >= 3)
    for slot in range(4):
        town.ears[slot].signed = 6
        town.happen(slot, ChainRead(town.ears[slot].devices(), 9))
    town.run_until(lambda: town.windows() >= SNAPSHOT_EVERY + 2)
    fill(database, town.disk(0))
    node, was = restored(database, town), town.node(0)
    assert len(node.registry) == 7
    assert node.settlement.attested.digest == was.settlement.attested.digest


def test_the_records_that_leaves_name_are_named_once_each(database: Database) -> None:
    town = grown(SNAPSHOT_EVERY + 4)
    fill(database, town.disk(0))
    height = town.entries("window")[2].height
    named = memory.records_named(database.history, height)
    assert len(named) == 4
    assert list(named) == sorted(set(named))
    known = {record for shelf in town.shelves for record in shelf.records}
    assert set(named) <= known
    assert memory.records_named(database.history, 1) == ()
    assert memory.records_named(database.history, 10_000) == ()
