"""Talk and waits in fixed bins."""

from collections import Counter

from calls_assets_tests.metrics.chain import call, chain


def bins(rows, measure):
    found = chain(rows, "time_distribution")["time_distribution"]
    counts = Counter()
    for row in found:
        if row["measure"] == measure:
            counts[row["up_to_s"]] += row["calls"]
    return counts


def test_a_bin_holds_times_up_to_and_with_its_end():
    rows = [call("answered", talk_s=talk) for talk in (0, 15, 16, 20, 600, 601, 9000, None)]
    assert bins(rows, "talk") == {15: 2, 20: 2, 600: 1, None: 2}


def test_each_measure_counts_the_calls_that_it_is_of():
    rows = [
        call("answered", talk_s=100, duration_s=130, speed_of_answer_s=22),
        call("answered", talk_s=100, duration_s=90),
        call("answered", talk_s=100, duration_s=200, speed_of_answer_s=5, direction="outbound"),
        call("abandoned", duration_s=61),
        call("short_abandoned", duration_s=4),
        call("overflowed", duration_s=300),
        call("in_progress", is_ended=False, duration_s=5, talk_s=5),
    ]
    assert bins(rows, "talk") == {120: 3}
    assert bins(rows, "wait_leg_start") == {25: 1}
    assert bins(rows, "wait_duration_less_talk") == {30: 1}
    assert bins(rows, "time_to_abandon") == {15: 1, 90: 1}


def test_waits_say_whether_they_are_validated_by_ring_group():
    good = [
        call("answered", speed_of_answer_s=n % 30, is_answered_within_sla=n % 30 <= 20, ring_group_id=1)
        for n in range(210)
    ]
    bad = [call("answered", speed_of_answer_s=9, is_answered_within_sla=n % 2 > 0, ring_group_id=2) for n in range(210)]
    found = chain([*good, *bad, call("answered", talk_s=3)], "time_distribution")["time_distribution"]
    told = {(row["measure"], row["ring_group_id"], row["wait_status"]) for row in found}
    assert told == {
        ("wait_leg_start", 1, "validated"),
        ("wait_leg_start", 2, "unverified"),
        ("talk", None, None),
    }
