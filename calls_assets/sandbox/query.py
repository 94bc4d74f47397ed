"""The query string of `GET /calls/`, read as the document has it, and which calls it asks for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from calls_assets.api.document import CALL_TYPES, MAX_LIMIT
from calls_assets.sandbox.calls import SimulatedCall, types_as_of

_T = TypeVar("_T")

DEFAULT_LIMIT = 100
DEFAULT_DAYS = 30
"""How far back an answer goes when the query has no dateFrom."""


class BadParameterError(Exception):
    """A parameter is not what the document allows; the text names it."""


@dataclass(frozen=True)
class Behaviour:
    """What the document leaves open.

    Attributes:
        zone: IANA zone in which dateFrom and dateTo are read.
        date_to_inclusive: whether the day (or the second) of dateTo belongs to the answer.
        order: how the pages run; `shuffled` is a fixed order that follows neither id nor time.
        page_cap: the most rows a page has, whatever `limit` asks for; `meta.limit` tells the size in effect.
        total_as_string: `meta.total` comes as a numeric string.
        refused_call_types: values of callType that get a 400.
        latency_s: seconds that each answer takes longer.
        gzip: whether answers are packed for clients that take them so.
        headers: further headers of every answer, such as those of a rate limit.
    """

    zone: str = "UTC"
    date_to_inclusive: bool = True
    order: Literal["newest_first", "oldest_first", "shuffled"] = "newest_first"
    page_cap: int = MAX_LIMIT
    total_as_string: bool = False
    refused_call_types: frozenset[str] = frozenset()
    latency_s: float = 0.0
    gzip: bool = True
    headers: tuple[tuple[str, str], ...] = ()


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
    zone = ZoneInfo(behaviour.zone)
    call_type = given.get("callType")
    if call_type is not None and (call_type not in CALL_TYPES or call_type in behaviour.refused_call_types):
        raise BadParameterError(f"callType: {call_type!r} is not allowed.")
    members = ((name, _ids(name, given[name], name.endswith("Ids"))) for name in _MEMBERS if name in given)
    return Question(
        start=_moment("dateFrom", given.get("dateFrom"), zone, after=False),
        end=_moment("dateTo", given.get("dateTo"), zone, after=behaviour.date_to_inclusive),
        page=_integer("page", given.get("page", "1"), 1),
        limit=_integer("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        call_type=call_type,
        members=tuple(members),
    )


def _integer(name: str, text: str, low: int | None = None, high: int | None = None) -> int:
    # int() alone would also take "1_000", " 1" and digits of other scripts.
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise BadParameterError(f"{name}: {text!r} is not an integer.")
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
        raise BadParameterError(f"{name}: {text!r} is no date in ISO 8601 format.") from None


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
