"""What a run does for a table that is computed from files."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.checks.catalog import CheckOutcomes
from calls_assets.checks.computed import TABLE_CHECKS
from calls_assets.days import ONE_DAY, hour_start
from calls_assets.metrics.run import Relation, compute
from calls_assets.pipeline.landing import Landing, Markdown, Metadata
from calls_assets.report.cards import cards
from calls_assets.tables.catalog import (
    ABANDONMENT,
    AGENT_TALK_TIME,
    CALL_FLOW,
    CALLS,
    DAY_STATUS,
    RAW_CALLS,
    REJECTED_CALLS,
    SERVICE_LEVEL,
    TABLES,
)
from calls_assets.tables.schema import Table
from calls_assets.tables.store import TableStore
from calls_assets.waits import Waits

HEADLINES = {
    SERVICE_LEVEL.name: (
        *("day_status", "calls_offered", "calls_answered", "calls_answered_within_sla", "calls_abandoned"),
        *("service_level", "average_speed_of_answer_s"),
    ),
    ABANDONMENT.name: (
        *("day_status", "calls_answered", "calls_abandoned", "calls_short_abandoned"),
        *("abandonment_rate", "abandonment_rate_incl_short"),
    ),
}
"""The figures of a day's total that Dagster stores and plots for each day and pull; all of them are in the table."""

ROWS_AT_ONCE = 100_000
"""The most input rows in one query, unless one day has more; limits the memory of a long range."""


def compute_days(table: Table, land: Landing, repull_days: int, repull_hour: int, waits: Waits) -> None:
    """Compute and land a table for the run's days.

    Args:
        table: The table.
        land: The run's days, and what it writes through.
        repull_days: How many closed days each morning pulls again.
        repull_hour: The hour of that morning, local time.
        waits: How callers' waits are told.
    """
    for days in _batches(table, land):
        with land.alone():
            _land(table, days, land, repull_days, repull_hour, waits)


def _batches(table: Table, land: Landing) -> Iterator[tuple[date, ...]]:
    """The run's days in batches, each for one query."""
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


def _land(
    table: Table, days: tuple[date, ...], land: Landing, repull_days: int, repull_hour: int, waits: Waits
) -> None:
    needed = [name for name in table.inputs if name != REJECTED_CALLS.name]
    inputs: dict[str, Relation] = {name: land.store.files(TABLES[name], days) for name in needed}
    if table is DAY_STATUS:
        # A run may not have selected the table.
        rejected = [day for day in days if land.store.count(REJECTED_CALLS, day)]
        inputs[REJECTED_CALLS.name] = land.store.read(REJECTED_CALLS, rejected, ["local_date"])
        inputs["pulls"] = _pulls(days, land, repull_days, repull_hour)
    for day, rows in compute(table, inputs, days, land.zone, waits).items():
        shown = headlines(table, rows, land.zone)
        land.land(table, day, rows, shown, _outcomes(table, day, rows, land.store))


def _pulls(days: tuple[date, ...], land: Landing, repull_days: int, repull_hour: int) -> pa.Table:
    """Whether each day's calls were written before the last morning that pulls the day again."""
    last_pull_s = (hour_start(day + repull_days * ONE_DAY, repull_hour, land.zone) for day in days)
    placed_s = (land.store.placed_at(RAW_CALLS, day) or 0.0 for day in days)
    inside = [placed < last for placed, last in zip(placed_s, last_pull_s, strict=True)]
    return pa.table({"local_date": pa.array(days, pa.date32()), "is_inside_lookback": pa.array(inside, pa.bool_())})


def headlines(table: Table, rows: pa.Table, zone: ZoneInfo) -> Metadata:
    """A day's figures that the UI shows and plots, and the cards that it shows beside them."""
    if table in (SERVICE_LEVEL, ABANDONMENT):
        total = next(row for row in rows.to_pylist() if row["dimension"] == "total")
        numbers = {name: total[name] for name in HEADLINES[table.name] if total[name] is not None}
        shown = cards(rows, zone) if table is SERVICE_LEVEL else {}
        return numbers | {name: Markdown(card) for name, card in shown.items()}
    if table is CALLS:
        outcomes = rows["outcome"].value_counts().to_pylist()
        return {"calls": rows.num_rows} | {f"calls_{count['values']}": count["counts"] for count in outcomes}
    if table is AGENT_TALK_TIME:
        names = ("calls_handled", "calls_answered_first", "talk_s")
        return {"agents": len(rows["agent_id"].unique().drop_null())} | {n: sum(rows[n].to_pylist()) for n in names}
    if table is CALL_FLOW:
        totals = {row["direction"]: row for row in rows.to_pylist() if row["dimension"] == "total"}
        inbound, outbound = totals["inbound"], totals["outbound"]
        shown = {name: inbound[name] for name in ("transfer_rate", "callback_completion_rate", "repeat_caller_rate")}
        return {
            name: rate
            for name, rate in (shown | {"connect_rate": outbound["connect_rate"]}).items()
            if rate is not None
        }
    if table is DAY_STATUS:
        return {name: value for name, value in rows.to_pylist()[0].items() if name not in ("local_date", "days")}
    return {}


def _outcomes(table: Table, day: date, rows: pa.Table, store: TableStore) -> CheckOutcomes:
    check = TABLE_CHECKS.get(table.name)
    if check is None:
        return {}
    return check.find(rows, store.read(check.other, [day], check.columns)) if check.other else check.find(rows)
