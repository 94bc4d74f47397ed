"""The folder in which Dagster keeps its records: made for its owner alone, and seen to be of use before Dagster opens it."""

import fcntl
import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import dagster as dg

from calls_assets.display import shown

DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")
"""What Dagster opens whenever it starts, where its records are on this disk."""

PROBE = bytes(64 * 1024)
"""On a full disk a file can be created, but nothing written to it."""

LEAST_OPEN = 0o027
"""The permission bits that no file of a run has: others may not read what Dagster writes, nor the tree."""

MOST_TOLD = 200


def given(path: str) -> Path:
    """The folder that DAGSTER_HOME names.

    Raises:
        ValueError: it cannot be used; says why, and what to do.
    """
    try:
        if not Path(path).is_absolute():
            raise OSError("it is not absolute")
        _write_to(Path(path))
    except OSError as error:
        raise ValueError(
            f"DAGSTER_HOME is the absolute path of a folder that you may write to, but {path} was given "
            f"({error.strerror or error}): make the folder, or leave DAGSTER_HOME out."
        ) from None
    _close_to_others()
    _check_records(Path(path))
    return Path(path)


def made(home: Path) -> Path:
    """The absolute path of our own home for Dagster, created with our dagster.yaml where there is none yet.

    Raises:
        ValueError: it cannot be made, written to or used; says why, and what to do.
    """
    _close_to_others()
    config = home / "dagster.yaml"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_to(home)
        if stat.S_IMODE(home.stat().st_mode) & 0o077:  # created by an earlier version
            home.chmod(0o700)
        if not config.exists():
            shipped = files("calls_assets").joinpath("dagster.yaml").read_text(encoding="utf-8")
            config.write_text(shipped, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            f"{home} cannot be made here or written to ({error.strerror}), and Dagster keeps its records there: start it in "
            "a folder that you may write to."
        ) from None
    _check_records(home)
    return home.absolute()


@contextmanager
def opened(home: Path) -> Iterator["dg.DagsterInstance"]:
    """Dagster's instance in a home. Two processes that create its tables at once would break them, so one waits.

    Raises:
        ValueError: Dagster cannot read or write its records, now or within the block; says what to do.
    """
    import dagster as dg
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _alone_in(home):
            instance = dg.DagsterInstance.from_config(str(home))
            instance.all_instigator_state()
            instance.get_runs(limit=1)
            instance.get_materialized_partitions(dg.AssetKey("any"))
    except Exception as error:  # YAML, Dagster, alembic and SQLite have errors of their own
        raise ValueError(_of_no_use(home, error)) from error
    try:
        with instance:
            yield instance
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise ValueError(_of_no_use(home, error)) from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that cannot lock folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _close_to_others() -> None:
    os.umask(os.umask(0o077) | LEAST_OPEN)


def _write_to(folder: Path) -> None:
    """Write a temporary file; an OSError says why that is not possible."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(PROBE)


def _check_records(home: Path) -> None:
    """Raise a ValueError where a file that Dagster opens in its home cannot be used."""
    config = home / "dagster.yaml"
    if config.exists() and not config.is_file():  # on a pipe, Dagster would wait for a writer
        raise ValueError(f"{config} is not a regular file, and Dagster reads its settings there: move it away.")
    for name in DATABASES:
        path = home / name
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise sqlite3.Error("it is not a regular file")
            _write_nothing(path)
        except FileNotFoundError:
            continue
        except (OSError, sqlite3.Error) as error:
            raise ValueError(
                f"{path} is not a database that Dagster can use ({getattr(error, 'strerror', None) or error}): move it "
                "away, and Dagster begins a new one; the Parquet files do not need it."
            ) from None


def _write_nothing(path: Path, wait_s: float = 5.0) -> None:
    """Begin a transaction on a database and roll it back; one that another process is writing to is intact."""
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None, timeout=wait_s
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
    finally:
        connection.close()


def _of_no_use(home: Path, error: BaseException) -> str:
    told = shown(str(getattr(error, "orig", None) or error), MOST_TOLD).rstrip(".")
    return (
        f"Dagster cannot use what is in {home} ({told}): check that the disk has room, and that dagster.yaml and the "
        "databases in it are intact, or move it away to start afresh; the Parquet files do not need it."
    )
