"""What the numbers rest on, over a range of days: how call types relate, what `type` says, whether the waits hold."""

import heapq
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from calls_assets.api.document import LABEL_CALL_TYPES
from calls_assets.commands.base import Command, days_options, write_env_option
from calls_assets.commands.local import read_what_is_there
from calls_assets.days import ONE_DAY
from calls_assets.display import NAMELESS, apart, shown
from calls_assets.env_file import check_can_be_set, set_variables
from calls_assets.metrics.periods import add_period
from calls_assets.metrics.wait_proof import WaitProof, prove
from calls_assets.reader import MissingDays, connect, explained
from calls_assets.settings import Settings
from calls_assets.tables.catalog import CALLS
from calls_assets.tables.stale import ranges
from calls_assets.tables.store import TableStore
from calls_assets.terminal import entry, grid, say
from calls_assets.waits import METHODS

DAYS = 30
"""How many of the last closed days are examined, unless days are given."""

MOST_DAYS = 366
"""How many of them are examined where fewer do not decide how waits are told."""

TOLD_BY_TYPE = {
    "short_abandoned": "short_abandoned",
    "abandoned": "abandoned",
    "overflowed": "overflowed",
    "callback": "callback_requested",
    "inbound_ivr_exit": "ivr_exit",
    "out_of_business_hours": "out_of_hours",
}
"""The call types that decide an outcome, each with the value of `type` that decides the same."""

DECIDING = {*TOLD_BY_TYPE, "short_abandoned_distributed", "abandoned_distributed"}
"""The call types that decide an outcome."""

ENOUGH_DAYS, ENOUGH_CALLS = 14, 50
"""The days and calls on which `type` must agree with a call type before it can stand in for it."""

MOST_PAIRS = 100
"""The most pairs of a `type` and a call type that are shown."""

RELATIONS = """
    SELECT relation, left_calls, right_calls, both_calls, breaking_calls, verdict FROM period.call_type_relations
    ORDER BY relation
"""

TYPES = """
    SELECT
        pairs.type, pairs.call_type, pairs.calls,
        of_type.calls AS calls_of_type, of_call_type.calls AS calls_of_call_type
    FROM period.type_values AS pairs
    JOIN period.type_values AS of_type ON pairs.type = of_type.type AND of_type.call_type = '(all)'
    JOIN period.type_values AS of_call_type ON pairs.call_type = of_call_type.call_type AND of_call_type.type = '(all)'
    WHERE pairs.type <> '(all)' AND pairs.call_type IN (SELECT unnest(?))
    ORDER BY pairs.type, pairs.calls DESC, pairs.call_type
"""

FIT = ("ring group", "calls", "late", "threshold", "errors", "verdict")
"""What is shown of how the waits of a method agree with the vendor's verdict."""

PROMISED = (
    "all_inbound or all_outbound = every call",
    "inbound_answered = inbound_answered_within_sla or inbound_answered_but_not_within_sla",
    "inbound_answered_within_sla apart from inbound_answered_but_not_within_sla",
    "all_outbound = outbound_answered or outbound_not_answered",
    "abandoned apart from short_abandoned",
)
"""The relations of call types that the vendor's documentation promises; the others are observed."""


@dataclass(frozen=True)
class Pair:
    """How often a value of `type` goes with a call type, and how often each occurs at all."""

    type: str
    call_type: str
    calls: int
    calls_of_type: int
    calls_of_call_type: int

    @property
    def is_exact(self) -> bool:
        """Whether each occurs only with the other."""
        return self.calls == self.calls_of_type == self.calls_of_call_type


@click.command("evidence", cls=Command)
@days_options("first day; default: 30 days, the last closed ones", "last day; default: yesterday")
@write_env_option("set what is proven of the waits in this file; default: .env")
def command(first: date | None, last: date | None, write_env: Path | None) -> None:
    """Print what the numbers of a range of days rest on: call types, `type`, waits."""
    if write_env is not None:
        check_can_be_set(write_env)
    else:  # what holds of the sandbox is not to be set for an account
        read_what_is_there()
    settings = Settings.load()
    with explained(first, last):
        proof = print_evidence(first, last, datetime.now(settings.zone).date(), Console(), settings)
    if write_env is not None:
        set_variables(write_env, proof.variables)
        names = " and ".join(proof.variables)
        told = f"Set {names} in {write_env}." if names else f"Nothing is proven, so {write_env} is unchanged."
        say(Console(), told)


def print_evidence(
    first: date | None, last: date | None, today: date, console: Console, settings: Settings
) -> WaitProof:
    """Print the evidence of the local days from `first` to `last`, by default the last 30 closed ones; returns that of waits.

    Args:
        first: The first day; None for 30 days.
        last: The last day; None for yesterday.
        today: The day that is open.
        console: Where it is printed.
        settings: Those of the environment, which decide what is still to be set.

    Raises:
        MissingDay: no table has any file in the range.
    """
    last = last or today - ONE_DAY
    begin = first or last - timedelta(days=DAYS - 1)
    with connect(begin, last) as connection:
        add_period(connection, "period", f"DATE '{begin}'")
        ((days, calls),) = connection.execute(
            "SELECT coalesce(sum(days), 0), coalesce(sum(calls), 0) FROM day_status"
        ).fetchall()
        say(console, f"{calls:,} calls of {days} days from {begin} to {last}.")
        relations = connection.execute(RELATIONS).fetchall()
        pairs = [Pair(*row) for row in connection.execute(TYPES, [list(LABEL_CALL_TYPES)]).fetchall()]
        _print(console, "How the call types relate", _relations(relations), broken_promises(relations))
        _print(console, "What `type` says about call types", _types(pairs), suggestions(pairs, days))
        proof = prove(connection, "period")
    if first is None and not proof.is_settled:
        begin = last - timedelta(days=MOST_DAYS - 1)
        say(console, f"{DAYS} days do not decide how waits are told: what follows is of all days from {begin} on.")
        proof = _proof(begin, last)
    console.print()
    for fits in _waits(proof):
        console.print(fits)
        console.print()
    for sentence in wait_settings(proof, settings):
        say(console, sentence)
    return proof


def _print(console: Console, title: str, entries: Iterable[tuple[str, list[str]]], sentences: Iterable[str]) -> None:
    """Print entries under a title, then what they come to."""
    console.print()
    say(console, title, style="italic")
    for head, lines in entries:
        entry(console, head, lines)
    for sentence in sentences:
        say(console, sentence)


def _proof(first: date, last: date) -> WaitProof:
    """The proof of waits on all calls of a range, most of whose days may be missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingDays)
        with connect(first, last) as connection:
            add_period(connection, "period", f"DATE '{first}'")
            return prove(connection, "period")


def suggestions(pairs: list[Pair], days: int) -> Iterator[str]:
    """What to set, and why: the call types that need not be requested, because `type` alone identifies them.

    Args:
        pairs: Every value of `type` with the call types that its calls have.
        days: How many days they cover.
    """
    told = [pair for pair in pairs if pair.calls >= ENOUGH_CALLS and _stands_in(pair, pairs)]
    if days < ENOUGH_DAYS or not told:
        yield (
            f"Every call type is requested: `type` can stand in for one only after {ENOUGH_DAYS} days and {ENOUGH_CALLS} "
            "calls of that type without an error."
        )
        return
    spared = {pair.call_type for pair in told}
    rest = ",".join(name for name in LABEL_CALL_TYPES if name not in spared)
    reasons = ", ".join(f"{pair.type} on {pair.calls:,} calls" for pair in told)
    yield (
        f"CALLS_CALL_TYPES={rest} saves {len(spared)} of {len(LABEL_CALL_TYPES)} lists per pull: over {days} days `type` was "
        f"exactly the call type, without a single error ({reasons}). Outcomes stay the same, but reconciliation has no count "
        "of these call types, so request all of them again from time to time."
    )


def _stands_in(pair: Pair, pairs: list[Pair]) -> bool:
    """Whether calls would have the same outcome if the call type was not requested; otherwise another of theirs decides."""
    own = {pair.call_type, f"{pair.call_type}_distributed"}
    others = {other.call_type for other in pairs if other.type == pair.type} & DECIDING - own
    return pair.is_exact and TOLD_BY_TYPE.get(pair.call_type) == pair.type and not others


def broken_promises(relations: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """A sentence for each relation that the vendor's documentation promises and calls violate.

    Args:
        relations: Rows of `RELATIONS`.
    """
    for relation, *_, breaking_calls, verdict in relations:
        if relation in PROMISED and verdict == "fails":
            yield f"{breaking_calls:,} calls violate what the vendor's documentation promises: {relation}."


def _relations(relations: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[str]]]:
    """Each relation with its verdict, and under it the calls of either side, of both, and of those that break it."""
    for relation, left, right, both, breaking, verdict in relations:
        yield f"{relation}: {verdict}", [f"left {left:,}, right {right:,}, both {both:,}, breaking {breaking:,}"]


def _types(pairs: list[Pair]) -> Iterator[tuple[str, list[str]]]:
    """Each value of `type` with its calls, and under it how many calls of a call type have it."""
    frequent = {*heapq.nlargest(MOST_PAIRS, pairs, key=attrgetter("calls"))}
    for (name, calls), group in groupby(
        (pair for pair in pairs if pair in frequent), attrgetter("type", "calls_of_type")
    ):
        of_each = [f"{pair.call_type}: {pair.calls:,} of {pair.calls_of_call_type:,}" for pair in group]
        yield f"{shown(name)}: {calls:,} calls", of_each
    if len(pairs) > MOST_PAIRS:
        yield f"and {len(pairs) - MOST_PAIRS} less frequent ones", []


def _waits(proof: WaitProof) -> Iterator[Grid]:
    members = {fit.member_id: fit.member_name for fit in proof.fits}
    shown_as = dict(zip(members, apart(members.values(), members, NAMELESS), strict=True))
    for method in METHODS:
        title = f"{method} against the vendor's verdict"
        fits = grid(title, FIT, numbers=("calls", "late", "errors"), prose="ring group")
        for fit in (fit for fit in proof.fits if fit.method == method):
            counts = (f"{fit.calls:,}", f"{fit.calls_late:,}", fit.thresholds, f"{fit.errors:,} ({fit.error_rate:.1%})")
            fits.add_row(Text(shown_as[fit.member_id]), *counts, fit.verdict.replace("_", " "))
        if fits.row_count:
            yield fits


def wait_settings(proof: WaitProof, settings: Settings) -> Iterator[str]:
    """What the proof says, what to set, and how the tree's days take it on; `settings` are those of the environment."""
    yield from proof.describe()
    given = {"CALLS_WAIT": settings.wait or "", "CALLS_SLA_SECONDS": str(settings.sla_seconds)}
    differing = {name: value for name, value in proof.variables.items() if given[name] != value}
    if differing:
        values = " ".join(f"{name}={value}" for name, value in differing.items())
        yield f"Set {values}, then compute the days again that are there:"
        days = TableStore(settings.data_url).days(CALLS)
        yield from (f"calls-assets run --computed --from {first} --to {last}" for first, last in ranges(days))
    elif proof.variables:
        yield "The settings say so already."
