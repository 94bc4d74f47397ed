"""How an account's waits are told: two facts that the API does not give, and that the doctor and `evidence` prove."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

DURATION_LESS_TALK, LEG_START, NONE = "duration_less_talk", "leg_start", "none"

METHODS = (DURATION_LESS_TALK, LEG_START)
"""How a wait can be told from a record; of two that agree equally well with the vendor, the first is better."""

LONGEST_S = 86_400
"""No threshold is longer (s)."""


@dataclass(frozen=True)
class Thresholds:
    """The vendor's service-level threshold, in seconds.

    Attributes:
        usual: That of every ring group that has none of its own; None where it is not known.
        by_ring_group: Those of ring groups that differ, by id.
    """

    usual: int | None = None
    by_ring_group: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Self:
        """The thresholds of a text such as `30` or `30,7:20`, in which ring group 7 has 20 s.

        Raises:
            ValueError: the text is not of this form; says what is.
        """
        usual: list[int] = []
        own: dict[int, int] = {}
        for part in text.split(","):
            group, colon, seconds = (word.strip() for word in part.rpartition(":"))
            if not _is_whole(seconds) or int(seconds) > LONGEST_S or (colon and not _is_whole(group)):
                raise ValueError(ALLOWED)
            if colon and int(group) not in own:
                own[int(group)] = int(seconds)
            elif not colon and not usual:
                usual.append(int(seconds))
            else:
                raise ValueError(ALLOWED)
        return cls(usual[0] if usual else None, own)

    def __str__(self) -> str:
        """The text that `read` reads; empty where nothing is known."""
        usual = [] if self.usual is None else [str(self.usual)]
        return ",".join(usual + [f"{group}:{seconds}" for group, seconds in sorted(self.by_ring_group.items())])


ALLOWED = (
    f"whole seconds up to {LONGEST_S}, once for all ring groups and once for each that differs, such as 30 or 30,7:20"
)


@dataclass(frozen=True)
class Waits:
    """How an account's waits are told.

    Attributes:
        method: One of `METHODS`; None where it is not known, or neither tells them.
        thresholds: The vendor's service-level thresholds.
    """

    method: str | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)


UNKNOWN = Waits()
"""Of an account of which nothing is known."""


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
