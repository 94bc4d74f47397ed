"""The calibration of waits: what it validates, what it does not, and with what power."""

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from calls_assets.metrics.run import compute
from calls_assets.tables.catalog import TABLES
from calls_assets_tests.metrics.chain import DAY, call, chain, one

THRESHOLD_S = 20


def answered(wait_s, in_time=None, **changes):
    """An answered call whose legs say that it waited so long; in time by the threshold, unless the vendor says else."""
    verdict = wait_s <= THRESHOLD_S if in_time is None else in_time
    return call("answered", speed_of_answer_s=wait_s, is_answered_within_sla=verdict, ring_group_id=1, **changes)


def calibration(rows, method="leg_start", member="1"):
    return one(chain(rows, "wait_calibration")["wait_calibration"], method=method, member_id=member)


def test_the_threshold_that_misclassifies_the_fewest_is_found_with_its_errors():
    waits = [*range(1, 21)] * 9 + [*range(24, 44)] * 2
    row = calibration([*map(answered, waits), answered(5, in_time=False), answered(40, in_time=True)])
    assert (row["calls"], row["calls_late"], row["errors"]) == (222, 41, 2)
    assert (row["threshold_s"], row["threshold_most_s"]) == (20, 23)
    assert (row["judged_at"], row["wait_status"]) == ("own", "validated")
    assert row["error_rate"] == pytest.approx(2 / 222)


def test_of_several_thresholds_the_lowest_is_taken_and_below_all_waits_is_one():
    assert calibration([answered(5), answered(30)])["threshold_s"] == 5
    row = calibration([answered(25), answered(30)])
    assert (row["threshold_s"], row["threshold_most_s"], row["errors"]) == (24, 24, 0)
    assert calibration([answered(5), answered(7)])["threshold_most_s"] is None


def test_the_talk_is_taken_off_the_duration_as_the_other_estimate():
    rows = [
        answered(9, duration_s=130, talk_s=100, in_time=False),
        answered(9, duration_s=110, talk_s=100, in_time=True),
    ]
    row = calibration(rows, "duration_less_talk")
    assert (row["threshold_s"], row["threshold_most_s"], row["errors"]) == (10, 29, 0)
    assert calibration(rows)["errors"] == 1


@pytest.mark.parametrize(
    ("early", "late", "wrong", "status"),
    [
        (160, 40, 0, "validated"),
        (160, 40, 4, "validated"),
        (160, 40, 5, "unverified"),
        (160, 39, 0, "unverified"),
        (196, 4, 0, "unverified"),
        (994, 6, 4, "unverified"),
        (994, 6, 3, "validated"),
        (4, 996, 0, "unverified"),
    ],
    ids=[
        "clean",
        "2 %",
        "above 2 %",
        "199 calls",
        "4 late",
        "most of the late wrong",
        "half of the late wrong",
        "4 in time",
    ],
)
def test_what_it_takes_to_be_validated(early, late, wrong, status):
    rows = [answered(10 + n % 10) for n in range(early)] + [answered(30 + n % 10) for n in range(late - wrong)]
    rows += [answered(10, in_time=False) for _ in range(wrong)]
    assert calibration(rows)["wait_status"] == status


def test_a_small_ring_group_follows_all_ring_groups_unless_its_own_calls_speak_against_it():
    big = [answered(10 + n % 30) for n in range(300)]
    small = [answered(10 + n % 30, in_time=n % 30 <= 10) | {"ring_group_id": 2} for n in range(40)]
    odd = [answered(30, in_time=True) | {"ring_group_id": 3} for _ in range(2)] + [
        answered(12) | {"ring_group_id": 3} for _ in range(4)
    ]
    found = chain(big + small + odd, "wait_calibration")["wait_calibration"]
    shown = {
        row["member_id"]: (row["judged_at"], row["threshold_s"], row["errors"], row["wait_status"]) for row in found
    }
    assert shown == {
        "(all)": ("own", 20, 2, "validated"),
        "1": ("own", 20, 0, "validated"),
        "2": ("all", 20, 0, "validated"),
        "3": ("all", 20, 2, "unverified"),
    }


def test_calls_without_verdict_or_estimate_and_outbound_ones_say_nothing():
    rows = [
        answered(3, is_ended=True) | {"is_answered_within_sla": None},
        answered(None, in_time=True),
        answered(3, direction="outbound"),
        call("abandoned", duration_s=9, is_answered_within_sla=False),
    ]
    assert chain(rows, "wait_calibration")["wait_calibration"] == []


# Power: how often a day of so many calls is validated, by how often the estimate is on the wrong side of the verdict.

SHARE_LATE = 0.15
TRIALS = 100


def validated_share(calls, wait_of, seed=1):
    """The share of simulated days that are validated; `wait_of` takes dice and a verdict, and gives the estimated wait."""
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
            "speed_of_answer_s": pa.array([wait_of(dice, is_late) for is_late in late], pa.int64()),
            "is_answered_within_sla": [not is_late for is_late in late],
        }
    )
    found = compute(TABLES["wait_calibration"], {"calls": rows}, days, ZoneInfo("UTC"))
    own = [one(day.to_pylist(), method="leg_start", member_id="1") for day in found.values()]
    return sum(row["wait_status"] == "validated" for row in own) / TRIALS


def wrong_so_often(error):
    """An estimate that puts a call on the wrong side of the threshold so often."""

    def wait_of(dice, is_late):
        return dice.randint(21, 60) if is_late != (dice.random() < error) else dice.randint(0, 20)

    return wait_of


@pytest.mark.parametrize(
    ("calls", "error", "least", "most"),
    [
        (50, 0.0, 0.0, 0.0),
        (200, 0.0, 1.0, 1.0),
        (200, 0.005, 0.95, 1.0),
        (200, 0.05, 0.0, 0.15),
        (200, 0.10, 0.0, 0.0),
        (1000, 0.01, 0.95, 1.0),
        (1000, 0.03, 0.0, 0.1),
        (1000, 0.05, 0.0, 0.0),
    ],
)
def test_the_power_at_50_200_and_1000_calls(calls, error, least, most):
    assert least <= validated_share(calls, wrong_so_often(error)) <= most


@pytest.mark.parametrize("calls", [200, 1000])
def test_waits_that_have_nothing_to_do_with_the_verdict_are_never_validated(calls):
    assert validated_share(calls, lambda dice, _: dice.randint(0, 60)) == 0
