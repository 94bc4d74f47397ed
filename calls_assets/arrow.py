"""Whole numbers, flags, texts and dates between numpy and Arrow, and how many rows of a table are held at a time.

pyarrow's own conversions import pandas, which takes a second. These share the memory instead.
"""

import sys
from collections.abc import Iterable
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

# Crawls give their rows in groups of this size too, so that a day's bytes do not depend on how its calls came.
ROW_GROUP_ROWS = 16_384
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def ints(column: pa.ChunkedArray) -> Ints:
    """An int64 column as numpy; nulls are left out."""
    parts = [_ints(chunk.drop_null() if chunk.null_count else chunk) for chunk in column.chunks if len(chunk)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _ints(array: pa.Array) -> Ints:
    return np.frombuffer(array.buffers()[1], np.int64, len(array), array.offset * 8)


def raw_numbers(array: pa.Array) -> npt.NDArray[np.generic]:
    """An int64, int32 or double array as numpy; the values at nulls are meaningless."""
    kind = {pa.int64(): np.int64, pa.int32(): np.int32, pa.float64(): np.float64}[array.type]
    if not len(array):
        return np.empty(0, kind)
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * np.dtype(kind).itemsize)


def where_valid(array: pa.Array) -> Flags:
    """Which values of an array are not null."""
    buffer = array.buffers()[0] if array.null_count else None
    if pa.types.is_null(array.type):
        return np.zeros(len(array), np.bool_)
    return np.ones(len(array), np.bool_) if buffer is None else _bits(buffer, array.offset, len(array))


def _bits(buffer: pa.Buffer, first: int, count: int) -> Flags:
    found = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")[first : first + count]
    return found.view(np.bool_)


def flag_array(values: Flags, missing: Flags | None = None) -> pa.Array:
    """Flags as an Arrow array, null where they are `missing`."""
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(values), [_validity(missing), bits])


def _validity(missing: Flags | None) -> pa.Buffer | None:
    return pa.py_buffer(np.packbits(~missing, bitorder="little")) if missing is not None and missing.any() else None


def int_array(values: Ints | Iterable[int], missing: Flags | None = None) -> pa.Array:
    """Whole numbers as an Arrow array, null where they are `missing`."""
    numbers = np.ascontiguousarray(values if isinstance(values, np.ndarray) else list(values), np.int64)
    return pa.Array.from_buffers(pa.int64(), len(numbers), [_validity(missing), pa.py_buffer(numbers)])


@cache
def text(value: str | None) -> pa.Scalar:
    """A text as an Arrow scalar."""
    return texts([value])[0]


def texts(values: Iterable[str | None]) -> pa.Array:
    """Texts as an Arrow array."""
    given = list(values)
    encoded = [(value or "").encode() for value in given]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    missing = np.fromiter((value is None for value in given), np.bool_, len(given))
    content = [_validity(missing), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), content)


def dates(day: date, rows: int) -> pa.Array:
    """One date, repeated for so many rows."""
    since_1970 = day.toordinal() - date(1970, 1, 1).toordinal()
    content = since_1970.to_bytes(4, sys.byteorder, signed=True) * rows
    return pa.Array.from_buffers(pa.date32(), rows, [None, pa.py_buffer(content)])


def notes(description: str, unit: str | None) -> dict[str, str]:
    """The metadata of an Arrow field."""
    return {"description": description} | ({"unit": unit} if unit else {})
