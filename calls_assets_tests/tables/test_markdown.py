"""docs/tables.md says what the code says."""

from pathlib import Path

import pytest

from calls_assets.tables.catalog import TABLES
from calls_assets.tables.markdown import dictionary_page

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_the_page_is_what_the_code_makes_of_it():
    assert PAGE.read_text() == dictionary_page(), "run `make docs`"


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_has_a_meaning(table):
    _, section = dictionary_page().split(f"\n## {table.name}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert {line.split("`")[1].split(".")[0].removesuffix("[]") for line in lines} == set(table.arrow_schema.names)
    assert all(len(line.split(" | ")[-1].strip(" |")) > 5 for line in lines), lines
