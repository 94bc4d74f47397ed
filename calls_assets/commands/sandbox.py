"""The sandbox API alone; an option sets the field of `Behaviour` that it is named for."""

import signal
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, get_args, get_type_hints
from zoneinfo import ZoneInfo

import click
from rich.console import Console

from calls_assets.api.document import CALL_TYPES
from calls_assets.commands.base import ZONE, Argument, Command, whole
from calls_assets.commands.local import free_port
from calls_assets.sandbox import Behaviour, Centre, KindName, Meaning, RepeatedCalls, Replay, Sandbox
from calls_assets.sandbox.dialects import DIALECTS, HOSTILE, LOSSY, dialects
from calls_assets.sandbox.server import run
from calls_assets.waits import NONE, Waits

CALLS = "The calls"
OPEN = "What the document leaves open"
RECORDS = "Records and lists that are not as documented"
REFUSALS = "Refusals that are not as documented"


class _Option(click.Option):
    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.group = group


class _Sandbox(Command):
    """Shows the options in groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups in the order of the options."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if record := option.get_help_record(ctx):
                groups.setdefault(getattr(option, "group", "Options"), []).append(record)
        for title in ("Options", *(group for group in groups if group != "Options")):
            with formatter.section(title):
                formatter.write_dl(groups[title])


Decorator = Callable[[Callable[..., None]], Callable[..., None]]


def _option(group: str, *names: str, **settings: Any) -> Decorator:
    return click.option(*names, cls=_Option, group=group, **settings)


def _choice(group: str, of: type, field: str, text: str) -> Decorator:
    """An option for a field with a few allowed values."""
    words = click.Choice(get_args(get_type_hints(of)[field]))
    return _option(group, f"--{field.replace('_', '-')}", type=words, default=getattr(of, field), help=text)


def _list(
    group: str, name: str, field: str, read: Callable[[str], tuple[str, ...]], metavar: str, text: str
) -> Decorator:
    """An option with several values, which can be repeated."""

    def joined(_: click.Context, __: click.Parameter, given: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(chain.from_iterable(given))

    words = Argument(name, read)
    return _option(group, name, field, type=words, multiple=True, callback=joined, metavar=metavar, help=text)


def _call_types(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in CALL_TYPES:
            raise ValueError(f"{name!r} is not a call type; there are {', '.join(CALL_TYPES)}")
    return names


DIALECT_HELP = (
    f"how records are written: {', '.join(DIALECTS)}; with some names or ids left out: {', '.join(LOSSY)}; "
    f"with malicious names: {', '.join(HOSTILE)}"
)
COUNT, STATUS = whole("a number of calls"), whole("a status", 200, 599)
KINDS = get_args(KindName)


@click.command("sandbox", cls=_Sandbox)
@click.option("--port", type=whole("a port", 0, 65_535), default=8080, help="port on 127.0.0.1; 0 for any that is free")
@_option(
    CALLS,
    "--replay",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="serve the calls of JSON lines, each with a record and its call_types; - reads them from stdin",
)
@_option(
    CALLS,
    "--fast",
    is_flag=True,
    help="for load tests: one simulated day over and over, its pages ready-made, unpacked",
)
@_option(CALLS, "--seed", type=int, default=7, help="another seed makes another call centre")
@_option(
    CALLS,
    "--calls-per-day",
    type=COUNT,
    default=400,
    metavar="N",
    help="approximate calls of a normal weekday; even a small centre's agents make a hundred",
)
@_option(CALLS, "--kind", type=click.Choice(KINDS), default=KINDS[0], help="the kind of call centre")
@_option(CALLS, "--zone", "centre_zone", type=ZONE, default="UTC", help="zone of the centre's opening hours")
@_option(OPEN, "--dates-zone", "zone", type=ZONE, default="UTC", metavar="ZONE", help="zone in which dates are read")
@_option(
    OPEN,
    "--date-to-exclusive",
    is_flag=True,
    help="exclude the day of dateTo",
)
@_choice(OPEN, Behaviour, "order", "the order of the records")
@_choice(
    OPEN,
    Meaning,
    "sla_clock",
    "from when the service level's timer runs: the caller enters the queue, or the call starts",
)
@_choice(OPEN, Meaning, "leg_start", "what started_at is of a leg that answered")
@_choice(OPEN, Meaning, "duration", "what an inbound call's duration is: the whole call, or the talk")
@_option(OPEN, "--page-cap", type=whole("a number of rows"), default=1000, metavar="N", help="most rows per page")
@_option(OPEN, "--latency", "latency_s", type=float, default=0.0, metavar="SECONDS", help="delay of each answer")
@_list(RECORDS, "--dialect", "dialect", dialects, "NAME[+NAME...]", DIALECT_HELP)
@_option(RECORDS, "--total-cap", type=COUNT, metavar="N", help="meta.total is never more")
@_option(RECORDS, "--total-counts-page", "total_of_page", is_flag=True, help="meta.total counts the page, not the list")
@_option(
    RECORDS,
    "--duplicates",
    "every_twice",
    type=whole("a number of calls", 2),
    metavar="N",
    help="every N-th call of a list is duplicated",
)
@_choice(RECORDS, Behaviour, "empty_as", "how an empty list is answered")
@_option(RECORDS, "--deepest", type=COUNT, metavar="N", help="how deep pages reach into a list")
@_option(
    RECORDS,
    "--deeper-status",
    type=STATUS,
    default=400,
    metavar="STATUS",
    help="what pages beyond that get; 200: what is left, or an empty page",
)
@_option(
    RECORDS,
    "--beyond-end-status",
    type=STATUS,
    default=200,
    metavar="STATUS",
    help="what pages beyond the end of a list get; 200: an empty page",
)
@_list(
    REFUSALS,
    "--refuse-types",
    "refused_call_types",
    _call_types,
    "TYPE[,...]",
    "call types that the account does not allow",
)
@_option(REFUSALS, "--refusal-status", type=STATUS, default=400, metavar="STATUS", help="status of those refusals")
@_list(
    REFUSALS, "--ignore-types", "ignored_call_types", _call_types, "TYPE[,...]", "call types that the account ignores"
)
@_option(
    REFUSALS,
    "--per-minute",
    "per_period",
    type=whole("a number of requests"),
    metavar="N",
    help="most requests in 60 s; others get a 429",
)
@_choice(REFUSALS, Behaviour, "retry_after", "how a 429 says when to retry")
@_choice(REFUSALS, Behaviour, "error_as", "where a refusal has its message")
@_choice(REFUSALS, Behaviour, "slash", "which of /calls/ and /calls answers, and whether the other redirects to it")
def command(
    port: int,
    replay: Path | None,
    fast: bool,
    seed: int,
    calls_per_day: int,
    kind: KindName,
    centre_zone: str,
    sla_clock: Any,
    leg_start: Any,
    duration: Any,
    refused_call_types: tuple[str, ...],
    ignored_call_types: tuple[str, ...],
    date_to_exclusive: bool,
    **behaves: Any,
) -> None:
    """Serve the sandbox API until interrupted."""
    if fast and replay:
        raise click.UsageError("--fast and --replay do not go together.")
    behaviour = Behaviour(
        gzip=not fast,
        refused_call_types=frozenset(refused_call_types),
        ignored_call_types=frozenset(ignored_call_types),
        date_to_inclusive=not date_to_exclusive,
        **behaves,
    )
    if fast and (behaviour.every_twice is not None or behaviour.order != Behaviour.order):
        raise ValueError("--fast has its calls in one order and each once: leave out --order and --duplicates.")
    meaning = Meaning(sla_clock=sla_clock, leg_start=leg_start, duration=duration)
    source: Centre | RepeatedCalls | Replay
    if replay:
        with sys.stdin.buffer if str(replay) == "-" else replay.open("rb") as lines:
            source = Replay(lines)
        Console(stderr=True).print(_replayed(source, ZoneInfo(behaviour.zone)), soft_wrap=True, highlight=False)
    elif fast:
        source = RepeatedCalls(calls_per_day, seed, kind, meaning, behaviour.dialect)
    else:
        source = Centre(seed, centre_zone, calls_per_day, kind=kind, meaning=meaning)
    waits = _told(source.waits) if isinstance(source, Centre) else ""

    def ready(api: Sandbox) -> None:
        given = f"CALLS_API_URL={api.url} CALLS_API_TOKEN={api.token}{waits}"
        Console().print(f"{given}   (Ctrl-C stops it)", soft_wrap=True, highlight=False)

    free_port(port)
    signal.set_wakeup_fd(-1)  # to be stopped is its normal end
    run(port, source, behaviour, ready)


def _told(waits: Waits) -> str:
    """The settings of a centre's waits, to stand behind others."""
    if waits.method is None:
        return f" CALLS_WAIT={NONE}"
    return f" CALLS_WAIT={waits.method} CALLS_SLA_SECONDS={waits.thresholds}"


def _replayed(calls: Replay, zone: ZoneInfo) -> str:
    """How many calls are replayed, and from which days."""
    first, last = (datetime.fromtimestamp(moment, zone).date() for moment in calls.span or (0, 0))
    return f"{len(calls):,} calls from {first} to {last}." if len(calls) else "No calls to replay: the input is empty."
