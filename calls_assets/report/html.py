"""Figures -> pages: one self-contained HTML file a day. The same figures give the same bytes."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from calls_assets.display import shown
from calls_assets.report import charts
from calls_assets.report.figures import Compared, Details, Finality, ToCallBack, Totals, UsualLevels
from calls_assets.report.judgement import Change, Rate, Standing
from calls_assets.report.verdict import Judged, Verdict
from calls_assets.targets import Targets
from calls_assets.waits import Thresholds

LOG = logging.getLogger(__name__)
INK = "var(--ink)"
COUNTED = ("", "", "two ", "three ", "four ")
"""How many of the last four weeks' weekdays are known, in words."""


class Usual(NamedTuple):
    """How a headline says what its shares are compared with."""

    worse: str
    better: str
    alike: str
    before: str


USUAL = Usual("Worse than usual", "Better than usual", "As usual", "such day before")

MOST_DECIMALS = 4

NOT_DRAWN = Markup('<p class="soft">This chart could not be drawn; the figures are not affected.</p>')


@dataclass(frozen=True)
class DayPage:
    """What the page of a day shows.

    Attributes:
        day: The local day.
        zone: Its zone.
        compared: The day compared with those before it.
        details: The day's own figures.
        verdict: How it stands.
        usual: The service levels of the four weeks before.
        to_call_back: Whom the centre still owes a call.
        finality: How final the day is.
        targets: What it is judged by.
        sla_seconds: The vendor's thresholds (s).
        previous: The nearest earlier day that has a page, to be linked.
        following: The nearest later day that has a page.
    """

    day: date
    zone: ZoneInfo
    compared: Compared
    details: Details
    verdict: Verdict
    usual: UsualLevels
    to_call_back: ToCallBack
    finality: Finality
    targets: Targets
    sla_seconds: Thresholds
    previous: date | None
    following: date | None

    @property
    def is_closed(self) -> bool:
        """Whether no call was offered to staff."""
        return self.compared.day.calls_offered == 0


def day_page(page: DayPage) -> str:
    """The page of a day as HTML."""
    return (
        environment()
        .get_template("day.html")
        .render(
            page=page,
            of=page.compared.day,
            before=None if page.finality.open_at else page.compared.same_weekdays,
            headline=_headline(page),
            gaps=list(_gaps(page)),
            trend_charts=trend(page.compared.trend, page.targets),
            half_hour_charts=_half_hours(page),
            most_talk_s=max((_talk_s(row) for row in page.details.agents), default=0),
        )
    )


def _headline(page: DayPage) -> tuple[str, str]:
    """The verdict in a few words, and the style that it is shown in."""
    if page.is_closed:
        nobody = "No call was offered" if page.compared.day.talk_s else "Closed"
        return ("No call so far" if page.finality.open_at else nobody), "plain"
    return headline(page.verdict, USUAL)


def headline(verdict: Verdict, usual: Usual) -> tuple[str, str]:
    """A verdict on calls in a few words, and the style that it is shown in.

    Args:
        verdict: The verdict.
        usual: How to say what it is compared with.
    """
    if verdict.standing is None and verdict.groups_missed:
        return "Target missed by some ring groups", Standing.MISSED.value
    if verdict.standing is None:
        return usual.worse if verdict.broken else _against(verdict.level, usual), "plain"
    but = f", but {usual.worse.lower()}" if verdict.broken else ", but not everywhere" if verdict.groups_missed else ""
    words = {
        Standing.MISSED: "Target missed",
        Standing.UNSURE: "Target missed, may be chance",
        Standing.MET: f"On target{but}",
    }
    return words[verdict.standing], verdict.standing.value


def _against(level: Judged, usual: Usual) -> str:
    if level.rate.share is None:
        return "No call was answered or abandoned"
    if level.change is None:
        return f"Nothing to judge by: there is no target for all calls, and no {usual.before} is known"
    return usual.better if level.change.is_better else usual.alike


def _gaps(page: DayPage) -> Iterator[str]:
    open_at, doubts, missing = page.finality.open_at, page.details.doubts, page.compared.missing
    if open_at:
        yield f"The day was pulled at {open_at}, before it was over: what came later is missing."
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
    if page.compared.day.calls_answered and not page.compared.day.wait_calls:
        yield "The speed of answer: the phone system gives no wait, and how to tell it is not proven."
    if missing:
        yield f"{missing} of the 28 days before have no figures, and are left out of the comparisons."


def _half_hours(page: DayPage) -> Markup:
    broken = page.verdict.breach
    rows = [
        row
        | {"usual": usual.share if usual else None}
        | {"is_marked": broken is not None and broken.first <= row["start"] < broken.end and not broken.is_all_day}
        for row in page.details.half_hours
        for usual in [page.usual.get(("half_hour", row["at"][:5]))]
    ]
    target = page.targets.service_level.usual
    return drawn(lambda width: charts.half_hours(rows, target, width, INK)) if rows else Markup("")


def trend(days: Sequence[tuple[date, Totals | None]], targets: Targets) -> Markup:
    """Service level and abandonment over days, with their targets; empty where fewer than two days have any."""
    rows = [
        {"day": str(day), "level": of and of.service_level, "abandonment": of and of.abandonment} for day, of in days
    ]
    level, lost = targets.service_level.usual, targets.abandonment.usual
    known = [row for row in rows if row["level"] is not None]
    return drawn(lambda width: charts.days(rows, level, lost, width, INK)) if len(known) > 1 else Markup("")


def drawn(draw: Callable[[int], str]) -> Markup:
    """A chart for a desk and one for a phone, or a note in their place."""
    try:
        wide, narrow = Markup(draw(charts.WIDE)), Markup(draw(charts.NARROW))  # noqa: S704  # our own, of numbers and our words
    except ValueError as error:  # a page without a chart is better than no page
        LOG.warning(
            "A chart of the daily report was left out, because it could not be drawn: %s", shown(str(error), 200)
        )
        return NOT_DRAWN
    return Markup('<div class="wide">{}</div><div class="narrow">{}</div>').format(wide, narrow)


def _talk_s(row: dict[str, Any]) -> int:
    return int(row["inbound_s"] + row["outbound_s"])


@cache
def environment() -> Environment:
    """The templates, with the filters that they share."""
    found = Environment(
        loader=PackageLoader("calls_assets.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    found.filters.update(
        percent=percent,
        share=_share,
        number=_number,
        seconds=_seconds,
        hours=_hours,
        days=_days,
        clock=_clock,
        long=_long,
        short=_short,
        target=_target,
        moved=_moved,
        weekdays=_weekdays,
        at=_at,
    )
    return found


def percent(share: float | None) -> str:
    """A share as pages show it."""
    return "-" if share is None else f"{share:.1%}"


def _share(judged: Judged, rate: Rate | None = None) -> str:
    """A share with as many decimals as say on which side of its target it is.

    Args:
        judged: The share.
        rate: Another one that is held against the same target.
    """
    share, target = (rate or judged.rate).share, judged.target
    if share is None or target is None:
        return percent(share)

    def meets(value: float) -> bool:
        return value >= target if judged.measure.is_floor else value <= target

    shown = (f"{share:.{decimals}%}" for decimals in range(1, MOST_DECIMALS + 1))
    return next((said for said in shown if meets(round(float(said[:-1]) / 100, 9)) == meets(share)), percent(share))


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


def _target(share: float) -> str:
    return f"{100 * share:g}%"


def _moved(change: Change, name: str) -> str:
    """How a share moved, with an arrow and whether that is good."""
    if abs(change.points) < 0.05:
        return f"as on {name}"
    arrow = "\N{BLACK UP-POINTING TRIANGLE}" if change.points > 0 else "\N{BLACK DOWN-POINTING TRIANGLE}"
    verdict = {True: "better", False: "worse", None: "no more than chance"}[change.is_better]
    return f"{arrow} {abs(change.points):.1f} points on {name}: {verdict}"


def _weekdays(day: date, count: int) -> str:
    return f"the last {COUNTED[count]}{day:%A}{'s' if count > 1 else ''}"


def _at(moment: datetime, zone: ZoneInfo) -> str:
    """A local time; with its offset where the clock shows it twice."""
    local = moment.astimezone(zone)
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.isoformat(timespec="minutes")[11:] if is_twice else f"{local:%H:%M}"
