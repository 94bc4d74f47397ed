"""Whole numbers and texts between numpy and Arrow.

pyarrow imports pandas, which takes a second, to turn Python values into arrays or arrays into numpy. What is here shares the
memory instead.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]


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
