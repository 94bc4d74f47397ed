"""Whether a Parquet file is what a table's file of a day is: its columns, their types, its day and its rows.

Whoever reads a file by its columns' names would else take a renamed column for one of nulls, and another table's file for an
empty one.
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
"""No day has more; a footer that counts as many is broken, and what makes room for them takes all memory."""


def open_file(path: Path) -> pa.NativeFile:
    """A file, opened to be read; what a pipe or a device would keep waiting, or do, when it is opened is not found out.

    Raises:
        ValueError: it is no file, or a link that leads nowhere.
        OSError: the system refuses.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        os.lstat(path)  # raises as well where there is not even a link
        raise ValueError("it is a link that leads nowhere") from None
    if not stat.S_ISREG(mode):
        raise ValueError("it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")
    return pa.OSFile(str(path))


def sound_footer(table: Table, day: date, file: pa.NativeFile) -> pq.FileMetaData:
    """The footer of a file of a table and a day.

    A file from before a column was added lacks it, and one from a later version has others beside ours. One that does both
    is of another table, or its columns were renamed.

    Raises:
        ValueError: the file is none; says why. Arrow's own errors are of that kind too, or an OSError without a number.
    """
    with pq.ParquetFile(file) as parquet:
        footer = parquet.metadata
        for wrong in chain(_columns(table, parquet.schema_arrow), _rows(footer), _days(day, parquet)):
            raise ValueError(wrong)
        return footer


def is_current(table: Table, footer: pq.FileMetaData) -> bool:
    """Whether a sound file has all that a table has, so that it is none from before something was added."""
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
        yield "two of its columns have one name"
    for name in ours.names:
        if name not in lacks and not _fits(found.field(name).type, ours.field(name).type):
            yield f"its column {name} is {shown(str(found.field(name).type))} and not {shown(str(ours.field(name).type))}"


def _fits(found: pa.DataType, ours: pa.DataType) -> bool:
    """Whether a column is of our type, or an object in it from before a field was added to that."""
    if pa.types.is_struct(found) and pa.types.is_struct(ours):
        known = {field.name: field.type for field in ours}
        return all(field.name in known and _fits(field.type, known[field.name]) for field in found)
    if pa.types.is_list(found) and pa.types.is_list(ours):
        return _fits(found.value_type, ours.value_type)
    return bool(found == ours)


def _rows(footer: pq.FileMetaData) -> Iterator[str]:
    told = sum(footer.row_group(place).num_rows for place in range(footer.num_row_groups))
    if told != footer.num_rows or not 0 <= told <= MOST_ROWS:
        yield "its footer does not say for certain how many rows it has"


def _days(day: date, parquet: pq.ParquetFile) -> Iterator[str]:
    """What the column of days says, read as such: where a footer is broken, to ask it for that column's figures aborts."""
    if not parquet.metadata.num_rows:
        return
    days = parquet.read(columns=[DAY_COLUMN], use_threads=False)[DAY_COLUMN]
    if len(days) != parquet.metadata.num_rows:
        yield "its pages do not hold the rows that its footer counts"
    for other in days.unique().to_pylist():
        if other != day:
            yield f"it has rows of {other}"
