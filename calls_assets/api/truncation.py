"""Signs that the API silently truncates its lists, to a number of calls or a number of days."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from calls_assets.api.crawl import Crawler
from calls_assets.api.crawled import Crawled, TooDeep
from calls_assets.api.decode import Page
from calls_assets.api.document import DIRECTIONS, MAX_LIMIT, Query
from calls_assets.api.errors import RequestRefused
from calls_assets.api.windows import EASTMOST, WESTMOST, Reading, Window
from calls_assets.arrow import Ints, ints
from calls_assets.days import ONE_DAY, by_day, day_start

CAP_LIKE = 50  # every cap is a multiple of this
MOST_CAPS = 500  # most caps are multiples of this
LONGEST_CALL_S = 12 * 3600  # a call may only be listed once it ends, this long after its start at the latest
WEEK = timedelta(days=7)


def is_cap_like(calls: int, on_first_page: int, query: Query) -> bool:
    """Whether a list of so many calls may have been truncated: at a round number, or at the end of a full page."""
    if calls <= 0:
        return False
    is_full = on_first_page < calls or on_first_page >= (query.limit or MAX_LIMIT)
    return calls % CAP_LIKE == 0 or (is_full and on_first_page > 1 and calls % on_first_page == 0)


def shows_beyond(crawler: Crawler, query: Query, calls: int, on_first_page: int) -> bool:
    """Whether the API shows more calls than these of a list that is a week longer on both sides.

    If so, the list was not truncated. Neither was it where a page past its end is refused in the wider list and answered in
    the list itself. Costs one request, or two where the server accepts only one page size.
    """
    if crawler.has_shown_more_than(calls):
        return True
    if query.date_from is None or query.date_to is None:
        return False
    wider = replace(query, date_from=query.date_from - WEEK, date_to=query.date_to + WEEK)
    if calls <= on_first_page:
        try:
            first = crawler.first(wider)
        except RequestRefused:  # the range is too wide
            return False
        return first.records > calls or _has_others(crawler, replace(wider, page=2), first, query)
    whole = min(on_first_page, MAX_LIMIT)
    # A server may repeat its last page for any page beyond it, but not for one that begins before the end.
    size = next((size for size in range(whole - 1, 1, -1) if calls % size), whole)
    before, past_end = calls // size * size, replace(wider, limit=size, page=calls // size + 1)
    try:
        page = crawler.fetch(past_end)
    except RequestRefused:
        # It may be the dates of the wider list that are refused, as too many or too old.
        is_deep = _is_answered(crawler, replace(past_end, page=1))
        return is_deep and _is_answered(crawler, replace(query, limit=size, page=past_end.page))
    if before < calls and page.records <= size:
        return page.records > calls - before
    last = crawler.fetch(replace(past_end, page=calls // size))
    return page.records > calls or len(np.setdiff1d(_ids(page), _ids(last))) > calls - before


def adds_up_by_direction(crawler: Crawler, query: Query, calls: int) -> bool:
    """Whether the totals of both directions add up to so many calls, and neither does alone; costs two requests.

    No cap explains the sum of two lists that are each below it. Totals that are equal, or a usual cap, may be capped too.
    """
    try:
        totals = [crawler.first(replace(query, call_type=name, limit=1)).total or 0 for name in DIRECTIONS]
    except RequestRefused:
        return False
    is_capped = totals[0] == totals[1] or max(totals) % MOST_CAPS == 0
    return sum(totals) == calls and calls not in totals and not is_capped


def _has_others(crawler: Crawler, second: Query, first: Page, query: Query) -> bool:
    """Whether page 2 has calls that page 1 lacks."""
    try:
        return bool(len(np.setdiff1d(_ids(crawler.fetch(second)), _ids(first))))
    except RequestRefused:
        return _is_answered(crawler, replace(query, page=2))


def _is_answered(crawler: Crawler, query: Query) -> bool:
    try:
        crawler.fetch(query)
    except RequestRefused:
        return False
    return True


def _ids(page: Page) -> Ints:
    return ints(page.calls["id"])


def has_every_sampled_call(crawler: Crawler, query: Query, crawled: Crawled) -> bool:
    """Whether a day's list has every call that the first pages of its directions and of the weeks around it show.

    Then nothing suggests that its length is a cap, though no longer list proves it either. A usual cap is not believed.
    """
    if query.date_from is None or query.date_to is None or crawled.total % MOST_CAPS == 0:
        return False
    around = [
        replace(query, date_from=query.date_from - WEEK, date_to=query.date_from - ONE_DAY),
        replace(query, date_from=query.date_to + ONE_DAY, date_to=query.date_to + WEEK),
    ]
    try:
        pages = [crawler.first(replace(query, call_type=name)) for name in DIRECTIONS]
    except RequestRefused:
        pages = []
    totals = [page.total or 0 for page in pages]
    is_filtered = pages and pages[0].calls["id"] != pages[1].calls["id"]
    if is_filtered and max(totals) <= crawled.total < sum(totals):
        return False
    try:
        pages += [crawler.first(near) for near in around]
    except RequestRefused:
        return False
    return all(bool(np.isin(_ids(page), crawled.calls.ids).all()) for page in pages)


def hides_dates(
    crawler: Crawler, window: Window, query: Query, crawled: Crawled, zone: ZoneInfo, reading: Reading
) -> bool:
    """Whether a window's first or last date, asked for alone, has a call that its list lacks.

    A server may answer for only some dates of a range, from either end. Costs a request for each end that no call of the list
    reaches, and for a single day one more. Recent calls prove nothing: they may have arrived meanwhile.
    """
    if query.date_from is None or query.date_to is None:
        return False
    more = 0 if reading.date_to_inclusive else 1
    last = max(query.date_to - more * ONE_DAY, query.date_from)
    begins, ends = day_start(window.days[0], zone), day_start(window.days[-1] + ONE_DAY, zone)
    first_is_over, last_has_begun = (
        _surely(query.date_from + ONE_DAY, reading, -EASTMOST),
        _surely(last, reading, WESTMOST),
    )
    started_at, dates = crawled.calls.started_at, []
    if not len(started_at) or started_at.min() >= max(begins, first_is_over):
        dates.append(query.date_from)
    if not len(started_at) or started_at.max() < min(ends, last_has_begun):
        dates.append(last)
    if dates and len(window.days) == 1:
        dates += [query.date_from + n * ONE_DAY for n in range((last - query.date_from).days)]
    probes = [
        replace(query, date_from=one, date_to=min(one + more * ONE_DAY, query.date_to)) for one in dict.fromkeys(dates)
    ]
    return any(_has_older_others(crawler.first(probe), crawled) for probe in probes if probe != query)


def _surely(day: date, reading: Reading, further: timedelta) -> int:
    """When a date begins in the account's zone; where that is unknown, `further` from its beginning in UTC."""
    if reading.zone is not None:
        return day_start(day, reading.zone)
    return day_start(day, ZoneInfo("UTC")) + int(further.total_seconds())


def _has_older_others(page: Page, crawled: Crawled) -> bool:
    old = ints(page.calls["started_at"]) < crawled.began_s - LONGEST_CALL_S
    return bool(np.any(old & ~np.isin(_ids(page), crawled.calls.ids)))


def check_lacks_none(window: Window, query: Query, crawled: Crawled, labels: pa.Table, zone: ZoneInfo) -> None:
    """Check that the list of all calls lacks none that the lists by call type have for the window's days.

    Recent calls prove nothing: they may have arrived in between. Neither do filtered lists: a server may ignore other filters
    next to a call type.

    Args:
        window: The days, in `zone`.
        query: What was asked for.
        crawled: The list of all calls.
        labels: The calls of the lists by call type, with `id` and `started_at` (epoch s).
        zone: The zone of the window's days.

    Raises:
        TooDeep: it lacks some; `shown` is the list of all calls.
    """
    if not query.asks_for_all:
        return
    known = np.append(crawled.calls.ids, [reject.call_id for reject in crawled.rejects if reject.call_id is not None])
    ids, started_at = ints(labels["id"]), ints(labels["started_at"])
    begin, end = day_start(window.days[0], zone), day_start(window.days[-1] + ONE_DAY, zone)
    is_ours = (started_at >= begin) & (started_at < end) & (started_at < crawled.began_s - LONGEST_CALL_S)
    missing = np.unique(ids[is_ours & ~np.isin(ids, known)])
    if len(missing):
        raise TooDeep(
            f"The list of all calls of {window} lacks {len(missing)} that the API's lists by call type have, such as "
            f"{missing[0]}; none of these days was replaced: run again later, or ask the vendor why.",
            crawled,
        )


def hides_days(
    crawler: Crawler, whole: Window, filters: Query, crawled: Crawled, zone: ZoneInfo, reading: Reading
) -> bool:
    """Whether the first or last days of a window, which have no call in its list, have some when asked for alone.

    A server may answer for only some days of a range. Costs a request for each run of such days.
    """
    for days in _without_calls(whole, crawled, zone):
        alone = reading.window(days, zone)
        asked = replace(
            filters, date_from=max(alone.date_from, whole.date_from), date_to=min(alone.date_to, whole.date_to)
        )
        if _has_older_others(crawler.first(asked), crawled):
            return True
    return False


def _without_calls(whole: Window, crawled: Crawled, zone: ZoneInfo) -> Iterator[tuple[date, ...]]:
    """The days without calls at a window's ends; for a window without any, the last half, the last quarter and so on."""
    places = by_day(crawled.calls.started_at, whole.days, zone)

    def is_empty(day: date) -> bool:
        return not len(places[day])

    leading = tuple(takewhile(is_empty, whole.days))
    if len(leading) < len(whole.days):
        trailing = tuple(takewhile(is_empty, reversed(whole.days)))[::-1]
        yield from (days for days in (leading, trailing) if days)
        return
    while len(leading) > 1:
        leading = leading[len(leading) // 2 :]
        yield leading
