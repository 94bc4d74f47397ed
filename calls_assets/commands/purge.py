"""Removes old runs from Dagster's log."""

from datetime import UTC, datetime, timedelta

import click
from rich.console import Console

from calls_assets.commands.base import Command, own_home, whole
from calls_assets.dagster import home
from calls_assets.terminal import say


@click.command("purge", cls=Command)
@click.option(
    "--keep-days", type=whole("a number of days"), default=30, metavar="N", help="runs of the last N days stay"
)
def command(keep_days: int) -> None:
    """Delete old runs whose days have all been materialized again since; the files stay as they are."""
    from calls_assets.dagster.purge import purge

    before = datetime.now(UTC) - timedelta(days=keep_days)
    with home.opened(own_home()) as instance:
        deleted = sum(1 for _ in purge(instance, before))
    told = (
        f"Deleted {deleted} runs that ended before {before:%Y-%m-%d %H:%M} UTC. The files of the days stay as they are."
    )
    say(Console(), told)
