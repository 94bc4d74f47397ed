"""The project under Dagster's own daemon and queue: what ends up there must end, whatever dies in between."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from calls_assets.sandbox import Behaviour, Centre, Sandbox
from calls_assets_tests.live import Live, live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # servers are started twice, beside whatever else runs

DAYS = [f"2026-03-0{n}" for n in range(1, 5)]


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    with Sandbox(Centre(calls_per_day=20), Behaviour(latency_s=0.3)) as api:
        yield api


@pytest.fixture
def servers(tmp_path: Path, api: Sandbox) -> Iterator[Live]:
    environ = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(tmp_path / "data")}
    with live(tmp_path, environ) as servers:
        yield servers


def asking(servers: Live, api: Sandbox, day: str) -> str:
    """A run that holds the place at the API."""
    before = len(api.requests)
    run = servers.launch(day, day)
    while len(api.requests) <= before:
        assert servers.status(run) in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED"), servers.told(run)
        time.sleep(0.05)
    return run


def test_the_queue_goes_on_after_killed_runs_and_after_a_reboot(servers, api):
    killed = asking(servers, api, DAYS[0])
    os.kill(servers.pid_of(killed), signal.SIGKILL)
    waiting = servers.launch(DAYS[1], DAYS[1])
    assert servers.end_of(waiting) == "SUCCESS", servers.told(waiting)
    assert servers.end_of(killed) == "FAILURE"

    running = asking(servers, api, DAYS[2])
    behind = servers.launch(DAYS[3], DAYS[3])
    pid = servers.pid_of(running)
    servers.crash()
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    servers.start()
    assert servers.end_of(behind) == "SUCCESS", servers.told(behind)
    assert servers.end_of(running) == "FAILURE"
