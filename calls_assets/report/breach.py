"""Where and when a day's share broke: the ring group and the half-hours in which most calls were lacking."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from calls_assets.report.judgement import Measure, Rate, lacking

HALF_HOUR = timedelta(minutes=30)

MOST_OF_IT = 0.5
"""A ring group is named where it alone lacks at least this share of what all of them lack together ..."""

NEARLY_AS_MUCH = 0.75
"""... unless another lacks more than this share of what it lacks: what the rest has to spare would let each of them seem to
be alone."""

ALL_DAY = 0.75
"""A breach that takes this share of the half-hours with calls is one of the whole day."""


@dataclass(frozen=True)
class Cell:
    """The calls of a ring group that began in a half-hour.

    Attributes:
        start: The start of the half-hour, in UTC.
        member: The ring group's id as text, or '(none)'.
        rate: The share that is judged.
        target: The share that was to be reached, from 0 to 1.
    """

    start: datetime
    member: str
    rate: Rate
    target: float


@dataclass(frozen=True)
class Breach:
    """Half-hours in a row in which a share broke.

    Attributes:
        member: The ring group, as in `Cell`; None where no single one is to blame.
        first: The start of the first half-hour, in UTC.
        end: The end of the last one.
        is_all_day: Whether these are nearly all half-hours of the day.
        rate: The share in them.
    """

    member: str | None
    first: datetime
    end: datetime
    is_all_day: bool
    rate: Rate


def breach(measure: Measure, cells: Sequence[Cell]) -> Breach | None:
    """The half-hours in a row that lack most calls to their targets; None where none lack any.

    What a half-hour has to spare makes up for what its neighbours lack: a run goes on as long as it gets worse by it.
    """
    worst = _worst_run(measure, cells)
    if worst is None or worst.lacking <= 0:
        return None
    members = sorted({cell.member for cell in cells})
    member: str | None = None
    if len(members) > 1:
        own = {each: _worst_run(measure, [cell for cell in cells if cell.member == each]) for each in members}
        least_first = sorted((run.lacking, each, run) for each, run in own.items() if run)
        (next_lacked, *_), (lacked, name, run) = least_first[-2:]
        if lacked >= MOST_OF_IT * worst.lacking and next_lacked <= NEARLY_AS_MUCH * lacked:
            member, worst = name, run
    inside = [cell for cell in cells if worst.first <= cell.start < worst.end]
    rates = [cell.rate for cell in inside if member in (None, cell.member)]
    return Breach(
        member,
        worst.first,
        worst.end,
        is_all_day=len({cell.start for cell in inside}) >= ALL_DAY * len({cell.start for cell in cells}),
        rate=Rate(sum(rate.part for rate in rates), sum(rate.whole for rate in rates)),
    )


@dataclass(frozen=True, order=True)
class _Run:
    """Half-hours in a row, and how many calls they lack to their targets."""

    first: datetime
    end: datetime
    lacking: float


def _worst_run(measure: Measure, cells: Sequence[Cell]) -> _Run | None:
    """The half-hours in a row that lack most calls (Kadane's maximum sum); None of no cells."""
    lacks: defaultdict[datetime, float] = defaultdict(float)
    for cell in cells:
        lacks[cell.start] += lacking(measure, cell.rate, cell.target)
    runs: list[_Run] = []
    for start in sorted(lacks):
        goes_on = bool(runs) and runs[-1].lacking > 0
        first, before = (runs[-1].first, runs[-1].lacking) if goes_on else (start, 0.0)
        runs.append(_Run(first, start + HALF_HOUR, before + lacks[start]))
    return max(runs, key=lambda run: run.lacking, default=None)
