"""Charts as SVG, drawn by Vega-Lite, in colours that colour-blind people can tell apart (Okabe and Ito).

Vega gets only times, numbers and our own words: it may read a name as code or as XML, and some names end the process. Each
mark carries its numbers as a label for screen readers.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import vl_convert

ANSWERED, ABANDONED, OTHER, LEVEL, USUAL = "answered", "abandoned", "otherwise unanswered", "service level", "usual"

COLOURS = {ANSWERED: "#0072B2", ABANDONED: "#E69F00", OTHER: "#999999", LEVEL: "#009E73", USUAL: "#808080"}
"""Each has a contrast of at least 3:1 on white and on black, and differs from the others in every colour blindness."""

INK = "#808080"
"""The colour of text and axes where no style sheet sets one: legible on white and on black."""

WIDE, NARROW = 760, 250
"""Widths of the plot for a desk and for a phone, in pixels: drawn apart, because letters must not shrink with the chart."""

LETTERS = 12

FEW = 4
"""Up to this many half-hours are each labelled, and up to this many calls each have a tick."""

Spec = dict[str, Any]
Row = Mapping[str, Any]


def half_hours(rows: Sequence[Row], target: float | None = None, width: int = WIDE, ink: str = INK) -> str:
    """A day's half-hours as SVG: calls above, stacked by how they ended, and the service level below.

    Args:
        rows: For each half-hour, gaps filled, `at` (its local time with offset, `HH:MM+HH:MM`), `answered`, `abandoned`,
            `other` (counts), `level` and `usual` (shares from 0 to 1, or None) and `is_marked` (whether it is one of those
            in which the day broke).
        target: The service level to be reached, from 0 to 1.
        width: The width of the plot in pixels.
        ink: A CSS colour for text and axes.
    """
    times = [row["at"] for row in rows]
    calls = {"height": 130, "layer": [_marked(rows), _stacked(rows, times, width)]}
    is_known = any(row["level"] is not None for row in rows)
    point = {"point": {"filled": True, "size": 22, "color": COLOURS[LEVEL], "aria": is_known}}
    lines = [
        _half_hour_line(rows, times, width, "usual", USUAL, {"strokeDash": [2, 3]}),
        _half_hour_line(rows, times, width, "level", LEVEL, point),
    ]
    level = {"height": 80, "layer": [_marked(rows), *_target(target, ink), *lines]}
    return _svg({"vconcat": [calls, level], "spacing": 10, "resolve": {"scale": {"x": "shared"}}}, width, ink)


def days(
    rows: Sequence[Row],
    level_target: float | None = None,
    abandonment_target: float | None = None,
    width: int = WIDE,
    ink: str = INK,
) -> str:
    """Service level and, below, abandonment over days as SVG; a day without figures leaves a gap.

    Args:
        rows: For each day `day` (ISO), `level` and `abandonment` (shares from 0 to 1, or None).
        level_target: The service level to be reached, from 0 to 1.
        abandonment_target: The highest abandonment rate, from 0 to 1.
        width: The width of the plot in pixels.
        ink: A CSS colour for text and axes.
    """
    parts = [
        _day_line(rows, "level", LEVEL, level_target, 110, ink),
        _day_line(rows, "abandonment", ABANDONED, abandonment_target, 80, ink),
    ]
    parts[0]["layer"][0]["encoding"]["x"]["axis"] |= {"labels": False, "ticks": False}
    return _svg({"vconcat": parts, "spacing": 12, "resolve": {"scale": {"x": "shared"}}}, width, ink)


def _stacked(rows: Sequence[Row], times: Sequence[str], width: int) -> Spec:
    kinds = ((ANSWERED, "answered"), (ABANDONED, "abandoned"), (OTHER, "other"))
    counts = [
        {
            "at": row["at"],
            "kind": kind,
            "calls": row[name],
            "order": place,
            "said": f"{row['at'][:5]}: {row[name]} {kind}",
        }
        for row in rows
        for place, (kind, name) in enumerate(kinds)
        if row[name]
    ]
    most = max((sum(row[name] for _, name in kinds) for row in rows), default=0)
    ticks = {"values": list(range(most + 1))} if most <= FEW else {"tickCount": 5}
    return {
        "data": {"values": counts},
        "mark": {"type": "bar"},
        "encoding": {
            "x": _x(times, width, labels=False),
            "y": {"field": "calls", "type": "quantitative", "title": "calls offered", "axis": {"format": "d"} | ticks},
            "order": {"field": "order"},
            "color": _colour((ANSWERED, ABANDONED, OTHER), width),
            "description": {"field": "said"},
        },
    }


def _half_hour_line(rows: Sequence[Row], times: Sequence[str], width: int, name: str, kind: str, style: Spec) -> Spec:
    values = [
        {"at": row["at"], "share": row[name], "said": f"{row['at'][:5]}: {kind} {row[name]:.0%}"}
        for row in rows
        if row[name] is not None
    ]
    return {
        "data": {"values": values},
        "mark": {"type": "line", "strokeWidth": 1.5, "color": COLOURS[kind], "aria": bool(values)} | style,
        "encoding": {
            "x": _x(times, width, labels=True),
            "y": _share(
                LEVEL, {"scale": {"domain": [0, 1]}, "axis": {"format": "%", "values": [0, 0.25, 0.5, 0.75, 1]}}
            ),
            "description": {"field": "said"},
        },
    }


def _marked(rows: Sequence[Row]) -> Spec:
    """The background of the half-hours in which the day broke."""
    return {
        "data": {"values": [{"at": row["at"]} for row in rows if row["is_marked"]]},
        "mark": {"type": "rect", "color": COLOURS[ABANDONED], "opacity": 0.18, "aria": False},
        "encoding": {"x": {"field": "at", "type": "ordinal"}},
    }


def _day_line(rows: Sequence[Row], name: str, kind: str, target: float | None, height: int, ink: str) -> Spec:
    values = [
        {"day": row["day"], "share": row[name], "said": f"{row['day']}: {kind} {_percent(row[name])}"} for row in rows
    ]
    scale = {
        "scale": {"nice": True} | ({"zero": False, "domainMax": 1} if kind == LEVEL else {"zero": True}),
        "axis": {"format": "%", "tickCount": 4},
    }
    line = {
        "data": {"values": values},
        "mark": {
            "type": "line",
            "point": {"filled": True, "size": 26, "color": COLOURS[kind]},
            "strokeWidth": 1.5,
            "color": COLOURS[kind],
            "invalid": "break-paths-show-domains",
        },
        "encoding": {
            "x": {
                "field": "day",
                "type": "temporal",
                "timeUnit": "utcyearmonthdate",
                "title": None,
                "axis": {"format": "%-d %b", "labelOverlap": True, "tickCount": 5},
            },
            "y": _share(kind, scale),
            "description": {"field": "said"},
        },
    }
    return {"height": height, "layer": [line, *_target(target, ink)]}


def _target(target: float | None, ink: str) -> list[Spec]:
    """The line of a target, named beside the plot."""
    if target is None:
        return []
    said = f"target {100 * target:g}%"
    y = {"field": "share", "type": "quantitative"}
    line = {
        "mark": {"type": "rule", "strokeDash": [6, 3], "color": ink},
        "encoding": {"y": y, "description": {"field": "said"}},
    }
    beside = {"align": "left", "baseline": "middle", "dx": 4, "x": {"expr": "width"}}
    words = {
        "mark": {"type": "text", "color": ink, "fontSize": LETTERS, "lineBreak": " ", "aria": False} | beside,
        "encoding": {"y": y, "text": {"field": "said"}},
    }
    return [{"data": {"values": [{"share": target, "said": said}]}, "layer": [line, words]}]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _x(times: Sequence[str], width: int, labels: bool) -> Spec:
    named = [at for at in times if at[3:5] == "00"] if len(times) > FEW else times
    axis: Spec = {
        "values": named[:: 1 + len(named) * 45 // width],
        "labelExpr": "substring(datum.label, 0, 5)",
        "labelAngle": 0,
        "labelPadding": 5,
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


def _share(title: str, more: Spec) -> Spec:
    return {"field": "share", "type": "quantitative", "title": title} | more


def _colour(kinds: Sequence[str], width: int) -> Spec:
    return {
        "field": "kind",
        "type": "nominal",
        "scale": {"domain": list(kinds), "range": [COLOURS[kind] for kind in kinds]},
        "legend": {"title": None, "orient": "top", "columns": 0 if width > NARROW else 2},
    }


def _svg(spec: Spec, width: int, ink: str) -> str:
    words = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": LETTERS,
        "titleFontSize": LETTERS,
        "titleFontWeight": "normal",
    }
    lines = {"domainColor": ink, "tickColor": ink, "gridColor": ink, "gridOpacity": 0.25}
    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": None,
        "padding": {"left": 5, "right": 5, "top": 5, "bottom": 5},
        "config": {
            "font": "system-ui, sans-serif",
            "view": {"stroke": None},
            "axis": words | lines | {"aria": False, "minExtent": 40, "maxExtent": 40},
            "axisX": {"grid": False, "minExtent": 0},
            "legend": words | {"aria": False},
        },
    }
    sized = {"vconcat": [{"width": width} | part for part in spec["vconcat"]]}
    svg: str = vl_convert.vegalite_to_svg(json.dumps(whole | spec | sized))
    return svg
