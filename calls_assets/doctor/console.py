"""Prints what was found, and what to set."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from calls_assets.doctor.findings import Findings
from calls_assets.doctor.messages import describe, deviations
from calls_assets.terminal import READABLE, entry, say


def print_findings(console: Console, url: str, found: Findings, token: str) -> None:
    """Print what was found out about the account at `url`."""
    say(console, f"{url}/calls/ answers, and the token works ({found.requests} requests).")
    if not found.calls:
        say(
            console,
            "There was no call in the last year, so there is nothing to find out yet: run the doctor again once there are "
            "calls, or check CALLS_API_URL, the token's account, and CALLS_FILTERS.",
        )
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), width=min(console.width, READABLE))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(ratio=1)
    for title, sentence in describe(found, token):
        table.add_row(title, Text(sentence))
    console.print()
    console.print(table)
    if found.deviations:
        console.print()
        say(console, f"How the records differ from the document, and how many of {found.sampled:,} do:")
        for head, lines in deviations(found.deviations):
            entry(console, head, lines)


def print_settings(console: Console, values: Mapping[str, str], why: str) -> None:
    """Print the settings to paste, and why that zone is suggested."""
    console.print()
    say(console, "What to set:", style="bold")
    for name, value in values.items():
        say(console, f"{name}={value}")
    if why:
        console.print()
        say(console, why)
