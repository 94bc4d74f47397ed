"""What an answer's headers say about a rate limit."""

import math
import re
from collections.abc import Iterator, Mapping

NAMES = re.compile(r"rate-?limit|retry-after", re.IGNORECASE)
QUOTA = re.compile(r"(?<![\w=.-])(?:[^,;]*;\s*q=)?(\d{1,9})\s*;(?:[^,]*;)?\s*w=(\d{1,9})")
"""`100;w=60`, or `"default";q=100;w=60`: 100 requests in 60 seconds."""

NUMBER = re.compile(r"[0-9]{1,9}")

UNITS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


def limit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that are about a rate limit."""
    return {name: value for name, value in headers.items() if NAMES.search(name)}


def requests_per_second(headers: Mapping[str, str]) -> float | None:
    """The steady rate that the headers allow, rounded down to 1/100; None where they lack a number or its period."""
    paces = [quota / seconds for name, value in headers.items() for quota, seconds in _quotas(name.lower(), value)]
    pace = math.floor(min(paces) * 100) / 100 if paces else 0.0
    return pace or None


def _quotas(name: str, value: str) -> Iterator[tuple[int, int]]:
    """Each number of requests with the seconds in which it is allowed."""
    for quota, window in QUOTA.findall(value):
        if int(quota) and int(window):
            yield int(quota), int(window)
    unit = name.rpartition("-")[2]
    is_quota = not any(word in name for word in ("remaining", "reset", "used"))
    if is_quota and unit in UNITS_S and NUMBER.fullmatch(value.strip()) and int(value):
        yield int(value), UNITS_S[unit]
