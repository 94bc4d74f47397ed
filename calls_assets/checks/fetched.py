"""Checks of what the API returned: rows of a day in, outcomes out, which never name a person or show a phone number."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.rules import Deviation
from calls_assets.arrow import Ints, ints
from calls_assets.checks.catalog import AGREES, AS_DOCUMENTED, UNIQUE, CheckOutcome, CheckOutcomes

LONGEST_S = 366 * 86_400
"""No call is longer than this, in seconds; macros.sql has the same bound."""

IMPOSSIBLE = "negative or longer than a year"

OPEN_DAY_S = 3600
"""The maximum age of the open day's file, in seconds."""

IN_A_SENTENCE, MOST_TOLD = 5, 40
"""The most deviations in a day's sentence and in its figures, the most frequent first."""


def check_raw_calls(rows: pa.Table, deviations: Mapping[Deviation, int]) -> CheckOutcomes:
    """The outcomes on a day of `raw_calls`, except its completeness.

    Args:
        rows: The day's calls.
        deviations: How many of them have each deviation from the document.
    """
    twice = len(rows) - len(pc.unique(rows["id"]))
    impossible = {name: _impossible(ints(rows[name])) for name in ("duration", "talk_time")}
    strange = {Deviation(name, IMPOSSIBLE, "null in calls"): count for name, count in impossible.items() if count}
    return {
        UNIQUE: CheckOutcome(
            not twice, f"{twice} of {len(rows)} calls share their id with another one.", {"twice": twice}
        ),
        AS_DOCUMENTED: _as_documented(len(rows), {**deviations, **strange}),
    }


def _impossible(seconds: Ints) -> int:
    return int(np.count_nonzero((seconds < 0) | (seconds > LONGEST_S)))


def _as_documented(calls: int, deviations: Mapping[Deviation, int]) -> CheckOutcome:
    if not deviations:
        return CheckOutcome(True, "Every record is as the document says.")
    listed = sorted(deviations.items(), key=lambda item: (-item[1], item[0]))
    shown = "; ".join(f"{one.path} is {one.sent} in {count:,} ({one.became})" for one, count in listed[:IN_A_SENTENCE])
    more = f"; and {len(listed) - IN_A_SENTENCE} more" if len(listed) > IN_A_SENTENCE else ""
    figures = {f"{one.path}: {one.sent}, {one.became}": count for one, count in listed[:MOST_TOLD]}
    return CheckOutcome(False, f"Of {calls:,} records: {shown}{more}.", figures)


def check_fresh(day_end_s: int, pulled_s: float | None, now_s: float) -> CheckOutcome:
    """Whether a day's file is as recent as it should be.

    Args:
        day_end_s: The end of the day, in epoch seconds.
        pulled_s: When the day was last pulled, in epoch seconds; None if never.
        now_s: Now, in epoch seconds.
    """
    if pulled_s is None:
        return CheckOutcome(False, "The day has not been pulled yet.")
    age_s = int(now_s - pulled_s)
    if day_end_s > now_s:
        return CheckOutcome(age_s <= OPEN_DAY_S, f"The open day was pulled {age_s // 60} min ago.", {"age_s": age_s})
    if pulled_s < day_end_s:
        return CheckOutcome(False, "The day was last pulled before its end: materialize it again.", {"age_s": age_s})
    return CheckOutcome(True, "The day was pulled after its end.", {"age_s": age_s})


def check_reconciliation(rows: pa.Table, differing: pa.Table) -> CheckOutcomes:
    """The outcomes on a day of `reconciliation`; `differing` are the day's `reconciliation_calls`."""
    off = {row["call_type"]: row["difference"] for row in rows.to_pylist() if row["difference"]}
    counted = differing.group_by(["call_type", "counted_by"]).aggregate([([], "count_all")]).to_pylist()
    alone = sorted((row["call_type"], row["counted_by"], row["count_all"]) for row in counted)
    if not off and not alone:
        return {AGREES: CheckOutcome(True, "The API counts every call type as we do.")}
    listed = {call_type for call_type, *_ in alone}
    told = [f"{call_type} {calls} by {side} alone" for call_type, side, calls in alone]
    told += [f"{call_type} {by:+d} (theirs - ours)" for call_type, by in off.items() if call_type not in listed]
    sentence = f"Calls that only one side counts: {', '.join(told)}; docs/reconcile.md shows how to find them."
    return {AGREES: CheckOutcome(False, sentence, off)}
