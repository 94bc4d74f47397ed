"""The project under Dagster's own daemon and queue: what ends up there must end, whatever dies in between."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from calls_assets.sandbox import Behaviour, Centre, Sandbox, WireFault
from calls_assets_tests.live import Live, live, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # servers are started twice, beside whatever else runs

DAYS = [f"2026-03-0{n}" for n in range(1, 5)]
FETCHED = ["raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation"]
A_DAY_AT_A_TIME = {"resources": {"calls_api": {"config": {"calls_per_window": 1}}}}
RECOMPUTED_S = 180  # a sensor looks each minute, and its run has to start


@pytest.fixture
def refused() -> set[str]:
    """Values of dateFrom that the account refuses."""
    return set()


@pytest.fixture
def api(refused: set[str]) -> Iterator[Sandbox]:
    fault = WireFault("status", status=400, where=lambda given: given.get("dateFrom") in refused)
    with Sandbox(Centre(calls_per_day=20), Behaviour(latency_s=0.3), faults=[fault]) as api:
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


def test_a_failed_day_is_pulled_or_the_run_says_that_it_was_not_and_a_day_pulled_alone_is_computed(
    servers, api, refused
):
    first, last = DAYS[0], DAYS[2]
    assert servers.end_of(servers.launch(first, last)) == "SUCCESS"
    refused.add(DAYS[1])  # where the request window of the last day alone begins
    failed = servers.launch(first, last, A_DAY_AT_A_TIME)
    assert servers.end_of(failed) == "FAILURE", servers.told(failed)
    refused.clear()

    by_assets = servers.reexecute(failed, "FROM_ASSET_FAILURE")
    assert servers.end_of(by_assets) == "FAILURE", servers.told(by_assets)
    sentence = "The previous run did not finish fetch_calls, and 'From asset failure' skips that"
    assert sentence in servers.told(by_assets)
    asked = len(api.requests)
    by_steps = servers.reexecute(failed, "FROM_FAILURE")
    assert servers.end_of(by_steps) == "SUCCESS", servers.told(by_steps)
    assert len(api.requests) > asked

    alone = servers.launch(last, last, assets=FETCHED)
    assert servers.end_of(alone) == "SUCCESS", servers.told(alone)
    raw, level = (servers.data / f"{name}/date={last}/{name}.parquet" for name in ("raw_calls", "service_level"))
    assert level.stat().st_mtime < raw.stat().st_mtime
    until(lambda: level.stat().st_mtime > raw.stat().st_mtime, RECOMPUTED_S, servers.log.read_text)
