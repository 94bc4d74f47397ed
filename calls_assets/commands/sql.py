"""Queries of the tables in SQL, answered in the terminal."""

import re
import sys
from contextlib import redirect_stdout
from datetime import date
from io import StringIO

import click
import duckdb
import pyarrow as pa
from rich.console import Console

from calls_assets.commands.base import Command, days_options
from calls_assets.commands.local import read_what_is_there
from calls_assets.commands.spreadsheet import header, lines
from calls_assets.display import legible
from calls_assets.interrupts import interrupted_by
from calls_assets.metrics.connection import SCHEME
from calls_assets.reader import connect, explain, explained
from calls_assets.settings import Settings
from calls_assets.tables.catalog import ALL_TABLES
from calls_assets.tables.schema import Table
from calls_assets.terminal import entry, grid, say

MOST_ROWS = 200
"""How many rows a terminal shows; CSV has all of them."""

ROWS_AT_ONCE = 2000
"""How many rows of CSV are written at a time."""

BEYOND = (
    "disabled by configuration",
    "disabled through configuration",
    "configuration has been locked",
    "PermissionError",
)
"""What errors say when a query needs more than the tables."""

LONGEST_TYPE = 25
"""A nested type with a longer name is shown by its outermost kind alone."""

HOLDS = "what it holds"

DAYS = "SELECT min(local_date), max(local_date), count(DISTINCT local_date), count(*) FROM {}"

HINTS = """A table's columns and what they mean:  calls-assets sql service_level
Whole weeks and months, in queries:    FROM weekly.service_level
Questions with their queries:          docs/cookbook.md"""


class _Sql(Command):
    """Takes a query that begins with a comment as the query, not as an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; text with white space in it is not an option."""
        queries = [] if "--" in args else [text for text in args if text.startswith("-") and len(text.split()) > 1]
        options = [text for text in args if text not in queries]
        return super().parse_args(ctx, [*options, "--", *queries] if queries else args)


@click.command("sql", cls=_Sql)
@click.argument("query", required=False)
@days_options("first day; default: all", "last day; default: all")
@click.option("--csv", "as_csv", is_flag=True, help="print every row as CSV")
@click.option(
    "--allow-files",
    is_flag=True,
    help="let the query read other files than the tables', write files and load extensions, which it may not",
)
def command(query: str | None, first: date | None, last: date | None, as_csv: bool, allow_files: bool) -> None:
    """Answer a query over all tables, or list them.

    QUERY is SQL such as 'SELECT * FROM service_level', or a table's name for its columns; - reads it from stdin. Without it,
    the tables are listed. Instants are shown in the zone of the calls.
    """
    if query not in ALL_TABLES:
        read_what_is_there()
    if query in ALL_TABLES:
        describe(ALL_TABLES[query], Console())
    elif query is None:
        with explained(first, last):
            list_tables(first, last, Console())
    else:
        print_query(query, first, last, as_csv, allow_files)


def print_query(query: str, first: date | None, last: date | None, as_csv: bool, allow_files: bool = False) -> None:
    """Print what DuckDB answers to a query over all tables of the days.

    Raises:
        ValueError: DuckDB cannot answer the query; the sentence is DuckDB's.
        MissingDay: no table has any file in the range.
    """
    query = sys.stdin.read() if query == "-" else query
    if query.isidentifier() or not query.strip():
        raise ValueError(f"There is no table {query!r}: the tables are {', '.join(ALL_TABLES)}.")
    with connect(first, last, allow_files=allow_files) as connection, interrupted_by(connection.interrupt):
        try:
            relation: duckdb.DuckDBPyRelation | None = connection.sql(query)
            if relation is not None and as_csv:
                _print_csv(relation)
            elif relation is not None:
                _print_rows(relation)
        except (duckdb.Error, pa.ArrowException) as error:
            raise ValueError(_why(error, first, last)) from None


def _print_rows(relation: duckdb.DuckDBPyRelation) -> None:
    """Print the table that DuckDB draws, without control characters that cells and names may hold."""
    with redirect_stdout(StringIO()) as drawn:
        relation.show(max_rows=MOST_ROWS)
    sys.stdout.write(legible(drawn.getvalue()))


def _print_csv(relation: duckdb.DuckDBPyRelation) -> None:
    fit = legible if sys.stdout.isatty() else str
    sys.stdout.buffer.write(fit(header(relation.columns)).encode())
    for batch in relation.project(lines(relation)).to_arrow_reader(ROWS_AT_ONCE):
        sys.stdout.buffer.write(fit("".join(batch.column(0).to_pylist())).encode())


def _why(error: Exception, first: date | None, last: date | None) -> str:
    """The sentence about a broken file, or DuckDB's, made safe to show; says what to do if it went beyond the tables."""
    told = explain(error, first, last) if isinstance(error, duckdb.Error) else str(error)
    said = told.partition("Traceback (most recent call last)")
    told = said[0] or said[2].strip().rpartition("\n")[2]  # an error of ours comes with a traceback
    beyond = any(sign in told for sign in BEYOND)
    return legible(told.strip().replace(SCHEME, "")) + (
        "\nThe query may read only the tables: if you trust it, give --allow-files." if beyond else ""
    )


def list_tables(first: date | None, last: date | None, console: Console) -> None:
    """Print every table with its days, its rows and what it holds."""
    with connect(first, last) as connection:
        spans = {name: connection.execute(DAYS.format(name)).fetchone() or () for name in ALL_TABLES}
    begins, ends = ([span[n] for span in spans.values() if span[n]] for n in (0, 1))
    root = legible(Settings.load().data_url)
    say(console, f"{root}, {min(begins)} to {max(ends)}" if begins else root, style="italic")
    tables = grid("", ("table", "days", "rows", HOLDS), numbers=("days", "rows"), prose=HOLDS)
    for table, (_, _, days, rows) in zip(ALL_TABLES.values(), spans.values(), strict=True):
        tables.add_row(table.name, f"{days:,}", f"{rows:,}", _in_short(table))
    console.print(tables)
    console.print()
    console.print(HINTS, highlight=False, soft_wrap=True)


def _in_short(table: Table) -> str:
    """The first clause of a table's description."""
    return re.split(r"[:.]( |$)", table.description, maxsplit=1)[0]


def describe(table: Table, console: Console) -> None:
    """Print a table's columns with type, unit and meaning."""
    say(console, table.description, style="italic")
    console.print()
    for column in table.columns:
        kind = str(column.type)
        kind = kind if len(kind) < LONGEST_TYPE else kind.partition("<")[0]
        entry(console, f"{column.name} ({', '.join(filter(None, (kind, column.unit)))})", [column.description])
