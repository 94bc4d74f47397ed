"""Charts say when and how many, on the smallest day too."""

import re

import pytest

from calls_assets.report.charts import half_hours


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def row(at, answered):
    return {"at": at, "answered": answered, "abandoned": 0, "other": 0, "level": 1.0}


@pytest.mark.parametrize(
    ("rows", "times", "calls"),
    [
        ([row("09:30+00:00", 1)], {"09:30"}, {"0", "1"}),
        ([row("09:30+00:00", 2), row("10:00+00:00", 0)], {"09:30", "10:00"}, {"0", "1", "2"}),
    ],
)
def test_a_few_calls_are_counted_whole_and_their_half_hours_named(rows, times, calls):
    shown = texts(half_hours(rows))
    assert {text for text in shown if re.fullmatch(r"\d\d:\d\d", text)} == times
    assert {text for text in shown if re.fullmatch(r"[\d.]+", text)} == calls


def test_a_busy_day_names_its_full_hours_only():
    rows = [row(f"{hour:02}:{minute}+00:00", 9) for hour in range(8, 18) for minute in ("00", "30")]
    named = {text for text in texts(half_hours(rows)) if re.fullmatch(r"\d\d:\d\d", text)}
    assert named == {f"{hour:02}:00" for hour in range(8, 18, 2)}
