"""The file `.env`, which may hold settings, and its template `.env.example`."""

import io
import os
import stat
import textwrap
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calls_assets.settings import FIELDS, SECTIONS, VARIABLES, Settings, Variable

COMMENT: Any = {"width": 125, "initial_indent": "# ", "subsequent_indent": "# ", "break_on_hyphens": False}


def find_env_file(folder: Path) -> Path | None:
    """The `.env` of an absolute folder, or of the nearest one above it up to the root of the repository or the home folder.

    Outside of both only the folder's own counts, and one further up only where it is this user's or root's: in a folder such
    as /tmp anybody could have put it, and a repository around it.
    """
    folders = (folder, *folder.parents)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111  # pathlib's raises an error where there is no home
    root = next((each for each in folders if each == home or (each / ".git").exists()), folder)
    own = folders[: folders.index(root) + 1]
    files = (each / ".env" for each in own if (each / ".env").is_file())
    return next((file for file in files if file.parent == folder or file.stat().st_uid in (0, os.geteuid())), None)


def load_env_file(path: Path | None = None) -> Path | None:
    """Set the variables that are unset or empty in the environment from a file; returns the file, if there is one.

    A folder in CALLS_DATA_URL is relative to the file, from wherever it is read.

    Args:
        path: The file; None for the `.env` that `find_env_file` finds for the current folder.

    Raises:
        ValueError: the file cannot be read, or a line of it is not NAME=value.

    Warns:
        UserWarning: it holds a secret, and everyone on the machine can read it.
    """
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    path = path or find_env_file(Path.cwd())
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.absolute()} could not be read as UTF-8 text: {error}.") from None
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            raise ValueError(
                f"Line {binding.original.line} of {path.absolute()} is not NAME=value: correct or remove it."
            )
    given = dotenv_values(stream=io.StringIO(text), interpolate=False)
    lacked = {name: value for name, value in given.items() if value and not os.environ.get(name, "").strip()}
    secret = [name for name, variable in VARIABLES.items() if variable.is_secret and name in lacked]
    if secret and path.stat().st_mode & stat.S_IROTH:
        told = (
            f"{path.absolute()} holds {' and '.join(secret)}, and everyone on this machine can read it: chmod 600 it."
        )
        warnings.warn(told, stacklevel=2)
    folder = path.absolute().parent
    if folder != Path.cwd() and "CALLS_DATA_URL" in lacked:
        lacked["CALLS_DATA_URL"] = _seen_from_elsewhere(lacked["CALLS_DATA_URL"], folder)
    os.environ.update(lacked)
    return path


def _seen_from_elsewhere(data_url: str, folder: Path) -> str:
    return data_url if "://" in data_url or data_url.startswith("~") else str(folder / data_url)


def check_can_be_set(path: Path) -> None:
    """Raise a ValueError where a path is neither a file nor free for one."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file that settings can be written to: give another name.")
    check_folder(path)


def check_folder(path: Path) -> None:
    """Raise a ValueError where the folder of a file does not exist."""
    if not path.absolute().parent.is_dir():
        raise ValueError(
            f"{path} cannot be written, because the folder {path.absolute().parent} does not exist: create it first."
        )


def set_variables(path: Path, values: Mapping[str, str]) -> None:
    """Set variables in a file, which keeps its other lines, or is made.

    Raises:
        ValueError: the file cannot be read or written.
    """
    from dotenv import set_key

    try:
        for name, value in values.items():
            set_key(path.resolve(), name, value, quote_mode="never")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.absolute()} could not be written: {error}.") from None


def env_example() -> str:
    """The text of `.env.example`: every variable with its meaning and default."""
    lines = textwrap.wrap(
        "Every setting, with its default. Copy this file to .env in the folder that you work in, or let `calls-assets "
        "doctor --write-env` write one. The calls-assets commands and `calls_assets.read` find it in the current folder "
        "or above it, up to the root of the repository or the home folder; `dagster dev` and `dagster asset materialize` "
        "look only in the current folder. Variables that are set in the environment take precedence over .env, unless "
        "they are empty. Keep .env out of version control: it holds secrets.",
        **COMMENT,
    )
    for section in SECTIONS:
        lines += ["", f"# --- {section} ".ljust(125, "-")]
        for variable in (variable for variable in VARIABLES.values() if variable.section == section):
            lines += ["", *textwrap.wrap(_meaning(variable), **COMMENT), _example(variable)]
    return "\n".join(lines) + "\n"


def _meaning(variable: Variable) -> str:
    spelt = f" {variable.spelt.capitalize()}." if variable.spelt else ""
    return variable.description.replace(variable.about, variable.about + spelt, 1)


def _example(variable: Variable) -> str:
    """A variable's line: set to its default, or commented out where that cannot be written as a value."""
    default = next((getattr(Settings, name) for name, each in FIELDS.items() if each is variable), None)
    if variable.unset or default is None:
        return f"{'#' if variable.unset else ''}{variable.name}={variable.example}"
    return f"{variable.name}={int(default) if isinstance(default, bool) else default}"
