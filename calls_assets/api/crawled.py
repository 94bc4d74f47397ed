"""Every call of a list once, or why the calls are not proven to be all; and the rows that a crawl gathers until then."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calls_assets.api.decode import SCHEMA, Reject
from calls_assets.api.document import Query
from calls_assets.api.errors import Incomplete
from calls_assets.api.id_set import IdSet
from calls_assets.api.rules import Deviation, Shape, Shapes
from calls_assets.api.spool import Spool
from calls_assets.arrow import ROW_GROUP_ROWS, Ints, ints

Places = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Calls:
    """Calls sorted by id, each once; their rows stay where the crawl put them."""

    ids: Ints
    started_at: Ints
    _numbers: Ints
    _spool: Spool
    _shape_of: Places
    _shapes: tuple[Shape, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: Ints) -> "Calls":
        """The calls at these ascending positions."""
        return replace(
            self,
            ids=self.ids[places],
            started_at=self.started_at[places],
            _numbers=self._numbers[places],
            _shape_of=self._shape_of[places],
        )

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows in the schema of a page, `ROW_GROUP_ROWS` at a time; nothing where there are none."""
        for first in range(0, len(self), ROW_GROUP_ROWS):
            yield self._spool.take(self._numbers[first : first + ROW_GROUP_ROWS], columns)

    def chunks(self) -> Iterator[tuple[pa.Table, tuple[Shape, ...], Places]]:
        """The rows as `tables` gives them, all shapes, and the position of each row's shape among them."""
        for first in range(0, len(self), ROW_GROUP_ROWS):
            part = slice(first, first + ROW_GROUP_ROWS)
            yield self._spool.take(self._numbers[part]), self._shapes, self._shape_of[part]

    def deviations(self) -> Counter[Deviation]:
        """How many calls have each deviation from the document."""
        counts: Counter[Deviation] = Counter()
        for place, calls in enumerate(np.bincount(self._shape_of, minlength=len(self._shapes)).tolist()):
            if calls:
                counts.update(dict.fromkeys(self._shapes[place], calls))
        return counts


@dataclass
class Gathered:
    """Rows of pages as they come; of rows with one id, the last is kept."""

    ids: IdSet = field(default_factory=IdSet)
    collisions: int = 0
    _spool: Spool = field(default_factory=lambda: Spool(SCHEMA))
    _columns: list[tuple[Ints, Ints, Places]] = field(default_factory=list)
    _shapes: Shapes = field(default_factory=Shapes)

    def add(self, calls: pa.Table, shapes: tuple[Shape, ...], shape_of: Places, rejected: list[int]) -> None:
        """Add rows, and the ids of records that could not be read."""
        ids, started_at = ints(calls["id"]), ints(calls["started_at"])
        places = np.array([self._shapes.place(shape) for shape in shapes], np.int32)
        self._columns.append((ids, started_at, places[shape_of] if len(shape_of) else shape_of))
        self._spool.append(calls)
        self.collisions += self.ids.add(np.append(ids, np.array(rejected, np.int64)))

    @property
    def calls(self) -> Calls:
        """The calls, sorted by id."""
        ids, started_at, shape_of = self._all
        order = np.argsort(ids, kind="stable")
        ordered = ids[order]
        last = order[np.append(ordered[1:] != ordered[:-1], True)[: len(ordered)]]
        return Calls(ids[last], started_at[last], last, self._spool, shape_of[last], self._shapes.all)

    def ends_with(self, ids: Ints) -> bool:
        """Whether the rows that came last have exactly these ids."""
        came, *_ = self._all
        return bool(np.array_equal(np.sort(came[len(came) - len(ids) :]), np.sort(ids)))

    @property
    def different_under_one_id(self) -> int:
        """How many more distinct records than ids came."""
        ids, *_ = self._all
        different, counts = np.unique(ids, return_counts=True)
        twice = different[counts > 1]
        doubles = np.flatnonzero(np.isin(ids, twice))
        seen: set[int] = set()
        for first in range(0, len(doubles), ROW_GROUP_ROWS):
            seen.update(
                hash(repr(one)) for one in self._spool.take(doubles[first : first + ROW_GROUP_ROWS]).to_pylist()
            )
        return len(seen) - len(twice)

    @property
    def _all(self) -> tuple[Ints, Ints, Places]:
        """Ids, starts and shapes of all rows, in the order in which they came."""
        nothing = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32))
        ids, started_at, shape_of = zip(nothing, *self._columns, strict=True)
        return np.concatenate(ids), np.concatenate(started_at), np.concatenate(shape_of)


class NotProven(Incomplete):
    """A list was read as far as possible, and its calls are not proven to be all.

    Attributes:
        shown: The calls that came.
        total: How many there are according to the API.
    """

    def __init__(self, sentence: str, shown: "Crawled", total: int | None = None) -> None:
        super().__init__(sentence)
        self.shown = shown
        self.total = shown.total if total is None else total


class TooDeep(NotProven):
    """The API shows only a part of a list."""


@dataclass(frozen=True)
class Crawled:
    """Every call of a list once, with the records that could not be read.

    Attributes:
        calls: The calls, sorted by id.
        rejects: The records that could not be read.
        total: How many records the list has.
        pages: How many pages were read.
        crawls: How often the list was read.
        collisions: How many records came with an id that had been seen before; the later one was kept.
        began_s: When the first page was asked for, in epoch seconds.
        date_queries: The queries by date that it was merged from, where the account does not answer them as one; else none.
    """

    calls: Calls
    rejects: tuple[Reject, ...]
    total: int
    pages: int
    crawls: int
    collisions: int
    began_s: float = 0.0
    date_queries: tuple[Query, ...] = ()


def merged(parts: list[Crawled]) -> Crawled:
    """Several lists as one, each call once."""
    gathered = Gathered()
    for part in parts:
        for chunk in part.calls.chunks():
            gathered.add(*chunk, rejected=[])
    rejects = {(reject.call_id, reject.record): reject for part in parts for reject in part.rejects}
    calls = gathered.calls
    return Crawled(
        calls=calls,
        rejects=tuple(rejects.values()),
        total=len(calls) + len(rejects),
        pages=sum(part.pages for part in parts),
        crawls=max(part.crawls for part in parts),
        collisions=sum(part.collisions for part in parts),
        began_s=min(part.began_s for part in parts),
    )
