"""What differs between a table as it is and as the second opinion has it, told row by row and column by column."""

import math
from collections.abc import Iterator

import pandas as pd

KEYS = {
    "calls": ("call_id",),
    "call_agents": ("call_id", "leg"),
    "reconciliation": ("call_type",),
    "reconciliation_calls": ("call_type", "call_id"),
    "day_status": ("local_date",),
    "call_type_relations": ("relation",),
    "type_values": ("type", "call_type"),
    "wait_calibration": ("member_id",),
    "service_level": ("dimension", "member_id"),
    "abandonment": ("dimension", "member_id"),
    "agent_talk_time": ("agent_key", "direction"),
    "call_intervals": ("interval_start", "direction", "ring_group_id", "ivr_id", "number_id", "campaign_id"),
    "callers_not_spoken_to": ("call_id",),
    "callbacks_never_dialled": ("call_id",),
    "call_flow": ("direction", "dimension", "member_id"),
    "time_distribution": ("direction", "ring_group_id", "measure", "up_to_s"),
    "talk_load": ("dimension", "member_id", "interval_start"),
    "agent_intervals": ("interval_start", "agent_key", "direction", "ring_group_id"),
}


def compared(stored: pd.DataFrame, ours: pd.DataFrame, key: tuple[str, ...]) -> Iterator[str]:
    """A sentence for everything on which the stored rows and ours differ: columns, rows, order, values and their types."""
    if set(stored.columns) != set(ours.columns):
        yield f" has not the columns {sorted(set(stored.columns) ^ set(ours.columns))} in both"
        return
    theirs = by_key(stored, key)
    if len(theirs) < len(stored):
        yield f" has rows with the same {key}"
    if not any(list(theirs) == sorted(theirs, key=order) for order in (nulls_last, nulls_first)):
        yield f" is not sorted by {key}"
    own = by_key(ours, key)
    if len(own) < len(ours):
        yield f" has rows with the same {key} in the second opinion"
    for name in theirs | own:
        if name not in own or name not in theirs:
            there, missing = ("file", "second opinion") if name in theirs else ("second opinion", "file")
            yield f", {dict(zip(key, name, strict=True))}: the {there} has this row, the {missing} does not"
            continue
        for column, value in theirs[name].items():
            if not same(value, own[name][column]):
                row = dict(zip(key, name, strict=True))
                yield f", {row}: {column} is {value!r} in the file, {own[name][column]!r} in the second opinion"


def by_key(frame: pd.DataFrame, key: tuple[str, ...]) -> dict:
    """The rows of a frame by their key."""
    return {tuple(row[column] for column in key): row for row in frame.to_dict("records")}


def nulls_last(values: tuple) -> list[tuple]:
    """A key to sort by."""
    return [(value is None, "" if value is None else value) for value in values]


def nulls_first(values: tuple) -> list[tuple]:
    """Another key to sort by."""
    return [(value is not None, "" if value is None else value) for value in values]


def same(one: object, other: object) -> bool:
    """Whether two values are the same, of one type; rates may differ in their last bit."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12)
    return type(one) is type(other) and one == other
