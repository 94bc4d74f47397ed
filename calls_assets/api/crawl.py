"""A window -> every call in it once, proven complete.

The document does not say how pages are ordered, and rows can move between them while we read. A crawl therefore counts: its
unique ids, unreadable records included, must equal the total that the API gave on the last page read. Where they do not,
the ends of the list are read once more, for that is where calls arrive; then the whole window is crawled again.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from calls_assets.api.decode import SCHEMA, Page, Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.windows import Window, halves

Fetch = Callable[[Query], Page]
"""One request -> its page."""

CRAWLS = 4
"""How often a window is crawled before it counts as not to be had."""

STALE_PAGES = 3
"""After so many pages in a row without a new call the server only repeats itself."""

MOST_GROWTH = 1000
"""A list that more than doubles while we read it, and by more than so many calls, is one that never ends."""


@dataclass(frozen=True)
class Crawled:
    """Every call of a request once, sorted by id, with the records that could not be read.

    `collisions` counts the records whose id had been seen before; the later one was kept.
    """

    calls: pa.Table
    rejects: tuple[Reject, ...]
    total: int
    pages: int
    crawls: int
    collisions: int


def pull(fetch: Fetch, whole: Window, filters: Query, zone: ZoneInfo, most: int) -> Iterator[tuple[Window, Crawled]]:
    """Every call of a window, in smaller windows cut at day boundaries where it holds more than `most` calls.

    Raises:
        Incomplete: the calls of a window never added up to the API's total.
    """
    query = replace(filters, date_from=whole.date_from, date_to=whole.date_to)
    first = fetch(replace(query, page=1))
    if first.total > most and len(whole.days) > 1:
        for half in halves(whole, zone):
            yield from pull(fetch, half, filters, zone, most)
    else:
        yield whole, crawl(fetch, query, first)


def crawl(fetch: Fetch, query: Query, first: Page | None = None) -> Crawled:
    """Every call that `query` asks for; `first` is its page 1 where that has been read already.

    Raises:
        Incomplete: the calls never added up to the API's total; names the figures.
    """
    pages, figures = 0, ""
    for crawls in range(1, CRAWLS + 1):
        attempt = _Attempt(fetch, query)
        attempt.run(first)
        pages += attempt.read
        if attempt.is_complete:
            return Crawled(*attempt.result(), pages, crawls, attempt.collisions)
        figures, first = attempt.figures, None
    what = f"calls of the type {query.call_type}" if query.call_type else "calls"
    raise Incomplete(
        f"The {what} from {query.date_from} to {query.date_to} did not add up in {CRAWLS} crawls: {figures}; "
        "none of these days was replaced, run again later."
    )


@dataclass
class _Attempt:
    """One pass over the pages of a request."""

    fetch: Fetch
    query: Query
    read: int = 0
    total: int = 0
    collisions: int = 0
    shrank: bool = False
    tables: list[pa.Table] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    rejects: dict[object, Reject] = field(default_factory=dict)

    def run(self, first: Page | None) -> None:
        page = first or self._fetch(1)
        self._take(page)
        size, most = page.records, 2 * page.total + MOST_GROWTH
        number, stale = 1, 0
        while self.found < self.total <= most and size and stale < STALE_PAGES:
            number += 1
            page = self._fetch(number)
            stale = 0 if self._take(page) else stale + 1
            if not page.records:
                break
        if self.found != self.total and size:
            collisions = self.collisions
            self._take(self._fetch(1))
            self._take(self._fetch(max(1, math.ceil(self.total / size))))
            self.collisions = collisions

    def _fetch(self, number: int) -> Page:
        return self.fetch(replace(self.query, page=number))

    def _take(self, page: Page) -> bool:
        """Add a page's records; says whether any was new."""
        before = self.found
        self.read += 1
        self.shrank |= self.read > 1 and page.total < self.total
        self.total = page.total
        self.ids.update(page.calls["id"].to_pylist())
        self.tables.append(page.calls)
        repeats: dict[str, int] = {}
        for reject in page.rejects:
            repeats[reject.record] = repeats.get(reject.record, -1) + 1
            key = (reject.record, repeats[reject.record]) if reject.call_id is None else reject.call_id
            self.rejects[key] = reject
        self.collisions += page.records - (self.found - before)
        return self.found > before

    @property
    def found(self) -> int:
        return len(self.ids) + sum(key not in self.ids for key in self.rejects)

    @property
    def is_complete(self) -> bool:
        # A call that went away while we read may have moved another one past us, so only a steady list proves anything.
        return self.found == self.total and not self.shrank

    @property
    def figures(self) -> str:
        moved = ", which shrank meanwhile" if self.shrank else ""
        return f"{self.found} different ids against a total of {self.total}{moved}"

    def result(self) -> tuple[pa.Table, tuple[Reject, ...], int]:
        seen = pa.concat_tables(self.tables) if self.tables else SCHEMA.empty_table()
        ids = seen["id"].to_numpy()
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        last = np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]
        return seen.take(pa.array(order[last])), tuple(self.rejects.values()), self.total
