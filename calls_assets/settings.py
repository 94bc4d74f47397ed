"""The environment, read and checked once, with a sentence for every invalid value.

Each variable is declared once, as a field of `Settings` or, where only a run may know its value, in `READ_BY_RUNS`. The
fields of Dagster's resources, `.env.example` and what the doctor writes follow from that.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calls_assets.api.document import CALL_TYPES, LABEL_CALL_TYPES, MAX_LIMIT, Query
from calls_assets.api.privacy import KEEP, POLICIES
from calls_assets.by_ring_group import ByRingGroup
from calls_assets.targets import Targets, read_share, read_shares
from calls_assets.waits import METHODS, NONE, Thresholds, Waits, read_thresholds

PREFIX = "CALLS_"

MOST_IN_FLIGHT = 64
"""The most concurrent requests that can be set."""

OF_THIS_MACHINE = ("localtime", "posix", "right/")
"""How names begin that are files of a machine's zone database, but no names of IANA: other programs do not know them."""

OWNER = re.compile(r"team:[A-Za-z0-9_]+|[^@\s]+@[^@\s]+\.[^@\s]+")
"""What Dagster accepts as an owner."""

ACCOUNT = "The account"
WAITS = "How waits are told: `calls-assets doctor` and `calls-assets evidence` prove these"
REQUESTS = "How to ask: `calls-assets doctor` finds these out"
SCHEDULE = "When to pull"
PEOPLE = "People"
TARGETS = "Targets: what the daily pages judge by"
ALERTS = "Alerts"
UI = "In the UI"
SECTIONS = (ACCOUNT, WAITS, REQUESTS, SCHEDULE, PEOPLE, TARGETS, ALERTS, UI)


@dataclass(frozen=True)
class Variable:
    """A variable of the environment.

    Attributes:
        name: Its name.
        section: Its part of `.env.example`; empty for what only a deployment sets.
        about: What it means, with its unit and what is allowed, in sentences.
        spelt: How its value is written in the environment, where that differs from a value in Python.
        unset: What applies where it is not set, for a default that cannot be written as a value.
        example: A value for `.env.example`, where there is no default to show.
        is_secret: Whether its value must never be shown.
        read: Converts text to a value; its ValueError says what is allowed, as in "CALLS_X is ...".
    """

    name: str
    section: str
    about: str
    spelt: str = ""
    unset: str = ""
    example: str = ""
    is_secret: bool = False
    read: Callable[[str], Any] = str

    @property
    def description(self) -> str:
        """What it means, and what applies where it is not set."""
        return f"{self.about} Default: {self.unset}." if self.unset else self.about


READ_BY_RUNS = (
    Variable(
        "CALLS_API_URL",
        ACCOUNT,
        "Base URL of the API: what stands before /calls/. Required.",
        example="https://account.example.com/api/v1",
    ),
    Variable("CALLS_API_TOKEN", ACCOUNT, "Value of the Access-Token header; a secret. Required.", is_secret=True),
    Variable(
        "CALLS_PRIVACY_KEY",
        PEOPLE,
        "Key of the pseudonyms, at least 16 characters that nobody can guess (openssl rand -hex 16); a secret.",
        unset="none",
        is_secret=True,
    ),
    Variable(
        "CALLS_ALERT_URL",
        ALERTS,
        "Where failed runs, missing days and days beyond the thresholds are posted: an Apprise address such as slack://... "
        "or jsons://host/path, or a Slack webhook; a secret. Needs the extra `alerts`.",
        unset="nothing is posted",
        is_secret=True,
    ),
    Variable("CALLS_BROKER_URL", "", "Where Celery's workers get their work.", is_secret=True),
)
"""Variables that are read when a run or a sensor starts: secrets, and the address that they belong to."""


def whole(what: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers in a range."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise ValueError(f"{what} from {least} to {most}")
        return int(text)

    return read


def read_zone(text: str) -> ZoneInfo:
    """The time zone of a name."""
    try:
        if text.startswith(OF_THIS_MACHINE):
            raise ZoneInfoNotFoundError
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


def _share(text: str) -> float:
    share = read_share(text)
    if share is None:
        raise ValueError("a share from 0 to 1 such as 0.8")
    return share


def _web(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("the web address of this project's docs folder")
    return text.rstrip("/")


def _pages(text: str) -> str:
    if not text.startswith(("http://", "https://", "/")) or text.startswith("//"):
        raise ValueError("a web address, or a path on the UI's own server such as /daily_report")
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


def _wait(text: str) -> str:
    if text not in (*METHODS, NONE):
        raise ValueError(f"one of {', '.join((*METHODS, NONE))}")
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


def _about(*args: Any, **more: Any) -> dict[str, Variable]:
    """A field's metadata: its variable."""
    return {"variable": Variable(*args, **more)}


@dataclass(frozen=True)
class Settings:
    """What the environment sets, except what only a run reads.

    `problems` holds a sentence for each value that could not be used. The default is used instead, so that the project
    still loads, and every run fails with the sentences.
    """

    zone: ZoneInfo = field(
        default=ZoneInfo("UTC"),
        metadata=_about(
            "CALLS_TIMEZONE",
            ACCOUNT,
            "IANA zone whose midnights bound the days. A tree keeps the zone that it was made with: choose it once.",
            read=read_zone,
        ),
    )
    start_date: date = field(
        default=date(2025, 1, 1), metadata=_about("CALLS_START_DATE", ACCOUNT, "First day, YYYY-MM-DD.", read=_date)
    )
    data_url: str = field(
        default="data",
        metadata=_about(
            "CALLS_DATA_URL", ACCOUNT, "Root of the Parquet tree: a folder, or a URL such as s3://bucket/prefix."
        ),
    )
    filters: Query = field(
        default=Query(),
        metadata=_about(
            "CALLS_FILTERS",
            ACCOUNT,
            "Pull only some calls, in the API's own words, such as ringGroupId=7&numberIds=1,2. Give such a pull a "
            "CALLS_DATA_URL of its own.",
            unset="all calls",
            read=_filters,
        ),
    )
    wait: str | None = field(
        default=None,
        metadata=_about(
            "CALLS_WAIT",
            WAITS,
            "How a caller's wait is told from a record: duration_less_talk, leg_start, or none where neither tells it. "
            "Days keep what was set when they were computed.",
            unset="not known: no figure that needs a wait is given",
            example="duration_less_talk",
            read=_wait,
        ),
    )
    sla_seconds: Thresholds = field(
        default=Thresholds(),
        metadata=_about(
            "CALLS_SLA_SECONDS",
            WAITS,
            "The vendor's service-level threshold in seconds from the start of the call on, also by ring group: 30, or "
            "30,7:20, in which ring group 7 has 20 s.",
            unset="not known: the threshold that fits a day's calls best is taken",
            example="30",
            read=read_thresholds,
        ),
    )
    dates_zone: ZoneInfo | None = field(
        default=None,
        metadata=_about(
            "CALLS_DATES_ZONE",
            REQUESTS,
            "IANA zone in which the account reads dateFrom and dateTo, where that is known: no margin for other zones "
            "is pulled then.",
            unset="unknown",
            example="UTC",
            read=read_zone,
        ),
    )
    date_to_inclusive: bool = field(
        default=False,
        metadata=_about(
            "CALLS_DATE_TO_INCLUSIVE",
            REQUESTS,
            "Whether the account is known to include the day of dateTo: then no further day is asked for.",
            spelt="1 for yes",
            read=_switch,
        ),
    )
    times_zone: ZoneInfo | None = field(
        default=None,
        metadata=_about(
            "CALLS_TIMES_ZONE",
            REQUESTS,
            "IANA zone of times that the account gives as text without an offset, such as 2026-11-26 09:30:00; where it"
            " is unknown, a call whose started_at is such a time is set aside in rejected_calls.",
            unset="unknown",
            example="UTC",
            read=read_zone,
        ),
    )
    page_size: int = field(
        default=MAX_LIMIT,
        metadata=_about(
            "CALLS_PAGE_SIZE",
            REQUESTS,
            f"Calls to ask for per page, 1 to {MAX_LIMIT}; the API may give fewer.",
            read=whole("a number of calls", 1, MAX_LIMIT),
        ),
    )
    calls_per_window: int = field(
        default=100_000,
        metadata=_about(
            "CALLS_PER_WINDOW",
            REQUESTS,
            "A range of days with more calls than this is pulled in smaller ranges, which bounds the memory of a run.",
            read=whole("a number of calls", 1, 10_000_000),
        ),
    )
    concurrency: int = field(
        default=4,
        metadata=_about(
            "CALLS_CONCURRENCY",
            REQUESTS,
            f"Concurrent requests, 1 to {MOST_IN_FLIGHT}; more of them pay on a slow link, and cost memory.",
            read=whole("a number of requests", 1, MOST_IN_FLIGHT),
        ),
    )
    requests_per_second: float | None = field(
        default=None,
        metadata=_about(
            "CALLS_REQUESTS_PER_SECOND",
            REQUESTS,
            "Upper bound of the pace, in requests per second, such as 1.5.",
            unset="none",
            read=_pace,
        ),
    )
    read_twice: bool = field(
        default=False,
        metadata=_about(
            "CALLS_READ_TWICE",
            REQUESTS,
            "Whether to accept a list of several pages only where two readings in a row agree: for accounts where calls are "
            "deleted while others arrive. Doubles the requests.",
            spelt="1 for yes",
            read=_switch,
        ),
    )
    max_rejected_share: float = field(
        default=0.1,
        metadata=_about(
            "CALLS_MAX_REJECTED_SHARE",
            REQUESTS,
            "A pull fails, and replaces nothing, where a larger share (0 to 1) of its records cannot be read.",
            read=_share,
        ),
    )
    call_types: tuple[str, ...] = field(
        default=LABEL_CALL_TYPES,
        metadata=_about(
            "CALLS_CALL_TYPES",
            REQUESTS,
            "The call types to ask the API for by id. `calls-assets evidence` says which can be spared.",
            spelt="with commas between",
            unset="the eleven that a call's fields cannot tell",
            read=_call_types,
        ),
    )
    allow_http: bool = field(
        default=False,
        metadata=_about(
            "CALLS_ALLOW_HTTP",
            REQUESTS,
            "Whether the token may go to another machine over plain http.",
            spelt="1 for yes",
            read=_switch,
        ),
    )
    repull_days: int = field(
        default=3,
        metadata=_about(
            "CALLS_REPULL_DAYS",
            SCHEDULE,
            "How many closed days each morning pulls again, because calls change after they end: see call_changes for "
            "how many it takes.",
            read=whole("a number of days", 1, 366),
        ),
    )
    repull_hour: int = field(
        default=5,
        metadata=_about(
            "CALLS_REPULL_HOUR",
            SCHEDULE,
            "Hour of that morning, in CALLS_TIMEZONE.",
            read=whole("an hour of the day", 0, 23),
        ),
    )
    days_per_run: int | None = field(
        default=None,
        metadata=_about(
            "CALLS_DAYS_PER_RUN",
            SCHEDULE,
            "Most days of one run of a backfill, where runs are spread over machines.",
            unset="all days in one run",
            read=whole("a number of days", 1, 366),
        ),
    )
    privacy: str = field(
        default=KEEP,
        metadata=_about(
            "CALLS_PRIVACY",
            PEOPLE,
            "What lands of names, numbers, notes, tags and addresses of recordings: keep, pseudonymise (a keyed hash "
            "that still joins) or drop. A tree keeps to its first policy.",
            read=_policy,
        ),
    )
    target_service_level: ByRingGroup[float] = field(
        default=ByRingGroup(),
        metadata=_about(
            "CALLS_TARGET_SERVICE_LEVEL",
            TARGETS,
            "The least service level, as a share, also by ring group: 0.8, or 0.8,7:0.9, in which ring group 7 has 90 %.",
            unset="none: days are compared with the days before only",
            example="0.8",
            read=read_shares,
        ),
    )
    target_abandonment: ByRingGroup[float] = field(
        default=ByRingGroup(),
        metadata=_about(
            "CALLS_TARGET_ABANDONMENT",
            TARGETS,
            "The highest abandonment rate, as a share, also by ring group.",
            unset="none",
            example="0.05",
            read=read_shares,
        ),
    )
    alert_service_level: float | None = field(
        default=None,
        metadata=_about(
            "CALLS_ALERT_SERVICE_LEVEL",
            ALERTS,
            "Post closed days whose service level is under this share.",
            unset="none",
            example="0.8",
            read=_share,
        ),
    )
    alert_abandonment: float | None = field(
        default=None,
        metadata=_about(
            "CALLS_ALERT_ABANDONMENT",
            ALERTS,
            "Post closed days whose abandonment rate is over this share.",
            unset="none",
            example="0.05",
            read=_share,
        ),
    )
    alert_calls: int = field(
        default=50,
        metadata=_about(
            "CALLS_ALERT_CALLS",
            ALERTS,
            "... but only days with at least so many calls answered or abandoned.",
            read=whole("a number of calls", 1, 1_000_000),
        ),
    )
    owners: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "CALLS_OWNERS",
            UI,
            "Who owns the assets: e-mail addresses and team:names, with commas between.",
            unset="nobody",
            example="team:calls",
            read=_owners,
        ),
    )
    docs_url: str = field(
        default="",
        metadata=_about(
            "CALLS_DOCS_URL",
            UI,
            "Web address of this project's docs folder, to which every asset then links.",
            unset="its files, where they lie on this disk",
            read=_web,
        ),
    )
    pages_url: str = field(
        default="",
        metadata=_about(
            "CALLS_PAGES_URL",
            UI,
            "Web address at which a server of yours, behind a login, serves the folder daily_report of CALLS_DATA_URL: "
            "the asset daily_report then links its pages there.",
            unset="linked and served by `calls-assets dev`, and by no other web server",
            example="https://calls.example.com/daily_report",
            read=_pages,
        ),
    )
    problems: tuple[str, ...] = ()

    @property
    def waits(self) -> Waits:
        """How waits are told."""
        return Waits(None if self.wait == NONE else self.wait, self.sla_seconds)

    @property
    def targets(self) -> Targets:
        """What the daily pages judge by."""
        return Targets(self.target_service_level, self.target_abandonment)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings of an environment; an empty value counts as not set."""
        values: dict[str, Any] = {}
        problems = list(_misspelt(environ))
        for name, variable in FIELDS.items():
            given = environ.get(variable.name, "").strip()
            try:
                if given:
                    values[name] = variable.read(given)
            except ValueError as error:
                problems.append(f"{variable.name} is {error}, but {given!r} was given.")
        return cls(**values, problems=tuple(problems))


FIELDS: dict[str, Variable] = {
    each.name: each.metadata["variable"] for each in fields(Settings) if "variable" in each.metadata
}
"""The fields of `Settings`, each with its variable."""

VARIABLES = {variable.name: variable for variable in (*READ_BY_RUNS, *FIELDS.values())}
"""Every variable by its name."""


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that looks like a misspelt setting."""
    known = {name.removeprefix(PREFIX): name for name in VARIABLES}
    for name in sorted(environ.keys() - set(known.values())):
        near = difflib.get_close_matches(name.removeprefix(PREFIX), known, 1, 0.7) if name.startswith(PREFIX) else []
        for meant in near:
            yield f"{name} is not a setting: rename it to {known[meant]}, or unset it."
