"""How many calls a day an account has, and how long a year of them takes to pull."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import mean

from calls_assets.api.document import CALL_TYPES

DAYS_A_YEAR = 365


@dataclass(frozen=True)
class Volume:
    """Calls a day, on average, over the days from `first` to `last`; None for a kind of day that is not among them."""

    first: date
    last: date
    a_day: float
    a_weekday: float | None
    a_weekend_day: float | None


@dataclass(frozen=True)
class Backfill:
    """An estimate of what a year takes: calls, requests and seconds."""

    calls: int
    requests: int
    seconds: float


@dataclass(frozen=True)
class Pull:
    """How the pipeline asks: requests at a time, the most calls of a window, requests per second if bounded."""

    concurrency: int
    calls_per_window: int
    requests_per_second: float | None = None


def volume(counts: Mapping[date, int]) -> Volume | None:
    """The averages of the counts of some days; None for no days."""
    if not counts:
        return None
    weekdays = [count for day, count in counts.items() if day.weekday() < 5]
    weekend = [count for day, count in counts.items() if day.weekday() >= 5]
    return Volume(
        first=min(counts),
        last=max(counts),
        a_day=mean(counts.values()),
        a_weekday=mean(weekdays) if weekdays else None,
        a_weekend_day=mean(weekend) if weekend else None,
    )


def backfill(calls_a_day: float, page_size: int, seconds_a_page: float, pull: Pull) -> Backfill:
    """What a year takes if every request takes `seconds_a_page`, as a page of `page_size` calls did.

    Besides its pages, each window costs a request for each call type; further pages of call types are not counted,
    because their number is unknown.
    """
    calls = round(calls_a_day * DAYS_A_YEAR)
    windows = math.ceil(calls / pull.calls_per_window)
    requests = math.ceil(calls / page_size) + windows * len(CALL_TYPES)
    seconds = requests * seconds_a_page / pull.concurrency
    if pull.requests_per_second is not None:
        seconds = max(seconds, requests / pull.requests_per_second)
    return Backfill(calls, requests, seconds)
