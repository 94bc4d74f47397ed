import json
import re

import pytest

from calls_assets.api import decode
from calls_assets.api.decode import read_page
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
