"""The verdict on a day: how it stands against the targets, where and when it broke, and which ring groups missed theirs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from calls_assets.report.breach import Breach, Cell, breach
from calls_assets.report.figures import Compared, Details, Totals, UsualLevels, ring_group_id
from calls_assets.report.judgement import (
    ABANDONMENT,
    SERVICE_LEVEL,
    Change,
    Measure,
    Rate,
    Standing,
    change,
    lacking,
    standing,
)
from calls_assets.targets import Targets

MISSES = (Standing.MISSED, Standing.UNSURE)
WORST_FIRST = (*MISSES, Standing.MET)

PARTS = {SERVICE_LEVEL: "within", ABANDONMENT: "abandoned"}
"""For each measure the count in a row of ring groups."""


@dataclass(frozen=True)
class Judged:
    """A share with all that it is judged by.

    Attributes:
        measure: What it measures.
        rate: The share.
        target: The share to be reached, from 0 to 1; None where there is none.
        standing: How it stands against that.
        usual: What it was on the days before; None where that is unknown.
        change: How it moved against these.
    """

    measure: Measure
    rate: Rate
    target: float | None
    standing: Standing | None
    usual: Rate | None
    change: Change | None

    @property
    def lacks(self) -> float:
        """How many calls it lacks to its target; 0 where there is none."""
        return 0.0 if self.target is None else lacking(self.measure, self.rate, self.target)

    @classmethod
    def of(cls, measure: Measure, rate: Rate, target: float | None, usual: Rate | None) -> "Judged":
        """A share, judged."""
        return cls(measure, rate, target, standing(measure, rate, target), usual, change(measure, rate, usual))


@dataclass(frozen=True)
class Group:
    """A ring group of the day.

    Attributes:
        row: Its row of the figures.
        level: Its service level, judged by the four weeks before.
        lost: Its abandonment, judged.
        is_worst: Whether no other lacks as many calls to its target.
    """

    row: dict[str, Any]
    level: Judged
    lost: Judged
    is_worst: bool

    @property
    def missed(self) -> Judged | None:
        """The share that surely missed its target, the service level first; None where neither did."""
        return next((each for each in (self.level, self.lost) if each.standing is Standing.MISSED), None)


@dataclass(frozen=True)
class Verdict:
    """The verdict on a day.

    Attributes:
        standing: The worst standing of its shares; None where no target is set, or no call can be judged.
        level: Its service level.
        lost: Its abandonment.
        broken: Which of the two broke: missed its target, a sure miss first, or without one is worse than usual; None where
            neither did.
        breach: Where and when it broke; None where it did not.
        where: The name of the ring group in which it broke, safe to show; None where no single one is to blame.
        usual: The usual service level of that ring group, or else of those half-hours, where the service level broke.
        groups: Its ring groups, the busiest first.
    """

    standing: Standing | None
    level: Judged
    lost: Judged
    broken: Judged | None
    breach: Breach | None
    where: str | None
    usual: Rate | None
    groups: tuple[Group, ...]

    @property
    def is_unsure(self) -> bool:
        """Whether the share that broke missed its target by so few calls that it may be chance."""
        return self.broken is not None and self.broken.standing is Standing.UNSURE

    @property
    def groups_missed(self) -> tuple[Group, ...]:
        """The ring groups that surely missed a target."""
        return tuple(group for group in self.groups if group.missed)


def verdict(compared: Compared, details: Details, usual: UsualLevels, targets: Targets) -> Verdict:
    """The verdict on a day.

    Args:
        compared: The day beside those before it.
        details: Its own figures.
        usual: The service levels of the four weeks before.
        targets: What it is judged by. Without a target, a day breaks where it is worse than usual by more than chance.
    """
    before = compared.same_weekdays or compared.four_weeks
    level = _of_the_day(SERVICE_LEVEL, compared.day, before, targets.service_level.usual)
    lost = _of_the_day(ABANDONMENT, compared.day, before, targets.abandonment.usual)
    broken = broken_of(level, lost)
    found, where = _breach(broken, details, targets) if broken else None, None
    if found and found.member is not None:
        where = next((row["name"] for row in details.ring_groups if row["member_id"] == found.member), None)
    return Verdict(
        standing=worst_standing(level, lost),
        level=level,
        lost=lost,
        broken=broken,
        breach=found,
        where=where,
        usual=_usual_of(found, details, usual) if found and broken is level else None,
        groups=tuple(_groups(details, usual, targets)),
    )


def _of_the_day(measure: Measure, day: Totals, before: Totals | None, target: float | None) -> Judged:
    return Judged.of(measure, day.rate(measure), target, before.rate(measure) if before else None)


def worst_standing(*shares: Judged) -> Standing | None:
    """The worst standing of some shares; None where none has one."""
    standings = {each.standing for each in shares}
    return next((each for each in WORST_FIRST if each in standings), None)


def broken_of(*shares: Judged) -> Judged | None:
    """The share that missed its target, a sure miss first; else one that without a target is worse than usual."""
    missed = [each for standing in MISSES for each in shares if each.standing is standing]
    worse = [each for each in shares if each.target is None and each.change and each.change.is_better is False]
    return next(iter(missed + worse), None)


def _breach(broken: Judged, details: Details, targets: Targets) -> Breach | None:
    """Where a share broke: held against the ring groups' own targets, or without a target against what is usual."""
    by_group = targets.service_level if broken.measure is SERVICE_LEVEL else targets.abandonment
    usual = broken.usual.share if broken.usual and broken.target is None else None
    cells = [
        Cell(row["start"], row["member"], Rate(row[PARTS[broken.measure]], row["counted"]), aim)
        for row in details.ring_group_half_hours
        for aim in [by_group.of(row["ring_group_id"]) if usual is None else usual]
        if aim is not None
    ]
    return breach(broken.measure, cells)


def _usual_of(found: Breach, details: Details, usual: UsualLevels) -> Rate | None:
    """The usual service level of the ring group, or else of the half-hours of a breach."""
    if found.member is not None:
        return usual.get(("ring_group", found.member))
    clocks = [row["at"][:5] for row in details.half_hours if found.first <= row["start"] < found.end]
    rates = [usual[key] for key in (("half_hour", clock) for clock in clocks) if key in usual]
    return Rate(sum(rate.part for rate in rates), sum(rate.whole for rate in rates)) if rates else None


def _groups(details: Details, usual: UsualLevels, targets: Targets) -> Iterator[Group]:
    levels = [_level(row, usual, targets) for row in details.ring_groups]
    most = max((level.lacks for level in levels if level.standing is Standing.MISSED), default=None)
    for row, level in zip(details.ring_groups, levels, strict=True):
        target = targets.abandonment.of(ring_group_id(row["member_id"]))
        lost = Judged.of(ABANDONMENT, Rate(row["abandoned"], level.rate.whole), target, None)
        yield Group(row, level, lost, is_worst=level.standing is Standing.MISSED and level.lacks == most)


def _level(row: dict[str, Any], usual: UsualLevels, targets: Targets) -> Judged:
    rate = Rate(row["within"], row["answered"] + row["abandoned"])
    before = usual.get(("ring_group", row["member_id"]))
    return Judged.of(SERVICE_LEVEL, rate, targets.service_level.of(ring_group_id(row["member_id"])), before)
