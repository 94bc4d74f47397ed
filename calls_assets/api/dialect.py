"""Which kinds of JSON values an account sends in which fields, and how Arrow's JSON reader can read them.

Arrow's reader is by far the fastest way to read a page, but takes one kind of value per field. A `Dialect` is therefore made
from the kinds that pages were seen to hold: a schema with the type of each field. Where a field comes in several
kinds, its name is marked before one of them, so that each kind gets a column of its own. What Arrow has no type for, such as
a list of items of several kinds, is turned into a text. A page with anything else in it is refused, never misread.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from calls_assets.api.document import PAGE, Field
from calls_assets.api.json_values import JSON, MOST_LEVELS, DuplicateName, UnheldNumber, WholeReal, is_unicode
from calls_assets.api.types import arrow_type

MARK = "\ue000"  # stands between a field's name and its kind; from the private use area, so that no name holds it
MARK_BEGINS, MARK_ESCAPED = MARK.encode()[:1], (b"\\ue000", b"\\uE000")

# Kinds of JSON: texts, empty texts, flags, whole numbers, other numbers, objects, lists, nulls, and what Arrow cannot
# type.
TEXT, BLANK, FLAG, WHOLE, REAL, OBJECT, LIST, NULL, OTHER = "SEBNFOAZX"

# How the values of a kind begin.
BEGINS: Mapping[str, tuple[str, ...]] = {TEXT: ('"',), FLAG: ("t", "f"), OBJECT: ("{",), LIST: ("[",)}

# Of several kinds, the first of these keeps the plain name; numbers begin in too many ways to be marked.
UNMARKED = (WHOLE, OBJECT, LIST, FLAG, TEXT)
MARKABLE = re.compile(r"[A-Za-z0-9_ .:-]{1,64}")
MOST_NAMES, DEEPEST = 1000, 12
MOST_LEARNED_NAMES = 10 * MOST_NAMES  # places that are remembered; an answer can hold millions


class NoDialect(Exception):
    """No schema lets Arrow's reader read such pages."""


@dataclass
class Kinds:
    """The kinds seen in one place, with the fields of its objects and the items of its lists.

    `places` counts the named places of the whole page.
    """

    seen: set[str] = field(default_factory=set)
    names: "dict[str, Kinds]" = field(default_factory=dict)
    items: "Kinds | None" = None
    places: "Iterator[int]" = field(default_factory=count)

    def add(self, value: Any, depth: int = 0) -> None:
        """Add the kinds of a value and of all nested values; what no dialect can hold has none.

        Raises:
            NoDialect: there are too many names.
        """
        if isinstance(value, (DuplicateName, UnheldNumber)):
            return
        kind = kind_of(value) if depth < DEEPEST else OTHER
        self.seen.add(kind)
        if kind == OBJECT:
            for name, part in value.items():
                if MARK not in name and is_unicode(name):
                    self._at(name).add(part, depth + 1)
        elif kind == LIST:
            self.items = self.items or Kinds(places=self.places)
            for item in value:
                self.items.add(item, depth + 1)

    def _at(self, name: str) -> "Kinds":
        if name not in self.names:
            if next(self.places) >= MOST_LEARNED_NAMES:
                raise NoDialect("too many names")
            self.names[name] = Kinds(places=self.places)
        return self.names[name]

    @property
    def is_typed(self) -> bool:
        """Whether Arrow has types for the values in this place, those in named fields of objects aside."""
        if self.items is None:
            return OTHER not in self.seen
        groups = self.items.groups | ({TEXT} if BLANK in self.items.seen else set())
        return OTHER not in self.seen and len(groups) <= 1 and self.items.is_typed

    @property
    def groups(self) -> set[str]:
        """The kinds that need a column each, apart from nulls and empty texts."""
        return {WHOLE if kind == REAL else kind for kind in self.seen - {NULL, BLANK}}

    def walk(self) -> "Iterator[tuple[str, Kinds]]":
        """Every named place at or below this one."""
        for name, kinds in self.names.items():
            yield name, kinds
            if kinds.is_typed:
                yield from kinds.walk()
        if self.items is not None:
            yield from self.items.walk()


def kind_of(value: Any) -> str:
    """The kind of a JSON value."""
    match value:
        case None:
            return NULL
        case bool():
            return FLAG
        case WholeReal():
            return REAL
        case int():
            return WHOLE if -(2**63) <= value < 2**63 else OTHER
        case float():
            return REAL
        case str():
            return BLANK if not value else TEXT if is_unicode(value) else OTHER
        case list():
            return LIST
    return OBJECT


@dataclass(frozen=True)
class Dialect:
    """How an account writes its pages.

    Attributes:
        schema: The schema that Arrow reads them in.
        marks: Texts to replace before that, with their substitutes; `@` is the space that may follow a colon.
        untyped: The names whose values are turned into texts before that.
        nullless: The undocumented names that were never null. A page where one is null is in another dialect, since Arrow's
            reader does not distinguish null from absent.
    """

    schema: pa.Schema
    marks: tuple[tuple[str, str], ...] = ()
    untyped: tuple[str, ...] = ()
    nullless: frozenset[str] = frozenset()

    def read(self, body: bytes) -> pa.Table:
        """The page as a table of one row.

        Raises:
            ArrowInvalid: the page is in another dialect.
        """
        escaped = MARK_ESCAPED if b"\\" in body else ()
        if (MARK_BEGINS in body and MARK.encode() in body) or any(mark in body for mark in escaped):
            raise pa.ArrowInvalid("The page has a name that looks marked.")
        prepared = self._in_texts(body) if self.untyped else body
        data = self._marked(prepared) if self.marks else pa.py_buffer(prepared)
        table = pj.read_json(
            pa.BufferReader(data),
            pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            pj.ParseOptions(explicit_schema=self.schema, unexpected_field_behavior="error"),
        )
        if self._has_new_nulls(table, body):
            raise pa.ArrowInvalid("The page has a null where none was.")
        return table

    def _has_new_nulls(self, table: pa.Table, body: bytes) -> bool:
        """Whether a name of `nullless` is null; the page is searched only for those that are null or absent somewhere."""
        holes = {name for name, steps in self._nullless_places if _column(table, steps).null_count}
        spelt = {json.dumps(name, ensure_ascii=is_ascii).encode() for name in holes for is_ascii in (True, False)}
        return any(b"%b:%bnull" % (name, _space(body)) in body for name in spelt)

    @cached_property
    def _nullless_places(self) -> list[tuple[str, tuple[int, ...]]]:
        """The paths of the names of `nullless`, as steps from field to field."""
        return [(name, steps) for name, _, steps in _walk(self.schema) if name in self.nullless]

    @cached_property
    def _places(self) -> list[tuple[str, tuple[int, ...]]]:
        """The paths of columns of numbers with a fraction, and of those of unparsed JSON, as steps from field to field."""
        return [
            (OTHER if name.endswith(MARK + OTHER) else REAL, steps)
            for name, kind, steps in _walk(self.schema)
            if name.endswith(MARK + OTHER) or pa.types.is_floating(kind)
        ]

    def leaves(self, table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
        """A page's columns of numbers with a fraction, and of unparsed JSON, each with its kind."""
        for kind, (place, *steps) in self._places:
            values = _items(table.column(place).chunk(0))
            for step in steps:
                values = _items(values.flatten()[step])
            yield kind, values

    def _in_texts(self, body: bytes) -> bytes:
        page, done = body.decode(), 0
        parts: list[str] = []
        for found in re.finditer(rf'"({"|".join(map(re.escape, self.untyped))})":[ \t\n\r]*', page):
            if found.start() < done:
                continue
            try:
                _, end = JSON.raw_decode(page, found.end())
            except (ValueError, RecursionError):
                raise pa.ArrowInvalid("The page has a name without JSON after it.") from None
            if sum(page.count(bracket, found.end(), end) for bracket in "[{") > MOST_LEVELS - 2 * DEEPEST:
                raise pa.ArrowInvalid("The value of a name may be nested too deep.")
            parts += page[done : found.start()], f'"{found[1]}{MARK}{OTHER}":', json.dumps(page[found.end() : end])
            done = end
        return "".join([*parts, page[done:]]).encode()

    def _marked(self, body: bytes) -> pa.Buffer:
        space = _space(body).decode()
        # A quote before a colon ends a name, or is part of a text: then the mark makes the page invalid, and it is refused.
        column = pa.Array.from_buffers(
            pa.large_binary(), 1, [None, pa.py_buffer(np.array([0, len(body)])), pa.py_buffer(body)]
        )
        for found, marked in self.marks:
            column = pc.replace_substring(column, found.replace("@", space), marked.replace("@", space))
        return column[0].as_buffer()


def _space(body: bytes) -> bytes:
    """What follows the colons of a page."""
    return b" " if b'": ' in body[:1000] else b""


def _walk(fields: Iterable[pa.Field]) -> Iterator[tuple[str, pa.DataType, tuple[int, ...]]]:
    """Every field, nested ones too: its name, its type (of a list, that of its items), and the steps that lead there."""
    for place, part in enumerate(fields):
        kind = part.type
        while pa.types.is_list(kind):
            kind = kind.value_type
        yield part.name, kind, (place,)
        if pa.types.is_struct(kind):
            yield from ((name, inner, (place, *steps)) for name, inner, steps in _walk(kind))


def _column(table: pa.Table, steps: tuple[int, ...]) -> pa.Array:
    """The values at a path, within null objects too."""
    first, *others = steps
    column = table.column(first).chunk(0)
    for step in others:
        column = _items(column).field(step)
    return column


def _items(values: pa.Array) -> pa.Array:
    """The items of lists, and of lists in them."""
    while pa.types.is_list(values.type):
        values = values.flatten()
    return values


def documented_dialect() -> Dialect:
    """The dialect of the document."""
    return dialect_of(Kinds())


def dialect_of(page: Kinds) -> Dialect:
    """The dialect of pages of these kinds.

    Raises:
        NoDialect: there are too many names, or names that cannot be marked.
    """
    maker = _Maker(page)
    schema = pa.schema(maker.columns(page, PAGE))
    return Dialect(schema, tuple(maker.substitutes()), maker.untyped, frozenset(maker.nullless()))


@dataclass
class _Maker:
    """Makes the schema of pages, and the marks that it needs."""

    page: Kinds

    @cached_property
    def _places(self) -> list[tuple[str, Kinds]]:
        places = list(self.page.walk())
        if len(places) > MOST_NAMES:
            raise NoDialect("too many names")
        if not all(is_unicode(name) for name, _ in places):
            raise NoDialect("names that are no Unicode")
        return places

    @cached_property
    def untyped(self) -> tuple[str, ...]:
        return tuple(sorted({name for name, kinds in self._places if not kinds.is_typed}))

    @cached_property
    def _marks_blanks(self) -> bool:
        """Whether empty texts get columns of their own, since one came in place of another kind."""
        return any(BLANK in kinds.seen and kinds.groups - {TEXT} for _, kinds in self._places)

    @cached_property
    def _marked(self) -> dict[str, set[str]]:
        """The kinds to mark for each name."""
        found: dict[str, set[str]] = {}
        for name, kinds in self._places:
            groups = set(kinds.groups)
            if BLANK in kinds.seen and not self._marks_blanks:
                groups.add(TEXT)
            kept = next((kind for kind in UNMARKED if kind in groups), None)
            if groups - {kept}:
                found.setdefault(name, set()).update(groups - {kept})
        if calls := self.page.names.get(PAGE[0].name):
            for name in _undocumented(calls, PAGE[0], NULL):
                found.setdefault(name, set()).add(NULL)
        for name in self.untyped:
            found[name] = {OTHER}
        if bad := [name for name in found if not MARKABLE.fullmatch(name)]:
            raise NoDialect(f"{len(bad)} names that cannot be marked")
        return found

    def substitutes(self) -> Iterator[tuple[str, str]]:
        if self._marks_blanks:
            yield '":@""', f'{MARK}{BLANK}":@""'
        for name, kinds in sorted(self._marked.items()):
            for kind in sorted(kinds):
                if kind == NULL:
                    yield f'"{name}":@null', f'"{name}{MARK}{NULL}":@0'
                for begin in BEGINS.get(kind, ()):
                    yield f'"{name}":@{begin}', f'"{name}{MARK}{kind}":@{begin}'

    def nullless(self) -> Iterator[str]:
        if calls := self.page.names.get(PAGE[0].name):
            for name in set(_undocumented(calls, PAGE[0])) - set(self.untyped):
                if NULL not in self._marked.get(name, ()):
                    yield name

    def columns(self, kinds: Kinds, fields: tuple[Field, ...]) -> list[pa.Field]:
        """The columns of an object: of its documented fields, and of all that were seen."""
        known: dict[str, Field | None] = {field.name: field for field in fields}
        places = known | {name: None for name in kinds.names if name not in known}
        return [
            column for name, field in places.items() for column in self._columns_of(name, kinds.names.get(name), field)
        ]

    def _columns_of(self, name: str, kinds: Kinds | None, field: Field | None) -> Iterator[pa.Field]:
        seen = kinds.seen if kinds else set()
        marked = self._marked.get(name, set())
        groups = set(kinds.groups) if kinds else set()
        if OTHER in marked:
            yield pa.field(f"{name}{MARK}{OTHER}", pa.string())
            return
        if BLANK in seen:
            if self._marks_blanks:
                yield pa.field(f"{name}{MARK}{BLANK}", pa.string())
            else:
                groups.add(TEXT)
        if NULL in seen and NULL in marked:
            yield pa.field(f"{name}{MARK}{NULL}", pa.int64())
        for group in sorted(groups):
            yield pa.field(f"{name}{MARK}{group}" if group in marked else name, self._type(group, kinds, field))
        if not groups and (field or NULL in seen):
            yield pa.field(name, arrow_type(field) if field else pa.null())

    def _type(self, group: str, kinds: Kinds | None, field: Field | None) -> pa.DataType:
        kinds = kinds or Kinds()
        if group == WHOLE:
            return pa.float64() if REAL in kinds.seen else pa.int64()
        if group == OBJECT:
            return pa.struct(self.columns(kinds, field.parts if field else ()))
        if group == LIST:
            return pa.list_(self._item_type(kinds.items, field.item if field and field.many else None))
        return pa.string() if group == TEXT else pa.bool_()

    def _item_type(self, kinds: Kinds | None, field: Field | None) -> pa.DataType:
        groups = set(kinds.groups) | ({TEXT} if BLANK in kinds.seen else set()) if kinds else set()
        if not groups:
            return arrow_type(field) if field else pa.null()
        return self._type(groups.pop(), kinds, field)


def _undocumented(kinds: Kinds, field: Field | None, kind: str | None = None) -> Iterator[str]:
    """The undocumented names, or those that hold a kind; for these, `extra` distinguishes null from absent."""
    known = {part.name: part for part in field.parts} if field else {}
    for name, inner in kinds.names.items():
        if name not in known and (kind is None or kind in inner.seen):
            yield name
        yield from _undocumented(inner, known.get(name), kind)
    if kinds.items is not None:
        yield from _undocumented(kinds.items, field, kind)
