"""A window -> every call in it once, proven complete.

The document does not say how pages are ordered, and rows can move between them while we read. A crawl therefore counts: its
unique ids, unreadable records included, must equal the total that the API gave on the last page read. Where they do not,
the ends of the list are read once more, for that is where calls arrive; then the whole window is crawled again. A list that
holds different records under one id is only believed where two readings in a row agree.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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

MOST_CALLS = 10_000_000
"""A list of more calls than this is no call centre's."""


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


def cut(fetch: Fetch, whole: Window, filters: Query, zone: ZoneInfo, most: int) -> Iterator[tuple[Window, Query, Page]]:
    """A window cut at day boundaries into such of at most `most` calls, each with its query and page 1."""
    query = replace(filters, date_from=whole.date_from, date_to=whole.date_to)
    first = fetch(replace(query, page=1))
    if first.total > most and len(whole.days) > 1:
        for half in halves(whole, zone):
            yield from cut(fetch, half, filters, zone, most)
    else:
        yield whole, query, first


@dataclass(frozen=True)
class Crawler:
    """Reads whole lists.

    Attributes:
        fetch: One request -> its page.
        read_twice: Whether a list counts as complete only where two readings in a row hold the same calls. That also sees a
            call that went and another that came between the very same two requests, which leave the total as it was.
    """

    fetch: Fetch
    read_twice: bool = False

    def crawl(self, query: Query, first: Page | None = None) -> Crawled:
        """Every call that `query` asks for; `first` is its page 1 where that has been read already.

        Raises:
            Incomplete: the calls never added up to the API's total; names the figures.
        """
        pages, figures = 0, ""
        before: _Attempt | None = None
        crawls = CRAWLS + self.read_twice
        for number in range(1, crawls + 1):
            attempt = _Attempt(self.fetch, query)
            attempt.run(first)
            pages += attempt.read
            is_steady = before is not None and attempt.keys == before.keys
            is_proven = attempt.is_complete and (is_steady or attempt.read == 1 or not self.read_twice)
            if is_proven or (is_steady and attempt.is_complete_but_for_double_ids):
                return Crawled(*attempt.result(), pages, number, attempt.collisions)
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
    read: int = 0
    total: int = 0
    collisions: int = 0
    shrank: bool = False
    tables: list[pa.Table] = field(default_factory=list)
    ids: set[int] = field(default_factory=set)
    rejects: dict[int, Reject] = field(default_factory=dict)
    nameless: dict[tuple[str, int, int], Reject] = field(default_factory=dict)

    def run(self, first: Page | None) -> None:
        page = first or self._fetch(1)
        self._take(page, 1)
        size, most = page.records, min(2 * page.total + MOST_GROWTH, MOST_CALLS)
        number, stale = 1, 0
        while self.found < self.total <= most and size and stale < STALE_PAGES:
            number += 1
            page = self._fetch(number)
            stale = 0 if self._take(page, number) else stale + 1
            if not page.records:
                break
        if self.found != self.total and size:
            collisions = self.collisions
            self._take(self._fetch(1), 1)
            last = max(1, math.ceil(self.total / size))
            self._take(self._fetch(last), last)
            self.collisions = collisions

    def _fetch(self, number: int) -> Page:
        return self.fetch(replace(self.query, page=number))

    def _take(self, page: Page, number: int) -> bool:
        """Add a page's records; says whether any was new."""
        before = self.found
        self.read += 1
        self.shrank |= self.read > 1 and page.total < self.total
        self.total = page.total
        ids = page.calls["id"].to_pylist() + [reject.call_id for reject in page.rejects if reject.call_id is not None]
        self.collisions += len(ids) - len(set(ids) - self.ids)
        self.ids.update(ids)
        self.tables.append(page.calls)
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

    @property
    def keys(self) -> frozenset[object]:
        """What tells the records apart."""
        return frozenset(self.ids).union(self.without_id)

    @property
    def found(self) -> int:
        return len(self.ids) + len(self.without_id)

    @property
    def is_complete(self) -> bool:
        # A call that went away while we read may have moved another one past us, so only a steady list proves anything.
        return self.found == self.total and not self.shrank

    @property
    def is_complete_but_for_double_ids(self) -> bool:
        """Whether the total counts different records under one id; equal ones could be those of a page that repeats."""
        if self.shrank or not self.collisions:
            return False
        seen = pa.concat_tables(self.tables)
        counts = seen["id"].value_counts()
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        doubles = seen.filter(pc.is_in(seen["id"], twice)).to_pylist()
        return self.found - len(twice) + len({repr(record) for record in doubles}) == self.total

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
        rejects = (*self.rejects.values(), *self.without_id.values())
        return seen.take(pa.array(order[last])), rejects, self.total
