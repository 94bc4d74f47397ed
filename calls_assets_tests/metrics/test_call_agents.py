"""What each leg of a call says of itself."""

from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.metrics.run import compute
from calls_assets.tables.catalog import CALL_AGENTS, RAW_CALLS

DAY, T = date(2026, 11, 1), 1_793_500_000


def legs(**fields):
    """The legs of one ended inbound call of a minute's talk with the given fields."""
    row = dict.fromkeys(RAW_CALLS.arrow_schema.names) | {"local_date": DAY, "id": 1, "started_at": T}
    ended = {"is_inbound": True, "is_ended": True, "talk_time": 60}
    raw = pa.Table.from_pylist([row | ended | fields], RAW_CALLS.arrow_schema)
    return compute(CALL_AGENTS, {"raw_calls": raw}, [DAY], ZoneInfo("UTC"))[DAY].to_pylist()


def leg(agent, after_s, cause):
    return {"id": agent, "started_at": T + after_s, "hangup_reason": cause}


def test_each_leg_has_its_own_reason_and_a_missed_ring_says_why():
    taken = leg(3, 40, "NORMAL_CLEARING")
    rung = [leg(1, 0, "NO_ANSWER"), leg(2, 15, "CALL_REJECTED"), leg(1, 20, None), taken]
    found = legs(all_agents=rung, answered_agents=[taken])
    assert [(row["agent_id"], row["answered"], row["hangup_reason"]) for row in found] == [
        (3, True, "NORMAL_CLEARING"),
        (1, False, "NO_ANSWER"),
        (2, False, "CALL_REJECTED"),
        (1, False, None),
    ]


def test_a_ring_that_its_agent_missed_before_taking_the_call_has_no_row():
    taken = leg(1, 40, "NORMAL_CLEARING")
    (row,) = legs(all_agents=[leg(1, 0, "NO_ANSWER"), taken], answered_agents=[taken])
    assert row["hangup_reason"] == "NORMAL_CLEARING"


def test_talk_of_an_outside_number_has_no_reason():
    (row,) = legs(external_numbers=[{"number": "1"}])
    assert (row["agent_key"], row["hangup_reason"]) == ("external", None)
