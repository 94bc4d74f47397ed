"""What the doctor concludes from numbers, rows and headers."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls_assets.days import day_start
from calls_assets.doctor.dates import Ends, find_zone, fits, offsets, other_seasons, reads_inclusively, usual_offsets
from calls_assets.doctor.findings import Findings
from calls_assets.doctor.messages import describe
from calls_assets.doctor.rate_limit import limit_headers, requests_per_second
from calls_assets.doctor.records import UNORDERED, order
from calls_assets.doctor.single_days import last_closed_day
from calls_assets.doctor.volume import Pull, backfill, volume

DAY = timedelta(days=1)
ZONES = [
    *("UTC", "Europe/London", "America/New_York", "America/Bogota", "Asia/Kolkata", "Africa/Cairo", "Australia/Sydney"),
    *(
        "Pacific/Kiritimati",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Europe/Athens",
        "Asia/Jerusalem",
        "Africa/Lagos",
    ),
    *("Africa/Casablanca", "Asia/Kathmandu"),
]


@st.composite
def ends_in(draw, zone, last):
    """The first and last calls of eight days up to `last` in a zone."""
    found = []
    for day in (last - number * DAY for number in range(8)):
        start, end = day_start(day, zone), day_start(day + DAY, zone) - 1
        calls = draw(st.lists(st.integers(start, end), min_size=1, max_size=3))
        found.append(Ends(day, min(calls), max(calls)))
    return found


DAYS = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(st.data(), DAYS, st.sampled_from(ZONES), st.lists(st.sampled_from(ZONES)))
def test_the_true_zone_always_fits_and_no_other_is_proven_beside_it(data, last, key, others):
    zone = ZoneInfo(key)
    ends = [one for day in (last, *other_seasons(last)) for one in data.draw(ends_in(zone, day))]
    found = find_zone(ends, [zone, *map(ZoneInfo, others)])
    assert found.fitting[0] == key
    assert found.proven in (None, key)


def whole(zone, last, quiet_s=0):
    """Eight days up to `last` whose first and last calls are `quiet_s` from midnight."""
    days = [last - number * DAY for number in range(8)]
    return [Ends(day, day_start(day, zone) + quiet_s, day_start(day + DAY, zone) - 1 - quiet_s) for day in days]


def midnights(zone, last):
    return [day_start(last + number * DAY, zone) for number in range(-366, 367)]


@settings(max_examples=40)
@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(0, 1200))
def test_no_zone_is_proven_whose_midnights_are_not_the_true_ones(last, true, tried, quiet_s):
    ends = [one for day in (last, *other_seasons(last)) for one in whole(ZoneInfo(true), day, quiet_s)]
    found = find_zone(ends, [ZoneInfo(tried)])
    is_alike = midnights(ZoneInfo(tried), last) == midnights(ZoneInfo(true), last)
    assert found.proven in ((None, tried) if is_alike else (None,))
    assert is_alike or tried not in found.fitting or found.rivals or not found.is_close


@pytest.mark.parametrize("key", ["UTC", "Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Sydney"])
def test_a_year_of_calls_near_midnight_proves_the_usual_zones(key):
    last, zone = date(2026, 11, 20), ZoneInfo(key)
    ends = [one for day in (last, *other_seasons(last)) for one in whole(zone, day)]
    assert find_zone(ends, [zone, ZoneInfo("UTC")]).proven == key


def test_a_zone_whose_midnights_were_others_since_the_first_day_to_pull_is_a_rival():
    """Mexico City kept summer time until 2022, Costa Rica never did."""
    true, tried = ZoneInfo("America/Costa_Rica"), ZoneInfo("America/Mexico_City")
    ends = [one for day in (date(2026, 3, 10), date(2026, 1, 20), date(2025, 7, 20)) for one in whole(true, day)]
    assert find_zone(ends, [tried], date(2025, 1, 1)).proven == tried.key
    found = find_zone(ends, [tried], date(2022, 1, 1))
    assert found.proven is None
    assert true.key in found.rivals


def test_two_names_of_one_zone_are_one():
    ends = [one for day in (date(2026, 2, 3), date(2025, 7, 20)) for one in whole(ZoneInfo("UTC"), day)]
    assert find_zone(ends, [ZoneInfo("Etc/UTC"), ZoneInfo("UTC")]).proven == "Etc/UTC"


def test_without_the_other_seasons_the_rivals_are_named():
    found = find_zone(whole(ZoneInfo("UTC"), date(2026, 11, 20)), [ZoneInfo("UTC")])
    assert found.proven is None
    assert "Europe/London" in found.rivals


@pytest.mark.parametrize(
    ("day", "others"),
    [
        (date(2026, 2, 3), [date(2025, 7, 20)]),
        (date(2026, 6, 3), [date(2026, 1, 20)]),
        (date(2026, 11, 24), [date(2026, 1, 20), date(2026, 7, 20)]),
        (date(2026, 5, 3), [date(2026, 1, 20), date(2025, 7, 20)]),
    ],
)
def test_the_other_seasons_are_those_in_which_clocks_may_stand_otherwise(day, others):
    assert list(other_seasons(day)) == others


@given(st.data(), st.integers(-12 * 60, 14 * 60))
def test_the_true_offset_is_always_within_those_that_fit(data, minutes):
    start, end = (-timedelta(minutes=minutes) + number * DAY for number in (0, 1))
    ends = []
    for number in range(5):
        midnight = datetime(2026, 3, 6 + number, tzinfo=UTC)
        low, high = int((midnight + start).timestamp()), int((midnight + end).timestamp()) - 1
        calls = data.draw(st.lists(st.integers(low, high), min_size=1))
        ends.append(Ends(midnight.date(), min(calls), max(calls)))
    least, most = offsets(ends)
    assert least <= minutes * 60 <= most


def test_calls_at_both_ends_of_a_day_leave_one_offset():
    zone = ZoneInfo("Asia/Kolkata")
    day = date(2026, 3, 6)
    ends = [Ends(day, day_start(day, zone), day_start(day + DAY, zone) - 1)]
    assert offsets(ends) == (19_800, 19_800)
    assert fits(zone, ends)
    assert not fits(ZoneInfo("UTC"), ends)
    assert find_zone(ends, [zone]).proven == "Asia/Kolkata"
    assert find_zone([], [zone]).proven is None


def test_offsets_that_exclude_each_other_leave_none():
    day, hour = date(2026, 3, 6), 3600
    start = day_start(day, ZoneInfo("UTC"))
    ends = [Ends(day, start - 5 * hour, start + hour), Ends(day + DAY, start + 23 * hour, start + 47 * hour + hour)]
    assert offsets(ends) is None


@pytest.mark.parametrize(
    ("found", "usual"), [((-18_100, -17_000), (-18_000, -17_100)), ((10, 20), None), ((-5, 5), (0, 0))]
)
def test_only_whole_quarters_of_an_hour_are_usual(found, usual):
    assert usual_offsets(found) == usual


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=9))
def test_counts_of_days_tell_whether_the_last_one_is_in(counts):
    both = [here + after for here, after in pairwise(counts)]
    assert reads_inclusively(counts, both) is (True if any(both) else None)
    nothing = [0] * len(counts)
    assert reads_inclusively(nothing, counts[:-1]) is (False if any(counts[:-1]) else None)


def test_counts_that_do_not_add_up_tell_nothing_and_a_call_at_midnight_does_no_harm():
    assert reads_inclusively([50, 50, 50], [50, 50]) is None  # the dates are ignored
    assert reads_inclusively([40, 41, 39], [82, 80]) is None
    assert reads_inclusively([1, 0, 2], [300, 280]) is False


@pytest.mark.parametrize(
    ("headers", "pace"),
    [
        ({"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "99"}, None),
        ({"X-RateLimit-Limit-Minute": "100", "X-RateLimit-Remaining-Second": "3"}, 1.66),
        ({"X-RateLimit-Limit-Minute": "9" * 5000}, None),
        ({"RateLimit-Policy": "100;w=60"}, 1.66),
        ({"ratelimit-limit": "10, 10;w=1, 600;w=3600"}, 0.16),
        ({"RateLimit-Policy": '"burst";q=10;w=1,"day";q=43200;w=86400'}, 0.5),
        ({"X-Rate-Limit-Limit-Day": "1"}, None),
        ({"RateLimit-Policy": "0;w=0"}, None),
        ({"Retry-After": "30"}, None),
    ],
)
def test_a_pace_is_read_only_where_a_number_and_its_time_are_told(headers, pace):
    assert limit_headers(headers | {"Content-Type": "text/html"}) == headers
    assert requests_per_second(headers) == pace


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(1, 5), (2, 5), (3, 9)], "oldest first"),
        ([(3, 9), (1, 5), (2, 5)], "newest first"),
        ([(1, 5), (2, 4), (3, 9)], "by id, rising"),
        ([(3, 5), (2, 9), (1, 4)], "by id, falling"),
        ([(3, 5), (1, 9), (2, 4)], UNORDERED),
        ([(1, 5)], None),
        ([(2, 5), (1, 5)], None),
    ],
)
def test_the_order_of_rows(rows, found):
    ids, starts = zip(*rows, strict=True)
    whole = pa.table({"id": list(ids), "started_at": list(starts)})
    assert order([whole[:1], whole[1:]]) == found


def test_a_year_takes_its_pages_and_the_call_types_of_each_window():
    counts = {date(2026, 3, 6): 100, date(2026, 3, 7): 20, date(2026, 3, 8): 30}
    found = volume(counts)
    assert (found.a_day, found.a_weekday, found.a_weekend_day) == (50, 100, 25)
    assert volume({}) is None
    year = backfill(1000, 1000, 2.0, Pull(concurrency=4, calls_per_window=100_000))
    assert (year.calls, year.requests, year.seconds) == (365_000, 365 + 4 * 18, 437 * 2.0 / 4)
    slow = backfill(1000, 1000, 2.0, Pull(4, 100_000, requests_per_second=0.5))
    assert slow.seconds == 874


@pytest.mark.parametrize(("hour", "last"), [(11, 8), (12, 9), (23, 9)])
def test_a_day_is_over_when_it_is_over_everywhere(hour, last):
    assert last_closed_day(datetime(2026, 3, 10, hour, tzinfo=UTC)) == date(2026, 3, 9 if last == 9 else 8)


def test_a_header_is_shown_in_a_legible_line_without_the_token():
    headers = {"X-RateLimit-\x1b[2J": "a\u202eb s3\u200bcret", "Rate-Limit": "x" * 999}
    told = dict(describe(Findings(headers=headers), "s3cret"))["Rate limit"]
    assert told == f"X-RateLimit-�[2J: ab ***; Rate-Limit: {'x' * 87}…. They do not state a rate."
