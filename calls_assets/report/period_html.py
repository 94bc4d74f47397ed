"""Figures of weeks and months -> their pages, and the index of all pages. The same figures give the same bytes."""

from collections.abc import Mapping
from datetime import UTC, date
from zoneinfo import ZoneInfo

from markupsafe import Markup

from calls_assets.days import ONE_DAY
from calls_assets.report.figures import Totals
from calls_assets.report.html import Usual, environment, headline, percent, trend
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Measure
from calls_assets.report.period_charts import sparkline
from calls_assets.report.period_verdict import days_missed, period_verdict
from calls_assets.report.periods import Counts, Kind, Period, PeriodFigures, ShownDay, by_hour, periods_of, total_of
from calls_assets.report.verdict import Judged
from calls_assets.tables.stale import ranges
from calls_assets.targets import Targets

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

SPARK, SPARK_DAYS = "spark", 35
"""The id of what the sparkline says, and the days that it shows, up to the last one."""


def period_page(
    figures: PeriodFigures,
    zone: ZoneInfo,
    targets: Targets,
    days: Mapping[date, ShownDay],
    previous: Period | None,
    following: Period | None,
) -> str:
    """The page of a week or a month.

    Args:
        figures: Its figures.
        zone: The zone of its days.
        targets: What to judge by.
        days: All days that have figures or a page, among them its own.
        previous: The nearest earlier period of its kind that has a page, to be linked.
        following: The nearest later one.
    """
    own = {day: days[day] for day, of in figures.trend if of}
    verdict, before = period_verdict(figures, targets), f"{figures.period.kind} before"
    compared = Usual(
        worse=f"Worse than the {before}",
        better=f"Better than the {before}",
        alike=f"Like the {before}",
        before=f"service level of the {before}",
    )
    return (
        environment()
        .get_template("period.html")
        .render(
            figures=figures,
            verdict=verdict,
            headline=headline(verdict, compared),
            days_missed=days_missed(figures, targets),
            is_over=_is_over(figures.trend[-1][0], days),
            UTC=UTC,
            zone=zone.key,
            level_target=targets.service_level.usual,
            lost_target=targets.abandonment.usual,
            targets=targets,
            days=own,
            unsettled=[day for day, of in own.items() if of.finality.open_at or of.finality.is_provisional],
            missing=[_span(*found) for found in ranges(figures.missing)],
            previous=previous,
            following=following,
            hours=by_hour(figures.details.half_hours),
            weekdays=WEEKDAYS,
            trend_charts=trend(figures.trend, targets),
            title=_title,
            span=_span,
            weekday=_weekday,
            judge=_judge,
            SERVICE_LEVEL=SERVICE_LEVEL,
            ABANDONMENT=ABANDONMENT,
        )
    )


def index_page(days: Mapping[date, ShownDay], targets: Targets) -> str:
    """The page that links the days, the latest first, by week, and the weeks and months with their sums.

    Args:
        days: The days that have figures or a page; those with a page are linked, and the sums are of all.
        targets: What days, weeks and months are judged by.
    """
    known = {day: shown.totals for day, shown in days.items() if shown.totals}
    paged = {day: shown for day, shown in days.items() if shown.has_page}
    spark, says = _spark(known, targets.service_level.usual)
    periods = [(period, total_of(period, known)) for period in reversed(periods_of(paged))]
    return (
        environment()
        .get_template("index.html")
        .render(
            days=paged,
            months=[pair for pair in periods if pair[0].kind is Kind.MONTH],
            weeks=[pair for pair in periods if pair[0].kind is Kind.WEEK],
            spark=spark,
            spark_says=says,
            targets=targets,
            judge=_judge,
            SERVICE_LEVEL=SERVICE_LEVEL,
            ABANDONMENT=ABANDONMENT,
            SPARK=SPARK,
            weekday=_weekday,
            title=_title,
        )
    )


def _is_over(last: date, days: Mapping[date, ShownDay]) -> bool:
    """Whether a period's last day was pulled after its end, or any day after it is known."""
    known = [day for day, of in days.items() if of.totals]
    return max(known) > last or (last in known and not days[last].finality.open_at)


def _spark(known: Mapping[date, Totals], target: float | None) -> tuple[Markup, str]:
    """The service level of the last days, and what it says; both empty where no day has one."""
    last = max(known, default=None)
    days = [last - n * ONE_DAY for n in range(SPARK_DAYS - 1, -1, -1)] if last else []
    levels = {day: known[day].service_level for day in days if day in known}
    there = {day: level for day, level in levels.items() if level is not None}
    if not there:
        return Markup(""), ""
    first, latest = min(there), max(there)
    lowest = min(there, key=lambda day: (there[day], day))
    told = {day: f"{percent(there[day])} on {_day(day)}" for day in (first, latest, lowest)}
    aim = "" if target is None else f"; the dashed line is the target of {percent(target)}"
    says = f"Service level by day, from {told[first]} to {told[latest]}; the lowest is {told[lowest]}{aim}."
    shares = [levels.get(day) for day in days if day >= first]
    return Markup(sparkline(shares, target, SPARK)), says  # noqa: S704  # numbers and our own words


def _judge(measure: Measure, of: Totals | Counts, target: float | None, before: Totals | None = None) -> Judged:
    return Judged.of(measure, of.rate(measure), target, before.rate(measure) if before else None)


def _title(period: Period) -> str:
    return (
        f"Week {period.first.isocalendar().week} of {period.first:%G}"
        if period.kind is Kind.WEEK
        else f"{period.first:%B %Y}"
    )


def _span(first: date, last: date) -> str:
    """Days from one to another, such as 23 to 29 Nov."""
    if first == last:
        return _day(first)
    return f"{first.day}{'' if first.month == last.month else f' {first:%b}'} to {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _weekday(day: date) -> str:
    return f"{day:%a} {_day(day)}"
