"""What a wait fills in where the account's method of telling it is set, and what stays null without."""

import pytest

from calls_assets_tests.metrics.chain import call, chain, one

THRESHOLD_S = 20
NEEDS_A_WAIT = (
    "average_speed_of_answer_s",
    "longest_wait_s",
    "calls_abandoned_within_threshold",
    "sl_abandon_within_threshold_ignored",
    "sl_abandon_within_threshold_positive",
)


def answered(waited_s, in_time=None, group=1, method="duration_less_talk", **changes):
    """An answered call that waited so long, with a right verdict unless another is given."""
    return (
        call(
            "answered",
            is_answered_within_sla=waited_s <= THRESHOLD_S if in_time is None else in_time,
            ring_group_id=group,
            duration_s=waited_s + 100,
            talk_s=100,
            speed_of_answer_s=waited_s,
            wait_s=waited_s if method else None,
            wait_method=method,
            sla_threshold_s=THRESHOLD_S,
        )
        | changes
    )


def abandoned(waited_s, outcome="abandoned", group=1, method="duration_less_talk", **changes):
    told = waited_s if method == "duration_less_talk" else None
    return (
        call(outcome, ring_group_id=group, duration_s=waited_s, talk_s=0, wait_s=told, wait_method=method)
        | {"sla_threshold_s": THRESHOLD_S}
        | changes
    )


def level(rows, dimension="total", member="(all)"):
    return one(chain(rows, "service_level")["service_level"], dimension=dimension, member_id=member)


def lost(rows):
    return one(chain(rows, "abandonment")["abandonment"], dimension="total")


def wrong(group=1, calls=200):
    """Calls whose verdict has nothing to do with their wait."""
    return [answered(n % 40, in_time=n % 3 > 0, group=group) for n in range(calls)]


def test_the_worked_example_of_icmi_with_abandons_before_the_threshold():
    # ICMI QueueTips, "Service Level Calculations": 1000 answered, 860 of them in time; 60 abandons, 20 of them within the
    # threshold, of which 10 are short.
    rows = [answered(10) for _ in range(860)] + [answered(30) for _ in range(140)]
    rows += [abandoned(5, "short_abandoned")] * 10 + [abandoned(10)] * 10 + [abandoned(60)] * 40
    row = level(rows)
    assert (row["threshold_s"], row["calls_abandoned_within_threshold"]) == (20, 20)
    assert row["sl_abandon_within_threshold_ignored"] == pytest.approx(0.8269, abs=5e-5)
    assert row["sl_abandon_within_threshold_positive"] == pytest.approx(0.8302, abs=5e-5)
    assert row["service_level"] == pytest.approx(0.8190, abs=5e-5)


def test_waits_give_the_average_speed_of_answer_the_longest_wait_and_the_time_to_abandon():
    rows = [answered(4), answered(9), abandoned(40), abandoned(80), abandoned(3, "short_abandoned")]
    row, loss = level(rows), lost(rows)
    assert (row["wait_status"], row["wait_method"]) == ("verified", "duration_less_talk")
    assert (row["wait_calls"], row["wait_total_s"], row["average_speed_of_answer_s"]) == (2, 13, 6.5)
    assert row["longest_wait_s"] == 80
    assert (loss["time_to_abandon_calls"], loss["average_time_to_abandon_s"]) == (2, 60)
    assert loss["wait_status"] == "verified"


def test_a_small_day_is_not_asked_to_prove_anything():
    assert level([answered(7)])["average_speed_of_answer_s"] == 7


def test_without_a_method_every_figure_that_needs_a_wait_is_null_and_the_status_says_so():
    rows = [answered(4, method=None), abandoned(40, method=None)]
    row, loss = level(rows), lost(rows)
    assert row["wait_status"] == loss["wait_status"] == "unknown"
    assert {row[name] for name in NEEDS_A_WAIT} == {loss["average_time_to_abandon_s"]} == {row["wait_method"]} == {None}
    assert (row["service_level"], row["speed_of_answer_calls"]) == (0.5, 1)


def test_days_of_before_the_setting_leave_the_week_unknown():
    rows = [answered(4), answered(4, method=None)]
    assert (level(rows)["wait_status"], level(rows)["average_speed_of_answer_s"]) == ("unknown", None)


def test_a_contradiction_takes_the_figures_of_its_ring_group_and_of_all_who_have_calls_of_it():
    rows = [*wrong(group=2), abandoned(9, group=2), answered(4), answered(9)]
    group, other, total = level(rows, "ring_group", "2"), level(rows, "ring_group", "1"), level(rows)
    assert (other["wait_status"], other["average_speed_of_answer_s"], other["longest_wait_s"]) == ("verified", 6.5, 9)
    for row in (group, total):
        assert row["wait_status"] == "contradicted"
        assert {row[name] for name in NEEDS_A_WAIT} == {None}
    loss = lost(rows)
    assert (loss["wait_status"], loss["average_time_to_abandon_s"]) == ("contradicted", None)
    assert (total["wait_calls"], total["wait_total_s"], loss["time_to_abandon_calls"]) == (2, 13, 0)


def test_all_ring_groups_together_can_contradict_the_total_alone():
    rows = [row | {"ring_group_id": n} for n, row in enumerate(wrong(calls=400))]
    assert level(rows)["wait_status"] == "contradicted"
    assert level(rows, "ring_group", "7")["wait_status"] == "verified"


def test_the_sums_of_waits_add_up_over_every_dimension():
    rows = [*wrong(group=2), *[answered(n % 30, group=n % 3, ivr_id=n % 2) for n in range(90)]]
    found = chain(rows, "service_level")["service_level"]
    for name in ("wait_calls", "wait_total_s"):
        sums = {}
        for row in found:
            sums[row["dimension"]] = sums.get(row["dimension"], 0) + row[name]
        assert len(set(sums.values())) == 1
        assert sums["total"] > 0


def test_the_start_of_the_leg_says_nothing_of_callers_who_hung_up():
    rows = [answered(4, method="leg_start"), abandoned(40, method="leg_start")]
    row, loss = level(rows), lost(rows)
    assert (row["wait_method"], row["average_speed_of_answer_s"], row["longest_wait_s"]) == ("leg_start", 4, 4)
    assert row["calls_abandoned_within_threshold"] is None
    assert (loss["wait_status"], loss["time_to_abandon_calls"], loss["average_time_to_abandon_s"]) == (
        "verified",
        0,
        None,
    )


@pytest.mark.parametrize(("unknown", "average"), [(5, 7), (6, None)], ids=["5 %", "above 5 %"])
def test_averages_need_the_waits_of_95_calls_of_100(unknown, average):
    rows = [*[answered(7)] * (100 - unknown), *[answered(7, wait_s=None)] * unknown]
    rows += [*[abandoned(7)] * (100 - unknown), *[abandoned(7, wait_s=None)] * unknown]
    assert (level(rows)["average_speed_of_answer_s"], lost(rows)["average_time_to_abandon_s"]) == (average, average)
    assert (level(rows)["wait_status"], level(rows)["wait_calls"]) == ("verified", 100 - unknown)


def test_a_week_of_two_methods_is_unknown_though_each_of_its_days_is_verified():
    rows = [answered(4), answered(4, method="leg_start")]
    assert (level(rows)["wait_status"], level(rows)["wait_method"]) == ("unknown", None)
    assert chain(rows, "wait_calibration")["wait_calibration"] == []


def test_calls_of_days_with_and_without_a_threshold_are_not_taken_for_set():
    noise = [answered(n % 40, in_time=n % 2 > 0, sla_threshold_s=None) for n in range(300)]
    rows = [*[answered(n % 40) for n in range(300)], *noise]
    found = one(chain(rows, "wait_calibration")["wait_calibration"], member_id="1")
    assert (found["threshold_source"], found["agreement"]) == ("best_fit", "contradicts")


@pytest.mark.parametrize(("unknown", "early"), [(5, 95), (6, None)], ids=["5 %", "above 5 %"])
def test_early_abandons_are_counted_where_95_of_100_abandons_have_a_wait(unknown, early):
    rows = [answered(5), *[abandoned(9)] * (100 - unknown), *[abandoned(9, wait_s=None)] * unknown]
    assert level(rows)["calls_abandoned_within_threshold"] == early


def test_without_a_threshold_early_abandons_are_counted_where_the_day_finds_one():
    unset = {"sla_threshold_s": None}
    few = [*[answered(n % 40, **unset) for n in range(8)], abandoned(9, **unset)]
    many = [*[answered(n % 40, **unset) for n in range(200)], abandoned(9, **unset)]
    assert (level(few)["threshold_s"], level(few)["calls_abandoned_within_threshold"]) == (None, None)
    assert (level(many)["threshold_s"], level(many)["calls_abandoned_within_threshold"]) == (20, 1)


def test_a_threshold_is_told_of_several_ring_groups_where_one_suits_them_all():
    assert level([answered(5), answered(5, group=2)])["threshold_s"] == 20
    assert level([answered(5), answered(5, group=2, sla_threshold_s=30)])["threshold_s"] is None


def test_a_day_without_calls_is_unknown_unless_a_method_is_set():
    assert level([])["wait_status"] == "unknown"
    assert level([])["average_speed_of_answer_s"] is None
