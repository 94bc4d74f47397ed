"""Prints what was found, and what to set."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from calls_assets.doctor.findings import Findings
from calls_assets.doctor.messages import describe, deviation_rows

TOO_WIDE = 100
"""Columns beyond which a sentence is hard to read."""


def print_findings(console: Console, url: str, found: Findings, token: str) -> None:
    """Print what was found out about the account at `url`."""
    _line(console, f"{url}/calls/ answers, and the token works ({found.requests} requests).")
    if not found.calls:
        _line(
            console,
            "There was no call in the last year, so there is nothing to find out yet: run the doctor again once there are "
            "calls, or check CALLS_API_URL, the token's account, and CALLS_FILTERS.",
        )
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), width=min(console.width, TOO_WIDE))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1)
    for title, sentence in describe(found, token):
        table.add_row(title, Text(sentence))
    console.print()
    console.print(table)
    if found.deviations:
        console.print()
        console.print(_deviations(found, min(console.width, TOO_WIDE)))


def _deviations(found: Findings, width: int) -> Table:
    table = Table(title="How the records differ from the document", title_justify="left", box=SIMPLE_HEAD, width=width)
    for name in ("field", "as documented", "as sent", "records", "becomes"):
        table.add_column(name, justify="right" if name == "records" else "left", overflow="fold")
    for row in deviation_rows(found.deviations, found.sampled):
        table.add_row(*map(Text, row))
    return table


def print_settings(console: Console, values: Mapping[str, str], why: str) -> None:
    """Print the settings to paste, and why that zone is suggested."""
    console.print()
    _line(console, "What to set:", bold=True)
    for name, value in values.items():
        _line(console, f"{name}={value}")
    if why:
        console.print()
        _line(console, why)


def _line(console: Console, text: str, bold: bool = False) -> None:
    console.print(Text(text, style="bold" if bold else ""), soft_wrap=True)
