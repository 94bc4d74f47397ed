"""The requests for a callback that nobody has dialled."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets_tests.examples import examples
from calls_assets_tests.metrics.chain import DAY, NOON, by_contact, call, chain, one

NEXT = DAY + timedelta(days=1)


def never_dialled(rows, days=(DAY, NEXT)):
    return by_contact(rows, "callbacks_never_dialled", days)


def asked(call_id, contact=None, **changes):
    return call("callback_requested", call_id=call_id, contact_id=contact, requested_callback=True) | changes


def later(hours, contact=None, **changes):
    at = NOON + timedelta(hours=hours)
    return call("answered", started_at=at, local_date=at.date(), contact_id=contact) | changes


def dialled(original, hours, outcome="answered", **changes):
    return later(hours, direction="outbound", original_call_id=original, outcome=outcome) | changes


def test_a_request_stays_on_the_list_until_a_call_names_it_on_whichever_day_and_however_that_ends():
    rows = [
        asked(1),
        asked(2),
        asked(3),
        asked(4, outcome="abandoned"),
        call("callback_requested", call_id=5),
        asked(6, direction="outbound"),
        asked(7, is_ended=False, outcome="in_progress"),
        dialled(2, 1, "not_answered", call_id=11),
        dialled(3, 24, call_id=12),
        later(2, original_call_id=1, call_id=13),
    ]
    assert [row["call_id"] for row in never_dialled(rows)] == [1, 4, 5]


def test_only_the_days_read_are_seen():
    rows = [asked(1), dialled(1, 24, call_id=2)]
    assert never_dialled(rows) == []
    assert [row["call_id"] for row in never_dialled(rows[:1], (DAY,))] == [1]


def test_a_request_says_whose_it_is_and_where_it_came_in():
    group = {"ring_group_id": 7, "ring_group_name": "Sales"}
    line = {"number_id": 8, "number": "2", "number_alias": "Orders"}
    (row,) = never_dialled([asked(1, 9, **group, **line)])
    assert {name: row[name] for name in (group | line)} == group | line
    assert (row["local_date"], row["started_at"], row["outcome"]) == (DAY, NOON, "callback_requested")
    assert (row["contact_id"], row["contact_number"]) == (9, "+9")


@pytest.mark.parametrize(
    ("others", "was_dialled", "was_spoken_to"),
    [
        ([], False, False),
        ([later(-1, 9)], False, False),
        ([later(1, 9)], False, True),
        ([later(25, 9)], False, True),
        ([later(1, 8)], False, False),
        ([later(1, 9, is_answered=False, outcome="abandoned")], False, False),
        ([dialled(None, 1, "not_answered", contact_id=9, is_answered=False)], True, False),
        ([dialled(None, 1, contact_id=9)], True, True),
    ],
)
def test_whether_somebody_has_dialled_the_contact_or_spoken_to_it_since(others, was_dialled, was_spoken_to):
    row = one(never_dialled([asked(100, 9), *others]), call_id=100)
    assert (row["contact_dialled_since"], row["contact_spoken_to_since"]) == (was_dialled, was_spoken_to)


def test_of_a_caller_who_is_not_known_nobody_can_say_whether_they_were_spoken_to():
    (row,) = never_dialled([asked(100), later(1)])
    assert (row["contact_number"], row["contact_dialled_since"], row["contact_spoken_to_since"]) == (None, None, None)


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["inbound", "outbound"]),
        st.sampled_from(["answered", "callback_requested", "abandoned"]),
        st.booleans(),
        st.sampled_from([None, 0, 1, 2, 3]),
    ),
    max_size=8,
)


@examples(25, few=6)
@given(CALLS)
def test_the_requests_of_a_day_are_those_dialled_and_those_on_the_list(calls):
    rows = [
        call(outcome, direction=direction, requested_callback=asked, original_call_id=original)
        for direction, outcome, asked, original in calls
    ]
    flow = one(chain(rows, "call_flow")["call_flow"], direction="inbound", dimension="total")
    assert flow["callbacks_requested"] == flow["callbacks_dialled"] + len(never_dialled(rows, (DAY,)))
