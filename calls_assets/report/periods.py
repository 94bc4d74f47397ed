"""The figures of a week or a month: sums of its days' counts, rates of these sums, and what moved since the one before."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from calls_assets.days import ANY_DAY, ONE_DAY
from calls_assets.display import NAMELESS, apart
from calls_assets.metrics.run import Relation, reading
from calls_assets.report.figures import HALF_HOUR, TOTALS, Finality, Totals, ring_group_id
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Change, Measure, Rate, change
from calls_assets.report.queries import query

DETAILS = TOTALS
"""The tables that are read for a period; they are small, as those of calls are not."""

MOST_MOVES = 8
"""How many of the ring groups and half-hours that moved are told of."""

LEAST_MOVE = 5
"""In calls: what moved by fewer is not worth a reader's time."""


class Kind(StrEnum):
    """A kind of period."""

    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, order=True)
class Period:
    """A calendar week, from Monday as in ISO 8601, or a calendar month.

    Attributes:
        kind: Which of the two.
        first: Its first day.
    """

    kind: Kind
    first: date

    @classmethod
    def of(cls, kind: Kind, day: date) -> "Period":
        """The period that a day is in."""
        return cls(kind, day - day.weekday() * ONE_DAY if kind is Kind.WEEK else day.replace(day=1))

    @property
    def before(self) -> "Period":
        """The period that ends where this one begins."""
        return Period.of(self.kind, self.first - ONE_DAY)

    @property
    def days(self) -> tuple[date, ...]:
        """Its days, in order."""
        longest = 7 if self.kind is Kind.WEEK else 31
        days = (self.first + n * ONE_DAY for n in range(longest))
        return tuple(day for day in days if Period.of(self.kind, day) == self)

    @property
    def key(self) -> str:
        """Its ISO spelling, such as 2026-W48 or 2026-11."""
        return f"{self.first:%G-W%V}" if self.kind is Kind.WEEK else f"{self.first:%Y-%m}"

    @property
    def folder(self) -> str:
        """The folder of its page, among those of the days."""
        return f"{self.kind}={self.key}"

    @property
    def page(self) -> str:
        """The path of its page under the folder of all pages."""
        return f"{self.folder}/{self.kind}ly_report.html"


def periods_of(days: Iterable[date]) -> list[Period]:
    """The weeks and months of the days, in order of kind and time."""
    return sorted({Period.of(kind, day) for day in days for kind in Kind})


@dataclass(frozen=True)
class ShownDay:
    """A day as the pages of several days show it.

    Attributes:
        totals: Its totals; None where it has no figures.
        finality: How final these are.
        has_page: Whether it has a page of its own, to be linked.
    """

    totals: Totals | None
    finality: Finality
    has_page: bool


@dataclass(frozen=True)
class Counts:
    """Inbound calls by how they ended, of any number of days; they can be added up."""

    offered: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """The calls of both."""
        return Counts(
            self.offered + other.offered,
            self.answered + other.answered,
            self.within + other.within,
            self.abandoned + other.abandoned,
        )

    def rate(self, measure: Measure) -> Rate:
        """The service level W / (A + B), or the abandonment B / (A + B)."""
        return Rate(self.within if measure is SERVICE_LEVEL else self.abandoned, self.answered + self.abandoned)


NOTHING = Counts()


@dataclass(frozen=True)
class RingGroup:
    """A ring group's calls of a period; `ring_group_id` is None for calls without one, and `name` is safe to show."""

    ring_group_id: int | None
    name: str
    counts: Counts


@dataclass(frozen=True)
class PeriodDetails:
    """The parts of a period.

    Attributes:
        ring_groups: The busiest first.
        half_hours: By weekday, Monday being 0, and local start; those without calls are not among them.
        agents: The rows of `period_agents.sql`; a `name` is safe to show.
    """

    ring_groups: tuple[RingGroup, ...] = ()
    half_hours: Mapping[tuple[int, time], Counts] = field(default_factory=dict)
    agents: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Move:
    """A ring group or half-hour in which a share moved by more than chance since the period before.

    Attributes:
        name: Of the ring group, or the half-hour's local times; safe to show.
        measure: Which share.
        now: The share in the period.
        before: The same in the period before.
        change: How it moved.
    """

    name: str
    measure: Measure
    now: Rate
    before: Rate
    change: Change

    @property
    def calls(self) -> int:
        """How many more calls than at the share before; fewer where it is negative."""
        return round(self.change.points / 100 * self.now.whole)


@dataclass(frozen=True)
class PeriodFigures:
    """All that a period's page shows.

    Attributes:
        period: Which.
        totals: The sums of its days that have figures.
        before: The sums of the period before; None where no day of it has figures.
        trend: Each of its days with its totals, None where it has none.
        details: Its parts.
        moves: What moved since the period before, the most calls first.
    """

    period: Period
    totals: Totals
    before: Totals | None
    trend: tuple[tuple[date, Totals | None], ...]
    details: PeriodDetails
    moves: tuple[Move, ...]

    @property
    def missing(self) -> list[date]:
        """Its days without figures."""
        return [day for day, of in self.trend if of is None]


def total_of(period: Period, known: Mapping[date, Totals]) -> Totals | None:
    """The sums of a period's days that are among `known`; None where there is none."""
    return Totals.of(known[day] for day in period.days if day in known)


def period_details(inputs: Mapping[str, Relation], zone: ZoneInfo) -> PeriodDetails:
    """The parts of a period, from its days' rows of `DETAILS`; the half-hours are those of the zone's clock."""
    with reading(inputs) as connection:
        return PeriodDetails(
            tuple(_ring_groups(query(connection, "period_ring_groups"))),
            _half_hours(connection, zone),
            tuple(_agents(query(connection, "period_agents"))),
        )


def period_figures(
    period: Period, known: Mapping[date, Totals], details: PeriodDetails, before: PeriodDetails
) -> PeriodFigures:
    """What a period's page shows.

    Args:
        period: Which.
        known: Totals by day.
        details: The period's parts.
        before: Those of the period before.

    Raises:
        ValueError: no day of the period is among `known`.
    """
    totals = total_of(period, known)
    if totals is None:
        raise ValueError(f"{period.key} has no day with figures")
    trend = tuple((day, known.get(day)) for day in period.days)
    return PeriodFigures(period, totals, total_of(period.before, known), trend, details, tuple(moved(details, before)))


def moved(now: PeriodDetails, before: PeriodDetails) -> list[Move]:
    """The ring groups and half-hours whose shares moved by more than chance, those with the most calls first."""
    earlier = {group.ring_group_id: group.counts for group in before.ring_groups}
    pairs = [(group.name, group.counts, earlier.get(group.ring_group_id, NOTHING)) for group in now.ring_groups]
    clocks, earlier_clocks = by_clock(now.half_hours), by_clock(before.half_hours)
    pairs += [(_half_hour(at), counts, earlier_clocks.get(at, NOTHING)) for at, counts in clocks.items()]
    found = [move for pair in pairs for move in _moves(*pair)]
    worth = (move for move in found if abs(move.calls) >= LEAST_MOVE)
    return sorted(worth, key=lambda move: -abs(move.calls))[:MOST_MOVES]


def by_clock(half_hours: Mapping[tuple[int, time], Counts]) -> dict[time, Counts]:
    """The half-hours of all weekdays together, by local start, in order."""
    found: defaultdict[time, Counts] = defaultdict(Counts)
    for (_, at), counts in half_hours.items():
        found[at] += counts
    return dict(sorted(found.items()))


def by_hour(half_hours: Mapping[tuple[int, time], Counts]) -> list[tuple[int, list[Counts]]]:
    """The hours of the clock from the first to the last with calls, each with its calls of Monday to Sunday."""
    found: defaultdict[tuple[int, int], Counts] = defaultdict(Counts)
    for (weekday, at), counts in half_hours.items():
        found[at.hour, weekday] += counts
    hours = [hour for hour, _ in found]
    return [
        (hour, [found.get((hour, weekday), NOTHING) for weekday in range(7)])
        for hour in (range(min(hours), max(hours) + 1) if hours else ())
    ]


def _half_hour(at: time) -> str:
    end = datetime.combine(ANY_DAY, at) + HALF_HOUR
    return f"{at:%H:%M} to {end:%H:%M}"


def _moves(name: str, now: Counts, before: Counts) -> Iterator[Move]:
    for measure in (SERVICE_LEVEL, ABANDONMENT):
        rate, rate_before = now.rate(measure), before.rate(measure)
        found = change(measure, rate, rate_before)
        if found and found.is_better is not None:
            yield Move(name, measure, rate, rate_before, found)


def _ring_groups(found: Sequence[dict[str, Any]]) -> Iterator[RingGroup]:
    names = apart((row["name"] for row in found), (row["member_id"] for row in found), NAMELESS)
    for row, name in zip(found, names, strict=True):
        yield RingGroup(ring_group_id(row["member_id"]), name, _counts(row))


def _half_hours(connection: duckdb.DuckDBPyConnection, zone: ZoneInfo) -> dict[tuple[int, time], Counts]:
    found: defaultdict[tuple[int, time], Counts] = defaultdict(Counts)
    for row in query(connection, "period_half_hours"):
        at = row["began"].replace(tzinfo=UTC).astimezone(zone)
        found[row["local_date"].weekday(), at.time().replace(tzinfo=None)] += _counts(row)
    return dict(found)


def _agents(found: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    names = apart((row["name"] for row in found), (row["agent_key"] for row in found))
    return (row | {"name": name} for row, name in zip(found, names, strict=True))


def _counts(row: Mapping[str, Any]) -> Counts:
    return Counts(row["offered"], row["answered"], row["within"], row["abandoned"])
