"""Days compared with days: counts are added up, and rates computed from the sums."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.report.figures import Totals, compare, finality, half_hours, ring_group_id, usual_levels
from calls_assets.report.judgement import Rate

DAY = date(2026, 3, 10)
COUNTS = st.integers(0, 500)
TOTALS = st.builds(Totals, days=st.just(1), **{f.name: COUNTS for f in fields(Totals) if f.name != "days"})


def back(days):
    return DAY - timedelta(days=days)


@given(TOTALS, st.dictionaries(st.integers(1, 40).map(back), TOTALS))
def test_a_period_is_the_sum_of_its_days_that_are_there(today, before):
    compared = compare(DAY, before | {DAY: today})
    weekdays = [before[back(n)] for n in (7, 14, 21, 28) if back(n) in before]
    month = [before[back(n)] for n in range(1, 29) if back(n) in before]
    for period, parts in ((compared.same_weekdays, weekdays), (compared.four_weeks, month)):
        assert (period is None) is (not parts)
        if period:
            assert period.days == len(parts)
            assert period.calls_abandoned == sum(part.calls_abandoned for part in parts)
    assert compared.week_before == before.get(back(7))
    assert compared.missing == 28 - len(month)
    assert [day for day, _ in compared.trend] == [back(n) for n in range(28, -1, -1)]


def test_rates_are_of_the_sums_and_none_where_nothing_counts():
    small = Totals(1, 2, 1, 1, 1, 0, 1, 10, 60)
    large = Totals(1, 98, 98, 49, 0, 0, 9, 90, 540)
    both = Totals.of([small, large])
    assert (both.service_level, both.abandonment, both.speed_of_answer_s) == (0.5, 0.01, 10)
    nothing = Totals(1, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (nothing.service_level, nothing.abandonment, nothing.speed_of_answer_s) == (None, None, None)


@pytest.mark.parametrize(
    ("zone", "first", "clocks"),
    [
        ("America/New_York", datetime(2026, 3, 8, 6, tzinfo=UTC), ["01:00-05:00", "01:30-05:00", "03:00-04:00"]),
        ("America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ["01:30-04:00", "01:00-05:00", "01:30-05:00"]),
        ("Asia/Kathmandu", datetime(2026, 3, 8, 4, 15, tzinfo=UTC), ["10:00+05:45", "10:30+05:45", "11:00+05:45"]),
    ],
)
def test_gaps_between_half_hours_are_filled_across_a_change_of_the_clock(zone, first, clocks):
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE service_level (dimension VARCHAR, member_id VARCHAR, calls_offered INT, calls_answered INT, "
            "calls_answered_within_sla INT, calls_abandoned INT, service_level DOUBLE)"
        )
        for at in (first, first + timedelta(hours=1)):
            connection.execute(
                "INSERT INTO service_level VALUES ('half_hour', ?, 4, 2, 2, 1, 0.5)", [f"{at:%Y-%m-%dT%H:%M:%SZ}"]
            )
        rows = half_hours(connection, ZoneInfo(zone))
    assert [row["at"] for row in rows] == clocks
    assert [(row["answered"], row["abandoned"], row["other"], row["level"]) for row in rows] == [
        (2, 1, 1, 0.5),
        (0, 0, 0, None),
        (2, 1, 1, 0.5),
    ]


def test_what_had_no_call_to_judge_by_has_nothing_usual():
    counts = [{"calls_answered_within_sla": 0, "calls_answered": n, "calls_abandoned": 0} for n in (2, 0)]
    group, clock = ("ring_group", "7", "Sales"), ("half_hour", "2026-03-10T09:00:00Z", "09:00+00:00")
    names = ("dimension", "member_id", "member_name")
    rows = [dict(zip(names, member, strict=True)) | of for member, of in zip((group, clock), counts, strict=True)]
    assert usual_levels(pa.Table.from_pylist(rows)) == {("ring_group", "7"): Rate(0, 2)}


def test_a_ring_group_is_known_by_its_id_whatever_number_that_is():
    assert [ring_group_id(member) for member in ("7", "-5", str(2**62), "(none)")] == [7, -5, 2**62, None]


@pytest.mark.parametrize(
    ("status", "provisional"),
    [("final", False), ("inside_lookback", True), ("open_calls, not_reconciled", True), ("", False)],
)
def test_a_day_is_provisional_where_its_status_says_why(status, provisional):
    assert finality(DAY, ZoneInfo("UTC"), status, None).is_provisional is provisional


def test_a_day_is_open_when_it_was_pulled_before_its_end_whenever_that_is_looked_at():
    midnight_s, zone = datetime(2026, 3, 11, tzinfo=UTC).timestamp(), ZoneInfo("America/New_York")
    assert finality(DAY, zone, "inside_lookback", midnight_s).open_at == "20:00"
    assert finality(DAY, zone, "inside_lookback", midnight_s + 4 * 3600).open_at is None
    assert finality(DAY, zone, "inside_lookback", None).open_at is None
