"""The sandbox over real HTTP: every parameter of the document, and every behaviour that it leaves open."""

import gzip
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from calls_assets.api.document import CALL_TYPES
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, Sandbox, SimulatedCall

MONDAY = date(2025, 8, 4)
NOW = int(datetime(2025, 8, 10, 12, tzinfo=UTC).timestamp())
CENTRE = Centre()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(CENTRE, now=lambda: NOW) as running:
        yield running


@pytest.fixture(scope="module")
def monday() -> tuple[SimulatedCall, ...]:
    return CENTRE.day(MONDAY)


def ask(sandbox: Sandbox, **params: object) -> dict[str, Any]:
    answer = get(sandbox, **params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def get(sandbox: Sandbox, **params: object) -> requests.Response:
    headers = {"Access-Token": sandbox.token, "Content-Type": "application/json"}
    given = {name: str(value) for name, value in params.items()}
    return requests.get(f"{sandbox.url}/calls/", given, headers=headers, timeout=10)


def ids(answer: dict[str, Any]) -> list[int]:
    return [call["id"] for call in answer["calls"]]


def at(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp())


def fixed(*moments: str) -> FixedCalls:
    """Calls 1, 2, ... that start at these moments."""
    return FixedCalls([({"id": place + 1, "started_at": at(iso)}, ()) for place, iso in enumerate(moments)])


def test_a_day_comes_as_the_centre_has_it(sandbox: Sandbox, monday: tuple[SimulatedCall, ...]) -> None:
    answer = ask(sandbox, dateFrom="2025-08-04", dateTo="2025-08-04", limit=1000)
    assert answer["calls"] == [call.record for call in reversed(monday)]
    assert answer["meta"] == {"page": 1, "limit": 1000, "total": len(monday), "next": None, "previous": None}


def test_pages_follow_one_another(sandbox: Sandbox, monday: tuple[SimulatedCall, ...]) -> None:
    window = {"dateFrom": "2025-08-04", "dateTo": "2025-08-04"}
    first, second = ask(sandbox, **window), ask(sandbox, **window, page=2)
    assert first["meta"] == {
        "page": 1, "limit": 100, "total": len(monday), "next": "/api/v1/calls/?page=2", "previous": None,
    }  # fmt: skip
    assert second["meta"]["previous"] == "/api/v1/calls/?page=1"
    assert ids(first) + ids(second) == [call.record["id"] for call in reversed(monday)][:200]
    beyond = ask(sandbox, **window, page=99)
    assert (beyond["calls"], beyond["meta"]["next"], beyond["meta"]["total"]) == ([], None, len(monday))


@pytest.mark.parametrize("call_type", CALL_TYPES)
def test_call_types_are_the_simulated_truth(
    sandbox: Sandbox, monday: tuple[SimulatedCall, ...], call_type: str
) -> None:
    answer = ask(sandbox, dateFrom="2025-08-04", dateTo="2025-08-04", callType=call_type, limit=1000)
    assert set(ids(answer)) == {call.record["id"] for call in monday if call_type in call.call_types}


FILTERS: list[tuple[str, str, Callable[[SimulatedCall], bool]]] = [
    ("numberIds", "12,13", lambda call: call.record["number"]["id"] in {12, 13}),
    ("ringGroupId", "2", lambda call: (call.record["ring_group"] or {}).get("id") == 2),
    ("ivrId", "1", lambda call: (call.record["ivr"] or {}).get("id") == 1),
    ("listId", "3", lambda call: 3 in (call.record["contact"] or {"list_ids": []})["list_ids"]),
    ("agentId", "101", lambda call: 101 in call.record["agents"]),
    ("dispositionIds", "1,6", lambda call: (call.record["disposition"] or {}).get("id") in {1, 6}),
    ("surveyIds", "1", lambda call: call.survey_id == 1),
    ("surveyIds", "1,2", lambda call: call.survey_id is not None),
]


@pytest.mark.parametrize(("name", "value", "wanted"), FILTERS)
def test_filters_choose(sandbox: Sandbox, name: str, value: str, wanted: Callable[[SimulatedCall], bool]) -> None:
    window = {"dateFrom": "2025-08-04", "dateTo": "2025-08-05", "limit": 1000}
    answer = ask(sandbox, **window, **{name: value})
    calls = CENTRE.between(at("2025-08-04T00:00+00:00"), at("2025-08-06T00:00+00:00"))
    expected = {call.record["id"] for call in calls if wanted(call)}
    assert expected
    assert set(ids(answer)) == expected
    both = ask(sandbox, **window, **{name: value}, callType="all_outbound")
    assert set(ids(both)) == {call.record["id"] for call in calls if wanted(call) and not call.record["is_inbound"]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("callType", "answered"), ("callType", ""), ("limit", "0"), ("limit", "1001"), ("limit", "ten"), ("page", "0"),
        ("page", "-1"), ("page", ""), ("numberIds", "1,,2"), ("numberIds", "a"), ("ringGroupId", "1,2"), ("ivrId", "x"),
        ("listId", "1.0"), ("agentId", ""), ("dispositionIds", "1;2"), ("surveyIds", " 1"), ("dateFrom", "yesterday"),
        ("dateFrom", "2025-02-30"), ("dateTo", "08/04/2025"), ("dateTo", "9999-12-31"), ("dateTo", "2025-08-04T25:00"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused_by_name(sandbox: Sandbox, name: str, value: str) -> None:
    answer = get(sandbox, **{name: value})
    assert answer.status_code == 400
    assert name in answer.json()["error"]


def test_the_token_the_path_and_the_verb_are_checked(sandbox: Sandbox) -> None:
    url = f"{sandbox.url}/calls/"
    headers = {"Access-Token": sandbox.token}
    refused = [
        (401, requests.get(url, timeout=10)),
        (401, requests.get(url, headers={"Access-Token": "other"}, timeout=10)),
        (404, requests.get(f"{sandbox.url}/agents/", headers=headers, timeout=10)),
        (404, requests.post(f"{sandbox.url}/agents/", headers=headers, timeout=10)),
        (405, requests.post(url, headers=headers, json={"a": 1}, timeout=10)),
        (405, requests.delete(url, headers=headers, timeout=10)),
    ]
    for status, answer in refused:
        assert answer.status_code == status
        assert answer.json()["error"]
    assert requests.head(url, headers=headers, timeout=10).status_code == 405


def test_without_dates_the_last_thirty_days_come(sandbox: Sandbox) -> None:
    total = ask(sandbox, limit=1)["meta"]["total"]
    assert total == len(CENTRE.between(NOW - 30 * 86_400, NOW + 1))


def test_nothing_of_the_future_comes_and_live_calls_are_live(monday: tuple[SimulatedCall, ...]) -> None:
    now = next(call.ended_at for call in monday if call.record["talk_time"] > 300) - 60
    with Sandbox(CENTRE, now=lambda: now) as sandbox:
        window = {"dateFrom": "2025-08-04", "dateTo": "2030-01-01", "limit": 1000}
        calls = ask(sandbox, **window)["calls"]
        assert max(call["started_at"] for call in calls) <= now
        live = [call for call in calls if not call["is_ended"]]
        assert live
        answered = {call["id"] for call in calls if call["is_inbound"] and call["is_answered"]}
        assert set(ids(ask(sandbox, **window, callType="inbound_answered"))) == answered
        now += 86_400
        later = {call["id"]: call for call in ask(sandbox, **window)["calls"]}
        assert all(later[call["id"]]["is_ended"] for call in live)
        assert all(later[call["id"]] == call for call in calls if call["is_ended"])


DAY_ENDS = fixed(
    "2025-08-03T23:59:59+00:00", "2025-08-04T00:00:00+00:00", "2025-08-04T03:59:59+00:00", "2025-08-04T04:00:00+00:00",
    "2025-08-04T23:59:59+00:00", "2025-08-05T00:00:00+00:00", "2025-08-05T03:59:59+00:00", "2025-08-05T04:00:00+00:00",
)  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "inclusive", "date_from", "date_to", "expected"),
    [
        ("UTC", True, "2025-08-04", "2025-08-04", {2, 3, 4, 5}),
        ("UTC", False, "2025-08-04", "2025-08-04", set()),
        ("UTC", False, "2025-08-04", "2025-08-05", {2, 3, 4, 5}),
        ("America/New_York", True, "2025-08-04", "2025-08-04", {4, 5, 6, 7}),
        ("America/New_York", False, "2025-08-04", "2025-08-05", {4, 5, 6, 7}),
        ("UTC", True, "2025-08-04T00:00:00", "2025-08-04T04:00:00", {2, 3, 4}),
        ("UTC", False, "2025-08-04T00:00:00Z", "2025-08-04T04:00:00Z", {2, 3}),
        ("UTC", False, "2025-08-04T00:00:00-04:00", "2025-08-05T00:00:00-04:00", {4, 5, 6, 7}),
        ("UTC", False, "2025-08-04T02:00:00+02:00", "2025-08-05T02:00:00+02:00", {2, 3, 4, 5}),
        ("America/New_York", False, "2025-08-04T00:00:00", "2025-08-05T00:00:00", {4, 5, 6, 7}),
        ("UTC", True, "2025-08-05", "2025-08-04", set()),
    ],
)
def test_dates_are_read_as_told(zone: str, inclusive: bool, date_from: str, date_to: str, expected: set[int]) -> None:
    with Sandbox(DAY_ENDS, Behaviour(zone=zone, date_to_inclusive=inclusive)) as sandbox:
        assert set(ids(ask(sandbox, dateFrom=date_from, dateTo=date_to))) == expected


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [("2025-03-09", "2025-03-09T05:00:00+00:00", "2025-03-10T03:59:59+00:00"),
     ("2025-11-02", "2025-11-02T04:00:00+00:00", "2025-11-03T04:59:59+00:00")],
)  # fmt: skip
def test_days_on_which_clocks_change_end_at_local_midnight(day: str, first: str, last: str) -> None:
    source = FixedCalls(
        [({"id": place, "started_at": at(iso) + off}, ()) for place, (iso, off) in enumerate(
            [(first, -1), (first, 0), (last, 0), (last, 1)])]
    )  # fmt: skip
    with Sandbox(source, Behaviour(zone="America/New_York")) as sandbox:
        assert set(ids(ask(sandbox, dateFrom=day, dateTo=day))) == {1, 2}


def test_orders() -> None:
    seen = {}
    for order in ("newest_first", "oldest_first", "shuffled"):
        with Sandbox(CENTRE, Behaviour(order=order), now=lambda: NOW) as sandbox:
            window = {"dateFrom": "2025-08-04", "dateTo": "2025-08-04"}
            seen[order] = ids(ask(sandbox, **window, limit=1000))
            assert ids(ask(sandbox, **window)) + ids(ask(sandbox, **window, page=2)) == seen[order][:200]
    assert seen["oldest_first"] == sorted(seen["oldest_first"]) == seen["newest_first"][::-1]
    assert sorted(seen["shuffled"]) == seen["oldest_first"]
    assert seen["shuffled"] not in (seen["oldest_first"], seen["newest_first"])


def test_a_page_cap_total_as_text_and_refused_call_types() -> None:
    behaviour = Behaviour(page_cap=50, total_as="string", refused_call_types=frozenset({"overflowed"}))
    with Sandbox(CENTRE, behaviour, now=lambda: NOW) as sandbox:
        window = {"dateFrom": "2025-08-04", "dateTo": "2025-08-04"}
        answer = ask(sandbox, **window, limit=1000, page=2)
        assert len(answer["calls"]) == answer["meta"]["limit"] == 50
        assert answer["meta"]["total"] == str(len(CENTRE.day(MONDAY)))
        assert len(ask(sandbox, **window, limit=20)["calls"]) == 20
        refused = get(sandbox, callType="overflowed")
        assert (refused.status_code, "callType" in refused.json()["error"]) == (400, True)
        assert ask(sandbox, **window, callType="abandoned")["calls"]


def test_latency_requests_and_concurrency_show() -> None:
    with Sandbox(fixed("2025-08-04T00:00:00+00:00"), Behaviour(latency_s=0.2)) as sandbox:
        begin = time.perf_counter()
        threads = [threading.Thread(target=ask, args=(sandbox,), kwargs={"page": page}) for page in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.perf_counter() - begin >= 0.2
        assert sorted(request["page"] for request in sandbox.requests) == ["1", "2", "3"]
        assert sandbox.peak_concurrency in {2, 3}


def test_malformed_records_are_served_as_they_are() -> None:
    records: list[dict[str, Any]] = [
        {"id": "x", "started_at": "soon", "contact": [], "all_agents": {"id": 1}, "number": 7},
        {"id": None, "all_agents": [None, 3, {"id": "a"}], "new_field": {"a": [1.5]}},
        {"id": 1, "started_at": at("2025-08-04T12:00+00:00"), "number": {"id": 5}, "is_ended": False},
    ]
    with Sandbox(FixedCalls([(record, ["transfer"]) for record in records])) as sandbox:
        window = {"dateFrom": "2025-08-04", "dateTo": "2025-08-04"}
        assert sorted(map(str, ask(sandbox, **window)["calls"])) == sorted(map(str, records))
        assert ask(sandbox, dateFrom="2025-08-05")["meta"]["total"] == 2
        assert ids(ask(sandbox, **window, numberIds="5")) == [1]
        assert ask(sandbox, **window, agentId="1", callType="transfer")["calls"] == []


def test_connections_are_kept_and_answers_zipped_on_request(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    bodies = []
    for accepted in ("gzip", "identity"):
        headers = {"Access-Token": sandbox.token, "Accept-Encoding": accepted}
        connection.request("GET", "/api/v1/calls/?dateFrom=2025-08-04&dateTo=2025-08-04", headers=headers)
        local = connection.sock.getsockname()
        answer = connection.getresponse()
        assert answer.getheader("Content-Encoding") == ("gzip" if accepted == "gzip" else None)
        body = answer.read()
        bodies.append((local, json.loads(gzip.decompress(body) if accepted == "gzip" else body)))
    connection.close()
    assert bodies[0] == bodies[1]


def test_a_closed_sandbox_serves_nobody() -> None:
    with requests.Session() as session:
        session.headers["Access-Token"] = "sandbox-token"
        with Sandbox(fixed("2025-08-04T00:00:00+00:00")) as sandbox:
            assert session.get(f"{sandbox.url}/calls/", timeout=10).status_code == 200
        with pytest.raises(requests.ConnectionError):
            session.get(f"{sandbox.url}/calls/", timeout=10)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "before", ["default_int_handler", "SIG_IGN"]
)  # what scripts start in the background ignores SIGINT
def test_run_serves_until_it_is_stopped(stop: signal.Signals, before: str) -> None:
    program = (
        f"import signal; signal.signal(signal.SIGINT, signal.{before})\n"
        "from calls_assets.sandbox.server import run; run(0, ready=lambda sandbox: print(sandbox.url, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert requests.get(f"{url}/calls/", timeout=10).status_code == 401
            process.send_signal(stop)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
