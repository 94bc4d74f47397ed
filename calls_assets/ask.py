"""Questions to the tables in SQL, answered in the terminal."""

import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid

from calls_assets.desk import connect
from calls_assets.tables.dictionary import ALL_TABLES
from calls_assets.tables.schema import Table

MOST_ROWS = 200
"""A terminal shows so many rows; CSV has them all."""

LONGEST_TYPE = 25
"""A nested type with a longer name is shown as what it is at its outside."""

DAYS = "SELECT min(local_date), max(local_date), count(*) FROM {}"


def ask(query: str, first: date | None, last: date | None, as_csv: bool) -> None:
    """Print what DuckDB answers to a query over all tables of the days.

    Raises:
        ValueError: the query is none that DuckDB can answer; the sentence is DuckDB's.
        MissingDay: no table has any file in the range.
    """
    query = sys.stdin.read() if query == "-" else query
    if query.isidentifier() or not query.strip():
        raise ValueError(f"There is no table {query!r}: the tables are {', '.join(ALL_TABLES)}.")
    with connect(first, last) as connection:
        try:
            relation: duckdb.DuckDBPyRelation | None = connection.sql(query)
            if relation is not None and as_csv:
                _print_csv(relation)
            elif relation is not None:
                relation.show(max_rows=MOST_ROWS)
        except duckdb.Error as error:
            raise ValueError(str(error)) from None


def _print_csv(relation: duckdb.DuckDBPyRelation) -> None:
    """Print through our own handle: DuckDB would open the terminal's file anew, and what stood in it would be gone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answer.csv")
        relation.write_csv(str(path))
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)


def list_tables(first: date | None, last: date | None, console: Console) -> None:
    """Print every table with its days, its rows and what it is."""
    grid = Grid(box=SIMPLE_HEAD)
    for name in ("table", "days", "rows", "what it holds"):
        grid.add_column(name, justify="right" if name == "rows" else "left", no_wrap=name != "what it holds")
    with connect(first, last) as connection:
        for table in ALL_TABLES.values():
            found = connection.execute(DAYS.format(table.name)).fetchone()
            begin, end, rows = found or (None, None, 0)
            grid.add_row(table.name, f"{begin} to {end}" if rows else "-", f"{rows:,}", table.description)
    console.print(grid)
    console.print("A table's columns and their meaning: calls-assets sql service_level", highlight=False)


def describe(table: Table, console: Console) -> None:
    """Print a table's columns with type, unit and meaning."""
    grid = Grid(title=table.description, title_justify="left", box=SIMPLE_HEAD)
    for name in ("column", "type", "unit", "what it means"):
        grid.add_column(name, no_wrap=name == "column")
    for column in table.columns:
        kind = str(column.type)
        grid.add_row(
            column.name, kind if len(kind) < LONGEST_TYPE else kind.partition("<")[0], column.unit, column.description
        )
    console.print(grid)
