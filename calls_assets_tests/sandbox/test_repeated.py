"""The calls for load tests are a proper list: each once, on its day, under its call types."""

import json

import pytest
import requests

from calls_assets.sandbox import Behaviour, RepeatedCalls, Sandbox

DAY_S = 86_400
MARCH_4 = 1_741_046_400


@pytest.fixture(scope="module")
def ask():
    with Sandbox(RepeatedCalls(600), Behaviour(gzip=False)) as api, requests.Session() as session:
        session.headers["Access-Token"] = api.token

        def ask(first="2025-03-04", last="2025-03-04", limit=250, **more):
            calls, page = [], 0
            while True:
                page += 1
                params = {"dateFrom": first, "dateTo": last, "limit": limit, "page": page, **more}
                answer = json.loads(session.get(f"{api.url}/calls/", params=params).content)
                calls += answer["calls"]
                if not answer["meta"]["next"]:
                    assert len(calls) == answer["meta"]["total"]
                    return calls

        yield ask


def test_a_day_has_so_many_calls_newest_first_whatever_the_page_size(ask):
    calls = ask()
    assert len({call["id"] for call in calls}) == 600
    starts = [call["started_at"] for call in calls]
    assert starts == sorted(starts, reverse=True)
    assert (starts[-1], starts[0]) == (MARCH_4, MARCH_4 + DAY_S - DAY_S // 600)
    assert ask(limit=999) == ask(limit=7) == calls


def test_days_follow_each_other_without_gap_or_overlap(ask):
    assert ask("2025-03-03", "2025-03-05") == [
        *ask("2025-03-05", "2025-03-05"),
        *ask(),
        *ask("2025-03-03", "2025-03-03"),
    ]


def test_call_types_share_the_calls_out(ask):
    calls = {call["id"]: call for call in ask()}
    inbound, outbound = ask(callType="all_inbound"), ask(callType="all_outbound")
    assert {call["id"] for call in inbound} ^ {call["id"] for call in outbound} == calls.keys()
    answered = ask(callType="inbound_answered", limit=13)
    assert answered == [call for call in calls.values() if call["is_inbound"] and call["is_answered"]]


def test_the_times_of_the_legs_go_with_the_call(ask):
    legs = [(call, leg) for call in ask() for leg in call["all_agents"]]
    assert legs
    assert all(0 <= leg["started_at"] - call["started_at"] < 7200 for call, leg in legs)


def test_a_number_of_calls_that_does_not_divide_the_day_is_refused():
    with pytest.raises(ValueError, match="123456 calls a day do not divide it into equal parts"):
        RepeatedCalls(123_456)
