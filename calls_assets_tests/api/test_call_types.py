"""What the API says of call types, asked over sockets."""

import re
import time
from dataclasses import replace
from datetime import date
from functools import partial
from importlib.resources import files

import pytest

from calls_assets.api import client as client_module
from calls_assets.api.call_types import (
    CONTRARY,
    IGNORED,
    LABELLED,
    NOT_ASKED,
    REFUSED,
    SETTLED,
    WITHOUT_OUTCOME,
    Answers,
    crawl_call_types,
    refuses_type,
)
from calls_assets.api.client import Client
from calls_assets.api.crawl import Crawler
from calls_assets.api.decode import read_page
from calls_assets.api.document import CALL_TYPES, CERTAIN_CALL_TYPES, LABEL_CALL_TYPES, Query
from calls_assets.api.errors import ApiError, NotServed, RequestRefused, TokenRefused, Unavailable
from calls_assets.sandbox import Behaviour, FixedCalls, Sandbox, WireFault

START = 1_747_839_084
QUERY = Query(date_from=date(2025, 5, 21), date_to=date(2025, 5, 22))
IN, OUT = {"is_inbound": True}, {"is_inbound": False}
MISSED = {"is_answered": False, "is_answered_within_sla": None, "external_numbers": []}
CALLS = (
    ({"all_inbound", "abandoned"}, IN | MISSED),
    ({"all_inbound", "inbound_answered", "inbound_answered_within_sla"}, IN),
    ({"all_outbound", "outbound_answered", "transfer"}, OUT),
)
OURS = {
    "all_inbound": 2,
    "inbound_answered": 1,
    "inbound_answered_within_sla": 1,
    "all_outbound": 1,
    "outbound_answered": 1,
}


@pytest.fixture
def asked(make_call):
    """Asks an account about every call type after a crawl of its calls; gives the answers, and what was asked.

    Of the types in `ignored` the account gives the calls of all types. `spoil` changes a page by its query.
    """

    def asked(
        ours=OURS,
        behaviour=None,
        wanted=LABEL_CALL_TYPES,
        calls=CALLS,
        faults=(),
        ignored=(),
        spoil=None,
        concurrency=1,
    ):
        records = [(make_call(n, START + n, **changes), types) for n, (types, changes) in enumerate(calls, 1)]
        api = Sandbox(FixedCalls(records), behaviour or Behaviour(), faults=faults)
        with api, Client(api.url, api.token) as client:

            def fetch(query):
                page = client.fetch(replace(query, call_type=None) if query.call_type in ignored else query, read_page)
                return spoil(query, page) if spoil else page

            crawler = Crawler(fetch, concurrency=concurrency)
            crawled = crawler.crawl(QUERY)
            before = len(api.requests)
            answers = crawl_call_types(crawler, QUERY, wanted, ours, crawled)
            return answers, api.requests[before:]

    return asked


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(client_module, "LONGEST_BACKOFF_S", 0.01)


def labels(answers):
    return {(row["call_type"], row["id"]) for row in answers.labels.to_pylist()}


def of_type(*call_types):
    """Whether a request asks for one of these call types."""
    return lambda given: given.get("callType") in call_types


def is_plain(given):
    return "callType" not in given


def test_uncertain_types_come_by_id_and_certain_ones_are_settled_by_one_count(asked):
    answers, requests = asked()
    assert labels(answers) == {("abandoned", 1), ("transfer", 3)}
    assert {name for name, how in answers.how.items() if how == SETTLED} == set(CERTAIN_CALL_TYPES)
    counts = [request for request in requests if request["callType"] in CERTAIN_CALL_TYPES]
    assert [request["limit"] for request in counts] == ["1"] * 7
    assert list(answers.how) == list(CALL_TYPES)
    assert (answers.refused, answers.ignored) == ([], [])
    assert answers.sentence == "The API gave every call type asked for."


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_documented_account_pays_for_nothing_but_the_types(asked, concurrency):
    _, requests = asked(concurrency=concurrency)
    assert sorted(request["callType"] for request in requests if "callType" in request) == sorted(CALL_TYPES)
    assert len(requests) == len(CALL_TYPES)


def test_a_certain_type_whose_count_differs_comes_by_id_too(asked):
    answers, _ = asked(OURS | {"all_inbound": 3})
    assert answers.how["all_inbound"] == LABELLED
    assert {("all_inbound", 1), ("all_inbound", 2)} <= labels(answers)


def test_a_call_beside_no_total_is_one_that_we_may_lack(asked):
    ours = {name: count for name, count in OURS.items() if "outbound" not in name}
    answers, _ = asked(ours, Behaviour(total_as="absent"))
    assert {answers.how[name] for name in ("all_outbound", "outbound_answered")} == {LABELLED}
    assert answers.how["outbound_not_answered"] == SETTLED


@pytest.mark.parametrize(
    "behaviour",
    [Behaviour(total_as="absent"), Behaviour(total_of_page=True, page_cap=2)],
    ids=["no total", "of the page"],
)
def test_one_call_is_not_settled_by_a_page_of_one_where_totals_tell_nothing(asked, behaviour):
    answers, _ = asked(OURS | {"all_inbound": 1, "all_outbound": 1}, behaviour)
    assert answers.how["all_inbound"] == LABELLED
    assert {("all_inbound", 1), ("all_inbound", 2)} <= labels(answers)


def test_the_types_of_calls_that_came_by_date_come_by_date_too(make_call):
    """The dates overlap, where it is unknown whether the second one counts."""
    lists = tuple(replace(QUERY, date_from=date(2025, 5, day), date_to=date(2025, 5, day + 1)) for day in (20, 21))
    records = [(make_call(n, START + n, **changes), types) for n, (types, changes) in enumerate(CALLS, 1)]
    with Sandbox(FixedCalls(records), Behaviour(widest=2)) as api, Client(api.url, api.token) as client:
        crawler = Crawler(partial(client.fetch, read=read_page))
        crawled = replace(crawler.crawl(lists[0]), date_queries=lists)
        before = len(api.requests)
        too_wide = replace(QUERY, date_from=lists[0].date_from)
        answers = crawl_call_types(crawler, too_wide, LABEL_CALL_TYPES, OURS, crawled)
    assert labels(answers) == {(name, n) for n, (types, _) in enumerate(CALLS, 1) for name in types}
    assert set(answers.how.values()) == {LABELLED}
    assert len(api.requests) - before == 2 * len(CALL_TYPES)


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 406, 410, 422, 451, 499, 501])
def test_a_refused_type_costs_only_itself_and_one_request(asked, status, concurrency):
    refusing = WireFault(kind="status", status=status, where=of_type("abandoned", "all_inbound", "overflowed"))
    answers, requests = asked(faults=[refusing], concurrency=concurrency)
    assert answers.refused == ["all_inbound", "abandoned", "overflowed"]
    assert labels(answers) == {("transfer", 3)}
    assert answers.sentence == "The API refused all_inbound, abandoned, overflowed."
    plain = [request for request in requests if is_plain(request)]
    wider = [request for request in plain if "dateFrom" not in request]
    assert [request["limit"] for request in plain if request not in wider] == ["1"]
    assert len([request for request in requests if "dateFrom" in request]) == len(CALL_TYPES) + 1


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": status} for status in (500, 502, 503, 504)] + [{"kind": "html"}]
)
def test_a_type_that_decides_no_outcome_and_stays_unavailable_is_refused(asked, fault):
    answers, _ = asked(faults=[WireFault(**fault, where=of_type("warm_transfer", "all_inbound"))])
    assert answers.refused == ["all_inbound", "warm_transfer"]


@pytest.mark.parametrize("status", [None, 408, 429])
def test_what_is_to_be_asked_later_refuses_no_type(status):
    assert not refuses_type(Unavailable("", status), "transfer")


def test_no_outcome_is_decided_by_a_type_of_which_less_is_asked():
    deciding = files("calls_assets.metrics").joinpath("calls.sql").read_text().split("AS by_label")[0]
    assert not [name for name in WITHOUT_OUTCOME if f"'{name}'" in deciding.split("decided AS")[1]]
    assert [name for name in CALL_TYPES if name not in WITHOUT_OUTCOME and f"'{name}'" not in deciding] == []


@pytest.mark.parametrize("name", ["transfer", "warm_transfer", "automated_callback"])
def test_a_type_that_decides_no_outcome_and_does_not_add_up_costs_itself_alone(asked, name):
    def spoil(query, page):
        return replace(page, total=page.total + 1) if query.call_type == name else page

    answers, _ = asked(OURS | {"all_outbound": 2}, calls=(*CALLS, ({"all_outbound", name}, OUT)), spoil=spoil)
    assert answers.unproven == [name]
    assert answers.sentence == f"The API gave incomplete lists of {name}."


def test_a_list_of_which_most_calls_cannot_be_of_the_type_is_that_of_something_else(asked):
    """The account gives all inbound calls for `abandoned`, most of them answered."""
    answered = ({"all_inbound", "abandoned", "inbound_answered", "inbound_answered_within_sla"}, IN)
    answers, _ = asked(ours=OURS | {"all_inbound": 4}, calls=(*CALLS, answered, answered))
    assert answers.ignored == ["abandoned"]
    assert "abandoned" not in {name for name, _ in labels(answers)}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (WireFault(kind="status", status=401, where=of_type("abandoned")), TokenRefused),
        (WireFault(kind="status", status=302, where=of_type("abandoned")), NotServed),
        (WireFault(kind="status", status=503, where=of_type("abandoned")), Unavailable),
        (WireFault(kind="html", where=of_type("abandoned")), Unavailable),
        (WireFault(kind="reset", where=of_type("transfer")), Unavailable),
        (WireFault(kind="cut", where=of_type("transfer")), Unavailable),
    ],
    ids=["401", "302", "503", "html", "reset", "cut"],
)
def test_what_is_no_refusal_of_a_type_lands_as_none(asked, fault, error):
    with pytest.raises(error) as caught:
        asked(faults=[fault])
    if error is Unavailable:
        assert re.search("for the call type (abandoned|transfer) .9 tries.", str(caught.value))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 422, 501])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_an_api_that_refuses_everything_from_now_on_never_lands_as_refused_types(asked, status, concurrency):
    gone = WireFault(kind="status", status=status, on=range(5, 999))
    with pytest.raises(ApiError) as caught:
        asked(faults=[gone], concurrency=concurrency)
    assert caught.value.status == status
    assert type(caught.value) is (TokenRefused if status in (401, 403) else RequestRefused)


def test_a_type_that_nobody_wants_is_not_asked_for(asked):
    answers, requests = asked(wanted=["abandoned"])
    assert answers.how["transfer"] == NOT_ASKED
    assert "transfer" not in {request["callType"] for request in requests}


def test_a_server_that_knows_no_call_types_is_asked_twice_and_believed_in_nothing(asked):
    answers, requests = asked(ignored=CALL_TYPES)
    assert answers.ignored == list(CALL_TYPES)
    assert labels(answers) == set()
    assert len(requests) == 2
    assert answers.sentence.startswith("The API gave the same calls with and without all_inbound, ")


def test_of_a_server_that_knows_no_call_types_those_that_nobody_wants_are_not_asked_for(asked):
    answers, _ = asked(ignored=CALL_TYPES, wanted=["abandoned"])
    assert {name for name, how in answers.how.items() if how == NOT_ASKED} == set(LABEL_CALL_TYPES) - {"abandoned"}


def test_it_is_found_out_by_ids_too(asked):
    answers, _ = asked(ignored=CALL_TYPES, wanted=CALL_TYPES)
    assert set(answers.ignored) >= set(CALL_TYPES) - {"transfer", "warm_transfer"} - {"outbound_not_answered"}


@pytest.mark.parametrize("call_type", CALL_TYPES)
def test_a_type_that_the_server_ignores_has_no_labels(asked, call_type):
    # In it are all of what no type allows: both directions, answered or not, in time or late, and nobody else reached.
    late = IN | {"is_answered_within_sla": False}
    calls = (*CALLS, ({"all_inbound", "inbound_answered", "inbound_answered_but_not_within_sla"}, late))
    ours = OURS | {"all_inbound": 3, "inbound_answered": 2, "inbound_answered_but_not_within_sla": 1}
    answers, requests = asked(ours, calls=calls, ignored=[call_type])
    assert answers.ignored == [call_type]
    assert call_type not in {name for name, _ in labels(answers)}
    assert len(requests) <= len(CALL_TYPES) + 1
    assert answers.sentence == f"The API gave the same calls with and without {call_type}."


def test_every_call_type_has_its_contrary():
    assert list(CONTRARY) == list(CALL_TYPES)


def test_types_that_all_calls_can_be_of_are_believed(asked):
    types = {"all_inbound", "out_of_business_hours", "overflowed", "callback"}
    answers, _ = asked({"all_inbound": 3}, calls=[(types, IN | MISSED)] * 3)
    assert answers.ignored == []
    assert len(answers.labels) == 9


def test_all_calls_may_be_transfers_though_nobody_of_ours_answered(asked):
    outside = IN | MISSED | {"external_numbers": [{"number": "1", "is_any_transfer": True}]}
    answers, _ = asked({"all_inbound": 2}, calls=[({"all_inbound", "transfer"}, outside)] * 2)
    assert (answers.ignored, answers.how["transfer"]) == ([], LABELLED)


def test_calls_that_still_go_on_are_no_contrary_of_what_they_may_become(asked):
    going_on = IN | MISSED | {"is_ended": False}
    answers, _ = asked({"all_inbound": 2}, calls=[({"all_inbound", "transfer"}, going_on)] * 2)
    assert (answers.ignored, answers.how["transfer"]) == ([], LABELLED)


def test_no_calls_are_no_proof_of_anything(asked):
    answers, _ = asked({}, calls=[])
    assert answers.ignored == answers.refused == []


def test_a_call_that_went_meanwhile_hides_no_ignored_type(asked):
    def spoil(query, page):
        if query.call_type != "abandoned":
            return page
        return replace(page, calls=page.calls.slice(query.page == 1), total=page.total - 1)

    calls = CALLS * 100
    ours = {name: 100 * count for name, count in OURS.items()}
    answers, _ = asked(ours, calls=calls, ignored=["abandoned"], spoil=spoil)
    assert answers.ignored == ["abandoned"]


def test_right_calls_with_the_total_of_all_are_not_taken_for_an_ignored_type(asked):
    def spoil(query, page):
        return replace(page, total=len(CALLS)) if query.limit == 1 else page

    answers, _ = asked(spoil=spoil)
    assert answers.ignored == []
    assert {("all_inbound", 1), ("all_inbound", 2), ("all_outbound", 3)} <= labels(answers)


def test_capped_totals_are_not_taken_for_ignored_types(asked):
    calls = CALLS * 2

    def spoil(query, page):
        return replace(page, total=min(page.total, 2)) if query.limit == 1 else page

    answers, _ = asked({name: 2 * count for name, count in OURS.items()}, calls=calls, spoil=spoil)
    assert answers.ignored == []
    assert answers.how["all_inbound"] == LABELLED


def test_refused_and_ignored_types_are_told_in_one_sentence():
    how = dict.fromkeys(CALL_TYPES, SETTLED) | {"callback": REFUSED, "abandoned": IGNORED, "transfer": IGNORED}
    sentence = "The API refused callback and gave the same calls with and without abandoned, transfer."
    assert Answers(how, None).sentence == sentence


def test_no_more_requests_are_in_flight_than_the_crawler_may_have(make_call):
    calls = [(make_call(n, START + n, **IN), {"warm_transfer", "transfer", "callback"}) for n in range(1, 13)]
    calls.append((make_call(13, START), set()))
    under_way, most = [], []
    with Sandbox(FixedCalls(calls), Behaviour(page_cap=2)) as api, Client(api.url, api.token) as client:

        def fetch(query):
            under_way.append(query)
            most.append(len(under_way))
            time.sleep(0.01)
            under_way.remove(query)
            return client.fetch(query, read=read_page)

        crawler = Crawler(fetch, concurrency=3)
        answers = crawl_call_types(crawler, QUERY, LABEL_CALL_TYPES, {}, crawler.crawl(QUERY))
    assert answers.labels.num_rows == 36
    assert max(most) == 3
