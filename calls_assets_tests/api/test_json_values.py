"""JSON from outside: what is odd in it is kept and told, and what is too deep or too much costs a bounded time and memory."""

import json
import tracemalloc

import pytest

from calls_assets.api import json_values
from calls_assets.api.errors import TooMuch
from calls_assets.api.json_values import (
    HALVES,
    JSON,
    MOST_LEVELS,
    DuplicateName,
    UnheldNumber,
    as_json,
    flattened,
    slimmed,
)


def nested(levels, inside="", begin="[", end="]"):
    return begin * levels + inside + end * levels


@pytest.mark.parametrize("spelt", ["NaN", "Infinity", "-Infinity", "1e400", "-1.5e999", "9" * 5000, "-" + "1" * 401])
def test_a_number_that_no_type_can_hold_is_kept_as_it_is_spelt(spelt):
    value = JSON.decode(f"[{spelt}]")[0]
    assert (type(value), value) == (UnheldNumber, spelt)
    assert json.loads(as_json(value)) == spelt


@pytest.mark.parametrize("spelt", ["1e308", "-0", "9" * 400, "0." + "3" * 5000, "1e-999"])
def test_a_number_that_can_be_held_is_one(spelt):
    assert JSON.decode(spelt) == json.loads(spelt)


def test_different_values_under_one_name_are_all_kept_and_equal_ones_are_one():
    read = JSON.decode('{"a": 1, "b": 2, "a": "1", "b": 2, "b": null, "a": {"c": 1, "c": 1.0}}')
    assert (type(read["a"]), read["b"]) == (DuplicateName, 2)
    assert as_json(read) == '{"a": [1, "1", {"c": 1}], "b": 2}'


@pytest.mark.parametrize(
    ("write", "written", "most"),
    [(as_json, r"a\udcff\ud800", 16), (lambda text: text.translate(HALVES), "a\ufffd\ufffd", 8)],
)
def test_bytes_that_are_no_unicode_take_no_object_each(write, written, most):
    text = "a\udcff\ud800" * 100_000
    tracemalloc.start()
    assert write(text).strip('"') == written * 100_000
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < most * len(text)


@pytest.mark.parametrize("sign", ["\x00", "\n", "\x1f", "\t"])
def test_control_characters_in_texts_are_characters(sign):
    assert JSON.decode(f'"a{sign}b"') == f"a{sign}b"


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"a": "]]}}[[", "b": "\\\\", "c": ["\\"[", "\\\\\\"["]}', nested(MOST_LEVELS).encode(), b"]]]"],
)
def test_what_is_not_too_deep_stays_as_it_is(body):
    assert flattened(body) is body


@pytest.mark.parametrize("at_once", [1, 7, 1 << 23])
def test_what_is_too_deep_is_a_text_of_what_was_sent(monkeypatch, at_once):
    monkeypatch.setattr(json_values, "AT_ONCE", at_once)
    monkeypatch.setattr(json_values, "MOST_LEVELS", 2)
    sent = r'{"a": [[1, "]\"\\", {"é": []}], "\\\"", [ ]], "b": [{"c": 2}], "d": "]"}'
    flat = JSON.decode(flattened(sent.encode()).decode())
    assert flat == {"a": [r'[1, "]\"\\", {"é": []}]', '\\"', "[ ]"], "b": ['{"c": 2}'], "d": "]"}


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 700, 990, 1100, 100_000, 3_000_000])
def test_any_depth_can_be_read_and_written(levels):
    read = JSON.decode(flattened(b'{"a": ' + nested(levels).encode() + b"}").decode())
    told = as_json(read)
    inner = levels - MOST_LEVELS + 1
    assert told == '{"a": ' + nested(MOST_LEVELS - 1, f'"{nested(inner)}"') + "}"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 1000 + b"]" * 400])
def test_brackets_that_are_not_closed_are_no_json(body):
    with pytest.raises(ValueError, match="not closed"):
        flattened(body)


def page(*records):
    return f'{{"calls": [{", ".join(records)}], "meta": {{"total": {len(records)}}}}}'.encode()


@pytest.mark.parametrize(
    "wide", ['{"id": 1, "x": [1, 2, 3, 4]}', '{"id": 1, "a": 1, "b": 2, "c": 3, "d": 4}', "[1, [2], {}, 3]"]
)
def test_a_record_of_too_many_values_is_a_text_and_costs_no_other(monkeypatch, wide):
    monkeypatch.setattr(json_values, "MOST_VALUES_OF_RECORD", 3)
    small = '{"id": 2, "text": "a, [b], {c}, d"}'
    assert JSON.decode(slimmed(page(small, wide, small)).decode())["calls"] == [
        json.loads(small),
        wide,
        json.loads(small),
    ]


def test_more_values_than_fit_are_refused_and_commas_in_texts_are_none(monkeypatch):
    monkeypatch.setattr(json_values, "MOST_VALUES", 10)
    slimmed(page('{"id": 1}', json.dumps(", [" * 100)))
    with pytest.raises(TooMuch, match="more than 10 values"):
        slimmed(page(*['{"id": 1}'] * 9))


@pytest.mark.parametrize("odd", [b"\x01", b"\xff"])
def test_more_odd_bytes_than_fit_are_refused_and_blanks_are_none(monkeypatch, odd):
    monkeypatch.setattr(json_values, "MOST_ODD", 4)
    plain = '{"calls":\n\t[\r\n"\u00e4"\n]}'.encode()
    assert slimmed(plain + odd * 4) == plain + odd * 4
    with pytest.raises(TooMuch, match="more than 4 control characters or bytes that are not UTF-8"):
        slimmed(plain + odd * 5)


def test_more_lists_than_fit_are_refused(monkeypatch):
    monkeypatch.setattr(json_values, "MOST_SPANS", 10)
    with pytest.raises(TooMuch, match="more than 10 objects and lists in one place"):
        flattened(nested(MOST_LEVELS, "[], " * 11 + "[]").encode())
