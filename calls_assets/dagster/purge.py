"""Deletes old runs whose days have all been materialized again since, so that Dagster's log does not grow for ever.

Dagster's own `retention` deletes only ticks of schedules and sensors, and deleting a run there removes the materializations
of its days as well, even if they are the latest: such a day then looks as if it had never been pulled.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import dagster as dg

from calls_assets.dagster.internals import AssetCheckExecutionsTable, SqlEventLogStorage, SqliteEventLogStorage
from calls_assets.dagster.runs import is_ours

AT_ONCE = 500
"""How many records are fetched at a time; databases limit the length of a query."""

OVER = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def purge(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    """Delete our runs that ended before a moment and hold no day's latest materialization; yields their ids.

    Args:
        instance: Dagster's instance.
        before: The moment, with its zone.
    """
    kept = {run_id for key in instance.all_asset_keys() for run_id in _runs_of_latest(instance, key)}
    records = instance.get_run_records(dg.RunsFilter(statuses=OVER, updated_before=before))
    for run in [record.dagster_run for record in records]:
        if is_ours(run) and run.run_id not in kept:
            _delete(instance, run.run_id)
            yield run.run_id


def _runs_of_latest(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[str]:
    """The runs that hold the latest materialization of any day of an asset."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    ids = list(instance.get_latest_storage_id_by_partition(key, kind).values())
    for first in range(0, len(ids), AT_ONCE):
        wanted = dg.AssetRecordsFilter(key, storage_ids=ids[first : first + AT_ONCE])
        yield from (record.run_id for record in instance.fetch_materializations(wanted, limit=AT_ONCE).records)


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run with everything that belongs to it, including its checks, output and file, which Dagster would leave."""
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        checks = AssetCheckExecutionsTable
        with storage.index_connection() as connection:
            connection.execute(checks.delete().where(checks.c.run_id == run_id))
    if isinstance(storage, SqliteEventLogStorage):
        for end in ("", "-wal", "-shm"):
            Path(f"{storage.path_for_shard(run_id)}{end}").unlink(missing_ok=True)
