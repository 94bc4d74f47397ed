"""The demo: the real pipeline through Dagster on the sandbox for the last days, and its three answers as tables."""

import os
from datetime import datetime, timedelta

import click
from rich.console import Console

from calls_assets.commands.base import Command, print_outcome, usable_settings
from calls_assets.commands.local import DEMO_DAYS, demo_centre, program, sandbox_data, sandbox_home, sandbox_settings
from calls_assets.dagster import home
from calls_assets.days import ONE_DAY
from calls_assets.sandbox import Sandbox
from calls_assets.settings import Settings
from calls_assets.tables.catalog import REPORT
from calls_assets.terminal import say

LISTED_DAYS = 7


@click.command("demo", cls=Command)
def command() -> None:
    """Run the real pipeline through Dagster on the sandbox for the last 35 days, and print the three answers."""
    from calls_assets.commands.answers import print_answers
    from calls_assets.dagster.launch import materialize
    from calls_assets.definitions import build

    zone = usable_settings().zone
    console = Console()
    data, today = sandbox_data(zone), datetime.now(zone).date()
    first, last = today - timedelta(days=DEMO_DAYS), today - ONE_DAY
    with home.opened(sandbox_home()) as instance, Sandbox(demo_centre(zone.key)) as api:
        settings = Settings.load(sandbox_settings(zone) | {"CALLS_TIMEZONE": zone.key})
        say(console, f"Pulling {first} to {last} from the sandbox's call centre through Dagster ...")
        os.environ.update(CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
        outcome = materialize(build(settings), instance, first, last, console)
    if outcome.success:
        print_answers(first, last, settings.data_url, console, LISTED_DAYS)
    print_outcome(outcome, console)
    for line in (
        "The last day's page:",
        f"{data}/{REPORT}/date={last}/{REPORT}.html",
        f"The Parquet lies in {data}; see these runs in the UI with:",
        f"{program()} dev",
        "Query it with:",
        f"CALLS_DATA_URL={data} {program()} sql",
    ):
        say(console, line)
