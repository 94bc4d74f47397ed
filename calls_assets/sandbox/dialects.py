"""How accounts write the same calls in other JSON than the document's.

Each dialect returns a new record that shares its unchanged parts with the old one. It copes with whatever it finds, so
that several can be combined and a test's records may be malformed.
"""

import zlib
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime
from functools import reduce
from typing import Any
from zoneinfo import ZoneInfo

from calls_assets.sandbox.hostile import word

Record = dict[str, Any]
Dialect = Callable[[Record], Record]

OBJECTS = ("contact", "number", "campaign", "ring_group", "ivr", "disposition")
LEGS = ("all_agents", "answered_agents")
LISTS = ("agents", *LEGS, "external_numbers", "recordings", "tags")
WHERE = ZoneInfo("America/New_York")
"""The zone whose offset is in ISO 8601 times."""

_BEYOND_SECONDS = 10**11


def _retold(record: Record, names: Iterable[str], kind: type, tell: Callable[[Any], Any]) -> Record:
    """A record in which `tell` replaces those of the named values that are of a type."""
    return record | {name: tell(record[name]) for name in names if name in record and isinstance(record[name], kind)}


def _lists_retold(record: Record, tell: Callable[[list[Any]], Any]) -> Record:
    """A record in which `tell` replaces each documented list, including that in the contact."""
    told = _retold(record, LISTS, list, tell)
    return _retold(told, ["contact"], dict, lambda contact: _retold(contact, ["list_ids"], list, tell))


def _each(value: Any, tell: Callable[[Any], Any]) -> Any:
    """A value in which `tell` replaces each plain value."""
    if isinstance(value, dict):
        return {name: _each(part, tell) for name, part in value.items()}
    if isinstance(value, list):
        return [_each(item, tell) for item in value]
    return tell(value)


def _values(record: Record, tell: Callable[[Any], Any]) -> Record:
    """A record in which `tell` replaces each plain value."""
    return {name: _each(value, tell) for name, value in record.items()}


def _numbers(record: Record, tell: Callable[[Any], Any]) -> Record:
    """A record in which `tell` replaces each number, but not the flags."""
    return _values(record, lambda one: tell(one) if type(one) in (int, float) else one)


def _flags(record: Record, tell: Callable[[bool], Any]) -> Record:
    """A record in which `tell` replaces each flag."""
    return _values(record, lambda one: tell(one) if isinstance(one, bool) else one)


def _moments(record: Record, tell: Callable[[int], Any]) -> Record:
    """A record in which `tell` replaces each moment that is in epoch seconds."""

    def moment(value: int) -> Any:
        return tell(value) if 0 <= value < _BEYOND_SECONDS else value

    def leg(value: Any) -> Any:
        return _retold(value, ["started_at"], int, moment) if isinstance(value, dict) else value

    return _retold(_retold(record, ["started_at"], int, moment), LEGS, list, lambda legs: [leg(one) for one in legs])


def _dice(record: Record) -> int:
    """A number that is always the same for a call, and says nothing about it."""
    return zlib.crc32(str(record.get("id")).encode("utf-8", "replace"))


def strings(record: Record) -> Record:
    """Every number and flag as a string."""
    return _numbers(_flags(record, lambda flag: "true" if flag else "false"), str)


def numeric_flags(record: Record) -> Record:
    """Flags as 0 and 1."""
    return _flags(record, int)


def flags_01_text(record: Record) -> Record:
    """Flags as `"0"` and `"1"`."""
    return _flags(record, lambda flag: "1" if flag else "0")


def fractions(record: Record) -> Record:
    """Seconds with a fraction, some a little above the whole second and some a little below."""

    def seconds(whole: int) -> float:
        return round(whole - 0.2 if whole > 0 and _dice(record) % 2 else whole + 0.37, 2)

    return _retold(record, ["duration", "talk_time"], int, seconds)


def zero_fractions(record: Record) -> Record:
    """Whole numbers as `5.0`."""
    return _numbers(record, float)


def blanks(record: Record) -> Record:
    """Missing values and empty lists as empty strings."""
    told = {name: "" if value is None else value for name, value in record.items()}
    return _lists_retold(told, lambda items: items or "")


def empty_arrays(record: Record) -> Record:
    """Missing objects as empty lists, as PHP writes them."""
    return _retold(record, OBJECTS, type(None), lambda _: [])


def empty_objects(record: Record) -> Record:
    """Empty lists as empty objects, as Lua writes them."""
    return _lists_retold(record, lambda items: items or {})


def missing(record: Record) -> Record:
    """Missing values without their names."""
    return {
        name: missing(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if value is not None
    }


def milliseconds(record: Record) -> Record:
    """Moments in milliseconds."""
    return _moments(record, lambda moment: moment * 1000)


def microseconds(record: Record) -> Record:
    """Moments in microseconds."""
    return _moments(record, lambda moment: moment * 1_000_000)


def iso_times(record: Record) -> Record:
    """Moments as ISO 8601 texts with an offset."""
    return _moments(record, lambda moment: datetime.fromtimestamp(moment, WHERE).isoformat())


def lists_of_one(record: Record) -> Record:
    """Objects in a list of one."""
    return _retold(record, OBJECTS, dict, lambda thing: [thing])


def lone_items(record: Record) -> Record:
    """The only item of a list without the list, as converters from XML write it."""
    return _lists_retold(record, lambda items: items[0] if len(items) == 1 else items)


def objects_for_items(record: Record) -> Record:
    """Objects instead of ids and names in lists."""

    def objects(tell: Callable[[Any], Record]) -> Callable[[list[Any]], list[Any]]:
        return lambda items: [item if isinstance(item, dict) else tell(item) for item in items]

    told = _retold(record, ["agents"], list, objects(_webhook_agent))
    told = _retold(told, ["tags"], list, objects(lambda tag: {"name": tag}))
    lists = objects(lambda of: {"id": of})
    return _retold(told, ["contact"], dict, lambda contact: _retold(contact, ["list_ids"], list, lists))


def _webhook_agent(agent: Any) -> Record:
    return {"id": agent, "name": f"Agent {agent}", "action": "Normal clearing", "type": "Normal call"}


def webhook(record: Record) -> Record:
    """As the vendor's webhook sends calls: texts for objects, empty strings, times with an offset."""
    told = iso_times(objects_for_items(record))
    told = _retold(told, ["recordings"], list, lambda items: [_part(item, "url") for item in items])
    return {name: "" if value is None else value for name, value in told.items()}


def _part(thing: Any, *names: str) -> Any:
    """The first of the named parts that an object has, or else the thing itself."""
    parts = (thing.get(name) for name in names) if isinstance(thing, dict) else ()
    return next((part for part in parts if part is not None), thing)


def whole_webhook(record: Record) -> Record:
    """As `webhook`, with external numbers as texts, and half of the dispositions without their id."""
    told = webhook(record)
    told = _retold(told, ["external_numbers"], list, lambda items: [_part(item, "number") for item in items])
    if _dice(record) % 2:
        told = _retold(told, ["disposition"], dict, lambda of: {key: of[key] for key in of if key != "id"})
    return told


def scalars(record: Record) -> Record:
    """Objects as their ids, numbers as their texts."""
    return _scalars(record, "id", "full_name", "name", "code")


def scalar_names(record: Record) -> Record:
    """Objects as their names, numbers as their texts."""
    return _scalars(record, "full_name", "name", "code", "id")


def _scalars(record: Record, *parts: str) -> Record:
    told = _retold(record, [name for name in OBJECTS if name != "number"], dict, lambda thing: _part(thing, *parts))
    told = _retold(told, ["number"], dict, lambda line: _part(line, "number"))
    return _retold(told, ["external_numbers"], list, lambda items: [_part(item, "number") for item in items])


def numeric_texts(record: Record) -> Record:
    """Texts of digits as numbers."""

    def number(value: Any) -> Any:
        is_exact = isinstance(value, str) and value.isdecimal() and len(value) < 16 and str(int(value)) == value
        return int(value) if is_exact else value

    return _values(record, number)


def zero_for_none(record: Record) -> Record:
    """Calls that follow no other follow call 0."""
    return _retold(record, ["original_call_id"], type(None), lambda _: 0)


def undocumented(record: Record) -> Record:
    """Undocumented fields of every JSON type, at the top and within objects."""
    number = _dice(record)
    told = record | {
        "waiting_time": number % 60,
        "cost": 0.25 * (number % 7),
        "language": "en",
        "summary": None,
        "queue": {"name": "Main", "position": number % 5},
        "steps": ["menu", str(number % 10)],
    }
    told = _retold(told, ["contact"], dict, lambda contact: contact | {"vip": number % 2 == 0})
    told = _retold(told, ["ring_group"], dict, lambda group: group | {"strategy": "longest idle"})
    return _retold(
        told, LEGS, list, lambda legs: [leg | {"team": "A"} if isinstance(leg, dict) else leg for leg in legs]
    )


def mixed_lists(record: Record) -> Record:
    """An undocumented list with items of several types."""
    return record | {"choices": ["menu", {"digit": _dice(record) % 10}, 1.5]}


def hostile_words(record: Record) -> Record:
    """Hostile words for whatever people name or note, and in an undocumented field."""
    number = _dice(record)
    told = _retold(record, [*OBJECTS, *LEGS], object, _renamed)
    told = _retold(told, ["tags"], list, lambda tags: [word(number + place) for place, _ in enumerate(tags)])
    told = _retold(told, ["type"], str, lambda kind: word(number) if number % 2 else kind)
    return told | {word(number): {word(number + 1): word(number + 2)}}


def _renamed(thing: Any) -> Any:
    """An object, or each in a list, with a word chosen by its id instead of each name."""
    if isinstance(thing, list):
        return [_renamed(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    number = thing["id"] if isinstance(thing.get("id"), int) else 0
    names = ("full_name", "numberWithAlias", "alias", "name", "code", "note")
    return thing | {name: word(number) for name in names if name in thing}


def mixed(record: Record) -> Record:
    """Each call in its own dialect, some as documented."""
    return _told(record, {_own(record)})


def _own(record: Record) -> str:
    """The dialect of a call in a mixed account."""
    names = ["as documented", *(name for name in DIALECTS if name != "mixed")]
    return names[_dice(record) % len(names)]


_EVERY = (
    hostile_words,
    undocumented,
    mixed_lists,
    fractions,
    milliseconds,
    microseconds,
    iso_times,
    zero_for_none,
    objects_for_items,
    webhook,
    whole_webhook,
    scalars,
    scalar_names,
    lists_of_one,
    lone_items,
    zero_fractions,
    numeric_texts,
    numeric_flags,
    flags_01_text,
    strings,
    blanks,
    empty_arrays,
    empty_objects,
    missing,
    mixed,
)
"""Every dialect, in the order in which several are applied."""

LOSSY: Mapping[str, Dialect] = {tell.__name__: tell for tell in (scalars, scalar_names, whole_webhook)}
"""Dialects that leave out an id, a name or a flag that figures are grouped by."""

HOSTILE: Mapping[str, Dialect] = {tell.__name__: tell for tell in (hostile_words,)}
"""Dialects with malicious content."""

DIALECTS: Mapping[str, Dialect] = {tell.__name__: tell for tell in _EVERY if tell.__name__ not in {*LOSSY, *HOSTILE}}
"""Dialects that keep everything that figures are made of."""


def dialects(text: str) -> tuple[str, ...]:
    """The dialects in a text such as `strings+missing`.

    Raises:
        ValueError: there is no such dialect.
    """
    return known(text.split("+"))


def known(names: Iterable[str]) -> tuple[str, ...]:
    """The names, checked.

    Raises:
        ValueError: there is no dialect of such a name.
    """
    names = tuple(names)
    for name in names:
        if name not in {*DIALECTS, *LOSSY, *HOSTILE}:
            raise ValueError(f"{name!r} is not a dialect; there are {', '.join([*DIALECTS, *LOSSY, *HOSTILE])}.")
    return names


def in_dialects(record: Any, names: Iterable[str]) -> Any:
    """A record in several dialects at once; anything but an object stays as it is."""
    if not isinstance(record, dict):
        return record
    spoken = set(names)
    return _told(record, (spoken | {_own(record)}) - {"mixed"} if "mixed" in spoken else spoken)


def _told(record: Record, names: Container[str]) -> Record:
    return reduce(lambda told, tell: tell(told), [tell for tell in _EVERY if tell.__name__ in names], record)
