"""Tells between the runs of days whose files have grown old; Dagster's own freshness policies know of no partitions."""

import time
from datetime import date, datetime, timedelta

import dagster as dg

from calls_assets.checks.catalog import FRESH
from calls_assets.dagster.internals import PartitionKeyFilter
from calls_assets.days import ONE_DAY, day_start
from calls_assets.settings import Settings
from calls_assets.tables.catalog import PULLED_AT, RAW_CALLS

GRACE = timedelta(hours=1)
"""How long the morning's re-pull may take."""


def freshness_sensor(settings: Settings) -> dg.SensorDefinition:
    """Fails the check `fresh` of yesterday where the morning did not bring it, and of today where its file grew old.

    Today is only looked at once it has been pulled: where nobody pulls open days, none is missed.
    """

    @dg.sensor(
        name="watch_freshness",
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every ten minutes looks whether raw_calls of yesterday is there by an hour after CALLS_REPULL_HOUR, and "
        "whether that of an open day that was pulled is at most an hour old; fails the check `fresh` of the day otherwise. "
        "Starts no run.",
    )
    def watch_freshness(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        old = [f"{day}: {sentence}" for day, sentence in old_days(context.instance, settings, time.time()).items()]
        return dg.SkipReason(" ".join(old) or "Every file is fresh.")

    return watch_freshness


def old_days(instance: dg.DagsterInstance, settings: Settings, now_s: float) -> dict[date, str]:
    """The days whose files are missing or too old at an instant in epoch seconds, with what is wrong of each.

    Dagster is told of each of them, once.
    """
    looked = {day: _look(instance, settings, day, now_s) for day in _due(settings, now_s)}
    return {day: sentence for day, sentence in looked.items() if sentence}


def _due(settings: Settings, now_s: float) -> list[date]:
    """The days to look at: today, and yesterday once the morning's re-pull should be over."""
    now = datetime.fromtimestamp(now_s, settings.zone)
    today = now.date()
    morning = datetime.combine(today, datetime.min.time(), settings.zone).replace(hour=settings.repull_hour)
    days = [today - ONE_DAY, today] if now >= morning + GRACE else [today]
    return [day for day in days if day >= settings.start_date]


def _look(instance: dg.DagsterInstance, settings: Settings, day: date, now_s: float) -> str:
    """What is wrong with a day's file, told to Dagster once; empty where nothing is."""
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
    """Whether a day has been told of: Dagster takes one evaluation of a check and partition that no run made."""
    key = dg.AssetCheckKey(dg.AssetKey(RAW_CALLS.name), FRESH.name)
    history = instance.event_log_storage.get_asset_check_execution_history(
        key, limit=100, partition_filter=PartitionKeyFilter(key=day)
    )
    return any(not record.run_id for record in history)


def _pulled_at(record: dg.EventLogRecord) -> float:
    materialization = record.asset_materialization
    shown = materialization.metadata.get(PULLED_AT) if materialization else None
    return float(shown.value) if isinstance(shown, dg.TimestampMetadataValue) else record.timestamp
