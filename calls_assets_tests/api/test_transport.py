"""Servers that break HTTP or bend it, over bare sockets: a page comes, or one sentence after bounded retries."""

import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from contextlib import ExitStack, contextmanager, suppress
from email.utils import formatdate
from itertools import chain, repeat

import pytest
import requests
from urllib3.exceptions import MaxRetryError

from calls_assets.api import client, failures
from calls_assets.api.client import RETRIES, Client
from calls_assets.api.decode import read_page
from calls_assets.api.errors import NotServed, Unavailable
from calls_assets_tests.api.script import PAGE, QUERY, TOKEN

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(PAGE)
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"%x\r\n%b\r\n" % (len(PAGE), PAGE)
GOOD = OK + LENGTH + b"\r\n" + PAGE


class Wire:
    """Sends to each connection the pieces of the next answer, the last answer for ever, and keeps what was asked."""

    def __init__(self, listening, answers):
        self.listening, self.answers, self.asked = listening, list(answers), []
        self.url = "http://{}:{}/api/v1".format(*listening.getsockname())

    def serve(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        asked = b""
        with connection, suppress(OSError):  # the client may leave
            while not asked.endswith(b"\r\n\r\n"):
                asked += connection.recv(65_536) or b"\r\n\r\n"
            self.asked.append(asked)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            for piece in [answer] if isinstance(answer, bytes) else answer():
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass


@contextmanager
def wire(*answers, port=0):
    with socket.create_server(("127.0.0.1", port)) as listening:
        told = Wire(listening, answers)
        serving = threading.Thread(target=told.serve, daemon=True)
        serving.start()
        try:
            yield told
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join(10)


def ask(url, **settings):
    with Client(url, TOKEN, sleep=lambda _: None, **settings) as asking:
        return asking.fetch(QUERY, read_page)


def slowly(begin, piece):
    """An answer that goes on for ever, and is never silent."""

    def answer():
        yield begin
        while True:
            time.sleep(0.02)
            yield piece

    return answer


def for_ever(begin, piece):
    return lambda: chain([begin], repeat(piece))


def packed(times):
    """The page in gzip in gzip."""
    body = PAGE
    for _ in range(times):
        body = gzip.compress(body)
    return OK + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        b", ".join([b"gzip"] * times),
        len(body),
        body,
    )


NO_HTTP = "answered with something other than HTTP, or beyond its limits"
CUT = "cut its answer short"
HUNG_UP = "closed the connection before it answered"


BROKEN = {
    "two lengths": (OK + b"Content-Length: 5\r\n" + LENGTH + b"\r\n" + PAGE, NO_HTTP),
    "two lengths in one": (OK + b"Content-Length: 5, 6\r\n\r\n" + PAGE, NO_HTTP),
    "a length beyond the answer": (OK + b"Content-Length: 1%018d\r\n\r\n" % 0 + PAGE, CUT),
    "a chunk of less than nothing": (CHUNKED + b"-5e\r\n" + PAGE + b"\r\n0\r\n\r\n", NO_HTTP),
    "a chunk of minus one": (CHUNKED + b"-1\r\n" + PAGE, CUT),
    "a chunk beyond the answer": (CHUNKED + b"f" * 17 + b"\r\n" + PAGE, CUT),
    "a chunk of no length": (CHUNKED + b"\r\n" + PAGE, CUT),
    "a chunk of a word": (CHUNKED + b"zz\r\n" + PAGE, CUT),
    "the length of a chunk without end": (for_ever(CHUNKED, b"0" * 4096), CUT),
    "a trailer without end": (for_ever(CHUNKED + CHUNK + b"0\r\n", b"x" * 4096), CUT),
    "a thousand headers": (OK + b"A: b\r\n" * 1000 + LENGTH + b"\r\n" + PAGE, NO_HTTP),
    "headers without end": (for_ever(OK, b"A: b\r\n" * 100), NO_HTTP),
    "a header without end": (for_ever(OK + b"A: ", b"x" * 4096), NO_HTTP),
    "a first line without end": (for_ever(b"HTTP/1.1 200 ", b"x" * 4096), NO_HTTP),
    "HTTP/0.9": (PAGE, NO_HTTP),
    "HTTP/2": (GOOD.replace(b"HTTP/1.1", b"HTTP/2.0"), NO_HTTP),
    "another protocol": (b"SSH-2.0-OpenSSH_9.9\r\n", NO_HTTP),
    "noise": (bytes(range(256)) * 100, NO_HTTP),
    "a status of four digits": (GOOD.replace(b"200", b"2000"), NO_HTTP),
    "a status below zero": (GOOD.replace(b"200", b"-20"), NO_HTTP),
    "nothing": (b"", HUNG_UP),
    "one informational answer": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + GOOD, "answered 103"),
    "another protocol from here on": (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "answered 101"),
    "packed three times": (packed(3), "answered with a body that was compressed more than twice"),
    "packed six times": (packed(6), "answered with a body that was compressed more than twice"),
}


@pytest.mark.parametrize(("answer", "sentence"), BROKEN.values(), ids=BROKEN)
def test_an_answer_that_breaks_http_is_asked_for_again_and_ends_in_a_sentence(answer, sentence):
    with wire(answer) as server, pytest.raises(Unavailable, match=rf"/calls/ {sentence} \(9 tries\): check CALLS_"):
        ask(server.url)
    assert len(server.asked) == 1 + RETRIES
    with wire(answer, GOOD) as server:
        assert ask(server.url).total == 0


@pytest.mark.parametrize(
    "answer",
    [
        GOOD.replace(LENGTH, LENGTH * 2),
        GOOD.replace(LENGTH, b"Content-Length: -5\r\n"),
        GOOD.replace(LENGTH, b"Content-Length: abc\r\n"),
        GOOD.replace(LENGTH, b"Content-Length: " + b"9" * 5000 + b"\r\n"),
        CHUNKED + CHUNK + b"0\r\n\r\n",
        OK + LENGTH.replace(b": ", b": 1") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK + b"0\r\n\r\n",
        CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in PAGE) + b"0\r\n\r\n",
        GOOD.replace(LENGTH, LENGTH + b"A: " + b"x" * 60_000 + b"\r\n"),
        GOOD.replace(LENGTH, LENGTH + b"no header\r\n\xff: \x00\r\nContent-Type: a/b; charset=none\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5 + GOOD,
        packed(1),
        packed(2),
    ],
)
def test_what_only_bends_http_is_read_where_the_page_is_whole(answer):
    with wire(answer) as server:
        assert ask(server.url).total == 0
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        slowly(b"HTTP/1.1 200 O", b"K"),
        slowly(OK, b"A: b\r\n"),
        slowly(OK + b"Content-Length: 999999\r\n\r\n", b" "),
        slowly(CHUNKED, b"1\r\n \r\n"),
        slowly(CHUNKED + CHUNK + b"0\r\n", b"A: b\r\n"),
        slowly(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        slowly(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
    ],
    ids=["status", "headers", "body", "chunks", "trailers", "1xx", "1xx at once", "gzip"],
)
def test_a_server_that_is_never_silent_has_its_time_in_all(answer, monkeypatch):
    monkeypatch.setattr(client, "SILENCES_PER_ANSWER", 1)
    monkeypatch.setattr(client, "RETRIES", 1)
    began = time.monotonic()
    with wire(answer) as server, pytest.raises(Unavailable, match=r"was silent for 0.2 s, or took .* \(2 tries\)"):
        ask(server.url, timeout_s=0.2)
    assert time.monotonic() - began < 20


def test_what_is_packed_in_many_small_parts_is_read_in_small_steps_since_each_part_costs_a_copy_of_the_rest(
    monkeypatch,
):
    steps, read = [], requests.Response.iter_content
    monkeypatch.setattr(requests.Response, "iter_content", lambda self, step: steps.append(step) or read(self, step))
    many = gzip.compress(b" ") * 1000 + gzip.compress(PAGE)
    packed = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(many) + many
    with wire(packed, GOOD) as server:
        assert [ask(server.url).total for _ in range(2)] == [0, 0]
    assert steps == [client.PACKED_CHUNK, client.CHUNK]


def test_no_cookie_is_kept_or_sent():
    bomb = b"".join(b"Set-Cookie: c%d=%b; Path=/\r\n" % (n, b"x" * 4000) for n in range(90))
    with (
        wire(GOOD.replace(LENGTH, LENGTH + b"Connection: close\r\n" + bomb)) as server,
        Client(server.url, TOKEN) as api,
    ):
        for _ in range(2):
            api.fetch(QUERY, read_page)
    assert len(server.asked) == 2
    assert b"cookie" not in server.asked[1].lower()


def test_every_answer_may_close_its_connection():
    with wire(GOOD.replace(LENGTH, LENGTH + b"Connection: close\r\n")) as server, Client(server.url, TOKEN) as api:
        assert [api.fetch(QUERY, read_page).total for _ in range(5)] == [0] * 5


def test_a_body_that_comes_byte_by_byte_takes_no_more_memory_than_one_at_once():
    answer = CHUNKED + b"1\r\n \r\n" * 100_000 + CHUNK + b"0\r\n\r\n"
    with wire(answer) as server:
        tracemalloc.start()
        assert ask(server.url).total == 0
        assert tracemalloc.get_traced_memory()[1] < 3 * 2**20
        tracemalloc.stop()


def test_a_name_that_nobody_knows_any_more_in_the_middle_of_a_run_is_asked_for_again(monkeypatch):
    unknown = [True, False, True, True, False]  # from the last one on

    def getaddrinfo(*_, **__):
        if unknown and unknown.pop():
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", server.listening.getsockname())]

    closing = GOOD.replace(LENGTH, LENGTH + b"Connection: close\r\n")
    with (
        wire(closing) as server,
        Client(server.url.replace("127.0.0.1", "localhost"), TOKEN, sleep=lambda _: None) as api,
    ):
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert [api.fetch(QUERY, read_page).total for _ in range(3)] == [0] * 3
    assert (len(server.asked), unknown) == (3, [])


def test_a_host_that_refuses_in_the_middle_of_a_run_is_asked_again_until_it_is_back():
    closing = GOOD.replace(LENGTH, LENGTH + b"Connection: close\r\n")
    waits = []
    with ExitStack() as later:

        def back(_):
            waits.append(_)
            if len(waits) == 2:
                later.enter_context(wire(closing, port=port))

        with wire(closing) as server:
            port = server.listening.getsockname()[1]
            api = later.enter_context(Client(server.url, TOKEN, sleep=back))
            assert api.fetch(QUERY, read_page).total == 0
        assert api.fetch(QUERY, read_page).total == 0
    assert len(waits) == 2


def test_headers_of_megabytes_take_no_more_memory_than_they_have():
    bomb = b"".join(b"A%d: %b\r\n" % (n, b"x" * 60_000) for n in range(90))
    tracemalloc.start()
    with wire(GOOD.replace(LENGTH, LENGTH + bomb)) as server:
        assert ask(server.url).total == 0
    assert tracemalloc.get_traced_memory()[1] < 60 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "given",
    ["-5", "nan", "inf", "1e400", "9" * 5000, "\u0663", "soon", "", "Mon, 99 Foo 20 99:99:99", "1" * 60_000]
    + [f"Thu, 01 Jan {'9' * digits} 00:00:00 GMT" for digits in (5, 20, 5000)]
    + ["Fri, 31 Dec 0001 23:59:59 GMT", "Fri, 31 Dec 1969 23:59:59 -9999", "Fri, 27 Nov 2026 00:00:00 +9959999999"],
)
def test_a_wait_that_nobody_can_read_or_that_is_past_is_none(given):
    assert failures.retry_after({"Retry-After": given}) in (None, 0.0)


@pytest.mark.parametrize("skew_s", [-90_000, 0, 90_000])
def test_a_moment_to_come_again_is_measured_by_the_clock_of_the_server(skew_s):
    now = time.time()
    told = {name: formatdate(now + skew_s + s, usegmt=True) for name, s in (("Date", 0), ("Retry-After", 40))}
    assert failures.retry_after(told) == 40
    assert failures.retry_after(told | {"Date": "yesterday"}) == pytest.approx(max(0, 40 + skew_s), abs=5)


def handshake(said):
    """The failure of a handshake, as it comes out of requests."""
    reason = ssl.SSLError(1, said)
    return requests.exceptions.SSLError(MaxRetryError(None, "/calls/", reason))


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (handshake("[SSL: CERTIFICATE_VERIFY_FAILED] certificate has expired"), NotServed, "no certificate that can"),
        (handshake("[SSL: WRONG_VERSION_NUMBER] wrong version number"), NotServed, "does not speak https"),
        (handshake("[SSL: TLSV1_ALERT_INTERNAL_ERROR]"), failures.TransientFailure, "could not be reached"),
        (requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: DECRYPTION_FAILED]")), failures.TransientFailure, CUT),
        (requests.exceptions.SSLError(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")), failures.TransientFailure, CUT),
    ],
)
def test_tls_that_breaks_is_blamed_on_the_certificate_only_where_that_is_why(error, kind, sentence):
    failure = failures.failure_of(error, failures.UnansweredRequest("https://host/calls/", 0.0, 5.0, "was late", str))
    assert type(failure) is kind
    assert sentence in str(failure)
