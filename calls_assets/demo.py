"""The demo: the real pipeline through Dagster on the sandbox for the last days, and its three answers as tables."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table as Grid

from calls_assets.definitions import build
from calls_assets.sandbox import Centre, Sandbox
from calls_assets.settings import Settings
from calls_assets.tables.dictionary import TABLES

DAYS = 7

ANSWERS = """
    SELECT
        local_date, calls_offered, calls_answered, service_level, average_speed_of_answer_s, abandonment_rate,
        coalesce(talk_h, 0) AS talk_h
    FROM service_level
    JOIN abandonment USING (local_date, dimension, member_id, calls_offered, calls_answered)
    LEFT JOIN (SELECT local_date, sum(talk_s) / 3600 AS talk_h FROM agent_talk_time GROUP BY local_date) USING (local_date)
    WHERE dimension = 'total'
    ORDER BY local_date
"""

IN_ALL = """
    SELECT sum(calls_answered_within_sla)::BIGINT, sum(calls_answered + calls_abandoned)::BIGINT, sum(calls_abandoned)::BIGINT
    FROM service_level
    WHERE dimension = 'total'
"""

TALKERS = """
    SELECT any_value(agent_alias), sum(calls_handled), sum(talk_s) / 3600 AS talk_h
    FROM agent_talk_time
    WHERE agent_id IS NOT NULL
    GROUP BY agent_id
    ORDER BY talk_h DESC
    LIMIT 5
"""


def run_demo(settings: Settings, instance: dg.DagsterInstance, data: Path, console: Console) -> bool:
    """Pull the last closed days from the sandbox into `data`, then print the answers; says whether that worked."""
    today = datetime.now(settings.zone).date()
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    console.print(f"Pulling {days[0]} to {days[-1]} from the sandbox call centre through Dagster ...")
    with Sandbox(Centre(zone=settings.zone.key)) as api:
        os.environ.update(CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
        job = build(settings).resolve_job_def("calls_pipeline")
        tags = {
            "dagster/asset_partition_range_start": str(days[0]),
            "dagster/asset_partition_range_end": str(days[-1]),
        }
        quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
        with _progress(console, data):
            result = job.execute_in_process(instance=instance, tags=tags, run_config=quiet, raise_on_error=False)
    if result.success:
        _print_answers(console, data, days)
    return result.success


@contextmanager
def _progress(console: Console, data: Path) -> Iterator[None]:
    """A bar that counts the files put in place since now."""
    began, over = time.time(), threading.Event()

    def in_place() -> int:
        return sum(path.stat().st_mtime >= began for path in data.glob("*/*/[!.]*.parquet"))

    def watch() -> None:
        columns = (*Progress.get_default_columns(), TextColumn("{task.completed}/{task.total} files"))
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("Materializing", total=len(TABLES) * DAYS)
            while not over.wait(0.2):
                bar.update(task, completed=in_place())
            bar.update(task, completed=in_place())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _print_answers(console: Console, data: Path, days: list[date]) -> None:
    with duckdb.connect() as connection:
        for name in ("service_level", "abandonment", "agent_talk_time"):
            files = [str(data / name / f"date={day}" / f"{name}.parquet") for day in days]
            connection.read_parquet(files).create_view(name)
        answers = connection.execute(ANSWERS).fetchall()
        ((within, counted, abandoned),) = connection.execute(IN_ALL).fetchall()
        talkers = connection.execute(TALKERS).fetchall()

    grid = Grid(title="Are we answering in time, and whom do we lose?", box=SIMPLE_HEAD)
    for name in ("day", "offered", "answered", "service\nlevel", "speed of\nanswer", "abandoned", "talk"):
        grid.add_column(name, justify="left" if name == "day" else "right", no_wrap=True)
    for day, offered, answered, level, speed, lost, talk_h in answers:
        waited = "-" if speed is None else f"{speed:.0f} s"
        grid.add_row(
            f"{day:%a %d %b}",
            f"{offered}",
            f"{answered}",
            _percent(level),
            waited,
            _percent(lost),
            f"{talk_h:.1f} h",
        )
    console.print(grid)
    talk = Grid(title="Who talks how long? (top 5)", box=SIMPLE_HEAD)
    for name in ("agent", "calls", "talk"):
        talk.add_column(name, justify="left" if name == "agent" else "right", no_wrap=True)
    for alias, calls, talk_h in talkers:
        talk.add_row(alias, f"{calls}", f"{talk_h:.1f} h")
    console.print(talk)
    if counted:
        console.print(
            f"In {DAYS} days the service level was [bold]{within / counted:.1%}[/]: of {counted} calls that were answered or "
            f"abandoned, {within} were answered in time; {abandoned} callers ({abandoned / counted:.1%}) hung up.",
            highlight=False,
        )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
