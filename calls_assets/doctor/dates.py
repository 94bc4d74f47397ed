"""How an account reads `dateFrom` and `dateTo`, from the counts and the first and last calls of single days."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from calls_assets.api.windows import EASTMOST, WESTMOST
from calls_assets.days import ONE_DAY, day_start

STEP_S = 900
"""The offset of every zone in use is a multiple of this many seconds."""

MIDDLE_OF_NIGHT, NIGHT_H = 2.0, 6.0
"""The local hour in the middle of the quietest twelve of a usual centre, and how many hours around it are accepted."""

USUAL = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage"),
    *("Pacific/Honolulu", "America/Halifax", "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Athens"),
    *("Europe/Istanbul", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Manila"),
    *("Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"),
)
"""A zone for each usual offset, the likelier of several first."""

YEAR = 366
"""On how many days before and after the last one two zones are compared, at least."""


@dataclass(frozen=True)
class Ends:
    """The first and the last call of what the account considers a day, in epoch seconds."""

    day: date
    first_s: int
    last_s: int


@dataclass(frozen=True)
class ZoneFinding:
    """Which zones the account may read its dates in.

    Attributes:
        days: How many days were looked at.
        fitting: The candidates whose midnights no call contradicts.
        offsets: The least and the most seconds ahead of UTC that no call contradicts; None where every one is.
        rivals: Where `is_close`, the zones that fit as well as the first of `fitting`, but have other midnights within a
            year, or since the first day to pull.
        is_close: Whether every zone that fits has the same midnights on the days looked at, so that other days decide.
    """

    days: int
    fitting: tuple[str, ...]
    offsets: tuple[int, int] | None
    rivals: tuple[str, ...]
    is_close: bool

    @property
    def proven(self) -> str | None:
        """The one zone that it can be; None where it can be another."""
        return self.fitting[0] if self.is_close and not self.rivals else None


def reads_inclusively(alone: Sequence[int], pairs: Sequence[int]) -> bool | None:
    """Whether the day of `dateTo` is in the answer; None where the counts do not decide.

    Args:
        alone: The count of each of some consecutive closed days, requested with the day as both dateFrom and dateTo.
        pairs: The count of each of them but the last, requested with the day as dateFrom and the next as dateTo.
    """
    if not any(pairs):
        return None
    sums = [here + after for here, after in pairwise(alone)]
    if sums == list(pairs):
        return True
    # A few calls may lie on the very second of midnight, where the end of the window is that instant.
    busy = [(here, both, pair) for here, both, pair in zip(alone, sums, pairs, strict=False) if pair]
    if all(both < pair and 10 * here <= pair for here, both, pair in busy):
        return False
    return None


def leeway(zone: ZoneInfo, ends: Sequence[Ends]) -> tuple[int, int]:
    """How far clocks may be ahead of those of `zone`, in seconds, at least and at most, for all calls to be on their day.

    The least is above the most where that is impossible.
    """
    least = max(day_start(one.day, zone) - one.first_s for one in ends)
    most = min(day_start(one.day + ONE_DAY, zone) - 1 - one.last_s for one in ends)
    return least, most


def fits(zone: ZoneInfo, ends: Sequence[Ends]) -> bool:
    """Whether every day's calls lie between the midnights of `zone`."""
    least, most = leeway(zone, ends)
    return least <= 0 <= most


def offsets(ends: Sequence[Ends]) -> tuple[int, int] | None:
    """The least and the most seconds ahead of UTC that put every call on its day.

    None where no offset does, as when the clocks change between the days.
    """
    least, most = leeway(ZoneInfo("UTC"), ends)
    least, most = max(least, -int(WESTMOST.total_seconds())), min(most, int(EASTMOST.total_seconds()))
    return (least, most) if least <= most else None


def find_zone(ends: Sequence[Ends], candidates: Sequence[ZoneInfo], since: date | None = None) -> ZoneFinding:
    """Which of the candidates fit.

    One is only proven where no other zone of the tz database that fits has other midnights on a day that may be pulled:
    the wrong one of the two would lose calls on the days on which they differ.

    Args:
        ends: The days.
        candidates: The likely zones, the likeliest first.
        since: The first day that may be pulled; at least a year before the last day is compared.
    """
    if not ends:
        return ZoneFinding(0, (), None, (), is_close=False)
    last = max(one.day for one in ends)
    first = min(since or last, last - YEAR * ONE_DAY)
    pulled = [first + n * ONE_DAY for n in range((last - first).days + YEAR)]
    alike: dict[tuple[int, ...], ZoneInfo] = {}
    for zone in candidates:
        if fits(zone, ends):
            alike.setdefault(_midnights(zone, pulled), zone)
    fitting = tuple(zone.key for zone in alike.values())
    if not fitting:
        return ZoneFinding(len(ends), (), offsets(ends), (), is_close=False)
    likeliest, days = ZoneInfo(fitting[0]), sorted({one.day for one in ends})
    others = [zone for zone in _every_zone() if fits(zone, ends)]
    if any(_midnights(zone, days) != _midnights(likeliest, days) for zone in others):
        return ZoneFinding(len(ends), fitting, offsets(ends), (), is_close=False)
    expected = _midnights(likeliest, pulled)
    rivals = tuple(zone.key for zone in others if _midnights(zone, pulled) != expected)
    return ZoneFinding(len(ends), fitting, offsets(ends), rivals, is_close=True)


def other_seasons(day: date) -> tuple[date, ...]:
    """Days of the last year with other clocks than `day`, perhaps: in the middle of winter and of summer.

    No zone changes its clocks from December to February or from May to August, except for Ramadan.
    """
    midwinter, midsummer = (max(_years_before(day, month)) for month in (1, 7))
    return tuple(
        other
        for other, same in ((midwinter, (12, 1, 2)), (midsummer, (5, 6, 7, 8)))
        if {day.month, (day - timedelta(days=7)).month} - set(same)
    )


def zone_of_night(night_utc: float, at: datetime, read_in: str | None) -> str:
    """The usual zone in which an hour of the day, in UTC, is nearest to the middle of the night at that time of year.

    `read_in` is preferred where it is near enough.
    """

    def off(key: str) -> float:
        offset = at.astimezone(ZoneInfo(key)).utcoffset() or timedelta()
        hours = (night_utc + offset.total_seconds() / 3600 - MIDDLE_OF_NIGHT) % 24
        return min(hours, 24 - hours)

    if read_in and off(read_in) <= NIGHT_H / 2:
        return read_in
    return min(USUAL, key=off)


def usual_offsets(found: tuple[int, int]) -> tuple[int, int] | None:
    """The least and the most offset in seconds within `found` that a zone in use can have; None where there is none."""
    least, most = -(-found[0] // STEP_S) * STEP_S, found[1] // STEP_S * STEP_S
    return (least, most) if least <= most else None


@cache
def _every_zone() -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(key) for key in sorted(available_timezones()))


def _midnights(zone: ZoneInfo, days: Iterable[date]) -> tuple[int, ...]:
    return tuple(day_start(day, zone) for day in days)


def _years_before(day: date, month: int) -> Iterator[date]:
    """The middle of a month in the year of `day` and in the one before, if it is before `day`."""
    return (middle for year in (day.year - 1, day.year) if (middle := date(year, month, 20)) < day)
