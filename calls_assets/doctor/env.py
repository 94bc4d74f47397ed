"""What a visit suggests to set, as lines to paste and as a `.env`; the token is in neither."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from calls_assets.api.document import MAX_LIMIT
from calls_assets.doctor.account import Learned
from calls_assets.doctor.dates import zone_of_night
from calls_assets.settings import VARIABLES, Settings

SECRETS = {
    "CALLS_API_TOKEN": "Put the account's access token in here, and keep this file out of version control.",
    "CALLS_PRIVACY_KEY": "Put the key of the pseudonyms in here.",
    "CALLS_ALERT_URL": "Put the address that alerts go to in here.",
}
"""Variables that are written without a value, with what is said of them."""


PLAIN = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
"""A value that needs no quotes."""


def found_variables(settings: Settings, learned: Learned) -> dict[str, str]:
    """The variables that the visit proved, and those that it disproved with a value that undoes them."""
    found, zone = {}, learned.zone
    if zone and zone.proven:
        found["CALLS_DATES_ZONE"] = zone.proven
    elif zone and zone.days and settings.dates_zone and settings.dates_zone.key not in zone.fitting:
        found["CALLS_DATES_ZONE"] = ""
    if learned.inclusive:
        found["CALLS_DATE_TO_INCLUSIVE"] = "1"
    elif learned.inclusive is False and settings.date_to_inclusive:
        found["CALLS_DATE_TO_INCLUSIVE"] = "0"
    if learned.page and learned.page.size < MAX_LIMIT:
        found["CALLS_PAGE_SIZE"] = str(learned.page.size)
    if learned.requests_per_second:
        found["CALLS_REQUESTS_PER_SECOND"] = f"{learned.requests_per_second:g}"
    return found


def partitions_zone(environ: Mapping[str, str], settings: Settings, learned: Learned, now: datetime) -> tuple[str, str]:
    """The zone whose midnights should bound the days, and why it is proposed; the set one needs no reason."""
    if environ.get("CALLS_TIMEZONE", "").strip():
        return settings.zone.key, ""
    read_in = learned.zone.fitting[0] if learned.zone and learned.zone.fitting else None
    night = None if learned.night_utc is None else zone_of_night(learned.night_utc, now, read_in)
    zone, reason = next(
        (zone, reason)
        for zone, reason in (
            (read_in if read_in != "UTC" else None, "the account may read its dates in it"),
            (night, "nobody calls in the night there"),
            ("UTC", "neither the dates nor the hours of the calls suggest another one"),
        )
        if zone
    )
    return zone, (
        f"CALLS_TIMEZONE={zone} is a proposal, because {reason}: it is your choice whose midnights bound the days, and a "
        "tree keeps to it."
    )


def variables(settings: Settings, environ: Mapping[str, str], learned: Learned) -> dict[str, str]:
    """All variables of the account: those that are set, the found ones in their place, and the secrets without a value."""
    given = {name: value for name in VARIABLES if (value := environ.get(name, "").strip())}
    values = {
        "CALLS_API_URL": environ.get("CALLS_API_URL", "").strip(),
        "CALLS_TIMEZONE": settings.zone.key,
        "CALLS_DATA_URL": settings.data_url,
        "CALLS_START_DATE": str(settings.start_date),
    }
    needed = {
        "CALLS_PRIVACY_KEY": settings.privacy == "pseudonymise",
        "CALLS_ALERT_URL": bool(environ.get("CALLS_ALERT_URL", "").strip()),
        "CALLS_API_TOKEN": True,
    }
    secrets = {name: "" for name, is_needed in needed.items() if is_needed}
    return values | given | found_variables(settings, learned) | secrets


def refuse_to_overwrite(path: Path) -> None:
    """Raise a ValueError where a file of that name cannot be made, before anything is asked."""
    if path.exists() or path.is_symlink():
        raise ValueError(
            f"{path} exists already, and is not overwritten: move it away, or give --write-env another name."
        )
    if not path.absolute().parent.is_dir():
        raise ValueError(f"{path} cannot be written, for there is no folder {path.absolute().parent}: make it first.")


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Write the variables to a new file that its owner alone may read.

    Raises:
        ValueError: there is such a file already.
    """
    refuse_to_overwrite(path)
    lines = ["# Found by calls-assets doctor."]
    for name, value in values.items():
        if name in SECRETS:
            lines.append(f"# {SECRETS[name]}")
        lines.append(f"{name}={_quoted(value)}")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _quoted(value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
