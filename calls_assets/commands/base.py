"""What the commands share: how a command starts and fails, and how it reads days, numbers and zones."""

import os
import sys
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import click

from calls_assets.dagster import home
from calls_assets.env_file import find_env_file, load_env_file
from calls_assets.settings import Settings, read_zone
from calls_assets.settings import whole as read_whole
from calls_assets.terminal import noted, say

if TYPE_CHECKING:
    from rich.console import Console

    from calls_assets.dagster.launch import Outcome

T = TypeVar("T")

HOME = Path(".calls_assets")
"""Where the demo and the UI keep what is not the user's own data; sandbox data stays in it."""


MOST_CHECKS = 20
"""The most failed checks that are printed: a long range may have one of every day."""


class Command(click.Command):
    """A command that reads `.env` first; what it cannot do is one sentence on standard error, and status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with warnings.catch_warnings(record=True, action="always") as told:
                file = load_env_file()
            if file and file.parent != Path.cwd():
                note(f"the settings are read from {file}.")
            for one in told:
                note(str(one.message))
            warnings.formatwarning = lambda message, *_, **__: f"{noted(str(message))}\n"
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever reads the output has enough
        except (OSError, ValueError, LookupError) as error:
            sys.exit(noted(str(error)))


def note(sentence: str) -> None:
    """Write a sentence to standard error."""
    sys.stderr.write(f"{noted(sentence)}\n")


class Argument(click.ParamType, Generic[T]):  # type: ignore[type-arg]  # takes one in new releases of click alone
    """The type of an argument that a function reads from text; its ValueError is the message."""

    def __init__(self, name: str, read: Callable[[str], T]) -> None:
        self.name = name
        self.read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """The value of a text; a default is one already."""
        try:
            return self.read(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _named(read: Callable[[str], T]) -> Callable[[str], T]:
    """A reader whose message holds what was given."""

    def read_or_tell(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise ValueError(f"{text!r} is not {error}") from None

    return read_or_tell


def whole(what: str, least: int = 1, most: int = 1_000_000) -> Argument[int]:
    """A whole number in a range, such as "a port"."""
    return Argument("number", _named(read_whole(what, least, most)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day such as 2026-11-01") from None


DAY = Argument("day", _named(_day))
ZONE = Argument("zone", _named(lambda text: read_zone(text).key))


def days_options(first: str, last: str, required: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options --from and --to, with what their help says."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        to = click.option("--to", "last", type=DAY, metavar="DAY", help=last)
        return click.option("--from", "first", type=DAY, metavar="DAY", required=required, help=first)(to(command))

    return add


def write_env_option(about: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option --write-env, with what its help says; without a name it means `.env`."""
    file = click.Path(path_type=Path)
    return click.option("--write-env", is_flag=False, flag_value=".env", type=file, metavar="[FILE]", help=about)


def usable_settings() -> Settings:
    """The environment's settings.

    Raises:
        ValueError: some cannot be used; a sentence for each.
    """
    settings = Settings.load()
    if settings.problems:
        raise ValueError(" ".join(settings.problems))
    return settings


def check_account(settings: Settings) -> None:
    """Raise a ValueError where CALLS_API_URL, the token or the key of the pseudonyms is missing or cannot be used."""
    from calls_assets.api.address import checked_token, checked_url
    from calls_assets.api.privacy import Privacy

    url, token, key = (os.environ.get(name, "") for name in ("CALLS_API_URL", "CALLS_API_TOKEN", "CALLS_PRIVACY_KEY"))
    try:
        checked_url(url, settings.allow_http)
        checked_token(token)
    except ValueError as error:
        is_lacking = not (url.strip() and token.strip()) and find_env_file(Path.cwd()) is None
        also = f"; no .env was found in {Path.cwd()} or above it." if is_lacking else "."
        raise ValueError(f"{str(error).rstrip('.')}{also}") from None
    Privacy(settings.privacy, key.strip())


def own_home() -> Path:
    """Where Dagster keeps the records of the user's own runs: DAGSTER_HOME, or else a folder of ours.

    Raises:
        ValueError: it cannot be used.
    """
    path = os.environ.get("DAGSTER_HOME")
    return home.given(path) if path else home.made(HOME / "dagster")


def print_outcome(outcome: "Outcome", console: "Console") -> None:
    """Print the checks that failed; exits with the run's sentences where it did."""
    for check in outcome.failed_checks[:MOST_CHECKS]:
        say(console, f"Check failed: {check}", style="yellow")
    if len(outcome.failed_checks) > MOST_CHECKS:
        say(
            console,
            f"and {len(outcome.failed_checks) - MOST_CHECKS} more failed checks; the UI has them.",
            style="yellow",
        )
    if not outcome.success:
        sys.exit(noted("\n".join(dict.fromkeys(outcome.sentences)) or "the run failed; the UI says why."))
