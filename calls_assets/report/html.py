"""Figures -> pages: one self-contained HTML file a day, and an index of them. The same figures give the same bytes."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from calls_assets.display import shown
from calls_assets.report import charts
from calls_assets.report.figures import Compared, Details, Finality, Totals

LOG = logging.getLogger(__name__)
INK = "var(--ink)"
MOST_AGENTS_DRAWN = 15
"""The table below the chart lists them all."""

NOT_DRAWN = Markup('<p class="soft">This chart could not be drawn; the figures are not affected.</p>')


def day_page(
    day: date,
    zone: ZoneInfo,
    compared: Compared,
    details: Details,
    finality: Finality,
    previous: date | None,
    following: date | None,
) -> str:
    """The page of a day.

    Args:
        day: The local day.
        zone: Its zone.
        compared: The day compared with those before it.
        details: The day's own figures.
        finality: How final the day is.
        previous: The nearest earlier day that has a page, to be linked.
        following: The nearest later day that has a page.
    """
    return (
        _environment()
        .get_template("day.html")
        .render(
            day=day,
            zone=zone.key,
            compared=compared,
            details=details,
            finality=finality,
            previous=previous,
            following=following,
            gaps=list(_gaps(compared, details, finality)),
            trend_chart=_trend(compared),
            half_hour_chart=_drawn(charts.half_hours, details.half_hours),
            agent_chart=_agents(details),
        )
    )


def index_page(days: Mapping[date, tuple[Totals | None, Finality]]) -> str:
    """The page that links the days, the latest first; each with its totals, which may be missing, and its finality."""
    return _environment().get_template("index.html").render(days=sorted(days.items(), reverse=True))


def _gaps(compared: Compared, details: Details, finality: Finality) -> Iterator[str]:
    if finality.open_at:
        yield f"The day was pulled at {finality.open_at}, before it was over: what came later is missing."
    doubts = details.doubts
    sentences = {
        "in_progress": "Calls that were still in progress when the day was pulled, and are in no figure: {}.",
        "rejected": "Records of the API that could not be read, and are in no figure: {}.",
        "guessed": "Unanswered calls for which the phone system did not say how they ended, so their fields decided: {}.",
        "without_verdict": "Answered calls for which the phone system did not say whether they were in time, so that they "
        "count as late: {}.",
        "without_talk": "Answered calls whose talk time is unknown, and in no sum: {}.",
        "differing": "Call types that the phone system counts differently: {}.",
        "refused": "Call types for which the phone system gave no count: {}.",
    }
    yield from (sentence.format(doubts[name]) for name, sentence in sentences.items() if doubts[name])
    if compared.missing:
        yield f"{compared.missing} of the 28 days before have no figures, and are left out of the comparisons."


def _trend(compared: Compared) -> Markup:
    return _drawn(
        charts.days,
        [
            {"day": str(day), "level": of and of.service_level, "abandonment": of and of.abandonment}
            for day, of in compared.trend
        ],
    )


def _agents(details: Details) -> Markup:
    talkers = [row for row in details.agents if row["inbound_s"] + row["outbound_s"] > 0][:MOST_AGENTS_DRAWN]
    kinds = ("inbound", "outbound")
    rows = [{"name": row["name"]} | {kind: row[f"{kind}_s"] / 3600 for kind in kinds} for row in talkers]
    return _drawn(charts.agents, rows)


def _drawn(draw: Callable[[Sequence[charts.Row], str], str], rows: Sequence[charts.Row]) -> Markup:
    """A chart, or a note in its place; empty where there is nothing to draw."""
    try:
        return Markup(draw(rows, INK) if rows else "")  # noqa: S704  # our own chart, in which names are escaped
    except ValueError as error:  # a page without a chart is better than no page
        LOG.warning(
            "A chart of the daily report was left out, because it could not be drawn: %s", shown(str(error), 200)
        )
        return NOT_DRAWN


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("calls_assets.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(
        percent=_percent,
        number=_number,
        seconds=_seconds,
        hours=_hours,
        days=_days,
        clock=_clock,
        long=_long,
        short=_short,
        against=_against,
    )
    return environment


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} s"


def _hours(value: float) -> str:
    return f"{value:,.1f} h"


def _days(value: float) -> str:
    return f"{value:.1f} days"


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _long(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _short(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def _against(share: float | None, before: float | None) -> str:
    if share is None or before is None:
        return ""
    return f"{100 * (share - before):+.1f} points against a week before"
