"""The progress of a long run, in one line."""

import time
from collections.abc import Callable
from datetime import timedelta


class Progress:
    """Counts days and calls from its creation on.

    Args:
        days: How many days the run has.
        clock: Seconds of a monotonic clock.
    """

    def __init__(self, days: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._days, self._clock, self._began = days, clock, clock()
        self._done = self._calls = 0

    def after(self, days: int, calls: int) -> str:
        """The line after `days` more with `calls` calls; empty if the run has only one window."""
        self._done, self._calls = self._done + days, self._calls + calls
        if days == self._days:
            return ""
        took_s = max(self._clock() - self._began, 1e-9)
        left = timedelta(seconds=round(took_s / self._done * (self._days - self._done)))
        pace = f"{self._calls:,} calls, {self._calls / took_s:,.0f} calls/s"
        return f" {self._done} of {self._days} days, {pace}, {left} left."
