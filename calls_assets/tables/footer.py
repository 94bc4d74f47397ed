"""Whether a Parquet file is a table's file of a day: by its columns, their types, its day and its rows.

Otherwise, reading columns by name would take a renamed column for one of nulls, and another table's file for an empty one.
"""

import os
import stat
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from calls_assets.display import shown
from calls_assets.tables.schema import Table

DAY_COLUMN = "local_date"
"""The first column of every table."""

MOST_ROWS = 100_000_000
"""No day has more: a footer that says so is broken, and allocating that many rows would take all memory."""


def open_file(path: Path) -> pa.NativeFile:
    """Open a file for reading; a pipe or a device is not opened, because that may block or have effects.

    Raises:
        ValueError: it is not a regular file, or a link that leads nowhere.
        OSError: the system refuses.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        os.lstat(path)  # raises as well where there is not even a link
        raise ValueError("it is a link that leads nowhere") from None
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is not a regular file")
    return pa.OSFile(str(path))


def sound_footer(table: Table, day: date, file: pa.NativeFile) -> pq.FileMetaData:
    """The footer of a file of a table and a day.

    A file from before a column was added lacks it, and one from a later version has more columns. One that does both
    belongs to another table, or its columns were renamed.

    Raises:
        ValueError: the file is not one of the table and day; says why. Arrow's own errors are ValueErrors too, or OSErrors
            without an errno.
    """
    with pq.ParquetFile(file) as parquet:
        footer = parquet.metadata
        for wrong in chain(_columns(table, parquet.schema_arrow), _rows(footer), _days(day, parquet)):
            raise ValueError(wrong)
        return footer


def is_current(table: Table, footer: pq.FileMetaData) -> bool:
    """Whether a sound file has all columns of the table, and so is not from before one was added."""
    found, ours = footer.schema.to_arrow_schema(), table.arrow_schema
    return found.equals(ours) or all(
        field.name in found.names and found.field(field.name).type == field.type for field in ours
    )


def _columns(table: Table, found: pa.Schema) -> Iterator[str]:
    ours = table.arrow_schema
    if found.equals(ours):
        return
    lacks = [name for name in ours.names if name not in found.names]
    strange = [name for name in found.names if name not in ours.names]
    without = [name for name in table.key if name in lacks]
    if found.names[:1] != ours.names[:1]:
        yield f"its first column is not {ours.names[0]}"
    if without or (lacks and strange):
        yield f"it has no column {(without or lacks)[0]}"
    if len({*found.names}) < len(found.names):
        yield "two of its columns have the same name"
    for name in ours.names:
        if name not in lacks and not _fits(found.field(name).type, ours.field(name).type):
            yield f"its column {name} is {shown(str(found.field(name).type))} and not {shown(str(ours.field(name).type))}"


def _fits(found: pa.DataType, ours: pa.DataType) -> bool:
    """Whether a column has our type, or is a struct from before a field was added."""
    if pa.types.is_struct(found) and pa.types.is_struct(ours):
        known = {field.name: field.type for field in ours}
        return all(field.name in known and _fits(field.type, known[field.name]) for field in found)
    if pa.types.is_list(found) and pa.types.is_list(ours):
        return _fits(found.value_type, ours.value_type)
    return bool(found == ours)


def _rows(footer: pq.FileMetaData) -> Iterator[str]:
    told = sum(footer.row_group(place).num_rows for place in range(footer.num_row_groups))
    if told != footer.num_rows or not 0 <= told <= MOST_ROWS:
        yield "its footer contradicts itself on how many rows it has"


def _days(day: date, parquet: pq.ParquetFile) -> Iterator[str]:
    """Check the column of days by reading it: asking a broken footer for its statistics would abort the process."""
    if not parquet.metadata.num_rows:
        return
    days = parquet.read(columns=[DAY_COLUMN], use_threads=False)[DAY_COLUMN]
    if len(days) != parquet.metadata.num_rows:
        yield "its pages do not hold the rows that its footer counts"
    for other in days.unique().to_pylist():
        if other != day:
            yield f"it has rows of {other}"
