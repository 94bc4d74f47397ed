"""In which ways records differ from the document: few, of an account; ever others, of an attacker."""

from dataclasses import dataclass, field

from calls_assets.api.rules import Became, Deviation

Shape = frozenset[Deviation]
"""How a record differs from the document; most records of an account differ in one of a few ways."""

MOST_TOLD = 1_000_000
"""Deviations, over all shapes, that are told apart."""

EVER_OTHERS: Shape = frozenset({Deviation("(many fields)", "ever other values", Became.UNDOCUMENTED.value)})
"""Stands for every further shape."""


@dataclass
class Shapes:
    """Shapes in the order in which they come, each once."""

    _places: dict[Shape, int] = field(default_factory=dict)
    _told: int = 0

    def place(self, shape: Shape) -> int:
        """The place of a shape."""
        if shape not in self._places:
            if self._told + len(shape) > MOST_TOLD:
                shape = EVER_OTHERS
            else:
                self._told += len(shape)
        return self._places.setdefault(shape, len(self._places))

    @property
    def all(self) -> tuple[Shape, ...]:
        """The different ones."""
        return tuple(self._places)
