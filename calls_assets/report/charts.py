"""Charts as SVG, drawn by Vega-Lite, in colours that colour-blind people can tell apart (Okabe and Ito).

Vega gets only times, numbers and our own words: it may read a name as code or as XML, and some names end the process.
Names are inserted into the finished SVG, as text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import vl_convert

from calls_assets.display import shown

ANSWERED, ABANDONED, OTHER, LEVEL = "answered", "abandoned", "otherwise unanswered", "service level"

COLOURS = {ANSWERED: "#0072B2", ABANDONED: "#E69F00", OTHER: "#999999", LEVEL: "#009E73"}
"""Each has a contrast of at least 3:1 on white and on black, and differs from the others in every colour blindness."""

INK = "#808080"
"""The colour of text and axes where no style sheet sets one: legible on white and on black."""

WIDTH = 380

NAME_WIDTH, BAR = 115, 17
"""The width of an agent's name and the height of a row, in pixels."""

MOST_OF_A_NAME = 120
"""Characters of a name, including the id beside it."""

NAME_HOLDER = re.compile(r'<text [^>]*transform="(translate\([^)]*\))"[^>]*>agent (\d+)</text>')
"""What Vega draws in the place of a name."""

FEW = 4
"""Up to this many half-hours are each labelled, and up to this many calls each have a tick."""

Spec = dict[str, Any]
Row = Mapping[str, Any]


def half_hours(rows: Sequence[Row], ink: str = INK) -> str:
    """A day's half-hours as SVG: calls above, stacked by how they ended, and the service level below.

    Args:
        rows: For each half-hour, gaps filled, `at` (its local time with offset, `HH:MM+HH:MM`), `answered`, `abandoned`,
            `other` (counts) and `level` (share from 0 to 1, or None).
        ink: A CSS colour for text and axes.
    """
    kinds = ((ANSWERED, "answered"), (ABANDONED, "abandoned"), (OTHER, "other"))
    counts = [
        {"at": row["at"], "kind": kind, "calls": row[name], "order": place}
        for row in rows
        for place, (kind, name) in enumerate(kinds)
        if row[name]
    ]
    times = [row["at"] for row in rows]
    most = max((sum(row[name] for _, name in kinds) for row in rows), default=0)
    every = _x(times, labels=False)
    calls = {
        "height": 130,
        "data": {"values": counts},
        "mark": {"type": "bar"},
        "encoding": {
            "x": every,
            "y": {
                "field": "calls",
                "type": "quantitative",
                "title": "calls offered",
                "axis": {"format": "d"} | ({"values": list(range(most + 1))} if most <= FEW else {"tickCount": 5}),
            },
            "order": {"field": "order"},
            "color": _colour((ANSWERED, ABANDONED, OTHER)),
        },
    }
    level = {
        "height": 70,
        "data": {"values": [{"at": row["at"], "level": row["level"]} for row in rows if row["level"] is not None]},
        "mark": {
            "type": "line",
            "point": {"filled": True, "size": 22, "color": COLOURS[LEVEL]},
            "strokeWidth": 1.5,
            "color": COLOURS[LEVEL],
        },
        "encoding": {"x": _x(times, labels=True), "y": _share("level", "service level")},
    }
    return _svg({"vconcat": [calls, level], "spacing": 10, "resolve": {"scale": {"x": "shared"}}}, ink)


def days(rows: Sequence[Row], ink: str = INK) -> str:
    """Service level and abandonment over days as SVG; a day without a file leaves a gap.

    Args:
        rows: For each day `day` (ISO), `level` and `abandonment` (share from 0 to 1, or None).
        ink: A CSS colour for text and axes.
    """
    values = [
        {"day": row["day"], "kind": kind, "share": row[name]}
        for row in rows
        for kind, name in ((LEVEL, "level"), (ABANDONED, "abandonment"))
    ]
    spec = {
        "height": 120,
        "data": {"values": values},
        "mark": {
            "type": "line",
            "point": {"filled": True, "size": 22},
            "strokeWidth": 1.5,
            "invalid": "break-paths-show-domains",
        },
        "encoding": {
            "x": {
                "field": "day",
                "type": "temporal",
                "timeUnit": "utcyearmonthdate",
                "title": "day",
                "axis": {"format": "%-d %b", "labelOverlap": True, "tickCount": 5},
            },
            "y": _share("share", "share"),
            "color": _colour((LEVEL, ABANDONED)),
        },
    }
    return _svg(spec, ink)


def agents(rows: Sequence[Row], ink: str = INK) -> str:
    """Talk time of agents as SVG, with their names as embedded HTML.

    Args:
        rows: For each agent `name`, `inbound` and `outbound` (hours), in the order in which to show the agents.
        ink: A CSS colour for text and axes.
    """
    kinds = ("inbound", "outbound")
    values = [{"place": place, "kind": kind, "hours": row[kind]} for place, row in enumerate(rows) for kind in kinds]
    room = {"labelExpr": "'agent ' + datum.value", "minExtent": NAME_WIDTH, "maxExtent": NAME_WIDTH}
    spec = {
        "height": {"step": BAR},
        "data": {"values": values},
        "mark": "bar",
        "encoding": {
            "y": {"field": "place", "type": "ordinal", "title": None, "axis": room},
            "x": {
                "field": "hours",
                "type": "quantitative",
                "title": "talk time in hours",
                "axis": {"tickCount": 6},
            },
            "color": {
                "field": "kind",
                "type": "nominal",
                "scale": {"domain": list(kinds), "range": [COLOURS[ANSWERED], COLOURS[ABANDONED]]},
                "legend": {"title": None, "orient": "top"},
            },
        },
    }
    return NAME_HOLDER.sub(lambda holder: _name(rows[int(holder[2])]["name"], holder[1], ink), _svg(spec, ink))


def _name(name: str, where: str, ink: str) -> str:
    """A name to the left of a position, cut off by the browser where it is too wide."""
    style = f"color: {ink}; font: 11px/{BAR}px system-ui, sans-serif; text-align: right; white-space: nowrap"
    return (
        f'<foreignObject transform="{where}" x="-{NAME_WIDTH}" y="-11.5" width="{NAME_WIDTH}" height="{BAR}">'
        f'<div xmlns="http://www.w3.org/1999/xhtml" dir="auto" style="{style}; overflow: hidden; text-overflow: ellipsis">'
        f"{escape(shown(name, MOST_OF_A_NAME))}</div></foreignObject>"
    )


def _x(times: Sequence[str], labels: bool) -> Spec:
    named = [at for at in times if at[3:5] == "00"] if len(times) > FEW else times
    axis: Spec = {
        "values": named[:: 1 + len(named) // 9],
        "labelExpr": "substring(datum.label, 0, 5)",
        "labelAngle": 0,
        "labels": labels,
        "ticks": labels,
    }
    return {
        "field": "at",
        "type": "ordinal",
        "scale": {"domain": list(times)},
        "title": "start of the half-hour, local time" if labels else None,
        "axis": axis,
    }


def _share(field: str, title: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [0, 1]},
        "axis": {"format": "%", "values": [0, 0.25, 0.5, 0.75, 1]},
    }


def _colour(kinds: Sequence[str]) -> Spec:
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": list(kinds), "range": [COLOURS[kind] for kind in kinds]},
        "legend": {"title": None, "orient": "top"},
    }


def _svg(spec: Spec, ink: str) -> str:
    words = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    }
    lines = {"domainColor": ink, "tickColor": ink, "gridColor": ink, "gridOpacity": 0.25}
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 14, "right": 5, "top": 5, "bottom": 5},
        "config": {
            "aria": False,
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": words | lines,
            "axisX": {"grid": False},
            "legend": words,
        },
    }
    sized = (
        {"width": WIDTH}
        if "vconcat" not in spec
        else {"vconcat": [{"width": WIDTH} | part for part in spec["vconcat"]]}
    )
    svg: str = vl_convert.vegalite_to_svg(json.dumps(whole | spec | sized))
    return svg
