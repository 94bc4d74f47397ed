"""The Parquet tree: one file a table and local day, in a folder or an object store, replaced as a whole or not at all.

On disk a file is written under a temporary name and renamed onto its own; on an object store it is one PUT. The same rows
give the same bytes.
"""

import errno
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.lib import ArrowException
from upath import UPath

if TYPE_CHECKING:
    import pyarrow.dataset as ds

from calls_assets.arrow import ROW_GROUP_ROWS
from calls_assets.display import shown
from calls_assets.tables.disk import lock, make_folder, replace_file
from calls_assets.tables.footer import is_current, open_file, sound_footer
from calls_assets.tables.places import LOCAL, check_kind, check_no_password, day_of, placed_on_disk, placed_s_of
from calls_assets.tables.schema import Table

GLOB = re.compile(r"[*?\[]")
"""Characters in a file's name that DuckDB would read as a pattern."""
BROKEN_FOLDER = "_broken"
"""Where broken files with irreplaceable content are moved; readers of the tree ignore names with an underscore."""
LOOKS_AT_ONCE = 32
"""How many files of an object store are checked at the same time."""
MOST_BYTES = 2**20
"""The most that is read of a file that is not a table's."""
TOO_LITTLE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors that say the system ran out of something, which tells nothing about the file."""


class MissingDay(LookupError):
    """A table has no file for a day."""


class NotRead(OSError):
    """A table's files could not be listed or read."""


class BrokenFile(NotRead):
    """A table's file of a day is not a valid file of the table; materializing the day again replaces it."""


class NotWritten(OSError):
    """A table's file of a day could not be written; what was there before is unchanged."""


@dataclass(frozen=True)
class Written:
    """A file that was written: its path, rows and bytes."""

    path: str
    rows: int
    size: int


@dataclass(frozen=True)
class Files:
    """A table's files of some days, to be queried with DuckDB: local paths, or a dataset.

    `are_current` says whether all of them have all of the table's columns. `broken` are the days whose file is not valid,
    each with a sentence; their files are not among the places.
    """

    table: Table
    places: "list[str] | ds.Dataset | pa.Table"
    are_current: bool
    broken: Mapping[date, str]


class TableStore:
    """Reads and replaces single days of tables under a root: a folder, or a URL such as `s3://bucket/prefix`.

    Raises:
        ValueError: the root's kind of storage is unknown, or its package is not installed.
    """

    def __init__(self, root: str) -> None:
        check_no_password(root)
        try:
            options: dict[str, Any] = {"use_listings_cache": False} if root.startswith("s3://") else {}
            self._root = UPath(root, **options)
            check_kind(root, self._root.protocol)
            self._root.fs  # noqa: B018  # creates the file system, so that a missing package shows here
            if self._is_local:
                self._root = self._root.expanduser()
        except (ValueError, RuntimeError, ImportError) as error:
            raise ValueError(
                f"CALLS_DATA_URL is a folder or a URL such as s3://bucket/prefix, but {root!r} was given ({error})."
            ) from error

    @property
    def root(self) -> str:
        """The root as it was given."""
        return str(self._root)

    @property
    def folder(self) -> Path | None:
        """The root as a folder of this machine; None on an object store."""
        return Path(self._root.path) if self._is_local else None

    @property
    def _is_local(self) -> bool:
        return self._root.protocol in LOCAL

    def path(self, table: Table, day: date) -> UPath:
        """The path of a table's file of a day."""
        path: UPath = self._root / table.name / f"date={day}" / f"{table.name}.parquet"
        return path

    def files(self, table: Table, days: Iterable[date]) -> "Files":
        """A table's files of the days, to be queried.

        Raises:
            MissingDay: some are missing; names the table and the days.
            BrokenFile: some are not valid; names the first one.
            NotRead: the storage refused.
        """
        found = self.look(table, days)
        if found.broken:
            more = f" (and {len(found.broken) - 1} more like it)" if len(found.broken) > 1 else ""
            raise BrokenFile(f"{next(iter(found.broken.values()))}{more}")
        return found

    def look(self, table: Table, days: Iterable[date], through: bool = False) -> "Files":
        """A table's files of the days, to be queried; those that are not valid are kept apart.

        Args:
            table: The table.
            days: The days.
            through: Whether to read all pages too, which takes long.

        Raises:
            MissingDay: some are missing; names the table and the days.
            NotRead: the storage refused.
        """
        days = list(days)
        looks = dict(zip(days, self._looks(table, days), strict=True))
        footers = {day: look for day, look in looks.items() if isinstance(look, pq.FileMetaData)}
        broken = {day: str(look) for day, look in looks.items() if isinstance(look, BrokenFile)}
        if through:
            broken |= self.read_through([table], list(footers))
        missing = [str(day) for day in looks if day not in footers and day not in broken]
        if missing:
            shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise MissingDay(
                f"{table.name} has no file for {shown} in {self.root}: materialize it for these days first."
            )
        places = [self.path(table, day).path for day in footers if day not in broken]
        are_current = all(is_current(table, footer) for footer in footers.values())
        if self._is_local and not GLOB.search(self._root.path):
            return Files(table, places, are_current, broken)
        import pyarrow.dataset as ds  # it imports pandas

        held = ds.dataset(places, schema=table.arrow_schema, format="parquet", filesystem=self._root.fs)
        return Files(table, held if places else table.empty(), True, broken)

    def _looks(self, table: Table, days: list[date]) -> "list[pq.FileMetaData | BrokenFile | MissingDay]":
        """The footers of the days' files, or why there is none; in parallel on an object store, which is slow."""

        def look(day: date) -> pq.FileMetaData | BrokenFile | MissingDay:
            try:
                return self._footer(table, day)
            except (BrokenFile, MissingDay) as error:
                return error

        if self._is_local:
            return [look(day) for day in days]
        with ThreadPoolExecutor(LOOKS_AT_ONCE) as pool:
            return list(pool.map(look, days))

    def _footer(self, table: Table, day: date) -> pq.FileMetaData:
        """The footer of a table's file of a day.

        Raises:
            MissingDay: there is no file.
            BrokenFile: it is not valid.
            NotRead: the storage refused.
        """
        with self._opened(table, day) as file:
            return sound_footer(table, day, file)

    @contextmanager
    def _opened(self, table: Table, day: date) -> Iterator[pa.NativeFile]:
        """Open a table's file of a day; its errors, and ValueErrors in the block, become sentences that say what to do."""
        path = self.path(table, day)
        with self._reading(table.name):
            try:
                with open_file(Path(path.path)) if self._is_local else path.open("rb") as file:
                    yield file
            except FileNotFoundError:
                raise MissingDay(f"{table.name} has no file for {day} in {self.root}: materialize it first.") from None
            except MemoryError:
                raise NotRead(f"{path} takes more memory to read than there is.") from None
            except OSError as error:
                if error.errno and (error.errno in TOO_LITTLE or not self._is_local):
                    raise
                why = os.strerror(error.errno) if error.errno else str(error)
                raise BrokenFile(_invalid(table, day, path, why)) from None
            except (ValueError, ArrowException) as error:
                raise BrokenFile(_invalid(table, day, path, str(error))) from None

    def days(self, table: Table) -> list[date]:
        """The days for which a table has a file, in order, from one listing.

        Raises:
            NotRead: the storage refused.
        """
        return self.days_with(table.name, f"{table.name}.parquet")

    def days_with(self, folder: str, file: str) -> list[date]:
        """The days for which a folder of the tree has a file of that name, in order.

        Raises:
            NotRead: the storage refused.
        """
        return sorted(self.placed(folder, file))

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        try:
            yield
        except (MissingDay, NotRead):
            raise
        except Exception as error:  # an object store's client has its own errors
            why = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise NotRead(
                f"{what} could not be read from {self.root}: {why}; check CALLS_DATA_URL and the credentials."
            ) from error

    def count(self, table: Table, day: date) -> int:
        """The number of rows of a table on a day; 0 where there is no file.

        Raises:
            BrokenFile: the file is not valid.
            NotRead: the storage refused.
        """
        try:
            rows: int = self._footer(table, day).num_rows
        except MissingDay:
            return 0
        return rows

    def placed_at(self, table: Table, day: date) -> float | None:
        """When a table's file of a day was written, in epoch seconds; None where there is none.

        Raises:
            NotRead: the storage refused.
        """
        path = self.path(table, day)
        with self._reading(table.name):
            if self._is_local:
                return placed_s_of(Path(path.path))
            placed: float | None = path.fs.modified(path.path).timestamp() if path.exists() else None
            return placed

    def placed(self, folder: str, file: str) -> dict[date, float]:
        """When each day's file of that name in a folder of the tree was written, in epoch seconds.

        Raises:
            NotRead: the storage refused.
        """
        with self._reading(folder):
            if self._is_local:
                return dict(placed_on_disk(Path(self._root.path) / folder, file))
            found = self._root.fs.find((self._root / folder).path, detail=True)
            days = {path: day_of(path.split("/")[-2]) for path in found if path.endswith(f"/{file}")}
            return {day: self._modified_s(path, found[path]) for path, day in days.items() if day}

    def names(self, folder: str) -> set[str]:
        """The names of what lies in a folder of the tree; none where there is no folder.

        Raises:
            NotRead: the storage refused.
        """
        path: UPath = self._root / folder
        with self._reading(folder):
            try:
                return {found.rstrip("/").rpartition("/")[2] for found in path.fs.ls(path.path, detail=False)}
            except FileNotFoundError:
                return set()

    def _modified_s(self, path: str, listed: dict[str, Any]) -> float:
        """When an object was written, from its listing where that says so: kinds of storage differ."""
        told = listed.get("LastModified") or self._root.fs.modified(path)
        return float(told.timestamp())

    def read(self, table: Table, days: Iterable[date], columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of the days, in the order of the days.

        Raises:
            MissingDay: a day has no file.
            BrokenFile: a day's file is not valid, or its pages are broken.
            NotRead: the storage refused.
        """
        schema = (
            table.arrow_schema if columns is None else pa.schema([table.arrow_schema.field(name) for name in columns])
        )
        parts = [self._rows(table, day, schema) for day in days]
        return pa.concat_tables(parts) if parts else pa.Table.from_batches([], schema)

    def _rows(self, table: Table, day: date, schema: pa.Schema) -> pa.Table:
        with self._opened(table, day) as file:
            content = pa.py_buffer(file.read())
            footer = sound_footer(table, day, pa.BufferReader(content))
            rows = pq.read_table(pa.BufferReader(content), columns=schema.names, schema=schema)
            if rows.num_rows != footer.num_rows:
                raise ValueError("its pages do not hold the rows that its footer counts")
            return rows

    def read_through(self, tables: Iterable[Table], days: Sequence[date]) -> dict[date, str]:
        """The days on which a table's file is broken, even if only in its pages, which are all read; each with a sentence.

        This finds the file that made a query fail.
        """
        broken: dict[date, str] = {}
        for table in tables:
            for day in days:
                try:
                    self.read(table, [day])
                    self._query(table, day)
                except BrokenFile as error:
                    broken.setdefault(day, str(error))
                except MissingDay:
                    continue
        return broken

    def _query(self, table: Table, day: date) -> None:
        """Read every page of a file with DuckDB, which finds errors that Arrow ignores; raises a BrokenFile."""
        import duckdb

        path = self.path(table, day)
        if self._is_local and not GLOB.search(path.path):
            try:
                with duckdb.connect() as connection:
                    for _ in connection.read_parquet(path.path).to_arrow_reader():
                        pass
            except duckdb.OperationalError:  # out of memory, or of open files
                return
            except duckdb.Error as error:
                raise BrokenFile(_invalid(table, day, path, str(error))) from None

    def write(self, table: Table, day: date, rows: pa.Table | Iterable[pa.Table]) -> Written:
        """Replace a table's file of a day by `rows`, in the table's order, given as one table or in row groups.

        Raises:
            NotWritten: the storage refused; names the table, the day and why.
        """
        groups = row_groups(rows) if isinstance(rows, pa.Table) else rows
        count, content = to_parquet(table, groups)
        path = self.path(table, day)
        self._put(path, content, f"{table.name} of {day}")
        return Written(str(path), count, len(content))

    def set_aside(self, table: Table, day: date) -> str:
        """Move a table's file of a day to `_broken/` in the tree, which readers ignore; returns the new path.

        Raises:
            NotWritten: the storage refused.
        """
        path = self.path(table, day)
        aside: UPath = self._root / BROKEN_FOLDER / f"{table.name}_{day}_{secrets.token_hex(4)}.parquet"
        try:
            if self._is_local:
                make_folder(Path(aside.path).parent)
                Path(path.path).rename(aside.path)
            else:
                self._root.fs.mv(path.path, aside.path)
        except Exception as error:  # an object store's client has its own errors
            raise NotWritten(
                f"{path} could not be moved to {aside}: {getattr(error, 'strerror', None) or error}."
            ) from error
        return str(aside)

    def get(self, name: str, most_bytes: int = MOST_BYTES) -> bytes | None:
        """The content of a file that is not a table's, or its beginning; None where there is no file.

        Args:
            name: Its path under the root.
            most_bytes: The most that is read.

        Raises:
            NotRead: the storage refused.
        """
        path: UPath = self._root / name
        with self._reading(name):
            try:
                with open_file(Path(path.path)) if self._is_local else path.open("rb") as file:
                    content: bytes = file.read(most_bytes)
            except FileNotFoundError:
                return None
            except ValueError as error:
                raise NotRead(f"{path} cannot be read, because {error}: move it away.") from None
            return content

    def is_linked(self, name: str) -> bool:
        """Whether a symbolic link under the root stands in for a file or one of its folders."""
        if not self._is_local:
            return False
        root = Path(self._root.path)
        return (root / name).resolve() != root.resolve() / name

    def put(self, name: str, content: bytes) -> str:
        """Replace a file that is not a table's, such as a page; returns its path.

        Args:
            name: Its path under the root.
            content: Its new content.

        Raises:
            NotWritten: the storage refused; names the file and why.
        """
        path: UPath = self._root / name
        self._put(path, memoryview(content), name)
        return str(path)

    def _put(self, path: UPath, content: memoryview, what: str) -> None:
        try:
            if self._is_local:
                replace_file(Path(path.path), content)
            else:
                path.write_bytes(bytes(content))
        except Exception as error:  # an object store's client has its own errors
            why = getattr(error, "strerror", None) or error
            raise NotWritten(f"{what} could not be written to {path}: {why}.") from error

    @contextmanager
    def alone(self, waiting: Callable[[], None], create: bool) -> Iterator[None]:
        """A block that only one process at a time runs for the same folder; an object store has no locks.

        Args:
            waiting: Called before the wait, where another process is in its block.
            create: Whether to create a missing folder; otherwise there is nothing to lock.
        """
        handle = self._open_root(create) if self._is_local else None
        try:
            if handle is not None:
                lock(handle, waiting)
            yield
        finally:
            if handle is not None:
                os.close(handle)

    def _open_root(self, create: bool) -> int | None:
        root = Path(self._root.path)
        try:
            if create:
                make_folder(root)
            return os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None  # the write will report it, with the day


def _invalid(table: Table, day: date, path: UPath, why: str) -> str:
    told = shown(why).rstrip(".")
    return f"{path} is not a file of {table.name} of {day} ({told}): materialize {table.name} of {day} again."


def row_groups(rows: pa.Table) -> Iterator[pa.Table]:
    """Split a table into the row groups in which it is written."""
    for first in range(0, rows.num_rows, ROW_GROUP_ROWS):
        yield rows.slice(first, ROW_GROUP_ROWS)


def to_parquet(table: Table, groups: Iterable[pa.Table]) -> tuple[int, memoryview]:
    """The number of rows and the bytes of a Parquet file of these row groups; the same rows give the same bytes."""
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
            del group  # so that it is not in memory while the next one is made
    return rows, memoryview(sink.getvalue())
