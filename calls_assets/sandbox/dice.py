"""Random numbers that are the same on every machine and in every process."""

import math
import random


class Dice(random.Random):
    """A generator of random numbers whose seed is a text; the same text always gives the same numbers."""

    def __init__(self, seed: str) -> None:
        # A text seed goes through SHA-512 and does not depend on PYTHONHASHSEED, as hash() would.
        super().__init__(seed)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def seconds(self, low: int, high: int) -> int:
        """Whole seconds from `low` to `high`, uniformly."""
        return low + int(self.random() * (high - low + 1))

    def about(self, median_s: float, spread: float, low: int = 1, high: int = 3600) -> int:
        """Log-normal whole seconds around a median, clipped to `low` and `high`."""
        return min(high, max(low, round(median_s * math.exp(self.gauss(0.0, spread)))))

    def after(self, mean_s: float) -> int:
        """Exponential whole seconds, at least 1."""
        return 1 + int(self.expovariate(1.0 / mean_s))
