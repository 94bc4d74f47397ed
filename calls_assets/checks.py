"""What Dagster is told of each day, as checks, and what the UI says of it."""

from dataclasses import dataclass, field
from typing import Any

import dagster as dg


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
        Check(
            "raw_calls",
            "complete",
            "The unique ids equal the API's total.",
            dg.AssetCheckSeverity.ERROR,
        ),
        Check("raw_calls", "fresh", "The day was pulled after its end, and the open day within the last hour."),
        Check(
            "raw_calls",
            "as_documented",
            "Every record is as the API's document says; what is not was read by a rule, or stands in `extra`.",
        ),
        Check("rejected_calls", "no_rejects", "Every record of the API could be read."),
        Check("raw_call_types", "all_answered", "The API gave every call type that it was asked for."),
        Check("reconciliation", "agrees", "The API counts each call type as we do, and lists the same calls."),
        Check(
            "calls",
            "outcomes_from_vendor",
            "No outcome was guessed from fields where the API gives neither a label nor a `type`.",
        ),
    )
}
"""Every check by table and name.

Each day of each check is an event in Dagster's log, so only what tells of the account is one. What must hold of our own
tables is in `sums`: a day that breaks it does not land, and the run says why.
"""
