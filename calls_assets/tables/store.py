"""The Parquet tree: one file a table and local day, in a folder or an object store, replaced whole or not at all.

On disk a file is written beside its final name and renamed onto it; on an object store it is one PUT. The same rows give
the same bytes.
"""

import errno
import fcntl
import io
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

if TYPE_CHECKING:
    import pyarrow.dataset as ds

from calls_assets.api.crawl import ROWS_AT_ONCE
from calls_assets.tables.schema import Table

ROW_GROUP_ROWS = ROWS_AT_ONCE
"""A crawl gives its rows in such groups, so that a day's bytes do not tell how it came."""
READ_ONLY = ("http", "https")
DAY = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
FILE_MODE, FOLDER_MODE = 0o640, 0o750
"""Call records are personal data: their owner and group read them, nobody else."""


class MissingDay(LookupError):
    """A table has no file for a day."""


class NotRead(OSError):
    """A table's files could not be looked for or read."""


class NotWritten(OSError):
    """A table's file of a day could not be put in place; what was there before still is."""


@dataclass(frozen=True)
class Written:
    """A file that has been put in place: where, how many rows, how many bytes."""

    path: str
    rows: int
    size: int


class TableStore:
    """Reads and replaces single days of tables under a root: a folder, or a URL such as `s3://bucket/prefix`.

    Raises:
        ValueError: the root's kind of storage is unknown, or the package for it is not installed.
    """

    def __init__(self, root: str) -> None:
        try:
            options: dict[str, Any] = {"use_listings_cache": False} if root.startswith("s3://") else {}
            self._root = UPath(root, **options)
            self._root.fs  # noqa: B018  # makes the file system, so that a missing package shows here
            if self._is_local:
                self._root = self._root.expanduser()
            elif not root.partition("://")[2].strip("/"):
                raise ValueError("the bucket is missing")
            elif self._root.protocol in READ_ONLY:
                raise ValueError("nothing can be written there")
        except (ValueError, ImportError) as error:
            raise ValueError(
                f"CALLS_DATA_URL is a folder or a URL such as s3://bucket/prefix, but {root!r} was given ({error})."
            ) from error

    @property
    def root(self) -> str:
        """The root as it was given."""
        return str(self._root)

    @property
    def _is_local(self) -> bool:
        return self._root.protocol in ("", "file", "local")

    def path(self, table: Table, day: date) -> UPath:
        """Where a table's file of a day lies."""
        path: UPath = self._root / table.name / f"date={day}" / f"{table.name}.parquet"
        return path

    def files(self, table: Table, days: Iterable[date], known: bool = False) -> "list[str] | ds.Dataset":
        """A table's files of the days, to be queried: local paths, or a dataset on an object store.

        `known` says that the days were just listed, which saves looking for each.

        Raises:
            MissingDay: some are not there; names the table and the days.
            NotRead: the storage refused.
        """
        places = [
            path.path for path in ([self.path(table, day) for day in days] if known else self._paths(table, days))
        ]
        if self._is_local:
            return places
        import pyarrow.dataset as ds  # it imports pandas

        return ds.dataset(places, schema=table.arrow_schema, format="parquet", filesystem=self._root.fs)

    def days(self, table: Table) -> list[date]:
        """The days that a table has a file for, in order, as one listing tells.

        Raises:
            NotRead: the storage refused.
        """
        return self.days_with(table.name, f"{table.name}.parquet")

    def days_with(self, folder: str, file: str) -> list[date]:
        """The days under a folder of the tree that have a file of that name, in order.

        Raises:
            NotRead: the storage refused.
        """
        with self._reading(folder):
            found = self._root.fs.glob((self._root / folder / "date=*" / file).path)
        named = (path.split("/")[-2].removeprefix("date=") for path in found)
        return sorted(date.fromisoformat(name) for name in named if DAY.fullmatch(name))

    def _paths(self, table: Table, days: Iterable[date]) -> list[UPath]:
        with self._reading(table.name):
            found = {day: path for day in days if (path := self.path(table, day)).exists()}
        missing = [str(day) for day in days if day not in found]
        if missing:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise MissingDay(
                f"{table.name} has no file for {shown} in {self.root}: materialize it for these days first."
            )
        return list(found.values())

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # an object store's client has errors of its own
            why = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise NotRead(
                f"{what} could not be read from {self.root}: {why}; check CALLS_DATA_URL and the credentials."
            ) from error

    def count(self, table: Table, day: date) -> int:
        """How many rows a table has on a day; 0 where there is no file.

        Raises:
            NotRead: the storage refused.
        """
        path = self.path(table, day)
        with self._reading(table.name):
            if not path.exists():
                return 0
            with path.open("rb") as file:
                rows: int = pq.read_metadata(file).num_rows
                return rows

    def placed_at(self, table: Table, day: date) -> float | None:
        """When a table's file of a day was put in place, in epoch seconds; None where there is none.

        Raises:
            NotRead: the storage refused.
        """
        path = self.path(table, day)
        with self._reading(table.name):
            placed: float | None = path.fs.modified(path.path).timestamp() if path.exists() else None
            return placed

    def placed(self, folder: str, file: str) -> dict[date, float]:
        """When each day's file of that name under a folder of the tree was put in place, in epoch seconds.

        Raises:
            NotRead: the storage refused.
        """
        with self._reading(folder):
            found = self._root.fs.glob((self._root / folder / "date=*" / file).path, detail=True)
            named = {path.split("/")[-2].removeprefix("date="): self._modified_s(path, found[path]) for path in found}
        return {date.fromisoformat(name): at_s for name, at_s in named.items() if DAY.fullmatch(name)}

    def _modified_s(self, path: str, listed: dict[str, Any]) -> float:
        """When a file was put in place, as its listing tells, which only some kinds of storage do in the same way."""
        if self._is_local:
            return float(listed["mtime"])
        told = listed.get("LastModified") or self._root.fs.modified(path)
        return float(told.timestamp())

    def read(self, table: Table, days: Iterable[date], columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of the days, in the order of the days.

        Raises:
            MissingDay: a day has no file.
            NotRead: the storage refused.
        """
        schema = (
            table.arrow_schema if columns is None else pa.schema([table.arrow_schema.field(name) for name in columns])
        )
        paths = self._paths(table, days)
        with self._reading(table.name):
            parts = [pq.read_table(io.BytesIO(file.read_bytes()), columns=columns, schema=schema) for file in paths]
        return pa.concat_tables(parts) if parts else pa.Table.from_batches([], schema)

    def write(self, table: Table, day: date, rows: pa.Table | Iterable[pa.Table]) -> Written:
        """Replace a table's file of a day by `rows`, which come in the table's order, as one table or in row groups.

        Raises:
            NotWritten: the storage refused; names the table, the day and why.
        """
        groups = row_groups(rows) if isinstance(rows, pa.Table) else rows
        count, content = to_parquet(table, groups)
        path = self.path(table, day)
        self._put(path, content, f"{table.name} of {day}")
        return Written(str(path), count, len(content))

    def get(self, name: str) -> bytes | None:
        """What a file that is no table's holds; None where there is none.

        Args:
            name: Its path under the root.

        Raises:
            NotRead: the storage refused.
        """
        with self._reading(name):
            try:
                content: bytes = (self._root / name).read_bytes()
            except FileNotFoundError:
                return None
            return content

    def put(self, name: str, content: bytes) -> str:
        """Replace a file that is no table's, such as a page; says where it lies.

        Args:
            name: Its path under the root.
            content: What it holds.

        Raises:
            NotWritten: the storage refused; names the file and why.
        """
        path: UPath = self._root / name
        self._put(path, memoryview(content), name)
        return str(path)

    def _put(self, path: UPath, content: memoryview, what: str) -> None:
        try:
            if self._is_local:
                _replace_file(Path(path.path), content)
            else:
                path.write_bytes(bytes(content))
        except Exception as error:  # an object store's client has errors of its own
            why = getattr(error, "strerror", None) or error
            raise NotWritten(f"{what} could not be written to {path}: {why}.") from error

    @contextmanager
    def alone(self, waiting: Callable[[], None], create: bool) -> Iterator[None]:
        """Keep every other process out of a block of this kind under the same folder; an object store knows no locks.

        Args:
            waiting: Called where another process is in its block, before the wait for it.
            create: Whether to make the folder where there is none; otherwise there is nothing to lock.
        """
        handle = self._open_root(create) if self._is_local else None
        try:
            if handle is not None:
                _lock(handle, waiting)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _open_root(self, create: bool) -> int | None:
        root = Path(self._root.path)
        try:
            if create:
                _make_folder(root)
            return os.open(root, os.O_RDONLY)
        except OSError:
            return None  # the write will say it, with the day


def row_groups(rows: pa.Table) -> Iterator[pa.Table]:
    """A table in the pieces in which it is written."""
    for first in range(0, rows.num_rows, ROW_GROUP_ROWS):
        yield rows.slice(first, ROW_GROUP_ROWS)


def to_parquet(table: Table, groups: Iterable[pa.Table]) -> tuple[int, memoryview]:
    """How many rows a Parquet file of these row groups has, and its bytes; the same rows give the same bytes."""
    sink, rows = pa.BufferOutputStream(), 0
    dictionary, others = table.encodings
    with pq.ParquetWriter(
        sink,
        table.arrow_schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=dictionary,
        column_encoding=others,
    ) as writer:
        for group in groups:
            writer.write_table(table.conform(group).combine_chunks(), row_group_size=ROW_GROUP_ROWS)
            rows += group.num_rows
            del group  # so that it is not in memory while the next is made
    return rows, memoryview(sink.getvalue())


def _lock(handle: int, waiting: Callable[[], None]) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system that cannot lock folders


def _make_folder(folder: Path) -> None:
    """Make a folder, and what it lies in: not for all, as `mkdir(parents=True)` would, and to stay through a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=FOLDER_MODE)
        _settle(folder.parent)


def _settle(folder: Path) -> None:
    """Have the names in a folder outlive a power cut, where the file system can promise that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)


def _replace_file(final: Path, content: memoryview) -> None:
    _make_folder(final.parent)
    _remove_stale(final)
    is_done = False
    while not is_done:
        temporary = final.with_name(f".{final.name}.{secrets.token_hex(8)}.tmp")
        try:
            is_done = _write_and_rename(temporary, final, content)
        except BaseException:  # a run may be terminated at any line
            temporary.unlink(missing_ok=True)
            raise


def _write_and_rename(temporary: Path, final: Path, content: memoryview) -> bool:
    """Write a file beside `final`, locked, which tells a writer at work from one that died, and rename it onto that.

    Says whether that went well: before the file is locked, another writer could take it for a dead one's and remove it.
    """
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not os.fstat(handle).st_nlink:
            return False
        left = content
        while left:  # no buffer, which an interruption could leave to a closed handle
            left = left[os.write(handle, left) :]
        os.fsync(handle)
        temporary.replace(final)
        _settle(final.parent)
        return True
    finally:
        os.close(handle)


def _remove_stale(final: Path) -> None:
    """Remove what writers of `final` that died have left; what a living one is writing stays."""
    for temporary in final.parent.glob(f".{final.name}.*.tmp"):
        try:
            handle = os.open(temporary, os.O_WRONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
