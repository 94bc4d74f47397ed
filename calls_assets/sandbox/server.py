"""An embedded `GET /calls/` as in the API document, on this machine only."""

import gzip
import html
import json
import math
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from calls_assets.display import shown
from calls_assets.loopback import names_loopback
from calls_assets.sandbox.account import PATH, PREFIX, Account
from calls_assets.sandbox.behaviour import Behaviour, Refusal
from calls_assets.sandbox.centre import Centre
from calls_assets.sandbox.faults import Fault, FaultPlan, Strike, play, wire_fault
from calls_assets.sandbox.query import parameters
from calls_assets.sandbox.repeated import RepeatedCalls
from calls_assets.sandbox.sources import Source

_BARE = PATH.rstrip("/")
_PATHS = {"required": (PATH,), "redirect_to_slash": (PATH,), "redirect_to_bare": (_BARE,), "both": (PATH, _BARE)}
"""The paths that answer, by `Behaviour.slash`."""

WAITS_S = 60
"""How long a connection may be silent in the middle of a request, or between two."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _clock() -> int:
    return int(time.time())


class Sandbox:
    """The sandbox API; a context manager that serves from entry to exit.

    Args:
        source: where the calls come from; a simulated centre by default.
        behaviour: what the document leaves open.
        token: the value that the `Access-Token` header must have.
        port: TCP port on 127.0.0.1; 0 for any that is free.
        now: the clock, in epoch seconds.
        faults: what goes wrong on which of the requests with the right token.
        tick: the clock of the rate limit, in seconds.

    Attributes:
        requests: the query parameters of every request with the right token, in order of arrival.
        peak_concurrency: the most requests that were being answered at once.
    """

    def __init__(
        self,
        source: Source | RepeatedCalls | None = None,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but this sandbox
        port: int = 0,
        now: Callable[[], int] = _clock,
        faults: Iterable[Fault] = (),
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source: Source | RepeatedCalls = Centre() if source is None else source
        self.behaviour = behaviour
        self.account = Account(self.source, behaviour, now, tick)
        self.token = token
        self.plan = FaultPlan(faults)
        self.requests: list[dict[str, str]] = []
        self.peak_concurrency = 0
        self._port = port
        self._answering = 0
        self._lock = threading.Lock()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The API's base URL, to which `/calls/` is added."""
        return f"http://127.0.0.1:{self._port}{PREFIX}"

    def __enter__(self) -> Self:
        self._server = _Server(self._port, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sandbox", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def answer(self, given: dict[str, str], strikes: Iterable[Strike] = ()) -> bytes:
        """The JSON body of the answer to these query parameters, with the plan's faults of the list.

        Raises:
            Refusal: the account does not answer this.
        """
        with self._lock:
            self.requests.append(given)
            self._answering += 1
            self.peak_concurrency = max(self.peak_concurrency, self._answering)
        try:
            return self.account.answer(given, strikes)
        finally:
            with self._lock:
                self._answering -= 1


def run(
    port: int,
    source: Source | RepeatedCalls | None = None,
    behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve on `port` until interrupted (SIGINT or SIGTERM); `ready` is called once the port is open."""
    for stop in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored by what a script starts in the background
        signal.signal(stop, signal.default_int_handler)
    try:
        with Sandbox(source, behaviour, port=port) as sandbox:
            if ready is not None:
                ready(sandbox)
            threading.Event().wait()
    except KeyboardInterrupt:
        return


def _refusal(reason: str, error_as: str) -> tuple[bytes, str]:
    """The body of a refusal and its Content-Type."""
    if error_as == "html":
        return f"<!doctype html><title>Sorry</title><p>{html.escape(reason)}</p>".encode(), "text/html"
    bodies = {"errors": {"errors": [{"message": reason}]}, "nested": {"error": {"message": reason}}}
    return json.dumps(bodies.get(error_as, {error_as: reason})).encode(), "application/json"


def _retry_after(way: str, wait_s: float) -> dict[str, str]:
    """The header that says when to try again."""
    seconds, moment = max(1, math.ceil(wait_s)), math.ceil(time.time() + wait_s)
    values = {"seconds": str(seconds), "date": formatdate(moment, usegmt=True), "epoch": str(moment)}
    return {"Retry-After": values[way]} if way in values else {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's name, which takes seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # clients may leave in the middle of an answer
            super().handle_error(request, client_address)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        # Connections that are kept alive would still be served by their threads.
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


def _unfit(target: str, headers: Message) -> tuple[int, str] | None:
    """The status and the reason where a request is refused whatever it asks for."""
    try:
        host = urlsplit(target).netloc
    except ValueError:
        return HTTPStatus.BAD_REQUEST, "This is not an address."
    if not names_loopback([*headers.get_all("Host", []), *([host] if host else [])]):
        return HTTPStatus.MISDIRECTED_REQUEST, "Only this machine is answered, as 127.0.0.1, localhost or [::1]."
    return None


class _Handler(BaseHTTPRequestHandler):
    timeout = WAITS_S
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def parse_request(self) -> bool:
        """Read the request's first line and headers; an unfit request is refused and the connection closed."""
        if not super().parse_request():
            return False
        if refusal := _unfit(self.path, self.headers):
            self.send_error(*refusal)
        return refusal is None

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002  # as the base class has it
        """Refuse what the base class cannot read, or has no method for."""
        self.close_connection = True
        self.request_version = self.protocol_version  # an older one would be answered without a status
        if code in (HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED):
            code = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus.BAD_REQUEST
        if not hasattr(self, "headers"):
            self.headers = Message()
        self._refuse(code, shown(message or HTTPStatus(code).phrase))

    def do_GET(self) -> None:
        behaviour = self.server.sandbox.behaviour
        target = urlsplit(self.path)
        if "Transfer-Encoding" in self.headers or self.headers.get("Content-Length", "0") != "0":
            # A body would be read as the next request.
            self.send_error(HTTPStatus.BAD_REQUEST, "A GET has no body here.")
        elif target.path not in _PATHS[behaviour.slash]:
            self._redirect_or_refuse(target)
        elif self.headers.get("Access-Token") != self.server.sandbox.token:
            self._refuse(HTTPStatus.UNAUTHORIZED, "The Access-Token header is missing or wrong.")
        elif wait_s := self.server.sandbox.account.too_early_s():
            headers = _retry_after(behaviour.retry_after, wait_s)
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests.", headers)
        else:
            self._answer(target.query)

    def _answer(self, query: str) -> None:
        sandbox = self.server.sandbox
        try:
            given = parameters(query)
            strikes = sandbox.plan.strikes(given)
            body = sandbox.answer(given, strikes)
        except Refusal as error:
            self._refuse(error.status, str(error))
            return
        if not body:
            self._send(int(sandbox.behaviour.empty_as), body)
        elif fault := wire_fault(strikes):
            self.close_connection = True
            play(fault, self.connection, body)
        else:
            self._send(HTTPStatus.OK, body)

    def _redirect_or_refuse(self, target: SplitResult) -> None:
        """Redirect to the path that answers, where it differs in its slash alone."""
        behaviour = self.server.sandbox.behaviour
        (path, *_) = _PATHS[behaviour.slash]
        if behaviour.slash.startswith("redirect") and target.path in (PATH, _BARE):
            location = target._replace(path=path).geturl()
            self._send(HTTPStatus.PERMANENT_REDIRECT, b"", headers={"Location": location})
        else:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is nothing at {shown(target.path)}.")

    def _refuse_verb(self) -> None:
        known = urlsplit(self.path).path in _PATHS[self.server.sandbox.behaviour.slash]
        self.close_connection = True  # there may be a body that nobody reads
        self._refuse(
            HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND,
            f"{self.command} is not possible here.",
            {"Allow": "GET"} if known else {},
        )

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _refuse_verb  # noqa: N815  # http.server's names

    def _refuse(self, status: int, reason: str, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        self._send(status, *_refusal(reason, self.server.sandbox.behaviour.error_as), headers)

    def _send(
        self,
        status: int,
        body: bytes,
        content_type: str = "application/json",
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> None:
        behaviour = self.server.sandbox.behaviour
        zipped = behaviour.gzip and "gzip" in self.headers.get("Accept-Encoding", "") and len(body) > 1000
        if zipped:
            body = gzip.compress(body, compresslevel=1, mtime=0)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        for name, value in (*behaviour.headers, *headers.items()):
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing is logged: the caller reads `Sandbox.requests`."""
