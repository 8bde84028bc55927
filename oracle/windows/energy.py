"""Registers to energy: what a closing reading and the last attested registers say together.

For one usage point, by columns, in this order:

    no attested registers   first leaf: no energy, `since` the own window
    interval meter          energy as stated, register = attested register + energy
    a register missing      it stands where it was attested, no energy of that direction
    rose                    energy = difference
    appeared                attested at 0 and now beyond the bound: the source did not tell this
                            register before; treated as a reset
    fell, explained         rollover: attested above 90 % of the maximum, and what is left to
                            the maximum plus the new value is within the capacity bound
    fell, unexplained       reset or exchange: a new register epoch for both directions, no
                            energy, `since` the own window; the gap is explicit, never filled
    beyond the bound        refused: more than rated power x 1.1 x (window's end - since)

So `since` = own window always goes with zero energy, and any other leaf's energy is the
difference of two attested registers, modulo the maximum (E3). Nothing else is consulted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oracle.windows.readings import MISSING, Readings
from oracle.windows.rows import Ints, Mask
from oracle.windows.vee import Rules

NEVER = -1
"""`since` of a usage point without an attested leaf."""


@dataclass(frozen=True, slots=True)
class Registers:
    """Attested registers, Wh, and the start of the window of that leaf (NEVER: none)."""

    since_s: Ints
    import_wh: Ints
    export_wh: Ints


@dataclass(frozen=True, slots=True)
class Energy:
    """What leaves say, place by place; where `refused`, there is no leaf."""

    import_register_wh: Ints
    export_register_wh: Ints
    import_wh: Ints
    export_wh: Ints
    since_s: Ints
    rolled_over: Mask
    reset: Mask
    refused: Mask


def derive(readings: Readings, attested: Registers, capacities_w: Ints, window: int, rules: Rules) -> Energy:
    """Energy of closing readings against attested registers; columns of equal length."""
    first = attested.since_s == NEVER
    since = np.where(first, window, attested.since_s)
    # An interval meter speaks of its own window only, however long the gap before it.
    begin = np.where(readings.interval, window, since)
    bounds = rules.capacity_bounds_wh(capacities_w, window + rules.window_s - begin)
    into = _direction(readings.import_wh, readings, attested.import_wh, first, bounds, rules)
    out = _direction(readings.export_wh, readings, attested.export_wh, first, bounds, rules)
    reset = into.reset | out.reset
    silent = first | reset
    return Energy(
        import_register_wh=into.register_wh,
        export_register_wh=out.register_wh,
        import_wh=np.where(silent, 0, into.energy_wh),
        export_wh=np.where(silent, 0, out.energy_wh),
        since_s=np.where(silent, window, since),
        rolled_over=(into.rolled_over | out.rolled_over) & ~silent,
        reset=reset,
        refused=((into.energy_wh > bounds) | (out.energy_wh > bounds)) & ~reset,
    )


@dataclass(frozen=True, slots=True)
class _Direction:
    register_wh: Ints
    energy_wh: Ints
    rolled_over: Mask
    reset: Mask


def _direction(
    stated: Ints, readings: Readings, attested: Ints, first: Mask, bounds: Ints, rules: Rules
) -> _Direction:
    before = np.where(first, 0, attested)
    register = np.where(stated == MISSING, before, stated)
    register = np.where(readings.interval, before + stated, register)
    delta = register - before
    # A first register is a beginning; a first interval already is energy, and has a bound.
    delta = np.where(first & ~readings.interval, 0, delta)
    fell = delta < 0
    maximum = readings.register_max_wh
    wrapped = maximum + delta
    rolled_over = (
        fell
        & (maximum > 0)
        & (before <= maximum)
        & (before * 100 > maximum * rules.rollover_percent)
        & (wrapped <= bounds)
    )
    appeared = (before == 0) & (delta > bounds) & ~readings.interval
    return _Direction(
        register_wh=register,
        energy_wh=np.where(rolled_over, wrapped, delta),
        rolled_over=rolled_over,
        reset=(fell & ~rolled_over) | appeared,
    )
