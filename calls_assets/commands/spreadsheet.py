"""Rows as CSV that no spreadsheet takes for formulas.

A text that a spreadsheet would take for one gets an apostrophe before it, as OWASP advises, and so does what would be one
after a semicolon, a tab or a line end in it: a spreadsheet that parts cells at those does so within our quotes too. A text
without letters, such as a phone number, can call nothing and stays as it is. Everything else stands exactly as it is in the
table.
"""

import re
from collections.abc import Iterable

import duckdb
import pyarrow.compute as pc

FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
"""The signs =, +, - and @ as East Asian scripts have them."""

BYTE_ORDER_MARK = "\ufeff"
"""A spreadsheet takes it away where a file begins with it."""

FORMULA = rf'(^|[;\t\r\n]+"*)([\x00-\x20{BYTE_ORDER_MARK}]*[=+\-@{FULL_WIDTH}])|^([\t\r\n])'
"""Where a text, or what may become a cell within it, begins as a formula does."""

DISARMED = r"\1'\2\3"

PHONE = r"\+?[0-9 ()./\-]*"
"""A phone number, or a number in a text."""

PHONES = rf"{PHONE}([;\r\n]{PHONE})*"

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
        disarmed = f"regexp_replace({text}, {_sql(FORMULA)}, {_sql(DISARMED)}, 'g')"
        text = f"CASE WHEN regexp_full_match({text}, {_sql(PHONES)}) THEN {text} ELSE {disarmed} END"
    in_quotes = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return f"CASE WHEN ({text}) = '' OR regexp_matches({text}, {_sql(QUOTED)}) THEN {in_quotes} ELSE coalesce({text}, '') END"


def _harmless(text: str) -> str:
    if re.fullmatch(PHONES, text):
        return text
    disarmed: str = pc.replace_substring_regex(text, FORMULA, DISARMED).as_py()  # as DuckDB does it, and as quickly
    return disarmed


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""')) if not text or re.search(QUOTED, text) else text


def _sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
