"""Charts say when and how many, on the smallest day too, on a desk and on a phone, to eyes and to screen readers."""

import re
from xml.etree import ElementTree

import pytest

from calls_assets.report.charts import NARROW, WIDE, days, half_hours


def texts(svg):
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def labels(svg):
    """What a screen reader is told."""
    return [element.get("aria-label") for element in ElementTree.fromstring(svg).iter() if element.get("aria-label")]


def row(at, answered, **more):
    plain = {
        "at": at,
        "answered": answered,
        "abandoned": 0,
        "other": 0,
        "level": 1.0,
        "usual": None,
        "is_marked": False,
    }
    return plain | more


def times(svg):
    return {text for text in texts(svg) if re.fullmatch(r"\d\d:\d\d", text)}


@pytest.mark.parametrize(
    ("rows", "named", "calls"),
    [
        ([row("09:30+00:00", 1)], {"09:30"}, {"0", "1"}),
        ([row("09:30+00:00", 2), row("10:00+00:00", 0)], {"09:30", "10:00"}, {"0", "1", "2"}),
    ],
)
def test_a_few_calls_are_counted_whole_and_their_half_hours_named(rows, named, calls):
    svg = half_hours(rows)
    assert times(svg) == named
    assert {text for text in texts(svg) if re.fullmatch(r"[\d.]+", text)} == calls


def test_a_busy_day_names_its_full_hours_only_and_a_phone_fewer_of_them():
    rows = [row(f"{hour:02}:{minute}+00:00", 9) for hour in range(8, 18) for minute in ("00", "30")]
    assert times(half_hours(rows)) == {f"{hour:02}:00" for hour in range(8, 18)}
    assert times(half_hours(rows, width=NARROW)) == {f"{hour:02}:00" for hour in range(8, 18, 2)}


def test_every_mark_of_a_day_tells_its_numbers():
    rows = [
        row("09:00+00:00", 12, abandoned=3, other=1, level=0.5, usual=0.75),
        row("09:30+00:00", 0, level=None),
        row("10:00+00:00", 7, level=0.9, usual=0.8, is_marked=True),
    ]
    told = labels(half_hours(rows, target=0.8))
    assert {"09:00: 12 answered", "09:00: 3 abandoned", "09:00: 1 otherwise unanswered", "10:00: 7 answered"} <= set(
        told
    )
    assert {"09:00: service level 50%", "10:00: service level 90%", "target 80%"} <= set(told)
    assert [label for label in told if label.startswith("09:30")] == []


def test_a_line_without_a_value_is_no_mark_without_a_name():
    nothing = half_hours([row("09:00+00:00", 0, other=2, level=None)])
    assert "start of the half-hour, local time" in texts(nothing)
    assert labels(nothing) == ["09:00: 2 otherwise unanswered"]
    marks = re.findall(r'<[^>]*role="graphics-symbol"[^>]*>', nothing)
    assert [mark for mark in marks if 'aria-label="' not in mark] == []


def test_every_day_of_a_trend_tells_its_shares_and_the_target_stands_beside():
    rows = [
        {"day": "2026-03-09", "level": 0.8125, "abandonment": 0.05},
        {"day": "2026-03-10", "level": None, "abandonment": None},
        {"day": "2026-03-11", "level": 0.9, "abandonment": 0.02},
    ]
    svg = days(rows, 0.8, 0.05)
    assert {"2026-03-09: service level 81.2%", "2026-03-09: abandoned 5.0%", "2026-03-11: service level 90.0%"} <= set(
        labels(svg)
    )
    assert {"target 80%", "target 5%"} <= set(labels(svg))
    assert svg.count(">target</tspan>") == 2
    assert "target" not in days(rows)


def test_the_axis_of_a_trend_shows_its_moves():
    rows = [{"day": f"2026-03-{day:02}", "level": 0.9 + day / 1000, "abandonment": 0.01} for day in range(1, 29)]
    shares = [float(text.rstrip("%")) for text in texts(days(rows)) if text.endswith("%")]
    assert min(share for share in shares if share > 50) > 80
    assert max(share for share in shares if share < 50) < 5


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_chart_is_as_wide_as_it_is_asked_to_be(width):
    svg = half_hours([row("09:30+00:00", 1)], width=width)
    (whole,) = re.findall(r'^<svg[^>]* width="(\d+)"', svg)
    assert width < int(whole) < width + 110
