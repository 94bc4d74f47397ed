"""Where Dagster keeps its records: for its owner alone, and what is broken in it is named before anything is done."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from calls_assets.dagster import home
from calls_assets_tests.broken import in_its_place


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """A home in which Dagster has kept records, which nobody may change."""
    with home.opened(home.made(tmp_path_factory.mktemp("used"))) as instance:
        assert instance.get_runs() == []
        assert instance.all_asset_keys() == []
    root = Path(instance.root_directory)
    for name in home.DATABASES:  # a journal would mend a copy that is broken
        with closing(sqlite3.connect(root / name)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return root


@pytest.fixture(autouse=True)
def _umask():
    """The umask of this process, as it was before."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def copied(used, folder):
    for path in used.rglob("*"):
        place = folder / path.relative_to(used)
        place.mkdir() if path.is_dir() else place.write_bytes(path.read_bytes())
    return folder


BROKEN = {
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "noise": lambda path: path.write_bytes(bytes(range(1, 250)) * 100),
    "a folder": in_its_place(Path.mkdir),
    "a pipe": in_its_place(os.mkfifo),
    "a link to itself": in_its_place(lambda path: path.symlink_to(path.name)),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("name", home.DATABASES)
def test_a_database_that_is_broken_is_named_and_another_one_is_begun_once_it_is_away(used, tmp_path, name, kind):
    place = copied(used, tmp_path) / name
    BROKEN[kind](place)
    sentence = rf"^{place} is not a database that Dagster can use \([^\n]+\): move it away, and [^\n]+\.$"
    for find in (lambda: home.given(str(tmp_path)), lambda: home.made(tmp_path)):
        with pytest.raises(ValueError, match=sentence):
            find()
    place.rename(tmp_path / "away")
    with home.opened(home.made(tmp_path)) as instance:
        assert instance.get_runs() == []


def test_a_home_that_is_in_use_may_be_used_too(used, tmp_path):
    place = copied(used, tmp_path) / home.DATABASES[0]
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        home._write_nothing(place, wait_s=0)
        other.execute("ROLLBACK")


@pytest.mark.parametrize("content", [b"{{[", b"nosuch: 1\n", b"\xff\xfe\x00", b"- a list\n"])
def test_settings_that_dagster_cannot_read_are_one_sentence(tmp_path, content):
    (tmp_path / "dagster.yaml").write_bytes(content)
    sentence = rf"^Dagster cannot use what is in {tmp_path} \([^\n]+\): check that [^\n]+\.$"
    with pytest.raises(ValueError, match=sentence), home.opened(home.given(str(tmp_path))):
        pass


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_settings_that_are_no_file_are_one_sentence_and_are_not_waited_for(tmp_path, make):
    make(tmp_path / "dagster.yaml")
    for find in (lambda: home.given(str(tmp_path)), lambda: home.made(tmp_path)):
        with pytest.raises(ValueError, match=r"^\S+/dagster.yaml is not a regular file, [^\n]+: move it away\.$"):
            find()


def test_what_breaks_while_dagster_is_at_work_is_one_sentence(used, tmp_path):
    place = copied(used, tmp_path) / "history/runs/index.db"

    def work():
        with home.opened(home.made(tmp_path)) as instance:
            BROKEN["noise"](place)
            instance.all_asset_keys()

    with pytest.raises(ValueError, match=rf"^Dagster cannot use what is in {tmp_path} \([^\n]+\)"):
        work()


def test_a_disk_that_takes_no_more_is_told_of_before_dagster_writes_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(home, "_write_to", lambda folder: os.write(os.open("/dev/full", os.O_WRONLY), b"1"))
    with pytest.raises(ValueError, match=r"No space left on device"):
        home.given(str(tmp_path))
    with pytest.raises(ValueError, match=r"No space left on device"):
        home.made(tmp_path / "new")


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_a_home_and_what_is_in_it_are_for_no_others(tmp_path, umask):
    os.umask(umask)
    with home.opened(home.made(tmp_path / "deep" / "home")) as instance:
        assert instance.get_runs() == []
        instance.report_runless_asset_event(dg.AssetMaterialization("calls", partition="2026-03-06"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "deep", *(tmp_path / "deep").rglob("*")]}
    assert len(modes) > 5
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o007} == {}
    assert modes[tmp_path / "deep" / "home"] == 0o700


def test_a_home_of_ours_that_others_could_read_is_closed_to_them_and_one_of_the_users_own_stays(tmp_path):
    tmp_path.chmod(0o755)
    home.given(str(tmp_path))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    home.made(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert "concurrency" in (tmp_path / "dagster.yaml").read_text()
