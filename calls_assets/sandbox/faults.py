"""A fault plan: which fault strikes which request. A fault changes only what is sent."""

import gzip
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from calls_assets.sandbox.calls import SimulatedCall


@dataclass(frozen=True, kw_only=True)
class Strikes:
    """Which requests a fault strikes; all by default.

    Attributes:
        where: takes a request's query parameters and says whether it counts; None: all do.
        on: the numbers, from 1, of the counted requests that are struck, such as `(1, 2)` or `range(3, 99)`; None: all.
        every: of these, only every n-th counted request.
    """

    where: Callable[[Mapping[str, str]], bool] | None = None
    on: Container[int] | None = None
    every: int = 1

    def hits(self, number: int) -> bool:
        """Whether the counted request of this number, from 1, is struck."""
        return (self.on is None or number in self.on) and number % self.every == 0


@dataclass(frozen=True)
class WireFault(Strikes):
    """A fault of one answer. The connection is closed after it.

    Attributes:
        kind: what happens. `status`: the answer is an error of this status. `reset`: the connection is reset before any
            answer; `cut`: in the middle of the body. `short`: the body is half of what it should be, and its Content-Length
            says so too. `html`, `empty`: status 200 with a web page or without a body. `hang`: no answer until the client
            leaves or the server stops; `stall`: half the body, then the same. `drip`: the body comes byte by byte;
            `drip_head`: so do the headers. `bad_gzip`: the body is declared as gzip but is not; `cut_gzip`: it is half a
            gzip file. The right body in broken HTTP: `two_lengths` has two that differ, `bad_chunk` a chunk of negative
            length, `many_headers` a thousand headers, `no_http` the body alone.
        status: the status code of `status`.
        headers: additional headers of `status`, such as Retry-After or Location.
        pause_s: seconds between two bytes of a drip.
    """

    kind: Literal[
        "status",
        "reset",
        "cut",
        "short",
        "html",
        "empty",
        "hang",
        "stall",
        "drip",
        "drip_head",
        "bad_gzip",
        "cut_gzip",
        "two_lengths",
        "bad_chunk",
        "many_headers",
        "no_http",
    ]
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0.05


@dataclass(frozen=True)
class ListFault(Strikes):
    """A fault in the list of calls that a request pages through.

    Attributes:
        kind: what is wrong. `without`: the calls in `ids` are missing from the list (on early requests: they are inserted
            later; on late ones: they are deleted). `fewer`: the page has `rows` fewer calls than it should. `overlap`: each
            page begins with the last `rows` calls of the page before. `repeat`: every page is page 1. `endless`: every page
            is full, with made-up calls after the end of the list, and the total is always `rows` ahead. `total`: the total
            is `rows` too high. `moving_total`: the total is higher by one with each struck request. `no_total`: there is no
            total. `no_rows`: the page is empty although the total is not.
        ids: call ids.
        rows: a number of calls.
    """

    kind: Literal["without", "fewer", "overlap", "repeat", "endless", "total", "moving_total", "no_total", "no_rows"]
    ids: frozenset[int] = frozenset()
    rows: int = 1


Fault = WireFault | ListFault
Strike = tuple[Fault, int]
"""A fault and the number, from 1, of the request among those that the fault counts."""


class FaultPlan:
    """Counts requests, and says which faults strike on each. Shared by threads."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = tuple(faults)
        self._counted = [0] * len(self._faults)
        self._lock = threading.Lock()

    def strikes(self, given: Mapping[str, str]) -> list[Strike]:
        """The faults that strike the next request, which has these query parameters."""
        struck = []
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.where is None or fault.where(given):
                    self._counted[place] += 1
                    if fault.hits(self._counted[place]):
                        struck.append((fault, self._counted[place]))
        return struck


@dataclass
class Listing:
    """What a page is cut from: `size` calls from place `first` (from 0) on, and the total that it gives."""

    calls: list[SimulatedCall]
    first: int
    size: int
    total: int | None

    def cut_off(self, place: int | None) -> None:
        """Keep the page from reaching beyond a place in the list, if there is one."""
        if place is not None:
            self.size = max(0, min(self.size, place - self.first))

    @property
    def rows(self) -> list[SimulatedCall]:
        """The calls on the page."""
        return self.calls[self.first : self.first + self.size]


def listing(calls: list[SimulatedCall], page: int, size: int, strikes: Iterable[Strike]) -> Listing:
    """The page of this number, from 1, with the faults that strike."""
    found = Listing(calls, (page - 1) * size, size, len(calls))
    for fault, number in strikes:
        if isinstance(fault, ListFault):
            _spoil(found, page, fault, number)
    return found


def _spoil(found: Listing, page: int, fault: ListFault, number: int) -> None:
    match fault.kind:
        case "without":
            found.calls = [call for call in found.calls if call.record.get("id") not in fault.ids]
            found.total = len(found.calls)
        case "fewer":
            found.size -= fault.rows
        case "overlap":
            found.first -= (page - 1) * fault.rows
        case "repeat":
            found.first = 0
        case "endless":
            end = found.first + found.size
            first, more = found.calls[0], range(len(found.calls), end)
            found.calls = found.calls + [replace(first, record=first.record | {"id": 10**15 + n}) for n in more]
            found.total = end + fault.rows
        case "total" | "moving_total":
            found.total = len(found.calls) + (fault.rows if fault.kind == "total" else number)
        case "no_total":
            found.total = None
        case "no_rows":
            found.size = 0


def wire_fault(strikes: Iterable[Strike]) -> WireFault | None:
    """The first of the faults that concerns the answer itself."""
    return next((fault for fault, _ in strikes if isinstance(fault, WireFault)), None)


def play(fault: WireFault, connection: socket.socket, body: bytes) -> None:
    """Send a faulty answer instead of `body`, the right one; nothing else may follow on the connection."""
    head, half = _head(len(body)), body[: len(body) // 2]
    match fault.kind:
        case "reset":
            _reset(connection)
        case "cut":
            connection.sendall(head + half)
            time.sleep(0.05)  # so that the client has read what came before the reset
            _reset(connection)
        case "hang" | "stall":
            connection.sendall(head + half if fault.kind == "stall" else b"")
            connection.recv(1)  # comes back when the client leaves or the server stops
        case "drip" | "drip_head":
            at_once = 0 if fault.kind == "drip_head" else len(head)
            connection.sendall(head[:at_once])
            for byte in (head + body)[at_once:]:
                connection.sendall(bytes([byte]))
                time.sleep(fault.pause_s)
        case _:
            connection.sendall(_faulty(fault, body))


def _faulty(fault: WireFault, body: bytes) -> bytes:
    """The bytes of a faulty answer that are sent at once."""
    head, half = _head(len(body)), body[: len(body) // 2]
    match fault.kind:
        case "status":
            error = json.dumps({"error": f"A fault of the plan: {fault.status}."}).encode()
            return _head(len(error), fault.status, fault.headers) + error
        case "short":
            return _head(len(half)) + half
        case "html":
            page = b"<!doctype html><title>Sorry</title><p>Back soon.</p>"
            return _head(len(page), headers={"Content-Type": "text/html"}) + page
        case "empty":
            return _head(0)
        case "bad_gzip":
            return _head(len(body), headers={"Content-Encoding": "gzip"}) + body
        case "cut_gzip":
            zipped = gzip.compress(body)
            zipped = zipped[: len(zipped) // 2]
            return _head(len(zipped), headers={"Content-Encoding": "gzip"}) + zipped
        case "two_lengths":
            return head.replace(b"Content-Length", b"Content-Length: 1\r\nContent-Length") + body
        case "bad_chunk":
            chunked = head.replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX-Length: ")
            return chunked + b"-5e\r\n" + body
        case "many_headers":
            return _head(len(body), headers={f"X-{number}": "" for number in range(1000)}) + body
    return body


def _head(length: int, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Length": str(length), "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in (fields | dict(headers)).items()]
    return f"HTTP/1.1 {status} \r\n{''.join(lines)}\r\n".encode("latin-1")


def _reset(connection: socket.socket) -> None:
    """Close with a reset (RST) instead of the usual FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
