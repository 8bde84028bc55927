"""A summarised window with all that stands under it: leaves, zones, trees, proofs, bytes.

Decides the totals and roots over given leaves (R6), which is all that an attested window
says; how the leaves came about is `summary`'s business. Bytes read back are believed only
if they give the summary that was attested.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from consensus.model import Rejected, check
from oracle.model import (
    Leaf,
    UsagePoint,
    WindowStart,
    WindowSummary,
    ZoneId,
    ZoneSummary,
    leaf_hash,
)
from oracle.windows import tree
from oracle.windows.leaves import Leaves, added, counts_of, sums, worst
from oracle.windows.packing import ColumnReader, ColumnWriter, DamagedError, Misfit
from oracle.windows.rows import Ints
from oracle.windows.tree import HASH_BYTES, LEAVES_MAX, Tree
from oracle.windows.vee import Rule, badness, quality_of_badness

_MAGIC: Final = b"WATT-WINDOW-1\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Findings:
    """What validation said on the way; for the operator. No part of what is attested."""

    refused: tuple[tuple[Rule, Ints], ...] = ()
    """Usage points whose closing record gives no leaf, by rule."""
    flagged: tuple[tuple[Rule, int], ...] = ()
    """How many leaves bear each flag."""


@dataclass(frozen=True, slots=True)
class LeafProof:
    """A leaf's two paths: to its zone's root, and from the zone to the window's root."""

    leaf: Leaf
    leaf_index: int
    leaf_siblings: tuple[bytes, ...]
    zone: ZoneSummary
    zone_index: int
    zone_siblings: tuple[bytes, ...]

    def holds(self, summary: WindowSummary) -> bool:
        """Whether the leaf stands in the attested window."""
        return (
            self.leaf.window == self.zone.window == summary.window
            and tree.verify(
                leaf_hash(self.leaf.value()),
                self.zone.root,
                self.leaf_index,
                self.zone.leaf_count,
                self.leaf_siblings,
            )
            and tree.verify(
                leaf_hash(self.zone.value()),
                summary.root,
                self.zone_index,
                summary.zone_count,
                self.zone_siblings,
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class WindowData:
    """One window and revision; `leaves` are sorted by zone and usage point."""

    summary: WindowSummary
    zones: tuple[ZoneSummary, ...]
    leaves: Leaves
    tree: Tree
    zone_trees: tuple[Tree, ...]
    zone_starts: tuple[int, ...]
    findings: Findings

    def leaf(self, usage_point: UsagePoint) -> Leaf | None:
        """The leaf of one usage point, or None."""
        at = self._position_of(usage_point)
        return None if at is None else self.leaves.leaf(at, self.summary.window)

    def zone(self, zone: ZoneId) -> ZoneSummary | None:
        """The summary of one zone, or None where it has no leaf."""
        return next((one for one in self.zones if one.zone == zone), None)

    def zone_leaves(self, zone: ZoneId) -> tuple[Leaf, ...]:
        """All leaves of one zone, in the order of its tree."""
        for number, one in enumerate(self.zones):
            if one.zone == zone:
                start = self.zone_starts[number]
                places = range(start, start + one.leaf_count)
                return tuple(self.leaves.leaf(at, self.summary.window) for at in places)
        return ()

    def proof(self, usage_point: UsagePoint) -> LeafProof | None:
        """The leaf of one usage point with its paths to the attested root, or None."""
        at = self._position_of(usage_point)
        if at is None:
            return None
        number = int(np.searchsorted(np.array(self.zone_starts), at, side="right")) - 1
        within = at - self.zone_starts[number]
        return LeafProof(
            leaf=self.leaves.leaf(at, self.summary.window),
            leaf_index=within,
            leaf_siblings=self.zone_trees[number].proof(within),
            zone=self.zones[number],
            zone_index=number,
            zone_siblings=self.tree.proof(number),
        )

    def zone_proof(self, zone: ZoneId) -> tuple[ZoneSummary, int, tuple[bytes, ...]] | None:
        """A zone's summary, its index and its path to the window's root."""
        for number, one in enumerate(self.zones):
            if one.zone == zone:
                return one, number, self.tree.proof(number)
        return None

    def to_bytes(self) -> bytes:
        """For history and catch-up: about 50 bytes a leaf, of which 32 are its record's hash."""
        leaves, starts = self.leaves, np.array(self.zone_starts, np.int64)
        out = ColumnWriter()
        out.octets(np.frombuffer(_MAGIC, np.uint8))
        for number in (self.summary.window, self.summary.revision, len(self.zones)):
            out.ints(np.array([number], np.int64))
        out.octets(np.frombuffer(self.summary.registry, np.uint8))
        out.ints(np.array([one.zone for one in self.zones], np.int64))
        out.ints(np.array([one.leaf_count for one in self.zones], np.int64))
        # Neighbours in a zone have close ids, so steps take a byte where ids take four.
        out.ints(leaves.usage_point[starts])
        steps = np.diff(leaves.usage_point, prepend=0)
        steps[starts] = 0
        out.ints(steps)
        out.ints(leaves.import_register_wh)
        out.ints(leaves.export_register_wh)
        out.ints(leaves.import_wh)
        out.ints(leaves.export_wh)
        out.ints(int(self.summary.window) - leaves.since_s)
        out.octets(leaves.quality)
        out.octets(leaves.assurance)
        out.octets(leaves.record)
        return out.bytes()

    @classmethod
    def from_bytes(cls, data: bytes, attested: WindowSummary) -> WindowData | Rejected:
        """Read a window and recompute everything; NOT_AS_ATTESTED unless it gives `attested`."""
        try:
            found = _read(data)
        except DamagedError as fault:
            return Rejected(Misfit.MALFORMED, str(fault))
        return found if found.summary == attested else Rejected(Misfit.NOT_AS_ATTESTED)

    def _position_of(self, usage_point: UsagePoint) -> int | None:
        found = np.flatnonzero(self.leaves.usage_point == usage_point)
        return int(found[0]) if len(found) else None


def assemble(window: WindowStart, revision: int, registry: bytes, leaves: Leaves) -> WindowData:
    """Totals, trees and roots over leaves in order. Sums are exact integers (Q3)."""
    check(leaves.is_ordered(), "leaves are sorted by zone and usage point, each once (R6)")
    zones, starts, numbers, lengths = np.unique(
        leaves.zone, return_index=True, return_inverse=True, return_counts=True
    )
    hashes = leaves.hashes(window)
    bounds = [*(starts * HASH_BYTES).tolist(), len(hashes)]
    trees = tuple(Tree.over(hashes[low:high]) for low, high in itertools.pairwise(bounds))
    summaries = _zone_summaries(window, leaves, zones.tolist(), starts, numbers, lengths.tolist(), trees)
    top = Tree.over([leaf_hash(one.value()) for one in summaries])
    summary = WindowSummary(
        window=window,
        revision=revision,
        registry=registry,
        root=top.root,
        zone_count=len(summaries),
        leaf_count=len(leaves),
        import_wh=sum(one.import_wh for one in summaries),
        export_wh=sum(one.export_wh for one in summaries),
        quality=worst([one.quality for one in summaries]),
        counts=added([one.counts for one in summaries]),
    )
    return WindowData(summary, summaries, leaves, top, trees, tuple(starts.tolist()), Findings())


def with_findings(data: WindowData, findings: Findings) -> WindowData:
    """The same window with what validation said."""
    return replace(data, findings=findings)


def _zone_summaries(
    window: WindowStart,
    leaves: Leaves,
    zones: list[int],
    starts: Ints,
    numbers: Ints,
    lengths: list[int],
    trees: tuple[Tree, ...],
) -> tuple[ZoneSummary, ...]:
    if not zones:
        return ()
    import_wh, export_wh = sums(leaves.import_wh, starts), sums(leaves.export_wh, starts)
    qualities = quality_of_badness(np.maximum.reduceat(badness(leaves.quality), starts)).tolist()
    counts = counts_of(leaves, numbers, len(zones))
    return tuple(
        ZoneSummary(
            zone=ZoneId(zone),
            window=window,
            root=trees[at].root,
            leaf_count=lengths[at],
            import_wh=import_wh[at],
            export_wh=export_wh[at],
            quality=qualities[at],
            counts=counts[at],
        )
        for at, zone in enumerate(zones)
    )


def _read(data: bytes) -> WindowData:
    reader = ColumnReader(data)
    if reader.octets(len(_MAGIC)).tobytes() != _MAGIC:
        raise DamagedError("not a window")
    window, revision, zone_count = reader.number(), reader.number(), reader.number()
    if zone_count > LEAVES_MAX:
        raise DamagedError("more zones than a tree holds")
    registry = reader.octets(HASH_BYTES).tobytes()
    zones, lengths = reader.ints(zone_count), reader.ints(zone_count)
    if (lengths < 1).any() or (lengths > LEAVES_MAX).any():
        raise DamagedError("an empty or endless zone")
    count = int(lengths.sum())
    if count > min(LEAVES_MAX, len(data) // HASH_BYTES):  # every leaf names its record
        raise DamagedError("more leaves than the bytes hold")
    firsts = reader.ints(zone_count)
    leaves = Leaves(
        zone=np.repeat(zones, lengths),
        usage_point=_usage_points(firsts, reader.ints(count), lengths),
        import_register_wh=reader.ints(count),
        export_register_wh=reader.ints(count),
        import_wh=reader.ints(count),
        export_wh=reader.ints(count),
        since_s=window - reader.ints(count),
        quality=reader.octets(count),
        assurance=reader.octets(count),
        record=reader.records(count),
    )
    reader.end()
    if not leaves.is_ordered() or not leaves.has_known_codes() or (leaves.since_s < 0).any():
        raise DamagedError("leaves out of order or of unknown codes")
    return assemble(WindowStart(window), revision, registry, leaves)


def _usage_points(firsts: Ints, steps: Ints, lengths: Ints) -> Ints:
    """Ids again from the first of each zone and the steps between neighbours."""
    starts = np.cumsum(lengths) - lengths
    if (steps[starts] != 0).any():
        raise DamagedError("a zone begins with a step")
    # Sums may wrap in hostile bytes; an id that did is negative or out of order.
    total = np.cumsum(steps)
    points = np.repeat(firsts - total[starts], lengths) + total
    if (points < 0).any():
        raise DamagedError("an id beyond 63 bits")
    return points
