"""The schedules at their ticks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import cron_string_iterator

from calls_assets.days import day_start, hour_start
from calls_assets.definitions import build
from calls_assets.settings import Settings

ZONE = ZoneInfo("America/New_York")


def tick(name, at, **settings):
    defs = build(Settings(zone=ZONE, **settings))
    context = dg.build_schedule_context(scheduled_execution_time=at)
    return defs.resolve_schedule_def(name).evaluate_tick(context)


def days(result):
    (request,) = result.run_requests
    return (
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    )


def test_the_morning_pulls_the_last_closed_local_days_in_one_run():
    assert days(tick("repull_last_days", datetime(2026, 3, 9, 5, tzinfo=ZONE))) == ("2026-03-06", "2026-03-08")


def test_the_number_of_days_is_a_setting():
    at = datetime(2026, 3, 9, 5, tzinfo=ZONE)
    assert days(tick("repull_last_days", at, repull_days=10)) == ("2026-02-27", "2026-03-08")


def test_the_day_is_the_local_one_where_utc_is_a_day_ahead():
    assert days(tick("refresh_open_day", datetime(2026, 3, 10, 2, tzinfo=UTC))) == ("2026-03-09", "2026-03-09")


def test_days_before_the_first_partition_are_not_asked_for():
    at = datetime(2026, 3, 9, 5, tzinfo=ZONE)
    assert days(tick("repull_last_days", at, start_date=date(2026, 3, 8))) == ("2026-03-08", "2026-03-08")
    assert "2026-03-09" in tick("repull_last_days", at, start_date=date(2026, 3, 9)).skip_message
    assert "2026-03-10" in tick("refresh_open_day", at, start_date=date(2026, 3, 10)).skip_message


@pytest.mark.parametrize(("name", "status"), [("repull_last_days", "RUNNING"), ("refresh_open_day", "STOPPED")])
def test_the_morning_is_shipped_running_and_the_open_day_stopped(name, status):
    assert build(Settings()).resolve_schedule_def(name).default_status.value == status


def test_the_hour_is_a_setting_in_the_partitions_zone():
    schedule = build(Settings(zone=ZONE, repull_hour=7)).resolve_schedule_def("repull_last_days")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 7 * * *", "America/New_York")


@pytest.mark.parametrize(("last", "hour"), [(date(2026, 11, 1), 1), (date(2026, 3, 8), 2), (date(2026, 3, 9), 5)])
def test_a_day_is_due_until_the_very_moment_of_the_morning_whatever_the_clocks_do(last, hour):
    schedule = build(Settings(zone=ZONE, repull_hour=hour)).resolve_schedule_def("repull_last_days")
    ticks = cron_string_iterator(day_start(last, ZONE), schedule.cron_schedule, ZONE.key)
    assert next(ticks).timestamp() == hour_start(last, hour, ZONE)
