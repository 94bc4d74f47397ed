"""What validated waits fill in, and what stays null without them."""

import pytest

from calls_assets_tests.metrics.chain import call, chain, one

THRESHOLD_S = 20


def answered(wait_s, group=1, leg_s=None, **changes):
    """An answered call that waited so long by its duration, with a right verdict, and by its leg if that is given."""
    return (
        call(
            "answered",
            is_answered_within_sla=wait_s <= THRESHOLD_S,
            ring_group_id=group,
            duration_s=wait_s + 100,
            talk_s=100,
            speed_of_answer_s=leg_s,
        )
        | changes
    )


def abandoned(wait_s, outcome="abandoned", group=1):
    return call(outcome, ring_group_id=group, duration_s=wait_s, talk_s=0)


def level(rows, dimension="total", member="(all)"):
    return one(chain(rows, "service_level")["service_level"], dimension=dimension, member_id=member)


def lost(rows):
    return one(chain(rows, "abandonment")["abandonment"], dimension="total")


ENOUGH = [answered(5 + n % 25) for n in range(250)]
"""Calls on which the duration tells the wait: 160 of 250 in time."""


def test_the_worked_example_of_icmi_with_abandons_before_the_threshold():
    # ICMI QueueTips, "Service Level Calculations": 1000 answered, 860 of them in time; 60 abandons, 20 of them within the
    # threshold, of which 10 are short.
    rows = [answered(10) for _ in range(860)] + [answered(30) for _ in range(140)]
    rows += [abandoned(5, "short_abandoned")] * 10 + [abandoned(10)] * 10 + [abandoned(60)] * 40
    row = level(rows)
    assert (row["threshold_s"], row["calls_abandoned_within_threshold"]) == (10, 20)
    assert row["sl_abandon_within_threshold_ignored"] == pytest.approx(0.8269, abs=5e-5)
    assert row["sl_abandon_within_threshold_positive"] == pytest.approx(0.8302, abs=5e-5)
    assert row["service_level"] == pytest.approx(0.8190, abs=5e-5)


def test_validated_waits_give_the_average_speed_of_answer_and_the_time_to_abandon():
    rows = [*ENOUGH, abandoned(40), abandoned(80), abandoned(3, "short_abandoned")]
    row, loss = level(rows), lost(rows)
    waits = [5 + n % 25 for n in range(250)]
    assert (row["wait_status"], row["wait_method"], row["wait_calls"]) == ("validated", "duration_less_talk", 250)
    assert row["average_speed_of_answer_s"] == sum(waits) / 250
    assert (loss["time_to_abandon_calls"], loss["average_time_to_abandon_s"], loss["wait_status"]) == (
        2,
        60,
        "validated",
    )


def test_without_validated_waits_they_are_null_and_say_so():
    rows = [*ENOUGH[:199], abandoned(40)]
    row, loss = level(rows), lost(rows)
    assert row["wait_status"] == loss["wait_status"] == "unverified"
    unknown = ("average_speed_of_answer_s", "wait_method", "threshold_s", "calls_abandoned_within_threshold")
    variants = ("sl_abandon_within_threshold_ignored", "sl_abandon_within_threshold_positive")
    assert {row[name] for name in unknown + variants} == {loss["average_time_to_abandon_s"]} == {None}


def test_of_equal_estimates_the_one_with_the_last_ring_is_taken_and_abandons_have_no_leg():
    rows = [answered(5 + n % 25, leg_s=4 + n % 25) for n in range(250)]
    row = level(rows)
    assert (row["wait_method"], row["threshold_s"]) == ("duration_less_talk", 20)
    assert row["average_speed_of_answer_s"] == sum(5 + n % 25 for n in range(250)) / 250
    by_leg_alone = [answered(5, leg_s=n % 30, duration_s=300, is_answered_within_sla=n % 30 <= 20) for n in range(250)]
    row, loss = level([*by_leg_alone, abandoned(9)]), lost([*by_leg_alone, abandoned(9)])
    assert (row["wait_status"], row["calls_abandoned_within_threshold"]) == ("validated", None)
    assert loss["wait_status"] == "unverified"


def test_of_two_estimates_the_one_with_fewer_errors_is_taken_by_ring_group():
    def by(group, wrong_leg, wrong_duration):
        waits = [5 + n % 25 for n in range(250)]
        return [
            answered(wait, group, leg_s=40 if n in wrong_leg else wait)
            | ({"talk_s": 60} if n in wrong_duration else {})
            for n, wait in enumerate(waits)
        ]

    rows = [*by(1, (), (0, 1)), *by(2, (0, 1), ()), *by(3, (), ())]
    assert level(rows, "ring_group", "1")["wait_method"] == "leg_start"
    assert level(rows, "ring_group", "2")["wait_method"] == "duration_less_talk"
    assert level(rows, "ring_group", "3")["wait_method"] == "duration_less_talk"
    assert (level(rows)["wait_method"], level(rows)["wait_calls"]) == ("both", 750)


@pytest.mark.parametrize(("unknown", "status"), [(5, "validated"), (6, "unverified")], ids=["2 %", "above 2 %"])
def test_a_member_is_validated_where_98_of_100_answered_calls_have_a_wait(unknown, status):
    rows = [*ENOUGH[: 250 - unknown], *[answered(9, duration_s=None)] * unknown]
    assert level(rows)["wait_status"] == status


def test_each_ring_group_stands_on_its_own():
    unknowable = [answered(n % 40, group=2, is_answered_within_sla=n % 3 > 0) for n in range(250)]
    rows = [*ENOUGH, *unknowable]
    assert level(rows, "ring_group", "1")["wait_status"] == "validated"
    assert level(rows, "ring_group", "2")["wait_status"] == "unverified"
    assert level(rows)["wait_status"] == "unverified"


def test_a_threshold_is_told_of_several_ring_groups_where_one_fits_them_all():
    def by(group, threshold_s):
        waits = [w for w in range(5, 35) if w not in (21, 22)]
        return [answered(waits[n % 28], group, is_answered_within_sla=waits[n % 28] <= threshold_s) for n in range(280)]

    with_gap = [*by(1, 20), *by(2, 22)]  # nobody waits 21 or 22 s, so that the second one's may be 20 as well
    assert level(with_gap)["threshold_s"] == 20
    assert level([*by(1, 20), *by(2, 25)])["threshold_s"] is None


def test_where_nobody_abandoned_the_variants_need_no_wait():
    row = level([answered(5, duration_s=None), answered(50, duration_s=None)])
    assert (row["wait_status"], row["calls_abandoned_within_threshold"]) == ("unverified", 0)
    assert row["sl_abandon_within_threshold_ignored"] == row["sl_abandon_within_threshold_positive"] == 0.5


def test_a_day_without_answered_calls_has_no_status_of_waits():
    assert level([])["wait_status"] is None
    assert lost([])["wait_status"] is None
