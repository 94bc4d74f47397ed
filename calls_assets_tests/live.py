"""Dagster's real servers as one command starts them, told what to do over GraphQL."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import requests

PLACE = {"repositoryLocationName": "calls_assets.definitions", "repositoryName": "__repository__"}
READY_S, RUN_S, STOP_S = 90, 300, 20
OVER = ("SUCCESS", "FAILURE", "CANCELED")

LAUNCH = """mutation ($execution: ExecutionParams!) { launchRun(executionParams: $execution) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message path ... on FieldNotDefinedConfigError { fieldName } } }
    ... on PythonError { message } } }"""
AGAIN = """mutation ($run: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message } } }"""
BACKFILL = """mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message } } }"""
STATUS = "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
RUN = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
LOG = """query ($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
    __typename ... on MessageEvent { message } ... on ErrorEvent { error { message } } } } } }"""


def until(done: Callable[[], Any], seconds: float, otherwise: Callable[[], str]) -> Any:
    """The first true answer of `done`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := done():
            return answer
        time.sleep(0.25)
    return pytest.fail(otherwise())


def new_home(folder: Path, more: str = "") -> Path:
    """A Dagster home with our dagster.yaml, and `more` settings behind it."""
    folder.mkdir()
    shipped = files("calls_assets").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (folder / "dagster.yaml").write_text(shipped + more, encoding="utf-8")
    return folder


@dataclass
class Live:
    """Servers over one Dagster home; may be killed and started again.

    Attributes:
        home: The Dagster home.
        environ: The project's settings.
        log: Where the servers write to.
        command: The module that starts them, with its arguments: web server, daemon and code location, or fewer.
        url: The address of the web server.
        process: The servers' process, where they run.
    """

    home: Path
    environ: dict[str, str]
    log: Path
    command: tuple[str, ...] = ("dagster", "dev")
    url: str = ""
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
        command = [sys.executable, "-m", *self.command, "-m", "calls_assets.definitions"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-p", str(port)],
                cwd=self.home,
                env=inherited | self.environ | {"DAGSTER_HOME": str(self.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._answers, READY_S, self.log.read_text)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        with suppress(requests.RequestException):
            return bool(self.graphql("{ version }")["version"])
        return False

    def stop(self) -> None:
        """Stop the servers as a person does, and whatever they leave."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
        self.crash()

    def crash(self) -> None:
        """What a power cut does to the servers and to their runs."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    @property
    def data(self) -> Path:
        """The root of the Parquet tree."""
        return Path(self.environ["CALLS_DATA_URL"])

    def try_to_launch(
        self, first: str, last: str, config: dict[str, Any], assets: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What comes of asking for a run over a range of days, of every asset unless some are named."""
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        chosen = {"assetSelection": [{"path": [name]} for name in assets]} if assets else {}
        execution = {
            "selector": PLACE | {"jobName": "calls_pipeline"} | chosen,
            "runConfigData": config,
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }
        launched: dict[str, Any] = self.graphql(LAUNCH, execution=execution)["launchRun"]
        return launched

    def launch(self, first: str, last: str, config: dict[str, Any] | None = None, assets: Sequence[str] = ()) -> str:
        """Queue a run over a range of days; gives its id."""
        launched = self.try_to_launch(first, last, config or {}, assets)
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def backfill(self, days: Sequence[str], assets: Sequence[str], seconds: float) -> str:
        """How a backfill of some days, as the UI starts it, ends."""
        params = {"assetSelection": [{"path": [name]} for name in assets], "partitionNames": [*days], "title": ""}
        launched = self.graphql(BACKFILL, backfill=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched

        def over() -> str | None:
            status = str(self.graphql(STATUS, id=launched["backfillId"])["partitionBackfillOrError"]["status"])
            return status if status.startswith(("COMPLETED", "FAILED", "CANCELED")) else None

        return str(until(over, seconds, self.log.read_text))

    def reexecute(self, run_id: str, strategy: str) -> str:
        """Queue a run anew, as the button of the UI with that strategy does; gives the new one's id."""
        params = {"parentRunId": run_id, "strategy": strategy, "useParentRunTags": True}
        launched = self.graphql(AGAIN, run=params)["launchRunReexecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def status(self, run_id: str) -> str:
        return str(self.graphql(RUN, run=run_id)["runOrError"]["status"])

    def told(self, run_id: str) -> str:
        """All that a run's log says."""
        return json.dumps(self.graphql(LOG, run=run_id)["logsForRun"]["events"], indent=1)

    def end_of(self, run_id: str, seconds: float = RUN_S) -> str:
        """How a run ends."""

        def over() -> str | None:
            status = self.status(run_id)
            return status if status in OVER else None

        return str(until(over, seconds, lambda: f"{self.status(run_id)}: {self.told(run_id)}"))

    def pid_of(self, run_id: str) -> int:
        """The process of a run that has begun."""

        def found() -> int | None:
            events = self.graphql(LOG, run=run_id)["logsForRun"]["events"]
            begun = [text for event in events if "(pid: " in (text := event.get("message", ""))]
            return int(begun[-1].split("(pid: ")[1].split(")")[0]) if begun else None

        return int(until(found, RUN_S, lambda: self.told(run_id)))


@contextmanager
def live(
    folder: Path, environ: dict[str, str], command: tuple[str, ...] = ("dagster", "dev"), more: str = ""
) -> Iterator[Live]:
    """Servers in a home of their own in `folder`, with `more` settings than ours, stopped in the end."""
    servers = Live(new_home(folder / "home", more), environ, folder / "servers.log", command)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()
