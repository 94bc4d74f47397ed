import errno
import os
import re
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3fs import S3FileSystem
from upath import UPath

from calls_assets.metrics.run import connect
from calls_assets.tables.catalog import RAW_CALL_TYPES, TABLES
from calls_assets.tables.store import (
    ROW_GROUP_ROWS,
    BrokenFile,
    MissingDay,
    NotRead,
    NotWritten,
    TableStore,
    row_groups,
)

DAY = date(2026, 11, 1)


def labels(*ids):
    rows = {"call_id": pa.array(ids, pa.int64()), "call_type": pa.array(["transfer"] * len(ids), pa.string())}
    return RAW_CALL_TYPES.stamp(pa.table(rows), DAY)


def names(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    root = str(tmp_path / "data") if request.param == "folder" else request.getfixturevalue("s3_root")
    return TableStore(root)


def test_a_day_is_read_back_as_it_was_written_and_replaced_as_a_whole(store):
    store.write(RAW_CALL_TYPES, DAY, labels(1, 2, 3))
    store.write(RAW_CALL_TYPES, DAY, labels(4))
    assert store.read(RAW_CALL_TYPES, [DAY]).equals(labels(4))
    assert store.read(RAW_CALL_TYPES, [DAY], ["call_id"]).to_pylist() == [{"call_id": 4}]


@pytest.fixture
def done(monkeypatch, tmp_path):
    """What is asked of the file system to make, to name and to keep, in order."""
    done = []

    def noting(name, of):
        call = getattr(os, name)

        def noted(*args, **more):
            done.append((name, of(*args)))
            return call(*args, **more)

        monkeypatch.setattr(os, name, noted)

    def shown(path):
        return re.sub(r"[0-9a-f]{16}", "x", str(Path(path).relative_to(tmp_path)))

    noting("mkdir", lambda path, *_: shown(path))
    noting("replace", lambda old, new: f"{shown(old)} -> {shown(new)}")
    noting("fsync", lambda handle: shown(Path(f"/proc/self/fd/{handle}").readlink()))
    return done


def test_a_power_cut_finds_the_content_on_disk_before_the_name_and_the_name_before_the_write_is_over(tmp_path, done):
    day = f"data/raw_call_types/date={DAY}"
    named = [
        ("fsync", f"{day}/.raw_call_types.parquet.x.tmp"),
        ("replace", f"{day}/.raw_call_types.parquet.x.tmp -> {day}/raw_call_types.parquet"),
        ("fsync", day),
    ]
    store = TableStore(str(tmp_path / "data"))
    store.write(RAW_CALL_TYPES, DAY, labels(1))
    folders = ["data", "data/raw_call_types", day]
    made = [step for path in folders for step in (("mkdir", path), ("fsync", str(Path(path).parent)))]
    assert done == made + named
    done.clear()
    store.write(RAW_CALL_TYPES, DAY, labels(2))
    assert done == named


@pytest.mark.parametrize(("why", "is_written"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_file_system_that_keeps_no_folders_is_written_to_and_a_broken_one_is_told_of(
    tmp_path, monkeypatch, why, is_written
):
    keep = os.fsync

    def refuse(handle):
        if Path(f"/proc/self/fd/{handle}").is_dir():
            raise OSError(why, os.strerror(why))
        keep(handle)

    (tmp_path / "raw_call_types" / f"date={DAY}").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", refuse)
    with nullcontext() if is_written else pytest.raises(NotWritten, match=r"of 2026-11-01 could not be .*output error"):
        TableStore(str(tmp_path)).write(RAW_CALL_TYPES, DAY, labels(1))
    assert names(tmp_path / "raw_call_types" / f"date={DAY}") == ["raw_call_types.parquet"]


def test_a_missing_day_is_named_with_its_table(store):
    with pytest.raises(MissingDay, match=r"raw_call_types has no file for 2026-11-01.*materialize it"):
        store.read(RAW_CALL_TYPES, [DAY])
    assert (store.count(RAW_CALL_TYPES, DAY), store.placed_at(RAW_CALL_TYPES, DAY)) == (0, None)


def test_of_several_files_that_are_not_valid_the_first_is_named_and_the_others_are_counted(tmp_path):
    store, days = TableStore(str(tmp_path)), [date(2026, 11, day) for day in (1, 2)]
    for day in days:
        Path(store.write(RAW_CALL_TYPES, day, labels(1)).path).write_bytes(b"no Parquet")
    for broken, more in ((days[:1], "$"), (days, r"\(and 1 more like it\)$")):
        with pytest.raises(BrokenFile, match=rf"2026-11-01.*{more}"):
            store.files(RAW_CALL_TYPES, broken)


@pytest.mark.parametrize("lack", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_file_is_not_blamed_for_what_the_system_lacks(tmp_path, monkeypatch, lack):
    store = TableStore(str(tmp_path))
    store.write(RAW_CALL_TYPES, DAY, labels(1))

    def refuse(_path):
        raise OSError(lack, os.strerror(lack))

    monkeypatch.setattr("calls_assets.tables.store.open_file", refuse)
    with pytest.raises(NotRead, match=rf"raw_call_types could not be read from .*: {os.strerror(lack)}"):
        store.read(RAW_CALL_TYPES, [DAY])


def test_descriptions_and_units_travel_in_the_file(tmp_path):
    store = TableStore(str(tmp_path))
    written = store.write(TABLES["calls"], DAY, TABLES["calls"].empty())
    schema = pq.read_schema(written.path)
    assert schema.equals(TABLES["calls"].arrow_schema)
    assert schema.field("talk_s").metadata == {
        b"description": b"Talk time, 0 of calls that nobody answered; null where it is unknown or impossible: "
        b"negative, or longer than a year.",
        b"unit": b"s",
    }


def test_the_same_rows_give_the_same_bytes_in_whatever_parts_they_come(tmp_path):
    def written(name, rows):
        return Path(TableStore(str(tmp_path / name)).write(RAW_CALL_TYPES, DAY, rows).path).read_bytes()

    whole = labels(*range(2 * ROW_GROUP_ROWS + 17))
    expected = written("whole", whole)
    assert written("chunks", pa.concat_tables([whole.slice(0, 17), whole.slice(17)])) == expected
    assert written("groups", row_groups(whole)) == expected


def test_what_repeats_has_a_dictionary_and_what_varies_has_none(store):
    store.write(RAW_CALL_TYPES, DAY, labels(*range(1000)))
    with store.path(RAW_CALL_TYPES, DAY).open("rb") as file:
        group = pq.read_metadata(file).row_group(0)
    columns = {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}
    assert "RLE_DICTIONARY" in columns["call_type"].encodings
    assert "DELTA_BINARY_PACKED" in columns["call_id"].encodings
    assert not columns["call_id"].has_dictionary_page
    assert {(column.compression, column.is_stats_set) for column in columns.values()} == {("ZSTD", True)}


def test_fields_of_the_document_say_down_to_their_leaves_whether_they_repeat():
    dictionary, others = TABLES["raw_calls"].encodings
    assert {"tags.list.element", "ring_group.id", "all_agents.list.element.alias"} <= set(dictionary)
    assert others["recordings.list.element.url"] == "PLAIN"
    assert others["all_agents.list.element.started_at"] == "DELTA_BINARY_PACKED"


def test_a_file_is_for_its_owner_and_group_and_stale_temporaries_go(tmp_path):
    store = TableStore(str(tmp_path))
    folder = tmp_path / "raw_call_types" / f"date={DAY}"
    folder.mkdir(parents=True)
    (folder / ".raw_call_types.parquet.dead.tmp").write_bytes(b"half a file")
    written = store.write(RAW_CALL_TYPES, DAY, labels(1))
    assert names(folder) == ["raw_call_types.parquet"]
    assert Path(written.path).stat().st_mode & 0o007 == 0


def test_a_failed_write_leaves_the_old_day_and_nothing_else(tmp_path, monkeypatch):
    store = TableStore(str(tmp_path))
    written = store.write(RAW_CALL_TYPES, DAY, labels(1))
    before = Path(written.path).read_bytes()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.write(RAW_CALL_TYPES, DAY, labels(2))
    assert Path(written.path).read_bytes() == before
    assert names(Path(written.path).parent) == ["raw_call_types.parquet"]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_has_a_described_schema_with_its_key(table):
    assert table.arrow_schema.names[0] == "local_date"
    assert set(table.key) <= set(table.arrow_schema.names)
    assert all(column.description.endswith((".", "..")) for column in table.columns)
    assert set(table.inputs) <= set(TABLES)


@pytest.fixture
def _no_shared_clients():
    """S3 clients are shared by all of a process, with the credentials that they began with."""
    S3FileSystem.clear_instance_cache()
    yield
    S3FileSystem.clear_instance_cache()


@pytest.mark.usefixtures("_no_shared_clients")
def test_a_store_that_lets_nobody_in_is_named_in_a_sentence(s3_root, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    store = TableStore(f"{s3_root}/private")
    with pytest.raises(NotRead) as failure:
        store.read(RAW_CALL_TYPES, [date(2026, 3, 6)])
    told = str(failure.value)
    assert told.startswith(f"raw_call_types could not be read from {store.root}: Unable to locate credentials; check")


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("s3://", "the bucket is missing"),
        ("s3:///", "the bucket is missing"),
        ("https://example.com/calls", "files are not kept there"),
        ("gopher://calls", "gopher"),
        ("memory://calls", "files are not kept there"),
        ("simplecache::s3://calls", "files are not kept there"),
        ("github://calls", "files are not kept there"),
        ("s3:calls/data", "two slashes are missing"),
        ("~nosuchuser/calls", "home"),
    ],
)
def test_a_root_that_is_no_place_for_files_is_one_sentence(root, why):
    with pytest.raises(
        ValueError, match=f"^CALLS_DATA_URL is a folder or a URL such as .* but '{root}' was given .*{why}"
    ):
        TableStore(root)


def test_a_password_in_a_root_is_refused_and_not_told():
    with pytest.raises(ValueError, match="CALLS_DATA_URL contains a password: remove it") as refused:
        TableStore("s3://key:a-conspicuous-secret@calls/data")
    assert "conspicuous" not in str(refused.value)
    TableStore("/data/a:b@c")


@pytest.mark.parametrize("name", ["data*", "data[1]", "da?a", "**", "{data,date}", "[!x]*", "it's"])
@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_signs_of_patterns_in_a_root_are_part_of_its_name(request, tmp_path, kind, name):
    base = str(tmp_path / "trees") if kind == "folder" else request.getfixturevalue("s3_root")
    for beside in ("data1", "data", "data22", "date", "x"):
        TableStore(f"{base}/{beside}").write(RAW_CALL_TYPES, DAY, labels(8, 9))
    store = TableStore(f"{base}/{name}")
    assert store.days(RAW_CALL_TYPES) == []
    assert store.placed("raw_call_types", "raw_call_types.parquet") == {}
    assert store.names("raw_call_types") == set()
    with pytest.raises(MissingDay):
        store.files(RAW_CALL_TYPES, [DAY])
    store.write(RAW_CALL_TYPES, DAY, labels(1, 2, 3))
    assert store.days(RAW_CALL_TYPES) == [DAY]
    assert store.names("raw_call_types") == {f"date={DAY}"}
    assert store.read(RAW_CALL_TYPES, [DAY]).equals(labels(1, 2, 3))
    with connect({"raw_call_types": store.files(RAW_CALL_TYPES, [DAY])}) as connection:
        assert connection.sql("SELECT call_id FROM raw_call_types").fetchall() == [(1,), (2,), (3,)]


def test_folders_that_are_no_days_are_passed_over(store):
    written = store.write(RAW_CALL_TYPES, DAY, labels(1))
    content = UPath(written.path).read_bytes()
    for name in (
        "date=2026-02-30",
        "date=0001-01-01",
        "date=9999-12-31",
        "date=20261101",
        "date=",
        "date=*",
        "2026-11-02",
    ):
        store.put(f"raw_call_types/{name}/raw_call_types.parquet", content)
    store.put("raw_call_types/date=2026-11-03/deeper/raw_call_types.parquet", content)
    store.put("raw_call_types/date=2026-11-04/other.parquet", content)
    store.put("raw_call_types/date=2026-11-05", b"a file")
    assert store.days(RAW_CALL_TYPES) == [DAY]
    assert {*store.placed("raw_call_types", "raw_call_types.parquet")} == {DAY}


OTHERS = {
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link that leads nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to a device": lambda path: path.symlink_to("/dev/null"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_temporary_that_is_no_file_goes_without_being_opened(tmp_path, kind):
    store = TableStore(str(tmp_path))
    folder = tmp_path / "raw_call_types" / f"date={DAY}"
    folder.mkdir(parents=True)
    OTHERS[kind](folder / ".raw_call_types.parquet.x.tmp")
    (folder / ".raw_call_types.parquet.y.tmp").mkdir()
    store.write(RAW_CALL_TYPES, DAY, labels(1))
    assert sorted(names(folder)) == [".raw_call_types.parquet.y.tmp", "raw_call_types.parquet"]


def test_a_folder_with_something_in_it_is_not_replaced_by_a_file(tmp_path):
    final = TableStore(str(tmp_path)).path(RAW_CALL_TYPES, DAY)
    final.mkdir(parents=True)
    (final / "part-0.parquet").write_bytes(b"of somebody else")
    with pytest.raises(
        NotWritten, match=rf"raw_call_types of {DAY} could not be written to {final}: .* move it away\.$"
    ):
        TableStore(str(tmp_path)).write(RAW_CALL_TYPES, DAY, labels(1))
    assert (final / "part-0.parquet").read_bytes() == b"of somebody else"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_files_and_all_folders_above_them_are_for_owner_and_group_at_most(tmp_path, umask):
    before = os.umask(umask)
    try:
        TableStore(str(tmp_path / "a" / "b")).write(RAW_CALL_TYPES, DAY, labels(1))
    finally:
        os.umask(before)
    modes = {path.is_dir(): set() for path in (tmp_path / "a").rglob("*")}
    for path in [tmp_path / "a", *(tmp_path / "a").rglob("*")]:
        modes[path.is_dir()].add(path.stat().st_mode & 0o777)
    assert modes == {True: {0o750 & ~umask}, False: {0o640 & ~umask}}


@pytest.mark.parametrize("kind", [*OTHERS, "a folder"])
def test_a_small_file_that_is_none_is_named_and_never_waited_for(tmp_path, kind):
    (OTHERS | {"a folder": Path.mkdir})[kind](tmp_path / "_made_with.json")
    with pytest.raises(NotRead, match=r"_made_with\.json") as failure:
        TableStore(str(tmp_path)).get("_made_with.json")
    assert "\n" not in str(failure.value)


def test_a_root_that_vanished_or_is_a_pipe_is_waited_for_by_nobody(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for root in (tmp_path / "pipe", tmp_path / "gone"):
        with TableStore(str(root)).alone(lambda: None, create=False):
            pass


def test_a_folder_may_be_given_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert TableStore("~/calls").write(RAW_CALL_TYPES, DAY, labels(1)).path.startswith(f"{tmp_path}/calls/")


def test_a_write_interrupted_before_any_of_its_lines_leaves_no_temporary(tmp_path):
    """As a terminated run is: the interruption may come between any two lines."""
    store = TableStore(str(tmp_path))
    final = Path(store.write(RAW_CALL_TYPES, DAY, labels(1)).path)
    old, lines, interrupted = final.read_bytes(), 0, True

    def trace(frame, event, _):
        nonlocal seen
        if not frame.f_code.co_filename.endswith("tables/store.py"):
            return None
        if event == "line":
            seen += 1
            if seen > lines:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    while interrupted:
        seen = 0
        sys.settrace(trace)
        try:
            store.write(RAW_CALL_TYPES, DAY, labels(2))
            interrupted = False
        except KeyboardInterrupt:
            assert names(final.parent) == [final.name]
        finally:
            sys.settrace(None)
        if final.read_bytes() != old:
            store.write(RAW_CALL_TYPES, DAY, labels(1))
        lines += 1
    assert lines > 30
