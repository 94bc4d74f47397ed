"""A run over a range of days through Dagster in this process, with a progress bar; the UI shows the run too."""

import threading
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster import DagsterEventType, JobExecutionResult
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn

from calls_assets.dagster.internals import (
    InMemoryJob,
    LoadableTargetOrigin,
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
    execute_run,
)
from calls_assets.dagster.run_slots import lock_new_run
from calls_assets.dagster.runs import range_tags
from calls_assets.dagster.specs import JOB
from calls_assets.display import shown

LOCATION = "calls_assets.definitions"
"""The code location's name, as `calls-assets dev` and workspace.yaml have it."""

MOST_SAID = 2000
"""The most characters of a run's sentence."""

EVENTS_AT_ONCE = 1000
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Outcome:
    """How a run ended: whether it succeeded, a sentence for each error, and the checks that failed."""

    success: bool
    sentences: tuple[str, ...]
    failed_checks: tuple[str, ...]


def materialize(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    first: date,
    last: date,
    console: Console,
    names: Collection[str] | None = None,
) -> Outcome:
    """Materialize the assets of these names, or every one, for the local days from `first` to `last` in one run."""
    job = definitions.resolve_job_def(JOB)
    selection = None if names is None else frozenset(map(dg.AssetKey, names))
    run_id = str(uuid.uuid4())
    files = len(selection or set(job.asset_layer.executable_asset_keys)) * ((last - first).days + 1)
    with lock_new_run(instance, run_id), _bar(instance, run_id, files, console):
        run = instance.create_run_for_job(
            job,
            run_id=run_id,
            tags=range_tags(first, last),
            asset_selection=selection,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            remote_job_origin=_origin(),
        )
        result = execute_run(InMemoryJob(job), run, instance)
    return Outcome(
        result.success, tuple(_sentences(result)), tuple(_failed_checks(result, first if first == last else None))
    )


def _origin() -> RemoteJobOrigin:
    """Where the web server finds the job: a run without it is shown neither with its job nor on the Timeline."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=LOCATION), LOCATION)
    return RemoteRepositoryOrigin(location, "__repository__").get_job_origin(JOB)


def _sentences(result: JobExecutionResult) -> Iterator[str]:
    for failure in result.get_step_failure_events():
        if error := failure.step_failure_data.error:
            yield shown((error.cause or error).message.removeprefix("Stopped: "), MOST_SAID)


def _failed_checks(result: JobExecutionResult, single: date | None) -> Iterator[str]:
    """The failed checks of each day, without the summary of a range."""
    for found in result.get_asset_check_evaluations():
        day = single or found.partition
        if day and not found.passed:
            yield f"{found.asset_key.path[-1]}.{found.check_name} of {day}: {found.description}"


@contextmanager
def _bar(instance: dg.DagsterInstance, run_id: str, files: int, console: Console) -> Iterator[None]:
    """A progress bar that counts the daily files reported to Dagster, and names the current step."""
    over = threading.Event()
    columns = (*Progress.get_default_columns(), TextColumn("{task.completed}/{task.total} daily files"))

    def watch() -> None:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("starting", total=files)
            landed = _Landed(instance, run_id)
            is_over = False
            while not is_over:
                is_over = over.wait(LOOK_EVERY_S)
                landed.look(bar, task)
            bar.live.transient = not landed.files  # what could not begin ends in its sentence alone
            bar.update(task, description="materialized" if bar.finished else "stopped")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


class _Landed:
    """The daily files of a run that are in the event log."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        self._instance, self._run_id = instance, run_id
        self._cursor: str | None = None
        self._landed: set[tuple[str, str | None]] = set()

    @property
    def files(self) -> int:
        """How many there are."""
        return len(self._landed)

    def look(self, bar: Progress, task: TaskID) -> None:
        """Read the new events."""
        kinds = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.STEP_START}
        has_more = True
        while has_more:
            page = self._instance.get_records_for_run(self._run_id, self._cursor, kinds, limit=EVENTS_AT_ONCE)
            for record in page.records:
                event = record.event_log_entry.get_dagster_event()
                if event.event_type is DagsterEventType.STEP_START:
                    bar.update(task, description=str(event.step_key))
                elif event.asset_key:
                    self._landed.add((event.asset_key.to_user_string(), event.partition))
            self._cursor, has_more = page.cursor, page.has_more
        bar.update(task, completed=self.files)
