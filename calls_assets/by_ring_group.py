"""A setting that holds for all ring groups, or another for some of them, such as `30,7:20`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value", int, float)


@dataclass(frozen=True)
class ByRingGroup(Generic[Value]):
    """A value of each ring group.

    Attributes:
        usual: That of every ring group that has none of its own; None where there is none.
        by_ring_group: Those of ring groups that differ, by id.
    """

    usual: Value | None = None
    by_ring_group: Mapping[int, Value] = field(default_factory=dict)

    def of(self, ring_group_id: int | None) -> Value | None:
        """The value of a ring group, or of calls that have none."""
        own = None if ring_group_id is None else self.by_ring_group.get(ring_group_id)
        return self.usual if own is None else own

    def __str__(self) -> str:
        """The text that a reader reads; empty where nothing is set."""
        usual = [] if self.usual is None else [str(self.usual)]
        return ",".join(usual + [f"{group}:{value}" for group, value in sorted(self.by_ring_group.items())])


def reader(value: Callable[[str], Value | None], allowed: str) -> Callable[[str], ByRingGroup[Value]]:
    """A reader of texts such as `30` or `30,7:20`, in which ring group 7 has 20.

    Args:
        value: Reads one value; None for what is none.
        allowed: What is allowed, as the message of the reader's ValueError.
    """

    def read(text: str) -> ByRingGroup[Value]:
        usual: list[Value] = []
        own: dict[int, Value] = {}
        for part in text.split(","):
            group, colon, word = (piece.strip() for piece in part.rpartition(":"))
            found = value(word)
            if found is None or (colon and not is_whole(group)):
                raise ValueError(allowed)
            if colon and int(group) not in own:
                own[int(group)] = found
            elif not colon and not usual:
                usual.append(found)
            else:
                raise ValueError(allowed)
        return ByRingGroup(usual[0] if usual else None, own)

    return read


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that fits into 64 bits."""
    return text.isascii() and text.isdecimal() and len(text) < 19
