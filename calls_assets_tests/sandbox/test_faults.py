"""The sandbox does what its fault plan says, on the requests that the plan names."""

import gzip
import json
import socket
import time

import pytest
import requests

from calls_assets.sandbox import Behaviour, FixedCalls, ListFault, Sandbox, WireFault

START = 1_754_308_800
SOURCE = FixedCalls([({"id": number, "started_at": START + number}, ()) for number in range(1, 11)])
WINDOW = {"dateFrom": "2025-08-04", "dateTo": "2025-08-04"}


def get(sandbox: Sandbox, **params: object) -> requests.Response:
    given = WINDOW | {name: str(value) for name, value in params.items()}
    headers = {"Access-Token": sandbox.token, "Accept-Encoding": "identity"}
    return requests.get(f"{sandbox.url}/calls/", given, headers=headers, timeout=0.5, allow_redirects=False)


def serving(*faults: WireFault | ListFault) -> Sandbox:
    return Sandbox(SOURCE, Behaviour(page_cap=4, order="oldest_first"), faults=faults)


def ids(answer: requests.Response) -> list[int]:
    return [call["id"] for call in answer.json()["calls"]]


def test_a_fault_strikes_on_the_requests_that_it_names_only() -> None:
    plan = [
        WireFault(kind="status", status=503, on=(2, 3)),
        WireFault(kind="status", status=504, every=5),
        WireFault(kind="status", status=408, where=lambda given: given.get("page") == "2", on=(2,)),
    ]
    with serving(*plan) as sandbox:
        assert [get(sandbox).status_code for _ in range(5)] == [200, 503, 503, 200, 504]
        assert [get(sandbox, page=2).status_code for _ in range(3)] == [200, 408, 200]
        assert len(sandbox.requests) == 8


def test_only_requests_with_the_right_token_are_counted() -> None:
    with serving(WireFault(kind="status", on=(1,))) as sandbox:
        assert requests.get(f"{sandbox.url}/calls/", timeout=1).status_code == 401
        assert get(sandbox).status_code == 503


def test_a_status_comes_with_its_headers() -> None:
    with serving(WireFault(kind="status", status=302, headers={"Location": "http://elsewhere/"})) as sandbox:
        answer = get(sandbox)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere/")
    assert answer.json() == {"error": "A fault of the plan: 302."}


def test_complete_answers_that_are_not_pages() -> None:
    with serving() as sandbox:
        right = get(sandbox).content
    kinds = ("short", "html", "empty", "bad_gzip", "cut_gzip")
    with serving(*(WireFault(kind=kind, on=(place,)) for place, kind in enumerate(kinds, 1))) as sandbox:
        raw = [raw_answer(sandbox) for _ in kinds]
    heads, bodies = zip(*raw, strict=True)
    assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads)
    assert all(b"Content-Length: %d\r\n" % len(body) in head for head, body in raw)
    assert bodies[0] == right[: len(right) // 2]
    assert bodies[1].startswith(b"<!doctype html>")
    assert bodies[2:4] == (b"", right)
    assert [b"Content-Encoding: gzip" in head for head in heads] == [False, False, False, True, True]
    with pytest.raises(EOFError):
        gzip.decompress(bodies[4])


def test_the_right_body_comes_in_broken_http() -> None:
    with serving() as sandbox:
        right = get(sandbox).content
    kinds = ("two_lengths", "bad_chunk", "many_headers", "no_http")
    with serving(*(WireFault(kind=kind, on=(place,)) for place, kind in enumerate(kinds, 1))) as sandbox:
        heads, bodies = zip(*(raw_answer(sandbox) for _ in kinds), strict=True)
    assert bodies == (right, b"-5e\r\n" + right, right, b"")
    assert [head.count(b"Content-Length: ") for head in heads] == [2, 0, 1, 0]
    assert b"Transfer-Encoding: chunked\r\n" in heads[1]
    assert heads[2].count(b"\r\n") > 1000
    assert heads[3] == right + b"\r\n"


def raw_answer(sandbox: Sandbox) -> tuple[bytes, bytes]:
    """The head and the body of an answer as they come."""
    with connected(sandbox) as connection:
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def connected(sandbox: Sandbox) -> socket.socket:
    """A connection on which a request has been sent."""
    host, port = sandbox.url.split("/")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=0.5)
    query = "&".join(f"{name}={value}" for name, value in WINDOW.items())
    connection.sendall(
        f"GET /api/v1/calls/?{query} HTTP/1.1\r\nHost: localhost\r\nAccess-Token: {sandbox.token}\r\n\r\n".encode()
    )
    return connection


def test_a_reset_comes_before_the_answer_or_in_the_middle_of_its_body() -> None:
    with serving(WireFault(kind="reset", on=(1,)), WireFault(kind="cut", on=(2,))) as sandbox:
        with connected(sandbox) as connection, pytest.raises(ConnectionResetError):
            connection.recv(1)
        with connected(sandbox) as connection:
            answer = connection.recv(65536)
            answer += connection.recv(65536) if answer.endswith(b"\r\n\r\n") else b""
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Length: %d" % (2 * len(body)) in head or b"Content-Length: %d" % (2 * len(body) + 1) in head


@pytest.mark.parametrize("kind", ["hang", "stall"])
def test_a_server_that_falls_silent_ends_with_the_sandbox(kind: str) -> None:
    begin = time.monotonic()
    with serving(WireFault(kind=kind)) as sandbox, connected(sandbox) as connection:
        received = connection.recv(65536) if kind == "stall" else b""
        with pytest.raises(TimeoutError):
            connection.recv(1)
    assert received[:12] == (b"HTTP/1.1 200" if kind == "stall" else b"")
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("kind", ["drip", "drip_head"])
def test_a_drip_is_the_right_answer_byte_by_byte(kind: str) -> None:
    with serving(WireFault(kind=kind, pause_s=0.001)) as sandbox, connected(sandbox) as connection:
        parts = list(iter(lambda: connection.recv(65536), b""))
    _, _, body = b"".join(parts).partition(b"\r\n\r\n")
    assert len(parts) > 100
    assert (len(parts[0]) < 20) == (kind == "drip_head")
    assert json.loads(body)["meta"]["total"] == 10


def test_calls_that_are_missing_early_are_inserted_and_late_are_deleted() -> None:
    inserted = ListFault(kind="without", ids=frozenset({1}), on=(1,))
    deleted = ListFault(kind="without", ids=frozenset({2, 5}), on=range(3, 99))
    with serving(inserted, deleted) as sandbox:
        answers = [get(sandbox) for _ in range(3)]
    assert [ids(answer) for answer in answers] == [[2, 3, 4, 5], [1, 2, 3, 4], [1, 3, 4, 6]]
    assert [answer.json()["meta"]["total"] for answer in answers] == [9, 10, 8]


@pytest.mark.parametrize(
    ("fault", "pages", "totals"),
    [
        (ListFault(kind="fewer"), [[1, 2, 3], [5, 6, 7], [9, 10], []], [10, 10, 10, 10]),
        (ListFault(kind="overlap"), [[1, 2, 3, 4], [4, 5, 6, 7], [7, 8, 9, 10], [10]], [10, 10, 10, 10]),
        (ListFault(kind="repeat"), [[1, 2, 3, 4]] * 4, [10, 10, 10, 10]),
        (ListFault(kind="no_rows"), [[], [], [], []], [10, 10, 10, 10]),
        (ListFault(kind="total", rows=-3), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []], [7, 7, 7, 7]),
        (ListFault(kind="moving_total"), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []], [11, 12, 13, 14]),
        (ListFault(kind="no_total"), [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], []], [None] * 4),
        (
            ListFault(kind="endless", rows=2),
            [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 10**15 + 10, 10**15 + 11], [10**15 + n for n in range(12, 16)]],
            [6, 10, 14, 18],
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, ListFault) else "",
)
def test_pages_and_totals_go_wrong_as_told(fault: ListFault, pages: list[list[int]], totals: list[int]) -> None:
    with serving(fault) as sandbox:
        answers = [get(sandbox, page=page) for page in range(1, 5)]
    assert [ids(answer) for answer in answers] == pages
    assert [answer.json()["meta"]["total"] for answer in answers] == totals
