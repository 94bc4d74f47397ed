"""The list of a day that is not proven whole -> the same from smaller lists: those of its dates, and of each direction."""

from dataclasses import dataclass, replace

import numpy as np

from calls_assets.api.crawl import Crawler
from calls_assets.api.crawled import Crawled, NotProven, TooDeep, joined
from calls_assets.api.document import DIRECTIONS, Query
from calls_assets.api.errors import Incomplete, RequestRefused
from calls_assets.api.windows import Reading, Window
from calls_assets.days import ONE_DAY


@dataclass(frozen=True)
class Pieces:
    """Reads the list of a window of one day in pieces.

    Attributes:
        crawler: Reads lists.
        day: The window.
        query: Its list.
        reading: How the account reads dates.
    """

    crawler: Crawler
    day: Window
    query: Query
    reading: Reading

    def instead_of(self, error: NotProven) -> Crawled | Incomplete:
        """The list as those of its dates have it, each of them by direction where it must; the error where that fails."""
        try:
            lists = [self._of_dates(piece, error) for piece in self._by_date()]
        except (RequestRefused, Incomplete):
            return self._final(error)
        return self._agreed(error, lists)

    def by_direction(self, error: TooDeep) -> Crawled | Incomplete:
        """The list as those of both directions have it; the error where they do not have all of it."""
        try:
            pieces = error.shown.pieces or (self.query,)
            lists = [self.crawler.crawl(replace(piece, call_type=name)) for name in DIRECTIONS for piece in pieces]
            found = self._with(error, lists)
            return found if isinstance(found, Incomplete) else replace(found, pieces=error.shown.pieces)
        except (RequestRefused, Incomplete):
            return error

    def by_date(self, error: NotProven | None = None) -> Crawled | Incomplete:
        """The list as those of its dates have it, beside what was shown; the error where one of them is not proven.

        Raises:
            RequestRefused: a date is refused too.
        """
        shown = [] if error is None else [error.shown]
        pieces = tuple(self._by_date())
        try:
            return replace(joined([*shown, *map(self.crawler.crawl, pieces)]), pieces=pieces)
        except Incomplete as unproven:
            return error or unproven

    def cut_off(self, crawled: Crawled) -> TooDeep:
        """The error of a list that may go on behind the calls that came."""
        return TooDeep(
            f"The API shows at most {crawled.total} calls of a list, and has more from {self.query.date_from} to "
            f"{self.query.date_to}, also in one direction alone; {self.day} was not replaced: ask the vendor to lift that, "
            "or pull the day in parts by CALLS_FILTERS, as by ring group, each into a CALLS_DATA_URL of its own.",
            crawled,
            crawled.total,
        )

    def _by_date(self) -> list[Query]:
        """The list as such of single dates, or of two where it is unknown whether the second one counts."""
        query = self.query
        if query.date_from is None or query.date_to is None:
            return [query]
        more = 0 if self.reading.date_to_inclusive else 1
        days = (query.date_to - query.date_from).days + 1 - more
        starts = [query.date_from + n * ONE_DAY for n in range(max(days, 1))]
        return [replace(query, date_from=start, date_to=min(start + more * ONE_DAY, query.date_to)) for start in starts]

    def _of_dates(self, piece: Query, error: NotProven) -> Crawled:
        try:
            crawled = self.crawler.crawl(piece)
        except NotProven as finer:
            return self._by_direction(piece, finer)
        is_as_long = isinstance(error, TooDeep) and crawled.total == error.shown.total
        return self._by_direction(piece, self.cut_off(crawled)) if is_as_long else crawled

    def _by_direction(self, piece: Query, error: NotProven) -> Crawled:
        """A list as those of its two directions have it.

        Raises:
            NotProven: these do not hold all of it either.
            RequestRefused: the API does not tell directions.
        """
        lists = [self.crawler.crawl(replace(piece, call_type=name)) for name in DIRECTIONS]
        if isinstance(error, TooDeep) and any(part.total == error.shown.total for part in lists):
            raise error
        found = self._agreed(error, lists)
        if isinstance(found, Incomplete):
            raise found
        return found

    def _agreed(self, error: NotProven, lists: list[Crawled]) -> Crawled | Incomplete:
        """What was shown and the finer lists as one, where that is as many calls as there must be.

        What was shown must be in the finer lists too: one that lacks some of it may lack others.
        """
        if isinstance(error, TooDeep):
            found = self._with(error, lists)
            return self._final(error) if found is error else found
        all_calls = joined([error.shown, *lists])
        return all_calls if all_calls.total == error.total else error

    def _with(self, error: TooDeep, lists: list[Crawled]) -> Crawled | TooDeep:
        all_calls = joined([error.shown, *lists])
        known = np.concatenate([part.calls.ids for part in lists])
        is_whole = all_calls.total >= error.total and bool(np.isin(error.shown.calls.ids, known).all())
        return all_calls if is_whole else error

    def _final(self, error: NotProven) -> NotProven:
        return self.cut_off(error.shown) if isinstance(error, TooDeep) else error
