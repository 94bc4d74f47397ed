"""The specification of each table for Dagster: key, inputs, description, columns, checks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from calls_assets.checks.catalog import CHECKS
from calls_assets.settings import Settings
from calls_assets.tables.catalog import REPORT, REPORT_INPUTS
from calls_assets.tables.schema import Table
from calls_assets.targets import Targets
from calls_assets.waits import Waits

JOB = "calls_pipeline"
"""The job of every table and the page."""

POOL = "calls_api"
"""The pool of the steps that query the API; dagster.yaml limits it."""

HOME = Path(__file__).parent.parent


@dataclass(frozen=True)
class AssetSettings:
    """What all assets share.

    `backfill_policy` says how many days a run takes, `repull_days` how many closed days each morning pulls again,
    `repull_hour` at which local hour, `waits` how callers' waits are told, `targets` what pages judge by, `pages_url` where
    they are served, if anywhere, and `problems` what is wrong with the settings, in which case every run fails.
    """

    partitions: dg.DailyPartitionsDefinition
    zone: ZoneInfo
    problems: tuple[str, ...]
    backfill_policy: dg.BackfillPolicy
    repull_days: int
    repull_hour: int
    waits: Waits
    targets: Targets
    owners: tuple[str, ...]
    docs_url: str
    pages_url: str

    @classmethod
    def of(cls, settings: Settings) -> "AssetSettings":
        """One partition per local day from the start date to today, including the open day."""
        days = settings.days_per_run
        return cls(
            dg.DailyPartitionsDefinition(str(settings.start_date), timezone=settings.zone.key, end_offset=1),
            settings.zone,
            settings.problems,
            dg.BackfillPolicy.multi_run(days) if days else dg.BackfillPolicy.single_run(),
            settings.repull_days,
            settings.repull_hour,
            settings.waits,
            settings.targets,
            settings.owners,
            settings.docs_url,
            settings.pages_url,
        )


def table_specs(tables: Iterable[Table], settings: AssetSettings, skippable: bool = False) -> list[dg.AssetSpec]:
    """The asset specs of tables."""
    return [
        dg.AssetSpec(
            table.name,
            deps=list(table.inputs),
            description=table.description,
            group_name=table.group,
            kinds={"parquet", "duckdb"} if table.inputs else {"parquet", "python"},
            owners=settings.owners,
            tags={"made_from": "files" if table.inputs else "api"},
            metadata={"dagster/column_schema": _columns(table)} | docs(table.name, settings.docs_url),
            partitions_def=settings.partitions,
            skippable=skippable,
        )
        for table in tables
    ]


def report_spec(settings: AssetSettings) -> dg.AssetSpec:
    """The asset spec of the daily page, with a link to the index where it is served."""
    index = f"{settings.pages_url}/index.html"
    return dg.AssetSpec(
        REPORT,
        deps=list(REPORT_INPUTS),
        description="One self-contained HTML page a day for whoever runs the centre: service level and abandonment with what "
        "they are shares of, beside the same weekday and the last four weeks; by half-hour and ring group; agents by talk "
        "time; what changed, what is provisional, where the data is incomplete. `daily_report/index.html` links "
        "the days, and the pages of their weeks and months.",
        group_name="reports",
        kinds={"html"},
        owners=settings.owners,
        tags={"audience": "manager", "personal_data": "agents"},
        metadata={"all_days": dg.MetadataValue.url(index)} if settings.pages_url else {},
        partitions_def=settings.partitions,
    )


def docs(name: str, docs_url: str) -> dict[str, Any]:
    """The link from an asset to its part of docs/tables.md, on the web or on this disk, and to its query."""
    sources = []
    page, query = HOME.parent / "docs" / "tables.md", HOME / "metrics" / f"{name}.sql"
    if query.exists():
        sources.append(dg.LocalFileCodeReference(file_path=str(query), line_number=1, label="the query"))
    if page.exists() and not docs_url:
        sources.append(dg.LocalFileCodeReference(file_path=str(page), line_number=1, label="the data dictionary"))
    references = (
        {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=list(sources))} if sources else {}
    )
    return references | ({"docs": dg.MetadataValue.url(f"{docs_url}/tables.md#{name}")} if docs_url else {})


def check_specs(tables: Iterable[Table], settings: AssetSettings) -> list[dg.AssetCheckSpec]:
    """The check specs of tables."""
    names = {table.name for table in tables}
    return [
        dg.AssetCheckSpec(
            check.name, asset=check.table, description=check.description, partitions_def=settings.partitions
        )
        for check in CHECKS
        if check.table in names
    ]


def _columns(table: Table) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type),
                column.description + (f" Unit: {column.unit}." if column.unit else ""),
                dg.TableColumnConstraints(nullable=not column.required, unique=table.key == (column.name,)),
            )
            for column in table.columns
        ]
    )
