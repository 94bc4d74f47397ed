"""Every asset: days in, tables and pages out. What a run does for them is in `pipeline`."""

from typing import Any

import dagster as dg

from calls_assets.dagster.resources import CallsApi, Tables
from calls_assets.dagster.specs import POOL, AssetSettings, check_specs, report_spec, table_specs
from calls_assets.tables.catalog import (
    CALL_CHANGES,
    RAW_CALL_TYPES,
    RAW_CALLS,
    RECONCILIATION,
    REJECTED_CALLS,
    REPORT,
    TABLES,
)
from calls_assets.tables.schema import Table

FETCHED = (RAW_CALLS, REJECTED_CALLS, CALL_CHANGES, RAW_CALL_TYPES, RECONCILIATION)
COMPUTED = tuple(table for table in TABLES.values() if table.inputs)


def assets(settings: AssetSettings) -> list[dg.AssetsDefinition]:
    """The project's assets: what is fetched, what is computed from it, and the page of each day."""
    return [fetched(settings), *(computed(table, settings) for table in COMPUTED), daily_report(settings)]


def fetched(settings: AssetSettings) -> dg.AssetsDefinition:
    """The tables from the API, in one step, so that its labels and counts cover exactly the window of the calls."""

    @dg.multi_asset(
        name="fetch_calls",
        specs=table_specs(FETCHED, settings, skippable=True),
        check_specs=check_specs(FETCHED, settings),
        partitions_def=settings.partitions,
        backfill_policy=settings.backfill_policy,
        can_subset=True,
        pool=POOL,
    )
    def fetch_calls(context: dg.AssetExecutionContext, calls_api: CallsApi, tables: Tables) -> Any:
        from calls_assets.dagster.landing import landing
        from calls_assets.pipeline.fetch import fetch

        with landing(context, tables, settings) as land:
            fetch(land, calls_api.account(context.log))
        yield from land.results()

    return fetch_calls


def computed(table: Table, settings: AssetSettings) -> dg.AssetsDefinition:
    """A table that is computed from files by the query of its name."""

    @dg.multi_asset(
        name=f"compute_{table.name}",
        specs=table_specs([table], settings),
        check_specs=check_specs([table], settings),
        partitions_def=settings.partitions,
        backfill_policy=settings.backfill_policy,
    )
    def compute_table(context: dg.AssetExecutionContext, tables: Tables) -> Any:
        from calls_assets.dagster.landing import landing
        from calls_assets.pipeline.compute import compute_days

        with landing(context, tables, settings) as land:
            compute_days(table, land, settings.repull_days, settings.repull_hour, settings.waits)
        yield from land.results()

    return compute_table


def daily_report(settings: AssetSettings) -> dg.AssetsDefinition:
    """The manager's page: one HTML file a day, and an index that links them."""

    @dg.multi_asset(name=f"write_{REPORT}", specs=[report_spec(settings)], backfill_policy=settings.backfill_policy)
    def write_daily_report(context: dg.AssetExecutionContext, tables: Tables) -> Any:
        from calls_assets.dagster.landing import landing
        from calls_assets.pipeline.pages import write_pages

        with landing(context, tables, settings) as land:
            write_pages(land, settings.targets, settings.waits.thresholds)
        yield from land.results()

    return write_daily_report
