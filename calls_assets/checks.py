"""What is checked of each day, and what the UI says of it. A check says counts, never a name or a number of a person."""

from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Finding:
    """What a check found of one day: whether it passed, in a sentence, with the figures."""

    passed: bool
    sentence: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check of a table's day."""

    table: str
    name: str
    description: str
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN


CHECKS = {
    (check.table, check.name): check
    for check in (
        Check("raw_calls", "complete", "The unique ids equal the API's total.", dg.AssetCheckSeverity.ERROR),
        Check("rejected_calls", "no_rejects", "Every record of the API could be read."),
        Check("raw_call_types", "all_answered", "The API gave every call type that it was asked for."),
        Check("reconciliation", "agrees", "The API counts each call type as we do."),
        Check("calls", "outcomes_from_vendor", "No outcome was guessed from fields where the API gives no label."),
        Check("service_level", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
        Check("abandonment", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
    )
}
"""Every check by table and name."""


def check_calls(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `calls`."""
    unanswered = rows.filter((pc.field("direction") == "inbound") & pc.field("is_ended") & ~pc.field("is_answered"))
    unlabelled = unanswered.filter(pc.field("outcome_source") != "vendor_filter")
    nowhere = unlabelled.filter(pc.field("outcome") == "unanswered_other").num_rows
    guessed = unlabelled.num_rows - nowhere
    sentence = (
        f"Of {unanswered.num_rows} unanswered inbound calls, the API has no label that decides {unlabelled.num_rows}: the "
        f"outcome of {guessed} comes from their fields, and {nowhere} count as unanswered_other."
    )
    return {"outcomes_from_vendor": Finding(not guessed, sentence, {"guessed": guessed, "unanswered_other": nowhere})}


def check_members(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `service_level` or `abandonment`."""
    counts = [name for name in rows.schema.names if name.startswith("calls_")]
    sums = rows.group_by("dimension").aggregate([(name, "sum") for name in counts]).to_pylist()
    total = next(row for row in sums if row["dimension"] == "total")
    off = [row["dimension"] for row in sums if any(row[f"{name}_sum"] != total[f"{name}_sum"] for name in counts)]
    sentence = (
        f"These dimensions do not sum to the total: {', '.join(off)}." if off else "All dimensions sum to the total."
    )
    return {"adds_up": Finding(not off, sentence)}


def check_reconciliation(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `reconciliation`."""
    off = {row["call_type"]: row["difference"] for row in rows.to_pylist() if row["difference"]}
    told = ", ".join(f"{name} {difference:+d}" for name, difference in off.items())
    sentence = (
        f"The API counts differently (theirs - ours): {told}." if off else "The API counts every call type as we do."
    )
    return {"agrees": Finding(not off, sentence, off)}
