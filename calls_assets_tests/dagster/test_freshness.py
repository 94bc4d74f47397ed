"""What the freshness sensor says of yesterday and today, in a real Dagster instance."""

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from calls_assets.dagster import freshness
from calls_assets.definitions import build
from calls_assets.settings import Settings
from calls_assets.tables.catalog import PULLED_AT

YESTERDAY, TODAY = date(2026, 3, 7), date(2026, 3, 8)
KEY = dg.AssetCheckKey(dg.AssetKey("raw_calls"), "fresh")


def at(day, hour, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tick(instance, monkeypatch):
    """Evaluates the sensor at an instant; gives what it says."""
    sensor = build(Settings()).resolve_sensor_def("watch_freshness")

    def tick(now):
        monkeypatch.setattr(freshness.time, "time", now.timestamp)
        result = sensor.evaluate_tick(dg.build_sensor_context(instance))
        assert result.run_requests == []
        return result.skip_message

    return tick


@pytest.fixture
def pulled(instance):
    """Records that a day was pulled at an instant."""

    def pulled(day, when):
        metadata = {PULLED_AT: dg.MetadataValue.timestamp(when.timestamp())}
        instance.report_runless_asset_event(dg.AssetMaterialization("raw_calls", partition=str(day), metadata=metadata))

    return pulled


def failed(instance):
    """The days whose check failed, the latest first."""
    history = instance.event_log_storage.get_asset_check_execution_history(KEY, limit=10)
    assert {record.status.value for record in history} <= {"FAILED"}
    return [record.partition for record in history]


def test_days_that_are_there_in_time_are_fresh(tick, pulled, instance):
    pulled(YESTERDAY, at(TODAY, 5))
    pulled(TODAY, at(TODAY, 9))
    assert tick(at(TODAY, 9, 30)) == "Every file is fresh."
    assert failed(instance) == []


def test_yesterday_is_due_an_hour_after_the_morning_pull(tick, pulled, instance):
    pulled(date(2026, 3, 6), at(YESTERDAY, 5))
    assert tick(at(TODAY, 5, 59)) == "Every file is fresh."
    assert tick(at(TODAY, 6)) == "2026-03-07: The day has not been pulled yet."
    assert failed(instance) == ["2026-03-07"]


def test_yesterday_pulled_while_it_was_open_is_not_enough(tick, pulled, instance):
    pulled(YESTERDAY, at(YESTERDAY, 23))
    assert "2026-03-07: The day was last pulled before its end" in tick(at(TODAY, 7))
    assert failed(instance) == ["2026-03-07"]


def test_an_open_day_grows_old_within_an_hour_and_is_told_once(tick, pulled, instance):
    pulled(YESTERDAY, at(TODAY, 5))
    pulled(TODAY, at(TODAY, 9))
    assert [tick(at(TODAY, 10, minute)) for minute in (1, 11)] == [
        "2026-03-08: The open day was pulled 61 min ago.",
        "2026-03-08: The open day was pulled 71 min ago.",
    ]
    assert failed(instance) == ["2026-03-08"]
    pulled(TODAY, at(TODAY, 10, 20))
    assert tick(at(TODAY, 10, 30)) == "Every file is fresh."
    assert "2026-03-08" in tick(at(TODAY, 12))
    assert failed(instance) == ["2026-03-08"]  # Dagster takes no second one without a run


def test_nothing_is_missed_before_the_first_pull_or_where_nobody_pulls_open_days(tick, pulled):
    assert tick(at(TODAY, 12)) == "Every file is fresh."
    pulled(YESTERDAY, at(TODAY, 5))
    assert tick(at(TODAY, 12)) == "Every file is fresh."
