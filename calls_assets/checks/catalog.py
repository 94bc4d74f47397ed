"""Every check that the UI shows for a day; the functions are in `fetched` and `computed`.

Each day of each check is an event in Dagster's log, so only what concerns the account is a check. What must hold of our own
tables is an invariant: a day that violates it does not land, and the run says why.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found on one day: whether it passed, a sentence, and the figures."""

    passed: bool
    sentence: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One check of a table's day. One that `is_error` fails on days that do not land; the others warn."""

    table: str
    name: str
    description: str
    is_error: bool = False


@dataclass(frozen=True)
class Invariant:
    """What must hold of a table's rows, or they do not land."""

    name: str


CheckOutcomes = dict[Check | Invariant, CheckOutcome]

COMPLETE = Check("raw_calls", "complete", "The unique ids equal the API's total.", is_error=True)
FRESH = Check("raw_calls", "fresh", "The day was pulled after its end, and the open day within the last hour.")
AS_DOCUMENTED = Check(
    "raw_calls",
    "as_documented",
    "Every record is as the API's document says; anything else was read by a rule, or is in `extra`.",
)
NO_REJECTS = Check("rejected_calls", "no_rejects", "Every record of the API could be read.")
ALL_ANSWERED = Check("raw_call_types", "all_answered", "The API returned every call type that was requested.")
AGREES = Check("reconciliation", "agrees", "The API counts each call type as we do, and lists the same calls.")
OUTCOMES_FROM_VENDOR = Check(
    "calls",
    "outcomes_from_vendor",
    "No outcome was guessed from fields for lack of both a label and a `type`.",
)

CHECKS = (COMPLETE, FRESH, AS_DOCUMENTED, NO_REJECTS, ALL_ANSWERED, AGREES, OUTCOMES_FROM_VENDOR)

UNIQUE = Invariant("unique")
ADDS_UP = Invariant("adds_up")
IN_ORDER = Invariant("in_order")
