"""The manager's page as an asset: one HTML file a day, and an index that links them."""

from typing import Any

import dagster as dg

from calls_assets.assets.specs import Partitions
from calls_assets.resources import Tables

NAME = "daily_report"
MADE_FROM = ("service_level", "agent_talk_time", "call_changes", "rejected_calls", "reconciliation", "calls")


def report_asset(partitions: Partitions) -> dg.AssetsDefinition:
    """The asset `daily_report`."""
    spec = dg.AssetSpec(
        NAME,
        deps=list(MADE_FROM),
        description="One self-contained HTML page a day for whoever runs the centre: service level and abandonment with what "
        "they are shares of, beside the same weekday and the last four weeks; by half-hour and ring group; agents by talk "
        "time; what changed, what is provisional, where the data is incomplete. `daily_report/index.html` links the days.",
        group_name="reports",
        kinds={"html"},
        owners=partitions.owners,
        tags={"audience": "manager", "personal_data": "agents"},
        partitions_def=partitions.definition,
    )

    @dg.multi_asset(name="write_daily_report", specs=[spec], backfill_policy=partitions.backfill_policy)
    def write_daily_report(context: dg.AssetExecutionContext, tables: Tables) -> Any:
        from calls_assets.assets.landing import landing
        from calls_assets.assets.pages import write_pages

        with landing(context, tables, partitions.zone, partitions.problems) as land:
            write_pages(land)
        yield from land.results()

    return write_daily_report
