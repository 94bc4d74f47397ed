"""Rows come back by number, whether they are in memory or on disk."""

import os

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api.spool import NotSpooled, Spool
from calls_assets.arrow import int_array

SCHEMA = pa.schema([("id", pa.int64()), ("tags", pa.list_(pa.string()))])
LISTS = st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=8)


def page(first, tags):
    return pa.Table.from_arrays(
        [int_array(range(first, first + len(tags))), pa.array(tags, SCHEMA.types[1])], schema=SCHEMA
    )


@given(st.data(), st.lists(LISTS, max_size=5), st.sampled_from([0, 200, 10**6]))
def test_any_rows_come_in_any_order_from_memory_and_from_disk(data, pages, in_memory):
    spool, seen = Spool(SCHEMA, in_memory), SCHEMA.empty_table()
    for tags in pages:
        new = page(len(seen), tags)
        spool.append(new)
        seen = pa.concat_tables([seen, new])
    numbers = int_array(data.draw(st.lists(st.integers(0, len(seen) - 1)) if len(seen) else st.just([])))
    assert spool.take(numbers.to_numpy()).equals(seen.take(numbers))
    assert spool.take(numbers.to_numpy(), ["tags"]).equals(seen.take(numbers).select(["tags"]))


def test_a_disk_that_is_full_is_named_with_what_to_do(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(NotSpooled, match=r"No space left on device\): set TMPDIR to a folder with room"):
        Spool(SCHEMA, 0).append(page(0, [["a"]]))
