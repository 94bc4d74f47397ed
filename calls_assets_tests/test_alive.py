"""Runs that were killed are ended, and what they held is free; those that live are left alone."""

import fcntl
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from calls_assets.alive import MARKS, alive, end_killed_runs
from calls_assets.assets.specs import POOL
from calls_assets.resources import Tables
from calls_assets_tests.live import new_home


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
    return {path.name for path in Path(instance.root_directory, MARKS).iterdir()}


def test_a_run_whose_file_nobody_holds_is_ended_and_its_place_is_free(instance):
    run_id = started(instance)
    Path(instance.root_directory, MARKS).mkdir()
    Path(instance.root_directory, MARKS, run_id).touch()
    assert not is_free(instance)
    assert end_killed_runs(instance) == [run_id]
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.FAILURE
    assert is_free(instance)
    assert marks(instance) == set()
    assert end_killed_runs(instance) == []


def test_a_run_that_lives_and_one_of_another_machine_are_left_alone(instance):
    run_id = started(instance)
    assert end_killed_runs(instance) == []  # no file of it is here
    with alive(instance, run_id):
        assert marks(instance) == {run_id}
        assert end_killed_runs(instance) == []
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.STARTED
    assert not is_free(instance)
    assert marks(instance) == set()


def test_a_file_that_is_not_locked_yet_is_not_looked_at(instance):
    run_id = started(instance)
    Path(instance.root_directory, MARKS).mkdir()
    Path(instance.root_directory, MARKS, f".{run_id}").touch()
    assert end_killed_runs(instance) == []
    assert instance.get_run_by_id(run_id).status is DagsterRunStatus.STARTED


def test_a_file_is_locked_before_it_is_seen(instance, monkeypatch):
    run_id, seen = started(instance), []
    lock = fcntl.flock

    def watch(handle: int, how: int) -> None:
        seen.append(marks(instance) - {f".{run_id}"})
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", watch)
    with alive(instance, run_id):
        assert seen == [set()]


def test_every_run_that_has_the_tables_shows_that_it_lives(instance, tmp_path):
    seen = []

    @dg.asset
    def computed(context: dg.AssetExecutionContext, tables: Tables) -> None:
        seen.append((context.run.run_id, marks(instance)))

    result = dg.materialize([computed], resources={"tables": Tables(url=str(tmp_path / "data"))}, instance=instance)
    assert seen == [(result.run_id, {result.run_id})]
    assert marks(instance) == set()
