"""The `calls-assets` command: the demo, the UI, runs, questions in SQL, and the sandbox API alone."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args, get_type_hints
from zoneinfo import ZoneInfo

from rich.console import Console

from calls_assets.api.document import CALL_TYPES
from calls_assets.dagster import home
from calls_assets.sandbox import Behaviour, Centre, KindName, Meaning, RepeatedCalls, Replay, Sandbox
from calls_assets.sandbox.dialects import DIALECTS, HOSTILE, LOSSY, dialects
from calls_assets.sandbox.server import run
from calls_assets.settings import Settings, load_env_file

if TYPE_CHECKING:
    from calls_assets.dagster.launch import Outcome

HOME = Path(".calls_assets")
"""Where the demo and the UI keep what is not the user's own data; sandbox data stays in it."""

SANDBOX_DATA = HOME / "sandbox" / "data"
"""The sandbox's tree of days in UTC."""

SANDBOX_INSTANCE = HOME / "sandbox" / "dagster"
INSTANCE = HOME / "dagster"

ENDS_IN_S = 15
"""How long Dagster may take to end by itself."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that `argv` names; exits with 1 and one sentence where it cannot."""
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings(record=True, action="always") as told:
            load_env_file()
        sys.stderr.writelines(f"calls-assets: {one.message}\n" for one in told)
        arguments.run(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who reads us has enough
    except (OSError, ValueError, LookupError) as error:
        sys.exit(f"calls-assets: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="calls-assets", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo_parser = commands.add_parser("demo", help="run the pipeline on the sandbox for the last 7 days")
    demo_parser.set_defaults(run=demo)

    dev_parser = commands.add_parser("dev", help="the Dagster UI: on the sandbox unless CALLS_API_URL is set")
    dev_parser.add_argument(
        "--port", type=_whole("port", 0, 65_535), default=3000, help="port of the UI on 127.0.0.1; default %(default)s"
    )
    dev_parser.set_defaults(run=dev)

    run_parser = commands.add_parser("run", help="materialize a range of days, and print the answers")
    run_parser.add_argument(
        "--from", dest="first", type=_day, required=True, metavar="DAY", help="first day, YYYY-MM-DD"
    )
    run_parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day; default: the first")
    run_parser.set_defaults(run=run_days)

    sql_parser = commands.add_parser("sql", help="ask the tables in DuckDB's SQL; without a query, list them")
    sql_parser.add_argument(
        "query",
        nargs="?",
        help="such as 'SELECT * FROM service_level', or a table's name for its columns; - reads it from stdin",
    )
    sql_parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first day; default: all")
    sql_parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day; default: all")
    sql_parser.add_argument("--csv", action="store_true", help="print every row as CSV")
    sql_parser.add_argument(
        "--allow-files",
        action="store_true",
        help="let the query read other files than the tables', write files and load extensions, which it may not",
    )
    sql_parser.set_defaults(run=sql)

    doctor_parser = commands.add_parser("doctor", help="ask the account of CALLS_API_URL a few small questions")
    doctor_parser.add_argument(
        "--write-env", nargs="?", const=".env", type=Path, metavar="FILE", help="write what was found; default: .env"
    )
    doctor_parser.set_defaults(run=doctor)

    purge_parser = commands.add_parser(
        "purge", help="forget old runs whose days have all been materialized again since"
    )
    purge_parser.add_argument(
        "--keep-days",
        type=_whole("number of days"),
        default=30,
        metavar="N",
        help="runs of the last N days stay; default: %(default)s",
    )
    purge_parser.set_defaults(run=purge)

    evidence_parser = commands.add_parser("evidence", help="what the numbers rest on: call types, `type`, waits")
    evidence_parser.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="first day; default: 30 days, the last closed ones"
    )
    evidence_parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day; default: yesterday")
    evidence_parser.set_defaults(run=evidence)

    sandbox_parser = commands.add_parser(
        "sandbox",
        help="the embedded sandbox API alone",
        usage="calls-assets sandbox [--port PORT] [OPTION ...]",
        formatter_class=_DefaultsShown,
    )
    sandbox_parser.add_argument(
        "--port", type=_whole("port", 0, 65_535), default=8080, help="port on 127.0.0.1; 0 for any that is free"
    )
    _add_calls(sandbox_parser.add_argument_group("the calls"))
    _add_choices(sandbox_parser.add_argument_group("what the document leaves open"))
    _add_records_and_lists(sandbox_parser.add_argument_group("records and lists that are not as documented"))
    _add_refusals(sandbox_parser.add_argument_group("refusals that are not as documented"))
    sandbox_parser.set_defaults(run=sandbox)
    return parser


class _DefaultsShown(argparse.ArgumentDefaultsHelpFormatter):
    """Help that shows the defaults that do something."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return super()._get_help_string(action) if action.default else action.help


def _add_calls(group: argparse._ArgumentGroup) -> None:
    """Where the sandbox's calls come from."""
    source = group.add_mutually_exclusive_group()
    source.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="serve the calls of JSON lines, each with a record and its call_types; - reads them from stdin",
    )
    source.add_argument(
        "--fast",
        action="store_true",
        help="for load tests: one simulated day over and over, its pages ready-made, unpacked",
    )
    group.add_argument("--seed", type=int, default=7, help="another seed is another call centre")
    group.add_argument(
        "--calls-per-day",
        type=_whole("number of calls"),
        default=400,
        metavar="N",
        help="calls of a normal weekday, about; even a small centre's agents make a hundred",
    )
    kinds = get_args(KindName)
    group.add_argument("--kind", choices=kinds, default=kinds[0], help="which kind of call centre it is")
    group.add_argument("--zone", type=_zone, default="UTC", help="zone in which the centre keeps its hours")


def _add_choices(group: argparse._ArgumentGroup) -> None:
    """What the document leaves open."""
    group.add_argument("--dates-zone", type=_zone, default="UTC", metavar="ZONE", help="zone in which dates are read")
    group.add_argument("--date-to-exclusive", action="store_true", help="leave the day of dateTo out")
    _add_behaviour(group, "order", "how the pages run")
    meanings = get_type_hints(Meaning)
    for name, text in (
        ("sla_clock", "from when the service level's timer runs: the caller enters the queue, or the call starts"),
        ("leg_start", "what started_at is of a leg that answered"),
        ("duration", "what an inbound call's duration is: the whole call, or the talk"),
    ):
        choices = get_args(meanings[name])
        group.add_argument(f"--{name.replace('_', '-')}", choices=choices, default=choices[0], help=text)
    group.add_argument(
        "--page-cap", type=_whole("number of rows"), default=1000, metavar="N", help="most rows of a page"
    )
    group.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="how much longer each answer takes"
    )


def _add_records_and_lists(group: argparse._ArgumentGroup) -> None:
    """How records and lists can differ from the document."""
    group.add_argument(
        "--dialect",
        type=_dialects,
        action="extend",
        default=[],
        metavar="NAME[+NAME...]",
        help=f"how records are told: {', '.join(DIALECTS)}; with some names or ids left out: {', '.join(LOSSY)}; "
        f"with names that mean ill: {', '.join(HOSTILE)}",
    )
    group.add_argument("--total-cap", type=_whole("number of calls"), metavar="N", help="meta.total is never more")
    group.add_argument("--total-counts-page", action="store_true", help="meta.total counts the page, not the list")
    group.add_argument(
        "--duplicates", type=_whole("number of calls", 2), metavar="N", help="every N-th call of a list comes twice"
    )
    _add_behaviour(group, "empty_as", "how an empty list is answered")
    group.add_argument(
        "--deepest", type=_whole("number of calls"), metavar="N", help="pages reach no further into a list than this"
    )
    group.add_argument(
        "--deeper-status",
        type=_whole("status", 200, 599),
        default=400,
        metavar="STATUS",
        help="what pages beyond that get; 200: what is left, or an empty page",
    )
    group.add_argument(
        "--beyond-end-status",
        type=_whole("status", 200, 599),
        default=200,
        metavar="STATUS",
        help="what pages beyond the end of a list get; 200: an empty page",
    )


def _add_refusals(group: argparse._ArgumentGroup) -> None:
    """What an account can refuse."""
    group.add_argument(
        "--refuse-types",
        type=_call_types,
        action="extend",
        default=[],
        metavar="TYPE[,...]",
        help="call types that the account does not allow",
    )
    group.add_argument(
        "--refusal-status", type=_whole("status", 200, 599), default=400, metavar="STATUS", help="what those get"
    )
    group.add_argument(
        "--ignore-types",
        type=_call_types,
        action="extend",
        default=[],
        metavar="TYPE[,...]",
        help="call types that change nothing",
    )
    group.add_argument(
        "--per-minute", type=_whole("number of requests"), metavar="N", help="most requests in 60 s; others get a 429"
    )
    _add_behaviour(group, "retry_after", "how a 429 says when to come again")
    _add_behaviour(group, "error_as", "where the words of a refusal stand")
    _add_behaviour(group, "slash", "which of /calls/ and /calls answers, and whether the other leads there")


def _add_behaviour(group: argparse._ArgumentGroup, name: str, text: str) -> None:
    """An option for a field of `Behaviour` that is one of a few words."""
    choices = get_args(get_type_hints(Behaviour)[name])
    group.add_argument(f"--{name.replace('_', '-')}", choices=choices, default=getattr(Behaviour, name), help=text)


def _dialects(text: str) -> tuple[str, ...]:
    try:
        return dialects(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _call_types(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    for name in names:
        if name not in CALL_TYPES:
            raise argparse.ArgumentTypeError(f"{name!r} is no call type; there are {', '.join(CALL_TYPES)}")
    return names


def _source(arguments: argparse.Namespace) -> Centre | RepeatedCalls | Replay:
    """Where the sandbox's calls come from."""
    if arguments.replay is not None:
        with sys.stdin.buffer if str(arguments.replay) == "-" else arguments.replay.open("rb") as lines:
            return Replay(lines)
    per_day, kind, seed = arguments.calls_per_day, arguments.kind, arguments.seed
    meaning = Meaning(sla_clock=arguments.sla_clock, leg_start=arguments.leg_start, duration=arguments.duration)
    if arguments.fast:
        return RepeatedCalls(per_day, seed, kind, meaning, tuple(arguments.dialect))
    return Centre(seed, arguments.zone, per_day, kind=kind, meaning=meaning)


def _behaviour(arguments: argparse.Namespace) -> Behaviour:
    """How the account behaves that the options describe."""
    return Behaviour(
        zone=arguments.dates_zone,
        date_to_inclusive=not arguments.date_to_exclusive,
        order=arguments.order,
        page_cap=arguments.page_cap,
        latency_s=arguments.latency,
        gzip=not arguments.fast,
        dialect=tuple(arguments.dialect),
        total_cap=arguments.total_cap,
        total_of_page=arguments.total_counts_page,
        every_twice=arguments.duplicates,
        empty_as=arguments.empty_as,
        deepest=arguments.deepest,
        deeper_status=arguments.deeper_status,
        beyond_end_status=arguments.beyond_end_status,
        refused_call_types=frozenset(arguments.refuse_types),
        refusal_status=arguments.refusal_status,
        ignored_call_types=frozenset(arguments.ignore_types),
        per_period=arguments.per_minute,
        retry_after=arguments.retry_after,
        error_as=arguments.error_as,
        slash=arguments.slash,
    )


def sandbox(arguments: argparse.Namespace) -> None:
    """Serve the sandbox API until interrupted."""
    if arguments.fast and (arguments.duplicates is not None or arguments.order != Behaviour.order):
        raise ValueError("--fast has its calls in one order and each once: leave out --order and --duplicates.")
    source, behaviour = _source(arguments), _behaviour(arguments)
    if isinstance(source, Replay):
        Console(stderr=True).print(_replayed(source, ZoneInfo(behaviour.zone)), soft_wrap=True, highlight=False)

    def ready(api: Sandbox) -> None:
        given = f"CALLS_API_URL={api.url} CALLS_API_TOKEN={api.token}"
        Console().print(f"{given}   (Ctrl-C stops it)", soft_wrap=True, highlight=False)

    _free(arguments.port)
    signal.set_wakeup_fd(-1)  # it is there to be stopped
    run(arguments.port, source, behaviour, ready)


def _replayed(calls: Replay, zone: ZoneInfo) -> str:
    """How many calls are replayed, and of which days."""
    first, last = (datetime.fromtimestamp(moment, zone).date() for moment in calls.span or (0, 0))
    return f"{len(calls):,} calls from {first} to {last}." if len(calls) else "No calls to replay: there is no line."


def demo(_: argparse.Namespace) -> None:
    """Run the real pipeline through Dagster on the sandbox for the last days, and print the three answers."""
    from calls_assets.commands.demo import run_demo

    settings = _settings()
    console = Console()
    data = _sandbox_data(settings.zone)
    sandbox_settings = replace(Settings(), zone=settings.zone, data_url=str(data.absolute()))
    with home.opened(home.made(SANDBOX_INSTANCE)) as instance:
        _tell(run_demo(sandbox_settings, instance, console), console)
    console.print(
        f"The Parquet lies in {data}; see these runs in the UI with: make dev\n"
        f"Ask it with: CALLS_DATA_URL={data} calls-assets sql",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def _sandbox_data(zone: ZoneInfo) -> Path:
    """The sandbox's tree of days in a zone: one for each, because a tree keeps to the zone that it was made with."""
    name = SANDBOX_DATA.name if zone.key == "UTC" else f"{SANDBOX_DATA.name}_{zone.key.replace('/', '_')}"
    return SANDBOX_DATA.with_name(name)


def run_days(arguments: argparse.Namespace) -> None:
    """Materialize every asset for a range of days through Dagster, and print the answers."""
    settings = _settings()
    today, last = datetime.now(settings.zone).date(), arguments.last or arguments.first
    if not settings.start_date <= arguments.first <= last <= today:
        raise ValueError(
            f"--from and --to are days in order from CALLS_START_DATE, {settings.start_date}, to today, {today}, but "
            f"{arguments.first} and {last} were given."
        )
    from calls_assets.commands.answers import print_answers
    from calls_assets.dagster.launch import materialize
    from calls_assets.definitions import build

    console = Console()
    with home.opened(_home()) as instance:
        _tell(materialize(build(settings), instance, arguments.first, last, console), console)
    print_answers(arguments.first, last, settings.data_url, console)
    console.print(
        f"The Parquet lies in {settings.data_url}; see this run in the UI with: calls-assets dev",
        soft_wrap=True,
        markup=False,
    )


def _settings() -> Settings:
    """The environment's settings.

    Raises:
        ValueError: some cannot be used; a sentence for each.
    """
    settings = Settings.load()
    if settings.problems:
        raise ValueError(" ".join(settings.problems))
    return settings


def _tell(outcome: "Outcome", console: Console) -> None:
    """Print the checks that failed; exits with the run's sentences where it did."""
    for check in outcome.failed_checks:
        console.print(f"Check failed: {check}", style="yellow", soft_wrap=True, highlight=False, markup=False)
    if not outcome.success:
        sys.exit("calls-assets: " + ("\n".join(dict.fromkeys(outcome.sentences)) or "the run failed; the UI says why."))


def sql(arguments: argparse.Namespace) -> None:
    """Run a query over all tables, or list them."""
    from calls_assets.commands.sql import ask, describe, list_tables
    from calls_assets.reader import telling
    from calls_assets.tables.catalog import ALL_TABLES

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing of a query is left on disk
    warnings.formatwarning = lambda message, *_, **__: f"calls-assets: {message}\n"
    if arguments.query in ALL_TABLES:
        describe(ALL_TABLES[arguments.query], Console())
    elif arguments.query is None:
        with telling(arguments.first, arguments.last):
            list_tables(arguments.first, arguments.last, Console())
    else:
        ask(arguments.query, arguments.first, arguments.last, arguments.csv, arguments.allow_files)


def evidence(arguments: argparse.Namespace) -> None:
    """Print what the numbers of a range of days rest on."""
    from calls_assets.commands.evidence import print_evidence
    from calls_assets.reader import telling

    warnings.formatwarning = lambda message, *_, **__: f"calls-assets: {message}\n"
    today = datetime.now(Settings.load().zone).date()
    with telling(arguments.first, arguments.last):
        print_evidence(arguments.first, arguments.last, today, Console())


def purge(arguments: argparse.Namespace) -> None:
    """Forget old runs of which no day's last materialization is."""
    from calls_assets.dagster.purge import purge as forget

    before = datetime.now(UTC) - timedelta(days=arguments.keep_days)
    with home.opened(_home()) as instance:
        forgotten = sum(1 for _ in forget(instance, before))
    told = f"Forgot {forgotten} runs that ended before {before:%Y-%m-%d %H:%M} UTC. The files of the days stay as they are."
    Console().print(told, soft_wrap=True, highlight=False)


def doctor(arguments: argparse.Namespace) -> None:
    """Find out how the account behaves, and print what to set."""
    from calls_assets.commands.doctor import doctor as visit

    visit(os.environ, Console(), arguments.write_env)


def dev(arguments: argparse.Namespace) -> None:
    """Open the Dagster UI: on the account of CALLS_API_URL, or else on the sandbox with a tree of its own."""
    port = _free(arguments.port)
    environ = dict(os.environ)
    with ExitStack() as stack:
        if environ.get("CALLS_API_URL"):
            environ["DAGSTER_HOME"] = str(_home())
        else:
            from calls_assets.commands.demo import demo_centre

            zone = Settings.load().zone
            api = stack.enter_context(Sandbox(demo_centre(zone.key)))
            environ |= {
                "CALLS_API_URL": api.url,
                "CALLS_API_TOKEN": api.token,
                "CALLS_DATA_URL": str(_sandbox_data(zone).absolute()),
                "DAGSTER_HOME": str(home.made(SANDBOX_INSTANCE)),
            }
        signal.set_wakeup_fd(-1)  # Dagster's servers are given their time to end
        command = [sys.executable, "-m", "calls_assets.dagster.dev", "dev", "-m", "calls_assets.definitions"]
        address = ["-h", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen([*command, *address], env=environ)  # noqa: S603  # our own interpreter
        signal.signal(signal.SIGTERM, lambda *_: process.send_signal(signal.SIGINT))
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Wait for the end of Dagster after a Ctrl-C, which it has got too; a second one would break its ending off."""
    try:
        process.wait(ENDS_IN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        process.wait()


def _free(port: int) -> int:
    """The port; for 0, any that is free.

    Raises:
        ValueError: it is taken, or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
        except OSError as error:
            raise ValueError(
                f"port {port} is in use, or not allowed ({error.strerror}): give another --port."
            ) from error


def _home() -> Path:
    """Where Dagster keeps the records of the user's own runs: DAGSTER_HOME, or else a folder of ours.

    Raises:
        ValueError: it cannot be used.
    """
    path = os.environ.get("DAGSTER_HOME")
    return home.given(path) if path else home.made(INSTANCE)


def _whole(what: str, least: int = 1, most: int = 1_000_000) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no {what} from {least} to {most}")
        return int(text)

    return read


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-01") from None


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (LookupError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no IANA time zone such as America/New_York") from None
