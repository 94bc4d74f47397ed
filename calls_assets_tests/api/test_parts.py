"""Whatever a server does with totals and pages, a part is whole or it says that it is not; never less than whole."""

import json
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from calls_assets.api import truncation as module
from calls_assets.api.crawl import Crawler
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete, RequestRefused
from calls_assets.api.parts import parts
from calls_assets.api.windows import Reading
from calls_assets.days import day_start
from calls_assets_tests.examples import examples

UTC = ZoneInfo("UTC")
DAYS = tuple(date(2025, 5, 1) + timedelta(days=n) for n in range(3))
KNOWN = Reading(UTC, date_to_inclusive=True)
CAP = 4


@dataclass(frozen=True)
class Server:
    """An account with so many inbound and outbound calls on each day.

    `total` is the true one, one with an offset, a cap or that of the page; `deepest` is how far pages go, and beyond that
    what is answered: a status, or 200 for an empty page; `names_next` whether `meta.next` is as documented, never or always.
    """

    days: tuple[tuple[int, int], ...]
    size: int = 3
    total: str = "true"
    offset: int = 0
    cap: int = CAP
    deepest: int | None = None
    deeper: int = 400
    beyond: int = 200
    names_next: str = "documented"
    twice: int | None = None
    ignores_direction: bool = False

    def __call__(self, query):
        listed = self.listed(query)
        size = min(self.size, query.limit or self.size)
        first = (query.page - 1) * size
        reach = len(listed) if self.deepest is None else min(self.deepest, len(listed))
        if self.deepest is not None and first + size > self.deepest and first < len(listed) and self.deeper != 200:
            raise RequestRefused("too deep", self.deeper)
        if first >= len(listed) and query.page > 1 and self.beyond != 200:
            raise RequestRefused("beyond the end", self.beyond)
        rows = listed[first : min(first + size, reach)]
        told = {
            "true": len(listed),
            "offset": max(0, len(listed) + self.offset),
            "cap": min(self.cap, len(listed)),
            "page": len(rows),
        }[self.total]
        has_next = {"documented": first + size < told, "never": False, "always": True}[self.names_next]
        meta = {"total": told, "limit": size, "next": "/calls/?page=2" if has_next else None}
        return read_page(json.dumps({"calls": rows, "meta": meta}).encode())

    def listed(self, query):
        kind = None if self.ignores_direction else query.call_type
        found = [
            {"id": 1000 * n + m, "started_at": day_start(day, UTC) + 60 * m, "is_inbound": m < inbound}
            for n, (day, (inbound, outbound)) in enumerate(zip(DAYS, self.days, strict=True), 1)
            if query.date_from is None or query.date_from <= day <= query.date_to
            for m in range(inbound + outbound)
        ]
        kept = [call for call in found if kind is None or call["is_inbound"] == (kind == "all_inbound")]
        doubles = kept[:: self.twice] if self.twice else []
        return kept + doubles

    def ids(self, days):
        whole = self.listed(Query(date_from=days[0], date_to=days[-1]))
        return sorted({call["id"] for call in whole})


def pulled(server, most=10_000):
    """The parts of all days, each with its ids, or None where it is not proven."""
    for window, _, crawled in parts(
        Crawler(server), KNOWN.window(DAYS, UTC), Query(limit=server.size), UTC, KNOWN, most
    ):
        if isinstance(crawled, Incomplete):
            yield window.days, None
        else:
            assert crawled.total >= len(crawled.calls)
            yield window.days, crawled.calls.ids.tolist()


def all_of(server):
    """The ids of all parts, each of which is proven."""
    return [call_id for _, ids in pulled(server) for call_id in ids]


servers = st.builds(
    Server,
    days=st.tuples(*[st.tuples(st.integers(0, 9), st.integers(0, 9))] * 3),
    size=st.integers(1, 5),
    total=st.sampled_from(["true", "offset", "cap", "page"]),
    offset=st.sampled_from([-3, -1, 1, 2]),
    cap=st.sampled_from([CAP, 2 * CAP]),
    deepest=st.none() | st.sampled_from([CAP, 2 * CAP, 6]),
    deeper=st.sampled_from([400, 404, 422]),
    beyond=st.sampled_from([200, 404]),
    names_next=st.sampled_from(["documented", "never", "always"]),
    twice=st.none() | st.integers(2, 5),
    ignores_direction=st.booleans(),
)


@pytest.fixture(autouse=True, scope="module")
def _small_caps():
    before, module.CAP_LIKE = module.CAP_LIKE, CAP
    yield
    module.CAP_LIKE = before


@examples(150, few=40)
@given(servers, st.sampled_from([5, 10_000]))
def test_a_part_holds_every_call_of_its_days_or_is_not_believed(server, most):
    try:
        for days, ids in pulled(server, most):
            event("not proven" if ids is None else "whole")
            assert ids is None or ids == server.ids(days)
    except RequestRefused:
        event("refused")


@given(servers)
def test_what_the_server_gives_with_a_true_total_is_always_had(server):
    plain = replace(server, total="true", deepest=None, twice=None, beyond=200)
    assert sorted(all_of(plain)) == plain.ids(DAYS)


@given(servers)
def test_a_server_that_refuses_pages_beyond_the_end_costs_no_call(server):
    """Pages of ten can be asked for in so many other sizes that one reaches over the end."""
    plain = replace(server, total="true", deepest=None, twice=None, beyond=404, size=10)
    assert sorted(all_of(plain)) == plain.ids(DAYS)


@pytest.mark.parametrize("total", ["cap", "page"])
def test_a_capped_total_costs_no_call(total):
    server = Server(((7, 5), (0, 0), (2, 9)), total=total)
    assert all_of(server) == server.ids(DAYS)


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize("total", ["true", "cap"])
def test_what_lies_too_deep_is_had_by_days_and_by_direction(status, total):
    server = Server(((5, 4), (6, 0), (1, 1)), size=2, total=total, cap=6, deepest=6, deeper=status)
    assert sorted(all_of(server)) == server.ids(DAYS)


def test_a_list_that_is_cut_off_at_a_round_number_is_found_out():
    """Pages beyond are empty, and the total is the cap too, so that nothing in the list itself tells."""
    server = Server(((1, 1), (3, 1), (2, 2)), size=4, total="cap", deepest=CAP, deeper=200)
    assert sorted(all_of(server)) == server.ids(DAYS)
    server = Server(((1, 1), (3, 3), (9, 2)), size=4, total="cap", deepest=CAP, deeper=200)
    assert [ids and len(ids) for _, ids in pulled(server)] == [2, 6, None]


def test_a_day_that_cannot_be_read_whole_says_how_many_calls_the_server_shows():
    server = Server(((1, 0), (9, 9), (2, 0)), size=2, deepest=6)
    window = KNOWN.window(DAYS, UTC)
    found = [crawled for _, _, crawled in parts(Crawler(server), window, Query(limit=2), UTC, KNOWN, 10_000)]
    assert [len(crawled.calls) if not isinstance(crawled, Incomplete) else None for crawled in found] == [1, None, 2]
    assert "shows at most 6 calls of a list, and has more from 2025-05-02 to 2025-05-02" in str(found[1])
    assert "CALLS_FILTERS" in str(found[1])


def test_a_total_of_all_calls_whatever_the_dates_proves_nothing_and_costs_nothing():
    server = Server(((3, 1), (0, 0), (2, 2)))

    def counting_all(query):
        return replace(server(query), total=5001)

    window = KNOWN.window(DAYS, UTC)
    ((_, _, crawled),) = parts(Crawler(counting_all), window, Query(limit=3), UTC, KNOWN, 10_000)
    assert crawled.calls.ids.tolist() == server.ids(DAYS)


def test_a_range_that_is_too_wide_for_the_server_is_asked_for_in_smaller_ones():
    server = Server(((1, 2), (3, 4), (5, 6)))

    def narrow(query):
        if query.date_from is not None and query.date_to > query.date_from:
            raise RequestRefused("at most one day", 422)
        return server(query)

    window = KNOWN.window(DAYS, UTC)
    found = [c.calls.ids.tolist() for _, _, c in parts(Crawler(narrow), window, Query(limit=3), UTC, KNOWN, 10_000)]
    assert found == [server.ids(DAYS[n : n + 1]) for n in range(3)]


def test_the_days_that_add_up_are_had_although_one_does_not():
    server = Server(((4, 0), (5, 0), (6, 0)))

    def one_is_counted_too_many(query):
        page = server(query)
        return replace(page, total=page.total + (query.date_from <= DAYS[1] <= query.date_to))

    window = KNOWN.window(DAYS, UTC)
    found = [
        None if isinstance(crawled, Incomplete) else len(crawled.calls)
        for _, _, crawled in parts(Crawler(one_is_counted_too_many), window, Query(limit=3), UTC, KNOWN, 10_000)
    ]
    assert found == [4, None, 6]


def test_dates_in_the_future_that_a_server_refuses_are_left_out():
    """The zone of its dates is unknown, so that a day of today or yesterday reaches into them."""
    today = datetime.now(UTC).date()
    for ago in (0, 1):
        day = today - timedelta(days=ago)
        server = Server(((2, 1), (2, 1), (0, 0)), size=10)

        def fetch(query, server=server):
            if query.date_to > today:
                raise RequestRefused("dateTo must not be in the future", 400)
            moved = DAYS[1] - today
            return server(replace(query, date_from=query.date_from + moved, date_to=query.date_to + moved))

        (part,) = parts(Crawler(fetch), Reading().window((day,), UTC), Query(limit=1000), UTC, Reading(), 1000)
        window, query, crawled = part
        assert window.days == (day,)
        assert query.date_to == today
        assert len(crawled.calls) == 6


def test_a_range_of_more_dates_than_a_server_takes_is_asked_for_by_dates():
    server = Server(((2, 1), (3, 2), (0, 4)), size=10)

    def fetch(query):
        if (query.date_to - query.date_from).days > 1:
            raise RequestRefused("range is limited to 2 days", 422)
        return server(query)

    ((_, _, crawled),) = parts(
        Crawler(fetch), Reading().window(DAYS[1:2], UTC), Query(limit=1000), UTC, Reading(), 1000
    )
    assert len(crawled.calls) == 12
    assert [(query.date_to - query.date_from).days for query in crawled.date_queries] == [1, 1, 1]
