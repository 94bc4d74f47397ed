"""Pages in any dialect: whole columns or one record after the other, the same comes out."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from calls_assets.api import decode, dialect
from calls_assets.api.decode import MOST_LEARNED, SCHEMA, Decoder, read_page
from calls_assets.api.dialect import MARK
from calls_assets.api.document import CALL
from calls_assets.api.errors import NotAPage, TooMuch
from calls_assets_tests.examples import examples

START = 1_747_839_084


def page(*calls, **meta):
    return json.dumps({"calls": list(calls), "meta": {"page": 1, "limit": 100, "total": len(calls)} | meta}).encode()


def shapes(page):
    return [page.shapes[place] for place in page.shape_of.tolist()]


def same(one, other):
    return one.calls.equals(other.calls) and one.rejects == other.rejects and shapes(one) == shapes(other)


def test_the_documents_sample_is_read_whole(sample):
    read = read_page(sample)
    assert (read.total, read.limit, read.has_next) == (33966, 100, True)
    assert read.rejects == ()
    assert read.calls.drop(["extra"]).to_pylist() == json.loads(sample)["calls"]
    assert read.calls["extra"].null_count == 2
    assert shapes(read) == [frozenset()] * 2


def test_both_ways_give_the_same_of_the_sample(sample):
    assert same(Decoder()._by_columns(sample), Decoder()._by_records(sample))


def test_what_the_document_does_not_name_is_kept_in_its_own_nesting(make_call):
    call = make_call(1, START, new=1)
    call["all_agents"] = [None, {"id": 1, "mood": "fine"}]
    call["contact"]["vip"] = True
    (extra,) = read_page(page(call)).calls["extra"].to_pylist()
    assert extra == '{"all_agents": [null, {"mood": "fine"}], "contact": {"vip": true}, "new": 1}'


def test_null_is_told_from_nothing_in_what_the_document_does_not_name(make_call):
    calls = [make_call(1, START, mood=None, place={"x": None}), make_call(2, START, place={}), make_call(3, START)]
    decoder, body = Decoder(), page(*calls)
    decoder._learn(body)
    expected = ['{"mood": null, "place": {"x": null}}', '{"place": {}}', None]
    for read in (decoder._by_records(body), decoder._by_columns(body)):
        assert read.calls["extra"].to_pylist() == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, "id is null, not an integer"),
        ({"id": 2**63}, "id is an integer beyond 64 bits, not an integer"),
        ({"id": "A-1"}, "id is a string, not an integer"),
        ({"id": 1.5}, "id is a number with a fraction, not an integer"),
        ({"started_at": ""}, "started_at is a string, not a moment"),
        ({"started_at": "yesterday"}, "started_at is a string, not a moment"),
        ({"started_at": 0}, "started_at is an integer that is no plausible moment"),
        ({"started_at": "1989-12-31T23:59:59Z"}, "started_at is a string that is no plausible moment"),
        ({"started_at": "2100-01-01T00:00:00Z"}, "started_at is a string that is no plausible moment"),
    ],
)
def test_only_a_record_that_is_no_call_in_time_is_set_aside_with_its_reason(make_call, changes, reason):
    read = read_page(page(make_call(1, START), make_call(2, START, **changes), make_call(3, START)))
    assert read.calls["id"].to_pylist() == [1, 3]
    (reject,) = read.rejects
    assert reject.reason == reason
    assert json.loads(reject.record)["campaign"] == {"id": 1, "name": "Campaign Name"}


def test_ids_and_times_in_another_dialect_are_known_of_rejects_too(make_call):
    (reject,) = read_page(page(make_call(1, START, id="7", started_at="soon"))).rejects
    assert (reject.call_id, reject.started_at) == (7, None)
    (reject,) = read_page(page(make_call(1, START, id="x", started_at=START * 1000))).rejects
    assert (reject.call_id, reject.started_at) == (None, START)


def test_what_the_contract_allows_is_read(make_call):
    call = make_call(1, START, ring_group=[], duration=5.0, talk_time=None)
    del call["tags"]
    (row,) = read_page(page(call, total="1")).calls.to_pylist()
    assert (row["ring_group"], row["duration"], row["talk_time"], row["tags"]) == (None, 5, None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"calls": null, "meta": {"total": 4}}',
        b'{"calls": [',
        b"NaN",
        b'{"error": "no"}',
        b"7",
        b'{"calls": "none", "meta": {"total": 0}}',
    ],
)
def test_what_is_no_page_says_so(body):
    with pytest.raises(NotAPage):
        read_page(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"calls": null}',
        b'{"calls": null, "meta": {"total": 0}}',
        b'{"calls": {}, "meta": {}}',
        b'{"calls": []}',
        b'{"meta": {"total": "0"}}',
    ],
)
def test_an_empty_answer_of_another_kind_is_a_page_without_a_total(body):
    read = read_page(body)
    assert (read.records, read.total, read.calls.schema) == (0, None, SCHEMA)


def test_the_list_may_tell_of_itself_in_any_dialect(make_call):
    for _ in range(2):
        read = read_page(page(make_call(1, START), total="12", limit="5", next="/calls/?page=2", took=0.5))
        assert (read.total, read.limit, read.has_next) == (12, 5, True)
    assert not read_page(page(make_call(1, START), next="")).has_next
    body = json.dumps({"status": "ok", "calls": [make_call(1, START)], "meta": {"total": 1}}).encode()
    assert Decoder().read(body).total == 1


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, -1, 1.0, 2.5, -0.5, 1e300, 2**53 + 1, 2**63 - 1, 2**63, START + 0.5]),
    st.sampled_from([START, START * 1000, START * 1000 + 1, START * 10**6 + 7, -START * 1000]),
    st.text(max_size=5),
    st.sampled_from(["\ud800", "\x00", "é", "5", "-7", "5.0", "5.37", "007", "1e3", " 5", "9" * 30, 'a"b', "\\"]),
    st.sampled_from(
        ["", "true", "0", "John", "2025-04-19T15:22:59-04:00", "2025-04-19T15:22:59.25Z", str(START * 1000)]
    ),
)
NESTED = ("id", "started_at", "name", "full_name", "number", "list_ids", "alias", "is_any_transfer", "new", "url", "ü")
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


def encoded(calls, spaced):
    body = {"calls": calls, "meta": {"total": len(calls)}}
    return json.dumps(body, separators=None if spaced else (",", ":")).encode()


def agree(body):
    """Both ways agree on a page; says whether there were two."""
    decoder = Decoder()
    one_by_one = decoder._by_records(body)
    assert one_by_one.calls.schema.equals(SCHEMA)
    decoder._learn(body)
    by_columns = decoder._by_columns(body)
    assert by_columns is None or same(by_columns, one_by_one)
    assert same(Decoder().read(body), one_by_one)
    return by_columns is not None


@examples(400, few=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(mutations, min_size=1, max_size=3), st.booleans())
def test_both_ways_give_the_same_whatever_the_records_hold(make_call, changes, spaced):
    agree(encoded([mutated(make_call(n, START + n), some) for n, some in enumerate(changes)], spaced))


@examples(400, few=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations, st.lists(st.lists(values, min_size=4, max_size=4), min_size=1, max_size=4), st.booleans())
def test_both_ways_give_the_same_of_records_that_all_differ_alike(make_call, changes, others, spaced):
    calls = []
    for n, other in enumerate(others):
        own = [
            (name, inner, another if type(another) is type(value) else value)
            for (name, inner, value), another in zip(changes, other, strict=False)
        ]
        calls.append(mutated(make_call(n, START + n), own))
    agree(encoded(calls, spaced))


@pytest.mark.parametrize(
    "raw",
    [
        b'"\xff\xfe"',
        b"1e400",
        b"NaN",
        b'"' + b"x" * 10000000 + b'"',
        b"[" * 500 + b"]" * 500,
        b"0.0",
        b"-0",
        b"1E2",
        b"9" * 5000,
        b'{"a": 1, "a": 2}',
    ],
    ids=[
        "invalid utf-8",
        "beyond double",
        "no json number",
        "10 MB",
        "deep",
        "zero fraction",
        "minus zero",
        "exponent",
        "5,000 digits",
        "a name twice",
    ],
)
@pytest.mark.parametrize("name", ["type", "duration", "new"])
def test_an_odd_value_costs_no_call_and_never_differs_between_the_ways(make_call, raw, name):
    body = page(make_call(1, START), make_call(2, START) | {name: "@"}).replace(b'"@"', raw)
    agree(body)
    assert read_page(body).calls["id"].to_pylist() == [1, 2]


def test_a_page_is_read_in_columns_once_its_spelling_is_known(make_call):
    decoder = Decoder()
    first = page(*(make_call(n, START, id=str(n), contact="", new={"n": n}) for n in range(3)))
    assert decoder._by_columns(first) is None
    decoder.read(first)
    assert (
        decoder._by_columns(page(*(make_call(n, START, id=str(n), contact="", new={"n": n}) for n in range(9))))
        is not None
    )
    assert decoder._by_columns(page(make_call(1, START))) is not None  # as documented still


def test_a_text_that_looks_like_what_is_marked_is_never_changed(make_call):
    odd = ['":""', '"campaign":""', 'a":""', ':""', '\\":"', f"x{MARK}S", '":null', '":[]', '{"contact":"x"}']
    calls = [make_call(n, START, contact="", campaign={"id": 1}, new=None, type=text) for n, text in enumerate(odd)]
    calls += [make_call(99, START, contact={"id": 1}, campaign="", new=text) for text in odd]
    decoder, body = Decoder(), encoded(calls, False)
    assert same(decoder.read(body), decoder.read(body))
    assert decoder.read(body).calls["type"].to_pylist()[: len(odd)] == odd
    assert same(decoder.read(body), Decoder()._by_records(body))


def test_an_account_of_ever_new_names_is_read_and_learning_ends(make_call):
    decoder = Decoder()
    for n in range(MOST_LEARNED + 20):
        (extra,) = decoder.read(page(make_call(1, START, **{f"n{n}": n}))).calls["extra"].to_pylist()
        assert json.loads(extra) == {f"n{n}": n}
    assert decoder._learned == MOST_LEARNED


def test_threads_that_read_one_account_do_not_disturb_each_other(make_call):
    decoder = Decoder()
    bodies = [page(*(make_call(n, START, **{name: n}) for n in range(20))) for name in ("a", "b", "c", "d")]
    expected = [Decoder()._by_records(body) for body in bodies]
    failed = []

    def read(body, right):
        for _ in range(30):
            failed.extend([] if same(decoder.read(body), right) else [body])

    threads = [threading.Thread(target=read, args=pair) for pair in zip(bodies, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_half_an_emoji_in_a_field_that_the_document_does_not_name_costs_no_call(make_call):
    (extra,) = read_page(page(make_call(1, START, mood="fine \ud83d"))).calls["extra"].to_pylist()
    assert json.loads(extra) == {"mood": "fine \ud83d"}


def test_a_byte_order_mark_changes_nothing(make_call):
    for call in (make_call(1, START), make_call(1, START, new=1)):
        assert read_page(b"\xef\xbb\xbf" + page(call)).calls.equals(read_page(page(call)).calls)


@pytest.mark.parametrize("error", [{"error": "query timed out"}, {"success": False}, {"status": "error"}], ids=str)
@pytest.mark.parametrize("meta", [{"meta": {"total": 0}}, {}], ids=["with meta", "without"])
def test_an_error_beside_an_empty_list_is_no_empty_list(error, meta):
    with pytest.raises(NotAPage, match="an empty list next to an error"):
        read_page(json.dumps({"calls": [], **meta, **error}).encode())


def test_an_error_is_seen_where_the_account_always_says_whether_all_is_well(make_call):
    decoder = Decoder()
    answer = {"success": True, "meta": {"total": 1}}
    for _ in range(2):
        assert decoder.read(json.dumps(answer | {"calls": [make_call(1, START)]}).encode()).records == 1
    with pytest.raises(NotAPage, match="an empty list next to an error"):
        decoder.read(json.dumps({"success": False, "meta": {"total": 0}, "calls": []}).encode())


def test_nothing_is_learned_of_empty_lists(make_call):
    decoder = Decoder()
    for took in range(MOST_LEARNED):
        decoder.read(json.dumps({"calls": [], "meta": {"total": 0}, f"took{took}": 1}).encode())
    assert decoder._learned == 0


def deep(levels, inside=None):
    value = [] if inside is None else [inside]
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize("name", ["mood", "größe"])
@pytest.mark.parametrize("value", [1, 2.5, "x", True, [1], {"a": 1}])
@pytest.mark.parametrize("plain", [True, False])
def test_a_null_in_what_the_document_does_not_name_is_kept_also_where_none_was_before(make_call, name, value, plain):
    decoder = Decoder()
    for sent in ({name: value}, {"place": [{name: value}]}):
        decoder.read(page(make_call(1, START, **sent)))
        nulls = json.loads(json.dumps(sent).replace(json.dumps(value), "null"))
        body = {"calls": [make_call(1, START, **sent), make_call(2, START, **nulls)], "meta": {"total": 2}}
        for separators in (None, (",", ":")):
            spelt = json.dumps(body, ensure_ascii=plain, separators=separators).encode()
            assert [json.loads(one) for one in decoder.read(spelt).calls["extra"].to_pylist()] == [sent, nulls]


@pytest.mark.parametrize(
    "more", ["9223372036854775807", "9223372036854775808", "1e18", "1" * 5000, '"1000000000000000000"']
)
def test_a_total_beyond_all_lists_is_none_both_ways(make_call, more):
    decoder = Decoder()
    for _ in range(2):
        body = page(make_call(1, START))[:-2].replace(b'"total": 1', b'"total": %b' % more.encode()) + b"}}"
        assert (decoder.read(body).total, Decoder()._by_records(body).total) == (0, 0)


@pytest.mark.parametrize("given", ['""', "[]", "{}", "false", "null"])
def test_a_next_page_that_is_nothing_is_none_both_ways(make_call, given):
    decoder = Decoder()
    for sent in ('"/calls/?page=2"', "[[1], 2]", given):
        body = page(make_call(1, START))[:-2] + f', "next": {sent}}}}}'.encode()
        assert decoder.read(body).has_next == Decoder()._by_records(body).has_next == (sent != given)


def raw(make_call, changes, added=""):
    """A page of three calls, in the second one of which members stand as they are given, changed or added."""
    calls = [json.dumps(make_call(n, START)) for n in (1, 2, 3)]
    for name, spelt in changes.items():
        sent = json.dumps({name: make_call(2, START)[name]})[1:-1]
        assert sent in calls[1]
        calls[1] = calls[1].replace(sent, f'"{name}": {spelt}')
    calls[1] = calls[1][:-1] + added + "}"
    return f'{{"calls": [{", ".join(calls)}], "meta": {{"total": 3}}}}'.encode("utf-8", "surrogateescape")


def read_alone(body):
    """A page, read both ways after one that taught the decoder every kind that it holds."""
    agree(body)
    decoder = Decoder()
    for name, *values in (("duration", 1, "1"), ("new", 1, "1", None, 2.5, True, [1], {"a": 1}), ("id", 7, "7")):
        for value in values:
            decoder.read(page({"id": 1, "started_at": START, name: value}))
    assert same(decoder.read(body), Decoder()._by_records(body))
    return decoder.read(body)


SEVERAL = "several values under one name"
UNHELD = "a number that no type can hold"


@pytest.mark.parametrize(
    ("changes", "added", "extra"),
    [
        ({"duration": "NaN"}, "", {"duration": "NaN"}),
        ({"duration": "-Infinity"}, "", {"duration": "-Infinity"}),
        ({"duration": "1e400"}, "", {"duration": "1e400"}),
        ({"duration": "9" * 5000}, "", {"duration": "9" * 5000}),
        ({}, ', "new": NaN', {"new": "NaN"}),
        ({}, ', "new": ' + "1" * 5000, {"new": "1" * 5000}),
        ({}, ', "duration": 1e9', {"duration": [5, 10**9]}),
        ({"duration": "5"}, ', "duration": "5"', {"duration": [5, "5"]}),
        ({}, ', "new": 1, "new": "1"', {"new": [1, "1"]}),
        ({}, ', "new": null, "new": 1', {"new": 1}),
        ({}, ', "new": null, "new": 1, "new": 2', {"new": [1, 2]}),
        ({}, ', "new": {"a": 1, "a": 2}', {"new": {"a": [1, 2]}}),
        ({}, ', "new": [1], "new": {"a": 1}', {"new": [[1], {"a": 1}]}),
        ({"contact": '{"id": 1, "id": 2}'}, "", {"contact": {"id": [1, 2]}}),
        ({"all_agents": '[{"id": 1}, {"id": 1, "id": "2"}]'}, "", {"all_agents": [None, {"id": [1, "2"]}]}),
        ({}, ', "new": "a\x00b\nc"', {"new": "a\x00b\nc"}),
        ({}, ', "n\udcff": 1', {"n\udcff": 1}),
        ({}, ', "\\ud800": {"\\udfff": 1}', {"\ud800": {"\udfff": 1}}),
        ({}, f', "id{MARK}E": "x"', {f"id{MARK}E": "x"}),
        ({}, ', "id\\ue000E": "9"', {f"id{MARK}E": "9"}),
        ({}, ', "new\\uE000N": 1', {f"new{MARK}N": 1}),
        ({}, ', "new": ' + "[" * 509 + "]" * 509, {"new": deep(509)}),
        ({}, ', "new": ' + "[" * 600 + "]" * 600, {"new": deep(509, "[" * 91 + "]" * 91)}),
        ({"all_agents": "[" * 9000 + "]" * 9000}, "", {"all_agents": deep(509, "[" * 8491 + "]" * 8491)}),
        ({}, ', "new": ' + '{"a":' * 9000 + "1" + "}" * 9000, None),
    ],
)
def test_what_only_one_record_has_costs_no_other_one_and_is_kept_in_extra(make_call, changes, added, extra):
    read = read_alone(raw(make_call, changes, added))
    assert (read.calls["id"].to_pylist(), read.rejects) == ([1, 2, 3], ())
    before, told, after = read.calls["extra"].to_pylist()
    assert (before, after) == (None, None)
    assert extra is None or json.loads(told) == extra
    assert [bool(shape) for shape in shapes(read)] == [False, True, False]


@pytest.mark.parametrize(
    ("changes", "added", "reason"),
    [
        ({}, ', "id": 77', f"id is {SEVERAL}, not an integer"),
        ({}, ', "id": "2"', f"id is {SEVERAL}, not an integer"),
        ({}, ', "started_at": 1', f"started_at is {SEVERAL}, not a moment"),
        ({"id": "NaN"}, "", f"id is {UNHELD}, not an integer"),
        ({"id": "7" * 5000}, "", f"id is {UNHELD}, not an integer"),
        ({"started_at": "1e400"}, "", f"started_at is {UNHELD}, not a moment"),
        ({"started_at": str(2**63)}, "", "started_at is an integer beyond 64 bits, not a moment"),
        ({"started_at": str(-(2**63))}, "", "started_at is an integer, not a moment"),
        ({"id": "[" * 9000 + "]" * 9000}, "", "id is an array, not an integer"),
    ],
)
def test_a_record_that_cannot_be_told_is_set_aside_alone(make_call, changes, added, reason):
    read = read_alone(raw(make_call, changes, added))
    assert read.calls["id"].to_pylist() == [1, 3]
    assert [reject.reason for reject in read.rejects] == [reason]


@pytest.mark.parametrize("added", [', "id": 2, "duration": 5', ', "id": null, "duration": null'])
def test_the_same_value_twice_under_one_name_or_a_null_beside_it_is_that_value(make_call, added):
    read = read_alone(raw(make_call, {}, added))
    assert (read.calls["id"].to_pylist(), read.calls["duration"].to_pylist()) == ([1, 2, 3], [5, 5, 5])
    assert read.calls["extra"].null_count == 3


@pytest.mark.parametrize("name", ["type", "tags"])
def test_a_number_that_no_type_can_hold_in_the_place_of_a_text_is_told(make_call, name):
    read = read_alone(raw(make_call, {name: "NaN"}))
    assert read.calls[name].to_pylist()[1] in ("NaN", ["NaN"])
    assert [bool(shape) for shape in shapes(read)] == [False, True, False]


@pytest.mark.parametrize("more", ['"total": 9', '"total": "9"'])
def test_a_total_that_is_told_twice_proves_nothing(make_call, more):
    body = page(make_call(1, START))[:-2] + f", {more}}}}}".encode()
    assert read_alone(body).total == 0


@pytest.mark.parametrize("more", [', "calls": []', ', "calls": [{}]'])
def test_a_page_that_gives_two_lists_is_none(make_call, more):
    with pytest.raises(NotAPage, match="without a list"):
        read_page(page(make_call(1, START))[:-1] + f"{more}}}".encode())


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 3_000_000,
        b'{"calls":' * 3_000_000,
        b'{"calls": [{"a": "' + b"[" * 100,
        b"\xff\xfe{\x00",
        b'{"calls": []} {}',
        b"{}\x00",
    ],
)
def test_what_is_no_json_however_large_or_deep_is_no_page(body):
    with pytest.raises(NotAPage, match="not JSON"):
        read_page(body)


def test_a_record_of_millions_of_names_is_set_aside_alone(make_call):
    names = ", ".join(f'"k{n}": 1' for n in range(1_000_001))
    read = read_page(raw(make_call, {}, f", {names}"))
    assert read.calls["id"].to_pylist() == [1, 3]
    (reject,) = read.rejects
    assert reject.reason == "the record holds more than 1,000,000 values"
    assert len(reject.record) > len(names)


def test_more_records_than_an_answer_may_have_are_refused_both_ways(make_call, monkeypatch):
    monkeypatch.setattr(decode, "MOST_RECORDS", 2)
    for calls in ([make_call(n, START) for n in range(3)], [None] * 3):
        for read in (Decoder().read, Decoder()._by_columns, Decoder()._by_records)[:: 1 if calls[0] else 2]:
            assert read(page(*calls[:2])).records == 2
            with pytest.raises(TooMuch, match="more than 2 records"):
                read(page(*calls))


def test_an_account_of_more_names_than_are_kept_in_mind_is_read_one_by_one(make_call, monkeypatch):
    monkeypatch.setattr(dialect, "MOST_LEARNED_NAMES", 100)
    decoder = Decoder()
    (extra,) = decoder.read(page(make_call(1, START, **{f"n{n}": 1 for n in range(100)}))).calls["extra"].to_pylist()
    assert len(json.loads(extra)) == 100
    assert decoder._learned == MOST_LEARNED
    assert decoder.read(page(make_call(1, START))).calls["id"].to_pylist() == [1]


def test_a_number_of_thousands_of_digits_is_none():
    assert read_page(json.dumps({"calls": [], "meta": {"total": 0, "limit": "9" * 5000}}).encode()).limit is None
    assert read_page(json.dumps({"calls": [{"id": 1}], "meta": {"total": "9" * 5000}}).encode()).total == 0


METAS = ({}, None, [], "none", 7)
TOTALS = (None, "1,339", "1 339", "1.339,0", "1339 calls", [], [1339], {"value": 1339}, 1339.5, -1, True)


@pytest.mark.parametrize("meta", [{}, *({"meta": meta} for meta in (*METAS, *({"total": total} for total in TOTALS)))])
def test_calls_without_a_total_that_can_be_read_have_one_that_proves_nothing(make_call, meta):
    body, decoder = json.dumps({"calls": [make_call(1, START)]} | meta).encode(), Decoder()
    decoder._learn(body)
    by_columns, by_records = decoder._by_columns(body), decoder._by_records(body)
    assert (by_records.records, by_records.total, by_records.has_next) == (1, 0, False)
    assert by_columns is not None
    assert by_columns.total == 0
    assert same(by_columns, by_records)


def test_a_word_beside_an_empty_list_is_no_error():
    assert read_page(b'{"calls": [], "meta": {"total": 0}, "message": "No calls.", "success": true}').total == 0


@pytest.mark.parametrize(
    "told",
    [{"a \ud800": 1}, {"contact": {"id": 1, "a \ud800": 1}}, {"all_agents": [{"id": 1, "a \ud800": 1}]}],
    ids=["call", "contact", "leg"],
)
def test_half_an_emoji_in_the_name_of_a_field_costs_no_call(make_call, told):
    decoder, body = Decoder(), page(make_call(1, START) | told)
    for _ in range(2):  # the first one is learned from
        assert r'"a \ud800": 1' in decoder.read(body).calls["extra"][0].as_py()
