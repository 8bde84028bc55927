"""A leaf that comes late: between which leaves it stands, and what it takes from the next (A8).

A leaf once attested keeps its registers and its record for ever. A late record adds a leaf
to a window that had none of its usage point. Energy is counted from leaf to leaf, so the
leaf that follows then counts from the new one: its energy is less by what the new leaf has,
and `since` moves. So over the latest revisions of all windows nothing is counted twice and
nothing is lost: the sum stays the difference of the outermost registers.

A late record that cannot stand between its neighbours, because a register would fall or rise
faster than rated power allows, gives no leaf. Neither does an interval before a leaf that is
attested: every register after it would change.

Knows no calendar and no peers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, unique

import numpy as np

from oracle.model import QUALITY_CLASS, Leaf, UsagePoint, WindowStart
from oracle.windows.energy import NEVER, Registers, derive
from oracle.windows.leaves import Leaves
from oracle.windows.readings import Readings
from oracle.windows.registry import Registry
from oracle.windows.vee import Rules, judged_quality


@unique
class LateReason(Enum):
    """Why late data change nothing."""

    TOO_LATE = "too-late"
    """Its window is final: the last run of the settlement calendar is over."""
    REVISIONS_EXHAUSTED = "revisions-exhausted"
    """Its window, or the one that follows it, has as many revisions as it may have."""
    NEVER_SIGNED = "late-and-unsigned"
    """Nobody signed it: after the close an unsigned source has no observations (R4)."""
    ALREADY_ATTESTED = "already-attested"
    """Its window has a leaf of this usage point; a leaf stays as it was attested."""
    CONTRADICTS = "contradicts-attested"
    """It cannot stand between the leaves that are attested before and after it."""
    REGISTRY_CHANGED = "registry-changed"
    """Its meter was not registered then as it is now."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What late leaves before a leaf have taken from it: it counts from the last of them."""

    since: WindowStart
    import_register_wh: int
    export_register_wh: int
    import_wh: int
    export_wh: int

    def further(self, leaf: Leaf) -> Taken:
        """After one more late leaf, which counts from the last."""
        return Taken(
            leaf.window,
            leaf.import_register_wh,
            leaf.export_register_wh,
            self.import_wh + leaf.import_wh,
            self.export_wh + leaf.export_wh,
        )

    @classmethod
    def first(cls, leaf: Leaf) -> Taken:
        """After the first late leaf."""
        return cls(leaf.window, 0, 0, 0, 0).further(leaf)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Where a late leaf would stand: counted from `since` (NEVER: from nothing), before `later`."""

    since: int
    import_register_wh: int
    export_register_wh: int
    later: Leaf | None
    """The leaf that follows, as it stands after what was taken from it already."""


def recounted(leaf: Leaf, taken: Taken) -> Leaf:
    """The leaf with what late leaves took from it. Its energy may be negative: then nothing may be taken."""
    if leaf.since == leaf.window:  # the first of its register epoch had no energy before
        import_wh = leaf.import_register_wh - taken.import_register_wh
        export_wh = leaf.export_register_wh - taken.export_register_wh
    else:
        import_wh, export_wh = leaf.import_wh - taken.import_wh, leaf.export_wh - taken.export_wh
    return replace(leaf, since=taken.since, import_wh=import_wh, export_wh=export_wh)


def late_leaf(
    registry: Registry,
    rules: Rules,
    window: WindowStart,
    index: int,
    reading: Readings,
    place: Neighbours,
) -> Leaf | LateReason:
    """The leaf of one late reading, or why there is none. `reading` has one row, of `index`."""
    if place.later is not None and bool(reading.interval[0]):
        return LateReason.CONTRADICTS
    capacity = registry.capacities_w[index : index + 1]
    before = Registers(_one(place.since), _one(place.import_register_wh), _one(place.export_register_wh))
    energy = derive(reading, before, capacity, window, rules)
    known = place.since != NEVER
    if energy.refused[0] or (energy.reset[0] and known and place.later is not None):
        return LateReason.CONTRADICTS
    quality = judged_quality(reading.quality, energy.rolled_over, energy.reset)
    leaf = Leaf(
        usage_point=UsagePoint(int(registry.usage_points[index])),
        window=window,
        import_register_wh=int(energy.import_register_wh[0]),
        export_register_wh=int(energy.export_register_wh[0]),
        import_wh=int(energy.import_wh[0]),
        export_wh=int(energy.export_wh[0]),
        since=WindowStart(int(energy.since_s[0])),
        quality=int(quality[0]),
        assurance=reading.assurance[0].item(),
        record=reading.record[0].tobytes(),
    )
    if place.later is None:
        return leaf
    bound_wh = rules.capacity_bound_wh(int(capacity[0]), place.later.window + rules.window_s - window)
    fits = _follows(place.later, leaf, bound_wh)
    return leaf if fits else LateReason.CONTRADICTS


def with_late(base: Leaves, taken: Mapping[UsagePoint, Taken], late: Leaves, window: WindowStart) -> Leaves:
    """The leaves of the next revision."""
    columns = {name: getattr(base, name).copy() for name in ("import_wh", "export_wh", "since_s")}
    for point, one in taken.items():
        at = int(np.flatnonzero(base.usage_point == point)[0])
        leaf = recounted(base.leaf(at, window), one)
        columns["import_wh"][at], columns["export_wh"][at] = leaf.import_wh, leaf.export_wh
        columns["since_s"][at] = leaf.since
    return replace(base, **columns).joined(late)


def leaves_of(leaves: list[Leaf], registry: Registry) -> Leaves:
    """Leaves as columns, each in its zone."""
    indices = registry.indices_of(np.array([leaf.usage_point for leaf in leaves], np.int64))
    records = b"".join(leaf.record for leaf in leaves)
    return Leaves(
        zone=registry.zones[indices],
        usage_point=_ints(leaf.usage_point for leaf in leaves),
        import_register_wh=_ints(leaf.import_register_wh for leaf in leaves),
        export_register_wh=_ints(leaf.export_register_wh for leaf in leaves),
        import_wh=_ints(leaf.import_wh for leaf in leaves),
        export_wh=_ints(leaf.export_wh for leaf in leaves),
        since_s=_ints(leaf.since for leaf in leaves),
        quality=_ints(leaf.quality for leaf in leaves).astype(np.uint8),
        assurance=_ints(leaf.assurance for leaf in leaves).astype(np.uint8),
        record=np.frombuffer(records, np.uint8).reshape(-1, 32),
    )


def _follows(later: Leaf, leaf: Leaf, bound_wh: int) -> bool:
    """Whether the later leaf may count from this one: what is left is a possible difference of registers."""
    after = recounted(later, Taken.first(leaf))
    rolled = QUALITY_CLASS[later.quality] != "validated"
    for energy_wh, begin, end in (
        (after.import_wh, leaf.import_register_wh, later.import_register_wh),
        (after.export_wh, leaf.export_register_wh, later.export_register_wh),
    ):
        if not 0 <= energy_wh <= bound_wh:
            return False
        if energy_wh != end - begin and not (end < begin and rolled):
            return False
    return True


def _one(value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array([value], np.int64)


def _ints(values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.array(list(values), np.int64)  # type: ignore[call-overload]
