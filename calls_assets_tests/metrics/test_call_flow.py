"""Transfers, callbacks, outbound connects and repeat callers."""

from datetime import timedelta

from calls_assets_tests.metrics.chain import DAY, NOON, call, chain, one


def flow(rows, direction="inbound", **of):
    return one(chain(rows, "call_flow")["call_flow"], direction=direction, **({"dimension": "total"} | of))


def test_transfers_are_a_share_of_the_answered_calls():
    rows = [
        call("answered", is_transferred=True, transfers=3, call_types=["transfer", "warm_transfer"]),
        call("answered", is_transferred=True, transfers=1, call_types=["transfer"]),
        call("answered"),
        call("answered"),
        call("abandoned", is_transferred=True, transfers=1),
        call("answered", is_transferred=True, transfers=1, direction="outbound"),
    ]
    row = flow(rows)
    assert (row["calls"], row["calls_answered"], row["calls_transferred"]) == (5, 4, 2)
    assert (row["calls_warm_transferred"], row["transfer_rate"]) == (1, 0.5)
    assert (row["transfers"], row["transfers_per_call"]) == (4, 1)
    assert flow(rows, "outbound")["transfer_rate"] == 1


def dialled(original, minutes, outcome="answered", **changes):
    return (
        call(outcome, direction="outbound", original_call_id=original, started_at=NOON + timedelta(minutes=minutes))
        | changes
    )


def test_callbacks_are_followed_through_the_call_that_they_name():
    asked = [call("callback_requested", call_id=n, requested_callback=n != 2) for n in (1, 2, 3, 4)]
    rows = [
        *asked,
        dialled(1, 10, "not_answered", call_id=11),
        dialled(1, 30, call_id=12),
        dialled(1, 40, call_id=13),
        dialled(2, 20, call_id=14),
        dialled(3, 5, "not_answered", call_id=15),
        dialled(99, 5, call_id=16),
        call("answered", call_id=17),
    ]
    row = flow(rows)
    assert (row["callbacks_requested"], row["callbacks_dialled"], row["callbacks_completed"]) == (4, 3, 2)
    assert (row["callback_request_rate"], row["callback_completion_rate"]) == (4 / 5, 0.5)
    assert (row["callback_delay_total_s"], row["average_callback_delay_s"]) == (30 * 60 + 20 * 60, 25 * 60)
    assert flow(rows, "outbound")["callbacks_requested"] == 0


def test_a_callback_of_the_next_day_shows_in_no_day():
    rows = [
        call("callback_requested", call_id=1),
        dialled(1, 24 * 60, call_id=2, local_date=DAY + timedelta(days=1)),
    ]
    found = chain(rows, "call_flow", days=(DAY, DAY + timedelta(days=1)))["call_flow"]
    row = one(found, local_date=DAY, direction="inbound", dimension="total")
    assert (row["callbacks_requested"], row["callbacks_completed"], row["callback_completion_rate"]) == (1, 0, 0)


def test_outbound_calls_connect_or_do_not():
    rows = [call(outcome, direction="outbound") for outcome in ("answered", "not_answered", "not_answered", "answered")]
    assert flow(rows, "outbound")["connect_rate"] == 0.5
    assert flow([*rows, call("answered")])["connect_rate"] is None


def test_repeat_callers_are_contacts_with_two_calls_or_more():
    rows = [call("answered", contact_id=contact) for contact in (1, 1, 1, 2, 2, 3, None, None)]
    rows += [call("not_answered", direction="outbound", contact_id=3)]
    row = flow(rows)
    assert (row["callers"], row["repeat_callers"], row["repeat_caller_rate"]) == (3, 2, 2 / 3)
    assert flow(rows, "outbound")["callers"] is None


def test_a_day_without_calls_has_both_totals_and_no_rates():
    found = chain([], "call_flow")["call_flow"]
    assert [(row["direction"], row["dimension"], row["calls"]) for row in found] == [
        ("inbound", "total", 0),
        ("outbound", "total", 0),
    ]
    assert {row[name] for row in found for name in row if name.endswith("_rate")} == {None}


def test_every_dimension_has_its_members():
    found = chain([call("answered", ring_group_id=7, ring_group_name="Sales")], "call_flow")["call_flow"]
    assert one(found, direction="inbound", dimension="ring_group")["member_name"] == "Sales"
    assert one(found, direction="inbound", dimension="half_hour")["member_id"] == "2026-11-01T12:00:00Z"
