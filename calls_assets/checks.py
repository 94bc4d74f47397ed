"""What is checked of each day, and what the UI says of it."""

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
        Check("raw_calls", "complete", "The unique ids equal the API's total.", dg.AssetCheckSeverity.ERROR),
        Check("raw_calls", "unique", "No id comes twice.", dg.AssetCheckSeverity.ERROR),
        Check("raw_calls", "fresh", "The day was pulled after its end, and the open day within the last hour."),
        Check(
            "raw_calls",
            "times_possible",
            "No duration or talk time is negative or longer than a year; `calls` has null instead.",
        ),
        Check(
            "raw_calls", "no_drift", "The API sends no field that its document does not name; such ones go to `extra`."
        ),
        Check("rejected_calls", "no_rejects", "Every record of the API could be read."),
        Check("raw_call_types", "all_answered", "The API gave every call type that it was asked for."),
        Check("reconciliation", "agrees", "The API counts each call type as we do."),
        Check(
            "calls",
            "adds_up",
            "Each call of raw_calls is there once, with one outcome.",
            dg.AssetCheckSeverity.ERROR,
        ),
        Check("calls", "outcomes_from_vendor", "No outcome was guessed from fields where the API gives no label."),
        Check("call_agents", "adds_up", "The legs' talk sums to the calls'.", dg.AssetCheckSeverity.ERROR),
        Check("agent_talk_time", "adds_up", "The agents' talk sums to the legs'.", dg.AssetCheckSeverity.ERROR),
        Check(
            "call_intervals",
            "adds_up",
            "The half-hours sum to the ended calls, and their outcomes to their calls.",
            dg.AssetCheckSeverity.ERROR,
        ),
        Check("service_level", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
        Check("abandonment", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
    )
}
"""Every check by table and name. A day that fails one of severity ERROR is not landed."""
