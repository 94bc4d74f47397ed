"""A server that says what it is told to say."""

import threading
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

from calls_assets.api.document import Query

TOKEN = "a-conspicuous-secret"
QUERY = Query(date_from=date(2026, 3, 6), date_to=date(2026, 3, 7))
PAGE = b'{"calls": [], "meta": {"page": 1, "limit": 1000, "total": 0, "next": null, "previous": null}}'


class Script(HTTPServer):
    """Gives one reply after the other, (status, headers, body), the last one for ever; keeps what was asked.

    A reply may be a function of the path that gives one.
    """

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
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        status, headers, body = reply(self.path) if callable(reply) else reply
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


class FakeTime:
    """A clock that stands still but for the naps that are taken."""

    def __init__(self):
        self.now = 1000.0
        self.naps = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds
