"""What a run does for a table that is computed from files."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.assets.landing import Landing
from calls_assets.checks import Finding
from calls_assets.findings import LONGEST_S, check_calls, check_intervals, check_members, check_talk
from calls_assets.metrics.run import compute
from calls_assets.report.cards import cards
from calls_assets.tables.dictionary import (
    AGENT_TALK_TIME,
    CALL_AGENTS,
    CALL_INTERVALS,
    CALLS,
    RAW_CALLS,
    SERVICE_LEVEL,
    TABLES,
)
from calls_assets.tables.schema import Table
from calls_assets.tables.store import TableStore

ROWS_AT_ONCE = 100_000
"""Rows of inputs that one query covers, or those of one day, which bounds the memory of a long range."""


def compute_days(table: Table, land: Landing) -> None:
    """Compute and land a table's days of the run."""
    for days in _batches(table, land):
        with land.alone():
            _land(table, days, land)


def _batches(table: Table, land: Landing) -> Iterator[tuple[date, ...]]:
    """The run's days, as many at a time as a query takes."""
    batch: list[date] = []
    rows = 0
    for day in land.days:
        here = sum(land.store.count(TABLES[name], day) for name in table.inputs)
        if batch and rows + here > ROWS_AT_ONCE:
            yield tuple(batch)
            batch, rows = [], 0
        batch.append(day)
        rows += here
    yield tuple(batch)


def _land(table: Table, days: tuple[date, ...], land: Landing) -> None:
    inputs = {name: land.store.files(TABLES[name], days) for name in table.inputs}
    for day, rows in compute(table, inputs, days, land.zone).items():
        shown = headlines(table, rows, land.zone)
        land.land(table, day, rows, shown, _findings(table, day, rows, land.store))


def headlines(table: Table, rows: pa.Table, zone: ZoneInfo) -> dict[str, Any]:
    """The numbers of a day that the UI shows and plots, and the cards that it shows beside them."""
    if "dimension" in rows.schema.names:
        total = next(row for row in rows.to_pylist() if row["dimension"] == "total")
        numbers = {name: value for name, value in total.items() if isinstance(value, (int, float))}
        shown = cards(rows, zone) if table is SERVICE_LEVEL else {}
        return numbers | {name: dg.MetadataValue.md(card) for name, card in shown.items()}
    if table is CALLS:
        outcomes = rows["outcome"].value_counts().to_pylist()
        return {"calls": rows.num_rows} | {f"calls_{count['values']}": count["counts"] for count in outcomes}
    if table is AGENT_TALK_TIME:
        names = ("calls_handled", "calls_answered_first", "talk_s")
        return {"agents": len(rows["agent_id"].unique().drop_null())} | {n: sum(rows[n].to_pylist()) for n in names}
    return {}


def _findings(table: Table, day: date, rows: pa.Table, store: TableStore) -> dict[str, Finding]:
    if table is CALL_AGENTS:
        calls = store.read(RAW_CALLS, [day], ["is_ended", "talk_time"])
        possible = (pc.field("talk_time") >= 0) & (pc.field("talk_time") <= LONGEST_S)
        talk = calls.filter(pc.field("is_ended") & possible)["talk_time"]
        return check_talk(rows, pc.sum(talk).as_py() or 0)
    if table is AGENT_TALK_TIME:
        return check_talk(rows, pc.sum(store.read(CALL_AGENTS, [day], ["talk_s"])["talk_s"]).as_py() or 0)
    if table is CALLS:
        return check_calls(rows, store.read(RAW_CALLS, [day], ["id"])["id"])
    if table is CALL_INTERVALS:
        ended = store.read(CALLS, [day], ["is_ended"])["is_ended"]
        return check_intervals(rows, pc.sum(ended).as_py() or 0)
    return check_members(rows) if "dimension" in rows.schema.names else {}
