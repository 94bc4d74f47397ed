"""How a day's calls differ from the previous pull: calls that are new, gone and changed, field by field."""

from collections.abc import Iterable, Iterator

import duckdb
import pyarrow as pa

from calls_assets.metrics.run import Relation, reading
from calls_assets.tables.catalog import RAW_CALLS

NEW, GONE, CHANGED = "new", "gone", "changed"

FIELDS = tuple(name for name in RAW_CALLS.arrow_schema.names if name not in ("local_date", "id"))
"""The fields of a call that can change."""

CHANGES = pa.schema([("call_id", pa.int64()), ("change", pa.string()), ("field", pa.string())])

COMPARE = """
    SELECT coalesce(a.id, b.id) AS call_id,
        CASE WHEN b.id IS NULL THEN '{new}' WHEN a.id IS NULL THEN '{gone}' ELSE '{changed}' END AS change,
        unnest(
            CASE WHEN a.id IS NULL OR b.id IS NULL THEN [NULL] ELSE list_filter([{fields}], lambda f: f IS NOT NULL) END
        ) AS field
    FROM after AS a FULL JOIN before AS b USING (id)
    ORDER BY call_id, field
"""


def changes(before: Relation, after: Iterable[pa.Table]) -> pa.Table:
    """The changes from a day's file to the rows that will replace it, in the schema `CHANGES`; one field per row.

    Args:
        before: The day's `raw_calls` as they are, sorted by id.
        after: The day's `raw_calls` as they will be, sorted by id, in parts, of which one is in memory at a time.
    """
    with reading({"raw_calls": before}, keep_missing_columns=True) as connection:
        fields = [name for name in connection.table("raw_calls").columns if name in FIELDS]
        return pa.concat_tables([pa.Table.from_batches([], CHANGES), *_compare_parts(connection, fields, after)])


def _compare_parts(
    connection: duckdb.DuckDBPyConnection, fields: list[str], after: Iterable[pa.Table]
) -> Iterator[pa.Table]:
    """The changes of each part, and then of the calls after the last one."""
    names = ", ".join(["id", *fields])
    lowest: int | None = None
    for rows in after:
        highest = rows["id"][-1].as_py()
        yield _compare(connection, names, fields, rows, lowest, highest)
        lowest = highest
    yield _compare(connection, names, fields, RAW_CALLS.empty(), lowest, None)


def _compare(
    connection: duckdb.DuckDBPyConnection,
    names: str,
    fields: list[str],
    rows: pa.Table,
    above: int | None,
    to: int | None,
) -> pa.Table:
    bounds = ([f"id > {above}"] if above is not None else []) + ([f"id <= {to}"] if to is not None else [])
    chosen = f"SELECT {names} FROM raw_calls WHERE {' AND '.join(bounds) or 'true'} ORDER BY id"  # noqa: S608  # our own columns
    before, now = connection.sql(chosen).to_arrow_table(), rows.select(["id", *fields])
    if before.equals(now.cast(before.schema)):
        return pa.Table.from_batches([], CHANGES)
    connection.register("before", before)
    connection.register("after", now)
    each = ", ".join(f"CASE WHEN a.{name} IS DISTINCT FROM b.{name} THEN '{name}' END" for name in fields)
    query = COMPARE.format(new=NEW, gone=GONE, changed=CHANGED, fields=each)
    return connection.sql(query).to_arrow_table().cast(CHANGES)
