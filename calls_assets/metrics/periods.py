"""Tables without files: the views by day, and every metric of a whole week or month.

Weeks and months come from the same queries as days: over the calls of the whole period, never from the days' rates.

A period is a schema of a DuckDB connection, such as `weekly`, in which `calls` and `call_agents` have the period's
first day as their `local_date`. Every query then computes the period as if it were one long day: rates come from the
period's own numerators and denominators, a caller who calls twice in a week is a repeat caller of the week, and waits
are held against the vendor's verdict on all of its calls.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from calls_assets.metrics.run import shared_views, sql, utc_offsets
from calls_assets.tables.catalog import ALL_TABLES, CALL_AGENTS, CALLS, DAY_STATUS, VIEWS
from calls_assets.tables.schema import Table

PERIODS = {"weekly": "date_trunc('week', local_date)::DATE", "monthly": "date_trunc('month', local_date)::DATE"}
"""For each schema, the first day of the period of a `local_date`, as SQL; weeks begin on Monday, as in ISO 8601."""

BASES = (CALLS, CALL_AGENTS, DAY_STATUS)
"""What the tables of a period are computed from."""

KINDS = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.timestamp("us"): "TIMESTAMP",
}

DAYS = """
    SELECT local_date, max(wait_method) AS wait_method
    FROM {schema}.calls
    FULL JOIN (SELECT local_date FROM {schema}.day_status) USING (local_date)
    GROUP BY local_date
"""
DAYS_OF = (CALLS.name, DAY_STATUS.name)

UTC_OFFSETS = "_utc_offsets"

STATUS = """
    SELECT
        {first} AS local_date, count(*) AS days, sum(calls) AS calls, sum(calls_open) AS calls_open,
        sum(days_inside_lookback) AS days_inside_lookback, sum(call_types_differing) AS call_types_differing,
        sum(records_unread) AS records_unread,
        CASE
            WHEN count(status) < count(*) THEN 'unknown'
            ELSE status_of(
                sum(calls), sum(calls_open), sum(days_inside_lookback), sum(call_types_differing), sum(records_unread)
            )
        END AS status
    FROM (SELECT DISTINCT local_date FROM main.calls)
    FULL JOIN main.day_status USING (local_date)
    GROUP BY 1
"""


def periodic() -> tuple[Table, ...]:
    """The tables that periods have, in the order of the data flow."""
    known = {table.name for table in BASES}
    found = [DAY_STATUS]
    for table in ALL_TABLES.values():
        if table not in BASES and table.inputs and known.issuperset(table.inputs):
            known.add(table.name)
            found.append(table)
    return tuple(found)


def prepare(connection: duckdb.DuckDBPyConnection, days: Sequence[date], zone: ZoneInfo) -> None:
    """Add what `add_views` and `add_period` build on to a connection: the macros, and the offsets of local time from UTC.

    Args:
        connection: A connection.
        days: The local days of its calls.
        zone: Their zone.
    """
    connection.execute(sql("macros"))
    connection.register(UTC_OFFSETS, utc_offsets(days, zone))


def add_views(connection: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> None:
    """Add some of `VIEWS`, by day, to a connection; nothing is computed before it is read.

    Args:
        connection: It has the views' inputs as views, and is prepared.
        tables: The views to add.
    """
    tables = list(tables)
    known = {name for table in tables for name in table.inputs}
    connection.execute("CREATE SCHEMA shared")
    connection.execute(f"CREATE VIEW shared.utc_offsets AS FROM {UTC_OFFSETS}")
    connection.execute("SET search_path = 'shared,main'")
    if known.issuperset(DAYS_OF):
        connection.execute(f"CREATE VIEW shared.days AS {DAYS.format(schema='main')}")
    for name in shared_views("\n".join(sql(table.name) for table in tables)):
        if name not in VIEWS:
            connection.execute(f"CREATE VIEW shared.{name} AS {sql(name)}")
    for table in tables:
        connection.execute(f"CREATE VIEW shared.{table.name} AS {_typed(table, sql(table.name))}")
        shared = connection.table(f"shared.{table.name}")
        connection.execute(f"CREATE VIEW main.{table.name} AS {shared.sql_query()}")
    connection.execute("SET search_path = 'main'")


def add_period(connection: duckdb.DuckDBPyConnection, schema: str, first: str) -> None:
    """Add a schema with the tables of a period to a connection; nothing is computed before it is read.

    Args:
        connection: It has `BASES` as views, and is prepared.
        schema: The schema's name.
        first: The first day of the period of a `local_date`, as SQL.
    """
    connection.execute(f"CREATE SCHEMA {schema}")
    for table in (CALLS, CALL_AGENTS):
        moved = connection.table(f"main.{table.name}").project(f"* REPLACE ({first} AS local_date)")
        connection.execute(f"CREATE VIEW {schema}.{table.name} AS {moved.sql_query()}")
    connection.execute(f"CREATE VIEW {schema}.day_status AS {_typed(DAY_STATUS, STATUS.format(first=first))}")
    connection.execute(f"CREATE VIEW {schema}.days AS {DAYS.format(schema=schema)}")
    connection.execute(f"CREATE VIEW {schema}.utc_offsets AS FROM {UTC_OFFSETS}")
    connection.execute(f"SET search_path = '{schema},main'")
    for table in periodic()[1:]:
        query = sql(table.name)
        for name in shared_views(query):
            connection.execute(f"CREATE VIEW IF NOT EXISTS {schema}.{name} AS {sql(name)}")
        connection.execute(f"CREATE VIEW {schema}.{table.name} AS {_typed(table, query)}")
    connection.execute("SET search_path = 'main'")


def _typed(table: Table, query: str) -> str:
    """A query with exactly a table's columns, in its order and of its types."""
    columns = ", ".join(f"{column.name}::{KINDS[column.type]} AS {column.name}" for column in table.columns)
    return f"SELECT {columns} FROM ({query})"  # noqa: S608  # our own queries and columns, no text from outside
