"""Charts say when and how many, on the smallest day too, and who, whatever people are called."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calls_assets.display import apart, shown
from calls_assets.report.charts import COLOURS, MOST_OF_A_NAME, agents, half_hours
from calls_assets.sandbox.hostile import HOSTILE_WORDS


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


HOURS = {"inbound": 1.0, "outbound": 0.5}


def people(svg):
    """The drawing as XML, and the names in it, which are taken out."""
    root = ElementTree.fromstring(svg)
    names = []
    for div in root.iter("{http://www.w3.org/1999/xhtml}div"):
        names.append(div.text or "")
        div.text = ""
        assert len(div) == 0
    return ElementTree.tostring(root), names


@given(st.lists(st.text(st.characters(codec=None)) | st.sampled_from(HOSTILE_WORDS), min_size=1, max_size=20))
@settings(max_examples=50)
@example(list(HOSTILE_WORDS))
def test_whatever_agents_are_called_the_drawing_is_the_same_but_for_their_names(names):
    plain, _ = people(agents([{"name": f"agent {n}", **HOURS} for n, _ in enumerate(names)]))
    drawn, there = people(agents([{"name": name, **HOURS} for name in names]))
    assert drawn == plain
    assert there == [shown(name, MOST_OF_A_NAME) for name in names]


def test_agents_who_are_shown_alike_have_a_bar_each_and_their_ids():
    names = apart(["Ann " * 99, "Ann " * 100], [7, 8])
    twins = agents([{"name": name, **HOURS} for name in names])
    bars = [colour for colour in re.findall(r'<path d="M[^"]*" fill="(#\w+)"', twins) if colour in COLOURS.values()]
    assert len(bars) == 4
    assert [name[-5:] for name in people(twins)[1]] == ["… (7)", "… (8)"]
