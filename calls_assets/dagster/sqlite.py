"""Dagster's log on SQLite, which is where it lies unless `dagster.yaml` says otherwise.

Dagster commits several times for each event, and SQLite waits for the disk at each commit: a fifth of the time of a long
backfill. In the journal mode that Dagster chooses, SQLite keeps the file whole without that wait; a power cut costs the last
events, and the days that these were of look as if they were still to be pulled.
"""

import sqlite3
from typing import Any

from sqlalchemy import Engine, event


def spare_the_disk() -> None:
    """Have every SQLite connection that this process opens from now on commit without a wait for the disk."""
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")
