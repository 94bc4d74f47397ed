"""How many calls talk at once, and when each agent talks: talk is cut at the borders of half-hours."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from calls_assets.tables.catalog import CALL_AGENTS
from calls_assets_tests.examples import examples
from calls_assets_tests.metrics.chain import DAY, NOON, call, chain, one


def talking(after_s, talk_s, **changes):
    """An answered call whose talk begins so long after noon."""
    started = NOON + timedelta(seconds=after_s)
    half_hour = NOON + timedelta(seconds=after_s // 1800 * 1800)
    return call("answered", started_at=started, interval_start=half_hour, talk_s=talk_s) | changes


def load(rows, **of):
    found = chain(rows, "talk_load")["talk_load"]
    return [row for row in found if all(row[name] == value for name, value in ({"dimension": "total"} | of).items())]


def test_talk_is_cut_at_the_half_hour_and_booked_where_the_call_began_as_well():
    first, second, third = load([talking(1700, 2000)])
    assert (first["calls"], first["talk_s_by_start"], first["talk_s_in_interval"]) == (1, 2000, 100)
    assert (second["calls"], second["talk_s_by_start"], second["talk_s_in_interval"]) == (0, 0, 1800)
    assert (third["talk_s_in_interval"], third["erlangs"]) == (100, 100 / 1800)
    assert second["erlangs"] == 1


def test_talk_begins_with_the_first_answering_leg():
    first, second = load([talking(1700, 200, speed_of_answer_s=50)])
    assert (first["talk_s_in_interval"], second["talk_s_in_interval"]) == (50, 150)


def test_the_peak_counts_who_talks_at_the_same_moment():
    # 0-100, 50-150, 100-200: the first stops as the third begins, and a call without talk adds nothing.
    (row,) = load([talking(0, 100), talking(50, 100), talking(100, 100), talking(60, 0), talking(60, None)])
    assert (row["calls"], row["peak_talk_calls"], row["talk_s_in_interval"]) == (5, 2, 300)


def test_the_peak_counts_who_talks_on_from_the_half_hour_before():
    rows = load([talking(1700, 500), talking(1790, 500), talking(1900, 10)])
    assert [row["peak_talk_calls"] for row in rows] == [2, 3]


def test_peaks_of_directions_and_ring_groups_are_their_own():
    rows = [
        talking(0, 100, ring_group_id=1),
        talking(50, 100, ring_group_id=2),
        talking(60, 100, direction="outbound"),
        talking(70, 100, direction=None),
    ]
    found = chain(rows, "talk_load")["talk_load"]
    peaks = {(row["dimension"], row["member_id"]): row["peak_talk_calls"] for row in found}
    assert peaks == {
        ("total", "(all)"): 4,
        ("direction", "inbound"): 2,
        ("direction", "outbound"): 1,
        ("direction", "(none)"): 1,
        ("ring_group", "1"): 1,
        ("ring_group", "2"): 1,
        ("ring_group", "(none)"): 2,
    }


def test_half_hours_are_those_of_local_time():
    # Kathmandu is 5:45 ahead, so that its half-hours begin at :15 and :45 of UTC.
    start = datetime(2026, 11, 1, 12, 20, tzinfo=UTC)
    of_start = datetime(2026, 11, 1, 12, 15, tzinfo=UTC)
    rows = load([call("answered", started_at=start, interval_start=of_start, utc_offset_s=20_700, talk_s=1800)])
    assert [row["interval_start"] for row in rows] == [of_start, of_start + timedelta(minutes=30)]
    assert [row["talk_s_in_interval"] for row in rows] == [1500, 300]


def test_talk_over_midnight_stays_with_the_day_on_which_its_call_began():
    before = datetime(2026, 11, 1, 23, 59, tzinfo=UTC)
    rows = load([call("answered", started_at=before, interval_start=before.replace(minute=30), talk_s=120)])
    assert [row["interval_start"].day for row in rows] == [1, 2]
    assert {row["local_date"] for row in rows} == {DAY}


CALLS = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000), st.sampled_from([1, 2])), max_size=6)


@examples(20, few=5)
@given(CALLS)
def test_both_bookings_sum_to_the_talk_and_the_peak_is_what_counting_seconds_finds(calls):
    rows = load([talking(start, talk, ring_group_id=group) for start, talk, group in calls])
    total = sum(talk for _, talk, _ in calls)
    assert sum(row["talk_s_by_start"] for row in rows) == sum(row["talk_s_in_interval"] for row in rows) == total
    for row in rows:
        from_s = int((row["interval_start"] - NOON).total_seconds())
        moments = [start for start, _, _ in calls if from_s <= start < from_s + 1800] + [from_s]
        at_once = [sum(start <= moment < start + talk for start, talk, _ in calls) for moment in moments]
        assert row["peak_talk_calls"] == max(at_once)


def leg(call_id, number, agent, **changes):
    return (
        dict.fromkeys(CALL_AGENTS.arrow_schema.names)
        | {"local_date": DAY, "call_id": call_id, "direction": "inbound", "leg": number, "agent_key": str(agent)}
        | {"agent_id": agent, "answered": True, "is_first": number == 0, "is_last": True, "is_transfer": False}
        | {"offset_s": 0, "talk_s": 0, "attribution": "handoff"}
        | changes
    )


def test_each_agents_share_is_cut_at_the_half_hour():
    calls = [talking(1700, 300, call_id=1), talking(1750, 40, call_id=2)]
    legs = [
        leg(1, 0, 7, talk_s=60),
        leg(1, 1, 8, talk_s=240, offset_s=60),
        leg(1, 2, 9, answered=False, offset_s=None, attribution="not_answered"),
        leg(2, 0, 7, talk_s=40),
    ]
    found = chain(calls, "agent_intervals", given={"call_agents": legs})["agent_intervals"]
    noon, later = NOON, NOON + timedelta(minutes=30)
    seven = one(found, agent_key="7")
    assert (seven["interval_start"], seven["calls_offered"], seven["calls_handled"]) == (noon, 2, 2)
    assert (seven["talk_s_by_start"], seven["talk_s_in_interval"]) == (100, 100)
    begun, went_on = (one(found, agent_key="8", interval_start=at) for at in (noon, later))
    assert (begun["calls_handled"], begun["talk_s_by_start"], begun["talk_s_in_interval"]) == (1, 240, 40)
    assert (went_on["calls_handled"], went_on["talk_s_by_start"], went_on["talk_s_in_interval"]) == (0, 0, 200)
    nine = one(found, agent_key="9")
    assert (nine["calls_offered"], nine["calls_handled"], nine["talk_s_in_interval"]) == (1, 0, 0)


def test_legs_that_begin_together_talk_at_once_and_sum_to_the_calls_talk_over_all_half_hours_only():
    calls = [talking(1700, 300, call_id=1)]
    legs = [leg(1, number, agent, talk_s=150, attribution="equal_split") for number, agent in enumerate((7, 8))]
    found = chain(calls, "agent_intervals", given={"call_agents": legs})["agent_intervals"]
    of_agents = [
        sum(row["talk_s_in_interval"] for row in found if row["interval_start"] == NOON + timedelta(minutes=minutes))
        for minutes in (0, 30)
    ]
    of_calls = [row["talk_s_in_interval"] for row in load(calls)]
    assert (of_agents, of_calls) == ([200, 100], [100, 200])


def test_an_agents_half_hour_is_told_by_ring_group_and_adds_up():
    calls = [talking(0, 60, call_id=n, ring_group_id=group) for n, group in enumerate([1, 1, 2, None])]
    legs = [leg(n, 0, 7, talk_s=60) for n in range(4)] + [leg(0, 1, 7, answered=False, attribution="not_answered")]
    found = chain(calls, "agent_intervals", given={"call_agents": legs})["agent_intervals"]
    told = {
        row["ring_group_id"]: (row["calls_offered"], row["calls_handled"], row["talk_s_in_interval"]) for row in found
    }
    assert told == {1: (2, 2, 120), 2: (1, 1, 60), None: (1, 1, 60)}


def test_what_is_renamed_during_a_day_stays_one_with_its_latest_name():
    calls = [
        talking(n * 1800, 60, call_id=n, ring_group_id=1, ring_group_name=name, ivr_id=2, ivr_name=name)
        for n, name in enumerate(["Sales", "New sales", None])
    ]
    legs = [leg(n, 0, 7, talk_s=60, agent_alias=alias) for n, alias in enumerate(["Ann", "Anna", None])]
    names = ("agent_intervals", "call_intervals", "talk_load", "time_distribution")
    found = chain(calls, *names, given={"call_agents": legs})
    assert {(row["agent_alias"], row["ring_group_name"]) for row in found["agent_intervals"]} == {("Anna", "New sales")}
    assert {(row["ring_group_name"], row["ivr_name"]) for row in found["call_intervals"]} == {
        ("New sales", "New sales")
    }
    assert len(found["agent_intervals"]) == len(found["call_intervals"]) == 3
    (distribution,) = found["time_distribution"]
    assert (distribution["ring_group_name"], distribution["calls"]) == ("New sales", 3)
    assert {row["member_name"] for row in found["talk_load"]} == {"(all)", "inbound", "New sales"}


def test_what_has_no_id_has_no_name():
    calls = [talking(0, 60, call_id=1, ring_group_name="Nowhere")]
    found = chain(calls, "call_intervals", "talk_load")
    assert [row["ring_group_name"] for row in found["call_intervals"]] == [None]
    assert one(found["talk_load"], dimension="ring_group")["member_name"] == "(none)"


def test_talk_after_the_clocks_change_is_on_the_new_time_of_the_wall():
    before = datetime(2026, 11, 1, 3, 50, tzinfo=UTC)  # 23:50 on 31 October in New York; at 06:00 UTC clocks go back
    row = talking(0, 3 * 3600, started_at=before, interval_start=before.replace(minute=30), utc_offset_s=-14_400)
    found = chain([row], "talk_load", zone="America/New_York")["talk_load"]
    walls = [row["interval_start_local"].strftime("%H:%M") for row in found if row["dimension"] == "total"]
    assert walls == ["23:30", "00:00", "00:30", "01:00", "01:30", "01:00", "01:30"]


def test_talk_of_nobody_counts_in_no_call():
    legs = [leg(1, 0, None, agent_key="external", talk_s=30)]
    (row,) = chain([talking(0, 30, call_id=1)], "agent_intervals", given={"call_agents": legs})["agent_intervals"]
    assert (row["calls_offered"], row["calls_handled"], row["talk_s_in_interval"]) == (0, 0, 30)
