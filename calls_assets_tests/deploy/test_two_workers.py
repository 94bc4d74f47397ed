"""The same code on several machines: PostgreSQL, Redis, an object store, and Celery workers that share nothing else."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import boto3
import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from calls_assets.definitions import build
from calls_assets.sandbox import Behaviour, Centre, Sandbox
from calls_assets.settings import Settings
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.deploy.conftest import program, wait_for

pytestmark = [
    pytest.mark.services,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources`"),  # Dagster's own
]

DEPLOY = Path(__file__).parents[2] / "deploy"
FIRST = date(2025, 3, 3)
DAYS = [str(FIRST + timedelta(days=n)) for n in range(8)]
DAYS_PER_RUN = 2


@dataclass
class Cluster:
    """Folders, environments and processes of machines that know each other by their servers' addresses alone."""

    folder: Path
    environ: dict[str, str]

    def home(self, name: str) -> Path:
        """A machine's own working folder, which is its DAGSTER_HOME, with the deployment's settings in it."""
        home = self.folder / name
        home.mkdir()
        for file in ("dagster.yaml", "dagster_celery_config.py"):
            shutil.copy(DEPLOY / file, home)
        return home

    @contextmanager
    def machine(self, name: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process group in a folder of its own, killed at the end if it still runs."""
        home = self.home(name)
        environ = self.environ | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(home)}
        with (home / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=home, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield process
        finally:
            kill(process)

    def worker(self, name: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
        options = ["--queues", "dagster", "--concurrency", "1", "--hostname", name, "--loglevel", "INFO"]
        return self.machine(name, "celery", "-A", "dagster_celery.app", "worker", *options)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def backfill(instance: dg.DagsterInstance, days: list[str]) -> str:
    """Ask for days of every table, as the UI's dialogue does."""
    defs = build(Settings(start_date=FIRST, days_per_run=DAYS_PER_RUN))
    graph = defs.resolve_asset_graph()
    asked = PartitionBackfill.from_asset_partitions(
        backfill_id=f"backfill-{time.time_ns()}",
        asset_graph=graph,
        partition_names=days,
        asset_selection=[dg.AssetKey(name) for name in TABLES],
        backfill_timestamp=time.time(),
        tags={},
        dynamic_partitions_store=instance,
        all_partitions=False,
        title=None,
        description=None,
        run_config=None,
    )
    instance.add_backfill(asked)
    return asked.backfill_id


def runs_of(instance: dg.DagsterInstance, backfill_id: str) -> list[dg.DagsterRun]:
    return list(instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id})))


def ended(instance: dg.DagsterInstance, backfill_id: str) -> list[dg.DagsterRun]:
    return [run for run in runs_of(instance, backfill_id) if run.is_finished]


def materialized(instance: dg.DagsterInstance) -> set[str]:
    """The days that every table is materialized of."""
    return set.intersection(*(instance.get_materialized_partitions(dg.AssetKey(name)) for name in TABLES))


def tasks_of(worker: Path) -> int:
    """How many runs a worker has taken, after its own log."""
    return (worker / "log.txt").read_text(encoding="utf-8").count("received")


def is_over(instance: dg.DagsterInstance, backfill_id: str) -> bool:
    found = instance.get_backfill(backfill_id)
    return found is not None and found.status not in (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING)


def tables(prefix: str) -> dict[str, bytes]:
    """The files of tables under a prefix; a day's page depends on which days were there before it."""
    found = boto3.resource("s3").Bucket("calls").objects.filter(Prefix=prefix)
    return {file.key.removeprefix(prefix): file.get()["Body"].read() for file in found if file.key.endswith(".parquet")}


@contextmanager
def overheard(redis: str, folder: Path) -> Iterator[Path]:
    """A file of all that is sent to Redis during the block."""
    path = folder / "redis.txt"
    command = [program("redis-cli"), "-u", redis, "monitor"]
    with path.open("wb") as file, subprocess.Popen(command, stdout=file) as monitor:
        try:
            yield path
        finally:
            monitor.terminate()


def plain(sent: str) -> str:
    """What was sent, and beside it what Celery has packed in base64."""
    packed = re.findall(r"[A-Za-z0-9+/]{40,}={0,2}", sent)
    return sent + "".join(base64.b64decode(part + "=" * (-len(part) % 4)).decode("latin-1") for part in packed)


def people(centre: Centre) -> set[str]:
    """The names and numbers of the days' contacts."""
    contacts = [call.record["contact"] or {} for day in DAYS for call in centre.day(date.fromisoformat(day))]
    return {contact[name] for contact in contacts for name in ("full_name", "number") if contact.get(name)}


def test_a_backfill_over_two_workers_ends_in_the_bytes_of_one_process_although_a_worker_is_killed(
    postgres, redis, s3_root, run_pipeline, tmp_path, monkeypatch
):
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres)
    monkeypatch.setenv("CALLS_BROKER_URL", redis)
    centre = Centre(calls_per_day=40)
    with Sandbox(centre, Behaviour(latency_s=0.05)) as api, overheard(redis, tmp_path) as sent:
        assert run_pipeline(api, f"{s3_root}/one", FIRST, date.fromisoformat(DAYS[-1])).success
        settings = {
            "CALLS_API_URL": api.url,
            "CALLS_API_TOKEN": api.token,
            "CALLS_DATA_URL": f"{s3_root}/many",
            "CALLS_START_DATE": str(FIRST),
            "CALLS_DAYS_PER_RUN": str(DAYS_PER_RUN),
        }
        cluster = Cluster(tmp_path, os.environ | settings)
        with (
            dg.DagsterInstance.from_config(str(cluster.home("control"))) as instance,
            cluster.machine("daemon", "dagster._daemon", "run", "-m", "calls_assets.definitions"),
            cluster.worker("first") as first,
            cluster.worker("second"),
        ):
            asked = backfill(instance, DAYS)
            wait_for(lambda: tasks_of(tmp_path / "first"), "the first worker to take a run", 120)
            wait_for(lambda: instance.get_materialized_partitions(dg.AssetKey("raw_calls")), "some day to land", 120)
            kill(first)
            wait_for(lambda: len(ended(instance, asked)) == len(DAYS) / DAYS_PER_RUN - 1, "the second worker", 180)
            (lost,) = [run for run in runs_of(instance, asked) if not run.is_finished]
            assert {run.status for run in ended(instance, asked)} == {dg.DagsterRunStatus.SUCCESS}
            # Three minutes later `end_killed_runs` would do so; the suite has no time for them.
            instance.report_run_canceled(lost, "Its worker died.")
            wait_for(lambda: is_over(instance, asked), "the backfill to end", 120)

            missing = sorted(set(DAYS) - materialized(instance))
            assert missing
            again = backfill(instance, missing)
            wait_for(lambda: is_over(instance, again), "the rerun", 180)
            assert {run.status for run in runs_of(instance, again)} == {dg.DagsterRunStatus.SUCCESS}
            assert materialized(instance) == set(DAYS)
        assert tasks_of(tmp_path / "first") == 1
        assert tasks_of(tmp_path / "second") > 1
        assert tables(f"{tmp_path.name}/many") == tables(f"{tmp_path.name}/one")
        heard = plain(sent.read_text("latin-1"))
        assert heard.count("ExecuteRunArgs") >= len(DAYS) / DAYS_PER_RUN
        told = heard + "".join(path.read_text() for path in tmp_path.rglob("log.txt"))
        assert [secret for secret in (api.token, *people(centre)) if secret in told] == []
