"""The rows of a list as its pages bring them, and its calls in the end, each id once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calls_assets.api.decode import SCHEMA
from calls_assets.api.id_set import IdSet
from calls_assets.api.rules import Deviation
from calls_assets.api.shapes import Shape, Shapes
from calls_assets.api.spool import Spool
from calls_assets.arrow import ROW_GROUP_ROWS, Ints, ints

Places = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Calls:
    """Calls sorted by id, each once; the rows themselves are where the crawl put them."""

    ids: Ints
    started_at: Ints
    _numbers: Ints
    _spool: Spool
    _shape_of: Places
    _shapes: tuple[Shape, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: Ints) -> "Calls":
        """The calls at these places, which ascend."""
        return replace(
            self,
            ids=self.ids[places],
            started_at=self.started_at[places],
            _numbers=self._numbers[places],
            _shape_of=self._shape_of[places],
        )

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows, `ROW_GROUP_ROWS` at a time, in the schema of a page; none for no rows."""
        for first in range(0, len(self), ROW_GROUP_ROWS):
            yield self._spool.take(self._numbers[first : first + ROW_GROUP_ROWS], columns)

    def pieces(self) -> Iterator[tuple[pa.Table, tuple[Shape, ...], Places]]:
        """The rows, as `tables` gives them, with their shapes, and of each row the place of its own."""
        for first in range(0, len(self), ROW_GROUP_ROWS):
            part = slice(first, first + ROW_GROUP_ROWS)
            yield self._spool.take(self._numbers[part]), self._shapes, self._shape_of[part]

    def deviations(self) -> Counter[Deviation]:
        """How the calls differ from the document, each deviation with its number of calls."""
        counts: Counter[Deviation] = Counter()
        for place, calls in enumerate(np.bincount(self._shape_of, minlength=len(self._shapes)).tolist()):
            if calls:
                counts.update(dict.fromkeys(self._shapes[place], calls))
        return counts


@dataclass
class Gathered:
    """Rows of pages as they come, each id once in the end: the later row is kept."""

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
        """Whether the rows that came last have just these ids."""
        came, *_ = self._all
        return bool(np.array_equal(np.sort(came[len(came) - len(ids) :]), np.sort(ids)))

    @property
    def different_under_one_id(self) -> int:
        """How many records more there are than ids, where equal ones under one id count once."""
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
