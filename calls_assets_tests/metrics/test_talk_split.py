from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.metrics.run import compute
from calls_assets.tables.catalog import CALL_AGENTS, RAW_CALLS
from calls_assets_tests.examples import examples

DAY, T = date(2026, 11, 1), 1_793_500_000


def split_all(cases):
    """Talk time of each leg in list order for cases (talk, starts), all in one query."""
    rows = [
        dict.fromkeys(RAW_CALLS.arrow_schema.names)
        | {"local_date": DAY, "id": n, "is_inbound": True, "is_ended": True, "started_at": T, "talk_time": talk}
        | {"answered_agents": [{"id": k, "started_at": start} for k, start in enumerate(starts)]}
        for n, (talk, starts) in enumerate(cases)
    ]
    raw = pa.Table.from_pylist(rows, RAW_CALLS.arrow_schema)
    legs = compute(CALL_AGENTS, {"raw_calls": raw}, [DAY], ZoneInfo("UTC"))[DAY].to_pylist()
    found = [[None] * len(starts) for _, starts in cases]
    for leg in legs:
        if leg["agent_id"] is not None:
            found[leg["call_id"]][leg["agent_id"]] = leg["talk_s"]
    return found, legs


VECTORS = [
    ((100, [T]), [100]),
    ((100, [T, T + 40]), [40, 60]),
    ((100, [T + 40, T]), [60, 40]),
    ((101, [T, T]), [51, 50]),
    ((100, [T, None]), [50, 50]),
    ((100, [None, None, None]), [34, 33, 33]),
    ((0, [T, T + 10]), [0, 0]),
    ((30, [T, T + 50]), [30, 0]),
    ((100, [T, T + 40, T + 70]), [40, 30, 30]),
    ((None, [T, T + 40]), [None, None]),
]


@pytest.mark.parametrize(("case", "expected"), VECTORS)
def test_hand_worked_vectors(case, expected):
    assert split_all([case])[0] == [expected]


def test_talk_that_no_agent_owns_is_a_leg_of_its_own():
    _, legs = split_all([(60, [])])
    assert [(leg["agent_key"], leg["talk_s"], leg["attribution"]) for leg in legs] == [
        ("unattributed", 60, "unattributed")
    ]


def test_legs_are_in_the_order_of_their_start_also_after_the_talk_is_over():
    _, legs = split_all([(30, [T, T + 90, T + 50, T + 30])])
    assert [leg["agent_id"] for leg in legs] == [0, 3, 2, 1]
    assert [leg["offset_s"] for leg in legs] == [0, 30, 30, 30]
    assert [leg["agent_id"] for leg in legs if leg["is_last"]] == [1]
    assert [leg["talk_s"] for leg in legs] == [30, 0, 0, 0]


def test_without_talk_too_who_began_first_is_first():
    _, legs = split_all([(0, [T + 40, T])])
    assert [leg["agent_id"] for leg in legs if leg["is_first"]] == [1]


start = st.one_of(st.none(), st.integers(T - 20, T + 400), st.just(0))


@examples(25, few=6)
@given(st.lists(st.tuples(st.integers(0, 300), st.lists(start, min_size=1, max_size=5)), min_size=1, max_size=40))
def test_the_split_conserves_the_talk_time_and_is_never_negative(cases):
    for (talk, _), shares in zip(cases, split_all(cases)[0], strict=True):
        assert sum(shares) == talk
        assert min(shares) >= 0
