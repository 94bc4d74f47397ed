"""`make bench`: this project against the floor and its peers, all in one run, as ratios; writes docs/performance.md's table.

Every variant runs in a fresh process, all variants of a comparison in turn, round by round; the first round is discarded.
Ratios are taken within a round, and the median over the rounds counts, so that a machine that slows down does no harm.
"""

import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from calls_assets.sandbox import Centre, Sandbox
from calls_assets.tables.catalog import TABLES

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # for the tests' servers

ROUNDS = 5
BACKFILLED = 400
BIN = Path(sys.executable).parent
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"
Result = dict[str, float]


@dataclass(frozen=True)
class Line:
    """A line of the table: a figure and its goal, if it has one, as an upper or a lower bound."""

    what: str
    value: float
    goal: float | None = None
    at_most: bool = True
    unit: str = "x"

    @property
    def is_met(self) -> bool:
        return self.goal is None or (self.value <= self.goal if self.at_most else self.value >= self.goal)

    def __str__(self) -> str:
        verdict = "" if self.goal is None else "met" if self.is_met else "missed"
        bound = "" if self.goal is None else f"{'at most' if self.at_most else 'at least'} {self._show(self.goal)}"
        return f"| {self.what} | {self._show(self.value)} | {bound} | {verdict} |"

    def _show(self, number: float) -> str:
        return f"{number:,.0f} {self.unit}" if self.unit != "x" else f"{number:.3g} x"


ACCOUNTS = {
    "as documented": [],
    "with undocumented fields": ["--dialect", "undocumented"],
    "with strings for everything": ["--dialect", "strings"],
}
"""The accounts that are pulled, each with its sandbox options."""


@contextmanager
def sandbox(calls_per_day: int, latency_s: float = 0, account: str = "as documented") -> Iterator[dict[str, str]]:
    """The sandbox's fast mode in its own process; yields its address and token."""
    command = [BIN / "calls-assets", "sandbox", "--fast", "--port", "0"]
    options = ["--calls-per-day", str(calls_per_day), "--latency", str(latency_s), *ACCOUNTS[account]]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            given = dict(word.split("=", 1) for word in process.stdout.readline().split()[:2])
            yield {"url": given["CALLS_API_URL"], "token": given["CALLS_API_TOKEN"]}
        finally:
            process.terminate()


def measure(name: str, **given: Any) -> Result:
    """Run a variant in a fresh process with its own folder."""
    with tempfile.TemporaryDirectory() as out:
        given.setdefault("out", out)
        command = [sys.executable, ROOT / "bench" / "variants.py", name, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr[-2000:]}")
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def rounds(variants: dict[str, dict[str, Any]], count: int = ROUNDS) -> dict[str, list[Result]]:
    """Run all variants in turn, `count` times after one round that does not count."""
    found: dict[str, list[Result]] = {label: [] for label in variants}
    for number in range(count + 1):
        for label, given in variants.items():
            result = measure(**given)
            if number:
                found[label].append(result)
    for label, results in found.items():
        say(f"    {label}: {median(results, 's'):.2f} s, {median(results, 'mib'):.0f} MiB")
    return found


def median(results: list[Result], key: str) -> float:
    return statistics.median(result[key] for result in results)


def ratio(one: list[Result], other: list[Result]) -> float:
    return statistics.median(a["s"] / b["s"] for a, b in zip(one, other, strict=True))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def fetch_at_no_latency(folder: Path, account: str) -> Iterator[Line]:
    say(f"A day of 100,000 calls, no latency, an account {account}")
    with sandbox(100_000, account=account) as api:
        measure("ours", **api, workers=4, out=str(folder))
        (ready,) = folder.rglob("raw_calls.parquet")
        day = api | {"calls": 100_000, "workers": 4, "ready": str(ready)}
        names = {name: day | {"name": name} for name in ("floor", "ours", "script")}
        names["ours, one thread"] = names["ours"] | {"workers": 1}
        found = rounds(names)
        bodies = measure("download", **day)["bytes"]
    yield Line(f"{account}: ours, 4 threads / floor, 100,000 calls", ratio(found["ours"], found["floor"]), 1.5)
    yield Line(f"{account}: ours, 1 thread / floor, 100,000 calls", ratio(found["ours, one thread"], found["floor"]))
    script = ratio(found["script"], found["ours"])
    yield Line(f"{account}: usual script / ours, 100,000 calls", script, 8.0, at_most=False)
    yield Line(f"{account}: memory, a day of 100,000 calls", median(found["ours"], "mib"), 150, unit="MiB")
    yield Line(f"{account}: bytes of Parquet / bytes of JSON", ready.stat().st_size / bodies)
    say(f"A day of 10,000 calls, no latency, an account {account}")
    with sandbox(10_000, account=account) as api:
        day = api | {"calls": 10_000, "workers": 4}
        found = rounds({name: day | {"name": name} for name in ("ours", "script", "dlt")})
    yield Line(f"{account}: usual script / ours, 10,000 calls", ratio(found["script"], found["ours"]))
    yield Line(f"{account}: dlt / ours, 10,000 calls", ratio(found["dlt"], found["ours"]), 14.0, at_most=False)


def pages() -> Iterator[Line]:
    say("Pages of 1,000 calls")
    found = rounds({account: {"name": "page", "options": options[1:]} for account, options in ACCOUNTS.items()})
    for account in list(ACCOUNTS)[1:]:
        value = ratio(found[account], found["as documented"])
        yield Line(f"a page {account} / a page as documented, decoded", value, 1.6)


def fetch_over_a_link() -> Iterator[Line]:
    for latency_s in (0.05, 0.2):
        at = f"{latency_s * 1000:.0f} ms"
        say(f"A day of 10,000 calls, {at}")
        with sandbox(10_000, latency_s) as api:
            day = api | {"calls": 10_000, "workers": 4}
            found = rounds({name: day | {"name": name} for name in ("ours", "script", "dlt")})
        yield Line(f"usual script / ours, 10,000 calls at {at}", ratio(found["script"], found["ours"]))
        yield Line(f"dlt / ours, 10,000 calls at {at}", ratio(found["dlt"], found["ours"]))
    for latency_s in (0.05, 0.2):
        at = f"{latency_s * 1000:.0f} ms"
        say(f"A day of 100,000 calls, {at}, 16 threads")
        with sandbox(100_000, latency_s) as api:
            day = api | {"calls": 100_000, "workers": 16}
            found = rounds({name: day | {"name": name} for name in ("ours", "download")})
        goal = 1.25 if latency_s == 0.2 else None
        what = f"ours / download alone, 100,000 calls, 16 threads at {at}"
        yield Line(what, ratio(found["ours"], found["download"]), goal)


def memory() -> Iterator[Line]:
    say("A day of 1,000,000 calls")
    with sandbox(1_000_000) as api:
        found = rounds({"ours": api | {"name": "ours", "workers": 4}}, count=2)
    yield Line("memory, a day of 1,000,000 calls", median(found["ours"], "mib"), 400, unit="MiB")
    say("365 days of 1,000 calls in one run")
    with sandbox(1_000) as api:
        found = rounds({"ours": api | {"name": "ours", "workers": 4, "days": 365}}, count=2)
    yield Line("memory, 365 days of 1,000 calls in one run", median(found["ours"], "mib"), 100, unit="MiB")


def metrics(folder: Path) -> Iterator[Line]:
    say("90 days of 10,000 calls")
    with sandbox(10_000) as api:
        measure("ours", **api, workers=4, days=90, out=str(folder))
    given = {"files": sorted(map(str, folder.rglob("raw_calls.parquet")))}
    found = rounds({name: given | {"name": name} for name in ("metrics", "column_read", "pandas_metrics")})
    yield Line("metrics of 90 days / reading their columns", ratio(found["metrics"], found["column_read"]), 2.0)
    yield Line("pandas / metrics of 90 days", ratio(found["pandas_metrics"], found["metrics"]), 8.0, at_most=False)


def backfill(folder: Path) -> Iterator[Line]:
    """Whole processes of Dagster's own command, with its default SQLite."""
    say("365 days of 400 calls through Dagster: one ranged run, and 5 of the days as runs of their own")
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(files("calls_assets").joinpath("dagster.yaml").read_text(encoding="utf-8"))

    def run(select: str, *days: str) -> float:
        environ = os.environ | {
            "CALLS_API_URL": api["url"],
            "CALLS_API_TOKEN": api["token"],
            "CALLS_DATA_URL": str(folder / "data"),
            "CALLS_START_DATE": "2025-01-01",
            "DAGSTER_HOME": str(home),
        }
        began = time.perf_counter()
        command = [BIN / "dagster", "asset", "materialize", "-m", "calls_assets.definitions", "--select", select, *days]
        subprocess.run(command, env=environ, check=True, capture_output=True)
        return time.perf_counter() - began

    with sandbox(400) as api:
        for what, select in (("raw_calls", "raw_calls"), ("the whole pipeline", "*")):
            run(select, "--partition", "2025-12-31")
            single_s = [run(select, "--partition", f"2025-0{month}-01") for month in range(1, ROUNDS + 1)]
            ranged_s = run(select, "--partition-range", "2025-01-01...2025-12-31")
            each_s = statistics.median(single_s)
            say(f"    {what}: ranged {ranged_s:.0f} s, single {each_s:.1f} s each")
            yield Line(
                f"365 single runs (5 measured, scaled) / one ranged run, {what}",
                365 * each_s / ranged_s,
                40,
                at_most=False,
            )


def log(folder: Path) -> Iterator[Line]:
    """What a day leaves in Dagster's log, and how long a backfill in the UI takes, with the servers as they are shipped."""
    from calls_assets_tests.live import live

    days = [str(date(2025, 1, 6) + timedelta(days=n)) for n in range(BACKFILLED)]
    folder.mkdir(parents=True)
    say(f"{BACKFILLED} days of 120 calls through the UI's backfill")
    with Sandbox(Centre(calls_per_day=120)) as api:
        given = {"CALLS_API_URL": api.url, "CALLS_API_TOKEN": api.token, "CALLS_DATA_URL": str(folder / "data")}
        with live(folder, given) as servers:
            at_rest = size(servers.home)
            began = time.perf_counter()
            ended = servers.backfill(days, [*TABLES, "daily_report"], seconds=3600)
            took_s = time.perf_counter() - began
            grown = size(servers.home) - at_rest
            with closing(sqlite3.connect(servers.home / "history" / "runs" / "index.db")) as index:
                ((rows,),) = index.execute("SELECT count(*) FROM event_logs")
    if ended != "COMPLETED_SUCCESS":
        sys.exit(f"The backfill ended as {ended}.")
    yield Line(f"{BACKFILLED} days of 120 calls through the UI's backfill", took_s, 200, unit="s")
    yield Line("rows of the event log a pulled day", rows / BACKFILLED, 40, unit="rows")
    yield Line("growth of Dagster's home a pulled day", grown / BACKFILLED / 1024, 120, unit="KB")


def size(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def report(lines: list[Line]) -> None:
    """Write the table into the page."""
    cpu = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "?",
    )
    memory_gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    machine = f"{os.cpu_count()} cores ({cpu}), {memory_gib:.0f} GiB, Python {platform.python_version()}"
    table = ["| what | measured | goal | |", "| --- | --- | --- | --- |", *map(str, lines)]
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(
        f"{before}{BEGIN}Last run on {machine}.\n\n" + "\n".join(table) + f"\n{END}{after}", encoding="utf-8"
    )


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        lines = [
            *pages(),
            *(line for account in ACCOUNTS for line in fetch_at_no_latency(folder / account, account)),
            *fetch_over_a_link(),
            *memory(),
            *metrics(folder / "days"),
            *backfill(folder / "backfill"),
            *log(folder / "log"),
        ]
    finally:
        shutil.rmtree(folder)
    report(lines)
    say("\n".join(map(str, lines)))
    if missed := [line.what for line in lines if line.unit == "MiB" and not line.is_met]:
        sys.exit(f"Over the bound: {', '.join(missed)}.")


if __name__ == "__main__":
    main()
