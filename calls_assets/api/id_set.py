"""A set of ids in eight bytes each; a Python set takes twelve times as much."""

import numpy as np

from calls_assets.arrow import Ints


class IdSet:
    """A growing set of whole numbers: a few sorted arrays, each at least twice as long as the next."""

    def __init__(self) -> None:
        self._sorted: list[Ints] = []

    def __len__(self) -> int:
        return sum(map(len, self._sorted))

    def equals(self, other: "IdSet") -> bool:
        """Whether both hold the same numbers."""
        return np.array_equal(self._all(), other._all())

    def add(self, numbers: Ints) -> int:
        """Add numbers; returns how many of them were there already, or are repeated."""
        new = np.unique(numbers)
        for known in self._sorted:
            places = np.searchsorted(known, new)
            places[places == len(known)] = 0
            new = new[known[places] != new]
        if len(new):
            self._sorted.append(new)
        while len(self._sorted) > 1 and len(self._sorted[-2]) < 2 * len(self._sorted[-1]):
            last, before = self._sorted.pop(), self._sorted.pop()
            self._sorted.append(np.sort(np.concatenate([before, last]), kind="stable"))
        return len(numbers) - len(new)

    def _all(self) -> Ints:
        return np.sort(np.concatenate([np.empty(0, np.int64), *self._sorted]))
