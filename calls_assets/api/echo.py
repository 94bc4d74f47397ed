"""Answers in which a server repeats the token, without it: whatever is made of them, no name, text or file holds it."""

import json
import re
from functools import lru_cache
from urllib.parse import quote

STARS = b"***"

SHORTEST = 8
"""A shorter token may stand in a page by chance."""


def without_token(body: bytes, token: str) -> bytes:
    """A body with stars in place of the token, as it is or percent-encoded, its signs escaped or not."""
    if len(token) < SHORTEST or token.isdecimal():  # a number in place of which stars stand would be no JSON
        return body
    quoted = json.dumps(token)[1:-1]
    for spelt in {token, quoted, quoted.replace("/", "\\/"), quote(token, safe="")}:
        body = body.replace(spelt.encode(), STARS)
    escaped, whole = _escapes(token)
    return whole.sub(STARS, body) if escaped.search(body) else body


@lru_cache(maxsize=8)
def _escapes(token: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """A sign of the token as an escape, which is quickly looked for, and the token with each sign as it is or escaped."""
    signs = {sign: rf"(?:\\?{re.escape(sign)}|\\u00(?i:{ord(sign):02x}))" for sign in token}
    escaped = "|".join(f"{ord(sign):02x}" for sign in signs)
    return re.compile(rf"\\u00(?i:{escaped})".encode()), re.compile("".join(signs[sign] for sign in token).encode())
