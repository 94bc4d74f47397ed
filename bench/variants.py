"""One timed piece of work in its own process: `python bench/variants.py NAME JSON` prints its seconds and its memory.

Imports happen before the clock starts. Memory is how much the process's peak grew while the clock ran.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FIRST = date(2025, 3, 4)
UTC = ZoneInfo("UTC")
Work = Callable[[], dict[str, float] | None]


def days_of(count: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(count)]


def pages_of(url: str, token: str, calls: int) -> tuple[str, dict[str, str], list[dict[str, str]]]:
    """The requests for one day, for those who know how many pages there are."""
    params = {"dateFrom": str(FIRST), "dateTo": str(FIRST), "limit": "1000"}
    return f"{url}/calls/", {"Access-Token": token}, [params | {"page": str(n + 1)} for n in range(-(-calls // 1000))]


def download(url: str, token: str, calls: int, workers: int, **_: Any) -> Work:
    """The bodies alone; the first comes before the others, as the total is not known before."""
    import requests

    address, headers, pages = pages_of(url, token, calls)
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=workers))

    def get(params: dict[str, str]) -> int:
        return len(session.get(address, params=params, headers=headers).content)

    def work() -> dict[str, float]:
        with ThreadPoolExecutor(workers) as pool:
            return {"bytes": get(pages[0]) + sum(pool.map(get, pages[1:]))}

    return work


def floor(url: str, token: str, calls: int, ready: str, out: str, **_: Any) -> Work:
    """Download with the standard library, parse with simdjson without building columns, write a ready-made table."""
    import http.client
    from urllib.parse import urlencode, urlsplit

    import pyarrow.parquet as pq
    import simdjson

    from calls_assets.tables.catalog import RAW_CALLS
    from calls_assets.tables.store import row_groups, to_parquet

    address, headers, pages = pages_of(url, token, calls)
    table = pq.read_table(ready)
    parser, place = simdjson.Parser(), urlsplit(address)
    connection = http.client.HTTPConnection(place.netloc)

    def work() -> None:
        for params in pages:
            connection.request("GET", f"{place.path}?{urlencode(params)}", headers=headers)
            parser.parse(connection.getresponse().read())
        _, content = to_parquet(RAW_CALLS, row_groups(table))
        Path(out, "floor.parquet").write_bytes(content)

    return work


def ours(url: str, token: str, workers: int, out: str, days: int = 1, **_: Any) -> Work:
    """What the asset `raw_calls` does, without Dagster: windows, a crawl proven complete, days, files."""
    from calls_assets.api.client import Client
    from calls_assets.api.crawl import Calls, Crawler
    from calls_assets.api.decode import Decoder
    from calls_assets.api.document import Query
    from calls_assets.api.errors import Incomplete
    from calls_assets.api.parts import parts
    from calls_assets.api.windows import Reading, Window
    from calls_assets.dagster.resources import CallsApi
    from calls_assets.days import by_day
    from calls_assets.tables.catalog import RAW_CALLS
    from calls_assets.tables.store import TableStore

    reading = Reading(UTC, date_to_inclusive=True)
    most = CallsApi.model_fields["calls_per_window"].default

    def work() -> None:
        store = TableStore(out)
        with Client(url, token) as client:
            crawler = Crawler(partial(client.fetch, read=Decoder().read), concurrency=workers)
            for whole in reading.windows(days_of(days), UTC):
                for window, _, crawled in parts(crawler, whole, Query(limit=1000), UTC, reading, most):
                    if isinstance(crawled, Incomplete):
                        raise crawled
                    land(store, window, crawled.calls)
                    del crawled  # as the asset does, so that two windows are never in memory at once

    def land(store: TableStore, window: Window, calls: Calls) -> None:
        for day, places in by_day(calls.started_at, window.days, UTC).items():
            groups = calls.at(places).tables()
            store.write(RAW_CALLS, day, map(partial(RAW_CALLS.stamp, day=day), groups))

    return work


def page(options: list[str], **_: Any) -> Work:
    """A page of 1,000 calls in some dialects, decoded again and again."""
    from calls_assets.api.decode import Decoder
    from calls_assets.sandbox import RepeatedCalls, Sandbox

    body = Sandbox(RepeatedCalls(dialect=tuple(options))).answer(
        {"dateFrom": str(FIRST), "dateTo": str(FIRST), "limit": "1000"}
    )
    decoder = Decoder()
    decoder.read(body)

    def work() -> None:
        for _ in range(100):
            decoder.read(body)

    return work


def script(url: str, token: str, calls: int, out: str, **_: Any) -> Work:
    """The usual script."""
    import pandas as pd
    import requests

    address, headers, pages = pages_of(url, token, calls)

    def work() -> None:
        rows: list[dict[str, Any]] = []
        for params in pages:
            rows += requests.get(address, params=params, headers=headers, timeout=60).json()["calls"]
        pd.json_normalize(rows).to_parquet(Path(out, "script.parquet"))

    return work


def dlt(url: str, token: str, calls: int, out: str, **_: Any) -> Work:
    """dlt's rest_api source, into Parquet files."""
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL", "DLT_DATA_DIR": f"{out}/dlt"}
    import dlt as library
    from dlt.sources.rest_api import rest_api_source

    endpoint = {
        "path": "calls/",
        "params": {"dateFrom": str(FIRST), "dateTo": str(FIRST), "limit": 1000},
        "data_selector": "calls",
        "paginator": {
            "type": "page_number",
            "base_page": 1,
            "total_path": None,
            "maximum_page": -(-calls // 1000) + 1,
            "stop_after_empty_page": False,
        },
    }
    config: Any = {
        "client": {"base_url": f"{url}/", "headers": {"Access-Token": token}},
        "resources": [{"name": "calls", "endpoint": endpoint}],
    }

    def work() -> None:
        destination = library.destinations.filesystem(bucket_url=f"file://{out}/lake")
        pipeline = library.pipeline("calls", destination=destination, dataset_name="raw", pipelines_dir=f"{out}/dlt")
        pipeline.run(rest_api_source(config), loader_file_format="parquet")

    return work


NEEDED = """
    SELECT local_date, ring_group.id, count(*) FILTER (is_inbound), count(*) FILTER (is_answered),
        count(*) FILTER (is_answered_within_sla), sum(talk_time)
    FROM raw_calls GROUP BY ALL
"""


def metrics(files: list[str], **_: Any) -> Work:
    """Calls, answered, in time and talk of each day and ring group, by DuckDB."""
    import duckdb

    def work() -> None:
        with duckdb.connect() as connection:
            connection.read_parquet(files).create_view("raw_calls")
            connection.execute(NEEDED).fetchall()

    return work


def column_read(files: list[str], **_: Any) -> Work:
    """The columns that `metrics` needs, read and nothing else."""
    import pyarrow.parquet as pq

    columns = ["local_date", "ring_group.id", "is_inbound", "is_answered", "is_answered_within_sla", "talk_time"]

    def work() -> None:
        for file in files:
            pq.ParquetFile(file).read(columns)

    return work


def pandas_metrics(files: list[str], **_: Any) -> Work:
    """The same as `metrics`, as a pandas user writes it."""
    import pandas as pd

    columns = ["local_date", "ring_group", "is_inbound", "is_answered", "is_answered_within_sla", "talk_time"]

    def work() -> None:
        calls = pd.concat([pd.read_parquet(file, columns=columns) for file in files])
        calls["ring_group_id"] = [group["id"] if group else None for group in calls["ring_group"]]
        calls["is_answered_within_sla"] = calls["is_answered_within_sla"].eq(True)
        grouped = calls.groupby(["local_date", "ring_group_id"], dropna=False)
        grouped[["is_inbound", "is_answered", "is_answered_within_sla", "talk_time"]].sum()

    return work


VARIANTS: dict[str, Callable[..., Work]] = {
    made.__name__: made for made in (download, floor, ours, page, script, dlt, metrics, column_read, pandas_metrics)
}


def peak_mib() -> float:
    lines: Iterable[str] = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    name, given = sys.argv[1], json.loads(sys.argv[2])
    work = VARIANTS[name](**given)
    before, began = peak_mib(), time.perf_counter()
    more = work() or {}
    json.dump({"s": time.perf_counter() - began, "mib": peak_mib() - before} | more, sys.stdout)


if __name__ == "__main__":
    main()
