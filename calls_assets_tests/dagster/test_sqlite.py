"""Dagster's commits do not wait for the disk, its files stay open between them, and other databases are left alone."""

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool

from calls_assets.dagster.sqlite import MOST_KEPT, _kept, spare_the_disk

NORMAL = 1


def test_a_connection_to_sqlite_does_not_wait_at_each_commit(tmp_path):
    spare_the_disk()
    spare_the_disk()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == NORMAL
    engine.dispose()


@pytest.fixture
def write(tmp_path):
    """Writes to a database as Dagster does, in a connection of its own that closes; gives the file."""
    spare_the_disk()

    def write(name="log.db", mode="wal"):
        engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / name}", poolclass=NullPool)
        for _ in range(2):
            with engine.begin() as connection:
                connection.exec_driver_sql(f"PRAGMA journal_mode = {mode}")
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (a INTEGER)")
                connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        return tmp_path / name

    return write


def test_the_journal_is_not_written_back_each_time_that_a_connection_closes(write):
    file = write()
    assert file.with_name("log.db-wal").stat().st_size > 0
    with sqlite3.connect(file) as other:  # another process sees all of it
        assert other.execute("SELECT count(*) FROM t").fetchone() == (2,)
    other.close()


def test_a_file_without_such_a_journal_is_not_kept_open(write):
    assert str(write(mode="delete")) not in _kept


def test_only_the_last_files_are_kept_open(write):
    files = [str(write(f"{number}.db")) for number in range(MOST_KEPT + 3)]
    assert list(_kept) == files[-MOST_KEPT:]


def test_a_process_that_ends_writes_its_journal_back(tmp_path):
    program = f"""
import sqlalchemy
from calls_assets.dagster.sqlite import spare_the_disk
spare_the_disk()
for _ in range(2):
    with sqlalchemy.create_engine("sqlite:///{tmp_path}/log.db", poolclass=sqlalchemy.NullPool).begin() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = wal")
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS t (a INTEGER)")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["log.db"]
