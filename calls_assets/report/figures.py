"""The figures of a day's page: read from the tables and compared with the days before; how they look is not decided here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from calls_assets.days import ONE_DAY, day_start
from calls_assets.display import NAMELESS, apart
from calls_assets.metrics.run import Relation, computing, reading, sql
from calls_assets.report.judgement import ABANDONMENT, SERVICE_LEVEL, Measure, Rate
from calls_assets.report.queries import query
from calls_assets.tables.catalog import CALLBACKS_NEVER_DIALLED, CALLERS_NOT_SPOKEN_TO, REPORT_INPUTS

HALF_HOUR = timedelta(minutes=30)
WEEK = timedelta(weeks=1)
WEEKS = 4

DETAILS = REPORT_INPUTS
"""The tables that are read for the day itself."""

NO_RING_GROUP = "(none)"
"""The member that calls without a ring group belong to."""

FINAL, INSIDE_LOOKBACK = "final", "inside_lookback"
"""Two of the values of `day_status`."""

TOTALS = ("service_level", "agent_talk_time")
"""The tables that days are compared by."""

SINCE = ("calls", "raw_calls")
"""The tables that say, with those of later days, who has been spoken to since."""

DAYS_SINCE = 7
"""How many later days are read for that."""


@dataclass(frozen=True)
class Totals:
    """Counts and sums of one or several days, from which rates are computed; never an average of averages."""

    days: int
    calls_offered: int
    calls_answered: int
    calls_answered_within_sla: int
    calls_abandoned: int
    calls_short_abandoned: int
    wait_calls: int
    wait_total_s: int
    talk_s: int

    @property
    def counted(self) -> int:
        """A + B: what service level and abandonment are shares of."""
        return self.calls_answered + self.calls_abandoned

    @property
    def service_level(self) -> float | None:
        """W / (A + B)."""
        return self.calls_answered_within_sla / self.counted if self.counted else None

    @property
    def abandonment(self) -> float | None:
        """B / (A + B)."""
        return self.calls_abandoned / self.counted if self.counted else None

    @property
    def speed_of_answer_s(self) -> float | None:
        """Average over the calls whose wait is known and verified."""
        return self.wait_total_s / self.wait_calls if self.wait_calls else None

    def rate(self, measure: Measure) -> Rate:
        """The share of a measure, as its counts."""
        parts = {SERVICE_LEVEL: self.calls_answered_within_sla, ABANDONMENT: self.calls_abandoned}
        return Rate(parts[measure], self.counted)

    @classmethod
    def of(cls, days: Iterable["Totals"]) -> "Totals | None":
        """The sums over several days; None where there are none."""
        parts = list(days)
        names = cls.__dataclass_fields__
        return cls(**{name: sum(getattr(part, name) for part in parts) for name in names}) if parts else None


@dataclass(frozen=True)
class Compared:
    """A day's totals beside those of the days before it; None where there are no such days."""

    day: Totals
    week_before: Totals | None
    same_weekdays: Totals | None
    four_weeks: Totals | None
    missing: int
    """How many of the four weeks' days have no file."""
    trend: tuple[tuple[date, Totals | None], ...]
    """The four weeks and the day itself, in order."""


@dataclass(frozen=True)
class Details:
    """The figures of the day itself. Rows have the columns of the query of that name; a `name` is safe to show."""

    half_hours: tuple[dict[str, Any], ...]
    ring_groups: tuple[dict[str, Any], ...]
    ring_group_half_hours: tuple[dict[str, Any], ...]
    agents: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]
    doubts: dict[str, Any]


@dataclass(frozen=True)
class ToCallBack:
    """Whom the centre still owes a call, of those who called on the day.

    Attributes:
        callers: How many hung up after waiting and have not been spoken to since.
        dialled: How many of these somebody has tried to reach.
        callbacks: How many callbacks were asked for that nobody has dialled.
    """

    callers: int
    dialled: int
    callbacks: int


UsualLevels = Mapping[tuple[str, str], Rate]
"""The service level of the four weeks before, by ('ring_group', its id as text) and ('half_hour', 'HH:MM')."""


@dataclass(frozen=True)
class Finality:
    """How final a day is.

    Attributes:
        day_status: What `service_level` says of the day: 'final', or why it can still move; '' where it is unknown.
        open_at: The local time (HH:MM) of the pull, where the day was not over then; else None.
    """

    day_status: str
    open_at: str | None

    @property
    def is_provisional(self) -> bool:
        """Whether the day's figures can still move."""
        return self.day_status not in (FINAL, "")


def totals(inputs: Mapping[str, Relation]) -> dict[date, tuple[Totals, str]]:
    """For each day in `TOTALS` its totals and its `day_status`, '' where that is unknown."""
    with reading(inputs) as connection:
        rows = query(connection, "daily_totals")
    return {
        row.pop("local_date"): (Totals(days=1, **row), status) for row in rows for status in [row.pop("day_status")]
    }


def compare(day: date, known: Mapping[date, Totals]) -> Compared:
    """A day compared with the days before it, any of which may be missing.

    Args:
        day: The day, which is among `known`.
        known: Totals by day.
    """
    before = [day - n * ONE_DAY for n in range(7 * WEEKS, 0, -1)]
    there = [past for past in before if past in known]
    weekdays = [past for past in there if (day - past) % WEEK == timedelta(0)]
    return Compared(
        day=known[day],
        week_before=known.get(day - WEEK),
        same_weekdays=Totals.of(known[past] for past in weekdays),
        four_weeks=Totals.of(known[past] for past in there),
        missing=len(before) - len(there),
        trend=tuple((past, known.get(past)) for past in [*before, day]),
    )


def details(inputs: Mapping[str, Relation], zone: ZoneInfo) -> Details:
    """The figures of the day itself, from that day's rows of `DETAILS`."""
    with reading(inputs) as connection:
        (doubts,) = query(connection, "doubts")
        return Details(
            half_hours=half_hours(connection, zone),
            ring_groups=ring_groups(connection),
            ring_group_half_hours=tuple(query(connection, "ring_group_half_hours")),
            agents=tuple(_named(query(connection, "agents"), "agent_key")),
            changes=tuple(query(connection, "changes")),
            doubts=doubts,
        )


def usual_levels(service_level: Relation) -> UsualLevels:
    """What is usual, from the rows of `service_level` of the days before."""
    with reading({"service_level": service_level}) as connection:
        rows = query(connection, "usual_levels")
    return {(row["dimension"], row["member"]): Rate(row["within"], row["counted"]) for row in rows}


def to_call_back(day: date, inputs: Mapping[str, Relation], days: Sequence[date], zone: ZoneInfo) -> ToCallBack:
    """Whom the centre still owes a call.

    Args:
        day: The local day on which they called.
        inputs: The rows of `SINCE` of the days.
        days: The day and those after it that are known.
        zone: Their zone.
    """
    queries = [sql(table.name) for table in (CALLERS_NOT_SPOKEN_TO, CALLBACKS_NEVER_DIALLED)]
    with computing(inputs, "\n".join(queries), days, zone) as connection:
        lost, callbacks = (connection.sql(query).filter(f"local_date = DATE '{day}'") for query in queries)
        dialled = lost.filter("contact_dialled_since")
        return ToCallBack(*(len(relation) for relation in (lost, dialled, callbacks)))


def half_hours(connection: duckdb.DuckDBPyConnection, zone: ZoneInfo) -> tuple[dict[str, Any], ...]:
    """The half-hours of the one day in the connection's `service_level`, gaps filled."""
    return tuple(_filled(query(connection, "half_hours"), zone))


def ring_groups(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], ...]:
    """The ring groups of the one day in the connection's `service_level`, the busiest first."""
    return tuple(_named(query(connection, "ring_groups"), "member_id", NAMELESS))


def ring_group_id(member_id: str) -> int | None:
    """The id of a ring group's row; None of calls that have no ring group."""
    return None if member_id == NO_RING_GROUP else int(member_id)


def finality(day: date, zone: ZoneInfo, day_status: str, pulled_s: float | None) -> Finality:
    """How final a day is.

    Args:
        day: The local day.
        zone: Its zone.
        day_status: What `service_level` says of it.
        pulled_s: When the file of the day's calls was written, in epoch seconds; None where that is unknown.
    """
    is_open = pulled_s is not None and pulled_s < day_start(day + ONE_DAY, zone)
    open_at = datetime.fromtimestamp(pulled_s, zone).strftime("%H:%M") if is_open and pulled_s is not None else None
    return Finality(day_status, open_at)


def _named(rows: Sequence[dict[str, Any]], key: str, nameless: str = "{}") -> Iterable[dict[str, Any]]:
    """Rows with names that are safe to show, no two alike."""
    names = apart((row["name"] for row in rows), (row[key] for row in rows), nameless)
    return [row | {"name": name} for row, name in zip(rows, names, strict=True)]


def _filled(rows: Sequence[dict[str, Any]], zone: ZoneInfo) -> Iterable[dict[str, Any]]:
    """The half-hours from the first to the last, named by local time, including those without calls."""
    by_start = {row.pop("began").replace(tzinfo=UTC): row for row in rows}
    at = min(by_start, default=None)
    while at is not None and at <= max(by_start):
        row = by_start.get(at) or {"answered": 0, "abandoned": 0, "other": 0, "level": None}
        yield row | {"start": at, "at": _clock(at, zone)}
        at += HALF_HOUR


def _clock(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="minutes")[11:]
