"""The checks themselves: rows of a day in, findings out. They say counts, never a name or a number of a person."""

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.numbers import Ints, ints
from calls_assets.checks import Finding
from calls_assets.tables.dictionary import ENDED_OUTCOMES, OUTCOMES

LONGEST_S = 366 * 86_400
"""No call is longer than this, in seconds; macros.sql has the same bound."""

OPEN_DAY_S = 3600
"""How old the file of the open day may get, in seconds."""

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def check_raw_calls(rows: pa.Table, drift: Sequence[str]) -> dict[str, Finding]:
    """The findings on a day of `raw_calls`, but for its completeness; `drift` names the fields in `extra`."""
    twice = len(rows) - len(pc.unique(rows["id"]))
    impossible = {name: _impossible(ints(rows[name])) for name in ("duration", "talk_time")}
    told = " and ".join(f"{count} {name.replace('_', ' ')}s" for name, count in impossible.items())
    known = f"Fields that the document does not name: {', '.join(drift)}." if drift else "Every field is documented."
    return {
        "unique": Finding(
            not twice, f"{twice} of {len(rows)} calls have an id that another one has.", {"twice": twice}
        ),
        "times_possible": Finding(
            not any(impossible.values()), f"{told} are negative or longer than a year.", impossible
        ),
        "no_drift": Finding(not drift, known, {"fields": len(drift)}),
    }


def _impossible(seconds: Ints) -> int:
    return int(np.count_nonzero((seconds < 0) | (seconds > LONGEST_S)))


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


def check_fresh(day_end_s: int, pulled_s: float | None, now_s: float) -> Finding:
    """Whether a day's file is as new as it should be.

    Args:
        day_end_s: The end of the day, in epoch seconds.
        pulled_s: When the day was pulled last, in epoch seconds; None where it never was.
        now_s: Now, in epoch seconds.
    """
    if pulled_s is None:
        return Finding(False, "The day has not been pulled yet.")
    age_s = int(now_s - pulled_s)
    if day_end_s > now_s:
        return Finding(age_s <= OPEN_DAY_S, f"The open day was pulled {age_s // 60} min ago.", {"age_s": age_s})
    if pulled_s < day_end_s:
        return Finding(False, "The day was last pulled before its end: materialize it again.", {"age_s": age_s})
    return Finding(True, "The day was pulled after its end.", {"age_s": age_s})


def check_calls(rows: pa.Table, ids: pa.ChunkedArray) -> dict[str, Finding]:
    """The findings on a day of `calls`; `ids` are those of the day's `raw_calls`, sorted."""
    adds_up = rows["call_id"].equals(ids)
    counted = rows["outcome"].value_counts().to_pylist()
    counts = {count["values"]: count["counts"] for count in counted if count["values"] in OUTCOMES}
    told = f"{sum(counts.values())} of {len(ids)} calls have one outcome, and each is there once."
    unanswered = rows.filter((pc.field("direction") == "inbound") & pc.field("is_ended") & ~pc.field("is_answered"))
    unlabelled = unanswered.filter(pc.field("outcome_source") != "vendor_filter")
    nowhere = unlabelled.filter(pc.field("outcome") == "unanswered_other").num_rows
    guessed = unlabelled.num_rows - nowhere
    sentence = (
        f"Of {unanswered.num_rows} unanswered inbound calls, the API has no label that decides {unlabelled.num_rows}: the "
        f"outcome of {guessed} comes from their fields, and {nowhere} count as unanswered_other."
    )
    return {
        "adds_up": Finding(adds_up and sum(counts.values()) == len(ids), told, counts),
        "outcomes_from_vendor": Finding(not guessed, sentence, {"guessed": guessed, "unanswered_other": nowhere}),
    }


def check_intervals(rows: pa.Table, ended: int) -> dict[str, Finding]:
    """The finding on a day of `call_intervals`, whose calls must sum to `ended`."""
    calls = pc.sum(rows["calls"]).as_py() or 0
    outcomes = sum(pc.sum(rows[f"calls_{outcome}"]).as_py() or 0 for outcome in ENDED_OUTCOMES)
    sentence = f"The half-hours hold {calls} calls and {outcomes} outcomes of {ended} ended calls."
    return {"adds_up": Finding(calls == outcomes == ended, sentence, {"calls": calls, "ended": ended})}


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
