"""The verdict on a day: against its targets, or without them against what is usual."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from calls_assets.by_ring_group import ByRingGroup
from calls_assets.report.figures import Compared, Details, Totals
from calls_assets.report.html import _headline
from calls_assets.report.judgement import Rate, Standing
from calls_assets.report.verdict import verdict
from calls_assets.targets import Targets

NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)

GOOD, POOR, LOST = (90, 10, 0), (50, 50, 0), (70, 0, 30)
"""So many calls of 100 in time, late and abandoned."""


def totals(within, late, abandoned):
    fields = dict.fromkeys(Totals.__dataclass_fields__, 0)
    counts = {"calls_answered": within + late, "calls_answered_within_sla": within, "calls_abandoned": abandoned}
    return Totals(**fields | {"days": 1} | counts)


def day(*groups, before=None, scale=1):
    """A day on which each ring group, from 1, has these calls in each half-hour: at 9:00, 9:30 and so on."""
    counts = [[tuple(scale * count for count in half_hour) for half_hour in group] for group in groups]
    whole = [half_hour for group in counts for half_hour in group]
    compared = Compared(totals(*map(sum, zip(*whole, strict=True))), None, before and totals(*before), None, 0, ())
    names = {1: "Sales", 2: "Billing", 3: "Support"}
    rows = []
    for number, group in enumerate(counts, 1):
        within, late, abandoned = map(sum, zip(*group, strict=True))
        row = {"member_id": str(number), "name": names[number], "answered": within + late, "abandoned": abandoned}
        rows.append(row | {"within": within})
    cells = [
        {"start": NINE + timedelta(minutes=30 * place), "ring_group_id": number, "member": str(number)}
        | {"within": within, "abandoned": abandoned, "counted": within + late + abandoned}
        for number, group in enumerate(counts, 1)
        for place, (within, late, abandoned) in enumerate(group)
    ]
    half_hours = [
        {"at": f"{9 + place // 2:02}:{30 * (place % 2):02}+00:00", "start": NINE + timedelta(minutes=30 * place)}
        for place, _ in enumerate(counts[0])
    ]
    return compared, Details(tuple(half_hours), tuple(rows), tuple(cells), (), (), {})


TARGETS = Targets(ByRingGroup(0.8), ByRingGroup(0.05))


def judged(*groups, targets=TARGETS, usual=None, **more):
    return verdict(*day(*groups, **more), usual or {}, targets)


def test_a_day_on_target_breaks_nowhere():
    found = judged([GOOD, GOOD], [GOOD, GOOD])
    assert (found.standing, found.broken, found.breach, found.groups_missed) == (Standing.MET, None, None, ())


def test_a_day_that_missed_says_where_and_when_and_what_is_usual_there():
    usual = {("ring_group", "2"): Rate(82, 100), ("half_hour", "09:30"): Rate(7, 10)}
    found = judged([GOOD, GOOD, GOOD], [GOOD, POOR, (10, 90, 0)], usual=usual)
    assert (found.standing, found.where) == (Standing.MISSED, "Billing")
    assert (found.breach.first, found.breach.end) == (NINE + timedelta(minutes=30), NINE + timedelta(minutes=90))
    assert found.usual == Rate(82, 100)
    assert [group.row["name"] for group in found.groups if group.is_worst] == ["Billing"]


def test_where_all_ring_groups_broke_the_usual_is_that_of_the_hour():
    usual = {("ring_group", "1"): Rate(9, 10), ("half_hour", "09:30"): Rate(70, 100)}
    found = judged([GOOD, POOR, GOOD], [GOOD, POOR, GOOD], [GOOD, POOR, GOOD], usual=usual)
    assert (found.where, found.usual) == (None, Rate(70, 100))


def test_the_share_that_missed_decides_where():
    found = judged([LOST, GOOD], [GOOD, GOOD], usual={("ring_group", "1"): Rate(9, 10)})
    assert (found.level.standing, found.lost.standing) == (Standing.MET, Standing.MISSED)
    assert (found.standing, found.where) == (Standing.MISSED, "Sales")
    assert (found.broken, found.breach.rate) == (found.lost, Rate(30, 100))
    assert found.usual is None, "a service level beside an abandonment rate"


def test_of_two_that_missed_the_sure_miss_decides_where():
    found = judged([(78, 2, 20)])
    assert (found.level.standing, found.lost.standing) == (Standing.UNSURE, Standing.MISSED)
    assert found.broken is found.lost


def test_a_target_that_is_missed_decides_before_what_is_usual():
    found = judged([(50, 10, 40)], targets=Targets(abandonment=ByRingGroup(0.05)), before=(900, 90, 10))
    assert found.level.change.is_better is False
    assert found.broken is found.lost


@pytest.mark.parametrize(
    ("group", "before", "targets", "headline"),
    [
        ((80, 0, 20), (780, 160, 60), Targets(), "Worse than usual"),
        ((85, 0, 15), (700, 240, 60), Targets(), "Worse than usual"),
        ((85, 9, 6), (700, 240, 60), Targets(), "Better than usual"),
        ((70, 24, 6), (700, 240, 60), Targets(), "As usual"),
        ((85, 0, 15), (700, 240, 60), Targets(ByRingGroup(0.8)), "On target, but worse than usual"),
        ((50, 48, 2), (900, 90, 10), Targets(abandonment=ByRingGroup(0.05)), "On target, but worse than usual"),
        ((85, 9, 6), (700, 240, 60), Targets(ByRingGroup(0.8)), "On target"),
    ],
)
def test_the_headline_says_no_better_than_the_sentence_under_it(group, before, targets, headline):
    found = judged([group], targets=targets, before=before)
    page = SimpleNamespace(verdict=found, is_closed=False, finality=SimpleNamespace(open_at=None))
    assert _headline(page)[0] == headline
    assert (found.breach is not None) is ("orse" in headline)


def test_a_ring_group_is_held_against_its_own_target():
    own = Targets(ByRingGroup(0.8, {2: 0.95}))
    found = judged([GOOD], [GOOD], targets=own, scale=10)
    assert found.standing is Standing.MET
    assert [group.row["name"] for group in found.groups_missed] == ["Billing"]
    assert [group.level.target for group in found.groups] == [0.8, 0.95]


def test_a_ring_group_that_loses_too_many_missed_its_target_too():
    own = Targets(ByRingGroup(0.8), ByRingGroup(0.05, {2: 0.01}))
    found = judged([GOOD], [(95, 0, 5)], [GOOD], targets=own, scale=10)
    assert (found.standing, found.broken) == (Standing.MET, None)
    (missed,) = found.groups_missed
    assert (missed.row["name"], missed.missed) == ("Billing", missed.lost)


def test_targets_of_ring_groups_alone_judge_these_only():
    found = judged([POOR], [GOOD], targets=Targets(ByRingGroup(None, {1: 0.8})))
    assert (found.standing, found.breach) == (None, None)
    assert [group.level.standing for group in found.groups] == [Standing.MISSED, None]


@pytest.mark.parametrize(
    ("before", "is_better"), [((90, 10, 0), False), ((10, 90, 0), True), ((51, 49, 0), None), (None, None)]
)
def test_without_a_target_a_day_is_held_against_what_is_usual(before, is_better):
    found = judged([POOR], targets=Targets(), before=before)
    assert found.standing is None
    assert (found.level.change.is_better if found.level.change else None) is is_better
    assert (found.breach is not None) is (is_better is False)


def test_calls_without_a_ring_group_have_the_target_of_all():
    compared, details = day([GOOD])
    details = replace(details, ring_groups=({**details.ring_groups[0], "member_id": "(none)", "name": "(none)"},))
    (group,) = verdict(compared, details, {}, Targets(ByRingGroup(0.95, {1: 0.5}))).groups
    assert group.level.target == 0.95


@pytest.mark.parametrize(("late", "is_unsure"), [(24, True), (50, False)])
def test_a_day_that_may_have_missed_by_chance_is_not_said_to_have_broken(late, is_unsure):
    found = judged([(100 - late, late, 0)])
    assert (found.broken, found.is_unsure) == (found.level, is_unsure)


def test_a_day_without_calls_has_no_verdict():
    compared = Compared(totals(0, 0, 0), None, None, None, 0, ((date(2026, 3, 10), None),))
    found = verdict(compared, Details((), (), (), (), (), {}), {}, TARGETS)
    assert (found.standing, found.breach, found.groups) == (None, None, ())
