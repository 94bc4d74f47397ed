"""Columns as Arrow read them, by name and kind."""

import json
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from calls_assets.api.dialect import FLAG, LIST, MARK, NULL, OBJECT, OTHER, REAL, TEXT, WHOLE
from calls_assets.api.json_values import EXACT
from calls_assets.arrow import Flags, Ints, flag_array, int_array, raw_numbers, texts, where_valid

POINT = re.compile(rb"\.[0-9]+(?:[eE][+-]?[0-9]+)?(?=\s*(?:[,}\]]|$))", re.MULTILINE)
"""What stands behind the whole part of a number with a point; in a text it would only have the records read one by one."""


class LookCloser(Exception):
    """The page has something that columns cannot tell exactly: its records are to be read one by one."""


def kind_of_type(kind: pa.DataType) -> str:
    """The kind of JSON that Arrow's reader gives a type."""
    if pa.types.is_string(kind):
        return TEXT
    if pa.types.is_boolean(kind):
        return FLAG
    if pa.types.is_struct(kind):
        return OBJECT
    return LIST if pa.types.is_list(kind) else NULL if pa.types.is_null(kind) else WHOLE


def named(values: pa.Array) -> dict[str, dict[str, pa.Array]]:
    """The fields of objects by name, each by kind.

    Raises:
        LookCloser: an object gives a name several times, in several kinds; in one kind Arrow's reader sees it.
    """
    found: dict[str, dict[str, pa.Array]] = {}
    for place, column in enumerate(values.type):
        name, _, kind = column.name.partition(MARK)
        if not pa.types.is_null(column.type):
            found.setdefault(name, {})[kind or kind_of_type(column.type)] = values.field(place)
    for sent in found.values():
        if len(sent) > 1 and len(values) and np.sum([where_valid(part) for part in sent.values()], axis=0).max() > 1:
            raise LookCloser("a name that comes several times")
    return found


def numbers_of(values: pa.Array) -> Any:
    """Numbers with 0 in the place of nulls."""
    return np.where(where_valid(values), raw_numbers(values), 0) if values.null_count else raw_numbers(values)


def fractional(values: pa.Array) -> Flags:
    """Which numbers have a fraction.

    Raises:
        LookCloser: one is so large that a double holds it only about, or is none, as Arrow's reader takes NaN.
    """
    numbers = numbers_of(values)
    if not (np.abs(numbers) < EXACT).all():
        raise LookCloser("a number that a double holds only about")
    odd: Flags = numbers != np.floor(numbers)
    return odd


def has_zero_fractions(leaves: Iterable[tuple[str, pa.Array]], body: bytes) -> bool:
    """Whether the whole numbers in a page's columns of numbers with a fraction are spelt with one of zero, as 5.0 is.

    Args:
        leaves: The page's columns of such numbers, and those of JSON as it was sent, with their kinds.
        body: The page.

    Raises:
        LookCloser: some are, and some are not.
    """
    told = list(leaves)
    reals = [values for kind, values in told if kind == REAL]
    odd = sum(int(np.count_nonzero(fractional(values))) for values in reals)
    whole = sum(len(values) - values.null_count for values in reals) - odd
    if not whole or b".0" not in body:
        return False
    sources = "\n".join(source for kind, values in told if kind == OTHER for source in values.drop_null().to_pylist())
    points = len(POINT.findall(body)) - len(POINT.findall(sources.encode()))
    if points not in (odd, odd + whole):
        raise LookCloser("numbers with and without a fraction of zero")
    return points > odd


def counts_of(values: pa.Array) -> Ints:
    """How many items each list has; a null has none."""
    counts: Ints = numbers_of(pc.list_value_length(values)).astype(np.int64)
    return counts


def coalesced(parts: list[pa.Array]) -> pa.Array:
    """One column of several, of which no two have a value in the same place."""
    return parts[0] if len(parts) == 1 else pc.coalesce(*parts)


def arrays(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Python's values as an array; through JSON, since pyarrow's own way imports pandas."""
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
