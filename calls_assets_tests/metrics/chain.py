"""Calls by hand, and every table that is computed from them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.metrics.run import Relation, compute
from calls_assets.tables.catalog import ALL_TABLES, TABLES
from calls_assets.waits import Waits

Row = dict[str, Any]

DAY = date(2026, 11, 1)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def call(outcome: str, **changes: Any) -> Row:
    """A row of `calls`: an ended inbound call at noon of `DAY`, but for the changes; local times follow from those in UTC."""
    row = (
        dict.fromkeys(TABLES["calls"].arrow_schema.names)
        | {"local_date": DAY, "started_at": NOON, "interval_start": NOON, "utc_offset_s": 0, "direction": "inbound"}
        | {"outcome": outcome, "outcome_source": "vendor_filter", "call_types": [], "is_ended": True}
        | {"is_answered": outcome == "answered", "requested_callback": False, "is_transferred": False, "transfers": 0}
        | {"is_linked": False, "agents_offered": 0, "agents_answered": 0}
        | changes
    )
    offset = timedelta(seconds=row["utc_offset_s"])
    return row | {f"{name}_local": row[name].replace(tzinfo=None) + offset for name in ("started_at", "interval_start")}


def numbered(rows: Iterable[Row]) -> list[Row]:
    """The calls with ids, from 0, where they have none."""
    return [row | {"call_id": number if row["call_id"] is None else row["call_id"]} for number, row in enumerate(rows)]


def chain(
    rows: Iterable[Row],
    *wanted: str,
    days: tuple[date, ...] = (DAY,),
    zone: str = "UTC",
    given: Mapping[str, Iterable[Row]] | None = None,
    inside_lookback: bool = False,
) -> dict[str, list[Row]]:
    """The rows of the wanted tables, computed from rows of `calls` and of other `given` tables, which else are empty.

    Waits are told by the method of the calls.
    """
    known = {"calls": numbered(rows)} | {name: list(of) for name, of in (given or {}).items()}
    inputs: dict[str, Relation] = {
        name: pa.Table.from_pylist(known.get(name, []), table.arrow_schema) for name, table in ALL_TABLES.items()
    }
    inputs["pulls"] = pa.table(
        {"local_date": pa.array(days, pa.date32()), "is_inside_lookback": [inside_lookback] * len(days)}
    )
    waits = Waits(next((row["wait_method"] for row in known["calls"] if row["wait_method"]), None))
    found = {}
    needs = _needed(wanted or ALL_TABLES)
    for name, table in ALL_TABLES.items():
        if name in known or name not in needs or not table.inputs:
            continue
        needed = {other: inputs[other] for other in (*table.inputs, *(["pulls"] if name == "day_status" else []))}
        parts = compute(table, needed, days, ZoneInfo(zone), waits)
        inputs[name] = pa.concat_tables(parts.values())
        found[name] = inputs[name].to_pylist()
    return found


def _needed(wanted: Iterable[str]) -> set[str]:
    """The wanted tables and all that they are computed from."""
    names = set(wanted)
    return names | _needed(other for name in names for other in ALL_TABLES[name].inputs) if names else set()


def one(rows: Iterable[Row], **values: Any) -> Row:
    """The one row that has these values."""
    (row,) = [row for row in rows if all(row[name] == value for name, value in values.items())]
    return row


def by_contact(rows: Iterable[Row], wanted: str, days: tuple[date, ...]) -> list[Row]:
    """The rows of a list of contacts, computed from calls that are read together; a contact's number is '+' and its id."""
    rows = numbered(rows)
    blank = dict.fromkeys(TABLES["raw_calls"].arrow_schema.names)
    raw = [
        blank
        | {"local_date": row["local_date"], "id": row["call_id"], "started_at": 0}
        | {"contact": {"id": row["contact_id"], "number": f"+{row['contact_id']}"} if row["contact_id"] else None}
        for row in rows
    ]
    return chain(rows, wanted, days=days, given={"raw_calls": raw})[wanted]
