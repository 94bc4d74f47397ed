"""`calls-assets doctor`: the environment in, the findings out."""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.console import Console

from calls_assets.api.client import Advice, Client
from calls_assets.api.decode import Decoder
from calls_assets.api.errors import ApiError
from calls_assets.api.privacy import Privacy
from calls_assets.commands.base import Command, check_account, usable_settings, write_env_option
from calls_assets.dagster.chat import NotDelivered, check_address
from calls_assets.doctor.console import print_findings, print_settings
from calls_assets.doctor.diagnosis import diagnose
from calls_assets.doctor.suggestions import all_variables, check_is_new, proposed_timezone, proven_variables, write_env
from calls_assets.doctor.volume import Pull
from calls_assets.settings import Settings
from calls_assets.terminal import say

PATIENCE_S = 10.0
"""How long a host that cannot be reached is tried."""

ADVICE = Advice(
    unauthorised="set CALLS_API_TOKEN to a valid one, and CALLS_API_URL to the address of the account that it belongs to",
    refused="check CALLS_API_URL and the filters",
)
"""What to do about a refusal; other commands send people to the doctor."""


@click.command("doctor", cls=Command)
@write_env_option("write what was found; default: .env")
def command(write_env: Path | None) -> None:
    """Find out with a few small questions how the account of CALLS_API_URL behaves, and print what to set."""
    check_account(usable_settings())
    doctor(os.environ, Console(), write_env)


def doctor(
    environ: Mapping[str, str], console: Console, env_file: Path | None = None, now: datetime | None = None
) -> None:
    """Examine the account of an environment, print what was found, and write it to `env_file` if one is given.

    Args:
        environ: The variables.
        console: Where the report goes.
        env_file: A file that does not exist yet; None for none.
        now: The time, with its zone; None for the clock's.

    Raises:
        ValueError: a variable is not usable, the API gave no answer, or the file exists; in one sentence, without the token.
    """
    settings = Settings.load(environ)
    if settings.problems:
        raise ValueError(" ".join(settings.problems))
    if env_file is not None:
        check_is_new(env_file)
    Privacy(settings.privacy, environ.get("CALLS_PRIVACY_KEY", "").strip())  # checks the key
    try:
        check_address()
    except NotDelivered as error:
        raise ValueError(str(error)) from None
    url, token = (environ.get(name, "").strip() for name in ("CALLS_API_URL", "CALLS_API_TOKEN"))
    headers: dict[str, str] = {}
    candidates = [settings.dates_zone, settings.zone, ZoneInfo("UTC")]
    pull = Pull(settings.concurrency, Settings.calls_per_window)
    now = now or datetime.now(UTC)
    try:
        with Client(
            url,
            token,
            allow_http=settings.allow_http,
            connections=1,
            log=logging.getLogger(__name__),
            on_headers=headers.update,
            patience_s=PATIENCE_S,
            advice=ADVICE,
        ) as client:
            found = diagnose(
                partial(client.fetch, read=Decoder(settings.times_zone).read),
                settings.filters,
                [zone for zone in candidates if zone],
                pull,
                now,
                lambda: headers,
                settings.start_date,
            )
    except ApiError as error:
        raise ValueError(str(error)) from None
    print_findings(console, url.rstrip("/"), found, token)
    if found.obstacle:
        raise ValueError(found.obstacle)
    zone, why = proposed_timezone(environ, settings, found, now)
    print_settings(console, {"CALLS_TIMEZONE": zone} | proven_variables(settings, found), why)
    if env_file is not None:
        write_env(env_file, all_variables(settings, environ, found) | {"CALLS_TIMEZONE": zone})
        console.print()
        say(console, f"Written to {env_file}: add the token.")
