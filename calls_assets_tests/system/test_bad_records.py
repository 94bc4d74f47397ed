"""Records that are not what the document says: each is kept, kept with null for what is impossible, or set aside."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow.dataset as ds
import pytest

from calls_assets.days import day_start
from calls_assets.sandbox import Behaviour, FixedCalls, Sandbox

DAY = date(2026, 3, 6)
NOON = day_start(DAY, ZoneInfo("UTC")) + 43_200
GOOD = range(1, 26)
BAD = 99
MISSING = object()
FETCHED = ("raw_calls", "rejected_calls", "call_changes", "raw_call_types", "reconciliation")


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.fixture
def land(make_call, run_pipeline, tmp_path):
    """Pulls a day of good calls and the bad one, on several pages; gives the day's tables as rows, and its failed checks."""

    def land(*bad):
        good = [make_call(n, NOON + n) for n in GOOD]
        # The bad ones stand in the middle of a page: the list is the newest first.
        account = FixedCalls([(record, ["all_inbound"]) for record in (*good[:12], *bad, *good[12:])])
        with Sandbox(account, Behaviour(page_cap=10)) as api, dg.DagsterInstance.ephemeral() as instance:
            result = run_pipeline(api, tmp_path, DAY, DAY, instance=instance, select=[*FETCHED, "calls"])
        assert result.success
        tables = {
            name: ds.dataset(tmp_path / name, format="parquet").to_table().to_pylist()
            for name in ("raw_calls", "rejected_calls", "calls")
        }
        failed = {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
        for name, key in (("raw_calls", "id"), ("calls", "call_id")):
            assert {row[key] for row in tables[name]} - {BAD, 2**53 + 1} == set(GOOD)
        return tables, failed

    return land


def changed(call, changes):
    return {name: value for name, value in (call | changes).items() if value is not MISSING}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is null, not an integer"),
        ({"id": MISSING}, "id is missing, not an integer"),
        ({"id": 2**63}, "id is an integer beyond 64 bits, not an integer"),
        ({"id": "A-1"}, "id is a string, not an integer"),
        ({"id": {"id": 1}}, "id is an object, not an integer"),
        ({"started_at": MISSING}, "started_at is missing, not a moment"),
        ({"started_at": None}, "started_at is null, not a moment"),
        ({"started_at": ""}, "started_at is a string, not a moment"),
        ({"started_at": 0}, "started_at is an integer that is no plausible moment"),
        ({"started_at": "2026-03-06"}, "started_at is a string, not a moment"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_set_aside_with_its_json_and_the_reason(land, make_call, changes, reason):
    bad = changed(make_call(BAD, NOON), changes)
    tables, failed = land(bad)
    (row,) = tables["rejected_calls"]
    assert row["reason"] == reason
    assert json.loads(row["record"]) == bad
    assert row["call_id"] == (BAD if "id" not in changes else None)
    assert "as_documented" not in failed
    assert "no_rejects" in failed
    assert BAD not in {call["id"] for call in tables["raw_calls"]}


@pytest.mark.parametrize("record", [None, "a call", 7, [], {}], ids=repr)
def test_what_is_no_record_at_all_is_set_aside(land, record):
    tables, _ = land(record)
    (row,) = tables["rejected_calls"]
    assert (json.loads(row["record"]), row["call_id"]) == (record, None)


def test_equal_records_without_an_id_on_several_pages_are_all_set_aside(land):
    tables, _ = land(*[None] * 2)
    assert [row["record"] for row in tables["rejected_calls"]] == ["null"] * 2


@pytest.mark.parametrize(
    ("changes", "column", "value", "checks"),
    [
        ({"duration": "long"}, "duration_s", None, {"as_documented"}),
        ({"duration": 1.6}, "duration_s", 2, {"as_documented"}),
        ({"type": "\ud800"}, "type", "\N{REPLACEMENT CHARACTER}", {"as_documented"}),
        ({"tags": "vip"}, "tags", ["vip"], {"as_documented"}),
        ({"started_at": NOON * 1000}, "started_at", datetime.fromtimestamp(NOON, UTC), {"as_documented"}),
        ({"id": str(2**53 + 1)}, "call_id", 2**53 + 1, {"as_documented"}),
        ({"original_call_id": 0}, "is_linked", False, set()),
        ({"talk_time": -5}, "talk_s", None, {"as_documented"}),
        ({"contact": []}, "contact_id", None, {"as_documented"}),
        ({"type": MISSING}, "type", None, set()),
        *(
            pytest.param(*row, marks=pytest.mark.slow)
            for row in (
                ({"is_ended": "1"}, "is_ended", True, {"as_documented"}),
                ({"type": 7}, "type", "7", {"as_documented"}),
                ({"contact": {"id": "7"}}, "contact_id", 7, {"as_documented"}),
                ({"contact": ""}, "contact_id", None, {"as_documented"}),
                ({"tags": {"a": 1}}, "tags", None, {"as_documented"}),
                ({"all_agents": [{"id": 1}, {"id": True}]}, "agents_offered", 1, {"as_documented"}),
                ({"ring_group": {"id": 10**30}}, "ring_group_id", None, {"as_documented"}),
                ({"duration": -1}, "duration_s", None, {"as_documented"}),
                ({"talk_time": 2**62}, "talk_s", None, {"as_documented"}),
                ({"duration": 60.0}, "duration_s", 60, {"as_documented"}),
                ({"tags": None}, "tags", None, set()),
                ({"type": "x" * 10 * 2**20}, "type", "x" * 10 * 2**20, set()),
                ({"id": 2**53 + 1}, "call_id", 2**53 + 1, set()),
            )
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_can_be_read_is_kept_and_the_impossible_is_null_and_counted(
    land, make_call, changes, column, value, checks
):
    tables, failed = land(changed(make_call(BAD, NOON), changes))
    (row,) = [row for row in tables["calls"] if row["call_id"] not in GOOD]
    assert row[column] == value
    assert tables["rejected_calls"] == []
    assert failed & {"no_rejects", "as_documented"} == checks


def test_a_negative_time_stays_as_it_came_in_raw_calls(land, make_call):
    tables, _ = land(make_call(BAD, NOON, talk_time=-5))
    assert [row["talk_time"] for row in tables["raw_calls"] if row["id"] == BAD] == [-5]


@pytest.mark.parametrize(
    ("changes", "extra"),
    [
        ({"mood": {"b": 1, "a": [None]}}, {"mood": {"a": [None], "b": 1}}),
        ({"contact": {"id": 1, "vip": True}}, {"contact": {"vip": True}}),
        ({"all_agents": [{"id": 1}, {"id": 2, "team": "x"}]}, {"all_agents": [None, {"team": "x"}]}),
        ({"nest": deep(500)}, {"nest": deep(500)}),
    ],
    ids=["a field", "in an object", "in a list", "500 levels deep"],
)
def test_what_the_document_does_not_name_is_kept_in_its_nesting(land, make_call, changes, extra):
    tables, failed = land(make_call(BAD, NOON, **changes))
    (row,) = [row for row in tables["raw_calls"] if row["id"] == BAD]
    assert json.loads(row["extra"]) == extra
    assert row["extra"] == json.dumps(extra, sort_keys=True, ensure_ascii=False)
    assert "as_documented" in failed


ATTACKS = {
    "NaN": '"duration": NaN',
    "an infinite number": '"duration": -Infinity',
    "1e400": '"mood": 1e400',
    "5,000 digits": f'"mood": {"9" * 5000}',
    "5,000 digits of seconds": f'"talk_time": {"9" * 5000}',
    "twice": '"duration": 7, "duration": "8"',
    "100,000 levels": '"mood": ' + "[" * 100_000 + "]" * 100_000,
    "100,000 levels of objects": '"contact": {"id": 1, "x": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    "a NUL and an end of line": '"type": "a\x00b\nc"',
    "no UTF-8": '"type": "\udcff"',
    "half a pair in a name": r'"\ud800": 1',
    "a name that is no UTF-8": '"n\udcff": {"\udcfe": 1}',
    "a mark of ours": r'"id\ue000E": "1", "mood\uE000N": 2',
    "a thousand names": ", ".join(f'"k{n}": {n}' for n in range(1500)),
    "a text of a megabyte": f'"mood": "{"x" * 2**20}"',
}
"""Members of a record, each of which once cost a day or may cost a process."""


def as_sent(call, *members):
    """A call whose record stands in the page as it is spelt: with these members before its own."""
    rest = {
        name: value for name, value in call.record.items() if not any(one.startswith(f'"{name}":') for one in members)
    }
    vars(call)["encoded"] = f"{{{', '.join(members)}, {json.dumps(rest)[1:]}".encode("utf-8", "surrogateescape")


def test_records_that_attack_their_reader_land_beside_all_others(make_call, run_pipeline, tmp_path, record_property):
    record_property("times", len(ATTACKS) + 3)
    records = [make_call(n, NOON + n) for n in range(1, 41)]
    account = FixedCalls([(record, ["all_inbound"]) for record in records])
    for call, members in zip(account.calls[3:], ATTACKS.values(), strict=False):
        as_sent(call, members)
    as_sent(account.calls[30], '"id": 31, "id": 77')
    as_sent(account.calls[31], '"id": 32, "id": "32"')
    as_sent(account.calls[32], '"id": NaN')
    with Sandbox(account, Behaviour(page_cap=10)) as api:
        result = run_pipeline(api, tmp_path, DAY, DAY, select=[*FETCHED, "calls"])
    assert result.success
    raw = ds.dataset(tmp_path / "raw_calls", format="parquet").to_table().to_pylist()
    assert [row["id"] for row in raw] == [n for n in range(1, 41) if n not in (31, 32, 33)]
    odd = dict(zip(ATTACKS, raw[3:], strict=False))
    assert [name for name, row in odd.items() if row["extra"] is None] == ["a NUL and an end of line"]
    assert {name: json.loads(row["extra"]).keys() for name, row in odd.items() if "5,000" in name} == {
        "5,000 digits": {"mood"},
        "5,000 digits of seconds": {"talk_time"},
    }
    assert len(odd["100,000 levels"]["extra"]) > 200_000
    rejected = ds.dataset(tmp_path / "rejected_calls", format="parquet").to_table().to_pylist()
    assert sorted(row["reason"] for row in rejected) == [
        "id is a number that no type can hold, not an integer",
        *["id is several values under one name, not an integer"] * 2,
    ]


def test_of_two_different_records_with_one_id_one_is_kept_and_the_collision_counted(make_call, run_pipeline, tmp_path):
    records = [make_call(n, NOON + n) for n in GOOD] + [make_call(1, NOON + 1, type="other")]
    with Sandbox(FixedCalls([(record, []) for record in records])) as api, dg.DagsterInstance.ephemeral() as instance:
        result = run_pipeline(api, tmp_path, DAY, DAY, instance=instance)
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_calls"))
    assert result.success
    assert event.asset_materialization.metadata["collisions"].value == 1
    (told,) = (check.description for check in result.get_asset_check_evaluations() if check.check_name == "complete")
    assert told.endswith(
        " records of the request window were returned. 1 of them had the id of another; the later one is kept."
    )
    assert ds.dataset(tmp_path / "raw_calls", format="parquet").to_table()["id"].to_pylist() == list(GOOD)


def test_equal_records_that_the_account_lists_twice_cost_nothing(make_call, run_pipeline, tmp_path):
    records = [make_call(n, NOON + n) for n in (*GOOD, 1)]
    with Sandbox(FixedCalls([(record, []) for record in records])) as api, dg.DagsterInstance.ephemeral() as instance:
        assert run_pipeline(api, tmp_path, DAY, DAY, instance=instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_calls"))
    assert event.asset_materialization.metadata["collisions"].value == 1
    assert ds.dataset(tmp_path / "raw_calls", format="parquet").to_table()["id"].to_pylist() == list(GOOD)
