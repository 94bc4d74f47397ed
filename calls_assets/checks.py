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


def _exact(table: str, name: str, description: str) -> Check:
    return Check(table, name, description, dg.AssetCheckSeverity.ERROR)


CHECKS = {
    (check.table, check.name): check
    for check in (
        _exact("raw_calls", "complete", "The unique ids equal the API's total."),
        _exact("raw_calls", "unique", "No id comes twice."),
        Check("raw_calls", "fresh", "The day was pulled after its end, and the open day within the last hour."),
        Check(
            "raw_calls",
            "times_possible",
            "No duration or talk time is negative or longer than a year; `calls` has null instead.",
        ),
        Check(
            "raw_calls",
            "as_documented",
            "Every record is as the API's document says; what is not was read by a rule, or stands in `extra`.",
        ),
        Check("rejected_calls", "no_rejects", "Every record of the API could be read."),
        Check("raw_call_types", "all_answered", "The API gave every call type that it was asked for."),
        Check("reconciliation", "agrees", "The API counts each call type as we do."),
        Check("reconciliation_calls", "none", "The API lists the same calls under each call type as we do."),
        _exact("calls", "adds_up", "Each call of raw_calls is there once, with one outcome."),
        Check(
            "calls",
            "outcomes_from_vendor",
            "No outcome was guessed from fields where the API gives neither a label nor a `type`.",
        ),
        _exact("call_agents", "adds_up", "The legs' talk sums to the calls', in each direction."),
        Check("call_type_relations", "as_promised", "The call types lie to each other as the vendor's own words say."),
        _exact("service_level", "adds_up", "Each dimension's counts sum to the total's."),
        _exact("service_level", "in_order", "No variant of the service level is on the wrong side of another one."),
        _exact("abandonment", "adds_up", "Each dimension's counts sum to the total's."),
        _exact("agent_talk_time", "adds_up", "The agents' talk sums to the legs', in each direction."),
        _exact(
            "call_intervals", "adds_up", "The half-hours' calls, outcomes and talk sum to those of the ended calls."
        ),
        _exact("call_flow", "adds_up", "Each dimension's counts sum to the total's, and that to the ended calls."),
        _exact("time_distribution", "adds_up", "The bins hold every answered call whose talk time is known."),
        _exact("talk_load", "adds_up", "The half-hours' talk sums to the ended calls', booked at their start and cut."),
        _exact("agent_intervals", "adds_up", "The half-hours' talk sums to the legs', booked at their start and cut."),
    )
}
"""Every check by table and name. A day that fails one of severity ERROR is not landed."""
