"""The command: the environment in, the report out."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from calls_assets.api.client import Client
from calls_assets.api.decode import Decoder
from calls_assets.api.errors import ApiError, TokenRefused
from calls_assets.api.privacy import Privacy
from calls_assets.dagster.alerts import NotTold, check_address
from calls_assets.dagster.resources import CallsApi
from calls_assets.doctor.env import found_variables, partitions_zone, refuse_to_overwrite, variables, write_env
from calls_assets.doctor.report import report, suggest
from calls_assets.doctor.visit import visit
from calls_assets.doctor.volume import Pull
from calls_assets.settings import Settings

PATIENCE_S = 10.0
"""After so many seconds, a host that cannot be reached is said to be one."""


def doctor(
    environ: Mapping[str, str], console: Console, env_file: Path | None = None, now: datetime | None = None
) -> None:
    """Visit the account of an environment, print what was found, and write it to `env_file` if one is given.

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
        refuse_to_overwrite(env_file)
    Privacy(settings.privacy, environ.get("CALLS_PRIVACY_KEY", "").strip())
    try:
        check_address()
    except NotTold as error:
        raise ValueError(str(error)) from None
    url, token = environ.get("CALLS_API_URL", "").strip().rstrip("/"), environ.get("CALLS_API_TOKEN", "").strip()
    headers: dict[str, str] = {}
    candidates = [settings.dates_zone, settings.zone, ZoneInfo("UTC")]
    defaults = {name: info.default for name, info in CallsApi.model_fields.items()}
    pull = Pull(settings.concurrency or defaults["concurrency"], defaults["calls_per_window"])
    log = logging.getLogger(__name__)
    with Client(
        url,
        token,
        allow_http=settings.allow_http,
        connections=1,
        log=log,
        on_headers=headers.update,
        patience_s=PATIENCE_S,
    ) as client:
        fetch = partial(client.fetch, read=Decoder(settings.times_zone).read)
        moment = now or datetime.now(UTC)
        try:
            learned = visit(
                fetch,
                settings.filters,
                [zone for zone in candidates if zone],
                pull,
                moment,
                lambda: headers,
                settings.start_date,
            )
        except TokenRefused as error:
            why = str(error).removesuffix(".")
            raise ValueError(f"{why}, and CALLS_API_URL to the address of the account that it belongs to.") from None
        except ApiError as error:
            raise ValueError(str(error).replace(", or ask calls-assets doctor", "")) from None
    report(console, url, learned, token)
    if learned.obstacle:
        raise ValueError(learned.obstacle)
    zone, why = partitions_zone(environ, settings, learned, moment)
    suggest(console, {"CALLS_TIMEZONE": zone} | found_variables(settings, learned), why)
    if env_file is not None:
        write_env(env_file, variables(settings, environ, learned) | {"CALLS_TIMEZONE": zone})
        console.print(f"\nWritten to {env_file}: put the token in.", soft_wrap=True, highlight=False, markup=False)
