"""An analyst reads the tree: every table, as pandas, Arrow and DuckDB, from a folder and from S3."""

import shutil
import sys
from datetime import UTC, date, datetime

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import calls_assets
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.catalog import TABLES
from calls_assets.tables.store import MissingDay

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 8)


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=60)) as api:
        yield api


@pytest.fixture(scope="module")
def pulled(api, run_pipeline, tmp_path_factory):
    """The root of a tree of three days, which nobody may change."""
    root = tmp_path_factory.mktemp("pulled")
    assert run_pipeline(api, root, FIRST, LAST).success
    return root


def test_pandas_keeps_whole_numbers_flags_and_instants_what_they_are(tree):
    calls = calls_assets.read("calls", "2026-03-06", LAST)
    types = calls.dtypes.map(lambda kind: kind.pyarrow_dtype)
    assert dict(types) == dict(zip(TABLES["calls"].arrow_schema.names, TABLES["calls"].arrow_schema.types, strict=True))
    assert calls["disposition_id"].isna().any()
    assert sorted(calls["local_date"].unique()) == [FIRST, date(2026, 3, 7), LAST]


def test_polars_keeps_numbers_instants_and_lists_what_they_are(tree):
    calls = calls_assets.read("calls", FIRST, FIRST, to="polars")
    kinds = {name: str(kind) for name, kind in calls.schema.items()}
    assert kinds["local_date"] == "Date"
    assert kinds["started_at"] == "Datetime(time_unit='us', time_zone='UTC')"
    assert (kinds["call_id"], kinds["is_ended"], kinds["list_ids"]) == ("Int64", "Boolean", "List(Int64)")
    assert calls["disposition_id"].null_count() > 0
    rows = calls_assets.read("calls", FIRST, FIRST, to="arrow").to_pylist()
    assert calls.rows() == [tuple(row.values()) for row in rows]


def test_where_polars_is_missing_it_is_said_what_to_install(tree, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r"needs another package: pip install 'calls_assets\[polars\]'\."):
        calls_assets.read("calls", to="polars")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_comes_in_every_form_with_the_same_rows(tree, name):
    arrow = calls_assets.read(name, to="arrow")
    assert arrow.schema.equals(TABLES[name].arrow_schema, check_metadata=True)
    assert calls_assets.read(name).shape == arrow.shape
    assert calls_assets.read(name, to="polars").equals(pl.DataFrame(arrow))
    relation = calls_assets.read(name, to="duckdb")
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    assert relation.to_arrow_table().cast(arrow.schema).equals(arrow)


def test_only_the_days_and_columns_that_are_asked_for_come(tree):
    day = calls_assets.read("calls", "2026-03-07", "2026-03-07", columns=["call_id", "local_date"])
    assert list(day.columns) == ["call_id", "local_date"]
    assert set(day["local_date"]) == {date(2026, 3, 7)}
    assert len(calls_assets.read("calls", start="2026-03-07")) > len(day)


@pytest.mark.slow
def test_s3_gives_the_same(tree, api, run_pipeline, s3_root):
    assert run_pipeline(api, s3_root, FIRST, LAST).success
    for to in ("pandas", "arrow", "duckdb"):
        remote = calls_assets.read("service_level", to=to, data_url=s3_root)
        local = calls_assets.read("service_level", to=to)
        if to == "duckdb":
            remote, local = remote.fetchall(), local.fetchall()
        assert remote.equals(local) if to != "duckdb" else remote == local
    with calls_assets.connect(data_url=s3_root) as connection:
        assert connection.execute("SELECT count(DISTINCT local_date) FROM calls").fetchone() == (3,)


def test_days_without_a_file_are_told_of_and_the_others_come(tree):
    shutil.rmtree(tree / "calls" / "date=2026-03-07")
    (tree / "calls" / "date=2026-03-09").mkdir()
    with pytest.warns(
        calls_assets.MissingDays, match="calls has no file for 3 of the days from 2026-03-06 to 2026-03-10"
    ):
        calls = calls_assets.read("calls", FIRST, "2026-03-10")
    assert set(calls["local_date"]) == {FIRST, LAST}


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        (("cals",), ValueError, "There is no table 'cals': the tables are raw_calls, "),
        (("calls", "2026-02-30"), ValueError, "start is a day as YYYY-MM-DD, but '2026-02-30' was given"),
        (("calls", "2026-03-08", "2026-03-07"), ValueError, "start is not after end, but 2026-03-08 and 2026-03-07"),
        (
            ("calls", "2025-01-01", "2025-01-31"),
            MissingDay,
            "no day from 2025-01-01 to 2025-01-31 .* only 2026-03-06 to 2026-03-08",
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(tree, arguments, kind, sentence):
    with pytest.raises(kind, match=sentence):
        calls_assets.read(*arguments)


def test_sql_is_told_of_holes_too(tree):
    shutil.rmtree(tree / "calls" / "date=2026-03-07")
    with (
        pytest.warns(calls_assets.MissingDays, match="Of the 3 days from .* there is no file of calls for 1"),
        calls_assets.connect() as connection,
    ):
        assert connection.execute("SELECT count(DISTINCT local_date) FROM calls").fetchone() == (2,)


def test_a_column_may_stand_alone_and_a_root_be_a_path(tree):
    assert list(calls_assets.read("calls", columns="call_id", data_url=tree).columns) == ["call_id"]
    with pytest.raises(ValueError, match="columns is empty: the columns of calls are local_date, "):
        calls_assets.read("calls", columns=[])


def test_a_wrong_column_form_or_root_is_said_in_a_sentence(tree, tmp_path):
    with pytest.raises(ValueError, match="calls has no column talk: its columns are local_date, call_id"):
        calls_assets.read("calls", columns=["talk"])
    with pytest.raises(ValueError, match="to is pandas, polars, arrow or duckdb, but 'spark' was given"):
        calls_assets.read("calls", to="spark")
    with pytest.raises(MissingDay, match=r"calls has no days in .*elsewhere: check CALLS_DATA_URL"):
        calls_assets.read("calls", data_url=str(tmp_path / "elsewhere"))
    with pytest.raises(MissingDay, match="No table has a file from 2030-01-01 in"):
        calls_assets.connect("2030-01-01")


def test_every_table_is_a_view_whose_columns_say_what_they_mean(tree):
    shutil.rmtree(tree / "rejected_calls")
    with calls_assets.connect(FIRST, FIRST) as connection:
        for table in TABLES.values():
            assert connection.table(table.name).columns == table.arrow_schema.names
        named = "SELECT concat_ws('.', schema_name, table_name, column_name), comment FROM duckdb_columns()"
        said = dict(connection.execute(named).fetchall())
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM rejected_calls), count(DISTINCT local_date) FROM calls"
        )
        assert counts.fetchone() == (0, 1)
    told = {column.name: column.description for column in TABLES["agent_talk_time"].columns}["talk_s"] + " Unit: s."
    assert said["main.agent_talk_time.talk_s"] == said["weekly.agent_talk_time.talk_s"] == told
    assert all(said[f"main.{table.name}.{column.name}"] for table in TABLES.values() for column in table.columns)


def test_whole_weeks_and_months_are_read_like_days(tree):
    days, weeks, months = (calls_assets.read("service_level", by=by) for by in ("day", "week", "month"))
    assert list(days.columns) == list(weeks.columns) == list(months.columns)
    totals = weeks[weeks["dimension"] == "total"]
    assert totals["local_date"].to_list() == [date(2026, 3, 2)]
    assert totals["calls_offered"].sum() == days[days["dimension"] == "total"]["calls_offered"].sum()
    part = calls_assets.read("call_flow", LAST, LAST, by="month", columns=["local_date", "calls"])
    assert part["local_date"].to_list()[0] == date(2026, 3, 1)
    assert part["calls"].max() < calls_assets.read("call_flow", by="month")["calls"].max()


@pytest.mark.parametrize(
    ("table", "by", "sentence"),
    [
        ("calls", "week", "calls has no weeks: only day_status, "),
        ("service_level", "year", "by is day, week or month, but 'year' was given."),
    ],
)
def test_what_has_no_weeks_or_months_is_said(tree, table, by, sentence):
    with pytest.raises(ValueError, match=sentence):
        calls_assets.read(table, by=by)


@pytest.mark.parametrize("day", [FIRST, LAST], ids=["in the first file", "in a later file"])
def test_files_from_before_a_column_was_added_hold_null_in_it(tree, day):
    place = tree / f"service_level/date={day}/service_level.parquet"
    old = pq.ParquetFile(place).read().drop_columns(["wait_calls", "threshold_s", "day_status"])
    pq.write_table(old, place)
    rows = calls_assets.read("service_level")
    assert list(rows.columns) == TABLES["service_level"].arrow_schema.names
    assert set(rows[rows["day_status"].isna()]["local_date"]) == {day}
    with calls_assets.connect(day, day) as connection:
        assert connection.execute("SELECT DISTINCT day_status, wait_calls FROM service_level").fetchall() == [
            (None, None)
        ]
        assert connection.execute("SELECT count(*) FROM weekly.service_level").fetchone()[0] > 0


def test_results_are_plain_pandas_and_arrow(tree):
    assert isinstance(calls_assets.read("service_level"), pd.DataFrame)
    assert isinstance(calls_assets.read("service_level", to="arrow"), pa.Table)


def test_instants_count_as_their_day(tree):
    first = calls_assets.read("calls", FIRST, FIRST)
    assert calls_assets.read("calls", datetime(2026, 3, 6, 12, tzinfo=UTC), pd.Timestamp("2026-03-06")).equals(first)


def test_the_tree_of_an_env_file_is_read_as_the_commands_read_it(pulled, tmp_path, monkeypatch):
    monkeypatch.setenv("CALLS_DATA_URL", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"CALLS_DATA_URL={pulled}\n")
    assert len(calls_assets.read("calls")) > 0
