"""Prints the findings, and ends with what to set."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from calls_assets.doctor.account import Learned
from calls_assets.doctor.messages import deviation_rows, findings

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
    if learned.deviations:
        console.print()
        console.print(_deviations(learned, min(console.width, TOO_WIDE)))


def _deviations(learned: Learned, width: int) -> Grid:
    grid = Grid(title="How the records differ from the document", title_justify="left", box=SIMPLE_HEAD, width=width)
    for name in ("field", "as documented", "as sent", "records", "becomes"):
        grid.add_column(name, justify="right" if name == "records" else "left", overflow="fold")
    for row in deviation_rows(learned.deviations, learned.sampled):
        grid.add_row(*map(Text, row))
    return grid


def suggest(console: Console, values: Mapping[str, str], why: str) -> None:
    """Print the settings to paste, and why the zone among them is proposed."""
    console.print()
    _line(console, "What to set:", bold=True)
    for name, value in values.items():
        _line(console, f"{name}={value}")
    if why:
        console.print()
        _line(console, why)


def _line(console: Console, text: str, bold: bool = False) -> None:
    console.print(Text(text, style="bold" if bold else ""), soft_wrap=True)
