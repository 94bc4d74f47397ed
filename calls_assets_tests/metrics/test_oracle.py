"""The queries against the oracle: the same rows by other means, on whole days of the sandbox and on odd calls."""

import itertools
import math
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from calls_assets.metrics.run import compute
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.dictionary import TABLES
from calls_assets_tests.oracle import derive

DERIVED = ("calls", "call_agents", "call_intervals", "service_level", "abandonment", "agent_talk_time")
CALL = dict.fromkeys(TABLES["raw_calls"].arrow_schema.names)
LEG = {"id": None, "alias": None, "started_at": None, "is_any_transfer": None}
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


def assert_equal_rows(table, found, expected):
    """Every row and column the same; the message names table, key and column."""
    key = TABLES[table].key
    found_by_key, expected_by_key = (
        {tuple(row[name] for name in key): row for row in rows} for rows in (found, expected)
    )
    assert len(found_by_key) == len(found), f"{table}: a key stands twice in the query's rows"
    assert len(expected_by_key) == len(expected), f"{table}: a key stands twice in the oracle's rows"
    missing, unexpected = expected_by_key.keys() - found_by_key.keys(), found_by_key.keys() - expected_by_key.keys()
    assert not missing, f"{table}: the query lacks {key} = {missing}"
    assert not unexpected, f"{table}: only the query has {key} = {unexpected}"
    for values, row in found_by_key.items():
        wanted = expected_by_key[values]
        assert row.keys() == wanted.keys(), f"{table}: columns differ: {row.keys() ^ wanted.keys()}"
        for column, value in row.items():
            told = f"{table}, {dict(zip(key, values, strict=True))}, {column}: {value!r}, the oracle {wanted[column]!r}"
            assert same(value, wanted[column]), told


def same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and one == other


def compute_all(calls, labels, days, zone):
    """Every table of each day by the queries; `calls` are raw calls by day, `labels` pairs of call id and label."""
    day_of = {call["id"]: day for day in days for call in calls[day]}
    stamped = [CALL | call | {"local_date": day} for day in days for call in calls[day]]
    types = [{"local_date": day_of[number], "call_id": number, "call_type": label} for number, label in sorted(labels)]
    raw = {"raw_calls": stamped, "raw_call_types": types}
    inputs = {name: pa.Table.from_pylist(rows, TABLES[name].arrow_schema) for name, rows in raw.items()}
    found = {
        day: {name: [row for row in rows if row["local_date"] == day] for name, rows in raw.items()} for day in days
    }
    for name in DERIVED:
        parts = compute(TABLES[name], {needed: inputs[needed] for needed in TABLES[name].inputs}, days, zone)
        inputs[name] = pa.concat_tables(parts.values())
        for day in days:
            found[day][name] = parts[day].to_pylist()
    return found


def assert_agree(calls, labels, zone):
    """The queries and the oracle agree on every day of these calls; gives the tables of each day."""
    found = compute_all(calls, labels, list(calls), zone)
    for day, tables in found.items():
        assert_is_as_told(tables, day, zone)
    return found


def assert_is_as_told(tables, day, zone):
    """The derived tables of a day are what the oracle makes of its raw ones."""
    columns = TABLES["raw_calls"].arrow_schema
    raw_calls = pa.Table.from_pylist(tables["raw_calls"], columns).to_pylist()  # every nested field is there
    expected = derive(raw_calls, tables["raw_call_types"], day, zone)
    for name in DERIVED:
        assert_equal_rows(name, tables[name], expected[name])


# Whole days of the sandbox.


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        pytest.param("America/New_York", date(2026, 3, 6), date(2026, 3, 8), id="23 hours"),
        pytest.param("America/New_York", date(2025, 11, 2), date(2025, 11, 2), id="25 hours"),
        pytest.param("Australia/Lord_Howe", date(2026, 4, 4), date(2026, 4, 5), id="24 hours and a half"),
        pytest.param("Africa/Cairo", date(2025, 4, 24), date(2025, 4, 25), id="no midnight"),
    ],
)
def test_the_pipeline_leaves_what_the_oracle_says(run_pipeline, tmp_path, zone, first, last):
    with Sandbox(Centre(zone=zone, calls_per_day=150)) as api:
        assert run_pipeline(api, tmp_path, first, last, zone).success
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        tables = {
            name: pq.read_table(tmp_path / name / f"date={day}" / f"{name}.parquet", partitioning=None).to_pylist()
            for name in ("raw_calls", "raw_call_types", *DERIVED)
        }
        assert tables["raw_calls"]
        assert_is_as_told(tables, day, ZoneInfo(zone))


# Odd calls, by hand.

DAY, ZONE = date(2025, 11, 2), ZoneInfo("America/New_York")
T = int(datetime(2025, 11, 2, 6, 10, 7, tzinfo=UTC).timestamp())
SPOKEN = {"is_inbound": True, "is_ended": True, "is_answered": True, "started_at": T, "talk_time": 101}
WAITING = {"is_inbound": True, "is_ended": True, "is_answered": False, "started_at": T}


def leg(agent_id, start, transfer=None, alias=None):
    return LEG | {"id": agent_id, "started_at": start, "is_any_transfer": transfer, "alias": alias}


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
    assert [len(tables[name]) for name in DERIVED] == [0, 0, 0, 1, 1, 0]


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
        "contact": structs(id=some_id, number_country_code=text, list_ids=st.sampled_from([None, [], [3, 1, 3]])),
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


@settings(max_examples=20, deadline=None, phases=WITHOUT_SHRINKING, report_multiple_bugs=False)
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
