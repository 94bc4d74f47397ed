"""Runs the queries beside this file with DuckDB over Parquet files or Arrow tables.

A query sees its inputs as views by table name, and also `days(local_date, wait_method)`, the days to compute with how
waits are told; `sla_seconds(ring_group_id, seconds)`, the vendor's thresholds, where no ring group stands for all others;
and `utc_offsets(from_s, utc_offset_s)`, the offset of local time from UTC since each instant. Time zones are thus always
Python's, the same that bound the partitions.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa

from calls_assets.api.document import CERTAIN_CALL_TYPES, LIKELY_CALL_TYPES
from calls_assets.days import ONE_DAY, day_start
from calls_assets.metrics.connection import ReadOnly, opened, shared
from calls_assets.tables.catalog import TABLES, VIEWS
from calls_assets.tables.schema import Table
from calls_assets.tables.store import Files
from calls_assets.waits import UNKNOWN, Thresholds, Waits

Relation: TypeAlias = "pa.Table | Files"
"""An input: an Arrow table, or the files of a table."""

SHARED = (
    "answered_legs",
    "field_call_types",
    "reconciliation_calls",
    "wait_fits",
    "latest_names",
    "contacts",
    "calls_by_dimension",
    "inbound_by_dimension",
)
"""Views that several queries read, each after those that it reads itself."""

COMMENT = re.compile("--.*")

QUARTER_S = 900

LONGEST_TALK_DAYS = 366
"""Talk that is longer is impossible, as in the queries."""

IN_UTC = ZoneInfo("UTC")


def sql(name: str) -> str:
    """The text of a table's query; or of a view or the macros that several queries share."""
    room = files(__package__)
    own = room / f"{name}.sql"
    return (own if own.is_file() else room / "shared" / f"{name}.sql").read_text(encoding="utf-8")


def shared_views(query: str) -> list[str]:
    """The views of `SHARED` that a query reads, itself or through one of them, in the order in which to create them."""
    found: list[str] = []
    for name in reversed(SHARED):
        if re.search(rf"\b{name}\b", COMMENT.sub("", query)):
            query += sql(name)
            found.insert(0, name)
    return found


def compute(
    table: Table,
    inputs: Mapping[str, Relation],
    days: Sequence[date],
    zone: ZoneInfo,
    waits: Waits = UNKNOWN,
) -> dict[date, pa.Table]:
    """A table's rows for each day, in its schema, sorted by its key.

    Args:
        table: The table to compute.
        inputs: Its inputs by name.
        days: The local days to compute; each is in the result, even without rows.
        zone: The partitions' zone.
        waits: How the account's waits are told.
    """
    query = sql(table.name)
    with computing(inputs, query, days, zone, waits) as connection:
        order = ", ".join(f"{column} NULLS LAST" for column in ("local_date", *table.key))
        found = connection.sql(f"SELECT * FROM ({query}) ORDER BY {order}").to_arrow_table()  # noqa: S608  # no text from outside
    return split(table.conform(found), days)


def reconcile(
    raw_calls: Relation, raw_call_types: Relation, asked: Mapping[str, str], days: Sequence[date], zone: ZoneInfo
) -> dict[date, pa.Table]:
    """The `reconciliation` of each day; `asked` says how the API answered for each call type (see reconciliation.sql)."""
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
    """Split rows that are sorted by `local_date` into one table for each day."""
    starts = rows["local_date"].to_numpy()
    parts = {}
    for day in days:
        first, end = starts.searchsorted([np.datetime64(day), np.datetime64(day + ONE_DAY)])
        parts[day] = rows.slice(first, end - first)
    return parts


def count_field_call_types(calls: Iterable[pa.Table]) -> dict[str, int]:
    """Count the calls of each call type by the calls' own fields; `calls` are tables of `raw_calls` without `local_date`."""
    counts: Counter[str] = Counter()
    query = "SELECT call_type, count(*) FROM field_call_types GROUP BY call_type"
    for rows in calls:
        raw_calls = rows.append_column("local_date", pa.nulls(rows.num_rows, pa.date32()))
        with computing({"raw_calls": raw_calls}, query, [], IN_UTC) as connection:
            counts.update(dict(connection.sql(query).fetchall()))
    return dict(counts)


def utc_offsets(days: Sequence[date], zone: ZoneInfo) -> pa.Table:
    """The offsets of local time from UTC: `from_s` (epoch s), and `utc_offset_s` (s) from then on.

    They reach from the day before the first day to where talk that began on the last one can end.
    """
    found: list[tuple[int, int]] = []
    first = min(days, default=date.max) - ONE_DAY
    length = (max(days) - first).days + LONGEST_TALK_DAYS if days else 0
    for start, end in pairwise(day_start(first + n * ONE_DAY, zone) for n in range(length + 1)):
        steps = range(start, end, QUARTER_S) if _offset(start, zone) != _offset(end - 1, zone) else [start]
        found += [(at, _offset(at, zone)) for at in steps]
    return pa.table(
        {
            "from_s": pa.array([at for at, _ in found], pa.int64()),
            "utc_offset_s": pa.array([o for _, o in found], pa.int64()),
        }
    )


def _sla_seconds(thresholds: Thresholds) -> pa.Table:
    rows: list[dict[str, int | None]] = [
        {"ring_group_id": group, "seconds": seconds} for group, seconds in thresholds.by_ring_group.items()
    ]
    if thresholds.usual is not None:
        rows.append({"ring_group_id": None, "seconds": thresholds.usual})
    return pa.Table.from_pylist(rows, pa.schema({"ring_group_id": pa.int64(), "seconds": pa.int64()}))


def _offset(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def connect(
    inputs: Mapping[str, Relation], read_only: ReadOnly | None = None, zone: ZoneInfo = IN_UTC
) -> duckdb.DuckDBPyConnection:
    """A database that has each input as a view of its name, for those who keep it.

    A query that reads a day whose file is broken fails with the sentence that names the file.

    Args:
        inputs: The tables by name.
        read_only: The file system to read through, where the connection will be sealed.
        zone: The zone in which it shows instants and takes hours out of them.
    """
    connection = opened()
    if read_only is not None:
        connection.register_filesystem(read_only)
    _add(connection, inputs, zone, read_only=read_only)
    return connection


@contextmanager
def reading(inputs: Mapping[str, Relation], keep_missing_columns: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block, in UTC, with the macros and each input as a view of its name.

    Args:
        inputs: The tables by name.
        keep_missing_columns: Whether a view lacks the columns that its files lack, from before a column was added; otherwise
            these are null.
    """
    with shared(sql("macros")) as connection:
        _add(connection, inputs, IN_UTC, keep_missing_columns)
        yield connection


def _add(
    connection: duckdb.DuckDBPyConnection,
    inputs: Mapping[str, Relation],
    zone: ZoneInfo,
    keep_missing_columns: bool = False,
    read_only: ReadOnly | None = None,
) -> None:
    connection.execute(f"SET TimeZone = '{zone.key}'")
    for name, relation in inputs.items():
        # A registered name would hide the same name in every other schema; a view does not.
        _relation(connection, name, relation, keep_missing_columns, read_only).create_view(name)


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
    """A column, or null where the files are from before it was added."""
    return f"{column if column in there else 'NULL'}::{kind} AS {column}"


def _barred(typed: duckdb.DuckDBPyRelation, day: date, sentence: str) -> str:
    """A SELECT that fails with the sentence about a day's broken file, unless the query leaves the day out."""
    known, *others = zip(typed.columns, typed.types, strict=True)
    quoted = sentence.replace("'", "''")
    columns = ", ".join([f"DATE '{day}' AS {known[0]}", *(f"wrong::{kind} AS {name}" for name, kind in others)])
    return f"SELECT {columns} FROM (SELECT error('{quoted}') AS wrong) WHERE wrong IS NULL"  # noqa: S608  # quoted


@contextmanager
def computing(
    inputs: Mapping[str, Relation], query: str, days: Sequence[date], zone: ZoneInfo, waits: Waits = UNKNOWN
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for the block that has all that a query can see; of the shared views, those that it reads."""
    with reading(inputs) as connection:
        methods = pa.repeat(pa.scalar(waits.method, pa.string()), len(days))
        connection.register("days", pa.table({"local_date": pa.array(days, pa.date32()), "wait_method": methods}))
        connection.register("sla_seconds", _sla_seconds(waits.thresholds))
        connection.register("utc_offsets", utc_offsets(days, zone))
        for name in shared_views(query):
            connection.execute(f"CREATE VIEW {name} AS {sql(name)}")
        yield connection
