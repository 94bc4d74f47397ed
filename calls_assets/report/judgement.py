"""How a share stands against its target and against the days before, and whether so few calls can tell.

Against a target, chance is what the binomial distribution gives for a centre that just meets it; of two shares, it is
Newcombe's score interval of their difference (1998, method 10), which is made of Wilson's (1927). Both at 95 %, two-sided.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

TAIL = 0.025
"""What chance may give on either side."""

Z = NormalDist().inv_cdf(1 - TAIL)


@dataclass(frozen=True)
class Measure:
    """A share that a centre has a target for.

    Attributes:
        name: What pages call it.
        is_floor: Whether its target is the least that is good; otherwise it is the most.
    """

    name: str
    is_floor: bool


SERVICE_LEVEL = Measure("service level", is_floor=True)
ABANDONMENT = Measure("abandoned", is_floor=False)


@dataclass(frozen=True)
class Rate:
    """A share as the two counts that it is made of."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        """The share from 0 to 1; None of no calls."""
        return self.part / self.whole if self.whole else None


class Standing(StrEnum):
    """How a share stands against its target."""

    MET = "met"
    MISSED = "missed"
    UNSURE = "unsure"
    """Missed, but by so few calls that it may be chance."""


@dataclass(frozen=True)
class Change:
    """How a share moved against another.

    Attributes:
        points: The difference in percentage points.
        is_better: Whether that is the good direction; None where chance can explain the difference.
    """

    points: float
    is_better: bool | None


def standing(measure: Measure, rate: Rate, target: float | None) -> Standing | None:
    """How a share stands against a target (from 0 to 1); None where there is no target, or no call."""
    if rate.share is None or target is None:
        return None
    if rate.share >= target if measure.is_floor else rate.share <= target:
        return Standing.MET
    as_bad = range(rate.part + 1) if measure.is_floor else range(rate.part, rate.whole + 1)
    return Standing.UNSURE if _probability(as_bad, rate.whole, target) > TAIL else Standing.MISSED


def lacking(measure: Measure, rate: Rate, target: float) -> float:
    """How many calls a share lacks to its target; negative where it has some to spare."""
    short = target * rate.whole - rate.part
    return short if measure.is_floor else -short


def change(measure: Measure, rate: Rate, before: Rate | None) -> Change | None:
    """How a share moved; None where one of the two is unknown."""
    if before is None or rate.share is None or before.share is None:
        return None
    difference = rate.share - before.share
    return Change(100 * difference, (difference > 0) is measure.is_floor if _differ(rate, before) else None)


def interval(rate: Rate) -> tuple[float, float]:
    """Where the share behind the counts lies at 95 % confidence, by Wilson's score; 0 to 1 for no calls."""
    if not rate.whole:
        return 0.0, 1.0
    share, n = rate.part / rate.whole, rate.whole
    middle = share + Z**2 / (2 * n)
    reach = Z * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, (middle - reach) / (1 + Z**2 / n)), min(1.0, (middle + reach) / (1 + Z**2 / n))


def _probability(counts: range, calls: int, share: float) -> float:
    """How likely so many of the calls are, where each is one of them with this probability."""
    if share in (0, 1):
        return float(round(calls * share) in counts)
    return sum(
        exp(lgamma(calls + 1) - lgamma(n + 1) - lgamma(calls - n + 1) + n * log(share) + (calls - n) * log1p(-share))
        for n in counts
    )


def _differ(one: Rate, other: Rate) -> bool:
    """Whether two shares differ by more than chance: whether the interval of their difference leaves out 0."""
    high, low = (one, other) if one.part * other.whole > other.part * one.whole else (other, one)
    shares = high.part / high.whole, low.part / low.whole
    reach = sqrt((shares[0] - interval(high)[0]) ** 2 + (interval(low)[1] - shares[1]) ** 2)
    return shares[0] - shares[1] > reach
