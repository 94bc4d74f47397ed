"""The fields of the API document as Arrow types, and whole numbers between Arrow and numpy.

pyarrow imports pandas, which takes a second, to turn Python values into arrays or arrays into numpy. What is here shares the
memory instead.
"""

from collections.abc import Iterable
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calls_assets.api.document import Field, Kind

pa.set_memory_pool(pa.system_memory_pool())  # gives back what a thread has freed; Arrow's own keeps it

Ints = npt.NDArray[np.int64]

_PLAIN = {Kind.INTEGER: pa.int64(), Kind.BOOLEAN: pa.bool_(), Kind.TEXT: pa.string()}


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type of a documented field: plain, struct, or a list of either."""
    item = _PLAIN[field.kind] if isinstance(field.kind, Kind) else pa.struct([_nested(inner) for inner in field.kind])
    return pa.list_(item) if field.many else item


def notes(description: str, unit: str | None) -> dict[str, str]:
    """The metadata of an Arrow field."""
    return {"description": description} | ({"unit": unit} if unit else {})


def _nested(field: Field) -> pa.Field:
    return pa.field(field.name, arrow_type(field), metadata=notes(field.description, field.unit))


def ints(column: pa.ChunkedArray) -> Ints:
    """An int64 column as numpy; nulls are left out."""
    parts = [_ints(chunk.drop_null() if chunk.null_count else chunk) for chunk in column.chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _ints(array: pa.Array) -> Ints:
    return np.frombuffer(array.buffers()[1], np.int64, len(array), array.offset * 8)


def int_array(values: Ints | Iterable[int]) -> pa.Array:
    """Whole numbers as an Arrow array without nulls."""
    numbers = np.ascontiguousarray(values if isinstance(values, np.ndarray) else list(values), np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def texts(values: Iterable[str]) -> pa.Array:
    """Texts as an Arrow array without nulls."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    return pa.Array.from_buffers(pa.string(), len(encoded), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))])


def dates(day: date, rows: int) -> pa.Array:
    """One date, so many times."""
    days = np.full(rows, day.toordinal() - date(1970, 1, 1).toordinal(), np.int32)
    return pa.Array.from_buffers(pa.date32(), rows, [None, pa.py_buffer(days)])
