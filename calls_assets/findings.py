"""What is checked of what the API gave: rows of a day in, findings out, which never name a person or show a number."""

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.api.numbers import Ints, ints
from calls_assets.checks import Finding

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


def check_reconciliation(rows: pa.Table) -> dict[str, Finding]:
    """The findings on a day of `reconciliation`."""
    off = {row["call_type"]: row["difference"] for row in rows.to_pylist() if row["difference"]}
    told = ", ".join(f"{name} {difference:+d}" for name, difference in off.items())
    sentence = (
        f"The API counts differently (theirs - ours): {told}; reconciliation_calls lists the calls."
        if off
        else "The API counts every call type as we do."
    )
    return {"agrees": Finding(not off, sentence, off)}
