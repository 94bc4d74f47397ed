"""Reads tables of many days for pages: a day whose file is broken must not stop the pages of the others."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TypeVar

import duckdb

from calls_assets.pipeline.landing import Landing
from calls_assets.tables.catalog import TABLES
from calls_assets.tables.store import BrokenFile, Files

T = TypeVar("T")


def read_sound(
    land: Landing,
    names: Sequence[str],
    days: Sequence[date],
    read: Callable[[Mapping[str, Files], Sequence[date]], T],
    own: date | None = None,
) -> T:
    """What `read` makes of the days of some tables; those whose files are broken are left out, with a warning.

    Args:
        land: The run.
        names: The tables.
        days: Days that all of them have.
        read: Gets the tables' files by name, and the days that these are of.
        own: A day that may not be left out, because a page is about it.

    Raises:
        BrokenFile: the file of `own` is broken.
        duckdb.Error: no file is broken, and yet they cannot be read.
    """
    tables = [TABLES[name] for name in names]
    try:
        return read({table.name: land.store.files(table, days) for table in tables}, days)
    except (BrokenFile, duckdb.Error):
        broken = land.store.read_through(tables, days)
        if not broken or own in broken:
            raise
    for sentence in broken.values():
        land.log.warning("The pages skip a day: %s", sentence)
    return read_sound(land, names, [day for day in days if day not in broken], read, own)
