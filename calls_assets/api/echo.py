"""Answers in which a server repeats the token, without it: whatever is made of them, no name, text or file holds it."""

import json
import re
from functools import lru_cache

STARS = b"***"

SHORTEST = 8
"""A shorter token may stand in a page by chance."""

PERCENT = "%(?:25){0,3}"
"""What stands before the digits of a sign that is percent-encoded, if several times over."""


def without_token(body: bytes, token: str) -> bytes:
    """A body with stars in place of the token, whichever of its signs are percent-encoded or escaped."""
    if len(token) < SHORTEST or token.isdecimal():  # a number in place of which stars stand would be no JSON
        return body
    quoted = json.dumps(token)[1:-1]
    for spelt in {token, quoted, quoted.replace("/", "\\/")}:
        body = body.replace(spelt.encode(), STARS)
    *encoded, whole = _encoded(token)
    return whole.sub(STARS, body) if any(sign.search(body) for sign in encoded) else body


@lru_cache(maxsize=8)
def _encoded(token: str) -> tuple[re.Pattern[bytes], ...]:
    """A sign of the token as an escape and percent-encoded, which are quickly looked for, and the token in any spelling."""
    signs = {sign: rf"(?:\\?{re.escape(sign)}|(?:\\u00|{PERCENT})(?i:{ord(sign):02x}))" for sign in token}
    any_sign = "|".join(f"{ord(sign):02x}" for sign in signs)
    patterns = rf"\\u00(?i:{any_sign})", rf"{PERCENT}(?i:{any_sign})", "".join(signs[sign] for sign in token)
    return tuple(re.compile(pattern.encode()) for pattern in patterns)
