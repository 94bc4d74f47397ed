"""Each dialect writes the same calls, and leaves the account's own records unchanged."""

import copy
import itertools
import json
import math
from datetime import date, datetime

import pytest
import requests

from calls_assets.sandbox import Behaviour, Centre, RepeatedCalls, Sandbox
from calls_assets.sandbox.dialects import DIALECTS, HOSTILE, LOSSY, OBJECTS, dialects, in_dialects
from calls_assets.sandbox.hostile import HOSTILE_WORDS

DAY = date(2026, 3, 3)
ASKED = {"dateFrom": str(DAY), "dateTo": str(DAY), "limit": "1000"}
NOTHING = (None, "", [], {})
FLAGS = ("is_inbound", "is_answered", "is_in_queue", "requested_callback", "is_ended", "is_answered_within_sla")


def meant(told):
    """What a record means, in whatever JSON it is written, by the test's own reading."""
    said = {name: whole(told.get(name)) for name in ("id", "duration", "talk_time")}
    said |= {name: flag(told.get(name)) for name in (*FLAGS, "is_data_cached")}
    said["started_at"] = moment(told["started_at"])
    said["original_call_id"] = whole(told.get("original_call_id")) or None
    said["type"] = text(told.get("type"))
    said["agents"] = [whole(part(agent, "id")) for agent in items(told.get("agents"))]
    said["tags"] = [text(part(tag, "name")) for tag in items(told.get("tags"))]
    for name in ("all_agents", "answered_agents"):
        said[name] = [leg(one) for one in items(told.get(name))]
    said["external_numbers"] = [
        (text(one["number"]), flag(one["is_any_transfer"])) for one in items(told.get("external_numbers"))
    ]
    said["recordings"] = [text(part(one, "url")) for one in items(told.get("recordings"))]
    for name in OBJECTS:
        said[name] = thing(told.get(name))
    return said


def whole(value):
    return None if value in NOTHING else math.floor(float(value) + 0.5)


def moment(value):
    try:
        number = float(value)
    except ValueError:
        return int(datetime.fromisoformat(value).timestamp())
    while number > 1e11:
        number /= 1000
    return int(number)


def flag(value):
    return None if value in NOTHING else {"true": True, "false": False, "1": True, "0": False}[str(value).lower()[:5]]


def text(value):
    return None if value in NOTHING else str(value)


def items(value):
    if value in NOTHING:
        return []
    return value if isinstance(value, list) else [value]


def part(value, name):
    return value[name] if isinstance(value, dict) else value


def thing(value):
    if value in NOTHING:
        return None
    (one,) = value if isinstance(value, list) else [value]
    said = {name: text(one.get(name)) for name in one if name not in ("id", "list_ids", "vip", "strategy")}
    return (
        {name: value for name, value in said.items() if value is not None}
        | {"id": whole(one["id"])}
        | {"list_ids": [whole(part(of, "id")) for of in items(one.get("list_ids"))]}
    )


def leg(value):
    texts = {name: text(value.get(name)) for name in ("alias", "sip", "type", "hangup_reason")}
    ids = {name: whole(value[name]) for name in ("id", "user_id")}
    return texts | ids | {"is_any_transfer": flag(value["is_any_transfer"]), "started_at": moment(value["started_at"])}


@pytest.fixture(scope="module")
def records():
    """A day's records: with and without each object, with lists of none, one and several."""
    return [call.record for call in Centre(calls_per_day=100).day(DAY)]


@pytest.fixture(scope="module")
def plain(records):
    return [meant(record) for record in records]


def test_the_records_have_what_the_dialects_are_about(records):
    for name in ("campaign", "ring_group", "ivr", "disposition", "contact", "original_call_id"):
        assert {record[name] is None for record in records} == {True, False}, name
    for name in ("agents", "tags", "external_numbers", "recordings", "all_agents"):
        assert {min(len(record[name]), 1) for record in records} == {0, 1}, name
    assert max(len(record["agents"]) for record in records) > 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_tells_the_same_calls_in_other_json(records, plain, dialect):
    before = copy.deepcopy(records)
    told = [in_dialects(record, [dialect]) for record in records]
    assert records == before
    assert json.dumps(told) != json.dumps(records)
    assert [meant(record) for record in json.loads(json.dumps(told))] == plain


@pytest.mark.parametrize("first", DIALECTS)
def test_any_two_of_them_do_so_together(records, plain, first):
    for second in DIALECTS:
        told = [in_dialects(record, [second, first]) for record in records[::4]]
        assert [meant(record) for record in json.loads(json.dumps(told))] == plain[::4], second


@pytest.mark.parametrize("dialect", LOSSY)
def test_a_dialect_that_leaves_things_out_tells_the_rest(records, plain, dialect):
    before = copy.deepcopy(records)
    left_out = {*OBJECTS, "external_numbers"}
    for record, said in zip(records, plain, strict=True):
        told = json.loads(json.dumps(in_dialects(record, [dialect])))
        whole_again = told | {name: record[name] for name in left_out}
        assert meant(whole_again) == said
        for name in OBJECTS:
            full, short = record[name], told[name]
            assert (short in NOTHING) == (full is None)
            if full is not None and dialect == "whole_webhook":
                assert {part: short[part] for part in short if part != "list_ids"}.items() <= full.items()
            elif full is not None:
                assert short in full.values()
        assert told["external_numbers"] == [other["number"] for other in record["external_numbers"]]
    assert records == before


def test_what_each_dialect_writes(records):
    record = next(
        record
        for record in records
        if record["disposition"] and record["ring_group"] and not record["campaign"] and len(record["agents"]) == 1
    ) | {"duration": 5, "tags": ["vip"]}
    agent, start = record["agents"][0], record["started_at"]
    group = record["ring_group"]

    def told(dialect, name):
        return in_dialects(record, dialects(dialect))[name]

    assert told("strings", "id") == str(record["id"])
    assert told("strings", "is_ended") == "true"
    assert told("strings", "agents") == [str(agent)]
    assert told("strings", "all_agents")[0]["started_at"] == str(record["all_agents"][0]["started_at"])
    assert (told("numeric_flags", "is_ended"), told("flags_01_text", "is_in_queue")) == (1, "0")
    assert told("fractions", "duration") in (4.8, 5.37)
    assert told("strings+fractions", "duration") in ("4.8", "5.37")
    assert repr(told("zero_fractions", "duration")) == "5.0"
    assert (told("blanks", "campaign"), told("blanks", "external_numbers")) == ("", "")
    assert (told("empty_arrays", "campaign"), told("empty_objects", "external_numbers")) == ([], {})
    assert "campaign" not in in_dialects(record, ["missing"])
    assert (told("milliseconds", "started_at"), told("microseconds", "started_at")) == (start * 1000, start * 10**6)
    assert told("iso_times", "started_at").endswith(("-05:00", "-04:00"))
    assert told("lists_of_one", "ring_group") == [group]
    assert (told("lone_items", "agents"), told("lone_items", "tags")) == (agent, "vip")
    assert told("objects_for_items", "tags") == [{"name": "vip"}]
    assert told("webhook", "campaign") == ""
    assert told("webhook", "recordings") == [recording["url"] for recording in record["recordings"]]
    assert told("webhook", "agents")[0].keys() == {"id", "name", "action", "type"}
    assert (told("scalars", "ring_group"), told("scalar_names", "ring_group")) == (group["id"], group["name"])
    assert told("scalars", "number") == record["number"]["number"]
    assert told("numeric_texts", "number")["number"] == int(record["number"]["number"])
    assert told("zero_for_none", "original_call_id") == (record["original_call_id"] or 0)


def test_undocumented_fields_have_every_json_type_and_stand_within_too(records):
    record = next(record for record in records if record["contact"] and record["ring_group"] and record["all_agents"])
    told = in_dialects(record, ["undocumented"])
    more = {type(told[name]) for name in told.keys() - record.keys()}
    assert more == {int, float, str, type(None), dict, list}
    for name in ("contact", "ring_group"):
        assert len(told[name]) > len(record[name])
    assert len(told["all_agents"][0]) > len(record["all_agents"][0])


def test_the_calls_of_a_mixed_account_are_told_in_many_ways(records):
    shapes = {json.dumps([type(value).__name__ for value in in_dialects(one, ["mixed"]).values()]) for one in records}
    assert len(shapes) > 10
    assert any(in_dialects(record, ["mixed"]) == record for record in records)


def test_hostile_words_change_what_people_named_and_add_a_field_and_leave_the_rest(records):
    named = {"full_name", "numberWithAlias", "alias", "name", "code", "note", "tags", "type"}

    def rest(value):
        if isinstance(value, dict):
            return {name: rest(part) for name, part in value.items() if name not in named}
        return [rest(item) for item in value] if isinstance(value, list) else value

    said = set()
    for record in records:
        told = json.loads(json.dumps(in_dialects(record, ["hostile_words"])))
        assert {name: rest(told[name]) for name in record if name not in named} == rest(record)
        said |= {*told["tags"], *(told[name]["name"] for name in ("ring_group", "ivr", "campaign") if told[name])}
        (added,) = told.keys() - record.keys()
        said.add(added)
    assert len(said) > 50
    assert said <= {*HOSTILE_WORDS}


@pytest.mark.parametrize("dialect", [*DIALECTS, *LOSSY, *HOSTILE])
def test_records_that_are_malformed_anywhere_are_told_all_the_same(dialect):
    for malformed in (
        {},
        {"id": "x", "started_at": "soon", "contact": [], "all_agents": {"id": 1}, "number": 7, "duration": "long"},
        {"id": None, "all_agents": [None, 3, {"id": "a"}], "tags": [[]], "contact": {"list_ids": 4}, "recordings": [1]},
        {"id": -1, "started_at": -(10**15), "agents": [None], "external_numbers": [5], "original_call_id": {}},
    ):
        assert json.dumps(in_dialects(malformed, [dialect]))
    assert in_dialects(["no", "object"], [dialect]) == ["no", "object"]


def test_dialects_are_joined_by_name_and_unknown_ones_refused():
    assert dialects("strings+undocumented") == ("strings", "undocumented")
    for refused in (lambda: dialects("strings+klingon"), lambda: Behaviour(dialect=("klingon",))):
        with pytest.raises(ValueError, match="'klingon' is not a dialect; there are undocumented, "):
            refused()


def ask(source, behaviour, **more):
    with Sandbox(source, behaviour) as api:
        answer = requests.get(f"{api.url}/calls/", params=ASKED | more, headers={"Access-Token": api.token}, timeout=10)
    return answer.json()["calls"]


def test_the_sandbox_speaks_the_dialect_and_filters_by_what_is_meant(records):
    centre = Centre(calls_per_day=100)
    for dialect in ("strings", "scalar_names+iso_times"):
        told = ask(centre, Behaviour(dialect=dialects(dialect)))
        assert told == [in_dialects(record, dialects(dialect)) for record in reversed(records)]
        for filters in ({"ringGroupId": "1"}, {"callType": "abandoned"}, {"dateFrom": f"{DAY}T12:00:00"}):
            few, plain = (
                ask(centre, Behaviour(dialect=dialects(dialect)), **filters),
                ask(centre, Behaviour(), **filters),
            )
            assert 0 < len(few) < len(records)
            assert [int(call["id"]) for call in few] == [call["id"] for call in plain]


CANNOT = {"milliseconds", "microseconds", "iso_times", "webhook", "whole_webhook", "zero_fractions", "mixed"}


@pytest.mark.parametrize("dialect", [*([name] for name in DIALECTS), ["undocumented", "strings"]], ids="+".join)
def test_pages_that_are_ready_made_speak_it_where_ids_and_times_stay_digits(dialect):
    if CANNOT & {*dialect}:
        with pytest.raises(ValueError, match="Repeated calls cannot be written in"):
            RepeatedCalls(100, dialect=tuple(dialect))
        return
    days = {"dateFrom": str(DAY), "dateTo": "2026-03-04"}
    told, plain = (ask(RepeatedCalls(100, dialect=way), Behaviour(), **days) for way in (tuple(dialect), ()))
    assert len(told) == 200
    assert list(itertools.starmap(_same, zip(told, plain, strict=True))) == [True] * 200


def _same(told, plain):
    return meant(told) == meant(plain)
