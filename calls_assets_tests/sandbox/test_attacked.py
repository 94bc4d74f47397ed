"""The sandbox refuses malformed requests, still answers the others, and answers this machine alone."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime

import pytest
import requests

from calls_assets.sandbox import Centre, Sandbox, server

NOW = int(datetime(2025, 8, 10, 12, tzinfo=UTC).timestamp())
HOST = b"Host: 127.0.0.1\r\n"
TOKEN = b"Access-Token: sandbox-token\r\n"
WAIT_S = 30


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(Centre(calls_per_day=20), now=lambda: NOW) as running:
        yield running


def connected(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(sandbox.url.split(":")[2].split("/")[0])), timeout=WAIT_S)


def answers(sandbox: Sandbox, request: bytes) -> bytes:
    """All that comes back until the connection is closed."""
    came = b""
    with connected(sandbox) as connection, suppress(ConnectionError):  # who refuses need not read on
        connection.sendall(request)
        while part := connection.recv(65_536):
            came += part
    return came


def asking(query: str | bytes, more: bytes = b"") -> bytes:
    query = query if isinstance(query, bytes) else query.encode()
    return b"GET /api/v1/calls/?" + query + b" HTTP/1.1\r\n" + HOST + TOKEN + b"Connection: close\r\n" + more + b"\r\n"


def refused(answer: bytes) -> tuple[int, str]:
    """The status of the only answer, and its message."""
    assert answer.count(b"HTTP/1.1 ") == 1
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("&".join(f"p{n}=1" for n in range(8_000)), "The query string is malformed: Max number of fields exceeded."),
        ("limit=5&limit=6", "limit is given 2 times."),
        ("x=1&x=1", "x is given 2 times."),
        ("limit=%zz", "The query string is malformed: a % without two hex digits."),
        ("x=%ff", "The query string is malformed: 'utf-8' codec can't decode"),
        ("x=%ED%A0%80", "The query string is malformed: 'utf-8' codec can't decode"),
        ("limit=%00", "limit: '\N{REPLACEMENT CHARACTER}' is not an integer."),
        (b"limit=\0", "limit: '\N{REPLACEMENT CHARACTER}' is not an integer."),
        ("limit=-1", "limit: -1 is out of range."),
        ("limit=1000000000", "limit: 1000000000 is out of range."),
        ("limit=1e9", "limit: '1e9' is not an integer."),
        ("limit=%D9%A3", "limit: '٣' is not an integer."),
        ("limit=" + "9" * 60_000, f"limit: '{'9' * 79}…' is not an integer."),
        ("callType=" + "a" * 60_000, f"callType: '{'a' * 79}…' is not allowed."),
        ("dateFrom=9999-99-99", "dateFrom: '9999-99-99' is not an ISO 8601 date."),
        ("dateTo=9999-12-31", "dateTo: '9999-12-31' is not an ISO 8601 date."),
        ("dateFrom=" + "9" * 60_000, f"dateFrom: '{'9' * 79}…' is not an ISO 8601 date."),
    ],
    ids=lambda value: str(value[:30]),
)
def test_a_malformed_query_is_refused_briefly(sandbox, query, words):
    status, told = refused(answers(sandbox, asking(query)))
    assert (status, told[: len(words)]) == (400, words)
    assert len(told) < 250


@pytest.mark.parametrize(
    "dates", ["dateFrom=1970-01-01", "dateFrom=0001-01-01", "dateFrom=2020-01-01&dateTo=2024-01-01"]
)
def test_a_range_of_years_is_refused_before_it_is_simulated(sandbox, dates):
    assert refused(answers(sandbox, asking(dates))) == (422, "At most 1000 days can be asked for.")


LINE = b"GET /api/v1/calls/ HTTP/1.1\r\n"
UNFIT = {
    "a line of 1 MB": (414, asking("x=" + "1" * 1_000_000)),
    "a header of 1 MB": (431, asking("", b"X: " + b"1" * 1_000_000 + b"\r\n")),
    "headers of 100 MB": (431, asking("", b"".join(b"X-%d: " % n + b"1" * 10_000 + b"\r\n" for n in range(10_000)))),
    "many headers": (431, asking("", b"X: 1\r\n" * 200)),
    "a body": (400, asking("", b"Content-Length: 5\r\n") + b"12345"),
    "a body of no length": (400, asking("", b"Content-Length: x\r\n")),
    "a body in chunks": (400, asking("", b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n"),
    "a request in a body": (400, LINE + HOST + b"Content-Length: 99\r\n\r\n" + asking("limit=5")),
    "another verb": (405, b"TRACE /api/v1/calls/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    "no verb": (405, b"get /api/v1/calls/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    "another version": (400, b"GET /api/v1/calls/ HTTP/3.0\r\n" + HOST + b"\r\n"),
    "an old version": (421, b"GET /api/v1/calls/\r\n\r\n"),
    "another protocol": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
    "no host": (421, LINE + TOKEN + b"\r\n"),
    "another host": (421, LINE + b"Host: rebound.example\r\n" + TOKEN + b"\r\n"),
    "another host too": (421, LINE + HOST + b"Host: rebound.example\r\n" + TOKEN + b"\r\n"),
    "the address of another": (421, LINE.replace(b" /", b" http://rebound.example/") + HOST + TOKEN + b"\r\n"),
    "no address": (400, b"GET http://[::1/calls/ HTTP/1.1\r\n" + HOST + TOKEN + b"\r\n"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_an_unfit_request_is_refused_and_the_connection_closed(sandbox, what):
    status, request = UNFIT[what]
    answer = answers(sandbox, request)
    if answer or len(request) < 100_000:  # what was not read any more can cost the answer too
        assert refused(answer)[0] == status
    assert refused(answers(sandbox, asking("limit=0")))[0] == 400


def test_it_is_reached_by_the_loopback_address_alone_and_by_each_name_of_that(sandbox):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", int(sandbox.url.split(":")[2].split("/")[0])), timeout=WAIT_S)
    for host in ("127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]:3000"):
        assert b" 200 OK" in answers(sandbox, asking("limit=1").replace(b"127.0.0.1", host.encode()))


def test_half_requests_hold_nobody_up_and_are_not_held_for_ever(sandbox, monkeypatch):
    monkeypatch.setattr(server._Handler, "timeout", 3)
    with ExitStack() as stack:
        held = [stack.enter_context(connected(sandbox)) for _ in range(200)]
        for connection in held:
            connection.sendall(LINE + HOST)
        assert b" 200 OK" in answers(sandbox, asking("limit=1"))
        assert {connection.recv(1) for connection in held} == {b""}


def test_two_hundred_clients_at_a_time_are_answered(sandbox):
    def ask(page: int) -> int:
        headers = {"Access-Token": sandbox.token}
        return requests.get(f"{sandbox.url}/calls/", {"page": page}, headers=headers, timeout=WAIT_S).status_code

    with ThreadPoolExecutor(200) as clients:
        assert set(clients.map(ask, range(1, 201))) == {200}
