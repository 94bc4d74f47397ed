"""Weeks and months from their own numerators and denominators."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.metrics.periods import PERIODS, add_period, periodic, prepare
from calls_assets.metrics.run import connect
from calls_assets.tables.catalog import ALL_TABLES, CALL_AGENTS, CALLS, DAY_STATUS
from calls_assets_tests.examples import examples
from calls_assets_tests.metrics.chain import NOON, call, chain, numbered

SUNDAY = date(2026, 11, 1)


def on(day, outcome="answered", **changes):
    at = NOON + (day - SUNDAY)
    return call(outcome, local_date=day, started_at=at, interval_start=at, **changes)


def days_between(first, last):
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def period(rows, schema, query, statuses=True, given=None):
    """What a query finds in a period's schema, made from calls and other `given` tables of days."""
    rows = numbered(rows)
    days = days_between(min(row["local_date"] for row in rows), max(row["local_date"] for row in rows))
    status = chain(rows, "day_status", days=days, given=given)["day_status"] if statuses else []
    inputs = {
        "calls": pa.Table.from_pylist(rows, CALLS.arrow_schema),
        "call_agents": CALL_AGENTS.empty(),
        "day_status": pa.Table.from_pylist(status, DAY_STATUS.arrow_schema),
    }
    with connect(inputs) as connection:
        prepare(connection, days, ZoneInfo("UTC"))
        add_period(connection, schema, PERIODS[schema])
        return connection.sql(query).fetchall()


def test_a_week_is_not_the_average_of_its_days():
    monday = SUNDAY + timedelta(days=1)
    rows = [on(monday, is_answered_within_sla=True)] * 9 + [
        on(monday + timedelta(days=1), is_answered_within_sla=False)
    ]
    query = "SELECT local_date, service_level, calls_answered FROM weekly.service_level WHERE dimension = 'total'"
    assert period(rows, "weekly", query) == [(monday, 0.9, 10)]


def test_weeks_begin_on_monday_and_months_on_the_first():
    rows = [on(SUNDAY + timedelta(days=n)) for n in range(9)]
    counted = "SELECT local_date, calls_answered FROM {}.service_level WHERE dimension = 'total' ORDER BY local_date"
    assert period(rows, "weekly", counted.format("weekly")) == [
        (date(2026, 10, 26), 1),
        (date(2026, 11, 2), 7),
        (date(2026, 11, 9), 1),
    ]
    assert period(rows, "monthly", counted.format("monthly")) == [(SUNDAY, 9)]


def test_who_calls_on_two_days_is_a_repeat_caller_of_the_week_and_callbacks_of_the_next_day_count():
    monday, tuesday = (SUNDAY + timedelta(days=n) for n in (1, 2))
    rows = [
        on(monday, "callback_requested", contact_id=1, call_id=1, requested_callback=True),
        on(tuesday, contact_id=1, call_id=2),
        on(tuesday, direction="outbound", original_call_id=1, call_id=3),
    ]
    query = (
        "SELECT repeat_callers, callbacks_completed, callback_delay_total_s FROM weekly.call_flow "
        "WHERE dimension = 'total' AND direction = 'inbound'"
    )
    assert period(rows, "weekly", query) == [(1, 1, 86_400)]


def test_a_week_can_contradict_waits_that_no_day_of_it_has_the_calls_to_contradict():
    told = {"wait_method": "leg_start", "ring_group_id": 1, "sla_threshold_s": 20}
    rows = [
        on(
            SUNDAY + timedelta(days=1 + n % 5),
            speed_of_answer_s=wait,
            wait_s=wait,
            is_answered_within_sla=(wait <= 20) != (n % 17 == 0),
            **told,
        )
        for n in range(300)
        for wait in (n % 30,)
    ]
    query = "SELECT wait_status, average_speed_of_answer_s FROM {}.service_level WHERE dimension = 'total'"
    assert period(rows, "weekly", query.format("weekly")) == [("contradicted", None)]
    daily = chain(rows, "service_level", days=days_between(SUNDAY, SUNDAY + timedelta(days=5)))["service_level"]
    assert {row["wait_status"] for row in daily if row["calls_answered"]} == {"verified"}


def test_a_period_is_final_when_all_its_days_are_and_says_where_that_is_not_known():
    rows = [on(SUNDAY), on(SUNDAY - timedelta(days=1), "in_progress", is_ended=False)]
    query = "SELECT days, calls, calls_open, status FROM weekly.day_status"
    assert period(rows, "weekly", query) == [(2, 2, 1, "open_calls")]
    assert period(rows[:1], "weekly", query) == [(1, 1, 0, "final")]
    assert period(rows[:1], "weekly", query, statuses=False) == [(1, None, None, "unknown")]


def test_a_call_type_that_differs_on_two_days_counts_twice_in_the_week():
    monday, tuesday = (SUNDAY + timedelta(days=n) for n in (1, 2))
    differing = [(monday, "transfer"), (tuesday, "transfer"), (tuesday, "callback")]
    counted = {"api_calls": 1, "our_calls": 0, "difference": 1}
    reconciliation = [{"local_date": day, "call_type": name} | counted for day, name in differing]
    query = "SELECT call_types_differing, status FROM weekly.day_status"
    rows, given_too = [on(monday), on(tuesday)], {"reconciliation": reconciliation}
    assert period(rows, "weekly", query, given=given_too) == [(3, "not_reconciled")]


DAYS = st.lists(
    st.tuples(
        st.integers(0, 13),
        st.sampled_from(["answered", "abandoned", "short_abandoned", "overflowed", "ivr_exit"]),
        st.booleans(),
        st.sampled_from([None, 1, 2]),
    ),
    min_size=1,
    max_size=12,
)


@examples(15, few=4)
@given(DAYS)
def test_numerators_and_denominators_of_a_week_are_the_sums_of_its_days(calls):
    rows = [
        on(SUNDAY + timedelta(days=n), outcome, is_answered_within_sla=in_time, ring_group_id=group)
        for n, outcome, in_time, group in calls
    ]
    names = ("calls_offered", "calls_answered", "calls_answered_within_sla", "calls_abandoned", "calls_short_abandoned")
    days = days_between(SUNDAY, SUNDAY + timedelta(days=13))
    sums = {}
    for row in chain(rows, "service_level", days=days)["service_level"]:
        if row["dimension"] in ("total", "ring_group"):
            key = (row["local_date"] - timedelta(days=row["local_date"].weekday()), row["dimension"], row["member_id"])
            sums[key] = [total + row[name] for total, name in zip(sums.get(key, [0] * 5), names, strict=True)]
    query = f"SELECT local_date, dimension, member_id, {', '.join(names)} FROM weekly.service_level"
    found = {
        tuple(row[:3]): list(row[3:]) for row in period(rows, "weekly", query) if row[1] in ("total", "ring_group")
    }
    assert found == {key: counts for key, counts in sums.items() if any(counts) or key in found}


def test_calls_never_offered_and_transfers_of_a_week_are_the_sums_of_its_days():
    monday, tuesday = (SUNDAY + timedelta(days=n) for n in (1, 2))
    rows = [
        *(on(monday, "ivr_exit"), on(tuesday, "ivr_exit"), on(tuesday, "out_of_hours")),
        *(on(monday, is_transferred=True, transfers=2), on(tuesday, is_transferred=True, transfers=1)),
    ]
    query = "SELECT {} FROM weekly.{} WHERE dimension = 'total' AND {}"
    never_offered = "calls_inbound, calls_offered, calls_ivr_exit, calls_out_of_hours, ivr_exit_rate, out_of_hours_rate"
    assert period(rows, "weekly", query.format(never_offered, "abandonment", "true")) == [(5, 2, 2, 1, 2 / 5, 1 / 5)]
    moved_on = query.format("transfers, transfers_per_call", "call_flow", "direction = 'inbound'")
    assert period(rows, "weekly", moved_on) == [(3, 1.5)]


@pytest.mark.parametrize("table", [table.name for table in periodic()])
def test_every_table_of_a_period_has_the_columns_of_its_days(table):
    columns = period([on(SUNDAY)], "weekly", f"DESCRIBE SELECT * FROM weekly.{table}")
    assert [name for name, *_ in columns] == ALL_TABLES[table].arrow_schema.names
