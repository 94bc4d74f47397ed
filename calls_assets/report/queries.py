"""Runs the queries beside this file."""

from importlib.resources import files
from typing import Any

import duckdb


def query(connection: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """The rows of the query in the file of a name, each by column."""
    found = connection.execute(files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8"))
    columns = [column[0] for column in found.description or []]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
