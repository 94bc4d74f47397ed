"""What is checked of each day, and what the UI says of it. A check says counts, never a name or a number of a person."""

import json
import re
from collections.abc import Iterator
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
        Check("raw_calls", "times_possible", "No duration or talk time is negative; `calls` has null instead."),
        Check(
            "raw_calls", "no_drift", "The API sends no field that its document does not name; such ones go to `extra`."
        ),
        Check("rejected_calls", "no_rejects", "Every record of the API could be read."),
        Check("raw_call_types", "all_answered", "The API gave every call type that it was asked for."),
        Check("reconciliation", "agrees", "The API counts each call type as we do."),
        Check("calls", "outcomes_from_vendor", "No outcome was guessed from fields where the API gives no label."),
        Check("call_agents", "adds_up", "The legs' talk sums to the calls'.", dg.AssetCheckSeverity.ERROR),
        Check("agent_talk_time", "adds_up", "The agents' talk sums to the legs'.", dg.AssetCheckSeverity.ERROR),
        Check("service_level", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
        Check("abandonment", "adds_up", "Each dimension's counts sum to the total's.", dg.AssetCheckSeverity.ERROR),
    )
}
"""Every check by table and name. A day that fails one of severity ERROR is not landed."""

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def check_raw_calls(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `raw_calls`, but for its completeness."""
    negative = {name: rows.filter(pc.field(name) < 0).num_rows for name in ("duration", "talk_time")}
    told = " and ".join(f"{count} {name.replace('_', ' ')}s" for name, count in negative.items())
    drift = undocumented_fields(rows)
    known = f"Fields that the document does not name: {', '.join(drift)}." if drift else "Every field is documented."
    return {
        "times_possible": Finding(not any(negative.values()), f"{told} are negative.", negative),
        "no_drift": Finding(not drift, known, {"fields": len(drift)}),
    }


def undocumented_fields(rows: pa.Table) -> list[str]:
    """The names of the fields in `extra`, with the path to each; a name that is none, and could be a value, is not shown."""
    names: set[str] = set()
    for extra in pc.unique(rows["extra"]).drop_null().to_pylist():
        names |= set(_names(json.loads(extra), ""))
    return sorted(names)


def _names(value: object, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item, path)
    elif isinstance(value, dict):
        for name, part in value.items():
            shown = name if FIELD_NAME.fullmatch(name) else "(odd name)"
            inner = list(_names(part, f"{path}{shown}."))
            yield from inner or [path + shown]


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
    wrong = [
        f"{row['dimension']} does not sum to the total"
        for row in sums
        if any(row[f"{name}_sum"] != total[f"{name}_sum"] for name in counts)
    ]
    if "calls_answered_within_sla" in counts:
        over = rows.filter(pc.field("calls_answered_within_sla") > pc.field("calls_answered")).num_rows
        wrong += [f"{over} members have more calls answered in time than answered"] if over else []
    return {"adds_up": Finding(not wrong, f"{'; '.join(wrong) or 'All dimensions sum to the total'}.")}


def check_talk(rows: pa.Table, expected_s: int) -> dict[str, Finding]:
    """The finding on a day of `call_agents` or `agent_talk_time`, whose talk time must sum to `expected_s`."""
    found_s = pc.sum(rows["talk_s"]).as_py() or 0
    sentence = f"The talk time sums to {found_s} s, and what it is shared out from to {expected_s} s."
    return {"adds_up": Finding(found_s == expected_s, sentence, {"talk_s": found_s, "expected_s": expected_s})}


def check_reconciliation(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `reconciliation`."""
    off = {row["call_type"]: row["difference"] for row in rows.to_pylist() if row["difference"]}
    told = ", ".join(f"{name} {difference:+d}" for name, difference in off.items())
    sentence = (
        f"The API counts differently (theirs - ours): {told}." if off else "The API counts every call type as we do."
    )
    return {"agrees": Finding(not off, sentence, off)}
