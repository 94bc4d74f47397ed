"""What the rows of pages tell: their order, the values of `type`, the fields that no document names."""

import codecs
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.decode import Page, read_page
from calls_assets.api.document import CALL, Field
from calls_assets.api.numbers import Ints, ints
from calls_assets.findings import FIELD_NAME

TOKEN_LIKE = re.compile(r"[A-Za-z][A-Za-z_ -]{0,39}")
"""A value of `type` that is shown; anything else could be somebody's data."""

ODD = "(odd name)"
NONE_SEEN = "in no order by id or started_at"
ORDERS = ("newest first", "oldest first", "by id, rising", "by id, falling", NONE_SEEN)
JSON_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


@dataclass(frozen=True)
class Answer:
    """A page, its `meta.limit` (None: none came), the limit asked for, and the seconds until it was there."""

    page: Page
    limit: int | None
    asked: int = 0
    seconds: float = 0.0

    @property
    def started_at(self) -> Ints:
        """When the readable calls began, in epoch seconds, in their order."""
        return ints(self.page.calls["started_at"])


def read_answer(body: bytes) -> Answer:
    """The page that `body` holds, with its `meta.limit`.

    Raises:
        NotAPage: `body` is not the documented JSON.
    """
    page = read_page(body)
    text = body.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    limit = json.loads(text)["meta"].get("limit")
    return Answer(page, limit if isinstance(limit, int) and limit > 0 else None)


def order(pages: Sequence[pa.Table]) -> str | None:
    """One of `ORDERS` for the rows of pages, in the order of the pages; None where there are too few to tell."""
    rows = pa.concat_tables(pages)
    for column, rising, falling in (("started_at", ORDERS[1], ORDERS[0]), ("id", ORDERS[2], ORDERS[3])):
        steps = np.diff(ints(rows[column]))
        if not np.any(steps):
            return None
        if np.all(steps >= 0):
            return rising
        if np.all(steps <= 0):
            return falling
    return NONE_SEEN


def types(calls: pa.Table) -> dict[str, int]:
    """Each value of `type` with its number of calls, the frequent ones first; what is no token is not shown."""
    counts: Counter[str] = Counter()
    for pair in pc.value_counts(calls["type"]).to_pylist():
        value, count = pair["values"], pair["counts"]
        shown = "(none)" if value is None else value if TOKEN_LIKE.fullmatch(value) else "(no plain word)"
        counts[shown] += count
    return dict(counts.most_common())


def unknown_fields(calls: pa.Table) -> dict[str, tuple[str, ...]]:
    """The path of each field that the document does not name, with the JSON types of its values; never a value.

    The names within such a field are left out, for they may be somebody's data.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for extra in pc.unique(calls["extra"]).drop_null().to_pylist():
        for path, kind in _unknown(CALL, json.loads(extra), ""):
            found[path].add(kind)
    return {path: tuple(sorted(kinds)) for path, kinds in sorted(found.items())}


def _unknown(fields: tuple[Field, ...], extra: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    inner = {field.name: field.kind for field in fields}
    for name, value in extra.items():
        parts = inner.get(name)
        if not isinstance(parts, tuple):
            yield path + (name if FIELD_NAME.fullmatch(name) else ODD), _json_type(value)
        elif isinstance(value, list):
            for item in value:
                yield from _unknown(parts, item or {}, f"{path}{name}[].")
        else:
            yield from _unknown(parts, value, f"{path}{name}.")


def _json_type(value: object) -> str:
    return next((name for kind, name in JSON_TYPES if isinstance(value, kind)), "null")
