"""How call types relate to each other, and which values of `type` go with them."""

from calls_assets.api.document import CALL_TYPES
from calls_assets.tables.evidence import OTHER_ENDS
from calls_assets_tests.metrics.chain import call, chain, one


def relation(rows, name):
    row = one(chain(rows, "call_type_relations")["call_type_relations"], relation=name)
    return row["left_calls"], row["right_calls"], row["both_calls"], row["breaking_calls"], row["verdict"]


def labelled(count, *call_types, **changes):
    return [call("abandoned", call_types=sorted(["all_inbound", *call_types]), **changes)] * count


def test_sets_apart_hold_only_where_both_have_calls_enough():
    name = "abandoned apart from short_abandoned"
    many, few = labelled(20, "abandoned"), labelled(19, "short_abandoned")
    assert relation([*many, *few], name) == (20, 19, 0, 0, "not enough data")
    assert relation([*many, *few, *few], name) == (20, 38, 0, 0, "holds")
    assert relation([*many, *labelled(1, "abandoned", "short_abandoned")], name) == (21, 1, 1, 1, "fails")


def test_a_set_in_another_holds_where_it_has_calls_enough():
    name = "warm_transfer in transfer"
    inside = labelled(20, "transfer", "warm_transfer")
    assert relation(inside, name) == (20, 20, 20, 0, "holds")
    assert relation(inside[:19], name) == (19, 19, 19, 0, "not enough data")
    assert relation([*inside, *labelled(2, "warm_transfer")], name) == (22, 20, 20, 2, "fails")


def test_equal_sets_are_broken_from_both_sides():
    name = "callback = requested_callback"
    rows = [*labelled(3, "callback", requested_callback=True), *labelled(1, "callback")]
    rows += labelled(2, requested_callback=True) + labelled(5, requested_callback=True, direction="outbound")
    assert relation(rows, name) == (4, 5, 3, 3, "fails")


def test_what_is_left_over_of_all_inbound_is_told():
    name = "all_inbound = inbound_answered or another way to end"
    rows = [*labelled(30, "inbound_answered"), *labelled(30, "overflowed"), *labelled(2)]
    assert relation(rows, name) == (62, 60, 60, 2, "fails")


def test_another_way_to_end_is_each_of_the_call_types_that_the_dictionary_names():
    name = "all_inbound = inbound_answered or another way to end"
    ends = {call_type for call_type in CALL_TYPES if relation(labelled(1, call_type), name)[1]}
    assert ends == {*OTHER_ENDS, "inbound_answered"}


def test_distributed_is_rung_at_an_agent():
    name = "abandoned_distributed = abandoned and rang an agent"
    rows = [
        *labelled(1, "abandoned", "abandoned_distributed", agents_offered=1),
        *labelled(1, "abandoned", agents_offered=2),
    ]
    rows += labelled(1, "abandoned_distributed") + labelled(1, "abandoned")
    assert relation(rows, name) == (2, 2, 1, 2, "fails")


def test_calls_in_progress_say_nothing_and_a_day_without_calls_has_every_relation():
    rows = [call("in_progress", is_ended=False, call_types=["abandoned", "short_abandoned"])]
    found = chain(rows, "call_type_relations")["call_type_relations"]
    assert len(found) == 15
    assert {row["verdict"] for row in found} == {"not enough data"}
    assert {row["left_calls"] + row["right_calls"] for row in found} == {0}


def test_values_of_type_are_counted_with_each_call_type_and_alone():
    rows = [
        call("abandoned", type="lost", call_types=["abandoned", "all_inbound"]),
        call("abandoned", type="lost", call_types=["all_inbound"]),
        call("answered", call_types=["all_inbound"]),
        call("in_progress", type="live", is_ended=False),
    ]
    found = chain(rows, "type_values")["type_values"]
    assert {(row["type"], row["call_type"]): row["calls"] for row in found} == {
        ("(all)", "(all)"): 3,
        ("(all)", "abandoned"): 1,
        ("(all)", "all_inbound"): 3,
        ("(none)", "(all)"): 1,
        ("(none)", "all_inbound"): 1,
        ("lost", "(all)"): 2,
        ("lost", "abandoned"): 1,
        ("lost", "all_inbound"): 2,
    }
