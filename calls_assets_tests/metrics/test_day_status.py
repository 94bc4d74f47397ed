"""Whether a day can still change, and the calls that the API counts differently."""

import pytest

from calls_assets.tables.catalog import RAW_CALLS
from calls_assets_tests.metrics.chain import DAY, NOON, call, chain


def reconciled(call_type, difference, api_calls=5):
    ours = None if difference is None else api_calls - difference
    return {
        "local_date": DAY,
        "call_type": call_type,
        "api_calls": api_calls,
        "our_calls": ours,
        "difference": difference,
    }


def labelled(call_type, call_id):
    return {"local_date": DAY, "call_type": call_type, "call_id": call_id}


OPEN = call("in_progress", is_ended=False)


@pytest.mark.parametrize(
    ("rows", "inside", "reconciliation", "labels", "status"),
    [
        ([call("answered")], False, [reconciled("transfer", 0), reconciled("abandoned", None)], [], "final"),
        ([], False, [], [], "final"),
        ([OPEN], False, [], [], "open_calls"),
        ([call("answered")], True, [], [], "inside_lookback"),
        ([call("answered")], False, [reconciled("transfer", -1)], [], "not_reconciled"),
        ([call("answered")], False, [reconciled("transfer", 0)], [labelled("transfer", 1)], "not_reconciled"),
        ([OPEN], True, [reconciled("transfer", 1)], [], "open_calls, inside_lookback, not_reconciled"),
    ],
    ids=["nothing", "no calls", "open", "pulled again", "other count", "other calls", "all"],
)
def test_a_day_is_final_or_says_why_it_is_not(rows, inside, reconciliation, labels, status):
    given = {"reconciliation": reconciliation, "raw_call_types": labels}
    found = chain(rows, "day_status", "service_level", "abandonment", given=given, inside_lookback=inside)
    (row,) = found["day_status"]
    assert row["status"] == status
    assert {row["day_status"] for name in ("service_level", "abandonment") for row in found[name]} == {status}


def raw(call_id, **fields):
    record = dict.fromkeys(RAW_CALLS.arrow_schema.names)
    return record | {"local_date": DAY, "id": call_id, "started_at": int(NOON.timestamp()), "is_inbound": True} | fields


def test_the_calls_that_make_a_difference_are_listed_with_who_counts_them():
    raw_calls = [raw(1, requested_callback=True), raw(2, requested_callback=True), raw(3), raw(4, is_answered=True)]
    labels = [(2, "callback"), (3, "callback"), (3, "overflowed")]
    given = {
        "raw_calls": raw_calls,
        "raw_call_types": [{"local_date": DAY, "call_id": n, "call_type": name} for n, name in labels],
        "reconciliation": [
            reconciled("callback", 0),  # as many on both sides, but not the same ones
            reconciled("inbound_answered", 0),  # settled by its count: nobody asked which
            reconciled("overflowed", None),  # no field tells
            reconciled("all_inbound", -4, 0),
        ],
    }
    found = chain([], "reconciliation_calls", given=given)["reconciliation_calls"]
    assert [(row["call_type"], row["call_id"], row["counted_by"]) for row in found] == [
        *(("all_inbound", n, "us") for n in (1, 2, 3, 4)),
        ("callback", 1, "us"),
        ("callback", 3, "api"),
    ]
