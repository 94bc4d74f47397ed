"""One request to `GET /calls/` -> what its body says, with the token, the retries and the pace of the requests.

Retried are only failures that can pass: connection errors, cut bodies, 408, 429, 5xx but 501, and a 200 that is not the
documented JSON. Of redirects only that from `/calls/` to `/calls` of the same origin is followed, so that the token goes to
the configured address only.
"""

import io
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
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
OK, NO_CONTENT, NOT_IMPLEMENTED = 200, 204, 501
UNAUTHORIZED, FORBIDDEN, GONE = 401, 403, 410
TIMED_OUT, TOO_MANY = 408, 429
# This very request will never be answered, whatever becomes of others.
REFUSED = (400, 402, FORBIDDEN, 404, 405, 422, NOT_IMPLEMENTED)
EMPTY = b"{}"  # a body without calls
WEB_PAGE = "a web page came in place of JSON, as a maintenance page, a login page or a gateway's is"


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
        patience_s: For how many seconds a host that cannot be reached is tried again.
        log: Where retries are reported.
        sleep: Waits a number of seconds, in the place of a wait that ends with the session.
        clock: Tells seconds; goes on while `sleep` waits.
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
        patience_s: float = UNREACHABLE_S,
        log: logging.Logger | None = None,
        sleep: Callable[[float], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
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
        self._pace = Pace(requests_per_second, self._sleep, clock)
        self._session = Session(SILENCES_PER_ANSWER * timeout_s, connections)
        parts = urlsplit(self._url)
        is_open = parts.scheme == "http" or is_loopback(parts.hostname or "")
        self._proxies = (
            {"no_proxy": parts.hostname or ""} if is_open else None
        )  # a proxy would read the token on its way

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._session.close()

    def fetch(self, query: Query, read: Callable[[bytes], T]) -> T:
        """Ask for a page and read its body with `read`, which raises `NotAPage` for a body that is none.

        An answer without content (204) is read as an empty JSON object.

        Raises:
            TokenRefused: 401; or 403, where no call type was asked for, and the list without dates is refused too.
            DatesRefused: 403, or 410 for a first page, where that list is answered.
            RequestRefused: 400, 402, 404, 405, 422 or 501; where a call type was asked for also 403, or time and again a 200
                that says in words what is wrong.
            NotServed: 403 with a web page, a redirect, a certificate that cannot be trusted, any other 4xx but 408 and 429.
            Unavailable: the failures that can pass did not, within the bounds above.
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
        if error.status == TOO_MANY:
            pace = self._pace.achieved(error.wait_s or 0)
            return f"set CALLS_REQUESTS_PER_SECOND={pace}, which is what was let through, and run again later"
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
                    raise TransientFailure("answered with what is packed more than twice", response.status_code)
                self._check(response, query, ticket)
                body = without_token(self._body(response), self._token)
        except (requests.exceptions.RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            asked = UnansweredRequest(
                self._url, begin, self._timeout[0], self._late, lambda text: redacted(text, self._token)
            )
            raise failure_of(error, asked) from None
        try:
            answer = read(EMPTY if response.status_code == NO_CONTENT else body)
        except NotAPage as error:
            raise self._no_page(error, body, response) from None
        self._pace.answered()
        return answer

    def _ask(self, query: Query) -> requests.Response:
        """The answer of the address, or of the same without its slash where the server says that it is there."""
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
        body = io.BytesIO()  # a list of pieces would take many times their size where each is a byte
        for chunk in response.iter_content(PACKED_CHUNK if "Content-Encoding" in response.headers else CHUNK):
            body.write(chunk)
            if body.tell() > LONGEST_ANSWER:
                raise self._too_much(f"more than {LONGEST_ANSWER // 2**20} MiB", response)
        return body.getvalue()

    def _too_much(self, what: object, response: requests.Response) -> NotServed:
        sentence = f"{self._url} answered with {what} to one request: set page_size lower, or check CALLS_API_URL."
        return NotServed(sentence, response.status_code)

    def _no_page(self, error: NotAPage, body: bytes, response: requests.Response) -> Exception:
        """What it means that a body is no page."""
        if isinstance(error, TooMuch):
            return self._too_much(error, response)
        if is_web_page(body, response.headers.get("Content-Type", "")):
            return TransientFailure(f"answered with {error}", response.status_code, because=WEB_PAGE)
        said = error_words(body, self._token)
        return TransientFailure(
            f"answered with {error}{f', saying {said!r}' if said else ''}", response.status_code, said=said
        )

    def _check(self, response: requests.Response, query: Query, ticket: int) -> None:
        """Raise what the status of an answer says, unless that is that there is a page."""
        status = response.status_code
        if status in (OK, NO_CONTENT):
            return
        self._check_passing(response, ticket)
        if 300 <= status < 400:
            target = redirect_target(response.headers.get("Location", ""), self._token)
            raise NotServed(
                f"{self._url} redirects to {target} ({status}), which is not followed: "
                "set CALLS_API_URL to the address that answers itself.",
                status,
            )
        raise self._refusal(response, query)

    def _check_passing(self, response: requests.Response, ticket: int) -> None:
        """Raise where the status of an answer says that the failure can pass."""
        status = response.status_code
        if status in (TIMED_OUT, TOO_MANY) or status < OK or (status >= 500 and status != NOT_IMPLEMENTED):
            wait_s = retry_after(response.headers)
            if status == TOO_MANY and not wait_s:
                self._slow_down(ticket)
            raise TransientFailure(f"answered {status}", status, wait_s=wait_s)

    def _refusal(self, response: requests.Response, query: Query) -> ApiError:
        """What it means that the server refuses to answer."""
        status, body = response.status_code, first_bytes(response, MOST_READ)
        if status == FORBIDDEN and is_web_page(body, response.headers.get("Content-Type", "")):
            return NotServed(
                f"{self._url} was refused with a web page ({status}), by a gateway, proxy or firewall and not by the API: "
                "check CALLS_API_URL, the network, and whether an allow-list has to name this machine.",
                status,
            )
        said = error_words(body, self._token)
        may_be_dates = status == FORBIDDEN or (status == GONE and query.page == 1)
        if may_be_dates and query.call_type is None and self._answers_without_dates(query):
            return DatesRefused(
                f"{self._url} refused the calls from {query.date_from} to {query.date_to} ({_told(status, said)}), but not "
                "those without dates: where it keeps calls only for so long, set CALLS_START_DATE to the first day that it "
                "gives, else run again later.",
                status,
            )
        if status == UNAUTHORIZED or (status == FORBIDDEN and query.call_type is None):
            saying = f"says {said!r} and " if said else ""
            return TokenRefused(
                f"{self._url} {saying}refused the token ({status}): set CALLS_API_TOKEN to a valid one.", status
            )
        kind = RequestRefused if status in REFUSED else NotServed
        return kind(self._refused(query, status, said), status)

    def _answers_without_dates(self, query: Query) -> bool:
        """Whether the list is answered where no dates are asked for: then it is not the token that is refused."""
        if query.date_from is None and query.date_to is None:
            return False
        # UnansweredRequest each time: a token may be revoked in the middle of a run.
        ticket = self._pace.wait()
        with self._send(self._address, replace(query, date_from=None, date_to=None, page=1, limit=1)) as response:
            self._check_passing(response, ticket)
            return response.status_code in (OK, NO_CONTENT)

    def _refused(self, query: Query, status: int | None, said: str) -> str:
        what = "the request" if query.call_type is None else f"the call type {query.call_type}"
        advice = "check CALLS_API_URL and the filters, or ask calls-assets doctor"
        return f"{self._url} refused {what} ({_told(status, said)}): {advice}."

    def _slow_down(self, ticket: int) -> None:
        pace = self._pace.too_many(ticket)
        if pace is not None:
            self._log.warning("%s had too many requests; at most %.2g a second from here on.", self._url, pace)

    def _report(self, state: RetryCallState) -> None:
        error, wait_s = state.outcome and state.outcome.exception(), state.upcoming_sleep
        because = f", because {error.because}" if isinstance(error, TransientFailure) and error.because else ""
        self._log.warning(
            "%s %s%s; asking again in %.1f s (retry %d).", self._url, error, because, wait_s, state.attempt_number
        )


class _Retries:
    """Counts the failures of one request, and says when it has been asked often enough."""

    def __init__(self, pace: Pace, patience_s: float, clock: Callable[[], float]) -> None:
        self._pace, self._patience_s, self._clock = pace, patience_s, clock
        self._failures = 0
        self._refusals = 0
        self._unreachable_since: float | None = None

    def are_over(self, state: RetryCallState) -> bool:
        """Whether the failure of the last try is final."""
        error = state.outcome and state.outcome.exception()
        if not isinstance(error, TransientFailure) or (error.wait_s or 0) > LONGEST_RETRY_AFTER_S:
            return True
        if error.status == TOO_MANY:
            # Others of the session may have been let in before this one, so tries alone tell nothing.
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


def _told(status: int | None, said: str) -> str:
    return f"{status}, {said!r}" if said else f"{status}"


def _wait(state: RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    asked = error.wait_s if isinstance(error, TransientFailure) else None
    longest: float = min(LONGEST_BACKOFF_S, 0.5 * 2 ** min(state.attempt_number - 1, RETRIES))
    backoff = longest * random.uniform(0.5, 1)  # noqa: S311  # spreads retries, no secret
    return max(asked or 0.0, backoff)  # a date that has passed by our clock must not use up the retries at once
