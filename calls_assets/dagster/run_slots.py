"""Killed runs: how they are detected and ended, so that nothing waits for the slots that they held.

A run reports its own end to Dagster. One that is killed, by hand or with the machine, stays started for ever and keeps its
slot in the API's pool, and every later run waits in the queue. Each run therefore holds a lock on a file of its own in
Dagster's home, which the system releases however the process ends. A sensor checks these files, and so does each run at its
start, for those who work without Dagster's daemon.

The files say nothing about runs on other machines. Each run therefore also sends heartbeats, by counting in a tag of its own,
and the sensor ends a run whose count has not changed for several checks. No clock is compared with another.
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
"""The tag that holds a run's count."""

HEARTBEAT_EVERY_S = 30
MOST_SILENT_LOOKS = 6
"""A run whose count is the same at this many checks is over: three minutes, and nothing of ours blocks a process so long."""

SILENT = "This run sent no heartbeat for three minutes, so its machine is down; its days can be materialized again."

KILLED = "The process of this run was killed, or its machine went down; its days can be materialized again."

STOPPED = "The command of this run was stopped; its days can be materialized again."

LOCKS = "calls_assets_runs"
"""The folder of the lock files, in Dagster's home."""

_own_runs: set[str] = set()
"""The runs that this process holds a lock for."""


@contextmanager
def lock_run(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a lock and send heartbeats for a run of this process; end runs that were killed."""
    if run_id in _own_runs:  # the command that started the run here did so already
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
    """Lock a run before Dagster knows about it, and mark it as failed if it is stopped before it starts."""
    with lock_run(instance, run_id):
        try:
            yield
        except BaseException:
            _end(instance, run_id, STOPPED)
            raise


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report killed runs to Dagster as failed, which frees their slots; returns their ids.

    Runs on other machines have no file here, and are left alone.
    """
    killed = [lock for lock in sorted(_folder(instance).glob("[!.]*")) if _was_killed(lock)]
    for lock in killed:
        _end(instance, lock.name, KILLED)
        lock.unlink(missing_ok=True)
    return [lock.name for lock in killed]


def end_silent_runs(
    instance: dg.DagsterInstance, seen_before: dict[str, tuple[str, int]], is_ours: Callable[[dg.DagsterRun], bool]
) -> dict[str, tuple[str, int]]:
    """End runs on other machines whose count has not changed for `MOST_SILENT_LOOKS` checks; to be called at each check.

    Args:
        instance: Dagster's instance.
        seen_before: What the previous check returned.
        is_ours: Whether a run belongs to this project.

    Returns:
        The count of each run that goes on, and for how many checks it has not changed.
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
    """Report a run to Dagster as failed, unless it is over, and free its slots."""
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
        except Exception:  # the database may be unavailable for a while, whatever its client raises
            logging.getLogger(__name__).debug("No heartbeat of run %s.", run_id, exc_info=True)


def killed_runs_sensor(is_ours: Callable[[dg.DagsterRun], bool]) -> dg.SensorDefinition:
    """The sensor that ends killed runs, shipped running; `is_ours` says whether a run belongs to this project."""

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
    """Create a run's file, which no other process sees before it is locked."""
    hidden = lock.with_name(f".{lock.name}")
    handle = os.open(hidden, os.O_CREAT | os.O_RDWR, 0o640)
    fcntl.flock(handle, fcntl.LOCK_EX)
    hidden.rename(lock)
    return handle


def _was_killed(lock: Path) -> bool:
    """Whether a run's file exists without a lock on it."""
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
