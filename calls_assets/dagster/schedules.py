"""When the pipeline runs on its own."""

from datetime import timedelta
from typing import Any

import dagster as dg

from calls_assets.dagster.runs import range_tags
from calls_assets.days import ONE_DAY
from calls_assets.settings import Settings


def schedules(settings: Settings, job: Any) -> list[dg.ScheduleDefinition]:
    """The morning's re-pull of the last closed days in one run, and the open day's through the day, shipped stopped."""
    zone, days, hour = settings.zone, settings.repull_days, settings.repull_hour

    @dg.schedule(
        name="repull_last_days",
        job=job,
        cron_schedule=f"0 {hour} * * *",
        execution_timezone=zone.key,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Each morning at {hour}:00 {zone.key} time pulls the last {days} closed days again in one run, because "
        "calls change after they end. Set the hour with CALLS_REPULL_HOUR and the days with CALLS_REPULL_DAYS.",
    )
    def repull_last_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.astimezone(zone).date()
        first, last = max(today - timedelta(days=days), settings.start_date), today - ONE_DAY
        if first > last:
            return dg.SkipReason(f"No day since CALLS_START_DATE, {settings.start_date}, is over yet.")
        return dg.RunRequest(tags=range_tags(first, last))

    @dg.schedule(
        name="refresh_open_day",
        job=job,
        cron_schedule="*/30 * * * *",
        execution_timezone=zone.key,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every half-hour pulls today, whose numbers are those of an open day. Shipped stopped.",
    )
    def refresh_open_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.astimezone(zone).date()
        if today < settings.start_date:
            return dg.SkipReason(f"CALLS_START_DATE, {settings.start_date}, is in the future.")
        return dg.RunRequest(tags=range_tags(today, today))

    return [repull_last_days, refresh_open_day]
