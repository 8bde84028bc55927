"""Numbers and times: exact, bounded, and the same on every machine."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.feeds.formats import RecordReason
from oracle.feeds.formats.clock import ZONES, iso_s, local_s, zone_named
from oracle.feeds.formats.quantity import REGISTER_MAX_WH, WH_EXPONENT, whole_wh
from oracle.feeds.formats.reasons import Refusal


@given(
    st.decimals(min_value=0, max_value=10**6, allow_nan=False, allow_infinity=False, places=9),
    st.sampled_from(sorted(WH_EXPONENT)),
)
def test_whole_wh_is_the_floor_of_the_decimal(number: Decimal, unit: str) -> None:
    with localcontext() as exact:
        exact.prec = 60
        expected = int((number * Decimal(10) ** WH_EXPONENT[unit]).to_integral_value(ROUND_FLOOR))
    assert whole_wh(f"{number:f}", unit) == expected


@pytest.mark.parametrize(
    ("unit", "value_wh"),
    [("mWh", 0), ("Wh", 7), ("kWh", 7_000), ("MWh", 7_000_000), ("GWh", 7_000_000_000)],
)
def test_a_unit_is_known_by_its_very_letters(unit: str, value_wh: int) -> None:
    assert whole_wh("7", unit) == value_wh
    assert whole_wh("7999", "mWh") == 7


@given(st.integers(0, 10**9), st.integers(-12, 6))
def test_exponents_mean_what_they_say(digits: int, power: int) -> None:
    expected = digits * 10**power if power >= 0 else digits // 10**-power
    assert whole_wh(f"{digits}e{power}", "Wh") == expected
    assert whole_wh(f"{digits}E{power:+}", "Wh") == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1e999999", RecordReason.VALUE_TOO_LARGE),
        ("1e999", RecordReason.VALUE_TOO_LARGE),
        ("9" * 31, RecordReason.VALUE_TOO_LARGE),
        (str(REGISTER_MAX_WH + 1), RecordReason.VALUE_TOO_LARGE),
        ("-1", RecordReason.NEGATIVE),
        ("-1e-30", RecordReason.NEGATIVE),
        ("", RecordReason.NOT_A_NUMBER),
        ("NaN", RecordReason.NOT_A_NUMBER),
        ("1_000", RecordReason.NOT_A_NUMBER),
        ("0x10", RecordReason.NOT_A_NUMBER),
        ("+1", RecordReason.NOT_A_NUMBER),
        (" 1", RecordReason.NOT_A_NUMBER),
        ("1\n", RecordReason.NOT_A_NUMBER),
        ("1,5", RecordReason.NOT_A_NUMBER),
        ("\uff11", RecordReason.NOT_A_NUMBER),
        ("\u0663", RecordReason.NOT_A_NUMBER),
    ],
)
def test_what_is_no_register_is_refused(text: str, reason: RecordReason) -> None:
    with pytest.raises(Refusal) as caught:
        whole_wh(text, "Wh")
    assert caught.value.reason is reason


@pytest.mark.parametrize("text", ["0", "-0", "-0.0", "0e999", "1e-999", "0.999"])
def test_what_floors_to_nothing_is_zero(text: str) -> None:
    assert whole_wh(text, "Wh") == 0


@given(st.sampled_from(sorted(ZONES)), st.datetimes(datetime(2007, 4, 1), datetime(2049, 12, 31)))  # noqa: DTZ001
def test_local_time_agrees_with_the_time_zone_database(name: str, wall: datetime) -> None:
    check_against_database(name, wall.replace(microsecond=0))


@pytest.mark.parametrize("name", sorted(ZONES))
@pytest.mark.parametrize("year", [2016, 2024, 2025, 2026, 2031])
def test_every_quarter_hour_around_the_changes_agrees(name: str, year: int) -> None:
    for month, day in ((3, 8), (3, 25), (10, 25), (11, 1)):
        start = datetime(year, month, day)  # noqa: DTZ001
        sunday = start + timedelta(days=(6 - start.weekday()) % 7)
        for quarter in range(-8, 24):
            check_against_database(name, sunday + timedelta(minutes=15 * quarter))


def check_against_database(name: str, wall: datetime) -> None:
    try:
        zone = ZoneInfo(name)
    except ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database")
    candidates = {
        int(wall.replace(tzinfo=zone, fold=fold).timestamp())
        for fold in (0, 1)
        if datetime.fromtimestamp(int(wall.replace(tzinfo=zone, fold=fold).timestamp()), zone).replace(
            tzinfo=None
        )
        == wall
    }
    wall_s = int(wall.replace(tzinfo=UTC).timestamp())
    if len(candidates) == 1:
        assert local_s(wall_s, zone_named(name)) in candidates
        return
    with pytest.raises(Refusal) as caught:
        local_s(wall_s, zone_named(name))
    assert caught.value.reason is RecordReason.CLOCK_AMBIGUOUS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-08-13T10:03:15,000+0000", "2019-08-13T10:03:15+00:00"),
        ("2019-08-13T10:03:15.999Z", "2019-08-13T10:03:15+00:00"),
        ("2019-08-13T10:03:15-09:30", "2019-08-13T10:03:15-09:30"),
        ("2024-02-29 23:59:59+05:45", "2024-02-29T23:59:59+05:45"),
    ],
)
def test_time_with_an_offset_needs_no_zone(text: str, expected: str) -> None:
    assert iso_s(text, "") == datetime.fromisoformat(expected).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "0000-01-01T00:00:00Z",
        "2024-01-01T00:00:00+15:00",
        "2024-01-01T00:00:00Z ",
        "\u0662\u0660\u0662\u0664-01-01T00:00:00Z",
        "now",
    ],
)
def test_what_no_clock_shows_is_refused(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        iso_s(text, "UTC")
    assert caught.value.reason is RecordReason.BAD_SYNTAX
