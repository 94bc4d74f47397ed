"""Runs of this project: which are ours, their days, and the steps that a re-execution skips."""

from collections.abc import Mapping
from datetime import date

import dagster as dg

from calls_assets.dagster.specs import JOB
from calls_assets.tables.catalog import REPORT, TABLES

FIRST, LAST, SINGLE = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end", "dagster/partition"
RESUMES_ASSETS = "dagster/is_asset_resume_retry"
"""The tag of a re-execution 'From asset failure'."""

OURS = frozenset(dg.AssetKey(name) for name in (*TABLES, REPORT))

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def is_ours(run: dg.DagsterRun) -> bool:
    """Whether a run materializes tables or pages of this project only."""
    return run.job_name == JOB or (bool(run.asset_selection) and OURS.issuperset(run.asset_selection or ()))


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of a run over the local days from `first` to `last`."""
    return {FIRST: str(first), LAST: str(last)}


def days_of(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """The first and last day of a run with these tags; None if they name no days."""
    first = tags.get(FIRST) or tags.get(SINGLE, "")
    try:
        return date.fromisoformat(first), date.fromisoformat(tags.get(LAST) or first)
    except ValueError:
        return None


def steps_left_out(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """The steps that failed in the runs before a re-execution 'From asset failure' and that it does not repeat.

    Dagster regards an asset as done once any of its days exists, and does not repeat a step whose assets are all done.
    """
    if run.tags.get(RESUMES_ASSETS) != "true":
        return []
    settled = _steps(instance, run)
    left_out = []
    before = _parent(instance, run)
    while before:
        steps = _steps(instance, before) - settled
        told = instance.get_run_step_stats(before.run_id)
        ended = {stats.step_key for stats in told if stats.status and stats.status.value == "SUCCESS"}
        left_out += sorted(steps - ended)
        settled |= steps
        before = _parent(instance, before)
    return left_out


def _steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The steps that a run was to execute."""
    plan = run.execution_plan_snapshot_id and instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    return {*plan.step_keys_to_execute} if plan else set()


def _parent(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun | None:
    return instance.get_run_by_id(run.parent_run_id) if run.parent_run_id else None
