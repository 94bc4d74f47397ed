"""Checks between runs whether files are out of date; Dagster's own freshness policies do not know partitions."""

import time
from datetime import date, datetime, timedelta

import dagster as dg

from calls_assets.checks.catalog import FRESH
from calls_assets.dagster.internals import PartitionKeyFilter
from calls_assets.days import ONE_DAY, day_start
from calls_assets.settings import Settings
from calls_assets.tables.catalog import PULLED_AT, RAW_CALLS

GRACE = timedelta(hours=1)
"""How long the morning's pull may take."""


def freshness_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor that fails the check `fresh` of yesterday if the morning's pull is missing, and of today if its file is old.

    Today is only checked once it has been pulled: where open days are not pulled, none is missing.
    """

    @dg.sensor(
        name="watch_freshness",
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every ten minutes checks whether raw_calls of yesterday exists an hour after CALLS_REPULL_HOUR, and "
        "whether that of an open day that was pulled is at most an hour old; otherwise fails the day's check `fresh`. "
        "Starts no run.",
    )
    def watch_freshness(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        old = [f"{day}: {sentence}" for day, sentence in old_days(context.instance, settings, time.time()).items()]
        return dg.SkipReason(" ".join(old) or "Every file is fresh.")

    return watch_freshness


def old_days(instance: dg.DagsterInstance, settings: Settings, now_s: float) -> dict[date, str]:
    """The days whose files are missing or too old at an instant in epoch seconds, each with a sentence.

    Each of them is reported to Dagster once.
    """
    looked = {day: _look(instance, settings, day, now_s) for day in _due(settings, now_s)}
    return {day: sentence for day, sentence in looked.items() if sentence}


def _due(settings: Settings, now_s: float) -> list[date]:
    """The days to check: today, and yesterday once the morning's pull should be over."""
    now = datetime.fromtimestamp(now_s, settings.zone)
    today = now.date()
    morning = datetime.combine(today, datetime.min.time(), settings.zone).replace(hour=settings.repull_hour)
    days = [today - ONE_DAY, today] if now >= morning + GRACE else [today]
    return [day for day in days if day >= settings.start_date]


def _look(instance: dg.DagsterInstance, settings: Settings, day: date, now_s: float) -> str:
    """What is wrong with a day's file, reported to Dagster once; empty if nothing is."""
    from calls_assets.checks.fetched import check_fresh
    from calls_assets.dagster.landing import evaluation, latest

    record = latest(instance, RAW_CALLS.name, [str(day)]).get(str(day))
    is_open = day_start(day + ONE_DAY, settings.zone) > now_s
    if record is None and (is_open or not instance.get_latest_materialization_event(dg.AssetKey(RAW_CALLS.name))):
        return ""
    pulled_s = _pulled_at(record) if record else None
    outcome = check_fresh(day_start(day + ONE_DAY, settings.zone), pulled_s, now_s)
    if outcome.passed:
        return ""
    if not _is_reported(instance, str(day)):
        instance.report_runless_asset_event(evaluation(FRESH, outcome, str(day), record))
    return outcome.sentence


def _is_reported(instance: dg.DagsterInstance, day: str) -> bool:
    """Whether a day has been reported: Dagster accepts one evaluation per check and partition without a run."""
    key = dg.AssetCheckKey(dg.AssetKey(RAW_CALLS.name), FRESH.name)
    history = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=100, partition_filter=PartitionKeyFilter(key=day)
    )
    return any(not record.run_id for record in history)


def _pulled_at(record: dg.EventLogRecord) -> float:
    materialization = record.asset_materialization
    shown = materialization.metadata.get(PULLED_AT) if materialization else None
    return float(shown.value) if isinstance(shown, dg.TimestampMetadataValue) else record.timestamp
