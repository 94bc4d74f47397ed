"""The environment, read and checked once, with a sentence for every mistake."""

import difflib
import io
import os
import re
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calls_assets.api.document import CALL_TYPES, MAX_LIMIT, Query
from calls_assets.api.privacy import KEEP, POLICIES

PREFIX = "CALLS_"

MOST_IN_FLIGHT = 64
"""The most requests at a time that can be asked for."""

OWNER = re.compile(r"team:[A-Za-z0-9_]+|[^@\s]+@[^@\s]+\.[^@\s]+")
"""What Dagster takes as an owner."""


@dataclass(frozen=True)
class Settings:
    """What the environment sets beside the API's address and token, which only a run reads.

    `problems` holds a sentence for each value that could not be used; its default stands in, so that the project still
    loads, and every run fails with the sentences.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    start_date: date = date(2025, 1, 1)  # a date cannot change
    data_url: str = "data"
    filters: Query = field(default_factory=Query)
    allow_http: bool = False
    dates_zone: ZoneInfo | None = None
    date_to_inclusive: bool = False
    times_zone: ZoneInfo | None = None
    page_size: int | None = None
    calls_per_window: int | None = None
    requests_per_second: float | None = None
    concurrency: int | None = None
    read_twice: bool | None = None
    max_rejected_share: float | None = None
    call_types: tuple[str, ...] | None = None
    privacy: str = KEEP
    days_per_run: int | None = None
    repull_days: int = 3
    repull_hour: int = 5
    alert_service_level: float | None = None
    alert_abandonment: float | None = None
    alert_calls: int = 50
    owners: tuple[str, ...] = ()
    docs_url: str = ""
    problems: tuple[str, ...] = ()

    @property
    def asking(self) -> dict[str, Any]:
        """How to ask the API and what to take from it, as far as that is set."""
        names = (
            "page_size",
            "calls_per_window",
            "requests_per_second",
            "concurrency",
            "read_twice",
            "max_rejected_share",
        )
        given = {name: getattr(self, name) for name in names} | {
            "call_types": self.call_types and list(self.call_types),
            "times_zone": self.times_zone and self.times_zone.key,
        }
        return {name: value for name, value in given.items() if value is not None}

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings of an environment; an empty value counts as not set."""
        values: dict[str, object] = {}
        problems = list(_misspelt(environ))
        for variable, (name, read) in VARIABLES.items():
            given = environ.get(variable, "").strip()
            try:
                if given:
                    values[name] = read(given)
            except ValueError as error:
                problems.append(f"{variable} is {error}, but {given!r} was given.")
        return cls(**values, problems=tuple(problems))  # type: ignore[arg-type]  # VARIABLES pairs names and readers


def load_env_file(path: Path = Path(".env")) -> None:
    """Give the environment what it lacks, or has empty, from a file; nothing where there is none.

    Raises:
        ValueError: the file cannot be read, or a line of it is no NAME=value.

    Warns:
        UserWarning: it holds a secret, and everybody on the machine can read it.
    """
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.absolute()} could not be read as UTF-8 text: {error}.") from None
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise ValueError(f"Line {binding.original.line} of {path.absolute()} is no NAME=value: mend or remove it.")
    given = dotenv_values(stream=io.StringIO(text), interpolate=False)
    lacked = {name: value for name, value in given.items() if value and not os.environ.get(name, "").strip()}
    secret = [name for name in SECRETS if name in lacked]
    if secret and path.stat().st_mode & stat.S_IROTH:
        told = (
            f"{path.absolute()} holds {' and '.join(secret)}, and everybody on this machine can read it: chmod 600 it."
        )
        warnings.warn(told, stacklevel=2)
    os.environ.update(lacked)


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that is not ours but looks as if it was meant to be."""
    known = {name.removeprefix(PREFIX): name for name in (*VARIABLES, *OTHERS)}
    for name in sorted(environ.keys() - set(known.values())):
        near = difflib.get_close_matches(name.removeprefix(PREFIX), known, 1, 0.7) if name.startswith(PREFIX) else []
        for meant in near:
            yield f"{name} is no setting: {known[meant]} was meant, or unset it."


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("an IANA time zone such as America/New_York") from None


def _date(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != str(day) or not 2000 <= day.year < 2100:
        raise ValueError("a day from 2000-01-01 to 2099-12-31, as YYYY-MM-DD")
    return day


def _between(least: int, most: int, what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise ValueError(f"{what} from {least} to {most}")
        return int(text)

    return read


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("a share from 0 to 1 such as 0.8")
    return share


def _web(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("the web address of this project's docs folder")
    return text.rstrip("/")


def _pace(text: str) -> float:
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0 < pace < 10_000:
        raise ValueError("a number of requests per second above 0 such as 1.5")
    return pace


def _owners(text: str) -> tuple[str, ...]:
    owners = tuple(part.strip() for part in text.split(","))
    if not all(OWNER.fullmatch(owner) for owner in owners):
        raise ValueError("a list of e-mail addresses and team:names, with commas between")
    return owners


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError("0 or 1")
    return text == "1"


def _policy(text: str) -> str:
    if text not in POLICIES:
        raise ValueError(f"one of {', '.join(POLICIES)}")
    return text


def _call_types(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not set(names) <= set(CALL_TYPES):
        raise ValueError(f"some of {', '.join(CALL_TYPES)}, with commas between")
    return names


def _filters(text: str) -> Query:
    try:
        return Query.filters(text)
    except ValueError as error:
        raise ValueError(f"a query string of the API's filters such as ringGroupId=7&numberIds=1,2 ({error})") from None


VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "CALLS_TIMEZONE": ("zone", _zone),
    "CALLS_START_DATE": ("start_date", _date),
    "CALLS_DATA_URL": ("data_url", str),
    "CALLS_FILTERS": ("filters", _filters),
    "CALLS_ALLOW_HTTP": ("allow_http", _switch),
    "CALLS_DATES_ZONE": ("dates_zone", _zone),
    "CALLS_DATE_TO_INCLUSIVE": ("date_to_inclusive", _switch),
    "CALLS_TIMES_ZONE": ("times_zone", _zone),
    "CALLS_PAGE_SIZE": ("page_size", _between(1, MAX_LIMIT, "a number of calls")),
    "CALLS_PER_WINDOW": ("calls_per_window", _between(1, 10_000_000, "a number of calls")),
    "CALLS_REQUESTS_PER_SECOND": ("requests_per_second", _pace),
    "CALLS_CONCURRENCY": ("concurrency", _between(1, MOST_IN_FLIGHT, "a number of requests")),
    "CALLS_READ_TWICE": ("read_twice", _switch),
    "CALLS_MAX_REJECTED_SHARE": ("max_rejected_share", _share),
    "CALLS_CALL_TYPES": ("call_types", _call_types),
    "CALLS_PRIVACY": ("privacy", _policy),
    "CALLS_DAYS_PER_RUN": ("days_per_run", _between(1, 366, "a number of days")),
    "CALLS_REPULL_DAYS": ("repull_days", _between(1, 366, "a number of days")),
    "CALLS_REPULL_HOUR": ("repull_hour", _between(0, 23, "an hour of the day")),
    "CALLS_OWNERS": ("owners", _owners),
    "CALLS_DOCS_URL": ("docs_url", _web),
    "CALLS_ALERT_SERVICE_LEVEL": ("alert_service_level", _share),
    "CALLS_ALERT_ABANDONMENT": ("alert_abandonment", _share),
    "CALLS_ALERT_CALLS": ("alert_calls", _between(1, 1_000_000, "a number of calls")),
}
"""Each variable with its field of `Settings` and what reads it."""

SECRETS = ("CALLS_API_TOKEN", "CALLS_PRIVACY_KEY", "CALLS_ALERT_URL", "CALLS_BROKER_URL")

OTHERS = ("CALLS_API_URL", *SECRETS)
"""Variables that are read when a run or a sensor starts."""
