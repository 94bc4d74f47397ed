"""A tree remembers the settings that it was made with, and a run with others is refused before it changes anything."""

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from upath import UPath

from calls_assets.api.document import Query
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.made_with import MEMORY
from calls_assets.tables.store import TableStore

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 7)
KEY, OTHER_KEY = "a-key-of-pseudonyms", "another-key-of-pseudonyms"
FILTERS = Query(number_ids=(1, 2), ring_group_id=1)


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=30)) as api:
        yield api


@pytest.fixture
def pull(api, run_pipeline, tmp_path, monkeypatch):
    """Runs the pipeline on a tree; gives the sentences of the steps that failed themselves."""

    def pull(key="", root=tmp_path / "data", last=LAST, **settings):
        monkeypatch.setenv("CALLS_PRIVACY_KEY", key)
        result = run_pipeline(api, root, FIRST, last, **settings)
        return [event.event_specific_data.error.message for event in result.all_events if event.is_step_failure]

    pull.root = tmp_path / "data"
    pull.memory = tmp_path / "data" / MEMORY
    return pull


RAW = ["raw_calls", "rejected_calls", "call_changes"]
"""What is pulled fastest."""


def tree_bytes(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_memory_is_plain_json_without_a_secret_and_for_no_other_eyes(pull):
    settings = {"privacy": "pseudonymise", "filters": FILTERS, "times_zone": ZoneInfo("Europe/Madrid")}
    assert pull(KEY, zone="America/New_York", select=RAW, **settings) == []
    known = json.loads(pull.memory.read_text())
    fingerprint = known.pop("CALLS_PRIVACY_KEY")
    assert known == {
        "CALLS_FILTERS": "numberIds=1,2&ringGroupId=1",
        "CALLS_PRIVACY": "pseudonymise",
        "CALLS_TIMES_ZONE": "Europe/Madrid",
        "CALLS_TIMEZONE": "America/New_York",
    }
    assert len(fingerprint) == 16
    assert KEY not in pull.memory.read_text()
    assert list(json.loads(pull.memory.read_text())) == sorted([*known, "CALLS_PRIVACY_KEY"])
    assert stat.S_IMODE(pull.memory.stat().st_mode) == 0o640


PSEUDONYMS = {"key": KEY, "privacy": "pseudonymise"}
REFUSED = {
    "zone": (
        {},
        {"zone": "America/New_York"},
        "CALLS_TIMEZONE=UTC, but this run has CALLS_TIMEZONE=America/New_York: set CALLS_TIMEZONE=UTC",
    ),
    "privacy": (
        {},
        {"privacy": "drop"},
        "CALLS_PRIVACY=keep, but this run has CALLS_PRIVACY=drop: set CALLS_PRIVACY=keep",
    ),
    "less privacy": (
        PSEUDONYMS,
        {},
        "CALLS_PRIVACY=pseudonymise, but this run has CALLS_PRIVACY=keep: set CALLS_PRIVACY=pseudonymise",
    ),
    "key": (
        PSEUDONYMS,
        PSEUDONYMS | {"key": OTHER_KEY},
        "one CALLS_PRIVACY_KEY, but this run has another CALLS_PRIVACY_KEY: set the CALLS_PRIVACY_KEY of the tree",
    ),
    "filter added": (
        {},
        {"filters": Query(ring_group_id=1)},
        "no CALLS_FILTERS, but this run has CALLS_FILTERS=ringGroupId=1: unset CALLS_FILTERS",
    ),
    "filter taken out": (
        {"filters": FILTERS},
        {},
        "CALLS_FILTERS=numberIds=1,2&ringGroupId=1, but this run has no CALLS_FILTERS: "
        "set CALLS_FILTERS=numberIds=1,2&ringGroupId=1",
    ),
    "zone of times": (
        {"times_zone": ZoneInfo("Europe/Madrid")},
        {"times_zone": ZoneInfo("UTC")},
        "CALLS_TIMES_ZONE=Europe/Madrid, but this run has CALLS_TIMES_ZONE=UTC: set CALLS_TIMES_ZONE=Europe/Madrid",
    ),
    "zone of times taken out": (
        {"times_zone": ZoneInfo("Europe/Madrid")},
        {},
        "CALLS_TIMES_ZONE=Europe/Madrid, but this run has no CALLS_TIMES_ZONE: set CALLS_TIMES_ZONE=Europe/Madrid",
    ),
    "several": (
        {},
        {"zone": "Asia/Tokyo", "filters": Query(ivr_id=1)},
        "CALLS_TIMEZONE=UTC and no CALLS_FILTERS, but this run has CALLS_TIMEZONE=Asia/Tokyo and CALLS_FILTERS=ivrId=1: "
        "set CALLS_TIMEZONE=UTC and unset CALLS_FILTERS",
    ),
}


@pytest.mark.parametrize(("before", "now", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_run_with_other_settings_is_refused_before_the_api_is_asked(pull, api, before, now, sentence):
    assert pull(**before, select=RAW) == []
    tree, asked = tree_bytes(pull.root), len(api.requests)
    told = f"The tree in {pull.root} was made with {sentence}, or set CALLS_DATA_URL to a tree of its own."
    assert pull(**now) == [told]
    assert pull(**now, select=["raw_calls"]) == [told]
    assert len(api.requests) == asked
    assert tree_bytes(pull.root) == tree


def test_the_same_settings_go_on_in_whatever_order_filters_are_given(pull):
    first = {"filters": Query(number_ids=(1, 2), disposition_ids=(4, 3))}
    again = {"filters": Query(number_ids=(2, 1, 2), disposition_ids=(3, 4)), "page_size": 50}
    assert pull(**first, select=[*RAW, "raw_call_types", "calls"]) == []
    known = pull.memory.read_bytes()
    assert pull(**again, select=RAW) == []
    assert pull(**first, select=[*RAW, "raw_call_types", "calls"]) == []
    assert pull.memory.read_bytes() == known


def test_a_key_that_is_not_in_use_is_not_compared(pull):
    assert pull(KEY, last=FIRST, select=RAW) == []
    assert pull(OTHER_KEY, last=FIRST, select=RAW) == []


def test_a_zone_of_times_may_still_be_set_where_none_was_known(pull):
    one = {"last": FIRST, "select": RAW}
    assert pull(**one) == []
    assert pull(times_zone=ZoneInfo("Europe/Madrid"), **one) == []
    (told,) = pull(times_zone=ZoneInfo("UTC"), **one)
    assert "was made with CALLS_TIMES_ZONE=Europe/Madrid" in told


@pytest.mark.parametrize("table", ["calls", "service_level", "daily_report"])
def test_what_is_computed_needs_the_zone_of_the_tree_and_nothing_else(pull, api, made_once, table):
    def make(root):
        assert pull(root=root, select=None) == []

    shutil.copytree(made_once("two_days_with_pages", make), pull.root)
    tree, asked = tree_bytes(pull.root), len(api.requests)
    (told,) = pull(zone="Asia/Tokyo", select=[table])
    assert told == (
        f"The tree in {pull.root} was made with CALLS_TIMEZONE=UTC, but this run has CALLS_TIMEZONE=Asia/Tokyo: "
        "set CALLS_TIMEZONE=UTC, or set CALLS_DATA_URL to a tree of its own."
    )
    assert tree_bytes(pull.root) == tree
    assert pull(privacy="drop", filters=FILTERS, select=[table]) == []
    assert len(api.requests) == asked
    assert tree_bytes(pull.root) == tree


def test_a_tree_without_a_memory_adopts_the_settings_of_the_next_pull(pull):
    assert pull(privacy="drop", select=[*RAW, "raw_call_types"]) == []
    pull.memory.unlink()
    assert pull(select=["calls"]) == []
    assert not pull.memory.exists()
    assert pull(privacy="drop", select=RAW) == []
    assert json.loads(pull.memory.read_text())["CALLS_PRIVACY"] == "drop"
    (told,) = pull()
    assert "was made with CALLS_PRIVACY=drop, but" in told


@pytest.mark.parametrize("select", [None, ["calls"]], ids=["all", "calls"])
@pytest.mark.parametrize(
    "content",
    [b"", b'{"CALLS_TIMEZONE": "UT', b"{}", b"[]", b"\xff\xfe", b'{"CALLS_TIMEZONE": 1}', b"[" * 100_000],
    ids=lambda content: repr(content[:30]),
)
def test_a_memory_that_cannot_be_read_is_named_with_what_to_do(pull, api, content, select):
    pull.memory.parent.mkdir()
    pull.memory.write_bytes(content)
    asked = len(api.requests)
    assert pull(select=select) == [
        f"{pull.memory} does not hold the settings that the tree was made with: restore it, or remove it and pull with "
        "these settings, which writes it again."
    ]
    assert len(api.requests) == asked
    assert tree_bytes(pull.root) == {MEMORY: content}


def test_nothing_is_remembered_of_a_pull_that_lands_nothing(pull, api, run_pipeline):
    assert not run_pipeline(api, pull.root, FIRST, LAST, token="wrong").success
    assert not pull.root.exists()
    assert pull(zone="Asia/Tokyo", select=["raw_calls"]) == []


@pytest.mark.slow
def test_an_object_store_remembers_as_a_folder_does(pull, api, s3_root):
    one = {"root": s3_root, "last": FIRST}
    some = [*RAW, "raw_call_types", "calls"]
    assert pull(**one, select=some) == []
    tree, asked = {path.path: path.read_bytes() for path in UPath(s3_root).glob("**/*.*")}, len(api.requests)
    assert json.loads((UPath(s3_root) / MEMORY).read_bytes())["CALLS_TIMEZONE"] == "UTC"
    for select in (None, ["calls"]):
        (told,) = pull(**one, zone="Asia/Tokyo", select=select)
        assert told.startswith(f"The tree in {s3_root} was made with CALLS_TIMEZONE=UTC, but this run has")
    assert len(api.requests) == asked
    assert {path.path: path.read_bytes() for path in UPath(s3_root).glob("**/*.*")} == tree
    assert pull(**one, select=some) == []


@pytest.mark.slow
def test_of_two_first_runs_at_once_one_decides_and_the_other_lands_nothing(api, tmp_path):
    data, asked = tmp_path / "data", len(api.requests)
    days = {"UTC": FIRST, "Pacific/Auckland": LAST}
    began_s = time.monotonic()

    def start(zone):
        home = tmp_path / zone.replace("/", "_")
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CALLS_", "DAGSTER_"))}
        account = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(data)}
        command = [Path(sys.executable).parent / "calls-assets", "run", "--from", str(days[zone])]
        given = kept | account | {"CALLS_TIMEZONE": zone}
        return subprocess.Popen(command, cwd=home, env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with TableStore(str(data)).alone(lambda: None, create=True):  # until both have begun to pull
        runs = {zone: start(zone) for zone in days}
        while len({given["dateTo"] for given in api.requests[asked:]}) < 2 and time.monotonic() < began_s + 60:
            time.sleep(0.05)
    told = {zone: run.communicate(timeout=120)[1] for zone, run in runs.items()}
    (won,) = (zone for zone, run in runs.items() if run.returncode == 0)
    (lost,) = runs.keys() - {won}
    assert json.loads((data / MEMORY).read_text())["CALLS_TIMEZONE"] == won
    assert f"was made with CALLS_TIMEZONE={won}, but this run has CALLS_TIMEZONE={lost}: " in told[lost]
    assert {path.name for path in data.glob("*/date=*")} == {f"date={days[won]}"}
