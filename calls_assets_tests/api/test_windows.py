from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from calls_assets.api.windows import by_day, day_start, halves, window, windows


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Kiritimati"]
)
@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 4, 24), date(2026, 11, 1)])
def test_a_window_covers_its_day_under_every_reading_of_its_dates(zone, day):
    asked = window((day,), ZoneInfo(zone))
    start, end = day_start(day, ZoneInfo(zone)), day_start(day + timedelta(days=1), ZoneInfo(zone))
    for hours in range(-12, 15):
        read_in = timezone(timedelta(hours=hours))
        assert datetime(*asked.date_from.timetuple()[:3], tzinfo=read_in).timestamp() <= start
        assert datetime(*asked.date_to.timetuple()[:3], tzinfo=read_in).timestamp() >= end


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # skips midnight
    ],
)
def test_days_are_as_long_as_clocks_make_them(zone, day, hours):
    here = ZoneInfo(zone)
    assert day_start(day + timedelta(days=1), here) - day_start(day, here) == hours * 3600
    assert datetime.fromtimestamp(day_start(day, here), UTC).astimezone(here).date() == day


def test_a_call_on_each_side_of_midnight_lands_on_its_own_day():
    zone, days = ZoneInfo("America/New_York"), (date(2026, 11, 1), date(2026, 11, 2))
    midnight = day_start(days[1], zone)
    started_at = np.array([midnight, midnight - 1, midnight + 86400])
    assert {day: places.tolist() for day, places in by_day(started_at, days, zone).items()} == {
        days[0]: [1],
        days[1]: [0],
    }


def test_days_become_one_window_for_each_run_of_neighbours():
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5)]
    assert [str(found) for found in windows(days, ZoneInfo("UTC"))] == ["2026-01-01 to 2026-01-02", "2026-01-05"]
    assert [half.days for half in halves(window(tuple(days[:2]), ZoneInfo("UTC")), ZoneInfo("UTC"))] == [
        (days[0],),
        (days[1],),
    ]
