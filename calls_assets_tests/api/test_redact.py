"""What a server says in words, and what of it is shown."""

import json
import socket
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls_assets.api.client import Client
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.errors import ApiError
from calls_assets.api.redact import MOST_SHOWN, error_words, is_web_page, redacted, redirect_target, without_token

TOKEN = "s3cr+t/tok=n"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"error": "no such thing"}, "no such thing"),
        ({"message": " no such thing\n"}, "no such thing"),
        ({"detail": "no such thing"}, "no such thing"),
        ({"errors": [{"message": "one"}, {"message": "two"}]}, "one; two"),
        ({"error": {"code": 1, "message": "no such thing"}}, "no such thing"),
        ({"errors": {"callType": ["not allowed"]}}, "callType: not allowed"),
        (
            {"errors": {"callType": [{"message": "not allowed"}], "page": "too deep"}},
            "callType: not allowed; page: too deep",
        ),
        ({"success": False, "message": "no"}, "no"),
        ({"error": True, "message": "no"}, "no"),
        ({"error": "no", "message": "no"}, "no"),
        ({"error": "Forbidden", "message": "no plan"}, "Forbidden; no plan"),
        ([{"message": "one"}], "one"),
        ({"error": None, "message": "", "errors": [], "detail": {}}, ""),
        ({"calls": [{"message": "of a person"}], "note": "of nobody"}, ""),
        ({"error": 7}, ""),
        ("Forbidden", ""),
        (None, ""),
    ],
)
def test_the_servers_words_are_found_where_servers_put_them(told, said):
    assert error_words(json.dumps(told).encode(), TOKEN) == said


@pytest.mark.parametrize("body", [b"", b"\xff", b"<html>", b'{"error": "cut', b"[" * 60_000, b'{"error":' * 7_000])
def test_what_is_no_json_says_nothing(body):
    assert error_words(body, TOKEN) == ""


def test_words_are_short_and_in_one_line_without_control_characters():
    said = error_words(json.dumps({"error": "a\r\n\x1b[31mb\u202e\x00\ud800 " + "c" * 999}).encode(), TOKEN)
    assert said.startswith("a �[31mb�� ccc")
    assert said.endswith("…")
    assert len(said) == MOST_SHOWN
    assert error_words(json.dumps({"error": "x" * 2**17}).encode(), TOKEN) == ""


@pytest.mark.parametrize(
    "spelt",
    [
        TOKEN,
        TOKEN.upper(),
        "s3cr%2Bt%2Ftok%3Dn",
        "s3cr%2bt/tok=n",
        "s3cr%252Bt%252Ftok%253Dn",
        "%73%33%63%72%2b%74%2f%74%6f%6b%3d%6e",
        "s3cr&#43;t/tok&#61;n",
        "s3cr\x00+t/t\u200bok=n",
    ],
)
def test_the_token_is_never_shown_however_it_is_spelt(spelt):
    said = error_words(json.dumps({"error": f"what is {spelt}?"}).encode(), TOKEN)
    assert "***" in said
    assert "tok" not in said.lower()


@given(st.text(min_size=1, max_size=300), st.integers(0, 300))
def test_no_cut_leaves_a_part_of_the_token_that_stood_there_whole(text, place):
    said = redacted(text[:place] + TOKEN + text[place:], TOKEN)
    assert TOKEN not in said
    assert len(said) <= MOST_SHOWN
    assert said.isprintable()


@pytest.mark.parametrize(
    ("body", "kind", "is_page"),
    [
        (b"<html>", "", True),
        (b"\xef\xbb\xbf\r\n <!doctype html>", "application/json", True),
        (b"Blocked.", "text/html", True),
        (b"Blocked.", "text/plain", False),
        (b'{"error": "no"}', "text/html", False),
        (b"", "text/html", False),
    ],
)
def test_a_web_page_is_told_by_how_it_begins(body, kind, is_page):
    assert is_web_page(body, kind) is is_page


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://user:hidden@a.example:8443/x?y=hidden#hidden", "https://a.example"),
        ("/login?token=hidden", "/login"),
        ("/api/v1/calls/", "/api/v1/calls/"),
        ("/login/c2VjcmV0", "/login…"),
        ("/login/7333637265742f746f6b656e", "/login…"),
        ("/s3cr%252Bt/tok=n", "…"),
        ("https://s3cr:t-tok=n@a.example", "https://a.example"),
        ("https://s3cr-t.tok-n.example", "https://another host"),
        ("https://s3cr+t.tok=n/", "https://another host"),
        ("https://a.example.s3cr%2Bt%2Ft", "https://another host"),
        ("s3cr+t-tok://a.example", "another scheme://a.example"),
        ("//a.example/x", "://a.example"),
        ("", "nowhere"),
        ("http://[nowhere", "an invalid address"),
    ],
)
def test_where_a_redirect_leads_is_told_without_what_could_be_a_secret(location, said):
    assert redirect_target(location, TOKEN) == said


REPEATED = 'a/conspicuous"token+'


def escaped(text):
    return "".join(f"\\u{ord(sign):04X}" for sign in text)


def percent_encoded(text):
    return "".join(f"%{ord(sign):02X}" for sign in text)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"calls": [{REPEATED: 1, "type": REPEATED, "tags": [{REPEATED: {REPEATED: REPEATED}}]}]}),
        f'{{"{escaped(REPEATED)}": 1}}',
        f'{{"{escaped(REPEATED[:5])}{json.dumps(REPEATED[5:])[1:-1]}": "{escaped(REPEATED).lower()}"}}',
        json.dumps({"url": f"https://a.example/{quote(REPEATED, safe='')}"}),
        json.dumps({"url": f"https://a.example/{quote(REPEATED)}?{quote(REPEATED, safe='').lower()}"}),
        json.dumps({"url": f"https://a.example/{quote(quote(REPEATED))}", "next": percent_encoded(REPEATED)}),
        f'{{"{escaped(REPEATED[:3])}{percent_encoded(REPEATED[3:])}": 1}}',
        json.dumps(REPEATED).replace("/", "\\/"),
    ],
)
def test_the_token_is_nowhere_in_what_is_read_and_the_json_stays_json(body):
    read = json.dumps(json.loads(without_token(body.encode(), REPEATED)))
    assert "***" in read
    assert [part for part in ("conspicuous", "token", "%63%6F") if part in read] == []


@pytest.mark.parametrize("token", ["x", "answered", "12345678", "15550100"])
def test_a_token_that_stands_there_by_chance_breaks_no_page(token):
    body = json.dumps({"calls": [{"id": 15550100, "x": 12345678}]}).encode()
    assert without_token(body, token) == body


PLAIN = "a-conspicuous-token"
BODY = "Content-Length: 2\r\n\r\n{}"
ANSWERS = {
    "a reason": f"401 {PLAIN}\r\n{BODY}",
    "a status": f"{PLAIN}\r\n{BODY}",
    "a header": f"410 Gone\r\nX-{PLAIN}: {PLAIN}\r\nSet-Cookie: {PLAIN}={PLAIN}\r\n{BODY}",
    "a line that is no header": f"410 Gone\r\n{PLAIN}\r\n{BODY}",
    "a retry": f"503 Later\r\nRetry-After: {PLAIN}\r\n{BODY}",
    "a length": f"200 OK\r\nContent-Length: {PLAIN}\r\n\r\n{{",
    "an encoding": f"410 Gone\r\nContent-Encoding: {PLAIN}\r\n{BODY}",
    "the size of a chunk": f"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{PLAIN}\r\n{{}}\r\n",
    "an extension of a chunk": f"410 Gone\r\nTransfer-Encoding: chunked\r\n\r\n2;{PLAIN}\r\n{{}}\r\n0\r\n\r\n",
    "a page of HTML": f"403 No\r\nContent-Type: text/html\r\n\r\n<html>{PLAIN}</html>",
    "words": f'403 No\r\n\r\n{{"error": {{"{PLAIN}": "{PLAIN}"}}}}',
    "where it leads": f"302 Found\r\nLocation: /login/{PLAIN.encode().hex()}/{PLAIN}\r\n{BODY}",
    "whom it leads to": f"302 Found\r\nLocation: https://{PLAIN}.example\r\n{BODY}",
}


@contextmanager
def answering(answer):
    """The address of a server that gives every request the same answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # closed
                    return
                with connection:
                    connection.recv(2**16)
                    connection.sendall(f"HTTP/1.1 {answer}".encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield "http://{}:{}".format(*listening.getsockname())
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_that_is_said_of_an_answer_holds_the_token(name, caplog, capfd):
    caplog.set_level("WARNING", "urllib3")
    asked = {"sleep": lambda _: None, "patience_s": 1, "timeout_s": 5}
    with answering(ANSWERS[name]) as url, Client(url, PLAIN, **asked) as client, pytest.raises(ApiError) as caught:
        client.fetch(Query(page=1, limit=1), read_page)
    out = capfd.readouterr()
    told = f"{caught.value!r} {caught.value} {client!r} {caplog.text} {out.out} {out.err}"
    assert url in told
    assert [spelt for spelt in (PLAIN, PLAIN.encode().hex(), "conspicuous") if spelt in told] == []
