"""The query string of `GET /calls/`, read as the document has it, and which calls it asks for."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from calls_assets.api.document import CALL_TYPES, MAX_LIMIT
from calls_assets.display import shown
from calls_assets.sandbox.calls import SimulatedCall, types_as_of
from calls_assets.sandbox.dialects import known

_T = TypeVar("_T")

DEFAULT_LIMIT = 100
DEFAULT_DAYS = 30
"""How far back an answer goes when the query has no dateFrom."""

MOST_PARAMETERS = 100


class BadParameterError(Exception):
    """A parameter is not what the document allows, or what the account does not; the text names it."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Behaviour:
    """What the document leaves open, and in what an account is otherwise than the document says.

    Attributes:
        zone: IANA zone in which dateFrom and dateTo are read.
        date_to_inclusive: whether the day (or the second) of dateTo belongs to the answer.
        order: how the pages run; `shuffled` is a fixed order that follows neither id nor time.
        first_page: the number of the first page; pages count from 1 by the document.
        page_cap: the most rows a page has, whatever `limit` asks for; `meta.limit` tells the size in effect.
        total_as: whether `meta.total` is a number, a numeric `string`, words with `grouped` thousands, `null`, or not there:
            `absent` alone, or with all of `meta` (`no_meta`).
        refused_call_types: values of callType that get a 400.
        latency_s: seconds that each answer takes longer.
        gzip: whether answers are packed for clients that take them so.
        headers: further headers of every answer, such as those of a rate limit.
        dialect: in which `dialects` the records are told, all at once; filters and dates are read on the plain record.
        total_cap: `meta.total` is never more than this.
        total_of_page: `meta.total` counts the page.
        total_offset: `meta.total` is so many calls too high.
        total_of_all: `meta.total` is always this, whatever is asked for.
        most_dates: of a range of more dates only so many are answered for, the first or the last ones by `dates_kept`.
        widest: a range of more dates is refused with 422.
        dates_kept: which dates of too wide a range are answered for.
        lacks: which calls the list without a call type does not have; those of the call types do.
        names_next: whether `meta.next` is as documented, or there always or never (null), or not even as a name (`absent`).
        deepest: so many calls of a list can be paged through; a page that reaches beyond is refused with `deeper_status`, or
            ends there where that is 200.
        deeper_status: the status of pages that lie too deep.
        deepest_of: whether `deepest` holds for the calls that a list has, or for what is asked for, so that even the page
            after a list's last one is refused, as search engines do.
        page_bytes: a page ends before it has more bytes of calls; the next one begins where it would have ended without that.
        keeps_days: calls are kept for so many days; of older dates the plain list is refused with `keeps_status`.
        keeps_status: the status of dates that are not kept any more.
        beyond_end_status: a page beyond the end of the list is refused with this status; 200: it is empty.
        refusal_status: the status of `refused_call_types`; with 200 the body still tells an error.
        ignored_call_types: values of callType that change nothing.
        ignored: parameters that change nothing.
        empty_as: how an empty list is answered: as documented (`page`), or as `404`, `204`, `{}`, `null` (for the calls),
            `no_meta` (the empty list alone) or `[]`.
        every_twice: every so many-th call of a list comes twice, and the total counts both.
        per_period: so many requests are answered in `period_s`, the others get a 429.
        period_s: the period of `per_period` in seconds.
        retry_after: how a 429 says when to come again: not at all, in `seconds`, as an HTTP `date` or as an `epoch` second.
        slash: which of `/calls` and `/calls/` answers: the latter (`required`, the former is not there; `redirect_to_slash`,
            it leads there), the former (`redirect_to_bare`, the latter leads there), or both.
        redirect_status: the status of these redirects.
        error_as: where the words of a refusal stand: under `error`, `message` or `detail`, in a list under `errors`, `nested`
            under error.message, or in a web page (`html`).
        gateway_status: something in front of the account answers every request with this status and a web page.
    """

    zone: str = "UTC"
    date_to_inclusive: bool = True
    order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    first_page: int = 1
    page_cap: int = MAX_LIMIT
    total_as: Literal["number", "string", "grouped", "null", "absent", "no_meta"] = "number"
    refused_call_types: frozenset[str] = frozenset()
    latency_s: float = 0.0
    gzip: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    dialect: tuple[str, ...] = ()
    total_cap: int | None = None
    total_of_page: bool = False
    total_offset: int = 0
    total_of_all: int | None = None
    most_dates: int | None = None
    widest: int | None = None
    dates_kept: Literal["first", "last"] = "first"
    lacks: Literal["nothing", "outbound", "unanswered"] = "nothing"
    names_next: Literal["documented", "always", "never", "absent"] = "documented"
    deepest: int | None = None
    deeper_status: int = 400
    deepest_of: Literal["list", "question"] = "list"
    page_bytes: int | None = None
    keeps_days: int | None = None
    keeps_status: int = 403
    beyond_end_status: int = 200
    refusal_status: int = 400
    ignored_call_types: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    empty_as: Literal["page", "404", "204", "{}", "null", "no_meta", "[]"] = "page"
    every_twice: int | None = None
    per_period: int | None = None
    period_s: float = 60.0
    retry_after: Literal["none", "seconds", "date", "epoch"] = "none"
    slash: Literal["required", "redirect_to_bare", "redirect_to_slash", "both"] = "required"
    redirect_status: int = 308
    error_as: Literal["error", "message", "detail", "errors", "nested", "html"] = "error"
    gateway_status: int | None = None

    def __post_init__(self) -> None:
        known(self.dialect)

    def total(self, listed: int, on_page: int) -> int:
        """What `meta.total` says of a list of so many calls, of which so many are on the page."""
        if self.total_of_all is not None:
            return self.total_of_all
        told = on_page if self.total_of_page else max(0, listed + self.total_offset)
        return told if self.total_cap is None else min(told, self.total_cap)

    def told(self, total: int | None) -> int | str | None:
        """How `meta.total` tells so many calls."""
        match self.total_as if total is not None else "number":
            case "string":
                return str(total)
            case "grouped":
                return f"{total:,}" if total and total > 999 else f"{total} calls"
            case "null":
                return None
        return total

    def start(self, start: int | None, end: int | None) -> int | None:
        """From when on a range is answered for, in epoch seconds."""
        if self.most_dates is None or self.dates_kept == "first" or start is None or end is None:
            return start
        return max(start, end - self.most_dates * 86_400)

    def end(self, start: int | None, end: int | None) -> int | None:
        """Until when a range is answered for, in epoch seconds."""
        if self.most_dates is None or self.dates_kept == "last" or start is None or end is None:
            return end
        return min(end, start + self.most_dates * 86_400)

    def check_width(self, start: int | None, end: int | None) -> None:
        """Refuse a range of too many dates.

        Raises:
            BadParameterError: it has too many.
        """
        if self.widest is None or start is None or end is None:
            return
        if end - start > self.widest * 86_400 + 3_600:  # an hour for a change of the clocks
            raise BadParameterError(f"At most {self.widest} dates can be asked for.", 422)

    def fitting(self, rows: list[bytes]) -> list[bytes]:
        """The first rows of a page, as far as its bytes reach."""
        if self.page_bytes is None:
            return rows
        sizes = accumulate(map(len, rows))
        return [row for row, size in zip(rows, sizes, strict=True) if size <= self.page_bytes]

    def check_kept(self, question: "Question", now: int) -> None:
        """Refuse dates of which the calls are not kept any more.

        Raises:
            BadParameterError: they are such.
        """
        if self.keeps_days is None or question.call_type is not None or question.start is None:
            return
        if question.start < now - self.keeps_days * 86_400:
            raise BadParameterError(f"Calls are kept for {self.keeps_days} days.", self.keeps_status)

    def lists(self, record: Any) -> bool:
        """Whether the list without a call type has a call."""
        match self.lacks:
            case "outbound":
                return _get(record, "is_inbound") is True
            case "unanswered":
                return _get(record, "is_answered") is True or _get(record, "is_inbound") is False
        return True

    def check_page(self, first: int, size: int, listed: int) -> None:
        """Refuse a page of `size` calls from place `first` (from 0) on of a list that it may not reach into.

        Raises:
            BadParameterError: the page lies too deep, or beyond the end.
        """
        is_asked = first < listed or self.deepest_of == "question"
        if self.deepest is not None and first + size > self.deepest and is_asked and self.deeper_status != 200:
            raise BadParameterError(f"Only the first {self.deepest} results can be paged through.", self.deeper_status)
        if first > 0 and first >= listed and self.beyond_end_status != 200:
            raise BadParameterError("Invalid page.", self.beyond_end_status)


@dataclass(frozen=True)
class Question:
    """A checked query; `start` and `end` bound `started_at` as [start, end) in epoch seconds, None: not given.

    `members` are the filters by what a call belongs to: each parameter's name with the ids asked for.
    """

    start: int | None
    end: int | None
    page: int
    limit: int
    call_type: str | None
    members: tuple[tuple[str, frozenset[int]], ...]

    def window(self, now: int, live: bool) -> tuple[int, int]:
        """The bounds of `started_at` as [start, end) in epoch seconds; of a live source nothing lies after `now`."""
        end = now + 1 if self.end is None else self.end
        if live:
            end = min(end, now + 1)
        start = min(end, now) - DEFAULT_DAYS * 86_400 if self.start is None else self.start
        return start, end

    def asks_for(self, call: SimulatedCall, now: int) -> bool:
        """Whether the call passes the filters as it stands at `now` (epoch seconds); the window is not looked at."""
        if call.timeline is not None and call.started_at > now:
            return False
        if self.call_type is not None and self.call_type not in types_as_of(call, now):
            return False
        return all(not wanted.isdisjoint(_MEMBERS[name](call)) for name, wanted in self.members)


def read(given: Mapping[str, str], behaviour: Behaviour) -> Question:
    """The question that the parameters ask.

    Raises:
        BadParameterError: a parameter is not what the document allows, or is refused by the `behaviour`.
    """
    zone, first = ZoneInfo(behaviour.zone), behaviour.first_page
    given = {name: value for name, value in given.items() if name not in behaviour.ignored}
    call_type = given.get("callType")
    if call_type is not None and (call_type not in CALL_TYPES or call_type in behaviour.refused_call_types):
        raise BadParameterError(f"callType: {shown(call_type)!r} is not allowed.", behaviour.refusal_status)
    if call_type in behaviour.ignored_call_types:
        call_type = None
    start = _moment("dateFrom", given.get("dateFrom"), zone, after=False)
    end = _moment("dateTo", given.get("dateTo"), zone, after=behaviour.date_to_inclusive)
    behaviour.check_width(start, end)
    members = ((name, _ids(name, given[name], name.endswith("Ids"))) for name in _MEMBERS if name in given)
    return Question(
        start=behaviour.start(start, end),
        end=behaviour.end(start, end),
        page=_integer("page", given.get("page", str(first)), first) + 1 - first,
        limit=_integer("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        call_type=call_type,
        members=tuple(members),
    )


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query string, each once.

    Raises:
        BadParameterError: it is none, has too many, or one more than once.
    """
    try:
        if re.search("%(?![0-9A-Fa-f]{2})", query):
            raise ValueError("a % without two hex digits")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise BadParameterError(f"This is no query string: {error}.") from None
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise BadParameterError(f"{shown(name)} is given {times} times.")
    return dict(pairs)


def _integer(name: str, text: str, low: int | None = None, high: int | None = None) -> int:
    # int() alone would also take "1_000", " 1" and digits of other scripts.
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise BadParameterError(f"{name}: {shown(text)!r} is not an integer.")
    value = int(text)
    if (low is not None and value < low) or (high is not None and value > high):
        raise BadParameterError(f"{name}: {value} is out of range.")
    return value


def _ids(name: str, text: str, many: bool) -> frozenset[int]:
    return frozenset(_integer(name, part) for part in (text.split(",") if many else [text]))


def _moment(name: str, text: str | None, zone: ZoneInfo, *, after: bool) -> int | None:
    """The epoch second of an ISO date or datetime; with `after` that of the next day or second instead."""
    if text is None:
        return None
    try:
        if "T" not in text:
            return _midnight(date.fromisoformat(text) + timedelta(days=after), zone)
        # The "+" of an offset arrives as a space where it was not percent-encoded.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        second = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        return math.floor(second) + 1 if after else math.ceil(second)
    except (ValueError, OverflowError):
        raise BadParameterError(f"{name}: {shown(text)!r} is no date in ISO 8601 format.") from None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _id_of(name: str) -> Callable[[SimulatedCall], frozenset[int]]:
    def ids(call: SimulatedCall) -> frozenset[int]:
        return _integers([_get(_get(call.record, name), "id")])

    return ids


def _list_ids(call: SimulatedCall) -> frozenset[int]:
    return _integers(_get(_get(call.record, "contact"), "list_ids"))


def _agent_ids(call: SimulatedCall) -> frozenset[int]:
    legs = [leg for name in ("all_agents", "answered_agents") for leg in _list(_get(call.record, name))]
    return _integers([_get(leg, "id") for leg in legs])


def _survey_ids(call: SimulatedCall) -> frozenset[int]:
    return _integers([call.survey_id])


_MEMBERS: Mapping[str, Callable[[SimulatedCall], frozenset[int]]] = {
    "numberIds": _id_of("number"),
    "ringGroupId": _id_of("ring_group"),
    "ivrId": _id_of("ivr"),
    "listId": _list_ids,
    "agentId": _agent_ids,
    "dispositionIds": _id_of("disposition"),
    "surveyIds": _survey_ids,
}


# Records of `FixedCalls` may be malformed anywhere, so nothing is taken for granted.
def _get(thing: Any, key: str) -> Any:
    return thing.get(key) if isinstance(thing, dict) else None


def _list(thing: Any) -> list[Any]:
    return thing if isinstance(thing, list) else []


def _integers(things: Any) -> frozenset[int]:
    return frozenset(thing for thing in _list(things) if isinstance(thing, int))
