"""A window -> every call in it once, proven complete.

The document does not say how pages are ordered, and rows can move between them while we read. A crawl therefore counts: its
unique ids, unreadable records included, must equal the total that the API gave on the last page read. Where they do not,
the ends of the list are read once more, for that is where calls arrive; then the whole window is crawled again. A list that
holds different records under one id is only believed where two readings in a row agree.

Several pages are in flight at a time as long as the total stands still; a list that moves is read again page by page.
"""

import math
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from calls_assets.api.decode import SCHEMA, Page, Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.in_flight import in_flight
from calls_assets.api.numbers import Ints, ints
from calls_assets.api.seen import Seen
from calls_assets.api.spool import Spool
from calls_assets.api.windows import Reading, Window

Fetch = Callable[[Query], Page]
"""One request -> its page."""

CRAWLS = 4
"""How often a window is crawled before it counts as not to be had."""

STALE_PAGES = 3
"""After so many pages in a row without a new call the server only repeats itself."""

MOST_GROWTH = 1000
"""A list that more than doubles while we read it, and by more than so many calls, is one that never ends."""

MOST_CALLS = 10_000_000
"""A list of more calls than this is no call centre's."""

ROWS_AT_ONCE = 65_536
"""Rows of a large list that are in memory at a time, and that a file has in a row group."""


@dataclass(frozen=True)
class Calls:
    """Calls sorted by id, each once; the rows themselves are where the crawl put them."""

    ids: Ints
    started_at: Ints
    _numbers: Ints
    _spool: Spool

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: Ints) -> "Calls":
        """The calls at these places, which ascend."""
        return replace(self, ids=self.ids[places], started_at=self.started_at[places], _numbers=self._numbers[places])

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows, `ROWS_AT_ONCE` at a time, in the schema of a page; none for no rows."""
        for first in range(0, len(self), ROWS_AT_ONCE):
            yield self._spool.take(self._numbers[first : first + ROWS_AT_ONCE], columns)


@dataclass(frozen=True)
class Crawled:
    """Every call of a request once, with the records that could not be read.

    `collisions` counts the records whose id had been seen before; the later one was kept.
    """

    calls: Calls
    rejects: tuple[Reject, ...]
    total: int
    pages: int
    crawls: int
    collisions: int


def cut(
    fetch: Fetch, whole: Window, filters: Query, zone: ZoneInfo, reading: Reading, most: int
) -> Iterator[tuple[Window, Query, Page]]:
    """A window cut at day boundaries into such of at most `most` calls, each with its query and page 1."""
    query = replace(filters, date_from=whole.date_from, date_to=whole.date_to)
    first = fetch(replace(query, page=1))
    if first.total > most and len(whole.days) > 1:
        for half in reading.halves(whole, zone):
            yield from cut(fetch, half, filters, zone, reading, most)
    else:
        yield whole, query, first


@dataclass(frozen=True)
class Crawler:
    """Reads whole lists.

    Attributes:
        fetch: One request -> its page.
        read_twice: Whether a list counts as complete only where two readings in a row hold the same calls. That also sees a
            call that went and another that came between the very same two requests, which leave the total as it was.
        concurrency: How many pages are in flight at a time.
    """

    fetch: Fetch
    read_twice: bool = False
    concurrency: int = 1

    def crawl(self, query: Query, first: Page | None = None) -> Crawled:
        """Every call that `query` asks for; `first` is its page 1 where that has been read already.

        Raises:
            Incomplete: the calls never added up to the API's total; names the figures.
        """
        pages, figures = 0, ""
        before: _Attempt | None = None
        crawls = CRAWLS + self.read_twice
        for number in range(1, crawls + 1):
            attempt = _Attempt(self.fetch, query, self.concurrency if before is None or before.is_complete else 1)
            attempt.run(first)
            pages += attempt.read
            is_steady = before is not None and attempt.holds_the_same_as(before)
            is_proven = attempt.is_complete and (is_steady or attempt.read == 1 or not self.read_twice)
            if is_proven or (is_steady and attempt.is_complete_but_for_double_ids):
                return Crawled(attempt.calls, attempt.all_rejects, attempt.total, pages, number, attempt.collisions)
            unsteady = " in the last reading, but other ones than in the one before" if attempt.is_complete else ""
            figures, first, before = attempt.figures + unsteady, None, attempt
        what = f"calls of the type {query.call_type}" if query.call_type else "calls"
        raise Incomplete(
            f"The {what} from {query.date_from} to {query.date_to} did not add up in {crawls} crawls: {figures}; "
            "none of these days was replaced, run again later."
        )


@dataclass
class _Attempt:
    """One pass over the pages of a request.

    A record without an id counts once for each place that it was read at; where pages overlapped, equal ones count once.
    """

    fetch: Fetch
    query: Query
    concurrency: int
    read: int = 0
    total: int = 0
    collisions: int = 0
    moved: bool = False
    ids: Seen = field(default_factory=Seen)
    rejects: dict[int, Reject] = field(default_factory=dict)
    nameless: dict[tuple[str, int, int], Reject] = field(default_factory=dict)
    spool: Spool = field(default_factory=lambda: Spool(SCHEMA))
    columns: list[tuple[Ints, Ints]] = field(default_factory=list)

    def run(self, first: Page | None) -> None:
        page = first or self._fetch(1)
        self._take(page, 1)
        size, most = page.records, min(2 * page.total + MOST_GROWTH, MOST_CALLS)
        stale = 0
        pages = self._pages(math.ceil(min(self.total, most) / size) if size else 1)
        while self.found < self.total <= most and size and stale < STALE_PAGES:
            number, page = next(pages)
            stale = 0 if self._take(page, number) else stale + 1
            if not page.records:
                break
        pages.close()
        if self.found != self.total and size:
            collisions = self.collisions
            self._take(self._fetch(1), 1)
            last = max(1, math.ceil(self.total / size))
            self._take(self._fetch(last), last)
            self.collisions = collisions

    def _fetch(self, number: int) -> Page:
        return self.fetch(replace(self.query, page=number))

    def _pages(self, expected: int) -> Generator[tuple[int, Page], None, None]:
        """The pages from the second on; of the expected ones several are in flight."""
        numbers = range(2, expected + 1)
        yield from zip(numbers, in_flight(self._fetch, numbers, self.concurrency), strict=True)
        for number in count(expected + 1):
            yield number, self._fetch(number)

    def _take(self, page: Page, number: int) -> bool:
        """Add a page's records; says whether any was new."""
        before = self.found
        self.read += 1
        # Answers that were in flight together have no order, so of them any other total could be a smaller one.
        self.moved |= self.read > 1 and (page.total < self.total or (page.total != self.total and self.concurrency > 1))
        self.total = page.total
        ids, started_at = ints(page.calls["id"]), ints(page.calls["started_at"])
        self.columns.append((ids, started_at))
        self.spool.append(page.calls)
        rejected = [reject.call_id for reject in page.rejects if reject.call_id is not None]
        self.collisions += self.ids.add(np.append(ids, np.array(rejected, np.int64)))
        places: Counter[str] = Counter()
        for reject in page.rejects:
            if reject.call_id is not None:
                self.rejects[reject.call_id] = reject
            else:
                places[reject.record] += 1
                self.nameless[reject.record, places[reject.record], number] = reject
        return self.found > before

    @property
    def without_id(self) -> dict[tuple[object, ...], Reject]:
        """The records without an id, by what tells them apart."""
        telling = 2 if self.collisions else 3
        return {key[:telling]: reject for key, reject in self.nameless.items()}

    def holds_the_same_as(self, other: "_Attempt") -> bool:
        """Whether both found the same records, by what tells them apart."""
        return self.ids.equals(other.ids) and self.without_id.keys() == other.without_id.keys()

    @property
    def found(self) -> int:
        return len(self.ids) + len(self.without_id)

    @property
    def is_complete(self) -> bool:
        # A call that went away while we read may have moved another one past us, so only a steady list proves anything.
        return self.found == self.total and not self.moved

    @property
    def is_complete_but_for_double_ids(self) -> bool:
        """Whether the total counts different records under one id; equal ones could be those of a page that repeats."""
        if self.moved or not self.collisions:
            return False
        ids = self._seen[0]
        different, counts = np.unique(ids, return_counts=True)
        twice = different[counts > 1]
        doubles = self.spool.take(np.flatnonzero(np.isin(ids, twice))).to_pylist()
        return self.found - len(twice) + len({repr(record) for record in doubles}) == self.total

    @property
    def figures(self) -> str:
        moved = ", which changed meanwhile" if self.moved else ""
        return f"{self.found} different ids against a total of {self.total}{moved}"

    @property
    def _seen(self) -> tuple[Ints, Ints]:
        """Ids and starts of all rows, in the order in which they came."""
        ids, started_at = zip(*self.columns, strict=True)
        return np.concatenate(ids), np.concatenate(started_at)

    @property
    def calls(self) -> Calls:
        ids, started_at = self._seen
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        last = order[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]]
        return Calls(ids[last], started_at[last], last, self.spool)

    @property
    def all_rejects(self) -> tuple[Reject, ...]:
        return (*self.rejects.values(), *self.without_id.values())
