"""Rows as CSV that no spreadsheet takes for formulas.

A text that a spreadsheet would take for one gets an apostrophe before it, as OWASP advises; a phone number, which has no
letter and so can call nothing, stays as it is. Everything else stands exactly as it is in the table.
"""

import re
from collections.abc import Iterable

import duckdb

FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
"""The signs =, +, - and @ as East Asian scripts have them."""

FORMULA = rf"^[\x00-\x20]*[=+\-@{FULL_WIDTH}]|^[\t\r\n]"
"""How a text begins that a spreadsheet takes for a formula."""

PHONE = r"[+\-][0-9 ()./\-]+"
"""A phone number, or a number in a text."""

QUOTED = r'[",\r\n]'
"""What a cell holds that has to stand in quotes."""

NO_TEXTS = frozenset(
    [
        "tinyint",
        "smallint",
        "integer",
        "bigint",
        "hugeint",
        "utinyint",
        "usmallint",
        "uinteger",
        "ubigint",
        "uhugeint",
        "float",
        "double",
        "decimal",
        "boolean",
        "interval",
        "date",
        "time",
        "timestamp",
    ]
)
"""Types of which no value is a formula, though it may begin with a sign."""


def header(names: Iterable[str]) -> str:
    """The line of the columns' names, which a query may take from the data."""
    return ",".join(_quoted(_harmless(name)) for name in names) + "\n"


def lines(relation: duckdb.DuckDBPyRelation) -> str:
    """An expression of a relation's columns: each row's line."""
    cells = (_cell(place, kind.id in NO_TEXTS) for place, kind in enumerate(relation.types, 1))
    return " || ',' || ".join(cells) + " || chr(10)"


def _cell(place: int, is_harmless: bool) -> str:
    text = f"#{place}::VARCHAR"  # two columns may have one name
    if not is_harmless:
        is_formula = f"regexp_matches({text}, {_sql(FORMULA)}) AND NOT regexp_full_match({text}, {_sql(PHONE)})"
        text = f"CASE WHEN {is_formula} THEN '''' || {text} ELSE {text} END"
    in_quotes = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return f"CASE WHEN ({text}) = '' OR regexp_matches({text}, {_sql(QUOTED)}) THEN {in_quotes} ELSE coalesce({text}, '') END"


def _harmless(text: str) -> str:
    return f"'{text}" if re.match(FORMULA, text) and not re.fullmatch(PHONE, text) else text


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if not text or re.search(QUOTED, text) else text


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
