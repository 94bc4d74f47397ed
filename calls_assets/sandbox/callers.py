"""Who calls, and who calls again.

The shares are in between what is known of open centres and the month of a real bank whose customers are told apart
(Technion, "Anonymous Bank", January 1999): there half of the contacts call once, a fifth of a day's callers call twice, and
nearly half of those who hang up in the queue are back within the hour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from calls_assets.sandbox.dice import Dice

CUSTOMERS = 50
"""How many customers a centre has for each inbound call of a normal weekday."""

WITHHELD = 0.05
"""Share of the callers who withhold their number, so that the API knows no contact."""

AGAIN: Mapping[str, tuple[float, int]] = {
    "answered": (0.05, 5400),
    "abandoned": (0.45, 420),
    "short_abandoned": (0.3, 300),
    "overflowed": (0.5, 600),
    "missed": (0.7, 60),
    "callback": (0.04, 2400),
    "ivr_exit": (0.06, 3600),
    "out_of_business_hours": (0.1, 5400),
}
"""Outcome of an inbound call -> share of its callers who call again on the day, and after how many seconds on average."""

FIRST = 0.92
"""About the share of inbound calls that do not follow another of the same caller on the day."""

RETURNS = (0.06, 0.04, 0.025, 0.015, 0.01, 0.01, 0.015)
"""Share of the other calls whose caller already called on the day before, two days before, and so on."""


@dataclass(frozen=True)
class Callers:
    """The customers who call on a day (an ordinal), some about what they already called about on the days before.

    `customers` is how many there are, `a_day` about how many of them have a new reason to call on a day. Who has one is
    known of any day without its calls, so that no day has to be simulated before another.
    """

    seed: str
    day: int
    customers: int
    a_day: int

    @property
    def new(self) -> Sequence[int]:
        """The numbers of those who have a new reason to call, in the order in which they do."""
        return _with_a_reason(self.seed, self.day, self.customers, self.a_day)

    def returning(self, dice: Dice) -> int:
        """The number of one who had a reason on one of the days before."""
        back = dice.choices(range(1, len(RETURNS) + 1), RETURNS)[0]
        return dice.choice(_with_a_reason(self.seed, self.day - back, self.customers, self.a_day))


@lru_cache(maxsize=64)
def _with_a_reason(seed: str, day: int, customers: int, a_day: int) -> tuple[int, ...]:
    dice = Dice(f"{seed} reasons {day}")
    # Squared, the numbers of a few customers come often and those of most hardly ever.
    return tuple(int(dice.random() ** 2 * customers) for _ in range(a_day))
