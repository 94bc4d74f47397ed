"""Checks of the address that requests go to, and of the token that goes with them."""

from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from calls_assets.loopback import is_loopback

PORTS = {"http": 80, "https": 443}


def checked_url(url: str, allow_http: bool) -> str:
    """The part of the API's address before `/calls/`, without a trailing slash.

    Args:
        url: The value of CALLS_API_URL.
        allow_http: Whether the token may go to another machine over plain http.

    Raises:
        ValueError: it is not valid; the sentence names CALLS_API_URL, and holds no secret from it.
    """
    if not url.strip():
        raise ValueError(
            "CALLS_API_URL is not set: set it to the part of the address before /calls/, such as https://account.example.com/api/v1."
        )
    parts = _split(url.strip())
    if parts is None or parts.scheme not in PORTS or parts.query or parts.fragment or "@" in parts.netloc:
        shown = parts and parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
        given = f"{shown!r} was given" if shown else "what was given is not an address"
        raise ValueError(
            "CALLS_API_URL is the part of the address before /calls/, such as https://account.example.com/api/v1, "
            f"without a user name, query or fragment, but {given}."
        )
    if parts.path.rstrip("/").endswith("/calls"):
        raise ValueError(
            f"CALLS_API_URL is the part of the address before /calls/, but {url.strip()!r} was given: leave /calls/ out."
        )
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        raise ValueError(
            f"CALLS_API_URL must be an https address, because the token goes there, but {url.strip()!r} was given: "
            "set CALLS_ALLOW_HTTP=1 if that is what you want."
        )
    return url.strip().rstrip("/")


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None where no request can go there."""
    try:
        requests.Request("GET", url).prepare()
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:  # requests' own errors are ValueErrors too
        return None


def checked_token(token: str) -> str:
    """The token, without surrounding blanks.

    Raises:
        ValueError: it is missing, or no header can carry it; the sentence never holds it.
    """
    if not token.strip():
        raise ValueError("CALLS_API_TOKEN is not set: set it to the account's access token.")
    if not token.isascii() or not token.isprintable():
        raise ValueError(
            "CALLS_API_TOKEN holds characters that an HTTP header cannot carry: set it to the account's access token."
        )
    return token.strip()


def only_drops_the_slash(url: str, location: str) -> bool:
    """Whether a redirect from `url`, which ends in a slash, leads to the same address without it, whatever its query."""
    try:
        asked, target = urlsplit(url), urlsplit(urljoin(url, location))
        return _origin(asked) == _origin(target) and target.path == asked.path[:-1]
    except ValueError:
        return False


def _origin(parts: SplitResult) -> tuple[object, ...]:
    return parts.scheme, parts.username, parts.password, parts.hostname, parts.port or PORTS.get(parts.scheme)
