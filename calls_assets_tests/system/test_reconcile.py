"""From a difference to its calls: the walk of docs/reconcile.md on an account that counts otherwise than its fields say."""

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

import calls_assets
from calls_assets.days import day_start
from calls_assets.sandbox import FixedCalls, Sandbox

QUERIES = re.findall(
    r"^```sql\n(.*?)^```",
    (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text(),
    re.DOTALL | re.MULTILINE,
)
DAY = date(2026, 3, 6)
NOON = day_start(DAY, ZoneInfo("UTC")) + 43_200


@pytest.fixture
def account(make_call):
    """Ten calls, of which the API counts number 7, a voicemail, as answered, and number 8 as a callback."""

    def inbound(number, answered, *types, **changes):
        legs = {} if answered else {"all_agents": [], "answered_agents": [], "agents": [], "talk_time": 0}
        told = {"is_inbound": True, "is_answered": answered, "is_answered_within_sla": answered or None, "type": None}
        return make_call(number, NOON + 60 * number, **told | legs | changes), ["all_inbound", *types]

    in_time = ("inbound_answered", "inbound_answered_within_sla")
    calls = [inbound(number, True, *in_time) for number in range(1, 7)]
    calls += [
        inbound(7, False, *in_time),
        inbound(8, False, "abandoned", "callback"),
        inbound(9, False, "abandoned"),
        inbound(10, False, "callback", requested_callback=True),
    ]
    return FixedCalls(calls)


def test_the_walk_leads_to_the_calls_that_make_the_difference(account, run_pipeline, tmp_path):
    with Sandbox(account) as api:
        result = run_pipeline(api, tmp_path, DAY, DAY)
    assert result.success
    with calls_assets.connect(data_url=tmp_path) as connection:
        status, level, types, calls, abandoned, relations, waits = (
            connection.execute(query).fetchall() for query in QUERIES
        )
    assert status == [(DAY, "not_reconciled", 10, 0, 0, 3, 0)]
    assert level[0][0] == 6 / 8
    assert [row for row in types if row[3]] == [
        ("callback", 2, 1, 1),
        ("inbound_answered", 7, 6, 1),
        ("inbound_answered_within_sla", 7, 6, 1),
    ]
    assert [row[:3] for row in calls] == [
        ("callback", "api", 8),
        ("inbound_answered", "api", 7),
        ("inbound_answered_within_sla", "api", 7),
    ]
    assert [row[0] for row in abandoned] == [8, 9]
    assert len(relations) == 15
    assert waits == []
    failed = {
        (check.asset_key.to_user_string(), check.check_name): check.description
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }
    told = failed["reconciliation", "agrees"]
    assert told.startswith("Calls that only one side counts: callback 1 by api alone, inbound_answered 1 by api alone")


def test_a_day_that_agrees_has_no_such_calls(run_pipeline, tmp_path):
    with Sandbox() as api, dg.DagsterInstance.ephemeral() as instance:
        result = run_pipeline(api, tmp_path, DAY, DAY, instance=instance)
    (check,) = [c for c in result.get_asset_check_evaluations() if c.check_name == "agrees"]
    assert (check.passed, check.description) == (True, "The API counts every call type as we do.")
    assert len(calls_assets.read("reconciliation_calls", data_url=tmp_path)) == 0
    assert calls_assets.read("day_status", data_url=tmp_path)["status"].to_list() == ["final"]
