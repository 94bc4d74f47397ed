"""Local days -> request windows that surely cover them, however the API reads `dateFrom` and `dateTo`.

The document says neither in which zone the two dates are read nor whether `dateTo` is inclusive. Unless the account is known
better, a window therefore covers every possible reading, and rows are assigned by their own `started_at`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from calls_assets.days import ONE_DAY, day_start

if TYPE_CHECKING:
    from calls_assets.arrow import Ints

EASTMOST, WESTMOST = timedelta(hours=14), timedelta(hours=12)  # how far local time can be ahead of UTC, and behind it


@dataclass(frozen=True)
class Window:
    """A run of neighbouring local days and the dates to ask the API for."""

    days: tuple[date, ...]
    date_from: date
    date_to: date

    def __str__(self) -> str:
        return str(self.days[0]) if len(self.days) == 1 else f"{self.days[0]} to {self.days[-1]}"


@dataclass(frozen=True)
class Reading:
    """What is known of how an account reads `dateFrom` and `dateTo`.

    Attributes:
        zone: Zone in which the dates are read; None where that is unknown.
        date_to_inclusive: Whether `dateTo` is known to be inclusive.
    """

    zone: ZoneInfo | None = None
    date_to_inclusive: bool = False

    def window(self, days: tuple[date, ...], zone: ZoneInfo) -> Window:
        """The window that covers neighbouring local days of `zone`."""
        start = datetime.fromtimestamp(day_start(days[0], zone), UTC)
        end = datetime.fromtimestamp(day_start(days[-1] + ONE_DAY, zone) - 1, UTC)
        first = (start - WESTMOST if self.zone is None else start.astimezone(self.zone)).date()
        last = (end + EASTMOST if self.zone is None else end.astimezone(self.zone)).date()
        return Window(days, first, last if self.date_to_inclusive else last + ONE_DAY)

    def windows(self, days: Iterable[date], zone: ZoneInfo) -> Iterator[Window]:
        """Any days as windows in order, one for each run of neighbouring days."""
        for _, run in groupby(enumerate(sorted(set(days))), lambda numbered: numbered[1].toordinal() - numbered[0]):
            yield self.window(tuple(day for _, day in run), zone)

    def halves(self, whole: Window, zone: ZoneInfo) -> tuple[Window, Window]:
        """A window of several days as two, cut at a day boundary."""
        middle = len(whole.days) // 2
        return self.window(whole.days[:middle], zone), self.window(whole.days[middle:], zone)

    def check(self, window: Window, started_at: "Ints", zone: ZoneInfo) -> None:
        """Check that the API's answer for a window agrees with how dates are said to be read.

        Args:
            window: What was asked for.
            started_at: When the calls in the answer began, in epoch seconds.
            zone: The zone of the window's days.

        Raises:
            ValueError: calls began on other dates than were asked for, so that some may be missing.
        """
        if not len(started_at):
            return
        _refuse_other_dates(window, started_at, zone)
        if self.zone is None:
            return
        first, end = day_start(window.date_from, self.zone), day_start(window.date_to + ONE_DAY, self.zone)
        if started_at.min() < first or started_at.max() >= end:
            raise ValueError(
                f"The API gave calls from outside {window.date_from} to {window.date_to} as {self.zone.key} has these dates, "
                "so that is not the zone in which it reads them: set CALLS_DATES_ZONE to another one, or leave it unset."
            )


def _refuse_other_dates(window: Window, started_at: "Ints", zone: ZoneInfo) -> None:
    """Raise for a list from dates that no zone explains, unless it covers the window's days anyway."""
    utc = ZoneInfo("UTC")
    least = day_start(window.date_from, utc) - int(EASTMOST.total_seconds())
    most = day_start(window.date_to + ONE_DAY, utc) + int(WESTMOST.total_seconds())
    first, last = int(started_at.min()), int(started_at.max())
    if least <= first and last < most:
        return
    begin, end = day_start(window.days[0], zone), day_start(window.days[-1] + ONE_DAY, zone)
    if first > begin or last < min(end, int(datetime.now(UTC).timestamp())):
        came = [datetime.fromtimestamp(moment, UTC).date() for moment in (first, last)]
        raise ValueError(
            f"The API gave calls from {came[0]} to {came[1]} where {window.date_from} to {window.date_to} was asked for: "
            "it ignores dateFrom and dateTo, and its list does not cover these days, so that they cannot be pulled; ask "
            "the vendor how dates are given."
        )
