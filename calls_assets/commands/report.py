"""The pages, made again from the files that are there."""

import logging
import sys
import webbrowser
from datetime import date
from typing import TYPE_CHECKING

import click

from calls_assets.commands.base import Command, days_options, usable_settings
from calls_assets.commands.local import read_what_is_there

if TYPE_CHECKING:
    from calls_assets.settings import Settings
    from calls_assets.tables.store import TableStore


@click.command("report", cls=Command)
@days_options("first day; default: all", "last day; default: all")
@click.option("--open", "opens", is_flag=True, help="open the last day's page in the browser")
def command(first: date | None, last: date | None, opens: bool) -> None:
    """Make the pages of days, weeks and months again from the tables that are there, and print where they lie.

    The API is not asked, and nothing is reported to Dagster; the pages are those that a run writes.
    """
    from calls_assets.tables.catalog import REPORT
    from calls_assets.tables.store import TableStore

    read_what_is_there()
    settings = usable_settings()
    store = TableStore(settings.data_url)
    if opens and store.folder is None:
        raise ValueError(f"--open needs a tree on this machine, and {store.root} is not: leave out --open.")
    days = _days(store, first, last)
    _write(store, days, settings)
    page = f"{REPORT}/date={days[-1]}/{REPORT}.html"
    click.echo(f"All days:     {store.root}/{REPORT}/index.html\nThe last one: {store.root}/{page}")
    if opens and store.folder and not webbrowser.open((store.folder / page).absolute().as_uri()):
        raise ValueError("No browser could be started here: open the page yourself.")


def _days(store: "TableStore", first: date | None, last: date | None) -> list[date]:
    """The days of the range that have every table of a page, none of them broken; says which are.

    Raises:
        ValueError: there are none; says what to do.
    """
    from calls_assets.tables.catalog import REPORT_INPUTS, TABLES

    tables = [TABLES[name] for name in REPORT_INPUTS]
    there = set.intersection(*({*store.days(table)} for table in tables))
    days = sorted(day for day in there if (first or day) <= day <= (last or day))
    broken = {day: told for table in tables for day, told in store.look(table, days).broken.items()}
    sys.stderr.writelines(f"calls-assets: no page of {day}: {told}\n" for day, told in broken.items())
    whole = [day for day in days if day not in broken]
    if not whole:
        within = (f" from {first}" if first else "") + (f" to {last}" if last else "")
        raise ValueError(
            f"{store.root} has no day{within} that a page can be made of: check CALLS_DATA_URL and the days, or pull some "
            "with calls-assets run."
        )
    return whole


def _write(store: "TableStore", days: list[date], settings: "Settings") -> None:
    from calls_assets.pipeline.landing import Unreported
    from calls_assets.pipeline.pages import write_pages
    from calls_assets.tables.made_with import ZONE, zone_of

    logging.basicConfig(format="calls-assets: %(message)s", level=logging.WARNING)
    zone = zone_of(store) or settings.zone
    land = Unreported(logging.getLogger(__name__), store, zone, tuple(days), {ZONE: zone.key})
    write_pages(land, settings.targets, settings.waits.thresholds)
