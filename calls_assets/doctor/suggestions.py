"""What the findings suggest to set, as lines to paste and as a `.env`; neither holds a secret."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from calls_assets.api.document import MAX_LIMIT
from calls_assets.doctor.dates import zone_of_night
from calls_assets.doctor.findings import Findings
from calls_assets.env_file import check_folder
from calls_assets.settings import FIELDS, VARIABLES, Settings

_PLAIN = re.compile(r"[\w@%+=:,./-]*", re.ASCII)
"""A value that needs no quotes."""


def proven_variables(settings: Settings, found: Findings) -> dict[str, str]:
    """The variables that were proven, and those that were disproven with a value that undoes them."""
    proven, zone = {}, found.zone
    if zone and zone.proven:
        proven["CALLS_DATES_ZONE"] = zone.proven
    elif zone and zone.days and settings.dates_zone and settings.dates_zone.key not in zone.fitting:
        proven["CALLS_DATES_ZONE"] = ""
    if found.inclusive:
        proven["CALLS_DATE_TO_INCLUSIVE"] = "1"
    elif found.inclusive is False and settings.date_to_inclusive:
        proven["CALLS_DATE_TO_INCLUSIVE"] = "0"
    if found.page and found.page.size < MAX_LIMIT:
        proven["CALLS_PAGE_SIZE"] = str(found.page.size)
    if found.requests_per_second:
        proven["CALLS_REQUESTS_PER_SECOND"] = f"{found.requests_per_second:g}"
    known = {"CALLS_WAIT": settings.wait, "CALLS_SLA_SECONDS": str(settings.sla_seconds)}
    return proven | {name: value for name, value in found.waits.variables.items() if value or known[name]}


def proposed_timezone(
    environ: Mapping[str, str], settings: Settings, found: Findings, now: datetime
) -> tuple[str, str]:
    """The zone whose midnights should bound the days, and why; one that is set needs no reason."""
    if environ.get("CALLS_TIMEZONE", "").strip():
        return settings.zone.key, ""
    read_in = found.zone.fitting[0] if found.zone and found.zone.fitting else None
    night = None if found.quietest_hour is None else zone_of_night(found.quietest_hour, now, read_in)
    zone, reason = next(
        (zone, reason)
        for zone, reason in (
            (read_in if read_in != "UTC" else None, "the account may read its dates in it"),
            (night, "hardly anyone calls at night there"),
            ("UTC", "neither the dates nor the hours of the calls suggest another one"),
        )
        if zone
    )
    return zone, (
        f"CALLS_TIMEZONE={zone} is a suggestion, because {reason}: you choose whose midnights bound the days, and the data "
        "folder keeps that zone."
    )


def all_variables(settings: Settings, environ: Mapping[str, str], found: Findings) -> dict[str, str]:
    """All variables for the account: those that are set, the proven ones in their place, and the secrets without a value."""
    given = {each.name: value for each in FIELDS.values() if (value := environ.get(each.name, "").strip())}
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
    return values | given | proven_variables(settings, found) | secrets


def check_is_new(path: Path) -> None:
    """Raise a ValueError where a file of that name cannot be created."""
    if path.exists() or path.is_symlink():
        raise ValueError(f"{path} already exists and is not overwritten: move it, or give --write-env another name.")
    check_folder(path)


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Write the variables to a new file that only its owner may read.

    Raises:
        ValueError: the file exists already.
    """
    check_is_new(path)
    lines = ["# Found by calls-assets doctor. Keep this file out of version control: it holds secrets."]
    for name, value in values.items():
        if VARIABLES[name].is_secret:
            lines.append(f"# To be added: {VARIABLES[name].about}")
        lines.append(f"{name}={_quoted(value)}")
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
