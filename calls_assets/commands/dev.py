"""The Dagster UI on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import click
from rich.console import Console

from calls_assets.commands.base import Command, check_account, own_home, whole
from calls_assets.commands.local import PAGES_PATH, demo_centre, free_port, sandbox_home, sandbox_settings
from calls_assets.sandbox import Sandbox
from calls_assets.settings import Settings
from calls_assets.terminal import say

ENDS_IN_S = 15
"""How long Dagster may take to shut down by itself."""


@click.command("dev", cls=Command)
@click.option("--port", type=whole("a port", 0, 65_535), default=3000, help="port of the UI on 127.0.0.1")
def command(port: int) -> None:
    """Open the Dagster UI: on the account of CALLS_API_URL, or else on the sandbox with a tree of its own."""
    if find_spec("dagster_dg_cli") is None:
        raise ValueError(
            "dev needs the package dagster-dg-cli, which servers are installed without, because services serve the UI there "
            "(docs/server.md): install it, or open the UI of the services."
        )
    port = free_port(port)
    environ = dict(os.environ)
    given = {
        name: value for name in ("CALLS_START_DATE", "CALLS_PAGES_URL") if (value := environ.get(name, "").strip())
    }
    with ExitStack() as stack:
        if environ.get("CALLS_API_URL"):
            environ |= {"CALLS_PAGES_URL": PAGES_PATH, "DAGSTER_HOME": str(own_home())}
            account = _account(environ)
        else:
            account = "the sandbox, because CALLS_API_URL is not set"
            zone = Settings.load().zone
            api = stack.enter_context(Sandbox(demo_centre(zone.key)))
            environ |= {
                "CALLS_API_URL": api.url,
                "CALLS_API_TOKEN": api.token,
                "DAGSTER_HOME": str(sandbox_home()),
            } | sandbox_settings(zone)
        environ |= given
        console = Console()
        say(console, f"Account: {account}. Tree: {_tree(Settings.load(environ).data_url)}.")
        say(console, f"Dagster's UI opens in a few seconds at http://127.0.0.1:{port} (Ctrl-C stops it).")
        signal.set_wakeup_fd(-1)  # Dagster's servers need time to shut down
        arguments = ["-m", "calls_assets.dagster.dev", "dev", "-m", "calls_assets.definitions"]
        address = ["-h", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen([sys.executable, *arguments, *address], env=environ)  # noqa: S603  # our own interpreter
        signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            _end(process)


def _account(environ: Mapping[str, str]) -> str:
    """The account's address; where it or the token cannot be used, why not, which never holds a secret."""
    try:
        check_account(Settings.load(environ))
    except ValueError as error:
        return f"none that a run could ask ({str(error).rstrip('.')})"
    return environ["CALLS_API_URL"].strip()


def _tree(data_url: str) -> str:
    return data_url if "://" in data_url else str(Path(data_url).expanduser().absolute())


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for Dagster to shut down after a Ctrl-C, which it has received too; a second one would cut that short."""
    try:
        process.wait(ENDS_IN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        process.wait()
