"""The proof of how an account's waits are told, on its records: what it accepts, with what power, and what it sets."""

import math
import random
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.metrics.run import sql
from calls_assets.metrics.wait_proof import Fit, WaitProof, prove, prove_on_records, roundest
from calls_assets.sandbox import Centre, Meaning
from calls_assets.tables.catalog import CALLS
from calls_assets.waits import METHODS
from calls_assets_tests.accounts import simulated
from calls_assets_tests.examples import examples
from calls_assets_tests.metrics.chain import call, numbered

FIRST = date(2026, 3, 2)


def proof(rows):
    """The proof on rows of `calls`."""
    with duckdb.connect() as connection:
        connection.execute(sql("macros"))
        connection.register("calls", pa.Table.from_pylist(numbered(rows), CALLS.arrow_schema))
        return prove(connection)


def answered(wait_s, in_time, group=1, leg_s=None):
    return call(
        "answered",
        duration_s=wait_s + 60,
        talk_s=60,
        speed_of_answer_s=leg_s,
        is_answered_within_sla=in_time,
        ring_group_id=group,
        ring_group_name=f"Group {group}",
    )


def account(calls, error=0.0, threshold_s=20, group=1, seed=1):
    """Calls of up to 40 s of wait, of which a share has the other verdict, at random."""
    dice = random.Random(seed)
    waits = [dice.randrange(40) for _ in range(calls)]
    return [answered(wait, (wait <= threshold_s) != (dice.random() < error), group) for wait in waits]


def of_all(rows, method="duration_less_talk"):
    return next(fit for fit in proof(rows).of_all if fit.method == method)


@pytest.mark.parametrize(
    ("calls", "error", "method"),
    [
        (300, 0.0, None),
        (400, 0.0, "duration_less_talk"),
        (400, 0.01, None),
        (8000, 0.01, "duration_less_talk"),
        (8000, 0.02, None),
        (8000, 0.04, "none"),
    ],
)
def test_a_method_is_proven_on_as_many_calls_as_it_takes(calls, error, method):
    assert proof(account(calls, error)).method == method


def test_calls_that_are_hardly_ever_late_prove_nothing():
    rows = [answered(wait, True) for wait in range(40) for _ in range(50)]
    assert proof(rows).method is None
    assert proof([*rows, *[answered(60, False)] * 4]).method is None
    assert proof([*rows, *[answered(60, False)] * 5]).method == "duration_less_talk"
    assert proof([*rows, *[answered(60, False)] * 5, *[answered(5, False)] * 6]).method is None


@pytest.mark.slow
@pytest.mark.parametrize(("calls", "error"), [(500, 0.005), (2000, 0.01), (2000, 0.02)])
def test_the_power_is_as_often_as_such_a_method_is_proven(calls, error):
    fit = of_all(account(calls))
    stated = {0.005: fit.power_half_percent, 0.01: fit.power_one_percent, 0.02: 0.001}[error]
    found = sum(of_all(account(calls, error, seed=seed)).verdict == "proven" for seed in range(60)) / 60
    assert found == pytest.approx(stated, abs=0.2)


def test_the_power_is_told_beside_the_verdict():
    *_, power = proof(account(1000)).describe()
    assert power == (
        "1,000 calls prove a method that is wrong about 0.5 % of the verdicts with probability 0.87, about 1 % with 0.22, "
        "and hardly ever one that is wrong about 2 % or more."
    )


def test_thresholds_of_ring_groups_are_told_apart_and_set_by_id():
    found = proof([*account(2000), *account(500, threshold_s=31, group=7), *account(5, group=3)])
    assert found.variables == {"CALLS_WAIT": "duration_less_talk", "CALLS_SLA_SECONDS": "20,7:31"}


@pytest.mark.parametrize(
    "late", [[answered(w, w <= 31, group=7) for w in range(21, 36)] * 6, [answered(0, False, group=7)] * 90]
)
def test_a_ring_group_that_is_not_proven_at_a_threshold_of_its_own_gets_none(late):
    found = proof([*account(2000), *late])
    assert found.variables == {"CALLS_WAIT": "duration_less_talk", "CALLS_SLA_SECONDS": "20"}


def test_a_ring_group_of_late_calls_alone_does_not_set_the_threshold_of_all():
    found = proof([*account(600), *[answered(0, False, group=7)] * 3000])
    assert found.variables == {"CALLS_WAIT": "duration_less_talk", "CALLS_SLA_SECONDS": "20"}


def test_more_calls_are_wanted_while_the_preferred_method_may_still_be_proven():
    def settled(*verdicts):
        fits = [
            Fit(m, "(all)", None, 9, 3, 20, 20, 0, 0.0, v, 1.0, 1.0) for m, v in zip(METHODS, verdicts, strict=False)
        ]
        return WaitProof(fits).is_settled

    assert not settled()
    assert [settled("too_few", "proven"), settled("disproven", "too_few")] == [False, False]
    assert [settled("proven", "too_few"), settled("disproven", "proven"), settled("disproven", "disproven")] == [
        True
    ] * 3


def test_of_two_proven_methods_the_one_that_also_tells_of_those_who_hung_up_is_set():
    rows = [row | {"speed_of_answer_s": row["duration_s"] - 60} for row in account(500)]
    assert [fit.verdict for fit in proof(rows).of_all] == ["proven", "proven"]
    assert proof(rows).method == "duration_less_talk"


def test_a_ring_group_whose_verdicts_follow_no_threshold_is_named():
    rows = [*account(5000), *account(100, error=0.4, group=2)]
    assert proof(rows).method == "duration_less_talk"
    assert list(proof(rows).describe())[-1] == "Not in Group 2: its verdicts follow no threshold of the wait."


def test_without_a_verdict_nothing_can_be_proven():
    assert proof([]).method is None
    assert list(proof([]).describe()) == [
        "No answered inbound call has both a wait and is_answered_within_sla, so no method can be proven."
    ]


@pytest.mark.parametrize(
    ("least", "most", "threshold"), [(16, 24, 20), (21, 26, 25), (21, 24, 21), (20, None, 20), (21, None, 21)]
)
def test_of_thresholds_that_agree_equally_well_the_roundest_is_set(least, most, threshold):
    assert roundest(Fit("leg_start", "1", None, 9, 3, least, most, 0, 0.0, "proven", 1.0, 1.0)) == threshold


def test_the_proof_of_nothing_sets_nothing():
    assert WaitProof().variables == {}


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=60))
@examples(200, 30)
def test_no_threshold_is_wrong_about_fewer_calls(waits):
    def errors(threshold):
        return sum((wait <= threshold) != within for wait, within in waits)

    found = of_all([answered(wait, within) for wait, within in waits])
    everywhere = [errors(threshold) for threshold in range(-2, 62)]
    assert found.errors == min(everywhere) == errors(found.threshold_s)
    assert found.threshold_most_s is None or errors(found.threshold_most_s) == found.errors
    assert (found.calls, found.calls_late) == (len(waits), sum(not within for _, within in waits))


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1))
@examples(100, 40)
def test_the_binomial_is_that_of_exact_arithmetic(n, low, high):
    least, most = sorted((round(low * n), round(high * n)))
    weights = sum(math.comb(n, k) * 49 ** (n - k) for k in range(least, most + 1))
    with duckdb.connect() as connection:
        connection.execute(sql("macros"))
        ((found,),) = connection.execute("SELECT binomial(?, ?, ?, 0.02)", [least, most, n]).fetchall()
    assert found == pytest.approx(float(weights * 10**30 // 50**n) / 1e30, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("meaning", "method"),
    [
        pytest.param(Meaning(), "none", id="timer starts in the queue"),
        pytest.param(Meaning(sla_clock="call", sla_s=45), "duration_less_talk", id="leg starts at the ring"),
        pytest.param(Meaning(sla_clock="call", duration="talk"), "none", id="duration is the talk, leg is the ring"),
        pytest.param(
            Meaning(sla_clock="call", leg_start="answer", duration="talk"), "leg_start", id="duration is the talk"
        ),
        pytest.param(Meaning(sla_clock="call", sla_s=45, noise=0.1), "none", id="verdict is noise"),
        pytest.param(Meaning(sla_clock="call", sla_s=45, noise=0.01), "duration_less_talk", id="a little noise"),
    ],
)
def test_accounts_of_other_meanings_are_told_apart(meaning, method):
    centre = Centre(calls_per_day=400, meaning=meaning)
    raw = simulated(centre, [FIRST + timedelta(days=n) for n in range(21)])["raw_calls"].drop_columns("local_date")
    found = prove_on_records(raw)
    assert found.method == method
    if not meaning.noise:
        assert (centre.waits.method or "none") == method
        assert method == "none" or centre.waits.thresholds == found.thresholds
