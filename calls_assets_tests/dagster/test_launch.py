"""A run from the command line stands in the UI where a person looks for it, and can be repeated from there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from calls_assets.sandbox import Centre, Sandbox
from calls_assets_tests.live import PLACE, Live, live
from calls_assets_tests.system.test_webserver import WITHOUT_DAEMON

pytestmark = pytest.mark.slow  # a server is started

DAY = "2026-03-06"

JOB_RUNS = """query ($job: PipelineSelector!) { pipelineOrError(params: $job) {
    ... on Pipeline { runs { runId status repositoryOrigin { repositoryName repositoryLocationName } } } } }"""
FEED = """query ($filter: RunsFilter) { runsFeedOrError(limit: 10, view: RUNS, filter: $filter) {
    ... on RunsFeedConnection { results { id } } } }"""
AGAIN = """mutation ($again: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $again) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("launch")
    with Sandbox(Centre(calls_per_day=20)) as api:
        environ = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(root / "data")}
        with live(root, environ, ("dagster_webserver",), WITHOUT_DAEMON) as servers:
            yield servers


@pytest.fixture(scope="module")
def run_id(ui: Live, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The id of a run of `calls-assets run`, the only one that the job shows."""
    command = [Path(sys.executable).parent / "calls-assets", "run", "--from", DAY]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
    environ = inherited | ui.environ | {"DAGSTER_HOME": str(ui.home)}
    done = subprocess.run(command, env=environ, cwd=ui.home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = job_runs(ui)
    assert run["status"] == "SUCCESS"
    return str(run["runId"])


def job_runs(ui: Live) -> list[dict[str, object]]:
    """The runs that the page of the job shows."""
    runs = ui.graphql(JOB_RUNS, job=PLACE | {"pipelineName": "calls_pipeline"})["pipelineOrError"]["runs"]
    for run in runs:  # the Timeline puts a run where it is from
        assert run["repositoryOrigin"] == PLACE
    return list(runs)


def test_the_job_shows_a_run_of_the_command_line(ui, run_id):
    label = f"{PLACE['repositoryName']}@{PLACE['repositoryLocationName']}"
    of_job = {"pipelineName": "calls_pipeline", "tags": [{"key": ".dagster/repository", "value": label}]}
    assert [run["id"] for run in ui.graphql(FEED, filter=of_job)["runsFeedOrError"]["results"]] == [run_id]


def test_the_ui_does_a_run_of_the_command_line_again(ui, run_id):
    again = ui.graphql(AGAIN, again={"parentRunId": run_id, "strategy": "ALL_STEPS"})["launchRunReexecution"]
    assert again["__typename"] == "LaunchRunSuccess", again
    repeated = again["run"]["runId"]
    assert ui.end_of(repeated) == "SUCCESS", ui.told(repeated)
    assert {run["runId"] for run in job_runs(ui)} == {run_id, repeated}
