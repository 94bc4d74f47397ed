"""The simulated call centre is always the same, and consistent."""

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calls_assets.api import document
from calls_assets.sandbox import Centre, FixedCalls, SimulatedCall
from calls_assets.sandbox.calls import as_of, types_as_of

SATURDAY, MONDAY = date(2025, 8, 2), date(2025, 8, 4)
WEEKDAYS = [MONDAY + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8)]


def epoch(day: date, zone: str = "UTC", hour: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).timestamp())


@pytest.fixture(scope="module")
def centre() -> Centre:
    return Centre()


@pytest.fixture(scope="module")
def week(centre: Centre) -> list[SimulatedCall]:
    return [call for day in range(8) for call in centre.day(MONDAY + timedelta(days=day))]


def only(calls: list[SimulatedCall], call_type: str) -> list[SimulatedCall]:
    return [call for call in calls if call_type in call.call_types]


def test_a_day_is_the_same_alone_within_a_range_and_after_other_days(centre: Centre) -> None:
    alone = Centre().day(MONDAY)
    other = Centre()
    other.day(MONDAY + timedelta(days=3))
    within = other.between(epoch(MONDAY - timedelta(days=1)), epoch(MONDAY + timedelta(days=2)))
    assert (
        tuple(call for call in within if epoch(MONDAY) <= call.started_at < epoch(MONDAY + timedelta(days=1))) == alone
    )
    assert centre.day(MONDAY) == alone
    assert Centre(seed=8).day(MONDAY) != alone


def test_a_day_is_the_same_in_another_process() -> None:
    program = (
        "import json, sys; from datetime import date; from calls_assets.sandbox import Centre;"
        "json.dump([[c.record, sorted(c.call_types), c.survey_id] for c in Centre().day(date(2025, 8, 4))], sys.stdout)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "123"}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True).stdout
    ours = [[call.record, sorted(call.call_types), call.survey_id] for call in Centre().day(MONDAY)]
    assert json.loads(told) == json.loads(json.dumps(ours))


def test_between_takes_the_start_and_leaves_the_end(centre: Centre) -> None:
    day = centre.day(MONDAY)
    first, last = day[10], day[50]
    found = centre.between(first.started_at, last.started_at)
    assert {call.started_at for call in found} <= set(range(first.started_at, last.started_at))
    assert first in found
    assert last not in found
    assert centre.between(last.started_at, first.started_at) == []


def test_ids_are_unique_and_rise_with_the_start(week: list[SimulatedCall]) -> None:
    ids = [call.record["id"] for call in week]
    assert ids == sorted(set(ids))
    assert [call.started_at for call in week] == sorted(call.started_at for call in week)
    assert max(ids) < 2**63


def test_every_documented_field_is_there_and_of_its_type(week: list[SimulatedCall]) -> None:
    for call in week:
        check_object(call.record, document.CALL)


def check_object(value: dict[str, object], fields: tuple[document.Field, ...]) -> None:
    assert list(value) == [field.name for field in fields]
    for field in fields:
        given = value[field.name]
        if field.many:
            assert isinstance(given, list)
        for item in given if isinstance(given, list) else [given]:
            check_value(item, field)


def check_value(item: object, field: document.Field) -> None:
    if isinstance(field.kind, document.Kind):
        python = {"integer": int, "boolean": bool, "string": str}[field.kind.value]
        assert item is None or type(item) is python, field.name
    elif item is not None:
        assert isinstance(item, dict)
        check_object(item, field.kind)


def test_every_call_type_occurs_in_a_week(week: list[SimulatedCall]) -> None:
    assert set().union(*(call.call_types for call in week)) == set(document.CALL_TYPES)


def test_call_types_hang_together(week: list[SimulatedCall]) -> None:
    def ids(call_type: str) -> set[int]:
        return {call.record["id"] for call in only(week, call_type)}

    within, late = ids("inbound_answered_within_sla"), ids("inbound_answered_but_not_within_sla")
    assert within | late == ids("inbound_answered")
    assert within & late == set()
    assert ids("abandoned") & ids("short_abandoned") == set()
    assert ids("abandoned_distributed") < ids("abandoned")
    assert ids("short_abandoned_distributed") < ids("short_abandoned")
    assert ids("outbound_answered") | ids("outbound_not_answered") == ids("all_outbound")
    assert ids("all_inbound") | ids("all_outbound") == {call.record["id"] for call in week}
    assert ids("warm_transfer") < ids("transfer")
    assert ids("transfer") <= ids("inbound_answered")


def test_records_tell_what_the_call_types_say(week: list[SimulatedCall]) -> None:
    for call in week:
        record, types = call.record, call.call_types
        assert (record["is_ended"], record["is_in_queue"]) == (True, False)
        assert record["is_answered"] == bool(types & {"inbound_answered", "outbound_answered"})
        assert (record["talk_time"] > 0) == record["is_answered"] == bool(record["answered_agents"])
        assert record["requested_callback"] == ("callback" in types)
        legs = record["all_agents"] + record["external_numbers"]
        assert any(leg["is_any_transfer"] for leg in legs) == ("transfer" in types)
        if record["is_inbound"]:
            assert call.started_at + record["duration"] == call.ended_at
            ivr_exit = not record["is_answered"] and bool(record["ivr"]) and not record["ring_group"]
            assert ivr_exit == ("inbound_ivr_exit" in types)
        else:
            assert record["duration"] == record["talk_time"]
            assert record["is_answered_within_sla"] is None


def test_waits_decide_on_the_service_level_and_on_abandonment(week: list[SimulatedCall]) -> None:
    assert all((call.wait_s or 0) <= 20 for call in only(week, "inbound_answered_within_sla"))
    assert all((call.wait_s or 0) > 20 for call in only(week, "inbound_answered_but_not_within_sla"))
    assert all(call.record["duration"] < 10 for call in only(week, "short_abandoned"))
    assert all(call.record["duration"] >= 10 for call in only(week, "abandoned"))
    for call in only(week, "abandoned") + only(week, "short_abandoned"):
        assert bool(call.record["all_agents"]) == any(name.endswith("_distributed") for name in call.call_types)


def test_callbacks_follow_a_call_that_asked_for_one(centre: Centre, week: list[SimulatedCall]) -> None:
    by_id = {call.record["id"]: call for call in (*centre.day(SATURDAY), *week)}
    callbacks = only(week, "automated_callback")
    originals = [by_id[call.record["original_call_id"]] for call in callbacks]
    assert len(callbacks) > 10
    for call, original in zip(callbacks, originals, strict=True):
        assert "callback" in original.call_types
        assert original.record["contact"] == call.record["contact"]
        assert original.ended_at < call.started_at < original.ended_at + 3 * 86_400
    assert all(
        (call.record["original_call_id"] is not None) == ("automated_callback" in call.call_types) for call in week
    )


def test_an_agent_talks_to_one_at_a_time(week: list[SimulatedCall]) -> None:
    talks = sorted((talk.agent_id, talk.start, talk.end) for call in week for talk in call.talks)
    assert all(start < end for _, start, end in talks)
    for (agent, _, end), (next_agent, start, _) in pairwise(talks):
        assert agent != next_agent or end <= start


def test_warm_transfers_overlap_and_cold_ones_do_not(week: list[SimulatedCall]) -> None:
    for call in only(week, "transfer"):
        first, *others = call.talks
        for second in others:
            assert (second.start < first.end) == ("warm_transfer" in call.call_types)
            assert second.end == call.ended_at


def test_agents_have_one_name_each(week: list[SimulatedCall]) -> None:
    names = {(leg["id"], leg["alias"], leg["sip"]) for call in week for leg in call.record["all_agents"]}
    assert len(names) == len({agent for agent, _, _ in names}) == len({sip for _, _, sip in names})


@pytest.mark.parametrize("day", WEEKDAYS, ids=str)
def test_a_weekday_looks_like_one(centre: Centre, day: date) -> None:
    count = Counter(name for call in centre.day(day) for name in call.call_types)
    answered, abandoned = count["inbound_answered"], count["abandoned"]
    assert 0.6 < count["inbound_answered_within_sla"] / (answered + abandoned) < 0.95
    assert 0.02 < abandoned / (answered + abandoned) < 0.15
    assert 300 < len(centre.day(day)) < 600


def test_the_centre_is_closed_at_night_and_on_sundays(centre: Centre) -> None:
    for day in (MONDAY, MONDAY + timedelta(days=5), MONDAY + timedelta(days=6)):
        opens, closes = {0: (8, 20), 5: (9, 14), 6: (0, 0)}[day.weekday()]
        for call in centre.day(day):
            hour = datetime.fromtimestamp(call.started_at, UTC).hour
            if call.record["is_inbound"]:
                assert ("out_of_business_hours" in call.call_types) == (not opens <= hour < closes)


@pytest.mark.parametrize(("day", "hours"), [(date(2025, 3, 9), 23), (date(2025, 11, 2), 25), (date(2025, 3, 10), 24)])
def test_days_of_a_zone_have_their_own_length(day: date, hours: int) -> None:
    zone = "America/New_York"
    centre = Centre(zone=zone, calls_per_day=600)
    start, end = epoch(day, zone), epoch(day + timedelta(days=1), zone)
    assert end - start == hours * 3600
    calls = centre.day(day)
    assert calls
    assert all(start <= call.started_at < end for call in calls)
    assert tuple(centre.between(start, end)) == calls
    local = {datetime.fromtimestamp(call.started_at, ZoneInfo(zone)).hour for call in calls if call.talks}
    assert local <= set(range(8, 21))


def test_a_call_grows_until_it_is_over(week: list[SimulatedCall]) -> None:
    call = next(call for call in only(week, "warm_transfer") if call.wait_s and call.record["ivr"])
    timeline = call.timeline
    assert timeline is not None
    assert timeline.answered_at is not None
    assert as_of(call, call.started_at - 1) is None

    in_menu = as_of(call, call.started_at)
    assert in_menu is not None
    assert (in_menu["is_in_queue"], in_menu["ring_group"], in_menu["all_agents"]) == (False, None, [])
    waiting = as_of(call, timeline.answered_at - 1)
    assert waiting is not None
    assert (waiting["is_in_queue"], waiting["is_answered"], waiting["answered_agents"]) == (True, False, [])
    assert all((waiting["ring_group"], waiting["all_agents"]))
    assert types_as_of(call, timeline.answered_at - 1) == {"all_inbound"}

    talking = as_of(call, timeline.answered_at)
    assert talking is not None
    assert (talking["is_in_queue"], talking["is_answered"], talking["is_ended"]) == (False, True, False)
    assert len(talking["answered_agents"]) == 1
    assert talking["duration"] == timeline.answered_at - call.started_at
    assert types_as_of(call, timeline.answered_at) == {"all_inbound", "inbound_answered"}
    assert len((as_of(call, timeline.joined_at[1]) or {})["answered_agents"]) == 2

    assert (as_of(call, call.ended_at - 1) or {})["is_ended"] is False
    assert as_of(call, call.ended_at) is call.record
    assert types_as_of(call, call.ended_at) == call.call_types


def test_a_live_call_has_the_shape_of_a_finished_one(week: list[SimulatedCall]) -> None:
    for call in week:
        live = as_of(call, (call.started_at + call.ended_at) // 2)
        assert live is not None
        check_object(live, document.CALL)


def test_fixed_calls_come_as_they_are() -> None:
    plain = {"id": 1, "started_at": 1000, "is_ended": False}
    strange: list[dict[str, Any]] = [
        {"id": 2},
        {"id": 3, "started_at": "soon"},
        {"id": 4, "started_at": True},
        {"id": 5, "started_at": 1e12},
    ]
    source = FixedCalls([(plain, ["all_inbound"]), *((record, ()) for record in strange)])
    assert [call.record for call in source.between(1000, 1001)] == [plain, *strange]
    assert [call.record for call in source.between(1001, 2000)] == strange
    first = source.between(1000, 1001)[0]
    assert as_of(first, 0) is plain
    assert types_as_of(first, 0) == {"all_inbound"}
