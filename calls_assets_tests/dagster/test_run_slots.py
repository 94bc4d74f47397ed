"""Runs that were killed are ended, and what they held is free; those that live are left alone."""

import fcntl
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from calls_assets.dagster.resources import Tables
from calls_assets.dagster.run_slots import (
    HEARTBEAT,
    LOCKS,
    MOST_SILENT_LOOKS,
    end_killed_runs,
    end_silent_runs,
    lock_new_run,
    lock_run,
)
from calls_assets.dagster.specs import POOL
from calls_assets_tests.live import new_home, until


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(new_home(tmp_path / "home"))) as instance:
        yield instance


def started(instance: dg.DagsterInstance) -> str:
    """A run that has begun, and holds the only place at the API."""
    run_id = str(uuid.uuid4())
    instance.add_run(dg.DagsterRun(job_name="calls_pipeline", run_id=run_id, status=DagsterRunStatus.STARTED))
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(POOL)
    assert storage.claim_concurrency_slot(POOL, run_id, "fetch_calls").is_claimed
    return run_id


def is_free(instance: dg.DagsterInstance) -> bool:
    return not instance.event_log_storage.get_concurrency_info(POOL).pending_steps and (
        instance.event_log_storage.get_concurrency_info(POOL).active_slot_count == 0
    )


def marks(instance: dg.DagsterInstance) -> set[str]:
    return {path.name for path in Path(instance.root_directory, LOCKS).iterdir()}


def test_a_run_whose_file_nobody_holds_is_ended_and_its_place_is_free(instance):
    run_id = started(instance)
    Path(instance.root_directory, LOCKS).mkdir()
    Path(instance.root_directory, LOCKS, run_id).touch()
    assert not is_free(instance)
    assert end_killed_runs(instance) == [run_id]
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.FAILURE
    assert is_free(instance)
    assert marks(instance) == set()
    assert end_killed_runs(instance) == []


def test_a_run_that_lives_and_one_of_another_machine_are_left_alone(instance):
    run_id = started(instance)
    assert end_killed_runs(instance) == []  # no file of it is here
    with lock_run(instance, run_id):
        assert marks(instance) == {run_id}
        assert end_killed_runs(instance) == []
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.STARTED
    assert not is_free(instance)
    assert marks(instance) == set()


def test_a_run_is_shown_once_by_the_command_that_makes_it_and_by_its_resource(instance):
    run_id = str(uuid.uuid4())
    with lock_new_run(instance, run_id):
        instance.add_run(dg.DagsterRun(job_name="calls_pipeline", run_id=run_id))
        with lock_run(instance, run_id):
            assert marks(instance) == {run_id}
        assert marks(instance) == {run_id}
        assert end_killed_runs(instance) == []
    assert marks(instance) == set()
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.NOT_STARTED


def test_a_run_whose_command_is_stopped_before_it_starts_is_not_taken_for_one_to_come(instance):
    run_id = str(uuid.uuid4())
    instance.add_run(dg.DagsterRun(job_name="calls_pipeline", run_id=run_id))
    with pytest.raises(KeyboardInterrupt), lock_new_run(instance, run_id):
        raise KeyboardInterrupt
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.FAILURE
    assert marks(instance) == set()


def test_a_file_that_is_not_locked_yet_is_not_looked_at(instance):
    run_id = started(instance)
    Path(instance.root_directory, LOCKS).mkdir()
    Path(instance.root_directory, LOCKS, f".{run_id}").touch()
    assert end_killed_runs(instance) == []
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.STARTED


def test_a_file_is_locked_before_it_is_seen(instance, monkeypatch):
    run_id, seen = started(instance), []
    lock = fcntl.flock

    def watch(handle: int, how: int) -> None:
        seen.append(marks(instance) - {f".{run_id}"})
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", watch)
    with lock_run(instance, run_id):
        assert seen == [set()]


def test_every_run_that_has_the_tables_shows_that_it_lives(instance, tmp_path):
    seen = []

    @dg.asset
    def computed(context: dg.AssetExecutionContext, tables: Tables) -> None:
        seen.append((context.run.run_id, marks(instance)))

    result = dg.materialize([computed], resources={"tables": Tables(url=str(tmp_path / "data"))}, instance=instance)
    assert seen == [(result.run_id, {result.run_id})]
    assert marks(instance) == set()


def of_another_machine(instance: dg.DagsterInstance, **tags: str) -> str:
    run_id = str(uuid.uuid4())
    run = dg.DagsterRun(job_name="calls_pipeline", run_id=run_id, status=DagsterRunStatus.STARTED, tags=tags)
    instance.add_run(run)
    return run_id


def look(instance: dg.DagsterInstance, times: int, seen_before: dict | None = None, ours: bool = True) -> dict:
    seen_before = seen_before or {}
    for _ in range(times):
        seen_before = end_silent_runs(instance, seen_before, lambda _run: ours)
    return seen_before


def test_a_run_of_another_machine_that_stopped_counting_is_ended(instance):
    silent, counting = of_another_machine(instance, **{HEARTBEAT: "7"}), of_another_machine(instance)
    seen_before = look(instance, MOST_SILENT_LOOKS)
    assert {run.status for run in instance.get_runs()} == {DagsterRunStatus.STARTED}
    instance.add_run_tags(counting, {HEARTBEAT: "1"})
    seen_before = look(instance, 1, seen_before)
    assert instance.get_run_by_id(silent).status is DagsterRunStatus.FAILURE
    assert instance.get_run_by_id(counting).status is DagsterRunStatus.STARTED
    assert seen_before == {counting: ("1", 0)}


def test_a_run_that_lives_here_and_those_of_other_projects_may_be_silent(instance):
    here, other = started(instance), of_another_machine(instance)
    with lock_run(instance, here):
        look(instance, MOST_SILENT_LOOKS + 1, ours=False)
        instance.report_run_canceled(instance.get_run_by_id(other))
        look(instance, MOST_SILENT_LOOKS + 1)
        assert instance.get_run_by_id(here).status is DagsterRunStatus.STARTED


def test_a_run_counts_while_it_lives_also_after_the_database_was_away(instance, monkeypatch):
    run_id = started(instance)
    monkeypatch.setattr("calls_assets.dagster.run_slots.HEARTBEAT_EVERY_S", 0.01)
    add, away = instance.add_run_tags, iter([True])

    def add_unless_away(*given: Any) -> None:
        if next(away, False):
            raise OSError("the database is away")
        add(*given)

    monkeypatch.setattr(instance, "add_run_tags", add_unless_away)

    def beat() -> int:
        return int(instance.get_run_by_id(run_id).tags.get(HEARTBEAT, "0"))

    with lock_run(instance, run_id):
        first = until(beat, 30, lambda: "it does not count")
        until(lambda: beat() > first, 30, lambda: "it does not go on counting")
    assert first > 1  # the first was lost
