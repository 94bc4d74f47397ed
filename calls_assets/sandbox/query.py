"""The query string of `GET /calls/`, read as documented, and which calls it asks for."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from calls_assets.api.document import CALL_TYPES, MAX_LIMIT
from calls_assets.days import day_start
from calls_assets.display import shown
from calls_assets.sandbox.behaviour import DAY_S, Behaviour, Refusal
from calls_assets.sandbox.calls import SimulatedCall, types_as_of

DEFAULT_LIMIT = 100
DEFAULT_DAYS = 30
"""How far back a query without dateFrom goes."""

MOST_PARAMETERS = 100


@dataclass(frozen=True)
class Question:
    """A checked query; `started_at` lies in [start, end), in epoch seconds, where these are given.

    `members` are the filters by ids, such as those of ring groups: each parameter's name with its ids.
    """

    start: int | None
    end: int | None
    page: int
    limit: int
    call_type: str | None
    members: tuple[tuple[str, frozenset[int]], ...]

    def window(self, now: int, live: bool) -> tuple[int, int]:
        """The bounds of `started_at` as [start, end) in epoch seconds; a live source has nothing after `now`."""
        end = now + 1 if self.end is None else self.end
        if live:
            end = min(end, now + 1)
        start = min(end, now) - DEFAULT_DAYS * DAY_S if self.start is None else self.start
        return start, end

    def asks_for(self, call: SimulatedCall, now: int) -> bool:
        """Whether the call, as it is at `now` (epoch seconds), passes the filters; the window is not checked."""
        if call.timeline is not None and call.started_at > now:
            return False
        if self.call_type is not None and self.call_type not in types_as_of(call, now):
            return False
        return all(not wanted.isdisjoint(_MEMBERS[name](call)) for name, wanted in self.members)


def read(given: Mapping[str, str], behaviour: Behaviour) -> Question:
    """The question that the parameters ask.

    Raises:
        Refusal: a parameter is not what the document allows, or the `behaviour` refuses it.
    """
    zone, first = ZoneInfo(behaviour.zone), behaviour.first_page
    given = {name: value for name, value in given.items() if name not in behaviour.ignored}
    call_type = given.get("callType")
    if call_type is not None and (call_type not in CALL_TYPES or call_type in behaviour.refused_call_types):
        raise Refusal(f"callType: {shown(call_type)!r} is not allowed.", behaviour.refusal_status)
    if call_type in behaviour.ignored_call_types:
        call_type = None
    start = _moment("dateFrom", given.get("dateFrom"), zone, after=False)
    end = _moment("dateTo", given.get("dateTo"), zone, after=behaviour.date_to_inclusive)
    start, end = behaviour.answered_range(start, end)
    members = ((name, _ids(name, given[name], name.endswith("Ids"))) for name in _MEMBERS if name in given)
    return Question(
        start=start,
        end=end,
        page=_integer("page", given.get("page", str(first)), first) + 1 - first,
        limit=_integer("limit", given.get("limit", str(DEFAULT_LIMIT)), 1, MAX_LIMIT),
        call_type=call_type,
        members=tuple(members),
    )


def parameters(query: str) -> dict[str, str]:
    """The parameters of a query string, each once.

    Raises:
        Refusal: it is malformed, has too many parameters, or one more than once.
    """
    try:
        if re.search("%(?![0-9A-Fa-f]{2})", query):
            raise ValueError("a % without two hex digits")
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError as error:
        raise Refusal(f"The query string is malformed: {error}.") from None
    for name, times in Counter(name for name, _ in pairs).items():
        if times > 1:
            raise Refusal(f"{shown(name)} is given {times} times.")
    return dict(pairs)


def _integer(name: str, text: str, low: int | None = None, high: int | None = None) -> int:
    # int() alone would also take "1_000", " 1" and digits of other scripts.
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Refusal(f"{name}: {shown(text)!r} is not an integer.")
    value = int(text)
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refusal(f"{name}: {value} is out of range.")
    return value


def _ids(name: str, text: str, many: bool) -> frozenset[int]:
    return frozenset(_integer(name, part) for part in (text.split(",") if many else [text]))


def _moment(name: str, text: str | None, zone: ZoneInfo, *, after: bool) -> int | None:
    """The epoch second of an ISO date or datetime; with `after`, that of the next day or second."""
    if text is None:
        return None
    try:
        if "T" not in text:
            return day_start(date.fromisoformat(text) + timedelta(days=after), zone)
        # The "+" of an offset arrives as a space where it was not percent-encoded.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        second = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        return math.floor(second) + 1 if after else math.ceil(second)
    except (ValueError, OverflowError):
        raise Refusal(f"{name}: {shown(text)!r} is not an ISO 8601 date.") from None


def _ids_at(thing: Any, *path: str) -> frozenset[int]:
    """The ids at a path such as `all_agents`, `[]`, `id`; none where a record of `FixedCalls` is malformed."""
    if not path:
        return frozenset([thing] if isinstance(thing, int) else [])
    name, *rest = path
    if name == "[]":
        return frozenset(one for item in (thing if isinstance(thing, list) else []) for one in _ids_at(item, *rest))
    return _ids_at(thing.get(name), *rest) if isinstance(thing, dict) else frozenset()


def _agent_ids(record: Any) -> frozenset[int]:
    return _ids_at(record, "all_agents", "[]", "id") | _ids_at(record, "answered_agents", "[]", "id")


_MEMBERS: Mapping[str, Callable[[SimulatedCall], frozenset[int]]] = {
    "numberIds": lambda call: _ids_at(call.record, "number", "id"),
    "ringGroupId": lambda call: _ids_at(call.record, "ring_group", "id"),
    "ivrId": lambda call: _ids_at(call.record, "ivr", "id"),
    "listId": lambda call: _ids_at(call.record, "contact", "list_ids", "[]"),
    "agentId": lambda call: _agent_ids(call.record),
    "dispositionIds": lambda call: _ids_at(call.record, "disposition", "id"),
    "surveyIds": lambda call: _ids_at(call.survey_id),
}
"""Each filter by ids, with the ids that a call has."""
