"""Answers in which a server repeats the token, without it: whatever is made of them, no name, text or file holds it."""

import json
import re
from functools import lru_cache
from urllib.parse import quote

STARS = b"***"

SHORTEST = 8
"""A shorter token may stand in a page by chance."""

ESCAPED = re.compile(rb"\\u00[2-7]")
"""An escape that no writer of JSON needs, unless it escapes all signs or hides some."""


def without_token(body: bytes, token: str) -> bytes:
    """A body with stars in place of the token, as it is or percent-encoded, its signs escaped or not."""
    if len(token) < SHORTEST or token.isdecimal():  # a number in place of which stars stand would be no JSON
        return body
    for spelt in {token, json.dumps(token)[1:-1], quote(token, safe="")}:
        body = body.replace(spelt.encode(), STARS)
    return _escaped(token).sub(STARS, body) if ESCAPED.search(body) or b"\\/" in body else body


@lru_cache(maxsize=8)
def _escaped(token: str) -> re.Pattern[bytes]:
    """The token with each of its signs as it is or escaped."""
    signs = (rf"(?:\\?{re.escape(sign)}|\\u00{ord(sign):02x})" for sign in token)
    return re.compile("".join(signs).encode(), re.IGNORECASE)
