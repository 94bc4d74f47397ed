"""Whether a day that was pulled says that a morning will pull it again."""

import os
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from calls_assets.sandbox import FixedCalls, Sandbox

ZONE = "America/New_York"
DAY = date(2026, 3, 2)


@pytest.fixture
def status_of_a_pull_at(run_pipeline, tmp_path):
    """Gives the status of `DAY` by the file of its calls put in place at a local time so many days later."""

    def status(days, hour, minute, **settings):
        placed = datetime(DAY.year, DAY.month, DAY.day, hour, minute, tzinfo=ZoneInfo(ZONE)) + timedelta(days=days)
        with Sandbox(FixedCalls([])) as api:
            assert run_pipeline(
                api, tmp_path, DAY, DAY, ZONE, select=["raw_calls", "raw_call_types", "reconciliation"]
            ).success
            calls = tmp_path / "raw_calls" / f"date={DAY}" / "raw_calls.parquet"
            os.utime(calls, (placed.timestamp(), placed.timestamp()))
            assert run_pipeline(api, tmp_path, DAY, DAY, ZONE, select=["calls", "day_status"], **settings).success
        (row,) = pq.read_table(tmp_path / "day_status" / f"date={DAY}" / "day_status.parquet").to_pylist()
        assert row["days_inside_lookback"] == (row["status"] == "inside_lookback")
        return row["status"]

    return status


@pytest.mark.parametrize(
    ("days", "hour", "minute", "settings", "status"),
    [
        (2, 23, 59, {}, "inside_lookback"),
        (3, 0, 1, {}, "inside_lookback"),
        (3, 4, 59, {}, "inside_lookback"),
        (3, 5, 1, {}, "final"),
        (3, 5, 1, {"repull_hour": 7}, "inside_lookback"),
        (3, 0, 1, {"repull_hour": 0}, "final"),
        (1, 5, 1, {"repull_days": 1}, "final"),
    ],
)
def test_a_day_is_final_once_the_hour_of_its_last_morning_has_come(
    days, hour, minute, settings, status, status_of_a_pull_at
):
    assert status_of_a_pull_at(days, hour, minute, **settings) == status
