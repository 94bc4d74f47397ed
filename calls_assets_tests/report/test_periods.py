"""Weeks and months: which days are theirs, that their sums are those of the views, and what counts as moved."""

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calls_assets
from calls_assets.report.figures import totals
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL
from calls_assets.report.periods import (
    DETAILS,
    MOST_MOVES,
    Counts,
    Kind,
    Period,
    PeriodDetails,
    RingGroup,
    by_hour,
    moved,
    period_details,
    period_figures,
    periods_of,
    total_of,
)
from calls_assets.tables.catalog import AGENT_TALK_TIME, TABLES
from calls_assets.tables.catalog import SERVICE_LEVEL as LEVELS
from calls_assets.tables.store import TableStore

UTC_ZONE = ZoneInfo("UTC")
WEEK, MONTH = Period.of(Kind.WEEK, date(2026, 3, 4)), Period.of(Kind.MONTH, date(2026, 3, 4))


@given(st.sampled_from(Kind), st.dates(date(2000, 1, 1), date(2099, 1, 1)))
def test_the_periods_of_a_kind_share_out_the_days(kind, day):
    period = Period.of(kind, day)
    assert day in period.days
    assert {Period.of(kind, own) for own in period.days} == {period}
    assert Period.of(kind, period.days[-1] + timedelta(days=1)).before == period
    assert len(period.days) == 7 if kind is Kind.WEEK else 28 <= len(period.days) <= 31


@pytest.mark.parametrize(
    ("day", "page"),
    [
        (date(2026, 11, 23), "week=2026-W48/weekly_report.html"),
        (date(2027, 1, 3), "week=2026-W53/weekly_report.html"),
        (date(2024, 12, 30), "week=2025-W01/weekly_report.html"),
    ],
)
def test_weeks_are_named_as_in_iso_8601(day, page):
    month, week = periods_of([day])
    assert week.page == page
    assert month.page == f"month={day:%Y-%m}/monthly_report.html"


@pytest.fixture(scope="module")
def inputs(reported):
    """The inputs of the days of a period."""
    store = TableStore(str(reported))

    def inputs(period):
        days = {day for day in store.days(LEVELS) if day in period.days}
        return {name: store.files(TABLES[name], sorted(days)) for name in DETAILS}

    return inputs


@pytest.mark.parametrize(("period", "by"), [(WEEK, "week"), (MONTH, "month")])
def test_the_sums_of_a_period_are_those_of_the_view_that_computes_it_from_its_calls(reported, inputs, period, by):
    known = {day: of for day, (of, _) in totals(inputs(period)).items()}
    figures = period_figures(period, known, period_details(inputs(period), UTC_ZONE), PeriodDetails())
    rows = calls_assets.read("service_level", by=by, to="arrow", data_url=reported).to_pylist()
    rows = [row for row in rows if row["local_date"] == period.first]
    (total,) = (row for row in rows if row["dimension"] == "total")
    ours = figures.totals
    assert (ours.calls_offered, ours.calls_abandoned) == (total["calls_offered"], total["calls_abandoned"])
    assert (ours.service_level, ours.days) == (total["service_level"], len(known))
    offered = [row for row in rows if row["dimension"] == "ring_group" and row["calls_offered"]]
    groups = {row["member_name"]: row["service_level"] for row in offered}
    assert {group.name: group.counts.rate(SERVICE_LEVEL).share for group in figures.details.ring_groups} == groups
    assert sum(counts.offered for counts in figures.details.half_hours.values()) == total["calls_offered"]
    talk = calls_assets.read("agent_talk_time", by=by, to="arrow", data_url=reported).to_pylist()
    talk = [row for row in talk if row["local_date"] == period.first]
    assert ours.talk_s == sum(row["talk_s"] for row in talk)
    for agent in figures.details.agents:
        own = [row for row in talk if row["agent_key"] == agent["agent_key"]]
        assert agent["handled"] == sum(row["calls_handled"] for row in own)
        assert agent["average_talk_s"] == pytest.approx(agent["talk_s"] / sum(row["talk_calls"] for row in own))


def test_days_without_figures_are_missing_and_not_nothing(inputs):
    known = {day: of for day, (of, _) in totals(inputs(MONTH)).items()}
    figures = period_figures(MONTH, known, PeriodDetails(), PeriodDetails())
    assert figures.missing == [date(2026, 3, 1), *(date(2026, 3, n) for n in range(11, 32))]
    assert figures.before is None
    with pytest.raises(ValueError, match="2026-02 has no day with figures"):
        period_figures(MONTH.before, known, PeriodDetails(), PeriodDetails())
    assert total_of(MONTH.before, known) is None


def test_half_hours_are_added_up_by_the_weekday_and_the_clock_of_their_zone():
    calls = {"calls_offered": 4, "calls_answered": 3, "calls_answered_within_sla": 2, "calls_abandoned": 1}
    starts = ("2026-03-06T14:30:00Z", "2026-03-13T13:30:00Z")  # the clocks of New York change between the two
    rows = [
        {"local_date": date.fromisoformat(at[:10]), "dimension": "half_hour", "member_id": at} | calls for at in starts
    ]
    inputs = {
        "service_level": pa.Table.from_pylist(rows, pa.schema([*LEVELS.arrow_schema])),
        "agent_talk_time": AGENT_TALK_TIME.empty(),
    }
    found = period_details(inputs, ZoneInfo("America/New_York"))
    assert found.half_hours == {(4, time(9, 30)): Counts(8, 6, 4, 2)}


def test_hours_are_those_of_the_clock_from_the_first_to_the_last_with_calls():
    half_hours = {(0, time(8, 30)): Counts(3, 2, 1, 1), (0, time(8)): Counts(1, 1, 1, 0), (6, time(10)): Counts(1, 1)}
    rows = dict(by_hour(half_hours))
    assert [*rows] == [8, 9, 10]
    assert rows[8][0] == Counts(4, 3, 2, 1)
    assert rows[10][6] == Counts(1, 1)
    assert all(counts == Counts() for counts in rows[9])
    assert by_hour({}) == []


def group(number, within, answered, abandoned):
    return RingGroup(number, f"group {number}", Counts(answered + abandoned, answered, within, abandoned))


def test_what_moved_by_more_than_chance_is_told_of_with_the_calls_that_it_cost():
    before = PeriodDetails((group(1, 90, 90, 10), group(2, 80, 90, 10), group(3, 2, 2, 0)))
    now = PeriodDetails((group(1, 60, 90, 10), group(2, 79, 90, 10), group(3, 0, 1, 1), group(4, 1, 9, 9)))
    (move,) = moved(now, before)  # group 2 is as before, group 3 too small, group 4 new
    assert (move.name, move.measure, move.change.is_better, move.calls) == ("group 1", SERVICE_LEVEL, False, -30)


def test_the_half_hours_that_cost_the_most_calls_come_first():
    def details(lost):
        return PeriodDetails(
            half_hours={(0, time(8 + n)): Counts(100, 100 - n * lost, 100 - n * lost, n * lost) for n in range(12)}
        )

    found = moved(details(8), details(1))
    assert len(found) == MOST_MOVES
    assert [abs(move.calls) for move in found] == sorted((abs(move.calls) for move in found), reverse=True)
    assert {move.measure for move in found} == {SERVICE_LEVEL, ABANDONMENT}
    assert found[0].name == "19:00 to 19:30"


def test_what_few_calls_moved_is_left_out_however_far_it_moved():
    assert moved(PeriodDetails((group(1, 0, 2, 0),)), PeriodDetails((group(1, 90, 90, 0),))) == []
