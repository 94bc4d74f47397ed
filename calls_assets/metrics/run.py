"""Runs the queries beside this file with DuckDB over Parquet files or Arrow tables.

A query sees its inputs as views by table name, and besides them `days(local_date)`, the days asked for, and
`utc_offsets(from_s, utc_offset_s)`, the offset of local time from UTC since each instant. Time zones are thereby Python's
alone, the same that bound the partitions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import TypeAlias
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa

from calls_assets.api.document import CERTAIN_CALL_TYPES, LIKELY_CALL_TYPES
from calls_assets.days import ONE_DAY, day_start
from calls_assets.metrics.connection import ReadOnly, opened
from calls_assets.tables.catalog import TABLES, VIEWS
from calls_assets.tables.schema import Table
from calls_assets.tables.store import Files

Relation: TypeAlias = "pa.Table | Files"
"""An input: an Arrow table, or the files of a table."""

SHARED = {
    "answered_legs": ("raw_calls",),
    "field_call_types": ("raw_calls",),
    "reconciliation_calls": ("raw_calls", "raw_call_types", "reconciliation"),
    "calls_by_dimension": ("calls",),
    "inbound_by_dimension": ("calls", "wait_calibration"),
}
"""Views that several queries read, with the inputs that they need; each after those that it reads itself."""

QUARTER_S = 900


def sql(name: str) -> str:
    """The text of a table's query; or of a view or the macros that several queries share."""
    room = files(__package__)
    own = room / f"{name}.sql"
    return (own if own.is_file() else room / "shared" / f"{name}.sql").read_text(encoding="utf-8")


def compute(
    table: Table,
    inputs: Mapping[str, Relation],
    days: Sequence[date],
    zone: ZoneInfo,
) -> dict[date, pa.Table]:
    """A table's rows for each day, in its schema, sorted by its key.

    Args:
        table: The table to compute.
        inputs: What it is made from, by name.
        days: The local days to compute; each has an entry in the answer, if with no rows.
        zone: The partitions' zone.
    """
    with _connect(inputs, days, zone) as connection:
        order = ", ".join(f"{column} NULLS LAST" for column in ("local_date", *table.key))
        found = connection.sql(f"SELECT * FROM ({sql(table.name)}) ORDER BY {order}").to_arrow_table()  # noqa: S608
    return split(table.conform(found), days)


def reconcile(
    raw_calls: Relation, raw_call_types: Relation, asked: Mapping[str, str], days: Sequence[date], zone: ZoneInfo
) -> dict[date, pa.Table]:
    """The `reconciliation` of each day; `asked` says how the API answered for each call type (see the query)."""
    told = {*CERTAIN_CALL_TYPES, *LIKELY_CALL_TYPES}
    relation = pa.table(
        {
            "call_type": pa.array(list(asked), pa.string()),
            "how": pa.array(list(asked.values()), pa.string()),
            "told_by_fields": pa.array([name in told for name in asked], pa.bool_()),
        }
    )
    inputs = {"raw_calls": raw_calls, "raw_call_types": raw_call_types, "asked": relation}
    return compute(TABLES["reconciliation"], inputs, days, zone)


def differing_calls(
    raw_calls: Relation, raw_call_types: Relation, reconciliation: Relation, days: Sequence[date], zone: ZoneInfo
) -> dict[date, pa.Table]:
    """The `reconciliation_calls` of each day."""
    inputs = {"raw_calls": raw_calls, "raw_call_types": raw_call_types, "reconciliation": reconciliation}
    return compute(VIEWS["reconciliation_calls"], inputs, days, zone)


def split(rows: pa.Table, days: Sequence[date]) -> dict[date, pa.Table]:
    """Rows that are sorted by `local_date`, as one table for each day."""
    starts = rows["local_date"].to_numpy()
    parts = {}
    for day in days:
        first, end = starts.searchsorted([np.datetime64(day), np.datetime64(day + ONE_DAY)])
        parts[day] = rows.slice(first, end - first)
    return parts


def count_field_call_types(calls: Iterable[pa.Table]) -> dict[str, int]:
    """How many of the calls, which come in parts, each call type holds by the calls' own fields."""
    counts: Counter[str] = Counter()
    for rows in calls:
        raw_calls = rows.append_column("local_date", pa.nulls(rows.num_rows, pa.date32()))
        with _connect({"raw_calls": raw_calls}, [], ZoneInfo("UTC")) as connection:
            found = connection.sql("SELECT call_type, count(*) FROM field_call_types GROUP BY call_type").fetchall()
        counts.update(dict(found))
    return dict(counts)


def utc_offsets(days: Sequence[date], zone: ZoneInfo) -> pa.Table:
    """`from_s` (epoch s) and `utc_offset_s`: the offset of local time from each instant on, over the days."""
    found: list[tuple[int, int]] = []
    for day in days:
        start, end = day_start(day, zone), day_start(day + ONE_DAY, zone)
        steps = range(start, end, QUARTER_S) if _offset(start, zone) != _offset(end - 1, zone) else [start]
        found += [(at, _offset(at, zone)) for at in steps]
    return pa.table(
        {
            "from_s": pa.array([at for at, _ in found], pa.int64()),
            "utc_offset_s": pa.array([o for _, o in found], pa.int64()),
        }
    )


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def connect(
    inputs: Mapping[str, Relation], keep_missing_columns: bool = False, read_only: ReadOnly | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection, in UTC, that has each input as a view of its name.

    A day whose file is broken is one that no query gets past: to read it raises an error with its sentence.

    Args:
        inputs: The tables by name.
        keep_missing_columns: Whether a file from before a column was added lacks it; else the column is null.
        read_only: What the files are read through, where the connection is going to be sealed.
    """
    connection = opened()
    connection.execute("SET TimeZone = 'UTC'")
    if read_only is not None:
        connection.register_filesystem(read_only)
    for name, relation in inputs.items():
        # A registered name alone would hide that of any other schema, hence a view.
        _relation(connection, name, relation, keep_missing_columns, read_only).create_view(name)
    return connection


def _relation(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    given: Relation,
    keep_missing_columns: bool,
    read_only: ReadOnly | None,
) -> duckdb.DuckDBPyRelation:
    held = given.places if isinstance(given, Files) else given
    if not isinstance(held, list):
        connection.register(f"_{name}", held)
        found = connection.table(f"_{name}")
    elif not held:
        found = connection.from_arrow(TABLES[name].empty())
    else:
        places = held if read_only is None else read_only.add(held)
        found = connection.read_parquet(places, hive_partitioning=False, union_by_name=not given.are_current)
    if isinstance(given, Files) and not keep_missing_columns:
        typed = connection.from_arrow(given.table.empty())
        columns = zip(typed.columns, typed.types, strict=True)
        if not given.are_current:
            found = found.project(", ".join(_filled(column, kind, found.columns) for column, kind in columns))
        for day, sentence in given.broken.items():
            found = found.union(connection.sql(_barred(typed, day, sentence)))
    return found


def _filled(column: str, kind: object, there: Sequence[str]) -> str:
    """A column of files from before something was added, with null in its place."""
    return f"{column if column in there else 'NULL'}::{kind} AS {column}"


def _barred(typed: duckdb.DuckDBPyRelation, day: date, sentence: str) -> str:
    """A day that says what is wrong with its file where a query does not leave the day out."""
    known, *others = zip(typed.columns, typed.types, strict=True)
    quoted = sentence.replace("'", "''")
    columns = ", ".join([f"DATE '{day}' AS {known[0]}", *(f"wrong::{kind} AS {name}" for name, kind in others)])
    return f"SELECT {columns} FROM (SELECT error('{quoted}') AS wrong) WHERE wrong IS NULL"  # noqa: S608  # quoted


def _connect(inputs: Mapping[str, Relation], days: Sequence[date], zone: ZoneInfo) -> duckdb.DuckDBPyConnection:
    connection = connect(inputs)
    connection.register("days", pa.table({"local_date": pa.array(days, pa.date32())}))
    connection.register("utc_offsets", utc_offsets(days, zone))
    connection.execute(sql("macros"))
    for name, needs in SHARED.items():
        if set(needs) <= set(inputs):
            connection.execute(f"CREATE VIEW {name} AS {sql(name)}")
    return connection
