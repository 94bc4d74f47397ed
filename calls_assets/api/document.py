"""What the API document says of `GET /calls/`: its parameters, its call types and every field of a call.

Nothing here talks to a server. `Query` is the request, which checks each parameter before it is sent; `CALL` is the response,
from which the decoder, the `raw_calls` table and the data dictionary all follow.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import Enum
from functools import cached_property
from typing import Any, Self, TypeGuard
from urllib.parse import parse_qsl

# The values of `callType`, in the document's order.
CALL_TYPES = (
    "all_inbound",
    "inbound_answered",
    "inbound_answered_within_sla",
    "inbound_answered_but_not_within_sla",
    "inbound_ivr_exit",
    "abandoned",
    "callback",
    "overflowed",
    "all_outbound",
    "outbound_answered",
    "outbound_not_answered",
    "transfer",
    "warm_transfer",
    "out_of_business_hours",
    "short_abandoned",
    "automated_callback",
    "short_abandoned_distributed",
    "abandoned_distributed",
)

DIRECTIONS = ("all_inbound", "all_outbound")  # the call types that divide all calls in two

# The call types that a call's own fields tell for certain.
CERTAIN_CALL_TYPES = (
    "all_inbound",
    "inbound_answered",
    "inbound_answered_within_sla",
    "inbound_answered_but_not_within_sla",
    "all_outbound",
    "outbound_answered",
    "outbound_not_answered",
)

# The call types that only the API itself can tell.
LABEL_CALL_TYPES = tuple(name for name in CALL_TYPES if name not in CERTAIN_CALL_TYPES)
LIKELY_CALL_TYPES = ("inbound_ivr_exit", "callback", "transfer")  # those of them that a call's fields at least suggest
MAX_LIMIT = 1000  # the most calls that one page may ask for


EPOCH_S = "epoch s"  # the unit of moments: seconds since 1970 in UTC


class Kind(Enum):
    """The JSON types that the document uses for plain values."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    TEXT = "string"


@dataclass(frozen=True, eq=False)
class Field:
    """One documented response field; each is equal to itself alone.

    `kind` is a plain `Kind`, or the fields of an object; with `many` the field is a list of that. `personal` marks a text
    that may identify people, `varies` a value that hardly any two calls share.

    `stands_for` is for accounts that send a plain value in place of an object, or the reverse. For an object it names the
    parts that a plain value means: the first for a number or digits, the last for other texts. For a plain value it names the
    part of an object that is meant.
    """

    name: str
    kind: "Kind | tuple[Field, ...]"
    description: str
    unit: str | None = None
    many: bool = False
    personal: bool = False
    varies: bool = False
    stands_for: tuple[str, ...] = ()

    @property
    def is_instant(self) -> bool:
        """Whether the value is a moment."""
        return self.unit == EPOCH_S

    @property
    def is_duration(self) -> bool:
        """Whether the value is a length of time."""
        return self.unit == "s"

    @cached_property
    def item(self) -> "Field":
        """The field of a list's items."""
        return replace(self, many=False)

    @property
    def parts(self) -> "tuple[Field, ...]":
        """The fields of an object; none for a plain value."""
        return self.kind if isinstance(self.kind, tuple) else ()


def _agent_leg(of: str) -> tuple[Field, ...]:
    return (
        Field("id", Kind.INTEGER, f"Id of {of}."),
        Field("user_id", Kind.INTEGER, "Id of the agent's user account."),
        Field("alias", Kind.TEXT, "The agent's name as shown in the phone system.", personal=True),
        Field("sip", Kind.TEXT, "The agent's SIP address.", personal=True),
        Field(
            "started_at",
            Kind.INTEGER,
            "When the agent's leg began; may be when it began to ring.",
            EPOCH_S,
            varies=True,
        ),
        Field("type", Kind.TEXT, "Kind of leg, 'agent' in the document."),
        Field("is_any_transfer", Kind.BOOLEAN, "Whether the leg resulted from any kind of transfer."),
        Field("hangup_reason", Kind.TEXT, "Why the leg ended, as a telephony cause name."),
    )


def _named(what: str) -> tuple[Field, ...]:
    return (Field("id", Kind.INTEGER, f"Id of the {what}."), Field("name", Kind.TEXT, f"Name of the {what}."))


# Every field of a call, in the document's order.
CALL: tuple[Field, ...] = (
    Field("id", Kind.INTEGER, "Id of the call; one row per id.", varies=True),
    Field("is_inbound", Kind.BOOLEAN, "Whether the call came in from outside."),
    Field("is_answered", Kind.BOOLEAN, "Whether somebody answered."),
    Field("is_in_queue", Kind.BOOLEAN, "Whether the caller is waiting in a queue at the time of the response."),
    Field(
        "contact",
        (
            Field("id", Kind.INTEGER, "Id of the contact.", varies=True),
            Field("full_name", Kind.TEXT, "The contact's name. Personal data.", personal=True, varies=True),
            Field("number_country_code", Kind.TEXT, "Country dial code, '1' for all of North America.", personal=True),
            Field(
                "national_number",
                Kind.TEXT,
                "Number without the country dial code. Personal data.",
                personal=True,
                varies=True,
            ),
            Field("number", Kind.TEXT, "Number with the country dial code. Personal data.", personal=True, varies=True),
            Field(
                "list_ids",
                Kind.INTEGER,
                "Ids of the contact lists that hold the contact.",
                many=True,
                stands_for=("id",),
            ),
        ),
        "The other party of the call.",
        stands_for=("id", "full_name"),
    ),
    Field("agents", Kind.INTEGER, "Ids of the call's agents.", many=True, stands_for=("id",)),
    Field(
        "all_agents",
        _agent_leg("an agent who was rung or spoke"),
        "Legs of all agents, whether they answered or not.",
        many=True,
    ),
    Field("answered_agents", _agent_leg("an agent who spoke"), "Legs of the agents who answered.", many=True),
    Field(
        "external_numbers",
        (
            Field(
                "number",
                Kind.TEXT,
                "External number that took part in the call. Personal data.",
                personal=True,
                varies=True,
            ),
            Field("is_any_transfer", Kind.BOOLEAN, "Whether it took part as a result of any kind of transfer."),
        ),
        "External numbers that took part in the call.",
        many=True,
        stands_for=("number",),
    ),
    Field(
        "number",
        (
            Field("id", Kind.INTEGER, "Id of the centre's own number."),
            Field("number", Kind.TEXT, "The centre's own number."),
            Field("numberWithAlias", Kind.TEXT, "The number followed by its alias in brackets."),
            Field("alias", Kind.TEXT, "Friendly name of the number."),
        ),
        "The centre's own number that was called or called from.",
        stands_for=("number",),
    ),
    Field("started_at", Kind.INTEGER, "When the call was dialled or received.", EPOCH_S, varies=True),
    Field(
        "duration",
        Kind.INTEGER,
        "Duration as the API gives it; for outbound calls it equals the talk time.",
        "s",
        varies=True,
    ),
    Field("talk_time", Kind.INTEGER, "Time that agents and the other party spent talking.", "s", varies=True),
    Field("requested_callback", Kind.BOOLEAN, "Whether the caller asked to be called back."),
    Field("is_ended", Kind.BOOLEAN, "Whether the call is over."),
    Field("type", Kind.TEXT, "How the call went, as one token such as 'answered'; an open list of values."),
    Field(
        "is_answered_within_sla", Kind.BOOLEAN, "The vendor's verdict: answered within the service level's threshold."
    ),
    Field("is_data_cached", Kind.BOOLEAN, "A vendor flag that the API document does not explain."),
    Field(
        "original_call_id",
        Kind.INTEGER,
        "Id of the call that this one follows up, such as the one behind a callback.",
        varies=True,
    ),
    Field("campaign", _named("campaign"), "The campaign that the call belongs to.", stands_for=("id", "name")),
    Field(
        "ring_group",
        _named("ring group"),
        "The ring group (queue) that the call was routed to.",
        stands_for=("id", "name"),
    ),
    Field("ivr", _named("IVR"), "The voice menu that the caller went through.", stands_for=("id", "name")),
    Field(
        "disposition",
        (
            Field("id", Kind.INTEGER, "Id of the disposition."),
            Field("code", Kind.TEXT, "The disposition's name.", personal=True),
            Field("note", Kind.TEXT, "The agent's note on the call. Personal data.", personal=True, varies=True),
        ),
        "How the agent classified the call.",
        stands_for=("id", "code"),
    ),
    Field(
        "recordings",
        (
            Field("id", Kind.INTEGER, "Id of the recording.", varies=True),
            Field("url", Kind.TEXT, "Address of the recording. Personal data.", personal=True, varies=True),
        ),
        "Recordings of the call.",
        many=True,
        stands_for=("id", "url"),
    ),
    Field("tags", Kind.TEXT, "Tags of the call.", many=True, personal=True, stands_for=("name",)),
)

META: tuple[Field, ...] = (
    Field("page", Kind.INTEGER, "Number of the page, from 1."),
    Field("limit", Kind.INTEGER, "Most calls of a page."),
    Field("total", Kind.INTEGER, "Calls of the whole list."),
    Field("next", Kind.TEXT, "Path of the next page; null on the last one."),
    Field("previous", Kind.TEXT, "Path of the page before; null on the first one."),
)

# The fields of an answer.
PAGE: tuple[Field, ...] = (
    Field("calls", CALL, "The calls of the page.", many=True),
    Field("meta", META, "What the page says of its list."),
)


@dataclass(frozen=True)
class Query:
    """One request to `GET /calls/`, checked: each parameter of the document under a Python name.

    Raises:
        ValueError: the document does not allow a parameter; names it, what was given and what is allowed.
    """

    date_from: date | None = None
    date_to: date | None = None
    page: int | None = None
    limit: int | None = None
    number_ids: tuple[int, ...] = ()
    ring_group_id: int | None = None
    ivr_id: int | None = None
    list_id: int | None = None
    agent_id: int | None = None
    call_type: str | None = None
    disposition_ids: tuple[int, ...] = ()
    survey_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("date_from", "date_to"):
            value = getattr(self, name)
            if value is not None and type(value) is not date:
                raise ValueError(f"{PARAMETERS[name]} must be a date, but {value!r} was given.")
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError(f"dateFrom must not be after dateTo, but {self.date_from} and {self.date_to} were given.")
        for name in ("page", "ring_group_id", "ivr_id", "list_id", "agent_id"):
            _check_positive(PARAMETERS[name], getattr(self, name))
        for name in ("number_ids", "disposition_ids", "survey_ids"):
            for value in getattr(self, name):
                _check_positive(PARAMETERS[name], value)
        if self.limit is not None and not (_is_int(self.limit) and 1 <= self.limit <= MAX_LIMIT):
            raise ValueError(f"limit must be a whole number from 1 to {MAX_LIMIT}, but {self.limit!r} was given.")
        if self.call_type is not None and self.call_type not in CALL_TYPES:
            raise ValueError(f"callType must be one of {', '.join(CALL_TYPES)}, but {self.call_type!r} was given.")

    @property
    def asks_for_all(self) -> bool:
        """Whether it asks for all calls of its dates, without a filter."""
        return self == Query(self.date_from, self.date_to, self.page, self.limit)

    def params(self) -> dict[str, str]:
        """The names and values of the query string, as the document spells them, without unset ones."""
        return {
            spelling: _spell(value)
            for name, spelling in PARAMETERS.items()
            if (value := getattr(self, name)) is not None and value != ()
        }

    @property
    def spelt_filters(self) -> str:
        """The filters alone, as `filters` reads them, in one order and spelling; empty without any."""
        given = {spelling: getattr(self, name) for spelling, name in sorted(FILTERS.items())}
        alike = {name: sorted({*value}) if isinstance(value, tuple) else value for name, value in given.items()}
        return "&".join(f"{name}={_spell(value)}" for name, value in alike.items() if value)

    @classmethod
    def filters(cls, text: str) -> Self:
        """A query string of filters in the document's spelling, such as `ringGroupId=7&numberIds=1,2`, as a `Query`.

        Raises:
            ValueError: a name is not a filter of the document, or a value is not allowed.
        """
        given: dict[str, Any] = {}
        for spelling, value in parse_qsl(text, keep_blank_values=True):
            name = FILTERS.get(spelling)
            if name is None:
                raise ValueError(f"{spelling!r} is not a filter of the API; the filters are {', '.join(FILTERS)}.")
            if name in given:
                raise ValueError(
                    f"{spelling} is given twice; give it once, with commas between ids where it takes several."
                )
            many = name.endswith("_ids")
            ids = [_to_int(spelling, part) for part in (value.split(",") if many else [value])]
            given[name] = tuple(ids) if many else ids[0]
        if text.strip() and not given:
            raise ValueError(f"{text!r} is not a query string such as ringGroupId=7&numberIds=1,2.")
        return cls(**given)


# Python name -> the document's spelling, for every parameter.
PARAMETERS: Mapping[str, str] = {
    "date_from": "dateFrom",
    "date_to": "dateTo",
    "page": "page",
    "limit": "limit",
    "number_ids": "numberIds",
    "ring_group_id": "ringGroupId",
    "ivr_id": "ivrId",
    "list_id": "listId",
    "agent_id": "agentId",
    "call_type": "callType",
    "disposition_ids": "dispositionIds",
    "survey_ids": "surveyIds",
}

# The document's spelling -> Python name, for the parameters that filter calls by what they belong to.
FILTERS: Mapping[str, str] = {
    PARAMETERS[field.name]: field.name for field in fields(Query) if field.name.endswith(("_id", "_ids"))
}


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_positive(spelling: str, value: object) -> None:
    if value is not None and not (_is_int(value) and value > 0):
        raise ValueError(f"{spelling} takes whole numbers from 1, but {value!r} was given.")


def _to_int(spelling: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{spelling} takes whole numbers from 1, but {text!r} was given.") from None


def _spell(value: date | int | str | Iterable[int]) -> str:
    if isinstance(value, (date, int, str)):
        return str(value)
    return ",".join(str(item) for item in value)
