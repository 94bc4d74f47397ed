"""The assets that come from the API: the calls, what could not be read, and what the API says of call types."""

from typing import Any

import dagster as dg

from calls_assets.assets.specs import POOL, Partitions, check_specs, specs
from calls_assets.resources import CallsApi, Tables
from calls_assets.tables.dictionary import CALL_CHANGES, RAW_CALL_TYPES, RAW_CALLS, RECONCILIATION, REJECTED_CALLS

FETCHED = (RAW_CALLS, REJECTED_CALLS, CALL_CHANGES, RAW_CALL_TYPES, RECONCILIATION)


def api_assets(partitions: Partitions) -> dg.AssetsDefinition:
    """One step for all that comes from the API, so that its labels and counts are asked over the very window of the calls."""

    @dg.multi_asset(
        name="fetch_calls",
        specs=specs(FETCHED, partitions, skippable=True),
        check_specs=check_specs(FETCHED, partitions),
        partitions_def=partitions.definition,
        backfill_policy=partitions.backfill_policy,
        can_subset=True,
        pool=POOL,
    )
    def fetch_calls(context: dg.AssetExecutionContext, calls_api: CallsApi, tables: Tables) -> Any:
        from calls_assets.assets.fetch import fetch
        from calls_assets.assets.landing import landing

        with landing(context, tables, partitions.zone, partitions.problems) as land:
            fetch(land, calls_api)
        yield from land.results()

    return fetch_calls
