"""A server that repeats the token, in a page or around it."""

import json
import socket
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from calls_assets.api.client import Client
from calls_assets.api.decode import read_page
from calls_assets.api.document import Query
from calls_assets.api.echo import without_token
from calls_assets.api.errors import ApiError

TOKEN = 'a/conspicuous"token+'


def escaped(text):
    return "".join(f"\\u{ord(sign):04X}" for sign in text)


def percent_encoded(text):
    return "".join(f"%{ord(sign):02X}" for sign in text)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"calls": [{TOKEN: 1, "type": TOKEN, "tags": [{TOKEN: {TOKEN: TOKEN}}]}]}),
        f'{{"{escaped(TOKEN)}": 1}}',
        f'{{"{escaped(TOKEN[:5])}{json.dumps(TOKEN[5:])[1:-1]}": "{escaped(TOKEN).lower()}"}}',
        json.dumps({"url": f"https://a.example/{quote(TOKEN, safe='')}"}),
        json.dumps({"url": f"https://a.example/{quote(TOKEN)}?{quote(TOKEN, safe='').lower()}"}),
        json.dumps({"url": f"https://a.example/{quote(quote(TOKEN))}", "next": percent_encoded(TOKEN)}),
        f'{{"{escaped(TOKEN[:3])}{percent_encoded(TOKEN[3:])}": 1}}',
        json.dumps(TOKEN).replace("/", "\\/"),
    ],
)
def test_the_token_is_nowhere_in_what_is_read_and_the_json_stays_json(body):
    read = json.dumps(json.loads(without_token(body.encode(), TOKEN)))
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
