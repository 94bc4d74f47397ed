"""An embedded `GET /calls/` after the API document, on this machine only."""

import gzip
import json
import socket
import socketserver
import sys
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from calls_assets.sandbox.calls import SimulatedCall, as_of, encode
from calls_assets.sandbox.centre import Centre, Source
from calls_assets.sandbox.faults import Fault, Plan, Strike, listing, play, wire_fault
from calls_assets.sandbox.query import BadParameterError, Behaviour, Question, read
from calls_assets.sandbox.repeated import RepeatedCalls

PREFIX = "/api/v1"
PATH = f"{PREFIX}/calls/"
_KEPT_ANSWERS = 64


def _clock() -> int:
    return int(time.time())


class Sandbox:
    """The sandbox API; used as a context manager, it serves from entry to exit.

    Args:
        source: where the calls come from; a simulated centre by default.
        behaviour: what the document leaves open.
        token: the value that the `Access-Token` header must have.
        port: TCP port on 127.0.0.1; 0 for any that is free.
        now: the clock, in epoch seconds.
        faults: what goes wrong, and on which requests with the right token.

    Attributes:
        requests: the query parameters of every request that came with the right token, in order of arrival.
        peak_concurrency: the most requests that were being answered at one time.
    """

    def __init__(
        self,
        source: Source | RepeatedCalls | None = None,
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
        token: str = "sandbox-token",  # noqa: S107 - opens nothing but this sandbox
        port: int = 0,
        now: Callable[[], int] = _clock,
        faults: Iterable[Fault] = (),
    ) -> None:
        self.source: Source | RepeatedCalls = Centre() if source is None else source
        self.behaviour = behaviour
        self.token = token
        self.plan = Plan(faults)
        self.requests: list[dict[str, str]] = []
        self.peak_concurrency = 0
        self._port = port
        self._now = now
        self._answering = 0
        self._lock = threading.Lock()
        self._settled: OrderedDict[tuple[object, ...], list[SimulatedCall]] = OrderedDict()
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
            BadParameterError: a parameter is not what the document allows.
        """
        with self._lock:
            self.requests.append(given)
            self._answering += 1
            self.peak_concurrency = max(self.peak_concurrency, self._answering)
        try:
            time.sleep(self.behaviour.latency_s)
            return self._page(read(given, self.behaviour), self._now(), strikes)
        finally:
            with self._lock:
                self._answering -= 1

    def _page(self, question: Question, now: int, strikes: Iterable[Strike]) -> bytes:
        size = max(1, min(question.limit, self.behaviour.page_cap))
        total: int | None
        if isinstance(self.source, RepeatedCalls):
            rows, total = self.source.page(question, size)
        else:
            found = listing(self._matching(self.source, question, now), question.page, size, strikes)
            rows, total = b",".join(_row(call, now) for call in found.rows), found.total
        meta = {
            "page": question.page,
            "limit": size,
            "total": str(total) if self.behaviour.total_as_string else total,
            # As in the document: a path that carries the page alone.
            "next": f"{PATH}?page={question.page + 1}" if question.page * size < (total or 0) else None,
            "previous": f"{PATH}?page={question.page - 1}" if question.page > 1 else None,
        }
        return b'{"calls":[' + rows + b'],"meta":' + encode(meta) + b"}"

    def _matching(self, source: Source, question: Question, now: int) -> list[SimulatedCall]:
        start, end = question.window(now, source.live)
        key = (start, end, question.call_type, question.members)
        with self._lock:
            if key in self._settled:
                self._settled.move_to_end(key)
                return self._settled[key]
        calls = [call for call in source.between(start, end) if question.asks_for(call, now)]
        calls = _ordered(calls, self.behaviour.order)
        # Of a centre, what is over stays as it is; a test's source may change from one request to the next.
        if source.live and end <= now and all(call.ended_at <= now for call in calls):
            with self._lock:
                self._settled[key] = calls
                while len(self._settled) > _KEPT_ANSWERS:
                    self._settled.popitem(last=False)
        return calls


def run(
    port: int,
    source: Source | RepeatedCalls | None = None,
    behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
    ready: Callable[[Sandbox], None] | None = None,
) -> None:
    """Serve on `port` until interrupted (SIGINT); `ready` is called once the port is open."""
    with Sandbox(source, behaviour, port=port) as sandbox:
        if ready is not None:
            ready(sandbox)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def _row(call: SimulatedCall, now: int) -> bytes:
    record = as_of(call, now)
    return call.encoded if record is call.record else encode(record)


def _scattered(call: SimulatedCall) -> int:
    return zlib.crc32(repr(call.record.get("id") if isinstance(call.record, dict) else None).encode())


def _ordered(calls: list[SimulatedCall], order: str) -> list[SimulatedCall]:
    if order == "shuffled":
        return sorted(calls, key=_scattered)
    oldest_first = sorted(calls, key=lambda call: call.started_at)
    return oldest_first if order == "oldest_first" else oldest_first[::-1]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look the host's name up, which takes seconds where there is no name server.
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
        # Connections kept alive would go on being served by their threads.
        with self._open_lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        sandbox = self.server.sandbox
        target = urlsplit(self.path)
        if target.path != PATH:
            self._refuse(HTTPStatus.NOT_FOUND, f"There is nothing at {target.path}.")
        elif self.headers.get("Access-Token") != sandbox.token:
            self._refuse(HTTPStatus.UNAUTHORIZED, "The Access-Token header is missing or wrong.")
        else:
            given = dict(parse_qsl(target.query, keep_blank_values=True))
            strikes = sandbox.plan.strikes(given)
            try:
                body = sandbox.answer(given, strikes)
            except BadParameterError as error:
                self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            else:
                if fault := wire_fault(strikes):
                    self.close_connection = True
                    play(fault, self.connection, body)
                else:
                    self._send(HTTPStatus.OK, body)

    def _refuse_verb(self) -> None:
        known = urlsplit(self.path).path == PATH
        self.close_connection = True  # there may be a body that nobody reads
        self._refuse(
            HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND, f"{self.command} is not possible here."
        )

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _refuse_verb  # noqa: N815

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self._send(status, json.dumps({"error": reason}).encode())

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        zipped = (
            self.server.sandbox.behaviour.gzip
            and "gzip" in self.headers.get("Accept-Encoding", "")
            and len(body) > 1000
        )
        if zipped:
            body = gzip.compress(body, compresslevel=1, mtime=0)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        for name, value in self.server.sandbox.behaviour.headers:
            self.send_header(name, value)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing is logged: the caller reads `Sandbox.requests`."""
