"""Every figure of odd calls, by hand and at random, held against the second reading of the written definitions."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st

from calls_assets.metrics.run import compute, reconcile
from calls_assets.tables.catalog import ALL_TABLES, TABLES
from calls_assets.waits import METHODS, Thresholds, Waits
from calls_assets_tests.accounts import HOW
from calls_assets_tests.examples import examples
from calls_assets_tests.second_opinion import opinion
from calls_assets_tests.second_opinion.comparison import KEYS, compared
from calls_assets_tests.second_opinion.day import opinions

CALL = dict.fromkeys(TABLES["raw_calls"].arrow_schema.names)
LEG = {"id": None, "alias": None, "started_at": None, "is_any_transfer": None, "hangup_reason": None}
LABELS = (
    "inbound_ivr_exit",
    "abandoned",
    "callback",
    "overflowed",
    "transfer",
    "warm_transfer",
    "out_of_business_hours",
    "short_abandoned",
    "automated_callback",
    "short_abandoned_distributed",
    "abandoned_distributed",
)
TYPES = (
    *("in_progress", "answered", "not_answered", "short_abandoned", "abandoned", "overflowed", "callback_requested"),
    *("ivr_exit", "out_of_hours", "unanswered_other", "missed", "", "Abandoned"),
)


def compute_all(calls, labels, days, zone, waits):
    """Every table of each day by the queries; `calls` are raw calls by day, `labels` pairs of call id and label."""
    day_of = {call["id"]: day for day in days for call in calls[day]}
    stamped = [CALL | call | {"local_date": day} for day in days for call in calls[day]]
    types = [{"local_date": day_of[number], "call_id": number, "call_type": label} for number, label in sorted(labels)]
    raw = {"raw_calls": stamped, "raw_call_types": types, "rejected_calls": []}
    inputs = {name: pa.Table.from_pylist(rows, TABLES[name].arrow_schema) for name, rows in raw.items()}
    found = {day: {name: on_day(table, day) for name, table in inputs.items()} for day in days}
    inputs["pulls"] = pa.table({"local_date": pa.array(days, pa.date32()), "is_inside_lookback": [False] * len(days)})
    for name in KEYS:
        if name == "reconciliation":
            parts = reconcile(inputs["raw_calls"], inputs["raw_call_types"], HOW, days, zone)
        else:
            table = ALL_TABLES[name]
            parts = compute(table, {need: inputs[need] for need in (*table.inputs, "pulls")}, days, zone, waits)
        inputs[name] = pa.concat_tables(parts.values())
        for day in days:
            found[day][name] = parts[day].to_pylist()
    return found


def on_day(table, day):
    return table.filter(pc.field("local_date") == day).to_pylist()


def assert_agree(calls, labels, zone):
    """The queries and the second opinion agree on every day of these calls; gives the tables of each day."""
    method = METHODS[sum(map(len, calls.values())) % 2]
    found = compute_all(calls, labels, list(calls), zone, Waits(method, Thresholds(20, {2: 35})))
    told = opinion.Waits(method, {None: 20, 2: 35})
    all_frames = {
        day: {name: opinion.frame(rows, " ".join(ALL_TABLES[name].arrow_schema.names)) for name, rows in of.items()}
        for day, of in found.items()
    }
    pulled = [(frames["raw_calls"], frames["raw_call_types"], day) for day, frames in all_frames.items()]
    every = pd.concat([opinion.calls(*given, zone, told) for given in pulled], ignore_index=True)
    for day, frames in all_frames.items():
        pulled_at = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
        given = (frames["raw_calls"], frames["raw_call_types"], frames["reconciliation"])
        for name, ours in opinions(*given, day, zone, pulled_at, waits=told, every=every).items():
            assert not [*compared(frames[name], ours, KEYS[name])], name
    return found


# Odd calls, by hand.

DAY, ZONE = date(2025, 11, 2), ZoneInfo("America/New_York")
T = int(datetime(2025, 11, 2, 6, 10, 7, tzinfo=UTC).timestamp())
SPOKEN = {"is_inbound": True, "is_ended": True, "is_answered": True, "started_at": T, "talk_time": 101}
WAITING = {"is_inbound": True, "is_ended": True, "is_answered": False, "started_at": T}


def leg(agent_id, start, transfer=None, alias=None, cause=None):
    told = {"is_any_transfer": transfer, "alias": alias, "hangup_reason": cause}
    return LEG | {"id": agent_id, "started_at": start} | told


ODD = {
    "nothing known": {"started_at": T},
    "nothing known but that it is over": {"started_at": T, "is_ended": True},
    "direction unknown, answered": SPOKEN | {"is_inbound": None, "is_answered_within_sla": True},
    "direction unknown, type tells": WAITING | {"is_inbound": None, "type": "abandoned"},
    "direction unknown, callback": WAITING | {"is_inbound": None, "requested_callback": True},
    "answered flag unknown": WAITING | {"is_answered": None, "is_answered_within_sla": None},
    "end unknown": SPOKEN | {"is_ended": None, "answered_agents": [leg(1, T)]},
    "in progress": SPOKEN | {"is_ended": False, "answered_agents": [leg(1, T)], "all_agents": [leg(2, T)]},
    "in progress with a type": WAITING | {"is_ended": False, "type": "abandoned"},
    "threshold verdict unknown": SPOKEN | {"is_answered_within_sla": None},
    "verdict on an unanswered call": WAITING | {"is_answered_within_sla": True},
    "verdict on an outbound call": SPOKEN | {"is_inbound": False, "is_answered_within_sla": True},
    "negative times": SPOKEN | {"talk_time": -1, "duration": -5, "answered_agents": [leg(1, T)]},
    "no times": SPOKEN | {"talk_time": None, "answered_agents": [leg(1, T), leg(2, T + 40, True)]},
    "no talk": SPOKEN | {"talk_time": 0, "answered_agents": [leg(1, T), leg(2, T + 40)]},
    "starts in milliseconds": SPOKEN | {"answered_agents": [leg(1, (T + 3) * 1000 + 999), leg(2, T + 40)]},
    "5 s early": SPOKEN | {"answered_agents": [leg(1, T - 5), leg(2, T + 40)]},
    "6 s early": SPOKEN | {"answered_agents": [leg(1, T - 6), leg(2, T + 40)]},
    "early in milliseconds": SPOKEN | {"answered_agents": [leg(1, (T - 6) * 1000 + 999), leg(2, T + 40)]},
    "all far too early": SPOKEN | {"answered_agents": [leg(1, T - 60), leg(2, T - 40), leg(3, None)]},
    "zero and unknown starts": SPOKEN | {"answered_agents": [leg(1, 0), leg(2, T + 9), leg(3, None), leg(4, -1)]},
    "one leg, start missing": SPOKEN | {"answered_agents": [leg(1, None)]},
    "missing start takes the one before it": SPOKEN
    | {"answered_agents": [leg(1, T + 60), leg(2, None), leg(3, T), leg(4, T - 99), leg(5, T + 30)]},
    "three at once": SPOKEN | {"answered_agents": [leg(3, T + 1), leg(2, T + 1), leg(1, T + 1)]},
    "start after the end of the talk": SPOKEN | {"answered_agents": [leg(1, T), leg(2, T + 500), leg(3, T + 900)]},
    "agent unknown": SPOKEN | {"answered_agents": [leg(None, T, True, "Somebody"), leg(1, T + 20)]},
    "last agent unknown": SPOKEN | {"answered_agents": [leg(1, T), leg(None, T + 20)]},
    "rung agent unknown": SPOKEN | {"answered_agents": [leg(1, T)], "all_agents": [leg(None, T), leg(1, T)]},
    "an empty place among the rung": SPOKEN | {"answered_agents": [leg(1, T)], "all_agents": [None, leg(2, T)]},
    "same agent twice": SPOKEN | {"answered_agents": [leg(1, T), leg(2, T + 20, True), leg(1, T + 50, True)]},
    "same agent rung twice": WAITING | {"all_agents": [leg(1, T), leg(1, T + 20, True), leg(2, None)]},
    "talk of nobody": SPOKEN | {"answered_agents": [], "all_agents": [leg(1, T, True)]},
    "talk of nobody, lists unknown": SPOKEN,
    "talk of an outside number": SPOKEN | {"external_numbers": [{"number": "1", "is_any_transfer": True}]},
    "talk of an empty place among the outside numbers": SPOKEN | {"external_numbers": [None]},
    "an empty place among the answered": SPOKEN | {"answered_agents": [None, leg(1, T)]},
    "outside number without talk": SPOKEN | {"talk_time": 0, "external_numbers": [{"number": "1"}]},
    "outside number after an agent": SPOKEN | {"answered_agents": [leg(1, T)], "external_numbers": [{"number": "1"}]},
    "talk of an unanswered call": WAITING | {"talk_time": 30, "answered_agents": [leg(1, T)]},
    "talk of an unanswered outbound call": WAITING | {"is_inbound": False, "talk_time": 30},
    "names but no ids": SPOKEN | {name: {"id": None, "name": "N"} for name in ("ring_group", "ivr", "campaign")},
    "ids but no names": SPOKEN | {"number": {"id": 5}, "ivr": {"id": 6}, "contact": {"id": 7, "list_ids": []}},
    "ended in a menu": WAITING | {"ivr": {"id": 6, "name": "N"}, "ring_group": {"id": None, "name": "N"}},
    "ended in a menu without an id": WAITING | {"ivr": {"id": None, "name": "N"}},
    "first of two names": SPOKEN | {"ring_group": {"id": 1, "name": "Old"}},
    "second of two names": SPOKEN | {"ring_group": {"id": 1, "name": "New"}, "started_at": T + 1},
    "name lost": SPOKEN | {"ring_group": {"id": 1, "name": None}, "started_at": T + 2},
    "repeated hour": SPOKEN | {"started_at": T + 3600},
    "tags and lists": SPOKEN
    | {"tags": ["b", "a", "b"], "contact": {"id": 1, "list_ids": [3, 1]}, "original_call_id": 9},
    "no tags": SPOKEN | {"tags": [], "recordings": []},
}


def test_odd_calls():
    calls = [call | {"id": number} for number, call in enumerate(ODD.values(), 1)]
    assert_agree({DAY: calls}, set(), ZONE)


@pytest.mark.parametrize("inbound", [True, False])
def test_every_label_alone_and_beside_every_other_whatever_the_fields_say(inbound):
    sets = [*itertools.combinations(LABELS, 1), *itertools.combinations(LABELS, 2), LABELS, ()]
    states = [
        {},
        {"type": "ivr_exit", "requested_callback": True},
        {"is_answered": True, "type": "abandoned"},
        {"is_ended": False},
    ]
    cases = list(enumerate(itertools.product(sets, states), 1))
    calls = [WAITING | state | {"id": number, "is_inbound": inbound} for number, (_, state) in cases]
    assert_agree({DAY: calls}, {(number, label) for number, (labels, _) in cases for label in labels}, ZONE)


@pytest.mark.parametrize("inbound", [True, False, None])
def test_every_type_with_every_flag(inbound):
    flags = [None, False, True]
    cases = itertools.product((*TYPES, None), flags, flags, flags)
    calls = [
        {"id": number, "started_at": T, "is_inbound": inbound, "type": token}
        | {"is_ended": ended, "is_answered": answered, "requested_callback": callback}
        for number, (token, ended, answered, callback) in enumerate(cases, 1)
    ]
    assert_agree({DAY: calls}, set(), ZONE)


def test_labels_that_fields_tell_too_stand_once():
    calls = [SPOKEN | {"id": 1}, WAITING | {"id": 2}]
    labels = {(1, "all_inbound"), (1, "inbound_answered"), (1, "all_outbound"), (2, "transfer"), (2, "all_inbound")}
    assert_agree({DAY: calls}, labels, ZONE)


def test_a_day_without_calls():
    tables = assert_agree({DAY: []}, set(), ZONE)[DAY]
    assert {name: len(tables[name]) for name in KEYS if tables[name]} == {
        "reconciliation": 18,
        "day_status": 1,
        "call_type_relations": 15,
        "service_level": 1,
        "abandonment": 1,
        "call_flow": 2,
    }


# Odd calls, at random.

DAYS = [
    ("UTC", date(2025, 6, 1)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2025, 11, 2)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("Asia/Beirut", date(2025, 3, 30)),  # midnight is skipped
    ("Atlantic/Azores", date(2025, 10, 26)),  # midnight comes twice
    ("Asia/Kathmandu", date(2025, 6, 1)),  # 5:45 ahead of UTC
    ("America/St_Johns", date(2026, 3, 8)),  # 3:30 behind
]
"""Zones with the middle one of the three days to try."""

flag = st.sampled_from([None, False, True])
seconds = st.sampled_from([None, -7, 0, 1, 2, 7, 100, 101])
some_id = st.sampled_from([None, 1, 2])
text = st.sampled_from([None, "", "A", "B"])
some_leg = st.tuples(
    st.sampled_from([None, 1, 2, 2, 3, 3]),
    st.sampled_from([-7, -6, -5, -4, 0, 0, 1, 1, 40, 40, 99, 101, 102, 500, "ms", "ms", None, None, "zero", "minus"]),
    flag,
    text,
    text,
)
some_legs = st.one_of(st.lists(some_leg, max_size=4), st.lists(some_leg, min_size=1, max_size=4), st.none())


def structs(**fields):
    return st.one_of(st.none(), st.fixed_dictionaries(fields))


some_call = st.fixed_dictionaries(
    {
        "is_inbound": st.sampled_from([True, True, True, False, None]),
        "is_ended": st.sampled_from([True, True, True, True, False, None]),
        "is_answered": flag,
        "is_answered_within_sla": flag,
        "requested_callback": flag,
        "type": st.sampled_from([None, *TYPES]),
        "original_call_id": some_id,
        "duration": seconds,
        "talk_time": seconds,
        "all_agents": some_legs,
        "answered_agents": some_legs,
        "external_numbers": st.sampled_from([None, [], [{"number": "1"}], [{"number": "1", "is_any_transfer": True}]]),
        "number": structs(id=some_id, number=text, alias=text),
        "campaign": structs(id=some_id, name=text),
        "ring_group": structs(id=some_id, name=text),
        "ivr": structs(id=some_id, name=text),
        "disposition": structs(id=some_id, code=text),
        "contact": structs(
            id=some_id, number=text, number_country_code=text, list_ids=st.sampled_from([None, [], [3, 1, 3]])
        ),
        "tags": st.sampled_from([None, [], ["b", "a", "b"]]),
    }
)
some_start = st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([0, 1, 899]))
some_day = st.lists(st.tuples(some_call, some_start), max_size=5)
some_labels = st.sets(st.tuples(st.integers(1, 15), st.sampled_from(LABELS)), max_size=12)


def placed(call, number, where, bounds):
    """A call at a quarter of an hour of the day, or a second beside it, with its legs' starts to match."""
    share, beside = where
    start = bounds[0] + 900 * int(share * ((bounds[1] - bounds[0]) // 900)) + beside
    odd_starts = {"ms": start * 1000 + 7999, "zero": 0, "minus": -1, None: None}

    def all_placed(legs):
        return [leg(one, odd_starts[at] if at in odd_starts else start + at, *rest) for one, at, *rest in legs]

    legs = {name: call[name] and all_placed(call[name]) for name in ("all_agents", "answered_agents")}
    return call | legs | {"id": number, "started_at": start}


def day_bounds(day, zone):
    """First instant of a local day and of the next, in epoch seconds."""
    bounds = (datetime.combine(day + timedelta(days=n), time.min, zone) for n in range(2))
    return [int(bound.timestamp()) for bound in bounds]


WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # it takes minutes, and the message says enough


@examples(20, few=5, phases=WITHOUT_SHRINKING, report_multiple_bugs=False)
@given(st.sampled_from(DAYS), st.tuples(some_day, some_day, some_day), some_labels)
def test_odd_calls_at_random(place, three_days, labels):
    zone, numbers = ZoneInfo(place[0]), itertools.count(1)
    days = [place[1] + timedelta(days=n) for n in (-1, 0, 1)]
    calls = {
        day: [placed(call, next(numbers), where, day_bounds(day, zone)) for call, where in some]
        for day, some in zip(days, three_days, strict=True)
    }
    known = {call["id"] for some in calls.values() for call in some}
    assert_agree(calls, {(number, label) for number, label in labels if number in known}, zone)
