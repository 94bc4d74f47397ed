"""Runs that were killed: how they are known, and how they are ended, so that nothing waits for what they held.

Dagster is told of a run's end by the run itself. One that is killed, by hand or with the machine, stays started for ever and
keeps its place in the API's pool, and every later one waits in the queue. Each run therefore holds a lock on a file of its
own in Dagster's home while it lives, which the system lets go of however the process ends. A sensor looks after these files,
and so does each run at its start, for those who work without Dagster's daemon.

The files tell nothing of runs on other machines. Each run therefore also counts in a tag of its own while it lives, and the
sensor ends one whose count has stood still for some looks. No clock is compared with another.
"""

import fcntl
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import dagster as dg

LOOK_EVERY_S = 30

HEARTBEAT = "calls_assets/beat"
"""The tag in which a run counts."""

HEARTBEAT_EVERY_S = 30
MOST_SILENT_LOOKS = 6
"""A run whose count stands still for so many looks is over: three minutes, in which nothing of ours holds a process up."""

SILENT = "Nothing was heard of this run for three minutes: its machine is down; its days can be materialized again."

KILLED = "The process of this run was killed, or its machine went down; its days can be materialized again."

STOPPED = "The command of this run was stopped; its days can be materialized again."

LOCKS = "calls_assets_runs"
"""The folder of the files, in Dagster's home."""

_own_runs: set[str] = set()
"""The runs that this process shows to live."""


@contextmanager
def lock_run(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that a run of this process lives, and end those that were killed."""
    if run_id in _own_runs:  # by the command that started it here
        yield
        return
    end_killed_runs(instance)
    lock = _folder(instance) / run_id
    handle = _locked(lock)
    _own_runs.add(run_id)
    over = threading.Event()
    threading.Thread(target=_send_heartbeats, args=(instance, run_id, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        lock.unlink(missing_ok=True)
        os.close(handle)
        _own_runs.discard(run_id)


@contextmanager
def lock_new_run(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Show that a run lives from before Dagster knows of it, and have none that was stopped be taken for one to come."""
    with lock_run(instance, run_id):
        try:
            yield
        except BaseException:
            _end(instance, run_id, STOPPED)
            raise


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Tell Dagster that runs which were killed have failed, which frees what they held; gives their ids.

    Runs of other machines have no file here, and are left alone.
    """
    killed = [lock for lock in sorted(_folder(instance).glob("[!.]*")) if _was_killed(lock)]
    for lock in killed:
        _end(instance, lock.name, KILLED)
        lock.unlink(missing_ok=True)
    return [lock.name for lock in killed]


def end_silent_runs(
    instance: dg.DagsterInstance, seen_before: dict[str, tuple[str, int]], is_ours: Callable[[dg.DagsterRun], bool]
) -> dict[str, tuple[str, int]]:
    """End the runs of other machines whose count has stood still for `MOST_SILENT_LOOKS`; to be called at each look.

    Args:
        instance: Dagster's instance.
        seen_before: What the look before gave.
        is_ours: Tells the runs that count from those of other projects.

    Returns:
        Of each run that goes on its count, and for how many looks it has stood still.
    """
    found = {}
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if not is_ours(run) or (_folder(instance) / run.run_id).exists():
            continue
        heartbeat = run.tags.get(HEARTBEAT, "")
        before, silent = seen_before.get(run.run_id, (None, 0))
        silent = silent + 1 if heartbeat == before else 0
        if silent < MOST_SILENT_LOOKS:
            found[run.run_id] = (heartbeat, silent)
        else:
            _end(instance, run.run_id, SILENT)
    return found


def _end(instance: dg.DagsterInstance, run_id: str, why: str) -> None:
    """Tell Dagster that a run has failed, unless it is over, and free what it held."""
    run = instance.get_run_by_id(run_id)
    if run and not run.is_finished:
        instance.report_run_failed(run, why)
    if instance.event_log_storage.supports_global_concurrency_limits:
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)


def _send_heartbeats(instance: dg.DagsterInstance, run_id: str, over: threading.Event) -> None:
    """Count in a run's tag until it is over."""
    for number in count(1):
        if over.wait(HEARTBEAT_EVERY_S):
            return
        try:
            instance.add_run_tags(run_id, {HEARTBEAT: str(number)})
        except Exception:  # the database may be away for a while, whatever its client raises
            logging.getLogger(__name__).debug("No heartbeat of run %s.", run_id, exc_info=True)


def killed_runs_sensor(is_ours: Callable[[dg.DagsterRun], bool]) -> dg.SensorDefinition:
    """What ends killed runs where the daemon runs, shipped running; `is_ours` tells this project's from others."""

    @dg.sensor(
        name="end_killed_runs",
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose process was killed, so that later ones do not wait for them. Leave it running.",
    )
    def end_killed_runs_now(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        killed = end_killed_runs(context.instance)
        seen_before = {
            run_id: (number, looks) for run_id, (number, looks) in json.loads(context.cursor or "{}").items()
        }
        context.update_cursor(json.dumps(end_silent_runs(context.instance, seen_before, is_ours)))
        return dg.SkipReason(f"Ended {', '.join(killed)}." if killed else "No run was killed on this machine.")

    return end_killed_runs_now


def _folder(instance: dg.DagsterInstance) -> Path:
    folder = Path(instance.root_directory) / LOCKS
    folder.mkdir(exist_ok=True)
    return folder


def _locked(lock: Path) -> int:
    """Make a run's file, which nobody sees before it is locked."""
    hidden = lock.with_name(f".{lock.name}")
    handle = os.open(hidden, os.O_CREAT | os.O_RDWR, 0o640)
    fcntl.flock(handle, fcntl.LOCK_EX)
    hidden.rename(lock)
    return handle


def _was_killed(lock: Path) -> bool:
    """Whether a run's file is there and nobody holds it."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
