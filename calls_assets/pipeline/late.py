"""Late changes: what a pull changes about a day that was over at the previous pull."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.days import ONE_DAY, day_start
from calls_assets.pipeline.changes import CHANGED, GONE, NEW, changes
from calls_assets.pipeline.landing import Landing, Markdown
from calls_assets.tables.catalog import CALL_CHANGES, RAW_CALLS
from calls_assets.tables.store import BrokenFile, MissingDay


def late_changes(land: Landing, day: date, after: Iterable[pa.Table], pulled_s: float) -> pa.Table | None:
    """The rows of `call_changes` that a pull adds; None if the day has not been pulled since it was over.

    Args:
        land: The run's landing, which has the tree.
        day: The local day.
        after: The day's new rows of `raw_calls`, in parts.
        pulled_s: When the pull began, in epoch seconds.

    A broken file is replaced without a comparison, because otherwise nothing would ever replace it.
    """
    end_s = day_start(day + ONE_DAY, land.zone)
    before_s = land.store.placed_at(RAW_CALLS, day)
    if before_s is None or before_s < end_s:
        return None
    try:
        found = changes(land.store.files(RAW_CALLS, [day]), after)
    except (BrokenFile, duckdb.Error):
        broken = land.store.read_through([RAW_CALLS], [day])
        if not broken:
            raise
        land.log.warning("The changes of %s by this pull are unknown: %s", day, broken[day])
        return None
    pull = (_instant(pulled_s), _instant(before_s), int(pulled_s) - end_s)
    names = ("pulled_at", "compared_with", "age_s")
    kinds = [CALL_CHANGES.arrow_schema.field(name).type for name in names]
    for name, value, kind in zip(names, pull, kinds, strict=True):
        found = found.append_column(name, pa.repeat(pa.scalar(value, kind), found.num_rows))
    return CALL_CHANGES.stamp(found, day)


def add_changes(land: Landing, day: date, found: pa.Table | None) -> None:
    """Land the day's `call_changes`, earlier ones and those of this pull, before the calls are replaced.

    Raises:
        ValueError: there are changes, and the run would replace the calls without keeping them.
    """
    if found is not None and found.num_rows and not land.selects(CALL_CHANGES):
        raise ValueError(
            f"raw_calls of {day} has changed since it was pulled: materialize it together with call_changes."
        )
    rows = _earlier_changes(land, day)
    before_s = land.store.placed_at(RAW_CALLS, day)
    if found is not None and before_s is not None:
        # A run that failed before it replaced the calls has recorded its comparison with these already.
        rows = rows.filter(
            pc.not_equal(rows["compared_with"], pa.scalar(_instant(before_s), rows["compared_with"].type))
        )
        rows = pa.concat_tables([rows, found])
    land.land(CALL_CHANGES, day, rows, {"pulls_with_changes": len(rows["pulled_at"].unique())}, {})


def _earlier_changes(land: Landing, day: date) -> pa.Table:
    """The day's `call_changes` so far; a broken file is set aside, because nothing else has its contents."""
    try:
        return land.store.read(CALL_CHANGES, [day])
    except MissingDay:
        return CALL_CHANGES.empty()
    except BrokenFile as error:
        if land.selects(CALL_CHANGES):
            aside = land.store.set_aside(CALL_CHANGES, day)
            land.log.warning("The earlier changes of %s could not be read and were moved to %s: %s", day, aside, error)
        return CALL_CHANGES.empty()


def late_figures(found: pa.Table | None) -> dict[str, Any]:
    """What the UI shows of a pull's changes; nothing if there was no pull to compare with."""
    if found is None:
        return {}
    ids = {change: found.filter(pc.equal(found["change"], change))["call_id"] for change in (NEW, GONE, CHANGED)}
    fields = {count["values"]: count["counts"] for count in found["field"].drop_null().value_counts().to_pylist()}
    ordered = sorted(fields, key=lambda field: (-fields[field], field))
    lines = [
        "| field | calls |",
        "| --- | ---: |",
        *(f"| {field} | {fields[field]} |" for field in ordered),
    ]
    table = {"late_changes_by_field": Markdown("\n".join(lines))} if fields else {}
    return {f"late_calls_{change}": pc.count_distinct(ids[change]).as_py() for change in ids} | table


def _instant(at_s: float) -> datetime:
    return datetime.fromtimestamp(int(at_s), UTC)
