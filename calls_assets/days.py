"""Local days and their instants: the one place that knows midnight."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from calls_assets.arrow import Ints

ANY_DAY = date(2000, 1, 1)
"""Stands for the day of calls whose days do not matter."""

ONE_DAY = timedelta(days=1)


def day_start(day: date, zone: ZoneInfo) -> int:
    """The first instant of a local day in epoch seconds; where the clock skips its midnight, the end of the gap."""
    return int(datetime.combine(day, time.min, zone).timestamp())


def hour_start(day: date, hour: int, zone: ZoneInfo) -> int:
    """An hour of a local day in epoch seconds: the second where it comes twice, the end of the gap where it is skipped."""
    local = datetime.combine(day, time(hour), zone)
    return max(int(local.replace(fold=fold).timestamp()) for fold in (0, 1))


def by_day(started_at: "Ints", days: Sequence[date], zone: ZoneInfo) -> "dict[date, Ints]":
    """The positions of the rows that began on each local day, in their own order; rows of other days are left out.

    Args:
        started_at: When each row began, in epoch seconds.
        days: Local days, in order.
        zone: Their zone.
    """
    import numpy as np  # a code location needs days but no rows, and should load fast

    starts = [day_start(day, zone) for day in days]
    ends = [day_start(day + ONE_DAY, zone) for day in days]
    position = np.searchsorted(starts, started_at, side="right") - 1
    inside = (position >= 0) & (started_at < np.take(ends, position))
    places = np.argsort(np.where(inside, position, len(days)), kind="stable")
    ends_of = np.cumsum(np.bincount(position[inside], minlength=len(days)))
    return dict(zip(days, np.split(places, ends_of)[: len(days)], strict=True))
