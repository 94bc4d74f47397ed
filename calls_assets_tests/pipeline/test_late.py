"""Calls change after they end: a re-pull of a day says what changed, and keeps what earlier ones said."""

import os
from datetime import date

import dagster as dg
import pyarrow.parquet as pq
import pytest

from calls_assets.sandbox import FixedCalls, Sandbox

DAY = date(2026, 3, 6)
NOON = 1_772_798_400
FETCHED = ("raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation")


@pytest.fixture
def pull(make_call, run_pipeline, tmp_path):
    """Pulls the day with the given calls, as changes of a call by id; gives the result and the rows of call_changes."""
    data = tmp_path / "data"

    def pull(calls, **run):
        source = FixedCalls(
            [(make_call(id_, NOON + id_, **changes), {"all_inbound"}) for id_, changes in calls.items()]
        )
        with Sandbox(source) as api:
            result = run_pipeline(api, data, DAY, DAY, **{"select": FETCHED} | run)
        assert result.success
        file = data / f"call_changes/date={DAY}/call_changes.parquet"
        return result, pq.read_table(file).to_pylist() if file.exists() else None

    pull.file = data / f"raw_calls/date={DAY}/raw_calls.parquet"
    return pull


def said(rows):
    return [(row["call_id"], row["change"], row["field"]) for row in rows]


def metadata(result):
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey("raw_calls")]
    return event.materialization.metadata


def test_a_first_pull_has_nothing_to_compare_with(pull):
    result, rows = pull({1: {}})
    assert rows == []
    assert not [name for name in metadata(result) if name.startswith("late_")]


def test_each_pull_adds_what_changed_since_the_one_before(pull):
    pull({1: {"talk_time": 5}, 2: {}, 3: {}})
    result, rows = pull({1: {"talk_time": 6, "tags": ["vip"]}, 3: {}, 4: {}})
    first = [(1, "changed", "tags"), (1, "changed", "talk_time"), (2, "gone", None), (4, "new", None)]
    assert said(rows) == first
    figures = {name: value.value for name, value in metadata(result).items() if name.startswith("late_")}
    assert {name: figures[f"late_calls_{name}"] for name in ("new", "gone", "changed")} == dict.fromkeys(
        ("new", "gone", "changed"), 1
    )
    assert "| talk_time | 1 |" in figures["late_changes_by_field"]
    os.utime(pull.file, (NOON + 10**6, NOON + 10**6))
    _, rows = pull({1: {"talk_time": 7, "tags": ["vip"]}, 3: {}, 4: {}})
    assert sorted(said(rows), key=str) == sorted([*first, (1, "changed", "talk_time")], key=str)
    assert {row["age_s"] for row in rows} == {int(row["pulled_at"].timestamp()) - 1_772_841_600 for row in rows}


def test_a_pull_that_changes_nothing_adds_nothing(pull):
    pull({1: {}})
    result, rows = pull({1: {}})
    assert rows == []
    assert metadata(result)["late_calls_changed"].value == 0


def test_what_came_while_the_day_was_open_is_no_late_change(pull):
    pull({1: {}})
    os.utime(pull.file, (NOON, NOON))
    _, rows = pull({1: {}, 2: {}})
    assert rows == []


@pytest.mark.parametrize(("talk_s", "kept"), [(6, [(1, "changed", "talk_time")]), (5, [])])
def test_what_a_killed_run_told_of_already_gives_way_to_what_the_next_pull_finds(pull, talk_s, kept):
    pull({1: {"talk_time": 5}})
    before, placed = pull.file.read_bytes(), pull.file.stat().st_mtime
    pull({1: {"talk_time": 6}})
    pull.file.write_bytes(before)
    os.utime(pull.file, (placed, placed))
    assert said(pull({1: {"talk_time": talk_s}})[1]) == kept


def test_calls_that_changed_are_not_replaced_without_their_changes(pull, make_call, run_pipeline, tmp_path):
    pull({1: {}})
    pull({1: {}}, select=["raw_calls"])
    before = pull.file.read_bytes()
    with Sandbox(FixedCalls([(make_call(1, NOON + 1, talk_time=9), {"all_inbound"})])) as api:
        result = run_pipeline(api, tmp_path / "data", DAY, DAY, select=["raw_calls"])
    (failure,) = result.get_step_failure_events()
    assert "materialize it together with call_changes" in str(failure.step_failure_data.error)
    assert pull.file.read_bytes() == before


def test_changes_alone_are_landed_as_they_are(pull):
    pull({1: {"talk_time": 5}})
    _, rows = pull({1: {"talk_time": 6}})
    assert pull({1: {"talk_time": 7}}, select=["call_changes"])[1] == rows
