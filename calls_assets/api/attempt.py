"""One pass over the pages of a list, from the first to the end of the list.

A total alone does not end a list: servers cap it, or count the page. A list ends with a page that is empty, or shorter than
the pages before it without naming a next one, or repeats what was there.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count

from calls_assets.api.concurrency import map_concurrently
from calls_assets.api.crawled import Gathered
from calls_assets.api.decode import Page, Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete, RequestRefused

Fetch = Callable[[Query], Page]  # one request -> its page
STALE_PAGES = 3  # after this many pages in a row without a new call, the server is only repeating itself
MOST_GROWTH = 1000  # a list that more than doubles while it is read, and by more calls than this, never ends
MOST_CALLS = 10_000_000  # no call centre's list is longer

# A list that costs more pages, seconds, or characters of unreadable records than this never ends.
MOST_PAGES, LONGEST_LIST_S, MOST_UNREADABLE = 100_000, 6 * 3600.0, 256 * 2**20
TOO_DEEP = (400, 404, 416, 422)  # how servers refuse a page that lies too far back, or beyond the end
LEAST_PAGE = 10  # no server caps its pages below this, so shorter ones are not asked for in another size


@dataclass
class Attempt:
    """One pass over the pages of a request.

    A record without an id counts once for each place that it was read at; where pages overlapped, equal ones count once.

    Attributes:
        largest: The most records that any page of the account had so far.
        reads_past_total: Whether to go on where a whole page more came than the total says.
        read: How many pages came.
        total: The API's total, as of the last page.
        moved: Whether the total changed in other ways than by growing.
        is_over: Whether the list was read to its end.
        refused: How the API refused a page too far back, or beyond the end.
        records: How many records came in order, repeated ones included.
        repeats: How many pages held nothing new, and were full or equal to the page before.
        longest: The most records of a page.
        shortest: The fewest records of a page before the last one; None for a single page.
        is_one_page_again: Whether page 2 was page 1 again.
    """

    fetch: Fetch
    query: Query
    concurrency: int
    largest: int = 0
    reads_past_total: bool = True
    read: int = 0
    total: int = 0
    moved: bool = False
    is_over: bool = False
    refused: RequestRefused | None = None
    records: int = 0
    repeats: int = 0
    longest: int = 0
    shortest: int | None = None
    is_one_page_again: bool = False
    gathered: Gathered = field(default_factory=Gathered)
    rejects: dict[int, Reject] = field(default_factory=dict)
    unidentified: dict[tuple[str, int, int], Reject] = field(default_factory=dict)
    unreadable: int = 0
    began_s: float = field(default_factory=time.monotonic)

    def run(self, first: Page | None) -> None:
        """Read the list; `first` is its page 1 where that has been read already.

        Raises:
            Incomplete: the list exceeds all bounds.
        """
        page = first or self._fetch(1)
        self._take(page, 1)
        self.records, self.longest = page.records, page.records
        is_full = self._is_full_at_first(page)
        most = min(2 * self.total + MOST_GROWTH, MOST_CALLS)
        expected = max(1, math.ceil(min(self.total, most) / page.records)) if page.records else 1
        self._read_on(page, is_full, expected, most)
        if self._may_have_skipped(page):
            self.query = replace(self.query, limit=page.records)
            self._read_on(page, True, 1, most)
            if self.refused is not None and self.read == 2:  # it accepts certain sizes only
                self.refused, self.is_over = None, True
        if self.found < self.total and self.longest and self.refused is None:
            try:
                self._read_ends_again()
            except RequestRefused as error:
                self._note(error)

    def _read_on(self, page: Page, is_full: bool, expected: int, most: int) -> None:
        pages, stale, number = self._pages(expected), 0, 1
        with closing(pages):
            while (
                page.records
                and stale < STALE_PAGES
                and self.found <= MOST_CALLS
                and (self.reads_past_total or not self.is_page_beyond_total)
                and self.total <= max(most, self.found)
            ):
                if self.found == self.total and not (is_full or page.has_next):
                    self.is_over = True
                    return
                try:
                    number, following = next(pages)
                except RequestRefused as error:
                    self._note(error)
                    self.is_over = self.found >= self.total and not (is_full or page.has_next)
                    return
                is_new, is_same = self._take(following, number), following.calls["id"].equals(page.calls["id"])
                if following.records:
                    self.shortest = min(page.records, self.shortest or page.records)
                page = following
                self.records, self.longest = self.records + page.records, max(self.longest, page.records)
                is_full = page.records >= self.longest
                stale = 0 if is_new else stale + 1
                self.repeats += not is_new and (is_full or (is_same and page.records > 0))
                if self.found >= self.total and not is_new:
                    self.is_over = True
                    self.is_one_page_again = number == 2 and page.records > 0
                    return
            self.is_over = not page.records or stale == STALE_PAGES

    def _note(self, error: RequestRefused) -> None:
        if error.status not in TOO_DEEP:
            raise error
        self.refused = error

    def _is_full_at_first(self, page: Page) -> bool:
        """Whether a list's first page is as long as the server's pages get, so that more may follow."""
        asked = self.query.limit or page.limit or page.records
        if page.records >= min(asked, page.limit or asked):
            return True
        return page.records >= max(self.largest, LEAST_PAGE)

    def _may_have_skipped(self, first: Page) -> bool:
        """Whether page 2, which was empty, may have skipped calls.

        Some servers silently give fewer calls than the limit, but skip as many as the limit for each page.
        """
        is_hidden = first.limit is None and 0 < first.records < (self.query.limit or 0)
        return is_hidden and self.is_over and self.read == 2 and self.found == self.total

    def _read_ends_again(self) -> None:
        """Read the first and the last page again, since that is where calls arrive."""
        collisions = self.gathered.collisions
        last = max(1, math.ceil(self.total / self.longest))
        for number in (1, last):
            self._take(self._fetch(number), number)
        self.gathered.collisions = collisions

    def _fetch(self, number: int) -> Page:
        return self.fetch(replace(self.query, page=number))

    def _pages(self, expected: int) -> Generator[tuple[int, Page], None, None]:
        """The pages from the second on, several of the expected ones in flight at a time."""
        numbers = range(2, expected + 1)
        yield from zip(numbers, map_concurrently(self._fetch, numbers, self.concurrency), strict=True)
        for number in count(expected + 1):
            yield number, self._fetch(number)

    def _take(self, page: Page, number: int) -> bool:
        """Add a page's records; returns whether any was new."""
        before = self.found
        self.read += 1
        self.unreadable += sum(len(reject.record) for reject in page.rejects)
        self._check_bounds()
        total = self.total if page.total is None else page.total
        # Answers that were in flight together have no order, so among them any other total may have been a smaller one.
        self.moved |= self.read > 1 and (total < self.total or (total != self.total and self.concurrency > 1))
        self.total = total
        rejected = [reject.call_id for reject in page.rejects if reject.call_id is not None]
        self.gathered.add(page.calls, page.shapes, page.shape_of, rejected)
        places: Counter[str] = Counter()
        for reject in page.rejects:
            if reject.call_id is not None:
                self.rejects[reject.call_id] = reject
            else:
                places[reject.record] += 1
                self.unidentified[reject.record, places[reject.record], number] = reject
        return self.found > before

    def _check_bounds(self) -> None:
        """Check that the list still costs no more than one that ends.

        Raises:
            Incomplete: it costs more, and would again.
        """
        found = f"The list from {self.query.date_from} to {self.query.date_to}"
        advice = "none of these days was replaced: ask the vendor why, or pull fewer days at a time."
        if self.read > MOST_PAGES:
            raise Incomplete(f"{found} has more than {MOST_PAGES:,} pages; {advice}")
        if time.monotonic() - self.began_s > LONGEST_LIST_S:
            raise Incomplete(f"{found} had not ended after {LONGEST_LIST_S / 3600:g} hours; {advice}")
        if self.unreadable > MOST_UNREADABLE:
            raise Incomplete(f"{found} has more than {MOST_UNREADABLE // 2**20} MiB that cannot be read; {advice}")

    @property
    def without_id(self) -> dict[tuple[object, ...], Reject]:
        """The records without an id, by what distinguishes them."""
        telling = 2 if self.gathered.collisions else 3
        return {key[:telling]: reject for key, reject in self.unidentified.items()}

    def holds_the_same_as(self, other: "Attempt") -> bool:
        """Whether both found the same records."""
        return self.gathered.ids.equals(other.gathered.ids) and self.without_id.keys() == other.without_id.keys()

    @property
    def found(self) -> int:
        """How many distinct records came."""
        return len(self.gathered.ids) + len(self.without_id)

    @property
    def is_complete(self) -> bool:
        """Whether the list was read to its end and holds as many records as its total says.

        A call that was removed meanwhile may have moved another one past us, so only a steady list proves anything.
        """
        return self.is_over and self.found == self.total and not self.moved

    @property
    def is_beyond_total(self) -> bool:
        """Whether the list was read to its end and holds more than its total, which is then a cap or the count of a page."""
        return self.is_over and self.found > self.total

    @property
    def is_uneven(self) -> bool:
        """Whether a page before the last one was shorter than another."""
        return self.shortest is not None and self.shortest < self.longest

    @property
    def is_page_beyond_total(self) -> bool:
        """Whether a whole page more came than the total says, which calls that arrived meanwhile do not explain."""
        return self.found > 0 and self.found - self.total >= self.longest

    @cached_property
    def is_complete_but_for_duplicates(self) -> bool:
        """Whether the total counts duplicates: different records under one id, or equal ones scattered over the list.

        A page with nothing new is not a sign of duplicates, since the server may repeat it in place of another.
        """
        if self.moved or not self.gathered.collisions or not self.longest:
            return False
        if self.found + self.gathered.different_under_one_id == self.total:
            return True
        return self.records == self.total and not self.repeats

    @property
    def figures(self) -> str:
        """What was found, compared with what the API says."""
        moved = ", which changed meanwhile" if self.moved else ""
        repeats = ", and pages that only repeat others" if self.repeats else ""
        return f"{self.found} different ids against a total of {self.total}{moved}{repeats}"

    @property
    def all_rejects(self) -> tuple[Reject, ...]:
        """The records that could not be read."""
        return (*self.rejects.values(), *self.without_id.values())
