"""The keeper of open windows: which readings this node holds, and which one closes each.

When a reading belongs where (Q2, R1, R2). The reading of a register at device time t
belongs to the window with start < t <= start + length: at the very boundary it closes the
earlier window, whose end it states. It may be the closing record if it lies at most the
tolerance before that end. An interval belongs to the window that it fills, and counts from
its end.

Life of a window: `open`, `offer` readings, `close`, hand over and take in what others hold
(A2), adopt or make a choice (A3), `forget`. Until the close a place keeps the reading that
ranks first. At the close these are frozen: they are *mandatory*, since each must be in a
leaf or be outranked there (A3). Readings that come after are *available*: they are kept
beside, a few for each usage point, so that a proposer's choice can be adopted and checked,
but their absence accuses nobody. Of unsigned meters a node keeps, apart and until the close
only, what it observed itself (R4).

Does not know energy, quality or attested state: a choice is R2 and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, unique

import numpy as np

from consensus.model import InvariantBroken, Rejected, check
from oracle.model import Assurance, Reading, RecordHash, UsagePoint, WindowStart
from oracle.windows import inventory as inventories
from oracle.windows.inventory import Inventory
from oracle.windows.packing import Misfit
from oracle.windows.readings import Plane, Rank, Readings, Rows, outranks, rank, single
from oracle.windows.registry import Registry
from oracle.windows.rows import Ints, Mask
from oracle.windows.vee import Rule, Rules, check_reading
from oracle.windows.witness import Observations


@unique
class Standing(Enum):
    """How an accepted reading stands among those of its usage point and window."""

    CLOSING = "closing"
    """It ranks first of all that are held."""
    OUTRANKED = "outranked"
    """Valid, and another ranks before it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A reading that is valid for its window; `flags` are for the operator, not for the leaf."""

    window: WindowStart
    standing: Standing
    flags: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Which reading closes each usage point; `indices` are ascending in the registry."""

    window: WindowStart
    indices: Ints
    rows: Rows
    readings: Readings

    def __len__(self) -> int:
        """How many usage points have a closing reading."""
        return len(self.indices)


@dataclass(slots=True)
class _Window:
    closing: Plane
    observed: Plane
    late: list[Plane] = field(default_factory=list)
    closed: bool = False
    choice: Choice | None = None
    """What this node would choose, until a reading comes; asked for with every message (A2, A3)."""

    def planes(self) -> list[Plane]:
        return [self.closing, *self.late]


class Keeper:
    """Holds readings of a bounded number of open windows, over one registry."""

    def __init__(self, registry: Registry, rules: Rules) -> None:
        self.registry = registry
        self.rules = rules
        self._windows: dict[WindowStart, _Window] = {}

    @property
    def windows(self) -> tuple[WindowStart, ...]:
        """The windows that are held, in order; closed ones included."""
        return tuple(sorted(self._windows))

    def window_of(self, reading: Reading) -> WindowStart:
        """Where a reading belongs, by its device time alone (R1)."""
        length = self.rules.window_s
        if reading.interval_wh is not None:
            return WindowStart(reading.time_s - reading.time_s % length)
        return WindowStart((reading.time_s - 1) // length * length)

    def open(self, window: WindowStart) -> bool:
        """Begin to hold a window; False when `windows_max` are held, then call `forget` first."""
        check(window >= 0 and window % self.rules.window_s == 0, "a window starts on the grid (Q2)")
        if window in self._windows:
            return True
        if len(self._windows) >= self.rules.windows_max:
            return False
        self._windows[window] = _Window(self._plane(), self._plane())
        return True

    def close(self, window: WindowStart) -> None:
        """Freeze what is mandatory and what was observed; closing again changes nothing."""
        self._held(window).closed = True

    def is_closed(self, window: WindowStart) -> bool:
        """Whether a held window is closed."""
        return self._held(window).closed

    def forget(self, window: WindowStart) -> None:
        """Drop a window and its memory; readings for it are stale from here on."""
        self._windows.pop(window, None)

    def offer(self, readings: Sequence[Reading], now_s: int | None) -> tuple[Accepted | Rejected, ...]:
        """Take in readings whose signatures are verified; one verdict each, in order.

        All readings of one record belong in one offer: what a record says of a usage point is
        decided here, before anything is handed on by the record's hash alone.

        `now_s` is this node's clock at arrival, for readings from feeds. It is None for
        records that a peer or the journal hands over: those are judged by content alone.
        A peer's unsigned record is no observation of this node; do not offer it.
        """
        most = self.rules.readings_per_offer_max
        verdicts = [self._admit(reading, now_s) for reading in readings[:most]]
        verdicts += [Rejected(Rule.LIMIT, "too many readings at once")] * (len(readings) - len(verdicts))
        return tuple(verdicts)

    def choice(self, window: WindowStart) -> Choice:
        """The closing reading of every usage point, of all that this node holds (R2)."""
        held = self._held(window)
        if held.choice is None:
            best = self._best(window, 0, len(self.registry))
            indices = np.flatnonzero(best.held).astype(np.int64)
            held.choice = self._choice(window, indices, best.take(indices))
        return held.choice

    def choice_from_rows(self, window: WindowStart, rows: Rows) -> Choice | Rejected:
        """A proposer's choice, from the records that this node holds.

        Rejected with NOT_HELD while records are missing: fetch those that `missing` names,
        offer them and ask again.
        """
        indices = self.registry.indices_of(rows.usage_points)
        if (indices < 0).any():
            return Rejected(Misfit.UNKNOWN_USAGE_POINT)
        found = Readings.empty(len(indices))
        for plane in self._held(window).planes():
            theirs = plane.readings.take(indices)
            named = theirs.held & (theirs.record == rows.records).all(axis=1)
            found.put(named, theirs.take(named))
        lacking = int((~found.held).sum())
        if lacking:
            return Rejected(Misfit.NOT_HELD, f"{lacking} records")
        return self._choice(window, indices, found)

    def missing(self, window: WindowStart, rows: Rows) -> tuple[RecordHash, ...]:
        """Records among `rows` that this node does not hold, each once, sorted.

        Rows of strangers to the registry are passed over.
        """
        indices = self.registry.indices_of(rows.usage_points)
        lacking = indices >= 0
        for plane in self._held(window).planes():
            theirs = plane.readings.take(np.maximum(indices, 0)) if len(self.registry) else None
            if theirs is not None:
                lacking &= ~(theirs.held & (theirs.record == rows.records).all(axis=1))
        records = {record.tobytes() for record in rows.records[lacking]}
        return tuple(RecordHash(record) for record in sorted(records))

    def outranked(self, window: WindowStart, choice: Choice) -> tuple[UsagePoint, ...]:
        """A3: usage points whose mandatory reading the choice leaves out or ranks after.

        Empty means that the choice censors nothing this node held at the close.
        """
        check(choice.window == window, "a choice is compared with its own window")
        theirs = Readings.empty(len(self.registry))
        theirs.put(choice.indices, choice.readings)
        wronged = outranks(self._held(window).closing.readings, theirs)
        return tuple(UsagePoint(point) for point in self.registry.usage_points[wronged].tolist())

    def inventory(self, window: WindowStart) -> Inventory:
        """What this node would choose, for comparison with a peer's (A2)."""
        choice = self.choice(window)
        return inventories.inventory_of(window, len(self.registry), choice.indices, choice.rows)

    def bucket_rows(self, window: WindowStart, bucket: int) -> Rows:
        """The rows behind one digest of the inventory; none for a bucket that is not there."""
        if not 0 <= bucket < inventories.bucket_count(len(self.registry)):
            return Rows(np.zeros(0, np.int64), np.zeros((0, 32), np.uint8))
        low, high = inventories.bucket_range(bucket, len(self.registry))
        best = self._best(window, low, high)
        at = np.flatnonzero(best.held)
        return Rows(self.registry.usage_points[low + at], best.record[at])

    def reading(self, window: WindowStart, usage_point: UsagePoint) -> Reading | None:
        """The reading that closes one usage point here, or None."""
        index = self.registry.index_of(usage_point)
        if index is None:
            return None
        best = self._best(window, index, index + 1)
        return single(best, 0, usage_point, self.rules.window_s) if best.held[0] else None

    def observations(self, window: WindowStart) -> Observations:
        """What this node saw of unsigned meters, to be signed and sent by its operator (R4)."""
        seen = self._held(window).observed.readings
        at = np.flatnonzero(seen.held)
        return Observations(
            usage_points=self.registry.usage_points[at],
            time_s=seen.time_s[at],
            import_register_wh=seen.import_wh[at],
            export_register_wh=seen.export_wh[at],
            sequence=seen.sequence[at],
            records=seen.record[at],
        )

    def change_registry(self, registry: Registry) -> None:
        """Follow a `registry` entry: every place moves with its usage point or is dropped."""
        before = registry.indices_of(self.registry.usage_points)
        stays = before >= 0
        for held in self._windows.values():
            held.closing = _moved(held.closing, before, stays, len(registry))
            held.observed = _moved(held.observed, before, stays, len(registry))
            held.late = [_moved(plane, before, stays, len(registry)) for plane in held.late]
            held.choice = None
        self.registry = registry

    def _admit(self, reading: Reading, now_s: int | None) -> Accepted | Rejected:
        index = self.registry.index_of(reading.usage_point)
        if index is None:
            return Rejected(Rule.UNKNOWN_USAGE_POINT)
        broken = check_reading(reading, self.rules, int(self.registry.capacities_w[index]))
        if broken is not None:
            return Rejected(broken)
        window = self.window_of(reading)
        end = window + self.rules.window_s
        held = self._windows.get(window)
        if held is None:
            return Rejected(Rule.FUTURE_OR_STALE, "the window is not open")
        if reading.interval_wh is None and reading.time_s < end - self.rules.tolerance_s:
            return Rejected(Rule.OUTSIDE_TOLERANCE)
        flags: tuple[Rule, ...] = ()
        if now_s is not None:
            stated = reading.time_s if reading.interval_wh is None else end
            if stated > now_s + self.rules.future_s:
                return Rejected(Rule.FUTURE_OR_STALE, "ahead of this node's clock")
            if abs(stated - now_s) > self.rules.clock_drift_s:
                flags = (Rule.CLOCK_DRIFT,)
        if reading.assurance is Assurance.METER_SIGNED and _contradicts(held, index, reading, end):
            flags = (*flags, Rule.TWO_STORIES)
        if reading.assurance is Assurance.WITNESSED:
            standing = self._observe(held, index, reading, end)
        else:
            standing = self._place(held, index, reading, end)
        return Accepted(window, standing, flags) if isinstance(standing, Standing) else standing

    def _observe(self, held: _Window, index: int, reading: Reading, end: int) -> Standing | Rejected:
        if reading.interval_wh is not None:
            return Rejected(Rule.INTERVAL_SIZE, "an unsigned meter is observed by its registers")
        if held.closed:
            return Rejected(Rule.FUTURE_OR_STALE, "observed after the close")
        return _keep_best(held.observed, index, reading, end)

    def _place(self, held: _Window, index: int, reading: Reading, end: int) -> Standing | Rejected:
        held.choice = None
        if not held.closed:
            return _keep_best(held.closing, index, reading, end)
        taken = [plane for plane in held.planes() if plane.taken(index)]
        mine = rank(reading, end)
        same = next((plane for plane in taken if plane.record(index) == reading.record), None)
        # One record may read a usage point twice: the better reading speaks for it, but what
        # was held at the close stays.
        if same is not None and (same is held.closing or same.rank(index) <= mine):
            return Rejected(Rule.DUPLICATE)
        place = same or self._late_place(held, index, mine)
        if place is None:
            return Rejected(Rule.LIMIT, "as many better ones came after the close")
        place.put(index, reading, end)
        return _standing(held.planes(), index, mine)

    def _late_place(self, held: _Window, index: int, mine: Rank) -> Plane | None:
        """Where a late reading goes: an empty place, or that of the lowest it outranks."""
        for plane in held.late:
            if not plane.taken(index):
                return plane
        if len(held.late) < self.rules.late_planes:
            held.late.append(self._plane())
            return held.late[-1]
        lowest = max(held.late, key=lambda plane: plane.rank(index))
        return lowest if mine < lowest.rank(index) else None

    def _best(self, window: WindowStart, low: int, high: int) -> Readings:
        held = self._held(window)
        best = held.closing.readings.take(slice(low, high))
        for plane in held.late:
            late = plane.readings.take(slice(low, high))
            best = best.replaced_by(late, outranks(late, best))
        return best

    def _choice(self, window: WindowStart, indices: Ints, readings: Readings) -> Choice:
        rows = Rows(self.registry.usage_points[indices], readings.record)
        return Choice(window, indices, rows, readings)

    def _held(self, window: WindowStart) -> _Window:
        held = self._windows.get(window)
        if held is None:
            raise InvariantBroken("the window that is asked for is held")
        return held

    def _plane(self) -> Plane:
        return Plane(Readings.empty(len(self.registry)))


def _keep_best(plane: Plane, index: int, reading: Reading, end_s: int) -> Standing | Rejected:
    """Before the close a place keeps the first by R2 and nothing else."""
    if plane.taken(index):
        mine, theirs = rank(reading, end_s), plane.rank(index)
        if mine >= theirs:
            same = plane.record(index) == reading.record
            return Rejected(Rule.DUPLICATE) if same else Standing.OUTRANKED
    plane.put(index, reading, end_s)
    return Standing.CLOSING


def _contradicts(held: _Window, index: int, reading: Reading, end_s: int) -> bool:
    """Whether a reading of the same time and sequence, and of other registers, is held."""
    time_s, sequence, record, *amounts = rank(reading, end_s)
    for plane in held.planes():
        if plane.taken(index) and plane.record(index) != record:
            held_time_s, held_sequence, _, *held_amounts = plane.rank(index)
            if (held_time_s, held_sequence) == (time_s, sequence) and held_amounts[:2] != amounts[:2]:
                return True
    return False


def _standing(planes: list[Plane], index: int, mine: Rank) -> Standing:
    first = min(plane.rank(index) for plane in planes if plane.taken(index))
    return Standing.CLOSING if mine <= first else Standing.OUTRANKED


def _moved(plane: Plane, to: Ints, stays: Mask, count: int) -> Plane:
    moved = Readings.empty(count)
    moved.put(to[stays], plane.readings.take(stays))
    return Plane(moved)
