"""Sentences and tables as a terminal shows them, and as a program reads them."""

import io

import pytest
from rich.console import Console

from calls_assets import terminal
from calls_assets.terminal import entry, grid, noted, say

SENTENCE = "The tree lies in /a/path/that/is/longer/than/the/terminal/is/wide, as it should."


def printed(width, draw, is_terminal=True):
    out = io.StringIO()
    draw(Console(file=out, width=width, force_terminal=is_terminal, color_system=None))
    return out.getvalue().splitlines()


def test_a_sentence_is_folded_between_words_and_a_path_stays_whole():
    lines = printed(20, lambda console: say(console, SENTENCE))
    assert lines == ["The tree lies in", SENTENCE.split()[4], "as it should."]


def test_a_sentence_that_a_program_reads_is_one_line():
    assert printed(20, lambda console: say(console, SENTENCE), is_terminal=False) == [SENTENCE]


@pytest.mark.parametrize(("is_terminal", "lines"), [(True, 3), (False, 1)])
def test_a_sentence_on_standard_error_is_folded_where_somebody_looks(monkeypatch, is_terminal, lines):
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(terminal.sys.stderr, "isatty", lambda: is_terminal, raising=False)
    told = noted("the tree is where it always was.")
    assert " ".join(told.split()) == "calls-assets: the tree is where it always was."
    assert len(told.splitlines()) == lines


def test_an_entry_has_its_lines_under_its_head():
    assert printed(24, lambda console: entry(console, "calls", ["one row per call and day"]))[:2] == [
        "calls",
        "    one row per call and",
    ]


def test_a_table_folds_its_prose_and_cuts_no_other_column():
    table = grid("", ("name", "rows", "what"), numbers=["rows"], prose="what")
    table.add_row("inbound_answered", "1,234", "one row per call")
    *_, first, second = printed(36, lambda console: console.print(table))
    assert first.split() == ["inbound_answered", "1,234", "one", "row"]
    assert second.split() == ["per", "call"]
