"""What the commands on the sandbox share: its call centre, its folders, and a port of this machine."""

import os
import shlex
import shutil
import socket
import sysconfig
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from calls_assets.commands.base import HOME, note
from calls_assets.dagster import home
from calls_assets.sandbox import Centre, Meaning
from calls_assets.settings import Settings
from calls_assets.tables.catalog import RAW_CALLS, REPORT
from calls_assets.waits import DURATION_LESS_TALK

DEMO_SLA_S = 45

DEMO_SETTINGS = {
    "CALLS_WAIT": DURATION_LESS_TALK,
    "CALLS_SLA_SECONDS": str(DEMO_SLA_S),
    "CALLS_TARGET_SERVICE_LEVEL": "0.8",
    "CALLS_TARGET_ABANDONMENT": "0.08",
}
"""How waits are told in the demo's call centre, and what it wants to reach."""

DEMO_DAYS = 35
"""The pages of a week, each of which compares its day with the four weeks before."""

PAGES_PATH = f"/{REPORT}"
"""Where the web server of `calls-assets dev` serves the pages."""


def demo_centre(zone: str) -> Centre:
    """The call centre of `make demo` and `make dev`: its timer starts with the call, so that waits can be told."""
    return Centre(zone=zone, meaning=Meaning(sla_clock="call", sla_s=DEMO_SLA_S))


def sandbox_data(zone: ZoneInfo) -> Path:
    """The sandbox's tree of days in a zone: one for each, because a tree keeps to the zone that it was made with."""
    return HOME / "sandbox" / ("data" if zone.key == "UTC" else f"data_{zone.key.replace('/', '_')}")


def sandbox_settings(zone: ZoneInfo) -> dict[str, str]:
    """The sandbox's settings in a zone: its centre's, its tree, and days from the first in the tree or of the demo on."""
    from calls_assets.tables.store import TableStore

    data = str(sandbox_data(zone).absolute())
    demo = datetime.now(zone).date() - timedelta(days=DEMO_DAYS)
    return DEMO_SETTINGS | {
        "CALLS_DATA_URL": data,
        "CALLS_START_DATE": str(min([demo, *TableStore(data).days(RAW_CALLS)])),
        "CALLS_PAGES_URL": PAGES_PATH,
    }


def read_what_is_there() -> None:
    """Where no setting names an account or a tree, read the user's own tree, or else the demo's; says on stderr which.

    The demo's tree comes with the demo's settings, also where CALLS_DATA_URL names it.
    """
    if os.environ.get("CALLS_API_URL", "").strip():
        return
    named, settings = os.environ.get("CALLS_DATA_URL", "").strip(), Settings.load()
    own, demo = Path(settings.data_url), sandbox_data(settings.zone)
    is_demo = demo.is_dir() and (own.absolute() == demo.absolute() if named else not own.exists())
    tree = demo if is_demo else own
    if is_demo:
        lacked = {name: value for name, value in DEMO_SETTINGS.items() if not os.environ.get(name, "").strip()}
        os.environ.update(lacked)
    if tree.is_dir() and not named:
        os.environ["CALLS_DATA_URL"] = str(tree)
        told = "the demo's tree" if is_demo else "the tree"
        note(f"CALLS_DATA_URL is not set: reading {told} {tree}.")


def program() -> str:
    """How a shell in this folder calls `calls-assets`."""
    script, here = Path(sysconfig.get_path("scripts"), "calls-assets"), Path.cwd()
    found = shutil.which(script.name)
    if found and Path(found).resolve() == script.resolve():
        return script.name
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))


def sandbox_home() -> Path:
    """Where Dagster keeps the records of runs on the sandbox.

    Raises:
        ValueError: it cannot be used.
    """
    return home.made(HOME / "sandbox" / "dagster")


def free_port(port: int) -> int:
    """The port; for 0, any that is free.

    Raises:
        ValueError: it is taken, or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
        except OSError as error:
            raise ValueError(
                f"port {port} is in use, or not allowed ({error.strerror}): give another --port."
            ) from error
