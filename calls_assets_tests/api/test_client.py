"""One request: what is sent, what is asked again, and the sentence that it ends in."""

import gzip
import logging
import socket
import ssl
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qsl, unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from calls_assets.api import client
from calls_assets.api.client import RETRIES, Client
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import ApiError, DatesRefused, NotServed, RequestRefused, TokenRefused, Unavailable
from calls_assets.sandbox import FixedCalls, Sandbox, WireFault
from calls_assets_tests.api.script import PAGE, QUERY, TOKEN, FakeTime, serving


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
    assert (len(server.asked), naps, caught.value.status) == (1 if status == 401 else 2, [], status)
    assert TOKEN not in str(caught.value)


def test_dates_that_are_refused_where_others_are_answered_are_not_taken_for_the_token(ask, sample):
    refusal = (403, {}, b'{"error": "Your plan keeps 90 days."}')
    with (
        serving(refusal, (200, {}, sample)) as server,
        pytest.raises(
            DatesRefused, match=r"\(403, 'Your plan keeps 90 days.'\), but not those without.*CALLS_START_DATE"
        ),
    ):
        ask(server.url)
    assert len(server.asked) == 2


def test_a_failure_that_passes_does_not_make_refused_dates_a_refused_token(ask, naps, sample):
    refusal = (403, {}, b'{"error": "Your plan keeps 90 days."}')
    replies = [refusal, (503, {}, b""), refusal, (200, {}, sample)]
    with serving(*replies) as server, pytest.raises(DatesRefused, match="keeps 90 days"):
        ask(server.url)
    assert (len(server.asked), len(naps)) == (4, 1)


def test_a_token_that_is_revoked_after_dates_were_refused_is_named(ask, sample):
    refusal = (403, {}, b"{}")
    with serving(refusal, (200, {}, sample), refusal) as server, Client(server.url, TOKEN) as api:
        with pytest.raises(DatesRefused):
            api.fetch(QUERY, read_page)
        with pytest.raises(TokenRefused):
            api.fetch(QUERY, read_page)


@pytest.mark.parametrize("status", [401, 403])
def test_why_a_token_is_refused_is_told_in_the_servers_words(ask, status):
    with (
        serving((status, {}, b'{"message": "Token expired."}')) as server,
        pytest.raises(TokenRefused, match=rf"says 'Token expired.' and refused the token \({status}\): set CALLS_API_"),
    ):
        ask(server.url)


@pytest.mark.parametrize(
    ("status", "error"),
    [(status, RequestRefused) for status in (400, 402, 404, 405, 422, 501)]
    + [(status, NotServed) for status in (206, 406, 410, 451)],
)
def test_a_refused_request_is_asked_once_and_gives_the_servers_word(ask, naps, status, error):
    with (
        serving((status, {}, b'{"error": "no such thing"}')) as server,
        pytest.raises(error, match=rf"{status}, 'no such thing'.*CALLS_API_URL") as caught,
    ):
        ask(server.url)
    assert (len(server.asked), naps, caught.value.status) == (1, [], status)


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 422, 501])
def test_a_refused_call_type_is_named_and_never_blamed_on_the_token(ask, naps, status):
    sentence = rf"refused the call type abandoned \({status}, 'upgrade your plan'\)"
    with (
        serving((status, {}, b'{"error": {"code": 7, "message": "upgrade your plan"}}')) as server,
        pytest.raises(RequestRefused, match=sentence) as caught,
    ):
        ask(server.url, replace(QUERY, call_type="abandoned"))
    assert (len(server.asked), naps, caught.value.status) == (1, [], status)


def test_a_token_that_is_refused_for_a_call_type_is_still_one(ask):
    with serving((401, {}, b"")) as server, pytest.raises(TokenRefused):
        ask(server.url, replace(QUERY, call_type="abandoned"))


@pytest.mark.parametrize("query", [QUERY, replace(QUERY, call_type="abandoned")], ids=["calls", "type"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b" \n<!doctype html><title>Blocked</title>"),
        ({}, b'\xef\xbb\xbf<?xml version="1.0"?><Error/>'),
        ({"Content-Type": "text/html; charset=utf-8"}, b"Your address is blocked."),
        ({"Content-Type": "text/html", "Content-Encoding": "gzip"}, gzip.compress(b"<html>" * 100_000)),
    ],
    ids=["html", "xml", "text", "long"],
)
def test_a_gateway_that_forbids_is_not_blamed_on_the_token(ask, naps, query, headers, body):
    with (
        serving((403, headers, body)) as server,
        pytest.raises(
            NotServed, match=r"a web page \(403\), by a gateway.*not by the API.*CALLS_API_URL.*allow-list"
        ) as caught,
    ):
        ask(server.url, query)
    assert "TOKEN" not in str(caught.value)
    assert (len(server.asked), naps, caught.value.status) == (1, [], 403)


def test_json_that_is_said_to_be_html_is_the_apis_own(ask):
    reply = 403, {"Content-Type": "text/html"}, b'{"error": "no such token"}'
    with serving(reply) as server, pytest.raises(TokenRefused, match="says 'no such token'"):
        ask(server.url)


def test_an_answer_without_content_is_an_empty_page(ask, naps):
    with serving((204, {"Content-Length": "0"}, b"")) as server:
        page = ask(server.url)
    assert (page.records, page.total, len(server.asked), naps) == (0, None, 1, [])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"error": "database is down"}', "JSON without a list 'calls', saying 'database is down'"),
        (b'{"success": false, "message": "Try later"}', "JSON without a list 'calls', saying 'Try later'"),
        (b'{"ok": false}', r"JSON without a list 'calls' \(9 tries\)"),
    ],
    ids=["error", "message", "wordless"],
)
def test_a_page_that_is_an_error_is_asked_for_again_and_its_words_are_shown(ask, body, sentence):
    with serving((200, {}, body)) as server, pytest.raises(Unavailable, match=sentence) as caught:
        ask(server.url)
    assert (len(server.asked), caught.value.status) == (1 + RETRIES, 200)


def test_a_web_page_that_stays_is_told_for_what_it_is(ask):
    with (
        serving((200, {"Content-Type": "text/html"}, b"<html>Log in</html>")) as server,
        pytest.raises(
            Unavailable, match="check CALLS_API_URL and the network, because a web page came instead of JSON"
        ),
    ):
        ask(server.url)
    assert len(server.asked) == 1 + RETRIES


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["/api/v1/calls", "{origin}/api/v1/calls?page=9&token=x", "/api/v1/calls?dateFrom=2020-01-01#top", "../calls"],
)
def test_a_slash_that_the_server_does_not_want_is_left_out_for_the_whole_session(status, location):
    def reply(path):
        origin = server.url.removesuffix("/api/v1")
        if path.startswith("/api/v1/calls/"):
            return status, {"Location": location.format(origin=origin)}, b""
        return 200, {}, PAGE

    with serving(reply) as server, Client(server.url, TOKEN) as asking:
        for page in (1, 2, 3):
            assert asking.fetch(replace(QUERY, page=page), read_page).total == 0
    sent = [(path, dict(parse_qsl(query))) for path, _, query in (path.partition("?") for path, _ in server.asked)]
    assert [path for path, _ in sent] == ["/api/v1/calls/", *["/api/v1/calls"] * 3]
    assert [params for _, params in sent] == [replace(QUERY, page=page).params() for page in (1, 1, 2, 3)]
    assert {token for _, token in server.asked} == {TOKEN}


@pytest.mark.parametrize(
    "location",
    [
        "/api/v1/calls/",
        "/api/v1/calls//",
        "/api/v2/calls",
        "/login",
        "//127.0.0.1/api/v1/calls",
        "https://127.0.0.1:{port}/api/v1/calls",
        "http://localhost:{port}/api/v1/calls",
        "http://user@127.0.0.1:{port}/api/v1/calls",
        "http://127.0.0.1:{other}/api/v1/calls",
        "http://[nowhere/api/v1/calls",
        "",
    ],
)
def test_every_other_redirect_is_refused(ask, location):
    def reply(path):
        there = location.format(port=server.server_port, other=server.server_port - 1)
        return 301, {"Location": there}, b""

    with serving(reply) as server, pytest.raises(NotServed, match=r"redirects to .* \(301\), which is not") as caught:
        ask(server.url)
    assert (len(server.asked), caught.value.status) == (1, 301)


def test_two_addresses_that_redirect_to_each_other_end_after_one_hop(ask):
    def reply(path):
        there = "/api/v1/calls/" if path.startswith("/api/v1/calls?") else "/api/v1/calls"
        return 308, {"Location": there}, b""

    with serving(reply) as server, pytest.raises(NotServed, match=r"redirects to /api/v1/calls/ \(308\)"):
        ask(server.url)
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [303, 304, 300])
def test_what_is_no_redirect_to_ask_again_is_not_followed(ask, status):
    with serving((status, {"Location": "/api/v1/calls"}, b"")) as server, pytest.raises(NotServed, match="redirects"):
        ask(server.url)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "location",
    [
        f"/login/{TOKEN}",
        f"/login/{TOKEN.upper()}",
        "/login/" + "".join(f"%{ord(sign):02x}" for sign in TOKEN),
        f"/login/{TOKEN.replace('a', '%2561')}",
        f"https://{TOKEN}.example.com/",
        f"https://{TOKEN}@example.com/",
    ],
)
def test_a_redirect_that_holds_the_token_does_not_get_it_into_a_message(ask, location):
    with serving((302, {"Location": location}, b"")) as server, pytest.raises(NotServed) as caught:
        ask(server.url)
    assert TOKEN not in unquote(unquote(str(caught.value))).lower()


def test_a_moment_since_1970_in_retry_after_is_that_moment(ask, naps):
    at = time.time() + 40
    given = [f"{at:.0f}", f"{at * 1000:.0f}", f"{at:.1f}", f"{at - 99:.0f}"]
    with serving(*((503, {"Retry-After": value}, b"") for value in given), (200, {}, PAGE)) as server:
        ask(server.url)
    assert naps[:3] == [pytest.approx(39.5, abs=2)] * 3
    assert 0 < naps[3] <= 8


def test_a_moment_that_is_too_far_off_ends_the_run(ask, naps):
    later = f"{time.time() + 3600:.0f}"
    with (
        serving((503, {"Retry-After": later}, b"")) as server,
        pytest.raises(Unavailable, match=r"wait 3\d{3}.* s \(1 try"),
    ):
        ask(server.url)
    assert naps == []


@pytest.fixture
def unresolved(monkeypatch):
    """No name is known, or with another error, to nobody who asks."""

    def unresolved(number):
        def getaddrinfo(*_, **__):
            raise socket.gaierror(number, "as the system has it")

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return unresolved


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (socket.EAI_NONAME, "because there is no such host name"),
        (socket.EAI_AGAIN, "because no name server could look up"),
    ],
)
def test_a_name_that_nobody_knows_is_told(ask, caplog, unresolved, number, sentence):
    unresolved(number)
    with pytest.raises(
        Unavailable, match=f"could not be reached .*CALLS_API_URL and the network, {sentence}"
    ) as caught:
        ask("https://account.example.com/api")
    assert sentence in caplog.text
    assert caught.value.status is None


def test_a_refused_connection_is_told(ask):
    with serving((200, {}, PAGE)) as server:
        url = server.url
    with pytest.raises(Unavailable, match="because the host refused the connection, or run again later"):
        ask(url)


def test_a_host_that_says_nothing_is_told_and_only_waited_for_so_long():
    # Of a full backlog no more connections are taken, so that the next ones get no answer at all.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        began = time.monotonic()
        with (
            Client(f"http://127.0.0.1:{port}", TOKEN, patience_s=1) as asking,
            pytest.raises(Unavailable, match=r"in time \(1 try\): .*because nothing answered there within 1 s"),
        ):
            asking.fetch(QUERY, read_page)
        assert time.monotonic() - began < 3
        for one in waiting:
            one.close()


@pytest.mark.parametrize(("patience_s", "tries"), [(10, range(3, 6)), (90, [9])])
def test_patience_bounds_how_long_a_host_is_tried(patience_s, tries):
    with serving((200, {}, PAGE)) as server:
        url = server.url
    fake = FakeTime()
    with (
        Client(url, TOKEN, sleep=fake.sleep, clock=fake, patience_s=patience_s) as asking,
        pytest.raises(Unavailable) as caught,
    ):
        asking.fetch(QUERY, read_page)
    assert any(f"({number} tries)" in str(caught.value) for number in tries)
    assert sum(fake.naps) <= patience_s


def test_a_proxy_that_refuses_is_told_apart_from_the_host(ask, monkeypatch):
    with serving((200, {}, PAGE)) as gone:
        proxy = gone.url.removesuffix("/api/v1")
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(Unavailable, match="because the proxy refused the connection"):
        ask("https://account.example.com/api")


@pytest.mark.parametrize("status", [400, 403, 404, 501])
def test_the_words_of_a_refusal_are_never_read_without_end(ask, status):
    endless = gzip.compress(b'{"error": "' + b"x" * 50 * 2**20)
    tracemalloc.start()
    with serving((status, {"Content-Encoding": "gzip"}, endless)) as server, pytest.raises(ApiError, match=f"{status}"):
        ask(server.url)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


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
        (500, {}, b""),
        (503, {}, b"<html>"),
        (200, {}, b""),
        (200, {}, b"<html>sorry</html>"),
        (200, {}, PAGE[:-20]),
        (200, {}, b'{"calls": "none"}'),
        (200, {"Content-Length": "5000"}, PAGE),
        (200, {"Content-Encoding": "gzip"}, b"no gzip"),
    ],
    ids=["408", "500", "503", "empty", "html", "cut", "no list", "short of its length", "broken gzip"],
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
    with pytest.raises(ValueError, match=r"CALLS_API_URL must be an https address.*CALLS_ALLOW_HTTP=1"):
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


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_token_over_plain_http_goes_past_every_proxy(host, monkeypatch):
    monkeypatch.setattr("calls_assets.api.client.is_loopback", lambda _: False)  # as the address of another machine
    with socket.create_server(("127.0.0.1", 0)) as proxy, serving((200, {}, PAGE)) as server:
        proxy.setblocking(False)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        url = server.url.replace("127.0.0.1", host)
        with Client(url, TOKEN, allow_http=True) as client:
            client.fetch(Query(page=1), read_page)
        with pytest.raises(BlockingIOError):
            proxy.accept()


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
