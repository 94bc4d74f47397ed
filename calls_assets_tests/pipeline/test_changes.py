"""What is new, gone and changed between two pulls of a day, whatever parts the second one comes in."""

import copy

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.pipeline.changes import FIELDS, changes
from calls_assets.tables.catalog import RAW_CALLS
from calls_assets.tables.store import Files
from calls_assets_tests.examples import examples

CALLS = st.dictionaries(
    st.integers(1, 9),
    st.fixed_dictionaries({"talk_time": st.none() | st.integers(0, 2), "tags": st.lists(st.just("a"))}),
)


def table(calls):
    rows = [{"local_date": None, "started_at": 0} | fields | {"id": id_} for id_, fields in sorted(calls.items())]
    arrays = [pa.array([row.get(field.name) for row in rows], field.type) for field in RAW_CALLS.arrow_schema]
    return pa.Table.from_arrays(arrays, RAW_CALLS.arrow_schema.names)


def by_hand(before, after):
    for id_ in sorted(before.keys() | after.keys()):
        if id_ not in before or id_ not in after:
            yield id_, "gone" if id_ in before else "new", None
        else:
            yield from ((id_, "changed", name) for name in sorted(after[id_]) if after[id_][name] != before[id_][name])


@examples(100, few=20)
@given(CALLS, CALLS, st.integers(1, 4))
def test_changes_are_what_a_reader_of_both_finds(before, after, size):
    rows = table(after)
    parts = [rows.slice(first, size) for first in range(0, len(rows), size)]
    found = [(row["call_id"], row["change"], row["field"]) for row in changes(table(before), parts).to_pylist()]
    assert sorted(found, key=str) == sorted(by_hand(before, after), key=str)


NESTED = {
    "contact": {"full_name": "Another Name"},
    "all_agents": [{"id": 2}],
    "disposition": {"id": 9},
    "recordings": [{"url": "elsewhere"}],
    "extra": '{"new": 1}',
    "is_ended": None,
}


@pytest.mark.parametrize("field", NESTED)
def test_a_change_in_any_field_however_deep_is_named(field, tmp_path):
    before = {1: {"contact": {"full_name": "A Name"}, "all_agents": [{"id": 1}], "is_ended": True}}
    after = copy.deepcopy(before)
    after[1][field] = NESTED[field]
    pq.write_table(table(before), tmp_path / "before.parquet")
    found = changes(Files(RAW_CALLS, [str(tmp_path / "before.parquet")], True, {}), [table(after)])
    assert found.to_pylist() == [{"call_id": 1, "change": "changed", "field": field}]
    assert field in FIELDS


def test_a_file_from_before_a_field_was_known_is_compared_by_the_others():
    before, after = table({1: {"talk_time": 1}}), table({1: {"talk_time": 2, "extra": "{}"}})
    found = changes(before.drop_columns(["extra"]), [after])
    assert found["field"].to_pylist() == ["talk_time"]
