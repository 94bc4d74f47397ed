"""Connections of DuckDB: where they put what memory does not hold, and how they are closed to all but their tables."""

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

import duckdb
from fsspec import AbstractFileSystem

SCHEME = "0://"
"""No letters: DuckDB allows a path in whatever case, and opens on the disk what is not in ours."""

PREFIX = "calls_assets-spilt-"
"""How the names of the folders begin that queries spill into."""

YOUNG_S = 60
"""So long after a folder was made or written to it is left alone."""

SEALS = (
    f"SET allowed_directories = ['{SCHEME}']",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
"""What a query over the tables has no need of; the last one keeps it so."""


def opened() -> duckdb.DuckDBPyConnection:
    """A connection whose queries spill into a folder that their owner alone can read, and that is gone with it."""
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX)
    except OSError:  # nowhere to spill to; what memory holds is computed all the same
        return duckdb.connect(config={"temp_directory": ""})
    lock = None
    try:
        with suppress(OSError):  # a file system that cannot lock folders
            lock = _locked(folder)
        _remove_stale(Path(folder).parent)
        connection = duckdb.connect(config={"temp_directory": folder})
    except BaseException:  # a run may be stopped at any line
        _remove(folder, lock)
        raise
    weakref.finalize(connection, _remove, folder, lock)
    return connection


def _locked(folder: str) -> int:
    """A handle by which a folder is locked, until its process ends.

    Raises:
        OSError: another process has it locked, or it is not ours.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _remove(folder: str, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _remove_stale(place: Path) -> None:
    """Remove what killed processes have left; the folder of a living one is locked, or so young that it is about to be."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime > YOUNG_S:
                _remove(str(folder), _locked(str(folder)))


class ReadOnly(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Some files of this machine, under `SCHEME`, to be read and nothing else.

    Files that DuckDB itself may read while all others are forbidden, it may write as well.
    """

    protocol = SCHEME.partition(":")[0]
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, Path] = {}

    def add(self, places: Iterable[str]) -> list[str]:
        """Let files be read; gives the names to read them by."""
        # DuckDB forbids a name with .. in it, wherever that leads, and pathlib takes none out.
        named = {os.path.abspath(place): Path(place).absolute() for place in places}  # noqa: PTH100
        self._places.update(named)
        return [SCHEME + name for name in named]

    def open(self, path: str, mode: str = "rb", **_: Any) -> FileIO:
        """A file that may be read, for reading."""
        if mode != "rb":
            raise PermissionError("the files of the tables are read, and never written")
        return _File(self._place(path))

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file of exactly this name, whatever signs are in it."""
        return [path] if self.exists(path) else []

    def exists(self, path: str, **_: Any) -> bool:
        """Whether it is one of the files."""
        return path.removeprefix(SCHEME) in self._places

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """What DuckDB asks of a file."""
        return {"name": path, "size": self._place(path).stat().st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """When it was put in place."""
        return datetime.fromtimestamp(self._place(path).stat().st_mtime, UTC)

    def _place(self, path: str) -> Path:
        if not self.exists(path):
            raise FileNotFoundError(f"{path} is no file of a table")
        return self._places[path.removeprefix(SCHEME)]


class _File(FileIO):
    """A file that is closed with its last user, as DuckDB leaves it to be."""

    def __del__(self) -> None:
        self.close()


def seal(connection: duckdb.DuckDBPyConnection) -> None:
    """Have a connection read the files of `ReadOnly` and what is registered, write nothing, and stay so."""
    for setting in SEALS:
        connection.execute(setting)
