"""What a run does for the daily pages."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from calls_assets.days import ONE_DAY
from calls_assets.pipeline.landing import Landing
from calls_assets.report.figures import (
    DETAILS,
    INSIDE_LOOKBACK,
    TOTALS,
    WEEK,
    WEEKS,
    Finality,
    Totals,
    compare,
    details,
    finality,
    totals,
)
from calls_assets.report.html import day_page, index_page
from calls_assets.tables.catalog import RAW_CALLS, REPORT, TABLES
from calls_assets.tables.store import BrokenFile, MissingDay, TableStore

INDEX = f"{REPORT}/index.html"


def write_pages(land: Landing) -> None:
    """Write the pages of the run's days, those of other days that show them or link to them, and the index of all.

    Other runs may land days meanwhile, so that what all pages share is read again, under the lock, at the end. An object
    store has no lock: there the last of two concurrent runs decides what the index shows until the next run.
    """
    pages = _Pages.of(land)
    for day in land.days:
        with land.alone():
            land.land_page(REPORT, day, pages.html(day), pages.headlines(day))
    with land.alone():
        now = _Pages.of(land)
        own = {*_touched(land.days, now.days)} - {*land.days}
        for day in sorted(own | {*_touched(now.differing_from(pages), now.days)}):
            now.write_again(day)
        land.store.put(INDEX, now.index())


def _touched(changed: Iterable[date], days: Sequence[date]) -> Iterator[date]:
    """The days whose pages show or link to one that changed."""
    moved = {*changed}
    for place, day in enumerate(days):
        neighbours = {*days[max(place - 1, 0) : place], *days[place + 1 : place + 2]}
        shown = {day - n * ONE_DAY for n in range(1, WEEKS * WEEK.days + 1)}
        if moved & (neighbours | shown):
            yield day


def _totals(land: Landing, days: Sequence[date]) -> dict[date, tuple[Totals, str]]:
    """The totals of each day, except those with broken files, which must not stop the pages of other days."""
    tables = [TABLES[name] for name in TOTALS]
    try:
        return totals({table.name: land.store.files(table, days) for table in tables}) if days else {}
    except (BrokenFile, duckdb.Error):
        broken = land.store.read_through(tables, days)
        if not broken:
            raise
    for sentence in broken.values():
        land.log.warning("The pages skip a day: %s", sentence)
    return _totals(land, [day for day in days if day not in broken])


@dataclass(frozen=True)
class _Pages:
    """The pages of a tree: the `days` that have one, in order, the `known` totals, and whether these can still change."""

    store: TableStore
    land: Landing
    days: tuple[date, ...]
    known: Mapping[date, Totals]
    statuses: Mapping[date, str]

    @classmethod
    def of(cls, land: Landing) -> "_Pages":
        store = land.store
        there = sorted(set.intersection(*({*store.days(TABLES[name])} for name in TOTALS)))
        found = _totals(land, there)
        known = {day: of for day, (of, _) in found.items()}
        statuses = {day: status for day, (_, status) in found.items()}
        days = sorted({*store.days_with(REPORT, f"{REPORT}.html"), *land.days})
        return cls(store, land, tuple(days), known, statuses)

    def differing_from(self, other: "_Pages") -> set[date]:
        """The days whose page, totals or status differ between the two."""
        mine, theirs = ({day: (of.known[day], of.statuses[day]) for day in of.known} for of in (self, other))
        both = {*mine, *theirs}
        return ({*self.days} ^ {*other.days}) | {day for day in both if mine.get(day) != theirs.get(day)}

    def html(self, day: date) -> bytes:
        inputs = {name: self.store.files(TABLES[name], [day]) for name in DETAILS}
        if day not in self.known:  # its files' footers are intact, but not their rows
            raise BrokenFile(self.store.read_through([TABLES[name] for name in TOTALS], [day])[day])
        compared, own = compare(day, self.known), details(inputs, self.land.zone)
        previous = max((other for other in self.days if other < day), default=None)
        following = min((other for other in self.days if other > day), default=None)
        return day_page(day, self.land.zone, compared, own, self._finality(day), previous, following).encode()

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

    def index(self) -> bytes:
        return index_page({day: (self.known.get(day), self._finality(day)) for day in self.days}).encode()

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
