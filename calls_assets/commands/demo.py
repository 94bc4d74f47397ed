"""The demo: the real pipeline through Dagster on the sandbox for the last days, and its three answers as tables."""

import os
from datetime import datetime, timedelta

import dagster as dg
from rich.console import Console

from calls_assets.commands.answers import print_answers
from calls_assets.dagster.launch import Outcome, materialize
from calls_assets.definitions import build
from calls_assets.sandbox import Centre, Meaning, Sandbox
from calls_assets.settings import Settings

DAYS = 7


def demo_centre(zone: str) -> Centre:
    """The call centre of `make demo` and `make dev`: its timer starts with the call, so that waits can be validated."""
    return Centre(zone=zone, meaning=Meaning(sla_clock="call", sla_s=45))


def run_demo(settings: Settings, instance: dg.DagsterInstance, console: Console) -> Outcome:
    """Pull the last closed days from the sandbox, then print the answers."""
    today = datetime.now(settings.zone).date()
    first, last = today - timedelta(days=DAYS), today - timedelta(days=1)
    console.print(f"Pulling {first} to {last} from the sandbox call centre through Dagster ...")
    with Sandbox(demo_centre(settings.zone.key)) as api:
        os.environ.update(CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
        outcome = materialize(build(settings), instance, first, last, console)
    if outcome.success:
        print_answers(first, last, settings.data_url, console)
    return outcome
