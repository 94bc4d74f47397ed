"""What a run does for the pages of weeks and months."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache

from calls_assets.pipeline.landing import Landing
from calls_assets.pipeline.sound import read_sound
from calls_assets.report.period_html import period_page
from calls_assets.report.periods import (
    DETAILS,
    Period,
    PeriodDetails,
    ShownDay,
    period_details,
    period_figures,
    periods_of,
    total_of,
)
from calls_assets.tables.catalog import REPORT
from calls_assets.targets import Targets


def write_period_pages(land: Landing, targets: Targets, days: Mapping[date, ShownDay], changed: Iterable[date]) -> None:
    """Write the pages of the weeks and months that show or link to a day that changed, and those that have none yet.

    Args:
        land: The run, which is alone in its tree.
        targets: What to judge by.
        days: The days that have figures or a page. A period has a page where a day of it has one; its sums are of all days.
        changed: Those that changed.
    """
    known = {day: shown.totals for day, shown in days.items() if shown.totals}
    paged, folders = periods_of(day for day, shown in days.items() if shown.has_page), land.store.names(REPORT)
    there = [each for each in paged if total_of(each, known)]
    wanted = {*_touched(periods_of(changed), there)} | {each for each in there if each.folder not in folders}

    @cache
    def details(period: Period) -> PeriodDetails:
        return _details(land, [day for day in period.days if day in known])

    for previous, period, following in _in_a_row(there):
        if period in wanted:
            figures = period_figures(period, known, details(period), details(period.before))
            html = period_page(figures, land.zone, targets, days, previous, following)
            land.store.put(f"{REPORT}/{period.page}", html.encode())


def _details(land: Landing, days: Sequence[date]) -> PeriodDetails:
    return read_sound(land, DETAILS, days, lambda inputs, _: period_details(inputs, land.zone))


def _touched(changed: Sequence[Period], there: Sequence[Period]) -> Iterator[Period]:
    """The periods that changed, and those beside them, which link to them or compare with them."""
    for beside in _in_a_row(sorted({*changed, *there})):
        if beside[1] in there and {*changed} & {*beside}:
            yield beside[1]


def _in_a_row(periods: Sequence[Period]) -> Iterator[tuple[Period | None, Period, Period | None]]:
    """Each of the sorted periods between its neighbours of the same kind."""
    for before, period, after in zip([None, *periods], periods, [*periods[1:], None], strict=False):
        yield (
            before if before and before.kind is period.kind else None,
            period,
            after if after and after.kind is period.kind else None,
        )
