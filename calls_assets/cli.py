"""The `calls-assets` command: the demo, the UI, and the sandbox API alone."""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn
from rich.table import Table as Grid

from calls_assets.tables.dictionary import TABLES

HOME = Path(".calls_assets")
"""Where the demo and the UI keep what is not the user's own data; sandbox data stays in it."""

SANDBOX_DATA = HOME / "sandbox" / "data"
SANDBOX_INSTANCE = HOME / "sandbox" / "dagster"
INSTANCE = HOME / "dagster"
DEMO_DAYS = 7


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that `argv` names; exits with 1 and one sentence where it cannot."""
    parser = argparse.ArgumentParser(prog="calls-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("demo", help="run the pipeline on the sandbox for the last days").set_defaults(run=demo)
    dev_parser = commands.add_parser("dev", help="the Dagster UI; on the sandbox unless CALLS_API_URL is set")
    dev_parser.add_argument("--port", type=int, default=3000)
    dev_parser.set_defaults(run=dev)
    sandbox_parser = commands.add_parser("sandbox", help="the embedded sandbox API alone")
    sandbox_parser.add_argument("--port", type=int, default=8080)
    sandbox_parser.set_defaults(run=sandbox)
    arguments = parser.parse_args(argv)
    arguments.run(arguments)


def sandbox(arguments: argparse.Namespace) -> None:
    """Serve the sandbox API until interrupted."""
    from calls_assets.sandbox import Sandbox

    with Sandbox(port=arguments.port) as api:
        Console().print(f"CALLS_API_URL={api.url} CALLS_API_TOKEN={api.token}   (Ctrl-C stops it)", soft_wrap=True)
        _wait()


def demo(_: argparse.Namespace) -> None:
    """Run the real pipeline through Dagster on the sandbox for the last days, and print the three answers."""
    import dagster as dg

    from calls_assets.definitions import build
    from calls_assets.sandbox import Centre, Sandbox
    from calls_assets.settings import Settings

    console = Console()
    settings = Settings.load({**os.environ, "CALLS_DATA_URL": str(SANDBOX_DATA.absolute()), "CALLS_FILTERS": ""})
    if settings.problems:
        sys.exit(" ".join(settings.problems))
    today = datetime.now(settings.zone).date()
    first, last = today - timedelta(days=DEMO_DAYS), today - timedelta(days=1)
    console.print(f"Pulling {first} to {last} from the sandbox call centre through Dagster ...")
    _make_instance(SANDBOX_INSTANCE)
    with (
        Sandbox(Centre(zone=settings.zone.key)) as api,
        dg.DagsterInstance.from_config(str(SANDBOX_INSTANCE)) as instance,
    ):
        os.environ.update(CALLS_API_URL=api.url, CALLS_API_TOKEN=api.token)
        job = build(settings).resolve_job_def("calls_pipeline")
        tags = {"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)}
        quiet = {"loggers": {"console": {"config": {"log_level": "ERROR"}}}}
        with _progress(console, SANDBOX_DATA):
            result = job.execute_in_process(instance=instance, tags=tags, run_config=quiet, raise_on_error=False)
    if not result.success:
        sys.exit("The demo's run failed; its log is above.")
    _print_answers(console, SANDBOX_DATA)
    console.print(f"\nThe Parquet lies in {SANDBOX_DATA}; see these runs in the UI with: make dev", soft_wrap=True)


def dev(arguments: argparse.Namespace) -> None:
    """Open the Dagster UI: on the account of CALLS_API_URL, or else on the sandbox with a tree of its own."""
    from calls_assets.sandbox import Centre, Sandbox
    from calls_assets.settings import Settings

    settings = Settings.load()
    environ = dict(os.environ)
    with ExitStack() as stack:
        if environ.get("CALLS_API_URL"):
            home = INSTANCE
        else:
            home = SANDBOX_INSTANCE
            api = stack.enter_context(Sandbox(Centre(zone=settings.zone.key)))
            environ |= {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token}
            environ |= {"CALLS_DATA_URL": str(SANDBOX_DATA.absolute())}
        if not environ.get("DAGSTER_HOME") or home == SANDBOX_INSTANCE:
            _make_instance(home)
            environ["DAGSTER_HOME"] = str(home.absolute())
        command = [
            "-m",
            "dagster",
            "dev",
            "-m",
            "calls_assets.definitions",
            "-h",
            "127.0.0.1",
            "-p",
            str(arguments.port),
        ]
        process = subprocess.Popen([sys.executable, *command], env=environ)  # noqa: S603  # our own interpreter
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()


@contextmanager
def _progress(console: Console, data: Path) -> Iterator[None]:
    """A bar that counts the files put in place since now."""
    began, over = time.time(), threading.Event()

    def watch() -> None:
        total = len(TABLES) * DEMO_DAYS
        columns = (*Progress.get_default_columns(), TextColumn("{task.completed}/{task.total} files"))
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("Materializing", total=total)
            while not over.wait(0.2):
                bar.update(task, completed=sum(path.stat().st_mtime >= began for path in data.glob("*/*/*.parquet")))
            bar.update(task, completed=total)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _make_instance(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    settings = files("calls_assets").joinpath("dagster.yaml").read_text(encoding="utf-8")
    (home / "dagster.yaml").write_text(settings, encoding="utf-8")


def _print_answers(console: Console, data: Path) -> None:
    import duckdb

    query = f"""
        SELECT s.local_date, s.calls_offered, s.calls_answered, s.service_level, s.average_speed_of_answer_s,
            a.abandonment_rate, coalesce(t.talk_h, 0)
        FROM read_parquet('{data}/service_level/*/*.parquet') AS s
        JOIN read_parquet('{data}/abandonment/*/*.parquet') AS a USING (local_date, dimension, member_id)
        LEFT JOIN (SELECT local_date, sum(talk_s) / 3600 AS talk_h FROM read_parquet('{data}/agent_talk_time/*/*.parquet')
              GROUP BY ALL) AS t USING (local_date)
        WHERE s.dimension = 'total' ORDER BY local_date DESC LIMIT {DEMO_DAYS}
    """  # noqa: S608  # our own folder
    grid = Grid(title="Are we answering in time, and whom do we lose")
    names = ("day", "offered", "answered", "service\nlevel", "speed of\nanswer", "abandoned", "talk")
    for name in names:
        grid.add_column(name, justify="left" if name == "day" else "right", no_wrap=True)
    for day, offered, answered, level, speed, lost, talk_h in reversed(duckdb.connect().execute(query).fetchall()):
        grid.add_row(
            f"{day:%a %Y-%m-%d}", str(offered), str(answered), _percent(level), "-" if speed is None else f"{speed:.0f} s",
            _percent(lost), f"{talk_h:.1f} h",
        )  # fmt: skip
    console.print(grid)
    top = f"""
        SELECT agent_alias, sum(calls_handled), sum(talk_s) / 3600
        FROM read_parquet('{data}/agent_talk_time/*/*.parquet')
        WHERE agent_id IS NOT NULL AND local_date >= today() - {DEMO_DAYS + 1}
        GROUP BY agent_alias ORDER BY 3 DESC LIMIT 5
    """  # noqa: S608  # our own folder
    agents = duckdb.connect().execute(top).fetchall()
    talkers = Grid("agent", "calls", "talk time", title=f"Who talks how long, {DEMO_DAYS} days (top 5)")
    for alias, calls, talk_h in agents:
        talkers.add_row(alias, str(calls), f"{talk_h:.1f} h")
    console.print(talkers)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"


def _wait() -> None:
    with suppress(KeyboardInterrupt):
        signal.pause()
