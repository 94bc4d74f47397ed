"""The queries as an analyst reads them: each says what a row is and names its columns, and what is shared is shared."""

import re
from pathlib import Path

import pytest

import calls_assets.metrics
from calls_assets.metrics.run import SHARED
from calls_assets.tables.catalog import ALL_TABLES

FOLDER = Path(calls_assets.metrics.__file__).parent
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.sql"))}
QUERIES = {name: text for name, text in TEXTS.items() if name != "macros"}
THRESHOLDS, EXPRESSIONS = TEXTS["macros"].split("-- Expressions\n")
NAMES_OF = re.compile(r"CREATE MACRO (\w+)")


def users(name):
    """The queries that name a view or a macro."""
    return [other for other, text in QUERIES.items() if other != name and re.search(rf"\b{name}\b", code(text))]


def code(text):
    return re.sub("--.*", "", text)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_says_what_a_row_is(name):
    assert QUERIES[name].startswith("-- One row per ")


@pytest.mark.parametrize("name", [name for name in ALL_TABLES if name in QUERIES])
def test_the_last_select_names_its_columns(name):
    last = code(QUERIES[name]).rpartition("\nSELECT" if "\nSELECT" in code(QUERIES[name]) else "SELECT")[2]
    assert "*" not in re.sub(r"count\(\*\)| \* ", "", last.partition("FROM")[0])
    assert all(re.search(rf"\b{column.name}\b", last) for column in ALL_TABLES[name].columns)


def test_names_of_shared_views_can_be_told_from_the_text_alone():
    """As `shared_views` does: they are in lower case, and no text is cut off by what would be a comment elsewhere."""
    for text in TEXTS.values():
        assert "/*" not in text
        assert not re.search(r"'[^'\n]*--[^'\n]*'", code(text) + text)
        assert not [name for name in SHARED if re.search(rf"\b(?!{name})(?i:{name})\b", code(text))]


def test_what_is_shared_has_several_users():
    shared = {path.stem for path in (FOLDER / "shared").glob("*.sql")} - {"macros"}
    assert shared == {*SHARED} - ALL_TABLES.keys()
    assert not [name for name in shared if len(users(name)) < 2]
    in_macros = {name: EXPRESSIONS.count(f"{name}(") - 1 for name in NAMES_OF.findall(EXPRESSIONS)}
    in_macros["status_of"] += 1  # weeks and months have it too
    assert not [name for name, uses in in_macros.items() if len(users(name)) + uses < 2]


def test_every_threshold_is_used():
    thresholds = NAMES_OF.findall(THRESHOLDS)
    assert len(thresholds) == 9
    assert not [name for name in thresholds if not users(name) and f"{name}(" not in EXPRESSIONS]
