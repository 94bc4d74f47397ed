"""Runs that were killed, and the slots of the API's pool that they still hold.

Dagster frees a run's slot at its end, and a run that is killed has none: the next one would wait for ever. Each run therefore
holds a lock on a file of its own in Dagster's home while it lives, which the system lets go of however the process ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg


@contextmanager
def alive(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Show other runs of the instance that this one lives, and free the slots of those that were killed."""
    folder = Path(instance.root_directory) / "calls_assets_runs"
    folder.mkdir(exist_ok=True)
    _free_slots_of_killed_runs(instance, folder)
    mark = folder / run_id
    handle = os.open(mark, os.O_CREAT | os.O_RDWR, 0o640)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        os.close(handle)


def _free_slots_of_killed_runs(instance: dg.DagsterInstance, folder: Path) -> None:
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for run_id in storage.get_concurrency_run_ids():
        if _was_killed(folder / run_id):
            run = instance.get_run_by_id(run_id)
            if run and not run.is_finished:
                instance.report_run_failed(run, "The process of this run was killed.")
            storage.free_concurrency_slots_for_run(run_id)
            (folder / run_id).unlink(missing_ok=True)


def _was_killed(mark: Path) -> bool:
    """Whether a run's mark is there and nobody holds it; a run on another machine has none here, and is left alone."""
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
