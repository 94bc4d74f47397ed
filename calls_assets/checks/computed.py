"""Checks and invariants of computed tables: that they add up to their inputs. Rows of a day in, outcomes out.

A day that breaks an invariant does not land, and ends the run with the outcome's sentence. The UI does not show invariants,
because every day there would always have passed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from calls_assets.checks.catalog import ADDS_UP, IN_ORDER, OUTCOMES_FROM_VENDOR, CheckOutcome, CheckOutcomes
from calls_assets.checks.fetched import LONGEST_S
from calls_assets.tables.catalog import (
    ABANDONMENT,
    AGENT_INTERVALS,
    AGENT_TALK_TIME,
    CALL_AGENTS,
    CALL_FLOW,
    CALL_INTERVALS,
    CALLS,
    ENDED_OUTCOMES,
    OUTCOMES,
    RAW_CALLS,
    SERVICE_LEVEL,
)
from calls_assets.tables.schema import Table

VARIANTS_IN_ORDER = (
    ("sl_offered", "sl_all_abandons"),
    ("sl_all_abandons", "service_level"),
    ("sl_offered", "sl_offered_excl_short"),
    ("sl_offered_excl_short", "sl_incl_overflowed"),
    ("sl_incl_overflowed", "service_level"),
    ("service_level", "sl_answered_only"),
    ("service_level", "sl_short_positive"),
    ("sl_all_abandons", "sl_abandon_within_threshold_ignored"),
    ("sl_abandon_within_threshold_ignored", "sl_answered_only"),
    ("sl_abandon_within_threshold_ignored", "sl_abandon_within_threshold_positive"),
)
"""Pairs of service-level variants: the first is never higher than the second, whatever the counts."""

ROUNDING = 1e-12


@dataclass(frozen=True)
class TableCheck:
    """How a table's day is checked: `find` takes its rows and, if `other` is set, those columns of that table's day."""

    find: Callable[..., CheckOutcomes]
    other: Table | None = None
    columns: Sequence[str] = ()


def check_calls(rows: pa.Table, raw_calls: pa.Table) -> CheckOutcomes:
    """The outcomes on a day of `calls`; `raw_calls` has the day's ids, sorted."""
    ids = raw_calls["id"]
    adds_up = rows["call_id"].equals(ids)
    counted = rows["outcome"].value_counts().to_pylist()
    counts = {count["values"]: count["counts"] for count in counted if count["values"] in OUTCOMES}
    told = f"{sum(counts.values())} of {len(ids)} calls have exactly one outcome and one row."
    unanswered = rows.filter((pc.field("direction") == "inbound") & pc.field("is_ended") & ~pc.field("is_answered"))
    sources = _counts(unanswered, ["outcome_source"])
    by_type, by_fields = sources.get(("type_field",), 0), sources.get(("predicate",), 0)
    nowhere = unanswered.filter(pc.field("outcome") == "unanswered_other").num_rows
    guessed = by_fields - nowhere
    sentence = (
        f"Of {unanswered.num_rows} unanswered inbound calls, {by_type + by_fields} have no label that decides the "
        f"outcome: it comes from `type` for {by_type} and from other fields for {guessed}, and {nowhere} count as "
        "unanswered_other."
    )
    return {
        ADDS_UP: CheckOutcome(adds_up and sum(counts.values()) == len(ids), told, counts),
        OUTCOMES_FROM_VENDOR: CheckOutcome(not guessed, sentence, {"guessed": guessed, "unanswered_other": nowhere}),
    }


def check_legs(rows: pa.Table, raw_calls: pa.Table) -> CheckOutcomes:
    """The outcome on a day of `call_agents`, whose talk must sum to that of the ended calls, by direction."""
    possible = (pc.field("talk_time") >= 0) & (pc.field("talk_time") <= LONGEST_S)
    talked = raw_calls.filter(pc.field("is_ended") & possible)
    names: dict[Any, str | None] = {True: "inbound", False: "outbound", None: None}
    sums = _sums(talked, ["is_inbound"], ["talk_time"])
    return _same_talk(rows, {names[is_inbound]: talk for (is_inbound,), (talk,) in sums.items()})


def check_talk(rows: pa.Table, legs: pa.Table) -> CheckOutcomes:
    """The outcome on a day of `agent_talk_time`, whose talk must sum to that of the legs, by direction."""
    return _same_talk(
        rows, {direction: talk for (direction,), (talk,) in _sums(legs, ["direction"], ["talk_s"]).items()}
    )


def check_intervals(rows: pa.Table, calls: pa.Table) -> CheckOutcomes:
    """The outcome on a day of `call_intervals`, whose calls, outcomes and talk must sum to those of the ended calls."""
    ended = calls.filter(pc.field("is_ended"))
    found = {
        "calls": _sum(rows, "calls"),
        "outcomes": sum(_sum(rows, f"calls_{outcome}") for outcome in ENDED_OUTCOMES),
    }
    talk_s, expected_s = _sum(rows, "talk_s"), _sum(ended, "talk_s")
    sentence = (
        f"The half-hours hold {found['calls']} calls and {found['outcomes']} outcomes of {len(ended)} ended calls, and "
        f"{talk_s} of {expected_s} s of talk."
    )
    adds_up = {*found.values()} == {len(ended)} and talk_s == expected_s
    return {ADDS_UP: CheckOutcome(adds_up, sentence, {"calls": found["calls"], "ended": len(ended)})}


def check_members(rows: pa.Table) -> CheckOutcomes:
    """The outcomes on a day of `service_level` or `abandonment`."""
    counts = [name for name in rows.schema.names if name.startswith("calls_") and not rows[name].null_count]
    wrong = list(_unequal_dimensions(rows, counts))
    outcomes: CheckOutcomes = {}
    if "calls_answered_within_sla" in counts:
        over = rows.filter(pc.field("calls_answered_within_sla") > pc.field("calls_answered")).num_rows
        wrong += [f"{over} members have more calls answered within the threshold than answered"] if over else []
        outcomes[IN_ORDER] = _in_order(rows)
    return {ADDS_UP: _all_sum_to_the_total(wrong)} | outcomes


def check_flow(rows: pa.Table, calls: pa.Table) -> CheckOutcomes:
    """The outcome on a day of `call_flow`: in each direction every dimension sums to the total, and that to the calls."""
    names = [
        "calls",
        "calls_offered",
        "calls_answered",
        "calls_transferred",
        "transfers",
        "callbacks_requested",
        "callbacks_completed",
    ]
    wrong = []
    for direction in ("inbound", "outbound"):
        part = rows.filter(pc.field("direction") == direction)
        ended = calls.filter(pc.field("is_ended") & (pc.field("direction") == direction)).num_rows
        wrong += [f"{direction} {what}" for what in _unequal_dimensions(part, names)]
        if _sum(part.filter(pc.field("dimension") == "total"), "calls") != ended:
            wrong.append(f"{direction} calls are not the {ended} ended ones")
    return {ADDS_UP: _all_sum_to_the_total(wrong)}


def check_agent_intervals(rows: pa.Table, legs: pa.Table) -> CheckOutcomes:
    """The outcome on a day of `agent_intervals`: the talk sums to the legs', however it is booked."""
    names = ("talk_s_by_start", "talk_s_in_interval")
    return _same_cut_talk([tuple(_sum(rows, name) for name in names)], _sum(legs, "talk_s"))


def _in_order(rows: pa.Table) -> CheckOutcome:
    wrong = [
        f"{lower} above {higher}"
        for lower, higher in VARIANTS_IN_ORDER
        if lower in rows.schema.names
        and rows.filter(pc.field(lower) > pc.add(pc.field(higher), pc.scalar(ROUNDING))).num_rows
    ]
    return CheckOutcome(not wrong, f"{'; '.join(wrong) or 'Every variant of the service level is in order'}.")


def _unequal_dimensions(rows: pa.Table, names: Sequence[str]) -> Iterable[str]:
    sums = _sums(rows, ["dimension"], names)
    total = sums["total",]
    return [f"{dimension} does not sum to the total" for (dimension,), found in sums.items() if found != total]


def _all_sum_to_the_total(wrong: Sequence[str]) -> CheckOutcome:
    return CheckOutcome(not wrong, f"{'; '.join(wrong) or 'All dimensions sum to the total'}.")


def _same_talk(rows: pa.Table, expected: Mapping[str | None, int]) -> CheckOutcomes:
    found = {direction: talk for (direction,), (talk,) in _sums(rows, ["direction"], ["talk_s"]).items() if talk}
    expected = {direction: talk for direction, talk in expected.items() if talk}
    found_s, expected_s = sum(found.values()), sum(expected.values())
    sentence = f"The talk time sums to {found_s} s, and that of its source to {expected_s} s" + (
        "." if found == expected or found_s != expected_s else ", but the directions differ."
    )
    return {ADDS_UP: CheckOutcome(found == expected, sentence, {"talk_s": found_s, "expected_s": expected_s})}


def _same_cut_talk(sums: Iterable[Sequence[int]], expected_s: int) -> CheckOutcomes:
    found = {talk_s for booked in sums for talk_s in booked} or {0}
    told = " and ".join(f"{talk_s} s" for talk_s in sorted(found))
    sentence = f"The half-hours hold {told} of {expected_s} s of talk, booked at the calls' start and cut."
    return {ADDS_UP: CheckOutcome(found == {expected_s}, sentence, {"expected_s": expected_s})}


def _sum(rows: pa.Table, name: str) -> int:
    return pc.sum(rows[name]).as_py() or 0


def _sums(rows: pa.Table, by: Sequence[str], names: Sequence[str]) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """The sums of columns for each combination of values; a null adds nothing."""
    found = rows.group_by(by).aggregate([(name, "sum") for name in names]).to_pylist()
    return {tuple(row[key] for key in by): tuple(row[f"{name}_sum"] or 0 for name in names) for row in found}


def _counts(rows: pa.Table, by: Sequence[str]) -> dict[tuple[str, ...], int]:
    return {
        tuple(row[key] for key in by): row["count_all"]
        for row in rows.group_by(by).aggregate([([], "count_all")]).to_pylist()
    }


TABLE_CHECKS = {
    table.name: comparison
    for table, comparison in (
        (CALLS, TableCheck(check_calls, RAW_CALLS, ["id"])),
        (CALL_AGENTS, TableCheck(check_legs, RAW_CALLS, ["is_inbound", "is_ended", "talk_time"])),
        (SERVICE_LEVEL, TableCheck(check_members)),
        (ABANDONMENT, TableCheck(check_members)),
        (AGENT_TALK_TIME, TableCheck(check_talk, CALL_AGENTS, ["direction", "talk_s"])),
        (CALL_INTERVALS, TableCheck(check_intervals, CALLS, ["is_ended", "talk_s"])),
        (CALL_FLOW, TableCheck(check_flow, CALLS, ["is_ended", "direction"])),
        (AGENT_INTERVALS, TableCheck(check_agent_intervals, CALL_AGENTS, ["talk_s"])),
    )
}
"""How each computed table is checked."""
