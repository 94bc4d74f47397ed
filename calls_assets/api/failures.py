"""Why a request had no usable answer, and whether trying again may help."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, RemoteDisconnected
from typing import NamedTuple

import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from calls_assets.api.errors import NotServed
from calls_assets.api.transport import why_unreachable

SECONDS = re.compile(r"[0-9]{1,15}(\.[0-9]+)?")  # a Retry-After in seconds; some servers give fractions
EPOCH_FROM, EPOCH_MS_FROM = 1e9, 1e11  # from here on a Retry-After is a moment, in seconds or milliseconds since 1970
LONGEST_DATE = 64  # characters of a date in a header
# What OpenSSL says, by release, of an answer that is not TLS.
NO_TLS = re.compile("wrong.version.number|record.layer.failure|unknown.protocol", re.IGNORECASE)
NO_HTTP = "answered with something other than HTTP, or beyond its limits"
CUT = "cut its answer short"


class TransientFailure(Exception):
    """A failure that may be temporary.

    Args:
        what: What happened, as a predicate of the address.
        status: That of the answer; None where there was none.
        wait_s: How many seconds the server asked us to wait, if it did.
        because: Why, if known, as a clause.
        unreachable_since: When the attempt to connect began, by the session's clock (s); None for other failures.
        said: The server's words in a body that is not a page.
    """

    def __init__(
        self,
        what: str,
        status: int | None = None,
        *,
        wait_s: float | None = None,
        because: str = "",
        unreachable_since: float | None = None,
        said: str = "",
    ) -> None:
        super().__init__(what)
        self.status = status
        self.wait_s = wait_s
        self.because = because
        self.unreachable_since = unreachable_since
        self.said = said


class UnansweredRequest(NamedTuple):
    """A request without an answer.

    Attributes:
        address: Where it went.
        began_s: When, by the session's clock.
        connect_s: How long to wait for a connection.
        late: What happened, where the answer took too long.
        fit: Makes a text from the server fit to be shown.
    """

    address: str
    began_s: float
    connect_s: float
    late: str
    fit: Callable[[str], str]


def failure_of(error: Exception, asked: UnansweredRequest) -> Exception:
    """The error to raise where no whole answer came."""
    cause = error.args[0] if error.args else None
    match error:
        case requests.exceptions.ConnectTimeout():
            return _unreachable(f"nothing answered there within {asked.connect_s:g} s", asked, " in time")
        case requests.exceptions.SSLError():
            return _no_tls(error, asked)
        case requests.exceptions.Timeout():
            return TransientFailure(asked.late)
        case requests.exceptions.ConnectionError() if isinstance(cause, ReadTimeoutError):
            return TransientFailure(asked.late)
        case requests.exceptions.ConnectionError() if isinstance(cause, ProtocolError):
            return TransientFailure(_broken(cause))
        case requests.exceptions.ConnectionError():
            return _unreachable(why_unreachable(error), asked)
        case requests.exceptions.ChunkedEncodingError() | requests.exceptions.ContentDecodingError():
            return TransientFailure(CUT)
        case requests.exceptions.RequestException() if not isinstance(error, requests.exceptions.InvalidHeader):
            return error
        case _:  # the libraries below do not expect this of a server
            return TransientFailure(NO_HTTP)


def _unreachable(because: str, asked: UnansweredRequest, when: str = "") -> TransientFailure:
    return TransientFailure(f"could not be reached{when}", because=because, unreachable_since=asked.began_s)


def _no_tls(error: Exception, asked: UnansweredRequest) -> Exception:
    """The error to raise where TLS failed, in its handshake or in the middle of an answer."""
    cause = error.args[0] if error.args else None
    why = getattr(cause, "reason", None)
    if why is None:
        return TransientFailure(CUT)
    if "CERTIFICATE" in str(why).upper():
        return NotServed(f"{asked.address} has no certificate that can be trusted: {asked.fit(str(why))}.")
    if NO_TLS.search(str(why)):
        return NotServed(f"{asked.address} does not speak https there: check the address and port in CALLS_API_URL.")
    if "EOF" in str(why):
        return _unreachable("the host closed the connection during the TLS handshake", asked)
    return _unreachable(f"the TLS handshake failed ({asked.fit(str(why))})", asked)


def _broken(cause: ProtocolError) -> str:
    """What the server did where an answer did not begin as HTTP."""
    why = cause.args[-1]
    is_odd = isinstance(why, HTTPException | ValueError) and not isinstance(why, RemoteDisconnected)
    return NO_HTTP if is_odd else "closed the connection before it answered"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks us to wait; None where it says nothing usable.

    A moment is counted from the server's own Date header, since our clock may be wrong, or jump.
    """
    value = headers.get("Retry-After", "").strip()
    now = _moment(headers.get("Date", "")) or datetime.now(UTC)
    if SECONDS.fullmatch(value):
        number = float(value)
        if number < EPOCH_FROM:
            return number
        return max(0.0, (number if number < EPOCH_MS_FROM else number / 1000) - now.timestamp())
    at = _moment(value)
    return None if at is None else max(0.0, (at - now).total_seconds())


def _moment(value: str) -> datetime | None:
    """The moment in a header; None where it cannot be parsed."""
    if len(value) > LONGEST_DATE:
        return None
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
