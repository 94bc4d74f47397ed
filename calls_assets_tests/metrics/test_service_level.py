"""Service level and abandonment against worked examples, and the laws between them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.tables.catalog import ABANDONMENT, SERVICE_LEVEL
from calls_assets_tests.examples import examples
from calls_assets_tests.metrics.chain import NOON, call, chain


def calls(within=0, answered=0, abandoned=0, short=0, overflowed=0, callback=0, other=0):
    """Calls by outcome; `within` of the `answered` ones in time."""
    return [
        *(call("answered", is_answered_within_sla=n < within) for n in range(answered)),
        *(call("abandoned") for _ in range(abandoned)),
        *(call("short_abandoned") for _ in range(short)),
        *(call("overflowed") for _ in range(overflowed)),
        *(call("callback_requested") for _ in range(callback)),
        *(call("unanswered_other") for _ in range(other)),
    ]


def measure(table, rows):
    """The rows of a metric table by dimension and member id."""
    found = chain(rows, table.name)[table.name]
    return {(row["dimension"], row["member_id"]): row for row in found}


def total(table, rows):
    return measure(table, rows)["total", "(all)"]


def test_the_worked_example_of_icmi():
    # ICMI QueueTips, "Service Level Calculations": 1000 answered, 860 of them in time, 60 abandoned, 10 of them short.
    row = total(SERVICE_LEVEL, calls(within=860, answered=1000, abandoned=50, short=10))
    assert row["sl_answered_only"] == pytest.approx(0.8600, abs=5e-5)
    assert row["sl_all_abandons"] == pytest.approx(0.8113, abs=5e-5)
    assert row["sl_short_positive"] == pytest.approx(0.8208, abs=5e-5)
    assert row["service_level"] == pytest.approx(0.8190, abs=5e-5)


def test_everything_offered_counts_in_the_offered_variants():
    rows = calls(within=3, answered=4, abandoned=2, short=1, overflowed=1, callback=1, other=1)
    level, lost = total(SERVICE_LEVEL, rows), total(ABANDONMENT, rows)
    assert (level["calls_offered"], level["sl_offered"]) == (10, 0.3)
    assert (lost["abandonment_rate"], lost["abandonment_rate_incl_short"]) == (2 / 6, 3 / 7)
    assert (lost["abandonment_rate_offered"], lost["short_abandonment_rate"]) == (0.2, 0.1)


def test_the_variants_of_other_systems_and_the_shares_of_the_offered_calls():
    row = total(SERVICE_LEVEL, calls(within=3, answered=4, abandoned=2, short=1, overflowed=1, callback=1, other=1))
    assert (row["sl_offered_excl_short"], row["sl_incl_overflowed"]) == (3 / 9, 3 / 7)
    assert (row["answer_rate"], row["overflow_rate"]) == (0.4, 0.1)


def test_callers_who_left_in_the_menu_or_came_out_of_hours_were_not_offered():
    rows = [call("ivr_exit"), call("out_of_hours")]
    row = total(SERVICE_LEVEL, rows)
    assert (row["calls_offered"], row["service_level"], row["answer_rate"]) == (0, None, None)
    row = total(ABANDONMENT, [*rows, call("ivr_exit"), *calls(answered=1, abandoned=4)])
    assert (row["calls_inbound"], row["calls_offered"], row["calls_ivr_exit"], row["calls_out_of_hours"]) == (
        8,
        5,
        2,
        1,
    )
    assert (row["ivr_exit_rate"], row["out_of_hours_rate"], row["abandonment_rate"]) == (2 / 8, 1 / 8, 4 / 5)


def test_open_and_outbound_calls_count_in_no_rate():
    rows = [call("in_progress", is_ended=False), call("answered", direction="outbound"), *calls(within=1, answered=1)]
    assert total(SERVICE_LEVEL, rows)["calls_offered"] == 1


def test_a_day_without_calls_has_its_total_and_no_rates():
    row = total(SERVICE_LEVEL, [])
    counts = {name for name in row if name.startswith("calls_")} - {"calls_abandoned_within_threshold"}
    assert {row[name] for name in counts} == {0}
    assert {row[name] for name in row if name.startswith("sl_")} == {None}
    assert (row["service_level"], row["average_speed_of_answer_s"]) == (None, None)


def test_abandoned_in_the_queue_is_counted_apart():
    rows = [call("abandoned", call_types=["abandoned", "abandoned_distributed"]), call("abandoned")]
    assert total(ABANDONMENT, rows)["calls_abandoned_distributed"] == 1


def test_known_speeds_of_answer_are_counted_and_summed_whatever_tells_the_wait():
    row = total(SERVICE_LEVEL, [call("answered", speed_of_answer_s=s) for s in (10, 25, None)])
    assert (row["speed_of_answer_calls"], row["speed_of_answer_total_s"]) == (2, 35)
    assert (row["wait_status"], row["average_speed_of_answer_s"]) == ("unknown", None)


def test_a_member_has_a_row_even_with_nothing_offered_and_null_is_none():
    found = measure(SERVICE_LEVEL, [call("ivr_exit", ivr_id=7, ivr_name="Menu")])
    assert found["ivr", "7"]["member_name"] == "Menu"
    assert found["ivr", "7"]["calls_offered"] == 0
    assert found["ring_group", "(none)"]["member_name"] == "(none)"


def test_of_two_names_in_a_day_the_latest_calls_is_taken():
    later = NOON.replace(minute=5)
    rows = [
        call("answered", number_id=1, number_alias="New", started_at=later),
        call("answered", number_id=1, number_alias="Old"),
    ]
    assert measure(SERVICE_LEVEL, rows)["number", "1"]["member_name"] == "New"


def test_the_half_hour_that_comes_twice_is_two_members():
    rows = [
        call("answered", interval_start=datetime(2026, 11, 1, hour, 30, tzinfo=UTC), utc_offset_s=offset)
        for hour, offset in ((5, -14_400), (6, -18_000))
    ]
    found = measure(SERVICE_LEVEL, rows)
    assert found["half_hour", "2026-11-01T05:30:00Z"]["member_name"] == "01:30-04:00"
    assert found["half_hour", "2026-11-01T06:30:00Z"]["member_name"] == "01:30-05:00"


@examples(25, few=6)
@given(st.lists(st.integers(0, 6), min_size=7, max_size=7))
def test_the_variants_keep_their_order(counts):
    within, missed, *others = counts
    row = total(SERVICE_LEVEL, calls(within, within + missed, *others))
    for lower in (["sl_all_abandons"], ["sl_offered_excl_short", "sl_incl_overflowed"]):
        ordered = [row[name] for name in ("sl_offered", *lower, "service_level", "sl_answered_only")]
        known = [rate for rate in ordered if rate is not None]
        assert known == sorted(known)
        assert all(0 <= rate <= 1 for rate in known)


ENDS = ("answered", "abandoned", "short_abandoned", "overflowed", "ivr_exit", "out_of_hours", "unanswered_other")


@examples(15, few=4)
@given(st.lists(st.tuples(st.sampled_from(ENDS), st.sampled_from([None, 1, 2])), max_size=12))
def test_every_inbound_call_was_offered_or_ended_before_in_each_member_and_over_all_of_them(ends):
    found = measure(ABANDONMENT, [call(outcome, ring_group_id=group) for outcome, group in ends])
    parts = ("calls_offered", "calls_ivr_exit", "calls_out_of_hours")
    for row in found.values():
        assert row["calls_inbound"] == sum(row[name] for name in parts)
    of_all = found["total", "(all)"]
    for name in ("calls_inbound", *parts):
        groups = [row[name] for (dimension, _), row in found.items() if dimension == "ring_group"]
        assert sum(groups) == of_all[name]
