"""The hour of a call is the hour at the centre, in whatever documented way it is asked for, also when clocks change."""

import json
import re
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pyarrow.compute as pc
import pytest

import calls_assets
from calls_assets.commands.sql import print_query
from calls_assets.metrics.periods import periodic
from calls_assets.sandbox import FixedCalls, Sandbox
from calls_assets.tables.catalog import ALL_TABLES, TABLES
from calls_assets.tables.made_with import MEMORY

NEW_YORK = ZoneInfo("America/New_York")
FIRST, LAST = date(2026, 10, 31), date(2026, 11, 2)

STARTS = (
    datetime(2026, 10, 31, 8, 40, tzinfo=NEW_YORK),
    datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK),
    datetime(2026, 11, 1, 1, 45, tzinfo=NEW_YORK, fold=1),  # an hour later: the clocks have been put back
    datetime(2026, 11, 1, 8, 40, tzinfo=NEW_YORK),  # a day later on the wall, and 25 hours
    datetime(2026, 11, 1, 23, 55, tzinfo=NEW_YORK),  # with talk after midnight
    datetime(2026, 11, 2, 17, 5, tzinfo=NEW_YORK),
)
HOURS = {number: at.hour for number, at in enumerate(STARTS, 1)}
QUESTION = re.compile(r"^## (\d+)\. .*?^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)
COOKBOOK = dict(QUESTION.findall((Path(__file__).parents[2] / "docs" / "cookbook.md").read_text()))


@pytest.fixture(scope="module")
def pull(run_pipeline):
    """Pulls the calls of `STARTS` into a tree of New York's days."""
    plain = json.loads((Path(__file__).parents[1] / "sample_response.json").read_bytes())["calls"][0]

    def record(number, at, **changes):
        began = int(at.timestamp())
        legs = [{"id": 7, "alias": "Ann", "started_at": began + 10, "type": "agent", "is_any_transfer": False}]
        answered = {
            "is_answered": True,
            "is_ended": True,
            "answered_agents": legs,
            "all_agents": legs,
            "talk_time": 900,
        }
        contact = plain["contact"] | {"id": 1 if number == 4 else number}
        own = {"id": number, "started_at": began, "original_call_id": None, "contact": contact}
        return plain | own | answered | changes

    inbound = [record(number, at, is_inbound=True) for number, at in enumerate(STARTS, 1)]
    outbound = [call | {"id": call["id"] + 100, "is_inbound": False} for call in inbound]
    closed = [call | {"id": call["id"] + 200, "is_answered": False, "talk_time": 0} for call in inbound]
    legless = {"answered_agents": [], "all_agents": []}
    account = [(call, set()) for call in [*inbound, *outbound]]
    account += [(call | legless, {"out_of_business_hours"}) for call in closed]

    def pull(root):
        with Sandbox(FixedCalls(account)) as api:
            assert run_pipeline(api, root, FIRST, LAST, NEW_YORK.key).success

    return pull


@pytest.fixture(scope="module")
def pulled(pull, tmp_path_factory):
    """The root of a tree of New York's days, which nobody may change."""
    root = tmp_path_factory.mktemp("pulled")
    pull(root)
    return root


def by_read(_root):
    calls = calls_assets.read("calls")
    return calls["call_id"], calls["started_at"].dt.hour


def by_arrow(_root):
    calls = calls_assets.read("calls", to="arrow")
    return calls["call_id"].to_pylist(), pc.hour(calls["started_at"]).to_pylist()


def by_polars(_root):
    calls = calls_assets.read("calls", to="polars")
    return calls["call_id"], calls["started_at"].dt.hour()


def by_a_relation(_root):
    return zip(*calls_assets.read("calls", to="duckdb").project("call_id, hour(started_at)").fetchall(), strict=True)


def by_a_relations_frame(_root):
    calls = calls_assets.read("calls", to="duckdb").df()
    return calls["call_id"], calls["started_at"].dt.hour


def by_connect(_root):
    with calls_assets.connect() as connection:
        return zip(*connection.execute("SELECT call_id, hour(started_at) FROM calls").fetchall(), strict=True)


def by_files_in_pandas(root):
    calls = pd.read_parquet(root / "calls")
    return calls["call_id"], calls["started_at_local"].dt.hour


def by_files_in_polars(root):
    calls = pl.read_parquet(f"{root}/calls/**/*.parquet")
    return calls["call_id"], calls["started_at_local"].dt.hour()


def by_files_in_duckdb_elsewhere(root):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        query = f"SELECT call_id, hour(started_at_local) FROM '{root}/calls/*/*.parquet'"
        return zip(*connection.execute(query).fetchall(), strict=True)


WAYS = (
    by_read,
    by_arrow,
    by_polars,
    by_a_relation,
    pytest.param(by_a_relations_frame, marks=pytest.mark.filterwarnings("ignore:The inplace keyword")),  # of DuckDB's
    by_connect,
    by_files_in_pandas,
    by_files_in_polars,
    by_files_in_duckdb_elsewhere,
)


@pytest.mark.parametrize("way", WAYS)
def test_the_hour_of_a_call_is_the_hour_at_the_centre(tree, way):
    ids, hours = way(tree)
    found = dict(zip(ids, hours, strict=True))
    assert {number: found[number] for number in HOURS} == HOURS


def test_sql_shows_instants_with_their_offset_and_local_times_as_a_spreadsheet_reads_them(tree, capfdbinary):
    print_query(
        "SELECT started_at, started_at_local, hour(started_at) FROM calls WHERE call_id < 100", None, None, True
    )
    _, *rows = capfdbinary.readouterr().out.decode().splitlines()
    assert rows[1:3] == [
        "2026-11-01 01:45:00-04,2026-11-01 01:45:00,1",
        "2026-11-01 01:45:00-05,2026-11-01 01:45:00,1",
    ]
    assert [int(row.split(",")[-1]) for row in rows] == list(HOURS.values())


@pytest.mark.parametrize(("question", "column"), [("13", 0), ("18", 1)])
def test_the_cookbooks_hours_are_the_centres(tree, question, column):
    with calls_assets.connect() as connection:
        found = connection.execute(COOKBOOK[question]).fetchall()
    assert {row[column] for row in found} == set(HOURS.values())


def test_twenty_four_hours_are_those_that_pass_not_those_on_the_wall(tree):
    with calls_assets.connect() as connection:
        found = {row[0]: row[1:3] for row in connection.execute(COOKBOOK["3"]).fetchall()}
    # Each caller came at once to a closed line as well. The first called again after 25 hours, which is not within 24.
    assert found == {"answered": (4, 4), "out_of_hours": (4, 0)}


def on_the_wall(instants):
    return [at.astimezone(NEW_YORK).replace(tzinfo=None) for at in instants.to_pylist()]


@pytest.mark.parametrize(
    ("table", "by"),
    [
        *((name, "day") for name, table in ALL_TABLES.items() if "interval_start_local" in table.arrow_schema.names),
        *((table.name, "week") for table in periodic() if "interval_start_local" in table.arrow_schema.names),
    ],
)
def test_every_half_hour_has_its_local_time_beside_it(tree, table, by):
    rows = calls_assets.read(table, by=by, to="arrow")
    assert rows.schema.field("interval_start").type.tz == NEW_YORK.key
    assert rows["interval_start_local"].to_pylist() == on_the_wall(rows["interval_start"])
    walls = {str(wall) for wall in rows["interval_start_local"].to_pylist()}
    assert "2026-11-01 01:30:00" in walls
    assert ("2026-11-02 00:00:00" in walls) == (table in ("talk_load", "agent_intervals"))  # talk that went on


def test_files_hold_instants_in_utc_and_the_wall_clock_without_a_zone(tree):
    calls = pd.read_parquet(tree / "calls").set_index("call_id")
    assert str(calls["started_at"].dt.tz) == "UTC"
    assert calls["started_at_local"].dt.tz is None
    assert calls.loc[[2, 3], "started_at"].diff().iloc[1] == timedelta(hours=1)
    assert {str(wall) for wall in calls.loc[[2, 3], "started_at_local"]} == {"2026-11-01 01:45:00"}


def test_a_tree_that_does_not_say_its_zone_is_read_in_that_of_the_settings(tree, monkeypatch):
    (tree / MEMORY).unlink()
    last = max(at.astimezone(UTC) for at in STARTS)
    assert calls_assets.read("calls")["started_at"].max().hour == last.hour
    monkeypatch.setenv("CALLS_TIMEZONE", "Asia/Kathmandu")
    assert calls_assets.read("calls")["started_at"].max().hour == last.astimezone(ZoneInfo("Asia/Kathmandu")).hour


def test_a_tree_whose_zone_cannot_be_told_is_not_read_in_a_wrong_one(tree):
    known = json.loads((tree / MEMORY).read_text())
    (tree / MEMORY).write_text(json.dumps(known | {"CALLS_TIMEZONE": "Mars/Olympus"}))
    with pytest.raises(
        ValueError, match="was made with CALLS_TIMEZONE=Mars/Olympus, a zone that this machine does not know"
    ):
        calls_assets.read("calls")
    (tree / MEMORY).write_text("{")
    with pytest.raises(ValueError, match="does not hold the settings that the tree was made with"):
        calls_assets.connect()


def test_the_zone_of_the_machine_changes_no_byte(pull, pulled, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        pull(tmp_path)
    finally:
        monkeypatch.undo()
        time.tzset()
    compared = [name for name in TABLES if name not in ("call_changes", "raw_calls")]
    for name in compared:
        shown = {path.relative_to(pulled): path.read_bytes() for path in sorted((pulled / name).rglob("*.parquet"))}
        assert shown == {
            path.relative_to(tmp_path): path.read_bytes() for path in sorted((tmp_path / name).rglob("*.parquet"))
        }
    shutil.rmtree(tmp_path)
