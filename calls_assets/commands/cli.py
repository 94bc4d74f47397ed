"""The `calls-assets` command: a group whose commands load when they are called, so that its help costs nothing."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

COMMANDS = {
    "demo": "Run the pipeline on the sandbox for the last 35 days.",
    "dev": "The Dagster UI: on the sandbox unless CALLS_API_URL is set.",
    "run": "Materialize a range of days, and print the answers.",
    "sql": "Query the tables in DuckDB's SQL; without a query, list them.",
    "report": "Make the pages of days, weeks and months again, and open one.",
    "doctor": "Ask the account of CALLS_API_URL a few small questions.",
    "purge": "Delete old runs whose days have all been materialized again since.",
    "evidence": "What the numbers rest on: call types, `type`, waits.",
    "sandbox": "The embedded sandbox API alone.",
}
"""Each command, which is `command` in the module of its name, with its line in the help of all."""


class _LazyGroup(click.Group):
    """Knows its commands by name and help, and loads the module of the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's own sorts them
        return [*self.commands]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, stub, rest = super().resolve_command(ctx, args)
        return name, stub and import_module(f"calls_assets.commands.{stub.name}").command, rest


cli = _LazyGroup(
    "calls-assets",
    commands=[click.Command(name, help=text) for name, text in COMMANDS.items()],
    help="Daily Parquet and metrics from a call centre's API: the demo, the UI, runs, SQL, and the sandbox API alone.",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100},
    subcommand_metavar="COMMAND ...",
)
click.version_option(package_name="calls_assets", message="%(prog)s %(version)s")(cli)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name.

    Raises:
        SystemExit: with 2 for wrong usage, with 1 and one sentence where the command cannot do what it should.
    """
    try:
        cli.main(argv, prog_name="calls-assets", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except OSError:  # whoever reads the help has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
