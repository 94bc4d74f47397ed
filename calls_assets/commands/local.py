"""What the commands on the sandbox share: its call centre, its folders, and a port of this machine."""

import socket
from pathlib import Path
from zoneinfo import ZoneInfo

from calls_assets.commands.base import HOME
from calls_assets.dagster import home
from calls_assets.sandbox import Centre, Meaning
from calls_assets.waits import DURATION_LESS_TALK

DEMO_SLA_S = 45

DEMO_WAITS = {"CALLS_WAIT": DURATION_LESS_TALK, "CALLS_SLA_SECONDS": str(DEMO_SLA_S)}
"""How waits are told in the demo's call centre."""


def demo_centre(zone: str) -> Centre:
    """The call centre of `make demo` and `make dev`: its timer starts with the call, so that waits can be told."""
    return Centre(zone=zone, meaning=Meaning(sla_clock="call", sla_s=DEMO_SLA_S))


def sandbox_data(zone: ZoneInfo) -> Path:
    """The sandbox's tree of days in a zone: one for each, because a tree keeps to the zone that it was made with."""
    return HOME / "sandbox" / ("data" if zone.key == "UTC" else f"data_{zone.key.replace('/', '_')}")


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
