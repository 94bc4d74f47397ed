from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from calls_assets.api.windows import Reading
from calls_assets.days import by_day, day_start

UNKNOWN = Reading()


@pytest.mark.parametrize(
    "zone", ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Pacific/Kiritimati"]
)
@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 4, 24), date(2026, 11, 1)])
def test_a_window_covers_its_day_under_every_reading_of_its_dates(zone, day):
    asked = UNKNOWN.window((day,), ZoneInfo(zone))
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
    utc = ZoneInfo("UTC")
    assert [str(found) for found in UNKNOWN.windows(days, utc)] == ["2026-01-01 to 2026-01-02", "2026-01-05"]
    whole = UNKNOWN.window(tuple(days[:2]), utc)
    assert [half.days for half in UNKNOWN.halves(whole, utc)] == [(days[0],), (days[1],)]


@pytest.mark.parametrize(
    ("read_in", "inclusive", "dates"),
    [
        (None, False, ("2025-12-31", "2026-01-03")),
        (None, True, ("2025-12-31", "2026-01-02")),
        ("America/New_York", False, ("2026-01-01", "2026-01-02")),
        ("America/New_York", True, ("2026-01-01", "2026-01-01")),
        ("UTC", True, ("2026-01-01", "2026-01-02")),
    ],
)
def test_what_is_known_of_the_account_makes_the_window_smaller(read_in, inclusive, dates):
    asked = Reading(read_in and ZoneInfo(read_in), inclusive).window((date(2026, 1, 1),), ZoneInfo("America/New_York"))
    assert (str(asked.date_from), str(asked.date_to)) == dates


def test_an_account_that_reads_dates_in_another_zone_than_said_is_found_out():
    zone = ZoneInfo("America/New_York")
    reading = Reading(zone, date_to_inclusive=True)
    asked = reading.window((date(2026, 1, 1),), zone)
    midnight = day_start(date(2026, 1, 1), zone)
    reading.check(asked, np.array([midnight, midnight + 86_399]), zone)
    reading.check(asked, np.array([], np.int64), zone)
    for outside in (midnight - 1, midnight + 86_400):
        with pytest.raises(ValueError, match="outside 2026-01-01 to 2026-01-01 as America/New_York has these dates"):
            reading.check(asked, np.array([midnight, outside]), zone)


def test_a_list_of_other_dates_in_any_zone_is_only_taken_where_it_reaches_over_the_days():
    zone, day = ZoneInfo("UTC"), date(2026, 1, 10)
    asked, noon = UNKNOWN.window((day,), zone), day_start(day, zone) + 43_200
    near, far = 36 * 3600, 20 * 86_400
    for starts in ([noon], [noon - near, noon + near], [noon - far, noon, noon + far], []):
        UNKNOWN.check(asked, np.array(starts, np.int64), zone)
    for starts in ([noon + far], [noon - far], [noon, noon + far], [noon - far, noon]):
        with pytest.raises(ValueError, match="it ignores dateFrom and dateTo, and its list does not cover these days"):
            UNKNOWN.check(asked, np.array(starts, np.int64), zone)
