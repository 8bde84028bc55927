"""Validation: the named rules, what each one does to a reading, and the agreed settings.

Two moments. `check_reading` refuses what is impossible on its face, from the reading and
the registry alone. `judged_quality`, when a window is summarised, sets the quality of a
leaf from flags that were found by comparing the closing record with attested state. Only
physical bounds refuse (R5); the rest is disclosed as quality. Nothing here depends on when
or in what order a record came: `CLOCK_DRIFT` compares with a node's own clock, so it is
reported to the operator and never touches a leaf.

The utilities' spike check is left out: on the homes it was tried on it fires on 4 to 31 %
of days, and needs the day's three highest values of every meter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from typing import Final

import numpy as np

from oracle.model import QUALITY_BEST_TO_WORST, Quality, Reading
from oracle.windows.registry import ID_MAX
from oracle.windows.rows import Ints, Mask, Octets

REGISTER_WH_MAX: Final = 10**15
"""A thousand terawatt-hours: above the life of any meter, below what arithmetic needs."""
TIME_S_MAX: Final = 1 << 33
"""The year 2242."""
_CAPACITY_PERCENT_MAX: Final = 300
_SECONDS_AN_HOUR: Final = 3600
_PERCENT: Final = 100


@unique
class Rule(Enum):
    """Why a reading is refused or flagged; the names of the facts' table 2.1 where it has one."""

    DUPLICATE = "duplicate"
    """Refused: this very record is held for this usage point."""
    INTERVAL_SIZE = "interval_size"
    """Refused: an interval that is not one window, or a reading with neither or both forms."""
    CLOCK_DRIFT = "clock_drift"
    """Flag to the operator: the meter's clock is far from this node's."""
    FUTURE_OR_STALE = "future_or_stale"
    """Refused: ahead of now, in a window that is not open, or already attested past."""
    OUTSIDE_TOLERANCE = "outside_tolerance"
    """Refused: in the window, but too far before its end to close it (R2)."""
    UNKNOWN_USAGE_POINT = "unknown_usage_point"
    """Refused: no meter of the network's registry."""
    REGISTER_RANGE = "register_range"
    """Refused: a number no meter can show, or beyond the register's own maximum."""
    NEGATIVE = "negative"
    """Refused: energy or a register below zero; directions have registers of their own."""
    REGISTER_MONOTONIC = "register_monotonic"
    """Flag: a register fell; always with the rule that explains it, one of the next two."""
    REGISTER_ROLLOVER = "register_rollover"
    """Flag, derived: the register passed its maximum."""
    REGISTER_RESET = "register_reset"
    """Flag, questionable: exchange or reset; a new register epoch without energy."""
    CAPACITY_BOUND = "capacity_bound"
    """Refused: more energy than the rated power gives in the time."""
    ZERO_RUN = "zero_run"
    """Flag, questionable: no energy at all for a day."""
    FLATLINE = "flatline"
    """Flag, questionable: the same energy to the watt-hour many windows in a row."""
    TWO_STORIES = "two_stories"
    """Flag to the operator: the meter signed two readings of one time and number that differ."""
    LIMIT = "limit"
    """Refused: a limit of this node (Q5), no fault of the reading."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings of windows. Those up to `flatline_wh_min` shape leaves: all nodes have them alike.

    Raises ValueError where they contradict each other.
    """

    window_s: int = 900
    tolerance_s: int = 900
    """How far before the window's end a closing record may lie."""
    capacity_percent: int = 110
    capacity_slack_wh: int = 1
    """A register shows whole units, so a difference may be one too large."""
    rollover_percent: int = 90
    zero_run_s: int = 86_400
    flatline_count: int = 12
    flatline_wh_min: int = 100
    """Below, equal energy is a small load rounded to whole watt-hours."""
    future_s: int = 60
    clock_drift_s: int = 180
    windows_max: int = 8
    """Open windows at once; and of so many settled windows late readings are held."""
    late_planes: int = 3
    """Records kept of one usage point and window after the window closed."""
    readings_per_offer_max: int = 1_000_000

    def __post_init__(self) -> None:
        if not 0 < self.tolerance_s <= self.window_s:
            raise ValueError("the tolerance is at least a second and at most a window")
        if not _PERCENT <= self.capacity_percent <= _CAPACITY_PERCENT_MAX or self.capacity_slack_wh < 0:
            raise ValueError("the capacity bound is one to three times the capacity")
        if not 0 < self.rollover_percent < _PERCENT:
            raise ValueError("a register rolls over near its maximum")
        limits = (
            self.zero_run_s,
            self.flatline_count,
            self.windows_max,
            self.late_planes,
            self.readings_per_offer_max,
        )
        if min(limits) < 1 or self.future_s < 0 or self.clock_drift_s < 0:
            raise ValueError("every limit is at least one, every time at least zero")

    def capacity_bound_wh(self, capacity_w: int, elapsed_s: int) -> int:
        """The most energy of one direction that `capacity_w` can give in `elapsed_s`."""
        whole, part = divmod(elapsed_s * self.capacity_percent, _PERCENT * _SECONDS_AN_HOUR)
        rest = -(-capacity_w * part // (_PERCENT * _SECONDS_AN_HOUR))
        return capacity_w * whole + rest + self.capacity_slack_wh

    def capacity_bounds_wh(self, capacities_w: Ints, elapsed_s: Ints) -> Ints:
        """`capacity_bound_wh` for columns; split in two so that no product leaves 63 bits."""
        unit = _PERCENT * _SECONDS_AN_HOUR
        whole, part = np.divmod(elapsed_s * self.capacity_percent, unit)
        rest = -(-capacities_w * part // unit)
        return capacities_w * whole + rest + self.capacity_slack_wh


def check_reading(reading: Reading, rules: Rules, capacity_w: int) -> Rule | None:
    """The rule that refuses this reading whatever else is known, or None."""
    if not (
        0 <= reading.time_s <= TIME_S_MAX
        and 0 <= reading.sequence <= ID_MAX
        and 0 <= reading.register_digits_max_wh <= REGISTER_WH_MAX
    ):
        return Rule.REGISTER_RANGE
    if reading.interval_wh is not None:
        return _check_interval(reading, reading.interval_wh, rules, capacity_w)
    registers = (reading.import_register_wh, reading.export_register_wh)
    if registers == (None, None):
        return Rule.INTERVAL_SIZE
    highest = reading.register_digits_max_wh or REGISTER_WH_MAX
    for register in registers:
        if register is not None and register < 0:
            return Rule.NEGATIVE
        if register is not None and register > highest:
            return Rule.REGISTER_RANGE
    return None


def _check_interval(
    reading: Reading, interval_wh: tuple[int, int], rules: Rules, capacity_w: int
) -> Rule | None:
    no_registers = reading.import_register_wh is None and reading.export_register_wh is None
    if reading.time_s % rules.window_s or not no_registers:
        return Rule.INTERVAL_SIZE
    if min(interval_wh) < 0:
        return Rule.NEGATIVE
    if max(interval_wh) > rules.capacity_bound_wh(capacity_w, rules.window_s):
        return Rule.CAPACITY_BOUND
    return None


_BADNESS: Final = np.full(256, -1, np.int64)
_BADNESS[list(QUALITY_BEST_TO_WORST)] = np.arange(len(QUALITY_BEST_TO_WORST))
_BY_BADNESS: Final = np.array(QUALITY_BEST_TO_WORST, np.uint8)


def badness(qualities: Octets) -> Ints:
    """Rank of each quality code from best (0) to worst; -1 for what is no code."""
    return _BADNESS[qualities]


def quality_of_badness(ranks: Ints) -> Octets:
    """The quality codes again."""
    return _BY_BADNESS[ranks]


def judged_quality(stated: Octets, derived: Mask, questionable: Mask) -> Octets:
    """The quality of leaves that passed: what the source stated, or worse where flagged.

    Raw and merely valid readings that passed every rule are `validated`.
    """
    passed = np.where(np.isin(stated, (Quality.RAW, Quality.VALID)), Quality.VALIDATED, stated)
    ranks = badness(passed.astype(np.uint8))
    ranks = np.where(derived, np.maximum(ranks, _BADNESS[Quality.DERIVED]), ranks)
    ranks = np.where(questionable, np.maximum(ranks, _BADNESS[Quality.QUESTIONABLE]), ranks)
    return quality_of_badness(ranks)
