"""What several tests need: the document's sample, one call after it, and runs of the pipeline on the sandbox."""

import copy
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import dagster as dg
import hypothesis
import pytest
from moto.server import ThreadedMotoServer

from calls_assets.definitions import build
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.sandbox.calls import SimulatedCall
from calls_assets.sandbox.dialects import OBJECTS
from calls_assets.sandbox.hostile import HOSTILE_WORDS
from calls_assets.settings import Settings
from calls_assets.tables.catalog import TABLES

for profile in ("few", "all"):  # of the examples that `examples.py` counts
    hypothesis.settings.register_profile(profile, deadline=None)  # how long an example takes depends on the machine
hypothesis.settings.load_profile("few")


def pytest_configure() -> None:
    """What tests start can be stopped, also where the tests run in the background of a script and so ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that at the end no process waits for another's long test."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


MOST_DAYS = 300
"""How many simulated days stay in memory."""

SAMPLE = (Path(__file__).parent / "sample_response.json").read_bytes()


@pytest.fixture(autouse=True)
def settings_stay() -> Iterator[None]:
    """A command that a test calls sets variables for its own process, which is the next test's too."""
    before = {name: value for name, value in os.environ.items() if name.startswith("CALLS_")}
    yield
    for name in [name for name in os.environ if name.startswith("CALLS_")]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def days_simulated_once() -> Iterator[Callable[[Centre, date], tuple[SimulatedCall, ...]]]:
    """Equal centres share the days that they have simulated; gives how a centre simulates one itself."""
    simulate = Centre._finished
    days: dict[tuple[object, ...], tuple[SimulatedCall, ...]] = {}

    def shared(centre: Centre, day: date) -> tuple[SimulatedCall, ...]:
        key = (centre.seed, centre.zone, centre.calls_per_day, id(centre.kind), centre.meaning, day)
        found = days.get(key)
        if found is None:
            if len(days) >= MOST_DAYS:
                days.clear()
            found = days[key] = simulate(centre, day)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Centre, "_finished", shared)
        yield simulate


@pytest.fixture
def sample() -> bytes:
    return SAMPLE


@pytest.fixture
def make_call() -> Callable[..., dict[str, Any]]:
    """Makes a call after the document's first one, with the given fields changed."""

    def make(call_id: int, start: int, /, **changes: Any) -> dict[str, Any]:
        call = copy.deepcopy(json.loads(SAMPLE)["calls"][0])
        return call | {"id": call_id, "started_at": start} | changes

    return make


@pytest.fixture(scope="session")
def hostile_calls() -> Callable[[date], Iterator[tuple[dict[str, Any], set[str]]]]:
    """Makes an answered call of a day for each hostile word, with an agent, a ring group and all else of an id of its own.

    In the sandbox's dialect `hostile_words` each of these has another name.
    """

    def make(day: date) -> Iterator[tuple[dict[str, Any], set[str]]]:
        noon = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
        plain = json.loads(SAMPLE)["calls"][0] | {"is_inbound": True, "started_at": noon}
        for n, _ in enumerate(HOSTILE_WORDS):
            own = {name: plain[name] | {"id": n} for name in OBJECTS}
            leg = plain["all_agents"][0] | {"id": n, "started_at": noon + 9}
            legs = {"agents": [n], "all_agents": [leg], "answered_agents": [leg], "talk_time": 600 + n}
            yield plain | own | legs | {"id": n + 1}, {"all_inbound", "inbound_answered"}

    return make


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Gives the folder of a name, which the first test process that asks for it fills for all; tests only read it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base

    def made(name: str, make: Callable[[Path], None]) -> Path:
        root, done = shared / f"shared-{name}", shared / f"shared-{name}.done"
        with (shared / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(root, ignore_errors=True)
                root.mkdir()
                make(root)
                done.touch()
        return root

    return made


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server on loopback."""
    server = ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_root(s3_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The URL of an empty folder in an S3 bucket, with what clients need to reach it in the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="calls")
    return f"s3://calls/{tmp_path.name}"


@pytest.fixture
def tree(pulled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a copy of a module's `pulled` tree, which CALLS_DATA_URL names."""
    monkeypatch.setenv("CALLS_DATA_URL", str(tmp_path / "data"))
    return shutil.copytree(pulled, tmp_path / "data")


@pytest.fixture(scope="session")
def run_pipeline() -> Callable[..., dg.ExecuteInProcessResult]:
    """Runs every table, or the assets of `select`, through Dagster over the days from `first` to `last`.

    The daily pages, which take as long as all tables, are made where `select` is None. `api_fields` are fields of the
    resource `calls_api`, as the UI's launchpad sets them.
    """

    def run(
        api: Sandbox,
        data: Path | str,
        first: date,
        last: date,
        zone: str = "UTC",
        instance: dg.DagsterInstance | None = None,
        select: Sequence[str] | None = tuple(TABLES),
        api_fields: dict[str, Any] | None = None,
        **settings: Any,
    ) -> dg.ExecuteInProcessResult:
        environ = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": settings.pop("token", api.token)}
        tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
        keys = None if select is None else [dg.AssetKey(name) for name in select]
        required = {"url": {"env": "CALLS_API_URL"}, "token": {"env": "CALLS_API_TOKEN"}}
        config = {"resources": {"calls_api": {"config": required | api_fields}}} if api_fields else None
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            built = build(Settings(zone=ZoneInfo(zone), data_url=str(data), **settings))
            return built.resolve_job_def("calls_pipeline").execute_in_process(
                run_config=config, tags=tags, instance=instance, asset_selection=keys, raise_on_error=False
            )

    return run


@pytest.fixture(scope="session")
def reported(
    made_once: Callable[[str, Callable[[Path], None]], Path], run_pipeline: Callable[..., dg.ExecuteInProcessResult]
) -> Path:
    """The root of a tree with all tables and pages from Monday 2 to Tuesday 10 March 2026; tests only read it."""

    def make(root: Path) -> None:
        with Sandbox(Centre(calls_per_day=80)) as api:
            assert run_pipeline(api, root, date(2026, 3, 2), date(2026, 3, 10), select=None).success

    return made_once("reported", make)
