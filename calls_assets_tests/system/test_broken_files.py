"""Files that are not what they were: each reader names the file and what to do, and materializing the day again mends it."""

import ctypes
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

import calls_assets
from calls_assets.commands.cli import main
from calls_assets.reader import explained
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.catalog import CALLS, TABLES
from calls_assets.tables.store import BrokenFile, NotRead, TableStore
from calls_assets_tests.broken import in_its_place

FIRST, LAST = date(2026, 3, 6), date(2026, 3, 7)


@pytest.fixture(scope="module")
def run_pipeline(run_pipeline):
    """With the daily pages."""
    return partial(run_pipeline, select=None)


@pytest.fixture(scope="module")
def api():
    with Sandbox(Centre(calls_per_day=30)) as api:
        yield api


@pytest.fixture(scope="module")
def pulled(api, run_pipeline, tmp_path_factory):
    """The root of a tree of two days, which nobody may change."""
    root = tmp_path_factory.mktemp("pulled")
    assert run_pipeline(api, root, FIRST, LAST).success
    return root


def file_of(tree, table, day):
    return tree / table / f"date={day}" / f"{table}.parquet"


def cut(at):
    return lambda path: path.write_bytes(path.read_bytes()[:at])


def changed(change):
    """The file with its rows changed, written by somebody else."""

    def write(path):
        rows = change(pq.ParquetFile(path).read())
        path.unlink()
        pq.write_table(rows, path)

    return write


def listen(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{os.open(path.parent, os.O_PATH)}/{path.name}")  # names of sockets are short


def count_more_rows(path, times=1):
    """Have a footer count 8,191 rows: in the file, then also in its one row group, and in each of its columns."""
    rows, content = pq.read_metadata(path).num_rows * 2, path.read_bytes()
    assert 128 <= rows < 2**14  # as a 64-bit integer it takes two bytes, and so does the other one
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    counted = content[footer:].replace(bytes([0x16, rows & 127 | 128, rows >> 7]), b"\x16\xfe\x7f", times)
    path.write_bytes(content[:footer] + counted)


def rename(old, new):
    return changed(lambda rows: rows.rename_columns([new if name == old else name for name in rows.column_names]))


def of_another_type(name, kind):
    return changed(lambda rows: rows.set_column(rows.column_names.index(name), name, rows[name].cast(kind)))


BROKEN = {
    "empty": cut(0),
    "cut off after its first bytes": cut(4),
    "cut off in its pages": cut(1000),
    "cut off in its footer": cut(-20),
    "cut off by a byte": cut(-1),
    "text": lambda path: path.write_text("local_date,call_id\n2026-03-06,1\n" * 99),
    "a footer of noise": lambda path: path.write_bytes(path.read_bytes()[:-500] + bytes(range(250)) * 2),
    "more rows than there are": count_more_rows,
    "another table's": lambda path: shutil.copy(file_of(path.parents[2], "call_agents", LAST), path),
    "another day's": lambda path: shutil.copy(file_of(path.parents[2], path.stem, LAST), path),
    "a column renamed": rename("talk_s", "talk"),
    "a key column renamed": rename("call_id", "id"),
    "a key column dropped": changed(lambda rows: rows.drop_columns(["call_id"])),
    "a column of another type": of_another_type("talk_s", pa.float64()),
    "a column of a narrower type": of_another_type("call_id", pa.uint64()),
    "a column twice": changed(lambda rows: rows.append_column("outcome", rows["direction"])),
    "its columns in another order": changed(lambda rows: rows.select(rows.column_names[::-1])),
    "a folder": in_its_place(Path.mkdir),
    "a link that leads nowhere": in_its_place(lambda path: path.symlink_to("nowhere")),
    "a link to itself": in_its_place(lambda path: path.symlink_to(path.name)),
    "a link to a device": in_its_place(lambda path: path.symlink_to("/dev/zero")),
    "a pipe": in_its_place(os.mkfifo),
    "a socket": in_its_place(listen),
    "one that may not be read": lambda path: path.chmod(0),
}


@contextmanager
def permissions_obeyed():
    """A block in which this thread gives up the privilege by which root passes over the permissions of files."""
    libc = ctypes.CDLL(None)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    before, sets[0] = sets[0], sets[0] & ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    libc.capset(header, sets)
    try:
        yield
    finally:
        sets[0] = before
        libc.capset(header, sets)


def tree_bytes(root):
    """Every file with its content, but for what tells of pulls."""
    files = {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes()
        for name, path in files.items()
        if not name.startswith(("call_changes", "daily", "_broken"))
    }


def sentence(place, table="calls", day=FIRST):
    return rf"^{place} is not a file of {table} of {day} \([^\n]+\): materialize {table} of {day} again\.$"


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_wherever_it_is_read_and_replaced_as_any_other(tree, pulled, kind):
    place, store = file_of(tree, "calls", FIRST), TableStore(str(tree))
    BROKEN[kind](place)
    with permissions_obeyed():
        assert store.days(CALLS) == [FIRST, LAST]
        assert {*store.placed("calls", "calls.parquet")} == {FIRST, LAST}
        assert store.placed_at(CALLS, FIRST)
        for read in (store.files, store.read, lambda table, days: store.count(table, *days)):
            with pytest.raises(BrokenFile, match=sentence(place)):
                read(CALLS, [FIRST])
        with pytest.raises(BrokenFile, match=sentence(place)):
            calls_assets.read("calls")
        assert len(calls_assets.read("calls", LAST)) == len(calls_assets.read("calls", LAST, data_url=pulled))
        store.write(CALLS, FIRST, TableStore(str(pulled)).read(CALLS, [FIRST]))
    assert tree_bytes(tree) == tree_bytes(pulled)


def test_a_broken_day_is_in_the_way_of_the_queries_that_read_it_and_of_no_others(tree, pulled):
    place = file_of(tree, "calls", FIRST)
    rename("talk_s", "talk")(place)
    with calls_assets.connect() as connection, calls_assets.connect(data_url=pulled) as sound:
        for query in (
            "SELECT count(*), sum(duration) FROM raw_calls",
            "SELECT * FROM service_level ORDER BY ALL",
            f"SELECT * FROM calls WHERE local_date = '{LAST}' ORDER BY ALL",
            f"SELECT count(*) FROM calls WHERE local_date > '{FIRST}' AND talk_s > 5",
            f"SELECT count(*) FROM calls JOIN call_agents USING (call_id) WHERE calls.local_date = '{LAST}'",
        ):
            rows = connection.sql(query).fetchall()
            assert rows == sound.sql(query).fetchall()
            assert rows
        for query in (
            "SELECT count(*) FROM calls",
            "SELECT max(local_date) FROM calls",
            "SELECT * FROM calls WHERE talk_s = 1",
            "SELECT 1 FROM calls",
            "SELECT any_value(ring_group_name) FROM calls JOIN call_agents USING (call_id)",
            "SELECT count(*) FROM weekly.service_level",
        ):
            with pytest.raises(NotRead, match=sentence(place)), explained():
                connection.sql(query).fetchall()


def test_the_commands_say_which_file_is_in_their_way_and_answer_what_does_not_need_it(tree, capsys):
    place = file_of(tree, "calls", FIRST)
    cut(1000)(place)
    for arguments in (["sql", "SELECT * FROM calls"], ["sql"], ["evidence", "--from", str(FIRST), "--to", str(LAST)]):
        with pytest.raises(SystemExit, match=f"^calls-assets: {sentence(place)[1:]}"):
            main(arguments)
    assert "service_level" not in capsys.readouterr().out
    main(["sql", f"SELECT count(*) AS n FROM calls WHERE local_date = '{LAST}'", "--csv"])
    with pytest.raises(SystemExit, match="nosuch"):
        main(["sql", "SELECT nosuch FROM calls"])


def noise_in_pages(path):
    """The pages are noise, and the footer as it was."""
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[:4] + bytes(range(1, 250)) * (footer // 249) + content[4 + footer // 249 * 249 :])


@pytest.mark.parametrize("spoil", [noise_in_pages, partial(count_more_rows, times=-1)], ids=["noise", "counts"])
def test_a_file_that_is_broken_in_its_pages_alone_is_named_too(tree, capsys, spoil):
    place = file_of(tree, "calls", FIRST)
    spoil(place)
    with pytest.raises(BrokenFile, match=sentence(place)):
        TableStore(str(tree)).read(CALLS, [FIRST])
    with pytest.raises(NotRead, match=sentence(place)):
        calls_assets.read("calls")
    with pytest.raises(SystemExit, match=f"^calls-assets: {sentence(place)[1:]}"):
        main(["sql", "SELECT max(started_at) FROM calls"])
    assert capsys.readouterr().out == ""
    main(["sql", "SELECT count(*) AS n FROM raw_calls", "--csv"])


@pytest.mark.slow
def test_an_object_store_tells_of_broken_files_as_a_folder_does(tree, s3_root):
    places = {}
    for kind in ("empty", "cut off in its footer", "another table's", "a column renamed", "a key column dropped"):
        place = file_of(tree, "calls", FIRST)
        before = place.read_bytes()
        BROKEN[kind](place)
        places[kind] = UPath(s3_root, use_listings_cache=False) / f"{kind}/calls/date={FIRST}/calls.parquet"
        places[kind].write_bytes(place.read_bytes())
        (places[kind].parent.parent / f"date={LAST}/calls.parquet").write_bytes(
            file_of(tree, "calls", LAST).read_bytes()
        )
        place.write_bytes(before)
    for kind, place in places.items():
        root = f"{s3_root}/{kind}"
        with pytest.raises(BrokenFile, match=sentence(place)):
            calls_assets.read("calls", data_url=root)
        with calls_assets.connect(data_url=root) as connection:
            assert connection.sql(f"SELECT count(*) FROM calls WHERE local_date = '{LAST}'").fetchall() != [(0,)]
            with pytest.raises(NotRead, match=sentence(place)), explained(data_url=root):
                connection.sql("SELECT count(*) FROM calls").fetchall()


@pytest.fixture
def rerun(api, run_pipeline, tree):
    """Runs the pipeline on the tree; gives the sentences of what failed, and what the log says of broken files."""

    def run(first, last, **given):
        with dg.DagsterInstance.ephemeral() as instance:
            result = run_pipeline(api, tree, first, last, instance=instance, **given)
            logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
        failed = [event.event_specific_data.error.message for event in result.all_events if event.is_step_failure]
        return failed, [line for line in logged if " is not a file of " in line and "STEP" not in line]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cut off in its pages", "another table's", "a pipe"])
def test_a_pull_mends_a_day_whose_every_file_is_broken(tree, pulled, rerun, kind):
    for table in TABLES:
        shutil.copy(file_of(pulled, "calls", FIRST), file_of(tree, table, FIRST))
        BROKEN[kind](file_of(tree, table, FIRST))
    failed, told = rerun(FIRST, FIRST)
    assert failed == []
    assert tree_bytes(tree) == tree_bytes(pulled)
    changes, calls = file_of(tree, "call_changes", FIRST), file_of(tree, "raw_calls", FIRST)
    assert any("The changes of 2026-03-06 by this pull are unknown" in line and str(calls) in line for line in told)
    assert any("The earlier changes of 2026-03-06 could not be read" in line and str(changes) in line for line in told)
    assert len(list((tree / "_broken").iterdir())) == 1
    assert rerun(FIRST, LAST) == ([], [])


@pytest.mark.parametrize("spoil", [cut(1000), noise_in_pages], ids=["whole", "pages"])
def test_a_broken_day_keeps_no_other_day_from_its_run(tree, pulled, rerun, spoil):
    for table in TABLES:
        spoil(file_of(tree, table, FIRST))
    failed, told = rerun(LAST, LAST)
    assert failed == []
    assert any("The pages skip a day" in line for line in told)
    assert any("The page of 2026-03-06 stays as it is" in line for line in told)
    of_last = {name for name in tree_bytes(pulled) if str(LAST) in name}
    assert {name: tree_bytes(tree)[name] for name in of_last} == {name: tree_bytes(pulled)[name] for name in of_last}


@pytest.mark.parametrize("spoil", [cut(1000), noise_in_pages], ids=["whole", "pages"])
def test_a_broken_later_day_only_hides_who_was_spoken_to_on_it(tree, rerun, spoil):
    page = tree / f"daily_report/date={FIRST}/daily_report.html"
    page.unlink()
    for table in ("calls", "raw_calls"):
        spoil(file_of(tree, table, LAST))
    failed, told = rerun(FIRST, FIRST)
    assert failed == []
    assert any("The pages skip a day" in line and str(file_of(tree, "calls", LAST)) in line for line in told)
    assert "By half-hour" in page.read_text()


def test_a_run_that_needs_a_broken_file_ends_in_its_sentence(tree, rerun):
    place = file_of(tree, "raw_calls", FIRST)
    cut(1000)(place)
    failed, _ = rerun(FIRST, FIRST, select=["calls"])
    assert len(failed) == 1
    assert re.match(sentence(place, "raw_calls"), failed[0])
    shutil.copy(file_of(tree, "raw_calls", LAST), place)
    failed, _ = rerun(FIRST, FIRST, select=["daily_report", "calls"])
    assert re.match(sentence(place, "raw_calls"), failed[0])


def test_a_footer_that_contradicts_its_own_columns_ends_no_process(tree):
    """Arrow's figures of a column abort the process where its type is not the schema's."""
    place = file_of(tree, "calls", FIRST)
    content = place.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    first = content.index(b"\x15\x02\x19", footer)  # the type of the first column, in its figures
    place.write_bytes(content[:first] + b"\x15\x1e\x19" + content[first + 3 :])
    program = f"from calls_assets import read; read('calls', '{FIRST}', data_url={str(tree)!r})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not a file of calls of 2026-03-06" in done.stderr.splitlines()[-1]


def test_a_footer_in_which_duckdb_alone_sees_a_fault_is_in_no_other_tables_way(tree):
    place = file_of(tree, "calls", FIRST)
    content = place.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    encodings, unknown = b"\x19\x35\x00\x06\x10\x19", b"\x19\x35\x00\x06\x18\x19"
    place.write_bytes(content[:footer] + content[footer:].replace(encodings, unknown, 1))
    with calls_assets.connect() as connection:
        assert connection.sql("SELECT count(*) FROM raw_calls").fetchall() > [(0,)]
        assert connection.sql(f"SELECT count(*) FROM calls WHERE local_date = '{LAST}'").fetchall() > [(0,)]
        with pytest.raises(NotRead, match=sentence(place)), explained():
            connection.sql("SELECT count(*) FROM calls").fetchall()
    with pytest.raises(NotRead, match=sentence(place)):
        calls_assets.read("calls")
    with pytest.raises(NotRead, match=sentence(place)):
        calls_assets.read("service_level", by="week")
