"""A replay serves the calls of JSON lines, and those of a real month as quickly as simulated ones."""

import json
import subprocess
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

from calls_assets.sandbox import Behaviour, Centre, Replay, Sandbox

REAL = Path(__file__).parent.parent.parent.parent / "shared" / "real"
THERE = ZoneInfo("Asia/Jerusalem")
DAY = date(2026, 3, 6)


@pytest.fixture(scope="module")
def calls():
    return Centre(calls_per_day=100).day(DAY)


def get(api, **given):
    answer = requests.get(f"{api.url}/calls/", params=given, headers={"Access-Token": api.token}, timeout=30)
    assert answer.status_code == 200
    return answer.json()


def line_of(call):
    return json.dumps({"record": call.record, "call_types": sorted(call.call_types)})


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_the_lines_are_served_as_they_are_in_any_order_of_the_file(calls, encode):
    replay = Replay(encode(line) for line in ["\n", *map(line_of, calls[::-1])])
    assert (len(replay), replay.span) == (len(calls), (calls[0].started_at, calls[-1].started_at))
    day = {"dateFrom": str(DAY), "dateTo": str(DAY), "limit": "1000"}
    with Sandbox(replay) as api:
        assert {call["id"]: call for call in get(api, **day)["calls"]} == {
            call.record["id"]: call.record for call in calls
        }
        abandoned = [call for call in calls if "abandoned" in call.call_types]
        assert get(api, **day, callType="abandoned")["meta"]["total"] == len(abandoned) > 0
        noon = get(api, dateFrom=f"{DAY}T12:00:00", dateTo=f"{DAY}T13:00:00", limit="1000")["calls"]
        assert {datetime.fromtimestamp(call["started_at"], ZoneInfo("UTC")).hour for call in noon} == {12}
        assert get(api, dateFrom="2026-03-07", dateTo="2026-03-09")["calls"] == []


def test_calls_without_lines_are_an_empty_account():
    with Sandbox(Replay([])) as api:
        assert get(api, dateFrom="2000-01-01")["calls"] == []
    assert Replay([]).span is None


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"record": {}}',
        '{"record": {"started_at": "noon"}, "call_types": []}',
        "[" * 9999,
        b"\xff\xfe\xfd",
    ],
    ids=lambda line: str(line)[:20],
)
def test_a_line_that_is_not_a_call_is_named_by_its_number(line):
    with pytest.raises(ValueError, match="Line 2 is not a call to replay"):
        Replay(["", line])


@pytest.fixture(scope="module")
def january():
    """The lines of a real month."""
    done = subprocess.run([sys.executable, REAL / "records.py"], capture_output=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.skipif(not REAL.exists(), reason="the real month lies beside the checkout, not in it")
def test_the_real_january_is_served_whole_by_day_and_call_type(january):
    told = [json.loads(line) for line in january]
    of_day = Counter(str(datetime.fromtimestamp(one["record"]["started_at"], THERE).date()) for one in told)
    types = Counter(name for one in told for name in one["call_types"])
    assert len(told) == 31_554
    month = {"dateFrom": "2021-01-01", "dateTo": "2021-01-31", "limit": "1000"}
    with Sandbox(Replay(january), Behaviour(zone=THERE.key, order="oldest_first", dialect=("strings",))) as api:
        ids = []
        for page in range(1, 33):
            answer = get(api, **month, page=page)
            ids += [int(call["id"]) for call in answer["calls"]]
        assert answer["meta"]["total"] == 31_554
        assert sorted(ids) == sorted(one["record"]["id"] for one in told)
        for day in ("2021-01-03", "2021-01-31"):
            assert get(api, dateFrom=day, dateTo=day)["meta"]["total"] == of_day[day]
        for name in ("abandoned", "inbound_answered"):
            assert get(api, **month, callType=name)["meta"]["total"] == types[name]
