"""When the pipeline runs by itself."""

from datetime import timedelta
from typing import Any

import dagster as dg

from calls_assets.assets.specs import Partitions

LOOKBACK_DAYS = 3
MORNING_HOUR = 5


def schedules(partitions: Partitions, job: Any) -> list[dg.ScheduleDefinition]:
    """The morning's re-pull of the last closed days in one run, and the open day's through the day, shipped stopped."""
    zone = partitions.zone.key

    @dg.schedule(
        name="repull_last_days",
        job=job,
        cron_schedule=f"0 {MORNING_HOUR} * * *",
        execution_timezone=zone,
        description=f"Each morning at {MORNING_HOUR}:00 pulls the last {LOOKBACK_DAYS} closed days again: "
        "calls change after they end.",
    )
    def repull_last_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = context.scheduled_execution_time.astimezone(partitions.zone).date()
        return _ranged(str(today - timedelta(days=LOOKBACK_DAYS)), str(today - timedelta(days=1)))

    @dg.schedule(
        name="refresh_open_day",
        job=job,
        cron_schedule="*/30 8-20 * * *",
        execution_timezone=zone,
        description="Every half-hour of the day pulls today's open day.",
    )
    def refresh_open_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        today = str(context.scheduled_execution_time.astimezone(partitions.zone).date())
        return _ranged(today, today)

    return [repull_last_days, refresh_open_day]


def _ranged(first: str, last: str) -> dg.RunRequest:
    return dg.RunRequest(tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last})
