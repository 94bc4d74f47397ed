"""Runs that were killed: how they are known, and how they are ended, so that nothing waits for what they held.

Dagster is told of a run's end by the run itself. One that is killed, by hand or with the machine, stays started for ever and
keeps its place in the API's pool, and every later one waits in the queue. Each run therefore holds a lock on a file of its
own in Dagster's home while it lives, which the system lets go of however the process ends. A sensor looks after these files,
and so does each run at its start, for those who work without Dagster's daemon.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

LOOK_EVERY_S = 30

KILLED = "The process of this run was killed, or its machine went down; its days can be materialized again."

MARKS = "calls_assets_runs"
"""The folder of the files, in Dagster's home."""


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that a run of this process lives, and end those that were killed."""
    end_killed_runs(instance)
    mark = _marks(instance) / run_id
    handle = _locked(mark)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        os.close(handle)


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Tell Dagster that runs which were killed have failed, which frees what they held; gives their ids.

    Runs of other machines have no file here, and are left alone.
    """
    killed = [mark for mark in sorted(_marks(instance).glob("[!.]*")) if _was_killed(mark)]
    for mark in killed:
        run = instance.get_run_by_id(mark.name)
        if run and not run.is_finished:
            instance.report_run_failed(run, KILLED)
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(mark.name)
        mark.unlink(missing_ok=True)
    return [mark.name for mark in killed]


def killed_runs_sensor() -> dg.SensorDefinition:
    """What ends killed runs where the daemon runs, shipped running."""

    @dg.sensor(
        name="end_killed_runs",
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose process was killed, so that later ones do not wait for them. Leave it running.",
    )
    def end_killed_runs_now(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        killed = end_killed_runs(context.instance)
        return dg.SkipReason(f"Ended {', '.join(killed)}." if killed else "No run was killed.")

    return end_killed_runs_now


def _marks(instance: dg.DagsterInstance) -> Path:
    folder = Path(instance.root_directory) / MARKS
    folder.mkdir(exist_ok=True)
    return folder


def _locked(mark: Path) -> int:
    """Make a run's file, which nobody sees before it is locked."""
    hidden = mark.with_name(f".{mark.name}")
    handle = os.open(hidden, os.O_CREAT | os.O_RDWR, 0o640)
    fcntl.flock(handle, fcntl.LOCK_EX)
    hidden.rename(mark)
    return handle


def _was_killed(mark: Path) -> bool:
    """Whether a run's file is there and nobody holds it."""
    try:
        handle = os.open(mark, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
