"""Sensors that post to a chat or a webhook: failed runs, missing days, days beyond a threshold.

Off until CALLS_ALERT_URL is set. Everything is posted once: a sensor's cursor holds what has been, and only moves on when the
message was accepted. Runs of other projects on the same instance are ignored.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from calls_assets.dagster.chat import URL, check_address, plain_line, post
from calls_assets.dagster.freshness import old_days
from calls_assets.dagster.runs import days_of, is_ours
from calls_assets.settings import Settings
from calls_assets.tables.catalog import ABANDONMENT, RAW_CALLS, SERVICE_LEVEL

DAYS = 7
"""How many closed days are watched; older ones no longer raise an alert."""

MOST_LINES = 10
"""The most failures that one message lists; any further ones are counted."""

REMEMBERED = 1000
"""How many reported runs the cursor remembers; a run that is updated later is not a new failure."""

LATE_S = 3600
"""How late a failure may be recorded: workers' clocks differ, and a record is written after its time."""

SILENT = "no reason was recorded."


def alert_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The sensors for failed runs and for days, running where CALLS_ALERT_URL is set."""
    status = dg.DefaultSensorStatus.RUNNING if os.environ.get(URL) else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="tell_of_failed_runs",
        minimum_interval_seconds=60,
        default_status=status,
        description="Every minute posts newly failed runs to CALLS_ALERT_URL, with their errors, in one message. Stopped "
        "unless that is set.",
    )
    def tell_of_failed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        check_address()
        now_s = time.time()
        began_s, newest_s, told = json.loads(context.cursor) if context.cursor else (now_s, now_s, [])
        since = _failed_since(context.instance, max(began_s, newest_s - LATE_S))
        failed = [run for run in since if run.dagster_run.run_id not in told]
        lines = list(_failures(context.instance, failed))
        if lines:
            post(
                "A run of calls_assets failed" if len(failed) == 1 else f"{len(failed)} runs of calls_assets failed",
                lines,
            )
        newest_s = max([newest_s, *(run.update_timestamp.timestamp() for run in failed)])
        told += [run.dagster_run.run_id for run in failed]
        context.update_cursor(json.dumps([began_s, newest_s, told[-REMEMBERED:]]))
        return dg.SkipReason(" ".join(lines) or "No run failed.")

    @dg.sensor(
        name="tell_of_days",
        minimum_interval_seconds=300,
        default_status=status,
        description="Every five minutes posts closed days that are missing, whose service level is under "
        "CALLS_ALERT_SERVICE_LEVEL, or whose abandonment is over CALLS_ALERT_ABANDONMENT, on at least CALLS_ALERT_CALLS "
        "calls; each once, to CALLS_ALERT_URL. Stopped unless that is set.",
    )
    def tell_of_days(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        check_address()
        today = datetime.fromtimestamp(time.time(), settings.zone).date()
        days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
        found = dict(_days_to_post(context.instance, settings, days))
        told = [key for key in json.loads(context.cursor or "[]") if key in found or key.split()[0] >= str(days[0])]
        new = {key: sentence for key, sentence in found.items() if key not in told}
        if new:
            post("Days of calls_assets to look at", list(new.values()))
        context.update_cursor(json.dumps([*told, *new]))
        return dg.SkipReason(" ".join(new.values()) or "Nothing new to report.")

    return [tell_of_failed_runs, tell_of_days]


def _failed_since(instance: dg.DagsterInstance, after_s: float) -> list[dg.RunRecord]:
    """Our failed runs in order of failure; Dagster compares times as UTC, whatever their zone."""
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=datetime.fromtimestamp(after_s, UTC))
    records = instance.get_run_records(filters, order_by="update_timestamp", ascending=True)
    return [record for record in records if is_ours(record.dagster_run)]


def _failures(instance: dg.DagsterInstance, failed: list[dg.RunRecord]) -> Iterator[str]:
    """A line for each run: its days, and why it failed."""
    for record in failed[:MOST_LINES]:
        run = record.dagster_run
        first, last = days_of(run.tags) or (None, None)
        days = f" of {first}" if first == last else f" of {first} to {last}"
        yield f"Run {run.run_id[:8]}{days if first else ''}: {_why(instance, run.run_id)}"
    if len(failed) > MOST_LINES:
        yield f"And {len(failed) - MOST_LINES} more."


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """The error of the first failed step, or else of the run: where it was killed, no step has one."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for record in instance.get_records_for_run(run_id, of_type=kind, limit=1).records:
            return plain_line(_sentence(record.event_log_entry.get_dagster_event())) or SILENT
    return SILENT


def _sentence(failure: dg.DagsterEvent) -> str:
    if not failure.is_step_failure:
        return failure.message or ""
    error = failure.step_failure_data.error
    return (error.cause or error).message.removeprefix("Stopped: ").strip() if error else ""


def _days_to_post(instance: dg.DagsterInstance, settings: Settings, days: list[date]) -> Iterator[tuple[str, str]]:
    """What to report of each day, under a key that begins with the day."""
    from calls_assets.dagster.landing import latest

    for day in _gaps(instance, settings, days):
        yield f"{day} missing", f"{day}: The day has not been pulled, but days before it have."
    for day, sentence in old_days(instance, settings, time.time()).items():
        if day < datetime.fromtimestamp(time.time(), settings.zone).date():
            yield f"{day} missing", f"{day}: {sentence}"
    for table, name, limit in (
        (SERVICE_LEVEL, "service_level", settings.alert_service_level),
        (ABANDONMENT, "abandonment_rate", settings.alert_abandonment),
    ):
        records = latest(instance, table.name, [str(day) for day in days]) if limit is not None else {}
        for key, record in records.items():
            if limit is not None and (beyond := _beyond(_figures(record), name, limit, settings.alert_calls)):
                yield f"{key} {name}", f"{key}: {beyond}"


def _gaps(instance: dg.DagsterInstance, settings: Settings, days: list[date]) -> Iterator[date]:
    """The days before yesterday that were never pulled, after one that was; yesterday is checked for freshness."""
    from calls_assets.dagster.landing import latest

    pulled = latest(instance, RAW_CALLS.name, [str(day) for day in days])
    first = min(pulled, default=str(days[-1]))
    for day in days[:-1]:
        if first < str(day) not in pulled and day >= settings.start_date:
            yield day


def _figures(record: dg.EventLogRecord) -> dict[str, object]:
    materialization = record.asset_materialization
    return {name: value.value for name, value in materialization.metadata.items()} if materialization else {}


def _beyond(figures: dict[str, object], name: str, limit: float, least: int) -> str:
    """How a closed day's figure breaks its limit; empty where it does not, or on too few calls."""
    rate, answered, abandoned = (figures.get(key) for key in (name, "calls_answered", "calls_abandoned"))
    if figures.get("is_open_day") or not isinstance(rate, float):
        return ""
    calls = int(str(answered)) + int(str(abandoned))
    is_beyond = rate < limit if name == "service_level" else rate > limit
    if not is_beyond or calls < least:
        return ""
    what = "the service level is {:.1%}, under {:.1%}" if name == "service_level" else "{:.1%} hung up, over {:.1%}"
    return f"{what.format(rate, limit)}, of {calls} calls that were answered or abandoned."
