"""A day's calibration of waits: which thresholds are taken, what contradicts, and with what power."""

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from calls_assets.metrics.run import compute
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.metrics.chain import DAY, call, chain, one

THRESHOLD_S = 20


def answered(wait_s, in_time=None, group=1, **changes):
    """An answered call that waited so long by its duration; in time by the threshold, unless the vendor says else."""
    verdict = wait_s <= THRESHOLD_S if in_time is None else in_time
    return call(
        "answered",
        duration_s=wait_s + 100,
        talk_s=100,
        wait_s=wait_s,
        wait_method="duration_less_talk",
        is_answered_within_sla=verdict,
        ring_group_id=group,
        **changes,
    )


def calibration(rows, member="1"):
    return one(chain(rows, "wait_calibration")["wait_calibration"], member_id=member)


def mixed(calls, errors=0, late=0.2, **changes):
    """Calls of which a share is late, and the first so many have the other verdict than their wait."""
    waits = [30 + n % 10 if n % 100 < late * 100 else 10 + n % 10 for n in range(calls)]
    return [answered(wait, (wait <= THRESHOLD_S) != (n < errors), **changes) for n, wait in enumerate(waits)]


def test_the_threshold_that_misclassifies_the_fewest_is_found_with_its_errors():
    waits = [*range(1, 21)] * 9 + [*range(24, 44)] * 2
    row = calibration([*map(answered, waits), answered(5, in_time=False), answered(40, in_time=True)])
    assert (row["calls"], row["calls_late"], row["errors"]) == (222, 41, 2)
    assert (row["threshold_s"], row["threshold_most_s"], row["threshold_source"]) == (20, 23, "best_fit")
    assert (row["error_rate"], row["agreement"]) == (pytest.approx(2 / 222), "agrees")


def test_of_several_thresholds_the_lowest_is_taken_and_below_all_waits_is_one():
    assert calibration([answered(5), answered(30)])["threshold_s"] == 5
    row = calibration([answered(25), answered(30)])
    assert (row["threshold_s"], row["threshold_most_s"], row["errors"]) == (24, 24, 0)
    assert calibration([answered(5), answered(7)])["threshold_most_s"] is None


def test_a_ring_group_has_a_threshold_of_its_own_where_that_saves_many_errors():
    usual = [answered(n % 40, n % 40 <= 20) for n in range(3000)]
    near = [answered(n % 40, n % 40 <= 19, group=2) for n in range(600)]  # 15 calls of 20 s are late
    found = chain([*usual, *near], "wait_calibration")["wait_calibration"]
    assert {row["member_id"]: row["threshold_s"] for row in found} == {"1": 20, "2": 19, "(all)": None}
    few = chain([*usual, *near[:300]], "wait_calibration")["wait_calibration"]
    assert one(few, member_id="2")["errors"] == 7


def test_ring_groups_with_a_setting_have_no_say_in_the_threshold_of_the_others():
    own = [answered(n % 40, n % 40 <= 30, group=7, sla_threshold_s=30) for n in range(2000)]
    found = chain([*own, *map(answered, (5, 19, 22, 25, 40))], "wait_calibration")["wait_calibration"]
    assert (one(found, member_id="1")["threshold_s"], one(found, member_id="1")["errors"]) == (19, 0)


def test_a_threshold_that_is_set_is_not_searched_for():
    row = calibration(mixed(300, sla_threshold_s=15))
    assert (row["threshold_s"], row["threshold_most_s"], row["threshold_source"]) == (15, 15, "setting")
    assert (row["errors"], row["agreement"]) == (96, "contradicts")  # those in time after 16 to 19 s


@pytest.mark.parametrize(
    ("calls", "errors", "late", "agreement"),
    [
        (200, 11, 0.2, "agrees"),  # 2 % give 11 errors or more in 0.25 % of cases, and 12 in 0.07 %
        (200, 12, 0.2, "contradicts"),
        (20, 0, 0.2, "too_few"),  # 4 late calls: whatever the verdicts, chance could explain them
        (25, 0, 0.2, "agrees"),
        (1000, 0, 0.03, "too_few"),
        (1000, 0, 0.05, "agrees"),
        (1000, 0, 0.97, "too_few"),
        (5, 0, 0.0, "too_few"),
    ],
)
def test_what_contradicts_and_what_is_too_little_to_contradict(calls, errors, late, agreement):
    rows = mixed(calls, late=late) if not errors else mixed(calls, errors, late, sla_threshold_s=THRESHOLD_S)
    assert calibration(rows)["agreement"] == agreement


def test_a_ring_group_is_judged_at_the_threshold_of_most_calls_unless_that_one_contradicts_it():
    usual = mixed(400)
    other = [answered(w, w <= 35, group=2) for n in range(200) for w in (10 + n % 30,)]
    small = [answered(12, group=3), answered(35, in_time=True, group=3)]
    found = chain([*usual, *other, *small], "wait_calibration")["wait_calibration"]
    shown = {row["member_id"]: (row["threshold_s"], row["errors"], row["agreement"]) for row in found}
    assert shown["1"] == (29, 0, "agrees")
    assert shown["2"] == (35, 0, "agrees")
    assert shown["3"] == (29, 1, "too_few")
    assert shown["(all)"] == (None, 1, "agrees")


def test_all_together_contradict_where_no_ring_group_has_enough_calls_to():
    rows = [answered(n, in_time=n % 2 == 0, group=n % 50, sla_threshold_s=20) for n in range(40) for _ in range(10)]
    found = chain(rows, "wait_calibration")["wait_calibration"]
    assert one(found, member_id="(all)")["agreement"] == "contradicts"


def test_calls_without_verdict_or_wait_and_outbound_ones_say_nothing():
    rows = [
        answered(3) | {"is_answered_within_sla": None},
        answered(3) | {"duration_s": None},
        answered(3) | {"duration_s": 50},
        answered(3, direction="outbound"),
        call("abandoned", duration_s=9, wait_s=9, wait_method="duration_less_talk", is_answered_within_sla=False),
    ]
    assert chain(rows, "wait_calibration")["wait_calibration"] == []


def test_there_is_nothing_to_calibrate_without_a_method():
    rows = [row | {"wait_method": None, "wait_s": None} for row in mixed(300)]
    assert chain(rows, "wait_calibration")["wait_calibration"] == []


# Power: how often a day of so many calls contradicts, by how often the method is on the wrong side of the verdict.

SHARE_LATE = 0.15
TRIALS = 100


def contradicted_share(calls, wait_of, seed=1):
    """The share of simulated days that contradict; `wait_of` takes dice and a verdict, and gives the wait."""
    dice = random.Random(seed)
    days = [DAY + timedelta(days=n) for n in range(TRIALS)]
    late = [dice.random() < SHARE_LATE for _ in range(TRIALS * calls)]
    schema = TABLES["calls"].arrow_schema
    same = {
        name: pa.repeat(pa.scalar(value, schema.field(name).type), len(late)) for name, value in answered(0).items()
    }
    rows = pa.table(
        same
        | {
            "local_date": pa.array([day for day in days for _ in range(calls)], pa.date32()),
            "call_id": pa.array(range(len(late)), pa.int64()),
            "talk_s": pa.repeat(pa.scalar(0, pa.int64()), len(late)),
            "duration_s": pa.array([wait_of(dice, is_late) for is_late in late], pa.int64()),
            "is_answered_within_sla": [not is_late for is_late in late],
        }
    )
    found = compute(TABLES["wait_calibration"], {"calls": rows}, days, ZoneInfo("UTC"))
    own = [one(day.to_pylist(), member_id="1") for day in found.values()]
    return sum(row["agreement"] == "contradicts" for row in own) / TRIALS


def wrong_so_often(error):
    """A method that puts a call on the wrong side of the threshold so often."""

    def wait_of(dice, is_late):
        return dice.randint(21, 60) if is_late != (dice.random() < error) else dice.randint(0, 20)

    return wait_of


@pytest.mark.parametrize(
    ("calls", "error", "least", "most"),
    [
        (50, 0.01, 0.0, 0.02),
        (200, 0.02, 0.0, 0.02),
        (1000, 0.02, 0.0, 0.02),
        (50, 0.10, 0.05, 0.5),
        (200, 0.10, 0.9, 1.0),
        (1000, 0.05, 0.9, 1.0),
    ],
)
def test_the_power_at_50_200_and_1000_calls(calls, error, least, most):
    assert least <= contradicted_share(calls, wrong_so_often(error)) <= most


def test_waits_that_have_nothing_to_do_with_the_verdict_contradict():
    assert contradicted_share(200, lambda dice, _: dice.randint(0, 60)) == 1
