"""What a run writes, one day of a table at a time; a subclass reports it."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from calls_assets.checks.catalog import CHECKS, Check, CheckOutcome, CheckOutcomes, Invariant
from calls_assets.tables.made_with import MadeWith, check, remember
from calls_assets.tables.schema import Table
from calls_assets.tables.store import TableStore


class Refused(ValueError):
    """The run may not go on, because of its tree or its rows."""


class Markdown(str):
    """A figure of a day that is shown as Markdown."""


class Instant(float):
    """A figure of a day that is a time, in epoch seconds."""


Metadata = Mapping[str, str | int | float | bool | Markdown | Instant]
"""The figures of a day that are shown beside its file, by name."""


@dataclass
class Landing(ABC):
    """A run over some days of a tree.

    `made_with` holds the settings that the run must share with the tree: the zone, and more for a pull.
    """

    log: logging.Logger
    store: TableStore
    zone: ZoneInfo
    days: tuple[date, ...]
    made_with: MadeWith

    @contextmanager
    def alone(self, create: bool = False) -> Iterator[None]:
        """Lock the tree against other runs, so that what is read and landed in the block is consistent.

        `create` creates the tree's folder if needed, and stores the run's settings in it.

        Raises:
            Refused: the tree was made with other settings.
        """
        with self.store.alone(self._report_wait, create):
            known = self.check_settings()
            if create:
                remember(self.store, known, self.made_with)
            yield

    def check_settings(self) -> MadeWith:
        """Check that the run may go on in the tree; returns the settings that the tree was made with, if any.

        Raises:
            Refused: the tree was made with others, or its settings cannot be read.
        """
        try:
            return check(self.store, self.made_with)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _report_wait(self) -> None:
        self.log.info("Another run is writing to %s: waiting for it.", self.store.root)

    def land(
        self,
        table: Table,
        day: date,
        rows: pa.Table | Iterable[pa.Table],
        metadata: Metadata,
        outcomes: CheckOutcomes,
    ) -> None:
        """Replace a table's file of a day, and report it; a table that the run did not select is left alone.

        Raises:
            Refused: the rows violate an invariant; the previous file stays.
        """
        if not self.selects(table):
            return
        for kind, outcome in outcomes.items():
            if isinstance(kind, Check) and kind not in CHECKS:
                raise Refused(
                    f"{table.name} has a check {kind.name} that is not among CHECKS: add it to checks/catalog.py."
                )
            if isinstance(kind, Invariant) and not outcome.passed:
                raise Refused(f"{table.name} of {day} fails {kind.name} and was not replaced: {outcome.sentence}")
        written = self.store.write(table, day, rows)
        self.report_file(table.name, day, written.path, {"dagster/row_count": written.rows} | dict(metadata))
        for kind, outcome in outcomes.items():
            if isinstance(kind, Check):
                self.report_outcome(kind, day, outcome)

    def land_page(self, name: str, day: date, html: bytes, metadata: Metadata) -> None:
        """Replace a page of a day, and report it."""
        self.report_file(name, day, self.store.put(f"{name}/date={day}/{name}.html", html), metadata)

    @abstractmethod
    def selects(self, table: Table) -> bool:
        """Whether the run is to materialize a table."""

    @abstractmethod
    def report_file(self, name: str, day: date, path: str, metadata: Metadata) -> None:
        """Report a file that was written."""

    @abstractmethod
    def report_outcome(self, check: Check, day: date, outcome: CheckOutcome) -> None:
        """Report what a check found on a day that landed."""

    @abstractmethod
    def fail(self, table: Table, day: date, check: Check, outcome: CheckOutcome) -> None:
        """Report that a check failed on a day which therefore does not land."""

    @abstractmethod
    def show(self) -> None:
        """Report what has landed as materialized already, for long runs and for runs that fail."""


class Unreported(Landing):
    """The landing of pages that are made again outside of a run: nobody is told."""

    def selects(self, table: Table) -> bool:  # noqa: ARG002  # as the base class has it
        """No table is materialized."""
        return False

    def report_file(self, name: str, day: date, path: str, metadata: Metadata) -> None:
        """A page is where it was."""

    def report_outcome(self, check: Check, day: date, outcome: CheckOutcome) -> None:
        """No check is made of a page."""

    def fail(self, table: Table, day: date, check: Check, outcome: CheckOutcome) -> None:
        """No check is made of a page."""

    def show(self) -> None:
        """There is nowhere to show it."""
