"""Runs that are killed, that meet a full disk or a broken store, and runs at the same time: the old day or the new day.

Started as a script, this file is the nursery: a process that has everything imported and forks one for each run.
"""

import ctypes
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from calls_assets.__main__ import STOPPED
from calls_assets.__main__ import main as calls_assets_command
from calls_assets.dagster.resources import CallsApi
from calls_assets.dagster.run_slots import LOCKS
from calls_assets.dagster.specs import POOL
from calls_assets.definitions import build
from calls_assets.sandbox import Behaviour, Centre, Sandbox, WireFault
from calls_assets.settings import Settings
from calls_assets.tables import disk
from calls_assets.tables import store as store_module
from calls_assets.tables.catalog import RAW_CALL_TYPES, TABLES
from calls_assets.tables.made_with import MEMORY
from calls_assets.tables.store import TableStore
from calls_assets_tests.live import until

FIRST, LAST = date(2026, 3, 7), date(2026, 3, 9)  # a Saturday, a Sunday, and a Monday, which is the busiest
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
NAMES = {f"{name}/date={day}/{name}.parquet" for name in TABLES for day in DAYS}
ALL_NAMES = {*NAMES, MEMORY}
SHARES = 4
STOPS = int(os.environ.get("STOPS", "1"))  # of each signal in each share: STOPS=25 makes a hundred of each
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
HISTORY = "call_changes/"


def made_from(name: str) -> list[str]:
    """A table and all that is computed from it, in order."""
    found = [name]
    for table in TABLES.values():
        found += [table.name] if {*table.inputs} & {*found} else []
    return found


AFTER_CALLS = made_from("calls")


def run_days(order: dict[str, Any]) -> None:
    """Run the pipeline as an order says, and write down how it ended."""
    os.environ.update(order.get("environ", {}), CALLS_API_URL=order["url"], CALLS_API_TOKEN=order["token"])
    if "largest_file" in order:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], resource.RLIM_INFINITY))
    if order.get("obey_permissions"):
        obey_permissions()
    job = build(Settings(data_url=order["data"])).resolve_job_def("calls_pipeline")
    home = order.get("home")
    given = {"url": {"env": "CALLS_API_URL"}, "token": {"env": "CALLS_API_TOKEN"}}
    with dg.DagsterInstance.from_config(home) if home else dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config={
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                "resources": {"calls_api": {"config": given | order.get("calls_api", {})}},
            },
            tags={
                "dagster/asset_partition_range_start": order["first"],
                "dagster/asset_partition_range_end": order["last"],
            },
            asset_selection=[dg.AssetKey(name) for name in order.get("select", TABLES)],
            instance=instance,
            raise_on_error=False,
        )
        report = {
            "success": result.success,
            "errors": [event.event_specific_data.error.message for event in result.all_events if event.is_step_failure],
            "done": {name: sorted(instance.get_materialized_partitions(dg.AssetKey(name))) for name in TABLES},
        }
    (Path(order["reports"]) / f"{os.getpid()}.json").write_text(json.dumps(report), encoding="utf-8")


def obey_permissions() -> None:
    """Give up the privilege by which root passes over the permissions of files."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits
    if libc.capget(header, sets) == 0:
        sets[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.capset(header, sets)


def run_command(order: dict[str, Any]) -> None:
    """Be `calls-assets` with the words of an order."""
    os.chdir(order["data"])
    os.environ.update(
        CALLS_API_URL=order["url"], CALLS_API_TOKEN=order["token"], CALLS_DATA_URL=".", DAGSTER_HOME=order["home"]
    )
    for number, name in ((1, "told"), (2, "errors")):
        os.dup2(os.open(Path(order["home"], order["name"] + name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["calls-assets", *order["words"]]
    calls_assets_command()


def write_until(order: dict[str, Any]) -> None:
    """Write one day, and die just before the given line that the store executes."""
    left = order["lines"]

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in (store_module.__file__, disk.__file__):
            return None
        left -= event == "line"
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    store = TableStore(order["data"])
    rows = labels(*order["ids"])
    sys.settrace(trace)
    store.write(RAW_CALL_TYPES, FIRST, rows)
    sys.settrace(None)


def write_often(order: dict[str, Any]) -> None:
    """Write one day over and over."""
    store = TableStore(order["data"])
    for _ in range(order["times"]):
        store.write(RAW_CALL_TYPES, FIRST, labels(*order["ids"]))


def nursery_main() -> None:
    """Read orders, one a line: fork a process for each and answer its id; or wait for one and answer how it ended."""
    with dg.DagsterInstance.ephemeral():  # imports what Dagster otherwise imports in each run
        build(Settings()).resolve_job_def("calls_pipeline")
    assert threading.active_count() == 1
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                obey(order)
        print(answer, flush=True)  # noqa: T201


def obey(order: dict[str, Any]) -> None:
    status = 1
    try:
        {"days": run_days, "command": run_command, "lines": write_until, "times": write_often}[order["run"]](order)
        status = 0
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


class Nursery:
    """The nursery as its user sees it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._living: set[int] = set()

    def start(self, run: str, data: Path | str, **order: Any) -> int:
        """Start what an order says and give the id of its process."""
        pid = self._ask({"run": run, "data": str(data), "reports": str(self._folder)} | order)
        self._living.add(pid)
        return pid

    def start_days(self, api: Sandbox, data: Path | str, first: date = FIRST, last: date = LAST, **order: Any) -> int:
        told = {"url": api.url, "token": api.token, "first": str(first), "last": str(last)}
        return self.start("days", data, **told, **order)

    def start_command(self, api: Sandbox, data: Path, home: Path) -> int:
        """Start `calls-assets run` over all days."""
        words = ["run", "--from", str(FIRST), "--to", str(LAST)]
        return self.start("command", data, url=api.url, token=api.token, home=str(home), words=words, name="")

    def run_days(self, *args: Any, **order: Any) -> dict[str, Any]:
        """Run the pipeline to its end and give its report."""
        return self.report(self.start_days(*args, **order))

    def wait(self, pid: int) -> int:
        """How a process ended: its status, or its signal as a negative number."""
        self._living.discard(pid)
        return self._ask({"wait": pid})

    def kill(self, pid: int, stop: signal.Signals = signal.SIGKILL) -> int:
        os.kill(pid, stop)
        return self.wait(pid)

    def report(self, pid: int) -> dict[str, Any]:
        assert self.wait(pid) == 0
        return json.loads((self._folder / f"{pid}.json").read_text(encoding="utf-8"))

    def clear(self) -> None:
        for pid in list(self._living):
            self.kill(pid)

    def _ask(self, order: dict[str, Any]) -> int:
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="module")
def _nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    folder = tmp_path_factory.mktemp("nursery")
    with subprocess.Popen(
        [sys.executable, __file__],
        env=environment(OPENBLAS_NUM_THREADS="1"),  # no threads: it forks
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Nursery(process, folder)
        process.stdin.close()  # which ends it
        process.wait(10)


@pytest.fixture
def nursery(_nursery: Nursery) -> Iterator[Nursery]:
    yield _nursery
    _nursery.clear()


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
    return kept | settings


@pytest.fixture(scope="module")
def old_api() -> Iterator[Sandbox]:
    with Sandbox(Centre(seed=8, calls_per_day=60)) as api:
        yield api


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    with Sandbox(Centre(calls_per_day=60)) as api:
        yield api


@dataclass(frozen=True)
class Trees:
    """What undisturbed runs on the two sandboxes give, and what replacing the old one by the new one changes."""

    root: Path
    old: dict[str, bytes]
    new: dict[str, bytes]
    changes: list[tuple[Any, ...]]

    def lay_old(self, data: Path) -> Path:
        """Put the tree of the old sandbox there, and nothing else."""
        shutil.rmtree(data, ignore_errors=True)
        return shutil.copytree(self.root / "old", data)


@pytest.fixture(scope="module")
def trees(_nursery: Nursery, old_api: Sandbox, api: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Trees:
    root = tmp_path_factory.mktemp("trees")
    for name, sandbox in (("old", old_api), ("new", api)):
        assert _nursery.run_days(sandbox, root / name)["success"]
    shutil.copytree(root / "old", root / "replaced")
    assert _nursery.run_days(api, root / "replaced")["success"]
    trees = Trees(root, tree_bytes(root / "old"), tree_bytes(root / "new"), changes_in(root / "replaced"))
    assert set(trees.old) == set(trees.new) == ALL_NAMES
    assert len(trees.changes) > 100
    return trees


def labels(*ids: int) -> pa.Table:
    rows = {"call_id": pa.array(ids, pa.int64()), "call_type": pa.array(["transfer"] * len(ids), pa.string())}
    return RAW_CALL_TYPES.stamp(pa.table(rows), FIRST)


def content_of(rows: pa.Table) -> bytes:
    _, content = store_module.to_parquet(RAW_CALL_TYPES, [rows])
    return bytes(content)


def tree_bytes(root: Path) -> dict[str, bytes]:
    """Every file with its content, but for the history of pulls, which tells the runs apart."""
    files = {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: b"" if name.startswith(HISTORY) else path.read_bytes() for name, path in files.items()}


def changes_in(data: Path) -> list[tuple[Any, ...]]:
    """What the history of pulls says has changed."""
    query = f"SELECT local_date, call_id, change, field FROM '{data}/call_changes/*/*.parquet' ORDER BY ALL"
    return duckdb.sql(query).fetchall()


def picked_up(root: Path, table: str) -> set[str]:
    """The files of a table that any reader would read, by their names below the root."""
    found = {str(path) for path in root.glob(f"{table}/date=*/*.parquet") if not path.name.startswith(".")}
    for pattern in (f"{table}/*/*.parquet", f"{table}/**/*.parquet"):
        found |= {name for (name,) in duckdb.sql(f"SELECT file FROM glob('{root}/{pattern}')").fetchall()}
    found |= set(ds.dataset(root / table, format="parquet", partitioning="hive").files)
    return {str(Path(name).relative_to(root)) for name in found}


def assert_old_or_new(data: Path, trees: Trees) -> Counter[str]:
    """What a reader finds is whole, each file the old one or the new one; counts which."""
    names = set().union(*(picked_up(data, table) for table in TABLES))
    assert names == NAMES
    found = {name: content for name, content in tree_bytes(data).items() if name in names and content}
    assert {name for name in found if found[name] not in (trees.old[name], trees.new[name])} == set()
    return Counter("new" if found[name] == trees.new[name] else "old" for name in found)


def replaced(data: Path, before: dict[str, int]) -> int:
    """How many files are no longer those that had these inode numbers."""
    return sum((data / name).stat().st_ino != number for name, number in before.items())


def wait_for_files(data: Path, before: dict[str, int], number: int, over: Callable[[], bool]) -> None:
    """Until so many files have been replaced."""
    while replaced(data, before) < number and not over():
        time.sleep(0.001)


def inodes(data: Path) -> dict[str, int]:
    return {name: (data / name).stat().st_ino for name in NAMES}


def is_over(pid: int) -> bool:
    """Whether a process has ended and only waits to be waited for."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_run_stopped_at_any_moment_leaves_old_or_new_days_and_a_rerun_ends_as_if_undisturbed(
    nursery, trees, used_home, api, tmp_path, record_property, share
):
    dice = random.Random(20 + share)
    moments = SHARES * STOPS * len(SIGNALS)
    stopped, halfway = Counter(), 0
    while stopped.total() < moments / SHARES:
        stop = SIGNALS[stopped.total() % len(SIGNALS)]
        number = int(len(NAMES) * (SHARES * stopped.total() + share + dice.random()) / moments)
        data, home = trees.lay_old(tmp_path / "data"), new_home(used_home, tmp_path / "home")
        before = inodes(data)
        pid = nursery.start_command(api, data, home)
        wait_for_files(data, before, number, partial(is_over, pid))
        time.sleep(dice.uniform(0, 0.02 if number else 2))
        ended = nursery.kill(pid, stop)
        stopped[stop] += ended != 0  # some are over before
        assert_ended_by(stop, ended, home)
        halfway += len(assert_old_or_new(data, trees)) == 2
        assert nursery.run_days(api, data, home=str(home))["success"]
        assert tables_of(data) == trees.new
        assert changes_in(data) == trees.changes
        assert_nothing_is_left(data, home)
    assert halfway >= stopped.total() / 3
    record_property("times", stopped.total())


@pytest.fixture(scope="module")
def used_home(_nursery: Nursery, trees: Trees, api: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Dagster home in which a run has ended well, and which nobody may use."""
    root = tmp_path_factory.mktemp("used")
    assert _nursery.wait(_nursery.start_command(api, trees.lay_old(root / "data"), home(root / "home"))) == 0
    return root / "home"


def new_home(used: Path, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return shutil.copytree(used, folder)


def assert_ended_by(stop: signal.Signals, ended: int, home: Path) -> None:
    """A killed run has said nothing, and one that was told to stop a sentence."""
    told = (home / "errors").read_text()
    if ended == 0:
        assert told == ""
    elif stop == signal.SIGKILL:
        assert (ended, told) == (-stop, "")
    else:
        assert (ended, told) == (128 + stop, STOPPED)


def tables_of(data: Path) -> dict[str, bytes]:
    """The tree without the pages that the command makes too."""
    return {name: content for name, content in tree_bytes(data).items() if not name.endswith(".html")}


def assert_nothing_is_left(data: Path, home: Path) -> None:
    """No temporary file, no run that Dagster takes for one under way, and nothing that would wait for it."""
    assert {Path(name).name for name in tree_bytes(data) if Path(name).name.startswith((".", "_"))} == {MEMORY}
    assert list((home / LOCKS).iterdir()) == []
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert {run.status for run in instance.get_runs()} <= {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE}
        assert instance.event_log_storage.get_concurrency_info(POOL).active_slot_count == 0


def test_a_write_killed_before_any_of_its_lines_leaves_the_old_file_or_the_new_one(nursery, tmp_path, record_property):
    store = TableStore(str(tmp_path))
    old, new = (content_of(labels(*ids)) for ids in ([1], [2, 3]))
    final = Path(store.write(RAW_CALL_TYPES, FIRST, labels(1)).path)
    ends, strays = [], 0
    while not ends or ends[-1] != 0:
        ends.append(nursery.wait(nursery.start("lines", tmp_path, ids=[2, 3], lines=len(ends))))
        assert picked_up(tmp_path, "raw_call_types") == {str(final.relative_to(tmp_path))}
        assert final.read_bytes() in (old, new)
        strays += len(tree_bytes(tmp_path)) - 1
        store.write(RAW_CALL_TYPES, FIRST, labels(1))
        assert list(tree_bytes(tmp_path).values()) == [old]
    assert set(ends[:-1]) == {-signal.SIGKILL}
    assert strays > 0  # some kills did leave a temporary
    record_property("times", len(ends) - 1)


def test_what_a_killed_run_left_is_read_by_no_tool(trees, tmp_path):
    data = trees.lay_old(tmp_path / "data")
    for name in NAMES:
        path = data / name
        path.with_name(f".{path.name}.0badf00d.tmp").write_bytes(trees.new[name][:100])
    for table in TABLES:
        rows = sum(pq.read_metadata(data / name).num_rows for name in NAMES if name.startswith(f"{table}/"))
        assert ds.dataset(data / table, partitioning="hive").to_table().num_rows == rows
        assert len(pd.read_parquet(data / table)) == rows
        assert pl.read_parquet(data / table / "**/*.parquet").height == rows
        assert duckdb.sql(f"SELECT count(*) FROM '{data / table}/**/*.parquet'").fetchall() == [(rows,)]


def home(folder: Path, limited: bool = True) -> Path:
    """A Dagster home with the settings that we ship, or with no limit."""
    folder.mkdir(parents=True)
    shipped = files("calls_assets").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (folder / "dagster.yaml").write_text(shipped if limited else shipped.replace("default_limit: 1", ""))
    return folder


@contextmanager
def command(api: Sandbox, data: Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Dagster's own command over all days, killed at the end if it still runs."""
    environ = environment(
        CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token, CALLS_DATA_URL=str(data), DAGSTER_HOME=str(home)
    )
    words = ["asset", "materialize", "-m", "calls_assets.definitions", "--select", "*"]
    days = ["--partition-range", f"{FIRST}...{LAST}"]
    with (home / f"{data.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", *words, *days], env=environ, cwd=home, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_terminated_run_ends_as_such_keeps_what_landed_and_can_be_run_again(nursery, trees, api, tmp_path):
    data = trees.lay_old(tmp_path / "data")
    before = inodes(data)
    instance_home = home(tmp_path / "home")
    with command(api, data, instance_home) as process:
        wait_for_files(data, before, 2 * len(DAYS) + 1, lambda: process.poll() is not None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 1, (instance_home / "data.log").read_text()
    assert set(tree_bytes(data)) == ALL_NAMES
    assert assert_old_or_new(data, trees)["old"] > 0
    with dg.DagsterInstance.from_config(str(instance_home)) as instance:
        (run,) = instance.get_runs()
        assert run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
        assert instance.get_materialized_partitions(dg.AssetKey("raw_calls")) == {str(day) for day in DAYS}
        done = {(name, day) for name in TABLES for day in instance.get_materialized_partitions(dg.AssetKey(name))}
    for name, day in done:
        file = f"{name}/date={day}/{name}.parquet"
        assert tree_bytes(data)[file] == trees.new[file]
    assert nursery.run_days(api, data, home=str(instance_home))["success"]
    assert tree_bytes(data) == trees.new


def test_a_disk_that_takes_no_more_leaves_the_old_day_and_is_named_with_the_day(nursery, trees, api, tmp_path):
    data = trees.lay_old(tmp_path / "data")
    largest = len(trees.new[file_of("raw_calls", LAST)])
    report = nursery.run_days(api, data, largest_file=largest - 1)
    assert_failed_on(report, "raw_calls", LAST, "File too large")
    assert assert_old_or_new(data, trees)["old"] > 0
    assert (data / file_of("raw_calls", LAST)).read_bytes() == trees.old[file_of("raw_calls", LAST)]
    assert set(tree_bytes(data)) == ALL_NAMES
    assert nursery.run_days(api, data)["success"]
    assert tree_bytes(data) == trees.new


def file_of(table: str, day: date) -> str:
    return f"{table}/date={day}/{table}.parquet"


def assert_failed_on(report: dict[str, Any], table: str, day: date, why: str) -> None:
    """The run's one failure names table, day and reason in a sentence, and the table's days before stay materialized."""
    (error,) = report["errors"]
    assert not report["success"]
    assert error.startswith(f"{table} of {day} could not be written")
    assert why in error
    assert "\n" not in error
    assert report["done"][table] == [str(other) for other in DAYS if other < day]


def test_a_folder_that_may_not_be_written_is_named_with_the_day_and_the_rest_is_retried_alone(
    nursery, trees, api, tmp_path
):
    data = trees.lay_old(tmp_path / "data")
    locked = (data / file_of("calls", LAST)).parent
    locked.chmod(0o550)
    report = nursery.run_days(api, data, obey_permissions=True)
    locked.chmod(0o750)
    assert_failed_on(report, "calls", LAST, f"Permission denied. Still to be materialized: {LAST}.")
    assert assert_old_or_new(data, trees)["old"] > 0
    assert set(tree_bytes(data)) == ALL_NAMES
    unfinished = AFTER_CALLS
    assert {name for name, days in report["done"].items() if str(LAST) not in days} == set(unfinished)
    asked = len(api.requests)
    assert nursery.run_days(api, data, LAST, LAST, select=unfinished[:1], obey_permissions=True)["success"]
    assert nursery.run_days(api, data, select=unfinished[1:], obey_permissions=True)["success"]
    assert len(api.requests) == asked
    assert tree_bytes(data) == trees.new


def test_an_api_that_fails_on_one_day_of_a_range_costs_that_day_alone(nursery, trees, api, tmp_path):
    day_before = str(LAST - timedelta(days=1))  # where the request window of the last day alone begins
    fault = WireFault("status", status=400, where=lambda given: given.get("dateFrom") == day_before)
    with Sandbox(api.source, faults=[fault]) as broken:
        report = nursery.run_days(broken, tmp_path, calls_api={"calls_per_window": 1})
    (error,) = report["errors"]
    assert error.startswith(f"{broken.url}/calls/ refused the request (400")
    assert error.endswith(f" Still to be materialized: {LAST}.")
    fetched = {"raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation"}
    before = DAYS[:-1]
    assert {name: days for name, days in report["done"].items() if days} == {
        name: [*map(str, before)] for name in fetched
    }
    asked = len(api.requests)
    assert nursery.run_days(api, tmp_path, LAST, LAST)["success"]
    assert {given["dateFrom"] for given in api.requests[asked:]} == {day_before}
    derived = [name for name in TABLES if name not in fetched]
    assert nursery.run_days(api, tmp_path, before[0], before[-1], select=derived)["success"]
    assert tree_bytes(tmp_path) == trees.new


REFUSALS = {
    "403 Forbidden": "AccessDenied",
    "507 Insufficient Storage": "StorageFull",
}


@pytest.fixture
def broken_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An S3 server that refuses PUTs: the end of a key -> the status that they get."""
    refused: dict[str, str] = {}
    s3 = DomainDispatcherApplication(create_backend_app)

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        for end, status in refused.items():
            if environ["REQUEST_METHOD"] == "PUT" and unquote(environ["PATH_INFO"]).endswith(end):
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response(status, [("Content-Type", "application/xml")])
                return [f"<Error><Code>{REFUSALS[status]}</Code><Message>No.</Message></Error>".encode()]
        return s3(environ, start_response)

    server = make_server("127.0.0.1", 0, serve, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    boto3.client("s3").create_bucket(Bucket="calls")
    yield refused
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("status", REFUSALS)
def test_an_object_store_that_refuses_a_put_keeps_the_old_day_and_is_named_with_the_day(
    nursery, trees, api, broken_store, status
):
    bucket = boto3.resource("s3").Bucket("calls")
    root = status[:3]
    for name in trees.old:
        bucket.upload_file(str(trees.root / "old" / name), f"{root}/{name}")

    def objects() -> dict[str, bytes]:
        files = {found.key.removeprefix(f"{root}/"): found for found in bucket.objects.filter(Prefix=root)}
        return {name: b"" if name.startswith(HISTORY) else file.get()["Body"].read() for name, file in files.items()}

    environ = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    broken_store[f"/{file_of('calls', LAST)}"] = status
    report = nursery.run_days(api, f"s3://calls/{root}", environ=environ)
    broken_store.clear()
    assert_failed_on(report, "calls", LAST, f"Still to be materialized: {LAST}.")
    found = objects()
    assert {name for name in NAMES if found[name] not in (trees.old[name], trees.new[name])} == set()
    assert found[file_of("calls", LAST)] == trees.old[file_of("calls", LAST)]
    assert nursery.run_days(api, f"s3://calls/{root}", environ=environ, select=AFTER_CALLS)["success"]
    assert objects() == trees.new


def test_writers_of_the_same_file_at_the_same_time_disturb_each_other_in_nothing(nursery, tmp_path):
    writers = [nursery.start("times", tmp_path, ids=[n], times=300) for n in range(3)]
    assert [nursery.wait(pid) for pid in writers] == [0, 0, 0]
    (content,) = tree_bytes(tmp_path).values()
    assert content in [content_of(labels(n)) for n in range(3)]


@pytest.mark.slow
def test_two_runs_over_the_same_days_at_the_same_time_end_in_one_of_the_two_results(
    nursery, trees, old_api, api, tmp_path
):
    runs = [nursery.start_days(sandbox, tmp_path) for sandbox in (old_api, api)]
    assert [nursery.report(pid)["errors"] for pid in runs] == [[], []]
    assert tree_bytes(tmp_path) in (trees.old, trees.new)


@pytest.mark.slow
def test_ten_runs_over_the_same_days_at_once_end_in_the_tree_of_one(nursery, trees, api, tmp_path):
    data = trees.lay_old(tmp_path / "data")
    runs = [nursery.start_days(api, data) for _ in range(10)]
    assert [nursery.report(pid)["errors"] for pid in runs] == [[]] * 10
    assert tree_bytes(data) == trees.new
    assert changes_in(data) == trees.changes


@pytest.mark.slow
def test_ten_first_commands_at_once_do_not_break_the_tables_of_a_new_home(nursery, tmp_path):
    shared = home(tmp_path / "home")
    words = {"url": "", "token": "", "home": str(shared), "words": ["purge"]}
    commands = [nursery.start("command", tmp_path, **words, name=f"{n}.") for n in range(10)]
    assert [nursery.wait(pid) for pid in commands] == [0] * 10
    assert {path.read_text() for path in shared.glob("*errors")} == {""}


@pytest.mark.slow
def test_a_run_after_a_killed_one_does_not_wait_for_the_place_of_the_dead(nursery, tmp_path):
    shared = str(home(tmp_path / "home"))
    with Sandbox(Centre(calls_per_day=20), Behaviour(latency_s=0.05)) as api:
        pid = nursery.start_days(api, tmp_path / "data", home=shared)
        while not api.requests and not is_over(pid):
            time.sleep(0.01)
        nursery.kill(pid)
        rerun = nursery.start_days(api, tmp_path / "data", home=shared)
        deadline = time.monotonic() + 90  # without the place that is made free it waits for ever
        while not is_over(rerun) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_over(rerun)
        assert nursery.report(rerun)["success"]


MEET_S = 120


def peak(tmp_path: Path, limited: bool, meet: Callable[[Sandbox, Path], bool]) -> int:
    """The most requests at one time of two runs in one Dagster instance, answered only once they meet.

    The second starts when the first asks: two that claim a pool's slot within the same milliseconds can both get it on
    SQLite, where Dagster reads the free slot and takes it in two statements. docs/scaling.md says so.
    """
    instance_home = home(tmp_path / "home", limited)
    with (
        Sandbox(Centre(calls_per_day=20)) as api,
        hold_answers(api) as answered,
        command(api, tmp_path / "one", instance_home) as one,
    ):
        until(lambda: api.requests, MEET_S, lambda: "The first run asks for nothing.")
        with command(api, tmp_path / "two", instance_home) as two:
            until(lambda: meet(api, instance_home), MEET_S, lambda: "The runs do not meet.")
            answered.set()
            assert [run.wait(60) for run in (one, two)] == [0, 0]
        assert tree_bytes(tmp_path / "one") == tree_bytes(tmp_path / "two")
        return api.peak_concurrency


@contextmanager
def hold_answers(api: Sandbox) -> Iterator[threading.Event]:
    """Gives what is to be set before the API answers anything; it is set at the end in any case."""
    answer, answered = api.account.answer, threading.Event()

    def held(*given: Any) -> bytes:
        answered.wait()
        return answer(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api.account, "answer", held)
        try:
            yield answered
        finally:
            answered.set()


def waits_for_the_pool(_: Sandbox, instance_home: Path) -> bool:
    with dg.DagsterInstance.from_config(str(instance_home)) as instance:
        return instance.event_log_storage.get_concurrency_info(POOL).pending_step_count > 0


def asks_too(api: Sandbox, _: Path) -> bool:
    return api.peak_concurrency > 1


@pytest.mark.slow
def test_two_runs_in_one_instance_never_ask_the_api_at_once_with_our_settings(tmp_path):
    of_one_run = CallsApi.model_fields["concurrency"].default
    assert peak(tmp_path / "with our settings", limited=True, meet=waits_for_the_pool) <= of_one_run
    # Each run asks for its first page alone, so two requests at once are of two runs.
    assert peak(tmp_path / "with no limit", limited=False, meet=asks_too) > 1


if __name__ == "__main__":
    nursery_main()
