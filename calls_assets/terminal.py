"""What commands print for people: folded between words where a terminal shows it, in one line where a program reads it."""

import shutil
import sys
import textwrap
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

READABLE = 100
"""Columns beyond which prose is hard to read."""

INDENT = 4


def say(console: Console, text: str, style: str = "") -> None:
    """Print a sentence, or a line to copy."""
    console.print(Text(_folded(text, console.width) if console.is_terminal else text, style=style), soft_wrap=True)


def entry(console: Console, head: str, lines: Iterable[str]) -> None:
    """Print a head with lines under it: what takes a table more columns than a terminal has."""
    width = min(console.width, READABLE)
    console.print(Text(head, style="bold"), width=width, overflow="fold")
    for line in lines:
        console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, INDENT)), width=width)


def grid(title: str, names: Iterable[str], numbers: Iterable[str] = (), prose: str = "") -> Table:
    """A table without rows, as wide as its content.

    Args:
        title: What stands above it.
        names: The columns.
        numbers: Those whose values end at the right.
        prose: The one column that may be folded between its words; all others keep their width.
    """
    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in names:
        is_prose = name == prose
        justify: JustifyMethod = "right" if name in numbers else "left"
        table.add_column(name, justify=justify, no_wrap=not is_prose, overflow="fold")
    return table


def noted(text: str) -> str:
    """A sentence for standard error, with the name of the program before it."""
    told = f"calls-assets: {text}"
    return _folded(told, shutil.get_terminal_size().columns) if sys.stderr.isatty() else told


def _folded(text: str, width: int) -> str:
    """A text in lines of at most `width` columns; a longer word, such as a path to copy, stays whole."""
    lines = (textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n"))
    return "\n".join("\n".join(line) for line in lines)
