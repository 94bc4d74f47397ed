"""How an account's waits are told: two facts that the API does not give, and that the doctor and `evidence` prove."""

from dataclasses import dataclass, field

from calls_assets.by_ring_group import ByRingGroup, is_whole, reader

DURATION_LESS_TALK, LEG_START, NONE = "duration_less_talk", "leg_start", "none"

METHODS = (DURATION_LESS_TALK, LEG_START)
"""How a wait can be told from a record; of two that agree equally well with the vendor, the first is better."""

LONGEST_S = 86_400
"""No threshold is longer (s)."""


Thresholds = ByRingGroup[int]
"""The vendor's service-level threshold, in seconds; `usual` is None where it is not known."""


def _seconds(text: str) -> int | None:
    return int(text) if is_whole(text) and int(text) <= LONGEST_S else None


read_thresholds = reader(
    _seconds,
    f"whole seconds up to {LONGEST_S}, once for all ring groups and once for each that differs, such as 30 or 30,7:20",
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
