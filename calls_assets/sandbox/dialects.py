"""How accounts write the same calls in other JSON than the document's.

Each dialect returns a new record that shares its unchanged parts with the old one. It copes with whatever it finds, so
that several can be combined and a test's records may be malformed.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
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


def _replace(record: Record, names: Iterable[str], kind: type, write: Callable[[Any], Any]) -> Record:
    """A record in which `write` replaces those of the named values that are of a type."""
    return record | {name: write(record[name]) for name in names if name in record and isinstance(record[name], kind)}


def _replace_lists(record: Record, write: Callable[[list[Any]], Any]) -> Record:
    """A record in which `write` replaces each documented list, including that in the contact."""
    written = _replace(record, LISTS, list, write)
    return _replace(written, ["contact"], dict, lambda contact: _replace(contact, ["list_ids"], list, write))


def _each(value: Any, write: Callable[[Any], Any]) -> Any:
    """A value in which `write` replaces each plain value."""
    if isinstance(value, dict):
        return {name: _each(part, write) for name, part in value.items()}
    if isinstance(value, list):
        return [_each(item, write) for item in value]
    return write(value)


def _values(record: Record, write: Callable[[Any], Any]) -> Record:
    """A record in which `write` replaces each plain value."""
    return {name: _each(value, write) for name, value in record.items()}


def _numbers(record: Record, write: Callable[[Any], Any]) -> Record:
    """A record in which `write` replaces each number, but not the flags."""
    return _values(record, lambda one: write(one) if type(one) in (int, float) else one)


def _flags(record: Record, write: Callable[[bool], Any]) -> Record:
    """A record in which `write` replaces each flag."""
    return _values(record, lambda one: write(one) if isinstance(one, bool) else one)


def _moments(record: Record, write: Callable[[int], Any]) -> Record:
    """A record in which `write` replaces each moment that is in epoch seconds."""

    def moment(value: int) -> Any:
        return write(value) if 0 <= value < _BEYOND_SECONDS else value

    def leg(value: Any) -> Any:
        return _replace(value, ["started_at"], int, moment) if isinstance(value, dict) else value

    return _replace(_replace(record, ["started_at"], int, moment), LEGS, list, lambda legs: [leg(one) for one in legs])


def _dice(record: Record) -> int:
    """A number that is always the same for a call, and says nothing about it."""
    return zlib.crc32(str(record.get("id")).encode("utf-8", "replace"))


def _strings(record: Record) -> Record:
    """Every number and flag as a string."""
    return _numbers(_flags(record, lambda flag: "true" if flag else "false"), str)


def _fractions(record: Record) -> Record:
    """Seconds with a fraction, some a little above the whole second and some a little below."""

    def seconds(whole: int) -> float:
        return round(whole - 0.2 if whole > 0 and _dice(record) % 2 else whole + 0.37, 2)

    return _replace(record, ["duration", "talk_time"], int, seconds)


def _blanks(record: Record) -> Record:
    """Missing values and empty lists as empty strings."""
    written = {name: "" if value is None else value for name, value in record.items()}
    return _replace_lists(written, lambda items: items or "")


def _missing(record: Record) -> Record:
    """Missing values without their names."""
    return {
        name: _missing(value) if isinstance(value, dict) else value
        for name, value in record.items()
        if value is not None
    }


def _iso_times(record: Record) -> Record:
    """Moments as ISO 8601 texts with an offset."""
    return _moments(record, lambda moment: datetime.fromtimestamp(moment, WHERE).isoformat())


def _objects_for_items(record: Record) -> Record:
    """Objects instead of ids and names in lists."""

    def objects(write: Callable[[Any], Record]) -> Callable[[list[Any]], list[Any]]:
        return lambda items: [item if isinstance(item, dict) else write(item) for item in items]

    written = _replace(record, ["agents"], list, objects(_webhook_agent))
    written = _replace(written, ["tags"], list, objects(lambda tag: {"name": tag}))
    lists = objects(lambda of: {"id": of})
    return _replace(written, ["contact"], dict, lambda contact: _replace(contact, ["list_ids"], list, lists))


def _webhook_agent(agent: Any) -> Record:
    return {"id": agent, "name": f"Agent {agent}", "action": "Normal clearing", "type": "Normal call"}


def _webhook(record: Record) -> Record:
    """As the vendor's webhook sends calls: texts for objects, empty strings, times with an offset."""
    written = _iso_times(_objects_for_items(record))
    written = _replace(written, ["recordings"], list, lambda items: [_part(item, "url") for item in items])
    return {name: "" if value is None else value for name, value in written.items()}


def _part(thing: Any, *names: str) -> Any:
    """The first of the named parts that an object has, or else the thing itself."""
    parts = (thing.get(name) for name in names) if isinstance(thing, dict) else ()
    return next((part for part in parts if part is not None), thing)


def _whole_webhook(record: Record) -> Record:
    """As `webhook`, with external numbers as texts, and half of the dispositions without their id."""
    written = _webhook(record)
    written = _replace(written, ["external_numbers"], list, lambda items: [_part(item, "number") for item in items])
    if _dice(record) % 2:
        written = _replace(written, ["disposition"], dict, lambda of: {key: of[key] for key in of if key != "id"})
    return written


def _scalars(record: Record, *parts: str) -> Record:
    written = _replace(record, [name for name in OBJECTS if name != "number"], dict, lambda thing: _part(thing, *parts))
    written = _replace(written, ["number"], dict, lambda line: _part(line, "number"))
    return _replace(written, ["external_numbers"], list, lambda items: [_part(item, "number") for item in items])


def _numeric_texts(record: Record) -> Record:
    """Texts of digits as numbers."""

    def number(value: Any) -> Any:
        is_exact = isinstance(value, str) and value.isdecimal() and len(value) < 16 and str(int(value)) == value
        return int(value) if is_exact else value

    return _values(record, number)


def _undocumented(record: Record) -> Record:
    """Undocumented fields of every JSON type, at the top and within objects."""
    number = _dice(record)
    written = record | {
        "waiting_time": number % 60,
        "cost": 0.25 * (number % 7),
        "language": "en",
        "summary": None,
        "queue": {"name": "Main", "position": number % 5},
        "steps": ["menu", str(number % 10)],
    }
    written = _replace(written, ["contact"], dict, lambda contact: contact | {"vip": number % 2 == 0})
    written = _replace(written, ["ring_group"], dict, lambda group: group | {"strategy": "longest idle"})
    return _replace(
        written, LEGS, list, lambda legs: [leg | {"team": "A"} if isinstance(leg, dict) else leg for leg in legs]
    )


def _hostile_words(record: Record) -> Record:
    """Hostile words for whatever people name or note, and in an undocumented field."""
    number = _dice(record)
    written = _replace(record, [*OBJECTS, *LEGS], object, _renamed)
    written = _replace(written, ["tags"], list, lambda tags: [word(number + place) for place, _ in enumerate(tags)])
    written = _replace(written, ["type"], str, lambda kind: word(number) if number % 2 else kind)
    return written | {word(number): {word(number + 1): word(number + 2)}}


def _renamed(thing: Any) -> Any:
    """An object, or each in a list, with a word chosen by its id instead of each name."""
    if isinstance(thing, list):
        return [_renamed(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    number = thing["id"] if isinstance(thing.get("id"), int) else 0
    names = ("full_name", "numberWithAlias", "alias", "name", "code", "note")
    return thing | {name: word(number) for name in names if name in thing}


_EVERY: Mapping[str, Dialect] = {
    "hostile_words": _hostile_words,
    "undocumented": _undocumented,
    "mixed_lists": lambda record: record | {"choices": ["menu", {"digit": _dice(record) % 10}, 1.5]},
    "fractions": _fractions,
    "milliseconds": lambda record: _moments(record, lambda moment: moment * 1000),
    "microseconds": lambda record: _moments(record, lambda moment: moment * 1_000_000),
    "iso_times": _iso_times,
    "zero_for_none": lambda record: _replace(record, ["original_call_id"], type(None), lambda _: 0),
    "objects_for_items": _objects_for_items,
    "webhook": _webhook,
    "whole_webhook": _whole_webhook,
    "scalars": lambda record: _scalars(record, "id", "full_name", "name", "code"),
    "scalar_names": lambda record: _scalars(record, "full_name", "name", "code", "id"),
    "lists_of_one": lambda record: _replace(record, OBJECTS, dict, lambda thing: [thing]),
    # The only item of a list without the list, as converters from XML write it.
    "lone_items": lambda record: _replace_lists(record, lambda items: items[0] if len(items) == 1 else items),
    "zero_fractions": lambda record: _numbers(record, float),
    "numeric_texts": _numeric_texts,
    "numeric_flags": lambda record: _flags(record, int),
    "flags_01_text": lambda record: _flags(record, lambda flag: "1" if flag else "0"),
    "strings": _strings,
    "blanks": _blanks,
    # Missing objects as empty lists, as PHP writes them, and empty lists as empty objects, as Lua does.
    "empty_arrays": lambda record: _replace(record, OBJECTS, type(None), lambda _: []),
    "empty_objects": lambda record: _replace_lists(record, lambda items: items or {}),
    "missing": _missing,
}
"""Every dialect, in the order in which several are applied."""

LOSSY = ("scalars", "scalar_names", "whole_webhook")
"""Dialects that leave out an id, a name or a flag that figures are grouped by."""

HOSTILE = ("hostile_words",)
"""Dialects with malicious content."""

MIXED = "mixed"
"""Each call in a dialect of its own, some as documented."""

DIALECTS = (*(name for name in _EVERY if name not in LOSSY + HOSTILE), MIXED)
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
    names, there = tuple(names), DIALECTS + LOSSY + HOSTILE
    for name in names:
        if name not in there:
            raise ValueError(f"{name!r} is not a dialect; there are {', '.join(there)}.")
    return names


def in_dialects(record: Any, names: Iterable[str]) -> Any:
    """A record in several dialects at once; anything but an object stays as it is."""
    if not isinstance(record, dict):
        return record
    wanted = set(names)
    if MIXED in wanted:
        own = ["as documented", *DIALECTS[:-1]]
        wanted.add(own[_dice(record) % len(own)])
    return reduce(
        lambda written, write: write(written), [write for name, write in _EVERY.items() if name in wanted], record
    )
