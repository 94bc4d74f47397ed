"""What is checked of each day: each check passes on good rows, and fails on the fault that it is for."""

import json

import pyarrow as pa
import pytest

from calls_assets.api.decode import read_page
from calls_assets.api.rules import Deviation
from calls_assets.checks.catalog import ADDS_UP, AGREES, AS_DOCUMENTED, CHECKS, IN_ORDER, UNIQUE
from calls_assets.checks.computed import (
    VARIANTS_IN_ORDER,
    check_agent_intervals,
    check_calls,
    check_flow,
    check_intervals,
    check_legs,
    check_members,
    check_talk,
)
from calls_assets.checks.fetched import (
    LONGEST_S,
    MOST_TOLD,
    OPEN_DAY_S,
    check_fresh,
    check_raw_calls,
    check_reconciliation,
)
from calls_assets.tables.catalog import (
    ABANDONMENT,
    CALL_AGENTS,
    CALL_INTERVALS,
    CALLS,
    RAW_CALLS,
    RECONCILIATION,
    RECONCILIATION_CALLS,
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
    outcome = check_raw_calls(
        raw_calls({"duration": -1}, {"duration": LONGEST_S + 1, "talk_time": -1}, {"talk_time": LONGEST_S}), {}
    )[AS_DOCUMENTED]
    assert (outcome.passed, outcome.sentence) == (
        False,
        "Of 3 records: duration is negative or longer than a year in 2 (null in calls); talk_time is negative or longer than "
        "a year in 1 (null in calls).",
    )
    assert check_raw_calls(raw_calls({"duration": 1}), {})[AS_DOCUMENTED].passed


def test_what_differs_from_the_document_is_told_by_field_and_kind_without_a_value():
    deviations = {
        Deviation("mood", "a string", "in extra"): 2,
        Deviation("agents[]", "objects", "read"): 1,
    }
    outcome = check_raw_calls(raw_calls({}, {}), deviations)[AS_DOCUMENTED]
    assert not outcome.passed
    assert outcome.sentence == "Of 2 records: mood is a string in 2 (in extra); agents[] is objects in 1 (read)."
    assert outcome.figures == {"agents[]: objects, read": 1, "mood: a string, in extra": 2}
    assert check_raw_calls(raw_calls({}), {})[AS_DOCUMENTED].passed


def test_a_day_of_very_many_deviations_is_told_in_short():
    many = {Deviation(f"field_{n:03}", "a string", "in extra"): 1 for n in range(MOST_TOLD + 5)}
    outcome = check_raw_calls(raw_calls({}), many)[AS_DOCUMENTED]
    assert outcome.sentence.endswith(f"; and {MOST_TOLD} more.")
    assert len(outcome.figures) == MOST_TOLD


@pytest.mark.parametrize("name", ["+15550100", "Ada Byron", "x" * 65, ""])
def test_a_field_name_that_could_be_a_value_is_not_shown(make_call, name):
    call = make_call(1, 1_747_839_084, **{name: 1}) | {"contact": {name: 1}}
    body = json.dumps({"calls": [call, call], "meta": {"total": 2}}).encode()
    for _ in range(2):  # by both ways
        paths = {deviation.path for shape in read_page(body).shapes for deviation in shape}
        assert paths == {"(odd name)", "contact.(odd name)"}


def test_a_dimension_that_does_not_sum_to_the_total_is_named():
    total = {"dimension": "total", "calls_offered": 3, "calls_answered": 3}
    halves = [{"dimension": "ivr", "calls_offered": n, "calls_answered": n} for n in (1, 2)]
    assert check_members(members(ABANDONMENT, total, *halves))[ADDS_UP].passed
    outcome = check_members(members(ABANDONMENT, total, halves[0]))[ADDS_UP]
    assert (outcome.passed, outcome.sentence) == (False, "ivr does not sum to the total.")


def test_more_calls_answered_in_time_than_answered_cannot_be():
    outcome = check_members(members(SERVICE_LEVEL, {"dimension": "total", "calls_answered_within_sla": 1}))[ADDS_UP]
    assert not outcome.passed


def test_talk_that_got_lost_is_found():
    def legs(*talks):
        directions, seconds = zip(*talks, strict=True)
        return pa.table({"direction": directions, "talk_s": pa.array(seconds, pa.int64())})

    rows = legs(("inbound", 40), ("inbound", None), ("outbound", 20))
    assert check_talk(rows, legs(("inbound", 30), ("inbound", 10), ("outbound", 20)))[ADDS_UP].passed
    lost = check_talk(rows, legs(("inbound", 41), ("outbound", 20)))[ADDS_UP]
    assert lost.sentence == "The talk time sums to 60 s, and that of its source to 61 s."
    swapped = check_talk(rows, legs(("inbound", 20), ("outbound", 40)))[ADDS_UP]
    assert (lost.passed, swapped.passed) == (False, False)
    assert swapped.sentence.endswith("60 s, but the directions differ.")
    assert check_talk(CALL_AGENTS.empty(), CALL_AGENTS.empty())[ADDS_UP].passed


def test_the_legs_talk_is_that_of_the_ended_calls_whose_talk_time_is_possible():
    calls = [(True, True, 40), (False, True, 20), (True, False, 99), (True, True, -1), (True, True, LONGEST_S + 1)]
    given = raw_calls(*({"is_inbound": way, "is_ended": ended, "talk_time": talk} for way, ended, talk in calls))
    rows = pa.table({"direction": ["inbound", "outbound"], "talk_s": [40, 20]})
    assert check_legs(rows, given)[ADDS_UP].passed
    assert not check_legs(rows.slice(1), given)[ADDS_UP].passed


def test_an_id_that_comes_twice_is_counted():
    outcome = check_raw_calls(raw_calls({"id": 1}, {"id": 1}, {"id": 2}), {})[UNIQUE]
    assert (outcome.passed, outcome.sentence) == (False, "1 of 3 calls share their id with another one.")
    assert check_raw_calls(raw_calls({"id": 1}, {"id": 2}), {})[UNIQUE].passed


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
    expected = pa.table({"id": pa.array([1, 2] if ids else [], pa.int64())})
    assert check_calls(rows, expected)[ADDS_UP].passed == passes


def test_half_hours_that_lose_a_call_or_an_outcome_are_found():
    def intervals(calls, answered, talk_s=60):
        names = [name for name in CALL_INTERVALS.arrow_schema.names if name.startswith("calls_")]
        counts = {"calls": [calls], "calls_answered": [answered], "talk_s": [talk_s]}
        return pa.table({name: [0] for name in names} | counts)

    calls = pa.table({"is_ended": [True, True, True, False], "talk_s": pa.array([20, 40, None, 9], pa.int64())})
    assert check_intervals(intervals(3, 3), calls)[ADDS_UP].passed
    assert not check_intervals(intervals(2, 2), calls)[ADDS_UP].passed
    assert not check_intervals(intervals(3, 2), calls)[ADDS_UP].passed
    assert not check_intervals(intervals(3, 3, 61), calls)[ADDS_UP].passed
    assert check_intervals(CALL_INTERVALS.empty(), calls.slice(3))[ADDS_UP].passed


@pytest.mark.parametrize(("lower", "higher"), VARIANTS_IN_ORDER)
def test_a_variant_of_the_service_level_on_the_wrong_side_of_another_is_named(lower, higher):
    def level(one, other):
        rows = members(SERVICE_LEVEL, {"dimension": "total"}, {"dimension": "ivr"})
        for name in SERVICE_LEVEL.arrow_schema.names:
            if name.startswith("sl_") or name == "service_level":
                rate = {lower: one, higher: other}.get(name)
                rows = rows.append_column(name, pa.array([None, rate], pa.float64()))
        return check_members(rows)[IN_ORDER]

    assert level(0.5, 0.5).passed
    assert level(0.5 + 1e-15, 0.5).passed
    assert level(0.9, None).passed
    assert level(0.51, 0.5).sentence == f"{lower} above {higher}."


def flow(direction, dimension, calls, **changes):
    counts = ("calls_offered", "calls_answered", "calls_transferred", "transfers")
    names = (*counts, "callbacks_requested", "callbacks_completed")
    return {"direction": direction, "dimension": dimension, "calls": calls} | dict.fromkeys(names, 0) | changes


def test_each_direction_of_the_call_flow_sums_to_its_calls():
    calls = pa.table(
        {"is_ended": [True, True, True, False], "direction": ["inbound", "inbound", "outbound", "inbound"]}
    )
    rows = [
        flow("inbound", "total", 2, calls_answered=1),
        flow("inbound", "ivr", 2, calls_answered=1),
        flow("outbound", "total", 1),
    ]
    assert check_flow(pa.Table.from_pylist(rows), calls)[ADDS_UP].passed
    short = check_flow(pa.Table.from_pylist([*rows[:2], flow("outbound", "total", 0)]), calls)[ADDS_UP]
    assert (short.passed, short.sentence) == (False, "outbound calls are not the 1 ended ones.")
    rows[1]["calls_answered"] = 0
    assert check_flow(pa.Table.from_pylist(rows), calls)[ADDS_UP].sentence == "inbound ivr does not sum to the total."


def test_half_hours_of_agents_that_lose_talk_are_found():
    legs, lost = pa.table({"talk_s": [60]}), pa.table({"talk_s_by_start": [60], "talk_s_in_interval": [59]})
    assert not check_agent_intervals(lost, legs)[ADDS_UP].passed
    assert check_agent_intervals(pa.table({"talk_s_by_start": [60], "talk_s_in_interval": [60]}), legs)[ADDS_UP].passed


def reconciled(**differences):
    """A day of `reconciliation` with the API's counts so much higher than ours."""
    rows = [{"call_type": name, "difference": by} for name, by in differences.items()]
    return pa.Table.from_pylist(
        rows, pa.schema([RECONCILIATION.arrow_schema.field(n) for n in ("call_type", "difference")])
    )


def test_calls_that_only_one_side_counts_are_told_by_type_and_side_also_where_the_counts_are_equal():
    sides = [("transfer", "us"), ("callback", "api"), ("transfer", "us")]
    differing = pa.table({"call_type": [a for a, _ in sides], "counted_by": [b for _, b in sides]})
    found = check_reconciliation(reconciled(transfer=-2, callback=0), differing)[AGREES]
    told = "Calls that only one side counts: callback 1 by api alone, transfer 2 by us alone;"
    assert (found.passed, found.sentence) == (False, f"{told} docs/reconcile.md shows how to find them.")
    assert check_reconciliation(reconciled(transfer=0), RECONCILIATION_CALLS.empty())[AGREES].passed


def test_a_count_that_differs_without_ids_is_told_too():
    found = check_reconciliation(reconciled(all_inbound=3), RECONCILIATION_CALLS.empty())[AGREES]
    assert (found.passed, found.figures) == (False, {"all_inbound": 3})
    assert "all_inbound +3 (theirs - ours)" in found.sentence


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
    assert {check.table for check in CHECKS} <= set(TABLES)
    assert all(check.description.endswith(".") for check in CHECKS)
