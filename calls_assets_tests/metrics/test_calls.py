"""How a call ended: the API's labels first, then `type`, then the fields."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from calls_assets.days import day_start
from calls_assets.metrics.run import compute
from calls_assets.tables.catalog import CALL_AGENTS, CALLS, RAW_CALL_TYPES, RAW_CALLS

DAY, ZONE = date(2026, 11, 1), ZoneInfo("America/New_York")  # the clocks go back at 2:00
START = day_start(DAY, ZONE)


def recorded(**fields):
    """One ended inbound call of `raw_calls` with the given fields."""
    row = dict.fromkeys(RAW_CALLS.arrow_schema.names) | {"local_date": DAY, "id": 1, "started_at": START}
    return pa.Table.from_pylist([row | {"is_inbound": True, "is_ended": True} | fields], RAW_CALLS.arrow_schema)


def cleaned(labels=(), **fields):
    """The row of `calls` of one ended inbound call with the given fields and labels."""
    raw = recorded(**fields)
    told = [{"local_date": DAY, "call_id": 1, "call_type": label} for label in labels]
    types = pa.Table.from_pylist(told, RAW_CALL_TYPES.arrow_schema)
    (found,) = compute(CALLS, {"raw_calls": raw, "raw_call_types": types}, [DAY], ZONE)[DAY].to_pylist()
    return found


@pytest.mark.parametrize(
    ("labels", "fields", "outcome", "source"),
    [
        (["abandoned"], {"is_ended": False}, "in_progress", "predicate"),
        (["abandoned"], {"is_ended": None}, "in_progress", "predicate"),
        (["abandoned"], {"is_answered": True}, "answered", "predicate"),
        (["abandoned"], {"is_inbound": False}, "not_answered", "predicate"),
        ([], {"is_inbound": False, "is_answered": True}, "answered", "predicate"),
        (["abandoned", "short_abandoned"], {}, "short_abandoned", "vendor_filter"),
        (["short_abandoned_distributed"], {}, "short_abandoned", "vendor_filter"),
        (["abandoned", "overflowed"], {}, "abandoned", "vendor_filter"),
        (["abandoned_distributed"], {}, "abandoned", "vendor_filter"),
        (["callback", "overflowed"], {}, "overflowed", "vendor_filter"),
        (["callback", "inbound_ivr_exit"], {}, "callback_requested", "vendor_filter"),
        (["inbound_ivr_exit", "out_of_business_hours"], {}, "ivr_exit", "vendor_filter"),
        (["out_of_business_hours"], {"type": "abandoned"}, "out_of_hours", "vendor_filter"),
        (["transfer"], {}, "unanswered_other", "predicate"),
        ([], {"type": "abandoned"}, "abandoned", "type_field"),
        ([], {"type": "abandoned", "is_answered": True}, "answered", "predicate"),
        ([], {"type": "inbound"}, "unanswered_other", "predicate"),
        ([], {"type": "in_progress"}, "unanswered_other", "predicate"),
        ([], {"requested_callback": True}, "callback_requested", "predicate"),
        ([], {}, "unanswered_other", "predicate"),
    ],
)
def test_the_outcome_and_what_decided_it(labels, fields, outcome, source):
    row = cleaned(labels, **fields)
    assert (row["outcome"], row["outcome_source"]) == (outcome, source)


def test_call_types_join_labels_with_what_the_fields_tell():
    row = cleaned(["transfer", "callback"], is_answered=True, is_answered_within_sla=False)
    assert row["call_types"] == [
        "all_inbound",
        "callback",
        "inbound_answered",
        "inbound_answered_but_not_within_sla",
        "transfer",
    ]


def test_impossible_times_are_null():
    row = cleaned(duration=-1, talk_time=-5)
    assert (row["duration_s"], row["talk_s"]) == (None, None)


@pytest.mark.parametrize(
    ("starts", "speed"),
    [
        ([START + 30, START + 12], 12),
        ([None, 0, START + 9], 9),
        ([(START + 7) * 1000], 7),
        ([START - 1], None),
        ([None], None),
    ],
    ids=["the least", "unknown ones skipped", "milliseconds", "negative", "unknown"],
)
def test_the_speed_of_answer_is_the_first_known_answer(starts, speed):
    legs = [{"id": n, "started_at": start} for n, start in enumerate(starts)]
    assert cleaned(is_answered=True, answered_agents=legs)["speed_of_answer_s"] == speed
    assert cleaned(is_answered=False, answered_agents=legs)["speed_of_answer_s"] is None


def test_agents_are_counted_once_however_many_legs_they_had():
    legs = [{"id": 4, "started_at": START + 5}, {"id": 5, "started_at": START + 9}, {"id": 4, "started_at": START + 20}]
    row = cleaned(is_answered=True, talk_time=60, answered_agents=legs, all_agents=[{"id": 5}, {"id": 6}])
    assert (row["agents_offered"], row["agents_answered"]) == (3, 2)
    assert (row["first_agent_id"], row["last_agent_id"]) == (4, 4)


@pytest.mark.parametrize(
    ("zone", "local", "fold", "interval", "offset_s"),
    [
        ("America/New_York", (2026, 11, 1, 1, 45), 0, (2026, 11, 1, 5, 30), -14_400),
        ("America/New_York", (2026, 11, 1, 1, 45), 1, (2026, 11, 1, 6, 30), -18_000),
        ("Asia/Kathmandu", (2026, 11, 1, 9, 10), 0, (2026, 11, 1, 3, 15), 20_700),
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 40), 0, (2026, 4, 4, 14, 30), 39_600),
        ("Australia/Lord_Howe", (2026, 4, 5, 1, 40), 1, (2026, 4, 4, 15, 0), 37_800),
        ("Africa/Cairo", (2026, 4, 24, 1, 10), 0, (2026, 4, 23, 22, 0), 10_800),
    ],
    ids=[
        "before the hour repeats",
        "the hour repeated",
        "a quarter's offset",
        "half-hour change",
        "repeated",
        "no midnight",
    ],
)
def test_the_half_hour_is_floored_in_local_time(zone, local, fold, interval, offset_s):
    zone = ZoneInfo(zone)
    at = datetime(*local, tzinfo=zone, fold=fold)
    row = dict.fromkeys(RAW_CALLS.arrow_schema.names) | {"local_date": at.date(), "id": 1, "is_inbound": True}
    raw = pa.Table.from_pylist([row | {"started_at": int(at.timestamp())}], RAW_CALLS.arrow_schema)
    inputs = {"raw_calls": raw, "raw_call_types": RAW_CALL_TYPES.empty()}
    (found,) = compute(CALLS, inputs, [at.date()], zone)[at.date()].to_pylist()
    assert found["interval_start"] == datetime(*interval, tzinfo=UTC)
    assert found["utc_offset_s"] == offset_s


def moved(*agents):
    """Legs of these agents; those below 0 came about by a transfer."""
    return [{"id": abs(agent), "is_any_transfer": agent < 0} for agent in agents]


OUTSIDE = [{"number": "1", "is_any_transfer": True}]


@pytest.mark.parametrize(
    ("rung", "answered", "outside", "transfers", "legs"),
    [
        (moved(1), moved(1), [], 0, 0),
        (moved(1, -2), moved(1, -2), [], 1, 1),
        (moved(1, -2, -1), moved(1, -2, -1), [], 2, 2),
        (moved(1, -2), moved(1), [], 1, 1),
        (moved(1, -2), [], [], 1, 1),
        ([], moved(1, -2), [], 1, 1),
        (moved(1), moved(1), OUTSIDE, 1, 0),
        (moved(1, -2), moved(1, -2), OUTSIDE, 2, 1),
        (moved(-1, 1), moved(1), [], 1, 0),
        (None, None, [{"number": "1"}, None], 0, 0),
    ],
    ids=[
        *("no transfer", "to an agent", "to an agent and back", "to an agent who did not take it", "talk of nobody"),
        *("only in the answered", "outside", "to an agent, then outside", "missed and then taken", "unknown"),
    ],
)
def test_transfers_are_counted_and_those_without_a_leg_of_their_own_too(rung, answered, outside, transfers, legs):
    fields = {"all_agents": rung, "answered_agents": answered, "external_numbers": outside}
    row = cleaned(is_answered=True, **fields)
    assert (row["transfers"], row["is_transferred"]) == (transfers, transfers > 0)
    found = compute(CALL_AGENTS, {"raw_calls": recorded(is_answered=True, **fields)}, [DAY], ZONE)[DAY]
    assert sum(found["is_transfer"].to_pylist()) == legs
