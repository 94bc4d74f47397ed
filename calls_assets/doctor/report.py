"""Prints the findings, and ends with what to set."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from calls_assets.doctor.account import Learned
from calls_assets.doctor.words import findings

TOO_WIDE = 100
"""Columns beyond which a sentence is hard to read."""


def report(console: Console, url: str, learned: Learned, token: str) -> None:
    """Print what was found of the account at `url`."""
    _line(console, f"{url}/calls/ answers, and the token works ({learned.questions} questions asked).")
    if not learned.calls:
        _line(
            console,
            "There was no call in the last year, so there is nothing to learn yet: ask again when calls came in, or check "
            "CALLS_API_URL, the token's account, and CALLS_FILTERS.",
        )
        return
    grid = Grid(box=None, show_header=False, padding=(0, 2, 0, 0), width=min(console.width, TOO_WIDE))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(ratio=1)
    for title, sentence in findings(learned, token):
        grid.add_row(title, Text(sentence))
    console.print()
    console.print(grid)


def suggest(console: Console, values: Mapping[str, str]) -> None:
    """Print the settings to paste."""
    console.print()
    _line(console, "What to set:", bold=True)
    for name, value in values.items():
        _line(console, f"{name}={value}")


def _line(console: Console, text: str, bold: bool = False) -> None:
    console.print(Text(text, style="bold" if bold else ""), soft_wrap=True)
