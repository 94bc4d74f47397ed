"""Columns as Arrow read them, by name and kind, and the same columns back to JSON, exactly as `as_json` writes it.

Copying texts is what costs here, so each is put together once, from columns and the literals between them.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from calls_assets.api.dialect import BLANK, FLAG, LIST, MARK, NULL, OBJECT, OTHER, REAL, TEXT, WHOLE
from calls_assets.api.json_values import EXACT, JSON, as_json
from calls_assets.arrow import Flags, Ints, flag_array, int_array, raw_numbers, text, texts, where_valid

# What follows the whole part of a number with a point; a match in a text only costs a slower reading of the page.
POINT = re.compile(rb"\.[0-9]+(?:[eE][+-]?[0-9]+)?(?=\s*(?:[,}\]]|$))", re.MULTILINE)


class NotColumnar(Exception):
    """Columns cannot represent the page exactly: its records have to be read one by one."""


def kind_of_type(kind: pa.DataType) -> str:
    """The kind of JSON that Arrow's reader gives a type."""
    if pa.types.is_string(kind):
        return TEXT
    if pa.types.is_boolean(kind):
        return FLAG
    if pa.types.is_struct(kind):
        return OBJECT
    return LIST if pa.types.is_list(kind) else NULL if pa.types.is_null(kind) else WHOLE


def fields_by_name(values: pa.Array) -> dict[str, dict[str, pa.Array]]:
    """The fields of objects by name, each by kind.

    Raises:
        NotColumnar: an object has a name twice, in several kinds; in one kind, Arrow's reader refuses it.
    """
    found: dict[str, dict[str, pa.Array]] = {}
    for place, column in enumerate(values.type):
        name, _, kind = column.name.partition(MARK)
        if not pa.types.is_null(column.type):
            found.setdefault(name, {})[kind or kind_of_type(column.type)] = values.field(place)
    for sent in found.values():
        if len(sent) > 1 and len(values) and np.sum([where_valid(part) for part in sent.values()], axis=0).max() > 1:
            raise NotColumnar("a name that comes several times")
    return found


def numbers_of(values: pa.Array) -> Any:
    """Numbers, with 0 in place of nulls."""
    return np.where(where_valid(values), raw_numbers(values), 0) if values.null_count else raw_numbers(values)


def fractional(values: pa.Array) -> Flags:
    """Which numbers have a fraction.

    Raises:
        NotColumnar: one is too large for a double to hold exactly, or is NaN, which Arrow's reader accepts.
    """
    numbers = numbers_of(values)
    if not (np.abs(numbers) < EXACT).all():
        raise NotColumnar("a number that a double holds only about")
    odd: Flags = numbers != np.floor(numbers)
    return odd


def has_zero_fractions(leaves: Iterable[tuple[str, pa.Array]], body: bytes) -> bool:
    """Whether the whole numbers among a page's numbers with a fraction are written with a zero fraction, such as 5.0.

    Args:
        leaves: The page's columns of such numbers, and of unparsed JSON, with their kinds.
        body: The page.

    Raises:
        NotColumnar: some are and some are not.
    """
    columns = list(leaves)
    reals = [values for kind, values in columns if kind == REAL]
    odd = sum(int(np.count_nonzero(fractional(values))) for values in reals)
    whole = sum(len(values) - values.null_count for values in reals) - odd
    if not whole or b".0" not in body:
        return False
    sources = "\n".join(
        source for kind, values in columns if kind == OTHER for source in values.drop_null().to_pylist()
    )
    points = len(POINT.findall(body)) - len(POINT.findall(sources.encode()))
    if points not in (odd, odd + whole):
        raise NotColumnar("numbers with and without a fraction of zero")
    return points > odd


def counts_of(values: pa.Array) -> Ints:
    """How many items each list has; 0 for null."""
    counts: Ints = numbers_of(pc.list_value_length(values)).astype(np.int64)
    return counts


def coalesced(parts: list[pa.Array]) -> pa.Array:
    """One column of several, where no two have a value in the same row."""
    return parts[0] if len(parts) == 1 else pc.coalesce(*parts)


def arrays(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Python values as an array; by way of JSON, since pyarrow's own conversion imports pandas."""
    if pa.types.is_string(kind):
        return texts(values)
    missing = np.fromiter((value is None for value in values), np.bool_, len(values))
    if pa.types.is_int64(kind):
        return int_array([value or 0 for value in values], missing)
    if pa.types.is_boolean(kind):
        return flag_array(np.fromiter((bool(value) for value in values), np.bool_, len(values)), missing)
    body = json.dumps({"values": values}).encode()
    table = pj.read_json(
        pa.BufferReader(body),
        pj.ReadOptions(use_threads=False, block_size=len(body) + 1),
        pj.ParseOptions(explicit_schema=pa.schema([("values", pa.list_(kind))])),
    )
    return table["values"].chunk(0).flatten()


# What texts are made of, from left to right: columns and literals. Only a column on its own may have nulls.
Pieces: TypeAlias = Sequence[pa.Array | str]


def to_json(values: pa.Array, kind: str) -> pa.Array:
    """The JSON of values, null where they are."""
    return concatenated(pieces(values, kind))


def pieces(values: pa.Array, kind: str) -> Pieces:
    """The same as `to_json`, not yet put together."""
    if kind in (TEXT, BLANK):
        return _quoted(values)
    if kind == OBJECT:
        return _object(values)
    return [_whole(values, kind)]


def concatenated(parts: Pieces) -> pa.Array:
    """The texts that pieces add up to; at least one of these is a column."""
    if len(parts) == 1:
        return parts[0]
    columns = [
        column
        for is_literal, run in groupby(parts, lambda part: isinstance(part, str))
        for column in ([text("".join(run))] if is_literal else run)
    ]
    return pc.binary_join_element_wise(*columns, text(""))


def object_texts(parts: Mapping[str, Pieces]) -> pa.Array | None:
    """JSON objects of the non-null parts, by sorted name; null where all are null, None where they are null everywhere."""
    objects = _object_pieces(parts)
    return None if objects is None else concatenated(objects)


def list_texts(items: pa.Array, counts: Ints) -> pa.Array:
    """JSON lists of so many of the items each, with `null` for a null item."""
    ends = np.cumsum(np.append(0, counts)).astype(np.int32)
    offsets = pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)])
    inside = pc.binary_join(pa.ListArray.from_arrays(offsets, pc.fill_null(items, text("null"))), text(", "))
    return concatenated(["[", inside, "]"])


def _whole(values: pa.Array, kind: str) -> pa.Array:
    if kind == OTHER:
        return _sources(values)
    if kind == FLAG:
        return pc.if_else(values, text("true"), text("false"))
    if kind == NULL:
        return pc.if_else(values.is_valid(), text("null"), text(None))
    if kind == LIST:
        return _list(values)
    return _reals(values) if pa.types.is_floating(values.type) else values.cast(pa.string())


def _list(values: pa.Array) -> pa.Array:
    items = values.flatten()
    item_texts = items.cast(pa.string()) if pa.types.is_null(items.type) else to_json(items, kind_of_type(items.type))
    lists = list_texts(item_texts, counts_of(values))
    return pc.if_else(values.is_valid(), lists, text(None)) if values.null_count else lists


def _reals(values: pa.Array) -> pa.Array:
    fractional(values)  # raises where a number is not exact
    different = values.dictionary_encode()
    spelt = texts(
        str(int(number)) if number.is_integer() else repr(number) for number in different.dictionary.to_pylist()
    )
    return spelt.take(different.indices)


def _sources(sources: pa.Array) -> pa.Array:
    """Unparsed JSON, normalised."""
    different = sources.dictionary_encode()
    return texts(as_json(JSON.decode(source)) for source in different.dictionary.to_pylist()).take(different.indices)


def _quoted(values: pa.Array) -> Pieces:
    if _has_escapes(values):
        different = values.dictionary_encode()
        return [texts(as_json(text) for text in different.dictionary.to_pylist()).take(different.indices)]
    quoted = ['"', values, '"']
    return [concatenated(quoted)] if values.null_count else quoted


def _has_escapes(values: pa.Array) -> bool:
    """Whether a text holds a quote, a backslash or a control character."""
    if values.null_count == len(values):
        return False
    _, offsets, content = values.buffers()
    first, last = np.frombuffer(offsets, np.int32)[[values.offset, values.offset + len(values)]]
    bytes_ = np.frombuffer(content, np.uint8)[first:last]
    return bool(((bytes_ < ord(" ")) | (bytes_ == ord('"')) | (bytes_ == ord("\\"))).any())


def _object(values: pa.Array) -> Pieces:
    parts: dict[str, Pieces] = {}
    for name, sent in fields_by_name(values).items():
        by_kind = [pieces(part, kind) for kind, part in sent.items()]
        parts[name] = by_kind[0] if len(by_kind) == 1 else [coalesced([concatenated(one) for one in by_kind])]
    inside = _object_pieces(parts)
    if inside is not None and len(inside) > 1 and not values.null_count:
        return inside
    empty = pc.if_else(values.is_valid(), text("{}"), text(None))
    if inside is None:
        return [empty]
    return [pc.if_else(values.is_valid(), pc.coalesce(concatenated(inside), empty), text(None))]


def _object_pieces(parts: Mapping[str, Pieces]) -> Pieces | None:
    """Objects of the non-null parts; around one that no row lacks, since it is then clear where commas go."""
    names = sorted(parts)
    everywhere = next((name for name in names if _is_everywhere(parts[name])), None)
    if everywhere is None:
        return _perhaps_objects({name: parts[name][0] for name in names})
    joined: list[Any] = ["{"]
    for name in names:
        comma = "" if name == everywhere else ", "
        if _is_everywhere(parts[name]):
            joined += [comma + _key(name), *parts[name]]
        else:
            around = [_key(name), *parts[name], comma] if name < everywhere else [comma + _key(name), *parts[name]]
            joined.append(pc.fill_null(concatenated(around), text("")))
    return [*joined, "}"]


def _perhaps_objects(parts: Mapping[str, pa.Array]) -> Pieces | None:
    """Objects of parts each of which some row lacks; null where all are."""
    if not parts:
        return None
    nothing = reduce(np.logical_and, (~where_valid(part) for part in parts.values()))
    if nothing.all():
        return None
    lines = [concatenated([_key(name), part]) for name, part in parts.items()]
    mask = flag_array(nothing) if nothing.any() else None
    if mask is not None:
        lines[0] = pc.if_else(mask, text(""), lines[0])  # Arrow drops a row where everything to join is null
    inside = lines[0] if len(lines) == 1 else pc.binary_join_element_wise(*lines, text(", "), null_handling="skip")
    objects = concatenated(["{", inside, "}"])
    return [objects if mask is None else pc.if_else(mask, text(None), objects)]


def _is_everywhere(part: Pieces) -> bool:
    first = part[0]
    return len(part) > 1 or (not isinstance(first, str) and not first.null_count)


def _key(name: str) -> str:
    return json.dumps(name, ensure_ascii=False) + ": "
