"""What a run does for the daily pages."""

import time
from typing import Any

import dagster as dg

from calls_assets.assets.landing import Landing
from calls_assets.assets.report import NAME
from calls_assets.report.figures import DETAILS, TOTALS, Totals, compare, details, is_provisional, totals
from calls_assets.report.page import day_page, index_page
from calls_assets.tables.dictionary import TABLES

INDEX = f"{NAME}/index.html"


def write_pages(land: Landing, repull_days: int) -> None:
    """Write the pages of the run's days, and the index of all days that have one."""
    store = land.store
    there = set.intersection(*({*store.days(TABLES[name])} for name in TOTALS))
    known = totals({name: store.files(TABLES[name], sorted(there), known=True) for name in TOTALS}) if there else {}
    written = {*store.days_with(NAME, f"{NAME}.html")}
    for day in land.days:
        inputs = {name: store.files(TABLES[name], [day]) for name in DETAILS}
        compared, own = compare(day, known), details(inputs, land.zone)
        provisional = is_provisional(day, land.zone, repull_days, time.time())
        previous = max((page for page in written if page < day), default=None)
        html = day_page(day, land.zone, compared, own, provisional, previous)
        with land.alone():
            land.land_page(NAME, day, html.encode(), _headlines(compared.day, provisional))
        written.add(day)
    with land.alone():
        store.put(INDEX, index_page({day: known.get(day) for day in written}).encode())


def _headlines(of: Totals, provisional: bool) -> dict[str, Any]:
    rates = {"service_level": of.service_level, "abandonment_rate": of.abandonment}
    return {"is_provisional": dg.MetadataValue.bool(provisional), "calls_offered": of.calls_offered} | {
        name: rate for name, rate in rates.items() if rate is not None
    }
