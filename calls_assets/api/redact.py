"""What of a server's answer may be shown: its words in one line, and never the token."""

import codecs
import html
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from calls_assets.display import UNKNOWN, shown

MOST_SHOWN = 200  # characters of a server's words
MOST_READ = 2**16  # bytes of a body that are searched for words
SAYING = ("error", "message", "errors", "detail")  # the names under which servers say what went wrong
MASK = "***"
PLAIN_PATH = re.compile(r"^(/(v[0-9]|[a-z]{0,12})(?![^/]))*")  # the beginning of a path that cannot hold a secret
PART = 6  # characters of a token that no host has by chance
SPELLINGS = 3  # a token is found under this many layers of percent-encoding or escapes


def error_words(body: bytes, token: str) -> str:
    """The error message in a JSON body, fit to be shown; empty where there is none."""
    if len(body) > MOST_READ:
        return ""
    try:
        return redacted("; ".join(dict.fromkeys(_said(json.loads(body)))), token)
    except (ValueError, RecursionError):
        return ""


def _said(body: Any) -> Iterator[str]:
    """The texts under the names of `SAYING`."""
    if isinstance(body, list):
        for item in body:
            yield from _said(item)
    elif isinstance(body, dict):
        for name in SAYING:
            yield from _texts(body.get(name))


def _texts(value: Any) -> Iterator[str]:
    """The texts in a value; those of an object without any of the usual names are given with their own names."""
    if isinstance(value, str) and value.strip():
        yield value.strip()
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        named = (f"{name}: {text}" for name, part in value.items() for text in _texts(part))
        yield from list(_said(value)) or named


def redacted(text: str, token: str) -> str:
    """A text in one legible line of at most `MOST_SHOWN` characters, without the token."""
    return shown(_starred(shown(text, MOST_READ), token), MOST_SHOWN)


def _starred(text: str, token: str) -> str:
    if not token:
        return text
    for spelt in dict.fromkeys((token, quote(token, safe=""), quote(token), quote_plus(token))):
        text = re.sub(re.escape(spelt), MASK, text, flags=re.IGNORECASE)
    plain = text.replace(UNKNOWN, "")
    for _ in range(SPELLINGS):
        plain = html.unescape(unquote(plain))
        if token.casefold() in plain.casefold():
            return MASK
    return text


def is_web_page(body: bytes, content_type: str) -> bool:
    """Whether a body is a page for people, such as a gateway's, a login or a maintenance page.

    Args:
        body: The body, or its beginning.
        content_type: The header; on its own it proves nothing, since some servers label their JSON as HTML.
    """
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return start == b"<" or ("html" in content_type.lower() and start not in (b"", b"{", b"["))


def redirect_target(location: str, token: str) -> str:
    """Where a redirect leads: its host, or the plain words of a path; the rest could hold the token in some spelling."""
    try:
        target = urlsplit(location)
        host = target.hostname
    except ValueError:
        return "an invalid address"
    if host:
        scheme = target.scheme if target.scheme in ("http", "https", "") else "another scheme"
        return redacted(f"{scheme}://{'another host' if _has_part_of(host, token) else host}", token)
    rest = PLAIN_PATH.sub("", target.path)
    return redacted(target.path.removesuffix(rest) + ("…" if rest else ""), token) or "nowhere"


def _has_part_of(host: str, token: str) -> bool:
    """Whether a host contains the token, or a piece of it."""
    made, of = (re.sub(r"[\W_]", "", unquote(text)).casefold() for text in (host, token))
    return any(of[first : first + PART] in made for first in range(max(1, len(of) - PART + 1)) if of)


STARS = b"***"
SHORTEST = 8  # a shorter token may stand in a page by chance

# What stands before a percent-encoded character's digits, where it was encoded up to four times.
PERCENT = "%(?:25){0,3}"


def without_token(body: bytes, token: str) -> bytes:
    """A body with stars in place of the token, whichever of its characters are percent-encoded or escaped."""
    if len(token) < SHORTEST or token.isdecimal():  # stars in place of a number would not be JSON
        return body
    quoted = json.dumps(token)[1:-1]
    for spelt in {token, quoted, quoted.replace("/", "\\/")}:
        body = body.replace(spelt.encode(), STARS)
    *encoded, whole = _encoded(token)
    return whole.sub(STARS, body) if any(sign.search(body) for sign in encoded) else body


@lru_cache(maxsize=8)
def _encoded(token: str) -> tuple[re.Pattern[bytes], ...]:
    """Cheap patterns of one escaped or percent-encoded character of the token, then one of the token in any spelling."""
    signs = {sign: rf"(?:\\?{re.escape(sign)}|(?:\\u00|{PERCENT})(?i:{ord(sign):02x}))" for sign in token}
    any_sign = "|".join(f"{ord(sign):02x}" for sign in signs)
    patterns = rf"\\u00(?i:{any_sign})", rf"{PERCENT}(?i:{any_sign})", "".join(signs[sign] for sign in token)
    return tuple(re.compile(pattern.encode()) for pattern in patterns)
