"""A crawl is proven complete, whatever the pages do meanwhile, or it fails with the figures."""

import json
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api import attempt
from calls_assets.api.crawl import CRAWLS, Crawler, NotProven, TooDeep
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete, RequestRefused
from calls_assets.api.parts import parts
from calls_assets.api.windows import Reading
from calls_assets.days import day_start

START = 1_747_839_084
UTC = ZoneInfo("UTC")
QUERY = Query(date_from=date(2025, 5, 21), date_to=date(2025, 5, 22))

CALL_99 = {"id": 99, "started_at": START}


class List:
    """An API whose list of calls, newest first, changes before the requests that `events` name by number."""

    def __init__(self, ids, size=2, events=None, total=None):
        self.records = [{"id": id_, "started_at": START + id_} for id_ in sorted(ids, reverse=True)]
        self.size, self.events, self.total = size, events or {}, total
        self.asked = []

    def __call__(self, query):
        self.asked.append(query)
        if event := self.events.get(len(self.asked)):
            event(self.records)
        first = (query.page - 1) * self.size
        total = len(self.records) if self.total is None else self.total
        return read_page(
            json.dumps({"calls": self.records[first : first + self.size], "meta": {"total": total}}).encode()
        )


def ids(crawled):
    return [id_ for rows in crawled.calls.tables() for id_ in rows["id"].to_pylist()]


@given(st.sets(st.integers(1, 1000), max_size=20), st.integers(1, 7), st.sampled_from([1, 3]))
def test_every_call_comes_once_sorted_by_id_whatever_the_page_size(expected, size, concurrency):
    crawled = Crawler(List(expected, size), concurrency=concurrency).crawl(QUERY)
    assert ids(crawled) == sorted(expected)
    assert (crawled.total, crawled.crawls, crawled.collisions) == (len(expected), 1, 0)


def test_a_call_that_arrives_meanwhile_is_caught():
    api = List(range(6), events={2: lambda records: records.insert(0, {"id": 99, "started_at": START})})
    assert ids(Crawler(api).crawl(QUERY)) == [0, 1, 2, 3, 4, 5, 99]


def test_a_call_that_goes_away_meanwhile_cannot_hide_another_one():
    api = List(range(6), events={2: lambda records: records.pop(0)})  # moves call 3 onto page 1, which has been read
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), crawled.crawls) == ([0, 1, 2, 3, 4], 2)


def test_of_two_records_with_one_id_the_later_one_is_kept_and_counted():
    def shift_and_change(records):
        records.insert(0, {"id": 99, "started_at": START})
        records[2] = records[2] | {"type": "later"}

    crawled = Crawler(List(range(4), events={2: shift_and_change})).crawl(QUERY)
    assert ids(crawled) == [0, 1, 2, 3, 99]
    (rows,) = crawled.calls.tables()
    assert rows.filter(rows["type"].is_valid())["id"].to_pylist() == [2]
    assert crawled.collisions == 1


def test_a_list_that_moves_while_pages_are_in_flight_is_read_again_page_by_page():
    """A call that comes in the place of one that goes would not be missed by the count alone."""
    api = List(range(12), events={3: lambda records: records.pop(0), 4: lambda records: records.insert(0, CALL_99)})
    crawled = Crawler(api, concurrency=4).crawl(QUERY)
    assert (ids(crawled), crawled.crawls) == ([*range(11), 99], 2)
    assert [query.page for query in api.asked[-7:]] == [1, 2, 3, 4, 5, 6, 7]


def test_an_answer_that_was_overtaken_in_flight_cannot_hide_that_the_list_shrank():
    """In the pages' order the totals only grow, 11, 12, 13, and 13 calls are found; call 5 is not among them."""
    earlier, between, later = list(range(11)), [*range(11), 98, 99], [*range(1, 8), 200, 8, 9, 98, 99]
    asked, third_is_read = [], threading.Event()

    def fetch(query):
        asked.append(query.page)
        listed = {1: earlier, 2: later, 3: between}[query.page] if len(asked) <= 3 else later
        if query.page == 2:
            third_is_read.wait(10)
        if query.page == 3:
            third_is_read.set()
        records = [{"id": id_, "started_at": START} for id_ in listed[5 * query.page - 5 : 5 * query.page]]
        return read_page(json.dumps({"calls": records, "meta": {"total": len(listed)}}).encode())

    crawled = Crawler(fetch, concurrency=2).crawl(QUERY)
    assert (ids(crawled), crawled.crawls, len(asked)) == (sorted(later), 2, 6)


def test_pages_that_only_repeat_end_in_the_figures():
    api = List(range(2), total=9)
    forever = list(api.records)

    def same_page(query):
        api.asked.append(query)
        return read_page(json.dumps({"calls": forever, "meta": {"total": 9}}).encode())

    with pytest.raises(
        Incomplete, match="2 different ids against a total of 9, and pages that only repeat others; none"
    ):
        Crawler(same_page).crawl(QUERY)
    assert len(api.asked) <= CRAWLS * 6


def test_a_total_that_is_too_high_ends_in_the_figures_and_in_what_would_help():
    with pytest.raises(
        NotProven,
        match=r"4 different ids against a total of 5; .* running again alone will not help: .* ask the vendor",
    ):
        Crawler(List(range(4), total=5)).crawl(QUERY)


def test_a_list_of_more_calls_than_its_total_is_read_to_its_end_twice():
    for total in (1, 2, 3):
        crawled = Crawler(List(range(4), total=total)).crawl(QUERY)
        assert (ids(crawled), crawled.total, crawled.crawls) == ([0, 1, 2, 3], 4, 2)


def test_a_list_of_more_calls_than_its_total_is_not_believed_where_smaller_ones_can_be_asked_for():
    with pytest.raises(NotProven, match="are more than their total of 2"):
        Crawler(List(range(9), total=2)).crawl(QUERY, is_smallest=False)


def test_an_empty_list_with_a_total_is_not_believed():
    with pytest.raises(Incomplete, match="0 different ids against a total of 4"):
        Crawler(List([], total=4)).crawl(QUERY)


def test_unreadable_records_count_towards_the_total():
    api = List(range(3))
    api.records[1]["started_at"] = "long ago"
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), [reject.call_id for reject in crawled.rejects]) == ([0, 2], [1])


def test_a_window_with_too_many_calls_is_pulled_in_smaller_ones():
    days = tuple(date(2025, 5, 1) + timedelta(days=n) for n in range(4))
    starts = {day: day_start(day, UTC) + 43_200 for day in days}

    def api(query):
        calls = [
            {"id": start, "started_at": start}
            for day, start in starts.items()
            if query.date_from <= day < query.date_to
        ]
        return read_page(json.dumps({"calls": calls, "meta": {"total": len(calls)}}).encode())

    found = list(parts(Crawler(api), Reading().window(days, UTC), Query(), UTC, Reading(), most=3))
    assert [window.days for window, _, _ in found] == [days[:2], days[2:]]
    for window, _, crawled in found:
        assert set(ids(crawled)) >= {starts[day] for day in window.days}


def test_unreadable_records_without_an_id_count_once_for_each_place():
    api = List(range(6), size=3)
    api.records[1] = api.records[4] = api.records[5] = None
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), [reject.record for reject in crawled.rejects]) == ([2, 3, 5], ["null"] * 3)
    assert crawled.crawls == 1


def test_a_page_that_only_repeats_is_not_made_whole_by_its_records_without_an_id():
    page = json.dumps({"calls": [{"id": 1, "started_at": START}, None], "meta": {"total": 4}}).encode()
    with pytest.raises(Incomplete, match="2 different ids against a total of 4"):
        Crawler(lambda _query: read_page(page)).crawl(QUERY)


def swap(records, new=99):
    """A call of page 1 goes, and another comes at the end: the total stays, and a call moves onto a page that was read."""
    records.pop(0)
    records.append({"id": new, "started_at": START})


def test_a_call_that_goes_while_another_comes_is_seen_by_reading_twice():
    def api():
        return List(range(6), events={2: swap})

    assert ids(Crawler(api()).crawl(QUERY)) == [0, 1, 2, 4, 5, 99]  # 3 is missing, and nothing tells
    crawled = Crawler(api(), read_twice=True).crawl(QUERY)
    assert (ids(crawled), crawled.crawls) == ([0, 1, 2, 3, 4, 99], 3)


def test_a_list_that_never_holds_the_same_calls_twice_ends_in_that():
    api = List(range(6), events={2 + 3 * n: partial(swap, new=99 + n) for n in range(CRAWLS + 1)})
    with pytest.raises(
        Incomplete, match=f"in {CRAWLS + 1} crawls: 6 different ids .* but not the same ones as in the one"
    ):
        Crawler(api, read_twice=True).crawl(QUERY)


def test_a_list_of_one_page_needs_no_second_reading():
    assert Crawler(List(range(2)), read_twice=True).crawl(QUERY).crawls == 1


def test_a_total_that_no_call_centre_has_is_not_read_to_its_end():
    def endless(query):
        calls = [{"id": 2 * query.page + n, "started_at": START} for n in range(2)]
        asked.append(query.page)
        return read_page(json.dumps({"calls": calls, "meta": {"total": 10**15}}).encode())

    asked = []
    with pytest.raises(Incomplete, match="against a total of 1000000000000000"):
        Crawler(endless).crawl(QUERY)
    assert len(asked) <= CRAWLS * 3


@pytest.mark.parametrize(
    ("bound", "at_most", "sentence"),
    [
        ("MOST_PAGES", 5, "has more than 5 pages"),
        ("LONGEST_LIST_S", -1.0, "had not ended after .* hours"),
        ("MOST_UNREADABLE", 2**20, "has more than 1 MiB that cannot be read"),
    ],
)
def test_a_list_of_ever_new_calls_is_read_once_and_not_for_ever(monkeypatch, bound, at_most, sentence):
    monkeypatch.setattr(attempt, bound, at_most)

    def endless(query):
        asked.append(query.page)
        calls = [{"id": 2 * query.page, "started_at": START}, {"id": query.page, "note": "x" * 2**18}]
        return read_page(json.dumps({"calls": calls, "meta": {"total": 9_000_000}}).encode())

    asked = []
    with pytest.raises(Incomplete, match=f"{sentence}; none of these days was replaced"):
        Crawler(endless).crawl(QUERY)
    assert len(asked) < 8


def test_different_records_under_one_id_cost_no_list_where_two_readings_agree():
    api = List(range(5))
    api.records.insert(2, api.records[0] | {"type": "another"})
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), crawled.crawls, crawled.collisions) == ([0, 1, 2, 3, 4], 2, 1)


def test_equal_records_that_are_scattered_over_a_list_whose_total_counts_them_are_duplicates():
    api = List(range(5))
    api.records.insert(2, api.records[0])
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), crawled.crawls, crawled.collisions) == ([0, 1, 2, 3, 4], 2, 1)


def test_a_page_in_the_place_of_another_is_no_duplicate():
    api = List(range(6))
    whole = list(api.records)
    api.records[2:4] = whole[:2]  # page 2 is page 1 again, and calls 2 and 3 are nowhere
    with pytest.raises(Incomplete, match="4 different ids against a total of 6"):
        Crawler(api).crawl(QUERY)


def test_the_last_page_again_and_again_is_no_duplicate():
    """Its records add up to the total, as those of a list do that holds calls twice."""

    def fetch(query):
        listed = [6, 5, 4, 3]  # of seven calls no more than four can be paged through
        first = min(query.page - 1, 1) * 3
        records = [{"id": id_, "started_at": START} for id_ in listed[first : first + 3]]
        return read_page(json.dumps({"calls": records, "meta": {"total": 7}}).encode())

    with pytest.raises(Incomplete, match="4 different ids against a total of 7"):
        Crawler(fetch).crawl(replace(QUERY, limit=3))


def test_a_list_whose_order_wavers_with_the_page_is_not_taken_for_one_with_duplicates():
    """Calls of one second come in another order on each page, as where a server sorts by the start alone."""

    def fetch(query):
        size = query.limit
        order = list(range(28)) if query.page % 2 else [*range(1, 28), 0]
        first = (query.page - 1) * size
        records = [{"id": id_, "started_at": START} for id_ in order[first : first + size]]
        return read_page(json.dumps({"calls": records, "meta": {"total": 28}}).encode())

    with suppress(Incomplete):
        assert ids(Crawler(fetch).crawl(replace(QUERY, limit=12))) == list(range(28))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_a_list_as_documented_costs_one_request_more_at_most(size):
    for calls in range(1, 30):
        api = List(range(calls), size)
        crawled = Crawler(api).crawl(replace(QUERY, limit=size))
        is_full = calls % size == 0
        assert len(api.asked) == crawled.pages == -(-calls // size) + is_full


def test_pages_go_on_while_there_is_a_sign_of_more():
    """meta.total counts the page, as where a server paginates before it counts."""

    def fetch(query):
        records = [{"id": id_, "started_at": START} for id_ in range(10 * query.page - 10, min(10 * query.page, 34))]
        return read_page(json.dumps({"calls": records, "meta": {"total": len(records), "limit": 10}}).encode())

    assert ids(Crawler(fetch).crawl(QUERY)) == list(range(34))


@pytest.mark.parametrize("answer", ["{}", "[]", '{"calls": null}', '{"calls": null, "meta": {"total": 0}}'])
def test_an_empty_list_in_another_way_is_empty_where_a_second_asking_agrees(answer):
    asked = []

    def fetch(query):
        asked.append(query)
        return read_page(answer.encode())

    assert len(Crawler(fetch).crawl(QUERY).calls) == 0
    assert len(asked) == 2


def test_an_empty_answer_that_was_none_is_not_believed():
    answers = [b"{}", json.dumps({"calls": [CALL_99], "meta": {"total": 1}}).encode()]
    with pytest.raises(Incomplete, match=r"came empty and without a total, and then with 1 calls; .* run again later"):
        Crawler(lambda _query: read_page(answers.pop(0))).crawl(QUERY)


def test_a_404_is_an_empty_list_only_where_a_wider_question_is_answered():
    asked = []

    def fetch(query):
        asked.append(query)
        if query.date_from is not None or query.call_type == "overflowed":
            raise RequestRefused("nothing there", 404)
        return read_page(json.dumps({"calls": [CALL_99], "meta": {"total": 1}}).encode())

    crawler = Crawler(fetch)
    for _ in range(2):
        assert len(crawler.crawl(QUERY).calls) == 0
    assert len(asked) == 2 * 2 + 1  # the wider question is asked once
    with pytest.raises(RequestRefused, match="nothing there"):
        crawler.crawl(replace(QUERY, call_type="overflowed"))


def test_a_server_that_refuses_the_page_beyond_the_end_is_asked_over_the_end_in_another_size():
    def fetch(query):
        first, size = (query.page - 1) * query.limit, query.limit
        if first >= 6:
            raise RequestRefused("Invalid page.", 404)
        records = [{"id": id_, "started_at": START} for id_ in range(6)[first : first + size]]
        return read_page(json.dumps({"calls": records, "meta": {"total": 6}}).encode())

    assert ids(Crawler(fetch).crawl(replace(QUERY, limit=3))) == list(range(6))


def test_a_server_that_pages_no_deeper_is_said_to():
    def fetch(query):
        first = (query.page - 1) * query.limit
        if first + query.limit > 6:
            raise RequestRefused("Result window is too large", 400)
        records = [{"id": id_, "started_at": START} for id_ in range(first, first + query.limit)]
        return read_page(json.dumps({"calls": records, "meta": {"total": 6}}).encode())

    with pytest.raises(TooDeep, match=r"shows at most 6 calls .* refuses the pages beyond \(400\)"):
        Crawler(fetch).crawl(replace(QUERY, limit=3))


class Cutting(List):
    """Gives the first records of a page, as far as a number of letters reaches; a record has as many as `letters` says."""

    def __init__(self, letters, most):
        super().__init__(range(len(letters)), size=1000)
        self.letters, self.most = letters, most

    def __call__(self, query):
        self.size = query.limit
        page = super().__call__(query)
        reach = sum(
            size <= self.most for size in accumulate(self.letters[-1 - id_] for id_ in page.calls["id"].to_pylist())
        )
        return replace(page, calls=page.calls.slice(0, reach), shape_of=page.shape_of[:reach])


@given(st.lists(st.integers(20, 60), max_size=80), st.integers(1, 90))
def test_calls_that_are_cut_off_pages_come_on_smaller_ones(letters, limit):
    """The crawl can halve pages as often as it takes for 16 calls of any such length to fit."""
    crawled = Crawler(Cutting(letters, 16 * 60)).crawl(replace(QUERY, limit=limit))
    assert ids(crawled) == list(range(len(letters)))


def test_pages_that_stay_too_long_end_in_the_setting_that_would_help():
    with pytest.raises(NotProven, match="seems to cut pages short, so set CALLS_PAGE_SIZE to 7, or ask the vendor"):
        Crawler(Cutting([1] * 60 + [100, 100, 1, 1], 110)).crawl(replace(QUERY, limit=64))


def test_pages_of_one_length_are_not_asked_for_in_halves():
    api = List(range(30), size=7, total=31)
    with pytest.raises(NotProven, match="counts calls that it does not list"):
        Crawler(api).crawl(replace(QUERY, limit=1000))
    assert {query.limit for query in api.asked} == {1000, 7}
