"""How a run over any days reports each day to Dagster separately.

Dagster gives every day of a range the one result of the run. A landing therefore attaches metadata and check results to each
day as it lands, and keeps the days that landed as materialized when a later one fails.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from calls_assets.api.errors import ApiError
from calls_assets.checks.catalog import CHECKS, Check, CheckOutcome
from calls_assets.dagster.internals import AssetCheckEvaluationTargetMaterializationData as Target
from calls_assets.dagster.internals import DagsterUserCodeProcessError, SerializableErrorInfo
from calls_assets.dagster.resources import Tables
from calls_assets.dagster.runs import steps_left_out
from calls_assets.dagster.specs import AssetSettings
from calls_assets.days import ONE_DAY, day_start
from calls_assets.display import shown
from calls_assets.pipeline.landing import Instant, Landing, Markdown, Metadata, Refused
from calls_assets.tables.catalog import REPORT, TABLES
from calls_assets.tables.made_with import ZONE
from calls_assets.tables.schema import Table
from calls_assets.tables.store import MissingDay

BY_KEY = {(check.table, check.name): check for check in CHECKS}

MOST_TOLD = 400
"""The most characters of a library's error message."""


class Stopped(DagsterUserCodeProcessError):
    """Ends a step with one sentence: the only kind of error that Dagster shows without a traceback."""

    def __init__(self, sentence: str) -> None:
        error = SerializableErrorInfo(sentence, stack=[], cls_name="Stopped")
        super().__init__(sentence, user_code_process_error_infos=[error])  # type: ignore[no-untyped-call]  # Dagster's


@dataclass
class DagsterLanding(Landing):
    """The landing of a Dagster run, which gets each day that lands."""

    context: dg.AssetExecutionContext
    pages_url: str = ""
    _landed: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _found: dict[Check, dict[str, CheckOutcome]] = field(default_factory=dict)
    _shown: set[tuple[str, str]] = field(default_factory=set)
    _records: dict[str, dict[str, dg.EventLogRecord]] = field(default_factory=dict)

    def selects(self, table: Table) -> bool:
        """Whether the run is to materialize a table."""
        return dg.AssetKey(table.name) in self.context.selected_asset_keys

    def report_file(self, name: str, day: date, path: str, metadata: Metadata) -> None:
        """Attach a file's path and figures to its day, and of a page the link, where it is served."""
        is_open = day_start(day + ONE_DAY, self.zone) > time.time()
        shown: dict[str, Any] = {}
        if name == REPORT and self.pages_url:
            shown["page"] = dg.MetadataValue.url(f"{self.pages_url}/date={day}/{name}.html")
        shown |= {"path": dg.MetadataValue.path(path)} | ({"is_open_day": True} if is_open else {})
        shown |= {figure: _metadata_value(value) for figure, value in metadata.items()}
        self.context.add_asset_metadata(shown, asset_key=dg.AssetKey(name), partition_key=str(day))
        self._landed[name, str(day)] = shown

    def report_outcome(self, check: Check, day: date, outcome: CheckOutcome) -> None:
        """Keep what a check found until its materialization is known."""
        self._found.setdefault(check, {})[str(day)] = outcome

    def fail(self, table: Table, day: date, check: Check, outcome: CheckOutcome) -> None:
        """Report that a check failed on a day which therefore does not land."""
        if self.selects(table):
            self.context.log_event(evaluation(check, outcome, str(day), None))

    def show(self) -> None:
        """Report what has landed as materialized already, for long runs and for runs that fail."""
        for (name, day), metadata in self._landed.items():
            if (name, day) not in self._shown:
                self.context.log_event(dg.AssetMaterialization(name, partition=day, metadata=metadata))
                self._shown.add((name, day))

    def keep(self) -> None:
        """Keep what has landed as materialized, with its checks, although the run fails."""
        self.show()
        for check, outcomes in self._found.items():
            self._log(check, outcomes)

    @property
    def unfinished(self) -> str:
        """The days of a range that have not landed in every table of the step, as a sentence; empty if there are none."""
        names = [key.path[-1] for key in self.context.selected_asset_keys]
        days = [str(day) for day in self.days if any((name, str(day)) not in self._landed for name in names)]
        if len(self.days) == 1 or not days:
            return ""
        return f" Still to be materialized: {days[0] if len(days) == 1 else f'{days[0]} to {days[-1]}'}."

    def results(self) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """What the asset function yields in the end."""
        for key in self.context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key)
        for check_key in self.context.selected_asset_check_keys:
            check = BY_KEY[check_key.asset_key.path[-1], check_key.name]
            outcomes = self._found.get(check, {})
            if len(self.days) > 1:
                self._log(check, outcomes)
            if outcomes:
                yield _result(check, outcomes)

    def _log(self, check: Check, outcomes: dict[str, CheckOutcome]) -> None:
        if check.table not in self._records:
            self._records[check.table] = latest(self.context.instance, check.table, [str(day) for day in self.days])
        for day, outcome in outcomes.items():
            self.context.log_event(evaluation(check, outcome, day, self._records[check.table].get(day)))


@contextmanager
def landing(context: dg.AssetExecutionContext, tables: Tables, settings: AssetSettings) -> Iterator[DagsterLanding]:
    """A landing for the run's days. A failure ends it with one sentence, and keeps the days that landed."""
    if settings.problems:
        raise Stopped(" ".join(settings.problems))
    days = _days(context, settings.zone)
    _refuse_to_leave_out(context, days)
    current: DagsterLanding | None = None
    try:
        zone = settings.zone
        current = DagsterLanding(context.log, tables.store(), zone, days, {ZONE: zone.key}, context, settings.pages_url)
        yield current
    except BaseException as error:
        if current:
            current.keep()
        if isinstance(error, Refused):
            raise Stopped(str(error)) from None
        sentence = _sentence(error, current)
        if sentence:
            raise Stopped(f"{sentence}{current.unfinished if current else ''}") from None
        raise


def _sentence(error: BaseException, current: DagsterLanding | None) -> str:
    """Why a run ended, in a sentence; empty for an unexpected error."""
    if isinstance(error, (ApiError, MissingDay, ValueError, OSError)):
        return str(error)
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
        return "The run needs more memory than is available: give it more, or fewer days at a time."
    import duckdb  # not every pull needs it

    if current and isinstance(error, duckdb.Error):
        broken = current.store.read_through(TABLES.values(), current.days)
        refused = f"The tables could not be queried: {error}" if isinstance(error, duckdb.IOException) else ""
        return next(iter(broken.values()), shown(refused, MOST_TOLD))
    return ""


def _days(context: dg.AssetExecutionContext, zone: ZoneInfo) -> tuple[date, ...]:
    """The days of the run, in order.

    Raises:
        Stopped: the run has no days, or days outside the project's; Dagster would show a traceback.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        raise Stopped(
            "This run has no days: choose some, in the UI by materializing assets, or on the command line with "
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
    """End a re-execution that would succeed without repeating the days that failed.

    Raises:
        Stopped: it skips a step that failed; says what to do instead.
    """
    left_out = steps_left_out(context.instance, context.run)
    if left_out:
        raise Stopped(
            f"The previous run did not finish {', '.join(left_out)}, and 'From asset failure' skips that, because some of "
            f"its days exist: re-execute 'From failure', or materialize {days[0]} to {days[-1]} again."
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


def evaluation(check: Check, outcome: CheckOutcome, day: str, of: dg.EventLogRecord | None) -> dg.AssetCheckEvaluation:
    """A day's check as Dagster records it; without its materialization, the Partitions tab would not show it."""
    target = of and Target(storage_id=of.storage_id, run_id=of.run_id, timestamp=of.timestamp)
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(check.table),
        check_name=check.name,
        passed=outcome.passed,
        severity=severity(check),
        description=outcome.sentence,
        metadata=outcome.figures,
        partition=day,
        target_materialization_data=target,
    )


def severity(check: Check) -> dg.AssetCheckSeverity:
    """The severity of a failed check in Dagster."""
    return dg.AssetCheckSeverity.ERROR if check.is_error else dg.AssetCheckSeverity.WARN


def _metadata_value(value: Any) -> Any:
    if isinstance(value, Markdown):
        return dg.MetadataValue.md(str(value))
    return dg.MetadataValue.timestamp(float(value)) if isinstance(value, Instant) else value


def _result(check: Check, outcomes: dict[str, CheckOutcome]) -> dg.AssetCheckResult:
    failed = [day for day, outcome in outcomes.items() if not outcome.passed]
    single = next(iter(outcomes.values())) if len(outcomes) == 1 else None
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(check.table),
        check_name=check.name,
        passed=not failed,
        severity=severity(check),
        description=single.sentence if single else f"{len(outcomes) - len(failed)} of {len(outcomes)} days passed.",
        metadata=single.figures if single else {"failed_days": ", ".join(failed) or "none"},
    )
