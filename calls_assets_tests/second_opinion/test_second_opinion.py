"""Every figure of every derived table, held against a second reading of the written definitions by other means."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
import pytest

import calls_assets
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Meaning, Sandbox
from calls_assets.tables.catalog import VIEWS
from calls_assets.waits import Thresholds
from calls_assets_tests.second_opinion import counts, opinion, times
from calls_assets_tests.second_opinion.comparison import KEYS, compared, same
from calls_assets_tests.second_opinion.day import opinions

PULLED = ("raw_calls", "raw_call_types")
FILES = (*PULLED, *(name for name in KEYS if name not in VIEWS))
SHOWN = 40


def file_of(root, table, day):
    return root / table / f"date={day}" / f"{table}.parquet"


def read(root, table, day):
    """A table's rows of a day as plain objects; those of a view as analysts get them."""
    if table in VIEWS:
        stored = calls_assets.read(table, day, day, to="arrow", data_url=root).cast(VIEWS[table].arrow_schema)
    else:
        stored = pq.read_table(file_of(root, table, day))
    return pd.DataFrame(stored.to_pylist(), columns=stored.column_names, dtype=object)


def second_opinions(root, day, zone, waits=opinion.UNKNOWN):
    """Every derived table of a day, from what the API gave."""
    raw, labels, given = (read(root, table, day) for table in ("raw_calls", "raw_call_types", "reconciliation"))
    pulled_at = file_of(root, "raw_calls", day).stat().st_mtime
    return opinions(raw, labels, given, day, zone, pulled_at, waits=waits)


def assert_no_differences(root, days, zone, waits=opinion.UNKNOWN):
    """Every figure of every derived table of the days is the one of the second opinion."""
    found = [told for day in days for told in differences(root, day, ZoneInfo(zone), waits)]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:SHOWN])


def differences(root, day, zone, waits):
    """A sentence for every figure of a day on which the files and the second opinion differ."""
    for table, ours in second_opinions(root, day, zone, waits).items():
        for told in compared(read(root, table, day), ours, KEYS[table]):
            yield f"{table} of {day}{told}"


@dataclass(frozen=True)
class Account:
    """A call centre, the zone it is read in, the days to read, and what is set of its waits."""

    centre: Centre
    first: date
    zone: str = "UTC"
    days: int = 30
    now: int | None = None
    wait: str | None = None
    sla_seconds: dict[int | None, int] = field(default_factory=dict)
    statuses: frozenset[str] = frozenset({"unknown"})


# The sandbox's clock stands still in the last evening, so that calls are going on; the clocks go back on 2 November.
EVENING = int(datetime(2025, 11, 13, 18, 59, 20, tzinfo=ZoneInfo("America/New_York")).timestamp())
ACCOUNTS = {
    "thirty days of a help desk whose waits agree": Account(
        Centre(calls_per_day=560, kind="help_desk", meaning=Meaning(sla_clock="call", leg_start="answer", sla_s=45)),
        date(2025, 9, 1),
        wait="duration_less_talk",
        statuses=frozenset({"verified"}),
    ),
    "two weeks of a sales floor of other meanings": Account(
        Centre(
            calls_per_day=150,
            kind="sales_floor",
            meaning=Meaning(distributed="beside", short="inside", warm="beside", tokens="coarse", duration="talk"),
        ),
        date(2025, 6, 1),
        days=14,
    ),
    "two weeks round the clock": Account(
        Centre(calls_per_day=150, zone="America/New_York", kind="round_the_clock", meaning=Meaning(noise=0.1)),
        date(2025, 10, 31),
        "America/New_York",
        days=14,
        now=EVENING,
        wait="duration_less_talk",
        statuses=frozenset({"verified", "contradicted"}),
    ),
    "two busy days whose ring groups have enough calls of their own": Account(
        Centre(calls_per_day=1200, kind="round_the_clock", meaning=Meaning(sla_clock="call", sla_s=20)),
        date(2025, 9, 1),
        days=2,
        wait="leg_start",
        sla_seconds={None: 20, 2: 15},
        statuses=frozenset({"verified", "contradicted"}),
    ),
}


@pytest.mark.parametrize(
    "account",
    [pytest.param(one, id=name, marks=[pytest.mark.slow] if one.days > 2 else []) for name, one in ACCOUNTS.items()],
)
def test_every_day_has_the_figures_of_the_second_opinion(account, run_pipeline, tmp_path):
    clock = {} if account.now is None else {"now": lambda: account.now}
    days = [account.first + timedelta(days=n) for n in range(account.days)]
    with Sandbox(account.centre, **clock) as api:
        own = {group: seconds for group, seconds in account.sla_seconds.items() if group is not None}
        settings = {"wait": account.wait, "sla_seconds": Thresholds(account.sla_seconds.get(None), own)}
        assert run_pipeline(api, tmp_path, days[0], days[-1], account.zone, select=FILES, **settings).success
    assert_no_differences(tmp_path, days, account.zone, opinion.Waits(account.wait, account.sla_seconds))
    statuses = {status for day in days for status in read(tmp_path, "service_level", day)["wait_status"]}
    assert statuses == account.statuses
    still_open = read(tmp_path, "day_status", days[-1])["calls_open"].item()
    assert (still_open > 0) == (account.now is not None)


LABELS = (*(label for label, _ in opinion.OUTCOME_OF_LABEL), "transfer", "warm_transfer", "automated_callback")


def odd_leg(dice, start):
    """An agent's leg whose start may be missing, in milliseconds, or before the call."""
    began = dice.choice([start + dice.randrange(90)] * 8 + [None, 0, -5, (start + 20) * 1000, start - 3, start - 100])
    agent = dice.choice([None] + [1, 2, 3, 4, 5] * 6)
    flag = dice.choice([False, False, True, None])
    alias = dice.choice([f"Agent {agent}", f"Agent {agent}", "Renamed", None])
    cause = dice.choice(["NORMAL_CLEARING", "NO_ANSWER", None])
    told = {"type": "agent", "is_any_transfer": flag, "hangup_reason": cause}
    return {"id": agent, "alias": alias, "started_at": began} | told


def odd_call(dice, call_id, start):
    """A call that says any of what the document allows of it, in any combination."""
    pick = dice.choice
    seconds = [dice.randrange(900) for _ in range(20)]
    impossible = [-1, 366 * 86_400 + 1, None]
    legs = [odd_leg(dice, start) for _ in range(pick([0, 1, 1, 1, 2, 2, 3, 4]))]
    taken = dice.sample(legs, dice.randrange(len(legs) + 1)) if dice.random() < 0.7 else []
    return {
        "id": call_id,
        "is_inbound": pick([True] * 4 + [False] * 2 + [None]),
        "is_answered": pick([True] * 3 + [False, None]),
        "contact": pick(
            [None, {"id": None}, {"id": dice.randrange(30), "number_country_code": "44", "list_ids": [2, 1]}]
        ),
        "all_agents": pick([[*legs, odd_leg(dice, start)], legs, legs, [], None]),
        "answered_agents": taken or pick([[], None]),
        "external_numbers": pick([[], None, [{"number": "1", "is_any_transfer": False}]]),
        "number": pick([None, *({"id": line, "number": "9", "alias": pick(["Line", None])} for line in (1, 2))]),
        "started_at": start,
        "duration": pick(seconds + impossible),
        "talk_time": pick([*seconds, *impossible, 0, 0, 5000]),
        "requested_callback": pick([True, False, False, None]),
        "is_ended": pick([True] * 18 + [False, None]),
        "type": pick([*(outcome for _, outcome in opinion.OUTCOME_OF_LABEL), "answered", "unheard of", "", None]),
        "is_answered_within_sla": pick([True, True, False, None]),
        "original_call_id": pick([None] * 3 + list(range(call_id - 6, call_id + 4))),
        "campaign": pick([None, {"id": 1, "name": "Spring"}, {"id": None, "name": "Nameless"}]),
        "ring_group": pick(
            [None, *({"id": n, "name": pick([f"Group {n}", f"Renamed {n}", None])} for n in (1, 1, 2, 3))]
        ),
        "ivr": pick([None, {"id": 7, "name": pick(["Menu", None])}]),
        "disposition": pick([None, {"id": 1, "code": "Sold"}]),
        "tags": pick([None, [], ["b", "a"]]),
    }


@pytest.mark.parametrize(
    ("zone", "first", "refused"),
    [
        pytest.param("Australia/Lord_Howe", date(2025, 10, 4), (), marks=pytest.mark.slow),  # half an hour is lost
        ("Asia/Kathmandu", date(2025, 3, 4), LABELS),  # the API refuses all that tells how calls ended
        ("America/New_York", date(2025, 3, 8), ("all_inbound", "callback", "abandoned")),
    ],
    ids=["half an hour lost", "all labels refused", "some labels refused"],
)
def test_odd_calls_have_the_figures_of_the_second_opinion(zone, first, refused, run_pipeline, tmp_path):
    dice = random.Random(zone)
    days = [first + timedelta(days=n) for n in range(3)]
    noon = [int(datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).timestamp()) for day in days]
    starts = sorted(dice.randrange(noon[0] - 43_200, noon[-1] + 43_200) for _ in range(450))
    calls = [odd_call(dice, call_id, start) for call_id, start in enumerate(starts, 1)]
    account = FixedCalls([(call, dice.sample(LABELS, dice.choice([0, 0, 1, 1, 2, 3]))) for call in calls])
    with Sandbox(account, Behaviour(refused_call_types=frozenset(refused))) as api:
        assert run_pipeline(api, tmp_path, days[0], days[-1], zone, select=FILES).success
    assert_no_differences(tmp_path, days, zone)
    assert not [*differences_of_all_days(tmp_path, days, ZoneInfo(zone))]


def differences_of_all_days(root, days, zone):
    """What differs where the days are read together, so that calls of later days count."""
    raw, labels = ([read(root, table, day) for day in days] for table in ("raw_calls", "raw_call_types"))
    calls = pd.concat([opinion.calls(*given, zone, opinion.UNKNOWN) for given in zip(raw, labels, days, strict=True)])
    raw = pd.concat(raw)
    lists = {
        "callbacks_never_dialled": counts.callbacks_never_dialled(calls, raw, calls),
        "callers_not_spoken_to": counts.callers_not_spoken_to(calls, raw),
    }
    for name, ours in lists.items():
        stored = calls_assets.read(name, to="arrow", data_url=root)
        rows = pd.DataFrame(stored.to_pylist(), columns=stored.column_names, dtype=object)
        yield from compared(rows, ours, KEYS[name])


def test_days_that_mornings_will_pull_again_have_the_figures_of_the_second_opinion(run_pipeline, tmp_path):
    now = datetime.now(UTC)
    days = [now.date() - timedelta(days=age) for age in (4, 3, 2, 1, 0)]
    with Sandbox(Centre(calls_per_day=40), now=lambda: int(now.timestamp())) as api:
        assert run_pipeline(api, tmp_path, days[0], days[-1], select=FILES).success
    assert_no_differences(tmp_path, days, "UTC")
    lookback = [read(tmp_path, "day_status", day)["days_inside_lookback"].item() for day in days]
    assert (lookback[0], lookback[-1]) == (0, 1)


def test_a_day_without_calls_has_the_rows_of_the_second_opinion(run_pipeline, tmp_path):
    day = date(2025, 7, 1)
    with Sandbox(FixedCalls([])) as api:
        assert run_pipeline(api, tmp_path, day, day, select=FILES).success
    assert_no_differences(tmp_path, [day], "UTC")
    rows = {table: len(ours) for table, ours in second_opinions(tmp_path, day, ZoneInfo("UTC")).items()}
    assert {table: n for table, n in rows.items() if n} == {
        "reconciliation": 18,
        "day_status": 1,
        "call_type_relations": 15,
        "service_level": 1,
        "abandonment": 1,
        "call_flow": 2,
    }


def test_a_difference_names_the_row_the_column_and_both_values():
    stored = pd.DataFrame({"call_id": [1, 2, 3], "talk_s": [5, 0, None]}, dtype=object)
    ours = pd.DataFrame({"call_id": [1, 2, 4], "talk_s": [5, None, 1]}, dtype=object)
    assert set(compared(stored, ours, ("call_id",))) == {
        ", {'call_id': 2}: talk_s is 0 in the file, None in the second opinion",
        ", {'call_id': 3}: the file has this row, the second opinion does not",
        ", {'call_id': 4}: the second opinion has this row, the file does not",
    }
    assert list(compared(stored, ours[["call_id"]], ("call_id",))) == [" has not the columns ['talk_s'] in both"]
    backwards = stored[::-1]
    assert list(compared(backwards, stored, ("call_id",))) == [" is not sorted by ('call_id',)"]
    assert [same(1, 1.0), same(0.1 + 0.2, 0.3), same(0, False), same(None, 0)] == [False, True, False, False]


T = 1_700_000_000


@pytest.mark.parametrize(
    ("talk", "starts", "shares"),
    [
        (100, [T], [100]),
        (100, [T, T + 40], [40, 60]),
        (100, [T + 40, T], [60, 40]),
        (101, [T, T], [51, 50]),
        (100, [T, None], [50, 50]),
        (100, [None, None, None], [34, 33, 33]),
        (0, [T, T + 10], [0, 0]),
        (30, [T, T + 50], [30, 0]),
        (100, [T, T + 40, T + 70], [40, 30, 30]),
    ],
)
def test_talk_is_split_as_the_written_examples_say(talk, starts, shares):
    assert [share for _, share in opinion.split_talk(talk, starts)] == shares


def test_service_levels_are_those_of_the_worked_example():
    levels = times.service_levels(Counter(answered=1000, abandoned=50, short_abandoned=10), 860, 20)
    assert {name: round(level, 4) for name, level in levels.items() if name.startswith(("sl_", "service"))} == {
        "service_level": 0.8190,
        "sl_answered_only": 0.8600,
        "sl_all_abandons": 0.8113,
        "sl_short_positive": 0.8208,
        "sl_offered": 0.8113,
        "sl_offered_excl_short": 0.8190,
        "sl_incl_overflowed": 0.8190,
        "sl_abandon_within_threshold_ignored": 0.8269,
        "sl_abandon_within_threshold_positive": 0.8302,
    }


def test_a_threshold_is_the_lowest_that_agrees_with_most_verdicts():
    assert times.best([(5, True)] * 190 + [(20, True)] * 5 + [(31, False)] * 9 + [(40, True)]) == (20, 30)
    assert times.best([(5, False), (9, False)]) == (4, 4)
    assert times.best([(5, True), (9, True)]) == (9, None)


def test_errors_are_too_many_where_chance_gives_them_less_often_than_once_in_a_thousand():
    assert [times.too_many(errors, 200) for errors in (4, 11, 12)] == [False, False, True]
    assert [times.too_many(errors, 10) for errors in (2, 3, 4)] == [False, True, True]


def test_a_ring_group_is_judged_at_the_threshold_of_all_unless_that_has_too_many_errors():
    good, bad = [(5, True)] * 10, (25, True)
    assert times.fit([*good, bad], None, (20, 30))["threshold_s"] == 20
    assert times.fit([*good, *[bad] * 5], None, (20, 30))["threshold_s"] == 25
    assert times.fit([*good, *[bad] * 5], 20, (30, 30))["threshold_s"] == 20


def test_a_threshold_is_told_of_several_ring_groups_where_all_may_have_it():
    ranges = [(20, 30), (25, None), (25, 25)]
    assert times.common_threshold(ranges) == 25
    assert times.common_threshold([*ranges, (10, 24)]) is None
    assert times.common_threshold([]) is None


def test_who_stops_as_another_begins_does_not_add_to_the_peak():
    assert times.peak([(0, 10), (10, 20), (15, 30)]) == 2
    assert times.peak([(0, 10), (10, 20)]) == 1
    assert times.peak([]) == 0


def test_talk_is_cut_at_the_half_hours_of_local_time():
    quarter = 5 * 3600 + 45 * 60  # Kathmandu: its half-hours begin at a quarter past and a quarter to
    start = 1_699_999_200 + 900  # 22:15 UTC, 04:00 there
    assert times.pieces(start - 60, 120, quarter) == {start - 1800: (start - 60, start), start: (start, start + 60)}
    assert times.pieces(start + 60, 0, quarter) == {}
