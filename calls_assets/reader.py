"""Every table as a DataFrame, as Arrow, or in SQL, from a folder or an object store: what analysts import.

```python
import calls_assets

level = calls_assets.read("service_level", "2026-11-01", "2026-11-30")
with calls_assets.connect() as connection:
    connection.sql("SELECT count(*) FROM calls")
    connection.sql("SELECT * FROM weekly.service_level WHERE dimension = 'total'")
```
"""

import errno
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from calls_assets.tables.schema import Table
    from calls_assets.tables.store import TableStore

Day = date | str
"""A local day, or its ISO spelling."""


class MissingDays(UserWarning):
    """Some days of a range have no file, so that less was read than requested."""


@overload
def read(
    table: str,
    start: Day | None = ...,
    end: Day | None = ...,
    *,
    columns: Sequence[str] | str | None = ...,
    by: Literal["day", "week", "month"] = ...,
    to: Literal["pandas"] = ...,
    data_url: str | Path | None = ...,
) -> "pd.DataFrame": ...
@overload
def read(
    table: str,
    start: Day | None = ...,
    end: Day | None = ...,
    *,
    columns: Sequence[str] | str | None = ...,
    by: Literal["day", "week", "month"] = ...,
    to: Literal["arrow"],
    data_url: str | Path | None = ...,
) -> "pa.Table": ...
@overload
def read(
    table: str,
    start: Day | None = ...,
    end: Day | None = ...,
    *,
    columns: Sequence[str] | str | None = ...,
    by: Literal["day", "week", "month"] = ...,
    to: Literal["polars"],
    data_url: str | Path | None = ...,
) -> "pl.DataFrame": ...
@overload
def read(
    table: str,
    start: Day | None = ...,
    end: Day | None = ...,
    *,
    columns: Sequence[str] | str | None = ...,
    by: Literal["day", "week", "month"] = ...,
    to: Literal["duckdb"],
    data_url: str | Path | None = ...,
) -> "duckdb.DuckDBPyRelation": ...
def read(
    table: str,
    start: Day | None = None,
    end: Day | None = None,
    *,
    columns: Sequence[str] | str | None = None,
    by: Literal["day", "week", "month"] = "day",
    to: Literal["pandas", "polars", "arrow", "duckdb"] = "pandas",
    data_url: str | Path | None = None,
) -> "pd.DataFrame | pl.DataFrame | pa.Table | duckdb.DuckDBPyRelation":
    """The rows of a table from one local day to another, both included, by day and in the table's order.

    Instants such as `started_at` are in the tree's zone, so that the hour of one is the hour at the centre.

    Args:
        table: Its name, such as `service_level`; docs/tables.md lists all of them.
        start: The first day; if None, the first that exists.
        end: The last day; if None, the last that exists.
        columns: The columns to read; all if None.
        by: `day`; or `week` or `month` for the metrics of whole periods, whose `local_date` is the first day. They are made
            from the calls of the range, so that a range which begins or ends within a period covers part of it.
        to: `pandas` for a DataFrame of Arrow-backed dtypes, in which whole numbers and flags stay what they are beside
            nulls; `polars` for a `polars.DataFrame`, which needs the extra `polars`; `arrow` for a `pyarrow.Table`; `duckdb`
            for a relation that reads when it is queried.
        data_url: Root of the tree: a folder, or a URL such as `s3://bucket/prefix`. If None: CALLS_DATA_URL in the
            environment or in a file `.env` here, or else `data`.

    Raises:
        ValueError: there is no such table or column, a day cannot be parsed, or the range ends before it begins.
        MissingDay: the range has no file at all; says which days exist.
        BrokenFile: a day's file cannot be read as one of the table's; names it, and says what to do.
        NotRead: the storage returned an error.
        ImportError: `to` is `polars`, which is not installed; says what to install.

    Warns:
        MissingDays: some days of the range have no file.
    """
    if to not in ("pandas", "polars", "arrow", "duckdb"):
        raise ValueError(f"to is pandas, polars, arrow or duckdb, but {to!r} was given.")
    found, store = _table(table), _store(data_url)
    names = _columns(found, columns)
    first, last = _day("start", start), _day("end", end)
    zone = _zone(store)
    with explained(start, end, data_url):
        if by == "day":
            relation = _days_of(found, store, zone, first, last)
        else:
            relation = _periods_of(found, by, store, zone, first, last)
        relation = relation.select(*names)
    if to == "duckdb":
        return relation
    import pyarrow as pa

    with explained(start, end, data_url):
        rows = relation.to_arrow_table()
    fields = [_in_zone(found.arrow_schema.field(name), zone) for name in names]
    # A file from before a column was added holds null even where the column may not be null.
    fields = [field.with_nullable(True) if rows[field.name].null_count else field for field in fields]
    rows = rows.cast(pa.schema(fields, found.arrow_schema.metadata))
    if to == "arrow":
        return rows
    if to == "polars":
        return _in_polars(rows)
    import pandas as pd

    return rows.to_pandas(types_mapper=pd.ArrowDtype)


def connect(
    start: Day | None = None,
    end: Day | None = None,
    *,
    data_url: str | Path | None = None,
    allow_files: bool = False,
) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with every table as a view of its name, with comments on its columns.

    It runs in the tree's zone: `hour(started_at)` is the hour at the centre, and instants are shown with their offset.
    A table without a file in the range is an empty view. The schemas `weekly` and `monthly` have the metrics of whole
    weeks and months, such as `weekly.service_level`, made from the calls of the range. `SELECT comment FROM duckdb_columns()`
    lists the meanings. A day whose file is broken fails only the queries that read it, with a sentence that names the
    file.

    Args:
        start: The first local day; if None, the first that exists.
        end: The last local day, included; if None, the last that exists.
        data_url: As for `read`.
        allow_files: Whether queries may read other files than the tables', write files, load extensions, read variables of
            Python, and change the settings of DuckDB. What is registered (`connection.register`) can be read in any case.

    Raises:
        ValueError: a day cannot be parsed, or the range ends before it begins.
        MissingDay: no table has any file in the range.
        NotRead: the storage returned an error.

    Warns:
        MissingDays: a table has some days of the range, but not all.
    """
    import duckdb

    from calls_assets.metrics.connection import ReadOnly, seal
    from calls_assets.metrics.periods import PERIODS, add_period, add_views, periodic, prepare
    from calls_assets.metrics.run import connect as connect_to
    from calls_assets.tables.catalog import ALL_TABLES, TABLES, VIEWS
    from calls_assets.tables.store import MissingDay

    store, first, last = _store(data_url), _day("start", start), _day("end", end)
    zone = _zone(store)
    _check_order(first, last)
    within = {table: [day for day in store.days(table) if _within(day, first, last)] for table in TABLES.values()}
    inputs = {table.name: store.look(table, days) for table, days in within.items()}
    days_of = {table.name: days for table, days in within.items() if days}
    if not days_of:
        raise MissingDay(
            f"No table has a file {_range(first, last)} in {store.root}: check CALLS_DATA_URL and the days."
        )
    _warn_of_holes(days_of, first, last)
    read_only = None if allow_files else ReadOnly()
    try:
        connection = connect_to(inputs, read_only=read_only, zone=zone)
    except duckdb.Error:  # DuckDB rejects some footers that Arrow accepts
        inputs = {table.name: store.look(table, days, through=True) for table, days in within.items()}
        with explained(start, end, data_url):
            connection = connect_to(inputs, read_only=read_only, zone=zone)
    prepare(connection, days_of.get("calls", []), zone)
    add_views(connection, VIEWS.values())
    for table in ALL_TABLES.values():
        _comment(connection, table, "main")
    for schema, first_day in PERIODS.items():
        add_period(connection, schema, first_day)
        for table in periodic():
            _comment(connection, table, schema)
    if not allow_files:
        seal(connection)
    return connection


@contextmanager
def explained(start: Day | None = None, end: Day | None = None, data_url: str | Path | None = None) -> Iterator[None]:
    """A block in which a query that fails because of a broken file raises the sentence that names the file.

    Args:
        start: As for `connect`, whose connection the block queries.
        end: As for `connect`.
        data_url: As for `connect`.

    Raises:
        NotRead: DuckDB could not answer; its own message if no file of the days is broken.
    """
    import duckdb

    from calls_assets.tables.store import NotRead

    try:
        yield
    except duckdb.Error as error:
        raise NotRead(explain(error, start, end, data_url)) from None


def explain(
    error: "duckdb.Error", start: Day | None = None, end: Day | None = None, data_url: str | Path | None = None
) -> str:
    """The sentence that names the broken file which failed a query; DuckDB's own message if there is none."""
    import duckdb

    from calls_assets.tables.catalog import TABLES

    store, said = _store(data_url), str(error)
    sentence = said.partition(": ")[2]
    if sentence.startswith(store.root):  # from a day that cannot be read
        return sentence
    if type(error) is duckdb.Error or isinstance(error, (duckdb.InvalidInputException, duckdb.OperationalError)):
        first, last = _day("start", start), _day("end", end)
        for table in TABLES.values():
            days = [day for day in store.days(table) if _within(day, first, last)]
            for sentence in store.read_through([table], days).values():
                return sentence
    if isinstance(error, duckdb.OutOfMemoryException):
        return "The query needs more memory than is available: query fewer days at a time."
    if os.strerror(errno.EMFILE) in said:
        return f"{said}: query fewer days at a time, or let a process open more files (ulimit -n)."
    return said


def _in_polars(rows: "pa.Table") -> "pl.DataFrame":
    try:
        import polars as pl
    except ImportError:
        raise ImportError("to='polars' needs another package: pip install 'calls_assets[polars]'.") from None
    return pl.DataFrame(rows)


def _comment(connection: "duckdb.DuckDBPyConnection", table: "Table", schema: str) -> None:
    """Add the descriptions of a table and its columns to its view."""
    name = f"{schema}.{table.name}"
    connection.execute(f"COMMENT ON VIEW {name} IS {_quoted(table.description)}")
    for column in table.columns:
        comment = column.description + (f" Unit: {column.unit}." if column.unit else "")
        connection.execute(f"COMMENT ON COLUMN {name}.{column.name} IS {_quoted(comment)}")


def _days_of(
    table: "Table", store: "TableStore", zone: ZoneInfo, first: date | None, last: date | None
) -> "duckdb.DuckDBPyRelation":
    from calls_assets.metrics.run import connect as connect_to
    from calls_assets.tables.catalog import VIEWS

    if table.name in VIEWS:
        return _view_of(table, store, zone, first, last)
    days = _days(table, store, first, last)
    return connect_to({table.name: store.files(table, days)}, zone=zone).table(table.name)


def _view_of(
    table: "Table", store: "TableStore", zone: ZoneInfo, first: date | None, last: date | None
) -> "duckdb.DuckDBPyRelation":
    from calls_assets.metrics.periods import add_views
    from calls_assets.tables.catalog import TABLES

    connection = _connection([TABLES[name] for name in table.inputs], store, zone, first, last)
    add_views(connection, [table])
    return _in_order(connection.table(table.name), table)


def _connection(
    tables: Iterable["Table"], store: "TableStore", zone: ZoneInfo, first: date | None, last: date | None
) -> "duckdb.DuckDBPyConnection":
    """A connection with these tables, and what the views and the metrics of periods use."""
    from calls_assets.metrics.periods import prepare
    from calls_assets.metrics.run import connect as connect_to

    days = {table: _days(table, store, first, last) for table in tables}
    connection = connect_to({table.name: store.files(table, of) for table, of in days.items()}, zone=zone)
    prepare(connection, sorted({day for of in days.values() for day in of}), zone)
    return connection


def _in_order(relation: "duckdb.DuckDBPyRelation", table: "Table") -> "duckdb.DuckDBPyRelation":
    return relation.order(", ".join(f"{column} NULLS LAST" for column in ("local_date", *table.key)))


def _periods_of(
    table: "Table", by: str, store: "TableStore", zone: ZoneInfo, first: date | None, last: date | None
) -> "duckdb.DuckDBPyRelation":
    from calls_assets.metrics.periods import BASES, PERIODS, add_period, periodic

    schema = {"week": "weekly", "month": "monthly"}.get(by)
    if schema is None:
        raise ValueError(f"by is day, week or month, but {by!r} was given.")
    if table not in periodic():
        raise ValueError(f"{table.name} has no {by}s: only {', '.join(each.name for each in periodic())} have.")
    connection = _connection(BASES, store, zone, first, last)
    add_period(connection, schema, PERIODS[schema])
    return _in_order(connection.table(f"{schema}.{table.name}"), table)


def _store(data_url: str | Path | None) -> "TableStore":
    from calls_assets.env_file import load_env_file
    from calls_assets.settings import Settings
    from calls_assets.tables.store import TableStore

    if data_url is None:
        load_env_file()
    return TableStore(str(data_url or Settings.load().data_url))


def _zone(store: "TableStore") -> ZoneInfo:
    """The zone of a tree; that of the settings where the tree does not say."""
    from calls_assets.settings import Settings
    from calls_assets.tables.made_with import zone_of

    return zone_of(store) or Settings.load().zone


def _in_zone(field: "pa.Field", zone: ZoneInfo) -> "pa.Field":
    """The field of a column, with an instant in the zone."""
    import pyarrow as pa

    from calls_assets.tables.columns import INSTANT

    return field.with_type(pa.timestamp("us", zone.key)) if field.type.equals(INSTANT) else field


def _table(name: str) -> "Table":
    from calls_assets.tables.catalog import ALL_TABLES

    if name not in ALL_TABLES:
        raise ValueError(f"There is no table {name!r}: the tables are {', '.join(ALL_TABLES)}.")
    return ALL_TABLES[name]


def _columns(table: "Table", columns: Sequence[str] | str | None) -> list[str]:
    known = table.arrow_schema.names
    chosen = known if columns is None else [columns] if isinstance(columns, str) else list(columns)
    if not chosen:
        raise ValueError(f"columns is empty: the columns of {table.name} are {', '.join(known)}.")
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise ValueError(f"{table.name} has no column {', '.join(unknown)}: its columns are {', '.join(known)}.")
    return chosen


def _day(name: str, given: Day | None) -> date | None:
    if isinstance(given, datetime):
        return given.date()
    if given is None or isinstance(given, date):
        return given
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise ValueError(f"{name} is a day as YYYY-MM-DD, but {given!r} was given.") from None


def _days(table: "Table", store: "TableStore", first: date | None, last: date | None) -> list[date]:
    from calls_assets.days import ONE_DAY
    from calls_assets.tables.store import MissingDay

    _check_order(first, last)
    there = store.days(table)
    days = [day for day in there if _within(day, first, last)]
    if not days:
        if not there:
            raise MissingDay(f"{table.name} has no days in {store.root}: check CALLS_DATA_URL.")
        raise MissingDay(
            f"{table.name} has no day {_range(first, last)} in {store.root}, only {there[0]} to {there[-1]}: check the days."
        )
    first, last = first or days[0], last or days[-1]
    missing = (last - first) // ONE_DAY + 1 - len(days)
    if missing:
        warnings.warn(
            f"{table.name} has no file for {missing} of the days from {first} to {last}.", MissingDays, stacklevel=3
        )
    return days


def _warn_of_holes(days_of: dict[str, list[date]], first: date | None, last: date | None) -> None:
    first = first or min(days[0] for days in days_of.values())
    last = last or max(days[-1] for days in days_of.values())
    length = (last - first).days + 1
    holes = {name: length - len(days) for name, days in days_of.items() if len(days) < length}
    if holes:
        told = ", ".join(f"{name} for {missing}" for name, missing in holes.items())
        if len(holes) == len(days_of) and len(set(holes.values())) == 1:
            told = f"any table for {length - len(next(iter(days_of.values())))}"
        what = f"Of the {length} days from {first} to {last} there is no file of {told}."
        warnings.warn(what, MissingDays, stacklevel=3)


def _check_order(first: date | None, last: date | None) -> None:
    if first and last and first > last:
        raise ValueError(f"start is not after end, but {first} and {last} were given.")


def _within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def _range(first: date | None, last: date | None) -> str:
    parts = ([f"from {first}"] if first else []) + ([f"to {last}"] if last else [])
    return " ".join(parts) or "at all"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
