"""One request: what is sent, what is asked again, and the sentence that it ends in."""

import gzip
import logging
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from calls_assets.api import client
from calls_assets.api.client import RETRIES, Client
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import NotServed, RequestRefused, TokenRefused, Unavailable
from calls_assets.sandbox import FixedCalls, Sandbox, WireFault

TOKEN = "a-conspicuous-secret"
QUERY = Query(date_from=date(2026, 3, 6), date_to=date(2026, 3, 7))
PAGE = b'{"calls": [], "meta": {"page": 1, "limit": 1000, "total": 0, "next": null, "previous": null}}'


class Script(HTTPServer):
    """Gives one reply after the other, (status, headers, body), the last one for ever; keeps what was asked."""

    def __init__(self, *replies):
        super().__init__(("127.0.0.1", 0), ScriptHandler)
        self.replies = list(replies)
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/api/v1"


class ScriptHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Access-Token")))
        replies = self.server.replies
        status, headers, body = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving(*replies):
    with Script(*replies) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def naps():
    return []


@pytest.fixture
def ask(naps):
    def ask(url, query=QUERY, **settings):
        with Client(url, TOKEN, sleep=naps.append, **settings) as client:
            return client.fetch(query, read_page)

    return ask


def test_the_token_and_every_parameter_are_sent_as_the_document_says(ask):
    query = Query(
        date_from=date(2026, 3, 6),
        date_to=date(2026, 3, 7),
        page=2,
        limit=10,
        number_ids=(1, 2),
        ring_group_id=3,
        ivr_id=4,
        list_id=5,
        agent_id=6,
        call_type="abandoned",
        disposition_ids=(7, 8),
        survey_ids=(9,),
    )
    with Sandbox(FixedCalls([]), token=TOKEN) as api:
        ask(api.url, query)
    assert api.requests == [
        {
            "dateFrom": "2026-03-06",
            "dateTo": "2026-03-07",
            "page": "2",
            "limit": "10",
            "numberIds": "1,2",
            "ringGroupId": "3",
            "ivrId": "4",
            "listId": "5",
            "agentId": "6",
            "callType": "abandoned",
            "dispositionIds": "7,8",
            "surveyIds": "9",
        }
    ]


def test_the_sample_of_the_document_goes_through_as_it_stands(ask, sample):
    with serving((200, {}, sample)) as server:
        page = ask(server.url)
    assert (page.records, page.rejects) == (page.calls.num_rows, ())
    assert page.calls.num_rows > 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_asked_for_once_and_named(ask, naps, status):
    with serving((status, {}, b"")) as server, pytest.raises(TokenRefused, match="set CALLS_API_TOKEN") as caught:
        ask(server.url)
    assert (len(server.asked), naps) == (1, [])
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error"), [(400, RequestRefused), (422, RequestRefused), (404, NotServed), (410, NotServed)]
)
def test_a_refused_request_is_asked_once_and_gives_the_servers_word(ask, status, error):
    with (
        serving((status, {}, b'{"error": "no such thing"}')) as server,
        pytest.raises(error, match=rf"{status}, 'no such thing'.*CALLS_API_URL"),
    ):
        ask(server.url)
    assert len(server.asked) == 1


def test_a_redirect_is_named_and_never_followed(ask):
    with serving((200, {}, PAGE)) as elsewhere:
        target = elsewhere.url + "/calls/?secret=1"
        with (
            serving((302, {"Location": target}, b"")) as server,
            pytest.raises(NotServed, match="redirects to") as caught,
        ):
            ask(server.url)
    assert elsewhere.asked == []
    assert "redirects to http://127.0.0.1 (302)" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "passing",
    [
        (408, {}, b""),
        (429, {}, b""),
        (500, {}, b""),
        (503, {}, b"<html>"),
        (200, {}, b""),
        (200, {}, b"<html>sorry</html>"),
        (200, {}, PAGE[:-20]),
        (200, {}, b'{"calls": []}'),
        (200, {"Content-Length": "5000"}, PAGE),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    ],
    ids=["408", "429", "500", "503", "empty", "html", "cut", "no total", "short of its length", "broken gzip"],
)
def test_what_can_pass_is_asked_again(ask, naps, caplog, passing):
    with serving(passing, passing, (200, {}, PAGE)) as server:
        assert ask(server.url, log=logging.getLogger("calls")).total == 0
    assert (len(server.asked), len(naps)) == (3, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_asking_again_is_bounded_and_backs_off(ask, naps):
    with serving((500, {}, b"")) as server, pytest.raises(Unavailable, match=r"answered 500 \(9 tries\)"):
        ask(server.url)
    assert len(server.asked) == RETRIES + 1
    assert sum(naps[4:]) > sum(naps[:4])
    assert max(naps) <= 8


def test_a_server_may_say_how_long_to_wait_in_seconds_or_as_a_date(ask, naps):
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    with serving((429, {"Retry-After": "17"}, b""), (429, {"Retry-After": at}, b""), (200, {}, PAGE)) as server:
        ask(server.url)
    assert naps[0] == 17
    assert naps[1] == pytest.approx(39, abs=2)


def test_a_server_that_asks_for_too_long_a_wait_ends_the_run(ask, naps):
    with serving((429, {"Retry-After": "86400"}, b"")) as server, pytest.raises(Unavailable, match="answered 429"):
        ask(server.url)
    assert naps == []


def test_a_host_that_nobody_answers_on_is_named_with_its_setting(ask):
    with serving((200, {}, PAGE)) as server:
        url = server.url
    with pytest.raises(Unavailable, match=rf"{url}/calls/ could not be reached .*check CALLS_API_URL"):
        ask(url)


def test_the_pace_of_requests_is_kept(naps):
    with (
        serving((200, {}, PAGE)) as server,
        Client(server.url, TOKEN, requests_per_second=2, sleep=naps.append) as client,
    ):
        for _ in range(3):
            client.fetch(QUERY, read_page)
    assert naps == [pytest.approx(0.5, abs=0.2), pytest.approx(1, abs=0.3)]


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("", "CALLS_API_URL is not set"),
        ("ftp://host/api", "'ftp://host/api' was given"),
        ("account.example.com", "such as https://account.example.com/api/v1"),
        ("http://[::1", "such as https://account.example.com/api/v1"),
        ("https://host:99999", "such as https://account.example.com/api/v1"),
        ("https://exa mple.com", "such as https://account.example.com/api/v1"),
        ("https://host/api?token=hidden", "'https://host/api' was given"),
        ("https://user:hidden@host/api", "'https://host/api' was given"),
    ],
)
def test_an_address_that_is_none_is_one_sentence_that_holds_no_secret(url, named):
    with pytest.raises(ValueError, match=r"^CALLS_API_URL is") as caught:
        Client(url, TOKEN)
    assert named in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://account.example.com/api", "http://10.0.0.1", "http://127.0.0.1.example.com"])
def test_the_token_goes_to_other_machines_over_https_unless_the_user_says_so(url):
    with pytest.raises(ValueError, match=r"CALLS_API_URL is an https address.*CALLS_ALLOW_HTTP=1"):
        Client(url, TOKEN)
    Client(url, TOKEN, allow_http=True)


@pytest.mark.parametrize("host", ["127.0.0.1:80", "127.1.2.3", "localhost:8080", "[::1]:80"])
def test_on_this_machine_plain_http_will_do(host):
    Client(f"http://{host}/api", TOKEN)


def test_a_server_that_echoes_the_token_does_not_get_it_into_a_message(ask):
    echo = f'{{"error": "what is {TOKEN}?"}}'.encode()
    with serving((400, {}, echo)) as server, pytest.raises(RequestRefused, match=r"what is \*\*\*\?"):
        ask(server.url)


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tökén"])
def test_a_token_that_no_header_can_carry_is_refused_unseen(token):
    with pytest.raises(ValueError, match=r"^CALLS_API_TOKEN (is not set|holds)") as caught:
        Client("https://host/api", token)
    assert not token.strip() or token not in str(caught.value)


def test_a_body_without_end_is_not_read_to_its_end(ask, naps, monkeypatch):
    monkeypatch.setattr(client, "LONGEST_ANSWER", 3 * 2**20)
    endless = gzip.compress(b" " * 50 * 2**20)
    with (
        serving((200, {"Content-Encoding": "gzip"}, endless)) as server,
        pytest.raises(NotServed, match="answered with more than 3 MiB to one request: set page_size lower"),
    ):
        ask(server.url)
    assert (len(server.asked), naps) == (1, [])


def test_a_proxy_never_hears_of_what_goes_to_this_machine(ask, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as proxy, serving((200, {}, PAGE)) as server:
        proxy.setblocking(False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert ask(server.url).total == 0
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_token_is_sent(ask, naps, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    with serving((200, {}, PAGE)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with pytest.raises(
            NotServed, match=r"has no certificate that can be trusted: [^\n]*self-signed certificate"
        ) as told:
            ask(server.url.replace("http://127.0.0.1", "https://localhost"))
        assert "Max retries" not in str(told.value)
    assert (server.asked, naps) == ([], [])


def test_a_port_that_does_not_speak_https_is_asked_once_and_not_blamed_on_a_certificate(ask, naps):
    with serving((200, {}, PAGE)) as server, pytest.raises(NotServed, match="does not speak https there: check"):
        ask(server.url.replace("http:", "https:"))
    assert naps == []


def self_signed(folder):
    """A key and a certificate of localhost that nobody else has signed, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


def test_a_refusal_whose_body_is_cut_is_still_a_refusal(ask, naps):
    with serving((401, {"Content-Length": "99"}, b"{")) as server, pytest.raises(TokenRefused):
        ask(server.url)
    assert (len(server.asked), naps) == (1, [])


def test_an_address_that_ends_in_calls_is_named():
    with pytest.raises(ValueError, match="was given: leave /calls/ out"):
        Client("https://a.example/api/v1/calls/", TOKEN)


def test_half_a_second_is_a_wait_too(ask, naps):
    with serving((429, {"Retry-After": "9.5"}, b""), (200, {}, PAGE)) as server:
        ask(server.url)
    assert naps == [9.5]


def test_a_wait_that_is_too_long_is_named(ask):
    with serving((429, {"Retry-After": "86400"}, b"")) as server, pytest.raises(Unavailable) as failure:
        ask(server.url)
    assert "answered 429 and asks us to wait 86400 s (1 try)" in str(failure.value)


def test_the_end_of_a_session_wakes_the_threads_that_wait():
    wait = WireFault(kind="status", status=503, headers={"Retry-After": "200"})
    with Sandbox(FixedCalls([]), faults=[wait]) as api, ThreadPoolExecutor(1) as pool:
        with Client(api.url, api.token) as asking:
            waiting = pool.submit(asking.fetch, Query(), read_page)
            while not api.requests:
                time.sleep(0.01)
        with pytest.raises(NotServed, match="The session with the API is over"):
            waiting.result(10)
