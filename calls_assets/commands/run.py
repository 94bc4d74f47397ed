"""Runs of the user's own account."""

import os
from dataclasses import replace
from datetime import date, datetime

import click
from rich.console import Console

from calls_assets.commands.base import (
    Command,
    check_account,
    days_options,
    own_home,
    print_outcome,
    usable_settings,
)
from calls_assets.commands.local import PAGES_PATH, program
from calls_assets.dagster import home
from calls_assets.terminal import say


@click.command("run", cls=Command)
@days_options("first day, YYYY-MM-DD", "last day; default: the first", required=True)
@click.option("--computed", is_flag=True, help="compute the tables and pages again from the calls that are there")
def command(first: date, last: date | None, computed: bool) -> None:
    """Materialize every asset, or what is computed, for a range of days through Dagster, and print the answers."""
    settings = usable_settings()
    today, last = datetime.now(settings.zone).date(), last or first
    if not settings.start_date <= first <= last <= today:
        raise ValueError(
            f"--from and --to are days in order from CALLS_START_DATE, {settings.start_date}, to today, {today}, but "
            f"{first} and {last} were given."
        )
    if not computed:
        check_account(settings)
    from calls_assets.commands.answers import print_answers
    from calls_assets.dagster.launch import materialize
    from calls_assets.dagster.recompute import COMPUTED
    from calls_assets.definitions import build

    if not os.environ.get("DAGSTER_HOME"):  # then `calls-assets dev` shows this run
        settings = replace(settings, pages_url=settings.pages_url or PAGES_PATH)
    console = Console()
    with home.opened(own_home()) as instance:
        print_outcome(
            materialize(build(settings), instance, first, last, console, COMPUTED if computed else None), console
        )
    print_answers(first, last, settings.data_url, console)
    say(console, f"The Parquet lies in {settings.data_url}; see this run in the UI with: {program()} dev")
