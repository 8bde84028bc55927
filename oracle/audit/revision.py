"""The step about a restatement: it follows the revision before, and takes nothing back (A8).

A leaf once attested keeps its registers, its record and its zone. What a restatement may do is
add leaves, and make a leaf count from a later one that was added before it: then `since` and
energy move. That the energy is right is the step `energy`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from oracle.audit.bundle import RestatedWindow
from oracle.audit.case import Case, concluded
from oracle.audit.log import certified, group_signed
from oracle.audit.merkle import root_of
from oracle.audit.values import VoidBody
from oracle.audit.verdict import Step
from oracle.model import Leaf, WindowSummary


def revision_step(case: Case) -> Step:
    """The revision before is certified, and every leaf of it still stands."""
    before = case.bundle.restated
    height = 0 if before is None else before.signed.entry.height
    kept = 0 if before is None else sum(len(zone.leaves) for zone in before.zones)
    added = sum(1 for _ in case.leaves) - kept
    unsigned = before is not None and not before.signed.bls
    gaps = ("the revision before has a certificate but no group signature",) if unsigned else ()
    sentence = f"restates height {height}: {kept} leaves stand as they were attested, {added} were added"
    return concluded("revision", _faults(case, before), sentence, gaps)


def _faults(case: Case, before: RestatedWindow | None) -> Iterator[str]:
    if before is None:
        yield "the revision before is not in the file"
        return
    entry, summary = before.signed.entry, case.summary
    body = entry.body
    if not isinstance(body, WindowSummary | VoidBody):
        yield "what it restates is no window"
        return
    if (body.window, body.revision) != (summary.window, summary.revision - 1):
        yield f"it restates window {body.window} revision {body.revision}, not the revision before its own"
    if entry.height >= case.bundle.signed.entry.height:
        yield "the revision before comes after it in the log"
    fault = certified(case, before.signed)
    if fault is not None:
        yield fault
    group_key = case.group_keys.get(before.signed.certificate.epoch, b"")
    if before.signed.bls and not group_signed(case, before.signed, group_key):
        yield "the group signature on the revision before is wrong"
    if isinstance(body, WindowSummary):
        yield from _tree_faults(before, body)
        yield from _leaf_faults(case, before, body)
    elif before.zones:
        yield "a void has no leaves"


def _tree_faults(before: RestatedWindow, body: WindowSummary) -> Iterator[str]:
    zones = before.zones
    whole = len(zones) == body.zone_count and root_of([zone.hash for zone in zones]) == body.root
    if not whole:
        yield "the zones of the revision before do not give its root"
    for zone in zones:
        name, leaves = f"zone {zone.summary.zone} of the revision before", zone.leaves
        if len(leaves) != zone.summary.leaf_count:
            yield f"{name} has {len(leaves)} leaves in the file"
        if root_of([item.hash for item in leaves]) != zone.summary.root:
            yield f"{name}: its leaves do not give its root"


def _leaf_faults(case: Case, before: RestatedWindow, body: WindowSummary) -> Iterator[str]:
    if case.summary.registry != body.registry:
        yield "it is over another registry than the revision before"
    now = {
        (zone.summary.zone, item.leaf.usage_point): item.leaf
        for zone in case.bundle.zones
        for item in zone.leaves
    }
    for zone in before.zones:
        for item in zone.leaves:
            point = item.leaf.usage_point
            leaf = now.get((zone.summary.zone, point))
            if leaf is None:
                yield f"the leaf of usage point {point} is gone"
            elif not _stands(item.leaf, leaf):
                yield f"the leaf of usage point {point} is not the one that was attested"


def _stands(before: Leaf, now: Leaf) -> bool:
    """The same leaf, or the same that counts from a leaf which came between."""
    if now.since == before.since:
        return now == before
    between = before.since < now.since < now.window
    began = before.since == before.window and now.since < now.window
    same = replace(now, since=before.since, import_wh=before.import_wh, export_wh=before.export_wh)
    return same == before and (between or began)
