"""A share is good or bad against its target, and a difference on few calls is told from chance."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.report.judgement import (
    ABANDONMENT,
    SERVICE_LEVEL,
    Change,
    Rate,
    Standing,
    change,
    interval,
    standing,
)


@pytest.mark.parametrize(
    ("measure", "rate", "target", "stands"),
    [
        (SERVICE_LEVEL, Rate(80, 100), 0.8, Standing.MET),
        (SERVICE_LEVEL, Rate(790, 1000), 0.8, Standing.UNSURE),
        (SERVICE_LEVEL, Rate(740, 1000), 0.8, Standing.MISSED),
        (SERVICE_LEVEL, Rate(2, 3), 0.8, Standing.UNSURE),
        (SERVICE_LEVEL, Rate(0, 3), 0.8, Standing.MISSED),
        (ABANDONMENT, Rate(50, 1000), 0.05, Standing.MET),
        (ABANDONMENT, Rate(1, 3), 0.05, Standing.UNSURE),
        (ABANDONMENT, Rate(2, 3), 0.05, Standing.MISSED),
        (ABANDONMENT, Rate(1, 1000), 0, Standing.MISSED),
        (SERVICE_LEVEL, Rate(999, 1000), 1, Standing.MISSED),
        (SERVICE_LEVEL, Rate(15_900, 20_000), 0.8, Standing.UNSURE),
        (SERVICE_LEVEL, Rate(15_800, 20_000), 0.8, Standing.MISSED),
        (ABANDONMENT, Rate(55, 1000), 0.05, Standing.UNSURE),
        (ABANDONMENT, Rate(70, 1000), 0.05, Standing.MISSED),
        (SERVICE_LEVEL, Rate(0, 0), 0.8, None),
        (SERVICE_LEVEL, Rate(80, 100), None, None),
    ],
)
def test_a_missed_target_is_sure_where_chance_cannot_explain_it(measure, rate, target, stands):
    assert standing(measure, rate, target) is stands


def test_a_change_knows_which_way_is_good():
    worse, better = Rate(70, 100), Rate(90, 100)
    assert change(SERVICE_LEVEL, worse, better) == Change(pytest.approx(-20), is_better=False)
    assert change(ABANDONMENT, worse, better) == Change(pytest.approx(-20), is_better=True)
    assert change(SERVICE_LEVEL, Rate(7, 10), Rate(9, 10)) == Change(pytest.approx(-20), is_better=None)
    assert change(SERVICE_LEVEL, worse, None) is change(SERVICE_LEVEL, worse, Rate(0, 0)) is None


def test_the_intervals_are_those_of_the_literature():
    low, high = interval(Rate(81, 263))  # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
    assert (low, high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10: 56/70 and 48/80 differ by 0.0524 to 0.3339
    assert change(SERVICE_LEVEL, Rate(56, 70), Rate(48, 80)).is_better
    # ... and 9/10 and 3/10 by 0.1705 to 0.8090, while 6/7 and 2/7 differ by 0.0582 to 0.8062
    assert change(SERVICE_LEVEL, Rate(9, 10), Rate(3, 10)).is_better
    assert change(SERVICE_LEVEL, Rate(6, 7), Rate(2, 7)).is_better
    assert change(SERVICE_LEVEL, Rate(5, 56), Rate(0, 29)).is_better is None  # -0.0381 to 0.1926


def test_at_a_target_that_is_just_met_a_miss_is_called_sure_as_rarely_as_said():
    weights = [comb(50, n) * 0.8**n * 0.2 ** (50 - n) for n in range(51)]
    missed = [standing(SERVICE_LEVEL, Rate(n, 50), 0.8) is Standing.MISSED for n in range(51)]
    assert 0.01 < sum(weight for weight, is_missed in zip(weights, missed, strict=True) if is_missed) < 0.025


@given(st.integers(1, 300), st.integers(0, 300))
def test_an_interval_holds_the_share_and_narrows_with_more_calls(whole, part):
    rate = Rate(min(part, whole), whole)
    low, high = interval(rate)
    assert 0 <= low <= rate.share + 1e-12
    assert rate.share - 1e-12 <= high <= 1
    more_low, more_high = interval(Rate(10 * rate.part, 10 * whole))
    assert more_high - more_low < high - low
