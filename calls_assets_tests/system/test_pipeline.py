"""The pipeline through Dagster, on the sandbox API over sockets."""

import json
import shutil
import stat
import weakref
from datetime import date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from upath import UPath

from calls_assets.api import crawl
from calls_assets.api.document import Query
from calls_assets.api.spool import Spool
from calls_assets.checks.catalog import ADDS_UP, Check, CheckOutcome
from calls_assets.checks.computed import TABLE_CHECKS, TableCheck
from calls_assets.days import day_start
from calls_assets.definitions import build
from calls_assets.metrics import run as metrics_run
from calls_assets.pipeline import compute
from calls_assets.report.periods import periods_of
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, ListFault, Sandbox, WireFault
from calls_assets.settings import Settings
from calls_assets.tables.catalog import TABLES
from calls_assets.tables.made_with import MEMORY

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 8)  # New York's clocks go forward on the last day
ZONE, UTC = "America/New_York", ZoneInfo("UTC")


def tree_bytes(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def tables_of(tree):
    return {name: content for name, content in tree.items() if name.endswith(".parquet")}


@pytest.fixture(scope="module")
def centre():
    return Centre(zone=ZONE, calls_per_day=120)


@pytest.fixture
def undisturbed(centre, run_pipeline, made_once, tmp_path):
    """What lies in a tree of three days as documented; a copy lies in tmp_path / "undisturbed"."""

    def pull(root):
        with Sandbox(centre) as api:
            assert run_pipeline(api, root, FIRST, LAST, ZONE, select=None).success

    return tree_bytes(shutil.copytree(made_once("three_days", pull), tmp_path / "undisturbed"))


def test_every_table_has_a_file_for_every_day(undisturbed):
    days = [FIRST + timedelta(days=n) for n in range(3)]
    assert set(tables_of(undisturbed)) == {f"{name}/date={day}/{name}.parquet" for name in TABLES for day in days}
    pages = {f"daily_report/date={day}/daily_report.html" for day in days} | {"daily_report/index.html"}
    periods = {f"daily_report/{period.page}" for period in periods_of(days)}
    assert set(undisturbed) - set(tables_of(undisturbed)) == {*pages, *periods, MEMORY}


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(zone="America/New_York", date_to_inclusive=False, order="oldest_first"),
        Behaviour(zone="Pacific/Kiritimati", order="shuffled", page_cap=37),
        Behaviour(zone="Pacific/Pago_Pago", date_to_inclusive=False, total_as="string"),
    ],
    ids=["local exclusive oldest first", "ahead shuffled capped", "behind exclusive text total"],
)
def test_no_reading_of_the_document_changes_a_byte(centre, run_pipeline, undisturbed, tmp_path, behaviour):
    """All else is computed from these files, the same each time: see the next test."""
    pulled = [name for name, table in TABLES.items() if not table.inputs]
    with Sandbox(centre, behaviour) as api:
        assert run_pipeline(api, tmp_path / "other", FIRST, LAST, ZONE, select=pulled).success
    files = tables_of(tree_bytes(tmp_path / "other"))
    assert files == {name: content for name, content in undisturbed.items() if name.split("/")[0] in pulled}


def test_computing_again_changes_no_byte(centre, run_pipeline, undisturbed, tmp_path):
    """Tables and pages alike."""
    root = tmp_path / "undisturbed"
    pulled = [name for name, table in TABLES.items() if not table.inputs]
    for folder in root.iterdir():
        if folder.is_dir() and folder.name not in pulled:
            shutil.rmtree(folder)
    computed = [name for name, table in TABLES.items() if table.inputs]
    with Sandbox(centre) as api:
        assert run_pipeline(api, root, FIRST, LAST, ZONE, select=[*computed, "daily_report"]).success
    assert api.requests == []
    assert tree_bytes(root) == undisturbed


def test_a_day_alone_gives_the_bytes_that_it_has_within_a_range(centre, run_pipeline, undisturbed, tmp_path):
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path / "alone", LAST, LAST, ZONE).success
    assert tables_of(tree_bytes(tmp_path / "alone")).items() <= undisturbed.items()


def test_each_day_of_a_range_has_its_own_rows_and_checks(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api, dg.DagsterInstance.ephemeral() as instance:
        assert run_pipeline(api, tmp_path, FIRST, LAST, ZONE, instance=instance).success
        for day in (FIRST, LAST):
            (event,) = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey("calls"), asset_partitions=[str(day)]), limit=1
            ).records
            rows = pq.read_metadata(tmp_path / "calls" / f"date={day}" / "calls.parquet").num_rows
            assert event.asset_materialization.metadata["dagster/row_count"].value == rows
        key = dg.AssetCheckKey(dg.AssetKey("reconciliation"), "agrees")
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


def test_an_empty_account_gives_typed_files_and_a_total_row(run_pipeline, tmp_path):
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, FIRST, FIRST).success
    (row,) = ds.dataset(tmp_path / "service_level", format="parquet").to_table().to_pylist()
    assert (row["dimension"], row["calls_offered"], row["service_level"]) == ("total", 0, None)


def failures(result):
    """The errors of the steps that failed themselves."""
    return [event.event_specific_data.error for event in result.all_events if event.is_step_failure]


def test_a_call_on_each_side_of_midnight_lands_on_its_own_day(make_call, run_pipeline, tmp_path):
    midnight = day_start(LAST, ZoneInfo(ZONE))
    account = FixedCalls([(make_call(1, midnight - 1), ["all_inbound"]), (make_call(2, midnight), ["all_inbound"])])
    with Sandbox(account) as api:
        assert run_pipeline(api, tmp_path, FIRST, LAST, ZONE).success
    ids = {
        day: pq.read_table(tmp_path / "calls" / f"date={day}" / "calls.parquet")["call_id"].to_pylist()
        for day in (LAST - timedelta(days=2), LAST - timedelta(days=1), LAST)
    }
    assert list(ids.values()) == [[], [1], [2]]


def test_a_filtered_pull_holds_one_ring_group_and_agrees_with_the_api(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path / "all", FIRST, FIRST, ZONE).success
        everything = ds.dataset(tmp_path / "all" / "calls", format="parquet").to_table()
        group = min(everything["ring_group_id"].drop_null().to_pylist())
        filters = Query(ring_group_id=group)
        result = run_pipeline(api, tmp_path / "one", FIRST, FIRST, ZONE, filters=filters)
    wanted = everything.filter(pc.field("ring_group_id") == group)
    assert ds.dataset(tmp_path / "one" / "calls", format="parquet").to_table().equals(wanted)
    assert all(check.passed for check in result.get_asset_check_evaluations())


@pytest.mark.slow
def test_the_bytes_on_an_object_store_are_those_on_disk(centre, run_pipeline, undisturbed, s3_root):
    with Sandbox(centre) as api:
        assert run_pipeline(api, s3_root, FIRST, LAST, ZONE, select=None).success
    root = UPath(s3_root)
    assert {path.path.removeprefix(f"{root.path}/"): path.read_bytes() for path in root.glob("**/*.*")} == undisturbed


def test_metrics_are_recomputed_without_asking_the_api(centre, run_pipeline, undisturbed, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(
            api, tmp_path / "undisturbed", FIRST, LAST, ZONE, select=["calls", "service_level", "agent_talk_time"]
        )
    assert result.success
    assert api.requests == []
    assert tree_bytes(tmp_path / "undisturbed") == undisturbed


def test_a_metric_without_its_input_names_the_table_and_the_day(run_pipeline, tmp_path):
    with Sandbox(FixedCalls([])) as api:
        result = run_pipeline(api, tmp_path / "data", FIRST, FIRST, select=["service_level"])
    (error,) = failures(result)
    assert f"calls has no file for {FIRST}" in error.message
    assert not (tmp_path / "data").exists()


def test_days_that_landed_before_a_failure_stay_materialized(centre, run_pipeline, tmp_path):
    blocked = tmp_path / "service_level" / f"date={LAST}"
    blocked.parent.mkdir()
    blocked.write_text("a file where a folder should be")
    with Sandbox(centre) as api, dg.DagsterInstance.ephemeral() as instance:
        result = run_pipeline(api, tmp_path, FIRST, LAST, ZONE, instance=instance)
        done = instance.get_materialized_partitions(dg.AssetKey("service_level"))
        blocked.unlink()
        retried = run_pipeline(api, tmp_path, LAST, LAST, ZONE, instance=instance, select=["service_level"])
        healed = instance.get_materialized_partitions(dg.AssetKey("service_level"))
    assert not result.success
    assert str(LAST) in failures(result)[0].message
    assert done == {str(FIRST), str(FIRST + timedelta(days=1))}
    assert retried.success
    assert healed == done | {str(LAST)}


def test_labels_alone_are_pulled_only_for_the_calls_that_lie_there(make_call, run_pipeline, tmp_path):
    noon = day_start(FIRST, UTC) + 43_200
    account = [(make_call(n, noon + n), ["all_inbound", "transfer"]) for n in range(2)]
    with Sandbox(FixedCalls(account[:1])) as api:
        assert run_pipeline(api, tmp_path, FIRST, FIRST).success
        assert run_pipeline(api, tmp_path, FIRST, FIRST, select=["raw_call_types", "reconciliation"]).success
    before = tree_bytes(tmp_path)
    with Sandbox(FixedCalls(account)) as api:
        result = run_pipeline(api, tmp_path, FIRST, FIRST, select=["raw_call_types", "reconciliation"])
    assert failures(result)[0].message.startswith(f"raw_calls of {FIRST} is no longer what the API returns")
    assert tree_bytes(tmp_path) == before


def test_a_check_fails_on_the_day_that_it_is_about(make_call, run_pipeline, tmp_path):
    noon = day_start(LAST, ZoneInfo(ZONE)) + 43_200
    fields = {"type": None, "requested_callback": True, "is_inbound": True, "is_answered": False, "is_ended": True}
    guessed, before = make_call(1, noon, **fields), LAST - timedelta(days=1)
    with Sandbox(FixedCalls([(guessed, ["all_inbound"])])) as api, dg.DagsterInstance.ephemeral() as instance:
        assert run_pipeline(api, tmp_path, before, LAST, ZONE, instance=instance).success
        key = dg.AssetCheckKey(dg.AssetKey("calls"), "outcomes_from_vendor")
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    ended = {record.partition: record.status.value for record in history if record.partition}
    assert ended == {str(before): "SUCCEEDED", str(LAST): "FAILED"}


def test_a_day_whose_numbers_are_wrong_is_not_replaced(centre, run_pipeline, undisturbed, tmp_path, monkeypatch):
    wrong = {ADDS_UP: CheckOutcome(False, "ivr does not sum to the total.")}
    monkeypatch.setitem(TABLE_CHECKS, "service_level", TableCheck(lambda _rows: wrong))
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path / "undisturbed", FIRST, LAST, ZONE, select=["service_level"])
    told = f"service_level of {FIRST} fails adds_up and was not replaced: ivr does not sum to the total."
    assert [error.message for error in failures(result)] == [told]
    assert tree_bytes(tmp_path / "undisturbed") == undisturbed


def test_a_check_that_the_ui_does_not_know_is_refused_and_not_lost(
    centre, run_pipeline, undisturbed, tmp_path, monkeypatch
):
    unknown = {Check("service_level", "new", "A check that nobody declared."): CheckOutcome(False, "It failed.")}
    monkeypatch.setitem(TABLE_CHECKS, "service_level", TableCheck(lambda _rows: unknown))
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path / "undisturbed", FIRST, LAST, ZONE, select=["service_level"])
    (error,) = failures(result)
    assert error.message == "service_level has a check new that is not among CHECKS: add it to checks/catalog.py."
    assert tree_bytes(tmp_path / "undisturbed") == undisturbed


@pytest.mark.parametrize(("bad", "lands"), [(1, True), (2, False)])
def test_a_bad_record_costs_no_day_unless_too_many_are_bad(make_call, run_pipeline, tmp_path, bad, lands):
    noon = day_start(FIRST, UTC) + 43_200
    calls = [make_call(n, noon + n, **({"id": f"call {n}"} if n < bad else {})) for n in range(10)]
    with Sandbox(FixedCalls([(call, ["all_inbound"]) for call in calls])) as api:
        result = run_pipeline(api, tmp_path / "data", FIRST, FIRST)
    assert result.success == lands
    if lands:
        (row,) = ds.dataset(tmp_path / "data" / "rejected_calls", format="parquet").to_table().to_pylist()
        assert (row["call_id"], row["reason"]) == (None, "id is a string, not an integer")
        status = ds.dataset(tmp_path / "data" / "day_status", format="parquet").to_table().to_pylist()[0]
        assert status["records_unread"] == 1
        assert "records_unread" in status["status"]
    else:
        sentence = failures(result)[0].message
        assert "2 of 10 records around 2026-03-06 could not be read" in sentence
        (path,) = (path for path in (tmp_path / "data").rglob("*") if path.is_file())
        assert str(path) in sentence
        records = [json.loads(line) for line in path.read_text().splitlines()]
        assert [json.loads(record["record"])["id"] for record in records] == ["call 0", "call 1"]
        assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_a_day_of_which_much_could_not_be_read_is_never_final(make_call, run_pipeline, tmp_path):
    noon = day_start(FIRST, UTC) + 43_200
    calls = [make_call(n, noon + n, is_inbound=True, **({"id": None} if n > 5 else {})) for n in range(10)]
    with Sandbox(FixedCalls([(call, ["all_inbound"]) for call in calls])) as api:
        assert run_pipeline(api, tmp_path, FIRST, FIRST, api_fields={"max_rejected_share": 1.0}).success
    (total,) = (
        ds.dataset(tmp_path / "abandonment", format="parquet")
        .to_table(filter=pc.field("dimension") == "total")
        .to_pylist()
    )
    assert "records_unread" in total["day_status"]


def test_a_day_that_is_still_open_is_marked_and_its_calls_in_progress_count_in_no_rate(
    run_pipeline, tmp_path, make_call
):
    now = datetime.now(UTC)
    running = make_call(1, int(now.timestamp()), is_ended=False, is_answered=False)
    with Sandbox(FixedCalls([(running, ["all_inbound"])])) as api, dg.DagsterInstance.ephemeral() as instance:
        assert run_pipeline(api, tmp_path, now.date(), now.date(), instance=instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("service_level"))
    metadata = event.asset_materialization.metadata
    assert (metadata["is_open_day"].value, metadata["calls_offered"].value) == (True, 0)
    (call,) = ds.dataset(tmp_path / "calls", format="parquet").to_table().to_pylist()
    assert call["outcome"] == "in_progress"


def test_a_refused_token_ends_in_one_sentence_and_touches_no_file(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path / "data", FIRST, FIRST, ZONE, token="wrong-secret")
    (error,) = failures(result)
    assert error.message.startswith(f"{api.url}/calls/ says ")
    assert error.message.endswith(" and refused the token (401): set CALLS_API_TOKEN to a valid one.")
    assert (error.stack, error.cause) == ([], None)
    assert not (tmp_path / "data").exists()


def test_a_wrong_setting_ends_every_run_in_its_sentence(centre, run_pipeline, tmp_path):
    with Sandbox(centre) as api:
        result = run_pipeline(api, tmp_path, FIRST, FIRST, problems=("CALLS_TIMEZONE is wrong.",))
    assert {error.message for error in failures(result)} == {"CALLS_TIMEZONE is wrong."}


def test_fields_that_the_document_does_not_name_are_logged_once_a_run(make_call, run_pipeline, tmp_path):
    noons = [day_start(day, UTC) + 43_200 for day in (FIRST, LAST)]
    calls = [make_call(n, noon, mood=1, contact={"id": 1, "vip": True}) for n, noon in enumerate(noons)]
    with Sandbox(FixedCalls([(call, []) for call in calls])) as api, dg.DagsterInstance.ephemeral() as instance:
        result = run_pipeline(
            api, tmp_path, FIRST, LAST, instance=instance, api_fields={"calls_per_window": 1}, select=["raw_calls"]
        )
        told = [
            record.message
            for record in instance.all_logs(result.run_id)
            if record.message.startswith("The API's records")
        ]
    assert told == [
        "The API's records differ from its document; what cannot be read is kept in raw_calls.extra: contact.vip as a "
        "boolean, mood as an integer."
    ]


def test_records_that_tell_no_day_land_once_on_the_first_day_however_the_range_is_cut(
    make_call, run_pipeline, tmp_path
):
    calls = [make_call(n, day_start(FIRST, UTC) + n * 10_000) for n in range(25)]
    lost = [make_call(99, 0, started_at="noon"), {"id": None}, {"id": None}]
    account = FixedCalls([(call, []) for call in (*calls, *lost)])
    for name, most in (("whole", 1000), ("cut", 1)):
        with Sandbox(account) as api:
            fields = {"calls_per_window": most, "max_rejected_share": 0.9}
            assert run_pipeline(api, tmp_path / name, FIRST, LAST, api_fields=fields).success
    assert tree_bytes(tmp_path / "cut") == tree_bytes(tmp_path / "whole")
    rejected = ds.dataset(tmp_path / "cut" / "rejected_calls", format="parquet").to_table().to_pylist()
    assert [(row["local_date"], row["call_id"]) for row in rejected] == [(FIRST, 99), (FIRST, None), (FIRST, None)]


def test_a_day_that_is_not_proven_complete_shows_that(centre, run_pipeline, tmp_path):
    short = ListFault(kind="total", where=lambda given: "callType" not in given)
    with Sandbox(centre, faults=[short]) as api, dg.DagsterInstance.ephemeral() as instance:
        result = run_pipeline(api, tmp_path / "data", FIRST, LAST, ZONE, instance=instance)
        key = dg.AssetCheckKey(dg.AssetKey("raw_calls"), "complete")
        history = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    (error,) = failures(result)
    shown = {(record.partition, record.status.value) for record in history if record.status.value == "FAILED"}
    assert shown == {(str(FIRST + timedelta(days=n)), "FAILED") for n in range(3)}
    assert "did not add up" in error.message
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_what_is_known_of_the_account_saves_requests_and_changes_nothing(centre, run_pipeline, undisturbed, tmp_path):
    behaviour = Behaviour(zone=ZONE, date_to_inclusive=True, page_cap=20)
    known = {"dates_zone": ZoneInfo(ZONE), "date_to_inclusive": True}
    asked = {}
    for name, settings in (("known", known), ("unknown", {})):
        with Sandbox(centre, behaviour) as api:
            assert run_pipeline(api, tmp_path / name, FIRST, LAST, ZONE, **settings).success
            asked[name] = len(api.requests)
        assert tables_of(tree_bytes(tmp_path / name)) == tables_of(undisturbed)
    assert asked["known"] < asked["unknown"]


def test_an_account_that_reads_dates_in_another_zone_than_said_costs_no_file(centre, run_pipeline, tmp_path):
    with Sandbox(centre, Behaviour(zone="Asia/Tokyo")) as api:
        result = run_pipeline(api, tmp_path / "data", FIRST, LAST, ZONE, dates_zone=ZoneInfo(ZONE))
    assert f"The API gave calls from outside {FIRST} to " in failures(result)[0].message
    assert not (tmp_path / "data").exists()


def test_days_of_a_long_run_show_as_materialized_while_it_goes_on(centre, run_pipeline, tmp_path):
    seen = []

    def look(given):
        seen.append((given["dateFrom"], instance.get_materialized_partitions(dg.AssetKey("raw_calls"))))
        return False

    with (
        dg.DagsterInstance.ephemeral() as instance,
        Sandbox(centre, faults=[WireFault(kind="reset", where=look)]) as api,
    ):
        result = run_pipeline(
            api,
            tmp_path,
            FIRST,
            LAST,
            ZONE,
            instance=instance,
            select=["raw_calls"],
            api_fields={"calls_per_window": 1},
        )
        lines = [record.message for record in instance.all_logs(result.run_id) if "calls/s" in record.message]
    assert result.success
    assert seen[-1][1] == {str(FIRST), str(FIRST + timedelta(days=1))}
    assert [f"{n} of 3 days" in line for n, line in enumerate(lines, 1)] == [True] * 3


def test_a_backfill_takes_all_days_in_one_run_unless_a_number_is_set():
    whole, split = build(Settings()), build(Settings(days_per_run=7))
    policies = {
        (asset.backfill_policy.policy_type.value, asset.backfill_policy.max_partitions_per_run)
        for defs in (whole, split)
        for asset in defs.assets
    }
    assert policies == {("SINGLE_RUN", None), ("MULTI_RUN", 7)}


@pytest.mark.slow
def test_a_day_that_is_too_large_for_memory_gives_the_same_rows(
    centre, run_pipeline, undisturbed, tmp_path, monkeypatch
):
    monkeypatch.setattr("calls_assets.api.crawled.ROW_GROUP_ROWS", 7)
    monkeypatch.setattr("calls_assets.api.crawled.Spool", partial(Spool, most_in_memory=0))
    with Sandbox(centre, Behaviour(order="shuffled", page_cap=20)) as api:
        assert run_pipeline(api, tmp_path / "large", FIRST, LAST, ZONE).success
    file = f"raw_calls/date={FIRST}/raw_calls.parquet"
    assert pq.read_metadata(tmp_path / "large" / file).num_row_groups > 2
    for name in tables_of(undisturbed):
        assert pq.read_table(tmp_path / "large" / name).equals(pq.read_table(tmp_path / "undisturbed" / name))


def test_one_window_is_in_memory_at_a_time(centre, run_pipeline, tmp_path, monkeypatch):
    pulled = []
    read = crawl.Crawler.crawl

    def crawl_alone(self, query, *given, **how):
        is_window = query.call_type is None
        assert not is_window or [crawled() for crawled in pulled] == [None] * len(pulled)
        crawled = read(self, query, *given, **how)
        if is_window:
            pulled.append(weakref.ref(crawled))
        return crawled

    monkeypatch.setattr(crawl.Crawler, "crawl", crawl_alone)
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path, FIRST, LAST, ZONE, api_fields={"calls_per_window": 1}).success
    assert len(pulled) == 3


def test_a_long_range_is_computed_a_few_days_at_a_time(centre, run_pipeline, undisturbed, tmp_path, monkeypatch):
    asked = []

    def spy(table, inputs, days, zone, waits):
        asked.append((table.name, len(days)))
        return metrics_run.compute(table, inputs, days, zone, waits)

    monkeypatch.setattr(compute, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(compute, "compute", spy)
    with Sandbox(centre) as api:
        assert run_pipeline(api, tmp_path / "few", FIRST, LAST, ZONE).success
    assert [length for name, length in asked if name == "calls"] == [1, 1, 1]
    assert tables_of(tree_bytes(tmp_path / "few")) == tables_of(undisturbed)
