"""One window after another, from its close to a value that can be agreed (A2, A3).

Holds the keeper of readings, the attested registers and what peers have said of the
window that is next. Decides what to ask of whom, what to propose and whether a proposal
follows from records. Knows no clock, no rounds and no signatures.

After the close each member sends a notice of what it holds. Where two differ, rows name
the records of the differing buckets, and records are asked for by hash; each verifies
by itself, so it does not matter who hands it on. Once all notices agree the window is
reconciled and can be proposed; what time does not allow is settled by the proposal: a
voter that computes another result asks for the proposer's rows, fetches what it lacks,
and judges the proposer's choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum, unique
from typing import Final

import numpy as np

from consensus.encoding import EncodingError, Value, decode, encode
from consensus.envelope import Verified
from consensus.messages import Entry, Fields, WrongShape
from consensus.model import Digest, EpochNumber, Network, NodeId, Rejected
from consensus.step import Outgoing
from oracle import frames
from oracle.exchange import answer_rows, joined, records_wanted
from oracle.frames import InventoryNotice, Observation, Rows, RowsWanted, observations_digest
from oracle.model import Reading, RecordHash, UsagePoint, WindowStart
from oracle.windows import inventory as inventories
from oracle.windows import witness
from oracle.windows.attested import Attested
from oracle.windows.inputs import Inputs, InputSet
from oracle.windows.inventory import Inventory
from oracle.windows.keeper import Accepted, Choice, Keeper
from oracle.windows.packing import Misfit
from oracle.windows.readings import Rows as PackedRows
from oracle.windows.registry import Registry
from oracle.windows.summary import summarise
from oracle.windows.vee import Rules
from oracle.windows.window_data import WindowData

WINDOWS_AHEAD: Final = 2
"""Notices and observations are taken for so many windows beyond the next."""
PROPOSALS_MAX: Final = 8
VOID_WINDOWS_MAX: Final = 100_000


class VoidReason(IntEnum):
    """Why a window has no attestation (A7)."""

    NO_RECORDS = 1
    """No member held a record of it: nothing was measured, or everybody was away."""
    NO_AGREEMENT = 2
    """Its deadline passed without a value that a quorum could accept."""
    NO_LEAF = 3
    """There are records, and a quorum of members agrees that no leaf follows from them."""


@unique
class Objection(Enum):
    """Why this node votes for nothing: what it finds wrong with a proposal (A3)."""

    OTHER_KIND = "other-kind"
    """An entry of a kind that is not due: the proposer is of another version, or lies."""
    OTHER_WINDOW = "other-window"
    """Of another window than the next, or with a malformed list of observers."""
    OTHER_OBSERVATIONS = "other-observations"
    """It rests on observations that a member signed otherwise to this node: that member is two-faced."""
    TOO_MANY = "too-many-proposals"
    """So many different results were proposed for one window that no more are checked: look who does."""
    BAD_ROWS = "bad-rows"
    """The proposer's rows are malformed, or name usage points that are not in the registry."""
    CENSORS = "censors"
    """It leaves out, or ranks wrongly, a record that this node held at the close: see where the
    inputs differ with `wattest explain` and several `--api`."""
    DOES_NOT_FOLLOW = "does-not-follow"
    """Totals, roots or leaves are not what the records give: another version, or a lie."""
    VOID_NOT_DUE = "void-not-due"
    """This node holds records of a window that is to be void as empty, or its deadline is not over."""
    OTHER_REGISTRY = "other-registry"
    """Not the devices that this node reads on chain: compare the Stacks nodes' answers."""
    CEREMONY = "ceremony"
    """The bundles are not those of this phase of the key ceremony, or are not all there yet."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What can be proposed for the next window."""

    kind: str
    body: Mapping[str, Value]
    attachment: bytes
    found: tuple[WindowData, Choice] | None
    """The leaves behind a window, and the records that were chosen."""


@dataclass(slots=True)
class _Heard:
    """What peers have said of one window."""

    notices: dict[NodeId, InventoryNotice] = field(default_factory=dict)
    observations: dict[NodeId, Verified[frames.Observations]] = field(default_factory=dict)


@dataclass(slots=True)
class _Foreign:
    """A proposal whose result this node does not compute by itself."""

    entry: Entry
    observers: tuple[NodeId, ...]
    proposer: NodeId
    rows: dict[int, PackedRows] = field(default_factory=dict)
    asked: bool = False


@dataclass(frozen=True, slots=True)
class _Behind:
    """What a summary follows from. The very objects: none of them changes, it is replaced."""

    choice: Choice
    attested: Attested
    observations: tuple[Verified[frames.Observations], ...]

    def is_same(self, other: _Behind) -> bool:
        return (
            self.choice is other.choice
            and self.attested is other.attested
            and list(map(id, self.observations)) == list(map(id, other.observations))
        )


class Settlement:
    """The windows of one network at one node. `own` is None for a node that only follows."""

    def __init__(
        self,
        registry: Registry,
        rules: Rules,
        network: Network,
        own: NodeId | None,
        members: int,
        quorum: int,
    ) -> None:
        self.rules = rules
        self.keeper = Keeper(registry, rules)
        self.attested = Attested.initial(registry)
        self.next_window = WindowStart(0)
        self._network = network
        self._own = own
        self._members = members
        self._quorum = quorum
        self._heard: dict[WindowStart, _Heard] = {}
        self._data: dict[Digest, WindowData] = {}
        self._choices: dict[Digest, Choice] = {}
        self._foreign: dict[Digest, _Foreign] = {}
        self._inventory: tuple[WindowStart, bytes] | None = None
        self.objection = Objection.DOES_NOT_FOLLOW
        """Why `check_window` has last found a proposal wrong."""
        self._summarised: tuple[_Behind, WindowData | None] | None = None

    @property
    def registry(self) -> Registry:
        """The registry that the log has agreed."""
        return self.keeper.registry

    # -- readings -------------------------------------------------------------------

    def open_windows(self, now_s: int) -> None:
        """Hold the next window and those up to the one after `now_s`."""
        last = now_s - now_s % self.rules.window_s + self.rules.window_s
        for window in range(self.next_window, last + 1, self.rules.window_s):
            if not self.keeper.open(WindowStart(window)):
                return

    def offer(self, readings: Sequence[Reading], now_s: int | None) -> tuple[Accepted | Rejected, ...]:
        """Readings whose signatures are verified; see `Keeper.offer`."""
        verdicts = self.keeper.offer(readings, now_s)
        if any(isinstance(one, Accepted) and one.window == self.next_window for one in verdicts):
            self._inventory = None
        return verdicts

    # -- close and reconciliation (A2) ------------------------------------------------

    def is_restatement(self, entry: Entry) -> bool:
        """Whether an entry is a further revision of a window that the log has settled (A8)."""
        window = entry.body.get("window")
        return entry.kind == "window" and isinstance(window, int) and window < self.next_window

    @property
    def closed(self) -> bool:
        """Whether the next window is closed here."""
        return self._holds(self.next_window) and self.keeper.is_closed(self.next_window)

    def close(self) -> None:
        """The next window's time and grace are over."""
        if self._holds(self.next_window):
            self.keeper.close(self.next_window)

    def inputs(self) -> Inputs:
        """What this node holds of the next window, which is closed; for `explain`."""
        seen = self.keeper.observations(self.next_window)
        chosen = self.keeper.choice(self.next_window).rows
        observed = PackedRows(seen.usage_points, seen.records)
        return Inputs(self.next_window, InputSet.of(chosen), InputSet.of(observed))

    def signed_already(self, epoch: EpochNumber) -> Verified[frames.Observations] | None:
        """This node's own observations of the next window, once it has said them."""
        held = None if self._own is None else self.observations_of(self.next_window, self._own)
        return held if held is not None and held.message.epoch == epoch else None

    def own_observations(self, epoch: EpochNumber) -> bytes | None:
        """What to sign of unsigned sources, None when there is nothing (R4); once said, it stays."""
        if not self.closed:
            return None
        said = self.signed_already(epoch)
        if said is not None:
            return said.payload
        seen = self.keeper.observations(self.next_window)
        if not len(seen):
            return None
        rows = tuple(
            Observation(
                UsagePoint(int(seen.usage_points[at])),
                int(seen.time_s[at]),
                max(int(seen.import_register_wh[at]), 0),
                max(int(seen.export_register_wh[at]), 0),
                int(seen.sequence[at]),
                RecordHash(seen.records[at].tobytes()),
            )
            for at in range(min(len(seen), frames.OBSERVATIONS_PER_FRAME))
        )
        return encode(frames.Observations(epoch, self.next_window, rows).value(self._network))

    def notice(self, epoch: EpochNumber) -> InventoryNotice | None:
        """What this node holds of the next window, once it is closed."""
        if not self.closed:
            return None
        payload = self.own_observations(epoch)
        observed = b"" if payload is None else observations_digest(payload)
        return InventoryNotice(self.next_window, self._own_inventory(), observed)

    def on_notice(self, sender: NodeId, notice: InventoryNotice) -> list[Outgoing]:
        """A peer's notice; where it holds other records than this node, ask for the rows."""
        heard = self._heard_of(notice.window)
        if heard is None or sender >= self._members:  # who only follows has no say in what is held
            return []
        heard.notices[sender] = notice
        return self._compare(sender, notice) if notice.window == self.next_window else []

    def compare_all(self) -> list[Outgoing]:
        """Ask again wherever a peer's notice still differs; after the close, and when nothing moves."""
        heard = self._heard.get(self.next_window, _Heard())
        return [out for slot in sorted(heard.notices) for out in self._compare(slot, heard.notices[slot])]

    def on_rows_wanted(self, sender: NodeId, wanted: RowsWanted) -> list[Outgoing]:
        """Answer with the rows of a proposal, or of what is held now."""
        if not self._holds(wanted.window):
            return []
        choice = None if wanted.proposal is None else self._choices.get(wanted.proposal)
        if wanted.proposal is not None and choice is None:
            return []
        return answer_rows(self.keeper, wanted, choice, sender)

    def on_rows(self, sender: NodeId, rows: Rows) -> list[Outgoing]:
        """A peer's rows: ask it for the records this node lacks."""
        if not self._holds(rows.window):
            return []
        lacking: list[RecordHash] = []
        foreign = None if rows.proposal is None else self._foreign.get(rows.proposal)
        for bucket, data in rows.buckets:
            packed = PackedRows.from_bytes(data, rows_max=frames.ROWS_PER_FRAME)
            if isinstance(packed, Rejected):
                return []
            if foreign is not None and sender == foreign.proposer:  # nobody else says what it chose
                foreign.rows[bucket] = packed
            lacking += self.keeper.missing(rows.window, packed)
        return records_wanted(lacking, sender)

    def on_observations(self, observations: Verified[frames.Observations]) -> None:
        """A member's signed observations; the first of a window counts."""
        heard = self._heard_of(observations.message.window)
        if heard is not None:
            heard.observations.setdefault(observations.sender, observations)

    def observations_of(self, window: WindowStart, slot: NodeId) -> Verified[frames.Observations] | None:
        """A member's signed observations, to hand on."""
        return self._heard.get(window, _Heard()).observations.get(slot)

    def lacks_observations(self, attachment: bytes) -> bool:
        """Whether a decided window rests on observations that this node does not have."""
        observers = self._observers(attachment)
        if observers is None:
            return False
        return bool(self._lacking_observations(observers)) or not self._same_observations(observers)

    def observations_match(
        self, attachment: bytes, observations: Sequence[Verified[frames.Observations]]
    ) -> bool:
        """Whether these are the observations that a decided window rests on."""
        given = {(one.sender, bytes(observations_digest(one.payload))) for one in observations}
        return set(self._observers(attachment) or ()) <= given

    def all_observations(self, window: WindowStart) -> tuple[Verified[frames.Observations], ...]:
        """All members' signed observations of a window, in slot order: they go to the history."""
        held = self._heard.get(window, _Heard()).observations
        return tuple(held[slot] for slot in sorted(held))

    @property
    def reconciled(self) -> bool:
        """Whether every member's notice is the same as this node's, and all observations are there."""
        if not self.closed:
            return False
        heard = self._heard.get(self.next_window, _Heard())
        others = [slot for slot in range(self._members) if slot != self._own]
        if any(slot not in heard.notices for slot in others):
            return False
        mine = self._own_inventory()
        return all(
            notice.data == mine and (not notice.observed or slot in heard.observations)
            for slot, notice in heard.notices.items()
        )

    def _quorum_holds_the_same(self) -> bool:
        """Whether as many members as make a quorum, this one included, told the same of the next window."""
        heard = self._heard.get(self.next_window, _Heard())
        mine = self._own_inventory()
        alike = {
            slot
            for slot, notice in heard.notices.items()
            if notice.data == mine and (not notice.observed or slot in heard.observations)
        }
        alike |= set() if self._own is None else {self._own}
        return len(alike) >= self._quorum

    # -- values (A3) ----------------------------------------------------------------

    def make(self, now_s: int) -> Worth | None:
        """What this node would propose for the next window.

        None while it is open; and where there are records of which no leaf follows, until a
        quorum holds the same ones: such a window is neither empty nor has a value (A7).
        """
        if not self.closed:
            return None
        heard = self._heard.get(self.next_window, _Heard())
        observers = tuple(sorted(slot for slot, one in heard.observations.items() if one.message.rows))
        choice = self.keeper.choice(self.next_window)
        data = self._summarise(choice, observers)
        if data is None or not data.summary.leaf_count:
            empty = self._empty_windows(now_s)
            if empty:
                return self._void(VoidReason.NO_RECORDS, empty)
            return self._void(VoidReason.NO_LEAF, 1) if self._quorum_holds_the_same() else None
        return Worth("window", data.summary.value(), self._attachment(observers), (data, choice))

    def void_without_agreement(self) -> Worth:
        """The way out when the deadline has passed (A7)."""
        return self._void(VoidReason.NO_AGREEMENT, 1)

    def remember(self, digest: Digest, data: WindowData, choice: Choice) -> None:
        """A value that was proposed or found valid: to apply it when decided, and to explain it."""
        self.remember_data(digest, data)
        if len(self._choices) >= PROPOSALS_MAX and digest not in self._choices:
            self._choices.pop(next(iter(self._choices)))
        self._choices[digest] = choice

    def remember_data(self, digest: Digest, data: WindowData) -> None:
        """The leaves behind an entry."""
        if len(self._data) >= PROPOSALS_MAX and digest not in self._data:
            self._data.pop(next(iter(self._data)))
        self._data[digest] = data

    def check_window(
        self, entry: Entry, attachment: bytes, proposer: NodeId
    ) -> tuple[bool | None, list[Outgoing]]:
        """A3: whether the summary follows from records; None while something is being fetched."""
        observers = self._observers(attachment)
        if observers is None or entry.body.get("window") != self.next_window:
            return self._object(Objection.OTHER_WINDOW), []
        if not self.closed:
            return None, []
        lacking = self._lacking_observations(observers)
        if lacking:
            wanted = [frames.ObservationsWanted(self.next_window, slot) for slot in lacking]
            return None, [Outgoing(frames.observations_wanted_frame(one), proposer) for one in wanted]
        slots = tuple(slot for slot, _ in observers)
        if not self._same_observations(observers):
            return self._object(Objection.OTHER_OBSERVATIONS), []
        mine = self.keeper.choice(self.next_window)
        if self._follows(entry, mine, slots):
            return True, []
        return self._check_foreign(entry, slots, proposer)

    def check_void(self, entry: Entry, now_s: int, *, past_deadline: bool) -> bool:
        """A7: whether a void is justified here and now."""
        count = entry.body.get("count")
        if entry.body.get("window") != self.next_window or not isinstance(count, int):
            return False
        reason = entry.body.get("reason")
        value = self._void(VoidReason.NO_RECORDS if reason == 1 else VoidReason.NO_AGREEMENT, count)
        if encode(entry.body) != encode(value.body):
            return False
        if reason == VoidReason.NO_AGREEMENT:
            return past_deadline and count == 1
        return 1 <= count <= self._empty_windows(now_s)

    def check_no_leaf(self, entry: Entry) -> bool | None:
        """A7: whether no leaf follows from what a quorum holds; None while this node cannot say so."""
        if encode(entry.body) != encode(self._void(VoidReason.NO_LEAF, 1).body):
            return False
        heard = self._heard.get(self.next_window, _Heard()).observations
        observers = tuple(sorted(slot for slot, one in heard.items() if one.message.rows))
        data = self._summarise(self.keeper.choice(self.next_window), observers)
        empty = data is None or not data.summary.leaf_count
        return True if empty and self._quorum_holds_the_same() else None

    # -- decided --------------------------------------------------------------------

    def data_of(self, digest: Digest) -> WindowData | None:
        """The leaves behind a decided entry, where this node has computed them."""
        return self._data.get(digest)

    def apply_window(self, data: WindowData) -> None:
        """A decided window: its registers are the new base, and the next window is the next."""
        self.attested = self.attested.apply(data)
        self._move_to(WindowStart(data.summary.window + self.rules.window_s))

    def skip(self, windows: int) -> None:
        """A decided void."""
        self._move_to(WindowStart(self.next_window + windows * self.rules.window_s))

    def begin_at(self, window: WindowStart) -> None:
        """The first window, agreed with the key's activation."""
        self._move_to(window)

    def change_registry(self, registry: Registry) -> None:
        """A decided registry."""
        self.keeper.change_registry(registry)
        self.attested = self.attested.rebase(registry)
        self._inventory = None
        for heard in self._heard.values():  # of the old registry's places
            heard.notices.clear()
        self.forget_values()

    def change_committee(self, own: NodeId | None, members: int, quorum: int) -> None:
        """Other members, in other slots: what the former said of open windows counts no more."""
        self._own, self._members, self._quorum = own, members, quorum
        self._heard.clear()
        self.forget_values()

    # -- inside ---------------------------------------------------------------------

    def _own_inventory(self) -> bytes:
        """This node's inventory of the next window; made anew only when a reading has come."""
        if self._inventory is None or self._inventory[0] != self.next_window:
            self._inventory = (self.next_window, self.keeper.inventory(self.next_window).to_bytes())
        return self._inventory[1]

    def _move_to(self, window: WindowStart) -> None:
        self.next_window = window
        for held in self.keeper.windows:
            if held < window:
                self.keeper.forget(held)
        for heard in [one for one in self._heard if one < window]:
            del self._heard[heard]
        self.forget_values()

    def forget_values(self) -> None:
        """What was proposed for a height that is decided now, or over another registry."""
        self._data.clear()
        self._choices.clear()
        self._foreign.clear()
        self._summarised = None

    def _holds(self, window: WindowStart) -> bool:
        return window in self.keeper.windows

    def takes(self, window: WindowStart) -> bool:
        """Whether what peers say of a window is listened to (Q5)."""
        last = self.next_window + WINDOWS_AHEAD * self.rules.window_s
        return not window % self.rules.window_s and self.next_window <= window <= last

    def _heard_of(self, window: WindowStart) -> _Heard | None:
        if not self.takes(window):
            return None
        return self._heard.setdefault(window, _Heard())

    def _compare(self, sender: NodeId, notice: InventoryNotice) -> list[Outgoing]:
        if not self.closed:
            return []
        theirs = Inventory.from_bytes(notice.data, points=len(self.registry))
        if isinstance(theirs, Rejected):
            return []
        out: list[Outgoing] = []
        heard = self._heard_of(notice.window)
        if notice.observed and heard is not None and sender not in heard.observations:
            wanted = frames.ObservationsWanted(notice.window, sender)
            out.append(Outgoing(frames.observations_wanted_frame(wanted), sender))
        if notice.data == self._own_inventory():
            return out
        buckets = self.keeper.inventory(self.next_window).differing(theirs)
        if buckets:
            rows = RowsWanted(notice.window, None, tuple(buckets))
            out.append(Outgoing(frames.rows_wanted_frame(rows), sender))
        return out

    def _summarise(self, choice: Choice, observers: tuple[NodeId, ...]) -> WindowData | None:
        """What follows from a choice; the last answer is kept, since each message asks again."""
        held = self._heard.get(self.next_window, _Heard()).observations
        behind = _Behind(choice, self.attested, tuple(held[slot] for slot in observers))
        if self._summarised is None or not self._summarised[0].is_same(behind):
            self._summarised = behind, self._summary_of(choice, observers)
        return self._summarised[1]

    def _summary_of(self, choice: Choice, observers: tuple[NodeId, ...]) -> WindowData | None:
        held = self._heard.get(self.next_window, _Heard()).observations
        batches = {slot: _columns(held[slot].message.rows) for slot in observers}
        seen = None
        if len(batches) >= self._quorum:
            seen = witness.witnessed(self.registry, self.rules, self.next_window, batches, self._quorum)
        return summarise(self.attested, self.rules, choice, seen)

    def _follows(self, entry: Entry, choice: Choice, observers: tuple[NodeId, ...]) -> bool:
        data = self._summarise(choice, observers)
        if data is None or encode(data.summary.value()) != encode(entry.body):
            return False
        self.remember(entry.digest, data, choice)
        return True

    def _check_foreign(
        self, entry: Entry, observers: tuple[NodeId, ...], proposer: NodeId
    ) -> tuple[bool | None, list[Outgoing]]:
        digest = entry.digest
        if digest not in self._foreign and len(self._foreign) >= PROPOSALS_MAX:
            return self._object(Objection.TOO_MANY), []
        foreign = self._foreign.setdefault(digest, _Foreign(entry, observers, proposer))
        buckets = tuple(range(inventories.bucket_count(len(self.registry))))
        absent = tuple(bucket for bucket in buckets if bucket not in foreign.rows)
        if absent:
            wanted = RowsWanted(self.next_window, digest, absent)
            return None, [Outgoing(frames.rows_wanted_frame(wanted), proposer)]
        rows = joined([foreign.rows[bucket] for bucket in buckets])
        if isinstance(rows, Rejected):
            return self._object(Objection.BAD_ROWS), []
        choice = self.keeper.choice_from_rows(self.next_window, rows)
        if isinstance(choice, Rejected):
            if choice.reason is not Misfit.NOT_HELD:
                return self._object(Objection.BAD_ROWS), []
            return None, records_wanted(self.keeper.missing(self.next_window, rows), proposer)
        if self.keeper.outranked(self.next_window, choice):
            return self._object(Objection.CENSORS), []
        return self._follows(entry, choice, observers) or self._object(Objection.DOES_NOT_FOLLOW), []

    def _object(self, objection: Objection) -> bool:
        self.objection = objection
        return False

    def _attachment(self, observers: tuple[NodeId, ...]) -> bytes:
        held = self._heard.get(self.next_window, _Heard()).observations
        rows: list[Value] = [
            {"slot": slot, "digest": observations_digest(held[slot].payload)} for slot in observers
        ]
        return encode({"observers": rows})

    def _observers(self, attachment: bytes) -> tuple[tuple[NodeId, bytes], ...] | None:
        try:
            fields = Fields(decode(attachment, bytes_max=8192))
            rows = [Fields(row) for row in fields.items("observers", self._members)]
            fields.end()
            observers = tuple(
                (NodeId(row.uint("slot", self._members - 1)), row.buff("digest", 32)) for row in rows
            )
        except (WrongShape, EncodingError):
            return None
        slots = [slot for slot, _ in observers]
        return observers if slots == sorted(set(slots)) else None

    def _lacking_observations(self, observers: Iterable[tuple[NodeId, bytes]]) -> list[NodeId]:
        held = self._heard.get(self.next_window, _Heard()).observations
        return [slot for slot, _ in observers if slot not in held]

    def _same_observations(self, observers: Iterable[tuple[NodeId, bytes]]) -> bool:
        held = self._heard.get(self.next_window, _Heard()).observations
        return all(observations_digest(held[slot].payload) == digest for slot, digest in observers)

    def _void(self, reason: VoidReason, count: int) -> Worth:
        body: dict[str, Value] = {
            "window": self.next_window,
            "revision": 0,
            "reason": int(reason),
            "count": count,
        }
        return Worth("void", body, b"", None)

    def _empty_windows(self, now_s: int) -> int:
        """How many windows from the next on are over and without any record here."""
        count = 0
        window = self.next_window
        while window + self.rules.window_s <= now_s and count < VOID_WINDOWS_MAX:
            # Of a window that is not held nobody can say that it is empty.
            if not self._holds(window) or self._has_records(window):
                break
            count += 1
            window = WindowStart(window + self.rules.window_s)
        return count

    def _has_records(self, window: WindowStart) -> bool:
        return bool(len(self.keeper.choice(window)) or len(self.keeper.observations(window)))


def _columns(rows: tuple[Observation, ...]) -> witness.Observations:
    def ints(values: Iterable[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.array(list(values), np.int64)

    records = np.frombuffer(b"".join(row.record for row in rows), np.uint8).reshape(-1, 32)
    return witness.Observations(
        usage_points=ints(row.usage_point for row in rows),
        time_s=ints(row.time_s for row in rows),
        import_register_wh=ints(row.import_register_wh for row in rows),
        export_register_wh=ints(row.export_register_wh for row in rows),
        sequence=ints(row.sequence for row in rows),
        records=records,
    )
