"""What is checked of each day: each check passes on good rows, and fails on the fault that it is for."""

import json

import pyarrow as pa
import pytest

from calls_assets.checks import CHECKS
from calls_assets.findings import (
    LONGEST_S,
    OPEN_DAY_S,
    check_calls,
    check_fresh,
    check_intervals,
    check_members,
    check_raw_calls,
    check_talk,
    undocumented_fields,
)
from calls_assets.tables.dictionary import (
    ABANDONMENT,
    CALL_AGENTS,
    CALL_INTERVALS,
    CALLS,
    RAW_CALLS,
    SERVICE_LEVEL,
    TABLES,
)


def raw_calls(*calls):
    return pa.Table.from_pylist(
        [dict.fromkeys(RAW_CALLS.arrow_schema.names) | call for call in calls], RAW_CALLS.arrow_schema
    )


def members(table, *rows):
    """A day of a metric table; of each row the dimension and its counts, the others 0."""
    names = [name for name in table.arrow_schema.names if name.startswith("calls_")]
    return pa.table(
        {name: [row.get(name, 0) for row in rows] for name in names} | {"dimension": [row["dimension"] for row in rows]}
    )


def test_impossible_times_are_counted():
    finding = check_raw_calls(
        raw_calls({"duration": -1}, {"duration": LONGEST_S + 1, "talk_time": -1}, {"talk_time": LONGEST_S}), []
    )["times_possible"]
    assert (finding.passed, finding.sentence) == (
        False,
        "2 durations and 1 talk times are negative or longer than a year.",
    )
    assert check_raw_calls(raw_calls({"duration": 1}), [])["times_possible"].passed


def test_fields_that_the_document_does_not_name_are_named_once_with_their_path():
    extras = ({"mood": 1, "contact": {"vip": True}}, {"mood": 2, "all_agents": [None, {"team": {"id": 1}}]})
    rows = raw_calls(*({"extra": json.dumps(extra)} for extra in extras), {})
    assert undocumented_fields(rows) == ["all_agents.team.id", "contact.vip", "mood"]
    finding = check_raw_calls(rows, undocumented_fields(rows))["no_drift"]
    assert not finding.passed
    assert finding.sentence == "Fields that the document does not name: all_agents.team.id, contact.vip, mood."
    assert check_raw_calls(raw_calls({}), [])["no_drift"].passed


@pytest.mark.parametrize("name", ["+15550100", "Ada Byron", "x" * 65, ""])
def test_a_field_name_that_could_be_a_value_is_not_shown(name):
    assert undocumented_fields(raw_calls({"extra": json.dumps({name: 1})})) == ["(odd name)"]


def test_a_dimension_that_does_not_sum_to_the_total_is_named():
    total = {"dimension": "total", "calls_offered": 3, "calls_answered": 3}
    halves = [{"dimension": "ivr", "calls_offered": n, "calls_answered": n} for n in (1, 2)]
    assert check_members(members(ABANDONMENT, total, *halves))["adds_up"].passed
    finding = check_members(members(ABANDONMENT, total, halves[0]))["adds_up"]
    assert (finding.passed, finding.sentence) == (False, "ivr does not sum to the total.")


def test_more_calls_answered_in_time_than_answered_cannot_be():
    finding = check_members(members(SERVICE_LEVEL, {"dimension": "total", "calls_answered_within_sla": 1}))["adds_up"]
    assert not finding.passed


def test_talk_that_got_lost_is_found():
    rows = pa.table({"talk_s": pa.array([40, None, 20], pa.int64())})
    assert check_talk(rows, 60)["adds_up"].passed
    assert not check_talk(rows, 61)["adds_up"].passed
    assert check_talk(CALL_AGENTS.empty(), 0)["adds_up"].passed


def test_an_id_that_comes_twice_is_counted():
    finding = check_raw_calls(raw_calls({"id": 1}, {"id": 1}, {"id": 2}), [])["unique"]
    assert (finding.passed, finding.sentence) == (False, "1 of 3 calls have an id that another one has.")
    assert check_raw_calls(raw_calls({"id": 1}, {"id": 2}), [])["unique"].passed


@pytest.mark.parametrize(
    ("ids", "outcomes", "passes"),
    [
        ([1, 2], ["answered", "abandoned"], True),
        ([], [], True),
        ([1], ["answered"], False),
        ([1, 3], ["answered", "abandoned"], False),
        ([1, 2], ["answered", None], False),
        ([1, 2], ["answered", "vanished"], False),
    ],
)
def test_each_call_is_there_once_with_one_outcome(ids, outcomes, passes):
    names = ("direction", "is_ended", "is_answered", "outcome_source")
    rows = pa.table(
        {name: pa.nulls(len(ids), CALLS.arrow_schema.field(name).type) for name in names}
        | {"call_id": pa.array(ids, pa.int64()), "outcome": pa.array(outcomes, pa.string())}
    )
    expected = pa.chunked_array([pa.array([1, 2] if ids else [], pa.int64())])
    assert check_calls(rows, expected)["adds_up"].passed == passes


def test_half_hours_that_lose_a_call_or_an_outcome_are_found():
    def intervals(calls, answered):
        names = [name for name in CALL_INTERVALS.arrow_schema.names if name.startswith("calls_")]
        return pa.table({name: [0] for name in names} | {"calls": [calls], "calls_answered": [answered]})

    assert check_intervals(intervals(3, 3), 3)["adds_up"].passed
    assert not check_intervals(intervals(2, 2), 3)["adds_up"].passed
    assert not check_intervals(intervals(3, 2), 3)["adds_up"].passed
    assert check_intervals(CALL_INTERVALS.empty(), 0)["adds_up"].passed


END_S = 1_800_000_000


@pytest.mark.parametrize(
    ("pulled_s", "now_s", "passes"),
    [
        (END_S, END_S + 99 * 86_400, True),
        (END_S - 1, END_S, False),
        (END_S - 1 - OPEN_DAY_S, END_S - 1, True),
        (END_S - 2 - OPEN_DAY_S, END_S - 1, False),
        (None, END_S, False),
    ],
    ids=["after its end", "before its end", "open and an hour old", "open and older", "never"],
)
def test_a_day_is_fresh_when_it_was_pulled_after_its_end_or_is_open_and_was_pulled_lately(pulled_s, now_s, passes):
    assert check_fresh(END_S, pulled_s, now_s).passed == passes


def test_every_check_is_of_a_table_and_says_what_it_checks():
    assert {table for table, _ in CHECKS} <= set(TABLES)
    assert all(check.description.endswith(".") for check in CHECKS.values())
