"""The verdict on a week or a month: its shares, at what hours it broke, and who missed."""

from datetime import date, time

import pytest

from calls_assets.report.figures import Totals
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Standing
from calls_assets.report.period_verdict import days_missed, period_verdict
from calls_assets.report.periods import Counts, Kind, Period, PeriodDetails, PeriodFigures, RingGroup
from calls_assets.targets import Targets, read_shares

WEEK = Period.of(Kind.WEEK, date(2026, 3, 2))
TARGETS = Targets(read_shares("0.8,7:0.9"), read_shares("0.1"))


def day(within, abandoned=5, counted=100):
    return Totals(1, counted, counted - abandoned, within, abandoned, 0, 0, 0, 0)


def week(days, half_hours=None, groups=(), before=None):
    return PeriodFigures(
        WEEK,
        Totals.of(days),
        before,
        tuple(zip(WEEK.days, days, strict=True)),
        PeriodDetails(groups, half_hours or {}),
        (),
    )


@pytest.mark.parametrize(
    ("within", "abandoned", "standing", "broken"),
    [
        (85, 5, Standing.MET, None),
        (79, 5, Standing.UNSURE, SERVICE_LEVEL),
        (60, 5, Standing.MISSED, SERVICE_LEVEL),
        (85, 15, Standing.MISSED, ABANDONMENT),
        (79, 20, Standing.MISSED, ABANDONMENT),
    ],
)
def test_the_worst_share_decides_and_what_is_sure_comes_before_what_may_be_chance(within, abandoned, standing, broken):
    found = period_verdict(week([day(within, abandoned)] * 7), TARGETS)
    assert found.standing is standing
    assert (found.broken and found.broken.measure) is broken


def test_it_broke_in_the_half_hours_of_the_clock_that_lack_most_calls_over_all_days():
    half_hours = {(weekday, time(hour)): Counts(20, 20, 20) for weekday in range(5) for hour in (9, 12, 15)}
    half_hours |= {(weekday, time(12, half)): Counts(20, 20, 5) for weekday in range(5) for half in (0, 30)}
    half_hours |= {(5, time(9)): Counts(20, 20, 0)}  # one bad Saturday: fewer than every noon lacks
    found = period_verdict(week([day(60)] * 7, half_hours), TARGETS).breach
    assert (found.first.time(), found.end.time(), found.is_all_day) == (time(12), time(13), False)
    assert (found.rate.part, found.rate.whole) == (50, 200)


def test_without_a_target_it_breaks_where_it_is_worse_than_the_period_before():
    noon = {(0, time(12)): Counts(100, 100, 10), (0, time(9)): Counts(100, 100, 90)}
    before = Totals.of([day(90)] * 7)
    worse = period_verdict(week([day(60)] * 7, noon, before=before), Targets())
    assert (worse.standing, worse.broken.measure, worse.breach.first.time()) == (None, SERVICE_LEVEL, time(12))
    assert period_verdict(week([day(90)] * 7, noon, before=before), Targets()).broken is None
    assert period_verdict(week([day(60)] * 7, noon), Targets()).broken is None


def test_ring_groups_miss_their_own_targets():
    groups = tuple(RingGroup(number, f"Group {number}", Counts(500, 500, 425)) for number in (7, 8))
    (missed,) = period_verdict(week([day(85)] * 7, groups=groups), TARGETS).groups_missed
    assert missed.row["name"] == "Group 7"


def test_days_are_counted_that_missed_either_target_by_more_than_chance_themselves():
    of = week([day(40), day(79), *[day(85)] * 3, day(85, 40), day(40, 40)])
    assert days_missed(of, TARGETS) == 3
    assert days_missed(of, Targets()) == 0
