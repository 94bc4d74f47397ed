"""Answers over HTTP within a bounded time, and why a connection failed."""

import errno
import io
import logging
import socket
import time
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from urllib3.exceptions import ProxyError as ProxyFailed

for _name in ("urllib3.connection", "urllib3.connectionpool"):
    # Their warnings repeat what servers send. A filter, because others reset the level.
    logging.getLogger(_name).addFilter(lambda record: record.levelno >= logging.ERROR)


class Session(requests.Session):
    """A session whose answers take at most `longest_s` seconds; without cookies, which a server could send without end."""

    def __init__(self, longest_s: float, connections: int) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(longest_s, connections))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """No target, so that an invalid one cannot raise."""


class _Adapter(requests.adapters.HTTPAdapter):
    """Makes http.client read every answer, from its first header to its last byte, through `_InTime`."""

    def __init__(self, longest_s: float, connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._longest_s = longest_s

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls, _Connection):
            bases = (_Connection, pool.ConnectionCls)
            pool.ConnectionCls = type("Connection", bases, {"longest_s": self._longest_s})
        return pool


class _Connection:
    """What an adapter's connections have before those of urllib3: answers in time, and closed where they are refused."""

    longest_s: float
    _answer: HTTPResponse | None = None

    def response_class(self, sock: Any, **about: Any) -> HTTPResponse:
        """The answer that http.client reads from a socket."""
        in_time: Any = _InTime(sock, self.longest_s)  # makefile() is all that http.client calls
        self._answer = HTTPResponse(in_time, **about)
        return self._answer

    def getresponse(self) -> Any:
        """The answer; urllib3 leaves one open whose headers it refuses."""
        try:
            return super().getresponse()  # type: ignore[misc]  # of the other base
        except BaseException:
            if self._answer is not None:
                self._answer.close()
            raise
        finally:
            self._answer = None


class _InTime(io.RawIOBase):
    """What a socket receives within `longest_s` seconds; its own timeout restarts with every byte."""

    def __init__(self, sock: socket.socket, longest_s: float) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._end = time.monotonic() + longest_s

    def makefile(self, _mode: str) -> io.BufferedReader:
        """The reader that http.client asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._end:
            raise TimeoutError("The answer takes too long.")
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def first_bytes(response: requests.Response, most: int) -> bytes:
    """The first bytes of a body, about `most` of them, or as many as come."""
    begun = b""
    try:
        for chunk in response.iter_content(most):
            begun += chunk
            if len(begun) >= most:
                break
    except requests.exceptions.RequestException:
        return begun
    return begun


def why_unreachable(error: requests.exceptions.ConnectionError) -> str:
    """Why no connection was made, as a clause to follow 'because'."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    who, whose = "the host", ""
    if isinstance(reason, ProxyFailed):
        who, whose, reason = "the proxy", " as the proxy's", reason.original_error
    match getattr(reason, "__cause__", None):
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"no name server could look up {who} is"
        case socket.gaierror():
            return f"there is no such host name{whose}"
        case ConnectionRefusedError():
            return f"{who} refused the connection"
        case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.EADDRNOTAVAIL):
            return f"there is no route to {who}"
        case _:
            return f"{who} closed the connection before an answer"
