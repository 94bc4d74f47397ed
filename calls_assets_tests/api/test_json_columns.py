"""Columns become the JSON that the rules give of the values themselves, to the letter."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api.dialect import OBJECT
from calls_assets.api.json_columns import arrays, concatenated, object_texts, to_json
from calls_assets.api.json_values import as_json
from calls_assets.arrow import flag_array, texts

KIND = pa.struct(
    [
        pa.field("b", pa.string()),
        pa.field("a", pa.int64()),
        pa.field("c", pa.struct([pa.field("é", pa.bool_()), pa.field("d", pa.list_(pa.string()))])),
    ]
)
word = st.text(st.characters(codec="utf-8"), max_size=4)
inner = st.fixed_dictionaries({"é": st.booleans(), "d": st.lists(word, max_size=2)})
record = st.fixed_dictionaries({"b": word | st.none(), "a": st.integers(-9, 9) | st.none(), "c": inner | st.none()})


@given(st.lists(record | st.none(), min_size=1, max_size=6))
def test_objects_become_their_json_with_what_is_there(records):
    """Arrow does not tell a null from nothing, so that neither is in the JSON."""
    told = [
        None if one is None else {name: value for name, value in one.items() if value is not None} for one in records
    ]
    values = to_json(arrays(records, KIND), OBJECT).to_pylist()
    assert values == [None if one is None else as_json(one) for one in told]


def test_what_stands_behind_a_null_is_not_told():
    fields = [texts(["x", "y"])]
    values = pa.StructArray.from_arrays(fields, names=["name"], mask=flag_array(np.array([False, True])))
    assert to_json(values, OBJECT).to_pylist() == ['{"name": "x"}', None]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"b": [texts(["1", "2"])], "a": [texts(["3", None])]}, ['{"a": 3, "b": 1}', '{"b": 2}']),
        ({"a": [texts(["1", "2"])], "b": [texts(["3", None])]}, ['{"a": 1, "b": 3}', '{"a": 2}']),
        ({"a": [texts(["1", None])], "b": [texts(["2", None])]}, ['{"a": 1, "b": 2}', None]),
        ({"a": ['"', texts(["x", "y"]), '"']}, ['{"a": "x"}', '{"a": "y"}']),
    ],
)
def test_commas_stand_between_the_parts_that_are_there(parts, told):
    assert object_texts(parts).to_pylist() == told


def test_no_parts_are_no_objects():
    assert object_texts({}) is None
    assert object_texts({"a": [texts([None, None])]}) is None


def test_pieces_are_put_together_from_left_to_right():
    assert concatenated(["<", "b>", texts(["x", "y"]), "</b>"]).to_pylist() == ["<b>x</b>", "<b>y</b>"]
