"""What may be shown of words that somebody else chose."""

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calls_assets.display import MOST_MARKS, MOST_READ, NAMELESS, apart, shown


@pytest.mark.parametrize(
    ("word", "is_shown_as"),
    {
        "plain": ("Anna Müller-Lüdenscheidt", "Anna Müller-Lüdenscheidt"),
        "other scripts": ("山田 太郎, สมชาย, अनीता, محمد", "山田 太郎, สมชาย, अनीता, محمد"),
        "an emoji": ("Anna 👩‍💻 ❤️", "Anna 👩💻 ❤"),
        "lines and tabs": (" one\r\n\ttwo\u2028three\u2029four\x85five ", "one two three four five"),
        "an escape": ("\x1b[2Jgone", "�[2Jgone"),
        "8-bit controls": ("\x9b2J\x9d0;title\x07", "�2J�0;title�"),
        "a null": ("a\0b", "a�b"),
        "noncharacters": ("a\ufffe\uffff\U0010ffff", "a���"),
        "half a pair": ("a\ud800", "a�"),
        "turned around": ("\u202egnp.exe\u2066x\u2069\u200f", "gnp.exex"),
        "no width": ("An\u200b\u2060\ufeff\u00adna", "Anna"),
        "tags": ("A" + "".join(chr(0xE0000 + ord(c)) for c in "hidden"), "A"),
        "blank letters": ("\u3164\u115f\uffa0\u2800", ""),
        "marks on nothing": ("\u0301\u0301 \u0301x", "x"),
        "a tower of marks": ("o" + "\u0301" * 5000 + "k", "o" + "\u0301" * MOST_MARKS + "k"),
        "long": ("x" * 65536, "x" * 79 + "…"),
        "cut at a space": ("x" * 78 + " yyy", "x" * 78 + "…"),
        "nothing": ("", ""),
    }.values(),
)
def test_a_word_is_shown_in_one_legible_line(word, is_shown_as):
    assert shown(word) == is_shown_as


@given(st.text(st.characters(codec=None), max_size=300), st.integers(2, 40))
@example("".join(map(chr, range(0x3000))), 40)
def test_whatever_the_word_the_line_is_short_and_holds_nothing_that_hides_or_turns(word, most):
    line = shown(word, most)
    assert len(line) <= most
    assert line == line.strip()
    assert not [sign for sign in line if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    line.encode()


@given(st.text(st.characters(codec=None), max_size=300))
def test_what_is_shown_can_be_shown_again(word):
    assert shown(shown(word)) == shown(word)


def test_every_character_can_be_shown():
    for start in range(0, sys.maxunicode + 1, 40):
        shown("".join(map(chr, range(start, min(start + 40, sys.maxunicode + 1)))))


def test_of_a_long_word_only_the_beginning_is_read():
    assert shown("\u200b" * MOST_READ * 10 + "late", 10) == ""


@pytest.mark.parametrize(
    ("names", "are_shown_as"),
    {
        "others": (["Ann", "Bob"], ["Ann", "Bob"]),
        "the same": (["Ann", "Bob", "Ann"], ["Ann (0)", "Bob", "Ann (2)"]),
        "the same once they are shown": (["Ann", "A\u200bnn", "ﬁ", "fi"], ["Ann (0)", "Ann (1)", "ﬁ (2)", "fi (3)"]),
        "the same beginning": (["x" * 99 + "1", "x" * 99 + "2"], ["x" * 79 + "… (0)", "x" * 79 + "… (1)"]),
        "nothing legible": ([None, "", "\u3164"], ["0", "1", "2"]),
        "an id": (["1", None], ["1 (0)", "1"]),
        "a name with another one's id": (["Ann", "Ann", "Ann (0)"], ["Ann (0)", "Ann (1)", "Ann (0) (2)"]),
    }.values(),
)
def test_members_of_one_name_are_told_apart_by_their_ids(names, are_shown_as):
    assert apart(names, range(len(names))) == are_shown_as


def test_one_without_a_name_can_be_called_so():
    assert apart([None, "Sales"], [7, 8], NAMELESS) == ["(no name) (7)", "Sales"]


@given(st.lists(st.sampled_from(["Ann", "Ann (1)", "Ann (1) (2)", "1", "2", "", None, "\u200b"]) | st.text(max_size=3)))
def test_no_two_members_are_ever_shown_alike(names):
    shown_as = apart(names, range(len(names)))
    assert len({unicodedata.normalize("NFKC", name) for name in shown_as}) == len(names)
    assert all(shown_as)
