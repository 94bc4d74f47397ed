"""What a table is: its columns with type, unit and description, its key, and what it is made from.

The tables themselves are listed in `catalog`. Arrow schema, Parquet metadata, the UI's columns and the docs all come
from here, so a column is described once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pyarrow as pa

from calls_assets.api.document import Field
from calls_assets.api.types import arrow_type
from calls_assets.arrow import dates, notes


@dataclass(frozen=True)
class Column:
    """One column: its Arrow type, what it means, its unit, and whether it may be null.

    `varied` are its Parquet columns whose values rarely repeat, so that a dictionary would not save space.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str | None = None
    required: bool = False
    varied: tuple[str, ...] = ()

    @property
    def arrow_field(self) -> pa.Field:
        """The Arrow field, with description and unit in its metadata."""
        return pa.field(self.name, self.type, not self.required, notes(self.description, self.unit))

    @classmethod
    def documented(cls, field: Field) -> "Column":
        """The column of a field of the API document, under its own name and nesting."""
        return cls(field.name, arrow_type(field), field.description, field.unit, varied=tuple(_varied(field, "")))


@dataclass(frozen=True)
class Table:
    """One table, with one file a day, which is unique and sorted by `key`.

    `inputs` are the tables that it is computed from; a table without inputs comes from the API. `group` is its group in
    the UI.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    group: str = "calls"

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The schema of every file of the table, with descriptions and units."""
        return pa.schema([column.arrow_field for column in self.columns], {"description": self.description})

    @cached_property
    def encodings(self) -> tuple[list[str], dict[str, str]]:
        """The Parquet columns with a dictionary, and the encoding of each of the others."""
        leaves = dict(leaf for field in self.arrow_schema for leaf in _leaves(field.type, field.name))
        varied = {path for column in self.columns for path in column.varied}
        others = {path: "PLAIN" if pa.types.is_string(leaves[path]) else "DELTA_BINARY_PACKED" for path in varied}
        return [path for path in leaves if path not in varied], others

    def conform(self, rows: pa.Table) -> pa.Table:
        """`rows` in the table's schema: columns chosen and ordered by name, types cast without loss.

        Raises:
            ValueError: a column is missing, a value does not fit its type, or a required value is null.
        """
        missing = [name for name in self.arrow_schema.names if name not in rows.schema.names]
        if missing:
            raise ValueError(f"{self.name} lacks the columns {', '.join(missing)}.")
        arrays = []
        for field in self.arrow_schema:
            array = rows.column(field.name)
            try:
                array = array if array.type.equals(field.type) else array.cast(field.type)
            except pa.ArrowInvalid as error:
                raise ValueError(
                    f"{self.name}.{field.name} holds a value that is not a {field.type}: {error}."
                ) from error
            if not field.nullable and array.null_count:
                raise ValueError(f"{self.name}.{field.name} may not be null, but {array.null_count} values are.")
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=self.arrow_schema)

    def empty(self) -> pa.Table:
        """The table with no rows."""
        return pa.Table.from_batches([], self.arrow_schema)

    def stamp(self, rows: pa.Table, day: date) -> pa.Table:
        """`rows` of one day without `local_date`, in the table's schema with it."""
        return self.conform(rows.append_column("local_date", dates(day, rows.num_rows)))


def _varied(field: Field, prefix: str) -> Iterator[str]:
    path = f"{prefix}{field.name}{'.list.element' if field.many else ''}"
    if isinstance(field.kind, tuple):
        for inner in field.kind:
            yield from _varied(inner, f"{path}.")
    elif field.varies:
        yield path


def _leaves(kind: pa.DataType, path: str) -> Iterator[tuple[str, pa.DataType]]:
    """The paths and types of the Parquet columns that store an Arrow type."""
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(field.type, f"{path}.{field.name}")
    elif pa.types.is_list(kind):
        yield from _leaves(kind.value_type, f"{path}.list.element")
    else:
        yield path, kind
