"""How accounts tell the same calls in other JSON than the document's.

Each dialect takes a record and gives it anew; what it leaves as it is, it shares with the record. It copes with whatever it
finds, so that any of them can be spoken at once and records of a test may be malformed.
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
"""The zone whose offset the times in text carry."""

_BEYOND_SECONDS = 10**11


def _retold(record: Record, names: Iterable[str], kind: type, tell: Callable[[Any], Any]) -> Record:
    """A record with those of the named values that are of a kind as `tell` gives them."""
    return record | {name: tell(record[name]) for name in names if name in record and isinstance(record[name], kind)}


def _lists_retold(record: Record, tell: Callable[[list[Any]], Any]) -> Record:
    """A record with each documented list, that in the contact too, as `tell` gives it."""
    told = _retold(record, LISTS, list, tell)
    return _retold(told, ["contact"], dict, lambda contact: _retold(contact, ["list_ids"], list, tell))


def _each(value: Any, tell: Callable[[Any], Any]) -> Any:
    """A value with each plain value within it as `tell` gives it."""
    if isinstance(value, dict):
        return {name: _each(part, tell) for name, part in value.items()}
    if isinstance(value, list):
        return [_each(item, tell) for item in value]
    return tell(value)


def _values(record: Record, tell: Callable[[Any], Any]) -> Record:
    """A record with each plain value within it as `tell` gives it."""
    return {name: _each(value, tell) for name, value in record.items()}


def _numbers(record: Record, tell: Callable[[Any], Any]) -> Record:
    """A record with each number in it, flags apart, as `tell` gives it."""
    return _values(record, lambda one: tell(one) if type(one) in (int, float) else one)


def _flags(record: Record, tell: Callable[[bool], Any]) -> Record:
    """A record with each flag in it as `tell` gives it."""
    return _values(record, lambda one: tell(one) if isinstance(one, bool) else one)


def _moments(record: Record, tell: Callable[[int], Any]) -> Record:
    """A record with each moment in it that is in epoch seconds as `tell` gives it."""

    def moment(value: int) -> Any:
        return tell(value) if 0 <= value < _BEYOND_SECONDS else value

    def leg(value: Any) -> Any:
        return _retold(value, ["started_at"], int, moment) if isinstance(value, dict) else value

    return _retold(_retold(record, ["started_at"], int, moment), LEGS, list, lambda legs: [leg(one) for one in legs])


def _dice(record: Record) -> int:
    """A number that a call always has, and that says nothing of it."""
    return zlib.crc32(str(record.get("id")).encode("utf-8", "replace"))


def strings(record: Record) -> Record:
    """Every number and flag in a string."""
    return _numbers(_flags(record, lambda flag: "true" if flag else "false"), str)


def numeric_flags(record: Record) -> Record:
    """Flags as 0 and 1."""
    return _flags(record, int)


def flags_01_text(record: Record) -> Record:
    """Flags as `"0"` and `"1"`."""
    return _flags(record, lambda flag: "1" if flag else "0")


def fractions(record: Record) -> Record:
    """Seconds with a fraction, now a little above the whole second and now a little below it."""

    def seconds(whole: int) -> float:
        return round(whole - 0.2 if whole > 0 and _dice(record) % 2 else whole + 0.37, 2)

    return _retold(record, ["duration", "talk_time"], int, seconds)


def zero_fractions(record: Record) -> Record:
    """Whole numbers as `5.0`."""
    return _numbers(record, float)


def blanks(record: Record) -> Record:
    """What is not there as an empty string."""
    told = {name: "" if value is None else value for name, value in record.items()}
    return _lists_retold(told, lambda items: items or "")


def empty_arrays(record: Record) -> Record:
    """Objects that are not there as empty lists, as PHP writes them."""
    return _retold(record, OBJECTS, type(None), lambda _: [])


def empty_objects(record: Record) -> Record:
    """Empty lists as empty objects, as Lua writes them."""
    return _lists_retold(record, lambda items: items or {})


def missing(record: Record) -> Record:
    """What is not there without its name."""
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
    """A list's one item without the list, as converters from XML write it."""
    return _lists_retold(record, lambda items: items[0] if len(items) == 1 else items)


def objects_for_items(record: Record) -> Record:
    """Objects in the place of ids and names in lists."""

    def objects(tell: Callable[[Any], Record]) -> Callable[[list[Any]], list[Any]]:
        return lambda items: [item if isinstance(item, dict) else tell(item) for item in items]

    told = _retold(record, ["agents"], list, objects(_webhook_agent))
    told = _retold(told, ["tags"], list, objects(lambda tag: {"name": tag}))
    lists = objects(lambda of: {"id": of})
    return _retold(told, ["contact"], dict, lambda contact: _retold(contact, ["list_ids"], list, lists))


def _webhook_agent(agent: Any) -> Record:
    return {"id": agent, "name": f"Agent {agent}", "action": "Normal clearing", "type": "Normal call"}


def webhook(record: Record) -> Record:
    """As the vendor's webhook tells its calls: texts for objects, empty strings, times with an offset."""
    told = iso_times(objects_for_items(record))
    told = _retold(told, ["recordings"], list, lambda items: [_part(item, "url") for item in items])
    return {name: "" if value is None else value for name, value in told.items()}


def _part(thing: Any, *names: str) -> Any:
    """The first of an object's named parts that is there, or else the thing as it is."""
    parts = (thing.get(name) for name in names) if isinstance(thing, dict) else ()
    return next((part for part in parts if part is not None), thing)


def whole_webhook(record: Record) -> Record:
    """As `webhook`, with numbers outside as texts, and half of the dispositions without their id."""
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
    """A call that follows none follows call 0."""
    return _retold(record, ["original_call_id"], type(None), lambda _: 0)


def undocumented(record: Record) -> Record:
    """Fields that the document does not name, of every JSON type, at the top and within."""
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
    """A list that the document does not name, of items of several types."""
    return record | {"choices": ["menu", {"digit": _dice(record) % 10}, 1.5]}


def hostile_words(record: Record) -> Record:
    """What people name and note is made to break what shows it, and so is a field that the document does not name."""
    number = _dice(record)
    told = _retold(record, [*OBJECTS, *LEGS], object, _renamed)
    told = _retold(told, ["tags"], list, lambda tags: [word(number + place) for place, _ in enumerate(tags)])
    told = _retold(told, ["type"], str, lambda kind: word(number) if number % 2 else kind)
    return told | {word(number): {word(number + 1): word(number + 2)}}


def _renamed(thing: Any) -> Any:
    """An object, or each of a list, with a word that goes with its id in the place of each name."""
    if isinstance(thing, list):
        return [_renamed(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    number = thing["id"] if isinstance(thing.get("id"), int) else 0
    names = ("full_name", "numberWithAlias", "alias", "name", "code", "note")
    return thing | {name: word(number) for name in names if name in thing}


def mixed(record: Record) -> Record:
    """Each call in another dialect, some as documented."""
    return _told(record, {_own(record)})


def _own(record: Record) -> str:
    """The dialect that a call has to itself in a mixed account."""
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
"""Every dialect, in the order in which several are spoken at once."""

LOSSY: Mapping[str, Dialect] = {tell.__name__: tell for tell in (scalars, scalar_names, whole_webhook)}
"""Dialects that leave out an id, a name or a flag that a figure stands under; all else is told."""

HOSTILE: Mapping[str, Dialect] = {tell.__name__: tell for tell in (hostile_words,)}
"""Dialects that an account speaks in which somebody means ill."""

DIALECTS: Mapping[str, Dialect] = {tell.__name__: tell for tell in _EVERY if tell.__name__ not in {*LOSSY, *HOSTILE}}
"""Dialects in which everything is told that figures are made of."""


def dialects(text: str) -> tuple[str, ...]:
    """The names of some dialects joined by `+`.

    Raises:
        ValueError: there is no such dialect.
    """
    return known(text.split("+"))


def known(names: Iterable[str]) -> tuple[str, ...]:
    """The names as they are.

    Raises:
        ValueError: there is no dialect of such a name.
    """
    names = tuple(names)
    for name in names:
        if name not in {*DIALECTS, *LOSSY, *HOSTILE}:
            raise ValueError(f"{name!r} is no dialect; there are {', '.join([*DIALECTS, *LOSSY, *HOSTILE])}.")
    return names


def in_dialects(record: Any, names: Iterable[str]) -> Any:
    """A record in some dialects at once; what is no object stays as it is."""
    if not isinstance(record, dict):
        return record
    spoken = set(names)
    return _told(record, (spoken | {_own(record)}) - {"mixed"} if "mixed" in spoken else spoken)


def _told(record: Record, names: Container[str]) -> Record:
    return reduce(lambda told, tell: tell(told), [tell for tell in _EVERY if tell.__name__ in names], record)
