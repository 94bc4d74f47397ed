"""A window -> the parts of it that can be proven complete, cut no finer than it takes.

A window is cut by halves while it holds too many calls or the API hides some of its days, by days where its list is not
proven, and a day's list by its dates and by direction. What cannot be proven even then costs its day alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from calls_assets.api.crawl import Crawler
from calls_assets.api.crawled import Crawled, NotProven, TooDeep
from calls_assets.api.decode import Page
from calls_assets.api.document import Query
from calls_assets.api.errors import DatesRefused, Incomplete, RequestRefused
from calls_assets.api.limits import (
    adds_up_by_direction,
    hides_dates,
    hides_days,
    is_all_there_is,
    is_cap_like,
    shows_beyond,
)
from calls_assets.api.pieces import Pieces
from calls_assets.api.windows import EASTMOST, WESTMOST, Reading, Window

TOO_WIDE = (400, 422)
"""How servers refuse a range of more days than they allow, or of which they do not keep all."""

Part = tuple[Window, Query, Crawled | Incomplete]


def parts(
    crawler: Crawler, whole: Window, filters: Query, zone: ZoneInfo, reading: Reading, most: int
) -> Iterator[Part]:
    """The window's parts in order, each with its query, and with its calls or why they are not proven to be all.

    Args:
        crawler: Reads lists.
        whole: The window.
        filters: Which calls to ask for, and the size of pages.
        zone: The zone of the window's days.
        reading: How the account reads dates.
        most: Parts of several days hold at most so many calls.
    """
    query = replace(filters, date_from=whole.date_from, date_to=whole.date_to)
    try:
        read = _Whole(crawler, whole, filters, query, zone, reading, most).read()
    except RequestRefused as error:
        if error.status not in TOO_WIDE:
            raise
        if sooner := _without_future(whole):
            yield from parts(crawler, sooner, filters, zone, reading, most)
            return
        read = [_by_date(crawler, whole, query, reading)]
    if isinstance(read, list):
        yield whole, query, read.pop()  # what came lives no longer than whom it is given to needs it
        return
    for window in read:
        yield from parts(crawler, window, filters, zone, reading, most)


def _by_date(crawler: Crawler, day: Window, query: Query, reading: Reading) -> Crawled | Incomplete:
    """The refused list of a day as those of its dates have it, or what would help where these are refused too.

    Raises:
        RequestRefused: it is not the dates that are refused.
    """
    try:
        return Pieces(crawler, day, query, reading).by_date()
    except RequestRefused as error:
        if not crawler.answers_without_dates(query):
            raise
        return Incomplete(
            f"{error} The list without dates is answered: where calls are kept only for so long, set CALLS_START_DATE to the "
            "first day that is given; where one date can be asked for at a time, CALLS_DATES_ZONE and "
            "CALLS_DATE_TO_INCLUSIVE."
        )


def _without_future(window: Window) -> Window | None:
    """A window that ends with an earlier date, where the last one may be in the future for some zone; servers refuse that."""
    now = datetime.now(UTC)
    todays = {(now + ahead).date() for ahead in (EASTMOST, timedelta(), -WESTMOST)}
    earlier = [today for today in todays if window.date_from <= today < window.date_to]
    return replace(window, date_to=max(earlier)) if earlier and window.date_to > min(todays) else None


@dataclass(frozen=True)
class _Whole:
    crawler: Crawler
    window: Window
    filters: Query
    query: Query
    zone: ZoneInfo
    reading: Reading
    most: int

    def read(self) -> list[Crawled | Incomplete] | tuple[Window, ...]:
        """The window's calls, or why they are not proven, in a list; or the smaller windows that it is to be cut into."""
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
            if shown is None:
                return [self._pieces.instead_of(error)] if self._is_day else self._days
            crawled = shown
        is_in_doubt = self._is_cut_off(crawled.total, first)
        if self._is_day:
            return [self._in_doubt(crawled) if is_in_doubt else self._of_all_dates(crawled)]
        tells_more = (first.total or 0) > crawled.total  # a total of all calls, which no cap has cut
        if is_in_doubt and not (tells_more and is_all_there_is(self.crawler, self.query, crawled)):
            return self._halves
        is_hidden = self._hides_dates(crawled) or hides_days(
            self.crawler, self.window, self.filters, crawled, self.zone, self.reading
        )
        return self._halves if is_hidden else [crawled]

    def _hides_dates(self, crawled: Crawled) -> bool:
        return hides_dates(self.crawler, self.window, self.query, crawled, self.zone, self.reading)

    def _of_all_dates(self, crawled: Crawled) -> Crawled | Incomplete:
        """A day's list, with the calls of dates that it lacks where these are asked for alone."""
        if not self._hides_dates(crawled):
            return crawled
        ranged = NotProven(
            f"The API does not answer for all dates from {self.query.date_from} to {self.query.date_to}; {self.window} was "
            "not replaced: ask the vendor how dates are given.",
            crawled,
            crawled.total,
        )
        return self._pieces.by_date(ranged)

    def _with_any_total(self, error: NotProven) -> Crawled | None:
        """The list where its total is that of all calls, whatever the dates, and tells nothing; None where it is not."""
        if isinstance(error, TooDeep) or not error.total or not self.crawler.counts_all(self.query, error.total):
            return None
        if error.shown.total < error.total:
            return error.shown
        try:
            return self.crawler.crawl(self.query)
        except Incomplete:
            return None

    def _in_doubt(self, crawled: Crawled) -> Crawled | Incomplete:
        """A day's list that may have been cut off."""
        found = self._pieces.instead_of(self._pieces.cut_off(crawled))
        is_all = isinstance(found, Incomplete) and is_all_there_is(self.crawler, self.query, crawled)
        return crawled if is_all else found

    def _is_cut_off(self, calls: int, first: Page) -> bool:
        """Whether a list of so many calls may go on behind them by what the API shows of a longer one, and of directions."""
        return (
            is_cap_like(calls, first.records, self.query)
            and not shows_beyond(self.crawler, self.query, calls, first.records)
            and not adds_up_by_direction(self.crawler, self.query, calls)
        )

    @property
    def _is_day(self) -> bool:
        return len(self.window.days) == 1

    @property
    def _pieces(self) -> Pieces:
        return Pieces(self.crawler, self.window, self.query, self.reading)

    @property
    def _halves(self) -> tuple[Window, ...]:
        return self.reading.halves(self.window, self.zone)

    @property
    def _days(self) -> tuple[Window, ...]:
        return tuple(self.reading.window((day,), self.zone) for day in self.window.days)
