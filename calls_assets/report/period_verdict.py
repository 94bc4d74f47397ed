"""The verdict on a week or a month: how it stands against the targets, at what hours, and which ring groups missed."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time

from calls_assets.days import ANY_DAY
from calls_assets.report.breach import Breach, Cell, breach
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Measure, Standing
from calls_assets.report.periods import Counts, PeriodFigures, by_clock
from calls_assets.report.verdict import Group, Judged, Verdict, broken_of, worst_standing
from calls_assets.targets import Targets

ALL_GROUPS = ""


def period_verdict(figures: PeriodFigures, targets: Targets) -> Verdict:
    """The verdict on a period; its breach is in the clock's half-hours, as if they were UTC, of all days together.

    Args:
        figures: The period's figures.
        targets: What it is judged by. Without a target, a period breaks where it is worse than the one before by more than
            chance.
    """
    level = _judged(SERVICE_LEVEL, figures, targets.service_level.usual)
    lost = _judged(ABANDONMENT, figures, targets.abandonment.usual)
    broken = broken_of(level, lost)
    return Verdict(
        standing=worst_standing(level, lost),
        level=level,
        lost=lost,
        broken=broken,
        breach=_breach(broken, figures.details.half_hours) if broken else None,
        where=None,
        usual=None,
        groups=tuple(_groups(figures, targets)),
    )


def days_missed(figures: PeriodFigures, targets: Targets) -> int:
    """On how many days the service level or the abandonment surely missed its target."""
    aims = ((SERVICE_LEVEL, targets.service_level.usual), (ABANDONMENT, targets.abandonment.usual))
    return sum(
        any(Judged.of(measure, of.rate(measure), aim, None).standing is Standing.MISSED for measure, aim in aims)
        for _, of in figures.trend
        if of
    )


def _judged(measure: Measure, figures: PeriodFigures, target: float | None) -> Judged:
    before = figures.before.rate(measure) if figures.before else None
    return Judged.of(measure, figures.totals.rate(measure), target, before)


def _breach(broken: Judged, half_hours: Mapping[tuple[int, time], Counts]) -> Breach | None:
    usual = broken.usual.share if broken.usual else None
    aim = usual if broken.target is None else broken.target
    if aim is None:
        return None
    clock = by_clock(half_hours).items()
    starts = ((datetime.combine(ANY_DAY, at, UTC), counts.rate(broken.measure)) for at, counts in clock)
    return breach(broken.measure, [Cell(start, ALL_GROUPS, rate, aim) for start, rate in starts])


def _groups(figures: PeriodFigures, targets: Targets) -> Iterator[Group]:
    for group in figures.details.ring_groups:
        level = targets.service_level.of(group.ring_group_id)
        lost = targets.abandonment.of(group.ring_group_id)
        yield Group(
            {"name": group.name},
            Judged.of(SERVICE_LEVEL, group.counts.rate(SERVICE_LEVEL), level, None),
            Judged.of(ABANDONMENT, group.counts.rate(ABANDONMENT), lost, None),
            is_worst=False,
        )
