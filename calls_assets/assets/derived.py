"""The assets that are computed from files: the cleaned calls, the agents' legs and the metrics."""

from typing import Any

import dagster as dg

from calls_assets.assets.specs import Partitions, check_specs, specs
from calls_assets.resources import Tables
from calls_assets.tables.dictionary import TABLES
from calls_assets.tables.schema import Table

DERIVED = tuple(table for table in TABLES.values() if table.inputs)


def derived_assets(partitions: Partitions) -> list[dg.AssetsDefinition]:
    """One asset for each table that has inputs."""
    return [_derived(table, partitions) for table in DERIVED]


def _derived(table: Table, partitions: Partitions) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"compute_{table.name}",
        specs=specs([table], partitions),
        check_specs=check_specs([table], partitions),
        partitions_def=partitions.definition,
        backfill_policy=partitions.backfill_policy,
    )
    def compute_table(context: dg.AssetExecutionContext, tables: Tables) -> Any:
        from calls_assets.assets.compute import compute_days
        from calls_assets.assets.landing import landing

        with landing(context, tables, partitions.zone, partitions.problems) as land:
            compute_days(table, land, partitions.repull_days)
        yield from land.results()

    return compute_table
