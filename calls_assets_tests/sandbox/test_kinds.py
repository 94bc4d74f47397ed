"""Each kind of call centre serves its purpose, and is consistent."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from calls_assets.api.document import CALL_TYPES
from calls_assets.sandbox import Centre, KindName, SimulatedCall, cast
from calls_assets.sandbox.callers import Callers
from calls_assets.sandbox.calls import as_of
from calls_assets.sandbox.dice import Dice
from calls_assets.sandbox.kinds import KINDS
from calls_assets.sandbox.simulation import DayPlan, Shift, call_back_first, simulate

NEW_YORK = ZoneInfo("America/New_York")
FIRST = date(2025, 10, 27)
FALL_BACK, SPRING_FORWARD = date(2025, 11, 2), date(2025, 3, 9)
NAMES = get_args(KindName)


def centre(kind: KindName) -> Centre:
    return Centre(zone=NEW_YORK.key, calls_per_day=300, kind=kind)


@pytest.fixture(scope="module")
def weeks() -> dict[KindName, list[SimulatedCall]]:
    """A week of each kind, Monday to the Sunday on which New York's clocks are set back, and the Monday after."""
    days = [FIRST + timedelta(days=day) for day in range(8)]
    return {kind: [call for day in days for call in centre(kind).day(day)] for kind in NAMES}


def count(calls: list[SimulatedCall]) -> Counter[str]:
    return Counter(name for call in calls for name in call.call_types)


def local(moment: int) -> datetime:
    return datetime.fromtimestamp(moment, NEW_YORK)


def test_every_kind_has_its_data() -> None:
    assert list(KINDS) == list(NAMES)
    for kind in KINDS.values():
        assert (len(kind.week), len(kind.busy), len(kind.quiet)) == (7, 24, 24)
        for shares in (kind.groups, kind.lines):
            assert sum(each.share for each in shares) == pytest.approx(1.0)
        assert all(group.campaigns and kind.caller_id(group) for group in kind.groups)


def test_a_help_desk_has_long_queues(weeks: dict[KindName, list[SimulatedCall]]) -> None:
    many = count(weeks["help_desk"])
    served = many["inbound_answered"] + many["abandoned"]
    assert many["inbound_answered_within_sla"] / served < 0.65
    assert many["abandoned"] / served > 0.2
    assert many["all_inbound"] / len(weeks["help_desk"]) > 0.85
    assert min(many["overflowed"], many["callback"]) / many["all_inbound"] > 0.03


def test_a_sales_floor_dials_more_than_it_is_called(weeks: dict[KindName, list[SimulatedCall]]) -> None:
    calls = weeks["sales_floor"]
    dialled = [call for call in calls if not call.record["is_inbound"] and call.record["campaign"]]
    assert 0.6 < len(dialled) / len(calls) < 0.9
    assert count(calls)["inbound_answered"] > 100


def test_round_the_clock_never_closes(weeks: dict[KindName, list[SimulatedCall]]) -> None:
    calls = weeks["round_the_clock"]
    assert count(calls)["out_of_business_hours"] == 0
    answered = [local(call.started_at) for call in calls if "inbound_answered" in call.call_types]
    assert {moment.hour for moment in answered} == set(range(24))
    assert {moment.weekday() for moment in answered if moment.hour < 6} == set(range(7))
    dials = [call for call in calls if call.record["campaign"] and not call.record["is_inbound"]]
    assert {local(call.started_at).hour for call in dials} <= set(range(9, 20))


def test_midnight_parts_the_calls_but_not_the_talks() -> None:
    clock, days = Centre(calls_per_day=300, kind="round_the_clock"), [FIRST + timedelta(days=day) for day in range(60)]
    by_day = {day: clock.day(day) for day in days}
    for day, calls in by_day.items():
        assert {datetime.fromtimestamp(call.started_at, UTC).date() for call in calls} == {day}
    talks = sorted(
        (talk.agent_id, talk.start, talk.end) for calls in by_day.values() for call in calls for talk in call.talks
    )
    assert sum(start // 86_400 < end // 86_400 for _, start, end in talks) > 10
    assert all(agent != next_agent or end <= start for (agent, _, end), (next_agent, start, _) in pairwise(talks))


def test_callbacks_still_owed_at_midnight_are_made_first_on_the_next_day() -> None:
    kind, slots, end = KINDS["round_the_clock"], 8, 7200
    shifts = [Shift(agent, 0, end + 300) for group in kind.groups for agent in cast.agents(group, 2)]
    plan = DayPlan(
        kind=kind,
        start=0,
        end=end,
        open_at=0,
        close_at=end,
        shifts=shifts,
        callers=Callers("a rush", 1, 400, 100),
        groups=kind.groups,
        rates=[30.0] * slots,
        slot_s=900,
        dial_from=0,
        dial_until=end,
    )
    calls = simulate(plan, Dice("a rush before midnight"))
    asked = [call for call in calls if call.outcome == "callback"]
    made = [call.follows for call in calls if call.follows]
    owed = [call for call in asked if call.owed]
    assert 0 < len(made) < len(asked)
    assert len(owed) > 10
    assert not [call for call in owed if call in made]
    assert max(call.started_at for call in calls) < end

    quiet = replace(plan, rates=[0.0] * slots)
    dialled = simulate(quiet, Dice("a quiet night"))
    first = call_back_first(dialled, calls)
    assert [call.started_at for call in first] == [call.started_at for call in dialled]
    late = [call.follows for call in first if call.follows]
    assert 0 < len(late) < len(owed)
    for group in kind.groups:
        in_turn = [call for call in late if call.group is group]
        assert in_turn == [call for call in owed if call.group is group][: len(in_turn)]


def test_who_works_until_midnight_does_not_work_the_night_that_follows() -> None:
    clock = Centre(calls_per_day=300, kind="round_the_clock")
    for day in (FIRST + timedelta(days=day) for day in range(10)):
        evening, night = (
            {
                talk.agent_id
                for call in clock.day(each)
                for talk in call.talks
                if datetime.fromtimestamp(call.started_at, UTC).hour in hours
            }
            for each, hours in ((day, range(18, 24)), (day + timedelta(days=1), range(6)))
        )
        assert min(len(evening), len(night)) > 1
        assert not evening & night


def test_there_are_calls_in_both_passes_of_the_repeated_hour_and_none_in_the_skipped_one() -> None:
    clock = centre("round_the_clock")
    repeated = [local(call.started_at) for call in clock.day(FALL_BACK)]
    assert {moment.fold for moment in repeated if moment.hour == 1} == {0, 1}
    hours = {local(call.started_at).hour for call in clock.day(SPRING_FORWARD)}
    assert hours == set(range(24)) - {2}


@pytest.mark.parametrize("kind", NAMES)
def test_a_kind_is_true_to_itself(weeks: dict[KindName, list[SimulatedCall]], kind: KindName) -> None:
    calls = weeks[kind]
    assert 150 < len(calls) / 8 < 420
    assert set(count(calls)) <= set(CALL_TYPES)
    ids = [call.record["id"] for call in calls]
    assert ids == sorted(set(ids))
    starts = [call.started_at for call in calls]
    assert starts == sorted(starts)
    talks = sorted((talk.agent_id, talk.start, talk.end) for call in calls for talk in call.talks)
    assert all(agent != next_agent or end <= start for (agent, _, end), (next_agent, start, _) in pairwise(talks))
    by_id = dict(zip(ids, calls, strict=True))
    worked = sorted({local(call.started_at).date() for call in calls if call.talks})
    originals = [(call, call.record["original_call_id"]) for call in calls if call.record["original_call_id"]]
    assert originals
    for call, asked in originals:
        today = worked.index(local(call.started_at).date())
        if asked not in by_id:
            assert today == 0
            continue
        assert "callback" in by_id[asked].call_types
        assert by_id[asked].ended_at < call.started_at
        assert today - worked.index(local(by_id[asked].started_at).date()) in (0, 1)


@pytest.mark.parametrize("kind", NAMES)
def test_a_day_of_a_kind_is_the_same_alone(weeks: dict[KindName, list[SimulatedCall]], kind: KindName) -> None:
    alone = centre(kind).day(FALL_BACK)
    assert list(alone) == [call for call in weeks[kind] if local(call.started_at).date() == FALL_BACK]
    assert all(local(call.started_at).date() == FALL_BACK for call in alone)


@pytest.mark.parametrize("kind", NAMES)
def test_a_call_of_a_kind_has_a_live_view(weeks: dict[KindName, list[SimulatedCall]], kind: KindName) -> None:
    for call in weeks[kind]:
        middle = (call.started_at + call.ended_at) // 2
        live = as_of(call, middle)
        assert live is not None
        assert live["is_ended"] is False
        assert all(leg["started_at"] <= middle for leg in live["all_agents"])
