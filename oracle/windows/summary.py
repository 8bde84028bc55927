"""A choice of closing records to a window's summary: every node computes the same bytes.

The leaf of a usage point follows from its closing reading, its last attested registers and
its rated power, nothing else; so whoever holds the same records and the same history
arrives at the same leaves, totals and roots in whatever order the records came (A3).

Restatement (A8). A leaf that is attested stays as it is: later energy has been counted from
it. A restatement is the revision before plus leaves of usage points that had none in this
window nor in any later one; a correction of a register shows in the next window.
"""

from __future__ import annotations

import numpy as np

from consensus.model import check
from oracle.windows.attested import Attested
from oracle.windows.energy import Energy, derive
from oracle.windows.keeper import Choice
from oracle.windows.leaves import Leaves
from oracle.windows.readings import Readings
from oracle.windows.rows import Ints, Mask, Octets
from oracle.windows.vee import Rule, Rules, judged_quality
from oracle.windows.window_data import Findings, WindowData, assemble, with_findings
from oracle.windows.witness import Witnessed


def summarise(
    attested: Attested,
    rules: Rules,
    choice: Choice,
    witnessed: Witnessed | None = None,
    *,
    revision: int = 0,
    base: WindowData | None = None,
) -> WindowData:
    """Summarise the window of `choice` over the registry of `attested`.

    `witnessed` readings are used where the choice has none (R4). `base` is the revision
    before, for a restatement. A reading that breaks a physical bound gives no leaf; what was
    refused and flagged is in the result's `findings`.
    """
    registry, window = attested.registry, choice.window
    check(len(choice.rows) == len(choice.indices), "a choice has a row for each index")
    check(base is None or base.summary.window == window, "a restatement is of the same window")
    indices, readings = _candidates(choice, witnessed)
    if base is not None:
        fresh = ~np.isin(registry.usage_points[indices], base.leaves.usage_point)
        indices, readings = indices[fresh], readings.take(fresh)
    before = attested.registers(indices)
    energy = derive(readings, before, registry.capacities_w[indices], window, rules)
    stale = before.since_s >= window
    refused = energy.refused | stale
    kept = np.flatnonzero(~refused)
    quality, flagged = _qualities(attested, rules, window, indices, readings, energy, kept)
    leaves = Leaves(
        zone=registry.zones[indices[kept]],
        usage_point=registry.usage_points[indices[kept]],
        import_register_wh=energy.import_register_wh[kept],
        export_register_wh=energy.export_register_wh[kept],
        import_wh=energy.import_wh[kept],
        export_wh=energy.export_wh[kept],
        since_s=energy.since_s[kept],
        quality=quality,
        assurance=readings.assurance[kept],
        record=readings.record[kept],
    )
    leaves = leaves.in_order() if base is None else leaves.joined(base.leaves)
    points = registry.usage_points[indices]
    by_rule = (
        (Rule.CAPACITY_BOUND, points[energy.refused & ~stale]),
        (Rule.FUTURE_OR_STALE, points[stale]),
    )
    findings = Findings(tuple(one for one in by_rule if len(one[1])), flagged)
    return with_findings(assemble(window, revision, registry.root, leaves), findings)


def _candidates(choice: Choice, witnessed: Witnessed | None) -> tuple[Ints, Readings]:
    """Signed readings, and witnessed ones only where there is no signed one; by index."""
    if witnessed is None:
        return choice.indices, choice.readings
    check(witnessed.window == choice.window, "witnessed readings are of the same window")
    unsigned = ~np.isin(witnessed.indices, choice.indices)
    indices = np.concatenate([choice.indices, witnessed.indices[unsigned]])
    joined = Readings.empty(len(indices))
    joined.put(np.arange(len(choice)), choice.readings)
    joined.put(np.arange(len(choice), len(indices)), witnessed.readings.take(unsigned))
    order = np.argsort(indices)
    return indices[order], joined.take(order)


def _qualities(
    attested: Attested,
    rules: Rules,
    window: int,
    indices: Ints,
    readings: Readings,
    energy: Energy,
    kept: Ints,
) -> tuple[Octets, tuple[tuple[Rule, int], ...]]:
    import_wh, export_wh = energy.import_wh[kept], energy.export_wh[kept]
    zero_s, alike = attested.runs(indices[kept], window, energy.since_s[kept], import_wh, export_wh)
    flags: dict[Rule, Mask] = {
        Rule.REGISTER_MONOTONIC: (energy.rolled_over | energy.reset)[kept],
        Rule.REGISTER_ROLLOVER: energy.rolled_over[kept],
        Rule.REGISTER_RESET: energy.reset[kept],
        Rule.ZERO_RUN: zero_s >= rules.zero_run_s,
        Rule.FLATLINE: (alike >= rules.flatline_count)
        & (np.maximum(import_wh, export_wh) >= rules.flatline_wh_min),
    }
    doubtful = flags[Rule.REGISTER_RESET] | flags[Rule.ZERO_RUN] | flags[Rule.FLATLINE]
    quality = judged_quality(readings.quality[kept], flags[Rule.REGISTER_ROLLOVER], doubtful)
    return quality, tuple((rule, int(mask.sum())) for rule, mask in flags.items() if mask.any())
