"""A page as Arrow read it -> the documented columns, `extra`, and how the records differ from the document.

Whole columns at a time, by the rules of `rules`: frequent cases have a fast path here, all others go through the rules
themselves, once for each distinct value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.dialect import BLANK, FLAG, LIST, NULL, OBJECT, OTHER, REAL, TEXT, WHOLE
from calls_assets.api.document import Field, Kind
from calls_assets.api.field_names import shown_name
from calls_assets.api.json_columns import (
    NotColumnar,
    Pieces,
    arrays,
    coalesced,
    concatenated,
    counts_of,
    fields_by_name,
    fractional,
    kind_of_type,
    list_texts,
    numbers_of,
    object_texts,
    pieces,
    to_json,
)
from calls_assets.api.json_values import JSON, ZeroFraction, as_json
from calls_assets.api.rules import (
    BEYOND_S,
    DIGITS,
    EMPTY,
    FRACTION,
    ISO_TIME,
    LIST_OF_ONE,
    LONE,
    MICROS_S,
    MICROSECONDS,
    MILLIS_S,
    MILLISECONDS,
    NOTHING,
    NUMBER_FOR_TEXT,
    OBJECT_FOR_PLAIN,
    PLAIN_FOR_OBJECT,
    ZERO_FRACTION,
    Became,
    Deviation,
    Reader,
    Rule,
    sent_as,
)
from calls_assets.api.types import arrow_type
from calls_assets.arrow import Flags, Ints, flag_array, int_array, text, texts, where_valid

# What stands in one place, an array for each kind; each value is non-null in at most one of them.
Sent: TypeAlias = Mapping[str, pa.Array]

# A documented column, and as JSON texts what it does not hold of the original; None where it holds everything.
Typed: TypeAlias = tuple[pa.Array, pa.Array | None]
FEW_DIGITS = r"^-?[0-9]{1,18}$"
ANY_DIGITS = r"^-?[0-9]+(\.0+)?$"
TO_THE_SECOND = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$"


@dataclass
class Columns:
    """Reads the records of one page; keeps how they differ from the document.

    Attributes:
        records: How many there are.
        reader: Reads what has no fast path here.
        zero_fractions: Whether whole numbers in columns of numbers with a fraction are written with a zero fraction.
        found: The deviations, each with the records that have it.
    """

    records: int
    reader: Reader
    zero_fractions: bool = False
    found: dict[Deviation, Flags] = field(default_factory=dict)

    def object(self, fields: tuple[Field, ...], names: Mapping[str, Sent], at: "Place") -> tuple[list[pa.Array], Any]:
        """The documented fields of objects, and as JSON texts what they do not hold of the objects."""
        columns: list[pa.Array] = []
        rests: dict[str, Pieces] = {}
        for part in fields:
            column, rest = self.field(part, names.get(part.name, {}), at.to(part.name))
            columns.append(column)
            if rest is not None:
                rests[part.name] = [rest]
        known = {part.name for part in fields}
        for name, sent in names.items():
            if name not in known:
                rests[name] = self._undocumented(sent, at.to(shown_name(name)))
        return columns, object_texts(rests)

    def field(self, of: Field, sent: Sent, at: "Place") -> Typed:
        """A documented field's column."""
        sent = {kind: values for kind, values in sent.items() if kind != NULL and values.null_count < len(values)}
        if not sent:
            return pa.nulls(at.size, arrow_type(of)), None
        if OTHER in sent:
            return self._through(of, OTHER, sent[OTHER], at, self.reader.value)
        if TEXT in sent and (of.many or of.parts):
            sent = _blanks_apart(sent)
        read = self._list if of.many else self._one
        return _joined([read(of, kind, values, at) for kind, values in sent.items()])

    def _undocumented(self, sent: Sent, at: "Place") -> Pieces:
        parts: list[Pieces] = []
        for kind, values in sent.items():
            if kind == OTHER:
                self._tell_sources(values, at)
            elif kind == WHOLE and pa.types.is_floating(values.type):
                odd = fractional(values)
                self._tell(at, sent_as(0.5), Became.UNDOCUMENTED, odd)
                self._tell(at, sent_as(1), Became.UNDOCUMENTED, where_valid(values) & ~odd)
            else:
                self._tell(at, SENT[kind], Became.UNDOCUMENTED, where_valid(values))
            parts.append(pieces(values, kind))
        return parts[0] if len(parts) == 1 else [pc.coalesce(*map(concatenated, parts))]

    def _tell_sources(self, sources: pa.Array, at: "Place") -> None:
        different = sources.dictionary_encode()
        sent = [sent_as(JSON.decode(source)) for source in different.dictionary.to_pylist()]
        places, valid = numbers_of(different.indices), where_valid(sources)
        for kind in set(sent):
            self._tell(at, kind, Became.UNDOCUMENTED, valid & np.array([kind == one for one in sent])[places])

    def _tell(self, at: "Place", sent: str, became: Became, where: Flags) -> None:
        if not where.any():
            return
        deviation = Deviation(at.path, sent, became.value)
        marks = self.found.setdefault(deviation, np.zeros(self.records, np.bool_))
        marks[at.rows[where] if at.rows is not None else where] = True

    def _rule(self, at: "Place", rule: Rule, where: Flags, rounded: Flags | None = None) -> None:
        if rounded is not None:
            self._tell(at, rule.sent, Became.ROUNDED, where & rounded)
            where = where & ~rounded
        self._tell(at, rule.sent, Became.READ, where)

    def _one(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed:
        """A column that is not documented as a list."""
        if kind == BLANK and of.kind is not Kind.TEXT:
            self._rule(at, EMPTY, where_valid(values))
            return pa.nulls(len(values), arrow_type(of)), None
        return self._quickly(of, kind, values, at) or self._by_rule(of, kind, values, at)

    def _quickly(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed | None:
        """A column by its fast path; None where there is none."""
        match of.kind:
            case Kind.INTEGER:
                return self._whole(of, kind, values, at)
            case Kind.BOOLEAN:
                return (values, None) if kind == FLAG else None
            case Kind.TEXT:
                return self._text(kind, values, at)
        return self._object(of, kind, values, at)

    def _text(self, kind: str, values: pa.Array, at: "Place") -> Typed | None:
        if kind in (TEXT, BLANK):
            return values, None
        if kind == WHOLE and not pa.types.is_floating(values.type):
            self._rule(at, NUMBER_FOR_TEXT, where_valid(values))
            return values.cast(pa.string()), None
        return None

    def _whole(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed | None:
        if kind == TEXT:
            return self._spelt(of, values, at)
        if kind != WHOLE:
            return None
        if pa.types.is_floating(values.type):
            return self._real(of, values, at)
        return self._moment(values, at, None) if of.is_instant else (values, None)

    def _spelt(self, of: Field, values: pa.Array, at: "Place") -> Typed | None:
        """Whole numbers and moments given as texts."""
        if (numbers := _as_spelt(values)) is not None:
            whole = np.abs(numbers_of(numbers)) < MILLIS_S if of.is_instant else True
            self._rule(at, DIGITS, where_valid(values) & whole)
            return self._moment(numbers, at, to_json(values, TEXT)) if of.is_instant else (numbers, None)
        if of.is_instant and pc.all(pc.match_substring_regex(values, TO_THE_SECOND), min_count=0).as_py():
            try:
                moments = values.cast(pa.timestamp("s", "UTC")).cast(pa.int64())
            except pa.ArrowInvalid:
                return None
            self._rule(at, ISO_TIME, where_valid(values))
            return moments, None
        return None

    def _real(self, of: Field, values: pa.Array, at: "Place") -> Typed | None:
        """Numbers, some of them with a fraction."""
        odd, numbers = fractional(values), numbers_of(values)
        if (odd.any() and not (of.is_duration or of.is_instant)) or (
            of.is_instant and (np.abs(numbers) >= MILLIS_S).any()
        ):
            return None
        rounded = np.floor(numbers + 0.5).astype(np.int64)
        self._rule(at, FRACTION, odd, odd)
        if self.zero_fractions:
            self._rule(at, ZERO_FRACTION, where_valid(values) & ~odd)
        rest = _chosen(to_json(values, REAL), odd) if odd.any() else None
        return int_array(rounded, ~where_valid(values)), rest

    def _moment(self, values: pa.Array, at: "Place", original: pa.Array | None) -> Typed | None:
        """Moments as whole numbers of some unit; `original` is their JSON where they were not sent as numbers."""
        valid, numbers = where_valid(values), numbers_of(values)
        size = np.abs(numbers)
        if not (size >= MILLIS_S).any():
            return values, None
        if (size >= BEYOND_S).any() or (size < 0).any():
            return None
        unit = np.where(size < MILLIS_S, 1, np.where(size < MICROS_S, 1000, 1_000_000))
        seconds, inexact = (numbers + unit // 2) // unit, numbers % unit != 0
        for rule, of_unit in ((MILLISECONDS, 1000), (MICROSECONDS, 1_000_000)):
            self._rule(at, rule, unit == of_unit, inexact)
        original = to_json(values, WHOLE) if original is None else original
        rest = _chosen(original, inexact) if inexact.any() else None
        return int_array(seconds, ~valid), rest

    def _object(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed | None:
        if kind == OBJECT:
            if untouched(of, values):
                return values, None
            columns, rest = self.object(of.parts, fields_by_name(values), at)
            return _structs(of, columns), rest
        if kind == LIST:
            return self._list_of_one(of, values, at)
        if kind in (TEXT, WHOLE):
            return self._plain(of, kind, values, at)
        return None

    def _list_of_one(self, of: Field, values: pa.Array, at: "Place") -> Typed | None:
        counts, items = counts_of(values), values.flatten()
        if (counts > 1).any() or items.null_count or not (len(items) == 0 or pa.types.is_struct(items.type)):
            return None
        self._rule(at, EMPTY, where_valid(values) & (counts == 0))
        if not len(items):
            return pa.nulls(len(values), arrow_type(of)), None
        self._rule(at, LIST_OF_ONE, counts == 1)
        places = int_array(np.cumsum(counts) - 1, counts == 0)
        return self._object(of, OBJECT, items.take(places), at)

    def _plain(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed | None:
        """Objects given by one of their values."""
        if pa.types.is_floating(values.type) or not of.stands_for:
            return None
        first, last = of.stands_for[0], of.stands_for[-1]
        kinds = {part.name: part.kind for part in of.parts}
        columns: dict[str, pa.Array] = {}
        if kind == WHOLE:
            columns[first] = values if kinds[first] is Kind.INTEGER else values.cast(pa.string())
        elif kinds[first] is Kind.INTEGER:
            digits = pc.match_substring_regex(values, FEW_DIGITS)
            if not pc.match_substring_regex(values, ANY_DIGITS).equals(digits):
                return None
            columns[first] = pc.if_else(digits, values, text(None)).cast(pa.int64())
            columns[last] = pc.if_else(digits, text(None), values)
        else:
            columns[last] = values
        self._rule(at, PLAIN_FOR_OBJECT, where_valid(values))
        missing = {part.name: pa.nulls(len(values), arrow_type(part)) for part in of.parts}
        return _structs(of, list((missing | columns).values())), None

    def _list(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed:
        if kind != LIST:
            return self._lone(of, kind, values, at)
        if untouched(of, values):
            return values, None
        counts, parents = counts_of(values), np.arange(len(values))
        inside = Place(f"{at.path}[]", int(counts.sum()), at.records(np.repeat(parents, counts)))
        items, rest = self._item(of, kind_of_type(values.type.value_type), values.flatten(), inside)
        return _lists(of, items, counts, values), None if rest is None else _listed(rest, counts)

    def _lone(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed:
        """Lists given by their one item alone, or by an empty text."""
        valid = where_valid(values)
        if kind == BLANK:
            self._rule(at, EMPTY, valid)
            return _lists(of, pa.nulls(0, arrow_type(of.item)), np.zeros(len(values), np.int64), values), None
        inner = Columns(self.records, self.reader, self.zero_fractions)
        items, rest = inner._item(of, kind, values, at)
        read = where_valid(items)
        unread = valid & ~read & (where_valid(rest) if rest is not None else False)
        if unread.any():
            return self._by_rule(of, kind, values, at)
        for deviation, where in inner.found.items():
            self.found[deviation] = self.found.get(deviation, False) | where
        self._rule(at, LONE, valid)
        return _lists(of, items.drop_null(), read.astype(np.int64), values), rest

    def _item(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed:
        """The items of lists."""
        if values.null_count == len(values):
            return pa.nulls(len(values), arrow_type(of.item)), None
        if kind == TEXT and of.parts:
            return self.field(of.item, {TEXT: values}, at)
        if kind == OBJECT and not of.parts:
            return self._standing_for(of, values, at) or self._through(
                of.item, kind, values, at, lambda _, *given: self.reader.item(of, *given)
            )
        return self._one(of.item, kind, values, at)

    def _standing_for(self, of: Field, values: pa.Array, at: "Place") -> Typed | None:
        """Objects in place of plain items, each of which is one part of its object."""
        (name,) = of.stands_for
        names = dict(fields_by_name(values))
        inner = Columns(self.records, self.reader, self.zero_fractions)
        items, rest = inner.field(of.item, names.pop(name, {}), at.to(name))
        if items.null_count > values.null_count:
            return None
        self.found |= {found: self.found.get(found, False) | where for found, where in inner.found.items()}
        self._rule(at, OBJECT_FOR_PLAIN, where_valid(values))
        others: dict[str, Pieces] = {
            other: [coalesced([to_json(part, kind) for kind, part in sent.items()])] for other, sent in names.items()
        }
        return items, object_texts(others | ({name: [rest]} if rest is not None else {}))

    def _by_rule(self, of: Field, kind: str, values: pa.Array, at: "Place") -> Typed:
        if of.parts and kind in (OBJECT, LIST):
            raise NotColumnar("an object whose documented fields do not distinguish null from absent")
        return self._through(of, kind, values, at, self.reader.value)

    def _through(self, of: Field, kind: str, values: pa.Array, at: "Place", read: Callable[..., Any]) -> Typed:
        """Read each distinct value by the rules, as if it were alone."""
        is_real = kind == WHOLE and pa.types.is_floating(values.type)
        if kind in (OBJECT, LIST) and self.zero_fractions:
            raise NotColumnar("a number whose spelling is lost")
        different = (to_json(values, kind) if kind in (OBJECT, LIST) else values).dictionary_encode()
        is_json = kind in (OBJECT, LIST, OTHER)
        spelt = different.dictionary if is_json else to_json(different.dictionary, kind)
        column, rests, found = [], [], []
        for one in spelt.to_pylist():
            deviations: set[Deviation] = set()
            sent = JSON.decode(one)
            if is_real and self.zero_fractions and isinstance(sent, int):
                sent = ZeroFraction(sent)
            value, left = read(of, sent, at.path, deviations)
            column.append(value)
            rests.append(None if left is NOTHING else as_json(left))
            found.append(deviations)
        places, valid = numbers_of(different.indices), where_valid(values)
        for deviation in set().union(*found):
            having = np.array([deviation in deviations for deviations in found], np.bool_)
            self._tell(
                at._replace(path=deviation.path), deviation.sent, Became(deviation.became), valid & having[places]
            )
        rest = texts(rests).take(different.indices) if any(rest is not None for rest in rests) else None
        return arrays(column, arrow_type(of)).take(different.indices), rest


class Place(NamedTuple):
    """A column's path, how many values it has, and the record of each (None: value n belongs to record n)."""

    path: str
    size: int
    rows: Ints | None = None

    def to(self, name: str) -> "Place":
        """A field within."""
        return Place(f"{self.path}.{name}" if self.path else name, self.size, self.rows)

    def records(self, places: Ints) -> Ints:
        """The records of some of the values."""
        return places if self.rows is None else self.rows[places]


# The JSON type of each kind, in the words of `rules.sent_as`.
SENT = {
    TEXT: "a string",
    BLANK: "a string",
    FLAG: "a boolean",
    WHOLE: "an integer",
    OBJECT: "an object",
    LIST: "an array",
    NULL: "null",
}


def _blanks_apart(sent: Sent) -> Sent:
    """The values in a place, with empty texts as a kind of their own."""
    blank = pc.equal(sent[TEXT], text(""))
    if not pc.any(blank, min_count=0).as_py():
        return sent
    blanks, others = pc.if_else(blank, sent[TEXT], text(None)), pc.if_else(blank, text(None), sent[TEXT])
    apart = dict(sent) | {TEXT: others, BLANK: coalesced([sent[BLANK], blanks]) if BLANK in sent else blanks}
    return {kind: values for kind, values in apart.items() if values.null_count < len(values)}


def untouched(of: Field, values: pa.Array) -> bool:
    """Whether a column of objects or lists can be returned unchanged.

    It has the documented types, only seconds for moments, and no object without a documented value.
    """
    if not values.type.equals(arrow_type(of)):
        return False
    return _needs_no_change(of, values)


def _needs_no_change(of: Field, values: pa.Array) -> bool:
    if of.many:
        return not (of.parts or of.is_instant) or _needs_no_change(of.item, values.flatten())
    if of.is_instant:
        return not (np.abs(numbers_of(values)) >= MILLIS_S).any()
    if not of.parts:
        return True
    parts = [values.field(place) for place in range(values.type.num_fields)]
    if all(part.null_count > values.null_count for part in parts):
        nothing = reduce(np.logical_and, (~where_valid(part) for part in parts))
        if (nothing & where_valid(values)).any():
            return False
    return all(
        _needs_no_change(part, column)
        for part, column in zip(of.parts, parts, strict=True)
        if part.parts or part.is_instant
    )


def _as_spelt(values: pa.Array) -> pa.Array | None:
    """The whole numbers that texts spell without leading zeros; None where a text is anything else."""
    try:
        numbers = values.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return numbers if numbers.cast(pa.string()).equals(values) else None


def _chosen(values: pa.Array, where: Flags) -> pa.Array:
    return pc.if_else(flag_array(where), values, text(None))


def _joined(parts: list[Typed]) -> Typed:
    """One column from those of several kinds."""
    rests = [rest for _, rest in parts if rest is not None]
    columns = [column for column, _ in parts if column.null_count < len(column)]
    return coalesced(columns or [parts[0][0]]), coalesced(rests) if rests else None


def _structs(of: Field, columns: list[pa.Array]) -> pa.Array:
    """Objects of these columns, null where they have no value."""
    nothing = reduce(np.logical_and, (~where_valid(column) for column in columns))
    mask = flag_array(nothing) if nothing.any() else None
    return pa.StructArray.from_arrays(columns, fields=list(arrow_type(of.item)), mask=mask)


def _lists(of: Field, items: pa.Array, counts: Ints, values: pa.Array) -> pa.Array:
    """Lists of so many items each, null where `values` is."""
    ends = np.cumsum(np.append(0, counts)).astype(np.int32)
    offsets = pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)])
    mask = flag_array(~where_valid(values)) if values.null_count else None
    return pa.ListArray.from_arrays(offsets, items, type=arrow_type(of), mask=mask)


def _listed(rest: pa.Array, counts: Ints) -> pa.Array | None:
    """What is left of lists: a JSON list of what is left of each item, or null; null where nothing is left of any item."""
    left = np.bincount(np.repeat(np.arange(len(counts)), counts)[where_valid(rest)], minlength=len(counts)) > 0
    return _chosen(list_texts(rest, counts), left) if left.any() else None
