"""The pipeline through Dagster, on the sandbox API over sockets."""

from datetime import date, timedelta

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Sandbox
from calls_assets.tables.dictionary import TABLES

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 8)  # New York's clocks go forward on the last day
ZONE = "America/New_York"


def tree_bytes(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def centre():
    return Centre(zone=ZONE, calls_per_day=120)


@pytest.fixture
def undisturbed(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path / "undisturbed", FIRST, LAST, ZONE).success
    return tree_bytes(tmp_path / "undisturbed")


def test_every_table_has_a_file_for_every_day(undisturbed):
    days = [FIRST + timedelta(days=n) for n in range(3)]
    assert set(undisturbed) == {f"{name}/date={day}/{name}.parquet" for name in TABLES for day in days}


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(zone="America/New_York", date_to_inclusive=False, order="oldest_first"),
        Behaviour(zone="Pacific/Kiritimati", order="shuffled", page_cap=37),
        Behaviour(zone="Pacific/Pago_Pago", date_to_inclusive=False, total_as_string=True),
    ],
    ids=["local exclusive oldest first", "ahead shuffled capped", "behind exclusive text total"],
)
def test_no_reading_of_the_document_changes_a_byte(centre, run_pipeline, undisturbed, tmp_path, behaviour):
    with Sandbox(centre, behaviour) as api:
        assert run_pipeline(api, tmp_path / "other", FIRST, LAST, ZONE).success
    assert tree_bytes(tmp_path / "other") == undisturbed


def test_a_day_alone_gives_the_bytes_that_it_has_within_a_range(centre, run_pipeline, undisturbed, tmp_path):
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path / "alone", LAST, LAST, ZONE).success
    assert tree_bytes(tmp_path / "alone").items() <= undisturbed.items()


def test_each_day_of_a_range_has_its_own_rows_and_checks(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api, dg.DagsterInstance.ephemeral() as instance:
        assert run_pipeline(api, tmp_path, FIRST, LAST, ZONE, instance=instance).success
        for day in (FIRST, LAST):
            (event,) = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey("calls"), asset_partitions=[str(day)]), limit=1
            ).records
            rows = pq.read_metadata(tmp_path / "calls" / f"date={day}" / "calls.parquet").num_rows
            assert event.asset_materialization.metadata["dagster/row_count"].value == rows
        key = dg.AssetCheckKey(dg.AssetKey("service_level"), "adds_up")
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
        assert {str(FIRST), str(LAST)} <= {record.partition for record in history}
        assert {record.status.value for record in history} == {"SUCCEEDED"}


def test_the_whole_tree_reads_with_every_tool(undisturbed, tmp_path):
    for name in TABLES:
        root = tmp_path / "undisturbed" / name
        rows = ds.dataset(root, partitioning="hive").to_table().num_rows
        assert len(pd.read_parquet(root)) == rows
        assert pl.read_parquet(root / "**/*.parquet").height == rows
        assert duckdb.sql(f"SELECT count(*) FROM '{root}/*/*.parquet'").fetchall() == [(rows,)]


def test_a_refused_call_type_costs_no_day_and_shows_in_a_check(centre, run_pipeline, tmp_path):
    with Sandbox(centre, Behaviour(refused_call_types=frozenset({"abandoned", "overflowed"}))) as api:
        result = run_pipeline(api, tmp_path, FIRST, FIRST, ZONE)
    assert result.success
    failed = {check.check_name: check.description for check in result.get_asset_check_evaluations() if not check.passed}
    assert failed["all_answered"] == "The API refused abandoned, overflowed."
    assert "outcomes_from_vendor" in failed


def test_an_empty_account_gives_typed_files_and_a_total_row(run_pipeline, tmp_path):
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, FIRST, FIRST).success
    (row,) = ds.dataset(tmp_path / "service_level", format="parquet").to_table().to_pylist()
    assert (row["dimension"], row["calls_offered"], row["service_level"]) == ("total", 0, None)


def test_a_refused_token_ends_in_one_sentence_and_touches_no_file(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path / "data", FIRST, FIRST, ZONE, token="wrong-secret")
    told = " ".join(str(event.event_specific_data) for event in result.all_events if event.is_step_failure)
    assert not result.success
    assert "refused the token (401): set CALLS_API_TOKEN to a valid one." in told
    assert "wrong-secret" not in told
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_ends_every_run_in_its_sentence(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path, FIRST, FIRST, problems=("CALLS_TIMEZONE is wrong.",))
    assert not result.success
    assert any("CALLS_TIMEZONE is wrong." in str(event.event_specific_data) for event in result.all_events)
