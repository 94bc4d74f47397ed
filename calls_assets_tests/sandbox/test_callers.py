"""Callers call again, are called back and are missed as in life.

What is known of life: in the month of a real bank whose customers are told apart (Technion, "Anonymous Bank", January 1999)
49 % of the contacts call once; 21 % of a day's callers, 34 % of a week's and 41 % of the month's call twice or more; of those
who hang up, 48 % call again within the hour and 79 % within a week. Customers of a bank call more often than most.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from calls_assets.sandbox import Centre, KindName, SimulatedCall, centre

FIRST, DAYS = date(2025, 8, 4), 28
NAMES = get_args(KindName)
OWN = {"NO_ANSWER", "CALL_REJECTED", "USER_BUSY", "USER_NOT_REGISTERED"}
"""Why a ring was missed that neither the caller nor another agent ended."""


@cache
def month(kind: KindName) -> tuple[SimulatedCall, ...]:
    """Four weeks of a kind, from a Monday on."""
    calls_per_day = {"sales_floor": 1200}.get(kind, 400)
    simulated = Centre(calls_per_day=calls_per_day, kind=kind)
    return tuple(call for day in range(DAYS) for call in simulated.day(FIRST + timedelta(days=day)))


def day(call: SimulatedCall) -> date:
    return datetime.fromtimestamp(call.started_at, ZoneInfo("UTC")).date()


def contact(call: SimulatedCall) -> int | None:
    return call.record["contact"] and call.record["contact"]["id"]


def callers(kind: KindName) -> list[SimulatedCall]:
    """The calls of the month by contacts who are known."""
    return [call for call in month(kind) if call.record["is_inbound"] and contact(call)]


def repeat_caller_rate(calls: list[SimulatedCall], period: Callable[[date], Hashable]) -> float:
    """The mean, over periods, of the share of contacts with two calls or more: `repeat_caller_rate` of `call_flow`."""
    counts: dict[Hashable, Counter[int | None]] = defaultdict(Counter)
    for call in calls:
        counts[period(day(call))][contact(call)] += 1
    rates = [sum(many > 1 for many in count.values()) / len(count) for count in counts.values() if len(count) > 20]
    return sum(rates) / len(rates)


def back_within(calls: list[SimulatedCall], seconds: int, *types: str) -> float:
    """Of the calls with one of these values of `type`: the share after which the same contact calls again in time."""
    of_contact = defaultdict(list)
    for call in calls:
        of_contact[contact(call)].append(call)
    again = [
        following is not None and following.started_at - call.started_at <= seconds
        for theirs in of_contact.values()
        for call, following in pairwise([*theirs, None])
        if call and call.record["type"] in types
    ]
    return sum(again) / len(again)


@pytest.mark.parametrize("kind", NAMES)
def test_some_call_twice_in_a_day_more_in_a_week_and_most_once_in_a_month(kind: KindName) -> None:
    calls = callers(kind)
    assert 0.06 < repeat_caller_rate(calls, lambda each: each) < 0.18
    assert 0.18 < repeat_caller_rate(calls, lambda each: each.isocalendar()[:2]) < 0.3
    assert 0.3 < repeat_caller_rate(calls, lambda _: "month") < 0.42
    many = Counter(map(contact, calls))
    assert 0.58 < sum(count == 1 for count in many.values()) / len(many) < 0.7


@pytest.mark.parametrize("kind", NAMES)
def test_a_few_call_all_the_time(kind: KindName) -> None:
    counts = sorted(Counter(map(contact, callers(kind))).values(), reverse=True)
    assert counts[0] >= 10
    assert sum(count >= 10 for count in counts) / len(counts) < 0.01
    # The busiest hundredth of the contacts make several times their share of the calls.
    assert 0.04 < sum(counts[: len(counts) // 100]) / sum(counts) < 0.2


@pytest.mark.parametrize("kind", NAMES)
def test_who_hangs_up_calls_again_within_minutes_and_who_was_served_within_days(kind: KindName) -> None:
    calls = callers(kind)
    assert 0.3 < back_within(calls, 3600, "abandoned", "short_abandoned") < 0.5
    assert back_within(calls, 900, "abandoned", "short_abandoned") > 0.6 * back_within(
        calls, 3600, "abandoned", "short_abandoned"
    )
    assert 0.01 < back_within(calls, 3600, "answered") < 0.06
    assert 0.2 < back_within(calls, 7 * 86_400, "answered") < 0.4


def test_a_contact_has_one_name_and_one_number_and_a_number_one_contact() -> None:
    contacts = {contact(call): call.record["contact"] for call in month("office") if call.record["contact"]}
    assert all(call.record["contact"] in (None, contacts.get(contact(call))) for call in month("office"))
    assert len({record["number"] for record in contacts.values()}) == len(contacts) > 4000


def test_every_cause_of_a_missed_ring_occurs_and_fits_the_call() -> None:
    causes: Counter[str] = Counter()
    for call in (call for call in month("office") if call.record["is_inbound"]):
        record = call.record
        for leg in record["all_agents"]:
            cause = leg["hangup_reason"]
            causes[cause] += 1
            assert (cause == "NORMAL_CLEARING") == (leg in record["answered_agents"])
            if cause == "LOSE_RACE":
                winner = record["answered_agents"][0]
                assert leg["started_at"] == winner["started_at"]
                assert leg["id"] != winner["id"]
            assert cause != "ORIGINATOR_CANCEL" or record["type"] in ("abandoned", "short_abandoned")
            assert cause != "NORMAL_TEMPORARY_FAILURE" or record["type"] == "missed"
        if record["type"] in ("overflowed", "callback"):  # these are waiting, not ringing, when they leave the queue
            assert {leg["hangup_reason"] for leg in record["all_agents"]} <= OWN
    assert set(causes) == OWN | {
        "NORMAL_CLEARING",
        "LOSE_RACE",
        "ORIGINATOR_CANCEL",
        "NORMAL_TEMPORARY_FAILURE",
    }
    missed = sum(causes[cause] for cause in OWN)
    assert causes["NO_ANSWER"] / missed > causes["CALL_REJECTED"] / missed > causes["USER_BUSY"] / missed > 0.05
    assert causes["USER_NOT_REGISTERED"] / missed > 0.01


def test_a_ring_ends_when_another_agent_answers() -> None:
    several = [
        call
        for call in month("sales_floor")
        if any(leg["hangup_reason"] == "LOSE_RACE" for leg in call.record["all_agents"])
    ]
    assert len(several) > 100
    assert max(len(call.record["all_agents"]) for call in several) > 2
    for call in several:
        talks = [(talk.agent_id, talk.start, talk.end) for talk in call.talks]
        losers = {leg["id"] for leg in call.record["all_agents"] if leg["hangup_reason"] == "LOSE_RACE"}
        won = min(start for _, start, _ in talks)
        assert not [agent for agent, start, _ in talks if agent in losers and start == won]


@pytest.mark.parametrize("kind", ["office", "help_desk", "round_the_clock"])
def test_some_callbacks_are_never_made_some_on_the_next_working_day_and_some_twice(kind: KindName) -> None:
    calls = month(kind)
    worked = sorted({day(call) for call in calls if call.talks})
    asked = [call for call in calls if "callback" in call.call_types and day(call) != worked[-1]]
    made = defaultdict(list)
    for call in calls:
        if "automated_callback" in call.call_types:
            made[call.record["original_call_id"]].append(call)
    late = 0
    for call in asked:
        tries = made[call.record["id"]]
        later = {worked.index(day(each)) - worked.index(day(call)) for each in tries}
        assert later <= {0} or later == {1}
        late += later == {1}
        assert not any(each.record["is_answered"] for each in tries[:-1])
        assert all(each.record["contact"] == call.record["contact"] for each in tries)
    tries = Counter(len(made[call.record["id"]]) for call in asked)
    assert set(tries) == {0, 1, 2}
    assert 0.03 < tries[0] / len(asked) < 0.12
    assert 0.05 < tries[2] / len(asked) < 0.15
    assert 0.05 < late / len(asked) < 0.2


def test_a_day_costs_itself_and_the_working_day_before(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated = []
    simulate = centre.simulate
    monkeypatch.setattr(centre, "simulate", lambda plan, dice: simulated.append(plan.start) or simulate(plan, dice))
    Centre(calls_per_day=20).day(FIRST)
    assert len(simulated) == 2
    for order in (1, -1):
        simulated.clear()
        each_day = Centre(calls_per_day=20, kind="help_desk")
        for place in range(DAYS)[::order]:
            each_day.day(FIRST + timedelta(days=place))
        assert len(simulated) == len(set(simulated)) == DAYS + 1
