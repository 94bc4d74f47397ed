"""The rule table, one line after the other, by both ways through a page."""

import json
from zoneinfo import ZoneInfo

import pytest

from calls_assets.api import rules
from calls_assets.api.decode import Decoder
from calls_assets.api.rules import OTHER_SHAPES, RULES, Became, Deviation, Shapes, sent_as

START = 1_747_839_084  # 2025-05-21 14:51:24 UTC
READ, ROUNDED, UNREAD = "read", "read, its original in extra", "null, its original in extra"


def page(*calls):
    return json.dumps({"calls": calls, "meta": {"total": len(calls)}}).encode()


def by_both_ways(body, decoder):
    """The page, which both ways through it give alike; the records are all of one kind, so that there are two ways."""
    one_by_one = decoder._by_records(body)
    decoder._learn(body)
    by_columns = decoder._by_columns(body)
    assert by_columns is not None
    assert by_columns.calls.equals(one_by_one.calls)
    assert shapes(by_columns) == shapes(one_by_one)
    return by_columns


def shapes(page):
    return [page.shapes[place] for place in page.shape_of.tolist()]


@pytest.fixture
def read(make_call):
    """Reads two calls with the same changes; gives a call's row, its extra, and how it differs from the document."""

    def read(changes, zone=None):
        body = page(*({**make_call(n, START), **changes} if "id" not in changes else changes for n in (1, 2)))
        found = by_both_ways(body, Decoder(zone))
        row = found.calls.to_pylist()[1]
        extra = row.pop("extra")
        return row, extra and json.loads(extra), {(one.path, one.sent, one.became) for one in shapes(found)[1]}

    return read


RECORDING = "media.example.com/1.mp3"


@pytest.mark.parametrize(
    ("field", "sent", "becomes", "told"),
    [
        *((field, sent, None, "an empty text, list or object") for field in ("contact", "ivr") for sent in ("", [])),
        *(
            (field, sent, None, "an empty text, list or object")
            for field in ("duration", "is_ended")
            for sent in ("", [], {})
        ),
        ("original_call_id", "", None, "an empty text, list or object"),
        ("tags", "", [], "an empty text, list or object"),
        ("all_agents", "", [], "an empty text, list or object"),
        ("agents", {}, [], "what could be its one item"),
        ("duration", "5", 5, "digits in a text"),
        ("duration", "-5", -5, "digits in a text"),
        ("duration", "007", 7, "digits in a text"),
        ("duration", "5.0", 5, "digits in a text"),
        *(("original_call_id", str(most), most, "digits in a text") for most in (2**63 - 1, -(2**63))),
        *(("is_ended", sent, True, "0, 1, or a flag in a text") for sent in (1, "1", "true")),
        *(("is_ended", sent, False, "0, 1, or a flag in a text") for sent in (0, "0", "false")),
        ("type", 7, "7", "a number"),
        ("type", 5.37, "5.37", "a number"),
        ("started_at", str(START), START, "digits in a text"),
        ("started_at", START * 1000, START, "milliseconds"),
        ("started_at", START * 10**6, START, "microseconds"),
        ("started_at", str(START * 1000), START, "milliseconds"),
        ("started_at", "2025-05-21T10:51:24-04:00", START, "an ISO 8601 time"),
        ("started_at", "2025-05-21T14:51:24Z", START, "an ISO 8601 time"),
        ("started_at", "2025-05-21 16:51:24+0200", START, "an ISO 8601 time"),
        ("campaign", [{"id": 1, "name": "A"}], {"id": 1, "name": "A"}, "a list of one object"),
        ("campaign", 7, {"id": 7, "name": None}, "a plain value"),
        ("campaign", "7", {"id": 7, "name": None}, "a plain value"),
        ("campaign", "Spring", {"id": None, "name": "Spring"}, "a plain value"),
        ("tags", "vip", ["vip"], "what could be its one item"),
        ("agents", 7, [7], "what could be its one item"),
    ],
    ids=str,
)
def test_what_can_be_read_without_loss_is(read, field, sent, becomes, told):
    row, extra, differs = read({field: sent})
    assert row[field] == becomes
    assert extra is None
    assert (field, told, READ) in differs
    assert {path.rstrip("[]") for path, *_ in differs} == {field}


@pytest.mark.parametrize(
    ("field", "sent", "becomes"),
    [
        ("contact", "John", {"full_name": "John"}),
        ("ring_group", "Sales", {"name": "Sales"}),
        ("ivr", 3, {"id": 3}),
        ("disposition", "Sold", {"code": "Sold"}),
        ("number", "12125550100", {"number": "12125550100"}),
        ("number", 12125550100, {"number": "12125550100"}),
    ],
)
def test_an_object_that_is_told_by_one_of_its_values_has_that(read, field, sent, becomes):
    row, extra, differs = read({field: sent})
    assert {name: value for name, value in row[field].items() if value is not None} == becomes
    assert (extra, differs) == (None, {(field, "a plain value", READ)})


@pytest.mark.parametrize(
    ("field", "sent", "becomes", "left"),
    [
        ("agents", [{"id": 3, "name": "Ann"}, {"id": "4"}], [3, 4], [{"name": "Ann"}, None]),
        ("tags", [{"name": "vip"}, {"name": "vip", "colour": 7}], ["vip", "vip"], [None, {"colour": 7}]),
        ("recordings", [RECORDING], [{"id": None, "url": RECORDING}], None),
        ("recordings", RECORDING, [{"id": None, "url": RECORDING}], None),
        ("external_numbers", ["12125550100", ""], [{"number": "12125550100", "is_any_transfer": None}, None], None),
        ("external_numbers", {"number": "1", "x": 2}, [{"number": "1", "is_any_transfer": None}], {"x": 2}),
    ],
    ids=str,
)
def test_the_items_of_lists_are_read_by_the_same_rules(read, field, sent, becomes, left):
    row, extra, differs = read({field: sent})
    assert row[field] == becomes
    assert extra == (None if left is None else {field: left})
    assert differs


@pytest.mark.parametrize(
    ("field", "sent", "becomes"),
    [
        ("duration", 5.37, 5),
        ("duration", 5.5, 6),
        ("talk_time", "5.37", 5),
        ("started_at", START + 0.4, START),
        ("started_at", START * 1000 + 600, START + 1),
        ("started_at", str(START * 1000 + 600), START + 1),
        ("started_at", "2025-05-21T14:51:24.400Z", START),
    ],
    ids=str,
)
def test_what_is_rounded_to_the_second_leaves_its_original_in_extra(read, field, sent, becomes):
    row, extra, differs = read({field: sent})
    assert row[field] == becomes
    assert extra == {field: sent}
    assert {became for *_, became in differs} == {ROUNDED}


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("duration", "long"),
        ("duration", True),
        ("duration", [5]),
        ("original_call_id", 5.37),
        ("original_call_id", {"id": 5}),
        ("original_call_id", str(2**63)),
        ("original_call_id", str(-(2**63) - 1)),
        ("is_ended", "yes"),
        ("is_ended", 2),
        ("type", True),
        ("type", {"a": None, "b": [1, None]}),
        ("type", []),
        ("tags", {"a": 1}),
        ("tags", True),
        ("campaign", True),
    ],
    ids=str,
)
def test_what_no_rule_reads_is_null_and_stands_in_extra(read, field, sent):
    row, extra, differs = read({field: sent})
    assert row[field] is None
    assert extra == {field: sent}
    assert differs == {(field, sent_as(sent), UNREAD)}


def test_a_text_that_is_no_unicode_is_mended_and_kept(make_call):
    found = Decoder().read(page(make_call(1, START, type="a\ud800b")))
    (row,) = found.calls.to_pylist()
    assert row["type"] == "a\N{REPLACEMENT CHARACTER}b"
    assert json.loads(row["extra"]) == {"type": "a\ud800b"}


def test_a_number_of_any_length_is_a_text_where_one_is_documented(make_call):
    found = Decoder().read(page(make_call(1, START, type=2**80)))
    assert found.calls["type"].to_pylist() == [str(2**80)]


def test_the_times_of_legs_are_read_like_those_of_calls(read, make_call):
    legs = [{**make_call(1, START)["all_agents"][0], "started_at": sent} for sent in (START * 1000, START * 1000 + 5)]
    row, extra, _ = read({"all_agents": legs})
    assert [leg["started_at"] for leg in row["all_agents"]] == [START, START]
    assert extra == {"all_agents": [None, {"started_at": START * 1000 + 5}]}


def test_a_time_without_an_offset_is_read_only_where_its_zone_is_known(read, make_call):
    (reject,) = Decoder().read(page(make_call(1, START, started_at="2025-05-21 10:51:24"))).rejects
    assert reject.reason.endswith("it is a time without an offset, so set CALLS_TIMES_ZONE to the zone of such times")
    row, extra, _ = read({"started_at": "2025-05-21 10:51:24"}, ZoneInfo("America/New_York"))
    assert (row["started_at"], extra) == (START, None)


def test_an_object_without_any_value_that_the_document_names_is_null(read):
    for sent in ({}, {"id": None, "name": None}, {"id": ""}):
        row, extra, _ = read({"campaign": sent})
        assert (row["campaign"], extra) == (None, None)
    row, extra, _ = read({"campaign": {"colour": "red"}})
    assert (row["campaign"], extra) == (None, {"campaign": {"colour": "red"}})


def test_a_number_with_a_zero_fraction_is_a_whole_number(read):
    row, extra, differs = read({"duration": 5.0, "original_call_id": 1e3})
    read_as = {("duration", "a fraction of zero", "read"), ("original_call_id", "a fraction of zero", "read")}
    assert (row["duration"], row["original_call_id"], extra, differs) == (5, 1000, None, read_as)


def test_every_zone_of_the_world_can_tell_the_times(make_call):
    for zone, hour in (("Asia/Tokyo", 23), ("America/New_York", 10)):
        local = f"2025-05-21 {hour}:51:24"
        assert (
            Decoder(ZoneInfo(zone)).read(page(make_call(1, START, started_at=local))).calls["started_at"][0].as_py()
            == START
        )


def test_the_table_names_each_rule_once():
    lines = [(rule.documented, rule.sent) for rule in RULES]
    assert len(lines) == len(set(lines)) == 14


@pytest.mark.parametrize(
    ("field", "sent", "becomes", "extra", "told"),
    [
        ("steps", ["menu", {"digit": 3.0}], None, ["menu", {"digit": 3}], ("an array", "in extra")),
        ("steps", 2**70, None, 2**70, ("an integer beyond 64 bits", "in extra")),
        ("steps", "\ud800", None, "\ud800", ("a string", "in extra")),
        ("tags", ["vip", 7], ["vip", "7"], None, ("a number", "read")),
        ("agents", [1, "2", 3.0], [1, 2, 3], None, ("digits in a text", "read")),
        ("duration", 2**70, None, 2**70, ("an integer beyond 64 bits", UNREAD)),
        ("type", "\ud800", "\ufffd", "\ud800", ("a text that is not valid Unicode", ROUNDED)),
    ],
)
def test_what_arrow_has_no_type_for_goes_through_columns_too(read, field, sent, becomes, extra, told):
    row, rest, differs = read({field: sent})
    assert row.get(field) == becomes
    assert rest == (extra and {field: extra})
    assert told in {(sent_as, became) for _, sent_as, became in differs}


def test_numbers_with_and_without_a_fraction_of_zero_are_told_apart(make_call):
    body = page(make_call(1, START, duration=5, talk_time=2.5), make_call(2, START, duration=5.0, talk_time=2.5))
    decoder = Decoder()
    for _ in range(2):
        found = decoder.read(body)
        assert [{one.sent for one in shape if one.path == "duration"} for shape in shapes(found)] == [
            set(),
            {"a fraction of zero"},
        ]


def shape(*names):
    return frozenset(Deviation(name, "an integer", Became.UNDOCUMENTED.value) for name in names)


def test_each_shape_has_one_place():
    seen = Shapes()
    assert [seen.place(one) for one in (shape("a"), shape(), shape("b"), shape("a"))] == [0, 1, 2, 0]
    assert seen.all == (shape("a"), shape(), shape("b"))


def test_ever_new_shapes_become_one(monkeypatch):
    monkeypatch.setattr(rules, "MOST_DEVIATIONS", 3)
    seen = Shapes()
    assert [seen.place(shape(f"{n}", f"{n}'")) for n in range(9)] == [0, *[1] * 8]
    assert seen.place(shape("x")) == 2
    assert seen.place(shape("0", "0'")) == 0
    assert seen.all == (shape("0", "0'"), OTHER_SHAPES, shape("x"))
