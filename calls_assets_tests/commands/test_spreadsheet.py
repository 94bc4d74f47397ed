"""CSV: each text as it is in the table, and none that a spreadsheet would run."""

import csv
import io

import duckdb
import pytest

from calls_assets.commands.spreadsheet import header, lines


def as_csv(relation):
    rows = relation.project(lines(relation)).fetchall()
    return header(relation.columns) + "".join(line for (line,) in rows)


def cells(connection, values, kind="VARCHAR"):
    connection.execute(f"CREATE OR REPLACE TABLE given (place BIGINT, cell {kind})")
    connection.executemany("INSERT INTO given VALUES (?, ?)", list(enumerate(values)))
    told = as_csv(connection.sql("SELECT cell, 'x' AS beside FROM given ORDER BY place"))
    _, *rows = csv.reader(io.StringIO(told, newline=""))
    assert [beside for _, beside in rows] == ["x"] * len(values)
    return [cell for cell, _ in rows]


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        yield connection


HARMLESS = [
    "Ada", 'say "hi"', "a,b", "two\nlines", "cr\rlf\r\n", "'quoted", " ", "5 = 5", "+15550100", "-5", "+1 (555) 010-0199",
    "Ωmega", "\x1b[31m", "a;b", "NULL", "\\", "1e5", "#1", "«»", "\u202e",
    "+15550100;+15550101", "-5\r\n-6", "well-known; a=b", '[{"a": -5}, "b;c"]',
]  # fmt: skip


def test_every_text_that_is_no_formula_stands_as_it_is(connection):
    assert cells(connection, HARMLESS) == HARMLESS


@pytest.mark.parametrize(
    "formula",
    [
        "=cmd|'/C calc'!A0", "=1+1", "+SUM(A1:A9)", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1+1",
        "\x00=1", "+1+1", "\uff1d1+1", "\uff0bA1", "\uff0dA1", "\uff20A1", '=HYPERLINK("http://a.example","x")', "=", "\tx",
        "\ufeff=1+1", "\ufeff +A1",
    ],
)  # fmt: skip
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe_before_it(connection, formula):
    assert cells(connection, [formula]) == ["'" + formula]
    assert next(csv.reader(io.StringIO(header([formula]), newline=""))) == ["'" + formula]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x;=cmd|'/C calc'!A0;y", "x;'=cmd|'/C calc'!A0;y"),
        ("x; @SUM(1)", "x;' @SUM(1)"),
        ('x;"=A1"', 'x;"\'=A1"'),
        ("x\t+A1", "x\t'+A1"),
        ("two\r\n-lines\n=A1", "two\r\n'-lines\n'=A1"),
        ("=A1;\uff1dA2", "'=A1;'\uff1dA2"),
        ("+15550100;=A1", "'+15550100;'=A1"),
    ],
)
def test_what_would_be_a_formula_where_semicolons_tabs_or_lines_part_cells_gets_one_too(connection, text, told):
    assert cells(connection, [text]) == [told]
    assert next(csv.reader(io.StringIO(header([text]), newline=""))) == [told]


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        ("BIGINT", [-5, 7], ["-5", "7"]),
        ("DOUBLE", [-0.5, float("-inf")], ["-0.5", "-inf"]),
        ("DECIMAL(4, 1)", [-1.5], ["-1.5"]),
        ("VARCHAR[]", [["=1", "-a"]], ["['=1', -a]"]),
        ("STRUCT(note VARCHAR)", [{"note": "=1,2"}], ["{'note': '=1,2'}"]),
    ],
)
def test_numbers_stay_numbers_and_nested_values_begin_with_a_bracket(connection, kind, values, told):
    assert cells(connection, values, kind) == told


def test_nothing_and_an_empty_text_are_told_apart(connection):
    assert as_csv(connection.sql("SELECT NULL AS a, '' AS b, NULL::BIGINT AS c")) == 'a,b,c\n,"",\n'


def test_a_name_of_a_column_is_quoted_like_a_cell(connection):
    assert as_csv(connection.sql('SELECT 1 AS "a""b,c", 2 AS "=x"')) == '"a""b,c",\'=x\n1,2\n'


def test_columns_of_one_name_each_have_their_cells(connection):
    assert as_csv(connection.sql("SELECT 1 AS a, 2 AS a")) == "a,a\n1,2\n"


def test_duckdb_writes_the_same_of_what_is_no_formula(connection, tmp_path):
    connection.execute("CREATE TABLE texts (cell VARCHAR, beside BIGINT)")
    ordinary = [text for text in HARMLESS if not text.startswith(("#", "'", " "))]
    connection.executemany("INSERT INTO texts VALUES (?, 1)", [(text,) for text in [*ordinary, None, ""]])
    relation = connection.sql(
        "SELECT *, DATE '2026-01-01' AS d, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS t, 0.1 AS r FROM texts"
    )
    relation.write_csv(str(tmp_path / "theirs.csv"))
    assert as_csv(relation).encode() == (tmp_path / "theirs.csv").read_bytes()
