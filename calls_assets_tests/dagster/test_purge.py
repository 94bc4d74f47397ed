"""Old runs are forgotten, and of no day what was materialized last."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from calls_assets.dagster.launch import materialize
from calls_assets.dagster.purge import purge
from calls_assets.dagster.specs import JOB
from calls_assets.definitions import build
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.settings import Settings
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.live import new_home

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 7)


@pytest.fixture
def home(tmp_path):
    return new_home(tmp_path / "home")


@pytest.fixture
def instance(home):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.fixture
def run(instance, tmp_path, monkeypatch):
    """Materializes every table of some days; gives the run's id."""

    def run(first, last):
        with Sandbox(Centre(calls_per_day=5)) as api:
            monkeypatch.setenv("CALLS_API_URL", api.url)
            monkeypatch.setenv("CALLS_API_TOKEN", api.token)
            settings = Settings(data_url=str(tmp_path / "data"))
            assert materialize(build(settings), instance, first, last, Console(file=io.StringIO())).success
        return instance.get_runs(limit=1)[0].run_id

    return run


def forget(instance, before=None):
    return set(purge(instance, before or datetime.now(UTC) + timedelta(seconds=1)))


def rows_of(instance, run_id):
    """What the database that all runs share still holds of a run."""
    with instance.event_log_storage.index_connection() as connection:
        return [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table} WHERE run_id = ?", (run_id,)).scalar()
            for table in ("event_logs", "asset_check_executions")
        ]


@pytest.mark.slow
def test_a_run_whose_days_came_again_leaves_nothing_and_the_last_of_each_day_stays(instance, home, run):
    old, last_of_first, newest = run(FIRST, LAST), run(FIRST, FIRST), run(LAST, LAST)
    assert forget(instance) == {old}
    assert {found.run_id for found in instance.get_runs()} == {last_of_first, newest}
    assert rows_of(instance, old) == [0, 0]
    assert not [path for path in Path(home).rglob("*") if old in path.name]
    for name in TABLES:
        key = dg.AssetKey(name)
        assert instance.get_materialized_partitions(key) == {str(FIRST), str(LAST)}
        records = instance.fetch_materializations(dg.AssetRecordsFilter(key), limit=9).records
        assert [(record.partition_key, record.run_id) for record in records] == [
            (str(LAST), newest),
            (str(FIRST), last_of_first),
        ]
    assert forget(instance) == set()


@pytest.mark.slow
def test_a_run_that_holds_the_last_of_any_day_stays_whole(instance, run):
    old = run(FIRST, LAST)
    before = rows_of(instance, old)
    run(FIRST, FIRST)
    assert forget(instance) == set()
    assert rows_of(instance, old) == before


@pytest.mark.slow
def test_young_runs_unfinished_ones_and_those_of_other_projects_stay(instance, run):
    run(FIRST, FIRST)
    run(FIRST, FIRST)
    assert forget(instance, datetime.now(UTC) - timedelta(days=1)) == set()
    kept = [
        instance.add_run(dg.DagsterRun(job_name="another_project", status=dg.DagsterRunStatus.FAILURE)),
        instance.add_run(dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.STARTED)),
    ]
    failed = instance.add_run(dg.DagsterRun(job_name=JOB, status=dg.DagsterRunStatus.FAILURE))
    assert failed.run_id in forget(instance)
    assert all(instance.get_run_by_id(one.run_id) for one in kept)
