"""How a value that is not of the documented JSON type is read: the one table of rules, and the deviations they find.

The first rule of its field that applies reads a value. What no rule reads is null, and its original is kept in
`raw_calls.extra`. The fast path for whole pages (`columns`) gives the same result; docs/tables.md shows the same table.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeGuard
from zoneinfo import ZoneInfo

from calls_assets.api.document import Field, Kind
from calls_assets.api.field_names import shown_name
from calls_assets.api.json_values import EXACT, HALVES, DuplicateName, UnheldNumber, ZeroFraction, is_unicode

NOTHING: Any = object()  # what is left of a value that a column holds whole
MOST_TEXT = 40  # characters of a number or a time given as a text

# What stands in the column, and what it does not hold of the original: `NOTHING`, or JSON.
Read: TypeAlias = tuple[Any, Any]


class Became(Enum):
    """What becomes of a value that is not as documented."""

    READ = "read"
    ROUNDED = "read, its original in extra"
    UNREAD = "null, its original in extra"
    UNDOCUMENTED = "in extra"


class Deviation(NamedTuple):
    """One way in which a record differs from the document; it holds no values.

    Attributes:
        path: The field, such as `all_agents[].id`.
        sent: What was sent, as a JSON type or in a rule's words.
        became: What becomes of it.
    """

    path: str
    sent: str
    became: str


# How a record differs from the document; most records of an account differ in one of a few ways.
Shape = frozenset[Deviation]
MOST_DEVIATIONS = 1_000_000  # deviations, over all shapes, that are told apart

# Stands for every further shape.
OTHER_SHAPES: Shape = frozenset({Deviation("(many fields)", "ever new values", Became.UNDOCUMENTED.value)})


@dataclass
class Shapes:
    """Shapes in the order in which they come, each once."""

    _places: dict[Shape, int] = field(default_factory=dict)
    _told: int = 0

    def place(self, shape: Shape) -> int:
        """The position of a shape; adds it where it is new."""
        if shape not in self._places:
            if self._told + len(shape) > MOST_DEVIATIONS:
                shape = OTHER_SHAPES
            else:
                self._told += len(shape)
        return self._places.setdefault(shape, len(self._places))

    @property
    def all(self) -> tuple[Shape, ...]:
        """The distinct shapes."""
        return tuple(self._places)


@dataclass(frozen=True)
class Rule:
    """One line of the table of rules.

    Attributes:
        documented: Which documented fields it is for.
        sent: What is sent in their place.
        becomes: What the column holds then.
        read: Reads a value of a field; returns None where the rule does not apply.
    """

    documented: str
    sent: str
    becomes: str
    read: "Callable[[Any, Field, Reader], Read | None]"


@dataclass(frozen=True)
class Reader:
    """Reads records one by one; `zone` is that of times without an offset, None where that is unknown."""

    zone: ZoneInfo | None = None

    def record(self, fields: tuple[Field, ...], record: dict[str, Any]) -> tuple[dict[str, Any], Any, set[Deviation]]:
        """A record's documented values, what they do not hold of it, and how it differs from the document."""
        found: set[Deviation] = set()
        values, rest = self._parts(fields, record, "", found)
        return values, rest, found

    def value(self, field: Field, value: Any, path: str, found: set[Deviation]) -> Read:
        """A field's value as read, and what is left of it; adds to `found` how it differs."""
        if value is None:
            return None, NOTHING
        if field.many:
            return self._list(field, value, path, found)
        return self._one(field, value, path, found)

    def _parts(self, fields: tuple[Field, ...], record: dict[str, Any], path: str, found: set[Deviation]) -> Any:
        values, rest = {}, {}
        for part in fields:
            values[part.name], left = self.value(part, record.get(part.name), path + part.name, found)
            if left is not NOTHING:
                rest[part.name] = left
        for name in record.keys() - values.keys():
            rest[name] = record[name]
            found.add(Deviation(path + shown_name(name), sent_as(record[name]), Became.UNDOCUMENTED.value))
        return values, rest or NOTHING

    def _list(self, field: Field, value: Any, path: str, found: set[Deviation]) -> Read:
        if isinstance(value, list):
            read = [self.item(field, item, f"{path}[]", found) for item in value]
            rest = [None if left is NOTHING else left for _, left in read]
            return [item for item, _ in read], rest if any(left is not NOTHING for _, left in read) else NOTHING
        if value == "":
            found.add(Deviation(path, EMPTY.sent, Became.READ.value))
            return [], NOTHING
        inner: set[Deviation] = set()
        item, left = self.item(field, value, path, inner)
        if item is None and left is not NOTHING:
            found.add(Deviation(path, sent_as(value), Became.UNREAD.value))
            return None, value
        found |= inner
        found.add(Deviation(path, LONE.sent, Became.READ.value))
        return [] if item is None else [item], left

    def item(self, field: Field, value: Any, path: str, found: set[Deviation]) -> Read:
        """An item of a list, whose path ends in `[]` or, where it stands alone, not."""
        if value is None:
            return None, NOTHING
        if isinstance(value, dict) and not field.parts:
            return self._standing_for(field, value, path, found)
        return self._one(field.item, value, path, found)

    def _standing_for(self, field: Field, value: dict[str, Any], path: str, found: set[Deviation]) -> Read:
        """An object in place of a plain item, which is one of its parts."""
        (name,) = field.stands_for
        inner: set[Deviation] = set()
        item, left = self.value(field.item, value.get(name), f"{path}.{name}", inner)
        if item is None:
            return (None, NOTHING) if value == {} else self._unread(value, path, found)
        rest = {key: part for key, part in value.items() if key != name} | ({} if left is NOTHING else {name: left})
        found |= inner
        found.add(Deviation(path, OBJECT_FOR_PLAIN.sent, Became.READ.value))
        return item, rest or NOTHING

    def _one(self, field: Field, value: Any, path: str, found: set[Deviation]) -> Read:
        """A value that is not documented as a list."""
        if is_documented(field, value):
            return (self._object(field, value, path, found)) if field.parts else (value, NOTHING)
        for rule in rules_of(field):
            if (read := rule.read(value, field, self)) is not None:
                became = Became.READ if read[1] is NOTHING else Became.ROUNDED
                if rule is LIST_OF_ONE:
                    found.add(Deviation(path, rule.sent, Became.READ.value))
                    return self._one(field, value[0], path, found)
                found.add(Deviation(path, rule.sent, became.value))
                return read
        return self._unread(value, path, found)

    def _object(self, field: Field, value: dict[str, Any], path: str, found: set[Deviation]) -> Read:
        """An object; null where it has no documented value, like an empty one."""
        values, rest = self._parts(field.parts, value, f"{path}.", found)
        return (None if all(part is None for part in values.values()) else values), rest

    def _unread(self, value: Any, path: str, found: set[Deviation]) -> Read:
        found.add(Deviation(path, sent_as(value), Became.UNREAD.value))
        return None, value


def is_documented(field: Field, value: Any) -> bool:
    """Whether a value that is not documented as a list has the documented type, and fits its column unchanged."""
    match field.kind:
        case Kind.INTEGER:
            is_plain = is_whole(value) and not isinstance(value, ZeroFraction)
            return is_plain and not (field.is_instant and abs(value) >= MILLIS_S)
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case Kind.TEXT:
            return isinstance(value, str) and not isinstance(value, UnheldNumber) and is_unicode(value)
    return isinstance(value, dict)


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number that 64 bits hold."""
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def sent_as(value: Any) -> str:
    """The JSON type of a value, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer" if is_whole(value) else "an integer beyond 64 bits"
        case float():
            return "a number with a fraction"
        case UnheldNumber():
            return "a number that no type can hold"
        case str():
            return "a string"
        case list():
            return "an array"
        case DuplicateName():
            return "several values under one name"
    return "an object"


WHOLE = re.compile(r"-?[0-9]+(\.0+)?")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# From these sizes on, a moment is in milliseconds, in microseconds, in no known unit.
MILLIS_S, MICROS_S, BEYOND_S = 10**11, 10**14, 10**17
MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?P<fraction>\.\d{1,9})? ?(?P<offset>Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)


def _nothing(value: Any, field: Field, _: Reader) -> Read | None:
    empty = value == "" if field.kind is Kind.TEXT else value in ("", [], {})
    return (None, NOTHING) if empty else None


def _digits(value: Any, field: Field, _: Reader) -> Read | None:
    if not isinstance(value, str) or len(value) > MOST_TEXT or not WHOLE.fullmatch(value):
        return None
    number = int(value.partition(".")[0])
    is_seconds = not field.is_instant or abs(number) < MILLIS_S
    return (number, NOTHING) if is_seconds and -(2**63) <= number < 2**63 else None


def _zero_fraction(value: Any, field: Field, _: Reader) -> Read | None:
    is_read = isinstance(value, ZeroFraction) and not (field.is_instant and abs(value) >= MILLIS_S)
    return (int(value), NOTHING) if is_read else None


def _fraction(value: Any, field: Field, _: Reader) -> Read | None:
    number = _number(value)
    if number is None or not (field.is_duration or (field.is_instant and abs(number) < MILLIS_S)):
        return None
    return (to_second(number), value) if abs(number) < EXACT else None


def _scaled(value: Any, field: Field, _: Reader, *, unit: int, least: int, beyond: int) -> Read | None:
    """A moment in whole parts of a second, of which `unit` make one, told from other units by its size."""
    number = _number(value)
    if number is None or not field.is_instant or not least <= abs(number) < beyond:
        return None
    if isinstance(number, int):
        return (number + unit // 2) // unit, NOTHING if number % unit == 0 else value
    return to_second(number / unit), value


_thousandths = partial(_scaled, unit=1000, least=MILLIS_S, beyond=MICROS_S)
_millionths = partial(_scaled, unit=1_000_000, least=MICROS_S, beyond=BEYOND_S)


def _moment(value: Any, field: Field, reader: Reader) -> Read | None:
    match = MOMENT.fullmatch(value) if field.is_instant and isinstance(value, str) and len(value) <= MOST_TEXT else None
    if match is None or (match["offset"] is None and reader.zone is None):
        return None
    try:
        moment = datetime.fromisoformat(value.replace(" ", "T", 1).replace(" ", ""))
    except ValueError:
        return None
    known = moment if moment.tzinfo else moment.replace(tzinfo=reader.zone)
    exact = known.timestamp()
    return to_second(exact), (NOTHING if exact == int(exact) else value)


def _flag(value: Any, *_: Any) -> Read | None:
    if isinstance(value, (int, str)) and value in FLAGS:
        return FLAGS[value], NOTHING
    return None


FLAGS: dict[int | str, bool] = {0: False, 1: True, "0": False, "1": True, "false": False, "true": True}


def _number_as_text(value: Any, *_: Any) -> Read | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, UnheldNumber)):
        return None
    return str(value), NOTHING


def _mended(value: Any, *_: Any) -> Read | None:
    if not isinstance(value, str):
        return None
    return value.translate(HALVES), value


def _list_of_one(value: Any, *_: Any) -> Read | None:
    return (None, NOTHING) if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) else None


def _plain(value: Any, field: Field, reader: Reader) -> Read | None:
    """A part of an object in place of the whole object."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not field.stands_for:
        return None
    by_name = {part.name: part for part in field.parts}
    for name in field.stands_for:
        item, left = reader.value(by_name[name], value, "", set())
        if item is not None and (left is NOTHING or by_name[name].kind is Kind.TEXT):
            return {part: item if part == name else None for part in by_name}, left
    return None


def to_second(seconds: float) -> int:
    """The nearest whole second; of two, the later one."""
    return math.floor(seconds + 0.5)


def _number(value: Any) -> float | None:
    """A number, or the number that a text spells."""
    if isinstance(value, str):
        if len(value) > MOST_TEXT or not NUMBER.fullmatch(value):
            return None
        return int(value) if "." not in value else float(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


EMPTY = Rule("an object, a number, a flag or a list", "an empty text, list or object", "null (a list: empty)", _nothing)
DIGITS = Rule("a whole number", "digits in a text", "the number", _digits)
ZERO_FRACTION = Rule("a whole number", "a fraction of zero", "the number", _zero_fraction)
FRACTION = Rule("seconds", "a number with a fraction", "the nearest second", _fraction)
MILLISECONDS = Rule("a moment", "milliseconds", "the nearest second", _thousandths)
MICROSECONDS = Rule("a moment", "microseconds", "the nearest second", _millionths)
ISO_TIME = Rule("a moment", "an ISO 8601 time", "the nearest second", _moment)
FLAG_VALUE = Rule("a flag", "0, 1, or a flag in a text", "the flag", _flag)
NUMBER_FOR_TEXT = Rule("a text", "a number", "its shortest decimal form", _number_as_text)
NO_UNICODE = Rule("a text", "a text that is not valid Unicode", "U+FFFD in place of what is not", _mended)
LIST_OF_ONE = Rule("an object", "a list of one object", "that object", _list_of_one)
PLAIN_FOR_OBJECT = Rule("an object", "a plain value", "an object of its id, number, name or url alone", _plain)
LONE = Rule("a list", "what could be its one item", "a list of that", lambda *_: None)
OBJECT_FOR_PLAIN = Rule("a list of ids or names", "objects", "their ids or names", lambda *_: None)
_NUMBERS = (EMPTY, DIGITS, ZERO_FRACTION, FRACTION, MILLISECONDS, MICROSECONDS, ISO_TIME)
_FLAGS = (EMPTY, FLAG_VALUE)
_TEXTS = (NUMBER_FOR_TEXT, NO_UNICODE)
_OBJECTS = (EMPTY, LIST_OF_ONE, PLAIN_FOR_OBJECT)

# Every rule, in the order of the data dictionary's table.
RULES = (*_NUMBERS, FLAG_VALUE, *_TEXTS, LIST_OF_ONE, PLAIN_FOR_OBJECT, LONE, OBJECT_FOR_PLAIN)


def rules_of(field: Field) -> tuple[Rule, ...]:
    """The rules of a field that is not a list."""
    match field.kind:
        case Kind.INTEGER:
            return _NUMBERS
        case Kind.BOOLEAN:
            return _FLAGS
        case Kind.TEXT:
            return _TEXTS
    return _OBJECTS
