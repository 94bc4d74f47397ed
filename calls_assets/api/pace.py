"""How fast requests follow each other, across all threads of a session."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable

LONGEST_GAP_S = 30.0  # between two requests, at the slowest pace that halving leads to
ANSWERS_PER_STEP = 20
STEP = 1.1  # after this many answers in a row, a slowed pace grows by this factor
RECENT = 20  # this many requests tell the pace of a session without a bound
SHORTEST_GAP_S = 0.001  # stands for the pace of requests that all went out at once
SLOWEST = 0.001  # requests per second; no lower pace is suggested


class Pace:
    """Limits how many requests start each second, and slows down where the server refuses them as too many.

    Each refusal in a row halves the pace, in whatever thread, unless its request was due before the last halving. The first
    answer after that sets the pace to the rate at which answers came since the previous refusals, but to no more than half
    of what it was. From there it recovers slowly.

    Args:
        per_second: The upper bound; None for none.
        sleep: Waits a number of seconds.
        clock: Tells seconds.
    """

    def __init__(
        self, per_second: float | None, sleep: Callable[[float], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shortest = 1 / per_second if per_second else 0.0
        self._gap = self._shortest
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._next = -math.inf
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._changes = 0
        self._refused_from: float | None = None
        self._begun: float | None = None
        self._last_answer: float | None = None
        self._answers = 0
        self._stretch_from = 0.0
        self._stretch_answers = 0
        self._in_a_row = 0

    def wait(self) -> int:
        """Wait until a request is due; returns the ticket that `too_many` takes."""
        with self._lock:
            now, ticket = self._clock(), self._changes
            if self._begun is None:
                self._begun = self._stretch_from = now
            start = max(now, self._next)
            self._next = start + self._gap
            self._recent.append(start)
        if start > now:
            self._sleep(start - now)
        return ticket

    def answered(self) -> None:
        """A request was answered."""
        with self._lock:
            now = self._clock()
            if self._refused_from is not None:
                achieved = (now - self._stretch_from) / max(self._stretch_answers, 1)
                self._change(min(self._gap, max(2 * self._refused_from, achieved, self._shortest)))
                self._next = min(self._next, now + self._gap)
                self._refused_from, self._stretch_from, self._stretch_answers = None, now, 0
            self._answers += 1
            self._stretch_answers += 1
            self._in_a_row += 1
            self._last_answer = now
            if self._in_a_row >= ANSWERS_PER_STEP and self._gap > self._shortest:
                self._change(max(self._shortest, self._gap / STEP))

    def too_many(self, ticket: int) -> float | None:
        """A request was refused as one too many; returns the new pace in requests per second, None where it stays."""
        with self._lock:
            if ticket != self._changes:
                return None
            now = self._clock()
            if self._refused_from is None:
                self._refused_from = self._gap or max(SHORTEST_GAP_S, (now - self._recent[0]) / len(self._recent))
                self._gap = self._refused_from
            before = self._gap
            self._change(min(2 * before, max(LONGEST_GAP_S, self._shortest)))
            self._next = max(self._next, now + self._gap)
            return 1 / self._gap if self._gap != before else None

    @property
    def unanswered_s(self) -> float:
        """Seconds since the session's last answer, or since its first request where there was none."""
        with self._lock:
            since = self._begun if self._last_answer is None else self._last_answer
            return 0.0 if since is None else self._clock() - since

    def achieved(self, further_s: float) -> str:
        """The requests per second answered so far, rounded down, as the value of a setting.

        Args:
            further_s: How many seconds more will pass without an answer.
        """
        with self._lock:
            taken = self._clock() - (self._begun or 0.0) + further_s
            per_second = max(SLOWEST, max(self._answers, 1) / max(taken, SHORTEST_GAP_S))
        digits = 1 - math.floor(math.log10(per_second))
        return f"{math.floor(per_second * 10**digits) / 10**digits:g}"

    def _change(self, gap: float) -> None:
        self._gap = gap
        self._changes += 1
        self._in_a_row = 0
