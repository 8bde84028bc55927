"""Late data: which settled windows are restated, in what order, and to what (A8).

Holds late readings, the ledger of windows that may be restated, and the run that is under
way. The log alone says when a run begins (`windows.calendar`) and when it ends: with the
next window that is decided. Between the two the log takes restatements of the run's
windows, oldest first. One that adds a leaf before an attested one obliges the network to
restate the window of that later leaf as well, in the same run; every node knows this from
the log, and refuses everything else until it is done. So energy is never counted twice
for longer than a run.

At a run's begin the late readings held are frozen: they are mandatory, as those of a window
at its close (A3). A node that holds one from which a leaf follows says so to the others,
hands it over, and does not agree to go on to the next window without its restatement.

Leaves of settled windows are not kept here: they are asked for (`take_wanted`) and come
from the history (`recalled`). Knows no clock, no rounds and no signatures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from consensus.encoding import Value, decode, encode
from consensus.messages import Entry, Fields
from consensus.model import Digest, InvariantBroken, NodeId, Rejected, check
from consensus.step import Outgoing
from oracle import frames
from oracle.exchange import answer_rows, joined, records_wanted
from oracle.frames import InventoryNotice, Rows, RowsWanted
from oracle.model import Assurance, Leaf, Reading, RecordHash, UsagePoint, WindowStart
from oracle.settle import PROPOSALS_MAX, Settlement
from oracle.windows import inventory as inventories
from oracle.windows.calendar import Calendar, Ledger, Said
from oracle.windows.energy import NEVER
from oracle.windows.inventory import Inventory
from oracle.windows.keeper import Accepted, Choice, Keeper
from oracle.windows.late import (
    LateReason,
    Neighbours,
    Taken,
    late_leaf,
    leaves_of,
    recounted,
    with_late,
)
from oracle.windows.packing import Misfit
from oracle.windows.readings import Rows as PackedRows
from oracle.windows.registry import Registry
from oracle.windows.vee import Rule
from oracle.windows.window_data import WindowData, assemble

SHELF_MAX: Final = 1024
"""Settled windows whose leaves are in memory during a run."""
RECENT: Final = 2
"""Windows whose leaves are in memory between runs."""
RECALLED_AT_ONCE: Final = 16
REGISTRIES_MAX: Final = 64
"""Beyond, those are forgotten over which no window stands that may be restated."""
STATE_BYTES_MAX: Final = 1 << 26
LATE: Final = "late"
"""Kind of the journal record that remembers a late record until it is attested or of no use."""


@dataclass(frozen=True, slots=True)
class Late:
    """A late record to be remembered across a restart, or, when `over`, no longer."""

    window: WindowStart
    record: RecordHash
    over: bool = False

    def to_bytes(self) -> bytes:
        """For the journal."""
        return encode({"window": self.window, "record": self.record, "over": int(self.over)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Late:
        """Read back what `to_bytes` gave."""
        fields = Fields(decode(data))
        window, record = WindowStart(fields.uint("window")), RecordHash(fields.buff("record", 32))
        return cls(window, record, bool(fields.uint("over", 1)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a window's next revision would be; `data` is None where nothing changes."""

    data: WindowData | None
    choice: Choice | None
    refused: tuple[LateReason, ...] = ()


@dataclass(slots=True)
class _Foreign:
    """A restatement whose result this node does not compute by itself."""

    proposer: NodeId
    rows: dict[int, PackedRows] = field(default_factory=dict)


class Restating:
    """The restatements of one network at one node."""

    def __init__(self, calendar: Calendar, settlement: Settlement, own: NodeId | None, members: int) -> None:
        self.calendar = calendar
        self.own = own
        self.members = members
        self.given_up = False
        """Whether the run has taken too long: this node insists on nothing more in it."""
        self._refused: list[LateReason] = []
        self._settlement = settlement
        self._rules = settlement.rules
        self._keeper = Keeper(settlement.registry, self._rules)
        self._ledger = Ledger(calendar, self._rules.window_s)
        self._registries: dict[bytes, Registry] = {}
        self._shelf: dict[WindowStart, WindowData] = {}
        self._wanted: set[WindowStart] = set()
        self._asked: set[WindowStart] = set()
        self._scope: tuple[WindowStart, ...] = ()
        self._cursor = WindowStart(-1)
        self._owed: dict[WindowStart, dict[UsagePoint, Taken]] = {}
        self._plans: dict[WindowStart, _Plan] = {}
        self._notices: dict[WindowStart, dict[NodeId, bytes]] = {}
        self._choices: dict[Digest, tuple[WindowStart, Choice]] = {}
        self._foreign: dict[Digest, _Foreign] = {}
        self._changes: list[Late] = []
        self._held: dict[WindowStart, dict[RecordHash, None]] = {}

    # -- readings -------------------------------------------------------------------

    def is_late(self, reading: Reading) -> bool:
        """Whether a reading belongs to a window that is settled."""
        return self._keeper.window_of(reading) < self._settlement.next_window

    def offer(self, readings: Sequence[Reading]) -> tuple[Accepted | Rejected, ...]:
        """Late readings whose signatures are verified; one verdict each."""
        verdicts = tuple(self._admit(reading) for reading in readings)
        if any(isinstance(one, Accepted) for one in verdicts):
            self._plans.clear()
        return verdicts

    def _admit(self, reading: Reading) -> Accepted | Rejected:
        window = self._keeper.window_of(reading)
        if reading.assurance is Assurance.WITNESSED:
            return Rejected(LateReason.NEVER_SIGNED)
        if self._ledger.of(window) is None or not (self._in_run(window) or self._has_a_run_left(window)):
            return Rejected(LateReason.TOO_LATE)
        if not self._ledger.can_restate(window):
            return Rejected(LateReason.REVISIONS_EXHAUSTED)
        base = self._shelf.get(window)
        if base is not None and base.leaf(reading.usage_point) is not None:
            return Rejected(LateReason.ALREADY_ATTESTED)
        if not self._open(window):
            return Rejected(Rule.LIMIT, "late readings of as many windows are held")
        verdict = self._keeper.offer((reading,), None)[0]
        if isinstance(verdict, Accepted) and reading.record not in self._held.setdefault(window, {}):
            self._held[window][reading.record] = None
            self._changes.append(Late(window, reading.record))
        return verdict

    def take_changes(self) -> list[Late]:
        """Records to remember or to forget, since the last time."""
        taken, self._changes = self._changes, []
        return taken

    def take_refused(self) -> list[LateReason]:
        """Why late readings gave no leaf in the runs that are over, since the last time."""
        taken, self._refused = self._refused, []
        return taken

    # -- what the log says --------------------------------------------------------------

    def decided_window(self, data: WindowData) -> None:
        """The next window was decided; call before the settlement moves on."""
        self._ledger.attest(data.summary.window, data.summary.registry)
        self._shelve(data)

    def decided_void(self, window: WindowStart, count: int) -> None:
        """A void was decided; call before the settlement moves on."""
        self._ledger.void(window, count, self._settlement.registry.root)

    def moved(self, before: WindowStart) -> None:
        """The settlement has moved on from `before`: one run is over, another may begin."""
        self._end_run()
        now = self._settlement.next_window
        self._scope = self._ledger.move(before, now)
        for window in self._keeper.windows:
            if self._ledger.of(window) is None:
                self._drop(window)
        for window in self._scope:
            if window in self._keeper.windows:
                self._keeper.close(window)
        if len(self._registries) > REGISTRIES_MAX:
            keep = self._ledger.registries()
            self._registries = {root: one for root, one in self._registries.items() if root in keep}

    def can_absorb(self, data: WindowData) -> bool:
        """Whether the leaves are at hand that `absorb` looks at; if not, they are wanted."""
        return self._owed_after(data) is not None

    def absorb(self, data: WindowData) -> None:
        """A restatement was decided; call before its leaves are applied to the attested state."""
        owed = self._owed_after(data)
        if owed is None:
            raise InvariantBroken("a restatement is absorbed with the leaves around it")
        window = data.summary.window
        self._owed = owed
        self._cursor = window
        self._ledger.restate(window)
        self._shelve(data)
        self._reopen(window)
        self._forget_values()

    def change_registry(self, registry: Registry) -> None:
        """A decided registry. Late readings of meters that are not what they were are dropped."""
        before = self._keeper.registry
        self._registries[before.root] = before
        self._registries[registry.root] = registry
        self._keeper.change_registry(registry)
        for window in self._keeper.windows:
            readings = self._readings(window)
            same = [one for one in readings if _same(one.usage_point, before, registry)]
            if len(same) < len(readings):
                self._refill(window, same)
        self._notices.clear()
        self._forget_values()

    # -- across restarts ------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """Ledger and run, for the history."""
        owed: list[Value] = [
            {
                "window": window,
                "usage-point": point,
                "since": taken.since,
                "import-register": taken.import_register_wh,
                "export-register": taken.export_register_wh,
                "import-wh": taken.import_wh,
                "export-wh": taken.export_wh,
            }
            for window, points in sorted(self._owed.items())
            for point, taken in sorted(points.items())
        ]
        return encode(
            {
                "ledger": self._ledger.rows(),
                "scope": self._scope,
                "cursor": self._cursor + 1,
                "owed": owed,
            }
        )

    def load(self, data: bytes) -> None:
        """Read back what `to_bytes` gave."""
        fields = Fields(decode(data, bytes_max=STATE_BYTES_MAX))
        self._ledger.load(fields.items("ledger", 1 << 20))
        self._scope = tuple(WindowStart(_uint(one)) for one in fields.items("scope", 1 << 20))
        self._cursor = WindowStart(fields.uint("cursor") - 1)
        self._owed = {}
        for row in fields.items("owed", 1 << 24):
            one = Fields(row)
            taken = Taken(
                WindowStart(one.uint("since")),
                one.uint("import-register"),
                one.uint("export-register"),
                one.uint("import-wh"),
                one.uint("export-wh"),
            )
            points = self._owed.setdefault(WindowStart(one.uint("window")), {})
            points[UsagePoint(one.uint("usage-point"))] = taken
        self._forget_values()

    # -- leaves of settled windows ----------------------------------------------------------

    def take_wanted(self) -> list[WindowStart]:
        """Windows whose leaves are to come from the history; each is named once until it came."""
        wanted = sorted(self._wanted - self._asked)
        self._asked |= set(wanted)
        return wanted

    def recalled(self, window: WindowStart, data: WindowData | None) -> None:
        """A window's newest leaves, None where the history has none."""
        self._asked.discard(window)
        said = self._ledger.of(window)
        current = data is not None and (said is None or data.summary.revision == said.revision)
        if data is not None and current:
            self._wanted.discard(window)
            self._shelve(data)
        self._plans.clear()

    def ask_again(self) -> None:
        """Nothing has come for a while: ask again for all that is still wanted."""
        self._asked.clear()

    # -- the run (A2, A3) --------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether the log may take a restatement now."""
        return bool(self._scope or self._owed)

    @property
    def resolved(self) -> bool:
        """Whether all leaves are at hand to say what this node would restate."""
        return all(self._plan(window) is not None for window in self._open_windows())

    @property
    def candidate(self) -> WindowStart | None:
        """The window that this node would restate next: what is owed first, and what is held."""
        for window in self._open_windows():
            plan = self._plan(window)
            if plan is None:
                return None
            if plan.data is not None:
                return window
        return None

    @property
    def insists(self) -> bool:
        """Whether this node does not agree to go on without a restatement."""
        if self._owed:
            return True
        return not self.given_up and self.running and (not self.resolved or self.candidate is not None)

    @property
    def owes(self) -> bool:
        """Whether the log itself demands a restatement next."""
        return bool(self._owed)

    @property
    def reconciled(self) -> bool:
        """Whether all members' notices of the candidate are the same as this node's."""
        window = self.candidate
        if window is None:
            return False
        if self._owed and window not in self._keeper.windows:
            return True
        heard = self._notices.get(window, {})
        mine = self._inventory(window)
        others = [slot for slot in range(self.members) if slot != self.own]
        return all(heard.get(NodeId(slot)) == mine for slot in others)

    def notices(self) -> list[InventoryNotice]:
        """What this node holds for the run, to tell the others."""
        return [
            InventoryNotice(window, self._inventory(window), b"")
            for window in self._keeper.windows
            if self._in_run(window) and len(self._keeper.choice(window))
        ]

    def on_notice(self, sender: NodeId, notice: InventoryNotice) -> list[Outgoing]:
        """A peer holds late readings of a window of the run: ask for the rows that differ."""
        window = notice.window
        if not self._in_run(window) or not self._open(window):
            return []
        self._notices.setdefault(window, {})[sender] = notice.data
        theirs = Inventory.from_bytes(notice.data, points=len(self._keeper.registry))
        if isinstance(theirs, Rejected) or notice.data == self._inventory(window):
            return []
        buckets = self._keeper.inventory(window).differing(theirs)
        wanted = RowsWanted(window, None, tuple(buckets))
        return [Outgoing(frames.rows_wanted_frame(wanted), sender)] if buckets else []

    def on_rows_wanted(self, sender: NodeId, wanted: RowsWanted) -> list[Outgoing]:
        """Answer with the rows of a proposal, or of what is held now."""
        if wanted.window not in self._keeper.windows:
            return []
        of = None if wanted.proposal is None else self._choices.get(wanted.proposal)
        if wanted.proposal is not None and (of is None or of[0] != wanted.window):
            return []
        return answer_rows(self._keeper, wanted, None if of is None else of[1], sender)

    def on_rows(self, sender: NodeId, rows: Rows) -> list[Outgoing]:
        """A peer's rows: ask it for the records this node lacks."""
        if not self._in_run(rows.window) or rows.window not in self._keeper.windows:
            return []
        lacking: list[RecordHash] = []
        foreign = None if rows.proposal is None else self._foreign.get(rows.proposal)
        for bucket, data in rows.buckets:
            packed = PackedRows.from_bytes(data, rows_max=frames.ROWS_PER_FRAME)
            if isinstance(packed, Rejected):
                return []
            if foreign is not None and sender == foreign.proposer:  # nobody else says what it chose
                foreign.rows[bucket] = packed
            lacking += self._keeper.missing(rows.window, packed)
        return records_wanted(lacking, sender)

    # -- values --------------------------------------------------------------------------------

    def make(self) -> WindowData | None:
        """What this node would propose; None while leaves are on their way from the history."""
        window = self.candidate
        plan = None if window is None else self._plan(window)
        return None if plan is None else plan.data

    def made(self, digest: Digest, data: WindowData) -> None:
        """What `make` gave is proposed under this digest."""
        plan = self._plans.get(data.summary.window)
        self._remember(digest, data, None if plan is None else plan.choice)

    def _remember(self, digest: Digest, data: WindowData, choice: Choice | None) -> None:
        """A value that was proposed or found valid: to apply it when decided, and to explain it."""
        self._settlement.remember_data(digest, data)
        if choice is None:
            return
        if len(self._choices) >= PROPOSALS_MAX and digest not in self._choices:
            self._choices.pop(next(iter(self._choices)))
        self._choices[digest] = (data.summary.window, choice)

    def check(self, entry: Entry, attachment: bytes, proposer: NodeId) -> tuple[bool | None, list[Outgoing]]:
        """A3 for a restatement; None while something is being fetched, or too early."""
        window = entry.body.get("window")
        if not isinstance(window, int) or attachment:
            return False, []
        start = WindowStart(window)
        if not self._may_follow(start):
            return False, []
        mine = self._plan(start)
        if mine is None or not self.resolved:
            return None, []
        before = self.candidate
        if before is not None and before < start and not self.given_up:
            return None, []  # it leaves out a restatement that this node holds data for
        if self._follows(entry, mine):
            return True, []
        if not self._in_run(start):
            return False, []
        return self._check_foreign(entry, start, proposer)

    def _check_foreign(
        self, entry: Entry, window: WindowStart, proposer: NodeId
    ) -> tuple[bool | None, list[Outgoing]]:
        digest = entry.digest
        if not self._open(window):
            return False, []
        if digest not in self._foreign and len(self._foreign) >= PROPOSALS_MAX:
            return False, []
        foreign = self._foreign.setdefault(digest, _Foreign(proposer))
        buckets = tuple(range(inventories.bucket_count(len(self._keeper.registry))))
        absent = tuple(bucket for bucket in buckets if bucket not in foreign.rows)
        if absent:
            wanted = RowsWanted(window, digest, absent)
            return None, [Outgoing(frames.rows_wanted_frame(wanted), proposer)]
        rows = joined([foreign.rows[bucket] for bucket in buckets])
        if isinstance(rows, Rejected):
            return False, []
        choice = self._keeper.choice_from_rows(window, rows)
        if isinstance(choice, Rejected):
            if choice.reason is not Misfit.NOT_HELD:
                return False, []
            return None, records_wanted(self._keeper.missing(window, rows), proposer)
        if self._keeper.outranked(window, choice):
            return False, []  # it leaves out, or ranks wrongly, what this node held when the run began
        plan = self._plan_of(window, choice)
        return (None, []) if plan is None else (self._follows(entry, plan), [])

    def _follows(self, entry: Entry, plan: _Plan) -> bool:
        if plan.data is None or encode(plan.data.summary.value()) != encode(entry.body):
            return False
        self._remember(entry.digest, plan.data, plan.choice)
        return True

    # -- inside: which windows ---------------------------------------------------------------

    def _in_run(self, window: WindowStart) -> bool:
        return window > self._cursor and window in self._scope

    def _has_a_run_left(self, window: WindowStart) -> bool:
        return not self.calendar.is_final(window, self._settlement.next_window, self._rules.window_s)

    def _may_follow(self, window: WindowStart) -> bool:
        """Whether the log may take this window's restatement next: oldest first, owed ones not left out."""
        if self._owed and window > min(self._owed):
            return False
        if not self._in_run(window) and window not in self._owed:
            return False
        return window in self._owed or self._ledger.can_restate(window)

    def _open_windows(self) -> list[WindowStart]:
        """Windows that this node may have something to say of, in the order of the run."""
        held = [window for window in self._keeper.windows if self._in_run(window)]
        found = sorted({*held, *self._owed})
        return [window for window in found if self._may_follow(window)]

    def _open(self, window: WindowStart) -> bool:
        if window in self._keeper.windows:
            return True
        if not self._keeper.open(window):
            return False
        if self._in_run(window):
            self._keeper.close(window)
        return True

    def _reopen(self, window: WindowStart) -> None:
        """After its turn in a run: what gave no leaf may do so in a later one."""
        if window not in self._keeper.windows:
            return
        base = self._shelf.get(window)
        more = self._has_a_run_left(window) and self._ledger.can_restate(window)
        left = [one for one in self._readings(window) if base is None or base.leaf(one.usage_point) is None]
        self._refill(window, left if more else [])

    def _readings(self, window: WindowStart) -> list[Reading]:
        points = self._keeper.choice(window).rows.usage_points.tolist()
        found = [self._keeper.reading(window, UsagePoint(point)) for point in points]
        return [reading for reading in found if reading is not None]

    def _refill(self, window: WindowStart, readings: list[Reading]) -> None:
        self._drop(window)
        self.offer(readings)

    def _drop(self, window: WindowStart) -> None:
        self._keeper.forget(window)
        self._notices.pop(window, None)
        for record in self._held.pop(window, {}):
            self._changes.append(Late(window, record, over=True))

    def _end_run(self) -> None:
        check(not self._owed, "a run ends when nothing is owed")
        self._refused += [reason for plan in self._plans.values() for reason in plan.refused]
        scope, self._scope = self._scope, ()
        self._cursor = WindowStart(-1)
        for window in scope:
            self._reopen(window)
        self.given_up = False
        self._notices.clear()
        self._wanted.clear()
        self._asked.clear()
        for old in sorted(self._shelf)[:-RECENT]:
            del self._shelf[old]
        self._forget_values()

    def _forget_values(self) -> None:
        self._plans.clear()
        self._choices.clear()
        self._foreign.clear()

    def _inventory(self, window: WindowStart) -> bytes:
        return self._keeper.inventory(window).to_bytes()

    # -- inside: what a revision is ------------------------------------------------------------

    def _plan(self, window: WindowStart) -> _Plan | None:
        """The next revision by all that this node holds; None while leaves are wanted."""
        known = self._plans.get(window)
        if known is not None:
            return known
        held = window in self._keeper.windows and self._in_run(window)
        plan = self._plan_of(window, self._keeper.choice(window) if held else None)
        if plan is not None:
            self._plans[window] = plan
        return plan

    def _plan_of(self, window: WindowStart, choice: Choice | None) -> _Plan | None:
        said = self._ledger.of(window)
        if said is None:
            return _Plan(None, choice)
        base = self._leaves(window, said)
        if said.attested and base is None:
            return None
        late: list[Leaf] = []
        refused: list[LateReason] = []
        registry = self._registry_of(said)
        indices = [] if choice is None else choice.indices.tolist()
        waiting = False
        for at, index in enumerate(indices):
            found = self._late_leaf(window, registry, base, index, choice, at)
            if isinstance(found, Leaf):
                late.append(found)
            elif found is None:
                waiting = True
            else:
                refused.append(found)
        if waiting:
            return None
        taken = self._owed.get(window, {})
        if not late and not taken:
            return _Plan(None, choice, tuple(refused))
        added = leaves_of(late, registry)
        leaves = added.in_order() if base is None else with_late(base.leaves, taken, added, window)
        data = assemble(window, said.next_revision, registry.root, leaves)
        return _Plan(data, choice, tuple(refused))

    def _late_leaf(
        self,
        window: WindowStart,
        registry: Registry,
        base: WindowData | None,
        index: int,
        choice: Choice | None,
        at: int,
    ) -> Leaf | LateReason | None:
        """One late reading's leaf, or why there is none; None while leaves are wanted."""
        if choice is None:
            raise InvariantBroken("late readings are of a choice")
        point = UsagePoint(int(self._keeper.registry.usage_points[index]))
        if base is not None and base.leaf(point) is not None:
            return LateReason.ALREADY_ATTESTED
        then = registry.index_of(point)
        if then is None or not _same(point, registry, self._keeper.registry):
            return LateReason.REGISTRY_CHANGED
        place = self._place(window, point, index)
        if place is None or isinstance(place, LateReason):
            return place
        return late_leaf(registry, self._rules, window, then, choice.readings.take(slice(at, at + 1)), place)

    def _place(self, window: WindowStart, point: UsagePoint, index: int) -> Neighbours | LateReason | None:
        """Between which attested leaves a new one would stand; None while leaves are wanted."""
        last = self._settlement.attested.columns.take(np.array([index], np.int64))
        if last.since_s[0] < window:
            registers = int(last.import_register_wh[0]), int(last.export_register_wh[0])
            return Neighbours(int(last.since_s[0]), *registers, None)
        later = self._later(window, point)
        if later is None:
            return None
        if not self._ledger.can_restate(later.window):
            return LateReason.REVISIONS_EXHAUSTED
        taken = self._owed.get(later.window, {}).get(point)
        if taken is not None:
            registers = taken.import_register_wh, taken.export_register_wh
            return Neighbours(taken.since, *registers, recounted(later, taken))
        if later.since == later.window:
            return Neighbours(NEVER, 0, 0, later)
        base = self._leaves(later.since, self._ledger.of(later.since))
        if base is None:
            return None
        earlier = base.leaf(point)
        if earlier is None:
            raise InvariantBroken("a leaf counts from an attested leaf")
        registers = earlier.import_register_wh, earlier.export_register_wh
        return Neighbours(earlier.window, *registers, later)

    def _later(self, window: WindowStart, point: UsagePoint) -> Leaf | None:
        """The first attested leaf of a usage point after a window; None while leaves are wanted."""
        ahead = 0
        complete = True
        for start in self._ledger.attested_between(window, self._settlement.next_window):
            data = self._leaves(start, self._ledger.of(start))
            if data is None:
                complete = False
                ahead += 1
                if ahead == RECALLED_AT_ONCE:
                    return None
            elif complete:
                leaf = data.leaf(point)
                if leaf is not None:
                    return leaf
        if complete:
            raise InvariantBroken("the attested state comes from a leaf")
        return None

    def _owed_after(self, data: WindowData) -> dict[WindowStart, dict[UsagePoint, Taken]] | None:
        """What is owed once a restatement is decided; None while leaves are wanted."""
        window = data.summary.window
        said = self._ledger.of(window)
        if said is None:
            raise InvariantBroken("a window that was restated is within the calendar")
        base = self._leaves(window, said)
        if said.attested and base is None:
            return None
        fresh = data.leaves.usage_point
        if base is not None:
            fresh = fresh[~np.isin(fresh, base.leaves.usage_point)]
        owed = {one: dict(points) for one, points in self._owed.items() if one != window}
        complete = True
        for point in map(UsagePoint, fresh.tolist()):
            index = self._keeper.registry.index_of(point)
            if index is None or self._settlement.attested.columns.since_s[index] < window:
                continue
            later, leaf = self._later(window, point), data.leaf(point)
            if later is None or leaf is None:
                complete = False
                continue
            points = owed.setdefault(later.window, {})
            before = points.get(point)
            points[point] = Taken.first(leaf) if before is None else before.further(leaf)
        return owed if complete else None

    def _leaves(self, window: WindowStart, said: Said | None) -> WindowData | None:
        """A settled window's leaves; asked for where they are not at hand. None for a void."""
        if said is not None and not said.attested:
            return None
        data = self._shelf.get(window)
        if data is None:
            self._wanted.add(window)
        return data

    def _registry_of(self, said: Said) -> Registry:
        """A void has no leaves of an older registry; a restated window keeps its registry."""
        if not said.attested:
            return self._keeper.registry
        return self._registries.get(said.registry, self._keeper.registry)

    def _shelve(self, data: WindowData) -> None:
        if len(self._shelf) >= SHELF_MAX and data.summary.window not in self._shelf:
            self._shelf.pop(min(self._shelf))
        self._shelf[data.summary.window] = data


def _same(point: int, before: Registry, now: Registry) -> bool:
    return before.device(point) == now.device(point)


def _uint(value: Value) -> int:
    if not isinstance(value, int):
        raise InvariantBroken("the history gives back windows")
    return value
