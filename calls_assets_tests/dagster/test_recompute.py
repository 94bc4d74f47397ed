"""Days whose calls were pulled alone are computed again, whatever Dagster remembers of them."""

import os
import shutil
import time
import uuid
from datetime import date

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from calls_assets.dagster.recompute import COMPUTED
from calls_assets.dagster.runs import range_tags
from calls_assets.definitions import build
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.settings import Settings

FIRST, MIDDLE, LAST = date(2026, 3, 6), date(2026, 3, 7), date(2026, 3, 8)
FETCHED = ["raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation"]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=10)) as api:
        yield api


@pytest.fixture(scope="module")
def trees(run_pipeline, api, tmp_path_factory):
    """Three days, pulled and computed in one run, and the same after the first of them was pulled again alone."""
    root = tmp_path_factory.mktemp("trees")
    assert run_pipeline(api, root / "computed", FIRST, LAST, select=[*FETCHED, *COMPUTED]).success
    shutil.copytree(root / "computed", root / "pulled_again")
    assert run_pipeline(api, root / "pulled_again", FIRST, FIRST, select=FETCHED).success
    return root


@pytest.fixture
def tree(trees, tmp_path):
    """A copy of the three days, with their files' times."""
    return shutil.copytree(trees / "computed", tmp_path, dirs_exist_ok=True)


@pytest.fixture
def tree_pulled_again(trees, tmp_path):
    """A copy of the three days of which the first is to be computed again, with their files' times."""
    return shutil.copytree(trees / "pulled_again", tmp_path, dirs_exist_ok=True)


@pytest.fixture
def asked(instance, tmp_path):
    """What the sensor asks for: the first and the last day of each run, or why there is none."""

    def asked(**settings):
        sensor = build(Settings(data_url=str(tmp_path), **settings)).resolve_sensor_def("recompute_days_that_moved")
        requests = sensor(dg.build_sensor_context(instance=instance))
        return [
            (one.tags["dagster/asset_partition_range_start"], one.tags["dagster/asset_partition_range_end"])
            for one in requests
            if isinstance(one, dg.RunRequest)
        ]

    return asked


def test_days_that_one_run_pulled_and_computed_are_left_alone(tree, asked):
    assert asked() == []


def test_days_that_were_pulled_again_alone_are_computed_as_ranges(tree, asked, run_pipeline, api):
    for day in (FIRST, LAST):
        assert run_pipeline(api, tree, day, day, select=FETCHED).success
    assert asked() == [(str(FIRST), str(FIRST)), (str(LAST), str(LAST))]
    assert asked(start_date=MIDDLE) == [(str(LAST), str(LAST))]
    assert run_pipeline(api, tree, FIRST, LAST, select=[*COMPUTED]).success
    assert asked() == []


def test_a_day_that_was_pulled_and_never_computed_is(asked, run_pipeline, api, tmp_path):
    assert run_pipeline(api, tmp_path, FIRST, FIRST, select=FETCHED).success
    assert asked() == [(str(FIRST), str(FIRST))]


def test_a_day_is_asked_for_once_a_day_for_one_state_of_its_files(tree_pulled_again, instance):
    def keys():
        sensor = build(Settings(data_url=str(tree_pulled_again))).resolve_sensor_def("recompute_days_that_moved")
        return [one.run_key for one in sensor(dg.build_sensor_context(instance=instance))]

    first = keys()
    assert keys() == first
    file = tree_pulled_again / f"raw_calls/date={FIRST}/raw_calls.parquet"
    os.utime(file, (time.time() + 9, time.time() + 9))
    assert keys() != first


@pytest.mark.parametrize(
    ("tags", "name", "waits"),
    [
        (range_tags(FIRST, MIDDLE), "calls_pipeline", True),
        ({"dagster/partition": str(FIRST)}, "calls_pipeline", True),
        (range_tags(MIDDLE, LAST), "calls_pipeline", False),
        ({}, "calls_pipeline", True),
        ({}, "another_project", False),
    ],
    ids=["over the day", "of the day", "over other days", "that names no days", "of another project"],
)
@pytest.mark.parametrize("status", [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
def test_a_day_waits_for_a_run_of_ours(tree_pulled_again, asked, instance, tags, name, waits, status):
    instance.add_run(dg.DagsterRun(job_name=name, run_id=str(uuid.uuid4()), status=status, tags=tags))
    assert bool(asked()) is not waits


@pytest.mark.slow
def test_an_object_store_tells_it_too(s3_root, instance, run_pipeline, api):
    assert run_pipeline(api, s3_root, FIRST, FIRST).success
    sensor = build(Settings(data_url=s3_root)).resolve_sensor_def("recompute_days_that_moved")
    assert [type(one) for one in sensor(dg.build_sensor_context(instance=instance))] == [dg.SkipReason]
    time.sleep(1.1)  # its times are whole seconds
    assert run_pipeline(api, s3_root, FIRST, FIRST, select=FETCHED).success
    assert [type(one) for one in sensor(dg.build_sensor_context(instance=instance))] == [dg.RunRequest]
