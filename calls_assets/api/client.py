"""One request to `GET /calls/` -> what its body says, with the token, the retries and the pace of the requests.

Retried are only failures that can pass: connection errors, cut bodies, 408, 429, 5xx, and a 200 that is not the documented
JSON. Redirects are never followed, so that the token goes to the configured address only.
"""

import io
import ipaddress
import json
import logging
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from calls_assets.api.document import Query
from calls_assets.api.errors import NotAPage, NotServed, RequestRefused, TokenRefused, Unavailable

T = TypeVar("T")

RETRIES = 8
UNREACHABLE_S = 90.0
LONGEST_BACKOFF_S = 8.0
LONGEST_RETRY_AFTER_S = 300.0
CONNECT_TIMEOUT_S = 5.0
CHUNK = 2**23
"""Bytes of a body that are read at once; most come in one piece, which saves their copies."""
LONGEST_ANSWER = 256 * 2**20
"""Bytes of a body, unpacked; a thousand ordinary calls are 1.25 MB."""
SILENCES_PER_ANSWER = 5
"""A whole answer may take so many times the longest silence: a server that drips is never silent."""
SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]+)?")
"""What a Retry-After gives in seconds; some servers give fractions."""
NO_TLS = re.compile("wrong.version.number|record.layer.failure|unknown.protocol", re.IGNORECASE)
"""What OpenSSL says, by release, of an answer that is no TLS."""


class _Passing(Exception):
    """A failure that can pass; `wait_s` is how long the server asked us to wait, if it did."""

    def __init__(self, what: str, wait_s: float | None = None, unreachable: bool = False) -> None:
        super().__init__(what)
        self.wait_s = wait_s
        self.unreachable = unreachable


class Client:
    """A session with the API. Use as a context manager; may be shared by threads.

    Args:
        url: What stands before `/calls/`, `http` or `https`.
        token: The value of the `Access-Token` header.
        timeout_s: Longest silence of the server in seconds before a request counts as failed; it also does when its whole
            answer takes five times as long.
        requests_per_second: Upper bound of the pace over all threads; None for none.
        allow_http: Whether the token may go to another machine over plain http.
        connections: How many are kept open, one for each thread.
        log: Where retries are reported.
        sleep: Waits a number of seconds, in the place of a wait that ends with the session.
        on_headers: Shown the headers of every answer, refusals too; called from the thread that asked.

    Raises:
        ValueError: a setting is not usable; the sentence names its variable and never holds the token.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout_s: float = 60.0,
        requests_per_second: float | None = None,
        allow_http: bool = False,
        connections: int = 4,
        log: logging.Logger | None = None,
        sleep: Callable[[float], None] | None = None,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._url = _checked_url(url, allow_http) + "/calls/"
        self._headers = {"Access-Token": _checked_token(token), "Content-Type": "application/json"}
        self._timeout = (CONNECT_TIMEOUT_S, timeout_s)
        self._log = log or logging.getLogger(__name__)
        self._over = threading.Event()
        self._sleep = sleep or self._rest
        self._on_headers = on_headers
        self._pace = _Pace(requests_per_second, self._sleep)
        self._session = _Session(SILENCES_PER_ANSWER * timeout_s, connections)
        host = urlsplit(self._url).hostname or ""
        self._proxies = {"no_proxy": host} if _is_loopback(host) else None  # plain http to ourselves needs no detour

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._session.close()

    def fetch(self, query: Query, read: Callable[[bytes], T]) -> T:
        """Ask for a page and read its body with `read`, which raises `NotAPage` for a body that is none.

        Raises:
            TokenRefused: 401 or 403.
            RequestRefused: 400 or 422.
            NotServed: a redirect, a certificate that cannot be trusted, or any other 4xx but 408 and 429.
            Unavailable: the failures that can pass did not, within the bounds above.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(_Passing),
            wait=_wait,
            stop=_give_up,
            before_sleep=self._report,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: T = retrying(self._once, query, read)
            return answer
        except _Passing as error:
            tries = retrying.statistics["attempt_number"]
            often = "1 try" if tries == 1 else f"{tries} tries"
            asked = f" and asks us to wait {error.wait_s:g} s" if (error.wait_s or 0) > LONGEST_RETRY_AFTER_S else ""
            raise Unavailable(
                f"{self._url} {error}{asked} ({often}): check CALLS_API_URL and the network, or run again later."
            ) from error

    def _rest(self, seconds: float) -> None:
        self._over.wait(seconds)

    def _once(self, query: Query, read: Callable[[bytes], T]) -> T:
        self._pace.wait()
        if self._over.is_set():
            raise NotServed("The session with the API is over.")
        try:
            response = self._session.get(
                self._url,
                params=query.params(),
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
                proxies=self._proxies,
                stream=True,
            )
            with response:
                if self._on_headers is not None:
                    self._on_headers(response.headers)
                self._check(response)
                body = self._body(response)
        except requests.exceptions.RequestException as error:
            raise self._failure(error) from None
        try:
            return read(body)
        except NotAPage as error:
            raise _Passing(f"answered with {error}") from None

    def _body(self, response: requests.Response) -> bytes:
        chunks, size = [], 0
        for chunk in response.iter_content(CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > LONGEST_ANSWER:
                raise NotServed(
                    f"{self._url} answered with more than {LONGEST_ANSWER // 2**20} MiB to one request: set page_size lower, "
                    "or check CALLS_API_URL."
                )
        return b"".join(chunks)

    def _failure(self, error: requests.exceptions.RequestException) -> Exception:
        """What it means that no whole answer came."""
        cause = error.args[0] if error.args else None
        late = f"was silent for {self._timeout[1]:g} s, or took {SILENCES_PER_ANSWER} times as long in all"
        match error:
            case requests.exceptions.ConnectTimeout():
                return _Passing("could not be reached in time", unreachable=True)
            case requests.exceptions.SSLError() if NO_TLS.search(str(error)):
                return NotServed(
                    f"{self._url} does not speak https there: check the address and port in CALLS_API_URL."
                )
            case requests.exceptions.SSLError() if "EOF" not in str(error):
                why = getattr(cause, "reason", None) or error
                return NotServed(f"{self._url} has no certificate that can be trusted: {why}.")
            case requests.exceptions.Timeout():
                return _Passing(late)
            case requests.exceptions.ConnectionError() if isinstance(cause, ReadTimeoutError):
                return _Passing(late)
            case requests.exceptions.ConnectionError() if isinstance(cause, ProtocolError):
                return _Passing("closed the connection before it answered")
            case requests.exceptions.ConnectionError():
                return _Passing("could not be reached", unreachable=True)
            case requests.exceptions.ChunkedEncodingError() | requests.exceptions.ContentDecodingError():
                return _Passing("cut its answer short")
            case _:
                return error

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if status in (401, 403):
            raise TokenRefused(f"{self._url} refused the token ({status}): set CALLS_API_TOKEN to a valid one.")
        if response.is_redirect or 300 <= status < 400:
            raise NotServed(
                f"{self._url} redirects to {_shown(response.headers.get('Location', ''))} ({status}), which is not followed: "
                "set CALLS_API_URL to the address that answers itself."
            )
        if status in (408, 429) or status >= 500:
            raise _Passing(f"answered {status}", wait_s=_retry_after(response.headers.get("Retry-After")))
        kind = RequestRefused if status in (400, 422) else NotServed
        raise kind(
            f"{self._url} refused the request ({status}{self._reason(response)}): check CALLS_API_URL and the filters."
        )

    def _reason(self, response: requests.Response) -> str:
        """The server's own short word on a refusal, without the token where it echoes that."""
        try:
            word = json.loads(next(response.iter_content(CHUNK), b""))["error"]
        except (requests.exceptions.RequestException, ValueError, KeyError, TypeError, RecursionError):
            return ""
        return f", {word.replace(self._headers['Access-Token'], '***')[:120]!r}" if isinstance(word, str) else ""

    def _report(self, state: RetryCallState) -> None:
        error, wait_s = state.outcome and state.outcome.exception(), state.upcoming_sleep
        self._log.warning("%s %s; asking again in %.1f s (retry %d).", self._url, error, wait_s, state.attempt_number)


class _Session(requests.Session):
    """A session whose answers take `longest_s` seconds at most, and that does not even look where a redirect leads."""

    def __init__(self, longest_s: float, connections: int) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(longest_s, connections))

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  # an address that is none would raise
        return None


class _Adapter(requests.adapters.HTTPAdapter):
    """Has http.client read every answer, from its first header to its last byte, through `_InTime`."""

    def __init__(self, longest_s: float, connections: int) -> None:
        super().__init__(pool_maxsize=connections)
        self._longest_s = longest_s

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if "response_class" not in vars(pool.ConnectionCls):
            pool.ConnectionCls = type(
                "Connection", (pool.ConnectionCls,), {"response_class": staticmethod(self._answer)}
            )
        return pool

    def _answer(self, sock: Any, **about: Any) -> HTTPResponse:
        in_time: Any = _InTime(sock, self._longest_s)  # of a socket, http.client only asks for makefile()
        return HTTPResponse(in_time, **about)


class _InTime(io.RawIOBase):
    """What comes over a socket within `longest_s` seconds; the socket's own timeout starts anew with every byte."""

    def __init__(self, sock: socket.socket, longest_s: float) -> None:
        self._raw = sock.makefile("rb", buffering=0)
        self._end = time.monotonic() + longest_s

    def makefile(self, _mode: str) -> io.BufferedReader:
        """As a socket's."""
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


class _Pace:
    """Lets at most so many requests start each second, over all threads."""

    def __init__(self, per_second: float | None, sleep: Callable[[float], None]) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + self._gap
        if start > now:
            self._sleep(start - now)


def _wait(state: RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    asked = error.wait_s if isinstance(error, _Passing) else None
    longest: float = min(LONGEST_BACKOFF_S, 0.5 * 2 ** (state.attempt_number - 1))
    backoff = longest * random.uniform(0.5, 1)  # noqa: S311  # spreads retries, no secret
    return max(asked or 0.0, backoff)  # a date that has passed by our clock must not use up the retries at once


def _give_up(state: RetryCallState) -> bool:
    error = state.outcome and state.outcome.exception()
    if not isinstance(error, _Passing):
        return True
    too_late = error.unreachable and (state.seconds_since_start or 0) + LONGEST_BACKOFF_S > UNREACHABLE_S
    too_long = (error.wait_s or 0) > LONGEST_RETRY_AFTER_S
    return state.attempt_number > RETRIES or too_late or too_long


def _retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, given as seconds or as a date; None where it says nothing usable."""
    if not value:
        return None
    if SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())


def _shown(location: str) -> str:
    """Where a redirect leads, without what could be a secret."""
    try:
        target = urlsplit(location)
    except ValueError:
        return "an address that is none"
    return (f"{target.scheme}://{target.hostname}" if target.hostname else target.path) or "nowhere"


def _checked_url(url: str, allow_http: bool) -> str:
    if not url.strip():
        raise ValueError(
            "CALLS_API_URL is not set: set it to what stands before /calls/, such as https://account.example.com/api/v1."
        )
    parts = _split(url.strip())
    if parts is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment or "@" in parts.netloc:
        shown = parts and parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        given = f"{shown!r} was given" if shown else "what was given is no address"
        raise ValueError(
            "CALLS_API_URL is what stands before /calls/, such as https://account.example.com/api/v1, "
            f"without a user name, query or fragment, but {given}."
        )
    if parts.path.rstrip("/").endswith("/calls"):
        raise ValueError(
            f"CALLS_API_URL is what stands before /calls/, but {url.strip()!r} was given: leave /calls/ out."
        )
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname or ""):
        raise ValueError(
            f"CALLS_API_URL is an https address, because the token goes there, but {url.strip()!r} was given: "
            "set CALLS_ALLOW_HTTP=1 if that is what you want."
        )
    return url.strip().rstrip("/")


def _split(url: str) -> SplitResult | None:
    """The parts of an address that a request can go to."""
    try:
        requests.Request("GET", url).prepare()
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:  # requests' own errors are such too
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_token(token: str) -> str:
    if not token.strip():
        raise ValueError("CALLS_API_TOKEN is not set: set it to the account's access token.")
    if not token.isascii() or not token.isprintable():
        raise ValueError(
            "CALLS_API_TOKEN holds characters that no header can carry: set it to the account's access token."
        )
    return token.strip()
