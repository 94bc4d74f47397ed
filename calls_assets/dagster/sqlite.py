"""Dagster's log in SQLite, which is the default unless `dagster.yaml` says otherwise.

Dagster opens several connections per event and commits in each. SQLite waits for the disk at each commit, and writes its
journal back when the last connection to a file closes. In the journal mode that Dagster chooses, it keeps the file intact
without that wait; a power cut loses the last events, and their days look as if they had not been pulled yet. And where one
connection stays open, no other is the last.
"""

import sqlite3
from collections import OrderedDict
from typing import Any

from sqlalchemy import Engine, event

MOST_KEPT = 8
"""How many files are kept open: those of the instance and of a run, and no more of those that were."""

_kept: OrderedDict[str, sqlite3.Connection] = OrderedDict()


def spare_the_disk() -> None:
    """Make every SQLite connection that this process opens from now on commit without waiting for the disk."""
    if not event.contains(Engine, "connect", _relax):
        event.listen(Engine, "connect", _relax)


def _relax(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = NORMAL")
        _keep_open(connection)


def _keep_open(connection: sqlite3.Connection) -> None:
    """Keep a connection to the same file open, if that has a journal to write back."""
    (_, _, file), *_ = connection.execute("PRAGMA database_list").fetchall()
    if not file or file in _kept or connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        return
    kept = sqlite3.connect(file, check_same_thread=False)
    kept.execute("SELECT count(*) FROM sqlite_master").fetchone()  # only now it has opened the journal
    _kept[file] = kept
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)[1].close()
