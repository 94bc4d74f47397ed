"""Simulated accounts as trees of Parquet, without the API in between: what pulling all their days would leave behind."""

import json
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.decode import read_page
from calls_assets.api.document import CALL_TYPES, LABEL_CALL_TYPES
from calls_assets.metrics.run import compute, reconcile
from calls_assets.sandbox import Centre
from calls_assets.tables.catalog import RAW_CALL_TYPES, RAW_CALLS, TABLES
from calls_assets.tables.store import TableStore
from calls_assets.waits import UNKNOWN, Waits

HOW = {name: "labelled" if name in LABEL_CALL_TYPES else "settled" for name in CALL_TYPES}


def write_tree(
    root: Path,
    centre: Centre,
    first: date,
    last: date,
    wanted: tuple[str, ...] = tuple(TABLES),
    waits: Waits = UNKNOWN,
) -> Path:
    """Write the wanted tables of a centre's local days, all of them closed and final, and return the root."""
    zone, store = centre.zone, TableStore(str(root))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    tables = simulated(centre, days)
    tables["reconciliation"] = pa.concat_tables(
        reconcile(tables["raw_calls"], tables["raw_call_types"], HOW, days, zone).values()
    )
    tables["pulls"] = pa.table({"local_date": pa.array(days, pa.date32()), "is_inside_lookback": [False] * len(days)})
    for table in TABLES.values():
        if table.inputs:
            parts = compute(table, tables, days, zone, waits)
            tables[table.name] = pa.concat_tables(parts.values())
        else:
            rows = tables.setdefault(table.name, table.empty())
            parts = {day: rows.filter(pc.field("local_date") == day) for day in days}
        if table.name in wanted:
            for day, rows in parts.items():
                store.write(table, day, rows)
    return root


def simulated(centre: Centre, days: list[date]) -> dict[str, pa.Table]:
    """The centre's `raw_calls` and `raw_call_types`."""
    raw_calls, labels = [], []
    for day in days:
        calls = sorted(centre.day(day), key=lambda call: call.record["id"])
        body = {"calls": [call.record for call in calls], "meta": {"total": len(calls)}}
        raw_calls.append(RAW_CALLS.stamp(read_page(json.dumps(body).encode()).calls, day))
        labels += [
            {"local_date": day, "call_id": call.record["id"], "call_type": name}
            for call in calls
            for name in sorted(call.call_types & set(LABEL_CALL_TYPES))
        ]
    return {
        "raw_calls": pa.concat_tables(raw_calls),
        "raw_call_types": pa.Table.from_pylist(labels, RAW_CALL_TYPES.arrow_schema),
    }
