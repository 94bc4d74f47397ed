"""What Dagster is told of the days of a range."""

import dagster as dg

from calls_assets.assets.landing import latest


def test_of_each_day_the_newest_materialization_counts():
    with dg.DagsterInstance.ephemeral() as instance:
        for day, take in [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-01", 3), ("2026-03-03", 4)]:
            event = dg.AssetMaterialization("calls", partition=day, metadata={"take": take})
            instance.report_runless_asset_event(event)
        found = latest(instance, "calls", ["2026-03-01", "2026-03-02", "2026-03-04"])
    takes = {day: record.asset_materialization.metadata["take"].value for day, record in found.items()}
    assert takes == {"2026-03-01": 3, "2026-03-02": 2}
