"""The steps about what was summed: trees, totals, energy from registers, the registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from oracle.audit.bundle import SinceWindow, Zone
from oracle.audit.case import Case, concluded
from oracle.audit.log import certified, group_signed
from oracle.audit.merkle import proves, root_of
from oracle.audit.values import RegistryBody
from oracle.audit.verdict import Step
from oracle.model import (
    QUALITY_BEST_TO_WORST,
    QUALITY_CLASS,
    Counts,
    DeviceKind,
    Leaf,
    WindowSummary,
    ZoneSummary,
)

_RANK: Final = {code: rank for rank, code in enumerate(QUALITY_BEST_TO_WORST)}
_ASSURANCE_COUNT: Final = {1: "meter_signed", 2: "gateway_signed", 3: "witnessed"}
QUALITY_OF_NOTHING: Final = QUALITY_BEST_TO_WORST[0]
"""Where there is nothing to be the worst."""
ROLLOVERS_WH: Final = (*(10**digits for digits in range(5, 19)), 1 << 32)
"""Where registers roll over: after their digits, or a 32-bit counter (SunSpec acc32)."""


def window_tree_step(case: Case) -> Step:
    """The zone summaries are all that stands under the window's root (R6)."""
    count = len(case.bundle.zones)
    return concluded("window-tree", _window_tree_faults(case), f"{count} zone summaries give the root")


def zone_trees_step(case: Case) -> Step:
    """The leaves are all that stands under their zones' roots (R6)."""
    count = sum(len(zone.leaves) for zone in case.bundle.zones)
    return concluded(
        "zone-trees", _zone_tree_faults(case.bundle.zones), f"{count} leaves give their zones' roots"
    )


def totals_step(case: Case) -> Step:
    """Sums, counts and worst qualities are those of what they sum."""
    summary = case.summary
    sentence = f"import {summary.import_wh} Wh, export {summary.export_wh} Wh are the sums of all leaves"
    return concluded("totals", _total_faults(case), sentence)


def energy_step(case: Case) -> Step:
    """Each leaf's energy is the difference of two attested registers (R3)."""
    leaves = [item.leaf for item in case.leaves]
    first = sum(1 for leaf in leaves if leaf.since == leaf.window)
    unsigned = sum(1 for window in case.bundle.since if not window.signed.bls)
    gaps = (f"{unsigned} earlier window(s) have a certificate but no group signature",) if unsigned else ()
    sentence = f"{len(leaves) - first} differences of attested registers, {first} first leaves without energy"
    return concluded("energy", _energy_faults(case), sentence, gaps)


def registry_step(case: Case) -> Step:
    """Every device the window speaks of is in the agreed registry."""
    count = len(case.bundle.devices)
    return concluded("registry", _registry_faults(case), f"{count} devices are in the registry")


def registry_entry_step(case: Case) -> Step:
    """The devices shown are in the registry that the entry agrees on."""
    body, devices = case.bundle.signed.entry.body, case.bundle.devices
    missing = body.device_count - len(devices) if isinstance(body, RegistryBody) else 0
    gaps = (f"{missing} of its devices are not in the file",) if missing > 0 else ()
    return concluded(
        "registry", _registry_entry_faults(case), f"{len(devices)} devices are in the registry", gaps
    )


def has_known_codes(case: Case) -> bool:
    """Whether every leaf's quality and assurance is one that exists; else later steps make no sense."""
    return all(item.leaf.quality in _RANK and item.leaf.assurance in _ASSURANCE_COUNT for item in case.leaves)


def _window_tree_faults(case: Case) -> Iterator[str]:
    summary, zones = case.summary, case.bundle.zones
    ids = [zone.summary.zone for zone in zones]
    if summary.window % case.bundle.genesis.window_s:
        yield "the window does not start at a multiple of the window length"
    if len(zones) != summary.zone_count:
        yield f"the file has {len(zones)} zones, the entry says {summary.zone_count}"
    if any(left >= right for left, right in pairwise(ids)):
        yield "the zones are not sorted, or one stands twice"
    for zone in zones:
        if zone.summary.window != summary.window:
            yield f"zone {zone.summary.zone} is of another window"
    if root_of([zone.hash for zone in zones]) != summary.root:
        yield "the zone summaries do not give the window's root"


def _zone_tree_faults(zones: Sequence[Zone]) -> Iterator[str]:
    seen: set[int] = set()
    for zone in zones:
        name, points = f"zone {zone.summary.zone}", [item.leaf.usage_point for item in zone.leaves]
        if len(points) != zone.summary.leaf_count:
            yield f"{name}: the file has {len(points)} leaves, the summary says {zone.summary.leaf_count}"
        if any(left >= right for left, right in pairwise(points)):
            yield f"{name}: the leaves are not sorted, or one stands twice"
        if not seen.isdisjoint(points):
            yield f"{name}: a usage point stands in another zone as well"
        seen.update(points)
        if any(item.leaf.window != zone.summary.window for item in zone.leaves):
            yield f"{name}: a leaf is of another window"
        if root_of([item.hash for item in zone.leaves]) != zone.summary.root:
            yield f"{name}: the leaves do not give the zone's root"


def _total_faults(case: Case) -> Iterator[str]:
    if not has_known_codes(case):
        yield "a leaf has a quality or assurance that does not exist"
        return
    for zone in case.bundle.zones:
        leaves = [item.leaf for item in zone.leaves]
        qualities = [leaf.quality for leaf in leaves]
        yield from _sum_faults(f"zone {zone.summary.zone}", zone.summary, leaves, _counts(leaves), qualities)
    summary, zones = case.summary, [zone.summary for zone in case.bundle.zones]
    everything = [item.leaf for item in case.leaves]
    if summary.leaf_count != len(everything):
        yield f"the window says {summary.leaf_count} leaves, there are {len(everything)}"
    qualities = [zone.quality for zone in zones]
    yield from _sum_faults("the window", summary, zones, _counts(everything), qualities)


def _sum_faults(
    name: str,
    claimed: ZoneSummary | WindowSummary,
    parts: Sequence[Leaf] | Sequence[ZoneSummary],
    counts: Counts,
    qualities: Sequence[int],
) -> Iterator[str]:
    sums = sum(part.import_wh for part in parts), sum(part.export_wh for part in parts)
    if (claimed.import_wh, claimed.export_wh) != sums:
        yield f"{name}: the energy is not the sum of its parts"
    if claimed.counts != counts:
        yield f"{name}: the counts are not those of its leaves"
    worst = max(qualities, key=lambda code: _RANK.get(code, -1), default=QUALITY_OF_NOTHING)
    if claimed.quality != worst:
        yield f"{name}: the quality is {claimed.quality}, the worst of its parts is {worst}"


def _counts(leaves: Iterable[Leaf]) -> Counts:
    found = Counter[str]()
    for leaf in leaves:
        found[QUALITY_CLASS[leaf.quality]] += 1
        found[_ASSURANCE_COUNT[leaf.assurance]] += 1
    return Counts(**found)


def _energy_faults(case: Case) -> Iterator[str]:
    for window in case.bundle.since:
        yield from _since_faults(case, window)
    for item in case.leaves:
        leaf = item.leaf
        name, earlier = f"usage point {leaf.usage_point}", case.earlier(leaf)
        if leaf.since == leaf.window:
            if leaf.import_wh or leaf.export_wh:
                yield f"{name}: a first leaf has no energy"
        elif leaf.since > leaf.window or leaf.since % case.bundle.genesis.window_s:
            yield f"{name}: `since` is not the start of an earlier window"
        elif earlier is None:
            yield f"{name}: the leaf of window {leaf.since} that it counts from is not in the file"
        else:
            yield from _difference_faults(name, earlier, leaf)


def _difference_faults(name: str, earlier: Leaf, leaf: Leaf) -> Iterator[str]:
    for direction, before, after, energy_wh in (
        ("import", earlier.import_register_wh, leaf.import_register_wh, leaf.import_wh),
        ("export", earlier.export_register_wh, leaf.export_register_wh, leaf.export_wh),
    ):
        if after - before == energy_wh:
            continue
        # A register that passed its last digit starts again; such energy is never `validated`.
        rolled = any(before < end and before + energy_wh - end == after for end in ROLLOVERS_WH)
        if not (rolled and after < before and QUALITY_CLASS[leaf.quality] != "validated"):
            yield f"{name}: {direction} of {energy_wh} Wh is not the difference of {before} and {after} Wh"


def _since_faults(case: Case, window: SinceWindow) -> Iterator[str]:
    entry = window.signed.entry
    name = f"the earlier entry at height {entry.height}"
    if not isinstance(entry.body, WindowSummary) or entry.kind != "window":
        yield f"{name} is not a window"
        return
    if entry.height >= case.bundle.signed.entry.height:
        yield f"{name} is not earlier"
    fault = certified(case, window.signed)
    if fault is not None:
        yield fault
    group_key = case.group_keys.get(window.signed.certificate.epoch, b"")
    if window.signed.bls and not group_signed(case, window.signed, group_key):
        yield f"{name}: its group signature is wrong"
    for zone in window.zones:
        summary = zone.summary
        if zone.proof.count != entry.body.zone_count or summary.window != entry.body.window:
            yield f"{name}: zone {summary.zone} is of another window, or its proof of another count"
        if not proves(zone.hash, zone.proof, entry.body.root):
            yield f"{name}: zone {summary.zone} is not proven"
        for item, proof in zone.leaves:
            if item.leaf.window != entry.body.window or proof.count != summary.leaf_count:
                yield f"{name}: a leaf is of another window, or its proof of another count"
            if not proves(item.hash, proof, summary.root):
                yield f"{name}: the leaf of usage point {item.leaf.usage_point} is not proven"


def _registry_faults(case: Case) -> Iterator[str]:
    yield from _device_proof_faults(case, case.summary.registry)
    for zone in case.bundle.zones:
        for item in zone.leaves:
            point = item.leaf.usage_point
            proven = case.devices.get(point)
            if proven is None:
                yield f"usage point {point} has no device in the file"
            elif proven.device.kind is not DeviceKind.METER:
                yield f"usage point {point} is not a meter"
            elif proven.device.zone != zone.summary.zone:
                yield f"usage point {point} is registered in another zone: {proven.device.zone}"


def _registry_entry_faults(case: Case) -> Iterator[str]:
    body, devices = case.bundle.signed.entry.body, case.bundle.devices
    if not isinstance(body, RegistryBody):
        yield "the entry is not a registry"
        return
    yield from _device_proof_faults(case, body.registry)
    if any(one.proof.count != body.device_count for one in devices):
        yield f"a device's proof is not of {body.device_count} devices"
    if len(devices) > body.device_count:
        yield "there are more devices than the entry counts"
    if len(devices) == body.device_count and root_of([one.hash for one in devices]) != body.registry:
        yield "the devices do not give the registry's root"


def _device_proof_faults(case: Case, registry: bytes) -> Iterator[str]:
    ids = [one.device.device for one in case.bundle.devices]
    if any(left >= right for left, right in pairwise(ids)):
        yield "the devices are not sorted, or one stands twice"
    for one in case.bundle.devices:
        if not proves(one.hash, one.proof, registry):
            yield f"device {one.device.device} is not in the registry"
