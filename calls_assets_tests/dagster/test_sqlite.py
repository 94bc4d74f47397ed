"""Dagster's commits do not wait for the disk, and other databases are left alone."""

import sqlalchemy

from calls_assets.dagster.sqlite import spare_the_disk

NORMAL = 1


def test_a_connection_to_sqlite_does_not_wait_at_each_commit(tmp_path):
    spare_the_disk()
    spare_the_disk()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'log.db'}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == NORMAL
    engine.dispose()
