"""DuckDB connections: where they spill what does not fit in memory, and how they are restricted to their tables."""

import fcntl
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import FileIO
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
from fsspec import AbstractFileSystem

SCHEME = "0://"
"""A scheme without letters: DuckDB accepts a scheme in any case, but would open one in another case on the disk."""

PREFIX = "calls_assets-spilt-"
"""The prefix of the folders that queries spill into."""

SHARED_CATALOG = "memory"
"""DuckDB's name of a database that is in memory."""

YOUNG_S = 60
"""A folder younger than this is not removed: its process may be about to lock it."""

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
"""Settings that turn off what a query over the tables does not need; the last one locks them."""


def opened() -> duckdb.DuckDBPyConnection:
    """A connection whose queries spill into a folder that only its owner can read and that is removed with it."""
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX)
    except OSError:  # nowhere to spill to: only queries that fit in memory work
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
    weakref.finalize(connection, _remove_own, folder, lock, os.getpid())
    return connection


@contextmanager
def shared(macros: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the process's one database, with an empty catalog of its own that goes with the block.

    For our own queries, which follow each other by the dozen: to open a database and create the macros takes 25 ms, a
    catalog one. Settings are for all of the process, but for those of a connection, such as its zone.

    Args:
        macros: The SQL that creates what all of the process's queries share.
    """
    database = _database(macros)
    name = f"own_{next(_numbers)}"
    connection = database.cursor()
    try:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"SET search_path = '{name}.main,{SHARED_CATALOG}.main'")
        yield connection
    finally:
        connection.close()
        with database.cursor() as other:
            other.execute(f"DETACH DATABASE IF EXISTS {name}")


@dataclass(frozen=True)
class _Opened:
    """A database, and the folder it spills into with that one's number."""

    database: duckdb.DuckDBPyConnection
    folder: Path
    number: int

    @property
    def can_spill(self) -> bool:
        """Whether the folder is still there."""
        try:
            return self.folder.stat().st_ino == self.number
        except OSError:
            return False


_numbers = count(1)
_opening = threading.Lock()
_open: dict[tuple[str, int], _Opened] = {}
"""By macros and process: a forked one has none of its parent's threads, without which that database cannot even close."""


def _database(macros: str) -> duckdb.DuckDBPyConnection:
    """The database of this process; one that could not spill is opened anew for each block."""
    key = (macros, os.getpid())
    with _opening:
        if key in _open and _open[key].can_spill:
            return _open[key].database
        database = opened()
        database.execute(macros)
        ((folder,),) = database.execute("SELECT current_setting('temp_directory')").fetchall()
        if folder:
            _open[key] = _Opened(database, Path(folder), Path(folder).stat().st_ino)
        return database


def _locked(folder: str) -> int:
    """Lock a folder until the process ends; returns the handle.

    Raises:
        OSError: another process has locked it, or another user owns it.
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


def _remove_own(folder: str, lock: int | None, process: int) -> None:
    """Remove a folder at the end of the process that made it, not of one forked from it."""
    if process == os.getpid():
        _remove(folder, lock)


def _remove(folder: str, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _remove_stale(place: Path) -> None:
    """Remove the folders of killed processes; that of a live one is locked, or too young to be locked yet."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime > YOUNG_S:
                _remove(str(folder), _locked(str(folder)))


class ReadOnly(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A file system of some files of this machine, under `SCHEME`, that can only be read.

    DuckDB's own `allowed_paths` would not do: it permits writing too.
    """

    protocol = SCHEME.partition(":")[0]
    cachable = False

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, Path] = {}

    def add(self, places: Iterable[str]) -> list[str]:
        """Permit files to be read; returns the names by which DuckDB reads them."""
        # DuckDB forbids names with `..` wherever they lead, and pathlib does not remove it.
        named = {os.path.abspath(place): Path(place).absolute() for place in places}  # noqa: PTH100
        self._places.update(named)
        return [SCHEME + name for name in named]

    def open(self, path: str, mode: str = "rb", **_: Any) -> FileIO:
        """Open a permitted file for reading."""
        if mode != "rb":
            raise PermissionError("the files of the tables can only be read")
        return _File(self._place(path))

    def glob(self, path: str, **_: Any) -> list[str]:
        """The file of exactly this name, whatever characters are in it."""
        return [path] if self.exists(path) else []

    def exists(self, path: str, **_: Any) -> bool:
        """Whether the file is permitted."""
        return path.removeprefix(SCHEME) in self._places

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """What DuckDB needs to know of a file."""
        return {"name": path, "size": self._place(path).stat().st_size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """When the file was written."""
        return datetime.fromtimestamp(self._place(path).stat().st_mtime, UTC)

    def _place(self, path: str) -> Path:
        if not self.exists(path):
            raise FileNotFoundError(f"{path} is not a file of a table")
        return self._places[path.removeprefix(SCHEME)]


class _File(FileIO):
    """A file that closes when its last user is gone, because DuckDB does not close it.

    Each thread has a position of its own: DuckDB's threads share a file, and seek and read in two steps.
    """

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self._mine = threading.local()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move this thread's position; returns it."""
        from_ = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: os.fstat(self.fileno()).st_size}
        self._mine.position = from_[whence] + offset
        return self.tell()

    def tell(self) -> int:
        """This thread's position."""
        return int(getattr(self._mine, "position", 0))

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes from this thread's position on, or all of them."""
        left = os.fstat(self.fileno()).st_size - self.tell()
        found = os.pread(self.fileno(), left if size is None or size < 0 else size, self.tell())
        self._mine.position = self.tell() + len(found)
        return found

    def __del__(self) -> None:
        self.close()


def seal(connection: duckdb.DuckDBPyConnection) -> None:
    """Restrict a connection, for good, to reading the files of `ReadOnly` and what is registered with it."""
    for setting in SEALS:
        connection.execute(setting)
