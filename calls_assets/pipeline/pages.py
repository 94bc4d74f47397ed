"""What a run does for the daily pages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from calls_assets.days import ONE_DAY
from calls_assets.pipeline.landing import Landing
from calls_assets.pipeline.period_pages import write_period_pages
from calls_assets.pipeline.sound import read_sound
from calls_assets.report.figures import (
    DAYS_SINCE,
    DETAILS,
    INSIDE_LOOKBACK,
    SINCE,
    TOTALS,
    WEEK,
    WEEKS,
    Finality,
    ToCallBack,
    Totals,
    UsualLevels,
    compare,
    details,
    finality,
    to_call_back,
    totals,
    usual_levels,
)
from calls_assets.report.html import DayPage, day_page
from calls_assets.report.period_html import index_page
from calls_assets.report.periods import ShownDay
from calls_assets.report.verdict import verdict
from calls_assets.tables.catalog import RAW_CALLS, REPORT, SERVICE_LEVEL, TABLES
from calls_assets.tables.store import BrokenFile, MissingDay, TableStore
from calls_assets.targets import Targets
from calls_assets.waits import Thresholds

INDEX = f"{REPORT}/index.html"


def write_pages(land: Landing, targets: Targets, sla_seconds: Thresholds) -> None:
    """Write the pages of the run's days, those of other days, weeks and months that show them or link to them, and the index.

    Args:
        land: The run's days, and what it writes through.
        targets: What days are judged by.
        sla_seconds: The vendor's service-level thresholds.

    Other runs may land days meanwhile, so that what all pages share is read again, under the lock, at the end. An object
    store has no lock: there the last of two concurrent runs decides what the index shows until the next run.
    """
    pages = _Pages.of(land, targets, sla_seconds)
    for day in land.days:
        with land.alone():
            land.land_page(REPORT, day, pages.html(day), pages.headlines(day))
    with land.alone():
        now = _Pages.of(land, targets, sla_seconds)
        own, others = {*_touched(land.days, now.days)} - {*land.days}, now.differing_from(pages)
        for day in sorted(own | {*_touched(others, now.days)}):
            now.write_again(day)
        write_period_pages(land, targets, now.by_day, {*land.days, *others})
        land.store.put(INDEX, index_page(now.by_day, targets).encode())


def _touched(changed: Iterable[date], days: Sequence[date]) -> Iterator[date]:
    """The days whose pages show or link to one that changed."""
    moved = {*changed}
    for place, day in enumerate(days):
        neighbours = {*days[max(place - 1, 0) : place], *days[place + 1 : place + 2]}
        shown = {day + n * ONE_DAY for n in range(-WEEKS * WEEK.days, DAYS_SINCE + 1) if n}
        if moved & (neighbours | shown):
            yield day


def _days_of(store: TableStore, names: Iterable[str]) -> list[date]:
    """The days that have a file of each of these tables, in order."""
    return sorted(set.intersection(*({*store.days(TABLES[name])} for name in names)))


@dataclass(frozen=True)
class _Pages:
    """The pages of a tree: the `days` that have one, those that are `called` on, in order, and the `known` totals.

    `called` are the days with files of `SINCE`; `statuses` say whether a day's figures can still change.
    """

    store: TableStore
    land: Landing
    targets: Targets
    sla_seconds: Thresholds
    days: tuple[date, ...]
    called: tuple[date, ...]
    known: Mapping[date, Totals]
    statuses: Mapping[date, str]

    @classmethod
    def of(cls, land: Landing, targets: Targets, sla_seconds: Thresholds) -> "_Pages":
        store = land.store
        found = read_sound(land, TOTALS, _days_of(store, TOTALS), lambda inputs, _: totals(inputs))
        known = {day: of for day, (of, _) in found.items()}
        statuses = {day: status for day, (_, status) in found.items()}
        days = sorted({*store.days_with(REPORT, f"{REPORT}.html"), *land.days})
        return cls(store, land, targets, sla_seconds, tuple(days), tuple(_days_of(store, SINCE)), known, statuses)

    def differing_from(self, other: "_Pages") -> set[date]:
        """The days whose page, totals or status differ between the two."""
        mine, theirs = ({day: (of.known[day], of.statuses[day]) for day in of.known} for of in (self, other))
        both = {*mine, *theirs}
        return ({*self.days} ^ {*other.days}) | {day for day in both if mine.get(day) != theirs.get(day)}

    def html(self, day: date) -> bytes:
        inputs = {name: self.store.files(TABLES[name], [day]) for name in DETAILS}
        if day not in self.known:  # its files' footers are intact, but not their rows
            raise BrokenFile(self.store.read_through([TABLES[name] for name in TOTALS], [day])[day])
        compared, own, usual = compare(day, self.known), details(inputs, self.land.zone), self._usual(day)
        page = DayPage(
            day=day,
            zone=self.land.zone,
            compared=compared,
            details=own,
            verdict=verdict(compared, own, usual, self.targets),
            usual=usual,
            to_call_back=self._to_call_back(day),
            finality=self._finality(day),
            targets=self.targets,
            sla_seconds=self.sla_seconds,
            previous=max((other for other in self.days if other < day), default=None),
            following=min((other for other in self.days if other > day), default=None),
        )
        return day_page(page).encode()

    def _usual(self, day: date) -> UsualLevels:
        before = [past for past in self.known if timedelta(0) < day - past <= WEEKS * WEEK]
        name = SERVICE_LEVEL.name
        return read_sound(self.land, [name], before, lambda inputs, _: usual_levels(inputs[name]))

    def _to_call_back(self, day: date) -> ToCallBack:
        later = {other for other in self.called if timedelta(0) < other - day <= DAYS_SINCE * ONE_DAY}
        zone = self.land.zone
        return read_sound(
            self.land, SINCE, [day, *sorted(later)], lambda inputs, days: to_call_back(day, inputs, days, zone), day
        )

    def write_again(self, day: date) -> None:
        """Update an existing page; one whose tables are missing or broken stays as it is."""
        try:
            html = self.html(day)
        except MissingDay:
            return
        except (BrokenFile, duckdb.Error):
            broken = self.store.read_through([TABLES[name] for name in DETAILS], [day])
            if not broken:
                raise
            self.land.log.warning("The page of %s stays as it is: %s", day, broken[day])
            return
        self.store.put(f"{REPORT}/date={day}/{REPORT}.html", html)

    @property
    def by_day(self) -> dict[date, ShownDay]:
        paged = {*self.days}
        return {
            day: ShownDay(self.known.get(day), self._finality(day), day in paged)
            for day in sorted({*self.known} | paged)
        }

    def headlines(self, day: date) -> dict[str, Any]:
        of = self.known[day]
        rates = {"service_level": of.service_level, "abandonment_rate": of.abandonment}
        return {"day_status": self.statuses[day], "calls_offered": of.calls_offered} | {
            name: rate for name, rate in rates.items() if rate is not None
        }

    def _finality(self, day: date) -> Finality:
        status = self.statuses.get(day, "")
        pulled_s = self.store.placed_at(RAW_CALLS, day) if INSIDE_LOOKBACK in status else None
        return finality(day, self.land.zone, status, pulled_s)
