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
        call("answered", talk_s=100, wait_s=22),
        call("answered", talk_s=100),
        call("answered", talk_s=100, speed_of_answer_s=5, direction="outbound"),
        call("abandoned", wait_s=61),
        call("short_abandoned", wait_s=4),
        call("overflowed", duration_s=300),
        call("in_progress", is_ended=False, duration_s=5, talk_s=5),
    ]
    assert bins(rows, "talk") == {120: 3}
    assert bins(rows, "wait") == {25: 1}
    assert bins(rows, "time_to_abandon") == {15: 1, 90: 1}


def test_waits_of_a_ring_group_that_contradicts_them_are_left_out_but_not_its_talk():
    def answered(verdict, **changes):
        told = {"wait_method": "leg_start", "wait_s": 9, "speed_of_answer_s": 9, "sla_threshold_s": 20, "talk_s": 3}
        return call("answered", is_answered_within_sla=verdict, **told, **changes)

    good = [answered(True, ring_group_id=1) for _ in range(210)]
    bad = [answered(n % 2 > 0, ring_group_id=2) for n in range(210)]
    found = chain([*good, *bad], "time_distribution")["time_distribution"]
    told = {(row["measure"], row["ring_group_id"]): row["calls"] for row in found}
    assert told == {("wait", 1): 210, ("talk", 1): 210, ("talk", 2): 210}
