"""Bad nights over HTTP: the run ends in the right data, or in one sentence with nothing lost, and a rerun mends it."""

import logging
import shutil
import socket
import threading
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import dagster as dg
import pytest

from calls_assets.api import client
from calls_assets.api.client import RETRIES, Client
from calls_assets.api.crawl import CRAWLS
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import Unavailable
from calls_assets.sandbox import Behaviour, Centre, FixedCalls, ListFault, Sandbox, WireFault

FIRST, LAST = date(2026, 3, 7), date(2026, 3, 8)
CALLS = [call for day in (FIRST, LAST) for call in Centre(calls_per_day=40).day(day)]
PAGES = 4  # of at most 20 of the 62 calls
FETCHED = ("raw_calls", "rejected_calls", "raw_call_types", "reconciliation")
QUERY = Query(date_from=FIRST, date_to=LAST)


def account(calls):
    return FixedCalls([(call.record, call.call_types) for call in calls])


def tree(root):
    """Every file of a table under a folder with its bytes, but for the history of pulls, which tells the nights apart."""
    files = {str(path.relative_to(root)): path for path in sorted(root.rglob("*.parquet"))}
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith("call_changes/")}


def the_calls(given):
    """Whether a request asks for the calls themselves, not for those of a call type."""
    return "callType" not in given


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(client, "LONGEST_BACKOFF_S", 0.02)


@pytest.fixture(scope="module")
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def concurrency():
    """Requests in flight at a time: one, so that the plan of the faults meets them in a known order."""
    return 1


@pytest.fixture
def night(run_pipeline, instance, tmp_path, concurrency):
    """Runs the first day, or both, on a sandbox with faults; gives the result, what was asked, and what Dagster logged.

    The window of the first day alone holds the calls of both, on four pages.
    """

    def night(
        *faults, into=tmp_path / "data", last=FIRST, calls=CALLS, order="newest_first", select=FETCHED, **api_fields
    ):
        api_fields.setdefault("concurrency", concurrency)
        behaviour = Behaviour(page_cap=20, order=order, total_as="string" if order == "shuffled" else "number")
        with Sandbox(account(calls), behaviour, faults=faults) as api:
            result = run_pipeline(api, into, FIRST, last, select=select, instance=instance, api_fields=api_fields)
        log = "\n".join(record.message for record in instance.all_logs(result.run_id))
        return result, api.requests, log

    return night


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def undisturbed(night, kept):
    """The files of a good night."""
    if not (kept / "good").exists():
        assert night(into=kept / "good")[0].success
    return tree(kept / "good")


@pytest.fixture
def fails(night, kept, undisturbed, tmp_path):
    """A night that fails over the files of an older one, and leaves those alone byte for byte."""
    if not (kept / "older").exists():
        assert night(into=kept / "older", calls=CALLS[5:])[0].success
    older = tree(kept / "older")
    assert older.keys() == undisturbed.keys()
    assert older != undisturbed

    def fails(*faults, **how):
        shutil.copytree(kept / "older", tmp_path / "data")
        result, requests, log = night(*faults, **how)
        assert not result.success
        (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
        assert (error.stack, error.cause) == ([], None)
        assert "\n" not in error.message
        assert tree(tmp_path / "data") == older
        return error.message, requests, log

    return fails


LATE = "was silent for 0.4 s, or took 1 times as long in all"
PASSING = {
    "statuses": [
        WireFault(kind="status", status=status, on=(2 * place + 2,))
        for place, status in enumerate((408, 429, 500, 502, 503, 504, 599))
    ],
    "reset": [WireFault(kind="reset", every=4)],
    "cut": [WireFault(kind="cut", every=9)],
    "no page": [
        WireFault(kind=kind, on=range(2 + place, 99, 7)) for place, kind in enumerate(("short", "html", "empty"))
    ],
    "gzip": [WireFault(kind="bad_gzip", on=(2, 9)), WireFault(kind="cut_gzip", on=(4, 13))],
    "no HTTP": [
        WireFault(kind=kind, on=range(2 + place, 99, 7))
        for place, kind in enumerate(("two_lengths", "bad_chunk", "many_headers", "no_http"))
    ],
    "hang": [WireFault(kind="hang", on=(2, 9))],
    "stall": [WireFault(kind="stall", on=(2, 9))],
    "drip": [WireFault(kind="drip", on=(2, 9), pause_s=0.01)],
    "drip from the first header on": [WireFault(kind="drip_head", on=(2, 9), pause_s=0.01)],
}
NO_JSON = "answered with a body that is not JSON"
WHY = {
    "statuses": [f"answered {status}" for status in (408, 429, 500, 502, 503, 504, 599)],
    "reset": ["closed the connection before it answered"],
    "cut": ["cut its answer short"],
    "no page": [NO_JSON],
    "gzip": ["cut its answer short", NO_JSON],
    "no HTTP": ["answered with something other than HTTP, or beyond its limits"],
}


@pytest.mark.parametrize("name", PASSING)
def test_what_can_pass_is_asked_again_and_the_log_says_why(night, undisturbed, tmp_path, monkeypatch, name):
    monkeypatch.setattr(client, "SILENCES_PER_ANSWER", 1)
    result, _, log = night(*PASSING[name], timeout_s=0.4)
    assert result.success
    assert tree(tmp_path / "data") == undisturbed
    for why in WHY.get(name, [LATE]):
        assert f"/calls/ {why}; asking again in 0.0 s (retry 1)." in log


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (WireFault(kind="status", status=503, on=range(3, 99)), "answered 503"),
        (WireFault(kind="reset", on=range(3, 99)), "closed the connection before it answered"),
        (WireFault(kind="cut", on=range(3, 99)), "cut its answer short"),
        (WireFault(kind="html", on=range(3, 99)), "answered with a body that is not JSON"),
        (WireFault(kind="hang", on=range(3, 99)), LATE),
        (WireFault(kind="drip", on=range(3, 99), pause_s=0.01), LATE),
        (
            WireFault(kind="two_lengths", on=range(3, 99)),
            "answered with something other than HTTP, or beyond its limits",
        ),
    ],
    ids=["503", "reset", "cut", "html", "hang", "drip", "no HTTP"],
)
def test_what_never_passes_ends_after_bounded_retries(fails, monkeypatch, fault, sentence):
    monkeypatch.setattr(client, "SILENCES_PER_ANSWER", 1)
    message, requests, log = fails(fault, timeout_s=0.2)
    assert f"/calls/ {sentence} (9 tries): check CALLS_API_URL" in message.replace("0.2", "0.4")
    assert len(requests) == 2 + 1 + RETRIES
    assert log.count("; asking again in ") == RETRIES


@pytest.mark.parametrize(
    ("status", "sentence", "more"),
    [
        (401, "refused the token (401): set CALLS_API_TOKEN", 0),
        (403, "), but not those without dates: if it keeps calls for a limited time, set CALLS_START_DATE", 1),
        (410, "refused the request (410", 0),
    ],
)
def test_a_refusal_in_the_middle_of_a_crawl_is_never_asked_again(fails, status, sentence, more):
    message, requests, _ = fails(WireFault(kind="status", status=status, on=(3,)))
    assert sentence in message
    assert len(requests) == 3 + more


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_page_that_is_refused_once_costs_no_call_for_the_day_is_read_by_direction(
    night, undisturbed, tmp_path, status
):
    result, *_ = night(WireFault(kind="status", status=status, on=(3,)))
    assert result.success
    assert tree(tmp_path / "data") == undisturbed


@pytest.mark.parametrize(
    "gone",
    [
        WireFault(kind="status", status=302, where=lambda given: given.get("callType") == "abandoned"),
        WireFault(kind="status", status=410, on=range(PAGES + 5, 999)),
    ],
    ids=["302", "410"],
)
def test_an_address_that_is_gone_in_the_middle_of_the_call_types_costs_no_label(fails, gone):
    message, *_ = fails(gone)
    assert str(gone.status) in message


def test_a_refused_token_in_the_middle_of_the_call_types_is_never_asked_again(fails):
    message, requests, _ = fails(WireFault(kind="status", status=401, on=(PAGES + 5,)))
    assert "refused the token (401)" in message
    assert len(requests) == PAGES + 5


@pytest.mark.parametrize("status", [302, 308])
def test_a_redirect_is_named_and_nothing_goes_there(fails, status):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        target = f"http://localhost:{elsewhere.getsockname()[1]}/calls/?token=secret"
        message, requests, _ = fails(WireFault(kind="status", status=status, headers={"Location": target}, on=(3,)))
        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert f"redirects to http://localhost ({status}), which is not followed" in message
    assert len(requests) == 3


def test_a_redirect_to_an_address_that_is_none_ends_in_the_same_sentence(fails):
    message, _, _ = fails(WireFault(kind="status", status=302, headers={"Location": "http://[nowhere"}, on=(3,)))
    assert "redirects to an invalid address (302), which is not followed" in message


def test_a_host_that_nobody_answers_on_ends_in_a_sentence(run_pipeline, tmp_path):
    with Sandbox(account([])) as gone:
        pass
    result = run_pipeline(gone, tmp_path / "data", FIRST, LAST)
    (error,) = [event.event_specific_data.error for event in result.all_events if event.is_step_failure]
    assert f"{gone.url}/calls/ could not be reached (9 tries): check CALLS_API_URL" in error.message
    assert not (tmp_path / "data").exists()


def test_a_wait_that_the_server_asks_for_is_kept_in_seconds_and_as_a_date(night, undisturbed, tmp_path):
    begin = time.monotonic()
    at = datetime.now(UTC) + timedelta(seconds=2)
    result, _, log = night(
        WireFault(kind="status", status=503, headers={"Retry-After": format_datetime(at, usegmt=True)}, on=(2,)),
        WireFault(kind="status", status=429, headers={"Retry-After": "1"}, on=(5,)),
    )
    assert result.success
    assert tree(tmp_path / "data") == undisturbed
    assert time.monotonic() - begin > 2
    assert "answered 503; asking again in " in log
    assert "answered 429; asking again in 1.0 s (retry 1)." in log


def test_too_long_a_wait_ends_the_run_at_once(fails):
    message, requests, _ = fails(WireFault(kind="status", status=429, headers={"Retry-After": "86400"}, on=(3,)))
    assert "answered 429 and asks us to wait 86400 s (1 try)" in message
    assert len(requests) == 3


MOVING = frozenset(call.record["id"] for call in CALLS[::5])  # some at the head, in the middle and at the end
ORDERS = ("newest_first", "oldest_first", "shuffled")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_that_come_in_between_two_pages_are_all_there(night, undisturbed, tmp_path, order):
    result, _, _ = night(ListFault(kind="without", ids=MOVING, on=(1, 2)), order=order)
    assert result.success
    assert tree(tmp_path / "data") == undisturbed


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("concurrency", [1, 8])
def test_calls_that_go_between_two_pages_take_no_other_call_along(night, kept, tmp_path, order):
    result, _, _ = night(ListFault(kind="without", ids=MOVING, on=range(3, 999)), order=order)
    assert result.success
    if not (kept / "never").exists():
        assert night(into=kept / "never", calls=[call for call in CALLS if call.record["id"] not in MOVING])[0].success
    assert tree(tmp_path / "data") == tree(kept / "never")


SETTLES = [
    ListFault(kind="overlap", rows=7),
    ListFault(kind="fewer", rows=5, on=(2,)),
    ListFault(kind="fewer", rows=19, on=(1,)),
    ListFault(kind="no_rows", on=(1,)),
    ListFault(kind="no_rows", on=(3,)),
    ListFault(kind="repeat", on=range(2, 6)),
    ListFault(kind="total", rows=2, on=(1, 2, 3, 4)),
    ListFault(kind="total", rows=-60, on=(1,)),
    ListFault(kind="moving_total", on=range(1, 7)),
    ListFault(kind="no_total", on=(1, 4)),
    ListFault(kind="endless", where=the_calls, on=range(2, 4)),
]


@pytest.mark.parametrize("fault", SETTLES, ids=lambda fault: f"{fault.kind} {fault.rows}")
def test_a_list_that_settles_gives_the_right_data(night, undisturbed, tmp_path, fault):
    result, _, _ = night(fault)
    assert result.success
    assert tree(tmp_path / "data") == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [8])
@pytest.mark.parametrize(
    "faults", [*PASSING.values(), *([fault] for fault in SETTLES)], ids=lambda faults: faults[0].kind
)
def test_with_several_pages_in_flight_the_same_nights_give_the_right_data(
    night, undisturbed, tmp_path, monkeypatch, faults
):
    monkeypatch.setattr(client, "SILENCES_PER_ANSWER", 1)
    result, _, _ = night(*faults, timeout_s=0.4)
    assert result.success
    assert tree(tmp_path / "data") == undisturbed


@pytest.mark.parametrize(
    ("fault", "figures"),
    [
        (ListFault(kind="repeat"), "20 different ids against a total of 56"),
        (ListFault(kind="fewer", rows=5), "45 different ids against a total of 56"),
        (ListFault(kind="no_rows"), "0 different ids against a total of 56"),
        (ListFault(kind="total", where=the_calls), "56 different ids against a total of 57"),
        (ListFault(kind="moving_total", where=the_calls), "56 different ids against a total of "),
        (ListFault(kind="endless", where=the_calls), "1080 different ids against a total of "),
        (
            ListFault(kind="no_rows", where=lambda given: given.get("callType") == "out_of_business_hours"),
            "0 different ids against a total of 9",
        ),
    ],
    ids=lambda value: f"{value.kind} {value.rows}" if isinstance(value, ListFault) else None,
)
def test_a_list_that_never_adds_up_ends_in_the_figures(fails, fault, figures):
    message, requests, _ = fails(fault)
    assert f"did not add up in {CRAWLS} crawls: {figures}" in message
    moves = fault.kind in ("moving_total", "endless")
    assert "; none of these days was replaced" in message
    assert ("run again later" in message) == (moves or fault.kind == "no_rows")
    assert ("running again alone will not help" in message) == (not moves and fault.kind != "no_rows")
    assert len(requests) < 400


@pytest.mark.parametrize(
    "fault", [ListFault(kind="repeat", where=the_calls), ListFault(kind="fewer", rows=5, where=the_calls)]
)
def test_a_list_that_cannot_be_read_is_had_by_direction(night, undisturbed, tmp_path, fault):
    assert night(fault)[0].success
    assert tree(tmp_path / "data") == undisturbed


def test_a_total_that_is_too_low_costs_no_call(night, undisturbed, tmp_path):
    result, *_ = night(ListFault(kind="total", rows=-1))
    assert result.success
    calls = f"raw_calls/date={FIRST}/raw_calls.parquet"
    assert tree(tmp_path / "data")[calls] == undisturbed[calls]


@pytest.mark.slow
def test_every_table_outlives_a_night_of_all_faults_and_a_rerun_mends_one_that_fails(night, tmp_path):
    """A failed night leaves the files as they were, so that this rerun stands for all."""
    assert night(into=tmp_path / "good", select=None, last=LAST)[0].success
    assert night(calls=CALLS[5:], select=None, last=LAST)[0].success
    older = tree(tmp_path / "data")
    assert not night(WireFault(kind="reset", on=range(15, 99)), select=None, last=LAST)[0].success
    assert tree(tmp_path / "data") == older
    kinds = ("status", "reset", "cut", "short", "html", "empty", "bad_gzip", "cut_gzip")
    plan = [WireFault(kind=kind, on=range(2 + place, 999, 11)) for place, kind in enumerate(kinds)]
    result, requests, log = night(*plan, select=None, last=LAST)
    assert result.success
    assert log.count("; asking again in ") > len(requests) / 2
    assert tree(tmp_path / "data") == tree(tmp_path / "good")


def test_retries_are_spread():
    waits = []
    with Sandbox(account([]), faults=[WireFault(kind="empty")]) as api:
        for _ in range(5):
            with Client(api.url, api.token, sleep=waits.append) as asking, pytest.raises(Unavailable):
                asking.fetch(QUERY, read_page)
    assert len(waits) == len(set(waits)) == 5 * RETRIES
    assert all(0.01 <= wait <= 0.02 for wait in waits)


def test_a_date_that_has_passed_does_not_use_up_the_retries_at_once():
    waits = []
    headers = {"Retry-After": "Mon, 01 Jan 2024 00:00:00 GMT"}
    with (
        Sandbox(account([]), faults=[WireFault(kind="status", headers=headers, on=range(1, 9))]) as api,
        Client(api.url, api.token, sleep=waits.append) as asking,
    ):
        asking.fetch(QUERY, read_page)
    assert min(waits) >= 0.01


def test_the_pace_holds_over_threads():
    started = []
    with Sandbox(account([])) as api, Client(api.url, api.token, requests_per_second=20) as asking:

        def read(body):
            started.append(time.monotonic())
            return read_page(body)

        threads = [threading.Thread(target=lambda: [asking.fetch(QUERY, read) for _ in range(4)]) for _ in range(6)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(started) == 24
    assert max(started) - begin >= 23 / 20
    assert sum(at - begin < 1 for at in started) <= 20


def test_a_pace_and_a_small_page_are_settings_of_the_pipeline(night, undisturbed, tmp_path):
    begin = time.monotonic()
    result, requests, _ = night(requests_per_second=40, page_size=10)
    assert result.success
    assert time.monotonic() - begin >= (len(requests) - 1) / 40
    assert {request["limit"] for request in requests} == {"10", "1"}
    assert tree(tmp_path / "data") == undisturbed


def test_a_connection_that_is_cut_while_tls_begins_is_asked_again(caplog):
    """A server that hangs up is no server with a wrong certificate."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            for _ in range(1 + RETRIES):
                connection, _ = server.accept()
                connection.recv(4096)
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with (
            Client(url, "token", log=logging.getLogger("calls")) as asking,
            pytest.raises(Unavailable, match=r"could not be reached \(9 tries\)"),
        ):
            asking.fetch(QUERY, read_page)
        thread.join()
    assert len(caplog.records) == RETRIES
