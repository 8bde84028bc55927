"""Decimal text to whole watt-hours, in integers only.

A register is floored where it is read, never a difference of two: so differences
telescope, and every node has the same number. No float and no rounding context is
involved, and the size of the text bounds the work.
"""

from __future__ import annotations

import re
from typing import Final

from oracle.feeds.formats.reasons import RecordReason, Refusal

WH_EXPONENT: Final = {"mWh": -3, "Wh": 0, "kWh": 3, "MWh": 6, "GWh": 9}
"""Power of ten from a unit to Wh. The letter's case matters: mWh (Matter) and MWh differ by 10^9."""
REGISTER_MAX_WH: Final = 10**15
"""One petawatt-hour: beyond any meter, and exact in every column and contract."""

_NUMBER = re.compile(r"(-?)([0-9]{1,30})(?:\.([0-9]{1,30}))?(?:[eE]([+-]?[0-9]{1,3}))?")
_SHIFT_MAX: Final = 16
"""Beyond REGISTER_MAX_WH whatever is shifted."""
_FRACTION_MAX: Final = 60
"""As many digits as a number may have: shifted further, nothing is left."""
_TEN: Final[tuple[int, ...]] = tuple(10**power for power in range(_FRACTION_MAX + 1))
_IMPLAUSIBLY_LONG = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def whole_wh(text: str, unit: str) -> int:
    """The register's value in Wh, floored.

    Refuses what is no plain decimal number in ASCII digits, a negative value, one
    above REGISTER_MAX_WH, and a unit that is none of energy.
    """
    exponent = WH_EXPONENT.get(unit)
    if exponent is None:
        raise Refusal(RecordReason.UNIT_UNKNOWN)
    value = scaled(text, exponent)
    if value > REGISTER_MAX_WH:
        raise Refusal(RecordReason.VALUE_TOO_LARGE)
    return value


def scaled(text: str, exponent: int) -> int:
    """floor(text x 10^exponent) of a number that is not negative."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        huge = _IMPLAUSIBLY_LONG.fullmatch(text)
        raise Refusal(RecordReason.VALUE_TOO_LARGE if huge else RecordReason.NOT_A_NUMBER)
    sign, whole, fraction, power = match.groups(default="")
    digits = int(whole + fraction)
    if digits and sign:
        raise Refusal(RecordReason.NEGATIVE)
    shift = int(power or "0") - len(fraction) + exponent
    if digits and shift > _SHIFT_MAX:
        raise Refusal(RecordReason.VALUE_TOO_LARGE)
    return digits // _TEN[min(-shift, _FRACTION_MAX)] if shift < 0 else digits * _TEN[min(shift, _SHIFT_MAX)]
