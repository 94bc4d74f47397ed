"""One request to `GET /calls/` -> its decoded body, with the token, the retries and the pace of requests.

Only failures that may be temporary are retried: connection errors, truncated bodies, 408, 429, 5xx except 501, and a 200
that is not the documented JSON. The only redirect that is followed leads from `/calls/` to `/calls` on the same origin, so
that the token never goes anywhere else.
"""

import io
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException
from typing import Self, TypeVar
from urllib.parse import urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import HTTPError

from calls_assets.api.address import checked_token, checked_url, only_drops_the_slash
from calls_assets.api.document import Query
from calls_assets.api.errors import (
    ApiError,
    DatesRefused,
    NotAPage,
    NotServed,
    RequestRefused,
    TokenRefused,
    TooMuch,
    Unavailable,
)
from calls_assets.api.failures import TransientFailure, UnansweredRequest, failure_of, retry_after
from calls_assets.api.pace import Pace
from calls_assets.api.redact import MOST_READ, error_words, is_web_page, redacted, redirect_target, without_token
from calls_assets.api.transport import Session, first_bytes
from calls_assets.loopback import is_loopback

T = TypeVar("T")
RETRIES = 8
UNREACHABLE_S = 90.0
UNANSWERED_S = 600.0  # a 429 is retried for as long as the session had any answer within this time
LONGEST_BACKOFF_S = 8.0
LONGEST_RETRY_AFTER_S = 300.0
CONNECT_TIMEOUT_S = 5.0
CHUNK = 2**23  # bytes of a body read at once; most bodies come in one piece, which saves copies
# The same for a compressed body, where each of many small parts would copy what is left of the chunk.
PACKED_CHUNK = 2**16
MOST_PACKINGS = 2  # layers of compression; with more, a few bytes can take days to unpack to nothing
LONGEST_ANSWER = 256 * 2**20  # bytes of a body, unpacked; a thousand ordinary calls are 1.25 MB
SILENCES_PER_ANSWER = 5  # a whole answer may take this many timeouts: a server that drips is never silent
# This very request will never be answered, whatever becomes of others.
REFUSED = (400, 402, 403, 404, 405, 422, 501)
EMPTY = b"{}"  # a body without calls
WEB_PAGE = "a web page came instead of JSON, such as a maintenance page, a login page or a gateway's"


@dataclass(frozen=True)
class Advice:
    """What a person is told to do where the API refuses the token, or a request."""

    unauthorised: str = "set CALLS_API_TOKEN to a valid one"
    refused: str = "check CALLS_API_URL and the filters, or ask calls-assets doctor"


class Client:
    """A session with the API. Use as a context manager; may be shared by threads.

    Args:
        url: The part of the address before `/calls/`, `http` or `https`.
        token: The value of the `Access-Token` header.
        timeout_s: How many seconds of silence fail a request; so does an answer that takes five times as long in all.
        requests_per_second: Upper bound of the pace across all threads; None for none.
        allow_http: Whether the token may go to another machine over plain http.
        connections: How many are kept open, one for each thread.
        patience_s: For how many seconds an unreachable host is retried.
        log: Where retries are logged.
        sleep: Waits a number of seconds; by default until then or the end of the session.
        clock: Tells seconds; goes on while `sleep` waits.
        on_headers: Called with the headers of every answer, refusals too, from the thread that asked.
        advice: What is said of refusals.

    Raises:
        ValueError: a setting is not valid; the sentence names its variable and never holds the token.
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
        patience_s: float = UNREACHABLE_S,
        log: logging.Logger | None = None,
        sleep: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
        advice: Advice = Advice(),
    ) -> None:
        self._url = checked_url(url, allow_http) + "/calls/"
        self._address = self._url
        self._token = checked_token(token)
        self._timeout = (min(CONNECT_TIMEOUT_S, patience_s), timeout_s)
        self._patience_s = patience_s
        self._log = log or logging.getLogger(__name__)
        self._over = threading.Event()
        self._sleep = sleep or self._rest
        self._clock = clock
        self._on_headers = on_headers
        self._advice_on_refusals = advice
        self._pace = Pace(requests_per_second, self._sleep, clock)
        self._session = Session(SILENCES_PER_ANSWER * timeout_s, connections)
        parts = urlsplit(self._url)
        is_open = parts.scheme == "http" or is_loopback(parts.hostname or "")
        self._proxies = {"no_proxy": parts.hostname or ""} if is_open else None  # a proxy would read the token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._session.close()

    def fetch(self, query: Query, read: Callable[[bytes], T]) -> T:
        """Ask for a page and decode its body with `read`, which raises `NotAPage` where it is not one.

        An answer without content (204) is read as an empty JSON object.

        Raises:
            TokenRefused: 401; or 403 without a call type, where the list without dates is refused too.
            DatesRefused: 403, or 410 for a first page, where the list without dates is answered.
            RequestRefused: 400, 402, 404, 405, 422 or 501; for a call type also 403, or 200 with an error message.
            NotServed: 403 with a web page, a redirect, an untrusted certificate, any other 4xx except 408 and 429.
            Unavailable: temporary failures did not end within the bounds above.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(TransientFailure),
            wait=_wait,
            stop=_Retries(self._pace, self._patience_s, self._clock).are_over,
            before_sleep=self._report,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            answer: T = retrying(self._once, query, read)
            return answer
        except TransientFailure as error:
            if error.said and query.call_type is not None:
                raise RequestRefused(self._refused(query, error.status, error.said), error.status) from None
            tries = retrying.statistics["attempt_number"]
            often = "1 try" if tries == 1 else f"{tries} tries"
            asked = f" and asks us to wait {error.wait_s:g} s" if (error.wait_s or 0) > LONGEST_RETRY_AFTER_S else ""
            of_type = f" for the call type {query.call_type}" if query.call_type else ""
            sentence = f"{self._url} {error}{asked}{of_type} ({often}): {self._advice(error)}."
            raise Unavailable(sentence, error.status) from error

    def _advice(self, error: TransientFailure) -> str:
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            pace = self._pace.achieved(error.wait_s or 0)
            return f"set CALLS_REQUESTS_PER_SECOND={pace}, which is the pace that it allowed, and run again later"
        because = f", because {error.because}," if error.because else ","
        return f"check CALLS_API_URL and the network{because} or run again later"

    @property
    def _late(self) -> str:
        return f"was silent for {self._timeout[1]:g} s, or took {SILENCES_PER_ANSWER} times as long in all"

    def _rest(self, seconds: float) -> None:
        self._over.wait(seconds)

    def _once(self, query: Query, read: Callable[[bytes], T]) -> T:
        ticket = self._pace.wait()
        if self._over.is_set():
            raise NotServed("The session with the API is over.")
        begin = self._clock()
        try:
            with self._ask(query) as response:
                if self._on_headers is not None:
                    self._on_headers(response.headers)
                if response.headers.get("Content-Encoding", "").count(",") >= MOST_PACKINGS:
                    raise TransientFailure(
                        "answered with a body that was compressed more than twice", response.status_code
                    )
                self._check(response, query, ticket)
                body = without_token(self._body(response), self._token)
        except (requests.exceptions.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            asked = UnansweredRequest(
                self._url, begin, self._timeout[0], self._late, lambda text: redacted(text, self._token)
            )
            raise failure_of(error, asked) from None
        try:
            answer = read(EMPTY if response.status_code == HTTPStatus.NO_CONTENT else body)
        except NotAPage as error:
            raise self._no_page(error, body, response) from None
        self._pace.answered()
        return answer

    def _ask(self, query: Query) -> requests.Response:
        """The answer of the address, or of the same address without its trailing slash where the server redirects there."""
        address = self._address
        response = self._send(address, query)
        if (
            address == self._url
            and response.status_code in (301, 302, 307, 308)
            and only_drops_the_slash(address, response.headers.get("Location", ""))
        ):
            response.close()
            self._address = address.removesuffix("/")
            response = self._send(self._address, query)
        return response

    def _send(self, address: str, query: Query) -> requests.Response:
        return self._session.get(
            address,
            params=query.params(),
            headers={"Access-Token": self._token, "Content-Type": "application/json"},
            timeout=self._timeout,
            allow_redirects=False,
            proxies=self._proxies,
            stream=True,
        )

    def _body(self, response: requests.Response) -> bytes:
        body = io.BytesIO()  # a list of one-byte chunks would take many times their size
        for chunk in response.iter_content(PACKED_CHUNK if "Content-Encoding" in response.headers else CHUNK):
            body.write(chunk)
            if body.tell() > LONGEST_ANSWER:
                raise self._too_much(f"more than {LONGEST_ANSWER // 2**20} MiB", response)
        return body.getvalue()

    def _too_much(self, what: object, response: requests.Response) -> NotServed:
        sentence = f"{self._url} answered with {what} to one request: set page_size lower, or check CALLS_API_URL."
        return NotServed(sentence, response.status_code)

    def _no_page(self, error: NotAPage, body: bytes, response: requests.Response) -> Exception:
        """The error to raise for a body that is not a page."""
        if isinstance(error, TooMuch):
            return self._too_much(error, response)
        if is_web_page(body, response.headers.get("Content-Type", "")):
            return TransientFailure(f"answered with {error}", response.status_code, because=WEB_PAGE)
        said = error_words(body, self._token)
        return TransientFailure(
            f"answered with {error}{f', saying {said!r}' if said else ''}", response.status_code, said=said
        )

    def _check(self, response: requests.Response, query: Query, ticket: int) -> None:
        """Raise for an answer whose status says that it holds no page."""
        status = response.status_code
        if status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return
        self._check_passing(response, ticket)
        if 300 <= status < 400:
            target = redirect_target(response.headers.get("Location", ""), self._token)
            raise NotServed(
                f"{self._url} redirects to {target} ({status}), which is not followed: "
                "set CALLS_API_URL to the address that answers without a redirect.",
                status,
            )
        raise self._refusal(response, query)

    def _check_passing(self, response: requests.Response, ticket: int) -> None:
        """Raise for an answer whose status says that the failure may be temporary."""
        status = response.status_code
        if (
            status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
            or status < HTTPStatus.OK
            or (status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED)
        ):
            wait_s = retry_after(response.headers)
            if status == HTTPStatus.TOO_MANY_REQUESTS and not wait_s:
                pace = self._pace.too_many(ticket)
                if pace is not None:
                    self._log.warning(
                        "%s got too many requests; sending at most %.2g a second from now on.", self._url, pace
                    )
            raise TransientFailure(f"answered {status}", status, wait_s=wait_s)

    def _refusal(self, response: requests.Response, query: Query) -> ApiError:
        """The error to raise where the server refuses to answer."""
        status, body = response.status_code, first_bytes(response, MOST_READ)
        if status == HTTPStatus.FORBIDDEN and is_web_page(body, response.headers.get("Content-Type", "")):
            return NotServed(
                f"{self._url} was refused with a web page ({status}), by a gateway, proxy or firewall and not by the API: "
                "check CALLS_API_URL, the network, and whether an allow-list has to name this machine.",
                status,
            )
        said = error_words(body, self._token)
        may_be_dates = status == HTTPStatus.FORBIDDEN or (status == HTTPStatus.GONE and query.page == 1)
        if may_be_dates and query.call_type is None and self._answers_without_dates(query):
            return DatesRefused(
                f"{self._url} refused the calls from {query.date_from} to {query.date_to} ({_reason(status, said)}), but not "
                "those without dates: if it keeps calls for a limited time, set CALLS_START_DATE to the first day that it "
                "gives; otherwise run again later.",
                status,
            )
        if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.FORBIDDEN and query.call_type is None):
            saying = f"says {said!r} and " if said else ""
            return TokenRefused(
                f"{self._url} {saying}refused the token ({status}): {self._advice_on_refusals.unauthorised}.", status
            )
        kind = RequestRefused if status in REFUSED else NotServed
        return kind(self._refused(query, status, said), status)

    def _answers_without_dates(self, query: Query) -> bool:
        """Whether the list without dates is answered: then it is not the token that is refused."""
        if query.date_from is None and query.date_to is None:
            return False
        # Asked each time: a token may be revoked during a run.
        ticket = self._pace.wait()
        with self._send(self._address, replace(query, date_from=None, date_to=None, page=1, limit=1)) as response:
            self._check_passing(response, ticket)
            return response.status_code in (HTTPStatus.OK, HTTPStatus.NO_CONTENT)

    def _refused(self, query: Query, status: int | None, said: str) -> str:
        what = "the request" if query.call_type is None else f"the call type {query.call_type}"
        return f"{self._url} refused {what} ({_reason(status, said)}): {self._advice_on_refusals.refused}."

    def _report(self, state: RetryCallState) -> None:
        error, wait_s = state.outcome and state.outcome.exception(), state.upcoming_sleep
        because = f", because {error.because}" if isinstance(error, TransientFailure) and error.because else ""
        self._log.warning(
            "%s %s%s; asking again in %.1f s (retry %d).", self._url, error, because, wait_s, state.attempt_number
        )


class _Retries:
    """Counts the failures of one request, and decides when to give up."""

    def __init__(self, pace: Pace, patience_s: float, clock: Callable[[], float]) -> None:
        self._pace, self._patience_s, self._clock = pace, patience_s, clock
        self._failures = 0
        self._refusals = 0
        self._unreachable_since: float | None = None

    def are_over(self, state: RetryCallState) -> bool:
        """Whether the last failure is final."""
        error = state.outcome and state.outcome.exception()
        if not isinstance(error, TransientFailure) or (error.wait_s or 0) > LONGEST_RETRY_AFTER_S:
            return True
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            # Other threads may have been let in before this one, so the number of tries alone proves nothing.
            self._refusals += 1
            return self._refusals > RETRIES and self._pace.unanswered_s > UNANSWERED_S
        self._failures += 1
        return self._failures > RETRIES or self._is_unreachable_too_long(error, state.upcoming_sleep)

    def _is_unreachable_too_long(self, error: TransientFailure, pause_s: float) -> bool:
        if error.unreachable_since is None:
            self._unreachable_since = None
            return False
        if self._unreachable_since is None:
            self._unreachable_since = error.unreachable_since
        return self._clock() - self._unreachable_since + pause_s + CONNECT_TIMEOUT_S > self._patience_s


def _reason(status: int | None, said: str) -> str:
    return f"{status}, {said!r}" if said else f"{status}"


def _wait(state: RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    asked = error.wait_s if isinstance(error, TransientFailure) else None
    longest: float = min(LONGEST_BACKOFF_S, 0.5 * 2 ** min(state.attempt_number - 1, RETRIES))
    backoff = longest * random.uniform(0.5, 1)  # noqa: S311  # spreads retries, not a secret
    return max(asked or 0.0, backoff)  # a Retry-After in the past must not use up the retries at once
