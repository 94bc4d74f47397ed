"""Whatever account, zone and reading of the document: the same calls give the same bytes, and every invariant holds."""

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from calls_assets.sandbox import Behaviour, Centre, Meaning, Sandbox
from calls_assets.tables.catalog import TABLES

PLACES = [
    ("America/New_York", date(2025, 11, 1)),  # 25 hours on the second day
    ("America/New_York", date(2026, 3, 7)),  # 23 hours
    ("Australia/Lord_Howe", date(2026, 4, 4)),  # half an hour more
    ("Asia/Kathmandu", date(2025, 6, 1)),
    ("UTC", date(2025, 6, 1)),
]
"""Zones with the first of two days."""

meanings = st.builds(
    Meaning,
    sla_clock=st.sampled_from(["queue", "call"]),
    leg_start=st.sampled_from(["ring", "answer"]),
    duration=st.sampled_from(["call", "talk"]),
    distributed=st.sampled_from(["inside", "beside"]),
    short=st.sampled_from(["apart", "inside"]),
    warm=st.sampled_from(["inside", "beside"]),
    tokens=st.sampled_from(["outcome", "coarse"]),
    noise=st.sampled_from([0.0, 0.1]),
)
kinds = st.sampled_from(["office", "help_desk", "sales_floor", "round_the_clock"])
behaviours = st.builds(
    Behaviour,
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago"]),
    date_to_inclusive=st.booleans(),
    order=st.sampled_from(["newest_first", "oldest_first", "shuffled"]),
    page_cap=st.sampled_from([1000, 41]),
    total_as=st.sampled_from(("number", "string")),
)


def tables_of(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(Path(root).rglob("*.parquet"))}


def fit(check):
    """Whether a check that must hold on any account does; others tell of the account."""
    of_account = {"as_documented", "outcomes_from_vendor", "agrees"}
    return check.passed or check.check_name in of_account


WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.mark.slow
@settings(max_examples=6, phases=WITHOUT_SHRINKING, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PLACES), kinds, meanings, behaviours)
def test_no_account_zone_or_reading_of_the_document_changes_a_byte(run_pipeline, place, kind, meaning, behaviour):
    zone, first = place
    last = first + timedelta(days=1)
    centre = Centre(zone=zone, kind=kind, calls_per_day=100, meaning=meaning)
    select = list(TABLES)
    with tempfile.TemporaryDirectory() as folder:
        usual, other, alone = (Path(folder, name) for name in ("usual", "other", "alone"))
        with Sandbox(centre, replace(Behaviour(), zone=zone)) as api:
            result = run_pipeline(api, usual, first, last, zone, select=select)
            assert result.success
            assert [check for check in result.get_asset_check_evaluations() if not fit(check)] == []
            before = tables_of(usual)
            computed = [name for name, table in TABLES.items() if table.inputs]
            assert run_pipeline(api, usual, first, last, zone, select=computed).success
            assert tables_of(usual) == before
        with Sandbox(centre, behaviour) as api:
            assert run_pipeline(api, other, first, last, zone, select=select).success
            assert run_pipeline(api, alone, last, last, zone, select=select).success
        assert tables_of(other) == before
        assert tables_of(alone) == {name: content for name, content in before.items() if f"date={last}" in str(name)}
