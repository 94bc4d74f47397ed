"""What the API says of call types, asked over sockets."""

import time
from datetime import date
from functools import partial

import pytest

from calls_assets.api.call_types import LABELLED, NOT_ASKED, REFUSED, SETTLED, ask
from calls_assets.api.client import Client
from calls_assets.api.crawl import Crawler
from calls_assets.api.decode import read_page
from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, LABEL_CALL_TYPES, Query
from calls_assets.sandbox import Behaviour, FixedCalls, Sandbox

START = 1_747_839_084
QUERY = Query(date_from=date(2025, 5, 21), date_to=date(2025, 5, 22))


@pytest.fixture
def asked(make_call):
    """Asks an account of three calls about every call type; gives the answers and the server."""
    truths = [{"all_inbound", "abandoned"}, {"all_inbound"}, {"all_outbound", "transfer"}]
    calls = [(make_call(n, START + n), truth) for n, truth in enumerate(truths, 1)]

    def asked(ours, behaviour=None, wanted=LABEL_CALL_TYPES):
        api = Sandbox(FixedCalls(calls), behaviour or Behaviour())
        with api, Client(api.url, api.token) as client:
            return ask(Crawler(partial(client.fetch, read=read_page)), QUERY, wanted, ours), api

    return asked


def labels(answers):
    return {(row["call_type"], row["id"]) for row in answers.labels.to_pylist()}


def test_uncertain_types_come_by_id_and_certain_ones_are_settled_by_one_count(asked):
    answers, api = asked({"all_inbound": 2, "all_outbound": 1})
    assert labels(answers) == {("abandoned", 1), ("transfer", 3)}
    assert {name for name, how in answers.how.items() if how == SETTLED} == set(CERTAIN_CALL_TYPES)
    counts = [request for request in api.requests if request["callType"] in CERTAIN_CALL_TYPES]
    assert [request["limit"] for request in counts] == ["1"] * 7
    assert list(answers.how) == list(CALL_TYPES)


def test_a_certain_type_whose_count_differs_comes_by_id_too(asked):
    answers, _ = asked({"all_inbound": 3, "all_outbound": 1})
    assert answers.how["all_inbound"] == LABELLED
    assert {("all_inbound", 1), ("all_inbound", 2)} <= labels(answers)


def test_a_refused_type_costs_only_itself(asked):
    refusing = Behaviour(refused_call_types=frozenset({"abandoned", "all_inbound"}))
    answers, _ = asked({"all_outbound": 1}, refusing)
    assert {name for name, how in answers.how.items() if how == REFUSED} == {"abandoned", "all_inbound"}
    assert labels(answers) == {("transfer", 3)}


def test_a_type_that_nobody_wants_is_not_asked_for(asked):
    answers, api = asked({"all_inbound": 2, "all_outbound": 1}, wanted=["abandoned"])
    assert answers.how["transfer"] == NOT_ASKED
    assert "transfer" not in {request["callType"] for request in api.requests}


def test_no_more_requests_are_in_flight_than_the_crawler_may_have(make_call):
    calls = [(make_call(n, START + n), {"abandoned", "transfer", "callback"}) for n in range(1, 13)]
    under_way, most = [], []
    with Sandbox(FixedCalls(calls), Behaviour(page_cap=2)) as api, Client(api.url, api.token) as client:

        def fetch(query):
            under_way.append(query)
            most.append(len(under_way))
            time.sleep(0.01)
            under_way.remove(query)
            return client.fetch(query, read=read_page)

        answers = ask(Crawler(fetch, concurrency=3), QUERY, LABEL_CALL_TYPES, {})
    assert answers.labels.num_rows == 36
    assert max(most) == 3
