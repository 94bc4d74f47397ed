"""How a run over any days tells Dagster of each day on its own.

Dagster gives one result a run to every day of a range. A landing therefore attaches metadata and check results to each day as
it lands, and keeps the days that landed as materialized when a later one fails.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pyarrow as pa

from calls_assets.api.errors import ApiError
from calls_assets.api.windows import ONE_DAY, day_start
from calls_assets.checks import CHECKS, Check, Finding
from calls_assets.dagster.internals import AssetCheckEvaluationTargetMaterializationData as Target
from calls_assets.dagster.internals import DagsterUserCodeProcessError, SerializableErrorInfo
from calls_assets.dagster.runs import steps_left_out
from calls_assets.tables import memory
from calls_assets.tables.dictionary import TABLES
from calls_assets.tables.schema import Table
from calls_assets.tables.store import MissingDay, TableStore
from calls_assets.words import shown

MOST_TOLD = 400
"""Characters of what a library says of an error."""


class Stopped(DagsterUserCodeProcessError):
    """Ends a step with one sentence. The only kind of error that Dagster shows without the frames that it came through."""

    def __init__(self, sentence: str) -> None:
        error = SerializableErrorInfo(sentence, stack=[], cls_name="Stopped")
        super().__init__(sentence, user_code_process_error_infos=[error])  # type: ignore[no-untyped-call]


@dataclass
class Landing:
    """What a run has put in place so far.

    `made_with` holds the settings of the run that must be those of the tree: the zone, and of a pull more.
    """

    context: dg.AssetExecutionContext
    store: TableStore
    zone: ZoneInfo
    days: tuple[date, ...]
    made_with: memory.MadeWith
    _landed: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _found: dict[tuple[str, str], dict[str, Finding]] = field(default_factory=dict)
    _shown: set[tuple[str, str]] = field(default_factory=set)
    _records: dict[str, dict[str, dg.EventLogRecord]] = field(default_factory=dict)

    @contextmanager
    def alone(self, create: bool = False) -> Iterator[None]:
        """Keep other runs from landing in the tree meanwhile, so that what is read and landed in the block fits together.

        `create` makes the tree's folder where there is none yet, and has the tree remember the run's settings.

        Raises:
            Stopped: the tree was made with other settings.
        """
        with self.store.alone(self._report_wait, create):
            known = self.check_settings()
            if create:
                memory.remember(self.store, known, self.made_with)
            yield

    def check_settings(self) -> memory.MadeWith:
        """See that the run may go on in the tree; gives the settings that this was made with, as far as it has any.

        Raises:
            Stopped: it was made with others, or cannot tell.
        """
        try:
            return memory.check(self.store, self.made_with)
        except ValueError as error:
            raise Stopped(str(error)) from None

    def _report_wait(self) -> None:
        self.context.log.info("Another run is writing to %s: waiting for it.", self.store.root)

    def land(
        self,
        table: Table,
        day: date,
        rows: pa.Table | Iterable[pa.Table],
        metadata: dict[str, Any],
        findings: dict[str, Finding],
    ) -> None:
        """Replace a table's file of a day, and tell the UI of it; a table that the run did not select is left alone.

        Raises:
            Stopped: a finding that is no check of the UI's says that the rows are wrong; the file that was there stays.
        """
        if not self.selects(table):
            return
        self._refuse_what_is_wrong(table, day, findings)
        written = self.store.write(table, day, rows)
        self._tell(table.name, day, written.path, {"dagster/row_count": written.rows} | metadata)
        for name, finding in findings.items():
            if (table.name, name) in CHECKS:
                self._found.setdefault((table.name, name), {})[str(day)] = finding

    def land_page(self, name: str, day: date, html: bytes, metadata: dict[str, Any]) -> None:
        """Replace a page of a day, and tell the UI of it."""
        path = self.store.put(f"{name}/date={day}/{name}.html", html)
        self._tell(name, day, path, metadata)

    def _tell(self, name: str, day: date, path: str, metadata: dict[str, Any]) -> None:
        is_open = day_start(day + ONE_DAY, self.zone) > time.time()
        shown = {"path": dg.MetadataValue.path(path)} | ({"is_open_day": True} if is_open else {}) | metadata
        self.context.add_asset_metadata(shown, asset_key=dg.AssetKey(name), partition_key=str(day))
        self._landed[name, str(day)] = shown

    def _refuse_what_is_wrong(self, table: Table, day: date, findings: dict[str, Finding]) -> None:
        for name, finding in findings.items():
            if not finding.passed and (table.name, name) not in CHECKS:
                raise Stopped(f"{table.name} of {day} fails {name} and was not replaced: {finding.sentence}")

    def fail(self, table: Table, day: date, name: str, finding: Finding) -> None:
        """Show that a check failed on a day which therefore does not land."""
        if self.selects(table):
            self.context.log_event(evaluation(CHECKS[table.name, name], finding, str(day), None))

    def selects(self, table: Table) -> bool:
        """Whether the run is to materialize a table."""
        return dg.AssetKey(table.name) in self.context.selected_asset_keys

    def show(self) -> None:
        """Show what has landed as materialized already, for long runs and for those that break off."""
        for (name, day), metadata in self._landed.items():
            if (name, day) not in self._shown:
                self.context.log_event(dg.AssetMaterialization(name, partition=day, metadata=metadata))
                self._shown.add((name, day))

    def keep(self) -> None:
        """Keep what has landed as materialized, with its checks, although the run fails."""
        self.show()
        for found, findings in self._found.items():
            self._log(CHECKS[found], findings)

    @property
    def unfinished(self) -> str:
        """The days of a range that have not landed in all the tables of the step, as a sentence; empty where none."""
        names = [key.path[-1] for key in self.context.selected_asset_keys]
        days = [str(day) for day in self.days if any((name, str(day)) not in self._landed for name in names)]
        if len(self.days) == 1 or not days:
            return ""
        return f" Still to be materialized: {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}."

    def results(self) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """What the asset function yields at its end."""
        for key in self.context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key)
        for check_key in self.context.selected_asset_check_keys:
            check = CHECKS[check_key.asset_key.path[-1], check_key.name]
            findings = self._found.get((check.table, check.name), {})
            if len(self.days) > 1:
                self._log(check, findings)
            if findings:
                yield _result(check, findings)

    def _log(self, check: Check, findings: dict[str, Finding]) -> None:
        if check.table not in self._records:
            self._records[check.table] = latest(self.context.instance, check.table, [str(day) for day in self.days])
        for day, finding in findings.items():
            self.context.log_event(evaluation(check, finding, day, self._records[check.table].get(day)))


@contextmanager
def landing(
    context: dg.AssetExecutionContext, tables: Any, zone: ZoneInfo, problems: tuple[str, ...]
) -> Iterator[Landing]:
    """A landing for the run's days. A failure ends it with one sentence, and keeps the days that landed."""
    if problems:
        raise Stopped(" ".join(problems))
    days = _days(context, zone)
    _refuse_to_leave_out(context, days)
    current: Landing | None = None
    try:
        current = Landing(context, tables.store(), zone, days, {memory.ZONE: zone.key})
        yield current
    except BaseException as error:
        if current:
            current.keep()
        sentence = _sentence(error, current)
        if sentence:
            raise Stopped(f"{sentence}{current.unfinished if current else ''}") from None
        raise


def _sentence(error: BaseException, current: Landing | None) -> str:
    """What ended a run, in a sentence; empty where that is no error that can be expected."""
    if isinstance(error, (ApiError, MissingDay, ValueError, OSError)):
        return str(error)
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return "The run takes more memory than there is: give it more, or fewer days at a time."
    import duckdb  # a pull may do without it

    if current and isinstance(error, duckdb.Error):
        broken = current.store.read_through(TABLES.values(), current.days)
        refused = f"The tables could not be queried: {error}" if isinstance(error, duckdb.IOException) else ""
        return next(iter(broken.values()), shown(refused, MOST_TOLD))
    return ""


def _days(context: dg.AssetExecutionContext, zone: ZoneInfo) -> tuple[date, ...]:
    """The days of the run, in order.

    Raises:
        Stopped: the run is of no day, or of one that the project does not have; Dagster would show its own frames.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise Stopped(
            "This run is of no day: choose days, in the UI by materializing assets, or on the command line with "
            "--partition-range 2026-11-16...2026-11-22."
        )
    keys, definition, today = context.partition_key_range, context.assets_def.partitions_def, datetime.now(zone).date()
    start = definition.start.date() if isinstance(definition, dg.DailyPartitionsDefinition) else date.min
    if not str(start) <= keys.start <= keys.end <= str(today):
        days = f"{keys.start} is" if keys.start == keys.end else f"{keys.start} to {keys.end} are"
        raise Stopped(
            f"{days} not among the days from CALLS_START_DATE, {start}, to today, {today}: set an earlier "
            "CALLS_START_DATE, or choose other days."
        )
    return tuple(date.fromisoformat(key) for key in sorted(context.partition_keys))


def _refuse_to_leave_out(context: dg.AssetExecutionContext, days: Sequence[date]) -> None:
    """End a re-execution that would leave failed days as they are, and be green.

    Raises:
        Stopped: it leaves out a step that failed; says what to do instead.
    """
    left_out = steps_left_out(context.instance, context.run)
    if left_out:
        raise Stopped(
            f"The run before this one did not end {', '.join(left_out)}, and 'From asset failure' leaves that out, for some "
            f"of its days are there: re-execute 'From failure', or materialize {days[0]} to {days[-1]} again."
        )


def latest(instance: dg.DagsterInstance, table: str, days: Sequence[str]) -> dict[str, dg.EventLogRecord]:
    """The last materialization of each day of a table that has one."""
    found: dict[str, dg.EventLogRecord] = {}
    wanted = dg.AssetRecordsFilter(dg.AssetKey(table), asset_partitions=days)
    cursor, has_more = None, True
    while has_more and len(found) < len(days):
        page = instance.fetch_materializations(wanted, limit=1000, cursor=cursor)
        for record in page.records:
            found.setdefault(record.partition_key or "", record)
        cursor, has_more = page.cursor, page.has_more
    return found


def evaluation(check: Check, finding: Finding, day: str, of: dg.EventLogRecord | None) -> dg.AssetCheckEvaluation:
    """What Dagster is told of a day's check; without the materialization that it is of, the Partitions tab leaves it out."""
    target = of and Target(storage_id=of.storage_id, run_id=of.run_id, timestamp=of.timestamp)
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(check.table),
        check_name=check.name,
        passed=finding.passed,
        severity=check.severity,
        description=finding.sentence,
        metadata=finding.figures,
        partition=day,
        target_materialization_data=target,
    )


def _result(check: Check, findings: dict[str, Finding]) -> dg.AssetCheckResult:
    failed = [day for day, finding in findings.items() if not finding.passed]
    single = next(iter(findings.values())) if len(findings) == 1 else None
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(check.table),
        check_name=check.name,
        passed=not failed,
        severity=check.severity,
        description=single.sentence if single else f"{len(findings) - len(failed)} of {len(findings)} days passed.",
        metadata=single.figures if single else {"failed_days": ", ".join(failed) or "none"},
    )
