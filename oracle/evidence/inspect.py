"""Look through one window for what is false, and make the evidence of it (E2, E3).

Takes what an export holds; records may be missing. Finds leaves that their record
contradicts, energy that is not the difference of registers, and sums that are none. What it
makes it has judged: nothing is given out that does not prove its case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from oracle.audit.merkle import Proof, double_sha256, prove
from oracle.audit.parts import BundleParts, SincePart
from oracle.audit.values import read_entry, read_leaf, read_zone_summary
from oracle.evidence.build import PlacedParts, false_energy, false_leaf, false_window, false_zone
from oracle.evidence.contents import PARTS_MAX, SIGNED_FORMATS
from oracle.evidence.file import Faulty
from oracle.evidence.records import batch_contradicts, ocmf_contradicts
from oracle.evidence.sums import is_false_beginning, is_false_energy, is_false_window, is_false_zone
from oracle.evidence.verify import judge
from oracle.model import Leaf, Record, WindowSummary

EVIDENCE_PER_WINDOW_MAX: Final = 2
"""One proof punishes all signers of a window; a second one is for a contract that lacks something."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a leaf stands in the parts."""

    zone: int
    at: int
    leaf: Leaf


def inspect(parts: BundleParts, window_s: int) -> tuple[bytes, ...]:
    """Evidence files about a window entry; none where nothing false is found."""
    found: list[bytes] = []
    for make in _suspicions(parts, window_s):
        data = make()
        if judge(data).proven:
            found.append(data)
        if len(found) == EVIDENCE_PER_WINDOW_MAX:
            break
    return tuple(found)


def _suspicions(parts: BundleParts, window_s: int) -> Iterator[Callable[[], bytes]]:
    summary = read_entry(parts.signed.entry).body
    if not isinstance(summary, WindowSummary):
        return
    leaves = [
        _Place(number, at, read_leaf(leaf))
        for number, zone in enumerate(parts.zones)
        for at, leaf in enumerate(zone.leaves)
    ]
    zones = [read_zone_summary(zone.summary) for zone in parts.zones]
    common = parts.genesis, parts.epochs
    records = {record.hash: record for record in parts.records if record.format in SIGNED_FORMATS}
    for place in leaves if summary.revision == 0 else ():
        record = records.get(place.leaf.record)
        if record is not None and _contradicts(place.leaf, record, window_s):
            placed = _placed(parts, place)
            yield lambda placed=placed, record=record: false_leaf(  # type: ignore[misc]
                *common, placed, record.format, record.data
            )
    earlier = _earlier(parts.since)
    for place in leaves if summary.revision == 0 else ():
        leaf = place.leaf
        since = earlier.get((leaf.usage_point, leaf.since))
        false = is_false_beginning(leaf, summary.window)
        if leaf.since < summary.window and since is not None:
            false = false or is_false_energy(read_leaf(since.leaf), leaf)
        if false:
            placed = _placed(parts, place)
            yield lambda placed=placed, since=since: false_energy(*common, placed, since)  # type: ignore[misc]
    for number, zone in enumerate(zones):
        own = [place.leaf for place in leaves if place.zone == number]
        if is_false_zone(zone, own) and len(own) <= PARTS_MAX:
            part = parts.zones[number]
            proven = part.summary, _zone_proof(parts, number)
            yield lambda proven=proven, part=part: false_zone(  # type: ignore[misc]
                *common, parts.signed, proven, part.leaves
            )
    if is_false_window(summary, zones) and len(zones) <= PARTS_MAX:
        yield lambda: false_window(*common, parts.signed, [zone.summary for zone in parts.zones])


def _contradicts(leaf: Leaf, record: Record, window_s: int) -> bool:
    if hashlib.sha256(record.data).digest() != leaf.record:
        return False
    try:
        if record.format == "batch":
            return batch_contradicts(leaf, record.data, window_s)
        return ocmf_contradicts(leaf, record.data)
    except Faulty:
        return False  # not understood beyond doubt


def _placed(parts: BundleParts, place: _Place) -> PlacedParts:
    zone = parts.zones[place.zone]
    hashes = [double_sha256(leaf) for leaf in zone.leaves]
    return PlacedParts(
        parts.signed,
        zone.summary,
        _zone_proof(parts, place.zone),
        zone.leaves[place.at],
        prove(hashes, place.at),
    )


def _zone_proof(parts: BundleParts, number: int) -> Proof:
    return prove([double_sha256(zone.summary) for zone in parts.zones], number)


def _earlier(since: tuple[SincePart, ...]) -> Mapping[tuple[int, int], PlacedParts]:
    found: dict[tuple[int, int], PlacedParts] = {}
    for window in since:
        for zone in window.zones:
            for data, proof in zone.leaves:
                leaf = read_leaf(data)
                placed = PlacedParts(window.signed, zone.summary, zone.proof, data, proof)
                found[int(leaf.usage_point), int(leaf.window)] = placed
    return found
