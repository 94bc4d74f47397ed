"""Texts from outside, made fit to be shown: one line of legible text, whatever an agent's name or a server's answer holds.

The files keep every text as it came. Whatever is drawn, printed, logged or posted passes through here.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from string import punctuation

MOST_SHOWN = 80  # characters of a name; a longer one is cut
MOST_READ = 100  # how many times as many characters are looked at, so that a name of megabytes costs nothing
MOST_MARKS = 4  # combining marks on a letter: no script needs more, and a thousand cover the lines around
NAMELESS = "(no name) ({})"  # shown for a ring group without a name, around its id

# Look-alikes of signs that may be markup, which nothing reads as such.
FULL_WIDTH = {ord(sign): ord(sign) + 0xFEE0 for sign in punctuation}
UNKNOWN = "\N{REPLACEMENT CHARACTER}"

# Letters, signs and marks by category that show nothing.
BLANK = frozenset(
    [
        *"\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}",
        *"\N{BRAILLE PATTERN BLANK}\N{COMBINING GRAPHEME JOINER}",
        *map(chr, range(0x17B4, 0x17B6)),  # Khmer vowels that are never written
        *map(chr, range(0x180B, 0x1810)),  # variation selectors
        *map(chr, range(0xFE00, 0xFE10)),
        *map(chr, range(0xE0100, 0xE01F0)),
    ]
)


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """A text in one line of at most `most` characters, none of which hides, reverses or overlaps others.

    Runs of spaces, tabs and line ends become one space; characters without width and those that change the direction of
    writing are removed; control, private and unassigned characters and halves of pairs become U+FFFD. May be empty.
    """
    line = " ".join("".join(islice(_legible(text[: MOST_READ * most]), 2 * most)).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def legible(text: str) -> str:
    """A text as `shown` makes it, but with its lines and spaces kept, such as a printed table."""
    return "\n".join("".join(_legible(line)) for line in text.split("\n"))


def _legible(text: str) -> Iterator[str]:
    marks = MOST_MARKS  # a mark at the beginning has no letter to combine with
    for sign in text:
        kind = unicodedata.category(sign)
        if sign.isspace():
            marks = MOST_MARKS
            yield " "
        elif kind == "Cf" or sign in BLANK:
            continue
        elif kind in ("Mn", "Me"):
            marks += 1
            if marks <= MOST_MARKS:
                yield sign
        else:
            marks = 0
            yield UNKNOWN if kind[0] == "C" else sign


def apart(names: Iterable[str | None], ids: Iterable[object], nameless: str = "{}") -> list[str]:
    """The names of different members, fit to be shown and all distinct: with the id where two would look the same.

    Args:
        names: A name for each member.
        ids: Its id, which no other member has.
        nameless: What is shown, around the id, where nothing of a name is legible.
    """
    members = [(shown(name or ""), str(key)) for name, key in zip(names, ids, strict=True)]
    short = [name or nameless.format(key) for name, key in members]
    long = [f"{name} ({key})" if name else nameless.format(key) for name, key in members]
    taken = Counter(_looks(name) for pair in zip(short, long, strict=True) for name in {*pair})
    return [name if taken[_looks(name)] == 1 else longer for name, longer in zip(short, long, strict=True)]


def _looks(name: str) -> str:
    return unicodedata.normalize("NFKC", name)
