"""The callers who hung up and whom nobody has spoken to since."""

from datetime import timedelta

import pytest

from calls_assets_tests.metrics.chain import DAY, NOON, by_contact, call, one

NEXT = DAY + timedelta(days=1)


def not_spoken_to(rows, days=(DAY, NEXT)):
    return by_contact(rows, "callers_not_spoken_to", days)


def gave_up(hours, contact=None, **changes):
    return later(hours, contact, outcome="abandoned", is_answered=False) | changes


def later(hours, contact=None, **changes):
    at = NOON + timedelta(hours=hours)
    outcome = changes.pop("outcome", "answered")
    return call(outcome, started_at=at, local_date=at.date(), contact_id=contact) | changes


@pytest.mark.parametrize(
    ("others", "is_listed"),
    [
        ([], True),
        ([later(-1, 9)], True),
        ([later(0, 9)], False),
        ([later(1, 9)], False),
        ([later(25, 9)], False),
        ([later(1, 9, direction="outbound")], False),
        ([later(1, 8)], True),
        ([later(1, 9, outcome="not_answered", is_answered=False, direction="outbound")], True),
        ([later(1, 9, outcome="short_abandoned", is_answered=False)], True),
    ],
)
def test_a_caller_is_listed_until_somebody_speaks_to_them_on_whichever_day_and_whoever_calls(others, is_listed):
    assert [row["contact_id"] for row in not_spoken_to([gave_up(0, 9), *others])] == [9] * is_listed


def test_only_who_hung_up_after_waiting_is_listed():
    rows = [
        gave_up(0, 1),
        gave_up(0, 2, outcome="short_abandoned"),
        gave_up(0, 3, outcome="ivr_exit"),
        gave_up(0, 4, direction="outbound", outcome="not_answered"),
        gave_up(0, 5, outcome="callback_requested"),
    ]
    assert [row["contact_id"] for row in not_spoken_to(rows)] == [1]


def test_a_caller_stands_once_at_the_last_time_with_how_often_since_they_were_spoken_to():
    group = {"ring_group_id": 7, "ring_group_name": "Sales"}
    line = {"number_id": 8, "number": "2", "number_alias": "Orders"}
    rows = [gave_up(-3, 9), later(-2, 9), gave_up(-1, 9), gave_up(24, 9, **group, **line, call_id=50)]
    (row,) = not_spoken_to(rows)
    assert {name: row[name] for name in (group | line)} == group | line
    assert (row["local_date"], row["call_id"], row["times_hung_up"]) == (NEXT, 50, 2)
    assert (row["contact_id"], row["contact_number"]) == (9, "+9")
    (row,) = not_spoken_to(rows[:-1], (DAY,))
    assert (row["local_date"], row["times_hung_up"]) == (DAY, 1)


def test_whether_somebody_has_tried_to_reach_them_is_told():
    rows = [
        gave_up(0, 8),
        gave_up(0, 9),
        later(1, 9, outcome="not_answered", is_answered=False, direction="outbound"),
        later(-1, 8, outcome="not_answered", is_answered=False, direction="outbound"),
    ]
    found = not_spoken_to(rows)
    assert [one(found, contact_id=contact)["contact_dialled_since"] for contact in (8, 9)] == [False, True]


def test_callers_who_are_not_known_are_each_their_own():
    rows = not_spoken_to([gave_up(0), gave_up(1), later(2)])
    assert [(row["contact_id"], row["times_hung_up"], row["contact_dialled_since"]) for row in rows] == [
        (None, 1, None),
        (None, 1, None),
    ]
