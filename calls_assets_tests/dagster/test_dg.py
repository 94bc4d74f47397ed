"""Dagster's own command line, `dg`, in the checkout: it finds the project, shows it, runs it and writes into it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from calls_assets.dagster.specs import JOB
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.live import new_home

ROOT = Path(__file__).parents[2]
DG = Path(sys.executable).parent / "dg"


@pytest.fixture
def home(tmp_path):
    return new_home(tmp_path / "home")


@pytest.fixture
def run_dg(tmp_path, home):
    """Runs `dg` in the checkout, or in another folder, with a home of its own; gives what it printed."""

    def run(*arguments, folder=ROOT, code=0, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
        environ = (
            kept | {"HOME": str(tmp_path / "user"), "DAGSTER_HOME": str(home), "PYTHONPATH": str(folder)} | settings
        )
        done = subprocess.run(
            [DG, *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def listed(run_dg, folder=ROOT):
    """The assets and the jobs that dg finds."""
    found = json.loads(run_dg("list", "defs", "--json", folder=folder))
    return {asset["asset_key"] for asset in found["assets"]}, {job["name"] for job in found["jobs"]}


@pytest.mark.slow
def test_dg_checks_and_lists_the_project_and_keeps_no_log_of_its_use(run_dg, tmp_path):
    told = run_dg("check", "defs")
    assert "All definitions loaded successfully." in told
    assert "Telemetry" not in told
    assert "does not match the virtual environment" not in told
    assert listed(run_dg) == ({*TABLES, "daily_report"}, {JOB})
    assert list(tmp_path.rglob("event.log")) == []


@pytest.mark.slow
def test_dg_launches_assets_or_the_job_for_days(run_dg, tmp_path, home):
    with Sandbox(Centre(calls_per_day=20)) as api:
        account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(tmp_path / "data")}
        run_dg("launch", "--assets", "raw_calls,rejected_calls", "--partition", "2026-03-06", **account)
        assert {path.parts[-3] for path in tmp_path.glob("data/*/*/*.parquet")} == {"raw_calls", "rejected_calls"}
        run_dg("launch", "--job", JOB, "--partition-range", "2026-03-06...2026-03-07", **account)
    assert len(list(tmp_path.glob("data/service_level/date=*/*.parquet"))) == 2
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}


def test_a_job_that_is_launched_without_a_day_ends_in_a_sentence(run_dg, tmp_path):
    told = run_dg("launch", "--job", JOB, code=1, CALLS_DATA_URL=str(tmp_path / "data"))
    assert "This run has no days: " in told
    assert "Traceback" not in told
    assert "Stack Trace" not in told


@pytest.mark.slow
def test_what_dg_scaffolds_is_loaded_beside_the_project_and_is_no_part_of_its_job(run_dg, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "calls_assets", copy / "calls_assets", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    run_dg("scaffold", "defs", "dagster.asset", "mine.py", folder=copy)
    (asset,) = [path for path in (copy / "calls_assets" / "defs").iterdir() if path.name == "mine.py"]
    assert "@dg.asset" in asset.read_text()
    assert listed(run_dg, copy) == ({*TABLES, "daily_report", "mine"}, {JOB})
    run_dg("launch", "--assets", "mine", folder=copy)
