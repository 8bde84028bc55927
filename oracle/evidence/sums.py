"""Whether sums are false, as the contract adds them (E3). Never more than it takes.

A register that fell may have rolled over at a maximum that only its record tells; then
energy is at least the new register and at most what the largest maximum leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from oracle.model import Leaf, WindowSummary, ZoneSummary

REGISTER_MAX_WH: Final = 10**15
"""No meter shows more."""


def is_false_beginning(leaf: Leaf, window: int) -> bool:
    """Whether a leaf that counts from its own window, or a later one, has energy."""
    if leaf.window != window or leaf.since > window:
        return True
    return leaf.since == window and (leaf.import_wh > 0 or leaf.export_wh > 0)


def is_false_energy(before: Leaf, leaf: Leaf) -> bool:
    """Whether a leaf's energy cannot be the difference of its registers and the earlier leaf's."""
    return _is_false_difference(
        before.import_register_wh, leaf.import_register_wh, leaf.import_wh
    ) or _is_false_difference(before.export_register_wh, leaf.export_register_wh, leaf.export_wh)


def is_false_zone(zone: ZoneSummary, leaves: Iterable[Leaf]) -> bool:
    """Whether a zone's energy is not the sum of these leaves, which are all it has."""
    parts = tuple(leaves)
    sums = sum(leaf.import_wh for leaf in parts), sum(leaf.export_wh for leaf in parts)
    return sums != (zone.import_wh, zone.export_wh)


def is_false_window(summary: WindowSummary, zones: Iterable[ZoneSummary]) -> bool:
    """Whether a window's energy or its count of leaves is not the sum of these zones, which are all."""
    parts = tuple(zones)
    sums = (
        sum(zone.leaf_count for zone in parts),
        sum(zone.import_wh for zone in parts),
        sum(zone.export_wh for zone in parts),
    )
    return sums != (summary.leaf_count, summary.import_wh, summary.export_wh)


def _is_false_difference(before_wh: int, after_wh: int, energy_wh: int) -> bool:
    if after_wh >= before_wh:
        return energy_wh != after_wh - before_wh
    return not after_wh <= energy_wh <= REGISTER_MAX_WH + after_wh - min(before_wh, REGISTER_MAX_WH)
