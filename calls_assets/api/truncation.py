"""Signs that the API cuts its lists off without a word: at a number of calls, or at a number of days."""

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
    """Whether a list of so many calls may have been cut off there: at a round number, or at the end of a full page."""
    if calls <= 0:
        return False
    is_full = on_first_page < calls or on_first_page >= (query.limit or MAX_LIMIT)
    return calls % CAP_LIKE == 0 or (is_full and on_first_page > 1 and calls % on_first_page == 0)


def shows_beyond(crawler: Crawler, query: Query, calls: int, on_first_page: int) -> bool:
    """Whether the API shows more than so many calls of a list: of that with a week more on both sides.

    Then a list of so many calls was not cut off there; nor was it where a page behind the place is refused, and that of the
    list itself is not. Costs one request, or two where pages of other sizes than the list's are not given.
    """
    if crawler.has_shown_more_than(calls):
        return True
    if query.date_from is None or query.date_to is None:
        return False
    wider = replace(query, date_from=query.date_from - WEEK, date_to=query.date_to + WEEK)
    if calls <= on_first_page:
        try:
            first = crawler.first(wider)
        except RequestRefused:  # so wide a range is too wide
            return False
        return first.records > calls or _has_others(crawler, replace(wider, page=2), first, query)
    whole = min(on_first_page, MAX_LIMIT)
    # A server may give its last page again for any page beyond it, but that is not one that begins before the place.
    size = next((size for size in range(whole - 1, 1, -1) if calls % size), whole)
    before, behind = calls // size * size, replace(wider, limit=size, page=calls // size + 1)
    try:
        page = crawler.fetch(behind)
    except RequestRefused:
        # The dates of the wider list may be what is refused: too many, or too old ones.
        is_deep = _is_answered(crawler, replace(behind, page=1))
        return is_deep and _is_answered(crawler, replace(query, limit=size, page=behind.page))
    if before < calls and page.records <= size:
        return page.records > calls - before
    last = crawler.fetch(replace(behind, page=calls // size))
    return page.records > calls or len(np.setdiff1d(_ids(page), _ids(last))) > calls - before


def adds_up_by_direction(crawler: Crawler, query: Query, calls: int) -> bool:
    """Whether the totals of both directions are so many calls together, and neither alone; costs two requests.

    A cap would have to hold for the sum of two lists that are each below it. Totals that are equal, or at a usual cap, may be
    capped themselves.
    """
    try:
        totals = [crawler.first(replace(query, call_type=name, limit=1)).total or 0 for name in DIRECTIONS]
    except RequestRefused:
        return False
    is_capped = totals[0] == totals[1] or max(totals) % MOST_CAPS == 0
    return sum(totals) == calls and calls not in totals and not is_capped


def _has_others(crawler: Crawler, behind: Query, first: Page, query: Query) -> bool:
    """Whether page 2 has calls that page 1 has not."""
    try:
        return bool(len(np.setdiff1d(_ids(crawler.fetch(behind)), _ids(first))))
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
    """Whether neither the lists of a day's directions nor those of the weeks around it have a call that is not in its own.

    Then its number of calls is no cap by any sign, for there is no longer list to hold it against. One that most caps are is
    not believed even so.
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
    """Whether a window's first or last date has a call that is not in its list, where it is asked for alone.

    A server may answer for no more than some dates of a range, from either end. Costs a request for each end of which no call
    in the list tells that it reaches there, and of one day one more. Young calls tell nothing: they may have come meanwhile.
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
    """When a date begins as the account has it; in an unknown zone, `further` from that in UTC."""
    if reading.zone is not None:
        return day_start(day, reading.zone)
    return day_start(day, ZoneInfo("UTC")) + int(further.total_seconds())


def _has_older_others(page: Page, crawled: Crawled) -> bool:
    old = ints(page.calls["started_at"]) < crawled.began_s - LONGEST_CALL_S
    return bool(np.any(old & ~np.isin(_ids(page), crawled.calls.ids)))


def check_lacks_none(window: Window, query: Query, crawled: Crawled, labels: pa.Table, zone: ZoneInfo) -> None:
    """See whether the lists by call type have calls of the window's days that the list of all calls lacks.

    Young ones tell nothing: they may have come in between. Nor do filtered lists: a server may ignore other filters
    beside a call type.

    Args:
        window: The days, in `zone`.
        query: What was asked for.
        crawled: The list of all calls.
        labels: The calls of the lists by call type, with `id` and `started_at` (epoch s).
        zone: The zone of the window's days.

    Raises:
        TooDeep: they have; `shown` is the list of all calls.
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
            f"{missing[0]}; none of these days was replaced, run again later, or ask the vendor why.",
            crawled,
        )


def hides_days(
    crawler: Crawler, whole: Window, filters: Query, crawled: Crawled, zone: ZoneInfo, reading: Reading
) -> bool:
    """Whether the first or last days of a window, of which its list has no call, have some where they are asked for alone.

    A server may answer for no more than some days of a range. Costs a request for each run of such days.
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
    """The days without calls at a window's ends; of a window without any the last half, the last quarter and so on."""
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
