"""Servers that cut a list off, skip some of it or hide days without a word; a list is had whole or not believed."""

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from calls_assets.api import truncation
from calls_assets.api.crawl import Crawler
from calls_assets.api.crawled import TooDeep
from calls_assets.api.decode import Reject, read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import DatesRefused, Incomplete, RequestRefused
from calls_assets.api.parts import parts
from calls_assets.api.truncation import check_lacks_none, hides_dates
from calls_assets.api.windows import Reading, Window
from calls_assets.days import day_start
from calls_assets_tests.examples import examples

UTC = ZoneInfo("UTC")
FIRST = date(2025, 5, 1)
KNOWN = Reading(UTC, date_to_inclusive=True)


@dataclass
class Server:
    """An account with so many inbound and outbound calls on each day from `FIRST` on, newest first.

    Attributes:
        days: Inbound and outbound calls of each day.
        size: The most rows of a page, whatever is asked for; the page does not tell.
        total: What `meta.total` is: `true`, `page` or `capped`, at `cap`.
        cap: Of which no list has more calls by its total.
        shown: So many calls of a list are on pages, and nothing tells that there are more.
        skips: How many rows come before page 2: as many as pages have, as are `asked` for, or `none`, on each page the same.
        widest: So many dates of a range are answered for, or none where the range is wider and `is_empty_beyond`.
        side: Which dates are answered for, the `first` or the `last` ones of a range.
        types: Whether call types are known, `ignored`, `refused`, or have no calls (`empty`).
        tells_limit: Whether `meta.limit` is there.
        earlier: How many calls there were three days before `FIRST`.
        beyond: What comes for a page beyond the end: an `empty` one, the `last` one, or a 404 (`refused`).
    """

    days: tuple[tuple[int, int], ...]
    size: int = 100
    total: str = "true"
    cap: int = 10_000
    shown: int | None = None
    skips: str = "rows"
    widest: int | None = None
    side: str = "first"
    is_empty_beyond: bool = False
    types: str = "known"
    beyond: str = "empty"
    tells_limit: bool = False
    earlier: int = 0
    asked: int = 0

    def __call__(self, query):
        self.asked += 1
        if query.call_type and self.types == "refused":
            raise RequestRefused("not in your plan", 403)
        listed = self.listed(query)[: self.shown]
        rows, page = self.rows(listed, query, query.page or 1), query.page or 1
        if not rows and page > 1 and self.beyond == "refused":
            raise RequestRefused("Invalid page.", 404)
        while not rows and page > 1 and self.beyond == "last":
            page -= 1
            rows = self.rows(listed, query, page)
        told = {"true": len(self.listed(query)), "page": len(rows), "capped": min(len(self.listed(query)), self.cap)}
        meta = {"total": told[self.total]} | ({"limit": min(self.size, query.limit)} if self.tells_limit else {})
        return read_page(json.dumps({"calls": rows, "meta": meta}).encode())

    def rows(self, listed, query, page):
        size = min(self.size, query.limit)
        skipped = (page - 1) * {"rows": size, "asked": query.limit, "none": 0}[self.skips]
        return listed[skipped : skipped + size]

    def listed(self, query):
        last = query.date_to
        first = query.date_from
        if self.widest is not None and (last - first).days >= self.widest:
            if self.side == "last" and not self.is_empty_beyond:
                first = last - timedelta(days=self.widest - 1)
            else:
                last = first + timedelta(days=-1 if self.is_empty_beyond else self.widest - 1)
        calls = [
            {"id": 10_000 * n + m, "started_at": day_start(day, UTC) + m, "is_inbound": m < inbound}
            for n, (day, (inbound, outbound)) in enumerate(zip(self.dates, self.days, strict=True))
            if first <= day <= last
            for m in range(inbound + outbound)
        ]
        if first <= FIRST - timedelta(days=3) <= last:
            long_ago = day_start(FIRST - timedelta(days=3), UTC)
            calls = [{"id": 10**6 + m, "started_at": long_ago, "is_inbound": True} for m in range(self.earlier)] + calls
        if query.call_type and self.types != "ignored":
            inbound = query.call_type == "all_inbound"
            calls = [call for call in calls if call["is_inbound"] == inbound and self.types != "empty"]
        return calls[::-1]

    @property
    def dates(self):
        return tuple(FIRST + timedelta(days=n) for n in range(len(self.days)))

    def calls(self, dates):
        return sum(sum(calls) for day, calls in zip(self.dates, self.days, strict=True) if day in dates)


def pulled(server, limit=1000, reading=KNOWN):
    """The parts of all days: days, and how many calls came of them, or the sentence that says why not."""
    whole, filters = reading.window(server.dates, UTC), Query(limit=limit)
    found = [
        (window.days, str(read) if isinstance(read, Incomplete) else of_days(read.calls, window.days))
        for window, _, read in parts(Crawler(server), whole, filters, UTC, reading, 100_000)
    ]
    assert [day for days, _ in found for day in days] == list(server.dates)
    return found


def of_days(calls, days):
    begin, end = day_start(days[0], UTC), day_start(days[-1] + timedelta(days=1), UTC)
    return int(((calls.started_at >= begin) & (calls.started_at < end)).sum())


def check_whole(server, limit=1000, reading=KNOWN):
    for days, calls in pulled(server, limit, reading):
        assert calls == server.calls(days)


def check_never_less(server, limit=1000):
    """Every part is whole or not proven; says whether all of them are whole."""
    found = pulled(server, limit)
    for days, calls in found:
        assert isinstance(calls, str) or calls == server.calls(days)
    return not any(isinstance(calls, str) for _, calls in found)


@pytest.mark.parametrize("shown", [500, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("total", ["capped", "page"])
@pytest.mark.parametrize("types", ["known", "ignored", "refused", "empty"])
def test_a_day_that_is_cut_off_in_both_directions_too_is_not_believed(shown, total, types):
    server = Server(((1200, 1100),), total=total, cap=shown, shown=shown, types=types)
    assert "shows at most" in pulled(server)[0][1]
    assert "2025-05-01 was not replaced" in pulled(server)[0][1]


@pytest.mark.parametrize(
    ("refused", "status"), [(DatesRefused, 403), (RequestRefused, 422)], ids=["too old", "too wide"]
)
def test_a_refusal_of_the_dates_around_a_list_is_no_sign_that_it_is_whole(refused, status):
    @dataclass
    class Narrow(Server):
        def __call__(self, query):
            if query.date_from < FIRST:
                raise refused("not these dates", status)
            return super().__call__(query)

    assert "shows at most" in pulled(Narrow(((300, 350),), total="page", shown=500, types="refused"))[0][1]


@pytest.mark.parametrize("total", ["capped", "page"])
def test_a_day_that_is_cut_off_is_had_by_direction(total):
    check_whole(Server(((900, 700), (10, 10)), total=total, cap=1000, shown=1000))


@pytest.mark.parametrize("types", ["known", "ignored", "refused", "empty"])
@pytest.mark.parametrize("days", [((700, 300), (3, 4)), ((50, 0), (1, 0)), ((0, 100), (0, 2))])
def test_a_day_of_a_round_number_of_calls_is_had(types, days):
    check_whole(Server(days, types=types))


@pytest.mark.parametrize("beyond", ["empty", "last", "refused"])
def test_a_day_of_a_round_number_of_calls_that_are_all_there_are_is_had(beyond):
    check_whole(Server(((950, 0),), beyond=beyond))
    check_whole(Server(((600, 400),), beyond=beyond))


@pytest.mark.parametrize("size", [10, 25, 100, 250])
def test_pages_shorter_than_asked_for_are_no_end_where_the_total_counts_them(size):
    check_whole(Server(((190, 170), (3, 0)), size=size, total="page"))


def test_a_page_that_comes_again_for_every_other_is_not_a_whole_list():
    server = Server(((90, 70), (80, 90)), size=50, total="page", skips="none")
    assert all(isinstance(calls, str) for _, calls in pulled(server))
    check_whole(Server(((90, 70), (20, 3)), size=1000, skips="none"))  # a server without pages, as long as none is full


@pytest.mark.parametrize("total", ["true", "page", "capped"])
def test_a_server_that_skips_more_calls_than_it_gives_costs_none(total):
    check_whole(Server(((400, 302), (5, 5)), total=total, cap=200, skips="asked"))


@pytest.mark.parametrize("widest", [1, 2, 3])
@pytest.mark.parametrize("is_empty_beyond", [False, True])
def test_days_that_are_hidden_in_a_wide_range_are_asked_for_alone(widest, is_empty_beyond):
    check_whole(Server(((5, 5),) * 7, widest=widest, is_empty_beyond=is_empty_beyond))


def test_days_without_calls_cost_two_requests_for_each_end():
    """The end's date alone, and all the days without calls."""
    server = Server(((0, 0), (0, 0), (3, 4), (0, 0), (1, 0), (0, 0)))
    check_whole(server)
    assert server.asked == 1 + 2 * 2


@pytest.mark.parametrize("cap", [500, 1000])
def test_directions_whose_totals_are_capped_alike_prove_nothing(cap):
    """A list shows twice as many calls as a total counts, and the totals of both directions are at the cap."""
    check_never_less(Server(((cap, cap + 1),), size=100, total="capped", cap=cap, shown=2 * cap))


def page_of(*records):
    return read_page(json.dumps({"calls": records, "meta": {"total": len(records)}}).encode())


def labels(*calls):
    return pa.table({"id": [id_ for id_, _ in calls], "started_at": [start for _, start in calls]})


def test_a_call_that_only_a_list_by_call_type_has_shows_that_the_list_of_all_lacks_it():
    server = Server(((2, 1), (1, 1)))
    window, start = KNOWN.window(server.dates[:1], UTC), day_start(FIRST, UTC)
    query = Query(date_from=FIRST, date_to=FIRST, limit=1000)
    crawled = replace(Crawler(server).crawl(query), began_s=start + 13 * 3600)
    known, unknown = (0, start), (7, start + 7)
    young, other_day = (8, start + 2 * 3600), (9, start - 1)
    check = partial(check_lacks_none, window, zone=UTC, crawled=crawled)
    check(query, labels=labels(known, young, other_day))
    check(replace(query, agent_id=1), labels=labels(known, unknown))
    check(query, labels=labels(unknown), crawled=replace(crawled, rejects=(Reject(7, None, "", "{}"),)))
    with pytest.raises(
        TooDeep, match=f"The list of all calls of {FIRST} lacks 1 that .* such as 7; none of these days"
    ):
        check(query, labels=labels(known, unknown, young))


def test_a_young_call_in_the_list_of_a_date_alone_tells_nothing():
    """The first date of a range has no call in the range's list, and one in its own."""
    noon = day_start(FIRST, UTC) + 12 * 3600
    query = Query(date_from=FIRST, date_to=FIRST + timedelta(days=1), limit=1000)
    crawled = Crawler(Server(((0, 0), (2, 1)))).crawl(query)
    alone = page_of({"id": 7, "started_at": noon, "is_inbound": True})
    window = Window((FIRST, FIRST + timedelta(days=1)), FIRST, FIRST + timedelta(days=1))
    for hours, hides in ((1, False), (13, True)):
        seen = replace(crawled, began_s=noon + hours * 3600)
        assert hides_dates(Crawler(lambda _: alone), window, query, seen, UTC, KNOWN) == hides


@pytest.mark.parametrize("size", [64, 127, 128])
@pytest.mark.parametrize("total", ["page", "capped"])
def test_pages_of_any_size_are_no_end_where_the_total_counts_them(size, total):
    check_whole(Server(((190, 171), (3, 0)), size=size, total=total, cap=size))


@pytest.mark.parametrize("widest", [1, 2, 3, 7])
@pytest.mark.parametrize("reading", [KNOWN, Reading()], ids=["known", "unknown"])
@pytest.mark.parametrize("side", ["first", "last"])
def test_dates_that_a_server_leaves_out_at_either_end_of_a_range_cost_no_call(widest, reading, side):
    for length in (1, 2, 9):
        server = Server(((20, 17),) * length, size=10, widest=widest, side=side, earlier=3)
        check_whole(server, reading=reading)


@examples(150, few=40)
@given(
    st.builds(
        Server,
        days=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4).map(tuple),
        size=st.integers(1, 5),
        total=st.sampled_from(["true", "page", "capped"]),
        cap=st.sampled_from([4, 8]),
        shown=st.sampled_from([None, 4, 8]),
        skips=st.sampled_from(["rows", "rows", "asked", "none"]),
        widest=st.none() | st.integers(1, 4),
        is_empty_beyond=st.booleans(),
        types=st.sampled_from(["known", "ignored", "refused", "empty"]),
        beyond=st.sampled_from(["empty", "last", "refused"]),
    ),
)
def test_a_part_is_whole_or_not_believed_whatever_a_server_hides(server):
    assume(all(sum(calls) for calls in server.days))  # a day's neighbours are what tells that its list is cut off
    assume(server.shown is None or (len(server.days) > 1 and server.widest is None))  # nor are these to be hidden
    before, truncation.CAP_LIKE = truncation.CAP_LIKE, 4
    try:
        event("whole" if check_never_less(server, limit=server.size) else "not proven")
    except RequestRefused:
        event("refused")
    finally:
        truncation.CAP_LIKE = before


def test_what_a_documented_account_costs():
    """A list costs its pages, one more where its page 1 is the longest so far, and one where it ends at a round number."""
    for calls in (1, 7, 43, 97, 99, 101, 247, 250, 297, 300, 997, 1000, 1234):
        for limit in (100, 1000):
            server = Server(((calls, 0), (3, 0)), size=limit, tells_limit=True, earlier=limit)
            check_whole(server, limit=limit)
            listed = calls + 3
            as_before = -(-listed // limit)
            may_be_full = listed % limit == 0 or 10 <= listed < limit
            is_round = listed % truncation.CAP_LIKE == 0 or listed % limit == 0
            assert server.asked == as_before + may_be_full + is_round + (listed == limit)


@pytest.mark.parametrize("day", [(30, 20), (700, 300), (2100, 1900)])
def test_a_documented_day_of_a_round_number_that_nothing_lies_around_costs_no_more_than_its_directions(day):
    server = Server((day,), size=1000, tells_limit=True)
    check_whole(server)
    pages = -(-sum(day) // 1000)
    may_be_full = 1
    look_beyond, directions = 2, 2
    assert server.asked <= pages + may_be_full + look_beyond + directions


def test_the_server_of_a_size_that_it_does_not_know_is_asked_in_its_own():
    plain = Server(((190, 170), (3, 0)), size=100, total="capped", cap=100)

    def known_sizes_only(query):
        if query.limit not in (1, 50, 100, 1000):
            raise RequestRefused("limit is one of 1, 50, 100, 1000", 422)
        return plain(query)

    window = KNOWN.window(plain.dates, UTC)
    found = [read for _, _, read in parts(Crawler(known_sizes_only), window, Query(limit=1000), UTC, KNOWN, 100_000)]
    assert [len(read.calls) for read in found] == [360, 3]
