"""What a run does for the daily pages."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from calls_assets.api.windows import ONE_DAY
from calls_assets.assets.landing import Landing
from calls_assets.assets.report import NAME
from calls_assets.report.figures import (
    DETAILS,
    TOTALS,
    WEEK,
    WEEKS,
    Standing,
    Totals,
    compare,
    details,
    standing,
    totals,
)
from calls_assets.report.page import day_page, index_page
from calls_assets.tables.dictionary import RAW_CALLS, TABLES
from calls_assets.tables.store import MissingDay, TableStore

INDEX = f"{NAME}/index.html"


def write_pages(land: Landing, repull_days: int) -> None:
    """Write the pages of the run's days, those of other days that show them or link to them, and the index of all.

    Other runs may land days meanwhile, so that what all pages share is looked at again, alone, at the end. An object store
    knows no such alone: there the last of two runs at once decides what the index shows until the next run.
    """
    pages = _Pages.of(land, repull_days)
    for day in land.days:
        with land.alone():
            land.land_page(NAME, day, pages.html(day), pages.headlines(day))
    with land.alone():
        now = _Pages.of(land, repull_days)
        own = {*_touched(land.days, now.days)} - {*land.days}
        for day in sorted(own | {*_touched(now.differing_from(pages), now.days)}):
            now.write_again(day)
        land.store.put(INDEX, now.index())


def _touched(changed: Iterable[date], days: Sequence[date]) -> Iterator[date]:
    """The days whose pages show or link one of those that changed."""
    moved = {*changed}
    for place, day in enumerate(days):
        neighbours = {*days[max(place - 1, 0) : place], *days[place + 1 : place + 2]}
        shown = {day - n * ONE_DAY for n in range(1, WEEKS * WEEK.days + 1)}
        if moved & (neighbours | shown):
            yield day


@dataclass(frozen=True)
class _Pages:
    """The pages of a tree: `days` that have one, in order, and the totals that are `known`."""

    store: TableStore
    land: Landing
    repull_days: int
    days: tuple[date, ...]
    known: Mapping[date, Totals]

    @classmethod
    def of(cls, land: Landing, repull_days: int) -> "_Pages":
        store = land.store
        there = sorted(set.intersection(*({*store.days(TABLES[name])} for name in TOTALS)))
        known = totals({name: store.files(TABLES[name], there, known=True) for name in TOTALS}) if there else {}
        days = sorted({*store.days_with(NAME, f"{NAME}.html"), *land.days})
        return cls(store, land, repull_days, tuple(days), known)

    def differing_from(self, other: "_Pages") -> set[date]:
        """The days that have a page or totals in one of both only, or other totals."""
        both = {*self.known, *other.known}
        return ({*self.days} ^ {*other.days}) | {day for day in both if self.known.get(day) != other.known.get(day)}

    def html(self, day: date) -> bytes:
        inputs = {name: self.store.files(TABLES[name], [day]) for name in DETAILS}
        compared, own = compare(day, self.known), details(inputs, self.land.zone)
        previous = max((other for other in self.days if other < day), default=None)
        following = min((other for other in self.days if other > day), default=None)
        return day_page(day, self.land.zone, compared, own, self._standing(day), previous, following).encode()

    def write_again(self, day: date) -> None:
        """Bring a page that is there up to date; one whose tables have gone stays as it is."""
        try:
            html = self.html(day)
        except MissingDay:
            return
        self.store.put(f"{NAME}/date={day}/{NAME}.html", html)

    def index(self) -> bytes:
        recent = {*self.days[-max(WEEKS * WEEK.days, self.repull_days) :]}
        final = Standing(is_provisional=False, open_at=None)
        standings = {day: self._standing(day) if day in recent else final for day in self.days}
        return index_page({day: (self.known.get(day), standings[day]) for day in self.days}).encode()

    def headlines(self, day: date) -> dict[str, Any]:
        of = self.known[day]
        rates = {"service_level": of.service_level, "abandonment_rate": of.abandonment}
        provisional = dg.MetadataValue.bool(self._standing(day).is_provisional)
        return {"is_provisional": provisional, "calls_offered": of.calls_offered} | {
            name: rate for name, rate in rates.items() if rate is not None
        }

    def _standing(self, day: date) -> Standing:
        pulled_s = self.store.placed_at(RAW_CALLS, day)
        return standing(day, self.land.zone, self.repull_days, pulled_s, time.time())
