"""The fields of the API document as Arrow types, with descriptions and units in their metadata."""

import sys
from datetime import date
from functools import cache

import pyarrow as pa

from calls_assets.api.document import Field, Kind

PLAIN = {Kind.INTEGER: pa.int64(), Kind.BOOLEAN: pa.bool_(), Kind.TEXT: pa.string()}


@cache
def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type of a documented field: plain, struct, or a list of either."""
    item = PLAIN[field.kind] if isinstance(field.kind, Kind) else pa.struct([_nested(inner) for inner in field.kind])
    return pa.list_(item) if field.many else item


def notes(description: str, unit: str | None) -> dict[str, str]:
    """The metadata of an Arrow field."""
    return {"description": description} | ({"unit": unit} if unit else {})


def _nested(field: Field) -> pa.Field:
    return pa.field(field.name, arrow_type(field), metadata=notes(field.description, field.unit))


def dates(day: date, rows: int) -> pa.Array:
    """One date, so many times."""
    since_1970 = day.toordinal() - date(1970, 1, 1).toordinal()
    content = since_1970.to_bytes(4, sys.byteorder, signed=True) * rows
    return pa.Array.from_buffers(pa.date32(), rows, [None, pa.py_buffer(content)])
