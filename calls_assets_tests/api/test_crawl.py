"""A crawl is proven complete, whatever the pages do meanwhile, or it fails with the figures."""

import json
import threading
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api.crawl import CRAWLS, Crawler, cut
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.windows import Reading, day_start

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
    assert [query.page for query in api.asked[-6:]] == [1, 2, 3, 4, 5, 6]


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

    with pytest.raises(Incomplete, match="2 different ids against a total of 9; none of these days was replaced"):
        Crawler(same_page).crawl(QUERY)
    assert len(api.asked) <= CRAWLS * 6


@pytest.mark.parametrize("total", [3, 5])
def test_a_total_that_never_holds_ends_in_the_figures(total):
    with pytest.raises(Incomplete, match=f"4 different ids against a total of {total}"):
        Crawler(List(range(4), total=total)).crawl(QUERY)


def test_an_empty_list_with_a_total_is_not_believed():
    with pytest.raises(Incomplete, match="0 different ids against a total of 4"):
        Crawler(List([], total=4)).crawl(QUERY)


def test_unreadable_records_count_towards_the_total():
    api = List(range(3))
    api.records[1]["duration"] = "long"
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

    parts = list(cut(api, Reading().window(days, UTC), Query(), UTC, Reading(), most=3))
    assert [part.days for part, _, _ in parts] == [days[:2], days[2:]]
    for part, query, first in parts:
        assert set(ids(Crawler(api).crawl(query, first))) >= {starts[day] for day in part.days}


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
    with pytest.raises(Incomplete, match=f"in {CRAWLS + 1} crawls: 6 different ids .* but other ones than in the one"):
        Crawler(api, read_twice=True).crawl(QUERY)


def test_a_list_of_one_page_needs_no_second_reading():
    assert Crawler(List(range(2)), read_twice=True).crawl(QUERY).pages == 1


def test_a_total_that_no_call_centre_has_is_not_read_to_its_end():
    def endless(query):
        calls = [{"id": 2 * query.page + n, "started_at": START} for n in range(2)]
        asked.append(query.page)
        return read_page(json.dumps({"calls": calls, "meta": {"total": 10**15}}).encode())

    asked = []
    with pytest.raises(Incomplete, match="against a total of 1000000000000000"):
        Crawler(endless).crawl(QUERY)
    assert len(asked) <= CRAWLS * 3


def test_different_records_under_one_id_cost_no_list_where_two_readings_agree():
    api = List(range(5))
    api.records.insert(2, api.records[0] | {"type": "another"})
    crawled = Crawler(api).crawl(QUERY)
    assert (ids(crawled), crawled.crawls, crawled.collisions) == ([0, 1, 2, 3, 4], 2, 1)


def test_equal_records_under_one_id_prove_nothing():
    api = List(range(5))
    api.records.insert(2, api.records[0])
    with pytest.raises(Incomplete, match="5 different ids against a total of 6"):
        Crawler(api).crawl(QUERY)
