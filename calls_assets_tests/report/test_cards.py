"""The cards in the UI: short, and every name in them is text."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from calls_assets.display import shown
from calls_assets.report.cards import LINKS, MOST_ROWS, _table
from calls_assets.sandbox.hostile import HOSTILE_WORDS

FIGURES = {"offered": 2, "answered": 1, "abandoned": 1, "within": 1, "level": 0.5, "lost": 0.5}
MARKDOWN = MarkdownIt().enable(["table", "strikethrough"])


def cells(card):
    """What stands in the table of a card, and what kinds of text that is of."""
    tokens = [token for token in MARKDOWN.parse(card) if token.type == "inline"]
    kinds = {part.type for token in tokens for part in token.children}
    return ["".join(part.content for part in token.children) for token in tokens], kinds


@given(st.text(st.characters(codec=None), min_size=1))
@example("a|b\\|c\\")
@example("![x](http://198.51.100.7/p.png)")
@example("HTTPS://a.example www.b.example c@d.example")
@example("&#60;b&#62; <b> </td> ~~a~~ `b` **c** __d__ [e][f] $g$")
def test_a_name_is_text_in_a_cell_of_its_own(word):
    name = shown(word) or "(no name)"
    texts, kinds = cells(_table("ring group", [FIGURES | {"name": name}]))
    assert kinds == {"text"}
    assert texts[:4] == ["ring group", "offered", "service level", "abandoned"]
    assert texts[5:] == ["2", "50.0% (1 of 2)", "50.0% (1 of 2)"]
    assert unicodedata.normalize("NFKC", texts[4]) == unicodedata.normalize("NFKC", name)
    assert not LINKS.search(texts[4])


@pytest.mark.parametrize("places", [1, MOST_ROWS, MOST_ROWS + 5])
def test_the_busiest_are_shown_and_the_others_counted(places):
    texts, _ = cells(_table("ring group", [FIGURES | {"name": HOSTILE_WORDS[-1]}] * places))
    more = ["And 5 more, in the daily report."] if places > MOST_ROWS else []
    assert len(texts) == 4 * (1 + min(places, MOST_ROWS)) + len(more)
    assert texts[-1:] == more or not more
