"""Whether the start of the answering leg gives the caller's wait, judged by the vendor's own service level."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile

import pyarrow as pa

FEWEST = 50
"""With fewer calls than this, nothing is said."""

MOST_ERRORS = 0.02
"""The largest share of calls on the wrong side of the threshold at which the start still tracks the service level."""


@dataclass(frozen=True)
class Threshold:
    """The wait that best separates the calls in time from the late ones.

    Attributes:
        least_s, most_s: Any threshold from `least_s` to `most_s` seconds separates these calls in the same way.
        errors: How many calls lie on the wrong side of it.
        calls: How many calls there are.
        late: How many of them the vendor calls late.
    """

    least_s: int
    most_s: int
    errors: int
    calls: int
    late: int

    @property
    def error(self) -> float:
        """The share of calls on the wrong side, 0 to 1."""
        return self.errors / self.calls

    @property
    def is_enough(self) -> bool:
        """Whether there are enough calls of both kinds to say anything.

        Where hardly any call is late, few errors mean nothing: a threshold above all waits would have as few.
        """
        rarer = min(self.late, self.calls - self.late)
        return self.calls >= FEWEST and rarer > 0 and (self.error > MOST_ERRORS or 2 * self.errors <= rarer)

    @property
    def tracks(self) -> bool:
        """Whether the threshold agrees with the vendor."""
        return self.is_enough and self.error <= MOST_ERRORS


def best_threshold(waits: Iterable[tuple[int, bool]]) -> Threshold | None:
    """The threshold that is wrong about the fewest calls, the lowest of several; None for no calls.

    Args:
        waits: For each call, its wait in seconds and whether the vendor says that it was answered in time.
    """
    ordered = sorted(waits)
    if not ordered:
        return None
    in_time = wrong = sum(within for _, within in ordered)
    errors = {ordered[0][0] - 1: wrong}  # by threshold; of equal waits, the last one counts
    for wait, within in ordered:
        wrong += -1 if within else 1
        errors[wait] = wrong
    fewest = min(errors.values())
    least, *higher = dropwhile(lambda threshold: errors[threshold] > fewest, errors)
    return Threshold(least, higher[0] - 1 if higher else least, fewest, len(ordered), len(ordered) - in_time)


def waits_of(calls: pa.Table) -> list[tuple[int, bool]]:
    """The seconds until the first answering leg and the vendor's verdict, for each answered inbound call that has both."""
    names = ["is_inbound", "is_answered", "is_answered_within_sla", "started_at", "answered_agents"]
    found = []
    for call in calls.select(names).to_pylist():
        starts = [leg["started_at"] for leg in call["answered_agents"] or () if leg and leg["started_at"] is not None]
        if call["is_inbound"] and call["is_answered"] and call["is_answered_within_sla"] is not None and starts:
            found.append((min(starts) - call["started_at"], call["is_answered_within_sla"]))
    return found
