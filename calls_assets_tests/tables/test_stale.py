"""Days are stale where a file is older than one that it is made from, or where nothing was computed."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.tables.stale import ranges, stale_days

DAY = date(2026, 3, 6)
MADE_FROM = {
    "calls": ("raw_calls", "raw_call_types"),
    "service_level": ("calls",),
    "report": ("service_level", "calls"),
}
FRESH = {"raw_calls": 1, "raw_call_types": 2, "calls": 3, "service_level": 4, "report": 5}


def placed(**times):
    return {name: {DAY: at} if at is not None else {} for name, at in (FRESH | times).items()}


@pytest.mark.parametrize(
    ("times", "stale"),
    [
        ({}, {}),
        ({"raw_calls": 6}, {DAY: 6}),
        ({"raw_call_types": 3.5}, {DAY: 3.5}),
        ({"calls": 4.5}, {DAY: 2}),
        ({"service_level": 6}, {DAY: 2}),
        ({"service_level": None}, {}),
        ({"calls": None, "service_level": None, "report": None}, {DAY: 2}),
        ({"raw_calls": 6, "raw_call_types": None}, {}),
        ({"raw_calls": 3, "calls": 3, "service_level": 3, "report": 3}, {}),
    ],
    ids=[
        "all in order",
        "pulled again alone",
        "labels pulled again alone",
        "one table computed again alone",
        "a table in the middle",
        "a table that is not wanted",
        "pulled and never computed",
        "cannot be computed",
        "all at once",
    ],
)
def test_a_day_is_stale_where_it_was_made_from_something_else(times, stale):
    assert stale_days(placed(**times), MADE_FROM) == stale


@given(st.sets(st.integers(0, 60)))
def test_ranges_cover_exactly_the_days_and_never_touch(numbers):
    days = sorted(DAY + timedelta(days=n) for n in numbers)
    found = list(ranges(days))
    assert [first + timedelta(days=n) for first, last in found for n in range((last - first).days + 1)] == days
    assert all((later - last).days > 1 for (_, last), (later, _) in pairwise(found))
