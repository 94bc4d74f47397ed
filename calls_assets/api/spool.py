"""Rows in the order in which they came: a few in memory, the rest in an unnamed file on disk."""

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np
import pyarrow as pa

from calls_assets.arrow import Ints, int_array

MOST_IN_MEMORY = 40 * 2**20  # bytes of rows, about seventy thousand ordinary calls


class NotSpooled(OSError):
    """The disk is full, or cannot be written to."""


class Spool:
    """Rows of one schema, numbered from 0 in the order in which they came.

    Args:
        schema: The rows' schema.
        most_in_memory: Bytes of rows after which more go to disk.
    """

    def __init__(self, schema: pa.Schema, most_in_memory: int = MOST_IN_MEMORY) -> None:
        self._schema = schema
        self._left = most_in_memory
        self._batches: list[pa.RecordBatch | tuple[int, int]] = []
        self._starts: list[int] = []
        self._rows = 0
        self._file: int | None = None
        self._end = 0

    def append(self, rows: pa.Table) -> None:
        """Add rows.

        Raises:
            NotSpooled: the disk is full, or cannot be written to.
        """
        for batch in rows.to_batches():
            if batch.num_rows:
                self._left -= batch.nbytes
                self._starts.append(self._rows)
                self._batches.append(batch if self._left > 0 else self._to_disk(batch))
                self._rows += batch.num_rows

    def take(self, numbers: Ints, columns: list[str] | None = None) -> pa.Table:
        """The rows of these numbers, in the numbers' order; holds at most as many other rows in memory."""
        schema = self._schema if columns is None else pa.schema([self._schema.field(name) for name in columns])
        holders = np.searchsorted(self._starts, numbers, side="right") - 1
        order = np.argsort(holders, kind="stable")
        used, begins = np.unique(holders[order], return_index=True)
        parts, first = [], 0
        places = np.empty_like(numbers)
        for holder, here in zip(used.tolist(), np.split(order, begins[1:]), strict=False):
            batch = self._batch(holder)
            chosen = batch if columns is None else batch.select(columns)
            local = numbers[here] - self._starts[holder]
            if isinstance(self._batches[holder], tuple) and 2 * len(local) < len(batch):
                chosen, local = chosen.take(int_array(local)), np.arange(len(local))
            parts.append(chosen)
            places[here] = local + first
            first += len(chosen)
        return pa.Table.from_batches(parts, schema).take(int_array(places))

    def _batch(self, place: int) -> pa.RecordBatch:
        batch = self._batches[place]
        if not isinstance(batch, tuple):
            return batch
        begin, size = batch
        return pa.ipc.read_record_batch(pa.py_buffer(os.pread(self._file or 0, size, begin)), self._schema)

    def _to_disk(self, batch: pa.RecordBatch) -> tuple[int, int]:
        try:
            if self._file is None:
                self._file, name = tempfile.mkstemp()
                weakref.finalize(self, os.close, self._file)
                Path(name).unlink()
            content = memoryview(batch.serialize())
            begin = self._end
            while self._end < begin + len(content):
                self._end += os.pwrite(self._file, content[self._end - begin :], self._end)
        except OSError as error:
            raise NotSpooled(
                f"The calls of a large day could not be kept on disk ({error.strerror}): set TMPDIR to a folder with room."
            ) from error
        return begin, len(content)
