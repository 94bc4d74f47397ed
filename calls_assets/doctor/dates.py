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
"""Every zone in use is a multiple of this many seconds ahead of UTC or behind it."""

MIDDLE_OF_NIGHT, NIGHT_H = 2.0, 6.0
"""The hour that is in the middle of the twelve quietest of a usual centre, and how many hours that may be off in all."""

USUAL = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage"),
    *("Pacific/Honolulu", "America/Halifax", "America/Sao_Paulo", "Europe/London", "Europe/Berlin", "Europe/Athens"),
    *("Europe/Istanbul", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka", "Asia/Bangkok", "Asia/Manila"),
    *("Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"),
)
"""A zone for each usual offset, the likelier of several first."""

YEAR = 366
"""How many days around the ones looked at two zones are compared on, at least."""


@dataclass(frozen=True)
class Ends:
    """The first and the last call of what the account takes for a day, in epoch seconds."""

    day: date
    first_s: int
    last_s: int


@dataclass(frozen=True)
class ZoneFinding:
    """Which zones the account may read its dates in.

    Attributes:
        days: How many days were looked at.
        fitting: The candidates whose midnights are nowhere contradicted.
        offsets: The least and the most seconds ahead of UTC that no day contradicts; None where no single offset is such.
        rivals: Where `is_close`, the zones that fit as well as the first candidate that does, and have other midnights
            within a year, or since the first day that is to be pulled.
        is_close: Whether every zone that fits has the same midnights on the days looked at, so that only other days tell.
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
    """Whether the day of `dateTo` is in the answer; None where the counts do not tell.

    Args:
        alone: How many calls each of some neighbouring closed days has, asked for with itself as dateFrom and dateTo.
        pairs: How many each of them but the last has together with the next one, asked for as dateFrom and dateTo.
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
    """How many seconds clocks could be ahead of those of `zone`, at least and at most, with every day's calls on that day.

    The least is above the most where no such clocks are possible.
    """
    least = max(day_start(one.day, zone) - one.first_s for one in ends)
    most = min(day_start(one.day + ONE_DAY, zone) - 1 - one.last_s for one in ends)
    return least, most


def fits(zone: ZoneInfo, ends: Sequence[Ends]) -> bool:
    """Whether every day's calls lie between the midnights of `zone`."""
    least, most = leeway(zone, ends)
    return least <= 0 <= most


def offsets(ends: Sequence[Ends]) -> tuple[int, int] | None:
    """The least and the most seconds ahead of UTC at which every day's calls lie on that day.

    None where there is no such offset, as over a change of the clocks.
    """
    least, most = leeway(ZoneInfo("UTC"), ends)
    least, most = max(least, -int(WESTMOST.total_seconds())), min(most, int(EASTMOST.total_seconds()))
    return (least, most) if least <= most else None


def find_zone(ends: Sequence[Ends], candidates: Sequence[ZoneInfo], since: date | None = None) -> ZoneFinding:
    """Which of the candidates the days speak for.

    One is only proven where no zone of the tz database fits as well whose midnights are others on a day that may be pulled:
    such a zone, taken for the true one, would lose calls on the days on which they differ.

    Args:
        ends: The days.
        candidates: The zones that are likely, the likeliest first.
        since: The first day that may be pulled; a year before the last one looked at where None, or where it is later.
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
    """Days of the last year on which clocks may stand otherwise than on `day`: in the middle of winter and of summer.

    No zone changes its clocks from December to February or from May to August, but for those that keep Ramadan.
    """
    midwinter, midsummer = (max(_years_before(day, month)) for month in (1, 7))
    return tuple(
        other
        for other, same in ((midwinter, (12, 1, 2)), (midsummer, (5, 6, 7, 8)))
        if {day.month, (day - timedelta(days=7)).month} - set(same)
    )


def zone_of_night(night_utc: float, at: datetime, read_in: str | None) -> str:
    """The usual zone in which an hour of the day, in UTC, is nearest to the middle of the night.

    The zones' offsets are those `at` a moment; `read_in` is taken where it will do.
    """

    def off(key: str) -> float:
        offset = at.astimezone(ZoneInfo(key)).utcoffset() or timedelta()
        hours = (night_utc + offset.total_seconds() / 3600 - MIDDLE_OF_NIGHT) % 24
        return min(hours, 24 - hours)

    if read_in and off(read_in) <= NIGHT_H / 2:
        return read_in
    return min(USUAL, key=off)


def usual_offsets(found: tuple[int, int]) -> tuple[int, int] | None:
    """The least and the most offset within `found` that a zone in use can have, in seconds; None where there is none."""
    least, most = -(-found[0] // STEP_S) * STEP_S, found[1] // STEP_S * STEP_S
    return (least, most) if least <= most else None


@cache
def _every_zone() -> tuple[ZoneInfo, ...]:
    return tuple(ZoneInfo(key) for key in sorted(available_timezones()))


def _midnights(zone: ZoneInfo, days: Iterable[date]) -> tuple[int, ...]:
    return tuple(day_start(day, zone) for day in days)


def _years_before(day: date, month: int) -> Iterator[date]:
    """The middle of a month of this year and of the last one, as far as it is before `day`."""
    return (middle for year in (day.year - 1, day.year) if (middle := date(year, month, 20)) < day)
