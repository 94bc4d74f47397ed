import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls_assets.api import decode
from calls_assets.api.decode import read_page
from calls_assets.api.document import CALL
from calls_assets.api.errors import NotAPage

START = 1_747_839_084


def page(*calls, **meta):
    return json.dumps({"calls": list(calls), "meta": {"page": 1, "limit": 100, "total": len(calls)} | meta}).encode()


def test_the_documents_sample_is_read_whole(sample):
    read = read_page(sample)
    assert read.total == 33966
    assert read.rejects == ()
    assert read.calls.drop(["extra"]).to_pylist() == json.loads(sample)["calls"]
    assert read.calls["extra"].null_count == 2


def test_both_ways_give_the_same_table(sample):
    assert decode._read_clean(sample).calls.equals(decode._read_record_by_record(sample).calls)


def test_what_the_document_does_not_name_is_kept_in_its_own_nesting(make_call):
    call = make_call(1, START, new=1)
    call["all_agents"] = [None, {"id": 1, "mood": "fine"}]
    call["contact"]["vip"] = True
    (extra,) = read_page(page(call)).calls["extra"].to_pylist()
    assert extra == '{"all_agents": [null, {"mood": "fine"}], "contact": {"vip": true}, "new": 1}'


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is null, not an integer"),
        ({"id": 2**63}, "id is an integer beyond 64 bits"),
        ({"started_at": START * 1000}, "started_at is an integer that is no plausible epoch second"),
        ({"talk_time": "5"}, "talk_time is a string, not an integer"),
        ({"is_ended": 1}, "is_ended is an integer, not a boolean"),
        ({"duration": 1.5}, "duration is a number with a fraction, not an integer"),
        ({"contact": "x"}, "contact is a string, not an object"),
        ({"tags": {}}, "tags is an object, not an array"),
        ({"answered_agents": [{"id": "1"}]}, r"answered_agents\[0\].id is a string, not an integer"),
        ({"type": "\ud800"}, "type is a string that is no valid Unicode"),
    ],
)
def test_an_unreadable_record_is_set_aside_alone_with_its_reason(make_call, changes, reason):
    read = read_page(page(make_call(1, START), make_call(2, START, **changes), make_call(3, START)))
    assert read.calls["id"].to_pylist() == [1, 3]
    (reject,) = read.rejects
    assert re.fullmatch(reason, reject.reason)
    assert json.loads(reject.record)["campaign"] == {"id": 1, "name": "Campaign Name"}


def test_what_the_contract_allows_is_read(make_call):
    call = make_call(1, START, ring_group=[], duration=5.0, talk_time=None)
    del call["tags"]
    (row,) = read_page(page(call, total="1")).calls.to_pylist()
    assert (row["ring_group"], row["duration"], row["talk_time"], row["tags"]) == (None, 5, None, None)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"{}", b'{"calls": null, "meta": {"total": 0}}', b'{"calls": []}', b'{"calls": [', b"NaN"],
)
def test_what_is_no_page_says_so(body):
    with pytest.raises(NotAPage):
        read_page(body)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 1.0, 2.5, 1e300, 2**53 + 1, 2**63 - 1, 2**63, START, START * 1000]),
    st.text(max_size=5),
    st.sampled_from(["\ud800", "\x00", "é", "5"]),
)
NESTED = ("id", "started_at", "name", "number", "list_ids", "alias", "new", "url", "ü")
names = st.sampled_from(NESTED)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
mutations = st.lists(
    st.tuples(
        st.sampled_from([*(field.name for field in CALL), "new", "other"]), st.sampled_from([None, *NESTED]), values
    ),
    max_size=4,
)


def mutated(call, mutations):
    """The call with fields, or fields of its nested objects, set to other values."""
    for name, inner, value in mutations:
        target = call[name] if inner and isinstance(call.get(name), (dict, list)) else call
        target = target[0] if isinstance(target, list) and target and isinstance(target[0], dict) else target
        if isinstance(target, dict):
            target[inner if target is not call else name] = value
    return call


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(mutations, min_size=1, max_size=3))
def test_both_ways_give_the_same_table_whatever_the_records_hold(make_call, changes):
    body = page(*(mutated(make_call(n, START + n), some) for n, some in enumerate(changes)))
    slow = decode._read_record_by_record(body)
    assert slow.records == len(changes)
    assert slow.calls.schema.equals(decode.SCHEMA)
    if fast := decode._read_clean(body):
        assert fast.calls.equals(slow.calls)
        assert (fast.rejects, slow.rejects) == ((), ())
    read = read_page(body)
    assert read.calls.equals(slow.calls)
    assert read.rejects == slow.rejects


@pytest.mark.parametrize(
    "raw",
    [b'"\xff\xfe"', b"1e400", b"NaN", b'"' + b"x" * 10_000_000 + b'"', b"[" * 500 + b"]" * 500, b"0.0", b"-0", b"1E2"],
    ids=[
        "invalid utf-8",
        "beyond double",
        "no json number",
        "10 MB",
        "deep",
        "zero fraction",
        "minus zero",
        "exponent",
    ],
)
@pytest.mark.parametrize("name", ["type", "duration", "new"])
def test_an_odd_value_costs_at_most_its_record_and_never_differs_between_the_ways(make_call, raw, name):
    body = page(make_call(1, START), make_call(2, START) | {name: "@"}).replace(b'"@"', raw)
    try:
        slow = decode._read_record_by_record(body)
    except NotAPage:
        assert raw == b"NaN"  # no JSON at all, so that the page is asked for again
        with pytest.raises(NotAPage):
            read_page(body)
        return
    read = read_page(body)
    assert read.records == 2
    assert read.calls["id"].to_pylist()[0] == 1
    assert read.calls.equals(slow.calls)
    assert read.rejects == slow.rejects


def test_half_an_emoji_in_a_field_that_the_document_does_not_name_costs_no_call(make_call):
    (extra,) = read_page(page(make_call(1, START, mood="fine \ud83d"))).calls["extra"].to_pylist()
    assert json.loads(extra) == {"mood": "fine \ud83d"}


def test_a_byte_order_mark_changes_nothing(make_call):
    for call in (make_call(1, START), make_call(1, START, new=1)):
        assert read_page(b"\xef\xbb\xbf" + page(call)).calls.equals(read_page(page(call)).calls)
