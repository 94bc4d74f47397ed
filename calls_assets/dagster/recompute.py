"""Recomputes days whose calls were pulled alone, however old they are.

Staleness follows from the files, which are replaced under the tree's lock and examined anew each time: nothing that happens
between two checks can be missed, and a new or emptied Dagster home makes no difference.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from calls_assets.dagster.runs import UNFINISHED, days_of, is_ours, range_tags
from calls_assets.settings import Settings
from calls_assets.tables.catalog import REPORT, REPORT_INPUTS, TABLES

COMPUTED = {table.name: table.inputs for table in TABLES.values() if table.inputs} | {REPORT: REPORT_INPUTS}
"""What is computed, with its inputs."""


def recompute_sensor(settings: Settings, job: Any) -> dg.SensorDefinition:
    """The sensor that recomputes days whose calls changed, shipped running."""

    @dg.sensor(
        name="recompute_days_that_moved",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Every minute recomputes the tables and the page of days, however old, whose calls are newer because "
        "they were pulled alone. Days that a run is working on wait. What fails is tried again the next day.",
    )
    def recompute_days_that_moved(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        from calls_assets.tables.stale import ranges, stale_days

        busy = busy_days(context.instance)  # before the files: what a run lands afterwards is examined next time
        stale = stale_days(_placed(settings), COMPUTED)
        days = [day for day in stale if day >= settings.start_date and not any(a <= day <= b for a, b in busy)]
        if not days:
            yield dg.SkipReason("Every day is computed from its current calls, or a run is working on it.")
        for first, last in ranges(days):
            newest = max(stale[day] for day in days if first <= day <= last)
            yield _request(first, last, newest)

    return recompute_days_that_moved


def busy_days(instance: dg.DagsterInstance) -> list[tuple[date, date]]:
    """The ranges of days of our unfinished runs; a run that names no days may be working on any."""
    runs = instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
    return [days_of(run.tags) or (date.min, date.max) for run in runs if is_ours(run)]


def _placed(settings: Settings) -> dict[str, dict[date, float]]:
    from calls_assets.tables.store import TableStore

    store = TableStore(settings.data_url)
    files = {name: f"{name}.parquet" for name in TABLES} | {REPORT: f"{REPORT}.html"}
    return {name: store.placed(name, file) for name, file in files.items()}


def _request(first: date, last: date, newest_s: float) -> dg.RunRequest:
    """A run request, at most one per day for the same state of the files."""
    return dg.RunRequest(
        run_key=f"{first} {last} {newest_s} {datetime.now(UTC).date()}",
        tags=range_tags(first, last),
        asset_selection=[dg.AssetKey(name) for name in COMPUTED],
    )
