"""What a query over the tables can reach: the tables, and nothing else of the machine."""

import gc
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pytest

import calls_assets
from calls_assets.metrics.connection import PREFIX, SCHEME, ReadOnly, opened, seal, shared
from calls_assets.metrics.run import connect, reading
from calls_assets.metrics.wait_proof import prove
from calls_assets.tables.catalog import CALLS
from calls_assets.tables.store import TableStore

DAY = date(2026, 3, 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tree with one empty day of `calls`, beside a file that is nobody's business."""
    folder = tmp_path_factory.mktemp("folder")
    TableStore(str(folder / "data")).write(CALLS, DAY, CALLS.empty())
    (folder / "other.csv").write_text("secret\n1\n")
    return folder


@pytest.fixture(scope="module")
def sealed(folder):
    with calls_assets.connect(data_url=folder / "data") as connection:
        yield connection


BEYOND = {
    "a file": "SELECT * FROM '{folder}/other.csv'",
    "CSV": "SELECT * FROM read_csv('{folder}/other.csv')",
    "text": "SELECT * FROM read_text('{folder}/other.csv')",
    "bytes": "SELECT * FROM read_blob('{folder}/other.csv')",
    "a folder": "SELECT * FROM glob('{folder}/*')",
    "another Parquet file": "SELECT * FROM read_parquet('{folder}/**/*.parquet')",
    "a table's file by its path": "SELECT * FROM '{file}'",
    "by our scheme": "SELECT * FROM read_csv('{scheme}{folder}/other.csv')",
    "by our scheme and a way up": "SELECT * FROM read_csv('{scheme}{folder}/data/../other.csv')",
    "a query in a text": "SELECT * FROM query('FROM ''{folder}/other.csv''')",
    "metadata": "SELECT * FROM parquet_metadata('{file}')",
    "the network": "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "standard input": "SELECT * FROM read_csv('/dev/stdin')",
    "a variable": "SELECT * FROM variable",
    "COPY TO": "COPY (SELECT 1) TO '{folder}/new.csv'",
    "COPY over a table's file": "COPY (SELECT 1) TO '{file}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY over it by our scheme": "COPY (SELECT 1) TO '{scheme}{file}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY into folders": "COPY (SELECT 1 AS a, 2 AS b) TO '{scheme}{folder}/new' (PARTITION_BY (a))",
    "EXPORT by our scheme": "EXPORT DATABASE '{scheme}'",
    "EXPORT by another case of a scheme": "EXPORT DATABASE 'TABLES://'",
    "COPY by a way up": "COPY (SELECT 1) TO '{scheme}x/../../{folder}/new.csv'",
    "a way up that is relative": "SELECT * FROM read_text('{scheme}../other.csv')",
    "COPY FROM": "CREATE TABLE t (a INT); COPY t FROM '{folder}/other.csv'",
    "EXPORT": "EXPORT DATABASE '{folder}/new'",
    "IMPORT": "IMPORT DATABASE '{folder}'",
    "ATTACH": "ATTACH '{folder}/new.db' AS other",
    "INSTALL": "INSTALL httpfs",
    "LOAD": "LOAD httpfs",
    "an extension's function": "SELECT * FROM sqlite_scan('{folder}/x.db', 'x')",
    "a setting": "SET enable_external_access = true",
    "the lock": "SET lock_configuration = false",
    "a folder more": "SET allowed_directories = ['/']",
    "where to spill": "SET temp_directory = '{folder}/new'",
    "a log": "CALL enable_logging(storage = 'file', storage_path = '{folder}/new')",
    "a profile": "PRAGMA profiling_output = '{folder}/new'",
    "a reset": "RESET enable_external_access",
}


@pytest.mark.parametrize("query", BEYOND.values(), ids=BEYOND)
def test_a_query_reaches_nothing_but_the_tables(sealed, folder, query, monkeypatch):
    monkeypatch.chdir(folder)
    variable = CALLS.empty()  # noqa: F841  # a query would find it by its name
    file = TableStore(str(folder / "data")).path(CALLS, DAY)
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}
    with pytest.raises(duckdb.Error):
        sealed.execute(query.format(folder=folder, file=file, scheme=SCHEME)).fetchall()
    assert sealed.execute("SELECT count(*) FROM calls").fetchone() == (0,)
    assert {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")} == before


def test_the_scheme_of_the_tables_has_no_other_case():
    assert SCHEME.upper() == SCHEME.lower()


def test_queries_have_what_they_need(sealed):
    sealed.execute("CREATE TABLE mine AS SELECT 1 AS a; CREATE MACRO twice(x) AS 2 * x")
    sealed.register("registered", CALLS.empty())
    sealed.register("frame", pd.DataFrame({"a": [3]}))
    assert sealed.execute("SELECT a FROM frame").fetchone() == (3,)
    assert sealed.execute("SELECT twice(a) FROM mine").fetchone() == (2,)
    assert sealed.execute("SELECT count(*) FROM registered").fetchone() == (0,)
    assert sealed.cursor().execute("SELECT count(*) FROM weekly.calls").fetchone() == (0,)
    assert sealed.execute("SELECT TIMESTAMPTZ '2026-03-06 12:00Z' AT TIME ZONE 'America/New_York'").fetchone()


def test_files_are_allowed_where_that_is_asked_for(folder, tmp_path):
    with calls_assets.connect(data_url=folder / "data", allow_files=True) as connection:
        assert connection.execute(f"SELECT * FROM '{folder}/other.csv'").fetchone() == (1,)
        connection.execute(f"COPY (SELECT 1) TO '{tmp_path}/new.csv'")
        connection.execute("SET TimeZone = 'America/New_York'")
    assert (tmp_path / "new.csv").exists()


@pytest.mark.parametrize("name", ["a*b", "a?b", "[ab]", "{a,b}", "it's", "with blank", "ünï"])
def test_a_tree_is_read_whatever_its_folder_is_called(tmp_path, name):
    store = TableStore(str(tmp_path / name))
    store.write(CALLS, DAY, CALLS.empty())
    with connect({"calls": store.files(CALLS, [DAY])}, read_only=ReadOnly()) as connection:
        seal(connection)
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)


@pytest.mark.parametrize("root", ["data", "./data", "../here/data", "other/../data", "link/../data"])
def test_a_tree_is_read_by_whatever_way_its_root_is_given(tmp_path, monkeypatch, root):
    for name in ("here", "here/other", "elsewhere/inside", "elsewhere/data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here" / "link").symlink_to(tmp_path / "elsewhere" / "inside")
    monkeypatch.chdir(tmp_path / "here")
    store = TableStore(root)
    store.write(CALLS, DAY, CALLS.empty())
    with connect({"calls": store.files(CALLS, [DAY])}, read_only=ReadOnly()) as connection:
        seal(connection)
        monkeypatch.chdir(tmp_path)
        assert connection.execute("SELECT count(*) FROM calls").fetchone() == (0,)


MACROS = "CREATE MACRO twice(x) AS 2 * x; CREATE MACRO fourfold(x) AS twice(twice(x))"
CATALOGS = "SELECT count(*) FROM duckdb_databases() WHERE database_name LIKE 'own_%'"


def test_blocks_share_macros_and_nothing_else():
    with shared(MACROS) as one, shared(MACROS) as other:
        for connection, number in ((one, 1), (other, 2)):
            connection.execute(
                f"CREATE VIEW v AS SELECT {number} AS a; CREATE SCHEMA s; SET TimeZone = 'Etc/GMT-{number}'"
            )
            connection.register("r", pd.DataFrame({"a": [number]}))
        for connection, number in ((one, 1), (other, 2)):
            found = connection.execute(
                "SELECT v.a, r.a, fourfold(v.a), current_setting('TimeZone') FROM v, r"
            ).fetchall()
            assert found == [(number, number, 4 * number, f"Etc/GMT-{number}")]
        assert one.execute(CATALOGS).fetchone() == (2,)


def test_instants_are_shown_in_the_zone_that_is_given_and_in_utc_within_a_block():
    now = "SELECT current_setting('TimeZone')"
    with connect({}, zone=ZoneInfo("Asia/Tokyo")) as connection:
        assert connection.execute(now).fetchone() == ("Asia/Tokyo",)
    program = (
        f"from calls_assets.metrics.run import reading\nwith reading({{}}) as c: print(*c.execute({now!r}).fetchone())"
    )
    environ = os.environ | {"TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True)
    assert done.stdout == "UTC\n"


def test_the_proof_of_waits_leaves_a_connection_as_it_was():
    path = "SELECT current_setting('search_path')"
    with reading({"calls": CALLS.empty()}) as connection:
        before = connection.execute(path).fetchone()
        assert not prove(connection).is_settled
        assert connection.execute(path).fetchone() == before


def fail(connection, query):
    connection.execute("CREATE VIEW v AS SELECT 1 AS a")
    connection.execute(query)
    raise ValueError("of the block")


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT 1", ValueError),
        ("SELECT * FROM missing", duckdb.CatalogException),
        ("BEGIN; CREATE TABLE t (a INT)", ValueError),
        ("BEGIN; SELECT * FROM missing", duckdb.CatalogException),
        ("SELECT * FROM range(1_000_000)", ValueError),
    ],
)
def test_what_a_block_made_goes_with_it_however_it_ends(query, error):
    with pytest.raises(error), shared(MACROS) as connection:
        fail(connection, query)
    with shared(MACROS) as connection:
        assert connection.execute(CATALOGS).fetchone() == (1,)
        with pytest.raises(duckdb.CatalogException):
            connection.execute("SELECT * FROM v")


def test_where_the_folder_to_spill_into_has_gone_there_is_another():
    folders = []
    for _ in range(2):
        with shared(MACROS) as connection:
            connection.execute("SET memory_limit = '60MB'; SET threads = 1")
            connection.execute(
                "CREATE TABLE large AS SELECT range AS a, hash(range)::VARCHAR AS b FROM range(4_000_000)"
            )
            folders.append(Path(connection.execute("SELECT current_setting('temp_directory')").fetchone()[0]))
            assert list(folders[-1].iterdir())
        assert stat.S_IMODE(folders[-1].stat().st_mode) == 0o700
        shutil.rmtree(folders[-1])
    assert folders[0] != folders[1]


def test_a_process_that_once_had_nowhere_to_spill_to_asks_again(tmp_path, monkeypatch):
    macros = "CREATE MACRO once(x) AS x"
    found = []
    for folder in ("not there", "."):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / folder))
        with shared(macros) as connection:
            found.append(connection.execute("SELECT current_setting('temp_directory')").fetchone()[0])
    assert found[0] == ""
    assert Path(found[1]).parent.resolve() == tmp_path


def test_blocks_of_many_threads_do_not_disturb_each_other():
    def compute(number):
        with shared(MACROS) as connection:
            connection.execute(f"CREATE VIEW v AS SELECT fourfold(range) AS a FROM range({number})")
            return connection.execute("SELECT count(*) FROM v").fetchone()

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(compute, range(200))) == [(number,) for number in range(200)]


def test_a_file_that_is_replaced_is_read_anew(tmp_path):
    for number in (1, 2):
        pd.DataFrame({"a": [number]}).to_parquet(tmp_path / "new.parquet")
        os.utime(tmp_path / "new.parquet", (0, 0))  # so that its time does not tell
        (tmp_path / "new.parquet").rename(tmp_path / "a.parquet")
        with shared(MACROS) as connection:
            assert connection.execute(f"SELECT a FROM '{tmp_path}/a.parquet'").fetchall() == [(number,)]


def test_a_forked_process_opens_a_database_of_its_own_and_leaves_that_of_its_parent():
    program = f"""
import os
from calls_assets.metrics.connection import shared
def compute():
    with shared({MACROS!r}) as connection:
        assert connection.execute("SELECT fourfold(sum(range)) FROM range(1_000_000)").fetchone() == (1999998000000,)
        return connection.execute("SELECT current_setting('temp_directory')").fetchone()[0]
folder = compute()
if os.fork() == 0:
    os._exit(0 if compute() != folder else 1)  # as the children of multiprocessing end
status = os.waitpid(-1, 0)[1]
raise SystemExit(status or compute() != folder)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_that_share_a_file_read_each_from_where_it_went(tmp_path):
    place = tmp_path / "a.parquet"
    place.write_bytes(b"0123456789")
    files = ReadOnly()
    (name,) = files.add([str(place)])
    with files.open(name) as shared, ThreadPoolExecutor(1) as other:
        shared.seek(6)
        assert other.submit(lambda: (shared.seek(-9, os.SEEK_END), shared.read(2))).result() == (1, b"12")
        assert (shared.read(2), shared.tell(), shared.read()) == (b"67", 8, b"89")
        assert other.submit(shared.tell).result() == 3


def test_what_memory_does_not_hold_goes_where_its_owner_alone_can_read_and_is_gone_afterwards(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o000)
    try:
        connection = opened()
        connection.execute("SET memory_limit = '60MB'; SET threads = 1")
        connection.execute("CREATE TABLE large AS SELECT range AS a, hash(range)::VARCHAR AS b FROM range(4_000_000)")
        (folder,) = tmp_path.iterdir()
        spilt = list(folder.iterdir())
    finally:
        os.umask(mask)
    assert spilt
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    connection.close()
    del connection
    gc.collect()
    assert list(Path(tmp_path).iterdir()) == []


def test_what_a_killed_process_spilt_is_removed_by_the_next_and_what_a_living_one_spills_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    program = (
        "import os; from calls_assets.metrics.connection import opened; connection = opened(); os.kill(os.getpid(), 9)"
    )
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environ, check=False)
    assert done.returncode == -9
    (left,) = tmp_path.iterdir()
    (left / "spilt").write_bytes(b"calls")
    link = tmp_path / f"{PREFIX}link"
    link.symlink_to(tmp_path)
    with opened():
        assert left.exists()  # it is young
        (lives,) = {*tmp_path.iterdir()} - {left, link}
        for folder in (left, lives, link):
            os.utime(folder, (0, 0), follow_symlinks=False)
        with opened():
            assert not left.exists()
            assert lives.exists()
    assert link.is_symlink()


def test_where_nothing_can_be_spilt_memory_alone_serves(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
    monkeypatch.chdir(tmp_path)
    with opened() as connection:
        assert connection.execute("SELECT count(*) FROM range(10)").fetchone() == (10,)
        connection.execute("SET memory_limit = '60MB'; SET threads = 1")
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute("CREATE TABLE t AS SELECT range AS a, hash(range)::VARCHAR AS b FROM range(4_000_000)")
    assert list(tmp_path.iterdir()) == []
