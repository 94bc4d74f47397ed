"""What a centre wants to reach: the targets that its pages judge by."""

from dataclasses import dataclass, field

from calls_assets.by_ring_group import ByRingGroup, reader


@dataclass(frozen=True)
class Targets:
    """A centre's targets, each for all ring groups or by ring group; None where there is none.

    Attributes:
        service_level: The least service level, as a share from 0 to 1.
        abandonment: The highest abandonment rate, as a share from 0 to 1.
    """

    service_level: ByRingGroup[float] = field(default_factory=ByRingGroup)
    abandonment: ByRingGroup[float] = field(default_factory=ByRingGroup)


def read_share(text: str) -> float | None:
    """A share from 0 to 1; None for another text."""
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None


read_shares = reader(
    read_share,
    "a share from 0 to 1 such as 0.8, once for all ring groups and once for each that differs, such as 0.8,7:0.9",
)
