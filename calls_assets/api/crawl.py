"""A list -> every call in it once, proven complete.

The document does not say how pages are ordered, rows can move between them meanwhile, and totals can be wrong. A crawl
therefore reads a list to its end and counts: its unique ids, unreadable records included, must equal the total on the last
page. Where they do not, the list is read again; what can only be proven in smaller lists is cut by `parts`.

Several pages are in flight at a time while the total stands still; a list that moves is read again page by page.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from calls_assets.api.attempt import LEAST_PAGE, Attempt, Fetch
from calls_assets.api.crawled import Calls, Crawled, NotProven, TooDeep
from calls_assets.api.decode import SCHEMA, Page
from calls_assets.api.document import MAX_LIMIT, Query
from calls_assets.api.errors import Incomplete, RequestRefused
from calls_assets.arrow import ints
from calls_assets.days import ONE_DAY

__all__ = ["CRAWLS", "Calls", "Crawled", "Crawler", "Fetch", "NotProven", "TooDeep"]
CRAWLS = 4  # how often a list is read before it counts as one that does not add up
LONG_AGO = date(1969, 1, 1)  # a day without calls, before the epoch of all computers
NOT_THERE = 404


@dataclass
class _Learned:
    """What a crawler has seen of the account.

    Attributes:
        answered: Whether lists without dates were answered.
        largest: The most records of a page.
        longest: The most records of a list, as far as it was read.
        is_beyond_total: Whether a list had more records than its total.
    """

    answered: dict[Query, bool] = field(default_factory=dict)
    largest: int = 0
    longest: int = 0
    is_beyond_total: bool = False


@dataclass(frozen=True)
class Crawler:
    """Reads whole lists.

    Attributes:
        fetch: One request -> its page.
        read_twice: Whether a list counts as complete only where two readings in a row hold the same calls. That also detects
            a call that was removed and another that arrived between the same two requests, which leave the total as it was.
        concurrency: How many pages are in flight at a time.
    """

    fetch: Fetch
    read_twice: bool = False
    concurrency: int = 1
    _learned: _Learned = field(default_factory=_Learned, compare=False)

    def first(self, query: Query) -> Page:
        """Page 1 of a list; an empty list may come in undocumented ways.

        An answer without calls and total counts as empty where a second one agrees. So does a 404, where the same list
        without dates is answered too: then it is neither the address nor the call type that does not exist.

        Raises:
            RequestRefused: the list is refused.
            Incomplete: a list without calls and total had some the second time.
        """
        asked = replace(query, page=1)
        page = self._page_or_nothing(asked)
        if page is not None and page.total is not None:
            return page
        again = self._page_or_nothing(asked)
        if again is None or again.total is None:
            return replace(again or page or Page(SCHEMA.empty_table(), (), 0), total=0)
        if page is None or again.total == 0:
            return again
        raise Incomplete(
            f"The list from {query.date_from} to {query.date_to} came empty and without a total, and then with "
            f"{again.total} calls; none of these days was replaced: run again later."
        )

    def _page_or_nothing(self, query: Query) -> Page | None:
        """A page; None for a 404 that means an empty list."""
        try:
            return self.fetch(query)
        except RequestRefused as error:
            if error.status != NOT_THERE or not self.answers_without_dates(query):
                raise
            return None

    def answers_without_dates(self, query: Query) -> bool:
        """Whether the same list is answered without dates."""
        wider = replace(query, date_from=None, date_to=None, page=1)
        answered = self._learned.answered
        if wider not in answered:
            try:
                self.fetch(wider)
                answered[wider] = True
            except RequestRefused:
                answered[wider] = False
        return answered[wider]

    def counts_all(self, query: Query, total: int) -> bool:
        """Whether a total counts all calls, whatever the dates: a day without calls then has the same total."""
        if not total:
            return False
        try:
            nothing = self.first(replace(query, date_from=LONG_AGO, date_to=LONG_AGO + ONE_DAY, limit=1))
        except RequestRefused:
            return False
        return not nothing.records and nothing.total == total

    def has_shown_more_than(self, calls: int) -> bool:
        """Whether any list so far had more records than this."""
        return self._learned.longest > calls

    @property
    def has_shown_more_than_its_total(self) -> bool:
        """Whether any list so far had more records than its total."""
        return self._learned.is_beyond_total

    def crawl(self, query: Query, first: Page | None = None, is_smallest: bool = True) -> Crawled:
        """Every call that `query` asks for.

        Args:
            query: The list.
            first: Its page 1 where that has been read already.
            is_smallest: Whether no smaller lists can be asked for instead: then a list of more calls than its total is read
                to its end twice, and believed where both readings agree.

        Raises:
            TooDeep: the API gives only a part of the list.
            NotProven: every reading holds more or other calls than the total says.
            Incomplete: the calls kept changing, or never added up to the API's total; names the figures.
        """
        began_s, pages, figures, longest, most = time.time(), 0, "", 0, 0
        before: Attempt | None = None
        is_truncated, is_surely_truncated, is_the_same = False, False, True
        crawls = CRAWLS + self.read_twice
        page: Page | None = first or self.first(query)
        found: Callable[[], Crawled]
        for number in range(1, crawls + 1):
            attempt = self._attempt(query, page, before, max(1, longest // 2) if is_truncated else longest, is_smallest)
            pages += attempt.read
            longest = attempt.longest if is_truncated else max(longest, attempt.longest)
            self._learn(attempt)
            is_steady = before is not None and attempt.holds_the_same_as(before)
            # Pages of another size may lack other calls.
            is_alike = is_steady or (number == 2 and attempt.query != query)
            is_surely_truncated |= before is not None and _has_more_on_smaller_pages(attempt, before)
            is_truncated = is_surely_truncated or (_may_be_truncated(attempt) and not is_steady)
            # What larger pages lacked proves nothing.
            is_the_same = is_truncated or before is None or (is_the_same and is_alike and attempt.total == before.total)
            found = partial(_crawled, attempt, pages, number, began_s)
            if attempt.refused is None or not is_truncated or number == crawls:
                self._check_end(query, attempt, found)
            if self._is_proven(query, attempt, before if is_steady else None, is_smallest, found):
                return found()
            unsteady = " in the last reading, but not the same ones as in the one before" if attempt.is_complete else ""
            if unsteady or attempt.found >= most:
                figures, most = attempt.figures + unsteady, attempt.found
            page, before = None, attempt
        if is_truncated and (attempt.is_uneven or attempt.found < attempt.total):
            raise _truncated(query, figures, longest, found(), attempt.total)
        raise self._why_not(query, figures, before, found(), crawls, is_always_the_same=is_the_same)

    def _learn(self, attempt: Attempt) -> None:
        learned = self._learned
        learned.largest = max(attempt.longest, learned.largest)
        learned.longest = max(attempt.found, learned.longest)
        learned.is_beyond_total |= attempt.found > attempt.total

    def _attempt(
        self, query: Query, page: Page | None, before: Attempt | None, longest: int, reads_past_total: bool
    ) -> Attempt:
        """One more reading of the list; `page` is its page 1 where that has been read already."""
        asked = _asked_again(query, before, longest)
        concurrency, largest = self._concurrency(before), self._learned.largest
        attempt = Attempt(self.fetch, asked, concurrency, largest, reads_past_total)
        try:
            attempt.run(page)
        except RequestRefused:
            if asked == query:
                raise
            # Some servers accept certain sizes only.
            attempt = Attempt(self.fetch, query, concurrency, largest, reads_past_total)
            attempt.run(None)
        return attempt

    def _check_end(self, query: Query, attempt: Attempt, found: Callable[[], Crawled]) -> None:
        """Check that a list ends where a page was refused, or where page 2 was page 1 again.

        Raises:
            TooDeep: it may continue there.
        """
        if attempt.refused is not None and not attempt.is_over and not self._ends_there(attempt):
            raise TooDeep(
                f"The API shows at most {attempt.found} calls of the {_what(query)}, and refuses the pages beyond "
                f"({attempt.refused.status}); none of these days was replaced.",
                found(),
                attempt.total,
            )
        if attempt.is_one_page_again and not self._ends_there(attempt):
            raise TooDeep(
                f"The API gives page 1 of the {_what(query)} again for page 2, so that there may be more; none of these days "
                "was replaced: ask the vendor how pages are asked for.",
                found(),
                attempt.total,
            )

    def _is_proven(
        self, query: Query, attempt: Attempt, same: Attempt | None, is_smallest: bool, found: Callable[[], Crawled]
    ) -> bool:
        """Whether a reading is proven complete, or as complete as it gets; `same` is the one before where it agrees.

        Raises:
            NotProven: the list holds more than its total, and smaller lists can be asked for.
        """
        if attempt.is_complete and (same or attempt.found <= attempt.longest or not self.read_twice):
            return True
        if same and attempt.is_complete_but_for_duplicates and same.is_complete_but_for_duplicates:
            return True
        is_beyond_twice = same is not None and attempt.is_beyond_total and same.is_over
        if not is_smallest and (is_beyond_twice or attempt.is_page_beyond_total):
            raise NotProven(f"The {_what(query)} are more than their total of {attempt.total}.", found(), attempt.total)
        return is_beyond_twice

    def _concurrency(self, before: Attempt | None) -> int:
        return self.concurrency if before is None or before.is_complete or before.is_beyond_total else 1

    def _ends_there(self, attempt: Attempt) -> bool:
        """Whether a list ends where a page was refused or repeated, rather than being too deep or unknown to the server.

        A page of another size that reaches across that place must then hold the rest of the list, its last calls: a server
        that gives smaller pages than it is asked for answers with others.
        """
        sizes = (*range(attempt.longest - 1, 1, -1), attempt.longest + 1)
        size = next((size for size in sizes if attempt.found % size and size <= MAX_LIMIT), None)
        if size is None or (attempt.found < size and attempt.is_one_page_again):
            return False
        if attempt.found < attempt.total or (attempt.found > attempt.total and attempt.refused is not None):
            return False
        number, left = attempt.found // size + 1, attempt.found % size
        try:
            page = self.fetch(replace(attempt.query, page=number, limit=size))
        except RequestRefused:
            return False
        # A server that does not know pages gives all calls again.
        is_all = attempt.is_one_page_again and page.records == attempt.found
        attempt.is_over = (page.records == left or is_all) and attempt.gathered.ends_with(ints(page.calls["id"]))
        return attempt.is_over

    def _why_not(
        self, query: Query, figures: str, last: Attempt | None, shown: Crawled, crawls: int, is_always_the_same: bool
    ) -> Incomplete:
        did_not = f"The {_what(query)} did not add up in {crawls} crawls: {figures}; none of these days was replaced"
        if not is_always_the_same or last is None or not last.is_over or last.moved:
            return Incomplete(f"{did_not}: run again later.")
        if not last.found:
            return NotProven(f"{did_not}: run again later.", shown, last.total)
        return NotProven(
            f"{did_not}; reading it again gives the same, so running again alone will not help: the account counts "
            "calls that it does not list, so ask the vendor for them, or pull the other days.",
            shown,
            last.total,
        )


def _asked_again(query: Query, before: Attempt | None, longest: int) -> Query:
    """The query for another reading, in pages as long as they came.

    Where its total is in doubt, every other reading has pages of another size: other calls are then lost between two pages,
    or repeated on both, where their order is unstable.
    """
    if before is None:
        return query
    is_in_doubt = before.is_beyond_total or (
        longest >= LEAST_PAGE and not before.is_complete and before.is_complete_but_for_duplicates
    )
    if is_in_doubt and 1 < longest <= MAX_LIMIT and before.query.limit != longest - 1:
        return replace(query, limit=longest - 1)
    return replace(query, limit=longest) if 0 < longest < (query.limit or 0) else query


def _may_be_truncated(attempt: Attempt) -> bool:
    """Whether the server may truncate pages by their bytes, so that smaller ones hold calls that larger ones lack.

    Its pages are uneven then. Where pages beyond the end are refused, the only page may have been truncated.
    """
    if attempt.refused is not None and not attempt.is_over:
        is_short = attempt.longest < (attempt.query.limit or 0) and attempt.found < attempt.total
        return is_short and (attempt.is_uneven or attempt.read == 1)
    return attempt.is_uneven and attempt.is_over and not attempt.moved and not attempt.is_complete


def _has_more_on_smaller_pages(attempt: Attempt, before: Attempt) -> bool:
    is_smaller = (attempt.query.limit or MAX_LIMIT) < (before.query.limit or MAX_LIMIT)
    return is_smaller and before.found < attempt.found and before.total == attempt.total and not attempt.moved


def _truncated(query: Query, figures: str, longest: int, shown: Crawled, total: int) -> NotProven:
    size = max(1, longest // 2)
    return NotProven(
        f"The {_what(query)} did not add up, on smaller pages either: {figures}; none of these days was replaced: the server "
        f"seems to cut pages short, so set CALLS_PAGE_SIZE to {size}, or ask the vendor how long answers may be.",
        shown,
        total,
    )


def _crawled(attempt: Attempt, pages: int, crawls: int, began_s: float) -> Crawled:
    total = attempt.total if attempt.is_complete_but_for_duplicates else attempt.found
    return Crawled(
        attempt.gathered.calls, attempt.all_rejects, total, pages, crawls, attempt.gathered.collisions, began_s
    )


def _what(query: Query) -> str:
    kind = f"calls of the type {query.call_type}" if query.call_type else "calls"
    return f"{kind} from {query.date_from} to {query.date_to}"
