"""A window -> the parts of it that can be proven complete, cut no finer than it takes.

A window is cut in half while it holds too many calls or the API hides some of its days, into days where its list is not
proven, and a day's list by date and by direction. What cannot be proven even then costs only its own day.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from calls_assets.api.crawl import Crawler
from calls_assets.api.crawled import Crawled, NotProven, TooDeep, merged
from calls_assets.api.decode import Page
from calls_assets.api.document import DIRECTIONS, Query
from calls_assets.api.errors import DatesRefused, Incomplete, RequestRefused
from calls_assets.api.truncation import (
    adds_up_by_direction,
    has_every_sampled_call,
    hides_dates,
    hides_days,
    is_cap_like,
    shows_beyond,
)
from calls_assets.api.windows import EASTMOST, WESTMOST, Reading, Window
from calls_assets.days import ONE_DAY

TOO_WIDE = (400, 422)  # how servers refuse a range of more days than they allow, or of days that they no longer keep
Part = tuple[Window, Query, Crawled | Incomplete]


def parts(
    crawler: Crawler, whole: Window, filters: Query, zone: ZoneInfo, reading: Reading, most: int
) -> Iterator[Part]:
    """The window's parts in order, each with its query, and with its calls or why they are not proven complete.

    Args:
        crawler: Reads lists.
        whole: The window.
        filters: Which calls to ask for, and the size of pages.
        zone: The zone of the window's days.
        reading: How the account reads dates.
        most: The most calls in a part of several days.
    """
    query = replace(filters, date_from=whole.date_from, date_to=whole.date_to)
    try:
        read = _WindowReader(crawler, whole, filters, query, zone, reading, most).read()
    except RequestRefused as error:
        if error.status not in TOO_WIDE:
            raise
        if sooner := _without_future(whole):
            yield from parts(crawler, sooner, filters, zone, reading, most)
            return
        read = [_by_date(crawler, whole, query, reading)]
    if isinstance(read, list):
        yield whole, query, read.pop()  # popped, so that it is freed as soon as the caller drops it
        return
    for window in read:
        yield from parts(crawler, window, filters, zone, reading, most)


def _by_date(crawler: Crawler, day: Window, query: Query, reading: Reading) -> Crawled | Incomplete:
    """A day whose list is refused, from the lists of its single dates; where these are refused too, what would help.

    Raises:
        RequestRefused: it is not the dates that are refused.
    """
    try:
        return SplitDay(crawler, day, query, reading).by_date()
    except RequestRefused as error:
        if not crawler.answers_without_dates(query):
            raise
        return Incomplete(
            f"{error} The list without dates is answered: if calls are kept for a limited time, set CALLS_START_DATE to the "
            "first day that is given; if only one date can be asked for at a time, set CALLS_DATES_ZONE and "
            "CALLS_DATE_TO_INCLUSIVE."
        )


def _without_future(window: Window) -> Window | None:
    """The window without its last dates, where servers may refuse these as future ones; None where they may not."""
    now = datetime.now(UTC)
    todays = {(now + ahead).date() for ahead in (EASTMOST, timedelta(), -WESTMOST)}
    earlier = [today for today in todays if window.date_from <= today < window.date_to]
    return replace(window, date_to=max(earlier)) if earlier and window.date_to > min(todays) else None


@dataclass(frozen=True)
class _WindowReader:
    crawler: Crawler
    window: Window
    filters: Query
    query: Query
    zone: ZoneInfo
    reading: Reading
    most: int

    def read(self) -> list[Crawled | Incomplete] | tuple[Window, ...]:
        """A list of one, the window's calls or why they are not proven; or a tuple of the smaller windows to cut it into."""
        try:
            first = self.crawler.first(self.query)
            return self._halves if not self._is_day and (first.total or 0) > self.most else self._read(first)
        except Incomplete as error:
            return [error]
        except DatesRefused as error:
            return [Incomplete(str(error))] if self._is_day else self._halves
        except RequestRefused as error:
            if self._is_day or error.status not in TOO_WIDE:
                raise
            return self._halves

    def _read(self, first: Page) -> list[Crawled | Incomplete] | tuple[Window, ...]:
        try:
            crawled = self.crawler.crawl(self.query, first, is_smallest=self._is_day)
        except NotProven as error:
            shown = self._with_any_total(error)
            if shown is None and self._is_day:
                return [self._split.recover(error)]
            if shown is None:
                return tuple(self.reading.window((day,), self.zone) for day in self.window.days)
            crawled = shown
        is_in_doubt = self._may_be_truncated(crawled.total, first)
        if self._is_day:
            return [self._in_doubt(crawled) if is_in_doubt else self._of_all_dates(crawled)]
        is_uncapped = (first.total or 0) > crawled.total  # a total of all calls, which is not capped
        if is_in_doubt and not (is_uncapped and has_every_sampled_call(self.crawler, self.query, crawled)):
            return self._halves
        is_hidden = self._hides_dates(crawled) or hides_days(
            self.crawler, self.window, self.filters, crawled, self.zone, self.reading
        )
        return self._halves if is_hidden else [crawled]

    def _hides_dates(self, crawled: Crawled) -> bool:
        return hides_dates(self.crawler, self.window, self.query, crawled, self.zone, self.reading)

    def _of_all_dates(self, crawled: Crawled) -> Crawled | Incomplete:
        """A day's list, completed by the lists of its single dates where it lacks some of their calls."""
        if not self._hides_dates(crawled):
            return crawled
        ranged = NotProven(
            f"The API does not answer for all dates from {self.query.date_from} to {self.query.date_to}; {self.window} was "
            "not replaced: ask the vendor how dates are given.",
            crawled,
        )
        return self._split.by_date(ranged)

    def _with_any_total(self, error: NotProven) -> Crawled | None:
        """The list, where its total counts all calls, whatever the dates, and proves nothing; None where it does not."""
        if isinstance(error, TooDeep) or not error.total or not self.crawler.counts_all(self.query, error.total):
            return None
        if error.shown.total < error.total:
            return error.shown
        try:
            return self.crawler.crawl(self.query)
        except Incomplete:
            return None

    def _in_doubt(self, crawled: Crawled) -> Crawled | Incomplete:
        """A day's list that may have been truncated."""
        found = self._split.recover(self._split.truncated(crawled))
        is_all = isinstance(found, Incomplete) and has_every_sampled_call(self.crawler, self.query, crawled)
        return crawled if is_all else found

    def _may_be_truncated(self, calls: int, first: Page) -> bool:
        """Whether a list of so many calls may be longer, by what the API shows of a wider one and of each direction."""
        return (
            is_cap_like(calls, first.records, self.query)
            and not shows_beyond(self.crawler, self.query, calls, first.records)
            and not adds_up_by_direction(self.crawler, self.query, calls)
        )

    @property
    def _is_day(self) -> bool:
        return len(self.window.days) == 1

    @property
    def _split(self) -> "SplitDay":
        return SplitDay(self.crawler, self.window, self.query, self.reading)

    @property
    def _halves(self) -> tuple[Window, ...]:
        return self.reading.halves(self.window, self.zone)


@dataclass(frozen=True)
class SplitDay:
    """Reads the list of a single day as several smaller ones, by date and by direction.

    Attributes:
        crawler: Reads lists.
        day: The window of the day.
        query: Its list.
        reading: How the account reads dates.
    """

    crawler: Crawler
    day: Window
    query: Query
    reading: Reading

    def recover(self, error: NotProven) -> Crawled | Incomplete:
        """The list from those of its dates, each by direction where necessary; the error where that fails."""
        try:
            lists = [self._crawl_date(query, error) for query in self._date_queries()]
        except (RequestRefused, Incomplete):
            return self._final(error)
        return self._merged(error, lists)

    def by_direction(self, error: TooDeep) -> Crawled | Incomplete:
        """The list from those of both directions; the error where they lack some of it."""
        try:
            queries = error.shown.date_queries or (self.query,)
            lists = [self.crawler.crawl(replace(query, call_type=name)) for name in DIRECTIONS for query in queries]
            found = self._if_whole(error, lists)
            return found if isinstance(found, Incomplete) else replace(found, date_queries=error.shown.date_queries)
        except (RequestRefused, Incomplete):
            return error

    def by_date(self, error: NotProven | None = None) -> Crawled | Incomplete:
        """The list from those of its dates, and what was shown; the error where one of them is not proven.

        Raises:
            RequestRefused: a date is refused too.
        """
        shown = [] if error is None else [error.shown]
        queries = tuple(self._date_queries())
        try:
            return replace(merged([*shown, *map(self.crawler.crawl, queries)]), date_queries=queries)
        except Incomplete as unproven:
            return error or unproven

    def truncated(self, crawled: Crawled) -> TooDeep:
        """The error for a list that may be longer than what came."""
        return TooDeep(
            f"The API shows at most {crawled.total} calls of a list, and has more from {self.query.date_from} to "
            f"{self.query.date_to}, even in one direction alone; {self.day} was not replaced: ask the vendor to lift that, "
            "or pull the day in parts by CALLS_FILTERS, as by ring group, each into a CALLS_DATA_URL of its own.",
            crawled,
        )

    def _date_queries(self) -> list[Query]:
        """The list as queries of single dates, or of two where it is unknown whether `dateTo` is inclusive."""
        query = self.query
        if query.date_from is None or query.date_to is None:
            return [query]
        more = 0 if self.reading.date_to_inclusive else 1
        days = (query.date_to - query.date_from).days + 1 - more
        starts = [query.date_from + n * ONE_DAY for n in range(max(days, 1))]
        return [replace(query, date_from=start, date_to=min(start + more * ONE_DAY, query.date_to)) for start in starts]

    def _crawl_date(self, query: Query, error: NotProven) -> Crawled:
        try:
            crawled = self.crawler.crawl(query)
        except NotProven as finer:
            return self._crawl_by_direction(query, finer)
        is_as_long = isinstance(error, TooDeep) and crawled.total == error.shown.total
        return self._crawl_by_direction(query, self.truncated(crawled)) if is_as_long else crawled

    def _crawl_by_direction(self, query: Query, error: NotProven) -> Crawled:
        """A list from those of its two directions.

        Raises:
            NotProven: these lack some of it too.
            RequestRefused: the API cannot filter by direction.
        """
        lists = [self.crawler.crawl(replace(query, call_type=name)) for name in DIRECTIONS]
        if isinstance(error, TooDeep) and any(part.total == error.shown.total for part in lists):
            raise error
        found = self._merged(error, lists)
        if isinstance(found, Incomplete):
            raise found
        return found

    def _merged(self, error: NotProven, lists: list[Crawled]) -> Crawled | Incomplete:
        """What was shown and the finer lists merged, where that is as many calls as there must be.

        The finer lists must hold all that was shown: where they lack some of it, they may lack more.
        """
        if isinstance(error, TooDeep):
            found = self._if_whole(error, lists)
            return self._final(error) if found is error else found
        all_calls = merged([error.shown, *lists])
        return all_calls if all_calls.total == error.total else error

    def _if_whole(self, error: TooDeep, lists: list[Crawled]) -> Crawled | TooDeep:
        all_calls = merged([error.shown, *lists])
        known = np.concatenate([part.calls.ids for part in lists])
        is_whole = all_calls.total >= error.total and bool(np.isin(error.shown.calls.ids, known).all())
        return all_calls if is_whole else error

    def _final(self, error: NotProven) -> NotProven:
        return self.truncated(error.shown) if isinstance(error, TooDeep) else error
